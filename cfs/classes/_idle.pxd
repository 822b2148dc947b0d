from .._types cimport sched_class

cdef const sched_class *idle_sched_class() noexcept nogil
