"""Walks over the event table: who ran when, who woke whom, how each task came and went, and what it would do again.

Every walk reads the table once in order, holding a few numbers a task, so each costs some 10 ns an event.
What a wakeup was caused by is not decided here: `Programs` takes the verdicts of `causes.py`, one byte a wakeup.

`programs` turns a real order of events into one program a task. An operation is appended at the moment at
which it took place in the recording, and this gives what a replay needs:

P1  The recorded order is an execution: taking the operations of all tasks in the order in which they were
    appended, no WAIT comes before its WAKE. A WAIT is appended together with its WAKE, or, if the wakeup came
    before the block (TAKEN), after it. So no set of programs from here can deadlock: whatever order a
    scheduler chooses, some task that is first in the recorded order can go on.
P2  A task has as many WAITs as there are WAKEs that name it.
P3  The RUNs of a task add up to the CPU time that it had on the chosen CPUs, as far as its runs were
    recorded: a run whose end was not recorded counts nothing, here as in `runs` and `busy`.
P4  A task exits here if it did so on a chosen CPU. What ended elsewhere is asleep, seen from here, as it is
    in `runs`.
P5  A wait that the recording hides (`answers.py`) is put where the waker was preempted, its WAKE where the task that
    answers blocked. Both are appended at that block, so P1 and P2 hold.
P6  A wakeup by a task that feeds the woken one (`answers.py`) is a PUT: it found the other one asleep, and does again.
P7  What the kernel does for a wakeup and for a block costs CPU time of the task, and a program must not have it where
    another scheduler wakes and blocks elsewhere. Partners that wait unseen show it. A round from WAIT to WAIT is
    compared with one that woke somebody and did not block: what it takes longer if it blocked before it, and if it
    blocked after it, is the cost of a block; what it takes longer than one that blocked and woke nobody, without that,
    is the cost of a wakeup. Medians count, and no kernel takes longer than COST_NS_MAX. A RUN behind a WAKE or WAIT of
    such a task is without them, and says them as its second argument, so P3 holds for the recorded order.

What the recording does not say stays unknown: `runs` gives no wait that was not seen from one end to the
other (a loss on its CPUs in between is enough), and no length to a run of which one end was lost.

A task is HERE (running, queued or asleep on the chosen CPUs), or AWAY (on another CPU, seen from here
asleep), or it has not begun, or it has ended. What happens to a task that is not here leaves no operation but
the SLEEP that covers its absence.
"""

from cython cimport final
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from libc.stdint cimport INT64_MAX

import numpy as np

from ..engine._program cimport (
    OP_EXIT,
    OP_FORK,
    OP_NEXT,
    OP_NICE,
    OP_RUN,
    OP_SLEEP_UNTIL,
    OP_PUT,
    OP_WAIT,
    OP_WAKE,
    op as op_t,
)
from ..engine._runs cimport (
    OUT_RUNNING,
    OUT_UNKNOWN,
    READY_FORK,
    READY_FOUND,
    READY_PREEMPTED,
    READY_UNKNOWN,
    READY_WAKEUP,
    run as run_t,
)
from ._events cimport *

from ..result import RUN_DTYPE
from ..workload.ops import OP_DTYPE

cdef enum:  # how the first moment of a task is known
    SAID = 0  # a wakeup or a fork is recorded
    FOUND_RUNNING = 1
    GUESSED = 2

cdef enum:
    RELEASE_NS_MIN = -100000  # a wakeup earlier or later than this after a release is none of that release
    RELEASE_NS_MAX = 500000
    EXIT_NS_MAX = 1000000  # the way of an exiting task through the kernel: half take 60 us, one in twenty 200

cdef enum:  # where a task is, seen from the chosen CPUs
    NOT_BEGUN = 0
    ON_CPU = 1
    WAITING = 2  # runnable
    SLEEPING = 3
    AWAY = 4
    ENDED = 5

EVENT_DTYPE = np.dtype(
    [("delta", "<u4"), ("task", "<u4"), ("context", "<u4"), ("cpu", "<u2"), ("kind", "u1"), ("detail", "u1")]
)

WAKEUP_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),
        ("slept_ns", "<i8"),  # since the block; -1: not known, or the block came later
        ("task", "<u4"),
        ("context", "<u4"),  # who was running; 0xFFFFFFFF: the idle task, 0xFFFFFFFE: not known
        ("landed", "<i2"),  # the CPU where the task ran next; -1: never
        ("cpu", "<u2"),  # where it was raised
        ("kind", "u1"),  # 3 wakeup, 5 wakeup that came before the block, 7 fork
        ("irq", "u1"),  # 0 not known, 1 process context, 2 hard, 3 soft interrupt, 4 raised elsewhere
        ("block", "u1"),  # 4 uninterruptible (D), 8 idle kernel thread (I), else 0
        ("_", "u1"),
    ]
)

cdef struct wakeup_t:
    int64_t time_ns
    int64_t slept_ns
    uint32_t task
    uint32_t context
    int16_t landed
    uint16_t cpu
    uint8_t kind
    uint8_t irq
    uint8_t block
    uint8_t spare

cdef struct since_t:  # a task in `runs` and `wakeups`
    int64_t ready_ns
    int64_t ready_at  # index of the event that said so
    int64_t blocked_ns
    int64_t wakeup
    int32_t cpu  # where it ran last, -1: not known
    uint8_t ready
    uint8_t block

cdef struct sink_t:  # where runs are put
    run_t* rows  # NULL: nowhere
    int64_t nr
    const int32_t* new_row  # NULL: each task keeps its own
    int64_t until_ns
    uint8_t* ready  # without rows, of each task: of the first run,
    uint8_t* exits  # whether one ends in an exit,
    int64_t* start_ns  # and when the first begins

cdef extern from *:
    """
    #if defined(__GLIBC__)
    #include <malloc.h>
    #define cfs_give_back() malloc_trim(0)
    #else
    #define cfs_give_back() 0
    #endif
    """
    int cfs_give_back()


def give_back():
    """Give memory that is free back to the system, where the C library would keep it for the next time.

    Judging the wakeups of a large recording leaves some 80 MiB: arrays just too small to be pages of their own.
    """
    cfs_give_back()


