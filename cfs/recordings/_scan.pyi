"""The compiled reader of recordings; see `_scan.pyx`."""

from typing import Any, final

import numpy as np

TASK_SEEN_DTYPE: np.dtype

@final
class Scanner:
    start_ns: int
    end_ns: int
    nr_lines: int
    nr_event_lines: int
    nr_ftrace_lines: int
    nr_sched_lines: int
    nr_switches: int
    inferred_switch_ins: int
    nr_wakings: int
    nr_headless: int
    first_headless: int
    nr_overwritten: int
    nr_lost_events: int
    process_ids_line: int
    @property
    def nr_tasks(self) -> int: ...
    def feed(self, block: Any) -> None: ...
    def finish(self) -> None: ...
    def cpus_seen(self) -> list[int]: ...
    def names_seen(self) -> list[str]: ...
    def tasks_seen(self) -> np.ndarray: ...
    def namings_seen(self) -> list[tuple[int, int]]: ...
    def lines_left_out(self) -> dict[str, tuple[int, int]]: ...
