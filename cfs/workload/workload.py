"""The workload itself: a set of tasks and one program a task, checked and run.

`ops` says what an operation is, `assignments` whose the tasks are, `plans` and `builders` write workloads that
nobody recorded.

A task with `start_ns >= 0` existed before the workload began, asleep, and is woken at that time. One with
`start_ns == -1` begins when a FORK names it, inherits nothing but its place in the tree, and must be named
once.

Layout: `tasks` and `ops` are structured arrays (40 and 16 bytes a row); the program of task i is
`ops[tasks[i]["first_op"] : tasks[i]["first_op"] + tasks[i]["nr_ops"]]`. Names are stored once each, in
`names`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import WorkloadError
from .assignments import Assignments
from .ops import OP_DTYPE, TASK_DTYPE, Op

if TYPE_CHECKING:
    from ..result import Result

__all__ = ["Workload"]


@dataclass(eq=False)
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
        Control groups, referred to by ``tasks["group"]``; ``groups[0]`` is the root group ``"/"``.
    shares : dict of str to int
        Shares of groups (and of users, as ``"uid:1000"``) that are not the default.
    duration_ns : int
        Length of the span that the workload was made for, ns; a run stops there unless told otherwise.
    source : str
        Where it comes from, for titles.
    """

    tasks: np.ndarray
    ops: np.ndarray
    names: list[str]
    groups: list[str] = field(default_factory=lambda: ["/"])
    shares: dict[str, int] = field(default_factory=dict)
    duration_ns: int = 0
    source: str = ""

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
        shares: Mapping[str, int] | None = None,
        duration_ns: int = 0,
        source: str = "",
    ) -> Workload:
        """A workload from programs written by hand.

        Parameters
        ----------
        programs : mapping of str to sequence of tuple
            Name of each task and its operations: ``("run", ns)``, ``("wait",)``, ``("sleep", ns)``,
            ``("sleep_until", ns)``, ``("next", period_ns)``, ``("wake", name)``, ``("fork", name)``,
            ``("nice", n)``, ``("yield",)``, ``("exit",)``, and ``("loop",)`` or ``("loop", operation)`` for
            ever.
        nice, uid, group, cpu, start_ns : mapping of str to value, optional
            Of the tasks that differ from nice 0, uid 0, group ``"/"``, CPU 0, start at 0. A task that some
            program forks has no start.
        shares : mapping of str to int, optional
            Shares of control groups (``"batch"``) or users (``"uid:1000"``) that are not the default.
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
        row_of = {name: row for row, name in enumerate(names)}
        groups = ["/", *dict.fromkeys(name for name in (group or {}).values() if name != "/")]
        parsed = [[_parsed(name, op, row_of) for op in programs[name]] for name in names]
        forked = {target for ops in parsed for _, target, kind in ops if kind == Op.FORK}
        for given in (nice, uid, group, cpu, start_ns):
            for name in given or {}:
                if name not in row_of:
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
                0,
            )
            first += len(parsed[row])
        ops = np.array([op for program in parsed for op in program], OP_DTYPE)
        return cls(tasks, ops, names, groups, dict(shares or {}), duration_ns, source)

    def run(self, model: str = "linux-2.6.24-cfs", **options: Any) -> Result:
        """Run under a model: ``Simulation(self, model, **options).run()``, to the end of `duration_ns`.

        Parameters
        ----------
        model : str, optional
        **options
            `until_ns` and `progress` as for `Simulation.run`, all else as for `Simulation`.

        Returns
        -------
        Result
        """
        from ..simulation.simulation import Simulation  # the one place where a description knows who runs it

        until_ns, progress = options.pop("until_ns", None), options.pop("progress", None)
        return Simulation(self, model, **options).run(until_ns, progress=progress)

    @property
    def nr_tasks(self) -> int:
        """Rows of `tasks`."""
        return len(self.tasks)

    @property
    def nr_cpus(self) -> int:
        """CPUs that the tasks name: one more than the largest."""
        return int(self.tasks["cpu"].max()) + 1 if len(self.tasks) else 1

    def name(self, task: int) -> str:
        """Name of task `task` (a row of `tasks`)."""
        return self.names[self.tasks["name"][task]]

    def program(self, task: int) -> np.ndarray:
        """Program of task `task`: a view of `ops`, so writing to it changes the workload."""
        first = int(self.tasks["first_op"][task])
        return self.ops[first : first + int(self.tasks["nr_ops"][task])]

    def copy(self) -> Self:
        """An independent workload with the same content."""
        return replace(
            self,
            tasks=self.tasks.copy(),
            ops=self.ops.copy(),
            names=list(self.names),
            groups=list(self.groups),
            shares=dict(self.shares),
        )

    def merged(self, other: Workload) -> Workload:
        """This workload and another one beside it, on the same CPUs and from the same start.

        Rows of `other` follow the rows of this one. Groups of the same name become one; on shares and
        duration `other` is asked second.

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
        ops["target"][np.isin(ops["kind"], (Op.WAKE, Op.FORK))] += len(self.tasks)
        return Workload(
            np.concatenate([self.tasks, tasks]),
            np.concatenate([self.ops, ops]),
            self.names + other.names,
            groups,
            other.shares | self.shares,
            self.duration_ns or other.duration_ns,
            self.source or other.source,
        )

    def rows_named(self, name: str) -> np.ndarray:
        """Rows of the tasks of this name, ``(nr,)`` int. Cost O(tasks)."""
        names = [i for i, known in enumerate(self.names) if known == name]
        return np.flatnonzero(np.isin(self.tasks["name"], names))

    def check(self) -> None:
        """Raise `WorkloadError` for the first thing that cannot run.

        Cost O(tasks + operations), vectorised. The loop trusts a workload that passed.
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

    def _check_ops(self, nr: int) -> None:
        kind, target, arg = self.ops["kind"], self.ops["target"], self.ops["arg"]
        bad = np.flatnonzero((kind < 0) | (kind > max(Op)))
        if len(bad):
            raise WorkloadError(f"operation {bad[0]} has the unknown kind {kind[bad[0]]}")
        timed = np.isin(kind, (Op.RUN, Op.SLEEP, Op.SLEEP_UNTIL, Op.NEXT))
        bad = np.flatnonzero(timed & (arg < (kind == Op.NEXT)))
        if len(bad):
            raise WorkloadError(f"operation {bad[0]} ({Op(kind[bad[0]]).name}) takes {arg[bad[0]]} ns")
        bad = np.flatnonzero((kind == Op.NICE) & ((arg < -20) | (arg > 19)))
        if len(bad):
            raise WorkloadError(f"operation {bad[0]} (NICE) wants nice {arg[bad[0]]}; allowed is -20 ... 19")
        bad = np.flatnonzero(((kind == Op.WAKE) | (kind == Op.FORK)) & ((target < 0) | (target >= nr)))
        if len(bad):
            raise WorkloadError(
                f"operation {bad[0]} ({Op(kind[bad[0]]).name}) names task {target[bad[0]]} of {nr}"
            )
        forked = np.bincount(target[kind == Op.FORK], minlength=nr)
        _require(self, (self.tasks["start_ns"] == -1) | (forked == 0), "is forked but has a start time")
        _require(
            self,
            (self.tasks["start_ns"] >= 0) | (forked == 1),
            "has no start time and is not forked exactly once",
        )
        self._check_loops(np.flatnonzero(kind == Op.LOOP))

    def _check_loops(self, loops: np.ndarray) -> None:
        """Each loop goes back, within its own program, over something that takes time."""
        if not len(loops):
            return
        takes_time = np.isin(self.ops["kind"], (Op.RUN, Op.SLEEP, Op.NEXT)) & (self.ops["arg"] > 0)
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


def _require(workload: Workload, good: np.ndarray, what: str) -> None:
    bad = np.flatnonzero(~good)
    if len(bad):
        raise WorkloadError(f"task {bad[0]} {what}: {workload.tasks[bad[0]]}")


def _parsed(name: str, op: tuple, row_of: Mapping[str, int]) -> tuple[int, int, int]:
    """(arg, target, kind) of an operation written as a tuple."""
    try:
        kind = Op[op[0].upper()]
    except (KeyError, IndexError, AttributeError, TypeError):
        known = ", ".join(kind.name.lower() for kind in Op)
        raise WorkloadError(f"task {name!r}: {op!r} is no operation; there are {known}") from None
    if kind == Op.LOOP and len(op) == 1:
        op = (op[0], 0)
    wanted = 0 if kind in (Op.WAIT, Op.EXIT, Op.YIELD) else 1
    if len(op) != 1 + wanted:
        raise WorkloadError(f"task {name!r}: {op!r}: {op[0]} takes {wanted} argument")
    if kind == Op.LOOP:
        return (0, op[1], kind)
    if kind not in (Op.WAKE, Op.FORK):
        return (op[1] if wanted else 0, 0, kind)
    if op[1] not in row_of:
        raise WorkloadError(f"task {name!r}: {op!r} names an unknown task")
    return (0, row_of[op[1]], kind)
