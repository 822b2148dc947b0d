"""Recordings of this repository that have a whole truth file, and a small one made by hand."""

from functools import cache
from pathlib import Path

import pytest

from cfs.recordings import Recording
from cfs.validate import read_truth
from cfs.validate.bars import read_bars
from cfs.validate.validation import judged, validate
from tests.unit.recordings.lines import IDLE, fork, read, switch, wake

ROOT = Path(__file__).parents[3]
TRUTHS = ROOT / "tests" / "data" / "truth"
FOLDERS = (ROOT / "examples" / "recordings", ROOT / "tests" / "data" / "recordings")
NAMES = sorted(path.name.removesuffix(".truth.json.gz") for path in TRUTHS.glob("*.truth.json.gz"))
SEVERAL_CPUS = ["kbuild-shell-2cpu"]
ONE_CPU = [name for name in NAMES if name not in SEVERAL_CPUS]
SMALL = "nice-hogs-small"
LONG = ("pipe", "fork-heavy", "messaging")
"""Recordings of which a look takes long."""

P, A, B = ("p", 100), ("a", 101), ("b", 102)
US = 1000


def each(names):
    """Parameters of a test; long recordings make it a slow one."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in names]


def truth_path(name):
    return TRUTHS / f"{name}.truth.json.gz"


def recording_path(name):
    [path] = [path for folder in FOLDERS for path in folder.glob(f"{name}.*.txt.gz")]
    return path


@cache
def truth(name):
    return read_truth(truth_path(name))


@cache
def recording(name):
    return Recording.open(recording_path(name))


def validated(name, **options):
    return validate(recording(name), truth(name), **options)


def beside_itself(name):
    """What was recorded, taken as the prediction."""
    read, known = recording(name), truth(name)
    work = read.workload(list(known.cpus))
    recorded = read.result(list(known.cpus), workload=work)
    return judged(read, recorded, recorded, read_bars(known.scenario), known, work=work)


@cache
def by_hand():
    """Two children, one computes, the other sleeps once; times in us."""
    lines = [
        wake(0, IDLE, P),
        switch(10 * US, IDLE, P),
        fork(100 * US, P, A),
        wake(100 * US, P, A, "wakeup_new"),
        fork(200 * US, P, B),
        wake(200 * US, P, B, "wakeup_new"),
        switch(300 * US, P, A),
        switch(500 * US, A, B, state="R"),
        switch(600 * US, B, A),
        wake(800 * US, A, B),
        switch(900 * US, A, B, state="R"),
        switch(1000 * US, B, A),
        switch(1100 * US, A, IDLE, state="Z"),
    ]
    return read(*lines)
