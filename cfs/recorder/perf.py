"""`perf sched record`: with the clock and the events that a replay needs.

What it decides: the command line, and what becomes of the file. The clock is CLOCK_MONOTONIC, to which ticks
are aligned and which every program can read; exits and sched_wakeup are recorded beside what perf records by
itself. The buffers are larger than perf's, as lost events cannot be made up for. What the user gives for perf
comes last and counts, but for what this file depends on. On machines with more than `CPUS_MAX` CPUs the buffers
are perf's own: together they would be gigabytes.
"""

from __future__ import annotations

import mmap
import os
import subprocess
from collections.abc import Sequence
from typing import BinaryIO

from ..errors import RecorderError, RecordingError
from .alias import Alias
from .lines import kept_lines
from .perf_data import strip

__all__ = ["check_options", "save", "words_of"]

MORE_EVENTS = ("sched:sched_process_exit", "sched:sched_wakeup")
PAGES, CPUS_MAX = "4096", 32
"""Of each CPU's buffer, 16 MiB, and on how many CPUs. Only root may lock that much."""
SCRIPT = ("--ns", "-F", "comm,pid,tid,cpu,time,event,trace")
OURS = {
    "-o": "the file is that of --output",
    "--output": "the file is that of --output",
    "-k": "times must be of CLOCK_MONOTONIC",
    "--clockid": "times must be of CLOCK_MONOTONIC",
    "-z": "the file is packed anyway",
    "--compression-level": "the file is packed anyway",
    "--threads": "the file must be one",
    "--switch-output": "the file must be one",
}


def check_options(options: Sequence[str]) -> None:
    """Raise if an option for perf contradicts what is needed."""
    for option in options:
        word = option.partition("=")[0]
        name = word if word.startswith("--") else word[:2]
        if name in OURS:
            raise RecorderError(f"perf's option {option} cannot be given: {OURS[name]}")


def words_of(perf: str, data: str, options: Sequence[str], command: Sequence[str]) -> list[str]:
    """The command line."""
    words = [perf, "sched", "record", "-k", "CLOCK_MONOTONIC", "-o", data]
    words += ["-m", PAGES] if _may_lock_much() else []
    for event in MORE_EVENTS:
        words += ["-e", event]
    return [*words, *options, "--", *command]


def _may_lock_much() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and (os.cpu_count() or 1) <= CPUS_MAX


def save(perf: str, data: str, out: BinaryIO, alias: Alias | None) -> str:
    """Write what of perf's file is kept: a perf.data, or text if that is not understood; a sentence if so."""
    try:
        with open(data, "rb") as file:
            strip(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), out, alias)
        return ""
    except RecordingError as error:
        out.seek(0)
        out.truncate()
        _save_text(perf, data, out, alias)
        return f"perf.data: {error}; the recording is the text of perf script, without interrupts and losses"


def _save_text(perf: str, data: str, out: BinaryIO, alias: Alias | None) -> None:
    words = [perf, "script", *SCRIPT, "-i", data]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, encoding="utf-8", errors="surrogateescape"
    ) as script:
        if script.stdout is not None:
            for line in kept_lines(script.stdout, alias):
                out.write(line.encode("utf-8", "surrogateescape"))
    if script.returncode:
        raise RecorderError(
            f"neither cfs nor perf script can read what perf recorded (exit status {script.returncode})"
        )
