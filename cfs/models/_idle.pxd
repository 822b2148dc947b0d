# The hook table of the idle class, for code that makes a machine. `_idle.pyx` says what it does.

from .._types cimport sched_class

cdef const sched_class *idle_sched_class() noexcept nogil
