"""trace.dat: the parts of the file that are read once.

What it decides: where the pages of each CPU are, on which clock, and which of several buffers is read.
Version 6 has one list of places after the descriptions. Version 7 consists of sections, which a chain of
options finds and each of which may be compressed. `_trace_dat` reads the pages.

With `trace-cmd record -B` the same event may be in several buffers, on different clocks. The buffer that has
sched_switch is read, and of the others only events that it does not have at all, if their clock is the same:
so no event is taken twice.

A file may name the same bytes again and again, to be slow to read. So what is named is read once: `Trace.claim`
counts the bytes of all lists and sections, which fit into the file together, and no two CPUs share a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ..errors import RecordingError
from ._plan import Plans
from ._sink import Sink
from ._trace_dat import Rings
from ._tracker import NUMBERS
from .about import About, planned
from .binary import Bytes, damage, decoded
from .source import unpacked_zlib, unpacked_zstd
from .tracepoints import MAGIC, Description, read_description, read_header_formats, read_sizes, read_systems

__all__ = ["is_trace_dat", "read_file"]

CLOCKS = ("local", "global", "mono", "mono_raw", "boot", "tai", "perf", "uptime")
NR_CPUS_MAX = NUMBERS["NR_CPUS_MAX"]
PLAIN_BYTES_MAX = 1 << 26
RATIO_MAX = 2000
WORD_BYTES = 10
TIMES_CLOCK = "record with -C mono"
OPTION_CPUSTAT, OPTION_BUFFER, OPTION_CLOCK, OPTION_UNAME, OPTION_GUEST, OPTION_TSC = 2, 3, 4, 5, 12, 14
SECTION_HEADERS, SECTION_EVENTS, SECTION_BUFFER_TEXT = 16, 18, 22


def is_trace_dat(head: bytes) -> bool:
    """Whether a file begins as trace.dat does."""
    return head.startswith(MAGIC)


@dataclass(slots=True)
class Cpu:
    """Where the pages of one CPU of a buffer are."""

    cpu: int
    at: int
    size: int


@dataclass(slots=True)
class Buffer:
    """One of the kernel's trace buffers; the top one has no name."""

    name: str
    clock: str
    page_size: int
    cpus: list[Cpu]
    is_compressed: bool = False

    @property
    def title(self) -> str:
        """How it is called in a message."""
        return f"buffer {self.name!r}" if self.name else "the top buffer"


@dataclass(slots=True)
class Trace:
    """All that is found before the first page is read."""

    name: str
    data: memoryview
    about: About
    description: Description = field(default_factory=Description)
    compression: str = "none"
    buffers: list[Buffer] = field(default_factory=list)
    clock: str = ""
    stats: list[str] = field(default_factory=list)
    mult: int = 1
    shift: int = 0
    claimed: set[int] = field(default_factory=set)
    nr_claimed: int = 0

    def part(self, at: int, what: str, length: int | None = None) -> Bytes:
        """A part of the file, up to its end."""
        if at + (length or 0) > len(self.data):
            raise RecordingError(
                f"{self.name} is cut: {what} should be at byte {at}, but it ends at byte {len(self.data)}"
            )
        end = len(self.data) if length is None else at + length
        return Bytes(self.data[at:end], self.name, at, self.description.byteorder)

    def claim(self, at: int, what: str, length: int) -> Bytes:
        """A part that is read once."""
        part = self.part(at, what, length)
        self.nr_claimed += length
        if at in self.claimed or self.nr_claimed > len(self.data):
            raise part.fail(f"{what}, which was not read before: the places in this file lead in a circle")
        self.claimed.add(at)
        return part


