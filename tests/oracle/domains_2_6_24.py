"""Which CPUs stand near each other: the domains of Linux 2.6.24, for the twin of many CPUs.

A CPU sees the machine as a chain of *domains*, innermost first: the threads of its core, the cores round
its cache, its node, the nodes round its node, everything.  A domain has a *span*, the CPUs in it, and
divides it into *groups*; balancing at a level compares groups, never single CPUs (unless a group is one).

    smt       [0 1]                       span of CPU 0 at each level; groups in brackets
    mc        [0 1] [2 3]
    node      [0 1 2 3] [4 5 6 7]

Section numbers are those of the specification (linux-2.6.24-smp.md); all of this file is its section 6.8.
Rejected: the domains that the header of a trace spells out.  The twin builds them from the topology, and
the test compares the two.
"""

from dataclasses import dataclass
from enum import IntFlag

UNIT_POWER = 1024  # of a group that counts as one CPU
NEAREST_NODES = 16  # how many nodes, its own included, a node level spans


class Flag(IntFlag):
    """What is done at a level."""

    LOAD_BALANCE = 1
    BALANCE_NEWIDLE = 2
    BALANCE_EXEC = 4
    BALANCE_FORK = 8
    WAKE_IDLE = 16
    WAKE_AFFINE = 32
    WAKE_BALANCE = 64
    SHARE_CPUPOWER = 128
    SHARE_PKG = 512
    SERIALIZE = 1024


LEVELS = ("smt", "mc", "cpu", "node", "allnodes")
"""Innermost first."""

F = Flag
ALL_BUT_NODES = F.LOAD_BALANCE | F.BALANCE_NEWIDLE | F.BALANCE_EXEC | F.WAKE_AFFINE
OF_GROUPS = (
    F.LOAD_BALANCE | F.BALANCE_NEWIDLE | F.BALANCE_FORK | F.BALANCE_EXEC | F.SHARE_CPUPOWER | F.SHARE_PKG
)
"""Flags that mean something only where there are two groups."""
OF_WAKING = F.WAKE_IDLE | F.WAKE_AFFINE | F.WAKE_BALANCE


@dataclass(frozen=True)
class Level:
    """The parameters of a level, the same for all its domains.  Intervals in ms.

    An index says how far back a load is remembered: 0 the present, 4 the longest memory.
    """

    name: str
    flags: Flag
    min_interval: int
    max_interval: int
    busy_factor: int  # a busy CPU looks round so many times more rarely
    imbalance_pct: int  # 125: another must be a quarter more loaded
    cache_nice_tries: int  # failures after which a cache-hot task may move
    busy_idx: int
    idle_idx: int
    newidle_idx: int
    wake_idx: int
    forkexec_idx: int
    balance_interval: int  # the first one

    @classmethod
    def of_trace(cls, name, parameters):
        """As the header of a trace gives them, which may say more."""
        known = {key: parameters[key] for key in cls.__dataclass_fields__ if key != "name"}
        return cls(name, **known | {"flags": Flag(known["flags"])})

    @classmethod
    def all_of_trace(cls, levels):
        """Innermost first.  The header has them as the CPUs, from 0 on, come by them."""
        return [cls.of_trace(name, levels[name]) for name in LEVELS if name in levels]


def levels_of(nr_cpus):
    """The five levels as the kernel has them, innermost first."""
    smt = ALL_BUT_NODES | F.WAKE_IDLE | F.SHARE_CPUPOWER
    mc = ALL_BUT_NODES | F.WAKE_IDLE | F.SHARE_PKG
    node = F.LOAD_BALANCE | F.BALANCE_EXEC | F.BALANCE_FORK | F.WAKE_BALANCE | F.SERIALIZE
    return (
        Level("smt", smt, 1, 2, 64, 110, 0, 0, 0, 0, 0, 0, 1),
        Level("mc", mc, 1, 4, 64, 125, 1, 2, 0, 0, 1, 1, 1),
        Level("cpu", ALL_BUT_NODES, 1, 4, 64, 125, 1, 2, 1, 2, 1, 1, 1),
        # AS SPECIFIED: the first interval of a node is below its least one
        Level("node", node, 8, 32, 32, 125, 2, 3, 2, 0, 1, 1, 1),
        Level("allnodes", F.LOAD_BALANCE | F.SERIALIZE, 64, 64 * nr_cpus, 128, 133, 1, 3, 3, 0, 0, 0, 64),
    )


class Group:
    """Some CPUs of a domain, ascending, and how much load they are good for."""

    def __init__(self, cpus, power):
        self.cpus = cpus
        self.power = power


