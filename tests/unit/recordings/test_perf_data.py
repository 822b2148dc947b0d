"""perf.data against what perf script prints of it, and against damage. Way to be right: another program."""

import gc
import gzip
import io
import struct
import sys
import weakref

import pytest

from cfs import MissingExtraError, Recording, RecordingError
from cfs.recordings import perf_data
from cfs.recordings.tracepoints import states_of_kernel
from tests.quick import few
from tests.unit.recordings import readings
from tests.unit.recordings.grouped import cgroup, grouped
from tests.unit.recordings.tiled import samples_of, tiled, with_data

READ_BY_PERF = [
    "perf-default", "perf-monotonic", "perf-zstd", "perf-pipe", "perf-callchain", "perf-lost", "perf-all-sched",
    "perf-bigendian-switch",
]  # fmt: skip
HEADER = 8


def expected(name):
    """What perf script prints; the thread in front of a switch is -1 after an exit, so the switch's own is taken."""
    rows = readings.of_perf_script(readings.FORMATS / f"{name}.perf-script.txt.gz")
    return [
        (time, cpu, fields[1] if kind == "switch" else tid, event, kind, fields)
        for time, cpu, tid, event, kind, fields in rows
    ]


def rows_of(facts, about):
    """Of tracepoints: perf script does not print the fork records of the file."""
    facts = [fact for fact in facts if fact["kind"] != "fork" or fact["name"] is not None]
    return readings.of_facts(facts, about.event_names, states_of_kernel(about.kernel))


def refused(content):
    with pytest.raises(RecordingError) as caught:
        readings.read_perf("", content)
    return str(caught.value)


@pytest.mark.parametrize("name", READ_BY_PERF)
def test_every_event_is_read_as_perf_reads_it(name):
    """All events of the scheduler with all their fields, in perf's order: I1 of cfs/recordings/_perf_data.pyx."""
    facts, about = readings.read_perf(f"{name}.data")
    want = expected(name)
    assert len(want) > 100 and rows_of(facts, about) == want
    assert about.warnings == []


def test_the_file_says_its_clock_kernel_and_command():
    _, about = readings.read_perf("perf-all-sched.data")
    assert (about.clock, about.kernel, about.nr_cpus) == ("CLOCK_MONOTONIC_RAW", "6.18.44-generic", 2)
    assert "perf record" in about.command and "--switch-events" in about.command
    assert readings.read_perf("perf-default.data")[1].clock == "perf clock"
    assert readings.read_perf("perf-monotonic.data")[1].clock == "CLOCK_MONOTONIC"


def test_losses_are_told_where_they_were_and_how_many():
    facts, about = readings.read_perf("perf-lost.data")
    lost = [fact for fact in facts if fact["kind"] == "lost"]
    assert len(lost) == 25 and sum(fact["value"] for fact in lost) == 12772
    assert {fact["cpu"] for fact in lost} <= {0, 1} and all(fact["time"] > 0 for fact in lost)
    assert about.nr_lost == 14036  # what the kernel counted at the end: it includes those


@pytest.mark.parametrize("name", ["perf-default", "perf-monotonic", "perf-zstd", "perf-pipe", "perf-lost"])
def test_without_the_tracepoint_of_forks_perfs_own_records_tell_the_parents(name):
    """Its name in the description of the file is another one; perf-zstd's is packed, but not its description."""
    content = readings.data_of(f"{name}.data")
    without = content.replace(b"sched_process_fork", b"sched_process_xork")
    assert without != content
    parents = [parents_of(Recording.open(io.BytesIO(content))) for content in (content, without)]
    assert parents[0] == parents[1] and len(parents[0]) > 3


def parents_of(recording):
    return {(task.pid, recording.tasks[task.parent].pid) for task in recording.tasks if task.parent >= 0}


def test_interrupts_are_told():
    facts, _ = readings.read_perf("perf-default.data")
    wakings = [fact["irq"] for fact in facts if fact["kind"] == "waking"]
    assert set(wakings) <= {1, 2, 3} and {1, 2} <= set(wakings)


@pytest.mark.parametrize("size", few([7, 4096, 1 << 20, 1], 3))
def test_i2_how_a_pipe_is_cut_into_blocks_makes_no_difference(size):
    content = readings.data_of("perf-pipe.data")
    content = content[:40_000] if size == 1 else content
    assert readings.read_pipe(content, size)[0] == readings.read_pipe(content)[0]


