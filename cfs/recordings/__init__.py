"""Recordings of a real scheduler: reading them, and making workloads of them.

    source.py      a path or a stream -> blocks of bytes, unpacked
    cfsrec.py      the file of `cfs record` -> the recording in it, and its surroundings
    surroundings.py  what a file says beside its events;  assigned.py  the same, task by task, of a workload
    _lines.pyx     the bytes of a line -> its fields (`_facts.pxd`)
    _tracker.pyx   facts of any format -> the event table (`_events.pxd`), tasks, names
    _scan.pyx      blocks of text -> lines -> facts
    text.py        a text -> what was read of it
    binaries.py    a binary recording -> what was read of it
    perf_data.py, trace_dat.py, perfetto.py        what is read once of each format
    _perf_data.pyx, _trace_dat.pyx, _perfetto.pyx  what is read for each event: bytes -> facts (`_sink.pxd`)
    tracepoints.py what a file says about its events;  binary.py, about.py  what the three have in common
    _plan.pyx      a tracepoint's record -> a fact, by the format that the file gives
    _feed.pyx      facts of binary recordings -> `_tracker`
    _walk.pyx      the event table -> runs, wakeups, programs
    causes.py      wakeups -> who caused them
    table.py       `EventTable`: what was kept of a recording, and all that can be asked of it alone
    population.py  which tasks, on which CPUs: once for a replay and for what was measured
    programs.py    the programs of a workload
    measured.py    the runs as they were -> `Result`
    recording.py   `Recording`, which holds all that together
"""

from .causes import Cause
from .recording import RecordedTask, Recording

__all__ = ["Cause", "RecordedTask", "Recording"]
