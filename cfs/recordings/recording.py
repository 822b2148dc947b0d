"""A recording: what the kernel did, and the workload that would do the same again.

What it decides: what a file must hold to be a recording, and which tasks belong to a workload. The reading
itself is compiled (`_scan`), and so are the walks over what was read (`_walk`); the verdict on wakeups is
`causes`.

R1  An object of this class holds something sound: at least one sched_switch. All that was left out is in
    `warnings`.
R2  All times are ns since `start_ns`, the first line, but for `start_ns` itself.
R3  Memory grows with events and tasks; `runs`, `events` and `workload` make new arrays at each call.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..errors import RecordingError
from ..limits import nice_of_prio
from ..result import Result
from ..workload.workload import Workload
from . import programs
from ._scan import Scanner
from ._walk import EVENT_DTYPE, busy_ns, runs, wakeups
from .causes import Cause, Witness, decide
from .measured import recorded_result
from .source import PERF_SCRIPT, Source

__all__ = ["Recording", "RecordedTask", "RECORDED_EVENT_DTYPE"]

RECORDED_EVENT_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),
        ("task", "<i4"),  # switched in, woken, forked; -1: the idle task, -2: not known
        ("context", "<i4"),  # switched out, or running there; of a priority (kind 8) the new value
        ("cpu", "<u2"),
        # 2 switch, 3 wakeup, 4 of a task awake, 5 of one about to block, 6 its end, 7 fork, 8 prio
        ("kind", "u1"),
        ("detail", "u1"),  # `_events.pxd` gives the bits
    ]
)

NOTHING_YET_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class RecordedTask:
    """A task of a recording.

    Attributes
    ----------
    row : int
        Its number in the order of first sight; the identity, as a pid may be used again.
    pid : int
        Its thread id.
    comm : str
        Its last name, from the fields of the events.
    comms : tuple of str
        All names in the order in which they were taken.
    prio, nice : int
        The last priority known (-1: none), and the nice value that it stands for (real-time: -20).
    prio_first : int
        The first priority known; it may change in the recording.
    parent : int
        Row of the parent, -1 if it existed before.
    """

    row: int
    pid: int
    comm: str
    comms: tuple[str, ...]
    prio: int
    nice: int
    prio_first: int
    parent: int


class Recording:
    """A recording of the scheduler; make one with `open`.

    Attributes
    ----------
    name : str
        Name of the file.
    kind : str
        ``"perf script"`` or ``"ftrace"``.
    cpus : list of int
        CPUs on which something was recorded.
    start_ns : int
        CLOCK_MONOTONIC of the first event, ns.
    duration_ns : int
        From the first event to the last, ns.
    nr_switches : int
        Recorded switches, those of the idle tasks included.
    inferred_switch_ins : int
        Switches to a task that no line tells, but later lines show.
    nr_lines : int
        Lines of the text.
    task_table, names : numpy.ndarray, list of str
        The same as `tasks` in 16 bytes a task: pid, row of the parent, index of the last name, first and last
        prio.
    warnings : list of str
        What was left out or is doubtful, with line numbers.
    """

    def __init__(self, scanner: Scanner, name: str, warnings: Iterable[str] = ()) -> None:
        self.name = name
        self.kind = "ftrace" if 2 * scanner.nr_ftrace_lines > scanner.nr_sched_lines else "perf script"
        self.cpus: list[int] = scanner.cpus_seen()
        self.start_ns: int = scanner.start_ns
        self.duration_ns: int = scanner.end_ns - scanner.start_ns
        self.nr_switches: int = scanner.nr_switches
        self.inferred_switch_ins: int = scanner.inferred_switch_ins
        self.nr_lines: int = scanner.nr_lines
        self.warnings: list[str] = [*_complaints(scanner), *warnings]
        rows: Any = scanner  # is a buffer, which types cannot say before Python 3.12
        self._events = np.frombuffer(rows, EVENT_DTYPE)
        self._scanner = scanner
        self.names: list[str] = scanner.names_seen()
        self.task_table: np.ndarray = scanner.tasks_seen()
        self._tasks: tuple[RecordedTask, ...] | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike | BinaryIO,
        *,
        progress: Callable[[int, int | None], object] | None = None,
    ) -> Recording:
        """Read a recording.

        Parameters
        ----------
        path : str, os.PathLike or binary file object
            Text of ``perf script`` over a ``perf sched record``, or ftrace text
            (``/sys/kernel/tracing/trace``, ``trace-cmd report``), plain, gzip or zstd; ``"-"`` is standard
            input. What it is is seen from the content.
        progress : callable, optional
            Called as ``progress(bytes_read, bytes_total)``; `bytes_total` is None if unknown.

        Returns
        -------
        Recording

        Raises
        ------
        RecordingError
            It cannot be read, is something else, or holds nothing sound; the message says what and where.
        MissingExtraError
            It is compressed with zstd, and neither Python 3.14 nor the extra ``zstd`` is there.

        Notes
        -----
        Cost about 0.2 us a line of plain text (gzip: 0.35); memory 16 bytes an event kept, about 25 a switch.
        """
        source, scanner = Source(path, progress), Scanner()
        done = 0
        for block in source.blocks():
            scanner.feed(block)
            done += len(block)
            if done >= NOTHING_YET_BYTES and scanner.nr_event_lines == 0:
                break
        scanner.finish()
        _require_sound(scanner, source, done)
        return cls(scanner, source.name, source.warnings)

    def __repr__(self) -> str:
        seconds = self.duration_ns / 1e9
        return (
            f"<Recording {self.name!r}: {self.kind}, {seconds:.3f} s, CPUs {self.cpus}, "
            f"{len(self.task_table)} tasks, {self.nr_switches} switches>"
        )

    @property
    def tasks(self) -> tuple[RecordedTask, ...]:
        """The tasks in the order of first sight; the idle tasks are none."""
        if self._tasks is None:
            names = self.names
            comms: dict[int, list[str]] = {}
            for row, name in self._scanner.namings_seen():
                comms.setdefault(row, []).append(names[name])
            self._tasks = tuple(
                RecordedTask(
                    row=row,
                    pid=pid,
                    comm=names[name] if name >= 0 else "",
                    comms=tuple(comms.get(row, ())),
                    prio=prio,
                    nice=nice_of_prio(prio),
                    prio_first=prio_first,
                    parent=parent,
                )
                for row, (pid, parent, name, prio_first, prio) in enumerate(self.task_table.tolist())
            )
        return self._tasks

    @property
    def events(self) -> np.ndarray:
        """What was kept, ``(nr_events,)`` of `RECORDED_EVENT_DTYPE`, in the order of the text.

        A switch that was inferred has the time inferred, which may lie before its neighbours'.
        """
        kind = self._events["kind"]
        long_ns = self._events["task"].astype(np.int64) | (self._events["context"].astype(np.int64) << 32)
        time_ns = np.cumsum(self._events["delta"] + np.where(kind == 0, long_ns, 0))
        time_ns[1:] -= np.where(kind[:-1] == 1, long_ns[:-1], 0)
        kept = kind > 1
        table = np.zeros(int(kept.sum()), RECORDED_EVENT_DTYPE)
        table["time_ns"] = time_ns[kept]
        for field in ("task", "context", "cpu", "kind", "detail"):
            table[field] = self._events[field][kept].astype(table[field].dtype)
        return table

    def runs(self, cpu: int | Sequence[int] | None = None) -> np.ndarray:
        """Who ran when, as measured.

        Parameters
        ----------
        cpu : int or sequence of int, optional
            The CPUs wanted; None for all.

        Returns
        -------
        numpy.ndarray
            ``(nr_runs,)`` of `cfs.result.RUN_DTYPE` in the order of their ends; ns since `start_ns`; ``task``
            is a row of `tasks`.

        Notes
        -----
        A wait begins with sched_waking if the task slept by then, else with sched_wakeup; the wakeup of a
        task that runs begins none. A wait is known (``ready`` is not UNKNOWN) if it began in the recording
        and ended with a recorded switch. Of a run whose end was not recorded only the beginning is known:
        its length is 0. A task found running when its CPU was first seen has its first run after its next
        switch in.
        Cost O(events), some 10 ns each.
        """
        chosen = self._chosen(cpu)
        return runs(self._events, len(self.task_table), len(chosen), self.duration_ns, chosen)

    def busy_ns(self, cpu: int | Sequence[int] | None = None) -> np.ndarray:
        """CPU time of each task on the CPUs chosen, ``(nr_tasks,) int64``, ns."""
        cpus = self._cpus(cpu)
        total = np.zeros(len(self.task_table), np.int64)
        for c in cpus:
            total += busy_ns(self._events, len(self.task_table), c, self.duration_ns)[0]
        return total

    def wakeups(self) -> np.ndarray:
        """Who was woken or forked, in whose context: ``(nr_wakeups,)`` of `WAKEUP_DTYPE`, by time."""
        return wakeups(self._events, len(self.task_table))

    def verdicts(self, table: np.ndarray | None = None) -> np.ndarray:
        """The verdict on each row of `wakeups`, ``(nr_wakeups,) uint8`` of `Cause`.

        Parameters
        ----------
        table : numpy.ndarray, optional
            Wakeups to judge instead, for example with the flags of the format erased.
        """
        table = self.wakeups() if table is None else table
        if not len(table):
            return np.zeros(0, np.uint8)
        parent, name = self.task_table["parent"], self.task_table["name"]
        name = np.where(name < 0, len(self.names), name)
        return decide(Witness(table, self._shares(table, name), parent, name, self.names, self.start_ns))

    def _shares(self, table: np.ndarray, name: np.ndarray) -> np.ndarray:
        # What part of the busy time of the CPU the tasks of the context's name had.
        share = np.zeros(len(table), np.float32)
        for cpu in self.cpus:
            busy, _ = busy_ns(self._events, len(name), cpu, self.duration_ns)
            busy_of_name = np.bincount(name, busy, minlength=len(self.names) + 1)
            here = np.flatnonzero((table["cpu"] == cpu) & (table["context"] < len(name)))
            share[here] = busy_of_name[name[table["context"][here]]] / max(int(busy.sum()), 1)
        return share

    def causes(self, cpu: int | Sequence[int] | None = None) -> dict[str, int]:
        """How many wakeups of tasks that slept had which cause.

        Parameters
        ----------
        cpu : int or sequence of int, optional
            Count the wakeups of tasks that ran there next; None for all.

        Returns
        -------
        dict
            Counts ``caused``, ``timer``, ``outside``. Forks are not counted.
        """
        table = self.wakeups()
        verdict = self.verdicts(table)
        counted = (table["kind"] != 7) & (np.isin(table["landed"], self._cpus(cpu)) | (cpu is None))
        return {cause.name.lower(): int((verdict[counted] == cause).sum()) for cause in Cause}

    def workload(
        self,
        cpu: int | Sequence[int] | None = 0,
        *,
        outside: str | None = None,
        only: str | Iterable[str] | None = None,
        without: str | Iterable[str] | None = None,
    ) -> Workload:
        """The workload that would do the same again.

        Parameters
        ----------
        cpu : int, sequence of int or None
            The CPUs whose tasks are replayed; None for all. Time on others is sleep.
        outside : {None, "absolute", "relative"}
            When a wakeup from outside takes place: at its time in the recording, or as long after the block
            as there. None: a timer's at its time, another one relative to the block.
        only, without : str or iterable of str, optional
            Names of tasks (the last one each, shell patterns) to keep, or to leave out. Who is woken by a
            task left out is woken from outside.

        Returns
        -------
        cfs.workload.Workload
            Times are ns since `start_ns`. ``pid`` is the recorded one; CPUs keep their numbers.

        Raises
        ------
        RecordingError
            The CPU is not in the recording, or no task is left.

        Notes
        -----
        Cost O(events), some 30 ns each; 16 bytes an operation.
        """
        return programs.make(self, self._cpus(cpu), outside, only, without)

    def result(
        self,
        cpu: int | Sequence[int] | None = 0,
        *,
        workload: Workload | None = None,
        until_ns: int | None = None,
    ) -> Result:
        """What was measured on some CPUs, in the shape of a simulation's result.

        Parameters
        ----------
        cpu : int, sequence of int or None
            The CPUs; None for all.
        workload : Workload, optional
            Made of this recording: only its tasks are kept, in its order, so row i here is row i there.
        until_ns : int, optional
            What was measured up to this time, to stand beside a simulation that was run up to it; default: to
            the end.

        Returns
        -------
        Result
            Of the model ``"recorded"``.

        Raises
        ------
        RecordingError
            The CPU is not in the recording, the workload was not made of it, or `until_ns` is 0 or less.
        """
        return recorded_result(self, cpu, workload=workload, until_ns=until_ns)

    def _cpus(self, cpu: int | Sequence[int] | None) -> list[int]:
        if cpu is None:
            return self.cpus
        cpus = [int(cpu)] if isinstance(cpu, int | np.integer) else [int(c) for c in cpu]
        for c in cpus:
            if c not in self.cpus:
                raise RecordingError(f"{self.name} has no events of CPU {c}; it has those of {self.cpus}")
        return cpus

    def _chosen(self, cpu: int | Sequence[int] | None) -> np.ndarray:
        chosen = np.zeros(max(self.cpus, default=0) + 1, np.uint8)
        chosen[self._cpus(cpu)] = 1
        return chosen


def _require_sound(scanner: Scanner, source: Source, nr_bytes: int) -> None:
    # Said from the worst to the mildest; the first line left out is where to look.
    name, left_out = source.name, scanner.lines_left_out()
    because = "".join(f"; {warning}" for warning in source.warnings)
    if nr_bytes == 0:
        raise RecordingError(f"{name} is empty{because}")
    if scanner.nr_event_lines == 0 and scanner.nr_headless:
        raise RecordingError(
            f"{name} has {scanner.nr_headless} lines of the scheduler without a CPU or a time in seconds, "
            f"the first is line {scanner.first_headless}; make the text with {PERF_SCRIPT}{because}"
        )
    if scanner.nr_event_lines == 0:
        raise RecordingError(
            f"{name} is neither text of perf script nor of ftrace: no event in {scanner.nr_lines} lines, "
            f"from line 1 on{because}"
        )
    if scanner.nr_sched_lines == 0:
        where = next((f"; line {first} cannot be understood" for _, first in left_out.values()), "")
        nr = scanner.nr_event_lines
        raise RecordingError(f"{name} has {nr} events but none of the scheduler{where}{because}")
    if scanner.nr_switches == 0:
        raise RecordingError(f"{name} has no sched_switch; record with perf sched record{because}")
    nr_backwards, first = left_out.get("backwards", (0, 0))
    if nr_backwards > scanner.nr_sched_lines:
        raise RecordingError(
            f"{name} is not sorted by time: {nr_backwards} of {scanner.nr_lines} lines go back, "
            f"the first is line {first}"
        )


def _complaints(scanner: Scanner) -> list[str]:
    words = {
        "strange": "{} lines are no events that can be understood, the first is line {}: left out",
        "too long": "{} lines are longer than 4096 bytes, the first is line {}: left out",
        "backwards": "{} lines go back in time by more than 1 ms, the first is line {}: left out",
        "disorder": "{} lines go back in time by less than 1 ms, the first is line {}: taken as simultaneous",
        "jump": "{} lines are more than 10 s later than the next one, the first is line {}: left out",
        "lost": "{} times the tracer lost events, the first is line {}: what happened then is inferred",
    }
    found = [words[why].format(*counts) for why, counts in scanner.lines_left_out().items()]
    if scanner.nr_lost_events:
        found.append(f"{scanner.nr_lost_events} events are lost, as far as the tracer says")
    if scanner.nr_overwritten:
        nr = scanner.nr_overwritten
        found.append(f"the tracer's buffer was too small: its oldest {nr} events are lost")
    if scanner.process_ids_line:
        line = scanner.process_ids_line
        found.append(f"the number in front is that of a process, not of a thread, see line {line}: not used")
    return found
