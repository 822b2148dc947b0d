"""A result, written as ftrace text and read by `Recording.open`, is the same result.

Runs, waits, states, causes, parents and names, for random workloads, for every scenario and recording of the
repository, and for names that look like the format itself. What is compared says nothing about how tasks are
numbered: a task is its pid.
"""

import pathlib
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cfs import MODELS, Recording, Workload, read_scenario
from cfs.recordings.causes import Cause
from cfs.reports import write_ftrace
from cfs.reports.events import SWITCH, events_of, unique_pids
from cfs.reports.part import part_of
from cfs.result import NOBODY, Out, Ready, Slept, WokenBy, altered
from tests.unit.engine.test_program import random_workload

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
SCENARIOS = sorted([*ROOT.glob("examples/scenarios/*.toml"), *ROOT.glob("tests/data/cases/*.toml")])
RECORDINGS = sorted([*ROOT.glob("examples/recordings/*.gz"), *ROOT.glob("tests/data/recordings/*.gz")])
MS = 1_000_000


def with_own_pids(result):
    """A scenario's tasks may share a pid; in a trace they cannot."""
    result.pids = unique_pids(result, events_of(result))
    return result


def runs_of(result):
    """Runs and waits. A reader cannot know that a task slept when time began, so its first wait is left out; and a run
    that begins with the last event is in no span.
    """
    runs = result.runs[result.runs["start_ns"] < result.duration_ns]
    _, first = np.unique(runs["task"], return_index=True)
    slept = first[runs["ready"][first] == Ready.WAKEUP]
    runs["ready"][slept], runs["ready_ns"][slept] = Ready.UNKNOWN, -1
    columns = [runs[name].tolist() for name in ("start_ns", "end_ns", "cpu", "out", "ready", "ready_ns")]
    return sorted(zip(*columns, result.pids[runs["task"]].tolist()))


def wakeups_of(result):
    """(time, CPU, task, by whom, how it slept): a timer's and one from outside are told apart by nobody who reads."""
    rows = result.wakeups[np.isin(result.wakeups["task"], result.runs["task"])]  # who never ran is in no table
    waker = np.where(rows["waker"] == NOBODY, 0, np.append(result.pids, 0)[rows["waker"]])
    cause = np.where(rows["cause"] == WokenBy.TIMER, WokenBy.OUTSIDE, rows["cause"])
    pids = result.pids[rows["task"]]
    columns = rows["time_ns"], rows["cpu"], pids, waker, cause, rows["slept"]
    return sorted(zip(*(column.tolist() for column in columns)))


def runs_of_part(part, begin_ns):
    """Runs and waits of a part, from its beginning on: nobody can know of a wait when it began before."""
    runs = part.runs[part.runs["start_ns"] < begin_ns + part.duration_ns].copy()
    _, first = np.unique(runs["task"], return_index=True)
    unknown = runs["ready_ns"] < begin_ns
    unknown[first] |= runs["ready"][first] == Ready.PREEMPTED  # by a run that is not in the part
    runs["ready_ns"][unknown] = -1
    runs["ready"][unknown & (runs["ready"] != Ready.FOUND)] = Ready.UNKNOWN
    for name in ("start_ns", "end_ns", "ready_ns"):
        runs[name] -= np.where(runs[name] >= 0, begin_ns, 0)
    columns = [runs[name].tolist() for name in ("start_ns", "end_ns", "cpu", "out", "ready", "ready_ns")]
    return sorted(zip(*columns, part.pids[runs["task"]].tolist()))


def require_same_part(result, begin_ns, end_ns, folder):
    """W5 of cfs/reports/ftrace.py, and E5 of cfs/reports/events.py."""
    result = with_own_pids(result)
    part = part_of(result, begin_ns, end_ns)
    if not (part.runs["start_ns"] < end_ns).any():
        return  # nobody ran
    write_ftrace(part, folder / "part.txt", from_ns=begin_ns)
    recording = Recording.open(folder / "part.txt")
    assert recording.warnings == []
    back = recording.result(None)
    assert (recording.start_ns, back.duration_ns) == (begin_ns, end_ns - begin_ns)
    assert runs_of_part(back, 0) == runs_of_part(found_and_gone(part), begin_ns)
    woken = part.wakeups[np.isin(part.wakeups["task"], part.runs["task"])]
    woken = sorted(zip((woken["time_ns"] - begin_ns).tolist(), part.pids[woken["task"]].tolist()))
    there = sorted(zip(back.wakeups["time_ns"].tolist(), back.pids[back.wakeups["task"]].tolist()))
    assert there == woken


