"""Jobs in arrays: the public name of `cfs.simulation.queueing`."""

from .simulation.queueing import Served, serve

__all__ = ["Served", "serve"]
