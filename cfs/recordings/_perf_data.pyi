"""The records of perf.data; see `_perf_data.pyx`."""

from collections.abc import Iterable
from typing import Any, Self, final

from ._plan import Plans
from ._sink import Sink

@final
class Records:
    nr_records: int
    nr_samples: int
    nr_unknown: int
    nr_short: int
    nr_jumps: int
    nr_rounds: int
    round_bytes_max: int
    limit: int
    nr_throttled: int
    nr_lost: int
    nr_lost_samples: int
    damage: str
    takes_forks: bool
    def __new__(cls, owner: Any, sink: Sink, byteorder: str) -> Self: ...
    def add_attr(
        self, config: int, sample_type: int, read_format: int, has_trailer: bool, ids: Iterable[int]
    ) -> None: ...
    def set_plans(self, plans: Plans) -> None: ...
    def feed(self, block: Any) -> int: ...
    def finish(self) -> None: ...