def found_and_gone(part):
    """A task that was found running and is not switched out in the part is switched in (W4)."""
    runs = part.runs.copy()
    for cpu in part.cpus:
        here = np.flatnonzero(runs["cpu"] == cpu)
        if len(here) == 1 and runs["out"][here[0]] == Out.RUNNING and runs["ready"][here[0]] == Ready.FOUND:
            runs["ready"][here[0]] = Ready.UNKNOWN
    return altered(part, runs=runs)


def parts_of(result, rng):
    """Three parts at random, and some edges: where a run begins, and where one ends."""
    span = int(result.duration_ns)
    edges = [*result.runs["start_ns"].tolist(), *result.runs["end_ns"].tolist()]
    for _ in range(3):
        yield sorted(rng.sample(range(span + 1), 2))
        begin, end = sorted(rng.sample(edges, 2))
        if begin < end:
            yield begin, end


def names_of(result, events):
    seen = np.unique(events["task"][events["task"] >= 0])
    return {int(result.pids[task]): result.names[task] for task in seen.tolist()}


def states_of(result):
    events = events_of(result)
    outs = events[(events["kind"] == SWITCH) & (events["prev"] >= 0) & (events["time_ns"] < result.duration_ns)]
    columns = [outs[name].tolist() for name in ("time_ns", "cpu", "out", "slept")]
    return sorted(zip(*columns, result.pids[outs["prev"]].tolist()))


def written(result, folder):
    write_ftrace(result, folder / "back.txt")
    recording = Recording.open(folder / "back.txt")
    assert recording.warnings == []
    return recording


def require_same(result, folder):
    """W1 of cfs/reports/ftrace.py."""
    result = with_own_pids(result)
    recording = written(result, folder)
    back = recording.result(None)
    assert runs_of(back) == runs_of(result)
    assert wakeups_of(back) == wakeups_of(result)
    assert states_of(back) == states_of(result)
    assert back.duration_ns == result.duration_ns
    assert (recording.nr_switches, recording.inferred_switch_ins) == ((events_of(result)["kind"] == SWITCH).sum(), 0)
    assert {task.pid: task.comm for task in recording.tasks} == names_of(result, events_of(result))
    pid_of = {task.row: task.pid for task in recording.tasks}
    forks = result.wakeups[result.wakeups["cause"] == WokenBy.FORK]
    assert {(task.pid, pid_of[task.parent]) for task in recording.tasks if task.parent >= 0} == set(
        zip(result.pids[forks["task"]].tolist(), result.pids[forks["waker"]].tolist())
    )
    return recording


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("round-trip")


@pytest.mark.parametrize("nr_cpus", [1, 2, 5])
@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("seed", range(4))
def test_random_programs(folder, seed, model, nr_cpus):
    require_same(random_workload(seed, nr_cpus).run(model, until_ns=150 * MS), folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 40))
def test_more_random_programs(folder, seed):
    model = list(MODELS)[seed % len(MODELS)]
    require_same(random_workload(seed, 1 + seed % 4).run(model, hz=[1000, 300, 250][seed % 3]), folder)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenarios(folder, path):
    require_same(read_scenario(path).run(until_ns=500 * MS), folder)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.split(".")[0])
def test_replays_of_recordings(folder, path):
    work = Recording.open(path).workload(None)
    work.origin = None  # nothing in it is unknown: a fork is a fork, whether or not the recording says so in time
    require_same(work.run("linux-6.18-eevdf", until_ns=300 * MS), folder)


@pytest.mark.parametrize("nr_cpus", [1, 2, 5])
@pytest.mark.parametrize("seed", range(10))
def test_parts_of_random_programs(folder, seed, nr_cpus):
    rng = random.Random(seed)
    result = random_workload(seed, nr_cpus).run(list(MODELS)[seed % len(MODELS)], until_ns=150 * MS)
    for begin, end in parts_of(result, rng):
        require_same_part(result, begin, end, folder)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_parts_of_scenarios(folder, path):
    result = read_scenario(path).run(until_ns=500 * MS)
    for begin, end in parts_of(result, random.Random(path.stem)):
        require_same_part(result, begin, end, folder)


