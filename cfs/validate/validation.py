"""A prediction beside a measurement, figure by figure, each with its bar: is the model right?

What it decides: what counts as right. A figure is inside if the prediction is within the bar of what was
measured (`bars`). A figure that was measured and is not predicted at all is outside. Figures without a bar
are shown and judge nothing. Where nothing is judged at all, no figure has a bar.

V1  Where single percentiles say little, ranks decide. A wait of two modes, or a rare one, has its p50 here or
    there by chance: between two recordings of the same thing it moves by as many ranks as chance allows. So a
    quantile is inside, too, if it lies between the measured quantiles of q - b and q + b, where
    b = 2 sqrt(2 q (1 - q) / n) for n values: two standard errors of the difference of the ranks of two such
    recordings. Where the values are dense this is narrower than the bar and changes nothing.
V2  A result beside itself is inside all bars, and each difference is 0.
V3  On several CPUs nothing is judged: no model here balances them.

Rejected: the number of values predicted in b (a model that predicts two waits for twenty would have the
widest band); the Kolmogorov distance as the judge. Waits are multiples of a tick, a few us off, and a
distribution that is shifted by 1 us is at distance 1. It is shown, for values that differ by more than a
tenth.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import TruthError
from ..limits import DEFAULT_HZ
from ..models.registry import Model, model_named
from ..recordings.population import Population
from ..recordings.recording import Recording
from ..result import Result, altered
from ..workload.workload import Workload
from .bars import Bar, Bars, Rule, read_bars
from .figures import GROUP, KINDS, QUANTILES, Key, Measured, Scope, measured, quantile
from .lives import commands_of
from .prediction import model_of, news_of, predicted, release_of, told_by, tunables_of
from .scope import counted_of, population_in, scope_of
from .truth import Truth

__all__ = ["Row", "Validation", "judged", "validate"]

SAME_NS = 1_000_000
"""A truth file is of a recording that begins and ends as it says, up to this."""
ELSEWHERE = 0.05
"""Of the CPU time of the tasks of a CPU as much on others makes it a recording of several CPUs."""
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
    has_rule : bool
        Do the bars have a rule for it? It then has a bar, unless nothing is judged.
    """

    key: Key
    measured: float
    predicted: float | None
    count: float
    bar: Bar | None = None
    low: float = -math.inf
    high: float = math.inf
    distance: float | None = None
    has_rule: bool = False

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

    @property
    def is_only_by_rank(self) -> bool:
        """Is it inside because of its rank, and not within the bar itself (V1)?"""
        if self.bar is None or not self.is_inside:
            return False
        return not -self.bar.below <= (self.difference or 0.0) <= self.bar.above

    def unjudged(self) -> Row:
        """The same without a bar (V3)."""
        return replace(self, bar=None, low=-math.inf, high=math.inf)

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
            "bar": self._bar(),
            "inside": self.is_inside,
        }

    def _bar(self) -> dict[str, Any] | None:
        if self.bar is None:
            return None
        ranks = {"by_rank": self.is_by_rank, "only_by_rank": self.is_only_by_rank}
        return {"why": self.bar.why, "low": self.low, "high": self.high, **ranks}


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
    def shown(self) -> list[Row]:
        """The figures that the rules of the bars are about, judged or not."""
        return [row for row in self.rows if row.has_rule]

    @property
    def judged(self) -> list[Row]:
        """The figures that have a bar; none where nothing is judged."""
        return [row for row in self.rows if row.bar is not None]

    @property
    def outside(self) -> list[Row]:
        """Those whose prediction is not within it."""
        return [row for row in self.judged if not row.is_inside]

    @property
    def only_by_rank(self) -> list[Row]:
        """Those that are inside by their rank alone (V1)."""
        return [row for row in self.judged if row.is_only_by_rank]

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
            "nr_judged": len(self.judged),
            "nr_outside": len(self.outside),
            "nr_only_by_rank": len(self.only_by_rank),
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
        Ticks a second; default: those of the truth file, or as the recording shows, or 1000.
    tunables : mapping, optional
        Of the model; they count over those of the truth file, and these over those that the recording states.
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
    work = recording.workload(_cpus(recording, truth), costs=True) if work is None else work
    chosen_model = model_of(release_of(recording, truth)) if model is None else model_named(model)
    settings, notes = _settings(work, truth, chosen_model, tunables or {})
    if truth is not None and group_by is None:
        work, group_by, note = told_by(truth, work, recording, chosen_model)
        notes += filter(None, [note])
    population = population_in(recording, work)
    recorded = recording.result(list(population.cpus), workload=work)
    result = predicted(
        work,
        chosen_model,
        recorded,
        group_by=group_by,
        hz=_hz(hz, truth),
        tunables=settings,
        is_fixed=truth is None or truth.steady is not None,
        progress=progress,
    )
    why = _unjudged(recording, truth, population)
    return judged(recording, recorded, result, chosen, truth, unjudged=why, notes=tuple(notes), work=work)


