"""From the facts of a binary recording to a `Tracker`.

What it decides: which record means what in the tracker's terms, and that a record as old as perf's and ftrace's
own small disorders is taken at the time of the one before, while one that is much older is left out. A record that
is much later than the one before is held back until the next one: if that is earlier, it has a wrong bit in its
time, and it is left out.

    F1  Each fact is taken by the tracker, or counted here: nothing is lost without a word.
"""

from cython cimport final
from libc.string cimport memcpy

from ._events cimport NR_CPUS_MAX
from ._facts cimport DISORDER_NS_MAX, jumps, moment_t, named_t
from ._sink cimport *
from ._tracker cimport Tracker

cdef enum:
    NAME_MAX = 64  # as much as the tracker keeps of a name


@final
cdef class Feed(Sink):
    """Gives facts to `tracker`.

    Attributes
    ----------
    tracker : Tracker
    nr_strange : int
        Those that the tracker did not take: a task that is switched to itself, a pid that is none.
    nr_backwards : int
        Those more than 1 ms older than the one before: left out.
    nr_jumps : int
        Those more than 10 s later than the one before and the next one: left out.
    """

    cdef readonly Tracker tracker
    cdef readonly size_t nr_strange, nr_backwards, nr_jumps
    cdef size_t nr_facts
    cdef fact_t held
    cdef bint is_holding
    cdef char names[2][NAME_MAX]  # of `held`: those of the file are gone by then

    def __cinit__(self):
        self.tracker = Tracker()

    def finish(self):
        """No more facts come."""
        with nogil:
            self.settle_held(self.tracker.now_ns)
        self.tracker.check_memory()
        self.tracker.finish()

    cdef int take(self, fact_t* fact) except -1 nogil:
        self.nr_facts += 1
        if self.nr_facts & 0xFFFF == 0:
            with gil:
                self.tracker.check_memory()
        if self.is_holding:
            self.settle_held(fact.time)
        if fact.kind == MISSING:
            self.tracker.on_loss_here(fact.cpu, fact.value)
        elif not 0 <= fact.cpu < NR_CPUS_MAX:
            self.nr_strange += 1
        elif self.tracker.start_ns >= 0 and jumps(fact.time, self.tracker.now_ns):
            self.hold(fact)
        else:
            self.take_in_time(fact)
        return 0

    cdef inline void take_in_time(self, const fact_t* fact) noexcept nogil:
        if fact.time < self.tracker.now_ns - DISORDER_NS_MAX:
            self.nr_backwards += 1
        elif not self.is_taken(fact):
            self.nr_strange += 1
        elif fact.group:
            self.tracker.on_group(fact.tid, fact.group)

    cdef void hold(self, const fact_t* fact) noexcept nogil:
        self.held = fact[0]
        self.is_holding = True
        keep_name(self.names[0], &self.held.name, &self.held.name_length)
        keep_name(self.names[1], &self.held.other_name, &self.held.other_length)

    cdef void settle_held(self, int64_t next_ns) noexcept nogil:
        if not self.is_holding:
            return
        self.is_holding = False
        if next_ns < self.held.time:
            self.nr_jumps += 1
        else:
            self.take_in_time(&self.held)

    cdef bint is_taken(self, const fact_t* fact) noexcept nogil:
        cdef moment_t at
        cdef named_t one, two
        at.time, at.cpu, at.tid, at.irq = fact.time, <uint32_t> fact.cpu, fact.tid, fact.irq
        one.name, one.end = fact.name, fact.name + fact.name_length
        one.pid, one.prio = fact.pid, fact.prio
        if fact.kind == SWITCHED or fact.kind == FORKED:
            two.name, two.end = fact.other_name, fact.other_name + fact.other_length
            two.pid, two.prio = fact.other, fact.other_prio
        if fact.kind == SWITCHED:
            if fact.pid < 0:
                return self.tracker.on_switch_in(&at, &two)
            return self.tracker.on_switch(&at, &one, fact.out, &two)
        if fact.kind == WAKING:
            return self.tracker.on_mention(&at, &one) if fact.was_awake else self.tracker.on_waking(&at, &one)
        if fact.kind == WAKEUP:
            return self.tracker.on_mention(&at, &one) if fact.was_awake else self.tracker.on_wakeup(&at, &one)
        if fact.kind == WAKEUP_NEW:
            return self.tracker.on_mention(&at, &one) if fact.was_awake else self.tracker.on_wakeup_new(&at, &one)
        if fact.kind == FORKED:
            return self.tracker.on_fork(&at, &one, &two)
        if fact.kind == RAN:
            return self.tracker.on_runtime(&at, &one, fact.value)
        if fact.kind == RENAMED:
            return self.tracker.on_mention(&at, &one)
        return self.tracker.on_context(&at)


cdef void keep_name(char* room, const char** name, uint16_t* length) noexcept nogil:
    if name[0] == NULL:
        return
    length[0] = min(length[0], NAME_MAX)
    memcpy(room, name[0], length[0])
    name[0] = room
