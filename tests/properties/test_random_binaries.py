"""Whatever becomes of the bytes of a binary recording: reading it ends, with `RecordingError` or something sound."""

import io
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfs import RecordingError
from cfs.recordings import Recording
from tests.properties.test_random_recordings import sound
from tests.unit.recordings import readings

pytestmark = pytest.mark.slow

NAMES = [
    "perf-default.data", "perf-zstd.data", "perf-pipe.data", "perf-callchain.data", "perf-bigendian-switch.data",
    "perf-lost.data", "tc-v6.dat", "tc-v7-zstd.dat", "tc-v7-instances.dat", "tc-32bit.dat", "pf-compact.pftrace",
    "pf-full.pftrace", "pf-lost.pftrace",
]  # fmt: skip
EDGES = [0, 1, 2, 3, 4, 7, 8, 29, 30, 31, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, 1 << 63,
         (1 << 64) - 1]  # fmt: skip


def survive(content, look=lambda recording: recording.runs()):
    try:
        recording = Recording.open(io.BytesIO(content))
    except RecordingError as error:
        assert str(error) and "\n" not in str(error)
        return
    look(recording)


def spoilt(content, changes):
    """Numbers of some bytes written over others; a place is a part of the length."""
    out = bytearray(content)
    for place, size, value in changes:
        at = int(place * (len(out) - 8))
        out[at : at + size] = struct.pack("<Q", value & (1 << 64) - 1)[:size]
    return bytes(out)


# the beginning, where the tables of contents are, is spoilt as often as all the rest
places = st.one_of(st.floats(0, 1), st.floats(0, 0.01))
changes = st.lists(st.tuples(places, st.sampled_from([1, 2, 4, 8]), st.sampled_from(EDGES)), max_size=6)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=40)
@given(changes=changes, cut=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_spoilt_and_cut(name, changes, cut):
    content = readings.data_of(name)
    survive(spoilt(content[: int(cut * len(content))], changes))


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits(name):
    """The data, where every record is: one bit in about 500 bytes."""
    content = readings.data_of(name)
    draw = random.Random(name)
    for _ in range(20):
        out = bytearray(content)
        for _ in range(len(out) // 500):
            out[draw.randrange(len(out) // 8, len(out))] ^= 1 << draw.randrange(8)
        survive(bytes(out))


@pytest.mark.parametrize("name", ["perf-default.data", "tc-v7-zstd.dat", "pf-compact.pftrace"])
def test_every_answer_can_be_had_of_a_spoilt_one(name):
    content = readings.data_of(name)
    draw = random.Random(1)
    for _ in range(5):
        changes = [(draw.random(), 1, draw.randrange(256)) for _ in range(20)]
        survive(spoilt(content, changes), sound)


@pytest.mark.parametrize(
    "head", [b"PERFILE2", b"2ELIFREP", b"\x17\x08\x44tracing6\0", b"\x17\x08\x44tracing7\0", b"\x0a"]
)
@settings(deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_behind_a_magic(head, content):
    survive(head + content)
    survive(head + struct.pack("<Q", 16) + content)
    survive(head + struct.pack("<Q", 104) + content)
