"""The command line: each command is a few lines over the API.

    cfs replay RECORDING    a recording as a workload, under a model, beside what was measured
    cfs compare INPUT       a recording or a scenario under several models, side by side
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

import functools
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from .. import __version__, reports
from ..conformance import TraceResult, read_trace, replay_traces
from ..errors import CfsError, TraceError
from ..reports.frames import arrow_table, to_parquet
from ..models.registry import MODELS, Model, all_models, model_named
from .options import (
    By,
    Choice,
    CpuOption,
    GroupByOption,
    GroupOption,
    HtmlOption,
    HzOption,
    JsonOption,
    NiceOption,
    OnlyOption,
    OutsideOption,
    ParquetOption,
    ParquetStatsOption,
    SeedOption,
    Told,
    TopOption,
    UidOption,
    UntilOption,
    WithoutOption,
    check_files,
    columns_of,
    cpus_of,
    file_option,
    ns_of,
    settings_of,
    source_argument,
    told_of,
    until_ns_of,
)
from ..recordings import Recording
from ..reports.comparison_figure import check_columns
from ..reports.tables import clean, count_text, time_text
from ..reports.verdicts import totals_of, totals_text, verdict_lines, verdict_row
from ..result import Result
from ..scenarios.read import read_scenario
from ..simulation.simulation import Simulation
from ..workload.workload import Workload

__all__ = ["app", "run"]

DEFAULT_MODEL = "linux-2.6.24-cfs"
MOMENT_S = 0.3
"""Work that takes no longer shows no progress bar."""

app = typer.Typer(
    name="cfs",
    help="The Linux fair schedulers as a library, bit-exact with the release they name.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: no boxes, no colour codes, wherever it goes
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    recording: Annotated[str, source_argument("RECORDING")],
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
    json_file: JsonOption = None,
    plot: Annotated[Path | None, file_option("Draw a timeline and the waits: .png, .svg or .pdf.")] = None,
    plot_trends: Annotated[
        Path | None, file_option("Draw shares, runnable tasks and virtual time over time.")
    ] = None,
    html: HtmlOption = None,
    perfetto: Annotated[Path | None, file_option("Write what the model says as a Perfetto trace.")] = None,
    ftrace: Annotated[
        Path | None, file_option("Write what the model says as ftrace text (.gz: packed).")
    ] = None,
    parquet: ParquetOption = None,
    parquet_stats: ParquetStatsOption = None,
    from_s: Annotated[
        float | None, typer.Option("--from", metavar="SECONDS", help="Begin of the part that is drawn.")
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
    check_files(plot, html, parquet, parquet_stats, perfetto, ftrace, plot_trends)
    if plot is html is plot_trends is None and from_s is not None:
        what = "there is no --plot, --plot-trends or --html to be drawn."
        raise typer.BadParameter(what, param_hint="--from")
    begin, until_ns = ns_of("--from", from_s), until_ns_of(until_s)
    choice = Choice(cpu, only, without, outside, seed, told)
    given = _read_input(recording, choice, until_ns)
    work, way = given.work.for_model(chosen, told.group_by)
    simulation = Simulation(work, chosen, group_by=way, hz=hz, **tunables)
    result, samples = _simulate(simulation, until_ns, looks=not (html is perfetto is plot_trends is None))
    changes = _changes(result, chosen)
    result = replace(result, cpus=given.cpus)  # a CPU without tasks is idle: shares are of all asked for
    recorded = given.recorded and replace(given.recorded, groups=result.groups)
    if plot is not None:  # files first: whoever reads the tables may stop reading
        reports.plot_timeline(result, plot, recorded=recorded, top=top, by=by, from_ns=begin)
    if plot_trends is not None:
        beside: dict[str, Any] = {"recorded": recorded, "samples": samples}
        reports.plot_trends(result, plot_trends, **beside, top=top, by=by, from_ns=begin)
    if html is not None:
        page = reports.result_html(result, recorded, samples=samples, by=by, top=top, from_ns=begin)
        reports.write_html(page, html)
    if perfetto is not None:
        reports.write_perfetto(result, perfetto, samples)
    if ftrace is not None:
        reports.write_ftrace(result, ftrace)
    sides = [result] if recorded is None else [result, recorded]
    _write_parquet([(side.model, side) for side in sides], parquet, parquet_stats, by)
    if json_file is not None:
        _write_json(json_file, _replayed(given.read, result, recorded))
    if json_file != "-":
        tables = reports.tables(result, recorded, by=by, top=top)
        _say_tables(_title(given, told.group_by, result, changes), tables)


@app.command()
@_polite
def compare(
    source: Annotated[str, source_argument("INPUT")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID[:TUNABLE=VALUE,...]",
            help="A column: a model, with tunables of its own if need be. Repeatable; default: every model.",
        ),
    ] = None,
    hz: HzOption = 1000,
    group_by: GroupByOption = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="[ID:]TUNABLE=VALUE",
            help="Write a tunable in the models that have it, or in one of them. Repeatable.",
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
    from_s: Annotated[
        float, typer.Option("--from", metavar="SECONDS", help="Begin of the part that is compared.")
    ] = 0.0,
    until_s: UntilOption = None,
    by: Annotated[By, typer.Option(metavar="comm|task|group", help="What a line is.")] = By.comm,
    top: TopOption = 8,
    json_file: JsonOption = None,
    plot: Annotated[Path | None, file_option("Draw a column a scheduler: .png, .svg or .pdf.")] = None,
    plot_trends: Annotated[
        Path | None, file_option("Draw shares and runnable tasks over time, a file a column.")
    ] = None,
    html: HtmlOption = None,
    perfetto: Annotated[
        Path | None, file_option("Write each column as a Perfetto trace, a file a column.")
    ] = None,
    ftrace: Annotated[
        Path | None, file_option("Write each column as ftrace text, a file a column (.gz: packed).")
    ] = None,
    parquet: ParquetOption = None,
    parquet_stats: ParquetStatsOption = None,
) -> None:
    """Run a recording or a scenario under several models, side by side.

    Shares, switches, waits and throughput of each command name, and how unequal tasks are served over time, a
    column a model. A model can be compared with itself:

    \b
        cfs compare INPUT --model linux-2.6.24-cfs --model linux-2.6.24-cfs:START_DEBIT=off

    Where a file holds one column (--perfetto, --ftrace, --plot-trends), FILE.END becomes FILE.1.END,
    FILE.2.END, ...
    """
    specs = columns_of(model or list(all_models()), set_ or [])
    begin, end = ns_of("--from", from_s) or 0, until_ns_of(until_s)
    check_files(plot, html, parquet, parquet_stats, perfetto, ftrace, plot_trends)
    told = told_of(group, uid, nice, group_by)
    given = _read_input(source, Choice(cpu, only, without, outside, seed, told))
    if plot is not None:
        check_columns(len(specs) + (given.recorded is not None))
    with _progress("simulating") as advance:
        found = reports.compare(
            given.work,
            specs,
            recorded=given.recorded,
            group_by=told.group_by,
            hz=hz,
            by=by.value,
            top=top,
            from_ns=begin,
            until_ns=end,
            cpus=given.cpus,
            progress=advance,
        )
    if plot is not None:
        found.plot(plot)
    if html is not None:
        reports.write_html(reports.comparison_html(found), html)
    for place, column in enumerate(found.columns, 1):
        samples = None if perfetto is plot_trends is None else _looked_at(given.work, column, found)
        if plot_trends is not None:
            part: dict[str, Any] = {"samples": samples, "from_ns": begin, "until_ns": end}
            reports.plot_trends(column.whole, _of_column(plot_trends, place), **part, top=top, by=by.value)
        if perfetto is not None:
            reports.write_perfetto(column.whole, _of_column(perfetto, place), samples)
        if ftrace is not None:
            reports.write_ftrace(column.whole, _of_column(ftrace, place))
    columns = [(column.label, column.result) for column in found.columns]
    _write_parquet(columns, parquet, parquet_stats, by.value)
    if json_file is not None:
        facts = {} if given.read is None else {"recording": _facts(given.read, given.cpus)}
        _write_json(json_file, found.to_dict() | facts)
    if json_file != "-":
        _say_tables([*given.title, *_column_titles(found), *given.warnings], found.tables())


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
            rows.append(verdict_row(path, found))
            if not as_json and not (quiet and rows[-1]["equal"]):
                for number, line in enumerate(verdict_lines(rows[-1])):
                    typer.secho(line, fg=None if rows[-1]["equal"] or number else "red")
    totals = totals_of(rows)
    if as_json:
        typer.echo(json.dumps({"schema": "cfs-conform/1", **totals, "traces": rows}, indent=1))
    else:
        for path in passed_over:
            typer.echo(f"passed over {clean(path)}: arithmetic vectors, not a trace", err=True)
        typer.echo(totals_text(totals))
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


# ------------------------------------------------------------------------------------------------------ input

TOML_LINE = re.compile(rb"\s*(\[\[?[^\[\]]+\]\]?|[\w\"'-]+\s*=.*)\s*(#.*)?")
"""A header or a key; no line of perf script or ftrace looks like it."""


@dataclass(frozen=True, eq=False)
class _Given:
    """What is run: a workload, and if it comes from a recording, that and what was measured."""

    work: Workload
    cpus: list[int]
    title: list[str]
    warnings: list[str] = field(default_factory=list)
    read: Recording | None = None
    recorded: Result | None = None


def _read_input(path: str, choice: Choice, until_ns: int | None = None) -> _Given:
    """A recording or a scenario, as the options want it; what was measured up to `until_ns`."""
    given = _scenario(path, choice) if _is_scenario(path) else _recording(path, choice, until_ns)
    told = choice.told
    return replace(given, work=told.work(given.work), title=[*given.title, *told.lines])


def _is_scenario(path: str) -> bool:
    """Is it a scenario file? Its first line that is no comment says so."""
    if path == "-" or not os.path.isfile(path):
        return path.endswith(".toml")
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    lines = (line for line in head.splitlines() if line.strip() and not line.lstrip().startswith(b"#"))
    return path.endswith(".toml") or TOML_LINE.fullmatch(next(lines, b"")) is not None


def _recording(path: str, choice: Choice, until_ns: int | None) -> _Given:
    if choice.seed is not None:
        raise typer.BadParameter(f"{path} is a recording, in which nothing is drawn.", param_hint="--seed")
    with _progress("reading") as advance:
        read = Recording.open(path, progress=advance)
    cpus = cpus_of(choice.cpu or ["0"])
    cpus = read.cpus if cpus is None else cpus
    work = read.workload(cpus, **choice.of_recordings())
    recorded = read.result(cpus, workload=work, until_ns=until_ns)
    warnings = _warnings(read, choice.told)
    return _Given(work, cpus, _recording_title(read, work, cpus), warnings, read, recorded)


def _scenario(path: str, choice: Choice) -> _Given:
    for option, value in ({"cpu": choice.cpu} | choice.of_recordings()).items():
        if value:
            why = f"{path} is a scenario; this is for recordings."
            raise typer.BadParameter(why, param_hint=f"--{option}")
    work = read_scenario(path, seed=choice.seed)
    cpus = sorted(set(work.tasks["cpu"].tolist())) or [0]
    facts = f"{time_text(work.duration_ns).strip()}, {count_text(work.nr_tasks, 'task')}, {_cpu_text(cpus)}"
    return _Given(work, cpus, [f"scenario   {clean(work.source)}: {facts}"])


# ----------------------------------------------------------------------------------------------------- replay


def _looked_at(
    work: Workload, column: reports.comparison.Column, found: reports.Comparison
) -> reports.Samples | None:
    """Virtual time of a column over time: its run once more, looked at on the way; None for what was
    recorded.
    """
    if column.is_recorded:
        return None
    whole, model = column.whole, model_named(column.model)
    work, _ = work.for_model(model, found.group_by)
    simulation = Simulation(work, model, group_by=whole.group_by, hz=whole.hz, **column.settings)
    return _simulate(simulation, whole.duration_ns, looks=True)[1]


def _of_column(path: Path, place: int) -> Path:
    """FILE.END -> FILE.2.END, for the second column; all of several endings stay together."""
    endings = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:])
    return path.with_name(f"{path.name[: len(path.name) - len(endings)]}.{place}{endings}")


def _write_parquet(sides: list[tuple[str, Result]], runs: Path | None, stats: Path | None, by: str) -> None:
    """The runs of all sides, and their statistics."""
    if runs is not None:
        to_parquet(arrow_table(sides), runs)
    if stats is not None:
        to_parquet(arrow_table(sides, "stats", by), stats)


def _simulate(
    simulation: Simulation, until_ns: int | None, *, looks: bool
) -> tuple[Result, reports.Samples | None]:
    """The result, and if wanted what the model's virtual time was on the way."""
    with _progress("simulating") as advance:
        if looks:
            return reports.run_sampled(simulation, until_ns, progress=advance)
        return simulation.run(until_ns, progress=advance), None