@pytest.mark.parametrize("length", [16, 17, 24, 5000, 50_000, 100_001, 131_000])
def test_of_a_cut_pipe_what_is_whole_is_read(length):
    """Every event is one of the whole recording; or there is no sched_switch yet, which is said."""
    content = readings.data_of("perf-pipe.data")
    whole = [tuple(sorted(fact.items(), key=str)) for fact in readings.read_pipe(content)[0]]
    try:
        facts, about = readings.read_pipe(content[:length])
    except RecordingError as error:
        assert length < 50_000 and ("no sched_switch" in str(error) or "byte" in str(error))
        return
    assert 0 < len(facts) < len(whole) and {tuple(sorted(fact.items(), key=str)) for fact in facts} <= set(
        whole
    )
    assert "cut at byte" in about.warnings[0] or length == 131_000


@pytest.mark.slow
def test_i3_memory_does_not_grow_with_the_file(own_garbage):
    """All blocks but those of the last two rounds can go."""

    class Block(bytearray):
        pass

    content, _ = tiled(30)
    at, size = struct.unpack_from("<2Q", content, 40)
    perf = perf_data.PerfData("x", readings.Facts(), "little")
    head = perf.part(content)
    head.at = 24
    attrs = perf_data.read_section(head, memoryview(content), "attrs")
    for _, attr in perf_data.read_attrs(attrs, 144, memoryview(content)):
        perf.add_attr(attr)
    head.at = 72
    perf_data.read_features(perf, at + size, perf_data.read_feature_bits(head), memoryview(content))
    alive, at_once, place = [], 0, at
    while place < at + size:
        block = Block(content[place : min(place + 70_000, at + size)])
        alive.append(weakref.ref(block))
        place += perf.records.feed(memoryview(block))
        del block
        gc.collect()
        at_once = max(at_once, sum(ref() is not None for ref in alive))
    assert len(alive) > 40 and at_once < 12


def test_rounds_are_sorted_and_a_broken_promise_is_counted():
    content, nr = tiled(3, gap_ns=1)
    facts, about = readings.read_perf("", content)
    times = [fact["time"] for fact in facts]
    assert len(facts) == nr == 3 * 653 and times == sorted(times)


def with_times(content, changes):
    """The file with other times: a function of the old one by the number of the sample."""
    content = bytearray(content)
    at, size = struct.unpack_from("<2Q", content, 40)
    places = samples_of(content, at, size)
    for number, changed in changes.items():
        (time,) = struct.unpack_from("<Q", content, at + places[number])
        struct.pack_into("<Q", content, at + places[number], changed(time))
    return bytes(content)


@pytest.mark.parametrize("bit", [34, 45, 58])
@pytest.mark.parametrize("numbers", [(1,), (300,), (652,), (300, 301), (10, 200, 400)])
def test_a_wrong_bit_in_a_time_costs_one_event(numbers, bit):
    """It would be the newest time of its round, so that nothing later would be put in order any more. Of several times
    in a round, each has another wrong bit: together they would look like a late burst.
    """
    content, _ = tiled(3)
    want = readings.read_perf("", content)[0]
    bits = {number: bit + 2 * i for i, number in enumerate(numbers)}
    times = with_times(content, {number: lambda time, i=i: time | 1 << i for number, i in bits.items()})
    facts, about = readings.read_perf("", times)
    nr = len(want) - len(facts)
    assert 0 < nr <= len(numbers) and str(facts) == str([fact for fact in want if fact in facts])
    assert about.warnings == [f"{nr} samples are more than 10 s later than all others around them: left out"]
    recording = Recording.open(io.BytesIO(times))
    assert recording.duration_ns == Recording.open(io.BytesIO(content)).duration_ns


def test_a_long_idle_time_is_no_wrong_bit():
    content, nr = tiled(4, gap_ns=40 * 10**9)
    facts, about = readings.read_perf("", content)
    assert len(facts) == nr and about.warnings == []


def test_a_sample_alone_before_the_first_long_gap_is_read():
    content = with_times(readings.data_of("perf-default.data"), {0: lambda time: time - 20 * 10**9})
    assert len(readings.read_perf("", content)[0]) == 653


