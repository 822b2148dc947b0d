"""The knobs of each model: one frozen dataclass a model, with the kernel's names, defaults, ranges and derivations.

A tunable is a nanosecond count (``_ns``), a flag, or a number; a feature bit can be given by its own name as well
(``START_DEBIT=False``). The compiled class has the same fields in the same order; a test holds the two together.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from .errors import TunableError

__all__ = ["Tunables", "LinuxCfs2624"]

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1


@dataclass(frozen=True)
class Tunables:
    """What all models share: checking of ranges, feature bits by name, and scaling by CPUs.

    A model's class declares its fields with their defaults, and three tables: RANGES (name -> least, greatest),
    FEATURES (bit name -> value in `sched_features`), and SCALED (name -> cap or None: times 1 + log2(cpus) at boot).
    """

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {}
    FEATURES: ClassVar[dict[str, int]] = {}
    SCALED: ClassVar[dict[str, int | None]] = {}

    @classmethod
    def at_boot(cls, cpus: int = 1, **changes: Any) -> Tunables:
        """The values that a machine of `cpus` CPUs boots with, with `changes` written afterwards."""
        factor = cpus.bit_length()  # 1 + floor(log2(cpus))
        booted = cls()
        scaled = {}
        for name, cap in cls.SCALED.items():
            value = getattr(booted, name) * factor
            scaled[name] = value if cap is None else min(value, max(cap, getattr(booted, name)))
        return replace(booted, **scaled).changed(**changes)

    def changed(self, **changes: Any) -> Tunables:
        """A copy with these tunables and feature bits written, as by sysctl: checked, and derived values renewed."""
        plain = {name: value for name, value in changes.items() if name not in self.FEATURES}
        bits = {name: value for name, value in changes.items() if name in self.FEATURES}
        known = {f.name for f in fields(self)}
        for name, value in plain.items():
            if name not in known:
                raise TunableError(f"{name!r} is no tunable of this model; there are {', '.join(self.names())}")
            plain[name] = self._checked(name, value)
        after = replace(self, **plain)
        if bits:
            after = replace(after, sched_features=after._with_bits(bits))
        return after._derived(plain)

    @classmethod
    def names(cls) -> list[str]:
        """Names of all tunables, then of all feature bits."""
        return [f.name for f in fields(cls)] + list(cls.FEATURES)

    def has(self, feature: str) -> bool:
        """Is this feature bit set?"""
        return bool(self.sched_features & self.FEATURES[feature])

    def as_dict(self) -> dict[str, int | bool]:
        """Every tunable and every feature bit with its value."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return values | {name: self.has(name) for name in self.FEATURES}

    def _checked(self, name: str, value: Any) -> int:
        least, greatest = self.RANGES.get(name, (0, U32_MAX))
        try:
            number = operator.index(value)
        except TypeError:
            raise TunableError(f"{name} must be an integer, not {value!r}") from None
        if not least <= number <= greatest:
            raise TunableError(f"{name} = {number} is outside of {least} ... {greatest}")
        return number

    def _with_bits(self, bits: dict[str, Any]) -> int:
        features = self.sched_features
        for name, value in bits.items():
            if value not in (0, 1):
                raise TunableError(f"{name} is a feature bit: True or False, not {value!r}")
            features = features | self.FEATURES[name] if value else features & ~self.FEATURES[name]
        return features

    def _derived(self, written: dict[str, int]) -> Tunables:
        return self


@dataclass(frozen=True)
class LinuxCfs2624(Tunables):
    """Tunables of ``linux-2.6.24-cfs`` (specification 3): u32, ns where the name ends in ``_ns``.

    `sched_nr_latency` becomes ceil(latency / min_granularity) when either of the two is written, unless it is
    written too. `initial_min_vruntime` and `initial_idle_vruntime` are no kernel tunables: the first is where the
    floor of every queue starts, the second the virtual run time that tasks forked by the idle task inherit.
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

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {
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

    def _derived(self, written: dict[str, int]) -> Tunables:
        touched = {"sched_latency_ns", "sched_min_granularity_ns"} & written.keys()
        if not touched or "sched_nr_latency" in written:
            return self
        return replace(self, sched_nr_latency=-(-self.sched_latency_ns // self.sched_min_granularity_ns))
