# Ticks that fall due by themselves. `_ticks.pyx` says in which order, and what an idle CPU's amount to.

from .._types cimport int32_t, machine, uint64_t


cdef struct ticker:
    uint64_t hz                 # ticks a second; 0: this machine ticks when it is told to
    uint64_t next               # number of the instant that comes next: it is due at tick_time(hz, next), as `_hz` says
    int32_t cpu                 # whose turn it is at that instant; the CPUs before it have had theirs
    int32_t *room               # for a number of each CPU; it keeps nothing between calls, and its owner frees it

cdef enum:                      # how run_ticks and look_ahead ended
    TICKS_DONE = 0              # no tick is due any more
    TICKS_PAUSED = 1            # the budget is used up
    TICKS_FAULT = 2             # the tick that comes next is undefined in the model; it has not been done
    TICKS_BUG = 3               # a CPU has reported a bug
    TICKS_CHANGED = 4           # look_ahead: the last instant has changed a running task

cdef uint64_t nr_switches(const machine *m) noexcept nogil
cdef int run_ticks(machine *m, ticker *t, uint64_t last, uint64_t budget) noexcept nogil
cdef bint may_change(const machine *m) noexcept nogil
cdef int look_ahead(machine *m, ticker *t, uint64_t last, uint64_t budget, uint64_t switches) noexcept nogil
