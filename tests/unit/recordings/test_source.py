"""Where a recording comes from, and what is refused: by content, with a sentence."""

import gzip
import io
import os
import random
import sys
import time
import types
from pathlib import Path

import pytest

from cfs import MissingExtraError, RecordingError
from cfs.recordings import Recording

from .lines import A, B, head, switch, text, wake

LINES = text(*(switch(1000 * i, *((A, B) if i % 2 == 0 else (B, A))) for i in range(5000)))


def opened(content, **options):
    return Recording.open(io.BytesIO(content), **options)


def refused(content):
    with pytest.raises(RecordingError) as caught:
        opened(content)
    return str(caught.value)


def test_a_path_is_opened(tmp_path):
    path = tmp_path / "rec.txt"
    path.write_bytes(LINES)
    assert (Recording.open(path).nr_switches, Recording.open(str(path)).name) == (5000, "rec.txt")


def test_gzip_is_seen_from_the_content(tmp_path):
    path = tmp_path / "rec.txt"  # the name says nothing
    path.write_bytes(gzip.compress(LINES))
    assert Recording.open(path).nr_switches == 5000


def test_gzip_files_may_follow_each_other():
    half = LINES.index(b"\n", len(LINES) // 2) + 1
    assert opened(gzip.compress(LINES[:half]) + gzip.compress(LINES[half:])).nr_switches == 5000


def test_zeros_may_pad_a_gzip_file():
    assert opened(gzip.compress(LINES) + bytes(1000)).warnings == []


def test_a_pipe_that_gives_a_byte_at_a_time_is_read():
    class Slow(io.RawIOBase):
        def __init__(self):
            self.rest = io.BytesIO(gzip.compress(text(switch(0, A, B))))

        def read(self, size=-1):
            return self.rest.read(1)

    assert Recording.open(Slow()).nr_switches == 1


def test_a_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES)))
    recording = Recording.open("-")
    assert (recording.nr_switches, recording.name) == (5000, "stdin")


def test_progress_is_told_of_a_file(tmp_path):
    path = tmp_path / "rec.txt"
    path.write_bytes(LINES)
    told = []
    Recording.open(path, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(LINES), len(LINES)) and len(told) > 1


def test_progress_of_a_stream_has_no_total():
    told = []
    opened(LINES, progress=lambda done, total: told.append(total))
    assert set(told) == {None}


def test_a_cut_gzip_file_gives_what_came_before():
    recording = opened(gzip.compress(LINES)[:-3000])
    assert 0 < recording.nr_switches < 5000 and any("cut" in warning for warning in recording.warnings)


def test_a_damaged_gzip_file_gives_what_came_before():
    packed = bytearray(gzip.compress(LINES))
    packed[-6] ^= 0xFF  # the checksum
    recording = opened(bytes(packed))
    assert recording.nr_switches >= 4998 and any("damaged" in warning for warning in recording.warnings)


# ---- zstd


def zstd(content):
    return pytest.importorskip("zstandard").compress(content)


def test_zstd_is_seen_from_the_content(tmp_path):
    path = tmp_path / "rec.txt"
    path.write_bytes(zstd(LINES))
    recording = Recording.open(path)
    assert (recording.nr_switches, recording.warnings) == (5000, [])


