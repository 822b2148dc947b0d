"""The thin Python API that you drive yourself: `Scheduler`, a `Machine` with events and groups.

What it decides: what is allowed. Every method checks its arguments and the state, raises from `cfs.errors`
before anything has changed, and then calls events of the core that cannot fail. Compiled, because a checked
call must cost little more than an empty one; the house plan had it in plain Python (docs/decisions/0002).

Invariant:
    I1  an exception leaves the machine as it was at the time of the event: ticks that were due before it are
        done
"""

import operator

import cython

from libc.stdlib cimport free, malloc

from .._core cimport (
    BUG_NONE,
    EVENT_FORK,
    EVENT_MIGRATE,
    EVENT_MOVE,
    EVENT_REQUEUE,
    EVENT_TICK,
    EVENT_WAKE,
    WAKE_IRQ,
    WAKE_SYNC,
    adjust_new_task,
    adopt_task,
    block_current,
    end_event,
    exit_current,
    free_task,
    migrate_task,
    new_task,
    preempt_disable,
    preempt_enable,
    sched_fork,
    sched_move_task,
    sched_set_slice,
    sched_setscheduler,
    sched_yield,
    scheduler_tick,
    set_task_cpu,
    set_time,
    set_user_nice,
    try_to_wake_up,
    wake_up_new_task,
)
from .._group cimport new_group, sched_group_set_idle, sched_group_set_shares
from .._types cimport (
    GROUP_BY_CGROUP,
    GROUP_BY_UID,
    HELD,
    RESCHED,
    SCHED_NORMAL,
    TASK_BLOCKED,
    field,
    int8_t,
    int64_t,
    ns_t,
    queued,
    rq,
    rq as rq_t,
    task as task_t,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
    uintptr_t,
)
from ._border cimport (
    checked_name,
    checked_nice,
    checked_policy,
    checked_shares,
    checked_sleep,
    checked_uid,
    integer_in,
    read_fields,
)
from ._handles cimport group_handle_of, handle_of, release_group, release_task
from ._machine cimport CHECK_EACH_STEP

from ..errors import GroupError, StateError
from ..limits import U64_MAX
from ._handles import Groups


