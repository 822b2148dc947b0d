"""The Python API of one machine. Ways to be right: worked examples of the specification (section 10), and
laws.

Misuse first: each `raise` of cfs/scheduler/_scheduler.pyx has a row in REFUSALS, and after each the whole state is
the one before (invariant I3 of that file). Then what handles, users, groups and tunables are, in the order
of the class.
"""

import gc
import pickle
import subprocess
import sys
import textwrap
import weakref

import numpy as np
import pytest

import cfs
from cfs import GroupError, ModelError, StateError, TimeError, TunableError
from tests.builders import MS, a_blocked_task, a_scheduler, hogs, run, state_of, unchanged

# ---- Machines to misuse: each has its interesting things as attributes of a namespace ------------


class Flat:
    """A sleeper, a waiting and a running task, and one that has exited; at 5 ms."""

    def __init__(self):
        self.sched = a_scheduler()
        self.dead = self.sched.fork(name="dead", now_ns=MS)
        self.sched.exit(now_ns=MS)
        self.sleeper = a_blocked_task(self.sched, name="sleeper", now_ns=2 * MS)
        hogs(self.sched, 2, now_ns=5 * MS)
        self.running, self.waiting = self.sched.current, self.sched.queue()[0]
        self.foreign = a_scheduler().fork(now_ns=0)


class ByCgroup:
    """Groups a and b, one task in a; a removed group, and a foreign one; at 5 ms."""

    def __init__(self):
        self.sched = a_scheduler(group_by="cgroup")
        self.gone = self.sched.create_group("gone")
        self.sched.remove_group(self.gone)
        self.a, self.b = self.sched.create_group("a"), self.sched.create_group("b", shares=512)
        self.task = self.sched.fork(group="a", now_ns=5 * MS)
        self.foreign = a_scheduler(group_by="cgroup").create_group("a")


class ByUid:
    """Users 0 and 1000, one task of the latter; at 5 ms."""

    def __init__(self):
        self.sched = a_scheduler(group_by="uid")
        self.task = self.sched.fork(uid=1000, now_ns=5 * MS)


class TwoCpus:
    """A running and a waiting task on CPU 0; CPU 1 idles; at 5 ms."""

    def __init__(self):
        self.sched = a_scheduler(cpus=2)
        hogs(self.sched, 2, now_ns=5 * MS)
        self.running, self.waiting = self.sched.current, self.sched.queue()[0]


class Idle:
    """Nobody runs; at 5 ms."""

    def __init__(self):
        self.sched = a_scheduler()
        self.sleeper = a_blocked_task(self.sched, now_ns=5 * MS)


class HugeShares:
    """Two groups whose loads add up to 2**32, a task in each, and a sleeper in b; at 5 ms."""

    def __init__(self):
        self.sched = a_scheduler(group_by="cgroup")
        self.a, self.b = (self.sched.create_group(name, shares=2**31) for name in "ab")
        self.sleeper = a_blocked_task(self.sched, group="b", now_ns=MS)
        self.in_a = self.sched.fork(group="a", now_ns=5 * MS)
        self.in_b = self.sched.fork(group="b", now_ns=5 * MS)


class AveragedHugeShares:
    """Group a weighs 2**32 and has the running task; b has one waiting task; placing divides; at 5 ms."""

    def __init__(self):
        self.sched = a_scheduler(group_by="cgroup")
        self.a, self.b = self.sched.create_group("a", shares=2**32), self.sched.create_group("b")
        self.empty = self.sched.create_group("empty")
        self.in_a = self.sched.fork(group="a", now_ns=MS)
        self.in_b = self.sched.fork(group="b", now_ns=5 * MS)
        self.sched.set_tunables(APPROX_AVG=True)


class HugeSharesJustForked:
    """As above, but the last event was a fork, so the flag shows; group b is empty."""

    def __init__(self):
        self.sched = a_scheduler(group_by="cgroup", APPROX_AVG=True)
        self.a, self.b = self.sched.create_group("a", shares=2**32), self.sched.create_group("b")
        hogs(self.sched, 2, now_ns=5 * MS, group="a")


LATER = 6 * MS

