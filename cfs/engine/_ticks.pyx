"""Ticks that fall due by themselves, and a look ahead to the one that ends a turn.

What it decides: the order in which a machine ticks, and what the ticks of a span without other events amount to. A
tick is due on every CPU at one instant (`_hz` says which), CPU 0 first. It is the same event as one that is sent.

A charge rounds, so k ticks are k charges and never one of k-fold length: a busy CPU is ticked one by one. On an idle one a
tick only refreshes the clock, and one at the end of the span leaves what all of them would, but for what a class does in
`rq_tick`; there the class says when that holds (`idle_settled`): O(1) always, because run times add up, 2.6.23 as soon as its
load averages have died away, after some hundred ticks. Such a CPU rests: the instants pass over it, and its clock is put right
when the span ends. A tick touches no CPU but its own, so a CPU that rests goes on resting until another event comes, and that
comes after the span.

The end of a span looks at every CPU, because the clock of each can be looked at after it: 2 ns for one that rests. An instant
within it costs what it touches.

The look ahead performs the ticks on the machine itself; the caller puts back what was there (`_rewind`).

Invariants:
    I1  after a span every tick before (next, cpu) of the ticker has been done, and none after it; what there is to see is what
        they leave in order of time and then of CPU

Rejected: the end of the turn by a formula (one for each model, and each would have to know how every charge rounds);
no ticks on idle CPUs, as in _sim (there nobody can see the difference; here clocks and load averages can be looked at); a
clock that is put right when somebody looks (every event and every look would have to ask for it).
"""

from .._core cimport BUG_NONE, EVENT_TICK, begin_event, end_event, scheduler_tick, update_rq_clock, would_fault
from .._hz cimport tick_time
from .._types cimport HELD, int32_t, machine, ns_t, rq, uint64_t

cdef enum:
    INSTANTS_A_SPAN = 256       # between two looks at which CPUs rest


cdef struct roster:             # the CPUs that do not rest, by number, in the room of a ticker
    int32_t *cpus
    int32_t nr

# ------------------------------------------------------------------------------------------------------------ ticks


cdef inline bint settled(const rq *rq) noexcept nogil:
    # would one tick of this CPU leave what many do?
    if rq.curr != rq.idle:
        return False
    if rq.sched_class.idle_settled != NULL:
        return rq.sched_class.idle_settled(rq)
    return rq.sched_class.rq_tick == NULL


cdef inline bint rests(const rq *rq) noexcept nogil:
    return settled(rq) and not rq.curr.need_resched


cdef roster list_awake(const machine *m, const ticker *t) noexcept nogil:
    cdef roster awake
    cdef int32_t cpu
    awake.cpus, awake.nr = t.room, 0
    for cpu in range(m.nr_cpus):
        awake.cpus[awake.nr] = cpu
        awake.nr += not rests(m.rqs[cpu])
    return awake


cdef inline int tick_cpu(machine *m, ticker *t, int32_t cpu, ns_t now) noexcept nogil:
    cdef rq *rq = m.rqs[cpu]
    t.cpu = cpu
    if would_fault(rq, rq.curr, EVENT_TICK, NULL):
        return TICKS_FAULT
    t.cpu += 1
    begin_event(rq, now)
    scheduler_tick(rq)
    end_event(rq, now)
    return TICKS_DONE if rq.bug == BUG_NONE else TICKS_BUG


cdef inline void end_instant(ticker *t) noexcept nogil:
    t.cpu = 0
    t.next += 1


cdef inline void let_pass(rq *rq, ns_t now) noexcept nogil:
    # all that ticks up to `now` do to a CPU that rests
    rq.now = now
    update_rq_clock(rq)
    if rq.sched_class.rq_tick != NULL:
        rq.sched_class.rq_tick(rq)


cdef int do_instant(machine *m, ticker *t) noexcept nogil:
    # the ticks of all CPUs at one time; what is left of them, after a fault
    cdef ns_t now = tick_time(t.hz, t.next)
    cdef int status
    while t.cpu < m.nr_cpus:
        status = tick_cpu(m, t, t.cpu, now)
        if status != TICKS_DONE:
            return status
    end_instant(t)
    return TICKS_DONE


cdef int do_instant_once(machine *m, ticker *t) noexcept nogil:
    # The same, with those passed over that rest. The last CPU is not: it is the one that has executed then; after a fault,
    # that is the one before
    cdef ns_t now = tick_time(t.hz, t.next)
    cdef int32_t cpu
    cdef int status
    for cpu in range(m.nr_cpus):
        if cpu + 1 < m.nr_cpus and rests(m.rqs[cpu]):
            let_pass(m.rqs[cpu], now)
            continue
        status = tick_cpu(m, t, cpu, now)
        if status == TICKS_FAULT and cpu and m.this_rq != m.rqs[cpu - 1]:
            begin_event(m.rqs[cpu - 1], now)
        if status != TICKS_DONE:
            return status
    end_instant(t)
    return TICKS_DONE


