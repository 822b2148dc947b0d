"""Truth files: what is read of them, and that a wrong one is one sentence."""

import copy
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfs import CfsError, TruthError
from cfs.validate import read_truth
from cfs.validate.truth import Interval
from tests.unit.validate.truths import NAMES, SMALL, truth, truth_path

CONTENT = json.loads(gzip.decompress(truth_path("kbuild-shell-1cpu").read_bytes()))


def written(tmp_path, content):
    path = tmp_path / "t.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_what_is_read():
    found = truth(SMALL)
    assert (found.name, found.scenario, found.cpus, found.hz) == (SMALL, "nice-hogs", (0,), 250)
    assert found.window == Interval(304348839, 3304348839) and found.steady.length_ns == 2473444875
    assert [task.comm for task in found.tasks if task.is_started] == [
        "hog1.n-5", "hog2.n0", "hog3.n0", "hog4.n5", "hog5.n10", "hog6.n19",
    ]  # fmt: skip
    assert found.switches == {0: 573, 1: 87} and found.release == "6.18.44"
    assert found.tunables["base_slice_ns"] == 1_400_000 and found.tunables["RUN_TO_PARITY"] is True
    assert found.names["hog6.n19"].distributions["fork_latency"]["count"] == 1


def test_what_only_some_have():
    build = truth("kbuild-shell-1cpu-autogroup")
    assert build.autogroup and build.build.length_ns == 5_983_606_000 and len(build.commands) == 34
    assert truth("messaging").bench_ns == 1_174_000_000
    assert truth("two-users-1to3").shares == {"/rec.A": 1024, "/rec.B": 3072}
    assert truth("periodic").responses["ui"]["p99"] == 100_143_578
    assert truth("kbuild-shell-2cpu").cpus == (0, 1)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_read(name):
    assert truth(name).names and truth(name).tasks


def test_a_file_need_not_be_packed(tmp_path):
    assert read_truth(written(tmp_path, CONTENT)) == truth("kbuild-shell-1cpu")


def test_cpus_are_listed_as_taskset_takes_them(tmp_path):
    content = copy.deepcopy(CONTENT)
    content["workload"]["pinned_to_cpus"] = "0, 2-4"
    assert read_truth(written(tmp_path, content)).cpus == (0, 2, 3, 4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.update(format="other/2"), "format is 'other/2', not 'sched-recording-truth/1'"),
        (lambda file: file.pop("format"), "format is missing"),
        (lambda file: file["kernel"].update(hz=0), "kernel.hz is 0, not a whole number of 1"),
        (lambda file: file["kernel"].update(hz="250"), "kernel.hz is '250'"),
        (lambda file: file["recording"].update(first_ns=-1), "recording.first_ns is -1"),
        (lambda file: file["window"].update(end_ns=0), "window.end_ns is 0"),
        (lambda file: file.update(window=None), "window"),
        (lambda file: file["tasks"][3].update(pid=True), "tasks[3].pid is True, not a whole number"),
        (lambda file: file["tasks"][3].update(wakeup_latency=[]), "tasks[3].wakeup_latency is [], not a table"),
        (lambda file: file["by_comm"].update(cc1=7), "by_comm.cc1 is 7, not a table of fields"),
        (lambda file: file["by_comm"]["cc1"]["run_length"].pop("p95_ns"), "run_length.p95_ns is missing"),
        (lambda file: file["per_cpu"].update(x={}), "'x' is not the number of a CPU"),
        (lambda file: file["workload"].update(pinned_to_cpus="0;1"), "'0;1' is not the number of a CPU"),
        (lambda file: file["workload"].update(pinned_to_cpus="3-1"), "not a list of CPUs"),
        (lambda file: file["commands"].update(rows=[[1]]), "has a row without begin and length"),
        (lambda file: file.update(bench="fast"), "bench is 'fast', not seconds"),
        (lambda file: file["kernel"].update(sched_features={"X": 1}), "sched_features.X is 1, not true or false"),
    ],
)
def test_a_wrong_field_is_one_sentence(tmp_path, change, words):
    content = copy.deepcopy(CONTENT)
    change(content)
    with pytest.raises(TruthError) as error:
        read_truth(written(tmp_path, content))
    assert words in str(error.value) and "t.json" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "null", '"x"', "NaN", "[" * 100_000, '{"format": "sched-recording-truth/1"}']
)
def test_what_is_no_truth_file_is_one_sentence(tmp_path, content):
    with pytest.raises(TruthError) as error:
        read_truth(written(tmp_path, content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\x1f\x8b", b"\x1f\x8b" + b"x" * 50, b"\xff\xfe", gzip.compress(b"{}")[:-9]])
def test_bytes_that_are_none_are_one_sentence(tmp_path, content):
    path = tmp_path / "t.json.gz"
    path.write_bytes(content)
    with pytest.raises(TruthError):
        read_truth(path)


def places(value, path=()):
    """Every place in a document."""
    yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        yield from places(inner, (*path, key))


PLACES = [path for path in places(CONTENT) if path]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=3),
)


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=3))
def test_a_file_with_junk_in_it_is_read_or_refused(tmp_path_factory, changes):
    content = copy.deepcopy(CONTENT)
    for path, junk in changes:
        put(content, path, junk)
    file = tmp_path_factory.mktemp("truth") / "t.json"
    file.write_text(json.dumps(content))
    try:
        read_truth(file)
    except CfsError as error:
        assert isinstance(error, TruthError) and "\n" not in str(error)


def put(content, path, junk):
    """Replace what is at a place, if another change has not taken it away."""
    for key in path[:-1]:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return
    is_there = isinstance(content, list) and isinstance(path[-1], int) and path[-1] < len(content)
    if isinstance(content, dict) or is_there:
        content[path[-1]] = junk