REFUSALS = [
    # time
    (Flat, lambda m: m.sched.tick(now_ns=5 * MS - 1), TimeError, "lies before the last event at 5000000 ns"),
    (Flat, lambda m: m.sched.tick(now_ns=-1), TimeError, "now_ns = -1 is outside of 0"),
    (Flat, lambda m: m.sched.tick(now_ns=2**64), TimeError, "outside of 0 ... 2\\*\\*64 - 1"),
    (Flat, lambda m: m.sched.tick(now_ns=6e6), TypeError, "integer number of ns, not 6000000.0"),
    (Flat, lambda m: m.sched.tick(now_ns=None), TypeError, "not None"),
    (Flat, lambda m: m.sched.tick(), TypeError, "now_ns"),
    (Flat, lambda m: m.sched.wake(m.sleeper, now_ns=0), TimeError, "before"),
    (Flat, lambda m: m.sched.set_nice(m.running, 5, now_ns=0), TimeError, "before"),
    (Flat, lambda m: m.sched.set_policy(m.running, "batch", now_ns=0), TimeError, "before"),
    (ByCgroup, lambda m: m.sched.move(m.task, group="b", now_ns=0), TimeError, "before"),
    (ByCgroup, lambda m: m.sched.create_group("c", now_ns=0), TimeError, "before"),
    (ByCgroup, lambda m: m.sched.set_shares("a", 5, now_ns=0), TimeError, "before"),
    (ByUid, lambda m: m.sched.create_user(7, now_ns=0), TimeError, "before"),
    (ByUid, lambda m: m.sched.move(m.task, uid=7, now_ns=0), TimeError, "before"),
    (ByUid, lambda m: m.sched.fork(uid=7, now_ns=0), TimeError, "before"),
    (TwoCpus, lambda m: m.sched.migrate(m.waiting, 1, now_ns=0), TimeError, "before"),
    # CPUs
    (Flat, lambda m: m.sched.fork(now_ns=LATER, start_cpu=1), StateError, "cpu = 1 is outside of 0 ... 0"),
    (Flat, lambda m: m.sched.adopt(cpu=1), StateError, "cpu = 1 is outside of 0 ... 0"),
    (Flat, lambda m: m.sched.tick(now_ns=LATER, cpu=1), StateError, "cpu = 1 is outside of 0 ... 0"),
    (Flat, lambda m: m.sched.fork(now_ns=LATER, cpu=-1), StateError, "cpu = -1"),
    (Flat, lambda m: m.sched.wake(m.sleeper, now_ns=LATER, cpu=1), StateError, "cpu = 1"),
    (Flat, lambda m: m.sched.block(now_ns=LATER, cpu="0"), TypeError, "cpu must be an integer, not '0'"),
    (Flat, lambda m: m.sched.queue(cpu=1), StateError, "cpu = 1"),
    (Flat, lambda m: m.sched.current_on(1), StateError, "cpu = 1"),
    (Flat, lambda m: m.sched.cpu_fields(1), StateError, "cpu = 1"),
    (ByCgroup, lambda m: m.a.fields(1), StateError, "cpu = 1"),
    (TwoCpus, lambda m: m.sched.migrate(m.waiting, 2), StateError, "cpu = 2 is outside of 0 ... 1"),
    # tasks
    (Flat, lambda m: m.sched.wake(None, now_ns=LATER), StateError, "not None"),
    (Flat, lambda m: m.sched.wake(1, now_ns=LATER), TypeError, "Task"),
    (Flat, lambda m: m.sched.wake(m.dead, now_ns=LATER), StateError, "has exited"),
    (Flat, lambda m: m.sched.wake(m.foreign, now_ns=LATER), StateError, "belongs to another scheduler"),
    (Flat, lambda m: m.sched.set_nice(m.dead, 0), StateError, "has exited"),
    (Flat, lambda m: m.sched.set_nice(m.foreign, 0), StateError, "another scheduler"),
    (Flat, lambda m: m.sched.set_policy(m.dead, "batch"), StateError, "has exited"),
    (ByCgroup, lambda m: m.sched.move(Flat().dead, group="b"), StateError, "another scheduler"),
    (TwoCpus, lambda m: m.sched.migrate(m.running, 1), StateError, "runs: only a waiting or blocked"),
    (
        Idle,
        lambda m: m.sched.block(now_ns=LATER),
        StateError,
        "no task runs on CPU 0, and the idle task cannot block",
    ),
    (Idle, lambda m: m.sched.exit(now_ns=LATER), StateError, "cannot exit"),
    (Idle, lambda m: m.sched.yield_(now_ns=LATER), StateError, "cannot yield"),
    (TwoCpus, lambda m: m.sched.block(now_ns=LATER, cpu=1), StateError, "no task runs on CPU 1"),
    # values
    (Flat, lambda m: m.sched.set_nice(m.running, 99), StateError, "nice = 99 is outside of -20 ... 19"),
    (Flat, lambda m: m.sched.set_nice(m.running, 1.0), TypeError, "nice must be an integer"),
    (Flat, lambda m: m.sched.fork(now_ns=LATER, nice=-21), StateError, "nice = -21"),
    (
        Flat,
        lambda m: m.sched.set_policy(m.running, "fifo"),
        StateError,
        "'fifo' is none of normal, batch, idle",
    ),
    (Flat, lambda m: m.sched.set_policy(m.running, 0), StateError, "0 is none of"),
    (Flat, lambda m: m.sched.fork(now_ns=LATER, policy="rr"), StateError, "'rr' is none of"),
    (Flat, lambda m: m.sched.fork(now_ns=LATER, name=5), TypeError, "name must be a string, not 5"),
    (ByUid, lambda m: m.sched.fork(now_ns=LATER, uid=7, name=5), TypeError, "name must be a string"),
    (ByUid, lambda m: m.sched.fork(now_ns=LATER, uid=7, nice=20), StateError, "nice = 20"),
    (Flat, lambda m: m.sched.adopt(nice=20), StateError, "nice = 20"),
    (Flat, lambda m: m.sched.adopt(policy="rr"), StateError, "'rr' is none of"),
    (Flat, lambda m: m.sched.adopt(name=5), TypeError, "name must be a string"),
    (ByUid, lambda m: m.sched.adopt(uid=7, name=5), TypeError, "name must be a string"),
    (Flat, lambda m: m.sched.adopt(uid=7), GroupError, "group_by='uid'"),
    (ByCgroup, lambda m: m.sched.adopt(group="c"), GroupError, "no group 'c'"),
    # what this model does not have
    (Flat, lambda m: m.sched.fork(now_ns=LATER, clone_vm=True), ModelError, "has no forks that share memory"),
    (
        Flat,
        lambda m: m.sched.wake(m.sleeper, now_ns=LATER, sync=True),
        ModelError,
        "has no synchronous wakeups",
    ),
    (
        Flat,
        lambda m: m.sched.wake(m.sleeper, now_ns=LATER, irq=True),
        ModelError,
        "has no wakeups by interrupts",
    ),
    (Flat, lambda m: m.sched.block(now_ns=LATER, sleep="deep"), StateError, "'deep' is none of"),
    (
        Flat,
        lambda m: m.sched.block(now_ns=LATER, sleep="uninterruptible"),
        ModelError,
        "has no kinds of sleep",
    ),
    (Flat, lambda m: m.sched.set_slice(m.running, 5), ModelError, "has no custom slices"),
    (ByCgroup, lambda m: m.sched.set_group_idle("a", True), ModelError, "has no idle groups"),
    # groups
    (Flat, lambda m: m.sched.fork(now_ns=LATER, uid=0), GroupError, "needs Scheduler\\(group_by='uid'\\)"),
    (
        Flat,
        lambda m: m.sched.fork(now_ns=LATER, group="/"),
        GroupError,
        "needs Scheduler\\(group_by='cgroup'\\)",
    ),
    (ByUid, lambda m: m.sched.fork(now_ns=LATER, group="/"), GroupError, "group_by='cgroup'"),
    (ByCgroup, lambda m: m.sched.fork(now_ns=LATER, uid=0), GroupError, "group_by='uid'"),
    (ByUid, lambda m: m.sched.fork(now_ns=LATER, uid=-1), GroupError, "uid = -1 is outside of 0"),
    (ByUid, lambda m: m.sched.fork(now_ns=LATER, uid=2**32), GroupError, "uid = 4294967296"),
    (ByUid, lambda m: m.sched.fork(now_ns=LATER, uid="root"), TypeError, "uid must be an integer"),
    (
        ByCgroup,
        lambda m: m.sched.fork(now_ns=LATER, group="c"),
        GroupError,
        "no group 'c'; there are '/', 'a', 'b'",
    ),
    (ByCgroup, lambda m: m.sched.fork(now_ns=LATER, group=m.gone), GroupError, "was removed"),
    (
        ByCgroup,
        lambda m: m.sched.fork(now_ns=LATER, group=m.foreign),
        GroupError,
        "belongs to another scheduler",
    ),
    (ByCgroup, lambda m: m.sched.queue(m.gone), GroupError, "was removed"),
    (ByCgroup, lambda m: m.sched.queue("c"), GroupError, "no group 'c'"),
    (ByCgroup, lambda m: m.sched.move(m.task), GroupError, "move needs uid= or group="),
    (ByCgroup, lambda m: m.sched.move(m.task, group="c"), GroupError, "no group 'c'"),
    (ByCgroup, lambda m: m.sched.move(m.task, uid=1), GroupError, "group_by='uid'"),
    (Flat, lambda m: m.sched.create_group("a"), GroupError, "create_group needs"),
    (ByUid, lambda m: m.sched.create_group("a"), GroupError, "create_group needs"),
    (ByCgroup, lambda m: m.sched.create_group("a"), GroupError, "'a' exists already"),
    (ByCgroup, lambda m: m.sched.create_group("/"), GroupError, "'/' exists already"),
    (ByCgroup, lambda m: m.sched.create_group(""), GroupError, "not empty"),
    (ByCgroup, lambda m: m.sched.create_group(5), GroupError, "is a string"),
    (ByCgroup, lambda m: m.sched.create_group("c", shares=-1), GroupError, "shares = -1"),
    (
        ByCgroup,
        lambda m: m.sched.create_group("c", shares=2**64),
        GroupError,
        "shares = 18446744073709551616",
    ),
    (
        ByCgroup,
        lambda m: m.sched.create_group("c", parent="a"),
        GroupError,
        "has 1 level of groups below the root",
    ),
    (ByCgroup, lambda m: m.sched.create_group("c", parent="x"), GroupError, "no group 'x'"),
    (Flat, lambda m: m.sched.create_user(1), GroupError, "create_user needs"),
    (ByCgroup, lambda m: m.sched.create_user(1), GroupError, "create_user needs"),
    (ByUid, lambda m: m.sched.create_user(1000), GroupError, "user 1000 exists already"),
    (ByUid, lambda m: m.sched.create_user(-1), GroupError, "uid = -1"),
    (ByUid, lambda m: m.sched.create_user(7, shares=-1), GroupError, "shares = -1"),
    (ByCgroup, lambda m: m.sched.set_shares("a", -1), GroupError, "shares = -1"),
    (ByCgroup, lambda m: m.sched.set_shares("a", 1.5), TypeError, "shares must be an integer"),
    (ByCgroup, lambda m: m.sched.set_shares("c", 5), GroupError, "no group 'c'"),
    (ByCgroup, lambda m: m.sched.set_shares(m.gone, 5), GroupError, "was removed"),
    (ByCgroup, lambda m: m.sched.set_shares(m.foreign, 5), GroupError, "another scheduler"),
    (ByCgroup, lambda m: m.sched.remove_group("/"), GroupError, "is the root group"),
    (ByCgroup, lambda m: m.sched.remove_group("a"), GroupError, "'a' still has 1 tasks"),
    (ByCgroup, lambda m: m.sched.remove_group("c"), GroupError, "no group 'c'"),
    (ByCgroup, lambda m: m.sched.remove_group(m.gone), GroupError, "was removed"),
    (ByCgroup, lambda m: m.sched.remove_group(m.foreign), GroupError, "another scheduler"),
    (ByUid, lambda m: m.sched.remove_group("uid:1000"), GroupError, "still has 1 tasks"),
    # tunables
    (Flat, lambda m: m.sched.set_tunables(sched_charm=1), TunableError, "'sched_charm' is no tunable"),
    (
        Flat,
        lambda m: m.sched.set_tunables(sched_latency_ns=1),
        TunableError,
        "outside of 100000 ... 1000000000",
    ),
    (
        Flat,
        lambda m: m.sched.set_tunables(START_DEBIT=0, TREE_AVG=2),
        TunableError,
        "TREE_AVG is a feature bit",
    ),
    # what the model leaves undefined
    (HugeShares, lambda m: m.sched.tick(now_ns=LATER), StateError, "tick: a slice would be divided by 0"),
    (
        AveragedHugeShares,
        lambda m: m.sched.set_nice(m.in_b, 5, now_ns=LATER),
        StateError,
        "set_nice: a slice would",
    ),
    (
        AveragedHugeShares,
        lambda m: m.sched.set_policy(m.in_b, "batch", now_ns=LATER),
        StateError,
        "set_policy: a slice",
    ),
    (
        AveragedHugeShares,
        lambda m: m.sched.move(m.in_b, group="empty", now_ns=LATER),
        StateError,
        "move: a slice would",
    ),
    (
        HugeSharesJustForked,
        lambda m: m.sched.fork(now_ns=LATER, group="b"),
        StateError,
        "fork: a slice would",
    ),
    # the whole Scheduler
    (Flat, lambda m: m.sched.__init__(), StateError, "initialised once"),
    (Flat, lambda m: pickle.dumps(m.running), TypeError, "a Task cannot be pickled"),
    (ByCgroup, lambda m: pickle.dumps(m.a), TypeError, "a group cannot be pickled"),
    # handles
    (Flat, lambda m: setattr(m.running, "nice", 99), StateError, "nice = 99"),
    (Flat, lambda m: setattr(m.dead, "nice", 1), StateError, "has exited"),
    (Flat, lambda m: setattr(m.dead, "policy", "batch"), StateError, "has exited"),
    (Flat, lambda m: setattr(m.running, "policy", "fifo"), StateError, "is none of"),
    (ByCgroup, lambda m: setattr(m.gone, "shares", 5), GroupError, "has been removed"),
    (ByCgroup, lambda m: setattr(m.a, "shares", -5), GroupError, "shares = -5"),
    (ByCgroup, lambda m: m.sched.groups["c"], KeyError, "c"),
    (ByUid, lambda m: m.sched.users[5], KeyError, "5"),
]


