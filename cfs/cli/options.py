"""What the options of the command line mean: how each looks, and its text as a value.

What it decides: the options that `cfs replay` and `cfs compare` share, once. Each is an alias (`HzOption`,
...) that both signatures name, so that the two cannot drift apart in spelling, type or help; a test lists
both and says which one has what the other lacks. `settings_of`, `columns_of` and `ns_of` make an option's
text a value, or an error that names the option and says what is allowed.

Nothing here reads a recording or runs anything: what takes time begins after all options have been
understood.

Options that name a file to be written are not here. A command says ``files: Files``, and `outputs` puts an
option for each of its entries in that place: so a format is known in one file. All other options stand in the
signatures, where the reader and mypy see them.
"""

from __future__ import annotations

import enum
import math
from contextlib import suppress
from typing import Annotated, Any

import typer

from ..errors import TunableError
from ..limits import NS_MAX
from ..models.registry import Model, model_named
from ..units import ns_of as duration_ns

__all__ = ["columns_of", "ns_of", "settings_of", "until_ns_of"]

FLAGS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


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
    with suppress(ValueError):
        return int(text, 0)
    with suppress(ValueError):
        return duration_ns(text)
    message = f"{option}: {text!r} is no value; write a number (6000000), a time (6ms), or on or off"
    raise TunableError(message)


# ------------------------------------------------------------------------------------------------------ times


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
