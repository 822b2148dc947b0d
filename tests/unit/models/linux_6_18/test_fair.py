"""EEVDF of 6.18 in particular, at each point of its life that is a model. Ways to be right: invariants after
each step (the numbers are those of cfs/models/linux_6_18/_fair.pyx), and laws of the specification (section in
brackets). What only the later ones do stands in the files beside this one.

That every number of every state is right is shown elsewhere, by traces and by the twin; here stands why
one believes it.
"""

from functools import partial

import pytest

from cfs import MODELS, GroupError, InvariantError, ModelError
from tests.builders import MS, a_blocked_task, a_scheduler, hogs, random_events, run, signed, unchanged
from tests.quick import few

FIRST = "linux-6.18-eevdf"
START = -(2**20)
SLICE = 700_000


@pytest.fixture(params=[name for name in MODELS if name.endswith("-eevdf")])
def eevdf(request):
    """Makes a scheduler."""
    return partial(a_scheduler, request.param)


@pytest.fixture(params=[None, "cgroup"], ids=str)
def group_by(request):
    return request.param


@pytest.fixture(params=few(range(3), 1))
def events(request, eevdf, group_by):
    """A scheduler under random events: (scheduler, iterator that performs one event a step)."""
    sched = eevdf(group_by=group_by)
    return sched, random_events(sched, request.param, 400, group_by=group_by)


def queues_of(sched):
    return list(sched.groups) or [None]


def members_of(sched, queue):
    """Whoever is counted: the waiting ones, and the one that runs or contains who runs."""
    current = sched.queue_entities(queue)["curr"]
    return sched.queue(queue) + [current] * (current is not None)


def values(entity, *names):
    fields = entity.fields()
    return [fields[name] for name in names]


def load_of(entity):
    return max(2, entity.fields()["load_weight"] >> 10)


# ---- Invariants of cfs/models/linux_6_18/_fair.pyx --------------------------------------------------------


def test_i1_the_tree_is_in_order_of_deadlines(events):
    sched, steps = events
    for _ in steps:
        for queue in queues_of(sched):
            deadlines = [entity.fields()["deadline"] for entity in sched.queue(queue)]
            assert all(
                signed(later - sooner) >= 0 for sooner, later in zip(deadlines, deadlines[1:], strict=False)
            )


def test_i2_a_queue_sums_its_tree_and_counts_the_running_entity(events):
    sched, steps = events
    for _ in steps:
        for queue in queues_of(sched):
            fields, waiting, members = sched.queue_fields(queue), sched.queue(queue), members_of(sched, queue)
            base = fields["min_vruntime"]
            keys = [signed(entity.fields()["vruntime"] - base) * load_of(entity) for entity in waiting]
            assert (fields["avg_vruntime"], fields["avg_load"]) == (sum(keys), sum(map(load_of, waiting)))
            assert fields["nr_queued"] == len(members)
            assert fields["load_weight"] == sum(entity.fields()["load_weight"] for entity in members)


@pytest.mark.parametrize("eevdf", [FIRST], indirect=True)
def test_i3_min_vruntime_never_goes_back(events):
    sched, steps = events
    floors = {}
    for _ in steps:
        for queue in queues_of(sched):
            floor = sched.queue_fields(queue)["min_vruntime"]
            assert signed(floor - floors.get(queue, floor)) >= 0
            floors[queue] = floor


def test_i4_the_queues_count_the_tasks_below(events):
    sched, steps = events
    for _ in steps:
        queued = [task for task in sched.tasks if task.on_rq]
        root = sched.queue_fields()
        assert sched.nr_running == root["h_nr_queued"] == len(queued)
        assert root["h_nr_runnable"] == sum(task.state != "blocked" for task in queued)
        for name, group in list(sched.groups.items())[1:]:
            assert sched.queue_fields(name)["h_nr_queued"] == sum(task.group is group for task in queued)


