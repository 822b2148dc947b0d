"""CFS of Linux 2.6.23: the facts that are true of this release only. The compiled class decides the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ..model import Model
from ...limits import U64_MAX
from ..tunables import Tunables

__all__ = ["LinuxCfs2623", "MODEL"]


@dataclass(frozen=True)
class LinuxCfs2623(Tunables):
    """Tunables of ``linux-2.6.23-cfs`` (specification 3): u32, ns where the name ends in ``_ns``.

    At boot, the runtime limit is the latency, and the wakeup granularity is half of the minimum granularity.
    A later write changes only its own tunable. Two are not kernel tunables: `initial_fair_clock` is the start
    of every fair clock, and `TICK_NSEC` is the length of a tick, which only the load averages use.
    """

    sched_latency_ns: int = 20_000_000
    sched_min_granularity_ns: int = 2_000_000
    sched_wakeup_granularity_ns: int = 1_000_000
    sched_batch_wakeup_granularity_ns: int = 25_000_000
    sched_stat_granularity_ns: int = 0
    sched_runtime_limit_ns: int = 20_000_000
    sched_child_runs_first: int = 1
    sched_compat_yield: int = 0
    sched_features: int = 29
    initial_fair_clock: int = 1
    TICK_NSEC: int = 1_000_000

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {
        "sched_latency_ns": (100_000, 1_000_000_000),
        "sched_min_granularity_ns": (100_000, 1_000_000_000),
        "sched_wakeup_granularity_ns": (0, 1_000_000_000),
        "sched_batch_wakeup_granularity_ns": (0, 1_000_000_000),
        "sched_stat_granularity_ns": (0, 1_000_000_000),
        "sched_runtime_limit_ns": (100_000, 1_000_000_000),
        "initial_fair_clock": (1, U64_MAX),
        "TICK_NSEC": (1, 1_000_000_000),
    }
    FEATURES: ClassVar[dict[str, int]] = {
        "FAIR_SLEEPERS": 1,
        "SLEEPER_AVG": 2,
        "SLEEPER_LOAD_AVG": 4,
        "PRECISE_CPU_LOAD": 8,
        "START_DEBIT": 16,
        "SKIP_INITIAL": 32,
    }
    SCALED: ClassVar[dict[str, int | None]] = {
        "sched_latency_ns": 100_000_000,
        "sched_min_granularity_ns": 100_000_000,
    }
    COMPILED_IN: ClassVar[frozenset[str]] = frozenset({"initial_fair_clock", "TICK_NSEC"})

    @classmethod
    def of_hz(cls, hz: int) -> dict[str, int]:
        return {"TICK_NSEC": 1_000_000_000 // hz}

    def _booted(self) -> Self:
        return replace(
            self,
            sched_runtime_limit_ns=self.sched_latency_ns,
            sched_wakeup_granularity_ns=self.sched_min_granularity_ns // 2,
        )


MODEL = Model(
    id="linux-2.6.23-cfs",
    summary="CFS of Linux 2.6.23 (October 2007): fair clock, wait_runtime, and the divisions",
    module="cfs.models.linux_2_6_23._fair",
    tunables=LinuxCfs2623,
    group_by=(None,),
    group_levels=0,
    root_shares={},
    options=frozenset({"sync", "irq", "clone_vm", "sleep"}),  # irq is accepted, and has no effect
)
