"""Who takes facts; see `_sink.pyx`."""

from typing import Any, final

from typing_extensions import disjoint_base

KINDS: tuple[str, ...]

@disjoint_base
class Sink: ...

@final
class Facts(Sink):
    facts: list[dict[str, Any]]
