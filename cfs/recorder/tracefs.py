"""The kernel's own tracer, where there is no perf: an instance of tracefs, which disturbs nobody else's.

What it decides: clock "mono", the events of `lines`, a buffer of 16 MiB a CPU. If that is too small, the
oldest events are overwritten, which the header of the text says and every reader repeats. The instance is
removed when the recording is over, whatever happens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from .alias import Alias
from .lines import EVENTS, kept_lines

__all__ = ["folder", "instance", "save"]

PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
BUFFER_KB, LESS_KB, CPUS_MAX = "16384", "4096", 32
"""A CPU's buffer, and that of a machine with more than so many CPUs."""


def folder(root: str = "") -> tuple[str, str]:
    """Where tracefs is, or "" and why it cannot be used."""
    reasons = []
    for place in PLACES:
        where = f"{root}{place}/instances"
        if os.access(where, os.W_OK):
            return f"{root}{place}", ""
        reasons.append(f"{place} " + ("may not be written" if os.path.isdir(where) else "is not there"))
    return "", " and ".join(reasons)


@contextmanager
def instance(where: str) -> Iterator[str]:
    """An instance that records; its folder."""
    place = f"{where}/instances/cfs-{os.getpid()}"
    os.mkdir(place)
    try:
        _write(f"{place}/tracing_on", "0")
        _write(f"{place}/trace_clock", "mono")
        _write(f"{place}/buffer_size_kb", BUFFER_KB if (os.cpu_count() or 1) <= CPUS_MAX else LESS_KB)
        for event in EVENTS:
            if os.path.exists(f"{place}/events/sched/{event}"):  # sched_waking came with Linux 4.3
                _write(f"{place}/events/sched/{event}/enable", "1")
        _write(f"{place}/tracing_on", "1")
        yield place
    finally:
        with suppress(OSError):
            _write(f"{place}/tracing_on", "0")
        os.rmdir(place)


def save(place: str, out: BinaryIO, alias: Alias | None) -> None:
    """Write what an instance recorded."""
    _write(f"{place}/tracing_on", "0")
    with open(f"{place}/trace", encoding="utf-8", errors="surrogateescape") as trace:
        for line in kept_lines(trace, alias):
            out.write(line.encode("utf-8", "surrogateescape"))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
