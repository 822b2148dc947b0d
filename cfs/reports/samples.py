"""Virtual time over time: samples of a simulation at some instants.

What it decides: what is sampled while a simulation runs, because a `Result` does not hold it. At each instant
it notes the virtual time of every runnable task, in the model's own field (`fairness.VIRTUAL_FIELDS`), and
how far apart the entities of a top queue are. Stopping changes nothing: a run in steps is the same run.

The number of runnable tasks follows from the runs and is exact; it needs no samples (`nr_running`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..result import Result
from ..scheduler._scheduler import Scheduler
from ..simulation.simulation import Simulation
from .fairness import VIRTUAL_FIELDS, Spread, virtual_spread
from .lanes import waiting

__all__ = ["SAMPLE_DTYPE", "Samples", "nr_running", "run_sampled"]

NR_INSTANTS = 400

SAMPLE_DTYPE = np.dtype([("at_ns", "<i8"), ("task", "<u4"), ("value", "<i8")])


@dataclass(frozen=True, eq=False)
class Samples:
    """Virtual time of the runnable tasks at some instants.

    Parameters
    ----------
    field : str
        Its name in the model: ``"vruntime"`` or ``"wait_runtime"``.
    rows : numpy.ndarray
        ``(nr_rows,)`` of `SAMPLE_DTYPE` in order of time: the task's row and its value, signed, in the unit
        of the field; within a group if there are groups.
    spread : Spread or None
        How far apart the entities of a top queue are.
    """

    field: str
    rows: np.ndarray
    spread: Spread | None


def run_sampled(
    simulation: Simulation,
    until_ns: int | None = None,
    *,
    nr_instants: int = NR_INSTANTS,
    progress: Callable[[int, int], None] | None = None,
    last: bool = False,
) -> tuple[Result, Samples | None]:
    """Run a simulation and sample it in between.

    Parameters
    ----------
    simulation : Simulation
    until_ns : int, optional
        Default: the duration of the workload.
    nr_instants : int, optional
        Number of samples, at equal distances.
    progress : callable, optional
        Called with (time reached, time to be reached), both ns.
    last : bool, optional
        The simulation is not needed any more, as for `Simulation.run`.

    Returns
    -------
    result : Result
        The same as that of ``simulation.run(until_ns)``.
    samples : Samples or None
        None if the model keeps no virtual time, or is a policy in Python.

    Notes
    -----
    Cost: that of the simulation, and some µs for each sample and runnable task.
    """
    end_ns = int(simulation.workload.duration_ns) if until_ns is None else int(until_ns)
    begin_ns = simulation.now_ns
    scheduler = simulation.scheduler
    if not isinstance(scheduler, Scheduler) or nr_instants < 1 or end_ns < begin_ns:
        return simulation.run(until_ns, progress=progress, last=last), None
    found: list[tuple[int, int, int]] = []
    spreads: list[tuple[int, int]] = []
    field = ""
    instants = begin_ns + (end_ns - begin_ns) * np.arange(1, nr_instants + 1) // nr_instants
    for at_ns in np.unique(instants).tolist():
        end = simulation.advance(at_ns)
        field, values = _look(simulation, scheduler, field)
        found += [(at_ns, task, value) for task, value in values]
        spread = virtual_spread(scheduler, range(len(simulation.cpus)))
        spreads.append((at_ns, 0 if spread is None else spread[1]))
        if progress is not None:
            progress(at_ns, end_ns)
        if end != "duration":
            simulation.advance(end_ns)  # nothing comes any more
            break
    return simulation.result(last=last), _samples(field, found, spreads) if found else None


def _look(simulation: Simulation, scheduler: Scheduler, field: str) -> tuple[str, list[tuple[int, int]]]:
    """The field, once it is known, and (row, value) of every runnable task."""
    row_of = simulation.rows_by_id()
    values = []
    for task in scheduler.tasks:
        if task.state not in ("running", "runnable") or task.id not in row_of:
            continue
        fields = task.fields()
        field = field or next((name for name in VIRTUAL_FIELDS if name in fields), "")
        if field in fields:
            values.append((row_of[task.id], _signed(fields[field])))
    return field, sorted(values)


def _samples(field: str, found: list[tuple[int, int, int]], spreads: list[tuple[int, int]]) -> Samples:
    rows = np.zeros(len(found), SAMPLE_DTYPE)
    for name, column in zip(SAMPLE_DTYPE.names or (), zip(*found)):
        rows[name] = column
    if not spreads:
        return Samples(field, rows, None)
    at_ns, values = (np.array(column, np.int64) for column in zip(*spreads))
    return Samples(field, rows, Spread(field, at_ns, values))


def _signed(word: int) -> int:
    return (word + 2**63) % 2**64 - 2**63


def nr_running(result: Result, cpu: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of runnable tasks on a CPU, the running one included, as far as the runs show.

    Parameters
    ----------
    result : Result
    cpu : int

    Returns
    -------
    at_ns, number : numpy.ndarray
        ``(nr_changes,)`` int64: when the number changes, and its new value. It is 0 before.

    Notes
    -----
    A task that was woken and did not run before the span ended is not counted. Cost O(runs log runs).
    """
    waits = waiting(result)
    runs, waits = result.runs[result.runs["cpu"] == cpu], waits[waits["cpu"] == cpu]
    begins = np.concatenate([runs["start_ns"], waits["begin_ns"]])
    ends = np.concatenate([runs["end_ns"], waits["end_ns"]])
    at_ns, place = np.unique(np.concatenate([begins, ends]), return_inverse=True)
    change = np.zeros(len(at_ns), np.int64)
    np.add.at(change, place[: len(begins)], 1)
    np.subtract.at(change, place[len(begins) :], 1)
    changes = change != 0
    return at_ns[changes], np.cumsum(change)[changes]
