"""A recording: what the kernel did, and the workload that would do the same again.

What it decides: how a file becomes a recording, and what is made of one. All that can be asked of the
recording itself is in `table`; each format has a reader of its own.

R1  An object of this class holds something sound: at least one sched_switch, or charges of CPU time, which
    say who ran. All that was left out is in `warnings`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import BinaryIO

from ..result import Result
from ..units import clean, count_text, cut, listed
from ..workload.workload import Workload
from . import programs
from .cfsrec import is_cfsrec, opened
from .measured import recorded_result
from .source import Source
from .table import CPU, LOWEST, RECORDED_EVENT_DTYPE, EventTable, RecordedTask
from .binaries import is_binary, read_binary
from .text import read_text

__all__ = ["Recording", "RecordedTask", "RECORDED_EVENT_DTYPE"]


class Recording(EventTable):
    """A recording of the scheduler; make one with `open`.

    Attributes
    ----------
    name : str
        Name of the file.
    kind : str
        ``"perf script"``, ``"ftrace"``, ``"perf.data"``, ``"trace.dat"`` or ``"Perfetto trace"``.
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
    nr_lines, nr_records : int
        Lines of the text; records of a binary recording.
    clock, kernel : str
        The clock of the times and the release of the kernel, where a binary recording says so; else "".
    surroundings : cfs.recordings.surroundings.Surroundings
        What is said beside the events: groups, users, ticks a second, tunables. ``cfs record`` says most, and
        perf.data the group of each task if it was recorded with ``--all-cgroups``.
    task_table, names : numpy.ndarray, list of str
        The same as `tasks` in 16 bytes a task: pid, row of the parent, index of the last name, first and last
        prio.
    warnings : list of str
        What was left out or is doubtful, with line numbers.
    """

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
            A ``.cfsrec`` file of ``cfs record``, a ``perf.data`` file, a ``trace.dat`` of trace-cmd, a Perfetto
            trace, text of ``perf script`` or ftrace text (``/sys/kernel/tracing/trace``, ``trace-cmd report``),
            plain, gzip or zstd; ``"-"`` is standard input. The content shows the format.
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
        Cost about 0.2 us a line of plain text (gzip: 0.35), 0.13 us an event of perf.data; memory 16 bytes
        an event kept, about 25 a switch. Binary recordings that are packed or piped are held in memory as a
        whole, but for what ``perf record -o -`` writes.
        """
        source, said = Source(path, progress), None
        if is_cfsrec(source):
            source, said = opened(source, progress)
        reading = read_binary(source) if is_binary(source) else read_text(source)
        recording = cls(reading, source.name, source.warnings)
        if said is not None:
            recording.surround(said)
        return recording

    def __repr__(self) -> str:
        seconds, warnings = self.duration_ns / 1e9, count_text(len(self.warnings), "warning")
        return (
            f"<Recording {cut(clean(self.name), 60)!r}: {self.kind}, {seconds:.3f} s, "
            f"CPUs [{listed(self.cpus)}], {len(self.task_table)} tasks, {self.nr_switches} switches, "
            f"{warnings}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from ..reports.notebook import recording_html

        return recording_html(self)

    def workload(
        self,
        cpu: CPU = LOWEST,
        *,
        outside: str | None = None,
        only: str | Iterable[str] | None = None,
        without: str | Iterable[str] | None = None,
        costs: bool = False,
    ) -> Workload:
        """The workload that would do the same again.

        Parameters
        ----------
        cpu : int, sequence of int, None or "lowest"
            Replay the tasks of these CPUs; None for all, "lowest" for the lowest one in the recording. Time
            on others is sleep.
        outside : {None, "absolute", "relative"}
            When a wakeup from outside takes place: at its time in the recording, or as long after the block
            as there. None: a timer's at its time, another one relative to the block.
        only, without : str or iterable of str, optional
            Names of tasks (the last one each, shell patterns) to keep, or to leave out. A task woken by one
            that is left out counts as woken from outside.
        costs : bool
            What the kernel does for a wakeup and for a block counts where they happen under a model, not where they
            happened, as far as partners that wait for each other show it. A model that wakes more often than the
            recorded kernel then needs more CPU time; else each task needs what it had.

        Returns
        -------
        cfs.workload.Workload
            Times are ns since `start_ns`. ``pid`` is the recorded one; CPUs keep their numbers. Its
            ``origin`` says which tasks of the recording they are, and what is not known about them; its
            ``said`` what the `surroundings` say of the machine. Users, groups, policies and slices are as
            these say, else user 0, the root group, normal, and the model's slice.

        Raises
        ------
        RecordingError
            The CPU is not in the recording, or the names leave nobody.

        Notes
        -----
        Cost O(events), some 30 ns each; 16 bytes an operation.
        """
        return programs.make(self, self.cpus_of(cpu), outside, only, without, costs)

    def result(
        self,
        cpu: CPU = LOWEST,
        *,
        workload: Workload | None = None,
        until_ns: int | None = None,
    ) -> Result:
        """What was measured on some CPUs, in the shape of a simulation's result.

        Parameters
        ----------
        cpu : int, sequence of int, None or "lowest"
            The CPUs; None for all. Default: those of the workload, or the lowest.
        workload : Workload, optional
            Made of this recording: its tasks are those here, also those that have not run, so row i here is
            row i there.
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
