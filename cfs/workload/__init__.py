"""What tasks do: operations, programs, and builders of the classics."""

from .workload import (
    FOREVER_NS,
    OP_DTYPE,
    POLICIES,
    TASK_DTYPE,
    TASK_LIMITS,
    Draws,
    Op,
    TaskPlan,
    Workload,
    build,
    fork_loop,
    half_sleepers,
    hogs,
    of_plans,
    periodic,
    ring,
    sleepers,
)

__all__ = ["Op", "Workload", "OP_DTYPE", "TASK_DTYPE", "FOREVER_NS"]
