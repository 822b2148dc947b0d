"""The files that `cfs replay` and `cfs compare` write: one entry a format.

What it decides: which formats there are. `OUTPUTS` has an entry for each: its option, the check of a file
before the work begins, and the writer for either command. A new format is one entry and its writer.

A command that writes files has a parameter ``files: Files``: a group (`groups`) with an option for each entry.

The writer of a format is imported when a file of it is checked or written. The help of a command loads none.

U1  A file that cannot be written, or only over another one, is an error before the work, not after it.
U2  Files come before the tables, and standard output comes last, because its reader may stop reading.
U3  Where a file holds one column, a comparison of several writes FILE.1.END, FILE.2.END, ...
U4  "-" is standard output in place of the tables, for any one format, and for one column only.

Rejected: a class for each format (none has a state).
"""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .groups import Group
from .paths import STDOUT, require_apart
from .talk import progress, write_json

if TYPE_CHECKING:  # what draws and writes is loaded when it does
    import numpy as np

    from ..recordings.recording import Recording
    from ..reports.compared import Column
    from ..reports.comparison import Comparison
    from ..reports.lines import Lines
    from ..reports.samples import Samples
    from ..result import Result
    from ..simulation.simulation import Simulation
    from ..workload.workload import Workload
    from .inputs import Given

__all__ = ["OUTPUTS", "Compared", "Files", "Output", "Replayed", "check_files", "simulated"]


class Files(dict[str, str], Group):
    """The files asked for, by the name of their output."""

    @classmethod
    def parameters(cls, command: str, default: Files | None) -> list[inspect.Parameter]:
        """An option for each output."""
        return [output.parameter(command) for output in OUTPUTS]

    @classmethod
    def of(cls, values: dict[str, Any]) -> Files:
        """Those that were given."""
        return cls((output.name, path) for output, path in zip(OUTPUTS, values.values()) if path is not None)


def of_reports(name: str, function: str) -> Callable[..., Any]:
    """A function of a file of `cfs.reports`, which is imported when it is called."""

    def called(*arguments: Any, **options: Any) -> Any:
        return getattr(import_module(f"..reports.{name}", __package__), function)(*arguments, **options)

    return called


# -------------------------------------------------------------------------------------------- what is written


class Passed:
    """Where runs go of which no log is kept: to a Parquet file, if one is asked for, as they end. What goes to
    standard output passes through a file of its own (U2).
    """

    def __init__(self, path: str | None):
        self.passing = tempfile.NamedTemporaryFile(suffix=".parquet") if path == STDOUT else None
        self.path = path if self.passing is None else self.passing.name
        self.file: Any = None

    def begin(self, *sides: Result) -> None:
        """Runs of these results will come, of which little is known yet."""
        if self.path is not None:
            self.file = run_writer(self.path, [(side.model, side) for side in sides])

    def write(self, side: Result, runs: np.ndarray) -> None:
        """Some runs of a result."""
        if self.file is not None:
            self.file.write(side.model, side, runs)

    def end(self, recorded: Result | None) -> None:
        """The last runs: those that were recorded."""
        if self.file is None:
            return
        if recorded is not None:
            with progress("writing what was recorded"):
                self.write(recorded, recorded.runs)
        self.file.close()


