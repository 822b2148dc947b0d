# What other walks over the event table share with `_walk`.

cdef class Zeroed:
    cdef void* at
