"""The API that drives itself: a workload, a model, and the result.

`Simulation` gives a workload a machine, lets the compiled loop (`_sim`) run it, and returns a `Result`. The
two steps are separate: `advance` costs only the events, `result` copies every run, and `run` does both.

What is kept of the runs is said before time begins (`log`): all of them, none but their sums, or whatever a
function makes of them that is called with some thousands at a time. A result that is the last one takes the
log as it lies, without a copy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any
from weakref import WeakMethod

import numpy as np

from ._sim import Loop
from ..engine._program import kinds
from ..engine._runs import Rows
from ..errors import StateError, WorkloadError
from ..limits import NS_MAX, POLICIES
from ..platform import Platform
from ..models.registry import Model, model_named
from ..result import RUN_DTYPE, WAKEUP_DTYPE, Result
from ..scheduler._handles import TaskGroup, User
from ..scheduler._scheduler import Scheduler
from ..sums import Sums
from .stepping import Policy, Stepper
from ..workload.assignments import groups_above
from ..workload._ops import first_unknown
from ..workload.ops import OPERATIONS, Op
from ..workload.workload import Workload

__all__ = ["Log", "Simulation"]

Log = bool | str | Callable[[np.ndarray], object]
"""What is kept of the runs; `Simulation` explains it."""

COMPILED_KINDS = tuple(kinds()[1])
"""Kinds of operation for which the compiled loop has a row in its table."""


class Simulation:
    """A workload under a model.

    Parameters
    ----------
    workload : Workload
        Tasks and their programs; checked here.
    model : str, Model or policy, optional
        A model, run by compiled code; or an object with the event methods of `Scheduler` (see
        `cfs.stepping`), which runs in plain Python.
    group_by : {None, "uid", "cgroup"}, optional
        Fairness among tasks, users (``workload.tasks["uid"]``) or control groups
        (``workload.tasks["group"]``).
    hz : int, optional
        Ticks a second, 1 ... 1 000 000. Slices end at ticks only. Default: as `platform` has it.
    platform : Platform, optional
        When it ticks, whether its kernel can be preempted, what interrupts and switches cost. Default: that of
        the workload, which a recording tells; 1000 ticks a second and no friction if nobody does.
    log : bool, "runs" or callable, optional
        What is kept. True: every run and wakeup, 32 and 24 bytes each. ``"runs"``: the runs alone;
        `Result.wakeups` is empty. False: nothing but running sums, in memory that does not grow with the runs;
        `Result.runs` is then missing, and statistics have no quantiles. A callable: the same, and it is called
        with the runs as they end, some ten thousand rows of `RUN_DTYPE` at a time, which are its own.
    **settings
        Any tunable or feature bit of the model by its kernel name, and any fact of `platform` that is
        different: ``preempt="full"``, ``wakeup_cost_ns=0``.

    Raises
    ------
    WorkloadError
        The workload cannot run; the message says why.
    ModelError, TunableError
        No such model or tunable.

    Notes
    -----
    The CPUs are those that the tasks name; each task stays on its CPU. A run is a pure function of these
    arguments.

    Examples
    --------
    >>> from cfs import Simulation, Workload
    >>> hogs = Workload.of_programs({"hog": [("run", 10**9)], "nice hog": [("run", 10**9)]}, nice={"nice hog": 1})
    >>> result = Simulation(hogs).run(until_ns=10**9)
    >>> for row in result.stats():
    ...     print(result.names[row["key"]], round(row["share"], 2))
    hog 0.55
    nice hog 0.45
    """

    def __init__(
        self,
        workload: Workload,
        model: str | Model | Policy = "linux-2.6.24-cfs",
        *,
        group_by: str | None = None,
        hz: int | None = None,
        platform: Platform | None = None,
        log: Log = True,
        **settings: Any,
    ):
        workload.check()
        self.workload = workload
        given = workload.platform if platform is None else platform
        facts = {name: settings.pop(name) for name in Platform.names() if name in settings}
        self.platform = given.changed(hz=hz, **facts)
        self.hz = self.platform.hz
        self.scheduler: Scheduler | Policy
        self._asked_ns = 0
        self._groups: list[TaskGroup | None]
        self._loop: Loop | Stepper
        self.cpus = np.unique(workload.tasks["cpu"]).tolist() or [0]
        if isinstance(model, Policy) and not isinstance(model, Model):
            self._step_through(model, group_by, settings)
        else:
            self._compile(model_named(model), group_by, settings)
        self._keep(log)

    def _keep(self, log: Log) -> None:
        """Say what is kept; before time begins."""
        if not (isinstance(log, bool) or log == "runs" or callable(log)):
            raise WorkloadError(f"log = {log!r} is none of True, False, 'runs' and a function that takes runs")
        self._log, self._is_over = log, False
        self._sums, origin = None, self.workload.origin
        self._fitting = None if origin is None else origin.fitting()
        if log is False or callable(log):
            nr_cpus = 1 + max([*self.cpus, *getattr(origin, "cpus", ())])
            self._sums = Sums(self.workload.nr_tasks, nr_cpus)
        if isinstance(self._loop, Loop):
            self._loop.keep(wakeups=log is True, drain=None if self._sums is None else _weak(self._drain))

    def _compile(self, model: Model, group_by: str | None, tunables: dict[str, Any]) -> None:
        _require_able(self.workload, model, group_by)
        _require_compiled(self.workload)
        self.scheduler = sched = Scheduler(
            model,
            group_by=group_by,
            cpus=len(self.cpus),
            hz=self.hz,
            ticks=False,
            scaled_for=self.platform.nr_cpus,
            **tunables,
        )
        self._groups = _make_groups(sched, self.workload)
        self._loop = Loop(
            sched,
            _bytes(_with_dense_cpus(self.workload.tasks, self.cpus)),
            _bytes(_unchanging(self.workload.ops)),
            self._groups,
            self.platform,
            self._slices(),
        )

    def _slices(self) -> np.ndarray | None:
        """Of each task the slice of its own, 0 for the default or its parent's; None: nobody has one."""
        if not self.workload.slices:
            return None
        slices = np.zeros(self.workload.nr_tasks, np.uint64)
        slices[list(self.workload.slices)] = list(self.workload.slices.values())
        return slices

    def _step_through(self, policy: Policy, group_by: str | None, tunables: dict[str, Any]) -> None:
        if tunables or group_by is not None:
            raise WorkloadError("a policy in Python is given its tunables and groups when it is made")
        self.scheduler = policy
        if isinstance(policy, Scheduler):
            self._groups = _make_groups(policy, self.workload)
        else:
            self._groups = [None] * self.workload.nr_tasks
        facts = [_where(group) for group in self._groups]
        dense = self.workload.copy()
        dense.tasks = _with_dense_cpus(dense.tasks, self.cpus)
        self._loop = Stepper(dense, policy, len(self.cpus), self.platform, facts)
        if self.workload.slices:
            if not hasattr(policy, "set_slice"):
                name = _name_of(policy)
                raise WorkloadError(f"{name} has no set_slice, but tasks ask for slices of their own")
            self._loop.give_slices(self.workload.slices)

    @property
    def now_ns(self) -> int:
        """The time reached so far, ns."""
        return self._loop.now_ns

    def run(
        self,
        until_ns: int | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
        log: Log | None = None,
        last: bool = False,
    ) -> Result:
        """Run up to a time, or until nothing can happen any more; a later call continues from there.

        Parameters
        ----------
        until_ns : int, optional
            Default: the duration of the workload.
        progress : callable, optional
            Called about a hundred times a second of work with (time reached, `until_ns`), both ns.
        log : bool, "runs" or callable, optional
            What is kept, in place of what the simulation was made with; before anything has run.
        last : bool, optional
            The simulation is not needed any more: its log becomes that of the result, without a copy.

        Returns
        -------
        Result
            Everything from time 0 on.

        Raises
        ------
        WorkloadError
            `until_ns` lies before the time that has been reached, or beyond 2**62.
        StateError
            The model leaves the next operation undefined (a slice divided by 0); `log` is said too late; or the
            simulation has handed over its runs.

        Notes
        -----
        `advance`, then `result`. Cost O(log n) an event, some tens of ns, and O(tasks and runs since time 0) at
        the end; the GIL is released. KeyboardInterrupt ends it between events.
        """
        if log is not None:
            if self.now_ns or self._is_over:
                raise StateError(f"log = {log!r} comes too late: what is kept is said before anything has run")
            self._keep(log)
        self.advance(until_ns, progress=progress)
        return self.result(last=last)

    def advance(self, until_ns: int | None = None, *, progress: Callable[[int, int], None] | None = None) -> str:
        """Run as `run` does, but make no `Result`: use it to stop often and look at `scheduler`.

        Parameters
        ----------
        until_ns : int, optional
            Default: the duration of the workload.
        progress : callable, optional
            Called about a hundred times a second of work with (time reached, `until_ns`), both ns.

        Returns
        -------
        {"duration", "finished", "stalled"}
            Why it stopped, as in `Result.end`; after the latter two nothing can happen any more.

        Raises
        ------
        WorkloadError
            `until_ns` lies before the time that has been reached, or beyond 2**62.
        StateError
            The model leaves the next operation undefined (a slice divided by 0).

        Notes
        -----
        Cost O(log n) an event, however long the past is. Many small steps give the same as one large step.

        Examples
        --------
        >>> from cfs import Simulation, Workload
        >>> work = Workload.of_programs({"hog": [("run", 10**9)], "job": [("run", 3_000_000)]})
        >>> sim = Simulation(work)
        >>> for at_ns in (5_000_000, 50_000_000):
        ...     print(sim.advance(at_ns), sim.scheduler.nr_running)
        duration 2
        duration 1
        """
        self._require_not_over()
        until_ns = self.workload.duration_ns if until_ns is None else operator.index(until_ns)
        if not self._loop.now_ns <= until_ns <= NS_MAX:
            raise WorkloadError(f"until_ns = {until_ns} is outside of {self._loop.now_ns} ... 2**62")
        self._asked_ns = until_ns
        if isinstance(self._loop, Stepper):
            self._loop.run(until_ns)
        else:
            self._loop.run(until_ns, None if progress is None else lambda now_ns: progress(now_ns, until_ns))
        return self._loop.end

    def result(self, *, last: bool = False) -> Result:
        """What has happened so far, as `run` returns it. Cost O(tasks and runs since time 0); the `last` one takes
        the log without a copy, as does the only one of a simulation whose runs go to a function.
        """
        self._require_not_over()
        work, sched = self.workload, self.scheduler
        sums = None if self._sums is None else self._summed(self._sums)
        runs, wakeups = (None, None) if sums is not None else (self._runs(last), self._wakeups(last))
        self._is_over = last or callable(self._log)
        result = Result(
            model=_name_of(sched),
            runs=runs,  # type: ignore[arg-type]  # None: `sums` has what is known
            duration_ns=self._loop.now_ns,
            pids=work.tasks["pid"].copy(),
            nice=self._last_nice(),
            names=[work.names[i] for i in work.tasks["name"].tolist()],
            groups=["/" if group is None else group.name for group in self._groups],
            cpus=list(self.cpus),
            context_switches=self._nr_switches(),
            tunables=sched.tunables.as_dict() if isinstance(sched, Scheduler) else {},
            shares={group.name: group.shares for group in self._groups if group is not None},
            group_by=getattr(sched, "group_by", None),
            hz=self.hz,
            source=work.source,
            end=self._loop.end,
            nr_cpus_booted=self.platform.nr_cpus or len(self.cpus),
            platform=self.platform,
            wakeups=wakeups,  # type: ignore[arg-type]  # None: they are not known
            sums=sums,
        )
        return result if work.origin is None else work.origin.fit(result, self._asked_ns)

    def _require_not_over(self) -> None:
        if self._is_over:
            raise StateError("this simulation has handed over its runs: make a new one")

    def rows_by_id(self) -> dict[int, int]:
        """The row in the workload of each task that the scheduler has now, by the task's id.

        Raises
        ------
        WorkloadError
            The model is a policy in Python: its tasks have no ids.
        """
        if isinstance(self._loop, Stepper):
            raise WorkloadError("the tasks of a policy in Python have no ids")
        return self._loop.rows_by_id()

    def _runs(self, last: bool) -> np.ndarray:
        if isinstance(self._loop, Stepper):
            return self._numbered(self._loop.run_rows())
        if last:
            return self._numbered(_rows_of(self._loop.take_runs()[0], RUN_DTYPE))
        runs = np.empty(self._loop.nr_runs, RUN_DTYPE)
        self._loop.write_runs(_bytes(runs))
        return self._numbered(runs)

    def _wakeups(self, last: bool) -> np.ndarray | None:
        if isinstance(self._loop, Stepper):
            return self._numbered(self._loop.wakeup_rows()) if self._log is True else None
        if self._log is not True:
            return None
        if last:
            return self._numbered(_rows_of(self._loop.take_wakeups(), WAKEUP_DTYPE))
        wakeups = np.empty(self._loop.nr_wakeups, WAKEUP_DTYPE)
        self._loop.write_wakeups(_bytes(wakeups))
        return self._numbered(wakeups)

    def _numbered(self, rows: np.ndarray) -> np.ndarray:
        """Rows with the CPUs' own numbers."""
        if self.cpus != list(range(len(self.cpus))):
            rows["cpu"] = np.asarray(self.cpus, np.uint16)[rows["cpu"]]
        return rows

    def _drain(self, rows: Rows, still_open: list[int]) -> np.ndarray:
        """Count the runs that are over, and hand them on; returns those that go on."""
        runs = self._numbered(_rows_of(rows, RUN_DTYPE))
        self._hand_on(np.delete(runs, still_open) if still_open else runs, self._sums, self._fitting)
        return runs[still_open]

    def _hand_on(self, runs: np.ndarray, sums: Sums | None, fitting: Any) -> None:
        if fitting is not None:
            fitting.fit(runs)
        if sums is not None:
            sums.add(runs)
        if callable(self._log) and len(runs):
            self._is_over = True  # for good, if the function fails: the log has these runs no more
            self._log(runs)
            self._is_over = False

    def _summed(self, sums: Sums) -> Sums:
        """The sums up to now. Runs that go on are in it; a function is given them, too, as it is the end."""
        if isinstance(self._loop, Stepper):
            until_now, going_on = Sums(len(sums.of_tasks), len(sums.busy_ns)), self._numbered(self._loop.run_rows())
        else:
            going_on = self._drain(*self._loop.take_runs())
            until_now = sums.copy()
        self._hand_on(going_on, until_now, self._fitting and self._fitting.copy())
        return until_now

    def _last_nice(self) -> np.ndarray:
        """Nice value of each task now, or at its exit."""
        nice = self.workload.tasks["nice"].copy()
        renices = np.flatnonzero(self.workload.ops["kind"] == Op.NICE)
        if len(renices) == 0:
            return nice
        reached = np.empty(self.workload.nr_tasks, np.int64)
        self._loop.write_positions(reached)
        for task in range(self.workload.nr_tasks):
            first = np.searchsorted(renices, self.workload.tasks["first_op"][task])
            done = np.searchsorted(renices, reached[task])
            if done > first:
                nice[task] = self.workload.ops["arg"][renices[done - 1]]
        return nice

    def _nr_switches(self) -> int:
        if isinstance(self._loop, Stepper):
            return self._loop.nr_switches
        sched = self._loop.sched
        return sum(sched.cpu_fields(cpu)["nr_switches"] for cpu in range(sched.cpus))