@pytest.mark.parametrize("round_bytes_max", [1 << 12, 1 << 16])
def test_i3_without_finished_rounds_a_round_ends_by_its_length(monkeypatch, round_bytes_max):
    """In the order of time, as perf inject writes it, nothing is lost; memory would grow with the file otherwise."""
    content, nr = tiled(30)
    at, size = struct.unpack_from("<2Q", content, 40)
    records, place = [], at
    while place < at + size:
        kind, _, length = struct.unpack_from("<IHH", content, place)
        if kind == 9:
            records.append(content[place : place + length])
        place += length
    records.sort(key=lambda record: struct.unpack_from("<Q", record, 32))
    content = with_data(content, b"".join(records))
    limits = []
    real = perf_data.walk_data

    def walk_data(perf, *rest):
        perf.records.round_bytes_max = round_bytes_max
        end = real(perf, *rest)
        limits.append(perf.records.nr_rounds)
        return end

    monkeypatch.setattr(perf_data, "walk_data", walk_data)
    monkeypatch.setattr(perf_data, "SLICE_BYTES", 1 << 17)
    assert len(readings.read_perf("", content)[0]) == nr and limits[0] > 10


# ---- damage: I2 of cfs/recordings/_perf_data.pyx


def test_a_killed_perf_is_explained():
    text = refused(readings.data_of("perf-killed.data"))
    assert "killed" in text and "perf record -o -" in text


def test_a_cut_file_is_explained():
    text = refused(readings.data_of("perf-default.data")[:100_000])
    assert "is cut" in text and "byte 100000" in text


@pytest.mark.parametrize(
    "name", ["perf.data.ctx_switch_namespaces-4.14", "perf.data.piped.ctx_switch_namespaces-4.14"]
)
def test_a_recording_without_the_scheduler_says_what_it_holds(name):
    text = refused(readings.data_of(name))
    assert "cycles" in text and "no sched_switch" in text and "perf sched record" in text


def test_a_record_with_a_length_that_cannot_be_ends_the_reading():
    content = bytearray(readings.data_of("perf-default.data"))
    at, size = struct.unpack_from("<2Q", content, 40)
    place = at + samples_of(content, at, size)[400] - 32
    struct.pack_into("<H", content, place + 6, 4)
    facts, about = readings.read_perf("", bytes(content))
    assert 0 < len(facts) < 653
    assert f"damaged at byte {place}: a record of type 9 cannot have 4 bytes" in about.warnings[0]


def test_a_sample_that_is_shorter_than_it_says_is_left_out():
    content = bytearray(readings.data_of("perf-default.data"))
    at, size = struct.unpack_from("<2Q", content, 40)
    place = at + samples_of(content, at, size)[400] - 32
    struct.pack_into("<I", content, place + 56, 1 << 30)  # the length of the tracepoint's record
    facts, about = readings.read_perf("", bytes(content))
    assert len(facts) == 652 and about.warnings == ["1 samples are shorter than they say: left out"]


def test_a_sample_of_an_unknown_event_is_left_out():
    content = bytearray(readings.data_of("perf-default.data"))
    at, size = struct.unpack_from("<2Q", content, 40)
    place = at + samples_of(content, at, size)[400] - 32
    struct.pack_into("<Q", content, place + HEADER, 1 << 50)
    facts, about = readings.read_perf("", bytes(content))
    assert len(facts) == 652 and "that the file does not describe" in about.warnings[0]


@pytest.mark.parametrize(("bit", "word"), [(1 << 2, "-T"), (1 << 7, "--sample-cpu"), (1 << 10, "-R")])
def test_samples_without_what_is_needed_say_how_to_record(bit, word):
    content = bytearray(readings.data_of("perf-default.data"))
    at, size = struct.unpack_from("<2Q", content, 24)
    for place in range(at + 24, at + size, 144):
        (sample_type,) = struct.unpack_from("<Q", content, place)
        struct.pack_into("<Q", content, place, sample_type & ~bit)
    assert word in refused(bytes(content))


def test_events_on_different_clocks_are_refused():
    content = bytearray(readings.data_of("perf-monotonic.data"))
    at, _ = struct.unpack_from("<2Q", content, 24)
    struct.pack_into("<i", content, at + 92, 7)
    assert "CLOCK_BOOTTIME, CLOCK_MONOTONIC" in refused(bytes(content))