@pytest.mark.parametrize(
    ("machine", "misuse", "error", "message"),
    REFUSALS,
    ids=[f"{row[0].__name__}-{row[3][:30]}" for row in REFUSALS],
)
def test_misuse_raises_and_changes_nothing(machine, misuse, error, message):
    """I3 of cfs/scheduler/_scheduler.pyx."""
    it = machine()
    with unchanged(it.sched), pytest.raises(error, match=message):
        misuse(it)


@pytest.mark.parametrize(("machine", "misuse", "error"), [row[:3] for row in REFUSALS])
def test_after_misuse_the_machine_goes_on_as_if_nothing_had_been(machine, misuse, error):
    """What a dump does not show (the next id, free slots, flags) must be the same too."""
    misused, twin = machine(), machine()
    with pytest.raises(error):
        misuse(misused)
    for it in (misused, twin):
        for event in (it.sched.fork, it.sched.fork, it.sched.block, it.sched.exit):
            event(now_ns=it.sched.now_ns + MS)
    assert state_of(misused.sched) == state_of(twin.sched)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "linux-9.99"}, ModelError, "no model 'linux-9.99'; there are linux-2.6.24-cfs"),
        ({"model": None}, ModelError, "no model None"),
        ({"model": ["linux-2.6.24-cfs"]}, ModelError, "no model"),
        ({"group_by": "pid"}, ModelError, "group_by = 'pid'"),
        ({"cpus": 0}, StateError, "cpus = 0 is outside of 1 ... 4096"),
        ({"cpus": 4097}, StateError, "cpus = 4097"),
        ({"cpus": "2"}, TypeError, "cpus must be an integer"),
        ({"root_shares": 5}, GroupError, "root_shares needs"),
        ({"root_shares": -5, "group_by": "uid"}, GroupError, "shares = -5"),
        ({"sched_charm": 1}, TunableError, "'sched_charm' is no tunable"),
        ({"sched_latency_ns": "1"}, TunableError, "must be an integer"),
    ],
)
def test_no_scheduler_is_made_of_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        cfs.Scheduler(**options)


