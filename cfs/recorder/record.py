"""All of `cfs record`: COMMAND in, one ``.cfsrec`` out.

What it decides: the order. Whatever can be refused is refused before COMMAND runs. The machine and all tasks
are looked at first, then COMMAND runs under perf or tracefs, then the tasks and groups are looked at once
more, and what is kept of the recording is packed beside the facts.

Nothing but names, numbers and paths of groups goes in: no paths of files, no arguments, no addresses, no name
of the host. With `anonymous` the names, the paths and the users are others, in the recording and in the
facts.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ..errors import RecorderError
from ..recordings import cfsrec
from ..recordings.surroundings import Surroundings
from . import perf, tracefs
from .alias import Alias
from .files import Root
from .groups import Groups
from .machine import machine
from .run import run
from .tasks import Tasks, slice_of

__all__ = ["Recorded", "record", "target"]

NAME, SUFFIX = "recording", ".cfsrec"
COARSE_CLOCK = 6  # CLOCK_MONOTONIC_COARSE, which has no name in Python


@dataclass(frozen=True)
class Recorded:
    """What was recorded.

    Parameters
    ----------
    path : str
        The file.
    tool : {"perf", "tracefs"}
    status : int
        Exit status of COMMAND.
    said : Surroundings
        What the file says beside its events.
    """

    path: str
    tool: str
    status: int
    said: Surroundings


def target(output: str | os.PathLike | None) -> str:
    """The file that is written: `output`, or in a folder the first free name."""
    path = Path(output or ".")
    if not path.is_dir() and not os.fspath(output or ".").endswith(os.sep):
        if not path.parent.is_dir():
            raise RecorderError(f"there is no directory {path.parent}")
        return os.fspath(path)
    if not path.is_dir():
        raise RecorderError(f"there is no directory {path}")
    free = (path / f"{NAME}{'' if nr == 1 else f'-{nr}'}{SUFFIX}" for nr in range(1, 1 << 20))
    return os.fspath(next(candidate for candidate in free if not candidate.exists()))


def record(
    command: Sequence[str],
    output: str | os.PathLike | None = None,
    *,
    options: Sequence[str] = (),
    anonymous: bool = False,
    root: Root | None = None,
) -> Recorded:
    """Record the machine while a command runs.

    Parameters
    ----------
    command : sequence of str
        The command and its arguments.
    output : str or os.PathLike, optional
        A file, which is replaced, or a folder, in which a free name is chosen; default: the current one.
    options : sequence of str, optional
        For perf, behind those given here.
    anonymous : bool, optional
        Other names for tasks and groups, and other uids.
    root : Root, optional
        Where /proc and /sys are.

    Returns
    -------
    Recorded

    Raises
    ------
    RecorderError
        There is no such command, neither perf nor tracefs can be used, or nothing was recorded.

    Notes
    -----
    Beside what perf costs: a look at all tasks before and after, some 0.1 ms each, and a look at new tasks
    forty times a second. An interrupt (Ctrl-C, SIGTERM) ends the command; what was recorded is saved.
    """
    if not command or shutil.which(command[0]) is None:
        raise RecorderError(
            f"there is no command {command[0]!r}" if command else "there is no command to be recorded"
        )
    path, root = target(output), root or Root()
    if root.is_this_machine and sys.platform != "linux":
        raise RecorderError("only Linux can be recorded; replay a recording that was made there")
    tool, where = _tool(root)
    if tool == "perf":
        perf.check_options(options)
    elif options:
        raise RecorderError(f"there is no perf that could take {' '.join(options)}: tracefs is used")
    scribe = _Scribe(root, Alias() if anonymous else None)
    with tempfile.TemporaryDirectory(prefix=".cfs-record-", dir=os.path.dirname(path) or ".") as folder:
        with open(f"{folder}/recording", "w+b") as file:
            how = _with_perf if tool == "perf" else _with_tracefs
            status = how(where, folder, options, command, scribe, file)
            file.seek(0)
            said = scribe.said()
            cfsrec.write(path, said, file)
    return Recorded(path, tool, status, said)


def _tool(root: Root) -> tuple[str, str]:
    """perf and where it is, or tracefs and where that is."""
    if found := shutil.which("perf"):
        return "perf", found
    where, why = tracefs.folder(root.path)
    if not where:
        raise RecorderError(
            f"neither perf nor tracefs can be used: there is no perf on PATH, and {why}; "
            "install perf (linux-perf, linux-tools), or run as root"
        )
    return "tracefs", where


def _with_perf(
    perf_path: str,
    folder: str,
    options: Sequence[str],
    command: Sequence[str],
    scribe: _Scribe,
    file: BinaryIO,
) -> int:
    data = f"{folder}/perf.data"
    scribe.begin()
    status = run(perf.words_of(perf_path, data, options, command), scribe.tasks.look)
    scribe.end()
    if not os.path.exists(data) or not os.path.getsize(data):
        raise RecorderError(
            f"perf recorded nothing and ended with status {status}; it says why above{_advice()}"
        )
    if trouble := perf.save(perf_path, data, file, scribe.alias):
        scribe.root.say(trouble)
    return status


def _advice() -> str:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return ""
    return ". Run as root, or allow it to everybody: sysctl kernel.perf_event_paranoid=-1"


def _with_tracefs(
    where: str, folder: str, options: Sequence[str], command: Sequence[str], scribe: _Scribe, file: BinaryIO
) -> int:
    scribe.begin()
    with tracefs.instance(where) as place:
        status = run(command, scribe.tasks.look)
        tracefs.save(place, file, scribe.alias)
    scribe.end()
    return status


class _Scribe:
    """What is known beside the events, as it comes in."""

    def __init__(self, root: Root, alias: Alias | None) -> None:
        self.root, self.alias = root, alias
        self.groups = Groups(root)
        self.tasks = Tasks(root, self.groups, slice_ns_of=slice_of if root.is_this_machine else None)
        self.machine = Surroundings()

    def begin(self) -> None:
        """Look at the machine and at all tasks."""
        tick_ns = _tick_ns() if self.root.is_this_machine else None
        self.machine = machine(self.root, tick_ns=tick_ns, architecture=platform.machine())
        self.tasks.look_at_all()

    def end(self) -> None:
        """Look at the tasks and groups that are left."""
        self.tasks.look_at_all()
        self.groups.look_again()

    def said(self) -> Surroundings:
        """All of it."""
        said = self.machine
        tasks, base_slice_ns = self.tasks.with_own_slices(said.base_slice_ns, said.cpus_in_machine or 1)
        said = replace(
            said,
            clock="CLOCK_MONOTONIC",
            base_slice_ns=base_slice_ns,
            groups=tuple(self.groups.found[path] for path in sorted(self.groups.found)),
            tasks=tasks,
            not_read=tuple(self.root.not_read),
        )
        return said if self.alias is None else self.alias.surroundings(said)


def _tick_ns() -> int | None:
    try:
        return round(1e9 * time.clock_getres(COARSE_CLOCK))
    except (AttributeError, OSError):
        return None
