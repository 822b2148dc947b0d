"""A comparison as text tables: a column for each scheduler, four side by side, more in blocks below.

A line is at most 100 columns wide (T1 of `tables`), or as wide as requested. Each number outside the first
column is followed by its difference from the first column, with its sign: "=" if there is none, and nothing
if one of the two is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..result import Ready
from ..units import clean, time_text
from .columns import WAITS, StatColumn, columns_compared
from .compared import Column, quantile
from .lines import Lines
from .settings import settings_text
from .tables import GAP, Table, padded

__all__ = ["comparison_tables"]

LEFT_WIDTH, CELL_WIDTH = 23, 17
"""Four columns beside each other are 23 + 4 * (2 + 17) = 99 wide."""

HALF_WIDTH = 8
"""A value and its difference share a cell: 8 + 1 + 8 = 17."""

VERSUS = "vs first"

Cell = tuple[Any, Callable[[Any], str]]
"""A value, None if it is not known, and how it is written."""

Row = tuple[str, str, list[Cell]]
"""Name, number and cells of a line."""

ABOUT = {"comm": ("command", "tasks"), "task": ("task", "pid"), "group": ("group", "tasks")}


def comparison_tables(columns: Sequence[Column], by: str, lines: Lines, width: int = 100) -> list[Table]:
    """Throughput; then the facts about each line; then lag and virtual time."""
    throughput = [(name, "", row) for name, row in _throughput(columns)]
    fairness = [(name, "", row) for name, row in _fairness(columns)]
    return [
        _table(columns, "Throughput", ("", ""), throughput, width),
        *(
            _table(columns, column.comparison, ABOUT[by], _rows(lines, column), width)
            for column in columns_compared()
        ),
        _table(columns, _fairness_title(columns), ("", ""), fairness, width),
    ]


# ------------------------------------------------------------------------------------------------------- rows


def _rows(lines: Lines, column: StatColumn) -> list[Row]:
    """A cell for each scheduler; unknown if a class never ran or nothing about it is known."""
    write = count_cell if column.text is str else column.text
    return [
        (line.name, line.number, [(_value(column, of.get(line.label)), write) for of in lines.stats])
        for line in lines.lines
    ]


def _value(column: StatColumn, row: np.void | None) -> Any:
    is_known = row is not None and (column.known is None or column.known(row))
    return column.value(row) if is_known else None


def _throughput(columns: Sequence[Column]) -> list[tuple[str, list[Cell]]]:
    return [
        ("programs ended", [(column.nr_ended, count_cell) for column in columns]),
        ("all ended after", [(_end_ns(column), time_text) for column in columns]),
        ("work done, CPU time", [(column.result.busy_ns, time_text) for column in columns]),
        ("idle", [(column.idle_ns, time_text) for column in columns]),
        ("context switches", [(int(column.result.context_switches), count_cell) for column in columns]),
        *_left_out(columns),
    ]


def _left_out(columns: Sequence[Column]) -> list[tuple[str, list[Cell]]]:
    """Waits and runs that no statistic counts because they are not known, if there are any."""
    rows: list[tuple[str, list[Cell]]] = []
    for name, counts in (
        ("waits not known", [int((c.result.runs["ready"] == Ready.UNKNOWN).sum()) for c in columns]),
        ("run lengths not known", [int(c.result.of_unknown_length.sum()) for c in columns]),
    ):
        if any(counts):
            rows.append((name, [(count, count_cell) for count in counts]))
    return rows


def _fairness_title(columns: Sequence[Column]) -> str:
    window = time_text(columns[0].lags.window_ns).strip()
    return f"Spread over time: lag in windows of {window}, and the model's own virtual time"


def _fairness(columns: Sequence[Column]) -> list[tuple[str, list[Cell]]]:
    rows = [(f"lag spread, {name}", [quantile(c.lags.spread_ns, name) for c in columns]) for name in WAITS]
    rows += [
        ("furthest behind", [quantile(c.lags.greatest_ns.clip(0, None), "max") for c in columns]),
        ("furthest ahead", [quantile((-c.lags.least_ns).clip(0, None), "max") for c in columns]),
    ]
    for field_name in dict.fromkeys(c.spread.field for c in columns if c.spread):
        spreads = [
            c.spread.spread if c.spread and c.spread.field == field_name else None for c in columns
        ]
        rows += [(f"{field_name}, {name}", [quantile(s, name) for s in spreads]) for name in ("p50", "max")]
    return [(name, [(value, time_text) for value in values]) for name, values in rows]


def _end_ns(column: Column) -> int | None:
    return int(column.whole.duration_ns) if column.whole.end == "finished" else None


# ------------------------------------------------------------------------------------------------------- text


def count_cell(number: int) -> str:
    """A count in at most eight columns; from ten million on it loses digits."""
    return str(number) if abs(number) < 10**7 else f"{number / 1e6:.5g}M"


def _texts(cells: Sequence[Cell]) -> list[str]:
    """The text of each cell: the first one its value, the others theirs and the difference from it."""
    first = cells[0][0]
    return [
        f"{_written(cell):>{CELL_WIDTH}}"
        if not place
        else f"{_written(cell):>{HALF_WIDTH}} {_difference(cell, first):>{HALF_WIDTH}}"
        for place, cell in enumerate(cells)
    ]


def _written(cell: Cell) -> str:
    value, write = cell
    return "- " if value is None else write(value)


def _difference(cell: Cell, first: Any) -> str:
    value, write = cell
    if value is None or first is None:
        return ""
    less = value - first
    return "= " if less == 0 else f"{'-' if less < 0 else '+'}{write(abs(less))}"


def _table(
    columns: Sequence[Column], title: str, about: tuple[str, str], rows: list[Row], width: int
) -> Table:
    lines: list[str] = []
    texts = [(name, number, _texts(cells)) for name, number, cells in rows]
    in_block = max(1, (width - LEFT_WIDTH) // (CELL_WIDTH + len(GAP)))
    nr_blocks = -(-len(columns) // in_block)
    in_block = -(-len(columns) // nr_blocks)  # blocks of nearly one width
    for first in range(0, len(columns), in_block):
        block = slice(first, first + in_block)
        lines += [""] if lines else []
        lines += _heading_lines(columns[block], about, is_first=not first)
        lines += [_line(name, number, cells[block]) for name, number, cells in texts]
    return Table(title, tuple(line.rstrip() for line in lines))


def _heading_of(column: Column, width: int) -> list[str]:
    """The label of a column in lines of a width: the model, then its settings, broken at "=" if need be."""
    lines = [column.model + (f" ({column.number})" if column.number > 1 else "")]
    for setting in settings_text(column.settings):
        name, _, value = setting.partition("=")
        lines += [setting] if len(setting) <= width else [name, f"= {value}"]
    return [clean(line) for line in lines]


def _heading_lines(columns: Sequence[Column], about: tuple[str, str], is_first: bool) -> list[str]:
    headings = [_heading_of(column, CELL_WIDTH) for column in columns]
    height = max(map(len, headings))
    lines = [
        _line("", "", [heading[i] if i < len(heading) else "" for heading in headings]) for i in range(height)
    ]
    rules = [f"{'-' * HALF_WIDTH} {VERSUS}"] * len(columns)
    return [*lines, _line(*about, ["-" * CELL_WIDTH, *rules[1:]] if is_first else rules)]


def _line(name: str, number: str, cells: list[str]) -> str:
    width = LEFT_WIDTH if not number else LEFT_WIDTH - 8
    left = padded(clean(name), width) + (f" {number:>7}" if number else "")
    return left + "".join(GAP + _right(cell) for cell in cells)


def _right(cell: str) -> str:
    return padded(cell, CELL_WIDTH) if len(cell) > CELL_WIDTH else f"{cell:>{CELL_WIDTH}}"