@dataclass(frozen=True, eq=False)
class Replayed:
    """What `cfs replay` found, and how it was asked to show it.

    Pictures show a part of `result` and `recorded`, which begin at 0; all numbers are those of `parts`, which
    are of one span.
    """

    result: Result
    recorded: Result | None
    given: Given
    samples: Samples | None
    by: str
    top: int
    from_ns: int
    span: tuple[int, int]
    passed: Passed | None = None

    @classmethod
    def of(
        cls,
        result: Result,
        recorded: Result | None,
        given: Given,
        samples: Samples | None,
        by: str,
        top: int,
        from_ns: int,
        until_ns: int | None,
        passed: Passed | None = None,
    ) -> Replayed:
        """The span decided, and both sides cut at its end; `recorded` is up to the end of the recording."""
        end = int(result.duration_ns)
        if recorded is not None:
            end = max(end, int(recorded.duration_ns))
            end = max(end if until_ns is None else min(end, until_ns), 1)
            result, recorded = part_of(result, 0, end), part_of(recorded, 0, end)
        span = (min(from_ns, max(end - 1, 0)), end)
        return cls(result, recorded, given, samples, by, top, from_ns, span, passed)

    @cached_property
    def parts(self) -> list[Result]:
        """The result, and what was recorded, in the part that is shown."""
        sides = [self.result] if self.recorded is None else [self.result, self.recorded]
        return [part_of(side, *self.span) for side in sides] if self.from_ns else sides

    @cached_property
    def lines(self) -> Lines:
        """The lines of tables, and their statistics: counted once for all that shows them."""
        from ..reports.lines import Lines

        return Lines.of(self.parts, self.by, self.top)

    @property
    def sides(self) -> list[tuple[str, Result]]:
        """The parts, each with its label."""
        return [(side.model, side) for side in self.parts]

    @property
    def look(self) -> dict[str, Any]:
        """How pictures and pages show it."""
        return {"top": self.top, "by": self.by, "from_ns": self.from_ns or None}

    def to_dict(self) -> dict[str, Any]:
        """The result, schema cfs-result/1, with the recorded one and facts of the recording inside."""
        from .inputs import facts_of

        result, *recorded = [part.to_dict() for part in self.parts]
        read = self.given.read
        if read is None or not recorded:
            return result
        facts = facts_of(read, self.given.work, self.result.cpus)
        return result | {"recording": facts, "recorded": recorded[0]}


@dataclass(frozen=True, eq=False)
class Compared:
    """What `cfs compare` found; columns are looked at again for their virtual time if a file wants it."""

    found: Comparison
    work: Workload
    read: Recording | None
    cpus: list[int]
    end_ns: int | None
    looked: dict[int, Samples | None] = field(default_factory=dict)
    passed: Passed | None = None

    @property
    def by(self) -> str:
        """What a line is."""
        return self.found.by

    @property
    def sides(self) -> list[tuple[str, Result]]:
        """The part of each column that is compared, with its label."""
        return [(column.label, column.result) for column in self.found.columns]

    def to_dict(self) -> dict[str, Any]:
        """The comparison, schema cfs-comparison/1, with facts of the recording inside."""
        from .inputs import facts_of

        facts = {} if self.read is None else {"recording": facts_of(self.read, self.work, self.cpus)}
        return self.found.to_dict() | facts

    def samples(self, place: int) -> Samples | None:
        """Virtual time of a column over time: its run once more, looked at on the way; None for what was
        recorded.
        """
        if place not in self.looked:
            self.looked[place] = self._looked_at(self.found.columns[place])
        return self.looked[place]

    def _looked_at(self, column: Column) -> Samples | None:
        if column.again is None:
            return None
        return simulated(column.again(), column.whole.duration_ns, looks=True)[1]


def simulated(
    simulation: Simulation, until_ns: int | None, *, looks: bool
) -> tuple[Result, Samples | None]:
    """The result, the last one, and if wanted what the model's virtual time was on the way."""
    with progress("simulating") as show:
        if looks:
            from ..reports.samples import run_sampled

            return run_sampled(simulation, until_ns, progress=show, last=True)
        return simulation.run(until_ns, progress=show, last=True), None


def simulated_without_log(
    simulation: Simulation, until_ns: int | None, given: Given, passed: Passed
) -> Result:
    """The result without a log; its runs go on as they end."""
    from ..result import altered

    before = altered(simulation.result(), cpus=given.cpus)
    passed.begin(before, *([altered(before, model="recorded", hz=0, tunables={})] if given.read else []))

    with progress("simulating") as show:
        return simulation.run(until_ns, progress=show, log=functools.partial(passed.write, before))


