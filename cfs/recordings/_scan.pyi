"""The compiled reader of text; see `_scan.pyx`."""

from typing import Any, final

from ._tracker import Tracker

@final
class Scanner:
    tracker: Tracker
    nr_lines: int
    nr_event_lines: int
    nr_ftrace_lines: int
    nr_sched_lines: int
    nr_unread: int
    first_unread: int
    is_page: bool
    nr_begun_anew: int
    begun_anew_line: int
    nr_overwritten: int
    process_ids_line: int
    wrong_heads_line: int
    def feed(self, block: Any) -> None: ...
    def finish(self) -> None: ...
    def lines_left_out(self) -> dict[str, tuple[int, int]]: ...
    def first_unread_line(self) -> bytes: ...
