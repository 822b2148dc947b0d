"""Verdicts on wakeups: each rule on its own, and the error on recordings where the truth is known."""

import numpy as np
import pytest

from cfs.recordings import Cause, causes
from tests.quick import few

from .lines import A, B, C, IDLE, T0, fork, ftrace, read, row, switch, wake
from .real_recordings import recording
from .test_programs import MS, any_recording

US = 1000
HOG, SLEEPER, DISK, WORKER = ("hog", 11), ("sleeper", 12), ("disk", 13), ("kworker/0:1", 14)


def verdicts(found, task):
    table = found.wakeups()
    of_task = (table["task"] == row(found, task)) & (table["kind"] != 7)
    return [Cause(v).name for v in found.verdicts()[of_task]]


def woken_under(hog, task, times, state="S", runs_ns=50 * US):
    """`hog` computes; `task` is woken in its context at `times`, runs for `runs_ns` and blocks in `state`."""
    lines = [switch(0, IDLE, task), switch(100, task, hog, state)]
    for t in times:
        runs = t + 10 * US
        lines += [wake(t, hog, task), switch(runs, hog, task, "R"), switch(runs + runs_ns, task, hog, state)]
    return lines


IRREGULAR = [(3 * i * i + 7 * i + 5) * MS + 1_300 * US for i in range(12)]


@pytest.mark.parametrize("name", few(["periodic", "kbuild-shell-2cpu", "two-users-1to3", "fork-heavy"], 3))
@pytest.mark.parametrize("erased", [False, True])
def test_tasks_that_are_passed_over_could_not_keep_time(name, erased, monkeypatch):
    found = recording(name)
    table = found.wakeups()
    table["irq"] = 0 if erased else table["irq"]
    verdicts = found.verdicts(table)
    monkeypatch.setattr(causes, "_may_keep_time", lambda task, *_: np.ones(len(task), bool))
    assert (found.verdicts(table) == verdicts).all() and (verdicts == Cause.TIMER).any()


# ---- R1


def test_the_idle_task_wakes_nobody():
    assert verdicts(read(switch(0, A, IDLE), wake(500, IDLE, A)), A) == ["OUTSIDE"]


def test_an_interrupt_thread_wakes_nobody():
    thread = ("ksoftirqd/0", 14)
    assert verdicts(read(switch(0, A, thread), wake(500, thread, A)), A) == ["OUTSIDE"]


def test_no_task_wakes_an_interrupt_thread():
    thread = ("ksoftirqd/0", 14)
    assert verdicts(read(switch(0, thread, A), wake(500, A, thread)), thread) == ["OUTSIDE"]


FTRACE = (
    "sched_switch: prev_comm=a prev_pid=101 prev_prio=120 prev_state=D ==> "
    "next_comm=b next_pid=102 next_prio=120"
)


@pytest.mark.parametrize(
    ("flags", "verdict"), [("d..4.", "CAUSED"), ("d.h4.", "OUTSIDE"), ("d.s4.", "OUTSIDE")]
)
def test_flags_decide(flags, verdict):
    waking = ftrace(500, B, "sched_waking: comm=a pid=101 prio=120 target_cpu=000", flags=flags)
    assert verdicts(read(ftrace(0, A, FTRACE), waking), A) == [verdict]


def test_sched_wakeup_alone_where_others_have_sched_waking_was_raised_elsewhere():
    lines = switch(0, A, B), wake(500, B, C), switch(900, B, C, "R"), wake(950, C, A, "wakeup")
    assert verdicts(read(*lines), A) == ["OUTSIDE"]


# ---- R2


@pytest.mark.parametrize("period", [10 * MS, 16_600 * US, 50 * MS])
def test_wakeups_on_a_grid_of_time_are_a_timers(period):
    # The work differs from time to time, so the sleeps differ too.
    lines = [switch(0, IDLE, SLEEPER), switch(100, SLEEPER, HOG)]
    for i in range(1, 13):
        t, works = i * period + 700 * US, (1 + i % 4) * MS
        lines += [wake(t, HOG, SLEEPER), switch(t + 1, HOG, SLEEPER, "R"), switch(t + works, SLEEPER, HOG)]
    assert set(verdicts(read(*lines), SLEEPER)) == {"TIMER"}


def test_sleeps_of_one_length_are_a_timers():
    t, lines = 0, [switch(0, IDLE, SLEEPER)]
    for i in range(12):
        t += (1 + i * i % 7) * MS + 333 * US  # it works
        lines += [switch(t, SLEEPER, HOG)]
        t += 50 * MS + i % 5 * 10 * US
        lines += [wake(t, HOG, SLEEPER), switch(t, HOG, SLEEPER, "R")]
    assert set(verdicts(read(*lines), SLEEPER)) == {"TIMER"}


def test_wakeups_just_behind_ticks_are_a_timers():
    times = [4 * MS * n + 20 * US + n % 3 * 10 * US for n in (1, 4, 5, 11, 13, 22, 23, 40)]
    assert set(verdicts(read(*woken_under(HOG, SLEEPER, times)), SLEEPER)) == {"TIMER"}


def test_several_wakeups_behind_one_tick_are_no_timers():
    lines = woken_under(HOG, SLEEPER, [(10 + 2 * i) * US for i in range(30)], runs_ns=500)
    assert "TIMER" not in verdicts(read(*lines), SLEEPER)


def test_a_conversation_in_step_is_no_timer():
    # Ping-pong at 20 ms with a partner that has half of the CPU time and all of the wakeups.
    lines, t = [switch(0, IDLE, A)], 0
    for _ in range(12):
        lines += [wake(t + 9 * MS, A, B), switch(t + 10 * MS, A, B)]
        lines += [wake(t + 19 * MS, B, A), switch(t + 20 * MS, B, A)]
        t += 20 * MS
    assert "TIMER" not in verdicts(read(*lines), B)[1:]