def test_i5_curr_leads_to_the_running_task(events):
    sched, steps = events
    for _ in steps:
        task, path = sched.current, {}
        if task is not None:
            path = {None if task.group is None else task.group.name: task}
            if task.group is not None and task.group.parent is not None:
                path["/"] = task.group
        for queue in queues_of(sched):
            assert sched.queue_entities(queue)["curr"] is path.get(queue)


def test_i6_run_times_add_up_to_the_time_that_was_not_idle(events):
    sched, steps = events
    everybody, busy_ns, last_ns, was_busy = {}, 0, 0, False
    for event, now in steps:
        busy_ns += was_busy * (now - last_ns)
        last_ns, was_busy = now, sched.current is not None
        everybody.update((task.id, task) for task in sched.tasks)
        if event == "tick":
            assert sum(task.sum_exec_ns for task in everybody.values()) == busy_ns


def test_i7_a_group_is_queued_with_its_shares_if_it_has_somebody(events):
    sched, steps = events
    for _ in steps:
        for name, group in list(sched.groups.items())[1:]:
            on_rq, delayed, weight = values(group, "on_rq", "sched_delayed", "load_weight")
            if sched.queue_fields(name)["nr_queued"]:
                assert (on_rq, delayed, weight) == (1, 0, group.shares << 10)
            else:
                assert on_rq == delayed


def test_i8_deadlines_on_a_queue_are_absolute_and_buddies_runnable(events):
    sched, steps = events
    for _ in steps:
        for queue in queues_of(sched):
            assert all(
                values(entity, "on_rq", "rel_deadline") == [1, 0] for entity in members_of(sched, queue)
            )
            buddy = sched.queue_entities(queue)["next"]
            assert buddy is None or values(buddy, "on_rq", "sched_delayed") == [1, 0]


def test_i9_somebody_is_eligible(events):
    sched, steps = events
    for _ in steps:
        for queue in queues_of(sched):
            members, average = members_of(sched, queue), sched.queue_fields(queue)["V"]
            assert not members or any(
                signed(entity.fields()["vruntime"] - average) <= 0 for entity in members
            )


def test_i10_nobody_is_flagged_between_events(events):
    """`check` looks at the flag, and at all the others as well."""
    sched, steps = events
    for _ in steps:
        sched.check()


# ---- Laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "of_1_ms"),
    [({"nice": -20}, 11536), ({}, 1_000_000), ({"nice": 5}, 3_056_716), ({"nice": 19}, 68_266_666)]
    + [({"policy": "idle"}, 341_333_333)],
)
def test_virtual_time_of_a_millisecond(eevdf, options, of_1_ms):
    """[15, E1]"""
    sched = eevdf()
    task = sched.fork(now_ns=0, **options)
    sched.tick(now_ns=MS)
    assert signed(task.vruntime) == START + of_1_ms


@pytest.mark.parametrize(("shares", "of_1_ms"), [(512, 1_999_999), (1024, 1_000_000), (262_144, 3906)])
def test_virtual_time_of_a_group(eevdf, shares, of_1_ms):
    """[15, E1]; the inverse of a group is rounded down."""
    sched = eevdf(group_by="cgroup")
    group = sched.create_group("a", shares=shares)
    sched.fork(now_ns=0, group=group)
    sched.tick(now_ns=MS)
    assert signed(group.vruntime) == START + of_1_ms


@pytest.mark.parametrize("ns", [1, 999_999_999_999, 2**44 + 12345, 2**52 + 1])
def test_virtual_time_is_the_128_bit_product(eevdf, ns):
    """[4.3] Far beyond 2**64: nice 19, whose factor is 2290649224 / 2**25."""
    sched = eevdf()
    task = sched.fork(now_ns=0, nice=19)
    sched.tick(now_ns=ns)
    assert task.vruntime == (START + (ns * 2_290_649_224 >> 25)) % 2**64


def test_a_new_task_has_half_a_request(eevdf):
    """[6.4]"""
    assert signed(eevdf().fork(now_ns=0).deadline) == START + SLICE // 2
    assert signed(eevdf(PLACE_DEADLINE_INITIAL=False).fork(now_ns=0).deadline) == START + SLICE


