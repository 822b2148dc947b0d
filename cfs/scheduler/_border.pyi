from typing import Final

U64_MAX: Final[int]
UID_MAX: Final[int]
HZ_RANGE: Final[tuple[int, int]]
POLICIES: Final[tuple[str, ...]]
SLEEPS: Final[tuple[str, ...]]
STATES: Final[tuple[str, ...]]
