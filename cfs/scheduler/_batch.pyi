from typing import Any

from ._scheduler import Scheduler, Task

def run_events(sched: Scheduler, events: Any, tasks: list[Task], picks: Any, cpu: int) -> tuple[int, int]: ...
