"""The SimPy adapter: against `Simulation` (run by run, another loop over the same core), by laws, and by
hand.
"""

import random

import numpy as np
import pytest

from cfs import GroupError, Simulation, StateError, Workload, WorkloadError
from cfs.models import MODELS

simpy = pytest.importorskip("simpy")
from cfs.adapters.simpy import CPU, Killed, Preempted  # noqa: E402
from tests.quick import few

MS = 1_000_000
COLUMNS = ["ready_ns", "start_ns", "end_ns", "task", "cpu", "ready"]


def in_ns(**options):
    env = simpy.Environment()
    return env, CPU(env, unit="ns", **options)


def some_programs(seed, nr_tasks):
    """Runs, sleeps and new nice values; each program ends with EXIT."""
    rng = random.Random(seed)
    programs = {}
    for number in range(nr_tasks):
        ops = []
        for _ in range(rng.randrange(2, 12)):
            ops.append(("run", rng.choice([0, 1000, 700_000, 5 * MS, 33 * MS, rng.randrange(50 * MS)])))
            ops.append(
                rng.choice(
                    [("sleep", rng.randrange(1, 40 * MS)), ("nice", rng.randrange(-20, 20)), ("run", 3 * MS)]
                )
            )
        ops.append(("run", 12_345))
        programs[f"task {number}"] = ops
    return programs


def in_simpy(programs, nice, start_ns, cpu_of, group, shares, **options):
    env, cpu = in_ns(record=True, **options)
    for name in shares:
        cpu.group(name, shares=shares[name])

    def process(task, ops, start):
        yield env.timeout(start)
        for kind, arg in ops:
            if kind == "nice":
                task.nice = arg
            elif kind == "run":
                yield task.run(arg)
            else:
                yield task.sleep(arg)
        task.kill()

    tasks = [
        cpu.task(name=name, nice=nice[name], cpu=cpu_of[name], **({"group": group[name]} if group else {}))
        for name in programs
    ]
    for task in tasks:
        env.process(process(task, programs[task.name], start_ns[task.name]))
    env.run()
    return cpu


def both(seed, model, *, cpus=1, grouped=False, hz=1000):
    rng = random.Random(seed)
    programs = some_programs(seed, 7)
    nice = {name: rng.randrange(-5, 15) for name in programs}
    start_ns = {name: rng.choice([0, 0, 7 * MS, rng.randrange(60 * MS)]) for name in programs}
    cpu_of = {name: i % cpus for i, name in enumerate(programs)}
    shares = {"web": 2048, "batch": 300} if grouped else {}
    group = {name: rng.choice(["web", "batch"]) for name in programs} if grouped else {}
    group_by = "cgroup" if grouped else None
    workload = Workload.of_programs(
        programs, nice=nice, start_ns=start_ns, cpu=cpu_of, group=group, shares=shares, duration_ns=10**12
    )
    theirs = Simulation(workload, model, hz=hz, group_by=group_by).run()
    ours = in_simpy(
        programs, nice, start_ns, cpu_of, group, shares, model=model, cpus=cpus, hz=hz, group_by=group_by
    )
    return ours.result().runs[COLUMNS], theirs.runs[COLUMNS]


# ---- The same as Simulation: I4 of cfs/simulation/_live.pyx -------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", few(range(8)))
def test_every_run_is_that_of_the_simulation(model, seed):
    ours, theirs = both(seed, model)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("model", ["linux-2.6.24-cfs", "linux-6.18-eevdf"])
@pytest.mark.parametrize("seed", range(4))
def test_every_run_is_that_of_the_simulation_with_groups(model, seed):
    ours, theirs = both(seed, model, grouped=True, hz=250)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("seed", range(4))
def test_every_run_is_that_of_the_simulation_on_three_cpus(seed):
    ours, theirs = both(seed, "linux-2.6.24-cfs", cpus=3)
    assert np.array_equal(ours, theirs)


def test_a_long_run_beyond_what_is_looked_ahead():
    """More ticks than one look ahead covers."""
    programs = {"a": [("run", 20 * 10**9)], "b": [("run", 20 * 10**9)]}
    zero = dict.fromkeys(programs, 0)
    ours = in_simpy(programs, zero, zero, zero, {}, {})
    theirs = Workload.of_programs(programs, duration_ns=10**12).run()
    assert np.array_equal(ours.result().runs[COLUMNS], theirs.runs[COLUMNS])


# ---- What a process sees -------------------------------------------------------------------------


