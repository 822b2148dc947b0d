"""Replay a conformance trace and show the first difference.

A trace (format ``sched-conformance/1``) is a gzip-compressed JSON-lines file: a header, then one operation a line with
the state of the scheduler right after it, recorded from the kernel's own code. `replay_trace` performs the operations
on a `Scheduler` and compares every field of every state.

Invariant:
    I1  nothing of the expected state is used to make the actual one, and every key of the expected state is looked at
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import CfsError, TraceError
from .models import MODELS
from .scheduler import Scheduler, Task

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
        Which quantity: ``ent.3.vruntime``.
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
    """What came of one trace.

    Parameters
    ----------
    path : str
    model : str
    operations : int
        Operations replayed, up to the first difference.
    states : int
        Full states compared among them; on the others the running task and the flag.
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
    """Line numbers and objects of a trace, plain or gzip, the header first.

    Raises
    ------
    TraceError
        The file cannot be read or is no trace; the message names the line.
    """
    path = os.fspath(path)
    number = 0
    try:
        with open(path, "rb") as raw:
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
        The file cannot be read, is no trace, or its operations make no sense.

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
            return TraceResult(path, header["model"], operations, states, Difference(number, record, *found, list(history)))
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
        raise TraceError(f"{path}, line 1: there is no model {header.get('model')!r}; there are {', '.join(MODELS)}")
    if header.get("cpus", 1) != 1:
        raise TraceError(f"{path}, line 1: a trace of {header['cpus']} CPUs; only one CPU can be replayed yet")
    if str(header.get("groups", "none")) not in GROUPINGS:
        raise TraceError(f"{path}, line 1: groups {header['groups']!r} is none of {', '.join(GROUPINGS)}")
    try:
        return _Replayer(header)
    except (CfsError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise TraceError(f"{path}, line 1: {error}") from error


class _Replayer:
    """A Scheduler that performs trace operations and knows its state in the trace's own terms."""

    def __init__(self, header: dict[str, Any]):
        tunables = dict(header.get("tunables", {}))
        root_shares = tunables.pop("init_task_group_load", None)
        tunables.pop("sd", None)
        model = MODELS[header["model"]]
        unknown = tunables.keys() - set(model.tunables.names())
        if unknown:
            raise TraceError(f"{model.id} has no tunable {', '.join(sorted(unknown))}")
        self.group_by = GROUPINGS[header.get("groups", "none")]
        self.sched = Scheduler(
            model,
            group_by=self.group_by,
            root_shares=root_shares if self.group_by else None,
            **tunables,
        )
        self.ent_fields = header.get("ent_fields", ["vruntime", "sum_exec_runtime", "on_rq"])
        self.rq_fields = header.get("rq_fields", ["min_vruntime", "load_weight", "nr_running"])
        self.cpu_names = header.get("cpu_fields", ["clock", "nr_running", "load_weight", "nr_switches"])
        self.top_queue = header.get("top_queue", "/") if self.group_by else "/"
        self.tasks: dict[int, Task] = {}
        self.numbers: dict[int, int] = {}  # id of a Task -> number in the trace

    # ------------------------------------------------------------------------------------------------- operations

    def perform(self, op: dict[str, Any]) -> None:
        kind = op["op"]
        method = getattr(self, f"op_{kind}", None)
        if method is None:
            raise TraceError(f"unknown operation {kind!r}")
        method(op)

    def op_fork(self, op: dict[str, Any]) -> None:
        parent = self.sched.current
        running = 0 if parent is None else self.numbers[parent.id]
        if op["parent"] != running:
            raise TraceError(f"task {op['parent']} forks, but {running} is running")
        child = self.sched.fork(
            now_ns=op["t"], name=str(op["task"]), nice=op["nice"], policy=op["policy"], **self._group(op["group"])
        )
        self.tasks[op["task"]] = child
        self.numbers[child.id] = op["task"]

    def op_wake(self, op: dict[str, Any]) -> None:
        self.sched.wake(self.tasks[op["task"]], now_ns=op["t"])

    def op_block(self, op: dict[str, Any]) -> None:
        self.sched.block(now_ns=op["t"])

    def op_exit(self, op: dict[str, Any]) -> None:
        task = self.sched.current
        self.sched.exit(now_ns=op["t"])
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

    def _group(self, name: str) -> dict[str, Any]:
        if self.group_by == "uid":
            return {"uid": int(name.removeprefix("uid:"))}
        return {"group": name} if self.group_by == "cgroup" else {}

    # ------------------------------------------------------------------------------------------------------ states

    def first_difference(self, expected: dict[str, Any]) -> tuple[str, Any, Any] | None:
        """(path, expected, got) of the first field that differs, in the order of the trace; None if all are equal."""
        for key, value in expected.items():
            getter = getattr(self, f"state_{key}", None)
            if getter is None:
                raise TraceError(f"unknown state {key!r}")
            got = getter()
            if got != value:
                return _first_difference(key, value, got, self._column_names(key))
        return None

    def _column_names(self, key: str) -> list[str]:
        return {"ent": self.ent_fields, "rq": self.rq_fields, "cpu": self.cpu_names}.get(key, [])

    def state_curr(self) -> int:
        task = self.sched.current
        return 0 if task is None else self.numbers[task.id]

    def state_resched(self) -> bool:
        return self.sched.resched

    def state_cpu(self) -> list[int]:
        values = self.sched.cpu_fields()
        return [values[name] for name in self.cpu_names]

    def state_rq(self) -> dict[str, list[int]]:
        queues = {}
        for name, group in self._queues().items():
            values = self.sched.queue_fields(group)
            queues[name] = [values[column] for column in self.rq_fields]
        return queues

    def state_ent(self) -> dict[str, list[int]]:
        entities = {str(number): task for number, task in self.tasks.items()}
        rows = {}
        for name, entity in {**entities, **self.sched.groups}.items():
            values = entity.fields()
            rows[name] = [values[column] for column in self.ent_fields]
        return rows

    def state_tree(self) -> dict[str, list[str]]:
        return {name: [entity.name for entity in self.sched.queue(group)] for name, group in self._queues().items()}

    def _queues(self) -> dict[str, str | None]:
        return {self.top_queue: None, **{name: name for name in self.sched.groups}}


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
