"""trace.dat against what trace-cmd prints of it, and against damage. Way to be right: another program."""

import re
import struct
import sys

import pytest

from cfs import MissingExtraError, RecordingError
from cfs.recordings import trace_dat
from cfs.recordings._plan import Plans
from cfs.recordings._trace_dat import Rings
from cfs.recordings.about import About
from cfs.recordings.binary import Bytes
from cfs.recordings.tracepoints import Field, Format, states_of_format, states_of_kernel
from tests.unit.recordings import readings

READ_BY_TRACE_CMD = ["tc-v6", "tc-v7-zstd", "tc-v7-instances", "tc-old-arm64-b", "tc-32bit"]


def print_format(content):
    """That of sched_switch: it stands as text in the files that are not packed."""
    found = re.search(rb'print fmt: ("prev_comm=[^\n]*)', content)
    return states_of_format(found[1].decode()) if found else states_of_kernel("6.18")


def refused(content):
    with pytest.raises(RecordingError) as caught:
        readings.read(trace_dat, content)
    return str(caught.value)


@pytest.mark.parametrize("name", READ_BY_TRACE_CMD)
def test_every_event_is_read_as_trace_cmd_reads_it(name):
    """All events of the scheduler with all their fields, in its order: I1 of cfs/recordings/_trace_dat.pyx."""
    content = readings.data_of(f"{name}.dat")
    facts, about = readings.read(trace_dat, content)
    rows = readings.of_report(readings.FORMATS / f"{name}.report-kernel.txt.gz")
    want = [row[1:] for row in rows]
    assert len(want) > 700 and readings.of_facts(facts, about.event_names, print_format(content)) == want
    assert about.warnings == [] and about.nr_lost == 0


def test_the_file_says_its_clock_and_kernel():
    assert readings.read(trace_dat, readings.data_of("tc-v6.dat"))[1].clock == "local"
    about = readings.read(trace_dat, readings.data_of("tc-v7-zstd.dat"))[1]
    assert (about.clock, about.kernel) == ("mono", "6.18.44-generic")


def test_a_clock_that_is_no_time_is_refused():
    text = refused(readings.data_of("tc-v6-tsc.dat"))
    assert "x86-tsc" in text and "-C mono" in text
    content = bytearray(readings.data_of("tc-v6.dat"))
    at = content.rindex(b"[local]")
    content[at - 8 : at + 9] = struct.pack("<Q", 9) + b"[counter]"
    assert "numbers events" in refused(bytes(content))


def with_frequency(mult, shift):
    """tc-v6-tsc with the option TSC2NSEC, which the tool of that time did not write, in place of UNAME."""
    content = bytearray(readings.data_of("tc-v6-tsc.dat"))
    at = content.index(b"Linux vm 6.18.44-generic") - 6
    number, length = struct.unpack_from("<HI", content, at)
    assert number == trace_dat.OPTION_UNAME
    struct.pack_into("<HIIIQ", content, at, trace_dat.OPTION_TSC, length, mult, shift, 123)
    return bytes(content)


@pytest.mark.parametrize(
    ("mult", "shift"), [(3, 0), (3, 2), (1, 1), (0x80000000, 31), (0xFFFFFFFF, 32), (1431655765, 32), (7, 5)]
)
def test_a_count_of_cycles_is_time_by_tsc2nsec(mult, shift):
    """ns = cycles * mult >> shift, of a product of 128 bits; the third number of the option is not added."""
    cycles = [fact["time"] for fact in readings.read(trace_dat, with_frequency(2, 1))[0]]
    facts, about = readings.read(trace_dat, with_frequency(mult, shift))
    assert max(cycles).bit_length() > 40 and len(cycles) > 700
    assert [fact["time"] for fact in facts] == [cycle * mult >> shift for cycle in cycles]
    assert about.clock == "x86-tsc"


def test_a_shift_of_the_clock_that_cannot_be_is_refused():
    assert "a shift of the clock of at most 32, not 33" in refused(with_frequency(3, 33))


def test_of_two_buffers_no_event_is_taken_twice(monkeypatch):
    """The three buffers of this file all on one clock; if the third one had another, it would be left out."""
    content = readings.data_of("tc-v7-instances.dat")
    facts, about = readings.read(trace_dat, content)
    real = trace_dat.read_buffer_7

    def other_clock(trace, b):
        buffer = real(trace, b)
        buffer.clock = "global" if buffer.name == "third" else buffer.clock
        return buffer

    monkeypatch.setattr(trace_dat, "read_buffer_7", other_clock)
    fewer, about = readings.read(trace_dat, content)
    left_out = {fact["kind"] for fact in facts} - {fact["kind"] for fact in fewer}
    assert left_out == {"fork", "exit", "context"}
    assert [
        words for words in about.warnings if "'third'" in words and "its clock is global, not mono" in words
    ]


