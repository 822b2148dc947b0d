"""Operations of programs: the table in C, the enumeration in Python and the readable twin know the same ones.

Then the compiled loop against the twin, run by run: random programs of all operations on several CPUs.
"""

import random

import numpy as np
import pytest

import cfs
from cfs import Simulation, Workload
from cfs.engine import _program
from cfs.simulation.stepping import Stepper
from cfs.workload import Op
from tests.quick import few

MS = 1_000_000
US = 1_000


def test_every_kind_has_its_row_and_its_number():
    numbers, with_row = _program.kinds()
    assert numbers == {op.name: op.value for op in Op}
    assert with_row == sorted(op.value for op in Op)


def test_the_readable_twin_performs_every_kind():
    assert all(hasattr(Stepper, f"_op_{op.name.lower()}") for op in Op)


def random_program(rng, names, children, may_fork):
    """Operations that take time somewhere, so that a loop is allowed."""
    ops = [("run", rng.choice([rng.randrange(1, 9 * MS), rng.randrange(1, 50) * 100 * US]))]
    for _ in range(rng.randrange(1, 7)):
        kind = rng.choice(["run", "sleep", "sleep_until", "next", "wake", "put", "nice", "yield", "wait", "fork"])
        if kind == "fork" and may_fork and children:
            ops.append(("fork", children.pop(), rng.choice([0, 3 * US, 700 * US])))
        elif kind in ("wake", "put"):
            ops.append((kind, rng.choice(names), rng.choice([0, 5 * US, MS, rng.randrange(3 * MS)])))
        elif kind == "next":
            ops.append(("next", rng.choice([MS, 250 * US]), rng.choice([0, rng.randrange(40 * MS)])))
        elif kind == "nice":
            ops.append(("nice", rng.randrange(-20, 20)))
        elif kind == "run":
            ops.append((kind, rng.choice([MS, rng.randrange(1, 5 * MS), 250 * US]), rng.choice([0, 0, 40 * US, MS])))
        elif kind == "sleep":
            ops.append((kind, rng.choice([MS, rng.randrange(1, 5 * MS), 250 * US])))
        elif kind == "sleep_until":
            ops.append((kind, rng.randrange(60 * MS)))
        elif kind in ("yield", "wait"):
            ops.append((kind,))
    return ops


def random_workload(seed, nr_cpus):
    """Fathers and children on CPUs drawn at random; a waker sees to it that nobody waits for ever."""
    rng = random.Random(seed)
    fathers = [f"father {i}" for i in range(rng.randrange(2, 4 * nr_cpus))]
    children = [f"child {i}" for i in range(rng.randrange(1, 4))]
    names, orphans = fathers + children, children.copy()
    programs = {}
    for name in names:
        programs[name] = random_program(rng, names, orphans, may_fork=name in fathers)
        if rng.random() < 0.6 and not any(op[0] == "fork" for op in programs[name]):
            programs[name].append(("loop",))
        elif rng.random() < 0.5:
            programs[name].append(("exit",))
    for child in orphans:  # whom nobody has forked
        programs[rng.choice(fathers)].insert(0, ("fork", child))
    for name in fathers:
        forks = [number for number, op in enumerate(programs[name]) if op[0] == "fork"]
        if forks and programs[name][-1] == ("loop",):
            programs[name].pop()
    programs["waker"] = [("sleep", 3 * MS), *(("wake", name, 2 * US) for name in names), ("loop",)]
    cpu = {name: rng.randrange(nr_cpus) for name in [*programs]} | {"waker": nr_cpus - 1, fathers[0]: 0}
    starts = {name: rng.choice([0, 0, MS, rng.randrange(20 * MS)]) for name in fathers}
    nice = {name: rng.randrange(-20, 20) for name in names}
    return Workload.of_programs(programs, cpu=cpu, start_ns=starts, nice=nice, duration_ns=400 * MS)


def both(work, model, hz=1000, **facts):
    """The runs of the compiled loop and of the twin, which drives a Scheduler through its public methods."""
    compiled = Simulation(work, model, hz=hz, **facts)
    policy = cfs.Scheduler(model, cpus=len(compiled.cpus), hz=hz, ticks=False)
    return compiled.run(), Simulation(work, policy, hz=hz, **facts).run()


