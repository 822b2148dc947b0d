"""Tasks that keep a period: those that skip, those that catch up, and those of which nobody knows."""

import numpy as np
import pytest

from cfs.recordings._wakers import RELEASE_DTYPE
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
    releases = np.zeros(len(rows), RELEASE_DTYPE)
    releases["time_ns"] = [row[0] for row in rows]
    releases["slept_ns"] = [PERIOD] + [row[2] for row in rows[:-1]]
    releases["used_ns"] = [row[1] for row in rows]
    return releases


def found(releases):
    return skippers(releases, 1)[0].tolist()


def late(k):
    return 14 * MS if k % 3 == 2 else 5 * MS


KEEPS, NOT = [PERIOD, OFFSET], [0, 0]


@pytest.mark.parametrize(
    ("jobs", "expected"), [(1, KEEPS), (1.3, KEEPS), (1.49, KEEPS), (1.5, NOT), (1.7, NOT), (2, NOT)]
)
def test_t2_a_late_stretch_skips_if_it_has_less_than_half_a_job_more(jobs, expected):
    assert found(stretches(late, lambda k: jobs if k % 3 == 2 else 1)) == expected


def test_t1_a_task_that_is_late_each_time_has_the_period_that_all_its_gaps_are_multiples_of():
    """Gaps of 2 and 3 periods."""
    assert found(stretches(lambda k: 24 * MS if k % 4 == 3 else 14 * MS, lambda k: 1, nr=24)) == [PERIOD, OFFSET]


def test_t3_a_task_that_was_never_late_tells_nothing():
    assert found(stretches(lambda k: 5 * MS, lambda k: 1)) == [0, 0]


@pytest.mark.parametrize(("nr", "expected"), [(7, NOT), (8, KEEPS)])
def test_t1_it_takes_eight_releases(nr, expected):
    assert found(stretches(late, lambda k: 1, nr=nr)) == expected


@pytest.mark.parametrize(("nr_late", "expected"), [(1, NOT), (2, KEEPS)])
def test_t3_it_takes_two_late_stretches(nr_late, expected):
    assert found(stretches(lambda k: 14 * MS if 4 <= k < 4 + nr_late else 5 * MS, lambda k: 1)) == expected


@pytest.mark.parametrize(
    ("nr", "by_ns", "expected"), [(2, MS, KEEPS), (3, MS, NOT), (3, 100_000, KEEPS), (3, 100_001, NOT)]
)
def test_t1_nine_in_ten_releases_are_punctual(nr, by_ns, expected):
    releases = stretches(late, lambda k: 1, nr=20)
    releases["time_ns"][[6, 9, 12][:nr]] += by_ns
    assert found(releases) == expected


@pytest.mark.parametrize("seed", range(3))
def test_t1_it_must_keep_its_period(seed):
    releases = stretches(late, lambda k: 1, nr=40)
    releases["time_ns"] += np.random.default_rng(seed).integers(0, 4 * MS, len(releases))
    assert found(releases) == [0, 0]


def test_no_wakeups():
    assert skippers(np.zeros(0, RELEASE_DTYPE), 2).tolist() == [[0, 0]] * 2


def test_a_real_one_skips_and_its_program_says_so():
    """The audio task of the recording has a period of 10 ms, and skips (its README)."""
    work = recording("periodic").workload(cpu=0)
    nexts = work.ops[work.ops["kind"] == Op.NEXT]
    periods = dict(zip(*np.unique(nexts["arg"], return_counts=True)))
    assert periods[10 * MS] > 800 and abs(min(periods, key=lambda p: abs(p - 16_600_000)) - 16_600_000) < 50
