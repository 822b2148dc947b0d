"""A CPU for SimPy models."""

from .cpu import CPU, UNITS, Group, Hold, Killed, Preempted, Run, Sleep, Task

__all__ = ["CPU", "Group", "Hold", "Killed", "Preempted", "Run", "Sleep", "Task", "UNITS"]
