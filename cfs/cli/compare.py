"""`cfs compare`: a recording or a scenario under several models, side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from ..models.registry import all_models
from ..reports import comparison
from ..reports.settings import tunables_text
from ..units import seconds_text
from . import outputs
from .inputs import Choice, read_input, told_of
from .options import (
    By,
    CpuOption,
    GroupByOption,
    GroupOption,
    HzOption,
    NiceOption,
    OnlyOption,
    OutsideOption,
    SeedOption,
    TopOption,
    UidOption,
    UntilOption,
    WithoutOption,
    columns_of,
    ns_of,
    source_argument,
    until_ns_of,
)
from .talk import adapted_lines, group_lines, grouping_text, progress, say_tables

__all__ = ["compare"]


def compare(
    source: Annotated[str, source_argument("INPUT")],
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID[:TUNABLE=VALUE,...]",
            help="A column: a model, with tunables of its own if need be. Repeatable; default: every model.",
        ),
    ] = None,
    hz: HzOption = 1000,
    group_by: GroupByOption = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="[ID:]TUNABLE=VALUE",
            help="Write a tunable in the models that have it, or in one of them. Repeatable.",
        ),
    ] = None,
    cpu: CpuOption = None,
    only: OnlyOption = None,
    without: WithoutOption = None,
    outside: OutsideOption = None,
    group: GroupOption = None,
    uid: UidOption = None,
    nice: NiceOption = None,
    seed: SeedOption = None,
    from_s: Annotated[
        float, typer.Option("--from", metavar="SECONDS", help="Begin of the part that is compared.")
    ] = 0.0,
    until_s: UntilOption = None,
    by: Annotated[By, typer.Option(metavar="comm|task|group", help="What a line is.")] = By.comm,
    top: TopOption = 8,
    files: outputs.Files,
) -> None:
    """Run a recording or a scenario under several models, side by side.

    Shares, switches, waits and throughput of each command name, and how unequal tasks are served over time, a
    column a model. A model can be compared with itself:

    \b
        cfs compare INPUT --model linux-2.6.24-cfs --model linux-2.6.24-cfs:START_DEBIT=off

    Where a file holds one column (--perfetto, --ftrace, --plot-trends), FILE.END becomes FILE.1.END,
    FILE.2.END, ...
    """
    specs = columns_of(model or list(all_models()), set_ or [])
    begin, end = ns_of("--from", from_s) or 0, until_ns_of(until_s)
    outputs.check_files(files)
    told = told_of(group, uid, nice, group_by)
    given = read_input(source, Choice(cpu, only, without, outside, seed, told))
    outputs.check_columns(files, len(specs) + (given.recorded is not None))
    with progress("simulating") as advance:
        found = comparison.compare(
            given.work,
            specs,
            recorded=given.recorded,
            group_by=told.group_by,
            hz=hz,
            by=by.value,
            top=top,
            from_ns=begin,
            until_ns=end,
            cpus=given.cpus,
            progress=advance,
        )
    outputs.write_compared(files, outputs.Compared(found, given.work, given.read, given.cpus, end))
    if outputs.shows_tables(files):
        say_tables([*given.title, *_column_titles(found), *given.warnings], found.tables())


def _column_titles(found: comparison.Comparison) -> list[str]:
    """The part that is compared, who is in which group, and what each column ran under."""
    begin, end = map(seconds_text, found.span)
    grouped = [column.result for column in found.columns if column.result.group_by]
    lines = [line for result in grouped[:1] for line in group_lines(result)]
    lines.append(f"compared   {begin} ... {end}, hz {found.columns[0].result.hz}")
    for column in found.columns:
        if not column.is_recorded:
            settings = f"{grouping_text(column.result)}{tunables_text(column.result)}"
            lines.append(f"model      {column.model}: {settings}")
            lines += [f"           {line}" for line in adapted_lines(column.result, found.group_by)]
    return lines
