"""A result as ftrace text, so that tools for recordings can read a model's result.

What it decides: the spelling. It is the kernel's own default format of `/sys/kernel/tracing/trace`, which
Perfetto, LISA, tools around trace-cmd and this package's `Recording.open` read. One thing differs: times have
nine digits after the point, not six, because runs are exact to the ns.

W1  `Recording.open` reads back the same runs, waits, states, switches, wakeups, parents and names, and the
    same span, if the result was simulated: a wakeup by a task is caused by that task, all others by none.
    Four things are lost: the first wait of a task that slept when time began, because a reader cannot know
    that it did; a run that begins at the very end of the span; that a wait after a fork is not known; and a
    stay of the idle task that takes no time, with one of its two switches. If the result was measured, a run
    whose end is not known reads back as one that ended in a sleep, and a run of a child that began before its
    fork was recorded as two.
W2  Time 0 of the result is time 0 of the text. The first line is at the beginning of the span, the last one
    at its end. Two lines ensure this, `sched_wake_idle_without_ipi`; they say nothing about tasks.
W3  A wakeup by a task has its head, on its CPU, in process context. One by a timer is in hard interrupt
    context (`h`), one from outside in soft interrupt context (`s`): the task that runs there did not do it.
W4  A task that was found running is at the head of its CPU's first line, and no line switches it in. A switch
    does if another line of that CPU, or the first line (W2), has to come before, or if no other line names the task.
W5  A part of a result is what a tracer would have written that was started where the part begins.

A name is one line: what would end it is a question mark. All lines of a task have its last nice value,
because a result keeps no other.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..limits import PRIO_DEFAULT, prio_of_nice
from ..result import Out, Ready, Result, Slept, WokenBy
from ._ftrace import Lines
from .events import IDLE, SWITCH, WAKING, WOKEN, events_of, unique_pids

__all__ = ["ftrace_lines", "write_ftrace"]

STATES = {Out.RUNNING: "R", Out.PREEMPTED: "R", Out.BLOCKED: "S", Out.EXITED: "X", Out.UNKNOWN: "S"}

SLEEPS = {Slept.INTERRUPTIBLE: "S", Slept.UNINTERRUPTIBLE: "D", Slept.IDLE: "I", Slept.NOT_YET: "S"}
FLAGS = {WokenBy.TASK: "d..4.", WokenBy.FORK: "d..4.", WokenBy.TIMER: "d.h4.", WokenBy.OUTSIDE: "d.s4."}
BLOCK = 1 << 14
"""Events that become text together."""

HEADER = """\
# tracer: nop
#
# entries-in-buffer/entries-written: {nr}/{nr}   #P:{nr_cpus}
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||     TIMESTAMP  FUNCTION
#              | |         |   |||||        |         |
"""


def ftrace_lines(result: Result, *, from_ns: int = 0) -> Iterator[str]:
    """The text line by line, each with its newline; the heading comes as one.

    Parameters
    ----------
    result : Result
    from_ns : int, optional
        Where it begins, ns, if it is a part that `cfs.reports.part.part_of` made (W5).

    Yields
    ------
    str
        Bytes of names that are not UTF-8 are surrogates: encode with ``errors="surrogateescape"``.

    Notes
    -----
    Cost about 2 µs a run, and 1 µs to write it; about 300 bytes.
    """
    blocks = _blocks(result, from_ns)
    yield next(blocks).decode()
    for block in blocks:
        for line in block.split(b"\n")[:-1]:
            yield line.decode("utf-8", "surrogateescape") + "\n"


def _blocks(result: Result, from_ns: int) -> Iterator[bytes]:
    """The text, some thousands of lines at a time; the heading is the first."""
    events = events_of(result, from_ns)
    twice = (events["kind"] != SWITCH) & (events["kind"] != WAKING) & (events["kind"] != WOKEN)
    nr_lines = len(events) + int(twice.sum()) + 2 * len(result.cpus)
    found = _found(result, events, from_ns)
    yield HEADER.format(nr=nr_lines - len(found), nr_cpus=len(result.cpus)).encode()
    lines = _lines(result, events, found, from_ns)
    for cpu in result.cpus:
        if found.get(cpu, (from_ns, IDLE))[0] == from_ns:
            yield lines.beat(cpu, from_ns)
    for first in range(0, len(events), BLOCK):
        yield lines.lines(events[first : first + BLOCK])
    for cpu in result.cpus:
        yield lines.beat(cpu, from_ns + int(result.duration_ns))


def _lines(result: Result, events: np.ndarray, found: dict[int, tuple[int, int]], from_ns: int) -> Lines:
    """What makes the lines, with the pieces of text of each task and of each idle task."""
    pids = unique_pids(result, events).tolist()
    prios = [prio_of_nice(nice) for nice in result.nice.tolist()]
    tasks = list(zip([_name(name) for name in result.names], pids, prios))
    nr_cpus = 1 + max([*result.cpus, int(events["cpu"].max(initial=0))])
    idle = [(f"swapper/{cpu}", 0, PRIO_DEFAULT) for cpu in range(nr_cpus)]
    current, found_task = np.full((2, nr_cpus), IDLE, np.int32)
    found_ns = np.full(nr_cpus, -1, np.int64)
    for cpu, (at_ns, task) in found.items():
        current[cpu], found_task[cpu], found_ns[cpu] = task, task, at_ns
    return Lines(
        [_bytes(f"{f'{name}-{pid}':>24}") for name, pid, _ in tasks],
        [_side("prev", *task) for task in tasks],
        [_side("next", *task) for task in tasks],
        [_bytes(f"comm={name} pid={pid} prio={prio}") for name, pid, prio in tasks],
        [_bytes(f"comm={name} pid={pid}") for name, pid, _ in tasks],
        [_bytes(f" child_comm={name} child_pid={pid}") for name, pid, _ in tasks],
        [_side("prev", *task) for task in idle],
        [_side("next", *task) for task in idle],
        [_bytes(f"comm={name} pid={pid}") for name, pid, _ in idle],
        _bytes(f"{'<idle>-0':>24}"),
        _letters(STATES),
        _letters(SLEEPS),
        _letters(FLAGS),
        current,
        found_task,
        found_ns,
        from_ns,
    )


def _letters(table: Mapping[Any, str]) -> bytes:
    """What a table says, in the order of its keys."""
    return "".join(table[key] for key in sorted(table)).encode()


def _side(which: str, name: str, pid: int, prio: int) -> bytes:
    """The task that a switch brings or takes away."""
    return _bytes(f"{which}_comm={name} {which}_pid={pid} {which}_prio={prio}")


def _found(result: Result, events: np.ndarray, from_ns: int) -> dict[int, tuple[int, int]]:
    """CPUs that begin with a task found running (W4): since when, and which task."""
    runs = result.runs[np.argsort(result.runs["start_ns"], kind="stable")]
    runs = runs[np.unique(runs["cpu"], return_index=True)[1]]
    runs = runs[runs["ready"] == Ready.FOUND]
    cpus, nr = np.unique(events["cpu"][events["kind"] == SWITCH], return_counts=True)
    runs = runs[np.isin(runs["cpu"], cpus[nr > 1])]  # a task that no line switches out would have no name
    found = {cpu: (at_ns, task) for cpu, at_ns, task in runs[["cpu", "start_ns", "task"]].tolist()}
    for event in events[np.unique(events["cpu"], return_index=True)[1]]:
        cpu = int(event["cpu"])
        if event["kind"] != SWITCH and found.get(cpu, (from_ns, 0))[0] > from_ns:
            del found[cpu]
    if result.cpus and all(found.get(cpu, (from_ns, 0))[0] > from_ns for cpu in result.cpus):
        del found[result.cpus[0]]  # W2: one CPU begins where the span does
    return found


def write_ftrace(result: Result, path: str | os.PathLike[str], *, from_ns: int = 0) -> None:
    """Write a result as ftrace text.

    Parameters
    ----------
    result : Result
    path : path-like
        The file; compressed if it ends in ``.gz``.
    from_ns : int, optional
        As for `ftrace_lines`.
    """
    # No name and no date in the gzip header: same input, same bytes.
    with open(path, "wb") as file:
        if os.fspath(path).endswith(".gz"):
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                packed.writelines(_blocks(result, from_ns))
        else:
            file.writelines(_blocks(result, from_ns))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _name(name: str) -> str:
    """A name on one line."""
    return "".join("?" if char < " " or char == "\x7f" else char for char in name)
