"""Whose the tasks are: users, nice values, policies, slices and groups, before, during and after the run.

What it decides: when who is looked at. All tasks are looked at once before COMMAND begins, and once after it.
In between, `look` is called every few ms and costs one small file if nobody was forked: /proc/loadavg ends
with the number of the youngest task. Whoever is younger than at the look before is looked at, and once more
at the next look, when it may have joined its group. A task that lived between two looks is never seen; it has
what its parent has, which whoever reads the recording knows (`recordings/assigned`).

T1  A task that ends while it is looked at leaves no fact, and is no error.
T2  Only what changed since the last fact about a pid is another fact.

A slice is a task's own if it is not the base slice, or, where the kernel does not tell that, not the one that
most tasks have. Nor is it one that a machine with fewer CPUs has: tasks forked before all CPUs were up keep
such a slice until they have used it up. Slices are known from Linux 6.12 on.

Rejected: the process connector of netlink (root only, and a socket of its own); reading every /proc/PID at
each look (5 ms of CPU time for 200 processes, forty times a second).
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import re
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ..limits import NICE_RANGE, UID_RANGE
from ..recordings.surroundings import TaskFacts
from .files import Root, integer
from .groups import Groups

__all__ = ["Tasks", "slice_of"]

POLICIES = {0: "normal", 1: "fifo", 2: "rr", 3: "batch", 5: "idle", 6: "deadline", 7: "ext"}
"""Numbers of the kernel."""
FAIR = ("normal", "batch")
"""Policies whose tasks may have a slice of their own."""
NEW_MAX = 4096
"""More new tasks than this since the last look, and the folder is listed."""
NAMESPACE_OF_ALL = "pid:[4026531836]"
"""The namespace whose numbers tracers write."""
STAT = re.compile(r"\d+ \((.*)\) \S ", re.DOTALL)
NICE_AT, PRIORITY_AT, POLICY_AT = (
    19 - 4,
    40 - 4,
    41 - 4,
)  # places in /proc/PID/stat, less those before the rest


class Tasks:
    """Looks at tasks, and remembers what it saw.

    Parameters
    ----------
    root : Root
    groups : Groups
    now_ns : callable, optional
        CLOCK_MONOTONIC.
    slice_ns_of : callable, optional
        The slice of a task by its id, None if that is not known; default: as /proc/PID/sched says.
    """

    def __init__(
        self,
        root: Root,
        groups: Groups,
        now_ns: Callable[[], int] = time.monotonic_ns,
        slice_ns_of: Callable[[int], int | None] | None = None,
    ) -> None:
        self.root, self.groups, self.now_ns = root, groups, now_ns
        self.slice_ns_of = slice_ns_of or self._slice_in_file
        self.facts: list[TaskFacts] = []
        self.last: dict[int, TaskFacts] = {}
        self.youngest = 0
        self.young: list[int] = []
        self.is_blind = self._counts_differently()

    def _counts_differently(self) -> bool:
        """Are ids here others than those that a tracer writes?"""
        if not self.root.is_this_machine:
            return False
        try:
            own = os.readlink("/proc/self/ns/pid")
        except OSError:
            return False
        if own != NAMESPACE_OF_ALL:
            self.root.say("tasks: this is a container, whose task ids are not those of the recording")
        return own != NAMESPACE_OF_ALL

    # ---- when

    def look_at_all(self) -> None:
        """Look at every task that there is."""
        self.youngest = self._youngest()
        for pid in self._processes():
            for tid in _ids(self.root.names(f"/proc/{pid}/task")):
                self.look_at(tid, f"/proc/{pid}/task/{tid}")

    def look(self) -> None:
        """Look at those who are new, and again at those who were new the last time."""
        again, before = self.young, self.youngest
        self.young, self.youngest = [], self._youngest()
        if self.youngest != before:
            self.young = self._new(before)
        for tid in (*again, *self.young):
            self.look_at(tid, f"/proc/{tid}")

    def _youngest(self) -> int:
        words = (self.root.text("/proc/loadavg") or "").split()
        return (integer(words[-1]) if words else None) or 0

    def _new(self, before: int) -> list[int]:
        if before and before < self.youngest <= before + NEW_MAX:
            return list(range(before + 1, self.youngest + 1))
        return [pid for pid in self._processes() if pid not in self.last]  # they began anew, or were many

    def _processes(self) -> list[int]:
        return [] if self.is_blind else _ids(self.root.names("/proc"))

    # ---- what

    def look_at(self, tid: int, folder: str) -> None:
        """One task; T1, T2."""
        if self.is_blind or (fact := self._fact(tid, folder)) is None:
            return
        before = self.last.get(tid)
        if before is None or replace(before, seen_ns=fact.seen_ns) != fact:
            self.last[tid] = fact
            self.facts.append(fact)

    def _fact(self, tid: int, folder: str) -> TaskFacts | None:
        seen_ns, stat = self.now_ns(), self.root.text(f"{folder}/stat")
        match = STAT.match(stat or "")
        status = self.root.text(f"{folder}/status")
        if stat is None or match is None or status is None:
            return None
        process = _status(status, "Tgid")
        autogroup = (self.root.text(f"/proc/{process}/autogroup") or "") if self.groups.has_autogroups else ""
        rest = stat[match.end() :].split()
        nice, policy = _integer(rest, NICE_AT), _integer(rest, POLICY_AT)
        return TaskFacts(
            tid,
            seen_ns,
            match[1],
            process or 0,
            _within(_status(status, "Uid"), UID_RANGE),
            _within(nice, NICE_RANGE),
            POLICIES.get(0 if policy is None else policy, ""),
            min(max(_integer(rest, PRIORITY_AT) or 0, 0), 99),
            self.slice_ns_of(tid),
            self.groups.of(self.root.text(f"{folder}/cgroup") or "", autogroup),
        )

    def _slice_in_file(self, tid: int) -> int | None:
        match = re.search(
            r"^se\.slice\s*:\s*([0-9]{1,15})$", self.root.text(f"/proc/{tid}/sched") or "", re.MULTILINE
        )
        return int(match[1]) if match else None

    # ---- at the end

    def with_own_slices(
        self, base_slice_ns: int | None, nr_cpus: int
    ) -> tuple[tuple[TaskFacts, ...], int | None]:
        """All facts, each with a slice only if that is the task's own; and the base slice."""
        fair = [fact.slice_ns for fact in self.last.values() if fact.policy in FAIR and fact.slice_ns]
        if base_slice_ns is None and fair:
            base_slice_ns = Counter(fair).most_common(1)[0][0]
        common = {None, *_slices_of_fewer(base_slice_ns or 0, nr_cpus)}
        return (
            tuple(
                replace(fact, slice_ns=None) if fact.policy not in FAIR or fact.slice_ns in common else fact
                for fact in self.facts
            ),
            base_slice_ns,
        )


