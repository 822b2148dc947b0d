"""A result as a Perfetto trace, which the Perfetto UI and trace processor show like one of a real kernel.

What it decides: the trace looks like an ftrace recording, so everything that people know works: a row for
each CPU, "Thread state" of each thread, wakeups, latency queries over `sched` and `thread_state`.

    ftrace_events    bundles of `compact_sched`, one CPU each: switches and wakings, delta-coded
    process_tree     a process for each task, with its parent if the result says which task forked it
    track_event      counters: `nr_running` of each CPU (exact), and virtual time of each task (sampled)

P1  Time 0 of the result is timestamp 0. Timestamps in a bundle never decrease, and bundles of a CPU follow
    each other.
P2  States are the kernel's bits: 0 runnable, 1 sleeping, 2 uninterruptible, 128 an idle kernel thread, 16
    dead. A preempted task is runnable. The kernel's extra mark for it has moved between releases, so the
    trace lacks it. A task whose last run ended in an unknown way is shown as sleeping.
P3  Same input, same bytes.
P4  A waking by a task lies on that task's CPU while it runs there, so it is the waker. The flags of a waking
    by a timer say hard interrupt, those of one from outside soft interrupt: the running task is no waker.
P5  A part of a result is what a tracer would have recorded that was started where the part begins.

A forked task's first wait begins with `sched_wakeup_new`, which has no compact form. A pid that is used again
gets a `task_newtask`, so that it is a new thread.

The trace is written packet by packet, so memory does not grow with it. It needs the extra ``perfetto``.

Rejected: a `sched_switch` message for each event (four times the size); Chrome's JSON (the UI treats it as
foreign).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from ..errors import MissingExtraError, how_to_install
from ..limits import PRIO_DEFAULT, prio_of_nice
from ..result import Out, Result, Slept, WokenBy
from .events import FORK, IDLE, SWITCH, WOKEN, events_of, unique_pids
from .files import check_folder
from .samples import Samples, nr_running

__all__ = ["check_perfetto", "write_perfetto"]

STATE_OF = {Out.RUNNING: 0, Out.PREEMPTED: 0, Out.BLOCKED: 1, Out.EXITED: 16, Out.UNKNOWN: 1}
SLEEP_OF = {Slept.INTERRUPTIBLE: 1, Slept.UNINTERRUPTIBLE: 2, Slept.IDLE: 128, Slept.NOT_YET: 1}
FLAGS_OF = {WokenBy.TASK: 1, WokenBy.FORK: 1, WokenBy.TIMER: 1 | 8, WokenBy.OUTSIDE: 1 | 16}
"""Interrupts off; in a hard interrupt; in a soft one."""
STATES = np.array([[SLEEP_OF[how] if out == Out.BLOCKED else STATE_OF[out] for how in Slept] for out in Out])
"""By how a run ended, and how its task slept."""
FLAGS = np.array([FLAGS_OF[cause] for cause in WokenBy])
BUNDLE = 4096
"""Switches and wakings of a CPU in one packet."""
SEQUENCE = 1
TOP_TRACK, CPU_TRACK, THREAD_TRACK, VALUE_TRACK = (1, 1 << 32, 2 << 32, 3 << 32)
"""Ids of tracks: the root of all, counters of a CPU, threads, and counters of a thread."""


def check_perfetto(path: str | os.PathLike[str]) -> None:
    """Raise unless a trace can be written: the extra is installed and the directory exists."""
    _perfetto()
    check_folder(path)


def write_perfetto(
    result: Result, path: str | os.PathLike[str], samples: Samples | None = None, *, from_ns: int = 0
) -> None:
    """Write a result as a Perfetto trace.

    Parameters
    ----------
    result : Result
    path : path-like
        The file; open it at https://ui.perfetto.dev or with `trace_processor`.
    samples : Samples, optional
        Virtual time of the tasks: `cfs.reports.run_sampled`.
    from_ns : int, optional
        Where the result begins, ns, if it is a part that `cfs.reports.part.part_of` made (P5).

    Raises
    ------
    MissingExtraError
        The package perfetto is not installed.
    CfsError
        There is no such directory.

    Notes
    -----
    Cost about 25 µs a run; 35 to 65 bytes a run, counters included.
    """
    check_perfetto(path)
    builder_class, packets = _perfetto()
    events = events_of(result, from_ns)
    pids = unique_pids(result, events)
    with open(path, "wb") as file:
        trace = _Trace(file, builder_class(file), packets, result, events, pids, from_ns)
        trace.write(samples)


def _perfetto() -> tuple[Any, Any]:
    try:
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as packets
        from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder
    except ImportError:
        raise MissingExtraError(f"a Perfetto trace needs perfetto: {how_to_install('perfetto')}") from None
    return StreamingTraceProtoBuilder, packets


class _Trace:
    """A trace in the making: the facts that all packets need."""

    def __init__(
        self,
        file: BinaryIO,
        builder: Any,
        packets: Any,
        result: Result,
        events: np.ndarray,
        pids: np.ndarray,
        from_ns: int,
    ):
        self.file, self.builder, self.packets, self.from_ns = file, builder, packets, from_ns
        self.result, self.events = result, events
        self.pids = pids.tolist()
        self.names = [_text(name) for name in result.names]
        self.prios = [prio_of_nice(nice) for nice in result.nice.tolist()]
        self.pid_of, self.prio_of = np.append(pids, 0), np.append(self.prios, PRIO_DEFAULT).astype(np.int64)
        self.distinct = list(dict.fromkeys(self.names))
        number = {name: place for place, name in enumerate(self.distinct)}
        self.name_of = np.array([*(number[name] for name in self.names), IDLE], np.int64)  # -1: the idle task
        self.parent = self._parents()
        self.is_reused = self._reused()

    def write(self, samples: Samples | None) -> None:
        self._write_tree()
        for cpu in self.result.cpus:
            self._write_bundles(cpu)
        self._write_tracks(samples)
        self._write_nr_running()
        if samples is not None:
            self._write_samples(samples)

    def _packet(self) -> Any:
        return self.builder.create_packet()

    # ---------------------------------------------------------------------------------------------- processes

    def _parents(self) -> dict[int, int]:
        """The task that forked each new task: a row of tasks, or IDLE."""
        forks = self.events[self.events["kind"] == FORK]
        return dict(zip(forks["task"].tolist(), forks["waker"].tolist()))

    def _reused(self) -> set[int]:
        """Tasks with a pid that another task had before."""
        seen: set[int] = set()
        tasks = self.events["task"]
        reused = set()
        for task in dict.fromkeys(tasks[tasks != IDLE].tolist()):
            if self.pids[task] in seen:
                reused.add(task)
            seen.add(self.pids[task])
        return reused

    def _write_tree(self) -> None:
        packet = self._packet()
        packet.timestamp = self.from_ns
        packet.trusted_packet_sequence_id = SEQUENCE
        ran = self.events["task"]
        for task in np.unique(ran[ran != IDLE]).tolist():
            if task in self.is_reused:
                continue
            parent = self.parent.get(task, IDLE)
            process = packet.process_tree.processes.add()
            process.pid = self.pids[task]
            process.ppid = 0 if parent == IDLE else self.pids[parent]
            process.cmdline.append(self.names[task])
            process.cmdline_is_comm = True
            thread = packet.process_tree.threads.add()
            thread.tid = thread.tgid = self.pids[task]
            thread.name = self.names[task]
        self.builder.write_packet(packet)

    # ------------------------------------------------------------------------------------------------- events

    def _write_bundles(self, cpu: int) -> None:
        mine = self.events[self.events["cpu"] == cpu]
        current = IDLE
        for first in range(0, len(mine), BUNDLE):
            packet = self._packet()
            packet.trusted_packet_sequence_id = SEQUENCE
            bundle = packet.ftrace_events
            bundle.cpu = cpu
            current = self._fill(bundle, mine[first : first + BUNDLE], cpu, current)
            self.builder.write_packet(packet)

    def _fill(self, bundle: Any, events: np.ndarray, cpu: int, current: int) -> int:
        """Put events of a CPU into a bundle. Returns the task that runs after them."""
        is_switch = events["kind"] == SWITCH
        is_whole = (events["kind"] == FORK) | (events["kind"] == WOKEN)
        index, table = self._interned(events["task"][~is_whole], cpu)
        compact, of_all = bundle.compact_sched, np.zeros(len(events), np.int64)
        of_all[~is_whole] = index
        self._fill_switches(compact, events[is_switch], of_all[is_switch])
        is_waking = ~is_switch & ~is_whole
        self._fill_wakings(compact, events[is_waking], of_all[is_waking])
        compact.intern_table.extend(table)
        runs = np.concatenate([[current], events["task"][is_switch]])
        running = runs[np.cumsum(is_switch)]
        for event, there in zip(events[is_whole].tolist(), running[is_whole].tolist()):
            at_ns, kind, task, target = event[0], event[2], event[4], event[9]
            add = self._add_fork if kind == FORK else self._add_wakeup
            add(bundle, at_ns, target, task, there)
        return int(runs[-1])

    def _interned(self, tasks: np.ndarray, cpu: int) -> tuple[np.ndarray, list[str]]:
        """The number of each task's name in the bundle, and the names: in the order of their first use."""
        names, first, place = np.unique(self.name_of[tasks], return_index=True, return_inverse=True)
        order = np.argsort(first)
        number = np.empty(len(order), np.int64)
        number[order] = np.arange(len(order))
        idle = f"swapper/{cpu}"
        return number[place], [self.distinct[name] if name >= 0 else idle for name in names[order].tolist()]

    def _fill_switches(self, compact: Any, events: np.ndarray, index: np.ndarray) -> None:
        states = np.where(events["prev"] == IDLE, 0, STATES[events["out"], events["slept"]])
        compact.switch_timestamp.extend(np.diff(events["time_ns"], prepend=0).tolist())
        compact.switch_prev_state.extend(states.tolist())
        compact.switch_next_pid.extend(self.pid_of[events["task"]].tolist())
        compact.switch_next_prio.extend(self.prio_of[events["task"]].tolist())
        compact.switch_next_comm_index.extend(index.tolist())

    def _fill_wakings(self, compact: Any, events: np.ndarray, index: np.ndarray) -> None:
        compact.waking_timestamp.extend(np.diff(events["time_ns"], prepend=0).tolist())
        compact.waking_pid.extend(self.pid_of[events["task"]].tolist())
        compact.waking_target_cpu.extend(events["target"].tolist())
        compact.waking_prio.extend(self.prio_of[events["task"]].tolist())
        compact.waking_comm_index.extend(index.tolist())
        compact.waking_common_flags.extend(FLAGS[events["cause"]].tolist())

    def _add_wakeup(self, bundle: Any, at_ns: int, target: int, task: int, current: int) -> None:
        """The second half of a wakeup whose first half came before the block."""
        event = bundle.event.add(timestamp=at_ns, pid=0 if current == IDLE else self.pids[current])
        self._describe(event.sched_wakeup, task, target)

    def _describe(self, woken: Any, task: int, target: int) -> None:
        woken.comm, woken.pid, woken.prio = self.names[task], self.pids[task], self.prios[task]
        woken.target_cpu = target

    def _add_fork(self, bundle: Any, at_ns: int, target: int, task: int, current: int) -> None:
        pid = 0 if current == IDLE else self.pids[current]
        if task in self.is_reused:
            event = bundle.event.add(timestamp=at_ns, pid=pid)
            event.task_newtask.pid = self.pids[task]
            event.task_newtask.comm = self.names[task]
            event.task_newtask.clone_flags = 0
        event = bundle.event.add(timestamp=at_ns, pid=pid)
        self._describe(event.sched_wakeup_new, task, target)

    # ----------------------------------------------------------------------------------------------- counters

    def _write_tracks(self, samples: Samples | None) -> None:
        result = self.result
        packet = self._track(TOP_TRACK, f"cfs: {_text(result.model)}", 0)
        packet.sequence_flags = self.packets.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        packet.track_descriptor.description = f"{_text(result.source)}, {result.hz} ticks a second"
        self.builder.write_packet(packet)
        for cpu in result.cpus:
            packet = self._track(CPU_TRACK + cpu, f"nr_running CPU {cpu}", TOP_TRACK)
            packet.track_descriptor.counter.unit = self.packets.CounterDescriptor.UNIT_COUNT
            self.builder.write_packet(packet)
        for task in [] if samples is None else np.unique(samples.rows["task"]).tolist():
            packet = self._track(THREAD_TRACK + task, "", 0)
            thread = packet.track_descriptor.thread
            thread.pid = thread.tid = self.pids[task]
            thread.thread_name = self.names[task]
            self.builder.write_packet(packet)
            packet = self._track(VALUE_TRACK + task, samples.field if samples else "", THREAD_TRACK + task)
            packet.track_descriptor.counter.unit_name = "virtual ns"
            self.builder.write_packet(packet)

    def _track(self, uuid: int, name: str, parent: int) -> Any:
        packet = self._packet()
        packet.timestamp = self.from_ns
        packet.trusted_packet_sequence_id = SEQUENCE
        packet.track_descriptor.uuid = uuid
        if name:
            packet.track_descriptor.name = name
        if parent:
            packet.track_descriptor.parent_uuid = parent
        return packet

    def _write_nr_running(self) -> None:
        for cpu in self.result.cpus:
            at_ns, number = nr_running(self.result, cpu)
            at_ns = np.maximum(at_ns, self.from_ns)
            last = np.append(at_ns[1:] != at_ns[:-1], True)[: len(at_ns)]  # of what began before the part
            self._write_counter(CPU_TRACK + cpu, zip(at_ns[last].tolist(), number[last].tolist()))

    def _write_samples(self, samples: Samples) -> None:
        rows = samples.rows[np.argsort(samples.rows["task"], kind="stable")]
        rows = rows[(rows["at_ns"] >= self.from_ns) & (rows["at_ns"] <= self.from_ns + self.result.duration_ns)]
        for at_ns, task, value in rows.tolist():
            self._write_counter(VALUE_TRACK + task, iter([(at_ns, value)]))

    def _write_counter(self, track: int, values: Iterator[tuple[int, int]]) -> None:
        trace = self.packets.Trace()  # one packet, filled in anew for each value
        packet = trace.packet.add()
        packet.trusted_packet_sequence_id = SEQUENCE
        event = packet.track_event
        event.type, event.track_uuid = self.packets.TrackEvent.TYPE_COUNTER, track
        for at_ns, value in values:
            packet.timestamp, event.counter_value = at_ns, value
            self.file.write(trace.SerializeToString())


def _text(name: str) -> str:
    """A name as valid UTF-8: a recording may hold any bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
