"""A comparison as text tables: a column for each scheduler, four side by side, more in blocks below.

A line is at most 100 columns wide (T1 of `tables`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..result import Ready
from ..units import clean, time_text
from .columns import WAITS, StatColumn, columns_compared
from .compared import Column, quantile
from .lines import Lines
from .settings import settings_text
from .tables import GAP, Table, padded

__all__ = ["comparison_tables"]

LEFT_WIDTH, CELL_WIDTH = 23, 17
COLUMNS_IN_BLOCK = 4
"""Columns beside each other: 23 + 4 * (2 + 17) = 99."""

Row = tuple[str, str, list[str]]
"""Name, number and cells of a line."""

ABOUT = {"comm": ("command", "tasks"), "task": ("task", "pid"), "group": ("group", "tasks")}


def comparison_tables(columns: Sequence[Column], by: str, lines: Lines) -> list[Table]:
    """Throughput; then the facts about each line; then lag and virtual time."""
    throughput = [(name, "", row) for name, row in _throughput(columns)]
    fairness = [(name, "", row) for name, row in _fairness(columns)]
    return [
        _table(columns, "Throughput", ("", ""), throughput),
        *(
            _table(columns, column.comparison, ABOUT[by], _rows(lines, column))
            for column in columns_compared()
        ),
        _table(columns, _fairness_title(columns), ("", ""), fairness),
    ]


# ------------------------------------------------------------------------------------------------------- rows


def _rows(lines: Lines, column: StatColumn) -> list[Row]:
    """A cell for each scheduler, "-" if a class never ran or nothing is known."""
    return [
        (line.name, line.number, [column.cell(of.get(line.label), "- ") for of in lines.stats])
        for line in lines.lines
    ]


def _throughput(columns: Sequence[Column]) -> list[tuple[str, list[str]]]:
    return [
        ("programs ended", [str(column.nr_ended) for column in columns]),
        ("all ended after", [_end_text(column) for column in columns]),
        ("work done, CPU time", [time_text(column.result.busy_ns) for column in columns]),
        ("idle", [time_text(column.idle_ns) for column in columns]),
        ("context switches", [str(column.result.context_switches) for column in columns]),
        *_left_out(columns),
    ]


def _left_out(columns: Sequence[Column]) -> list[tuple[str, list[str]]]:
    """Waits and runs that are in no statistic because they are not known, if there are some."""
    rows = []
    for name, counts in (
        ("waits not known", [int((c.result.runs["ready"] == Ready.UNKNOWN).sum()) for c in columns]),
        ("run lengths not known", [int(c.result.of_unknown_length.sum()) for c in columns]),
    ):
        if any(counts):
            rows.append((name, [str(count) for count in counts]))
    return rows


def _fairness_title(columns: Sequence[Column]) -> str:
    window = time_text(columns[0].lags.window_ns).strip()
    return f"Spread over time: lag in windows of {window}, and the model's own virtual time"


def _fairness(columns: Sequence[Column]) -> list[tuple[str, list[str]]]:
    rows = [
        (f"lag spread, {name}", [_time_or_none(quantile(c.lags.spread_ns, name)) for c in columns])
        for name in WAITS
    ]
    rows += [
        (
            "furthest behind",
            [_time_or_none(quantile(c.lags.greatest_ns.clip(0, None), "max")) for c in columns],
        ),
        (
            "furthest ahead",
            [_time_or_none(quantile((-c.lags.least_ns).clip(0, None), "max")) for c in columns],
        ),
    ]
    for field_name in dict.fromkeys(c.spread.field for c in columns if c.spread):
        spreads = [
            c.spread.spread if c.spread and c.spread.field == field_name else None for c in columns
        ]
        rows += [
            (f"{field_name}, {name}", [_time_or_none(quantile(s, name)) for s in spreads])
            for name in ("p50", "max")
        ]
    return rows


def _end_text(column: Column) -> str:
    return time_text(column.whole.duration_ns) if column.whole.end == "finished" else "- "


def _time_or_none(ns: int | None) -> str:
    return "- " if ns is None else time_text(ns)


# ------------------------------------------------------------------------------------------------------- text


def _table(columns: Sequence[Column], title: str, about: tuple[str, str], rows: list[Row]) -> Table:
    lines: list[str] = []
    nr_blocks = -(-len(columns) // COLUMNS_IN_BLOCK)
    width = -(-len(columns) // nr_blocks)  # blocks of nearly one width
    for first in range(0, len(columns), width):
        block = slice(first, first + width)
        lines += [""] if lines else []
        lines += _heading_lines(columns[block], about)
        lines += [_line(name, number, cells[block]) for name, number, cells in rows]
    return Table(title, tuple(line.rstrip() for line in lines))


def _heading_of(column: Column, width: int) -> list[str]:
    """The label of a column in lines of a width: the model, then its settings, broken at "=" if need be."""
    lines = [column.model + (f" ({column.number})" if column.number > 1 else "")]
    for setting in settings_text(column.settings):
        name, _, value = setting.partition("=")
        lines += [setting] if len(setting) <= width else [name, f"= {value}"]
    return [clean(line) for line in lines]


def _heading_lines(columns: Sequence[Column], about: tuple[str, str]) -> list[str]:
    headings = [_heading_of(column, CELL_WIDTH) for column in columns]
    height = max(map(len, headings))
    lines = [
        _line("", "", [heading[i] if i < len(heading) else "" for heading in headings]) for i in range(height)
    ]
    return [*lines, _line(*about, ["-" * CELL_WIDTH] * len(columns))]


def _line(name: str, number: str, cells: list[str]) -> str:
    width = LEFT_WIDTH if not number else LEFT_WIDTH - 8
    left = padded(clean(name), width) + (f" {number:>7}" if number else "")
    return left + "".join(GAP + _right(cell) for cell in cells)


def _right(cell: str) -> str:
    return padded(cell, CELL_WIDTH) if len(cell) > CELL_WIDTH else f"{cell:>{CELL_WIDTH}}"
