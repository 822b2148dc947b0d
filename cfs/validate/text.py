"""A validation as text: one table, the figures that have a bar first, and the verdict in a sentence.

What it decides: how a figure, its bar and its verdict are written. Times have three digits; differences and
bars are in the unit of the figure. A bar that is no equal distance to both sides, of the spread or of ranks
(V1 of `validation`), is written as the two values between which the prediction may lie.
"""

from __future__ import annotations

from ..reports.tables import Table
from ..units import clean, count_text, cut, time_text
from .figures import TIMES, Key
from .validation import Row, Validation

__all__ = ["tables", "verdict"]

WIDTHS = (35, 8, 9, 10, 25)
HEADINGS = ("figure", "measured", "predicted", "difference", "bar")
SAID = {True: "in", False: "OUT", None: ""}
WORDS = {"relative": "part", "spread": "spread", "ticks": "tick", "time": "time", "points": "points", "ends": "ends"}


def tables(found: Validation, *, with_all: bool = False) -> list[Table]:
    """The table of the figures that are judged, and if wanted that of the others.

    Parameters
    ----------
    found : Validation
    with_all : bool, optional
        Also those without a bar.
    """
    title = f"Predicted by {found.result.model}, beside what was measured"
    shown = [Table(title, _lines(found.shown))]
    others = [row for row in found.rows if not row.has_rule]
    if with_all and others:
        shown.append(Table("Figures without a bar", _lines(others)))
    return shown


def verdict(found: Validation) -> str:
    """How many figures are inside, or why nothing is judged."""
    if found.unjudged:
        return f"not judged: {found.unjudged}"
    nr, out = len(found.judged), len(found.outside)
    if not nr:
        return "nothing is judged: no figure of this recording has a bar"
    said = f"{out} of them outside of their bars" if out else "all are inside their bars"
    ranks = len(found.only_by_rank)
    return f"{count_text(nr, 'figure')}, {said}" + (f", {ranks} only by rank" if ranks else "")


def _lines(rows: list[Row]) -> tuple[str, ...]:
    heads = [word.rjust(width) for word, width in zip(HEADINGS[1:], WIDTHS[1:])]
    return ("  ".join([HEADINGS[0].ljust(WIDTHS[0]), *heads]), *map(_line, rows))


def _line(row: Row) -> str:
    cells = [
        cut(clean(str(row.key)), WIDTHS[0]).ljust(WIDTHS[0]),
        _value(row.key, row.measured).rjust(WIDTHS[1]),
        ("-" if row.predicted is None else _value(row.key, row.predicted)).rjust(WIDTHS[2]),
        ("-" if row.difference is None else _signed(row.key, row.difference)).rjust(WIDTHS[3]),
        _bar(row).rjust(WIDTHS[4]),
        SAID[row.is_inside],
    ]
    return "  ".join(cells).rstrip()


def _value(key: Key, value: float) -> str:
    if key.kind == "share":
        return f"{value:.2f} %"
    is_time = key.kind in TIMES and key.part != "count"
    return time_text(int(round(value))).rstrip() if is_time else f"{value:.0f}"


def _signed(key: Key, value: float) -> str:
    sign = "-" if value < 0 else "+" if value > 0 else ""
    return sign + _value(key, abs(value))


def _bar(row: Row) -> str:
    if row.bar is None:
        return ""
    word = "ranks" if row.is_by_rank else WORDS[row.bar.why]
    if row.is_by_rank or row.bar.below != row.bar.above:
        return f"{word} {_value(row.key, max(row.low, 0.0))} to {_value(row.key, row.high)}"
    return f"{word} {_value(row.key, row.bar.above)}"
