"""One workload under several schedulers, side by side: same programs, same yardsticks, one column each.

What it decides: what a comparison holds, and when two numbers in it may be compared.

C1  All columns are of the same workload and the same part of time. Shares and idle time are of that part,
    also if all tasks of a column finished before.
C2  Every yardstick is the same for all columns and is read off the runs: CPU time, switches, waits by nearest
    rank, programs that ended, and lag (`fairness`). So it fits a recording and a scheduler without virtual
    time. Virtual time, which only some models have, is separate, under its own name.
C3  A line is a class of tasks: a command name, a task, or a group. Lines are in the order of CPU time in the
    first column, the same in every table and in the figure. A task you assign to a group is in that group in
    every column, also under a model without groups, unless a column says otherwise.
C4  Each model comes as close to the fairness asked for as it can. A model with control groups and no users
    makes a group of each user (`Workload.for_model`); one with neither runs flat. A column's
    `result.group_by` says which.
C5  Assignments of one column (`Variant`) take precedence over those of all columns. The column's lag is
    measured under its own assignments: a task that has nice 19 there is entitled to less.
C6  A difference is a number minus that of the first column, in the same unit. The difference of two quantiles
    is not a quantile; it says how far apart they are.

Rejected: a score (what is better depends on the question); differences in per cent (relative to no wait they
are infinite, and of shares they are easily misread).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CfsError, ModelError, WorkloadError
from ..models.registry import Model, model_named
from ..recordings.measured import fitted
from ..result import Result, altered
from ..scheduler._scheduler import Scheduler
from ..simulation.simulation import Simulation
from ..simulation.stepping import Policy
from ..workload.assigned import Assigned
from ..workload.workload import Workload
from .compared import Again, Column, class_rows, difference_row, number_equals
from .comparison_tables import comparison_tables
from .fairness import Entitlement, Spread, lags_at, virtual_spread
from .lines import Lines, check_lines
from .part import part_of
from .tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Column", "Comparison", "Variant", "compare"]

SCHEMA = "cfs-comparison/1"
NR_INSTANTS = 200
WINDOW_NS = 100_000_000
"""Longest window of the lag: the time that people call now; a tenth of the part if that is shorter."""



@dataclass(frozen=True)
class Variant:
    """What one column of a comparison runs under, where it differs from the others.

    Parameters
    ----------
    model : str or Model
    tunables : mapping, optional
        Tunables and feature bits.
    hz : int, optional
        Ticks a second; default: those of the comparison.
    assigned : Assigned, optional
        Assignments for this column, over those of the workload (C5).
    platform : mapping, optional
        Facts of the machine by their names in `cfs.platform.Platform`, over those of the workload.
    """

    model: str | Model
    tunables: Mapping[str, Any] = field(default_factory=dict)
    hz: int | None = None
    assigned: Assigned = field(default_factory=Assigned)
    platform: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that is set for this column, as a command line writes it."""
        hz = {} if self.hz is None else {"hz": self.hz}
        is_implied = self.assigned.group_by is None or self.assigned.has_owners
        by = {} if is_implied else {"group-by": self.assigned.group_by}
        return {**self.tunables, **self._facts, **hz, **by, **self.assigned.settings}

    @property
    def _facts(self) -> dict[str, Any]:
        """The facts of the machine; of the lateness of ticks the greatest."""
        late = self.platform.get("tick_jitter_ns")
        return {**self.platform} | ({} if late is None else {"tick_jitter_ns": max(late, default=0)})


Spec = str | Model | Policy | tuple[str | Model, Mapping[str, Any]] | Variant


