# The invariants of EEVDF 6.18. `_check.pyx` says how they are checked.

from ..._types cimport rq


# The number of the first broken one, or 0. Does the release have `max_slice`?
cdef int check_rq_fair(rq *rq, bint has_max_slice) noexcept nogil
