"""A CPU for SimPy models: processes ask for CPU time, and get it as a Linux scheduler would give it.

What it decides: how the two clocks meet. SimPy's environment owns the time; `cfs.simulation._live` says when something
will happen that a process can see, and one SimPy event (the *alarm*) waits for that time. Ticks and
preemptions happen in C and cost no SimPy event. A process that finishes its work goes on *inside* the alarm:
if it asks for more before it yields anything else, its task has never left the CPU, otherwise the task blocks
at that instant.

Time is float (or int) in the environment and integer ns inside: a time of the environment is rounded to the
nearest ns when it comes in, and what goes out is remembered beside its ns, so nothing drifts. At one instant
everything that other processes do comes first, the end of work last: alarms have a priority below
`simpy.events.NORMAL`.

Invariants:
    I1  an alarm is pending for no later than the next thing that a process will see
    I2  a task has at most one request at a time: a run, a sleep, or a hold
    I3  CPU time that was asked for is what is received, to the ns

Rejected: an event for each tick or each turn (slower than what it replaces); withdrawing a stale alarm (SimPy
has no way; it fires and does nothing); a task that blocks only when the queue of the instant is empty (two
events in place of one for each piece of work).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ...simulation._live import Live
from ...errors import GroupError, MissingExtraError, StateError, WorkloadError
from ...models.registry import Model, model_named
from ...result import RUN_DTYPE, Result
from ...scheduler._scheduler import Scheduler, TaskGroup
from ...scheduler._scheduler import Task as Handle

try:
    import simpy
    from simpy.resources.resource import Preempted
except ImportError as error:
    raise MissingExtraError("cfs.adapters.simpy needs SimPy: pip install 'cfs-sched[simpy]'") from error

__all__ = ["CPU", "Group", "Hold", "Killed", "Preempted", "Run", "Sleep", "Task", "UNITS"]

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Names of the units that a time of the environment can be in, and their ns."""

LAST = simpy.events.EventPriority(2)
"""Priority of an alarm: after everything else of its instant (SimPy: 0 urgent, 1 normal)."""

HOLD_NS = 2**62
"""Work of a task that holds its CPU until it is released."""


@dataclass(frozen=True)
class Killed:
    """Cause of the `simpy.Interrupt` that a process gets whose task was killed while the process waited for
    it.
    """

    task: Task


class Run(simpy.Event):
    """Fires when its task has received the CPU time that was asked for. Made by `Task.run`.

    Attributes
    ----------
    task : Task
    work_ns : int
        What was asked for, ns.
    """

    _left_ns: int | None = None  # set by an interrupt

    def __init__(self, task: Task, work_ns: int):
        super().__init__(task.cpu.env)
        self.task, self.work_ns = task, work_ns

    @property
    def left_ns(self) -> int:
        """What has not been received yet (of a run that was interrupted: never will be), ns."""
        if self._left_ns is not None or self.triggered:
            return self._left_ns or 0
        self.task.cpu._synchronise()
        return self.task.cpu._live.remaining_ns(self.task._index)


class Sleep(simpy.Event):
    """Fires when its time has passed. Made by `Task.sleep`."""

    def __init__(self, task: Task, until_ns: int):
        super().__init__(task.cpu.env)
        self.task, self.until_ns = task, until_ns


class Hold(simpy.Event):
    """Fires when its task gets the CPU. Made by `Task.request`; as a context manager it releases at the end.

    Attributes
    ----------
    task : Task
    usage_since : float or None
        Environment time at which the CPU was got.
    """

    def __init__(self, task: Task):
        super().__init__(task.cpu.env)
        self.task = task
        self.usage_since: Any = None
        self._waiter = task.cpu.env.active_process

    def _lose(self, cause: Any) -> None:
        """Interrupt the process that has the CPU; through an event, because it may be the one that is acting.
        """
        process = self._waiter
        if process is not None:
            notice = simpy.Event(self.env)
            notice.callbacks.append(lambda _: _interrupt(process, cause))
            notice._ok, notice._value = True, None
            self.env.schedule(notice, simpy.events.URGENT)

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is not GeneratorExit:
            self.task._left(self)


