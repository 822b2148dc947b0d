"""The ranges of numbers that many files share. Each is written here and nowhere else in Python.

What it decides: the border of the Python API. The compiled core has the same numbers as C constants
(`_load.pxd`, `_types.pxd`), because C needs them at compile time; a test compares the two.

A range is a pair (least, greatest), both allowed.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from .errors import CfsError, WorkloadError

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "CPU_RANGE",
    "DEFAULT_HZ",
    "FOREVER_NS",
    "HZ_RANGE",
    "NICE_MAX",
    "NICE_MIN",
    "NICE_RANGE",
    "NS_MAX",
    "POLICIES",
    "PRIO_DEFAULT",
    "SHARES_RANGE",
    "U32_MAX",
    "U64_MAX",
    "UID_RANGE",
    "checked_hz",
    "integer_in",
    "nice_of_prio",
    "nices_of_prios",
    "prio_of_nice",
]

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1

NS_MAX = 2**62
"""Longest span, some 146 years: a run of `FOREVER_NS` that begins in it still ends before the clock wraps."""
FOREVER_NS = NS_MAX
"""A run of this length never ends: an endless hog."""

NICE_RANGE = NICE_MIN, NICE_MAX = (-20, 19)
PRIO_DEFAULT = 120
"""Priority of nice 0, as tracers write it; below 100 it is real-time."""

POLICIES = ("normal", "batch", "idle")
"""Names of the policies, in the order of their numbers."""

SHARES_RANGE = (2, 2**18)
"""Less than 2 is raised to 2 by every model; more than 2**18 is more than today's kernels take."""

HZ_RANGE = (1, 1_000_000)
"""Ticks a second."""
DEFAULT_HZ = 1000
"""Where nobody says how many there are."""
UID_RANGE = (0, 2**31 - 1)
CPU_RANGE = (0, 2**15 - 1)
"""Numbers of CPUs, as a workload may name them."""


def integer_in(what: str, value: Any, least: int, greatest: int, error: type[CfsError]) -> int:
    """`value` as an int if it is an integer of the range; if not, `error` says what is allowed.

    Examples
    --------
    >>> from cfs.errors import WorkloadError
    >>> integer_in("nice", 20, *NICE_RANGE, WorkloadError)
    Traceback (most recent call last):
        ...
    cfs.errors.WorkloadError: nice = 20 is no integer of -20 ... 19
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or not least <= number <= greatest:
        raise error(f"{what} = {value!r} is no integer of {least} ... {greatest}")
    return number


def checked_hz(hz: Any) -> int:
    """Ticks a second as an int; `WorkloadError` outside of `HZ_RANGE`."""
    least, greatest = HZ_RANGE
    if not least <= operator.index(hz) <= greatest:
        raise WorkloadError(f"hz = {hz} is outside of {least} ... {greatest}")
    return int(hz)


def prio_of_nice(nice: int) -> int:
    """The priority that tracers write: 100 ... 139 for -20 ... 19."""
    return PRIO_DEFAULT + nice


def nice_of_prio(prio: int) -> int:
    """The nice value of a priority: 100 ... 139 are -20 ... 19; real-time is -20, unknown (-1) is 0."""
    return 0 if prio < 0 else max(prio - PRIO_DEFAULT, NICE_MIN)


def nices_of_prios(prios: np.ndarray) -> np.ndarray:
    """The nice value of each priority, int8: `nice_of_prio`."""
    return ((prios - PRIO_DEFAULT).clip(NICE_MIN) * (prios >= 0)).astype("int8")
