"""What each waker did next: the evidence from which `answers.py` decides whether it was going to wait.

One walk over the event table. Of each wakeup that a task caused it tells for how long the waker went on, how it left
its CPU, and what ended that stretch of its program: it blocked, and somebody woke it, or it woke or forked another task.
Of each wakeup it tells how much CPU time the woken task used until it blocked, and, if no task caused it, how long it
took until the woken task ran.
"""

import numpy as np

from ._events cimport *
from ._walk cimport Zeroed

AFTER_DTYPE = np.dtype(
    [
        ("ran_ns", "<u4"),  # from the wakeup until the waker left its CPU; 2**32 - 1: as long or longer. If no
        # task woke: until the woken task ran
        ("waker", "<u4"),  # who did it; 2**32 - 1: an interrupt of the idle task, 2**32 - 2: another interrupt
        ("woken", "<u4"),  # 2**32 - 2: it was a fork
        ("more", "<u4"),  # ANSWERED: who woke the waker. WENT_ON, WENT_ON_LATER: CPU time of the waker from this
        # wakeup to the next, ns
        ("then", "u1"),  # `Then` of answers.py
        ("left", "u1"),  # `Left` of answers.py
    ],
    align=True,
)

RELEASE_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),
        ("slept_ns", "<i8"),  # since the block; -1: not known
        ("used_ns", "<i8"),  # CPU time of the task until it blocked next
        ("task", "<u4"),
        ("_", "<u4"),
    ]
)

cdef enum:  # `Then` of answers.py
    UNKNOWN = 0
    ANSWERED = 1
    SLEPT = 2
    STILL_BLOCKED = 3
    WENT_ON = 4
    WENT_ON_LATER = 5
    EXITED = 6
    EXITED_LATER = 7

cdef enum:  # `Left` of answers.py
    STAYED = 0
    FOR_THE_WOKEN = 1
    FOR_ANOTHER = 2
    BLOCKED = 3

cdef struct after_t:
    uint32_t ran_ns
    uint32_t waker
    uint32_t woken
    uint32_t more
    uint8_t then
    uint8_t left

cdef struct release_t:  # a wakeup by a timer
    int64_t time_ns
    int64_t slept_ns
    int64_t used_ns
    uint32_t task
    uint32_t spare

cdef struct waker_t:  # a task
    int64_t wakeup  # its last one, as far as it is not known what came of it; -1: none
    int64_t since_ns
    uint32_t woken
    bint is_blocked
    bint was_off
    int64_t woken_ns  # when an interrupt woke it, and it has not run since; -1: it did not
    int64_t woken_by  # the wakeup that ended its last sleep; -1: none is known
    int64_t release  # the same among those by timers; -1: it was none
    int64_t blocked_ns  # since when it sleeps; -1: not known
    int64_t slept_at  # its CPU time then
    int64_t woke_at  # its CPU time at `wakeup`
    int64_t cpu_ns  # its CPU time, but for that since `on_cpu_ns`
    int64_t on_cpu_ns  # since when it runs


cdef inline uint32_t short_of(int64_t ns) noexcept nogil:
    return <uint32_t> min(ns, <int64_t> 0xFFFFFFFF)


cdef inline void arrive(waker_t* w, after_t* out, int64_t now) noexcept nogil:
    if w.woken_ns >= 0 and w.woken_by >= 0:
        out[w.woken_by].ran_ns = short_of(now - w.woken_ns)
        out[w.woken_by].left = FOR_THE_WOKEN
    w.woken_ns = -1
    w.on_cpu_ns = now


cdef inline void stop(waker_t* w, release_t* releases, const event_t* e, int64_t now) noexcept nogil:
    w.cpu_ns += now - w.on_cpu_ns
    w.blocked_ns = now if e.detail & (OUT_MASK | SWITCH_LOST) == OUT_BLOCKED else -1
    if w.blocked_ns >= 0 and w.release >= 0:
        releases[w.release].used_ns = w.cpu_ns - w.slept_at
        w.release = -1


cdef inline void close_wakeup(waker_t* w, after_t* out, uint8_t then, uint32_t more) noexcept nogil:
    if w.wakeup >= 0:
        out[w.wakeup].then = then
        out[w.wakeup].more = more
    w.wakeup = -1


