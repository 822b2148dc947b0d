"""Recordings of a real scheduler: reading them, and making workloads of them.

    source.py      a path or a stream -> blocks of text, unpacked
    _scan.pyx      blocks of text -> the event table (`_events.pxd`), tasks, names
    _walk.pyx      the event table -> runs, wakeups, programs
    causes.py      wakeups -> who caused them
    programs.py    the tasks and programs of a workload
    measured.py    the runs as they were -> `Result`
    recording.py   `Recording`, which holds all that together
"""

from .causes import Cause
from .recording import RecordedTask, Recording

__all__ = ["Cause", "RecordedTask", "Recording"]
