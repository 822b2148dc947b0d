"""Programs of a scenario file: a list of operations and blocks, as a tree of `Step` and `Block`.

What it decides: what a program may contain. `workload.ops.OPERATIONS` says how each operation is written;
`READERS` here reads each kind of argument. Nothing is drawn yet, so whether a program is right does not
depend on the seed.

Rejected: a table for each operation (five lines for "run 3 ms"); expressions and variables (for these there
is Python, with the builders of `workload`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..limits import FOREVER_NS, NICE_RANGE
from ..workload.ops import (
    CHILD,
    DURATION,
    MOMENT,
    NICE,
    NOTHING,
    OPERATIONS,
    PERIOD,
    PLACE,
    TASK,
    WORK,
    Argument,
    Operation,
    Then,
)
from .file import File, Path
from .values import RESERVED, integer, only, shown, span_ns

__all__ = ["OPERATIONS_MAX", "Block", "Step", "all_steps", "program_of"]

NESTING_MAX = 16
"""Deepest `do` within `do`."""
OPERATIONS_MAX = 1_000_000
"""Operations and tasks of a scenario once everything is written out; 3 ... 6 s and 0.2 GB (2025-11, EPYC)."""

LIST_HELP = """a program looks like ["run 3 ms", { repeat = 5, do = ["sleep 1 ms", "run 1 ms"] }, "exit"]"""


@dataclass(frozen=True)
class Step:
    """An operation as written: lengths are still ranges, tasks still names."""

    operation: Operation
    path: Path
    low: int = 0
    high: int = 0
    name: str = ""
    number: int | None = None  # which of the tasks of this name, from 1 on

    @property
    def takes_time(self) -> bool:
        """True if it takes time, whatever is drawn."""
        return self.operation.takes_time and self.low > 0


@dataclass(frozen=True)
class Block:
    """Steps that are done a number of times."""

    times: int
    steps: list[Step | Block]


def program_of(file: File, path: Path, value: Any, depth: int = 0) -> list[Step | Block]:
    """A list of operations, checked as far as possible without the other tasks."""
    if not isinstance(value, list):
        raise file.wrong(path, f"{path[-1]} = {shown(value)} is no list of operations: {LIST_HELP}")
    if depth > NESTING_MAX:
        raise file.wrong(path, f"do within do is allowed {NESTING_MAX} times, no deeper")
    steps: list[Step | Block] = []
    for index, item in enumerate(value):
        if steps and _is_endless(steps[-1]):
            raise file.wrong((*path, index), "is never reached: the loop before it does not end")
        steps.append(_item(file, (*path, index), item, depth))
    last = steps[-1] if steps else None
    if isinstance(last, Step) and last.operation.then is Then.JUMPS:
        _check_loop(file, last, steps)
    return steps


def _item(file: File, path: Path, item: Any, depth: int) -> Step | Block:
    if isinstance(item, str):
        return _step(file, path, item)
    if not isinstance(item, dict):
        raise file.wrong(path, f"{shown(item)} is no operation: {LIST_HELP}")
    only(file, path, item, ("repeat", "do"), "in a repeat")
    if "do" not in item or item["do"] == []:
        raise file.wrong(path, f"do is missing or empty: {LIST_HELP}")
    times = integer(file, (*path, "repeat"), item.get("repeat", 1), 1, OPERATIONS_MAX)
    block = Block(times, program_of(file, (*path, "do"), item["do"], depth + 1))
    if times != 1 and _is_endless(block):
        raise file.wrong(path, "a loop that does not end cannot be repeated")
    return block


def _is_endless(step: Step | Block) -> bool:
    return step.operation.then is Then.JUMPS if isinstance(step, Step) else _is_endless(step.steps[-1])


def all_steps(steps: list[Step | Block]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Step):
            yield step
        else:
            yield from all_steps(step.steps)


def _check_loop(file: File, loop: Step, steps: list[Step | Block]) -> None:
    if not any(step.takes_time for step in all_steps(steps)):
        message = "this loop goes back over no run, sleep or next that surely takes time"
        raise file.wrong(loop.path, message)
    for step in all_steps(steps):
        if step.operation.argument is CHILD:
            raise file.wrong(
                step.path,
                f"'{' '.join(step.operation.words)} {step.name}' stands in an endless loop, but each fork is "
                "a task of its own and all are written out before the run; use { repeat = N, do = [...] } in "
                "place of loop",
            )


def _step(file: File, path: Path, text: str) -> Step:
    words = text.split()
    verb = words[0] if words else ""
    verbs = list(dict.fromkeys(row.words[0] for row in OPERATIONS.values()))
    if verb not in verbs:
        raise file.wrong(path, f"{shown(text)} is no operation; there are {', '.join(verbs)}")
    try:
        step = _read_step(path, words)
    except ValueError as error:
        raise file.wrong(path, f"{shown(text)}: {error}") from None
    if step is None:
        raise file.wrong(path, f"{shown(text)}: {verb} is written {_help(verb)}")
    return step


def _help(verb: str) -> str:
    """How the operations that begin with this word are written."""
    rows = [row for row in OPERATIONS.values() if row.words[0] == verb]
    *others, last = [f"'{example}'" for row in rows for example in row.examples]
    written = f"{', '.join(others)} or {last}" if others else last
    return f"{written}, from {NICE_RANGE[0]} to {NICE_RANGE[1]}" if rows[0].argument is NICE else written


def _read_step(path: Path, words: list[str]) -> Step | None:
    """The step of these words; None if the form is wrong, ValueError if a duration is."""
    begun = [row for row in OPERATIONS.values() if words[: len(row.words)] == row.words]
    if not begun:
        return None
    row = max(begun, key=lambda row: len(row.words))
    read = READERS[row.argument](row.argument, words[len(row.words) :])
    return None if read is None else Step(row, path, **read)


# The readers: each returns what the step learns from the argument, or None if the form is wrong.


def _read_nothing(argument: Argument, words: list[str]) -> dict[str, Any] | None:
    return None if words else {}


def _read_span(argument: Argument, words: list[str]) -> dict[str, Any] | None:
    if not words:
        return None
    low, high = span_ns(" ".join(words), argument.least)
    return {"low": low, "high": high}


def _read_work(argument: Argument, words: list[str]) -> dict[str, Any] | None:
    return {"low": FOREVER_NS, "high": FOREVER_NS} if words == ["forever"] else _read_span(argument, words)


def _read_nice(argument: Argument, words: list[str]) -> dict[str, Any] | None:
    if len(words) != 1 or not re.fullmatch(r"[+-]?[0-9]{1,2}", words[0]):
        return None
    nice = int(words[0])
    return {"low": nice, "high": nice} if argument.least <= nice <= argument.greatest else None


def _read_child(argument: Argument, words: list[str]) -> dict[str, Any] | None:
    return {"name": words[0]} if len(words) == 1 else None


def _read_task(argument: Argument, words: list[str]) -> dict[str, Any] | None:
    if len(words) == 2 and words[0] not in RESERVED and re.fullmatch(r"[0-9]{1,7}", words[1]):
        return {"name": words[0], "number": int(words[1])}
    return _read_child(argument, words)


READERS: dict[Argument, Callable[[Argument, list[str]], dict[str, Any] | None]] = {
    NOTHING: _read_nothing,
    PLACE: _read_nothing,  # the start of its list
    WORK: _read_work,
    DURATION: _read_span,
    MOMENT: _read_span,
    PERIOD: _read_span,
    NICE: _read_nice,
    TASK: _read_task,
    CHILD: _read_child,
}
"""The reader for each kind of argument, used for every operation with such an argument."""
