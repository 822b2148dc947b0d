from typing import Final

from ..limits import POLICIES as POLICIES
from ..limits import U64_MAX as U64_MAX

UID_MAX: Final[int]
SLEEPS: Final[tuple[str, ...]]
STATES: Final[tuple[str, ...]]
