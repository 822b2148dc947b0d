"""What is compared, and how it is counted: the same function counts a prediction and a recording.

The definitions are those of truth files, so what is counted in a recording is what its truth file says, to
the nanosecond:

    share            CPU time in the window, percent of one CPU; of tasks that were started together: in the
                     steady part
    switches         of the measured CPU in the window, those to idle and those of other programs included
    wakeup_latency, fork_latency, preempted_wait
                     from becoming ready to running, in the whole recording
    run_length       uninterrupted stays on a CPU, in the whole recording
    response         from a wakeup to the next block: a job of a periodic task
    fairness         in each 100 ms of the window, how far apart the tasks are that were ready all through: the
                     largest lag minus the smallest (`reports.fairness`)

Quantiles are nearest-rank. A window that was not set goes from the first event of the workload to its last;
that of a prediction then ends where its own workload ends.

F1  A task that was there before the recording has no first wait: nobody saw it fall asleep.
F2  Who is counted, and under which name, is one answer for both sides (`Scope`).

Two definitions differ from those of truth files, because a trace of runs has no more: a response begins with
the wakeup, not with the release a few us before; and the last stay of a task counts to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..reports.fairness import Entitlement, by_task, lags_at
from ..result import Out, Ready, Result, nr_switches
from .truth import DISTRIBUTIONS, QUANTILES, Interval

__all__ = ["KINDS", "QUANTILES", "TIMES", "Key", "Measured", "Scope", "extent", "measured", "quantile", "switches_of"]

WAITS = {
    "wakeup_latency": Ready.WAKEUP,
    "fork_latency": Ready.FORK,
    "preempted_wait": Ready.PREEMPTED,
}
TIMES = (*DISTRIBUTIONS, "response", "turnaround", "makespan", "fairness")
"""Kinds of figures that are lengths of time, ns."""
KINDS = ("share", "switches", *TIMES)
FAIR_NS = 100_000_000
GROUP = "group "
"""In front of the name of a control group."""


class Key(NamedTuple):
    """Names a figure: ``preempted_wait/cc1/p50``."""

    kind: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, self))


def switches_of(cpus: Iterable[int]) -> Key:
    """Names the switches of some CPUs together."""
    return Key("switches", "cpu" + "+".join(map(str, cpus)))


@dataclass(frozen=True, eq=False)
class Scope:
    """Who and when is counted (F2).

    Parameters
    ----------
    names : list of str
        What is counted under a name of its own.
    name_of : numpy.ndarray
        ``(nr_tasks,)`` int: index of the name of each task, -1: it is not counted.
    started : frozenset of str
        Names of tasks that were started together: their shares are those of the steady part.
    groups : mapping
        Rows of the tasks of each control group that is counted.
    window, steady : Interval or None
        No window: from the first event of the tasks counted to the last.
    ends_with_work : bool
        Does the window end with the last event of the tasks counted, whenever that is?
    responses : frozenset of str
        Names of periodic tasks.
    due : Entitlement
        The claims of all tasks.
    """

    names: list[str]
    name_of: np.ndarray
    due: Entitlement
    window: Interval | None = None
    steady: Interval | None = None
    ends_with_work: bool = True
    started: frozenset[str] = frozenset()
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    responses: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Measured:
    """The figures of one side.

    Parameters
    ----------
    values : dict
        Percent, ns, or a number, by `Key`.
    samples : dict
        By kind and name the single values, ascending.
    window : Interval
    """

    values: dict[Key, float]
    samples: dict[tuple[str, str], np.ndarray]
    window: Interval

    def add(self, kind: str, name: str, sample: np.ndarray) -> None:
        """The quantiles of these lengths, and how many there are."""
        self.samples[kind, name] = sample = np.sort(sample)
        self.values[Key(kind, name, "count")] = len(sample)
        if len(sample):
            self.values.update({Key(kind, name, part): quantile(sample, q) for part, q in QUANTILES.items()})


def quantile(ascending: np.ndarray, q: float) -> float:
    """The ceil(q n)-th smallest."""
    place = int(np.ceil(q * len(ascending) - 1e-9)) - 1
    return float(ascending[min(max(place, 0), len(ascending) - 1)])


def measured(result: Result, scope: Scope) -> Measured:
    """The figures of a result.

    Parameters
    ----------
    result : Result
        A prediction, or what was recorded: of the same tasks.
    scope : Scope

    Returns
    -------
    Measured
    """
    runs = by_task(result.runs)
    window = _window(runs, result, scope)
    found = Measured({}, {}, window)
    _add_shares(found, runs, scope)
    count = nr_switches(result.runs, result.cpus, window.begin_ns, window.end_ns + 1)
    found.values[switches_of(result.cpus)] = count
    for kind, ready in WAITS.items():
        _add_sample(found, kind, scope, *_waits(runs, ready))
    _add_sample(found, "run_length", scope, *_lengths(result))
    _add_sample(found, "response", scope, *_responses(runs), only=scope.responses)
    _add_fairness(found, result, scope)
    return found


def _window(runs: np.ndarray, result: Result, scope: Scope) -> Interval:
    if scope.window is not None and not scope.ends_with_work:
        return scope.window
    whole = extent(runs[scope.name_of[runs["task"]] >= 0], result.duration_ns)
    begin = whole.begin_ns if scope.window is None else scope.window.begin_ns
    return Interval(begin, max(whole.end_ns, begin + 1))


def extent(runs: np.ndarray, duration_ns: int) -> Interval:
    """From the first event of these runs to the last."""
    if not len(runs):
        return Interval(0, max(1, int(duration_ns)))
    begin = np.where(runs["ready_ns"] >= 0, runs["ready_ns"], runs["start_ns"]).min()
    return Interval(int(begin), max(int(runs["end_ns"].max()), int(begin) + 1))


def _inside(runs: np.ndarray, span: Interval) -> np.ndarray:
    return runs["end_ns"].clip(span.begin_ns, span.end_ns) - runs["start_ns"].clip(span.begin_ns, span.end_ns)


def _add_shares(found: Measured, runs: np.ndarray, scope: Scope) -> None:
    spans = {False: found.window, True: scope.steady or found.window}
    busy = {steady: np.zeros(len(scope.name_of), np.int64) for steady in spans}
    for steady, span in spans.items():
        np.add.at(busy[steady], runs["task"], _inside(runs, span))
    for index, name in enumerate(scope.names):
        steady = name in scope.started
        percent = 100 * busy[steady][scope.name_of == index].sum() / spans[steady].length_ns
        found.values[Key("share", name)] = float(percent)
    for group, rows in scope.groups.items():
        percent = 100 * busy[True][rows].sum() / spans[True].length_ns
        found.values[Key("share", GROUP + group)] = float(percent)


def _waits(runs: np.ndarray, ready: Ready) -> tuple[np.ndarray, np.ndarray]:
    """Task and length of each wait of a kind (F1); `runs` are in order of task."""
    first = np.append(True, runs["task"][1:] != runs["task"][:-1]) if len(runs) else np.zeros(0, bool)
    known = (runs["ready"] == ready) & (runs["ready_ns"] >= 0) & ~(first & (ready == Ready.WAKEUP))
    return runs["task"][known], (runs["start_ns"] - runs["ready_ns"])[known]


def _lengths(result: Result) -> tuple[np.ndarray, np.ndarray]:
    known = ~result.of_unknown_length
    return result.runs["task"][known], result.run_ns[known]


def _responses(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Task and time from each wakeup to the next block; `runs` are in order of task."""
    woken = np.flatnonzero((runs["ready"] == Ready.WAKEUP) & (runs["ready_ns"] >= 0))
    over = np.flatnonzero(runs["out"] != Out.PREEMPTED)
    place = np.searchsorted(over, woken)
    woken, last = woken[place < len(over)], over[place[place < len(over)]]
    blocked = (runs["out"][last] == Out.BLOCKED) & (runs["task"][last] == runs["task"][woken])
    woken, last = woken[blocked], last[blocked]
    return runs["task"][woken], runs["end_ns"][last] - runs["ready_ns"][woken]


def _add_sample(
    found: Measured,
    kind: str,
    scope: Scope,
    task: np.ndarray,
    length: np.ndarray,
    only: frozenset[str] | None = None,
) -> None:
    """The lengths under the names of their tasks; names without any are left out."""
    name = scope.name_of[task]
    order = np.argsort(name, kind="stable")
    name, length = name[order], length[order]
    for index in np.unique(name[name >= 0]).tolist():
        if only is None or scope.names[index] in only:
            first, last = np.searchsorted(name, [index, index + 1])
            found.add(kind, scope.names[index], length[first:last])


def _add_fairness(found: Measured, result: Result, scope: Scope) -> None:
    at_ns = np.arange(found.window.begin_ns + FAIR_NS, found.window.end_ns + 1, FAIR_NS)
    if len(at_ns):
        found.add("fairness", "all tasks", lags_at(result, at_ns, FAIR_NS, scope.due).spread_ns)
