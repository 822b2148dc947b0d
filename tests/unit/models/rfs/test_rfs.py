"""The RFS model in particular. Ways to be right: laws, checked with exact fractions (the numbers are those of
cfs/models/rfs/_rfs.pyx), and CFS of 2.6.24 as a second witness for the order of picks.

There is no trace of it: it is a model after the mathematics, not the original patch.
"""

import random
from fractions import Fraction

import pytest

from tests.builders import MS, a_scheduler, hogs, random_events, signed
from tests.quick import few

MODEL = "rfs-model"


def of_rfs(**options):
    return a_scheduler(MODEL, **options)


def average(sched):
    """A = B + O / W, exactly, as the model has it."""
    queue = sched.queue_fields()
    return queue["base"] + Fraction(queue["offset_sum"], queue["load_weight"])


def runnable(sched):
    return [task for task in sched.tasks if task.on_rq]


def offsets(sched):
    """Sum of w * (n - B) over the runnable tasks: what O stands for."""
    base = sched.queue_fields()["base"]
    return sum(task.weight * signed(task.vruntime - base) for task in runnable(sched))


# ---- Invariants of cfs/models/rfs/_rfs.pyx ----------------------------------------------------------


@pytest.fixture(params=[10, 20, 30])
def sched(request):
    return of_rfs(rfs_step_shift=request.param)


@pytest.fixture(params=few(range(3), 1))
def steps(request, sched):
    return random_events(sched, request.param, 600)


def test_i1_the_cpu_counts_the_tree_and_the_running_task(sched, steps):
    for _ in steps:
        sched.check()
        queue = sched.queue_fields()
        assert queue["nr_running"] == len(runnable(sched))
        assert queue["load_weight"] == sum(task.weight for task in runnable(sched))
        keys = [signed(task.vruntime - queue["base"]) for task in sched.queue()]
        assert keys == sorted(keys)


def test_i2_the_running_task_is_in_no_tree(sched, steps):
    for _ in steps:
        assert sched.queue() == sched.queue(running=True)
        assert sched.current not in sched.queue()
        assert (sched.current is None) == (sched.nr_running == 0)


def test_i2_the_idle_task_goes_on_after_a_synchronous_wakeup():
    sched = of_rfs()
    task = sched.fork(now_ns=0)
    sched.block(now_ns=MS)
    sched.wake(task, now_ns=2 * MS, sync=True)
    sched.check()
    assert (sched.current, sched.nr_running) == (None, 1)


def test_i3_the_base_goes_forward_by_whole_steps(sched, steps):
    base = 0
    for _ in steps:
        queue = sched.queue_fields()
        assert queue["base"] >= base
        assert queue["base"] % queue["step"] == 0
        base = queue["base"]


def test_i4_an_empty_queue_resets_the_sum(sched, steps):
    empty = 0
    for _ in steps:
        if sched.nr_running == 0:
            empty += 1
            assert sched.queue_fields()["offset_sum"] == 0
    assert empty > 10


LEAVES = ("block", "exit", "nice", "policy")  # a renice leaves, and joins with another weight


def test_i5_the_average_is_within_a_step_of_the_base(sched, steps):
    """base <= A < base + step; the first half only if no leaver has moved A back, or it has recovered since.
    """
    recovers = False
    for event, _ in steps:
        if sched.nr_running == 0:
            recovers = False
            continue
        queue = sched.queue_fields()
        ahead = average(sched) - queue["base"]
        assert ahead < queue["step"]
        recovers = ahead < 0 and (recovers or event in LEAVES)
        assert ahead >= 0 or recovers


def test_i6_the_sum_drifts_no_further_than_rounding(sched):
    drift, seen = Fraction(0), 0
    for event, _ in random_events_with_charges(sched):
        drift = drift + event if sched.nr_running else Fraction(0)
        difference = abs(sched.queue_fields()["offset_sum"] - offsets(sched))
        assert difference <= drift
        seen += difference > 0
    assert seen > 50


def random_events_with_charges(sched):
    """(bound of the drift of this event, time) for each of many random events. The weight is the one before
    it.
    """
    runner, bound_before, ran = None, lambda ran_ns: 0, 0
    for _, now in random_events(sched, 5, 800):
        ran_ns = 0 if runner is None else runner.sum_exec_ns - ran
        yield bound_before(ran_ns), now
        runner = sched.current
        ran = 0 if runner is None else runner.sum_exec_ns
        bound_before = bound_of(runner)


