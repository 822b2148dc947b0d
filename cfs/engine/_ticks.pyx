"""Ticks that fall due by themselves, and a look ahead to the one that ends a turn.

What it decides: the order in which a machine ticks, and what the ticks of a span without other events amount to. A
tick is due on every CPU at one instant (`_hz` says which), CPU 0 first. It is the same event as one that is sent.

A charge rounds, so k ticks are k charges and never one of k-fold length: a busy machine is ticked one by one. While all
CPUs idle, a tick only refreshes clocks, so one tick at the end of the span leaves what all of them would. The exception
is what a class does in `rq_tick`. There the class says when one tick is enough (`idle_settled`): O(1) always, because
run times add up; 2.6.23 as soon as its load averages have died away, after some hundred ticks.

The look ahead performs the ticks on the machine itself; the caller puts back what was there (`_rewind`).

Invariants:
    I1  every tick before (next, cpu) of the ticker has been done, in order of time and then of CPU, and none after it

Rejected: the end of the turn by a formula (one for each model, and each would have to know how every charge rounds);
no ticks on idle CPUs, as in _sim (there nobody can see the difference; here clocks and load averages can be looked at).
"""

from .._core cimport BUG_NONE, EVENT_TICK, begin_event, end_event, scheduler_tick, would_fault
from .._hz cimport tick_time
from .._types cimport int32_t, machine, ns_t, rq, uint64_t

# ------------------------------------------------------------------------------------------------------------ ticks


cdef inline bint settled(const rq *rq) noexcept nogil:
    # would one tick of this CPU leave what many do?
    if rq.curr != rq.idle:
        return False
    if rq.sched_class.idle_settled != NULL:
        return rq.sched_class.idle_settled(rq)
    return rq.sched_class.rq_tick == NULL


cdef bint all_settled(const machine *m) noexcept nogil:
    cdef int32_t cpu
    for cpu in range(m.nr_cpus):
        if not settled(m.rqs[cpu]):
            return False
    return True


cdef int do_instant(machine *m, ticker *t) noexcept nogil:
    # the ticks of all CPUs at one time; what is left of them, after a fault
    cdef ns_t now = tick_time(t.hz, t.next)
    cdef rq *rq
    while t.cpu < m.nr_cpus:
        rq = m.rqs[t.cpu]
        if would_fault(rq, rq.curr, EVENT_TICK, NULL):
            return TICKS_FAULT
        t.cpu += 1
        begin_event(rq, now)
        scheduler_tick(rq)
        end_event(rq, now)
        if rq.bug != BUG_NONE:
            return TICKS_BUG
    t.cpu = 0
    t.next += 1
    return TICKS_DONE


cdef int run_ticks(machine *m, ticker *t, uint64_t last, uint64_t budget) noexcept nogil:
    # do what is due up to the instant `last`, at most `budget` instants
    cdef int status
    while t.next <= last:
        if budget == 0:
            return TICKS_PAUSED
        budget -= 1
        if t.cpu == 0 and t.next < last and all_settled(m):
            t.next = last
        status = do_instant(m, t)
        if status != TICKS_DONE:
            return status
    return TICKS_DONE

# ------------------------------------------------------------------------------------------------------- look ahead


cdef uint64_t nr_switches(const machine *m) noexcept nogil:
    cdef uint64_t nr = 0
    cdef int32_t cpu
    for cpu in range(m.nr_cpus):
        nr += m.rqs[cpu].nr_switches
    return nr


cdef bint may_change(const machine *m) noexcept nogil:
    # does a CPU run a task that has another one beside it? The idle task does not look at ticks
    cdef int32_t cpu
    for cpu in range(m.nr_cpus):
        if m.rqs[cpu].curr != m.rqs[cpu].idle and m.rqs[cpu].nr_running > 1:
            return True
    return False


cdef int look_ahead(machine *m, ticker *t, uint64_t last, uint64_t budget, uint64_t switches) noexcept nogil:
    # ticks up to the instant `last`, until there have been more than `switches`, or there can be no more
    cdef int status
    while t.next <= last and may_change(m):
        if budget == 0:
            return TICKS_PAUSED
        budget -= 1
        status = do_instant(m, t)
        if status != TICKS_DONE:
            return status
        if nr_switches(m) != switches:
            return TICKS_CHANGED
    return TICKS_DONE
