"""Whatever a file says beside a recording, every model runs it. Way to be right: laws.

    L1  What is said and allowed is never an error, under any model.
    L2  What is said changes when work is done, and not how much.
    L3  What is written is read back.
"""

import io
import random

import pytest

import cfs
from cfs.recordings import Recording, cfsrec
from cfs.recordings.surroundings import PREEMPT_MODES, TASK_POLICIES, GroupFacts, Surroundings, TaskFacts
from cfs.workload.said import lost_in
from tests.properties.test_random_recordings import SOUND
from tests.unit.recordings.lines import T0, text

NAMES = [name for model in cfs.MODELS.values() for name in model.tunables.names()]
PIDS = [101, 102, 103, 104, 999]
PATHS = ["/", "/a", "/a/b", "/a/b/c", "/d", "/d/e", "/autogroup-7", None]
NUMBERS = [0, 1, 2, 3, 100_000, 700_000, 3_000_000, 10**9, 2**32 - 1, 2**32, 2**63]


def drawn_task(draw):
    return TaskFacts(
        draw.choice(PIDS),
        T0 + draw.randrange(-500, 1500),
        "t",
        0,
        draw.choice([None, 0, 1000, 2**31 - 1]),
        draw.choice([None, -20, 0, 19]),
        draw.choice([*TASK_POLICIES, ""]),
        draw.randrange(100),
        draw.choice([None, 1, 100_000, 3_000_000, 2**40]),
        draw.choice(PATHS),
    )


def drawn(draw):
    """Surroundings of which every value is allowed."""
    groups = tuple(
        GroupFacts(path, "cgroup v1", draw.choice([None, 2, 1024, 2**18]), draw.random() < 0.3)
        for path in PATHS[1:-1]
        if draw.random() < 0.7
    )
    return Surroundings(
        clock=draw.choice(["", "CLOCK_MONOTONIC", "other"]),
        hz=draw.choice([None, 10, 100, 250, 1000, 10**6]),
        preempt=draw.choice([None, *PREEMPT_MODES]),
        cpus_in_machine=draw.choice([None, 1, 2, 8, 64, 2**16]),
        base_slice_ns=draw.choice([None, 1, 700_000, 2**40]),
        tunables={draw.choice(NAMES): draw.choice(NUMBERS) for _ in range(draw.randrange(4))},
        features={draw.choice(NAMES): draw.random() < 0.5 for _ in range(draw.randrange(4))},
        users={uid: draw.choice([2, 1024]) for uid in (0, 1000) if draw.random() < 0.2},
        groups=groups,
        tasks=tuple(drawn_task(draw) for _ in range(draw.randrange(8))),
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_said_every_model_runs_it(seed, tmp_path):
    said = drawn(random.Random(seed))
    cfsrec.write(tmp_path / "x.cfsrec", said, io.BytesIO(text(*SOUND)))
    recording = Recording.open(tmp_path / "x.cfsrec")
    assert recording.surroundings == said
    work, bare = recording.workload(None), Recording.open(io.BytesIO(text(*SOUND))).workload(None)
    work.check()
    for model in cfs.MODELS.values():
        result = work.run(model, until_ns=10**9)
        assert result.busy_ns == bare.run(model, until_ns=10**9).busy_ns
        assert all(line.startswith(model.id) for line in lost_in(work, model))
