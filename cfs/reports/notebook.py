"""What a notebook shows of a workload and of a recording: a line of facts, and a table of the first tasks.

What it decides: that it fits a screen, whatever the object is. Of many tasks the first are shown, of a long
program its first operations, of many warnings the first. All names are escaped (V2 of `svg`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..limits import FOREVER_NS, POLICIES
from ..units import count_text, seconds_text, short_time
from ..workload.ops import OPERATIONS, Op
from .html import NOTEBOOK_STYLE
from .svg import words

if TYPE_CHECKING:
    from ..recordings.recording import Recording
    from ..workload.workload import Workload

__all__ = ["recording_html", "workload_html"]

TASKS_SHOWN, STEPS_SHOWN, WARNINGS_SHOWN = 10, 4, 5


def workload_html(work: Workload) -> str:
    """A table of the first tasks and of the first operations of each."""
    rows = [_task_row(work, row) for row in range(min(TASKS_SHOWN, work.nr_tasks))]
    facts = f"{seconds_text(work.duration_ns)}, {count_text(work.nr_tasks, 'task')}, "
    facts += f"{count_text(work.nr_cpus, 'CPU')}, {count_text(len(work.ops), 'operation')}"
    headings = ("Task", "pid", "CPU", "nice", "policy", "group", "begins", "program")
    return _shown("Workload", work.source, facts, _table(headings, rows, work.nr_tasks - len(rows), "task"))


def _task_row(work: Workload, row: int) -> list[str]:
    task = work.tasks[row]
    start_ns, nice = int(task["start_ns"]), str(task["nice"])
    begins = "when forked" if start_ns < 0 else short_time(start_ns)
    policy, group = POLICIES[task["policy"]], work.groups[task["group"]]
    return [
        work.name(row), str(task["pid"]), str(task["cpu"]), nice, policy, group, begins,
        program_text(work, row),
    ]  # fmt: skip


def program_text(work: Workload, row: int) -> str:
    """The first operations of a program."""
    steps = work.program(row)
    text = ", ".join(_step_text(work, *step) for step in steps[:STEPS_SHOWN].tolist())
    more = len(steps) - STEPS_SHOWN
    return f"{text}, and {more} more" if more > 0 else text


def _step_text(work: Workload, arg: int, target: int, kind: int) -> str:
    row = OPERATIONS[kind]
    if row.names_a_task:
        return f"{row.name} {work.name(target)}"
    if row.argument.field != "arg":
        return row.name
    if kind == Op.NICE:
        return f"{row.name} {arg}"
    return f"{row.name} {'forever' if arg >= FOREVER_NS else short_time(arg)}"


def recording_html(read: Recording) -> str:
    """What was read, the tasks that ran most, and the first warnings."""
    busy = read.busy_ns(read.cpus)
    order = np.argsort(-busy, kind="stable")[:TASKS_SHOWN].tolist()
    tasks = {row: read.tasks[row] for row in order}
    rows = [
        [task.comm, str(task.pid), str(task.nice), f"{busy[row] / 1e6:.3f} ms"] for row, task in tasks.items()
    ]
    facts = f"{read.kind}, {seconds_text(read.duration_ns)}, {count_text(len(read.cpus), 'CPU')}, "
    facts += f"{count_text(len(busy), 'task')}, {count_text(read.nr_switches, 'switch', 'es')}"
    table = _table(("Task", "pid", "nice", "CPU time"), rows, len(busy) - len(rows), "task")
    return _shown("Recording", read.name, facts, table + _warnings(read.warnings))


def _warnings(warnings: Sequence[str]) -> str:
    shown = [f"<li>{words(warning)}</li>" for warning in warnings[:WARNINGS_SHOWN]]
    more = len(warnings) - len(shown)
    shown += [f"<li>and {count_text(more, 'more warning')}</li>"] if more else []
    return f"<ul>{''.join(shown)}</ul>" if shown else ""


def _table(headings: Iterable[str], rows: Sequence[Sequence[str]], nr_more: int, noun: str) -> str:
    head = "".join(f"<th>{words(text)}</th>" for text in headings)
    body = "".join(f"<tr>{''.join(f'<td>{words(text)}</td>' for text in row)}</tr>" for row in rows)
    more = f'<tr class="sum"><td>and {count_text(nr_more, f"more {noun}")}</td></tr>' if nr_more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}{more}</tbody></table>"


def _shown(what: str, name: str, facts: str, body: str) -> str:
    return (
        f'<div class="cfs-result"><style>{NOTEBOOK_STYLE}</style>'
        f"<strong>{what}</strong>{f' {words(name)}' if name else ''}: {words(facts)}{body}</div>"
    )
