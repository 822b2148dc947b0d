"""Replay a conformance trace and show the first difference.

A trace (format ``sched-conformance/1``) is a gzip-compressed JSON-lines file. A header comes first. Each
further line is one operation with the state of the scheduler right after it, recorded from the kernel's own
code. `replay_trace` performs the operations on a `Scheduler` and compares every field of every state.

Invariant:
    I1  no part of the expected state is used to make the actual one, and every key of the expected state is
        compared
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from .errors import CfsError, TraceError
from .models.registry import MODELS
from .scheduler._handles import Task
from .scheduler._scheduler import Scheduler

__all__ = ["Difference", "TraceResult", "replay_trace", "replay_traces", "read_trace"]

FORMAT = "sched-conformance/1"
HISTORY = 5
"""Operations shown before the one that differs."""

GROUPINGS = {"none": None, "uid": "uid", "cgroup": "cgroup"}


@dataclass(frozen=True)
class Difference:
    """The first state that is not equal.

    Parameters
    ----------
    line : int
        Line of the trace, the header being line 1.
    operation : dict
        The operation, without its state.
    path : str
        The quantity: ``ent.3.vruntime``.
    expected, got
        Its value in the trace, and ours.
    before : list of dict
        The operations before it, oldest first.
    """

    line: int
    operation: dict[str, Any]
    path: str
    expected: Any
    got: Any
    before: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"    {_one_line(op)}" for op in self.before]
        lines.append(f"  > {_one_line(self.operation)}")
        lines.append(f"line {self.line}: {self.path}: expected {self.expected}, got {self.got}")
        return "\n".join(lines)


@dataclass(frozen=True)
class TraceResult:
    """The verdict on one trace.

    Parameters
    ----------
    path : str
    model : str
    operations : int
        Operations replayed, up to the first difference.
    states : int
        How many of these had a full state to compare; the others have the running task and the flag.
    difference : Difference or None
        None: every field of every state was equal.
    """

    path: str
    model: str
    operations: int
    states: int
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """Was every field of every state equal?"""
        return self.difference is None


def _one_line(op: dict[str, Any]) -> str:
    rest = " ".join(f"{key}={value}" for key, value in op.items() if key not in ("t", "op"))
    return f"t={op.get('t')} {op.get('op')} {rest}".rstrip()


def read_trace(path: str | os.PathLike[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and objects of a trace, plain or gzip, the header first; ``"-"`` is standard input.

    Raises
    ------
    TraceError
        The file cannot be read or is not a trace; the message names the line.
    """
    path = os.fspath(path)
    number = 0
    try:
        with _opened(path) as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            for number, line in enumerate(gzip.open(raw) if zipped else raw, 1):
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise TraceError(f"{path}, line {number}: not a JSON object")
                yield number, record
    except TraceError:
        raise
    except (ValueError, RecursionError) as error:
        raise TraceError(f"{path}, line {number}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        where = f"{path}, after line {number}" if number else path
        raise TraceError(f"{where}: {getattr(error, 'strerror', None) or error}") from error
    if number == 0:
        raise TraceError(f"{path} is empty")


def _opened(path: str) -> BinaryIO:
    """The file; standard input is read to its end, since one looks at its beginning first."""
    if path != "-":
        return open(path, "rb")
    stdin: Any = sys.stdin  # whoever put a stream of its own there may have no bytes below
    return io.BytesIO(getattr(stdin, "buffer", stdin).read())


def replay_trace(path: str | os.PathLike[str]) -> TraceResult:
    """Replay one trace and compare every field of every state.

    Parameters
    ----------
    path : path-like
        A conformance trace, gzip or plain.

    Returns
    -------
    TraceResult

    Raises
    ------
    TraceError
        The file cannot be read, is not a trace, or its operations make no sense.

    Notes
    -----
    Cost about 20 µs an operation and 2 µs an entity of each full state.
    """
    path = os.fspath(path)
    lines = read_trace(path)
    _, header = next(lines)
    replayer = _replayer(path, header)
    history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
    operations = states = 0
    for number, record in lines:
        expected = record.pop("s", None)
        if not isinstance(expected, dict):
            raise TraceError(f"{path}, line {number}: the operation has no state")
        try:
            replayer.perform(record)
            found = replayer.first_difference(expected)
        except (CfsError, KeyError, TypeError, ValueError, AttributeError) as error:
            why = f"no field {error}" if isinstance(error, KeyError) else error
            raise TraceError(f"{path}, line {number}: {_one_line(record)}: {why}") from error
        operations += 1
        states += len(expected) > 2
        if found:
            return TraceResult(
                path, header["model"], operations, states, Difference(number, record, *found, list(history))
            )
        history.append(record)
    if not operations:
        raise TraceError(f"{path} has a header, but no operation")
    return TraceResult(path, header["model"], operations, states, None)


def replay_traces(
    paths: list[str], progress: Callable[[int, int], None] | None = None
) -> Iterator[TraceResult | TraceError]:
    """`replay_trace` for each path; an unreadable trace yields its `TraceError` in place of a result."""
    for done, path in enumerate(paths):
        try:
            yield replay_trace(path)
        except TraceError as error:
            yield error
        if progress is not None:
            progress(done + 1, len(paths))


def _replayer(path: str, header: dict[str, Any]) -> _Replayer:
    if header.get("format") != FORMAT:
        raise TraceError(f"{path}, line 1: format {header.get('format')!r}, not {FORMAT!r}")
    if str(header.get("model")) not in MODELS:
        raise TraceError(
            f"{path}, line 1: there is no model {header.get('model')!r}; there are {', '.join(MODELS)}"
        )
    if header.get("cpus", 1) != 1:
        raise TraceError(
            f"{path}, line 1: a trace of {header['cpus']} CPUs; only one CPU can be replayed yet"
        )
    if str(header.get("groups", "none")) not in GROUPINGS:
        raise TraceError(f"{path}, line 1: groups {header['groups']!r} is none of {', '.join(GROUPINGS)}")
    try:
        return _Replayer(header)
    except (CfsError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise TraceError(f"{path}, line 1: {error}") from error


class _Replayer:
    """A Scheduler that performs trace operations."""

    def __init__(self, header: dict[str, Any]):
        self.dialect = DIALECTS.get(header["model"], Dialect)(header)
        self.group_by = GROUPINGS[header.get("groups", "none")]
        options = self.dialect.scheduler_options()
        if not self.group_by:
            options.pop("root_shares", None)
        self.sched = Scheduler(header["model"], group_by=self.group_by, **options)
        self.tasks: dict[int, Task] = {}
        self.numbers: dict[int, int] = {}  # id of a Task -> number in the trace

    def number_of(self, task: Task | None) -> int:
        return 0 if task is None else self.numbers[task.id]

    def perform(self, op: dict[str, Any]) -> None:
        kind = op["op"]
        method = getattr(self, f"op_{kind}", None)
        if method is None:
            raise TraceError(f"unknown operation {kind!r}")
        method(op)

    def op_fork(self, op: dict[str, Any]) -> None:
        running = self.number_of(self.sched.current)
        if op["parent"] != running:
            raise TraceError(f"task {op['parent']} forks, but {running} is running")
        child = self.sched.fork(
            now_ns=op["t"],
            name=str(op["task"]),
            nice=op["nice"],
            policy=op["policy"],
            **self._group(op["group"]),
            **_renamed(op, clone_vm="clone_vm"),
        )
        self.tasks[op["task"]] = child
        self.numbers[child.id] = op["task"]

    def op_wake(self, op: dict[str, Any]) -> None:
        self.sched.wake(self.tasks[op["task"]], now_ns=op["t"], **_renamed(op, sync="sync", irq="irq"))

    def op_block(self, op: dict[str, Any]) -> None:
        self.sched.block(now_ns=op["t"], **_renamed(op, state="sleep"))

    def op_exit(self, op: dict[str, Any]) -> None:
        task = self.sched.current
        self.sched.exit(now_ns=op["t"])
        if task is not None:  # or the exit was refused
            del self.tasks[self.numbers.pop(task.id)]

    def op_yield(self, op: dict[str, Any]) -> None:
        self.sched.yield_(now_ns=op["t"])

    def op_tick(self, op: dict[str, Any]) -> None:
        self.sched.tick(now_ns=op["t"])

    def op_nice(self, op: dict[str, Any]) -> None:
        self.sched.set_nice(self.tasks[op["task"]], op["nice"], now_ns=op["t"])

    def op_policy(self, op: dict[str, Any]) -> None:
        self.sched.set_policy(self.tasks[op["task"]], op["policy"], now_ns=op["t"])

    def op_move(self, op: dict[str, Any]) -> None:
        self.sched.move(self.tasks[op["task"]], now_ns=op["t"], **self._group(op["group"]))

    def op_shares(self, op: dict[str, Any]) -> None:
        self.sched.set_shares(op["group"], op["shares"], now_ns=op["t"])

    def op_group(self, op: dict[str, Any]) -> None:
        if self.group_by == "uid":
            self.sched.create_user(int(op["group"].removeprefix("uid:")), shares=op["shares"], now_ns=op["t"])
        else:
            self.sched.create_group(op["group"], shares=op["shares"], parent=op["parent"], now_ns=op["t"])

    def op_slice(self, op: dict[str, Any]) -> None:
        self.sched.set_slice(self.tasks[op["task"]], op["slice_ns"], now_ns=op["t"])

    def op_gidle(self, op: dict[str, Any]) -> None:
        self.sched.set_group_idle(op["group"], op["idle"], now_ns=op["t"])

    def _group(self, name: str) -> dict[str, Any]:
        if self.group_by == "uid":
            return {"uid": int(name.removeprefix("uid:"))}
        return {"group": name} if self.group_by == "cgroup" else {}

    def first_difference(self, expected: dict[str, Any]) -> tuple[str, Any, Any] | None:
        """(path, expected, got) of the first field that differs, in the order of the trace; None if all are
        equal.
        """
        for key, value in expected.items():
            getter = getattr(self.dialect, f"state_{key}", None)
            if getter is None:
                raise TraceError(f"unknown state {key!r}")
            got = getter(self)
            if got != value:
                return _first_difference(key, value, got, self.dialect.columns(key))
        return None


def _renamed(op: dict[str, Any], **names: str) -> dict[str, Any]:
    """The optional arguments of an operation, under the Scheduler's names."""
    return {ours: op[theirs] for theirs, ours in names.items() if theirs in op}


class Dialect:
    """The names and forms that a trace uses. If traces of a model show more, the model has a subclass.

    A method ``state_KEY`` makes the state of this key from the replayer's Scheduler.
    """

    def __init__(self, header: dict[str, Any]):
        self.header = header
        self.ent_fields = header.get("ent_fields", ["vruntime", "sum_exec_runtime", "on_rq"])
        self.rq_fields = header.get("rq_fields", ["min_vruntime", "load_weight", "nr_running"])
        self.cpu_fields = header.get("cpu_fields", ["clock", "nr_running", "load_weight", "nr_switches"])

    def scheduler_options(self) -> dict[str, Any]:
        """Arguments of the Scheduler, from the header."""
        options = dict(self.header.get("tunables", {}))
        root_shares = options.pop("init_task_group_load", None)
        options.pop("sd", None)  # how CPUs are arranged
        self.refuse_unknown(options)
        return options | {"root_shares": root_shares}

    def refuse_unknown(self, options: dict[str, Any]) -> None:
        model = MODELS[self.header["model"]]
        unknown = options.keys() - set(model.tunables.names())
        if unknown:
            raise TraceError(f"{model.id} has no tunable {', '.join(sorted(unknown))}")

    def columns(self, key: str) -> list[str]:
        """Names of the columns of a state's rows."""
        return {"ent": self.ent_fields, "rq": self.rq_fields, "cpu": self.cpu_fields}.get(key, [])

    def value(self, column: str, value: int) -> Any:
        """A field of an entity as the trace shows it."""
        return value

    def row(self, values: dict[str, int]) -> list[Any]:
        return [self.value(column, values[column]) for column in self.ent_fields]

    def queues(self, replayer: _Replayer) -> dict[str, str | None]:
        """Name in the trace -> owner of the queue."""
        groups = replayer.sched.groups
        top = self.header.get("top_queue", "/") if groups else "/"
        return {top: None, **{name: name for name in groups}}

    def state_curr(self, replayer: _Replayer) -> int:
        return replayer.number_of(replayer.sched.current)

    def state_resched(self, replayer: _Replayer) -> bool:
        return replayer.sched.resched

    def state_cpu(self, replayer: _Replayer) -> list[int]:
        values = replayer.sched.cpu_fields()
        return [values[column] for column in self.cpu_fields]

    def state_rq(self, replayer: _Replayer) -> dict[str, list[int]]:
        rows = {}
        for name, group in self.queues(replayer).items():
            values = replayer.sched.queue_fields(group)
            rows[name] = [values[column] for column in self.rq_fields]
        return rows

    def state_ent(self, replayer: _Replayer) -> dict[str, list[Any]]:
        rows = {str(number): self.row(task.fields()) for number, task in replayer.tasks.items()}
        return rows | {name: self.row(group.fields()) for name, group in replayer.sched.groups.items()}

    def state_tree(self, replayer: _Replayer) -> dict[str, list[str]]:
        has_curr = self.header.get("tree_has_curr", False)
        return {
            name: [entity.name for entity in replayer.sched.queue(group, running=has_curr)]
            for name, group in self.queues(replayer).items()
        }


class DialectCfs2623(Dialect):
    """``linux-2.6.23-cfs``: five load averages in addition."""

    def state_cpu_load(self, replayer: _Replayer) -> list[int]:
        values = replayer.sched.cpu_fields()
        return [values[f"cpu_load[{i}]"] for i in range(5)]


class DialectO12622(Dialect):
    """``linux-2.6.22-o1``: lists by array and priority in place of trees; the idle task has a row; two fields
    are words.

    The tunables of the header are constants of the kernel at its HZ: they are compared, not set.
    """

    ARRAYS = (None, "active", "expired")
    SLEEP_TYPES = ("normal", "noninteractive", "interactive", "interrupted")

    def scheduler_options(self) -> dict[str, Any]:
        hz = self.header["hz"]
        tunables = MODELS[self.header["model"]].tunables().changed(hz=hz)
        for name, value in self.header.get("tunables", {}).items():
            if name not in tunables.constants():
                raise TraceError(f"{self.header['model']} has no constant {name}")
            if value != getattr(tunables, name):
                raise TraceError(f"{name} is {getattr(tunables, name)} at HZ {hz}, not {value}")
        return {"hz": hz, "ticks": False}

    def value(self, column: str, value: int) -> Any:
        if column == "array":
            return self.ARRAYS[value]
        return self.SLEEP_TYPES[value] if column == "sleep_type" else value

    def state_ent(self, replayer: _Replayer) -> dict[str, list[Any]]:
        return {"0": self.row(replayer.sched.idle_fields())} | super().state_ent(replayer)

    def state_queues(self, replayer: _Replayer) -> dict[str | None, dict[str, list[str]]]:
        arrays: dict[str | None, dict[str, list[str]]] = {"active": {}, "expired": {}}
        for task in replayer.sched.queue(running=True):
            values = task.fields()
            arrays[self.ARRAYS[values["array"]]].setdefault(str(values["prio"]), []).append(task.name)
        return arrays


class DialectEevdf618(Dialect):
    """The models of Linux 6.18: the root group is the root queue and not an entity; a table of its own names the
    features; queues show the entities they point to.
    """

    def scheduler_options(self) -> dict[str, Any]:
        options = dict(self.header.get("tunables", {}))
        options = dict(options.pop("features", {})) | options
        self.refuse_unknown(options)
        return options

    def row(self, values: dict[str, int]) -> list[Any]:
        return [values["load_weight" if column == "weight" else column] for column in self.ent_fields]

    def queues(self, replayer: _Replayer) -> dict[str, str | None]:
        return {**super().queues(replayer), "/": None}

    def state_rq(self, replayer: _Replayer) -> dict[str, list[Any]]:
        return {name: self.queue_row(replayer.sched, group) for name, group in self.queues(replayer).items()}

    def queue_row(self, sched: Scheduler, group: str | None) -> list[Any]:
        pointed_to = sched.queue_entities(group)
        names = {name: None if entity is None else entity.name for name, entity in pointed_to.items()}
        values = {**sched.queue_fields(group), **names}
        return [values[column] for column in self.rq_fields]

    def state_ent(self, replayer: _Replayer) -> dict[str, list[Any]]:
        return {name: row for name, row in super().state_ent(replayer).items() if name != "/"}


DIALECTS: dict[str, type[Dialect]] = {
    "linux-2.6.23-cfs": DialectCfs2623,
    "linux-2.6.22-o1": DialectO12622,
    "linux-6.18-eevdf": DialectEevdf618,
    "linux-6.18.26-eevdf": DialectEevdf618,
    "linux-6.18.44-eevdf": DialectEevdf618,
}
"""The dialects of models; traces of all others follow the format."""


def _first_difference(path: str, expected: Any, got: Any, columns: list[str]) -> tuple[str, Any, Any]:
    """Descend to the first leaf that differs."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted(expected.keys() | got.keys()):
            if expected.get(key) != got.get(key):
                return _first_difference(f"{path}.{key}", expected.get(key), got.get(key), columns)
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got) == len(columns):
        for name, left, right in zip(columns, expected, got):
            if left != right:
                return f"{path}.{name}", left, right
    return path, expected, got
