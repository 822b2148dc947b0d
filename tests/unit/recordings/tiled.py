"""Longer and shorter perf.data files out of a small one: its data again and again, later each time, or its beginning."""

import gzip
import struct
from pathlib import Path

SMALL = Path(__file__).parents[2] / "data/formats/perf-default.data.gz"
SAMPLE, COMPRESSED, TIME_AT = 9, 81, 32


def tiled(times, gap_ns=1_000_000):
    """perf.data with the data of `SMALL` so many times, and the number of its samples."""
    content = bytearray(gzip.decompress(SMALL.read_bytes()))
    at, size = struct.unpack_from("<2Q", content, 40)
    places, data = samples_of(content, at, size), content[at : at + size]
    clocks = [struct.unpack_from("<Q", data, place)[0] for place in places]
    span = max(clocks) - min(clocks) + gap_ns
    longer = bytearray()
    for turn in range(times):
        for place, clock in zip(places, clocks, strict=True):
            struct.pack_into("<Q", data, place, clock + turn * span)
        longer += data
    return with_data(content, longer), times * len(places)


def shortened(content, length):
    """perf.data with no more than so many bytes of its data, in whole records from the first sample on."""
    order = ">" if content.startswith(b"2") else "<"
    at, size = struct.unpack_from(f"{order}2Q", content, 40)
    place, start = 0, None
    while place < size:
        kind, _, more = struct.unpack_from(f"{order}IHH", content, at + place)
        start = place if start is None and kind in (SAMPLE, COMPRESSED) else start
        if start is not None and place > start and place + more > start + length:
            break
        place += more
    return with_data(content, content[at + (start or 0) : at + place])


def with_data(content, data):
    """perf.data with other data; what is behind it moves."""
    order = ">" if content.startswith(b"2") else "<"
    at, size = struct.unpack_from(f"{order}2Q", content, 40)
    head, behind = bytearray(content[:at]), bytearray(content[at + size :])
    struct.pack_into(f"{order}Q", head, 48, len(data))
    nr_features = sum(bin(word).count("1") for word in struct.unpack_from(f"{order}4Q", content, 72))
    for i in range(nr_features):
        (place,) = struct.unpack_from(f"{order}Q", behind, 16 * i)
        struct.pack_into(f"{order}Q", behind, 16 * i, place + len(data) - size)
    return bytes(head + data + behind)


def samples_of(content, at, size):
    """Where in the data the times of the samples are."""
    places, place = [], 0
    while place < size:
        kind, _, length = struct.unpack_from("<IHH", content, at + place)
        if kind == SAMPLE:
            places.append(place + TIME_AT)
        place += length
    return places
