"""CFS of 2.6.23 in particular. Ways to be right: the worked examples and check values of the specification
(sections 4 and 9), and its invariants after each random step (the numbers are those of
cfs/models/linux_2_6_23/_fair.pyx).

That every number of every state is right is shown by the traces; here stands why one believes it.
"""

import pytest

import cfs
from tests.builders import MS, a_scheduler, random_events, run, signed
from tests.quick import few

MODEL = "linux-2.6.23-cfs"


def of_2_6_23(**options):
    return a_scheduler(MODEL, **options)


def row(task):
    fields = task.fields()
    return fields["fair_key"], fields["wait_runtime"], fields["sum_exec_runtime"]


def fair_clock(sched):
    return sched.queue_fields()["fair_clock"]


def a_lone_task(ran_ns, **options):
    """(scheduler, task) after the first charge of a task that has run alone since 0."""
    sched = of_2_6_23()
    task = sched.fork(now_ns=0, **options)
    sched.tick(now_ns=ran_ns)
    return sched, task


# ---- Arithmetic (specification 4) ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "ran_ns", "advance"),
    [
        ({}, 4_194_304, 4_194_304),  # the narrow branch is exact
        ({}, 5_000_033, 5_000_064),  # the wide one counts in 64 ns
        ({"nice": -20}, 10**6, 11_537),
        ({"policy": "idle"}, 1000, 512_000),
    ],
)
def test_the_fair_clock_of_a_lone_task(options, ran_ns, advance):
    """Check values of 4.1: W = 1024, 88761 and 2."""
    sched, _ = a_lone_task(ran_ns, **options)
    assert fair_clock(sched) == 1 + advance


@pytest.mark.parametrize(("nice", "ran_ns", "share"), [(-1, 10**7, 10_000_014), (-15, 10**6, 1_000_001)])
def test_the_own_share_of_a_lone_task_is_not_always_its_run_time(nice, ran_ns, share):
    """Check values of 4.1. What it gets beyond its run time is credit."""
    _, task = a_lone_task(ran_ns, nice=nice)
    assert task.fields()["wait_runtime"] == share - ran_ns


GRANULARITY = {
    1: 20_000_000,
    2: 5_000_000,
    3: 4_444_444,
    4: 3_750_000,
    5: 3_200_000,
    7: 2_448_979,
    8: 2_187_500,
    9: 2_000_000,
    20: 2_000_000,
}


