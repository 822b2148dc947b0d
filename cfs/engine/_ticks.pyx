"""Ticks that fall due by themselves, and a look ahead to the one that ends a turn.

What it decides: in which order a machine ticks, and what the ticks of a span without anything else amount to. A tick is
due on every CPU at one instant (`_hz` says which), CPU 0 first; it is the same event as one that is sent.

A charge rounds, so k ticks are k charges and never one of k-fold length: a busy machine is ticked one by one. While all
CPUs idle a tick only refreshes clocks, and one at the end of the span leaves what all of them would, but for what a class
does in `rq_tick`; there the class says when that holds (`idle_settled`): O(1) always, because run times add up, 2.6.23 as
soon as its load averages have died away, after some hundred ticks.

The look ahead performs the ticks on the machine itself, and then puts back what was there. It can, because a tick
neither makes nor frees anything but runs of a timeline: a pool put back does not know those taken since, and nothing
but the look ahead takes any.

Invariants:
    I1  every tick before (next, cpu) of the ticker has been done, in order of time and then of CPU, and none after it
    I2  exchange, done twice, changes nothing

Rejected: the end of the turn by a formula (one for each model, and each would have to know how every charge rounds);
a copy of the machine to look ahead on (every pointer translated, twenty times the cost); no ticks on idle CPUs, as in
_sim (there nobody can see the difference; here clocks and load averages can be looked at).
"""

from libc.stdlib cimport malloc
from libc.string cimport memcpy

from .._core cimport BUG_NONE, EVENT_TICK, begin_event, end_event, scheduler_tick
from .._hz cimport tick_time
from .._timeline cimport nr_runs_taken, run_numbered, runs_in_one_piece
from .._types cimport int32_t, machine, ns_t, rq, run, run_pool, sched_class, task_group, uint32_t, uint64_t

cdef enum:
    PIECE = 256                 # bytes that are exchanged at once

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
        if m.sched_class.would_fault != NULL and m.sched_class.would_fault(rq, rq.curr, EVENT_TICK, NULL):
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


cdef char *exchange_bytes(char *here, char *backup, size_t size) noexcept nogil:
    # returns where the backup goes on
    cdef char piece[PIECE]
    cdef size_t at = 0
    cdef size_t nr
    while at < size:
        nr = min(size - at, <size_t>PIECE)
        memcpy(piece, here + at, nr)
        memcpy(here + at, backup + at, nr)
        memcpy(backup + at, piece, nr)
        at += nr
    return backup + size


cdef char *exchange_runs(run_pool *pool, char *backup) noexcept nogil:
    # those that were taken when the backup was made: it begins with their number
    cdef uint64_t nr_runs = (<uint64_t *>backup)[0]
    cdef uint64_t number = 0
    cdef size_t nr
    backup = exchange_bytes(<char *>pool, backup + sizeof(uint64_t), sizeof(run_pool))
    while number < nr_runs:
        nr = runs_in_one_piece(pool, number, nr_runs)
        backup = exchange_bytes(<char *>run_numbered(pool, number), backup, nr * sizeof(run))
        number += nr
    return backup


cdef void exchange(machine *m, char *backup) noexcept nogil:
    # everything that a tick may write, with what the backup holds
    cdef const sched_class *cls = m.sched_class
    cdef task_group *tg = m.groups
    cdef int32_t cpu
    cdef uint32_t slot
    backup = exchange_runs(&m.runs, backup)
    for cpu in range(m.nr_cpus):
        backup = exchange_bytes(<char *>m.rqs[cpu], backup, cls.rq_size)
        backup = exchange_bytes(<char *>m.rqs[cpu].idle, backup, cls.task_size)
    while tg != NULL:
        backup = exchange_bytes(<char *>tg.cpus, backup, m.nr_cpus * cls.group_size)
        tg = tg.next
    for slot in range(m.nr_slots):
        if m.tasks[slot] != NULL:
            backup = exchange_bytes(<char *>m.tasks[slot], backup, cls.task_size)


cdef char *append(char *backup, const void *here, size_t size) noexcept nogil:
    memcpy(backup, here, size)
    return backup + size


cdef char *append_runs(char *backup, const run_pool *pool) noexcept nogil:
    cdef uint64_t nr_runs = nr_runs_taken(pool)
    cdef uint64_t number = 0
    cdef size_t nr
    backup = append(backup, &nr_runs, sizeof(uint64_t))
    backup = append(backup, pool, sizeof(run_pool))
    while number < nr_runs:
        nr = runs_in_one_piece(pool, number, nr_runs)
        backup = append(backup, run_numbered(pool, number), nr * sizeof(run))
        number += nr
    return backup


cdef size_t backup_size(const machine *m) noexcept nogil:
    cdef const sched_class *cls = m.sched_class
    cdef size_t size = sizeof(uint64_t) + sizeof(run_pool) + nr_runs_taken(&m.runs) * sizeof(run)
    size += m.nr_cpus * (cls.rq_size + cls.task_size) + (m.nr_slots - m.nr_free) * cls.task_size
    cdef const task_group *tg = m.groups
    while tg != NULL:
        size += m.nr_cpus * cls.group_size
        tg = tg.next
    return size


cdef char *new_backup(const machine *m) except NULL:
    # a copy of all that `exchange` exchanges, in its order; the caller frees it
    cdef const sched_class *cls = m.sched_class
    cdef char *backup = <char *>malloc(backup_size(m))
    cdef char *at = backup
    cdef const task_group *tg = m.groups
    cdef int32_t cpu
    cdef uint32_t slot
    if backup == NULL:
        raise MemoryError
    at = append_runs(at, &m.runs)
    for cpu in range(m.nr_cpus):
        at = append(at, m.rqs[cpu], cls.rq_size)
        at = append(at, m.rqs[cpu].idle, cls.task_size)
    while tg != NULL:
        at = append(at, tg.cpus, m.nr_cpus * cls.group_size)
        tg = tg.next
    for slot in range(m.nr_slots):
        if m.tasks[slot] != NULL:
            at = append(at, m.tasks[slot], cls.task_size)
    return backup
