"""EEVDF of 6.18.44: its wakeup preemption. Ways to be right: worked examples and laws of "6.18 later" (section
in brackets). Each is asked of the release before, too, where the answer must be another.
"""

import pytest

from tests.builders import MS, a_blocked_task, a_scheduler, hogs, signed

LATER, LATEST = "linux-6.18.26-eevdf", "linux-6.18.44-eevdf"
SHORT = 300_000

before_and_now = pytest.mark.parametrize(("model", "is_new"), [(LATER, False), (LATEST, True)])


@before_and_now
def test_example_d5_a_wakeup_that_fails_shortens_protection(model, is_new):
    """[8.2, 7] To the least slice that is queued, whose ever it is."""
    sched = a_scheduler(model)
    sleeper = a_blocked_task(sched, now_ns=0)
    running, other = hogs(sched, 2)
    assert sched.current is running
    sched.set_slice(other, SHORT)
    protected = signed(running.fields()["vlag"] - running.vruntime)
    assert sched.wake(sleeper, now_ns=0) is False
    rest = signed(running.fields()["vlag"] - running.vruntime)
    assert (protected, rest) == (350_000, SHORT if is_new else 350_000)


def forked_beside_one_that_has_paid(sched):
    """Two tasks have run 1 ms each, the first again for 300 us. It forks; its child is eligible, it is not."""
    first, second = hogs(sched, 2)
    sched.tick(now_ns=MS)
    assert sched.current is second
    sched.tick(now_ns=2 * MS)
    assert sched.current is first
    return first, sched.fork(now_ns=2_300_000)


@before_and_now
def test_example_d6_a_new_task_does_not_preempt(model, is_new):
    """[8.2, 5] Although it would be picked."""
    sched = a_scheduler(model)
    first, child = forked_beside_one_that_has_paid(sched)
    assert sched.current is (first if is_new else child)
    assert child.vruntime < first.vruntime and child.deadline < first.deadline


@pytest.mark.parametrize("model", [LATER, LATEST])
def test_a_new_task_with_a_shorter_slice_does(model):
    """[8.2, 4]"""
    sched = a_scheduler(model)
    hogs(sched, 2)
    sched.tick(now_ns=MS)
    sched.tick(now_ns=2 * MS)
    sched.set_tunables(base_slice_ns=SHORT)
    child = sched.fork(now_ns=2_300_000)
    assert sched.current is child


@before_and_now
def test_a_delayed_one_in_the_way_of_a_wakeup_leaves(model, is_new):
    """[8.2, 7] The running one is ahead of V, the sleeping debtor the first in line, the woken one the next."""
    sched = a_scheduler(model)
    sleeper = a_blocked_task(sched, now_ns=0)
    debtor, _ = hogs(sched, 2)
    sched.block(now_ns=300_000)
    assert debtor.fields()["sched_delayed"] == 1
    assert sched.wake(sleeper, now_ns=610_000) is is_new
    assert debtor.on_rq is not is_new


@before_and_now
def test_the_search_of_a_wakeup_asks_for_the_buddy(model, is_new):
    """[8.1] Even while the running one is protected."""
    sched = a_scheduler(model, NEXT_BUDDY=True)
    sleeper = a_blocked_task(sched, now_ns=0)
    hogs(sched, 1)
    assert sched.wake(sleeper, now_ns=0) is is_new