@pytest.mark.parametrize(("nr", "gran"), GRANULARITY.items())
def test_a_child_starts_with_half_a_granularity_of_debt(nr, gran):
    """Table of 4.3, seen through START_DEBIT (5.10): `nr` runnable tasks without the child."""
    sched = of_2_6_23()
    for _ in range(nr):
        sched.fork(now_ns=0)
    assert sched.fork(now_ns=0).fields()["wait_runtime"] == -(gran // 2)


# ---- Worked examples (specification 9) -----------------------------------------------------------


def test_example_9_1_two_equal_tasks():
    sched = of_2_6_23()
    one = sched.fork(now_ns=1000)
    two = sched.fork(now_ns=2000)
    assert (row(one), row(two)) == ((1, 0, 1000), (-20_000_000, -10_000_000, 0))
    assert (fair_clock(sched), sched.current) == (1001, two)
    seen = {}
    for now in range(MS, 18 * MS + 1, MS):
        sched.tick(now_ns=now)
        seen[now // MS] = (fair_clock(sched), row(one), row(two), sched.current)
    assert seen[1] == (500_001, (1, 499_000, 1000), (10_999_001, -10_499_000, 998_000), one)
    waits = (10_999_001, -10_499_000, 998_000)
    assert seen[2] == (1_000_001, (1_001_001, -1000, 1_001_000), waits, one)
    after = (10_999_001, -4_999_000, 998_000)
    assert seen[12] == (6_000_001, (11_001_001, -5_001_000, 11_001_000), after, two)
    last = (16_999_001, -7_999_000, 6_998_000)
    assert seen[18] == (9_000_001, (11_001_001, -2_001_000, 11_001_000), last, one)


def test_example_9_2_nice_0_and_nice_5():
    sched = of_2_6_23()
    one = sched.fork(now_ns=1000)
    two = sched.fork(now_ns=2000, nice=5)
    seen = {}
    for now in range(4 * MS, 28 * MS + 1, 4 * MS):
        sched.tick(now_ns=now)
        seen[now // MS] = (fair_clock(sched), row(one)[:2], row(two)[:2], sched.current)
    waits = (42_788_918, -13_012_474)
    assert seen[4] == (3_013_475, (1, 3_012_474), waits, one)
    assert seen[8] == (6_027_456, (4_001_001, 2_026_455), waits, one)
    assert seen[28] == (21_097_361, (24_001_001, -2_903_640), waits, one)


def test_example_9_3_a_sleeper_its_bonus_and_its_repayment():
    sched = of_2_6_23()
    one = sched.fork(now_ns=1000)
    two = sched.fork(now_ns=1000)
    sched.block(now_ns=3 * MS)
    assert (fair_clock(sched), row(two)[1], row(one)[1]) == (1_499_501, -11_499_500, 1_499_500)
    run(sched, 50 * MS, every_ns=10 * MS)

    def state():
        return fair_clock(sched), sched.queue_fields()["sleeper_bonus"], row(one)[:2], row(two)[:2]

    assert sched.wake(two, now_ns=56 * MS) is True
    woken = (34_499_501, 20_000_000)
    assert state() == (54_499_501, 31_499_500, (47_000_001, 1_499_500), woken)
    sched.block(now_ns=57 * MS)
    assert state() == (54_999_501, 31_499_500, (47_000_001, 1_999_500), (34_499_501, 19_500_000))
    sched.tick(now_ns=60 * MS)
    assert state()[:3] == (57_999_501, 28_499_500, (59_000_001, -1_000_500))
    sched.tick(now_ns=70 * MS)
    assert state()[:3] == (67_999_501, 18_499_500, (79_000_001, -11_000_500))


def test_example_9_4_policy_idle_is_thrown_an_hour_away():
    sched = of_2_6_23()
    one = sched.fork(now_ns=1000)
    two = sched.fork(now_ns=2000, policy="idle")
    assert sched.current is two
    sched.tick(now_ns=4 * MS)
    assert row(two)[:2] == (4_390_887_516_328, -13_990_207)
    assert sched.current is one


# ---- Events in particular ------------------------------------------------------------------------


@pytest.fixture
def asleep():
    """A task that has run a millisecond, and one that slept meanwhile: it would preempt by its wakeup."""
    sched = of_2_6_23()
    sleeper = sched.fork(now_ns=0)
    sched.block(now_ns=0)
    sched.fork(now_ns=0)
    run(sched, 30 * MS)
    return sched, sleeper


def test_a_synchronous_wakeup_does_not_preempt(asleep):
    sched, sleeper = asleep
    assert sched.wake(sleeper, now_ns=31 * MS, sync=True) is False


def test_an_interrupt_wakes_like_a_task(asleep):
    sched, sleeper = asleep
    assert sched.wake(sleeper, now_ns=31 * MS, irq=True) is True


def test_a_sleep_while_nobody_runs_earns_nothing():
    """Oddity 6.8: it is measured in fair time, which stands still meanwhile."""
    sched, task = a_lone_task(MS)
    sched.block(now_ns=2 * MS)
    credit = task.fields()["wait_runtime"]
    sched.wake(task, now_ns=500 * MS)
    assert task.fields()["wait_runtime"] == credit


@pytest.mark.parametrize(
    ("sleep", "mark"), [("interruptible", "sleep_start"), ("uninterruptible", "block_start")]
)
def test_each_kind_of_sleep_has_its_mark(sleep, mark):
    sched, task = a_lone_task(MS)
    sched.block(now_ns=2 * MS, sleep=sleep)
    marks = {name: task.fields()[name] for name in ("sleep_start", "block_start")}
    assert marks == {"sleep_start": 0, "block_start": 0} | {mark: 2 * MS}


def test_a_child_that_shares_memory_is_queued_last_and_in_no_debt():
    sched = of_2_6_23()
    parent = sched.fork(now_ns=0)
    child = sched.fork(now_ns=MS // 2, clone_vm=True)
    assert (child.fields()["wait_runtime"], sched.current) == (0, parent)


@pytest.mark.parametrize("change", ["nice", "policy"])
def test_who_gets_another_weight_loses_its_credit(asleep, change):
    """Oddity 6.12."""
    sched, sleeper = asleep
    sched.wake(sleeper, now_ns=31 * MS, sync=True)
    assert sleeper.fields()["wait_runtime"] > 0
    sched.set_nice(sleeper, 1) if change == "nice" else sched.set_policy(sleeper, "normal")
    assert sleeper.fields()["wait_runtime"] <= 0


def test_the_running_task_stays_in_the_tree(asleep):
    sched, sleeper = asleep
    sched.wake(sleeper, now_ns=31 * MS)
    assert sched.current in sched.queue(running=True)
    assert sched.current not in sched.queue()


# ---- Invariants of cfs/models/linux_2_6_23/_fair.pyx --------------------------------------------------

VARIANTS = {
    "default": {},
    "all features": {"sched_features": 63},
    "no features": {"sched_features": 0},
    "small limit": {"sched_runtime_limit_ns": 2_000_000},
    "yield behind": {"sched_compat_yield": 1},
}


@pytest.fixture(params=VARIANTS)
def sched(request):
    return of_2_6_23(**VARIANTS[request.param])


@pytest.fixture(params=few(range(3), 1))
def steps(request, sched):
    return random_events(sched, request.param, 400)


def test_i1_all_counts_are_those_of_the_tree(sched, steps):
    for _ in steps:
        sched.check()
        rows = [task.fields() for task in sched.queue(running=True)]
        queue, cpu = sched.queue_fields(), sched.cpu_fields()
        assert queue["nr_running"] == cpu["nr_running"] == len(rows)
        assert queue["load_weight"] == cpu["load_weight"] == sum(r["load_weight"] for r in rows)
        assert queue["wait_runtime"] == sum(r["wait_runtime"] for r in rows)
        keys = [signed(r["fair_key"] - queue["fair_clock"]) for r in rows]
        assert keys == sorted(keys)


def test_i2_the_cpu_idles_exactly_if_the_tree_is_empty(sched, steps):
    for _ in steps:
        assert (sched.current is None) == (sched.queue(running=True) == [])


def test_i2_the_idle_task_goes_on_after_a_synchronous_wakeup():
    sched = of_2_6_23()
    task = sched.fork(now_ns=0)
    sched.block(now_ns=MS)
    sched.wake(task, now_ns=2 * MS, sync=True)
    sched.check()
    assert (sched.current, sched.nr_running) == (None, 1)


def test_i3_the_fair_clock_never_goes_back_and_a_waiting_key_stands_still(sched, steps):
    clock, keys = fair_clock(sched), {}
    for event, _ in steps:
        assert signed(fair_clock(sched) - clock) >= 0
        clock = fair_clock(sched)
        waiting = {task: task.fields()["fair_key"] for task in sched.queue()}
        if event not in ("nice", "policy", "block", "exit", "yield"):
            assert all(keys[task] == key for task, key in waiting.items() if task in keys)
        keys = waiting


def test_i4_stamps_are_set_only_while_they_mean_something(sched, steps):
    for _ in steps:
        for task in sched.tasks:
            fields = task.fields()
            assert not fields["wait_start_fair"] or task.state == "runnable"
            assert not fields["exec_start"] or task.state == "running"


def test_i5_no_credit_or_debt_is_beyond_the_limit(sched, steps):
    limit = sched.tunables.sched_runtime_limit_ns
    for _ in steps:
        for task in sched.tasks:
            unborn = task.sum_exec_ns == 0 and task is not sched.current
            assert unborn or abs(task.fields()["wait_runtime"]) <= limit


def test_i6_without_stat_granularity_all_time_is_booked(sched, steps):
    everybody = {}
    for _ in steps:
        everybody.update((task.id, task) for task in sched.tasks)
        for task in sched.tasks:
            fields = task.fields()
            assert fields["delta_exec"] == fields["delta_fair_run"] == fields["delta_fair_sleep"] == 0
        assert sum(task.sum_exec_ns for task in everybody.values()) == sched.queue_fields()["exec_clock"]


def test_i8_the_bonus_in_flight_is_at_most_three_limits(sched, steps):
    for _ in steps:
        assert sched.queue_fields()["sleeper_bonus"] <= 3 * sched.tunables.sched_runtime_limit_ns


def test_load_averages_settle_below_the_load():
    """Specification 5.15: a constant load of 1024 is seen as 1023, and the slower averages stay lower."""
    sched = of_2_6_23()
    sched.fork(now_ns=0)
    run(sched, 1000 * MS)
    loads = [sched.cpu_fields()[f"cpu_load[{i}]"] for i in range(5)]
    assert loads[0] == 1023
    assert loads == sorted(loads, reverse=True) and loads[4] > 1000
