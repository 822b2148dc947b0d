"""The API that you drive yourself: `Scheduler`, its handles, events in arrays (`batch`), the C face."""

from ._handles import Task, TaskGroup, User
from ._scheduler import Scheduler

__all__ = ["Scheduler", "Task", "TaskGroup", "User"]
