"""Whatever the bytes: reading a recording ends, with `RecordingError` or with something sound."""

import gzip
import io
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfs import RecordingError
from cfs.recordings import Recording
from cfs.recordings._scan import Scanner
from cfs.result import Out
from cfs.workload import Op
from tests.unit.recordings.lines import A, B, C, IDLE, fork, ftrace, runtime, switch, text, wake
from tests.unit.recordings.test_programs import stuck

pytestmark = pytest.mark.slow  # hundreds of examples

CHILD = ("chi ld", 7)
SOUND = [
    switch(0, IDLE, A),
    runtime(100, A, 100),
    fork(200, A, CHILD),
    wake(300, A, CHILD, "wakeup_new"),
    switch(400, A, CHILD, "D"),
    wake(500, CHILD, A),
    wake(600, CHILD, A, "wakeup", cpu=1),
    switch(700, CHILD, A, "R+", prio=115),
    wake(750, A, B, cpu=1),
    switch(800, A, CHILD, "S"),
    switch(900, CHILD, B, "Z"),
    wake(950, B, A),
    switch(990, B, A, "R"),
    runtime(999, C, 5000, cpu=3),
    switch(1000, A, IDLE, "X", cpu=3),
    ftrace(
        2,
        A,
        "sched_switch: prev_comm=a prev_pid=101 prev_prio=120 prev_state=S ==> "
        "next_comm=b next_pid=102 next_prio=1",
    ),
    ftrace(3, B, "sched_switch: b:102 [120] R+ ==> a:101 [-1]"),
    ftrace(4, A, "sched_switch: prev_comm=a prev_pid=101 prev_prio=120 prev_state=0x2 next_comm=b "
           "next_pid=102 next_prio=120"),
    ftrace(5, B, "sched_wakeup: task a:101 [120] success=1 [000]"),
    ftrace(6, B, "sched_wakeup_new: chi ld:7 [120] CPU:003"),
    ftrace(7, B, "sched_process_fork: parent b:102  child chi ld:8"),
    ftrace(8, B, "sched_stat_runtime: task: b:102 runtime: 77 [ns], vruntime: 1 [ns]"),
    switch(9000, B, A).replace("  102/102", "  1"),
    "       b-102       0d.h2. 1808000010us!: sched_switch: b:102 [120] S ==> a:101 [120]",
    "[   12.345678]        a-101       1d..2.  1808.000011: sched_waking: comm=b pid=102 prio=120 target_cpu=000",
    " a-101 [000]  1808.000012: sched_switch: [FAILED TO PARSE] prev_comm=a prev_pid=101 prev_prio=120 "
    "prev_state=0x40 next_comm=<...> next_pid=102 next_prio=120",
    " b-102 [000]  1808.000013: sched_wakeup: a:101 [120]<CANT FIND FIELD success> CPU:000",
    ' b-102 [000]  1808.000014: sched_switch: b\\":102 [120] R ==> a:101 [120]\\n\\',
    "<!DOCTYPE html>",
    "#                            || / _---=> hardirq/softirq",
    "# entries-in-buffer/entries-written: 1/2",
    "CPU:1 [LOST 9 EVENTS]",
    "CPU:1 [9 EVENTS DROPPED]",
    "\t ffffffff8109a4fb schedule+0x4b ([kernel.kallsyms])",
    "b 102/102 [000] 1808.000001: PERF_RECORD_LOST lost 9",
]

pieces = st.sampled_from(
    [b" [120] ", b":7", b"EVENTS", b"[LOST ", b" lost ", b" success=0", b"task ", b"entries-written: ", b"\t",
     b"sched:sched_switch: ", b" prev_pid=", b" next_pid=-1", b" ==> ", b"[000]", b"[99999]", b"\0", b"\n",
     b" pid=0", b"1.5: ", b"-", b"/", b"99999999999999999999", b" prio=-5", b"runtime=", b"\xff", b" " * 50,
     b"us : ", b"=> hardirq", b"\\n\\", b"<CANT FIND FIELD ", b"[FAILED TO PARSE]", b"<...>", b"<html", b" kernel: "]
)  # fmt: skip


def sound(recording):
    """Every answer can be had, and does not contradict itself (S1, S2, S4; P1, P2)."""
    nr, span = len(recording.tasks), recording.duration_ns
    assert span >= 0 and (recording.nr_switches > 0 or span > 0)
    runs = recording.runs()
    assert (runs["task"] < nr).all() and (runs["start_ns"] >= 0).all() and (runs["end_ns"] <= span).all()
    assert (runs["start_ns"] <= runs["end_ns"]).all() and (runs["ready_ns"] <= runs["end_ns"]).all()
    assert all(task.parent < nr for task in recording.tasks)
    assert len(recording.events) >= recording.nr_switches
    assert sum(recording.causes().values()) >= 0
    one_by_one = [(cpu, None) for cpu in recording.cpus[:3]]
    for cpu, outside in [(None, "absolute"), (None, "relative"), *one_by_one]:
        workload = recording.workload(cpu, outside=outside)
        workload.check()
        assert stuck(workload, random.Random(1).randrange) == ([], 0)
        same_on_both_sides(recording, workload)


