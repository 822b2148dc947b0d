"""Moving a task to another CPU. Way to be right: laws, and the rebase rule of the specification (6.2).

v -= old floor - new floor: the distance to the floor of the task's own queue is kept, whatever the floors
are.
"""

import pytest

from cfs import StateError
from tests.builders import MS, a_blocked_task, a_scheduler, hogs, run, signed, state_of, unchanged


class TwoFloors:
    """CPU 0 has run for 500 ms with three hogs and a sleeper; CPU 1 is fresh, or has run for 50 ms."""

    def __init__(self, group_by=None, busy=True, **where):
        self.sched = a_scheduler(cpus=2, group_by=group_by)
        self.where = where
        self.sleeper = a_blocked_task(self.sched, now_ns=0, **where)
        hogs(self.sched, 3, now_ns=0, **where)
        if busy:
            self.sched.fork(now_ns=0, cpu=1, **where)
            self.sched.tick(now_ns=50 * MS, cpu=1)
        run(self.sched, 500 * MS)
        self.waiting = self.sched.queue(self.queue_of_tasks())[0]

    def queue_of_tasks(self):
        return f"uid:{self.where['uid']}" if self.where else None

    def distance(self, task):
        """From the floor of the queue that the task is, or is to be, on."""
        floor = self.sched.queue_fields(self.queue_of_tasks(), task.cpu)["min_vruntime"]
        return signed(task.vruntime - floor)


KINDS = {
    "flat": lambda: TwoFloors(),
    "flat, idle target": lambda: TwoFloors(busy=False),
    "by uid": lambda: TwoFloors("uid", uid=1000),
    "by uid, idle target": lambda: TwoFloors("uid", busy=False, uid=1000),
}


@pytest.fixture(params=list(KINDS))
def it(request):
    return KINDS[request.param]()


def test_the_floors_differ(it):
    """Otherwise the rest of the file says nothing."""
    floors = [it.sched.queue_fields(it.queue_of_tasks(), cpu)["min_vruntime"] for cpu in (0, 1)]
    assert floors[0] != floors[1]


@pytest.mark.parametrize("which", ["waiting", "sleeper"])
def test_the_distance_to_the_floor_is_kept(it, which):
    task = getattr(it, which)
    before = it.distance(task)
    floor = it.sched.queue_fields(it.queue_of_tasks(), 1)["min_vruntime"]
    it.sched.migrate(task, 1)
    assert (task.cpu, signed(task.vruntime - floor)) == (1, before)


def test_a_task_that_moves_there_and_back_has_its_vruntime_again(it):
    vruntime = it.sleeper.vruntime
    it.sched.migrate(it.sleeper, 1)
    it.sched.migrate(it.sleeper, 0)
    assert it.sleeper.vruntime == vruntime


def test_a_waiting_task_is_counted_where_it_is(it):
    before = [it.sched.cpu_fields(cpu)["nr_running"] for cpu in (0, 1)]
    it.sched.migrate(it.waiting, 1)
    assert [it.sched.cpu_fields(cpu)["nr_running"] for cpu in (0, 1)] == [before[0] - 1, before[1] + 1]
    it.sched.check()


def test_a_sleeper_is_counted_nowhere_and_wakes_where_it_was_moved(it):
    before = [it.sched.cpu_fields(cpu)["nr_running"] for cpu in (0, 1)]
    it.sched.migrate(it.sleeper, 1)
    assert [it.sched.cpu_fields(cpu)["nr_running"] for cpu in (0, 1)] == before
    it.sched.wake(it.sleeper, now_ns=501 * MS, cpu=1)
    assert it.sleeper.cpu == 1 and it.sleeper.state in ("running", "runnable")
    it.sched.check()


def test_the_run_time_stays_as_it_was(it):
    before = it.waiting.sum_exec_ns
    it.sched.migrate(it.waiting, 1)
    assert it.waiting.sum_exec_ns == before


def test_a_task_that_comes_to_an_idle_cpu_runs_there():
    it = TwoFloors(busy=False)
    assert it.sched.migrate(it.waiting, 1) is True
    assert it.sched.current_on(1) is it.waiting


def test_moving_to_the_same_cpu_does_nothing(it):
    with unchanged(it.sched):
        assert it.sched.migrate(it.waiting, 0) is False


def test_the_clock_of_the_other_cpu_stands_still(it):
    """Specification 6.1: a clock is refreshed by its own CPU only; the one that is moved to executes the
    move.
    """
    clock = it.sched.cpu_fields(0)["clock"]
    it.sched.migrate(it.waiting, 1, now_ns=600 * MS)
    assert it.sched.cpu_fields(0)["clock"] == clock
    assert it.sched.cpu_fields(1)["clock"] == 600 * MS


def a_lone_waiting_task_of_a_group(shares, others):
    """The only task of a group waits on CPU 0; on CPU 1 the groups of these shares are queued; placing
    divides.
    """
    sched = a_scheduler(cpus=2, group_by="cgroup")
    sched.create_group("g", shares=shares)
    for number, other in enumerate(others):
        sched.fork(now_ns=0, cpu=1, group=sched.create_group(f"other{number}", shares=other))
    sched.fork(now_ns=0)
    task = sched.fork(now_ns=0, group="g")
    while sched.current is task:
        sched.tick(now_ns=sched.now_ns + MS)
    sched.set_tunables(APPROX_AVG=True)
    return sched, task


def test_the_load_of_the_cpu_that_is_left_does_not_count_where_the_task_goes():
    """2048 leave, and 1024 + 1024 are there: the average divides by 2048, not by 0."""
    sched, task = a_lone_waiting_task_of_a_group(2048, [1024, 1024])
    sched.migrate(task, 1)
    assert task.cpu == 1


def test_a_move_to_a_queue_whose_load_is_0_modulo_2_to_the_32_is_refused():
    sched, task = a_lone_waiting_task_of_a_group(2048, [2**32])
    with unchanged(sched), pytest.raises(StateError, match="migrate: a slice would be divided by 0"):
        sched.migrate(task, 1)


def test_equal_moves_lead_to_equal_states():
    first, second = TwoFloors(), TwoFloors()
    for it in (first, second):
        it.sched.migrate(it.waiting, 1, now_ns=600 * MS)
    assert state_of(first.sched) == state_of(second.sched)
