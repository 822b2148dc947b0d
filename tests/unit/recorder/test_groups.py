"""Which group a task is in, by the files of several kernels. Way to be right: files written by hand."""

import pytest

from cfs.recorder.files import Root
from cfs.recorder.groups import Groups
from cfs.recordings.surroundings import GroupFacts
from tests.unit.recorder import trees


def test_v2_quotas_and_weights_are_in_one_unit(tmp_path):
    """Weight 100 is 1024 shares: 300 are 3072. G2 of cfs/recorder/groups.py."""
    groups = Groups(Root(trees.linux_6_18(tmp_path).path))
    assert groups.of("0::/work.slice/a.scope\n", "") == "/work.slice/a.scope"
    assert groups.found == {
        "/work.slice": GroupFacts(
            "/work.slice", "cgroup v2", 3072, False, 50_000_000, 100_000_000, 2_000_000
        ),
        "/work.slice/a.scope": GroupFacts(
            "/work.slice/a.scope", "cgroup v2", 1024, True, None, 100_000_000, None
        ),
    }


def test_a_group_of_v2_without_the_controller_is_the_one_above(tmp_path):
    groups = Groups(Root(trees.linux_6_18(tmp_path).path))
    assert groups.of("0::/work.slice/a.scope/inner\n", "") == "/work.slice/a.scope"
    assert groups.of("0::/init.scope\n", "") == "/"


def test_in_a_hybrid_tree_v1_counts(tmp_path):
    groups = Groups(Root(trees.linux_4_19(tmp_path).path))
    lines = "12:cpuset:/\n4:cpu,cpuacct:/docker/f00\n0::/docker/other\n"
    assert (groups.kind, groups.of(lines, "")) == ("cgroup v1", "/docker/f00")
    assert groups.found["/docker/f00"] == GroupFacts(
        "/docker/f00", "cgroup v1", 512, False, 150_000_000, 100_000_000
    )
    assert groups.found["/docker"].quota_ns is None


def test_2_6_24_has_no_numbers_in_front(tmp_path):
    groups = Groups(Root(trees.linux_2_6_24(tmp_path).path))
    assert groups.of("cpu:/lab\n", "") == "/lab" and groups.found["/lab"].shares == 3072


def test_only_the_root_group_has_autogroups(tmp_path):
    """Nice 5 has weight 335."""
    groups = Groups(Root(trees.linux_6_18(tmp_path).path))
    assert groups.of("0::/\n", "/autogroup-38 nice 5\n") == "/autogroup-38"
    assert groups.found["/autogroup-38"] == GroupFacts("/autogroup-38", "autogroup", 335)
    assert groups.of("0::/work.slice\n", "/autogroup-38 nice 5\n") == "/work.slice"
    assert groups.of("0::/\n", "") == "/"


def test_autogroups_that_are_off_are_none(tmp_path):
    tree = trees.linux_6_18(tmp_path).write("/proc/sys/kernel/sched_autogroup_enabled", "0\n")
    assert Groups(Root(tree.path)).of("0::/\n", "/autogroup-38 nice 0\n") == "/"


def test_names_with_colons_and_blanks(tmp_path):
    tree = trees.linux_4_19(tmp_path)
    tree.write("/proc/mounts", "cgroup /sys/fs/c\\040g cgroup rw,cpu 0 0\n")
    tree.group("/a:b c", "/sys/fs/c g", cpu__shares=2)
    groups = Groups(Root(tree.path))
    assert groups.of("3:cpu:/a:b c\n", "") == "/a:b c" and groups.found["/a:b c"].shares == 2


def test_a_group_that_is_gone_keeps_what_was_seen(tmp_path):
    tree = trees.linux_6_18(tmp_path)
    groups = Groups(Root(tree.path))
    groups.of("0::/work.slice\n", "")
    tree.group("/work.slice", cpu__weight=200)
    groups.look_again()
    assert groups.found["/work.slice"].shares == 2048
    (tmp_path / "sys/fs/cgroup/work.slice").rename(tmp_path / "gone")
    groups.look_again()
    assert groups.found["/work.slice"].shares == 2048


@pytest.mark.parametrize("lines", ["", "0::\n", "nonsense", "0::/../../x\n", "::/\n", "7:cpu:/x\n"])
def test_memberships_that_make_no_sense_are_the_root_group(tmp_path, lines):
    assert Groups(Root(trees.linux_6_18(tmp_path).path)).of(lines, "") == "/"


def test_without_control_groups_it_is_said(tmp_path):
    root = Root(tmp_path)
    assert Groups(root).of("0::/x", "") == "/" and "no hierarchy" in root.not_read[0]
