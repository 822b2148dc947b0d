"""Small inputs with a right answer: each stands for a fault that users of such tools reported.

The files are in tests/data/cases. The answers are derived by hand from their lines.
"""

from pathlib import Path

import numpy as np
import pytest

from cfs import RecordingError
from cfs.recordings import Recording
from cfs.result import Ready

CASES = Path(__file__).parents[2] / "data" / "cases"
MS = 1_000_000


def opened(name):
    return Recording.open(CASES / name)


def busy(name):
    """CPU time by name, and the warnings."""
    recording = opened(name)
    return dict(zip([task.comm for task in recording.tasks], recording.busy_ns().tolist())), recording.warnings


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("realtime-clock.txt", {"a": 5 * MS}),
        ("tai-clock.ftrace.txt", {"a": 5 * MS}),
        ("failed-parse.txt", {"a": 5 * MS}),
        ("tracecmd-banner-cpus.txt", {"b": 1 * MS, "a": 2 * MS}),
        ("tracecmd-banner-version.txt", {"b": 1 * MS, "a": 2 * MS}),
        ("latency-format-us.txt", {"b": 1 * MS, "a": 2 * MS}),
        ("latency-format-tracecmd-l.txt", {"b": 1 * MS, "a": 2 * MS}),
        ("systrace-js-lines.html", {"b": 1 * MS, "a": 2 * MS}),
        ("perf-callchain.txt", {"b": 1 * MS, "a": 2 * MS}),
    ],
)
def test_cpu_time(name, expected):
    assert busy(name) == (expected, [])
    assert opened(name).cpus == [0]


@pytest.mark.parametrize(
    ("name", "good", "warning"),
    [
        ("container-pids.txt", "container-pids-ok.txt", "as in a container, see line 2"),
        ("traceconv.txt", "traceconv-noflags.txt", None),
        ("cant-find-field.txt", "cant-find-field.good.txt", None),
    ],
)
def test_the_same_as_without_the_fault(name, good, warning):
    found, wanted = opened(name), opened(good)
    assert np.array_equal(found.runs(), wanted.runs()) and np.array_equal(found.wakeups(), wanted.wakeups())
    assert found.causes() == wanted.causes() and np.array_equal(found.busy_ns(), wanted.busy_ns())
    assert [task.comm for task in found.tasks] == [task.comm for task in wanted.tasks]
    assert len(found.warnings) == (warning is not None) and all(warning in text for text in found.warnings)


def test_an_unknown_name_is_no_name_and_is_said():
    times, warnings = busy("unknown-comm.txt")
    assert times == {"worker": 4 * MS, ":30": 2 * MS}
    assert warnings == ["the name of 1 task is not known: such a task is called by its number, as :30"]


def test_a_container_has_two_tasks_and_94_of_98_ms_in_runs_that_began():
    recording = opened("container-pids.txt")
    runs = recording.runs()
    assert [task.pid for task in recording.tasks] == [3007, 3008] and recording.duration_ns == 98 * MS
    found = runs["ready"] == Ready.FOUND  # the first 4 ms: `a` was running when the CPU was first seen
    assert (runs["end_ns"] - runs["start_ns"])[~found].sum() == 94 * MS


def test_flags_that_never_vary_leave_the_timer_to_its_wakeups():
    assert opened("traceconv.txt").causes() == {"caused": 0, "timer": 6, "outside": 0}


@pytest.mark.parametrize(("name", "line"), [("from-pager-cut.txt", 3), ("bad-switch-lines.txt", 2)])
def test_switches_that_cannot_be_read_are_named(name, line):
    shown = (CASES / name).read_text().splitlines()[line - 1]
    with pytest.raises(RecordingError) as caught:
        opened(name)
    message = str(caught.value)
    assert f"1 sched_switch line, which cannot be read; the first is line {line}: {shown!r}" in message
    assert "has no sched_switch" not in message and "perf script" in message
