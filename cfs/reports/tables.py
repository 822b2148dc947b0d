"""Text tables of a result, with what was recorded beside what the model says.

What it decides: what a reader sees first. Who got the CPU, then who waited how long, then how long the runs
were; a line a task (or command name, or group), most CPU time under the model first; the lines after the
first `top` are summed in one, "N others", and a last line is over all. Quantiles of such a line are those of
all its waits together, never a mean of quantiles.

T1  A line is at most 100 columns wide, whatever the names are.
T2  A name is shown without control characters: a recording is foreign text, and terminals obey what it says.
T3  The same task has the same line on both sides: tasks are told apart by pid, name, and which of several
    such it is.

Lumping needs no statistics of its own: a copy of the result whose tasks have the lines as their names is
asked for `stats("comm")`. Only characters of Latin-1 are used, so that every terminal can show them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from unicodedata import combining, east_asian_width

import numpy as np

from ..result import Result

__all__ = ["Table", "tables", "time_text", "share_text", "count_text", "clean"]

NAME_WIDTH = 15
"""Columns of a name: the kernel's command names have at most 15 bytes."""

CELL_WIDTH = 7
"""Columns of a number; a time of three digits and its unit need seven."""

GAP = "  "
"""Between columns, and between the two sides."""

OTHERS = "\0others"
ALL = "\0all"

UNITS = (("ns", 1), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000))


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


@dataclass(frozen=True)
class Line:
    """What a line is about: its label in the lumped results, and its columns at the left."""

    label: str
    name: str
    number: str
    nice: str


Column = tuple[str, Callable[[np.void], str]]


