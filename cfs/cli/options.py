"""What the options of the command line mean: how each looks, and its text as a value.

What it decides: the options that `cfs replay` and `cfs compare` share, once. Each is an alias (`HzOption`,
...) that both signatures name, so that the two cannot drift apart in spelling, type or help; a test lists
both and says which one has what the other lacks.

    text        `settings_of`, `columns_of`, `told_of`, `cpus_of`, `ns_of`: an option -> a value, or an error
                that names the option and says what is allowed
    files       `check_files`: can be written, said before the work and not after it

Nothing here reads a recording or runs anything: what takes time begins after all options have been
understood.

Rejected: one function that adds the shared options to a command by a signature made at run time. It would
save thirty lines and hide from the reader, and from mypy, what a command takes.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import TunableError
from ..reports.frames import check_parquet
from ..models.registry import Model, model_named
from ..reports.drawing import check_path
from ..reports.files import check_folder as check_html
from ..reports.perfetto import check_perfetto
from ..units import clean
from ..limits import NS_MAX
from ..workload.workload import Workload

__all__ = [
    "Choice",
    "Told",
    "check_files",
    "columns_of",
    "cpus_of",
    "ns_of",
    "settings_of",
    "told_of",
    "until_ns_of",
]

FLAGS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
NS_PER = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


class GroupBy(str, enum.Enum):
    """Among whom the model is fair."""

    uid = "uid"
    cgroup = "cgroup"


class Outside(str, enum.Enum):
    """When wakeups from outside take place."""

    absolute = "absolute"
    relative = "relative"


class By(str, enum.Enum):
    """What a line is."""

    comm = "comm"
    task = "task"
    group = "group"


# ------------------------------------------------------------------------------------------ how options look


def source_argument(metavar: str) -> Any:
    """The argument that names what is to be run."""
    what = "Text of perf script or ftrace, plain, gzip or zstd (- is stdin), or a scenario file (TOML)."
    return typer.Argument(metavar=metavar, help=what)


def file_option(help_text: str) -> Any:
    """An option that names a file to be written."""
    return typer.Option(metavar="FILE", help=help_text)


HzOption = Annotated[int, typer.Option(metavar="N", help="Ticks a second.")]
GroupByOption = Annotated[
    GroupBy | None,
    typer.Option(metavar="uid|cgroup", help="Be fair among users or control groups, not tasks."),
]
CpuOption = Annotated[
    list[str] | None,
    typer.Option(metavar="N", help="CPU whose tasks are replayed, or all; default 0. Repeatable."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Only tasks of such names ('cc1', 'kworker/*'). Repeatable."),
]
WithoutOption = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Leave out tasks of such names. Repeatable.")
]
OutsideOption = Annotated[
    Outside | None,
    typer.Option(
        metavar="absolute|relative",
        help="Wakeups that no task caused: at their recorded time, or as long after the block as "
        "recorded; default: those of timers absolute, others relative.",
    ),
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=NAME[:SHARES]",
        help="Tasks of such names are in this control group; implies --group-by cgroup. Repeatable.",
    ),
]
UidOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=UID[:SHARES]",
        help="Tasks of such names are this user's, the rest user 0's; implies --group-by uid. Repeatable.",
    ),
]
NiceOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=N", help="Tasks of such names have this nice value throughout. Repeatable."
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Of a scenario's lengths that are drawn.")
]
UntilOption = Annotated[
    float | None,
    typer.Option("--until", metavar="SECONDS", help="End there, counted from the first event, on all sides."),
]
TopOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Lines shown; the rest is summed in one line.")
]
JsonOption = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the result as JSON; - is stdout, in place of the tables."
    ),
]
HtmlOption = Annotated[Path | None, file_option("Write a page with plots and tables that works offline.")]
ParquetOption = Annotated[Path | None, file_option("Write all runs as a Parquet file, for data frames.")]
ParquetStatsOption = Annotated[
    Path | None, file_option("Write the statistics of each line as a Parquet file.")
]


# -------------------------------------------------------------------------------------------- whose tasks are


@dataclass(frozen=True)
class Told:
    """What a recording cannot say and --group, --uid, --nice and --group-by do: whose the tasks are.

    Parameters
    ----------
    groups, uids, nice : dict
        By pattern of names, as the methods of `Workload` take them.
    group_by : {None, "uid", "cgroup"}
        Among whom to be fair: asked for, or implied.
    """

    groups: dict[str, str | tuple[str, int]]
    uids: dict[str, int | tuple[int, int]]
    nice: dict[str, int]
    group_by: str | None

    def work(self, work: Workload) -> Workload:
        """The workload as told."""
        return work.with_nice(self.nice).with_uids(self.uids).with_groups(self.groups)

    @property
    def lines(self) -> list[str]:
        """What the head of the tables says about it; groups it shows as they came out."""
        return [f"given      nice {value} for {clean(pattern)}" for pattern, value in self.nice.items()]

    @property
    def says_whose(self) -> bool:
        """Is anybody in a group or a user's because of it?"""
        return bool(self.groups or self.uids)


