"""O(1) of Linux 2.6.22: the facts that are true of this release only. The compiled class decides the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..model import Model
from ..tunables import Tunables

__all__ = ["LinuxO12622", "MODEL"]

TABLES = {"RANGES", "FEATURES", "SCALED", "COMPILED_IN"}


@dataclass(frozen=True)
class LinuxO12622(Tunables):
    """The one tunable of ``linux-2.6.22-o1``: `hz`, compiled in. Every other constant follows from it.

    You can read the constants by their kernel names: ``tunables.DEF_TIMESLICE`` (ticks, jiffies, or ns where
    the name says so; specification 3).
    """

    hz: int = 1000

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {"hz": (10, 1_000_000)}
    COMPILED_IN: ClassVar[frozenset[str]] = frozenset({"hz"})

    @classmethod
    def of_hz(cls, hz: int) -> dict[str, int]:
        return {"hz": hz}

    ON_RUNQUEUE_WEIGHT: ClassVar[int] = 30
    CHILD_PENALTY: ClassVar[int] = 95
    PARENT_PENALTY: ClassVar[int] = 100
    EXIT_WEIGHT: ClassVar[int] = 3
    PRIO_BONUS_RATIO: ClassVar[int] = 25
    MAX_BONUS: ClassVar[int] = 10
    INTERACTIVE_DELTA: ClassVar[int] = 2
    SCHED_LOAD_SCALE: ClassVar[int] = 128
    INITIAL_JIFFIES: ClassVar[int] = 0

    @property
    def MIN_TIMESLICE(self) -> int:
        """Shortest full slice, ticks: 5 ms, at least one tick."""
        return max(5 * self.hz // 1000, 1)

    @property
    def DEF_TIMESLICE(self) -> int:
        """Full slice of nice 0, ticks: 100 ms."""
        return 100 * self.hz // 1000

    @property
    def MAX_SLEEP_AVG(self) -> int:
        """Sleep average of the full bonus, jiffies."""
        return 10 * self.DEF_TIMESLICE

    @property
    def STARVATION_LIMIT(self) -> int:
        """Longest wait of expired tasks, jiffies for each runnable task."""
        return self.MAX_SLEEP_AVG

    @property
    def NS_MAX_SLEEP_AVG(self) -> int:
        """Sleep average of the full bonus, ns."""
        return self.MAX_SLEEP_AVG * (1_000_000_000 // self.hz)

    @property
    def GRANULARITY(self) -> int:
        """Shortest round-robin piece of a slice, ticks: 10 ms, at least one tick."""
        return max(10 * self.hz // 1000, 1)

    @property
    def idle_time_slice(self) -> int:
        """The idle task's slice at boot, ticks."""
        return self.hz

    @classmethod
    def constants(cls) -> list[str]:
        """Names of the constants that follow from `hz`, as in a trace's header."""
        return [name for name in dir(cls) if name.isupper() and name not in TABLES] + ["idle_time_slice"]


MODEL = Model(
    id="linux-2.6.22-o1",
    summary="O(1) of Linux 2.6.22 (July 2007): active and expired arrays, interactivity by sleeping",
    module="cfs.models.linux_2_6_22._o1",
    tunables=LinuxO12622,
    group_by=(None,),
    group_levels=0,
    root_shares={},
    options=frozenset({"sync", "irq", "clone_vm", "sleep"}),
    policies=("normal", "batch"),
)
