"""A Scheduler that ticks by itself. Way to be right: the one that is ticked by hand, state by state.

The events are random and the same on both; between them one is told of every tick of every CPU, the other only of the
time. What a tick does is judged elsewhere (traces, twins, contract).
"""

import random
import signal

import pytest

import cfs
from tests.builders import MS, hogs, state_of
from tests.quick import few

MODELS = list(cfs.MODELS)
HZ = [1000, 300, 100]
SECOND = 10**9


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


def by_hand(model, hz=1000, **options):
    return cfs.Scheduler(model, hz=hz, ticks=False, **options)


def by_itself(model, hz=1000, **options):
    return cfs.Scheduler(model, hz=hz, **options)


class Hand:
    """The events of a Scheduler, and before each all the ticks that fall due, sent one by one."""

    def __init__(self, sched, hz):
        self.sched, self.hz, self.next = sched, hz, 1

    def until(self, now_ns):
        while self.next * SECOND // self.hz <= now_ns:
            for cpu in range(self.sched.cpus):
                self.sched.tick(now_ns=self.next * SECOND // self.hz, cpu=cpu)
            self.next += 1
        self.sched.advance(now_ns=now_ns)       # without ticks of its own: only the time


class Jumper:
    """Moves time from one next_event to the next."""

    def __init__(self, sched):
        self.sched = sched

    def until(self, now_ns):
        while True:
            at = self.sched.next_event(until_ns=now_ns)
            if at is None:
                self.sched.advance(now_ns=now_ns)
                return
            running = currents(self.sched)
            self.sched.advance(now_ns=at - 1)
            assert currents(self.sched) == running, "nothing changes before it"
            assert self.sched.advance(now_ns=at)
            assert currents(self.sched) != running


class Plain(Jumper):
    def until(self, now_ns):
        self.sched.advance(now_ns=now_ns)


def currents(sched):
    return [sched.current_on(cpu) for cpu in range(sched.cpus)]


def life(driver, seed, cpus, nr_events=150):
    """Random events at random times, with a long idle span now and then; yields the state after each."""
    rng, sched, now = random.Random(seed), driver.sched, 0
    for _ in range(nr_events):
        now += rng.choice([0, rng.randrange(MS), rng.randrange(30 * MS), rng.choice([MS, 10 * MS])])
        cpu = rng.randrange(cpus)
        driver.until(now)
        if sched.current_on(cpu) is None and rng.random() < 0.2:
            now += 2 * SECOND
            driver.until(now)
        blocked = [task for task in sched.tasks if task.state == "blocked"]
        event = rng.choice(["fork", "block", "block", "wake", "wake", "nice", "exit", "nothing"])
        if event == "fork" and len(sched.tasks) < 8:
            sched.fork(now_ns=now, nice=rng.choice([0, 0, -5, 10]), cpu=cpu)
        elif event == "wake" and blocked:
            sched.wake(rng.choice(blocked), now_ns=now, cpu=cpu)
        elif event in ("block", "exit") and sched.current_on(cpu) is not None:
            getattr(sched, event)(now_ns=now, cpu=cpu)
        elif event == "nice" and sched.tasks:
            sched.set_nice(rng.choice(sched.tasks), rng.randrange(-20, 20), now_ns=now)
        yield now


@pytest.mark.parametrize("jump", [Plain, Jumper], ids=["advance", "next_event"])
@pytest.mark.parametrize("hz", few(HZ, 1))
@pytest.mark.parametrize("cpus", [1, 2, 5])
def test_both_ways_give_identical_states(model, hz, cpus, jump):
    hand, auto = by_hand(model, hz, cpus=cpus), by_itself(model, hz, cpus=cpus)
    lives = zip(life(Hand(hand, hz), hz, cpus), life(jump(auto), hz, cpus), strict=True)
    for number, _ in enumerate(lives):
        if number % 10 == 0:
            assert state_of(auto) == state_of(hand)
            auto.check()
    assert state_of(auto) == state_of(hand)


@pytest.mark.parametrize("group_by", ["uid", "cgroup"])
def test_groups_tick_as_well(model, group_by):
    if group_by not in cfs.MODELS[model].group_by:
        pytest.skip(f"{model} cannot group by {group_by}")
    hand, auto = by_hand(model, group_by=group_by), by_itself(model, group_by=group_by)
    for sched in (hand, auto):
        for number in range(5):
            where = {"uid": number % 2} if group_by == "uid" else {"group": "/"}
            sched.fork(now_ns=0, **where)
    Hand(hand, 1000).until(200 * MS)
    Jumper(auto).until(200 * MS)
    assert state_of(auto) == state_of(hand)


def test_a_tick_due_at_the_time_of_an_event_comes_first(model):
    hand, auto = by_hand(model), by_itself(model)
    for sched in (hand, auto):
        hogs(sched, 3)
    hand.tick(now_ns=MS)
    hand.block(now_ns=MS)
    auto.block(now_ns=MS)
    assert state_of(auto) == state_of(hand)


ANY, GROUPED = (None, "uid", "cgroup"), ("uid", "cgroup")
EVENTS = {
    "yield_": (ANY, None, lambda hog, sleeper: {}),
    "exit": (ANY, None, lambda hog, sleeper: {}),
    "fork": (ANY, None, lambda hog, sleeper: {}),
    "wake": (ANY, None, lambda hog, sleeper: {"task": sleeper}),
    "migrate": (ANY, None, lambda hog, sleeper: {"task": sleeper, "cpu": 1}),
    "set_nice": (ANY, None, lambda hog, sleeper: {"task": hog, "nice": 3}),
    "set_policy": (ANY, None, lambda hog, sleeper: {"task": hog, "policy": "batch"}),
    "set_slice": (ANY, "slice", lambda hog, sleeper: {"task": hog, "slice_ns": 700_000}),
    "move": (GROUPED, None, lambda hog, sleeper: {"task": hog, **place(hog.scheduler, 3)}),
    "set_shares": (GROUPED, None, lambda hog, sleeper: {"group": hog.group, "shares": 300}),
    "set_group_idle": (GROUPED, "group idle", lambda hog, sleeper: {"group": hog.group, "idle": True}),
    "create_group": (("cgroup",), None, lambda hog, sleeper: {"name": "another"}),
    "create_user": (("uid",), None, lambda hog, sleeper: {"uid": 4}),
}
"""Ways of grouping and option that an event needs, and its arguments: two hogs compete, and someone sleeps."""
EVENTS_OF_MODELS = [
    (model, way, event)
    for model, facts in cfs.MODELS.items()
    for event, (ways, option, _) in EVENTS.items()
    for way in facts.group_by
    if way in ways and option in (None, *facts.options)
]


def place(sched, number):
    """The arguments that put a task into group 1, 2 or 3."""
    return {None: {}, "uid": {"uid": number}, "cgroup": {"group": f"g{number}"}}[sched.group_by]


def a_hog_and_a_sleeper(sched):
    """In group 1; another hog is in group 2, and nobody in group 3."""
    for number in (1, 2, 3):
        if sched.group_by is not None:
            sched.create_user(number) if sched.group_by == "uid" else sched.create_group(f"g{number}")
    sleeper = sched.fork(now_ns=0, **place(sched, 1))
    sched.block(now_ns=0)
    hog, _ = (sched.fork(now_ns=0, **place(sched, number)) for number in (1, 2))
    return hog, sleeper


@pytest.mark.parametrize(("model", "group_by", "event"), EVENTS_OF_MODELS)
def test_every_event_lets_the_ticks_before_it_happen(model, group_by, event):
    hand, auto = (make(model, cpus=2, group_by=group_by) for make in (by_hand, by_itself))
    for sched in (hand, auto):
        hog, sleeper = a_hog_and_a_sleeper(sched)
        if sched is hand:
            Hand(hand, 1000).until(50 * MS)
        getattr(sched, event)(**EVENTS[event][-1](hog, sleeper), now_ns=50 * MS)
    assert state_of(auto) == state_of(hand)


def test_a_whole_number_of_ticks_is_done_though_hz_divides_nothing():
    sched = by_itself("linux-2.6.24-cfs", 300)
    sched.fork(now_ns=0)
    sched.advance(now_ns=SECOND - 1)
    assert sched.cpu_fields()["clock"] == 299 * SECOND // 300
    sched.advance(now_ns=SECOND)
    assert sched.cpu_fields()["clock"] == SECOND


@pytest.mark.parametrize("hz", [1, 7, 300, 999_983, 10**6])
def test_no_time_is_too_late_for_an_exact_tick(hz):
    """The last tick up to a time, in Python's long integers; an idle CPU's clock stands at it."""
    rng, sched = random.Random(hz), by_itself("linux-2.6.24-cfs", hz)
    times = [rng.randrange(SECOND, 2**bits) for bits in range(30, 65)]
    exact = [second * SECOND + by for second in (2, 10**6, 10**10) for by in (-1, 0)]
    for now_ns in sorted(times + exact + [2**64 - 1]):
        sched.advance(now_ns=now_ns)
        last = now_ns * hz // SECOND
        while (last + 1) * SECOND // hz <= now_ns:
            last += 1
        assert sched.cpu_fields()["clock"] == last * SECOND // hz


def test_tick_is_refused(model):
    sched = by_itself(model)
    with pytest.raises(cfs.StateError, match="ticks by itself, hz = 1000"):
        sched.tick(now_ns=0)


@pytest.mark.parametrize("hz", [0, 10**7, -5])
def test_hz_has_a_range(model, hz):
    with pytest.raises(cfs.TunableError, match="hz"):
        cfs.Scheduler(model, hz=hz)


def test_hz_reaches_the_tunables_that_follow_from_it():
    assert cfs.Scheduler("linux-2.6.22-o1", hz=250).tunables.hz == 250
    assert cfs.Scheduler("linux-2.6.23-cfs", hz=250).tunables.TICK_NSEC == 4 * MS
    assert (cfs.Scheduler(hz=250).hz, cfs.Scheduler(hz=250, ticks=False).hz, cfs.Scheduler().hz) == (250, None, None)


def test_an_idle_span_of_centuries_takes_no_time(model):
    """At one tick a loop this would be 10**19 rounds."""
    sched = by_itself(model, 1_000_000 if model != "linux-2.6.23-cfs" else 1000)
    sched.fork(now_ns=0)
    sched.block(now_ns=1)
    sched.advance(now_ns=2**64 - 1)
    assert sched.now_ns == 2**64 - 1


def test_time_does_not_go_back():
    sched = by_itself("linux-2.6.24-cfs")
    sched.advance(now_ns=5)
    with pytest.raises(cfs.TimeError):
        sched.advance(now_ns=4)


def test_without_hz_advance_moves_time_alone():
    sched = cfs.Scheduler()
    hogs(sched, 2)
    before = [task.fields() for task in sched.tasks]
    assert not sched.advance(now_ns=SECOND)
    assert (sched.now_ns, [task.fields() for task in sched.tasks]) == (SECOND, before)


# ---- next_event --------------------------------------------------------------------------------------------------


def test_next_event_changes_nothing(model):
    sched = by_itself(model, cpus=2)
    hogs(sched, 3)
    before = sched.to_bytes()
    assert sched.next_event() is not None
    assert sched.to_bytes() == before


def test_next_event_of_whom_nobody_waits_for_is_never(model):
    sched = by_itself(model)
    assert sched.next_event() is None
    sched.fork(now_ns=0)
    assert sched.next_event() is None


def test_next_event_of_a_task_in_the_kernel_is_never(model):
    """Ticks only mark it: the next event is the end of that, and the caller knows when."""
    sched = by_itself(model)
    hogs(sched, 2)
    sched.preempt_disable()
    assert sched.next_event() is None and sched.next_event(until_ns=SECOND) is None
    running = sched.current
    sched.advance(now_ns=SECOND)
    assert sched.current is running and sched.resched_waits()
    assert sched.preempt_enable(now_ns=SECOND) and sched.next_event() is not None


def test_next_event_looks_no_further_than_asked(model):
    sched = by_itself(model)
    hogs(sched, 2)
    at = sched.next_event()
    assert sched.next_event(until_ns=at) == at
    assert sched.next_event(until_ns=at - 1) is None


def test_next_event_is_the_earliest_of_all_cpus():
    """The tunables of one CPU, so that each CPU of two is as if it were alone."""
    alone = {"sched_latency_ns": 20 * MS, "sched_min_granularity_ns": 4 * MS, "sched_nr_latency": 5}
    two, five = by_itself("linux-2.6.24-cfs", **alone), by_itself("linux-2.6.24-cfs", **alone)
    both = by_itself("linux-2.6.24-cfs", cpus=2, **alone)
    hogs(two, 2)
    hogs(five, 5)
    hogs(both, 2, cpu=1)
    assert both.next_event() == two.next_event() == 11 * MS     # slice 10 ms, strictly longer: the eleventh tick
    hogs(both, 5, cpu=0)
    assert both.next_event() == min(two.next_event(), five.next_event())
    assert five.next_event() < two.next_event()


# ---- Interrupted and undefined -----------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer")
def test_a_long_span_can_be_interrupted_and_goes_on(model):
    def interrupt(*_):
        raise KeyboardInterrupt

    sched, whole = by_itself(model), by_itself(model)
    hogs(sched, 2)
    hogs(whole, 2)
    usual = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            sched.advance(now_ns=10**6 * SECOND)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
    assert 0 < sched.now_ns < 10**6 * SECOND
    sched.check()
    later = sched.now_ns + 100 * MS
    sched.advance(now_ns=later)
    whole.advance(now_ns=later)
    assert state_of(sched) == state_of(whole)


def a_faulting_scheduler():
    """Shares of two groups that add up to 2**32: the tick's slice would be divided by 0."""
    sched = cfs.Scheduler(group_by="cgroup", hz=1000)
    groups = [sched.create_group("a", shares=2**31), sched.create_group("b", shares=2**31)]
    for group in groups:
        sched.fork(now_ns=0, group=group)
    return sched, groups


def test_an_undefined_tick_raises_and_can_be_repaired():
    sched, groups = a_faulting_scheduler()
    assert sched.next_event() == MS
    with pytest.raises(cfs.StateError, match="CPU 0 at 1000000 ns"):
        sched.advance(now_ns=5 * MS)
    assert sched.now_ns == 0
    groups[0].shares = 1024
    sched.advance(now_ns=5 * MS)
    assert sched.cpu_fields()["clock"] == 5 * MS


def a_faulting_machine(busy, faulting, cpus, hz=None):
    """The same on one of several CPUs, with a hog on each of some others, from 3.5 ms on."""
    sched = cfs.Scheduler(group_by="cgroup", cpus=cpus, hz=1000, ticks=hz is not None)
    groups = [sched.create_group("a", shares=2**31), sched.create_group("b", shares=2**31)]
    for cpu in set(busy) - {faulting}:
        sched.fork(now_ns=0, group="/", cpu=cpu)
    for group in groups:
        sched.fork(now_ns=0, group=group, cpu=faulting)
        groups[0].shares = 1024                 # repaired until 3.5 ms
    if hz is None:
        Hand(sched, 1000).until(7 * MS // 2)
    else:
        sched.advance(now_ns=7 * MS // 2)
    groups[0].shares = 2**31
    return sched


@pytest.mark.parametrize("until_ns", [4 * MS, 9 * MS])
@pytest.mark.parametrize("faulting", [0, 2, 3, 4])
@pytest.mark.parametrize("busy", [(), (0,), (1, 4), (2, 3)])
def test_where_a_tick_is_undefined_the_cpus_before_it_have_had_theirs(busy, faulting, until_ns):
    """Those that rest as well. By hand, the ticks are sent until one is refused."""
    hand, auto = (a_faulting_machine(busy, faulting, 5, hz) for hz in (None, 1000))
    with pytest.raises(cfs.StateError, match="divided by 0"):
        for cpu in range(5):
            hand.tick(now_ns=4 * MS, cpu=cpu)
    with pytest.raises(cfs.StateError, match=f"CPU {faulting} at 4000000 ns"):
        auto.advance(now_ns=until_ns)
    for cpu in range(5):
        assert auto.cpu_fields(cpu) == hand.cpu_fields(cpu)
    assert [task.fields() for task in auto.tasks] == [task.fields() for task in hand.tasks]
    auto.groups["a"].shares = hand.groups["a"].shares = 1024
    for now_ns in range(4, 10):                 # and all goes on from there
        for cpu in range(faulting if now_ns == 4 else 0, 5):
            hand.tick(now_ns=now_ns * MS, cpu=cpu)
    auto.advance(now_ns=9 * MS)
    assert state_of(auto) == state_of(hand)


def test_i1_of_ticks_the_ticker_knows_what_is_done(model):
    """I1 of cfs/engine/_ticks.pyx: advancing in two steps, cut anywhere, is advancing in one."""
    for cut in (1, MS - 1, MS, MS + 1, 17 * MS + 5):
        once, twice = by_itself(model, cpus=2), by_itself(model, cpus=2)
        hogs(once, 3)
        hogs(twice, 3)
        once.advance(now_ns=40 * MS)
        twice.advance(now_ns=cut)
        twice.advance(now_ns=40 * MS)
        assert state_of(twice) == state_of(once)


def test_i2_of_ticks_what_is_exchanged_twice_is_as_before(model):
    """I2 of cfs/engine/_ticks.pyx: also in the middle of a life, with handles."""
    sched = by_itself(model)
    for number, _ in enumerate(life(Plain(sched), 5, 1, 60)):
        if number % 7 == 0:
            before = sched.to_bytes()
            sched.next_event(until_ns=sched.now_ns + SECOND)
            assert sched.to_bytes() == before
            sched.check()