# ---- pages: made here


IDS = {1: "sched_switch"}
FIELDS = {
    "common_type": Field(0, 2, False, "integer"),
    "common_pid": Field(4, 4, True, "integer"),
    "prev_comm": Field(8, 4, False, "text"),
    "prev_pid": Field(12, 4, True, "integer"),
    "prev_prio": Field(16, 4, True, "integer"),
    "prev_state": Field(20, 4, True, "integer"),
    "next_comm": Field(24, 4, False, "text"),
    "next_pid": Field(28, 4, True, "integer"),
    "next_prio": Field(32, 4, True, "integer"),
}
RECORD = struct.pack("<HxxI4siii4sii", 1, 7, b"ab\0\0", 7, 120, 1, b"cdef", 8, 120)
PAGE = 256


def entry(delta, record=RECORD):
    return struct.pack("<I", delta << 5 | len(record) // 4) + record


def page(time, data, flags=0, behind=b""):
    return (struct.pack("<QQ", time, len(data) | flags) + data + behind).ljust(PAGE, b"\0")


def facts_of(*cpus):
    sink = readings.Facts()
    return sink.facts, read_into(sink, *([content] for content in cpus))


def read_into(sink, *cpus):
    """Read the blocks of each CPU, which are pages as they are at hand together."""
    plans = Plans("little", states_of_kernel(""))
    assert plans.add(Format("sched", "sched_switch", 1, FIELDS, ""))
    rings = Rings(plans, sink, "little", 8, 16)
    for number, blocks in enumerate(cpus):
        rings.add_cpu(0, number, PAGE, lambda blocks=blocks: iter(blocks))
    rings.scale(1, 0)
    rings.read([{"sched_switch"}], lambda nr: None)
    return rings


def times(facts):
    return [(fact["time"], fact["cpu"]) for fact in facts if fact["kind"] != "lost"]


def test_entries_of_all_kinds():
    long = struct.pack("<II", 5 << 5, 4 + len(RECORD)) + RECORD  # its length in a word of its own
    discarded = struct.pack("<II", 7 << 5 | 29, 8) + bytes(4)
    extend = struct.pack("<II", 3 << 5 | 30, 2)
    absolute = struct.pack("<II", 1 << 5 | 31, 10)
    facts, _ = facts_of(
        page(1000, entry(1) + long + discarded + extend + entry(1)) + page(5000, absolute + entry(2))
    )
    assert times(facts) == [(1001, 0), (1006, 0), (1006 + 7 + 3 + (2 << 27) + 1, 0), (1 + (10 << 27) + 2, 0)]
    assert facts[0]["name"] == "ab" and facts[0]["other_name"] == "cdef" and facts[0]["out"] == 2


def test_padding_ends_a_page():
    facts, _ = facts_of(page(1000, entry(1) + struct.pack("<I", 29) + entry(1)))
    assert times(facts) == [(1001, 0)]


def test_i1_at_the_same_time_the_lower_cpu_comes_first():
    facts, _ = facts_of(page(10, entry(0) + entry(5)), page(10, entry(0) + entry(5)), page(9, entry(0)))
    assert times(facts) == [(9, 2), (10, 0), (10, 1), (15, 0), (15, 1)]


def test_losses_are_told_before_the_first_event_of_a_page():
    lost, uncounted = 1 << 31 | 1 << 30, 1 << 31
    facts, rings = facts_of(
        page(10, entry(0)) + page(20, entry(0), lost, struct.pack("<Q", 77)) + page(30, entry(0), uncounted)
    )
    assert [(fact["kind"], fact["time"], fact["value"]) for fact in facts if fact["kind"] == "lost"] == [
        ("lost", 20, 77),
        ("lost", 30, 0),
    ]
    assert rings.nr_lost == 77


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", 28),  # 112 bytes in a page of 4
        struct.pack("<II", 0, 3),  # a length that does not hold itself
        struct.pack("<II", 0, 1 << 31),
        struct.pack("<II", 1 << 5 | 29, 1),
        struct.pack("<II", 1 << 5 | 29, 0xFFFFFFFF),
        struct.pack("<I", 30),  # without its second word
    ],
)
def test_i3_a_damaged_page_ends_there_and_the_next_one_is_read(data):
    """Nothing outside of the page is read either: I2 of cfs/recordings/_trace_dat.pyx."""
    facts, rings = facts_of(page(10, entry(0) + data) + page(20, entry(0)))
    assert times(facts) == [(10, 0), (20, 0)]
    assert (rings.nr_damaged, rings.damage) == (1, "page 1 of CPU 0")
    assert [fact["kind"] for fact in facts] == ["switch", "lost", "switch"]


