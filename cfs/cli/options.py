"""What the options of the command line mean: how each looks, and its text as a value.

What it decides: the options that `cfs replay` and `cfs compare` share. Each is written once, as an alias
(`HzOption`, ...) that both signatures name, so the two cannot drift apart in spelling, type or help. A test
lists both and says what one has and the other lacks. `settings_of`, `columns_of`, `begin_ns_of` and
`until_ns_of` turn the text of an option into a value, or into an error that names the option and says what is
allowed.

`units.ns_of` reads times, here and in scenarios: ``4.5ms``, ``4 ms``, ``2s``. A bare number means seconds
for a place in the span (--from, --until) and ns for a length (tunables, --slice).

A column of `cfs compare` is written ``MODEL:ITEM,ITEM``. An item is a tunable, ``hz=N``, ``group-by=uid``, or
an assignment: one of the options for tasks without its dashes, ``nice:PATTERN=N``.

Nothing here reads a recording or runs anything. Long work begins only after all options have been understood.

Options that name a file to write are not here. A command says ``files: Files``, and `outputs` puts an option
for each of its entries in that place, so that one file knows the formats. All other options are in the
signatures, where the reader and mypy see them.
"""

from __future__ import annotations

import enum
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TunableError, WorkloadError, did_you_mean
from ..limits import POLICIES
from ..models.registry import MODELS, Model, model_named
from ..platform import Platform
from ..units import ns_of as duration_ns
from ..units import seconds_text

if TYPE_CHECKING:
    from ..reports.comparison import Variant
    from ..workload.assigned import Assigned

__all__ = ["assigned_of", "begin_ns_of", "columns_of", "ns_of", "platform_of", "settings_of", "until_ns_of"]

NR_JITTER = 16
FACTS = ("preempt", "tick_phase_ns", "wakeup_cost_ns", "switch_cost_ns")
FLAGS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


class GroupBy(str, enum.Enum):
    """What the model is fair among."""

    uid = "uid"
    cgroup = "cgroup"


class Outside(str, enum.Enum):
    """When wakeups from outside take place."""

    absolute = "absolute"
    relative = "relative"


class Preempt(str, enum.Enum):
    """Whether a task in a system call can be preempted."""

    none = "none"
    voluntary = "voluntary"
    full = "full"


class By(str, enum.Enum):
    """What a line is."""

    comm = "comm"
    task = "task"
    group = "group"


# ------------------------------------------------------------------------------------------- what a shell adds


def complete_model(incomplete: str) -> list[tuple[str, str]]:
    """Models that begin like this; after a colon, the items of a column: tunables and assignments."""
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
    """Models that begin like this."""
    return complete_model(incomplete.partition(":")[0])


