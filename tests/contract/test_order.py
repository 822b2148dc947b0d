"""Who is picked. Way to be right: laws, the same for every model (tests/contract/laws.py has the numbers)."""

import pytest

from cfs import MODELS
from tests.builders import a_scheduler, random_events
from tests.contract.laws import LAWS
from tests.quick import few


def picks(sched, seed, nr_events, group_by):
    """The moments right after another task has been picked."""
    switches = 0
    for _ in random_events(sched, seed, nr_events, group_by=group_by):
        now_switched = sched.cpu_fields()["nr_switches"]
        if now_switched != switches and sched.current is not None:
            yield
        switches = now_switched


def running_path(sched):
    """(running entity, its queue's name) from the top queue down: one level without groups, two with them."""
    task = sched.current
    if task.group is not None:
        yield task.group, None
        yield task, task.group
    else:
        yield task, None


@pytest.mark.parametrize("seed", few(range(4)))
def test_the_one_picked_has_the_smallest_key(model, laws, group_by, seed):
    if laws.key is None:
        pytest.skip(f"{model} does not order its queue by one number")
    sched = a_scheduler(model, group_by=group_by)
    nr_picks = 0
    for _ in picks(sched, seed, 400, group_by):
        for entity, group in running_path(sched):
            queue = sched.queue_fields(group)
            waiting = [laws.key(other.fields(), queue) for other in sched.queue(group)]
            assert laws.key(entity.fields(), queue) <= min(waiting, default=2**64)
        nr_picks += 1
    assert nr_picks > 40


@pytest.mark.parametrize("seed", few(range(4)))
def test_the_queue_is_shown_in_the_order_of_its_keys(model, laws, group_by, seed):
    if laws.key is None:
        pytest.skip(f"{model} does not order its queue by one number")
    sched = a_scheduler(model, group_by=group_by)
    for _ in random_events(sched, seed, 300, group_by=group_by):
        for group in [None, *sched.groups]:
            queue = sched.queue_fields(group)
            keys = [laws.key(entity.fields(), queue) for entity in sched.queue(group)]
            assert keys == sorted(keys)


def test_every_model_states_its_laws():
    assert set(LAWS) == set(MODELS)
