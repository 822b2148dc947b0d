"""Many events in one call: arrays in, who runs after each event out; no Python object is touched in between.

What it decides: nothing that `Scheduler`'s methods do not decide one by one; `cfs.batch` is the public face.
Each event is checked as its method would check it, in C, and the first one that would be refused ends the
batch before it.

Invariant:
    I1  the machine is after a batch as it is after the same calls one by one, refusals included
"""

from libc.stdlib cimport free, malloc

from .._core cimport (
    EVENT_TICK,
    EVENT_WAKE,
    begin_event,
    block_current,
    end_event,
    sched_yield,
    scheduler_tick,
    try_to_wake_up,
    would_fault,
)
from .._types cimport (
    SLEEP_INTERRUPTIBLE,
    TASK_BLOCKED,
    int32_t,
    ns_t,
    rq,
    task,
    uint32_t,
    uint64_t,
)
from ._handles cimport Task
from ._scheduler cimport Scheduler

cdef enum:                      # event.kind: cfs.batch.Event
    EVENT_KIND_TICK = 0
    EVENT_KIND_WAKE = 1
    EVENT_KIND_BLOCK = 2
    EVENT_KIND_YIELD = 3

cdef enum:                      # why a batch ended early
    BATCH_DONE = 0
    BATCH_TIME = 1              # goes back
    BATCH_KIND = 2              # unknown
    BATCH_TASK = 3              # no such row
    BATCH_IDLE = 4              # nobody runs who could block or yield
    BATCH_FAULT = 5             # a slice would be divided by 0


cdef struct event:              # a row of cfs.batch.EVENT_DTYPE
    uint64_t time
    uint32_t kind
    uint32_t task


cdef inline int perform(const event *e, rq *rq, task **tasks, size_t nr_tasks) noexcept nogil:
    # BATCH_DONE, or why it would be refused, and then nothing has changed
    if e.kind == EVENT_KIND_TICK:
        if would_fault(rq, rq.curr, EVENT_TICK, NULL):
            return BATCH_FAULT
        begin_event(rq, e.time)
        scheduler_tick(rq)
    elif e.kind == EVENT_KIND_WAKE:
        if e.task >= nr_tasks:
            return BATCH_TASK
        if tasks[e.task].state == TASK_BLOCKED and would_fault(tasks[e.task].rq, tasks[e.task], EVENT_WAKE, NULL):
            return BATCH_FAULT
        begin_event(rq, e.time)
        try_to_wake_up(tasks[e.task], 0)
    elif e.kind > EVENT_KIND_YIELD:
        return BATCH_KIND
    elif rq.curr == rq.idle:
        return BATCH_IDLE
    else:
        begin_event(rq, e.time)
        if e.kind == EVENT_KIND_BLOCK:
            block_current(rq, SLEEP_INTERRUPTIBLE)
        else:
            sched_yield(rq)
    end_event(rq, e.time)
    return BATCH_DONE


cdef int run(
    rq *rq, ns_t *now, const event *events, size_t nr, task **tasks, size_t nr_tasks, uint64_t *picks,
    size_t *done
) noexcept nogil:
    cdef size_t i
    cdef int refused
    for i in range(nr):
        refused = perform(&events[i], rq, tasks, nr_tasks) if events[i].time >= now[0] else BATCH_TIME
        if refused != BATCH_DONE:
            done[0] = i
            return refused
        now[0] = events[i].time
        picks[i] = rq.curr.id
    done[0] = nr
    return BATCH_DONE


def run_events(
    Scheduler sched not None, const unsigned char[::1] events, list tasks, uint64_t[::1] picks, int32_t cpu
):
    """Perform rows of `EVENT_DTYPE` on a CPU; ids of whoever runs after each go to `picks` (0: idle).

    Returns
    -------
    done : int
        Events performed.
    refused : int
        0, or why the next one would be refused.
    """
    cdef size_t nr = events.shape[0] // sizeof(event)
    cdef size_t nr_tasks = len(tasks)
    cdef task **pointers
    cdef rq *rq = sched.rq_of(cpu)
    cdef ns_t now = sched.now
    cdef size_t done = 0
    cdef int refused = BATCH_DONE
    cdef size_t i
    if <size_t>picks.shape[0] < nr:
        raise ValueError(f"picks has room for {picks.shape[0]} of {nr} events")
    pointers = <task **>malloc((nr_tasks + 1) * sizeof(void *))
    if pointers == NULL:
        raise MemoryError
    try:
        for i in range(nr_tasks):
            pointers[i] = sched.living(<Task?>tasks[i])
        if nr:
            with nogil:
                refused = run(rq, &now, <const event *>&events[0], nr, pointers, nr_tasks, &picks[0], &done)
    finally:
        free(pointers)
    sched.now = now
    sched.nr_events += done
    return done, refused
