"""`cfs record`: the machine while a command runs, with what perf alone does not say, in one file.

What it decides: how options of perf and the command are told apart. `--` is in front of the command; what
stands before it and is no option of ours is perf's. The exit status is that of the command, so that a script
may put `cfs record --` in front of anything; 2 if nothing could be recorded.

Everything that is said goes to standard error: standard output is the command's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ..units import clean, count_text
from .talk import say

if TYPE_CHECKING:
    from ..recordings.surroundings import Surroundings

__all__ = ["record"]


class Recording(TyperCommand):
    """A command line with another one behind `--`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Ours, then perf's, which are left over; the command is kept in `ctx.obj`."""
        at = args.index("--") if "--" in args else len(args)
        ctx.ignore_unknown_options = ctx.allow_extra_args = True
        ctx.obj = args[at + 1 :]
        rest: list[str] = super().parse_args(ctx, args[:at])
        return rest


COMMAND_CLASS = Recording
"""What `app` makes the command of."""


def record(
    ctx: typer.Context,
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="FILE|DIR",
            help="Where to; in a directory, recording.cfsrec or the next free name.",
        ),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Replace the names of tasks and groups, and user ids.")
    ] = False,
) -> None:
    """Record the machine while a command runs.

    \b
        cfs record -- make -j4
        cfs record --output build.cfsrec -m 16384 -- make -j4

    One file: what perf sched record (or, without perf, the kernel's tracer) records, and beside it groups with
    weights and quotas, users, nice values, policies, slices, ticks a second, preemption, tunables and CPUs, as
    far as they can be read. Other options before -- are perf's. Needs root, or kernel.perf_event_paranoid=-1.
    The exit status is the command's. Ctrl-C ends the command, and what was recorded is kept.
    """
    from ..recorder.record import record as record_machine

    if not ctx.obj:
        raise typer.BadParameter("write -- and the command: cfs record -- make -j4", param_hint="COMMAND")
    done = record_machine(ctx.obj, output, options=ctx.args, anonymous=anonymous)
    say(f"recorded   {clean(done.path)}, with {done.tool}", err=True)
    for line in _said(done.said):
        say(line, err=True)
    raise typer.Exit(done.status)


def _said(said: Surroundings) -> list[str]:
    """What is known beside the events, and the list of what could not be read."""
    lines = [f"said       {said.line}"]
    if said.not_read:
        lines.append(
            f"not read   {count_text(len(said.not_read), 'fact')}, which a replay then takes as unknown:"
        )
        lines += [f"           {clean(sentence)}" for sentence in said.not_read]
    return lines
