"""One population, one span: whatever is chosen, nothing is refused, and what is conserved is equal on both sides.

For every recording of this repository: subsets of its CPUs (all of them up to three CPUs), names kept and
left out, and parts of the span. The programs of a recording end whatever the scheduler does (P1), so a model
that is given time enough must have done for each task what was measured: its CPU time, and its exit.
"""

import gzip
import itertools
import json
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cfs import Recording
from cfs.models.registry import all_models
from cfs.recordings.measured import fitted
from cfs.reports.comparison import compare
from cfs.reports.part import part_of
from cfs.reports.tables import tables
from cfs.result import Out, Ready
from tests.unit.cli.commands import run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "examples/recordings", ROOT / "tests/data/recordings", ROOT / "tests/data/cases"]
REFUSED = {"bad-switch-lines.txt", "from-pager-cut.txt"}  # nothing can be read of them
FILES = sorted(path for folder in FOLDERS for path in folder.glob("*") if path.suffix in (".txt", ".gz") and "truth" not in path.name and path.name not in REFUSED)
SMALL = [path for path in FILES if path.stat().st_size < 20_000]
MODELS = list(all_models())
SUBSETS_MAX = 7


@cache
def opened(path):
    return Recording.open(path)


def subsets(cpus, rng):
    """All subsets of up to three CPUs; of more some, among them each end, half and all."""
    if len(cpus) <= 3:
        return [list(some) for nr in range(1, len(cpus) + 1) for some in itertools.combinations(cpus, nr)]
    sampled = [sorted(rng.sample(cpus, rng.randint(1, len(cpus)))) for _ in range(SUBSETS_MAX - 4)]
    return [cpus[:1], cpus[-1:], cpus[::2], cpus, *sampled]


def chosen_names(recording, cpus, rng):
    """Names to keep and to leave out, such that somebody stays."""
    names = sorted({recording.tasks[row].comm for row in recording.workload(cpus).origin.rows})
    kept = rng.sample(names, rng.randint(1, len(names))) if names else []
    yield {}
    if names:
        yield {"only": kept}
        if len(names) > 1:
            yield {"without": rng.sample(names, rng.randint(1, len(names) - 1))}
        yield {"only": kept, "without": "no such name"}


def per_task(result):
    return np.bincount(result.runs["task"], result.run_ns, minlength=result.nr_tasks).astype(np.int64)


def ended(result):
    return np.bincount(result.runs["task"][result.runs["out"] == Out.EXITED], minlength=result.nr_tasks)


def conserved(recording, cpus, names, model, rng):
    work = recording.workload(cpus, **names)
    work.check()
    recorded = recording.result(workload=work)
    assert recorded.pids.tolist() == work.tasks["pid"].tolist()
    assert recorded.names == [work.name(row) for row in range(work.nr_tasks)]
    assert recorded.cpus == cpus and recorded.duration_ns == work.duration_ns
    long_ns = 40 * recording.duration_ns + 10**9
    done = work.run(model, until_ns=long_ns)
    assert done.end == "finished" or work.nr_tasks == 0
    assert np.array_equal(per_task(done), per_task(recorded))
    assert np.array_equal(ended(done), ended(recorded))
    parts(work, recording, recorded, model, rng)


def parts(work, recording, recorded, model, rng):
    """A part of the span has the same tasks on both sides, no more CPU time than there is, and the parts of a
    result add up to it.
    """
    span = recording.duration_ns
    until = rng.randint(1, max(span, 1))
    begin = rng.randint(0, until - 1)
    result = work.run(model, until_ns=max(span, 1))
    assert (result.cpus, result.duration_ns) == (recorded.cpus, max(span, 1))
    require_equal_results(fitted(result, recorded), result)  # nothing is left to be forgotten
    cut = recording.result(workload=work, until_ns=until) if span else recorded
    assert cut.nr_tasks == recorded.nr_tasks == work.nr_tasks
    assert np.array_equal(per_task(cut), per_task(part_of(recorded, 0, until))) or not span
    for side in (result, recorded):
        three = [part_of(side, *edge) for edge in ((0, begin), (begin, until), (until, max(span, until)))]
        assert sum(part.busy_ns for part in three) == side.busy_ns
        assert all(part.busy_ns <= part.duration_ns * max(len(side.cpus), 1) for part in three)
        assert all((per_task(part) >= 0).all() for part in three)
    for by in ("task", "comm"):
        tables(part_of(result, begin, until), part_of(recorded, begin, until), by=by)
    blind = [first_ready(side) for side in (result, recorded)]
    both = (blind[0] >= 0) & (blind[1] >= 0)
    unknown = [np.isin(codes[both], (Ready.UNKNOWN, Ready.FOUND)) for codes in blind]
    assert np.array_equal(*unknown)


