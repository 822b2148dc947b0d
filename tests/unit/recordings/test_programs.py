"""What the tasks of a recording would do again: programs computed by hand, and laws on whole recordings."""

import random

import numpy as np
import pytest

from cfs import RecordingError
from cfs.recordings import Recording
from cfs.workload import Op
from tests.quick import few

from .lines import A, B, C, IDLE, fork, program, read, runtime, switch, wake
from .real_recordings import FOLDERS, NAMES, recording

MS = 1_000_000
FAR = 900 * MS


def of(*lines, **options):
    """The workload of these lines and one that ends the span at FAR."""
    return read(*lines, runtime(FAR, IDLE, 0)).workload(0, **options)


def task(workload, which):
    return workload.tasks[workload.tasks["pid"].tolist().index(which[1])]


# ---- single operations. In all of them A and B talk, so that a wakeup in the context of the other is caused.


def talk(t):
    """A runs 100 ns, wakes B, blocks; B runs 50 ns, wakes A, runs 20 ns, blocks; 1000 ns in all."""
    return (
        switch(t, IDLE, A),
        wake(t + 100, A, B),
        switch(t + 200, A, B),
        wake(t + 250, B, A),
        switch(t + 270, B, IDLE),
    )


def talks(nr):
    return [line for i in range(nr) for line in talk(1000 * i)]


def test_cpu_time_between_events_is_run():
    ops = program(of(*talks(3)), A)
    # The first wakeup of B is its start, as it was there before the recording.
    assert ops[:6] == [("RUN", 200), ("WAIT", 0), ("RUN", 100), ("WAKE", 102), ("RUN", 100), ("WAIT", 0)]


def test_a_caused_wakeup_is_where_its_waker_had_got():
    ops = program(of(*talks(3)), B)
    assert ops[:4] == [("RUN", 50), ("WAKE", 101), ("RUN", 20), ("WAIT", 0)]


def test_preemption_leaves_no_operation():
    workload = of(switch(0, IDLE, A), switch(100, A, B, "R"), switch(150, B, A), switch(180, A, IDLE, "Z"))
    assert program(workload, A) == [("RUN", 130), ("EXIT", 0)]


def test_an_exit():
    assert program(of(switch(0, IDLE, A), switch(70, A, IDLE, "X")), A) == [("RUN", 70), ("EXIT", 0)]


def test_a_task_that_sleeps_at_the_end_sleeps_until_then():
    assert program(of(switch(0, IDLE, A), switch(70, A, IDLE)), A) == [("RUN", 70), ("SLEEP_UNTIL", FAR)]


def test_a_task_that_runs_at_the_end_does_no_more():
    workload = read(switch(0, IDLE, A), runtime(70, A, 70)).workload(0)
    assert program(workload, A) == [("RUN", 70)]


def test_a_fork_is_an_operation_of_the_parent():
    child = ("a", 7)
    workload = of(
        switch(0, IDLE, A), fork(40, A, child), wake(50, A, child, "wakeup_new"), switch(80, A, child, "Z"),
        switch(90, child, IDLE, "Z"),
    )  # fmt: skip
    assert program(workload, A) == [("RUN", 50), ("FORK", 7), ("RUN", 30), ("EXIT", 0)]
    assert task(workload, child)["start_ns"] == -1


def test_a_change_of_priority_is_a_nice_operation():
    lines = switch(0, IDLE, A), switch(70, A, B, "R", prio=115), switch(90, B, A)
    workload = of(*lines, switch(95, A, IDLE, "Z", prio=115))
    assert program(workload, A)[:2] == [("RUN", 70), ("NICE", -5)]


def test_the_first_nice_value_is_the_tasks():
    workload = of(switch(0, IDLE, A, next_prio=130), switch(70, A, IDLE, prio=130))
    assert task(workload, A)["nice"] == 10


def test_a_real_time_task_is_taken_as_nice_minus_20_and_said_once():
    found = read(switch(0, IDLE, A, next_prio=0), switch(70, A, IDLE, prio=0))
    before = list(found.warnings)
    work = found.workload(0)
    assert work.tasks["nice"].tolist() == [-20]
    assert len([said for said in work.warnings if said.startswith("real-time")]) == 1
    found.result(0)
    assert found.warnings == before  # asking changes nothing of the recording


WOKEN_FROM_OUTSIDE = (
    switch(0, IDLE, A),
    switch(70, A, IDLE),
    wake(300, IDLE, A),
    switch(310, IDLE, A),
    switch(330, A, IDLE, "Z"),
)


def test_a_wakeup_in_idle_context_keeps_its_distance_to_the_block():
    assert program(of(*WOKEN_FROM_OUTSIDE), A) == [("RUN", 70), ("SLEEP", 230), ("RUN", 20), ("EXIT", 0)]


