"""Nobody starves, and equals get equal time. Way to be right: laws; the bounds are derived in laws.py."""

import pytest

from tests.builders import MS, a_scheduler, hogs, run, ticks
from tests.quick import few

TICK = MS


def hogs_that_have_all_run(sched, nr):
    """Equal hogs at a moment when each has run at least once: what they began with no longer counts."""
    tasks = hogs(sched, nr)
    for _ in ticks(sched, 10_000 * MS, every_ns=TICK):
        if all(task.sum_exec_ns for task in tasks):
            return tasks
    raise AssertionError(f"somebody starves: {tasks}")


def longest_wait_ns(sched, until_ns):
    """Longest time for which any task waited without a break."""
    since = dict.fromkeys(sched.tasks, sched.now_ns)
    running, longest = sched.current, 0
    for now in ticks(sched, until_ns, every_ns=TICK):
        since[running] = now
        running = sched.current
        longest = max(longest, now - min(since.values()))
    return longest


# The keys of equal hogs that have all run lie within one turn: the one ahead ran when it was the last, and
# for at most a turn. So while one waits, each other runs for the distance of their keys and the rest of a
# turn: two turns.


@pytest.mark.parametrize("nr", few([2, 3, 5, 8, 20], 3))
def test_no_hog_waits_longer_than_two_turns_of_each_other(model, laws, nr):
    sched = a_scheduler(model)
    hogs_that_have_all_run(sched, nr)
    bound = (nr - 1) * 2 * laws.turn_ns(nr, TICK)
    assert longest_wait_ns(sched, sched.now_ns + 20 * bound) <= bound


@pytest.mark.parametrize("nr", few([2, 3, 5, 8, 20], 3))
def test_equal_hogs_get_equal_time_within_two_turns(model, laws, nr):
    sched = a_scheduler(model)
    tasks = hogs_that_have_all_run(sched, nr)
    begin = [task.sum_exec_ns for task in tasks]
    for _ in ticks(sched, sched.now_ns + 3_000 * MS, every_ns=TICK):
        received = [task.sum_exec_ns - at_begin for task, at_begin in zip(tasks, begin, strict=True)]
        assert max(received) - min(received) <= 2 * laws.turn_ns(nr, TICK)


def test_a_hog_between_sleepers_does_not_starve(model, laws):
    """Sleepers that run 1 ms and sleep 1 ms, ten of them: more demand than there is CPU."""
    sched = a_scheduler(model)
    hog = sched.fork(now_ns=0)
    sleepers = hogs(sched, 10)
    slept, woken = {}, 0
    for now in range(MS, 3_000 * MS, MS):
        sched.tick(now_ns=now)
        if sched.current in sleepers:
            slept[sched.current] = now
            sched.block(now_ns=now)
        for task in [task for task, since in slept.items() if now - since >= MS]:
            del slept[task]
            sched.wake(task, now_ns=now)
            woken += 1
    assert woken > 100
    assert hog.sum_exec_ns > 3_000 * MS // 11 // 2


@pytest.mark.parametrize("nr", [1, 2, 5])
def test_users_with_equal_shares_get_equal_time_however_many_tasks_they_have(model, laws, by_user, nr):
    sched = a_scheduler(model, group_by=by_user)
    one = hogs(sched, 1, uid=1)
    many = hogs(sched, nr, uid=2)
    run(sched, 2_000 * MS, every_ns=TICK)
    apart = abs(sum(task.sum_exec_ns for task in one) - sum(task.sum_exec_ns for task in many))
    assert apart <= 2 * laws.turn_ns(2, TICK)


def test_root_gets_double(model, laws, by_user):
    sched = a_scheduler(model, group_by=by_user)
    root, user = hogs(sched, 1, uid=0) + hogs(sched, 1, uid=1)
    run(sched, 3_000 * MS, every_ns=TICK)
    assert abs(root.sum_exec_ns - 2 * user.sum_exec_ns) <= 3 * laws.turn_ns(2, TICK)


def test_a_users_group_received_what_its_tasks_received(model, by_user):
    sched = a_scheduler(model, group_by=by_user)
    tasks = hogs(sched, 3, uid=1)
    hogs(sched, 2, uid=2)
    for _ in ticks(sched, 500 * MS):
        assert sched.users[1].sum_exec_ns == sum(task.sum_exec_ns for task in tasks)
