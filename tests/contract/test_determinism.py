"""Same events, same state. Way to be right: laws, the same for every model."""

import pytest

from tests.builders import a_scheduler, random_events, state_of, unchanged
from tests.quick import few


@pytest.mark.parametrize("seed", few(range(3), 1))
def test_the_same_events_lead_to_the_same_states(model, group_by, seed):
    first, second = (a_scheduler(model, group_by=group_by) for _ in range(2))
    steps = zip(
        random_events(first, seed, 250, group_by=group_by),
        random_events(second, seed, 250, group_by=group_by),
        strict=True,
    )
    for one, other in steps:
        assert one == other
        assert state_of(first) == state_of(second)


def test_schedulers_do_not_see_each_other(model, group_by):
    sched, other = (a_scheduler(model, group_by=group_by) for _ in range(2))
    sched.fork(now_ns=0)
    with unchanged(sched):
        for _ in random_events(other, 1, 200, group_by=group_by):
            pass


def test_looking_changes_nothing(model, group_by):
    """Handles are made when somebody looks; a Scheduler that nobody looked at goes the same way."""
    watched, alone = (a_scheduler(model, group_by=group_by) for _ in range(2))
    for _ in random_events(watched, 5, 250, group_by=group_by):
        repr(watched)
        state_of(watched)
        watched.check()
    for _ in random_events(alone, 5, 250, group_by=group_by):
        pass
    assert state_of(watched) == state_of(alone)


@pytest.mark.parametrize("seed", few(range(3), 1))
def test_the_invariants_of_the_core_hold_after_each_event(model, group_by, seed):
    sched = a_scheduler(model, group_by=group_by)
    for _ in random_events(sched, seed, 400, group_by=group_by):
        sched.check()
