"""Misuse raises and changes nothing. Way to be right: laws, the same for every model."""

import pytest

from cfs import StateError, TimeError, TunableError
from tests.builders import a_blocked_task, a_scheduler, hogs, unchanged


@pytest.fixture
def sched(model):
    """Two hogs and a sleeper at 5 ms."""
    sched = a_scheduler(model)
    a_blocked_task(sched, now_ns=1_000_000)
    hogs(sched, 2, now_ns=5_000_000)
    return sched


@pytest.mark.parametrize("event", ["block", "exit", "yield_"])
def test_the_idle_task_cannot(model, event):
    sched = a_scheduler(model)
    with unchanged(sched), pytest.raises(StateError, match="no task runs"):
        getattr(sched, event)(now_ns=10)


@pytest.mark.parametrize("event", ["fork", "block", "exit", "yield_", "tick"])
def test_time_never_goes_back(sched, event):
    with unchanged(sched), pytest.raises(TimeError, match="before the last event"):
        getattr(sched, event)(now_ns=4_999_999)


def test_time_may_stand_still(sched):
    sched.tick(now_ns=5_000_000)
    assert sched.now_ns == 5_000_000


def test_a_task_that_has_exited_cannot_be_woken(sched):
    task = sched.current
    sched.exit(now_ns=6_000_000)
    with unchanged(sched), pytest.raises(StateError, match="has exited"):
        sched.wake(task, now_ns=7_000_000)


def test_a_task_of_another_scheduler_is_refused(model, sched):
    foreign = a_scheduler(model).fork(now_ns=0)
    with unchanged(sched), pytest.raises(StateError, match="another scheduler"):
        sched.wake(foreign, now_ns=7_000_000)


def test_a_wakeup_of_a_runnable_task_does_nothing_but_pass_time(sched):
    waiting = sched.queue()[0]
    before = waiting.fields()
    assert sched.wake(waiting, now_ns=6_000_000) is False
    assert (waiting.fields(), waiting.state, sched.now_ns) == (before, "runnable", 6_000_000)


@pytest.mark.parametrize("nice", [-21, 20, 99])
def test_a_nice_value_out_of_range_is_refused(sched, nice):
    with unchanged(sched), pytest.raises(StateError, match="-20 ... 19"):
        sched.set_nice(sched.current, nice, now_ns=7_000_000)


def test_an_unknown_tunable_is_refused(model):
    with pytest.raises(TunableError, match="sched_charm"):
        a_scheduler(model, sched_charm=1)
