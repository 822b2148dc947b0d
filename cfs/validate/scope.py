"""Who is counted and when, and what a truth file has counted of the same.

What it decides: the tasks of a workload are those that a truth file has a line for, and whatever they forked;
all that ran if there is no such file. Tasks of one name are counted together, unless a scenario wants its
tasks one by one; then two of one name have their pids behind it. Without a truth file the steady part is the
middle half of a recording.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import RecordingError
from ..recordings.population import Population
from ..recordings.recording import Recording
from ..reports.fairness import Entitlement
from ..result import Result
from ..workload.workload import Workload
from .figures import Key, Scope, extent, switches_of
from .truth import Counted, Interval, Truth

__all__ = ["counted_of", "population_in", "scope_of", "task_names"]

SAME_EVENT_NS = 2_000
"""An event is the same up to this: some recordings have times in us."""
MUCH = 0.01
"""Of the CPU time of a recording: who has less is not looked for when a steady part is."""


def population_in(recording: Recording, work: Workload) -> Population:
    """Which tasks of a recording a workload was made of."""
    if isinstance(work.origin, Population) and work.origin.is_of(recording):
        return work.origin
    raise RecordingError(f"the workload was not made of {recording.name}: make it with its method workload")


def ours_of(recording: Recording, truth: Truth, rows: np.ndarray) -> np.ndarray:
    """Of some tasks those that a truth file has a line for, and their descendants: ``(nr_rows,)`` bool."""
    known = {(task.pid, task.comm) for task in truth.tasks}
    ours = np.zeros(len(recording.task_table), bool)
    for task in recording.tasks:
        ours[task.row] = (task.pid, task.comm) in known or (0 <= task.parent < task.row and ours[task.parent])
    return ours[rows]


def scope_of(
    recording: Recording, work: Workload, recorded: Result, result: Result, truth: Truth | None, by: str
) -> Scope:
    """Who is counted, and when.

    Parameters
    ----------
    recording : Recording
    work : Workload
        Made of it.
    recorded, result : Result
        Of the same tasks: as recorded, and under a model.
    truth : Truth or None
    by : {"task", "comm"}
        Are the tasks of a truth file counted one by one?
    """
    rows = population_in(recording, work).rows
    ours = np.ones(len(rows), bool) if truth is None else ours_of(recording, truth, rows)
    names = list(result.names)
    if truth is not None and by == "task":
        names = _one_by_one(names, result, truth)
    labels = list(dict.fromkeys(name for name, mine in zip(names, ours) if mine))
    index = {name: number for number, name in enumerate(labels)}
    name_of = np.array([index[name] if mine else -1 for name, mine in zip(names, ours)], np.int64)
    due = Entitlement.of(work, result.nice, result.groups, result.shares)
    if truth is None:
        steady, started = _steady(recorded, names)
        whole = Interval(0, max(1, int(recorded.duration_ns)))
        return Scope(labels, name_of, due, whole, steady, ends_with_work=False, started=started)
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
    """The middle half of a recording, and the names of the tasks that use much of it, if all are there in it.

    Over a whole recording the shares of tasks with as much work as recorded say nothing.
    """
    runs, span = recorded.runs, int(recorded.duration_ns)
    first, last = np.full(recorded.nr_tasks, span), np.zeros(recorded.nr_tasks, np.int64)
    np.minimum.at(first, runs["task"], runs["start_ns"])
    np.maximum.at(last, runs["task"], runs["end_ns"])
    busy_ns = np.bincount(runs["task"], runs["end_ns"] - runs["start_ns"], recorded.nr_tasks)
    much = busy_ns >= max(1, MUCH * span)
    middle = Interval(span // 4, span - span // 4)
    if not much.any() or first[much].max() > middle.begin_ns or last[much].min() < middle.end_ns:
        return None, frozenset()
    own = {names[row] for row in np.flatnonzero(much).tolist() if names.count(names[row]) == 1}
    return middle, frozenset(own)


def _ends_with_work(recorded: Result, name_of: np.ndarray, truth: Truth) -> bool:
    """Does the window of a truth file end with the last event of the workload, not at a time that was set?"""
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
    pids = result.pids.tolist()
    return [of_pid.get(pid, name) if comms.get(pid) == name else name for pid, name in zip(pids, names)]


def _members(truth: Truth, result: Result) -> Iterator[tuple[str, np.ndarray]]:
    """The control groups that have tasks of the workload, with who is in each."""
    for group in sorted({task.group for task in truth.tasks if task.is_started} - {"/"}):
        pids = [task.pid for task in truth.tasks if task.is_started and task.group == group]
        yield group, np.isin(result.pids, pids)


# ---------------------------------------------------------------------------------- what a truth file counted


def counted_of(truth: Truth, scope: Scope, cpus: list[int], by: str) -> dict[Key, float]:
    """The figures that a truth file has, under the names that are counted."""
    of_pid = task_names(truth)
    own = {of_pid[task.pid]: task.counted for task in truth.tasks if task.is_started}
    counted = {name: one for name, one in truth.names.items() if name in scope.names}
    if by == "task":
        counted |= {name: one for name, one in own.items() if name in scope.names}
    found: dict[Key, float] = {}
    for name, one in counted.items():
        found |= _figures_of(name, own.get(name, one), one, truth)
    for name, quantiles in truth.responses.items():
        found |= {Key("response", name, part): value for part, value in quantiles.items()}
    if set(cpus) <= set(truth.switches):
        found[switches_of(cpus)] = sum(truth.switches[cpu] for cpu in cpus)
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
