"""The core against the kernels themselves. Way to be right: golden traces.

Every trace below tests/data/conformance/<model>/ is an unchanged copy of a public one, recorded from that
release's own scheduler. Equal means: every field that a line shows, on every line. The rest of the file is
about the judge: that it can say no, that it says where, and that it takes no nonsense for a trace.
"""

import gzip
import json
from pathlib import Path

import pytest

from cfs import MODELS, TraceError
from cfs.conformance import Difference, read_trace, replay_trace, replay_traces
from tests.quick import few

DATA = Path(__file__).parents[1] / "data" / "conformance"


def is_trace(path):
    """The same folders hold vectors of plain functions; the first line tells."""
    with gzip.open(path, "rt") as lines:
        return json.loads(next(lines))["format"] == "sched-conformance/1"


TRACES = [path for path in sorted(DATA.rglob("*.jsonl.gz")) if is_trace(path)]


def id_of(path):
    return "-".join(path.relative_to(DATA).parts).removesuffix(".jsonl.gz")


def model_of(path):
    return path.relative_to(DATA).parts[0]


def smallest_first():
    """The smallest trace of each model, dialect and grouping, then the others."""
    by_size = sorted(TRACES, key=lambda path: (path.stat().st_size, path))
    kinds = {(path.parent, next(read_trace(path))[1]["groups"]): path for path in reversed(by_size)}
    return few([*kinds.values(), *(path for path in TRACES if path not in kinds.values())], len(kinds))


@pytest.mark.parametrize("path", smallest_first(), ids=id_of)
def test_every_state_of_the_trace_is_ours(path):
    result = replay_trace(path)
    assert result.difference is None, str(result.difference)
    assert result.operations > 100


WITHOUT_TRACES = {"rfs-model"}  # after the mathematics: there is no kernel to record


@pytest.mark.parametrize("model", [model for model in MODELS if model not in WITHOUT_TRACES])
def test_every_model_has_traces_of_every_grouping(model):
    """A missing folder must not look like success."""
    kinds = {next(read_trace(path))[1]["groups"] for path in TRACES if model_of(path) == model}
    assert kinds >= {group_by or "none" for group_by in MODELS[model].group_by}


# ---- The judge can say no ------------------------------------------------------------------------

GOLDEN = DATA / "linux-2.6.24-cfs" / "two-equal-1.jsonl.gz"
GROUPED = DATA / "linux-2.6.24-cfs" / "fuzz-cgroup-112.jsonl.gz"


def lines_of(path, nr=60):
    with gzip.open(path, "rt") as lines:
        return [json.loads(next(lines)) for _ in range(nr)]


def write(path, lines):
    """Text, or objects as JSON lines; compressed if the name says so."""
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def full_line(lines, after=20):
    return next(number for number, line in enumerate(lines) if number > after and "ent" in line["s"])


def first_value(mapping):
    """(key, row) of the first row that has numbers."""
    return next((key, row) for key, row in mapping.items() if row)


def falsify(state, key):
    """Change one number of this part of a state by one; returns the path under which it will be told."""
    if key == "curr":
        state["curr"] += 1
        return "curr"
    if key == "resched":
        state["resched"] = not state["resched"]
        return "resched"
    if key == "cpu":
        state["cpu"][0] += 1
        return "cpu.clock"
    name, row = first_value(state[key])
    if key == "tree":
        row.append("99")
        return f"tree.{name}"
    row[0] += 1
    return f"{key}.{name}.{'vruntime' if key == 'ent' else 'min_vruntime'}"


@pytest.mark.parametrize("key", ["curr", "resched", "cpu", "rq", "ent", "tree"])
@pytest.mark.parametrize("source", [GOLDEN, GROUPED], ids=["flat", "grouped"])
def test_one_changed_number_is_found_and_named(tmp_path, source, key):
    """I1 of cfs/conformance.py: nothing of what is expected is used, and every key of it is looked at."""
    lines = lines_of(source)
    number = full_line(lines)
    path = falsify(lines[number]["s"], key)
    result = replay_trace(write(tmp_path / "falsified.jsonl.gz", lines))
    assert not result.equal
    assert (result.difference.line, result.difference.path) == (number + 1, path)
    assert result.difference.expected != result.difference.got


def test_the_number_that_was_expected_and_ours_are_told(tmp_path):
    lines = lines_of(GOLDEN)
    number = full_line(lines)
    task, row = first_value(lines[number]["s"]["ent"])
    right = row[0]
    row[0] = 5
    result = replay_trace(write(tmp_path / "falsified.jsonl.gz", lines))
    op = {key: value for key, value in lines[number].items() if key != "s"}
    before = [
        {key: value for key, value in line.items() if key != "s"} for line in lines[number - 5 : number]
    ]
    assert result.difference == Difference(number + 1, op, f"ent.{task}.vruntime", 5, right, before)