cdef inline void leave(waker_t* w, after_t* out, const event_t* e, int64_t now) noexcept nogil:
    cdef after_t* o
    cdef uint8_t how = e.detail & OUT_MASK
    if w.wakeup < 0:
        return
    o = &out[w.wakeup]
    if e.detail & SWITCH_LOST:
        w.wakeup = -1
        return
    if how == OUT_EXITED:
        close_wakeup(w, out, EXITED_LATER if o.left == FOR_THE_WOKEN else EXITED, NOBODY)
        return
    if o.left == STAYED:
        o.ran_ns = short_of(now - w.since_ns)
        o.left = BLOCKED if how == OUT_BLOCKED else FOR_THE_WOKEN if e.task == w.woken else FOR_ANOTHER
    w.is_blocked = how == OUT_BLOCKED
    w.was_off = w.was_off or how == OUT_PREEMPTED


cdef inline void is_woken(waker_t* w, after_t* out, bint by_task, uint32_t by) noexcept nogil:
    if w.wakeup >= 0 and w.is_blocked:
        close_wakeup(w, out, ANSWERED if by_task else SLEPT, by)


cdef inline void goes_on(waker_t* w, after_t* out, int64_t now) noexcept nogil:
    # it wakes or forks somebody, without having blocked since
    if w.wakeup >= 0 and not w.is_blocked:
        close_wakeup(
            w, out, WENT_ON_LATER if w.was_off else WENT_ON, short_of(w.cpu_ns + now - w.on_cpu_ns - w.woke_at)
        )


cdef inline void begin_wakeup(waker_t* w, after_t* out, int64_t wakeup, const event_t* e, int64_t now) noexcept nogil:
    w.wakeup, w.since_ns, w.woken = wakeup, now, e.task
    w.woke_at = w.cpu_ns + now - w.on_cpu_ns
    w.is_blocked = w.was_off = False
    out[wakeup].waker = e.context


cdef inline void describe(after_t* o, const event_t* e) noexcept nogil:
    o.waker = IDLE if e.context == IDLE else NOBODY
    o.woken = NOBODY if e.kind == FORK else e.task


cdef inline void wake(waker_t* w, int64_t wakeup, int64_t by_interrupt_ns) noexcept nogil:
    w.woken_by, w.woken_ns, w.slept_at = wakeup, by_interrupt_ns, w.cpu_ns
    w.release = -1


cdef inline void is_released(
    waker_t* w, release_t* releases, int64_t release, uint32_t task, int64_t now
) noexcept nogil:
    w.release = release
    releases[release].time_ns, releases[release].task = now, task
    releases[release].slept_ns = now - w.blocked_ns if w.blocked_ns >= 0 else -1


cdef void forget_all(waker_t* wakers, size_t nr) noexcept nogil:
    cdef waker_t* w
    cdef size_t i
    for i in range(nr):
        w = &wakers[i]
        w.wakeup = w.woken_by = w.woken_ns = w.release = w.blocked_ns = -1