def read_file(name: str, data: memoryview, sink: Sink, progress: Callable[[int], None]) -> About:
    """Read a trace.dat file that is there as a whole."""
    trace = Trace(name, data, About("trace.dat"))
    head = Bytes(data, name)
    head.at = len(MAGIC)
    version = head.text("the version of trace.dat", 16)
    if version == "6":
        read_version_6(trace)
    elif version == "7":
        read_version_7(trace, head)
    else:
        raise RecordingError(
            f"{name} is a trace.dat of version {version[:16]!r}; versions 6 and 7 can be read. "
            "Give the text: trace-cmd report FILE"
        )
    check_numbers(trace)
    return read_rings(trace, sink, progress)


def check_numbers(trace: Trace) -> None:
    """The kernel says how it numbers the entries of a page; 2.6.30 numbered them otherwise."""
    text = trace.description.header_event
    for word, number in (("padding", 29), ("time_extend", 30)):
        said = re.search(rf"{word}\s*:\s*type(?:_len)?\s*==\s*(\d{{1,9}})\b", text)
        if said and int(said[1]) != number:
            raise RecordingError(
                f"{trace.name} is of a kernel whose ring buffer nobody reads any more "
                f"({word} is {said[1]}). Give the text: trace-cmd report FILE"
            )


# ---- version 6


def read_version_6(trace: Trace) -> None:
    """Descriptions, options, and the places of the CPUs, one behind the other."""
    b = Bytes(trace.data, trace.name)
    trace.description = read_description(b, has_cmdlines=True)
    nr_cpus = b.u32("the number of CPUs")
    if not 0 < nr_cpus <= NR_CPUS_MAX:
        raise b.fail(f"a number of CPUs, 1 ... {NR_CPUS_MAX}, not {nr_cpus}")
    trace.about.nr_cpus = nr_cpus
    instances = []
    word = bytes(b.take(WORD_BYTES, "the kind of the data"))
    if word.startswith(b"options"):
        instances = read_options_6(trace, b)
        word = bytes(b.take(WORD_BYTES, "the kind of the data"))
    read_places_6(trace, b, word, nr_cpus)
    for at, name in instances:
        part = trace.claim(at, f"the places of buffer {name!r}", WORD_BYTES + 16 * nr_cpus)
        part.take(WORD_BYTES, "the kind of the data")
        trace.buffers.append(Buffer(name, trace.clock, page_size_6(trace), places_6(part, nr_cpus)))


def read_options_6(trace: Trace, b: Bytes) -> list[tuple[int, str]]:
    """The options; the places and names of other buffers."""
    instances = []
    while (option := b.u16("an option")) != 0:
        body = b.part(b.u32("the length of an option"), "an option")
        if option == OPTION_BUFFER:
            instances.append((body.u64("the place of a buffer"), body.text("the name of a buffer")))
        else:
            read_option(trace, option, body)
    return instances


def read_places_6(trace: Trace, b: Bytes, word: bytes, nr_cpus: int) -> None:
    """The places of the top buffer's CPUs, and the clock behind them."""
    if word.startswith(b"latency"):
        raise RecordingError(
            f"{trace.name} holds the text of a latency tracer. Give that: trace-cmd report FILE"
        )
    if not word.startswith(b"flyrecord"):
        raise damage(trace.name, b.at - WORD_BYTES, '"options", "flyrecord" or "latency"')
    cpus = places_6(b, nr_cpus)
    first = min((cpu.at for cpu in cpus), default=len(trace.data))
    there = Bytes(b.data[b.at : max(first, b.at)], b.name, b.at, b.byteorder)
    if there.left >= 8 and (length := there.u64("")) <= there.left:
        trace.clock = chosen_clock(decoded(bytes(there.take(length, "the clock")))) or trace.clock
    trace.buffers.append(Buffer("", trace.clock, page_size_6(trace), cpus))


def places_6(b: Bytes, nr_cpus: int) -> list[Cpu]:
    """A place and a size for each CPU; of those that recorded something."""
    cpus = (Cpu(cpu, b.u64("the place of a CPU"), b.u64("the size of a CPU")) for cpu in range(nr_cpus))
    return [cpu for cpu in cpus if cpu.size]


