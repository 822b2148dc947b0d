"""What the command line says, and where.

What it decides: results go to standard output, everything else (progress, warnings, errors) to standard
error. Whatever is a `CfsError` or an `OSError` becomes one sentence and exit status 2. Progress bars show on
a terminal only, and only for work that takes a moment; in pipes the output is plain text without colour.
"""

from __future__ import annotations

import functools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from ..errors import CfsError
from ..units import clean, count_text

if TYPE_CHECKING:
    from ..reports.tables import Table
    from ..result import Result

__all__ = ["adapted_lines", "group_lines", "grouping_text", "heading", "polite", "progress", "say_tables"]

MOMENT_S = 0.3
"""Work that takes no longer shows no progress bar."""


# ----------------------------------------------------------------------------------------------------- errors


def polite(command: Callable[..., None]) -> Callable[..., None]:
    """An error of cfs or of the system becomes one sentence and exit status 2."""

    @functools.wraps(command)
    def polite_command(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except BrokenPipeError:
            raise  # the reader has seen enough: typer ends quietly
        except (CfsError, OSError) as error:
            typer.secho(f"cfs: {_sentence(error)}", fg="red", err=True)
            raise typer.Exit(2) from None

    return polite_command


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and not isinstance(error, CfsError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return clean(f"{where}{error.strerror}")
    return clean(str(error))


# --------------------------------------------------------------------------------------------------- progress


def _ignore(done: int, total: int | None = None) -> None:
    pass


@contextmanager
def progress(what: str, *, wanted: bool = True) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error, if that is a terminal and the work takes longer than a moment.

    Yields
    ------
    callable
        To be called with (done, total), total None if it is not known.
    """
    if not (wanted and sys.stderr.isatty()):
        yield _ignore
        return
    bar = _bar()
    task, began, shown = bar.add_task(what), time.monotonic(), False

    def advance(done: int, total: int | None = None) -> None:
        nonlocal shown
        if not shown and time.monotonic() - began > MOMENT_S:
            bar.start()
            shown = True
        bar.update(task, completed=done, total=total)

    try:
        yield advance
    finally:
        if shown:
            bar.stop()


def _bar() -> Any:
    """A bar that has not begun; rich is imported when there is a terminal to show it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # Left to itself, rich takes over standard output too: what should go into a file goes to the terminal.
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


# ----------------------------------------------------------------------------------------------------- tables


def heading(text: str) -> None:
    """A line in bold."""
    typer.secho(text, bold=True)


def say_tables(title: Sequence[str], tables: Sequence[Table]) -> None:
    """The lines about the whole, then each table with its heading."""
    for line in title:
        typer.echo(line)
    for table in tables:
        typer.echo("")
        heading(table.title)
        typer.echo("\n".join(table.lines))


def group_lines(result: Result) -> list[str]:
    """Who is in which group, and its shares, where it has some."""
    sizes = Counter(result.groups) if result.group_by else {}
    return [
        f"{'' if i else 'groups':<11}{clean(name)}: {count_text(nr, 'task')}"
        + (f", {result.shares[name]} shares" if name in result.shares and name != "/" else "")
        for i, (name, nr) in enumerate(sorted(sizes.items()))
    ]


def adapted_lines(result: Result, asked: str | None) -> list[str]:
    """What a model is asked to be fair among and does not know: a line that says what it did, or none."""
    if asked == result.group_by:
        return []
    what = {"uid": "users", "cgroup": "groups"}[asked or "uid"]
    if result.group_by is None:
        return [f"{result.model} knows no {what}: it is fair among tasks"]
    groups = "each is a control group, user 0 with 2048 shares if not told"
    return [f"{result.model} knows no {what}: {groups}"]


def grouping_text(result: Result) -> str:
    """What a result is fair by, if not by tasks."""
    return f"fair by {result.group_by}, " if result.group_by else ""
