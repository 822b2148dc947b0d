"""What people wait for: commands of a shell, a build, a benchmark.

A recording has forks and ends; a truth file says which of them are a command.

What it decides: how a wall time that a program took of itself is found again in another run of the same
tasks. A command begins with the fork of its first child and ends when the shell runs again after the last of
them has ended. A build is a task that was forked as it began and ended as it did. What lies between these
events and the clock readings of the program itself is work of the program, a fraction of a millisecond, the
same in each run: it is measured once, in the recording, and added.

C1  In the recording itself each command and the build take as long as the truth file says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..result import Out, Ready, Result, WokenBy
from .figures import Key, Measured
from .truth import Interval, Truth

__all__ = ["Commands", "commands_of"]


@dataclass(frozen=True, eq=False)
class Lives:
    """When each task was forked and when it ended, ns; -1: not in this result."""

    born_ns: np.ndarray
    dead_ns: np.ndarray

    @classmethod
    def of(cls, result: Result) -> Lives:
        """From its runs."""
        born, dead = (np.full(result.nr_tasks, -1, np.int64) for _ in range(2))
        runs = result.runs
        forked, ended = runs["ready"] == Ready.FORK, runs["out"] == Out.EXITED
        born[runs["task"][forked]] = runs["ready_ns"][forked]
        dead[runs["task"][ended]] = runs["end_ns"][ended]
        return cls(born, dead)


@dataclass(frozen=True)
class Work:
    """A task whose life is what is waited for, and what its begin and end add to it, ns."""

    row: int
    before_ns: int
    after_ns: int

    def within(self, lives: Lives) -> Interval | None:
        """From begin to end in a result."""
        born, dead = int(lives.born_ns[self.row]), int(lives.dead_ns[self.row])
        return None if born < 0 or dead < 0 else Interval(born - self.before_ns, dead + self.after_ns)


@dataclass(frozen=True, eq=False)
class Commands:
    """Which tasks are commands, the build, the benchmark.

    Parameters
    ----------
    shell : int
        Row of the task that starts the commands.
    children : list of numpy.ndarray
        Of each command the rows of the tasks that the shell forks for it.
    before_ns, after_ns : list of int
        Of each command what the shell does before the first fork and after the last end.
    build, bench : Work or None
    """

    shell: int
    children: list[np.ndarray]
    before_ns: list[int]
    after_ns: list[int]
    build: Work | None = None
    bench: Work | None = None

    def add_to(self, found: Measured, result: Result) -> None:
        """The figures of these in a result."""
        lives = Lives.of(result)
        build = None if self.build is None else self.build.within(lives)
        bench = None if self.bench is None else self.bench.within(lives)
        for name, span in (("build", build), ("bench", bench)):
            if span is not None:
                found.values[Key("makespan", name)] = span.length_ns
        spans = [span for span in self._spans(lives, result) if span is not None]
        during = [_during(span, build) for span in spans]
        for name, wanted in (("command during build", True), ("command alone", False)):
            lengths = [span.length_ns for span, inside in zip(spans, during) if inside == wanted]
            if lengths:
                found.add("turnaround", name, np.array(lengths, np.int64))

    def _spans(self, lives: Lives, result: Result) -> list[Interval | None]:
        """Begin and end of each command; None: it has not ended."""
        runs = result.runs[result.runs["task"] == self.shell]
        return [
            _command(lives, runs, *command) for command in zip(self.children, self.before_ns, self.after_ns)
        ]


def _during(span: Interval, build: Interval | None) -> bool:
    return build is not None and build.begin_ns <= span.begin_ns < build.end_ns


def _command(
    lives: Lives, runs: np.ndarray, children: np.ndarray, before: int, after: int
) -> Interval | None:
    born, dead = lives.born_ns[children], lives.dead_ns[children]
    if not len(children) or (born < 0).any() or (dead < 0).any():
        return None
    back = _running_again(runs, int(dead.max()))
    return None if back is None else Interval(int(born.min()) - before, back + after)


def _running_again(runs: np.ndarray, at_ns: int) -> int | None:
    """When a task, of which these are the runs, runs at that time or next."""
    place = np.searchsorted(runs["end_ns"], at_ns, "right")
    return None if place == len(runs) else max(int(runs["start_ns"][place]), at_ns)


def commands_of(truth: Truth, recorded: Result, ours: np.ndarray) -> Commands:
    """The commands, the build and the benchmark that a truth file tells, found in the recording (C1).

    Parameters
    ----------
    truth : Truth
    recorded : Result
        What was measured on the CPUs that are compared.
    ours : numpy.ndarray
        ``(nr_tasks,)`` bool: the tasks of the workload.
    """
    lives = Lives.of(recorded)
    build = None if truth.build is None else _work(lives, ours, truth.build)
    bench = None if truth.bench_ns is None else _longest(lives, ours, truth.bench_ns)
    shell, children = _shell(truth, recorded, ours)
    runs = recorded.runs[recorded.runs["task"] == shell]
    before, after = [], []
    for (begin, length), rows in zip(truth.commands, children):
        span = _command(lives, runs, rows, 0, 0)
        before.append(0 if span is None else span.begin_ns - begin)
        after.append(0 if span is None else begin + length - span.end_ns)
    return Commands(shell, children, before, after, build, bench)


def _work(lives: Lives, ours: np.ndarray, span: Interval) -> Work | None:
    """The task that lives longest of those forked and ended within a span."""
    born, dead = lives.born_ns, lives.dead_ns
    inside = ours & (born >= span.begin_ns) & (dead >= 0) & (dead <= span.end_ns)
    if not inside.any():
        return None
    row = int(np.where(inside, dead - born, -1).argmax())
    return Work(row, int(born[row]) - span.begin_ns, span.end_ns - int(dead[row]))


def _longest(lives: Lives, ours: np.ndarray, length_ns: int) -> Work | None:
    """The task that was forked and lives longest; what it does beside the benchmark is taken off its end."""
    life = np.where(ours & (lives.born_ns >= 0) & (lives.dead_ns >= 0), lives.dead_ns - lives.born_ns, -1)
    row = int(life.argmax()) if len(life) else -1
    return None if row < 0 or life[row] < 0 else Work(row, 0, length_ns - int(life[row]))


def _shell(truth: Truth, recorded: Result, ours: np.ndarray) -> tuple[int, list[np.ndarray]]:
    """The task that forks in more of the commands' times than any other, and of each command the children.

    Of equals the one that forks least.
    """
    if not truth.commands:
        return -1, []
    forks = recorded.wakeups[recorded.wakeups["cause"] == WokenBy.FORK]
    forks = forks[(forks["waker"] >= 0) & ours[forks["task"]]]
    at_ns = forks["time_ns"]
    inside = [forks[(at_ns >= begin) & (at_ns <= begin + length)] for begin, length in truth.commands]
    hits = np.zeros(recorded.nr_tasks, np.int64)
    for part in inside:
        hits[np.unique(part["waker"])] += 1
    times = np.bincount(forks["waker"], minlength=recorded.nr_tasks)
    shell = int(np.lexsort((times, -hits))[0])
    return shell, [part["task"][part["waker"] == shell].astype(np.int64) for part in inside]
