"""The workload of a recording: the tasks of a `Population`, with programs that `_walk.Programs` writes.

What it decides: with which nice value a task begins, which wakeups keep their time or their distance, and
which tasks may be new processes though no fork is recorded: a pid greater than all before it, or one that
first appears under the name of an earlier one (`_new`). All tasks are normal ones of user 0 in the root
group, because a trace says no more. What a file says beside its events is added by `assigned`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..errors import RecordingError
from ..limits import nices_of_prios
from ..units import count_text, time_text
from ..workload.ops import TASK_DTYPE, Op
from ..workload.workload import Workload
from ._walk import Programs
from .assigned import filled, nice_said, rows_said
from .population import Population, population_of
from .table import EventTable

__all__ = ["make"]

SLEEPS = {  # for a timer's wakeup, and for another one from outside
    None: (Op.SLEEP_UNTIL, Op.SLEEP),
    "absolute": (Op.SLEEP_UNTIL, Op.SLEEP_UNTIL),
    "relative": (Op.SLEEP, Op.SLEEP),
}
REALTIME_PRIO_MAX = 99
FOUND_RUNNING, GUESSED = 1, 2  # how `_walk.Programs` knows the first moment of a task
NAMES_SHOWN = 5
NO_WAKEUPS = (
    "no wakeup is recorded: nobody knows since when a sleeper wanted the CPU, so its waits are not known; "
    "waits after a preemption are"
)


def make(
    recording: EventTable,
    cpus: list[int],
    outside: str | None,
    only: str | Iterable[str] | None,
    without: str | Iterable[str] | None,
    costs: bool,
) -> Workload:
    """The workload of `recording` on `cpus`; `Recording.workload` documents the arguments."""
    if outside not in SLEEPS:
        raise RecordingError(f"outside={outside!r} is unknown; allowed are None, 'absolute', 'relative'")
    chosen = population_of(recording, cpus, only, without)
    row = np.full(len(recording.task_table), -1, np.int32)
    row[chosen.rows] = np.arange(len(chosen.rows))
    ops, begins, found = _programs(recording, cpus, row, SLEEPS[outside], costs)
    return _workload(recording, chosen, ops, begins[chosen.rows], _costs(*found))


def _programs(recording: EventTable, cpus: list[int], row: np.ndarray, sleeps: tuple[Op, Op], costs: bool):
    landed, causes = recording.judged()
    prio = recording.task_table["prio_first"].copy()
    answers = recording.answers()
    has_parent = (recording.task_table["parent"] >= 0).astype(np.uint8)
    walk = Programs(
        recording.packed_events,
        recording.duration_ns,
        row,
        prio,
        has_parent,
        _new(recording),
        recording.chosen(cpus),
        causes,
        landed,
        sleeps,
        answers.answerer,
        answers.reach_ns,
        answers.stay_ns,
        recording.skippers(),
        answers.feeds,
        costs,
    )
    ops, begins = walk.make()
    return ops, begins, (walk.wake_cost_ns, walk.block_cost_ns)


def _new(recording: EventTable) -> np.ndarray:
    """1 for a task whose pid is greater than all before it, 2 for one that first appears under the name of an
    earlier task. Pids ascend until they begin anew, and a process begins under the name of its parent.
    """
    pid = recording.task_table["pid"].astype(np.int64)
    before = np.maximum.accumulate(np.concatenate([[-1], pid[:-1]]))
    new = (pid > before).astype(np.uint8)
    row, name = recording.namings()
    bearer = np.full(len(recording.names), len(pid), np.int64)  # of each name the first task that had it
    np.minimum.at(bearer, name, row)
    first = np.full(len(pid), -1, np.int64)
    first[row[::-1]] = name[::-1]
    named = first >= 0
    new[named] += 2 * (bearer[first[named]] < np.flatnonzero(named)).astype(np.uint8)
    return new


def _workload(
    recording: EventTable, chosen: Population, ops: np.ndarray, begins: np.ndarray, costs: tuple[str, ...]
) -> Workload:
    kept = chosen.rows
    seen, prio = recording.task_table[kept], begins[:, 3]
    used, name = np.unique(seen["name"], return_inverse=True)
    tasks = np.zeros(len(kept), TASK_DTYPE)
    tasks["first_op"], tasks["nr_ops"], tasks["start_ns"] = begins[:, 0], begins[:, 1], begins[:, 2]
    tasks["pid"], tasks["name"] = seen["pid"], name
    tasks["cpu"] = chosen.home
    said = rows_said(recording, kept)
    tasks["nice"] = nice_said(said, nices_of_prios(prio).tolist(), prio)
    names = [recording.names[i] for i in used]
    notes = _notes(names, name, begins[:, 4]) + _taken_as_normal(names, name, prio)
    notes += () if recording.nr_wakeups else (NO_WAKEUPS,)
    notes += _unproven(recording.answers().nr_unproven) + _fed(ops) + costs
    work = Workload(
        tasks,
        ops,
        names,
        duration_ns=recording.duration_ns,
        source=recording.name,
        origin=replace(chosen, notes=notes),
        platform=recording.platform().platform,
    )
    return filled(work, recording, said)


def _unproven(nr: int) -> tuple[str, ...]:
    """Said if partners that wake each other may have waited unseen (`answers`)."""
    if not nr:
        return ()
    return (f"{count_text(nr, 'wakeup')} may hide that the waker waits for an answer; nothing proves it, so it goes on",)


def _fed(ops: np.ndarray) -> tuple[str, ...]:
    """Said if tasks that feed others do not run ahead of them (`answers`)."""
    nr = int(np.count_nonzero(ops["kind"] == Op.PUT))
    if not nr:
        return ()
    wakeups = count_text(nr, "wakeup")
    return (f"{wakeups} of tasks that feed others until these are full: none runs ahead of the one before",)


def _costs(wake_ns: int, block_ns: int) -> tuple[str, ...]:
    """Said if partners show what the kernel does for a wakeup and for a block (P7 of `_walk`)."""
    if not wake_ns and not block_ns:
        return ()
    costs = f"a wakeup {time_text(wake_ns)}, a block {time_text(block_ns)}"
    return (f"partners that wait for each other use CPU time for what the kernel does: {costs}",)


def _notes(names: list[str], name: np.ndarray, known_by: np.ndarray) -> tuple[str, ...]:
    """What is not said about the first moments of the tasks, a sentence a kind."""
    kinds = {
        FOUND_RUNNING: "found running when its CPU was first seen, nobody knows since when: {}",
        GUESSED: "no wakeup or fork is recorded before the first run of {}: each begins where its CPU was "
        "last seen without it waiting, a new process at its first run; how long it had waited is not known",
    }
    notes = []
    for kind, sentence in kinds.items():
        named = [names[i] for i in name[known_by == kind].tolist()]
        if named:
            notes.append(sentence.format(f"{count_text(len(named), 'task')} ({_some(named)})"))
    return tuple(notes)


def _some(names: list[str]) -> str:
    different = sorted(set(names))
    return ", ".join(different[:NAMES_SHOWN]) + (", ..." if len(different) > NAMES_SHOWN else "")


def _taken_as_normal(names: list[str], name: np.ndarray, prio: np.ndarray) -> tuple[str, ...]:
    """Whom the models have no class for."""
    realtime = [names[i] for i in name[(prio >= 0) & (prio <= REALTIME_PRIO_MAX)].tolist()]
    return (f"real-time tasks are taken as normal ones of nice -20: {_some(realtime)}",) if realtime else ()
