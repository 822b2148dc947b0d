"""The pitfalls of real recordings, each with its tests: where they are, and those that stand nowhere else.

The recordings of this repository come with a list of fifteen things in which a reader goes wrong.
`PITFALLS` has them in the order of that list.
"""

import importlib

import pytest

from .lines import A, B, C, IDLE, fork, head, program, read, row, runs_of, runtime, switch, wake

PITFALLS = {
    1: (
        "switches that no line tells: an event in the context of a task that nobody switched in",
        "test_scan:test_the_first_runtime_tells_when_an_unrecorded_switch_in_was",
        "test_scan:test_another_event_in_the_context_of_a_task_shows_a_switch_in_at_its_time",
        "test_scan:test_prev_pid_shows_a_switch_in",
        "test_scan:test_a_run_whose_end_is_not_recorded_has_no_length",
        "test_real_recordings:test_totals",
    ),
    2: (
        "names with blanks, slashes, colons, dashes",
        "test_scan:test_a_name_may_hold_anything",
        "test_scan:test_a_name_may_look_like_a_field_of_another_key",
        "test_scan:test_ftrace_splits_the_task_at_the_last_dash",
        "test_formats_of_other_tools:test_a_name_between_colons_may_hold_anything",
    ),
    3: (
        "the name in front is another one than in the fields",
        "test_scan:test_fields_are_trusted_rather_than_the_name_in_front",
        "test_scan:test_the_idle_task_is_none",
    ),
    4: (
        "a task changes its name, and no event says so",
        "test_scan:test_a_task_changes_its_name",
        "test_real_recordings:test_names_and_parents",
    ),
    5: (
        "prev_state: R and R+ are both runnable, X and Z both ended, and kernels differ",
        "test_scan:test_prev_state_says_how_a_run_ended",
        "test_formats_of_other_tools:test_states_of_other_kernels",
        "test_formats_of_other_tools:test_states_as_numbers",
        "test_known_misreadings:test_the_state_of_the_idle_task_says_nothing",
    ),
    6: (
        "exited tasks: no number in front; they go on after sched_process_exit",
        "test_scan:test_a_context_without_a_pid_is_that_of_the_running_task",
        "test_formats_of_other_tools:test_a_task_already_reaped_has_no_number_in_front",
        "test_known_misreadings:test_a_task_goes_on_after_its_exit_event",
    ),
    7: (
        "wakeups that wake nobody, and two events of one wakeup",
        "test_scan:test_the_wakeup_of_a_running_task_starts_no_wait",
        "test_scan:test_a_wait_begins_with_sched_wakeup_if_the_block_came_between",
        "test_scan:test_sched_waking_alone_is_a_wakeup",
        "test_scan:test_sched_wakeup_alone_is_a_wakeup",
        "test_formats_of_other_tools:test_sched_wakeup_alone_gives_the_waits_counted_from_it",
        "test_programs:test_a_wakeup_before_the_block_is_counted",
        "test_real_recordings:test_waits",
    ),
    8: (
        "the beginning: who runs, waits or sleeps is known at the first event only",
        "test_scan:test_a_task_found_running_has_a_run_from_the_first_event_of_its_cpu",
        "test_scan:test_the_first_wait_of_a_task_begins_with_its_wakeup",
        "test_programs:test_a_task_seen_running_starts_at_once",
        "test_programs:test_a_task_never_woken_was_runnable_from_the_start",
        "test_programs:test_a_task_woken_first_starts_then",
    ),
    9: (
        "forks: two events in the parent's context, the child has its name; vfork blocks in D",
        "test_scan:test_a_new_task_waits_from_sched_wakeup_new",
        "test_scan:test_a_new_task_has_a_parent",
        "test_programs:test_a_fork_is_an_operation_of_the_parent",
        "test_known_misreadings:test_vfork_is_a_wait_for_the_child",
        "test_known_misreadings:test_a_child_may_begin_on_another_cpu",
    ),
    10: (
        "priorities: nice + 120, real-time below 100, changes in mid-trace; nothing of groups",
        "test_scan:test_prio_is_the_last_and_prio_first_the_first",
        "test_programs:test_a_change_of_priority_is_a_nice_operation",
        "test_programs:test_a_real_time_task_is_taken_as_nice_minus_20_and_said_once",
        ".workload.test_assignments:test_groups_that_are_told_get_what_they_got",
    ),
    11: (
        "sched_stat_runtime: many a run, and from other CPUs",
        "test_known_misreadings:test_runtime_of_another_task_says_nothing_of_this_cpu",
        "test_known_misreadings:test_many_runtimes_make_one_run",
    ),
    12: (
        "time: 6 or 9 digits, not from 0, equal neighbours",
        "test_scan:test_a_time_of_six_digits_is_in_us",
        "test_scan:test_a_run_lasts_from_switch_to_switch",
        "test_known_misreadings:test_lines_of_the_same_time_keep_their_order",
    ),
    13: (
        "migrations: before the wakeup, while waiting, by pinning",
        "test_known_misreadings:test_a_migration_between_the_halves_of_a_wakeup_changes_nothing",
        "test_known_misreadings:test_a_task_that_migrates_while_it_waits_waits_on",
        "test_programs:test_time_on_other_cpus_is_sleep",
    ),
    14: (
        "other tasks: kept as load, or left out by name or CPU",
        "test_programs:test_tasks_are_chosen_by_name",
        "test_programs:test_a_task_that_never_ran_there_is_dropped",
        "test_programs:test_a_wakeup_by_a_task_left_out_is_from_outside",
    ),
    15: (
        "a short block in D at exec: a page from disk",
        "test_known_misreadings:test_a_page_from_disk_is_no_work_of_whoever_runs_then",
    ),
}


