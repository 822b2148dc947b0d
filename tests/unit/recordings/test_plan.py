"""Records read by the format of their file. Way to be right: records packed by `struct`, through a trace's pages."""

import struct

import pytest

from cfs.recordings._plan import Plans
from cfs.recordings._trace_dat import Rings
from cfs.recordings.tracepoints import Field, Format, states_of_kernel
from tests.unit.recordings import readings

COMMON = {
    "common_type": Field(0, 2, False, "integer"),
    "common_flags": Field(2, 1, False, "integer"),
    "common_pid": Field(4, 4, True, "integer"),
}


def decoded(record, fields, name="sched_stat_runtime", byteorder="little"):
    """The fact that a record is read as; None if it is left out."""
    plans = Plans(byteorder, states_of_kernel(""))
    if not plans.add(Format("sched", name, 1, COMMON | fields, "")):
        return None
    order = "<" if byteorder == "little" else ">"
    head = len(record) // 4 + 1 << (0 if byteorder == "little" else 27)
    record = record.ljust(len(record) // 4 * 4 + 4, b"\xaa")
    page = struct.pack(f"{order}QQI", 10, len(record) + 4, head) + record
    sink = readings.Facts()
    rings = Rings(plans, sink, byteorder, 8, 16)
    rings.add_cpu(0, 0, 512, lambda: iter([page.ljust(512, b"\xbb")]))
    rings.read([{name}], lambda nr: None)
    return sink.facts[0] if sink.facts else None


RUNTIME = {
    "comm": Field(8, 4, False, "data_loc"),
    "pid": Field(12, 4, True, "integer"),
    "runtime": Field(16, 8, False, "integer"),
}


def runtime(order, text_at, length, pid=5, ns=1 << 40, flags=0, text=b"cat\0"):
    return struct.pack(f"{order}HBxiIiQ", 1, flags, 7, length << 16 | text_at, pid, ns) + text


@pytest.mark.parametrize(("order", "byteorder"), [("<", "little"), (">", "big")])
def test_texts_elsewhere_and_numbers_of_both_byte_orders(order, byteorder):
    fact = decoded(runtime(order, 24, 4), RUNTIME, byteorder=byteorder)
    assert (fact["tid"], fact["pid"], fact["name"], fact["value"]) == (7, 5, "cat", 1 << 40)


def test_a_text_may_be_placed_from_the_end_of_its_field():
    fields = RUNTIME | {"comm": Field(8, 4, False, "rel_loc")}
    assert decoded(runtime("<", 12, 4), fields)["name"] == "cat"


@pytest.mark.parametrize(("at", "length"), [(29, 4), (24, 9), (0xFFFF, 1), (0, 0xFFFF), (28, 5)])
def test_i1_a_text_outside_of_its_record_is_not_read(at, length):
    assert decoded(runtime("<", at, length), RUNTIME) is None


def test_i1_a_record_shorter_than_its_fields_is_not_read():
    assert decoded(runtime("<", 24, 4)[:19], RUNTIME) is None


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("signed", [False, True])
def test_integers_of_all_sizes(size, signed):
    fields = {"comm": Field(8, 4, False, "text"), "pid": Field(12, 4, True, "integer"),
              "runtime": Field(16, size, signed, "integer")}  # fmt: skip
    record = struct.pack("<HBxi4si", 1, 0, 7, b"abcd", 5) + b"\xfe" + b"\xff" * (size - 1)
    want = -2 if signed or size == 8 else (1 << 8 * size) - 2
    fact = decoded(record, fields)
    assert (fact["value"], fact["name"]) == (want, "abcd")


@pytest.mark.parametrize(
    ("flags", "irq"), [(0, 1), (1, 1), (4, 1), (8, 2), (0x10, 3), (0x18, 2), (0x40, 2), (0x21, 1)]
)
def test_flags_say_in_whose_context_it_was(flags, irq):
    assert decoded(runtime("<", 24, 4, flags=flags), RUNTIME)["irq"] == irq


def test_a_name_that_is_no_utf_8_is_kept():
    assert decoded(runtime("<", 24, 4, text=b"a\xc3\0\0"), RUNTIME)["name"] == "a\udcc3"


@pytest.mark.parametrize(
    "fields",
    [
        {"comm": RUNTIME["comm"], "pid": RUNTIME["pid"]},  # no runtime
        RUNTIME | {"pid": Field(12, 3, True, "integer")},
        RUNTIME | {"pid": Field(12, 4, True, "text")},
        RUNTIME | {"comm": Field(8, 4, False, "integer")},
        RUNTIME | {"comm": Field(8, 2, False, "data_loc")},
        RUNTIME | {"runtime": Field(65_530, 8, False, "integer")},
    ],
)
def test_an_event_without_the_fields_that_it_needs_is_passed_over(fields):
    assert decoded(runtime("<", 24, 4), fields) is None


def test_what_a_newer_kernel_put_in_front_moves_the_fields():
    """As RT kernels do: nothing is known of a place but what the file says."""
    moved = {name: Field(f.at + 8, f.size, f.signed, f.how) for name, f in RUNTIME.items()}
    record = runtime("<", 32, 4)
    assert decoded(record[:8] + bytes(8) + record[8:], moved)["name"] == "cat"
