"""Running sums of runs, against the statistics of the same runs, which a log has: whatever portions they come in."""

import random

import numpy as np
import pytest

from cfs import Result
from cfs.result import STATS_DTYPE, Ready
from cfs.sums import SUMS_DTYPE, UNKNOWN_NS, Sums
from tests.quick import few
from tests.unit.test_statistics import random_runs

SEEDS = few(range(12), 4)
QUANTILES = ("p50_ns", "p95_ns", "p99_ns")
WAITS = ("latency", "wakeup_latency", "fork_latency", "preempted_wait", "run_length")


def a_result(runs, nr_tasks, **facts):
    pids = np.arange(1, nr_tasks + 1)
    names = [f"task {pid % 2}" for pid in pids]
    return Result("by hand", runs, 10**9, pids, pids * 0, names, ["/"] * nr_tasks, [0, 1, 2], 0, **facts)


def a_case(seed):
    rng = random.Random(seed)
    nr_tasks = rng.randrange(1, 7)
    runs = random_runs(rng, rng.choice([0, 1, 30, 400]), nr_tasks)
    runs["ready_ns"][runs["ready"] == Ready.FOUND] = -1  # nobody knows since when such a task was ready
    return rng, runs, nr_tasks


def summed(runs, nr_tasks, edges=()):
    sums = Sums(nr_tasks, 3)
    for portion in np.split(runs, sorted(edges)):
        sums.add(portion)
    return sums


@pytest.mark.parametrize("seed", SEEDS)
def test_s1_portions_add_up(seed):
    """S1 of cfs/sums.py."""
    rng, runs, nr_tasks = a_case(seed)
    whole = summed(runs, nr_tasks)
    parts = summed(runs, nr_tasks, [rng.randrange(len(runs) + 1) for _ in range(5)])
    assert (whole.of_tasks == parts.of_tasks).all() and (whole.busy_ns == parts.busy_ns).all()


@pytest.mark.parametrize("by", ["task", "comm", "group"])
@pytest.mark.parametrize("seed", SEEDS)
def test_statistics_are_those_of_the_log_but_for_quantiles(seed, by):
    _, runs, nr_tasks = a_case(seed)
    logged, without = a_result(runs, nr_tasks), a_result(None, nr_tasks, sums=summed(runs, nr_tasks))
    keys, labels = logged.keys(by)
    for with_all in (False, True):
        wanted = logged.stats_of(keys, len(labels), with_all=with_all)
        found = without.stats_of(keys, len(labels), with_all=with_all)
        for name in STATS_DTYPE.names:
            if name not in WAITS:
                assert (found[name] == wanted[name]).all(), name
                continue
            for part in ("count", "sum_ns", "max_ns"):
                assert (found[name][part] == wanted[name][part]).all(), (name, part)
            for part in QUANTILES:
                known = found[name]["count"] == 0
                assert (found[name][part] == np.where(known, 0, UNKNOWN_NS)).all()
    assert [column.tolist() for column in without.cpu_times(keys, len(labels))] == [
        column.tolist() for column in logged.cpu_times(keys, len(labels))
    ]
    assert without.busy_ns == logged.busy_ns
    assert without.to_dict()["cpus"] == logged.to_dict()["cpus"]


def test_a_copy_goes_on_by_itself():
    _, runs, nr_tasks = a_case(3)
    sums = summed(runs, nr_tasks)
    before = sums.of_tasks.copy()
    sums.copy().add(runs)
    assert (sums.of_tasks == before).all()


def test_a_row_in_python_is_the_row_in_c():
    assert SUMS_DTYPE.itemsize == 20 * 8 and SUMS_DTYPE.fields["waits"][1] == 8 * 8
    with pytest.raises(ValueError, match="20 numbers"):
        from cfs._statistics import add_to_sums

        columns = [np.zeros(0, kind) for kind in ("u4", "u2", "u1", "u1", "i8", "i8", "i8")]
        add_to_sums(np.zeros((1, 19), np.int64), np.zeros(1, np.int64), *columns)


def test_a_run_of_a_task_or_cpu_that_does_not_exist_is_refused():
    _, runs, nr_tasks = a_case(3)
    runs = runs[:1].copy()
    runs["task"] = nr_tasks
    with pytest.raises(IndexError):
        Sums(nr_tasks, 3).add(runs)
    runs["task"], runs["cpu"] = 0, 3
    with pytest.raises(IndexError):
        Sums(nr_tasks, 3).add(runs)
