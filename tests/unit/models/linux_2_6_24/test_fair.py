"""CFS of 2.6.24 in particular. Ways to be right: invariants after each step (the numbers are those of
cfs/models/linux_2_6_24/_fair.pyx, cfs/models/_idle.pyx and cfs/_core.pyx), and laws of the specification (sections 7
and 8).

That every number of every state is right is shown elsewhere, by traces and by the twin; here stands why
one believes it.
"""

import pytest

from tests.builders import MS, a_blocked_task, a_scheduler, hogs, random_events, run, signed
from tests.quick import few

GROUPINGS = [None, "uid", "cgroup"]


@pytest.fixture(params=GROUPINGS, ids=str)
def group_by(request):
    return request.param


@pytest.fixture(params=few(range(3), 1))
def events(request, group_by):
    """A scheduler under random events: (scheduler, iterator that performs one event a step)."""
    sched = a_scheduler(group_by=group_by)
    return sched, random_events(sched, request.param, 400, group_by=group_by)


def queues_of(sched):
    return [None, *sched.groups]


def entities_of(sched, queue):
    """Who waits in the queue, and who of it runs."""
    current = sched.current
    waiting = sched.queue(queue)
    if current is None:
        return waiting, None
    if current.group is None:
        return waiting, current if queue is None else None
    if queue is None:
        return waiting, current.group
    return waiting, current if current.group.name == queue else None


# ---- Invariants of cfs/models/linux_2_6_24/_fair.pyx ---------------------------------------------------------


def test_i1_a_queue_counts_its_tree_and_the_running_entity(events):
    sched, steps = events
    for _ in steps:
        for queue in queues_of(sched):
            waiting, running = entities_of(sched, queue)
            members = waiting + [running] * (running is not None)
            fields = sched.queue_fields(queue)
            assert fields["nr_running"] == len(members)
            assert fields["load_weight"] == sum(entity.fields()["load_weight"] for entity in members)


def test_i2_the_running_entity_is_in_no_tree_and_who_waits_is_on_rq(events):
    sched, steps = events
    for _ in steps:
        for queue in queues_of(sched):
            waiting, running = entities_of(sched, queue)
            assert running not in waiting
            assert all(entity.fields()["on_rq"] for entity in waiting)


def test_i3_the_floor_never_goes_back(events):
    sched, steps = events
    floors = {}
    for _ in steps:
        for queue in queues_of(sched):
            floor = sched.queue_fields(queue)["min_vruntime"]
            assert signed(floor - floors.get(queue, floor)) >= 0
            floors[queue] = floor


def test_i4_a_group_is_on_its_queue_exactly_if_it_has_runnable_tasks(events):
    sched, steps = events
    for _ in steps:
        for group in sched.groups.values():
            assert bool(group.fields()["on_rq"]) == (group.nr_running > 0)


def test_i6_the_running_entities_lead_to_the_running_task(events):
    """What runs is charged on every level: after a tick exec_start is the clock from the top down."""
    sched, steps = events
    for event, _ in steps:
        current = sched.current
        if event == "tick" and current is not None:
            path = [current] if current.group is None else [current, current.group]
            assert {entity.fields()["exec_start"] for entity in path} == {sched.cpu_fields()["clock"]}
        sched.check()


def test_i8_a_waiting_entity_keeps_its_vruntime(events):
    sched, steps = events
    before = {}
    for event, _ in steps:
        now = {}
        for queue in queues_of(sched):
            now.update({(queue, entity.name): entity.vruntime for entity in entities_of(sched, queue)[0]})
        if event == "tick":
            stayed = now.keys() & before.keys()
            assert {key: now[key] for key in stayed} == {key: before[key] for key in stayed}
        before = now


# ---- Invariants of cfs/models/_idle.pyx ---------------------------------------------------------


def test_i1_of_idle_it_is_on_no_queue_and_never_charged():
    sched = a_scheduler()
    run(sched, 50 * MS)
    assert (sched.current, sched.queue(), sched.nr_running) == (None, [], 0)
    assert sched.fork(now_ns=50 * MS).vruntime == 0  # a copy of the idle task's


@pytest.mark.parametrize("policy", ["normal", "batch", "idle"])
def test_i2_of_idle_whatever_wakes_preempts_it(policy):
    sched = a_scheduler()
    sleeper = a_blocked_task(sched, now_ns=0, policy=policy, nice=19)
    assert sched.wake(sleeper, now_ns=MS) is True
    assert sched.current is sleeper


# ---- Invariants of cfs/_core.pyx -----------------------------------------------------------------


def test_i1_of_core_a_cpu_counts_its_runnable_tasks_at_their_own_weights(events):
    sched, steps = events
    for _ in steps:
        runnable = [task for task in sched.tasks if task.state in ("running", "runnable")]
        fields = sched.cpu_fields()
        assert fields["nr_running"] == len(runnable)
        assert fields["load_weight"] == sum(task.weight for task in runnable)


