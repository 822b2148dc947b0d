"""The same recording in the spellings of other tools and kernels reads the same.

The reference is a real recording in the spelling that `test_real_recordings` holds against its truth. It is
written anew here, line by line, as the other tool would print it; what is read must not differ. Then what
single lines of old kernels say.
"""

import gzip
import io
import re
from functools import cache

import numpy as np
import pytest

from cfs import RecordingError
from cfs.recordings import Recording
from cfs.result import Out, Ready
from tests.quick import few

from .lines import A, B, IDLE, fork, ftrace, head, read, row, runs_of, runtime, switch, text, wake
from .real_recordings import FOLDERS, QUANTILES, of_seen, statistics, truth

FTRACE = re.compile(
    r"^ *(?P<comm>.*)-(?P<tid>\d+) +\[(?P<cpu>\d+)\] +(?P<flags>\S+) +(?P<time>[\d.]+): (?P<rest>.*)$"
)
SWITCH = re.compile(
    r"(?P<event>(sched:)?sched_switch: )prev_comm=(?P<a>.*) prev_pid=(?P<ap>\d+) prev_prio=(?P<ai>-?\d+) "
    r"prev_state=(?P<s>\S+) ==> next_comm=(?P<b>.*) next_pid=(?P<bp>\d+) next_prio=(?P<bi>-?\d+)"
)
WAKEUP = re.compile(
    r"(?P<event>(sched:)?sched_wakeup(_new)?: )comm=(?P<a>.*) pid=(?P<ap>\d+) prio=(?P<ai>-?\d+) "
    r"target_cpu=(?P<c>\d+)"
)
BITS = {"R": 0, "R+": 256, "S": 1, "D": 2, "T": 4, "t": 8, "X": 16, "Z": 32, "P": 64, "I": 128}


@cache
def lines_of(name):
    [path] = [found for folder in FOLDERS for found in folder.glob(f"{name}.*.txt.gz")]
    return gzip.open(path, "rt").read().splitlines()


def opened(lines):
    return Recording.open(io.BytesIO(text(*lines)))


@cache
def original(name):
    """The recording as its own tool spelt it: what the others are compared with."""
    return opened(lines_of(name))


def assert_same(found, wanted):
    assert found.warnings == wanted.warnings
    assert (found.start_ns, found.cpus, found.tasks) == (wanted.start_ns, wanted.cpus, wanted.tasks)
    assert np.array_equal(found.events, wanted.events)


# ---- whole recordings


def with_colons(line, success=""):
    """As libtraceevent's plugins print sched_switch and sched_wakeup, for trace-cmd and for perf."""
    line = SWITCH.sub(
        lambda m: "{event}{a}:{ap} [{ai}] {s} ==> {b}:{bp} [{bi}]".format(**m.groupdict()), line
    )
    return WAKEUP.sub(lambda m: "{event}{a}:{ap} [{ai}]{x} CPU:{c}".format(**m.groupdict(), x=success), line)


def raw(line):
    """As trace-cmd report -R prints fields: no arrow, states and CPUs as numbers, the record's own names."""
    line = SWITCH.sub(
        lambda m: (
            "{event}prev_comm={a} prev_pid={ap} prev_prio={ai} prev_state={n} "
            "next_comm={b} next_pid={bp} next_prio={bi}".format(**m.groupdict(), n=BITS[m["s"]])
        ),
        line,
    )
    line = re.sub(r"target_cpu=0*(\d)", r"target_cpu=\1", line)
    line = re.sub(r"(_fork: )comm=(.*) pid=(\d+) child", r"\1parent_comm=\2 parent_pid=\3 child", line)
    return re.sub(r"(runtime=\d+) \[ns\]", r"\1 vruntime=81985529216486895", line)


def of_2_6_30(line):
    """As kernels around 2.6.30 printed the same."""
    line = SWITCH.sub(
        lambda m: "{event}task {a}:{ap} [{ai}] ({s}) ==> {b}:{bp} [{bi}]".format(**m.groupdict()), line
    )
    line = WAKEUP.sub(lambda m: "{event}task {a}:{ap} [{ai}] success=1 [{c}]".format(**m.groupdict()), line)
    line = re.sub(
        r"(sched_process_fork: )comm=(.*) pid=(\d+) child_comm=(.*) child_pid=(\d+)",
        r"\1parent \2:\3  child \4:\5",
        line,
    )
    return re.sub(
        r"(sched_stat_runtime: )comm=(.*) pid=(\d+) runtime=(\d+) \[ns\]",
        r"\1task: \2:\3 runtime: \4 [ns], vruntime: 12345678 [ns]",
        line,
    )