@pytest.mark.parametrize(
    ("kind", "message"),
    [(cfs.Task, "made by Scheduler.fork"), (cfs.TaskGroup, "create_group"), (cfs.User, "create_user")],
)
def test_handles_are_not_made_by_hand(kind, message):
    with pytest.raises(TypeError, match=message):
        kind()


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.fork(now_ns=0),
        lambda s: s.tick(now_ns=0),
        lambda s: s.current,
        lambda s: s.min_vruntime,
        lambda s: s.queue(),
        lambda s: s.set_tunables(sched_nr_latency=3),
    ],
)
def test_a_scheduler_that_was_never_initialised_raises(use):
    with pytest.raises(StateError, match="never initialised"):
        use(cfs.Scheduler.__new__(cfs.Scheduler))


def test_a_scheduler_that_was_never_initialised_has_a_repr():
    assert "not initialised" in repr(cfs.Scheduler.__new__(cfs.Scheduler))


# ---- Undefined, and just not undefined -----------------------------------------------------------


def test_a_tick_is_defined_again_with_smaller_shares():
    it = HugeShares()
    it.b.shares = 1024
    it.sched.tick(now_ns=LATER)
    assert it.sched.now_ns == LATER


def test_a_fork_whose_slice_is_undefined_leaves_no_user_behind():
    """The new user's entity would be placed by the average of a top queue whose one user weighs 2**32."""
    sched = a_scheduler(group_by="uid")
    sched.fork(uid=1, now_ns=0)
    sched.set_tunables(START_DEBIT=True, APPROX_AVG=True)
    sched.set_shares("uid:1", 2**32)
    with unchanged(sched), pytest.raises(StateError, match="fork: a slice would"):
        sched.fork(uid=2, now_ns=1)


def test_a_wakeup_into_a_queued_group_looks_at_its_own_queue_only():
    """Specification 5.5: the walk up stops at the first entity that is on its queue, so nothing else is
    placed.
    """
    sched = a_scheduler(group_by="cgroup")
    sched.create_group("a", shares=2**32 - 1024)
    sched.create_group("b")
    hogs(sched, 2, now_ns=0, group="b")
    sleeper = sched.current
    sched.block(now_ns=MS)
    sched.fork(now_ns=2 * MS, group="a")
    sched.set_tunables(APPROX_AVG=True)
    assert sched.queue_fields()["load_weight"] == 2**32
    sched.wake(sleeper, now_ns=3 * MS)
    assert sleeper.state in ("running", "runnable")


