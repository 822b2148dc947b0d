import numpy as np
from numpy.typing import NDArray

def nice_loads(
    nice: NDArray[np.int8],
    policy: NDArray[np.uint8],
    weight: NDArray[np.uint64],
    inv_weight: NDArray[np.uint64],
) -> None: ...
def shares_loads(
    shares: NDArray[np.uint64], weight: NDArray[np.uint64], inv_weight: NDArray[np.uint64]
) -> None: ...
def first_use_inverses(weight: NDArray[np.uint64], out: NDArray[np.uint64]) -> None: ...
def deltas(
    delta: NDArray[np.uint64],
    n: NDArray[np.uint64],
    weight: NDArray[np.uint64],
    inv_weight: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None: ...
def fair_deltas(
    delta: NDArray[np.uint64],
    weight: NDArray[np.uint64],
    inv_weight: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None: ...
def periods(
    nr_running: NDArray[np.uint64],
    latency: NDArray[np.uint64],
    nr_latency: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None: ...
def slices(
    period: NDArray[np.uint64],
    weight: NDArray[np.uint64],
    load: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None: ...
def vslices(period: NDArray[np.uint64], load: NDArray[np.uint64], out: NDArray[np.uint64]) -> None: ...
def differences(a: NDArray[np.uint64], b: NDArray[np.uint64], out: NDArray[np.int64]) -> None: ...
