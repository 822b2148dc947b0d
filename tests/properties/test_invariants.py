"""What must be the same under every scheduler, on every recording that the repository carries.

Beside these, tests/properties/test_one_population.py has what is conserved in parts of a recording.
"""

import gzip
import json
from collections import Counter

import numpy as np
import pytest

import cfs
from cfs.recordings import Recording
from cfs.recordings.measured import recorded_result
from cfs.result import Out, WokenBy
from cfs.workload import Op
from tests.unit.recordings.real_recordings import FOLDERS
from tests.unit.validate.truths import TRUTHS

pytestmark = pytest.mark.slow

FILES = sorted(
    path
    for folder in FOLDERS
    for path in folder.glob("*.txt.gz")
    if not path.name.startswith("messaging-cut")
)
MODELS = list(cfs.MODELS)
ONE_BUILD = "kbuild-shell-1cpu-autogroup.perf-script.txt.gz"
JOBS = 4


def named(name):
    return next(path for path in FILES if path.name == name)


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.name.split(".")[0])
def replayed(request):
    """A recording, its workload on the first CPU, and its run under each model, for as long as that takes."""
    recording = Recording.open(request.param)
    work = recording.workload()
    results = {model: work.run(model, until_ns=8 * work.duration_ns + 10**9) for model in MODELS}
    return recording, work, results


def demands(work):
    """CPU time that the program of each task asks for."""
    is_run = work.ops["kind"] == Op.RUN
    total = np.concatenate([[0], np.cumsum(np.where(is_run, work.ops["arg"], 0))])
    first = work.tasks["first_op"]
    return total[first + work.tasks["nr_ops"]] - total[first]


def test_work_is_conserved_per_task(replayed):
    recording, work, results = replayed
    measured = recorded_result(recording, work.origin.cpus, workload=work).stats("task")
    wanted = demands(work)
    by_row = np.zeros(work.nr_tasks, np.int64)
    by_row[measured["key"]] = measured["cpu_ns"]
    assert (wanted == by_row).all()
    for model, result in results.items():
        assert (received(work, result) == wanted).all(), model


def received(work, result):
    """CPU time of each task."""
    lengths = result.runs["end_ns"] - result.runs["start_ns"]
    return np.bincount(result.runs["task"], lengths, minlength=work.nr_tasks).astype(np.int64)


@pytest.mark.parametrize("model", MODELS)
def test_with_costs_a_task_needs_what_its_wakeups_and_blocks_cost_as_well(model):
    recording = Recording.open(named("pipe.perf-script.txt.gz"))
    work = recording.workload(costs=True)
    recorded = recorded_result(recording, work.origin.cpus, workload=work)
    result = work.run(model, until_ns=8 * work.duration_ns)
    assert len(np.unique(rows_with_costs(work))) == 2
    for one in (recorded, result):
        require_demands(work, demands(work), received(work, one), one.wakeups)


def require_demands(work, wanted, got, wakeups):
    """Each task got what its program asks for; one whose wakeups and blocks cost something, that as well."""
    by_task = wakeups[wakeups["cause"] == WokenBy.TASK]
    dear = np.unique(rows_with_costs(work))
    for row in dear.tolist():
        costs, slack = costs_of(work.program(row))
        paid = costs["wake"] * (by_task["waker"] == row).sum() + costs["wait"] * (by_task["task"] == row).sum()
        assert abs(int(got[row]) - int(wanted[row]) - int(paid)) <= slack
    others = np.delete(np.arange(work.nr_tasks), dear)
    assert (got[others] == wanted[others]).all()


def rows_with_costs(work):
    """The row of each RUN that says what the operation before it costs."""
    first = work.tasks["first_op"]
    ops = np.flatnonzero((work.ops["kind"] == Op.RUN) & (work.ops["target"] > 0))
    order = np.argsort(first, kind="stable")
    return order[np.searchsorted(first[order], ops, "right") - 1]


def costs_of(program):
    """What a wakeup and a block cost a task, and how much may be missing: what no RUN says, and the last one."""
    kind, more = program["kind"], program["target"]
    costs, slack = {}, 0
    for name, kinds in (("wake", (Op.WAKE, Op.PUT)), ("wait", (Op.WAIT,))):
        behind = np.flatnonzero(np.isin(kind[:-1], kinds)) + 1
        said = behind[(kind[behind] == Op.RUN) & (more[behind] > 0)]
        [costs[name]] = set(more[said].tolist())
        slack += costs[name] * (len(behind) - len(said) + 1)
    return costs, slack