def after_wakeups(const event_t[::1] events, size_t nr_tasks, const uint8_t[::1] causes):
    """What the waker did after each wakeup that a task caused.

    Parameters
    ----------
    events, nr_tasks
        As for `_walk.runs`.
    causes : numpy.ndarray
        ``(nr_wakeups,) uint8``: the verdict on each row of `_walk.wakeups`.

    Returns
    -------
    after : numpy.ndarray
        ``(nr_wakeups,)`` of `AFTER_DTYPE`.
    releases : numpy.ndarray
        ``(nr_releases,)`` of `RELEASE_DTYPE`: the wakeups by timers that ended a sleep.
    """
    cdef int64_t i, wakeup = 0, release = 0, nr_releases = 0
    for i in range(causes.shape[0]):
        nr_releases += causes[i] == TIMER
    table, second = np.zeros(causes.shape[0], AFTER_DTYPE), np.zeros(nr_releases, RELEASE_DTYPE)
    cdef after_t[::1] rows = table
    cdef release_t[::1] release_rows = second
    cdef after_t* out = &rows[0] if causes.shape[0] else NULL
    cdef release_t* releases = &release_rows[0] if nr_releases else NULL
    cdef Zeroed memory = Zeroed(nr_tasks, sizeof(waker_t))
    cdef waker_t* wakers = <waker_t*> memory.at
    cdef const event_t* e
    cdef clock_t clock = clock_t(0, 0, 0)
    cdef bint by_task
    with nogil:
        forget_all(wakers, nr_tasks)
        for i in range(events.shape[0]):
            e = &events[i]
            pass_time(&clock, e)
            if e.kind == SWITCH:
                if e.context < NOBODY:
                    leave(&wakers[e.context], out, e, clock.at)
                    stop(&wakers[e.context], releases, e, clock.at)
                if e.task < NOBODY:
                    arrive(&wakers[e.task], out, clock.at)
            elif e.kind == WAKE or e.kind == TAKEN or e.kind == FORK:
                by_task = causes[wakeup] == CAUSED and e.context < NOBODY and e.context != e.task
                describe(&out[wakeup], e)
                if e.kind == WAKE:
                    wake(&wakers[e.task], wakeup, -1 if by_task else clock.now)
                    if causes[wakeup] == TIMER:
                        is_released(&wakers[e.task], releases, release, e.task, clock.now)
                        release += 1
                    wakers[e.task].blocked_ns = -1
                if e.kind != FORK:
                    is_woken(&wakers[e.task], out, by_task, e.context)
                if by_task:
                    goes_on(&wakers[e.context], out, clock.now)
                    begin_wakeup(&wakers[e.context], out, wakeup, e, clock.now)
                wakeup += 1
            elif e.kind == READY:
                is_woken(&wakers[e.task], out, False, NOBODY)
        for i in range(<int64_t> nr_tasks):
            if wakers[i].wakeup >= 0 and wakers[i].is_blocked:
                close_wakeup(&wakers[i], out, STILL_BLOCKED, NOBODY)
    return table, second[:release]


cdef inline uint64_t mixed(uint32_t waker, uint32_t woken) noexcept nogil:
    return (<uint64_t> waker << 32 | woken) * <uint64_t> 0x9E3779B97F4A7C15 >> 20


def pairs_of(const after_t[::1] after):
    """Numbers of the pairs (waker, woken), in the order in which they come first.

    Returns
    -------
    number : numpy.ndarray
        ``(nr_wakeups,) int32``, -1 for a wakeup that no task did, a fork, and one of which nothing came.
    waker, woken : numpy.ndarray
        ``(nr_pairs,) uint32``.
    """
    numbers = np.full(after.shape[0], -1, np.int32)
    pairs = np.zeros(16, np.uint64)
    cdef int32_t[::1] number = numbers
    cdef uint64_t[::1] pair = pairs
    cdef int32_t[::1] slots = np.full(64, -1, np.int32)
    cdef uint64_t mask = 63, at, key
    cdef int32_t nr = 0
    cdef Py_ssize_t i
    for i in range(after.shape[0]):
        if after[i].waker >= NOBODY or after[i].woken >= NOBODY or after[i].then == UNKNOWN or after[i].then >= EXITED:
            continue
        key = <uint64_t> after[i].waker << 32 | after[i].woken
        at = mixed(after[i].waker, after[i].woken) & mask
        while slots[at] >= 0 and pair[slots[at]] != key:
            at = (at + 1) & mask
        if slots[at] < 0:
            if nr == pair.shape[0]:
                pairs = np.concatenate([pairs, np.zeros(nr, np.uint64)])
                pair = pairs
            pair[nr] = key
            slots[at] = nr
            nr += 1
        number[i] = slots[at]
        if 2 * <uint64_t> nr > mask:
            slots = slots_of(pairs[:nr], 4 * (mask + 1))
            mask = slots.shape[0] - 1
    found = pairs[:nr]
    return numbers, (found >> np.uint64(32)).astype(np.uint32), (found & np.uint64(0xFFFFFFFF)).astype(np.uint32)


cdef slots_of(const uint64_t[::1] pair, uint64_t room):
    # a table of that size, a power of 2, with these pairs in their places
    table = np.full(room, -1, np.int32)
    cdef int32_t[::1] slots = table
    cdef uint64_t at
    cdef Py_ssize_t i
    for i in range(pair.shape[0]):
        at = mixed(<uint32_t> (pair[i] >> 32), <uint32_t> pair[i]) & (room - 1)
        while slots[at] >= 0:
            at = (at + 1) & (room - 1)
        slots[at] = <int32_t> i
    return table
