"""A result as ftrace text, so that tools for recordings can read a model's result.

What it decides: the spelling. It is the kernel's own default format of `/sys/kernel/tracing/trace`, which
Perfetto, LISA, tools around trace-cmd and this package's `Recording.open` read. One thing differs: times have
nine digits after the point, not six, because runs are exact to the ns.

W1  `Recording.open` reads back the same runs, waits, states, switches, wakeups, parents and names, and the
    same span, if the result was simulated: a wakeup by a task is caused by that task, all others by none. Lost
    are the first wait of a task that slept when time began, because a reader cannot know that it did; a run
    that begins at the very end of the span; that a wait after a fork is not known; and a stay of the idle task that takes no time, with one of its
    two switches. If the result was measured, a run whose end is not known reads back as one that ended in a
    sleep, and a run of a child that began before its fork was recorded as two.
W2  Time 0 of the result is time 0 of the text. The first line is at the beginning of the span, the last one at its
    end. Two lines ensure this, `sched_wake_idle_without_ipi`; they say nothing about tasks.
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
from collections.abc import Iterator

import numpy as np

from ..limits import PRIO_DEFAULT, prio_of_nice
from ..result import Out, Ready, Result, Slept, WokenBy
from .events import FORK, IDLE, SWITCH, WAKING, WOKEN, events_of, unique_pids

__all__ = ["ftrace_lines", "write_ftrace"]

STATES = {Out.RUNNING: "R", Out.PREEMPTED: "R", Out.BLOCKED: "S", Out.EXITED: "X", Out.UNKNOWN: "S"}

SLEEPS = {Slept.INTERRUPTIBLE: "S", Slept.UNINTERRUPTIBLE: "D", Slept.IDLE: "I", Slept.NOT_YET: "S"}
FLAGS = {WokenBy.TASK: "d..4.", WokenBy.FORK: "d..4.", WokenBy.TIMER: "d.h4.", WokenBy.OUTSIDE: "d.s4."}
STEPS = {WAKING: ("waking",), WOKEN: ("wakeup",)}
"""The events of a wakeup; both, if it is complete at once."""

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
    Cost about 20 µs a run; about 300 bytes.
    """
    events = events_of(result, from_ns)
    pids = unique_pids(result, events).tolist()
    names = [_name(name) for name in result.names]
    prios = [prio_of_nice(nice) for nice in result.nice.tolist()]
    heads = [f"{f'{name}-{pid}':>24}" for name, pid in zip(names, pids)]
    tasks = [f"comm={name} pid={pid} prio={prio}" for name, pid, prio in zip(names, pids, prios)]
    current = dict.fromkeys(result.cpus, IDLE)

    def line(cpu: int, at_ns: int, flags: str, rest: str) -> str:
        task = current.get(cpu, IDLE)
        head = heads[task] if task != IDLE else f"{'<idle>-0':>24}"
        return f"{head} [{cpu:03}] {flags} {at_ns // 10**9:4}.{at_ns % 10**9:09}: {rest}\n"

    def side(which: str, task: int, cpu: int) -> str:
        name, pid, prio = (
            (f"swapper/{cpu}", 0, PRIO_DEFAULT) if task == IDLE else (names[task], pids[task], prios[task])
        )
        return f"{which}_comm={name} {which}_pid={pid} {which}_prio={prio}"

    def state(prev: int, out: int, slept: int) -> str:
        if prev == IDLE:
            return "R"
        return SLEEPS[Slept(slept)] if out == Out.BLOCKED else STATES[Out(out)]

    twice = (events["kind"] != SWITCH) & (events["kind"] != WAKING) & (events["kind"] != WOKEN)
    nr_lines = len(events) + int(twice.sum()) + 2 * len(result.cpus)
    found = _found(result, events, from_ns)
    yield HEADER.format(nr=nr_lines - len(found), nr_cpus=len(result.cpus))
    for cpu in result.cpus:
        at_ns, current[cpu] = found.get(cpu, (from_ns, IDLE))
        if at_ns == from_ns:
            yield line(cpu, from_ns, "d..2.", f"sched_wake_idle_without_ipi: cpu={cpu}")
    for at_ns, cpu, kind, prev, task, out, slept, waker, cause, target in events.tolist():
        if kind == SWITCH and cpu in found:
            if found.pop(cpu) != (from_ns, task):
                yield line(cpu, at_ns, "d..2.", f"sched_wake_idle_without_ipi: cpu={cpu}")
            continue
        if kind == SWITCH:
            how = state(prev, out, slept)
            both = f"{side('prev', prev, cpu)} prev_state={how} ==> {side('next', task, cpu)}"
            yield line(cpu, at_ns, "d..2.", f"sched_switch: {both}")
            current[cpu] = task
            continue
        flags, woken = FLAGS[WokenBy(cause)], f"{tasks[task]} target_cpu={target:03}"
        if kind == FORK:
            name, pid = (f"swapper/{cpu}", 0) if waker == IDLE else (names[waker], pids[waker])
            child = f"child_comm={names[task]} child_pid={pids[task]}"
            yield line(cpu, at_ns, flags, f"sched_process_fork: comm={name} pid={pid} {child}")
            yield line(cpu, at_ns, flags, f"sched_wakeup_new: {woken}")
            continue
        for step in STEPS.get(kind, ("waking", "wakeup")):
            yield line(cpu, at_ns, flags, f"sched_{step}: {woken}")
    for cpu in result.cpus:
        yield line(cpu, from_ns + int(result.duration_ns), "d..2.", f"sched_wake_idle_without_ipi: cpu={cpu}")


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
                packed.writelines(_bytes(line) for line in ftrace_lines(result, from_ns=from_ns))
        else:
            file.writelines(_bytes(line) for line in ftrace_lines(result, from_ns=from_ns))


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def _name(name: str) -> str:
    """A name on one line."""
    return "".join("?" if char < " " or char == "\x7f" else char for char in name)
