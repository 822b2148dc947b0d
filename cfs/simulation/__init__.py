"""The API that drives itself: `Simulation`, its compiled loop, its readable twin, and what else drives the core."""

from .simulation import NS_MAX, Simulation

__all__ = ["NS_MAX", "Simulation"]
