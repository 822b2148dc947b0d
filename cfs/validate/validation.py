"""A prediction beside a measurement, figure by figure, each with its bar: is the model right?

What it decides: what counts as right. A figure is inside if the prediction is within the bar of what was
measured (`bars`). A figure that was measured and is not predicted at all is outside. Figures without a bar are
shown and judge nothing.

V1  Where single percentiles say little, ranks decide. A wait of two modes, or a rare one, has its p50 here or
    there by chance: between two recordings of the same thing it moves by as many ranks as chance allows. So a
    quantile is inside, too, if it lies between the measured quantiles of q - b and q + b, where
    b = 2 sqrt(2 q (1 - q) / n) for n values: two standard errors of the difference of the ranks of two such
    recordings. Where the values are dense this is narrower than the bar and changes nothing.
V2  A result beside itself is inside all bars, and each difference is 0.
V3  On several CPUs nothing is judged: no model here balances them.

Rejected: the number of values predicted in b (a model that predicts two waits for twenty would have the widest
band); the Kolmogorov distance as the judge. Waits are multiples of a tick, a few us off, and a distribution
that is shifted by 1 us is at distance 1. It is shown, for values that differ by more than a tenth.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import TruthError
from ..models.registry import Model, model_named
from ..recordings.population import Population
from ..recordings.recording import Recording
from ..reports.fairness import Entitlement
from ..result import Result, altered
from ..workload.workload import Workload
from .bars import Bar, Bars, read_bars
from .commands import Commands, commands_of
from .figures import GROUP, KINDS, QUANTILES, Key, Measured, Scope, extent, measured, quantile
from .prediction import HZ, model_of, predicted, release_of, told_by, tunables_of
from .truth import Counted, Interval, Truth

__all__ = ["Row", "Validation", "judged", "scope_of", "validate"]

SAME_NS = 1_000_000
"""A truth file is of a recording that begins and ends as it says, up to this."""
SAME_EVENT_NS = 2_000
"""An event is the same up to this: some recordings have times in us."""
ELSEWHERE = 0.05
"""Of the CPU time of the tasks of a CPU as much on others makes it a recording of several CPUs."""
MUCH = 0.01
"""Of the CPU time of a recording: who has less is not looked for when a steady part is."""
NEAR = 0.1
"""Values that differ by less than this part are the same in a distance of distributions."""


@dataclass(frozen=True)
class Row:
    """A figure on both sides.

    Parameters
    ----------
    key : Key
    measured : float
        Percent, ns, or a number.
    predicted : float or None
        None: the prediction has no such figure.
    count : float
        How many values it is a quantile of.
    bar : Bar or None
        None: it judges nothing.
    low, high : float
        The prediction is inside between these: the bar, and where it is wider the band of ranks (V1).
    distance : float or None
        Of the two distributions, 0 ... 1.
    """

    key: Key
    measured: float
    predicted: float | None
    count: float
    bar: Bar | None = None
    low: float = -math.inf
    high: float = math.inf
    distance: float | None = None

    @property
    def difference(self) -> float | None:
        """Predicted minus measured."""
        return None if self.predicted is None else self.predicted - self.measured

    @property
    def is_inside(self) -> bool | None:
        """Is the prediction within the bar? None: there is none."""
        if self.bar is None:
            return None
        return self.predicted is not None and self.low <= self.predicted <= self.high

    @property
    def is_by_rank(self) -> bool:
        """Is the band of ranks wider than the bar (V1)?"""
        own = 0.0 if self.bar is None else self.bar.below + self.bar.above
        return self.bar is not None and self.high - self.low > 1.000001 * own

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {
            "figure": str(self.key),
            "kind": self.key.kind,
            "name": self.key.name,
            "part": self.key.part,
            "unit": unit_of(self.key),
            "measured": self.measured,
            "predicted": self.predicted,
            "difference": self.difference,
            "count": int(self.count),
            "distance": self.distance,
            "bar": self.bar and {"why": self.bar.why, "low": self.low, "high": self.high, "by_rank": self.is_by_rank},
            "inside": self.is_inside,
        }


def unit_of(key: Key) -> str:
    """Of a figure, for machines."""
    return {"share": "%", "switches": "1"}.get(key.kind, "1" if key.part == "count" else "ns")


@dataclass(frozen=True, eq=False)
class Validation:
    """A recording beside a prediction.

    Parameters
    ----------
    rows : list of Row
        By kind, in the order of the names of the recording's workload.
    result, recorded : Result
        What was predicted, and what was recorded.
    scenario : str
        Whose bars these are.
    unjudged : str
        Why nothing is judged (V3); else "".
    notes : tuple of str
        What the model was told that no recording says.
    samples : mapping
        By kind and name the values that were measured and that were predicted.
    """

    rows: list[Row]
    result: Result
    recorded: Result
    scenario: str
    unjudged: str = ""
    notes: tuple[str, ...] = ()
    samples: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]] | None = None

    @property
    def judged(self) -> list[Row]:
        """The figures that have a bar."""
        return [row for row in self.rows if row.bar is not None]

    @property
    def outside(self) -> list[Row]:
        """Those whose prediction is not within it."""
        return [] if self.unjudged else [row for row in self.judged if not row.is_inside]

    @property
    def is_inside(self) -> bool:
        """Is no figure outside of its bar?"""
        return not self.outside

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain numbers, schema ``cfs-validate/1``."""
        return {
            "schema": "cfs-validate/1",
            "recording": self.recorded.source,
            "model": self.result.model,
            "hz": self.result.hz,
            "tunables": self.result.tunables,
            "group_by": self.result.group_by,
            "cpus": [int(cpu) for cpu in self.recorded.cpus],
            "scenario": self.scenario,
            "unjudged": self.unjudged or None,
            "notes": list(self.notes),
            "nr_judged": 0 if self.unjudged else len(self.judged),
            "nr_outside": len(self.outside),
            "inside": None if self.unjudged else self.is_inside,
            "figures": [row.to_dict() for row in self.rows],
        }


