# Putting a machine back to where it was. `_rewind.pyx` says what that takes.

from .._types cimport machine, rq, task


cdef struct block:              # bytes of a machine, or of whoever drives it
    char *here
    size_t size


cdef struct rewind:             # zeroed; free_rewind at the end
    block *blocks
    size_t nr_blocks
    size_t blocks_max
    char *bytes                 # what `save` has copied, block by block
    size_t nr_bytes             # of all blocks
    size_t room

cdef void free_rewind(rewind *back) noexcept nogil
cdef void forget_blocks(rewind *back) noexcept nogil
cdef int list_block(rewind *back, void *here, size_t size) except -1
cdef int list_machine(rewind *back, machine *m) except -1
cdef int list_cpu(rewind *back, rq *rq) except -1
cdef int list_task(rewind *back, task *p) except -1
cdef int list_all(rewind *back, machine *m) except -1
cdef int save(rewind *back) except -1
cdef void restore(const rewind *back) noexcept nogil
cdef void exchange(const rewind *back) noexcept nogil
