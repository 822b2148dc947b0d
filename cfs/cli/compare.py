"""`cfs compare`: a recording or a scenario under several models, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..models.registry import all_models
from ..units import seconds_text
from . import outputs
from .columns import columns_of
from .inputs import Choice, Given, measured, read_input
from .options import (
    AssignmentOptions,
    PlatformOptions,
    Shown,
    complete_model,
    complete_setting,
    source_argument,
)
from .talk import adapted_lines, group_lines, grouping_text, progress, say_tables, width_shown

if TYPE_CHECKING:
    from ..reports.comparison import Comparison

__all__ = ["compare"]

SHOWN = Shown(top=8)
"""Unless something else is asked for: a table of several columns has fewer lines than one of two."""


def compare(
    source: Annotated[str, source_argument("INPUT")],
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID[:ITEM,...]",
            help="Add a column: a model, and what differs in it from the others: TUNABLE=VALUE, hz=N, preempt=full, "
            "nice:PATTERN=N, group:PATTERN=NAME, ... Repeatable; default: a model of every release.",
            autocompletion=complete_model,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="[ID:]TUNABLE=VALUE",
            help="Write a tunable in the models that have it, or in one of them. Repeatable.",
            autocompletion=complete_setting,
        ),
    ] = None,
    platform: PlatformOptions,
    choice: Choice,
    assignments: AssignmentOptions,
    shown: Shown = SHOWN,
    files: outputs.Files,
) -> None:
    """Run a recording or a scenario under several models, side by side.

    The tables have a column for each model: shares, switches, waits and throughput of each command name,
    and how unevenly tasks are served over time. Beside each number is its difference from the first column.
    A model can be compared with itself:

    \b
        cfs compare INPUT --model linux-2.6.24-cfs --model linux-2.6.24-cfs:START_DEBIT=off
        cfs compare INPUT --model rfs-model --model 'rfs-model:nice:rsync*=19,hz=250'

    Where a file holds one column of several (--perfetto, --ftrace, --plot-trends), FILE.END becomes
    FILE.1.END, FILE.2.END, ...
    """
    line = shown.line("comm")
    assigned = assignments.assigned()
    begin, end = shown.begin_ns, shown.until_ns
    outputs.check_files(files, source)
    every = [name for name, it in all_models().items() if not it.later_than]
    specs = columns_of(model or every, set_ or [])
    facts = platform.facts(choice.seed)
    given = read_input(source, choice, assigned).on_platform(facts)
    recorded = measured(given)
    outputs.check_columns(files, len(specs) + (recorded is not None), source)
    from ..reports import comparison

    with progress("simulating") as show:
        found = comparison.compare(
            given.work,
            specs,
            recorded=recorded,
            group_by=assigned.group_by,
            by=line,
            top=shown.top,
            from_ns=begin,
            until_ns=end,
            cpus=given.cpus,
            progress=show,
        )
    outputs.write_compared(files, outputs.Compared(found, given.work, given.read, given.cpus, end))
    if outputs.shows_tables(files):
        with progress("counting"):
            tables = found.tables(width=width_shown())
        say_tables([*given.title, *_column_titles(found, given), *given.warnings], tables)


def _column_titles(found: Comparison, given: Given) -> list[str]:
    """The part that is compared, who is in which group, and what each column ran under."""
    from ..reports.settings import settings_text, tunables_text
    from ..workload.said import lost_in

    begin, end = map(seconds_text, found.span)
    grouped = [column.result for column in found.columns if column.result.group_by]
    lines = [line for result in grouped[:1] for line in group_lines(result)]
    lines.append(f"compared   {begin} ... {end}, hz {given.work.platform.hz}")
    lines += [f"platform   {text}" for text in [given.work.platform.text] if text]
    for column in found.columns:
        if column.is_recorded:
            continue
        shown = set(column.result.tunables) - {"hz"}  # by `tunables_text`: ticks a second are no change to it
        own = {name: value for name, value in column.settings.items() if name not in shown}
        changed = "".join(f"{text}, " for text in settings_text(own))
        settings = f"{changed}{grouping_text(column.result)}{tunables_text(column.result)}"
        lines.append(f"model      {column.model}: {settings}")
        adapted = adapted_lines(column.result, column.asked)
        adapted += lost_in(given.work, all_models()[column.model]) if column.model in all_models() else []
        lines += [f"           {line}" for line in adapted]
    return lines
