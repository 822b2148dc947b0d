"""The pages of trace.dat; see `_trace_dat.pyx`."""

from collections.abc import Callable, Iterator
from typing import Self, final

from ._plan import Plans
from ._sink import Sink

@final
class Rings:
    nr_entries: int
    nr_short: int
    nr_damaged: int
    nr_lost: int
    damage: str
    def __new__(cls, plans: Plans, sink: Sink, byteorder: str, commit_size: int, data_at: int) -> Self: ...
    def add_cpu(
        self, buffer: int, cpu: int, page_size: int, pages: Callable[[], Iterator[bytes | memoryview]]
    ) -> None: ...
    def scale(self, mult: int, shift: int) -> None: ...
    def count(self) -> list[dict[str, int]]: ...
    def read(self, wanted: list[set[str]], progress: Callable[[int], object]) -> None: ...
