"""The command `cfs`: each command is a few lines over the API, in a file of its own.

    cfs record -- COMMAND   the machine while a command runs, in one file
    cfs replay RECORDING    a recording as a workload, under a model, beside what was measured
    cfs compare INPUT       a recording or a scenario under several models, side by side
    cfs validate RECORDING  what a model predicts of a recording, beside what was measured
    cfs conform TRACE...    conformance traces against the models
    cfs models [MODEL]      models and their tunables

What it decides: a command is imported when it is called. `cfs --help` and `cfs --version` import none, so
`COMMANDS` repeats the first sentence of each command's help; a test keeps the two equal.

Exit status: 0 all is well; 1 a trace or a prediction differs; 2 the arguments or a file cannot be used, with one
sentence that says what was wrong, where, and what is allowed. `cfs record` hands on the status of its command.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .._version import __version__
from ..errors import did_you_mean
from .completion import answer_bash, is_bash_asking
from .groups import expanded
from .talk import polite

__all__ = ["COMMANDS", "app", "command_named", "run"]

COMMANDS = {
    "record": "Record the machine while a command runs.",
    "replay": "Run a recording under a model, beside what was measured.",
    "compare": "Run a recording or a scenario under several models, side by side.",
    "validate": "Set what a model predicts of a recording beside what was measured.",
    "conform": "Replay conformance traces, and show what differs first.",
    "models": "List the models and their tunables.",
}
"""Each command and what it does. It is the function of this name in the file of this name."""

LOOK: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,  # plain help: no boxes, no colour codes, wherever it goes
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Commands(TyperGroup):
    """The commands: listed by their names, loaded when one is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Name, command and the arguments that are left."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            known = ", ".join(COMMANDS)
            ctx.fail(f"there is no command {args[0]!r}; there are {known}{did_you_mean(args[0], COMMANDS)}")
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and name and command_named(name), rest


app = typer.Typer(
    name="cfs",
    cls=Commands,
    help="The Linux fair schedulers as a library, bit-exact with the release they name.",
    no_args_is_help=True,
    **LOOK,
)


def command_named(name: str) -> Any:
    """A command, loaded, with the options of its groups."""
    module = import_module(f".{name}", __package__)
    function = expanded(getattr(module, name))
    alone = typer.Typer(add_completion=False, **LOOK)
    alone.command(name, cls=getattr(module, "COMMAND_CLASS", None))(polite(function))
    return typer.main.get_command(alone)


def _listed() -> None:
    """Stands for a command that is not loaded."""


for _name, _summary in COMMANDS.items():
    app.command(_name, help=_summary)(_listed)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cfs {__version__}")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """The Linux fair schedulers as a library, bit-exact with the release they name.

    Replay what a machine did under another scheduler. See which tasks would have got the CPU and which would
    have waited.
    """


def run() -> int:
    """Run the command line with the arguments of the process; 0 if the command does not exit by itself."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no "µ" shows "?"
    if is_bash_asking():
        return answer_bash(lambda: app(prog_name="cfs"))
    app(prog_name="cfs")
    return 0
