"""The columns of the tables of results: one entry for each column, used by every report.

What it decides: which facts about a task, a command name or a group are shown, and where. An entry of
`COLUMNS` says how the column follows from `Result.stats`, its unit, its text, and which reports show it.

    Result.to_dict, Comparison.to_dict    the places TASK, GROUP and CLASS: plain numbers
    frames                                all of them, in this order; "." in a name becomes "_"
    tables, html                          those with a `table`, under that title; the first title comes first
    Comparison.tables                     those with a `comparison`, a table each

K1  A new column is one entry here, and its line in docs/reference/result.md.
K2  An unknown value is null in a frame and a dash in a table: a quantile of no waits, or of waits that were
    only summed. As a plain number the former is 0, beside a count of 0, and the latter null.

Rejected: a class for each column (columns differ only in a formula and a heading).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..result import QUANTILES_DTYPE
from ..sums import UNKNOWN_NS
from ..units import share_text, time_text

__all__ = [
    "CLASS",
    "COLUMNS",
    "GROUP",
    "TASK",
    "StatColumn",
    "all_columns",
    "columns_compared",
    "columns_in",
    "columns_of_tables",
    "left_out_of",
    "plain_rows",
]

TASK, GROUP, CLASS = "task", "group", "class"
"""Places for plain numbers: a task, a group, a line of a comparison."""

CPU_TABLE = "CPU time and switches"
LATENCY_TABLE = "Scheduling latency: waits from becoming runnable to running"
RUN_TABLE = "Run lengths: stays on a CPU"

WAITS = {"p50": "half are no longer", "p99": "one in a hundred is longer", "max": "the longest"}
"""Quantiles that a comparison shows."""

Stats = Any
"""Rows of `STATS_DTYPE`, or one of them: a formula fits both."""


@dataclass(frozen=True)
class StatColumn:
    """A column of the tables of results.

    Parameters
    ----------
    name : str
        Name for machines; a dot nests it: ``"latency.p99_ns"``.
    unit : str
        ``"ns"``, ``"1"`` for a part of a whole, or the thing that is counted.
    value : callable
        From rows of `Result.stats`, or one row, to the values.
    text : callable
        A value as people read it, in at most seven columns.
    known : callable, optional
        In which rows there is a value (K2); default in all.
    places : mapping of str to int
        Places that give it as a plain number, and its rank there: lower comes first.
    table : str
        Title of the table that has it; a table has at most four, to fit beside a recording. Empty: in none.
    heading, long_heading : str
        Heading in text, and on a page; the second defaults to the first.
    comparison : str
        Title of its table in a comparison; empty: it has none.
    """

    name: str
    unit: str
    value: Callable[[Stats], Any]
    text: Callable[[Any], str] = str
    known: Callable[[Stats], Any] | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    table: str = ""
    heading: str = ""
    long_heading: str = ""
    comparison: str = ""

    @property
    def on_page(self) -> str:
        """Its heading on a page."""
        return self.long_heading or self.heading

    @property
    def flat_name(self) -> str:
        """Its name in tables without nested columns."""
        return self.name.replace(".", "_")

    def cell(self, row: np.void | None, nothing: str) -> str:
        """Its text in a row; `nothing` without a row or a value."""
        is_known = row is not None and (self.known is None or self.known(row))
        return self.text(self.value(row)) if is_known else nothing


def _field(name: str) -> Callable[[Stats], Any]:
    return lambda stats: stats[name]


def _quantile_columns(
    name: str, table: str = "", places: Mapping[str, int] | None = None
) -> list[StatColumn]:
    """Count, sum and quantiles of some waits or run lengths."""
    return [_quantile_column(name, part, table, places or {TASK: 20}) for part in QUANTILES_DTYPE.names or ()]


def _quantile_column(name: str, part: str, table: str, places: Mapping[str, int]) -> StatColumn:
    def value(stats: Stats) -> Any:
        return stats[name][part]

    if part in ("count", "sum_ns"):
        return StatColumn(f"{name}.{part}", "ns" if part == "sum_ns" else "waits", value, places=places)
    heading = part.removesuffix("_ns")
    what = WAITS.get(heading) if name == "latency" else None
    return StatColumn(
        f"{name}.{part}",
        "ns",
        value,
        time_text,
        known=lambda stats: (stats[name]["count"] > 0) & (stats[name][part] != UNKNOWN_NS),
        places=places,
        table=table,
        heading=heading,
        comparison=f"Scheduling latency, {heading}: of the waits {what}" if what else "",
    )


COLUMNS: Sequence[StatColumn] = (
    StatColumn("nr_tasks", "tasks", _field("nr_tasks"), places={GROUP: 0, CLASS: 0}),
    StatColumn(
        "cpu_ns",
        "ns",
        _field("cpu_ns"),
        time_text,
        places={TASK: 1, GROUP: 1, CLASS: 1},
        table=CPU_TABLE,
        heading="CPU",
    ),
    StatColumn(
        "share",
        "1",
        _field("share"),
        share_text,
        places={TASK: 0, GROUP: 2, CLASS: 3},
        table=CPU_TABLE,
        heading="share",
        comparison="Share of the CPU",
    ),
    StatColumn(
        "switches", "runs", _field("switches"), places={TASK: 2, CLASS: 2}, comparison="Times switched in"
    ),
    StatColumn(
        "voluntary",
        "runs",
        _field("voluntary"),
        places={TASK: 2, CLASS: 2},
        table=CPU_TABLE,
        heading="vol.",
        long_heading="voluntary",
    ),
    StatColumn(
        "involuntary",
        "runs",
        _field("involuntary"),
        places={TASK: 2, CLASS: 2},
        table=CPU_TABLE,
        heading="invol.",
        long_heading="involuntary",
    ),
    StatColumn("unknown_waits", "waits", _field("unknown_waits"), places={TASK: 30, CLASS: 30}),
    StatColumn("unknown_runs", "runs", _field("unknown_runs"), places={TASK: 30, CLASS: 30}),
    *_quantile_columns("latency", LATENCY_TABLE, {TASK: 20, CLASS: 20}),
    *_quantile_columns("wakeup_latency"),
    *_quantile_columns("fork_latency"),
    *_quantile_columns("preempted_wait"),
    *_quantile_columns("run_length", RUN_TABLE),
)


def all_columns() -> Sequence[StatColumn]:
    """Every column, as a frame has them."""
    return COLUMNS


def columns_compared() -> list[StatColumn]:
    """Columns that have a table of their own in a comparison."""
    return [column for column in COLUMNS if column.comparison]


def columns_in(place: str) -> list[StatColumn]:
    """The columns that a place gives as plain numbers, in their order there."""
    return sorted((column for column in COLUMNS if place in column.places), key=lambda c: c.places[place])


def columns_of_tables() -> dict[str, list[StatColumn]]:
    """The tables by title, and the columns of each."""
    tables: dict[str, list[StatColumn]] = {}
    for column in COLUMNS:
        if column.table:
            tables.setdefault(column.table, []).append(column)
    return tables


LEFT_OUT = {
    LATENCY_TABLE: ("waits not known", "unknown_waits"),
    RUN_TABLE: ("lengths not known", "unknown_runs"),
}
"""Of a table what it leaves out, and the column that counts it."""


def left_out_of(title: str, stats: Sequence[np.void | None]) -> tuple[str, list[str]] | None:
    """What a table leaves out as not known, and how many on each side; None if nothing is.

    Parameters
    ----------
    title : str
        Of the table.
    stats : sequence of numpy.void or None
        Of each side the statistics over all.
    """
    what, name = LEFT_OUT.get(title, ("", ""))
    counts = [0 if row is None or not name else int(row[name]) for row in stats]
    return (what, [str(count) for count in counts]) if any(counts) else None


def plain_rows(stats: np.ndarray, place: str) -> list[dict[str, Any]]:
    """Rows of statistics as plain numbers, nested at the dots of the names."""
    columns = columns_in(place)
    values = [_plain_values(column, np.asarray(column.value(stats)).tolist()) for column in columns]
    return [_nested([column.name for column in columns], row) for row in zip(*values)]


def _plain_values(column: StatColumn, values: list[Any]) -> list[Any]:
    if column.known is None:
        return values
    return [None if value == UNKNOWN_NS else value for value in values]


def _nested(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in zip(names, values):
        outer, dot, inner = name.partition(".")
        if dot:
            row.setdefault(outer, {})[inner] = value
        else:
            row[outer] = value
    return row
