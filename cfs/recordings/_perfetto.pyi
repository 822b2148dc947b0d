"""The events of a Perfetto trace; see `_perfetto.pyx`."""

from collections.abc import Callable
from typing import Any, Self, final

from ._plan import Plans
from ._sink import Sink

NAMES: dict[int, str]

@final
class Bundles:
    nr_bundles: int
    nr_events: int
    nr_damaged: int
    nr_gaps: int
    nr_losses: int
    nr_jumps: int
    nr_drops: int
    clocks: set[int]
    def __new__(cls, plans: Plans, sink: Sink) -> Self: ...
    def index(self, data: Any, on_part: Callable[[int, int, int], object]) -> int: ...
    def read(self, progress: Callable[[int], object]) -> None: ...
