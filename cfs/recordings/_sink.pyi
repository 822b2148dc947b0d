"""Who takes facts; see `_sink.pyx`."""

from typing import Any

KINDS: tuple[str, ...]

class Sink: ...

class Facts(Sink):
    facts: list[dict[str, Any]]
