"""What a recording says beside its events: the machine, its groups, and whose the tasks were.

What it decides: the one shape of such facts, wherever they come from, and the JSON in which a ``.cfsrec``
file holds them (`SCHEMA`; docs/reference/cfsrec.md has every key). `cfs record` knows all of them; the head
of a perf.data or trace.dat knows the kernel and the CPUs, and samples of perf may know the group of each task;
text knows none.

S1  None, and an empty table, mean "not said". Nothing is guessed here.
S2  What is read from JSON is of the types and ranges that are written here, or it is one `RecordingError`.

Unknown keys are passed over, so that a later writer may say more; what changes the meaning of a key gets a
new number in `SCHEMA`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..errors import RecordingError
from ..limits import HZ_RANGE, NICE_RANGE, NS_MAX, SHARES_RANGE, U64_MAX, UID_RANGE
from ..units import clean, count_text, time_text

__all__ = [
    "SCHEMA", "GroupFacts", "ProcessorFacts", "Surroundings", "TaskFacts", "from_json", "is_group_path", "to_json",
]  # fmt: skip

SCHEMA = "cfs-recording/1"

PREEMPT_MODES = ("none", "voluntary", "full", "lazy", "rt")
"""When the kernel preempts itself, as it calls that."""

TASK_POLICIES = ("normal", "batch", "idle", "fifo", "rr", "deadline", "ext")
"""Policies that a task may have had; those of `limits.POLICIES` can be replayed."""

NOT_IN_JSON = ("groups_of_rows",)

GROUP_KINDS = ("cgroup v1", "cgroup v2", "autogroup")

Number = int | None


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group of tasks.

    Parameters
    ----------
    path : str
        From the root, ``"/build/one"``; an autogroup is ``"/autogroup-38"``.
    kind : {"cgroup v1", "cgroup v2", "autogroup"}
    shares : int or None
        Its weight where 1024 is the default, whatever the kernel's unit is.
    idle : bool
        cpu.idle.
    quota_ns, period_ns, burst_ns : int or None
        CPU time that it may have a period; `quota_ns` None: no limit, or not known.
    """

    path: str
    kind: str = "cgroup v2"
    shares: Number = None
    idle: bool = False
    quota_ns: Number = None
    period_ns: Number = None
    burst_ns: Number = None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task as it was when it was looked at; of one pid there may be several.

    Parameters
    ----------
    pid : int
        Its thread id.
    seen_ns : int
        When, CLOCK_MONOTONIC.
    name : str
    process : int
        Id of the process it belongs to; 0: not known.
    uid, nice : int or None
    policy : str
        One of `TASK_POLICIES`; "" if not known.
    priority : int
        Of real-time policies, 1 ... 99; else 0.
    slice_ns : int or None
        A slice of its own, where it asked for one.
    group : str or None
        The path of its group, an autogroup included; ``"/"`` is the root group.
    """

    pid: int
    seen_ns: int = 0
    name: str = ""
    process: int = 0
    uid: Number = None
    nice: Number = None
    policy: str = ""
    priority: int = 0
    slice_ns: Number = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessorFacts:
    """A CPU and where it is: its package, its core, its node, and its capacity (the greatest has 1024)."""

    cpu: int
    package: Number = None
    core: Number = None
    node: Number = None
    capacity: Number = None


@dataclass(frozen=True)
class Surroundings:
    """What a recording says beside its events; all of it is None or empty if it says nothing.

    Parameters
    ----------
    kernel, architecture : str
        Release, ``"6.18.44"``, and what processors it is for, ``"x86_64"``.
    clock : str
        The clock of the recording's times.
    hz : int or None
        Ticks a second.
    preempt : str or None
        One of `PREEMPT_MODES`.
    cpus_in_machine : int or None
        CPUs that are online.
    base_slice_ns : int or None
        Slice of a task that has none of its own.
    tunables, features : mapping of str
        Tunables by the names of their files, and the scheduler's feature bits by theirs.
    origins : mapping of str to str
        Where some of these facts were found: ``{"hz": "/proc/config.gz"}``.
    processors, groups, tasks : tuple
        Of `ProcessorFacts`, `GroupFacts`, `TaskFacts`.
    users : mapping of int to int
        Shares of users, by uid, in kernels that group by user.
    groups_of_rows : tuple of (str or None)
        Of each task of the recording, by row, the path of its group, where the recording itself says that; ""
        if it says which one, but not its path; None if nothing. Not in the JSON: a task there is known by its pid.
    not_read : tuple of str
        What could not be read, and why.
    anonymous : bool
        Names of tasks and groups, and uids, are replaced.
    """

    kernel: str = ""
    architecture: str = ""
    clock: str = ""
    hz: Number = None
    preempt: str | None = None
    cpus_in_machine: Number = None
    base_slice_ns: Number = None
    tunables: Mapping[str, int] = field(default_factory=dict)
    features: Mapping[str, bool] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    processors: tuple[ProcessorFacts, ...] = ()
    groups: tuple[GroupFacts, ...] = ()
    users: Mapping[int, int] = field(default_factory=dict)
    tasks: tuple[TaskFacts, ...] = ()
    groups_of_rows: tuple[str | None, ...] = ()
    not_read: tuple[str, ...] = ()
    anonymous: bool = False

    def over(self, below: Surroundings) -> Surroundings:
        """These facts, and those of `below` that are not said here."""
        empty = Surroundings()
        missing = [f.name for f in fields(self) if getattr(self, f.name) == getattr(empty, f.name)]
        return replace(self, **{name: getattr(below, name) for name in missing})

    @property
    def model_tunables(self) -> dict[str, int | bool]:
        """Tunables and feature bits by the names that models give them."""
        named: dict[str, int | bool] = {}
        for name, value in self.tunables.items():
            named[name] = value
            named.setdefault(f"sched_{name}", value)  # debugfs leaves "sched_" out
        named.pop("sched_features", None)  # one word, whose bits mean something else in each release
        if self.base_slice_ns is not None:
            named["base_slice_ns"] = self.base_slice_ns
        return named | dict(self.features)

    @property
    def nr_groups(self) -> int:
        """Groups of which something is said, but for the root group."""
        return len(self.groups) or len({*self.groups_of_rows} - {None, "", "/"})

    @property
    def nr_tasks(self) -> int:
        """Tasks of which something is said."""
        return len({t.pid for t in self.tasks}) or sum(1 for path in self.groups_of_rows if path)

    def groups_line(self, kind: str) -> str:
        """Of a recording of this kind that tells groups by itself, what it tells, for people; else ""."""
        if self.tasks or not self.groups_of_rows:
            return ""
        words = [f"{self.nr_groups} of {kind}"] if self.nr_groups else [f"{kind} has no group but the root"]
        words += ["weights not recorded: 1024 each"] if self.nr_groups and not self.groups else []
        unknown = len(self.groups_of_rows) - self.nr_tasks
        rest = f"; that of {count_text(unknown, 'task')} is not recorded" if unknown else ""
        return ", ".join(words) + rest

    @property
    def line(self) -> str:
        """The machine in one line, for people; "" if nothing is said."""
        words = [f"kernel {clean(self.kernel)}"] if self.kernel else []
        words += [count_text(self.cpus_in_machine, "CPU")] if self.cpus_in_machine else []
        words += [f"HZ {self.hz}"] if self.hz else []
        words += [f"preempt {self.preempt}"] if self.preempt else []
        words += [f"base slice {time_text(self.base_slice_ns).strip()}"] if self.base_slice_ns else []
        words += [count_text(self.nr_tasks, "task")] if self.tasks else []
        words += [count_text(len(self.groups), "group")] if self.groups else []
        return ", ".join(words)


# ------------------------------------------------------------------------------------------------------- JSON


def to_json(said: Surroundings) -> bytes:
    """The facts as JSON: the same facts are the same bytes."""
    content: dict[str, Any] = {"schema": SCHEMA}
    for f in fields(said):
        if f.name not in NOT_IN_JSON:
            content[f.name] = _plain(getattr(said, f.name))
    return json.dumps(content, indent=1).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): value[key] for key in sorted(value)}
    if isinstance(value, tuple):
        return [
            row if isinstance(row, str) else {f.name: getattr(row, f.name) for f in fields(row)}
            for row in value
        ]
    return value


def from_json(content: bytes, name: str) -> Surroundings:
    """The facts in the JSON of a file; `RecordingError`, with the file's name in it, if they are none (S2)."""
    try:
        table = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{name}: its surroundings.json is no JSON: {_short(error)}") from None
    if not isinstance(table, dict) or not str(table.get("schema", "")).startswith("cfs-recording/"):
        raise RecordingError(f'{name}: its surroundings.json is not of the schema "{SCHEMA}"')
    if table["schema"] != SCHEMA:
        raise RecordingError(
            f"{name} is of the schema {clean(str(table['schema']))[:40]!r}; this cfs reads {SCHEMA!r}"
        )
    return _Table(table, name).surroundings()


