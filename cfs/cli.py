"""The command line: each command is a few lines over the API.

    cfs replay RECORDING    a recording as a workload, under a model, beside what was measured
    cfs conform TRACE...    conformance traces against the models
    cfs models [MODEL]      models and their tunables

Results go to standard output, everything else (progress, warnings, errors) to standard error. Progress bars
show on a terminal only, and only for work that takes a moment; in pipes the output is plain text without
colour.

Exit status: 0 all is well; 1 a trace differs; 2 the arguments or a file cannot be used, with one sentence
that says what was wrong, where, and what is allowed. Whatever is a `CfsError` or an `OSError` becomes such a
sentence.
"""

from __future__ import annotations

import enum
import functools
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from . import __version__, reports
from .conformance import Difference, TraceResult, read_trace, replay_traces
from .errors import CfsError, TraceError, TunableError
from .models import MODELS, Model, model_named
from .recordings import Recording
from .reports import timeline
from .reports.tables import clean, time_text
from .result import Result
from .simulation import Simulation
from .workload import Workload

__all__ = ["app", "run"]

DEFAULT_MODEL = "linux-2.6.24-cfs"
MOMENT_S = 0.3
"""Work that takes no longer shows no progress bar."""

FLAGS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
NS_PER = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}

app = typer.Typer(
    name="cfs",
    help="The Linux fair schedulers as a library, bit-exact with the release they name.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: no boxes, no colour codes, wherever it goes
    context_settings={"help_option_names": ["-h", "--help"]},
)


class GroupBy(str, enum.Enum):
    """Among whom the model is fair."""

    uid = "uid"
    cgroup = "cgroup"


class Outside(str, enum.Enum):
    """When wakeups from outside take place."""

    absolute = "absolute"
    relative = "relative"


def run() -> int:
    """Run the command line with the arguments of the process; 0 if the command does not exit by itself."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no "µ" shows "?"
    app(prog_name="cfs")
    return 0


# --------------------------------------------------------------------------------------------------- commands


def _polite(command: Callable[..., None]) -> Callable[..., None]:
    """An error of cfs or of the system becomes one sentence and exit status 2."""

    @functools.wraps(command)
    def polite(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except BrokenPipeError:
            raise  # the reader has seen enough: typer ends quietly
        except (CfsError, OSError) as error:
            typer.secho(f"cfs: {_sentence(error)}", fg="red", err=True)
            raise typer.Exit(2) from None

    return polite


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

    Replay what a machine did under another scheduler, and see who would have got the CPU and who would have
    waited.
    """


@app.command()
@_polite
def replay(
    recording: Annotated[
        str,
        typer.Argument(metavar="RECORDING", help="Text of perf script or ftrace, plain or gzip; - is stdin."),
    ],
    model: Annotated[
        str, typer.Option(metavar="ID", help="Model to run under; `cfs models` lists them.")
    ] = DEFAULT_MODEL,
    hz: Annotated[int, typer.Option(metavar="N", help="Ticks a second.")] = 1000,
    group_by: Annotated[
        GroupBy | None,
        typer.Option(metavar="uid|cgroup", help="Be fair among users or control groups, not tasks."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="TUNABLE=VALUE",
            help="Write a tunable (6000000 or 6ms) or a feature bit (on, off). Repeatable.",
        ),
    ] = None,
    cpu: Annotated[
        list[str] | None,
        typer.Option(metavar="N", help="CPU whose tasks are replayed, or all; default 0. Repeatable."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Only tasks of such names ('cc1', 'kworker/*'). Repeatable."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Leave out tasks of such names. Repeatable.")
    ] = None,
    outside: Annotated[
        Outside | None,
        typer.Option(
            metavar="absolute|relative",
            help="Wakeups that no task caused: at their recorded time, or as long after the block as "
            "recorded; default: those of timers absolute, others relative.",
        ),
    ] = None,
    by_comm: Annotated[bool, typer.Option("--by-comm", help="A line is a command name, not a task.")] = False,
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="Lines shown; the rest is summed in one line.")
    ] = 12,
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the result as JSON; - is stdout, in place of the tables."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw a timeline and the waits: .png, .svg or .pdf.")
    ] = None,
    plot_from: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Begin of the part that is drawn.")
    ] = None,
    plot_until: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="End of the part that is drawn.")
    ] = None,
) -> None:
    """Run a recording under a model, beside what was measured.

    CPU time, switches, waits and run lengths of each task, as the model has them and as recorded. Make a
    recording so:

    \b
        perf sched record -k CLOCK_MONOTONIC -- COMMAND
        perf script --ns -F comm,pid,tid,cpu,time,event,trace | gzip > RECORDING
    """
    chosen, cpus = model_named(model), _cpus(cpu or ["0"])
    by = "comm" if by_comm else "task"
    tunables = _tunables(chosen, set_ or [])
    _check_plot(plot, plot_from, plot_until)
    begin, end = _ns("--plot-from", plot_from), _ns("--plot-until", plot_until)
    read = _open(recording)
    cpus = read.cpus if cpus is None else cpus
    work = read.workload(cpus, outside=outside and outside.value, only=only or None, without=without or None)
    result = _simulate(Simulation(work, chosen, group_by=group_by and group_by.value, hz=hz, **tunables))
    changes = _changes(result, chosen)
    result = replace(result, cpus=cpus)  # a CPU without tasks is idle: shares are of all that were asked for
    recorded = read.result(cpus, workload=work)
    if plot is not None:  # files first: whoever reads the tables may stop reading
        reports.plot_timeline(result, plot, recorded=recorded, top=top, by=by, from_ns=begin, until_ns=end)
    if json_file is not None:
        _write_json(json_file, _replayed(read, result, recorded))
    if json_file != "-":
        tables = reports.tables(result, recorded, by=by, top=top)
        _say_tables(_title(read, work, result, changes), tables)


