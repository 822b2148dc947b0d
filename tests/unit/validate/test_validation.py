"""The judgement. Ways to be right: a recording beside itself, and models that are wrong."""

import dataclasses

import numpy as np
import pytest

from cfs import RecordingError, TruthError
from cfs.validate import validate
from cfs.validate.bars import Bars, Rule, read_bars
from cfs.validate.figures import Key, Measured
from cfs.validate.prediction import model_of, release_of, told_by
from cfs.validate.scope import task_names
from cfs.validate.truth import Interval
from cfs.validate.text import verdict
from cfs.validate.validation import Row, Validation, judged, row_of
from cfs.validate.validation import _distance as distance_of
from tests.unit.validate.truths import (
    NAMES, ONE_CPU, SEVERAL_CPUS, SMALL, beside_itself, by_hand, each, recording, truth, validated,
)  # fmt: skip

EEVDF, WRONG = "linux-6.18.44-eevdf", ["linux-2.6.24-cfs", "linux-2.6.22-o1"]
MS = 1_000_000


# ---- beside itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", each(NAMES))
def test_a_recording_is_inside_its_own_bars(name):
    """V2, against what another program counted: the definitions are the same, but for a response's beginning."""
    found = beside_itself(name)
    assert [str(row.key) for row in found.judged if not row.is_inside] == []
    different = [row for row in found.rows if row.difference and row.key.kind not in ("response", "switches")]
    assert all(abs(row.difference) <= 1e-9 * row.measured for row in different if not _elsewhere(row))


def _elsewhere(row):
    """The first task of the workload also ran on the other CPU, where perf started it."""
    return row.key.name == "workload.sh"


@pytest.mark.parametrize("name", [SMALL, "kbuild-shell-1cpu", "periodic"])
def test_without_a_truth_file_each_difference_is_0(name):
    """V2."""
    read = recording(name)
    work = read.workload()
    recorded = read.result(workload=work)
    found = judged(read, recorded, recorded, read_bars(None), work=work)
    assert len(found.judged) > 5 and found.is_inside
    assert {row.difference for row in found.rows} == {0.0}
    assert {row.distance for row in found.rows} <= {None, 0.0}


# ---- distributions: values are one where they differ by no more than a tenth -----------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([10, 20], [10, 20], 0),
        ([10], [11], 0),
        ([10], [12], 1),
        ([10, 20], [10, 30], 0.5),
        ([10] * 9 + [20], [10] * 10, 0.1),
        ([10, 20, 30, 40], [20, 30, 40, 50], 0.25),
        ([0], [0], 0),
        ([0], [1], 1),
        ([], [10], None),
    ],
)
def test_how_far_two_distributions_are_apart(one, other, expected):
    """The same to both sides: nothing is said of which one is the longer."""
    one, other = np.array(one, float), np.array(other, float)
    assert [distance_of(one, other), distance_of(other, one)] == pytest.approx([expected] * 2)


def test_a_figure_has_the_distance_of_its_distributions():
    key = Key("preempted_wait", "hog", "p50")
    there, here = (Measured({}, {}, Interval(0, 10**10)) for _ in range(2))
    there.add(key.kind, key.name, np.array([20.0, 10.0]))
    here.add(key.kind, key.name, np.array([30.0, 10.0]))
    scope = type("S", (), {"started": frozenset()})
    assert row_of(key, there, here, scope, Bars("s", "comm", ()), 4 * MS).distance == 0.5
    assert row_of(key, there, Measured({}, {}, here.window), scope, Bars("s", "comm", ()), 4 * MS).distance is None


# ---- models ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("model", WRONG)
@pytest.mark.parametrize("name", ONE_CPU)
def test_a_wrong_model_is_outside(name, model):
    assert not validated(name, model=model).is_inside


@pytest.mark.parametrize("name", [SMALL, "nice-hogs-ftrace", "two-users-equal", "two-users-1to3"])
def test_the_kernel_that_was_recorded_is_inside(name):
    found = validated(name)
    assert found.result.model == EEVDF and [str(row.key) for row in found.outside] == []
    assert len(found.judged) > 15


def test_it_is_judged_by_the_facts_of_the_truth_file():
    found = validated("two-users-1to3")
    assert found.result.hz == 250 and found.result.tunables["base_slice_ns"] == 1_400_000
    assert found.result.group_by == "cgroup"
    assert {group: found.result.shares[group] for group in ("/rec.A", "/rec.B")} == {"/rec.A": 1024, "/rec.B": 3072}
    [row] = [row for row in found.rows if row.key == Key("share", "group /rec.B")]
    assert row.bar and row.measured == pytest.approx(75.0, abs=0.1) == row.predicted


