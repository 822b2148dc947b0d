"""From records to facts; see `_plan.pyx`."""

from typing import Self, final

from .tracepoints import Format, States

@final
class Plans:
    names: list[str]
    def __new__(cls, byteorder: str, states: States) -> Self: ...
    def set_states(self, states: States) -> None: ...
    def add(self, format: Format, as_event: str | None = None) -> bool: ...