def test_a_kernel_worker_behind_a_tick_needs_no_history():
    lines = woken_under(HOG, WORKER, [4 * MS + 30 * US], state="I")
    assert verdicts(read(*lines), WORKER) == ["TIMER"]


# ---- R3 to R6


def test_a_child_wakes_its_parent():
    child = ("child", 7)
    lines = (
        switch(0, IDLE, A), fork(50, A, child), wake(60, A, child, "wakeup_new"), switch(100, A, child, "D"),
        wake(900, child, A),
    )  # fmt: skip
    assert verdicts(read(*lines), A) == ["CAUSED"]


def test_a_grandchild_wakes_too():
    child, grandchild = ("child", 7), ("grandchild", 8)
    lines = (
        switch(0, IDLE, A), fork(50, A, child), wake(60, A, child, "wakeup_new"), switch(100, A, child, "D"),
        fork(150, child, grandchild), wake(160, child, grandchild, "wakeup_new"),
        switch(200, child, grandchild),
        wake(900, grandchild, A),
    )  # fmt: skip
    assert verdicts(read(*lines), A) == ["CAUSED"]


def test_an_uninterruptible_sleep_ends_from_outside():
    assert verdicts(read(switch(0, DISK, HOG, "D"), wake(700 * US, HOG, DISK)), DISK) == ["OUTSIDE"]


def test_who_only_computes_is_interrupted():
    # Nothing tells a time; but the hog has all the CPU time there is, and nobody ever wakes it.
    assert set(verdicts(read(*woken_under(HOG, SLEEPER, IRREGULAR)), SLEEPER)) == {"OUTSIDE"}


def test_who_is_woken_in_turn_converses():
    lines = [switch(0, IDLE, A)]
    for t in IRREGULAR:
        lines += [wake(t, A, B), switch(t + 90 * US, A, B)]
        lines += [wake(t + 95 * US, B, A), switch(t + 150 * US, B, A)]
    assert set(verdicts(read(*lines), A)) == {"CAUSED"}


def test_a_program_that_does_more_than_its_cpu_time_explains_causes():
    # The hog has the CPU, but the wakeups are in the context of a task that hardly has any.
    talker, lines = ("talker", 15), [switch(0, IDLE, SLEEPER), switch(100, SLEEPER, HOG)]
    for t in IRREGULAR:
        lines += [
            switch(t - 10, HOG, talker, "R"), wake(t, talker, SLEEPER), switch(t + 10, talker, SLEEPER, "R"),
            switch(t + 500, SLEEPER, HOG),
        ]  # fmt: skip
    assert set(verdicts(read(*lines), SLEEPER)) == {"CAUSED"}


def test_counts_leave_out_forks():
    forked = switch(0, IDLE, A), fork(50, A, B), wake(60, A, B, "wakeup_new")
    lines = *forked, switch(100, A, B), wake(900, B, A)
    assert sum(read(*lines).causes(None).values()) == 1


def test_counts_of_a_cpu_are_those_of_tasks_that_ran_there():
    idle1 = ("swapper/1", 0)
    lines = switch(0, A, IDLE), wake(500, IDLE, A), switch(600, idle1, A, cpu=1)
    assert (read(*lines).causes(0)["outside"], read(*lines).causes(1)["outside"]) == (0, 1)


# ---- error, where the truth is known. docs/concepts/wakeup-causes.md names the numbers; here are bounds.


def test_error_against_the_interrupt_flags():
    found = recording("nice-hogs-ftrace")
    table = found.wakeups()
    told = np.isin(table["irq"], (1, 2, 3))
    truth = table["irq"] == 1
    blind = table.copy()
    blind["irq"][told] = 0
    wrong = (found.verdicts(blind) == Cause.CAUSED) != truth
    in_task_context = told & (table["context"] < len(found.tasks))
    assert in_task_context.sum() > 100 and wrong[in_task_context].mean() <= 0.06


@pytest.mark.parametrize(("name", "wakeups"), [("audio mix", 1013), ("video dec", 382), ("ui", 119)])
def test_periodic_tasks_are_woken_by_timers(name, wakeups):
    found = recording("periodic")
    [task] = [t for t in found.tasks if t.comm == name]
    verdict = found.verdicts()[(found.wakeups()["task"] == task.row) & (found.wakeups()["kind"] != 7)]
    assert len(verdict) == wakeups and (verdict != Cause.CAUSED).all()
    assert (verdict == Cause.TIMER).mean() >= 0.97


@pytest.mark.parametrize(("name", "comm"), [("pipe-cut", "sched-pipe"), ("messaging-cut", "sched-messaging")])
def test_partners_wake_each_other(name, comm):
    found = any_recording(name)
    rows = [t.row for t in found.tasks if t.comm == comm]
    table = found.wakeups()
    of_partners = np.isin(table["task"], rows) & np.isin(table["context"], rows) & (table["kind"] != 7)
    assert of_partners.sum() > 1000 and (found.verdicts()[of_partners] == Cause.CAUSED).mean() >= 0.999


def test_shells_are_woken_by_their_children():
    found = recording("fork-heavy")
    [shell] = [t.row for t in found.tasks if t.pid == 21723]
    verdict = found.verdicts()[(found.wakeups()["task"] == shell) & (found.wakeups()["kind"] != 7)]
    assert len(verdict) > 13000 and (verdict == Cause.CAUSED).all()


def test_times_in_small_texts_are_whole_ticks():
    assert T0 % (20 * MS) == 0  # the tests above count on it