def test_a_difference_is_shown_with_the_operations_before_it(tmp_path):
    lines = lines_of(GOLDEN)[:4]
    lines[3]["s"]["curr"] = 7
    shown = str(replay_trace(write(tmp_path / "falsified.jsonl", lines)).difference).splitlines()
    assert shown == [
        "    t=1000 fork task=1 parent=0 nice=0 group=/ policy=normal",
        "    t=4370 fork task=2 parent=1 nice=0 group=/ policy=normal",
        "  > t=1000000 tick",
        "line 4: curr: expected 7, got 2",
    ]


def test_replay_stops_at_the_first_difference(tmp_path):
    lines = lines_of(GOLDEN)
    lines[10]["s"]["curr"] = lines[30]["s"]["curr"] = 77
    result = replay_trace(write(tmp_path / "falsified.jsonl.gz", lines))
    assert (result.difference.line, result.operations) == (11, 10)


@pytest.mark.parametrize("key", ["ent", "tree", "rq"])
def test_an_entity_or_queue_too_many_is_a_difference(tmp_path, key):
    lines = lines_of(GOLDEN)
    number = full_line(lines)
    lines[number]["s"][key]["ghost"] = [0, 0, 0, 0]
    assert replay_trace(write(tmp_path / "falsified.jsonl.gz", lines)).difference.path.startswith(
        f"{key}.ghost"
    )


@pytest.mark.parametrize("key", ["ent", "tree", "rq"])
def test_an_entity_or_queue_too_few_is_a_difference(tmp_path, key):
    lines = lines_of(GROUPED)
    number = full_line(lines)
    name = next(iter(lines[number]["s"][key]))
    del lines[number]["s"][key][name]
    assert replay_trace(write(tmp_path / "falsified.jsonl.gz", lines)).difference.path.startswith(
        f"{key}.{name}"
    )


@pytest.mark.parametrize("name", ["plain.jsonl", "zipped.jsonl.gz"])
def test_a_trace_may_be_compressed_or_not(tmp_path, name):
    result = replay_trace(write(tmp_path / name, lines_of(GOLDEN)))
    assert (result.equal, result.operations, result.model) == (True, 59, "linux-2.6.24-cfs")


def test_full_states_are_counted(tmp_path):
    lines = lines_of(GOLDEN, 11)
    for line in lines[2:]:
        line["s"] = {"curr": line["s"]["curr"], "resched": line["s"]["resched"]}
    assert replay_trace(write(tmp_path / "sparse.jsonl", lines)).states == 1


@pytest.mark.slow
def test_many_traces_are_replayed_with_progress_and_without_stopping(tmp_path):
    seen = []
    paths = [str(GOLDEN), str(tmp_path / "missing.jsonl.gz"), str(GROUPED)]
    first, broken, last = replay_traces(paths, progress=lambda done, total: seen.append((done, total)))
    assert first.equal and last.equal and isinstance(broken, TraceError)
    assert seen == [(1, 3), (2, 3), (3, 3)]


# ---- What is no trace ----------------------------------------------------------------------------

