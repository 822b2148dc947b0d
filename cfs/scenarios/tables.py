"""The tables of a scenario file: [groups], [users] and [[task]], checked as a whole.

What it decides: what a file may say besides programs, and which tasks a program may wake and fork.
docs/reference/scenario.md describes the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import did_you_mean
from ..limits import POLICIES, SHARES_RANGE
from ..workload.assignments import groups_above
from ..workload.ops import CHILD, TASK, TASK_LIMITS
from ..workload.plans import TaskPlan
from .file import File, Path
from .grammar import OPERATIONS_MAX, Block, Step, all_steps, program_of
from .values import (
    RESERVED,
    duration,
    exact_duration,
    integer,
    only,
    required,
    shown,
    table_of,
    text_of,
    word,
)

__all__ = ["Task", "check_owners", "groups_of", "tasks_of"]

TASK_KEYS = ("name", "program", "count", "forked", "start", "nice", "policy", "slice", "uid", "group", "cpu")

NOT_FORKED = {
    "start": "it begins whenever a program forks it",
    "count": "it begins whenever a program forks it",
}
"""What a template cannot say, and why."""


@dataclass(eq=False)
class Task:
    """A [[task]] table."""

    path: Path
    name: str
    count: int
    forked: bool
    start: tuple[int, int]
    facts: dict[str, Any]  # those of nice, policy, slice_ns, uid, group, cpu that are given
    program: list[Step | Block] = field(default_factory=list)


def groups_of(file: File) -> tuple[list[str], dict[str, int], set[str]]:
    """Names of the groups that tasks may be in, the shares of the groups and users that state some, and the
    groups that are idle.
    """
    shares: dict[str, int | None] = {}
    idle = set()
    groups = table_of(file, ("groups",), file.tables.get("groups", {}))
    for name, group in groups.items():
        path = ("groups", name)
        if name.startswith("uid:") or name == "/":
            raise file.wrong(path, f"{name!r} is no name for a group: '/' is the root, 'uid:...' are users")
        word(file, path, name)
        if not all(name.removeprefix("/").split("/")):
            what = "is no path of groups: write 'a/b', without '/' at its end or twice"
            raise file.wrong(path, f"{name!r} {what}")
        shares[name] = _shares(file, path, group, ("shares", "idle"))
        if _is_idle(file, path, group):
            idle.add(name)
    users = table_of(file, ("users",), file.tables.get("users", {}))
    for uid, user in users.items():
        path = ("users", uid)
        high = TASK_LIMITS["uid"][1]
        if not re.fullmatch(r"0|[1-9][0-9]{0,9}", uid) or int(uid) > high:
            raise file.wrong(path, f"the user {uid!r} is no integer from 0 to {high}")
        shares[f"uid:{uid}"] = _shares(file, path, user, ("shares",))
    return ["/", *groups], {name: value for name, value in shares.items() if value is not None}, idle


def _is_idle(file: File, path: Path, group: dict[str, Any]) -> bool:
    idle = group.get("idle", False)
    if type(idle) is not bool:
        raise file.wrong((*path, "idle"), f"idle = {shown(idle)} is neither true nor false")
    if idle and "shares" in group:
        raise file.wrong((*path, "idle"), "an idle group has no shares: its weight is the least there is")
    return idle


def check_owners(file: File, plans: Iterable[TaskPlan], owners: Iterable[str]) -> None:
    """Each group or user that is given something has a task, in it or below it."""
    used = {name for plan in plans for name in (plan.group, *groups_above(plan.group), f"uid:{plan.uid}")}
    for name in owners:
        if name not in used:
            is_user = name.startswith("uid:")
            path: Path = ("users", name[4:]) if is_user else ("groups", name)
            what = f"no task is user {name[4:]}'s" if is_user else f"no task is in the group {name!r}"
            raise file.wrong(path, f"{what}, so what is said of it has no effect")


def _shares(file: File, path: Path, value: Any, keys: tuple[str, ...]) -> int | None:
    table = table_of(file, path, value)
    only(file, path, table, keys, f"in [{'.'.join(map(str, path))}]")
    return integer(file, (*path, "shares"), table["shares"], *SHARES_RANGE) if "shares" in table else None


def tasks_of(file: File, groups: list[str]) -> dict[str, Task]:
    tables = file.tables.get("task", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise file.wrong(("task",), "a task begins with the line [[task]], in double brackets")
    tasks: dict[str, Task] = {}
    for number, table in enumerate(tables):
        task = _task(file, ("task", number), table, groups)
        if task.name in tasks:
            message = f"there is a task {task.name!r} already; for more of them use count"
            raise file.wrong((*task.path, "name"), message)
        tasks[task.name] = task
    if all(task.forked for task in tasks.values()):
        raise file.wrong((), "no task begins: at least one [[task]] without forked = true is needed")
    for task in tasks.values():
        for step in all_steps(task.program):
            _check_target(file, task, step, tasks)
    return tasks


def _task(file: File, path: Path, table: dict, groups: list[str]) -> Task:
    only(file, path, table, TASK_KEYS, "in a [[task]]")
    name = word(file, (*path, "name"), required(file, path, table, "name"))
    forked = table.get("forked", False)
    if type(forked) is not bool:
        raise file.wrong((*path, "forked"), f"forked = {shown(forked)} is neither true nor false")
    for key, why in NOT_FORKED.items():
        if forked and key in table:
            raise file.wrong((*path, key), f"a forked task has no {key}: {why}")
    count = integer(file, (*path, "count"), table.get("count", 1), 1, OPERATIONS_MAX)
    start = duration(file, (*path, "start"), table.get("start", "0 s"))
    program = program_of(file, (*path, "program"), required(file, path, table, "program"))
    return Task(path, name, count, forked, start, _facts(file, path, table, groups), program)


def _facts(file: File, path: Path, table: dict, groups: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key in ("nice", "uid", "cpu"):
        if key in table:
            facts[key] = integer(file, (*path, key), table[key], *TASK_LIMITS[key])
    if "slice" in table:
        facts["slice_ns"] = exact_duration(file, (*path, "slice"), table["slice"], least=1)
    for key, allowed in (("policy", list(POLICIES)), ("group", groups)):
        if key in table:
            facts[key] = text_of(file, (*path, key), table[key])
            if facts[key] not in allowed:
                known = ", ".join(map(repr, allowed))
                slip = did_you_mean(facts[key], allowed)
                what = f"there is no {key} {shown(facts[key])}; there are {known}{slip}"
                raise file.wrong((*path, key), what)
    return facts


def _check_target(file: File, task: Task, step: Step, tasks: dict[str, Task]) -> None:
    if step.operation.argument is CHILD:
        _check_template(file, step, tasks)
    elif step.operation.argument is TASK and step.name in RESERVED:
        if task.forked != (step.name == "parent"):
            why = "is not one of a count" if task.forked else "is forked by nobody"
            message = f"there is no {step.name!r} to {step.operation.name}: {task.name} {why}"
            raise file.wrong(step.path, message)
    elif step.operation.argument is TASK:
        _check_named(file, step, tasks)


def _check_template(file: File, step: Step, tasks: dict[str, Task]) -> None:
    """A `fork` must name a template."""
    if step.name not in tasks or not tasks[step.name].forked:
        known = ", ".join(name for name, other in tasks.items() if other.forked) or "none"
        verb = step.operation.name
        message = f"there is no task {step.name!r} with forked = true to {verb}; there are: {known}"
        raise file.wrong(step.path, message)


def _check_named(file: File, step: Step, tasks: dict[str, Task]) -> None:
    """A `wake` must name a task that can be distinguished from others."""
    other = tasks.get(step.name)
    if other is None or other.forked:
        known = ", ".join([*RESERVED, *(name for name, other in tasks.items() if not other.forked)])
        message = f"there is no task {step.name!r} to {step.operation.name}; there are {known}"
        raise file.wrong(step.path, message)
    if step.number is not None and not 1 <= step.number <= other.count:
        raise file.wrong(step.path, f"there is no {step.name} {step.number}: its count is {other.count}")