def test_what_the_user_says_comes_first():
    found = validated(SMALL, hz=100, tunables={"base_slice_ns": 3_000_000})
    assert found.result.hz == 100 and found.result.tunables["base_slice_ns"] == 3_000_000


@pytest.mark.parametrize(
    ("release", "model"),
    [
        ("", EEVDF),
        ("6.18.44-generic", EEVDF),
        ("6.18.25", "linux-6.18-eevdf"),
        ("6.18.26-rt3", "linux-6.18.26-eevdf"),
        ("6.18.43", "linux-6.18.26-eevdf"),
        ("6.18", "linux-6.18-eevdf"),
        ("6.19.1", EEVDF),
        ("6.6.0", "linux-6.18-eevdf"),
        ("7.1", EEVDF),
        ("6.5.13", "linux-2.6.24-cfs"),
        ("2.6.24", "linux-2.6.24-cfs"),
        ("2.6.23.1", "linux-2.6.23-cfs"),
        ("2.6.22-rc1", "linux-2.6.22-o1"),
        ("next", EEVDF),
    ],
)
def test_the_model_is_that_of_the_kernel(release, model):
    assert model_of(release).id == model


def test_the_release_is_the_recordings_or_else_the_truth_files():
    assert release_of(recording(SMALL), truth(SMALL)) == "6.18.44" and release_of(recording(SMALL), None) == ""


def test_a_model_without_groups_is_told_none():
    read, known = recording("two-users-1to3"), truth("two-users-1to3")
    work, by, note = told_by(known, read.workload(), read, model_of("2.6.22"))
    assert by is None and work.groups == ["/"] and "knows no groups" in note


def test_groups_below_others_become_the_upper_ones_where_there_is_one_level():
    read, known = recording("two-users-1to3"), truth("two-users-1to3")
    tasks = [dataclasses.replace(task, group=f"/up{task.group}" if task.group != "/" else "/") for task in known.tasks]
    nested = dataclasses.replace(known, tasks=tuple(tasks), shares={"/up": 2048, "/up/rec.A": 512})
    work, by, _ = told_by(nested, read.workload(), read, model_of("2.6.24"))
    assert by == "cgroup" and set(work.groups) == {"/", "/up"} and work.shares == {"/up": 2048}
    work, _, _ = told_by(nested, read.workload(), read, model_of(""))
    assert set(work.groups) == {"/", "/up/rec.A", "/up/rec.B"}
    assert work.shares["/up"] == 2048 and work.shares["/up/rec.A"] == 512


def test_with_autogroup_each_session_is_a_group():
    read, known = recording("kbuild-shell-1cpu-autogroup"), truth("kbuild-shell-1cpu-autogroup")
    work, by, _ = told_by(known, read.workload(), read, model_of(""))
    assert by == "cgroup"
    of = {}
    for task in work.tasks:
        of.setdefault(work.names[task["name"]], set()).add(work.groups[task["group"]])
    assert len(of["cc1"]) == len(of["ls"]) == 1 and of["cc1"] != of["ls"]
    assert "/" not in of["cc1"] | of["ls"] and "/" in of["rcu_preempt"]


# ---- what counts as right -------------------------------------------------------------------------


def a_row(measured, predicted, rule=None, sample=(), count=None):
    """One wait, p50, with its bar."""
    key = Key("preempted_wait", "hog", "p50")
    sample = np.sort(np.array(sample, float))
    there = Measured({key: measured, key._replace(part="count"): len(sample)}, {}, Interval(0, 10**10))
    here = Measured({} if predicted is None else {key: predicted}, {}, Interval(0, 10**10))
    if len(sample):
        there.samples["preempted_wait", "hog"] = sample
    rule = rule or Rule("preempted_wait", parts=("p50",), ticks=1)
    scope = type("S", (), {"started": frozenset()})
    return row_of(key, there, here, scope, Bars("s", "comm", (rule,)), 4 * MS)


@pytest.mark.parametrize(
    ("predicted", "inside"),
    [(20 * MS, True), (24 * MS, True), (16 * MS, True), (24 * MS + 1, False), (16 * MS - 1, False), (None, False)],
)
def test_inside_is_within_the_bar(predicted, inside):
    assert a_row(20 * MS, predicted, sample=[20 * MS] * 99).is_inside is inside


def test_where_percentiles_jump_ranks_decide():
    """V1: 49 waits of 4 ms and 51 of 60; half of the time the p50 of such a recording is 4 ms."""
    sample = [4 * MS] * 49 + [60 * MS] * 51
    row = a_row(60 * MS, 4 * MS, sample=sample)
    assert row.is_inside and row.is_by_rank
    assert not a_row(60 * MS, 3 * MS, sample=sample).is_inside
    seldom = [4 * MS] * 20 + [60 * MS] * 80
    assert not a_row(60 * MS, 4 * MS, sample=seldom).is_inside


