"""All assignments at once: nice values, policies, slices, groups and users, by patterns of names.

What it decides: the order in which they are made. A comparison has assignments for all its columns, and
others for one column. Those for one column are made later, so they win.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..units import clean, time_text
from .assignments import IDLE
from .workload import Workload

__all__ = ["Assigned"]


@dataclass(frozen=True)
class Assigned:
    """What you assign to tasks because a recording cannot say it: owners, nice values, policies, slices.

    Parameters
    ----------
    groups, uids, nice : mapping, optional
        By pattern of names, as `Workload.with_groups`, `with_uids` and `with_nice` take them.
    group_by : {None, "uid", "cgroup"}, optional
        What to be fair among: asked for, or implied.
    policies, slices : mapping, optional
        By pattern of names, as `Workload.with_policy` and `with_slices` take them.
    shares : mapping, optional
        By name of group, as `Workload.with_shares` takes them.
    """

    groups: Mapping[str, str | tuple[str, int | str]] = field(default_factory=dict)
    uids: Mapping[str, int | tuple[int, int]] = field(default_factory=dict)
    nice: Mapping[str, int] = field(default_factory=dict)
    group_by: str | None = None
    policies: Mapping[str, str] = field(default_factory=dict)
    slices: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, int | str] = field(default_factory=dict)

    def work(self, work: Workload) -> Workload:
        """The workload with these assignments made."""
        if self.is_empty:
            return work
        work = work.with_nice(self.nice).with_policy(self.policies).with_slices(self.slices)
        return work.with_uids(self.uids).with_groups(self.groups).with_shares(self.shares)

    @property
    def lines(self) -> list[str]:
        """Lines for the head of the tables. Groups are left out: their own lines show what came of them."""
        said = [f"nice {value} for {clean(pattern)}" for pattern, value in self.nice.items()]
        said += [f"policy {value} for {clean(pattern)}" for pattern, value in self.policies.items()]
        said += [f"slice {time_text(ns).strip()} for {clean(name)}" for name, ns in self.slices.items()]
        idle = [own[0] for own in self.groups.values() if isinstance(own, tuple) and own[1] == IDLE]
        idle += [name for name, own in self.shares.items() if own == IDLE]
        said += [f"group {clean(name)} is idle" for name in dict.fromkeys(idle)]
        return [f"given      {line}" for line in said]

    @property
    def settings(self) -> dict[str, int | str]:
        """The same as settings of a column, as a command line writes them: ``{"nice:rsync*": 19}``."""
        written: dict[str, int | str] = {f"nice:{pattern}": value for pattern, value in self.nice.items()}
        written |= {f"policy:{pattern}": value for pattern, value in self.policies.items()}
        written |= {f"slice:{pattern}": time_text(ns).replace(" ", "") for pattern, ns in self.slices.items()}
        for word, given in (("uid", self.uids), ("group", self.groups)):
            written |= {f"{word}:{pattern}": _owner_text(own) for pattern, own in given.items()}
        return written

    @property
    def has_owners(self) -> bool:
        """Does it put a task into a group, or give it to a user?"""
        return bool(self.groups or self.uids)

    @property
    def is_empty(self) -> bool:
        """Does it assign nothing?"""
        return not any((self.groups, self.uids, self.nice, self.policies, self.slices, self.shares))


def _owner_text(own: Any) -> str:
    return ":".join(map(str, own)) if isinstance(own, tuple) else str(own)
