"""Small recordings, each with one thing that is not known or is easily counted twice, and the right answer.

The answers are counted by hand from the lines of the files (tests/data/cases).
"""

from pathlib import Path

import numpy as np
import pytest

from cfs import Recording
from cfs.models.registry import all_models
from cfs.reports.comparison import compare
from cfs.reports.tables import tables
from cfs.result import Out, Ready
from tests.unit.cli.commands import run

from .lines import A, B, C, IDLE, read, runs_of, runtime, switch, wake

CASES = Path(__file__).parents[2] / "data" / "cases"
MS, S = 10**6, 10**9
IDLE1 = ("swapper/1", 0)


def both(name, cpu="lowest", until_ns=None, model="linux-2.6.24-cfs"):
    """The model's column and the recorded one, as `cfs replay` shows them, and the workload."""
    recording = Recording.open(CASES / f"{name}.txt")
    work = recording.workload(cpu)
    recorded = recording.result(workload=work)
    return work.run(model, until_ns=until_ns), recorded, work


def of(result, name):
    """CPU time of a task."""
    task = result.names.index(name)
    return int(result.run_ns[result.runs["task"] == task].sum())


def longest(result, name):
    """The longest wait of a task, None if no wait is known."""
    task, wait_ns = result.waits()
    of_task = wait_ns[task == result.names.index(name)]
    return int(of_task.max()) if len(of_task) else None


def starts(work):
    return {work.name(row): int(ns) for row, ns in enumerate(work.tasks["start_ns"])}


def shown(*arguments):
    found = run(*arguments)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_whoever_goes_at_the_first_event_was_found_running():
    result, recorded, work = both("first-switch")
    for side in (result, recorded):
        assert (of(side, "a"), of(side, "b")) == (0, 9 * MS)
        assert longest(side, "a") is None
    assert any(note.startswith("found running") and "1 task (a)" in note for note in work.origin.notes)
    assert "found running" in shown("replay", CASES / "first-switch.txt")


@pytest.mark.parametrize("cpu", [0, 1, None])
def test_switches_alone_are_replayed_on_every_cpu(cpu):
    recording = Recording.open(CASES / "only-switch-60-lines.txt")
    work = recording.workload(cpu)
    work.run()
    assert sum("no wakeup is recorded" in warning for warning in work.warnings) == 1
    assert (recording.result(workload=work).runs["ready"] != Ready.WAKEUP).all()


@pytest.mark.parametrize(("name", "until"), [("until", 0.5), ("until-unknown-length", 0.005)])
def test_a_task_that_has_not_run_yet_is_there_with_zeros(name, until):
    recording = Recording.open(CASES / f"{name}.txt")
    work = recording.workload()
    cut = recording.result(workload=work, until_ns=round(until * S))
    assert cut.nr_tasks == work.nr_tasks == 3
    assert 0 in np.bincount(cut.runs["task"], minlength=3)
    assert "CPU time and switches" in shown("replay", CASES / f"{name}.txt", "--until", until)


@pytest.mark.parametrize(
    ("name", "cpu", "task", "cpu_ns"),
    [
        ("found-running", 0, "hog", 1 * S - 40_000),
        ("hog-found-running", 1, "hog", 9_000_000_000 - 1_000_010_000 + 1 * MS),
        ("found-then-gone", 0, "a", 5 * MS),
        ("never-switched", 0, "hog", 1 * S),
    ],
)
def test_a_task_found_running_ran_since_the_first_event_of_its_cpu(name, cpu, task, cpu_ns):
    result, recorded, _ = both(name, cpu)
    assert of(result, task) == of(recorded, task) == cpu_ns


def test_a_recording_without_a_switch_says_so():
    [warning, *_] = Recording.open(CASES / "never-switched.txt").warnings
    assert "11 sched_stat_runtime" in warning


def test_wakeups_alone_say_what_there_is():
    with pytest.raises(Exception, match="no sched_switch, only 2 sched_waking or sched_wakeup;"):
        read(wake(0, IDLE, A), wake(10, IDLE, B))
    with pytest.raises(Exception, match="no sched_switch, only 1 sched_stat_runtime;"):
        read(runtime(0, A, 10))


@pytest.mark.parametrize(
    ("name", "task", "wait_ns"), [("first-wait", "b", 150 * MS), ("first-wakeup", "a", 5 * MS)]
)
def test_the_first_wait_counts(name, task, wait_ns):
    assert longest(both(name)[1], task) == wait_ns