def test_a_page_that_is_longer_than_a_page_is_left_out():
    facts, rings = facts_of(page(10, b"", flags=PAGE) + page(20, entry(0)))
    assert times(facts) == [(20, 0)] and rings.nr_damaged == 1


def test_a_time_beyond_all_times_is_damage():
    facts, rings = facts_of(page(1 << 63, entry(0)) + page(20, entry(0)))
    assert times(facts) == [(20, 0)] and rings.nr_damaged == 1


@pytest.mark.parametrize("wrong", [0, 1, 2, 4])
def test_i3_a_page_with_a_wrong_bit_in_its_time_is_left_out(wrong):
    """All pages of that CPU would come after those of the other, and be too late there."""
    pages = [page(1000 * i | (i == wrong) << 40, entry(0)) for i in range(6)]
    facts, rings = facts_of(b"".join(pages), page(10, entry(0) + entry(4000)))
    assert times(facts) == sorted([(1000 * i, 0) for i in range(6) if i != wrong] + [(10, 1), (4010, 1)])
    assert (rings.nr_damaged, rings.damage) == (1, f"page {wrong + 1} of CPU 0")


def test_i3_a_wrong_extension_of_a_time_ends_its_page():
    data = entry(0) + struct.pack("<II", 30, 1 << 20) + entry(1)
    facts, rings = facts_of(page(10, data) + page(20, entry(0)) + page(30, entry(0)))
    assert times(facts) == [(10, 0), (20, 0), (30, 0)] and rings.nr_damaged == 1


def test_i3_a_page_from_the_past_does_not_condemn_the_one_before():
    """Nor does a long idle time: the pages after it are as late."""
    late = 1 << 40
    facts, rings = facts_of(page(late, entry(0)) + page(5, entry(0)) + page(late + 9, entry(0)))
    assert times(facts) == [(late, 0), (5, 0), (late + 9, 0)] and rings.nr_damaged == 0


def test_a_record_shorter_than_its_format_is_left_out():
    facts, rings = facts_of(page(10, entry(0, RECORD[:20]) + entry(1)))
    assert times(facts) == [(11, 0)] and rings.nr_short == 1


# ---- damage of the rest


@pytest.mark.parametrize("length", [11, 12, 20, 100, 2000, 10_000])
def test_a_head_that_is_cut_is_refused_with_its_place(length):
    for name in ("tc-v6", "tc-v7-zstd"):
        assert re.search(r"\bbyte \d+", refused(readings.data_of(f"{name}.dat")[:length]))


def test_of_a_cut_file_the_whole_pages_are_read():
    content = readings.data_of("tc-v6.dat")
    whole = {str(fact) for fact in readings.read(trace_dat, content)[0]}
    facts, about = readings.read(trace_dat, content[:100_000])
    assert len(facts) == 1284 and {str(fact) for fact in facts} < whole
    assert about.warnings == ["cut at byte 100000: of CPU 1 there are 11 of 22 pages"]


def test_options_that_lead_in_a_circle_are_refused():
    content = bytearray(readings.data_of("tc-v7-zstd.dat"))
    content[18:] = readings.data_of("tc-v7-zstd.dat")[18:]
    head = content.index(b"zstd\0")
    place = content.index(b"\0", head + 5) + 1
    circle = struct.pack("<HHIQ", 0, 0, 0, 14) + struct.pack("<HIQ", 0, 8, len(content))
    struct.pack_into("<Q", content, place, len(content))
    assert "in a circle" in refused(bytes(content) + circle)


def options_7(content, *options):
    """tc-v7-instances with one more section of options in front of its own."""
    content = bytearray(content)
    head = content.index(b"none\0") + 5
    place = content.index(b"\0", head) + 1
    (first,) = struct.unpack_from("<Q", content, place)
    more = b"".join(struct.pack("<HI", number, len(body)) + body for number, body in options)
    more += struct.pack("<HIQ", 0, 8, first)
    struct.pack_into("<Q", content, place, len(content))
    return bytes(content) + struct.pack("<HHIQ", 0, 0, 0, len(more)) + more


