from typing import Any

from ._handles import Task
from ._scheduler import Scheduler

def run_events(sched: Scheduler, events: Any, tasks: list[Task], picks: Any, cpu: int) -> tuple[int, int]: ...