def test_a_new_pid_is_a_new_process():
    _, _, work = both("no-fork-event")
    assert starts(work)["newproc"] == 4_001 * MS
    assert sum("newproc" in note for note in work.origin.notes) == 1


def test_nobody_waits_for_an_idle_cpu():
    assert starts(both("switch-only")[2]) == {"a": 0, "b": 2 * S}


@pytest.mark.parametrize("name", ["lost-delay", "lost-delay2"])
def test_what_spans_a_loss_is_in_no_statistic(name):
    result, recorded, _ = both(name)
    for side in (result, recorded):
        assert of(side, "a") == 7 * MS and of(side, "b") == 0
    assert longest(recorded, "a") is None
    assert recorded.runs["out"].tolist().count(Out.UNKNOWN) == 1
    text = shown("replay", CASES / f"{name}.txt")
    body = text[text.index("CPU time and switches") :]
    assert "2.00 s" not in body and "waits not known" in body and "lengths not known" in body


def test_what_ended_elsewhere_ended_on_neither_side():
    _, recorded, work = both("ended-elsewhere")
    found = compare(work, ["linux-2.6.24-cfs", "linux-6.18-eevdf"], recorded=recorded)
    assert {column.nr_ended for column in found.columns} == {0}


def test_it_ends_where_it_ran_last():
    recording = Recording.open(CASES / "ended-elsewhere.txt")
    for cpu in (1, None):
        work = recording.workload(cpu)
        found = compare(work, ["linux-2.6.24-cfs"], recorded=recording.result(workload=work))
        assert {column.nr_ended for column in found.columns} == {1}


def test_the_lowest_cpu_is_the_default_and_the_head_says_what_is_left_out(tmp_path):
    lines = switch(0, IDLE1, A, cpu=1), switch(5 * MS, A, IDLE1, cpu=1)
    file = tmp_path / "one.txt"
    file.write_text("\n".join(lines) + "\n")
    assert read(*lines).workload().tasks["cpu"].tolist() == [1]
    assert "of CPU 1;" in shown("replay", file)
    more = switch(5 * MS, IDLE1, B, cpu=2), switch(8 * MS, B, IDLE1, cpu=2)
    file.write_text("\n".join(lines + more) + "\n")
    assert "left out: 1 task that ran on other CPUs only, and 3.00 ms of CPU time there" in shown("replay", file)
    assert "left out" not in shown("replay", file, "--cpu", "all").split("\n\n")[0]


def test_two_recordings_do_not_share_a_workload():
    work = Recording.open(CASES / "until.txt").workload()
    assert Recording.open(CASES / "until.txt").result(workload=work).nr_tasks == 3  # read again, it is the same
    with pytest.raises(Exception, match="was not made of"):
        Recording.open(CASES / "first-wait.txt").result(workload=work)
    with pytest.raises(Exception, match="was not made of"):
        Recording.open(CASES / "until.txt").result(workload=work.merged(work))


# ---- ready since when

LOW, HIGH = ("low", 50), ("high", 60)


def start_of(pid, *lines):
    tasks = read(*lines, runtime(900 * MS, IDLE, 0)).workload(0).tasks
    return int(tasks["start_ns"][tasks["pid"].tolist().index(pid)])


def test_who_may_have_been_there_from_the_first_was():
    lines = switch(0, IDLE, A), switch(70, A, LOW, "R"), switch(90, LOW, A, "R"), switch(99, A, IDLE)
    assert start_of(50, *lines) == 0


def test_nobody_waits_while_another_comes_twice():
    lines = (
        switch(0, IDLE, A),
        switch(70, A, B, "R"),
        switch(90, B, A, "R"),  # A again, after B: nobody else had been waiting since A ran first
        switch(110, A, B, "R"),
        switch(130, B, LOW, "R"),
        switch(140, LOW, IDLE),
    )
    assert start_of(50, *lines) == 70  # B came again at 110, and had run at 70


def test_a_real_time_task_waits_for_nobody():
    lines = switch(0, IDLE, A), switch(70, A, LOW, "R", next_prio=49), switch(90, LOW, A, prio=49)
    assert start_of(50, *lines) == 70


