"""What a line says, and every pitfall of the format; expected values are computed by hand."""

import io

import pytest

from cfs.recordings import Recording
from cfs.result import Out, Ready

from .lines import A, B, IDLE, T0, fork, ftrace, head, read, row, runs_of, runtime, switch, text, wake


def names(recording):
    return {task.pid: task.comm for task in recording.tasks}


# ---- names and fields


@pytest.mark.parametrize(
    "name",
    ["audio mix", "kworker/u8:1-ev", "hog1.n-5", "a pid=7 b", "x [000] y", "==> odd", "comm=prev_comm=", ""],
)
def test_a_name_may_hold_anything(name):
    odd = (name, 77)
    recording = read(switch(0, A, odd), switch(10, odd, B))
    assert names(recording) == {101: "a", 77: name, 102: "b"}


def test_a_name_may_look_like_a_field_of_another_key():
    odd = ("n prev_pid=9", 77)
    recording = read(switch(0, A, odd), switch(10, odd, B))
    assert [task.pid for task in recording.tasks] == [101, 77, 102]


def test_fields_are_trusted_rather_than_the_name_in_front():
    recording = read(switch(0, A, B).replace("               a", " something else"))
    assert names(recording)[101] == "a"


def test_a_task_changes_its_name():
    recording = read(switch(0, A, ("sh", 7)), runtime(5, ("sh", 7), 5), switch(9, ("true", 7), A))
    task = recording.tasks[row(recording, ("", 7))]
    assert (task.comm, task.comms) == ("true", ("sh", "true"))


def test_bytes_that_are_no_utf8_survive():
    line = text(switch(0, A, B)).replace(b"next_comm=b", b"next_comm=\xff\x00b")
    recording = Recording.open(io.BytesIO(line))
    assert recording.tasks[1].comm.encode("utf-8", "surrogateescape") == b"\xff\x00b"


def test_windows_line_ends_are_accepted():
    recording = read(switch(0, A, B) + "\r", switch(9, B, A) + "\r")
    assert (recording.nr_switches, recording.warnings) == (2, [])


def test_a_time_of_six_digits_is_in_us():
    line = switch(0, A, B).replace("1808.000000000", "1808.000001")
    assert read(line).start_ns == 1808_000001000


def test_the_last_line_needs_no_end():
    assert Recording.open(io.BytesIO(text(switch(0, A, B))[:-1])).nr_switches == 1


def test_a_header_with_the_tid_alone_is_read():
    recording = read(switch(0, A, B).replace("101/101", "101"), switch(9, B, A))
    assert recording.nr_switches == 2


def test_events_that_are_not_the_schedulers_are_passed_over_silently():
    recording = read(switch(0, A, B), head(B, 0, 5) + "irq:irq_handler_entry: irq=1 name=x", switch(9, B, A))
    assert recording.warnings == []


# ---- switches


@pytest.mark.parametrize(
    ("state", "out"),
    [
        ("R", Out.PREEMPTED),
        ("R+", Out.PREEMPTED),
        ("S", Out.BLOCKED),
        ("D", Out.BLOCKED),
        ("I", Out.BLOCKED),
        ("T", Out.BLOCKED),
        ("S|W", Out.BLOCKED),
        ("X", Out.EXITED),
        ("Z", Out.EXITED),
    ],
)
def test_prev_state_says_how_a_run_ended(state, out):
    recording = read(switch(0, IDLE, A), switch(100, A, IDLE, state))
    assert runs_of(recording, A)["out"].tolist() == [out]


def test_a_run_lasts_from_switch_to_switch():
    recording = read(switch(40, IDLE, A), switch(100, A, B), switch(250, B, IDLE))
    assert recording.start_ns == T0 + 40
    assert [(r["start_ns"], r["end_ns"]) for r in recording.runs()] == [(0, 60), (60, 210)]


def test_a_run_that_goes_on_ends_with_the_recording():
    recording = read(switch(0, IDLE, A), runtime(70, A, 70))
    [run] = runs_of(recording, A)
    assert (run["end_ns"], run["out"]) == (70, Out.RUNNING)


