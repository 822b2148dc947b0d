"""Handles of tasks, groups and users. Way to be right: laws."""

import gc

import pytest

import cfs
from cfs import GroupError, StateError
from tests.builders import MS, a_scheduler, hogs, unchanged
from tests.unit.scheduler.machines import LATER, ByCgroup, Flat


@pytest.mark.parametrize(
    ("kind", "message"),
    [(cfs.Task, "made by Scheduler.fork"), (cfs.TaskGroup, "create_group"), (cfs.User, "create_user")],
)
def test_handles_are_not_made_by_hand(kind, message):
    with pytest.raises(TypeError, match=message):
        kind()


@pytest.mark.parametrize("kind", [cfs.Task, cfs.User])
def test_handles_cannot_be_subclassed(kind):
    with pytest.raises(TypeError):
        type("Mine", (kind,), {})


def test_a_handle_keeps_its_scheduler_alive(own_garbage):
    """I1 of cfs/scheduler/_handles.pyx."""
    task = a_scheduler().fork(now_ns=0)
    gc.collect()
    task.scheduler.tick(now_ns=MS)
    assert task.sum_exec_ns == MS


# ---- Tasks ---------------------------------------------------------------------------------------


def test_a_task_has_one_handle():
    """I2 of cfs/scheduler/_handles.pyx."""
    it = Flat()
    assert it.sched.current is it.running
    assert {id(task) for task in it.sched.tasks} == {id(it.sleeper), id(it.waiting), id(it.running)}


def test_a_task_that_nobody_holds_lives_on(own_garbage):
    sched = a_scheduler()
    sched.fork(name="alone", now_ns=0)
    gc.collect()
    assert sched.current.name == "alone"


def test_tasks_are_listed_in_order_of_creation_even_if_slots_are_used_again():
    sched = a_scheduler()
    first, second, third = hogs(sched, 3)
    while sched.current is not second:
        sched.tick(now_ns=sched.now_ns + MS)
    sched.exit(now_ns=sched.now_ns)
    fourth = sched.fork(now_ns=sched.now_ns)
    assert [task.id for task in sched.tasks] == [first.id, third.id, fourth.id] == [1, 3, 4]


def test_an_id_is_never_used_again():
    sched = a_scheduler()
    seen = set()
    for now in range(200):
        seen.add(sched.fork(now_ns=now).id)
        sched.exit(now_ns=now)
    assert seen == set(range(1, 201))


def test_a_handle_outlives_its_task():
    """I2 of cfs/scheduler/_handles.pyx: from then on it asks nobody."""
    it = Flat()
    running = it.running
    running_sum = running.sum_exec_ns
    it.sched.exit(now_ns=LATER)
    assert (running.state, running.sum_exec_ns, running.exited_ns) == ("dead", running_sum + MS, LATER)
    assert (running.name, running.scheduler) == (f"task-{running.id}", it.sched)


def test_a_living_task_has_not_exited():
    assert Flat().running.exited_ns is None


@pytest.mark.parametrize(
    "fact",
    ["nice", "policy", "prio", "cpu", "group", "uid", "vruntime", "weight", "on_rq", "slice_ns", "vslice"],
)
def test_a_dead_task_tells_nothing_else(fact):
    with pytest.raises(StateError, match="has exited"):
        getattr(Flat().dead, fact)


def test_a_dead_task_has_no_fields():
    with pytest.raises(StateError, match="has exited"):
        Flat().dead.fields()


def test_states_are_told_by_their_names():
    it = Flat()
    assert [t.state for t in (it.running, it.waiting, it.sleeper, it.dead)] == [
        "running",
        "runnable",
        "blocked",
        "dead",
    ]
    assert [t.on_rq for t in (it.running, it.waiting, it.sleeper)] == [True, True, False]


def test_a_task_without_a_name_is_called_by_its_id():
    assert a_scheduler().fork(now_ns=0).name == "task-1"


def test_the_fields_of_a_task_have_the_names_of_the_kernel():
    task = a_scheduler().fork(now_ns=7)
    assert task.fields() == {
        "vruntime": 0,
        "sum_exec_runtime": 0,
        "on_rq": 1,
        "load_weight": 1024,
        "inv_weight": 2**22,
        "exec_start": 7,
        "prev_sum_exec_runtime": 0,
    }


def test_slices_are_those_of_the_queue_as_it_is():
    it = Flat()
    assert (it.running.slice_ns, it.running.vslice) == (10 * MS, 10 * MS)
    it.sched.block(now_ns=LATER)
    it.sched.block(now_ns=LATER)
    assert (it.running.slice_ns, it.running.vslice) == (0, 0)


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ("running", "<Task {0.id} '{0.name}' running, nice 0, ran 0 ns>"),
        ("sleeper", "<Task 2 'sleeper' blocked, nice 0, ran 0 ns>"),
        ("dead", "<Task 1 'dead' dead, ran 0 ns>"),
    ],
)
def test_a_task_shows_who_it_is_and_how_it_stands(which, text):
    task = getattr(Flat(), which)
    assert repr(task) == text.format(task)


def test_a_task_shows_its_policy_and_group():
    task = a_scheduler(group_by="uid").fork(uid=5, policy="batch", nice=3, now_ns=0)
    assert repr(task) == "<Task 1 'task-1' running, nice 3 batch in 'uid:5', ran 0 ns>"


# ---- Groups and users ----------------------------------------------------------------------------


def test_a_control_group_has_no_uid():
    it = ByCgroup()
    assert it.task.uid is None and not hasattr(it.a, "uid") and list(it.sched.users) == []


def test_a_removed_group_is_gone_and_its_handle_says_so():
    it = ByCgroup()
    assert repr(it.gone) == "<TaskGroup 'gone' removed>"
    with pytest.raises(GroupError, match="has been removed"):
        _ = it.gone.shares
    assert "gone" not in it.sched.groups


def test_a_name_may_be_used_again_and_the_old_handle_does_not_mean_the_new_group():
    it = ByCgroup()
    again = it.sched.create_group("gone")
    with unchanged(it.sched), pytest.raises(GroupError):
        it.sched.remove_group(it.gone)
    assert it.sched.groups["gone"] is again


@pytest.mark.parametrize("fact", ["shares", "vruntime", "sum_exec_ns", "min_vruntime", "nr_running", "tasks"])
def test_a_removed_group_tells_nothing(fact):
    with pytest.raises(GroupError, match="has been removed"):
        getattr(ByCgroup().gone, fact)


@pytest.mark.parametrize("ask", ["fields", "queue", "queue_fields"])
def test_a_removed_group_has_no_queue(ask):
    with pytest.raises(GroupError, match="has been removed"):
        getattr(ByCgroup().gone, ask)()


def test_a_group_shows_its_shares_and_tasks():
    it = ByCgroup()
    assert repr(it.a) == "<TaskGroup 'a' shares 1024, 1 tasks, 1 runnable>"
    assert repr(it.sched.groups) == (
        "{'/': <TaskGroup '/' shares 1024, 0 tasks, 0 runnable>, "
        "'a': <TaskGroup 'a' shares 1024, 1 tasks, 1 runnable>, "
        "'b': <TaskGroup 'b' shares 512, 0 tasks, 0 runnable>}"
    )
