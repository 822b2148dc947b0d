"""The models: which scheduler of which kernel release is found under which name, and what it offers.

A package of somebody else's can bring models of its own: an entry point of the group ``cfs.models`` that
names a `Model`, whose module has the hook table of a compiled class as its ``SCHED_CLASS`` capsule
(docs/guides/a-scheduler-of-your-own.md). They are looked up when a name is not one of ours, and when all are
listed.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError
from ..limits import POLICIES
from .tunables import LinuxCfs2623, LinuxCfs2624, LinuxEevdf618, LinuxO12622, RfsModel, Tunables

__all__ = ["Model", "MODELS", "all_models", "model_named"]

ENTRY_POINTS = "cfs.models"


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
        Its knobs and their defaults.
    group_by : tuple of (str or None)
        How it can group tasks; None is "not at all".
    group_levels : int or None
        How deep groups may be nested below the root; None: to any depth.
    options : frozenset of str
        What its events take beyond the common: ``"sync"`` and ``"irq"`` (`wake`), ``"clone_vm"`` (`fork`),
        ``"sleep"`` (`block`: kinds of sleep), ``"slice"`` (custom slices), ``"group idle"`` (cpu.idle).
    policies : tuple of str
        Policies that a task can have.
    root_shares : dict of str to int
        Shares of the root group for each way of grouping; missing where the root group has none.
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

    def sched_class(self) -> Any:
        """The capsule of the compiled hook table."""
        return importlib.import_module(self.module).SCHED_CLASS


MODELS: dict[str, Model] = {
    model.id: model
    for model in [
        Model(
            id="linux-2.6.24-cfs",
            summary="CFS of Linux 2.6.24 (January 2008): absolute vruntime, vslice, groups",
            module="cfs.models.linux_2_6_24._fair",
            tunables=LinuxCfs2624,
            group_by=(None, "uid", "cgroup"),
            group_levels=1,
            root_shares={"uid": 2048, "cgroup": 1024},
        ),
        Model(
            id="linux-2.6.23-cfs",
            summary="CFS of Linux 2.6.23 (October 2007): fair clock, wait_runtime, and the divisions",
            module="cfs.models.linux_2_6_23._fair",
            tunables=LinuxCfs2623,
            group_by=(None,),
            group_levels=0,
            root_shares={},
            options=frozenset({"sync", "irq", "clone_vm", "sleep"}),  # irq is accepted, and has no effect
        ),
        Model(
            id="linux-2.6.22-o1",
            summary="O(1) of Linux 2.6.22 (July 2007): active and expired arrays, interactivity by sleeping",
            module="cfs.models.linux_2_6_22._o1",
            tunables=LinuxO12622,
            group_by=(None,),
            group_levels=0,
            root_shares={},
            options=frozenset({"sync", "irq", "clone_vm", "sleep"}),
            policies=("normal", "batch"),
        ),
        Model(
            id="rfs-model",
            summary="a model after the mathematics of RFS (2007): a stepped weighted average, no division",
            module="cfs.models.rfs._rfs",
            tunables=RfsModel,
            group_by=(None,),
            group_levels=0,
            root_shares={},
            options=frozenset({"sync"}),
        ),
        Model(
            id="linux-6.18-eevdf",
            summary="EEVDF of Linux 6.18 (November 2025): lag, eligibility, virtual deadlines, "
            "delayed dequeue",
            module="cfs.models.linux_6_18._fair",
            tunables=LinuxEevdf618,
            group_by=(None, "cgroup"),
            group_levels=None,
            root_shares={},
            options=frozenset({"slice", "group idle"}),
        ),
    ]
}
"""Our own models by id, in the order in which `cfs models` lists them."""


def all_models() -> dict[str, Model]:
    """Our own models and those of other packages, by id. Cost: a look at every installed package."""
    from importlib import metadata  # half of the time of `import cfs`, and few need it

    models = dict(MODELS)
    for point in metadata.entry_points(group=ENTRY_POINTS):
        model = point.load()
        if not isinstance(model, Model):
            raise ModelError(
                f"the entry point {point.name!r} of {ENTRY_POINTS} names {model!r}, which is no Model"
            )
        models.setdefault(model.id, model)
    return models


def model_named(model: str | Model) -> Model:
    """The model of this id; `ModelError` that names all there are if there is none."""
    if isinstance(model, Model):
        return model
    if isinstance(model, str) and model in MODELS:
        return MODELS[model]
    models = all_models()
    if not isinstance(model, str) or model not in models:
        raise ModelError(f"there is no model {model!r}; there are {', '.join(models)}")
    return models[model]
