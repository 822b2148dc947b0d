"""Machines to misuse: each has its interesting things as attributes of a namespace."""

from tests.builders import MS, a_blocked_task, a_scheduler, hogs

LATER = 6 * MS  # of a machine below, which is at 5 ms


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
