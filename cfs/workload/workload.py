"""How tasks behave: the program of each task, as arrays that the compiled loop reads without conversion.

A `Workload` is a set of tasks and one program a task. A program is a run of operations; `run` uses CPU time,
all others take none and happen at the instant at which the task has got as far:

    RUN arg            compute for `arg` ns of CPU time
    WAIT               block until some WAKE names this task. WAKEs are counted: one that came early is not
                       lost, so the k-th WAIT returns after the k-th WAKE whatever the scheduler did in
                       between
    SLEEP arg          block for `arg` ns, counted from the block ("relative")
    SLEEP_UNTIL arg    block until `arg` ns after the start; if that has passed already, do not block
                       ("absolute")
    WAKE target        wake task `target`
    FORK target        make task `target` (whose `start_ns` is -1) the child of this one and wake it as new
    NICE arg           set the own nice value to `arg`
    EXIT               end; an end of the program without EXIT does the same
    YIELD              call sched_yield()
    LOOP target        go on with operation `target` of the own program, for ever; what is between must take
                       time
    NEXT arg           block until the next multiple of `arg` ns, the release of a periodic task; one that is
                       late skips the releases that it missed

A task with `start_ns >= 0` existed before the workload began, asleep, and is woken at that time. One with
`start_ns == -1` begins when a FORK names it, inherits nothing but its place in the tree, and must be named
once.

Layout: `tasks` and `ops` are structured arrays (40 and 16 bytes a row); the program of task i is
`ops[tasks[i]["first_op"] : tasks[i]["first_op"] + tasks[i]["nr_ops"]]`. Names are stored once each, in
`names`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import WorkloadError
from ..limits import CPU_RANGE, FOREVER_NS, NICE_RANGE, POLICIES, SHARES_RANGE, UID_RANGE, integer_in

if TYPE_CHECKING:
    from ..models.registry import Model
    from ..result import Result

__all__ = ["Op", "Workload", "OP_DTYPE", "TASK_DTYPE", "FOREVER_NS"]

OP_DTYPE = np.dtype([("arg", "<i8"), ("target", "<i4"), ("kind", "<i4")])

TASK_DTYPE = np.dtype(
    [
        ("first_op", "<i8"),
        ("start_ns", "<i8"),  # -1: made by a FORK
        ("nr_ops", "<i4"),
        ("pid", "<i4"),  # as people know it; rows are the identity here
        ("name", "<i4"),  # index into Workload.names
        ("uid", "<i4"),
        ("group", "<i4"),  # index into Workload.groups
        ("cpu", "<i2"),
        ("nice", "i1"),
        ("policy", "i1"),  # 0 normal, 1 batch, 2 idle
    ]
)


class Op(enum.IntEnum):
    """Kinds of operation; the module's docstring defines each."""

    RUN = 0
    WAIT = 1
    SLEEP = 2
    SLEEP_UNTIL = 3
    WAKE = 4
    FORK = 5
    NICE = 6
    EXIT = 7
    YIELD = 8
    LOOP = 9
    NEXT = 10


