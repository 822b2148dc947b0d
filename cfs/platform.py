"""What surrounds a scheduler: when ticks come, whether the kernel can be preempted, what an interrupt costs.

What it decides: nothing about policy. The same facts hold for every model, and none of them is a tunable of
one. A recording tells most of them (`cfs.recordings.platforms`); a scenario has the defaults, a machine without
friction.

M1  Tick k = 1, 2, ... is due at ``k * 10**9 // hz - lead_ns`` and comes as late as one of `tick_jitter_ns`, which
    depends on `seed` and k alone: never on what ran.
M2  Under ``preempt="full"`` whoever is to be preempted is so at once. Under the others a task that has woken or
    forked another one goes on for as long as the operation says: it is in a system call.
"""

from __future__ import annotations

import operator
from array import array
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from .errors import WorkloadError, did_you_mean
from .limits import CPU_RANGE, DEFAULT_HZ, checked_hz
from .units import count_text, short_time

__all__ = ["PREEMPT", "Platform"]

PREEMPT = ("none", "voluntary", "full")
"""Preemption models of the kernel. The first two differ where the kernel offers to switch in the middle of a
long system call; here they are the same, as a workload has no such places."""

NR_CPUS_MAX = CPU_RANGE[1] + 1
COST_NS_MAX = 1_000_000_000
NR_JITTER_MAX = 1 << 16
GOLDEN = 0x9E3779B97F4A7C15
U64 = 2**64 - 1


@dataclass(frozen=True)
class Platform:
    """Facts of a machine that hold under every scheduler.

    Parameters
    ----------
    hz : int, optional
        Ticks a second, 1 ... 1 000 000.
    preempt : {"full", "voluntary", "none"}, optional
        Whether a task in a system call can be preempted.
    tick_phase_ns : int, optional
        When the first tick comes, ns since the start, less than a tick; 0: a whole tick after it.
    tick_jitter_ns : tuple of int, optional
        By how much ticks come late, ns, less than a tick; each value is as likely as the others.
    wakeup_cost_ns : int, optional
        How long an interrupt that wakes a task keeps its CPU before another task can run there, ns.
    switch_cost_ns : int, optional
        CPU time that a switch takes from the task that comes, ns. What was recorded contains the switches
        that were recorded: this comes on top.
    nr_cpus : int, optional
        CPUs of the machine, by which a model scales its slices; default: those that the workload uses.
    seed : int, optional
        Of the lateness of ticks.

    Raises
    ------
    WorkloadError
        A value is out of its range.
    """

    hz: int = DEFAULT_HZ
    preempt: str = "full"
    tick_phase_ns: int = 0
    tick_jitter_ns: tuple[int, ...] = ()
    wakeup_cost_ns: int = 0
    switch_cost_ns: int = 0
    nr_cpus: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        self._keep("hz", checked_hz(self.hz))
        if self.preempt not in PREEMPT:
            slip = did_you_mean(str(self.preempt), PREEMPT)
            raise WorkloadError(f"preempt = {self.preempt!r} is none of {', '.join(PREEMPT)}{slip}")
        last = self.tick_ns - 1
        ranges = {"tick_phase_ns": last, "wakeup_cost_ns": COST_NS_MAX, "switch_cost_ns": COST_NS_MAX, "seed": U64}
        for name, greatest in ranges.items():
            self._keep(name, _integer(name, getattr(self, name), 0, greatest))
        _integer("the number of values in tick_jitter_ns", len(self.tick_jitter_ns), 0, NR_JITTER_MAX)
        late = tuple(_integer("tick_jitter_ns", value, 0, last) for value in self.tick_jitter_ns)
        self._keep("tick_jitter_ns", late)
        if self.nr_cpus is not None:
            self._keep("nr_cpus", _integer("nr_cpus", self.nr_cpus, 1, NR_CPUS_MAX))

    def _keep(self, name: str, value: Any) -> None:
        """What was checked, as what it is kept as: numpy's numbers are neither JSON nor without limits."""
        object.__setattr__(self, name, value)

    @property
    def tick_ns(self) -> int:
        """Length of a tick, ns, rounded down."""
        return 1_000_000_000 // self.hz

    @property
    def lead_ns(self) -> int:
        """By how much ticks come before those of a machine whose phase is 0 (M1)."""
        return self.tick_ns - self.tick_phase_ns if self.tick_phase_ns else 0

    @property
    def late_ns(self) -> array[int]:
        """`tick_jitter_ns` as the loop reads it, whole numbers of 32 bits."""
        return array("I", self.tick_jitter_ns)

    def next_tick(self, time_ns: int) -> int:
        """Number of the first tick that is due after `time_ns`, were none late."""
        number = (time_ns + self.lead_ns) * self.hz // 1_000_000_000
        while number * 1_000_000_000 // self.hz <= time_ns + self.lead_ns:
            number += 1
        return number

    def time_of_tick(self, number: int) -> int:
        """When tick `number` = 1, 2, ... comes, ns since the start (M1)."""
        due = number * 1_000_000_000 // self.hz - self.lead_ns
        if not self.tick_jitter_ns:
            return due
        return due + self.tick_jitter_ns[(_scrambled(self.seed ^ number) >> 32) * len(self.tick_jitter_ns) >> 32]

    def changed(self, **changes: Any) -> Self:
        """This platform with the facts that are given; None leaves one as it is.

        With other ticks, the phase of the old ones is dropped, and the jitter is at most such a tick.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        hz = checked_hz(given.get("hz", self.hz))
        if hz != self.hz:
            given = {"tick_phase_ns": 0, "tick_jitter_ns": self._jitter_within(1_000_000_000 // hz)} | given
        return replace(self, **given)

    def _jitter_within(self, tick_ns: int) -> tuple[int, ...]:
        return tuple(min(late, tick_ns - 1) for late in self.tick_jitter_ns)

    @property
    def text(self) -> str:
        """The facts beside `hz` in a line, for titles; empty for a machine without friction."""
        if self.changed(nr_cpus=1, seed=0) == Platform(hz=self.hz, nr_cpus=1):
            return ""
        facts = []
        if any(self.tick_jitter_ns):
            facts.append(f"ticks up to {short_time(max(self.tick_jitter_ns))} late")
        facts.append(f"preempt={self.preempt}")
        costs = {"wakeup": self.wakeup_cost_ns, "switch": self.switch_cost_ns}
        facts += [f"{what} cost {short_time(cost)}" for what, cost in costs.items() if cost]
        if self.nr_cpus is not None:
            facts.append(f"slices for {count_text(self.nr_cpus, 'CPU')}")
        return ", ".join(facts)

    @classmethod
    def names(cls) -> list[str]:
        """Names of the facts."""
        return [f.name for f in fields(cls)]


def _integer(name: str, value: Any, least: int, greatest: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise WorkloadError(f"{name} = {value!r} is no whole number") from None
    if not least <= number <= greatest:
        raise WorkloadError(f"{name} = {value} is outside of {least} ... {greatest}")
    return number


def _scrambled(number: int) -> int:
    # splitmix64, as `scrambled` of engine/_due.pxd
    number = (number + GOLDEN) & U64
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & U64
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & U64
    return number ^ (number >> 31)