def test_the_list_is_whole():
    assert sorted(PITFALLS) == list(range(1, 16))


@pytest.mark.parametrize("number", PITFALLS)
def test_every_pitfall_has_its_tests(number):
    _, *tests = PITFALLS[number]
    assert tests
    for test in tests:
        module, name = test.split(":")
        assert callable(getattr(importlib.import_module(f".{module}", __package__), name)), test


def exit_event(t, task):
    return (
        head(task, 0, t) + f"sched:sched_process_exit: comm={task[0]} pid={task[1]} prio=120 group_dead=true"
    )


def migrate(t, context, task, orig, dest, cpu=0):
    fields = f"comm={task[0]} pid={task[1]} prio=120 orig_cpu={orig} dest_cpu={dest}"
    return head(context, cpu, t) + "sched:sched_migrate_task: " + fields


def test_the_state_of_the_idle_task_says_nothing():
    recording = read(switch(0, IDLE, A), switch(100, A, IDLE), switch(150, IDLE, A, "R"))
    assert recording.busy_ns().tolist() == [100]


def test_a_task_goes_on_after_its_exit_event():
    lines = (
        switch(0, IDLE, B),
        wake(5, B, A),
        switch(10, B, A),
        exit_event(40, A),
        switch(60, A, C, "R+"),
        switch(80, C, A),
        wake(90, A, B),
        switch(100, A, B, "X"),
    )
    recording = read(*lines)
    assert [(run["start_ns"], run["end_ns"]) for run in runs_of(recording, A)] == [(10, 60), (80, 100)]
    assert program(recording.workload(0), A) == [("RUN", 60), ("WAKE", 102), ("RUN", 10), ("EXIT", 0)]