def bound_of(task):
    """Bound of the essay: how far one charge of this task, as it is, moves O away from the sum that it stands
    for.
    """
    if task is None:
        return lambda ran_ns: 0
    weight = task.weight
    if weight == 1024:
        return lambda ran_ns: 0
    return lambda ran_ns: Fraction(weight, 2) + 2**15 + 1 + Fraction(ran_ns * weight, 2**23)


# ---- The average ---------------------------------------------------------------------------------


@pytest.mark.parametrize("nices", [(0,), (0, 0), (0, 5, -5), (19, -20)])
def test_a_run_moves_the_average_as_the_fair_clock(nices):
    """By d * 1024 / W, whoever runs."""
    sched = of_rfs(rfs_slice_ns=10**9)
    for nice in nices:
        sched.fork(now_ns=0, nice=nice)
    begin = average(sched)
    sched.tick(now_ns=7 * MS)
    moved = average(sched) - begin
    assert moved == Fraction(7 * MS * 1024, sched.queue_fields()["load_weight"])


def test_a_long_run_of_a_light_task_takes_few_rounds():
    """Weight 2: a second is 512 virtual seconds, half a million steps of a millisecond, in one charge."""
    sched = of_rfs(rfs_step_shift=10)
    sched.fork(now_ns=0, policy="idle")
    sched.tick(now_ns=1_000 * MS)
    queue = sched.queue_fields()
    assert 0 <= queue["offset_sum"] < queue["load_weight"] * queue["step"]
    assert average(sched) - 512 * 4 * MS == 512 * 1_000 * MS  # it began one slice late


# ---- The corner case -----------------------------------------------------------------------------


def three_apart(**options):
    """Three tasks of different weight and lag; the running one has just been charged, and goes on."""
    sched = of_rfs(rfs_slice_ns=0, **options)
    tasks = [sched.fork(now_ns=0, nice=nice) for nice in (0, 5, -5)]
    sched.set_tunables(rfs_slice_ns=10**9)
    sched.yield_(now_ns=3 * MS)
    sched.yield_(now_ns=4 * MS)
    sched.tick(now_ns=30 * MS)
    return sched, tasks


def test_a_leaver_moves_the_average_by_its_lag():
    """(A - n) * w / (W - w): here backwards, because it has just run."""
    sched, _ = three_apart()
    leaver = sched.current
    before, load = average(sched), sched.queue_fields()["load_weight"]
    jump = (before - leaver.vruntime) * leaver.weight / (load - leaver.weight)
    assert jump < 0
    sched.block(now_ns=30 * MS)
    assert average(sched) - before == jump


def test_a_leaver_that_is_behind_moves_the_average_forward():
    sched, _ = three_apart()
    sched.yield_(now_ns=30 * MS)
    leaver = sched.current
    before, load = average(sched), sched.queue_fields()["load_weight"]
    jump = (before - leaver.vruntime) * leaver.weight / (load - leaver.weight)
    assert jump > 0
    sched.block(now_ns=30 * MS)
    assert average(sched) - before == jump


def test_a_joiner_moves_the_average_by_its_lag():
    """(n - A) * w / (W + w)."""
    sched, _ = three_apart()
    sleeper = sched.current
    sched.block(now_ns=30 * MS)
    before, load = average(sched), sched.queue_fields()["load_weight"]
    jump = (sleeper.vruntime - before) * sleeper.weight / (load + sleeper.weight)
    assert jump > 0
    sched.wake(sleeper, now_ns=30 * MS, sync=True)
    assert average(sched) - before == jump


def test_the_fair_clock_of_2_6_23_does_not_jump():
    """Where the two differ: the same leave, and the clock stands still."""
    sched = a_scheduler("linux-2.6.23-cfs")
    hogs(sched, 3)
    sched.tick(now_ns=30 * MS)
    before = sched.queue_fields()["fair_clock"]
    sched.block(now_ns=30 * MS)
    assert sched.queue_fields()["fair_clock"] == before


def test_a_base_that_the_average_falls_behind_stands_still_until_it_recovers():
    sched, _ = three_apart(rfs_step_shift=10)
    base = sched.queue_fields()["base"]
    sched.block(now_ns=30 * MS)
    assert sched.queue_fields()["base"] == base > average(sched)
    bases = []
    for now in range(31 * MS, 80 * MS, MS):
        sched.tick(now_ns=now)
        bases.append(sched.queue_fields()["base"])
    assert bases == sorted(bases) and bases[-1] > base
    assert average(sched) >= bases[-1]