# -------------------------------------------------------------------------------------------------- the entry


def _no_limit(nr_columns: int) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Output:
    """A format that files can have.

    Parameters
    ----------
    name : str
        Its option, without the dashes.
    help : str
        Of the option.
    check : callable
        Called with a path before the work: raises if it cannot be written (U1).
    replayed, compared : callable
        Write what a command found to a path.
    help_compared : str, optional
        Of the option of `cfs compare`, where it is another one.
    check_columns : callable, optional
        Called with the number of columns of a comparison: raises if it has no room for so many.
    samples : bool, optional
        Does it show the model's virtual time over time?
    runs, wakeups : bool, optional
        Does it need the log of runs, and that of wakeups?
    facts : bool, optional
        Does it say facts about the recording, which must still be there?
    ending : str, optional
        Of the file that goes to standard output (U4), for formats that are known by it.
    a_column : bool, optional
        Does a file hold one column (U3)?
    """

    name: str
    help: str
    check: Callable[[str], None]
    replayed: Callable[[Replayed, str], None]
    compared: Callable[[Compared, str], None]
    help_compared: str = ""
    check_columns: Callable[[int], None] = _no_limit
    samples: bool = False
    runs: bool = True
    wakeups: bool = False
    facts: bool = False
    ending: str = ""
    a_column: bool = False

    @property
    def option(self) -> str:
        """As it is written on the command line."""
        return f"--{self.name}"

    def parameter(self, command: str) -> inspect.Parameter:
        """The option as a parameter of a command."""
        text = self.help_compared if command == "compare" and self.help_compared else self.help
        look = typer.Option(self.option, metavar="FILE", help=text)
        return inspect.Parameter(
            self.name.replace("-", "_"),
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, look],
        )


# ------------------------------------------------------------------------------------------------ the writers


part_of = of_reports("part", "part_of")
plot_timeline = of_reports("timeline", "plot_timeline")
plot_trends = of_reports("trends", "plot_trends")
write_html = of_reports("html", "write_html")
write_perfetto = of_reports("perfetto", "write_perfetto")
write_ftrace = of_reports("ftrace", "write_ftrace")
to_parquet = of_reports("frames", "to_parquet")
runs_to_parquet = of_reports("frames", "runs_to_parquet")
run_writer = of_reports("frames", "RunWriter")
arrow_table = of_reports("frames", "arrow_table")
check_drawing = of_reports("drawing", "check_path")
check_folder = of_reports("files", "check_folder")
check_parquet = of_reports("frames", "check_parquet")
check_perfetto = of_reports("perfetto", "check_perfetto")
check_columns_of_plot = of_reports("comparison_figure", "check_columns")


def _write_json(report: Replayed | Compared, path: str) -> None:
    write_json(report.to_dict(), path)


def _draw(report: Replayed, path: str) -> None:
    plot_timeline(report.result, path, recorded=report.recorded, **report.look)


def _draw_compared(report: Compared, path: str) -> None:
    report.found.plot(path)


def _draw_trends(report: Replayed, path: str) -> None:
    plot_trends(report.result, path, recorded=report.recorded, samples=report.samples, **report.look)


def _draw_trends_of(report: Compared, place: int, path: str) -> None:
    found, begin = report.found, report.found.span[0]
    look: dict[str, Any] = {"top": found.top, "by": found.by, "from_ns": begin, "until_ns": report.end_ns}
    plot_trends(found.columns[place].whole, path, samples=report.samples(place), **look)


def _write_page(report: Replayed, path: str) -> None:
    from ..reports.html import result_html

    look = report.look | {"lines": report.lines}
    page = result_html(report.result, report.recorded, samples=report.samples, **look)
    write_html(page, path)


def _write_page_compared(report: Compared, path: str) -> None:
    from ..reports.html import comparison_html

    write_html(comparison_html(report.found), path)


