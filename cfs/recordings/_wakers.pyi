"""What each waker did next; see `_wakers.pyx`."""

import numpy as np

AFTER_DTYPE: np.dtype
RELEASE_DTYPE: np.dtype

def after_wakeups(
    events: np.ndarray, nr_tasks: int, causes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]: ...
def pairs_of(after: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