def test_work_fires_when_it_has_been_received():
    """Alone on a CPU, work takes exactly as long as it is."""
    env, cpu = in_ns()
    ends = []

    def job(task):
        yield env.timeout(5)
        yield task.run(1_234_567)
        ends.append(env.now)

    env.process(job(cpu.task()))
    env.run()
    assert ends == [1_234_572]


def test_one_simpy_event_for_a_piece_of_work(monkeypatch):
    env, cpu = in_ns()
    steps = []
    step = env.step
    monkeypatch.setattr(env, "step", lambda: (step(), steps.append(env.now)))

    def job(task):
        for _ in range(50):
            yield task.run(200 * MS)

    for _ in range(2):
        env.process(job(cpu.task()))
    env.run()
    # 100 pieces; beside them: two starts and two ends of processes, and the stale alarm of the first `run`
    assert len(steps) <= 100 + 5


def test_two_equal_hogs_end_together():
    env, cpu = in_ns()
    ends = {}

    def job(task):
        yield task.run(500 * MS)
        ends[task.name] = env.now

    for name in "ab":
        env.process(job(cpu.task(name=name)))
    env.run()
    assert max(ends.values()) == 1000 * MS
    assert min(ends.values()) >= 980 * MS  # a slice of the default latency, 20 ms, at most


def test_a_nice_value_changed_while_running_changes_the_share():
    """In equal spans the hog has half, then 1024 / (1024 + 335) of the CPU."""
    env, cpu = in_ns()

    def hog(task):
        yield task.run(10**12)

    tasks = [cpu.task(), cpu.task()]
    for task in tasks:
        env.process(hog(task))
    env.run(until=10**9)
    first = tasks[0].received_ns
    tasks[1].nice = 5
    env.run(until=11 * 10**9)
    assert first == pytest.approx(0.5e9, abs=20e6)
    assert (tasks[0].received_ns - first) / 10**10 == pytest.approx(1024 / (1024 + 335), abs=0.01)


def test_shares_changed_while_running_change_the_share():
    env, cpu = in_ns(group_by="cgroup")
    web, batch = cpu.group("web"), cpu.group("batch")

    def hog(task):
        yield task.run(10**12)

    tasks = [cpu.task(group=web), cpu.task(group=batch), cpu.task(group="batch")]
    for task in tasks:
        env.process(hog(task))
    env.run(until=10**10)
    first = tasks[0].received_ns
    assert first / 10**10 == pytest.approx(1 / 2, abs=0.01)
    web.shares = 3072
    env.run(until=2 * 10**10)
    assert (tasks[0].received_ns - first) / 10**10 == pytest.approx(3 / 4, abs=0.01)


def test_users_share_first():
    """Three tasks of one uid against one of another: half each."""
    env, cpu = in_ns(group_by="uid")

    def hog(task):
        yield task.run(10**12)

    tasks = [cpu.task(uid=uid) for uid in (1000, 1000, 1000, 1001)]
    for task in tasks:
        env.process(hog(task))
    env.run(until=10**10)
    assert tasks[3].received_ns / 10**10 == pytest.approx(1 / 2, abs=0.01)


def test_a_moved_task_counts_in_its_new_group():
    """Two of `a` and one of `b`, then one and two: a quarter each, then a half for the one that is alone."""
    env, cpu = in_ns(group_by="cgroup")
    cpu.group("a"), cpu.group("b")

    def hog(task):
        yield task.run(10**12)

    first, second, third = [cpu.task(group=name) for name in "aab"]
    for task in (first, second, third):
        env.process(hog(task))
    env.run(until=10**10)
    before = first.received_ns
    second.move("b")
    env.run(until=3 * 10**10)
    assert before / 10**10 == pytest.approx(1 / 4, abs=0.01)
    assert (first.received_ns - before) / (2 * 10**10) == pytest.approx(1 / 2, abs=0.02)


def test_a_policy_changed_while_running():
    env, cpu = in_ns()
    task = cpu.task()
    task.run(10**9)
    env.run(until=5)
    task.policy = "idle"
    assert (task.policy, task.handle.weight) == ("idle", 2)


