"""Other names for tasks, groups and users, the same ones throughout a file: ``cfs record --anonymous``.

What it decides: what a name becomes. Tasks are task1, task2, ... in the order in which they are met, and the
parts of a group's path group1, group2, ...; users are 1, 2, ..., but root stays 0, for it has shares of its
own in some kernels. What is no name stays: the idle tasks, autogroups (a number each), and the ids of tasks.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..recordings.surroundings import Surroundings

__all__ = ["Alias"]

KEPT = re.compile(r"swapper(/\d+)?|<idle>|<\.\.\.>|:\d+|")
AUTOGROUP = re.compile(r"autogroup-\d+")


class Alias:
    """Names given so far."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.parts: dict[str, str] = {}
        self.uids: dict[int, int] = {0: 0}

    def name(self, name: str) -> str:
        """Of a task."""
        if KEPT.fullmatch(name):
            return name
        return self.names.setdefault(name, f"task{len(self.names) + 1}")

    def path(self, path: str) -> str:
        """Of a group."""
        return "/".join(part and self._part(part) for part in path.split("/"))

    def _part(self, part: str) -> str:
        if AUTOGROUP.fullmatch(part):
            return part
        return self.parts.setdefault(part, f"group{len(self.parts) + 1}")

    def uid(self, uid: int | None) -> int | None:
        """Of a user."""
        return None if uid is None else self.uids.setdefault(uid, len(self.uids))

    def surroundings(self, said: Surroundings) -> Surroundings:
        """All of it."""
        return replace(
            said,
            groups=tuple(replace(group, path=self.path(group.path)) for group in said.groups),
            tasks=tuple(
                replace(
                    task,
                    name=self.name(task.name),
                    uid=self.uid(task.uid),
                    group=task.group and self.path(task.group),
                )
                for task in said.tasks
            ),
            users={self.uids.setdefault(uid, len(self.uids)): shares for uid, shares in said.users.items()},
            anonymous=True,
        )