def validate(
    recording: Recording,
    truth: Truth | None = None,
    *,
    work: Workload | None = None,
    model: str | Model | None = None,
    group_by: str | None = None,
    hz: int | None = None,
    tunables: Mapping[str, Any] | None = None,
    bars: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Set what a model predicts of a recording beside what was measured.

    Parameters
    ----------
    recording : Recording
    truth : Truth, optional
        What was counted by somebody else; default: it is counted here.
    work : Workload, optional
        Made of the recording; default: of the CPUs of the truth file, or of the lowest.
    model : str or Model, optional
        Default: that of the kernel that was recorded.
    group_by : {None, "uid", "cgroup"}, optional
        Default: by control groups if the truth file tells some.
    hz : int, optional
        Ticks a second; default: those of the truth file, or 1000.
    tunables : mapping, optional
        Of the model.
    bars : str or os.PathLike, optional
        A file of bars in place of the package's own.
    progress : callable, optional
        As `Simulation.run` takes it.

    Returns
    -------
    Validation

    Raises
    ------
    TruthError
        The truth file is of another recording, a file of bars cannot be used, or there is nothing to compare.
    """
    chosen = read_bars(None if truth is None else truth.scenario, bars)
    if truth is not None:
        _require_same(recording, truth)
    work = recording.workload(_cpus(recording, truth)) if work is None else work
    chosen_model = model_of(release_of(recording, truth)) if model is None else model_named(model)
    notes: list[str] = []
    if truth is not None:
        known = tunables_of(truth, chosen_model)
        tunables = known | dict(tunables or {})
        notes += [f"{name}={value} of the truth file" for name, value in known.items() if tunables[name] == value]
    if truth is not None and group_by is None:
        work, group_by, note = told_by(truth, work, recording, chosen_model)
        notes += filter(None, [note])
    recorded = recording.result(list(work.origin.cpus), workload=work)
    result = predicted(
        work,
        chosen_model,
        recorded,
        group_by=group_by,
        hz=_hz(hz, truth),
        tunables=tunables,
        is_fixed=truth is None or truth.steady is not None,
        progress=progress,
    )
    why = _unjudged(recording, truth, work)
    return judged(recording, recorded, result, chosen, truth, unjudged=why, notes=tuple(notes), work=work)


def _hz(asked: int | None, truth: Truth | None) -> int:
    known = HZ if truth is None or truth.hz is None else truth.hz
    return known if asked is None else asked


def _cpus(recording: Recording, truth: Truth | None) -> list[int]:
    return recording.cpus[:1] if truth is None else recording.cpus_of(truth.cpus)


def _require_same(recording: Recording, truth: Truth) -> None:
    begins = abs(recording.start_ns - truth.start_ns) <= SAME_NS
    if not (begins and abs(recording.duration_ns - truth.duration_ns) <= SAME_NS):
        what = f"begins at {truth.start_ns} ns and lasts {truth.duration_ns} ns"
        own = f"begins at {recording.start_ns} ns and lasts {recording.duration_ns} ns"
        raise TruthError(f"the truth file {truth.name} is of a recording that {what}; {recording.name} {own}")


def _unjudged(recording: Recording, truth: Truth | None, work: Workload) -> str:
    """Why nothing is judged, a sentence; "" if it is (V3)."""
    cpus = list(work.origin.cpus)
    sentence = "no model here balances CPUs, so nothing is judged"
    if len(cpus) > 1:
        return f"CPUs {', '.join(map(str, cpus))} together: {sentence}"
    if truth is not None:
        several = len(truth.cpus) > 1
        return f"the workload could run on CPUs {', '.join(map(str, truth.cpus))}: {sentence}" if several else ""
    here, all_of_it = recording.busy_ns(cpus)[work.origin.rows], recording.busy_ns()[work.origin.rows]
    part = 1 - here.sum() / max(1, all_of_it.sum())
    return f"{part:.0%} of the CPU time of these tasks is on other CPUs: {sentence}" if part > ELSEWHERE else ""


# ------------------------------------------------------------------------------------------- who is counted


def ours_of(recording: Recording, truth: Truth, rows: np.ndarray) -> np.ndarray:
    """Of some tasks those that a truth file has a line for, and their descendants: ``(nr_rows,)`` bool."""
    known = {(task.pid, task.comm) for task in truth.tasks}
    ours = np.zeros(len(recording.task_table), bool)
    for task in recording.tasks:
        ours[task.row] = (task.pid, task.comm) in known or (task.parent >= 0 and ours[task.parent])
    return ours[rows]


def scope_of(
    recording: Recording, recorded: Result, result: Result, truth: Truth | None, rows: np.ndarray, by: str
) -> Scope:
    """Who is counted, and when.

    Parameters
    ----------
    recording : Recording
    recorded, result : Result
        Of the same tasks: as recorded, and under a model.
    truth : Truth or None
    rows : numpy.ndarray
        Row in the recording of each task of the result.
    by : {"task", "comm"}
        Are the tasks of a truth file counted one by one?
    """
    ours = np.ones(len(rows), bool) if truth is None else ours_of(recording, truth, rows)
    names = list(result.names)
    if truth is not None and by == "task":
        names = _one_by_one(names, result, truth)
    labels = list(dict.fromkeys(name for name, mine in zip(names, ours) if mine))
    index = {name: number for number, name in enumerate(labels)}
    name_of = np.array([index[name] if mine else -1 for name, mine in zip(names, ours)], np.int64)
    due = Entitlement.of_nice(result.nice, groups=result.groups, shares=result.shares)
    if truth is None:
        steady, started = _steady(recorded, names)
        return Scope(labels, name_of, due, steady=steady, started=started)
    return Scope(
        labels,
        name_of,
        due,
        window=truth.window,
        ends_with_work=_ends_with_work(recorded, name_of, truth),
        steady=truth.steady,
        started=frozenset(name for name in task_names(truth).values() if names.count(name) == 1),
        groups={group: np.flatnonzero(mine) for group, mine in _members(truth, result)},
        responses=frozenset(truth.responses),
    )


def _steady(recorded: Result, names: list[str]) -> tuple[Interval | None, frozenset[str]]:
    """The middle half of a recording and the names of the tasks that use much of it, if all are there throughout.

    Over a whole recording the shares of tasks with as much work as recorded say nothing.
    """
    runs, span = recorded.runs, int(recorded.duration_ns)
    first, last = np.full(recorded.nr_tasks, span), np.zeros(recorded.nr_tasks, np.int64)
    np.minimum.at(first, runs["task"], runs["start_ns"])
    np.maximum.at(last, runs["task"], runs["end_ns"])
    much = np.bincount(runs["task"], runs["end_ns"] - runs["start_ns"], recorded.nr_tasks) >= max(1, MUCH * span)
    middle = Interval(span // 4, span - span // 4)
    if not much.any() or first[much].max() > middle.begin_ns or last[much].min() < middle.end_ns:
        return None, frozenset()
    own = {names[row] for row in np.flatnonzero(much).tolist() if names.count(names[row]) == 1}
    return middle, frozenset(own)


def _ends_with_work(recorded: Result, name_of: np.ndarray, truth: Truth) -> bool:
    """Does the window of a truth file end with the last event of the workload, and at no time that was set?"""
    ours = recorded.runs[name_of[recorded.runs["task"]] >= 0]
    whole = extent(ours, recorded.duration_ns)
    return truth.steady is None and abs(whole.end_ns - truth.window.end_ns) < SAME_EVENT_NS


def task_names(truth: Truth) -> dict[int, str]:
    """The name of each task that was started, by pid: with its pid where two have one name."""
    started = [task for task in truth.tasks if task.is_started]
    names = [task.comm for task in started]
    return {
        task.pid: task.comm if names.count(task.comm) == 1 else f"{task.comm} {task.pid}" for task in started
    }


def _one_by_one(names: list[str], result: Result, truth: Truth) -> list[str]:
    of_pid = task_names(truth)
    comms = {task.pid: task.comm for task in truth.tasks}
    return [
        of_pid.get(pid, name) if comms.get(pid) == name else name for pid, name in zip(result.pids.tolist(), names)
    ]


def _members(truth: Truth, result: Result) -> Iterator[tuple[str, np.ndarray]]:
    """The control groups that have tasks of the workload, with who is in each."""
    for group in sorted({task.group for task in truth.tasks if task.is_started} - {"/"}):
        pids = [task.pid for task in truth.tasks if task.is_started and task.group == group]
        yield group, np.isin(result.pids, pids)


# --------------------------------------------------------------------------------------------- the judgement


def judged(
    recording: Recording,
    recorded: Result,
    result: Result,
    bars: Bars,
    truth: Truth | None = None,
    *,
    work: Workload,
    unjudged: str = "",
    notes: tuple[str, ...] = (),
) -> Validation:
    """Set a result beside what was recorded of the same tasks, or beside what a truth file says of it.

    Parameters
    ----------
    recording : Recording
    recorded, result : Result
        Of the same tasks, row by row.
    bars : Bars
    truth : Truth, optional
    work : Workload
        Of these tasks.
    unjudged : str, optional
        Why nothing is judged.
    notes : tuple of str, optional

    Raises
    ------
    TruthError
        There is nothing to compare.
    """
    rows = work.origin.rows
    scope = scope_of(recording, recorded, result, truth, rows, bars.by)
    recorded = altered(recorded, groups=result.groups)
    there, here = measured(recorded, scope), measured(result, scope)
    if truth is not None:
        commands = commands_of(truth, recorded, scope.name_of >= 0)
        commands.add_to(there, recorded)
        commands.add_to(here, result)
        there.values.update(counted_of(truth, scope, list(recorded.cpus), bars.by))
    tick_ns = 1e9 / ((truth and truth.hz) or result.hz or HZ)
    found = [row_of(key, there, here, scope, bars, tick_ns) for key in _keys(there, scope)]
    if not any(row.predicted for row in found if row.key.kind == "share"):
        raise TruthError(f"{recording.name}: there is nothing to compare: no task of the workload runs")
    samples = {key: (there.samples[key], here.samples.get(key, np.zeros(0))) for key in there.samples}
    return Validation(found, result, recorded, bars.scenario, unjudged, notes, samples)


def _keys(there: Measured, scope: Scope) -> list[Key]:
    """What was measured, by kind."""
    place = {name: number for number, name in enumerate([*scope.names, *(GROUP + name for name in scope.groups)])}
    parts = ["", "count", *QUANTILES]
    order = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(there.values, key=lambda key: (order[key.kind], place.get(key.name, -1), parts.index(key.part)))


def counted_of(truth: Truth, scope: Scope, cpus: list[int], by: str) -> dict[Key, float]:
    """The figures that a truth file has, under the names that are counted."""
    own = {task_names(truth)[task.pid]: task.counted for task in truth.tasks if task.is_started}
    counted = {name: one for name, one in truth.names.items() if name in scope.names}
    if by == "task":
        counted |= {name: one for name, one in own.items() if name in scope.names}
    found: dict[Key, float] = {}
    for name, one in counted.items():
        found |= _figures_of(name, own.get(name, one), one, truth)
    for name, quantiles in truth.responses.items():
        found |= {Key("response", name, part): value for part, value in quantiles.items()}
    if set(cpus) <= set(truth.switches):
        found[Key("switches", "cpu" + "+".join(map(str, cpus)))] = sum(truth.switches[cpu] for cpu in cpus)
    return found


def _figures_of(name: str, own: Counted, one: Counted, truth: Truth) -> dict[Key, float]:
    """Share and distributions of a name; `own` is the task's, if it is one that was started."""
    found: dict[Key, float] = {}
    if own.steady_ns is not None and truth.steady is not None and one.nr_tasks == 1:
        found[Key("share", name)] = 100 * own.steady_ns / truth.steady.length_ns
    elif one.window_ns is not None:
        found[Key("share", name)] = 100 * one.window_ns / truth.window.length_ns
    for kind, quantiles in one.distributions.items():
        if quantiles["count"]:
            found |= {Key(kind, name, part): value for part, value in quantiles.items()}
    return found


def row_of(key: Key, there: Measured, here: Measured, scope: Scope, bars: Bars, tick_ns: float) -> Row:
    value, other = there.values[key], here.values.get(key, 0.0 if key.part == "count" else None)
    count = there.values.get(key._replace(part="count"), 0) if key.part else 0
    sample, found = there.samples.get(key[:2]), here.samples.get(key[:2])
    distance = None if sample is None or found is None else _distance(sample, found)
    is_chosen = bars.by == "comm" or not scope.started or key.name in scope.started or _is_of_all(key)
    rule = bars.rule(key, is_chosen)
    if rule is None or (key.part and count < rule.count_min) or (key.kind == "share" and value < rule.share_min):
        return Row(key, value, other, count, distance=distance)
    bar = bars.bar(key, rule, value, count, there.window.length_ns, tick_ns)
    low, high = value - bar.below, value + bar.above
    if key.part in QUANTILES and sample is not None and len(sample):
        below, above = _band(sample, QUANTILES[key.part])
        low, high = min(low, below), max(high, above)
    return Row(key, value, other, count, bar, low, high, distance)


def _is_of_all(key: Key) -> bool:
    """Is it no figure of a task?"""
    return key.kind in ("switches", "turnaround", "makespan", "fairness") or key.name.startswith(GROUP)


def _band(ascending: np.ndarray, q: float) -> tuple[float, float]:
    """The measured quantiles between which chance moves one (V1)."""
    by = 2 * math.sqrt(2 * q * (1 - q) / len(ascending))
    return quantile(ascending, max(q - by, 0.0)), quantile(ascending, min(q + by, 1.0))


def _distance(one: np.ndarray, other: np.ndarray) -> float | None:
    """How much of two ascending samples is not the same up to `NEAR`: 0 ... 1; None if one is empty.

    The largest d such that a part d of one lies below a value of which, raised by a tenth, no such part of the
    other lies below.
    """
    if not len(one) or not len(other):
        return None
    return max(_above(one, other), _above(other, one))


def _above(one: np.ndarray, other: np.ndarray) -> float:
    """The largest F_one(x) - F_other(x (1 + NEAR)) at the values x of `one`."""
    own = np.searchsorted(one, one, "right") / len(one)
    raised = np.searchsorted(other, one * (1 + NEAR), "right") / len(other)
    return float(max(0.0, (own - raised).max()))