class Domain:
    """One level as one CPU sees it.  Groups stand in the order in which it looks at them, its own first."""

    def __init__(self, level, span, groups):
        self.level = level
        self.span = span
        self.groups = groups
        self.last_balance = 0  # jiffies
        self.balance_interval = level.balance_interval
        self.nr_balance_failed = 0

    def has(self, flag):
        return bool(self.level.flags & flag)

    def description(self):
        """As the header of a trace has it."""
        groups = [[group.cpus, group.power] for group in self.groups]
        return {"level": self.level.name, "span": self.span, "groups": groups}


# ---- Topology: what the hardware is, and what the kernel was built to see of it --------------------


@dataclass(frozen=True)
class Topology:
    """For each CPU its node, the CPUs that share its last cache, the threads of its core."""

    node: list
    core_group: list
    siblings: list
    smt: bool = False
    mc: bool = False
    numa: bool = False

    @classmethod
    def flat(cls, nr_cpus):
        """One level over all."""
        alone = [[cpu] for cpu in range(nr_cpus)]
        return cls([0] * nr_cpus, alone, alone)

    @classmethod
    def of_trace(cls, topology):
        return cls(topology["node"], topology["core_group"], topology["siblings"], **topology["kernel"])

    def cpus(self):
        return range(len(self.node))

    def has(self, level, cpu):
        """Does a CPU have this level, before any is dropped?"""
        if level == "allnodes":
            return self.numa and len(self.node) > NEAREST_NODES * len(self.of_node(self.node[cpu]))
        return {"smt": self.smt, "mc": self.mc, "cpu": True, "node": self.numa}[level]

    def of_node(self, node):
        return [cpu for cpu in self.cpus() if self.node[cpu] == node]

    def nodes_from(self, node):
        """All nodes by number, this one first, wrapping: without a distance table that is by distance."""
        nodes = sorted(set(self.node))
        at = nodes.index(node)
        return nodes[at:] + nodes[:at]

    # -- the two columns of the table: span and groups --

    def span(self, level, cpu):
        if level == "smt":
            return self.siblings[cpu]
        if level == "mc":
            return self.core_group[cpu]
        if level == "cpu" and self.numa:
            return self.of_node(self.node[cpu])
        if level == "node":
            near = self.nodes_from(self.node[cpu])[:NEAREST_NODES]
            return [other for other in self.cpus() if self.node[other] in near]
        return list(self.cpus())

    def group_with(self, level, cpu):
        """The CPUs of the group that this CPU is in."""
        if level in ("node", "allnodes"):
            return self.of_node(self.node[cpu])
        if level == "cpu" and self.mc:
            return self.core_group[cpu]
        if level in ("cpu", "mc") and self.smt:
            return self.siblings[cpu]
        return [cpu]

    def power(self, level, cpus):
        """A core, a cache, whatever: 1024.  A node: 1024 for each group that it has at the cpu level."""
        if level not in ("node", "allnodes"):
            return UNIT_POWER
        return UNIT_POWER * len({tuple(self.group_with("cpu", cpu)) for cpu in cpus})

    def groups(self, level, cpu):
        """A circle, by lowest CPU or by number of node, that begins with the group of this CPU."""
        span = self.span(level, cpu)
        if level in ("node", "allnodes"):
            circle = [self.of_node(node) for node in self.nodes_from(self.node[cpu])]
            circle = [cpus for cpus in circle if cpus[0] in span]
        else:
            circle = sorted({tuple(self.group_with(level, other)) for other in span})
            at = next(number for number, cpus in enumerate(circle) if cpu in cpus)
            circle = [list(cpus) for cpus in circle[at:] + circle[:at]]
        return [Group(cpus, self.power(level, cpus)) for cpus in circle]


# ---- The chain of a CPU ----------------------------------------------------------------------------


def domains_of(topology, cpu, levels):
    """The domains of a CPU, innermost first, less those that would do nothing new."""
    chain = [
        Domain(level, topology.span(level.name, cpu), topology.groups(level.name, cpu))
        for level in levels
        if topology.has(level.name, cpu)
    ]
    return without_the_needless(chain)


def without_the_needless(chain):
    """Drop levels.

    AS SPECIFIED: the level behind a dropped one is not compared with the one before it.
    """
    inner = 0
    while inner + 1 < len(chain):
        if adds_nothing(chain[inner + 1], chain[inner]):
            del chain[inner + 1]
        inner += 1
    return chain[1:] if is_useless(chain[0]) else chain


def is_useless(domain):
    """Nobody else in it, or nothing done in it."""
    divided = domain.has(OF_GROUPS) and len(domain.groups) > 1
    return len(domain.span) == 1 or not (divided or domain.has(OF_WAKING))


def adds_nothing(outer, inner):
    """Is the outer level of two useless, or the same as the inner one with no flag more?"""
    if is_useless(outer):
        return True
    flags = outer.level.flags
    if inner.has(F.WAKE_AFFINE):
        flags &= ~F.WAKE_BALANCE
    if len(outer.groups) == 1:
        flags &= ~OF_GROUPS
    return outer.span == inner.span and not flags & ~inner.level.flags
