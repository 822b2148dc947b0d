"""O3 of cfs/recordings/population.py: a model's result of a recording knows no more than the recording, however it is
made. The witness is the same simulation of a workload that has forgotten where it comes from.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cfs import Recording, Simulation
from cfs.recordings import population
from cfs.recordings.measured import fitted
from cfs.recordings.population import first_of_each, made_blind
from cfs.result import Out, Ready, altered
from tests.quick import few

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "recordings"
RECORDINGS = [
    EXAMPLES / "fork-heavy.perf-script.txt.gz",
    EXAMPLES / "nice-hogs-small.perf-script.txt.gz",
    ROOT / "tests" / "data" / "recordings" / "pipe-cut.perf-script.txt.gz",
]
MS = 10**6
COLUMNS = ["task", "cpu", "ready", "out", "ready_ns", "start_ns", "end_ns"]


@pytest.fixture(scope="module", params=few(RECORDINGS[::-1]), ids=lambda path: path.name.split(".")[0])
def work(request):
    return Recording.open(request.param).workload(None)


def unaware(work):
    """The same, of which nobody knows that it was recorded."""
    return dataclasses.replace(work, origin=None)


def rows_of(runs):
    return sorted(runs[COLUMNS].tolist())


def require_same_sums(found, wanted):
    assert (found.cpus, found.duration_ns, found.busy_ns) == (wanted.cpus, wanted.duration_ns, wanted.busy_ns)
    mine, other = found.stats(), wanted.stats()
    for name in ("key", "cpu_ns", "switches", "voluntary", "involuntary", "unknown_waits"):
        assert (mine[name] == other[name]).all(), name
    for part in ("count", "sum_ns", "max_ns"):
        assert (mine["latency"][part] == other["latency"][part]).all(), part


def test_first_waits_and_ends_alone_are_forgotten(work):
    result, whole = Simulation(work).run(), Simulation(unaware(work)).run()
    assert len(result.runs) == len(whole.runs)
    blind = np.isin(work.origin.first_ready, (Ready.UNKNOWN, Ready.FOUND))
    first = first_of_each(whole.runs["task"], work.nr_tasks)
    changed = np.flatnonzero(result.runs["ready"] != whole.runs["ready"])
    assert set(changed.tolist()) <= set(first[blind].tolist()) and len(changed)
    assert (result.runs["ready"][changed] == Ready.UNKNOWN).all() and (result.runs["ready_ns"][changed] == -1).all()
    ends = np.flatnonzero(result.runs["out"] != whole.runs["out"])
    assert (whole.runs["out"][ends] == Out.EXITED).all() and not work.origin.exits[whole.runs["task"][ends]].any()
    same = np.setdiff1d(np.arange(len(whole.runs)), changed)
    assert (result.runs["ready_ns"][same] == whole.runs["ready_ns"][same]).all()


def test_without_a_log_as_much_is_known_as_with_one(work):
    wanted, seen = Simulation(work).run(), []
    require_same_sums(Simulation(work, log=False).run(), wanted)
    require_same_sums(Simulation(work, log=seen.append).run(), wanted)
    assert rows_of(np.concatenate(seen)) == rows_of(wanted.runs)
    assert Simulation(work, log="runs").run().runs.tolist() == wanted.runs.tolist()


def test_asking_on_the_way_changes_nothing(work):
    """Runs that go on when a result is made are in it, and are not over."""
    wanted = Simulation(work).run()
    blind = np.flatnonzero(work.origin.fitting().is_blind)
    first = first_of_each(wanted.runs["task"], work.nr_tasks)[blind]
    middles = (wanted.runs["start_ns"][first] + wanted.runs["end_ns"][first]) // 2
    for log in (True, False):
        simulation = Simulation(work, log=log)
        for at_ns in sorted({*middles[first >= 0].tolist(), int(work.duration_ns) // 2}):
            simulation.advance(at_ns)
            once, again = simulation.result(), simulation.result()
            require_same_sums(again, once)
            require_same_sums(once, Simulation(work).run(simulation.now_ns))
        require_same_sums(simulation.run(), wanted)


def test_what_is_blind_stays_as_it_is(work):
    result = Simulation(work).run()
    runs, wakeups = result.runs.copy(), result.wakeups.copy()
    again = made_blind(result, work.origin.fitting())
    assert (again.runs == runs).all() and (again.wakeups == wakeups).all()
    recorded = altered(result, runs=runs)
    assert (fitted(result, recorded).runs == runs).all()


def test_the_wakeups_of_forgotten_waits_were_made_up(work):
    result, whole = Simulation(work).run(), Simulation(unaware(work)).run()
    kept, all_of_them = (set(side.wakeups[["time_ns", "task"]].tolist()) for side in (result, whole))
    first = first_of_each(whole.runs["task"], work.nr_tasks)
    waits = set(zip(whole.runs["ready_ns"][first].tolist(), range(work.nr_tasks)))
    assert kept < all_of_them and all_of_them - kept <= waits


def test_the_span_is_the_one_asked_for_and_the_cpus_are_those_chosen():
    recording = Recording.open(RECORDINGS[0])
    name = recording.names[int(recording.task_table["name"][recording.workload(0).origin.rows[0]])]
    work = recording.workload(None, only=name)
    assert len(recording.cpus) > len(set(work.tasks["cpu"].tolist()))
    for log in (True, False):
        result = Simulation(work, log=log).run(5 * work.duration_ns)
        assert (result.cpus, result.duration_ns) == (recording.cpus, 5 * work.duration_ns)
        assert len(result.to_dict()["cpus"]) == len(recording.cpus)


def test_rows_go_block_by_block(monkeypatch):
    monkeypatch.setattr(population, "BLOCK", 3)
    rows = np.array([5, 1, 1, 0, 5, 2, 0, 0])
    assert first_of_each(rows, 7).tolist() == [3, 1, 5, -1, -1, 0, -1]
    for gone in ([], [0], [2, 3], [0, 1, 2], [7], list(range(8))):
        kept = population._without(rows.copy(), np.array(gone, np.int64))
        assert kept.tolist() == np.delete(rows, gone).tolist()