# ---- Events --------------------------------------------------------------------------------------


def test_worked_example_10_1():
    sched = a_scheduler()
    first = sched.fork(now_ns=1000)
    second = sched.fork(nice=5, now_ns=2000)
    assert (first.vruntime, second.vruntime, sched.min_vruntime) == (15_070_904, 1000, 15_070_904)
    assert sched.current is second and sched.resched
    assert sched.tick(now_ns=4 * MS) is False
    assert (second.vruntime, second.sum_exec_ns, second.slice_ns) == (12_221_752, 3_998_000, 4_930_095)
    assert sched.tick(now_ns=8 * MS) is True
    assert (second.vruntime, sched.current) == (24_448_618, first)
    assert sched.tick(now_ns=12 * MS) is False
    assert (first.vruntime, sched.min_vruntime) == (19_070_904, 19_070_904)


@pytest.mark.parametrize(("woken_ns", "vruntime"), [(60 * MS, 47_000_000), (6 * MS, 2_999_000)])
def test_worked_example_10_2(woken_ns, vruntime):
    sched = a_scheduler()
    first, second = sched.fork(now_ns=1000), sched.fork(now_ns=1000)
    assert (first.vruntime, second.vruntime, sched.min_vruntime) == (10_000_000, 0, 10_000_000)
    sched.block(now_ns=3 * MS)
    if woken_ns > 40 * MS:
        sched.tick(now_ns=40 * MS)
    assert sched.wake(second, now_ns=woken_ns) is True
    assert (second.vruntime, sched.current) == (vruntime, second)


def test_a_wakeup_that_owes_exactly_the_granularity_does_not_preempt():
    """10.2 (b) with 1000 ns less for task 1: it would be equal."""
    sched = a_scheduler()
    _, second = sched.fork(now_ns=1000), sched.fork(now_ns=1000)
    sched.block(now_ns=3 * MS)
    assert sched.wake(second, now_ns=6 * MS - 1000) is False


def test_worked_example_10_3():
    sched = a_scheduler()
    first = sched.fork(now_ns=1000)
    second = sched.fork(now_ns=MS)
    assert (first.vruntime, second.vruntime, sched.min_vruntime) == (10_999_000, 999_000, 10_999_000)
    sched.tick(now_ns=2 * MS)
    assert (second.vruntime, sched.min_vruntime) == (1_999_000, 10_999_000)
    third = sched.fork(nice=10, now_ns=3 * MS)
    assert (second.vruntime, third.vruntime) == (20_489_268, 2_999_000)
    assert (sched.queue(), sched.current) == ([first, second], third)
    assert sched.queue_fields()["load_weight"] == 2158


def test_worked_example_10_4():
    sched = a_scheduler(group_by="cgroup")
    a = sched.create_group("a")
    first = sched.fork(now_ns=1000)
    second = sched.fork(group=a, now_ns=2000)
    root = first.group
    assert (second.vruntime, root.vruntime, a.vruntime, sched.current) == (18_951_424, 1000, 1000, second)
    sched.tick(now_ns=4 * MS)
    assert (a.vruntime, a.sum_exec_ns, second.vruntime) == (3_999_000, 3_998_000, 22_949_424)
    sched.set_shares(a, 512, now_ns=5 * MS)
    assert (a.vruntime, a.fields()["inv_weight"], sched.cpu_fields()["clock"]) == (
        3_999_000,
        8_388_608,
        4 * MS,
    )
    assert sched.queue_fields() == {"min_vruntime": 1000, "load_weight": 1536, "nr_running": 2}
    assert sched.tick(now_ns=8 * MS) is True
    assert (a.vruntime, a.sum_exec_ns, sched.current) == (11_999_000, 7_998_000, first)
    assert sched.tick(now_ns=12 * MS) is False
    assert (root.vruntime, sched.min_vruntime) == (4_001_000, 4_001_000)


@pytest.mark.parametrize("which", ["running", "waiting"])
def test_a_wakeup_of_a_runnable_task_only_passes_time(which):
    it = Flat()
    before = state_of(it.sched)
    assert it.sched.wake(getattr(it, which), now_ns=LATER) is False
    after = state_of(it.sched)
    assert after.pop("time")[0] == LATER and before.pop("time")[0] == 5 * MS
    assert after == before


def test_block_and_exit_return_whether_another_task_runs():
    it = Flat()
    assert it.sched.block(now_ns=LATER) is True
    assert it.sched.exit(now_ns=LATER) is True
    assert it.sched.current is None


def test_a_plain_yield_goes_on_if_nobody_has_a_smaller_key():
    it = Flat()
    assert it.sched.yield_(now_ns=5 * MS) is False


def test_a_batch_task_yields_to_everybody():
    it = Flat()
    it.running.policy = "batch"
    assert it.sched.yield_(now_ns=LATER) is True
    assert it.sched.queue()[-1] is it.running


def test_the_same_nice_value_does_nothing():
    it = Flat()
    clock = it.sched.cpu_fields()["clock"]
    it.sched.set_nice(it.running, 0, now_ns=LATER)
    assert it.sched.cpu_fields()["clock"] == clock


def test_nice_is_written_at_the_time_of_the_last_event():
    it = Flat()
    it.waiting.nice = 5
    assert (it.waiting.nice, it.waiting.weight, it.waiting.prio, it.sched.now_ns) == (5, 335, 125, 5 * MS)


def test_a_child_inherits_nice_policy_and_group():
    sched = a_scheduler(group_by="uid")
    sched.fork(uid=1000, nice=7, policy="batch", now_ns=0)
    child = sched.fork(now_ns=1)
    assert (child.nice, child.policy, child.uid) == (7, "batch", 1000)