def _title(given: _Given, asked: str | None, result: Result, changes: str) -> list[str]:
    """What was read, what was made of it, and what it ran under."""
    model = f"model      {result.model}, hz {result.hz}, {_grouping(result)}{changes}"
    adapted = [f"given      {line}" for line in _adapted(result, asked)]
    return [*given.title, *adapted, *_group_lines(result), model, *given.warnings]


def _adapted(result: Result, asked: str | None) -> list[str]:
    """What a model is asked to be fair among and does not know: a line that says what it did, or none."""
    if asked == result.group_by:
        return []
    what = {"uid": "users", "cgroup": "groups"}[asked or "uid"]
    if result.group_by is None:
        return [f"{result.model} knows no {what}: it is fair among tasks"]
    groups = "each is a control group, user 0 with 2048 shares if not told"
    return [f"{result.model} knows no {what}: {groups}"]


def _group_lines(result: Result) -> list[str]:
    """Who is in which group, and its shares, where it has some."""
    sizes = Counter(result.groups) if result.group_by else {}
    return [
        f"{'' if i else 'groups':<11}{clean(name)}: {count_text(nr, 'task')}"
        + (f", {result.shares[name]} shares" if name in result.shares and name != "/" else "")
        for i, (name, nr) in enumerate(sorted(sizes.items()))
    ]