@final
cdef class Zeroed:
    """Memory of zeros that goes with its owner."""

    def __cinit__(self, size_t number, size_t size):
        self.at = PyMem_RawCalloc(number if number else 1, size)
        if self.at == NULL:
            raise MemoryError(f"no memory for {number} x {size} bytes")

    def __dealloc__(self):
        PyMem_RawFree(self.at)


def runs(
    const event_t[::1] events,
    size_t nr_tasks,
    size_t nr_cpus,
    int64_t end_ns,
    const uint8_t[::1] chosen,
    const int32_t[::1] row_of=None,
    until_ns=None,
):
    """Who ran when, as measured.

    Parameters
    ----------
    events : numpy.ndarray
        The event table.
    nr_tasks, nr_cpus : int
        Rows of tasks; one more than the largest CPU.
    end_ns : int
        Where the runs end that are still going on, ns since the start.
    chosen : numpy.ndarray
        ``(nr_cpus,) uint8``, 1 for the CPUs wanted.
    row_of : numpy.ndarray, optional
        ``(nr_tasks,) int32``: the number that each task has in the result, -1 for those that are not wanted; by default
        its own.
    until_ns : int, optional
        Only what began before it, or was found at the start; what ends later goes on there. By default all.

    Returns
    -------
    numpy.ndarray
        ``(nr_runs,)`` of `cfs.result.RUN_DTYPE` in the order of their ends, ns since the start.
    """
    cdef Py_ssize_t i, nr_events = events.shape[0]
    cdef int64_t length = 0
    cdef const int32_t* new_row = &row_of[0] if row_of is not None and row_of.shape[0] else NULL
    for i in range(nr_events):
        length += is_run(&events[i]) and chosen[events[i].cpu] and (new_row == NULL or new_row[events[i].task] >= 0)
    table = np.empty(length, RUN_DTYPE)
    cdef run_t[::1] rows = table
    cdef int64_t until = INT64_MAX if until_ns is None else until_ns
    cdef run_t* place = &rows[0] if length else NULL
    cdef sink_t out = sink_t(place, 0, new_row, until, NULL, NULL, NULL)
    walk_runs(events, nr_tasks, nr_cpus, end_ns, chosen, &out)
    return table[:out.nr]


def ends_of_tasks(
    const event_t[::1] events,
    size_t nr_tasks,
    size_t nr_cpus,
    int64_t end_ns,
    const uint8_t[::1] chosen,
    const int32_t[::1] row_of,
    size_t nr_rows,
):
    """How each task became ready for its first run, and whether it exits: what `runs` says, without the runs.

    Parameters
    ----------
    events, nr_tasks, nr_cpus, end_ns, chosen, row_of
        As for `runs`. A run that begins at the very end is none.
    nr_rows : int
        One more than the greatest number in `row_of`.

    Returns
    -------
    ready, exits : numpy.ndarray
        ``(nr_rows,) uint8``: `cfs.result.Ready` of the first run, WAKEUP for a task without one; and 1 if a run ends in
        an exit.
    """
    ready, exits = np.full(nr_rows, READY_WAKEUP, np.uint8), np.zeros(nr_rows, np.uint8)
    start_ns = np.full(nr_rows, INT64_MAX, np.int64)
    cdef uint8_t[::1] ready_of = ready
    cdef uint8_t[::1] exits_of = exits
    cdef int64_t[::1] start_of = start_ns
    if not nr_rows or not nr_tasks:
        return ready, exits
    cdef sink_t out = sink_t(NULL, 0, &row_of[0], end_ns, &ready_of[0], &exits_of[0], &start_of[0])
    walk_runs(events, nr_tasks, nr_cpus, end_ns, chosen, &out)
    return ready, exits


cdef walk_runs(
    const event_t[::1] events,
    size_t nr_tasks,
    size_t nr_cpus,
    int64_t end_ns,
    const uint8_t[::1] chosen,
    sink_t* out,
):
    # every run on the chosen CPUs, in the order of their ends
    cdef Py_ssize_t i, nr_events = events.shape[0]
    cdef const event_t* first = &events[0] if nr_events else NULL
    cdef const uint8_t* is_chosen = &chosen[0]
    cdef Zeroed running_memory = Zeroed(nr_cpus, sizeof(run_t))
    cdef Zeroed since_memory = Zeroed(nr_tasks, sizeof(since_t))
    cdef Zeroed loss_memory = Zeroed(nr_cpus, sizeof(int64_t))
    cdef int64_t* losses = <int64_t*> loss_memory.at  # of each CPU one more than the index of the last
    cdef run_t* running = <run_t*> running_memory.at
    cdef since_t* since = <since_t*> since_memory.at
    cdef run_t* r
    cdef const event_t* e
    cdef clock_t clock = clock_t(0, 0, 0)
    with nogil:
        forget(running, nr_cpus, since, nr_tasks)
        for i in range(nr_events):
            e = first + i
            pass_time(&clock, e)
            if e.kind != SWITCH:
                note_ready(e, since, losses, nr_cpus, clock.now, i)
                continue
            r = &running[e.cpu]
            if r.task < NOBODY:
                end_run(r, &since[r.task], e.detail, clock.at, i)
                if is_chosen[e.cpu]:
                    put(out, r)
            begin_run(r, e, since, losses, clock.at)
        for i in range(<Py_ssize_t> nr_cpus):
            if running[i].task < NOBODY and is_chosen[i]:
                running[i].end_ns = max(end_ns, running[i].start_ns)
                running[i].out = OUT_RUNNING
                put(out, &running[i])


cdef inline void put(sink_t* to, const run_t* r) noexcept nogil:
    # a run that is over goes into the table, if it is wanted, or what is wanted of it is noted
    cdef run_t* row
    cdef int32_t task = <int32_t> r.task if to.new_row == NULL else to.new_row[r.task]
    if task < 0 or r.start_ns >= to.until_ns and not (r.ready == READY_FOUND and r.start_ns == 0):
        return
    if to.rows == NULL:
        if r.start_ns < to.start_ns[task]:
            to.start_ns[task], to.ready[task] = r.start_ns, r.ready
        to.exits[task] |= r.out == OUT_EXITED
        return
    row = to.rows + to.nr
    row[0] = r[0]
    row.task = <uint32_t> task
    if row.end_ns > to.until_ns:
        row.end_ns, row.out = to.until_ns, OUT_RUNNING
    to.nr += 1


