"""What is left of a log of runs that nobody kept: running sums of each task and each CPU.

What it decides: what can be known without the runs. Sums, counts and maxima add up, run by run, in memory that
grows with the tasks alone. A quantile does not: it is UNKNOWN_NS beside its count.

S1  After any number of `add`, in whatever portions, the sums are those of all runs together.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from ._statistics import add_to_sums

__all__ = ["COUNTS_DTYPE", "SUMS_DTYPE", "UNKNOWN_NS", "Sums"]

COUNTS = [
    ("cpu_ns", "<i8"),
    ("ended", "<i8", 5),  # by cfs.result.Out
    ("unknown_waits", "<i8"),
    ("unknown_runs", "<i8"),
]
COUNTS_DTYPE = np.dtype(COUNTS)
"""What is counted with a log as well as without."""

SUMS_DTYPE = np.dtype(
    [
        *COUNTS,
        ("waits", "<i8", (3, 3)),  # count, sum and maximum of those after a wakeup, a fork, a preemption
        ("runs", "<i8", 3),  # the same of run lengths
    ]
)

GREATEST = np.zeros((), SUMS_DTYPE)
GREATEST["waits"][..., 2] = GREATEST["runs"][2] = 1
IS_GREATEST = GREATEST[None].view(np.int64).astype(bool)
"""Which numbers of a row are maxima: all others add up."""

UNKNOWN_NS = -1
"""In place of a quantile."""

COLUMNS = ("task", "cpu", "ready", "out", "ready_ns", "start_ns", "end_ns")


class Sums:
    """Running sums of some runs.

    Parameters
    ----------
    nr_tasks, nr_cpus : int
        Rows of tasks; one more than the largest CPU.

    Attributes
    ----------
    of_tasks : numpy.ndarray
        ``(nr_tasks,)`` of `SUMS_DTYPE`.
    busy_ns : numpy.ndarray
        ``(nr_cpus,)`` int64: CPU time of each CPU.
    """

    def __init__(self, nr_tasks: int, nr_cpus: int):
        self.of_tasks = np.zeros(nr_tasks, SUMS_DTYPE)
        self.busy_ns = np.zeros(nr_cpus, np.int64)

    def add(self, runs: np.ndarray) -> None:
        """Count some more runs, rows of `cfs.result.RUN_DTYPE`; cost about 3 ns a run."""
        rows = self.of_tasks.view(np.int64).reshape(len(self.of_tasks), -1)
        add_to_sums(rows, self.busy_ns, *(runs[name] for name in COLUMNS))

    def copy(self) -> Self:
        """The same sums, which go on by themselves."""
        same = type(self)(0, 0)
        same.of_tasks, same.busy_ns = self.of_tasks.copy(), self.busy_ns.copy()
        return same

    def by_key(self, keys: np.ndarray, nr_keys: int, *, with_all: bool = False) -> np.ndarray:
        """The sums of the tasks of each key, ``(nr_keys,)`` of `SUMS_DTYPE`; `with_all`: a row more, over all."""
        rows = self.of_tasks.view(np.int64).reshape(len(self.of_tasks), -1)
        sums, greatest = np.zeros((2, nr_keys, rows.shape[1]), np.int64)
        np.add.at(sums, keys, rows)
        np.maximum.at(greatest, keys, rows)
        table = np.where(IS_GREATEST, greatest, sums)
        if with_all:
            over_all = np.where(IS_GREATEST, table.max(0, initial=0), table.sum(0))
            table = np.append(table, over_all[None], axis=0)
        return table.view(SUMS_DTYPE)[:, 0]
