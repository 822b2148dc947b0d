"""The file of `cfs record`: written, read, and refused where it is not one."""

import gzip
import io
import random
import struct
import zipfile
from pathlib import Path

import pytest

from cfs import RecordingError
from cfs.recordings import Recording, cfsrec
from cfs.recordings.surroundings import Surroundings, to_json
from tests.unit.recordings import readings
from tests.unit.recordings.lines import A, B, switch, text

LINES = text(*(switch(1000 * i, *((A, B) if i % 2 == 0 else (B, A))) for i in range(100)))
SAID = Surroundings(kernel="6.18.44", clock="CLOCK_MONOTONIC", hz=250)
JSON = to_json(SAID)


def written(tmp_path, said=SAID, recording=LINES):
    path = tmp_path / "x.cfsrec"
    cfsrec.write(path, said, io.BytesIO(recording))
    return path


def zipped(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def refused(content):
    with pytest.raises(RecordingError) as caught:
        Recording.open(io.BytesIO(content))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    return str(caught.value)


def test_what_is_written_is_read(tmp_path):
    recording = Recording.open(written(tmp_path))
    assert (recording.name, recording.kind, recording.nr_switches) == ("x.cfsrec", "perf script", 100)
    assert recording.surroundings == SAID
    assert (recording.kernel, recording.clock) == ("6.18.44", "CLOCK_MONOTONIC")


def test_perf_data_in_it_is_read(tmp_path):
    content = readings.data_of("perf-monotonic.data")
    alone, packed = Recording.open(io.BytesIO(content)), Recording.open(written(tmp_path, recording=content))
    assert packed.packed_events.tobytes() == alone.packed_events.tobytes()
    assert (
        packed.kind == "perf.data"
        and packed.surroundings.cpus_in_machine == 2
        and packed.surroundings.hz == 250
    )


def test_the_same_content_is_the_same_bytes(tmp_path):
    first = written(tmp_path).read_bytes()
    assert written(tmp_path).read_bytes() == first
    assert [info.filename for info in zipfile.ZipFile(io.BytesIO(first)).infolist()] == [
        "surroundings.json",
        "recording",
    ]


def test_it_is_read_from_a_stream_and_packed_once_more(tmp_path):
    content = written(tmp_path).read_bytes()
    for given in (content, gzip.compress(content)):
        assert Recording.open(io.BytesIO(given)).surroundings == SAID


def test_progress_is_told(tmp_path):
    told = []
    Recording.open(written(tmp_path), progress=lambda done, total: told.append(done))
    assert told[-1] == len(LINES)


def test_the_members_may_be_in_any_order_and_stored():
    content = zipped([("recording", LINES), ("surroundings.json", JSON)], zipfile.ZIP_STORED)
    assert Recording.open(io.BytesIO(content)).surroundings == SAID


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError("gone")

    path = tmp_path / "x.cfsrec"
    path.write_bytes(b"before")
    with pytest.raises(OSError, match="gone"):
        cfsrec.write(path, SAID, Broken())
    assert [p.name for p in tmp_path.iterdir()] == ["x.cfsrec"] and path.read_bytes() == b"before"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], "is no recording: it begins with"),
        ([("perf.data", LINES)], "is a zip archive; unpack it, and give the recording in it"),
        ([("recording", LINES)], "is a zip archive"),
        ([("surroundings.json", JSON)], "no member 'recording'"),
        ([("surroundings.json", JSON), ("recording", LINES), ("../../etc/passwd", b"x")], "../../etc/passwd"),
        ([("surroundings.json", JSON), ("../recording", LINES)], "no member 'recording'"),
        ([("surroundings.json", JSON), ("/recording", LINES)], "no member 'recording'"),
        ([("surroundings.json", JSON), ("recording", b"")], "is empty"),
        ([("surroundings.json", JSON), ("recording", b"\0\1\2")], "is no recording: it begins with"),
        ([("surroundings.json", JSON), ("recording", b"no recording\n" * 9)], "no event in 9 lines"),
        ([("surroundings.json", JSON), ("recording", b"\x7fELF")], "a program"),
        ([("surroundings.json", JSON), ("recording", zipped([("recording", LINES)]))], "another zip archive"),
        ([("surroundings.json", b"{"), ("recording", LINES)], "no JSON"),
        ([("surroundings.json", b'{"schema": "cfs-recording/9"}'), ("recording", LINES)], "cfs-recording/9"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_z1_other_archives_are_refused(members, words):
    assert words in refused(zipped(members))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_z1_a_member_twice_is_refused():
    assert "twice" in refused(
        zipped([("surroundings.json", JSON), ("recording", LINES), ("recording", LINES)])
    )


def test_z1_a_password_is_refused():
    content = bytearray(zipped([("surroundings.json", JSON), ("recording", LINES)]))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    assert "encrypted" in refused(bytes(content))


def test_z1_an_unknown_packing_is_refused():
    content = bytearray(zipped([("surroundings.json", JSON), ("recording", LINES)]))
    for at in (8, content.index(b"PK\1\2") + 10):
        struct.pack_into("<H", content, at, 97)
    assert "compression" in refused(bytes(content))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_z1_a_packing_that_no_cfsrec_has_is_refused(method):
    """What is damaged in one raises what its module raises, LZMAError for example."""
    content = zipped([("surroundings.json", JSON), ("recording", LINES)], method)
    assert f"its compression is number {method}, neither none nor deflate" in refused(content)


def test_z1_damage_is_one_sentence_wherever_it_is(tmp_path):
    """Or the recording is read: not every byte matters."""
    content, draw = written(tmp_path).read_bytes(), random.Random(1)
    for _ in range(400):
        broken = bytearray(content)
        for _ in range(draw.choice([1, 1, 3])):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        try:
            Recording.open(io.BytesIO(broken))
        except RecordingError as error:
            assert "\n" not in str(error)


def test_z1_a_cut_file_is_one_sentence(tmp_path):
    content = written(tmp_path).read_bytes()
    for length in range(4, len(content), 13):
        assert "is damaged, cut" in refused(content[:length])


def test_z1_damaged_content_is_seen_by_its_checksum(tmp_path):
    content = zipped([("surroundings.json", JSON), ("recording", LINES)], zipfile.ZIP_STORED)
    assert "CRC" in refused(content.replace(b"prev_comm=a", b"prev_comm=x", 1))


def test_z2_a_bomb_of_json_is_refused(monkeypatch):
    """A thousand times as large as it is packed."""
    monkeypatch.setattr(cfsrec, "JSON_BYTES_MAX", 1 << 20)
    content = zipped([("surroundings.json", b" " * (5 << 20)), ("recording", LINES)])
    assert len(content) < 20_000 and "longer than 1 MiB" in refused(content)


def test_z2_a_bomb_of_a_binary_recording_is_refused(monkeypatch):
    from cfs.recordings import source

    monkeypatch.setattr(source, "WHOLE_BYTES_MAX", 1 << 20)
    content = zipped([("surroundings.json", JSON), ("recording", b"PERFILE2" + bytes(5 << 20))])
    assert "unpacks to more than 1 MiB" in refused(content)


def test_z2_a_bomb_of_text_ends_where_it_is_no_recording():
    content = zipped([("surroundings.json", JSON), ("recording", b"nothing\n" * (8 << 17))])
    assert "no event" in refused(content)


def test_nothing_is_ever_unpacked_to_a_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(zipped([("surroundings.json", JSON), ("recording", LINES), ("../x", b"x"), ("y", b"y")]))
    assert list(tmp_path.iterdir()) == [] and not Path("../x").exists()