# ---- Who runs ------------------------------------------------------------------------------------


def test_a_sleeper_gains_at_most_a_step():
    """It comes back at the base, and the base is less than a step behind the average."""
    sched = of_rfs()
    sleeper = sched.fork(now_ns=0)
    sched.block(now_ns=0)
    hogs(sched, 3)
    for now in range(MS, 500 * MS, MS):
        sched.tick(now_ns=now)
    before = average(sched)
    sched.wake(sleeper, now_ns=499 * MS, sync=True)
    assert before - sleeper.vruntime < sched.queue_fields()["step"]


def test_a_child_begins_one_slice_late():
    sched = of_rfs()
    sched.fork(now_ns=0)
    base = sched.queue_fields()["base"]
    child = sched.fork(now_ns=0, nice=5)
    assert child.vruntime - base == pytest.approx(4 * MS * 1024 / 335, abs=1)
    assert sched.current is not child


class Pair:
    """The model and CFS of 2.6.24, driven by the same forced switches: nothing but these makes anybody run.
    """

    def __init__(self, nices):
        cfs_options = {
            "START_DEBIT": False,
            "WAKEUP_PREEMPT": False,
            "sched_child_runs_first": 0,
            "sched_latency_ns": 10**9,
            "initial_min_vruntime": 0,
        }
        self.rfs = of_rfs(rfs_slice_ns=0, rfs_granularity_ns=10**9)
        self.fair = a_scheduler("linux-2.6.24-cfs", **cfs_options)
        for number, nice in enumerate(nices):
            self.fair.fork(name=str(number), nice=nice, now_ns=0)
            self.rfs.fork(name=str(number), nice=nice, now_ns=0)
            if number:  # 2.6.24 schedules after each fork
                self.rfs.yield_(now_ns=0)

    def both(self, event, *args, now_ns):
        for sched in (self.rfs, self.fair):
            getattr(sched, event)(*args, now_ns=now_ns)

    def both_on(self, event, name, *args, now_ns):
        for sched in (self.rfs, self.fair):
            task = next(task for task in sched.tasks if task.name == name)
            getattr(sched, event)(task, *args, now_ns=now_ns)

    def state(self, sched):
        """Who runs, and everybody's normalised time."""
        running = None if sched.current is None else sched.current.name
        return running, {task.name: task.vruntime for task in sched.tasks}

    def sleepers(self):
        """Those that no rule for sleepers would touch: they are not before the base."""
        base = self.rfs.queue_fields()["base"]
        blocked = [task for task in self.rfs.tasks if task.state == "blocked"]
        return [task.name for task in blocked if signed(task.vruntime - base) >= 0]


def one_random_event(pair, rng, now):
    event = rng.choice(["block", "wake", "wake", "nice"] + 8 * ["yield_"])
    if pair.rfs.current is not None:
        pair.both("yield_", now_ns=now)  # charges, so that the base is what it will be
    if event == "wake" and pair.sleepers():
        pair.both_on("wake", rng.choice(pair.sleepers()), now_ns=now)
    elif event == "nice":
        name = rng.choice(pair.rfs.tasks).name
        pair.both_on("set_nice", name, rng.randrange(-20, 20), now_ns=now)
    elif event == "block" and pair.rfs.nr_running > 1:
        pair.both("exit" if len(pair.rfs.tasks) > 4 and rng.random() < 0.1 else "block", now_ns=now)


@pytest.mark.parametrize("seed", few(range(6)))
def test_the_same_forced_switches_pick_the_same_tasks_as_2_6_24(seed):
    """W cancels in the differences of n: fair clock, average and absolute virtual time give one order
    (history 2.3).
    """
    rng = random.Random(seed)
    pair = Pair([rng.randrange(-20, 20) for _ in range(12)])
    now, picked = 0, set()
    for _ in range(1500):
        now += rng.choice([rng.randrange(1000), rng.randrange(5 * MS)])
        one_random_event(pair, rng, now)
        assert pair.state(pair.rfs) == pair.state(pair.fair)
        picked.add(pair.state(pair.rfs)[0])
    assert len(picked) > 4
