"""Numbers as text and text as numbers: units of time, shares, counts, and names that come from outside.

What it decides: how a time is spelt, in both directions, for the command line, scenario files, tables and
figures.

    text -> number    `ns_of`: '3 ms', '4.5ms', '0.5 s', and a bare number where one unit is meant
    number -> text    `time_text` in a table, `short_time` at an axis, `seconds_text` in a title,
                      `share_text` and `percent` of a share, `count_text` of a number with its noun,
                      `setting_text` of a tunable
    name -> text      `clean`: a character that a terminal would act on is shown as "?"

Reading is exact: a decimal fraction is a fraction, never a float. Only characters of Latin-1 are written, so
that every terminal can show them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .limits import NS_MAX

__all__ = [
    "DURATION_HELP",
    "NS_PER",
    "clean",
    "cleaned",
    "count_text",
    "cut",
    "listed",
    "ns_of",
    "percent",
    "seconds_text",
    "setting_text",
    "share_text",
    "short_time",
    "time_text",
    "unit_of",
]

NS_PER = {"ns": 1, "us": 10**3, "\u00b5s": 10**3, "\u03bcs": 10**3, "ms": 10**6, "s": 10**9}
"""Names of units of time and their ns. Two letters look alike: the micro sign and the Greek one."""

UNITS = tuple((name, NS_PER[name]) for name in ("ns", "\u00b5s", "ms", "s"))
"""The units in which a time is written, smallest first."""

DURATION = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,19})?) ?([^\s0-9.]+)")
BARE = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,19})?")
DURATION_HELP = "a duration is a number and a unit (ns, us, µs, ms, s), like '3 ms' or '0.5 s'"


# --------------------------------------------------------------------------------------------- text -> number


def ns_of(text: str, bare: str = "") -> int:
    """The ns of a duration, exactly.

    Parameters
    ----------
    text : str
    bare : str, optional
        The unit of a number without one: ``"s"`` for the places of a span, ``"ns"`` for a tunable. Empty: a
        number must have its unit.

    Returns
    -------
    int
        0 ... 2**62.

    Raises
    ------
    ValueError
        The message says what is wrong.

    Examples
    --------
    >>> [ns_of(text) for text in ("3 ms", "4.5ms", "0.000000001 s")]
    [3000000, 4500000, 1]
    >>> ns_of("1.5", bare="s")
    1500000000
    """
    match = DURATION.fullmatch(f"{text} {bare}" if bare and BARE.fullmatch(text) else text)
    if match is None or match[2] not in NS_PER:
        also = f"; without a unit, {bare} are meant" if bare else ""
        raise ValueError(f"{_shown(text)} is no duration: {DURATION_HELP}{also}")
    from fractions import Fraction  # with decimal, as long as the rest of this file

    ns = Fraction(match[1]) * NS_PER[match[2]]
    if ns.denominator != 1:
        raise ValueError(f"{text!r} is no whole number of ns")
    if ns > NS_MAX:
        raise ValueError(f"{text!r} is longer than 2**62 ns, some 146 years")
    return int(ns)


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:57] + "..."


# --------------------------------------------------------------------------------------------- number -> text


def time_text(ns: int) -> str:
    """A time with three digits and the unit that suits it, in two columns: ``"12.3 ms"``, ``"1.50 s "``.

    Examples
    --------
    >>> [time_text(ns) for ns in (0, 999, 12_345, 999_999, 1_500_000_000, 7_200_000_000_000)]
    ['0 ns', '999 ns', '12.3 µs', '1.00 ms', '1.50 s ', '7200 s ']
    """
    ns = int(ns)
    unit, size = next((unit for unit in UNITS if ns < 999.5 * unit[1]), UNITS[-1])
    digits = 0 if size == 1 else 2 if ns < 9.995 * size else 1 if ns < 99.95 * size else 0
    return f"{ns / size:.{digits}f} {unit:<2}"


def short_time(ns: float) -> str:
    """A time at an axis.

    Examples
    --------
    >>> [short_time(ns) for ns in (5, 1e3, 2_500_000, 1e10)]
    ['5 ns', '1 µs', '2.5 ms', '10 s']
    """
    unit, size = next((unit for unit in reversed(UNITS) if ns >= unit[1] * 0.999), UNITS[0])
    return f"{ns / size:.3g} {unit}"


def seconds_text(ns: int) -> str:
    """A time in a title: ``"3.31 s"``."""
    return f"{ns / 1e9:.4g} s"


def unit_of(span_ns: int) -> tuple[int, str]:
    """Size and name of the unit in which the ticks of a span are short numbers."""
    return next(((size, unit) for unit, size in reversed(UNITS) if span_ns >= 2 * size), (1, "ns"))


def share_text(share: float) -> str:
    """A share of the CPU time: ``"24.75%"``."""
    return f"{100 * float(share):.2f}%"


def percent(share: float) -> str:
    """A share of the CPU beside a lane: ``"24.8 %"``, and nothing for none."""
    return "" if share == 0 else "< 0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"


def setting_text(value: int | bool | str) -> str:
    """A value of a tunable as people write it: feature bits are on or off."""
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def count_text(number: int, noun: str, ending: str = "s") -> str:
    """A number and what it counts: ``"1 task"``, ``"2 tasks"``."""
    return f"{number} {noun}" + ("" if number == 1 else ending)


# ----------------------------------------------------------------------------------------------- name -> text


def listed(names: Iterable[object], most: int = 4) -> str:
    """The first names of a list, safe for a terminal and short: ``"a, b, ... (7)"``.

    Examples
    --------
    >>> listed(range(9)), listed(["sh"])
    ('0, 1, 2, 3, ... (9)', 'sh')
    """
    every = [cut(clean(str(name)), 24) for name in names]
    return ", ".join(every if len(every) <= most else [*every[:most], f"... ({len(every)})"])


def cut(text: str, length: int, mark: str = "...") -> str:
    """`text` in at most so many characters, with `mark` where the rest was."""
    return text if len(text) <= length else text[: length - len(mark)] + mark


def cleaned(texts: Iterable[str]) -> list[str]:
    """Each text `clean`; of equal ones, such as the names of many tasks, only one is looked at."""
    texts = list(texts)
    clean_of = {text: clean(text) for text in set(texts)}
    return [clean_of[text] for text in texts]


def clean(text: str) -> str:
    """`text` without characters that a terminal would act on or that have no shape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)
