"""What a program is made of: its operations, the limits of numbers, and the two tables in which they are kept.

A `Workload` is a set of tasks and one program a task. A program is a run of operations; `run` uses CPU time,
all others take none and happen at the instant at which the task has got as far:

    RUN arg            compute for `arg` ns of CPU time
    WAIT               block until some WAKE names this task. WAKEs are counted: one that came early is not
                       lost, so the k-th WAIT returns after the k-th WAKE whatever the scheduler did in
                       between
    SLEEP arg          block for `arg` ns, counted from the block ("relative")
    SLEEP_UNTIL arg    block until `arg` ns after the start; if that has passed already, do not block
                       ("absolute")
    WAKE target        wake task `target`
    FORK target        make task `target` (whose `start_ns` is -1) the child of this one and wake it as new
    NICE arg           set the own nice value to `arg`
    EXIT               end; an end of the program without EXIT does the same
    YIELD              call sched_yield()
    LOOP target        go on with operation `target` of the own program, for ever; what is between must take
                       time
    NEXT arg           block until the next multiple of `arg` ns, the release of a periodic task; one that is
                       late skips the releases that it missed
"""

from __future__ import annotations

import enum

import numpy as np

from ..errors import WorkloadError

__all__ = [
    "FOREVER_NS",
    "OP_DTYPE",
    "POLICIES",
    "SHARES_LIMITS",
    "TASK_DTYPE",
    "TASK_LIMITS",
    "Op",
    "checked",
]

OP_DTYPE = np.dtype([("arg", "<i8"), ("target", "<i4"), ("kind", "<i4")])

TASK_DTYPE = np.dtype(
    [
        ("first_op", "<i8"),
        ("start_ns", "<i8"),  # -1: made by a FORK
        ("nr_ops", "<i4"),
        ("pid", "<i4"),  # as people know it; rows are the identity here
        ("name", "<i4"),  # index into Workload.names
        ("uid", "<i4"),
        ("group", "<i4"),  # index into Workload.groups
        ("cpu", "<i2"),
        ("nice", "i1"),
        ("policy", "i1"),  # 0 normal, 1 batch, 2 idle
    ]
)

FOREVER_NS = 2**62
"""A RUN of this length never ends: an endless hog."""

POLICIES = ("normal", "batch", "idle")
"""Names of the numbers in ``tasks["policy"]``."""

TASK_LIMITS = {"start_ns": (-1, FOREVER_NS), "uid": (0, 2**31 - 1), "cpu": (0, 2**15 - 1), "nice": (-20, 19)}
"""Least and greatest value of the numbers of a task."""

SHARES_LIMITS = (2, 2**18)
"""Less than 2 is raised to 2 by every model; more than 2**18 is more than today's kernels take."""


class Op(enum.IntEnum):
    """Kinds of operation; the module's docstring defines each."""

    RUN = 0
    WAIT = 1
    SLEEP = 2
    SLEEP_UNTIL = 3
    WAKE = 4
    FORK = 5
    NICE = 6
    EXIT = 7
    YIELD = 8
    LOOP = 9
    NEXT = 10


def checked(what: str, value: int, low: int, high: int) -> int:
    if not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise WorkloadError(f"{what} = {value!r} is no integer of {low} ... {high}")
    return int(value)
