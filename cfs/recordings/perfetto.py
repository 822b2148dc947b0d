"""Perfetto traces: the parts of the file that are read once.

What it decides: whether a file is one (there is no magic: its first packets must be messages through and
through), which kernel and clock its events are of, and what is said if it holds none. The events are read by
`_perfetto`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import RecordingError
from ._perfetto import NAMES, Bundles
from ._plan import Plans
from ._sink import Sink
from .about import About
from .source import unpacked_zlib, unpacked_zstd
from .tracepoints import states_of_kernel

__all__ = ["is_perfetto", "read_file"]

CLOCKS = {0: "boottime", 1: "unknown", 2: "global", 3: "local", 4: "mono_raw"}
TRACE_CONFIG, FTRACE_STATS, SYSTEM_INFO, COMPRESSED, COMPRESSED_ZSTD = 33, 34, 45, 50, 133
RATIO_MAX = 2000
PACKET_BYTES_MAX = 1 << 26
UNPACKED_BYTES_MAX = 1 << 31
NR_PACKETS_LOOKED_AT = 3
CONFIG = (
    'linux.ftrace with ftrace_events: "sched/sched_switch", "sched/sched_waking", "sched/sched_wakeup_new", '
    '"task/task_newtask"'
)


def is_perfetto(head: bytes) -> bool:
    """Whether a file begins as a Perfetto trace does: with packets that are whole messages."""
    at = nr = 0
    while at < len(head) and nr < NR_PACKETS_LOOKED_AT:
        if head[at] != 0x0A:
            return False
        length, start = _varint(head, at + 1)
        if start < 0 or start + length > len(head):
            return start > 0 and nr > 0
        if not length or not _is_message(head[start : start + length]):
            return False
        at, nr = start + length, nr + 1
    return nr > 0


def _is_message(data: bytes) -> bool:
    try:
        return all(1 <= number < 1000 for number, _ in fields_of(data))
    except ValueError:
        return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    # The value, and the place behind it; -1: it does not end.
    value = 0
    for i in range(10):
        if at + i >= len(data):
            break
        value |= (data[at + i] & 0x7F) << 7 * i
        if data[at + i] < 0x80:
            return value, at + i + 1
    return 0, -1


def fields_of(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message; `ValueError` where it is none."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if at < 0 or wire not in (0, 1, 2, 5):
            raise ValueError
        if wire == 0:
            value, at = _varint(data, at)
            if at < 0:
                raise ValueError
            yield key >> 3, value
            continue
        length, at = {1: (8, at), 5: (4, at)}.get(wire) or _varint(data, at)
        if at < 0 or at + length > len(data):
            raise ValueError
        yield key >> 3, data[at : at + length]
        at += length


def part(data: bytes, *path: int) -> list[bytes]:
    """The messages that are found along the fields of `path`; what is damaged is passed over."""
    found = [data]
    for number in path:
        found = [value for message in found for value in _parts(message, number)]
    return found


def _parts(data: bytes, number: int) -> list[bytes]:
    try:
        return [value for n, value in fields_of(data) if n == number and isinstance(value, bytes)]
    except ValueError:
        return []


class PerfettoTrace:
    """Reads one trace: what is read once, and what `Bundles` comes upon."""

    def __init__(self, name: str, sink: Sink) -> None:
        self.name = name
        self.about = About("Perfetto trace")
        self.plans = Plans("little", states_of_kernel(""))
        self.bundles = Bundles(self.plans, sink)
        self.sources: set[str] = set()
        self.lost: dict[int, dict[int, int]] = {}
        self.nr_unpacked = 0
        self.nr_damaged = 0

    def index(self, data: memoryview | bytes, depth: int = 0) -> int:
        """Look at some packets; how many bytes of whole ones there are."""

        def on_part(field: int, start: int, end: int) -> None:
            if field in (COMPRESSED, COMPRESSED_ZSTD):
                self.unpack(field, bytes(data[start:end]), depth)
            elif field in (TRACE_CONFIG, FTRACE_STATS, SYSTEM_INFO):
                self.note(field, bytes(data[start:end]))

        return self.bundles.index(data, on_part)

    def note(self, field: int, data: bytes) -> None:
        """A part of a packet that is no bundle."""
        if field == SYSTEM_INFO:
            for release in part(data, 1, 3):
                self.about.kernel = release.decode("utf-8", "replace")
            self.about.nr_cpus = _number(data, 8) or self.about.nr_cpus
        elif field == TRACE_CONFIG:
            self.sources.update(name.decode("utf-8", "replace") for name in part(data, 2, 1, 1))
        else:
            phase = _number(data, 1)
            for cpu in part(data, 2):
                self.lost.setdefault(_number(cpu, 1), {})[phase] = _number(cpu, 3) + _number(cpu, 8)

    def unpack(self, field: int, packed: bytes, depth: int) -> None:
        """Packets inside a packet, compressed; inside those there are none, or unpacking would have no end."""
        data = None if depth else self.unpacked(field, packed)
        if data is None:
            self.nr_damaged += 1
            return
        self.nr_unpacked += len(data)
        if self.nr_unpacked > UNPACKED_BYTES_MAX:
            raise RecordingError(
                f"{self.name} unpacks to more than {UNPACKED_BYTES_MAX >> 20} MiB; "
                "record a shorter time, or without compression"
            )
        if self.index(data, depth + 1) < len(data):
            self.nr_damaged += 1

    def unpacked(self, field: int, packed: bytes) -> bytes | None:
        """What a packet holds; None if it is damaged, or a bomb."""
        length_max = min(RATIO_MAX * len(packed), PACKET_BYTES_MAX)
        if field == COMPRESSED:
            return unpacked_zlib(packed, length_max)
        return unpacked_zstd(packed, length_max, f"{self.name} has packets", "record without compression")

    def require_bundles(self) -> None:
        """Refuses a trace without a bundle of ftrace events."""
        if self.bundles.nr_bundles == 0:
            holds = ", ".join(sorted(self.sources)) or "other data"
            raise RecordingError(
                f"{self.name} is a Perfetto trace of {holds[:200]}, without events of ftrace. "
                f"Record with {CONFIG}"
            )

    def finish(self) -> About:
        """What is to be said when all has been read."""
        b, about = self.bundles, self.about
        about.clock = ", ".join(CLOCKS.get(clock, f"clock {clock}") for clock in sorted(b.clocks))
        about.nr_records = b.nr_events
        about.nr_lost = sum(max(phases.get(2, 0) - phases.get(1, 0), 0) for phases in self.lost.values())
        about.event_names = [NAMES.get(number, "") for number in range(max(NAMES) + 1)]
        if len(b.clocks) > 1:
            raise RecordingError(
                f"{self.name} has events on different clocks ({about.clock}): their times cannot be compared"
            )
        about.warn(b.nr_damaged + self.nr_damaged, "parts of packets are damaged: left out")
        about.warn(b.nr_jumps, "events are more than 10 s later than those around them: left out")
        about.warn(b.nr_losses, "times events were lost before a bundle: who ran then is not known")
        about.warn(b.nr_drops, "times Perfetto dropped packets")
        about.warn(
            b.nr_gaps,
            "times who ran cannot be who was last switched to: a switch was not recorded, "
            "and who went, or who woke, is taken as unknown",
        )
        return about


def _number(data: bytes, number: int) -> int:
    try:
        return next((value for n, value in fields_of(data) if n == number and isinstance(value, int)), 0)
    except ValueError:
        return 0


def read_file(name: str, data: memoryview, sink: Sink, progress: Callable[[int], None]) -> About:
    """Read a Perfetto trace that is there as a whole."""
    trace = PerfettoTrace(name, sink)
    taken = trace.index(data)
    if taken < len(data):
        trace.about.warnings.append(
            f"cut or damaged at byte {taken} of {len(data)}, where a packet should be: read up to there"
        )
    trace.require_bundles()
    trace.plans.set_states(states_of_kernel(trace.about.kernel))
    trace.bundles.read(lambda nr: progress(taken))
    return trace.finish()
