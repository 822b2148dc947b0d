"""What a simulation keeps of its runs: all, none but sums, or what a function makes of them. The log is the witness."""

import copy
import pickle
import weakref

import numpy as np
import pytest

from cfs import Scheduler, Simulation, StateError, Workload, WorkloadError
from cfs.result import RUN_DTYPE, altered
from cfs.sums import UNKNOWN_NS
from tests.quick import few
from tests.unit.engine.test_program import random_workload

MS = 10**6
UNTIL_NS = 60 * MS
SHARED = ("key", "nr_tasks", "cpu_ns", "share", "switches", "voluntary", "involuntary", "unknown_waits")


def many_runs(nr_cpus=1):
    """Some 40 000 runs a second and CPU: two that wake each other."""
    programs, cpu = {}, {}
    for place in range(nr_cpus):
        ping, pong = f"ping {place}", f"pong {place}"
        programs[ping] = [("run", 25_000), ("wake", pong), ("wait",), ("loop",)]
        programs[pong] = [("wait",), ("run", 25_000), ("wake", ping), ("loop",)]
        cpu |= {ping: place, pong: place}
    return Workload.of_programs(programs, cpu=cpu, duration_ns=3 * 10**9)


@pytest.mark.parametrize("seed", few(range(6)))
def test_without_a_log_the_sums_are_those_of_the_log(seed):
    work = random_workload(seed, 3)
    logged, without = work.run(until_ns=UNTIL_NS), work.run(until_ns=UNTIL_NS, log=False)
    wanted, found = logged.stats(), without.stats()
    for name in SHARED:
        assert (found[name] == wanted[name]).all(), name
    for name in ("latency", "run_length"):
        for part in ("count", "sum_ns", "max_ns"):
            assert (found[name][part] == wanted[name][part]).all(), (name, part)
        assert set(found[name]["p99_ns"].tolist()) <= {0, UNKNOWN_NS}
    assert without.context_switches == logged.context_switches
    assert without.busy_ns == logged.busy_ns
    assert len(without.wakeups) == 0 < len(logged.wakeups)


def test_whoever_needs_the_log_is_told_so():
    result = many_runs().run(until_ns=MS, log=False)
    for ask in (
        lambda: result.runs,
        lambda: result.waits(),
        lambda: result.run_ns,
        lambda: altered(result, model="another").runs,
        lambda: pickle.loads(pickle.dumps(result)).runs,
        lambda: copy.copy(result).runs,
    ):
        with pytest.raises(StateError, match="no log of runs was kept, and this needs it: run it with log=True"):
            ask()
    assert result.to_dict()["tasks"][0]["run_length"]["p50_ns"] is None
    assert "<svg" not in result._repr_html_() and "ping 0" in result._repr_html_()


def test_the_last_result_is_the_result():
    work = random_workload(5, 3)
    wanted, found = Simulation(work).run(until_ns=UNTIL_NS), Simulation(work).run(until_ns=UNTIL_NS, last=True)
    assert (found.runs == wanted.runs).all() and found.runs.flags.writeable
    assert (found.wakeups == wanted.wakeups).all()


def test_after_the_last_result_nothing_goes_on():
    sim = Simulation(many_runs())
    sim.run(until_ns=MS, last=True)
    for again in (sim.result, sim.run, sim.advance):
        with pytest.raises(StateError, match="has handed over its runs: make a new one"):
            again()


@pytest.mark.parametrize("log", [True, "runs", False])
def test_many_steps_are_one(log):
    work = random_workload(2, 3)
    sim, whole = Simulation(work, log=log), work.run(until_ns=UNTIL_NS, log=log)
    for at_ns in range(7 * MS, UNTIL_NS + 1, MS):
        found = sim.run(at_ns)
    found = sim.run(UNTIL_NS)
    assert (found.stats() == whole.stats()).all()
    if log is not False:
        assert (found.runs == whole.runs).all()
    assert len(found.wakeups) == (len(whole.wakeups) if log is True else 0)


@pytest.mark.parametrize("nr_cpus", few([1, 2], 1))
def test_a_function_is_given_every_run_in_portions(nr_cpus):
    work, portions = many_runs(nr_cpus), []
    result = Simulation(work).run(log=portions.append)
    whole = work.run()
    runs = np.concatenate(portions)
    assert runs.dtype == RUN_DTYPE and len(portions) > 3
    if nr_cpus == 1:
        assert (runs == whole.runs).all()
    else:
        assert sorted(runs.tolist()) == sorted(whole.runs.tolist())
    assert (result.stats()["cpu_ns"] == whole.stats()["cpu_ns"]).all()


def test_portions_do_not_grow_with_the_runs():
    def sizes_of(seconds):
        portions = []
        Simulation(many_runs()).run(seconds * 10**9, log=lambda runs: portions.append(len(runs)))
        return portions

    sizes = {seconds: sizes_of(seconds) for seconds in (1, 3)}
    assert max(sizes[3]) == max(sizes[1]) < 40_000 < sum(sizes[3])
    assert len(sizes[3]) > len(sizes[1])


def test_a_simulation_whose_function_failed_is_over():
    def fail(runs):
        raise OSError("the disk is full")

    sim = Simulation(many_runs(), log=fail)
    with pytest.raises(OSError, match="the disk is full"):
        sim.run()
    with pytest.raises(StateError, match="has handed over its runs"):
        sim.result()


def test_what_is_kept_is_said_before_time_begins():
    sim = Simulation(many_runs())
    sim.advance(MS)
    with pytest.raises(StateError, match="comes too late"):
        sim.run(log=False)


@pytest.mark.parametrize("log", ["none", 0, 1, np.False_, []], ids=repr)
def test_what_is_kept_is_one_of_few(log):
    with pytest.raises(WorkloadError, match="none of True, False, 'runs'"):
        Simulation(many_runs(), log=log)


def test_cpus_keep_their_numbers():
    work = many_runs(2)
    work.tasks["cpu"] *= 5
    portions = []
    assert Simulation(work).run(until_ns=MS, last=True).runs["cpu"].max() == 5
    Simulation(work).run(until_ns=MS, log=portions.append)
    assert {0, 5} == set(np.concatenate(portions)["cpu"].tolist())


def test_a_policy_in_python_keeps_what_it_is_asked_to():
    work, portions = many_runs(), []

    def policy():
        return Scheduler("linux-2.6.24-cfs", ticks=False)

    whole = Simulation(work, policy()).run(20 * MS)
    without = Simulation(work, policy(), log=False).run(20 * MS)
    assert (without.stats()["cpu_ns"] == whole.stats()["cpu_ns"]).all()
    Simulation(work, policy()).run(20 * MS, log=portions.append)
    assert (np.concatenate(portions) == whole.runs).all()
    assert len(Simulation(work, policy(), log="runs").run(20 * MS).wakeups) == 0 < len(whole.wakeups)


@pytest.mark.parametrize("log", [True, "runs", False, lambda runs: None])
def test_a_simulation_goes_with_its_last_name(log):
    """A ring would keep its operations, the longest array there is, until somebody looks for rings."""
    sim = Simulation(many_runs(), log=log)
    sim.run(until_ns=MS)
    gone = weakref.ref(sim)
    del sim
    assert gone() is None
