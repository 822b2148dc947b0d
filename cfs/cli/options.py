"""What the options of the command line mean: how each looks, and its text as a value.

What it decides: the options that commands share, in groups (`groups`). A command has a parameter for a group.

    PlatformOptions     --hz, --preempt, ...         -> facts of a `Platform`
    AssignmentOptions   --group-by, --nice, ...      -> `Assigned`
    Shown               --from, --until, --by, --top -> the part that is shown, and what a line is
    Choice              which tasks; in `inputs`
    Files               which files; in `outputs`

A value that is not understood is an error that names the option and says what is allowed.

`units.ns_of` reads times, here and in scenarios: ``4.5ms``, ``4 ms``, ``2s``. A bare number means seconds
for a place in the span (--from, --until) and ns for a length (tunables, --slice).

Nothing here reads a recording or runs anything. Long work begins only after all options have been understood.
"""

from __future__ import annotations

import enum
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TunableError
from ..limits import POLICIES
from ..models.registry import Model, all_models
from ..units import ns_of as duration_ns
from ..units import cut, seconds_text
from .groups import Group

if TYPE_CHECKING:
    from ..workload.assigned import Assigned

__all__ = [
    "FACTS",
    "FORMS",
    "AssignmentOptions",
    "PlatformOptions",
    "Shown",
    "assigned_of",
    "begin_ns_of",
    "fact_of",
    "number_of",
    "ns_of",
    "setting_of",
    "settings_of",
    "until_ns_of",
]

NR_JITTER = 16
DIGITS_MAX = 20
"""Of a number: enough for 64 bits. Python itself refuses thousands of them with a traceback."""
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
    models = all_models()
    if not colon:
        return [(model.id, model.summary) for model in models.values() if model.id.startswith(incomplete)]
    if model_id not in models:
        return []
    done, comma, item = items.rpartition(",")
    words = _values_of(item, [models[model_id]]) if "=" in item else _items_of(models[model_id])
    return [(f"{model_id}:{done}{comma}{word}", "") for word in words if word.startswith(item)]


def _items_of(model: Model) -> list[str]:
    """What a column of a model may say, up to its value."""
    words = dict.fromkeys([*model.tunables.names(), "hz", *FACTS, "group-by"])
    return [*(f"{word}=" for word in words), *(f"{word}:" for word in FORMS)]


def _values_of(item: str, models: list[Model]) -> list[str]:
    """NAME=VALUE with each value that has a name: of a feature bit, of a policy, of --group-by."""
    name, _, _ = item.rpartition("=")
    if any(name in model.tunables.FEATURES for model in models):
        return [f"{name}={value}" for value in ("on", "off")]
    of_name = {"group-by": GroupBy.__members__, "preempt": Preempt.__members__}
    values = POLICIES if name.startswith("policy:") else of_name.get(name, ())
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
    known = all_models()
    named = ctx.params.get("model") or list(known)
    named = [named] if isinstance(named, str) else named
    models = [known[text.partition(":")[0]] for text in named if text.partition(":")[0] in known]
    if equals:
        return [(word, "") for word in _values_of(incomplete, models) if word.startswith(incomplete)]
    names = dict.fromkeys(name for model in models for name in model.tunables.names())
    return [(f"{name}=", "") for name in names if name.startswith(incomplete)]


# ------------------------------------------------------------------------------------------ how options look


def source_argument(metavar: str, *, is_recorded: bool = False) -> Any:
    """The argument that names what is to be run; `is_recorded`: no scenario."""
    recordings = "What cfs record, perf or trace-cmd recorded, text of perf script or ftrace, plain, gzip or zstd"
    scenarios = "" if is_recorded else ", or a scenario file (TOML)"
    return typer.Argument(metavar=metavar, help=f"{recordings}{scenarios}; - is stdin.")


SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TUNABLE=VALUE",
        help="Write a tunable (6000000 or 6ms) or a feature bit (on, off). Repeatable.",
        autocompletion=complete_setting,
    ),
]


@dataclass(frozen=True)
class PlatformOptions(Group):
    """What is told of the machine."""

    hz: Annotated[
        int | None,
        typer.Option(metavar="N", help="Ticks a second. Default: as the recording shows; 1000 if nothing does."),
    ] = None
    preempt: Annotated[
        Preempt | None,
        typer.Option(
            metavar="none|voluntary|full",
            help="Whether a task in a system call can be preempted. Default: as the recording shows; full.",
        ),
    ] = None
    tick_phase: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the first tick comes. Default: as the recording shows.")
    ] = None
    tick_jitter: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Ticks come up to TIME late, 0: in time. Default: as the recording shows."),
    ] = None
    wakeup_cost: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="How long an interrupt that wakes a task takes. Default: as the recording shows."
        ),
    ] = None
    switch_cost: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="What a switch costs, beyond what the recording contains. Default: 0."),
    ] = None

    def facts(self, seed: int | None) -> dict[str, Any]:
        """Those of a `Platform` that are stated, by their names there."""
        texts = {
            "preempt": self.preempt and self.preempt.value,
            "tick-phase": self.tick_phase,
            "tick-jitter": self.tick_jitter,
            "wakeup-cost": self.wakeup_cost,
            "switch-cost": self.switch_cost,
        }
        stated = {FACTS[word]: fact_of(word, text, f"--{word}") for word, text in texts.items() if text is not None}
        numbers = {"hz": self.hz, "seed": seed}
        return stated | {name: number for name, number in numbers.items() if number is not None}


FACTS = {
    "preempt": "preempt",
    "tick-phase": "tick_phase_ns",
    "tick-jitter": "tick_jitter_ns",
    "wakeup-cost": "wakeup_cost_ns",
    "switch-cost": "switch_cost_ns",
    "seed": "seed",
}
"""Facts of the machine beside its ticks a second: each option (and item of a column) with its name in a `Platform`."""