def test_the_idle_task_is_none():
    recording = read(switch(0, A, IDLE), switch(9, IDLE, A))
    assert names(recording) == {101: "a"}


def test_recorded_switches_are_counted_idle_ones_too():
    assert read(switch(0, A, IDLE), switch(9, IDLE, A)).nr_switches == 2


def test_a_task_found_running_has_a_run_from_the_first_event_of_its_cpu():
    recording = read(runtime(0, A, 5000), switch(10, A, B), switch(30, B, A), switch(70, A, B))
    assert [(r["start_ns"], r["end_ns"]) for r in runs_of(recording, A)] == [(0, 10), (30, 70)]
    assert runs_of(recording, A)["ready"].tolist() == [Ready.FOUND, Ready.UNKNOWN]


def test_runs_of_one_cpu():
    recording = read(switch(0, IDLE, A), switch(1, ("swapper/1", 0), B, cpu=1), switch(9, A, IDLE))
    assert recording.runs(1)["task"].tolist() == [row(recording, B)]


# ---- switches that were not recorded


def test_the_first_runtime_tells_when_an_unrecorded_switch_in_was():
    recording = read(switch(0, A, IDLE), runtime(1000, B, 300), switch(1100, B, IDLE))
    [run] = runs_of(recording, B)
    assert (run["start_ns"], run["end_ns"]) == (700, 1100)


def test_an_unrecorded_switch_in_is_not_before_the_last_line_of_the_cpu():
    recording = read(switch(0, A, IDLE), runtime(1000, B, 5000), switch(1100, B, IDLE))
    assert runs_of(recording, B)["start_ns"].tolist() == [0]


def test_another_event_in_the_context_of_a_task_shows_a_switch_in_at_its_time():
    recording = read(switch(0, A, IDLE), wake(600, B, A), runtime(1000, B, 900), switch(1100, B, IDLE))
    assert runs_of(recording, B)["start_ns"].tolist() == [600]


def test_prev_pid_shows_a_switch_in():
    recording = read(switch(0, A, IDLE), switch(1100, B, A))
    assert runs_of(recording, B)["end_ns"].tolist() == [1100]


def test_inferred_switches_in_are_counted():
    recording = read(switch(0, A, IDLE), runtime(1000, B, 300), switch(1100, B, IDLE))
    assert recording.inferred_switch_ins == 1


def test_the_wait_before_an_inferred_switch_in_is_not_known():
    recording = read(switch(0, A, IDLE), wake(100, IDLE, A), runtime(1000, A, 300), switch(1100, A, IDLE))
    assert runs_of(recording, A)["ready"].tolist() == [Ready.FOUND, Ready.UNKNOWN]


def test_a_run_whose_end_is_not_recorded_has_no_length():
    recording = read(switch(0, IDLE, A), wake(500, IDLE, B), switch(600, IDLE, B))
    [run] = runs_of(recording, A)
    assert run["end_ns"] == run["start_ns"] and run["out"] == Out.UNKNOWN


def test_a_task_that_turns_up_on_another_cpu_has_left_the_first():
    recording = read(switch(0, IDLE, A), switch(50, ("swapper/1", 0), A, cpu=1), switch(80, A, B, cpu=1))
    assert [(r["cpu"], r["end_ns"]) for r in runs_of(recording, A)] == [(0, 0), (1, 80)]


def test_a_context_without_a_pid_is_that_of_the_running_task():
    unknown = switch(30, B, A, "X").replace("b   102/102", ":-1   102/-1 ")
    assert ":-1" in unknown
    recording = read(switch(0, A, B), unknown)
    assert (recording.nr_switches, recording.inferred_switch_ins) == (2, 0)


# ---- wakeups


def ready_of(*lines, task=A):
    run = runs_of(read(*lines), task)[-1]
    return int(run["ready_ns"]), Ready(run["ready"])


def test_a_wait_begins_with_sched_waking_if_the_task_slept():
    lines = switch(0, A, B), wake(100, B, A), wake(130, B, A, "wakeup"), switch(200, B, A)
    assert ready_of(*lines) == (100, Ready.WAKEUP)


