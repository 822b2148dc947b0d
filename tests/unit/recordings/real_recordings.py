"""The real recordings of this repository, and the truth about each: what another program counted in it."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from cfs.recordings import Recording
from cfs.result import Ready

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


def runs_of(name, pid, wanted=True):
    """Runs of a pid, as the truth counts them: it knows nothing of those found running."""
    rows = [task.row for task in recording(name).tasks if task.pid == pid]
    table = runs(name)
    return table[np.isin(table["task"], rows) & (table["ready"] != Ready.FOUND) & wanted]


def of_seen(table, kind):
    """Which runs followed a wait of this kind, as the truth counts them: it does not count the wait of a task
    that was first seen when it was woken.
    """
    by_start = np.argsort(table["start_ns"], kind="stable")
    _, first = np.unique(table["task"][by_start], return_index=True)
    found = table["ready"] == kind
    found[by_start[first]] &= kind != Ready.WAKEUP
    return found


def last_of(name, pid):
    return [task for task in recording(name).tasks if task.pid == pid][-1]


def statistics(values, wanted):
    """Count, sum and nearest-rank quantiles, as far as `wanted` has them."""
    values = np.sort(values)
    found = {"count": len(values), "sum_ns": int(values.sum())}
    for key, q in QUANTILES.items():
        found[key] = int(values[max(int(np.ceil(q * len(values))), 1) - 1]) if len(values) else None
    return {key: found[key] for key in wanted}
