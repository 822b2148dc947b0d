"""Whole recordings against what another program counted in them: every number must be the same."""

import numpy as np
import pytest

from cfs.result import Out, Ready

from .real_recordings import NAMES, last_of, of_seen, opened, recording, runs, runs_of, statistics, truth

WAITS = {"wakeup_latency": Ready.WAKEUP, "fork_latency": Ready.FORK, "preempted_wait": Ready.PREEMPTED}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_out(name):
    assert opened(name).warnings == []


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
        of_task = runs_of(name, wanted["pid"], of_seen(runs(name), WAITS[wait]))
        found = statistics(of_task["start_ns"] - of_task["ready_ns"], wanted[wait])
        assert found == wanted[wait], wanted["comm"]


@pytest.mark.parametrize("name", NAMES)
def test_busy_time_is_that_of_the_runs(name):
    table = runs(name)
    of_runs = np.bincount(table["task"], table["end_ns"] - table["start_ns"], minlength=len(recording(name).tasks))
    assert np.array_equal(recording(name).busy_ns(), of_runs)
