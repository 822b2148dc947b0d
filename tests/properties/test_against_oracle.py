"""The compiled core against the slow twin. Way to be right: oracle.

Twice. A hypothesis state machine draws operations one by one and shrinks what fails; `random_ops` of the
twin writes long sequences with moods, at little cost each. After every operation every number of both is
compared, the ones too that no trace shows (exec_start, inverse weights, turns).

    pytest -m stress --seed 7 --seconds 600 tests/properties
"""

import random
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cfs import StateError
from tests.oracle import fair_2_6_24 as fair
from tests.oracle.random_ops import random_ops, random_tunables
from tests.properties.twins import Twins, first_difference, report, shortened

pytestmark = pytest.mark.slow  # a twin in plain Python

MS = 1_000_000
GROUPS = ["none", "uid", "cgroup"]

steps_ns = st.one_of(
    st.sampled_from([0, 1, 999, MS, 4 * MS, 10 * MS, 20 * MS, (1 << 22) - 1, 1 << 22, (1 << 22) + 1]),
    st.integers(0, 60 * MS),
    st.integers(0, 20_000 * MS),
)
nice_values = st.integers(-20, 19)
policies = st.sampled_from(["normal", "normal", "batch", "idle"])
shares = st.one_of(st.sampled_from([0, 1, 2, 3, 1024, 2048]), st.integers(2, 1 << 20))
tunable_sets = st.builds(
    fair.Tunables,
    sched_latency_ns=st.sampled_from([20 * MS, 100_000, 1_000 * MS]),
    sched_nr_latency=st.sampled_from([5, 1, 3, 1000]),
    sched_wakeup_granularity_ns=st.sampled_from([10 * MS, 0, 1, 1_000 * MS]),
    sched_child_runs_first=st.sampled_from([1, 0]),
    sched_compat_yield=st.sampled_from([0, 1]),
    sched_features=st.sampled_from([7, 0, 1, 2, 3, 4, 5, 6, 16 + 7]),
    initial_min_vruntime=st.sampled_from([2**64 - 2**20, 0, 2**64 - 1, 5 * MS]),
)


class SchedulerAgainstTwin(RuleBasedStateMachine):
    """Each rule is one operation of both; the invariant compares them."""

    @initialize(groups=st.sampled_from(GROUPS), tunables=tunable_sets)
    def boot(self, groups, tunables):
        self.twins = Twins(groups, tunables)
        self.groups = groups
        self.nr_made = 0

    def do(self, step_ns, op, **arguments):
        self.twins.apply({"t": self.twins.twin.now + step_ns, "op": op, **arguments})

    def a_task(self, data, wanted=lambda task: True):
        return data.draw(
            st.sampled_from([n for n, task in self.twins.twin.tasks.items() if wanted(task)]), "task"
        )

    def a_group(self, data):
        return (
            data.draw(st.sampled_from(list(self.twins.twin.groups)), "group")
            if self.groups != "none"
            else "/"
        )

    @rule(step_ns=steps_ns, nice=nice_values, policy=policies, data=st.data())
    def fork(self, step_ns, nice, policy, data):
        self.nr_made += 1
        self.do(step_ns, "fork", task=self.nr_made, nice=nice, policy=policy, group=self.a_group(data))

    @rule(step_ns=steps_ns)
    def tick(self, step_ns):
        self.do(step_ns, "tick")

    @precondition(lambda self: self.twins.twin.curr is not self.twins.twin.idle)
    @rule(step_ns=steps_ns, op=st.sampled_from(["block", "block", "yield", "exit"]))
    def leave(self, step_ns, op):
        self.do(step_ns, op)

    @precondition(lambda self: any(task.state == "blocked" for task in self.twins.twin.tasks.values()))
    @rule(step_ns=steps_ns, data=st.data())
    def wake(self, step_ns, data):
        self.do(step_ns, "wake", task=self.a_task(data, lambda task: task.state == "blocked"))

    @precondition(lambda self: self.twins.twin.tasks)
    @rule(step_ns=steps_ns, data=st.data())
    def wake_anybody(self, step_ns, data):
        """Of a task that is not blocked: nothing but the time may change."""
        self.do(step_ns, "wake", task=self.a_task(data))

    @precondition(lambda self: self.twins.twin.tasks)
    @rule(step_ns=steps_ns, nice=nice_values, data=st.data())
    def nice(self, step_ns, nice, data):
        self.do(step_ns, "nice", task=self.a_task(data), nice=nice)

    @precondition(lambda self: self.twins.twin.tasks)
    @rule(step_ns=steps_ns, policy=policies, data=st.data())
    def policy(self, step_ns, policy, data):
        self.do(step_ns, "policy", task=self.a_task(data), policy=policy)

    @precondition(lambda self: self.groups != "none" and self.twins.twin.tasks)
    @rule(step_ns=steps_ns, data=st.data())
    def move(self, step_ns, data):
        self.do(step_ns, "move", task=self.a_task(data), group=self.a_group(data))

    @precondition(lambda self: self.groups != "none")
    @rule(step_ns=steps_ns, shares=shares)
    def group(self, step_ns, shares):
        name = (
            f"uid:{len(self.twins.twin.groups)}"
            if self.groups == "uid"
            else f"g{len(self.twins.twin.groups)}"
        )
        self.do(step_ns, "group", group=name, shares=shares)

    @precondition(lambda self: self.groups != "none")
    @rule(step_ns=steps_ns, shares=shares, data=st.data())
    def shares(self, step_ns, shares, data):
        self.do(step_ns, "shares", group=self.a_group(data), shares=shares)

    @invariant()
    def all_state_is_equal(self):
        if self.twins.is_sane():
            assert self.twins.differences() == {}

    @invariant()
    def the_core_is_whole(self):
        if self.twins.is_sane():
            self.twins.core.check()


