"""Laws of the example policy: a lottery shares by tickets, and draws the same with the same seed."""

import importlib.util
import pathlib

import numpy as np
import pytest

from cfs import Workload
from cfs.workload import FOREVER_NS

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "policy_in_python.py"
SPEC = importlib.util.spec_from_file_location("policy_in_python", SCRIPT)
example = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(example)


def two_hogs():
    hogs = {"plain": [("run", FOREVER_NS)], "nice": [("run", FOREVER_NS)]}
    return Workload.of_programs(hogs, nice={"nice": 5}, duration_ns=20 * 10**9)


def test_tickets_are_shares():
    result = two_hogs().run(example.Lottery(seed=3))
    share = {result.names[row["key"]]: row["share"] for row in result.stats()}
    assert share["plain"] == pytest.approx(1024 / (1024 + 335), abs=0.01)


@pytest.mark.slow
def test_same_seed_same_runs():
    assert np.array_equal(two_hogs().run(example.Lottery(5)).runs, two_hogs().run(example.Lottery(5)).runs)


def test_the_script_runs(capsys):
    example.main()
    assert "lottery" in capsys.readouterr().out
