"""The loop that runs a workload: programs of tasks, timers and ticks on one side, the core's events on the other.

What it decides: what happens next. Four things can be due: a tick of a busy CPU, a timer that wakes a task, the moment
at which a CPU that was held for a while is free to switch, and the end of the running task's RUN. The earliest is done;
at one instant they come in this order:

    (time, kind: tick < timer < release < end of a run, sequence number: of the CPU, or of the timer)

so a tick due at t comes before the operation at t, and the same workload gives the same runs on every machine. What a
task does after the end of its RUN says `_program`; what follows from a switch, `_driver`; the order of what is due, `_due`.

Ticks come when the clock of `_due` says, with the phase and the lateness of the platform. An idle CPU takes none, and its
first one after waking up is the first that lies *after* that instant. So an idle span costs nothing; a step costs
O(log CPUs), and what it does on a CPU is O(log n) in the tasks there.

Invariants:
    I1  what is done next depends on the machine and the workload alone: not on where the loop stopped for memory or
        signals
    I2  a task that is not running has `remaining` ns of its RUN left, and is never charged for time it did not run

Rejected: an event in the queue for each end of a run (it would be cancelled at each preemption); allocation inside the
loop (it comes back to the border for memory).
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from .._core cimport EVENT_TICK, begin_event, make_room, scheduler_tick, would_fault
from .._hz cimport NEVER
from .._types cimport int32_t, int64_t, ns_t, task, task_group, uint32_t
from ..engine._driver cimport (
    charge,
    count_tick,
    driven_cpu,
    driven_task,
    end_of_work,
    first_to_act,
    first_to_tick,
    free_driver,
    init_driver,
    is_busy,
)
from ..engine._due cimport first_timer, tick_clock
from ..engine._program cimport (
    PLAY_FAULTED,
    PLAY_GOES_ON,
    PLAY_NEEDS_RUNS,
    PLAY_NEEDS_TASK,
    OP_PUT,
    adopt_tasks,
    finish,
    line,
    op,
    perform_program,
    play,
    program,
    release,
    wake_by_timer,
)
from ..engine._runs cimport (
    CHUNK_ROWS,
    grow_log,
    is_full,
    nr_wakeups,
    take_runs,
    take_wakeups,
    write_log,
    write_wakeup_log,
)
from ..scheduler._handles cimport TaskGroup
from ..scheduler._scheduler cimport Scheduler

import numpy as np

from ..errors import StateError

cdef enum:
    STEPS_A_VISIT = 200000      # steps between two looks at signals; some ten milliseconds

cdef enum:                      # why the loop came back to the border, beside PLAY_...
    LOOP_REACHED = 4            # the end of the span
    LOOP_FINISHED = 5           # every task has exited
    LOOP_STALLED = 6            # nobody runs, and nothing will wake those that are left

ENDS = {LOOP_REACHED: "duration", LOOP_FINISHED: "finished", LOOP_STALLED: "stalled"}

# ------------------------------------------------------------------------------------------------------------ loop


cdef bint has_kind(const op *ops, size_t nr, int32_t kind) noexcept nogil:
    cdef size_t i
    for i in range(nr):
        if ops[i].kind == kind:
            return True
    return False


cdef int do_tick(play *s, driven_cpu *cpu) noexcept nogil:
    if would_fault(cpu.rq, cpu.curr, EVENT_TICK, NULL):
        return PLAY_FAULTED
    count_tick(&s.d, cpu)
    begin_event(cpu.rq, s.d.now)
    scheduler_tick(cpu.rq)
    finish(s, cpu)
    return PLAY_GOES_ON


cdef int do_run_end(play *s, driven_cpu *cpu) noexcept nogil:
    charge(&s.d, cpu)
    return perform_program(s, cpu)


cdef int step(play *s, ns_t until) noexcept nogil:
    # do what is due first
    cdef driven_cpu *tick_cpu = first_to_tick(&s.d)
    cdef driven_cpu *cpu = first_to_act(&s.d)
    cdef ns_t at_tick = tick_cpu.tick if tick_cpu != NULL else NEVER
    cdef ns_t at_timer = first_timer(&cpu.timers)
    cdef ns_t at_end = end_of_work(&s.d, cpu) if is_busy(cpu) else NEVER
    cdef ns_t due = min(min(at_tick, cpu.release), min(at_timer, at_end))
    if due == NEVER:
        return LOOP_FINISHED if s.nr_alive == 0 else LOOP_STALLED
    if due >= until:
        return LOOP_REACHED
    s.d.now = due
    if at_tick == due:
        return do_tick(s, tick_cpu)
    if at_timer == due:
        return wake_by_timer(s, cpu)
    if cpu.release == due:
        return release(s, cpu)
    return do_run_end(s, cpu)


cdef int visit(play *s, ns_t until) noexcept nogil:
    cdef int status = PLAY_GOES_ON
    cdef int steps = 0
    if s.interrupted != NULL:
        status = perform_program(s, s.interrupted)
    while status == PLAY_GOES_ON and steps < STEPS_A_VISIT:
        if is_full(&s.d.log):
            return PLAY_NEEDS_RUNS
        status = step(s, until)
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
    platform : Platform
        When it ticks, what it costs, whether tasks hold their CPUs.
    slices : buffer of uint64, optional
        Of each task the slice of its own, ns; 0: the default, or its parent's.
    """

    cdef play s
    cdef readonly Scheduler sched
    cdef tuple held            # the buffers that the loop reads
    cdef object drain           # takes the runs now and then; None: the log keeps them
    cdef readonly str end       # why it ended: "duration", "finished", "stalled", or "" while it has not

    def __cinit__(self, *args, **kwargs):
        memset(&self.s, 0, sizeof(self.s))

    def __init__(self, Scheduler sched not None, const unsigned char[::1] tasks, const unsigned char[::1] ops, groups, platform,
                 const ns_t[::1] slices=None):
        cdef size_t nr = tasks.shape[0] // sizeof(program)
        cdef size_t i
        if self.s.d.m != NULL or sched.m.nr_forked or sched.now:
            raise StateError("a Loop is initialised once, with a fresh Scheduler")
        if sched.ticks.hz:
            raise StateError("the Loop ticks: its Scheduler must not do so by itself")
        self.sched = sched
        if slices is not None and <size_t>slices.shape[0] != nr:
            raise ValueError(f"there are {nr} tasks, and {slices.shape[0]} slices")
        self.held = (tasks, ops, slices)
        self.end = ""
        self.s.programs = <const program *>&tasks[0] if nr else NULL
        self.s.ops = <const op *>&ops[0] if ops.shape[0] else NULL
        self.s.slices = &slices[0] if slices is not None and nr else NULL
        self.s.nr_tasks = nr
        if has_kind(self.s.ops, ops.shape[0] // sizeof(op), OP_PUT):
            self.s.lines = <line *>calloc(nr, sizeof(line))
            if self.s.lines == NULL:
                raise MemoryError
        self.s.d.tasks = <driven_task *>calloc(nr + 1, sizeof(driven_task))
        self.s.groups = <task_group **>calloc(nr + 1, sizeof(void *))
        if not (self.s.d.tasks and self.s.groups):
            raise MemoryError
        if not (init_driver(&self.s.d, &sched.m, platform.hz, True) and grow_log(&self.s.d.log)):
            raise MemoryError
        self._set_platform(platform)
        for i in range(nr):
            self.s.groups[i] = NULL if groups[i] is None else (<TaskGroup?>groups[i]).tg
        adopt_tasks(&self.s)

    cdef int _set_platform(self, platform) except -1:
        cdef const uint32_t[::1] late = platform.late_ns
        cdef tick_clock *clock = &self.s.d.ticks.clock
        self.held += (late,)
        clock.lead, clock.seed = platform.lead_ns, platform.seed
        clock.late, clock.nr_late = &late[0] if late.shape[0] else NULL, <uint32_t>late.shape[0]
        self.s.d.switch_cost, self.s.wakeup_cost = platform.switch_cost_ns, platform.wakeup_cost_ns
        self.s.tasks_stay = platform.preempt != "full"
        self.s.holds = self.s.tasks_stay or platform.wakeup_cost_ns > 0
        return 0

    def __dealloc__(self):
        free(self.s.d.tasks)
        free(self.s.groups)
        free(self.s.timers)
        free(self.s.lines)
        free_driver(&self.s.d)

    def keep(self, *, bint wakeups, drain=None):
        """Say what is kept of what happens; before time begins.

        Parameters
        ----------
        wakeups : bool
            Are they wanted? Else `write_wakeups` writes those that happen to be left.
        drain : callable, optional
            Called whenever some thousands of runs have been logged, with what `take_runs` returns: the log then needs
            no more memory for a long run than for a short one.
        """
        self.s.d.log.drops_wakeups = not wakeups
        self.drain = drain

    def take_runs(self):
        """All runs that the log has, which goes on without them; those that are open end now.

        Returns
        -------
        rows : Rows
            A buffer of rows of `RUN_DTYPE`, which belongs to the caller.
        still_open : list of int
            Those of them that are open: the log has them still.
        """
        cdef int32_t i
        cdef size_t[::1] places
        still_open = sorted([self.s.d.cpus[i].run for i in range(self.s.d.m.nr_cpus) if is_busy(&self.s.d.cpus[i])])
        places = np.array(still_open or [0], np.uintp)
        rows = take_runs(&self.s.d.log, &places[0], len(still_open), CHUNK_ROWS, self.s.d.now)
        new_place = {row: place for place, row in enumerate(still_open)}
        for i in range(self.s.d.m.nr_cpus):
            if is_busy(&self.s.d.cpus[i]):
                self.s.d.cpus[i].run = new_place[self.s.d.cpus[i].run]
        return rows, still_open

    def take_wakeups(self):
        """All wakeups, rows of `WAKEUP_DTYPE`: a buffer (Rows) that belongs to the caller."""
        return take_wakeups(&self.s.d.log)

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
        cdef int status
        cdef ns_t until = until_ns
        self.end = ""
        while not self.end:
            with nogil:
                status = visit(&self.s, until)
            self._attend(status, until)
            PyErr_CheckSignals()
            if progress is not None:
                progress(self.s.d.now)
        self.sched.now = self.s.d.now

    def _attend(self, int status, ns_t until):
        # give the loop what it came back for
        if status == PLAY_NEEDS_RUNS:
            if self.drain is not None and is_full(&self.s.d.log):
                self.drain(*self.take_runs())
            if not grow_log(&self.s.d.log):
                raise MemoryError
        elif status == PLAY_NEEDS_TASK:
            make_room(self.s.d.m)
        elif status == PLAY_FAULTED:
            raise StateError(
                f"at {self.s.d.now} ns a slice would be divided by 0, because the loads of a queue add up to a multiple "
                "of 2**32 (the kernel faults here); use smaller shares"
            )
        elif status != PLAY_GOES_ON:
            self.end = ENDS[status]
            if status == LOOP_REACHED:
                self.s.d.now = until

    @property
    def now_ns(self):
        """Time that has been reached, ns."""
        return self.s.d.now

    @property
    def nr_runs(self):
        """Rows that `write_runs` writes."""
        return self.s.d.log.nr

    def write_positions(self, int64_t[::1] out):
        """For each task the index in `ops` of the operation that comes next."""
        cdef size_t i
        if <size_t>out.shape[0] != self.s.nr_tasks:
            raise ValueError(f"there are {self.s.nr_tasks} tasks, not {out.shape[0]}")
        for i in range(self.s.nr_tasks):
            out[i] = self.s.d.tasks[i].next_op

    def rows_by_id(self):
        """The row of each living task by its id in the scheduler (dict). Cost O(living tasks)."""
        cdef uint32_t slot
        cdef const task *p
        rows = {}
        for slot in range(self.s.d.m.nr_slots):
            p = self.s.d.m.tasks[slot]
            if p != NULL:
                rows[p.id] = p.tag
        return rows

    def write_runs(self, unsigned char[::1] out):
        """Copy the runs, rows of `RUN_DTYPE`, into a buffer of that size. Open ones end now."""
        write_log(&self.s.d.log, out, self.s.d.now)

    @property
    def nr_wakeups(self):
        """Rows that `write_wakeups` writes."""
        return nr_wakeups(&self.s.d.log)

    def write_wakeups(self, unsigned char[::1] out):
        """Copy the wakeups and forks, rows of `WAKEUP_DTYPE`, into a buffer of that size."""
        write_wakeup_log(&self.s.d.log, out)
