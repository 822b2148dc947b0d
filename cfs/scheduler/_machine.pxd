# The owner of a machine, as `_handles`, `_scheduler` and compiled embedders see it.

cimport cython

from cpython.long cimport PyLong_AsLongAndOverflow, PyLong_CheckExact

from .._core cimport BUG_NONE, begin_event, end_event, would_fault
from .._types cimport int32_t, machine, ns_t, rq, task, task_group, uint64_t
from ..engine._ticks cimport ticker
from ._border cimport time_from

cdef extern from *:
    """
    #ifndef CFS_DEBUG
    #define CFS_DEBUG 0
    #endif
    """
    const bint CHECK_EACH_STEP "CFS_DEBUG"


cdef class Machine:
    cdef machine m
    cdef ticker ticks           # of ticks that fall due by themselves
    cdef ns_t now               # time of the last event
    cdef uint64_t nr_events     # for error messages
    cdef readonly object model
    cdef object _tunables
    cdef dict names             # id of a living, named task -> its name
    cdef dict group_names       # group id -> name
    cdef dict group_addresses   # name -> address of its task_group

    cdef int room_for_ticks(self, int32_t cpus) except -1
    cdef int boot(self, int32_t group_by, int32_t cpus) except -1
    cdef object read_tunables(self)
    cdef int revive_groups(self, names) except -1
    cdef int revive_names(self, names) except -1
    cdef int catch_up(self, ns_t now) except -1
    cdef int note_ticks(self, uint64_t before) except -1
    cdef int let_signals_in(self) except -1
    cdef int remember_group(self, task_group *tg, name) except -1
    cdef str name_of(self, const task *p)
    cdef str name_running_on(self, int32_t cpu)

    # what a model has
    cdef int allowed(self, str option, str what) except -1
    cdef int policy_allowed(self, int policy, given) except -1
    cdef int root_group_has_shares(self, group_by) except -1

    # how each event begins and ends; the slow ways raise
    cdef long checked_cpu(self, cpu) except -1
    cdef int refuse_idle(self, const rq *rq, str event) except -1
    cdef int refuse_fault(self, str event) except -1
    cdef int look_for_bugs(self) except -1

    @cython.final
    cdef inline ns_t time_of(self, now_ns) except? 1:
        return time_from(now_ns, self.now)

    @cython.final
    cdef inline int pass_to(self, ns_t now) except -1:
        # the ticks that are due before an event, if this machine ticks by itself
        return self.catch_up(now) if self.ticks.hz else 0

    @cython.final
    cdef inline rq *rq_of(self, cpu) except NULL:
        cdef int overflow = 0
        cdef long number = -1
        if cpu is 0 and self.m.nr_cpus:             # the default: CPython has one 0
            return self.m.rqs[0]
        if PyLong_CheckExact(cpu):
            number = PyLong_AsLongAndOverflow(cpu, &overflow)
        if not 0 <= number < self.m.nr_cpus:
            number = self.checked_cpu(cpu)
        return self.m.rqs[number]

    @cython.final
    cdef inline int not_idle(self, const rq *rq, str event) except -1:
        return self.refuse_idle(rq, event) if rq.curr == rq.idle else 0

    @cython.final
    cdef inline int defined(self, rq *rq, task *p, int32_t event, task_group *to, str name) except -1:
        if would_fault(rq, p, event, to):
            return self.refuse_fault(name)
        return 0

    @cython.final
    cdef inline void begin(self, rq *rq, ns_t now) noexcept:
        self.now = now
        self.nr_events += 1
        begin_event(rq, now)

    @cython.final
    cdef inline bint end(self, rq *rq, const task *before) except -1:
        # act on the flags; True if the running task of this CPU is another one
        end_event(rq, self.now)
        if rq.bug != BUG_NONE or CHECK_EACH_STEP:
            self.look_for_bugs()
        return rq.curr != before
