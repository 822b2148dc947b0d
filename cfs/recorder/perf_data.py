"""A perf.data without what is nobody's business: paths, the command line, the host's name, kernel addresses.

What it decides: what of a perf.data goes into a ``.cfsrec``. Kept is what a reader of the scheduler's events
needs: the attributes of the events, the formats, the kernel's release, the number of CPUs, samples of the
scheduler's tracepoints, losses. Left out are the names of files that were mapped, build ids, and the symbols
of the kernel; addresses in samples become 0. With an `Alias`, names of tasks in the samples are others.

K1  What is written is a perf.data that `cfs` and perf read; its events are those of the input, in its order.
K2  A sample is kept only if its event has no text but names of tasks.
K3  What is not understood is a `RecordingError`, and nothing is passed on unseen.

Rejected: `perf script` for all (its text leaves out interrupts and losses).
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import RecordingError
from ..recordings.binary import Bytes, damage, decoded
from ..recordings.perf_data import FILE_HEADER_BYTES, Attr, read_attrs, read_feature_bits, read_section
from ..recordings.tracepoints import Description, Field, Format, read_description
from .alias import Alias

__all__ = ["strip"]

MAGIC = b"PERFILE2" if sys.byteorder == "little" else b"2ELIFREP"
TRACING_DATA, OSRELEASE, ARCH, NRCPUS, EVENT_DESC, SAMPLE_TIME, CLOCKID = 1, 4, 6, 7, 12, 21, 23
FEATURES = (TRACING_DATA, OSRELEASE, ARCH, NRCPUS, EVENT_DESC, SAMPLE_TIME, CLOCKID)
COMM, SAMPLE, COMPRESSED = 3, 9, 81
RECORDS = {2, 4, 5, 6, 7, 8, 13, 14, 15, 68, 69, 79}
"""Records of numbers alone: LOST, EXIT, THROTTLE, UNTHROTTLE, FORK, READ, LOST_SAMPLES, SWITCH,
SWITCH_CPU_WIDE, FINISHED_ROUND, ID_INDEX, TIME_CONV."""
IP, ADDR, READ, CALLCHAIN, RAW, IDENTIFIER, CGROUP = (1 << bit for bit in (0, 3, 4, 5, 10, 16, 21))
FIXED = IDENTIFIER | 0b11_1100_1111
"""Parts of a sample before its raw data that take 8 bytes each: all but values read and the stack."""
KNOWN = FIXED | READ | CALLCHAIN | RAW | CGROUP
GROUPED, NAME_BYTES = 1 << 3, 16
HEADER = struct.Struct("=IHH")


def strip(data: memoryview, out: BinaryIO, alias: Alias | None = None, name: str = "perf.data") -> None:
    """Write what of a perf.data is kept.

    Parameters
    ----------
    data : memoryview
        The file.
    out : binary file object
        It is written from where it stands, and must be able to seek.
    alias : Alias, optional
        Other names for tasks.

    Raises
    ------
    RecordingError
        K3.
    """
    head = Bytes(data, name, 0, sys.byteorder)
    if (
        bytes(head.take(8, "perf's magic")) != MAGIC
        or head.u64("the size of the header") != FILE_HEADER_BYTES
    ):
        raise damage(name, 0, "the header of a perf.data file of this machine")
    attr_size = head.u64("the size of an attr")
    attrs = list(read_attrs(read_section(head, data, "the attributes of the events"), attr_size, data))
    begin, length = head.u64("the place of the data"), head.u64("the size of the data")
    head.at += 16
    features = _features(data, begin + length, read_feature_bits(head), name)
    description = read_description(Bytes(features[TRACING_DATA], name, 0, sys.byteorder))
    samples = _Samples([attr for _, attr in attrs], description, alias, name)
    features[TRACING_DATA] = _without_symbols(features[TRACING_DATA], description)
    base = out.tell()
    out.write(bytes(FILE_HEADER_BYTES))
    where = _write_attrs(out, base, attrs)
    data_at = out.tell() - base
    for record in _records(data[begin : begin + length], begin, samples, name):
        out.write(record)
    size = out.tell() - base - data_at
    _write_features(out, base, features)
    bits = sum(1 << bit for bit in features)
    words = [bits >> 64 * i & (1 << 64) - 1 for i in range(4)]
    out.seek(base)
    out.write(struct.pack("=8s12Q", MAGIC, FILE_HEADER_BYTES, attr_size, *where, data_at, size, 0, 0, *words))
    out.seek(0, 2)


# ------------------------------------------------------------------------------------------------- the header


def _features(data: memoryview, at: int, bits: list[int], name: str) -> dict[int, bytes]:
    """The features that are kept."""
    table, found = Bytes(data[at:], name, at, sys.byteorder), {}
    for bit in bits:
        section = read_section(table, data, f"feature {bit}")
        if bit in FEATURES:
            found[bit] = bytes(section.data)
    if TRACING_DATA not in found:
        raise RecordingError(f"{name} does not describe its events")
    return found


def _without_symbols(tracing: bytes, description: Description) -> bytes:
    """The formats of the events, and empty tables in place of what follows them."""
    return tracing[: description.end] + bytes(16 if description.has_cmdlines else 8)


def _write_attrs(out: BinaryIO, base: int, attrs: list[tuple[bytes, Attr]]) -> tuple[int, int]:
    """Ids, then attrs with their places; the place and the size of the attrs."""
    places = []
    for _, attr in attrs:
        places.append((out.tell() - base, 8 * len(attr.ids)))
        out.write(struct.pack(f"={len(attr.ids)}Q", *attr.ids))
    at = out.tell() - base
    for (raw, _), place in zip(attrs, places):
        out.write(raw + struct.pack("=2Q", *place))
    return at, out.tell() - base - at


def _write_features(out: BinaryIO, base: int, features: dict[int, bytes]) -> None:
    """The table of places, then the features."""
    at = out.tell() - base + 16 * len(features)
    for bit in sorted(features):
        out.write(struct.pack("=2Q", at, len(features[bit])))
        at += len(features[bit])
    for bit in sorted(features):
        out.write(features[bit])


# ------------------------------------------------------------------------------------------------ the records


def _records(
    data: memoryview, offset: int, samples: _Samples, name: str
) -> Iterator[bytes | bytearray | memoryview]:
    at, length = 0, len(data)
    while at + 8 <= length:
        kind, _, size = HEADER.unpack_from(data, at)
        if size < 8 or at + size > length:
            raise damage(name, offset + at, "a whole record")
        if kind == SAMPLE:
            if kept := samples.kept(data[at : at + size]):
                yield kept
        elif kind in RECORDS:
            yield data[at : at + size]
        elif kind == COMM and samples.alias is None:
            yield data[at : at + size]
        elif kind == COMPRESSED:
            raise RecordingError(f"{name} is compressed; record without -z")
        at += size


class _Samples:
    """Which samples are kept, and what becomes of the names in them."""

    def __init__(self, attrs: list[Attr], description: Description, alias: Alias | None, name: str) -> None:
        self.alias, self.name = alias, name
        self.names_at = {f.id: at for f in description.formats if (at := _names_in(f)) is not None}
        self.attrs = {id_: attr for attr in attrs for id_ in attr.ids}
        kinds = {attr.sample_type for attr in attrs}
        self.only = attrs[0] if len(kinds) == 1 and len({attr.read_format for attr in attrs}) == 1 else None
        if self.only is None and not all(kind & IDENTIFIER for kind in kinds):
            raise RecordingError(f"{name} has samples of several shapes that do not say which they are")

    def kept(self, record: memoryview) -> bytes | bytearray | None:
        """The sample as it is written; None if its event may hold other texts."""
        attr = self.only or self.attrs.get(_int(record[8:16]))
        if attr is None or not attr.sample_type & RAW:
            return None
        at = self._raw_at(record, attr)
        size = _int(record[at : at + 4])
        event = _int(record[at + 4 : at + 6])
        names = self.names_at.get(event)
        if names is None or at + 4 + size > len(record):
            return None
        blank = bytearray(record)
        _forget_addresses(blank, attr, at)
        return blank if self.alias is None else self._renamed(memoryview(blank), at + 4, names, self.alias)

    def _raw_at(self, record: memoryview, attr: Attr) -> int:
        kind = attr.sample_type
        if kind & ~KNOWN:
            raise RecordingError(f"{self.name} has samples that may hold memory or registers ({kind:#x})")
        at = _chain_at(record, attr)
        return at + 8 + 8 * _int(record[at : at + 8]) if kind & CALLCHAIN else at

    def _renamed(self, record: memoryview, raw: int, names: list[Field], alias: Alias) -> bytes:
        """The sample with other names: arrays in place, others behind what was there, which needs no size."""
        size = _int(record[raw - 4 : raw])
        new = bytearray(record[raw : raw + size])
        for field in names:
            if field.how == "text":
                _put(new, field.at, _in_array(_renamed(bytes(new[field.at : field.at + NAME_BYTES]), alias)))
            elif field.at + 4 <= size:
                _rename_elsewhere(new, field, alias)
        new += bytes(-(len(new) + 4) % 8)
        kind, misc, _ = HEADER.unpack_from(record)
        rest = bytes(record[raw + size :])
        whole = bytes(record[8 : raw - 4]) + struct.pack("=I", len(new)) + bytes(new) + rest
        return HEADER.pack(kind, misc, 8 + len(whole)) + whole


def _chain_at(record: memoryview | bytearray, attr: Attr) -> int:
    """Where the stack is, or would be: behind the parts of 8 bytes, and the values read."""
    at = 8 + 8 * (attr.sample_type & FIXED).bit_count()
    return at + _values_bytes(record, at, attr.read_format) if attr.sample_type & READ else at


def _values_bytes(record: memoryview | bytearray, at: int, read_format: int) -> int:
    times, each = (read_format & 3).bit_count(), 1 + (read_format & 0b10100).bit_count()
    if not read_format & GROUPED:
        return 8 * (times + each)
    return 8 * (1 + times + _int(record[at : at + 8]) * each)


def _forget_addresses(sample: bytearray, attr: Attr, raw_at: int) -> None:
    """Zeros in place of where the kernel was and what it touched, and no stack: its entries become 0."""
    kind = attr.sample_type
    for bit in (IP, ADDR):
        if kind & bit:
            at = 8 + 8 * (kind & (IDENTIFIER | bit - 1)).bit_count()
            sample[at : at + 8] = bytes(8)
    if kind & CALLCHAIN:
        chain = _chain_at(sample, attr)
        sample[chain + 8 : raw_at] = bytes(raw_at - chain - 8)


def _int(raw: memoryview | bytearray) -> int:
    return int.from_bytes(raw, "little" if sys.byteorder == "little" else "big")


def _put(new: bytearray, at: int, text: bytes) -> None:
    if at + len(text) <= len(new):
        new[at : at + len(text)] = text


def _renamed(old: bytes, alias: Alias) -> bytes:
    return alias.name(decoded(old.partition(b"\0")[0])).encode("utf-8", "surrogateescape")


def _in_array(text: bytes) -> bytes:
    return text[: NAME_BYTES - 1].ljust(NAME_BYTES, b"\0")


def _rename_elsewhere(new: bytearray, field: Field, alias: Alias) -> None:
    """A name of which the field says the place and the length: 16 bits each, the length in the upper ones."""
    place = _int(new[field.at : field.at + 4])
    at, length = place & 0xFFFF, place >> 16
    at += field.at + 4 if field.how == "rel_loc" else 0
    if at + length > len(new):
        at = length = 0
    text = _renamed(bytes(new[at : at + length]), alias) + b"\0"
    new[at : at + length] = bytes(length)
    start = len(new) - (field.at + 4 if field.how == "rel_loc" else 0)
    _put(new, field.at, struct.pack("=I", start | len(text) << 16))
    new += text


def _names_in(format_: Format) -> list[Field] | None:
    """The fields of an event that are names; None if it is not the scheduler's, or has other texts (K2)."""
    if format_.system != "sched" or not format_.name.startswith("sched_"):
        return None
    texts = {name: field for name, field in format_.fields.items() if field.how != "integer"}
    return list(texts.values()) if all(_is_name(name, field) for name, field in texts.items()) else None


def _is_name(name: str, field: Field) -> bool:
    return name.endswith("comm") and (field.how != "text" or field.size == NAME_BYTES)
