"""Whose each row of a recording is. Way to be right: recordings and facts written by hand."""

import io

import pytest

from cfs.recordings import Recording
from cfs.recordings.surroundings import GroupFacts, Surroundings, TaskFacts
from cfs.workload.said import Said
from tests.unit.recordings.lines import IDLE, T0, A, B, C, fork, switch, text, wake

MS = 10**6


def recording(*lines, clock="CLOCK_MONOTONIC", **said):
    read = Recording.open(io.BytesIO(text(*lines)))
    read.surround(Surroundings(clock=clock, **said))
    return read


def by_pid(work, field):
    return dict(zip(work.tasks["pid"].tolist(), work.tasks[field].tolist()))


def groups_of(work):
    return {pid: work.groups[number] for pid, number in by_pid(work, "group").items()}


PAIR = (switch(0, IDLE, A), switch(MS, A, B), switch(2 * MS, B, IDLE))
FORKED = (
    switch(0, IDLE, A),
    fork(MS, A, C),
    wake(MS + 1, A, C, "wakeup_new"),
    switch(2 * MS, A, C),
    switch(3 * MS, C, IDLE),
)


def test_facts_are_those_of_the_pid():
    tasks = (
        TaskFacts(101, uid=1000, policy="idle", group="/a"),
        TaskFacts(102, policy="batch", slice_ns=3 * MS),
    )
    work = recording(*PAIR, tasks=tasks).workload()
    assert by_pid(work, "uid") == {101: 1000, 102: 0}
    assert by_pid(work, "policy") == {101: 2, 102: 1}
    assert groups_of(work) == {101: "/a", 102: "/"}
    assert {work.tasks["pid"][row]: ns for row, ns in work.slices.items()} == {102: 3 * MS}
    work.check()


def test_a_child_that_nobody_saw_has_what_its_parent_has():
    tasks = (TaskFacts(101, uid=1000, policy="batch", group="/a/b"),)
    work = recording(*FORKED, tasks=tasks).workload()
    assert by_pid(work, "uid") == {101: 1000, 103: 1000}
    assert groups_of(work) == {101: "/a/b", 103: "/a/b"} and by_pid(work, "policy")[103] == 1


def test_a_child_that_was_seen_has_its_own():
    tasks = (TaskFacts(101, uid=1000, group="/a"), TaskFacts(103, T0 + 2 * MS, uid=1001, group="/b"))
    work = recording(*FORKED, tasks=tasks).workload()
    assert by_pid(work, "uid") == {101: 1000, 103: 1001} and groups_of(work) == {101: "/a", 103: "/b"}


def test_the_last_fact_counts():
    tasks = (TaskFacts(101, T0 + 5, group="/late"), TaskFacts(101, T0, group="/early", uid=7))
    work = recording(*PAIR, tasks=tasks).workload()
    assert groups_of(work)[101] == "/late" and by_pid(work, "uid")[101] == 7


REUSED = (
    switch(0, IDLE, C), switch(MS, C, A, "X"), fork(2 * MS, A, C), wake(2 * MS + 1, A, C, "wakeup_new"),
    switch(3 * MS, A, C), switch(4 * MS, C, IDLE),
)  # fmt: skip


def test_a_pid_that_is_used_again_is_another_task():
    tasks = (TaskFacts(103, T0 - 1, group="/first"), TaskFacts(103, T0 + 3 * MS, group="/second"))
    read = recording(*REUSED, tasks=tasks)
    assert [task.pid for task in read.tasks].count(103) == 2
    work = read.workload()
    rows = [row for row, pid in enumerate(work.tasks["pid"].tolist()) if pid == 103]
    assert [work.groups[work.tasks["group"][row]] for row in rows] == ["/first", "/second"]


def test_without_a_common_clock_a_fact_is_about_all_of_its_pid():
    read = recording(*REUSED, clock="perf clock", tasks=(TaskFacts(103, 5, group="/g"),))
    assert [group for pid, group in groups_of(read.workload()).items() if pid == 103] == ["/g"]


def rows(*groups):
    return Surroundings(groups_of_rows=groups)


