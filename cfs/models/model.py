"""A model: the description of one scheduler. The folder of a release fills it in; the registry lists it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from ..limits import POLICIES
from .tunables import Tunables

__all__ = ["Model"]


@dataclass(frozen=True)
class Model:
    """One scheduler that can be run.

    Parameters
    ----------
    id : str
        Its name, as in the trace format: release and scheduler.
    summary : str
        One line for people.
    module : str
        Module whose ``SCHED_CLASS`` capsule is the compiled hook table.
    tunables : type of Tunables
        Its tunables and their defaults.
    group_by : tuple of (str or None)
        The ways in which it can group tasks; None means no groups.
    group_levels : int or None
        Levels of groups below the root; None: any depth.
    options : frozenset of str
        Optional arguments of its events: ``"sync"`` and ``"irq"`` (`wake`), ``"clone_vm"`` (`fork`),
        ``"sleep"`` (`block`: kinds of sleep), ``"slice"`` (custom slices), ``"group idle"`` (cpu.idle).
    policies : tuple of str
        Policies that a task can have.
    root_shares : dict of str to int
        Shares of the root group for each way of grouping; missing if the root group has none.
    later_than : str
        Id of a model of an earlier point of the same release, "" if there is none. `cfs compare` shows such a
        model only if it is asked for.
    """

    id: str
    summary: str
    module: str
    tunables: type[Tunables]
    group_by: tuple[str | None, ...]
    group_levels: int | None
    root_shares: dict[str, int]
    options: frozenset[str] = frozenset()
    policies: tuple[str, ...] = POLICIES
    later_than: str = ""

    def sched_class(self) -> Any:
        """The capsule of the compiled hook table."""
        return importlib.import_module(self.module).SCHED_CLASS
