"""The knobs of each model: one frozen dataclass a model, with the kernel's names, defaults, ranges and
derivations.

A tunable is a nanosecond count (``_ns``), a flag, or a number; a feature bit can be given by its own name as
well (``START_DEBIT=False``). The compiled class has the same fields in the same order; a test holds the two
together.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from ..errors import TunableError

__all__ = ["Tunables", "LinuxCfs2624", "LinuxCfs2623", "LinuxO12622", "RfsModel", "LinuxEevdf618"]

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1


@dataclass(frozen=True)
class Tunables:
    """What all models share: checking of ranges, feature bits by name, and scaling by CPUs.

    A model's class declares its fields with their defaults, and four tables: RANGES (name -> least,
    greatest), FEATURES (bit name -> value in `sched_features`), SCALED (name -> cap or None: times 1 +
    log2(cpus) at boot), and COMPILED_IN (names that cannot be written at run time).
    """

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {}
    FEATURES: ClassVar[dict[str, int]] = {}
    SCALED: ClassVar[dict[str, int | None]] = {}
    COMPILED_IN: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def at_boot(cls, cpus: int = 1, **changes: Any) -> Self:
        """The values that a machine of `cpus` CPUs boots with, with `changes` written afterwards."""
        factor = cpus.bit_length()  # 1 + floor(log2(cpus))
        booted = cls()
        scaled = {}
        for name, cap in cls.SCALED.items():
            value = getattr(booted, name) * factor
            scaled[name] = value if cap is None else min(value, max(cap, getattr(booted, name)))
        return replace(booted, **scaled)._booted().changed(**changes)

    @classmethod
    def of_hz(cls, hz: int) -> dict[str, int]:
        """The tunables that follow from the length of a tick, in models that have such."""
        return {}

    def changed(self, **changes: Any) -> Self:
        """A copy with these tunables and feature bits written, as by sysctl: checked, and derived values
        renewed.
        """
        plain = {name: value for name, value in changes.items() if name not in self.FEATURES}
        bits = {name: value for name, value in changes.items() if name in self.FEATURES}
        known = {f.name for f in fields(self)}
        for name, value in plain.items():
            if name not in known:
                raise TunableError(
                    f"{name!r} is no tunable of this model; there are {', '.join(self.names())}"
                )
            plain[name] = self._checked(name, value)
        after = replace(self, **plain)
        if bits:
            after = replace(after, **{"sched_features": after._with_bits(bits)})
        return after._derived(plain)

    @classmethod
    def names(cls) -> list[str]:
        """Names of all tunables, then of all feature bits."""
        return [f.name for f in fields(cls)] + list(cls.FEATURES)

    def has(self, feature: str) -> bool:
        """Is this feature bit set?"""
        return bool(self._features() & self.FEATURES[feature])

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

    def _features(self) -> int:
        """`sched_features`, which a model with FEATURES has."""
        return getattr(self, "sched_features", 0)

    def _with_bits(self, bits: dict[str, Any]) -> int:
        features = self._features()
        for name, value in bits.items():
            if value not in (0, 1):
                raise TunableError(f"{name} is a feature bit: True or False, not {value!r}")
            features = features | self.FEATURES[name] if value else features & ~self.FEATURES[name]
        return features

    def _booted(self) -> Self:
        """What boot derives from the scaled values, once."""
        return self

    def _derived(self, written: dict[str, int]) -> Self:
        """What follows from each write."""
        return self


@dataclass(frozen=True)
class LinuxCfs2624(Tunables):
    """Tunables of ``linux-2.6.24-cfs`` (specification 3): u32, ns where the name ends in ``_ns``.

    `sched_nr_latency` becomes ceil(latency / min_granularity) when either of the two is written, unless it is
    written too. `initial_min_vruntime` and `initial_idle_vruntime` are no kernel tunables: the first is where
    the floor of every queue starts, the second the virtual run time that tasks forked by the idle task
    inherit. Nor is `vslice_unscaled`: 1 leaves out the factor 1024 of the virtual slice, which the release
    candidates lacked.
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


@dataclass(frozen=True)
class LinuxCfs2623(Tunables):
    """Tunables of ``linux-2.6.23-cfs`` (specification 3): u32, ns where the name ends in ``_ns``.

    At boot the runtime limit is the latency, and the wakeup granularity half of the minimum granularity;
    later writes change only what is written. `initial_fair_clock` and `TICK_NSEC` are no kernel tunables:
    where every fair clock starts, and the length of a tick, which only the load averages see.
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


@dataclass(frozen=True)
class LinuxO12622(Tunables):
    """The one knob of ``linux-2.6.22-o1``: `hz`, compiled in, from which every other constant follows.

    The constants can be read by their kernel names: ``tunables.DEF_TIMESLICE`` (ticks, jiffies, or ns where
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
        """How long expired tasks may wait, jiffies for each runnable task."""
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
        """Names of the constants that follow from `hz`, as a trace's header has them."""
        return [name for name in dir(cls) if name.isupper() and name not in TABLES] + ["idle_time_slice"]


TABLES = {"RANGES", "FEATURES", "SCALED", "COMPILED_IN"}


@dataclass(frozen=True)
class RfsModel(Tunables):
    """Tunables of ``rfs-model``. No kernel had them: the model is derived from the mathematics.

    Attributes
    ----------
    rfs_slice_ns : int
        A turn ends at the tick that finds the runner's time this far (by its weight) beyond the average.
    rfs_granularity_ns : int
        A woken task preempts a runner whose time is this far (by its weight) beyond its own.
    rfs_step_shift : int
        The base of the average goes forward in steps of 2**shift ns: by as much a sleeper may come back
        before the average.
    """

    rfs_slice_ns: int = 4_000_000
    rfs_granularity_ns: int = 10_000_000
    rfs_step_shift: int = 20

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {
        "rfs_slice_ns": (0, 1_000_000_000),
        "rfs_granularity_ns": (0, 1_000_000_000),
        "rfs_step_shift": (10, 30),
    }
    COMPILED_IN: ClassVar[frozenset[str]] = frozenset({"rfs_step_shift"})


@dataclass(frozen=True)
class LinuxEevdf618(Tunables):
    """Tunables of ``linux-6.18-eevdf`` (specification 3.2): u32, ns where the name ends in ``_ns``.

    At boot `base_slice_ns` is `normalized_base_slice_ns` times 1 + floor(log2(min(cpus, 8))), unless it is
    given. Written later, `base_slice_ns` changes itself only. `tick_nsec` is the length of a tick, 10**9 /
    HZ, to which lag is limited at least. `exact_min_slice` is no kernel tunable: the kernel's tree may take
    the least slice of a queue for greater than it is; with 1 it is right. It and the bits of `sched_features`
    are numbered by this package.
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
    """CPUs beyond these do not lengthen the slice."""

    @classmethod
    def at_boot(cls, cpus: int = 1, **changes: Any) -> Self:
        """The values that a machine of `cpus` CPUs boots with, with `changes` written afterwards."""
        booted = cls().changed(
            **{name: value for name, value in changes.items() if name == "normalized_base_slice_ns"}
        )
        factor = min(cpus, cls.CPUS_MAX).bit_length()  # 1 + floor(log2(cpus))
        scaled = min(booted.normalized_base_slice_ns * factor, U32_MAX)
        return replace(booted, base_slice_ns=scaled).changed(**changes)
