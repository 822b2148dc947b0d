"""What is counted of runs, against plain Python that sorts: random runs, ties, empty keys, waits that are not known."""

import random

import numpy as np
import pytest

from cfs._statistics import (
    add_to_sums,
    counts,
    coverage,
    quantiles_of_runs,
    quantiles_of_waits,
    ran_within,
    switches,
    totals_within,
    waits_within,
)
from cfs.result import RUN_DTYPE, Out, Ready
from cfs.sums import COUNTS_DTYPE, Sums
from tests.quick import few

SEEDS = few(range(30), 3)


def rank(ordered, percent):
    """The smallest value that `percent` of all do not exceed."""
    return next(value for place, value in enumerate(ordered, 1) if 100 * place >= percent * len(ordered))


def numbers(values):
    """Count, sum, p50, p95, p99 and maximum, as the kernel's own tools would say them."""
    ordered = sorted(values)
    if not ordered:
        return [0] * 6
    return [len(ordered), sum(ordered), *(rank(ordered, percent) for percent in (50, 95, 99, 100))]


def any_length(rng):
    """Zeros and ties, some that are close together, and some of every size."""
    return rng.choice(
        [0, 7, 63, 64, 65, rng.randrange(100), 3500 + rng.randrange(40), rng.randrange(2 ** rng.randrange(1, 51))]
    )


def random_runs(rng, nr, nr_tasks):
    runs = np.zeros(nr, RUN_DTYPE)
    for row in runs:
        start_ns = rng.randrange(2 ** rng.choice([10, 40, 61]))
        row["start_ns"], row["end_ns"] = start_ns, start_ns + any_length(rng)
        row["ready_ns"] = rng.choice([-1, start_ns - min(start_ns, any_length(rng))])
        row["task"], row["cpu"] = rng.randrange(nr_tasks), rng.randrange(3)
        row["ready"], row["out"] = rng.choice(list(Ready)), rng.choice(list(Out))
    return runs


def a_case(seed):
    """Runs, the key of each task, and how many keys there are: some of none."""
    rng = random.Random(seed)
    nr_tasks, nr_keys = rng.randrange(1, 9), rng.randrange(1, 6)
    runs = random_runs(rng, rng.choice([0, 1, 2, 47, 48, 49, 50, 200, 3000]), nr_tasks)
    return rng, runs, np.array([rng.randrange(nr_keys) for _ in range(nr_tasks)], np.int64), nr_keys


def columns(runs, *names):
    return [runs[name] for name in names]


def is_known(row):
    return row["ready"] != Ready.UNKNOWN and row["ready_ns"] >= 0


def in_short(values):
    """Count, sum and maximum."""
    return [len(values), sum(values), max(values, default=0)]


def length(row):
    return int(row["end_ns"] - row["start_ns"])


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_and_sums(seed):
    """I1 of cfs/_statistics.pyx."""
    _, runs, key_of, nr = a_case(seed)
    sums = Sums(len(key_of), 3)
    sums.add(runs)
    counted = counts(key_of, nr, *columns(runs, "task", "ready", "out", "start_ns", "end_ns")).view(COUNTS_DTYPE)[:, 0]
    for key, (of_log, of_sums) in enumerate(zip(counted, sums.by_key(key_of, nr))):
        mine = [row for row in runs if key_of[row["task"]] == key]
        for found in (of_log, of_sums):
            assert found["cpu_ns"] == sum(length(row) for row in mine)
            assert found["ended"].tolist() == [sum(row["out"] == out for row in mine) for out in Out]
            assert found["unknown_waits"] == sum(row["ready"] == Ready.UNKNOWN for row in mine)
            assert found["unknown_runs"] == sum(not has_length(row) for row in mine)
        assert of_sums["runs"].tolist() == in_short([length(row) for row in mine if has_length(row)])
        for kind in (1, 2, 3):
            known = [row for row in mine if is_known(row) and row["ready"] == kind]
            waits = [int(row["start_ns"] - row["ready_ns"]) for row in known]
            assert of_sums["waits"][kind - 1].tolist() == in_short(waits)
    for cpu, busy_ns in enumerate(sums.busy_ns):
        assert busy_ns == sum(length(row) for row in runs if row["cpu"] == cpu)


def has_length(row):
    found_at_its_end = row["ready"] == Ready.FOUND and row["end_ns"] == row["start_ns"]
    return row["out"] != Out.UNKNOWN and not found_at_its_end


@pytest.mark.parametrize("seed", SEEDS)
def test_run_lengths(seed):
    """I2 of cfs/_statistics.pyx; those that are not known are left out."""
    _, runs, key_of, nr = a_case(seed)
    found = quantiles_of_runs(key_of, nr, *columns(runs, "task", "ready", "out", "start_ns", "end_ns"))
    for key in range(nr):
        mine = [length(row) for row in runs if key_of[row["task"]] == key and has_length(row)]
        assert found[key].tolist() == numbers(mine)