def same_on_both_sides(recording, workload):
    """P3, P4, task by task."""
    runs = recording.result(workload=workload).runs
    for i in range(workload.nr_tasks):
        ops, of_task = workload.program(i), runs[runs["task"] == i]
        assert ops["arg"][ops["kind"] == Op.RUN].sum() == (of_task["end_ns"] - of_task["start_ns"]).sum()
        # A run that begins and ends at the last instant is none of the span.
        if not (ops["kind"] == Op.EXIT).sum() == (of_task["out"] == Out.EXITED).sum():
            whole = recording.runs(list(workload.origin.cpus))
            last = whole[whole["task"] == workload.origin.rows[i]][-1]
            assert last["start_ns"] == recording.duration_ns and last["out"] == Out.EXITED


def survive(content):
    try:
        recording = Recording.open(io.BytesIO(content))
    except RecordingError as error:
        assert str(error)
        return
    sound(recording)


@given(st.binary(max_size=3000))
def test_random_bytes(content):
    survive(content)


@given(st.lists(st.sampled_from(SOUND), max_size=40))
def test_sound_lines_in_any_order(lines):
    survive(text(*lines))


@given(st.lists(st.integers(0, len(SOUND) - 1), min_size=1, max_size=60), st.data())
def test_lines_with_ascending_times_and_any_tasks(choices, data):
    # Contradictions in plenty: tasks that run twice, wake while they run, end and go on.
    tasks = [IDLE, A, B, C, CHILD, ("swapper/1", 0)]
    lines = []
    for i, choice in enumerate(choices):
        one, two = data.draw(st.sampled_from(tasks)), data.draw(st.sampled_from(tasks))
        cpu, t = data.draw(st.integers(0, 2)), 1000 * i
        which = data.draw(st.sampled_from(["waking", "wakeup", "wakeup_new"]))
        state = data.draw(st.sampled_from(["S", "R", "R+", "D", "Z", "X", "I", ""]))
        lines.append(
            [
                switch(t, one, two, state, cpu=cpu),
                wake(t, one, two, which, cpu=cpu, prio=data.draw(st.integers(-1, 140))),
                fork(t, one, two, cpu=cpu),
                runtime(t, one, data.draw(st.integers(0, 10**6)), cpu=cpu),
            ][choice % 4]
        )
    survive(text(switch(0, A, B), *lines))


@given(st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 30), pieces), max_size=8))
def test_mutated_lines(mutations):
    content = bytearray(text(*SOUND))
    for at, length, piece in mutations:
        content[at : at + length] = piece
    survive(bytes(content))


@given(st.integers(0, 2500), st.integers(0, 2500))
def test_cuts(start, stop):
    survive(text(*SOUND)[start:stop])


@given(st.integers(0, 600), st.integers(0, 255))
def test_damaged_gzip(at, byte):
    packed = bytearray(gzip.compress(text(*SOUND)))
    packed[2 + at % (len(packed) - 2)] = byte
    survive(bytes(packed))


@given(st.integers(0, 600))
def test_cut_gzip(length):
    survive(gzip.compress(text(*SOUND))[:length])


@pytest.mark.parametrize("filler", [b"x", b"\0", b"[", b"[000] ", b"=", b" "])
def test_a_line_of_a_megabyte(filler):
    content = text(*SOUND[:5]) + filler * (1_000_000 // len(filler)) + b"\n" + text(*SOUND[5:8])
    recording = Recording.open(io.BytesIO(content))
    assert recording.nr_switches == 3


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_the_size_of_blocks_makes_no_difference(sizes):
    content = text(*SOUND, "x" * 5000, *SOUND[-3:])
    whole, parts = Scanner(), Scanner()
    whole.feed(content)
    whole.finish()
    at = 0
    while at < len(content):
        size = sizes[at % len(sizes)]
        parts.feed(content[at : at + size])
        at += size
    parts.finish()
    assert bytes(memoryview(whole.tracker)) == bytes(memoryview(parts.tracker))
    assert whole.lines_left_out() == parts.lines_left_out()


def test_many_tasks_and_names():
    # The tables of pids and names grow several times (S3: with them, not with the text).
    nr = 3000
    lines = [switch(1000 * i, (f"n{i}", 10 + 7 * i), (f"n{i + 1}", 17 + 7 * i)) for i in range(nr)]
    found = Recording.open(io.BytesIO(text(*lines)))
    assert [(task.comm, task.pid) for task in found.tasks] == [(f"n{i}", 10 + 7 * i) for i in range(nr + 1)]


def test_a_task_that_changes_its_name_all_the_time_does_not_fill_the_memory():
    lines = [runtime(1000 * i, (f"n{i}", 5), 1) for i in range(3000)]
    [task] = Recording.open(io.BytesIO(text(*lines, switch(10**7, ("n2999", 5), IDLE)))).tasks
    assert task.comm == "n2999" and len(task.comms) <= 32


def test_every_cpu_at_once():
    lines = [switch(i, IDLE, (f"t{i}", 10 + i), cpu=i) for i in range(0, 8192, 64)]
    found = Recording.open(io.BytesIO(text(*lines)))
    assert len(found.cpus) == 128 and np.array_equal(np.unique(found.runs()["cpu"]), found.cpus)
