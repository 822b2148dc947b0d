"""The loop that another simulator drives: work is given piece by piece, and it says when something will be seen.

What it decides: nothing about who runs. `_sim` owns the time and the programs; here both belong to somebody else (an
event simulator such as SimPy), who gives a task some work, looks how far that goes, and comes back. Ticks stay in C.

    forward(t)      everything up to t: ticks due at t included, work that ends at t left for the caller to see
    peek()          when will the next thing happen that the caller can see, if nobody interferes?

`peek` is the idea. When work ends depends on ticks to come, and any event before it (a wakeup, a new weight) changes
it. So the machine is copied, run ahead to the next thing that is seen, and copied back to where it was. All pointers
stay right because every block returns to its own address, and ticks allocate nothing but runs of a timeline, which a
pool put back does not know. Only what ticks can touch is copied: CPUs, groups, runs, and the tasks that are queued.

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
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from .._core cimport (
    EVENT_TICK,
    EVENT_WAKE,
    begin_event,
    block_current,
    end_event,
    scheduler_tick,
    try_to_wake_up,
)
from .._hz cimport NEVER, first_tick_after, tick_time
from .._timeline cimport nr_runs_taken, run_numbered, runs_in_one_piece
from .._types cimport (
    SLEEP_INTERRUPTIBLE,
    TASK_BLOCKED,
    TASK_RUNNING,
    int32_t,
    machine,
    ns_t,
    run as run_struct,
    run_pool,
    task as task_t,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
)
from ..scheduler._handles cimport Task
from ..scheduler._scheduler cimport Scheduler

from ..errors import StateError

cdef enum:
    TICKS_AHEAD = 1024          # how far peek looks at first; some ten microseconds
    TICKS_A_VISIT = 262144      # between two looks at signals, and how far peek looks at most
    READY_WAKEUP = 1
    READY_PREEMPTED = 3
    OUT_PREEMPTED = 1
    OUT_BLOCKED = 2
    OUT_EXITED = 3

# ------------------------------------------------------------------------------------------------------------ runs


cdef inline void charge(live *s, live_cpu *cpu) noexcept nogil:
    cdef ns_t ran = s.now - cpu.since
    if cpu.curr != cpu.rq.idle:
        s.tasks[cpu.index].remaining -= ran
        s.tasks[cpu.index].received += ran
    cpu.since = s.now


cdef inline void close_run(live *s, live_cpu *cpu) noexcept nogil:
    cdef live_task *t = &s.tasks[cpu.index]
    cdef uint8_t out = OUT_EXITED if t.p == NULL else OUT_PREEMPTED if t.p.state == TASK_RUNNING else OUT_BLOCKED
    if out == OUT_PREEMPTED:
        t.ready_ns, t.ready = s.now, READY_PREEMPTED
    if s.recording:
        s.runs[cpu.run].end_ns = s.now
        s.runs[cpu.run].out = out


cdef inline void open_run(live *s, live_cpu *cpu) noexcept nogil:
    cdef live_task *t = &s.tasks[cpu.index]
    cdef live_run *r
    if not s.recording:
        return
    r = &s.runs[s.nr_runs]
    r.ready_ns, r.start_ns, r.end_ns = t.ready_ns, s.now, NEVER
    r.task, r.cpu = cpu.index, <unsigned short>cpu.rq.cpu
    r.ready, r.out = t.ready, 0
    cpu.run = s.nr_runs
    s.nr_runs += 1


cdef bint note_switch(live *s, live_cpu *cpu) noexcept nogil:
    # the core has run schedule(); True if a watched task has got or lost this CPU
    cdef task_t *curr = cpu.rq.curr
    cdef bint seen = False
    if curr == cpu.curr:
        return False
    charge(s, cpu)
    if cpu.curr != cpu.rq.idle:
        seen = s.tasks[cpu.index].watched
        close_run(s, cpu)
    else:
        cpu.next_tick = first_tick_after(s.hz, s.now)
    cpu.curr = curr
    if curr != cpu.rq.idle:
        cpu.index = curr.tag
        seen = seen or s.tasks[cpu.index].watched
        open_run(s, cpu)
    return seen


cdef bint note_switches(live *s) noexcept nogil:
    cdef bint seen = False
    cdef int32_t i
    for i in range(s.m.nr_cpus):
        seen = note_switch(s, &s.cpus[i]) or seen
    return seen

# ------------------------------------------------------------------------------------------------------------ loop


cdef int advance(live *s, ns_t until) noexcept nogil:
    # ticks up to and with `until`; comes back earlier if there is something to see
    cdef const live_cpu *cpu
    cdef live_cpu *tick_cpu
    cdef ns_t at_tick, at_end, due
    cdef int32_t i
    while True:
        at_tick = at_end = NEVER
        tick_cpu = NULL
        for i in range(s.m.nr_cpus):
            cpu = &s.cpus[i]
            if cpu.curr == cpu.rq.idle:
                continue
            at_end = min(at_end, cpu.since + s.tasks[cpu.index].remaining)
            due = tick_time(s.hz, cpu.next_tick)
            if due < at_tick:
                at_tick, tick_cpu = due, &s.cpus[i]
        if min(at_tick, at_end) > until:
            s.now = until
            return LIVE_REACHED
        if at_end < at_tick:
            s.now = at_end
            return LIVE_ENDED
        s.now = at_tick
        if s.m.sched_class.would_fault != NULL and s.m.sched_class.would_fault(
            tick_cpu.rq, tick_cpu.curr, EVENT_TICK, NULL
        ):
            return LIVE_FAULTED
        if s.recording and s.nr_runs + s.m.nr_cpus > s.runs_max and not grow_runs(s):
            return LIVE_REACHED
        tick_cpu.next_tick += 1
        begin_event(tick_cpu.rq, s.now)
        scheduler_tick(tick_cpu.rq)
        end_event(tick_cpu.rq, s.now)
        if note_switches(s):
            return LIVE_SWITCHED


cdef bint grow_runs(live *s) noexcept nogil:
    cdef size_t runs_max = 2 * s.runs_max + 1024 + s.m.nr_cpus
    cdef live_run *runs = <live_run *>realloc(s.runs, runs_max * sizeof(live_run))
    if runs == NULL:
        return False
    s.runs, s.runs_max = runs, runs_max
    return True

# ------------------------------------------------------------------------------------------------- there and back


cdef void sweep(live *s) noexcept nogil:
    # forget those that have left their queues; a model may keep a blocked task on its queue for a while
    cdef size_t kept = 0
    cdef size_t i
    cdef live_task *t
    for i in range(s.nr_queued):
        t = &s.tasks[s.queued[i]]
        if t.p != NULL and (t.p.on_rq or t.p.state == TASK_RUNNING):
            s.queued[kept] = s.queued[i]
            kept += 1
        else:
            t.listed = False
    s.nr_queued = kept


cdef size_t size_of_image(const live *s) noexcept nogil:
    cdef const machine *m = s.m
    cdef size_t a_cpu = m.sched_class.rq_size + m.sched_class.task_size + sizeof(live_cpu)
    cdef size_t a_group = sizeof(task_group) + m.nr_cpus * m.sched_class.group_size
    cdef size_t nr_groups = 0
    cdef const task_group *tg = m.groups
    while tg != NULL:
        nr_groups += 1
        tg = tg.next
    cdef size_t of_runs = sizeof(run_pool) + nr_runs_taken(&m.runs) * sizeof(run_struct)
    cdef size_t of_tasks = s.nr_queued * (m.sched_class.task_size + sizeof(live_task))
    return m.nr_cpus * a_cpu + nr_groups * a_group + of_runs + of_tasks


cdef inline char *carry(char *image, void *block, size_t size, bint back) noexcept nogil:
    if back:
        memcpy(block, image, size)
    else:
        memcpy(image, block, size)
    return image + size


cdef char *carry_runs(char *image, run_pool *pool, bint back) noexcept nogil:
    # the pool first: on the way back it tells how many were taken on the way there
    cdef uint64_t number = 0
    cdef uint64_t nr_runs
    cdef size_t nr
    image = carry(image, pool, sizeof(run_pool), back)
    nr_runs = nr_runs_taken(pool)
    while number < nr_runs:
        nr = runs_in_one_piece(pool, number, nr_runs)
        image = carry(image, run_numbered(pool, number), nr * sizeof(run_struct), back)
        number += nr
    return image


cdef void copy_machine(live *s, bint back) noexcept nogil:
    # every block that a tick can change, into the image or back out of it
    cdef machine *m = s.m
    cdef size_t task_size = m.sched_class.task_size
    cdef char *image = s.image
    cdef task_group *tg = m.groups
    cdef live_task *t
    cdef size_t i
    cdef int32_t cpu
    image = carry_runs(image, &m.runs, back)
    for cpu in range(m.nr_cpus):
        image = carry(image, m.rqs[cpu], m.sched_class.rq_size, back)
        image = carry(image, m.rqs[cpu].idle, task_size, back)
        image = carry(image, &s.cpus[cpu], sizeof(live_cpu), back)
    while tg != NULL:
        image = carry(image, tg, sizeof(task_group), back)
        image = carry(image, tg.cpus, m.nr_cpus * m.sched_class.group_size, back)
        tg = tg.next
    for i in range(s.nr_queued):
        t = &s.tasks[s.queued[i]]
        image = carry(image, t.p, task_size, back)
        image = carry(image, t, sizeof(live_task), back)


cdef int look_ahead(live *s, ns_t until, ns_t *seen) noexcept nogil:
    # when does `advance` come back? The machine stays as it is
    cdef ns_t now = s.now
    cdef bint recording = s.recording
    cdef int status
    copy_machine(s, False)
    s.recording = False
    status = advance(s, until)
    seen[0] = s.now
    s.now, s.recording = now, recording
    copy_machine(s, True)
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
        self.s.m = NULL
        self.s.tasks = NULL
        self.s.cpus = NULL
        self.s.queued = NULL
        self.s.runs = NULL
        self.s.image = NULL

    def __init__(self, Scheduler sched not None, hz, recording=False):
        cdef int32_t cpu
        if self.s.m != NULL or sched.m.nr_forked or sched.now:
            raise StateError("a Live is initialised once, with a fresh Scheduler")
        self.sched = sched
        self.s.hz = hz
        self.s.recording = recording
        self.s.now = self.s.nr_tasks = self.s.tasks_max = self.s.nr_queued = self.s.nr_runs = self.s.runs_max = 0
        self.s.image_size = 0
        self.ahead, self.fruitless = TICKS_AHEAD, False
        self.s.cpus = <live_cpu *>calloc(sched.m.nr_cpus, sizeof(live_cpu))
        if self.s.cpus == NULL:
            raise MemoryError
        self.s.m = &sched.m
        for cpu in range(sched.m.nr_cpus):
            self.s.cpus[cpu].rq = sched.m.rqs[cpu]
            self.s.cpus[cpu].curr = sched.m.rqs[cpu].idle

    def __dealloc__(self):
        free(self.s.tasks)
        free(self.s.cpus)
        free(self.s.queued)
        free(self.s.runs)
        free(self.s.image)

    cdef live_task *task_at(self, size_t index) except NULL:
        if index >= self.s.nr_tasks or self.s.tasks[index].p == NULL:
            raise StateError(f"there is no task {index}, or it has exited")
        return &self.s.tasks[index]

    cdef live_cpu *cpu_of(self, const live_task *t) noexcept:
        return &self.s.cpus[t.p.rq.cpu]

    cdef bint runs_now(self, const live_task *t) noexcept:
        return self.cpu_of(t).curr == t.p

    cdef int make_room(self) except -1:
        if self.s.recording and self.s.nr_runs + self.s.m.nr_cpus > self.s.runs_max and not grow_runs(&self.s):
            raise MemoryError
        return 0

    cdef size_t room_for_image(self) except 0:
        cdef size_t size
        cdef char *image
        sweep(&self.s)
        size = size_of_image(&self.s)
        if size > self.s.image_size:
            image = <char *>realloc(self.s.image, 2 * size)
            if image == NULL:
                raise MemoryError
            self.s.image, self.s.image_size = image, 2 * size
        return size

    def add(self, Task task not None):
        """Take over a blocked task of the scheduler; its index (int)."""
        cdef task_t *p = self.sched.living(task)
        cdef size_t room = 2 * self.s.tasks_max + 64
        cdef live_task *tasks
        cdef uint32_t *queued
        if p.state != TASK_BLOCKED:
            raise StateError(f"{task!r} is not blocked")
        if self.s.nr_tasks == self.s.tasks_max:
            tasks = <live_task *>realloc(self.s.tasks, room * sizeof(live_task))
            if tasks == NULL:
                raise MemoryError
            self.s.tasks = tasks
            queued = <uint32_t *>realloc(self.s.queued, room * sizeof(uint32_t))
            if queued == NULL:
                raise MemoryError
            self.s.queued, self.s.tasks_max = queued, room
        p.tag = self.s.nr_tasks
        tasks = &self.s.tasks[self.s.nr_tasks]
        tasks.p = p
        tasks.remaining = tasks.received = tasks.ready_ns = 0
        tasks.ready, tasks.watched, tasks.listed = READY_WAKEUP, False, False
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
        cdef int32_t cpu
        if until < self.s.now:
            return
        while True:
            stop = min(until, tick_time(self.s.hz, first_tick_after(self.s.hz, self.s.now) + TICKS_A_VISIT))
            self.make_room()
            with nogil:
                status = advance(&self.s, stop)
            if status == LIVE_FAULTED:
                break
            if self.s.now == until and status != LIVE_SWITCHED or status == LIVE_ENDED:
                break
            if status == LIVE_SWITCHED and self.s.now < until:
                break
            PyErr_CheckSignals()
        for cpu in range(self.s.m.nr_cpus):
            charge(&self.s, &self.s.cpus[cpu])
        self.sched.now = self.s.now
        if status == LIVE_FAULTED:
            raise StateError(
                f"at {self.s.now} ns a slice would be divided by 0, because the loads of a queue add up to a multiple "
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
        cdef int32_t cpu
        cdef bint busy = False
        for cpu in range(self.s.m.nr_cpus):
            busy = busy or self.s.cpus[cpu].curr != self.s.cpus[cpu].rq.idle
        if not busy:
            return None
        self.ahead = min(2 * self.ahead, <uint64_t>TICKS_A_VISIT) if undisturbed and self.fruitless else TICKS_AHEAD
        self.room_for_image()
        until = tick_time(self.s.hz, first_tick_after(self.s.hz, self.s.now) + self.ahead)
        with nogil:
            status = look_ahead(&self.s, until, &seen)
        self.fruitless = status == LIVE_REACHED
        return seen

    @property
    def now_ns(self):
        """Time that has been reached, ns."""
        return self.s.now

    # -------------------------------------------------------------------------------------------------- tasks

    def give(self, size_t index, ns_t work_ns, bint watched=False):
        """The task has `work_ns` to do from now on; if it is blocked it wakes up.

        Raises
        ------
        StateError
            The task has exited, or the model leaves this wakeup undefined. Nothing has changed.
        """
        cdef live_task *t = self.task_at(index)
        cdef live_cpu *cpu = self.cpu_of(t)
        self.make_room()
        if t.p.state != TASK_BLOCKED:
            t.remaining, t.watched = work_ns, watched
            return
        self.sched.defined(t.p.rq, t.p, EVENT_WAKE, NULL, "wake")
        t.remaining, t.watched = work_ns, watched
        t.ready_ns, t.ready = self.s.now, READY_WAKEUP
        if not t.listed:
            self.s.queued[self.s.nr_queued] = index
            self.s.nr_queued += 1
            t.listed = True
        begin_event(cpu.rq, self.s.now)
        try_to_wake_up(t.p, 0)
        end_event(cpu.rq, self.s.now)
        note_switches(&self.s)

    def withdraw(self, size_t index):
        """The task has nothing more to do. It keeps its CPU, or its place in the queue, until `block` is called."""
        cdef live_task *t = self.task_at(index)
        t.remaining, t.watched = 0, False

    def block(self, size_t index):
        """The task blocks, if it runs; one that waits for its CPU must first get it."""
        cdef live_task *t = self.task_at(index)
        cdef live_cpu *cpu = self.cpu_of(t)
        self.withdraw(index)
        if not self.runs_now(t):
            return
        self.make_room()
        begin_event(cpu.rq, self.s.now)
        block_current(cpu.rq, SLEEP_INTERRUPTIBLE)
        end_event(cpu.rq, self.s.now)
        note_switches(&self.s)

    def exit(self, size_t index):
        """The running task ends."""
        cdef live_task *t = self.task_at(index)
        cdef live_cpu *cpu = self.cpu_of(t)
        if not self.runs_now(t):
            raise StateError("only a running task exits")
        self.make_room()
        t.remaining, t.watched = 0, False
        self.sched.now = self.s.now
        self.sched.exit(now_ns=self.s.now, cpu=cpu.rq.cpu)
        t.p = NULL
        note_switches(&self.s)

    def note(self):
        """The scheduler was told something (a nice value, shares) at `now_ns`: note who runs now."""
        self.make_room()
        note_switches(&self.s)

    def finished(self):
        """Index of a running task without work left, by CPU; -1: there is none."""
        cdef int32_t cpu
        for cpu in range(self.s.m.nr_cpus):
            if self.s.cpus[cpu].curr != self.s.cpus[cpu].rq.idle and not self.s.tasks[self.s.cpus[cpu].index].remaining:
                return self.s.cpus[cpu].index
        return -1

    def is_running(self, size_t index):
        """Has the task its CPU?"""
        return index < self.s.nr_tasks and self.s.tasks[index].p != NULL and self.runs_now(&self.s.tasks[index])

    def is_blocked(self, size_t index):
        """Is the task neither running nor waiting for its CPU?"""
        return self.task_at(index).p.state == TASK_BLOCKED

    def running(self, int32_t cpu):
        """Index of the task that runs on a CPU; -1: it idles."""
        if not 0 <= cpu < self.s.m.nr_cpus:
            raise StateError(f"there is no CPU {cpu}")
        return -1 if self.s.cpus[cpu].curr == self.s.cpus[cpu].rq.idle else self.s.cpus[cpu].index

    def received_ns(self, size_t index):
        """CPU time that the task has received in total, ns; of an exited one too."""
        if index >= self.s.nr_tasks:
            raise StateError(f"there is no task {index}")
        return self.s.tasks[index].received

    def remaining_ns(self, size_t index):
        """Work that the task has left, ns."""
        return self.s.tasks[index].remaining if index < self.s.nr_tasks else 0

    @property
    def nr_runs(self):
        """Rows that `write_runs` writes."""
        return self.s.nr_runs

    def write_runs(self, unsigned char[::1] out):
        """Copy the runs, rows of `RUN_DTYPE`, into a buffer of that size. Open ones end now."""
        cdef size_t size = self.s.nr_runs * sizeof(live_run)
        cdef live_run *rows
        cdef size_t i
        if <size_t>out.shape[0] != size:
            raise ValueError(f"the buffer has {out.shape[0]} bytes, the runs {size}")
        if size == 0:
            return
        memcpy(&out[0], self.s.runs, size)
        rows = <live_run *>&out[0]
        for i in range(self.s.nr_runs):
            if rows[i].end_ns == NEVER:
                rows[i].end_ns = self.s.now

    def image(self):
        """Every byte that a tick can change, as a copy (bytes): what invariant I1 compares."""
        cdef size_t size = self.room_for_image()
        copy_machine(&self.s, False)
        return self.s.image[:size]
