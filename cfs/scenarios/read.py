"""Scenario files: workloads that nobody recorded, described in a page of TOML.

    file      bytes -> text -> tomllib's tables, and the line of each key and value
    values    integers, names and durations
    grammar   a program becomes a tree of `Step` and `Block`
    tables    each [[task]] becomes a `Task`
    expand    `count`, `repeat` and `fork` are written out, lengths are drawn: one `TaskPlan` a task

Every mistake is one error that names its line. docs/reference/scenario.md describes the format.

Rejected: JSON or YAML (no comments; surprises).
"""

from __future__ import annotations

import os
from typing import BinaryIO

from ..workload.plans import of_plans
from ..workload.workload import Workload
from .expand import Expansion
from .file import File
from .tables import check_owners, groups_of, tasks_of
from .values import exact_duration, integer, only, required

__all__ = ["read_scenario"]

TOP_KEYS = ("duration", "seed", "groups", "users", "task")


def read_scenario(path: str | os.PathLike | BinaryIO, *, seed: int | None = None) -> Workload:
    """The workload that a scenario file describes.

    Parameters
    ----------
    path : str, os.PathLike or binary file object
        A TOML file (docs/reference/scenario.md); ``"-"`` is standard input.
    seed : int, optional
        Seed of the lengths that are drawn, 0 ... 2**64 - 1. Default: that of the file, else 0.

    Returns
    -------
    Workload
        Its `source` is the name of the file. Same file and seed, same workload, on every platform.

    Raises
    ------
    WorkloadError
        The file cannot be read, is not TOML, or describes nothing that can run. The message is ``FILE, line
        N:``, then what is wrong and what is allowed.

    Notes
    -----
    Cost O(operations), some µs each. `Workload.run` runs it, also for another time or under a variant.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "hogs.toml")
    ...     _ = path.write_text('''
    ...         duration = "1 s"
    ...         [[task]]
    ...         name = "hog"
    ...         count = 3
    ...         program = ["run forever"]
    ...     ''')
    ...     work = read_scenario(path)
    >>> work.nr_tasks, work.names, work.run().busy_ns
    (3, ['hog'], 1000000000)
    """
    file = File.read(path)
    only(file, (), file.tables, TOP_KEYS, "in a scenario")
    duration_ns = exact_duration(file, ("duration",), required(file, (), file.tables, "duration"), least=1)
    file_seed = integer(file, ("seed",), file.tables.get("seed", 0), 0, 2**64 - 1)
    groups, shares, idle = groups_of(file)
    tasks = tasks_of(file, groups)
    plans = Expansion(file, tasks, file_seed if seed is None else seed).plans
    check_owners(file, plans, [*shares, *sorted(idle)])
    source = os.path.basename(file.name)
    return of_plans(plans, shares=shares, duration_ns=duration_ns, source=source, idle_groups=idle)
