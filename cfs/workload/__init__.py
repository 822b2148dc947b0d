"""What tasks do: operations, programs, and builders of the classics."""

from .assigned import Assigned
from .builders import build, fork_loop, half_sleepers, hogs, periodic, ring, sleepers
from ..limits import FOREVER_NS, POLICIES
from .ops import OP_DTYPE, TASK_DTYPE, TASK_LIMITS, Op
from .plans import Draws, TaskPlan, of_plans
from .workload import Workload

Told = Assigned
"""An older name of `Assigned`."""

__all__ = [
    "FOREVER_NS",
    "OP_DTYPE",
    "POLICIES",
    "TASK_DTYPE",
    "TASK_LIMITS",
    "Assigned",
    "Draws",
    "Op",
    "TaskPlan",
    "Told",
    "Workload",
    "build",
    "fork_loop",
    "half_sleepers",
    "hogs",
    "of_plans",
    "periodic",
    "ring",
    "sleepers",
]
