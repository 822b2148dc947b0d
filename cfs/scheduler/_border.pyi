from typing import Final

UID_MAX: Final[int]
SLEEPS: Final[tuple[str, ...]]
STATES: Final[tuple[str, ...]]