def test_received_time_adds_up_to_the_busy_time():
    """I3 of cfs/simulation/_live.pyx."""
    env, cpu = in_ns(record=True)

    def job(task, work):
        yield env.timeout(work // 3)
        yield task.run(work)

    tasks = [cpu.task(nice=number) for number in range(6)]
    for number, task in enumerate(tasks):
        env.process(job(task, (number + 3) * 7_777_777))
    env.run(until=150 * MS)
    assert sum(task.received_ns for task in tasks) == cpu.result().busy_ns


def test_work_of_nothing_still_waits_for_its_turn():
    env, cpu = in_ns()
    order = []

    def hog(task):
        yield task.run(3 * MS)
        order.append(("hog", env.now))

    def nothing(task):
        yield env.timeout(1)
        yield task.run(0)
        order.append(("nothing", env.now))

    env.process(hog(cpu.task(nice=-20)))
    env.process(nothing(cpu.task(nice=19, policy="idle")))
    env.run()
    assert [name for name, _ in order] == ["hog", "nothing"]


# ---- Time -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_stays_a_second_in_float_time():
    """I2 of cfs/adapters/simpy/task.py: 10**5 pieces of a decimal that no float holds."""
    env = simpy.Environment()
    cpu = CPU(env, unit="s")

    def job(task):
        for _ in range(100_000):
            yield task.run(1e-5)

    task = cpu.task()
    env.process(job(task))
    env.run()
    assert task.received_ns == 10**9
    assert cpu.now_ns == 10**9
    assert env.now == 1.0


def test_a_nanosecond_a_month_from_the_start():
    """2**53 ns are 104 days; the ns is kept where a float of seconds cannot hold it any more."""
    env = simpy.Environment()
    cpu = CPU(env, unit="s")

    def job(task):
        yield env.timeout(10_000_000)
        yield task.run(0.1)
        yield task.sleep(0.1)
        yield task.run(0.1)

    task = cpu.task()
    env.process(job(task))
    env.run()
    assert (task.received_ns, cpu.now_ns) == (2 * 10**8, 10**16 + 3 * 10**8)


def test_float_seconds_give_the_runs_of_integer_ns():
    """The same workload in both units, run for run."""
    programs = some_programs(3, 5)
    results = []
    for unit, one in (("ns", 1), ("s", 1e-9)):
        env = simpy.Environment()
        cpu = CPU(env, unit=unit, record=True)

        def process(task, ops, env=env, one=one):
            for kind, arg in ops:
                if kind == "nice":
                    task.nice = arg
                else:
                    yield task.run(arg * one) if kind == "run" else task.sleep(arg * one)

        for name, ops in programs.items():
            env.process(process(cpu.task(name=name), ops))
        env.run()
        results.append(cpu.result().runs)
    assert np.array_equal(*results)


# ---- Interference ---------------------------------------------------------------------------------


def interrupted(when_ns, act, *, others=0):
    """A task with 10 ms of work; `act` is called at a time. What its process saw: (time, cause, left)."""
    env, cpu = in_ns()
    saw = []

    def job(task):
        run = task.run(10 * MS)
        try:
            yield run
            saw.append((env.now, None, run.left_ns))
        except simpy.Interrupt as interrupt:
            saw.append((env.now, interrupt.cause, run.left_ns))

    def hog(task):
        try:
            yield task.run(50 * MS)
        except simpy.Interrupt:
            pass

    def actor(task):
        yield env.timeout(when_ns)
        act(task)

    task = cpu.task()
    env.process(job(task))
    for _ in range(others):
        env.process(hog(cpu.task()))
    env.process(actor(task))
    env.run()
    return saw, task, cpu


def test_an_interrupt_says_what_is_left():
    saw, task, _ = interrupted(4 * MS, lambda task: task.interrupt("enough"))
    assert saw == [(4 * MS, "enough", 6 * MS)]
    assert task.received_ns == 4 * MS


def test_an_interrupted_task_leaves_the_cpu_to_the_others():
    _, task, cpu = interrupted(4 * MS, lambda task: task.interrupt(), others=1)
    assert cpu.now_ns == 50 * MS + task.received_ns


def test_a_killed_task_is_gone():
    saw, task, cpu = interrupted(4 * MS, lambda task: task.kill())
    assert saw == [(4 * MS, Killed(task), 6 * MS)]
    assert not task.alive
    assert task.handle.state == "dead"


def test_a_task_killed_in_the_queue_exits_when_it_gets_the_cpu():
    killed = []

    def kill(task):
        killed.append(task.cpu.tasks[1])
        killed[0].kill()

    saw, task, cpu = interrupted(1, kill, others=1)
    assert saw == [(10 * MS, None, 0)]
    assert killed[0].handle.state == "dead"
    assert killed[0].received_ns == 0
    assert cpu.tasks == [task]  # those that are gone are forgotten


def test_a_dead_task_refuses_work():
    _, task, _ = interrupted(1, lambda task: task.kill())
    with pytest.raises(StateError, match="was killed"):
        task.run(1)


def test_a_sleep_can_be_interrupted():
    env, cpu = in_ns()
    saw = []

    def sleeper(task):
        try:
            yield task.sleep(100)
        except simpy.Interrupt as interrupt:
            saw.append((env.now, interrupt.cause))
        yield task.run(7)
        saw.append((env.now, task.received_ns))

    def waker(task):
        yield env.timeout(30)
        task.interrupt("early")

    task = cpu.task()
    env.process(sleeper(task))
    env.process(waker(task))
    env.run()
    assert saw == [(30, "early"), (37, 7)]


def test_an_interrupt_of_nothing_is_refused():
    _, cpu = in_ns()
    with pytest.raises(StateError, match="waits for nothing"):
        cpu.task().interrupt()


def test_one_request_at_a_time():
    """I1 of cfs/adapters/simpy/task.py."""
    env, cpu = in_ns()
    task = cpu.task()
    task.run(5)
    with pytest.raises(StateError, match="waits for Run already"):
        task.run(5)


# ---- Holding the CPU -------------------------------------------------------------------------------


def test_a_holder_sees_its_preemption_and_gets_its_time():
    """Written as for simpy.PreemptiveResource; two of them share the CPU, each has received its work."""
    env, cpu = in_ns(record=True)
    ends, preemptions = [], []

    def job(task):
        left = 60 * MS
        while left:
            with task.request() as hold:
                yield hold
                begin = env.now
                try:
                    yield env.timeout(left)
                    left = 0
                except simpy.Interrupt as interrupt:
                    left -= env.now - begin
                    preemptions.append(interrupt.cause)
        ends.append(env.now)

    tasks = [cpu.task(name=name) for name in "ab"]
    for task in tasks:
        env.process(job(task))
    env.run(until=10**9)
    assert ends[-1] == 120 * MS
    assert [task.received_ns for task in tasks] == [60 * MS, 60 * MS]
    assert all(isinstance(cause, Preempted) and cause.resource is cpu for cause in preemptions)
    assert preemptions[0].by is tasks[1]
    switches = cpu.result().runs
    assert len(preemptions) == (switches["out"] == 1).sum()


def test_a_release_gives_the_cpu_to_the_next():
    env, cpu = in_ns()
    order = []

    def job(task):
        with task.request() as hold:
            yield hold
            order.append((task.name, env.now))
            yield env.timeout(3)

    for name in "abc":
        env.process(job(cpu.task(name=name)))
    env.run(until=10**9)
    assert order == [("a", 0), ("b", 3), ("c", 6)]
    assert cpu.scheduler.nr_running == 0


# ---- The machine behind it -------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_looking_ahead_leaves_every_byte(model):
    """I1 of cfs/simulation/_live.pyx, and I2: time stops at the end of work."""
    env, cpu = in_ns(model=model)

    def job(task, work):
        while True:
            yield task.run(work)
            yield task.sleep(work // 2)

    for number in range(9):
        env.process(job(cpu.task(nice=2 * number - 9), (number + 1) * 3 * MS))
    for stop in range(1, 40):
        env.run(until=stop * 4_321_987)
        live = cpu._live
        before = live.image()
        due = live.peek()
        assert live.image() == before
        cpu.scheduler.check()
        assert due is None or cpu._alarm_ns <= due  # I1 of cfs/adapters/simpy/clocks.py


def test_time_stops_at_the_end_of_work():
    """I2 of cfs/simulation/_live.pyx."""
    _, cpu = in_ns()
    task = cpu.task()
    task.run(5 * MS)
    cpu._live.forward(50 * MS)
    assert cpu._live.now_ns == 5 * MS
    assert cpu._live.finished() == 0


def test_run_until_a_piece_of_work():
    """`env.run(until=event)` ends inside of our event, and the model goes on afterwards."""
    env, cpu = in_ns()
    task = cpu.task()
    assert env.run(until=task.run(5)) is not None
    assert env.now == 5
    env.run(until=task.run(6))
    assert (env.now, task.received_ns) == (11, 11)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda env: CPU(env, unit="fortnight"), WorkloadError),
        (lambda env: CPU(env, hz=0), WorkloadError),
        (lambda env: CPU(env).task().run(-1), WorkloadError),
        (lambda env: CPU(env).task().run(float("nan")), WorkloadError),
        (lambda env: CPU(env).task(nice=20), StateError),
        (lambda env: CPU(env).group("web"), GroupError),
        (lambda env: CPU(env).result(), StateError),
    ],
)
def test_what_is_refused(make, error):
    with pytest.raises(error):
        make(simpy.Environment())
