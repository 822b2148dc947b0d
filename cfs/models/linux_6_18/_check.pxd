# The invariants of EEVDF 6.18. `_check.pyx` says how they are checked.

from ..._types cimport rq


cdef int check_rq_fair(rq *rq) noexcept nogil   # number of the first broken one, or 0
