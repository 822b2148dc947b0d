"""`cfs replay`: a recording as a workload, under a model, beside what was measured."""

from __future__ import annotations

from typing import Annotated

import typer

from ..models.registry import Model, model_named
from ..units import seconds_text
from . import outputs
from .inputs import Choice, Given, measured, read_input
from .options import (
    AssignmentOptions,
    PlatformOptions,
    SetOption,
    Shown,
    check_part,
    complete_id,
    settings_of,
    source_argument,
)
from .talk import adapted_lines, group_lines, grouping_text, progress, say_tables, width_shown

__all__ = ["replay"]

DEFAULT_MODEL = "linux-2.6.24-cfs"


def replay(
    recording: Annotated[str, source_argument("RECORDING")],
    *,
    model: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Model to run under; `cfs models` lists them.", autocompletion=complete_id
        ),
    ] = DEFAULT_MODEL,
    set_: SetOption = None,
    platform: PlatformOptions,
    choice: Choice,
    assignments: AssignmentOptions,
    shown: Shown,
    no_log: Annotated[
        bool,
        typer.Option("--no-log", help="Keep no runs, but sums: no quantiles, and memory does not grow with them."),
    ] = False,
    files: outputs.Files,
) -> None:
    """Run a recording under a model, beside what was measured.

    The tables show CPU time, switches, waits and run lengths of each task, under the model and as recorded.
    To make a recording, with what perf alone does not say, or without it:

    \b
        cfs record --output RECORDING -- COMMAND
        perf sched record -k CLOCK_MONOTONIC -o RECORDING -- COMMAND
    """
    chosen, line = model_named(model), shown.line("task")
    tunables = settings_of(chosen, set_ or [])
    assigned = assignments.assigned()
    begin, until_ns = shown.begin_ns, shown.until_ns
    check_part(begin, until_ns)
    outputs.check_files(files, recording)
    if no_log:
        outputs.check_without_log(files, begin)
    facts = platform.facts(choice.seed)
    given = read_input(recording, choice, assigned).on_platform(facts)
    from ..result import altered
    from ..simulation.simulation import Simulation
    work, way = given.work.for_model(chosen, assigned.group_by)
    check_part(begin, work.duration_ns if until_ns is None else until_ns)
    work.ops.setflags(write=False)  # so that the simulation needs no copy
    settings = given.tunables_of(chosen, tunables)
    with progress("checking the programs"):
        log = True if outputs.wants_wakeups(files) else "runs"
        simulation = Simulation(work, chosen, group_by=way, log=log, **settings)
    samples = passed = None
    if no_log:
        passed = outputs.Passed(files.get("parquet"))
        result = outputs.simulated_without_log(simulation, until_ns, given, passed)
    else:
        result, samples = outputs.simulated(simulation, until_ns, looks=outputs.wants_samples(files))
    del simulation, work  # the operations
    given = given.without_programs()
    result = altered(result, cpus=given.cpus)  # a CPU without tasks is idle: shares are of all asked for
    recorded = measured(given)
    if recorded and not outputs.wants_facts(files):
        given = given.without_events()
        recorded = altered(recorded, wakeups=None, sleeps=None)  # no file shows those of the recording
    recorded = recorded and altered(recorded, groups=result.groups)
    if passed is not None:
        passed.end(recorded)
    shows_tables = outputs.shows_tables(files)
    with progress("counting"):
        report = outputs.Replayed.of(result, recorded, given, samples, line, shown.top, begin, until_ns, passed)
        lines = report.lines if shows_tables else None
    outputs.write_replayed(files, report)
    if shows_tables:
        from ..reports.tables import tables

        found = tables(*report.parts, by=line, top=shown.top, width=width_shown(), lines=lines)
        say_tables(_title(given, assigned.group_by or given.work.said.group_by, chosen, report), found)


def _title(given: Given, asked: str | None, model: Model, report: outputs.Replayed) -> list[str]:
    """What was read, what was made of it, what it ran under, and what part of it is shown."""
    from ..reports.settings import tunables_text
    from ..workload.said import lost_in

    result, (begin, end) = report.result, map(seconds_text, report.span)
    part = [f"shown      {begin} ... {end}"] if report.from_ns else []
    line = f"model      {result.model}, hz {result.hz}, {grouping_text(result)}{tunables_text(result)}"
    platform = [f"platform   {text}" for text in [result.platform and result.platform.text] if text]
    log = ["log        none: waits and run lengths are summed, and have no quantiles"] if result.sums else []
    adapted = [*adapted_lines(result, asked), *lost_in(given.work, model)]
    adapted = [f"given      {text}" for text in adapted]
    return [*given.title, *adapted, *group_lines(result), line, *platform, *part, *log, *given.warnings]