def test_outside_wakeups_at_their_time():
    assert program(of(*WOKEN_FROM_OUTSIDE, outside="absolute"), A)[1] == ("SLEEP_UNTIL", 300)


def periodic(nr):
    """A sleeps to each multiple of 10 ms, runs for 1 ms and then up to 1 ms more; B computes."""
    lines = [switch(0, IDLE, A), switch(MS, A, B)]
    for i in range(1, nr):
        lines.append(wake(10 * MS * i, B, A))
        lines.append(switch(10 * MS * i + 5000, B, A, "R"))
        lines.append(switch((10 * i + 1) * MS + (i * 7919 % 1000) * 1000, A, B))
    return lines


def test_a_timer_keeps_its_absolute_time():
    until = [arg for kind, arg in program(of(*periodic(12)), A) if kind == "SLEEP_UNTIL"]
    assert until[:3] == [10 * MS, 20 * MS, 30 * MS]


def test_a_timer_may_be_made_relative():
    ops = program(of(*periodic(12), outside="relative"), A)
    assert ops[1] == ("SLEEP", 9 * MS)


def test_a_wakeup_by_a_task_left_out_is_from_outside():
    ops = program(of(*talks(3), without="a"), B)
    assert "WAIT" not in dict(ops) and ("SLEEP", 830) in ops  # from the block at 270 to the wakeup at 1100


def test_a_wakeup_before_the_block_is_counted():
    # From CPU 1 it is woken just before it blocks, so it does not stay asleep.
    o = ("o", 9)
    lines = [
        *talks(3),
        switch(5000, IDLE, A),
        switch(5000, ("swapper/1", 0), o, cpu=1),
        wake(5100, o, A, cpu=1),
        switch(5200, A, IDLE),
        wake(5300, o, A, "wakeup", cpu=1),
        switch(5400, IDLE, A),
        switch(5500, A, IDLE, "Z"),
        switch(5600, o, ("swapper/1", 0), "Z", cpu=1),
    ]
    found = read(*lines)
    workload = found.workload(None)
    assert program(workload, o) == [("RUN", 100), ("WAKE", 101), ("RUN", 500), ("EXIT", 0)]
    assert program(workload, A)[-4:] == [("RUN", 200), ("WAIT", 0), ("RUN", 100), ("EXIT", 0)]


def test_the_wakeup_of_a_running_task_leaves_no_operation():
    lines = switch(0, IDLE, A), wake(40, A, B), wake(50, IDLE, A, cpu=1), wake(51, IDLE, A, "wakeup", cpu=1)
    workload = of(*lines, switch(100, A, B, "Z"), switch(150, B, IDLE, "Z"))
    assert "WAIT" not in dict(program(workload, A)) and "SLEEP" not in dict(program(workload, A))


# ---- who belongs to it


def test_a_task_seen_running_starts_at_once():
    assert task(of(runtime(5, A, 5), switch(70, A, IDLE)), A)["start_ns"] == 0


def test_a_task_never_woken_was_runnable_from_the_start():
    assert task(of(switch(0, IDLE, A), switch(70, A, B, "R"), switch(90, B, IDLE, "Z")), B)["start_ns"] == 0


def test_a_task_woken_first_starts_then():
    assert task(of(switch(0, IDLE, A), wake(60, A, B), switch(90, A, B, "R")), B)["start_ns"] == 60


def test_a_task_that_never_ran_there_is_dropped():
    workload = of(switch(0, IDLE, A), switch(0, ("swapper/1", 0), B, cpu=1), switch(90, A, IDLE))
    assert workload.tasks["pid"].tolist() == [101]


def test_time_on_other_cpus_is_sleep():
    lines = (
        switch(0, IDLE, A),
        switch(100, A, B, "R"),
        switch(150, ("swapper/1", 0), A, cpu=1),
        switch(400, A, ("swapper/1", 0), "R", cpu=1),
        switch(500, B, A),
        switch(530, A, B, "Z"),
    )
    assert program(of(*lines), A) == [("RUN", 100), ("SLEEP", 300), ("RUN", 30), ("EXIT", 0)]


def test_a_child_whose_parent_is_elsewhere_starts_at_its_time():
    child, idle1 = ("a", 7), ("swapper/1", 0)
    lines = (
        switch(0, IDLE, B),
        switch(0, idle1, A, cpu=1),
        fork(40, A, child, cpu=1),
        wake(50, A, child, "wakeup_new", cpu=1),
        switch(90, B, child, "R"),
    )
    assert task(of(*lines), child)["start_ns"] == 50


def test_a_task_lives_where_it_ran_most():
    idle1 = ("swapper/1", 0)
    lines = (
        switch(0, IDLE, A),
        switch(100, A, IDLE, "R"),
        switch(150, idle1, A, cpu=1),
        switch(400, A, idle1, "Z", cpu=1),
    )
    assert read(*lines).workload(None).tasks["cpu"].tolist() == [1]


