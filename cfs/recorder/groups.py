"""Control groups and autogroups: which one a task is in, and what each one may have.

What it decides: which hierarchy counts. There may be both, as systemd mounts them (hybrid): the one that has
the controller "cpu" is meant. In cgroup v2 a group without that controller is no group of the scheduler: its
tasks are in the next one above that has it. A task that is in the root group may be in an autogroup, one a
session.

G1  The path of a group is that from the root of its hierarchy, as the kernel prints it.
G2  Shares have 1024 for the default in both versions: weight 100 of v2 is 1024 shares.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..arithmetic import load_from_nice
from ..limits import NICE_RANGE, SHARES_RANGE
from ..recordings.surroundings import GroupFacts
from .files import Root, integer

__all__ = ["Groups"]

MOUNTS = "/proc/mounts"
AUTOGROUPS = "/proc/sys/kernel/sched_autogroup_enabled"


class Groups:
    """The groups that tasks were seen in.

    Parameters
    ----------
    root : Root

    Attributes
    ----------
    kind : str
        ``"cgroup v1"``, ``"cgroup v2"``, or "" if the scheduler has no control groups.
    found : dict of str to GroupFacts
        By path, as they were when they were last looked at.
    """

    def __init__(self, root: Root) -> None:
        self.root = root
        self.kind, self.folder = _hierarchy(root)
        self.found: dict[str, GroupFacts] = {}
        self.has_autogroups = root.number(AUTOGROUPS) == 1
        if not self.kind:
            root.say(f"control groups: no hierarchy with the controller cpu in {MOUNTS}")

    def of(self, memberships: str, autogroup: str) -> str:
        """The path of a task's group.

        Parameters
        ----------
        memberships, autogroup : str
            What its files ``cgroup`` and ``autogroup`` in /proc say; "" if they are not there.
        """
        path = self._effective(_path_in(memberships, self.kind)) if self.kind else "/"
        if path != "/":
            self._see(path)
        elif self.has_autogroups and (
            match := re.match(r"(/autogroup-[0-9]{1,19}) nice (-?[0-9]{1,2})$", autogroup)
        ):
            path = match[1]
            self.found[path] = GroupFacts(path, "autogroup", _weight_of(int(match[2])))
        return path

    def look_again(self) -> None:
        """Groups that still exist are as they are now."""
        for path in list(self.found):
            if self.found[path].kind != "autogroup" and self.root.has(self.folder + path):
                self.found[path] = self._facts(path)

    def _effective(self, path: str) -> str:
        if path.startswith("/.."):
            self.root.say(
                "control groups outside of the namespace of this process: their tasks are in no group"
            )
            return "/"
        while (
            self.kind == "cgroup v2" and path != "/" and not self.root.has(f"{self.folder}{path}/cpu.weight")
        ):
            path = path.rpartition("/")[0] or "/"
        return path

    def _see(self, path: str) -> None:
        """Look at a group and those above it, if nobody has yet."""
        while path and path not in self.found:
            self.found[path] = self._facts(path)
            path = path.rpartition("/")[0]

    def _facts(self, path: str) -> GroupFacts:
        folder = self.folder + path
        made = {"cgroup v1": self._facts_v1, "cgroup v2": self._facts_v2}[self.kind]
        return made(path, lambda name: self.root.text(f"{folder}/{name}") or "")

    def _facts_v1(self, path: str, read: Callable[[str], str]) -> GroupFacts:
        shares = integer(read("cpu.shares"))
        if shares is None:
            self.root.say("cpu.shares of some groups could not be read")
        return GroupFacts(
            path,
            "cgroup v1",
            _allowed(shares),
            integer(read("cpu.idle")) == 1,
            _ns_of(integer(read("cpu.cfs_quota_us"))),
            _ns_of(integer(read("cpu.cfs_period_us"))),
            _ns_of(integer(read("cpu.cfs_burst_us")), least=0),
        )

    def _facts_v2(self, path: str, read: Callable[[str], str]) -> GroupFacts:
        weight = integer(read("cpu.weight"))
        if weight is None:
            self.root.say("cpu.weight of some groups could not be read")
        quota, _, period = read("cpu.max").strip().partition(" ")
        return GroupFacts(
            path,
            "cgroup v2",
            None if weight is None else _allowed((weight * 1024 + 50) // 100),
            integer(read("cpu.idle")) == 1,
            _ns_of(integer(quota)),
            _ns_of(integer(period)),
            _ns_of(integer(read("cpu.max.burst")), least=0),
        )


def _hierarchy(root: Root) -> tuple[str, str]:
    """The kind and the folder of the hierarchy that has the controller cpu."""
    unified = ""
    for line in (root.text(MOUNTS) or "").splitlines():
        words = line.split(" ")
        if len(words) < 4:
            continue
        folder = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), words[1]).rstrip("/")
        if words[2] == "cgroup" and "cpu" in words[3].split(","):
            return "cgroup v1", folder
        if words[2] == "cgroup2":
            unified = folder
    if unified and "cpu" in (root.text(f"{unified}/cgroup.controllers") or "").split():
        return "cgroup v2", unified
    return "", ""


def _path_in(memberships: str, kind: str) -> str:
    """The path in the hierarchy that counts: of ``4:cpu,cpuacct:/a``, ``0::/a``, or in 2.6.24 ``cpu:/a``."""
    for line in memberships.splitlines():
        match = re.match(r"(?:(\d+):)?([^:/]*):(/.*)", line)
        if match is None:
            continue
        is_meant = match[1] == "0" and not match[2] if kind == "cgroup v2" else "cpu" in match[2].split(",")
        if is_meant:
            return match[3].removesuffix(" (deleted)") or "/"
    return "/"


def _ns_of(us: int | None, least: int = 1) -> int | None:
    """Of -1, or "max", it is None: no limit."""
    return None if us is None or not least <= us < 2**52 else us * 1000


def _allowed(shares: int | None) -> int | None:
    return None if shares is None else min(max(shares, SHARES_RANGE[0]), SHARES_RANGE[1])


def _weight_of(nice: int) -> int:
    """An autogroup has the weight of a task of its nice value."""
    nice = min(max(nice, NICE_RANGE[0]), NICE_RANGE[1])
    return int(load_from_nice(nice).weight)
