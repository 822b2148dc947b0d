"""The timeline. Ways to be right: an oracle (a sorted container with the same keys), and invariants after each step.

The invariants are those of cfs/_timeline.pyx, I1 ... I6. That `check` can say no is shown on a runqueue that a foreign
extension has spoilt: tests/embed/test_embed.py.
"""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sortedcontainers import SortedKeyList

from cfs._timeline import Timeline

ROOM = 32  # entities in a run
BASES = [0, 2**63 - 5, 2**64 - 5]


def distance_from(base):
    """The order of keys: by signed distance from the base, then by age."""
    return lambda entry: ((entry[0] - base + 2**63) % 2**64, entry[1])


class TimelineAgainstSortedList(RuleBasedStateMachine):
    """In any order in and out; equal keys keep the order in which they came."""

    base = 2**64 - 5

    def __init__(self):
        super().__init__()
        self.timeline = Timeline()
        self.model = SortedKeyList(key=distance_from(self.base))

    @rule(distance=st.integers(-3, 3) | st.integers(-(2**62), 2**62 - 1), copies=st.integers(1, 40))
    def insert(self, distance, copies):
        key = (self.base + distance) % 2**64
        for _ in range(copies):
            self.model.add((key, self.timeline.insert(key)))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), most=st.integers(1, 40))
    def erase_neighbours(self, data, most):
        at = data.draw(st.integers(0, len(self.model) - 1))
        for _ in range(min(most, len(self.model) - at)):
            self.timeline.erase(self.model.pop(at)[1])

    @precondition(lambda self: self.model)
    @rule(most=st.integers(1, 40))
    def take_the_first(self, most):
        for _ in range(min(most, len(self.model))):
            assert self.timeline.take_first() == self.model.pop(0)

    @invariant()
    def the_order_is_that_of_the_model(self):
        assert list(self.timeline) == list(self.model)

    @invariant()
    def every_invariant_holds(self):
        assert self.timeline.check() == 0

    @invariant()
    def both_ends_are_right(self):
        assert len(self.timeline) == len(self.model)
        assert self.timeline.first == (self.model[0] if self.model else None)
        assert self.timeline.last == (self.model[-1] if self.model else None)

    @invariant()
    def no_more_runs_than_the_bound(self):
        n = len(self.model)
        assert len(self.timeline.runs()) <= (2 * ((n - 1) // 17) + 2 if n else 0)


TimelineAgainstSortedList.TestCase.settings = settings(max_examples=60, stateful_step_count=50)


@pytest.mark.slow
class TestTimelineAgainstSortedList(TimelineAgainstSortedList.TestCase):
    """Collected by pytest under a name that it looks for."""


@pytest.mark.parametrize("base", BASES)
def test_a_thousand_random_steps_keep_order_and_invariants(base):
    rng, timeline, model = random.Random(base), Timeline(), SortedKeyList(key=distance_from(base))
    for step in range(3000):
        if model and rng.random() < (0.3 if step < 2000 else 0.8):
            timeline.erase(model.pop(rng.randrange(len(model)))[1])
        else:
            key = (base + rng.randrange(-300, 300)) % 2**64
            model.add((key, timeline.insert(key)))
        if step % 50 == 0:
            assert timeline.check() == 0
    assert list(timeline) == list(model)


def test_what_comes_in_order_fills_its_runs():
    timeline = Timeline()
    for key in range(5 * ROOM):
        timeline.insert(key)
    assert timeline.runs() == [ROOM] * 5


def test_a_full_run_is_split_in_halves_where_somebody_comes_between():
    timeline = Timeline()
    for key in range(ROOM):
        timeline.insert(2 * key)
    timeline.insert(21)                                     # behind the eleventh
    assert timeline.runs() == [17, 16]
    timeline.insert(41)
    assert timeline.runs() == [17, 17]


def test_neighbours_that_fit_into_half_a_run_become_one():
    timeline = Timeline()
    serials = [timeline.insert(key) for key in range(6 * ROOM)]
    before = len(timeline.runs())
    for serial in serials[2 * ROOM : 4 * ROOM]:
        timeline.erase(serial)
    assert len(timeline.runs()) < before
    assert timeline.check() == 0


def test_a_run_that_is_empty_is_given_back_and_used_again():
    timeline = Timeline()
    for _ in range(1000):
        timeline.insert(7)
        timeline.take_first()
    assert timeline.runs() == []
    assert timeline.nr_runs_reserved == 16                  # one slab


def test_nobody_there():
    timeline = Timeline()
    assert (timeline.first, timeline.last, list(timeline), timeline.check()) == (None, None, [], 0)
    with pytest.raises(IndexError, match="empty"):
        timeline.take_first()


def test_an_unknown_serial_is_refused():
    timeline = Timeline()
    timeline.erase(timeline.insert(1))
    with pytest.raises(KeyError, match="no entry with the serial number 0"):
        timeline.erase(0)