def test_time_is_shared_by_weight(eevdf):
    """Lags stay within the length of a request that ends at a tick, so that times do."""
    sched = eevdf()
    heavy, light = sched.fork(now_ns=0), sched.fork(now_ns=0, nice=5)
    run(sched, 60_000 * MS)
    assert abs(heavy.sum_exec_ns * 335 - light.sum_exec_ns * 1024) <= 4 * 1024 * 2 * MS


def test_a_sleeper_with_a_debt_stays_queued_and_one_without_leaves(eevdf):
    """[6.6]"""
    sched = eevdf()
    first, second = hogs(sched, 2)
    assert sched.current is first
    sched.block(now_ns=300_000)
    assert (first.state, first.on_rq, first.fields()["sched_delayed"]) == ("blocked", True, 1)
    assert sched.nr_running == 2 and sched.queue() == [first]
    sched.block(now_ns=310_000)
    assert (second.on_rq, second.vlag) == (False, 145_000), "it was owed half of the other's lead"
    assert (first.on_rq, first.vlag) == (False, 0), "alone it was picked, and left"
    assert (sched.current, sched.nr_running) == (None, 0)


def test_a_sleeper_in_the_queue_is_woken_where_it_is(eevdf):
    """[6.7]"""
    sched = eevdf()
    first, _ = hogs(sched, 2)
    sched.block(now_ns=300_000)
    deadline, vruntime = first.deadline, first.vruntime
    sched.wake(first, now_ns=310_000)
    assert (first.state, first.deadline, first.vruntime) == ("runnable", deadline, vruntime)


def test_without_delayed_dequeue_the_debt_waits(eevdf):
    """[6.4] The lag is kept over the sleep, however long it is."""
    sched = eevdf(DELAY_DEQUEUE=False)
    first, second = hogs(sched, 2)
    sched.block(now_ns=300_000)
    assert (first.on_rq, first.vlag) == (False, -150_000)
    run(sched, 50 * MS)
    sched.wake(first, now_ns=50 * MS)
    # inflated by (W + w) / W = 2; half of it is gone into V by joining
    assert signed(first.vruntime - second.vruntime) == 300_000
    assert signed(sched.queue_fields()["V"] - first.vruntime) == -150_000


@pytest.mark.parametrize(("slice_ns", "preempts"), [(100_000, True), (0, False)])
def test_a_shorter_slice_breaks_protection(eevdf, slice_ns, preempts):
    """[9.3] Who has slept without a debt is eligible at its wakeup; only the shorter request is earlier as
    well.
    """
    sched = eevdf(PLACE_LAG=False)
    sleeper = a_blocked_task(sched, now_ns=0)
    sched.set_slice(sleeper, slice_ns)
    hogs(sched, 1)
    sched.tick(now_ns=MS)
    assert sched.wake(sleeper, now_ns=MS + 50_000) is preempts


def test_slices_are_clamped_and_zero_is_the_default(eevdf):
    """[3.2, 9.5]"""
    sched = eevdf()
    task = sched.fork(now_ns=0)
    for written, read in [(1, 100_000), (3 * MS, 3 * MS), (10**12, 100 * MS), (0, SLICE)]:
        task.slice_ns = written
        assert task.slice_ns == read
    child = sched.fork(now_ns=0)
    assert child.slice_ns == SLICE


def test_a_child_inherits_the_slice(eevdf):
    sched = eevdf()
    sched.fork(now_ns=0).slice_ns = 3 * MS
    assert sched.fork(now_ns=0).slice_ns == 3 * MS


def test_the_idle_policy_has_no_slice_of_its_own(eevdf):
    """[9.5]"""
    sched = eevdf()
    task = sched.fork(now_ns=0, policy="idle")
    task.slice_ns = 3 * MS
    assert task.slice_ns == SLICE


def test_a_waking_task_preempts_an_idle_one_at_once(eevdf):
    sched = eevdf()
    sleeper = a_blocked_task(sched, now_ns=0)
    sched.fork(now_ns=0, policy="idle")
    assert sched.wake(sleeper, now_ns=1000) is True


