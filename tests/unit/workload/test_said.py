"""What a workload's source says, under models that know it and under those that do not."""

from dataclasses import replace

import pytest

import cfs
from cfs import WorkloadError
from cfs.reports import compare
from cfs.workload import hogs
from cfs.platform import Platform
from cfs.workload.said import Said, fitted_to, lost_in

SECOND = 10**9
MODELS = list(cfs.MODELS)
EEVDF, CFS, O1 = "linux-6.18-eevdf", "linux-2.6.24-cfs", "linux-2.6.22-o1"


def work(**said):
    """A hog in /a/b, one in /c; 2048 shares against 1024."""
    pair = hogs(1, name="x", duration_ns=SECOND).merged(hogs(1, name="y"))
    pair = pair.with_groups({"x": "/a/b", "y": "/c"}).with_shares({"/a": 2048})
    said = {"group_by": "cgroup", "groups": frozenset({"/a/b", "/c"})} | said
    return replace(pair, said=Said(**said), platform=Platform(hz=250))


def shares(result):
    return result.stats("comm")["share"].round(2).tolist()


@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs_what_it_knows_of_it(model):
    slow = replace(work(idle_groups=frozenset({"/c"})), slices={0: 3_000_000}, idle_groups={"/c"})
    slow = replace(slow, said=replace(slow.said, slices={0: 3_000_000}))
    result = slow.run(model)
    assert result.hz == 250 and result.group_by == (
        "cgroup" if "cgroup" in cfs.MODELS[model].group_by else None
    )


@pytest.mark.parametrize("model", [EEVDF, CFS])
def test_groups_share_by_what_is_said(model):
    """2048 : 1024, however deep the task is; 2.6.24 has one level, on which /a has its shares."""
    assert shares(work().run(model)) == [0.67, 0.33]
    assert shares(work().run(model, group_by=None)) == [0.5, 0.5]


def test_deep_groups_are_the_ones_at_the_top_where_there_is_one_level():
    flat = fitted_to(work(), cfs.MODELS[CFS])
    assert flat.groups == ["/", "/a", "/c"] and flat.shares == {"/a": 2048}
    assert lost_in(work(), cfs.MODELS[CFS]) == [
        "linux-2.6.24-cfs has 1 level of groups: tasks of /a/b are in /a"
    ]
    assert lost_in(work(), cfs.MODELS[EEVDF]) == []
    flat.check()


def test_what_a_model_knows_is_not_copied():
    whole = work()
    assert fitted_to(whole, cfs.MODELS[EEVDF]) is whole


def test_what_the_user_tells_is_refused_as_ever():
    """Only what the source says is left out in silence."""
    told = work().with_groups({"y": "/d/e"})
    with pytest.raises(WorkloadError, match="/d/e"):
        told.run(CFS)
    told = work().with_slices({"x": 3_000_000})
    with pytest.raises(WorkloadError, match="has no slices"):
        told.run(CFS)


def test_what_the_user_tells_counts():
    assert work().run(EEVDF, hz=100).hz == 100
    assert shares(work().with_shares({"/a": 1024}).run(EEVDF)) == [0.5, 0.5]


def test_slices_and_idle_groups_are_lost_where_there_are_none():
    given = replace(
        work(slices={0: 5_000_000}, idle_groups=frozenset({"/c"})), slices={0: 5_000_000}, idle_groups={"/c"}
    )
    assert [line.partition(": ")[0] for line in lost_in(given, cfs.MODELS[CFS])] == [
        "linux-2.6.24-cfs has 1 level of groups",
        "linux-2.6.24-cfs has no idle groups",
        "linux-2.6.24-cfs has no slices of tasks' own",
    ]
    assert fitted_to(given, cfs.MODELS[CFS]).shares["/c"] == 2


# ---- tunables


def tunables(model, simulated=1, given=None, **said):
    return Said(**said).tunables_of(cfs.MODELS[model], simulated, given)


def test_tunables_are_scaled_by_the_cpus_of_the_machine():
    """0.7 ms times 1 + log2(8) are 2.8 ms; 20 ms times 1 + log2(2) are 40 ms."""
    assert tunables(EEVDF, nr_cpus=8) == {"base_slice_ns": 2_800_000}
    assert tunables(CFS, nr_cpus=2)["sched_latency_ns"] == 40_000_000
    assert tunables(EEVDF, simulated=8, nr_cpus=8) == {}


def test_a_tunable_that_is_said_counts_before_the_scale():
    assert tunables(EEVDF, nr_cpus=8, tunables={"base_slice_ns": 5_000_000}) == {"base_slice_ns": 5_000_000}


def test_what_is_given_counts_and_what_follows_from_it():
    said = {"nr_cpus": 8, "tunables": {"base_slice_ns": 5_000_000}}
    assert tunables(EEVDF, given={"base_slice_ns": 1_000_000}, **said) == {}
    assert "base_slice_ns" not in tunables(
        EEVDF, given={"normalized_base_slice_ns": 1_000_000}, tunables=said["tunables"]
    )


def test_feature_bits_and_tunables_of_other_kernels():
    """A name that the model does not have, or a value that it does not take, is left out."""
    said = {"PLACE_LAG": False, "START_DEBIT": False, "base_slice_ns": 0, "sched_latency_ns": 1}
    assert tunables(EEVDF, tunables=said) == {"PLACE_LAG": False}
    assert tunables(CFS, tunables=said) == {"START_DEBIT": False}
    assert tunables(O1, tunables=said) == {}


def test_nothing_said_is_nothing_written():
    assert all(tunables(model) == {} for model in MODELS)


# ---- a comparison


def test_a_comparison_takes_it_as_a_default():
    found = compare(work(nr_cpus=2), [CFS, O1, EEVDF])
    assert [column.result.group_by for column in found.columns] == ["cgroup", None, "cgroup"]
    assert {column.result.hz for column in found.columns} == {250}
    assert found.columns[2].result.tunables["base_slice_ns"] == 1_400_000 and found.columns[2].settings == {}


def test_a_comparison_of_models_without_groups_needs_none():
    assert compare(work(), [O1]).columns[0].result.group_by is None


def test_users_become_groups_where_there_are_no_users():
    users = hogs(1, name="x", duration_ns=SECOND).merged(hogs(3, name="y")).with_uids({"x": 1000, "y": 1001})
    users = replace(users, said=Said(group_by="uid"))
    for model, way in ((CFS, "uid"), (EEVDF, "cgroup"), (O1, None)):
        assert users.run(model).group_by == way
    assert shares(users.run(EEVDF)) == [0.5, 0.5]
