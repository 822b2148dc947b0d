"""What the command line says, and where.

What it decides: results go to standard output, everything else (progress, warnings, errors) to standard
error. A `CfsError` or an `OSError` becomes one sentence and exit status 2. Progress bars show only on a
terminal, and only for work that takes a moment. In a pipe the output is plain text without colour.

Tables are plain text, made by `reports`; rich draws progress bars and nothing else. So a table is the same
on a terminal, in a pipe, on a page and in a test, and the command need not load rich to show one. One place
(`units.clean`) decides what a name may do to a terminal. A terminal changes only the width: it shows as
many columns of a comparison side by side as it has room for, and breaks the lines above the tables.
NO_COLOR leaves out bold and red; TERM=dumb leaves out the bar as well.

Rejected: tables through rich (40 ms of every command, and a second writer of the tables on pages).
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import textwrap
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import CfsError
from ..units import clean, count_text
from .paths import STDOUT

if TYPE_CHECKING:
    from ..reports.tables import Table
    from ..result import Result

__all__ = [
    "WIDTH",
    "adapted_lines",
    "group_lines",
    "grouping_text",
    "heading",
    "polite",
    "progress",
    "say",
    "say_tables",
    "width_shown",
    "write_json",
]

MOMENT_S = 0.3
"""Work that takes no longer shows no progress bar."""

WIDTH = 100
"""Columns of a table if nothing says how many there are: a recording beside a model needs all of them."""

HANGING = 11
"""Columns of the words in front of the lines above the tables: "workload   "."""


# ------------------------------------------------------------------------------------------------ the terminal


def is_dumb() -> bool:
    """Does the terminal know no escape sequences?"""
    return os.environ.get("TERM") == "dumb"


def is_plain() -> bool:
    """Must nothing be bold or coloured, even on a terminal? (no-color.org)"""
    return is_dumb() or bool(os.environ.get("NO_COLOR"))


def width_shown() -> int:
    """Columns that a line may have: those of the terminal, or `WIDTH` in a pipe."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH


def write_json(content: Any, path: str) -> None:
    """To a file; "-" is standard output."""
    text = json.dumps(content, indent=1)
    if path == STDOUT:
        typer.echo(text)
    else:
        Path(path).write_text(f"{text}\n", encoding="utf-8")


def say(text: str, *, err: bool = False, **style: Any) -> None:
    """A line, bold or coloured if it goes to a terminal that wants it."""
    if is_plain():
        typer.echo(text, err=err)
    else:
        typer.secho(text, err=err, **style)


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
            say(f"cfs: {_sentence(error)}", fg="red", err=True)
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

    Work that never says how far it has come also has a bar, which shows only that the work goes on.

    Yields
    ------
    callable
        To be called with (done, total), total None if it is not known.
    """
    if not (wanted and sys.stderr.isatty()) or is_dumb():
        yield _ignore
        return
    bar = _Bar(what)
    try:
        yield bar.show
    finally:
        bar.end()


class _Bar:
    """A bar that begins by itself after a moment; rich is imported when it does."""

    def __init__(self, what: str):
        self.what = what
        self.far: tuple[int, int | None] = (0, None)
        self.shown: Any = None
        self.is_over = False
        self.lock = threading.Lock()
        self.timer = threading.Timer(MOMENT_S, self.begin)
        self.timer.daemon = True
        if MOMENT_S > 0:
            self.timer.start()
        else:
            self.begin()

    def begin(self) -> None:
        """Show it, unless the work is over."""
        with self.lock:
            if not self.is_over:
                bar = _bar()
                self.task = bar.add_task(self.what, completed=self.far[0], total=self.far[1])
                bar.start()
                self.shown = bar  # last: from here on `show`, on the other thread, uses it

    def show(self, done: int, total: int | None = None) -> None:
        """Show how far the work has come."""
        self.far = done, total
        if self.shown is not None:
            self.shown.update(self.task, completed=done, total=total)

    def end(self) -> None:
        """The work is over: the bar goes."""
        self.timer.cancel()
        with self.lock:
            self.is_over = True
        if self.shown is not None:
            self.shown.stop()


def _bar() -> Any:
    """A bar that has not begun."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # Left to itself, rich takes over standard output too: what should go into a file goes to the terminal.
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


# ----------------------------------------------------------------------------------------------------- tables


def heading(text: str) -> None:
    """A line in bold."""
    say(text, bold=True)


def say_tables(title: Sequence[str], tables: Sequence[Table]) -> None:
    """The lines about the whole, then each table with its heading."""
    for line in title:
        typer.echo(_broken(line))
    for table in tables:
        typer.echo("")
        heading(_broken(table.title))
        typer.echo("\n".join(table.lines))


def _broken(line: str) -> str:
    """A line above the tables, broken to the width of a terminal. In a pipe it stays one line."""
    width = width_shown()
    if not sys.stdout.isatty() or len(line) <= width or width <= 2 * HANGING:
        return line
    indent = " " * HANGING if line[:HANGING].endswith("  ") else ""
    return textwrap.fill(
        line[len(indent) :], width, initial_indent=line[: len(indent)], subsequent_indent=indent
    )


def group_lines(result: Result) -> list[str]:
    """A line for each group: its tasks, and its shares if it has any."""
    sizes = Counter(result.groups) if result.group_by else {}
    return [
        f"{'' if i else 'groups':<11}{clean(name)}: {count_text(nr, 'task')}"
        + (f", {result.shares[name]} shares" if name in result.shares and name != "/" else "")
        for i, (name, nr) in enumerate(sorted(sizes.items()))
    ]


def adapted_lines(result: Result, asked: str | None) -> list[str]:
    """A line about what the model did instead, if you asked for users or groups that it does not know."""
    if asked == result.group_by:
        return []
    what = {"uid": "users", "cgroup": "groups"}[asked or "uid"]
    if result.group_by is None:
        return [f"{result.model} knows no {what}: it is fair among tasks"]
    groups = "each is a control group, user 0 with 2048 shares unless assigned others"
    return [f"{result.model} knows no {what}: {groups}"]


def grouping_text(result: Result) -> str:
    """What a result is fair among, if not tasks."""
    return f"fair by {result.group_by}, " if result.group_by else ""