PLATFORMS = {
    "without friction": {},
    "none": {"preempt": "none"},
    "late ticks": {"tick_phase_ns": 345_678, "tick_jitter_ns": (0, 5 * US, 90 * US), "seed": 7},
    "interrupts cost": {"wakeup_cost_ns": 12 * US, "preempt": "voluntary"},
    "all of it": {
        "preempt": "none",
        "tick_phase_ns": 1,
        "tick_jitter_ns": (3, 70 * US),
        "wakeup_cost_ns": 100 * US,
        "switch_cost_ns": 4 * US,
    },
}


def require_equal(ours, theirs):
    order = ["start_ns", "cpu", "end_ns", "task"]
    assert np.array_equal(np.sort(ours.runs, order=order), np.sort(theirs.runs, order=order))
    assert ours.wakeups.tolist() == theirs.wakeups.tolist()
    assert (ours.end, ours.duration_ns) == (theirs.end, theirs.duration_ns)


@pytest.mark.parametrize("nr_cpus", [1, 2, 5])
@pytest.mark.parametrize("model", list(cfs.MODELS))
@pytest.mark.parametrize("seed", few(range(4), 1))
def test_random_programs_on_several_cpus_are_those_of_the_twin(seed, model, nr_cpus):
    """I1 of cfs/engine/_program.pyx: a task that is nowhere would run no more."""
    require_equal(*both(random_workload(seed, nr_cpus), model, hz=[1000, 300, 250][seed % 3]))


@pytest.mark.parametrize("seed", few([11, 12], 1))
@pytest.mark.parametrize("nr_cpus", [1, 3])
@pytest.mark.parametrize("model", few(["linux-6.18-eevdf", *(name for name in cfs.MODELS if name != "linux-6.18-eevdf")], 1))
@pytest.mark.parametrize("platform", list(PLATFORMS))
def test_random_programs_on_any_platform_are_those_of_the_twin(platform, model, nr_cpus, seed):
    require_equal(*both(random_workload(seed, nr_cpus), model, hz=250, **PLATFORMS[platform]))


def with_slices(work, seed):
    """Most tasks have a slice of their own, many children too."""
    rng = random.Random(seed)
    work.slices = {row: rng.randrange(50 * US, 20 * MS) for row in range(work.nr_tasks) if rng.random() < 0.8}
    return work


@pytest.mark.parametrize("nr_cpus", [1, 2, 5])
@pytest.mark.parametrize("seed", few(range(8), 3))
def test_random_programs_with_slices_are_those_of_the_twin(seed, nr_cpus):
    work = with_slices(random_workload(seed, nr_cpus), seed)
    require_equal(*both(work, "linux-6.18-eevdf", hz=[1000, 300, 250][seed % 3]))


@pytest.mark.parametrize("seed", few([11, 12, 13], 1))
@pytest.mark.parametrize("nr_cpus", [1, 3])
@pytest.mark.parametrize("platform", list(PLATFORMS))
def test_slices_on_any_platform_are_those_of_the_twin(platform, nr_cpus, seed):
    work = with_slices(random_workload(seed, nr_cpus), seed)
    require_equal(*both(work, "linux-6.18-eevdf", hz=250, **PLATFORMS[platform]))


def test_the_slices_of_children_count():
    """Of the workloads above, one at least runs otherwise when its children have their parents' slices."""
    works = [with_slices(random_workload(seed, 1), seed) for seed in range(8)]
    with_own = [work.run("linux-6.18-eevdf").runs.tolist() for work in works]
    for work in works:
        work.slices = {row: ns for row, ns in work.slices.items() if work.tasks["start_ns"][row] >= 0}
    assert with_own != [work.run("linux-6.18-eevdf").runs.tolist() for work in works]


@pytest.mark.slow
def test_forks_with_slices_grow_the_log():
    """A fork that gives a slice needs room for the runs of two events: it must neither write too far nor wait for ever."""
    nr = 6000
    children = {f"child {i}": [("run", 10 * US)] for i in range(nr)}
    programs = {"sh": [op for name in children for op in (("fork", name), ("run", US))], **children}
    work = Workload.of_programs(programs, slice_ns=dict.fromkeys(children, 200 * US), duration_ns=400 * MS)
    result = work.run("linux-6.18-eevdf")
    assert result.end == "finished" and len(result.runs) > nr


@pytest.mark.slow
def test_random_programs_on_more_cpus_than_a_word_has_bits_are_those_of_the_twin():
    require_equal(*both(random_workload(9, 70), "linux-2.6.24-cfs"))


