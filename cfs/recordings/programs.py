"""Which tasks a workload has, and their rows; the programs themselves are written by `_walk.Programs`.

What it decides: who belongs to it (those that ran on a chosen CPU and that the names allow), where each lives
(the chosen CPU where it ran most), with which nice value it begins, and which wakeups keep their time or
their distance. All tasks are normal ones of user 0 in the root group: a trace does not tell more.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import numpy as np

from ..errors import RecordingError
from ..limits import nice_of_prio
from ..workload.ops import TASK_DTYPE, Op
from ..workload.workload import Workload
from ._walk import Programs, busy_ns
from .table import EventTable

__all__ = ["make"]

SLEEPS = {  # for a timer's wakeup, and for another one from outside
    None: (Op.SLEEP_UNTIL, Op.SLEEP),
    "absolute": (Op.SLEEP_UNTIL, Op.SLEEP_UNTIL),
    "relative": (Op.SLEEP, Op.SLEEP),
}
REALTIME_PRIO_MAX = 99


def make(
    recording: EventTable,
    cpus: list[int],
    outside: str | None,
    only: str | Iterable[str] | None,
    without: str | Iterable[str] | None,
) -> Workload:
    """The workload of `recording` on `cpus`; `Recording.workload` documents the arguments."""
    if outside not in SLEEPS:
        raise RecordingError(f"outside={outside!r} is unknown; allowed are None, 'absolute', 'relative'")
    home = _home(recording, cpus)
    kept = np.flatnonzero((home >= 0) & _allowed(recording, only, without))
    if not len(kept):
        raise RecordingError(f"{recording.name} has no such task on CPUs {cpus}")
    row = np.full(len(home), -1, np.int32)
    row[kept] = np.arange(len(kept))
    ops, begins = _programs(recording, cpus, row, SLEEPS[outside])
    return _workload(recording, kept, home, ops, begins[kept])


def _home(recording: EventTable, cpus: list[int]) -> np.ndarray:
    # The chosen CPU where each task ran most, the first of equals; -1 for a task that ran on none.
    nr = len(recording.task_table)
    home, most = np.full(nr, -1, np.int16), np.full(nr, -1, np.int64)
    for cpu in cpus:
        busy, ran = busy_ns(recording.packed_events, nr, cpu, recording.duration_ns)
        better = (ran > 0) & (busy > most)
        home[better], most[better] = cpu, busy[better]
    return home


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


def _programs(recording: EventTable, cpus: list[int], row: np.ndarray, sleeps: tuple[Op, Op]):
    landed, causes = recording.judged()
    prio = recording.task_table["prio_first"].copy()
    has_parent = (recording.task_table["parent"] >= 0).astype(np.uint8)
    chosen = recording.chosen(cpus)
    end_ns = recording.duration_ns
    walk = Programs(recording.packed_events, end_ns, row, prio, has_parent, chosen, causes, landed, sleeps)
    return walk.make()


def _workload(
    recording: EventTable, kept: np.ndarray, home: np.ndarray, ops: np.ndarray, begins: np.ndarray
) -> Workload:
    seen, prio = recording.task_table[kept], begins[:, 3]
    used, name = np.unique(seen["name"], return_inverse=True)
    _warn_of_realtime(recording, kept, prio)
    tasks = np.zeros(len(kept), TASK_DTYPE)
    tasks["first_op"], tasks["nr_ops"], tasks["start_ns"] = begins[:, 0], begins[:, 1], begins[:, 2]
    tasks["pid"], tasks["name"] = seen["pid"], name
    tasks["cpu"] = home[kept]
    tasks["nice"] = [nice_of_prio(value) for value in prio.tolist()]
    names = [recording.names[i] if i >= 0 else "" for i in used]
    return Workload(tasks, ops, names, duration_ns=recording.duration_ns, source=recording.name)


def _warn_of_realtime(recording: EventTable, kept: np.ndarray, prio: np.ndarray) -> None:
    realtime = kept[(prio >= 0) & (prio <= REALTIME_PRIO_MAX)]
    warning = "real-time tasks are taken as normal ones of nice -20"
    if len(realtime) and not any(warning in w for w in recording.warnings):
        names = sorted({recording.names[i] for i in recording.task_table["name"][realtime] if i >= 0})
        recording.warnings.append(f"{warning}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}")
