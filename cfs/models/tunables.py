"""The part that the tunables of all models share. Each model's own tunables are in its folder (`facts.py`):
one frozen dataclass with the kernel's names, defaults, ranges and derivations.

The compiled class has the same fields in the same order; a test compares the two.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from ..errors import TunableError, did_you_mean
from ..limits import U32_MAX

__all__ = ["Tunables"]


@dataclass(frozen=True)
class Tunables:
    """Base of all tunables: checks of ranges, feature bits by name, and scaling by CPUs.

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
        """The tunables that follow from the length of a tick, if the model has some."""
        return {}

    @classmethod
    def constants(cls) -> list[str]:
        """Names of the constants that follow from the tunables, if the model has some."""
        return []

    def changed(self, **changes: Any) -> Self:
        """A copy with these tunables and feature bits written, as by sysctl: checked, with derived values
        updated.
        """
        plain = {name: value for name, value in changes.items() if name not in self.FEATURES}
        bits = {name: value for name, value in changes.items() if name in self.FEATURES}
        known = {f.name for f in fields(self)}
        for name, value in plain.items():
            if name not in known:
                names = self.names()
                known_names = ", ".join(names)
                slip = did_you_mean(name, names)
                raise TunableError(f"{name!r} is no tunable of this model; there are {known_names}{slip}")
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
        """Derive values from the scaled ones, once, at boot."""
        return self

    def _derived(self, written: dict[str, int]) -> Self:
        """Derive values after each write."""
        return self
