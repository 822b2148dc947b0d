"""The loop that runs a workload: programs of tasks, timers and ticks on one side, the core's events on the other.

What it decides: what happens next. Three things can be due: a tick of a busy CPU, a timer that wakes a task, and the
end of the running task's RUN. The earliest is done; at one instant they come in this order:

    (time, kind: tick < timer < end of a run, sequence number: of the CPU, or of the timer)

so a tick due at t comes before the operation at t, and the same workload gives the same runs on every machine.
After the end of a RUN the task performs its following operations, which take no time, until it runs again, blocks,
exits, or is preempted by what it did.

Ticks are due when `_hz` says; an idle CPU takes none, and its first one after waking up is the first that lies *after*
that instant. So an idle span costs nothing.

Tasks with a start time exist from time 0 on, asleep, as if forked by the idle task long ago, and are woken at that
time. A WAIT takes a WAKE that came early (they are counted), so no wakeup is lost when the order of events changes.

Invariants:
    I1  each CPU has one open run exactly while its `curr` is not the idle task
    I2  between steps every task is: unborn, runnable, waiting for a WAKE, in the heap of timers, or dead
    I3  the heap is ordered by (time, seq); a task has at most one timer in it
    I4  a task that is not running has `remaining` ns of its RUN left, and is never charged for time it did not run

Rejected: an event in the queue for each end of a run (it would be cancelled at each preemption); callbacks into Python
(a Python policy has its own loop); allocation inside the loop (it comes back to the border for memory).
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy

from .._core cimport (
    EVENT_FORK,
    EVENT_TICK,
    EVENT_WAKE,
    adjust_new_task,
    begin_event,
    block_current,
    can_take_task,
    end_event,
    exit_current,
    free_task,
    make_room,
    new_task,
    sched_fork,
    sched_yield,
    scheduler_tick,
    set_task_cpu,
    set_user_nice,
    take_task,
    try_to_wake_up,
    wake_up_new_task,
)
from .._hz cimport NEVER, first_tick_after, tick_time
from .._types cimport (
    SLEEP_INTERRUPTIBLE,
    TASK_BLOCKED,
    TASK_DEAD,
    TASK_RUNNING,
    int8_t,
    int32_t,
    int64_t,
    machine,
    ns_t,
    rq,
    task,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
    uintptr_t,
)
from ..scheduler._handles cimport TaskGroup
from ..scheduler._scheduler cimport Scheduler

from ..errors import StateError, WorkloadError

cdef enum:
    STEPS_A_VISIT = 200000      # steps between two looks at signals; some ten milliseconds
    RUNS_AT_FIRST = 4096

# ---------------------------------------------------------------------------------------------------------- timers


cdef inline bint timer_before(const timer *a, const timer *b) noexcept nogil:
    return a.time < b.time or (a.time == b.time and a.seq < b.seq)


cdef void push_timer(sim *s, ns_t time, uint32_t task) noexcept nogil:
    cdef size_t at = s.nr_timers
    cdef size_t parent
    cdef timer new
    new.time, new.seq, new.task = time, s.seq, task
    s.seq += 1
    s.nr_timers += 1
    while at:
        parent = (at - 1) >> 1
        if not timer_before(&new, &s.timers[parent]):
            break
        s.timers[at] = s.timers[parent]
        at = parent
    s.timers[at] = new


cdef uint32_t pop_timer(sim *s) noexcept nogil:
    cdef uint32_t first = s.timers[0].task
    cdef timer last
    cdef size_t at = 0
    cdef size_t child
    s.nr_timers -= 1
    last = s.timers[s.nr_timers]
    while True:
        child = 2 * at + 1
        if child >= s.nr_timers:
            break
        if child + 1 < s.nr_timers and timer_before(&s.timers[child + 1], &s.timers[child]):
            child += 1
        if not timer_before(&s.timers[child], &last):
            break
        s.timers[at] = s.timers[child]
        at = child
    s.timers[at] = last
    return first

# ------------------------------------------------------------------------------------------------------------ runs


cdef inline uint8_t why_out(const task *p) noexcept nogil:
    if p.state == TASK_RUNNING:
        return OUT_PREEMPTED
    return OUT_EXITED if p.state == TASK_DEAD else OUT_BLOCKED


cdef inline void close_run(sim *s, sim_cpu *cpu) noexcept nogil:
    cdef sim_task *t = &s.tasks[cpu.curr.tag]
    s.runs[cpu.run].end_ns = s.now
    s.runs[cpu.run].out = why_out(cpu.curr)
    if cpu.curr.state == TASK_RUNNING:
        t.remaining -= s.now - cpu.since
        t.ready_ns = s.now
        t.ready = READY_PREEMPTED


cdef inline void open_run(sim *s, sim_cpu *cpu, task *p) noexcept nogil:
    cdef sim_task *t = &s.tasks[p.tag]
    cdef run *r = &s.runs[s.nr_runs]
    r.ready_ns, r.start_ns, r.end_ns = <int64_t>t.ready_ns, <int64_t>s.now, -1
    r.task, r.cpu = p.tag, <uint16_t>cpu.rq.cpu
    r.ready, r.out = t.ready, OUT_RUNNING
    cpu.run = s.nr_runs
    cpu.since = s.now
    s.nr_runs += 1


cdef inline void note_switch(sim *s, sim_cpu *cpu) noexcept nogil:
    # the core has run schedule(): if the running task is another one, a run has ended and one has begun
    cdef task *curr = cpu.rq.curr
    if curr == cpu.curr:
        return
    if cpu.curr != cpu.rq.idle:
        close_run(s, cpu)
    else:
        cpu.next_tick = first_tick_after(s.hz, s.now)
    if curr != cpu.rq.idle:
        open_run(s, cpu, curr)
    cpu.curr = curr


cdef inline void finish_event(sim *s, sim_cpu *this_cpu) noexcept nogil:
    cdef int32_t i
    end_event(this_cpu.rq, s.now)
    for i in range(s.m.nr_cpus):
        note_switch(s, &s.cpus[i])

# ------------------------------------------------------------------------------------------------------ operations


cdef inline void make_ready(sim *s, sim_task *t, uint8_t how) noexcept nogil:
    t.ready_ns = s.now
    t.ready = how


cdef bint wake(sim *s, sim_cpu *this_cpu, uint32_t index) noexcept nogil:
    # False: undefined in the model
    cdef sim_task *t = &s.tasks[index]
    if s.m.sched_class.would_fault != NULL and s.m.sched_class.would_fault(t.p.rq, t.p, EVENT_WAKE, NULL):
        return False
    make_ready(s, t, READY_WAKEUP)
    begin_event(this_cpu.rq, s.now)
    try_to_wake_up(t.p, 0)
    finish_event(s, this_cpu)
    return True


cdef bint op_wake(sim *s, sim_cpu *this_cpu, uint32_t target) noexcept nogil:
    cdef sim_task *t = &s.tasks[target]
    if not t.waiting:
        t.wakeups += 1
        return True
    t.waiting = False
    return wake(s, this_cpu, target)


cdef inline void prepare_task(sim *s, task *p, uint32_t index, rq *rq, task *parent) noexcept nogil:
    # a copy of `parent` on this CPU, with what the workload says of it
    cdef const program *row = &s.programs[index]
    p.tag = index
    sched_fork(rq, p, parent)
    adjust_new_task(p, s.groups[index], row.nice, row.policy)
    s.tasks[index].p = p


cdef bint op_fork(sim *s, sim_cpu *this_cpu, uint32_t target) noexcept nogil:
    # the child starts on the CPU that the workload says; the memory for it is there (the caller has looked)
    cdef task *parent = this_cpu.curr
    cdef task *p = take_task(s.m)
    begin_event(this_cpu.rq, s.now)
    prepare_task(s, p, target, this_cpu.rq, parent)
    set_task_cpu(p, s.m.rqs[s.programs[target].cpu])
    if s.m.sched_class.would_fault != NULL and s.m.sched_class.would_fault(p.rq, p, EVENT_FORK, NULL):
        return False
    make_ready(s, &s.tasks[target], READY_FORK)
    s.nr_alive += 1
    wake_up_new_task(p, False)
    finish_event(s, this_cpu)
    return True


cdef void op_block(sim *s, sim_cpu *this_cpu) noexcept nogil:
    begin_event(this_cpu.rq, s.now)
    block_current(this_cpu.rq, SLEEP_INTERRUPTIBLE)
    finish_event(s, this_cpu)


cdef void op_exit(sim *s, sim_cpu *this_cpu) noexcept nogil:
    cdef task *p = this_cpu.curr
    begin_event(this_cpu.rq, s.now)
    exit_current(this_cpu.rq)
    finish_event(s, this_cpu)
    s.tasks[p.tag].p = NULL
    s.nr_alive -= 1
    free_task(p)


cdef void op_nice(sim *s, sim_cpu *this_cpu, int8_t nice) noexcept nogil:
    begin_event(this_cpu.rq, s.now)
    set_user_nice(this_cpu.curr, nice)
    finish_event(s, this_cpu)


cdef void op_yield(sim *s, sim_cpu *this_cpu) noexcept nogil:
    begin_event(this_cpu.rq, s.now)
    sched_yield(this_cpu.rq)
    finish_event(s, this_cpu)


cdef int perform(sim *s, sim_cpu *cpu, uint32_t index, const op *o) noexcept nogil:
    # one operation of the running task; LOOP_PAUSED: done
    cdef sim_task *t = &s.tasks[index]
    if o.kind == OP_RUN:
        t.remaining = o.arg
        cpu.since = s.now
    elif o.kind == OP_WAIT:
        if t.wakeups:
            t.wakeups -= 1
        else:
            t.waiting = True
            op_block(s, cpu)
    elif o.kind == OP_SLEEP:
        push_timer(s, s.now + o.arg, index)
        op_block(s, cpu)
    elif o.kind == OP_SLEEP_UNTIL:
        if <ns_t>o.arg > s.now:
            push_timer(s, o.arg, index)
            op_block(s, cpu)
    elif o.kind == OP_NEXT:
        push_timer(s, (s.now // <ns_t>o.arg + 1) * <ns_t>o.arg, index)
        op_block(s, cpu)
    elif o.kind == OP_WAKE:
        if not op_wake(s, cpu, o.target):
            return LOOP_FAULTED
    elif o.kind == OP_FORK:
        if not op_fork(s, cpu, o.target):
            return LOOP_FAULTED
    elif o.kind == OP_NICE:
        op_nice(s, cpu, <int8_t>o.arg)
    elif o.kind == OP_YIELD:
        op_yield(s, cpu)
    elif o.kind == OP_LOOP:
        t.next_op = s.programs[index].first_op + o.target
    else:
        op_exit(s, cpu)
    return LOOP_PAUSED


cdef int perform_program(sim *s, sim_cpu *cpu) noexcept nogil:
    # the operations of whoever runs, one after the other, until somebody has a RUN to do
    cdef uint32_t index
    cdef const program *row
    cdef sim_task *t
    cdef op last
    cdef int status
    last.kind, last.arg, last.target = OP_EXIT, 0, 0
    while cpu.curr != cpu.rq.idle:
        index = cpu.curr.tag
        t = &s.tasks[index]
        if t.remaining:
            return LOOP_PAUSED
        if s.nr_runs + s.m.nr_cpus >= s.runs_max:
            return LOOP_NEEDS_RUNS
        row = &s.programs[index]
        if t.next_op == row.first_op + row.nr_ops:
            perform(s, cpu, index, &last)
            continue
        if s.ops[t.next_op].kind == OP_FORK and not can_take_task(s.m):
            return LOOP_NEEDS_TASK
        t.next_op += 1
        status = perform(s, cpu, index, &s.ops[t.next_op - 1])
        if status != LOOP_PAUSED:
            return status
    return LOOP_PAUSED

# ------------------------------------------------------------------------------------------------------------ loop


cdef inline ns_t run_end(const sim *s, const sim_cpu *cpu) noexcept nogil:
    return cpu.since + s.tasks[cpu.curr.tag].remaining


cdef int do_tick(sim *s, sim_cpu *cpu) noexcept nogil:
    cdef machine *m = s.m
    if m.sched_class.would_fault != NULL and m.sched_class.would_fault(cpu.rq, cpu.curr, EVENT_TICK, NULL):
        return LOOP_FAULTED
    cpu.next_tick += 1
    begin_event(cpu.rq, s.now)
    scheduler_tick(cpu.rq)
    finish_event(s, cpu)
    return LOOP_PAUSED


cdef int do_timer(sim *s) noexcept nogil:
    # the timer's interrupt comes on the CPU of the task that it wakes
    cdef uint32_t index = pop_timer(s)
    return LOOP_PAUSED if wake(s, &s.cpus[s.tasks[index].p.rq.cpu], index) else LOOP_FAULTED


cdef int do_run_end(sim *s, sim_cpu *cpu) noexcept nogil:
    s.tasks[cpu.curr.tag].remaining = 0
    cpu.since = s.now
    return perform_program(s, cpu)


cdef int step(sim *s) noexcept nogil:
    # do what is due first
    cdef ns_t at_tick = NEVER
    cdef ns_t at_end = NEVER
    cdef ns_t at_timer = s.timers[0].time if s.nr_timers else NEVER
    cdef sim_cpu *tick_cpu = NULL
    cdef sim_cpu *end_cpu = NULL
    cdef sim_cpu *cpu
    cdef ns_t due
    cdef int32_t i
    for i in range(s.m.nr_cpus):
        cpu = &s.cpus[i]
        if cpu.curr == cpu.rq.idle:
            continue
        due = run_end(s, cpu)
        if due < at_end:
            at_end, end_cpu = due, cpu
        due = tick_time(s.hz, cpu.next_tick)
        if due < at_tick:
            at_tick, tick_cpu = due, cpu
    due = min(at_tick, min(at_timer, at_end))
    if due == NEVER:
        return LOOP_FINISHED if s.nr_alive == 0 else LOOP_STALLED
    if due >= s.until:
        return LOOP_REACHED
    s.now = due
    if at_tick == due:
        return do_tick(s, tick_cpu)
    if at_timer == due:
        return do_timer(s)
    return do_run_end(s, end_cpu)


cdef int visit(sim *s) noexcept nogil:
    cdef int status = LOOP_PAUSED
    cdef int steps = 0
    while status == LOOP_PAUSED and steps < STEPS_A_VISIT:
        if s.nr_runs + s.m.nr_cpus >= s.runs_max:
            return LOOP_NEEDS_RUNS
        status = step(s)
        steps += 1
    return status

# ------------------------------------------------------------------------------------------------------ the border


cdef class Loop:
    """A workload on a machine, run by compiled code. `cfs.Simulation` is the public face.

    Parameters
    ----------
    sched : Scheduler
        A fresh one; it belongs to the loop from now on.
    tasks, ops : buffers of bytes
        The rows of `TASK_DTYPE` and `OP_DTYPE` of a workload that has been checked.
    groups : sequence of (TaskGroup or None)
        The group of each task.
    hz : int
        Ticks a second.
    """

    cdef sim s
    cdef readonly Scheduler sched
    cdef object held            # the buffers that the loop reads
    cdef readonly str end       # why it ended: "duration", "finished", "stalled", or "" while it has not

    def __cinit__(self, *args, **kwargs):
        self.s.m = NULL
        self.s.tasks = NULL
        self.s.groups = NULL
        self.s.cpus = NULL
        self.s.timers = NULL
        self.s.runs = NULL

    def __init__(self, Scheduler sched not None, const unsigned char[::1] tasks, const unsigned char[::1] ops, groups, hz):
        cdef size_t nr = tasks.shape[0] // sizeof(program)
        cdef int32_t cpu
        if self.s.m != NULL or sched.m.nr_forked or sched.now:
            raise StateError("a Loop is initialised once, with a fresh Scheduler")
        if sched.ticks.hz:
            raise StateError("the Loop ticks: its Scheduler must not do so by itself")
        self.sched = sched
        self.held = (tasks, ops)
        self.end = ""
        self.s.programs = <const program *>&tasks[0] if nr else NULL
        self.s.ops = <const op *>&ops[0] if ops.shape[0] else NULL
        self.s.nr_tasks = nr
        self.s.hz = hz
        self.s.now = self.s.seq = self.s.nr_timers = self.s.nr_runs = self.s.nr_alive = 0
        self.s.runs_max = RUNS_AT_FIRST + 2 * sched.m.nr_cpus
        self.s.tasks = <sim_task *>calloc(nr + 1, sizeof(sim_task))
        self.s.groups = <task_group **>calloc(nr + 1, sizeof(void *))
        self.s.timers = <timer *>calloc(nr + 1, sizeof(timer))
        self.s.cpus = <sim_cpu *>calloc(sched.m.nr_cpus, sizeof(sim_cpu))
        self.s.runs = <run *>malloc(self.s.runs_max * sizeof(run))
        if not (self.s.tasks and self.s.groups and self.s.timers and self.s.cpus and self.s.runs):
            raise MemoryError
        self.s.m = &sched.m
        for cpu in range(sched.m.nr_cpus):
            self.s.cpus[cpu].rq = sched.m.rqs[cpu]
            self.s.cpus[cpu].curr = sched.m.rqs[cpu].idle
        self._make_tasks(groups)

    def __dealloc__(self):
        free(self.s.tasks)
        free(self.s.groups)
        free(self.s.timers)
        free(self.s.cpus)
        free(self.s.runs)

    def _make_tasks(self, groups):
        # those with a start time exist from now on, asleep, each with a timer
        cdef uint32_t i
        cdef task *p
        cdef rq *rq
        for i in range(self.s.nr_tasks):
            self.s.tasks[i].next_op = self.s.programs[i].first_op
            group = groups[i]
            self.s.groups[i] = NULL if group is None else (<TaskGroup?>group).tg
            if self.s.programs[i].start_ns < 0:
                continue
            p = new_task(self.s.m)
            rq = self.s.m.rqs[self.s.programs[i].cpu]
            prepare_task(&self.s, p, i, rq, rq.idle)
            p.state = TASK_BLOCKED
            push_timer(&self.s, self.s.programs[i].start_ns, i)
            self.s.nr_alive += 1

    def run(self, until_ns, progress=None):
        """Run up to (not including) `until_ns`, or until nothing can happen any more. May be called again.

        Parameters
        ----------
        until_ns : int
        progress : callable, optional
            Called now and then with the time that has been reached.

        Raises
        ------
        StateError
            The model leaves the next operation undefined (a slice divided by 0).
        """
        cdef int status = LOOP_PAUSED
        cdef int32_t cpu
        self.s.until = until_ns
        self.end = ""
        while not self.end:
            for cpu in range(self.s.m.nr_cpus):
                with nogil:
                    status = perform_program(&self.s, &self.s.cpus[cpu])
                if status != LOOP_PAUSED:
                    break
            if status == LOOP_PAUSED:
                with nogil:
                    status = visit(&self.s)
            self._attend(status)
            PyErr_CheckSignals()
            if progress is not None:
                progress(self.s.now)
        self.sched.now = self.s.now

    def _attend(self, int status):
        # give the loop what it came back for
        cdef run *runs
        if status == LOOP_NEEDS_RUNS:
            runs = <run *>realloc(self.s.runs, 2 * self.s.runs_max * sizeof(run))
            if runs == NULL:
                raise MemoryError
            self.s.runs, self.s.runs_max = runs, 2 * self.s.runs_max
        elif status == LOOP_NEEDS_TASK:
            make_room(self.s.m)
        elif status == LOOP_FAULTED:
            raise StateError(
                f"at {self.s.now} ns a slice would be divided by 0, because the loads of a queue add up to a multiple "
                "of 2**32 (the kernel faults here); use smaller shares"
            )
        elif status != LOOP_PAUSED:
            self.end = {LOOP_REACHED: "duration", LOOP_FINISHED: "finished", LOOP_STALLED: "stalled"}[status]
            if status == LOOP_REACHED:
                self.s.now = self.s.until

    @property
    def now_ns(self):
        """Time that has been reached, ns."""
        return self.s.now

    @property
    def nr_runs(self):
        """Rows that `write_runs` writes."""
        return self.s.nr_runs

    def write_positions(self, int64_t[::1] out):
        """For each task the index in `ops` of the operation that comes next."""
        cdef size_t i
        if <size_t>out.shape[0] != self.s.nr_tasks:
            raise ValueError(f"there are {self.s.nr_tasks} tasks, not {out.shape[0]}")
        for i in range(self.s.nr_tasks):
            out[i] = self.s.tasks[i].next_op

    def write_ids(self, int64_t[::1] out):
        """For each task its id in the scheduler, 0 if there is none: it has not begun, or has exited."""
        cdef size_t i
        if <size_t>out.shape[0] != self.s.nr_tasks:
            raise ValueError(f"there are {self.s.nr_tasks} tasks, not {out.shape[0]}")
        for i in range(self.s.nr_tasks):
            out[i] = 0 if self.s.tasks[i].p == NULL else <int64_t>self.s.tasks[i].p.id

    def write_runs(self, unsigned char[::1] out):
        """Copy the runs, rows of `RUN_DTYPE`, into a buffer of that size. Open ones end now."""
        cdef size_t size = self.s.nr_runs * sizeof(run)
        cdef run *rows
        cdef size_t i
        if <size_t>out.shape[0] != size:
            raise ValueError(f"the buffer has {out.shape[0]} bytes, the runs {size}")
        if size == 0:
            return
        memcpy(&out[0], self.s.runs, size)
        rows = <run *>&out[0]
        for i in range(self.s.nr_runs):
            if rows[i].end_ns < 0:
                rows[i].end_ns = <int64_t>self.s.now
