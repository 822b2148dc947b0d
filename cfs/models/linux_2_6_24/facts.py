"""CFS of Linux 2.6.24: the facts that are true of this release only. The compiled class decides the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ..model import Model
from ...limits import U32_MAX, U64_MAX
from ..tunables import Tunables

__all__ = ["LinuxCfs2624", "MODEL"]


@dataclass(frozen=True)
class LinuxCfs2624(Tunables):
    """Tunables of ``linux-2.6.24-cfs`` (specification 3): u32, ns where the name ends in ``_ns``.

    A write to latency or min_granularity sets `sched_nr_latency` to ceil(latency / min_granularity), unless
    it is written too. Three are not kernel tunables. `initial_min_vruntime` is the start of every queue's
    floor. `initial_idle_vruntime` is the virtual run time that tasks forked by the idle task inherit.
    `vslice_unscaled` of 1 leaves out the factor 1024 of the virtual slice, which the release candidates
    lacked.
    """

    sched_latency_ns: int = 20_000_000
    sched_min_granularity_ns: int = 4_000_000
    sched_nr_latency: int = 5
    sched_wakeup_granularity_ns: int = 10_000_000
    sched_batch_wakeup_granularity_ns: int = 10_000_000
    sched_child_runs_first: int = 1
    sched_compat_yield: int = 0
    sched_features: int = 7
    sched_migration_cost: int = 500_000
    sched_nr_migrate: int = 32
    initial_min_vruntime: int = 2**64 - 2**20
    initial_idle_vruntime: int = 0
    vslice_unscaled: int = 0

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {
        "vslice_unscaled": (0, 1),
        "sched_latency_ns": (100_000, 1_000_000_000),
        "sched_min_granularity_ns": (100_000, 1_000_000_000),
        "sched_nr_latency": (1, U32_MAX),
        "sched_wakeup_granularity_ns": (0, 1_000_000_000),
        "sched_batch_wakeup_granularity_ns": (0, 1_000_000_000),
        "initial_min_vruntime": (0, U64_MAX),
        "initial_idle_vruntime": (0, U64_MAX),
    }
    FEATURES: ClassVar[dict[str, int]] = {
        "NEW_FAIR_SLEEPERS": 1,
        "WAKEUP_PREEMPT": 2,
        "START_DEBIT": 4,
        "TREE_AVG": 8,
        "APPROX_AVG": 16,
    }
    SCALED: ClassVar[dict[str, int | None]] = {
        "sched_latency_ns": 200_000_000,
        "sched_min_granularity_ns": 200_000_000,
        "sched_wakeup_granularity_ns": None,
        "sched_batch_wakeup_granularity_ns": None,
    }

    def _derived(self, written: dict[str, int]) -> Self:
        touched = {"sched_latency_ns", "sched_min_granularity_ns"} & written.keys()
        if not touched or "sched_nr_latency" in written:
            return self
        return replace(self, sched_nr_latency=-(-self.sched_latency_ns // self.sched_min_granularity_ns))


MODEL = Model(
    id="linux-2.6.24-cfs",
    summary="CFS of Linux 2.6.24 (January 2008): absolute vruntime, vslice, groups",
    module="cfs.models.linux_2_6_24._fair",
    tunables=LinuxCfs2624,
    group_by=(None, "uid", "cgroup"),
    group_levels=1,
    root_shares={"uid": 2048, "cgroup": 1024},
)