SPELLINGS = {
    "colons": with_colons,
    "colons and success": lambda line: with_colons(line, " success=1"),
    "raw": raw,
    "2.6.30": of_2_6_30,
    "success=1": lambda line: re.sub(r"(prio=\d+) (target_cpu)", r"\1 success=1 \2", line),
    "vruntime": lambda line: re.sub(r"(runtime=\d+ \[ns\])", r"\1 vruntime=81985529216486895 [ns]", line),
    "short CPU": lambda line: re.sub(r" \[0*(\d+)\] ", r" [\1] ", line),
    "period": lambda line: re.sub(r"(\d{9}:) +sched:", r"\1          1 sched:", line),
    "tid alone": lambda line: re.sub(r"(\d+)/(-?\d+) +\[", r"\2 [", line),
    "without system": lambda line: line.replace("sched:sched_", "sched_"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", few(["nice-hogs-small", "periodic"], 1))
def test_perf_in_another_spelling_reads_the_same(name, spelling):
    lines = lines_of(name)
    rewritten = [SPELLINGS[spelling](line) for line in lines]
    assert rewritten != lines
    assert_same(opened(rewritten), original(name))


def trace_cmd(line, fields):
    """A line of ftrace as `trace-cmd report` prints it: another header, no flags, fields set apart."""
    m = FTRACE.match(line)
    if m is None:
        return "cpus=2" if line == "#" else "CPU 3 is empty" if line.startswith("#  ") else "version = 7"
    event, rest = fields(m["rest"]).split(": ", 1)
    return f"{m['comm'] + '-' + m['tid']:>22} [{m['cpu']}] {m['time']}: {event + ':':<22}{rest}"


@pytest.mark.parametrize("fields", [raw, with_colons, str], ids=["-R", "plugins", "kernel's own"])
def test_trace_cmd_report_reads_as_ftrace(fields):
    lines = lines_of("nice-hogs-ftrace")
    found, wanted = opened([trace_cmd(line, fields) for line in lines]), original("nice-hogs-ftrace")
    assert found.kind == "ftrace"
    wakeup = np.isin(wanted.events["kind"], (3, 4, 5))
    events = wanted.events.copy()
    events["detail"][wakeup] = 0  # without flags nobody knows whose interrupt it was
    found_events = found.events.copy()
    found_events["detail"][wakeup] = 0
    assert np.array_equal(found_events, events)
    assert (found.tasks, found.warnings) == (wanted.tasks, [])


def test_trace_cmd_with_flags_and_ns_tells_interrupts():
    plain = ftrace(3, A, "sched_switch: a:101 [120] S ==> b-x c:9 [120]", flags="d..2.")
    waking = ftrace(9, ("b-x c", 9), "sched_waking: comm=a pid=101 prio=120 target_cpu=000", flags="d.h1.")
    recording = read(*(re.sub(r"(\.\d{6}):", r"\g<1>123:", line, count=1) for line in (plain, waking)))
    assert recording.wakeups()["irq"].tolist() == [2] and recording.start_ns % 1000 == 123


@pytest.mark.parametrize("gone", ["sched_waking:", "sched_wakeup:"])
def test_without_one_half_of_the_wakeups_runs_stay_the_same(gone):
    lines = lines_of("periodic")
    found, wanted = (opened([line for line in lines if gone not in line]), opened(lines))
    for wanted_task in truth("periodic")["tasks"]:  # others have switches that the gone lines told of
        task = "x", wanted_task["pid"]
        assert runs_of(found, task)[["start_ns", "end_ns", "out"]].tolist() == (
            runs_of(wanted, task)[["start_ns", "end_ns", "out"]].tolist()
        )


@pytest.mark.parametrize("name", ["two-users-equal", "two-users-1to3"])
def test_sched_wakeup_alone_gives_the_waits_counted_from_it(name):
    lines = [line for line in lines_of(name) if "sched:sched_waking:" not in line]
    recording = opened(lines)
    table = recording.runs()
    for wanted in truth(name)["tasks"]:
        rows = [task.row for task in recording.tasks if task.pid == wanted["pid"]]
        runs = table[np.isin(table["task"], rows) & of_seen(table, Ready.WAKEUP)]
        expected = wanted["wakeup_latency_from_sched_wakeup"]
        assert statistics(runs["start_ns"] - runs["ready_ns"], expected) == expected, wanted["comm"]
    assert set(QUANTILES) <= set(expected) or expected["count"] == 0


@pytest.mark.parametrize("gone", ["sched_waking:", "sched_wakeup:"])
def test_one_half_of_the_wakeups_makes_a_workload_that_uses_the_same_time(gone):
    recording = opened([line for line in lines_of("periodic") if gone not in line])
    result = recording.workload(0).run("linux-2.6.24-cfs", hz=250)
    measured = recording.result(0)
    assert sum(recording.causes(0).values()) > 1000
    assert result.busy_ns == pytest.approx(measured.busy_ns, rel=0.02)


# ---- single lines


ODD = ["audio mix", "kworker/u8:1-ev", "x:3 [4] y", "==> odd", "task force", "[000]", ""]


@pytest.mark.parametrize("name", ODD)
def test_a_name_between_colons_may_hold_anything(name):
    odd = (name, 77)
    lines = switch(0, A, odd), switch(10, odd, B), wake(20, B, odd, "wakeup"), switch(30, B, odd)
    recording = read(*(with_colons(line) for line in lines))
    assert [(task.pid, task.comm) for task in recording.tasks] == [(101, "a"), (77, name), (102, "b")]
    assert (recording.nr_switches, recording.warnings) == (3, [])


@pytest.mark.parametrize(
    ("state", "out", "detail"),
    [
        ("R+", Out.PREEMPTED, 0),
        ("S+", Out.PREEMPTED, 0),  # preempted on its way to sleep
        ("D|K", Out.BLOCKED, 4),
        ("S|K", Out.BLOCKED, 0),
        ("I", Out.BLOCKED, 8),
        ("P", Out.BLOCKED, 0),
        ("x", Out.EXITED, 0),
        ("X|Z", Out.EXITED, 0),
    ],
)
def test_states_of_other_kernels(state, out, detail):
    recording = read(switch(0, IDLE, A), switch(100, A, IDLE, state))
    assert recording.events["detail"].tolist()[-1] == out | detail


@pytest.mark.parametrize(
    ("state", "out"),
    [
        ("0", Out.PREEMPTED),
        ("0x0", Out.PREEMPTED),
        ("0x100", Out.PREEMPTED),
        ("1", Out.BLOCKED),
        ("0x2", Out.BLOCKED | 4),
        ("130", Out.BLOCKED | 4),
        ("0x80", Out.BLOCKED | 8),
        ("64", Out.EXITED),
        ("16", Out.EXITED),
        ("0x20", Out.EXITED),
    ],
)
def test_states_as_numbers(state, out):
    line = switch(100, A, IDLE, state).replace(" ==>", "")
    assert read(switch(0, IDLE, A), line).events["detail"].tolist()[-1] == out


@pytest.mark.parametrize(
    ("shown", "state", "out"),
    [
        ("256", "64", Out.BLOCKED),  # parked, from 4.14 on
        ("128", "64", Out.BLOCKED),
        ("0x20", "64", Out.BLOCKED),
        ("512", "64", Out.EXITED),  # dead, before
        ("0x400", "64", Out.EXITED),
        ("130", "64", Out.EXITED),
        ("1024", "512", Out.BLOCKED),  # parked, 3.9 to 4.1
        ("512", "512", Out.PREEMPTED),
        ("4096", "0x1000", Out.PREEMPTED),
        ("4096", "0x402", Out.BLOCKED | 8),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_number_of_a_state_is_of_the_kernel_that_the_file_shows(shown, state, out, is_first):
    shows = [switch(t, *tasks, shown).replace(" ==>", "") for t, tasks in ((20, (A, B)), (2000, (B, A)))]
    asked = switch(1000, B, IDLE, state).replace(" ==>", "")
    back = switch(1500, IDLE, B, "0").replace(" ==>", "")
    recording = read(*([shows[0], asked, back, shows[1]] if is_first else [asked, back, shows[1]]))
    events = recording.events
    at_ns = 980 if is_first else 0
    [detail] = events["detail"][(events["kind"] == 2) & (events["time_ns"] == at_ns) & (events["task"] == -1)]
    assert detail == out


def test_a_wakeup_without_success_woke_nobody():
    failed = wake(100, B, A, "wakeup").replace(" target_cpu", " success=0 target_cpu")
    recording = read(switch(0, A, B), failed, wake(150, B, A, "wakeup"), switch(200, B, A))
    assert runs_of(recording, A)["ready_ns"].tolist() == [-1, 150]


def test_process_ids_in_front_are_noticed_and_not_used():
    # perf script -F comm,pid,cpu,...: thread 102 of process 101 runs, and the line says 101
    thread = ("a", 102)
    lines = (
        switch(0, A, thread),
        runtime(50, thread, 50),
        switch(90, thread, A),
        switch(120, A, thread),
        runtime(170, thread, 50),
    )
    recording = read(*(re.sub(r"\d+/\d+ +\[", "101 [", line) for line in lines), switch(200, thread, IDLE))
    assert any("process" in warning and "line 3" in warning for warning in recording.warnings)
    assert [(run["start_ns"], run["end_ns"]) for run in runs_of(recording, thread)][-1] == (120, 200)


@pytest.mark.parametrize("name", ["hog", "hog1", "audio mix", "kworker/0:1", "hog1.n-x"])
def test_a_name_alone_in_front_will_do(name):
    # perf script -F comm,cpu,time,event,trace: who runs is the task that was switched in
    task = (name, 77)
    lines = switch(0, IDLE, task), wake(50, task, B), switch(100, task, B), switch(150, B, IDLE)
    recording = read(*(re.sub(r" +\d+/\d+ +\[", " [", line) for line in lines))
    assert (recording.nr_switches, recording.inferred_switch_ins, recording.warnings) == (3, 0, [])
    assert recording.wakeups()["context"].tolist() == [row(recording, task)]


def test_a_task_already_reaped_has_no_number_in_front():
    line = re.sub(r"b +102/102 ", ":-1    -1 ", switch(30, B, A, "X"))
    recording = read(switch(0, A, B), line)
    assert ":-1" in line and [task.pid for task in recording.tasks] == [101, 102]


def test_stacks_and_other_records_are_passed_over_silently():
    between = [
        "\tffffffff8109a4fb schedule+0x4b ([kernel.kallsyms])",
        "            7f3b2c1a0e07 [unknown] (/usr/lib/libc.so.6)",
        "",
        " => schedule_timeout",
        ftrace(1, A, "<stack trace>"),
        "     hog  101/101   [000]  1808.000000002: PERF_RECORD_COMM: hog:101/101",
        "version = 7",
        "cpus=2",
        "CPU 1 is empty",
    ]
    recording = read(switch(0, A, B), *between, switch(9000, B, A))
    assert (recording.warnings, recording.nr_switches) == ([], 2)


@pytest.mark.parametrize(
    ("line", "nr"),
    [
        ("CPU:0 [LOST 123 EVENTS]", 123),
        ("CPU:0 [LOST EVENTS]", 0),
        ("CPU:0 [123 EVENTS DROPPED]", 123),
        ("      hog  101/101   [000]  1808.000000002: PERF_RECORD_LOST lost 123", 123),
        ("      hog  101/101   [000]  1808.000000002: PERF_RECORD_LOST_SAMPLES lost 123", 123),
        ("Processed 27000 events and lost 5 chunks!", 0),
    ],
)
def test_lost_events_are_said_with_line_and_number(line, nr):
    recording = read(switch(0, A, B), line, switch(9000, B, A))
    assert recording.nr_switches == 2
    assert "lost events" in recording.warnings[0] and "line 2" in recording.warnings[0]
    assert any(warning.startswith("123 events are lost") for warning in recording.warnings) == (nr == 123)


def test_what_happened_while_events_were_lost_is_inferred():
    lost = "CPU:0 [LOST 7 EVENTS]"
    recording = read(switch(0, IDLE, A), lost, runtime(5000, B, 2000), switch(6000, B, IDLE))
    assert [(run["start_ns"], run["end_ns"]) for run in runs_of(recording, B)] == [(3000, 6000)]
    assert recording.tasks[row(recording, B)].pid == 102


def test_an_overwritten_buffer_is_said():
    line = "# entries-in-buffer/entries-written: 140080/250280   #P:4"
    assert "oldest 110200 events" in read(line, switch(0, A, B)).warnings[0]


def test_a_buffer_that_was_large_enough_is_not():
    assert read("# entries-in-buffer/entries-written: 8202/8202   #P:2", switch(0, A, B)).warnings == []


def test_lines_without_a_cpu_are_refused_with_what_to_do():
    lines = [re.sub(r" \[000\] ", " ", line) for line in (switch(0, A, B), switch(9, B, A))]
    with pytest.raises(RecordingError, match="without a CPU .* line 1.*perf script --ns -F"):
        read(*lines)


def test_a_fork_of_an_old_kernel_has_its_parent():
    child = ("a b", 7)
    lines = (
        switch(0, IDLE, A),
        of_2_6_30(fork(50, A, child)),
        wake(60, A, child, "wakeup_new"),
        switch(70, A, child),
    )
    recording = read(*lines)
    assert recording.tasks[row(recording, child)].parent == row(recording, A)


def test_the_event_of_another_system_may_have_the_same_field_names():
    other = head(B, 0, 5) + "sched_ext:sched_ext_dump: line=x"
    assert read(switch(0, A, B), other, switch(9, B, A)).nr_switches == 2