HEADER = {"format": "sched-conformance/1", "model": "linux-2.6.24-cfs", "groups": "none"}
BY_UID = HEADER | {"groups": "uid"}
BY_CGROUP = HEADER | {"groups": "cgroup"}
FORK = {
    "t": 5,
    "op": "fork",
    "task": 1,
    "parent": 0,
    "nice": 0,
    "group": "/",
    "policy": "normal",
    "s": {"curr": 1},
}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty"),
        (["{nope\n"], "line 1:"),
        (["[1, 2]\n"], "line 1: not a JSON object"),
        (["\n"], "line 1:"),
        ([HEADER, FORK, "{nope\n"], "line 3:"),
        ([HEADER, FORK, "5\n"], "line 3: not a JSON object"),
        ([HEADER, "[" * 100_000 + "\n"], "line 2:"),
        ([HEADER, "\ud800\n".encode("utf-8", "surrogatepass").decode("latin-1")], "line 2:"),
        ([HEADER], "no operation"),
        ([{}], "format None, not 'sched-conformance/1'"),
        ([HEADER | {"format": "sched-conformance/2"}], "format 'sched-conformance/2'"),
        ([HEADER | {"model": "linux-9"}], "no model 'linux-9'; there are linux-2.6.24-cfs"),
        ([HEADER | {"model": ["linux-2.6.24-cfs"]}], "no model"),
        ([HEADER | {"model": None}], "no model None"),
        ([HEADER | {"groups": "pid"}], "groups 'pid' is none of"),
        ([HEADER | {"groups": []}], "groups \\[\\] is none of"),
        ([HEADER | {"cpus": 2}], "2 CPUs"),
        ([HEADER | {"tunables": 5}], "line 1:"),
        ([HEADER | {"tunables": {"sched_charm": 1}}], "sched_charm"),
        ([HEADER | {"tunables": {"cpus": 3}}], "line 1:.*cpus"),
        ([HEADER | {"tunables": {"model": "x"}}], "line 1:.*model"),
        ([HEADER | {"tunables": {"sched_latency_ns": 5}}], "sched_latency_ns = 5"),
        ([BY_UID | {"tunables": {"init_task_group_load": "x"}}], "shares must be an integer"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(tmp_path, lines, message):
    path = write(tmp_path / "bad.jsonl", lines)
    with pytest.raises(TraceError, match=message):
        replay_trace(path)


@pytest.mark.parametrize(
    ("header", "op", "message"),
    [
        (HEADER, {"t": 6, "op": "tick"}, "the operation has no state"),
        (HEADER, {"t": 6, "op": "tick", "s": 5}, "the operation has no state"),
        (HEADER, {"t": 6, "s": {}}, "no field 'op'"),
        (HEADER, {"op": "tick", "s": {}}, "no field 't'"),
        (HEADER, {"t": 6, "op": "dance", "s": {}}, "unknown operation 'dance'"),
        (HEADER, {"t": 6, "op": ["tick"], "s": {}}, "unknown operation"),
        (HEADER, {"t": 6, "op": None, "s": {}}, "unknown operation None"),
        (HEADER, {"t": 4, "op": "tick", "s": {}}, "before the last event"),
        (HEADER, {"t": 1.5, "op": "tick", "s": {}}, "integer"),
        (HEADER, {"t": None, "op": "tick", "s": {}}, "integer"),
        (HEADER, {"t": -1, "op": "tick", "s": {}}, "outside"),
        (HEADER, {"t": 6, "op": "wake", "task": 9, "s": {}}, "no field 9"),
        (HEADER, {"t": 6, "op": "wake", "task": [], "s": {}}, "unhashable"),
        (HEADER, {"t": 6, "op": "wake", "s": {}}, "no field 'task'"),
        (HEADER, {"t": 6, "op": "nice", "task": 1, "nice": 99, "s": {}}, "nice = 99"),
        (HEADER, {"t": 6, "op": "policy", "task": 1, "policy": "rr", "s": {}}, "'rr' is none of"),
        (HEADER, {"t": 6, "op": "move", "task": 1, "group": "a", "s": {}}, "move needs"),
        (HEADER, {"t": 6, "op": "shares", "group": "a", "shares": 5, "s": {}}, "no group 'a'"),
        (
            HEADER,
            {"t": 6, "op": "group", "group": "a", "shares": 5, "parent": "/", "s": {}},
            "needs Scheduler",
        ),
        (HEADER, FORK | {"t": 6, "task": 2, "parent": 7}, "task 7 forks, but 1 is running"),
        (HEADER, {"t": 6, "op": "tick", "s": {"weather": 1}}, "unknown state 'weather'"),
        (HEADER | {"ent_fields": ["charm"]}, {"t": 6, "op": "tick", "s": {"ent": {}}}, "charm"),
        (BY_UID, {"t": 6, "op": "move", "task": 1, "group": "root", "s": {}}, "invalid literal"),
        (BY_UID, {"t": 6, "op": "move", "task": 1, "group": 5, "s": {}}, "removeprefix"),
        (BY_CGROUP, {"t": 6, "op": "move", "task": 1, "group": "a", "s": {}}, "no group 'a'"),
        (
            BY_CGROUP,
            {"t": 6, "op": "group", "group": "a", "shares": -5, "parent": "/", "s": {}},
            "shares = -5",
        ),
        (
            BY_CGROUP,
            {"t": 6, "op": "group", "group": "a", "shares": 5, "parent": "b", "s": {}},
            "no group 'b'",
        ),
    ],
)
def test_an_operation_that_makes_no_sense_is_refused_with_its_line(tmp_path, header, op, message):
    fork = FORK | {"group": "uid:0" if header["groups"] == "uid" else "/"}
    path = write(tmp_path / "bad.jsonl", [header, fork, op])
    with pytest.raises(TraceError, match=f"line 3.*{message}"):
        replay_trace(path)


def test_the_idle_task_cannot_block_in_a_trace(tmp_path):
    path = write(tmp_path / "bad.jsonl", [HEADER, {"t": 1, "op": "block", "s": {}}])
    with pytest.raises(TraceError, match="line 2.*idle task cannot block"):
        replay_trace(path)


def test_a_cut_file_is_refused(tmp_path):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(GOLDEN.read_bytes()[:-500])
    with pytest.raises(TraceError, match="line"):
        replay_trace(path)


def test_a_damaged_file_is_refused(tmp_path):
    data = bytearray(GOLDEN.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "damaged.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(TraceError):
        replay_trace(path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "noise.jsonl"
    path.write_bytes(bytes(range(1, 256)) * 10)
    with pytest.raises(TraceError, match="line 1"):
        replay_trace(path)


@pytest.mark.parametrize("name", ["missing.jsonl.gz", ""])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(TraceError):
        replay_trace(tmp_path / name)
