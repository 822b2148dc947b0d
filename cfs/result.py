"""What happened: which task ran when, and which waited. A simulation and a measured recording have the same
shape.

There is one table, `runs`: a row for each uninterrupted stay of a task on a CPU. CPU time, shares, switches,
waits and run lengths follow from it. They are computed on
demand, by compiled passes over it (`_statistics`).

A *wait* is the time from becoming runnable to running, as `perf sched latency` counts it: after a wakeup,
after a fork, and after a preemption. Quantiles are nearest-rank: the p50 of n values is the ceil(0.5 n)-th
smallest.

The table may be missing, because nobody kept it (``log=False``). Then there are running sums (`cfs.sums`), and
what follows from them; whoever asks for the runs is told so.

Beside it, where it is known, is `wakeups`: how a task that slept, or is new, became ready, and which task did
it. A measured result looks for the causes when it is first asked for them.
"""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ._statistics import counts, quantiles_of_runs, quantiles_of_waits, switches
from .errors import StateError
from .platform import Platform
from .sums import COUNTS_DTYPE, UNKNOWN_NS, Sums
from .units import clean, cut

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = [
    "RUN_DTYPE",
    "STATS_DTYPE",
    "WAKEUP_DTYPE",
    "SLEEP_DTYPE",
    "NOBODY",
    "Ready",
    "Out",
    "Slept",
    "WokenBy",
    "Result",
    "altered",
    "nr_switches",
]

RUN_DTYPE = np.dtype(
    [
        ("ready_ns", "<i8"),  # when the task became runnable; -1: not known
        ("start_ns", "<i8"),  # switched in
        ("end_ns", "<i8"),  # switched out, or the end of the span
        ("task", "<u4"),  # row of the tasks table
        ("cpu", "<u2"),
        ("ready", "u1"),  # how it became runnable: Ready
        ("out", "u1"),  # how the run ended: Out
    ]
)

NOBODY = -1
"""In `WAKEUP_DTYPE`: no task did it, or none of this result."""
ORDER_UNKNOWN = 2**32 - 1
"""In `WAKEUP_DTYPE`: how many runs had begun is not known."""

WAKEUP_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),  # when the wakeup was raised
        ("task", "<u4"),  # the task that was woken, or is new: row of the tasks table
        ("waker", "<i4"),  # row of the task that did it, of a fork the parent; NOBODY
        ("nr_runs", "<u4"),  # runs that had begun by then: the order within an instant; or ORDER_UNKNOWN
        ("cpu", "<u2"),  # where it was raised: the waker's CPU, or the one that was interrupted
        ("cause", "u1"),  # WokenBy
        ("slept", "u1"),  # Slept
    ]
)

SLEEP_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),  # when the task blocked: the end of a run
        ("task", "<u4"),
        ("slept", "u1"),  # Slept: UNINTERRUPTIBLE or IDLE
    ]
)

QUANTILES_DTYPE = np.dtype(
    [(name, "<i8") for name in ("count", "sum_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns")]
)
TIMED = ("task", "ready", "out", "ready_ns", "start_ns", "end_ns")
WAITS = ("latency", "wakeup_latency", "fork_latency", "preempted_wait")
"""Columns of waits: all, and those that began as `Ready` says."""

STATS_DTYPE = np.dtype(
    [
        ("key", "<i4"),  # row of tasks, or index of the name or of the group
        ("nr_tasks", "<i4"),
        ("cpu_ns", "<i8"),
        ("share", "<f8"),  # of the CPU time of all CPUs, idle time included: 0 ... 1
        ("switches", "<i8"),  # times switched in
        ("voluntary", "<i8"),  # runs that ended in a block or an exit
        ("involuntary", "<i8"),  # runs that ended in a preemption
        ("unknown_waits", "<i8"),  # runs before which nobody knows since when the task was runnable
        ("unknown_runs", "<i8"),  # runs of which an end is not known: in no length, and not in the CPU time
        ("latency", QUANTILES_DTYPE),  # every wait
        ("wakeup_latency", QUANTILES_DTYPE),  # waits after a wakeup
        ("fork_latency", QUANTILES_DTYPE),  # waits after a fork
        ("preempted_wait", QUANTILES_DTYPE),  # waits after a preemption
        ("run_length", QUANTILES_DTYPE),
    ]
)

SCHEMA = "cfs-result/1"


class Ready(enum.IntEnum):
    """How a task became runnable before a run. FOUND: it already ran when its CPU, or the part, began."""

    UNKNOWN = 0
    WAKEUP = 1
    FORK = 2
    PREEMPTED = 3
    FOUND = 4


