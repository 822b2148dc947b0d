"""The API that drives itself: `Simulation`, its compiled loop, its readable twin, and other drivers."""

from ..limits import NS_MAX
from .simulation import Simulation

__all__ = ["NS_MAX", "Simulation"]
