"""Every model, 1 to 4 CPUs, random operations with migrations. Way to be right: laws (`random_machines`).

make stress SECONDS=60                      or, by hand,
pytest -m stress --seed 7 --seconds 600 tests/properties/test_stress.py
"""

import time

import pytest

import cfs
from tests.properties.random_machines import (
    MOODS,
    MS,
    Machine,
    Pair,
    Setting,
    TickedByHand,
    first_break,
    run,
)
from tests.quick import few

WAYS = [(model.id, group_by) for model in cfs.MODELS.values() for group_by in model.group_by]


def all_kinds(model, group_by):
    """The operations that a way must come to, so that a law about them was asked."""
    model = cfs.MODELS[model]
    kinds = {"advance"} | {kind for odds in MOODS.values() for kind in odds}
    kinds -= set() if group_by else {"move", "shares", "group", "remove", "gidle"}
    kinds -= set() if "slice" in model.options else {"slice"}
    kinds -= set() if "group idle" in model.options else {"gidle"}
    return kinds - (set() if model.id != "linux-2.6.22-o1" else {"tunable"})  # its one is compiled in


@pytest.mark.parametrize(("model", "group_by"), few(WAYS, 1))
def test_the_laws_hold_and_every_operation_is_touched(model, group_by):
    seen = set()
    for seed in range(8):
        kinds, broken = run(seed, model, group_by, nr_ops=400)
        assert broken is None, broken
        seen |= kinds
    assert seen == all_kinds(model, group_by)


@pytest.mark.stress
@pytest.mark.parametrize(("model", "group_by"), WAYS)
def test_the_laws_hold_for_as_long_as_one_likes(model, group_by, stress_seed, stress_seconds):
    end, seed = time.monotonic() + stress_seconds, stress_seed
    while time.monotonic() < end:
        _, broken = run(seed, model, group_by, nr_ops=2000)
        if broken:
            pytest.fail(broken, pytrace=False)
        seed += 1


# ---- The judge must be able to say no ------------------------------------------------------------


class Deaf(Machine):
    """It does not hear of one operation."""

    def op_nice(self, **arguments):
        pass


def test_two_machines_that_differ_are_found_and_the_sequence_is_shortened(monkeypatch):
    make = Pair.__init__

    def make_with_a_deaf_one(pair, setting):
        make(pair, setting)
        pair.other = Deaf(setting)

    monkeypatch.setattr(Pair, "__init__", make_with_a_deaf_one)
    _, broken = run(1, "rfs-model", None, nr_ops=2000)
    first, *ops, law = broken.splitlines()
    assert first.startswith("seed 1: ")
    assert [op[: op.index(",")] for op in ops] == ["{'op': 'fork'", "{'op': 'nice'"]
    assert law.startswith("L7: ")


def test_a_misuse_that_is_accepted_is_found(monkeypatch):
    monkeypatch.setattr(Machine, "op_misuse", lambda *machine, **arguments: None)
    _, broken = run(1, "linux-2.6.24-cfs", "uid", nr_ops=400)
    assert broken.splitlines()[-1].startswith("L6: accepted: ")


def a_fork_and_a_step():
    fork = {"op": "fork", "task": 1, "group": "/", "nice": 0, "cpu": 1, "policy": "normal"}
    return [{**fork, "dt": 0}, {"op": "advance", "dt": 3 * MS}]


def test_a_tick_that_one_machine_does_not_do_is_found(monkeypatch):
    setting = Setting("linux-2.6.24-cfs", None, 2, hz=1000, other_by_hand=True)
    assert first_break(setting, a_fork_and_a_step()) is None
    monkeypatch.setattr(TickedByHand, "until", lambda machine, now_ns: machine.sched.advance(now_ns=now_ns))
    number, law = first_break(setting, a_fork_and_a_step())
    assert (number, law[:3]) == (2, "L8:")