def fact_of(word: str, text: str, option: str) -> Any:
    """The value of a fact; `option` is where it was written."""
    if word == "preempt":
        return text
    if word == "seed":
        return number_of(option, text, text)
    ns = ns_of(option, text, bare="ns")
    return spread_evenly(ns) if word == "tick-jitter" else ns


def spread_evenly(late_ns: int) -> tuple[int, ...]:
    """How late ticks may come, up to this: each value is as likely as the others."""
    return tuple(late_ns * i // NR_JITTER for i in range(NR_JITTER + 1))


FORMS = {
    "nice": "PATTERN=N",
    "policy": f"PATTERN={'|'.join(POLICIES)}",
    "slice": "PATTERN=TIME",
    "group": "PATTERN=NAME[:SHARES]",
    "uid": "PATTERN=UID[:SHARES]",
}
"""What can be assigned to tasks: each option (and item of a column) with its form."""


@dataclass(frozen=True)
class AssignmentOptions(Group):
    """What is given to tasks, and what the model is fair among."""

    group_by: Annotated[
        GroupBy | None,
        typer.Option(metavar="uid|cgroup", help="Be fair among users or control groups, not tasks."),
    ] = None
    group: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["group"],
            help="Put matching tasks into this control group; a/b is below a, and idle in place of SHARES makes "
            "the group idle. Implies --group-by cgroup. Repeatable.",
        ),
    ] = None
    uid: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["uid"],
            help="Give matching tasks to this user; all others are user 0's. Implies --group-by uid. Repeatable.",
        ),
    ] = None
    nice: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["nice"], help="Give matching tasks this nice value throughout. Repeatable."
        ),
    ] = None
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["policy"],
            help="Give matching tasks this policy throughout. Repeatable.",
            autocompletion=complete_policy,
        ),
    ] = None
    slice_: Annotated[
        list[str] | None,
        typer.Option(
            "--slice",
            metavar=FORMS["slice"],
            help="Let matching tasks ask for this slice (3ms), in models that have such slices. Repeatable.",
        ),
    ] = None

    def assigned(self) -> Assigned:
        """As values; `typer.BadParameter` if one is not understood."""
        return assigned_of(self.group, self.uid, self.nice, self.group_by, self.policy, self.slice_)


@dataclass(frozen=True)
class Shown(Group):
    """Which part of the span is shown, and what a line is."""

    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Begin the part that is shown here: seconds, or with a unit (250ms)."
        ),
    ] = None
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="TIME", help="End there, counted from the first event, on all sides (1.5, 1500ms)."
        ),
    ] = None
    by: Annotated[By | None, typer.Option(metavar="comm|task|group", help="What a line stands for.")] = None
    by_comm: Annotated[bool, typer.Option("--by-comm", hidden=True, help="The same as --by comm.")] = False
    by_group: Annotated[bool, typer.Option("--by-group", hidden=True, help="The same as --by group.")] = False
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="Show this many lines; the rest is summed in one.")
    ] = 12

    @property
    def begin_ns(self) -> int:
        """--from; 0 if it is not given."""
        return begin_ns_of(self.from_)

    @property
    def until_ns(self) -> int | None:
        """--until, 1 or more."""
        return until_ns_of(self.until)

    def line(self, default: str) -> str:
        """What a line stands for, by --by or its older spellings."""
        if self.by is not None:
            return self.by.value
        return "group" if self.by_group else "comm" if self.by_comm else default


# -------------------------------------------------------------------------------------------- assignments

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
        own = None if not colon else value if value == "idle" else number_of("--group", text, value)
        name += f"/{word}" if depth else word
    return pattern, name if own is None else (name, own)


def _of_user(text: str) -> tuple[str, Any]:
    pattern, rest = _halves("--uid", text)
    uid, colon, shares = rest.partition(":")
    number = number_of("--uid", text, uid)
    return pattern, (number, number_of("--uid", text, shares)) if colon else number


def _numbered(option: str, text: str) -> tuple[str, int]:
    pattern, value = _halves(option, text)
    return pattern, number_of(option, text, value)


def _timed(option: str, text: str) -> tuple[str, int]:
    pattern, value = _halves(option, text)
    return pattern, ns_of(option, value, bare="ns")


def _halves(option: str, text: str) -> tuple[str, str]:
    pattern, _, rest = text.rpartition("=")
    if not pattern or not rest:
        form = FORMS[option.removeprefix("--")]
        raise typer.BadParameter(f"{text!r} is not of the form {form}.", param_hint=option)
    return pattern, rest


def number_of(option: str, text: str, digits: str) -> int:
    """The number in the text of an option."""
    if not re.fullmatch(r"-?[0-9]+", digits):
        raise typer.BadParameter(f"{text!r}: {digits!r} is not a number.", param_hint=option)
    if len(digits) > DIGITS_MAX:
        what = f"a number of {len(digits)} digits is too large; {DIGITS_MAX} are allowed."
        raise typer.BadParameter(what, param_hint=option)
    return int(digits)


# ----------------------------------------------------------------------------------------------- which models


def settings_of(model: Model, settings: list[str]) -> dict[str, int | bool]:
    """Tunables written by --set, checked before anything long begins."""
    values = {}
    for setting in settings:
        name, value = setting_of(setting, f"--set {setting}")
        values[name] = value
    model.tunables.at_boot(**values)
    return values


def setting_of(setting: str, option: str) -> tuple[str, int | bool]:
    """Name and value of TUNABLE=VALUE; `option` is what an error begins with."""
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
    message = f"{option}: {cut(repr(text), 60)} is not a value; write a number (6000000), a time (6ms), or on or off"
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
