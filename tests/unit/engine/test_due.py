"""What is due first, where many things are due at one instant. Way to be right: orders told by hand, and the twin.

The order is (time, kind: tick < timer < end of a run, sequence number: of the CPU, or of the timer). A workload of programs
shows all of it in the log of wakeups: a row says when, who, by whom, and after how many runs.
"""

import random

import numpy as np
import pytest

import cfs
from cfs import Simulation, Workload
from tests.quick import few

MS = 1_000_000
CPUS = [2, 3, 8, 70]            # one level of games, a leaf without a CPU, a full tree, more than a word of bits


def in_any_order(nr, seed=1):
    cpus = list(range(nr))
    random.Random(seed).shuffle(cpus)
    return cpus


def simulated(programs, cpu, **options):
    work = Workload.of_programs(programs, cpu=cpu, duration_ns=40 * MS, **options)
    return Simulation(work, "linux-2.6.24-cfs", hz=1000).run()


@pytest.mark.parametrize("nr_cpus", CPUS)
def test_timers_of_one_instant_wake_in_the_order_in_which_they_were_set(nr_cpus):
    """I2 of cfs/engine/_driver.pxd. The tasks are not in the order of their CPUs."""
    cpus = in_any_order(nr_cpus)
    programs = {f"task {i}": [("run", 100), ("sleep_until", 20 * MS), ("run", 100)] for i in range(nr_cpus)}
    starts = {f"task {i}": 3 * MS - i * 1000 for i in range(nr_cpus)}       # the last one is the first to sleep
    wakeups = simulated(programs, {f"task {i}": cpus[i] for i in range(nr_cpus)}, start_ns=starts).wakeups
    again = wakeups[wakeups["time_ns"] == 20 * MS]
    assert again["task"].tolist() == list(range(nr_cpus))[::-1]
    assert again["cpu"].tolist() == cpus[::-1]


@pytest.mark.parametrize("nr_cpus", CPUS)
def test_ends_of_work_of_one_instant_come_in_the_order_of_the_cpus(nr_cpus):
    """I2 of cfs/engine/_driver.pxd: each wakes a sleeper of its own CPU when its work is done."""
    cpus = in_any_order(nr_cpus)
    programs, cpu = {}, {}
    for i in range(nr_cpus):
        programs |= {f"worker {i}": [("run", 300_000), ("wake", f"sleeper {i}")], f"sleeper {i}": [("wait",)]}
        cpu |= {f"worker {i}": cpus[i], f"sleeper {i}": cpus[i]}
    starts = {name: 2 * MS if name.startswith("worker") else 0 for name in programs}
    wakeups = simulated(programs, cpu, start_ns=starts).wakeups
    woken = wakeups[wakeups["waker"] >= 0]
    assert len(woken) == nr_cpus and set(woken["time_ns"].tolist()) == {2 * MS + 300_000}
    assert woken["cpu"].tolist() == list(range(nr_cpus))


def test_a_tick_a_timer_and_an_end_of_one_instant_come_in_this_order():
    """By hand: at 5 ms the worker of CPU 0 ends, the timer of CPU 1 wakes, and CPU 2 ticks; so the timer's row is the first."""
    programs = {
        "worker": [("run", 1 * MS), ("wake", "sleeper")],
        "sleeper": [("wait",)],
        "alarm": [("run", 100), ("sleep_until", 5 * MS), ("run", 100)],
        "hog": [("run", 30 * MS)],
    }
    cpu = {"worker": 0, "sleeper": 0, "alarm": 1, "hog": 2}
    wakeups = simulated(programs, cpu, start_ns={"worker": 4 * MS, "sleeper": 0, "alarm": 0, "hog": 0}).wakeups
    at_5 = wakeups[wakeups["time_ns"] == 5 * MS]
    assert at_5["task"].tolist() == [2, 1]
    assert at_5["cpu"].tolist() == [1, 0]


def steps_of(nr_cpus, seed):
    """Sleepers and workers in steps of a quarter of a millisecond, so that most instants have many events."""
    rng = random.Random(seed)
    step = MS // 4
    programs = {}
    for i in range(3 * nr_cpus):
        ops = [("run", step * rng.randrange(1, 4)), (rng.choice(["sleep", "next"]), step * rng.randrange(1, 5))]
        programs[f"task {i}"] = [*ops, ("loop",)]
    cpu = {name: rng.randrange(nr_cpus) for name in programs} | {"task 0": nr_cpus - 1}
    starts = {name: step * rng.randrange(3) for name in programs}
    return Workload.of_programs(programs, cpu=cpu, start_ns=starts, duration_ns=60 * MS)


@pytest.mark.parametrize("nr_cpus", [1, 2, 7, 12])
@pytest.mark.parametrize("seed", few(range(3), 1))
def test_in_step_the_loop_does_what_the_twin_does(seed, nr_cpus):
    """I1 and I3 of cfs/engine/_driver.pxd: whoever was charged wrongly would end at another time."""
    work = steps_of(nr_cpus, seed)
    policy = cfs.Scheduler("linux-2.6.24-cfs", cpus=nr_cpus, hz=1000, ticks=False)
    ours, theirs = Simulation(work, "linux-2.6.24-cfs", hz=1000).run(), Simulation(work, policy, hz=1000).run()
    order = ["start_ns", "cpu", "end_ns", "task"]
    assert len(ours.runs) > 20
    assert np.array_equal(np.sort(ours.runs, order=order), np.sort(theirs.runs, order=order))
    assert ours.wakeups.tolist() == theirs.wakeups.tolist()