def complete_setting(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Tunables of the models named before, or of all; after ``BIT=``, on and off."""
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
    what = (
        "What cfs record, perf or trace-cmd recorded, text of perf script or ftrace, plain, gzip or zstd, "
        "or a scenario file (TOML); - is stdin."
    )
    return typer.Argument(metavar=metavar, help=what)


HzOption = Annotated[
    int | None,
    typer.Option(metavar="N", help="Ticks a second. Default: as the recording shows; 1000 if nothing does."),
]
PreemptOption = Annotated[
    Preempt | None,
    typer.Option(
        metavar="none|voluntary|full",
        help="Whether a task in a system call can be preempted. Default: as the recording shows; full.",
    ),
]
TickPhaseOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="When the first tick comes. Default: as the recording shows.")
]
TickJitterOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Ticks come up to TIME late, 0: in time. Default: as the recording shows."),
]
WakeupCostOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="How long an interrupt that wakes a task takes. Default: as the recording shows."
    ),
]
SwitchCostOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="What a switch costs, beyond what the recording contains. Default: 0."),
]
GroupByOption = Annotated[
    GroupBy | None,
    typer.Option(metavar="uid|cgroup", help="Be fair among users or control groups, not tasks."),
]
CpuOption = Annotated[
    list[str] | None,
    typer.Option(metavar="N", help="Replay the tasks of this CPU, or of all; default: the lowest. Repeatable."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Keep only tasks of matching names ('cc1', 'kworker/*'). Repeatable."),
]
WithoutOption = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Leave out tasks with matching names. Repeatable.")
]
BareOption = Annotated[
    bool, typer.Option("--bare", help="Read the events alone: not what a file says beside them.")
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
        help="Put matching tasks into this control group; a/b is below a, and idle in place of SHARES makes "
        "the group idle. Implies --group-by cgroup. Repeatable.",
    ),
]
UidOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=UID[:SHARES]",
        help="Give matching tasks to this user; all others are user 0's. Implies --group-by uid. Repeatable.",
    ),
]
NiceOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=N", help="Give matching tasks this nice value throughout. Repeatable."
    ),
]
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=normal|batch|idle",
        help="Give matching tasks this policy throughout. Repeatable.",
        autocompletion=complete_policy,
    ),
]
SliceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--slice",
        metavar="PATTERN=TIME",
        help="Let matching tasks ask for this slice (3ms), in models that have such slices. Repeatable.",
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Seed of what is drawn: lengths in a scenario, how late each tick comes.")
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Begin the part that is shown here: seconds, or with a unit (250ms)."
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="TIME", help="End there, counted from the first event, on all sides (1.5, 1500ms)."
    ),
]
ByOption = Annotated[By | None, typer.Option(metavar="comm|task|group", help="What a line stands for.")]
ByCommOption = Annotated[bool, typer.Option("--by-comm", hidden=True, help="The same as --by comm.")]
ByGroupOption = Annotated[bool, typer.Option("--by-group", hidden=True, help="The same as --by group.")]
TopOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Show this many lines; the rest is summed in one.")
]
NoLogOption = Annotated[
    bool,
    typer.Option("--no-log", help="Keep no runs, but sums: no quantiles, and memory does not grow with them."),
]


def by_of(by: By | None, by_comm: bool, by_group: bool, default: str) -> str:
    """What a line stands for, by --by or its older spellings."""
    if by is not None:
        return by.value
    return "group" if by_group else "comm" if by_comm else default


# -------------------------------------------------------------------------------------------- assignments

FORMS = {
    "nice": "PATTERN=N",
    "policy": "PATTERN=normal|batch|idle",
    "slice": "PATTERN=TIME",
    "group": "PATTERN=NAME[:SHARES]",
    "uid": "PATTERN=UID[:SHARES]",
}
"""What can be assigned to tasks: each option (and item of a column) with its form."""


def assigned_of(
    groups: list[str] | None,
    uids: list[str] | None,
    nice: list[str] | None,
    group_by: GroupBy | None,
    policies: list[str] | None = None,
    slices: list[str] | None = None,
) -> Assigned:
    """The options that assign something to tasks; `typer.BadParameter` if one is not understood."""
    from ..workload.assigned import Assigned

    implied = [by for by, texts in ((GroupBy.cgroup, groups), (GroupBy.uid, uids)) if texts]
    if len(implied) == 2 and group_by is None:
        why = "both are given; choose one with --group-by."
        raise typer.BadParameter(why, param_hint="--group, --uid")
    if implied and group_by is not None and group_by not in implied:
        option = "--group" if groups else "--uid"
        raise typer.BadParameter(f"{option} has no effect with {group_by.value}.", param_hint="--group-by")
    by = group_by or (implied[0] if implied else None)
    shares: dict[str, int | str] = {}
    return Assigned(
        dict(_grouped(text, shares) for text in groups or []),
        dict(_of_user(text) for text in uids or []),
        dict(_numbered("--nice", text) for text in nice or []),
        by and by.value,
        dict(_halves("--policy", text) for text in policies or []),
        dict(_timed("--slice", text) for text in slices or []),
        shares,
    )


def _grouped(text: str, shares: dict[str, int | str]) -> tuple[str, Any]:
    """Pattern and group of PATTERN=NAME[:SHARES][/NAME[:SHARES]]...; shares of groups above go to `shares`."""
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
        raise typer.BadParameter(f"{text!r}: {number!r} is not a number.", param_hint=option)
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


def platform_of(
    hz: int | None,
    preempt: Preempt | None,
    phase: str | None,
    jitter: str | None,
    wakeup_cost: str | None,
    switch_cost: str | None,
    seed: int | None,
) -> dict[str, Any]:
    """The facts of a `Platform` that the command line states."""
    times = {
        "tick_phase_ns": ("--tick-phase", phase),
        "wakeup_cost_ns": ("--wakeup-cost", wakeup_cost),
        "switch_cost_ns": ("--switch-cost", switch_cost),
    }
    given: dict[str, Any] = {name: _time_of(*what) for name, what in times.items()}
    late = _time_of("--tick-jitter", jitter)
    given["tick_jitter_ns"] = None if late is None else tuple(late * i // NR_JITTER for i in range(NR_JITTER + 1))
    given |= {"hz": hz, "preempt": preempt and preempt.value, "seed": seed}
    return {name: value for name, value in given.items() if value is not None}


def _time_of(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    value = _value(option, text)
    if isinstance(value, bool) or value < 0:
        raise typer.BadParameter(f"{text!r} is no time; write 5us or 2ms.", param_hint=option)
    return value


def columns_of(columns: list[str], settings: list[str]) -> list[Variant]:
    """The columns of a comparison: for each the model, then what --set writes, then the items of --model."""
    from ..reports.comparison import Variant

    models = [model_named(text.partition(":")[0]) for text in columns]
    written: list[dict[str, int | bool]] = [{} for _ in columns]
    for setting in sorted(settings, key=_is_for_one):  # a setting for one model comes later, so it wins
        model_id, _, rest = setting.rpartition(":") if _is_for_one(setting) else ("", "", setting)
        name, value = _setting_of(rest, f"--set {setting}")
        places = [i for i, model in enumerate(models) if _takes(model, name, model_id)]
        if not places:
            raise _nobody_takes(setting, name, model_id, models)
        for i in places:
            written[i][name] = value
    variants = []
    for text, model, values in zip(columns, models, written):
        tunables, hz, assigned = _items_of(text)
        variants.append(Variant(model, _checked(model, values | tunables), hz, assigned))
    return variants


def _items_of(column: str) -> tuple[dict[str, int | bool], int | None, Assigned]:
    """Tunables, ticks a second and assignments of MODEL:ITEM,ITEM."""
    option = f"--model {column}"
    texts: dict[str, list[str]] = {}
    settings: dict[str, str] = {}
    for item in filter(None, (text.strip() for text in column.partition(":")[2].split(","))):
        word, colon, rest = item.partition(":")
        if colon and "=" not in word:
            texts.setdefault(_known_word(word, option), []).append(rest)
        else:
            settings[item.partition("=")[0].strip()] = item
    hz, by = settings.pop("hz", None), settings.pop("group-by", None)
    facts = _facts_of(settings, option)
    tunables = facts | dict(_setting_of(item, option) for item in settings.values())
    try:
        ticks = None if hz is None else _number(option, hz, hz.partition("=")[2].strip())
        of = texts.get
        asked = _group_by_of(by)
        assigned = assigned_of(of("group"), of("uid"), of("nice"), asked, of("policy"), of("slice"))
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from None
    return tunables, ticks, assigned


def _facts_of(settings: dict[str, str], option: str) -> dict[str, Any]:
    """Takes the facts of a `Platform` out of the items of a column."""
    facts: dict[str, Any] = {}
    for name in FACTS:
        item = settings.pop(name, settings.pop(name.removesuffix("_ns").replace("_", "-"), None))
        if item is not None:
            value = item.partition("=")[2].strip()
            facts[name] = value if name == "preempt" else _time_of(option, value)
    try:
        Platform().changed(**facts)
    except WorkloadError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    return facts


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
    where = f"{model_id} is not compared, or has no" if model_id else "none of the models has a"
    known = [known for model in models if model_id in ("", model.id) for known in model.tunables.names()]
    slip = did_you_mean(name, known) or did_you_mean(model_id, [model.id for model in models])
    return TunableError(f"--set {setting}: {where} tunable {name!r}{slip}")


def _is_for_one(setting: str) -> bool:
    return ":" in setting.partition("=")[0]


def _takes(model: Model, name: str, model_id: str) -> bool:
    return model_id in ("", model.id) and name in model.tunables.names()


def _checked(model: Model, values: dict[str, int | bool]) -> dict[str, int | bool]:
    """The values, feature bits as flags; an error names the model."""
    try:
        model.tunables.at_boot(**{name: value for name, value in values.items() if name not in FACTS})
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
    message = f"{option}: {text!r} is not a value; write a number (6000000), a time (6ms), or on or off"
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
        raise typer.BadParameter(f"{text} is not after the beginning.", param_hint="--until")
    return ns
