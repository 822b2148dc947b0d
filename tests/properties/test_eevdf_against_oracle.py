"""The compiled EEVDF against its slow twin on random operations. Way to be right: oracle, and invariants at
each step.

    pytest -m stress --seed 7 --seconds 600 tests/properties/test_eevdf_against_oracle.py
"""

import random
import time

import pytest

from tests.oracle.eevdf_6_18 import SUBLEVELS
from tests.oracle.random_ops_6_18 import Author, Pair, random_tunables, report

pytestmark = pytest.mark.slow  # a twin in plain Python


def run(model, seed, groups, nr_ops):
    """`nr_ops` operations of a seed, or fewer if the kernel's products would wrap; returns the kinds that
    were done.
    """
    rng = random.Random(seed)
    tunables = random_tunables(rng)
    pair = Pair(model, groups, tunables)
    author = Author(rng, pair.twin, has_groups=groups == "cgroup")
    ops = []
    for _ in range(nr_ops):
        ops.append(author.next_op())
        found = pair.apply(ops[-1])
        if not pair.twin.is_sane():
            break
        assert found is None, report(f"seed {seed}", model, groups, tunables, ops)
    return {op["op"] for op in ops}, pair.twin


@pytest.mark.parametrize("groups", ["none", "cgroup"])
@pytest.mark.parametrize("model", SUBLEVELS)
def test_core_equals_twin_and_every_operation_is_touched(model, groups):
    seen = set()
    for seed in range(12):
        kinds, twin = run(model, seed, groups, 400)
        seen |= kinds
        assert list(twin.broken_invariants()) == []
    of_groups = set() if groups == "none" else {"group", "move", "shares", "gidle"}
    assert seen == {"fork", "wake", "block", "exit", "yield", "tick", "nice", "policy", "slice"} | of_groups


@pytest.mark.stress
@pytest.mark.parametrize("groups", ["none", "cgroup"])
@pytest.mark.parametrize("model", SUBLEVELS)
def test_core_equals_twin_for_as_long_as_one_likes(model, groups, stress_seed, stress_seconds):
    end, seed = time.monotonic() + stress_seconds, stress_seed
    while time.monotonic() < end:
        run(model, seed, groups, 1000)
        seed += 1
