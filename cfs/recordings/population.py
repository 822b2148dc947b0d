"""One answer to "which tasks, which CPUs, which span", for a replay and for the measurement beside it.

What it decides: which tasks belong. A task belongs if it ran on a chosen CPU, or was found running there, and
if its name is wanted. It lives on the chosen CPU where it ran most. A `Workload` made of a recording carries
its population (`Workload.origin`). What was measured is counted over the same one, so row i is the same task
on both sides. Showing a part of the span changes nothing: a task that has not run yet has zeros.

O1  A population is decided once and never changes. Rows are those of `Recording.tasks`, ascending.
O2  Its span is that of the recording. The code that shows a part cuts all sides at --until alike.

Rejected: finding the tasks of a workload again by pid and name (a pid may be used twice, and a task that has
not run by --until is not there to be found).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from ..errors import RecordingError
from ._walk import stays
from .table import EventTable

__all__ = ["Population", "population_of"]

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
    notes : tuple of str
        What is not known about these tasks, a sentence each.
    """

    mark: tuple[int, ...]
    cpus: tuple[int, ...]
    rows: np.ndarray
    home: np.ndarray
    duration_ns: int
    nr_left_out: int
    left_out_ns: int
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Population: {len(self.rows)} tasks of CPUs {list(self.cpus)}>"

    def is_of(self, recording: EventTable) -> bool:
        """Was it chosen from this recording?"""
        return self.mark == _mark_of(recording)


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
    return Population(
        _mark_of(recording),
        tuple(cpus),
        kept,
        home[kept],
        recording.duration_ns,
        nr_left_out,
        left_out_ns,
    )


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
