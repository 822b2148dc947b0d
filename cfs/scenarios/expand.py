"""From the tables of a scenario to tasks: `count`, `repeat` and `fork` written out, lengths drawn.

Rows of the workload: first the tasks that begin by themselves, in the order of the file. Then come the forked
ones, in the order in which the programs of earlier rows name them. So every `fork` has its own row, as a
Workload requires, and an endless loop cannot contain one.

Each [[task]] draws its lengths from its own stream, named after it (`workload.Draws`). So a task keeps its
lengths when others are added, removed or changed, and two variants of a scenario differ only in what was
varied.
"""

from __future__ import annotations

from typing import Any

from ..workload.ops import CHILD, NICE, PLACE, TASK
from ..workload.plans import Draws, TaskPlan
from .file import File, Path
from .grammar import OPERATIONS_MAX, Block, Step
from .tables import Task

__all__ = ["Expansion"]


class Expansion:
    """The plans of all tasks: `count`, `repeat` and `fork` written out, lengths drawn."""

    def __init__(self, file: File, tasks: dict[str, Task], seed: int):
        self.plans: list[TaskPlan] = []
        self._file = file
        self._tasks = tasks
        self._draws = {name: Draws(seed, name) for name in tasks}
        self._task_of: list[Task] = []  # of each row, as the following two
        self._parent_of: list[int] = []  # -1: none
        self._nice_of: list[int] = []  # as far as its program has been written out
        self._first_row: dict[str, int] = {}
        self._nr_left = OPERATIONS_MAX
        for task in tasks.values():
            self._first_row[task.name] = len(self.plans)
            for _ in range(0 if task.forked else task.count):
                self._add_row(task, task.path, -1, self._draw(task.name, *task.start), {})
        for row, _ in enumerate(self.plans):  # grows while it is walked through
            self._write(row, self._task_of[row].program)

    def _add_row(self, task: Task, path: Path, parent: int, start_ns: int, inherited: dict[str, Any]) -> int:
        self._spend(path)
        plan = TaskPlan(task.name, start_ns, **inherited | task.facts)
        self.plans.append(plan)
        self._task_of.append(task)
        self._parent_of.append(parent)
        self._nice_of.append(plan.nice)
        return len(self.plans) - 1

    def _draw(self, stream: str, low: int, high: int) -> int:
        return low if low == high else self._draws[stream](low, high)

    def _spend(self, path: Path) -> None:
        self._nr_left -= 1
        if self._nr_left < 0:
            message = f"count, repeat and fork add up to more than {OPERATIONS_MAX} operations and tasks here"
            raise self._file.wrong(path, message)

    def _write(self, row: int, steps: list[Step | Block]) -> None:
        begin = len(self.plans[row].ops)
        for step in steps:
            if isinstance(step, Step):
                self._write_step(row, step, begin)
                continue
            for _ in range(step.times):
                self._write(row, step.steps)

    def _write_step(self, row: int, step: Step, begin: int) -> None:
        argument = step.operation.argument
        if argument is TASK:
            for target in self._named_by(row, step):
                self._spend(step.path)
                self._add(row, step, target=target)
            return
        self._spend(step.path)
        if argument is CHILD:
            self._add(row, step, target=self._fork(row, step))
        elif argument is PLACE:
            self._add(row, step, target=begin)
        else:
            arg = self._draw(self.plans[row].name, step.low, step.high)
            self._nice_of[row] = arg if argument is NICE else self._nice_of[row]
            self._add(row, step, arg)

    def _add(self, row: int, step: Step, arg: int = 0, target: int = 0) -> None:
        self.plans[row].add(step.operation.kind, arg, target)

    def _named_by(self, row: int, step: Step) -> range:
        task = self._task_of[row]
        if step.name == "parent":
            return range(self._parent_of[row], self._parent_of[row] + 1)
        if step.name == "next":
            first = self._first_row[task.name]
            after = first + (row - first + 1) % task.count
            return range(after, after + 1)
        first = self._first_row[step.name]
        if step.number is not None:
            return range(first + step.number - 1, first + step.number)
        return range(first, first + self._tasks[step.name].count)

    def _fork(self, parent: int, step: Step) -> int:
        """Row of a new task; it inherits what its template leaves out from the parent, as it is at this
        moment."""
        task = self._tasks[step.name]
        self._check_ancestors(parent, task, step.path)
        plan = self.plans[parent]
        inherited = {key: getattr(plan, key) for key in ("uid", "group", "cpu", "policy")}
        return self._add_row(task, step.path, parent, -1, inherited | {"nice": self._nice_of[parent]})

    def _check_ancestors(self, row: int, task: Task, path: Path) -> None:
        names = [task.name]
        while row >= 0:
            names.append(self._task_of[row].name)
            if self._task_of[row] is task:
                chain = " > ".join(reversed(names))
                raise self._file.wrong(path, f"{task.name} forks itself: {chain}, and so on without end")
            row = self._parent_of[row]
