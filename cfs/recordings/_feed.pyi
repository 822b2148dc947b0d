"""From facts to a tracker; see `_feed.pyx`."""

from typing import final

from ._sink import Sink
from ._tracker import Tracker

@final
class Feed(Sink):
    tracker: Tracker
    nr_strange: int
    nr_backwards: int
    nr_jumps: int
    def finish(self) -> None: ...
