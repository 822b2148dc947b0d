"""From facts to the event table, without any text.

Ways to be right: by hand; and against `Model`, the same rules in plain Python, for random facts.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfs.errors import RecordingError
from cfs.recordings._tracker import Tracker
from cfs.recordings._walk import EVENT_DTYPE, runs

GAP, BACK, SWITCH, WAKE, EARLY, TAKEN, READY, FORK, PRIO, LOSS = range(10)
PREEMPTED, BLOCKED, EXITED, INFERRED, FIRST, LOST = 1, 2, 3, 16, 32, 64
IRQ_NONE, IRQ_HARD, IRQ_REMOTE = 1, 2, 4
IDLE, NOBODY = 0xFFFFFFFF, 0xFFFFFFFE
SWAPPER, A, B, C = (b"swapper/0", 0), (b"a", 1, 120), (b"b", 2, 120), (b"c", 3, 120)
EVENTS_A_FACT_MAX = 8


def events_in(tracker):
    """The events as (time, kind, detail, cpu, task, context): gaps and steps back are in the times."""
    tracker.finish()
    now, back, events = max(tracker.start_ns, 0), 0, []
    for delta, task, context, cpu, kind, detail in np.frombuffer(tracker, EVENT_DTYPE).tolist():
        now += delta
        if kind == GAP:
            now += context << 32 | task
        elif kind == BACK:
            back = context << 32 | task
        else:
            events.append((now - back, kind, detail, cpu, task, context))
            back = 0
    return events


def after(*facts):
    """A tracker that was given these facts: the name of a method, and its arguments."""
    tracker = Tracker()
    for what, *arguments in facts:
        getattr(tracker, what)(*arguments)
    return tracker


def events_of(*facts):
    return events_in(after(*facts))


# ---- control groups


def test_a_task_is_in_the_group_that_is_said_last():
    tracker = after(("switch", 5, 0, A, BLOCKED, B), ("group", 1, 7), ("switch", 6, 0, B, BLOCKED, A), ("group", 2, 8),
                    ("context", 7, 0, 1), ("group", 1, 1 << 63))  # fmt: skip
    assert tracker.groups_seen() == [1 << 63, 8]


def test_a_group_is_that_of_a_task_that_was_seen():
    """The idle task is in none, and nobody is made of a number that only a group is said of."""
    tracker = after(("group", 1, 7), ("switch", 5, 0, A, BLOCKED, SWAPPER), ("group", 0, 7), ("group", -1, 7), ("group", 9, 7))
    assert (tracker.nr_tasks, tracker.groups_seen()) == (1, [])


def test_the_group_at_the_last_switch_is_that_of_the_task_that_exits():
    """Whoever has its pid later is another task, whose group is not known yet."""
    exits = ("switch", 5, 0, A, EXITED, B), ("group", 1, 7)
    assert after(*exits).groups_seen() == [7, 0]
    assert after(*exits, ("fork", 6, 0, B, A, 2)).groups_seen() == [7, 0, 0]
    assert after(*exits, ("fork", 6, 0, B, A, 2), ("context", 7, 0, 1), ("group", 1, 8)).groups_seen() == [7, 0, 8]


def test_after_the_end_no_group_is_taken():
    tracker = after(("switch", 5, 0, A, BLOCKED, B), ("finish",), ("group", 1, 7))
    assert tracker.groups_seen() == []


# ---- who runs


def test_nothing_said_is_nothing_kept():
    tracker = after()
    assert (events_in(tracker), tracker.start_ns, tracker.end_ns, tracker.cpus_seen()) == ([], -1, -1, [])


def test_a_switch_shows_who_was_found_running_and_who_came():
    assert events_of(("switch", 5, 0, A, BLOCKED, B)) == [
        (5, SWITCH, FIRST, 0, 0, NOBODY),
        (5, SWITCH, BLOCKED, 0, 1, 0),
    ]


def test_the_idle_task_is_no_row_and_always_runnable():
    tracker = after(("switch", 5, 0, SWAPPER, BLOCKED, A), ("switch", 6, 0, A, EXITED, SWAPPER))
    assert events_in(tracker) == [
        (5, SWITCH, FIRST, 0, IDLE, NOBODY),
        (5, SWITCH, PREEMPTED, 0, 0, IDLE),
        (6, SWITCH, EXITED, 0, IDLE, 0),
    ]
    assert tracker.tasks_seen()["pid"].tolist() == [1]


def test_a_context_nobody_switched_in_is_an_inferred_switch():
    events = events_of(("switch", 0, 0, A, BLOCKED, B), ("context", 50, 0, 3))
    assert events[2:] == [(50, SWITCH, INFERRED | LOST | BLOCKED, 0, 2, 1)]


def test_a_context_that_is_not_known_changes_nothing():
    assert len(events_of(("switch", 0, 0, A, BLOCKED, B), ("context", 50, 0, -1))) == 2


@pytest.mark.parametrize(("ran_ns", "since"), [(30, 70), (1000, 40)])
def test_a_runtime_says_since_when_but_not_before_the_last_fact_of_the_cpu(ran_ns, since):
    facts = ("switch", 0, 0, A, BLOCKED, SWAPPER), ("context", 40, 0, -1), ("runtime", 100, 0, C, ran_ns, 3)
    assert events_of(*facts)[-1] == (since, SWITCH, INFERRED, 0, 1, IDLE)


def test_the_runtime_of_another_task_says_nothing_of_the_context():
    facts = ("switch", 0, 0, A, BLOCKED, SWAPPER), ("runtime", 100, 0, C, 30, 2)
    assert events_of(*facts)[-1] == (100, SWITCH, INFERRED, 0, 1, IDLE)


def test_s4_a_task_that_turns_up_elsewhere_has_left():
    facts = ("switch", 0, 0, SWAPPER, 0, A), ("switch", 50, 1, SWAPPER, 0, A), ("context", 60, 0, 2)
    events = events_of(*facts)
    assert (50, SWITCH, INFERRED | LOST | BLOCKED, 0, NOBODY, 0) in events
    assert events[-1] == (60, SWITCH, INFERRED, 0, 1, NOBODY)


def test_inferred_switches_are_counted_but_not_those_to_idle():
    tracker = after(
        ("switch", 0, 0, A, BLOCKED, B), ("context", 1, 0, 3), ("context", 2, 0, 0), ("context", 3, 0, 1)
    )
    assert (tracker.nr_switches, tracker.inferred_switch_ins) == (1, 2)


# ---- a switch of which only one side is known


def test_a_switch_in_on_a_new_cpu_begins_a_run():
    tracker = after(("switch_in", 0, 0, A), ("switch", 9, 0, A, BLOCKED, SWAPPER))
    assert events_in(tracker) == [(0, SWITCH, 0, 0, 0, NOBODY), (9, SWITCH, BLOCKED, 0, IDLE, 0)]
    [run] = runs(np.frombuffer(tracker, EVENT_DTYPE), 1, 1, 9, np.ones(1, np.uint8))
    assert (run["start_ns"], run["end_ns"]) == (0, 9)


def test_a_switch_in_ends_the_run_before_it_at_a_time_not_known():
    events = events_of(("switch", 0, 0, SWAPPER, 0, A), ("switch_in", 9, 0, B))
    assert events[-1] == (9, SWITCH, LOST | BLOCKED, 0, 1, 0)


def test_a_switch_in_of_the_task_that_ran_is_a_run_of_its_own():
    tracker = after(
        ("switch", 0, 0, SWAPPER, 0, A), ("switch_in", 9, 0, A), ("switch", 20, 0, A, BLOCKED, SWAPPER)
    )
    tracker.finish()
    found = runs(np.frombuffer(tracker, EVENT_DTYPE), 1, 1, 20, np.ones(1, np.uint8))
    assert found[["start_ns", "end_ns"]].tolist() == [(0, 0), (9, 20)]


def test_a_switch_in_from_idle_lost_nothing():
    events = events_of(("switch", 0, 0, A, BLOCKED, SWAPPER), ("switch_in", 9, 0, B))
    assert events[-1] == (9, SWITCH, PREEMPTED, 0, 1, IDLE)


def test_after_a_gap_nobody_is_known_to_run():
    facts = (
        ("switch", 0, 0, SWAPPER, 0, A),
        ("gap", 5, 0),
        ("waking", 6, 0, B),
        ("switch", 9, 0, A, BLOCKED, B),
    )
    assert events_of(*facts)[2:] == [
        (5, SWITCH, INFERRED | LOST | BLOCKED, 0, NOBODY, 0),
        (6, WAKE, 0, 0, 1, NOBODY),
        (9, SWITCH, INFERRED, 0, 0, NOBODY),
        (9, SWITCH, BLOCKED, 0, 1, 0),
    ]


def test_a_gap_where_nobody_ran_is_no_event():
    assert len(events_of(("switch", 0, 0, A, BLOCKED, SWAPPER), ("gap", 5, 0), ("gap", 6, 1))) == 2


# ---- who is queued


def test_a_task_asleep_is_woken_once():
    facts = ("switch", 0, 0, A, BLOCKED, B), ("waking", 5, 0, A, 2, IRQ_HARD), ("wakeup", 7, 1, A, 2)
    assert [e for e in events_of(*facts) if e[1] != SWITCH] == [(5, WAKE, IRQ_HARD, 0, 0, 1)]


def test_a_wakeup_alone_is_one_and_its_waker_is_known_only_if_none_has_a_first_half():
    alone = events_of(("switch", 0, 0, A, BLOCKED, B), ("wakeup", 7, 0, A, 2, IRQ_NONE))
    mixed = events_of(
        ("switch", 0, 0, A, BLOCKED, B), ("waking", 1, 0, C, 2), ("wakeup", 7, 0, A, 2, IRQ_NONE)
    )
    assert (alone[-1], mixed[-1]) == ((7, WAKE, IRQ_NONE, 0, 0, 1), (7, WAKE, IRQ_REMOTE, 0, 0, 1))


def test_a_wakeup_of_a_task_that_runs_wakes_nobody():
    facts = ("switch", 0, 0, A, BLOCKED, B), ("waking", 1, 1, B, 0), ("wakeup", 2, 1, B, 0)
    assert [e[1] for e in events_of(*facts) if e[1] != SWITCH] == [EARLY]


def test_a_wakeup_before_the_block_undoes_it():
    facts = (
        ("switch", 0, 0, B, BLOCKED, A),
        ("waking", 1, 1, A, 0),
        ("switch", 2, 0, A, BLOCKED, SWAPPER),
        ("wakeup", 3, 0, A, 0),
    )
    assert [e[:2] for e in events_of(*facts) if e[1] != SWITCH] == [(1, TAKEN), (3, READY)]


def test_a_wakeup_before_the_block_shows_when_the_task_runs_again():
    facts = ("switch", 0, 0, B, BLOCKED, A), ("waking", 1, 1, A, 0), ("switch", 2, 0, A, BLOCKED, B)
    assert [e[1] for e in events_of(*facts) if e[1] != SWITCH] == [EARLY]
    facts += (("switch", 3, 0, B, BLOCKED, A),)
    assert [e[1] for e in events_of(*facts) if e[1] != SWITCH] == [TAKEN]


@pytest.mark.parametrize("out", [PREEMPTED, BLOCKED, EXITED])
def test_whoever_was_switched_out_is_woken_only_if_it_slept(out):
    kinds = [e[1] for e in events_of(("switch", 0, 0, A, out, B), ("waking", 1, 0, A, 2))]
    assert kinds[2:] == {PREEMPTED: [EARLY], BLOCKED: [WAKE], EXITED: [WAKE]}[out]


def test_the_context_of_a_cpu_never_seen_is_not_known():
    events = events_of(("switch", 0, 0, A, BLOCKED, B), ("waking", 5, 1, A), ("wakeup_new", 6, 2, C))
    assert events[2:] == [(5, WAKE, 0, 1, 0, NOBODY), (6, FORK, 0, 2, 2, NOBODY)]


# ---- lives


def test_a_child_is_new_until_its_first_wakeup():
    tracker = after(
        ("switch", 0, 0, SWAPPER, 0, A),
        ("fork", 5, 0, A, (b"kid", 9), 1),
        ("waking", 6, 0, (b"kid", 9), 1),
        ("wakeup_new", 7, 0, (b"kid", 9, 130), 1),
        ("wakeup_new", 8, 0, (b"kid", 9, 130), 1),
    )
    assert events_in(tracker)[2:] == [(7, FORK, 0, 0, 1, 0)]
    assert tracker.tasks_seen()[1].tolist() == (9, 0, 1, 130, 130)


def test_a_child_nobody_forked_is_that_of_the_context():
    tracker = after(("switch", 0, 0, SWAPPER, 0, A), ("wakeup_new", 7, 0, C, 1))
    assert tracker.tasks_seen()["parent"].tolist() == [-1, 0]


def test_a_pid_is_used_again_after_the_end_or_by_a_fork():
    ended = after(("switch", 0, 0, A, EXITED, B), ("switch", 5, 0, B, BLOCKED, A))
    forked = after(("switch", 0, 0, A, BLOCKED, B), ("fork", 5, 0, B, A, 2), ("mention", 6, 0, A, 2))
    assert ended.tasks_seen()["pid"].tolist() == forked.tasks_seen()["pid"].tolist() == [1, 2, 1]


def test_names_are_taken_when_they_change():
    tracker = after(
        ("switch", 0, 0, (b"sh", 1), BLOCKED, (b"sh", 2)),
        ("mention", 1, 0, (b"true", 2), 2),
        ("mention", 2, 0, (b"true", 2), 2),
        ("switch", 3, 0, (b"sh", 2), BLOCKED, (None, 3)),
    )
    assert tracker.names_seen() == ["sh", "true"]
    assert tracker.namings_seen() == [(0, 0), (1, 0), (1, 1), (1, 0)]
    assert tracker.tasks_seen()["name"].tolist() == [0, 0, -1]


def test_a_name_is_bytes_of_any_kind_and_cut_where_no_kernel_has_any():
    tracker = after(("mention", 0, 0, (b"\xff\0 x", 1)), ("mention", 0, 0, (b"n" * 99, 2)))
    seen = [name.encode("utf-8", "surrogateescape") for name in tracker.names_seen()]
    assert seen == [b"\xff\0 x", b"n" * 63]


def test_a_priority_that_changes_is_an_event():
    tracker = after(
        ("switch", 0, 0, SWAPPER, 0, (b"a", 1, 120)),
        ("waking", 1, 0, (b"a", 1, 99), 1),
        ("switch", 2, 0, (b"a", 1, 110), BLOCKED, (b"b", 2)),
        ("switch", 3, 0, (b"b", 2), BLOCKED, (b"a", 1, -1)),
    )
    assert [e for e in events_in(tracker) if e[1] == PRIO] == [(2, PRIO, 0, 0, 0, 110), (3, PRIO, 0, 0, 0, 0)]
    assert tracker.tasks_seen()[["prio_first", "prio"]].tolist() == [(120, 0), (-1, -1)]


# ---- times, losses, what cannot be


def test_s1_an_earlier_fact_is_taken_as_simultaneous_and_counted():
    tracker = after(("switch", 9, 0, A, BLOCKED, B), ("waking", 5, 0, A, 2))
    assert (events_in(tracker)[-1][0], tracker.nr_early, tracker.end_ns) == (9, 1, 9)


def test_a_pause_longer_than_32_bits():
    tracker = after(("switch", 1, 0, A, BLOCKED, B), ("switch", 1 << 40, 0, B, BLOCKED, A))
    assert (events_in(tracker)[-1][0], tracker.end_ns) == (1 << 40, 1 << 40)


def test_losses_are_counted_with_and_without_their_number():
    tracker = after(("loss", 12), ("loss",))
    assert (tracker.nr_losses, tracker.nr_lost_events) == (2, 12)


def test_a_loss_of_a_cpu_is_an_event_and_the_cpu_is_then_first_seen_again():
    facts = (
        ("switch", 0, 0, SWAPPER, 0, A),
        ("switch", 1, 1, SWAPPER, 0, B),
        ("loss_here", 0, 12),
        ("switch", 9, 0, C, BLOCKED, SWAPPER),
    )
    tracker = after(*facts)
    assert events_in(tracker)[4:] == [
        (1, SWITCH, INFERRED | LOST | BLOCKED, 0, NOBODY, 0),
        (1, LOSS, 0, 0, NOBODY, NOBODY),
        (9, SWITCH, FIRST, 0, 2, NOBODY),
        (9, SWITCH, BLOCKED, 0, IDLE, 2),
    ]
    assert (tracker.nr_losses, tracker.nr_lost_events, tracker.inferred_switch_ins) == (1, 12, 0)


def test_a_loss_of_any_cpu_is_one_of_each_that_was_seen():
    tracker = after(("switch", 0, 2, SWAPPER, 0, A), ("switch", 0, 0, SWAPPER, 0, B), ("loss_here",))
    assert [e[3] for e in events_in(tracker) if e[1] == LOSS] == [0, 2]
    assert [e[1] for e in events_of(("loss_here", 7, 1), ("switch", 0, 0, SWAPPER, 0, A))] == [SWITCH, SWITCH]


def test_s3_a_loss_that_says_nothing_new_is_no_event():
    """A text of such lines would take 128 KiB each."""
    switches = [("switch", i, i, SWAPPER, 0, (b"x", 10 + i)) for i in range(3)]
    kinds = [e[1] for e in events_of(*switches, *[("loss_here",), ("loss_here", 1, 1)] * 50)]
    assert kinds.count(LOSS) == 3
    one = ("switch", 9, 1, SWAPPER, 0, A)
    assert [e[1] for e in events_of(*switches, ("loss_here",), one, ("loss_here",))].count(LOSS) == 4
    tracker = after(*switches, ("loss_here",), ("loss_here", 1, 5))
    assert (tracker.nr_losses, tracker.nr_lost_events) == (2, 5)


@pytest.mark.parametrize("cpu", [-1, 0, 1, 9000, 1 << 40])
def test_losses_in_any_number_leave_the_table_sound(cpu):
    facts = [fact for i in range(3000) for fact in (("switch", i, i % 2, SWAPPER, 0, A), ("loss_here", cpu))]
    events = events_of(*facts)
    assert sum(e[1] == LOSS for e in events) == {-1: 3000, 0: 1500, 1: 1 + 1500}.get(cpu, 0)


def test_what_says_who_woke_and_who_ran_is_counted():
    tracker = after(("waking", 0, 0, A), ("wakeup", 1, 0, A), ("runtime", 2, 0, A, 1), ("wakeup_new", 3, 0, B))
    assert (tracker.nr_wakeups, tracker.nr_runtimes) == (2, 1)


IMPOSSIBLE = [
    ("switch", -1, 0, A, BLOCKED, B),
    ("switch", 0, 8192, A, BLOCKED, B),
    ("switch", 0, 0, A, BLOCKED, A),
    ("switch", 0, 0, (b"a", -1), BLOCKED, B),
    ("switch", 0, 0, A, BLOCKED, (b"b", 1 << 31)),
    ("switch_in", 0, 0, (b"b", -1)),
    ("waking", 0, 0, (b"b", -1)),
    ("wakeup", 0, 8192, A),
    ("wakeup_new", -5, 0, A),
    ("fork", 0, 0, A, SWAPPER),
    ("runtime", 0, 0, A, -1),
    ("context", -1, 0),
    ("gap", 0, 8192),
]


@pytest.mark.parametrize("fact", IMPOSSIBLE, ids=str)
def test_s2_a_fact_that_cannot_be_leaves_nothing_behind(fact):
    tracker = Tracker()
    with pytest.raises(RecordingError, match="cannot be"):
        getattr(tracker, fact[0])(*fact[1:])
    assert (events_in(tracker), tracker.nr_tasks, tracker.names_seen(), tracker.start_ns) == ([], 0, [], -1)


def test_s2_nothing_is_taken_after_the_end():
    tracker = after(("switch", 0, 0, A, BLOCKED, B))
    tracker.finish()
    tracker.finish()
    with pytest.raises(RecordingError, match="after finish"):
        tracker.context(9, 0, 7)
    assert (tracker.nr_tasks, len(events_in(tracker)), tracker.end_ns) == (2, 2, 0)


def test_the_table_can_be_read_after_the_end_only():
    with pytest.raises(BufferError, match="after finish"):
        memoryview(after(("switch", 0, 0, A, BLOCKED, B)))


def test_s3_facts_that_say_nothing_new_are_not_kept():
    tracker = after(("switch", 0, 0, A, BLOCKED, B))
    for t in range(5000):
        tracker.runtime(t, 0, B, 1, 2)
        tracker.mention(t, 0, (b"b", 2), 2)
    assert (len(events_in(tracker)), tracker.namings_seen()) == (2, [(0, 0), (1, 1)])


def test_the_names_of_one_task_that_are_kept_are_bounded():
    tracker = after(*(("mention", i, 0, (b"n%d" % i, 5), 5) for i in range(500)))
    assert len(tracker.namings_seen()) == 32
    assert tracker.names_seen()[tracker.tasks_seen()["name"][0]] == "n499"


# ---- against the model

UNSEEN, NEW, RUNNING, QUEUED, ASLEEP, DEAD = range(6)


class Model:
    """The rules of `_tracker.pyx` in plain Python: a list of events, a dict a task."""

    def __init__(self):
        self.events, self.tasks, self.live, self.namings = [], [], {}, []
        self.curr, self.last = {}, {}
        self.now = self.nr_wakings = self.nr_switches = self.inferred = 0

    def row(self, pid):
        if pid == 0:
            return IDLE
        row = self.live.get(pid)
        return self.new(pid) if row is None or self.tasks[row]["state"] == DEAD else row

    def new(self, pid):
        self.live[pid] = len(self.tasks)
        first = {"pid": pid, "parent": -1, "name": None, "prio_first": -1, "prio": -1}
        self.tasks.append({**first, "state": UNSEEN, "early": None, "cpu": None})
        return self.live[pid]

    def say(self, kind, detail, cpu, task, context, back=0):
        self.events.append([self.now - back, kind, detail, cpu, task, context])

    def named(self, row, task):
        if row != IDLE and self.tasks[row]["name"] != task[0]:
            self.tasks[row]["name"] = task[0]
            self.namings.append((row, task[0]))

    def running(self, cpu, row, ran_ns=0):
        if self.curr.get(cpu, -1) == row:
            return
        self.leave(cpu, row)
        if cpu not in self.curr:
            self.say(SWITCH, FIRST, cpu, row, NOBODY)
        else:
            old = self.curr[cpu]
            detail = INFERRED
            if old < NOBODY:
                detail |= LOST | BLOCKED
                self.tasks[old]["state"] = ASLEEP
            self.say(SWITCH, detail, cpu, row, old, back=min(ran_ns, self.now - self.last[cpu]))
            self.inferred += row != IDLE
        self.run(cpu, row)

    def run(self, cpu, row):
        self.curr[cpu], self.last[cpu] = row, self.now
        if row != IDLE:
            self.undo(row)
            self.tasks[row].update(state=RUNNING, cpu=cpu)

    def undo(self, row):
        task = self.tasks[row]
        if task["early"] is not None and task["state"] == ASLEEP:
            task["early"][1] = TAKEN
        task["early"] = None

    def leave(self, cpu, row):
        if row != IDLE and self.tasks[row]["state"] == RUNNING and self.tasks[row]["cpu"] != cpu:
            there = self.tasks[row]["cpu"]
            self.say(SWITCH, INFERRED | LOST | BLOCKED, there, NOBODY, row)
            self.curr[there] = NOBODY
            self.tasks[row]["state"] = ASLEEP

    def prio(self, cpu, row, prio):
        task = self.tasks[row] if row != IDLE else None
        if task is not None and task["prio"] != prio:
            if task["prio"] < 0:
                task["prio_first"] = prio
            else:
                self.say(PRIO, 0, cpu, row, prio)
            task["prio"] = prio

    def switch(self, time, cpu, prev, out, next):
        self.now = time
        p, n = self.row(prev[1]), self.row(next[1])
        self.named(p, prev)
        self.named(n, next)
        self.running(cpu, p)
        self.prio(cpu, p, prev[2])
        self.leave(cpu, n)
        self.prio(cpu, n, next[2])
        out = PREEMPTED if p == IDLE else out
        self.say(SWITCH, out, cpu, n, p)
        if p != IDLE:
            self.tasks[p]["state"] = {PREEMPTED: QUEUED, BLOCKED: ASLEEP, EXITED: DEAD}[out]
        self.nr_switches += 1
        self.run(cpu, n)

    def switch_in(self, time, cpu, next):
        self.now = time
        n = self.row(next[1])
        self.named(n, next)
        self.leave(cpu, n)
        self.prio(cpu, n, next[2])
        old = self.curr.get(cpu, NOBODY)
        if old < NOBODY:
            self.tasks[old]["state"] = ASLEEP
        self.say(SWITCH, {IDLE: PREEMPTED, NOBODY: 0}.get(old, LOST | BLOCKED), cpu, n, old)
        self.nr_switches += 1
        self.run(cpu, n)

    def gap(self, time, cpu):
        self.now = self.last[cpu] = time
        if cpu in self.curr:
            old, self.curr[cpu] = self.curr[cpu], NOBODY
            if old < NOBODY:
                self.say(SWITCH, INFERRED | LOST | BLOCKED, cpu, NOBODY, old)
                self.tasks[old]["state"] = ASLEEP

    def context(self, time, cpu, tid, ran_ns=0):
        self.now = time
        if tid >= 0:
            self.running(cpu, self.row(tid), ran_ns)
        self.last[cpu] = time

    def mention(self, time, cpu, task, tid):
        self.context(time, cpu, tid)
        row = self.row(task[1])
        self.named(row, task)
        if row != IDLE and self.tasks[row]["prio"] < 0:
            self.tasks[row]["prio"] = self.tasks[row]["prio_first"] = task[2]
        return row, self.tasks[row] if row != IDLE else {"state": None}

    def waking(self, time, cpu, task, tid, irq):
        row, seen = self.mention(time, cpu, task, tid)
        self.nr_wakings += row != IDLE
        if seen["state"] in (UNSEEN, ASLEEP):
            seen.update(state=QUEUED, early=None)
            self.say(WAKE, irq, cpu, row, self.curr.get(cpu, NOBODY))
        elif seen["state"] in (RUNNING, QUEUED, DEAD):
            self.say(EARLY, irq, cpu, row, self.curr.get(cpu, NOBODY))
            seen["early"] = self.events[-1]

    def wakeup(self, time, cpu, task, tid, irq):
        row, seen = self.mention(time, cpu, task, tid)
        if seen["state"] in (UNSEEN, ASLEEP):
            if seen["early"] is not None:
                self.undo(row)
                self.say(READY, 0, cpu, row, NOBODY)
            else:
                irq = IRQ_REMOTE if self.nr_wakings else irq
                self.say(WAKE, irq, cpu, row, self.curr.get(cpu, NOBODY))
            seen["state"] = QUEUED
        elif seen["state"] == RUNNING:
            seen["early"] = None

    def wakeup_new(self, time, cpu, task, tid):
        row, seen = self.mention(time, cpu, task, tid)
        if seen["state"] in (UNSEEN, NEW):
            context = self.curr.get(cpu, NOBODY)
            if seen["parent"] < 0 and context < NOBODY:
                seen["parent"] = context
            seen.update(prio=task[2], prio_first=task[2], state=QUEUED)
            self.say(FORK, 0, cpu, row, context)

    def fork(self, time, cpu, parent, child, tid):
        self.context(time, cpu, tid)
        parent_row = self.row(parent[1])
        self.named(parent_row, parent)
        row = self.new(child[1])
        self.tasks[row].update(state=NEW, parent=-1 if parent_row == IDLE else parent_row)
        self.named(row, child)

    def runtime(self, time, cpu, task, ran_ns, tid):
        self.context(time, cpu, tid, ran_ns if task[1] == tid else 0)
        self.named(self.row(task[1]), task)


pids, cpus, tids = st.integers(0, 6), st.integers(0, 3), st.integers(-1, 6)
tasks = st.builds(lambda pid, prio, name: (b"n%d" % (pid if name else 9), pid, prio), pids,
                  st.sampled_from([99, 110, 120, 120, 120]), st.integers(0, 4))  # fmt: skip
outs, irqs = st.sampled_from([PREEMPTED, BLOCKED, BLOCKED, EXITED]), st.integers(0, 4)
waits = st.sampled_from([0, 1, 1000, 1 << 33])
facts = st.one_of(
    st.tuples(st.just("switch"), cpus, tasks, outs, tasks),
    st.tuples(st.just("switch"), cpus, tasks, outs, tasks),
    st.tuples(st.just("switch_in"), cpus, tasks),
    st.tuples(st.just("waking"), cpus, tasks, tids, irqs),
    st.tuples(st.just("wakeup"), cpus, tasks, tids, irqs),
    st.tuples(st.just("wakeup_new"), cpus, tasks, tids),
    st.tuples(st.just("fork"), cpus, tasks, tasks, tids),
    st.tuples(st.just("runtime"), cpus, tasks, st.integers(0, 5000), tids),
    st.tuples(st.just("mention"), cpus, tasks, tids),
    st.tuples(st.just("context"), cpus, tids),
    st.tuples(st.just("gap"), cpus),
)


def can_be(fact):
    kind, _, *rest = fact
    if kind == "switch":
        return rest[0][1] != rest[2][1] or rest[0][1] == 0
    return kind != "fork" or rest[1][1] != 0


@given(st.lists(st.tuples(waits, facts.filter(can_be)), max_size=60), st.integers(0, 1 << 50))
def test_random_facts_are_what_the_model_says(steps, now):
    tracker, model = Tracker(), Model()
    for wait, (kind, *arguments) in steps:
        now += wait
        getattr(tracker, kind)(now, *arguments)
        getattr(model, kind)(now, *arguments)
    assert events_in(tracker) == [tuple(event) for event in model.events]
    assert (tracker.nr_switches, tracker.inferred_switch_ins) == (model.nr_switches, model.inferred)
    seen, names = tracker.tasks_seen(), tracker.names_seen()
    for field in ("pid", "parent", "prio_first", "prio"):
        assert seen[field].tolist() == [task[field] for task in model.tasks]
    assert [(row, names[i].encode()) for row, i in tracker.namings_seen()] == model.namings
    assert tracker.cpus_seen() == sorted(model.curr)


def test_no_fact_adds_more_events_than_there_is_room_for():
    # Two tasks that run elsewhere, both with a new priority, after a long pause, where a third one ran.
    before = (
        ("switch", 0, 0, SWAPPER, 0, A),
        ("switch", 0, 1, SWAPPER, 0, B),
        ("switch", 0, 2, SWAPPER, 0, C),
    )
    facts = (*before, ("switch", 1 << 40, 0, (b"b", 2, 100), BLOCKED, (b"c", 3, 101)))
    few, many = after(*before), after(*facts)
    few.finish()
    many.finish()
    assert len(np.frombuffer(many, EVENT_DTYPE)) - len(np.frombuffer(few, EVENT_DTYPE)) == EVENTS_A_FACT_MAX


def test_tables_of_every_kind_grow():
    tasks = [(b"n%d" % i, i) for i in range(5001)]
    tracker = after(*(("switch", i, i % 500, tasks[i], BLOCKED, tasks[i + 1]) for i in range(1, 5000)))
    assert tracker.tasks_seen()["pid"].tolist() == list(range(1, 5001))
    assert tracker.names_seen() == [f"n{i}" for i in range(1, 5001)]
    assert len(tracker.cpus_seen()) == 500 and len(events_in(tracker)) >= 9998
