"""The slow twin of 2.6.24 against the kernel itself (way to be right: golden traces).

The traces in `tests/data/conformance/linux-2.6.24-cfs/` are unchanged copies of public ones, made by
the kernel's own scheduler text.  Equal means: every field that a line shows, on every line.
"""

import gzip
import json
import random
from pathlib import Path

import pytest

from tests.oracle.random_ops import random_ops, random_trace, random_tunables
from tests.oracle.replay import Difference, arithmetic_differences, first_difference, machine_for, read_lines

pytestmark = pytest.mark.slow  # a twin in plain Python

DATA = Path(__file__).parents[1] / "data" / "conformance" / "linux-2.6.24-cfs"
ARITHMETIC = DATA / "calc_delta.jsonl.gz"
TRACES = sorted(path for path in DATA.glob("*.jsonl.gz") if path != ARITHMETIC)


def name_of(path):
    return path.name.removesuffix(".jsonl.gz")


@pytest.mark.parametrize("path", TRACES, ids=name_of)
def test_twin_equals_trace(path):
    assert first_difference(path) is None


def test_twin_equals_arithmetic_vectors():
    assert list(arithmetic_differences(ARITHMETIC)) == []


# TREE_AVG across the wrap throws tasks half the number circle away, where I6 cannot hold.
SANE_TRACES = [path for path in TRACES if "wrap-u64-tree-avg" not in path.name]


@pytest.mark.parametrize("path", SANE_TRACES[::4], ids=name_of)
def test_invariants_hold_after_each_line(path):
    lines = read_lines(path)
    machine = machine_for(next(lines))
    for line in lines:
        machine.apply(line)
        assert list(machine.broken_invariants()) == [], line


def test_there_are_traces():
    """A missing folder must not look like success."""
    kinds = {next(read_lines(path))["groups"] for path in TRACES}
    assert kinds == {"none", "uid", "cgroup"}


def test_difference_is_found_and_named(tmp_path):
    """The judge must be able to say no: one digit is changed in the middle of a trace."""
    lines = list(read_lines(TRACES[0]))
    victim = next(number for number, line in enumerate(lines) if number > 100 and "ent" in line["s"])
    task = next(iter(lines[victim]["s"]["ent"]))
    expected = lines[victim]["s"]["ent"][task]
    falsified = [expected[0] + 1, *expected[1:]]
    lines[victim]["s"]["ent"][task] = falsified
    path = tmp_path / "falsified.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)

    op = {name: value for name, value in lines[victim].items() if name != "s"}
    assert first_difference(path) == Difference(victim + 1, op, f"ent[{task}]", falsified, expected)


# ---- The random operations that compare twin and compiled core (way to be right: laws) ----


@pytest.mark.parametrize("groups", ["none", "uid", "cgroup"])
def test_random_ops_keep_the_invariants_and_touch_every_operation(groups):
    seen = set()
    for seed in range(4):
        rng = random.Random(seed)
        lines = random_trace(rng, groups=groups, nr_ops=600, tunables=random_tunables(rng, groups=groups))
        machine = machine_for(next(lines))
        for line in lines:
            seen.add(line["op"])
            resched = machine.apply(line)
            assert line["s"] == machine.state() | {"resched": resched}, (seed, line)
            assert list(machine.broken_invariants()) == [], (seed, line)
    group_ops = set() if groups == "none" else {"group", "move", "shares"}
    assert seen == {"fork", "wake", "block", "exit", "yield", "tick", "nice", "policy"} | group_ops


def test_equal_seeds_give_equal_operations():
    first, second = (list(random_ops(random.Random(7), groups="cgroup", nr_ops=300)) for _ in range(2))
    assert first == second
