"""The registry: the models by name, each with its scheduler, its kernel release and what it offers.

Another package can bring its own models: an entry point of the group ``cfs.models`` names a `Model`, and the
model's module has the hook table of a compiled class as its ``SCHED_CLASS`` capsule
(docs/guides/a-scheduler-of-your-own.md). They are looked up if a name is not one of ours, and to list all
models.
"""

from __future__ import annotations

from ..errors import ModelError, did_you_mean
from .linux_2_6_22 import facts as o1_2_6_22
from .linux_2_6_23 import facts as cfs_2_6_23
from .linux_2_6_24 import facts as cfs_2_6_24
from .linux_6_18 import facts as eevdf_6_18
from .model import Model
from .rfs import facts as rfs

__all__ = ["Model", "MODELS", "all_models", "model_named"]

ENTRY_POINTS = "cfs.models"

MODELS: dict[str, Model] = {
    model.id: model
    for model in (
        cfs_2_6_24.MODEL,
        cfs_2_6_23.MODEL,
        o1_2_6_22.MODEL,
        rfs.MODEL,
        *eevdf_6_18.MODELS,
    )
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
    """The model of this id; if there is none, `ModelError` names all models."""
    if isinstance(model, Model):
        return model
    if isinstance(model, str) and model in MODELS:
        return MODELS[model]
    models = all_models()
    if not isinstance(model, str) or model not in models:
        slip = did_you_mean(model, models) if isinstance(model, str) else ""
        raise ModelError(f"there is no model {model!r}; there are {', '.join(models)}{slip}")
    return models[model]
