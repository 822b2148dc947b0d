"""The compiled loop, three ways: against small cases worked out by hand, against the same loop in plain
Python (cfs.stepping, an independent implementation over the public Scheduler), and by laws.
"""

from pathlib import Path

import numpy as np
import pytest

import cfs
from cfs import Simulation, Workload
from cfs.errors import ModelError, TunableError, WorkloadError
from cfs.result import Out, Ready, WokenBy
from cfs.workload import FOREVER_NS, Op

MS = 1_000_000


def runs_of(programs, until_ns=100 * MS, hz=1000, **options):
    """[(name, ready, start, end, Ready, Out)] of a run, times in ns."""
    tunables = {
        key: options.pop(key)
        for key in list(options)
        if key in cfs.MODELS["linux-2.6.24-cfs"].tunables.names()
    }
    work = Workload.of_programs(programs, duration_ns=until_ns, **options)
    result = work.run(hz=hz, **tunables)
    return [
        (
            work.names[r["task"]],
            int(r["ready_ns"]),
            int(r["start_ns"]),
            int(r["end_ns"]),
            Ready(r["ready"]),
            Out(r["out"]),
        )
        for r in result.runs
    ]


class TestByHand:
    def test_a_lone_task_runs_sleeps_and_exits(self):
        assert runs_of({"a": [("run", 3000), ("sleep", 500), ("run", 1000)]}) == [
            ("a", 0, 0, 3000, Ready.WAKEUP, Out.BLOCKED),
            ("a", 3500, 3500, 4500, Ready.WAKEUP, Out.EXITED),
        ]

    def test_a_timer_in_the_past_does_not_block(self):
        assert runs_of({"a": [("run", 3000), ("sleep_until", 2000), ("run", 1000)]}) == [
            ("a", 0, 0, 4000, Ready.WAKEUP, Out.EXITED)
        ]

    def test_a_timer_in_the_future_keeps_its_time(self):
        assert runs_of({"a": [("run", 3000), ("sleep_until", 7000), ("run", 1000)]})[1][1:4] == (
            7000,
            7000,
            8000,
        )

    def test_a_late_periodic_task_skips_releases(self):
        got = runs_of({"a": [("next", 1000), ("run", 2500), ("loop",)]}, until_ns=8000)
        assert [run[1] for run in got] == [0, 1000, 4000, 7000]

    def test_a_wake_that_comes_early_is_not_lost(self):
        got = runs_of({"a": [("wake", "b"), ("run", 100)], "b": [("run", 50), ("wait",), ("run", 50)]})
        assert [run for run in got if run[0] == "b"] == [("b", 0, 100, 200, Ready.WAKEUP, Out.EXITED)]

    def test_a_wait_without_a_wake_stalls(self):
        assert Workload.of_programs({"a": [("wait",)]}, duration_ns=1000).run().end == "stalled"

    def test_advance_says_why_it_stopped(self):
        sim = Simulation(Workload.of_programs({"a": [("run", 10), ("wait",)], "b": [("run", 10)]}, duration_ns=1000))
        assert [sim.advance(at_ns) for at_ns in (5, 15)] == ["duration", "duration"]
        assert (sim.advance(), sim.now_ns, sim.result().end) == ("stalled", 20, "stalled")

    def test_everybody_done_is_finished(self):
        assert Workload.of_programs({"a": [("run", 10)]}, duration_ns=1000).run().end == "finished"

    def test_an_endless_hog_ends_with_the_span(self):
        assert runs_of({"a": [("run", FOREVER_NS)]}, until_ns=5 * MS) == [
            ("a", 0, 0, 5 * MS, Ready.WAKEUP, Out.RUNNING)
        ]

    def test_slices_end_at_ticks(self):
        # two nice-0 tasks: slice = 20 ms * 1024 / 2048 = 10 ms; the turn must be longer, so it ends at the
        # next tick
        got = runs_of({"a": [("run", FOREVER_NS)], "b": [("run", FOREVER_NS)]}, until_ns=50 * MS, hz=250)
        assert [(run[0], run[2] // MS, run[3] // MS) for run in got] == [
            ("a", 0, 12), ("b", 12, 24), ("a", 24, 36), ("b", 36, 48), ("a", 48, 50)
        ]  # fmt: skip

    def test_a_child_runs_first(self):
        got = runs_of({"sh": [("run", 1000), ("fork", "ls"), ("run", 1000)], "ls": [("run", 500)]})
        assert [(run[0], run[1], run[2], run[3]) for run in got] == [
            ("sh", 0, 0, 1000), ("ls", 1000, 1000, 1500), ("sh", 1000, 1500, 2500)
        ]  # fmt: skip

    def test_the_parent_goes_on_without_child_runs_first(self):
        got = runs_of(
            {"sh": [("run", 1000), ("fork", "ls"), ("run", 1000)], "ls": [("run", 500)]},
            sched_child_runs_first=0,
        )
        assert [run[0] for run in got] == ["sh", "ls"]

    def test_a_task_with_a_start_time_is_woken_then(self):
        assert runs_of({"a": [("run", 10)]}, start_ns={"a": 700})[0][1:4] == (700, 700, 710)

    def test_plain_yield_alone_goes_on(self):
        assert len(runs_of({"a": [("run", 10), ("yield",), ("run", 10)]})) == 1


HOGS_AND_SLEEPERS = {
    "hog": [("run", FOREVER_NS)],
    "nice": [("run", 30 * MS), ("nice", 5), ("run", FOREVER_NS)],
    "ping": [("run", 200_000), ("wake", "pong"), ("wait",), ("loop",)],
    "pong": [("wait",), ("run", 300_000), ("wake", "ping"), ("loop",)],
    "tick": [("next", 7 * MS), ("run", MS), ("yield",), ("loop",)],
    "make": [("run", MS), ("fork", "cc1"), ("wait",), ("fork", "cc2"), ("wait",), ("run", MS)],
    "cc1": [("run", 40 * MS), ("wake", "make")],
    "cc2": [("run", 5 * MS), ("sleep", 3 * MS), ("run", 9 * MS), ("wake", "make")],
}


class TestAgainstTheLoopInPython:
    @pytest.mark.parametrize("group_by", [None, "uid", "cgroup"])
    @pytest.mark.parametrize("hz", [100, 300, 1000])
    def test_equal_runs(self, group_by, hz):
        work = Workload.of_programs(
            HOGS_AND_SLEEPERS,
            uid={"hog": 1, "ping": 2},
            group={"make": "g", "hog": "h"},
            duration_ns=400 * MS,
        )
        compiled = work.run(group_by=group_by, hz=hz)
        stepped = Simulation(work, cfs.Scheduler(group_by=group_by), hz=hz).run()
        assert np.array_equal(compiled.runs, stepped.runs)
        assert (compiled.context_switches, compiled.end) == (stepped.context_switches, stepped.end)

    def test_equal_runs_on_two_cpus(self):
        work = Workload.of_programs(
            HOGS_AND_SLEEPERS, cpu={"pong": 1, "cc1": 1, "nice": 1}, duration_ns=400 * MS
        )
        order = ["start_ns", "cpu"]
        compiled, stepped = work.run(), Simulation(work, cfs.Scheduler(cpus=2)).run()
        assert np.array_equal(np.sort(compiled.runs, order=order), np.sort(stepped.runs, order=order))


class TestLaws:
    def work(self):
        return Workload.of_programs(HOGS_AND_SLEEPERS, duration_ns=400 * MS)

    def test_i1_of_sim_runs_of_a_cpu_do_not_overlap(self):
        runs = self.work().run().runs
        assert (runs["start_ns"][1:] >= runs["end_ns"][:-1]).all()

    def test_work_is_conserved(self):
        # a hog is always runnable, so the CPU never idles
        result = self.work().run()
        assert result.busy_ns == result.duration_ns

    def test_i2_of_sim_every_task_is_somewhere(self):
        # after a stop in the middle each one is unborn, runnable, waiting, on a timer or dead: going on ends
        # them all
        programs = {
            name: [op for op in program if op[0] != "loop"] for name, program in HOGS_AND_SLEEPERS.items()
        }
        programs["hog"] = programs["nice"] = [("run", 50 * MS)]
        sim = Simulation(Workload.of_programs(programs))
        for until_ns in range(0, 300 * MS, 7_777_777):
            sim.run(until_ns=until_ns)
        assert sim.run(until_ns=10**10).end == "finished"

    def test_i3_of_sim_timers_fire_in_order_of_time_then_age(self):
        programs = {f"t{i}": [("sleep_until", 1000 + 10 * ((i * 7) % 13)), ("run", 1)] for i in range(40)}
        runs = Workload.of_programs(programs, duration_ns=MS).run().runs
        woken = runs[runs["ready_ns"] >= 1000]
        keys = [(int(run["ready_ns"]), int(run["task"])) for run in woken]
        assert len(keys) == 40 and keys == sorted(keys)

    def test_i4_of_sim_nobody_is_charged_for_time_not_run(self):
        # a task that is off the CPU has been charged for all of its runs and for nothing else
        sim = Simulation(self.work())
        result = sim.run(until_ns=1234 * MS + 567)
        rows = [
            row for row in range(result.nr_tasks) if sim.workload.tasks["start_ns"][row] >= 0
        ]  # in order of id
        ran = {int(row["key"]): int(row["cpu_ns"]) for row in result.stats()}
        resting = [task for task in sim.scheduler.tasks if task.state != "running"]
        assert len(resting) >= 4
        for task in resting:
            assert task.sum_exec_ns == ran[rows[task.id - 1]]

    def test_nobody_runs_before_being_ready(self):
        runs = self.work().run().runs
        assert (runs["ready_ns"] <= runs["start_ns"]).all()

    def test_finished_programs_got_exactly_their_work(self):
        stats = self.work().run(until_ns=4000 * MS).stats()
        done = {self.work().names[row["key"]]: int(row["cpu_ns"]) for row in stats}
        assert done["cc1"] == 40 * MS and done["cc2"] == 14 * MS and done["make"] == 2 * MS

    def test_same_input_same_runs(self):
        assert np.array_equal(self.work().run().runs, self.work().run().runs)

    def test_running_in_two_parts_is_running_once(self):
        sim = Simulation(self.work())
        sim.run(until_ns=123_456_789)
        assert np.array_equal(sim.run().runs, self.work().run().runs)

    @pytest.mark.parametrize("model", ["linux-2.6.24-cfs", cfs.Scheduler], ids=["compiled", "stepped"])
    def test_advancing_in_steps_is_running_once(self, model):
        whole, steps = (Simulation(self.work(), model if isinstance(model, str) else model()) for _ in range(2))
        for until_ns in range(0, 400 * MS, 7_777_777):
            steps.advance(until_ns)
        steps.advance()
        assert steps.result().to_json() == whole.run().to_json()

    def test_many_forks_grow_the_tables(self):
        nr = 3000
        programs = {"sh": [op for i in range(nr) for op in (("fork", f"c{i}"), ("run", 10))]}
        programs |= {f"c{i}": [("run", 20), ("sleep", 10_000_000)] for i in range(nr)}
        result = Workload.of_programs(programs, duration_ns=10**9).run()
        assert result.end == "finished" and result.busy_ns == nr * 30


def read_case(name):
    return cfs.read_scenario(Path(__file__).parents[2] / "data" / "cases" / f"{name}.toml")


def next_multiple(blocked_ns):
    return (blocked_ns // (10 * MS) + 1) * 10 * MS


def require_wakeups(result, name, due_ns):
    """One where it begins, at 0, and one for each of its sleeps that ends within the span."""
    row = result.names.index(name)
    blocked = result.runs["end_ns"][(result.runs["task"] == row) & (result.runs["out"] == Out.BLOCKED)]
    wanted = [ns for ns in due_ns(blocked).tolist() if ns < result.duration_ns]
    assert result.wakeups["time_ns"][result.wakeups["task"] == row].tolist() == [0, *wanted]


@pytest.mark.parametrize("hz", [100, 250, 1000])
@pytest.mark.parametrize("model", list(cfs.MODELS))
def test_each_sleep_that_ends_in_the_span_is_one_wakeup(model, hz):
    """By the programs of the scenarios. How many there are depends on the model: who gets the CPU late sleeps later."""
    result = read_case("timer-and-hog").run(model, hz=hz)
    require_wakeups(result, "tick", next_multiple)
    require_wakeups(result, "net", lambda blocked: blocked + 13 * MS)
    assert (result.wakeups["cause"] == WokenBy.TIMER).all() and (result.wakeups["task"] == 0).sum() == 1
    result = read_case("two-hogs-net").run(model, hz=hz)
    require_wakeups(result, "net", next_multiple)


def test_the_numbers_of_the_cases_are_those_of_linux_6_18():
    """165 wakeups of sleepers, beside the begin of three tasks; and 100 a second where nobody is late by 10 ms."""
    result = read_case("timer-and-hog").run("linux-6.18-eevdf")
    assert len(result.wakeups) == 165 + 3
    for seconds in (1, 2):
        result = read_case("two-hogs-net").run("linux-6.18-eevdf", until_ns=seconds * 1000 * MS)
        net = result.names.index("net")
        assert (result.wakeups["task"] == net).sum() == 100 * seconds


class TestMisuse:
    @pytest.mark.parametrize(
        "programs, what",
        [
            ({"a": [("jump", 1)]}, "no operation"),
            ({"a": [("run",)]}, "takes 1 argument"),
            ({"a": [("wake", "b")]}, "unknown task"),
            ({"a": [("wait",), ("loop",)]}, "takes time"),
            ({"a": [("loop", 5)]}, "takes time"),
            ({"a": [("run", -1)]}, "takes -1 ns"),
            ({"a": [("next", 0), ("loop",)]}, "takes 0 ns"),
            ({"a": [("nice", 20)]}, "nice 20"),
            ({"a": [("fork", "b"), ("fork", "b")], "b": []}, "exactly once"),
        ],
    )
    def test_a_program_that_makes_no_sense(self, programs, what):
        with pytest.raises(WorkloadError, match=what):
            Workload.of_programs(programs, duration_ns=10).run()

    def test_a_broken_table(self):
        work = Workload.of_programs({"a": [("run", 10)]}, duration_ns=10)
        work.tasks["nr_ops"] = 7
        with pytest.raises(WorkloadError, match="beyond the end"):
            work.run()

    def test_an_unknown_kind(self):
        work = Workload.of_programs({"a": [("run", 10)]}, duration_ns=10)
        work.ops["kind"] = max(Op) + 1
        with pytest.raises(WorkloadError, match="unknown kind"):
            work.run()

    @pytest.mark.parametrize("hz", [0, -5, 10**7])
    def test_no_such_hz(self, hz):
        with pytest.raises(WorkloadError, match="hz"):
            Workload.of_programs({"a": [("run", 10)]}).run(hz=hz)

    def test_back_in_time(self):
        sim = Simulation(Workload.of_programs({"a": [("run", 10)]}, duration_ns=100))
        sim.run()
        for forward in (sim.run, sim.advance):
            with pytest.raises(WorkloadError, match="until_ns"):
                forward(until_ns=5)

    def test_unknown_model_and_tunable(self):
        work = Workload.of_programs({"a": [("run", 10)]})
        with pytest.raises(ModelError, match="linux-2.6.24-cfs"):
            work.run("linux-9.9")
        with pytest.raises(TunableError, match="sched_latency_ns"):
            work.run(sched_latency=5)
