"""perf.data: the parts of the file that are read once.

What it decides: whether a file can be read at all, and what a user can do if not. A file has a header, the
attributes of its events, the data, and after that its features, one of which describes the tracepoints; so
it must be whole. What `perf record -o -` writes has all of that as records before the data, can be read as it
comes, and may be cut anywhere. The data is walked by `_perf_data`.

Rejected: asking perf (nobody who was sent a recording has the perf of that kernel); the comm records of the
file (the fields of the tracepoints name every task, as the kernel saw it at that moment). Its fork records say
who is whose parent where the tracepoint sched_process_fork was not recorded; where it was, that has the names, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import RecordingError
from ._perf_data import Records
from ._plan import Plans
from ._sink import Sink
from .about import About, planned
from .binary import Bytes, damage, decoded, order_of
from .source import zstd
from .surroundings import is_group_path
from .tracepoints import read_description

__all__ = ["is_perf_data", "is_pipe", "read_file", "read_pipe"]

MAGICS = {b"PERFILE2": "little", b"2ELIFREP": "big"}
FILE_HEADER_BYTES = 104
SLICE_BYTES = 1 << 20
NR_ATTRS_MAX = 1 << 14
GROUP_PATH_MAX, GROUP_LEVELS_MAX, GROUP_PATHS_MAX = 4096, 64, 1 << 22
"""Bytes and levels of the path of a control group, and bytes of all of them: each level is kept as a group."""
CUT_HELP = "record anew, or with perf record -o - FILE: a pipe's recording survives being killed and cut"
TRACEPOINT = 2
NO_CONFIG = (1 << 64) - 1
CLOCKS = {
    0: "CLOCK_REALTIME",
    1: "CLOCK_MONOTONIC",
    4: "CLOCK_MONOTONIC_RAW",
    7: "CLOCK_BOOTTIME",
    11: "CLOCK_TAI",
}
OWN_CLOCK = "perf clock"
TYPES = {0: "hardware", 1: "software", 2: "tracepoint", 3: "cache", 4: "raw", 5: "breakpoint"}
SOFTWARE = {0: "cpu-clock", 2: "page-faults", 3: "context-switches", 9: "dummy", 10: "bpf-output"}
HARDWARE = {0: "cycles", 1: "instructions"}
S_TIME, S_CPU, S_RAW = 1 << 2, 1 << 7, 1 << 10
FLAG_SAMPLE_ID_ALL, FLAG_USE_CLOCKID = 18, 25


def is_perf_data(head: bytes) -> bool:
    """Whether a file begins as perf.data does."""
    return head[:8] in MAGICS and len(head) >= 16


def is_pipe(head: bytes) -> bool:
    """Whether perf wrote this perf.data to a pipe."""
    return int.from_bytes(head[8:16], "big" if head.startswith(b"2") else "little") == 16


@dataclass(slots=True)
class Attr:
    """The attributes with which perf recorded one event."""

    type: int
    config: int
    sample_type: int
    read_format: int
    flags: int
    clockid: int
    ids: list[int]

    def has(self, flag: int) -> bool:
        """Whether a flag is set."""
        return bool(self.flags >> flag & 1)

    @property
    def clock(self) -> str:
        """The clock of the event's times."""
        if not self.has(FLAG_USE_CLOCKID):
            return OWN_CLOCK
        return CLOCKS.get(self.clockid, f"clock {self.clockid}")

    @property
    def name(self) -> str:
        """What can be said of the event without a description."""
        names = {0: HARDWARE, 1: SOFTWARE}.get(self.type, {})
        return names.get(self.config, f"{TYPES.get(self.type, 'dynamic')} event {self.config}")


def read_attr(b: Bytes) -> Attr:
    """One attr struct, of as many bytes as it says; fields beyond are 0."""
    size = int.from_bytes(b.data[b.at + 4 : b.at + 8], order_of(b.byteorder)) or 64
    if size < 64:
        raise b.fail(f"the attributes of an event of 64 bytes or more, not {size}")
    raw = bytes(b.take(size, "the attributes of an event")).ljust(136, b"\0")
    a = Bytes(raw, b.name, b.start, b.byteorder)
    kind, _ = a.u32(""), a.u32("")
    config, _, sample_type, read_format, flags = (a.u64("") for _ in range(5))
    a.at = 92
    clockid = a.number(4, "", signed=True)
    if b.byteorder == "big":
        flags = int(f"{flags:064b}"[::-1], 2)  # such machines allocate bit fields from the top
    return Attr(kind, config, sample_type, read_format, flags, clockid, [])


