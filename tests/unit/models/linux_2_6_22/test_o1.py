"""The O(1) scheduler of 2.6.22 in particular. Ways to be right: the tables and worked examples of the
specification (sections 3, 4 and 9), and its invariants after each random step (the numbers are those of
cfs/models/linux_2_6_22/_o1.pyx).

That every number of every state is right is shown by the traces; here stands why one believes it.
"""

import pytest

import cfs
from tests.builders import MS, a_scheduler, random_events
from tests.quick import few

MODEL = "linux-2.6.22-o1"
ACTIVE, EXPIRED = 1, 2
NONINTERACTIVE, INTERACTIVE, INTERRUPTED = 1, 2, 3


def of_2_6_22(**options):
    """With `hz` as the constants' source only: the tests tick by hand."""
    return a_scheduler(MODEL, ticks=False, **options)


def slice_of(task):
    return task.fields()["time_slice"]


def arrays(sched):
    """Names of the tasks in the active and the expired array, the running one included."""
    members = sched.queue(running=True)
    return tuple(
        " ".join(task.name for task in members if task.fields()["array"] == array)
        for array in (ACTIVE, EXPIRED)
    )


def tick_from(sched, first_ms, last_ms):
    """Ticks at whole milliseconds; yields the time of each."""
    for ms in range(first_ms, last_ms + 1):
        sched.tick(now_ns=ms * MS)
        yield ms


def tick_all(sched, first_ms, last_ms):
    for _ in tick_from(sched, first_ms, last_ms):
        pass


# ---- Slices, weights (specification 3 and 4.1) ---------------------------------------------------

NICE = (-20, -15, -10, -5, -1, 0, 1, 5, 10, 15, 19)
FULL = {
    1000: (800, 700, 600, 500, 420, 100, 95, 75, 50, 25, 5),
    250: (200, 175, 150, 125, 105, 25, 23, 18, 12, 6, 1),
    100: (80, 70, 60, 50, 42, 10, 9, 7, 5, 2, 1),
}
WEIGHT = {
    1000: (1024, 896, 768, 640, 537, 128, 121, 96, 64, 32, 6),
    250: (1024, 896, 768, 640, 537, 128, 117, 92, 61, 30, 5),
    100: (1024, 896, 768, 640, 537, 128, 115, 89, 64, 25, 12),
}


