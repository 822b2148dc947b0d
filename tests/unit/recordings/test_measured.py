"""What a recording measured as a result: against what another program counted in the same text."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cfs import RecordingError
from cfs.recordings import Recording
from cfs.recordings.measured import recorded_result
from cfs.result import Out, Ready
from tests.quick import few

ROOT = Path(__file__).parents[3]
EXAMPLES, DATA = ROOT / "examples" / "recordings", ROOT / "tests" / "data" / "recordings"
WAITS = ("wakeup_latency", "fork_latency", "preempted_wait", "run_length")


@pytest.fixture(scope="module")
def hogs():
    return Recording.open(EXAMPLES / "nice-hogs-small.perf-script.txt.gz")


def test_each_task_has_the_times_that_were_counted(hogs):
    truth = json.loads((DATA / "nice-hogs-small.truth.json").read_text())
    result = recorded_result(hogs, None)
    rows = {(int(result.pids[row["key"]]), result.names[row["key"]]): row for row in result.stats()}
    hogs_only = [task for task in truth["tasks"] if task["comm"].startswith("hog")]
    assert len(hogs_only) == 6
    for task in hogs_only:
        row = rows[task["pid"], task["comm"]]
        assert row["cpu_ns"] == task["cpu_ns"]
        assert row["voluntary"] == task["voluntary"]
        assert row["involuntary"] == task["involuntary"]
        for name in WAITS:
            expected = task[name]
            assert {key: int(row[name][key]) for key in expected} == expected, (task["comm"], name)


def test_switches_are_those_of_the_cpus_chosen(hogs):
    whole = recorded_result(hogs, None).context_switches
    assert recorded_result(hogs, 0).context_switches + recorded_result(hogs, 1).context_switches == whole
    assert hogs.nr_switches <= whole <= hogs.nr_switches + hogs.inferred_switch_ins + len(hogs.cpus)


@pytest.mark.parametrize("cpu", [0, 1, [0, 1], None])
def test_rows_are_those_of_the_workload(hogs, cpu):
    work = hogs.workload(cpu)
    result = recorded_result(hogs, cpu, workload=work)
    assert result.pids.tolist() == work.tasks["pid"].tolist()
    assert result.names == [work.name(row) for row in range(work.nr_tasks)]
    assert result.model == "recorded" and result.duration_ns == work.duration_ns


def test_tasks_left_out_of_the_workload_are_left_out(hogs):
    work = hogs.workload(0, only="hog*")
    result = recorded_result(hogs, 0, workload=work)
    assert result.nr_tasks == 6
    whole = recorded_result(hogs)
    rows = [row for row in whole.stats() if whole.names[row["key"]].startswith("hog")]
    assert result.busy_ns == sum(row["cpu_ns"] for row in rows)


def test_runs_are_in_the_order_of_their_starts(hogs):
    runs = recorded_result(hogs, None).runs
    assert (np.diff(runs["start_ns"]) >= 0).all()


def test_a_pid_used_again_is_another_task():
    recording = Recording.open(EXAMPLES / "kbuild-shell-1cpu.perf-script.txt.gz")
    work = recording.workload(0)
    result = recorded_result(recording, 0, workload=work)
    assert result.busy_ns == recorded_result(recording, 0).busy_ns
    assert result.nr_tasks == work.nr_tasks == 247


def test_another_recordings_workload_is_refused(hogs):
    other = Recording.open(EXAMPLES / "kbuild-shell-1cpu.perf-script.txt.gz").workload(0)
    with pytest.raises(RecordingError, match="was not made of"):
        recorded_result(hogs, 0, workload=other)


def test_a_cpu_that_was_not_recorded_is_refused(hogs):
    with pytest.raises(RecordingError, match="no events of CPU 7"):
        recorded_result(hogs, 7)


@pytest.mark.parametrize("file", few(["nice-hogs-small.perf-script.txt.gz", "fork-heavy.perf-script.txt.gz"], 1))
@pytest.mark.parametrize("cpu", [0, None])
def test_what_is_known_of_the_tasks_ends_needs_no_runs(file, cpu):
    recording = Recording.open(EXAMPLES / file)
    work = recording.workload(cpu)
    runs = recording.result(cpu, workload=work).runs
    ready, exits = [Ready.WAKEUP] * work.nr_tasks, [False] * work.nr_tasks
    for run in runs[::-1].tolist():
        row = dict(zip(runs.dtype.names, run))
        ready[row["task"]] = row["ready"]
        exits[row["task"]] |= row["out"] == Out.EXITED
    assert work.origin.first_ready.tolist() == ready and work.origin.exits.tolist() == exits
    assert work.origin.fitting().is_blind.any()


@pytest.mark.parametrize("size", few([7, 1, 100, 10**6], 1))
def test_runs_are_fitted_in_portions_as_a_whole(size):
    recording = Recording.open(EXAMPLES / "fork-heavy.perf-script.txt.gz")
    work = recording.workload()
    runs = dataclasses.replace(work, origin=None).run().runs[:3000]
    whole, portions = runs.copy(), runs.copy()
    work.origin.fitting().fit(whole)
    fitting = work.origin.fitting()
    for begin in range(0, len(runs), size):
        fitting.fit(portions[begin : begin + size])
    assert (portions == whole).all() and (portions != runs).any()