def _recording_title(read: Recording, work: Workload, cpus: list[int]) -> list[str]:
    causes = read.causes(cpus)
    return [
        f"recording  {clean(read.name)}: {read.kind}, {_length(read)}",
        f"           {time_text(read.duration_ns).strip()}, {_cpu_text(read.cpus)}, "
        f"{count_text(len(read.tasks), 'task')}, {_switches(read)}",
        f"workload   {count_text(work.nr_tasks, 'task')} of {_cpu_text(cpus)}; wakeups there: "
        f"{causes['caused']} caused by tasks, {causes['timer']} by timers, {causes['outside']} from outside",
    ]


def _length(read: Recording) -> str:
    if read.nr_records:
        return count_text(read.nr_records, "record") + (f", clock {clean(read.clock)}" if read.clock else "")
    return count_text(read.nr_lines, "line")


def _warnings(read: Recording, told: Told) -> list[str]:
    warnings = list(read.warnings)
    if told.group_by and not told.says_whose:
        warnings.append("a recording tells no users or groups: all tasks are of user 0, in the root group")
    return [f"warning    {clean(warning)}" for warning in warnings]


def _switches(read: Recording) -> str:
    inferred = f" and {read.inferred_switch_ins} inferred" if read.inferred_switch_ins else ""
    return f"{read.nr_switches} switches{inferred}"


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