def _settings(
    work: Workload, truth: Truth | None, model: Model, given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """What a model is told: by the recording, over it by the truth file, over both by the user; and notes."""
    known = {} if truth is None else tunables_of(truth, model)
    told = known | dict(given)
    of_truth = {name: value for name, value in news_of(known, model).items() if told[name] == value}
    notes = [f"{name}={value} of the truth file" for name, value in of_truth.items()]
    return work.tunables_said(model, told) | told, notes


def _hz(asked: int | None, truth: Truth | None) -> int | None:
    known = None if truth is None else truth.hz
    return known if asked is None else asked


def _cpus(recording: Recording, truth: Truth | None) -> list[int]:
    return recording.cpus[:1] if truth is None else recording.cpus_of(truth.cpus)


def _require_same(recording: Recording, truth: Truth) -> None:
    begins = abs(recording.start_ns - truth.start_ns) <= SAME_NS
    if not (begins and abs(recording.duration_ns - truth.duration_ns) <= SAME_NS):
        what = f"begins at {truth.start_ns} ns and lasts {truth.duration_ns} ns"
        own = f"begins at {recording.start_ns} ns and lasts {recording.duration_ns} ns"
        raise TruthError(f"the truth file {truth.name} is of a recording that {what}; {recording.name} {own}")


def _unjudged(recording: Recording, truth: Truth | None, chosen: Population) -> str:
    """Why nothing is judged, a sentence; "" if it is (V3)."""
    cpus = list(chosen.cpus)
    sentence = "no model here balances CPUs, so nothing is judged"
    if len(cpus) > 1:
        return f"CPUs {', '.join(map(str, cpus))} together: {sentence}"
    if truth is not None:
        where = ", ".join(map(str, truth.cpus))
        return f"the workload could run on CPUs {where}: {sentence}" if len(truth.cpus) > 1 else ""
    here, all_of_it = recording.busy_ns(cpus)[chosen.rows], recording.busy_ns()[chosen.rows]
    part = 1 - here.sum() / max(1, all_of_it.sum())
    if part <= ELSEWHERE:
        return ""
    return f"{part:.0%} of the CPU time of these tasks is on other CPUs: {sentence}"


# ---------------------------------------------------------------------------------------------- the judgement


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
    scope = scope_of(recording, work, recorded, result, truth, bars.by)
    recorded = altered(recorded, groups=result.groups)
    there, here = measured(recorded, scope), measured(result, scope)
    if truth is not None:
        commands = commands_of(truth, recorded, scope.name_of >= 0)
        commands.add_to(there, recorded)
        commands.add_to(here, result)
        there.values.update(counted_of(truth, scope, list(recorded.cpus), bars.by))
    tick_ns = 1e9 / ((truth and truth.hz) or result.hz or DEFAULT_HZ)
    found = [row_of(key, there, here, scope, bars, tick_ns) for key in _keys(there, scope)]
    found = [row.unjudged() for row in found] if unjudged else found
    if not any(row.predicted for row in found if row.key.kind == "share"):
        raise TruthError(f"{recording.name}: there is nothing to compare: no task of the workload runs")
    samples = {key: (there.samples[key], here.samples.get(key, np.zeros(0))) for key in there.samples}
    return Validation(found, result, recorded, bars.scenario, unjudged, notes, samples)


def _keys(there: Measured, scope: Scope) -> list[Key]:
    """What was measured, by kind."""
    names = [*scope.names, *(GROUP + name for name in scope.groups)]
    place = {name: number for number, name in enumerate(names)}
    parts = ["", "count", *QUANTILES]
    order = {kind: number for number, kind in enumerate(KINDS)}

    def rank(key: Key) -> tuple[int, int, int]:
        return order[key.kind], place.get(key.name, -1), parts.index(key.part)

    return sorted(there.values, key=rank)


def row_of(key: Key, there: Measured, here: Measured, scope: Scope, bars: Bars, tick_ns: float) -> Row:
    value, other = there.values[key], here.values.get(key, 0.0 if key.part == "count" else None)
    count = there.values.get(key._replace(part="count"), 0) if key.part else 0
    sample, found = there.samples.get(key[:2]), here.samples.get(key[:2])
    distance = None if sample is None or found is None else _distance(sample, found)
    is_chosen = bars.by == "comm" or not scope.started or key.name in scope.started or _is_of_all(key)
    rule = bars.rule(key, is_chosen)
    if rule is None or _is_too_little(key, rule, value, count):
        return Row(key, value, other, count, distance=distance)
    bar = bars.bar(key, rule, value, count, there.window.length_ns, tick_ns)
    low, high = value - bar.below, value + bar.above
    if key.part in QUANTILES and sample is not None and len(sample):
        below, above = _band(sample, QUANTILES[key.part])
        low, high = min(low, below), max(high, above)
    return Row(key, value, other, count, bar, low, high, distance, has_rule=True)


def _is_too_little(key: Key, rule: Rule, value: float, count: float) -> bool:
    """Has the rule no bar for so few values, or for so small a share?"""
    return value < rule.share_min if key.kind == "share" else bool(key.part) and count < rule.count_min


def _is_of_all(key: Key) -> bool:
    """Is it no figure of a task?"""
    return key.kind in ("switches", "turnaround", "makespan", "fairness") or key.name.startswith(GROUP)


def _band(ascending: np.ndarray, q: float) -> tuple[float, float]:
    """The measured quantiles between which chance moves one (V1)."""
    by = 2 * math.sqrt(2 * q * (1 - q) / len(ascending))
    return quantile(ascending, max(q - by, 0.0)), quantile(ascending, min(q + by, 1.0))


def _distance(one: np.ndarray, other: np.ndarray) -> float | None:
    """How much of two ascending samples is not the same up to `NEAR`: 0 ... 1; None if one is empty.

    The largest difference of how much of each lies up to a value of one, raised by that part for the other.
    """
    if not len(one) or not len(other):
        return None
    return max(_above(one, other), _above(other, one))


def _above(one: np.ndarray, other: np.ndarray) -> float:
    """The largest F_one(x) - F_other(x (1 + NEAR)) at the values x of `one`."""
    own = np.searchsorted(one, one, "right") / len(one)
    raised = np.searchsorted(other, one * (1 + NEAR), "right") / len(other)
    return float(max(0.0, (own - raised).max()))
