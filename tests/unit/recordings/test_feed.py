"""Facts of binary recordings as the tracker's. Way to be right: the text that says the same, read by the scanner."""

import io

import numpy as np
import pytest

from cfs.recordings import Recording
from cfs.recordings._feed import Feed
from cfs.result import Out
from tests.unit.recordings import readings
from tests.unit.recordings.test_perf_data import READ_BY_PERF
from tests.unit.recordings.test_perfetto import made, message, switch
from tests.unit.recordings.test_trace_dat import READ_BY_TRACE_CMD, entry, page, read_into

LOSING = "perf-lost"  # its text does not say that events were lost
FORKS = "perf-bigendian-switch"  # its text does not say who is whose parent
PAIRS = [(f"{name}.data", f"{name}.perf-script.txt") for name in READ_BY_PERF if name not in (LOSING, FORKS)] + [
    (f"{name}.dat", f"{name}.report-kernel.txt") for name in READ_BY_TRACE_CMD
]


def opened(name):
    return Recording.open(readings.FORMATS / f"{name}.gz")


@pytest.mark.parametrize(("binary", "text"), PAIRS, ids=[binary for binary, _ in PAIRS])
def test_the_same_recording_comes_of_the_file_and_of_its_text(binary, text):
    """Events, runs, tasks, names, CPU time: everything but the interrupt flags, which the text leaves out."""
    ours, theirs = opened(binary), opened(text)
    assert (ours.cpus, ours.start_ns, ours.duration_ns) == (theirs.cpus, theirs.start_ns, theirs.duration_ns)
    assert ours.tasks == theirs.tasks and ours.names == theirs.names
    assert ours.inferred_switch_ins == theirs.inferred_switch_ins
    for field in ("time_ns", "task", "context", "cpu", "kind"):
        assert np.array_equal(ours.events[field], theirs.events[field]), field
    assert np.array_equal(ours.runs(), theirs.runs())
    assert np.array_equal(ours.busy_ns(), theirs.busy_ns())


def test_parents_are_known_from_the_file_alone():
    """Of a recording without the tracepoint of forks. Who ran is the same; an inferred switch may come earlier: a fork
    shows who runs there.
    """
    ours, theirs = opened(f"{FORKS}.data"), opened(f"{FORKS}.perf-script.txt")
    assert {task.parent for task in theirs.tasks} == {-1} and sum(task.parent >= 0 for task in ours.tasks) > 10
    runs = [recording.runs() for recording in (ours, theirs)]
    pids = [np.array([task.pid for task in recording.tasks])[run["task"]] for recording, run in zip((ours, theirs), runs)]
    assert np.array_equal(*pids) and ours.start_ns == theirs.start_ns
    assert np.array_equal(runs[0]["cpu"], runs[1]["cpu"]) and ours.nr_switches == theirs.nr_switches
    assert (runs[0]["start_ns"] <= runs[1]["start_ns"]).all()


def test_a_loss_is_known_from_the_file_alone():
    """The same events. What the text makes up of a lost switch, the file leaves unknown."""
    ours, theirs = opened(f"{LOSING}.data"), opened(f"{LOSING}.perf-script.txt")
    assert ours.tasks == theirs.tasks and ours.nr_switches == theirs.nr_switches
    assert ours.inferred_switch_ins < theirs.inferred_switch_ins
    assert (ours.runs()["out"] == Out.UNKNOWN).sum() > (theirs.runs()["out"] == Out.UNKNOWN).sum()
    assert (ours.busy_ns() <= theirs.busy_ns()).all()


def test_the_file_tells_more_than_the_text():
    ours, theirs = opened("tc-v7-zstd.dat"), opened("tc-v7-zstd.report-kernel.txt")
    assert (theirs.wakeups()["irq"] == 0).all() and (ours.wakeups()["irq"] != 0).any()
    assert (ours.clock, ours.kernel) == ("mono", "6.18.44-generic") and theirs.clock == ""
    assert ours.nr_records == 1514 and ours.nr_lines == 0
    assert sum(ours.causes().values()) == sum(theirs.causes().values())


@pytest.mark.parametrize("name", ["pf-compact", "pf-full", "pf-lost"])
def test_a_perfetto_trace_is_a_recording(name):
    recording = opened(f"{name}.pftrace")
    runs = recording.runs()
    assert recording.nr_switches > 100 and len(runs) > 100
    assert (runs["start_ns"] <= runs["end_ns"]).all()
    assert recording.workload(None).nr_tasks > 3


@pytest.mark.parametrize("wrong", [1, 5, 11])
def test_an_event_with_a_wrong_bit_in_its_time_is_left_out(wrong):
    """The reader has one page at a time here, and sees nothing: all later ones would be left out instead."""
    feed = Feed()
    read_into(feed, [page(1000 + i | (i == wrong) << 40, entry(0)) for i in range(12)])
    feed.finish()
    assert (feed.tracker.nr_switches, feed.nr_jumps, feed.nr_backwards) == (11, 1, 0)
    assert feed.tracker.end_ns - feed.tracker.start_ns == 11 - (wrong == 11)


def test_a_long_idle_time_is_no_wrong_bit():
    late = 20 * 10**9
    times = [1000, 1001, late, late + 1, 3 * late, 3 * late]
    bundles = [message(f1=0, f2=switch(time, 1 + i % 2, 2 - i % 2)) for i, time in enumerate(times)]
    recording = Recording.open(io.BytesIO(made(*bundles)))
    assert recording.nr_switches == 6 and recording.warnings == []
    assert set(recording.names) == {"a", "b"}
