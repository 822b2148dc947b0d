"""Whole recordings against what another program counted in them: every number must be the same."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cfs.recordings import Recording
from cfs.result import Out, Ready

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / "tests/data/recordings", ROOT / "examples/recordings")
NAMES = sorted(path.name.removesuffix(".truth.json") for path in FOLDERS[0].glob("*.truth.json"))
WAITS = {"wakeup_latency": Ready.WAKEUP, "fork_latency": Ready.FORK, "preempted_wait": Ready.PREEMPTED}
QUANTILES = {"p50_ns": 0.5, "p95_ns": 0.95, "p99_ns": 0.99, "max_ns": 1.0}


@cache
def truth(name):
    return json.loads((FOLDERS[0] / f"{name}.truth.json").read_text())


@cache
def recording(name):
    file = truth(name)["recording"]["file"]
    [path] = [folder / file for folder in FOLDERS if (folder / file).exists()]
    return Recording.open(path)


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


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_out(name):
    assert recording.__wrapped__(name).warnings == []  # a fresh one: making a workload adds warnings


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_counted(name):
    header = 12 if name == "nice-hogs-ftrace" else 0
    assert recording(name).nr_lines == truth(name)["recording"]["lines"] + header


@pytest.mark.parametrize("name", NAMES)
def test_span(name):
    wanted = truth(name)["recording"]
    found = recording(name)
    assert (found.start_ns, found.duration_ns) == (wanted["first_ns"], wanted["duration_ns"])


@pytest.mark.parametrize("name", NAMES)
def test_totals(name):
    found = recording(name)
    totals = {
        "context_switches": found.nr_switches,
        "tasks_seen": len(found.tasks),
        "inferred_switch_ins": found.inferred_switch_ins,
    }
    assert totals == truth(name)["totals"]


@pytest.mark.parametrize("name", NAMES)
def test_names_and_parents(name):
    parent = {t.row: t.pid for t in recording(name).tasks} | {-1: None}
    for wanted in truth(name)["tasks"]:
        task = last_of(name, wanted["pid"])
        assert (task.comm, parent[task.parent]) == (wanted["comm"], wanted["parent"])
        # A name may show in a wakeup only, where the truth does not look.
        assert set(task.comms) >= set(wanted["comms"])


@pytest.mark.parametrize("name", NAMES)
def test_nice_values(name):
    for wanted in truth(name)["tasks"]:
        assert last_of(name, wanted["pid"]).nice == wanted["nice"], wanted["comm"]


@pytest.mark.parametrize("name", NAMES)
def test_cpu_time_and_switches_in(name):
    for wanted in truth(name)["tasks"] + truth(name)["other_tasks"]:
        of_task = runs_of(name, wanted["pid"])
        found = int((of_task["end_ns"] - of_task["start_ns"]).sum()), len(of_task)
        assert found == (wanted["cpu_ns"], wanted["switch_ins"]), wanted["pid"]


@pytest.mark.parametrize("name", NAMES)
def test_voluntary_and_involuntary_switches(name):
    for wanted in truth(name)["tasks"]:
        out = runs_of(name, wanted["pid"])["out"]
        found = int((out >= Out.BLOCKED).sum()), int((out == Out.PREEMPTED).sum())
        assert found == (wanted["voluntary"], wanted["involuntary"]), wanted["comm"]


@pytest.mark.parametrize("name", NAMES)
def test_run_lengths(name):
    for wanted in truth(name)["tasks"]:
        of_task = runs_of(name, wanted["pid"])
        found = statistics(of_task["end_ns"] - of_task["start_ns"], wanted["run_length"])
        assert found == wanted["run_length"], wanted["comm"]


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("name", NAMES)
def test_waits(name, wait):
    for wanted in truth(name)["tasks"]:
        of_task = runs_of(name, wanted["pid"])
        of_task = of_task[of_task["ready"] == WAITS[wait]]
        found = statistics(of_task["start_ns"] - of_task["ready_ns"], wanted[wait])
        assert found == wanted[wait], wanted["comm"]


@pytest.mark.parametrize("name", NAMES)
def test_busy_time_is_that_of_the_runs_and_of_tasks_found_running(name):
    table = runs(name)
    nr = len(recording(name).tasks)
    of_runs = np.bincount(table["task"], table["end_ns"] - table["start_ns"], minlength=nr)
    more = recording(name).busy_ns() - of_runs
    assert more.min() >= 0 and np.count_nonzero(more) <= len(recording(name).cpus)