def test_wakeups_in_the_context_of_a_hog_are_not_the_hogs(folder):
    result = read_scenario(ROOT / "tests/data/cases/timer-and-hog.toml").run()
    recording = require_same(result, folder)
    assert recording.causes()["caused"] == 0
    assert len(result.wakeups) == len(recording.wakeups()) > 160


@pytest.mark.parametrize("model", list(MODELS))
def test_replayed_exported_and_replayed_again_it_has_the_same_wakeups(folder, model):
    first = read_scenario(ROOT / "tests/data/cases/two-hogs-net.toml").run(model)
    again = written(first, folder).workload(None).run(model)
    assert again.wakeups.tolist() == first.wakeups.tolist()
    assert runs_of(again) == runs_of(first)


# what the format itself is made of
PIECES = st.sampled_from(
    [" ", "=", "==> ", "-", ":", "[", "]", "[000]", " pid=7", "next_comm=", "prev_state=S", "é", "日本", "<", ">", "/0",
     "sched_switch: ", "comm=", "12", "x"]
)  # fmt: skip
NAMES = st.lists(PIECES, min_size=1, max_size=4).map("".join).map(str.strip).filter(bool)


@settings(max_examples=150, deadline=None)
@given(names=st.lists(NAMES, min_size=3, max_size=3, unique=True))
@example(names=["=", "==>", "sched_switch:  pid=7next_comm="])  # is no buffer of trace-cmd
def test_names_that_look_like_the_format(folder, names):
    a, b, c = names
    programs = {
        a: [("run", MS), ("wake", b), ("fork", c), ("run", MS), ("sleep", MS), ("loop",)],
        b: [("wait",), ("run", 2 * MS), ("loop",)],
        c: [("run", 3 * MS)],
    }
    programs[a].pop()
    require_same(Workload.of_programs(programs, duration_ns=20 * MS).run(), folder)


def blocked_in(recording, name):
    """(time, task, state) of each block that no signal ends, from the table of events."""
    deep = recording.result(None).sleeps
    pids = np.array([task.pid for task in recording.tasks])
    events = recording.events
    kept = (events["kind"] == 2) & (events["detail"] & 12 != 0) & (events["context"] >= 0)
    told = events[kept]
    assert len(deep) == len(told), name
    return sorted(zip(told["time_ns"].tolist(), pids[told["context"]].tolist(), (told["detail"] & 12).tolist()))


def changed_runs(before, after):
    """(task, start, end) of the runs that are not the same afterwards."""
    names = ["start_ns", "end_ns", "cpu"]
    kept = set(zip(after.runs[names].tolist(), after.pids[after.runs["task"]].tolist()))
    runs = zip(before.runs[["task", *names]].tolist(), before.pids[before.runs["task"]].tolist())
    return [run[:3] for run, pid in runs if (run[1:], pid) not in kept]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.split(".")[0])
def test_what_was_recorded(folder, path):
    """Runs, causes, parents and states of a real recording. Lost is the early half of a wakeup of a task that is
    not seen to run by then. A child that ran before its fork was recorded comes back with two runs.
    """
    recording = Recording.open(path)
    recorded = recording.result(None)
    again = written(recorded, folder)
    ours, theirs = wakeups_of(recorded), wakeups_of(again.result(None))
    assert len(ours) >= len(theirs) > 50
    assert len(set(ours) - set(theirs)) <= 3
    assert set(blocked_in(recording, path)) == set(blocked_in(again, path))
    forks = {(int(row["task"]), int(row["time_ns"])) for row in recorded.wakeups if row["cause"] == WokenBy.FORK}
    for task, start_ns, end_ns in changed_runs(recorded, again.result(None)):
        assert any(child == task and start_ns < at_ns < end_ns for child, at_ns in forks)
    assert {(t.pid, again.tasks[t.parent].pid) for t in again.tasks if t.parent >= 0} <= {
        (t.pid, recording.tasks[t.parent].pid) for t in recording.tasks if t.parent >= 0
    }
