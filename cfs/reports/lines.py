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
from itertools import chain

import numpy as np

from ..limits import NICE_MAX, NICE_MIN
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
        subjects = Subjects(sides, by, numbers, of_tasks)
        lines = subjects.lines(shown, len(ranked) - len(shown))
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
    numbers = {label: n for n, label in enumerate(dict.fromkeys(chain.from_iterable(identities)))}
    return numbers, [np.fromiter(map(numbers.__getitem__, labels), np.int64, len(labels)) for labels in identities]


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


@dataclass(frozen=True, eq=False)
class Subjects:
    """Who is in a line: the tasks of its label, which have the label's number on each side."""

    sides: Sequence[Result]
    by: str
    numbers: dict[str, int]
    of_tasks: list[np.ndarray]

    def lines(self, shown: list[str], nr_others: int) -> list[Line]:
        """The lines of the labels shown, of OTHERS if there are any, and of ALL."""
        places = [self.numbers[label] for label in shown]
        lines = self._tasks(shown, places) if self.by == "task" else self._names(shown, places)
        if nr_others:
            lines.append(Line(OTHERS, f"{nr_others} others", "", ""))
        return [*lines, Line(ALL, "all", "", "")]

    def _tasks(self, shown: list[str], places: list[int]) -> list[Line]:
        """Name, pid and nice value of the first task of each label, on the first side that has one."""
        side_of, task_of = np.zeros((2, len(self.numbers)), np.int64)
        for place in reversed(range(len(self.sides))):
            there = self.of_tasks[place][::-1]  # the first one is written last
            side_of[there], task_of[there] = place, np.arange(len(there))[::-1]
        found = zip(shown, side_of[places].tolist(), task_of[places].tolist())
        at = ((label, self.sides[place], task) for label, place, task in found)
        return [Line(label, of.names[task], str(of.pids[task]), str(of.nice[task])) for label, of, task in at]

    def _names(self, shown: list[str], places: list[int]) -> list[Line]:
        """Of each label the number of tasks and their nice value on the first side, "*" if they differ."""
        nice, of_task, nr = self.sides[0].nice, self.of_tasks[0], len(self.numbers)
        least, greatest = np.full(nr, NICE_MAX), np.full(nr, NICE_MIN)
        np.minimum.at(least, of_task, nice)
        np.maximum.at(greatest, of_task, nice)
        nr_tasks = np.bincount(of_task, minlength=nr)[places].tolist()
        ends = zip(least[places].tolist(), greatest[places].tolist())
        said = [str(low) if low == high else "*" for low, high in ends]
        return [Line(label, label, str(number), value) for label, number, value in zip(shown, nr_tasks, said)]
