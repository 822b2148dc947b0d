"""Snapshots under hypothesis. Laws: any bytes give a Scheduler or a SnapshotError; I3 of cfs/_snapshot.pyx.

Bytes that are sealed anew, so that the checksum fits, must be caught by the checks of lengths, numbers, pointers and
invariants. Forged pointers are tried in a process of their own: what they could do is to crash it, or never to end.
"""

import os
import random
import struct
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfs
from cfs._snapshot import seal, unseal

pytestmark = pytest.mark.slow  # hundreds of examples, and processes of their own

MODELS = list(cfs.MODELS)


def a_snapshot(model):
    sched = cfs.Scheduler(
        model, hz=1000, group_by="cgroup" if "cgroup" in cfs.MODELS[model].group_by else None
    )
    sched.create_group("a") if sched.group_by else None
    for number in range(6):
        sched.fork(now_ns=number * 1000, name=f"t{number}")
    sched.exit(now_ns=30_000_000)
    return sched.to_bytes()


SNAPSHOTS = {model: a_snapshot(model) for model in MODELS}


@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused(data):
    with pytest.raises(cfs.SnapshotError):
        cfs.Scheduler.from_bytes(data)


@given(model=st.sampled_from(MODELS), at=st.integers(0, 2**20), bits=st.integers(1, 255))
def test_a_changed_byte_is_found(model, at, bits):
    data = bytearray(SNAPSHOTS[model])
    data[at % len(data)] ^= bits
    with pytest.raises(cfs.SnapshotError):
        cfs.Scheduler.from_bytes(data)


@given(model=st.sampled_from(MODELS), end=st.integers(0, 2**20), more=st.binary(max_size=20))
def test_a_cut_or_longer_one_is_found(model, end, more):
    data = SNAPSHOTS[model]
    data = data[: end % len(data)] + more
    with pytest.raises(cfs.SnapshotError):
        cfs.Scheduler.from_bytes(data)


@settings(max_examples=400)
@given(model=st.sampled_from(MODELS), at=st.integers(0, 2**20), value=st.binary(min_size=1, max_size=16))
def test_an_image_that_is_sealed_anew_is_read_or_refused(model, at, value):
    head, image = unseal(SNAPSHOTS[model])
    image = bytearray(image)
    at %= len(image)
    image[at : at + len(value)] = value[: len(image) - at]
    try:
        cfs.Scheduler.from_bytes(seal(head, bytes(image)))
    except cfs.SnapshotError:
        pass


@given(
    model=st.sampled_from(MODELS),
    key=st.sampled_from(["model", "now", "ticks", "names", "groups", "more"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=8,
    ),
)
def test_a_head_that_makes_no_sense_is_refused(model, key, value):
    head, image = unseal(SNAPSHOTS[model])
    if head.get(key) == value:
        return
    head[key] = value
    try:
        cfs.Scheduler.from_bytes(seal(head, bytes(image))).check()
    except (cfs.SnapshotError, cfs.ModelError):
        pass


# ---- Forged pointers -----------------------------------------------------------------------------


def a_forest(model):
    """Forty tasks on two CPUs, some asleep, in two groups if the model has them."""
    sched = cfs.Scheduler(model, cpus=2, hz=1000, group_by="cgroup" if "cgroup" in cfs.MODELS[model].group_by else None)
    names = ["/", "a", "b"] if sched.group_by else []
    for name in names[1:]:
        sched.create_group(name)
    for number in range(40):
        where = {"group": names[number % 3]} if names else {}
        sched.fork(now_ns=number * 1000, cpu=number % 2, **where)
        if number % 7 == 3:
            sched.block(now_ns=number * 1000 + 500, cpu=number % 2)
    sched.advance(now_ns=200_000_000)
    return sched


def is_place(word):
    """Does it look like a pointer? kind (3 bits) | number (40) | offset (20) | tag (1)"""
    return 1 <= word >> 61 <= 6 and word >> 21 & (2**40 - 1) < 100 and word >> 1 & 7 == 0


def is_inside_of_a_task(word):
    """Of what points into a task only a pointer to its entity does not point to its first byte."""
    return word >> 61 == 3 and word >> 21 & (2**40 - 1) < 100 and 0 < word >> 1 & (2**20 - 1) < 1000


@pytest.mark.parametrize("model", [model for model in MODELS if model != "linux-2.6.22-o1"])
def test_a_pointer_to_an_entity_leads_to_its_first_byte(model):
    """One that leads into the middle makes whoever follows it read behind the struct. (O(1) has lists, and no entity.)"""
    head, image = unseal(a_forest(model).to_bytes())
    words = list(struct.unpack(f"<{len(image) // 8}Q", image[: len(image) // 8 * 8]))
    places = [at for at, word in enumerate(words) if is_inside_of_a_task(word)]
    assert len(places) > 10
    for at in places:
        forged = words[:at] + [words[at] + (8 << 1)] + words[at + 1 :]
        with pytest.raises(cfs.SnapshotError, match="entity leads to something else"):
            cfs.Scheduler.from_bytes(seal(head, struct.pack(f"<{len(words)}Q", *forged) + image[8 * len(words) :]))


def queues_of(sched):
    groups = [None, *sched.groups]
    return [sorted(entity.name for entity in sched.queue(group, cpu)) for group in groups for cpu in range(2)]


def forge(model, nr):
    """One pointer, or two or three, take the value of another one; prints how many of `nr` were refused."""
    sched = a_forest(model)
    head, image = unseal(sched.to_bytes())
    words = struct.unpack(f"<{len(image) // 8}Q", image[: len(image) // 8 * 8])
    places = [at for at, word in enumerate(words) if is_place(word)]
    rng, refused = random.Random(model), 0
    for _ in range(nr):
        forged = list(words)
        for at in rng.sample(places, rng.randint(1, 3)):
            forged[at] = words[rng.choice(places)] & ~1 | words[at] & 1
        rest = image[8 * len(words) :]
        try:
            found = cfs.Scheduler.from_bytes(seal(head, struct.pack(f"<{len(words)}Q", *forged) + rest))
        except cfs.SnapshotError:
            refused += 1
        else:
            found.check()
            assert queues_of(found) == queues_of(sched)
    print(len(places), refused)


@pytest.mark.parametrize("model", MODELS)
def test_forged_pointers_are_refused_or_were_of_no_use(model):
    """A ring hangs, and a pointer to something else crashes, whoever follows it without looking."""
    code = f"from tests.properties.test_random_snapshots import forge; forge({model!r}, 300)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    places, refused = map(int, run.stdout.split())
    assert places > 80 and refused > 100
