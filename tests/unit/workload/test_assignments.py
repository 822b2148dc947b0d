"""What a recording cannot say: groups, users and nice values that are told, against what the kernel did.

In the two-users recordings one hog of group A ran beside eight hogs of group B, and the truth says what each
group got. The work is the same whoever schedules it, so over the whole recording the shares are equal in any
case; what grouping does shows in every second of it.
"""

import numpy as np
import pytest

import cfs
from cfs import RecordingError, Simulation, WorkloadError
from cfs.result import Out
from cfs.workload import Op, Workload, hogs
from tests.quick import few

from tests.unit.recordings.lines import A, B, IDLE, read, switch
from tests.unit.recordings.real_recordings import recording, truth
from tests.unit.recordings.test_programs import any_recording

S = 1_000_000_000
TWO_USERS = ["two-users-equal", "two-users-1to3"]
PATTERNS = {"/rec.A": "A.hog*", "/rec.B": "B.hog*"}


def shares_given(name):
    return {group: found["cpu_shares"] for group, found in truth(name)["groups"].items()}


def grouped(name):
    groups = {PATTERNS[group]: (group, shares) for group, shares in shares_given(name).items()}
    return recording(name).workload(0).with_groups(groups)


def of_users(name):
    uids = {
        PATTERNS[group]: (1001 + i, shares) for i, (group, shares) in enumerate(shares_given(name).items())
    }
    return recording(name).workload(0).with_uids(uids)


def shares_of(result, from_ns, until_ns):
    """What part of the span the hogs of A and of B ran."""
    found = []
    for pattern in PATTERNS.values():
        rows = [row for row, name in enumerate(result.names) if name.startswith(pattern[:-1])]
        runs = result.runs[np.isin(result.runs["task"], rows)]
        ran = np.minimum(runs["end_ns"], until_ns) - np.maximum(runs["start_ns"], from_ns)
        found.append(ran.clip(0).sum() / (until_ns - from_ns))
    return found


def steady(name):
    start_ns = recording(name).start_ns
    return truth(name)["steady"]["start_ns"] - start_ns, truth(name)["steady"]["end_ns"] - start_ns


def assert_as_measured(name, result):
    """Over the whole span as the truth to 0.1 %, and in every 2 s of it to 1 %."""
    begin, end = steady(name)
    wanted = [group["share_steady"] for group in truth(name)["groups"].values()]
    assert shares_of(result, begin, end) == pytest.approx(wanted, abs=0.001)
    for second in range(0, 10, 2):
        part = shares_of(result, begin + second * S, begin + (second + 2) * S)
        assert part == pytest.approx(wanted, abs=0.01), second


@pytest.mark.parametrize("model", ["linux-2.6.24-cfs", "linux-6.18-eevdf"])
@pytest.mark.parametrize("name", TWO_USERS)
def test_groups_that_are_told_get_what_they_got(name, model):
    assert_as_measured(name, grouped(name).run(model, hz=250, group_by="cgroup"))


@pytest.mark.parametrize("name", TWO_USERS)
def test_users_that_are_told_get_what_they_got(name):
    assert_as_measured(name, of_users(name).run("linux-2.6.24-cfs", hz=250, group_by="uid"))


@pytest.mark.parametrize("name", TWO_USERS)
def test_users_as_control_groups_get_what_they_got(name):
    work = of_users(name).with_user_groups()
    assert_as_measured(name, work.run("linux-6.18-eevdf", hz=250, group_by="cgroup"))


@pytest.mark.parametrize("name", TWO_USERS)
def test_what_was_measured_is_what_the_truth_says(name):
    assert_as_measured(name, recording(name).result(0))


def test_without_groups_all_hogs_are_equal():
    """So the tests above can fail: of nine equal hogs one gets a ninth."""
    begin, _ = steady("two-users-equal")
    result = recording("two-users-equal").workload(0).run("linux-2.6.24-cfs", hz=250)
    assert shares_of(result, begin, begin + 2 * S) == pytest.approx([1 / 9, 8 / 9], abs=0.01)


# ---- the methods


def facts(work, which):
    return {work.names[row["name"]]: row[which].item() for row in work.tasks}