def test_a_child_of_the_idle_task_is_an_ordinary_task():
    child = a_scheduler().fork(now_ns=0)
    assert (child.nice, child.policy, child.prio, child.group) == (0, "normal", 120, None)


def test_a_task_on_another_cpu_may_be_woken():
    it = TwoCpus()
    it.sched.block(now_ns=LATER)
    sleeper = it.running
    assert it.sched.wake(sleeper, now_ns=7 * MS, cpu=1) in (True, False)
    assert sleeper.cpu == 0 and sleeper.state != "blocked"


@pytest.mark.parametrize(
    "make", [int, np.int64, np.uint64, lambda value: type("I", (), {"__index__": lambda _: value})()]
)
def test_every_integer_is_an_integer(make):
    sched = a_scheduler(cpus=make(2))
    task = sched.fork(now_ns=make(5), nice=make(5), cpu=make(1))
    sched.set_tunables(sched_latency_ns=make(30_000_000))
    assert (task.nice, task.cpu, sched.now_ns, sched.tunables.sched_latency_ns) == (5, 1, 5, 30_000_000)


def test_the_last_moment_of_the_clock_is_reached():
    sched = a_scheduler()
    sched.fork(now_ns=0)
    sched.tick(now_ns=2**64 - 1)
    assert sched.current.sum_exec_ns == 2**64 - 1


def test_a_child_may_start_on_another_cpu():
    """Placed there by that CPU's floor, and without a parent to change places with (specification 5.7,
    6.4).
    """
    it = TwoCpus()
    floor = it.sched.queue_fields(cpu=1)["min_vruntime"]
    child = it.sched.fork(now_ns=LATER, start_cpu=1)
    assert (child.cpu, it.sched.current_on(1), it.sched.current) == (1, child, it.running)
    assert child.vruntime == (floor + 40 * MS) % 2**64  # alone: a whole period, doubled as there are two CPUs


def test_a_child_of_the_idle_task_that_starts_elsewhere_is_rebased():
    """Specification 6.2, then 5.7 step 5: it keeps the idle task's distance to the floor, and is not
    placed.
    """
    it = TwoCpus()
    run(it.sched, 50 * MS)
    floors = [it.sched.queue_fields(cpu=cpu)["min_vruntime"] for cpu in (0, 1)]
    child = it.sched.fork(now_ns=51 * MS, cpu=1, start_cpu=0)
    assert child.cpu == 0
    assert child.vruntime == (0 - (floors[1] - floors[0])) % 2**64


def test_an_adopted_task_sleeps_and_no_time_passes():
    it = Flat()
    before = state_of(it.sched)["time"]
    adopted = it.sched.adopt(name="old", nice=5, policy="batch")
    assert (adopted.state, adopted.name, adopted.nice, adopted.policy) == ("blocked", "old", 5, "batch")
    assert state_of(it.sched)["time"] == before


def test_an_adopted_task_wakes_as_any_sleeper():
    it = Flat()
    adopted, floor = it.sched.adopt(), it.sched.min_vruntime
    it.sched.wake(adopted, now_ns=5 * MS)
    assert adopted.vruntime == max(0, floor - 20 * MS)


def test_an_adopted_task_belongs_to_the_user_that_is_named_or_to_root():
    it = ByUid()
    assert (it.sched.adopt(uid=7).uid, it.sched.adopt().uid) == (7, 0)


# ---- Tasks ---------------------------------------------------------------------------------------


def test_a_task_has_one_handle():
    """I2 of cfs/scheduler/_scheduler.pyx."""
    it = Flat()
    assert it.sched.current is it.running
    assert {id(task) for task in it.sched.tasks} == {id(it.sleeper), id(it.waiting), id(it.running)}


def test_a_task_that_nobody_holds_lives_on():
    sched = a_scheduler()
    sched.fork(name="alone", now_ns=0)
    gc.collect()
    assert sched.current.name == "alone"


def test_tasks_are_listed_in_order_of_creation_even_if_slots_are_used_again():
    sched = a_scheduler()
    first, second, third = hogs(sched, 3)
    while sched.current is not second:
        sched.tick(now_ns=sched.now_ns + MS)
    sched.exit(now_ns=sched.now_ns)
    fourth = sched.fork(now_ns=sched.now_ns)
    assert [task.id for task in sched.tasks] == [first.id, third.id, fourth.id] == [1, 3, 4]


def test_an_id_is_never_used_again():
    sched = a_scheduler()
    seen = set()
    for now in range(200):
        seen.add(sched.fork(now_ns=now).id)
        sched.exit(now_ns=now)
    assert seen == set(range(1, 201))


def test_a_handle_outlives_its_task():
    """I2 of cfs/scheduler/_scheduler.pyx: from then on it asks nobody."""
    it = Flat()
    running = it.running
    running_sum = running.sum_exec_ns
    it.sched.exit(now_ns=LATER)
    assert (running.state, running.sum_exec_ns, running.exited_ns) == ("dead", running_sum + MS, LATER)
    assert (running.name, running.scheduler) == (f"task-{running.id}", it.sched)


def test_a_living_task_has_not_exited():
    assert Flat().running.exited_ns is None


@pytest.mark.parametrize(
    "fact",
    ["nice", "policy", "prio", "cpu", "group", "uid", "vruntime", "weight", "on_rq", "slice_ns", "vslice"],
)
def test_a_dead_task_tells_nothing_else(fact):
    with pytest.raises(StateError, match="has exited"):
        getattr(Flat().dead, fact)


def test_a_dead_task_has_no_fields():
    with pytest.raises(StateError, match="has exited"):
        Flat().dead.fields()


def test_states_are_told_by_their_names():
    it = Flat()
    assert [t.state for t in (it.running, it.waiting, it.sleeper, it.dead)] == [
        "running",
        "runnable",
        "blocked",
        "dead",
    ]
    assert [t.on_rq for t in (it.running, it.waiting, it.sleeper)] == [True, True, False]


