"""Groups of options: what several commands ask for, as one parameter.

A group is a frozen dataclass, and each of its fields is an option. A command names the group once,
``platform: PlatformOptions``; when the command is made, `expanded` puts the options in that place and hands over
an instance. So a command has all options of a group, spelled and explained as in any other, and the reader and
mypy see a field for each. A command may have other defaults: ``shown: Shown = Shown(top=12)``.

Rejected: an alias for each option in every signature (thirty parameters, three times, in three orders).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any, ClassVar, Self, get_type_hints

__all__ = ["Group", "expanded"]


class Group:
    """Options that belong together; a dataclass below it has a field for each."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @classmethod
    def parameters(cls, command: str, default: Self | None) -> list[inspect.Parameter]:
        """The options of this command, in the order in which help lists them; `default` has their defaults."""
        looks = get_type_hints(cls, include_extras=True)
        defaults = {field.name: getattr(default or cls, field.name) for field in fields(cls)}
        kind = inspect.Parameter.KEYWORD_ONLY
        return [
            inspect.Parameter(name, kind, default=value, annotation=looks[name]) for name, value in defaults.items()
        ]

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """From the value of each parameter."""
        return cls(**values)


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of each group in place of its parameter."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    groups = {it.name: it.annotation for it in own if inspect.isclass(it.annotation) and issubclass(it.annotation, Group)}
    options = {it.name: _options(it, command.__name__) if it.name in groups else [it] for it in own}

    @functools.wraps(command)
    def with_groups(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group.of({option.name: given.pop(option.name) for option in options[name]})
        command(**given)

    shown = [option for it in options.values() for option in it]
    vars(with_groups)["__signature__"] = inspect.Signature(shown)
    return with_groups


def _options(parameter: inspect.Parameter, command: str) -> list[inspect.Parameter]:
    default = None if parameter.default is parameter.empty else parameter.default
    found: list[inspect.Parameter] = parameter.annotation.parameters(command, default)
    return found
