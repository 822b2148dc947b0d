"""From runs back to what a tracer would have written: switches and wakeups, in a possible order.

What it decides: which events a result represents, and their order within one instant. A run begins with a
switch in. If the next run on its CPU begins when it ends, there is one switch from the one to the other.
Otherwise the idle task ran in between, also if a task follows itself. A wait after a wakeup or a fork begins
with that event, on the CPU of the run. A wait after a preemption needs no event: the switch out says so.

A result does not say which task woke which. So the context of an event is the task that ran there, and
readers that look for the cause of a wakeup find that one.

E1  Each run is one switch in and, unless the span ends first, one switch out of the same CPU.
E2  Events are in the order of time; within an instant a task is woken before it is switched in, and has left
    before it is woken again.
E3  A result does not hold wakeups of tasks that did not run again, so the events lack them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..result import Out, Ready, Result

__all__ = ["EVENT_DTYPE", "TRACED_DTYPE", "IDLE", "SWITCH", "WAKEUP", "FORK", "events_of", "unique_pids"]

IDLE = -1
"""Row of the idle task."""
SWITCH, WAKEUP, FORK = 0, 1, 2

TRACED_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),
        ("cpu", "<i4"),
        ("kind", "<i4"),
        ("prev", "<i4"),  # the task that ran there until now: a row of tasks, or IDLE
        ("task", "<i4"),  # the task that runs from now on, or is woken
        ("out", "<i4"),  # of a switch: how the run of `prev` ended
    ]
)
EVENT_DTYPE = TRACED_DTYPE
"""Its name from before."""


@dataclass(slots=True)
class _Running:
    """The latest run of a CPU."""

    task: int
    end_ns: int
    out: int
    rank: int
    """The earliest rank that its end may have if it ends in the instant in which it began."""


@dataclass(slots=True)
class _Log:
    """Events before they are sorted: (time, rank in the instant, number, kind, cpu, prev, task, out)."""

    rows: list[tuple[int, int, int, int, int, int, int, int]] = field(default_factory=list)
    left: dict[int, tuple[int, int]] = field(default_factory=dict)
    """When each task was switched out last, and the rank of that."""

    def add(self, at_ns: int, rank: int, kind: int, cpu: int, prev: int, task: int, out: int = 0) -> None:
        self.rows.append((at_ns, rank, len(self.rows), kind, cpu, prev, task, out))
        if kind == SWITCH and prev != IDLE:
            self.left[prev] = (at_ns, rank)

    def after_leaving(self, task: int, at_ns: int) -> int:
        """The first rank at which a task that may have left in this instant is gone."""
        when, rank = self.left.get(task, (-1, 0))
        return rank + 1 if when == at_ns else 0


def events_of(result: Result) -> np.ndarray:
    """The switches and wakeups that a result represents.

    Parameters
    ----------
    result : Result

    Returns
    -------
    numpy.ndarray
        ``(nr_events,)`` of `TRACED_DTYPE`, in order (E2). The field `prev` of a wakeup is IDLE.

    Notes
    -----
    Cost O(runs log runs), about 6 µs a run.
    """
    log, running = _Log(), dict[int, _Running]()
    runs = result.runs[np.argsort(result.runs["start_ns"], kind="stable")]
    columns = (
        runs[name].tolist() for name in ("ready_ns", "start_ns", "end_ns", "task", "cpu", "ready", "out")
    )
    for ready_ns, start_ns, end_ns, task, cpu, ready, out in zip(*columns):
        prev, rank = _leave(log, running.get(cpu), cpu, task, start_ns)
        rank = max(rank, 1, log.after_leaving(task, start_ns))
        if ready_ns >= 0 and ready in (Ready.WAKEUP, Ready.FORK):
            woken = log.after_leaving(task, ready_ns)
            log.add(ready_ns, woken, WAKEUP if ready == Ready.WAKEUP else FORK, cpu, IDLE, task)
            rank = max(rank, woken + 1) if ready_ns == start_ns else rank
        before, how = (IDLE, 0) if prev is None else (prev.task, prev.out)
        log.add(start_ns, rank, SWITCH, cpu, before, task, how)
        running[cpu] = _Running(task, end_ns, out, rank + 1 if start_ns == end_ns else 1)
    for cpu, last in running.items():
        if last.out != Out.RUNNING:
            log.add(last.end_ns, last.rank, SWITCH, cpu, last.task, IDLE, last.out)
    return _sorted(log)


def _leave(
    log: _Log, last: _Running | None, cpu: int, task: int, start_ns: int
) -> tuple[_Running | None, int]:
    """End the latest run of a CPU. Returns the task that the next run switches out, unless it is idle, and
    the least rank."""
    if last is None:
        return None, 1
    if last.end_ns == start_ns and last.task != task:
        return last, last.rank
    log.add(last.end_ns, last.rank, SWITCH, cpu, last.task, IDLE, last.out)
    return None, last.rank + 1 if last.end_ns == start_ns else 1


def _sorted(log: _Log) -> np.ndarray:
    table = np.zeros(len(log.rows), TRACED_DTYPE)
    if not log.rows:
        return table
    at_ns, rank, number, kind, cpu, prev, task, out = np.array(log.rows, np.int64).T
    order = np.lexsort((number, rank, at_ns))
    for name, column in zip(TRACED_DTYPE.names or (), (at_ns, cpu, kind, prev, task, out)):
        table[name] = column[order]
    return table


def unique_pids(result: Result, events: np.ndarray) -> np.ndarray:
    """A pid for each task that no other one has at the same time.

    As in the kernel, a pid may be used again after an exit. A task without a usable pid gets a number above
    all others.

    Parameters
    ----------
    result : Result
    events : numpy.ndarray
        Of the result: `events_of`.

    Returns
    -------
    numpy.ndarray
        ``(nr_tasks,)`` int64, all positive.
    """
    pids = np.asarray(result.pids).astype(np.int64)
    first = np.full(len(pids), np.iinfo(np.int64).max)
    gone = np.full(len(pids), np.iinfo(np.int64).max)
    np.minimum.at(first, events["task"][events["task"] >= 0], events["time_ns"][events["task"] >= 0])
    exits = events[(events["kind"] == SWITCH) & (events["out"] == Out.EXITED)]
    gone[exits["prev"]] = exits["time_ns"]
    spare, free_from = int(pids.max(initial=0)) + 1, dict[int, int]()
    for task in np.lexsort((np.arange(len(pids)), first)).tolist():
        pid = int(pids[task])
        if pid <= 0 or free_from.get(pid, -1) >= first[task]:
            pid, spare = spare, spare + 1
        pids[task] = pid
        free_from[pid] = int(gone[task])
    return pids
