"""Statistics of a result: by hand on small tables, and against plain Python on random ones."""

import json
import pickle
import random
from dataclasses import replace

import numpy as np
import pytest

from cfs import Result, Workload
from cfs.result import RUN_DTYPE, SLEEP_DTYPE, WAKEUP_DTYPE, Out, Ready, altered
from tests.quick import few

UNKNOWN, WAKEUP, FORK, PREEMPTED, FOUND = Ready
RUNNING, OUT_PREEMPTED, BLOCKED, EXITED, OUT_UNKNOWN = Out


def a_result(runs, names=("a", "b"), duration_ns=100, cpus=(0,), groups=None, **changes):
    table = np.array(runs, RUN_DTYPE) if len(runs) else np.zeros(0, RUN_DTYPE)
    nr = len(names)
    fields = {
        "model": "linux-2.6.24-cfs",
        "runs": table,
        "duration_ns": duration_ns,
        "pids": np.arange(1, nr + 1),
        "nice": np.zeros(nr, np.int8),
        "names": list(names),
        "groups": list(groups or ["/"] * nr),
        "cpus": list(cpus),
        "context_switches": len(runs),
    }
    return Result(**(fields | changes))


SMALL = a_result(
    [  # ready, start, end, task, cpu, ready how, out how
        (-1, 0, 10, 0, 0, UNKNOWN, OUT_PREEMPTED),
        (4, 10, 30, 1, 0, WAKEUP, BLOCKED),
        (10, 30, 70, 0, 0, PREEMPTED, OUT_PREEMPTED),
        (60, 70, 75, 1, 0, WAKEUP, EXITED),
        (70, 75, 100, 0, 0, PREEMPTED, RUNNING),
    ]
)


def rows_by_name(result, by="task"):
    _, labels = result.keys(by)
    return {labels[row["key"]]: row for row in result.stats(by)}


def nearest_rank(values, percent):
    """The smallest value that `percent` of all do not exceed."""
    ordered = sorted(values)
    for rank, value in enumerate(ordered, 1):
        if 100 * rank >= percent * len(ordered):
            return value
    return 0


def test_cpu_time_and_share():
    rows = rows_by_name(SMALL)
    assert (rows["a"]["cpu_ns"], rows["b"]["cpu_ns"], SMALL.busy_ns) == (75, 25, 100)
    assert (rows["a"]["share"], rows["b"]["share"]) == (0.75, 0.25)


def test_share_is_of_all_cpus_idle_time_included():
    result = a_result([(0, 0, 50, 0, 1, WAKEUP, BLOCKED)], cpus=(0, 1))
    assert rows_by_name(result)["a"]["share"] == 0.25


def test_switches_by_how_the_run_ended():
    rows = rows_by_name(SMALL)
    assert [int(rows["a"][name]) for name in ("switches", "voluntary", "involuntary")] == [3, 0, 2]
    assert [int(rows["b"][name]) for name in ("switches", "voluntary", "involuntary")] == [2, 2, 0]


def test_waits_by_how_they_began():
    rows = rows_by_name(SMALL)
    assert rows["a"]["latency"]["count"] == rows["a"]["preempted_wait"]["count"] == 2  # the first is unknown
    assert rows["a"]["latency"]["sum_ns"] == 20 + 5
    assert rows["b"]["wakeup_latency"].tolist() == (2, 16, 6, 10, 10, 10)
    assert rows["b"]["fork_latency"].tolist() == (0, 0, 0, 0, 0, 0)
    assert rows["a"]["run_length"].tolist() == (3, 75, 25, 40, 40, 40)


def test_a_wait_that_began_before_the_span_counts_nowhere():
    result = a_result([(-1, 5, 10, 0, 0, WAKEUP, BLOCKED)])
    assert rows_by_name(result)["a"]["latency"]["count"] == 0


def test_most_cpu_time_first_and_equals_by_row():
    result = a_result([(0, 0, 10, 2, 0, FORK, EXITED), (0, 10, 20, 1, 0, FORK, EXITED)], names="abc")
    assert result.stats()["key"].tolist() == [1, 2, 0]


def test_a_name_counts_all_its_tasks():
    result = a_result(
        [(0, 0, 10, 0, 0, FORK, EXITED), (0, 10, 30, 1, 0, FORK, EXITED), (0, 30, 100, 2, 0, FORK, EXITED)],
        names=("cc1", "cc1", "make"),
    )
    row = rows_by_name(result, "comm")["cc1"]
    assert (row["nr_tasks"], row["cpu_ns"], row["voluntary"]) == (2, 30, 2)
    assert row["fork_latency"].tolist() == (2, 10, 0, 10, 10, 10)


def test_a_group_counts_all_its_tasks():
    result = a_result([(0, 0, 40, 0, 0, FORK, EXITED), (0, 40, 100, 1, 0, FORK, EXITED)], groups=["g", "g"])
    assert rows_by_name(result, "group")["g"]["cpu_ns"] == 100


@pytest.mark.parametrize("by", ["pid", "", None])
def test_unknown_rows_are_refused(by):
    with pytest.raises(ValueError, match="none of 'task', 'comm', 'group'"):
        SMALL.stats(by)