def test_what_is_inside_by_its_rank_alone_is_counted_apart():
    """V1: within the bar of a tick, below it but among the measured waits, and outside of both."""
    sample = [4 * MS] * 49 + [60 * MS] * 51
    rows = [a_row(60 * MS, predicted, sample=sample) for predicted in (58 * MS, 4 * MS, 3 * MS)]
    assert [row.is_only_by_rank for row in rows] == [False, True, False]
    found = Validation(rows, None, None, "s")
    assert found.only_by_rank == [rows[1]]
    assert verdict(found) == "3 figures, 1 of them outside of their bars, 1 only by rank"
    assert verdict(Validation(rows[:2], None, None, "s")) == "2 figures, all are inside their bars, 1 only by rank"
    assert rows[1].to_dict()["bar"]["only_by_rank"] is True


def test_where_values_are_dense_ranks_change_nothing():
    """V1."""
    row = a_row(20 * MS, 20 * MS, sample=np.linspace(19 * MS, 21 * MS, 999))
    assert not row.is_by_rank and (row.low, row.high) == (16 * MS, 24 * MS)


def test_few_values_have_no_bar():
    rule = Rule("preempted_wait", parts=("p50",), ticks=1, count_min=200)
    assert a_row(20 * MS, 90 * MS, rule, sample=[20 * MS] * 199).is_inside is None
    assert a_row(20 * MS, 90 * MS, rule, sample=[20 * MS] * 200).is_inside is False


def test_a_figure_without_a_bar_judges_nothing():
    row = Row(Key("makespan", "build"), 5.0, 9.0, 1)
    assert row.is_inside is None and row.difference == 4.0


def test_two_tasks_of_one_name_are_told_apart_by_their_pids():
    known = truth(SMALL)
    twins = tuple(dataclasses.replace(task, comm="hog") if task.is_started else task for task in known.tasks)
    names = task_names(dataclasses.replace(known, tasks=twins))
    assert len(names) == 6 and all(name == f"hog {pid}" for pid, name in names.items())
    assert set(task_names(known).values()) == {task.comm for task in known.tasks if task.is_started}


# ---- what is not judged, and what cannot be -------------------------------------------------------


@pytest.mark.parametrize("name", SEVERAL_CPUS)
def test_several_cpus_are_shown_and_not_judged(name):
    """V3."""
    found = validated(name)
    content = found.to_dict()
    assert found.is_inside and found.shown and content["inside"] is None and content["nr_judged"] == 0
    assert not found.judged and {(row["inside"], row["bar"]) for row in content["figures"]} == {(None, None)}
    assert "no model here balances CPUs" in found.unjudged
    assert "no model here balances CPUs" in validate(recording(name)).unjudged  # seen without a truth file, too


@pytest.mark.parametrize("name", [SMALL, "messaging"])
def test_one_cpu_is_seen_without_a_truth_file(name):
    assert validate(recording(name)).unjudged == ""


def test_a_truth_file_of_another_recording_is_refused():
    with pytest.raises(TruthError, match="is of a recording that begins at"):
        validate(recording(SMALL), truth("periodic"))


def test_a_cpu_without_the_workload_has_nothing_to_compare():
    read, known = recording(SMALL), truth(SMALL)
    with pytest.raises(TruthError, match="nothing to compare"):
        validate(read, known, work=read.workload(1, only="rcu*"))


def test_a_workload_of_something_else_is_refused():
    read = recording(SMALL)
    for work in (recording("periodic").workload(), dataclasses.replace(read.workload(), origin=None)):
        with pytest.raises(RecordingError, match="was not made of"):
            validate(read, work=work)


def test_a_recording_by_hand_can_be_validated():
    found = validate(by_hand(), hz=250)
    assert {row.key.kind for row in found.rows} >= {"share", "switches", "fork_latency", "wakeup_latency"}
    assert found.scenario == "default"


def test_the_plain_numbers_have_it_all():
    found = validated(SMALL)
    content = found.to_dict()
    assert content["schema"] == "cfs-validate/1" and content["scenario"] == "nice-hogs" and content["inside"] is True
    assert len(content["figures"]) == len(found.rows) and content["nr_judged"] == len(found.judged)
    [share] = [one for one in content["figures"] if one["figure"] == "share/hog1.n-5"]
    assert share["unit"] == "%" and share["bar"]["low"] < share["measured"] < share["bar"]["high"]
