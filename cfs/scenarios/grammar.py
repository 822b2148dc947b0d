"""Programs of a scenario file: a list of operations and blocks, as a tree of `Step` and `Block`.

What it decides: what may stand in a program. How each operation is written is in `workload.ops.OPERATIONS`; here
is how each kind of argument is read (`READERS`). Nothing is drawn yet, so whether a program is right does not
depend on the seed.

Rejected: a table for each operation (five lines for "run 3 ms"); expressions and variables (whoever needs them
has Python and the builders of `workload`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..workload.ops import FOREVER_NS, TASK_LIMITS, Op
from .file import File, Path
from .values import RESERVED, integer, only, shown, span_ns

__all__ = ["OPERATIONS_MAX", "Block", "Step", "all_steps", "program_of"]

NESTING_MAX = 16
"""Deepest `do` within `do`."""
OPERATIONS_MAX = 1_000_000
"""Operations and tasks of a scenario once everything is written out; 3 ... 6 s and 0.2 GB (2025-11, EPYC)."""

OPERATIONS = {
    "run": "'run 3 ms', 'run 1 ms .. 5 ms' or 'run forever'",
    "sleep": "'sleep 3 ms', 'sleep 1 ms .. 5 ms' or 'sleep until 1 s'",
    "next": "'next 10 ms'",
    "wait": "'wait'",
    "wake": "'wake NAME', 'wake NAME 3', 'wake parent' or 'wake next'",
    "fork": "'fork NAME'",
    "nice": "'nice 5', from -20 to 19",
    "yield": "'yield'",
    "loop": "'loop'",
    "exit": "'exit'",
}
"""How each operation is written."""

LIST_HELP = """a program looks like ["run 3 ms", { repeat = 5, do = ["sleep 1 ms", "run 1 ms"] }, "exit"]"""


@dataclass(frozen=True)
class Step:
    """An operation as written: what is drawn is still a range, a task still a name."""

    kind: Op
    path: Path
    low: int = 0
    high: int = 0
    name: str = ""
    number: int | None = None  # which of the tasks of this name, from 1 on

    @property
    def takes_time(self) -> bool:
        """Whatever is drawn."""
        return self.kind in (Op.RUN, Op.SLEEP, Op.NEXT) and self.low > 0


@dataclass(frozen=True)
class Block:
    """Steps that are done a number of times."""

    times: int
    steps: list[Step | Block]


def program_of(file: File, path: Path, value: Any, depth: int = 0) -> list[Step | Block]:
    """A list of operations, checked as far as it can be without the other tasks."""
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
    if isinstance(last, Step) and last.kind == Op.LOOP:
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
    return step.kind == Op.LOOP if isinstance(step, Step) else _is_endless(step.steps[-1])


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
        if step.kind == Op.FORK:
            raise file.wrong(
                step.path,
                f"'fork {step.name}' stands in an endless loop, but each fork is a task of its own and all "
                "are written out before the run; use { repeat = N, do = [...] } in place of loop",
            )


def _step(file: File, path: Path, text: str) -> Step:
    words = text.split()
    verb = words[0] if words else ""
    if verb not in OPERATIONS:
        raise file.wrong(path, f"{shown(text)} is no operation; there are {', '.join(OPERATIONS)}")
    try:
        step = _read_step(path, verb, words[1:])
    except ValueError as error:
        raise file.wrong(path, f"{shown(text)}: {error}") from None
    if step is None:
        raise file.wrong(path, f"{shown(text)}: {verb} is written {OPERATIONS[verb]}")
    return step


def _read_step(path: Path, verb: str, words: list[str]) -> Step | None:
    """The step of a verb and what follows; None if the form is wrong, ValueError if a duration is."""
    kind = Op[verb.upper()]
    if kind in (Op.WAIT, Op.YIELD, Op.LOOP, Op.EXIT):
        return None if words else Step(kind, path)
    if kind == Op.NICE:
        is_integer = len(words) == 1 and re.fullmatch(r"[+-]?[0-9]{1,2}", words[0])
        low, high = TASK_LIMITS["nice"]
        nice = int(words[0]) if is_integer else high + 1
        return Step(kind, path, nice, nice) if low <= nice <= high else None
    if kind == Op.FORK:
        return Step(kind, path, name=words[0]) if len(words) == 1 else None
    if kind == Op.WAKE:
        return _read_wake(path, words)
    return _read_timed(kind, path, words)


def _read_wake(path: Path, words: list[str]) -> Step | None:
    if len(words) == 1:
        return Step(Op.WAKE, path, name=words[0])
    if len(words) == 2 and words[0] not in RESERVED and re.fullmatch(r"[0-9]{1,7}", words[1]):
        return Step(Op.WAKE, path, name=words[0], number=int(words[1]))
    return None


def _read_timed(kind: Op, path: Path, words: list[str]) -> Step | None:
    if kind == Op.RUN and words == ["forever"]:
        return Step(kind, path, FOREVER_NS, FOREVER_NS)
    if kind == Op.SLEEP and words[:1] == ["until"]:
        kind, words = Op.SLEEP_UNTIL, words[1:]
    if not words:
        return None
    return Step(kind, path, *span_ns(" ".join(words), least=int(kind == Op.NEXT)))