cdef inline bint is_run(const event_t* e) noexcept nogil:
    return e.kind == SWITCH and e.task < NOBODY


cdef inline bint is_found(const event_t* e) noexcept nogil:
    # It ran already when the CPU was first seen, or seen again after a loss.
    return e.detail & SWITCH_FIRST != 0


cdef void forget(run_t* running, size_t nr_cpus, since_t* since, size_t nr_tasks) noexcept nogil:
    # Nothing is known of anybody yet.
    cdef size_t i
    for i in range(nr_cpus):
        running[i].task = NOBODY
    for i in range(nr_tasks):
        since[i].ready_ns = since[i].cpu = -1


cdef inline void note_ready(
    const event_t* e, since_t* since, int64_t* losses, size_t nr_cpus, int64_t now, int64_t at
) noexcept nogil:
    # Of a loss on a CPU: from where on its waits are not known.
    if e.kind == WAKE or e.kind == READY or e.kind == FORK:
        since[e.task].ready_ns = now
        since[e.task].ready_at = at
        since[e.task].ready = READY_FORK if e.kind == FORK else READY_WAKEUP
    elif e.kind == LOSS and e.cpu < nr_cpus:  # else nobody ran there
        losses[e.cpu] = at + 1


cdef inline void begin_run(run_t* r, const event_t* e, since_t* since, const int64_t* losses, int64_t now) noexcept nogil:
    r.task = NOBODY
    if is_run(e):
        begin_stay(r, e, &since[e.task], losses, now)


cdef void begin_stay(run_t* r, const event_t* e, since_t* s, const int64_t* losses, int64_t now) noexcept nogil:
    # How long a task waited is known if both ends are recorded, and nothing was lost between them.
    cdef int64_t lost_at = max(losses[e.cpu], losses[s.cpu] if s.cpu >= 0 else 0)
    cdef bint is_known = s.ready_ns >= 0 and s.ready_at >= lost_at
    is_known = is_known and not e.detail & (SWITCH_INFERRED | SWITCH_FIRST)
    r.task = e.task
    r.cpu = e.cpu
    r.start_ns = now
    r.ready_ns = s.ready_ns if is_known else -1
    r.ready = s.ready if is_known else <uint8_t> (READY_FOUND if is_found(e) else READY_UNKNOWN)
    s.ready_ns = -1
    s.cpu = e.cpu


cdef void end_run(run_t* r, since_t* s, uint8_t detail, int64_t now, int64_t at) noexcept nogil:
    # Of a run whose end is not known there is only the beginning.
    r.end_ns = r.start_ns if detail & SWITCH_LOST else max(now, r.start_ns)
    r.out = <uint8_t> OUT_UNKNOWN if detail & SWITCH_LOST else detail & OUT_MASK
    if r.out == OUT_PREEMPTED:
        s.ready_ns = r.end_ns
        s.ready_at = at
        s.ready = READY_PREEMPTED


def wakeups(const event_t[::1] events, size_t nr_tasks):
    """Who was woken or forked, in whose context.

    Parameters
    ----------
    events, nr_tasks
        As for `runs`.

    Returns
    -------
    numpy.ndarray
        ``(nr_wakeups,)`` of `WAKEUP_DTYPE` in the order of time, ns since the start.
    """
    cdef Py_ssize_t i, nr_events = events.shape[0]
    cdef int64_t nr = 0, length = 0
    for i in range(nr_events):
        length += events[i].kind == WAKE or events[i].kind == TAKEN or events[i].kind == FORK
    table = np.zeros(length, WAKEUP_DTYPE)
    cdef wakeup_t[::1] rows = table
    cdef wakeup_t* out = &rows[0] if length else NULL
    cdef const event_t* first = &events[0] if nr_events else NULL
    cdef Zeroed memory = Zeroed(nr_tasks, sizeof(since_t))
    cdef since_t* since = <since_t*> memory.at
    cdef const event_t* e
    cdef since_t* s
    cdef clock_t clock = clock_t(0, 0, 0)
    with nogil:
        for i in range(<Py_ssize_t> nr_tasks):
            since[i].wakeup = since[i].blocked_ns = -1
        for i in range(nr_events):
            e = first + i
            pass_time(&clock, e)
            if e.kind == WAKE or e.kind == TAKEN or e.kind == FORK:
                s = &since[e.task]
                describe(&out[nr], e, s, clock.now)
                s.wakeup = nr
                s.blocked_ns = -1
                nr += 1
            elif e.kind == SWITCH:
                if e.context < NOBODY and e.detail & (OUT_MASK | SWITCH_LOST) == OUT_BLOCKED:
                    since[e.context].blocked_ns = clock.at
                    since[e.context].block = e.detail & (BLOCK_D | BLOCK_I)
                if e.task < NOBODY:
                    s = &since[e.task]
                    s.blocked_ns = -1
                    if s.wakeup >= 0:
                        out[s.wakeup].landed = <int16_t> e.cpu
                        s.wakeup = -1
    return table


cdef void describe(wakeup_t* w, const event_t* e, since_t* s, int64_t now) noexcept nogil:
    w.time_ns = now
    w.slept_ns = now - s.blocked_ns if e.kind == WAKE and s.blocked_ns >= 0 else -1
    w.task = e.task
    w.context = e.context
    w.landed = -1
    w.cpu = e.cpu
    w.kind = e.kind
    w.irq = e.detail
    w.block = s.block if e.kind == WAKE else 0