def told_of(
    groups: list[str] | None, uids: list[str] | None, nice: list[str] | None, group_by: GroupBy | None
) -> Told:
    """The options --group, --uid, --nice and --group-by, understood; `typer.BadParameter` if they are not."""
    implied = [by for by, texts in ((GroupBy.cgroup, groups), (GroupBy.uid, uids)) if texts]
    if len(implied) == 2 and group_by is None:
        why = "both are given; say with --group-by which counts."
        raise typer.BadParameter(why, param_hint="--group, --uid")
    if implied and group_by is not None and group_by not in implied:
        option = "--group" if groups else "--uid"
        raise typer.BadParameter(f"{option} has no effect with {group_by.value}.", param_hint="--group-by")
    by = group_by or (implied[0] if implied else None)
    return Told(
        dict(_shared("--group", text, str) for text in groups or []),
        dict(_shared("--uid", text, int) for text in uids or []),
        dict(_niced(text) for text in nice or []),
        by and by.value,
    )


def _shared(option: str, text: str, kind: type) -> tuple[str, Any]:
    """PATTERN=NAME[:SHARES] as pattern and what the methods of `Workload` take."""
    pattern, rest = _halves(option, text)
    name, colon, shares = rest.rpartition(":")
    if not colon:
        return pattern, rest if kind is str else _number(option, text, rest)
    number = _number(option, text, shares)
    return pattern, (name if kind is str else _number(option, text, name), number)


def _niced(text: str) -> tuple[str, int]:
    pattern, value = _halves("--nice", text)
    return pattern, _number("--nice", text, value)


FORMS = {"--group": "PATTERN=NAME[:SHARES]", "--uid": "PATTERN=UID[:SHARES]", "--nice": "PATTERN=N"}


def _halves(option: str, text: str) -> tuple[str, str]:
    pattern, _, rest = text.rpartition("=")
    if not pattern or not rest:
        raise typer.BadParameter(f"{text!r} is not of the form {FORMS[option]}.", param_hint=option)
    return pattern, rest


