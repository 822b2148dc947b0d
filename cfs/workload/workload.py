"""The workload itself: a set of tasks and one program a task, checked and run.

`ops` defines the operations. `assignments` sets the user, group and nice value of tasks. `plans` and
`builders` write workloads that nobody recorded.

A task with `start_ns >= 0` existed before the workload began, asleep, and is woken at that time. A task with
`start_ns == -1` begins when a FORK names it. It inherits only its place in the tree, and exactly one FORK
must name it.

Layout: `tasks` and `ops` are structured arrays (40 and 16 bytes a row); the program of task i is
`ops[tasks[i]["first_op"] : tasks[i]["first_op"] + tasks[i]["nr_ops"]]`. Names are stored once each, in
`names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import WorkloadError
from ..models.model import Model
from ..models.registry import model_named
from ..platform import Platform
from ..units import clean, count_text, cut, listed, seconds_text
from .assignments import SLICE_RANGE, Assignments
from ._ops import first_outside, first_unknown, kinds_counted, times_named
from .ops import (
    CHILD,
    COMPLAINTS,
    OP_DTYPE,
    OPERATIONS,
    TASK_DTYPE,
    Operation,
    Then,
    checked,
    kinds_with,
    policy_number,
)
from .said import Said

if TYPE_CHECKING:
    from ..result import Result

__all__ = ["Workload"]


@dataclass(eq=False, repr=False)
class Workload(Assignments):
    """Tasks and their programs (see the module's docstring for the meaning of each operation).

    Parameters
    ----------
    tasks : numpy.ndarray
        ``(nr_tasks,)`` of `TASK_DTYPE`.
    ops : numpy.ndarray
        ``(nr_ops,)`` of `OP_DTYPE`.
    names : list of str
        Names, referred to by ``tasks["name"]``.
    groups : list of str
        Control groups, referred to by ``tasks["group"]``; ``groups[0]`` is the root group ``"/"``, ``"a/b"``
        a group below ``"a"``.
    shares : dict of str to int
        Shares of groups (and of users, as ``"uid:1000"``) that differ from the default.
    duration_ns : int
        Length of the span that the workload was made for, ns; by default a run stops there.
    source : str
        Where it comes from, for titles.
    slices : dict of int to int
        Slices of their own, ns, that tasks (rows of `tasks`) ask for before time begins, or right after their
        fork. A forked task that is not here has its parent's.
    idle_groups : set of str
        Groups that are idle (cpu.idle).
    origin : object
        What it was made of, for whoever made it: the `cfs.recordings.population.Population` of a recording.
        None if its tasks are not, row by row, those of something else. A simulation shows its runs to
        its ``fitting()`` as they end, or the result to its ``fit``: both may know no more than it does.
    platform : Platform
        When it ticks, whether its kernel can be preempted, what interrupts cost there. A run takes place on it
        unless told otherwise.
    said : Said
        What its source says about the machine: the defaults of `run`. Empty but for what `cfs record` made.
    """

    tasks: np.ndarray
    ops: np.ndarray
    names: list[str]
    groups: list[str] = field(default_factory=lambda: ["/"])
    shares: dict[str, int] = field(default_factory=dict)
    duration_ns: int = 0
    source: str = ""
    slices: dict[int, int] = field(default_factory=dict)
    idle_groups: set[str] = field(default_factory=set)
    origin: Any = field(default=None, repr=False)
    platform: Platform = field(default=Platform(), repr=False)
    said: Said = field(default_factory=Said, repr=False)

    @classmethod
    def of_programs(
        cls,
        programs: Mapping[str, Sequence[tuple]],
        *,
        nice: Mapping[str, int] | None = None,
        uid: Mapping[str, int] | None = None,
        group: Mapping[str, str] | None = None,
        cpu: Mapping[str, int] | None = None,
        start_ns: Mapping[str, int] | None = None,
        policy: Mapping[str, str] | None = None,
        slice_ns: Mapping[str, int] | None = None,
        shares: Mapping[str, int] | None = None,
        duration_ns: int = 0,
        source: str = "",
    ) -> Workload:
        """A workload from programs written by hand.

        Parameters
        ----------
        programs : mapping of str to sequence of tuple
            Name of each task and its operations: ``("run", ns)``, ``("wait",)``, ``("sleep", ns)``,
            ``("sleep_until", ns)``, ``("next", period_ns)``, ``("wake", name)``, ``("put", name)``,
            ``("fork", name)``, ``("nice", n)``, ``("yield",)``, ``("exit",)``, and ``("loop",)`` or
            ``("loop", operation)`` for ever.
        nice, uid, group, cpu, start_ns, policy, slice_ns : mapping of str to value, optional
            Values of the tasks that differ from nice 0, uid 0, group ``"/"``, CPU 0, start at 0, policy
            ``"normal"``, the model's own slice. A forked task has no start and no slice.
        shares : mapping of str to int, optional
            Shares of control groups (``"batch"``) or users (``"uid:1000"``) that differ from the default.
        duration_ns : int, optional
        source : str, optional

        Returns
        -------
        Workload

        Raises
        ------
        WorkloadError
            An unknown operation or task; the message names it.

        Examples
        --------
        >>> ping = [("run", 1000), ("wake", "pong"), ("wait",)]
        >>> pong = [("wait",), ("run", 2000), ("wake", "ping")]
        >>> Workload.of_programs({"ping": ping, "pong": pong}, duration_ns=10_000).run().busy_ns
        3000
        """
        names = list(programs)
        groups = ["/", *dict.fromkeys(name for name in (group or {}).values() if name != "/")]
        parsed = _parsed(programs)
        forked = {target for ops in parsed for _, target, kind in ops if OPERATIONS[kind].argument is CHILD}
        for given in (nice, uid, group, cpu, start_ns, policy, slice_ns):
            for name in given or {}:
                if name not in programs:
                    raise WorkloadError(f"there is no task {name!r}; there are {', '.join(map(repr, names))}")
        tasks = np.zeros(len(names), TASK_DTYPE)
        first = 0
        for row, name in enumerate(names):
            start = -1 if row in forked else (start_ns or {}).get(name, 0)
            tasks[row] = (
                first,
                start,
                len(parsed[row]),
                row + 1,
                row,
                (uid or {}).get(name, 0),
                groups.index((group or {}).get(name, "/")),
                (cpu or {}).get(name, 0),
                (nice or {}).get(name, 0),
                policy_number((policy or {}).get(name, "normal"), f"task {name!r}: policy"),
            )
            first += len(parsed[row])
        ops = np.array([op for program in parsed for op in program], OP_DTYPE)
        slices = {names.index(name): value for name, value in (slice_ns or {}).items()}
        return cls(tasks, ops, names, groups, dict(shares or {}), duration_ns, source, slices)

    def __repr__(self) -> str:
        names = listed(dict.fromkeys(self.names[i] for i in np.unique(self.tasks["name"]).tolist()))
        source = f" {cut(clean(self.source), 60)!r}" if self.source else ""
        return (
            f"<Workload{source}: {seconds_text(self.duration_ns)}, {count_text(self.nr_tasks, 'task')} "
            f"({names}), {count_text(len(self.ops), 'operation')}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from ..reports.notebook import workload_html

        return workload_html(self)

    def run(self, model: str = "linux-2.6.24-cfs", **options: Any) -> Result:
        """Run under a model: ``Simulation(self, model, **options).run()``, to the end of `duration_ns`.

        If the workload was made of a recording, the result is over the same tasks, CPUs and span as
        ``recording.result(workload=workload)``, and knows no more: a first wait of which the recording says
        nothing is unknown here, too. So the two can be compared line by line.

        Parameters
        ----------
        model : str, optional
        **options
            `until_ns` and `progress` as for `Simulation.run`, the others, `log` among them, as for `Simulation`.
            What is not given is as the workload's source says (`said`), if it says that.

        Returns
        -------
        Result
        """
        from ..simulation.simulation import Simulation  # the one place where a description knows who runs it

        until_ns, progress = options.pop("until_ns", None), options.pop("progress", None)
        work, options = (self, options) if self.said == Said() else self._as_said(model, options)
        return Simulation(work, model, **options).run(until_ns, progress=progress, last=True)

    def _as_said(self, model: Any, options: dict[str, Any]) -> tuple[Self, dict[str, Any]]:
        """The workload as a model can run it, and the options of a simulation that are not given."""
        if not isinstance(model, str | Model):
            return self, options  # a policy in Python knows what it wants
        found = model_named(model)
        work, way = self.for_model(found, options.get("group_by"))
        way = options.pop("group_by", way) and way  # None that is given stays None
        return work, {"group_by": way, **self.tunables_said(found, options), **options}

    def tunables_said(
        self, model: Model, given: Mapping[str, int | bool] | None = None
    ) -> dict[str, int | bool]:
        """The tunables of a model that the workload's source states (`Said.tunables_of`)."""
        return self.said.tunables_of(model, len(np.unique(self.tasks["cpu"])) or 1, given)

    @property
    def warnings(self) -> list[str]:
        """What is not known about its tasks, and what they are taken as; empty unless a recording's."""
        return list(getattr(self.origin, "notes", ()))

    @property
    def nr_tasks(self) -> int:
        """Rows of `tasks`."""
        return len(self.tasks)

    @property
    def nr_cpus(self) -> int:
        """Number of CPUs: one more than the largest that a task names."""
        return int(self.tasks["cpu"].max()) + 1 if len(self.tasks) else 1

    def name(self, task: int) -> str:
        """Name of task `task` (a row of `tasks`)."""
        return self.names[self.tasks["name"][task]]

    def program(self, task: int) -> np.ndarray:
        """Program of task `task`: a view of `ops`, so writing to it changes the workload."""
        first = int(self.tasks["first_op"][task])
        return self.ops[first : first + int(self.tasks["nr_ops"][task])]

    def written(self, task: int) -> list[tuple]:
        """Program of task `task` as `of_programs` takes it: to read, or to write a variant.

        Examples
        --------
        >>> work = Workload.of_programs({"ping": [("run", 1000), ("wake", "pong"), ("loop",)], "pong": []})
        >>> work.written(0)
        [('run', 1000), ('wake', 'pong'), ('loop', 0)]
        """
        ops = self.program(task).tolist()
        return [OPERATIONS[kind].written(arg, target, self.name) for arg, target, kind in ops]

    def copy(self) -> Self:
        """An independent workload with the same content."""
        return replace(
            self,
            tasks=self.tasks.copy(),
            ops=self.ops.copy(),
            names=list(self.names),
            groups=list(self.groups),
            shares=dict(self.shares),
            slices=dict(self.slices),
            idle_groups=set(self.idle_groups),
        )

    def merged(self, other: Workload) -> Workload:
        """This workload and another one beside it, on the same CPUs and from the same start.

        Rows of `other` follow the rows of this one. Groups of the same name become one. If shares or duration
        differ, this workload's count.

        Examples
        --------
        >>> hog = Workload.of_programs({"hog": [("run", 5_000)]}, duration_ns=10_000)
        >>> hog.merged(Workload.of_programs({"editor": [("sleep", 1_000), ("run", 500)]})).names
        ['hog', 'editor']
        """
        tasks, ops = other.tasks.copy(), other.ops.copy()
        groups = list(dict.fromkeys(self.groups + other.groups))
        tasks["first_op"] += len(self.ops)
        tasks["name"] += len(self.names)
        tasks["group"] = np.array([groups.index(name) for name in other.groups])[tasks["group"]]
        named = np.isin(ops["kind"], kinds_with(lambda row: row.names_a_task))
        ops["target"][named] += len(self.tasks)
        return Workload(
            np.concatenate([self.tasks, tasks]),
            np.concatenate([self.ops, ops]),
            self.names + other.names,
            groups,
            other.shares | self.shares,
            self.duration_ns or other.duration_ns,
            self.source or other.source,
            self.slices | {len(self.tasks) + row: value for row, value in other.slices.items()},
            self.idle_groups | other.idle_groups,
            platform=self.platform,
        )

    def rows_named(self, name: str) -> np.ndarray:
        """Rows of the tasks of this name, ``(nr,)`` int. Cost O(tasks)."""
        names = [i for i, known in enumerate(self.names) if known == name]
        return np.flatnonzero(np.isin(self.tasks["name"], names))

    def check(self) -> None:
        """Raise `WorkloadError` for the first entry that cannot run.

        Cost O(tasks + operations), some 4 ns an operation. The loop trusts a workload that passed.
        """
        tasks, ops, nr = self.tasks, self.ops, len(self.tasks)
        if tasks.dtype != TASK_DTYPE or ops.dtype != OP_DTYPE:
            raise WorkloadError("tasks must be of TASK_DTYPE and ops of OP_DTYPE")
        _require(self, (tasks["first_op"] >= 0) & (tasks["nr_ops"] >= 0), "has a negative program range")
        _require(self, tasks["first_op"] + tasks["nr_ops"] <= len(ops), "has a program beyond the end of ops")
        _require(self, (tasks["name"] >= 0) & (tasks["name"] < len(self.names)), "has no name")
        _require(self, (tasks["group"] >= 0) & (tasks["group"] < len(self.groups)), "is in an unknown group")
        _require(self, abs(tasks["nice"]) <= 20, "has a nice value outside of -20 ... 19")
        _require(self, tasks["nice"] != 20, "has a nice value outside of -20 ... 19")
        _require(self, (tasks["policy"] >= 0) & (tasks["policy"] <= 2), "has an unknown policy")
        _require(self, tasks["cpu"] >= 0, "is on a negative CPU")
        _require(self, tasks["uid"] >= 0, "has a negative uid")
        _require(self, tasks["start_ns"] >= -1, "starts before 0")
        self._check_ops(nr)
        self._check_extras()

    def _check_extras(self) -> None:
        """What stands beside the arrays names tasks and groups that there are."""
        for name in self.shares:
            if name != "/":
                self._require_owner(name, "shares")
        for name in sorted(self.idle_groups):
            self._require_owner(name, "cpu.idle")
        for row, value in self.slices.items():
            if not 0 <= row < len(self.tasks):
                raise WorkloadError(f"the slice of task {row}: there are {len(self.tasks)} tasks")
            checked(f"slice of task {row}", value, *SLICE_RANGE)

    def _check_ops(self, nr: int) -> None:
        ops = np.ascontiguousarray(self.ops)
        bad = first_unknown(ops, _table_of(OPERATIONS))
        if bad >= 0:
            raise WorkloadError(f"operation {bad} has the unknown kind {ops['kind'][bad]}")
        for complaint in COMPLAINTS:
            self._check_arguments(complaint, ops, nr)
        forks = kinds_with(lambda row: row.argument is CHILD)
        forked = sum((times_named(ops, kind, nr) for kind in forks), np.zeros(nr, np.int64))
        _require(self, (self.tasks["start_ns"] == -1) | (forked == 0), "is forked but has a start time")
        _require(
            self,
            (self.tasks["start_ns"] >= 0) | (forked == 1),
            "has no start time and is not forked exactly once",
        )
        self._check_seconds(ops)
        self._check_loops(ops, kinds_with(lambda row: row.then is Then.JUMPS))

    def _check_seconds(self, ops: np.ndarray) -> None:
        """Raise if the second argument of an operation is outside of its range."""
        for row in OPERATIONS.values():
            if row.second.field:
                bounds = np.zeros((2, max(OPERATIONS) + 1), np.int64)
                concerned = np.zeros(max(OPERATIONS) + 1, np.uint8)
                concerned[row.kind], bounds[:, row.kind] = 1, (row.second.least, row.second.greatest)
                bad = first_outside(ops, concerned, bounds[0], bounds[1], row.second.field == "target")
                if bad >= 0:
                    what = row.second.complaint.format(given=ops[row.second.field][bad])
                    raise WorkloadError(f"operation {bad} ({row.name.upper()}, {row.second.name}) {what}")

    def _check_arguments(self, complaint: str, ops: np.ndarray, nr: int) -> None:
        """Raise if this complaint applies to an operation."""
        concerned = [row for row in OPERATIONS.values() if row.argument.complaint == complaint]
        least, greatest = np.zeros((2, max(OPERATIONS) + 1), np.int64)
        for row in concerned:
            least[row.kind], greatest[row.kind] = _limits(row, nr)
        field, which = concerned[0].argument.field, _table_of(row.kind for row in concerned)
        bad = first_outside(ops, which, least, greatest, field == "target")
        if bad >= 0:
            kind = int(ops["kind"][bad])
            low, high = least[kind], greatest[kind]
            what = complaint.format(given=ops[field][bad], least=low, greatest=high, nr_tasks=nr)
            raise WorkloadError(f"operation {bad} ({OPERATIONS[kind].name.upper()}) {what}")

    def _check_loops(self, ops: np.ndarray, kinds: list[int]) -> None:
        """Raise unless each loop goes back, within its own program, over an operation that takes time."""
        if not kinds_counted(ops, len(OPERATIONS))[kinds].any():
            return
        loops = np.flatnonzero(np.isin(ops["kind"], kinds))
        takes_time = np.isin(self.ops["kind"], kinds_with(lambda row: row.takes_time)) & (self.ops["arg"] > 0)
        taken = np.concatenate([[0], np.cumsum(takes_time)])  # operations before i that take time
        first, end = self.tasks["first_op"], self.tasks["first_op"] + self.tasks["nr_ops"]
        for task in range(len(self.tasks)):
            own = loops[np.searchsorted(loops, first[task]) : np.searchsorted(loops, end[task])]
            begin = first[task] + self.ops["target"][own]
            good = (begin >= first[task]) & (begin <= own)
            good[good] &= taken[own[good]] > taken[begin[good]]
            if not good.all():
                raise WorkloadError(
                    f"task {task} {self.name(task)!r}: the loop of operation {own[~good][0]} must go back "
                    "over a run, sleep or next that takes time"
                )


def _table_of(kinds: Iterable[int]) -> np.ndarray:
    """1 for each of these kinds of operation, ``(nr_kinds,) uint8``."""
    table = np.zeros(max(OPERATIONS) + 1, np.uint8)
    table[list(kinds)] = 1
    return table


def _require(workload: Workload, good: np.ndarray, what: str) -> None:
    bad = np.flatnonzero(~good)
    if len(bad):
        raise WorkloadError(f"task {bad[0]} {what}: {workload.tasks[bad[0]]}")


def _limits(row: Operation, nr_tasks: int) -> tuple[int, int]:
    return (0, nr_tasks - 1) if row.names_a_task else (row.argument.least, row.argument.greatest)


def _parsed(programs: Mapping[str, Sequence[tuple]]) -> list[list[tuple[int, int, int]]]:
    """(arg, target, kind) of each operation of each program."""
    row_of = {name: row for row, name in enumerate(programs)}
    known = {row.name.upper(): row for row in OPERATIONS.values()}
    return [[_parsed_op(name, op, known, row_of) for op in program] for name, program in programs.items()]


def _parsed_op(
    name: str, op: tuple, known: Mapping[str, Operation], row_of: Mapping[str, int]
) -> tuple[int, int, int]:
    try:
        row = known[op[0].upper()]
    except (KeyError, IndexError, AttributeError, TypeError):
        names = ", ".join(OPERATIONS[kind].name for kind in sorted(OPERATIONS))
        raise WorkloadError(f"task {name!r}: {op!r} is no operation; there are {names}") from None
    try:
        return row.parsed(op, row_of)
    except ValueError as error:
        raise WorkloadError(f"task {name!r}: {op!r}{error}") from None