def require_equal_results(one, other):
    assert one.runs.tolist() == other.runs.tolist() and one.wakeups.tolist() == other.wakeups.tolist()


def first_ready(result):
    """How each task became runnable before its first run, -1 if it has none."""
    codes = np.full(result.nr_tasks, -1)
    codes[result.runs["task"][::-1]] = result.runs["ready"][::-1]
    return codes


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_small_recordings(path):
    rng = random.Random(path.name)
    recording = opened(path)
    for cpus in subsets(recording.cpus, rng):
        for names in chosen_names(recording, cpus, rng):
            conserved(recording, cpus, names, rng.choice(MODELS), rng)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_recording_under_every_model(path, model):
    rng = random.Random(path.name + model)
    recording = opened(path)
    for cpus in subsets(recording.cpus, rng):
        for names in chosen_names(recording, cpus, rng):
            conserved(recording, cpus, names, model, rng)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_a_comparison_of_any_part(path):
    rng = random.Random(path.name)
    recording = opened(path)
    for cpus in subsets(recording.cpus, rng)[:3]:
        work = recording.workload(cpus)
        if not recording.duration_ns:
            continue
        until = rng.randint(1, recording.duration_ns)
        found = compare(
            work,
            rng.sample(MODELS, 2),
            recorded=recording.result(workload=work),
            from_ns=rng.randint(0, until - 1),
            until_ns=until,
            cpus=cpus,
        )
        assert len({column.result.nr_tasks for column in found.columns}) == 1
        assert found.tables()


def test_commands_refuse_nothing():
    for path in SMALL:
        rng = random.Random(path.name)
        recording = opened(path)
        cpus = [part for cpu in rng.choice(subsets(recording.cpus, rng)) for part in ("--cpu", str(cpu))]
        until = max(rng.randint(1, max(recording.duration_ns, 2)), 2)
        span = ["--from", f"{until / 2e9:.9f}", "--until", f"{until / 1e9:.9f}"]
        for command in (["replay"], ["compare", "--model", rng.choice(MODELS)]):
            for more in ([], cpus, ["--cpu", "all"], cpus + span):
                found = run(*command, path, *more, "--json", "-")
                assert found.exit_code == 0, (path.name, command, more, found.output)
                told = json.loads(found.stdout)
                sides = [told, told["recorded"]] if command == ["replay"] else [c["result"] for c in told["columns"]]
                assert len({side["duration_ns"] for side in sides}) == 1, (path.name, command, more)


def text_of(path):
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_a_recording_that_begins_or_ends_anywhere(path, tmp_path):
    """Cut files are recordings too: found running, never switched, half a life."""
    lines = text_of(path).splitlines()
    rng = random.Random(path.name)
    for _ in range(6):
        begin = rng.randint(0, max(len(lines) - 3, 0))
        cut = lines[begin : begin + rng.randint(2, 60)]
        file = tmp_path / "cut.txt"
        file.write_text("\n".join(cut) + "\n")
        if not any("sched_switch" in line for line in cut):
            continue
        recording = Recording.open(file)
        for cpus in subsets(recording.cpus, rng)[:4]:
            conserved(recording, cpus, {}, rng.choice(MODELS), rng)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_losses_anywhere(path, tmp_path):
    """Events of some CPU are lost between any two lines: what spans the loss counts on neither side."""
    lines = text_of(path).splitlines()
    rng = random.Random(path.name)
    for _ in range(4):
        cut = list(lines[:200])
        for _ in range(rng.randint(1, 3)):
            cpu = rng.choice(["CPU:0 ", "CPU:1 ", ""])
            cut.insert(rng.randint(0, len(cut)), f"{cpu}[LOST 7 EVENTS]" if cpu else "x PERF_RECORD_LOST lost 3")
        file = tmp_path / "lost.txt"
        file.write_text("\n".join(cut) + "\n")
        recording = Recording.open(file)
        for cpus in subsets(recording.cpus, rng)[:4]:
            conserved(recording, cpus, {}, rng.choice(MODELS), rng)
