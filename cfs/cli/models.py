"""`cfs models`: the models and their tunables."""

from __future__ import annotations

from typing import Annotated

import typer

from ..limits import U32_MAX
from ..models.registry import Model, all_models, model_named
from ..units import setting_text
from .options import complete_id
from .talk import heading

__all__ = ["models"]


def models(
    model: Annotated[
        str | None,
        typer.Argument(metavar="[MODEL]", help="Show this one only.", autocompletion=complete_id),
    ] = None,
) -> None:
    """List the models and their tunables."""
    for shown in all_models().values() if model is None else [model_named(model)]:
        heading(shown.id)
        typer.echo(f"{shown.summary}\n")
        for line in _tunable_lines(shown):
            typer.echo(f"    {line}".rstrip())
        typer.echo("")


def _tunable_lines(model: Model) -> list[str]:
    """Tunables with default and range, then feature bits."""
    defaults = model.tunables().as_dict()
    ranges, features, scaled = model.tunables.RANGES, model.tunables.FEATURES, model.tunables.SCALED
    lines = [f"{'tunable':<36}{'default':>22}   allowed"]
    for name, value in defaults.items():
        if name in features:
            allowed = "on, off"
        else:
            least, greatest = ranges.get(name, (0, U32_MAX))
            allowed = f"{least} ... {greatest}"
        star = " *" if name in scaled else ""
        lines.append(f"{name + star:<36}{setting_text(value):>22}   {allowed}")
    if scaled:
        lines += ["", "* times 1 + log2(CPUs) at boot"]
    grouping = [way for way in model.group_by if way]
    if grouping:
        lines += ["", f"groups: --group-by {' or '.join(grouping)}"]
    return lines
