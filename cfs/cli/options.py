"""What the options of the command line mean: how each looks, and its text as a value.

What it decides: the options that `cfs replay` and `cfs compare` share, once. Each is an alias (`HzOption`,
...) that both signatures name, so that the two cannot drift apart in spelling, type or help; a test lists
both and says which one has what the other lacks. `settings_of`, `columns_of`, `begin_ns_of` and `until_ns_of`
make an option's text a value, or an error that names the option and says what is allowed.

Times are read by `units.ns_of`, here and in scenarios: ``4.5ms``, ``4 ms``, ``2s``. A bare number is seconds
where a place in the span is meant (--from, --until), and ns where a length is (tunables, --slice).

A column of `cfs compare` is written ``MODEL:ITEM,ITEM``. An item is a tunable, ``hz=N``, ``group-by=uid``, or
one of the options that tell something about tasks, without its dashes: ``nice:PATTERN=N``.

Nothing here reads a recording or runs anything: what takes time begins after all options have been
understood.

Options that name a file to be written are not here. A command says ``files: Files``, and `outputs` puts an
option for each of its entries in that place: so a format is known in one file. All other options stand in the
signatures, where the reader and mypy see them.
"""

from __future__ import annotations

import enum
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TunableError, did_you_mean
from ..limits import POLICIES
from ..models.registry import MODELS, Model, model_named
from ..units import ns_of as duration_ns
from ..units import seconds_text

if TYPE_CHECKING:
    from ..reports.comparison import Variant
    from ..workload.told import Told

__all__ = ["begin_ns_of", "columns_of", "ns_of", "settings_of", "told_of", "until_ns_of"]

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


# ------------------------------------------------------------------------------------------- what a shell adds


def complete_model(incomplete: str) -> list[tuple[str, str]]:
    """Models that begin so; behind a colon what a column can say: its tunables, and what it tells of tasks."""
    model_id, colon, items = incomplete.partition(":")
    if not colon:
        return [(model.id, model.summary) for model in MODELS.values() if model.id.startswith(incomplete)]
    if model_id not in MODELS:
        return []
    done, comma, item = items.rpartition(",")
    words = _values_of(item, [MODELS[model_id]]) if "=" in item else []
    if "=" not in item:
        words = [*(f"{name}=" for name in MODELS[model_id].tunables.names()), "hz=", "group-by="]
        words += [f"{word}:" for word in FORMS]
    return [(f"{model_id}:{done}{comma}{word}", "") for word in words if word.startswith(item)]


def _values_of(item: str, models: list[Model]) -> list[str]:
    """NAME=VALUE with each value that has a name: of a feature bit, of a policy, of --group-by."""
    name, _, _ = item.rpartition("=")
    if any(name in model.tunables.FEATURES for model in models):
        return [f"{name}={value}" for value in ("on", "off")]
    values = POLICIES if name.startswith("policy:") else GroupBy.__members__ if name == "group-by" else ()
    return [f"{name}={value}" for value in values]


def complete_policy(incomplete: str) -> list[tuple[str, str]]:
    """Policies, behind the pattern."""
    pattern, equals, value = incomplete.rpartition("=")
    return [(f"{pattern}={policy}", "") for policy in POLICIES if equals and policy.startswith(value)]


def complete_id(incomplete: str) -> list[tuple[str, str]]:
    """Models that begin so."""
    return complete_model(incomplete.partition(":")[0])


