"""Scenario files: workloads that nobody recorded, described in a page of TOML.

What it decides: what a file may say, which operations a program becomes, and which line is to blame if it
cannot. docs/reference/scenario.md is the format; `OPERATIONS`, `TASK_KEYS` below and `units.NS_PER` are its core.

    read      bytes -> text -> tomllib's tables, and the line of each key and value (`_Lines`)
    check     each [[task]] becomes a `_Task`, its program a tree of `_Step` and `_Block`; nothing is drawn
              yet, so whether a file is right does not depend on the seed
    expand    `count`, `repeat` and `fork` are written out, lengths are drawn: one `TaskPlan` a task

Rows of the workload: first the tasks that begin by themselves, in the order of the file, then the forked ones
in the order in which the programs before them name them. So every `fork` has its own row, as a Workload wants
it, and therefore cannot stand in an endless loop.

Numbers: durations are exact integers of ns (a decimal fraction is read as a fraction, never as a float).
Lengths are drawn from one stream a [[task]], named after it (`workload.Draws`): a task keeps its lengths when
others are added, removed or changed, so two variants of a scenario differ in what was varied and in nothing
else.

Rejected: JSON or YAML (no comments; surprises); a table for each operation (five lines for "run 3 ms");
expressions and variables (whoever needs them has Python and the builders of `workload`); search for the text
of a faulty operation to find its line (the same text may stand there twice).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import WorkloadError
from ..limits import FOREVER_NS, POLICIES, SHARES_RANGE
from ..units import DURATION_HELP, ns_of
from ..workload.workload import TASK_LIMITS, Draws, Op, TaskPlan, Workload, of_plans

__all__ = ["read_scenario"]

BYTES_MAX = 4_000_000
"""Longest file; what people write is a thousand times smaller."""
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

TOP_KEYS = ("duration", "seed", "groups", "users", "task")
TASK_KEYS = ("name", "program", "count", "forked", "start", "nice", "policy", "uid", "group", "cpu")
RESERVED = ("parent", "next")
LIST_HELP = """a program looks like ["run 3 ms", { repeat = 5, do = ["sleep 1 ms", "run 1 ms"] }, "exit"]"""

Path = tuple[str | int, ...]
"""Where something stands in a file: ("task", 0, "program", 2) is the third operation of the first task."""


def read_scenario(path: str | os.PathLike, *, seed: int | None = None) -> Workload:
    """The workload that a scenario file describes.

    Parameters
    ----------
    path : str or os.PathLike
        A TOML file (docs/reference/scenario.md).
    seed : int, optional
        Of the lengths that are drawn, 0 ... 2**64 - 1. Default: what the file says, or else 0.

    Returns
    -------
    Workload
        Its `source` is the name of the file. Same file and seed, same workload, on every platform.

    Raises
    ------
    WorkloadError
        The file cannot be read, is no TOML, or describes nothing that can run. The message is
        ``FILE, line N:`` and what is wrong, and what is allowed.

    Notes
    -----
    Cost O(operations), some µs each. To run it for another time or under a variant: see `Workload.run`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "hogs.toml")
    ...     _ = path.write_text('''
    ...         duration = "1 s"
    ...         [[task]]
    ...         name = "hog"
    ...         count = 3
    ...         program = ["run forever"]
    ...     ''')
    ...     work = read_scenario(path)
    >>> work.nr_tasks, work.names, work.run().busy_ns
    (3, ['hog'], 1000000000)
    """
    file = _File.read(path)
    _only(file, (), file.tables, TOP_KEYS, "in a scenario")
    duration_ns = _exact_duration(file, ("duration",), _required(file, (), file.tables, "duration"), least=1)
    file_seed = _integer(file, ("seed",), file.tables.get("seed", 0), 0, 2**64 - 1)
    groups, shares = _groups(file)
    tasks = _tasks(file, groups)
    plans = _Expansion(file, tasks, file_seed if seed is None else seed).plans
    return of_plans(plans, shares=shares, duration_ns=duration_ns, source=os.path.basename(file.name))


# -------------------------------------------------------------------------------------------------- the file


@dataclass(eq=False)
class _File:
    """A TOML file as read, and where everything stands in it."""

    name: str
    tables: dict[str, Any]
    lines: dict[Path, int]

    @classmethod
    def read(cls, path: str | os.PathLike) -> _File:
        name = os.fsdecode(path)
        text = _text(name)
        try:
            return cls(name, tomllib.loads(text), _Lines(text).lines)
        except RecursionError:
            raise WorkloadError(f"{name}, line 1: the arrays or tables are nested too deeply") from None
        except ValueError as error:  # TOMLDecodeError, and what int() says of a number of thousands of digits
            raise WorkloadError(_syntax_message(name, text, str(error))) from None

    def wrong(self, path: Path, message: str) -> WorkloadError:
        """The error for what stands at `path`, or for the nearest thing around it that has a line."""
        while path not in self.lines:
            path = path[:-1]
        return WorkloadError(f"{self.name}, line {self.lines[path]}: {message}")


def _text(name: str) -> str:
    try:
        with open(name, "rb") as stream:
            content = stream.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise WorkloadError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > BYTES_MAX:
        raise WorkloadError(f"{name}: is longer than {BYTES_MAX} bytes, so it is no scenario")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WorkloadError(f"{name}, line {line}: is no TOML file: a byte that is no UTF-8 text") from None


def _syntax_message(name: str, text: str, message: str) -> str:
    place = re.search(r" \(at line (\d+), column \d+\)$| \(at end of document\)$", message)
    if place is None:
        return f"{name}, line 1: is no TOML file: {message}"
    line = place[1] or text.count("\n") + (not text.endswith("\n"))
    return f"{name}, line {line}: is no TOML file: {message[: place.start()]}"


class _Lines:
    """The line of each key and value of a text that tomllib accepts.

    It reads only as much of TOML as is needed for this: tokens, headers, keys, arrays and inline tables.
    """

    TOKEN = re.compile(
        r'''(?P<skip>[ \t]+|\#[^\n]*)
          | (?P<string>"""(?:\\.|[^\\])*?"{3,5} | \'\'\'.*?\'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
          | (?P<mark>[\[\]{}=,.\n])
          | (?P<bare>[^\s\[\]{}=,.\#"']+|.)''',
        re.VERBOSE | re.DOTALL,
    )

    def __init__(self, text: str):
        self.lines: dict[Path, int] = {(): 1}
        self._elements: dict[Path, int] = {}  # of each array of tables, the index of its last one
        self._tokens: list[tuple[str, str, int]] = []
        self._at = 0
        line = 1
        for match in self.TOKEN.finditer(text):
            if match.lastgroup != "skip":
                self._tokens.append((match.lastgroup or "", match[0], line))
            line += match[0].count("\n")
        self._tokens.append(("end", "", line))
        self._read_file()

    def _peek(self) -> str:
        kind, text, _ = self._tokens[self._at]
        return text if kind == "mark" else kind

    def _take(self) -> tuple[str, str, int]:
        token = self._tokens[self._at]
        self._at += token[0] != "end"
        return token

    def _read_file(self) -> None:
        table: Path = ()
        while self._peek() != "end":
            if self._peek() == "\n":
                self._take()
            elif self._peek() == "[":
                table = self._read_header()
            else:
                self._read_pair(table)

    def _read_header(self) -> Path:
        line = self._take()[2]
        is_array = self._peek() == "["
        keys = self._read_key("]")
        path: Path = ()
        for depth, key in enumerate(keys, 1):
            path += (key,)
            if is_array and depth == len(keys):
                self._elements[path] = self._elements.get(path, -1) + 1
            self.lines.setdefault(path, line)
            if path in self._elements:
                path += (self._elements[path],)
                self.lines.setdefault(path, line)
        if is_array:
            self._take()
        return path

    def _read_key(self, end: str) -> list[str]:
        keys = []
        while self._peek() not in (end, "end"):
            kind, text, _ = self._take()
            if kind == "string":
                keys.append(tomllib.loads(f"_ = {text}")["_"])
            elif kind == "bare":
                keys.append(text)
        self._take()
        return keys

    def _read_pair(self, table: Path) -> None:
        line = self._tokens[self._at][2]
        for key in self._read_key("="):
            table += (key,)
            self.lines.setdefault(table, line)
        self._read_value(table)

    def _read_value(self, path: Path) -> None:
        self.lines.setdefault(path, self._tokens[self._at][2])
        opening = self._peek()
        if opening not in ("[", "{"):
            while self._peek() not in ("]", "}", ",", "\n", "end"):
                self._take()
            return
        self._take()
        index = 0
        while self._peek() not in ("]", "}", "end"):
            if self._peek() in (",", "\n"):
                self._take()
            elif opening == "{":
                self._read_pair(path)
            else:
                self._read_value((*path, index))
                index += 1
        self._take()


# ----------------------------------------------------------------------------------------- tables and values


def _only(file: _File, path: Path, table: dict, allowed: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in allowed:
            raise file.wrong((*path, key), f"there is no {key!r} {where}; there are {', '.join(allowed)}")


def _required(file: _File, path: Path, table: dict, key: str) -> Any:
    if key not in table:
        raise file.wrong(path, f"{key} is missing")
    return table[key]


def _integer(file: _File, path: Path, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise file.wrong(path, f"{path[-1]} = {_shown(value)} is no integer from {low} to {high}")
    return value


def _text_of(file: _File, path: Path, value: Any) -> str:
    if not isinstance(value, str):
        raise file.wrong(path, f"{path[-1]} = {_shown(value)} is no text; texts stand in quotes")
    return value


def _table(file: _File, path: Path, value: Any) -> dict:
    if not isinstance(value, dict):
        raise file.wrong(path, f"{path[-1]} = {_shown(value)} is no table")
    return value


def _word(file: _File, path: Path, value: Any) -> str:
    text = _text_of(file, path, value)
    if not text or not text.isprintable() or " " in text or text in RESERVED:
        message = f"{_shown(text)} is no name: one word of printable letters, and not {' or '.join(RESERVED)}"
        raise file.wrong(path, message)
    return text


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        text = "a very long number"
    return text if len(text) <= 60 else text[:57] + "..."


def _span_ns(text: str, least: int = 0) -> tuple[int, int]:
    """Shortest and longest ns of a duration or a range of durations; ValueError says what is wrong."""
    first, dots, last = (part.strip() for part in text.partition(".."))
    low = ns_of(first)
    high = ns_of(last) if dots else low
    if low > high:
        raise ValueError(f"{text!r} is an empty range: the shorter duration comes first")
    if low < least:
        raise ValueError(f"{text!r} is too short: at least {least} ns")
    return low, high


def _duration(file: _File, path: Path, value: Any, least: int = 0) -> tuple[int, int]:
    if not isinstance(value, str):
        raise file.wrong(path, f"{path[-1]} = {_shown(value)} is no duration: {DURATION_HELP}, in quotes")
    try:
        return _span_ns(" ".join(value.split()), least)
    except ValueError as error:
        raise file.wrong(path, f"{path[-1]}: {error}") from None


def _exact_duration(file: _File, path: Path, value: Any, least: int = 0) -> int:
    low, high = _duration(file, path, value, least)
    if low != high:
        raise file.wrong(path, f"{path[-1]} must be one duration, not a range")
    return low


def _groups(file: _File) -> tuple[list[str], dict[str, int]]:
    """Names of the groups that tasks may be in, and the shares of those groups and users that have some."""
    shares = {}
    groups = _table(file, ("groups",), file.tables.get("groups", {}))
    for name, group in groups.items():
        path = ("groups", name)
        if name.startswith("uid:") or name == "/":
            raise file.wrong(path, f"{name!r} is no name for a group: '/' is the root, 'uid:...' are users")
        _word(file, path, name)
        shares[name] = _shares(file, path, group)
    users = _table(file, ("users",), file.tables.get("users", {}))
    for uid, user in users.items():
        path = ("users", uid)
        high = TASK_LIMITS["uid"][1]
        if not re.fullmatch(r"0|[1-9][0-9]{0,9}", uid) or int(uid) > high:
            raise file.wrong(path, f"the user {uid!r} is no integer from 0 to {high}")
        shares[f"uid:{uid}"] = _shares(file, path, user)
    return ["/", *groups], {name: value for name, value in shares.items() if value is not None}


def _shares(file: _File, path: Path, value: Any) -> int | None:
    table = _table(file, path, value)
    _only(file, path, table, ("shares",), f"in [{'.'.join(map(str, path))}]")
    return _integer(file, (*path, "shares"), table["shares"], *SHARES_RANGE) if "shares" in table else None


# ------------------------------------------------------------------------------------------- [[task]] tables


@dataclass(frozen=True)
class _Step:
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
class _Block:
    """Steps that are done a number of times."""

    times: int
    steps: list[_Step | _Block]


@dataclass(eq=False)
class _Task:
    """A [[task]] table."""

    path: Path
    name: str
    count: int
    forked: bool
    start: tuple[int, int]
    facts: dict[str, Any]  # of nice, policy, uid, group, cpu those that are given
    program: list[_Step | _Block] = field(default_factory=list)


def _tasks(file: _File, groups: list[str]) -> dict[str, _Task]:
    tables = file.tables.get("task", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise file.wrong(("task",), "a task begins with the line [[task]], in double brackets")
    tasks: dict[str, _Task] = {}
    for number, table in enumerate(tables):
        task = _task(file, ("task", number), table, groups)
        if task.name in tasks:
            message = f"there is a task {task.name!r} already; for more of them use count"
            raise file.wrong((*task.path, "name"), message)
        tasks[task.name] = task
    if all(task.forked for task in tasks.values()):
        raise file.wrong((), "no task begins: at least one [[task]] without forked = true is needed")
    for task in tasks.values():
        for step in _all_steps(task.program):
            _check_target(file, task, step, tasks)
    return tasks


def _task(file: _File, path: Path, table: dict, groups: list[str]) -> _Task:
    _only(file, path, table, TASK_KEYS, "in a [[task]]")
    name = _word(file, (*path, "name"), _required(file, path, table, "name"))
    forked = table.get("forked", False)
    if type(forked) is not bool:
        raise file.wrong((*path, "forked"), f"forked = {_shown(forked)} is neither true nor false")
    for key in ("start", "count"):
        if forked and key in table:
            message = f"a forked task has no {key}: it begins whenever a program forks it"
            raise file.wrong((*path, key), message)
    count = _integer(file, (*path, "count"), table.get("count", 1), 1, OPERATIONS_MAX)
    start = _duration(file, (*path, "start"), table.get("start", "0 s"))
    program = _program(file, (*path, "program"), _required(file, path, table, "program"))
    return _Task(path, name, count, forked, start, _facts(file, path, table, groups), program)


def _facts(file: _File, path: Path, table: dict, groups: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key in ("nice", "uid", "cpu"):
        if key in table:
            facts[key] = _integer(file, (*path, key), table[key], *TASK_LIMITS[key])
    for key, allowed in (("policy", list(POLICIES)), ("group", groups)):
        if key in table:
            facts[key] = _text_of(file, (*path, key), table[key])
            if facts[key] not in allowed:
                known = ", ".join(map(repr, allowed))
                raise file.wrong((*path, key), f"there is no {key} {_shown(facts[key])}; there are {known}")
    return facts


def _check_target(file: _File, task: _Task, step: _Step, tasks: dict[str, _Task]) -> None:
    """A `fork` must name a template, a `wake` somebody who can be told from others."""
    if step.kind == Op.FORK:
        if step.name not in tasks or not tasks[step.name].forked:
            known = ", ".join(name for name, other in tasks.items() if other.forked) or "none"
            message = f"there is no task {step.name!r} with forked = true to fork; there are: {known}"
            raise file.wrong(step.path, message)
    elif step.kind == Op.WAKE and step.name in RESERVED:
        if task.forked != (step.name == "parent"):
            why = "is not one of a count" if task.forked else "is forked by nobody"
            raise file.wrong(step.path, f"there is no {step.name!r} to wake: {task.name} {why}")
    elif step.kind == Op.WAKE:
        other = tasks.get(step.name)
        if other is None or other.forked:
            known = ", ".join([*RESERVED, *(name for name, other in tasks.items() if not other.forked)])
            raise file.wrong(step.path, f"there is no task {step.name!r} to wake; there are {known}")
        if step.number is not None and not 1 <= step.number <= other.count:
            raise file.wrong(step.path, f"there is no {step.name} {step.number}: its count is {other.count}")


# -------------------------------------------------------------------------------------------------- programs


def _program(file: _File, path: Path, value: Any, depth: int = 0) -> list[_Step | _Block]:
    """A list of operations, checked as far as it can be without the other tasks."""
    if not isinstance(value, list):
        raise file.wrong(path, f"{path[-1]} = {_shown(value)} is no list of operations: {LIST_HELP}")
    if depth > NESTING_MAX:
        raise file.wrong(path, f"do within do is allowed {NESTING_MAX} times, no deeper")
    steps: list[_Step | _Block] = []
    for index, item in enumerate(value):
        if steps and _is_endless(steps[-1]):
            raise file.wrong((*path, index), "is never reached: the loop before it does not end")
        steps.append(_item(file, (*path, index), item, depth))
    last = steps[-1] if steps else None
    if isinstance(last, _Step) and last.kind == Op.LOOP:
        _check_loop(file, last, steps)
    return steps


def _item(file: _File, path: Path, item: Any, depth: int) -> _Step | _Block:
    if isinstance(item, str):
        return _step(file, path, item)
    if not isinstance(item, dict):
        raise file.wrong(path, f"{_shown(item)} is no operation: {LIST_HELP}")
    _only(file, path, item, ("repeat", "do"), "in a repeat")
    if "do" not in item or item["do"] == []:
        raise file.wrong(path, f"do is missing or empty: {LIST_HELP}")
    times = _integer(file, (*path, "repeat"), item.get("repeat", 1), 1, OPERATIONS_MAX)
    block = _Block(times, _program(file, (*path, "do"), item["do"], depth + 1))
    if times != 1 and _is_endless(block):
        raise file.wrong(path, "a loop that does not end cannot be repeated")
    return block


def _is_endless(step: _Step | _Block) -> bool:
    return step.kind == Op.LOOP if isinstance(step, _Step) else _is_endless(step.steps[-1])


def _all_steps(steps: list[_Step | _Block]) -> Iterator[_Step]:
    for step in steps:
        if isinstance(step, _Step):
            yield step
        else:
            yield from _all_steps(step.steps)


def _check_loop(file: _File, loop: _Step, steps: list[_Step | _Block]) -> None:
    if not any(step.takes_time for step in _all_steps(steps)):
        message = "this loop goes back over no run, sleep or next that surely takes time"
        raise file.wrong(loop.path, message)
    for step in _all_steps(steps):
        if step.kind == Op.FORK:
            raise file.wrong(
                step.path,
                f"'fork {step.name}' stands in an endless loop, but each fork is a task of its own and all "
                "are written out before the run; use { repeat = N, do = [...] } in place of loop",
            )


def _step(file: _File, path: Path, text: str) -> _Step:
    words = text.split()
    verb = words[0] if words else ""
    if verb not in OPERATIONS:
        raise file.wrong(path, f"{_shown(text)} is no operation; there are {', '.join(OPERATIONS)}")
    try:
        step = _read_step(path, verb, words[1:])
    except ValueError as error:
        raise file.wrong(path, f"{_shown(text)}: {error}") from None
    if step is None:
        raise file.wrong(path, f"{_shown(text)}: {verb} is written {OPERATIONS[verb]}")
    return step


def _read_step(path: Path, verb: str, words: list[str]) -> _Step | None:
    """The step of a verb and what follows; None if the form is wrong, ValueError if a duration is."""
    kind = Op[verb.upper()]
    if kind in (Op.WAIT, Op.YIELD, Op.LOOP, Op.EXIT):
        return None if words else _Step(kind, path)
    if kind == Op.NICE:
        is_integer = len(words) == 1 and re.fullmatch(r"[+-]?[0-9]{1,2}", words[0])
        low, high = TASK_LIMITS["nice"]
        nice = int(words[0]) if is_integer else high + 1
        return _Step(kind, path, nice, nice) if low <= nice <= high else None
    if kind == Op.FORK:
        return _Step(kind, path, name=words[0]) if len(words) == 1 else None
    if kind == Op.WAKE:
        return _read_wake(path, words)
    return _read_timed(kind, path, words)


def _read_wake(path: Path, words: list[str]) -> _Step | None:
    if len(words) == 1:
        return _Step(Op.WAKE, path, name=words[0])
    if len(words) == 2 and words[0] not in RESERVED and re.fullmatch(r"[0-9]{1,7}", words[1]):
        return _Step(Op.WAKE, path, name=words[0], number=int(words[1]))
    return None


def _read_timed(kind: Op, path: Path, words: list[str]) -> _Step | None:
    if kind == Op.RUN and words == ["forever"]:
        return _Step(kind, path, FOREVER_NS, FOREVER_NS)
    if kind == Op.SLEEP and words[:1] == ["until"]:
        kind, words = Op.SLEEP_UNTIL, words[1:]
    if not words:
        return None
    return _Step(kind, path, *_span_ns(" ".join(words), least=int(kind == Op.NEXT)))


# ------------------------------------------------------------------------------------------------- expansion


class _Expansion:
    """The plans of all tasks: `count`, `repeat` and `fork` written out, lengths drawn."""

    def __init__(self, file: _File, tasks: dict[str, _Task], seed: int):
        self.plans: list[TaskPlan] = []
        self._file = file
        self._tasks = tasks
        self._draws = {name: Draws(seed, name) for name in tasks}
        self._task_of: list[_Task] = []  # of each row, as the following two
        self._parent_of: list[int] = []  # -1: none
        self._nice_of: list[int] = []  # as far as its program has been written out
        self._first_row: dict[str, int] = {}
        self._nr_left = OPERATIONS_MAX
        for task in tasks.values():
            self._first_row[task.name] = len(self.plans)
            for _ in range(0 if task.forked else task.count):
                self._add_row(task, task.path, -1, self._draw(task.name, *task.start), {})
        for row, _ in enumerate(self.plans):  # grows while it is walked through
            self._write(row, self._task_of[row].program)

    def _add_row(self, task: _Task, path: Path, parent: int, start_ns: int, inherited: dict[str, Any]) -> int:
        self._spend(path)
        plan = TaskPlan(task.name, start_ns, **inherited | task.facts)
        self.plans.append(plan)
        self._task_of.append(task)
        self._parent_of.append(parent)
        self._nice_of.append(plan.nice)
        return len(self.plans) - 1

    def _draw(self, stream: str, low: int, high: int) -> int:
        return low if low == high else self._draws[stream](low, high)

    def _spend(self, path: Path) -> None:
        self._nr_left -= 1
        if self._nr_left < 0:
            message = f"count, repeat and fork add up to more than {OPERATIONS_MAX} operations and tasks here"
            raise self._file.wrong(path, message)

    def _write(self, row: int, steps: list[_Step | _Block]) -> None:
        begin = len(self.plans[row].ops)
        for step in steps:
            if isinstance(step, _Step):
                self._write_step(row, step, begin)
                continue
            for _ in range(step.times):
                self._write(row, step.steps)

    def _write_step(self, row: int, step: _Step, begin: int) -> None:
        plan = self.plans[row]
        if step.kind == Op.WAKE:
            for target in self._woken_by(row, step):
                self._spend(step.path)
                plan.add(Op.WAKE, target=target)
            return
        self._spend(step.path)
        if step.kind == Op.FORK:
            plan.add(Op.FORK, target=self._fork(row, step))
        elif step.kind == Op.LOOP:
            plan.add(Op.LOOP, target=begin)
        else:
            arg = self._draw(plan.name, step.low, step.high)
            self._nice_of[row] = arg if step.kind == Op.NICE else self._nice_of[row]
            plan.add(step.kind, arg)

    def _woken_by(self, row: int, step: _Step) -> range:
        task = self._task_of[row]
        if step.name == "parent":
            return range(self._parent_of[row], self._parent_of[row] + 1)
        if step.name == "next":
            first = self._first_row[task.name]
            after = first + (row - first + 1) % task.count
            return range(after, after + 1)
        first = self._first_row[step.name]
        if step.number is not None:
            return range(first + step.number - 1, first + step.number)
        return range(first, first + self._tasks[step.name].count)

    def _fork(self, parent: int, step: _Step) -> int:
        """Row of a fresh task; what its template does not say is as in the parent at this moment."""
        task = self._tasks[step.name]
        self._check_ancestors(parent, task, step.path)
        plan = self.plans[parent]
        inherited = {key: getattr(plan, key) for key in ("uid", "group", "cpu", "policy")}
        return self._add_row(task, step.path, parent, -1, inherited | {"nice": self._nice_of[parent]})

    def _check_ancestors(self, row: int, task: _Task, path: Path) -> None:
        names = [task.name]
        while row >= 0:
            names.append(self._task_of[row].name)
            if self._task_of[row] is task:
                chain = " > ".join(reversed(names))
                raise self._file.wrong(path, f"{task.name} forks itself: {chain}, and so on without end")
            row = self._parent_of[row]
