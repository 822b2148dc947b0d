"""Looking at a simulation while it runs: nothing changes, and what is seen is so."""

import numpy as np
import pytest

from cfs import Simulation, Workload
from cfs.reports import nr_running, run_sampled

MS = 10**6


def simulation(model="linux-2.6.24-cfs", **options):
    programs = {f"t{i}": [("run", 7 * MS), ("sleep", 2 * MS)] * 6 for i in range(4)}
    return Simulation(Workload.of_programs(programs, duration_ns=100 * MS), model, **options)


@pytest.mark.parametrize(
    "model", ["linux-2.6.24-cfs", "linux-2.6.23-cfs", "linux-2.6.22-o1", "linux-6.18-eevdf"]
)
def test_looking_changes_nothing(model):
    result, _ = run_sampled(simulation(model), nr_instants=33)
    plain = simulation(model).run()
    assert result.runs.tolist() == plain.runs.tolist()
    assert (result.duration_ns, result.end) == (plain.duration_ns, plain.end)


def test_only_the_last_look_makes_a_result(monkeypatch):
    """A result copies all runs since time 0, so one a look would cost the square of the time."""
    made = []
    make = Simulation.result
    monkeypatch.setattr(Simulation, "result", lambda looked, **how: made.append(looked.now_ns) or make(looked, **how))
    run_sampled(simulation(), nr_instants=20)
    assert made == [100 * MS]


def test_values_are_those_of_the_tasks():
    _, samples = run_sampled(simulation(), nr_instants=10)
    looked = simulation()
    looked.run(50 * MS)
    expected = {
        int(task.name.removeprefix("task-")): task.vruntime
        for task in looked.scheduler.tasks
        if task.state in ("running", "runnable")
    }
    rows = samples.rows[samples.rows["at_ns"] == 50 * MS]
    assert sorted(rows["value"].tolist()) == sorted(expected.values())


def test_rows_are_rows_of_the_workload():
    programs = {"a": [("fork", "b"), ("run", 10**9)], "c": [("run", MS)], "b": [("run", 10**9)]}
    looked = Simulation(Workload.of_programs(programs, nice={"a": 1, "b": 2, "c": 3}, duration_ns=10**9))
    looked.run(500 * MS)  # c has exited, b was forked after it
    rows = looked.rows_by_id()
    assert {rows[task.id]: task.nice for task in looked.scheduler.tasks} == {0: 1, 2: 2}


def test_a_model_without_virtual_time_has_no_samples():
    _, samples = run_sampled(simulation("linux-2.6.22-o1"), nr_instants=5)
    assert samples is None


def test_the_spread_is_that_of_the_rows():
    _, samples = run_sampled(simulation(), nr_instants=20)
    for at_ns, spread in zip(samples.spread.at_ns.tolist(), samples.spread.spread.tolist()):
        values = samples.rows["value"][samples.rows["at_ns"] == at_ns]
        assert spread == (np.ptp(values) if len(values) else 0)


def test_it_ends_at_a_time_if_told():
    result, samples = run_sampled(simulation(), 30 * MS, nr_instants=3)
    assert result.duration_ns == 30 * MS
    assert sorted(set(samples.rows["at_ns"].tolist())) == [10 * MS, 20 * MS, 30 * MS]


@pytest.mark.parametrize("at_ns", [1, 3 * MS, 20 * MS + 1, 47 * MS, 80 * MS])
def test_nr_running_is_what_the_scheduler_says(at_ns):
    result = simulation().run()
    times, number = nr_running(result, 0)
    looked = simulation()
    looked.run(at_ns)
    place = np.searchsorted(times, at_ns, "right") - 1
    assert (number[place] if place >= 0 else 0) == looked.scheduler.nr_running


def test_nr_running_of_a_cpu_without_runs_is_empty():
    assert [len(column) for column in nr_running(simulation().run(), 5)] == [0, 0]