def _replayed(read: Recording | None, result: Result, recorded: Result | None) -> dict[str, Any]:
    """The result, schema cfs-result/1, with the recorded one and facts of the recording inside."""
    if read is None or recorded is None:
        return result.to_dict()
    return result.to_dict() | {"recording": _facts(read, result.cpus), "recorded": recorded.to_dict()}


def _facts(read: Recording, cpus: list[int]) -> dict[str, Any]:
    return {
        "name": read.name,
        "kind": read.kind,
        "cpus": read.cpus,
        "nr_lines": read.nr_lines,
        "nr_switches": read.nr_switches,
        "inferred_switch_ins": read.inferred_switch_ins,
        "start_ns": read.start_ns,
        "duration_ns": read.duration_ns,
        "nr_tasks": len(read.tasks),
        "wakeups": read.causes(cpus),
        "warnings": read.warnings,
    }


def _write_json(path: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1)
    if path == "-":
        typer.echo(text)
    else:
        Path(path).write_text(text + "\n", encoding="utf-8")


# ---------------------------------------------------------------------------------------------------- compare


def _column_titles(found: reports.Comparison) -> list[str]:
    """The part that is compared, who is in which group, and what each column ran under."""
    begin, end = (f"{ns / 1e9:.4g} s" for ns in found.span)
    grouped = [column.result for column in found.columns if column.result.group_by]
    lines = [line for result in grouped[:1] for line in _group_lines(result)]
    lines.append(f"compared   {begin} ... {end}, hz {found.columns[0].result.hz}")
    for column in found.columns:
        if not column.is_recorded:
            changes = _changes(column.result, model_named(column.model))
            lines.append(f"model      {column.model}: {_grouping(column.result)}{changes}")
            lines += [f"           {line}" for line in _adapted(column.result, found.group_by)]
    return lines


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
