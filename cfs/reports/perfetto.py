"""A result as a Perfetto trace, which the Perfetto UI and trace processor show like one of a real kernel.

What it decides: the trace looks like an ftrace recording, so everything that people know works: a row for
each CPU, "Thread state" of each thread, wakeups, latency queries over `sched` and `thread_state`.

    ftrace_events    bundles of `compact_sched`, one CPU each: switches and wakings, delta-coded
    process_tree     a process for each task, with its parent if the result says which task forked it
    track_event      counters: `nr_running` of each CPU (exact), and virtual time of each task (sampled)

P1  Time 0 of the result is timestamp 0. Timestamps in a bundle never decrease, and bundles of a CPU follow
    each other.
P2  States are the kernel's bits: 0 runnable, 1 sleeping, 2 uninterruptible, 128 an idle kernel thread, 16
    dead. A preempted task is runnable. The kernel's extra mark for it has moved between releases, so the trace
    lacks it. A task of which nobody knows how its run ended sleeps.
P3  Same input, same bytes.
P4  A waking by a task lies on that task's CPU while it runs there, so it is the waker. The flags of a waking
    by a timer say hard interrupt, and of one from outside soft interrupt: the task that runs there is no waker.
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
from typing import Any

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
        trace = _Trace(builder_class(file), packets, result, events, pids, from_ns)
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
        self, builder: Any, packets: Any, result: Result, events: np.ndarray, pids: np.ndarray, from_ns: int
    ):
        self.builder, self.packets, self.from_ns = builder, packets, from_ns
        self.result, self.events = result, events
        self.pids = pids.tolist()
        self.names = [_text(name) for name in result.names]
        self.prios = [prio_of_nice(nice) for nice in result.nice.tolist()]
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
        compact, names = bundle.compact_sched, _Interned()
        switched_ns = waking_ns = 0
        for at_ns, _, kind, prev, task, out, slept, _, cause, target in events.tolist():
            if kind == SWITCH:
                compact.switch_timestamp.append(at_ns - switched_ns)
                compact.switch_prev_state.append(0 if prev == IDLE else _state(out, slept))
                compact.switch_next_pid.append(0 if task == IDLE else self.pids[task])
                compact.switch_next_prio.append(PRIO_DEFAULT if task == IDLE else self.prios[task])
                name = f"swapper/{cpu}" if task == IDLE else self.names[task]
                compact.switch_next_comm_index.append(names.index(name))
                switched_ns, current = at_ns, task
            elif kind == FORK:
                self._add_fork(bundle, at_ns, target, task, current)
            elif kind == WOKEN:
                self._add_wakeup(bundle, at_ns, target, task, current)
            else:
                compact.waking_timestamp.append(at_ns - waking_ns)
                compact.waking_pid.append(self.pids[task])
                compact.waking_target_cpu.append(target)
                compact.waking_prio.append(self.prios[task])
                compact.waking_comm_index.append(names.index(self.names[task]))
                compact.waking_common_flags.append(FLAGS_OF[WokenBy(cause)])
                waking_ns = at_ns
        compact.intern_table.extend(names.table)
        return current

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
        for at_ns, value in values:
            packet = self._packet()
            packet.timestamp = at_ns
            packet.trusted_packet_sequence_id = SEQUENCE
            packet.track_event.type = self.packets.TrackEvent.TYPE_COUNTER
            packet.track_event.track_uuid = track
            packet.track_event.counter_value = value
            self.builder.write_packet(packet)


def _state(out: int, slept: int) -> int:
    return SLEEP_OF[Slept(slept)] if out == Out.BLOCKED else STATE_OF[Out(out)]


class _Interned:
    """Names of a bundle by their number."""

    def __init__(self) -> None:
        self.place: dict[str, int] = {}

    def index(self, name: str) -> int:
        return self.place.setdefault(name, len(self.place))

    @property
    def table(self) -> list[str]:
        return list(self.place)


def _text(name: str) -> str:
    """A name as valid UTF-8: a recording may hold any bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
