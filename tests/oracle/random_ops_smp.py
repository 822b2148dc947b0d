"""Random operations for the twin of 2.6.24 on many CPUs, in the form of conformance traces.

As `random_ops.py`, whose author goes on here: before each operation it sits down at some CPU, and what runs
there is what it knows.  On top come affinity, exec, synchronous wakeups, children with masks of their own,
and machines of every small shape.  Most of the time it goes from CPU to CPU with ticks, as time does;
otherwise nothing would ever be balanced.
"""

from tests.oracle import random_ops, smp_2_6_24 as smp
from tests.oracle.domains_2_6_24 import Topology
from tests.oracle.fair_2_6_24 import queue_is_sane
from tests.oracle.random_ops import MS, pick

MOODS = random_ops.MOODS | {
    "daily life": random_ops.MOODS["daily life"] | {"affinity": 3, "exec": 4},
    "everyone moves": {"affinity": 25, "exec": 25, "tick": 30, "wake": 10, "block": 10, "nice": 5},
}


def random_ops_smp(rng, *, groups, nr_ops):
    """Yield lines on a random machine, with the twin's state after each, while its trees have an order."""
    twin = random_machine(rng, groups=groups)
    author = Author(rng, twin, groups)
    for _ in range(nr_ops):
        line = author.next_op()
        resched = twin.apply(line)
        if not all(queue_is_sane(queue) for cpu in twin.cpus for queue in cpu.queues().values()):
            return
        yield twin, line | {"s": {"resched": resched} | twin.state()}


def random_machine(rng, *, groups):
    topology = random_topology(rng)
    one_cpu = random_ops.random_tunables(rng, groups=groups)
    tunables = smp.Tunables(
        **vars(one_cpu),
        sched_migration_cost=pick(rng, 500_000, rng.choice([0, (1 << 32) - 1, rng.randrange(10 * MS)])),
        sched_nr_migrate=pick(rng, 32, rng.choice([1, 2, 8])),
    )
    return smp.Machine(
        len(topology.node), groups, tunables, hz=rng.choice([100, 250, 1000]), topology=topology,
        caller_waits=rng.random() < 0.3,
    )  # fmt: skip


def random_topology(rng):
    """Nodes of caches of cores of threads; a kernel sees of that what it was built for."""
    shape = [rng.choice([1, 1, 2]), rng.choice([1, 2]), rng.choice([1, 2]), rng.choice([1, 2])]
    places = [()]
    for many in shape:
        places = [(*place, number) for place in places for number in range(many)]
    if len(places) == 1:
        places = [(0, 0, 0, 0), (0, 0, 1, 0)]
    if rng.random() < 0.3:
        rng.shuffle(places)  # the firmware numbers CPUs as it likes
    node = [place[0] for place in places]
    first_of = {number: cpu for cpu, number in reversed([*enumerate(node)])}
    numbers = {old: new for new, old in enumerate(sorted(first_of, key=first_of.get))}
    return Topology(
        [numbers[each] for each in node], together(places, 2), together(places, 3),
        smt=rng.random() < 0.6, mc=rng.random() < 0.6, numa=rng.random() < 0.6,
    )  # fmt: skip


def together(places, depth):
    """For each CPU those at the same place, down to some depth."""
    return [[cpu for cpu, it in enumerate(places) if it[:depth] == place[:depth]] for place in places]


class Author(random_ops.Author):
    """Sits down at one CPU after the other.  `twin` is that CPU; `machine` is all of them."""

    moods = MOODS

    def __init__(self, rng, machine, groups):
        super().__init__(rng, machine.cpus[0], groups)
        self.machine = machine

    def next_op(self):
        cpus = self.machine.cpus
        following = (self.twin.number + 1) % len(cpus)
        self.twin = cpus[following if self.rng.random() < 0.7 else self.rng.randrange(len(cpus))]
        return super().next_op() | {"cpu": self.twin.number}

    def is_possible(self, op):
        if op == "exec":
            return self.twin.curr is not self.twin.idle
        if op == "affinity":
            return bool(self.twin.tasks)
        return super().is_possible(op)

    def arguments(self, op):
        arguments = super().arguments(op)
        if op == "affinity":
            return {"task": self.any_task(), "allowed": self.any_mask()}
        if op == "wake" and self.rng.random() < 0.3:
            return arguments | {"sync": 1}
        if op == "fork" and self.rng.random() < 0.15:
            return arguments | {"allowed": self.any_mask()}
        return arguments

    def any_mask(self):
        """One CPU, some, all; now and then none that exists."""
        cpus = range(len(self.machine.cpus))
        many = self.rng.choice([1, 1, 2, len(cpus), self.rng.randrange(1, len(cpus) + 1)])
        mask = sorted(self.rng.sample(cpus, min(many, len(cpus))))
        return mask if self.rng.random() < 0.98 else [31]
