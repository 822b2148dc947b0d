"""One workload under several schedulers, side by side: the same programs, the same yardsticks, a column each.

What it decides: what a comparison holds, and when two numbers in it may be compared.

C1  All columns are of the same workload and the same part of time. Shares and idle time are of that part,
    also for a column whose tasks had finished before.
C2  Every yardstick is the same for all columns and is read off the runs, so it fits a scheduler without
    virtual time and a recording: CPU time, switches, waits by nearest rank, programs that ended, and lag
    (`fairness`). What only some models have, their own virtual time, stands apart under its own name.
C3  A line is a class of task, a command name (or a task, or a group); lines are in the order of CPU time in
    the first column, and the same in every table and in the figure. A task's group is the same in all
    columns, also in those whose model does not know it.
C4  Each model is as fair by what is asked as it can: a model with control groups and no users makes a group
    of each user (`Workload.for_model`), one with neither runs flat. A column's `result.group_by` says which.

A part of the span is a result of its own: runs are cut at its edges, a wait counts if it ends in it, and
tasks that were there before are there.

Rejected: a score (what is better depends on who asks); a table of differences to the first column (people
subtract, and a difference of quantiles is a quantile of nothing).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CfsError, ModelError, WorkloadError
from ..limits import POLICIES
from ..models.registry import Model, model_named
from ..result import STATS_DTYPE, Out, Result
from ..scheduler._scheduler import Scheduler
from ..simulation.simulation import Simulation
from ..simulation.stepping import Policy
from ..units import clean, time_text
from ..workload.workload import Workload
from .columns import CLASS, WAITS, StatColumn, columns_compared, plain_rows
from .fairness import Entitlement, Lags, Spread, lags_at, virtual_spread
from .lines import ALL, OTHERS, Lines, check_lines
from .part import part_of
from .settings import settings_text
from .tables import GAP, Table, padded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Column", "Comparison", "compare"]

SCHEMA = "cfs-comparison/1"
NR_INSTANTS = 200
WINDOW_NS = 100_000_000
"""Longest window of the lag: what people call now; a tenth of the part if that is shorter."""

LEFT_WIDTH, CELL_WIDTH = 23, 17
COLUMNS_IN_BLOCK = 4
"""Columns beside each other: 23 + 4 * (2 + 17) = 99."""

Row = tuple[str, str, list[str]]
"""Name, number and cells of a line."""

Spec = str | Model | Policy | tuple[str | Model, Mapping[str, Any]]


@dataclass(eq=False)
class Column:
    """One scheduler of a comparison.

    Parameters
    ----------
    model : str
        Id of the model, or ``"recorded"``.
    settings : dict
        Tunables and feature bits that were asked for.
    whole : Result
        Everything from time 0 on.
    result : Result
        The part that is compared; its `duration_ns` is the length of the part.
    lags : Lags
        Lag of those who want the CPU all the time (`fairness`).
    spread : Spread or None
        How far apart tasks are in the model's own virtual time; None if it has none.
    number : int
        Which of several columns of the same model and settings it is, from 1 on.
    """

    model: str
    settings: dict[str, int | bool]
    whole: Result
    result: Result
    lags: Lags
    spread: Spread | None
    number: int = 1

    @property
    def label(self) -> str:
        """Names the column: the model, and its settings if it has some."""
        number = [f"({self.number})"] if self.number > 1 else []
        return " ".join([self.model, *number, *settings_text(self.settings)])

    @property
    def is_recorded(self) -> bool:
        """Was this measured, not simulated?"""
        return self.model == "recorded"

    @property
    def nr_ended(self) -> int:
        """Tasks that exited: programs that were done."""
        return int((self.result.runs["out"] == Out.EXITED).sum())

    @property
    def idle_ns(self) -> int:
        """Time of all CPUs in which no task ran, ns."""
        return int(self.result.duration_ns) * len(self.result.cpus) - self.result.busy_ns


@dataclass(eq=False)
class Comparison:
    """A workload under several schedulers; make one with `compare`.

    Parameters
    ----------
    columns : list of Column
        A column a scheduler, in the order asked for; what was recorded comes last.
    by : {"comm", "task", "group"}
        What a line is.
    top : int
        Lines shown; the rest is summed in one.
    span : tuple of int
        Begin and end of the part that is compared, ns since the start.
    due : Entitlement
        What each task may claim: the yardstick of lag.
    group_by : {None, "uid", "cgroup"}
        What all were asked to be fair by; what a column is, its results say.
    """

    columns: list[Column]
    by: str
    top: int
    span: tuple[int, int]
    due: Entitlement = field(repr=False)
    group_by: str | None = None

    @property
    def results(self) -> list[Result]:
        """The result of each column, of the part that is compared."""
        return [column.result for column in self.columns]

    def tables(self) -> list[Table]:
        """Throughput; then shares, switches and waits of each class of task; then lag and virtual time.

        Returns
        -------
        list of Table
            Lines of at most 100 columns; with more than four schedulers a table goes on in blocks below.
        """
        lines = self._lines()
        about = {"comm": ("command", "tasks"), "task": ("task", "pid"), "group": ("group", "tasks")}[self.by]
        return [
            self._table("Throughput", ("", ""), [(name, "", row) for name, row in self._throughput()]),
            *(
                self._table(column.comparison, about, _rows(lines, column))
                for column in columns_compared()
            ),
            self._table(
                self._fairness_title(), ("", ""), [(name, "", row) for name, row in self._fairness()]
            ),
        ]

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the comparison, a column a scheduler; see `cfs.reports.plot_comparison`."""
        from .comparison_figure import plot_comparison

        return plot_comparison(self, path)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain numbers, schema ``cfs-comparison/1`` (docs/reference/cli.md)."""
        first = self.columns[0]
        lines = self._lines()
        return {
            "schema": SCHEMA,
            "source": first.result.source,
            "by": self.by,
            "group_by": self.group_by,
            "hz": first.result.hz,
            "from_ns": self.span[0],
            "until_ns": self.span[1],
            "window_ns": first.lags.window_ns,
            "columns": [
                self._column_row(column, _class_rows(lines, place))
                for place, column in enumerate(self.columns)
            ],
        }

    # ------------------------------------------------------------------------------------------------ numbers

    def _lines(self) -> Lines:
        return Lines.of(self.results, self.by, self.top)

    def _throughput(self) -> list[tuple[str, list[str]]]:
        columns = self.columns
        return [
            ("programs ended", [str(column.nr_ended) for column in columns]),
            ("all ended after", [_end_text(column) for column in columns]),
            ("work done, CPU time", [time_text(column.result.busy_ns) for column in columns]),
            ("idle", [time_text(column.idle_ns) for column in columns]),
            ("context switches", [str(column.result.context_switches) for column in columns]),
        ]

    def _fairness_title(self) -> str:
        window = time_text(self.columns[0].lags.window_ns).strip()
        return f"Spread over time: lag in windows of {window}, and the model's own virtual time"

    def _fairness(self) -> list[tuple[str, list[str]]]:
        columns = self.columns
        rows = [
            (f"lag spread, {name}", [_time_or_none(quantile(c.lags.spread_ns, name)) for c in columns])
            for name in WAITS
        ]
        rows += [
            (
                "furthest behind",
                [_time_or_none(quantile(c.lags.greatest_ns.clip(0, None), "max")) for c in columns],
            ),
            (
                "furthest ahead",
                [_time_or_none(quantile((-c.lags.least_ns).clip(0, None), "max")) for c in columns],
            ),
        ]
        for field_name in dict.fromkeys(c.spread.field for c in columns if c.spread):
            spreads = [
                c.spread.spread if c.spread and c.spread.field == field_name else None for c in columns
            ]
            rows += [
                (f"{field_name}, {name}", [_time_or_none(quantile(s, name)) for s in spreads])
                for name in ("p50", "max")
            ]
        return rows

    def _column_row(self, column: Column, classes: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "label": column.label,
            "model": column.model,
            "settings": column.settings,
            "programs_ended": column.nr_ended,
            "busy_ns": column.result.busy_ns,
            "idle_ns": column.idle_ns,
            "context_switches": int(column.result.context_switches),
            "end": column.whole.end,
            "end_ns": int(column.whole.duration_ns),
            "classes": classes,
            "lag": {
                "at_ns": column.lags.at_ns.tolist(),
                "greatest_ns": column.lags.greatest_ns.tolist(),
                "least_ns": column.lags.least_ns.tolist(),
                "nr_tasks": column.lags.nr_tasks.tolist(),
            },
            "virtual": column.spread
            and {
                "field": column.spread.field,
                "at_ns": column.spread.at_ns.tolist(),
                "spread": column.spread.spread.tolist(),
            },
            "result": column.result.to_dict(),
        }

    # --------------------------------------------------------------------------------------------------- text

    def _table(self, title: str, about: tuple[str, str], rows: list[Row]) -> Table:
        lines: list[str] = []
        nr_blocks = -(-len(self.columns) // COLUMNS_IN_BLOCK)
        width = -(-len(self.columns) // nr_blocks)  # blocks of nearly one width
        for first in range(0, len(self.columns), width):
            block = slice(first, first + width)
            lines += [""] if lines else []
            lines += _heading_lines(self.columns[block], about)
            lines += [_line(name, number, cells[block]) for name, number, cells in rows]
        return Table(title, tuple(line.rstrip() for line in lines))

    def __repr__(self) -> str:
        source = self.columns[0].result.source or "a workload"
        return f"<Comparison of {', '.join(column.label for column in self.columns)} on {source}>"


def compare(
    workload: Workload,
    models: Iterable[Spec],
    *,
    recorded: Result | None = None,
    group_by: str | None = None,
    hz: int = 1000,
    by: str = "comm",
    top: int = 8,
    from_ns: int = 0,
    until_ns: int | None = None,
    cpus: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Run a workload under several schedulers.

    Parameters
    ----------
    workload : Workload
    models : iterable of str, Model, policy, or tuple
        What to run it under: as for `Simulation`, or ``(model, tunables)``, so that a model can be compared
        with itself under other tunables.
    recorded : Result, optional
        What was measured, ``recording.result(cpus, workload=workload)``: one more column.
    group_by : {None, "uid", "cgroup"}, optional
        Fairness among users or control groups, in each model as far as it knows them (C4); lag is measured
        by it in all.
    hz : int, optional
        Ticks a second.
    by : {"comm", "task", "group"}, optional
        What a line is.
    top : int, optional
        Lines shown; the rest is summed in one.
    from_ns, until_ns : int, optional
        The part that is compared, ns since the start; default all of the workload's span.
    cpus : sequence of int, optional
        CPUs that shares are of, if there are some on which no task is.
    progress : callable, optional
        Called now and then with (time simulated, time to be simulated), both ns, of all models together.

    Returns
    -------
    Comparison

    Raises
    ------
    ModelError, TunableError, WorkloadError
        A model is not known or not able to do it; the message names the model.

    Notes
    -----
    Cost: that of the simulations, and each result is made 200 times, for `Spread` looks at the scheduler in
    between.

    Examples
    --------
    >>> from cfs.workload import hogs
    >>> o1, eevdf = compare(hogs(3, duration_ns=10**9), ["linux-2.6.22-o1", "linux-6.18-eevdf"]).columns
    >>> int(o1.lags.spread_ns.max()), int(eevdf.lags.spread_ns.max())
    (100000000, 1000000)
    """
    check_lines(by, top, ("comm", "task", "group"))
    runners = _runners(models, workload, group_by)
    end_ns = _end_of_part(workload, from_ns, until_ns)
    window_ns = max(1, min(WINDOW_NS, (end_ns - from_ns) // 10))
    instants = np.unique(from_ns + (end_ns - from_ns) * np.arange(1, NR_INSTANTS + 1) // NR_INSTANTS)
    ran = _run(runners, hz, instants, progress)
    sides = [(runner.settings, *result) for runner, result in zip(runners, ran)]
    sides += [] if recorded is None else [({}, recorded, None)]
    span = (from_ns, max(from_ns + 1, min(end_ns, max(whole.duration_ns for _, whole, _ in sides))))
    grouped = next((result for result, _ in ran if result.group_by), None) if group_by else None
    due = _entitlement(workload, ran[0][0].nice, grouped)
    at_ns = instants[(instants >= from_ns + window_ns) & (instants <= span[1])]
    columns = []
    for settings, whole, spread in sides:
        whole = whole if cpus is None else replace(whole, cpus=list(cpus))
        whole = whole if grouped is None else replace(whole, groups=list(grouped.groups))
        lags = lags_at(whole, at_ns, window_ns, due)
        columns.append(Column(whole.model, settings, whole, part_of(whole, *span), lags, spread))
    _number_equals(columns)
    return Comparison(columns, by, top, span, due, group_by)


# ------------------------------------------------------------------------------------------------ the running


@dataclass(frozen=True, eq=False)
class _Runner:
    """A scheduler, and the workload that it shall run."""

    model: Model | Policy
    workload: Workload
    settings: dict[str, int | bool]
    group_by: str | None

    @property
    def name(self) -> str:
        return self.model.id if isinstance(self.model, Model) else getattr(self.model, "name", "policy")

    def run(
        self, hz: int, instants: np.ndarray, progress: Callable[[int, int], None] | None
    ) -> tuple[Result, Spread | None]:
        """The result, and the model's own spread at the instants."""
        try:
            simulation = Simulation(self.workload, self.model, group_by=self.group_by, hz=hz, **self.settings)
        except CfsError as error:
            raise type(error)(f"{self.name}: {error}") from error
        looks = isinstance(simulation.scheduler, Scheduler)
        found: list[tuple[int, str, int]] = []
        for at_ns in instants.tolist():
            end = simulation.advance(at_ns)
            spread = virtual_spread(simulation.scheduler, range(len(simulation.cpus))) if looks else None
            found += [] if spread is None else [(at_ns, *spread)]
            if progress is not None:
                progress(at_ns, int(instants[-1]))
            if end != "duration":
                break
        return simulation.result(), _as_spread(found)


def _as_spread(found: list[tuple[int, str, int]]) -> Spread | None:
    if not found:
        return None
    at_ns, names, spreads = zip(*found)
    return Spread(names[0], np.array(at_ns, np.int64), np.array(spreads, np.int64))


def _runners(models: Iterable[Spec], workload: Workload, group_by: str | None) -> list[_Runner]:
    runners = []
    for spec in models:
        model, settings = spec if isinstance(spec, tuple) else (spec, {})
        if isinstance(model, Policy) and not isinstance(model, Model):
            runners.append(_Runner(model, workload, dict(settings), None))
            continue
        model = model_named(model)
        work, way = workload.for_model(model, group_by)
        runners.append(_Runner(model, work, dict(settings), way if way in model.group_by else None))
    if not runners:
        raise ModelError("there is no model to compare")
    if group_by is not None and all(runner.group_by is None for runner in runners):
        raise ModelError(f"none of the models can be fair by {group_by}")
    return runners


def _end_of_part(workload: Workload, from_ns: int, until_ns: int | None) -> int:
    end_ns = workload.duration_ns if until_ns is None else until_ns
    if not 0 <= from_ns < end_ns:
        part = f"{from_ns / 1e9:g} s ... {end_ns / 1e9:g} s"
        raise WorkloadError(f"the part to be compared, {part}, is empty or begins before 0 s")
    return end_ns


def _run(
    runners: list[_Runner],
    hz: int,
    instants: np.ndarray,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[Result, Spread | None]]:
    def told(place: int) -> Callable[[int, int], None] | None:
        if progress is None:
            return None
        return lambda done, total: progress(place * total + done, len(runners) * total)

    return [runner.run(hz, instants, told(place)) for place, runner in enumerate(runners)]


def _entitlement(workload: Workload, nice: np.ndarray, grouped: Result | None) -> Entitlement:
    """Weights by nice value, and with groups the shares that a model which knows them gave them."""
    policies = [POLICIES[number] for number in workload.tasks["policy"].tolist()]
    if grouped is None:
        return Entitlement.of_nice(nice, policies)
    return Entitlement.of_nice(nice, policies, grouped.groups, grouped.shares)


# -------------------------------------------------------------------------------------------------- the lines


def _rows(lines: Lines, column: StatColumn) -> list[Row]:
    """A cell a scheduler, "-" where a class never ran or nothing is known."""
    return [
        (line.name, line.number, [column.cell(of.get(line.label), "- ") for of in lines.stats])
        for line in lines.lines
    ]


def _class_rows(lines: Lines, place: int) -> list[dict[str, Any]]:
    """The lines of a scheduler as plain numbers."""
    of = lines.stats[place]
    shown = [line for line in lines.lines if line.label in of]
    kinds = {OTHERS: "others", ALL: "all"}
    stats = np.array([of[line.label] for line in shown], STATS_DTYPE)
    return [
        {"kind": kinds.get(line.label, "class"), "name": line.name} | row
        for line, row in zip(shown, plain_rows(stats, CLASS))
    ]


# ------------------------------------------------------------------------------------------------------- text


def _number_equals(columns: list[Column]) -> None:
    seen: Counter[str] = Counter()
    for column in columns:
        seen[column.label] += 1
        column.number = seen[column.label]


def _heading_of(column: Column, width: int) -> list[str]:
    """The label of a column in lines of a width: the model, then its settings, broken at "=" if need be."""
    lines = [column.model + (f" ({column.number})" if column.number > 1 else "")]
    for setting in settings_text(column.settings):
        name, _, value = setting.partition("=")
        lines += [setting] if len(setting) <= width else [name, f"= {value}"]
    return [clean(line) for line in lines]


def _heading_lines(columns: list[Column], about: tuple[str, str]) -> list[str]:
    headings = [_heading_of(column, CELL_WIDTH) for column in columns]
    height = max(map(len, headings))
    lines = [
        _line("", "", [heading[i] if i < len(heading) else "" for heading in headings]) for i in range(height)
    ]
    return [*lines, _line(*about, ["-" * CELL_WIDTH] * len(columns))]


def _line(name: str, number: str, cells: list[str]) -> str:
    width = LEFT_WIDTH if not number else LEFT_WIDTH - 8
    left = padded(clean(name), width) + (f" {number:>7}" if number else "")
    return left + "".join(GAP + _right(cell) for cell in cells)


def _right(cell: str) -> str:
    return padded(cell, CELL_WIDTH) if len(cell) > CELL_WIDTH else f"{cell:>{CELL_WIDTH}}"


def _end_text(column: Column) -> str:
    return time_text(column.whole.duration_ns) if column.whole.end == "finished" else "- "


def quantile(values: np.ndarray | None, name: str) -> int | None:
    """By nearest rank, as everywhere; None of no values."""
    if values is None or not len(values):
        return None
    percent = {"p50": 50, "p99": 99, "max": 100}[name]
    return int(np.sort(values)[-(-len(values) * percent // 100) - 1])


def _time_or_none(ns: int | None) -> str:
    return "- " if ns is None else time_text(ns)
