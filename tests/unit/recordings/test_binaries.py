"""Binary recordings through every door: files, pipes, packed, the command. Way to be right: they are all one."""

import gzip
import io
import json
import os
import sys
import threading

import numpy as np
import pytest

from cfs import RecordingError
from cfs.recordings import Recording, source
from tests.quick import few
from tests.unit.recordings import readings
from tests.unit.recordings.tiled import tiled

NAMES = [
    "perf-default.data",
    "perf-zstd.data",
    "perf-pipe.data",
    "tc-v6.dat",
    "tc-v7-zstd.dat",
    "pf-compact.pftrace",
]


def alike(one, two):
    return (one.kind, one.tasks) == (two.kind, two.tasks) and np.array_equal(one.events, two.events)


@pytest.fixture(params=NAMES)
def content(request):
    return readings.data_of(request.param)


def test_a_file_a_stream_and_packed_bytes_are_one(content, tmp_path):
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "some.txt"
    path.write_bytes(content)
    recording = Recording.open(path)
    packed = [gzip.compress(content), zstandard.compress(content)]
    for form in (content, *packed):
        assert alike(Recording.open(io.BytesIO(form)), recording)
    path.write_bytes(packed[0])
    assert alike(Recording.open(path), recording)


def test_a_true_pipe_is_read(content):
    """One byte is there, then the rest: nothing is sought."""
    read, write = os.pipe()

    def pour():
        with os.fdopen(write, "wb", buffering=0) as out:
            out.write(content[:1])
            out.write(content[1:])

    thread = threading.Thread(target=pour)
    thread.start()
    with os.fdopen(read, "rb", buffering=0) as stream:
        recording = Recording.open(stream)
    thread.join()
    assert alike(recording, Recording.open(io.BytesIO(content)))


def test_a_dash_is_standard_input(content, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert Recording.open("-").name == "stdin"


def test_progress_is_told_of_a_file(content, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(content)
    told = []
    Recording.open(path, progress=lambda done, total: told.append((done, total)))
    assert told and all(0 < done <= total == len(content) for done, total in told)


def test_a_packed_file_that_is_too_long_to_be_held_is_refused(monkeypatch):
    monkeypatch.setattr(source, "WHOLE_BYTES_MAX", 50_000)
    with pytest.raises(RecordingError, match="unpack it to a file"):
        Recording.open(io.BytesIO(gzip.compress(readings.data_of("tc-v6.dat"))))


def test_a_packed_file_that_is_cut_says_both():
    packed = gzip.compress(readings.data_of("perf-pipe.data"))
    warnings = " ".join(Recording.open(io.BytesIO(packed[: len(packed) // 2])).warnings)
    assert "the compressed file is cut" in warnings and "in the middle of a record" in warnings


def test_a_large_file_is_read_whole():
    content, nr = tiled(50)
    recording = Recording.open(io.BytesIO(content))
    assert recording.nr_switches == 50 * 190 and recording.warnings == []
    assert recording.nr_records > nr


def test_losses_are_in_the_warnings():
    warnings = Recording.open(readings.FORMATS / "perf-lost.data.gz").warnings
    assert "14036 events are lost, as far as the recording says" in warnings


def test_a_file_without_a_switch_says_how_to_record(monkeypatch):
    content = readings.data_of("tc-v6.dat").replace(b"name: sched_switch\n", b"name: sched_swidge\n")
    with pytest.raises(
        RecordingError, match="no sched_switch; record with trace-cmd record -C mono -e sched"
    ):
        Recording.open(io.BytesIO(content))


@pytest.fixture
def run():
    """The command in this process; the readers themselves need none."""
    pytest.importorskip("typer")
    from tests.unit.cli.commands import run

    return run


@pytest.mark.parametrize("command", few(["replay", "compare"], 1))
@pytest.mark.parametrize("name", few(["tc-v6.dat", "perf-default.data", "perf-pipe.data", "pf-compact.pftrace"], 1))
def test_the_command_takes_them(command, name, tmp_path, run):
    path, content = tmp_path / "recording", readings.data_of(name)
    path.write_bytes(content)
    for arguments, given in (([str(path)], None), (["-"], content)):
        done = run(command, *arguments, input=given)
        assert done.exit_code == 0, done.output
        assert "records" in done.stdout and "switches" in done.stdout


def test_the_command_writes_what_it_read(tmp_path, run):
    out = tmp_path / "out.json"
    path = readings.FORMATS / "perf-default.data.gz"
    assert run("replay", path, "--json", out).exit_code == 0
    assert json.loads(out.read_text())["recording"]["kind"] == "perf.data"