def test_zstd_frames_may_follow_each_other():
    half = LINES.index(b"\n", len(LINES) // 2) + 1
    recording = opened(zstd(LINES[:half]) + zstd(LINES[half:]))
    assert (recording.nr_switches, recording.warnings) == (5000, [])


def test_a_cut_zstd_file_gives_what_came_before():
    named = [("a" if i % 2 else f"b{i}", 101 + i % 2) for i in range(20_000)]
    packed = zstd(text(*(switch(1000 * i, task, B) for i, task in enumerate(named))))
    recording = opened(packed[: len(packed) * 3 // 4])
    assert 0 < recording.nr_switches < 20_000 and any("cut" in warning for warning in recording.warnings)


def test_a_damaged_zstd_file_gives_what_came_before():
    recording = opened(zstd(LINES) + zstd(LINES)[:10] + b"\xff" * 50)
    assert recording.nr_switches == 5000 and any("damaged" in warning for warning in recording.warnings)


@pytest.mark.slow
def test_a_bomb_of_zstd_takes_time_but_no_memory():
    import tracemalloc

    bomb = zstd(bytes(1 << 28))
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError):
            opened(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 26


class OneFrame:
    """What Python 3.14's own module has: an object for one frame."""

    def __init__(self):
        self.frame = pytest.importorskip("zstandard").ZstdDecompressor().decompressobj()
        self.decompress = self.frame.decompress

    eof = property(lambda self: self.frame.eof)
    unused_data = property(lambda self: self.frame.unused_data)


def test_python_3_14_needs_no_extra(monkeypatch):
    ours = types.SimpleNamespace(ZstdDecompressor=OneFrame, ZstdError=ValueError)
    packed = zstd(LINES)
    monkeypatch.setitem(sys.modules, "compression", types.SimpleNamespace(zstd=ours))
    monkeypatch.setitem(sys.modules, "compression.zstd", ours)
    OneFrame()
    assert opened(packed).nr_switches == 5000


def test_without_the_extra_zstd_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    with pytest.raises(MissingExtraError, match=r"\.\[zstd\].*zstdcat"):
        opened(b"\x28\xb5\x2f\xfd" + bytes(100))


# ---- refused


def test_a_perf_data_file_of_version_1_is_named():
    assert "2.6.33" in refused(b"PERFFILE" + bytes(1000))


def test_a_compressed_perf_data_file_of_version_1_is_named():
    assert "2.6.33" in refused(gzip.compress(b"PERFFILE" + bytes(1000)))


@pytest.mark.parametrize(
    ("magic", "word"),
    [
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh9", "bzip2"),
        ("# tracer: nop\n".encode("utf-16"), "iconv"),
        (b"PK\x03\x04", "zip"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"TRACE:\n\x78\x9c", "atrace -z"),
        (b"/* CTF 1.8 */", "CTF"),
        (b"\xc1\x1f\xfc\xc1", "LTTng"),
        (b"\x7fELF", "a program"),
        (b"x" * 257 + b"ustar\0", "tar"),
        (b' {"traceEvents": [', "JSON"),
        (b'[{"ph": "X"}', "JSON"),
        (b"   time    cpu  task name   wait time  sch delay   run time\n", "perf sched timehist"),
        (b"\x13\x37\0\0\xff", "13 37 00 00 ff"),
    ],
)
def test_other_formats_are_named(magic, word):
    assert word in refused(magic + bytes(100))


@pytest.mark.parametrize(("file", "word"), [("header", "--threads"), ("metadata", "CTF"), ("trace_pipe", "tracefs"),
                                              ("x", "a folder")])  # fmt: skip
def test_folders_are_named(tmp_path, file, word):
    (tmp_path / file).touch()
    with pytest.raises(RecordingError, match=word):
        Recording.open(tmp_path)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")])
def test_an_empty_file_is_refused(content):
    assert "empty" in refused(content)


def test_text_without_events_is_refused_with_its_line():
    text = refused(b"hello\nworld\n")
    assert "is no recording: no event in 2 lines, from line 1 on; recordings are" in text and names_all_kinds(text)


def names_all_kinds(text):
    return all(kind in text for kind in ("perf.data", "trace.dat", "Perfetto", ".cfsrec", "perf script", "ftrace"))


def test_binary_content_is_refused():
    assert names_all_kinds(refused(random.Random(1).randbytes(200_000)))


def test_endless_zeros_are_refused_soon():
    class Zeros(io.RawIOBase):
        def read(self, size=-1):
            return bytes(size)

    with pytest.raises(RecordingError):
        Recording.open(Zeros())


def test_events_of_others_are_refused():
    assert "none of the scheduler" in refused(text(head(A, 0, 5) + "irq:irq_handler_entry: irq=1 name=x"))


def test_scheduler_events_without_switches_are_refused():
    assert "sched_switch" in refused(text(wake(0, A, B), wake(9, A, B)))


def test_a_text_that_is_not_sorted_is_refused_with_a_line():
    lines = [switch((10 - i) * 10_000_000, A, B) for i in range(8)]
    message = refused(text(*lines))
    assert "not sorted" in message and "line 2" in message


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordingError) as caught:
        Recording.open(tmp_path / "none")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(RecordingError):
        Recording.open(tmp_path)


def test_a_file_opened_as_text_is_refused():
    with pytest.raises(RecordingError, match="rb"):
        Recording.open(io.StringIO(LINES.decode()))


def test_a_read_error_is_chained():
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError("the disk is gone")

    with pytest.raises(RecordingError, match="the disk is gone") as caught:
        Recording.open(Broken())
    assert isinstance(caught.value.__cause__, OSError)


# ---- memory


@pytest.mark.slow
def test_memory_grows_with_the_switches_at_most_64_bytes_each():
    import tracemalloc

    lines = text(
        *(
            line
            for i in range(20_000)
            for line in (
                wake(3000 * i, B, A),
                wake(3000 * i + 1000, B, A, "wakeup"),
                switch(3000 * i + 2000, B, A),
                switch(3000 * i + 2500, A, B),
            )
        )
    )
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        recording = opened(gzip.compress(lines, 1))
        grown = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    fixed = len(gzip.compress(lines, 1)) + (1 << 20) + (1 << 19)  # the file, and a block packed and unpacked
    assert grown - fixed <= 64 * recording.nr_switches