def test_vfork_is_a_wait_for_the_child():
    child = ("sh", 7)
    lines = (
        switch(0, IDLE, A),
        fork(40, A, child),
        wake(50, A, child, "wakeup_new"),
        switch(80, A, child, "D"),
        wake(200, child, A),
        switch(230, child, A, "Z"),
        switch(300, A, IDLE, "Z"),
    )
    workload = read(*lines).workload(0)
    assert program(workload, A) == [
        ("RUN", 50),
        ("FORK", 7),
        ("RUN", 30),
        ("WAIT", 0),
        ("RUN", 70),
        ("EXIT", 0),
    ]
    assert program(workload, child) == [("RUN", 120), ("WAKE", 101), ("RUN", 30), ("EXIT", 0)]


def test_a_child_may_begin_on_another_cpu():
    child, idle1 = ("a", 7), ("swapper/1", 0)
    lines = (
        switch(0, IDLE, A),
        fork(40, A, child),
        wake(50, A, child, "wakeup_new", target_cpu=1),
        switch(70, idle1, child, cpu=1),
        switch(90, child, idle1, "Z", cpu=1),
        switch(99, A, IDLE, "Z"),
    )
    recording = read(*lines)
    [run] = runs_of(recording, child)
    assert (run["cpu"], run["ready_ns"], run["start_ns"]) == (1, 50, 70)
    assert recording.workload(None).tasks["start_ns"].tolist() == [0, -1]


def test_runtime_of_another_task_says_nothing_of_this_cpu():
    recording = read(switch(0, IDLE, A), runtime(50, A, 40, of=B), switch(100, A, IDLE))
    assert recording.inferred_switch_ins == 0 and recording.busy_ns().tolist() == [100, 0]


def test_many_runtimes_make_one_run():
    recording = read(
        switch(0, IDLE, A), *(runtime(t, A, 10) for t in range(10, 100, 10)), switch(100, A, IDLE)
    )
    assert [(run["start_ns"], run["end_ns"]) for run in recording.runs()] == [(0, 100)]


def test_lines_of_the_same_time_keep_their_order():
    recording = read(
        switch(0, IDLE, A), wake(50, A, B), switch(50, A, B), switch(50, B, A), switch(80, A, IDLE)
    )
    assert recording.warnings == []
    assert recording.runs()[["start_ns", "end_ns"]].tolist() == [(0, 50), (50, 50), (50, 80)]


@pytest.mark.parametrize("is_told", [True, False])
def test_a_migration_between_the_halves_of_a_wakeup_changes_nothing(is_told):
    idle1 = ("swapper/1", 0)
    lines = [
        switch(0, IDLE, A),
        switch(0, idle1, B, cpu=1),
        switch(100, A, IDLE),
        wake(200, B, A, cpu=1),
        migrate(210, B, A, 0, 1, cpu=1),
        wake(220, B, A, "wakeup", cpu=1, target_cpu=1),
        switch(300, B, A, "R", cpu=1),
    ]
    if not is_told:
        del lines[4]
    run = runs_of(read(*lines), A)[-1]
    assert (run["cpu"], run["ready_ns"], run["start_ns"]) == (1, 200, 300)


def test_a_task_that_migrates_while_it_waits_waits_on():
    idle1 = ("swapper/1", 0)
    lines = (
        switch(0, IDLE, A),
        switch(100, A, B, "R"),
        migrate(150, idle1, A, 0, 1, cpu=1),
        switch(170, idle1, A, cpu=1),
        switch(190, A, idle1, cpu=1),
    )
    run = runs_of(read(*lines), A)[-1]
    assert (run["cpu"], run["ready_ns"], run["start_ns"]) == (1, 100, 170)


def test_a_page_from_disk_is_no_work_of_whoever_runs_then():
    recording = read(
        switch(0, IDLE, A),
        switch(100, A, B, "D"),
        wake(200, B, A),
        switch(210, B, A, "R"),
        switch(300, A, B, "Z"),
    )
    ops = program(recording.workload(0), A)
    assert ops == [("RUN", 100), ("SLEEP", 100), ("RUN", 90), ("EXIT", 0)]
    assert row(recording, A) == 0
