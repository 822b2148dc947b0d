"""The files that `cfs replay` and `cfs compare` write, through the command line."""

import pytest

pytest.importorskip("typer")
from typer.testing import CliRunner

from cfs import Recording
from cfs.cli import app

HOGS = "examples/recordings/nice-hogs-small.perf-script.txt.gz"


def cfs(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_replay_writes_ftrace_text_that_replay_reads(tmp_path):
    assert cfs("replay", HOGS, "--cpu", "all", "--ftrace", tmp_path / "m.txt").exit_code == 0
    assert Recording.open(tmp_path / "m.txt").kind == "ftrace"
    assert cfs("replay", tmp_path / "m.txt", "--cpu", "all").exit_code == 0


def test_replay_writes_a_page_of_the_part_asked_for(tmp_path):
    assert cfs("replay", HOGS, "--html", tmp_path / "m.html", "--from", "0.1", "--by-comm").exit_code == 0
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "0.1 s …" in text
    assert "as recorded" in text
    assert "Spread of vruntime" in text


def test_replay_writes_runs_and_stats_of_both_sides(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    files = tmp_path / "runs", tmp_path / "stats"
    found = cfs("replay", HOGS, "--parquet", files[0], "--parquet-stats", files[1], "--by-comm")
    assert found.exit_code == 0
    for file in files:
        assert set(parquet.read_table(file)["model"].to_pylist()) == {"linux-2.6.24-cfs", "recorded"}
    assert "comm" in parquet.read_table(files[1]).column_names


def test_replay_writes_a_perfetto_trace_with_virtual_time(tmp_path):
    pb2 = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    assert cfs("replay", HOGS, "--perfetto", tmp_path / "m.pftrace").exit_code == 0
    trace = pb2.Trace()
    trace.ParseFromString((tmp_path / "m.pftrace").read_bytes())
    assert "vruntime" in {packet.track_descriptor.name for packet in trace.packet}


def test_compare_writes_a_page_and_tables(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    models = "--model", "linux-2.6.24-cfs", "--model", "linux-2.6.22-o1"
    files = tmp_path / "m.html", tmp_path / "runs", tmp_path / "stats"
    found = cfs(
        "compare", HOGS, *models, "--html", files[0], "--parquet", files[1], "--parquet-stats", files[2]
    )
    assert found.exit_code == 0
    assert "under 3 schedulers" in files[0].read_text(encoding="utf-8")
    for file in files[1:]:
        labels = set(parquet.read_table(file)["model"].to_pylist())
        assert labels == {"linux-2.6.24-cfs", "linux-2.6.22-o1", "recorded"}


@pytest.mark.parametrize("option", ["--html", "--ftrace", "--parquet", "--parquet-stats", "--perfetto"])
def test_a_file_that_cannot_be_written_is_said_before_the_work(option):
    found = cfs("replay", "no such recording", option, "/no/such/directory/file")
    assert found.exit_code == 2
    assert "no directory /no/such/directory" in found.output


def test_a_part_of_nothing_drawn_is_refused():
    found = cfs("replay", HOGS, "--from", "1")
    assert found.exit_code == 2
    assert "--html" in found.output


@pytest.mark.parametrize("option", ["--plot-from", "--plot-until"])
def test_old_names_are_gone(option):
    assert cfs("replay", HOGS, option, "1").exit_code == 2
