"""What is counted. Way to be right: a recording small enough to count by hand, and another program's counts."""

import gzip
import json

import numpy as np
import pytest

from cfs.validate.lives import commands_of
from cfs.validate.figures import Key, Scope, measured, quantile
from cfs.validate.truth import Interval
from cfs.validate.scope import counted_of, scope_of
from tests.unit.validate.truths import NAMES, US, by_hand, each, recording, truth, truth_path


def scope(**changes):
    read = by_hand()
    result = read.result()
    made = scope_of(read, read.workload(), result, result, None, "comm")
    fields = {"names": made.names, "name_of": made.name_of, "due": made.due, "responses": frozenset("ab")}
    return result, Scope(**(fields | changes))


def values(found, kind, name):
    return {key.part: value for key, value in found.values.items() if (key.kind, key.name) == (kind, name)}


def sample(found, kind, name):
    return (found.samples[kind, name] // US).tolist()


def test_waits_are_by_kind():
    found = measured(*scope())
    assert sample(found, "fork_latency", "a") == [200] and sample(found, "fork_latency", "b") == [300]
    assert sample(found, "preempted_wait", "a") == [100, 100]
    assert sample(found, "wakeup_latency", "b") == [100]
    assert ("preempted_wait", "b") not in found.samples and ("wakeup_latency", "a") not in found.samples


def test_a_task_that_was_there_has_no_first_wait():
    """F1: p was woken before its first run, and nobody saw it fall asleep."""
    found = measured(*scope())
    assert ("wakeup_latency", "p") not in found.samples


def test_runs_and_responses():
    found = measured(*scope())
    assert sample(found, "run_length", "a") == [100, 200, 300]
    assert sample(found, "run_length", "b") == [100, 100]
    assert sample(found, "response", "b") == [200]
    assert ("response", "a") not in found.samples


def test_a_window_that_was_not_set_is_from_the_first_event_to_the_last():
    found = measured(*scope())
    assert found.window == Interval(0, 1100 * US)
    assert found.values[Key("share", "a")] == pytest.approx(100 * 600 / 1100)
    assert found.values[Key("switches", "cpu0")] == 7


def test_shares_and_switches_are_of_the_window_that_was_set():
    window, steady = Interval(400 * US, 900 * US), Interval(500 * US, 700 * US)
    found = measured(*scope(window=window, steady=steady, started=frozenset("b"), ends_with_work=False))
    assert found.values[Key("share", "a")] == pytest.approx(100 * 400 / 500)
    assert found.values[Key("share", "b")] == pytest.approx(100 * 100 / 200)
    assert found.values[Key("switches", "cpu0")] == 3  # at 500, at 600, and at the very end


def test_a_window_may_end_with_the_work():
    found = measured(*scope(window=Interval(200 * US, 999 * US)))
    assert found.window == Interval(200 * US, 1100 * US)


def test_tasks_of_one_name_are_counted_together():
    found = measured(*scope(names=["all"], name_of=np.zeros(3, np.int64)))
    assert found.values[Key("share", "all")] == pytest.approx(100 * (290 + 600 + 200) / 1100)
    assert sample(found, "fork_latency", "all") == [200, 300]


def test_who_is_not_counted_has_no_figures():
    found = measured(*scope(names=["a"], name_of=np.array([-1, 0, -1])))
    assert {key.name for key in found.values} == {"a", "cpu0"}


def test_groups_have_shares():
    found = measured(*scope(groups={"/both": np.array([False, True, True])}))
    assert found.values[Key("share", "group /both")] == pytest.approx(100 * 800 / 1100)


def test_quantiles_are_nearest_rank():
    ten = np.arange(1, 11)
    assert [quantile(ten, q) for q in (0.0, 0.05, 0.1, 0.11, 0.5, 0.95, 1.0)] == [1, 1, 1, 2, 5, 10, 10]


def test_fairness_is_that_of_windows_of_100_ms():
    result, made = scope()
    assert not [key for key in measured(result, made).values if key.kind == "fairness"]
    found = measured(recording("nice-hogs-small").result(), _whole_scope("nice-hogs-small"))
    assert found.values[Key("fairness", "all tasks", "count")] > 20


def test_a_task_with_the_policy_idle_may_claim_little():
    """CFS of 2.6.24 gives such a task the weight 2; nice 19 has 15."""
    read = recording("nice-hogs-small")
    work = read.workload().with_policy({"hog6*": "idle"})
    result = read.result(workload=work)
    due = scope_of(read, work, result, result, None, "comm").due
    weight = dict(zip(result.names, due.weight.tolist()))
    assert (weight["hog6.n19"], weight["hog2.n0"]) == (2, 1024)


def _whole_scope(name):
    read = recording(name)
    result = read.result()
    return scope_of(read, read.workload(), result, result, None, "comm")


# ---- against another program's counts -------------------------------------------------------------


def counted(name, by):
    """What that program counted, and what is counted here, on all CPUs."""
    read, known = recording(name), truth(name)
    work = read.workload(None)
    result = read.result(None, workload=work)
    made = scope_of(read, work, result, result, known, by)
    found = measured(result, made)
    commands_of(known, result, made.name_of >= 0).add_to(found, result)
    return counted_of(known, made, list(known.cpus), by), found


@pytest.mark.parametrize("by", ["task", "comm"])
@pytest.mark.parametrize("name", each(NAMES))
def test_each_figure_is_the_one_that_was_counted(name, by):
    expected, found = counted(name, by)
    checked = {key: value for key, value in expected.items() if key.kind not in ("response", "switches")}
    assert len(checked) > 40
    assert {key: found.values.get(key) for key in checked} == pytest.approx(checked, rel=1e-9)


@pytest.mark.parametrize("name", each([name for name in NAMES if len(truth(name).cpus) == 1]))
def test_switches_are_those_that_were_counted(name):
    """One at the edge of the window may belong to either side; those that no line tells were not counted."""
    read, known = recording(name), truth(name)
    work = read.workload(list(known.cpus))
    result = read.result(list(known.cpus), workload=work)
    found = measured(result, scope_of(read, work, result, result, known, "comm"))
    [cpu] = known.cpus
    untold = json.loads(gzip.decompress(truth_path(name).read_bytes()))["per_cpu"][str(cpu)]["inferred_switch_ins"]
    assert -1 <= found.values[Key("switches", f"cpu{cpu}")] - known.switches[cpu] <= 1 + untold


@pytest.mark.parametrize("name", each([name for name in NAMES if truth(name).responses]))
def test_responses_are_what_the_tasks_measured(name):
    """They count from the release; a wakeup is raised up to 0.2 ms later, and a late one is in no trace."""
    expected, found = counted(name, "task")
    responses = {key: value for key, value in expected.items() if key.kind == "response"}
    for key, value in responses.items():
        if key.part in ("p50", "p95", "p99"):
            assert found.values[key] == pytest.approx(value, abs=200 * US), key
        if key.part == "count":
            assert value - 2 <= found.values[key] <= value


@pytest.mark.parametrize("name", each([name for name in NAMES if truth(name).build or truth(name).bench_ns]))
def test_builds_and_benchmarks_take_what_they_said(name):
    """C1 of cfs/validate/lives.py."""
    known, (_, found) = truth(name), counted(name, "comm")
    if known.build:
        assert found.values[Key("makespan", "build")] == known.build.length_ns
    else:
        assert found.values[Key("makespan", "bench")] == known.bench_ns