def _write_perfetto(report: Replayed, path: str) -> None:
    write_perfetto(report.parts[0], path, report.samples, from_ns=report.span[0])


def _write_perfetto_of(report: Compared, place: int, path: str) -> None:
    found = report.found
    write_perfetto(found.columns[place].result, path, report.samples(place), from_ns=found.span[0])


def _write_ftrace(report: Replayed, path: str) -> None:
    write_ftrace(report.parts[0], path, from_ns=report.span[0])


def _write_ftrace_of(report: Compared, place: int, path: str) -> None:
    write_ftrace(report.found.columns[place].result, path, from_ns=report.found.span[0])


def _write_parquet(report: Replayed | Compared, path: str) -> None:
    if report.passed is None or report.passed.path is None:
        runs_to_parquet(report.sides, path)
    elif report.passed.path != path:
        shutil.copyfile(report.passed.path, path)


def _write_parquet_stats(report: Replayed | Compared, path: str) -> None:
    to_parquet(arrow_table(report.sides, "stats", report.by), path)


def _each(write: Callable[[Compared, int, str], None]) -> Callable[[Compared, str], None]:
    """A file a column (U3)."""

    def write_all(report: Compared, path: str) -> None:
        for place, its_path in enumerate(_paths(path, len(report.found.columns))):
            write(report, place, its_path)

    return write_all


def _paths(path: str, nr_columns: int) -> list[str]:
    """The files of a format that holds one column (U3)."""
    return [path] if nr_columns == 1 else [_of_column(path, place + 1) for place in range(nr_columns)]


def _of_column(path: str, number: int) -> str:
    """FILE.END -> FILE.2.END, for the second column; all of several endings stay together."""
    file = Path(path)
    endings = "".join(file.suffixes[-2:] if file.suffix == ".gz" else file.suffixes[-1:])
    return str(file.with_name(f"{file.name[: len(file.name) - len(endings)]}.{number}{endings}"))


OUTPUTS: tuple[Output, ...] = (
    Output(
        "json",
        "Write the result as JSON; - is stdout in place of the tables, here and below.",
        check_folder,
        _write_json,
        _write_json,
        runs=False,
        facts=True,
    ),
    Output(
        "plot",
        "Draw a timeline and the waits: .png, .svg or .pdf.",
        check_drawing,
        _draw,
        _draw_compared,
        help_compared="Draw a column a scheduler: .png, .svg or .pdf.",
        check_columns=check_columns_of_plot,
        ending=".svg",
    ),
    Output(
        "plot-trends",
        "Draw shares, runnable tasks and virtual time over time.",
        check_drawing,
        _draw_trends,
        _each(_draw_trends_of),
        help_compared="Draw shares and runnable tasks over time, a file a column.",
        samples=True,
        ending=".svg",
        a_column=True,
    ),
    Output(
        "html",
        "Write a page with plots and tables that works offline.",
        check_folder,
        _write_page,
        _write_page_compared,
        samples=True,
    ),
    Output(
        "perfetto",
        "Write what the model says as a Perfetto trace.",
        check_perfetto,
        _write_perfetto,
        _each(_write_perfetto_of),
        help_compared="Write each column as a Perfetto trace, a file a column.",
        samples=True,
        wakeups=True,
        a_column=True,
    ),
    Output(
        "ftrace",
        "Write what the model says as ftrace text (.gz: packed).",
        check_folder,
        _write_ftrace,
        _each(_write_ftrace_of),
        help_compared="Write each column as ftrace text, a file a column (.gz: packed).",
        wakeups=True,
        a_column=True,
    ),
    Output(
        "parquet",
        "Write all runs as a Parquet file, for data frames.",
        check_parquet,
        _write_parquet,
        _write_parquet,
        runs=False,  # it takes them as they come
    ),
    Output(
        "parquet-stats",
        "Write the statistics of each line as a Parquet file.",
        check_parquet,
        _write_parquet_stats,
        _write_parquet_stats,
        runs=False,
    ),
)
"""The formats, in the order in which help lists them."""


