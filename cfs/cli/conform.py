"""`cfs conform`: conformance traces against the models."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import TraceError
from ..units import clean
from .paths import STDOUT, require_apart
from .talk import progress, say, write_json

if TYPE_CHECKING:
    from ..conformance import TraceResult

__all__ = ["conform"]


def conform(
    traces: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRACE", help="Traces (- is stdin), or directories: all *.jsonl.gz in them and below."
        ),
    ],
    json_: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the result as JSON; - is stdout in place of the list."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not list traces that are equal.")] = False,
) -> None:
    """Replay conformance traces, and show what differs first.

    A trace lists operations, with the state of the kernel's own scheduler after each. The last line says how
    many traces and operations there were, and how many differ.

    Exit status: 0 all states are equal, 1 some are not, 2 a trace cannot be read.
    """
    from ..reports.verdicts import totals_of, totals_text, verdict_lines, verdict_row

    _check_json(json_, traces)
    paths, passed_over = _trace_paths(traces)
    rows = []
    is_listed = json_ != "-" and not quiet
    shows_itself = is_listed and sys.stdout.isatty()  # such lines show the progress themselves
    with progress("replaying traces", wanted=not shows_itself) as show:
        for path, found in zip(paths, _replayed_traces(paths, show)):
            rows.append(verdict_row(path, found))
            if json_ != "-" and not (quiet and rows[-1]["equal"]):
                for number, line in enumerate(verdict_lines(rows[-1])):
                    say(line, fg=None if rows[-1]["equal"] or number else "red")
    totals = totals_of(rows)
    if json_ is not None:
        write_json({"schema": "cfs-conform/1", **totals, "traces": rows}, json_)
    if json_ != "-":
        for path in passed_over:
            typer.echo(f"passed over {clean(path)}: arithmetic vectors, not a trace", err=True)
        typer.echo(totals_text(totals))
    raise typer.Exit(2 if totals["nr_unreadable"] else 1 if totals["nr_different"] else 0)


def _check_json(path: str | None, traces: list[Path]) -> None:
    """Raise unless the file can be written and is not a trace: --json once had no FILE."""
    if path is None or path == STDOUT:
        return
    require_apart([("--json", path)], map(os.fspath, traces))
    from ..reports.files import check_folder

    check_folder(path)
    if path.endswith((".jsonl.gz", ".jsonl")):
        what = f"{path} is named like a trace, and would be overwritten; write --json - for standard output."
        raise typer.BadParameter(what, param_hint="--json")


def _trace_paths(given: list[Path]) -> tuple[list[str], list[str]]:
    """Paths of traces, directories replaced by what is in them; and the files of vectors found there."""
    paths, passed_over = [], []
    for path in given:
        if not path.is_dir():
            paths.append(os.fspath(path))
            continue
        inside = sorted(os.fspath(found) for found in path.rglob("*.jsonl.gz") if found.is_file())
        if not inside:
            raise TraceError(f"{path} is a directory without any *.jsonl.gz in it or below")
        vectors = [found for found in inside if _is_vectors(found)]
        paths += [found for found in inside if found not in vectors]
        passed_over += vectors
    return paths, passed_over


def _is_vectors(path: str) -> bool:
    from ..conformance import read_trace

    if path == "-":
        return False
    try:
        _, header = next(read_trace(path))
    except TraceError:
        return False
    return str(header.get("format", "")).endswith("-vectors")


def _replayed_traces(
    paths: list[str], show: Callable[[int, int], None]
) -> Iterator[TraceResult | TraceError]:
    """`replay_traces`, with a clearer error for files of vectors."""
    from ..conformance import replay_traces

    for path, found in zip(paths, replay_traces(paths, show)):
        if isinstance(found, TraceError) and _is_vectors(path):
            why = "holds arithmetic vectors, not a trace (in a directory they are passed over)"
            yield TraceError(f"{path} {why}")
        else:
            yield found
