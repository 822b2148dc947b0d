"""Operations, of which programs are made: one table, and the arrays that hold them.

What it decides: which operations there are. `OPERATIONS` has a row for each, and its `meaning` says what the
operation does. All Python code reads that table: `Workload.of_programs` and `Workload.written` (tuples),
`Workload.check` (limits, loops, forks), the grammar of scenario files and its help, and the stepper, which
has a method `_op_NAME` for each row. The compiled loop has a function of its own for each kind; a test
compares the two sets of kinds, and `Simulation` refuses a kind that it does not know.

To add an operation: a name in `Op`, a row in `OPERATIONS`, a method in `simulation/stepping.py`, a function
in the compiled loop, a line in docs/reference/scenario.md.

Common to all: `run` uses CPU time. All others take none and happen at the instant at which the task reaches
them. The end of a program is an `exit`.

    wait, wake     WAKEs are counted: one that came early is not lost, so the k-th WAIT returns after the k-th
                   WAKE whatever the scheduler did in between
    run            may say how much longer it takes if the wake or put before it woke somebody, or the wait before it
                   blocked, in the other column: what the kernel does for that
    put            is a wake that does not run ahead: while a wakeup lies there that no WAIT has taken, its task blocks,
                   unless the other one waits for this one in the same way, or has exited
    sleep          is counted from the block ("relative"), sleep_until from the start ("absolute")
    fork           names a task whose `start_ns` is -1, and names it once
    wake, put,     may say for how long the task stays in the kernel afterwards, in the other column of
    fork           `OP_DTYPE`: until then it is preempted on a machine with ``preempt="full"`` only
    next           may say how far its multiples are shifted, in the other column
    loop           must go back over something that takes time

Rejected: a class for each operation (only facts differ here; the engines do the work); operations that other
packages register (the compiled loop could not run them).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import WorkloadError, did_you_mean
from ..limits import CPU_RANGE, FOREVER_NS, NICE_RANGE, POLICIES, UID_RANGE, integer_in

__all__ = [
    "CHILD",
    "COMPLAINTS",
    "DURATION",
    "MOMENT",
    "NICE",
    "NOTHING",
    "OPERATIONS",
    "OP_DTYPE",
    "PERIOD",
    "PLACE",
    "TASK",
    "TASK_DTYPE",
    "TASK_LIMITS",
    "WORK",
    "Argument",
    "Op",
    "Operation",
    "Then",
    "checked",
    "kinds_with",
    "policy_number",
]

# ----------------------------------------------------------------------------------------------------- limits

TASK_LIMITS = {"start_ns": (-1, FOREVER_NS), "uid": UID_RANGE, "cpu": CPU_RANGE, "nice": NICE_RANGE}
"""Least and greatest value of the numbers of a task."""

I64_MIN, I64_MAX = -(2**63), 2**63 - 1


def checked(what: str, value: int, low: int, high: int) -> int:
    """`value` as an int, if it is an integer of the range."""
    return integer_in(what, value, low, high, WorkloadError)


def policy_number(policy: str, whose: str = "policy") -> int:
    """What `TASK_DTYPE` has for a policy; `whose` begins the error if there is none of this name."""
    if policy not in POLICIES:
        slip = did_you_mean(str(policy), POLICIES)
        raise WorkloadError(f"{whose} = {policy!r} is none of {', '.join(POLICIES)}{slip}")
    return POLICIES.index(policy)


# ----------------------------------------------------------------------------------------------------- arrays

OP_DTYPE = np.dtype([("arg", "<i8"), ("target", "<i4"), ("kind", "<i4")])

TASK_DTYPE = np.dtype(
    [
        ("first_op", "<i8"),
        ("start_ns", "<i8"),  # -1: made by a FORK
        ("nr_ops", "<i4"),
        ("pid", "<i4"),  # for people; here a task is identified by its row
        ("name", "<i4"),  # index into Workload.names
        ("uid", "<i4"),
        ("group", "<i4"),  # index into Workload.groups
        ("cpu", "<i2"),
        ("nice", "i1"),
        ("policy", "i1"),  # index into limits.POLICIES
    ]
)


class Op(enum.IntEnum):
    """Kinds of operation, in the order in which they were added; `OPERATIONS` says what each is."""

    RUN = 0
    WAIT = 1
    SLEEP = 2
    SLEEP_UNTIL = 3
    WAKE = 4
    FORK = 5
    NICE = 6
    EXIT = 7
    YIELD = 8
    LOOP = 9
    NEXT = 10
    PUT = 11


# ------------------------------------------------------------------------------------ the table of operations


@dataclass(frozen=True)
class Argument:
    """The argument of an operation: where a row of `OP_DTYPE` keeps it, what is allowed, how it is written.

    Parameters
    ----------
    field : {"arg", "target", ""}
        Column of `OP_DTYPE`; empty if there is nothing to keep.
    least, greatest : int, optional
        What `Workload.check` lets pass. A task must be one of those that there are, a place one in its
        program.
    complaint : str, optional
        What is wrong if the argument is outside that range.
    python : str, optional
        The argument in the tuple of `Workload.of_programs`.
    default : int, optional
        Value if the tuple has none; None: it must have one.
    forms : tuple of str, optional
        The ways to write it in a scenario: D is a duration or a range of them, N and K are numbers.
    examples : tuple of str, optional
        The same with values, for messages.
    """

    name: str
    field: str = ""
    least: int = I64_MIN
    greatest: int = I64_MAX
    complaint: str = ""
    python: str = ""
    default: int | None = None
    forms: tuple[str, ...] = ("",)
    examples: tuple[str, ...] = ("",)


_NS = "takes {given} ns"
_NO_TASK = "names task {given} of {nr_tasks}"
_SPANS = ("3 ms", "1 ms .. 5 ms")

NOTHING = Argument("nothing")
WORK = Argument(
    "work", "arg", 0, complaint=_NS, python="ns", forms=("D", "forever"), examples=(*_SPANS, "forever")
)
DURATION = Argument("duration", "arg", 0, complaint=_NS, python="ns", forms=("D",), examples=_SPANS)
MOMENT = Argument("moment", "arg", 0, complaint=_NS, python="ns", forms=("D",), examples=("1 s",))
PERIOD = Argument("period", "arg", 1, complaint=_NS, python="period_ns", forms=("D",), examples=("10 ms",))
NICE = Argument(
    "nice value",
    "arg",
    *NICE_RANGE,
    complaint="wants nice {given}; allowed is {least} ... {greatest}",
    python="n",
    forms=("N",),
    examples=("5",),
)
TASK = Argument(
    "task",
    "target",
    complaint=_NO_TASK,
    python="name",
    forms=("NAME", "NAME K", "next", "parent"),
    examples=("NAME", "NAME 3", "parent", "next"),
)
MORE = Argument("time for more", "target", 0, 2**31 - 1, complaint=_NS, python="more_ns", default=0)
STAY = Argument("time in the kernel", "arg", 0, complaint=_NS, python="kernel_ns", default=0)
OFFSET = Argument("offset", "target", 0, 2**31 - 1, complaint=_NS, python="offset_ns", default=0)
CHILD = Argument("child", "target", complaint=_NO_TASK, python="name", forms=("NAME",), examples=("NAME",))
PLACE = Argument("place", "target", python="operation", default=0)

COMPLAINTS = (_NS, NICE.complaint, _NO_TASK)
"""In the order in which `Workload.check` looks for them."""


class Then(enum.Enum):
    """What a task does next, once it has performed the operation."""

    COMPUTES = "computes"
    BLOCKS = "blocks, unless what it would wait for has happened"
    GOES_ON = "goes on with its next operation"
    JUMPS = "goes on with an earlier operation, so what follows is never reached"
    ENDS = "ends"


@dataclass(frozen=True)
class Operation:
    """A row of the table.

    Parameters
    ----------
    kind : int
        As in `OP_DTYPE`.
    name : str
        Its name in a tuple; a scenario writes the words apart.
    argument : Argument
    then : Then
    meaning : str
        What it does, in a line.
    takes_time : bool, optional
        Time always passes between this operation and the next if its argument is above 0.
    second : Argument, optional
        One more argument, which may be left out.
    """

    kind: int
    name: str
    argument: Argument
    then: Then
    meaning: str
    takes_time: bool = False
    second: Argument = NOTHING

    @property
    def names_a_task(self) -> bool:
        """Is its target a row of `Workload.tasks`?"""
        return self.argument in (TASK, CHILD)

    @property
    def words(self) -> list[str]:
        """How a scenario begins it."""
        return self.name.split("_")

    @property
    def forms(self) -> list[str]:
        """The ways to write it in a scenario, as docs/reference/scenario.md lists them."""
        return [" ".join([*self.words, form]).rstrip() for form in self.argument.forms]

    @property
    def examples(self) -> list[str]:
        """The same with values."""
        return [" ".join([*self.words, example]).rstrip() for example in self.argument.examples]

    def parsed(self, given: tuple, row_of: Mapping[str, int]) -> tuple[int, int, int]:
        """(arg, target, kind) of its tuple; what a ValueError says comes after the tuple."""
        if len(given) == 1 and self.argument.default is not None:
            given = (*given, self.argument.default)
        wanted = 1 if self.argument.field else 0
        most = wanted + (1 if self.second.field else 0)
        if not 1 + wanted <= len(given) <= 1 + most:
            raise ValueError(f": {given[0]} takes {wanted} argument{f', or {most}' if most > wanted else ''}")
        value: Any = given[1] if wanted else 0
        more: Any = given[2] if len(given) == 3 else 0
        if self.names_a_task:
            if value not in row_of:
                raise ValueError(" names an unknown task")
            value = row_of[value]
        return (more, value, self.kind) if self.argument.field == "target" else (value, more, self.kind)

    def written(self, arg: int, target: int, name_of: Callable[[int], str]) -> tuple:
        """The tuple that `parsed` turns into this operation."""
        if not self.argument.field:
            return (self.name,)
        of = {"arg": arg, "target": name_of(target) if self.names_a_task else target, "": 0}
        more = of[self.second.field]
        return (self.name, of[self.argument.field], *([more] if more else []))


_ROWS = (
    Operation(Op.RUN, "run", WORK, Then.COMPUTES, "compute for D of CPU time", takes_time=True, second=MORE),
    Operation(
        Op.SLEEP, "sleep", DURATION, Then.BLOCKS, "block for D, counted from the block", takes_time=True
    ),
    Operation(
        Op.SLEEP_UNTIL, "sleep_until", MOMENT, Then.BLOCKS, "block until D after the start of the span"
    ),
    Operation(
        Op.NEXT,
        "next",
        PERIOD,
        Then.BLOCKS,
        "block until the next multiple of D",
        takes_time=True,
        second=OFFSET,
    ),
    Operation(Op.WAIT, "wait", NOTHING, Then.BLOCKS, "block until a `wake` names this task"),
    Operation(Op.WAKE, "wake", TASK, Then.GOES_ON, "wake the task NAME", second=STAY),
    Operation(
        Op.PUT,
        "put",
        TASK,
        Then.GOES_ON,
        "wake the task NAME, once it has taken the wakeup before",
        second=STAY,
    ),
    Operation(
        Op.FORK,
        "fork",
        CHILD,
        Then.GOES_ON,
        "make a child of this task, NAME, and wake it as new",
        second=STAY,
    ),
    Operation(Op.NICE, "nice", NICE, Then.GOES_ON, "set the nice value of the task itself to N"),
    Operation(Op.YIELD, "yield", NOTHING, Then.GOES_ON, "call `sched_yield()`"),
    Operation(Op.LOOP, "loop", PLACE, Then.JUMPS, "go back to an earlier operation, for ever"),
    Operation(Op.EXIT, "exit", NOTHING, Then.ENDS, "end"),
)

OPERATIONS: dict[int, Operation] = {row.kind: row for row in _ROWS}
"""Every operation by its kind, in the order in which they are explained."""


def kinds_with(what: Callable[[Operation], bool]) -> list[int]:
    """Kinds of the operations for which this is true."""
    return [row.kind for row in OPERATIONS.values() if what(row)]
