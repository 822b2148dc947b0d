"""Many events in one call: a numpy array of events in, the task that runs after each event out.

Calling a `Scheduler` method from Python costs more than the event itself. If you have the events of a stretch
of time ready, send them together: the loop is compiled and releases the GIL.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import numpy as np

from ._batch import run_events as _run_events
from ..errors import StateError, TimeError
from ._handles import Task
from ._scheduler import Scheduler

__all__ = ["EVENT_DTYPE", "Event", "run_events"]

EVENT_DTYPE = np.dtype([("time_ns", "<u8"), ("kind", "<u4"), ("task", "<u4")])
"""One event: when, what, and (of a wake) which row of `tasks`."""


class Event(enum.IntEnum):
    """Kinds of event: the `Scheduler` methods of these names."""

    TICK = 0
    WAKE = 1
    BLOCK = 2
    YIELD = 3


REFUSED = {
    1: (TimeError, "its time lies before the last event"),
    2: (StateError, f"its kind is none of {', '.join(f'{kind.value} {kind.name}' for kind in Event)}"),
    3: (StateError, "it names no row of tasks"),
    4: (StateError, "no task runs, and the idle task can neither block nor yield"),
    5: (StateError, "a slice would be divided by 0 (the kernel faults here); use smaller shares"),
}


def run_events(
    sched: Scheduler, events: np.ndarray, tasks: Sequence[Task] = (), *, cpu: int = 0
) -> np.ndarray:
    """Perform events one after the other, as calls of `tick`, `wake`, `block` and `yield_` would.

    Parameters
    ----------
    sched : Scheduler
    events : numpy.ndarray
        ``(nr,)`` of `EVENT_DTYPE`, times in ns, not going back.
    tasks : sequence of Task, optional
        Living tasks that the wakes name by row.
    cpu : int, optional
        CPU that executes the events.

    Returns
    -------
    numpy.ndarray
        ``(nr,)`` uint64: id of the task that runs on `cpu` after each event, 0 if it idles.

    Raises
    ------
    TimeError, StateError
        An event would be refused; the message says which. Those before it have happened.

    Notes
    -----
    Cost of one event: that of the core, some tens of ns (benchmarks/bench_batch.py); the GIL is released.

    Examples
    --------
    >>> import cfs
    >>> sched = cfs.Scheduler()
    >>> tasks = [sched.fork(now_ns=0) for _ in range(2)]
    >>> rows = [(12_000_000, Event.TICK, 0), (13_000_000, Event.BLOCK, 0), (20_000_000, Event.WAKE, 0)]
    >>> run_events(sched, np.array(rows, EVENT_DTYPE), tasks).tolist()
    [1, 2, 2]
    """
    if events.dtype != EVENT_DTYPE or events.ndim != 1:
        raise TypeError(
            f"events must be a one-dimensional array of EVENT_DTYPE, not {events.dtype} of {events.ndim}"
        )
    rows = np.ascontiguousarray(events)
    picks = np.zeros(len(rows), np.uint64)
    done, refused = _run_events(sched, rows.view(np.uint8), list(tasks), picks, cpu)
    if refused:
        error, why = REFUSED[refused]
        raise error(f"event {done} of {len(rows)}, {rows[done]}: {why}")
    return picks
