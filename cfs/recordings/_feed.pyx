"""From the facts of a binary recording to a `Tracker`.

What it decides: which record means what in the tracker's terms, and that a record as old as perf's and ftrace's
own small disorders is taken at the time of the one before, while one that is much older is left out.

    F1  Each fact is taken by the tracker, or counted here: nothing is lost without a word.
"""

from cython cimport final

from ._events cimport NR_CPUS_MAX
from ._facts cimport moment_t, named_t
from ._sink cimport *
from ._tracker cimport Tracker

cdef enum:
    DISORDER_NS_MAX = 1000000  # as of text


@final
cdef class Feed(Sink):
    """Gives facts to `tracker`.

    Attributes
    ----------
    tracker : Tracker
    nr_facts : int
        All facts.
    nr_strange : int
        Those that the tracker did not take: a task that is switched to itself, a pid that is none.
    nr_backwards : int
        Those more than 1 ms older than the one before: left out.
    """

    cdef readonly Tracker tracker
    cdef readonly size_t nr_facts, nr_strange, nr_backwards

    def __cinit__(self):
        self.tracker = Tracker()

    def finish(self):
        """No more facts come."""
        self.tracker.check_memory()
        self.tracker.finish()

    cdef int take(self, fact_t* fact) except -1 nogil:
        self.nr_facts += 1
        if fact.kind == MISSING:
            self.tracker.on_loss_here(fact.cpu, fact.value)
            return 0
        if not 0 <= fact.cpu < NR_CPUS_MAX:
            self.nr_strange += 1
        elif fact.time < self.tracker.now_ns - DISORDER_NS_MAX:
            self.nr_backwards += 1
        else:
            self.nr_strange += not self.is_taken(fact)
        if self.nr_facts & 0xFFFF == 0:
            with gil:
                self.tracker.check_memory()
        return 0

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
