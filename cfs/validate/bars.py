"""How far a prediction may be off: bars by scenario, where there are repetitions no narrower than their spread.

What it decides: which figures have a bar, and how wide it is. The rules are data (`bars.toml`): of a figure
they say a part of it, or ticks, or a time, or percentage points. The spread is data, too: the programs of some
scenarios were recorded again several times on the same kernel (`spread.json`, made by benchmarks/spread.py).

B1  A bar is the largest of what its rule says and of the spread, if there is one: a scenario that nobody
    recorded again, and a figure that its repetitions do not have, has the rule alone. Of switches it is two
    at least, since one at either end of a window may belong to it or not.
B2  The spread of a figure is the largest difference between two repetitions: quiet ones if there are two or
    more, else all. Of shares it is in points. Of all else it is a factor, since the level of costs is another
    one on another host, and the bar goes from the measured value divided by it to the value times it; ten is
    the largest factor that counts. So no repetition is outside of the bar of another. Of switches it is the
    smaller one of their number and of their rate: the first is free of the speed of the host where messages
    make them, the second where ticks do.
B3  Rare waits (fewer than 100) differ more in a short recording: their spread is multiplied by the root of
    the ratio of the windows. In one that is longer than the repetitions it is theirs: less was never seen.
B4  Of the sets of a scenario those count whose window is about as long as the recording's, and of these the
    one with the largest spread. No set is chosen by the name of a recording.
B5  A name that the set does not have, or has at another level (twice or half as many waits a second, twice or
    half the share), has the spread of the name whose level is nearest. Tasks that wait as often as each other
    (up to a tenth) are alike, and which of them waits longest is chance: of waits the largest spread among
    them counts. A name that the set has without a level (a makespan, the length of runs) has its own spread.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from statistics import median

from ..errors import TruthError
from ..units import ns_of
from .fields import Field, read_json, read_toml
from .figures import KINDS, QUANTILES, Key

__all__ = ["Bar", "Bars", "Rule", "read_bars"]

HERE = Path(__file__).parent
DEFAULT = "default"
BY = ("task", "comm")
NUMBERS = ("points", "relative", "ticks", "share_min")
RULE_FIELDS = ("kind", "names", "parts", *NUMBERS, "time", "count_min")
RARE = 100
SAME_WINDOW = 1.5
"""Windows whose lengths differ by no more than this factor are about as long."""
SAME_LEVEL = 2.0
ALIKE = 1.1
FACTOR_MAX = 10.0
ENDS = 2.0
COUNTS = {"response": "jobs"}
"""Where the number of values is not called count."""
UNITS_OF_SPREAD = ("", "_ms", "_s")
"""What may come after the name of a figure in `spread.json`."""


@dataclass(frozen=True)
class Rule:
    """Which figures of a scenario have a bar, and how wide it is at least; see `bars.toml`."""

    kind: str
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("",)
    points: float = 0.0
    relative: float = 0.0
    ticks: float = 0.0
    time_ns: int = 0
    count_min: int = 1
    share_min: float = 0.0

    def fits(self, key: Key, is_chosen: bool) -> bool:
        """Has this figure such a bar? `is_chosen`: it has one where the rule gives no names."""
        if key.kind != self.kind or key.part not in self.parts:
            return False
        return any(fnmatchcase(key.name, name) for name in self.names) if self.names else is_chosen

    def sides(self, value: float, tick_ns: float) -> dict[str, float]:
        """What the bar is at least, by each of its words."""
        return {
            "points": self.points,
            "relative": self.relative * value,
            "ticks": self.ticks * tick_ns,
            "time": float(self.time_ns),
            "ends": ENDS if self.kind == "switches" else 0.0,
        }


@dataclass(frozen=True)
class Bar:
    """How far a prediction may be off.

    Parameters
    ----------
    below, above : float
        From the measured value, in the unit of the figure.
    why : str
        Which word of the rule was the largest, or ``"spread"`` (B1).
    """

    below: float
    above: float
    why: str


@dataclass(frozen=True)
class Repetitions:
    """The same programs, recorded several times: a set of `spread.json`."""

    scenario: str
    window_s: tuple[float, ...]
    quiet: tuple[bool, ...]
    figures: Mapping[str, tuple[float | None, ...]]

    def values(self, figure: str) -> list[tuple[float, float]]:
        """The value and the window of each repetition that counts (B2)."""
        found = [
            (value, window, quiet)
            for value, window, quiet in zip(self.figures.get(figure, ()), self.window_s, self.quiet)
            if value is not None
        ]
        calm = [one for one in found if one[2]]
        return [(value, window) for value, window, _ in (calm if len(calm) > 1 else found)]

    def spread(self, key: Key, level: float, window_s: float) -> float:
        """The largest difference between two repetitions, in points or as a factor less 1 (B2, B3, B5)."""
        if key.kind == "switches":
            found = self.values("switches")
            return min(_excess(number for number, _ in found), _excess(number / s for number, s in found))
        return max((self._spread_of(figure, window_s) for figure in self._figures(key, level)), default=0.0)

    def _spread_of(self, figure: str, window_s: float) -> float:
        values = [value for value, _ in self.values(figure)]
        if figure.startswith("share/"):
            return max(values) - min(values) if values else 0.0
        return _excess(values) * self._rarity(figure, window_s)

    def _figures(self, key: Key, level: float) -> list[str]:
        """Whose values count: of the same name or the one of the nearest level, and of those alike (B5)."""
        levels = {name: own for name in self._names(key) if (own := self._level(key.kind, name)) is not None}
        itself = self._spelt(key.kind, key.name, key.part)
        if key.name not in levels and itself in self.figures:
            return [itself]
        if not levels:
            return []
        distance = {name: _distance(own, level) for name, own in levels.items()}
        is_known = distance.get(key.name, math.inf) <= math.log(SAME_LEVEL)
        nearest = key.name if is_known else min(distance, key=lambda name: (distance[name], name))
        alike = [name for name in levels if _distance(levels[name], levels[nearest]) <= math.log(ALIKE)]
        names = [nearest] if key.kind == "share" else alike
        return [self._spelt(key.kind, name, key.part) for name in names]

    def _spelt(self, kind: str, name: str, part: str) -> str:
        stem = f"{kind}/{name}/{part}" if part else f"{kind}/{name}"
        return next((stem + unit for unit in UNITS_OF_SPREAD if stem + unit in self.figures), stem)

    def _names(self, key: Key) -> list[str]:
        names = {figure.split("/", 1)[1] for figure in self.figures if figure.startswith(f"{key.kind}/")}
        if key.kind not in ("share", "makespan"):
            names = {name.rpartition("/")[0] for name in names}
        return [name for name in sorted(names) if self._spelt(key.kind, name, key.part) in self.figures]

    def _level(self, kind: str, name: str) -> float | None:
        """Values a second, or the share."""
        if kind == "share":
            found = [value for value, _ in self.values(f"share/{name}")]
        else:
            count = f"{kind}/{name}/{COUNTS.get(kind, 'count')}"
            found = [value / window for value, window in self.values(count)]
        return median(found) if found else None

    def _rarity(self, figure: str, window_s: float) -> float:
        kind, _, rest = figure.partition("/")
        if rest.endswith("/count"):
            return 1.0
        name = rest.rpartition("/")[0]
        counts = [value for value, _ in self.values(f"{kind}/{name}/{COUNTS.get(kind, 'count')}")]
        is_rare = bool(counts) and median(counts) < RARE
        return max(1.0, math.sqrt(median(self.window_s) / window_s)) if is_rare else 1.0


def _distance(one: float, other: float) -> float:
    """Of two levels: the logarithm of their ratio."""
    return abs(math.log(max(one, 1e-9) / max(other, 1e-9)))


def _excess(values: Iterable[float]) -> float:
    """The largest value as a multiple of the smallest, less 1."""
    values = list(values)
    if not values or max(values) <= min(values):
        return 0.0
    return min(max(values) / max(min(values), 1e-9), FACTOR_MAX) - 1


@dataclass(frozen=True)
class Bars:
    """The bars of a scenario.

    Parameters
    ----------
    scenario : str
        Whose they are; ``"default"`` for one that is not known.
    by : {"task", "comm"}
        Are tasks of a truth file counted one by one?
    rules : tuple of Rule
    sets : tuple of Repetitions
        Of the scenario.
    """

    scenario: str
    by: str
    rules: tuple[Rule, ...]
    sets: tuple[Repetitions, ...] = ()

    def rule(self, key: Key, is_chosen: bool) -> Rule | None:
        """The rule of a figure, the first that fits; None: it has no bar."""
        return next((rule for rule in self.rules if rule.fits(key, is_chosen)), None)

    def bar(self, key: Key, rule: Rule, value: float, count: float, window_ns: float, tick_ns: float) -> Bar:
        """How wide the bar of a measured value is (B1).

        Parameters
        ----------
        key : Key
        rule : Rule
        value : float
            As measured.
        count : float
            How many values it is a quantile of; of a share: the share.
        window_ns, tick_ns : float
            Length of the window that was recorded, and of a tick.
        """
        level = value if key.kind == "share" else count / (window_ns / 1e9)
        spread = self.spread(key, level, window_ns / 1e9)
        words = rule.sides(value, tick_ns)
        why = max(words, key=lambda word: words[word])
        is_share = key.kind == "share"
        below, above = (spread, spread) if is_share else (value - value / (1 + spread), value * spread)
        return Bar(max(below, words[why]), max(above, words[why]), "spread" if above > words[why] else why)

    def spread(self, key: Key, level: float, window_s: float) -> float:
        """How much the real kernel differs from itself (B4)."""
        windows_s = [median(one.window_s) for one in self.sets]
        away = [max(own / window_s, window_s / own) for own in windows_s]
        near = [one for one, ratio in zip(self.sets, away) if ratio <= SAME_WINDOW * min(away)]
        return max((one.spread(key, level, window_s) for one in near), default=0.0)


def read_bars(scenario: str | None, path: str | os.PathLike[str] | None = None) -> Bars:
    """The bars of a scenario.

    Parameters
    ----------
    scenario : str or None
        As a truth file has it.
    path : str or os.PathLike, optional
        A file in place of the package's own `bars.toml`.

    Raises
    ------
    TruthError
        The file is none, or a field makes no sense; the message says which.
    """
    file = read_toml(HERE / "bars.toml" if path is None else path)
    scenarios = {name: _scenario(file, name) for name, _ in file.items()}
    known = scenario if scenario in scenarios else DEFAULT
    if known is None or known not in scenarios:
        raise TruthError(f"{file.file}: has neither bars of {scenario!r} nor of {DEFAULT!r}")
    by, rules = scenarios[known]
    return Bars(known, by, rules, tuple(one for one in _spread() if one.scenario == known))


def _scenario(file: Field, name: str) -> tuple[str, tuple[Rule, ...]]:
    one = file[name]
    one.only(("by", "same_as", "bar"))
    if one.get("same_as") is None:
        return one["by"].one_of(BY), tuple(_rule(rule) for rule in one["bar"].elements())
    other = file[one["same_as"].one_of([known for known, _ in file.items() if known != name])]
    if other.get("same_as") is not None or len(one.table()) > 1:
        raise one["same_as"].wrong("alone, and another scenario that has bars of its own")
    return other["by"].one_of(BY), tuple(_rule(rule) for rule in other["bar"].elements())


def _rule(one: Field) -> Rule:
    one.only(RULE_FIELDS)
    given = {name: one.get(name) for name in NUMBERS}
    number = {name: 0.0 if own is None else own.number(0, 1e6) for name, own in given.items()}
    time, least = one.get("time"), one.get("count_min")
    return Rule(
        kind=one["kind"].one_of(KINDS),
        names=_texts(one.get("names")),
        parts=_parts(one),
        points=number["points"],
        relative=number["relative"],
        ticks=number["ticks"],
        time_ns=0 if time is None else _time_ns(time),
        count_min=1 if least is None else least.integer(1),
        share_min=number["share_min"],
    )


def _texts(one: Field | None) -> tuple[str, ...]:
    return () if one is None else tuple(name.text() for name in one.elements())


def _parts(one: Field) -> tuple[str, ...]:
    parts = one.get("parts")
    if parts is None:
        return ("",)
    return tuple(part.one_of(["count", *QUANTILES]) for part in parts.elements())


def _time_ns(one: Field) -> int:
    try:
        return ns_of(one.text())
    except ValueError:
        raise one.wrong("a time with its unit, as '200us'") from None


def _numbers(values: Field) -> tuple[float | None, ...]:
    return tuple(None if one.value is None else one.number() for one in values.elements())


@lru_cache(maxsize=1)
def _spread() -> tuple[Repetitions, ...]:
    """The package's own repetitions."""
    file = read_json(HERE / "spread.json")
    return tuple(
        Repetitions(
            one["scenario"].text(),
            tuple(value.number() for value in one["window_s"].elements()),
            tuple(bool(value.value) for value in one["quiet"].elements()),
            {name: _numbers(values) for name, values in one["figures"].items()},
        )
        for one in file["sets"].elements()
    )