@pytest.mark.parametrize("seed", SEEDS)
def test_waits_by_how_they_began(seed):
    """I2 of cfs/_statistics.pyx."""
    _, runs, key_of, nr = a_case(seed)
    found = quantiles_of_waits(key_of, nr, *columns(runs, "task", "ready", "ready_ns", "start_ns"))
    for key in range(nr):
        mine = [row for row in runs if key_of[row["task"]] == key and is_known(row)]
        for kind in range(4):  # all, then each
            waits = [int(row["start_ns"] - row["ready_ns"]) for row in mine if kind in (0, row["ready"])]
            assert found[kind, key].tolist() == numbers(waits)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_row_over_all(seed):
    """I1 of cfs/_statistics.pyx: what is counted under one key."""
    _, runs, key_of, nr = a_case(seed)
    names = [("task", "ready", "out", "start_ns", "end_ns"), ("task", "ready", "ready_ns", "start_ns")]
    for count, wanted in zip((quantiles_of_runs, quantiles_of_waits), names):
        with_all = count(key_of, nr, *columns(runs, *wanted), with_all=True)
        alone = count(np.zeros_like(key_of), 1, *columns(runs, *wanted))
        assert np.take(with_all, -1, axis=-2).tolist() == np.take(alone, 0, axis=-2).tolist()
        assert np.delete(with_all, -1, axis=-2).tolist() == count(key_of, nr, *columns(runs, *wanted)).tolist()


@pytest.mark.parametrize("least", [-(2**40), 0, 2**61])
def test_values_far_from_zero_and_close_together(least):
    """I3 of cfs/_statistics.pyx: what is counted is how far they are from the least one."""
    rng = random.Random(least)
    values = [least + rng.choice([0, 1, rng.randrange(10**6), rng.randrange(2**35)]) for _ in range(500)]
    runs = np.zeros(500, RUN_DTYPE)
    runs["end_ns"], runs["out"] = values, Out.BLOCKED
    found = quantiles_of_runs(
        np.zeros(1, np.int64), 1, *columns(runs, "task", "ready", "out", "start_ns", "end_ns")
    )
    expected = numbers(values)
    expected[1] = (expected[1] + 2**63) % 2**64 - 2**63  # a sum beyond 63 bits is taken in 64
    assert found[0].tolist() == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_totals_of_a_part(seed):
    rng, runs, key_of, nr = a_case(seed)
    begin, until = sorted(rng.randrange(2 ** rng.choice([10, 40, 61])) for _ in range(2))
    names = ("task", "start_ns", "end_ns", "ready", "ready_ns")
    found = totals_within(key_of, nr, *columns(runs, *names), begin, until)
    for key in range(nr):
        mine = [row for row in runs if key_of[row["task"]] == key]
        inside = [row for row in mine if row["end_ns"] > begin and row["start_ns"] < until]
        ran = sum(min(int(row["end_ns"]), until) - max(int(row["start_ns"]), begin) for row in inside)
        ended = [row for row in mine if begin <= row["start_ns"] < until and is_known(row)]
        waited = sum(int(row["start_ns"] - row["ready_ns"]) for row in ended)
        assert found[:, key].tolist() == [ran, len(inside), waited]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("of_waits", [False, True])
def test_coverage(seed, of_waits):
    """I1 of cfs/_statistics.pyx: cell by cell, also where a cell is empty or edges are not at equal distances."""
    rng, runs, _, _ = a_case(seed)
    runs = runs[:200]
    for name in ("start_ns", "end_ns", "ready_ns"):
        runs[name] = np.where(runs[name] < 0, runs[name], runs[name] % 10_000)
    runs["end_ns"] = np.maximum(runs["end_ns"], runs["start_ns"])
    nr_rows = rng.randrange(1, 4)
    row_of = np.array([rng.randrange(-1, nr_rows) for _ in range(9)], np.int64)
    edges = np.array(sorted(rng.randrange(-50, 11_000) for _ in range(rng.randrange(2, 30))), np.int64)
    chosen = np.array([rng.randrange(2) for _ in range(2)], np.uint8)  # the third CPU is beyond its end
    ends = ("ready_ns", "start_ns") if of_waits else ("start_ns", "end_ns")
    kind = [runs["ready"]] if of_waits else []
    found = coverage(row_of, nr_rows, chosen, *columns(runs, "task", "cpu", *ends), edges, *kind)
    expected = np.zeros((nr_rows, len(edges) - 1), np.int64)
    for run in runs:
        row, cpu = row_of[run["task"]], run["cpu"]
        if row < 0 or cpu >= 2 or not chosen[cpu] or (of_waits and not is_known(run)):
            continue
        inside = [np.clip(int(run[name]), edges[:-1], edges[1:]) for name in ends]
        expected[row] += inside[1] - inside[0]
    assert found.tolist() == expected.tolist()


def test_a_run_of_no_task_or_cpu_and_a_task_of_no_key_are_refused():
    runs = np.zeros(2, RUN_DTYPE)
    runs["task"] = 0, 3
    of_runs = columns(runs, "task", "ready", "out", "start_ns", "end_ns")
    with pytest.raises(IndexError, match="a run is of task 3; there are 2"):
        quantiles_of_runs(np.zeros(2, np.int64), 1, *of_runs)
    with pytest.raises(IndexError, match="task 1 has key 5; there are 2"):
        quantiles_of_runs(np.array([0, 5]), 2, *of_runs)
    with pytest.raises(IndexError, match="a run is of task 3; there are 2"):
        Sums(2, 1).add(runs)
    runs["task"], runs["cpu"] = (0, 1), 4
    with pytest.raises(IndexError, match="a run is on CPU 4; there are 1"):
        Sums(2, 1).add(runs)


