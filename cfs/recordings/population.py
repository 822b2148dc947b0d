"""One answer to "which tasks, which CPUs, which span", for a replay and for the measurement beside it.

What it decides: which tasks belong. A task belongs if it ran on a chosen CPU, or was found running there, and
if its name is wanted. It lives on the chosen CPU where it ran most. A `Workload` made of a recording carries
its population (`Workload.origin`). What was measured is counted over the same one, so row i is the same task
on both sides. Showing a part of the span changes nothing: a task that has not run yet has zeros.

O1  A population is decided once and never changes. Rows are those of `Recording.tasks`, ascending.
O2  Its span is that of the recording. The code that shows a part cuts all sides at --until alike.
O3  A model's result of its tasks knows no more than the recording. If the recording does not say how long a
    task had waited before its first run, the model's first wait of that task does not count: it began at a
    moment that was made up. A program that has come to its end counts as ended only if its task ended in the
    recording; otherwise nobody knows what it would have done next.

Rejected: finding the tasks of a workload again by pid and name (a pid may be used twice, and a task that has
not run by --until is not there to be found).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

import numpy as np

from ..errors import RecordingError
from ..result import Out, Ready, Result, WokenBy, altered
from ._walk import ends_of_tasks, stays
from .table import EventTable

__all__ = ["Fitting", "Population", "first_of_each", "made_blind", "population_of"]

BLOCK = 1 << 16
"""Rows that are moved together."""


@dataclass(frozen=True, eq=False)
class Population:
    """Which tasks of a recording, on which of its CPUs.

    Parameters
    ----------
    mark : tuple
        Tells recordings apart.
    cpus : tuple of int
        The CPUs chosen, ascending.
    rows, home : numpy.ndarray
        ``(nr_tasks,)`` int64 and int16: row of each task in the recording, and the CPU where it lives.
    duration_ns : int
        Length of the span.
    nr_left_out, left_out_ns : int
        Tasks that ran on no chosen CPU, and CPU time of all tasks on the others.
    first_ready, exits : numpy.ndarray
        ``(nr_tasks,)`` uint8 and bool, up to the end of the recording: how each became ready for its first run
        here (`cfs.result.Ready`; WAKEUP without one), and whether its end was recorded here.
    notes : tuple of str
        What is not known about these tasks, and what they are taken as, a sentence each.
    """

    mark: tuple[int, ...]
    cpus: tuple[int, ...]
    rows: np.ndarray
    home: np.ndarray
    duration_ns: int
    nr_left_out: int
    left_out_ns: int
    first_ready: np.ndarray
    exits: np.ndarray
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Population: {len(self.rows)} tasks of CPUs {list(self.cpus)}>"

    def is_of(self, recording: EventTable) -> bool:
        """Was it chosen from this recording?"""
        return self.mark == _mark_of(recording)

    def fitting(self) -> Fitting:
        """What makes the runs of one result as blind as the recording (O3)."""
        return Fitting(self.first_ready, self.exits)

    def fit(self, result: Result, asked_ns: int) -> Result:
        """A model's result of these tasks, as blind as the recording (O3), over its CPUs and the span asked for.

        Parameters
        ----------
        result : Result
            A fresh one: its runs are changed. If it has none, they have gone through a `fitting` as they ended.
        asked_ns : int
            Up to when it was run; it may have come to its end before.

        Returns
        -------
        Result
        """
        if result.sums is None:
            result = made_blind(result, self.fitting())
        cpus, end_ns = sorted({*self.cpus, *result.cpus}), max(int(result.duration_ns), asked_ns)
        return altered(result, cpus=cpus, duration_ns=end_ns)


class Fitting:
    """Makes the runs of one result as blind as the recording (O3), in place: all at once, or in portions.

    Parameters
    ----------
    first_ready, exits : numpy.ndarray
        As in `Population`.

    Attributes
    ----------
    is_blind : numpy.ndarray
        ``(nr_tasks,)`` bool: tasks whose first wait is to be forgotten, and has not come yet.
    waits_ns : numpy.ndarray
        ``(nr_tasks,)`` int64: when the wait began that was forgotten, ns; -1: none was.
    """

    def __init__(self, first_ready: np.ndarray, exits: np.ndarray):
        self.is_blind = (first_ready == Ready.UNKNOWN) | (first_ready == Ready.FOUND)
        self.waits_ns = np.full(len(exits), -1, np.int64)
        self.exits = exits

    def copy(self) -> Self:
        """The same, which goes on by itself."""
        same = type(self)(np.zeros(0, np.uint8), self.exits)
        same.is_blind, same.waits_ns = self.is_blind.copy(), self.waits_ns.copy()
        return same

    def fit(self, runs: np.ndarray) -> None:
        """Change the next runs of the result. Those of each task come in their order."""
        tasks = np.flatnonzero(self.is_blind)
        if len(tasks):
            first = first_of_each(runs["task"], len(self.is_blind))[tasks]
            tasks, first = tasks[first >= 0], first[first >= 0]
            self.waits_ns[tasks] = runs["ready_ns"][first]
            runs["ready"][first], runs["ready_ns"][first] = Ready.UNKNOWN, -1
            self.is_blind[tasks] = False  # their later waits are known
        ended = np.flatnonzero(runs["out"] == Out.EXITED)
        runs["out"][ended[~self.exits[runs["task"][ended]]]] = Out.BLOCKED


def population_of(
    recording: EventTable,
    cpus: list[int],
    only: str | Iterable[str] | None = None,
    without: str | Iterable[str] | None = None,
) -> Population:
    """Those who ran on some CPUs and whose names are wanted.

    Parameters
    ----------
    recording : EventTable
    cpus : list of int
        Of the recording, ascending.
    only, without : str or iterable of str, optional
        Names of tasks (the last one each, shell patterns) to keep, or to leave out.

    Returns
    -------
    Population

    Raises
    ------
    RecordingError
        The names leave nobody, though somebody ran there.
    """
    home, busy_ns = _homes(recording, cpus)
    ran = home >= 0
    kept = np.flatnonzero(ran & _allowed(recording, only, without))
    if not len(kept) and ran.any():
        raise RecordingError(f"{recording.name} has no such task on CPUs {cpus}")
    nr_left_out, left_out_ns = _left_out(recording, cpus, ran, busy_ns)
    first_ready, exits = _firsts_and_exits(recording, cpus, kept)
    return Population(
        _mark_of(recording),
        tuple(cpus),
        kept,
        home[kept],
        recording.duration_ns,
        nr_left_out,
        left_out_ns,
        first_ready,
        exits,
    )


def _firsts_and_exits(recording: EventTable, cpus: list[int], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How each of these tasks became ready for its first run on some CPUs, and whether it exits there."""
    row_of, place = np.full(len(recording.task_table), -1, np.int32), recording.chosen(cpus)
    row_of[rows] = np.arange(len(rows))
    counts = len(row_of), len(place), recording.duration_ns
    first_ready, exits = ends_of_tasks(recording.packed_events, *counts, place, row_of, len(rows))
    return first_ready, exits.astype(bool)