def test_a_task_without_a_name_is_called_by_its_id():
    assert a_scheduler().fork(now_ns=0).name == "task-1"


@pytest.mark.parametrize("name", ["cc1", "", "x" * 1000, "Übung 🐧", np.str_("numpy")])
def test_any_string_is_a_name(name):
    task = a_scheduler().fork(name=name, now_ns=0)
    assert task.name == (str(name) or "task-1")


def test_the_fields_of_a_task_have_the_names_of_the_kernel():
    task = a_scheduler().fork(now_ns=7)
    assert task.fields() == {
        "vruntime": 0,
        "sum_exec_runtime": 0,
        "on_rq": 1,
        "load_weight": 1024,
        "inv_weight": 2**22,
        "exec_start": 7,
        "prev_sum_exec_runtime": 0,
    }


def test_slices_are_those_of_the_queue_as_it_is():
    it = Flat()
    assert (it.running.slice_ns, it.running.vslice) == (10 * MS, 10 * MS)
    it.sched.block(now_ns=LATER)
    it.sched.block(now_ns=LATER)
    assert (it.running.slice_ns, it.running.vslice) == (0, 0)


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ("running", "<Task {0.id} '{0.name}' running, nice 0, ran 0 ns>"),
        ("sleeper", "<Task 2 'sleeper' blocked, nice 0, ran 0 ns>"),
        ("dead", "<Task 1 'dead' dead, ran 0 ns>"),
    ],
)
def test_a_task_shows_who_it_is_and_how_it_stands(which, text):
    task = getattr(Flat(), which)
    assert repr(task) == text.format(task)


def test_a_task_shows_its_policy_and_group():
    task = a_scheduler(group_by="uid").fork(uid=5, policy="batch", nice=3, now_ns=0)
    assert repr(task) == "<Task 1 'task-1' running, nice 3 batch in 'uid:5', ran 0 ns>"


# ---- Groups and users ----------------------------------------------------------------------------


def test_there_are_no_groups_without_groups():
    sched = a_scheduler()
    assert (dict(sched.groups), dict(sched.users), sched.group_by) == ({}, {}, None)


def test_the_root_group_is_there_from_the_start():
    by_cgroup, by_uid = a_scheduler(group_by="cgroup"), a_scheduler(group_by="uid")
    assert (list(by_cgroup.groups), by_cgroup.groups["/"].shares) == (["/"], 1024)
    assert (list(by_uid.users), by_uid.users[0].shares, by_uid.users[0].name) == ([0], 2048, "uid:0")


def test_root_shares_may_be_chosen():
    assert a_scheduler(group_by="uid", root_shares=512).users[0].shares == 512


def test_a_user_is_made_when_its_uid_is_first_seen():
    it = ByUid()
    assert list(it.sched.users) == [0, 1000]
    user = it.sched.users[1000]
    assert isinstance(user, cfs.User)
    assert (user.uid, user.shares, user.tasks, user.nr_running) == (1000, 1024, [it.task], 1)
    it.sched.move(it.task, uid=5)
    assert (list(it.sched.users), it.task.uid, user.tasks) == ([0, 1000, 5], 5, [])


def test_a_control_group_has_no_uid():
    it = ByCgroup()
    assert it.task.uid is None and not hasattr(it.a, "uid") and list(it.sched.users) == []


@pytest.mark.parametrize(("written", "kept"), [(0, 2), (1, 2), (2, 2), (3, 3), (2**64 - 1, 2**64 - 1)])
def test_shares_below_2_become_2(written, kept):
    it = ByCgroup()
    it.a.shares = written
    assert (it.a.shares, it.a.fields()["load_weight"]) == (kept, kept)


def test_shares_are_the_same_on_every_cpu():
    """I3 of cfs/_group.pyx: they are not divided by the number of CPUs, and never less than 2."""
    sched = a_scheduler(group_by="cgroup", cpus=3)
    group = sched.create_group("a", shares=600)
    assert [group.fields(cpu)["load_weight"] for cpu in range(3)] == [600] * 3
    group.shares = 1
    assert [group.fields(cpu)["load_weight"] for cpu in range(3)] == [2] * 3


def test_a_group_is_named_by_handle_or_name():
    it = ByCgroup()
    it.sched.set_shares("b", 7)
    it.sched.set_shares(it.b, 8)
    assert it.sched.groups["b"] is it.b and it.b.shares == 8


def test_a_moved_task_takes_its_vruntime_along():
    it = ByCgroup()
    vruntime = it.task.vruntime
    assert it.sched.move(it.task, group=it.b) is False
    assert (it.task.group, it.task.vruntime, it.a.tasks, it.b.tasks) == (it.b, vruntime, [], [it.task])


def test_a_removed_group_is_gone_and_its_handle_says_so():
    it = ByCgroup()
    assert repr(it.gone) == "<TaskGroup 'gone' removed>"
    with pytest.raises(GroupError, match="has been removed"):
        _ = it.gone.shares
    assert "gone" not in it.sched.groups


def test_a_name_may_be_used_again_and_the_old_handle_does_not_mean_the_new_group():
    it = ByCgroup()
    again = it.sched.create_group("gone")
    with unchanged(it.sched), pytest.raises(GroupError):
        it.sched.remove_group(it.gone)
    assert it.sched.groups["gone"] is again


def test_an_emptied_group_can_be_removed():
    """I2 of cfs/_group.pyx; that one with tasks cannot is among the REFUSALS."""
    it = ByCgroup()
    it.sched.exit(now_ns=LATER)
    it.sched.remove_group(it.a)
    assert list(it.sched.groups) == ["/", "b"]


def test_the_queue_of_a_group_is_its_own():
    it = ByCgroup()
    child = it.sched.fork(now_ns=LATER)
    waiting = it.task if it.sched.current is child else child
    assert (it.a.queue(), it.sched.queue("a"), it.sched.queue(), it.b.queue()) == (
        [waiting],
        [waiting],
        [],
        [],
    )


