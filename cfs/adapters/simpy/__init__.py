"""A CPU for SimPy models."""

from ...errors import MissingExtraError, how_to_install

try:
    from simpy.resources.resource import Preempted
except ImportError as error:
    raise MissingExtraError(f"cfs.adapters.simpy needs SimPy: {how_to_install('simpy')}") from error

from .clocks import UNITS
from .cpu import CPU
from .events import Hold, Killed, Run, Sleep
from .task import Group, Task

__all__ = ["CPU", "Group", "Hold", "Killed", "Preempted", "Run", "Sleep", "Task", "UNITS"]