def tables(result: Result, recorded: Result | None = None, *, by: str = "task", top: int = 12) -> list[Table]:
    """CPU time and switches, waits, and run lengths: three tables.

    Parameters
    ----------
    result : Result
    recorded : Result, optional
        Another result to stand beside it; its tasks are matched by pid and name.
    by : {"task", "comm", "group"}, optional
        What a line is.
    top : int, optional
        Lines shown; the rest is summed in one.

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
    if by not in ("task", "comm", "group"):
        raise ValueError(f"by = {by!r} is none of 'task', 'comm', 'group'")
    if top < 1:
        raise ValueError(f"top = {top} is less than 1")
    sides = [result] if recorded is None else [result, recorded]
    identities = [identities_of(side, by) for side in sides]
    ranked = ranked_labels(sides, identities)
    shown = ranked if len(ranked) <= top + 1 else ranked[:top]
    stats = [lumped_stats(side, names, shown) for side, names in zip(sides, identities)]
    lines = lines_of(sides, identities, by, shown, len(ranked) - len(shown))
    headings = [side.model for side in sides]
    return [
        Table(title, tuple(_text(lines, stats, headings, columns, by, with_nice)))
        for title, columns, with_nice in (
            ("CPU time and switches", _cpu_columns(), True),
            ("Scheduling latency: waits from becoming runnable to running", _quantiles_of("latency"), False),
            ("Run lengths: stays on a CPU", _quantiles_of("run_length"), False),
        )
    ]


# ------------------------------------------------------------------------------------------------ which lines


def identities_of(result: Result, by: str) -> list[str]:
    """For each task the label of its line, equal in two results for the same task (T3)."""
    if by == "comm":
        return list(result.names)
    if by == "group":
        return list(result.groups)
    seen: Counter[tuple[int, str]] = Counter()
    labels = []
    for key in zip(result.pids.tolist(), result.names):
        labels.append(f"{key[0]}\0{key[1]}\0{seen[key]}")
        seen[key] += 1
    return labels


def ranked_labels(sides: list[Result], identities: list[list[str]]) -> list[str]:
    """Labels of all that ran on either side, most CPU time first; that of the first side counts more."""
    order: dict[str, list[int]] = {}
    for place, (side, labels) in enumerate(zip(sides, identities)):
        for label, row in _rows(replace(side, names=labels)).items():
            if row["switches"]:
                order.setdefault(label, [0] * len(sides))[place] = -int(row["cpu_ns"])
    return sorted(order, key=lambda label: (order[label], label))


def _rows(result: Result) -> dict[str, np.void]:
    _, labels = result.keys("comm")
    return {labels[row["key"]]: row for row in result.stats("comm")}


def lumped_stats(result: Result, identities: list[str], shown: list[str]) -> dict[str, np.void]:
    """Statistics of each label shown, of OTHERS and of ALL."""
    kept = set(shown)
    lumped = [label if label in kept else OTHERS for label in identities]
    return _rows(replace(result, names=lumped)) | _rows(replace(result, names=[ALL] * result.nr_tasks))


def lines_of(
    sides: list[Result], identities: list[list[str]], by: str, shown: list[str], nr_others: int
) -> list[Line]:
    """The lines of the labels shown, of OTHERS if there are some, and of ALL."""
    task_of: dict[str, tuple[Result, int]] = {}
    for side, labels in zip(sides, identities):
        for task, label in enumerate(labels):
            task_of.setdefault(label, (side, task))
    nr_tasks = Counter(identities[0])
    lines = []
    for label in shown:
        side, task = task_of[label]
        if by == "task":
            lines.append(Line(label, side.names[task], str(side.pids[task]), str(side.nice[task])))
        else:
            lines.append(Line(label, label, str(nr_tasks[label]), _nice_of(sides[0], identities[0], label)))
    if nr_others:
        lines.append(Line(OTHERS, f"{nr_others} others", "", ""))
    return [*lines, Line(ALL, "all", "", "")]


def _nice_of(result: Result, identities: list[str], label: str) -> str:
    """The nice value of all tasks of a label, "*" if they differ."""
    values = {int(nice) for nice, other in zip(result.nice, identities) if other == label}
    return str(values.pop()) if len(values) == 1 else "*"


# ------------------------------------------------------------------------------------------------------- text


def _cpu_columns() -> list[Column]:
    return [
        ("CPU", lambda row: time_text(row["cpu_ns"])),
        ("share", lambda row: share_text(row["share"])),
        ("vol.", lambda row: str(row["voluntary"])),
        ("invol.", lambda row: str(row["involuntary"])),
    ]


def _quantiles_of(field: str) -> list[Column]:
    def column(name: str) -> Callable[[np.void], str]:
        return lambda row: time_text(row[field][name]) if row[field]["count"] else "- "

    return [(name.removesuffix("_ns"), column(name)) for name in ("p50_ns", "p95_ns", "p99_ns", "max_ns")]


def _text(
    lines: list[Line],
    stats: list[dict[str, np.void]],
    headings: list[str],
    columns: list[Column],
    by: str,
    with_nice: bool,
) -> list[str]:
    width = len(columns) * (CELL_WIDTH + len(GAP)) - len(GAP)
    names = {"task": ("task", "pid"), "comm": ("command", "tasks"), "group": ("group", "tasks")}[by]
    left = _left(*names, "nice", with_nice)
    text = [
        " " * len(left) + "".join(f"{GAP}{padded(clean(heading), width)}" for heading in headings),
        " " * len(left) + f"{GAP}{'-' * width}" * len(headings),
        left + "".join(GAP + _cells([name for name, _ in columns]) for _ in headings),
    ]
    for line in lines:
        cells = "".join(GAP + _side(table.get(line.label), columns) for table in stats)
        text.append(_left(line.name, line.number, line.nice, with_nice) + cells)
    return [line.rstrip() for line in text]


def _left(name: str, number: str, nice: str, with_nice: bool) -> str:
    left = f"{padded(clean(name), NAME_WIDTH)} {number:>7}"
    return left + f" {nice:>4}" if with_nice else left


def _side(row: np.void | None, columns: list[Column]) -> str:
    return _cells(["- " if row is None else text(row) for _, text in columns])


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


def clean(text: str) -> str:
    """`text` without characters that a terminal would act on or that have no shape (T2)."""
    return "".join(char if char.isprintable() else "?" for char in text)


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


def share_text(share: float) -> str:
    """A share of the CPU time: ``"24.75%"``."""
    return f"{100 * float(share):.2f}%"


def count_text(number: int, noun: str, ending: str = "s") -> str:
    """A number and what it counts: ``"1 task"``, ``"2 tasks"``."""
    return f"{number} {noun}" + ("" if number == 1 else ending)
