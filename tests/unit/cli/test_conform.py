"""`cfs conform`: exit statuses, and what is said about traces."""

import gzip
import json
import re
from pathlib import Path

import pytest

from tests.unit.cli.commands import TRACE, VECTORS, assert_refused, run


@pytest.fixture(scope="module")
def bad_trace(tmp_path_factory):
    """A trace in which one vruntime is 7 more than it was."""
    lines = gzip.open(TRACE, "rt").read().splitlines()
    record = json.loads(lines[300])
    task = next(iter(record["s"]["ent"]))
    record["s"]["ent"][task][0] += 7
    lines[300] = json.dumps(record)
    path = tmp_path_factory.mktemp("traces") / "bad.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_all_states_equal():
    result = run("conform", TRACE)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "1 trace, 2501 operations: none differ"


def test_the_first_difference_is_shown(bad_trace):
    result = run("conform", bad_trace)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("differs ") and lines[0].endswith("(line 301, operation 300)")
    assert len([line for line in lines if line.strip().startswith("t=")]) == 5
    assert lines[6].strip().startswith("--> t=")
    assert re.search(r"field +ent\.\d+\.vruntime", lines[7])
    expected, got = (int(re.search(r"\d+", line)[0]) for line in lines[8:10])
    assert expected == got + 7 and lines[9].endswith("(-7)")
    assert lines[-1] == "1 trace, 300 operations: 1 differs"


def test_a_directory_stands_for_the_traces_in_it(tmp_path, bad_trace):
    (tmp_path / "deep").mkdir()
    for name, path in (("a", TRACE), ("deep/b", TRACE), ("v", VECTORS)):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(Path(path).read_bytes())
    result = run("conform", tmp_path, bad_trace)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "3 traces, 5302 operations: 1 differs"
    assert "passed over" in result.stderr and "arithmetic vectors" in result.stderr


def test_quiet_lists_only_what_differs(bad_trace):
    assert run("conform", TRACE, "-q").stdout == "1 trace, 2501 operations: none differ\n"
    assert run("conform", TRACE, bad_trace, "-q").stdout.startswith("differs ")


def test_conform_json(bad_trace):
    result = run("conform", TRACE, bad_trace, "nothing", "--json", "-")
    content = json.loads(result.stdout)
    assert result.exit_code == 2
    assert content["schema"] == "cfs-conform/1"
    totals = [content[f"nr_{name}"] for name in ("traces", "operations", "equal", "different", "unreadable")]
    assert totals == [3, 2801, 1, 1, 1]
    equal, different, unreadable = content["traces"]
    assert equal["equal"] and equal["difference"] is None
    assert different["difference"]["field"].endswith(".vruntime")
    assert different["difference"]["expected"] == different["difference"]["got"] + 7
    assert len(different["difference"]["before"]) == 5
    assert "nothing" in unreadable["error"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]\n", b'{"format": "else"}\n', gzip.compress(b"{}")[:12], b"\xff\x00"]
)
def test_a_trace_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "broken.jsonl.gz"
    path.write_bytes(content)
    result = run("conform", path, TRACE)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert result.stdout.startswith("unreadable ") and "broken.jsonl.gz" in result.stdout
    assert result.stdout.splitlines()[-1] == "2 traces, 2501 operations: none differ, 1 cannot be read"


def test_vectors_are_no_trace():
    result = run("conform", VECTORS)
    assert result.exit_code == 2
    assert "calc_delta.jsonl.gz holds arithmetic vectors, not a trace" in result.stdout


def test_an_empty_directory_is_refused(tmp_path):
    assert_refused(run("conform", tmp_path), "without any *.jsonl.gz")


def test_a_trace_from_standard_input_and_json_into_a_file(tmp_path):
    result = run("conform", "-", "--json", tmp_path / "out.json", input=Path(TRACE).read_bytes())
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "1 trace, 2501 operations: none differ"
    assert json.loads((tmp_path / "out.json").read_text())["nr_equal"] == 1


def test_json_does_not_overwrite_a_trace(bad_trace):
    """It once had no FILE: what came after it was a trace."""
    before = bad_trace.read_bytes()
    assert_refused(run("conform", TRACE, "--json", bad_trace), "--json", "named like a trace")
    assert bad_trace.read_bytes() == before


def test_json_does_not_overwrite_a_trace_of_another_name(bad_trace, tmp_path):
    other = tmp_path / "trace.json"
    other.write_bytes(bad_trace.read_bytes())
    assert_refused(run("conform", other, "--json", other), "--json", "is read; name another file")
    assert other.read_bytes() == bad_trace.read_bytes()