def stays(const event_t[::1] events, size_t nr_tasks, int64_t end_ns, const int32_t[::1] column):
    """CPU time and stays of each task, on each of some CPUs or on several together.

    Parameters
    ----------
    events, nr_tasks, end_ns
        As for `runs`.
    column : numpy.ndarray
        ``(nr_cpus,) int32``: for each CPU where it is counted, 0, 1, ...; -1 for those that do not count.

    Returns
    -------
    busy_ns : numpy.ndarray
        ``(nr_columns, nr_tasks) int64``, ns.
    nr_ins : numpy.ndarray
        ``(nr_columns, nr_tasks) int64``, how often the task came there, or was found there (0 if never; a run may
        last 0 ns).
    """
    cdef int64_t nr_columns = max(int(np.max(column, initial=-1)) + 1, 1)
    table = np.zeros((2, nr_columns * nr_tasks), np.int64)
    cdef int64_t[:, ::1] rows = table
    cdef int64_t* times = &rows[0, 0] if nr_tasks else NULL
    cdef int64_t* nr_ins = times + nr_columns * nr_tasks
    cdef const event_t* e
    cdef const event_t* first = &events[0] if events.shape[0] else NULL
    cdef const int32_t* of_cpu = &column[0] if column.shape[0] else NULL
    cdef Zeroed memory = Zeroed(column.shape[0], sizeof(run_t))
    cdef run_t* running = <run_t*> memory.at
    cdef run_t* r
    cdef Py_ssize_t i, nr_events = events.shape[0], nr_cpus = column.shape[0]
    cdef int64_t place
    cdef clock_t clock = clock_t(0, 0, 0)
    with nogil:
        for i in range(nr_cpus):
            running[i].task = NOBODY
        for i in range(nr_events):
            e = first + i
            pass_time(&clock, e)
            if e.kind == SWITCH and of_cpu[e.cpu] >= 0:
                r = &running[e.cpu]
                place = of_cpu[e.cpu] * <int64_t> nr_tasks
                if r.task < NOBODY and not e.detail & SWITCH_LOST:
                    times[place + r.task] += max(clock.at - r.start_ns, 0)
                r.task = e.task
                r.start_ns = clock.at
                if e.task < NOBODY:
                    nr_ins[place + e.task] += 1
        for i in range(nr_cpus):
            r = &running[i]
            if r.task < NOBODY:
                times[of_cpu[i] * <int64_t> nr_tasks + r.task] += max(end_ns - r.start_ns, 0)
    return table[0].reshape(nr_columns, nr_tasks), table[1].reshape(nr_columns, nr_tasks)


def blind_runs(const event_t[::1] events, size_t nr_cpus):
    """Where the runs begin whose end was not recorded: indices of SWITCH events, ascending, ``int64``."""
    cdef Py_ssize_t i, nr_events = events.shape[0]
    cdef int64_t nr = 0, length = 0
    for i in range(nr_events):
        length += events[i].kind == SWITCH and events[i].detail & SWITCH_LOST != 0
    table = np.zeros(length, np.int64)
    cdef int64_t[::1] rows = table
    cdef Zeroed memory = Zeroed(nr_cpus, sizeof(int64_t))
    cdef int64_t* began = <int64_t*> memory.at
    if length == 0:
        return table
    for i in range(nr_events):
        if events[i].kind == SWITCH:
            if events[i].detail & SWITCH_LOST:
                rows[nr] = began[events[i].cpu]
                nr += 1
            began[events[i].cpu] = i
    return np.sort(table)


# ---- programs

cdef enum:  # what stands in front of a RUN
    BEHIND_OTHER = 0
    BEHIND_WAKE = 1
    BEHIND_UNSEEN_WAKE = 2  # in the recording nobody was woken
    BEHIND_WAIT = 3
    BEHIND_UNSEEN_WAIT = 4  # in the recording it did not block

cdef enum:  # how a round of partners began, and ends
    UNTOLD = 0
    BLOCKED = 1
    UNSEEN = 2

cdef enum:  # rounds that are compared
    WOKE = 0  # it woke its partner, and blocked neither before nor after
    WOKE_AND_BLOCKED = 1  # the same, and blocked after it
    BLOCKED_AND_WOKE = 2  # the same, and had blocked before it
    ANSWERED = 3  # it woke nobody, and blocked before and after
    NR_ROUNDS_MAX = 1024  # of each kind
    NR_ROUNDS_MIN = 20
    COST_NS_MAX = 100000

cdef struct life_t:  # a task in `programs`
    int64_t start_ns
    int64_t since_ns  # running here since, as far as it is not accounted
    int64_t had_ns  # CPU time since the last operation
    int64_t left_ns  # when it left: blocked, or switched out to go to another CPU
    int64_t ready_ns  # since when it is runnable; -1: not known
    int64_t first_op
    int64_t nr_ops
    int32_t index  # row in the workload; -1: not part of it
    uint8_t state
    uint8_t early  # a wakeup came before the block: 1 caused, 2 not
    bint is_blind  # the end of its run was not recorded
    uint8_t new  # 1: its pid is greater than all before; 2: it first appeared under the name of an earlier task
    bint was_preempted  # at its last switch out
    uint8_t guess  # how its first moment is known: SAID, FOUND_RUNNING, GUESSED
    int64_t ran_ns  # since when it ran last, on any CPU
    int16_t prio
    int16_t prio_first  # at its beginning
    bint has_parent
    int64_t period_ns  # it skips what it has missed; 0: it does not
    int64_t offset_ns
    int64_t stay_ns  # in the kernel after a wakeup
    int64_t woke  # which operation is its last WAKE, 1 the first; 0: it was preempted since, or there is none
    int64_t reach_ns  # how far from its last wakeup to the wait that is not seen
    int32_t awaits  # the task whose answer it waits for unseen, -1: nobody's
    int32_t asked  # the first of those who wait for its answer, -1: nobody ...
    int32_t asked_too  # ... and the next one of those who wait for the same
    int64_t round_ns  # CPU time since its last WAIT
    int64_t way_ns  # from a WAIT to its last WAKE that woke somebody, without what a block costs; -1: not known
    int64_t debt_ns  # costs that were taken from no RUN yet
    bint is_partner  # it waits unseen, or answers somebody who does
    bint woke_somebody  # in this round
    bint answered_unseen  # in this round
    uint8_t begun  # how this round began
    uint8_t behind

