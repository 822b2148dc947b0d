"""From what a recording says beside its events to its tasks: whose each row is, and what that is for a replay.

What it decides: which row a fact is about. A pid may be used again, so a fact about a pid is about the row
that was forked last before the fact was seen; a row of which nothing was seen (it lived between two looks)
has what its parent has, as fork copies all of it. Of several facts about a row the last one counts: a shell
that moves itself into a group before it runs anything is in that group.

A perf.data may say of each row in which control group it was last. A ``.cfsrec`` around it knows better, as it
asked the kernel: which groups are the scheduler's, and what they weigh. So if it says anything of tasks, it counts.

    Surroundings -> `assigned`: uid, group, policy, slice of every row -> `filled`: a workload, and its `Said`
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..limits import POLICIES
from ..workload.assignments import groups_above
from ..workload.said import Said
from ..workload.workload import Workload
from ._tracker import NUMBERS
from .surroundings import Surroundings, TaskFacts
from .table import EventTable

__all__ = ["filled", "nice_said", "rows_said"]

FORK = NUMBERS["FORK"]
MONOTONIC = ("CLOCK_MONOTONIC", "mono")


@dataclass(slots=True)
class _Row:
    """What is known about a row so far."""

    uid: int | None = None
    nice: int | None = None
    policy: str = ""
    slice_ns: int | None = None
    group: str | None = None

    def learn(self, fact: TaskFacts | _Row) -> None:
        """Take what is said; what is not said stays."""
        for name in _Row.__slots__:
            value = getattr(fact, name)
            if value is not None and value != "":
                setattr(self, name, value)


def _rows(recording: EventTable) -> list[_Row]:
    """What is said of each row of the recording, children after their parents."""
    said = recording.surroundings
    births, of_pid = _births(recording), _rows_by_pid(recording)
    seen: list[_Row | None] = [None] * len(recording.task_table)
    has_times = said.clock in MONOTONIC and recording.clock in MONOTONIC
    for fact in sorted(said.tasks, key=lambda fact: fact.seen_ns):
        for row in _meant(fact, of_pid.get(fact.pid, []), births, has_times):
            known = seen[row] = seen[row] or _Row()
            known.learn(fact)
    return _inherited(recording, seen)


def _inherited(recording: EventTable, seen: list[_Row | None]) -> list[_Row]:
    rows: list[_Row] = []
    said = recording.surroundings
    groups = () if said.tasks else said.groups_of_rows
    for row, parent in enumerate(recording.task_table["parent"].tolist()):
        own = _Row()
        if 0 <= parent < row:
            own.learn(rows[parent])
            own.nice = None  # the recording says it of everybody who was forked in it
        if groups and groups[row] is not None:
            own.group = groups[row] or None  # not the parent's: it had left that one for one without a path
        own.learn(seen[row] or _Row())
        rows.append(own)
    return rows


def _births(recording: EventTable) -> np.ndarray:
    """When each row was forked, CLOCK_MONOTONIC; 0 if it was there before."""
    births = np.zeros(len(recording.task_table), np.int64)
    events = recording.events
    forks = events[(events["kind"] == FORK) & (events["task"] >= 0)]
    births[forks["task"]] = forks["time_ns"] + recording.start_ns
    return births


def _rows_by_pid(recording: EventTable) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row, pid in enumerate(recording.task_table["pid"].tolist()):
        found.setdefault(pid, []).append(row)
    return found


def _meant(fact: TaskFacts, rows: list[int], births: np.ndarray, has_times: bool) -> list[int]:
    """The row of this pid that lived when the fact was seen; all of them if nobody knows."""
    if not has_times:
        return rows
    at = bisect_right(rows, fact.seen_ns, key=lambda row: int(births[row]))
    return rows[at - 1 : at] if at else []


# ------------------------------------------------------------------------------------------------ a workload


def rows_said(recording: EventTable, kept: np.ndarray) -> list[_Row]:
    """What is said of these rows of the recording; empty if nothing is said of any."""
    if not (recording.surroundings.tasks or recording.surroundings.groups_of_rows):
        return []
    every = _rows(recording)
    return [every[row] for row in kept.tolist()]


def nice_said(rows: list[_Row], nice: list[int], prio: np.ndarray) -> list[int]:
    """The nice values of rows, where the recording says no priority those that are said beside it."""
    unknown = np.flatnonzero(prio < 0).tolist() if rows else []
    said = {i: value for i in unknown if (value := rows[i].nice) is not None}
    return [said.get(i, value) for i, value in enumerate(nice)]


def filled(work: Workload, recording: EventTable, rows: list[_Row]) -> Workload:
    """The workload with the users, groups, policies and slices that are said of its rows, and its `Said`."""
    surroundings = recording.surroundings
    said = Said(
        nr_cpus=surroundings.cpus_in_machine or 0,
        tunables=surroundings.model_tunables,
    )
    if not rows:
        return replace(work, said=said)
    work.tasks["uid"] = [row.uid or 0 for row in rows]
    work.tasks["policy"] = [POLICIES.index(row.policy) if row.policy in POLICIES else 0 for row in rows]
    slices = {
        i: row.slice_ns for i, row in enumerate(rows) if row.slice_ns and work.tasks["start_ns"][i] >= 0
    }
    paths = [row.group or "/" for row in rows]
    groups = list(dict.fromkeys(["/", *paths]))
    number = {path: i for i, path in enumerate(groups)}
    work.tasks["group"] = [number[path] for path in paths]
    shares, idle = _weights(surroundings, groups, set(work.tasks["uid"].tolist()))
    said = replace(
        said,
        group_by="uid" if surroundings.users else "cgroup" if len(groups) > 1 else None,
        groups=frozenset(groups[1:]),
        idle_groups=frozenset(idle),
        slices=slices,
        policies=frozenset(POLICIES[number] for number in set(work.tasks["policy"].tolist())),
    )
    return replace(work, groups=groups, shares=shares, slices=slices, idle_groups=idle, said=said)


def _weights(
    surroundings: Surroundings, groups: list[str], uids: set[int]
) -> tuple[dict[str, int], set[str]]:
    """Shares of groups and users that are there, and which groups are idle."""
    there = {name for group in groups for name in (*groups_above(group), group)} - {"/"}
    ours = [group for group in surroundings.groups if group.path in there]
    shares: dict[str, Any] = {g.path: g.shares for g in ours if g.shares is not None and not g.idle}
    shares |= {f"uid:{uid}": value for uid, value in surroundings.users.items() if uid in uids}
    return shares, {group.path for group in ours if group.idle}