@pytest.mark.parametrize("place", range(16, 72, 8))
def test_a_header_with_places_outside_of_the_file_is_refused(place):
    content = bytearray(readings.data_of("perf-default.data"))
    struct.pack_into("<Q", content, place, 1 << 62)
    if place in (56, 64):  # of the event types, which nobody reads
        assert len(readings.read_perf("", bytes(content))[0]) == 653
    else:
        assert "byte" in refused(bytes(content))


def test_ids_stand_in_the_file_once():
    """Two events that both have the whole file as ids; with 16384 of them it would be read as often."""
    content = bytearray(readings.data_of("perf-default.data"))
    at, size = struct.unpack_from("<2Q", content, 24)
    assert size >= 2 * 144
    for place in (at, at + 144):
        struct.pack_into("<2Q", content, place + 128, 0, len(content) // 8 * 8)
    assert "no more than the file can hold" in refused(bytes(content))


def test_zstd_data_that_is_damaged_ends_the_reading():
    content = bytearray(readings.data_of("perf-zstd.data"))
    at, size = struct.unpack_from("<2Q", content, 40)
    place, found = at, []
    while place < at + size:
        kind, _, length = struct.unpack_from("<IHH", content, place)
        found += [place] * (kind == 81)
        place += length
    content[found[2] + 8 : found[2] + 40] = bytes(32)
    facts, about = readings.read_perf("", bytes(content))
    assert 0 < len(facts) < 672 and "zstd data" in about.warnings[0]


def test_without_zstd_it_says_what_to_install(monkeypatch):
    for name in ("zstandard", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"\.\[zstd\].*without -z"):
        readings.read_perf("perf-zstd.data")


# ---- records that perf 6.16 writes: no file of it was at hand, so they are made here


def split_pipe():
    """What perf-pipe says before its first sample, and the rest of it."""
    content = readings.data_of("perf-pipe.data")
    place = 16
    while True:
        kind, _, length = struct.unpack_from("<IHH", content, place)
        if kind == 9:
            return content[:place], content[place:]
        more = struct.unpack_from("<I", content, place + 8)[0] + 7 & ~7 if kind == 66 else 0
        place += length + more


def test_compressed2_is_read_with_its_padding():
    zstandard = pytest.importorskip("zstandard")
    head, rest = split_pipe()
    packer = zstandard.ZstdCompressor().compressobj()
    records = []
    for at in range(0, len(rest), 30_000):
        packed = packer.compress(rest[at : at + 30_000]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        padding = -(16 + len(packed)) % 8
        records.append(
            struct.pack("<IHHQ", 83, 0, 16 + len(packed) + padding, len(packed)) + packed + bytes(padding)
        )
    assert readings.read_pipe(head + b"".join(records))[0] == readings.read_perf("perf-pipe.data")[0]


@pytest.mark.parametrize("cut", [65_519, 40_000])
def test_compressed2_with_a_size_that_has_overflown(cut):
    """One payload longer than 16 bits can say: only the first record tells its length."""
    zstandard = pytest.importorskip("zstandard")
    head, rest = split_pipe()
    packer = zstandard.ZstdCompressor(level=-100_000).compressobj()
    payload = packer.compress(rest) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    assert len(payload) > 65_519
    records = struct.pack("<IHHQ", 83, 0, 8, len(payload)) + payload[:65_519]
    for at in range(65_519, len(payload), cut):
        piece = payload[at : at + cut]
        records += struct.pack("<IHHQ", 83, 0, 16 + len(piece), 0xDEADBEEFDEADBEEF) + piece
    assert readings.read_pipe(head + records)[0] == readings.read_perf("perf-pipe.data")[0]


@pytest.mark.parametrize("said", [0, 24])
def test_compressed2_of_one_record_whose_size_has_overflown(said):
    zstandard = pytest.importorskip("zstandard")
    head, rest = split_pipe()
    packed = zstandard.ZstdCompressor().compress(rest)
    records = struct.pack("<IHHQ", 83, 0, said, len(packed)) + packed
    assert readings.read_pipe(head + records)[0] == readings.read_perf("perf-pipe.data")[0]


def test_a_bomb_is_not_unpacked():
    zstandard = pytest.importorskip("zstandard")
    head, _ = split_pipe()
    packed = zstandard.ZstdCompressor().compress(bytes(100 << 20))
    record = struct.pack("<IHH", 81, 0, 8 + len(packed)) + packed
    _, about = readings.read_pipe(head + record)
    assert "unpacks to more than 256 times" in about.warnings[0] or "cannot have 0 bytes" in about.warnings[0]


def test_gzip_is_no_business_of_this_reader():
    with pytest.raises(KeyError):
        readings.read_pipe(gzip.compress(readings.data_of("perf-pipe.data")))


# ---- control groups, as --all-cgroups records them

WITHOUT_GROUPS = ["perf-default", "perf-pipe", "perf-bigendian-switch"]
PATHS = [(7, b"/a\0"), (1 << 40, b"/system.slice/one two.service\0"), (9, b"/a/b\xff\0")]
NAMES = {7: "/a", 1 << 40: "/system.slice/one two.service", 9: "/a/b\udcff", 5: ""}


def by_thread(nr, tid):
    return [7, 1 << 40, 9, 5][tid % 4]  # nobody says the path of 5


def opened(content):
    return Recording.open(io.BytesIO(content))


def groups_of(content):
    """The group of each task, by pid: the last one that had it."""
    recording = opened(content)
    return dict(zip(recording.task_table["pid"].tolist(), recording.surroundings.groups_of_rows, strict=True))


@pytest.mark.parametrize("name", WITHOUT_GROUPS)
def test_a_task_is_in_the_group_of_its_samples(name):
    """All that was running at some time has one: at the latest it was switched out."""
    plain = readings.data_of(f"{name}.data")
    groups = groups_of(grouped(plain, by_thread, PATHS))
    ran = {fact["tid"] for fact in readings.read_perf("", plain)[0] if fact["tid"] > 0}
    assert len(ran) > 5 and {pid for pid, group in groups.items() if group is not None} == ran
    assert all(groups[pid] == NAMES[by_thread(0, pid)] for pid in ran)
    assert {groups[pid] for pid in ran} == set(NAMES.values())


@pytest.mark.parametrize("name", WITHOUT_GROUPS)
def test_groups_change_nothing_else(name):
    plain = readings.data_of(f"{name}.data")
    one, two = opened(plain), opened(grouped(plain, by_thread, PATHS))
    assert one.packed_events.tobytes() == two.packed_events.tobytes() and len(one.packed_events) > 100
    assert (one.task_table == two.task_table).all() and one.names == two.names
    assert one.warnings == two.warnings and one.surroundings.groups_of_rows == ()
    facts = [{**fact, "group": 0} for fact in readings.read_perf("", grouped(plain, by_thread, PATHS))[0]]
    assert facts == readings.read_perf("", plain)[0]


@pytest.mark.parametrize(("more", "behind"), [(1 << 22, bytes(8)), (3 << 22, bytes(16))])
def test_a_group_is_found_in_front_of_the_sizes_of_pages(more, behind):
    plain = readings.data_of("perf-default.data")
    assert groups_of(grouped(plain, by_thread, PATHS, more, behind)) == groups_of(grouped(plain, by_thread, PATHS))


@pytest.mark.parametrize("more", [1 << 20, 1 << 25])
def test_a_group_whose_place_nobody_knows_is_not_read(more):
    """AUX data have any length, and what a later kernel writes is not known."""
    content = grouped(readings.data_of("perf-default.data"), by_thread, PATHS, more, bytes(8))
    assert len(readings.read_perf("", content)[0]) == 653 and opened(content).surroundings.groups_of_rows == ()


def test_i2_a_sample_too_short_for_its_group_has_none():
    """The number would be a part of what the tracepoint recorded."""
    plain = bytearray(grouped(readings.data_of("perf-default.data"), lambda nr, tid: 7, PATHS))
    at, size = struct.unpack_from("<2Q", plain, 40)
    for place in samples_of(plain, at, size):
        start = at + place - 32
        length = struct.unpack_from("<I", plain, start + 56)[0]
        assert struct.unpack_from("<H", plain, start + 6)[0] == 60 + length + 8
        struct.pack_into("<I", plain, start + 56, length + 8)
    facts = readings.read_perf("", bytes(plain))[0]
    assert len(facts) == 653 and {fact["group"] for fact in facts} == {0}


def test_of_a_task_that_changes_its_group_the_last_one_counts():
    """The last in time: the file has one CPU after the other."""
    plain = readings.data_of("perf-default.data")
    at, size = struct.unpack_from("<2Q", plain, 40)
    times = [struct.unpack_from("<Q", plain, at + place)[0] for place in samples_of(plain, at, size)]
    facts = readings.read_perf("", plain)[0]
    tid = next(fact["tid"] for fact in facts if fact["kind"] == "fork")
    mine = [fact["time"] for fact in facts if fact["tid"] == tid]
    assert len(mine) > 3 and times != sorted(times)
    late = grouped(plain, lambda nr, _: 9 if times[nr] == mine[-1] else 7, PATHS)
    early = grouped(plain, lambda nr, _: 9 if times[nr] < mine[-1] else 7, PATHS)
    assert (groups_of(late)[tid], groups_of(early)[tid]) == (NAMES[9], NAMES[7])


def test_a_task_of_the_kernel_without_groups_says_nothing():
    """Its samples have the number 0."""
    content = grouped(readings.data_of("perf-default.data"), lambda nr, tid: 0, PATHS)
    assert opened(content).surroundings.groups_of_rows == ()


@pytest.mark.parametrize(
    "record",
    [
        (7, b"/without any NUL"), (7, b"/" + b"x" * 4097 + b"\0"), (7, b"\0"), (7, b"a\0"), (7, b"/a//b\0"), (7, b"/a/\0"),
        (7, b""), (7, b"x" * 60_000), (7, b"/a" * 65 + b"\0"),
    ],
)  # fmt: skip
def test_paths_that_are_none_are_not_known(record):
    content = grouped(readings.data_of("perf-default.data"), lambda nr, tid: 7, [(7, b"/before\0"), record])
    recording = opened(content)
    assert set(recording.surroundings.groups_of_rows) <= {"", None}
    assert recording.warnings[0].startswith("1 paths of control groups are none")


def test_of_paths_of_one_number_the_last_one_counts():
    content = grouped(readings.data_of("perf-default.data"), lambda nr, tid: 7, [(7, b"/one\0"), (7, b"/two\0")])
    assert set(groups_of(content).values()) <= {"/two", None}


def test_a_record_without_room_for_its_trailer_is_passed_over():
    content = readings.data_of("perf-default.data")
    at, size = struct.unpack_from("<2Q", content, 40)
    short = struct.pack("<IHHQQ", 19, 0, 24, 7, 0)
    facts, about = readings.read_perf("", with_data(content, short + content[at : at + size]))
    assert len(facts) == 653 and about.groups == {}


def test_many_groups_are_kept_and_memory_has_a_bound():
    many = [(number, b"/system.slice/unit-%d.service\0" % number) for number in range(20_000)]
    content = grouped(readings.data_of("perf-default.data"), lambda nr, tid: tid, many)
    assert groups_of(content)[14] == "/system.slice/unit-14.service"
    long = [(number, b"/" + b"x" * 4000 + b"\0") for number in range(5_000)]
    _, about = readings.read_perf("", grouped(readings.data_of("perf-default.data"), by_thread, long))
    assert sum(map(len, about.groups.values())) <= 1 << 22 and len(about.groups) > 1000
    assert about.warnings[0].startswith(f"{5000 - len(about.groups)} paths of control groups are none")


def test_what_perf_recorded_with_groups_says_that_all_were_in_the_root_group():
    """perf-all-sched is real; its one record CGROUP is that of the root."""
    recording = opened(readings.data_of("perf-all-sched.data"))
    assert set(recording.surroundings.groups_of_rows) == {"/"}
    text = Recording.open(readings.FORMATS / "perf-all-sched.perf-script.txt.gz")
    one, two = recording.workload(None), text.workload(None)
    assert one.groups == two.groups == ["/"] and one.said.group_by is None


def test_group_records_may_come_after_the_samples():
    """perf adds those that are made while it records."""
    content = grouped(readings.data_of("perf-default.data"), lambda nr, tid: 7)
    at, size = struct.unpack_from("<2Q", content, 40)
    late = with_data(content, content[at : at + size] + cgroup("<", 7, b"/late\0"))
    assert set(groups_of(late).values()) <= {"/late", None}