def calls():
    """Everything that counts runs, with three rows of each column."""
    runs, key_of, chosen = np.zeros(3, RUN_DTYPE), np.zeros(1, np.int64), np.ones(1, np.uint8)
    sums = np.zeros((1, 20), np.int64), np.zeros(1, np.int64)
    part, edges = (0, 9), np.array([0, 9])
    return [
        (counts, (key_of, 1), ("task", "ready", "out", "start_ns", "end_ns"), ()),
        (totals_within, (key_of, 1), ("task", "start_ns", "end_ns", "ready", "ready_ns"), part),
        (quantiles_of_runs, (key_of, 1), ("task", "ready", "out", "start_ns", "end_ns"), ()),
        (quantiles_of_waits, (key_of, 1), ("task", "ready", "ready_ns", "start_ns"), ()),
        (waits_within, (chosen,), ("task", "ready", "ready_ns", "start_ns"), part),
        (ran_within, (1, chosen), ("task", "cpu", "start_ns", "end_ns"), part),
        (add_to_sums, sums, ("task", "cpu", "ready", "out", "ready_ns", "start_ns", "end_ns"), ()),
        (switches, (chosen,), ("cpu", "ready", "out", "start_ns", "end_ns"), part),
        (coverage, (key_of, 1, chosen), ("task", "cpu", "start_ns", "end_ns"), (edges,)),
    ], runs


@pytest.mark.parametrize("place", range(9))
def test_columns_of_different_lengths_are_refused(place):
    known, runs = calls()
    count, before, names, after = known[place]
    count(*before, *columns(runs, *names), *after)
    for short in range(len(names)):
        given = columns(runs, *names)
        given[short] = given[short][:1]
        with pytest.raises(ValueError, match="a column has"):
            count(*before, *given, *after)


@pytest.mark.parametrize("edges", [[], [5]])
def test_a_cell_has_two_edges(edges):
    known, runs = calls()
    count, before, names, _ = known[-1]
    with pytest.raises(ValueError, match="between two edges"):
        count(*before, *columns(runs, *names), np.array(edges, np.int64))


@pytest.mark.parametrize("seed", SEEDS)
def test_waits_and_tasks_of_a_part(seed):
    rng, runs, key_of, _ = a_case(seed)
    begin, until = sorted(rng.choice([0, 2**9, 2**39, 2**62]) for _ in range(2))
    tasks = np.array([rng.random() < 0.6 for _ in key_of], np.uint8)
    waits = waits_within(tasks, *columns(runs, "task", "ready", "ready_ns", "start_ns"), begin, until)
    assert waits.tolist() == [
        int(row["start_ns"] - row["ready_ns"])
        for row in runs
        if tasks[row["task"]] and begin <= row["start_ns"] < until and is_known(row)
    ]
    cpus = np.array([1, 0], np.uint8)
    ran = ran_within(len(key_of), cpus, *columns(runs, "task", "cpu", "start_ns", "end_ns"), begin, until)
    there = {
        int(row["task"]) for row in runs if row["cpu"] == 0 and row["end_ns"] >= begin and row["start_ns"] < until
    }
    assert set(np.flatnonzero(ran).tolist()) == there


def runs_in_turn(rng, nr):
    """Runs of three CPUs that do not overlap, with and without a gap, some that take no time."""
    runs, now = random_runs(rng, nr, 3), [0, 0, 0]
    for row in runs:
        cpu = row["cpu"]
        row["start_ns"] = now[cpu] + rng.choice([0, 0, 5])
        row["end_ns"] = now[cpu] = row["start_ns"] + rng.choice([0, 3, 9])
    return runs[np.argsort(runs["start_ns"], kind="stable")]


@pytest.mark.parametrize("seed", SEEDS)
def test_switches(seed):
    """To each task that was not found running, and to idle where nobody follows at once."""
    rng = random.Random(seed)
    runs = runs_in_turn(rng, rng.choice([0, 1, 40]))
    begin, until = sorted(rng.randrange(120) for _ in range(2))
    times = []
    for cpu in (0, 2):
        mine = [row for row in runs if row["cpu"] == cpu]
        times += [int(row["start_ns"]) for row in mine if row["ready"] != Ready.FOUND]
        for row, following in zip(mine, [*mine[1:], None]):
            ended = row["out"] not in (Out.RUNNING, Out.UNKNOWN)
            if ended and (following is None or following["start_ns"] > row["end_ns"]):
                times.append(int(row["end_ns"]))
    found = switches(
        np.array([1, 0, 1], np.uint8), *columns(runs, "cpu", "ready", "out", "start_ns", "end_ns"), begin, until
    )
    assert found == sum(begin <= at < until for at in times)
