"""The lines of ftrace text; see `_ftrace.pyx`."""

from collections.abc import Sequence
from typing import final

import numpy as np

@final
class Pieces:
    def __init__(self, kept: Sequence[bytes]) -> None: ...

@final
class Lines:
    def __init__(
        self,
        heads: Sequence[bytes],
        prevs: Sequence[bytes],
        nexts: Sequence[bytes],
        woken: Sequence[bytes],
        parents: Sequence[bytes],
        children: Sequence[bytes],
        idle_prevs: Sequence[bytes],
        idle_nexts: Sequence[bytes],
        idle_parents: Sequence[bytes],
        idle_head: bytes,
        states: bytes,
        sleeps: bytes,
        flags: bytes,
        current: np.ndarray,
        found_task: np.ndarray,
        found_ns: np.ndarray,
        from_ns: int,
    ) -> None: ...
    def lines(self, events: np.ndarray) -> bytes: ...
    def beat(self, cpu: int, at_ns: int) -> bytes: ...

def event_layout() -> tuple[list[tuple[str, int, int]], int]: ...
