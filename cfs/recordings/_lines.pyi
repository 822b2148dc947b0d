"""What a line of text says; see `_lines.pyx`."""

from typing import Any

def fields_of(line: Any) -> dict[str, Any] | None: ...
