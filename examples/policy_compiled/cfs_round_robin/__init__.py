"""Round robin as a model of cfs: the description that the entry point names."""

from dataclasses import dataclass

from cfs.models import Model
from cfs.tunables import Tunables

__all__ = ["MODEL"]


@dataclass(frozen=True)
class RoundRobin(Tunables):
    """`quantum_ns`: length of a turn, looked at in the tick, ns."""

    quantum_ns: int = 10_000_000

    RANGES = {"quantum_ns": (1, 10**9)}


MODEL = Model(
    id="round-robin",
    summary="One queue, first come first served, a quantum each",
    module="cfs_round_robin._round_robin",
    tunables=RoundRobin,
    group_by=(None,),
    group_levels=0,
    root_shares={},
    policies=("normal",),
)