cdef int do_awake(machine *m, ticker *t, const roster *awake) noexcept nogil:
    # the same of those CPUs only
    cdef ns_t now = tick_time(t.hz, t.next)
    cdef int32_t i
    cdef int status
    for i in range(awake.nr):
        status = tick_cpu(m, t, awake.cpus[i], now)
        if status != TICKS_DONE:
            return status
    end_instant(t)
    return TICKS_DONE


cdef void catch_up_rest(machine *m, const ticker *t, const roster *awake, uint64_t first) noexcept nogil:
    # CPUs that have rested since instant `first`; the one whose tick was the last of all is the one that executes
    cdef int32_t last = (t.cpu if t.cpu else m.nr_cpus) - 1
    cdef int32_t cpu
    cdef int32_t i = 0
    cdef uint64_t number
    cdef ns_t[2] times
    times[0], times[1] = tick_time(t.hz, t.next - 1), tick_time(t.hz, t.next)
    for cpu in range(m.nr_cpus):
        if i < awake.nr and awake.cpus[i] == cpu:
            i += 1
            continue
        if t.next - 1 + (cpu < t.cpu) < first:
            continue
        let_pass(m.rqs[cpu], times[cpu < t.cpu])
        if cpu == last:
            begin_event(m.rqs[cpu], m.rqs[cpu].clock)


cdef int do_span(machine *m, ticker *t, uint64_t last, uint64_t budget) noexcept nogil:
    # the instants up to `last`, at most so many that it is worth while to ask again who rests
    cdef uint64_t first = t.next
    cdef roster awake = list_awake(m, t)
    cdef int status = TICKS_DONE
    if awake.nr == 0:
        t.next = last
    last = min(last, t.next + min(budget, <uint64_t>INSTANTS_A_SPAN) - 1)
    while t.next <= last and status == TICKS_DONE:
        status = do_awake(m, t, &awake)
    catch_up_rest(m, t, &awake, first)
    return status


cdef int run_alone(machine *m, ticker *t, uint64_t last, uint64_t budget) noexcept nogil:
    # of the only CPU
    cdef int status
    while t.next <= last:
        if budget == 0:
            return TICKS_PAUSED
        budget -= 1
        if t.cpu == 0 and t.next < last and settled(m.rqs[0]):
            t.next = last
        status = do_instant(m, t)
        if status != TICKS_DONE:
            return status
    return TICKS_DONE


cdef inline int do_next(machine *m, ticker *t, uint64_t last, uint64_t budget) noexcept nogil:
    if t.cpu:
        return do_instant(m, t)                 # what is left of one
    if t.next < last:
        return do_span(m, t, last, budget)
    # where a class does something in each tick, to ask who rests costs as much as to tick
    return do_instant(m, t) if m.sched_class.rq_tick != NULL else do_instant_once(m, t)


cdef int run_ticks(machine *m, ticker *t, uint64_t last, uint64_t budget) noexcept nogil:
    # do what is due up to the instant `last`, at most `budget` instants in which a CPU is awake
    cdef int status
    cdef uint64_t end = t.next + min(budget, last)
    if m.nr_cpus == 1:
        return run_alone(m, t, last, budget)
    while t.next <= last:
        if t.next >= end:
            return TICKS_PAUSED
        status = do_next(m, t, last, end - t.next)
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


cdef inline bint has_company(const rq *rq) noexcept nogil:
    # can a tick hand the CPU on? The idle task does not look at ticks, and a task in the kernel is only marked
    return rq.curr != rq.idle and rq.nr_running > 1 and not rq.curr.need_resched & HELD


cdef bint may_change(const machine *m) noexcept nogil:
    # does a CPU run a task that has another one beside it?
    cdef int32_t cpu
    for cpu in range(m.nr_cpus):
        if has_company(m.rqs[cpu]):
            return True
    return False


cdef bint one_may_change(const machine *m, const roster *awake) noexcept nogil:
    cdef int32_t i
    for i in range(awake.nr):
        if has_company(m.rqs[awake.cpus[i]]):
            return True
    return False


cdef uint64_t nr_switches_of(const machine *m, const roster *awake) noexcept nogil:
    cdef uint64_t nr = 0
    cdef int32_t i
    for i in range(awake.nr):
        nr += m.rqs[awake.cpus[i]].nr_switches
    return nr


cdef int look_at(machine *m, ticker *t, uint64_t last, uint64_t budget, const roster *awake, uint64_t switches) noexcept nogil:
    # of these CPUs; nobody sees the clocks of the others
    cdef int status
    while t.next <= last and one_may_change(m, awake):
        if budget == 0:
            return TICKS_PAUSED
        budget -= 1
        status = do_instant(m, t) if t.cpu else do_awake(m, t, awake)
        if status != TICKS_DONE:
            return status
        if nr_switches_of(m, awake) != switches:
            return TICKS_CHANGED
    return TICKS_DONE


cdef int look_ahead(machine *m, ticker *t, uint64_t last, uint64_t budget, uint64_t switches) noexcept nogil:
    # ticks up to the instant `last`, until there have been more than `switches`, or there can be no more
    cdef roster awake = list_awake(m, t)
    return look_at(m, t, last, budget, &awake, switches - nr_switches(m) + nr_switches_of(m, &awake))