def _number(option: str, text: str, number: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", number):
        raise typer.BadParameter(f"{text!r}: {number!r} is no number.", param_hint=option)
    return int(number)


@dataclass(frozen=True)
class Choice:
    """What --cpu, --only, --without, --outside, --seed and those of `Told` say: which workload is meant."""

    cpu: list[str] | None
    only: list[str] | None
    without: list[str] | None
    outside: Outside | None
    seed: int | None
    told: Told

    def of_recordings(self) -> dict[str, Any]:
        """What `Recording.workload` takes beside the CPUs; a scenario knows none of it."""
        outside = self.outside and self.outside.value
        return {"only": self.only or None, "without": self.without or None, "outside": outside}


# ----------------------------------------------------------------------------------------------- which models


def settings_of(model: Model, settings: list[str]) -> dict[str, int | bool]:
    """Tunables written by --set, checked before anything long begins."""
    values = {}
    for setting in settings:
        name, value = _setting_of(setting, f"--set {setting}")
        values[name] = value
    model.tunables.at_boot(**values)
    return values


def columns_of(columns: list[str], settings: list[str]) -> list[tuple[Model, dict[str, int | bool]]]:
    """The models to be compared and their tunables: those of --set, and over them those of --model."""
    models = [model_named(text.partition(":")[0]) for text in columns]
    written: list[dict[str, int | bool]] = [{} for _ in columns]
    for setting in sorted(settings, key=_is_for_one):  # what is written for one model comes later, and stands
        model_id, _, rest = setting.rpartition(":") if _is_for_one(setting) else ("", "", setting)
        name, value = _setting_of(rest, f"--set {setting}")
        places = [i for i, model in enumerate(models) if _takes(model, name, model_id)]
        if not places:
            whose = f"{model_id} is not compared, or has no" if model_id else "none of the models has a"
            raise TunableError(f"--set {setting}: {whose} tunable {name!r}")
        for i in places:
            written[i][name] = value
    for i, text in enumerate(columns):
        for setting in filter(None, text.partition(":")[2].split(",")):
            written[i].update([_setting_of(setting, f"--model {text}")])
    return [(model, _checked(model, values)) for model, values in zip(models, written)]


def _is_for_one(setting: str) -> bool:
    return ":" in setting.partition("=")[0]


def _takes(model: Model, name: str, model_id: str) -> bool:
    return model_id in ("", model.id) and name in model.tunables.names()


def _checked(model: Model, values: dict[str, int | bool]) -> dict[str, int | bool]:
    """The values, feature bits as flags; an error names the model."""
    try:
        model.tunables.at_boot(**values)
    except TunableError as error:
        raise TunableError(f"{model.id}: {error}") from None
    return {name: bool(value) if name in model.tunables.FEATURES else value for name, value in values.items()}


def _setting_of(setting: str, option: str) -> tuple[str, int | bool]:
    """Name and value; `option` is what an error begins with."""
    name, equals, text = setting.partition("=")
    if not equals:
        raise TunableError(f"{option}: not of the form TUNABLE=VALUE")
    return name.strip(), _value(option, text.strip().lower())


def _value(option: str, text: str) -> int | bool:
    if text in FLAGS:
        return FLAGS[text]
    number = re.fullmatch(r"(\d+)(ns|us|µs|ms|s)", text)
    if number:
        return int(number[1]) * NS_PER[number[2]]
    try:
        return int(text, 0)
    except ValueError:
        raise TunableError(
            f"{option}: {text!r} is no value; write a number (6000000), a time (6ms), or on or off"
        ) from None


# ----------------------------------------------------------------------------------------- CPUs, times, files


def cpus_of(texts: list[str]) -> list[int] | None:
    """Numbers of the CPUs asked for, None for all."""
    if "all" in texts:
        return None
    if not all(text.isascii() and text.isdigit() for text in texts):
        wrong = next(text for text in texts if not (text.isascii() and text.isdigit()))
        raise typer.BadParameter(f"{wrong!r} is neither the number of a CPU nor 'all'.", param_hint="--cpu")
    return sorted({int(text) for text in texts})


def ns_of(option: str, seconds: float | None) -> int | None:
    """Seconds as ns."""
    if seconds is not None and not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is no time.", param_hint=option)
    return None if seconds is None else round(seconds * 1e9)


def until_ns_of(seconds: float | None) -> int | None:
    """--until as ns, 1 or more."""
    if seconds is not None and not 0 < seconds < NS_MAX / 1e9:
        raise typer.BadParameter(f"{seconds} is no time after the beginning.", param_hint="--until")
    return None if seconds is None else max(round(seconds * 1e9), 1)


def check_files(
    plot: Path | None,
    html: Path | None,
    parquet: Path | None,
    parquet_stats: Path | None,
    perfetto: Path | None,
    ftrace: Path | None,
    plot_trends: Path | None,
) -> None:
    """Say what is wrong with a file to be written before the work, not after it."""
    checks: list[tuple[Path | None, Callable[[Path], None]]] = [
        (plot, check_path),
        (plot_trends, check_path),
        (html, check_html),
        (parquet, check_parquet),
        (parquet_stats, check_parquet),
        (perfetto, check_perfetto),
        (ftrace, check_html),
    ]
    for path, check in checks:
        if path is not None:
            check(path)