@pytest.mark.parametrize("fact", ["shares", "vruntime", "sum_exec_ns", "min_vruntime", "nr_running", "tasks"])
def test_a_removed_group_tells_nothing(fact):
    with pytest.raises(GroupError, match="has been removed"):
        getattr(ByCgroup().gone, fact)


@pytest.mark.parametrize("ask", ["fields", "queue", "queue_fields"])
def test_a_removed_group_has_no_queue(ask):
    with pytest.raises(GroupError, match="has been removed"):
        getattr(ByCgroup().gone, ask)()


def test_a_group_shows_its_shares_and_tasks():
    it = ByCgroup()
    assert repr(it.a) == "<TaskGroup 'a' shares 1024, 1 tasks, 1 runnable>"
    assert repr(it.sched.groups) == (
        "{'/': <TaskGroup '/' shares 1024, 0 tasks, 0 runnable>, "
        "'a': <TaskGroup 'a' shares 1024, 1 tasks, 1 runnable>, "
        "'b': <TaskGroup 'b' shares 512, 0 tasks, 0 runnable>}"
    )


# ---- The Scheduler itself ------------------------------------------------------------------------


def test_a_scheduler_shows_what_it_does():
    it = Flat()
    assert repr(it.sched) == (
        f"<Scheduler linux-2.6.24-cfs at 5000000 ns: 2 of 3 tasks runnable, running {it.running.name}>"
    )
    assert repr(a_scheduler(group_by="uid", cpus=2)) == (
        "<Scheduler linux-2.6.24-cfs, by uid at 0 ns: 0 of 0 tasks runnable, running idle, idle>"
    )


def test_a_scheduler_of_many_cpus_shows_four():
    assert repr(a_scheduler(cpus=9)).endswith("running idle, idle, idle, idle, ...>")


def test_facts_of_a_cpu():
    it = TwoCpus()
    assert it.sched.cpu_fields(0) == {"clock": 5 * MS, "nr_running": 2, "load_weight": 2048, "nr_switches": 2}
    assert it.sched.cpu_fields(1) == {"clock": 1, "nr_running": 0, "load_weight": 0, "nr_switches": 0}
    assert (it.sched.cpus, it.sched.nr_running, it.sched.current_on(1)) == (2, 2, None)


def test_a_scheduler_may_be_subclassed():
    class Named(cfs.Scheduler):
        def __init__(self, name, **options):
            super().__init__(**options)
            self.name = name

        def tick(self, **when):
            return "ticked", super().tick(**when)

    sched = Named("mine", group_by="uid")
    task = sched.fork(now_ns=0, uid=3)
    assert (sched.name, task.scheduler, sched.tick(now_ns=5)) == ("mine", sched, ("ticked", False))


@pytest.mark.parametrize("kind", [cfs.Task, cfs.User])
def test_handles_cannot_be_subclassed(kind):
    with pytest.raises(TypeError):
        type("Mine", (kind,), {})


# ---- Memory --------------------------------------------------------------------------------------


def test_a_handle_keeps_its_scheduler_alive():
    """I1 of cfs/scheduler/_scheduler.pyx."""
    task = a_scheduler().fork(now_ns=0)
    gc.collect()
    task.scheduler.tick(now_ns=MS)
    assert task.sum_exec_ns == MS


def test_a_scheduler_in_a_cycle_with_its_handles_is_collected():
    class Owner(cfs.Scheduler):
        pass

    sched = Owner(group_by="cgroup")
    sched.task, sched.group, sched.itself = sched.fork(now_ns=0), sched.create_group("a"), sched
    gone = weakref.ref(sched)
    del sched
    gc.collect()
    assert gone() is None


LEAKS = """
    import gc, resource, cfs

    class Owner(cfs.Scheduler):
        pass

    def life(round):
        sched = Owner(group_by=(None, "uid", "cgroup")[round % 3], cpus=1 + round % 3)
        kept = [sched.fork(name="x" * 50, now_ns=now) for now in range(200)]
        for now in range(200, 300):
            sched.exit(now_ns=now) if now % 2 else sched.block(now_ns=now)
        if round % 3 == 2:
            group = sched.create_group("g")
            sched.remove_group(group)
            kept.append(group)
        try:
            sched.fork(now_ns=0, name="never")
        except cfs.TimeError:
            pass
        sched.kept = kept                       # a cycle through the scheduler
        task = kept[-2]
        handles = sched.tasks, dict(sched.groups), sched.queue()
        del sched, kept, handles
        gc.collect()
        assert task.scheduler is not None       # the handle outlived the variable
        return repr(task)

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for round in range(60):
        life(round)
    before = peak()
    for round in range(300):
        life(round)
    gc.collect()
    assert not [o for o in gc.get_objects() if isinstance(o, (cfs.Scheduler, cfs.Task, cfs.TaskGroup))]
    grown = peak() - before
    assert grown < 3000, f"{grown} KiB more after 300 machines"
    print("clean")
"""


@pytest.mark.slow
def test_no_machine_leaks_and_handles_may_outlive_the_variable():
    """In a process of its own: 300 machines of about 60 KiB each would show as 18 MiB."""
    program = textwrap.dedent(LEAKS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "clean", "")


def test_a_long_run_of_forks_and_exits_uses_its_slots_again():
    sched = a_scheduler()
    sched.fork(now_ns=0)
    for now in range(1, 20_000):
        sched.fork(now_ns=now)
        sched.exit(now_ns=now)
    assert len(sched.tasks) == 1 and sched.check() is None


def test_a_run_leaves_the_invariants_whole():
    it = ByCgroup()
    hogs(it.sched, 3, now_ns=LATER, group="b")
    run(it.sched, 100 * MS)
    assert it.sched.check() is None