def test_groups_that_the_recording_itself_says_are_those_of_its_rows():
    """Of a pid that is used again each task has its own."""
    read = recording(*REUSED)
    pids = read.task_table["pid"].tolist()
    first, second = (row for row, pid in enumerate(pids) if pid == 103)
    read.surround(rows(*({first: "/one", second: "/two/deep"}.get(row) for row in range(len(pids)))))
    work = read.workload()
    mine = [row for row, pid in enumerate(work.tasks["pid"].tolist()) if pid == 103]
    assert [work.groups[work.tasks["group"][row]] for row in mine] == ["/one", "/two/deep"]
    assert work.said.group_by == "cgroup" and work.said.groups == {"/one", "/two/deep"} and work.shares == {}
    work.check()


def test_a_child_without_a_group_of_its_own_is_in_its_parents():
    read = recording(*FORKED)
    read.surround(rows("/a", None))
    assert groups_of(read.workload()) == {101: "/a", 103: "/a"}


def test_a_group_without_a_path_is_not_the_parents():
    read = recording(*FORKED)
    read.surround(rows("/a", ""))
    assert groups_of(read.workload()) == {101: "/a", 103: "/"}


def test_what_a_file_says_beside_the_recording_counts():
    """It asked the kernel which groups are the scheduler's."""
    read = recording(*PAIR, tasks=(TaskFacts(101, group="/asked"),))
    read.surround(rows("/seen", "/seen/below"))
    assert groups_of(read.workload()) == {101: "/asked", 102: "/"}


def test_shares_of_the_groups_that_are_there_and_above():
    groups = (
        GroupFacts("/a", shares=2048), GroupFacts("/a/b", shares=3072), GroupFacts("/gone", shares=5),
        GroupFacts("/i", shares=1024, idle=True),
    )  # fmt: skip
    tasks = (TaskFacts(101, group="/a/b"), TaskFacts(102, group="/i"))
    work = recording(*PAIR, groups=groups, tasks=tasks).workload()
    assert work.shares == {"/a": 2048, "/a/b": 3072} and work.idle_groups == {"/i"}
    assert work.said.group_by == "cgroup" and work.said.groups == {"/a/b", "/i"}
    work.check()


def test_users_with_shares_are_what_the_kernel_was_fair_by():
    tasks = (TaskFacts(101, uid=1000),)
    work = recording(*PAIR, users={0: 2048, 1000: 512, 77: 3}, tasks=tasks).workload()
    assert work.said.group_by == "uid" and work.shares == {"uid:0": 2048, "uid:1000": 512}
    work.check()


def test_tasks_in_the_root_group_alone_say_nothing_of_fairness():
    assert recording(*PAIR, tasks=(TaskFacts(101, group="/"),)).workload().said.group_by is None


def test_the_machine_is_said():
    facts = {"tunables": {"latency_ns": 6}, "features": {"X": True}}
    work = recording(*PAIR, hz=250, cpus_in_machine=4, **facts).workload()
    assert (work.platform.hz, work.said.nr_cpus) == (250, 4)
    assert work.said.tunables == {"latency_ns": 6, "sched_latency_ns": 6, "X": True}


def test_a_bare_recording_says_nothing():
    assert Recording.open(io.BytesIO(text(*PAIR))).workload().said == Said()


@pytest.mark.parametrize("policy", ["fifo", "rr", "deadline", "ext", ""])
def test_policies_that_cannot_be_replayed_are_normal(policy):
    work = recording(*PAIR, tasks=(TaskFacts(101, policy=policy, priority=3),)).workload()
    assert by_pid(work, "policy")[101] == 0


def test_a_nice_value_is_the_recordings_where_it_has_one():
    """Of B only charges are recorded, which have no priority."""
    from tests.unit.recordings.lines import runtime

    lines = (
        switch(0, IDLE, A, next_prio=125),
        switch(MS, A, IDLE, prio=125),
        runtime(2 * MS, B, 5000),
        runtime(3 * MS, B, 5000),
    )
    read = recording(*lines, tasks=(TaskFacts(101, nice=-3), TaskFacts(102, nice=7)))
    assert by_pid(read.workload(), "nice") == {101: 5, 102: 7}
