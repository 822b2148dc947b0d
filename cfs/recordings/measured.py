"""What a recording measured, as a `Result`, so that it can stand beside what a model says.

What it decides: which task of the recording is which task of a workload. A workload keeps the tasks in the
order of the recording and leaves some out, so the two lists are matched from the front, by pid and command
name, among those tasks that ran on the CPUs chosen. Row i of the result is then row i of the workload's
tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import RecordingError
from ..result import NOBODY, ORDER_UNKNOWN, SLEEP_DTYPE, WAKEUP_DTYPE, Out, Result, Slept, WokenBy
from ..workload.workload import Workload
from .causes import BLOCK_D, BLOCK_I, FORK, WAKE, Cause
from .table import EventTable

__all__ = ["recorded_result"]

KIND_SWITCH, DETAIL_FIRST = 2, 32
"""In `Recording.events`: a switch, and that it only says who was found running when the CPU was first seen.
"""


def recorded_result(
    recording: EventTable,
    cpu: int | Sequence[int] | None = 0,
    *,
    workload: Workload | None = None,
    until_ns: int | None = None,
) -> Result:
    """What was measured on some CPUs.

    Parameters
    ----------
    recording : EventTable
    cpu : int, sequence of int or None
        The CPUs; None for all.
    workload : Workload, optional
        Made of this recording: only its tasks are kept, in its order. Without it all that ran there are.
    until_ns : int, optional
        What was measured up to this time; default: to the end.

    Returns
    -------
    Result
        Of the model ``"recorded"``, with runs in the order of their starts. Tunables and hz are not known.

    Raises
    ------
    RecordingError
        The CPU is not in the recording, the workload was not made of it, or `until_ns` is 0 or less.
    """
    end_ns = recording.duration_ns if until_ns is None else min(until_ns, recording.duration_ns)
    if end_ns <= 0 < recording.duration_ns:
        raise RecordingError(f"until_ns = {until_ns} is not after the first event of {recording.name}")
    cpus = list(recording.cpus) if cpu is None else np.atleast_1d(cpu).tolist()
    runs = _until(recording.runs(cpus), end_ns)
    ran = np.union1d(runs["task"], np.flatnonzero(recording.busy_ns(cpus))).tolist()
    rows = ran if workload is None else _rows_of(workload, recording, ran)
    tasks = [recording.tasks[row] for row in rows]
    return Result(
        model="recorded",
        runs=_of_tasks(runs, rows, len(recording.tasks)),
        duration_ns=end_ns,
        pids=np.array([task.pid for task in tasks], np.int32),
        nice=np.array([task.nice for task in tasks], np.int8),
        names=[task.comm for task in tasks],
        groups=["/"] * len(tasks),
        cpus=cpus,
        context_switches=_nr_switches(recording, cpus, end_ns),
        source=recording.name,
        wakeups=lambda: _wakeups(recording, rows, end_ns),
        sleeps=lambda: _sleeps(recording, rows),
    )


def _rows_of(workload: Workload, recording: EventTable, ran: Iterable[int]) -> list[int]:
    """The row in the recording of each task of the workload."""
    candidates = iter(ran)
    rows = []
    for i, pid in enumerate(workload.tasks["pid"].tolist()):
        wanted = (pid, workload.name(i))
        tasks = ((row, recording.tasks[row]) for row in candidates)
        row = next((row for row, task in tasks if (task.pid, task.comm) == wanted), None)
        if row is None:
            raise RecordingError(f"{recording.name} has no task {wanted[1]!r} of pid {pid} there")
        rows.append(row)
    return rows


def _of_tasks(runs: np.ndarray, rows: list[int], nr_tasks: int) -> np.ndarray:
    """Runs of these tasks, numbered anew, in the order of their starts."""
    new_row = np.full(nr_tasks, -1, np.int64)
    new_row[rows] = np.arange(len(rows))
    kept = runs[new_row[runs["task"]] >= 0]
    kept["task"] = new_row[kept["task"]]
    return kept[np.argsort(kept["start_ns"], kind="stable")]


def _wakeups(recording: EventTable, rows: list[int], end_ns: int) -> np.ndarray:
    """Who woke or forked these tasks: the verdicts on the recorded wakeups, of a fork the parent."""
    seen = recording.wakeups()
    verdict = recording.verdicts(seen)
    nr_tasks, new_row = len(recording.task_table), _new_rows(recording, rows)
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


def _sleeps(recording: EventTable, rows: list[int]) -> np.ndarray:
    """The blocks of these tasks in the states D and I."""
    events = recording.events
    deep = events["detail"] & (BLOCK_D | BLOCK_I)
    seen = (events["kind"] == KIND_SWITCH) & (deep != 0) & (events["context"] >= 0)
    events, deep = events[seen], deep[seen]
    task = _new_rows(recording, rows)[events["context"]]
    table = np.zeros(len(events), SLEEP_DTYPE)
    table["time_ns"], table["task"], table["slept"] = events["time_ns"], task, np.array(_SLEPT, np.uint8)[deep]
    return table[task != NOBODY]


def _new_rows(recording: EventTable, rows: list[int]) -> np.ndarray:
    """The row here of each task of the recording, NOBODY for the others; the last is of whoever is no task."""
    new_row = np.full(len(recording.task_table) + 1, NOBODY, np.int32)
    new_row[rows] = np.arange(len(rows))
    return new_row


_WOKEN_BY = [{Cause.CAUSED: WokenBy.TASK, Cause.TIMER: WokenBy.TIMER}.get(c, WokenBy.OUTSIDE) for c in Cause]
_SLEPT = [0] * 16
_SLEPT[BLOCK_D], _SLEPT[BLOCK_I] = Slept.UNINTERRUPTIBLE, Slept.IDLE


def _until(runs: np.ndarray, end_ns: int) -> np.ndarray:
    """The runs that began by then; one that went on is running still."""
    runs = runs[runs["start_ns"] < end_ns]
    cut = runs["end_ns"] > end_ns
    runs["end_ns"][cut], runs["out"][cut] = end_ns, Out.RUNNING
    return runs


def _nr_switches(recording: EventTable, cpus: list[int], end_ns: int) -> int:
    events = recording.events
    there = (events["kind"] == KIND_SWITCH) & np.isin(events["cpu"], cpus) & (events["time_ns"] <= end_ns)
    return int((there & ((events["detail"] & DETAIL_FIRST) == 0)).sum())