class Out(enum.IntEnum):
    """How a run ended; UNKNOWN: neither how nor when, and its `end_ns` is its start."""

    RUNNING = 0  # the span ended
    PREEMPTED = 1
    BLOCKED = 2
    EXITED = 3
    UNKNOWN = 4


class WokenBy(enum.IntEnum):
    """What made a task ready that slept or is new."""

    TASK = 0  # another task
    TIMER = 1
    OUTSIDE = 2  # an interrupt other than a timer's, or whatever else is no task
    FORK = 3  # it is new, and its parent did it


class Slept(enum.IntEnum):
    """How a task slept before a wakeup."""

    INTERRUPTIBLE = 0  # the kernel's S; also of a new task
    UNINTERRUPTIBLE = 1  # D: a disk, a page, a child of vfork
    IDLE = 2  # I: an idle kernel thread
    NOT_YET = 3  # the wakeup came first, and the block that followed was undone


class _Later:
    """An attribute that is a table, or what makes it when it is first asked for; by default an empty one."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, result: Result | None, owner: type) -> np.ndarray | None:
        if result is None:
            return None  # the default of the field
        value = result.__dict__[self.name]
        if callable(value):
            value = result.__dict__[self.name] = value()
        return value

    def __set__(self, result: Result, value: np.ndarray | Callable[[], np.ndarray] | None) -> None:
        result.__dict__[self.name] = np.zeros(0, self.dtype) if value is None else value


class _Log:
    """The attribute `runs`: a table, or None where nobody kept one, which is said to whoever reads it."""

    def __get__(self, result: Result | None, owner: type) -> np.ndarray:
        if result is None:
            raise AttributeError("runs")  # the field has no default
        runs: np.ndarray | None = result.__dict__["runs"]
        if runs is None:
            raise StateError(
                f"of this result of {result.model} no log of runs was kept, and this needs it: run it with log=True"
            )
        return runs

    def __set__(self, result: Result, runs: np.ndarray | None) -> None:
        result.__dict__["runs"] = runs


@dataclass(eq=False)
class Result:
    """Which tasks ran when and which waited, under a model or as recorded.

    Parameters
    ----------
    model : str
        Id of the model; ``"recorded"`` for what a recording measured.
    runs : numpy.ndarray
        ``(nr_runs,)`` of `RUN_DTYPE`, times in ns since the start, in order of `start_ns`. Without a log it is
        made with None; who reads it then gets a `StateError`.
    duration_ns : int
        Length of the span.
    pids, nice : numpy.ndarray
        ``(nr_tasks,)``, one for each row of the tasks table; `nice` is the last value.
    names : list of str
        Command name of each task.
    groups : list of str
        Group of each task; all ``"/"`` without groups.
    cpus : list of int
        Numbers of the CPUs.
    context_switches : int
        Switches of all CPUs, those to and from idle included.
    tunables : dict
        Tunables and feature bits of the model.
    shares : dict of str to int
        Shares of each group, if there are groups.
    group_by : str or None
    hz : int
        Ticks a second; 0 if not known.
    source : str
        Where the workload comes from.
    end : str
        Why the run ended: ``"duration"``, ``"finished"`` (every task exited) or ``"stalled"`` (no task was
        left that could run or be woken).
    nr_cpus_booted : int
        Number of CPUs that the model's tunables were scaled for; 0: as many as `cpus`.
    platform : Platform
        When it ticked, whether the kernel could be preempted, what interrupts cost; None: that is not known.
    wakeups : numpy.ndarray, or a callable that returns one
        ``(nr_wakeups,)`` of `WAKEUP_DTYPE`, in the order of time: which task was woken or forked, and by
        which, also those that have not run since. Empty where that is not known. A callable is called when it
        is first asked for.
    sleeps : numpy.ndarray, or a callable that returns one
        ``(nr_sleeps,)`` of `SLEEP_DTYPE`: the sleeps that no signal ends. All others are interruptible.
    sums : cfs.sums.Sums, optional
        In place of `runs`, where no log was kept: then statistics have no quantiles.
    """

    model: str
    runs: np.ndarray
    duration_ns: int
    pids: np.ndarray
    nice: np.ndarray
    names: list[str]
    groups: list[str]
    cpus: list[int]
    context_switches: int
    tunables: dict[str, int | bool] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    group_by: str | None = None
    hz: int = 0
    source: str = ""
    end: str = "duration"
    nr_cpus_booted: int = 0
    platform: Platform | None = None
    wakeups: np.ndarray = cast(Any, _Later(WAKEUP_DTYPE))
    sleeps: np.ndarray = cast(Any, _Later(SLEEP_DTYPE))
    sums: Sums | None = None

    def __getstate__(self) -> dict[str, Any]:
        # a copy and a pickle have the tables, not what makes them
        return self.__dict__ | {"wakeups": self.wakeups, "sleeps": self.sleeps}

    @property
    def nr_tasks(self) -> int:
        """Rows of the tasks table, those that never ran included."""
        return len(self.pids)

    @property
    def busy_ns(self) -> int:
        """CPU time of all tasks, ns."""
        if self.sums is not None:
            return int(self.sums.busy_ns.sum())
        return int((self.runs["end_ns"] - self.runs["start_ns"]).sum())

    @property
    def run_ns(self) -> np.ndarray:
        """Length of each run, ``(nr_runs,)`` int64, ns."""
        return self.runs["end_ns"] - self.runs["start_ns"]

    @property
    def of_unknown_length(self) -> np.ndarray:
        """Runs whose length says nothing, ``(nr_runs,)`` bool: the end is not known, or the task was found
        running at the very end of its run.
        """
        found_at_its_end = (self.runs["ready"] == Ready.FOUND) & (self.run_ns == 0)
        return (self.runs["out"] == Out.UNKNOWN) | found_at_its_end

    def waits(self, *ready: Ready) -> tuple[np.ndarray, np.ndarray]:
        """Tasks and lengths of the waits.

        Parameters
        ----------
        *ready : Ready
            Only waits that began in one of these ways; default all.

        Returns
        -------
        task, wait_ns : numpy.ndarray
            ``(nr_waits,)``: row of the task, and ns from becoming runnable to running.
        """
        runs = self.runs
        known = runs["ready_ns"] >= 0
        if ready:
            known &= np.isin(runs["ready"], ready)
        return runs["task"][known], runs["start_ns"][known] - runs["ready_ns"][known]

    def keys(self, by: str = "task") -> tuple[np.ndarray, list[str]]:
        """The index of the row that each task counts under, and the labels of the rows.

        Parameters
        ----------
        by : {"task", "comm", "group"}

        Returns
        -------
        keys : numpy.ndarray
            ``(nr_tasks,)`` int.
        labels : list of str
        """
        if by == "task":
            return np.arange(self.nr_tasks), list(self.names)
        if by not in ("comm", "group"):
            raise ValueError(f"by = {by!r} is none of 'task', 'comm', 'group'")
        column = self.names if by == "comm" else self.groups
        labels = sorted(set(column))
        index = {label: i for i, label in enumerate(labels)}
        return np.array([index[label] for label in column], dtype=np.int64), labels

    def stats(self, by: str = "task") -> np.ndarray:
        """CPU time, switches, waits and run lengths of each task, command name or group.

        Parameters
        ----------
        by : {"task", "comm", "group"}
            What a row is.

        Returns
        -------
        numpy.ndarray
            ``(nr_rows,)`` of `STATS_DTYPE`, most CPU time first; ``row["key"]`` indexes the labels of `keys`.

        Notes
        -----
        Cost O(runs), about 40 ns a run.
        """
        keys, labels = self.keys(by)
        table = self.stats_of(keys, len(labels))
        return table[np.lexsort((table["key"], -table["cpu_ns"]))]

    def stats_of(self, keys: np.ndarray, nr_keys: int, *, with_all: bool = False) -> np.ndarray:
        """`stats` by keys of your own: what each task is counted under.

        Parameters
        ----------
        keys : numpy.ndarray
            ``(nr_tasks,)`` int, each 0 ... `nr_keys` - 1.
        nr_keys : int
        with_all : bool, optional
            A row more, over all tasks.

        Returns
        -------
        numpy.ndarray
            ``(nr_keys,)`` of `STATS_DTYPE` in the order of the keys, or one more.
        """
        keys = np.ascontiguousarray(keys, np.int64)
        if self.sums is None:
            rows = self._counts(keys, nr_keys)
            rows = np.append(rows, rows.sum(0, keepdims=True), axis=0) if with_all else rows
            table = self._counted(keys, nr_keys, rows.view(COUNTS_DTYPE)[:, 0])
            self._add_quantiles(table, keys, nr_keys, with_all)
        else:
            sums = self.sums.by_key(keys, nr_keys, with_all=with_all)
            table = self._counted(keys, nr_keys, sums)
            _add_sums(table, sums)
        return table

    def _counts(self, keys: np.ndarray, nr_keys: int) -> np.ndarray:
        """What is counted of the runs: the numbers of `COUNTS_DTYPE`."""
        return counts(keys, nr_keys, *(self.runs[name] for name in ("task", "ready", "out", "start_ns", "end_ns")))

    def _counted(self, keys: np.ndarray, nr_keys: int, rows: np.ndarray) -> np.ndarray:
        """Statistics with what is only counted, and no waits or lengths yet; a row more is over all."""
        nr_tasks = np.bincount(keys, minlength=nr_keys)
        table = np.zeros(len(rows), STATS_DTYPE)
        table["key"] = np.arange(len(rows))
        table["nr_tasks"] = nr_tasks if len(rows) == nr_keys else np.append(nr_tasks, len(keys))
        for name in ("cpu_ns", "unknown_waits", "unknown_runs"):
            table[name] = rows[name]
        table["share"] = table["cpu_ns"] / max(1, self.duration_ns * len(self.cpus))
        ended = rows["ended"]
        table["switches"] = ended.sum(1)
        table["involuntary"] = ended[:, Out.PREEMPTED]
        table["voluntary"] = ended[:, Out.BLOCKED] + ended[:, Out.EXITED]
        return table

    def _add_quantiles(self, table: np.ndarray, keys: np.ndarray, nr_keys: int, with_all: bool) -> None:
        """Waits and lengths, of which the runs tell everything."""
        task, ready, out, ready_ns, start_ns, end_ns = (self.runs[name] for name in TIMED)
        waits = quantiles_of_waits(keys, nr_keys, task, ready, ready_ns, start_ns, with_all)
        for column, numbers in zip(WAITS, waits):
            table[column] = _as_quantiles(numbers)
        lengths = quantiles_of_runs(keys, nr_keys, task, ready, out, start_ns, end_ns, with_all)
        table["run_length"] = _as_quantiles(lengths)

    def cpu_times(self, keys: np.ndarray, nr_keys: int) -> tuple[np.ndarray, np.ndarray]:
        """CPU time in ns and number of the runs under each key, as of `stats_of` and without the rest of it.

        Cost about 7 ns a run.
        """
        keys = np.ascontiguousarray(keys, np.int64)
        if self.sums is None:
            rows = self._counts(keys, nr_keys).view(COUNTS_DTYPE)[:, 0]
        else:
            rows = self.sums.by_key(keys, nr_keys)
        return rows["cpu_ns"], rows["ended"].sum(1)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers, schema ``cfs-result/1`` (docs/reference/result.md)."""
        from .reports import columns

        stats = self.stats()
        ran = stats[stats["switches"] > 0]
        return {
            "schema": SCHEMA,
            "model": self.model,
            "source": self.source,
            "group_by": self.group_by,
            "hz": self.hz,
            "tunables": self.tunables,
            "duration_ns": int(self.duration_ns),
            "end": self.end,
            "context_switches": int(self.context_switches),
            "cpus": self._cpu_rows(),
            "groups": self._group_rows(),
            "tasks": [
                self._task_facts(task) | row
                for task, row in zip(ran["key"].tolist(), columns.plain_rows(ran, columns.TASK))
            ],
        }

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_arrow(self, table: str = "runs", *, by: str = "task") -> pyarrow.Table:
        """The runs, or the statistics, as an Arrow table (docs/reference/result.md has the columns).

        Parameters
        ----------
        table : {"runs", "stats", "wakeups"}, optional
            A row a run; or a row a task, command name or group; or a row a wakeup or fork.
        by : {"task", "comm", "group"}, optional
            What a row of the statistics is.

        Returns
        -------
        pyarrow.Table
            Times are int64 ns; an unknown value is null.

        Raises
        ------
        MissingExtraError
            pyarrow is not installed: the extra ``frames``.

        Notes
        -----
        Cost about 0.1 µs a run.
        """
        from .reports import frames

        return frames.arrow_table([(self.model, self)], table, by)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The runs, for every library that knows the Arrow C stream: ``polars.DataFrame(result)``."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_pandas(self, table: str = "runs", *, by: str = "task") -> pandas.DataFrame:
        """`to_arrow` as a data frame of pandas; `MissingExtraError` without pyarrow and pandas."""
        from .reports import frames

        return frames.to_pandas(self.to_arrow(table, by=by))

    def to_polars(self, table: str = "runs", *, by: str = "task") -> polars.DataFrame:
        """`to_arrow` as a data frame of polars; `MissingExtraError` without pyarrow and polars."""
        from .reports import frames

        return frames.to_polars(self.to_arrow(table, by=by))

    def to_parquet(self, path: str | os.PathLike[str], table: str = "runs", *, by: str = "task") -> None:
        """Write `to_arrow` as a Parquet file, compressed with zstd: 14 to 21 bytes a run."""
        from .reports import frames

        frames.to_parquet(self.to_arrow(table, by=by), path)

    def _repr_html_(self) -> str:
        """What a notebook shows; the reports are imported when the first result is shown."""
        from .reports.html import notebook_html

        return notebook_html(self)

    def _cpu_rows(self) -> list[dict[str, int]]:
        rows, busy_ns = [], self._busy_of_cpus()
        for cpu in self.cpus:
            busy = int(busy_ns[cpu])
            rows.append({"cpu": int(cpu), "busy_ns": busy, "idle_ns": int(self.duration_ns) - busy})
        return rows

    def _busy_of_cpus(self) -> np.ndarray:
        """CPU time by the number of the CPU."""
        if self.sums is not None:
            return self.sums.busy_ns
        runs = self.runs
        busy_ns = np.zeros(max([*self.cpus, int(runs["cpu"].max(initial=0))]) + 1, np.int64)
        np.add.at(busy_ns, runs["cpu"], self.run_ns)
        return busy_ns

    def _group_rows(self) -> list[dict[str, Any]]:
        if self.group_by is None:
            return []
        from .reports import columns

        _, labels = self.keys("group")
        stats = self.stats("group")
        return [
            {"group": labels[key], "shares": self.shares.get(labels[key])} | row
            for key, row in zip(stats["key"].tolist(), columns.plain_rows(stats, columns.GROUP))
        ]

    def _task_facts(self, task: int) -> dict[str, Any]:
        return {
            "pid": int(self.pids[task]),
            "comm": self.names[task],
            "nice": int(self.nice[task]),
            "group": self.groups[task],
        }

    def __repr__(self) -> str:
        return (
            f"<Result of {cut(clean(self.model), 40)} on {cut(clean(self.source), 60) or 'a workload'}: "
            f"{self.duration_ns / 1e9:.3f} s, {self.nr_tasks} tasks, {self.context_switches} switches, "
            f"ended: {self.end}>"
        )


