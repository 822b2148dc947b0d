"""Whose the tasks are, and when they are looked at. Way to be right: files written by hand."""

import itertools
import os
import subprocess
import sys

import pytest

from cfs.recorder.files import Root
from cfs.recorder.groups import Groups
from cfs.recorder.tasks import Tasks, slice_of
from cfs.recordings.surroundings import TaskFacts
from tests.unit.recorder import trees


def tasks_of(tree, **options):
    root = Root(tree.path)
    return Tasks(root, Groups(root), itertools.count(1000).__next__, **options)


def test_a_task_is_read_from_its_files(tmp_path):
    tree = trees.linux_6_18(tmp_path).task(
        42, "a) S (b", uid=1001, nice=-5, policy=3, cgroup="0::/work.slice\n", slice_ns=3_000_000
    )
    tasks = tasks_of(tree)
    tasks.look_at_all()
    assert tasks.facts == [TaskFacts(42, 1000, "a) S (b", 42, 1001, -5, "batch", 0, 3_000_000, "/work.slice")]


@pytest.mark.parametrize(
    ("number", "policy"),
    [(0, "normal"), (1, "fifo"), (2, "rr"), (3, "batch"), (5, "idle"), (6, "deadline"), (7, "ext"), (99, "")],
)
def test_policies_have_the_kernels_numbers(tmp_path, number, policy):
    tasks = tasks_of(trees.linux_6_18(tmp_path).task(42, "t", policy=number, priority=50))
    tasks.look_at_all()
    assert (tasks.facts[0].policy, tasks.facts[0].priority) == (policy, 50)


def test_threads_are_tasks(tmp_path):
    tree = trees.linux_6_18(tmp_path).task(42, "leader", autogroup="/autogroup-7 nice 0\n")
    tasks = tasks_of(tree.task(43, "thread", process=42))
    tasks.look_at_all()
    assert {(t.pid, t.process, t.group) for t in tasks.facts} == {
        (42, 42, "/autogroup-7"),
        (43, 42, "/autogroup-7"),
    }


def test_2_6_24_has_all_but_slices(tmp_path):
    tasks = tasks_of(trees.linux_2_6_24(tmp_path).task(42, "make", uid=1000, nice=10, cgroup="cpu:/lab\n"))
    tasks.look_at_all()
    assert tasks.facts == [TaskFacts(42, 1000, "make", 42, 1000, 10, "normal", 0, None, "/lab")]


def test_only_who_is_new_is_looked_at_and_once_more_at_the_next_look(tmp_path):
    """A shell that moves itself into a group does so after it was seen first."""
    tree = trees.linux_6_18(tmp_path).task(42, "old")
    tasks = tasks_of(tree)
    tasks.look_at_all()
    tasks.look()
    assert [t.pid for t in tasks.facts] == [42]
    tree.task(103, "sh", cgroup="0::/\n").youngest(103)
    tree.task(42, "renamed")
    tasks.look()
    tree.task(103, "cc1", cgroup="0::/work.slice\n")
    tasks.look()
    tree.task(103, "later", cgroup="0::/\n")
    tasks.look()
    assert [(t.pid, t.name, t.group) for t in tasks.facts[1:]] == [
        (103, "sh", "/"),
        (103, "cc1", "/work.slice"),
    ]


def test_ids_that_begin_anew_are_found_in_the_folder(tmp_path):
    tree = trees.linux_6_18(tmp_path).youngest(32_000)
    tasks = tasks_of(tree)
    tasks.look_at_all()
    tree.task(301, "new").youngest(301)
    tasks.look()
    assert [t.pid for t in tasks.facts] == [301]


def test_t1_whoever_ends_while_it_is_looked_at_is_no_error(tmp_path):
    tree = trees.linux_6_18(tmp_path).task(42, "t")
    (tmp_path / "proc/42/task/42/status").unlink()
    tasks = tasks_of(tree.youngest(140))
    tasks.look_at_all()
    tree.youngest(150)
    tasks.look()
    assert tasks.facts == []


def test_t2_what_has_not_changed_is_no_fact(tmp_path):
    tree = trees.linux_6_18(tmp_path).task(42, "t")
    tasks = tasks_of(tree)
    for nice in (0, 0, 5, 5):
        tree.task(42, "t", nice=nice)
        tasks.look_at_all()
    assert [t.nice for t in tasks.facts] == [0, 5]


def own_slices(tmp_path, slices, base=None, cpus=1, policy=0):
    tree = trees.linux_6_18(tmp_path)
    for pid, slice_ns in enumerate(slices, 42):
        tree.task(pid, "t", slice_ns=slice_ns, policy=policy)
    tasks = tasks_of(tree)
    tasks.look_at_all()
    facts, base = tasks.with_own_slices(base, cpus)
    return [fact.slice_ns for fact in facts], base


def test_a_slice_that_most_have_is_nobodys_own(tmp_path):
    assert own_slices(tmp_path, [700_000, 700_000, 3_000_000]) == ([None, None, 3_000_000], 700_000)


def test_the_kernels_word_counts_before_the_majority(tmp_path):
    assert own_slices(tmp_path, [3_000_000, 3_000_000, 700_000], base=700_000) == (
        [3_000_000, 3_000_000, None], 700_000
    )  # fmt: skip


def test_slices_from_before_the_other_cpus_came_are_nobodys_own(tmp_path):
    """Two CPUs double the base slice; a kernel thread that has not used up its first one has half of it."""
    assert own_slices(tmp_path, [700_000, 1_400_000], base=1_400_000, cpus=2)[0] == [None, None]


def test_real_time_tasks_have_no_slice(tmp_path):
    assert own_slices(tmp_path, [100], base=700_000, policy=1)[0] == [None]


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="this is no Linux: there is no /proc")
def test_this_machine_is_read(tmp_path):
    root = Root()
    tasks = Tasks(root, Groups(root), slice_ns_of=slice_of)
    if tasks.is_blind:
        pytest.skip("this is a container, whose task ids are not those of the kernel")
    tasks.look_at_all()
    child = subprocess.Popen([sys.executable, "-c", "import os; os.nice(3); input()"], stdin=subprocess.PIPE)
    try:
        wanted = {"nice": os.nice(0) + 3, "uid": os.getuid(), "policy": "normal"}
        for _ in range(500):
            tasks.look_at_all()
            seen = tasks.last.get(child.pid)
            if seen is not None and seen.nice == wanted["nice"]:
                break
        assert {name: getattr(seen, name) for name in wanted} == wanted
    finally:
        child.communicate(b"\n")
