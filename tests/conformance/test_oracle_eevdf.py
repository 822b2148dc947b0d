"""The slow twin of 6.18 against the kernel itself (way to be right: golden traces), and what only these
traces say.

The traces in `tests/data/conformance/` of 6.18.2, 6.18.26 and 6.18.44 are unchanged copies of public ones: of
the kernel as it is, and (`public-exact`, 6.18.2) of a variant whose tree knows the least slice. That the core
equals them: test_public_traces.py.
"""

import random
from pathlib import Path

import pytest

from cfs.conformance import _replayer, read_trace
from tests.oracle.eevdf_6_18 import SUBLEVELS, Entity, group_load, task_load
from tests.oracle.replay import first_difference, machine_for, read_lines
from tests.oracle.trees_6_18 import ExactTree, KernelTree

pytestmark = pytest.mark.slow  # a twin in plain Python

ALL = Path(__file__).parents[1] / "data" / "conformance"
DATA = ALL / "linux-6.18-eevdf"
TRACES = sorted(path for model in SUBLEVELS for path in (ALL / model).glob("*/*.jsonl.gz"))
SHAPE_DEPENDENT = DATA / "public" / "no-run-to-parity-slice-1.jsonl.gz"


def name_of(path):
    return path.relative_to(ALL).as_posix().removesuffix(".jsonl.gz")


@pytest.mark.parametrize("path", TRACES, ids=name_of)
def test_twin_equals_trace(path):
    assert first_difference(path) is None


@pytest.mark.parametrize("path", TRACES[::3], ids=name_of)
def test_invariants_of_the_twin_hold_after_each_line(path):
    lines = read_lines(path)
    machine = machine_for(next(lines))
    for line in lines:
        machine.apply(line)
        assert list(machine.broken_invariants()) == [], line
        assert machine.is_sane()


@pytest.mark.parametrize("path", TRACES[::3], ids=name_of)
def test_invariants_of_the_core_hold_after_each_line(path):
    lines = read_trace(path)
    core = _replayer(str(path), next(lines)[1])
    for _, line in lines:
        core.perform(line)
        core.sched.check()


def test_there_are_traces_of_both_kinds():
    """A missing folder must not look like success."""
    headers = [next(read_lines(path)) for path in TRACES]
    assert {header["model"] for header in headers} == {*SUBLEVELS}
    assert {header["tunables"]["exact_min_slice"] for header in headers} == {True, False}
    assert {header["groups"] for header in headers} == {"none", "cgroup"}


# ---- The stale least slice (way to be right: the first line where it is said to show) ----


def first_line_that_differs(path, **tunables):
    """Of a replay with other tunables than the header's, by the core: line number, or None."""
    lines = read_trace(path)
    header = next(lines)[1]
    core = _replayer(str(path), header | {"tunables": header["tunables"] | tunables})
    for number, line in lines:
        core.perform(line)
        if core.first_difference(line["s"]):
            return number
    return None


def test_the_right_least_slice_differs_from_the_kernels_where_the_trace_says():
    header = next(read_lines(SHAPE_DEPENDENT))
    assert header["tree_shape_independent"] is False
    line = header["first_tree_shape_dependent_op"] + 2  # operation 0 is line 2
    assert first_line_that_differs(SHAPE_DEPENDENT, exact_min_slice=True) == line
    assert first_line_that_differs(SHAPE_DEPENDENT) is None


def an_entity(rng, number):
    entity = Entity(str(number), task_load(0, "normal"), None, None)
    entity.deadline, entity.vruntime, entity.slice = (
        rng.randrange(30),
        rng.randrange(100),
        rng.randrange(1, 9),
    )
    return entity


def black_height(node):
    """Of a red-black tree; an error if it is none."""
    if node is None:
        return 0
    assert not (node.red and any(child is not None and child.red for child in node.child))
    left, right = map(black_height, node.child)
    assert left == right
    return left + (not node.red)


def test_the_trees_of_the_twin_agree_on_the_order_and_the_kernels_is_never_too_small():
    rng = random.Random(3)
    kernel, exact, inside, stale = KernelTree(), ExactTree(), [], 0
    for number in range(2000):
        if inside and rng.random() < 0.48:
            entity = inside.pop(rng.randrange(len(inside)))
            kernel.remove(entity)
            exact.remove(entity)
        else:
            inside.append(an_entity(rng, number))
            kernel.add(inside[-1])
            exact.add(inside[-1])
        assert list(kernel) == list(exact)
        black_height(kernel.root)
        if inside:
            assert kernel.root.vruntime == min(entity.vruntime for entity in inside)
            assert kernel.least_slice() >= exact.least_slice()
            stale += kernel.least_slice() > exact.least_slice()
    assert stale > 0


# ---- Worked examples (way to be right: specification, section 15) ----

E1 = [
    (task_load(-20, "normal"), 11536, 8075),
    (task_load(0, "normal"), 1000000, 700000),
    (task_load(5, "normal"), 3056716, 2139701),
    (task_load(19, "normal"), 68266666, 47786666),
    (task_load(0, "idle"), 341333333, 238933333),
    (group_load(512), 1999999, 1399999),
    (group_load(262144), 3906, 2734),
]


@pytest.mark.parametrize(("load", "of_1_ms", "of_slice"), E1)
def test_example_e1(load, of_1_ms, of_slice):
    assert (load.virtual(1_000_000), load.virtual(700_000)) == (of_1_ms, of_slice)