class PerfData:
    """Reads one perf.data file: what is read once, and what `Records` asks for."""

    def __init__(self, name: str, sink: Sink, byteorder: str) -> None:
        self.name = name
        self.byteorder = byteorder
        self.about = About("perf.data")
        self.records = Records(self, sink, byteorder)
        self.attrs: list[Attr] = []
        self.names: dict[int, str] = {}
        self.has_formats = False
        self.switch_id = NO_CONFIG
        self.nr_path_bytes = self.nr_lost_paths = 0

    # ---- what the records of a pipe and the sections of a file say

    def add_attr(self, attr: Attr) -> None:
        """An event, in the order of the file."""
        if len(self.attrs) == NR_ATTRS_MAX:
            raise RecordingError(
                f"{self.name} has more than {NR_ATTRS_MAX} events; that is no recording of perf"
            )
        self.attrs.append(attr)
        config = attr.config if attr.type == TRACEPOINT else NO_CONFIG
        has_trailer = attr.has(FLAG_SAMPLE_ID_ALL)
        self.records.add_attr(config, attr.sample_type, attr.read_format, has_trailer, attr.ids)

    def on_attr(self, body: bytes) -> None:
        """A record HEADER_ATTR: an attr and its ids."""
        b = self.part(body)
        attr = read_attr(b)
        attr.ids = [b.u64("an id") for _ in range(b.left // 8)]
        self.add_attr(attr)

    def on_name(self, body: bytes) -> None:
        """A record EVENT_UPDATE: the name of an event."""
        b = self.part(body)
        if b.left >= 16 and b.u64("") == 2:
            self.names[b.u64("")] = decoded(bytes(b.data[16:]).partition(b"\0")[0])

    def on_feature(self, body: bytes) -> None:
        """A record HEADER_FEATURE."""
        b = self.part(body)
        if b.left > 8:
            self.read_feature(b.u64(""), b)

    def on_tracing_data(self, body: bytes) -> None:
        """The description of the tracepoints."""
        if not self.has_formats:
            self.read_formats(self.part(body))

    def on_group(self, number: int, body: bytes) -> None:
        """A record CGROUP: the path of a control group. One that is said twice has the last one."""
        raw, end, _ = body.partition(b"\0")
        path = decoded(raw)
        self.nr_path_bytes += len(raw)
        is_short = len(raw) <= GROUP_PATH_MAX and raw.count(b"/") <= GROUP_LEVELS_MAX
        if end and is_short and is_group_path(path) and self.nr_path_bytes <= GROUP_PATHS_MAX:
            self.about.groups[number] = path
        else:
            self.about.groups.pop(number, None)
            self.nr_lost_paths += 1

    def part(self, body: bytes | memoryview, start: int = 0) -> Bytes:
        """A part of the file."""
        return Bytes(body, self.name, start, self.byteorder)

    def read_feature(self, number: int, b: Bytes) -> None:
        """One feature; those that nobody needs are passed over."""
        if number == 1 and not self.has_formats:
            self.read_formats(b)
        elif number == 4:
            self.about.kernel = read_string(b)
        elif number == 7:
            self.about.nr_cpus = b.u32("the number of CPUs")
        elif number == 11:
            nr = b.u32("the number of words of the command line")
            self.about.command = " ".join(read_string(b) for _ in range(min(nr, b.left // 4)))
        elif number == 12:
            self.read_event_names(b)

    def read_event_names(self, b: Bytes) -> None:
        """EVENT_DESC: all events with their names."""
        nr, size = b.u32("the number of events"), b.u32("the size of their attributes")
        for _ in range(min(nr, NR_ATTRS_MAX)):
            b.take(size, "the attributes of an event")
            nr_ids, name = b.u32("the number of ids"), read_string(b)
            for _ in range(min(nr_ids, b.left // 8)):
                self.names[b.u64("an id")] = name

    def read_formats(self, b: Bytes) -> None:
        """TRACING_DATA: how the records of the tracepoints are laid out."""
        description = read_description(b)
        plans = Plans(description.byteorder, description.states)
        for format_ in planned(description.formats):
            if plans.add(format_) and format_.name == "sched_switch":
                self.switch_id = format_.id
        self.records.takes_forks = "sched_process_fork" not in plans.names
        self.about.event_names = plans.names
        self.has_formats = True
        self.records.set_plans(plans)

    # ---- what is asked before the first sample, and at the end

    def on_begin(self) -> None:
        """Refuses what cannot become a recording; all that describes it has been read."""
        switch = [a for a in self.attrs if a.type == TRACEPOINT and a.config == self.switch_id]
        if not switch:
            raise RecordingError(
                f"{self.name} holds {self.event_list()}; no sched_switch. Record with: perf sched record"
            )
        advice = {
            S_RAW: "its fields: record with -R",
            S_TIME: "times: record with -T",
            S_CPU: "the CPU: record with -a or --sample-cpu",
        }
        for bit, words in advice.items():
            if any(not attr.sample_type & bit for attr in switch):
                raise RecordingError(f"{self.name} has sched_switch without {words}")
        clocks = {a.clock for a in self.attrs if a.type == TRACEPOINT}
        if len(clocks) > 1:
            raise RecordingError(
                f"{self.name} has events on different clocks ({', '.join(sorted(clocks))}): "
                "their times cannot be compared"
            )
        self.about.clock = clocks.pop()

    def event_list(self) -> str:
        """The events, as far as their names are known."""
        names = {self.names.get(a.ids[0] if a.ids else -1, a.name) for a in self.attrs}
        if not names:
            return "no events"
        listed = sorted(names - {"dummy:HG", "dummy:u", "dummy"}) or sorted(names)
        return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")

    def unpacker(self) -> tuple[Callable[[bytes], bytes], type[Exception]]:
        """What unpacks the zstd stream of the file, and what it raises."""
        new, error_class = zstd(f"the records of {self.name} are", "record without -z")
        return new().decompress, error_class

    def finish(self, offset: int, is_cut: bool) -> About:
        """What is to be said when all has been walked, up to this byte of the file."""
        r, about = self.records, self.about
        r.finish()
        if r.damage:
            about.warnings.append(f"damaged at byte {offset}: {r.damage}; read up to there{self.known()}")
        elif is_cut:
            about.warnings.append(
                f"cut at byte {offset}, in the middle of a record: read up to there{self.known()}"
            )
        about.nr_records = r.nr_records
        about.nr_lost = max(r.nr_lost, r.nr_lost_samples)
        about.warn(r.nr_unknown, "samples are of an event that the file does not describe: left out")
        about.warn(r.nr_short, "samples are shorter than they say: left out")
        about.warn(r.nr_jumps, "samples are more than 10 s later than all others around them: left out")
        about.warn(self.nr_lost_paths, "paths of control groups are none, or too long or many: not known")
        about.warn(r.nr_throttled, "times an event was switched off because it came too often")
        return about

    def known(self) -> str:
        """Up to when all CPUs are known, in a recording that ends too early."""
        return (
            "" if self.records.limit < 0 else f"; all CPUs are known up to {self.records.limit / 1e9:.3f} s"
        )


def read_string(b: Bytes) -> str:
    """A string with its length in front, padded by NULs."""
    return decoded(bytes(b.take(b.u32("the length of a string"), "a string")).partition(b"\0")[0])


# ---- a pipe


def read_pipe(name: str, blocks: Iterator[bytes], sink: Sink) -> About:
    """Read what ``perf record -o -`` wrote, as it comes."""
    first = b""
    while len(first) < 16 and (block := next(blocks, b"")):
        first += block
    perf = PerfData(name, sink, MAGICS[first[:8]])
    offset, rest = 16, first[16:]
    while True:
        taken = perf.records.feed(rest)
        offset += taken
        rest = rest[taken:]
        block = b"" if perf.records.damage else next(blocks, b"")
        if not block:
            break
        rest += block
    return perf.finish(offset, bool(rest))


# ---- a file


def read_file(name: str, data: memoryview, sink: Sink, progress: Callable[[int], None]) -> About:
    """Read a perf.data file that is there as a whole."""
    perf = PerfData(name, sink, MAGICS[bytes(data[:8])])
    head = perf.part(data)
    head.at = 8
    size, attr_size = head.u64("the size of the header"), head.u64("the size of an attr")
    if size != FILE_HEADER_BYTES:
        raise damage(name, 8, f"the size of perf's header, 104 or 16, not {size}")
    attr_part = read_section(head, data, "the attributes of the events")
    at, length = head.u64("the place of the data"), head.u64("the size of the data")
    head.at += 16
    bits = read_feature_bits(head)
    for _, attr in read_attrs(attr_part, attr_size, data):
        perf.add_attr(attr)
    if length == 0:
        raise RecordingError(
            f"{name}: perf was killed before it could finish the file (the size of its data is 0), "
            f"so it does not describe its events, {perf.event_list()}; {CUT_HELP}"
        )
    if at + length > len(data):
        raise RecordingError(
            f"{name} is cut: its data ends at byte {at + length} and the file at byte {len(data)}, "
            f"so the description of its events is missing; {CUT_HELP}"
        )
    read_features(perf, at + length, bits, data)
    end = walk_data(perf, data[at : at + length], at, progress)
    return perf.finish(end, end < at + length)


def walk_data(perf: PerfData, data: memoryview, offset: int, progress: Callable[[int], None]) -> int:
    """Feed the data; the byte of the file at which it ended."""
    at = 0
    while at < len(data):
        taken = perf.records.feed(data[at : at + SLICE_BYTES])
        at += taken
        progress(offset + at)
        if not taken or perf.records.damage:
            break
    return offset + at


def read_section(head: Bytes, data: memoryview, what: str) -> Bytes:
    """A section whose place and size stand here."""
    place = head.start + head.at
    at, size = head.u64(f"the place of {what}"), head.u64(f"the size of {what}")
    if at + size > len(data):
        raise damage(head.name, place, f"a place within the file for {what}, not {size} bytes at {at}")
    return Bytes(data[at : at + size], head.name, at, head.byteorder)


def read_attrs(part: Bytes, attr_size: int, data: memoryview) -> Iterator[tuple[bytes, Attr]]:
    """The section of attributes: the bytes of each, and what they say, with its ids, whose place follows it."""
    if not 80 <= attr_size <= 4096 or len(part.data) // attr_size > NR_ATTRS_MAX:
        raise damage(
            part.name, 16, f"the size of an attr with the place of its ids, 80 ... 4096, not {attr_size}"
        )
    nr_ids_max = len(data) // 8  # each stands once in the file, so that nobody reads it for every event
    for _ in range(len(part.data) // attr_size):
        entry = part.part(attr_size, "an attr")
        raw = bytes(entry.data[: attr_size - 16])
        attr = read_attr(entry.part(attr_size - 16, "an attr"))
        ids = read_section(entry, data, "the ids of an event")
        nr_ids_max -= ids.left // 8
        if nr_ids_max < 0:
            raise ids.fail("ids of this event, and no more than the file can hold of all events together")
        attr.ids = [ids.u64("an id") for _ in range(ids.left // 8)]
        yield raw, attr


def read_feature_bits(head: Bytes) -> list[int]:
    """The features that are there, ascending."""
    words = [head.u64("the list of features") for _ in range(4)]
    bits = sum(word << 64 * i for i, word in enumerate(words))
    if head.byteorder == "big" and not bits & 0b1010:  # a 32-bit writer: eight words of 32 bits
        bits = sum((word >> 32 | (word & 0xFFFFFFFF) << 32) << 64 * i for i, word in enumerate(words))
    return [bit for bit in range(256) if bits >> bit & 1]


def read_features(perf: PerfData, at: int, bits: list[int], data: memoryview) -> None:
    """The features; only the description of the events must be sound."""
    table = Bytes(data[at:], perf.name, at, perf.byteorder)
    for bit in bits:
        section = read_section(table, data, f"feature {bit}")
        try:
            perf.read_feature(bit, section)
        except RecordingError as error:
            if bit == 1:
                raise
            perf.about.warnings.append(f"feature {bit} was not read: {error}")
