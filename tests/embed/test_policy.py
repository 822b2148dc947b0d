"""A model of another package: the compiled example, built against the installed wheel and found by its entry
point.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.embed.conftest import LEFT_BEHIND, run

pytestmark = pytest.mark.slow  # builds a wheel and extensions against it

POLICY = Path(__file__).parents[2] / "examples" / "policy_compiled"

PROGRAM = """
import copy, json
from cfs import Scheduler, Simulation, Workload
from cfs.models import all_models

MS = 1_000_000
programs = {"a": [("run", 30 * MS)], "b": [("run", 30 * MS)], "c": [("run", 15 * MS)]}
work = Workload.of_programs(programs, start_ns={"c": 5 * MS}, duration_ns=100 * MS)
sim = Simulation(work, "round-robin", quantum_ns=10 * MS)
result = sim.run()
sim.scheduler.check()

sched = Scheduler("round-robin", hz=1000)
for number in range(3):
    sched.fork(now_ns=number)
twin = copy.copy(sched)
for one in (sched, twin):
    one.advance(now_ns=35 * MS)
    one.block(now_ns=36 * MS)
    one.advance(now_ns=80 * MS)
    one.check()
facts = [[[task.id, task.state, task.fields()] for task in one.tasks] for one in (sched, twin)]
print(json.dumps({
    "known": "round-robin" in all_models(),
    "end": result.end,
    "original": facts[0], "copy": facts[1],
    "runs": [[result.names[r["task"]], int(r["start_ns"]) // MS, int(r["end_ns"]) // MS] for r in
    result.runs],
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
    # a and b wake at 0, c at 5 ms; ten milliseconds each, first come first served. The tick at 65 ms comes
    # before the end of a's work at that instant, so a goes to the end of the line with nothing left to do,
    # and exits when it comes up again; b at 75 ms likewise
    assert answer["runs"] == [
        ["a", 0, 10], ["b", 10, 20], ["c", 20, 30], ["a", 30, 40], ["b", 40, 50], ["c", 50, 55],
        ["a", 55, 65], ["b", 65, 75], ["a", 75, 75], ["b", 75, 75]
    ]  # fmt: skip


def test_everybody_finishes(answer):
    assert answer["end"] == "finished"


def test_it_is_copied_like_our_own(answer):
    """Its hook table says where its pointers are."""
    assert answer["copy"] == answer["original"]