def test_i2_of_core_after_an_event_somebody_runs_exactly_if_somebody_can(events):
    sched, steps = events
    for _ in steps:
        assert (sched.current is None) == (sched.nr_running == 0)


def test_i3_of_core_a_task_is_on_a_queue_exactly_if_it_is_runnable(events):
    sched, steps = events
    for _ in steps:
        assert all(task.on_rq == (task.state in ("running", "runnable")) for task in sched.tasks)


def test_i4_of_core_the_table_has_every_living_task(events):
    sched, steps = events
    made, gone = set(), set()
    for _ in steps:
        living = {task.id for task in sched.tasks}
        gone |= made - living
        made |= living
        assert living == set(range(1, max(made, default=0) + 1)) - gone


# ---- Laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("slept_ns", [0, MS, 15 * MS, 500 * MS, 10_000 * MS])
def test_a_sleeper_gains_at_most_one_latency_and_never_loses(slept_ns):
    """Specification 8, invariant 9: v' = later(v, floor - latency)."""
    sched = a_scheduler()
    first, _ = hogs(sched, 2)
    sleeper = sched.current
    run(sched, 30 * MS)
    while sched.current is not sleeper:
        sched.tick(now_ns=sched.now_ns + MS)
    sched.block(now_ns=sched.now_ns)
    before = sleeper.vruntime
    run(sched, sched.now_ns + slept_ns)
    sched.wake(sleeper, now_ns=sched.now_ns)
    floor = sched.min_vruntime
    assert sleeper.vruntime == (before if signed(before - floor + 20 * MS) > 0 else (floor - 20 * MS) % 2**64)
    assert signed(sleeper.vruntime - before) >= 0


def test_time_is_shared_by_weight():
    """Nice 0 and nice 5 are 1024 to 335; keys lie within a turn of each other, here of 16 ms of the heavier
    one.
    """
    sched = a_scheduler()
    heavy, light = sched.fork(now_ns=0), sched.fork(now_ns=0, nice=5)
    run(sched, 60_000 * MS)
    assert abs(heavy.sum_exec_ns * 335 - light.sum_exec_ns * 1024) <= 2 * 1024 * 16 * MS


def test_one_nice_level_is_a_tenth_of_the_cpu_at_every_level():
    """55 : 45, at the top of the table as at the bottom, where weights are coarse (18 : 15)."""
    for nice in (-20, -10, 0, 10, 18):
        sched = a_scheduler()
        one, other = sched.fork(now_ns=0, nice=nice), sched.fork(now_ns=0, nice=nice + 1)
        run(sched, 10_000 * MS)
        assert 0.085 < (one.sum_exec_ns - other.sum_exec_ns) / (10_000 * MS) < 0.125


def test_a_batch_task_preempts_nobody_at_its_wakeup():
    """Specification 7.12."""
    sched = a_scheduler()
    sleeper = a_blocked_task(sched, now_ns=0, policy="batch")
    sched.fork(now_ns=0, policy="normal")
    run(sched, 100 * MS)
    assert sched.wake(sleeper, now_ns=100 * MS) is False
    assert sched.resched is False


def test_ties_let_the_other_one_run():
    """Specification 7.1: the preempted one is put back behind its equals."""
    sched = a_scheduler(START_DEBIT=False)
    first = sched.fork(now_ns=0)
    second = sched.fork(now_ns=0)
    assert first.vruntime == second.vruntime
    assert (sched.current, sched.queue()) == (second, [first])


@pytest.mark.parametrize(("start", "preempts"), [(10**12, False), (2**64 - 30 * MS, True)])
def test_a_raw_comparison_misjudges_across_the_wrap(start, preempts):
    """Specification 7.2: a sleeper without credit owes nothing, but 1 ms before the wrap v + 10 ms is a
    small number.
    """
    sched = a_scheduler(initial_min_vruntime=start, initial_idle_vruntime=start, NEW_FAIR_SLEEPERS=False)
    sleeper = a_blocked_task(sched, now_ns=0)
    runner = sched.fork(now_ns=0)
    sched.tick(now_ns=29 * MS)
    assert sched.wake(sleeper, now_ns=29 * MS) is preempts
    assert sleeper.vruntime == runner.vruntime == start + 29 * MS


def test_a_lone_task_is_never_asked_for_its_slice_by_the_tick():
    sched = a_scheduler()
    sched.fork(now_ns=0)
    for now in range(MS, 200 * MS, MS):
        sched.tick(now_ns=now)
        assert not sched.resched


def test_without_wakeup_preemption_the_tick_asks_even_a_lone_task():
    """Specification 3: WAKEUP_PREEMPT off."""
    sched = a_scheduler(WAKEUP_PREEMPT=False)
    sched.fork(now_ns=0)
    asked = []
    for now in range(MS, 25 * MS, MS):
        sched.tick(now_ns=now)
        asked.append(sched.resched)
    assert asked.index(True) == 20  # at 21 ms: strictly more than 20
