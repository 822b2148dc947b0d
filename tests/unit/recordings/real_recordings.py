"""The real recordings of this repository, and the truth about each: what another program counted in it."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from cfs.recordings import Recording

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / "tests/data/recordings", ROOT / "examples/recordings")
NAMES = sorted(path.name.removesuffix(".truth.json") for path in FOLDERS[0].glob("*.truth.json"))
QUANTILES = {"p50_ns": 0.5, "p95_ns": 0.95, "p99_ns": 0.99, "max_ns": 1.0}


@cache
def truth(name):
    return json.loads((FOLDERS[0] / f"{name}.truth.json").read_text())


def opened(name):
    file = truth(name)["recording"]["file"]
    [path] = [folder / file for folder in FOLDERS if (folder / file).exists()]
    return Recording.open(path)


@cache
def recording(name):
    """One for all tests that only look at it."""
    return opened(name)


@cache
def runs(name):
    return recording(name).runs()


def runs_of(name, pid):
    rows = [task.row for task in recording(name).tasks if task.pid == pid]
    return runs(name)[np.isin(runs(name)["task"], rows)]


def last_of(name, pid):
    return [task for task in recording(name).tasks if task.pid == pid][-1]


def statistics(values, wanted):
    """Count, sum and nearest-rank quantiles, as far as `wanted` has them."""
    values = np.sort(values)
    found = {"count": len(values), "sum_ns": int(values.sum())}
    for key, q in QUANTILES.items():
        found[key] = int(values[max(int(np.ceil(q * len(values))), 1) - 1]) if len(values) else None
    return {key: found[key] for key in wanted}