def test_a_section_is_read_once():
    """A thousand options that name one megabyte cost a gigabyte."""
    content = readings.data_of("tc-v7-instances.dat")
    assert readings.read(trace_dat, options_7(content))[0] == readings.read(trace_dat, content)[0]
    at = 64 + len(content)
    events = struct.pack("<Q", at)
    big = struct.pack("<HHIQ", trace_dat.SECTION_EVENTS, 0, 0, 4) + bytes(4)
    content = content.ljust(at, b"\0") + big
    assert f"at byte {at} there should be the events, which was not read before" in refused(
        options_7(content, *[(trace_dat.SECTION_EVENTS, events)] * 2)
    )


def test_sections_fit_into_the_file_together():
    """Each begins a byte later than the one before, so none is read twice."""
    content = readings.data_of("tc-v7-instances.dat")
    each = struct.pack("<HHIQ", trace_dat.SECTION_EVENTS, 0, 0, len(content)) + bytes(4)
    at = len(content)
    content += each * 3 + bytes(len(content))
    places = [struct.pack("<Q", at + i * len(each)) for i in range(3)]
    text = refused(options_7(content, *[(trace_dat.SECTION_EVENTS, place) for place in places]))
    assert f"at byte {at + 2 * len(each)} " in text and "in a circle" in text


def test_two_cpus_share_no_page():
    content = bytearray(readings.data_of("tc-v6.dat"))
    place = content.index(struct.pack("<2Q", 53248, 90112))
    struct.pack_into("<Q", content, place, 53247)
    assert "at byte 53247 there should be no pages of a second CPU" in refused(bytes(content))


def test_the_places_of_a_buffer_are_read_once():
    """An option takes 15 bytes, and the list that it names has 16 a CPU."""
    content = bytearray(readings.data_of("tc-v6.dat"))
    at = content.index(b"options  \0") + 10
    option = struct.pack("<HIQ", trace_dat.OPTION_BUFFER, 10, len(content) + 30) + b"x\0"
    assert "which was not read before" in refused(bytes(content[:at]) + option * 2 + bytes(content[at:]) + bytes(99))


@pytest.mark.parametrize(("number", "is_read"), [("29", True), ("30", False), ("9" * 5000, True)])
def test_what_the_kernel_says_of_its_entries_is_checked(number, is_read):
    """A number of 5000 digits is none; Python's int raises ValueError for it."""
    trace = trace_dat.Trace("x", memoryview(b""), About("trace.dat"))
    trace.description.header_event = f"padding : type == {number}"
    if is_read:
        trace_dat.check_numbers(trace)
    else:
        with pytest.raises(RecordingError, match=f"padding is {number}"):
            trace_dat.check_numbers(trace)


def test_the_release_of_a_kernel_is_looked_for_once():
    """A hundred thousand digits without a point took a minute."""
    trace = trace_dat.Trace("x", memoryview(b""), About("trace.dat"))
    for text, release in [(b"9" * 100_000, ""), (b"Linux vm 6.18.44-generic #1", "6.18.44-generic")]:
        trace_dat.read_option(trace, trace_dat.OPTION_UNAME, Bytes(text, "x"))
        assert trace.about.kernel == release


def test_an_unknown_version_is_refused():
    assert "'8'" in refused(b"\x17\x08\x44tracing8\0" + bytes(100))


def test_an_unknown_compression_is_named():
    content = readings.data_of("tc-v7-zstd.dat").replace(b"zstd\0", b"lzma\0", 1)
    assert "'lzma'" in refused(content)


def test_a_chunk_that_unpacks_to_more_than_it_says_is_refused():
    content = bytearray(readings.data_of("tc-v7-zstd.dat"))
    at = content.rindex(b"\x28\xb5\x2f\xfd")
    (plain,) = struct.unpack_from("<I", content, at - 4)
    struct.pack_into("<I", content, at - 4, plain - 1)
    assert f"{plain - 1} bytes unpacked" in refused(bytes(content))
    struct.pack_into("<I", content, at - 4, 1 << 31)
    assert "of at most" in refused(bytes(content))


def test_without_zstd_it_says_what_to_install(monkeypatch):
    for name in ("zstandard", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"\.\[zstd\].*--compression none"):
        readings.read(trace_dat, readings.data_of("tc-v7-zstd.dat"))