def test_the_random_programs_have_every_operation():
    kinds = set()
    for seed in range(6):
        kinds |= set(random_workload(seed, 5).ops["kind"].tolist())
    assert kinds == {op.value for op in Op}


@pytest.mark.slow
def test_where_the_loop_stops_for_memory_changes_nothing():
    """I2 of cfs/engine/_program.pyx: the log grows several times in this span, between operations that happen at one instant."""
    programs = {}
    for cpu in range(3):
        programs[f"ping {cpu}"] = [("run", 10 * US), ("wake", f"pong {(cpu + 1) % 3}"), ("wait",), ("loop",)]
        programs[f"pong {cpu}"] = [("wait",), ("run", 10 * US), ("wake", f"ping {(cpu + 2) % 3}"), ("loop",)]
    cpu = {name: int(name[-1]) for name in programs}
    work = Workload.of_programs(programs, cpu=cpu, duration_ns=150 * MS)
    ours, theirs = both(work, "linux-2.6.24-cfs")
    assert len(ours.runs) > 4 * 4096
    require_equal(ours, theirs)


# ---- put ---------------------------------------------------------------------------------------------------------


def stretches(programs, model="linux-6.18-eevdf", **options):
    """(name, from, to), ms, of each run that took time; in both loops."""
    of_some = {key: {name: value for name, value in of.items() if name in programs} for key, of in options.items()}
    work = Workload.of_programs(programs, duration_ns=1000 * MS, **of_some)
    ours, theirs = both(work, model)
    require_equal(ours, theirs)
    rows = ours.runs[ours.runs["end_ns"] > ours.runs["start_ns"]]
    names = [ours.names[task] for task in rows["task"].tolist()]
    return list(zip(names, (rows["start_ns"] // MS).tolist(), (rows["end_ns"] // MS).tolist())), ours


SLOW = [("wait",), ("run", 5 * MS), ("wait",), ("run", 5 * MS), ("wait",), ("run", 5 * MS)]
TWO_CPUS = {"a": 0, "b": 1, "c": 0}


def test_a_put_waits_until_the_one_before_was_taken():
    """At 1 ms `b` is woken; the second lies there; for the third `a` has no room until 6 ms."""
    a = [("run", MS), ("put", "b"), ("put", "b"), ("put", "b"), ("run", 2 * MS)]
    found, result = stretches({"a": a, "b": SLOW}, cpu=TWO_CPUS)
    assert found == [("a", 0, 1), ("b", 1, 16), ("a", 6, 8)] and result.end == "finished"
    woken = [(result.names[row["task"]], int(row["time_ns"]) // MS) for row in result.wakeups if row["waker"] >= 0]
    assert woken == [("b", 1), ("a", 6)]


def test_those_who_put_are_served_in_turn():
    a = [("run", MS), ("put", "b"), ("put", "b"), ("put", "b"), ("run", MS)]
    c = [("run", MS), ("put", "b"), ("run", MS)]
    slow = [*SLOW, ("wait",), ("run", 5 * MS)]
    found, result = stretches({"a": a, "c": c, "b": slow}, cpu=TWO_CPUS, nice={"a": -20})
    assert [(name, begin) for name, begin, _ in found if begin > 2] == [("a", 6), ("c", 11)]
    assert result.end == "finished"


def test_whoever_is_gone_holds_nobody_up():
    a = [("run", MS), ("put", "b"), ("put", "b"), ("put", "b"), ("put", "b"), ("put", "b"), ("run", MS)]
    found, result = stretches({"a": a, "c": a, "b": [("wait",), ("run", 9 * MS)]}, cpu=TWO_CPUS)
    assert max(begin for name, begin, _ in found if name in "ac") == 11 and result.end == "finished"


def test_nobody_waits_for_himself():
    """Not alone, not in pairs, and not in a ring of three."""
    for ring in ("a", "ab", "abc"):
        programs = {
            name: [("put", ring[(place + 1) % len(ring)])] * 3 + [("run", MS)] for place, name in enumerate(ring)
        }
        found, result = stretches(programs)
        assert result.end == "finished" and sum(end - begin for _, begin, end in found) == len(ring)


def test_a_put_for_a_task_that_waits_is_a_wake():
    def programs(kind):
        return {"a": [("run", MS), (kind, "b"), ("wait",), ("loop",)], "b": [("wait",), ("run", MS), (kind, "a"), ("loop",)]}

    assert stretches(programs("put"))[0] == stretches(programs("wake"))[0]