def page_size_6(trace: Trace) -> int:
    """Of a page: what is in front of its data, and that."""
    data = trace.description.header_page.get("data")
    size = data.at + data.size if data else 0
    return size if size >= 512 and size % 512 == 0 else trace.description.page_size


# ---- version 7


def read_version_7(trace: Trace, head: Bytes) -> None:
    """The options, and the sections that they name."""
    trace.description = read_sizes(head)
    trace.compression = head.text("the name of the compression", 64)
    head.text("the version of the compression", 64)
    at = head.u64("the place of the options")
    while at:
        at = read_options_7(trace, section(trace, at, "the options", 0))


def read_options_7(trace: Trace, b: Bytes) -> int:
    """One section of options; the place of the next one, 0: there is none."""
    while b.left:
        option = b.u16("an option")
        body = b.part(b.u32("the length of an option"), "an option")
        if option == 0:
            return body.u64("the place of the next options") if body.left else 0
        if option == OPTION_BUFFER:
            trace.buffers.append(read_buffer_7(trace, body))
        else:
            read_option(trace, option, body)
    return 0


def read_buffer_7(trace: Trace, b: Bytes) -> Buffer:
    """A buffer: its clock and the places of its CPUs."""
    at = b.u64("the place of a buffer")
    name, clock = b.text("the name of a buffer"), b.text("the clock of a buffer")
    page_size, nr_cpus = b.u32("the size of a page"), b.u32("the number of CPUs")
    if nr_cpus * 20 > b.left or not 64 <= page_size <= 1 << 24:
        raise b.fail(f"a page size and CPUs, not {nr_cpus} CPUs with pages of {page_size} bytes")
    cpus = [Cpu(b.u32("a CPU"), b.u64("its place"), b.u64("its size")) for _ in range(nr_cpus)]
    flags = trace.part(at, "a buffer", 16)
    flags.at = 2
    buffer = Buffer(name, chosen_clock(clock) or clock, page_size, cpus, bool(flags.u16("flags") & 1))
    for cpu in cpus:
        if cpu.cpu >= NR_CPUS_MAX or cpu.at + cpu.size > len(trace.data):
            raise b.fail(f"the places of CPUs below {NR_CPUS_MAX} within the file before here")
    buffer.cpus = [cpu for cpu in cpus if cpu.size]
    return buffer


def section(trace: Trace, at: int, what: str, id_: int) -> Bytes:
    """The body of a section, unpacked."""
    head = trace.part(at, what, 16)
    found, flags = head.u16("a section"), head.u16("its flags")
    if found != id_:
        raise damage(trace.name, at, f"{what} (section {id_}), not section {found}")
    head.at = 8
    size = head.u64("the size of a section")
    body = trace.claim(at, what, 16 + size)
    body.take(16, what)
    if not flags & 1:
        return body
    return Bytes(unpacked(trace, body, what), trace.name, at, trace.description.byteorder)


def unpacked(trace: Trace, b: Bytes, what: str) -> bytes:
    """What is packed here, behind its packed and its plain size."""
    packed, plain = b.u32(f"the packed size of {what}"), b.u32(f"the plain size of {what}")
    if plain > min(PLAIN_BYTES_MAX, RATIO_MAX * packed):
        raise b.fail(
            f"{what} of at most {min(PLAIN_BYTES_MAX, RATIO_MAX * packed)} bytes before here, not {plain}"
        )
    data = bytes(b.take(packed, what))
    text = _plain(trace, data, plain)
    if text is None or len(text) != plain:
        raise damage(
            trace.name, b.start + b.at - packed, f"{what} in {trace.compression}, {plain} bytes unpacked"
        )
    return text


def _plain(trace: Trace, data: bytes, plain: int) -> bytes | None:
    if trace.compression == "zlib":
        return unpacked_zlib(data, plain)
    if trace.compression == "zstd":
        return unpacked_zstd(data, plain, f"{trace.name} is", "record with --compression none")
    raise RecordingError(
        f"{trace.name} is compressed with {trace.compression[:16]!r}; zstd and zlib can be read"
    )


