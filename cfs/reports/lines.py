"""Which lines a table has: one for each task, command name or group, then the others in one, and all in the
last.

What it decides: results shown side by side have the same lines in the same order, most CPU time first. The
quantiles of a line are those of all its waits together, never a mean of quantiles.

N1  The same task has the same line on all sides. Tasks are distinguished by pid, name, and their number among
    equal ones.

Lumping needs no statistics of its own: the result is asked for those by the places of the lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..result import Result

__all__ = ["ALL", "BY", "OTHERS", "Line", "Lines", "check_lines"]

BY = ("task", "comm", "group")
OTHERS = "\0others"
ALL = "\0all"


@dataclass(frozen=True)
class Line:
    """The subject of a line: its label in the lumped results, and its columns at the left."""

    label: str
    name: str
    number: str
    nice: str


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines of results that are shown side by side, and the statistics of each line in each result."""

    lines: list[Line]
    stats: list[dict[str, np.void]]

    @classmethod
    def of(cls, sides: Sequence[Result], by: str, top: int) -> Lines:
        """The `top` lines with most CPU time, the others and all; a single other gets its own line."""
        identities = [identities_of(side, by) for side in sides]
        numbers, of_tasks = numbered(identities)
        ranked = ranked_labels(sides, numbers, of_tasks)
        shown = ranked if len(ranked) <= top + 1 else ranked[:top]
        lines = lines_of(sides, identities, by, shown, len(ranked) - len(shown))
        places = np.full(len(numbers) + 1, len(shown))  # that behind the shown ones is for all others
        places[[numbers[label] for label in shown]] = np.arange(len(shown))
        return cls(lines, [lumped_stats(side, places[of], shown) for side, of in zip(sides, of_tasks)])


def check_lines(by: str, top: int, allowed: tuple[str, ...] = BY) -> None:
    """Raise unless `by` is one of those allowed and `top` is 1 or more."""
    if by not in allowed:
        raise ValueError(f"by = {by!r} is none of {', '.join(map(repr, allowed))}")
    if top < 1:
        raise ValueError(f"top = {top} is less than 1")



def identities_of(result: Result, by: str) -> list[str]:
    """For each task the label of its line, equal in two results for the same task (N1)."""
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


def numbered(identities: list[list[str]]) -> tuple[dict[str, int], list[np.ndarray]]:
    """Numbers the distinct labels, and writes each list in these numbers."""
    numbers: dict[str, int] = {}
    for labels in identities:
        for label in labels:
            numbers.setdefault(label, len(numbers))
    return numbers, [np.array([numbers[label] for label in labels], np.int64) for labels in identities]


def ranked_labels(sides: Sequence[Result], numbers: dict[str, int], of_tasks: list[np.ndarray]) -> list[str]:
    """Labels of all that ran on either side, in order of CPU time: first that of the first side."""
    order = np.zeros((len(numbers), len(sides)), np.int64)
    ran = np.zeros(len(numbers), bool)
    for place, (side, of_task) in enumerate(zip(sides, of_tasks)):
        cpu_ns, switches = side.cpu_times(of_task, len(numbers))
        order[:, place] = -cpu_ns
        ran |= switches > 0
    key_of = dict(zip(numbers, order.tolist()))
    there = (label for label, one in zip(numbers, ran.tolist()) if one)
    return sorted(there, key=lambda label: (key_of[label], label))


def lumped_stats(result: Result, place_of: np.ndarray, shown: list[str]) -> dict[str, np.void]:
    """Statistics of each label shown and of OTHERS, as far as there are tasks of it, and of ALL."""
    if not result.nr_tasks:
        return {}
    rows = result.stats_of(place_of, len(shown) + 1, with_all=True)
    return {label: row for label, row in zip([*shown, OTHERS, ALL], rows) if row["nr_tasks"]}


def lines_of(
    sides: Sequence[Result], identities: list[list[str]], by: str, shown: list[str], nr_others: int
) -> list[Line]:
    """The lines of the labels shown, of OTHERS if there are any, and of ALL."""
    wanted = set(shown)
    task_of: dict[str, tuple[Result, int]] = {}
    for side, labels in zip(sides, identities):
        for task, label in enumerate(labels):
            if label in wanted:
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