@app.command()
@_polite
def conform(
    traces: Annotated[
        list[Path],
        typer.Argument(metavar="TRACE", help="Traces, or directories: all *.jsonl.gz in them and below."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for machines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not list traces that are equal.")] = False,
) -> None:
    """Replay conformance traces, and show what differs first.

    A trace is a list of operations with the state of the kernel's own scheduler after each. The last line
    says how many traces and operations there were, and how many differ.

    Exit status: 0 all states are equal, 1 some are not, 2 a trace cannot be read.
    """
    paths, passed_over = _trace_paths(traces)
    rows = []
    is_listed = not as_json and not quiet and sys.stdout.isatty()  # such lines show the progress themselves
    with _progress("replaying traces", wanted=not is_listed) as advance:
        for path, found in zip(paths, _replayed_traces(paths, advance)):
            rows.append(_trace_row(path, found))
            if not as_json and not (quiet and rows[-1]["equal"]):
                _say_trace(rows[-1], found)
    totals = _totals(rows)
    if as_json:
        typer.echo(json.dumps({"schema": "cfs-conform/1", **totals, "traces": rows}, indent=1))
    else:
        for path in passed_over:
            typer.echo(f"passed over {clean(path)}: arithmetic vectors, not a trace", err=True)
        typer.echo(_totals_text(totals))
    raise typer.Exit(2 if totals["nr_unreadable"] else 1 if totals["nr_different"] else 0)


@app.command()
@_polite
def models(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Show this one only.")] = None,
) -> None:
    """List the models and their tunables."""
    for shown in MODELS.values() if model is None else [model_named(model)]:
        _heading(shown.id)
        typer.echo(f"{shown.summary}\n")
        for line in _tunable_lines(shown):
            typer.echo(f"    {line}".rstrip())
        typer.echo("")


# ----------------------------------------------------------------------------------------------------- replay


def _cpus(texts: list[str]) -> list[int] | None:
    """Numbers of the CPUs asked for, None for all."""
    if "all" in texts:
        return None
    if not all(text.isascii() and text.isdigit() for text in texts):
        wrong = next(text for text in texts if not (text.isascii() and text.isdigit()))
        raise typer.BadParameter(f"{wrong!r} is neither the number of a CPU nor 'all'.", param_hint="--cpu")
    return sorted({int(text) for text in texts})


def _tunables(model: Model, settings: list[str]) -> dict[str, int | bool]:
    """Tunables written by --set, checked before anything long begins."""
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise TunableError(f"--set {setting}: not of the form TUNABLE=VALUE")
        values[name.strip()] = _value(setting, text.strip().lower())
    model.tunables.at_boot(**values)
    return values


def _value(setting: str, text: str) -> int | bool:
    if text in FLAGS:
        return FLAGS[text]
    number = re.fullmatch(r"(\d+)(ns|us|µs|ms|s)", text)
    if number:
        return int(number[1]) * NS_PER[number[2]]
    try:
        return int(text, 0)
    except ValueError:
        raise TunableError(
            f"--set {setting}: {text!r} is no value; write a number (6000000), a time (6ms), or on or off"
        ) from None


def _check_plot(path: Path | None, begin: float | None, end: float | None) -> None:
    """Say what is wrong with --plot before the work, not after it."""
    if path is not None:
        timeline.check_path(path)
    elif begin is not None or end is not None:
        raise typer.BadParameter("there is no --plot to be drawn.", param_hint="--plot-from, --plot-until")


def _open(path: str) -> Recording:
    with _progress("reading") as advance:
        return Recording.open(path, progress=advance)


def _simulate(simulation: Simulation) -> Result:
    with _progress("simulating") as advance:
        return simulation.run(progress=advance)


def _ns(option: str, seconds: float | None) -> int | None:
    if seconds is not None and not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is no time.", param_hint=option)
    return None if seconds is None else round(seconds * 1e9)


def _title(read: Recording, work: Workload, result: Result, changes: str) -> list[str]:
    """What was read, what was made of it, and what it ran under."""
    causes = read.causes(result.cpus)
    lines = [
        f"recording  {clean(read.name)}: {read.kind}, {_count(read.nr_lines, 'line')}",
        f"           {time_text(read.duration_ns).strip()}, {_cpu_text(read.cpus)}, "
        f"{_count(len(read.tasks), 'task')}, {_switches(read)}",
        f"workload   {_count(work.nr_tasks, 'task')} of {_cpu_text(result.cpus)}; wakeups there: "
        f"{causes['caused']} caused by tasks, {causes['timer']} by timers, {causes['outside']} from outside",
        f"model      {result.model}, hz {result.hz}, {_grouping(result)}{changes}",
    ]
    warnings = list(read.warnings)
    if result.group_by:
        warnings.append("a recording tells no users or groups: all tasks are of user 0, in the root group")
    return lines + [f"warning    {clean(warning)}" for warning in warnings]


def _switches(read: Recording) -> str:
    inferred = f" and {read.inferred_switch_ins} inferred" if read.inferred_switch_ins else ""
    return f"{read.nr_switches} switches{inferred}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _cpu_text(cpus: list[int]) -> str:
    return ("CPU " if len(cpus) == 1 else "CPUs ") + ", ".join(map(str, cpus))


def _grouping(result: Result) -> str:
    return f"fair by {result.group_by}, " if result.group_by else ""


def _changes(result: Result, model: Model) -> str:
    """Tunables that differ from what such a machine boots with."""
    default = model.tunables.at_boot(len(result.cpus)).as_dict()
    changed = {name: value for name, value in result.tunables.items() if value != default[name]}
    if any(name in model.tunables.FEATURES for name in changed):
        changed.pop("sched_features", None)  # its bits say it better
    if not changed:
        return "tunables at their defaults"
    settings = ", ".join(f"{name}={_setting(value)}" for name, value in changed.items())
    return f"{settings}, other tunables at their defaults"


def _setting(value: int | bool) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _say_tables(title: list[str], tables: list[reports.Table]) -> None:
    for line in title:
        typer.echo(line)
    for table in tables:
        typer.echo("")
        _heading(table.title)
        typer.echo("\n".join(table.lines))


def _replayed(read: Recording, result: Result, recorded: Result) -> dict[str, Any]:
    """The result, schema cfs-result/1, with the recorded one and facts of the recording inside."""
    return result.to_dict() | {
        "recording": {
            "name": read.name,
            "kind": read.kind,
            "cpus": read.cpus,
            "nr_lines": read.nr_lines,
            "nr_switches": read.nr_switches,
            "inferred_switch_ins": read.inferred_switch_ins,
            "start_ns": read.start_ns,
            "duration_ns": read.duration_ns,
            "nr_tasks": len(read.tasks),
            "wakeups": read.causes(result.cpus),
            "warnings": read.warnings,
        },
        "recorded": recorded.to_dict(),
    }


def _write_json(path: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1)
    if path == "-":
        typer.echo(text)
    else:
        Path(path).write_text(text + "\n", encoding="utf-8")


# ---------------------------------------------------------------------------------------------------- conform


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
    try:
        _, header = next(read_trace(path))
    except TraceError:
        return False
    return str(header.get("format", "")).endswith("-vectors")


def _replayed_traces(
    paths: list[str], advance: Callable[[int, int], None]
) -> Iterator[TraceResult | TraceError]:
    """`replay_traces`, with a clearer word for files of vectors."""
    for path, found in zip(paths, replay_traces(paths, advance)):
        if isinstance(found, TraceError) and _is_vectors(path):
            why = "holds arithmetic vectors, not a trace (in a directory they are passed over)"
            yield TraceError(f"{path} {why}")
        else:
            yield found


def _trace_row(path: str, found: TraceResult | TraceError) -> dict[str, Any]:
    if isinstance(found, TraceError):
        return {"path": path, "equal": False, "error": str(found)}
    difference = found.difference
    return {
        "path": path,
        "equal": found.equal,
        "model": found.model,
        "operations": found.operations,
        "states": found.states,
        "difference": None if difference is None else _difference_row(difference),
    }


def _difference_row(difference: Difference) -> dict[str, Any]:
    return {
        "line": difference.line,
        "field": difference.path,
        "expected": difference.expected,
        "got": difference.got,
        "operation": difference.operation,
        "before": difference.before,
    }


def _say_trace(row: dict[str, Any], found: TraceResult | TraceError) -> None:
    path = clean(row["path"])
    if isinstance(found, TraceError):
        typer.secho(f"unreadable  {_sentence(found)}", fg="red")
    elif found.difference is None:
        typer.echo(f"equal       {path}  ({_count(found.operations, 'operation')})")
    else:
        where = f"line {found.difference.line}, operation {found.operations}"
        typer.secho(f"differs     {path}  ({where})", fg="red")
        for line in _difference_lines(found.difference):
            typer.echo(f"            {line}")


def _difference_lines(difference: Difference) -> list[str]:
    lines = [f"    {_operation(op)}" for op in difference.before]
    lines.append(f"--> {_operation(difference.operation)}")
    lines.append(f"    field     {clean(difference.path)}")
    lines.append(f"    expected  {_short(difference.expected)}")
    lines.append(f"    got       {_short(difference.got)}{_off_by(difference)}")
    return lines


def _operation(op: dict[str, Any]) -> str:
    rest = " ".join(f"{key}={value}" for key, value in op.items() if key not in ("t", "op"))
    return clean(f"t={op.get('t')} {op.get('op')} {rest}".rstrip())


def _short(value: Any) -> str:
    text = clean("nothing" if value is None else str(value))
    return text if len(text) <= 400 else text[:400] + " ..."


def _off_by(difference: Difference) -> str:
    numbers = all(type(value) is int for value in (difference.expected, difference.got))
    return f"  ({difference.got - difference.expected:+d})" if numbers else ""


def _totals(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "nr_traces": len(rows),
        "nr_operations": sum(row.get("operations", 0) for row in rows),
        "nr_equal": sum(row["equal"] for row in rows),
        "nr_different": sum(row.get("difference") is not None for row in rows),
        "nr_unreadable": sum("error" in row for row in rows),
    }


def _totals_text(totals: dict[str, int]) -> str:
    differ = "differs" if totals["nr_different"] == 1 else "differ"
    text = f"{_count(totals['nr_traces'], 'trace')}, {_count(totals['nr_operations'], 'operation')}: "
    text += f"{totals['nr_different'] or 'none'} {differ}"
    return text + (f", {totals['nr_unreadable']} cannot be read" if totals["nr_unreadable"] else "")


# ----------------------------------------------------------------------------------------------------- models


def _tunable_lines(model: Model) -> list[str]:
    """Tunables with default and range, then feature bits."""
    defaults = model.tunables().as_dict()
    ranges, features, scaled = model.tunables.RANGES, model.tunables.FEATURES, model.tunables.SCALED
    lines = [f"{'tunable':<36}{'default':>22}   allowed"]
    for name, value in defaults.items():
        if name in features:
            allowed = "on, off"
        else:
            least, greatest = ranges.get(name, (0, 2**32 - 1))
            allowed = f"{least} ... {greatest}"
        star = " *" if name in scaled else ""
        lines.append(f"{name + star:<36}{_setting(value):>22}   {allowed}")
    if scaled:
        lines += ["", "* times 1 + log2(CPUs) at boot"]
    grouping = [way for way in model.group_by if way]
    if grouping:
        lines += ["", f"groups: --group-by {' or '.join(grouping)}"]
    return lines


# ----------------------------------------------------------------------------------------------------- people


def _heading(text: str) -> None:
    typer.secho(text, bold=True)


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and not isinstance(error, CfsError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return clean(f"{where}{error.strerror}")
    return clean(str(error))


def _ignore(done: int, total: int | None = None) -> None:
    pass


@contextmanager
def _progress(what: str, *, wanted: bool = True) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error, if that is a terminal and the work takes longer than a moment.

    Yields
    ------
    callable
        To be called with (done, total), total None if it is not known.
    """
    if not (wanted and sys.stderr.isatty()):
        yield _ignore
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # Left to itself, rich takes over standard output too: what should go into a file goes to the terminal.
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
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
