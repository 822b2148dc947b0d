"""What a recording measured, as a `Result`, so that it can stand beside what a model says.

What it decides: which task of the recording is which task of a workload. A workload keeps the tasks in the
order of the recording and leaves some out, so the two lists are matched from the front, by pid and command
name, among those tasks that ran on the CPUs chosen. Row i of the result is then row i of the workload's
tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import RecordingError
from ..limits import nice_of_prio
from ..result import Out, Result
from ..workload.workload import Workload
from ._walk import nr_switches
from .table import EventTable

__all__ = ["recorded_result"]


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
    ran_here = np.bincount(runs["task"], minlength=len(recording.task_table)) > 0
    ran = np.flatnonzero(ran_here | (recording.busy_ns(cpus) != 0)).tolist()
    rows = ran if workload is None else _rows_of(workload, recording, ran)
    tasks, names = recording.task_table[rows], [*recording.names, ""]  # -1, no name, is the last
    return Result(
        model="recorded",
        runs=_of_tasks(runs, rows, len(recording.task_table)),
        duration_ns=end_ns,
        pids=tasks["pid"].astype(np.int32),
        nice=np.array([nice_of_prio(prio) for prio in tasks["prio"].tolist()], np.int8),
        names=[names[i] for i in tasks["name"].tolist()],
        groups=["/"] * len(tasks),
        cpus=cpus,
        context_switches=_nr_switches(recording, cpus, end_ns),
        source=recording.name,
    )


def _rows_of(workload: Workload, recording: EventTable, ran: list[int]) -> list[int]:
    """The row in the recording of each task of the workload."""
    table, names = recording.task_table, [*recording.names, ""]
    candidates = zip(ran, table["pid"][ran].tolist(), table["name"][ran].tolist())
    rows = []
    for pid, name in zip(workload.tasks["pid"].tolist(), workload.tasks["name"].tolist()):
        wanted = (pid, workload.names[name])
        row = next((row for row, pid, name in candidates if (pid, names[name]) == wanted), None)
        if row is None:
            raise RecordingError(f"{recording.name} has no task {wanted[1]!r} of pid {pid} there")
        rows.append(row)
    return rows


def _of_tasks(runs: np.ndarray, rows: list[int], nr_tasks: int) -> np.ndarray:
    """Runs of these tasks, numbered anew, in the order of their starts."""
    new_row = np.full(nr_tasks, -1, np.int64)
    new_row[rows] = np.arange(len(rows))
    kept = new_row[runs["task"]] >= 0
    runs = runs if kept.all() else runs[kept]
    runs["task"] = new_row[runs["task"]]
    start_ns = runs["start_ns"]
    if (start_ns[1:] >= start_ns[:-1]).all():
        return runs  # those of one CPU
    order = np.argsort(start_ns, kind="stable")
    for name in runs.dtype.names or ():  # column by column: a second log would be the longest array there is
        runs[name] = runs[name][order]
    return runs


def _until(runs: np.ndarray, end_ns: int) -> np.ndarray:
    """The runs that began by then; one that went on is running still."""
    began = runs["start_ns"] < end_ns
    runs = runs if began.all() else runs[began]
    cut = runs["end_ns"] > end_ns
    runs["end_ns"][cut], runs["out"][cut] = end_ns, Out.RUNNING
    return runs


def _nr_switches(recording: EventTable, cpus: list[int], end_ns: int) -> int:
    chosen = recording.chosen(cpus)
    return nr_switches(recording.packed_events, chosen, end_ns)