setattr(Result, "runs", _Log())  # beneath the dataclass: for type checkers `runs` is a table


def altered(result: Result, **changes: Any) -> Result:
    """A copy with some attributes changed. Its wakeups and sleeps are made when they are first asked for."""
    later = {
        "runs": result.__dict__["runs"],  # also where there are none
        "wakeups": lambda: result.wakeups,
        "sleeps": lambda: result.sleeps,
    }
    return replace(result, **{**later, **changes})


def nr_switches(runs: np.ndarray, cpus: list[int], from_ns: int = 0, until_ns: int | None = None) -> int:
    """Switches to a task, and those to idle, that happen on some CPUs in a part of the span.

    Parameters
    ----------
    runs : numpy.ndarray
        Of `RUN_DTYPE`. A run that was found going on began with no switch.
    cpus : list of int
    from_ns, until_ns : int, optional
    """
    if (runs["start_ns"][1:] < runs["start_ns"][:-1]).any():
        runs = runs[np.argsort(runs["start_ns"], kind="stable")]
    chosen = np.zeros(max(cpus, default=-1) + 1, np.uint8)
    chosen[list(cpus)] = 1
    columns = runs["cpu"], runs["ready"], runs["out"], runs["start_ns"], runs["end_ns"]
    return switches(chosen, *columns, from_ns, np.iinfo(np.int64).max if until_ns is None else until_ns)


def _add_sums(table: np.ndarray, rows: np.ndarray) -> None:
    """Waits and lengths, of which sums tell no quantiles."""
    waits = rows["waits"]
    together = np.concatenate([waits[:, :, :2].sum(1), waits[:, :, 2:].max(1)], 1)
    for column, numbers in zip(WAITS, (together, *waits.swapaxes(0, 1))):
        _fill_in(table[column], numbers)
    _fill_in(table["run_length"], rows["runs"])


def _fill_in(of: np.ndarray, numbers: np.ndarray) -> None:
    """Count, sum and maximum as `QUANTILES_DTYPE`: the quantiles of some values are not known."""
    of["count"], of["sum_ns"], of["max_ns"] = numbers.T
    for part in ("p50_ns", "p95_ns", "p99_ns"):
        of[part] = np.where(of["count"] > 0, UNKNOWN_NS, 0)


def _as_quantiles(numbers: np.ndarray) -> np.ndarray:
    """Rows of six numbers as rows of `QUANTILES_DTYPE`."""
    return np.ascontiguousarray(numbers).view(QUANTILES_DTYPE)[:, 0]
