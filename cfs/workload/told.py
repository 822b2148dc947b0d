"""All that can be told about tasks at once: nice values, policies, slices, groups, users, by patterns of names.

What it decides: in which order it is applied. A command line tells it for all schedulers of a comparison, and
once more for one of them; what is told for one is applied later, so it counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..units import clean, time_text
from .assignments import IDLE
from .workload import Workload

__all__ = ["Told"]


@dataclass(frozen=True)
class Told:
    """What a recording cannot say: whose the tasks are, and what they were told to be.

    Parameters
    ----------
    groups, uids, nice : mapping, optional
        By pattern of names, as `Workload.with_groups`, `with_uids` and `with_nice` take them.
    group_by : {None, "uid", "cgroup"}, optional
        Among whom to be fair: asked for, or implied.
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
        """The workload as told."""
        if self.is_empty:
            return work
        work = work.with_nice(self.nice).with_policy(self.policies).with_slices(self.slices)
        return work.with_uids(self.uids).with_groups(self.groups).with_shares(self.shares)

    @property
    def lines(self) -> list[str]:
        """What the head of the tables says about it; groups it shows as they came out."""
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
    def says_whose(self) -> bool:
        """Is anybody in a group or a user's because of it?"""
        return bool(self.groups or self.uids)

    @property
    def is_empty(self) -> bool:
        """Is nothing told about any task?"""
        told = (self.groups, self.uids, self.nice, self.policies, self.slices, self.shares)
        return not any(told)


def _owner_text(own: Any) -> str:
    return ":".join(map(str, own)) if isinstance(own, tuple) else str(own)