class Group:
    """A control group, or a user, whose tasks share one weight. Made by `CPU.group`."""

    def __init__(self, cpu: CPU, group: TaskGroup):
        self.cpu, self._group = cpu, group

    @property
    def name(self) -> str:
        """Its name."""
        return self._group.name

    @property
    def shares(self) -> int:
        """Its weight; writing it changes it now."""
        return self._group.shares

    @shares.setter
    def shares(self, value: int) -> None:
        self.cpu._tell(lambda sched, now_ns: sched.set_shares(self._group, value, now_ns=now_ns))

    def __repr__(self) -> str:
        return f"<Group {self.name!r} shares {self.shares}>"


class Task:
    """A task of a `CPU`: what a process asks for CPU time. Made by `CPU.task`.

    Attributes
    ----------
    cpu : CPU
    name : str
    """

    def __init__(self, cpu: CPU, handle: Handle):
        self.cpu, self.name, self._handle = cpu, handle.name, handle
        self._index = cpu._live.add(handle)
        self._request: Run | Sleep | Hold | None = None
        self._killed = False

    # ----------------------------------------------------------------------------------------------- CPU time

    def run(self, work: float) -> Run:
        """An event that fires when this much more CPU time has been received.

        Parameters
        ----------
        work : float or int
            CPU time, in units of the environment; rounded to ns.

        Returns
        -------
        Run

        Raises
        ------
        StateError
            The task was killed, or waits for something else.
        WorkloadError
            `work` is negative or not finite.

        Notes
        -----
        Cost: one SimPy event when it fires, and the ticks until then, some tens of ns each, twice.
        """
        work_ns = self.cpu._ns_of(work, "work")
        if work_ns >= HOLD_NS:
            raise WorkloadError(f"work = {work} is more than 2**62 ns")
        self._require_free()
        self.cpu._enter()
        self.cpu._live.give(self._index, work_ns)
        self._request = run = Run(self, work_ns)
        self.cpu._leave()
        return run

    def sleep(self, delay: float) -> Sleep:
        """Leave the CPU; an event that fires after this time, in units of the environment.

        The task becomes runnable with its next `run` or `request`.
        """
        delay_ns = self.cpu._ns_of(delay, "delay")
        self._require_free()
        self.cpu._enter()
        self.cpu._live.block(self._index)
        self._request = sleep = Sleep(self, self.cpu._live.now_ns + delay_ns)
        self.cpu._leave()
        self.cpu._schedule(sleep.until_ns, simpy.events.NORMAL, lambda _: self._awake(sleep))
        return sleep

    def _awake(self, sleep: Sleep) -> None:
        self.cpu._know(sleep.until_ns)
        if self._request is sleep:  # not interrupted
            self._request = None
            _fire(sleep)

    def request(self) -> Hold:
        """An event that fires when the task gets its CPU; it keeps it until `release` or until it is
        preempted.

        As with `simpy.PreemptiveResource` the process that asked is interrupted with a `Preempted` cause when
        the scheduler takes the CPU away, and must ask again; it has kept its place in the queue if it does so
        at once.
        """
        self._require_free()
        self.cpu._enter()
        self.cpu._live.give(self._index, HOLD_NS, True)
        self._request = hold = Hold(self)
        self.cpu._holding.append(self)
        self.cpu._leave()
        return hold

    def release(self) -> None:
        """Give the CPU back, or withdraw a request that has not been granted. Without a request: nothing."""
        if isinstance(self._request, Hold):
            self._request = None
            self.cpu._enter()
            self.cpu._live.block(self._index)
            self.cpu._leave()

    def _left(self, hold: Hold) -> None:
        if self._request is hold:  # not preempted
            self.release()

    def _require_free(self) -> None:
        if self._killed:
            raise StateError(f"{self!r} was killed")
        if self._request is not None:
            raise StateError(f"{self!r} waits for {type(self._request).__name__} already")

    # ------------------------------------------------------------------------------------------- interference

    def interrupt(self, cause: Any = None) -> None:
        """End what the task waits for: whoever yielded it gets ``simpy.Interrupt(cause)`` now.

        CPU time that was received stays received; ``run.left_ns`` says what is missing. A task that has its
        CPU blocks unless its process asks for more at this instant; one that waits in the queue keeps its
        place that long.

        Raises
        ------
        StateError
            The task waits for nothing.
        """
        if self._request is None:
            raise StateError(f"{self!r} waits for nothing that could be interrupted")
        self.cpu._enter()
        self._withdraw(simpy.Interrupt(cause))
        self.cpu._leave()

    def kill(self) -> None:
        """End the task, as SIGKILL does: at once if it runs, otherwise when it gets its CPU for the last
        time.

        A process that waits for it gets ``simpy.Interrupt(Killed(task))``, which ends the process and the run
        of the environment if it is not caught, as any interrupt does. Killing twice does nothing.
        """
        if not self.alive:
            return
        self._killed = True
        live = self.cpu._live
        self.cpu._enter()
        self._withdraw(simpy.Interrupt(Killed(self)))
        if live.is_running(self._index):
            self._exit()
        elif live.is_blocked(self._index):
            live.give(self._index, 0)
        self.cpu._leave()

    def _exit(self) -> None:
        self.cpu._live.exit(self._index)
        if not self.cpu._record:  # a model may make a task for each request: forget those that are gone
            self.cpu._tasks[self._index] = None

    def _withdraw(self, reason: simpy.Interrupt) -> None:
        request, self._request = self._request, None
        live = self.cpu._live
        if isinstance(request, Run):
            request._left_ns = live.remaining_ns(self._index)
        live.withdraw(self._index)
        if isinstance(request, Hold) and request.triggered:
            request._lose(reason.cause)
        elif request is not None:
            _refuse(request, reason)

    # -------------------------------------------------------------------------------------------------- facts

    @property
    def alive(self) -> bool:
        """False from `kill` on."""
        return not self._killed

    @property
    def running(self) -> bool:
        """Has it its CPU now?"""
        self.cpu._synchronise()
        return self.cpu._live.is_running(self._index)

    @property
    def nice(self) -> int:
        """Nice value, -20 ... 19; writing it renices the task now."""
        return self._handle.nice

    @nice.setter
    def nice(self, value: int) -> None:
        self.cpu._tell(lambda sched, now_ns: sched.set_nice(self._handle, value, now_ns=now_ns))

    @property
    def policy(self) -> str:
        """ "normal", "batch" or "idle"; writing it changes it now."""
        return self._handle.policy

    @policy.setter
    def policy(self, value: str) -> None:
        self.cpu._tell(lambda sched, now_ns: sched.set_policy(self._handle, value, now_ns=now_ns))

    def move(self, group: Group | str) -> None:
        """Move it to another control group now."""
        where = group._group if isinstance(group, Group) else group
        self.cpu._tell(lambda sched, now_ns: sched.move(self._handle, group=where, now_ns=now_ns))

    @property
    def received_ns(self) -> int:
        """CPU time received up to now, ns."""
        self.cpu._synchronise()
        return self.cpu._live.received_ns(self._index)

    @property
    def received(self) -> float:
        """CPU time received up to now, in units of the environment."""
        return self.received_ns / self.cpu._unit_ns

    @property
    def handle(self) -> Handle:
        """The `cfs.Task` behind it, brought up to now: for looking (vruntime, fields), not for changing."""
        self.cpu._synchronise()
        return self._handle

    def __repr__(self) -> str:
        return f"<Task {self.name!r} of a CPU under {self.cpu.scheduler.model.id}>"

    # ----------------------------------------------------------------------------------- what the alarm tells

    def _end_of_work(self) -> None:
        """Its work is done, and it still has its CPU: its process goes on, and then it blocks or does more.
        """
        if self._killed:
            self._exit()
            return
        request, self._request = self._request, None
        try:
            if request is not None:
                _fire(request)
        finally:
            if self._request is None and self.cpu._live.is_running(self._index):
                self.cpu._live.block(self._index)

    def _look_at_hold(self) -> None:
        """Its process learns that it has got the CPU, or lost it."""
        hold = self._request
        if not isinstance(hold, Hold):
            return
        if self.cpu._live.is_running(self._index):
            if not hold.triggered:
                hold.usage_since = self.cpu.env.now
                hold.succeed(hold)
        elif hold.triggered:
            by: Any = self.cpu._task_on(self._handle.cpu)  # SimPy has a process and a resource there
            cpu: Any = self.cpu
            self._withdraw(simpy.Interrupt(Preempted(by, hold.usage_since, cpu)))


