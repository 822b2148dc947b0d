"""EEVDF of Linux 6.18: the facts that are true of this release only. The compiled classes decide the rest.

Three points of the release's life are models: 6.18.2, 6.18.26 and 6.18.44. They have the same tunables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from ..model import Model
from ...limits import U32_MAX
from ..tunables import Tunables

__all__ = ["LinuxEevdf618", "MODEL", "MODELS"]


@dataclass(frozen=True)
class LinuxEevdf618(Tunables):
    """Tunables of the models of Linux 6.18 (specification 3.2): u32, ns where the name ends in ``_ns``.

    At boot `base_slice_ns` is `normalized_base_slice_ns` times 1 + floor(log2(min(cpus, 8))), unless you give
    it. A later write of `base_slice_ns` changes only itself. `tick_nsec` is the length of a tick, 10**9 / HZ;
    the limit of lag is at least this. `exact_min_slice` is not a kernel tunable: the kernel's tree may
    overestimate the least slice of a queue, and later misjudge the greatest, too; with 1 both are exact. This
    package chose its number and those of the bits of `sched_features`.
    """

    base_slice_ns: int = 700_000
    normalized_base_slice_ns: int = 700_000
    tick_nsec: int = 1_000_000
    sched_features: int = 0b11_1101_1111
    exact_min_slice: int = 0

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {
        "base_slice_ns": (1, U32_MAX),
        "normalized_base_slice_ns": (1, U32_MAX),
        "tick_nsec": (1, U32_MAX),
        "sched_features": (0, 1023),
        "exact_min_slice": (0, 1),
    }
    FEATURES: ClassVar[dict[str, int]] = {
        "PLACE_LAG": 1,
        "PLACE_DEADLINE_INITIAL": 2,
        "PLACE_REL_DEADLINE": 4,
        "RUN_TO_PARITY": 8,
        "PREEMPT_SHORT": 16,
        "NEXT_BUDDY": 32,
        "PICK_BUDDY": 64,
        "DELAY_DEQUEUE": 128,
        "DELAY_ZERO": 256,
        "WAKEUP_PREEMPTION": 512,
    }

    @classmethod
    def of_hz(cls, hz: int) -> dict[str, int]:
        return {"tick_nsec": (1_000_000_000 + hz // 2) // hz}

    CPUS_MAX: ClassVar[int] = 8
    """More CPUs than this do not lengthen the slice."""

    @classmethod
    def at_boot(cls, cpus: int = 1, **changes: Any) -> Self:
        """The values that a machine of `cpus` CPUs boots with, with `changes` written afterwards."""
        booted = cls().changed(
            **{name: value for name, value in changes.items() if name == "normalized_base_slice_ns"}
        )
        factor = min(cpus, cls.CPUS_MAX).bit_length()  # 1 + floor(log2(cpus))
        scaled = min(booted.normalized_base_slice_ns * factor, U32_MAX)
        return replace(booted, base_slice_ns=scaled).changed(**changes)


MODEL = Model(
    id="linux-6.18-eevdf",
    summary="EEVDF of Linux 6.18 (November 2025): lag, eligibility, virtual deadlines, "
    "delayed dequeue",
    module="cfs.models.linux_6_18._fair",
    tunables=LinuxEevdf618,
    group_by=(None, "cgroup"),
    group_levels=None,
    root_shares={},
    options=frozenset({"slice", "group idle"}),
)

MODELS = (
    MODEL,
    replace(
        MODEL,
        id="linux-6.18.26-eevdf",
        summary="EEVDF of Linux 6.18.26: the average is the zero point, a lag limit for the whole queue",
        module="cfs.models.linux_6_18._fair_26",
        later_than=MODEL.id,
    ),
    replace(
        MODEL,
        id="linux-6.18.44-eevdf",
        summary="EEVDF of Linux 6.18.44: as 6.18.26, with another wakeup preemption",
        module="cfs.models.linux_6_18._fair_44",
        later_than="linux-6.18.26-eevdf",
    ),
)
"""Each point of the release's life that is a model, in their order."""