cdef struct lane_t:  # a CPU in `programs`
    int64_t first_ns  # when it was first seen
    int64_t clear_ns  # nobody can have been waiting here then: it was idle, or was first seen
    int64_t again_ns  # a task ran since then, was preempted and came again:
    int16_t again_prio  # nobody of this prio or better was waiting then


cdef inline bint is_next(const life_t* p, int64_t until) noexcept nogil:
    # did it sleep until the first release after its block?
    cdef int64_t next
    if not p.period_ns or p.left_ns < p.offset_ns:
        return False
    next = p.left_ns - (p.left_ns - p.offset_ns) % p.period_ns + p.period_ns
    return RELEASE_NS_MIN <= until - next <= RELEASE_NS_MAX


cdef inline int kind_of_round(const life_t* p, uint8_t how) noexcept nogil:
    # that ends now; -1: none of those that are compared
    if p.begun == UNTOLD or how == UNTOLD:
        return -1
    if not p.woke_somebody:
        return ANSWERED if p.answered_unseen and p.begun == BLOCKED and how == BLOCKED else -1
    if how == BLOCKED:
        return WOKE_AND_BLOCKED if p.begun == UNSEEN else -1
    return BLOCKED_AND_WOKE if p.begun == BLOCKED else WOKE


@final
cdef class Programs:
    """Makes the programs of the tasks kept, in two passes: one counts operations, the other writes them.

    Parameters
    ----------
    events, end_ns
        As for `runs`.
    keep : numpy.ndarray
        ``(nr_tasks,) int32``: the row of each task in the workload, -1 for those left out.
    prio_first, has_parent, new : numpy.ndarray
        ``(nr_tasks,)`` int16, uint8 and uint8; `new`: 1 if its pid is greater than all before it, plus 2 if it first
        appears under the name of an earlier task, as a child does.
    chosen : numpy.ndarray
        ``(nr_cpus,) uint8``, 1 for the CPUs whose tasks are replayed.
    causes, landed : numpy.ndarray
        ``(nr_wakeups,)`` uint8 and int16: verdict on each row of `wakeups`, and where its task ran next.
    sleeps : tuple of int
        The operation for a timer and for another outside wakeup: 2 (SLEEP) or 3 (SLEEP_UNTIL).
    answerer : numpy.ndarray
        ``(nr_wakeups,) int32``, or empty: for whose answer the waker waited unseen, -1: for nobody's.
    reach_ns : numpy.ndarray
        ``(nr_wakeups,) uint32``: CPU time of that waker from the wakeup to its wait.
    stay_ns : numpy.ndarray
        ``(nr_tasks,) int64``: how long each task stays in the kernel after a wakeup.
    skippers : numpy.ndarray
        ``(nr_tasks, 2) int64``: period and offset of those that skip the releases that they have missed, or 0.
    feeds : numpy.ndarray
        ``(nr_wakeups,) uint8``, or empty: 1 where the waker feeds the woken task.
    with_costs : bool
        Whether P7 holds.
    """

    cdef tuple owners  # of the memory behind the pointers
    cdef const event_t* events
    cdef size_t nr_events
    cdef const uint8_t* chosen
    cdef const int64_t* blind
    cdef size_t nr_blind, nr_blind_seen
    cdef lane_t* lanes
    cdef Zeroed lane_memory
    cdef size_t nr_cpus
    cdef const uint8_t* causes
    cdef const int16_t* landed
    cdef const int32_t* answerer
    cdef const uint32_t* reach_ns
    cdef const uint8_t* feeds
    cdef int64_t end_ns
    cdef int timer_op, outside_op
    cdef Zeroed memory
    cdef life_t* lives
    cdef size_t nr_tasks
    cdef op_t* ops
    cdef bint with_costs, is_writing, is_sampling
    cdef int64_t[4][1024] rounds
    cdef int[4] nr_rounds
    cdef readonly int64_t wake_cost_ns, block_cost_ns

    def __init__(
        self,
        const event_t[::1] events,
        int64_t end_ns,
        const int32_t[::1] keep,
        const int16_t[::1] prio_first,
        const uint8_t[::1] has_parent,
        const uint8_t[::1] new,
        const uint8_t[::1] chosen,
        const uint8_t[::1] causes,
        const int16_t[::1] landed,
        sleeps,
        const int32_t[::1] answerer,
        const uint32_t[::1] reach_ns,
        const int64_t[::1] stay_ns,
        const int64_t[:, ::1] skippers,
        const uint8_t[::1] feeds,
        bint with_costs,
    ):
        cdef const int64_t[::1] blind = blind_runs(events, chosen.shape[0])
        self.owners = (events, chosen, causes, landed, blind, answerer, reach_ns, feeds)
        self.feeds = &feeds[0] if feeds.shape[0] else NULL
        self.with_costs = with_costs
        self.answerer = &answerer[0] if answerer.shape[0] else NULL
        self.reach_ns = &reach_ns[0] if reach_ns.shape[0] else NULL
        self.blind = &blind[0] if blind.shape[0] else NULL
        self.nr_blind = blind.shape[0]
        self.nr_cpus = chosen.shape[0]
        self.lane_memory = Zeroed(self.nr_cpus, sizeof(lane_t))
        self.lanes = <lane_t*> self.lane_memory.at
        self.events = &events[0] if events.shape[0] else NULL
        self.nr_events, self.end_ns = events.shape[0], end_ns
        self.chosen = &chosen[0] if chosen.shape[0] else NULL
        self.causes = &causes[0] if causes.shape[0] else NULL
        self.landed = &landed[0] if landed.shape[0] else NULL
        self.timer_op, self.outside_op = sleeps
        self.nr_tasks = keep.shape[0]
        self.memory = Zeroed(self.nr_tasks, sizeof(life_t))
        self.lives = <life_t*> self.memory.at
        cdef size_t i
        for i in range(self.nr_tasks):
            self.lives[i].index = keep[i]
            self.lives[i].prio_first = prio_first[i]
            self.lives[i].has_parent = has_parent[i]
            self.lives[i].new = new[i]
            self.lives[i].stay_ns = stay_ns[i]
            self.lives[i].period_ns, self.lives[i].offset_ns = skippers[i, 0], skippers[i, 1]

    def make(self):
        """Make the programs.

        Returns
        -------
        ops : numpy.ndarray
            ``(nr_ops,)`` of `cfs.workload.OP_DTYPE`.
        begins : numpy.ndarray
            ``(nr_tasks, 5) int64``: first operation, their number, start (ns; -1: forked; -2: never), first
            prio, and whether the recording says the start: 0 it does, 1 the task was found running, 2 it does
            not.
        """
        cdef size_t i
        cdef life_t* p
        cdef int64_t nr = 0
        if self.with_costs and self.answerer != NULL:
            self.find_costs()
        self.walk()
        for i in range(self.nr_tasks):
            self.lives[i].first_op = nr
            nr += self.lives[i].nr_ops
        ops = np.zeros(nr, OP_DTYPE)
        cdef op_t[::1] rows = ops
        self.ops = &rows[0] if nr else NULL
        self.is_writing = True
        self.walk()
        begins = np.zeros((self.nr_tasks, 5), np.int64)
        for i in range(self.nr_tasks):
            p = self.lives + i
            begins[i] = (p.first_op, p.nr_ops, p.start_ns, p.prio_first, p.guess)
        return ops, begins

    cdef int find_costs(self) except -1:
        # P7
        cdef int64_t woke, before, after, answered, of_block, of_wake
        self.is_sampling = True
        self.walk()
        self.is_sampling = False
        woke, answered = self.typical_round(WOKE), self.typical_round(ANSWERED)
        before, after = self.typical_round(BLOCKED_AND_WOKE), self.typical_round(WOKE_AND_BLOCKED)
        if min(woke, answered, before, after) >= 0:
            of_block = max(before - woke, 0) + max(after - woke, 0)
            of_wake = max(woke + of_block - answered, 0)
            if max(of_block, of_wake) <= COST_NS_MAX:
                self.block_cost_ns, self.wake_cost_ns = of_block, of_wake
        return 0

    cdef int64_t typical_round(self, int kind) except? -1:
        # the median; -1: there are too few
        cdef int nr = self.nr_rounds[kind]
        if nr < NR_ROUNDS_MIN:
            return -1
        return sorted([self.rounds[kind][i] for i in range(nr)])[(nr - 1) // 2]

    cdef void end_round(self, life_t* p, uint8_t how) noexcept nogil:
        cdef int kind = kind_of_round(p, how)
        if self.is_sampling and p.is_partner and kind >= 0 and self.nr_rounds[kind] < NR_ROUNDS_MAX:
            self.rounds[kind][self.nr_rounds[kind]] = p.round_ns
            self.nr_rounds[kind] += 1
        p.round_ns = 0
        p.woke_somebody = p.answered_unseen = False
        p.begun = how

    cdef void walk(self) noexcept:
        cdef size_t i, wakeup = 0
        cdef clock_t clock = clock_t(0, 0, 0)
        cdef const event_t* e
        with nogil:
            for i in range(self.nr_tasks):
                self.reset(&self.lives[i])
            for i in range(self.nr_cpus):
                self.lanes[i] = lane_t(0, 0, 0, 0)
            self.nr_blind_seen = 0
            for i in range(self.nr_events):
                e = &self.events[i]
                pass_time(&clock, e)
                if e.kind == SWITCH:
                    self.switch_out(e, clock.at)
                    self.switch_in(e, clock.at, self.is_blind_run(i))
                elif e.kind == WAKE:
                    self.wake(e, clock.now, wakeup)
                    wakeup += 1
                elif e.kind == TAKEN:
                    self.wake_early(e, clock.now, wakeup)
                    wakeup += 1
                elif e.kind == FORK:
                    self.fork(e, clock.now, wakeup)
                    wakeup += 1
                elif e.kind == READY:
                    self.ready(e, clock.now)
                elif e.kind == PRIO:
                    self.set_prio(e, clock.now)
            for i in range(self.nr_tasks):
                self.end(&self.lives[i])

    cdef void reset(self, life_t* p) noexcept nogil:
        p.start_ns = -2
        p.had_ns = p.nr_ops = 0
        p.ready_ns = -1
        p.ran_ns = -1
        p.state = NOT_BEGUN
        p.early = 0
        p.is_blind = p.was_preempted = False
        p.guess = SAID
        p.prio = p.prio_first
        p.woke = 0
        p.awaits = p.asked = p.asked_too = -1
        p.round_ns = p.debt_ns = 0
        p.way_ns = -1
        p.woke_somebody = p.answered_unseen = False
        p.begun, p.behind = UNTOLD, BEHIND_OTHER

    cdef inline bint is_blind_run(self, size_t event) noexcept nogil:
        if self.nr_blind_seen == self.nr_blind or self.blind[self.nr_blind_seen] != <int64_t> event:
            return False
        self.nr_blind_seen += 1
        return True

    cdef inline void put(self, life_t* p, int kind, int64_t arg, int32_t target) noexcept nogil:
        cdef op_t* op
        if self.is_writing:
            op = &self.ops[p.first_op + p.nr_ops]
            op.kind = kind
            op.arg = arg
            op.target = target
        p.nr_ops += 1
        p.behind = BEHIND_OTHER

    cdef inline void account(self, life_t* p, int64_t now) noexcept nogil:
        if p.state == ON_CPU and now > p.since_ns and not p.is_blind:
            p.had_ns += now - p.since_ns
            p.round_ns += now - p.since_ns
            p.since_ns = now

    cdef void put_run(self, life_t* p, int64_t now) noexcept nogil:
        # P3: the CPU time so far goes before the next operation. P7: without what the operation before it cost
        cdef int64_t more, net
        self.account(p, now)
        if p.had_ns > 0:
            more = self.cost_behind(p)
            net = p.had_ns - p.debt_ns - (more if p.behind == BEHIND_WAKE or p.behind == BEHIND_WAIT else 0)
            self.put(p, OP_RUN, max(net, 0), <int32_t> more)
            p.debt_ns = max(-net, 0)
            p.had_ns = 0

    cdef inline int64_t cost_behind(self, const life_t* p) noexcept nogil:
        if not p.is_partner or p.behind == BEHIND_OTHER:
            return 0
        return self.wake_cost_ns if p.behind <= BEHIND_UNSEEN_WAKE else self.block_cost_ns

    cdef void put_sleep(self, life_t* p, int64_t until, uint8_t cause) noexcept nogil:
        cdef int kind = self.timer_op if cause == TIMER else self.outside_op
        self.put_run(p, until)
        self.end_round(p, UNTOLD)
        if cause == TIMER and kind == OP_SLEEP_UNTIL and is_next(p, until):
            self.put(p, OP_NEXT, p.period_ns, <int32_t> p.offset_ns)
            return
        self.put(p, kind, until if kind == OP_SLEEP_UNTIL else max(until - p.left_ns, 0), 0)

    cdef inline void put_wake(self, life_t* by, int kind, life_t* p, int64_t now) noexcept nogil:
        self.put_run(by, now)
        self.put(by, kind, by.stay_ns, p.index)
        by.woke = by.nr_ops
        by.behind = BEHIND_UNSEEN_WAKE

    cdef inline void note_woken(self, life_t* by) noexcept nogil:
        # its last WAKE woke somebody
        by.behind = BEHIND_WAKE
        by.woke_somebody = True
        if by.begun != UNTOLD:
            by.way_ns = by.round_ns - (self.block_cost_ns if by.begun == BLOCKED else 0)

    cdef inline void put_wait(self, life_t* p, uint8_t how) noexcept nogil:
        self.put(p, OP_WAIT, 0, 0)
        self.end_round(p, how)
        p.behind = BEHIND_WAIT if how == BLOCKED else BEHIND_UNSEEN_WAIT

    cdef inline int kind_of_wake(self, size_t wakeup) noexcept nogil:
        # P6: who feeds the other one does not run ahead of it
        return OP_PUT if self.feeds != NULL and self.feeds[wakeup] else OP_WAKE

    cdef void stay_to_the_end(self, life_t* p) noexcept nogil:
        # An exiting task wakes others late on its way through the kernel, which it does not leave any more.
        if p.woke and p.woke == p.nr_ops and p.had_ns <= EXIT_NS_MAX and self.is_writing:
            self.ops[p.first_op + p.woke - 1].arg = p.had_ns + p.stay_ns

    cdef void ask(self, const event_t* e, size_t wakeup) noexcept nogil:
        # P5: the task that runs there waits for the answer of another one, if it is preempted before that answers
        cdef life_t* by = &self.lives[e.context]
        cdef int32_t answerer = self.answerer[wakeup] if self.answerer != NULL else -1
        if answerer < 0 or self.lives[answerer].index < 0:
            return
        self.ask_no_more(by)
        by.awaits = answerer
        by.reach_ns = self.reach_ns[wakeup]
        by.asked_too = self.lives[answerer].asked
        self.lives[answerer].asked = <int32_t> e.context

    cdef void ask_no_more(self, life_t* p) noexcept nogil:
        cdef int32_t me = <int32_t> (p - self.lives)
        cdef int32_t* link
        if p.awaits < 0:
            return
        link = &self.lives[p.awaits].asked
        while link[0] != me:
            link = &self.lives[link[0]].asked_too
        link[0] = p.asked_too
        p.awaits = -1

    cdef void answer(self, life_t* p) noexcept nogil:
        # P5: those who wait unseen are woken here
        cdef life_t* other
        while p.asked >= 0:
            other = &self.lives[p.asked]
            p.is_partner = other.is_partner = p.answered_unseen = True
            self.ask_no_more(other)
            self.put_unseen_wake(p, other)
            self.put_hidden_wait(other)

    cdef void put_unseen_wake(self, life_t* p, life_t* other) noexcept nogil:
        # P7: where its last one was that woke somebody, as far from the WAIT before
        cdef int64_t way_ns = p.way_ns + (self.block_cost_ns if p.begun == BLOCKED else 0)
        cdef int64_t rest = p.round_ns - way_ns
        if not self.wake_cost_ns or p.way_ns < 0 or p.begun == UNTOLD or not 0 < rest < p.had_ns:
            rest = 0
        p.had_ns -= rest
        self.put_wake(p, OP_WAKE, other, 0)
        p.had_ns = rest

    cdef void put_hidden_wait(self, life_t* p) noexcept nogil:
        # It reaches the wait later than it was preempted: what is missing it has run before its next wakeup.
        cdef int64_t missing = max(p.reach_ns - p.had_ns, 0)
        p.had_ns += missing
        p.round_ns += missing
        self.put_run(p, 0)
        self.put_wait(p, UNSEEN)
        p.had_ns -= missing
        p.round_ns -= missing

    cdef inline life_t* waker(self, const event_t* e) noexcept nogil:
        # The task whose program can do it: part of the workload and running on a chosen CPU.
        cdef life_t* p
        if e.context >= NOBODY or e.context == e.task:
            return NULL
        p = &self.lives[e.context]
        return p if p.index >= 0 and p.state == ON_CPU else NULL

    cdef inline bint lands_here(self, size_t wakeup) noexcept nogil:
        return self.landed[wakeup] >= 0 and self.chosen[self.landed[wakeup]]

    cdef inline void begin(self, life_t* p, int64_t start_ns, uint8_t state) noexcept nogil:
        p.start_ns = start_ns
        p.state = state
        p.prio_first = p.prio if not self.is_writing else p.prio_first

    cdef void wake(self, const event_t* e, int64_t now, size_t wakeup) noexcept nogil:
        cdef life_t* p = &self.lives[e.task]
        cdef life_t* by
        p.ready_ns = now
        if p.index < 0:
            return
        if p.state == NOT_BEGUN and self.lands_here(wakeup):
            self.begin(p, now, WAITING)
        elif p.state == SLEEPING:
            if self.landed[wakeup] >= 0 and not self.lands_here(wakeup):
                p.state = AWAY
                return
            by = self.waker(e) if self.causes[wakeup] == CAUSED else NULL
            if by == NULL:
                self.put_sleep(p, now, self.causes[wakeup])
            else:
                self.put_wake(by, self.kind_of_wake(wakeup), p, now)
                self.note_woken(by)
                self.put_wait(p, BLOCKED)
                self.ask(e, wakeup)
            p.state = WAITING

    cdef void wake_early(self, const event_t* e, int64_t now, size_t wakeup) noexcept nogil:
        cdef life_t* p = &self.lives[e.task]
        cdef life_t* by
        if p.index < 0 or p.state != ON_CPU:
            return
        by = self.waker(e) if self.causes[wakeup] == CAUSED else NULL
        p.early = 2
        if by != NULL:
            self.put_wake(by, OP_WAKE, p, now)
            p.early = 1

    cdef void ready(self, const event_t* e, int64_t now) noexcept nogil:
        cdef life_t* p = &self.lives[e.task]
        p.ready_ns = now
        if p.index >= 0 and p.state == SLEEPING:
            self.put_sleep(p, now, OUTSIDE)
            p.state = WAITING

    cdef void fork(self, const event_t* e, int64_t now, size_t wakeup) noexcept nogil:
        cdef life_t* p = &self.lives[e.task]
        cdef life_t* by
        p.ready_ns = now
        if p.index < 0 or p.state != NOT_BEGUN or not self.lands_here(wakeup):
            return
        by = self.waker(e)
        if by == NULL:
            self.begin(p, now, WAITING)
            return
        self.put_run(by, now)
        self.put(by, OP_FORK, by.stay_ns, p.index)
        self.begin(p, -1, WAITING)

    cdef void set_prio(self, const event_t* e, int64_t now) noexcept nogil:
        cdef life_t* p = &self.lives[e.task]
        p.prio = <int16_t> e.context
        if p.index >= 0 and p.state not in (NOT_BEGUN, ENDED):
            self.put_run(p, now)
            self.put(p, OP_NICE, max(p.prio - 120, -20), 0)

    cdef void switch_out(self, const event_t* e, int64_t now) noexcept nogil:
        cdef life_t* p
        cdef uint8_t how = e.detail & OUT_MASK
        if e.context >= NOBODY or e.detail & SWITCH_FIRST:
            return
        p = &self.lives[e.context]
        p.was_preempted = how == OUT_PREEMPTED
        p.woke = 0 if p.was_preempted else p.woke
        p.ready_ns = now if p.was_preempted else -1
        if p.index < 0 or p.state == ENDED:
            return
        if p.state == ON_CPU and self.chosen[e.cpu]:
            self.account(p, now)
            p.state = WAITING
            if how == OUT_BLOCKED:
                self.answer(p)
                self.block(p, now)
            elif how == OUT_EXITED:  # P4
                self.stay_to_the_end(p)
                self.put_run(p, now)
                self.put(p, OP_EXIT, 0, 0)
                p.state = ENDED

    cdef void block(self, life_t* p, int64_t now) noexcept nogil:
        self.put_run(p, now)
        p.left_ns = now
        p.state = SLEEPING
        if p.early == 1:
            self.put_wait(p, UNTOLD)
            p.ready_ns = now
            p.state = WAITING
        p.early = 0

    cdef void switch_in(self, const event_t* e, int64_t now, bint is_blind) noexcept nogil:
        cdef life_t* p
        self.watch(e, now)
        if e.task >= NOBODY:
            return
        p = &self.lives[e.task]
        p.ran_ns = now
        self.ask_no_more(p)
        if p.index < 0 or p.state == ENDED:
            return
        if not self.chosen[e.cpu]:
            self.go_away(p, now)
            return
        if p.state == NOT_BEGUN:
            self.begin(p, self.first_ready(p, e, now), ON_CPU)
        elif p.state == SLEEPING or p.state == AWAY:
            # Its wakeup was not seen, or it comes back.
            self.put_sleep(p, p.ready_ns if p.ready_ns >= p.left_ns else now, OUTSIDE)
        p.state = ON_CPU
        p.is_blind = is_blind
        p.since_ns = now
        p.early = 0

    cdef void watch(self, const event_t* e, int64_t now) noexcept nogil:
        # When nobody can have been waiting on this CPU, or nobody of some priority.
        cdef lane_t* lane = &self.lanes[e.cpu]
        cdef life_t* p
        if e.context >= NOBODY:
            lane.clear_ns = now
        if e.detail & SWITCH_FIRST:
            lane.first_ns = now
        if e.task < NOBODY:
            p = &self.lives[e.task]
            if p.was_preempted:
                lane.again_ns = p.ran_ns
                lane.again_prio = p.prio

    cdef int64_t first_ready(self, life_t* p, const event_t* e, int64_t now) noexcept nogil:
        # A task of which no wakeup is recorded. It was not waiting here while the CPU was idle, nor while
        # others ran that it would have preceded: one that is not real-time while it is, and one that came
        # twice in the meantime. If so it was not there from the first, and a new pid is a new process.
        cdef lane_t* lane = &self.lanes[e.cpu]
        cdef int64_t since = lane.clear_ns
        if p.ready_ns >= 0:
            return p.ready_ns
        p.guess = FOUND_RUNNING if is_found(e) else GUESSED
        if p.new & 2 or p.has_parent or e.detail & (SWITCH_INFERRED | SWITCH_FIRST) or e.context >= NOBODY:
            return now
        if 0 <= p.prio < 100 and self.lives[e.context].prio >= 100:
            return now
        if p.prio <= lane.again_prio:
            since = max(since, lane.again_ns)
        return now if p.new and since > lane.first_ns else since

    cdef void go_away(self, life_t* p, int64_t now) noexcept nogil:
        if p.state == WAITING:
            p.left_ns = p.ready_ns if p.ready_ns >= 0 else now
        elif p.state == ON_CPU:
            self.put_run(p, now)
            p.left_ns = now
        if p.state != NOT_BEGUN:
            p.state = AWAY

    cdef void end(self, life_t* p) noexcept nogil:
        # Who sleeps at the end of the recording sleeps until then; who runs does no more than was seen.
        if p.index < 0 or p.state == NOT_BEGUN or p.state == ENDED:
            return
        self.put_run(p, self.end_ns)
        if p.state == SLEEPING or p.state == AWAY:
            self.put(p, OP_SLEEP_UNTIL, self.end_ns, 0)
