"""The red-black tree. Ways to be right: an oracle (a sorted container with the same keys) and invariants
after each step.

The invariants are those of cfs/_rbtree.pyx, I1 ... I6. That `check` can say no, and which number it then
says, is shown on nodes that a foreign extension has spoilt by hand: tests/embed/test_embed.py.
"""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from sortedcontainers import SortedList

from cfs._rbtree import RBTree

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

keys = st.integers(-3, 3) | st.integers(INT64_MIN, INT64_MAX)


class TreeAgainstSortedList(RuleBasedStateMachine):
    """Insert and erase in any order; equal keys keep the order in which they came."""

    serials = Bundle("serials")

    def __init__(self):
        super().__init__()
        self.tree = RBTree(augmented=True)
        self.model = SortedList()  # of (key, serial)
        self.values = {}

    @rule(target=serials, key=keys, value=st.integers(INT64_MIN, INT64_MAX))
    def insert(self, key, value):
        serial = self.tree.insert(key, value)
        self.model.add((key, serial))
        self.values[serial] = value
        return serial

    @rule(serial=consumes(serials))
    def erase(self, serial):
        self.tree.erase(serial)
        del self.values[serial]
        self.model.remove(next(entry for entry in self.model if entry[1] == serial))

    @invariant()
    def the_order_is_that_of_the_model(self):
        assert list(self.tree) == list(self.model)
        assert list(reversed(self.tree)) == list(reversed(self.model))

    @invariant()
    def every_invariant_holds(self):
        assert self.tree.check() == 0

    @invariant()
    def what_is_cached_is_right(self):
        assert len(self.tree) == len(self.model)
        assert self.tree.first == (self.model[0] if self.model else None)
        assert self.tree.least == min(self.values.values(), default=None)


TreeAgainstSortedList.TestCase.settings = settings(max_examples=60, stateful_step_count=50)


@pytest.mark.slow
class TestTreeAgainstSortedList(TreeAgainstSortedList.TestCase):
    """Collected by pytest under a name that it looks for."""


@pytest.fixture(params=[False, True], ids=["plain", "augmented"])
def grown(request):
    """A tree of 300 after 1000 random steps, and the entries that it should hold."""
    rng, tree, model = random.Random(1), RBTree(augmented=request.param), SortedList()
    for step in range(1000):
        if len(model) > 300 or (model and rng.random() < 0.3):
            entry = rng.choice(model)
            tree.erase(entry[1])
            model.remove(entry)
        else:
            key = rng.randrange(100)
            model.add((key, tree.insert(key, step)))
        assert tree.check() == 0
    return tree, model


def nodes(shape):
    """Every (shape, left, right) below a shape, itself included."""
    if shape is not None:
        *_, left, right = shape
        yield shape, left, right
        yield from nodes(left)
        yield from nodes(right)


def is_red(shape):
    return shape is not None and shape[2] == "red"


def black_heights(shape):
    """Numbers of black nodes on the ways down: one number if they are equal."""
    if shape is None:
        return {0}
    *_, left, right = shape
    return {height + (not is_red(shape)) for height in black_heights(left) | black_heights(right)}


# ---- Each invariant, looked at without the checker -----------------------------------------------


def test_i1_keys_never_decrease_in_a_walk(grown):
    tree, model = grown
    assert list(tree) == list(model)


def test_i2_no_red_node_has_a_red_child(grown):
    tree, _ = grown
    for node, left, right in nodes(tree.shape()):
        assert not (is_red(node) and (is_red(left) or is_red(right)))


def test_i3_every_way_down_is_equally_black(grown):
    tree, _ = grown
    assert len(black_heights(tree.shape())) == 1
    assert not is_red(tree.shape())


def test_i4_the_tree_has_as_many_nodes_as_were_left_in_it(grown):
    tree, model = grown
    assert len(list(nodes(tree.shape()))) == len(tree) == len(model)


def test_i5_leftmost_is_the_first(grown):
    tree, model = grown
    assert tree.first == model[0]


def test_i5_an_empty_tree_has_no_leftmost():
    tree = RBTree()
    tree.erase(tree.insert(1))
    assert (tree.first, list(tree), tree.check()) == (None, [], 0)


def test_i6_links_upwards_lead_the_same_way_as_links_downwards(grown):
    """The walk forwards and the walk backwards go up by the parents' links."""
    tree, model = grown
    assert list(reversed(tree)) == list(reversed(model))


# ---- Order, depth, misuse ------------------------------------------------------------------------


def test_equal_keys_keep_the_order_in_which_they_came():
    tree = RBTree()
    for _ in range(50):
        tree.insert(7)
    assert [serial for _, serial in tree] == list(range(50))


@pytest.mark.parametrize("order", [range(1023), range(1022, -1, -1), [0] * 1023], ids=["up", "down", "equal"])
def test_no_way_down_is_longer_than_twice_the_logarithm(order):
    """2 log2(n + 1) = 20 for n = 1023: the textbook's bound, from I2 and I3."""
    tree = RBTree()
    for key in order:
        tree.insert(key)

    def depth(shape):
        return 0 if shape is None else 1 + max(depth(shape[3]), depth(shape[4]))

    assert depth(tree.shape()) <= 20


@pytest.mark.parametrize("augmented", [False, True])
def test_plain_and_augmented_trees_have_the_same_shape(augmented):
    shapes = []
    for kind in (augmented, not augmented):
        rng, tree, living = random.Random(4), RBTree(augmented=kind), []
        for _ in range(500):
            if living and rng.random() < 0.4:
                tree.erase(living.pop(rng.randrange(len(living))))
            else:
                living.append(tree.insert(rng.randrange(50)))
        shapes.append(tree.shape())
    assert shapes[0] == shapes[1]


def test_a_serial_number_is_erased_once():
    tree = RBTree()
    serial = tree.insert(5)
    tree.erase(serial)
    with pytest.raises(KeyError, match="serial number 0"):
        tree.erase(serial)


def test_an_unknown_serial_number_changes_nothing():
    tree = RBTree()
    tree.insert(5)
    with pytest.raises(KeyError):
        tree.erase(99)
    assert list(tree) == [(5, 0)]


def test_the_least_needs_an_augmented_tree():
    with pytest.raises(ValueError, match="augmented=True"):
        _ = RBTree().least


@pytest.mark.parametrize("key", [INT64_MAX + 1, INT64_MIN - 1])
def test_a_key_is_a_signed_word(key):
    tree = RBTree()
    with pytest.raises(OverflowError):
        tree.insert(key)
    assert len(tree) == 0


def test_a_key_is_an_integer():
    with pytest.raises(TypeError):
        RBTree().insert("5")


def test_a_tree_shows_its_size_and_first():
    tree = RBTree()
    tree.insert(5)
    assert repr(tree) == "<RBTree of 1, first (5, 0)>"