def test_a_model_that_has_the_time_comes_to_every_end_that_was_recorded(replayed):
    recording, work, results = replayed
    runs = recorded_result(recording, work.origin.cpus, workload=work).runs
    ended = set(runs["task"][runs["out"] == Out.EXITED].tolist())
    for model, result in results.items():
        assert ended <= set(result.runs["task"][result.runs["out"] == Out.EXITED].tolist()), model


def test_sleeps_are_as_long_as_they_were(replayed):
    """Think times: every relative sleep of a program is slept, and none is cut short or stretched."""
    _, work, results = replayed
    for model, result in results.items():
        woken = result.wakeups[result.wakeups["cause"] == 1]
        asked = Counter(work.ops["arg"][work.ops["kind"] == Op.SLEEP].tolist())
        slept = slept_ns(result, woken)
        assert not asked - slept, model


def slept_ns(result, woken):
    """How long each sleep that a timer ended was: from the end of the run before it."""
    found = Counter()
    order = np.lexsort((result.runs["end_ns"], result.runs["task"]))
    task, end_ns = result.runs["task"][order].astype(np.int64), result.runs["end_ns"][order]
    key = task * (1 << 50) + end_ns
    place = np.searchsorted(key, woken["task"].astype(np.int64) * (1 << 50) + woken["time_ns"], "right") - 1
    known = place >= 0
    known[known] &= task[place[known]] == woken["task"][known]
    found.update((woken["time_ns"][known] - end_ns[place[known]]).tolist())
    return found


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("preempt", ["none", "full"])
def test_partners_on_one_cpu_make_two_switches_a_round_trip(model, preempt):
    """So many trips as the benchmark was asked for. All other switches are those of programs that begin and end: a
    model may make as many again, or none, but no other number of each trip.
    """
    known = json.loads(gzip.decompress((TRUTHS / "pipe.truth.json.gz").read_bytes()))
    of_trips = 2 * int(known["workload"]["parameters"]["LOOPS"])
    of_others = known["per_cpu"]["0"]["switches"] - of_trips
    assert 0 < of_others < 100
    result = Recording.open(named("pipe.perf-script.txt.gz")).workload().run(model, preempt=preempt)
    assert of_trips <= result.context_switches <= of_trips + 2 * of_others


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["cc1", "gcc"])
def test_make_keeps_the_number_of_its_jobs(model, name):
    work = Recording.open(named(ONE_BUILD)).workload()
    assert 1 < most_alive(work.run(model, until_ns=2 * work.duration_ns), name) <= JOBS


def most_alive(result, name):
    """Tasks of a name that had begun and not ended at one moment, at most."""
    moments = []
    for row in np.flatnonzero(np.array(result.names) == name).tolist():
        runs = result.runs[result.runs["task"] == row]
        if len(runs):
            moments += [(int(runs["start_ns"][0]), 1), (int(runs["end_ns"][-1]), -1)]
    alive = np.cumsum([change for _, change in sorted(moments)])
    return int(alive.max(initial=0))


@pytest.mark.parametrize("model", MODELS)
def test_a_task_that_waits_for_a_child_waits_for_it(model):
    """When a child wakes it, the child runs and the task does not: it has blocked and not run since."""
    work = Recording.open(named(ONE_BUILD)).workload()
    result = work.run(model, until_ns=2 * work.duration_ns)
    children = {
        (int(task), int(op["target"]))
        for task in range(work.nr_tasks)
        for op in work.program(task)
        if op["kind"] == Op.FORK
    }
    by_child = [w for w in result.wakeups[result.wakeups["cause"] == 0] if (int(w["task"]), int(w["waker"])) in children]
    assert len(by_child) > 100
    for wakeup in by_child:
        last, now = last_run(result, wakeup["task"], wakeup["time_ns"]), last_run(result, wakeup["waker"], wakeup["time_ns"])
        assert last["out"] == Out.BLOCKED and last["end_ns"] <= wakeup["time_ns"] <= now["end_ns"]


def last_run(result, task, ns):
    """The run of a task that began last before a moment."""
    return result.runs[(result.runs["task"] == task) & (result.runs["start_ns"] < ns)][-1]
