"""Batches of events against the same calls one by one (an independent way through the border), and their
refusals.
"""

import random

import numpy as np
import pytest

import cfs
from cfs.batch import EVENT_DTYPE, Event, run_events
from cfs.errors import StateError, TimeError
from cfs.models import MODELS
from tests.quick import few


def a_machine(model, nr=12):
    sched = cfs.Scheduler(model)
    return sched, [sched.fork(now_ns=1000 * i, nice=i % 7 - 3) for i in range(nr)]


def some_events(seed, nr, nr_tasks, start_ns):
    rng, now = random.Random(seed), start_ns
    rows = []
    for _ in range(nr):
        now += rng.choice((0, 1000, 300_000, 2_500_000))
        kind = rng.choices(list(Event), (5, 3, 2, 1))[0]
        rows.append((now, kind, rng.randrange(nr_tasks)))
    return np.array(rows, EVENT_DTYPE)


def one_by_one(sched, events, tasks):
    """The same by method calls; a block or yield of the idle task is left out."""
    picks = []
    for now_ns, kind, row in events.tolist():
        if kind == Event.TICK:
            sched.tick(now_ns=now_ns)
        elif kind == Event.WAKE:
            sched.wake(tasks[row], now_ns=now_ns)
        elif kind == Event.BLOCK:
            sched.block(now_ns=now_ns)
        else:
            sched.yield_(now_ns=now_ns)
        picks.append(0 if sched.current is None else sched.current.id)
    return picks


def without_idle_blocks(model, events):
    """The events that a machine accepts."""
    sched, tasks = a_machine(model)
    kept = []
    for event in events:
        if event["kind"] in (Event.BLOCK, Event.YIELD) and sched.current is None:
            continue
        one_by_one(sched, np.array([event]), tasks)
        kept.append(event)
    return np.array(kept, EVENT_DTYPE)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", few(range(3), 1))
def test_i1_of_batch_a_batch_is_the_same_calls_one_by_one(model, seed):
    events = without_idle_blocks(model, some_events(seed, 600, 12, 20_000))
    (batched, tasks), (called, others) = a_machine(model), a_machine(model)
    assert run_events(batched, events, tasks).tolist() == one_by_one(called, events, others)
    assert [task.fields() for task in tasks] == [task.fields() for task in others]
    assert batched.cpu_fields() == called.cpu_fields() and batched.now_ns == called.now_ns


def test_an_empty_batch_does_nothing():
    sched, tasks = a_machine("linux-2.6.24-cfs")
    assert len(run_events(sched, np.zeros(0, EVENT_DTYPE), tasks)) == 0


@pytest.mark.parametrize(
    "event, error, why",
    [
        ((5, Event.TICK, 0), TimeError, "before the last event"),
        ((30_000, 9, 0), StateError, "kind"),
        ((30_000, Event.WAKE, 99), StateError, "no row"),
    ],
)
def test_a_bad_event_ends_the_batch_before_it(event, error, why):
    sched, tasks = a_machine("linux-2.6.24-cfs")
    with pytest.raises(error, match=f"event 1 of 3.*{why}"):
        run_events(
            sched, np.array([(20_000, Event.TICK, 0), event, (40_000, Event.TICK, 0)], EVENT_DTYPE), tasks
        )
    assert sched.now_ns == 20_000


def test_the_idle_task_cannot_block():
    sched = cfs.Scheduler()
    with pytest.raises(StateError, match="event 0 of 1.*no task runs"):
        run_events(sched, np.array([(10, Event.BLOCK, 0)], EVENT_DTYPE))


def test_a_foreign_or_dead_task_is_refused_before_anything_happens():
    sched, tasks = a_machine("linux-2.6.24-cfs")
    tick = np.array([(50_000, Event.TICK, 0)], EVENT_DTYPE)
    with pytest.raises(StateError, match="another scheduler"):
        run_events(sched, tick, a_machine("linux-2.6.24-cfs")[1])
    dead = sched.current
    sched.exit(now_ns=30_000)
    with pytest.raises(StateError, match="exited"):
        run_events(sched, tick, [dead])
    assert sched.now_ns == 30_000


def test_other_arrays_are_refused():
    with pytest.raises(TypeError, match="EVENT_DTYPE"):
        run_events(cfs.Scheduler(), np.zeros(3))