@pytest.mark.parametrize("seed", few(range(20)))
def test_quantiles_are_nearest_rank(seed):
    rng = random.Random(seed)
    nr = rng.choice([1, 2, 3, 19, 20, 21, 99, 100, 101, 500])
    starts = sorted(rng.randrange(10**6) for _ in range(nr))
    runs = []
    for start in starts:
        wait, length = rng.choice([0, 0, rng.randrange(start + 1)]), rng.randrange(1000)
        ready = rng.choice([WAKEUP, FORK, PREEMPTED])
        runs.append((start - wait, start, start + length, rng.randrange(3), 0, ready, BLOCKED))
    result = a_result(runs, names="abc", duration_ns=10**7)
    for row in result.stats():
        mine = [run for run in runs if run[3] == row["key"]]
        for column, values in (
            ("latency", [run[1] - run[0] for run in mine]),
            ("run_length", [run[2] - run[1] for run in mine]),
            ("preempted_wait", [run[1] - run[0] for run in mine if run[5] == PREEMPTED]),
        ):
            expected = [len(values), sum(values)] + [nearest_rank(values, p) for p in (50, 95, 99, 100)]
            assert list(row[column].tolist()) == expected


def test_sums_are_exact_beyond_53_bits():
    result = a_result([(0, 0, 2**61 + 1, 0, 0, FORK, BLOCKED), (0, 2**61 + 1, 2**62, 0, 0, FORK, BLOCKED)])
    assert result.busy_ns == rows_by_name(result)["a"]["cpu_ns"] == 2**62


def test_nothing_ran():
    result = a_result([], duration_ns=0)
    assert result.busy_ns == 0
    assert result.stats()["cpu_ns"].tolist() == [0, 0]
    assert result.stats()["share"].tolist() == [0, 0]
    assert result.to_dict()["tasks"] == []


def test_no_tasks_at_all():
    result = a_result([], names=())
    assert len(result.stats()) == len(result.stats("comm")) == 0
    assert json.loads(result.to_json())["tasks"] == []


# ------------------------------------------------------------------------------------------------------- JSON

KEYS = "schema model source group_by hz tunables duration_ns end context_switches cpus groups tasks".split()
TASK_KEYS = (
    "pid comm nice group share cpu_ns switches voluntary involuntary "
    "latency wakeup_latency fork_latency preempted_wait run_length unknown_waits unknown_runs"
).split()


def test_json_has_the_keys_of_its_schema():
    content = json.loads(SMALL.to_json())
    assert list(content) == KEYS
    assert content["schema"] == "cfs-result/1"
    assert content["cpus"] == [{"cpu": 0, "busy_ns": 100, "idle_ns": 0}]
    assert [task["comm"] for task in content["tasks"]] == ["a", "b"]
    for task in content["tasks"]:
        assert list(task) == TASK_KEYS
        assert list(task["latency"]) == ["count", "sum_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns"]


def test_json_of_a_simulation_with_groups():
    work = Workload.of_programs(
        {"a": [("run", 10**9)], "b": [("run", 10**9)]}, group={"b": "batch"}, shares={"batch": 2048}
    )
    content = work.run(until_ns=10**8, group_by="cgroup", START_DEBIT=False).to_dict()
    assert content["tunables"]["START_DEBIT"] is False
    assert content["group_by"] == "cgroup"
    groups = {group["group"]: group for group in content["groups"]}
    assert groups["batch"]["shares"] == 2048
    for rows in (content["groups"], content["tasks"], [{"cpu_ns": content["cpus"][0]["busy_ns"]}]):
        assert sum(row["cpu_ns"] for row in rows) == 10**8


def test_json_is_the_same_for_the_same_input():
    programs = {"a": [("run", 10**7), ("sleep", 10**6)] * 5, "b": [("run", 10**8)]}
    texts = {Workload.of_programs(programs, duration_ns=10**8).run().to_json() for _ in range(2)}
    assert len(texts) == 1


def test_repr_says_what_it_is():
    text = "<Result of linux-2.6.24-cfs on a workload: 0.000 s, 2 tasks, 5 switches, ended: duration>"
    assert repr(SMALL) == text


def test_wakeups_are_made_when_they_are_asked_for_and_go_with_a_copy():
    made = []

    def make():
        made.append(1)
        return np.zeros(3, WAKEUP_DTYPE)

    empty = Result("m", np.zeros(0, RUN_DTYPE), 1, np.zeros(0, int), np.zeros(0, int), [], [], [0], 0)
    assert len(empty.wakeups) == 0
    result = replace(empty, wakeups=make)
    assert not made
    assert len(pickle.loads(pickle.dumps(result)).wakeups) == 3
    assert len(result.wakeups) == 3 and len(replace(result).wakeups) == 3 and made == [1]


def test_a_copy_with_changes_makes_no_table_before_it_is_asked_for():
    made = []

    def make(name, dtype):
        made.append(name)
        return np.zeros(2, dtype)

    first = replace(SMALL, wakeups=lambda: make("wakeups", WAKEUP_DTYPE), sleeps=lambda: make("sleeps", SLEEP_DTYPE))
    second = altered(altered(first, names=["x"] * SMALL.nr_tasks), model="other")
    assert (second.model, second.names[0], made) == ("other", "x", [])
    assert len(second.sleeps) == 2 and second.sleeps is first.sleeps and made == ["sleeps"]
    assert len(altered(first, wakeups=None).wakeups) == 0 and made == ["sleeps"]