# ---- both


def read_option(trace: Trace, option: int, b: Bytes) -> None:
    """One option; those that nobody needs are passed over."""
    if option == OPTION_CPUSTAT:
        trace.stats.append(decoded(bytes(b.data)))
    elif option == OPTION_CLOCK:
        trace.clock = trace.clock or chosen_clock(decoded(bytes(b.data)))
    elif option == OPTION_UNAME:
        release = re.search(r"\d{1,4}\.\d{1,4}\S{0,60}", decoded(bytes(b.data)))
        trace.about.kernel = release[0].rstrip("\0") if release else ""
    elif option == OPTION_GUEST:
        trace.about.warnings.append("it is of a guest, on the guest's own clock: not aligned with its host")
    elif option == OPTION_TSC:
        trace.mult, trace.shift = b.u32("a factor of the clock"), b.u32("a shift of the clock")
        if trace.shift > 32:
            raise b.fail(f"a shift of the clock of at most 32, not {trace.shift}, before here")
    elif option == SECTION_HEADERS:
        read_header_formats(
            section(trace, b.u64("a place"), "the format of pages", option), trace.description
        )
    elif option == SECTION_EVENTS:
        trace.description.formats = read_systems(section(trace, b.u64("a place"), "the events", option))
    elif option == SECTION_BUFFER_TEXT:
        trace.about.warnings.append("a buffer holds the text of a latency tracer: left out")


def chosen_clock(text: str) -> str:
    """The clock in brackets, of a list of all there are."""
    chosen = re.search(r"\[([\w-]+)\]", text)
    return chosen[1] if chosen else ""


def require_time(trace: Trace, buffer: Buffer) -> str:
    """The clock of a buffer, which must be time."""
    clock = buffer.clock or trace.clock or "local"
    if clock in CLOCKS:
        trace.mult, trace.shift = 1, 0
        return clock
    if clock == "counter":
        raise RecordingError(
            f"{trace.name} has the clock counter, which numbers events and is no time: {TIMES_CLOCK}"
        )
    if trace.mult == 1 and trace.shift == 0:
        raise RecordingError(
            f"{trace.name} has the clock {clock[:32]} without its frequency, so no time: {TIMES_CLOCK}"
        )
    return clock


def read_rings(trace: Trace, sink: Sink, progress: Callable[[int], None]) -> About:
    """Choose a buffer, and read it."""
    about, d = trace.about, trace.description
    plans = Plans(d.byteorder, d.states)
    for format_ in planned(d.formats):
        plans.add(format_)
    about.event_names = plans.names
    commit, data = d.header_page.get("commit"), d.header_page.get("data")
    commit_size, data_at = (commit.size, data.at) if commit and data else (d.long_size, 8 + d.long_size)
    if commit_size not in (4, 8) or not 8 + commit_size <= data_at <= 64:
        raise RecordingError(
            f"{trace.name} is damaged: the format of its pages gives their length {commit_size} bytes "
            f"and their data the place {data_at}"
        )
    buffers = [buffer for buffer in trace.buffers if buffer.cpus]
    if not buffers:
        raise RecordingError(f"{trace.name} holds no events at all")
    require_apart(trace, buffers)
    if len(buffers) == 1:
        require_time(trace, buffers[0])
    rings = make_rings(trace, buffers, plans, sink, (commit_size, data_at))
    wanted, about.clock = choose(trace, buffers, rings, plans)
    rings.scale(trace.mult, trace.shift)
    rings.read(wanted, lambda nr_pages: progress(nr_pages * buffers[0].page_size))
    complain(trace, rings)
    return about


def require_apart(trace: Trace, buffers: list[Buffer]) -> None:
    """Refuses CPUs that share pages: each of them would read the whole file."""
    places = sorted((cpu.at, cpu.at + cpu.size) for buffer in buffers for cpu in buffer.cpus)
    for (_, end), (at, _) in pairwise(places):
        if at < end:
            raise damage(trace.name, at, f"no pages of a second CPU: those of the first end at byte {end}")


