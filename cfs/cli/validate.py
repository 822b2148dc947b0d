"""`cfs validate`: is a model right? What it predicts of a recording, beside what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ..models.registry import model_named
from .inputs import Choice, Given, read_recording
from .options import (
    AssignmentOptions,
    PlatformOptions,
    SetOption,
    complete_id,
    settings_of,
    source_argument,
)
from .paths import STDOUT, require_apart
from .talk import adapted_lines, group_lines, grouping_text, progress, say, say_tables, write_json

if TYPE_CHECKING:
    from ..validate.truth import Truth
    from ..validate.validation import Validation

__all__ = ["validate"]


def validate(
    recording: Annotated[str, source_argument("RECORDING", is_recorded=True)],
    *,
    truth: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What was measured in it, and at how many ticks a second (JSON); default: it is counted here."),
    ] = None,
    bars: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Bars by scenario (TOML), in place of the package's own."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Model to judge; default: that of the kernel that was recorded.",
            autocompletion=complete_id,
        ),
    ] = None,
    set_: SetOption = None,
    platform: PlatformOptions,
    choice: Choice,
    assignments: AssignmentOptions,
    every: Annotated[
        bool, typer.Option("--all", help="Show the figures that have no bar, too.")
    ] = False,
    json_: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write all figures as JSON; - is stdout.")
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw predicted against measured (.png, .svg, .pdf)."),
    ] = None,
) -> None:
    """Set what a model predicts of a recording beside what was measured.

    CPU time, switches, waits and what people wait for. A figure has a bar: how far the prediction may be off.
    Of scenarios that were recorded several times, it is no less than the real kernel differs from itself. A
    quantile of waits is inside, too, if it is among the measured waits of about its rank. The last line counts:
    "24 figures, all are inside their bars, 1 only by rank". Without --truth it is counted in the recording.

    Exit status: 0 all figures are inside their bars, or nothing is judged; 1 some are outside; 2 there is
    nothing that can be compared.
    """
    from ..validate.prediction import model_of, release_of
    from ..validate.text import tables, verdict
    from ..validate.truth import read_truth
    from ..validate.validation import validate as validated

    assigned = assignments.assigned()
    _check_files(json_, plot, [recording, truth, bars])
    known = None if truth is None else read_truth(truth)
    facts = platform.facts(choice.seed)
    read, given = read_recording(recording, _where(choice, known), assigned)
    given = given.on_platform(facts)
    chosen = model_of(release_of(read, known)) if model is None else model_named(model)
    tunables = settings_of(chosen, set_ or [])
    with progress("simulating") as show:
        found = validated(
            read,
            known,
            work=given.work,
            model=chosen,
            group_by=assigned.group_by,
            hz=platform.hz,
            tunables=tunables,
            bars=bars,
            progress=show,
        )
    _write(found, json_, plot)
    if json_ != STDOUT:
        say_tables(_title(given, assigned.group_by, found), tables(found, with_all=every))
        say("")
        say(verdict(found), fg=None if found.is_inside else "red")
    raise typer.Exit(0 if found.is_inside else 1)


def _check_files(json_: str | None, plot: str | None, read: list[str | None]) -> None:
    """Raise, before the work, unless they can be written, and over nothing that is read."""
    given = {"--json": json_, "--plot": plot}
    require_apart(((option, path) for option, path in given.items() if path is not None), read)
    if json_ not in (None, STDOUT):
        from ..reports.files import check_folder

        check_folder(json_)
    if plot is not None:
        from ..reports.drawing import check_path

        check_path(plot)


def _where(choice: Choice, truth: Truth | None) -> Choice:
    """On the CPUs asked for, or those where the truth file says that the workload could run."""
    choice = replace(choice, costs=True)
    if choice.cpu or truth is None:
        return choice
    return replace(choice, cpu=[str(number) for number in truth.cpus])


def _title(given: Given, asked: str | None, found: Validation) -> list[str]:
    """What was read, what was told, what it ran under, and whose bars these are."""
    from ..reports.settings import tunables_text
    from ..workload.said import lost_in

    result = found.result
    model = f"model      {result.model}, hz {result.hz}, {grouping_text(result)}{tunables_text(result)}"
    platform = [f"platform   {text}" for text in [result.platform and result.platform.text] if text]
    lost = lost_in(given.work, model_named(result.model))
    lines = [*found.notes, *adapted_lines(result, asked or result.group_by), *lost]
    adapted = [f"given      {line}" for line in lines]
    bars = f"bars       {found.scenario}"
    return [*given.title, *adapted, *group_lines(result), model, *platform, bars, *given.warnings]


def _write(found: Validation, json_: str | None, plot: str | None) -> None:
    if json_ is not None:
        write_json(found.to_dict(), json_)
    if plot is not None:
        from ..validate.paper import draw

        draw(found, plot)
