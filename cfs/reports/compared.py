"""The facts about one scheduler of a comparison: its result, the compared part, and how uneven the service
was.

Tables, figures and pages use it; it knows none of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..result import STATS_DTYPE, Out, Result
from ..simulation.simulation import Simulation
from .columns import CLASS, plain_rows
from .fairness import Lags, Spread
from .lines import ALL, OTHERS, Lines
from .settings import settings_text

__all__ = ["Again", "Column", "class_rows", "difference_row", "number_equals", "quantile"]

Again = Callable[[], Simulation]
"""Makes a simulation once more."""

COMPARED = ("programs_ended", "busy_ns", "idle_ns", "context_switches", "classes")
"""Of a column as plain numbers, those of which there is a difference."""


@dataclass(eq=False)
class Column:
    """One scheduler of a comparison.

    Parameters
    ----------
    model : str
        Id of the model, or ``"recorded"``.
    settings : dict
        What the user set for this column: tunables and feature bits, and what differs from the others beside
        them, ``{"hz": 250, "nice:rsync*": 19}``.
    whole : Result
        Everything from time 0 on.
    result : Result
        The part that is compared; its `duration_ns` is the length of the part.
    lags : Lags
        Lag of the tasks that want the CPU all the time (`fairness`).
    spread : Spread or None
        Distance between tasks in the model's own virtual time; None if it has none.
    number : int
        Number among columns of the same model and settings, from 1 on.
    asked : {None, "uid", "cgroup"}, optional
        What it was asked to be fair by; its result says what it is.
    again : callable, optional
        Makes the simulation once more, to be looked at on the way; None for what was recorded.
    """

    model: str
    settings: dict[str, int | bool | str]
    whole: Result
    result: Result
    lags: Lags
    spread: Spread | None
    number: int = 1
    asked: str | None = None
    again: Again | None = None

    @property
    def label(self) -> str:
        """Names the column: the model, and its settings if it has some."""
        number = [f"({self.number})"] if self.number > 1 else []
        return " ".join([self.model, *number, *settings_text(self.settings)])

    @property
    def is_recorded(self) -> bool:
        """Was this measured, not simulated?"""
        return self.model == "recorded"

    @property
    def nr_ended(self) -> int:
        """Number of tasks that exited."""
        return int((self.result.runs["out"] == Out.EXITED).sum())

    @property
    def idle_ns(self) -> int:
        """Time of all CPUs in which no task ran, ns."""
        return int(self.result.duration_ns) * len(self.result.cpus) - self.result.busy_ns

    def to_dict(self, classes: list[dict[str, Any]]) -> dict[str, Any]:
        """The column as plain numbers, with those of its lines."""
        return {
            "label": self.label,
            "model": self.model,
            "settings": self.settings,
            "programs_ended": self.nr_ended,
            "busy_ns": self.result.busy_ns,
            "idle_ns": self.idle_ns,
            "context_switches": int(self.result.context_switches),
            "end": self.whole.end,
            "end_ns": int(self.whole.duration_ns),
            "classes": classes,
            "lag": {
                "at_ns": self.lags.at_ns.tolist(),
                "greatest_ns": self.lags.greatest_ns.tolist(),
                "least_ns": self.lags.least_ns.tolist(),
                "nr_tasks": self.lags.nr_tasks.tolist(),
            },
            "virtual": self.spread
            and {
                "field": self.spread.field,
                "at_ns": self.spread.at_ns.tolist(),
                "spread": self.spread.spread.tolist(),
            },
            "result": self.result.to_dict(),
        }


def class_rows(lines: Lines, place: int) -> list[dict[str, Any]]:
    """The lines of a scheduler as plain numbers."""
    of = lines.stats[place]
    shown = [line for line in lines.lines if line.label in of]
    kinds = {OTHERS: "others", ALL: "all"}
    stats = np.array([of[line.label] for line in shown], STATS_DTYPE)
    return [
        {"kind": kinds.get(line.label, "class"), "name": line.name} | row
        for line, row in zip(shown, plain_rows(stats, CLASS))
    ]


def difference_row(row: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a column minus those of the first, for the lines that both have."""
    of_first = {(line["kind"], line["name"]): line for line in first["classes"]}
    difference = {key: row[key] - first[key] for key in COMPARED if key != "classes"}
    difference["classes"] = [
        {"kind": line["kind"], "name": line["name"]} | _less(line, of_first[line["kind"], line["name"]])
        for line in row["classes"]
        if (line["kind"], line["name"]) in of_first
    ]
    return difference


def _less(numbers: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """`numbers` minus `first`, key by key; None for quantiles of no values."""
    unknown = 0 in (numbers.get("count"), first.get("count"))
    found: dict[str, Any] = {}
    for key, value in numbers.items():
        if isinstance(value, dict):
            found[key] = _less(value, first[key])
        elif not isinstance(value, str):
            found[key] = None if unknown and key not in ("count", "sum_ns") else value - first[key]
    return found


def number_equals(columns: Sequence[Column]) -> None:
    """Number the columns of the same model and settings."""
    seen: Counter[str] = Counter()
    for column in columns:
        seen[column.label] += 1
        column.number = seen[column.label]


def quantile(values: np.ndarray | None, name: str) -> int | None:
    """Quantile by nearest rank, as everywhere; None if there are no values."""
    if values is None or not len(values):
        return None
    percent = {"p50": 50, "p99": 99, "max": 100}[name]
    return int(np.sort(values)[-(-len(values) * percent // 100) - 1])
