"""A machine that looked ahead is the machine that it was: every byte of its snapshot, for every model."""

import random

import pytest

import cfs
from tests.builders import MS


def lived(model, group_by, cpus=3):
    """Tasks on several CPUs, some asleep, in groups where there are any; the last event was on CPU 1."""
    rng = random.Random(5)
    sched = cfs.Scheduler(model, group_by=group_by, cpus=cpus, hz=1000)
    for number in range(12):
        where = {"uid": number % 3} if group_by == "uid" else {}
        sched.fork(now_ns=number * MS, cpu=number % cpus, nice=rng.randrange(-5, 6), **where)
    for number in range(20, 40):
        cpu = rng.randrange(cpus)
        if sched.current_on(cpu) is not None and rng.random() < 0.3:
            sched.block(now_ns=number * MS, cpu=cpu)
        sched.advance(now_ns=number * MS)
    sched.wake(next(task for task in sched.tasks if task.state == "blocked"), now_ns=40 * MS, cpu=1)
    return sched


@pytest.mark.parametrize("group_by", [None, "uid"])
@pytest.mark.parametrize("model", list(cfs.MODELS))
def test_i1_a_look_ahead_leaves_every_byte(model, group_by):
    if group_by not in cfs.MODELS[model].group_by:
        pytest.skip("the model has no users")
    sched = lived(model, group_by)
    before, flagged = sched.to_bytes(), sched.resched
    at_ns = sched.next_event()
    assert (sched.to_bytes(), sched.resched) == (before, flagged)
    assert not sched.advance(now_ns=at_ns - 1) and sched.advance(now_ns=at_ns)
    sched.check()


def test_i2_a_look_ahead_that_pauses_for_signals_goes_on_where_it_was():
    """A million ticks a second: 20000 are one look, and each pause exchanges twice."""
    sched = cfs.Scheduler(hz=1_000_000, sched_latency_ns=200 * MS, sched_min_granularity_ns=50 * MS)
    for _ in range(2):
        sched.fork(now_ns=0)
    before = sched.to_bytes()
    at_ns = sched.next_event()
    assert at_ns > 40 * MS and sched.to_bytes() == before
    assert not sched.advance(now_ns=at_ns - 1) and sched.advance(now_ns=at_ns)