def mix():
    """make, cc1, cc1 and backup; backup renices itself."""
    program = {"backup": [("run", 100), ("nice", 10), ("run", 100)]}
    return hogs(1, name="make").merged(hogs(2, name="cc1")).merged(Workload.of_programs(program))


def test_the_first_pattern_that_fits_decides():
    assert facts(mix().with_nice({"cc*": 5, "*": 1}), "nice") == {"make": 1, "cc1": 5, "backup": 1}


def test_other_tasks_keep_their_nice_value():
    assert facts(mix().with_nice({"cc1": 5}).with_nice({"make": -3}), "nice") == {
        "make": -3,
        "cc1": 5,
        "backup": 0,
    }


def test_a_nice_value_that_is_told_stays():
    work = mix().with_nice({"backup": 19})
    assert work.program(3)["arg"][work.program(3)["kind"] == Op.NICE].tolist() == [19]


def test_what_others_do_to_themselves_stays():
    work = mix().with_nice({"cc1": 19})
    assert work.program(3)["arg"][work.program(3)["kind"] == Op.NICE].tolist() == [10]


def test_users_and_the_rest_is_root():
    work = mix().with_uids({"cc1": 1000, "backup": (1001, 512)})
    assert facts(work, "uid") == {"make": 0, "cc1": 1000, "backup": 1001}
    assert work.shares == {"uid:1001": 512}


def test_groups_and_the_rest_is_the_root_group():
    work = mix().with_groups({"cc1": "build", "backup": ("slow", 512), "make": "build"})
    assert [work.groups[i] for i in work.tasks["group"]] == ["build", "build", "build", "slow"]
    assert (work.groups, work.shares) == (["/", "build", "slow"], {"slow": 512})


def test_a_pattern_may_bring_tasks_back_to_the_root_group():
    work = mix().with_groups({"*": "all"}).with_groups({"make": "/"})
    assert [work.groups[i] for i in work.tasks["group"]] == ["/", "all", "all", "all"]


def test_users_become_groups_of_the_names_that_results_have():
    work = mix().with_uids({"cc1": (1000, 512), "backup": 1001}).with_user_groups()
    assert [work.groups[i] for i in work.tasks["group"]] == ["uid:0", "uid:1000", "uid:1000", "uid:1001"]
    assert work.shares == {"uid:0": 2048, "uid:1000": 512}


def test_shares_of_root_that_are_told_stay():
    assert mix().with_uids({"make": (0, 100)}).with_user_groups().shares == {"uid:0": 100}


@pytest.mark.parametrize(
    "change",
    [
        lambda work: work.with_nice({"*": 7}),
        lambda work: work.with_uids({"*": (7, 77)}),
        lambda work: work.with_groups({"*": ("g", 77)}),
        lambda work: work.with_user_groups(),
    ],
)
def test_the_workload_itself_stays_as_it_is(change):
    work = mix()
    before = work.copy()
    changed = change(work)
    assert np.array_equal(work.tasks, before.tasks) and np.array_equal(work.ops, before.ops)
    assert (work.groups, work.shares) == (before.groups, before.shares)
    assert not np.array_equal(changed.tasks, work.tasks)
    changed.check()


@pytest.mark.parametrize(
    ("method", "told", "words"),
    [
        ("with_nice", {"cc2": 5}, "no task has a name like 'cc2'; there are 'make', 'cc1', 'backup'"),
        ("with_nice", {"cc1": 20}, "nice of 'cc1' = 20 is no integer of -20 ... 19"),
        ("with_nice", {"cc1": 0.5}, "no integer"),
        ("with_uids", {"nobody": 5}, "no task has a name like"),
        ("with_uids", {"cc1": -1}, "uid of 'cc1' = -1"),
        ("with_uids", {"cc1": (5, 1)}, "shares of 'uid:5' = 1 is no integer of 2 ... 262144"),
        ("with_uids", {"cc1": (5, 10), "make": (5, 11)}, "'uid:5' is given 10 shares and 11 shares"),
        ("with_groups", {"nobody": "a"}, "no task has a name like"),
        ("with_groups", {"cc1": ""}, "not empty"),
        ("with_groups", {"cc1": ("/", 100)}, "root group"),
        ("with_groups", {"cc1": ("a", 10), "make": ("a", 11)}, "'a' is given 10 shares and 11 shares"),
    ],
)
def test_what_makes_no_sense_is_refused(method, told, words):
    with pytest.raises(WorkloadError) as caught:
        getattr(mix(), method)(told)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", few(["kbuild-shell-1cpu", "messaging-cut", "fork-heavy"]))
