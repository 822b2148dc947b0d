"""Tasks that keep a period: those that skip, those that catch up, and those of which nobody knows."""

import numpy as np
import pytest

from cfs.recordings._walk import WAKEUP_DTYPE
from cfs.recordings.causes import Cause
from cfs.recordings.periods import skippers
from cfs.workload import Op

from .real_recordings import recording

MS = 1_000_000
PERIOD, OFFSET, JOB = 10 * MS, 3 * MS, 2 * MS


def stretches(busy_until, jobs, nr=12):
    """Wakeups of a task: job k begins at a release and is busy for `busy_until(k)`, with `jobs(k)` jobs in it."""
    rows, t, k = [], OFFSET, 0
    while k < nr:
        block = t + busy_until(k)
        rows.append((t, JOB * jobs(k)))
        t = block + PERIOD - (block - OFFSET) % PERIOD
        rows[-1] += (t - block,)
        k += 1
    wakeups = np.zeros(len(rows), WAKEUP_DTYPE)
    wakeups["time_ns"] = [row[0] for row in rows]
    wakeups["slept_ns"] = [PERIOD] + [row[2] for row in rows[:-1]]
    wakeups["kind"] = 3
    return wakeups, np.array([row[1] for row in rows])


def found(wakeups, used, verdict=Cause.TIMER):
    return skippers(wakeups, np.full(len(wakeups), verdict, np.uint8), used, 1)[0].tolist()


def late(k):
    return 14 * MS if k % 3 == 2 else 5 * MS


def test_t2_a_late_stretch_with_one_job_skips():
    assert found(*stretches(late, lambda k: 1)) == [PERIOD, OFFSET]


def test_t2_a_late_stretch_with_a_job_more_catches_up():
    assert found(*stretches(late, lambda k: 2 if k % 3 == 2 else 1)) == [0, 0]


def test_t3_a_task_that_was_never_late_tells_nothing():
    assert found(*stretches(lambda k: 5 * MS, lambda k: 1)) == [0, 0]


def test_t1_it_takes_several_releases_by_a_timer():
    assert found(*stretches(late, lambda k: 1, nr=6)) == [0, 0]
    assert found(*stretches(late, lambda k: 1), verdict=Cause.OUTSIDE) == [0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_t1_it_must_keep_its_period(seed):
    wakeups, used = stretches(late, lambda k: 1, nr=40)
    wakeups["time_ns"] += np.random.default_rng(seed).integers(0, 4 * MS, len(wakeups))
    assert found(wakeups, used) == [0, 0]


def test_no_wakeups():
    assert skippers(np.zeros(0, WAKEUP_DTYPE), np.zeros(0, np.uint8), np.zeros(0), 2).tolist() == [[0, 0]] * 2


def test_a_real_one_skips_and_its_program_says_so():
    """The audio task of the recording has a period of 10 ms, and skips (its README)."""
    work = recording("periodic").workload(cpu=0)
    nexts = work.ops[work.ops["kind"] == Op.NEXT]
    periods = dict(zip(*np.unique(nexts["arg"], return_counts=True)))
    assert periods[10 * MS] > 800 and abs(min(periods, key=lambda p: abs(p - 16_600_000)) - 16_600_000) < 50
