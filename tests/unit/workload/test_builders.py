"""Builders: programs computed by hand, and what comes of them."""

import numpy as np
import pytest

from cfs import WorkloadError
from cfs.workload import (
    FOREVER_NS,
    Op,
    TaskPlan,
    build,
    fork_loop,
    half_sleepers,
    hogs,
    of_plans,
    periodic,
    ring,
    sleepers,
)

MS = 1_000_000


def program(work, row=0):
    return [(Op(op["kind"]).name, int(op["arg"]), int(op["target"])) for op in work.program(row)]


class TestBuilders:
    def test_hogs(self):
        work = hogs(
            3, nice=5, uid=7, group="batch", cpu=2, policy="idle", start_ns=9, name="h", duration_ns=50
        )
        assert work.tasks[["nice", "uid", "cpu", "policy", "start_ns"]].tolist() == 3 * [(5, 7, 2, 2, 9)]
        assert (work.groups, work.names, work.duration_ns) == (["/", "batch"], ["h"], 50)
        assert [program(work, row) for row in range(3)] == 3 * [[("RUN", FOREVER_NS, 0)]]

    def test_sleepers_and_half_sleepers(self):
        assert program(sleepers(1, run_ns=2, sleep_ns=5)) == [("RUN", 2, 0), ("SLEEP", 5, 0), ("LOOP", 0, 0)]
        assert program(half_sleepers(2, run_ns=2), 1) == [("RUN", 2, 0), ("SLEEP", 2, 0), ("LOOP", 0, 0)]

    def test_periodic(self):
        work = periodic(1, period_ns=10 * MS, run_ns=3 * MS, duration_ns=100 * MS)
        result = work.run()
        busy = result.runs[result.run_ns > 0]
        assert busy["start_ns"].tolist() == [release * 10 * MS for release in range(1, 10)]

    def test_the_token_goes_round(self):
        result = ring(3, run_ns=1000, duration_ns=9000).run()
        busy = result.runs[result.run_ns > 0]
        assert busy["task"].tolist() == [0, 1, 2] * 3
        assert result.busy_ns == result.duration_ns

    def test_a_ring_of_one(self):
        assert ring(1, run_ns=1000, duration_ns=9000).run().busy_ns == 9000

    def test_fork_loop(self):
        work = fork_loop(2, run_ns=10, shell_ns=3, pause_ns=100, command="ls", uid=5, duration_ns=1000)
        rounds = [[("SLEEP", 100, 0), ("RUN", 3, 0), ("FORK", 0, row), ("WAIT", 0, 0)] for row in (1, 2)]
        assert program(work) == rounds[0] + rounds[1]
        assert program(work, 2) == [("RUN", 10, 0), ("WAKE", 0, 0)]
        assert work.tasks["uid"].tolist() == [5, 5, 5]
        result = work.run()
        assert (result.end, result.duration_ns) == ("finished", 2 * (100 + 3 + 10))

    def test_make_keeps_so_many_jobs_going(self):
        work = build(3, 20, seed=5, duration_ns=10**11)
        result = work.run()
        busy = result.runs[result.run_ns > 0]
        born = np.array([busy["ready_ns"][busy["task"] == row].min() for row in work.rows_named("gcc")])
        done = np.array([busy["end_ns"][busy["task"] == row].max() for row in work.rows_named("as")])
        alive = [int(((born <= at) & (at < done)).sum()) for at in born]
        assert result.end == "finished" and alive[:3] == [1, 2, 3] and max(alive) == 3

    def test_lengths_of_a_build(self):
        work = build(2, 30, read_ns=(5, 5), compile_ns=(10, 20), assemble_ns=(1, 2))
        cc1 = [program(work, row) for row in work.rows_named("cc1")]
        assert all(ops[0] == ("SLEEP", 5, 0) and 10 <= ops[1][1] <= 20 for ops in cc1)
        assert len({ops[1][1] for ops in cc1}) > 1
        assert np.array_equal(build(2, 30).ops, build(2, 30).ops)
        assert not np.array_equal(build(2, 30, seed=1).ops, build(2, 30).ops)
        assert build(2, 0, duration_ns=100).run().end == "finished"

    def test_two_beside_each_other(self):
        both = fork_loop(5, duration_ns=10**9).merged(hogs(1)).merged(build(2, 3, uid=4))
        both.check()
        assert both.run().busy_ns == 10**9

    def test_loops_beside_each_other(self):
        both = hogs(1).merged(sleepers(2)).merged(ring(4, duration_ns=10 * MS))
        both.check()
        assert both.run().busy_ns == 10 * MS

    @pytest.mark.parametrize(
        "make, what",
        [
            (lambda: hogs(-1), "nr = -1"),
            (lambda: hogs(1.5), "nr = 1.5"),
            (lambda: hogs(1, nice=20), "'hog': nice = 20 is no integer of -20 ... 19"),
            (lambda: hogs(1, uid="root"), "uid = 'root'"),
            (lambda: hogs(1, policy="fifo"), "normal, batch, idle"),
            (lambda: hogs(1, duration_ns=-1), "duration_ns"),
            (lambda: sleepers(1, run_ns=0), "run_ns = 0"),
            (lambda: periodic(1, period_ns=0, run_ns=1), "period_ns = 0"),
            (lambda: ring(0), "nr = 0"),
            (lambda: fork_loop(1, pause_ns=-1), "pause_ns"),
            (lambda: build(0, 5), "jobs = 0"),
            (lambda: build(1, 1, compile_ns=(5, 4)), "greatest compile_ns = 4"),
            (lambda: of_plans([TaskPlan("a", cpu=99_999)]), "'a': cpu = 99999"),
        ],
    )
    def test_misuse(self, make, what):
        with pytest.raises(WorkloadError, match=what):
            make()
