"""The compiled walks over the event table; see `_walk.pyx`."""

from typing import final

import numpy as np

from ..result import RUN_DTYPE as RUN_DTYPE
from ..workload.ops import OP_DTYPE as OP_DTYPE

EVENT_DTYPE: np.dtype
WAKEUP_DTYPE: np.dtype

def runs(
    events: np.ndarray,
    nr_tasks: int,
    nr_cpus: int,
    end_ns: int,
    chosen: np.ndarray,
    row_of: np.ndarray | None = None,
    until_ns: int | None = None,
) -> np.ndarray: ...
def wakeups(events: np.ndarray, nr_tasks: int) -> np.ndarray: ...
def stays(
    events: np.ndarray, nr_tasks: int, end_ns: int, column: np.ndarray
) -> tuple[np.ndarray, np.ndarray]: ...
def ends_of_tasks(
    events: np.ndarray,
    nr_tasks: int,
    nr_cpus: int,
    end_ns: int,
    chosen: np.ndarray,
    row_of: np.ndarray,
    nr_rows: int,
) -> tuple[np.ndarray, np.ndarray]: ...
def give_back() -> None: ...
def blind_runs(events: np.ndarray, nr_cpus: int) -> np.ndarray: ...

@final
class Zeroed:
    def __new__(cls, number: int, size: int) -> Zeroed: ...

@final
class Programs:
    def __init__(
        self,
        events: np.ndarray,
        end_ns: int,
        keep: np.ndarray,
        prio_first: np.ndarray,
        has_parent: np.ndarray,
        new: np.ndarray,
        chosen: np.ndarray,
        causes: np.ndarray,
        landed: np.ndarray,
        sleeps: tuple[int, int],
        answerer: np.ndarray,
        reach_ns: np.ndarray,
        stay_ns: np.ndarray,
        skippers: np.ndarray,
        feeds: np.ndarray,
        with_costs: bool,
    ) -> None: ...
    @property
    def wake_cost_ns(self) -> int: ...
    @property
    def block_cost_ns(self) -> int: ...
    def make(self) -> tuple[np.ndarray, np.ndarray]: ...
