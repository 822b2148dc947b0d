"""What a model predicts of a recording: which model, what it is told, and the run.

What it decides: which model stands for the kernel that made a recording (`model_of`), in this one place; and
which facts of a truth file are told to it, because no recording says them: control groups with their shares,
the sessions of autogroup, ticks a second, tunables. What a user tells comes first, then the truth file, then
what the recording says beside its events.

A prediction may take longer than the recording: a workload without a fixed length runs until it ends, or for
twice as long as it was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..models.registry import Model, model_named
from ..recordings.measured import fitted
from ..recordings.population import Population
from ..recordings.recording import RecordedTask, Recording
from ..result import Result, altered
from ..simulation.simulation import Simulation
from ..workload.workload import Workload
from .truth import Truth

__all__ = ["model_of", "news_of", "predicted", "release_of", "told_by", "tunables_of"]

LONGEST = 2
"""A run that has no fixed length ends after this many times the recording's."""
NEW_SESSION = "setsid"
"""The program that begins a session: its name was one of the names of whoever became the leader of one."""

RELEASES = (
    ((6, 18, 44), "linux-6.18.44-eevdf"),
    ((6, 18, 26), "linux-6.18.26-eevdf"),
    ((6, 6), "linux-6.18-eevdf"),
    ((2, 6, 24), "linux-2.6.24-cfs"),
    ((2, 6, 23), "linux-2.6.23-cfs"),
    ((0,), "linux-2.6.22-o1"),
)
"""From which release on which model is the nearest there is."""


def model_of(release: str) -> Model:
    """The model of the kernel of this release; "" is one that nobody told, and taken as new.

    Examples
    --------
    >>> model_of("6.18.44-generic").id, model_of("2.6.24").id, model_of("").id
    ('linux-6.18.44-eevdf', 'linux-2.6.24-cfs', 'linux-6.18.44-eevdf')
    """
    numbers = re.match(r"\d+(?:\.\d+){0,3}", release)
    version = tuple(int(number) for number in numbers[0].split(".")) if numbers else RELEASES[0][0]
    return model_named(next(model for since, model in RELEASES if version >= since))


def release_of(recording: Recording, truth: Truth | None) -> str:
    """The release of the kernel that was recorded, "" if neither the recording nor a truth file says it."""
    return recording.kernel or ("" if truth is None else truth.release)


def told_by(
    truth: Truth, work: Workload, recording: Recording, model: Model
) -> tuple[Workload, str | None, str]:
    """A workload with the control groups that a truth file tells, what to be fair by, and a note of both.

    A model that knows no groups is told none; one that knows them right below the root is told those.
    """
    group = _groups(truth, work, recording)
    if not any(name != "/" for name in group):
        return work, None, ""
    if "cgroup" not in model.group_by:
        return work, None, f"{model.id} knows no groups, and is not told those of the truth file"
    if model.group_levels is not None:
        group = ["/".join(name.split("/")[: 1 + max(1, model.group_levels)]) or "/" for name in group]
    mapping: dict[str, Any] = {}
    for row, name in enumerate(group):
        shares = truth.shares.get(name)
        mapping[f"row{row}"] = name if shares is None or name == "/" else (name, shares)
    one_by_one = work.copy()  # groups are told by names, and two tasks of one name may be in two groups
    one_by_one.names = list(mapping)
    one_by_one.tasks["name"] = np.arange(work.nr_tasks)
    told = one_by_one.with_groups(mapping)
    told.names, told.tasks["name"] = work.names, work.tasks["name"]
    return _with_shares_above(told, truth), "cgroup", f"groups and shares of the truth file {truth.name}"


def tunables_of(truth: Truth, model: Model) -> dict[str, int]:
    """The tunables of a truth file that a model has."""
    known = model.tunables.names()
    return {name: value for name, value in truth.tunables.items() if name in known}


def news_of(tunables: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """Those that are not what the model boots with."""
    booted = model.tunables.at_boot(1).as_dict()
    return {name: value for name, value in tunables.items() if booted[name] != value}


def _with_shares_above(work: Workload, truth: Truth) -> Workload:
    """The shares of groups that have no task of their own."""
    above = {
        name: shares
        for name, shares in truth.shares.items()
        if any(group.startswith(f"{name}/") for group in work.groups) and name not in work.shares
    }
    return work.with_shares(above) if above else work


def _groups(truth: Truth, work: Workload, recording: Recording) -> list[str]:
    """The group of each task: as the truth file says, else that of its parent, else the root."""
    rows = work.origin.rows if isinstance(work.origin, Population) else np.zeros(0, np.int64)
    told = {(task.pid, task.comm): task.group for task in truth.tasks}
    group: list[str] = []
    for task in recording.tasks:
        above = group[task.parent] if 0 <= task.parent < task.row else "/"
        own = told.get((task.pid, task.comm), "/")
        if own == "/":
            own = f"/session-{task.row}" if truth.autogroup and _begins_session(task, truth) else above
        group.append(own)
    return [group[row] for row in rows.tolist()]


def _begins_session(task: RecordedTask, truth: Truth) -> bool:
    """Did it go through setsid, or is it the first task of the workload?"""
    is_first = bool(truth.tasks) and (task.pid, task.comm) == (truth.tasks[0].pid, truth.tasks[0].comm)
    return is_first or NEW_SESSION in task.comms


def predicted(
    work: Workload,
    model: Model,
    recorded: Result,
    *,
    group_by: str | None = None,
    hz: int | None = None,
    tunables: Mapping[str, Any] | None = None,
    is_fixed: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """What a model makes of a workload, as blind as the recording is.

    Parameters
    ----------
    work : Workload
        Made of the recording.
    model : Model
    recorded : Result
        What was measured of the same tasks.
    group_by : {None, "uid", "cgroup"}, optional
    hz : int, optional
    tunables : mapping, optional
    is_fixed : bool, optional
        Does it end with the recording, and not when its tasks have ended?
    progress : callable, optional
        As `Simulation.run` takes it.
    """
    work, way = work.for_model(model, group_by)
    settings = {"hz": hz, **(tunables or {})}  # a model may have hz as a tunable: it counts over the machine's
    simulation = Simulation(work, model, group_by=way, **settings)
    until_ns = int(work.duration_ns) * (1 if is_fixed else LONGEST)
    result = simulation.run(until_ns, progress=progress, last=True)
    result = fitted(result, recorded) if work.origin is None else result
    return altered(result, cpus=list(recorded.cpus), duration_ns=simulation.now_ns)