def test_whole_recordings_run_with_everything_told(name):
    work = any_recording(name).workload(0)
    told = work.with_nice({"*": 3}).with_uids({"*s*": 1, "*": (2, 512)}).with_user_groups()
    result = told.run("linux-6.18-eevdf", hz=250, group_by="cgroup")
    assert result.busy_ns > 0 and set(result.groups) == {"uid:1", "uid:2"}


# ---- until


def test_until_cuts_what_was_measured():
    found = read(switch(0, IDLE, A), switch(100, A, B, "R"), switch(250, B, IDLE))
    result = found.result(0, until_ns=150)
    assert (result.duration_ns, result.context_switches, result.busy_ns) == (150, 2, 150)
    assert result.runs[["start_ns", "end_ns", "out"]].tolist() == [
        (0, 100, Out.PREEMPTED),
        (100, 150, Out.RUNNING),
    ]


def test_until_beyond_the_end_changes_nothing():
    found = read(switch(0, IDLE, A), switch(100, A, IDLE))
    assert found.result(0, until_ns=10**12).duration_ns == 100


def test_until_the_beginning_is_refused():
    with pytest.raises(RecordingError, match="until_ns = 0"):
        read(switch(0, IDLE, A), switch(100, A, IDLE)).result(0, until_ns=0)


# ---- Policies, slices, groups below groups ------------------------------------------------------------

EEVDF = "linux-6.18-eevdf"


def two(duration_ns=10 * S):
    return hogs(1, name="fg", duration_ns=duration_ns).merged(hogs(1, name="bg"))


@pytest.mark.parametrize("model", ["linux-2.6.23-cfs", "linux-2.6.24-cfs", EEVDF])
def test_an_idle_task_gets_what_its_weight_is(model):
    """Its weight is 3 where that of nice 0 is 1024 in Linux 6.18, and 2 before, after a long debt at first."""
    share = two(100 * S).with_policy({"bg": "idle"}).run(model).stats()["share"][1]
    if model == EEVDF:
        assert share == pytest.approx(3 / 1027, rel=0.1)
    else:
        assert 0 < share <= 2 / 1026


def test_the_first_pattern_decides_about_policies_too():
    work = two().with_policy({"b*": "batch", "*": "idle"})
    assert work.tasks["policy"].tolist() == [2, 1]


def test_slices_in_compiled_code_are_those_of_the_stepper():
    work = hogs(3, duration_ns=S // 4).merged(hogs(1, name="bg")).with_slices({"bg": 10**7, "hog": 2 * 10**6})
    compiled = Simulation(work, EEVDF).run()
    stepped = Simulation(work, cfs.Scheduler(EEVDF)).run()
    assert np.array_equal(compiled.runs, stepped.runs)
    assert not np.array_equal(compiled.runs, hogs(3).merged(hogs(1)).run(EEVDF, until_ns=S // 4).runs)


def family():
    programs = {"sh": [("fork", "cc"), ("run", 5 * 10**8)], "cc": [("run", 5 * 10**8)]}
    return Workload.of_programs(programs, duration_ns=S)


def test_a_forked_task_has_the_slice_of_its_parent():
    """As fork copies it, until the child is given one of its own."""
    assert slices_after_fork(family().with_slices({"sh": 20 * 10**6})) == {"sh": 20 * 10**6, "cc": 20 * 10**6}


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"cc": 10**6}, {"sh": 700_000, "cc": 10**6}),  # the parent has the model's, on one CPU
        ({"sh": 5 * 10**6, "cc": 10**6}, {"sh": 5 * 10**6, "cc": 10**6}),
        ({"*": 20 * 10**6}, {"sh": 20 * 10**6, "cc": 20 * 10**6}),
        ({"cc": 10**9}, {"sh": 700_000, "cc": 10**8}),  # clamped to 0.1 s
    ],
)
def test_a_forked_task_can_be_given_a_slice_of_its_own(told, wanted):
    assert slices_after_fork(family().with_slices(told)) == wanted


