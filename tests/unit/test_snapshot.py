"""Copies, snapshots and pickles. Way to be right: the original, event by event, after the copy was made."""

import copy
import pickle
import random

import pytest

import cfs
from tests.builders import MS, hogs, random_events, send, state_of
from tests.quick import few

MODELS = list(cfs.MODELS)
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "bytes": lambda sched: cfs.Scheduler.from_bytes(sched.to_bytes()),
    "pickle": lambda sched: pickle.loads(pickle.dumps(sched)),
}


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture(params=[None, "uid", "cgroup"], ids=["flat", "uid", "cgroup"])
def group_by(request, model):
    if request.param not in cfs.MODELS[model].group_by:
        pytest.skip(f"{model} cannot group by {request.param}")
    return request.param


def lived(model, group_by=None, seed=1, nr_events=200, **options):
    sched = cfs.Scheduler(model, group_by=group_by, **options)
    for _ in random_events(sched, seed, nr_events, group_by=group_by):
        pass
    return sched


@pytest.mark.parametrize("way", few(WAYS))
@pytest.mark.parametrize("seed", few(range(4), 1))
def test_a_copy_continues_identically(model, group_by, seed, way):
    sched = lived(model, group_by, seed)
    twin = WAYS[way](sched)
    assert state_of(twin) == state_of(sched)
    now = sched.now_ns
    for number in range(150):
        now += random.Random(number).randrange(3 * MS)
        event = random.Random(~number).choice(
            ["fork", "block", "wake", "exit", "nice", "policy", "yield", "tick"]
        )
        for one in (sched, twin):
            send(one, random.Random(1000 * seed + number), event, now, group_by)
        assert state_of(twin) == state_of(sched)
    twin.check()


def test_a_copy_is_independent(model, group_by):
    sched = lived(model, group_by)
    before = state_of(sched)
    twin = copy.copy(sched)
    for number in range(100):
        send(twin, random.Random(number), "tick" if number % 2 else "block", twin.now_ns + MS, group_by)
    assert state_of(sched) == before
    del sched
    twin.check()


def test_i1_of_snapshot_an_image_of_an_image_is_the_same(model, group_by):
    """I1 of cfs/_snapshot.pyx."""
    written = lived(model, group_by).to_bytes()
    assert cfs.Scheduler.from_bytes(written).to_bytes() == written


def test_i2_of_snapshot_nothing_points_back(model, group_by):
    """I2 of cfs/_snapshot.pyx: the copy lives on when the original has been freed and its memory used again.
    """
    twin = copy.copy(lived(model, group_by))
    others = [lived(model, group_by, seed) for seed in range(3)]
    for number in range(100):
        send(twin, random.Random(number), "tick", twin.now_ns + MS, group_by)
    twin.check()
    assert len(others) == 3


def test_several_cpus_are_copied(model):
    sched = cfs.Scheduler(model, cpus=3, hz=1000)
    for cpu in range(3):
        hogs(sched, 3, cpu=cpu, now_ns=cpu)
    sched.advance(now_ns=50 * MS + 1)
    twin = copy.copy(sched)
    for one in (sched, twin):
        one.migrate(one.queue(cpu=0)[0], 2)
        one.advance(now_ns=200 * MS)
    assert state_of(twin) == state_of(sched)


def test_a_thousand_tasks_keep_the_shape_of_the_tree(model):
    """Ties are broken by the shape: a tree that was built anew would answer otherwise."""
    sched = cfs.Scheduler(model, hz=1000)
    rng = random.Random(3)
    for number in range(1000):
        sched.fork(now_ns=number, nice=rng.choice([0, 0, 0, 5, -5]))
    for _ in range(300):
        sched.block(now_ns=sched.now_ns + 10)
    twin = copy.copy(sched)
    for one in (sched, twin):
        one.advance(now_ns=2000 * MS)
    assert state_of(twin) == state_of(sched)


def test_names_ids_and_slots_go_along():
    sched = cfs.Scheduler(group_by="cgroup")
    group = sched.create_group("a\ud800 'b'", shares=77)
    sched.fork(name="söme/0 \u2603", now_ns=0, group=group)
    sched.fork(now_ns=0)
    sched.exit(now_ns=1)
    twin = copy.copy(sched)
    assert [(task.id, task.name) for task in twin.tasks] == [(task.id, task.name) for task in sched.tasks]
    assert twin.groups["a\ud800 'b'"].shares == 77
    assert twin.fork(now_ns=2).id == 3


def test_a_task_is_found_by_its_id():
    sched = cfs.Scheduler()
    one, two = hogs(sched, 2)
    assert sched.task(1) is one
    twin = copy.copy(sched)
    assert twin.task(2).id == two.id and twin.task(2) is not two
    with pytest.raises(cfs.StateError, match="belongs to another scheduler"):
        twin.wake(one, now_ns=0)
    sched.exit(now_ns=1)
    gone = 1 if one.state == "dead" else 2
    with pytest.raises(cfs.StateError, match=f"task {gone} has exited"):
        sched.task(gone)
    with pytest.raises(cfs.StateError, match="there was no task 7"):
        sched.task(7)


def test_tunables_and_hz_go_along():
    sched = cfs.Scheduler(hz=250, START_DEBIT=False, sched_latency_ns=30 * MS)
    sched.set_tunables(sched_nr_latency=9)
    twin = copy.copy(sched)
    assert (twin.tunables, twin.hz) == (sched.tunables, 250)


class Named(cfs.Scheduler):
    """A subclass with an attribute."""


@pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle"])
def test_a_subclass_stays_one(way):
    sched = Named()
    sched.label = ["x"]
    twin = WAYS[way](sched)
    assert type(twin) is Named and twin.label == ["x"]
    assert (twin.label is sched.label) == (way == "copy")


def test_a_model_that_is_not_registered_goes_along():
    from dataclasses import replace

    mine = replace(cfs.MODELS["rfs-model"], id="mine")
    sched = cfs.Scheduler(mine)
    sched.fork(now_ns=0)
    assert state_of(copy.copy(sched)) == state_of(sched)
    assert state_of(cfs.Scheduler.from_bytes(sched.to_bytes(), model=mine)) == state_of(sched)
    with pytest.raises(cfs.ModelError, match="there is no model 'mine'"):
        cfs.Scheduler.from_bytes(sched.to_bytes())


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: b"", "no snapshot"),
        (lambda data: b"\x80\x04." + data, "no snapshot"),
        (lambda data: data[:20], "cut"),
        (lambda data: data[:-1], "says that it has"),
        (lambda data: data + b"\0", "says that it has"),
        (lambda data: data[:8] + b"\x63" + data[9:], "format version 99"),
        (lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], "damaged"),
    ],
    ids=["empty", "foreign", "stump", "cut", "longer", "version", "bit"],
)
def test_what_is_wrong_is_said(damage, says):
    with pytest.raises(cfs.SnapshotError, match=says):
        cfs.Scheduler.from_bytes(damage(lived("linux-2.6.24-cfs").to_bytes()))


def test_what_was_never_initialised_cannot_be_written():
    with pytest.raises(cfs.StateError, match="never initialised"):
        cfs.Scheduler.__new__(cfs.Scheduler).to_bytes()