@dataclass(eq=False)
class Workload:
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

    def copy(self) -> Workload:
        """An independent workload with the same content."""
        return Workload(
            self.tasks.copy(),
            self.ops.copy(),
            list(self.names),
            list(self.groups),
            dict(self.shares),
            self.duration_ns,
            self.source,
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

    # ---- what a recording cannot say: copies that differ in whose the tasks are

    def with_nice(self, nice: Mapping[str, int]) -> Workload:
        """A copy in which some tasks have another nice value from beginning to end.

        Parameters
        ----------
        nice : mapping of str to int
            Pattern of names (as a shell's: ``"cc1"``, ``"kworker/*"``) to nice value, -20 ... 19. The first
            pattern that fits a task decides.

        Returns
        -------
        Workload
            Where such a task sets its own nice value, it sets this one. A child is matched by its own name.

        Raises
        ------
        WorkloadError
            A pattern fits no task, or a value is out of its range.

        Examples
        --------
        The weight of nice 5 is 335 where that of nice 0 is 1024:

        >>> pair = hogs(1, duration_ns=10**10).merged(hogs(1, name="backup"))
        >>> pair.with_nice({"back*": 5}).run().stats()["share"].round(2).tolist()
        [0.75, 0.25]
        """
        values = [_checked(f"nice of {name!r}", value, *TASK_LIMITS["nice"]) for name, value in nice.items()]
        which, new = self._fitting(list(nice)), self.copy()
        for task in np.flatnonzero(which >= 0).tolist():
            new.tasks["nice"][task] = values[which[task]]
            own = new.program(task)
            own["arg"][own["kind"] == Op.NICE] = values[which[task]]
        return new

    def with_uids(self, uids: Mapping[str, int | tuple[int, int]]) -> Workload:
        """A copy in which some tasks are other users'.

        Parameters
        ----------
        uids : mapping of str to int or (int, int)
            Pattern of names to uid, or to (uid, shares of that user). The first pattern that fits a task
            decides; all others keep their user, which is 0 in what a recording gives.

        Returns
        -------
        Workload
            To be run with ``group_by="uid"``, or, under a model that knows control groups only, after
            `with_user_groups`, with ``group_by="cgroup"``.

        Raises
        ------
        WorkloadError
            A pattern fits no task, a number is out of its range, or a user is given two different shares.

        Examples
        --------
        One hog against nine, but each user has a half:

        >>> mine = hogs(1, name="mine", duration_ns=10**10).merged(hogs(9, name="theirs"))
        >>> result = mine.with_uids({"mine": 1000, "theirs": 1001}).run(group_by="uid")
        >>> result.stats("comm")["share"].round(2).tolist()
        [0.5, 0.5]
        """
        given = _with_shares(uids)
        numbers = [_checked(f"uid of {name!r}", uid, *TASK_LIMITS["uid"]) for name, (uid, _) in given.items()]
        shares = _shares_of((f"uid:{uid}", shares) for uid, shares in given.values())
        which, new = self._fitting(list(given)), self.copy()
        chosen = which >= 0
        new.tasks["uid"][chosen] = np.array(numbers, np.int32)[which[chosen]]
        new.shares |= shares
        return new

    def with_groups(self, groups: Mapping[str, str | tuple[str, int]]) -> Workload:
        """A copy in which some tasks are in other control groups.

        Parameters
        ----------
        groups : mapping of str to str or (str, int)
            Pattern of names to the name of a group right below the root, or to (name, shares of that group);
            ``"/"`` is the root group. The first pattern that fits a task decides; all others stay where they
            are.

        Returns
        -------
        Workload
            To be run with ``group_by="cgroup"``.

        Raises
        ------
        WorkloadError
            A pattern fits no task, a name is empty, or shares are out of range, the root's, or contradict
            each other.

        Examples
        --------
        Three times the shares, three times the CPU, however many tasks there are:

        >>> mix = hogs(2, name="cc1", duration_ns=10**10).merged(hogs(1, name="player"))
        >>> result = mix.with_groups({"cc1": "build", "player": ("media", 3072)}).run(group_by="cgroup")
        >>> result.stats("comm")["share"].round(2).tolist()
        [0.75, 0.25]
        """
        given = _with_shares(groups)
        for name, own in given.values():
            if not isinstance(name, str) or not name:
                raise WorkloadError(f"the name of a group is a string that is not empty, not {name!r}")
            if name == "/" and own is not None:
                raise WorkloadError("the root group '/' has no shares to be set")
        shares = _shares_of(given.values())
        which, new = self._fitting(list(given)), self.copy()
        new.groups = list(dict.fromkeys([*self.groups, *(name for name, _ in given.values())]))
        numbers = np.array([new.groups.index(name) for name, _ in given.values()], np.int32)
        chosen = which >= 0
        new.tasks["group"][chosen] = numbers[which[chosen]]
        new.shares |= shares
        return new

    def with_user_groups(self) -> Workload:
        """A copy in which each user is a control group: fairness among users for models without it.

        Returns
        -------
        Workload
            Groups are called ``"uid:0"``, ``"uid:1000"``, as in a result by uid, and have the same shares:
            those given, else 2048 for user 0 (as Linux 2.6.24 has it) and 1024 for others. The groups that
            the tasks were in are gone.

        Examples
        --------
        >>> mine = hogs(1, name="mine", duration_ns=10**10).merged(hogs(9, name="theirs"))
        >>> mine = mine.with_uids({"mine": 1000, "theirs": 1001}).with_user_groups()
        >>> mine.run("linux-6.18-eevdf", group_by="cgroup").stats("group")["share"].round(2).tolist()
        [0.5, 0.5]
        """
        new = self.copy()
        users, which = np.unique(self.tasks["uid"], return_inverse=True)
        new.groups = ["/", *(f"uid:{uid}" for uid in users.tolist())]
        new.tasks["group"] = which + 1
        new.shares = {name: shares for name, shares in self.shares.items() if name.startswith("uid:")}
        if 0 in users:
            new.shares.setdefault("uid:0", ROOT_USER_SHARES)
        return new

    def for_model(self, model: Model, group_by: str | None) -> tuple[Workload, str | None]:
        """The workload as a model can be fair by what is asked, and the way in which it then is.

        Parameters
        ----------
        model : Model
        group_by : {None, "uid", "cgroup"}
            What is asked.

        Returns
        -------
        Workload
            This one, or `with_user_groups` where users are asked for and the model knows control groups only.
        str or None
            To be given as `group_by` to `Simulation`; what was asked unless users became groups. It is not
            checked here whether the model knows it.

        Examples
        --------
        >>> import cfs
        >>> mine = hogs(1, name="mine", uid=1000).merged(hogs(9, name="theirs", uid=1001))
        >>> work, way = mine.for_model(cfs.MODELS["linux-6.18-eevdf"], "uid")
        >>> work.groups, way
        (['/', 'uid:1000', 'uid:1001'], 'cgroup')
        """
        if group_by != "uid" or "uid" in model.group_by or "cgroup" not in model.group_by:
            return self, group_by
        return self.with_user_groups(), "cgroup"

    def _fitting(self, patterns: list[str]) -> np.ndarray:
        """For each task the number of the first pattern that fits its name, -1: none."""
        used = np.unique(self.tasks["name"]).tolist()
        first = np.full(len(self.names), -1, np.int64)
        for number in reversed(range(len(patterns))):
            fitting = [name for name in used if fnmatchcase(self.names[name], patterns[number])]
            if not fitting:
                known = ", ".join(repr(self.names[name]) for name in used[:8])
                more = ", ..." if len(used) > 8 else ""
                raise WorkloadError(f"no task has a name like {patterns[number]!r}; there are {known}{more}")
            first[fitting] = number
        return first[self.tasks["name"]]

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


ROOT_USER_SHARES = 2048


def _with_shares(given: Mapping[str, Any]) -> dict[str, tuple[Any, int | None]]:
    """Each value as a pair with shares, None where none are given."""
    return {name: value if isinstance(value, tuple) else (value, None) for name, value in given.items()}


def _shares_of(given: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    """Shares by name of group or user; those that are None are not given."""
    found: dict[str, int] = {}
    for name, shares in given:
        if shares is None:
            continue
        shares = _checked(f"shares of {name!r}", shares, *SHARES_RANGE)
        if found.setdefault(name, shares) != shares:
            raise WorkloadError(f"{name!r} is given {found[name]} shares and {shares} shares")
    return found


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


# -------------------------------------------------------------- builders: workloads that nobody recorded
#
# A builder writes down one `TaskPlan` a task and lets `of_plans` make the arrays. What is drawn comes from a
# stream with a seed and a name, so one task's lengths do not depend on which other tasks there are.

__all__ += [
    "Draws",
    "POLICIES",
    "TASK_LIMITS",
    "TaskPlan",
    "build",
    "fork_loop",
    "half_sleepers",
    "hogs",
    "of_plans",
    "periodic",
    "ring",
    "sleepers",
]

TASK_LIMITS = {"start_ns": (-1, FOREVER_NS), "uid": UID_RANGE, "cpu": CPU_RANGE, "nice": NICE_RANGE}
"""Least and greatest value of the numbers of a task."""


@dataclass(eq=False)
class TaskPlan:
    """A task of a workload that is still being written; `of_plans` makes the workload.

    Parameters
    ----------
    name : str
    start_ns : int, optional
        -1: made by the FORK that names its row.
    uid, cpu, nice : int, optional
    group : str, optional
    policy : {"normal", "batch", "idle"}, optional
    ops : list of tuple, optional
        The program, ``(arg, target, kind)`` an operation, as a row of `OP_DTYPE`. Targets of WAKE and FORK
        are places in the list of plans, those of LOOP places in `ops`.
    """

    name: str
    start_ns: int = 0
    uid: int = 0
    group: str = "/"
    cpu: int = 0
    nice: int = 0
    policy: str = "normal"
    ops: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, kind: Op, arg: int = 0, target: int = 0) -> None:
        """Append an operation."""
        self.ops.append((arg, target, kind))


class Draws:
    """Whole numbers, drawn uniformly from a named stream: the same on every platform, Python and numpy.

    Parameters
    ----------
    seed : int
        0 ... 2**64 - 1.
    stream : str
        Equal seeds and different names give independent numbers.

    Notes
    -----
    The raw words of ``PCG64(SeedSequence([seed, *stream]))``, which numpy guarantees to stay as they are,
    scaled to the range in integers: ``low + (word * nr >> 64)``, which favours no number by more than nr in
    2**64.
    Rejected: ``Generator.integers``, which numpy may change (its NEP 19).

    Examples
    --------
    >>> draw = Draws(7, "cc1")
    >>> 10 <= draw(10, 20) <= 20
    True
    >>> [Draws(7, "cc1")(0, 10**9) == Draws(7, name)(0, 10**9) for name in ("cc1", "as")]
    [True, False]
    """

    def __init__(self, seed: int, stream: str):
        _checked("seed", seed, 0, 2**64 - 1)
        self._bits = np.random.PCG64(np.random.SeedSequence([int(seed), *stream.encode()]))

    def __call__(self, low: int, high: int) -> int:
        """A number of `low` ... `high`, both included."""
        return low + (int(self._bits.random_raw()) * (high - low + 1) >> 64)


def of_plans(
    plans: Sequence[TaskPlan],
    *,
    shares: Mapping[str, int] | None = None,
    duration_ns: int = 0,
    source: str = "",
) -> Workload:
    """A workload of these tasks, a row each.

    Parameters
    ----------
    plans : sequence of TaskPlan
    shares, duration_ns, source
        As for `Workload`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number of a task is out of its range, or there is no such policy.
    """
    names = {name: i for i, name in enumerate(dict.fromkeys(plan.name for plan in plans))}
    groups = {name: i for i, name in enumerate(dict.fromkeys(["/", *(plan.group for plan in plans)]))}
    tasks = np.zeros(len(plans), TASK_DTYPE)
    first = 0
    for row, plan in enumerate(plans):
        _check_plan(plan)
        tasks[row] = (
            first,
            plan.start_ns,
            len(plan.ops),
            row + 1,
            names[plan.name],
            plan.uid,
            groups[plan.group],
            plan.cpu,
            plan.nice,
            POLICIES.index(plan.policy),
        )
        first += len(plan.ops)
    ops = np.array([op for plan in plans for op in plan.ops], OP_DTYPE)
    duration_ns = _checked("duration_ns", duration_ns, 0, FOREVER_NS)
    return Workload(tasks, ops, list(names), list(groups), dict(shares or {}), duration_ns, source)


def hogs(nr: int, *, name: str = "hog", duration_ns: int = 0, **facts: Any) -> Workload:
    """Tasks that compute for ever.

    Parameters
    ----------
    nr : int
        How many.
    name : str, optional
        Name of all of them.
    duration_ns : int, optional
        Span of the workload, ns; needed if it is not merged with one that has a span.
    **facts
        Of every task, if it differs: ``nice``, ``uid``, ``group``, ``cpu``, ``policy``, ``start_ns`` (see
        `TaskPlan`).

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    Two hogs and a nice one; their weights are 1024, 1024 and 335:

    >>> work = hogs(2, duration_ns=10**10).merged(hogs(1, nice=5, name="nice hog"))
    >>> work.run().stats()["share"].round(2).tolist()
    [0.43, 0.43, 0.14]
    """
    return _alike(nr, name, facts, duration_ns, [(FOREVER_NS, 0, Op.RUN)])


def sleepers(
    nr: int,
    *,
    run_ns: int = 1_000_000,
    sleep_ns: int = 9_000_000,
    name: str = "sleeper",
    duration_ns: int = 0,
    **facts: Any,
) -> Workload:
    """Tasks that compute for a while and then sleep, for ever.

    Parameters
    ----------
    nr : int
        How many.
    run_ns : int, optional
        CPU time between two sleeps, ns.
    sleep_ns : int, optional
        Length of each sleep, ns, counted from when the task blocks.
    name, duration_ns, **facts
        As for `hogs`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> sleepers(1, duration_ns=10**9).run().busy_ns
    100000000
    """
    _checked("run_ns", run_ns, 1, FOREVER_NS)
    _checked("sleep_ns", sleep_ns, 0, FOREVER_NS)
    ops: list[tuple[int, int, int]] = [(run_ns, 0, Op.RUN), (sleep_ns, 0, Op.SLEEP), (0, 0, Op.LOOP)]
    return _alike(nr, name, facts, duration_ns, ops)


def half_sleepers(
    nr: int, *, run_ns: int = 5_000_000, name: str = "half-sleeper", duration_ns: int = 0, **facts: Any
) -> Workload:
    """Tasks that compute for a while and then sleep as long: alone, each takes half of a CPU.

    Parameters
    ----------
    nr : int
        How many.
    run_ns : int, optional
        CPU time between two sleeps, and length of each sleep, ns.
    name, duration_ns, **facts
        As for `hogs`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> half_sleepers(1, duration_ns=10**9).run().busy_ns
    500000000
    """
    return sleepers(nr, run_ns=run_ns, sleep_ns=run_ns, name=name, duration_ns=duration_ns, **facts)


def periodic(
    nr: int, *, period_ns: int, run_ns: int, name: str = "periodic", duration_ns: int = 0, **facts: Any
) -> Workload:
    """Tasks with a piece of work at each multiple of a period; one that is late skips what it missed.

    Parameters
    ----------
    nr : int
        How many.
    period_ns : int
        From one release to the next, ns.
    run_ns : int
        CPU time of each piece, ns.
    name, duration_ns, **facts
        As for `hogs`. The first release is the first multiple after the start.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> periodic(1, period_ns=10_000_000, run_ns=2_000_000, duration_ns=10**9).run().busy_ns
    198000000
    """
    _checked("period_ns", period_ns, 1, FOREVER_NS)
    _checked("run_ns", run_ns, 0, FOREVER_NS)
    ops: list[tuple[int, int, int]] = [(period_ns, 0, Op.NEXT), (run_ns, 0, Op.RUN), (0, 0, Op.LOOP)]
    return _alike(nr, name, facts, duration_ns, ops)


def ring(
    nr: int, *, run_ns: int = 10_000, name: str = "ring", duration_ns: int = 0, **facts: Any
) -> Workload:
    """A token goes round, as in lat_ctx: who has it computes a little, wakes the next and waits for it again.

    Parameters
    ----------
    nr : int
        Tasks of the ring; 1 or more.
    run_ns : int, optional
        CPU time with the token, ns.
    name, duration_ns, **facts
        As for `hogs`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    Ten milliseconds of ten microseconds each:

    >>> ring(16, duration_ns=10_000_000).run().context_switches
    1000
    """
    _checked("nr", nr, 1, 2**31 - 1)
    _checked("run_ns", run_ns, 1, FOREVER_NS)
    plans = _plans(nr, name, facts)
    for row, plan in enumerate(plans):
        if row:
            plan.add(Op.WAIT)
        plan.add(Op.RUN, run_ns)
        plan.add(Op.WAKE, target=(row + 1) % nr)
        if not row:
            plan.add(Op.WAIT)
        plan.add(Op.LOOP)
    return of_plans(plans, duration_ns=duration_ns, source=f"ring of {nr}")


def fork_loop(
    nr: int,
    *,
    run_ns: int = 1_000_000,
    shell_ns: int = 200_000,
    pause_ns: int = 0,
    name: str = "sh",
    command: str = "true",
    duration_ns: int = 0,
    **facts: Any,
) -> Workload:
    """A shell that forks short commands, one after the other, and waits for each.

    Parameters
    ----------
    nr : int
        Commands.
    run_ns : int, optional
        CPU time of a command, ns.
    shell_ns : int, optional
        CPU time of the shell before each fork, ns.
    pause_ns : int, optional
        Sleep of the shell before each command, ns; 0 for none.
    name, command : str, optional
        Names of the shell and of the commands.
    duration_ns, **facts
        As for `hogs`; the commands are of the same user, group, CPU, nice value and policy as the shell.

    Returns
    -------
    Workload
        Row 0 is the shell.

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> result = fork_loop(100, duration_ns=10**9).run()
    >>> result.end, result.busy_ns
    ('finished', 120000000)
    """
    for what, value in (("run_ns", run_ns), ("shell_ns", shell_ns), ("pause_ns", pause_ns)):
        _checked(what, value, 0, FOREVER_NS)
    shell, *commands = _plans(1, name, facts) + _plans(nr, command, facts | {"start_ns": -1})
    for row, plan in enumerate(commands, 1):
        if pause_ns:
            shell.add(Op.SLEEP, pause_ns)
        shell.add(Op.RUN, shell_ns)
        shell.add(Op.FORK, target=row)
        shell.add(Op.WAIT)
        plan.add(Op.RUN, run_ns)
        plan.add(Op.WAKE, target=0)
    return of_plans([shell, *commands], duration_ns=duration_ns, source=f"{name} with {nr} {command}")


def build(
    jobs: int,
    files: int,
    *,
    seed: int = 0,
    make_ns: int = 300_000,
    gcc_ns: int = 1_000_000,
    read_ns: tuple[int, int] = (0, 5_000_000),
    compile_ns: tuple[int, int] = (20_000_000, 200_000_000),
    assemble_ns: tuple[int, int] = (2_000_000, 20_000_000),
    duration_ns: int = 0,
    **facts: Any,
) -> Workload:
    """A make -j: make forks a gcc for each file, each gcc forks cc1 and then as, and waits for both.

    Parameters
    ----------
    jobs : int
        How many gcc make keeps going at a time; 1 or more.
    files : int
        How many files are compiled.
    seed : int, optional
        Of the lengths that are drawn.
    make_ns, gcc_ns : int, optional
        CPU time before each fork of make and of gcc, ns.
    read_ns : tuple of int, optional
        Shortest and longest sleep of cc1 for its sources, ns; drawn for each file, as the following ones.
    compile_ns, assemble_ns : tuple of int, optional
        Least and most CPU time of cc1 and of as, ns.
    duration_ns, **facts
        As for `hogs`; `start_ns` is that of make, everything else is for all tasks.

    Returns
    -------
    Workload
        Row 0 is make; file i has the rows 3 i + 1 (gcc), 3 i + 2 (cc1) and 3 i + 3 (as).

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> result = build(4, 10, seed=1, duration_ns=10**10).run()
    >>> result.end, result.nr_tasks
    ('finished', 31)
    """
    _checked("jobs", jobs, 1, 2**31 - 1)
    for what, value in (("make_ns", make_ns), ("gcc_ns", gcc_ns)):
        _checked(what, value, 0, FOREVER_NS)
    for what, (low, high) in (("read_ns", read_ns), ("compile_ns", compile_ns), ("assemble_ns", assemble_ns)):
        _checked(f"least {what}", low, 0, FOREVER_NS)
        _checked(f"greatest {what}", high, low, FOREVER_NS)
    plans = _plans(1, "make", facts)
    for _ in range(_checked("files", files, 0, 2**31 - 1)):
        plans += [plan for name in ("gcc", "cc1", "as") for plan in _plans(1, name, facts | {"start_ns": -1})]
    draw = Draws(seed, "build")
    for file in range(files):
        gcc = 3 * file + 1
        _write_compile(plans, gcc, gcc_ns, draw(*read_ns), draw(*compile_ns), draw(*assemble_ns))
        if file >= jobs:
            plans[0].add(Op.WAIT)
        plans[0].add(Op.RUN, make_ns)
        plans[0].add(Op.FORK, target=gcc)
    for _ in range(min(jobs, files)):
        plans[0].add(Op.WAIT)
    return of_plans(plans, duration_ns=duration_ns, source=f"make -j{jobs} of {files} files")


def _write_compile(
    plans: list[TaskPlan], gcc: int, gcc_ns: int, read_ns: int, compile_ns: int, assemble_ns: int
) -> None:
    # the programs of one gcc, its cc1 and its as, in rows gcc, gcc + 1 and gcc + 2; make is row 0
    driver, cc1, assembler = plans[gcc : gcc + 3]
    for child in (gcc + 1, gcc + 2):
        driver.add(Op.RUN, gcc_ns)
        driver.add(Op.FORK, target=child)
        driver.add(Op.WAIT)
    driver.add(Op.WAKE, target=0)
    cc1.add(Op.SLEEP, read_ns)
    cc1.add(Op.RUN, compile_ns)
    cc1.add(Op.WAKE, target=gcc)
    assembler.add(Op.RUN, assemble_ns)
    assembler.add(Op.WAKE, target=gcc)


def _alike(
    nr: int, name: str, facts: Mapping[str, Any], duration_ns: int, ops: list[tuple[int, int, int]]
) -> Workload:
    """Tasks that all have this program."""
    plans = _plans(nr, name, {**facts, "ops": ops})
    return of_plans(plans, duration_ns=duration_ns, source=f"{nr} {name}")


def _plans(nr: int, name: str, facts: Mapping[str, Any]) -> list[TaskPlan]:
    return [TaskPlan(name, **facts) for _ in range(_checked("nr", nr, 0, 2**31 - 1))]


def _check_plan(plan: TaskPlan) -> None:
    for what, (low, high) in TASK_LIMITS.items():
        _checked(f"task {plan.name!r}: {what}", getattr(plan, what), low, high)
    if plan.policy not in POLICIES:
        raise WorkloadError(f"task {plan.name!r}: policy = {plan.policy!r} is none of {', '.join(POLICIES)}")


def _checked(what: str, value: int, low: int, high: int) -> int:
    return integer_in(what, value, low, high, WorkloadError)