def made_blind(result: Result, fitting: Fitting) -> Result:
    """A model's result without what a recording does not say of the same tasks (O3).

    Parameters
    ----------
    result : Result
        Its runs, in the order of their starts, and its wakeups are changed.
    fitting : Fitting
        A fresh one.

    Returns
    -------
    Result
        The wakeup that begins a wait of which nothing is known is left out, too: it was made up.
    """
    blind, wakeups = np.flatnonzero(fitting.is_blind), result.wakeups
    fitting.fit(result.runs)
    if not len(blind) or not len(wakeups):
        return result
    woken = first_of_each(wakeups["task"], result.nr_tasks)[blind]
    blind, woken = blind[woken >= 0], woken[woken >= 0]
    begins_it = wakeups["time_ns"][woken] == fitting.waits_ns[blind]
    made_up = (fitting.is_blind[blind] | begins_it) & (wakeups["cause"][woken] == WokenBy.TIMER)
    return altered(result, wakeups=_without(wakeups, woken[made_up]))


def _without(rows: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Rows but for some, in the same memory: a second table would be as long."""
    nr = 0
    for first in range(0, len(rows) if len(gone) else 0, BLOCK):
        block = rows[first : first + BLOCK]
        kept = np.delete(block, gone[(gone >= first) & (gone < first + BLOCK)] - first)
        rows[nr : nr + len(kept)] = kept
        nr += len(kept)
    return rows[:nr] if len(gone) else rows


def first_of_each(task: np.ndarray, nr_tasks: int) -> np.ndarray:
    """For each task the index of the first row that is its, -1 if there is none."""
    first = np.full(nr_tasks, -1, np.int64)
    for end in range(len(task), 0, -BLOCK):  # from behind, so that the first row is the last to be written
        begin = max(end - BLOCK, 0)
        first[task[begin:end][::-1]] = np.arange(end - 1, begin - 1, -1)
    return first


def _mark_of(recording: EventTable) -> tuple[int, ...]:
    return (
        recording.start_ns,
        recording.duration_ns,
        len(recording.packed_events),
        len(recording.task_table),
        recording.nr_switches,
    )


def _homes(recording: EventTable, cpus: list[int]) -> tuple[np.ndarray, int]:
    """The chosen CPU where each task ran most, the first of equals, -1 for a task that ran on none; and CPU
    time of all together.
    """
    nr, total = len(recording.task_table), 0
    home, most = np.full(nr, -1, np.int16), np.full(nr, -1, np.int64)
    for cpu, here, nr_ins in recording.stays_by_cpu(cpus):
        better = (nr_ins > 0) & (here > most)
        home[better], most[better] = cpu, here[better]
        total += int(here.sum())
    return home, total


def _left_out(recording: EventTable, cpus: list[int], ran: np.ndarray, busy_ns: int) -> tuple[int, int]:
    if len(cpus) == len(recording.cpus):
        return 0, 0
    everywhere = np.zeros(max(recording.cpus) + 1, np.int32)
    busy, nr_ins = stays(recording.packed_events, len(ran), recording.duration_ns, everywhere)
    return int(((nr_ins[0] > 0) & ~ran).sum()), int(busy.sum()) - busy_ns


def _allowed(
    recording: EventTable, only: str | Iterable[str] | None, without: str | Iterable[str] | None
) -> np.ndarray:
    only, without = _patterns(only), _patterns(without)
    wanted = np.array([_is_wanted(name, only, without) for name in recording.names], bool)
    return wanted[recording.task_table["name"]]


def _is_wanted(name: str, only: list[str] | None, without: list[str] | None) -> bool:
    if only is not None and not any(fnmatchcase(name, pattern) for pattern in only):
        return False
    return not any(fnmatchcase(name, pattern) for pattern in without or ())


def _patterns(names: str | Iterable[str] | None) -> list[str] | None:
    if names is None:
        return None
    return [names] if isinstance(names, str) else list(names)
