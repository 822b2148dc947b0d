"""The row of a run and its codes: what C writes is what Python reads."""

import numpy as np
import pytest

from cfs import Simulation
from cfs.engine import _runs
from cfs.result import RUN_DTYPE, WAKEUP_DTYPE, Out, Ready, WokenBy
from tests.unit.engine.test_program import random_workload


def test_a_row_in_python_is_the_struct_in_c():
    fields, size = _runs.row_layout()
    of_python = [(name, RUN_DTYPE.fields[name][1], RUN_DTYPE[name].itemsize) for name in RUN_DTYPE.names]
    assert (fields, size) == (of_python, RUN_DTYPE.itemsize)


def test_a_wakeup_in_python_is_the_struct_in_c():
    fields, size = _runs.wakeup_layout()
    of_python = [(name, WAKEUP_DTYPE.fields[name][1], WAKEUP_DTYPE[name].itemsize) for name in WAKEUP_DTYPE.names]
    assert (fields, size) == (of_python, WAKEUP_DTYPE.itemsize)
    assert _runs.causes() == {cause.name: cause.value for cause in WokenBy}


def test_the_codes_are_the_same():
    ready, out = _runs.codes()
    assert ready == {code.name: code.value for code in Ready}
    assert out == {code.name: code.value for code in Out}


def test_i1_rows_are_in_the_order_of_starts_and_a_cpu_has_one_open_run():
    runs = random_workload(5, 5).run(until_ns=200_000_000).runs
    still_open = runs[runs["out"] == Out.RUNNING]["cpu"]
    assert len(runs) > 100 and len(still_open)
    assert (np.diff(runs["start_ns"]) >= 0).all()
    assert len(set(still_open.tolist())) == len(still_open)


def test_i2_wakeups_are_in_the_order_of_time_and_fit_between_the_runs():
    result = random_workload(11, 5).run(until_ns=200_000_000)
    woken, starts = result.wakeups, result.runs["start_ns"]
    assert set(woken["cause"].tolist()) == {WokenBy.TASK, WokenBy.TIMER, WokenBy.FORK}
    assert (np.diff(woken["time_ns"]) >= 0).all() and (np.diff(woken["nr_runs"].astype(int)) >= 0).all()
    assert (np.searchsorted(starts, woken["time_ns"]) <= woken["nr_runs"]).all()
    assert (woken["nr_runs"] <= np.searchsorted(starts, woken["time_ns"], "right")).all()


def taken_in_portions(work, steps, until_ns):
    """Runs of a simulation, taken now and then, and its result as it is at the end."""
    sim, portions, earlier = Simulation(work, log="runs"), [], []
    whole = Simulation(work).run(until_ns=until_ns).runs
    whole["cpu"] = np.searchsorted(sim.cpus, whole["cpu"])  # as the loop numbers them
    for at_ns in np.linspace(0, until_ns, steps + 1)[1:].astype(int).tolist():
        sim.advance(at_ns)
        rows, still_open = sim._loop.take_runs()
        runs = np.frombuffer(rows, RUN_DTYPE) if memoryview(rows).nbytes else np.zeros(0, RUN_DTYPE)
        assert (runs["end_ns"][still_open] == at_ns).all() and (runs["out"][still_open] == Out.RUNNING).all()
        portions.append((runs, still_open))
        earlier.append(sim._loop.nr_runs)
    return whole, portions, earlier


@pytest.mark.parametrize(("seed", "nr_cpus"), [(3, 5), (4, 1), (11, 3)])
def test_i3_of_runs_what_was_taken_and_what_is_left_are_all(seed, nr_cpus):
    """I3 of cfs/engine/_runs.pyx."""
    whole, portions, left = taken_in_portions(random_workload(seed, nr_cpus), 9, 50_000_000)
    over = [np.delete(runs, still_open) for runs, still_open in portions]
    last, still_open = portions[-1]
    found = np.concatenate([*over, last[still_open]])
    assert len(whole) > 40 and sorted(found.tolist()) == sorted(whole.tolist())
    assert left == [len(still_open) for _, still_open in portions]


def test_memory_that_was_handed_over_goes_with_its_owner():
    sim = Simulation(random_workload(3, 2))
    sim.advance(20_000_000)
    rows, _ = sim._loop.take_runs()
    runs = np.frombuffer(rows, RUN_DTYPE)
    first = runs[0].tolist()
    sim.advance(50_000_000)
    del sim, rows
    assert runs[0].tolist() == first and runs.flags.writeable
