"""perf.data as `perf record --all-cgroups` writes it, out of one without: a number in each sample, and records CGROUP."""

import struct

from tests.unit.recordings.tiled import with_data

SAMPLE, CGROUP, HEADER_ATTR, TRACING_DATA = 9, 19, 64, 66
S_FIXED, S_CGROUP = 0x103CF, 1 << 21


def grouped(content, number_of, paths=(), more=0, behind=b""):
    """The same events, each in a control group.

    Parameters
    ----------
    content : bytes
        A file of either byte order, or a pipe; samples have no values read and no stack.
    number_of : callable
        Of the number of a sample and the thread that was running the number of its group.
    paths : iterable of (int, bytes)
        Records CGROUP in front of the first sample; the path with its NULs.
    more : int
        Further bits of sample_type, whose parts `behind` are put behind the group of each sample.
    """
    order = ">" if content.startswith(b"2") else "<"
    is_pipe = struct.unpack_from(f"{order}Q", content, 8) == (16,)
    content = bytearray(content)
    if not is_pipe:
        at, size = struct.unpack_from(f"{order}2Q", content, 24)
        (each,) = struct.unpack_from(f"{order}Q", content, 16)
        kind = max(with_bits(content, order, place, S_CGROUP | more) for place in range(at, at + size, each))
        at, size = struct.unpack_from(f"{order}2Q", content, 40)
        return with_data(bytes(content), regrouped(order, content[at : at + size], kind, number_of, paths, behind))
    place, kind = 16, 0
    while struct.unpack_from("<I", content, place) == (HEADER_ATTR,):
        kind = max(kind, with_bits(content, order, place + 8, S_CGROUP | more))
        place += struct.unpack_from("<IHH", content, place)[2]
    return bytes(content[:16] + regrouped(order, content[16:], kind, number_of, paths, behind))


def with_bits(content, order, attr, bits):
    """Sets bits of the sample_type of an attr; what it was before. That of tracepoints is the greatest, as it has RAW."""
    (kind,) = struct.unpack_from(f"{order}Q", content, attr + 24)
    struct.pack_into(f"{order}Q", content, attr + 24, kind | bits)
    return kind


def regrouped(order, data, kind, number_of, paths, behind):
    """The records, with groups."""
    raw = 8 + 8 * bin(kind & S_FIXED).count("1") + 4
    out, place, nr = bytearray(), 0, 0
    while place < len(data):
        what, misc, size = struct.unpack_from(f"{order}IHH", data, place)
        record = data[place : place + size]
        if what == SAMPLE:
            if nr == 0:
                out += b"".join(cgroup(order, number, path) for number, path in paths)
            (tid,) = struct.unpack_from(f"{order}i", record, raw + 4)  # common_pid
            record += struct.pack(f"{order}Q", number_of(nr, tid)) + behind
            struct.pack_into(f"{order}H", record, 6, len(record))
            nr += 1
        elif what == TRACING_DATA:
            size += struct.unpack_from(f"{order}I", record, 8)[0] + 7 & ~7
            record = data[place : place + size]
        out += record
        place += size
    return out


def cgroup(order, number, path, trailer=bytes(32)):
    """A record CGROUP. The trailer of perf-default and its like has four numbers; made up by perf, they are 0."""
    path += bytes(-len(path) % 8)
    return struct.pack(f"{order}IHHQ", CGROUP, 0, 16 + len(path) + len(trailer), number) + path + trailer