def _name_of(sched: Scheduler | Policy) -> str:
    if isinstance(sched, Scheduler):
        return sched.model.id
    return getattr(sched, "name", type(sched).__name__)


def _require_able(workload: Workload, model: Model, group_by: str | None) -> None:
    """Raise if the workload asks for what the model does not have."""
    _require_policies(workload, model)
    if workload.slices and "slice" not in model.options:
        name = workload.name(next(iter(workload.slices)))
        raise WorkloadError(f"{model.id} has no slices of tasks' own, and {name!r} asks for one")
    if group_by != "cgroup":
        return
    if workload.idle_groups and "group idle" not in model.options:
        raise WorkloadError(f"{model.id} has no idle groups, and {min(workload.idle_groups)!r} is to be one")
    for name in workload.groups:
        if model.group_levels is not None and len(groups_above(name)) >= max(model.group_levels, 1):
            levels = "right below the root" if model.group_levels == 1 else f"up to {model.group_levels} deep"
            raise WorkloadError(f"{model.id} has groups {levels} only, and not {name!r}")


def _require_policies(workload: Workload, model: Model) -> None:
    for number, policy in enumerate(POLICIES):
        if policy not in model.policies and (workload.tasks["policy"] == number).any():
            raise WorkloadError(f"{model.id} has no policy {policy!r}; there are {', '.join(model.policies)}")


