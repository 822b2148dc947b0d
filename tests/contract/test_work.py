"""Work is conserved. Way to be right: laws, the same for every model."""

import pytest

import cfs
from tests.builders import a_blocked_task, a_scheduler, random_events, run
from tests.quick import few


@pytest.fixture(params=few(range(3), 1))
def seed(request):
    return request.param


def test_a_cpu_idles_exactly_if_nobody_is_runnable(model, group_by, seed):
    sched = a_scheduler(model, group_by=group_by)
    for _ in random_events(sched, seed, 400, group_by=group_by):
        assert (sched.current is None) == (sched.nr_running == 0)


def test_the_running_task_waits_in_no_queue(model, group_by, seed):
    sched = a_scheduler(model, group_by=group_by)
    for _ in random_events(sched, seed, 300, group_by=group_by):
        waiting = [task for group in [None, *sched.groups] for task in sched.queue(group)]
        assert sched.current not in waiting


def test_every_queued_task_runs_or_waits_exactly_once(model, group_by, seed):
    """Queued are the runnable ones and, in models that have it, sleepers whose dequeue is delayed."""
    sched = a_scheduler(model, group_by=group_by)
    for _ in random_events(sched, seed, 300, group_by=group_by):
        queues = list(sched.groups) or [None]
        placed = [
            entity.id for queue in queues for entity in sched.queue(queue) if isinstance(entity, cfs.Task)
        ]
        if sched.current is not None:
            placed.append(sched.current.id)
        assert sorted(placed) == [task.id for task in sched.tasks if task.on_rq]
        assert all(task.on_rq for task in sched.tasks if task.state in ("running", "runnable"))


def test_cpu_time_of_all_tasks_is_the_time_that_was_not_idle(model, group_by, seed):
    """Specification 8, invariant 7: with the dead ones, up to the last charge; a tick charges the running
    task.
    """
    sched = a_scheduler(model, group_by=group_by)
    everybody, busy_ns, last_ns, was_busy = {}, 0, 0, False
    for event, now in random_events(sched, seed, 400, group_by=group_by):
        busy_ns += was_busy * (now - last_ns)
        last_ns, was_busy = now, sched.current is not None
        everybody.update((task.id, task) for task in sched.tasks)
        if event == "tick":
            assert sum(task.sum_exec_ns for task in everybody.values()) == busy_ns


def test_a_lone_task_never_stops(model, group_by):
    sched = a_scheduler(model, group_by=group_by)
    task = sched.fork(now_ns=0)
    run(sched, 200_000_000)
    assert sched.current is task and task.sum_exec_ns == 200_000_000


def test_a_blocked_task_does_not_run(model, group_by):
    sched = a_scheduler(model, group_by=group_by)
    sleeper = a_blocked_task(sched, now_ns=0)
    sched.fork(now_ns=0)
    run(sched, 100_000_000)
    assert (sleeper.state, sleeper.sum_exec_ns) == ("blocked", 0)
