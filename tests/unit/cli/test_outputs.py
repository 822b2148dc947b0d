"""The files that `cfs replay` and `cfs compare` write."""

import json
import re
from pathlib import Path

import pytest

import cfs
from cfs.reports.files import check_folder
from tests.quick import few
from tests.unit.cli.commands import BLOCK, BUILT_ONCE, CFS, HOGS, O1, ROOT, SCENARIO, assert_refused, process, run

from cfs.cli import outputs  # after the helper, which skips without typer


def test_json_to_standard_output_is_json_only():
    content = json.loads(run("replay", HOGS, "--json", "-").stdout)
    assert content["schema"] == content["recorded"]["schema"] == "cfs-result/1"
    assert (content["model"], content["recorded"]["model"]) == ("linux-2.6.24-cfs", "recorded")
    assert content["recording"]["nr_lines"] == 2581
    assert content["duration_ns"] == content["recorded"]["duration_ns"] == 3306742863
    assert [cpu["cpu"] for cpu in content["cpus"]] == [0]


def test_json_to_a_file_leaves_the_tables(tmp_path):
    path = tmp_path / "out.json"
    assert "CPU time and switches" in run("replay", HOGS, "--json", path).stdout
    assert json.loads(path.read_text())["schema"] == "cfs-result/1"


@pytest.mark.slow
def test_plot_writes_the_same_bytes(tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"{i}.svg" for i in range(2)]
    for path in paths:
        assert run("replay", HOGS, "--plot", path, "--from", 1, "--until", "1.5").exit_code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes() != b""