def test_a_wait_begins_with_sched_wakeup_if_the_block_came_between():
    lines = (
        switch(0, A, B),
        wake(10, B, A),
        switch(20, B, A, "R"),
        wake(90, ("o", 9), A, cpu=1),
        switch(100, A, B),
        wake(130, ("o", 9), A, "wakeup", cpu=1),
        switch(200, B, A),
    )
    assert ready_of(*lines) == (130, Ready.WAKEUP)


def test_sched_waking_alone_is_a_wakeup():
    assert ready_of(switch(0, A, B), wake(100, B, A), switch(200, B, A)) == (100, Ready.WAKEUP)


def test_sched_wakeup_alone_is_a_wakeup():
    assert ready_of(switch(0, A, B), wake(100, B, A, "wakeup"), switch(200, B, A)) == (100, Ready.WAKEUP)


def test_sched_wakeup_of_older_kernels_with_success_is_read():
    line = wake(100, B, A, "wakeup").replace(" target_cpu", " success=1 target_cpu")
    assert ready_of(switch(0, A, B), line, switch(200, B, A)) == (100, Ready.WAKEUP)


def test_the_wakeup_of_a_running_task_starts_no_wait():
    lines = (
        switch(0, B, A),
        wake(50, ("o", 9), A, cpu=1),
        wake(51, ("o", 9), A, "wakeup", cpu=1),
        switch(100, A, B),
        wake(170, B, A),
        switch(200, B, A),
    )
    assert ready_of(*lines) == (170, Ready.WAKEUP)


def test_a_preempted_task_waits_from_the_switch_out():
    assert ready_of(switch(0, B, A), switch(80, A, B, "R"), switch(200, B, A)) == (80, Ready.PREEMPTED)


def test_the_first_wait_of_a_task_begins_with_its_wakeup():
    assert ready_of(switch(0, IDLE, B), wake(10, B, A), switch(30, B, A)) == (10, Ready.WAKEUP)


# ---- forks and ends


def forked(*more):
    return (switch(0, IDLE, A), fork(50, A, ("a", 7)), wake(60, A, ("a", 7), "wakeup_new"), *more)


def test_a_new_task_waits_from_sched_wakeup_new():
    recording = read(*forked(switch(100, A, ("a", 7))))
    [run] = runs_of(recording, ("", 7))
    assert (run["ready_ns"], run["ready"]) == (60, Ready.FORK)


def test_a_new_task_has_a_parent():
    recording = read(*forked(switch(100, A, ("a", 7))))
    assert recording.tasks[row(recording, ("", 7))].parent == row(recording, A)


def test_a_pid_may_be_used_again_after_the_end():
    first = forked(switch(70, A, ("a", 7)), switch(80, ("a", 7), A, "Z"))
    again = fork(150, A, ("n", 7)), wake(160, A, ("n", 7), "wakeup_new"), switch(170, A, ("n", 7))
    recording = read(*first, *again)
    assert [task.comm for task in recording.tasks if task.pid == 7] == ["a", "n"]


def test_prio_is_the_last_and_prio_first_the_first():
    recording = read(switch(0, IDLE, A, next_prio=120), switch(9, A, IDLE, prio=115))
    task = recording.tasks[0]
    assert (task.prio_first, task.prio, task.nice) == (120, 115, -5)


# ---- ftrace


SWITCH = (
    "sched_switch: prev_comm=a prev_pid=101 prev_prio=120 prev_state=S ==> "
    "next_comm=b-x c next_pid=9 next_prio=120"
)


def test_ftrace_is_recognised_and_read():
    recording = read("# tracer: nop", "#", ftrace(3, A, SWITCH))
    assert (recording.kind, recording.start_ns) == ("ftrace", T0 + 3000)
    assert names(recording) == {101: "a", 9: "b-x c"}


def test_ftrace_splits_the_task_at_the_last_dash():
    later = ftrace(5, ("b-x c", 9), "sched_stat_runtime: comm=b-x c pid=9 runtime=2 [ns]")
    assert read(ftrace(3, A, SWITCH), later).inferred_switch_ins == 0


def test_ftrace_with_thread_groups_is_read():
    line = ftrace(3, A, SWITCH).replace(" [000]", " (    101) [000]")
    assert read(line).nr_switches == 1