@pytest.mark.parametrize("pid", [40, 400])  # pids begin anew when they have all been used
def test_a_child_begins_under_the_name_of_its_parent(pid):
    child = ("a", pid)
    assert start_of(pid, switch(0, IDLE, A), switch(70, A, child, "R"), switch(90, child, A)) == 70


def test_after_a_loss_whoever_runs_is_found_running():
    lost = "CPU:0 [LOST 7 EVENTS]"
    found = read(switch(0, IDLE, A), wake(5, A, B), lost, switch(50, B, A), switch(80, A, B, "R"))
    runs = runs_of(found, A)
    assert runs["out"].tolist() == [Out.UNKNOWN, Out.PREEMPTED]
    assert found.busy_ns().tolist()[0] == 30
    assert runs_of(found, B)["ready"].tolist() == [Ready.FOUND, Ready.UNKNOWN]
    assert starts(found.workload())["b"] == 5


@pytest.mark.parametrize(
    ("line", "is_lost"),
    [
        ("CPU:0 [LOST 7 EVENTS]", True),
        ("CPU:1 [LOST 7 EVENTS]", False),
        ("CPU:0 [LOST EVENTS]", True),
        ("CPU:1 [9 EVENTS DROPPED]", False),
        ("b 102/102 [000] 1808.000000050: PERF_RECORD_LOST lost 9", True),
        ("b 102/102 [001] 1808.000000050: PERF_RECORD_LOST lost 9", False),
        ("b 102/102 1808.000000050: PERF_RECORD_LOST lost 9", True),
        ("CPU 0 lost 12 events", True),
        ("CPU 1 lost 12 events", False),
        ("Processed 22 events and lost 1 chunks!", False),
    ],
)
def test_a_loss_is_one_of_its_cpu(line, is_lost):
    found = read(
        switch(0, IDLE1, C, cpu=1), switch(0, IDLE, A), wake(10, A, B), line, switch(60, A, B, "R"),
        switch(99, C, IDLE1, cpu=1),
    )  # fmt: skip
    assert (runs_of(found, B)["ready"].tolist() == [Ready.UNKNOWN]) == is_lost
    assert "lost events" in found.warnings[0]
    busy = dict(zip([task.comm for task in found.tasks], found.busy_ns().tolist()))
    assert busy["a"] == (0 if is_lost else 60)


def test_a_wait_over_a_loss_elsewhere_is_known():
    found = read(
        switch(0, IDLE, A), switch(0, IDLE1, C, cpu=1), wake(10, A, B), "CPU:1 [LOST 7 EVENTS]",
        switch(60, A, B, "R"), switch(80, B, A), switch(90, A, IDLE),
    )  # fmt: skip
    assert found.result().waits()[1].tolist() == [50, 20]


def test_a_wait_that_ends_on_a_cpu_of_which_only_the_loss_was_seen_is_not_known():
    found = read(
        switch(0, IDLE, A), wake(10, A, B), "CPU:1 [LOST 7 EVENTS]", "CPU:9 [LOST 7 EVENTS]",
        switch(60, IDLE1, B, cpu=1), switch(80, B, IDLE1, cpu=1),
    )  # fmt: skip
    assert runs_of(found, B)["ready"].tolist() == [Ready.UNKNOWN]
    assert found.cpus == [0, 1]


def test_what_is_left_out_is_said_once_below_its_table():
    result, recorded, _ = both("lost-delay")
    latency, lengths = (str(table).splitlines()[-1].split() for table in tables(result, recorded)[1:])
    assert latency == ["waits", "not", "known", "1", "2"]
    assert lengths[:3] == ["lengths", "not", "known"]


# ---- partners


@pytest.mark.parametrize("model", list(all_models()))
def test_a_round_trip_is_two_switches_whoever_preempts(model):
    """101 of them, and the first switch; in all but two the one who asks is preempted before it can block."""
    result, recorded, work = both("hidden-wait", model=model)
    work.check()
    assert (result.context_switches, recorded.context_switches) == (2 * 101 + 1, 204)
    for name in ("A", "B"):
        assert of(result, name) == of(recorded, name)
        assert longest(result, name) < 10_000  # nobody waits for more than the other's turn


def test_who_is_idle_gets_what_is_left():
    work = Recording.open(CASES / "sched-idle.txt").workload().with_policy({"bg": "idle"})
    result = work.run("linux-6.18-eevdf", until_ns=2 * S)
    assert result.stats()["share"].round(3).tolist() == [0.997, 0.003]
