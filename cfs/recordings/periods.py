"""Tasks that keep a period: which ones skip a release that they have missed, and which ones catch up.

What it decides: for which tasks a sleep until a timer becomes NEXT, "until the next multiple of the period". All
others keep SLEEP_UNTIL, the moment that was recorded.

T1  A task keeps a period if at least NR_RELEASES_MIN of its wakeups are a timer's, and the part IN_TIME of them lie
    within PUNCTUAL_NS of the multiples of one length, counted from one of them.
T2  It is late if it was still busy at a release, and sleeps until the first one after its block. If it skips, the
    stretch in which it was late has one job. If it catches up, it has a job more for each release that it
    missed. So the CPU time of the later stretches, beside the median of those that are least late, tells which.
T3  A task that was never late shows neither, and keeps what was recorded. One that always missed the same number
    of releases is taken as skipping: then its period is as good as a longer one.
"""

from __future__ import annotations

import numpy as np

from .causes import PERIOD_NS_MIN, PUNCTUAL_NS

__all__ = ["skippers"]

NR_RELEASES_MIN = 8
NR_LATE_MIN = 2
IN_TIME = 0.9
PARTS_MAX = 8
"""The shortest time between two wakeups may be so many periods."""
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
    shortest = int(np.sort(gap)[len(gap) // 10])
    for part in range(1, PARTS_MAX + 1):  # a task that is late each time never comes at the next release
        if shortest // part < PERIOD_NS_MIN:
            break
        number = np.concatenate([[0], np.cumsum(np.rint(gap * part / shortest).astype(np.int64))])
        period = _slope(number, time_ns)
        if period < PERIOD_NS_MIN:
            break
        offset = int(np.sort(time_ns - number * period)[len(number) // 10])
        if (abs(time_ns - offset - number * period) <= PUNCTUAL_NS).mean() >= IN_TIME:
            fits = offset % period <= OFFSET_NS_MAX and _skips(time_ns, slept_ns, used_ns, period)
            return (period, offset % period) if fits else (0, 0)
    return 0, 0


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
    if np.count_nonzero(late) < NR_LATE_MIN:
        return False
    least = int(nr_missed.min())
    later = late & (nr_missed > least)
    if not later.any():
        return True
    used = used_ns[:-1].astype(np.float64)
    job = float(np.median(used[nr_missed == least])) / (least + 1)
    if job <= 0:
        return False
    more = (used[later] / job - (least + 1)) / (nr_missed[later] - least)
    return bool(np.median(more) < SKIPS_BELOW)