def slices_after_fork(work):
    sim = Simulation(work, EEVDF)
    sim.advance(10**7)
    rows = sim.rows_by_id()
    return {work.name(rows[task.id]): task.slice_ns for task in sim.scheduler.tasks}


def test_slices_told_again_stay_those_of_the_child():
    work = family().with_slices({"*": 20 * 10**6}).with_slices({"sh": 10**6})
    assert slices_after_fork(work) == {"sh": 10**6, "cc": 20 * 10**6}


def test_a_model_without_slices_refuses_those_of_children_too():
    with pytest.raises(WorkloadError, match="linux-2.6.24-cfs has no slices of tasks' own, and 'cc' asks for one"):
        family().with_slices({"cc": 10**6}).run()


def test_groups_below_groups_share_level_by_level():
    work = hogs(4, name="a", duration_ns=100 * S).merged(hogs(1, name="b")).merged(hogs(1, name="c"))
    work = work.with_groups({"a": "work/build", "b": ("work/scan", 512), "c": "play"})
    work = work.with_shares({"work": 3072})
    result = work.run(EEVDF, group_by="cgroup")
    labels = result.keys("group")[1]
    shares = {labels[row["key"]]: row["share"] for row in result.stats("group")}
    assert shares == pytest.approx({"work/build": 0.5, "work/scan": 0.25, "play": 0.25}, abs=0.01)


def test_an_idle_group_gets_what_is_left():
    work = two().with_groups({"fg": "media", "bg": ("scan", "idle")})
    result = work.run(EEVDF, group_by="cgroup")
    assert result.stats("group")["share"].round(3).tolist() == [0.997, 0.003]
    assert work.with_shares({"scan": 1024}).idle_groups == set()


@pytest.mark.parametrize(
    ("change", "model", "words"),
    [
        (lambda w: w.with_groups({"fg": "a/b"}), "linux-2.6.24-cfs", "right below the root only, and not 'a/b'"),
        (lambda w: w.with_groups({"fg": ("a", "idle")}), "linux-2.6.24-cfs", "has no idle groups, and 'a'"),
        (lambda w: w.with_slices({"fg": 10**6}), "linux-2.6.24-cfs", "no slices of tasks' own, and 'fg'"),
    ],
)
def test_a_model_refuses_what_it_does_not_have(change, model, words):
    with pytest.raises(WorkloadError, match=words):
        change(two()).run(model, group_by="cgroup")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.with_policy({"fg": "fifo"}), "none of normal, batch, idle"),
        (lambda w: w.with_policy({"xx": "idle"}), "no task has a name like 'xx'"),
        (lambda w: w.with_slices({"fg": 0}), "slice of 'fg' = 0 is no integer of 1"),
        (lambda w: w.with_groups({"fg": "a/"}), "no path of groups"),
        (lambda w: w.with_groups({"fg": ("a", 5), "bg": ("a", "idle")}), "idle groups have none"),
        (lambda w: w.with_shares({"nobody": 5}), "there is no such group or user; there are 'uid:0'"),
        (lambda w: w.with_shares({"/": 5}), "the root group"),
        (lambda w: w.with_shares({"uid:0": "idle"}), "only control groups can be idle"),
    ],
)
def test_what_cannot_be_told_is_said(change, words):
    with pytest.raises(WorkloadError, match=words):
        change(two())


@pytest.mark.parametrize("name", ["batch", "uid:1000", "a/b"])
def test_shares_that_no_group_has_are_refused(name):
    work = two()
    work.shares[name] = 512
    with pytest.raises(WorkloadError, match="there is no such group or user"):
        work.run()


def test_users_that_are_told_twice_leave_no_shares_behind():
    work = two().with_uids({"fg": (1000, 3072)}).with_uids({"fg": 1001})
    assert work.shares == {}
    work.check()
