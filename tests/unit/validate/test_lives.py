"""Commands of a shell. Way to be right: the wall times that the shell itself measured."""

import dataclasses
import gzip
import json

import numpy as np
import pytest

from cfs.result import Out, Ready, Result, RUN_DTYPE
from cfs.validate.lives import Commands, Lives, Work
from cfs.validate.figures import Key, Measured
from cfs.validate.truth import Interval
from tests.unit.validate.test_figures import counted
from tests.unit.validate.truths import truth_path

BUILDS = ["kbuild-shell-1cpu", "kbuild-shell-1cpu-autogroup"]


@pytest.mark.parametrize("name", BUILDS)
def test_commands_take_what_the_shell_measured(name):
    """C1."""
    said = json.loads(gzip.decompress(truth_path(name).read_bytes()))["commands"]["during_build_ns"]
    _, found = counted(name, "comm")
    for part in ("count", "p50", "p95", "max"):
        assert found.values[Key("turnaround", "command during build", part)] == said[part]


def result(*runs):
    """Tasks 0 (the shell), 1 and 2; a run is (task, ready, ready_ns, start_ns, end_ns, out)."""
    table = np.zeros(len(runs), RUN_DTYPE)
    for row, (task, ready, ready_ns, start_ns, end_ns, out) in zip(table, runs):
        row["task"], row["ready"], row["ready_ns"] = task, ready, ready_ns
        row["start_ns"], row["end_ns"], row["out"] = start_ns, end_ns, out
    names = ["shell", "one", "two"]
    return Result("m", table, 1000, np.arange(3), np.zeros(3, np.int8), names, ["/"] * 3, [0], 0)


RUNS = [
    (0, Ready.FOUND, -1, 0, 20, Out.BLOCKED),
    (1, Ready.FORK, 10, 20, 40, Out.EXITED),
    (2, Ready.FORK, 15, 40, 70, Out.EXITED),
    (0, Ready.WAKEUP, 40, 90, 100, Out.BLOCKED),
]


def spans(runs, children=((1, 2),)):
    rows = [np.array(command) for command in children]
    commands = Commands(0, rows, [3] * len(rows), [5] * len(rows))
    found = Measured({}, {}, Interval(0, 1000))
    commands.add_to(found, result(*runs))
    return {str(key): value for key, value in found.values.items()}


def test_a_command_ends_when_the_shell_runs_again_after_the_last_child():
    assert spans(RUNS)["turnaround/command alone/max"] == (90 + 5) - (10 - 3)


def test_a_shell_that_runs_already_is_back_at_once():
    early = [*RUNS[:3], (0, Ready.WAKEUP, 40, 60, 100, Out.BLOCKED)]
    assert spans(early)["turnaround/command alone/max"] == (70 + 5) - (10 - 3)


@pytest.mark.parametrize("cut", [RUNS[:3], [*RUNS[:2], RUNS[3]], [RUNS[0], RUNS[3]]])
def test_a_command_that_has_not_ended_is_none(cut):
    assert spans(cut) == {}


def test_commands_during_the_build_begin_in_it():
    children = [np.array([1]), np.array([2])]
    commands = Commands(0, children, [0, 0], [0, 0], build=Work(1, 2, 3))
    found = Measured({}, {}, Interval(0, 1000))
    commands.add_to(found, result(*RUNS))
    assert found.values[Key("makespan", "build")] == (40 + 3) - (10 - 2)
    assert found.values[Key("turnaround", "command during build", "count")] == 2  # at 10 and at 15, before 43
    later = dataclasses.replace(commands, build=Work(2, -5, 0))  # from 20 on
    found = Measured({}, {}, Interval(0, 1000))
    later.add_to(found, result(*RUNS))
    assert found.values[Key("turnaround", "command alone", "count")] == 2


def test_lives_are_from_the_fork_to_the_end():
    lives = Lives.of(result(*RUNS))
    assert lives.born_ns.tolist() == [-1, 10, 15] and lives.dead_ns.tolist() == [-1, 40, 70]
