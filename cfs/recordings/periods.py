"""Tasks that keep a period: which ones skip a release that they have missed, and which ones catch up.

What it decides: for which tasks a sleep until a timer becomes NEXT, "until the next multiple of the period". All
others keep SLEEP_UNTIL, the moment that was recorded.

T1  A task keeps a period if at least NR_RELEASES_MIN of its wakeups are a timer's, and the part IN_TIME of them lie
    within PUNCTUAL_NS of the multiples of one length, counted from one of them.
T2  It is late if it was still busy at a release. If it skips, the stretch in which it was late has one job, and
    the next release is the first one after its block. If it catches up, the stretch has a job more for each
    release that it missed. So the CPU time of late stretches, beside the median of those in time, tells which.
T3  A task that was never late shows neither, and keeps what was recorded.
"""

from __future__ import annotations

import numpy as np

from .causes import PERIOD_NS_MIN, PUNCTUAL_NS

__all__ = ["skippers"]

NR_RELEASES_MIN = 8
NR_LATE_MIN = 2
IN_TIME = 0.9
OFFSET_NS_MAX = 2**31 - 1
SKIPS_BELOW = 0.5
"""Jobs more than one in a late stretch, as a part of those that it would have if it caught up."""


def skippers(releases: np.ndarray, nr_tasks: int) -> np.ndarray:
    """Period and offset of the tasks that skip what they have missed.

    Parameters
    ----------
    releases : numpy.ndarray
        ``(nr_releases,)`` of `_wakers.RELEASE_DTYPE`, in the order of time.
    nr_tasks : int

    Returns
    -------
    numpy.ndarray
        ``(nr_tasks, 2) int64``, ns: period (0: it is none of them) and offset from time 0.
    """
    found = np.zeros((nr_tasks, 2), np.int64)
    releases = releases[releases["slept_ns"] >= 0]
    releases = releases[np.argsort(releases["task"], kind="stable")]
    first = np.flatnonzero(np.diff(releases["task"].astype(np.int64), prepend=-1))
    for of_task in np.split(releases, first[1:]):
        if len(of_task) >= NR_RELEASES_MIN:
            found[of_task["task"][0]] = _period(of_task["time_ns"], of_task["slept_ns"], of_task["used_ns"])
    return found


def _period(time_ns: np.ndarray, slept_ns: np.ndarray, used_ns: np.ndarray) -> tuple[int, int]:
    """Period and offset, or twice 0."""
    gap = np.diff(time_ns)
    guess = int(np.sort(gap)[len(gap) // 10])
    if guess < PERIOD_NS_MIN:
        return 0, 0
    number = np.concatenate([[0], np.cumsum(np.rint(gap / guess).astype(np.int64))])
    period = _slope(number, time_ns)
    if period < PERIOD_NS_MIN:
        return 0, 0
    offset = int(np.sort((time_ns - number * period))[len(number) // 10])
    in_time = abs(time_ns - offset - number * period) <= PUNCTUAL_NS
    offset %= period
    if in_time.mean() < IN_TIME or offset > OFFSET_NS_MAX or not _skips(time_ns, slept_ns, used_ns, period):
        return 0, 0
    return period, offset


def _slope(number: np.ndarray, time_ns: np.ndarray) -> int:
    # the median over pairs that are half of all apart, which no single late wakeup moves
    half = max(len(number) // 2, 1)
    apart = number[half:] - number[:-half]
    steps = (time_ns[half:] - time_ns[:-half])[apart > 0] / apart[apart > 0]
    return int(round(float(np.median(steps)))) if len(steps) else 0


def _skips(time_ns: np.ndarray, slept_ns: np.ndarray, used_ns: np.ndarray, period: int) -> bool:
    # T2; a stretch goes from a wakeup to the block before the next one
    begin, block = time_ns[:-1], time_ns[1:] - slept_ns[1:]
    nr_missed = (block - begin + PUNCTUAL_NS) // period
    late = (nr_missed >= 1) & (time_ns[1:] - block <= period + PUNCTUAL_NS)
    if np.count_nonzero(late) < NR_LATE_MIN or late.all():
        return False
    used = used_ns[:-1].astype(np.float64)
    job = float(np.median(used[~late]))
    if job <= 0:
        return False
    more = (used[late] / job - 1) / nr_missed[late]
    return bool(np.median(more) < SKIPS_BELOW)