@dataclass(frozen=True, eq=False)
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

    def tables(self, *, width: int = 100) -> list[Table]:
        """Throughput; then shares, switches and waits of each class of task; then lag and virtual time.

        Parameters
        ----------
        width : int, optional
            Greatest length of a line: schedulers that have no room beside the others go on in blocks below.

        Returns
        -------
        list of Table
            Beside each number of a column its difference from the first one, "=" if there is none (C6).
        """
        return comparison_tables(self.columns, self.by, self._lines, width)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the comparison, a column a scheduler; see `cfs.reports.plot_comparison`."""
        from .comparison_figure import plot_comparison

        return plot_comparison(self, path)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain numbers, schema ``cfs-comparison/1`` (docs/reference/cli.md)."""
        first = self.columns[0]
        lines = self._lines
        rows = [column.to_dict(class_rows(lines, place)) for place, column in enumerate(self.columns)]
        for row in rows:
            row["difference"] = None if row is rows[0] else difference_row(row, rows[0])
        return {
            "schema": SCHEMA,
            "source": first.result.source,
            "by": self.by,
            "group_by": self.group_by,
            "hz": first.result.hz,
            "from_ns": self.span[0],
            "until_ns": self.span[1],
            "window_ns": first.lags.window_ns,
            "columns": rows,
        }

    @cached_property
    def _lines(self) -> Lines:
        """Counted once for tables and JSON."""
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
    hz: int | None = None,
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
    models : iterable of str, Model, policy, tuple, or Variant
        Models to run it under: as for `Simulation`, or ``(model, tunables)``, to compare a model with itself
        under other tunables; or a `Variant`, which can differ in more.
    recorded : Result, optional
        What was measured, ``recording.result(workload=workload)``: one more column. If it is of the same
        tasks, row by row, what it does not know (first waits, ends) is left out of the other columns too.
    group_by : {None, "uid", "cgroup"}, optional
        Fairness among users or control groups, in each model as far as it knows them (C4); lag is measured
        by it in all. Default: as the workload's source says (`Workload.said`).
    hz : int, optional
        Ticks a second; default: as the workload's source says, else 1000.
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
    models = list(models)
    group_by = group_by or _grouping_said(models, workload)
    runners = _runners(models, workload, group_by, hz)
    until_ns = 1 if until_ns is None and recorded is not None and not workload.duration_ns else until_ns
    end_ns = _end_of_part(workload, from_ns, until_ns)
    window_ns = max(1, min(WINDOW_NS, (end_ns - from_ns) // 10))
    instants = np.unique(from_ns + (end_ns - from_ns) * np.arange(1, NR_INSTANTS + 1) // NR_INSTANTS)
    ran = _run(runners, instants, progress)
    if recorded is not None and workload.origin is None and np.array_equal(recorded.pids, workload.tasks["pid"]):
        ran = [(fitted(result, recorded), spread) for result, spread in ran]
    longest_ns = max(whole.duration_ns for whole in _wholes(ran, recorded))
    span = (from_ns, max(from_ns + 1, min(end_ns, longest_ns)))
    at_ns = instants[(instants >= from_ns + window_ns) & (instants <= span[1])]
    common = _common(workload, group_by)
    dues = _dues([*runners, common], [result for result, _ in ran])

    def column(runner: _Runner, whole: Result, spread: Spread | None, again: Again | None) -> Column:
        whole = whole if cpus is None else altered(whole, cpus=list(cpus))
        if runner.asked is not None:
            whole = altered(whole, groups=_groups_of(runner.given, runner.asked))
        lags = lags_at(whole, at_ns, window_ns, dues[runner.yardstick])
        settings = {} if again is None else runner.settings
        facts: Any = {"asked": runner.asked, "again": again}
        return Column(whole.model, settings, whole, part_of(whole, *span), lags, spread, **facts)

    columns = [column(runner, *result, runner.simulation) for runner, result in zip(runners, ran)]
    if recorded is not None:
        columns.append(column(common, recorded, None, None))
    number_equals(columns)
    return Comparison(columns, by, top, span, dues[common.yardstick], group_by)


# ------------------------------------------------------------------------------------------------ the running


@dataclass(frozen=True, eq=False)
class _Runner:
    """A scheduler, and the workload for it to run.

    `given` is the workload with the column's settings. `work` is the same in the form in which the model can
    be fair by what was asked for. `options` are those of a `Simulation`: tunables, and facts of
    the machine.
    """

    model: Model | Policy | None  # None: recorded
    given: Workload
    work: Workload
    options: dict[str, Any]
    settings: dict[str, Any]
    asked: str | None
    group_by: str | None
    own: int = -1

    @property
    def name(self) -> str:
        return self.model.id if isinstance(self.model, Model) else getattr(self.model, "name", "policy")

    @property
    def yardstick(self) -> tuple[int, str | None]:
        """What its lag is measured by: the same for all columns without settings of tasks."""
        return self.own, self.asked

    def simulation(self) -> Simulation:
        """A fresh simulation; a policy in Python can have one only."""
        model = self.model
        if model is None:
            raise ModelError("what was recorded is not simulated")
        try:
            return Simulation(self.work, model, group_by=self.group_by, **self.options)
        except CfsError as error:
            named = str(error).startswith(self.name)
            raise type(error)(str(error) if named else f"{self.name}: {error}") from error

    def run(
        self, instants: np.ndarray, progress: Callable[[int, int], None] | None
    ) -> tuple[Result, Spread | None]:
        """The result, and the model's own spread at the instants."""
        simulation = self.simulation()
        looks = isinstance(simulation.scheduler, Scheduler)
        found: list[tuple[int, str, int]] = []
        for at_ns in instants.tolist():
            end = simulation.advance(at_ns)
            spread = virtual_spread(simulation.scheduler, range(len(simulation.cpus))) if looks else None
            found += [] if spread is None else [(at_ns, *spread)]
            if progress is not None:
                progress(at_ns, int(instants[-1]))
            if end != "duration":
                simulation.advance(int(instants[-1]))  # nothing comes any more
                break
        return simulation.result(), _as_spread(found)


def _common(workload: Workload, group_by: str | None) -> _Runner:
    """A runner of all columns without settings of their own; lag of the recording is measured by it."""
    return _Runner(None, workload, workload, {}, {}, group_by, None)


def _wholes(ran: Sequence[tuple[Result, Spread | None]], recorded: Result | None) -> list[Result]:
    return [result for result, _ in ran] + ([] if recorded is None else [recorded])


def _as_spread(found: list[tuple[int, str, int]]) -> Spread | None:
    if not found:
        return None
    at_ns, names, spreads = zip(*found)
    return Spread(names[0], np.array(at_ns, np.int64), np.array(spreads, np.int64))


def _runners(
    models: Iterable[Spec], workload: Workload, group_by: str | None, hz: int | None
) -> list[_Runner]:
    runners = [_runner(place, spec, workload, group_by, hz) for place, spec in enumerate(models)]
    if not runners:
        raise ModelError("there is no model to compare")
    for asked in {runner.asked for runner in runners} - {None}:
        if all(runner.group_by is None for runner in runners if runner.asked == asked):
            raise ModelError(f"none of the models can be fair by {asked}")
    return runners


def _grouping_said(models: Iterable[Spec], workload: Workload) -> str | None:
    """The grouping that the workload's source says, if one of the models comes near it."""
    said = workload.said
    if said.group_by is None:
        return None
    specs = [spec for spec in models if isinstance(spec, Model) or not isinstance(spec, Policy)]
    named = [_variant(spec).model for spec in specs]
    return said.group_by if any(said.grouping(model_named(model)) for model in named) else None


def _variant(spec: Any) -> Variant:
    if isinstance(spec, Variant):
        return spec
    return Variant(*spec) if isinstance(spec, tuple) else Variant(spec)


def _runner(place: int, spec: Spec, workload: Workload, group_by: str | None, hz: int | None) -> _Runner:
    if isinstance(spec, Policy) and not isinstance(spec, Model):
        return _Runner(spec, workload, workload, {"hz": hz}, {}, group_by, None)
    spec = _variant(spec)
    model = model_named(spec.model)
    try:
        given = spec.assigned.work(workload)
    except WorkloadError as error:
        raise WorkloadError(f"{model.id}: {error}") from None
    asked = spec.assigned.group_by or group_by
    work, way = given.for_model(model, asked)
    way = way if way in model.group_by else None
    own = -1 if spec.assigned.is_empty else place
    tunables = workload.tunables_said(model, spec.tunables) | dict(spec.tunables)
    # A model may have hz as a tunable, too: what is said of a column counts over what is said of all.
    options = {"hz": hz} | tunables | dict(spec.platform) | ({} if spec.hz is None else {"hz": spec.hz})
    return _Runner(model, given, work, options, spec.settings, asked, way, own)


def _end_of_part(workload: Workload, from_ns: int, until_ns: int | None) -> int:
    end_ns = workload.duration_ns if until_ns is None else until_ns
    if not 0 <= from_ns < end_ns:
        part = f"{from_ns / 1e9:g} s ... {end_ns / 1e9:g} s"
        raise WorkloadError(f"the part to be compared, {part}, is empty or begins before 0 s")
    return end_ns


def _run(
    runners: list[_Runner],
    instants: np.ndarray,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[Result, Spread | None]]:
    def shown(place: int) -> Callable[[int, int], None] | None:
        if progress is None:
            return None
        return lambda done, total: progress(place * total + done, len(runners) * total)

    return [runner.run(instants, shown(place)) for place, runner in enumerate(runners)]


def _dues(
    runners: Sequence[_Runner], results: Sequence[Result]
) -> dict[tuple[int, str | None], Entitlement]:
    """By yardstick what each task may claim: nice values, and the shares that a model which has them gave.

    A flat model among others is measured by the groups that were asked for; of several columns of one
    yardstick the first that has groups says their shares.
    """
    dues: dict[tuple[int, str | None], Entitlement] = {}
    for runner in runners:
        if runner.yardstick in dues:
            continue
        same = [result for other, result in zip(runners, results) if other.yardstick == runner.yardstick]
        shares = next((result.shares for result in same if result.group_by), None)
        nice = same[0].nice if same else runner.given.tasks["nice"]
        dues[runner.yardstick] = _entitlement(runner, nice, shares)
    return dues


def _entitlement(runner: _Runner, nice: np.ndarray, shares: dict[str, int] | None) -> Entitlement:
    if runner.asked is None:
        return Entitlement.of(runner.given, nice)
    shares = runner.given.shares if shares is None else shares
    return Entitlement.of(runner.given, nice, _groups_of(runner.given, runner.asked), shares)


def _groups_of(work: Workload, asked: str) -> list[str]:
    """The user or the control group of each task, as results name them."""
    if asked == "uid":
        return [f"uid:{uid}" for uid in work.tasks["uid"].tolist()]
    return [work.groups[number] for number in work.tasks["group"].tolist()]