def make_rings(
    trace: Trace, buffers: list[Buffer], plans: Plans, sink: Sink, layout: tuple[int, int]
) -> Rings:
    """All CPUs of all buffers, in the order in which ties are broken."""
    rings = Rings(plans, sink, trace.description.byteorder, *layout)
    places = [(cpu.cpu, i, cpu) for i, buffer in enumerate(buffers) for cpu in buffer.cpus]
    for number, i, cpu in sorted(places, key=lambda place: place[:2]):
        if layout[1] >= buffers[i].page_size:
            raise RecordingError(f"{trace.name} is damaged: it has pages of {buffers[i].page_size} bytes")
        rings.add_cpu(i, number, buffers[i].page_size, pages_of(trace, buffers[i], cpu))
    return rings


def choose(trace: Trace, buffers: list[Buffer], rings: Rings, plans: Plans) -> tuple[list[set[str]], str]:
    """Which events are taken from which buffer, and the clock of their times."""
    if len(buffers) == 1:
        return [set(plans.names)], require_time(trace, buffers[0])
    counts = rings.count()
    first = next((i for i, count in enumerate(counts) if "sched_switch" in count), 0)
    clock = require_time(trace, buffers[first])
    wanted: list[set[str]] = [set() for _ in buffers]
    wanted[first] = taken = set(counts[first])
    for i, count in enumerate(counts):
        new = set(count) - taken
        same = (buffers[i].clock or trace.clock or "local") == clock
        if i != first:
            wanted[i] = new if same else set()
            left_out = sorted(set(count) - wanted[i])
            taken = taken | wanted[i]
            if left_out:
                why = (
                    "they are in another buffer already"
                    if same
                    else f"its clock is {buffers[i].clock}, not {clock}"
                )
                trace.about.warnings.append(f"{buffers[i].title}: left out {', '.join(left_out)}; {why}")
    return wanted, clock


def pages_of(trace: Trace, buffer: Buffer, cpu: Cpu) -> Callable[[], Iterator[bytes | memoryview]]:
    """What gives the pages of a CPU, once for each call."""
    if not buffer.is_compressed or trace.compression == "none":
        end = min(cpu.at + cpu.size, len(trace.data))
        if cpu.at + cpu.size > len(trace.data):
            nr = max(end - cpu.at, 0) // buffer.page_size
            trace.about.warnings.append(
                f"cut at byte {len(trace.data)}: of CPU {cpu.cpu} there are {nr} of "
                f"{cpu.size // buffer.page_size} pages"
            )
        return lambda: iter([trace.data[cpu.at : end]] if cpu.at < end else [])
    return lambda: _chunks(trace, cpu)


def _chunks(trace: Trace, cpu: Cpu) -> Iterator[bytes]:
    # The size of a CPU leaves out the four bytes of the count; the sizes of the chunks are right.
    b = trace.part(cpu.at, f"the pages of CPU {cpu.cpu}", cpu.size + 4)
    for _ in range(b.u32("the number of chunks")):
        yield unpacked(trace, b, f"a chunk of CPU {cpu.cpu}")


def complain(trace: Trace, rings: Rings) -> None:
    """What could not be used, and what the kernel says it lost."""
    about = trace.about
    about.nr_records = rings.nr_entries
    lost = sum(lost_by_stats(text) for text in trace.stats)
    about.nr_lost = max(rings.nr_lost, lost)
    about.warn(rings.nr_short, "events are shorter than their format says: left out")
    about.warn(rings.nr_damaged, f"pages are damaged, the first is {rings.damage}: read up to there")


def lost_by_stats(text: str) -> int:
    """Events lost by a CPU's own statistics."""
    found = re.findall(r"^(?:overrun|dropped events): (\d{1,15})$", text, re.MULTILINE)
    return sum(int(number) for number in found)
