"""What is read of a machine, from the files of several kernels. Way to be right: files written by hand."""

import errno
import gzip
import os

import pytest

from cfs.recorder.files import Root
from cfs.recorder.machine import machine
from cfs.recordings.surroundings import ProcessorFacts
from tests.unit.recorder import trees
from tests.unit.recorder.trees import Tree


def of(tree, **options):
    root = Root(tree.path)
    return machine(root, **options), root.not_read


def test_linux_6_18(tmp_path):
    said, not_read = of(trees.linux_6_18(tmp_path), tick_ns=10**6)
    assert (said.kernel, said.architecture, said.hz, said.preempt) == (
        "6.18.44-generic",
        "aarch64",
        250,
        "full",
    )
    assert said.origins == {"hz": "/proc/config.gz", "preempt": "/sys/kernel/debug/sched/preempt"}
    assert said.tunables == {
        "base_slice_ns": 2_800_000,
        "migration_cost_ns": 500_000,
        "sched_autogroup_enabled": 1,
    }
    assert said.base_slice_ns == 2_800_000
    assert said.features == {"PLACE_LAG": True, "NEXT_BUDDY": False, "RUN_TO_PARITY": True}
    assert said.cpus_in_machine == 4
    assert said.processors[0] == ProcessorFacts(0, 0, 0, None, 446)
    assert said.processors[2] == ProcessorFacts(2, 1, 0, 1, 1024)
    assert said.processors[3].package is None  # -1 is "not known"
    assert not_read == []


def test_linux_4_19(tmp_path):
    said, not_read = of(trees.linux_4_19(tmp_path), architecture="x86_64")
    assert (said.kernel, said.architecture, said.hz) == ("4.19.0-27-amd64", "x86_64", 250)
    assert (said.preempt, said.origins["preempt"]) == ("voluntary", "/boot/config-4.19.0-27-amd64")
    assert said.tunables == {"sched_latency_ns": 18_000_000, "sched_child_runs_first": 0}
    assert said.features == {"GENTLE_FAIR_SLEEPERS": True, "NEXT_BUDDY": False, "START_DEBIT": True}
    assert (said.cpus_in_machine, not_read) == (4, [])


def test_linux_2_6_24(tmp_path):
    said, not_read = of(trees.linux_2_6_24(tmp_path))
    assert (said.kernel, said.preempt, said.cpus_in_machine) == ("2.6.24-1", "full", 2)
    assert said.users == {0: 2048, 1000: 1024}
    assert said.tunables["sched_latency_ns"] == 40_000_000 and said.hz is None
    assert [line.partition(":")[0] for line in not_read] == ["ticks a second", "features of the scheduler"]


@pytest.mark.parametrize(
    ("tick_ns", "hz"), [(4_000_000, 250), (10_000_000, 100), (3_333_333, 300), (1, None)]
)
def test_without_a_configuration_the_coarse_clock_says_how_long_a_tick_is(tmp_path, tick_ns, hz):
    """A resolution of 1 ns has nothing to do with ticks."""
    said, not_read = of(Tree(tmp_path), tick_ns=tick_ns)
    assert said.hz == hz and any("ticks a second" in line for line in not_read) == (hz is None)


@pytest.mark.parametrize(
    ("files", "mode"),
    [
        ({"/proc/sys/kernel/version": "#1 SMP PREEMPT_RT x"}, "rt"),
        (
            {
                "/proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC x",
                "/proc/cmdline": "ro preempt=voluntary x",
            },
            "voluntary",
        ),
        ({"/dev/kmsg": "6,1,5,-;Dynamic Preempt: lazy\n", "/proc/cmdline": "preempt=none"}, "lazy"),
        ({"/var/log/dmesg": "[    0.05] Dynamic Preempt: none\n"}, "none"),
        (
            {"/sys/kernel/debug/sched/preempt": "none (lazy) full", "/dev/kmsg": "Dynamic Preempt: full\n"},
            "lazy",
        ),
        ({"/proc/config.gz": gzip.compress(b"CONFIG_PREEMPT=y\nCONFIG_PREEMPTION=y\n")}, "full"),
        ({"/proc/config.gz": gzip.compress(b"CONFIG_PREEMPT_NONE=y\nCONFIG_PREEMPTION=y\n")}, "none"),
        ({"/proc/config.gz": gzip.compress(b"CONFIG_SMP=y\n")}, "none"),
        ({"/proc/sys/kernel/version": "#1 SMP x", "/proc/cmdline": "preempt=full"}, None),
        ({}, None),
    ],
)
def test_preemption_is_what_the_best_witness_says(tmp_path, files, mode):
    """A kernel that is not dynamic does not listen to preempt=."""
    tree = Tree(tmp_path)
    for name, content in files.items():
        tree.write(name, content)
    said, not_read = of(tree)
    assert said.preempt == mode and any(line.startswith("preemption") for line in not_read) == (mode is None)


def test_nothing_at_all_is_no_error(tmp_path):
    said, not_read = of(Tree(tmp_path))
    assert said.hz is None and said.processors == () and len(not_read) == 6
    assert all("No such file" in line for line in not_read)


@pytest.mark.parametrize(
    "files",
    [
        {"/proc/config.gz": b"\x1f\x8b no gzip"},
        {"/proc/config.gz": gzip.compress(b"CONFIG_HZ=" + b"9" * 5000)},
        {"/proc/config.gz": gzip.compress(b"CONFIG_HZ=999999999\nCONFIG_HZ_=y\n")},
        {"/sys/devices/system/cpu/online": "x-y,,99999999"},
        {"/proc/sys/kernel/sched_latency_ns": "9" * 300},
        {"/proc/sys/kernel/sched_latency_ns": "\xff\x00"},
        {"/sys/kernel/uids/x/cpu_share": "1"},
        {"/proc/sys/kernel/osrelease": "../../etc/passwd"},
    ],
)
def test_files_that_make_no_sense_are_unknown(tmp_path, files):
    tree = Tree(tmp_path)
    for name, content in files.items():
        tree.write(name, content)
    said, _ = of(tree)
    assert said.hz is None and said.users == {} and "sched_latency_ns" not in said.tunables


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    """The kernel's answer is pretended: root may read everything."""
    tree, really = trees.linux_6_18(tmp_path), os.open

    def refusing(path, *flags):
        if path == str(tmp_path / "sys/kernel/debug/sched/features"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return really(path, *flags)

    monkeypatch.setattr(os, "open", refusing)
    [line] = [line for line in of(tree)[1] if "Permission denied" in line]
    assert "/sys/kernel/debug/sched/features" in line


def test_of_several_places_all_are_named(tmp_path):
    _, not_read = of(Tree(tmp_path))
    [line] = [line for line in not_read if line.startswith("features")]
    assert "/sys/kernel/debug/sched/features: " in line and "/sys/kernel/debug/sched_features: " in line
