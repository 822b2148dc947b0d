"""Ftrace text: read back by `Recording.open` it is the same result; and what the lines say, by hand."""

import gzip
import re

import numpy as np
import pytest

from cfs import Recording, Result, Workload
from cfs.reports import _ftrace, ftrace_lines, write_ftrace
from cfs.reports.events import TRACED_DTYPE, events_of, unique_pids
from cfs.result import NOBODY, RUN_DTYPE, SLEEP_DTYPE, WAKEUP_DTYPE, Out, Ready, Slept, WokenBy
from tests.quick import few

MS = 10**6
EXAMPLES = few(["nice-hogs-small", "fork-heavy", "kbuild-shell-1cpu"], 1)


def rows(result, waits=True):
    """What happened, whoever numbers the tasks. A run whose end is not known is written as one of no length."""
    names = ("start_ns", "end_ns", "cpu", "out") + (("ready_ns", "ready") if waits else ())
    runs = result.runs.copy()
    runs["out"][runs["out"] == Out.UNKNOWN] = Out.BLOCKED
    columns = [runs[name].tolist() for name in names] + [result.pids[runs["task"]].tolist()]
    return sorted(zip(*columns))


def read_back(result, path):
    write_ftrace(result, path)
    return Recording.open(path)


@pytest.mark.parametrize("model", ["linux-2.6.24-cfs", "linux-6.18-eevdf", "linux-2.6.22-o1"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_read_back_it_is_the_same_result(tmp_path, name, model):
    recording = Recording.open(f"examples/recordings/{name}.perf-script.txt.gz")
    result = recording.workload(recording.cpus).run(model, hz=250)
    back = read_back(result, tmp_path / "back.txt").result(None)
    assert rows(back) == rows(result)
    assert back.duration_ns == result.duration_ns
    assert back.context_switches == result.context_switches


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_was_recorded_has_the_same_runs(tmp_path, name):
    recorded = Recording.open(f"examples/recordings/{name}.perf-script.txt.gz").result(None)
    back = read_back(recorded, tmp_path / "back.txt").result(None)
    assert rows(back, waits=False) == rows(recorded, waits=False)
    assert found_in(back) == found_in(recorded) != []


def found_in(result):
    runs = result.runs[result.runs["ready"] == Ready.FOUND]
    return sorted(zip(runs["cpu"].tolist(), runs["start_ns"].tolist(), result.pids[runs["task"]].tolist()))


FOUND_AT = {
    "both at the start": ((0, 0), ["a-11 [000]", "b-12 [001]"]),
    "one CPU is first seen later": ((0, 4), ["a-11 [000]", "b-12 [001]"]),
    "a text begins at 0": ((3, 4), ["<idle>-0 [000]", "b-12 [001]"]),
}


@pytest.mark.parametrize("case", FOUND_AT)
def test_w4_a_task_found_running_heads_the_first_line_of_its_cpu(tmp_path, case):
    starts, heads = FOUND_AT[case]
    runs = [(task, at_ns, 10, Out.BLOCKED, Ready.FOUND, -1) for task, at_ns in enumerate(starts)]
    result = by_hand(*runs, cpus=(0, 1))
    result.runs["cpu"] = 0, 1
    lines = lines_of(result)
    first = [next(line for line in lines if f"[{cpu:03}]" in line) for cpu in (0, 1)]
    assert [line.split(" d..2.")[0] for line in first] == heads
    assert [line for line in lines if "next_comm=b" in line] == []
    back = read_back(result, tmp_path / "back.txt").result(None)
    assert rows(back, waits=False) == rows(result, waits=False)
    assert found_in(back) == [(cpu, at, 11 + cpu) for cpu, at in enumerate(starts) if heads[cpu][0] != "<"]


def test_w4_a_cpu_that_says_something_earlier_switches_to_the_task_found():
    runs = (0, 8, 10, Out.UNKNOWN, Ready.FOUND, -1), (1, 20, 30, Out.BLOCKED, Ready.WAKEUP, 5)
    result = by_hand(*runs, cpus=(0, 1))
    assert lines_of(result)[0].startswith("<idle>-0 [000] d..2. 0.000000000")
    assert sum("next_comm=a" in line for line in lines_of(result)) == 1
    assert sum("prev_comm=a" in line and "prev_state=S" in line for line in lines_of(result)) == 1


def test_nothing_is_strange_in_it_and_the_cpus_are_all_there(tmp_path):
    programs = {"a b": [("run", MS), ("sleep", MS)] * 3, "c]d": [("run", 2 * MS)]}
    work = Workload.of_programs(programs, duration_ns=9 * MS)
    work.tasks["cpu"] = 2
    result = work.run()
    result.cpus = [0, 2]
    back = read_back(result, tmp_path / "back.txt")
    assert (back.kind, back.warnings, back.cpus, back.inferred_switch_ins) == ("ftrace", [], [0, 2], 0)
    assert sorted(task.comm for task in back.tasks) == ["a b", "c]d"]


def by_hand(*runs, names=("a", "b"), pids=(11, 12), nice=(0, 5), cpus=(0,), duration_ns=100, wakeups=()):
    table = np.zeros(len(runs), RUN_DTYPE)
    for row, (task, start, end, out, ready, ready_ns) in zip(table, runs):
        row["task"], row["start_ns"], row["end_ns"], row["out"] = task, start, end, out
        row["ready"], row["ready_ns"] = ready, ready_ns
    groups = ["/"] * len(names)
    arrays = np.array(pids), np.array(nice)
    woken = np.array(list(wakeups), WAKEUP_DTYPE)
    return Result("by hand", table, duration_ns, *arrays, list(names), groups, list(cpus), 0, wakeups=woken)


def lines_of(result):
    text = "".join(ftrace_lines(result))
    return [re.sub(" +", " ", line).strip() for line in text.splitlines() if not line.startswith("#")]


def test_the_lines_of_two_tasks_that_follow_each_other():
    result = by_hand(
        (0, 10, 20, Out.BLOCKED, Ready.FORK, 5),
        (1, 20, 30, Out.EXITED, Ready.WAKEUP, 15),
        wakeups=[(15, 1, 0, 1, 0, WokenBy.TASK, Slept.INTERRUPTIBLE)],
    )
    assert lines_of(result) == [
        "<idle>-0 [000] d..2. 0.000000000: sched_wake_idle_without_ipi: cpu=0",
        "<idle>-0 [000] d..4. 0.000000005: sched_process_fork: comm=swapper/0 pid=0 "
        "child_comm=a child_pid=11",
        "<idle>-0 [000] d..4. 0.000000005: sched_wakeup_new: comm=a pid=11 prio=120 target_cpu=000",
        "<idle>-0 [000] d..2. 0.000000010: sched_switch: prev_comm=swapper/0 prev_pid=0 "
        "prev_prio=120 prev_state=R ==> next_comm=a next_pid=11 next_prio=120",
        "a-11 [000] d..4. 0.000000015: sched_waking: comm=b pid=12 prio=125 target_cpu=000",
        "a-11 [000] d..4. 0.000000015: sched_wakeup: comm=b pid=12 prio=125 target_cpu=000",
        "a-11 [000] d..2. 0.000000020: sched_switch: prev_comm=a prev_pid=11 prev_prio=120 prev_state=S "
        "==> next_comm=b next_pid=12 next_prio=125",
        "b-12 [000] d..2. 0.000000030: sched_switch: prev_comm=b prev_pid=12 prev_prio=125 prev_state=X "
        "==> next_comm=swapper/0 next_pid=0 next_prio=120",
        "<idle>-0 [000] d..2. 0.000000100: sched_wake_idle_without_ipi: cpu=0",
    ]


@pytest.mark.parametrize(
    ("cause", "waker", "flags"),
    [
        (WokenBy.TASK, 0, "d..4."),
        (WokenBy.TASK, NOBODY, "d.s4."),  # by a task that is not in the result
        (WokenBy.TASK, 1, "d.s4."),  # by one that does not run there (E3)
        (WokenBy.TIMER, NOBODY, "d.h4."),
        (WokenBy.OUTSIDE, NOBODY, "d.s4."),
        (None, NOBODY, "d.s4."),  # not known (E4)
    ],
)
def test_w3_a_wakeup_is_in_the_context_of_whoever_did_it(cause, waker, flags):
    """E3, E4 of cfs/reports/events.py."""
    known = [] if cause is None else [(15, 1, waker, 1, 0, cause, Slept.INTERRUPTIBLE)]
    runs = (0, 10, 20, Out.BLOCKED, Ready.FORK, 5), (1, 20, 30, Out.EXITED, Ready.WAKEUP, 15)
    wakings = [line for line in lines_of(by_hand(*runs, wakeups=known)) if "sched_waking" in line]
    assert [line.split()[:3] for line in wakings] == [["a-11", "[000]", flags]]


def test_a_wakeup_on_another_cpu_is_raised_on_that_of_its_waker_and_a_fork_too():
    runs = (0, 10, 20, Out.BLOCKED, Ready.FORK, 5), (1, 16, 30, Out.EXITED, Ready.WAKEUP, 15)
    woken = (15, 1, 0, 1, 0, WokenBy.TASK, Slept.INTERRUPTIBLE)
    result = by_hand(*runs, (2, 40, 50, Out.EXITED, Ready.FORK, 17), names="abc", pids=(1, 2, 3), nice=(0, 0, 0),
                     cpus=(0, 1), wakeups=[woken, (17, 2, 0, 2, 0, WokenBy.FORK, 0)])  # fmt: skip
    result.runs["cpu"] = 0, 1, 1
    lines = [line.split(" ", 4) for line in lines_of(result) if "target_cpu=001" in line or "child_comm=c" in line]
    assert [(head, cpu, what.split(":")[0]) for head, cpu, _, _, what in lines] == [
        ("a-1", "[000]", "sched_waking"),
        ("a-1", "[000]", "sched_wakeup"),
        ("a-1", "[000]", "sched_process_fork"),
        ("a-1", "[000]", "sched_wakeup_new"),
    ]


def test_a_wakeup_that_came_before_the_block_has_its_halves_on_both_sides_of_it():
    result = by_hand(
        (0, 10, 20, Out.BLOCKED, Ready.FORK, 5),
        (0, 30, 40, Out.EXITED, Ready.WAKEUP, 25),
        wakeups=[(15, 0, NOBODY, 1, 0, WokenBy.TIMER, Slept.NOT_YET)],
    )
    found = [re.search(r"\.0*(\d+): sched_(waking|wakeup|switch):", line) for line in lines_of(result)]
    assert [match.groups() for match in found if match][1:] == [
        ("15", "waking"), ("20", "switch"), ("25", "wakeup"), ("30", "switch"), ("40", "switch"),
    ]  # fmt: skip


@pytest.mark.parametrize(("slept", "letter"), [(Slept.INTERRUPTIBLE, "S"), (Slept.UNINTERRUPTIBLE, "D"), (Slept.IDLE, "I")])
def test_how_a_task_slept_is_the_state_of_its_switch_out(slept, letter):
    result = by_hand(
        (0, 10, 20, Out.BLOCKED, Ready.FORK, 5),
        (0, 30, 40, Out.BLOCKED, Ready.WAKEUP, 25),
        wakeups=[(25, 0, NOBODY, 1, 0, WokenBy.OUTSIDE, slept)],
    )
    states = re.findall(r"prev_pid=11 prev_prio=120 prev_state=(\w)", "\n".join(lines_of(result)))
    assert states == [letter, "S"]


@pytest.mark.parametrize(("slept", "letter"), [(Slept.UNINTERRUPTIBLE, "D"), (Slept.IDLE, "I")])
def test_a_sleep_that_nobody_was_seen_to_end_has_its_state(tmp_path, slept, letter):
    result = by_hand((0, 10, 20, Out.BLOCKED, Ready.FORK, 5), (1, 20, 30, Out.BLOCKED, Ready.FORK, 5))
    result.sleeps = np.array([(20, 0, slept), (30, 0, slept)], SLEEP_DTYPE)
    states = re.findall(r"prev_pid=1[12] prev_prio=\d+ prev_state=(\w)", "\n".join(lines_of(result)))
    assert states == [letter, "S"]
    assert read_back(result, tmp_path / "back.txt").result(None).sleeps["slept"].tolist() == [slept]


def test_a_task_that_is_woken_in_the_instant_in_which_it_blocks_has_left_before():
    result = by_hand(
        (0, 10, 20, Out.BLOCKED, Ready.FORK, 10),
        (0, 20, 20, Out.BLOCKED, Ready.WAKEUP, 20),
        (0, 20, 30, Out.EXITED, Ready.WAKEUP, 20),
    )
    kinds = events_of(result)[["kind", "prev", "task"]].tolist()
    once = [(1, -1, 0), (0, -1, 0), (0, 0, -1)]  # woken, in, out
    assert kinds == [(2, -1, 0), (0, -1, 0), (0, 0, -1), *once, *once]


def test_a_preempted_task_needs_no_wakeup():
    result = by_hand(
        (0, 0, 10, Out.PREEMPTED, Ready.FORK, 0),
        (1, 10, 20, Out.BLOCKED, Ready.FORK, 0),
        (0, 20, 100, Out.RUNNING, Ready.PREEMPTED, 10),
    )
    events = events_of(result)
    assert events["kind"].tolist().count(1) == 0
    assert events["out"][events["prev"] == 0].tolist() == [Out.PREEMPTED]


def test_pids_that_two_tasks_have_at_once_are_told_apart_and_reuse_after_an_exit_stays():
    result = by_hand(
        (0, 0, 10, Out.EXITED, Ready.FORK, 0),
        (1, 20, 30, Out.BLOCKED, Ready.FORK, 15),
        (2, 40, 50, Out.BLOCKED, Ready.FORK, 35),
        (3, 60, 70, Out.BLOCKED, Ready.FORK, 55),
        names="abcd", pids=(7, 7, 7, 0), nice=(0, 0, 0, 0),
    )  # fmt: skip
    assert unique_pids(result, events_of(result)).tolist() == [7, 7, 8, 9]


def test_a_name_stays_on_its_line(tmp_path):
    result = by_hand((0, 0, 10, Out.EXITED, Ready.FORK, 0), names=["x\ny\x1b", "b\udcff"])
    back = read_back(result, tmp_path / "back.txt")
    assert back.warnings == []
    assert [task.comm for task in back.tasks] == ["x?y?"]


def test_gz_is_packed_and_the_same_twice(tmp_path):
    result = by_hand((0, 0, 10, Out.EXITED, Ready.FORK, 0))
    for name in ("1.gz", "2.gz", "plain.txt"):
        write_ftrace(result, tmp_path / name)
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()
    assert gzip.decompress((tmp_path / "1.gz").read_bytes()) == (tmp_path / "plain.txt").read_bytes()


def test_an_event_in_python_is_the_struct_in_c():
    fields, size = _ftrace.event_layout()
    of_python = [(name, TRACED_DTYPE.fields[name][1], TRACED_DTYPE[name].itemsize) for name in TRACED_DTYPE.names]
    assert (fields, size) == (of_python, TRACED_DTYPE.itemsize)


def test_i1_of_ftrace_a_line_has_room_whatever_its_pieces():
    """I1 of cfs/reports/_ftrace.pyx."""
    long = "n" * 9000
    programs = {long: [("run", 1000), ("sleep", 1000)] * 3, "short": [("run", 5000)]}
    result = Workload.of_programs(programs, duration_ns=20_000).run()
    text = "".join(ftrace_lines(result))
    assert text.count(f"next_comm={long} ") == (result.runs["task"] == 0).sum() > 2
    assert all(len(line) < 4 * len(long) for line in text.splitlines())