@pytest.mark.slow
def test_compare_writes_files_and_shows_the_tables(tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path in paths:
        options = (
            "--model",
            CFS,
            "--plot",
            path,
            "--json",
            tmp_path / "out.json",
            "--from",
            "0.5",
            "--until",
            2,
        )
        assert "Throughput" in run("compare", HOGS, *options).stdout
    assert paths[0].read_bytes() == paths[1].read_bytes() != b""
    content = json.loads((tmp_path / "out.json").read_text())
    assert (content["schema"], content["from_ns"], content["until_ns"]) == (
        "cfs-comparison/1",
        5 * 10**8,
        2 * 10**9,
    )


@pytest.mark.slow
def test_compare_writes_a_file_a_column_where_a_file_holds_one(tmp_path):
    pytest.importorskip("perfetto")
    files = [
        "--perfetto",
        tmp_path / "all.pftrace",
        "--ftrace",
        tmp_path / "all.txt.gz",
        "--plot-trends",
        tmp_path / "t.png",
    ]
    run("compare", HOGS, "--model", CFS, "--model", O1, *files)
    written = {path.name for path in tmp_path.iterdir()}
    assert {f"all.{place}.pftrace" for place in (1, 2, 3)} <= written  # two models and what was recorded
    assert {f"all.{place}.txt.gz" for place in (1, 2, 3)} | {
        f"t.{place}.png" for place in (1, 2, 3)
    } <= written
    reread = cfs.Recording.open(tmp_path / "all.2.txt.gz")
    recording = cfs.Recording.open(HOGS)
    work = recording.workload(cpu=0)
    assert reread.nr_switches == work.run(O1).context_switches


@pytest.mark.slow
def test_without_the_extra_plot_it_says_what_to_install(tmp_path):
    result = process("replay", HOGS, "--plot", tmp_path / "x.png", code=BLOCK.format(blocked=["matplotlib"]))
    assert result.returncode == 2
    assert result.stdout == ""
    assert 'pip install ".[plot]"' in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_without_the_extra_plot_all_else_works():
    assert process("replay", HOGS, "--top", 1, code=BLOCK.format(blocked=["matplotlib"])).returncode == 0


@pytest.mark.parametrize("command", ["replay", "compare"])
def test_the_trace_of_a_part_is_of_that_part(tmp_path, command):
    models = ["--model", CFS]
    result = run(command, HOGS, *models, "--from", "1", "--until", "1.5s", "--ftrace", tmp_path / "m.txt")
    assert result.exit_code == 0, result.stderr
    back = cfs.Recording.open(next(tmp_path.glob("m*.txt")))
    assert (back.start_ns, back.duration_ns, back.warnings) == (10**9, 5 * 10**8, [])


def test_replay_writes_ftrace_text_that_replay_reads(tmp_path):
    assert run("replay", HOGS, "--cpu", "all", "--ftrace", tmp_path / "m.txt").exit_code == 0
    assert cfs.Recording.open(tmp_path / "m.txt").kind == "ftrace"
    assert run("replay", tmp_path / "m.txt", "--cpu", "all").exit_code == 0


def test_replay_writes_a_page_of_the_part_asked_for(tmp_path):
    assert run("replay", HOGS, "--html", tmp_path / "m.html", "--from", "0.1", "--by-comm").exit_code == 0
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "0.1 s …" in text
    assert "as recorded" in text
    assert "Spread of vruntime" in text


def test_replay_writes_runs_and_stats_of_both_sides(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    files = tmp_path / "runs", tmp_path / "stats"
    found = run("replay", HOGS, "--parquet", files[0], "--parquet-stats", files[1], "--by-comm")
    assert found.exit_code == 0
    for file in files:
        assert set(parquet.read_table(file)["model"].to_pylist()) == {"linux-2.6.24-cfs", "recorded"}
    assert "comm" in parquet.read_table(files[1]).column_names


def test_replay_writes_a_perfetto_trace_with_virtual_time(tmp_path):
    pb2 = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    assert run("replay", HOGS, "--perfetto", tmp_path / "m.pftrace").exit_code == 0
    trace = pb2.Trace()
    trace.ParseFromString((tmp_path / "m.pftrace").read_bytes())
    assert "vruntime" in {packet.track_descriptor.name for packet in trace.packet}


def test_compare_writes_a_page_and_tables(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    models = "--model", "linux-2.6.24-cfs", "--model", "linux-2.6.22-o1"
    files = tmp_path / "m.html", tmp_path / "runs", tmp_path / "stats"
    found = run(
        "compare", HOGS, *models, "--html", files[0], "--parquet", files[1], "--parquet-stats", files[2]
    )
    assert found.exit_code == 0
    assert "under 3 schedulers" in files[0].read_text(encoding="utf-8")
    for file in files[1:]:
        labels = set(parquet.read_table(file)["model"].to_pylist())
        assert labels == {"linux-2.6.24-cfs", "linux-2.6.22-o1", "recorded"}


@pytest.mark.parametrize(
    "option", ["--json", "--html", "--ftrace", "--parquet", "--parquet-stats", "--perfetto"]
)
def test_a_file_that_cannot_be_written_is_said_before_the_work(option):
    found = run("replay", "no such recording", option, "/no/such/directory/file")
    assert found.exit_code == 2
    assert "no directory /no/such/directory" in found.stderr


@pytest.mark.parametrize("option", ["--json", "--html", "--ftrace", "--parquet", "--perfetto", "--plot"])
def test_a_directory_in_place_of_a_file_is_said_before_the_work(option, tmp_path):
    (tmp_path / "d.svg").mkdir()
    assert_refused(run("replay", "no such recording", option, tmp_path / "d.svg"), "d.svg is a directory")


def test_a_file_that_may_not_be_written_is_said_before_the_work(tmp_path, monkeypatch):
    """Who runs the tests may write anything, if it is root: the system is asked, so its answer is replaced."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    for name in ("there.json", "new.json"):
        (tmp_path / "there.json").touch()
        assert_refused(run("replay", "no such recording", "--json", tmp_path / name), f"{name}: you may not write")


@pytest.mark.parametrize("command", ["replay", "compare", "validate"])
def test_no_output_is_written_over_the_recording(command, tmp_path):
    before = Path(HOGS).read_bytes()
    path, link = tmp_path / "hogs.txt.gz", tmp_path / "link.txt.gz"
    path.write_bytes(before)
    link.symlink_to(path)
    assert_refused(run(command, path, "--json", link), "--json", "link.txt.gz is read; name another file")
    assert path.read_bytes() == before


@pytest.mark.parametrize("command", ["replay", "compare", "validate"])
def test_two_outputs_are_two_files(command, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "out.svg"
    result = run(command, HOGS, "--json", path, "--plot", f"{tmp_path}/./out.svg")
    assert_refused(result, "--plot", "is written by --json; name another file")
    assert not path.exists()


def test_the_files_of_columns_are_apart_from_the_others(tmp_path):
    files = ("--json", tmp_path / "m.2.txt", "--ftrace", tmp_path / "m.txt")
    result = run("compare", HOGS, "--model", CFS, *files)
    assert_refused(result, "--ftrace", "m.2.txt is written by --json")
    (tmp_path / "d.2.txt").mkdir()
    assert_refused(run("compare", HOGS, "--model", CFS, "--ftrace", tmp_path / "d.txt"), "d.2.txt is a directory")


def test_what_is_no_file_may_be_named_twice(tmp_path):
    assert run("replay", HOGS, "--until", "10ms", "--json", "/dev/null", "--ftrace", "/dev/null").exit_code == 0


def test_a_part_is_that_of_the_tables_as_well():
    whole = json.loads(run("replay", HOGS, "--json", "-").stdout)
    part = json.loads(run("replay", HOGS, "--from", "1", "--until", "2", "--json", "-").stdout)
    for side in (part, part["recorded"]):
        assert side["duration_ns"] == 10**9
        assert sum(task["cpu_ns"] for task in side["tasks"]) <= 10**9
    assert part["recorded"]["cpus"][0]["busy_ns"] < whole["recorded"]["cpus"][0]["busy_ns"]


def test_a_part_after_the_end_is_refused():
    found = run("replay", HOGS, "--from", "100")
    assert found.exit_code == 2
    assert "--from" in found.stderr


def test_a_part_is_that_of_tables_and_json_too():
    """What was asked for before it begins does not count, on either side."""
    options = ("--only", "hog*", "--from", "1s", "--until", "1500ms")
    content = json.loads(run("replay", HOGS, *options, "--json", "-").stdout)
    assert content["duration_ns"] == content["recorded"]["duration_ns"] == 5 * 10**8
    assert content["cpus"][0]["busy_ns"] <= 5 * 10**8
    text = run("replay", HOGS, *options).stdout
    assert "shown      1 s ... 1.5 s" in text and re.search(r"^all +500 ms +100.00%", text, re.MULTILINE)


@pytest.mark.parametrize("option", few(["json", "ftrace", "perfetto", "parquet", "html", "plot"], 2))
def test_every_format_goes_to_standard_output(option, tmp_path):
    """The same bytes as in a file, and nothing beside them."""
    needs = {"plot": "matplotlib", "perfetto": "perfetto", "parquet": "pyarrow"}
    pytest.importorskip(needs.get(option, "json"))
    words = ("replay", HOGS, "--only", "hog*", "--until", "500ms", f"--{option}")
    found, file = run(*words, "-"), tmp_path / ("x.svg" if option == "plot" else "x")
    assert run(*words, file).exit_code == 0
    begins = {"json": b"{", "html": b"<!doctype", "ftrace": b"# tracer", "plot": b"<?xml", "parquet": b"PAR1"}
    assert found.exit_code == 0 and found.stderr == ""
    assert found.stdout_bytes == file.read_bytes() and file.stat().st_size > 100
    assert file.read_bytes().startswith(begins.get(option, b""))


def test_what_goes_out_comes_in_again():
    text = run("replay", HOGS, "--only", "hog*", "--until", "500ms", "--ftrace", "-").stdout_bytes
    assert "stdin: ftrace" in run("replay", "-", input=text).stdout


def test_a_column_a_file_has_no_room_in_a_stream():
    assert_refused(run("compare", HOGS, "--model", CFS, "--ftrace", "-"), "--ftrace", "room for one column")


def test_one_column_is_one_file_or_a_stream(tmp_path):
    one = ("compare", SCENARIO, "--model", CFS, "--until", "100ms")
    assert run(*one, "--ftrace", tmp_path / "m.txt").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["m.txt"]
    assert run(*one, "--ftrace", "-").stdout_bytes == (tmp_path / "m.txt").read_bytes()


@pytest.mark.parametrize("option", ["--plot-from", "--plot-until"])
def test_old_names_are_gone(option):
    assert run("replay", HOGS, option, "1").exit_code == 2


# ------------------------------------------------------------------------------------------ one entry a format


def names_of(result):
    return " ".join(sorted(set(result.names)))


LIST = outputs.Output(
    "names",
    "Write the names of the tasks.",
    check_folder,
    lambda report, path: Path(path).write_text(names_of(report.result)),
    lambda report, path: Path(path).write_text(names_of(report.found.columns[0].result)),
)


@pytest.fixture
def with_list(monkeypatch):
    """Commands are built anew with one format more, and without it for the next test."""
    monkeypatch.setattr(outputs, "OUTPUTS", (*outputs.OUTPUTS, LIST))
    BUILT_ONCE.cache_clear()
    yield
    BUILT_ONCE.cache_clear()


@pytest.mark.usefixtures("with_list")
@pytest.mark.parametrize("command", ["replay", "compare"])
def test_a_new_format_is_one_entry_and_its_writer(command, tmp_path):
    assert re.search(r"--names FILE +Write the names of the tasks\.", run(command, "--help").stdout)
    found = run(command, HOGS, "--model", CFS, "--only", "hog*", "--names", tmp_path / "names")
    assert found.exit_code == 0 and "Scheduling latency" in found.stdout
    work = cfs.Recording.open(HOGS).workload(cpu=0, only=["hog*"])
    assert (tmp_path / "names").read_text() == " ".join(sorted(set(work.run(CFS).names)))
    assert_refused(run(command, HOGS, "--names", "no/such/place"), "there is no directory no/such")


def test_a_format_that_nobody_added_is_no_option():
    assert_refused(run("replay", HOGS, "--names", "x"), "--names")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.png", "a.2.png"), ("d/a.txt.gz", "d/a.2.txt.gz"), ("a.b.svg", "a.b.2.svg"), ("a", "a.2")],
)
def test_the_number_of_the_column_stands_before_the_ending(path, expected):
    assert outputs._of_column(path, 2) == str(Path(expected))


# ---- without a log of runs

PIPE = str(ROOT / "tests" / "data" / "recordings" / "pipe-cut.perf-script.txt.gz")


def numbers_of(text):
    """The lines of the tables, each as its cells."""
    return [line.split() for line in text.splitlines()]


def test_without_a_log_tables_lack_quantiles_only():
    logged, without = run("replay", PIPE).stdout, run("replay", PIPE, "--no-log").stdout
    assert "log        none: waits and run lengths are summed, and have no quantiles" in without
    missing = re.compile(r"^(?P<name>.{15} +\d* *)((?: +-){3}|(?: +\S+ \S+){3})", re.M)
    logged_cpu, without_cpu = (text.split("CPU time and switches")[1].split("\n\n")[0] for text in (logged, without))
    assert logged_cpu == without_cpu and missing.search(without)
    of_logged, of_without = numbers_of(logged), [row for row in numbers_of(without) if row[:1] != ["log"]]
    assert len(of_logged) == len(of_without)
    for mine, other in zip(of_without, of_logged):
        if mine != other:
            assert mine.count("-") == 3  # of the model; its maximum, and what was recorded, are the same
            place = mine.index("-") + 3
            assert mine[place:] == other[-len(mine[place:]) :]


def test_json_without_a_log_has_null_for_quantiles():
    found = json.loads(run("replay", PIPE, "--no-log", "--json", "-").stdout)
    wanted = json.loads(run("replay", PIPE, "--json", "-").stdout)
    for mine, other in zip(found["tasks"], wanted["tasks"], strict=True):
        for name in ("latency", "run_length"):
            known = mine[name]["count"] > 0
            lost = {part: None if known else 0 for part in ("p50_ns", "p95_ns", "p99_ns")}
            assert mine.pop(name) == other.pop(name) | lost
    assert found["recorded"] == wanted["recorded"] and found["cpus"] == wanted["cpus"]


@pytest.mark.slow
def test_parquet_without_a_log_is_written_on_the_way(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for name, options in (("with", []), ("without", ["--no-log"])):
        assert run("replay", PIPE, "--parquet", tmp_path / f"{name}.parquet", *options).exit_code == 0
    found, wanted = (parquet.read_table(tmp_path / f"{name}.parquet") for name in ("without", "with"))
    assert found.to_pydict() == wanted.to_pydict() and found.num_rows > 5000
    piped = run("replay", PIPE, "--no-log", "--parquet", "-")
    assert piped.stdout_bytes == (tmp_path / "without.parquet").read_bytes()


@pytest.mark.parametrize("option", ["html", "plot", "plot-trends", "perfetto", "ftrace"])
def test_what_draws_runs_needs_them(option, tmp_path):
    pytest.importorskip({"perfetto": "perfetto", "plot": "matplotlib", "plot-trends": "matplotlib"}.get(option, "cfs"))
    path = tmp_path / "out.svg"
    assert_refused(run("replay", PIPE, "--no-log", f"--{option}", path), f"--{option} needs the log of runs")
    assert not path.exists()


def test_a_part_needs_the_log():
    assert_refused(run("replay", PIPE, "--no-log", "--from", "1ms"), "--from needs the log of runs")
