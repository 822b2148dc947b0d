"""Text tables of a result, with the recording beside the model.

What it decides: what a reader sees first. First which tasks got the CPU, then how long each waited, then how
long the runs were. There is a line for each task (or command name, or group), most CPU time under the model
first. The lines after the first `top` are summed in one, "N others", and a last line covers all.

T1  A line is at most 100 columns wide, whatever the names are.
T2  A name is shown without control characters: a recording is foreign text, and terminals obey it.

`lines` says which lines there are, `columns` which columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import combining, east_asian_width

import numpy as np

from ..result import Result
from ..units import clean, count_text, share_text, time_text
from .columns import StatColumn, columns_of_tables, left_out_of
from .lines import ALL, Lines, check_lines

__all__ = ["Table", "tables", "time_text", "share_text", "count_text", "clean"]

NAME_WIDTH = 15
"""Width of a name: the kernel's command names have at most 15 bytes."""

CELL_WIDTH = 7
"""Width of a number: a time of three digits and its unit need seven."""

WIDTH = 100
"""Columns of two sides beside each other; one alone has 64."""

GAP = "  "
"""Between columns, and between the two sides."""


@dataclass(frozen=True)
class Table:
    """A table as text.

    Parameters
    ----------
    title : str
    lines : tuple of str
        Headings first; none is longer than 100 columns.
    """

    title: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.title, *self.lines])


def tables(
    result: Result,
    recorded: Result | None = None,
    *,
    by: str = "task",
    top: int = 12,
    width: int = 100,
    lines: Lines | None = None,
) -> list[Table]:
    """CPU time and switches, waits, and run lengths: three tables.

    Parameters
    ----------
    result : Result
    recorded : Result, optional
        Another result to show beside it; tasks are matched by pid and name.
    by : {"task", "comm", "group"}, optional
        What a line is.
    top : int, optional
        Lines shown; the rest is summed in one.
    width : int, optional
        Greatest length of a line: where two sides have no room beside each other, the second goes below.
    lines : Lines, optional
        Those of these results, if somebody has made them already.

    Returns
    -------
    list of Table

    Examples
    --------
    >>> from cfs import Workload
    >>> programs = {"hog": [("run", 10**9)], "nice hog": [("run", 10**9)]}
    >>> print(tables(Workload.of_programs(programs, nice={"nice hog": 5}).run(until_ns=10**9))[0])
    CPU time and switches
                                  linux-2.6.24-cfs
                                  ----------------------------------
    task                pid nice      CPU    share     vol.   invol.
    hog                   1    0   752 ms   75.20%        0       47
    nice hog              2    5   248 ms   24.80%        0       46
    all                           1.00 s   100.00%        0       93
    """
    check_lines(by, top)
    sides = [result] if recorded is None else [result, recorded]
    lines = lines or Lines.of(sides, by, top)
    headings = [side.model for side in sides]
    blocks = [(headings, lines)]
    if width < WIDTH:
        blocks = [([heading], Lines(lines.lines, [of])) for heading, of in zip(headings, lines.stats)]
    found = []
    for place, (title, columns) in enumerate(columns_of_tables().items()):
        text: list[str] = []
        for some, rows in blocks:
            text += [""] if text else []
            text += _text(rows, some, columns, by, with_nice=not place)
            text += _left_out(title, rows)
        found.append(Table(title, tuple(text)))
    return found


# ------------------------------------------------------------------------------------------------------- text


def _text(
    lines: Lines,
    headings: list[str],
    columns: list[StatColumn],
    by: str,
    with_nice: bool,
) -> list[str]:
    width = len(columns) * (CELL_WIDTH + len(GAP)) - len(GAP)
    names = {"task": ("task", "pid"), "comm": ("command", "tasks"), "group": ("group", "tasks")}[by]
    left = _left(*names, "nice", with_nice)
    text = [
        " " * len(left) + "".join(f"{GAP}{padded(clean(heading), width)}" for heading in headings),
        " " * len(left) + f"{GAP}{'-' * width}" * len(headings),
        left + "".join(GAP + _cells([column.heading for column in columns]) for _ in headings),
    ]
    for line in lines.lines:
        cells = "".join(GAP + _side(of.get(line.label), columns) for of in lines.stats)
        text.append(_left(line.name, line.number, line.nice, with_nice) + cells)
    return [line.rstrip() for line in text]


def _left_out(title: str, lines: Lines) -> list[str]:
    """What the table leaves out as not known, if anything."""
    found = left_out_of(title, [of.get(ALL) for of in lines.stats])
    if found is None:
        return []
    what, counts = found
    width = 4 * (CELL_WIDTH + len(GAP)) - len(GAP)
    cells = [f"{count:>{CELL_WIDTH}}".ljust(width) for count in counts]
    return [(f"{what:<{NAME_WIDTH + 8}}" + "".join(GAP + cell for cell in cells)).rstrip()]


def _left(name: str, number: str, nice: str, with_nice: bool) -> str:
    left = f"{padded(clean(name), NAME_WIDTH)} {number:>7}"
    return left + f" {nice:>4}" if with_nice else left


def _side(row: np.void | None, columns: list[StatColumn]) -> str:
    return _cells([column.cell(row, "- ") for column in columns])


def _cells(texts: list[str]) -> str:
    return GAP.join(f"{text:>{CELL_WIDTH}}" for text in texts)


def padded(text: str, width: int) -> str:
    """`text` in exactly `width` columns: cut, with a "~" at the end, or filled up."""
    if _nr_columns(text) > width:
        while _nr_columns(text) > width - 1:
            text = text[:-1]
        text += "~"
    return text + " " * (width - _nr_columns(text))


def _nr_columns(text: str) -> int:
    """Columns on a terminal: two for a wide character, none for a combining one."""
    widths = (0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
    return sum(widths)