@pytest.mark.parametrize(
    ("flags", "irq"), [("d..4.", 1), ("dN.4", 1), ("d.h1.", 2), ("dNH2.", 2), ("d.s4.", 3)]
)
def test_ftrace_tells_interrupts(flags, irq):
    waking = ftrace(9, ("b-x c", 9), "sched_waking: comm=a pid=101 prio=120 target_cpu=000", flags=flags)
    assert read(ftrace(3, A, SWITCH), waking).wakeups()["irq"].tolist() == [irq]


def test_perf_does_not_tell_interrupts():
    assert read(switch(0, A, B), wake(9, B, A)).wakeups()["irq"].tolist() == [0]


# ---- what is left out


def test_a_line_that_cannot_be_understood_is_left_out_with_its_number():
    recording = read(switch(0, A, B), "garbage", switch(9, B, A))
    [warning] = recording.warnings
    assert "line 2" in warning and recording.nr_switches == 2


def test_a_switch_of_a_task_to_itself_is_left_out():
    recording = read(switch(0, A, B), switch(5, B, B), switch(9, B, A))
    assert "line 2" in recording.warnings[0] and recording.nr_switches == 2


def test_a_cut_line_is_left_out_with_its_number():
    recording = read(switch(0, A, B), switch(9, B, A)[:-20])
    [warning] = recording.warnings
    assert "line 2" in warning and recording.nr_switches == 1


@pytest.mark.parametrize("length", [5000, 1 << 20])
def test_a_long_line_is_left_out_with_its_number(length):
    recording = read(switch(0, A, B), "x" * length, switch(9, B, A))
    [warning] = recording.warnings
    assert "line 2" in warning and recording.nr_switches == 2


def test_a_line_from_the_past_is_left_out_with_its_number():
    lines = switch(5_000_000, A, B), switch(6_000_000, B, A), switch(0, A, B), switch(7_000_000, A, B)
    recording = read(*lines)
    [warning] = recording.warnings
    assert "line 3" in warning and recording.nr_switches == 3


def test_slight_disorder_is_taken_as_simultaneous():
    recording = read(switch(5000, A, B), switch(4000, B, A), switch(7000, A, B))
    [warning] = recording.warnings
    assert "line 2" in warning and recording.runs()["start_ns"].tolist() == [0, 0, 0, 2000]


def test_one_wrong_time_in_the_future_costs_one_line():
    recording = read(switch(0, A, B), switch(99 * 10**9, B, A), switch(2000, B, A), switch(3000, A, B))
    [warning] = recording.warnings
    assert "line 2" in warning and recording.duration_ns == 3000


def test_a_long_pause_is_believed():
    recording = read(switch(0, A, B), switch(99 * 10**9, B, A), switch(99 * 10**9 + 1000, A, B))
    assert (recording.warnings, recording.duration_ns) == ([], 99 * 10**9 + 1000)


def test_a_pause_longer_than_a_difference_of_32_bits_is_kept_in_runs():
    recording = read(switch(0, IDLE, A), switch(7 * 10**9, A, IDLE))
    assert runs_of(recording, A)["end_ns"].tolist() == [7 * 10**9]


def test_lost_events_are_reported():
    recording = read(ftrace(3, A, SWITCH), "CPU:0 [LOST 12 EVENTS]", ftrace(9, A, SWITCH))
    assert any("lost" in warning and "line 2" in warning for warning in recording.warnings)


# ---- tables


def test_the_event_table_in_the_open():
    recording = read(switch(0, IDLE, A), wake(30, A, B), switch(50, A, B))
    events = recording.events[["time_ns", "task", "context", "kind"]].tolist()
    assert events == [(0, -1, -2, 2), (0, 0, -1, 2), (30, 1, 0, 3), (50, 1, 0, 2)]


def test_an_inferred_switch_has_its_inferred_time_in_the_event_table():
    recording = read(switch(0, A, IDLE), runtime(1000, B, 300))
    assert recording.events["time_ns"].tolist()[-1] == 700


def test_repr_names_file_and_size():
    assert "2 switches" in repr(read(switch(0, A, B), switch(9, B, A)))