class CPU:
    """A CPU (or some, without migration) of a SimPy model, under a Linux scheduler.

    Parameters
    ----------
    env : simpy.Environment
    model : str or Model, optional
        Which scheduler of which release; `cfs.MODELS` lists them.
    unit : {"s", "ms", "us", "ns"}, optional
        What 1 of the environment's time is.
    hz : int, optional
        Ticks a second, 1 ... 1 000 000.
    cpus : int, optional
        Their number. A task stays on the one that it was made for.
    group_by : {None, "uid", "cgroup"}, optional
    record : bool, optional
        Keep every run, for `result`: 40 bytes each.
    **tunables
        Any tunable or feature bit by its kernel name.

    Raises
    ------
    ModelError, TunableError
        No such model or tunable.
    WorkloadError
        No such unit, or `hz` out of its range.
    MissingExtraError
        At import: SimPy is not installed (extra ``simpy``).

    Notes
    -----
    A process sees one SimPy event for each piece of work; a piece that another one overtakes may leave one
    stale event behind, which does nothing (but ``env.run()`` without `until` runs until it). Exact against
    `cfs.Simulation`.

    Examples
    --------
    >>> import simpy
    >>> env = simpy.Environment()
    >>> cpu = CPU(env, unit="ms")
    >>> def job(name, nice, work):
    ...     task = cpu.task(name=name, nice=nice)
    ...     yield task.run(work)
    ...     print(f"{name} has its {task.received:.0f} ms at {env.now:.0f} ms")
    >>> for name, nice, work in [("editor", 0, 60), ("compiler", 5, 60)]:
    ...     started = env.process(job(name, nice, work))
    >>> env.run()
    editor has its 60 ms at 80 ms
    compiler has its 60 ms at 120 ms
    """

    def __init__(
        self,
        env: simpy.Environment,
        model: str | Model = "linux-2.6.24-cfs",
        *,
        unit: str = "s",
        hz: int = 1000,
        cpus: int = 1,
        group_by: str | None = None,
        record: bool = False,
        **tunables: Any,
    ):
        if unit not in UNITS:
            raise WorkloadError(f"unit = {unit!r} is none of {', '.join(UNITS)}")
        if not 1 <= hz <= 1_000_000:
            raise WorkloadError(f"hz = {hz} is outside of 1 ... 1000000")
        model = model_named(model)
        self.env, self.hz, self.unit = env, hz, unit
        self._unit_ns = UNITS[unit]
        self._scheduler = Scheduler(
            model, group_by=group_by, cpus=cpus, **model.tunables.of_hz(hz) | tunables
        )
        self._live = Live(self._scheduler, hz, record)
        self._record = record
        self._tasks: list[Task | None] = []  # by index; None: gone, and not recorded
        self._alarm: simpy.Event | None = None
        self._alarm_ns = 0
        self._delivering = False
        self._holding: list[Task] = []  # tasks with a Hold, and some that had one
        self._known = (env.now, round(env.now * self._unit_ns))  # a time of the environment, and its exact ns
        self._live.forward(self._known[1])

    # ------------------------------------------------------------------------------------------------- making

    def task(
        self,
        *,
        name: str | None = None,
        nice: int = 0,
        policy: str = "normal",
        group: Group | str | None = None,
        uid: int | None = None,
        cpu: int = 0,
    ) -> Task:
        """A new task, asleep: as if it had waited for work for a long time.

        Parameters
        ----------
        name : str, optional
        nice : int, optional
            -20 ... 19.
        policy : {"normal", "batch", "idle"}, optional
        group : Group or str, optional
            With ``group_by="cgroup"``.
        uid : int, optional
            With ``group_by="uid"``.
        cpu : int, optional

        Returns
        -------
        Task

        Raises
        ------
        StateError, GroupError
            A value is outside of its range. Nothing has changed.
        """
        where = group._group if isinstance(group, Group) else group
        self._synchronise()
        handle = self._scheduler.adopt(name=name, nice=nice, policy=policy, uid=uid, group=where, cpu=cpu)
        task = Task(self, handle)
        self._tasks.append(task)
        return task

    def group(self, name: str, *, shares: int = 1024, parent: Group | str | None = None) -> Group:
        """A new control group, with ``group_by="cgroup"``; one that exists is returned as it is.

        Raises
        ------
        GroupError
            The CPU has no control groups.
        """
        if self._scheduler.group_by != "cgroup":
            raise GroupError("groups need CPU(..., group_by='cgroup')")
        if name in self._scheduler.groups:
            return Group(self, self._scheduler.groups[name])
        above = parent._group if isinstance(parent, Group) else parent
        self._synchronise()
        made = self._scheduler.create_group(name, shares=shares, parent=above, now_ns=self._live.now_ns)
        return Group(self, made)

    # -------------------------------------------------------------------------------------------------- facts

    @property
    def scheduler(self) -> Scheduler:
        """The `cfs.Scheduler` behind it, brought up to now: for looking, not for changing."""
        self._synchronise()
        return self._scheduler

    @property
    def tasks(self) -> list[Task]:
        """The tasks, in order of their making; exited ones only with ``record=True``."""
        return [task for task in self._tasks if task is not None]

    @property
    def now_ns(self) -> int:
        """The environment's time as exact ns."""
        return self._now_ns()

    def result(self) -> Result:
        """What has happened so far, as a `Result`: tables, plots and JSON as of a simulation.

        Raises
        ------
        StateError
            The CPU was not made with ``record=True``.
        """
        if not self._record:
            raise StateError("a result needs CPU(..., record=True)")
        self._synchronise()
        runs = np.empty(self._live.nr_runs, RUN_DTYPE)
        self._live.write_runs(runs.view(np.uint8).reshape(-1))
        handles = [task._handle for task in self.tasks]
        grouped = self._scheduler.group_by is not None
        groups = [handle.group if grouped and handle.state != "dead" else None for handle in handles]
        return Result(
            model=self._scheduler.model.id,
            runs=runs,
            duration_ns=self._live.now_ns,
            pids=np.array([handle.id for handle in handles], np.int64),
            nice=np.array([0 if handle.state == "dead" else handle.nice for handle in handles], np.int64),
            names=[task.name for task in self.tasks],
            groups=["/" if group is None else group.name for group in groups],
            cpus=list(range(self._scheduler.cpus)),
            context_switches=sum(
                self._scheduler.cpu_fields(cpu)["nr_switches"] for cpu in range(self._scheduler.cpus)
            ),
            tunables=self._scheduler.tunables.as_dict(),
            shares={group.name: group.shares for group in groups if group is not None},
            group_by=self._scheduler.group_by,
            hz=self.hz,
            source="simpy",
        )

    def _task_on(self, cpu: int) -> Task | None:
        index = self._live.running(cpu)
        return None if index < 0 else self._tasks[index]

    # --------------------------------------------------------------------------------------------- two clocks

    def _ns_of(self, time: float, what: str) -> int:
        if not (time >= 0 and math.isfinite(time)):
            raise WorkloadError(f"{what} = {time!r} must be a finite time of 0 or more")
        return round(time * self._unit_ns)

    def _now_ns(self) -> int:
        """The environment's time in ns: as it was put in if we did, otherwise rounded; never back."""
        now = self.env.now
        if now != self._known[0]:
            self._known = (now, max(round(now * self._unit_ns), self._known[1]))
        return max(self._known[1], self._live.now_ns)

    def _know(self, now_ns: int) -> None:
        """The event that fires now was scheduled for exactly `now_ns`."""
        self._known = (self.env.now, max(now_ns, self._live.now_ns))

    def _schedule(
        self, at_ns: int, priority: simpy.events.EventPriority, callback: Callable[[Any], None]
    ) -> simpy.Event:
        """An event that happens at `at_ns` and calls back."""
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        event.callbacks.append(callback)
        at = at_ns if self._unit_ns == 1 else at_ns / self._unit_ns
        self.env.schedule(event, priority, _delay(self.env.now, at))
        return event

    def _synchronise(self) -> None:
        """Bring the machine up to now."""
        self._live.forward(self._now_ns())

    def _enter(self) -> None:
        """Before something is done to the machine at this instant; while an alarm delivers, it stands there
        already.
        """
        if not self._delivering:
            self._synchronise()

    def _leave(self) -> None:
        """After it: see what comes next."""
        self._look_at_holds()
        if not self._delivering:
            self._set_alarm(undisturbed=False)

    def _tell(self, event: Callable[[Scheduler, int], object]) -> None:
        """An event that the scheduler checks itself."""
        self._enter()
        event(self._scheduler, self._live.now_ns)
        self._live.note()
        self._leave()

    def _look_at_holds(self) -> None:
        if self._holding:
            self._holding = [task for task in self._holding if isinstance(task._request, Hold)]
            for task in self._holding:
                task._look_at_hold()

    # ---------------------------------------------------------------------------------------------- the alarm

    def _set_alarm(self, *, undisturbed: bool) -> None:
        due_ns = self._live.peek(undisturbed)
        if due_ns is None or (self._alarm is not None and self._alarm_ns <= due_ns):
            return  # an earlier one looks again
        self._alarm, self._alarm_ns = self._schedule(due_ns, LAST, self._on_alarm), due_ns

    def _on_alarm(self, alarm: simpy.Event) -> None:
        if alarm is not self._alarm:
            return
        self._alarm = None
        self._know(self._alarm_ns)
        self._synchronise()
        self._delivering = True
        nothing = True
        try:
            self._look_at_holds()
            while (index := self._live.finished()) >= 0:
                nothing = False
                cast(Task, self._tasks[index])._end_of_work()  # it is there until it has exited
            self._look_at_holds()
        finally:
            self._delivering = False
            self._set_alarm(undisturbed=nothing)


def _delay(now: float, at: float) -> float:
    """What to add to `now` so that the sum is `at`, if floats allow it; never negative."""
    delay = max(at - now, 0)
    if now + delay == at:
        return delay
    near = (math.nextafter(delay, math.inf), math.nextafter(delay, 0))
    return next((other for other in near if now + other == at), delay)


def _fire(event: simpy.Event) -> None:
    """The event happens here, inside another one: what `Environment.step` does with it."""
    event._ok, event._value = True, event
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]  # as SimPy marks it
    for number, callback in enumerate(callbacks):
        try:
            callback(event)
        except simpy.core.StopSimulation:
            event.callbacks = callbacks[number + 1 :]
            event.env.schedule(event, simpy.events.URGENT)
            raise


def _interrupt(process: simpy.Process, cause: Any) -> None:
    if process.is_alive:
        process.interrupt(cause)


def _refuse(event: simpy.Event, reason: simpy.Interrupt) -> None:
    """The event fails; a failure that nobody waits for is no error."""
    event.fail(reason)
    if not event.callbacks:
        event.defused = True