def test_groups_nest_and_share_at_every_level(eevdf):
    """Three levels; a quarter for each half of a half."""
    sched = eevdf(group_by="cgroup")
    sched.create_group("a")
    sched.create_group("b", parent="a")
    sched.create_group("c", parent="b")
    deep = [sched.fork(now_ns=0, group="c"), sched.fork(now_ns=0, group="c")]
    middle, top = sched.fork(now_ns=0, group="a"), sched.fork(now_ns=0, group="/")
    run(sched, 10_000 * MS)
    received = [task.sum_exec_ns / (10_000 * MS) for task in (top, middle, *deep)]
    assert received == pytest.approx([0.5, 0.25, 0.125, 0.125], abs=0.01)


def test_an_idle_group_gets_what_is_left_and_forgets_its_shares(eevdf):
    """[9.6]"""
    sched = eevdf(group_by="cgroup")
    group = sched.create_group("a", shares=2048)
    task, other = sched.fork(now_ns=0, group=group), sched.fork(now_ns=0, group="/")
    group.idle = True
    assert (group.idle, group.shares, sched.queue_fields()["h_nr_idle"]) == (True, 3, 1)
    sched.set_shares(group, 5000)
    assert group.shares == 3
    run(sched, 3_000 * MS)
    assert task.sum_exec_ns < other.sum_exec_ns // 200
    group.idle = False
    assert (group.shares, sched.queue_fields()["h_nr_idle"]) == (1024, 0)


def test_an_empty_group_that_is_delayed_can_be_removed(eevdf):
    """An empty group may sleep in its parent's queue, like a task."""
    sched = eevdf(group_by="cgroup")
    group = sched.create_group("a")
    sched.fork(now_ns=0, group=group)
    sched.fork(now_ns=0, group="/")
    assert sched.current.group is group
    sched.exit(now_ns=300_000)
    assert values(group, "on_rq", "sched_delayed") == [1, 1]
    sched.remove_group(group)
    assert sched.queue_fields()["nr_queued"] == 1
    sched.check()
    run(sched, 10 * MS)


def test_the_root_group_has_no_shares(eevdf):
    with pytest.raises(GroupError, match="has no shares"):
        eevdf(group_by="cgroup", root_shares=2048)
    sched = eevdf(group_by="cgroup")
    with unchanged(sched), pytest.raises(GroupError, match="has no shares"):
        sched.set_shares("/", 2048)
    with unchanged(sched), pytest.raises(GroupError, match="root group"):
        sched.set_group_idle("/", True)


def test_there_are_no_users(eevdf):
    with pytest.raises(ModelError, match="group by"):
        eevdf(group_by="uid")


def test_other_models_point_to_nobody():
    sched = a_scheduler()
    sched.fork(now_ns=0)
    assert sched.queue_entities() == {}
    with pytest.raises(ModelError, match="deadline"):
        sched.current.deadline


@pytest.mark.parametrize("seed", few(range(3), 1))
def test_tasks_migrate_with_their_lag(eevdf, seed):
    sched = eevdf(cpus=2)
    for step, (_, now) in enumerate(random_events(sched, seed, 300)):
        waiting = [task for task in sched.tasks if task.state != "running"]
        if step % 3 == 0 and waiting:
            task = waiting[step % len(waiting)]
            lag, was_queued = task.vlag, task.on_rq
            sched.migrate(task, 1 - task.cpu, now_ns=now)
            assert was_queued or task.vlag == lag
        sched.tick(now_ns=now, cpu=1)
        sched.check()


def test_where_the_kernel_crashes_an_error_is_raised(eevdf):
    """[4.5] 400 days without a tick, beside a heavy task."""
    sched = eevdf()
    sched.fork(now_ns=0, nice=19)
    sched.fork(now_ns=0, nice=-20)
    with pytest.raises(InvariantError, match="bug code 2"):
        sched.tick(now_ns=36 * 10**15)
