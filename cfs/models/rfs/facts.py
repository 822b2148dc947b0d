"""RFS: the facts that are true of this model only. The compiled class decides the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..model import Model
from ..tunables import Tunables

__all__ = ["RfsModel", "MODEL"]


@dataclass(frozen=True)
class RfsModel(Tunables):
    """Tunables of ``rfs-model``. No kernel had them: the model is derived from the mathematics.

    Attributes
    ----------
    rfs_slice_ns : int
        A turn ends at the first tick at which the running task's time is this far (by its weight) beyond the
        average.
    rfs_granularity_ns : int
        A woken task preempts the running task if that task's time is this far (by its weight) beyond its own.
    rfs_step_shift : int
        The base of the average advances in steps of 2**shift ns. A sleeper may come back this far before the
        average.
    """

    rfs_slice_ns: int = 4_000_000
    rfs_granularity_ns: int = 10_000_000
    rfs_step_shift: int = 20

    RANGES: ClassVar[dict[str, tuple[int, int]]] = {
        "rfs_slice_ns": (0, 1_000_000_000),
        "rfs_granularity_ns": (0, 1_000_000_000),
        "rfs_step_shift": (10, 30),
    }
    COMPILED_IN: ClassVar[frozenset[str]] = frozenset({"rfs_step_shift"})


MODEL = Model(
    id="rfs-model",
    summary="a model after the mathematics of RFS (2007): a stepped weighted average, no division",
    module="cfs.models.rfs._rfs",
    tunables=RfsModel,
    group_by=(None,),
    group_levels=0,
    root_shares={},
    options=frozenset({"sync"}),
)
