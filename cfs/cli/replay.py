"""`cfs replay`: a recording as a workload, under a model, beside what was measured."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Annotated

import typer

from ..models.registry import model_named
from ..reports.settings import tunables_text
from ..reports.tables import tables
from ..simulation.simulation import Simulation
from ..units import seconds_text
from . import outputs
from .inputs import Choice, Given, read_input, told_of
from .options import (
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
    ns_of,
    settings_of,
    source_argument,
    until_ns_of,
)
from .talk import adapted_lines, group_lines, grouping_text, say_tables

__all__ = ["replay"]

DEFAULT_MODEL = "linux-2.6.24-cfs"


def replay(
    recording: Annotated[str, source_argument("RECORDING")],
    *,
    model: Annotated[
        str, typer.Option(metavar="ID", help="Model to run under; `cfs models` lists them.")
    ] = DEFAULT_MODEL,
    hz: HzOption = 1000,
    group_by: GroupByOption = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="TUNABLE=VALUE",
            help="Write a tunable (6000000 or 6ms) or a feature bit (on, off). Repeatable.",
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
    until_s: UntilOption = None,
    by_comm: Annotated[bool, typer.Option("--by-comm", help="A line is a command name, not a task.")] = False,
    by_group: Annotated[
        bool, typer.Option("--by-group", help="A line is a user or a control group.")
    ] = False,
    top: TopOption = 12,
    files: outputs.Files,
    from_s: Annotated[
        float | None, typer.Option("--from", metavar="SECONDS", help="Begin of the part that is shown.")
    ] = None,
) -> None:
    """Run a recording under a model, beside what was measured.

    CPU time, switches, waits and run lengths of each task, as the model has them and as recorded. Make a
    recording so:

    \b
        perf sched record -k CLOCK_MONOTONIC -- COMMAND
        perf script --ns -F comm,pid,tid,cpu,time,event,trace | gzip > RECORDING
    """
    chosen, by = model_named(model), "group" if by_group else "comm" if by_comm else "task"
    tunables, told = settings_of(chosen, set_ or []), told_of(group, uid, nice, group_by)
    outputs.check_files(files)
    begin, until_ns = ns_of("--from", from_s), until_ns_of(until_s)
    given = read_input(recording, Choice(cpu, only, without, outside, seed, told))
    check_part(given, begin, until_ns)
    work, way = given.work.for_model(chosen, told.group_by)
    work.ops.setflags(write=False)  # so that the simulation needs no copy
    simulation = Simulation(work, chosen, group_by=way, hz=hz, **tunables)
    result, samples = outputs.simulated(simulation, until_ns, looks=outputs.wants_samples(files))
    del simulation, work  # the runs in it, of which the result has a copy, and the operations
    given = given.without_programs()
    result = changed(result, cpus=given.cpus)  # a CPU without tasks is idle: shares are of all asked for
    recorded = given.recorded and changed(given.recorded, groups=result.groups)
    report = outputs.Replayed.of(result, recorded, given, samples, by, top, begin, until_ns)
    outputs.write_replayed(files, report)
    if outputs.shows_tables(files):
        say_tables(_title(given, told.group_by, report), tables(*report.parts, by=by, top=top))


def check_part(given: Given, begin: int | None, until_ns: int | None) -> None:
    """Raise unless there is something from --from to --until."""
    end = given.work.duration_ns if until_ns is None else until_ns
    if begin is not None and not 0 <= begin < end:
        why = f"{seconds_text(begin)} is not between the first event and the end, {seconds_text(end)}."
        raise typer.BadParameter(why, param_hint="--from")


def _title(given: Given, asked: str | None, report: outputs.Replayed) -> list[str]:
    """What was read, what was made of it, what it ran under, and what part of it is shown."""
    result, (begin, end) = report.result, map(seconds_text, report.span)
    part = [f"shown      {begin} ... {end}"] if report.from_ns else []
    model = f"model      {result.model}, hz {result.hz}, {grouping_text(result)}{tunables_text(result)}"
    adapted = [f"given      {line}" for line in adapted_lines(result, asked)]
    return [*given.title, *adapted, *group_lines(result), model, *part, *given.warnings]