def complete_setting(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Tunables of the models that were named before, or of all; of a feature bit on and off."""
    name, equals, _ = incomplete.partition("=")
    named = ctx.params.get("model") or list(MODELS)
    named = [named] if isinstance(named, str) else named
    models = [MODELS[text.partition(":")[0]] for text in named if text.partition(":")[0] in MODELS]
    if equals:
        return [(word, "") for word in _values_of(incomplete, models) if word.startswith(incomplete)]
    names = dict.fromkeys(name for model in models for name in model.tunables.names())
    return [(f"{name}=", "") for name in names if name.startswith(incomplete)]


# ------------------------------------------------------------------------------------------ how options look


def source_argument(metavar: str) -> Any:
    """The argument that names what is to be run."""
    what = "Text of perf script or ftrace, plain, gzip or zstd, or a scenario file (TOML); - is stdin."
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
        help="Tasks of such names are in this control group; a/b is below a, and idle in place of SHARES makes "
        "it idle. Implies --group-by cgroup. Repeatable.",
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
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=normal|batch|idle",
        help="Tasks of such names have this policy throughout. Repeatable.",
        autocompletion=complete_policy,
    ),
]
SliceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--slice",
        metavar="PATTERN=TIME",
        help="Tasks of such names ask for this slice (3ms), in models that have such. Repeatable.",
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Of a scenario's lengths that are drawn.")
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Begin of the part that is shown: seconds, or with a unit (250ms)."
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="TIME", help="End there, counted from the first event, on all sides (1.5, 1500ms)."
    ),
]
ByOption = Annotated[By | None, typer.Option(metavar="comm|task|group", help="What a line is.")]
ByCommOption = Annotated[bool, typer.Option("--by-comm", hidden=True, help="The same as --by comm.")]
ByGroupOption = Annotated[bool, typer.Option("--by-group", hidden=True, help="The same as --by group.")]
TopOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Lines shown; the rest is summed in one line.")
]


def by_of(by: By | None, by_comm: bool, by_group: bool, default: str) -> str:
    """What a line is, by --by or its older spellings."""
    if by is not None:
        return by.value
    return "group" if by_group else "comm" if by_comm else default


# ----------------------------------------------------------------------------------------- whose the tasks are

FORMS = {
    "nice": "PATTERN=N",
    "policy": "PATTERN=normal|batch|idle",
    "slice": "PATTERN=TIME",
    "group": "PATTERN=NAME[:SHARES]",
    "uid": "PATTERN=UID[:SHARES]",
}
"""What can be told about tasks: the option, which is also the word of an item of a column, and its form."""


def told_of(
    groups: list[str] | None,
    uids: list[str] | None,
    nice: list[str] | None,
    group_by: GroupBy | None,
    policies: list[str] | None = None,
    slices: list[str] | None = None,
) -> Told:
    """The options that tell something about tasks, understood; `typer.BadParameter` if they are not."""
    from ..workload.told import Told

    implied = [by for by, texts in ((GroupBy.cgroup, groups), (GroupBy.uid, uids)) if texts]
    if len(implied) == 2 and group_by is None:
        why = "both are given; say with --group-by which counts."
        raise typer.BadParameter(why, param_hint="--group, --uid")
    if implied and group_by is not None and group_by not in implied:
        option = "--group" if groups else "--uid"
        raise typer.BadParameter(f"{option} has no effect with {group_by.value}.", param_hint="--group-by")
    by = group_by or (implied[0] if implied else None)
    shares: dict[str, int | str] = {}
    return Told(
        dict(_grouped(text, shares) for text in groups or []),
        dict(_of_user(text) for text in uids or []),
        dict(_numbered("--nice", text) for text in nice or []),
        by and by.value,
        dict(_halves("--policy", text) for text in policies or []),
        dict(_timed("--slice", text) for text in slices or []),
        shares,
    )


def _grouped(text: str, shares: dict[str, int | str]) -> tuple[str, Any]:
    """PATTERN=NAME[:SHARES][/NAME[:SHARES]]... as pattern and group; shares of groups above go to `shares`."""
    pattern, path = _halves("--group", text)
    if path == "/":
        return pattern, path
    own: int | str | None = None
    name = "/" if path.startswith("/") else ""
    for depth, part in enumerate(path.removeprefix("/").split("/")):
        if own is not None:
            shares[name] = own
        word, colon, value = part.rpartition(":") if ":" in part else (part, "", "")
        own = None if not colon else value if value == "idle" else _number("--group", text, value)
        name += f"/{word}" if depth else word
    return pattern, name if own is None else (name, own)


def _of_user(text: str) -> tuple[str, Any]:
    pattern, rest = _halves("--uid", text)
    uid, colon, shares = rest.partition(":")
    number = _number("--uid", text, uid)
    return pattern, (number, _number("--uid", text, shares)) if colon else number


def _numbered(option: str, text: str) -> tuple[str, int]:
    pattern, value = _halves(option, text)
    return pattern, _number(option, text, value)


def _timed(option: str, text: str) -> tuple[str, int]:
    pattern, value = _halves(option, text)
    return pattern, ns_of(option, value, bare="ns")


def _halves(option: str, text: str) -> tuple[str, str]:
    pattern, _, rest = text.rpartition("=")
    if not pattern or not rest:
        form = FORMS[option.removeprefix("--")]
        raise typer.BadParameter(f"{text!r} is not of the form {form}.", param_hint=option)
    return pattern, rest


def _number(option: str, text: str, number: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", number):
        raise typer.BadParameter(f"{text!r}: {number!r} is no number.", param_hint=option)
    return int(number)


# ----------------------------------------------------------------------------------------------- which models


def settings_of(model: Model, settings: list[str]) -> dict[str, int | bool]:
    """Tunables written by --set, checked before anything long begins."""
    values = {}
    for setting in settings:
        name, value = _setting_of(setting, f"--set {setting}")
        values[name] = value
    model.tunables.at_boot(**values)
    return values


def columns_of(columns: list[str], settings: list[str]) -> list[Variant]:
    """What is compared: of each column the model, what --set writes there, and over it what --model says."""
    from ..reports.comparison import Variant

    models = [model_named(text.partition(":")[0]) for text in columns]
    written: list[dict[str, int | bool]] = [{} for _ in columns]
    for setting in sorted(settings, key=_is_for_one):  # what is written for one model comes later, and stands
        model_id, _, rest = setting.rpartition(":") if _is_for_one(setting) else ("", "", setting)
        name, value = _setting_of(rest, f"--set {setting}")
        places = [i for i, model in enumerate(models) if _takes(model, name, model_id)]
        if not places:
            raise _nobody_takes(setting, name, model_id, models)
        for i in places:
            written[i][name] = value
    variants = []
    for text, model, values in zip(columns, models, written):
        tunables, hz, told = _items_of(text)
        variants.append(Variant(model, _checked(model, values | tunables), hz, told))
    return variants


def _items_of(column: str) -> tuple[dict[str, int | bool], int | None, Told]:
    """Tunables, ticks a second, and what is told about tasks, of MODEL:ITEM,ITEM."""
    option = f"--model {column}"
    told: dict[str, list[str]] = {}
    settings: dict[str, str] = {}
    for item in filter(None, (text.strip() for text in column.partition(":")[2].split(","))):
        word, colon, rest = item.partition(":")
        if colon and "=" not in word:
            told.setdefault(_known_word(word, option), []).append(rest)
        else:
            settings[item.partition("=")[0].strip()] = item
    hz, by = settings.pop("hz", None), settings.pop("group-by", None)
    tunables = dict(_setting_of(item, option) for item in settings.values())
    try:
        ticks = None if hz is None else _number(option, hz, hz.partition("=")[2].strip())
        of = told.get
        asked = _group_by_of(by)
        given = told_of(of("group"), of("uid"), of("nice"), asked, of("policy"), of("slice"))
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from None
    return tunables, ticks, given


def _known_word(word: str, option: str) -> str:
    if word not in FORMS:
        what = f"{word!r} is none of {', '.join(FORMS)}{did_you_mean(word, FORMS)}"
        raise typer.BadParameter(what, param_hint=option)
    return word


def _group_by_of(item: str | None) -> GroupBy | None:
    if item is None:
        return None
    value = item.partition("=")[2].strip()
    if value not in GroupBy.__members__:
        raise typer.BadParameter(f"{value!r} is neither uid nor cgroup")
    return GroupBy(value)


def _nobody_takes(setting: str, name: str, model_id: str, models: list[Model]) -> TunableError:
    whose = f"{model_id} is not compared, or has no" if model_id else "none of the models has a"
    known = [known for model in models if model_id in ("", model.id) for known in model.tunables.names()]
    slip = did_you_mean(name, known) or did_you_mean(model_id, [model.id for model in models])
    return TunableError(f"--set {setting}: {whose} tunable {name!r}{slip}")


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
    return name.strip(), _value(option, text.strip())


def _value(option: str, text: str) -> int | bool:
    if text.lower() in FLAGS:
        return FLAGS[text.lower()]
    with suppress(ValueError):
        return int(text, 0)
    with suppress(ValueError):
        return duration_ns(text, bare="ns")
    message = f"{option}: {text!r} is no value; write a number (6000000), a time (6ms), or on or off"
    raise TunableError(message)


# ------------------------------------------------------------------------------------------------------ times


def ns_of(option: str, text: str, bare: str = "s") -> int:
    """The ns of a time; a bare number is in the unit `bare`."""
    try:
        return duration_ns(" ".join(text.split()), bare)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint=option) from None


def begin_ns_of(text: str | None) -> int:
    """--from as ns; 0 if it is not given."""
    return 0 if text is None else ns_of("--from", text)


def check_part(begin_ns: int, end_ns: int | None) -> None:
    """Raise unless something lies between --from and the end."""
    if end_ns is not None and begin_ns and begin_ns >= end_ns:
        what = f"{seconds_text(begin_ns)} is not before the end, {seconds_text(end_ns)}."
        raise typer.BadParameter(what, param_hint="--from")


def until_ns_of(text: str | None) -> int | None:
    """--until as ns, 1 or more."""
    ns = None if text is None else ns_of("--until", text)
    if ns == 0:
        raise typer.BadParameter(f"{text} is no time after the beginning.", param_hint="--until")
    return ns