def _require_compiled(workload: Workload) -> None:
    compiled = np.zeros(max(OPERATIONS) + 1, np.uint8)
    compiled[list(COMPILED_KINDS)] = 1  # a workload that was checked has no others than those of OPERATIONS
    unknown = first_unknown(np.ascontiguousarray(workload.ops), compiled)
    if unknown >= 0:
        name = OPERATIONS[int(workload.ops["kind"][unknown])].name.upper()
        raise WorkloadError(
            f"the compiled loop does not know operation {unknown} ({name}); only a policy in Python can run it"
        )


def _make_groups(sched: Scheduler, workload: Workload) -> list[TaskGroup | None]:
    """The group of each task, created as the workload says."""
    if sched.group_by is None:
        return [None] * workload.nr_tasks
    if sched.group_by == "uid":
        names = [f"uid:{uid}" for uid in workload.tasks["uid"].tolist()]
    else:
        names = [workload.groups[i] for i in workload.tasks["group"].tolist()]
    groups = dict(sched.groups)
    for name in dict.fromkeys(names):
        if name in groups:
            continue
        if sched.group_by == "uid":
            groups[name] = sched.create_user(int(name[4:]))
            continue
        for path in (*groups_above(name), name):
            if path not in groups:
                above = groups_above(path)
                groups[path] = sched.create_group(path, parent=groups[above[-1]] if above else None)
    for name, shares in workload.shares.items():
        if name in groups:
            groups[name].shares = shares
    for name in sorted(workload.idle_groups & set(groups)):
        groups[name].idle = True
    return [groups[name] for name in names]


def _where(group: TaskGroup | None) -> dict[str, Any]:
    """The arguments that give `Scheduler.fork` and `adopt` the group."""
    if group is None:
        return {}
    return {"uid": group.uid} if isinstance(group, User) else {"group": group}


def _with_dense_cpus(tasks: np.ndarray, cpus: list[int]) -> np.ndarray:
    dense = tasks.copy()
    dense["cpu"] = np.searchsorted(cpus, tasks["cpu"])
    return dense


def _unchanging(ops: np.ndarray) -> np.ndarray:
    """The operations for as long as the loop reads them: their own copy, unless nobody can write to them."""
    return ops.copy() if ops.flags.writeable else ops


def _rows_of(buffer: Rows, dtype: np.dtype) -> np.ndarray:
    """A table in memory that was handed over."""
    memory: Any = buffer  # is a buffer, which types cannot say before Python 3.12
    return np.frombuffer(memory, dtype) if memoryview(memory).nbytes else np.zeros(0, dtype)


def _weak(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that does not hold its object: no ring, so the operations go with the simulation."""
    known = WeakMethod(method)

    def call(*arguments: Any) -> Any:
        there = known()
        return None if there is None else there(*arguments)

    return call


def _bytes(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows).view(np.uint8).reshape(-1)
