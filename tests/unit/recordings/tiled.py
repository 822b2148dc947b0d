"""Large perf.data files out of a small one: its data again and again, later each time."""

import gzip
import struct
from pathlib import Path

SMALL = Path(__file__).parents[2] / "data/formats/perf-default.data.gz"
SAMPLE, TIME_AT = 9, 32
SAMPLE_OF_SCHED = 0x10587  # identifier, ip, tid, time, cpu, period, raw


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
    struct.pack_into("<Q", content, 48, len(longer))
    behind = content[at + size :]
    nr_features = sum(bin(word).count("1") for word in struct.unpack_from("<4Q", content, 72))
    for i in range(nr_features):
        (place,) = struct.unpack_from("<Q", behind, 16 * i)
        struct.pack_into("<Q", behind, 16 * i, place + len(longer) - size)
    return bytes(content[:at] + longer + behind), times * len(places)


def samples_of(content, at, size):
    """Where in the data the times of the samples are."""
    places, place = [], 0
    while place < size:
        kind, _, length = struct.unpack_from("<IHH", content, at + place)
        if kind == SAMPLE:
            places.append(place + TIME_AT)
        place += length
    return places
