"""Workloads that are still being written: one `TaskPlan` for each task, and the draws of its lengths.

Lengths are drawn from a stream with a seed and a name, so one task's lengths do not depend on the other
tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import WorkloadError
from ..limits import FOREVER_NS
from .ops import OP_DTYPE, TASK_DTYPE, TASK_LIMITS, checked, policy_number
from .workload import Workload

__all__ = ["Draws", "TaskPlan", "of_plans"]


@dataclass(eq=False)
class TaskPlan:
    """A task of a workload that is still being written; `of_plans` makes the workload.

    Parameters
    ----------
    name : str
    start_ns : int, optional
        -1: made by the FORK that names its row.
    uid, cpu, nice : int, optional
    group : str, optional
    policy : {"normal", "batch", "idle"}, optional
    slice_ns : int, optional
        A slice of its own; 0: the model's, or of a forked task its parent's.
    ops : list of tuple, optional
        The program: ``(arg, target, kind)`` for each operation, as in `OP_DTYPE`. Targets of WAKE and FORK
        are places in the list of plans, those of LOOP places in `ops`.
    """

    name: str
    start_ns: int = 0
    uid: int = 0
    group: str = "/"
    cpu: int = 0
    nice: int = 0
    policy: str = "normal"
    slice_ns: int = 0
    ops: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, kind: int, arg: int = 0, target: int = 0) -> None:
        """Append an operation."""
        self.ops.append((arg, target, kind))


class Draws:
    """Whole numbers, drawn uniformly from a named stream: the same on every platform, Python and numpy.

    Parameters
    ----------
    seed : int
        0 ... 2**64 - 1.
    stream : str
        Equal seeds and different names give independent numbers.

    Notes
    -----
    The raw words of ``PCG64(SeedSequence([seed, *stream]))``, which numpy guarantees to stay as they are,
    scaled to the range in integers: ``low + (word * nr >> 64)``, which favours no number by more than nr in
    2**64.
    Rejected: ``Generator.integers``, which numpy may change (its NEP 19).

    Examples
    --------
    >>> draw = Draws(7, "cc1")
    >>> 10 <= draw(10, 20) <= 20
    True
    >>> [Draws(7, "cc1")(0, 10**9) == Draws(7, name)(0, 10**9) for name in ("cc1", "as")]
    [True, False]
    """

    def __init__(self, seed: int, stream: str):
        checked("seed", seed, 0, 2**64 - 1)
        self._bits = np.random.PCG64(np.random.SeedSequence([int(seed), *stream.encode()]))

    def __call__(self, low: int, high: int) -> int:
        """A number of `low` ... `high`, both included."""
        return low + (int(self._bits.random_raw()) * (high - low + 1) >> 64)


def of_plans(
    plans: Sequence[TaskPlan],
    *,
    shares: Mapping[str, int] | None = None,
    duration_ns: int = 0,
    source: str = "",
    idle_groups: Iterable[str] = (),
) -> Workload:
    """A workload of these tasks, a row each.

    Parameters
    ----------
    plans : sequence of TaskPlan
    shares, duration_ns, source, idle_groups
        As for `Workload`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number of a task is out of its range, or there is no such policy.
    """
    names = {name: i for i, name in enumerate(dict.fromkeys(plan.name for plan in plans))}
    groups = {name: i for i, name in enumerate(dict.fromkeys(["/", *(plan.group for plan in plans)]))}
    tasks = np.zeros(len(plans), TASK_DTYPE)
    first = 0
    for row, plan in enumerate(plans):
        _check_plan(plan)
        tasks[row] = (
            first,
            plan.start_ns,
            len(plan.ops),
            row + 1,
            names[plan.name],
            plan.uid,
            groups[plan.group],
            plan.cpu,
            plan.nice,
            policy_number(plan.policy, f"task {plan.name!r}: policy"),
        )
        first += len(plan.ops)
    ops = np.array([op for plan in plans for op in plan.ops], OP_DTYPE)
    duration_ns = checked("duration_ns", duration_ns, 0, FOREVER_NS)
    slices = {row: p.slice_ns for row, p in enumerate(plans) if p.slice_ns}
    facts = (dict(shares or {}), duration_ns, source, slices, set(idle_groups))
    return Workload(tasks, ops, list(names), list(groups), *facts)


def _check_plan(plan: TaskPlan) -> None:
    for what, (low, high) in TASK_LIMITS.items():
        checked(f"task {plan.name!r}: {what}", getattr(plan, what), low, high)
