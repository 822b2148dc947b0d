"""Distance from fairness: the lag of tasks, from the runs alone, and the spread of a model's own virtual
time.

What it decides: a yardstick that fits every scheduler, even one without virtual time, and a recording too.

The ideal machine: at every instant, as long as some task runs, each runnable task i gets a part of the CPU.
That part is its weight divided by the weight of all tasks that are runnable there:

    fair_i(a, b) = integral of busy(t) * w_i / W(t) over the part of (a, b] in which i is runnable
    got_i(a, b)  = CPU time of i in (a, b]
    lag_i(a, b)  = fair_i - got_i         positive: behind, it is owed time;  negative: ahead

Weights are those of the nice values in CFS (1024 at nice 0, 1.25 times more a step), regardless of the model.
With groups, w_i / W becomes s_g / S * w_i / W_g: groups with a runnable task share by their shares, tasks
within a group by weight. In a group, a group below it counts as a task does, with its shares as weight.
A task is runnable from a wakeup, a fork or a preemption until it blocks or exits.

L1  Over any span, the lags of all tasks on a CPU sum to zero: what one task is owed, others have received.
    EEVDF's zero-lag point rests on this law (Stoica and Abdel-Wahab 1995), and a test checks it.
L2  No lag exceeds the length of the span. A task that is never runnable has lag 0.

Reports show, at some instants t, the largest and the smallest lag in the window (t - window, t] of the tasks
that were runnable all through it. A task that sleeps in between is left out: it was not denied CPU time, it
did not ask for it.

Rejected: lag since the last wakeup (a task that never sleeps collects every sleeper's bonus forever, and one
number no longer says how unfair *now* is); variance (people ask which task is worst off); Jain's index (no
unit).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic import load_from_nice
from ..limits import POLICIES
from ..result import Out, Result
from ..scheduler._handles import TaskGroup
from ..workload.assignments import groups_above
from ..workload.workload import Workload
from .lanes import covered_before

__all__ = ["Entitlement", "Lags", "Spread", "by_task", "lags_at", "lags_over", "virtual_spread"]

VIRTUAL_FIELDS = ("vruntime", "wait_runtime")
"""Fields in which a model may keep the progress of its tasks; the first one that it has counts."""

SPELL_DTYPE = np.dtype([("begin_ns", "<i8"), ("end_ns", "<i8"), ("task", "<u4"), ("cpu", "<u2")])


@dataclass(frozen=True, eq=False)
class Entitlement:
    """The claim of each task.

    Parameters
    ----------
    weight : numpy.ndarray
        ``(nr_tasks,)`` int64: 1024 at nice 0.
    group : numpy.ndarray
        ``(nr_tasks,)`` int64: index of its group; all 0 without groups.
    shares : numpy.ndarray
        ``(nr_groups,)`` float64.
    parent : numpy.ndarray, optional
        ``(nr_groups,)`` int64: index of the group above, -1 for one right below the root. Groups come after
        those above them. Default: none is nested.
    """

    weight: np.ndarray
    group: np.ndarray
    shares: np.ndarray
    parent: np.ndarray | None = None

    @property
    def groups_above(self) -> list[int]:
        """For each group the index of the one above, -1: none."""
        return [-1] * len(self.shares) if self.parent is None else self.parent.tolist()

    @classmethod
    def of_nice(
        cls,
        nice: np.ndarray,
        policies: Sequence[str] | str = "normal",
        groups: Sequence[str] | None = None,
        shares: dict[str, int] | None = None,
    ) -> Entitlement:
        """Weights by nice value and policy; groups by their shares, 1024 where none are given."""
        weight = np.asarray(load_from_nice(np.asarray(nice), policies).weight).astype(np.int64)
        names = ["/"] * len(weight) if groups is None else list(groups)
        labels = sorted({label for name in set(names) for label in (*groups_above(name), name)})
        index = {name: number for number, name in enumerate(labels)}
        group = np.array([index[name] for name in names], np.int64)
        paths = [groups_above(name) for name in labels]
        parent = np.array([index[above[-1]] if above else -1 for above in paths], np.int64)
        own = np.array([(shares or {}).get(name, 1024) for name in labels], float)
        return cls(weight, group, own, parent)

    @classmethod
    def of(
        cls,
        work: Workload,
        nice: np.ndarray,
        groups: Sequence[str] | None = None,
        shares: dict[str, int] | None = None,
    ) -> Entitlement:
        """Those of the tasks of a workload, whose policies no result says; the rest is as results have it."""
        policies = [POLICIES[number] for number in work.tasks["policy"].tolist()]
        return cls.of_nice(nice, policies, groups, shares)


@dataclass(frozen=True, eq=False)
class Lags:
    """The largest and the smallest lag at some instants.

    Parameters
    ----------
    at_ns : numpy.ndarray
        ``(nr_instants,)`` int64, ns: where the windows end.
    window_ns : int
        Their length.
    greatest_ns, least_ns : numpy.ndarray
        ``(nr_instants,)`` int64, ns: the largest lag (positive) and the smallest (negative); 0 if no task was
        runnable all through the window.
    nr_tasks : numpy.ndarray
        ``(nr_instants,)`` int64: number of tasks that were.
    """

    at_ns: np.ndarray
    window_ns: int
    greatest_ns: np.ndarray
    least_ns: np.ndarray
    nr_tasks: np.ndarray

    @property
    def spread_ns(self) -> np.ndarray:
        """Largest lag minus smallest, if at least two tasks were runnable all through the window; else left
        out."""
        return (self.greatest_ns - self.least_ns)[self.nr_tasks > 1]


@dataclass(frozen=True, eq=False)
class Spread:
    """Distance between the tasks of a model in its own virtual time, at some instants.

    Parameters
    ----------
    field : str
        ``"vruntime"`` or ``"wait_runtime"``.
    at_ns : numpy.ndarray
        ``(nr_instants,)`` int64, ns.
    spread : numpy.ndarray
        ``(nr_instants,)`` int64, in the unit of the field: largest minus smallest in a top queue, the running
        entity included; the widest of all CPUs; 0 with fewer than two entities.
    """

    field: str
    at_ns: np.ndarray
    spread: np.ndarray


def lags_at(result: Result, at_ns: np.ndarray, window_ns: int, due: Entitlement) -> Lags:
    """The largest and the smallest lag in windows that end at some instants.

    Parameters
    ----------
    result : Result
    at_ns : numpy.ndarray
        ``(nr_instants,)`` int64, ns, increasing.
    window_ns : int
    due : Entitlement
        The claims, in the order of the result's tasks.

    Returns
    -------
    Lags

    Notes
    -----
    Cost O(runs log runs + tasks * instants).
    """
    spells, runs = _spells(result), by_task(result.runs)
    least, greatest = np.full(len(at_ns), np.inf), np.full(len(at_ns), -np.inf)
    nr_tasks = np.zeros(len(at_ns), np.int64)
    for cpu in np.unique(spells["cpu"]).tolist():
        here = spells[spells["cpu"] == cpu]
        clock = _FairClock(here, result.runs[result.runs["cpu"] == cpu], due)
        gained = clock.at(at_ns) - clock.at(at_ns - window_ns)
        long = here[here["end_ns"] - here["begin_ns"] >= window_ns]
        for mine in np.split(long, np.flatnonzero(np.diff(long["task"])) + 1) if len(long) else []:
            task, inside = int(mine["task"][0]), _all_through(mine, at_ns, window_ns)
            lag = due.weight[task] * gained[due.group[task]] - _got(runs, task, at_ns, window_ns)
            least[inside] = np.minimum(least, lag)[inside]
            greatest[inside] = np.maximum(greatest, lag)[inside]
            nr_tasks += inside
    nobody = nr_tasks == 0
    least[nobody] = greatest[nobody] = 0
    return Lags(at_ns, window_ns, _whole(greatest), _whole(least), nr_tasks)


def lags_over(result: Result, from_ns: int, until_ns: int, due: Entitlement) -> np.ndarray:
    """The lag of each task over one span, whether it slept in it or not: ``(nr_tasks,)`` float64, ns (L1)."""
    spells, lag = _spells(result), np.zeros(result.nr_tasks)
    for cpu in np.unique(spells["cpu"]).tolist():
        here = spells[spells["cpu"] == cpu]
        clock = _FairClock(here, result.runs[result.runs["cpu"] == cpu], due)
        begin, end = here["begin_ns"].clip(from_ns, until_ns), here["end_ns"].clip(from_ns, until_ns)
        gained = (clock.at(end) - clock.at(begin))[due.group[here["task"]], np.arange(len(here))]
        np.add.at(lag, here["task"], due.weight[here["task"]] * gained)
    runs = result.runs
    got = runs["end_ns"].clip(from_ns, until_ns) - runs["start_ns"].clip(from_ns, until_ns)
    np.subtract.at(lag, runs["task"], got)
    return lag


def _whole(ns: np.ndarray) -> np.ndarray:
    return np.rint(ns).astype(np.int64)


def by_task(runs: np.ndarray) -> np.ndarray:
    """Runs in the order of tasks, those of a task in order of time."""
    return runs[np.lexsort((runs["start_ns"], runs["task"]))]


def _got(runs: np.ndarray, task: int, at_ns: np.ndarray, window_ns: int) -> np.ndarray:
    """CPU time of a task in each window; `runs` are in order of task."""
    first, last = np.searchsorted(runs["task"], [task, task + 1])
    mine = runs[first:last]
    before = covered_before(mine["start_ns"], mine["end_ns"], np.concatenate([at_ns - window_ns, at_ns]))
    return before[len(at_ns) :] - before[: len(at_ns)]


def _all_through(spells: np.ndarray, at_ns: np.ndarray, window_ns: int) -> np.ndarray:
    """Windows that lie within one of the spells, which do not overlap; ``(nr_instants,)`` bool."""
    first = np.searchsorted(at_ns, spells["begin_ns"] + window_ns)
    last = np.maximum(first, np.searchsorted(at_ns, spells["end_ns"], "right"))
    steps = np.zeros(len(at_ns) + 1, np.int64)
    np.add.at(steps, first, 1)
    np.subtract.at(steps, last, 1)
    return steps.cumsum()[:-1] > 0


def _spells(result: Result) -> np.ndarray:
    """When each task was runnable: waits and runs that follow each other without a gap are one spell."""
    runs = by_task(result.runs)
    if not len(runs):
        return np.zeros(0, SPELL_DTYPE)
    known = runs["ready_ns"] >= 0
    begin = np.where(known, runs["ready_ns"], runs["start_ns"])
    same = (runs["task"][1:] == runs["task"][:-1]) & (runs["cpu"][1:] == runs["cpu"][:-1])
    goes_on = same & (runs["out"][:-1] == Out.PREEMPTED) & (begin[1:] <= runs["end_ns"][:-1])
    first = np.flatnonzero(np.concatenate([[True], ~goes_on]))
    last = np.concatenate([first[1:], [len(runs)]]) - 1
    spells = np.zeros(len(first), SPELL_DTYPE)
    spells["task"], spells["cpu"] = runs["task"][first], runs["cpu"][first]
    spells["begin_ns"], spells["end_ns"] = begin[first], runs["end_ns"][last]
    if result.model != "recorded":  # the task that was preempted last still waits when the span ends
        is_last = np.concatenate([runs["task"][1:] != runs["task"][:-1], [True]])[last]
        waits_still = is_last & (runs["out"][last] == Out.PREEMPTED)
        spells["end_ns"][waits_still] = max(result.duration_ns, int(runs["end_ns"].max()))
    return spells


class _FairClock:
    """The claim on one CPU, so far, of an always runnable task of weight 1 in each group."""

    def __init__(self, spells: np.ndarray, runs: np.ndarray, due: Entitlement):
        self.due = due
        ends = [spells["begin_ns"], spells["end_ns"], runs["start_ns"], runs["end_ns"]]
        self.times = np.unique(np.concatenate(ends))
        places = [np.searchsorted(self.times, times) for times in ends]
        weight, busy = (
            np.zeros((len(due.shares), len(self.times)), np.int64),
            np.zeros(len(self.times), np.int64),
        )
        group, mine = due.group[spells["task"]], due.weight[spells["task"]]
        np.add.at(weight, (group, places[0]), mine)
        np.subtract.at(weight, (group, places[1]), mine)
        np.add.at(busy, places[2], 1)
        np.subtract.at(busy, places[3], 1)
        weight, busy = weight.cumsum(axis=1), busy.cumsum()
        rate = _rates(weight, busy, due)
        passed = np.cumsum(rate[:, :-1] * np.diff(self.times), axis=1)
        self.value = np.concatenate([np.zeros((len(due.shares), 1)), passed], axis=1)

    def at(self, time_ns: np.ndarray) -> np.ndarray:
        """Its value in each group at some instants, ``(nr_groups, nr_instants)``."""
        return np.stack([np.interp(time_ns, self.times, value) for value in self.value])


def _rates(weight: np.ndarray, busy: np.ndarray, due: Entitlement) -> np.ndarray:
    """What weight 1 in each group gets of the CPU, ``(nr_groups, nr_instants)``; `weight` is of its tasks.

    A group above others has their shares as weight, too, while some task is active there.
    """
    above = due.groups_above
    weight = weight.copy()
    for group in reversed(range(len(above))):
        if above[group] >= 0:
            weight[above[group]] += (weight[group] > 0) * int(due.shares[group])
    active = weight > 0
    top = np.array(above) < 0
    claims = (due.shares[top] @ active[top]) * weight
    rate = np.divide(busy * due.shares[:, None], claims, out=np.zeros(claims.shape), where=active)
    for group, parent in enumerate(above):
        if parent >= 0:
            gets = rate[parent] * due.shares[group]
            rate[group] = np.divide(gets, weight[group], out=np.zeros(len(busy)), where=active[group])
    return rate


# ------------------------------------------------------------------------------- the model's own virtual time


def virtual_spread(scheduler: Any, cpus: Iterable[int]) -> tuple[str, int] | None:
    """The name of a model's virtual time, and how far apart its runnable entities are in it now.

    Parameters
    ----------
    scheduler : Scheduler
    cpus : iterable of int

    Returns
    -------
    field, spread : str, int
        The widest spread of a top queue; None if no task is runnable or the model keeps none of
        `VIRTUAL_FIELDS`.

    Notes
    -----
    Cost O(runnable entities), some µs each. Values are compared as signed differences, because they may have
    wrapped.
    """
    spreads = []
    for cpu in cpus:
        fields = [_fields(entity, cpu) for entity in _top(scheduler, cpu)]
        name = next((name for name in VIRTUAL_FIELDS if fields and name in fields[0]), None)
        if name is not None:
            ahead = [_signed(entity[name] - fields[0][name]) for entity in fields]
            spreads.append((name, max(ahead) - min(ahead)))
    return max(spreads, key=lambda found: found[1], default=None)


def _top(scheduler: Any, cpu: int) -> list[Any]:
    """The entities of a top queue, tasks or groups, and the one to which the running task belongs."""
    waiting = [entity for entity in scheduler.queue(cpu=cpu) if getattr(entity, "state", "") != "blocked"]
    running = scheduler.current_on(cpu)
    group = None if running is None else running.group
    while group is not None:
        if _fields(group, cpu).get("on_rq"):  # the root group has an entity in some models only
            running = group
        group = group.parent
    present = running is None or any(entity is running for entity in waiting)
    return waiting if present else [running, *waiting]


def _fields(entity: Any, cpu: int) -> dict[str, int]:
    return entity.fields(cpu) if isinstance(entity, TaskGroup) else entity.fields()


def _signed(word: int) -> int:
    return (word + 2**63) % 2**64 - 2**63
