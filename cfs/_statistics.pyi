"""What tables and figures count of a log of runs; see `_statistics.pyx`."""

import numpy as np

def counts(
    key_of: np.ndarray,
    nr_keys: int,
    task: np.ndarray,
    ready: np.ndarray,
    out: np.ndarray,
    start_ns: np.ndarray,
    end_ns: np.ndarray,
) -> np.ndarray: ...
def totals_within(
    key_of: np.ndarray,
    nr_keys: int,
    task: np.ndarray,
    start_ns: np.ndarray,
    end_ns: np.ndarray,
    ready: np.ndarray,
    ready_ns: np.ndarray,
    begin: int,
    until: int,
) -> np.ndarray: ...
def quantiles_of_runs(
    key_of: np.ndarray,
    nr_keys: int,
    task: np.ndarray,
    ready: np.ndarray,
    out: np.ndarray,
    start_ns: np.ndarray,
    end_ns: np.ndarray,
    with_all: bool = False,
) -> np.ndarray: ...
def waits_within(
    chosen: np.ndarray,
    task: np.ndarray,
    ready: np.ndarray,
    ready_ns: np.ndarray,
    start_ns: np.ndarray,
    begin: int,
    until: int,
) -> np.ndarray: ...
def ran_within(
    nr_tasks: int,
    chosen: np.ndarray,
    task: np.ndarray,
    cpu: np.ndarray,
    start_ns: np.ndarray,
    end_ns: np.ndarray,
    begin: int,
    until: int,
) -> np.ndarray: ...
def quantiles_of_waits(
    key_of: np.ndarray,
    nr_keys: int,
    task: np.ndarray,
    ready: np.ndarray,
    ready_ns: np.ndarray,
    start_ns: np.ndarray,
    with_all: bool = False,
) -> np.ndarray: ...
def add_to_sums(
    sums: np.ndarray,
    busy_ns: np.ndarray,
    task: np.ndarray,
    cpu: np.ndarray,
    ready: np.ndarray,
    out: np.ndarray,
    ready_ns: np.ndarray,
    start_ns: np.ndarray,
    end_ns: np.ndarray,
) -> None: ...
def switches(
    chosen: np.ndarray,
    cpu: np.ndarray,
    ready: np.ndarray,
    out: np.ndarray,
    start_ns: np.ndarray,
    end_ns: np.ndarray,
    begin: int,
    until: int,
) -> int: ...
def coverage(
    row_of: np.ndarray,
    nr_rows: int,
    chosen: np.ndarray,
    task: np.ndarray,
    cpu: np.ndarray,
    begin_ns: np.ndarray,
    end_ns: np.ndarray,
    edges: np.ndarray,
    kind: np.ndarray | None = None,
) -> np.ndarray: ...