@pytest.mark.parametrize("hz", FULL)
def test_full_slices_and_load_weights(hz):
    sched = of_2_6_22(hz=hz)
    tasks = [sched.fork(now_ns=0, nice=nice) for nice in NICE]
    assert tuple(task.slice_ns * hz // 10**9 for task in tasks) == FULL[hz]
    assert tuple(task.weight for task in tasks) == WEIGHT[hz]


def test_hz_is_compiled_in():
    with pytest.raises(cfs.TunableError, match="hz is compiled in"):
        of_2_6_22().set_tunables(hz=100)


@pytest.mark.parametrize("hz", [0, 9, 10**7])
def test_an_hz_that_makes_no_slice_is_refused(hz):
    with pytest.raises(cfs.TunableError, match="hz"):
        of_2_6_22(hz=hz)


def test_there_is_no_policy_idle():
    with pytest.raises(cfs.StateError, match="none of normal, batch"):
        of_2_6_22().fork(now_ns=0, policy="idle")


def test_time_is_told_in_jiffies():
    sched = of_2_6_22(hz=250)
    sched.fork(now_ns=2**63)
    assert sched.cpu_fields()["jiffies"] == 2**63 * 250 // 10**9


# ---- Worked examples (specification 9) -----------------------------------------------------------


def two_hogs(**nice_of_first):
    """Example 9.1 at half a millisecond."""
    sched = of_2_6_22()
    one = sched.fork(name="1", now_ns=0, **nice_of_first)
    two = sched.fork(name="2", now_ns=MS // 2, nice=0)
    return sched, one, two


def test_example_9_1_slices_are_shared_by_fork_and_arrays_swapped():
    sched = of_2_6_22()
    one = sched.fork(name="1", now_ns=0)
    assert (slice_of(one), sched.idle_fields()["time_slice"], one.prio) == (500, 500, 125)
    two = sched.fork(name="2", now_ns=MS // 2)
    assert (slice_of(one), slice_of(two), arrays(sched), sched.current) == (250, 250, ("2 1", ""), two)
    tick_all(sched, 1, 250)
    queue = sched.queue_fields()
    assert (slice_of(one), slice_of(two), arrays(sched)) == (250, 100, ("1", "2"))
    assert (queue["expired_timestamp"], queue["best_expired_prio"]) == (250, 120)
    tick_all(sched, 251, 500)
    queue = sched.queue_fields()
    assert (slice_of(one), slice_of(two), arrays(sched)) == (100, 100, ("2 1", ""))
    assert (queue["expired_timestamp"], queue["best_expired_prio"]) == (0, 140)
    expired = {ms: sched.queue_fields()["expired_timestamp"] for ms in tick_from(sched, 501, 700)}
    assert (expired[599], expired[600], expired[700]) == (0, 600, 0)


def a_woken_sleeper():
    """Example 9.2 at 902.5 ms."""
    sched, one, two = two_hogs()
    tick_all(sched, 1, 2)
    assert slice_of(two) == 248
    sched.block(now_ns=2_500_000)
    tick_all(sched, 3, 902)
    assert sched.wake(two, now_ns=902_500_000) is True
    return sched, one, two


def test_example_9_2_the_ceiling_of_a_sleep_and_the_charge_of_a_run():
    sched, _, two = a_woken_sleeper()
    seen = two.fields()
    assert (seen["sleep_avg"], seen["prio"], seen["sleep_type"]) == (799_000_000, 118, 0)
    tick_all(sched, 903, 904)
    sched.block(now_ns=904_500_000)
    assert two.fields()["sleep_avg"] == 798_714_286
    tick_all(sched, 905, 1000)
    sched.wake(two, now_ns=1000_500_000)
    assert (two.fields()["sleep_avg"], two.prio) == (894_714_286, 117)
    tick_all(sched, 1001, 1005)
    sched.block(now_ns=1005_500_000)
    assert two.fields()["sleep_avg"] == 894_089_286


@pytest.mark.parametrize(
    ("irq", "sleep_type", "sleep_avg", "prio"),
    [(False, INTERACTIVE, 144_382_812, 124), (True, INTERRUPTED, 249_500_000, 123)],
)
def test_example_9_2_waiting_earns_less_after_a_tasks_wakeup(irq, sleep_type, sleep_avg, prio):
    sched, one, two = two_hogs(nice=-10)
    tick_all(sched, 1, 2)
    sched.block(now_ns=2_500_000)
    tick_all(sched, 3, 102)
    assert sched.wake(two, now_ns=102_500_000, irq=irq) is False
    seen = two.fields()
    assert (seen["sleep_avg"], seen["prio"], seen["sleep_type"]) == (10**8, 124, sleep_type)
    tick_all(sched, 103, 252)
    assert (sched.current, two.fields()["sleep_avg"], two.prio) == (two, sleep_avg, prio)


def test_example_9_3_pieces_and_the_remainder_that_wraps():
    sched, _, two = a_woken_sleeper()
    ends, averages = [], {}
    for ms in tick_from(sched, 903, 1149):
        averages[ms] = two.fields()["sleep_avg"]
        if sched.resched:
            ends.append(slice_of(two))
    assert ends == [236, 196, 156, 116, 100, 60]
    assert averages[914] == 797_357_143
    assert [averages[ms] for ms in (954, 994, 1034)] == [791_642_858, 785_928_573, 780_214_288]
    assert averages[1149] == 772_214_289
    sched.tick(now_ns=1150 * MS)
    seen = two.fields()
    assert (seen["prio"], seen["array"], seen["time_slice"]) == (118, ACTIVE, 100)
    assert sched.queue_fields()["expired_timestamp"] == 1150


def test_example_9_4_a_fork_with_one_tick_left():
    sched = of_2_6_22(hz=100)
    one = sched.fork(name="1", now_ns=0)
    for jiffy in range(1, 50):
        sched.tick(now_ns=jiffy * 10 * MS)
    assert slice_of(one) == 1
    two = sched.fork(name="2", now_ns=495 * MS)
    queue = sched.queue_fields()
    assert (slice_of(one), slice_of(two), one.fields()["first_time_slice"]) == (10, 1, 0)
    assert (arrays(sched), sched.current) == (("2 1", ""), two)
    assert (queue["expired_timestamp"], queue["best_expired_prio"]) == (0, 140)
    sched.exit(now_ns=499 * MS)
    assert slice_of(one) == 10


# ---- Events in particular ------------------------------------------------------------------------


def test_a_synchronous_wakeup_does_not_preempt():
    sched, _, two = two_hogs()
    sched.block(now_ns=MS)
    assert sched.wake(two, now_ns=900 * MS, sync=True) is False
    assert two.prio < sched.current.prio


@pytest.mark.parametrize("sleep", ["uninterruptible", "noninteractive"])
def test_a_sleep_that_is_no_interaction_earns_nothing_while_waiting(sleep):
    sched, _, two = two_hogs()
    sched.block(now_ns=MS, sleep=sleep)
    assert sched.queue_fields()["nr_uninterruptible"] == (sleep == "uninterruptible")
    sched.wake(two, now_ns=51 * MS)
    assert (two.fields()["sleep_type"], two.fields()["sleep_avg"]) == (NONINTERACTIVE, 50 * MS)
    sched.tick(now_ns=60 * MS)
    sched.block(now_ns=90 * MS)
    assert (sched.current, two.fields()["sleep_avg"]) == (two, 50 * MS)


def test_a_batch_task_wakes_into_expired():
    sched, _, two = two_hogs()
    sched.set_policy(two, "batch", now_ns=MS)
    sched.block(now_ns=MS)
    sched.wake(two, now_ns=500 * MS)
    assert (two.fields()["array"], two.fields()["sleep_avg"]) == (EXPIRED, 0)


def test_yield_goes_to_expired_and_keeps_the_slice():
    sched, one, two = two_hogs()
    sched.yield_(now_ns=MS)
    assert (arrays(sched), sched.current, slice_of(two)) == (("1", "2"), one, 250)


def test_yield_alone_swaps_the_arrays_and_goes_on():
    sched = of_2_6_22()
    task = sched.fork(name="1", now_ns=0)
    sched.yield_(now_ns=MS)
    assert (arrays(sched), sched.current) == (("1", ""), task)


def test_an_unused_first_slice_goes_back_to_the_parent():
    sched, one, two = two_hogs()
    sched.exit(now_ns=MS)
    assert slice_of(one) == 100  # 250 + 250, at most a full slice


def test_orphans_give_back_to_the_idle_task():
    sched, one, two = two_hogs()
    sched.yield_(now_ns=MS)
    assert sched.current is one
    sched.exit(now_ns=2 * MS)  # idle: 500 + 250, at most 100
    assert sched.idle_fields()["time_slice"] == 100
    sched.exit(now_ns=3 * MS)
    assert sched.idle_fields()["time_slice"] == 100


def test_a_child_that_shares_memory_goes_last_and_does_not_preempt():
    sched = of_2_6_22()
    parent = sched.fork(name="1", now_ns=0)
    sched.fork(name="2", now_ns=MS, clone_vm=True)
    assert (arrays(sched), sched.current) == (("1 2", ""), parent)


def test_a_nice_value_changes_the_list_but_not_the_slice():
    sched, one, two = two_hogs()
    sched.set_nice(one, 5, now_ns=MS)
    assert (one.prio, slice_of(one), one.slice_ns) == (130, 250, 75 * MS)


def test_a_fork_that_fails_costs_the_parent_nothing():
    """I1 of cfs/scheduler/_scheduler.pyx, in the model where a fork changes the parent."""
    sched, one, two = two_hogs()
    with pytest.raises(cfs.StateError):
        sched.fork(now_ns=MS, nice=99)
    assert slice_of(two) == 250


def test_a_sleeper_is_counted_where_it_will_be_woken():
    sched = of_2_6_22(cpus=2)
    task = sched.fork(now_ns=0)
    sched.block(now_ns=MS, sleep="uninterruptible")
    sched.migrate(task, 1, now_ns=2 * MS)
    counts = [sched.queue_fields(cpu=cpu)["nr_uninterruptible"] for cpu in (0, 1)]
    assert counts == [0, 1]
    sched.wake(task, now_ns=3 * MS, cpu=1)
    assert sched.queue_fields(cpu=1)["nr_uninterruptible"] == 0


# ---- Invariants of cfs/models/linux_2_6_22/_o1.pyx -----------------------------------------------------------


@pytest.fixture(params=[1000, 250, 100])
def sched(request):
    return of_2_6_22(hz=request.param)


@pytest.fixture(params=few(range(3), 1))
def steps(request, sched):
    return random_events(sched, request.param, 600, tick_ns=10**9 // sched.tunables.hz)


def test_i1_lists_counts_and_weights_agree(sched, steps):
    for _ in steps:
        sched.check()
        members = sched.queue(running=True)
        order = [(task.fields()["array"], task.prio) for task in members]
        assert order == sorted(order)
        assert len(members) == sched.nr_running
        assert sum(task.weight for task in members) == sched.queue_fields()["raw_weighted_load"]


def test_i2_the_running_task_is_in_an_array(sched, steps):
    for _ in steps:
        if sched.current is None:
            assert sched.nr_running == 0
        else:
            assert sched.current.fields()["array"] in (ACTIVE, EXPIRED)


def test_i2_the_idle_task_goes_on_after_a_synchronous_wakeup():
    sched = of_2_6_22()
    task = sched.fork(now_ns=0)
    sched.block(now_ns=MS)
    sched.wake(task, now_ns=2 * MS, sync=True)
    sched.check()
    assert (sched.current, sched.nr_running) == (None, 1)


def test_i3_averages_prios_and_slices_are_in_bounds(sched, steps):
    for _ in steps:
        for task in sched.tasks:
            fields = task.fields()
            assert 0 <= fields["sleep_avg"] <= sched.tunables.NS_MAX_SLEEP_AVG
            assert 100 <= fields["prio"] <= 139
            assert fields["time_slice"] >= 1


def test_i4_a_running_task_has_not_just_slept(sched, steps):
    for _ in steps:
        if sched.current is not None:
            assert sched.current.fields()["sleep_type"] == 0


def test_i5_all_time_is_somebodys(sched, steps):
    everybody = {}
    for _ in steps:
        everybody.update((task.id, task) for task in sched.tasks)
        ran = sum(task.sum_exec_ns for task in everybody.values()) + sched.idle_fields()["sched_time"]
        assert ran == sched.queue_fields()["most_recent_timestamp"]


def all_slices(sched):
    return sum(slice_of(task) for task in sched.tasks) + sched.idle_fields()["time_slice"]


def test_i6_slices_are_split_by_fork_and_not_made_by_exit(sched, steps):
    total = all_slices(sched)
    smallest = 0
    for event, _ in steps:
        now = all_slices(sched)
        if event == "fork" and smallest > 1:
            assert now == total
        if event == "exit":
            assert now <= total
        current = sched.idle_fields()["time_slice"] if sched.current is None else slice_of(sched.current)
        total, smallest = now, current
        for task in sched.tasks:
            assert task.policy != "batch" or task.fields()["sleep_avg"] == 0


def test_i7_a_picked_task_is_stamped(sched, steps):
    switches = 0
    for _ in steps:
        if sched.cpu_fields()["nr_switches"] != switches:
            fields = sched.idle_fields() if sched.current is None else sched.current.fields()
            stamp = sched.queue_fields()["most_recent_timestamp"]
            assert fields["last_ran"] == fields["timestamp"] == stamp
        switches = sched.cpu_fields()["nr_switches"]


# ---- Laws ----------------------------------------------------------------------------------------


def test_an_interactive_task_starves_an_expired_one_no_longer_than_the_limit():
    """Specification 5.4: its slices end in the active array until the first expired one has waited for more
    than 1000 jiffies a runnable task, though it would be interactive for longer. Two tasks, the slice of one
    just begun: 2000, the slice before the count began (at most 250) and the one that ends after it (100).
    """
    sched, _, two = two_hogs()
    tick_all(sched, 1, 2)
    sched.block(now_ns=2_500_000)
    tick_all(sched, 3, 1000)
    sched.wake(two, now_ns=1000_500_000)
    sched.block(now_ns=1000_600_000)
    tick_all(sched, 1001, 1500)
    sched.wake(two, now_ns=1500_500_000)
    assert two.fields()["sleep_avg"] == 10**9
    for ms in tick_from(sched, 1501, 9000):
        if sched.current is not two:
            break
    assert 2000 < ms - 1500 <= 2000 + 250 + 100
    assert two.prio <= two.fields()["static_prio"] - 2
    assert two.fields()["array"] == EXPIRED


# ---- In a simulation -----------------------------------------------------------------------------


def a_workload():
    return cfs.Workload.of_programs({"hog": [("run", 100 * MS)]})


def test_a_simulation_hands_its_hz_on():
    assert cfs.Simulation(a_workload(), MODEL, hz=250).scheduler.tunables.hz == 250


def test_a_workload_with_policy_idle_is_refused():
    workload = a_workload()
    workload.tasks["policy"] = 2
    with pytest.raises(cfs.WorkloadError, match="linux-2.6.22-o1 has no policy 'idle'"):
        cfs.Simulation(workload, MODEL)
