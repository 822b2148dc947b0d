"""The loop in plain Python: the public name of `cfs.simulation.stepping`."""

from .simulation.stepping import Policy, Stepper

__all__ = ["Policy", "Stepper"]
