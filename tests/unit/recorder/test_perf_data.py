"""What of a perf.data is kept. Way to be right: the reader, before and after, on files that perf wrote."""

import io
import re
import struct

import numpy as np
import pytest

from cfs import RecordingError
from cfs.recorder.alias import Alias
from cfs.recorder.perf_data import strip
from tests.quick import few
from tests.unit.recordings import readings

KEPT = ["perf-default", "perf-monotonic", "perf-callchain", "perf-lost", "perf-all-sched"]
SCHED = {
    "sched_switch", "sched_waking", "sched_wakeup", "sched_wakeup_new", "sched_process_fork", "sched_process_exit",
    "sched_stat_runtime", "sched_migrate_task",
}  # fmt: skip


def stripped(content, alias=None):
    out = io.BytesIO()
    strip(memoryview(content), out, alias)
    return out.getvalue()


def facts_of(content):
    """All facts of the events that a replay uses, with the name of the event in place of its number."""
    facts, about = readings.read_perf("", content)
    rows = [fact | {"event": about.event_names[fact["event"]] if "event" in fact else None} for fact in facts]
    return [row for row in rows if row["event"] is None or row["event"] in SCHED or row["kind"] == "lost"]


def names_in(facts):
    return {value for fact in facts for value in fact.values() if isinstance(value, str)} - SCHED


@pytest.mark.parametrize("name", KEPT)
def test_k1_no_event_of_the_scheduler_is_lost_or_changed(name):
    content = readings.data_of(f"{name}.data")
    want = facts_of(content)
    assert len(want) > 100 and facts_of(stripped(content)) == want


@pytest.mark.parametrize("name", KEPT)
def test_with_an_alias_only_names_differ(name):
    """And each of them in one way: an alias is a bijection."""
    content, alias = readings.data_of(f"{name}.data"), Alias()
    want, found = facts_of(content), facts_of(stripped(content, alias))
    assert len(want) == len(found)
    back = {other: name for name, other in alias.names.items()}
    assert len(back) == len(alias.names) > 3
    for one, other in zip(want, found):
        known = {
            key: back.get(value, value) if isinstance(value, str) and key != "event" else value
            for key, value in other.items()
        }
        assert known == one


def private_texts(content):
    """Texts with a path of a file, or a symbol of the kernel's table; those of the formats are left out."""
    described = re.compile(rb"field:|print fmt|^name: |^ID: |^format|REC->|^\t")
    texts = [text for text in set(re.findall(rb"[ -~]{5,}", content)) if not described.search(text)]
    return [text for text in texts if re.search(rb"^/\w|\.so\b|\.ko\b|^[0-9a-f]{16} [tTdDrRbB] ", text)]


@pytest.mark.parametrize("name", KEPT)
def test_nothing_but_names_and_numbers_goes_in(name):
    """No path, no argument of the command, no symbol of the kernel; the release and the CPUs stay."""
    content = readings.data_of(f"{name}.data")
    assert private_texts(content) != [] and private_texts(stripped(content)) == []
    _, before = readings.read_perf("", content)
    _, after = readings.read_perf("", stripped(content))
    assert before.command != "" == after.command
    assert (after.kernel, after.nr_cpus) == (before.kernel, before.nr_cpus)


@pytest.mark.parametrize("name", few(KEPT))
def test_with_an_alias_no_name_is_left(name):
    content, alias = readings.data_of(f"{name}.data"), Alias()
    left = stripped(content, alias)
    names = [known.encode("utf-8", "surrogateescape") for known in alias.names if len(known) > 3]
    assert names and not [
        known for known in names if re.search(rb"(?<![\w/])" + re.escape(known) + rb"\0", left)
    ]


def test_events_with_other_texts_are_left_out():
    """K2 of cfs/recorder/perf_data.py: sched_process_exec has the path of a file."""
    _, before = readings.read_perf("perf-all-sched.data")
    facts, about = readings.read_perf("perf-all-sched.data")
    there = {about.event_names[fact["event"]] for fact in facts if "event" in fact}
    assert "sched_process_exec" in there
    facts, about = readings.read_perf("", stripped(readings.data_of("perf-all-sched.data")))
    there = {about.event_names[fact["event"]] for fact in facts if "event" in fact}
    assert "sched_process_exec" not in there and "sched_switch" in there


@pytest.mark.parametrize("name", ["perf-zstd", "perf-pipe", "perf-bigendian-switch", "perf-killed"])
def test_k3_what_is_not_understood_is_refused(name):
    with pytest.raises(RecordingError):
        stripped(readings.data_of(f"{name}.data"))


@pytest.mark.parametrize("cut", [0, 8, 50, 103, 104, 1000, 20_000, 100_000])
def test_k3_what_is_cut_is_refused(cut):
    with pytest.raises(RecordingError):
        stripped(readings.data_of("perf-default.data")[:cut])


FEATURES = range(72, 104)
"""The bits that say which sections follow. With others a path stands where the kernel's release is expected."""


@pytest.mark.slow
def test_k3_damage_is_refused_or_does_no_harm():
    """Any byte of the header and of the first records may be anything: what is written has no private text of it."""
    content, nr_written = readings.data_of("perf-default.data"), 0
    secrets = re.compile(b"|".join(map(re.escape, private_texts(content))))
    assert secrets.search(content)
    for at in [*range(104), *range(104, 20_000, 97)]:
        broken, written = bytearray(content), io.BytesIO()
        broken[at] ^= 0xFF
        try:
            strip(memoryview(broken), written, Alias())
        except RecordingError:
            continue
        nr_written += 1
        assert at in FEATURES or not secrets.search(written.getvalue()), at
    assert nr_written > 100


def addresses_in(content):
    """Numbers that are addresses of a kernel of 64 bits, wherever they are in the samples."""
    begin, length = struct.unpack_from("<2Q", content, 40)
    words = np.frombuffer(content[begin : begin + length], "<u8")
    return int((words >> np.uint64(40) >= 0xFFFF00).sum() - (words == 2**64 - 1).sum())


@pytest.mark.parametrize("name", ["perf-default", "perf-callchain"])
def test_no_address_of_the_kernel_is_left(name):
    """Neither where it was nor the stack: what is random at boot stays secret."""
    content = readings.data_of(f"{name}.data")
    assert addresses_in(content) > 100 and addresses_in(stripped(content)) < 3


def test_samples_with_registers_or_memory_are_refused():
    """--call-graph dwarf records the stack of users' programs, with whatever is in it."""
    content = bytearray(readings.data_of("perf-default.data"))
    at, size = struct.unpack_from("<2Q", content, 24)
    attr_size = struct.unpack_from("<Q", content, 16)[0]
    for attr in range(at, at + size, attr_size):
        content[attr + 25] |= 0x20  # STACK_USER
    with pytest.raises(RecordingError, match="may hold memory or registers"):
        stripped(bytes(content))
