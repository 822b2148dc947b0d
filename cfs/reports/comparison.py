"""One workload under several schedulers, side by side: same programs, same yardsticks, one column each.

What it decides: what a comparison holds, and when two numbers in it may be compared.

C1  All columns are of the same workload and the same part of time. Shares and idle time are of that part,
    also if all tasks of a column finished before.
C2  Every yardstick is the same for all columns and is read off the runs: CPU time, switches, waits by nearest
    rank, programs that ended, and lag (`fairness`). So it fits a recording and a scheduler without virtual
    time. Virtual time, which only some models have, is separate, under its own name.
C3  A line is a class of tasks: a command name, a task, or a group. Lines are in the order of CPU time in the
    first column, the same in every table and in the figure. A task you assign to a group is in that group in
    every column, also under a model without groups.
C4  Each model comes as close to the fairness asked for as it can. A model with control groups and no users
    makes a group of each user (`Workload.for_model`); one with neither runs flat. A column's
    `result.group_by` says which.

Rejected: a score (what is better depends on the question); a table of differences to the first column (people
can subtract, and a difference of quantiles is a quantile of nothing).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CfsError, ModelError, WorkloadError
from ..limits import POLICIES
from ..models.registry import Model, model_named
from ..recordings.measured import fitted
from ..result import Result, altered
from ..scheduler._scheduler import Scheduler
from ..simulation.simulation import Simulation
from ..simulation.stepping import Policy
from ..workload.workload import Workload
from .compared import Column, class_rows, number_equals
from .comparison_tables import comparison_tables
from .fairness import Entitlement, Lags, Spread, lags_at, virtual_spread
from .lines import Lines, check_lines
from .part import part_of
from .tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Column", "Comparison", "compare"]

SCHEMA = "cfs-comparison/1"
NR_INSTANTS = 200
WINDOW_NS = 100_000_000
"""Longest window of the lag: the time that people call now; a tenth of the part if that is shorter."""

Spec = str | Model | Policy | tuple[str | Model, Mapping[str, Any]]


@dataclass(eq=False)
class Comparison:
    """A workload under several schedulers; make one with `compare`.

    Parameters
    ----------
    columns : list of Column
        One column for each scheduler, in the order asked for; the recording comes last.
    by : {"comm", "task", "group"}
        What a line is.
    top : int
        Lines shown; the rest is summed in one.
    span : tuple of int
        Begin and end of the part that is compared, ns since the start.
    due : Entitlement
        The claim of each task: the yardstick of lag.
    group_by : {None, "uid", "cgroup"}
        The grouping asked of all columns; each column's result says which one it used.
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
        return comparison_tables(self.columns, self.by, self._lines())

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
                column.to_dict(class_rows(lines, place)) for place, column in enumerate(self.columns)
            ],
        }

    def _lines(self) -> Lines:
        return Lines.of(self.results, self.by, self.top)

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
        Models to run it under: as for `Simulation`, or ``(model, tunables)``, to compare a model with itself
        under other tunables.
    recorded : Result, optional
        What was measured, ``recording.result(workload=workload)``: one more column. If it is of the same tasks,
        row by row, what it does not know (first waits, ends) does not count in the other columns either.
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
        CPUs that shares refer to; give it if no task is on some of them.
    progress : callable, optional
        Called now and then with (time simulated, time to be simulated), both ns, of all models together.

    Returns
    -------
    Comparison

    Raises
    ------
    ModelError, TunableError, WorkloadError
        A model is unknown or cannot do it; the message names the model.

    Notes
    -----
    Cost: that of the simulations. Each result is made 200 times, because `Spread` looks at the scheduler in
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
    until_ns = 1 if until_ns is None and recorded is not None and not workload.duration_ns else until_ns
    end_ns = _end_of_part(workload, from_ns, until_ns)
    window_ns = max(1, min(WINDOW_NS, (end_ns - from_ns) // 10))
    instants = np.unique(from_ns + (end_ns - from_ns) * np.arange(1, NR_INSTANTS + 1) // NR_INSTANTS)
    ran = _run(runners, hz, instants, progress)
    if recorded is not None and np.array_equal(recorded.pids, workload.tasks["pid"]):
        ran = [(fitted(result, recorded), spread) for result, spread in ran]
    sides = [(runner.settings, *result) for runner, result in zip(runners, ran)]
    sides += [] if recorded is None else [({}, recorded, None)]
    span = (from_ns, max(from_ns + 1, min(end_ns, max(whole.duration_ns for _, whole, _ in sides))))
    grouped = next((result for result, _ in ran if result.group_by), None) if group_by else None
    due = _entitlement(workload, ran[0][0].nice, grouped)
    at_ns = instants[(instants >= from_ns + window_ns) & (instants <= span[1])]
    columns = []
    for settings, whole, spread in sides:
        whole = whole if cpus is None else altered(whole, cpus=list(cpus))
        whole = whole if grouped is None else altered(whole, groups=list(grouped.groups))
        lags = lags_at(whole, at_ns, window_ns, due)
        columns.append(Column(whole.model, settings, whole, part_of(whole, *span), lags, spread))
    number_equals(columns)
    return Comparison(columns, by, top, span, due, group_by)


# ------------------------------------------------------------------------------------------------ the running


@dataclass(frozen=True, eq=False)
class _Runner:
    """A scheduler, and the workload for it to run."""

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
    """Weights by nice value; with groups, also the shares, taken from a model that knows them."""
    policies = [POLICIES[number] for number in workload.tasks["policy"].tolist()]
    if grouped is None:
        return Entitlement.of_nice(nice, policies)
    return Entitlement.of_nice(nice, policies, grouped.groups, grouped.shares)