def _short(error: BaseException) -> str:
    return clean(str(error))[:100] or type(error).__name__


NATURAL = (0, U64_MAX)
PID_RANGE = (0, 2**31 - 1)
CPU_COUNT = (1, 2**16)
NAME_MAX = 256
PATH_MAX = 4096
ROWS_MAX = 1 << 20
RANGES: dict[str, tuple[int, int]] = {
    "hz": (10, HZ_RANGE[1]),
    "cpus_in_machine": CPU_COUNT,
    "base_slice_ns": (1, NS_MAX),
    "shares": SHARES_RANGE,
    "quota_ns": (1, NS_MAX),
    "period_ns": (1, NS_MAX),
    "burst_ns": (0, NS_MAX),
    "pid": PID_RANGE,
    "process": PID_RANGE,
    "seen_ns": (0, NS_MAX),
    "uid": UID_RANGE,
    "nice": NICE_RANGE,
    "priority": (0, 99),
    "slice_ns": (1, NS_MAX),
    "cpu": (0, 2**16),
    "package": NATURAL,
    "core": NATURAL,
    "node": NATURAL,
    "capacity": NATURAL,
}
"""What each number may be. No kernel has fewer than 10 ticks a second."""


class _Table:
    """An object of the JSON, asked for one key after the other; what is not as it should be is an error."""

    def __init__(self, table: Any, name: str, place: str = "") -> None:
        self.name, self.place = name, place
        if not isinstance(table, dict):
            raise self.wrong("", "an object", table)
        self.table = table

    def wrong(self, key: str, expected: str, value: Any) -> RecordingError:
        """The error for the value of a key."""
        where = ".".join(filter(None, [self.place, key])) or "it"
        shown = clean(repr(value))
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return RecordingError(f"{self.name}: in its surroundings.json {where} is {shown}, not {expected}")

    def number(self, key: str, otherwise: Any = None) -> Any:
        """An integer of its range; `otherwise` if it is null or missing."""
        value = self.table.get(key)
        if value is None:
            return otherwise
        least, greatest = RANGES[key]
        if type(value) is not int or not least <= value <= greatest:
            raise self.wrong(key, f"an integer of {least} ... {greatest}", value)
        return value

    def text(self, key: str, length: int = NAME_MAX) -> str:
        """A text that is not too long; "" if it is null or missing."""
        value = self.table.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > length or "\0" in value:
            raise self.wrong(key, f"a text of at most {length} characters", value)
        return value

    def one_of(self, key: str, allowed: tuple[str, ...], otherwise: Any = None) -> Any:
        """One of some words; `otherwise` if it is null, missing or empty."""
        value = self.table.get(key)
        if value in (None, ""):
            return otherwise
        if value not in allowed:
            raise self.wrong(key, "one of " + ", ".join(allowed), value)
        return value

    def flag(self, key: str) -> bool:
        """True or false; false if it is missing."""
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def path(self, key: str) -> str | None:
        """The path of a group, from the root."""
        value = self.text(key, PATH_MAX)
        if value and not is_group_path(value):
            raise self.wrong(key, "a path from the root, like '/a/b'", value)
        return value or None

    def mapping(self, key: str, is_value: Callable[[Any], bool], expected: str) -> dict[str, Any]:
        """An object whose values are of one kind."""
        value = self.table.get(key) or {}
        if not isinstance(value, dict) or len(value) > ROWS_MAX:
            raise self.wrong(key, "an object", value)
        for name, entry in value.items():
            if len(name) > NAME_MAX or not is_value(entry):
                raise self.wrong(f"{key}.{clean(name)[:40]}", expected, entry)
        return value

    def rows(self, key: str, made: Callable[[_Table], Any]) -> tuple[Any, ...]:
        """An array of objects."""
        value = self.table.get(key) or []
        if not isinstance(value, list) or len(value) > ROWS_MAX:
            raise self.wrong(key, f"an array of at most {ROWS_MAX} objects", type(value).__name__)
        return tuple(made(_Table(row, self.name, f"{key}[{i}]")) for i, row in enumerate(value))

    def surroundings(self) -> Surroundings:
        """All of it."""
        return Surroundings(
            kernel=self.text("kernel"),
            architecture=self.text("architecture"),
            clock=self.text("clock"),
            hz=self.number("hz"),
            preempt=self.one_of("preempt", PREEMPT_MODES),
            cpus_in_machine=self.number("cpus_in_machine"),
            base_slice_ns=self.number("base_slice_ns"),
            tunables=self.mapping("tunables", _is_number, "an integer"),
            features=self.mapping("features", lambda value: isinstance(value, bool), "true or false"),
            origins=self.mapping("origins", lambda value: isinstance(value, str), "a text"),
            processors=self.rows("processors", _processor),
            groups=self.rows("groups", _group),
            users=self._users(),
            tasks=self.rows("tasks", _task),
            not_read=self._sentences("not_read"),
            anonymous=self.flag("anonymous"),
        )

    def _users(self) -> dict[int, int]:
        least, greatest = SHARES_RANGE
        allowed = f"shares of {least} ... {greatest}"
        users = self.mapping("users", lambda value: _is_number(value) and least <= value <= greatest, allowed)
        for uid in users:
            if not (uid.isascii() and uid.isdigit() and len(uid) <= 10 and int(uid) <= UID_RANGE[1]):
                raise self.wrong("users", "an object with uids as keys", uid)
        return {int(uid): shares for uid, shares in users.items()}

    def _sentences(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key) or []
        if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
            raise self.wrong(key, "an array of texts", value)
        return tuple(value)