SchedulerAgainstTwin.TestCase.settings = settings(max_examples=100, stateful_step_count=40)


class TestSchedulerAgainstTwin(SchedulerAgainstTwin.TestCase):
    """Collected by pytest under a name that it looks for."""


# ---- Long sequences of the twin's own author -----------------------------------------------------


def compare(seed, groups, nr_ops):
    """One seeded sequence on a fresh pair; fails with the shortened list of operations."""
    rng = random.Random(seed)
    tunables = random_tunables(rng, groups=groups)
    ops = [
        {name: value for name, value in line.items() if name != "s"}
        for line in sequence(rng, groups, nr_ops, tunables)
    ]
    if first_difference(groups, tunables, ops):
        pytest.fail(report(seed, groups, tunables, ops), pytrace=False)
    return len(ops)


def sequence(rng, groups, nr_ops, tunables):
    """The lines up to the first operation that the model leaves undefined (a slice divided by 0)."""
    try:
        yield from random_ops(rng, groups=groups, nr_ops=nr_ops, tunables=tunables)
    except ZeroDivisionError:
        return


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("seed", range(6))
def test_random_operations_leave_equal_states(seed, groups):
    assert compare(seed, groups, nr_ops=400) > 0


@pytest.mark.stress
@pytest.mark.parametrize("groups", GROUPS)
def test_random_operations_leave_equal_states_for_long(stress_seed, stress_seconds, groups):
    began, seed = time.monotonic(), stress_seed
    while time.monotonic() - began < stress_seconds:
        compare(seed, groups, nr_ops=2000)
        seed += 1


# ---- What is undefined is refused, and nothing else ---------------------------------------------

# Shares that add up to multiples of 2**32, where the kernel divides by 0.
ODD_SHARES = [1024, 2048, 2**31, 2**32, 2**32 - 1024, 2**32 - 2048, 2**31 - 1024]


def operation_with_odd_shares(rng, twin, nr_made):
    """Something that may or may not be undefined."""
    groups, tasks = list(twin.groups), list(twin.tasks)
    kind = rng.choice(
        ["tick", "fork", "wake", "block", "nice", "policy", "move", "shares", "exit", "yield", "group"]
    )
    arguments = {
        "fork": lambda: {"task": nr_made, "group": rng.choice(groups), "nice": 0, "policy": "normal"},
        "group": lambda: {"group": f"g{nr_made}", "shares": rng.choice(ODD_SHARES)},
        "shares": lambda: {"group": rng.choice(groups), "shares": rng.choice(ODD_SHARES)},
    }
    if tasks:
        arguments |= {
            "wake": lambda: {"task": rng.choice(tasks)},
            "nice": lambda: {"task": rng.choice(tasks), "nice": rng.randint(-20, 19)},
            "policy": lambda: {"task": rng.choice(tasks), "policy": rng.choice(["normal", "batch"])},
            "move": lambda: {"task": rng.choice(tasks), "group": rng.choice(groups)},
        }
    elif kind in ("wake", "nice", "policy", "move"):
        kind = "tick"
    step_ns = rng.choice([0, MS, 4 * MS, 30 * MS])
    return {"t": twin.now + step_ns, "op": kind} | arguments.get(kind, dict)()


def is_undefined(ops, tunables):
    """Does the last of these operations divide by 0 in a fresh twin, as it would in the kernel?"""
    twin = fair.Machine("cgroup", tunables)
    for op in ops[:-1]:
        twin.apply(op)
    try:
        twin.apply(ops[-1])
    except ZeroDivisionError:
        return True
    return False


@pytest.mark.parametrize("features", [7, 7 + 16, 16, 5 + 16], ids=lambda bits: f"features-{bits}")
@pytest.mark.parametrize("seed", range(4))
def test_the_core_refuses_exactly_what_divides_by_zero(seed, features):
    rng, tunables, done = random.Random(seed), fair.Tunables(sched_features=features), []
    twins = Twins("cgroup", tunables)
    for number in range(1, 120):
        op = operation_with_odd_shares(rng, twins.twin, number)
        if not twins.is_possible(op) or (op["op"] == "group" and len(twins.twin.groups) > 4):
            continue
        if is_undefined([*done, op], tunables):
            before = twins.core_state()
            with pytest.raises(StateError, match="a slice would be divided by 0"):
                twins.apply_to_core(op)
            assert twins.core_state() == before
            continue
        done.append(op)
        twins.apply(op)
        if not twins.is_sane():
            return
        assert twins.differences() == {}, op


# ---- The judge must be able to say no ------------------------------------------------------------


def with_a_fault(monkeypatch):
    """A twin that grants woken tasks one ns more."""
    place = fair.Queue.place_entity

    def wrong(queue, entity, *, new):
        place(queue, entity, new=new)
        if not new and entity.my_q is None:
            entity.vruntime = fair.u64(entity.vruntime - 1)

    monkeypatch.setattr(fair.Queue, "place_entity", wrong)


def test_a_difference_of_one_ns_is_found_and_shortened(monkeypatch):
    with_a_fault(monkeypatch)
    rng = random.Random(3)
    ops = [{k: v for k, v in line.items() if k != "s"} for line in random_ops(rng, groups="none", nr_ops=300)]
    short = shortened("none", None, ops)
    assert [op["op"] for op in short] == ["fork", "block", "wake"]
    assert "vruntime" in report(3, "none", None, short)