@cython.no_gc_clear
cdef class Scheduler:
    """One machine under one scheduler, driven by events that you send.

    Parameters
    ----------
    model : str, optional
        Which scheduler of which release; `cfs.MODELS` lists them.
    group_by : {None, "uid", "cgroup"}, optional
        Fairness among tasks, among users (each uid its fair share, root's uid counts double), or among
        control groups.
    cpus : int, optional
        CPUs, each with its own runqueue. Nothing is balanced between them.
    root_shares : int, optional
        Shares of the root group. Default: 1024 for control groups, 2048 for uid 0.
    hz : int, optional
        Ticks a second, 1 ... 1 000 000, and the tunables that follow from it. The scheduler then ticks by
        itself: tick k is due on every CPU at ``k * 10**9 // hz`` ns, and done whenever time moves on to it or
        beyond, before the event that moves it. Default: it ticks when you call `tick`.
    ticks : bool, optional
        False: `hz` says only what the tunables follow from, and you call `tick`.
    scaled_for : int, optional
        CPUs of the machine for which the model scales its slices. Default: `cpus`.
    **tunables
        Any tunable or feature bit by its kernel name: ``sched_latency_ns=40_000_000``, ``START_DEBIT=False``.

    Raises
    ------
    ModelError
        No such model, or the model cannot group like that.
    TunableError
        No such tunable, or a value outside of its range; `hz` as well.

    Notes
    -----
    Every event takes `now_ns`, the time since the start in integer ns, which never goes back. The events are
    those of the kernel: `fork`, `wake`, `block`, `exit`, `yield_`, `tick`, `set_nice`, `set_policy`, `move`.
    They return True if the running task of the CPU changed. Ticks are events as well: without them no slice
    ever ends. What the model leaves undefined raises and changes nothing. One thread at a time may use a
    Scheduler.

    With `hz` an event is judged as things stand at its time: ticks that are due before it are done first,
    also if it then raises. `advance` moves time alone, `next_event` says how far nothing changes.

    A Scheduler can be copied (`copy.copy`, `copy.deepcopy`: the same), pickled, and written as bytes
    (`to_bytes`). The copy is independent; its tasks are found by id (`task`), its groups by name (`groups`).

    Attributes
    ----------
    model : Model
        The model that it runs.

    Examples
    --------
    >>> import cfs
    >>> sched = cfs.Scheduler("linux-2.6.24-cfs")
    >>> shell = sched.fork(name="sh", now_ns=1_000)
    >>> make = sched.fork(name="make", nice=5, now_ns=2_000)
    >>> sched.current.name                                  # child_runs_first
    'make'
    >>> sched.tick(now_ns=4_000_000), sched.tick(now_ns=8_000_000)
    (False, True)
    >>> sched.current.name, shell.vruntime, make.vruntime   # specification, example 10.1
    ('sh', 15070904, 24448618)
    """
    cdef int refuse_task(self, Task task) except -1:
        if task is None:
            raise StateError("a task is needed, not None: the idle task can be neither woken nor changed")
        if task.sched is not self:
            raise StateError(f"{task!r} belongs to another scheduler")
        raise StateError(f"{task!r} has exited")

    # ------------------------------------------------------------------------------------------------- events

    def fork(
        self, *, now_ns, name=None, nice=None, policy=None, uid=None, group=None, clone_vm=False, cpu=0,
        start_cpu=None
    ):
        """The running task (or the idle task) forks a child, which is placed and woken as a new task.

        Parameters
        ----------
        now_ns : int
            Time of the fork, ns since the start; not before the last event.
        name : str, optional
            For people; default ``"task-ID"``.
        nice : int, optional
            -20 ... 19. Default: the parent's, as for `policy`, `uid` and `group`.
        policy : {"normal", "batch", "idle"}, optional
        uid : int, optional
            With ``group_by="uid"``: the user; one that is new gets a group of 1024 shares.
        group : TaskGroup or str, optional
            With ``group_by="cgroup"``: the control group, which must exist.
        clone_vm : bool, optional
            The child shares its parent's memory. In models with the option ``"clone_vm"``.
        cpu : int, optional
            CPU that executes the fork.
        start_cpu : int, optional
            CPU that the child starts on, its virtual time rebased. Default: `cpu`.

        Returns
        -------
        Task
            The child; it may have exited, but never moved, when you look at it again.

        Raises
        ------
        StateError, GroupError, TimeError
            A value is outside of its range. Nothing has changed.

        Notes
        -----
        Cost O(log n) in the runnable tasks of the child's queue, one or two divisions.
        Model: Linux 2.6.24, wake_up_new_task, task_new_fair, place_entity (specification 5.7, 5.3).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef rq_t *start = rq if start_cpu is None else self.rq_of(start_cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef int8_t nice_value = 0 if nice is None else checked_nice(nice)
        cdef uint8_t policy_value = SCHED_NORMAL if policy is None else checked_policy(policy)
        cdef task_t *before
        cdef Py_ssize_t nr_groups = len(self.group_addresses)
        cdef task_group *tg
        cdef task_t *p
        cdef Task child
        checked_name(name)
        if clone_vm:
            self.allowed("clone_vm", "forks that share memory")
        self.pass_to(now)
        before = rq.curr
        if nice is None:
            nice_value = before.nice
        if policy is None:
            policy_value = before.policy
        self.policy_allowed(policy_value, policy)
        tg = self.group_argument(before, uid, group)
        p = new_task(&self.m)
        p.rq = rq
        try:
            if name is not None:
                self.names[p.id] = str(name)
            child = handle_of(self, p)              # before sched_fork, which may change the parent
            set_time(rq, now)                       # what a class may ask for; the event itself begins below
            sched_fork(rq, p, before)
            adjust_new_task(p, tg, nice_value, policy_value)
            set_task_cpu(p, start)
            self.defined(start, p, EVENT_FORK, NULL, "fork")
        except BaseException:
            self.take_back(p, tg if len(self.group_addresses) > nr_groups else NULL)
            raise
        self.begin(rq, now)
        wake_up_new_task(p, clone_vm)
        self.end(rq, before)
        return child

    cdef int take_back(self, task_t *p, task_group *made) except -1:
        # a child that is refused, and the user that was made for it
        if p.handle != NULL:
            (<Task>p.handle).p = NULL
        self.names.pop(p.id, None)
        free_task(p)
        self.m.nr_forked -= 1
        if made != NULL:
            release_group(self, made)
        return 0

    def adopt(self, *, name=None, nice=0, policy="normal", uid=None, group=None, cpu=0):
        """Take over a task that slept before time began: as if the idle task had forked it long ago.

        It is blocked; `wake` makes it runnable, and places it as any other sleeper. No time passes.

        Parameters
        ----------
        name, nice, policy, uid, group
            As for `fork`; uid 0 or the root group if not given.
        cpu : int, optional
            Where it slept.

        Returns
        -------
        Task

        Raises
        ------
        StateError, GroupError
            A value is outside of its range. Nothing has changed.
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef int8_t nice_value = checked_nice(nice)
        cdef uint8_t policy_value = checked_policy(policy)
        cdef task_group *tg
        cdef task_t *p
        checked_name(name)
        self.policy_allowed(policy_value, policy)
        tg = self.group_argument(rq.idle, uid, group)
        p = new_task(&self.m)
        adopt_task(rq, p, tg, nice_value, policy_value)
        if name is not None:
            self.names[p.id] = str(name)
        return handle_of(self, p)

    def wake(self, Task task, *, now_ns, sync=False, irq=False, cpu=0):
        """Make a blocked task runnable, and preempt the running one if the class says so.

        Parameters
        ----------
        task : Task
            Task of this scheduler. If it is not blocked nothing happens, as in the kernel.
        now_ns : int
            Time of the wakeup, ns since the start; not before the last event.
        sync : bool, optional
            The waker is about to sleep: no preemption. In models with the option ``"sync"``.
        irq : bool, optional
            An interrupt wakes, not a task. In models with the option ``"irq"``.
        cpu : int, optional
            CPU that executes the wakeup. The task stays on its own.

        Returns
        -------
        bool
            True if the running task of the woken task's CPU changed.

        Raises
        ------
        StateError
            The task has exited or belongs to another scheduler.
        ModelError
            The model knows no such kind of wakeup.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n) in the runnable tasks of its group, times the depth of groups.
        Model: Linux 2.6.24, try_to_wake_up, place_entity (specification 5.8, 5.3).
        """
        cdef task_t *p = self.living(task)
        cdef rq *this_rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        if sync:
            self.allowed("sync", "synchronous wakeups")
        if irq:
            self.allowed("irq", "wakeups by interrupts")
        self.pass_to(now)
        before = p.rq.curr
        if p.state == TASK_BLOCKED:
            self.defined(p.rq, p, EVENT_WAKE, NULL, "wake")
        self.begin(this_rq, now)
        try_to_wake_up(p, (WAKE_SYNC if sync else 0) | (WAKE_IRQ if irq else 0))
        self.end(this_rq, before)
        return p.rq.curr != before

    def block(self, *, now_ns, sleep="interruptible", cpu=0):
        """The running task blocks, and the CPU picks another.

        Parameters
        ----------
        now_ns : int
            Time of the block, ns since the start; not before the last event.
        sleep : {"interruptible", "uninterruptible", "noninteractive"}, optional
            How it sleeps. In models with the option ``"sleep"``.
        cpu : int, optional
            CPU whose running task blocks.

        Returns
        -------
        bool
            True: the running task has changed.

        Raises
        ------
        StateError
            No task runs: the idle task cannot block.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, deactivate_task, schedule (specification 5.11, 5.6).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        cdef uint8_t how = checked_sleep(sleep)
        if sleep != "interruptible":
            self.allowed("sleep", "kinds of sleep")
        self.pass_to(now)
        before = rq.curr
        self.not_idle(rq, "block")
        self.begin(rq, now)
        block_current(rq, how)
        return self.end(rq, before)

    def exit(self, *, now_ns, cpu=0):
        """The running task ends, and the CPU picks another. Its handle stays usable: state, name and CPU
        time.

        Returns
        -------
        bool
            True: the running task has changed.

        Raises
        ------
        StateError
            No task runs.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Nothing is given back to the parent. Model: specification 5.11.
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        self.pass_to(now)
        before = rq.curr
        self.not_idle(rq, "exit")
        self.begin(rq, now)
        exit_current(rq)
        end_event(rq, now)
        release_task(self, before)
        if rq.bug != BUG_NONE or CHECK_EACH_STEP:
            self.check()
        return True

    def yield_(self, *, now_ns, cpu=0):
        """The running task calls sched_yield().

        The plain yield only charges, so the task goes on if its key is still the smallest; with
        `sched_compat_yield`, or of a batch task, it goes behind everybody of its own group.

        Returns
        -------
        bool
            True if the running task changed.

        Raises
        ------
        StateError
            No task runs.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, yield_task_fair (specification 5.12).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        self.pass_to(now)
        before = rq.curr
        self.not_idle(rq, "yield")
        self.begin(rq, now)
        sched_yield(rq)
        return self.end(rq, before)

    def tick(self, *, now_ns, cpu=0):
        """The periodic scheduler tick: charge the running task, and end its turn if its slice is used up.

        Returns
        -------
        bool
            True if the running task changed.

        Raises
        ------
        TimeError
            `now_ns` lies before the last event.
        StateError
            The shares of groups add up to a multiple of 2**32, so that the slice is undefined; or this
            scheduler was made with `hz`, and ticks by itself.

        Notes
        -----
        Cost O(1), and O(log n) if the turn ends; one or two divisions a level.
        Model: Linux 2.6.24, scheduler_tick, check_preempt_tick (specification 5.10).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before = rq.curr
        if self.ticks.hz:
            why = f"this Scheduler ticks by itself, hz = {self.ticks.hz}"
            raise StateError(f"{why}: move time on by advance()")
        self.defined(rq, before, EVENT_TICK, NULL, "tick")
        self.begin(rq, now)
        scheduler_tick(rq)
        return self.end(rq, before)

    def preempt_disable(self, *, cpu=0):
        """The running task of a CPU is in the kernel: it is not preempted until `preempt_enable`.

        A flag that an event sets on it waits. It ends as well when the task blocks, exits or yields.

        Parameters
        ----------
        cpu : int, optional

        Notes
        -----
        Cost O(1). What a kernel does that cannot be preempted, while it performs a system call or an interrupt.
        """
        preempt_disable(self.rq_of(cpu))

    def preempt_enable(self, *, now_ns, cpu=0):
        """The running task of a CPU is no longer in the kernel: a flag that waited is acted on.

        Parameters
        ----------
        now_ns : int
            ns since the start; not before the last event.
        cpu : int, optional

        Returns
        -------
        bool
            True if the running task changed.

        Raises
        ------
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(1), and O(log n) if another task gets the CPU.
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        self.pass_to(now)
        before = rq.curr
        self.begin(rq, now)
        preempt_enable(rq)
        return self.end(rq, before)

    def resched_waits(self, *, cpu=0):
        """Is the running task of a CPU to be preempted as soon as `preempt_enable` is called? (bool)"""
        return self.rq_of(cpu).curr.need_resched == RESCHED | HELD

    def set_nice(self, Task task, nice, *, now_ns=None):
        """Renice a task. Its virtual time is not rescaled; the time since the last charge counts at the old
        weight.

        Parameters
        ----------
        task : Task
        nice : int
            -20 ... 19; the present value does nothing.
        now_ns : int, optional
            Default: the time of the last event. Also reachable as ``task.nice = 5``.

        Returns
        -------
        bool
            True if the running task of its CPU changed.

        Raises
        ------
        StateError
            nice is out of range; the task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, set_user_nice (specification 5.13).
        """
        cdef task_t *p = self.living(task)
        cdef int8_t value = checked_nice(nice)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        self.pass_to(now)
        before = p.rq.curr
        if value != p.nice:
            self.defined(p.rq, p, EVENT_REQUEUE, NULL, "set_nice")
        self.begin(p.rq, now)
        set_user_nice(p, value)
        return self.end(p.rq, before)

    def set_slice(self, Task task, slice_ns, *, now_ns=None):
        """Give a task a slice of its own, as sched_setattr() does. In models with the option ``"slice"``.

        Parameters
        ----------
        task : Task
        slice_ns : int
            Length of the slice, ns, which the model clamps; 0: back to the default.
        now_ns : int, optional
            Default: the time of the last event. Also reachable as ``task.slice_ns = 3_000_000``.

        Returns
        -------
        bool
            True if the running task of its CPU changed.

        Raises
        ------
        ModelError
            The model has no custom slices.
        StateError
            slice_ns is no u64; the task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 6.18, sched_setattr (specification 9.5).
        """
        cdef task_t *p = self.living(task)
        cdef ns_t value = integer_in(slice_ns, "slice_ns", 0, U64_MAX, StateError)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        self.allowed("slice", "custom slices")
        self.pass_to(now)
        before = p.rq.curr
        self.begin(p.rq, now)
        sched_set_slice(p, value)
        return self.end(p.rq, before)

    def set_policy(self, Task task, policy, *, now_ns=None):
        """Change the policy of a task; also if it is the same, which restarts the turn of a running one.

        Parameters
        ----------
        task : Task
        policy : {"normal", "batch", "idle"}
        now_ns : int, optional
            Default: the time of the last event. Also reachable as ``task.policy = "batch"``.

        Returns
        -------
        bool
            True if the running task of its CPU changed.

        Raises
        ------
        StateError
            No such policy; the task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, sched_setscheduler (specification 5.14).
        """
        cdef task_t *p = self.living(task)
        cdef uint8_t value = checked_policy(policy)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        self.policy_allowed(value, policy)
        self.pass_to(now)
        before = p.rq.curr
        self.defined(p.rq, p, EVENT_REQUEUE, NULL, "set_policy")
        self.begin(p.rq, now)
        sched_setscheduler(p, value)
        return self.end(p.rq, before)

    def move(self, Task task, *, uid=None, group=None, now_ns=None):
        """Move a task to another control group, or give it another uid.

        Its virtual time is taken over as it is, although the floors of groups differ: a moved task may
        dominate its new group, or starve there, for a while. That is what the kernel does.

        Parameters
        ----------
        task : Task
        uid : int, optional
            With ``group_by="uid"``; a new user gets a group of 1024 shares.
        group : TaskGroup or str, optional
            With ``group_by="cgroup"``.
        now_ns : int, optional
            Default: the time of the last event.

        Returns
        -------
        bool
            False: a move never reschedules.

        Raises
        ------
        GroupError
            Neither or both of `uid` and `group`, or no such group.
        StateError
            The task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, sched_move_task (specification 5.15).
        """
        cdef task_t *p = self.living(task)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        cdef task_group *tg
        if uid is None and group is None:
            raise GroupError("move needs uid= or group=")
        self.pass_to(now)
        before = p.rq.curr
        known = len(self.group_addresses)
        tg = self.group_argument(p, uid, group)
        try:
            self.defined(p.rq, p, EVENT_MOVE, tg, "move")
        except StateError:
            if len(self.group_addresses) > known:
                release_group(self, tg)
            raise
        self.begin(p.rq, now)
        sched_move_task(p, tg)
        return self.end(p.rq, before)

    def migrate(self, Task task, cpu, *, now_ns=None):
        """Move a waiting, blocked or new task to another CPU, keeping its distance to the floor of its queue.

        Parameters
        ----------
        task : Task
            It must not be running.
        cpu : int
            CPU to move to, which executes the move.
        now_ns : int, optional
            Default: the time of the last event.

        Returns
        -------
        bool
            True if the running task of `cpu` changed.

        Raises
        ------
        StateError
            The task runs, has exited, or belongs to another scheduler; there is no such CPU.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, set_task_cpu: vruntime -= old floor - new floor (specification
        6.2).
        """
        cdef task_t *p = self.living(task)
        cdef rq *to = self.rq_of(cpu)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        self.pass_to(now)
        before = to.curr
        if p == p.rq.curr:
            raise StateError(f"{task!r} runs: only a waiting or blocked task can be migrated")
        if p.rq == to:
            return False
        self.defined(to, p, EVENT_MIGRATE, NULL, "migrate")
        self.begin(to, now)
        migrate_task(p, to)
        return self.end(to, before)

    # ------------------------------------------------------------------------------------------------- groups

    cdef task_group *group_argument(self, task_t *parent, uid, group) except? NULL:
        # the group that uid= or group= names; that of `parent` if neither is given; NULL without groups
        if uid is None and group is None:
            return parent.group
        if uid is not None:
            if self.m.group_by != GROUP_BY_UID:
                raise GroupError(f"uid={uid!r} needs Scheduler(group_by='uid')")
            uid = checked_uid(uid)
            return self.find_group(f"uid:{uid}", uid)
        if self.m.group_by != GROUP_BY_CGROUP:
            raise GroupError(f"group={group!r} needs Scheduler(group_by='cgroup')")
        return self.group_of(group)

    cdef task_group *group_of(self, group) except NULL:
        # of a handle or a name
        if not isinstance(group, TaskGroup):
            return self.find_group(group, None)
        if (<TaskGroup>group).sched is not self or (<TaskGroup>group).tg == NULL:
            raise GroupError(f"{group!r} was removed or belongs to another scheduler")
        return (<TaskGroup>group).tg

    cdef task_group *find_group(self, name, uid) except NULL:
        # a user that is not there yet is made
        address = self.group_addresses.get(name)
        if address is not None:
            return <task_group *><uintptr_t>address
        if uid is None:
            known = ", ".join(map(repr, self.group_addresses))
            raise GroupError(f"there is no group {name!r}; there are {known}")
        return self.make_group(name, self.m.root_group, uid)

    cdef task_group *make_group(self, name, task_group *parent, int64_t uid) except NULL:
        cdef task_group *tg = new_group(&self.m, parent, uid)
        self.remember_group(tg, name)
        return tg

    def create_group(self, name, *, shares=1024, parent=None, now_ns=None):
        """Make a control group of this name and these shares.

        Parameters
        ----------
        name : str
            Its name; ``"/"`` is the root group, which exists.
        shares : int, optional
            Its weight on each CPU; less than 2 becomes 2.
        parent : TaskGroup or str, optional
            Default: the root group. How deep groups may be nested depends on the model; in 2.6.24 one level.
        now_ns : int, optional
            Default: the time of the last event. The clock is not refreshed.

        Returns
        -------
        TaskGroup

        Raises
        ------
        GroupError
            The scheduler does not group by control group, the group exists, or it would be on a second level.
        """
        if self.m.group_by != GROUP_BY_CGROUP:
            raise GroupError("create_group needs Scheduler(group_by='cgroup')")
        if not isinstance(name, str) or not name:
            raise GroupError(f"the name of a group is a string that is not empty, not {name!r}")
        if name in self.group_addresses:
            raise GroupError(f"the group {name!r} exists already")
        return self.new_group_handle(name, self.parent_argument(parent), -1, shares, now_ns)

    cdef task_group *parent_argument(self, parent) except NULL:
        cdef task_group *tg = self.m.root_group if parent is None else self.group_of(parent)
        cdef task_group *above = tg
        depth = 1
        while above.parent != NULL:
            above, depth = above.parent, depth + 1
        if self.model.group_levels is not None and depth > self.model.group_levels:
            raise GroupError(f"{self.model.id} has {self.model.group_levels} level of groups below the root")
        return tg

    def create_user(self, uid, *, shares=1024, now_ns=None):
        """Make the group of a user before its first task appears. `fork` and `move` do it on their own.

        Parameters
        ----------
        uid : int
        shares : int, optional
            Its weight on each CPU; less than 2 becomes 2.
        now_ns : int, optional
            Default: the time of the last event. The clock is not refreshed.

        Returns
        -------
        User

        Raises
        ------
        GroupError
            The scheduler does not group by uid, or the user exists.
        """
        if self.m.group_by != GROUP_BY_UID:
            raise GroupError("create_user needs Scheduler(group_by='uid')")
        uid = checked_uid(uid)
        name = f"uid:{uid}"
        if name in self.group_addresses:
            raise GroupError(f"user {uid} exists already")
        return self.new_group_handle(name, self.m.root_group, uid, shares, now_ns)

    cdef object new_group_handle(self, name, task_group *parent, int64_t uid, shares, now_ns):
        cdef uint64_t value = checked_shares(shares)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before
        cdef task_group *tg
        self.pass_to(now)
        before = rq.curr
        tg = self.make_group(name, parent, uid)
        self.begin(rq, now)
        sched_group_set_shares(tg, value)
        self.end(rq, before)
        return group_handle_of(self, tg)

    def remove_group(self, group):
        """Remove a control group or a user that has no tasks left.

        Parameters
        ----------
        group : TaskGroup, User or str

        Raises
        ------
        GroupError
            It has tasks, is the root group, or is not there.
        """
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before = rq.curr
        cdef task_group *tg = self.group_of(group)
        name = self.group_names[tg.id]
        if tg == self.m.root_group:
            raise GroupError(f"{name!r} is the root group")
        if tg.nr_tasks:
            raise GroupError(f"{name!r} still has {tg.nr_tasks} tasks")
        if tg.nr_children:
            raise GroupError(f"{name!r} still has {tg.nr_children} groups below it")
        self.begin(rq, self.now)
        release_group(self, tg)
        self.end(rq, before)

    def set_shares(self, group, shares, *, now_ns=None):
        """Write the shares of a group. Also reachable as ``group.shares = 512``.

        Parameters
        ----------
        group : TaskGroup, User or str
        shares : int
            Its weight on each CPU; less than 2 becomes 2.
        now_ns : int, optional
            Default: the time of the last event. The clock is not refreshed: the time since the last charge
            counts at the new weight.

        Raises
        ------
        GroupError
            No such group, or shares below 0.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log groups) and one division a CPU. Model: Linux 2.6.24, sched_group_set_shares (specification
        5.16).
        """
        cdef uint64_t value = checked_shares(shares)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before
        cdef task_group *tg = self.group_of(group)
        if tg == self.m.root_group:
            self.root_group_has_shares(self.group_by)
        self.pass_to(now)
        before = rq.curr
        self.begin(rq, now)
        sched_group_set_shares(tg, value)
        self.end(rq, before)

    def set_group_idle(self, group, idle, *, now_ns=None):
        """Write cpu.idle of a group. In models with the option ``"group idle"``. Also ``group.idle = True``.

        Parameters
        ----------
        group : TaskGroup or str
        idle : bool
        now_ns : int, optional
            Default: the time of the last event.

        Raises
        ------
        ModelError
            The model has no idle groups.
        GroupError
            No such group, or it is the root group.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(depth log n). Model: Linux 6.18, sched_group_set_idle (specification 9.6).
        """
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before
        cdef task_group *tg
        self.allowed("group idle", "idle groups")
        tg = self.group_of(group)
        if tg == self.m.root_group:
            raise GroupError(f"{self.group_names[tg.id]!r} is the root group")
        if idle not in (0, 1):
            raise GroupError(f"idle = {idle!r} is neither True nor False")
        self.pass_to(now)
        before = rq.curr
        self.begin(rq, now)
        sched_group_set_idle(tg, idle)
        self.end(rq, before)

    @property
    def groups(self):
        """Mapping of name to `TaskGroup`: all groups, the root group first. Empty without groups."""
        return Groups(self, {name: name for name in self.group_addresses})

    @property
    def users(self):
        """Mapping of uid to `User`, with ``group_by="uid"``; otherwise empty."""
        if self.m.group_by != GROUP_BY_UID:
            return Groups(self, {})
        return Groups(self, {int(name[4:]): name for name in self.group_addresses})

    def _group_named(self, name):
        return group_handle_of(self, self.find_group(name, None))

    # ------------------------------------------------------------------------------------------------ looking

    @property
    def current(self):
        """The running task of CPU 0, or None if it idles."""
        return self.current_on(0)

    def current_on(self, cpu):
        """The running task of this CPU, or None if it idles."""
        cdef rq *rq = self.rq_of(cpu)
        return None if rq.curr == rq.idle else handle_of(self, rq.curr)

    def queue_fields(self, group=None, cpu=0):
        """State of a queue, by kernel name: min_vruntime, load_weight, nr_running.

        Parameters
        ----------
        group : TaskGroup, User or str, optional
            Whose queue. Default: the CPU's top queue.
        cpu : int, optional

        Returns
        -------
        dict of str to int
        """
        return read_fields(self.m.sched_class.queue_fields, self.queue_of(group, cpu))

    def queue(self, group=None, cpu=0, *, running=False):
        """Who waits in a queue, leftmost (the next to run) first. The running entity is not among them.

        Parameters
        ----------
        group : TaskGroup, User or str, optional
            Whose queue. Default: the CPU's top queue, which holds the groups if there are groups.
        cpu : int, optional
        running : bool, optional
            Show the running task as well, where it stands, in models that leave it in the queue (2.6.22,
            2.6.23).

        Returns
        -------
        list of Task or TaskGroup

        Notes
        -----
        Cost O(n).
        """
        cdef const void *queue = self.queue_of(group, cpu)
        cdef size_t nr = self.m.sched_class.list_queue(queue, NULL, 0)
        cdef queued *entities = <queued *>malloc((nr + 1) * sizeof(queued))
        cdef size_t i
        if entities == NULL:
            raise MemoryError
        try:
            self.m.sched_class.list_queue(queue, entities, nr)
            return [
                handle_of(self, entities[i].p)
                if entities[i].p != NULL
                else group_handle_of(self, entities[i].tg)
                for i in range(nr)
                if running or entities[i].p == NULL or entities[i].p != entities[i].p.rq.curr
            ]
        finally:
            free(entities)

    def queue_entities(self, group=None, cpu=0):
        """Entities that a queue points to, by kernel name: ``curr`` (runs, or contains who runs), ``next``
        (the buddy).

        Parameters
        ----------
        group : TaskGroup, User or str, optional
            Whose queue. Default: the CPU's top queue.
        cpu : int, optional

        Returns
        -------
        dict of str to (Task, TaskGroup or None)
            Empty in models that show none.
        """
        cdef const char *queue = <const char *>self.queue_of(group, cpu)
        cdef const field *f = self.m.sched_class.queue_entities
        cdef const void *entity
        pointed_to = {}
        while f != NULL and f.name != NULL:
            entity = (<const void **>(queue + f.offset))[0]
            pointed_to[f.name.decode()] = None if entity == NULL else self.entity_handle_of(entity)
            f += 1
        return pointed_to

    cdef object entity_handle_of(self, const void *entity):
        cdef queued who = self.m.sched_class.queued_of(entity)
        return handle_of(self, who.p) if who.p != NULL else group_handle_of(self, who.tg)

    cdef void *queue_of(self, group, cpu) except NULL:
        cdef rq *rq = self.rq_of(cpu)
        if group is None:
            return self.m.sched_class.root_queue(rq)
        return self.m.sched_class.group_queue(self.group_of(group), rq.cpu)

    def task(self, id):
        """The living task of this id (`Task.id`): in a copy, the counterpart of a task of the original.

        Parameters
        ----------
        id : int

        Returns
        -------
        Task

        Raises
        ------
        StateError
            No task has this id, or it has exited.

        Notes
        -----
        Cost O(tasks), about a nanosecond each.
        """
        cdef uint64_t number = integer_in(id, "id", 1, U64_MAX, StateError)
        cdef uint32_t slot
        for slot in range(self.m.nr_slots):
            if self.m.tasks[slot] != NULL and self.m.tasks[slot].id == number:
                return handle_of(self, self.m.tasks[slot])
        if number <= self.m.nr_forked:
            raise StateError(f"task {number} has exited")
        raise StateError(f"there was no task {number}")

    @property
    def tasks(self):
        """All living tasks, in order of creation (list). Cost O(n log n)."""
        cdef uint32_t slot
        living = []
        for slot in range(self.m.nr_slots):
            if self.m.tasks[slot] != NULL:
                living.append(handle_of(self, self.m.tasks[slot]))
        return sorted(living, key=operator.attrgetter("id"))
