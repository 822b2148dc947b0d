"""The API that you drive yourself: `Scheduler`, its handles, events in arrays (`batch`), the C face."""

from ._scheduler import Scheduler, Task, TaskGroup, User

__all__ = ["Scheduler", "Task", "TaskGroup", "User"]
