from typing import Any

API: Any

def addresses() -> dict[str, int]: ...
