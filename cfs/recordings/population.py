"""One answer to "which tasks, which CPUs, from when to when", for a replay and for what was measured beside it.

What it decides: who belongs. A task does if it ran on a chosen CPU, or was found running there, and if the
names allow it. It lives on the chosen CPU where it ran most. A `Workload` made of a recording carries its
population (`Workload.origin`), and what was measured is counted over the same one, so that row i is the same
task on both sides. A part of the span changes nothing about who belongs: whoever has not run yet has zeros.

O1  A population is decided once and never changes. Rows are those of `Recording.tasks`, ascending.
O2  Its span is that of the recording; what ends at --until is cut by whoever shows it, on all sides alike.
O3  A model's result of its tasks knows no more than the recording: where that does not say how long a task had
    waited before its first run, the model's first wait of that task, which began at a moment that was made up,
    counts no more; and a program that is at its end has ended only if its task did so in the recording: else
    nobody knows what it would have done next.

Rejected: finding the tasks of a workload again by pid and name (a pid may be used twice, and a task that has
not run by --until is not there to be found).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from ..errors import RecordingError
from ..result import Out, Ready, Result, WokenBy, altered
from ._walk import firsts_and_exits, stays
from .table import EventTable

__all__ = ["Population", "first_of_each", "made_blind", "population_of"]

CELLS_MAX = 1 << 21
"""Times CPUs that are counted in one walk; more make several walks."""


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
    first_ready : numpy.ndarray
        ``(nr_tasks,) uint8``: how each became runnable before its first run here, `cfs.result.Ready`.
    exits : numpy.ndarray
        ``(nr_tasks,) bool``: whether its end was recorded here.
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

    def fit(self, result: Result, asked_ns: int) -> Result:
        """A model's result of these tasks, as blind as the recording, over its CPUs and the span asked for (O3).

        Parameters
        ----------
        result : Result
            A fresh one: its runs are changed.
        asked_ns : int
            Up to when it was run; it may have come to its end before.

        Returns
        -------
        Result
        """
        cpus, end_ns = sorted({*self.cpus, *result.cpus}), max(int(result.duration_ns), asked_ns)
        return altered(made_blind(result, self.first_ready, self.exits), cpus=cpus, duration_ns=end_ns)


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
    chosen = recording.chosen(cpus)
    end_ns = recording.duration_ns
    ready, exits = firsts_and_exits(recording.packed_events, len(ran), len(chosen), end_ns, chosen)
    return Population(
        _mark_of(recording),
        tuple(cpus),
        kept,
        home[kept],
        recording.duration_ns,
        nr_left_out,
        left_out_ns,
        ready[kept],
        exits[kept],
    )


def made_blind(result: Result, first_ready: np.ndarray, exits: np.ndarray) -> Result:
    """A model's result without what a recording does not say of the same tasks (O3).

    Parameters
    ----------
    result : Result
        Its runs, in the order of their starts, are changed.
    first_ready, exits : numpy.ndarray
        As in `Population`.

    Returns
    -------
    Result
        The wakeup that begins a wait of which nothing is known is left out, too: it was made up.
    """
    runs, wakeups = result.runs, result.wakeups
    blind = np.flatnonzero((first_ready == Ready.UNKNOWN) | (first_ready == Ready.FOUND))
    first = first_of_each(runs["task"], len(first_ready))[blind]
    woken = first_of_each(wakeups["task"], len(first_ready))[blind]
    begins_it = np.append(wakeups["time_ns"], -1)[woken] == np.append(runs["ready_ns"], -2)[first]
    made_up = woken[((first < 0) | begins_it) & (np.append(wakeups["cause"], 0)[woken] == WokenBy.TIMER)]
    runs["ready"][first[first >= 0]], runs["ready_ns"][first[first >= 0]] = Ready.UNKNOWN, -1
    runs["out"][(runs["out"] == Out.EXITED) & ~exits[runs["task"]]] = Out.BLOCKED
    return altered(result, wakeups=np.delete(wakeups, made_up))


def first_of_each(task: np.ndarray, nr_tasks: int) -> np.ndarray:
    """For each task the index of the first row that is its, -1 if there is none."""
    first = np.full(nr_tasks, -1, np.int64)
    first[task[::-1]] = np.arange(len(task) - 1, -1, -1)
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
    for block in _blocks(cpus, nr):
        busy, ran = stays(recording.packed_events, nr, recording.duration_ns, recording.columns(block))
        for cpu, here, nr_ins in zip(block, busy, ran):
            better = (nr_ins > 0) & (here > most)
            home[better], most[better] = cpu, here[better]
        total += int(busy.sum())
    return home, total


def _blocks(cpus: list[int], nr_tasks: int) -> Iterator[list[int]]:
    width = max(1, CELLS_MAX // max(nr_tasks, 1))
    return (cpus[i : i + width] for i in range(0, len(cpus), width))


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
    wanted = np.array([_is_wanted(name, only, without) for name in [*recording.names, ""]], bool)
    return wanted[recording.task_table["name"]]  # -1, no name, is the last


def _is_wanted(name: str, only: list[str] | None, without: list[str] | None) -> bool:
    if only is not None and not any(fnmatchcase(name, pattern) for pattern in only):
        return False
    return not any(fnmatchcase(name, pattern) for pattern in without or ())


def _patterns(names: str | Iterable[str] | None) -> list[str] | None:
    if names is None:
        return None
    return [names] if isinstance(names, str) else list(names)
