"""What a recording measured, as a `Result`, so that it can stand beside what a model says.

What it decides: nothing about which tasks belong; the `Population` of the workload beside it says that. Row i
of the result is row i of the workload's tasks, even for a task that has not run.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ..errors import RecordingError
from ..limits import nices_of_prios
from ..result import (
    NOBODY,
    ORDER_UNKNOWN,
    SLEEP_DTYPE,
    WAKEUP_DTYPE,
    Out,
    Ready,
    Result,
    Slept,
    WokenBy,
    altered,
    nr_switches,
)
from ..workload.workload import Workload
from ._tracker import NUMBERS
from ._walk import runs
from .causes import BLOCK_D, BLOCK_I, FORK, WAKE, Cause
from .population import Fitting, Population, first_of_each, made_blind, population_of
from .table import CPU, LOWEST, EventTable

__all__ = ["fitted", "recorded_result"]

KIND_SWITCH = NUMBERS["SWITCH"]
"""In `EventTable.events`."""


def recorded_result(
    recording: EventTable,
    cpu: CPU = LOWEST,
    *,
    workload: Workload | None = None,
    until_ns: int | None = None,
) -> Result:
    """What was measured on some CPUs.

    Parameters
    ----------
    recording : EventTable
    cpu : int, sequence of int, None or "lowest"
        The CPUs; None for all. Default: those of the workload, or the lowest.
    workload : Workload, optional
        Made of this recording: its tasks, in its order. Without it all that ran there are.
    until_ns : int, optional
        What was measured up to this time; default: to the end.

    Returns
    -------
    Result
        Of the model ``"recorded"``, with runs in the order of their starts. Tunables and hz are not known.
        Switches are those that its tasks made.

    Raises
    ------
    RecordingError
        The CPU is not in the recording, the workload was not made of it, or `until_ns` is 0 or less.
    """
    end_ns = recording.duration_ns if until_ns is None else min(until_ns, recording.duration_ns)
    if end_ns <= 0 < recording.duration_ns:
        raise RecordingError(f"until_ns = {until_ns} is not after the first event of {recording.name}")
    chosen = _population(recording, cpu, workload)
    cpus = list(chosen.cpus) if cpu == LOWEST else recording.cpus_of(cpu)
    runs = _in_order(_runs(recording, cpus, chosen.rows, end_ns))
    tasks = recording.task_table[chosen.rows]
    return Result(
        model="recorded",
        runs=runs,
        duration_ns=end_ns,
        pids=tasks["pid"].astype(np.int32),
        nice=nices_of_prios(tasks["prio"]),
        names=[recording.names[i] for i in tasks["name"].tolist()],
        groups=["/"] * len(tasks),
        cpus=cpus,
        context_switches=nr_switches(runs, cpus),
        source=recording.name,
        wakeups=cast(Any, lambda: _wakeups(recording, chosen.rows, end_ns)),
        sleeps=cast(Any, lambda: _sleeps(recording, chosen.rows)),
    )


def _population(recording: EventTable, cpu: CPU, workload: Workload | None) -> Population:
    if workload is None:
        return population_of(recording, recording.cpus_of(cpu))
    chosen = workload.origin
    if not isinstance(chosen, Population) or not chosen.is_of(recording):
        raise RecordingError(f"the workload was not made of {recording.name}: make it by its method workload")
    return chosen


def _runs(recording: EventTable, cpus: list[int], rows: np.ndarray, end_ns: int) -> np.ndarray:
    """Runs of these tasks that began by then, numbered anew; one that went on is running still."""
    new_row = _new_rows(rows, len(recording.task_table))
    place, duration_ns = recording.chosen(cpus), recording.duration_ns
    return runs(recording.packed_events, len(new_row) - 1, len(place), duration_ns, place, new_row[:-1], end_ns)


def _in_order(runs: np.ndarray) -> np.ndarray:
    """These runs in the order of their starts."""
    start_ns = runs["start_ns"]
    if (start_ns[1:] >= start_ns[:-1]).all():
        return runs  # those of one CPU
    order = np.argsort(start_ns, kind="stable")
    for name in runs.dtype.names or ():  # column by column: a second log would be the longest array there is
        runs[name] = runs[name][order]
    return runs


def _wakeups(recording: EventTable, rows: np.ndarray, end_ns: int) -> np.ndarray:
    """The verdicts on the recorded wakeups of these tasks; of a fork the parent."""
    seen, verdict = recording.wakeups(), recording.judged()[1]
    nr_tasks = len(recording.task_table)
    new_row = _new_rows(rows, nr_tasks)
    kept = (new_row[seen["task"]] != NOBODY) & (seen["time_ns"] <= end_ns)
    seen, verdict = seen[kept], verdict[kept]
    is_fork = seen["kind"] == FORK
    parent = recording.task_table["parent"][seen["task"]]
    by = np.where(is_fork & (parent >= 0), parent, seen["context"].astype(np.int64))
    by = np.where((verdict == Cause.CAUSED) & (by < nr_tasks), by, nr_tasks)
    table = np.zeros(len(seen), WAKEUP_DTYPE)
    table["time_ns"], table["cpu"], table["task"] = seen["time_ns"], seen["cpu"], new_row[seen["task"]]
    table["waker"] = new_row[by]
    table["nr_runs"] = ORDER_UNKNOWN
    table["cause"] = np.where(is_fork, WokenBy.FORK, np.array(_WOKEN_BY, np.uint8)[verdict])
    table["slept"] = np.where(
        seen["kind"] == WAKE, np.array(_SLEPT, np.uint8)[seen["block"]], np.where(is_fork, 0, Slept.NOT_YET)
    )
    return table


def _sleeps(recording: EventTable, rows: np.ndarray) -> np.ndarray:
    """The blocks of these tasks in the states D and I."""
    events = recording.events
    deep = events["detail"] & (BLOCK_D | BLOCK_I)
    seen = (events["kind"] == KIND_SWITCH) & (deep != 0) & (events["context"] >= 0)
    events, deep = events[seen], deep[seen]
    task = _new_rows(rows, len(recording.task_table))[events["context"]]
    table = np.zeros(len(events), SLEEP_DTYPE)
    table["time_ns"], table["task"] = events["time_ns"], task
    table["slept"] = np.array(_SLEPT, np.uint8)[deep]
    return table[task != NOBODY]


def _new_rows(rows: np.ndarray, nr_tasks: int) -> np.ndarray:
    """The row here of each task of the recording, NOBODY for the others; the last is for what is no task."""
    new_row = np.full(nr_tasks + 1, NOBODY, np.int32)
    new_row[rows] = np.arange(len(rows))
    return new_row


_WOKEN_BY = [{Cause.CAUSED: WokenBy.TASK, Cause.TIMER: WokenBy.TIMER}.get(c, WokenBy.OUTSIDE) for c in Cause]
_SLEPT = [0] * 16
_SLEPT[BLOCK_D], _SLEPT[BLOCK_I] = Slept.UNINTERRUPTIBLE, Slept.IDLE


def fitted(result: Result, recorded: Result) -> Result:
    """A model's result in which first waits and ends of tasks are known only if the recording has them.

    A simulation of the recording's own workload does this already. Use it for a workload made otherwise, of the
    same tasks.

    Parameters
    ----------
    result, recorded : Result
        Of the same tasks, row by row; `recorded` up to the end of the recording.

    Returns
    -------
    Result
    """
    mine = altered(result, runs=result.runs.copy(), wakeups=result.wakeups.copy())
    return made_blind(mine, _fitting_to(recorded))


def _fitting_to(recorded: Result) -> Fitting:
    """What makes runs as blind as those that were measured."""
    first = first_of_each(recorded.runs["task"], recorded.nr_tasks)
    ready = np.full(recorded.nr_tasks, Ready.WAKEUP, np.uint8)
    ready[first >= 0] = recorded.runs["ready"][first[first >= 0]]
    exits = np.zeros(recorded.nr_tasks, bool)
    exits[recorded.runs["task"][recorded.runs["out"] == Out.EXITED]] = True
    return Fitting(ready, exits)
