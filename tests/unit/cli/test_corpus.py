"""What the reader is tested on, through the command: every door in, and every way out.

The corpus is the files of tests/data/cases, one small recording in each spelling of
`tests.unit.recordings.test_spellings` and `test_formats_of_other_tools`, and the texts of `test_hostile_text`. That the numbers are right is tested
there; here, that the command reads the same as `Recording.open`.
"""

import gzip
import importlib.util
import io
import json
import re

import pytest

from cfs import RecordingError
from cfs.recordings import Recording
from tests.quick import few
from tests.unit.cli.commands import assert_refused, run
from tests.unit.recordings import test_formats_of_other_tools as fields
from tests.unit.recordings import test_hostile_text as hostile
from tests.unit.recordings import test_spellings as heads
from tests.unit.recordings.lines import text
from tests.unit.recordings.test_text_cases import CASES

LINES = 400  # of a recording: enough for switches of all kinds


def spelt():
    """Name and lines of a recording in each spelling."""
    perf, kernel = fields.lines_of("periodic")[:LINES], heads.events_of_kernel()[:LINES]
    for name, spelling in fields.SPELLINGS.items():
        yield f"perf, {name}", [spelling(line) for line in perf]
    for name, form in heads.FORMS.items():
        yield f"ftrace, {name}", [form(fields.FTRACE.match(line).groupdict()) for line in kernel]
    for name, part in {"-R": fields.raw, "plugins": fields.with_colons, "-N": str}.items():
        yield f"trace-cmd report {name}", ["version = 7", "cpus=2", *(fields.trace_cmd(line, part) for line in kernel)]
    yield "trace-cmd, not parsed", ["cpus=2", *heads.report(heads.not_parsed)[:LINES]]
    yield "trace-cmd, not found", heads.report(heads.not_found)[:LINES]
    yield "page", heads.new_page(kernel)
    yield "old page", heads.old_page(kernel)


CORPUS = {path.name: path.read_bytes() for path in sorted(CASES.iterdir()) if path.suffix in (".txt", ".html")}
CORPUS |= {name: text(*lines) for name, lines in spelt()}
CORPUS |= hostile.READ
CORPUS |= {f"{name}, {form}": make(hostile.BOTH[form]) for name, (make, _) in hostile.REFUSED.items() for form in hostile.BOTH}


def reading(content):
    """What `Recording.open` makes of it; None if it refuses, or if nothing can be replayed."""
    try:
        recording = Recording.open(io.BytesIO(content))
        recording.workload(recording.cpus)
    except RecordingError:
        return None
    return recording


def facts_in(output):
    facts = json.loads(output)["recording"]
    return [facts[key] for key in ("kind", "cpus", "nr_lines", "nr_switches", "start_ns", "duration_ns")]


def facts_of(recording):
    return [recording.kind, recording.cpus, recording.nr_lines, recording.nr_switches, recording.start_ns,
            recording.duration_ns]  # fmt: skip


@pytest.mark.parametrize("name", few(CORPUS, 12))
def test_replay_reads_what_open_reads(tmp_path, name):
    path, wanted = tmp_path / "recording", reading(CORPUS[name])
    path.write_bytes(CORPUS[name])
    result = run("replay", path, "--cpu", "all", "--json", "-")
    if wanted is None:
        assert_refused(result, "recording")
    else:
        assert result.exit_code == 0, result.stderr
        assert facts_in(result.stdout) == facts_of(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["pipe", "gzip", "packed pipe"])
@pytest.mark.parametrize("name", CORPUS)
def test_replay_reads_the_same_by_every_door(tmp_path, name, way):
    content, wanted = CORPUS[name], reading(CORPUS[name])
    content = gzip.compress(content) if way != "pipe" else content
    path = tmp_path / "recording"
    path.write_bytes(content)
    arguments = ("replay", path if way == "gzip" else "-", "--cpu", "all", "--json", "-")
    result = run(*arguments, input=None if way == "gzip" else content)
    if wanted is None:
        assert_refused(result)
    else:
        assert facts_in(result.stdout) == facts_of(wanted)


WRITTEN = {"--json": None, "--html": None, "--ftrace": None, "--perfetto": "perfetto", "--parquet": "pyarrow"}
HAVE = [option for option, module in WRITTEN.items() if module is None or importlib.util.find_spec(module)]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["replay", "compare"])
@pytest.mark.parametrize("name", CORPUS)
def test_every_output_is_written(tmp_path, name, command):
    path = tmp_path / "recording"
    path.write_bytes(CORPUS[name])
    if reading(CORPUS[name]) is None:
        assert_refused(run(command, path, "--cpu", "all"))
        return
    outputs = {option: tmp_path / f"out{option[2:]}" for option in HAVE}
    found = run(command, path, "--cpu", "all", *(word for pair in outputs.items() for word in pair))
    assert found.exit_code == 0, found.stderr
    for option, there in outputs.items():
        written = list(tmp_path.glob(f"out{option[2:]}*"))
        assert written and all(file.stat().st_size for file in written), (option, there)


@pytest.mark.parametrize("suffix", ["cpus", "version"])
def test_the_banner_of_trace_cmd_is_no_scenario(suffix):
    result = run("replay", CASES / f"tracecmd-banner-{suffix}.txt")
    assert result.exit_code == 0 and re.search(r"recording  .*: ftrace, [45] lines", result.stdout)
