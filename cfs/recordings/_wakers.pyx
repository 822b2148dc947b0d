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
        ("by", "<u4"),  # ANSWERED: who woke the waker
        ("went_ns", "<u4"),  # WENT_ON, WENT_ON_LATER: CPU time of the waker from this wakeup to the next
        ("used_ns", "<u4"),  # CPU time of the woken task until it blocked next; 2**32 - 1: as much or more
        ("then", "u1"),  # `Then` of answers.py
        ("left", "u1"),  # `Left` of answers.py
    ],
    align=True,
)

cdef enum:
    CAUSED = 0  # Cause of causes.py

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
    uint32_t by
    uint32_t went_ns
    uint32_t used_ns
    uint8_t then
    uint8_t left

cdef struct waker_t:  # a task
    int64_t wakeup  # its last one, as far as it is not known what came of it; -1: none
    int64_t since_ns
    uint32_t woken
    bint is_blocked
    bint was_off
    int64_t woken_ns  # when an interrupt woke it, and it has not run since; -1: it did not
    int64_t woken_by  # the wakeup that ended its last sleep; -1: none is known
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


cdef inline void stop(waker_t* w, after_t* out, const event_t* e, int64_t now) noexcept nogil:
    w.cpu_ns += now - w.on_cpu_ns
    if e.detail & OUT_MASK == OUT_BLOCKED and w.woken_by >= 0:
        out[w.woken_by].used_ns = short_of(w.cpu_ns - w.slept_at)
        w.woken_by = -1


cdef inline void close_wakeup(waker_t* w, after_t* out, uint8_t then, uint32_t by) noexcept nogil:
    if w.wakeup >= 0:
        out[w.wakeup].then = then
        out[w.wakeup].by = by
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
        out[w.wakeup].went_ns = short_of(w.cpu_ns + now - w.on_cpu_ns - w.woke_at)
        close_wakeup(w, out, WENT_ON_LATER if w.was_off else WENT_ON, NOBODY)


cdef inline void begin_wakeup(waker_t* w, after_t* out, int64_t wakeup, const event_t* e, int64_t now) noexcept nogil:
    w.wakeup, w.since_ns, w.woken = wakeup, now, e.task
    w.woke_at = w.cpu_ns + now - w.on_cpu_ns
    w.is_blocked = w.was_off = False
    out[wakeup].waker = e.context


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
    numpy.ndarray
        ``(nr_wakeups,)`` of `AFTER_DTYPE`.
    """
    table = np.zeros(causes.shape[0], AFTER_DTYPE)
    cdef after_t[::1] rows = table
    cdef after_t* out = &rows[0] if causes.shape[0] else NULL
    cdef Zeroed memory = Zeroed(nr_tasks, sizeof(waker_t))
    cdef waker_t* wakers = <waker_t*> memory.at
    cdef const event_t* e
    cdef clock_t clock = clock_t(0, 0, 0)
    cdef int64_t i, wakeup = 0
    cdef bint by_task
    with nogil:
        for i in range(<int64_t> nr_tasks):
            wakers[i].wakeup = wakers[i].woken_by = wakers[i].woken_ns = -1
        for i in range(events.shape[0]):
            e = &events[i]
            pass_time(&clock, e)
            if e.kind == SWITCH:
                if e.context < NOBODY:
                    leave(&wakers[e.context], out, e, clock.at)
                    stop(&wakers[e.context], out, e, clock.at)
                if e.task < NOBODY:
                    arrive(&wakers[e.task], out, clock.at)
            elif e.kind == WAKE or e.kind == TAKEN or e.kind == FORK:
                out[wakeup].waker = IDLE if e.context == IDLE else NOBODY
                by_task = causes[wakeup] == CAUSED and e.context < NOBODY and e.context != e.task
                if e.kind == WAKE:
                    wakers[e.task].woken_by = wakeup
                    wakers[e.task].woken_ns = -1 if by_task else clock.now
                    wakers[e.task].slept_at = wakers[e.task].cpu_ns
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
    return table