def is_group_path(text: str) -> bool:
    """Is it a path from the root, as the kernel prints that of a group?"""
    return text == "/" or (text.startswith("/") and all(text[1:].split("/")))


def _is_number(value: Any) -> bool:
    return type(value) is int and abs(value) <= U64_MAX


def _processor(row: _Table) -> ProcessorFacts:
    return ProcessorFacts(
        row.number("cpu", 0), *(row.number(key) for key in ("package", "core", "node", "capacity"))
    )


def _group(row: _Table) -> GroupFacts:
    numbers = {key: row.number(key) for key in ("shares", "quota_ns", "period_ns", "burst_ns")}
    kind = row.one_of("kind", GROUP_KINDS, GROUP_KINDS[1])
    return GroupFacts(row.path("path") or "/", kind, idle=row.flag("idle"), **numbers)


def _task(row: _Table) -> TaskFacts:
    return TaskFacts(
        pid=row.number("pid", 0),
        seen_ns=row.number("seen_ns", 0),
        name=row.text("name"),
        process=row.number("process", 0),
        uid=row.number("uid"),
        nice=row.number("nice"),
        policy=row.one_of("policy", TASK_POLICIES, ""),
        priority=row.number("priority", 0),
        slice_ns=row.number("slice_ns"),
        group=row.path("group"),
    )