# ---------------------------------------------------------------------------------------- what a command does


def asked(files: Files) -> list[tuple[Output, str]]:
    """Each output that was asked for, and its file."""
    return [(output, files[output.name]) for output in OUTPUTS if output.name in files]


def check_files(files: Files, source: str | None = None) -> None:
    """Say what is wrong with a file to be written before the work, not after it (U1); `source` is read."""
    to_stdout = [output.option for output, path in asked(files) if path == STDOUT]
    if len(to_stdout) > 1:
        options = ", ".join(to_stdout)
        raise typer.BadParameter("- is standard output, which takes one file.", param_hint=options)
    require_apart(((output.option, path) for output, path in asked(files)), [source])
    for output, path in asked(files):
        output.check(_passing(output) if path == STDOUT else path)


def _passing(output: Output) -> str:
    """The name of a file that is not there yet, on its way to standard output (U4)."""
    return os.path.join(tempfile.gettempdir(), f"cfs-{os.getpid()}{output.ending}")


def check_columns(files: Files, nr_columns: int, source: str) -> None:
    """Raise unless each file has room for so many columns, and a file of its own for each that it cannot hold."""
    written: list[tuple[str, str]] = []
    for output, path in asked(files):
        output.check_columns(nr_columns)
        is_split = output.a_column and nr_columns > 1
        if is_split and path == STDOUT:
            raise typer.BadParameter("- has room for one column; name a file.", param_hint=output.option)
        paths = _paths(path, nr_columns) if is_split else [path]
        for its_path in paths if is_split else []:
            output.check(its_path)
        written += [(output.option, its_path) for its_path in paths]
    require_apart(written, [source])


def write_replayed(files: Files, report: Replayed) -> None:
    """Every file of a replay (U2)."""
    for output, path in _in_order(files):
        _write(functools.partial(output.replayed, report), path, output)


def write_compared(files: Files, report: Compared) -> None:
    """Every file of a comparison (U2)."""
    for output, path in _in_order(files):
        _write(functools.partial(output.compared, report), path, output)


def _write(write: Callable[[str], None], path: str, output: Output) -> None:
    """Write a file, or by way of one to standard output (U4): all that writes, writes to a path."""
    if path != STDOUT:
        with progress(f"writing {path}"):
            write(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        passing = os.path.join(folder, f"cfs{output.ending}")
        with progress(f"writing {output.name}"):
            write(passing)
        with open(passing, "rb") as content:
            shutil.copyfileobj(content, typer.get_binary_stream("stdout"))
    sys.stdout.flush()


def _in_order(files: Files) -> list[tuple[Output, str]]:
    return sorted(asked(files), key=lambda pair: pair[1] == STDOUT)


def shows_tables(files: Files) -> bool:
    """Are the tables shown, or does another output take their place?"""
    return STDOUT not in files.values()


def wants_wakeups(files: Files) -> bool:
    """Does some file show which task woke which?"""
    return any(output.wakeups for output, _ in asked(files))


def wants_facts(files: Files) -> bool:
    """Does some file say facts about the recording?"""
    return any(output.facts for output, _ in asked(files))


def check_without_log(files: Files, from_ns: int) -> None:
    """Raise if something is asked for that needs the log of runs."""
    needing = [output.option for output, _ in asked(files) if output.runs] + ["--from"] * (from_ns > 0)
    if needing:
        raise typer.BadParameter(
            f"{needing[0]} needs the log of runs, and this keeps none; the tables, --json, --parquet and "
            "--parquet-stats do without.",
            param_hint="--no-log",
        )


def wants_samples(files: Files) -> bool:
    """Does some file show the model's virtual time over time?"""
    return any(output.samples for output, _ in asked(files))