@pytest.mark.parametrize(
    ("options", "pids"),
    [
        ({"only": "a"}, [101]),
        ({"only": ["a", "c"]}, [101, 103]),
        ({"without": "[ab]"}, [103]),
        ({}, [101, 102, 103]),
    ],
)
def test_tasks_are_chosen_by_name(options, pids):
    workload = of(switch(0, A, B), switch(50, B, C), switch(90, C, IDLE), **options)
    assert workload.tasks["pid"].tolist() == pids


def test_an_unknown_cpu_is_refused():
    with pytest.raises(RecordingError, match="CPU 7"):
        read(switch(0, A, B)).workload(7)


def test_an_unknown_mode_is_refused():
    with pytest.raises(RecordingError, match="absolute"):
        read(switch(0, A, B)).workload(0, outside="sometimes")


def test_no_task_left_is_refused():
    with pytest.raises(RecordingError, match="no such task"):
        read(switch(0, A, B)).workload(0, only="nobody")


def test_the_span_and_the_name_are_the_recordings():
    workload = recording("nice-hogs-small").workload(0)
    assert (workload.duration_ns, workload.source) == (3306742863, "nice-hogs-small.perf-script.txt.gz")


# ---- laws, on whole recordings

CUTS = ("pipe-cut", "messaging-cut")


def any_recording(name):
    return recording(name) if name in NAMES else Recording.open(FOLDERS[0] / f"{name}.perf-script.txt.gz")


def stuck(workload, choose):
    """Execute, the next task by `choose`: who is left when nobody can go on, and WAKEs nobody waited for."""
    programs = [workload.program(i).tolist() for i in range(workload.nr_tasks)]
    at, woken = [0] * len(programs), [0] * len(programs)
    able = [i for i in range(len(programs)) if workload.tasks["start_ns"][i] >= 0]
    waiting = set()
    while able:
        i = able.pop(choose(len(able)))
        if at[i] == len(programs[i]):
            continue
        _, target, kind = programs[i][at[i]]
        if kind == Op.WAIT and not woken[i]:
            waiting.add(i)
            continue
        woken[i] -= kind == Op.WAIT
        at[i] += 1
        able.append(i)
        if kind == Op.FORK:
            able.append(target)
        if kind == Op.WAKE:
            woken[target] += 1
            if target in waiting:
                waiting.discard(target)
                able.append(target)
    return [i for i, program in enumerate(programs) if at[i] < len(program)], sum(woken)


@pytest.mark.parametrize("order", few(["random", "first", "last"], 1))
@pytest.mark.parametrize("cpu", few([None, 0, 1], 1))
@pytest.mark.parametrize("name", [*NAMES, *CUTS])
def test_p1_p2_every_order_of_execution_comes_to_the_end(name, cpu, order):
    choose = {"first": lambda n: 0, "last": lambda n: n - 1, "random": random.Random(5).randrange}[order]
    assert stuck(any_recording(name).workload(cpu), choose) == ([], 0)


@pytest.mark.parametrize("cpu", [0, 1, None])
@pytest.mark.parametrize("name", [*NAMES, *CUTS])
def test_p3_runs_add_up_to_the_cpu_time(name, cpu):
    found = any_recording(name)
    workload = found.workload(cpu)
    assert int(workload.ops["arg"][workload.ops["kind"] == Op.RUN].sum()) == int(found.busy_ns(cpu).sum())


@pytest.mark.parametrize("name", [*NAMES, *CUTS])
def test_absolute_sleeps_of_a_task_ascend(name):
    workload = any_recording(name).workload(0, outside="absolute")
    for i in range(workload.nr_tasks):
        until = workload.program(i)
        until = until["arg"][until["kind"] == Op.SLEEP_UNTIL]
        assert (np.diff(until) >= 0).all() and (len(until) == 0 or until[-1] <= workload.duration_ns)


def test_all_ends_and_forks_of_fork_heavy_are_there():
    kinds = np.bincount(recording("fork-heavy").workload(0).ops["kind"], minlength=8)
    # 6900 times `true` is forked and ends, by the recording's own description; the rest are the shell's few
    # others.
    assert 6900 <= kinds[Op.FORK] <= 6920 and 6900 <= kinds[Op.EXIT] <= 6920


def test_hogs_set_their_nice_value():
    workload = recording("nice-hogs-small").workload(0)
    values = {}
    for i in range(workload.nr_tasks):
        ops = workload.program(i)
        values[workload.name(i)] = ops["arg"][ops["kind"] == Op.NICE].tolist()
    assert {n: v for n, v in values.items() if n.startswith("hog")} == {
        "hog1.n-5": [-5], "hog2.n0": [], "hog3.n0": [], "hog4.n5": [5], "hog5.n10": [10], "hog6.n19": [19],
    }  # fmt: skip
