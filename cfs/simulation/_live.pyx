"""The loop that another simulator drives: work is given piece by piece, and it says when something will be seen.

What it decides: nothing about who runs. `_sim` owns the time and the programs; here both belong to somebody else (an
event simulator such as SimPy), who gives a task some work, looks how far that goes, and comes back. Ticks stay in C.

    forward(t)      everything up to t: ticks due at t included, work that ends at t left for the caller to see
    peek()          when will the next thing happen that the caller can see, if nobody interferes?

`peek` is the idea. When work ends depends on ticks to come, and any event before it (a wakeup, a new weight) changes
it. So the machine is run ahead to the next thing that is seen, and put back to where it was (`_rewind`): the busy CPUs, which
alone tick, the tasks that are queued, and what the loop itself keeps.

Order at one instant, as in `_sim`: tick < what the caller does at that time < end of work; then by CPU.

Invariants:
    I1  after `peek` every byte of the machine is what it was before
    I2  time never passes the end of somebody's work: `forward` stops there until the caller has answered it
    I3  a task is charged for the time that it ran and for no other: the sum of `received` is the busy time
    I4  the same work at the same times gives the same runs as `Simulation`

Rejected: an event of the caller's for each tick (what PreemptiveResource at 1 ms costs); lower bounds for the end of
work in place of running ahead (log n wakeups of the caller for each piece of work); running ahead and rolling back only
when somebody interferes (saves half of the ticks, and everybody who looks at the machine would see the future).
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from .._core cimport (
    EVENT_TICK,
    EVENT_WAKE,
    begin_event,
    block_current,
    scheduler_tick,
    try_to_wake_up,
    would_fault,
)
from .._bits cimport lowest_bit
from .._hz cimport NEVER
from .._types cimport (
    SLEEP_INTERRUPTIBLE,
    TASK_BLOCKED,
    TASK_RUNNING,
    int32_t,
    machine,
    ns_t,
    task as task_t,
    uint32_t,
    uint64_t,
)
from ..engine._driver cimport (
    charge,
    count_tick,
    driven_cpu,
    driven_task,
    driver,
    end_of_work,
    finish_event,
    first_to_end,
    first_to_tick,
    free_driver,
    init_driver,
    is_busy,
    note_wakeup,
    note_switches,
    set_due,
)
from ..engine._due cimport cpu_set, next_tick, tick_set, time_of_tick
from ..engine._rewind cimport (
    forget_blocks,
    free_rewind,
    list_block,
    list_cpu,
    list_machine,
    list_task,
    restore,
    rewind,
    save,
)
from ..engine._runs cimport (
    BY_OUTSIDE,
    NO_TASK,
    READY_WAKEUP,
    grow_log,
    is_full,
    nr_wakeups,
    write_log,
    write_wakeup_log,
)
from ..scheduler._handles cimport Task
from ..scheduler._scheduler cimport Scheduler

from ..errors import StateError

cdef enum:
    TICKS_AHEAD = 1024          # how far peek looks at first; some ten microseconds
    TICKS_A_VISIT = 262144      # between two looks at signals, and how far peek looks at most

cdef enum:                      # why `run_ticks` came back
    LIVE_REACHED = 0            # the time that it was given
    LIVE_ENDED = 1              # somebody has received all its work
    LIVE_SWITCHED = 2           # a watched task got or lost its CPU
    LIVE_FAULTED = 3            # the model leaves the next tick undefined


cdef struct live:
    driver d
    uint32_t *queued            # tasks that may be on a queue: all that are, and some that were
    size_t nr_tasks
    size_t tasks_max
    size_t nr_queued
    rewind back

# ------------------------------------------------------------------------------------------------------------ loop


cdef int run_ticks(driver *d, ns_t until) noexcept nogil:
    # ticks up to and with `until`; comes back earlier if there is something to see
    cdef driven_cpu *tick_cpu
    cdef driven_cpu *end_cpu
    cdef ns_t at_end
    while True:
        tick_cpu, end_cpu = first_to_tick(d), first_to_end(d)
        at_end = end_of_work(d, end_cpu) if end_cpu != NULL else NEVER
        if tick_cpu == NULL or min(tick_cpu.tick, at_end) > until:
            d.now = until
            return LIVE_REACHED
        if at_end < tick_cpu.tick:
            d.now = at_end
            return LIVE_ENDED
        d.now = tick_cpu.tick
        if would_fault(tick_cpu.rq, tick_cpu.curr, EVENT_TICK, NULL):
            return LIVE_FAULTED
        if d.recording and is_full(&d.log) and not grow_log(&d.log):
            return LIVE_REACHED
        count_tick(d, tick_cpu)
        begin_event(tick_cpu.rq, d.now)
        scheduler_tick(tick_cpu.rq)
        if finish_event(d, tick_cpu):
            return LIVE_SWITCHED

# ------------------------------------------------------------------------------------------------- there and back


cdef void sweep(live *s) noexcept nogil:
    # forget those that have left their queues; a model may keep a blocked task on its queue for a while
    cdef size_t kept = 0
    cdef size_t i
    cdef driven_task *t
    for i in range(s.nr_queued):
        t = &s.d.tasks[s.queued[i]]
        if t.p != NULL and (t.p.on_rq or t.p.state == TASK_RUNNING):
            s.queued[kept] = s.queued[i]
            kept += 1
        else:
            t.own = False
    s.nr_queued = kept


cdef int list_due(rewind *back, driver *d) except -1:
    # not the ends of work: they follow from what the CPUs and tasks keep
    list_block(back, &d.ticks, sizeof(tick_set))
    list_block(back, d.ticks.present.bits, d.ticks.nr_words * sizeof(uint64_t))
    list_block(back, d.ticks.coming.bits, d.ticks.nr_words * sizeof(uint64_t))
    return 0


cdef int list_loop(live *s, rewind *back) except -1:
    # what the loop keeps of the CPUs that tick and of the tasks that are queued
    cdef size_t i
    list_block(back, &s.d.now, sizeof(s.d.now))
    list_due(back, &s.d)
    for i in range(s.nr_queued):
        list_block(back, &s.d.tasks[s.queued[i]], sizeof(driven_task))
        list_task(back, s.d.tasks[s.queued[i]].p)
    return 0


cdef int list_busy(live *s, rewind *back, int32_t cpu) except -1:
    list_block(back, &s.d.cpus[cpu], sizeof(driven_cpu))
    list_cpu(back, s.d.m.rqs[cpu])
    return 0


cdef int list_set(live *s, rewind *back, const cpu_set *ticking) except -1:
    cdef uint64_t bits
    cdef int32_t word
    for word in range(s.d.ticks.nr_words):
        bits = ticking.bits[word]
        while bits:
            list_busy(s, back, word * 64 + lowest_bit(bits))
            bits &= bits - 1
    return 0


cdef int list_ticking(live *s, rewind *back) except -1:
    # The busy CPUs, and idle ones that the last event has touched: the next one forgets it
    cdef machine *m = s.d.m
    cdef int32_t i
    if m.nr_cpus == 1:
        return list_busy(s, back, 0)
    list_set(s, back, &s.d.ticks.present)
    list_set(s, back, &s.d.ticks.coming)
    for i in range(m.nr_touched):
        if not is_busy(&s.d.cpus[m.touched[i].cpu]):
            list_cpu(back, m.touched[i])
    return 0


cdef int save_all(live *s) except -1:
    sweep(s)
    forget_blocks(&s.back)
    list_machine(&s.back, s.d.m)
    list_ticking(s, &s.back)
    list_loop(s, &s.back)
    save(&s.back)
    return 0


cdef void find_dues(live *s, const cpu_set *ticking) noexcept nogil:
    # of the work of these CPUs, as what has been put back says
    cdef uint64_t bits
    cdef int32_t word
    for word in range(s.d.ticks.nr_words if s.d.m.nr_cpus > 1 else 0):
        bits = ticking.bits[word]
        while bits:
            set_due(&s.d, &s.d.cpus[word * 64 + lowest_bit(bits)])
            bits &= bits - 1


cdef int find_return(live *s, ns_t until, ns_t *seen) noexcept nogil:
    # when does `run_ticks` come back? All that save_all has saved stays as it is
    cdef bint recording = s.d.recording
    cdef int status
    s.d.recording = False
    status = run_ticks(&s.d, until)
    seen[0] = s.d.now
    s.d.recording = recording
    restore(&s.back)
    find_dues(s, &s.d.ticks.present)
    find_dues(s, &s.d.ticks.coming)
    return status

# ------------------------------------------------------------------------------------------------------ the border


cdef class Live:
    """A machine that somebody else's simulator drives. `cfs.adapters` has the public faces.

    Parameters
    ----------
    sched : Scheduler
        A fresh one; its tasks and its time belong to the loop from now on.
    hz : int
        Ticks a second.
    recording : bool
        Keep a row of `RUN_DTYPE` for each run.

    Notes
    -----
    Tasks are known by the index that `add` returned. All times are ns.
    """

    cdef live s
    cdef readonly Scheduler sched
    cdef uint64_t ahead         # ticks that the next peek looks ahead
    cdef bint fruitless         # the last peek saw nothing

    def __cinit__(self, *args, **kwargs):
        memset(&self.s, 0, sizeof(self.s))

    def __init__(self, Scheduler sched not None, hz, recording=False):
        if self.s.d.m != NULL or sched.m.nr_forked or sched.now:
            raise StateError("a Live is initialised once, with a fresh Scheduler")
        self.sched = sched
        self.ahead, self.fruitless = TICKS_AHEAD, False
        if not init_driver(&self.s.d, &sched.m, hz, recording):
            raise MemoryError

    def __dealloc__(self):
        free(self.s.d.tasks)
        free(self.s.queued)
        free_driver(&self.s.d)
        free_rewind(&self.s.back)

    cdef driven_task *task_at(self, size_t index) except NULL:
        if index >= self.s.nr_tasks or self.s.d.tasks[index].p == NULL:
            raise StateError(f"there is no task {index}, or it has exited")
        return &self.s.d.tasks[index]

    cdef driven_cpu *cpu_of(self, const driven_task *t) noexcept:
        return &self.s.d.cpus[t.p.rq.cpu]

    cdef bint runs_now(self, const driven_task *t) noexcept:
        return t.p != NULL and self.cpu_of(t).curr == t.p

    cdef driven_task *charged(self, driven_task *t) noexcept:
        # its counts, up to now
        if self.runs_now(t):
            charge(&self.s.d, self.cpu_of(t))
        return t

    cdef void set_work(self, driven_task *t, ns_t work_ns, bint watched) noexcept:
        self.charged(t)
        t.remaining, t.watched = work_ns, watched
        if self.runs_now(t):
            set_due(&self.s.d, self.cpu_of(t))

    cdef inline ns_t tick_ahead(self, uint64_t nr) noexcept:
        # when the tick is due that is so many after the next one
        return time_of_tick(&self.s.d.ticks.clock, next_tick(&self.s.d.ticks.clock, self.s.d.now) + nr)

    cdef int make_room(self) except -1:
        if self.s.d.recording and not grow_log(&self.s.d.log):
            raise MemoryError
        return 0

    def add(self, Task task not None):
        """Take over a blocked task of the scheduler; its index (int)."""
        cdef task_t *p = self.sched.living(task)
        cdef size_t room = 2 * self.s.tasks_max + 64
        cdef driven_task *tasks
        cdef uint32_t *queued
        if p.state != TASK_BLOCKED:
            raise StateError(f"{task!r} is not blocked")
        if self.s.nr_tasks == self.s.tasks_max:
            tasks = <driven_task *>realloc(self.s.d.tasks, room * sizeof(driven_task))
            if tasks == NULL:
                raise MemoryError
            self.s.d.tasks = tasks
            queued = <uint32_t *>realloc(self.s.queued, room * sizeof(uint32_t))
            if queued == NULL:
                raise MemoryError
            self.s.queued, self.s.tasks_max = queued, room
        p.tag = self.s.nr_tasks
        tasks = &self.s.d.tasks[self.s.nr_tasks]
        memset(tasks, 0, sizeof(driven_task))
        tasks.p, tasks.ready = p, READY_WAKEUP
        self.s.nr_tasks += 1
        return p.tag

    # --------------------------------------------------------------------------------------------------- time

    def forward(self, ns_t until):
        """Go on to `until`, or to the first end of work or watched switch before it.

        Raises
        ------
        StateError
            The model leaves a tick on the way undefined (a slice divided by 0).
        """
        cdef int status = LIVE_SWITCHED
        cdef ns_t stop
        if until < self.s.d.now:
            return
        while True:
            stop = min(until, self.tick_ahead(TICKS_A_VISIT))
            self.make_room()
            with nogil:
                status = run_ticks(&self.s.d, stop)
            if status == LIVE_FAULTED:
                break
            if self.s.d.now == until and status != LIVE_SWITCHED or status == LIVE_ENDED:
                break
            if status == LIVE_SWITCHED and self.s.d.now < until:
                break
            PyErr_CheckSignals()
        self.sched.now = self.s.d.now
        if status == LIVE_FAULTED:
            raise StateError(
                f"at {self.s.d.now} ns a slice would be divided by 0, because the loads of a queue add up to a multiple "
                "of 2**32 (the kernel faults here); use smaller shares"
            )

    def peek(self, bint undisturbed=False):
        """When to come back, if nothing happens until then: ns, or None if no task runs.

        Parameters
        ----------
        undisturbed : bool
            Nothing has happened since the last peek but the time that it named: look farther, if it saw nothing.
        """
        cdef ns_t until
        cdef ns_t seen = 0
        cdef int status
        if first_to_tick(&self.s.d) == NULL:
            return None
        self.ahead = min(2 * self.ahead, <uint64_t>TICKS_A_VISIT) if undisturbed and self.fruitless else TICKS_AHEAD
        save_all(&self.s)
        until = self.tick_ahead(self.ahead)
        with nogil:
            status = find_return(&self.s, until, &seen)
        self.fruitless = status == LIVE_REACHED
        return seen

    @property
    def now_ns(self):
        """Time that has been reached, ns."""
        return self.s.d.now

    # -------------------------------------------------------------------------------------------------- tasks

    def give(self, size_t index, ns_t work_ns, bint watched=False):
        """The task has `work_ns` to do from now on; if it is blocked it wakes up.

        Raises
        ------
        StateError
            The task has exited, or the model leaves this wakeup undefined. Nothing has changed.
        """
        cdef driven_task *t = self.task_at(index)
        cdef driven_cpu *cpu = self.cpu_of(t)
        self.make_room()
        if t.p.state != TASK_BLOCKED:
            self.set_work(t, work_ns, watched)
            return
        self.sched.defined(t.p.rq, t.p, EVENT_WAKE, NULL, "wake")
        self.set_work(t, work_ns, watched)
        note_wakeup(&self.s.d, <uint32_t>index, READY_WAKEUP, BY_OUTSIDE, NO_TASK, cpu.rq.cpu)
        if not t.own:
            self.s.queued[self.s.nr_queued] = index
            self.s.nr_queued += 1
            t.own = True
        begin_event(cpu.rq, self.s.d.now)
        try_to_wake_up(t.p, 0)
        finish_event(&self.s.d, cpu)

    def withdraw(self, size_t index):
        """The task has nothing more to do. It keeps its CPU, or its place in the queue, until `block` is called."""
        self.set_work(self.task_at(index), 0, False)

    def block(self, size_t index):
        """The task blocks, if it runs; one that waits for its CPU must first get it."""
        cdef driven_task *t = self.task_at(index)
        cdef driven_cpu *cpu = self.cpu_of(t)
        self.withdraw(index)
        if not self.runs_now(t):
            return
        self.make_room()
        begin_event(cpu.rq, self.s.d.now)
        block_current(cpu.rq, SLEEP_INTERRUPTIBLE)
        finish_event(&self.s.d, cpu)

    def exit(self, size_t index):
        """The running task ends."""
        cdef driven_task *t = self.task_at(index)
        cdef driven_cpu *cpu = self.cpu_of(t)
        if not self.runs_now(t):
            raise StateError("only a running task exits")
        self.make_room()
        self.set_work(t, 0, False)
        self.sched.now = self.s.d.now
        self.sched.exit(now_ns=self.s.d.now, cpu=cpu.rq.cpu)
        t.p = NULL
        note_switches(&self.s.d)

    def note(self):
        """The scheduler was told something (a nice value, shares) at `now_ns`, in one event: note who runs now."""
        self.make_room()
        note_switches(&self.s.d)

    def finished(self):
        """Index of a running task without work left, by CPU; -1: there is none."""
        cdef const driven_cpu *cpu = first_to_end(&self.s.d)
        return cpu.index if cpu != NULL and end_of_work(&self.s.d, cpu) <= self.s.d.now else -1

    def is_running(self, size_t index):
        """Has the task its CPU?"""
        return index < self.s.nr_tasks and self.runs_now(&self.s.d.tasks[index])

    def is_blocked(self, size_t index):
        """Is the task neither running nor waiting for its CPU?"""
        return self.task_at(index).p.state == TASK_BLOCKED

    def running(self, int32_t cpu):
        """Index of the task that runs on a CPU; -1: it idles."""
        if not 0 <= cpu < self.s.d.m.nr_cpus:
            raise StateError(f"there is no CPU {cpu}")
        return self.s.d.cpus[cpu].index if is_busy(&self.s.d.cpus[cpu]) else -1

    def received_ns(self, size_t index):
        """CPU time that the task has received in total, ns; of an exited one too."""
        if index >= self.s.nr_tasks:
            raise StateError(f"there is no task {index}")
        return self.charged(&self.s.d.tasks[index]).received

    def remaining_ns(self, size_t index):
        """Work that the task has left, ns."""
        return self.charged(&self.s.d.tasks[index]).remaining if index < self.s.nr_tasks else 0

    @property
    def nr_runs(self):
        """Rows that `write_runs` writes."""
        return self.s.d.log.nr

    def write_runs(self, unsigned char[::1] out):
        """Copy the runs, rows of `RUN_DTYPE`, into a buffer of that size. Open ones end now."""
        write_log(&self.s.d.log, out, self.s.d.now)

    @property
    def nr_wakeups(self):
        """Rows that `write_wakeups` writes."""
        return nr_wakeups(&self.s.d.log)

    def write_wakeups(self, unsigned char[::1] out):
        """Copy the wakeups, rows of `WAKEUP_DTYPE`, into a buffer of that size. All are from outside."""
        write_wakeup_log(&self.s.d.log, out)

    def image(self):
        """Every byte that a tick can change, as a copy (bytes): what invariant I1 compares."""
        save_all(&self.s)
        return self.s.back.bytes[:self.s.back.nr_bytes]
