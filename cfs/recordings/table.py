"""What is kept of a recording, whatever its format, and every question that it can answer by itself.

What it decides: the shapes of the answers; nothing about formats or workloads. The reader of a format makes a
`Reading`. From it, an `EventTable` answers which task ran when, and which task woke which and why. The walks
over the events are compiled (`_walk`); `causes` gives the verdict on wakeups.

R2  All times are ns since `start_ns`, the first event, but for `start_ns` itself.
R3  Memory grows with events and tasks; each answer is a new array.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import RecordingError
from ..limits import nice_of_prio
from ._tracker import NUMBERS, Tracker
from ._walk import EVENT_DTYPE, give_back, runs, stays, wakeups
from ._wakers import after_wakeups
from .answers import Answers
from .answers import decide as decide_answers
from .causes import Cause, Witness, decide
from .periods import skippers
from .platforms import Inferred, infer
from .surroundings import Surroundings

__all__ = ["RECORDED_EVENT_DTYPE", "EventTable", "Reading", "RecordedTask"]

RECORDED_EVENT_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),
        ("task", "<i4"),  # switched in, woken, forked; -1: the idle task, -2: not known
        ("context", "<i4"),  # switched out, or running there; of a priority (kind 8) the new value
        ("cpu", "<u2"),
        # 2 switch, 3 wakeup, 4 of a task awake, 5 of one about to block, 6 its end, 7 fork, 8 prio, 9 loss
        ("kind", "u1"),
        ("detail", "u1"),  # `_events.pxd` gives the bits
    ]
)


LOWEST = "lowest"
"""In place of a CPU: the lowest one that the recording has."""

CPU = int | Sequence[int] | str | None

BLOCK = 1 << 18
"""Events looked at together, where there are arrays in between."""

CELLS_MAX = 1 << 21
"""CPUs times tasks of which the CPU time is counted in one walk: 32 MiB."""

MANY_WAKEUPS = 1 << 20
"""So many leave memory behind that is worth giving back."""


@dataclass
class Reading:
    """What the reader of a format hands over.

    Attributes
    ----------
    tracker : Tracker
        Finished.
    kind : str
        The format, for people.
    nr_lines : int
        Lines of the text; 0 if it is none.
    warnings : list of str
        What was left out or is doubtful, and where.
    nr_records : int
        Records of a binary recording; 0 if it is none.
    surroundings : Surroundings
        What it says beside its events: the clock of its times, the release of the kernel.
    """

    tracker: Tracker
    kind: str
    nr_lines: int = 0
    warnings: list[str] = field(default_factory=list)
    nr_records: int = 0
    surroundings: Surroundings = field(default_factory=Surroundings)


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
        Its last name, from the fields of the events; ``:PID`` if none has it.
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


class EventTable:
    """The event table of a recording, its tasks and names; `Recording` documents the attributes."""

    def __init__(self, reading: Reading, name: str, warnings: Iterable[str] = ()) -> None:
        tracker = reading.tracker
        self.name = name
        self.kind = reading.kind
        self.cpus: list[int] = tracker.cpus_seen()
        self.start_ns: int = tracker.start_ns
        self.duration_ns: int = tracker.end_ns - tracker.start_ns
        self.nr_switches: int = tracker.nr_switches
        self.inferred_switch_ins: int = tracker.inferred_switch_ins
        self.nr_lines: int = reading.nr_lines
        self.nr_records: int = reading.nr_records
        self.surroundings: Surroundings = reading.surroundings
        self.clock: str = self.surroundings.clock
        self.kernel: str = self.surroundings.kernel
        self.warnings: list[str] = [*reading.warnings, *warnings]
        self.nr_wakeups: int = tracker.nr_wakeups
        buffer: Any = tracker  # is one, which types cannot say before Python 3.12
        self.packed_events = np.frombuffer(buffer, EVENT_DTYPE)
        self._tracker = tracker
        self.names: list[str] = tracker.names_seen()
        self.task_table: np.ndarray = tracker.tasks_seen()
        self._name_the_unknown()
        self._tasks: tuple[RecordedTask, ...] | None = None
        self._judged: tuple[np.ndarray, np.ndarray] | None = None
        self._answers: Answers | None = None
        self._skippers = np.zeros((0, 2), np.int64)
        self._charges = tracker.charges_seen()

    def _name_the_unknown(self) -> None:
        # A task without a name gets one of its own, spelt as perf does it: unknown tasks are not one program.
        numbers: dict[str, int] = {}
        unknown = np.flatnonzero(self.task_table["name"] < 0).tolist()
        for row in unknown:
            name = f":{self.task_table['pid'][row]}"
            if name not in numbers:
                numbers[name] = len(self.names)
                self.names.append(name)
            self.task_table["name"][row] = numbers[name]
        if unknown:
            them = "the name of 1 task is" if len(unknown) == 1 else f"the names of {len(unknown)} tasks are"
            example = next(iter(numbers))
            self.warnings.append(f"{them} not known: such a task is called by its number, as {example}")

    @property
    def tasks(self) -> tuple[RecordedTask, ...]:
        """The tasks in the order of first sight; the idle tasks are none."""
        if self._tasks is None:
            names = self.names
            comms: dict[int, list[str]] = {}
            for row, name in self._tracker.namings_seen():
                comms.setdefault(row, []).append(names[name])
            self._tasks = tuple(
                RecordedTask(
                    row=row,
                    pid=pid,
                    comm=names[name],
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
        packed = self.packed_events
        kind = packed["kind"]
        long_ns = packed["task"].astype(np.int64) | (packed["context"].astype(np.int64) << 32)
        time_ns = np.cumsum(packed["delta"] + np.where(kind == NUMBERS["GAP"], long_ns, 0))
        time_ns[1:] -= np.where(kind[:-1] == NUMBERS["BACK"], long_ns[:-1], 0)
        kept = kind > NUMBERS["BACK"]
        table = np.zeros(int(kept.sum()), RECORDED_EVENT_DTYPE)
        table["time_ns"] = time_ns[kept]
        for field in ("task", "context", "cpu", "kind", "detail"):
            table[field] = packed[field][kept].astype(table[field].dtype)
        return table

    def surround(self, said: Surroundings) -> None:
        """Take what a file says beside the recording that it holds; it counts before what that says itself."""
        self.surroundings = said.over(self.surroundings)
        self.kernel = self.kernel or said.kernel
        self.clock = self.clock or said.clock

    def runs(self, cpu: CPU = None) -> np.ndarray:
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
        A wait begins with sched_waking if the task slept by then, or was not seen yet, else with
        sched_wakeup; the wakeup of a task that runs begins none. A wait is known (``ready`` is not UNKNOWN)
        if it began in the recording, ended with a recorded switch, and no events of its CPUs were lost in
        between. Of a run whose end was not recorded only the beginning is known: it ends there, and its
        ``out`` is UNKNOWN. A task found running when its CPU was first seen, or seen again after a loss, has
        a run from there on; its ``ready`` is FOUND.
        Cost O(events), some 10 ns each.
        """
        chosen = self.chosen(cpu)
        return runs(self.packed_events, len(self.task_table), len(chosen), self.duration_ns, chosen)

    def busy_ns(self, cpu: CPU = None) -> np.ndarray:
        """CPU time of each task on the CPUs chosen, ``(nr_tasks,) int64``, ns."""
        together = self.chosen(cpu).astype(np.int32) - 1
        return stays(self.packed_events, len(self.task_table), self.duration_ns, together)[0][0]

    def stays_by_cpu(self, cpus: Sequence[int]) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Of each of these CPUs the CPU time of each task, and how often it came there: two ``(nr_tasks,) int64``.

        One walk over the events for as many CPUs as fit into `CELLS_MAX`.
        """
        nr_tasks = len(self.task_table)
        width = max(1, CELLS_MAX // max(nr_tasks, 1))
        for block in (cpus[i : i + width] for i in range(0, len(cpus), width)):
            yield from zip(
                block, *stays(self.packed_events, nr_tasks, self.duration_ns, self.columns(block)), strict=True
            )

    def wakeups(self) -> np.ndarray:
        """Tasks woken or forked, and in which context: ``(nr_wakeups,)`` of `WAKEUP_DTYPE`, by time."""
        return wakeups(self.packed_events, len(self.task_table))

    def verdicts(self, table: np.ndarray | None = None) -> np.ndarray:
        """The verdict on each row of `wakeups`, ``(nr_wakeups,) uint8`` of `Cause`.

        Parameters
        ----------
        table : numpy.ndarray, optional
            Wakeups to judge instead, for example with the flags of the format erased.
        """
        if table is None:
            return self.judged()[1].copy()
        if not len(table):
            return np.zeros(0, np.uint8)
        parent, name = self.task_table["parent"], self.task_table["name"]
        return decide(Witness(table, self._shares(table, name), parent, name, self.names, self.start_ns))

    def judged(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each row of `wakeups` where its task ran next, and the verdict on it: int16 and uint8.

        Decided once: workloads are made of it, and it is shown. Do not change it. 3 bytes a wakeup.
        """
        if self._judged is None:
            table = self.wakeups()
            self._judged = table["landed"].copy(), self.verdicts(table)
            if len(table) >= MANY_WAKEUPS:
                del table
                give_back()
        return self._judged

    def answers(self) -> Answers:
        """The waits that the recording hides, and how long wakers stay in the kernel; found once."""
        if self._answers is None:
            _, verdict = self.judged()
            after, releases = after_wakeups(self.packed_events, len(self.task_table), verdict)
            self._skippers = skippers(releases, len(self.task_table))
            self._answers = decide_answers(after, self.task_table["name"])
            if len(after) >= MANY_WAKEUPS:
                del after
                give_back()
        return self._answers

    def skippers(self) -> np.ndarray:
        """Period and offset of each task that skips the releases that it has missed, ``(nr_tasks, 2) int64``, ns."""
        self.answers()
        return self._skippers

    def platform(self) -> Inferred:
        """What the events show of the machine: when it ticks, what an interrupt costs, what can be preempted."""
        inferred = infer(self._charges, self.start_ns, len(self.cpus), self.answers())
        said = self.surroundings
        return inferred.told(hz=said.hz, preempt=said.preempt, nr_cpus=said.cpus_in_machine)

    def _shares(self, table: np.ndarray, name: np.ndarray) -> np.ndarray:
        # What part of the busy time of the CPU the tasks of the context's name had.
        share = np.zeros(len(table), np.float32)
        for cpu, busy, _ in self.stays_by_cpu(self.cpus):
            busy_of_name = np.bincount(name, busy, minlength=len(self.names))
            here = np.flatnonzero((table["cpu"] == cpu) & (table["context"] < len(name)))
            share[here] = busy_of_name[name[table["context"][here]]] / max(int(busy.sum()), 1)
        return share

    def causes(self, cpu: CPU = None) -> dict[str, int]:
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
        landed, verdict = self.judged()
        counts, cpus, begin = np.zeros(len(Cause), np.int64), self.cpus_of(cpu), 0
        for block in range(0, len(self.packed_events), BLOCK):
            kind = self.packed_events["kind"][block : block + BLOCK]
            is_fork = kind[np.isin(kind, (3, 5, 7))] == 7  # the rows of `wakeups`, in this order
            rows = slice(begin, begin + len(is_fork))
            counted = ~is_fork & (np.isin(landed[rows], cpus) | (cpu is None))
            counts += np.bincount(verdict[rows][counted], minlength=len(Cause))
            begin = rows.stop
        return {cause.name.lower(): int(counts[cause]) for cause in Cause}

    def cpus_of(self, cpu: CPU) -> list[int]:
        """These CPUs in ascending order; None means all, "lowest" the lowest one. `RecordingError` if one is
        not in the recording.
        """
        if cpu is None:
            return self.cpus
        if isinstance(cpu, str):
            if cpu != LOWEST:
                raise RecordingError(f"cpu = {cpu!r} is neither a number, nor several, None or {LOWEST!r}")
            return self.cpus[:1]
        cpus = [int(cpu)] if isinstance(cpu, int | np.integer) else sorted({int(c) for c in cpu})
        if not cpus:
            raise RecordingError(f"no CPU of {self.name} is chosen; it has {self.cpus}")
        for c in cpus:
            if c not in self.cpus:
                raise RecordingError(f"{self.name} has no events of CPU {c}; it has those of {self.cpus}")
        return cpus

    def namings(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of tasks, and index of the name that each took, in order: two ``(nr_namings,) int64``."""
        pairs = self._tracker.namings_table()
        return pairs[:, 0], pairs[:, 1]

    def columns(self, cpus: Sequence[int]) -> np.ndarray:
        """For each CPU its place among these, -1 for the others, ``(largest CPU + 1,) int32``."""
        place = np.full(max(self.cpus, default=0) + 1, -1, np.int32)
        place[list(cpus)] = np.arange(len(cpus))
        return place

    def chosen(self, cpu: CPU) -> np.ndarray:
        """1 for each of these CPUs, ``(largest CPU + 1,) uint8``."""
        chosen = np.zeros(max(self.cpus, default=0) + 1, np.uint8)
        chosen[self.cpus_of(cpu)] = 1
        return chosen

