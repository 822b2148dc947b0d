"""Which tunables of a result somebody changed, and how they are written.

What it decides: when a tunable counts as changed. A machine boots with values that follow from its CPUs and
from its ticks a second. If a value differs from these, somebody wrote it. The terminal and the page both take
it from here.

S1  A value that only follows from `hz` or from the number of CPUs is not changed.
S2  A feature bit is shown by its name, not as the word of all bits.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ModelError
from ..models.registry import Model, model_named
from ..result import Result
from ..units import setting_text

__all__ = ["changed_tunables", "setting_text", "settings_text", "tunables_text"]


def changed_tunables(result: Result, model: Model) -> dict[str, int | bool]:
    """Tunables and feature bits that differ from what such a machine boots with (S1, S2)."""
    tunables = model.tunables
    at_hz = tunables.of_hz(result.hz) if result.hz else {}
    booted = tunables.at_boot(result.nr_cpus_booted or len(result.cpus), **at_hz).as_dict()
    changed = {name: value for name, value in result.tunables.items() if value != booted.get(name)}
    if any(name in tunables.FEATURES for name in changed):
        changed.pop("sched_features", None)
    return changed


def tunables_text(result: Result) -> str:
    """The changed tunables as people write them; empty if the model is not known here."""
    try:
        model = model_named(result.model)
    except ModelError:
        return ""
    changed = changed_tunables(result, model) if result.tunables else {}
    if not changed:
        return "tunables at their defaults"
    return f"{', '.join(settings_text(changed))}, other tunables at their defaults"


def settings_text(settings: Mapping[str, int | bool | str]) -> list[str]:
    """Tunables as people write them: ``"START_DEBIT=off"``."""
    return [f"{name}={setting_text(value)}" for name, value in settings.items()]
