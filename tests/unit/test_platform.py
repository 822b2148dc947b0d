"""When ticks come, what may be stated of a platform, and what it does to a simulation."""

import numpy as np
import pytest

import cfs
from cfs import Simulation, Workload, WorkloadError
from cfs.platform import PREEMPT, Platform
from cfs.result import Out, Ready

MS, US = 1_000_000, 1_000
MODELS = list(cfs.MODELS)
PREEMPTING = [model for model in MODELS if model != "rfs-model"]
"""In the mathematics of RFS a woken task is not ahead of one that has run: nobody is preempted by it here."""


# ---- ticks


def test_m1_without_a_phase_the_first_tick_comes_a_whole_tick_after_the_start():
    assert [Platform(hz=250).time_of_tick(k) for k in (1, 2, 250)] == [4 * MS, 8 * MS, 1000 * MS]


def test_m1_a_phase_is_when_the_first_tick_comes():
    platform = Platform(hz=250, tick_phase_ns=MS)
    assert [platform.time_of_tick(k) for k in (1, 2, 3)] == [MS, 5 * MS, 9 * MS]


def test_m1_lateness_depends_on_seed_and_number_alone():
    late = (0, 10 * US, 20 * US, 30 * US)
    one, two = (Platform(hz=250, tick_jitter_ns=late, seed=seed) for seed in (1, 2))
    by = [[p.time_of_tick(k) - k * 4 * MS for k in range(1, 401)] for p in (one, two)]
    assert set(by[0]) == set(late) and by[0] != by[1]
    assert by[0] == [Platform(hz=250, tick_jitter_ns=late, seed=1).time_of_tick(k) - k * 4 * MS for k in range(1, 401)]
    assert min(np.bincount(np.array(by[0]) // (10 * US))) > 70  # each about a quarter of 400


@pytest.mark.parametrize("model", MODELS)
def test_hogs_are_switched_at_the_ticks_of_the_platform(model):
    late = (0, 7 * US, 60 * US)
    platform = Platform(hz=250, tick_phase_ns=MS, tick_jitter_ns=late, seed=3)
    result = Simulation(cfs.workload.hogs(2, duration_ns=2000 * MS), model, platform=platform).run()
    ticks = {platform.time_of_tick(k) for k in range(1, 510)}
    ends = result.runs["end_ns"][result.runs["out"] == Out.PREEMPTED].tolist()
    assert len(ends) > 5 and set(ends) <= ticks


# ---- what may be stated


@pytest.mark.parametrize(
    "facts, words",
    [
        ({"hz": 0}, "hz = 0"),
        ({"preempt": "ful"}, "did you mean 'full'"),
        ({"tick_phase_ns": MS}, "tick_phase_ns = 1000000 is outside of 0 ... 999999"),
        ({"tick_jitter_ns": (5, MS)}, "tick_jitter_ns"),
        ({"wakeup_cost_ns": -1}, "wakeup_cost_ns = -1"),
        ({"switch_cost_ns": "much"}, "'much' is no whole number"),
        ({"seed": -1}, "seed"),
        ({"nr_cpus": 0}, "nr_cpus"),
    ],
)
def test_what_cannot_be_is_refused(facts, words):
    with pytest.raises(WorkloadError, match=words.replace("(", r"\(").replace(".", r"\.")):
        Platform(**facts)


def test_numbers_of_numpy_are_kept_as_integers():
    stated = Platform(
        hz=np.int64(250),
        tick_phase_ns=np.uint64(5),
        tick_jitter_ns=np.array([7, 9]),
        seed=np.uint64(2**64 - 1),
        nr_cpus=np.int8(3),
    )
    plain = Platform(hz=250, tick_phase_ns=5, tick_jitter_ns=(7, 9), seed=2**64 - 1, nr_cpus=3)
    assert stated == plain and hash(stated) == hash(plain)
    assert [type(value) for value in vars(stated).values()] == [type(value) for value in vars(plain).values()]
    assert [stated.time_of_tick(k) for k in range(1, 20)] == [plain.time_of_tick(k) for k in range(1, 20)]


def test_a_phase_of_another_tick_is_dropped_and_none_changes_nothing():
    platform = Platform(hz=250, tick_phase_ns=3 * MS, tick_jitter_ns=(2 * MS,))
    assert platform.changed(hz=None, seed=4) == Platform(hz=250, tick_phase_ns=3 * MS, tick_jitter_ns=(2 * MS,), seed=4)
    assert platform.changed(hz=1000) == Platform(hz=1000, tick_jitter_ns=(MS - 1,))


def test_the_text_names_what_is_not_frictionless():
    assert Platform(hz=250).text == ""
    text = Platform(hz=250, preempt="none", wakeup_cost_ns=5 * US, nr_cpus=2).text
    assert text == "preempt=none, wakeup cost 5 µs, slices for 2 CPUs"


# ---- holding a CPU


def pair(stay_ns):
    """A wakes B, and then computes on; B sleeps until then. Its nice value makes B come first in every model."""
    programs = {
        "a": [("sleep", MS), ("run", 40 * MS), ("wake", "b", stay_ns), ("run", 5 * MS)],
        "b": [("wait",), ("run", MS)],
    }
    return Workload.of_programs(programs, nice={"b": -10}, duration_ns=90 * MS)


def first_wait(result):
    [runs] = [result.runs[(result.runs["task"] == 1) & (result.runs["start_ns"] > 0)]]
    assert runs["ready"][0] == Ready.WAKEUP
    return int(runs["start_ns"][0] - runs["ready_ns"][0])


@pytest.mark.parametrize("model", PREEMPTING)
def test_m2_a_task_in_the_kernel_is_preempted_when_it_leaves_it(model):
    work = pair(300 * US)
    assert first_wait(work.run(model, hz=100)) == 0  # full is the default of a scenario
    assert first_wait(work.run(model, hz=100, preempt="none")) == 300 * US
    assert first_wait(work.run(model, hz=100, preempt="voluntary")) == 300 * US


@pytest.mark.parametrize("model", MODELS)
def test_m2_or_when_it_blocks_or_exits(model):
    assert first_wait(pair(20 * MS).run(model, hz=100, preempt="none")) == 5 * MS


def test_an_interrupt_costs_time_on_an_idle_cpu_and_on_a_busy_one():
    programs = {"s": [("sleep_until", 40 * MS), ("run", MS)], "hog": [("run", 60 * MS)]}
    for names in (["s"], ["s", "hog"]):
        work = Workload.of_programs({n: programs[n] for n in names}, nice={"s": -20}, duration_ns=90 * MS)
        runs = work.run(hz=100, wakeup_cost_ns=8 * US).runs
        of_s = runs[(runs["task"] == 0) & (runs["ready_ns"] == 40 * MS)]
        assert of_s["start_ns"][0] - 40 * MS == 8 * US


@pytest.mark.parametrize("model", MODELS)
def test_each_switch_costs_cpu_time(model):
    work = Workload.of_programs({"a": [("run", 30 * MS)], "b": [("run", 30 * MS)]}, duration_ns=500 * MS)
    free, dear = work.run(model), work.run(model, switch_cost_ns=10 * US)
    assert free.busy_ns == 60 * MS
    assert dear.busy_ns == 60 * MS + 10 * US * len(dear.runs)


def test_every_mode_is_taken():
    assert [Platform(preempt=mode).preempt for mode in PREEMPT] == ["none", "voluntary", "full"]


# ---- the same, event by event


@pytest.mark.parametrize("model", PREEMPTING)
def test_a_scheduler_waits_with_a_flag_until_preempt_enable(model):
    sched = cfs.Scheduler(model)
    a = sched.fork(name="a", now_ns=0)
    b = sched.adopt(name="b", nice=-10)
    for k in range(1, 40):
        sched.tick(now_ns=k * MS)
    sched.preempt_disable()
    assert not sched.wake(b, now_ns=40 * MS) and sched.current == a and sched.resched_waits()
    assert sched.preempt_enable(now_ns=41 * MS) and sched.current == b and not sched.resched_waits()
    sched.check()


def test_a_block_ends_it():
    sched = cfs.Scheduler()
    sched.fork(name="a", now_ns=0)
    sched.fork(name="b", now_ns=0)
    sched.preempt_disable()
    gone = sched.current
    sched.block(now_ns=MS)
    assert not sched.resched_waits() and sched.current not in (gone, None)
    assert not sched.preempt_enable(now_ns=MS)


def test_a_task_adopted_by_o1_has_a_full_slice_whoever_was_adopted_before():
    sched = cfs.Scheduler("linux-2.6.22-o1")
    tasks = [sched.adopt(name=f"t{i}", nice=nice) for i, nice in enumerate([0] * 8 + [19, -20])]
    slices = [task.fields()["time_slice"] for task in tasks]
    assert slices == [100] * 8 + [5, 800]  # ms, by the specification's table of static priorities
