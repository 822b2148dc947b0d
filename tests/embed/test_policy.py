"""A model of another package: the compiled example, built against the installed wheel and found by its entry point."""

import json
import shutil
from pathlib import Path

import pytest

from tests.embed.conftest import LEFT_BEHIND, run

POLICY = Path(__file__).parents[2] / "examples" / "policy_compiled"

PROGRAM = """
import json
from cfs import Simulation, Workload
from cfs.models import all_models

MS = 1_000_000
programs = {"a": [("run", 30 * MS)], "b": [("run", 30 * MS)], "c": [("sleep", 5 * MS), ("run", 15 * MS)]}
sim = Simulation(Workload.of_programs(programs, duration_ns=100 * MS), "round-robin", quantum_ns=10 * MS)
result = sim.run()
sim.scheduler.check()
print(json.dumps({
    "known": "round-robin" in all_models(),
    "end": result.end,
    "runs": [[result.names[r["task"]], int(r["start_ns"]) // MS, int(r["end_ns"]) // MS] for r in result.runs],
}))
"""


@pytest.fixture(scope="module")
def answer(python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy") / "policy"
    shutil.copytree(POLICY, folder, ignore=LEFT_BEHIND)
    run(python, "setup.py", "-q", "build_ext", "--inplace", "egg_info", cwd=folder, CFLAGS="-O1")
    return json.loads(run(python, "-c", PROGRAM, cwd=folder))


def test_the_entry_point_is_found(answer):
    assert answer["known"]


def test_it_runs_workloads_like_our_own(answer):
    # a and b wake at 0, c at 5 ms; ten milliseconds each, first come first served
    assert answer["runs"] == [
        ["a", 0, 10], ["b", 10, 20], ["c", 20, 30], ["a", 30, 40], ["b", 40, 50], ["c", 50, 55], ["a", 55, 65], ["b", 65, 75]
    ]  # fmt: skip


def test_everybody_finishes(answer):
    assert answer["end"] == "finished"
