"""Snapshots under hypothesis. Laws: any bytes give a Scheduler or a SnapshotError; I3 of cfs/_snapshot.pyx.

Bytes that are sealed anew, so that the checksum fits, must be caught by the checks of lengths and numbers.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfs
from cfs._snapshot import seal, unseal
from tests.builders import random_events

MODELS = list(cfs.MODELS)


def a_snapshot(model):
    sched = cfs.Scheduler(model, hz=1000, group_by="cgroup" if "cgroup" in cfs.MODELS[model].group_by else None)
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
