"""The columns of `cfs compare`: what each is a run of.

A column is written ``MODEL:ITEM,ITEM``. An item is a tunable, ``group-by=uid``, a fact of the machine or an
assignment: one of their options without its dashes, ``tick-phase=1ms`` and ``nice:PATTERN=N``. What --set writes
comes first, so that an item wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from ..errors import TunableError, WorkloadError, did_you_mean
from ..models.registry import Model, model_named
from ..platform import Platform
from .options import FACTS, FORMS, GroupBy, assigned_of, fact_of, number_of, setting_of

if TYPE_CHECKING:
    from ..reports.comparison import Variant
    from ..workload.assigned import Assigned

__all__ = ["columns_of"]

def columns_of(columns: list[str], settings: list[str]) -> list[Variant]:
    """The columns of a comparison: for each the model, then what --set writes, then the items of --model."""
    from ..reports.comparison import Variant

    models = [model_named(text.partition(":")[0]) for text in columns]
    written: list[dict[str, int | bool]] = [{} for _ in columns]
    for setting in sorted(settings, key=_is_for_one):  # a setting for one model comes later, so it wins
        model_id, _, rest = setting.rpartition(":") if _is_for_one(setting) else ("", "", setting)
        name, value = setting_of(rest, f"--set {setting}")
        places = [i for i, model in enumerate(models) if _takes(model, name, model_id)]
        if not places:
            raise _nobody_takes(setting, name, model_id, models)
        for i in places:
            written[i][name] = value
    variants = []
    for text, model, values in zip(columns, models, written):
        items = _items_of(text)
        variants.append(Variant(model, _checked(model, values | items.tunables), items.hz, items.assigned, items.facts))
    return variants


class Items(NamedTuple):
    """What MODEL:ITEM,ITEM says beside the model."""

    tunables: dict[str, int | bool]
    hz: int | None
    assigned: Assigned
    facts: dict[str, Any]


def _items_of(column: str) -> Items:
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
    tunables = dict(setting_of(item, option) for item in settings.values())
    try:
        ticks = None if hz is None else number_of(option, hz, hz.partition("=")[2].strip())
        of = texts.get
        asked = _group_by_of(by)
        assigned = assigned_of(of("group"), of("uid"), of("nice"), asked, of("policy"), of("slice"))
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from None
    return Items(tunables, ticks, assigned, facts)


def _facts_of(settings: dict[str, str], option: str) -> dict[str, Any]:
    """Takes the facts of a `Platform` out of the items of a column, under its names."""
    facts: dict[str, Any] = {}
    for word, name in FACTS.items():
        item = settings.pop(name, settings.pop(word, None))
        if item is not None:
            facts[name] = fact_of(word, item.partition("=")[2].strip(), option)
    try:
        # Of the longest tick: how long it is, is known when the recording has been read.
        Platform(hz=1).changed(**facts)
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
        model.tunables.at_boot(**values)
    except TunableError as error:
        raise TunableError(f"{model.id}: {error}") from None
    return {name: bool(value) if name in model.tunables.FEATURES else value for name, value in values.items()}