def _slices_of_fewer(base_slice_ns: int, nr_cpus: int) -> list[int]:
    """The base slice with this many CPUs and with fewer: it grows by the logarithm of their number."""
    factor = min(max(nr_cpus, 1), 8).bit_length()
    return [base_slice_ns * smaller // factor for smaller in range(1, factor + 1)]


def _ids(names: list[str]) -> list[int]:
    return [id_ for id_ in map(integer, names) if id_ is not None and 0 < id_ < 2**31]


def _integer(words: list[str], at: int) -> int | None:
    return integer(words[at]) if at < len(words) else None


def _status(status: str, name: str) -> int | None:
    match = re.search(rf"^{name}:\s*([0-9]{{1,10}})\b", status, re.MULTILINE)
    return int(match[1]) if match else None


def _within(value: int | None, limits: tuple[int, int]) -> int | None:
    return value if value is not None and limits[0] <= value <= limits[1] else None


# ----------------------------------------------------------------------------------------------- sched_getattr

GETATTR = {"x86_64": 315, "aarch64": 275, "riscv64": 275, "loongarch64": 275}
"""Number of the call, by architecture."""
ATTR = struct.Struct("=IIQiIQQQII")


@functools.cache
def _library() -> ctypes.CDLL:
    """What the program is linked with: opening it costs more than a call."""
    return ctypes.CDLL(None)


def slice_of(tid: int) -> int | None:
    """The slice of a task of this machine, ns, as sched_getattr tells it; None if it does not."""
    number = GETATTR.get(platform.machine())
    if number is None or sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    attr = ctypes.create_string_buffer(ATTR.size)
    if _library().syscall(number, tid, attr, ATTR.size, 0) != 0:
        return None
    _, policy, _, _, _, runtime_ns, *_ = ATTR.unpack(attr.raw)
    return runtime_ns if policy in (0, 3) and runtime_ns else None
