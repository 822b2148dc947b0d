"""Lag and spread: laws that hold for every scheduler, and small cases that can be computed by hand."""

import numpy as np
import pytest

import cfs
from cfs import Result, Workload
from cfs.reports.fairness import Entitlement, lags_at, lags_over, virtual_spread
from cfs.result import RUN_DTYPE, Out, Ready
from cfs.workload import build, hogs, sleepers

MS = 10**6
MODELS = list(cfs.MODELS)


def a_result(runs, nr, duration_ns, model="m"):
    """Runs are (task, ready, start, end, out)."""
    table = np.zeros(len(runs), RUN_DTYPE)
    for row, (task, ready, start, end, out) in zip(table, runs):
        row["task"], row["ready_ns"], row["start_ns"], row["end_ns"] = task, ready, start, end
        row["out"], row["ready"] = out, Ready.WAKEUP
    names = [f"t{i}" for i in range(nr)]
    return Result(model, table, duration_ns, np.arange(nr), np.zeros(nr, np.int8), names, ["/"] * nr, [0], 0)


def due_of(result, **options):
    return Entitlement.of_nice(result.nice, **options)


def turns(nr=2, turn=10, rounds=10):
    """`nr` hogs that take turns."""
    runs = []
    for at in range(nr * rounds):
        task, start = at % nr, at * turn
        ready = 0 if at < nr else (at - nr + 1) * turn
        runs.append((task, ready, start, start + turn, Out.PREEMPTED))
    return a_result(runs, nr, nr * rounds * turn)


def test_of_two_hogs_one_is_half_a_turn_ahead_and_the_other_behind():
    result = turns()
    lags = lags_at(result, np.array([10, 20, 30, 35]), 10, due_of(result))
    assert lags.greatest_ns.tolist() == [5, 5, 5, 0]
    assert lags.least_ns.tolist() == [-5, -5, -5, 0]
    assert lags.nr_tasks.tolist() == [2] * 4
    assert lags.spread_ns.tolist() == [10, 10, 10, 0]


def test_a_fair_share_is_by_weight():
    result = turns()
    result.nice[:] = 0, 19  # weights 1024 and 15
    lag = lags_over(result, 0, 200, due_of(result))
    assert lag == pytest.approx([200 * 1024 / 1039 - 100, 200 * 15 / 1039 - 100])


def test_groups_share_first_then_their_tasks():
    result = turns(nr=3)
    due = due_of(result, groups=["a", "a", "b"], shares={"a": 1024, "b": 2048})
    assert lags_over(result, 0, 300, due) == pytest.approx([50 - 100, 50 - 100, 200 - 100])


def test_a_group_below_another_is_in_it_what_a_task_is():
    """Groups a and b are equal; in a its task (1024) and a/c (3072) share 1 to 3: claims 1/8, 3/8, 1/2."""
    result = turns(3)
    due = due_of(result, groups=["a", "a/c", "b"], shares={"a/c": 3072})
    claims = lags_over(result, 0, 300, due) + 100
    assert claims == pytest.approx([300 / 8, 900 / 8, 300 / 2])


def test_who_sleeps_in_a_window_is_not_looked_at():
    runs = [(0, 0, 0, 10, Out.BLOCKED), (1, 0, 10, 40, Out.PREEMPTED), (0, 40, 40, 60, Out.BLOCKED)]
    result = a_result(runs, 2, 60)
    lags = lags_at(result, np.array([20, 50, 60]), 20, due_of(result))
    assert lags.nr_tasks.tolist() == [1, 1, 2]
    assert len(lags.spread_ns) == 1


def test_who_was_preempted_waits_to_the_end_of_a_simulation_but_not_of_a_recording():
    runs = [(0, 0, 0, 10, Out.PREEMPTED), (1, 0, 10, 100, Out.RUNNING)]
    for model, nr in (("m", 2), ("recorded", 1)):
        result = a_result(runs, 2, 100, model)
        assert lags_at(result, np.array([100]), 50, due_of(result)).nr_tasks.tolist() == [nr]


def test_an_empty_result_has_no_lag():
    result = a_result([], 2, 100)
    lags = lags_at(result, np.array([50]), 10, due_of(result))
    assert lags.nr_tasks.tolist() == lags.greatest_ns.tolist() == [0]
    assert lags_over(result, 0, 100, due_of(result)).tolist() == [0, 0]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("group_by", [None, "uid"])
def test_lags_sum_to_zero(model, group_by):
    """L1 of cfs/reports/fairness.py, whatever the scheduler does, with sleepers, forks and two CPUs."""
    work = build(4, 10, seed=3, uid=5).merged(sleepers(3, nice=-5)).merged(hogs(2, cpu=1, nice=3))
    work.duration_ns = 700 * MS
    result = work.run(model)
    groups = [f"uid:{uid}" for uid in work.tasks["uid"].tolist()] if group_by else None
    due = due_of(result, groups=groups, shares={"uid:5": 300})
    for begin, end in ((0, 700), (100, 200), (333, 334)):
        lag = lags_over(result, begin * MS, end * MS, due)
        for cpu in (0, 1):
            assert abs(lag[work.tasks["cpu"] == cpu].sum()) < 10
        assert abs(lag).max() <= (end - begin) * MS + 1  # L2


@pytest.mark.parametrize("model", ["linux-2.6.24-cfs", "linux-6.18-eevdf"])
def test_equal_hogs_stay_within_a_few_slices(model):
    result = hogs(4, duration_ns=2000 * MS).run(model)
    lags = lags_at(result, np.arange(500, 2000, 50) * MS, 100 * MS, due_of(result))
    assert (lags.nr_tasks == 4).all()
    assert lags.spread_ns.max() <= 15 * MS


def test_spread_of_vruntime_is_that_of_the_queue_and_the_running_task():
    simulation = cfs.Simulation(hogs(3, duration_ns=100 * MS))
    simulation.run(until_ns=57 * MS)
    sched = simulation.scheduler
    values = [task.vruntime for task in sched.tasks]
    assert virtual_spread(sched, [0]) == ("vruntime", max(values) - min(values))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("group_by", [None, "uid", "cgroup"])
def test_spread_of_every_model_and_grouping(model, group_by):
    if group_by not in cfs.MODELS[model].group_by:
        pytest.skip("no such groups")
    programs = {name: [("run", 10**9)] for name in "abcd"}
    work = Workload.of_programs(
        programs, uid={"a": 7}, group={"a": "x", "b": "x", "c": "y"}, duration_ns=10**9
    )
    simulation = cfs.Simulation(work, model, group_by=group_by)
    found = []
    for at_ns in range(50 * MS, 1000 * MS, 50 * MS):
        simulation.run(until_ns=at_ns)
        found.append(virtual_spread(simulation.scheduler, [0]))
    if model == "linux-2.6.22-o1":
        assert set(found) == {None}
    else:
        assert {name for name, _ in found} == {"wait_runtime" if "2.6.23" in model else "vruntime"}
        assert 0 < max(spread for _, spread in found) < 200 * MS


def test_an_idle_machine_has_no_spread():
    assert virtual_spread(cfs.Scheduler(), [0]) is None
