"""What a recording says beside its events, as JSON and back; and what is refused."""

import json

import pytest

from cfs import RecordingError
from cfs.recordings.surroundings import (
    SCHEMA,
    GroupFacts,
    ProcessorFacts,
    Surroundings,
    TaskFacts,
    from_json,
    to_json,
)

SAID = Surroundings(
    kernel="6.18.44",
    architecture="x86_64",
    clock="CLOCK_MONOTONIC",
    hz=250,
    preempt="lazy",
    cpus_in_machine=2,
    base_slice_ns=1_400_000,
    tunables={"sched_latency_ns": 6, "migration_cost_ns": -1},
    features={"PLACE_LAG": False},
    origins={"hz": "/proc/config.gz"},
    processors=(ProcessorFacts(0, 0, 0, 0, 1024), ProcessorFacts(1)),
    groups=(GroupFacts("/a", "cgroup v2", 1024, False, 5, 10, 0), GroupFacts("/a/b", "cgroup v1", idle=True)),
    users={0: 2048, 1000: 1024},
    tasks=(TaskFacts(7, 8, "n\udcff", 7, 1000, -20, "idle", 0, 3_000_000, "/a/b"), TaskFacts(9)),
    not_read=("tunables: no",),
    anonymous=True,
)


def test_s2_what_is_written_is_read_back():
    assert from_json(to_json(SAID), "x") == SAID
    assert from_json(to_json(Surroundings()), "x") == Surroundings()


def test_the_same_facts_are_the_same_bytes():
    other = Surroundings(**{**vars(SAID), "tunables": dict(reversed(SAID.tunables.items()))})
    assert to_json(other) == to_json(SAID)


def test_groups_of_rows_are_not_in_the_json():
    """A .cfsrec says whose group it is by pid."""
    assert to_json(Surroundings(groups_of_rows=("/a", None))) == to_json(Surroundings())


def test_the_line_of_groups_says_what_is_not_recorded():
    def line(*groups, **said):
        return Surroundings(groups_of_rows=groups, **said).groups_line("perf.data")

    assert line("/a", "/b/c", "/a", "/") == "2 of perf.data, weights not recorded: 1024 each"
    assert line("/a", "", None) == (
        "1 of perf.data, weights not recorded: 1024 each; that of 2 tasks is not recorded"
    )
    assert line("/", "/") == "perf.data has no group but the root"
    assert line("/a", tasks=(TaskFacts(1),)) == line() == ""
    said = Surroundings(groups_of_rows=("/a", "/", None, "", "/b"))
    assert (said.nr_groups, said.nr_tasks) == (2, 3)


def test_s1_what_is_not_said_is_taken_from_below():
    below = Surroundings(kernel="5.0", hz=100, cpus_in_machine=64)
    both = Surroundings(hz=250, cpus_in_machine=2).over(below)
    assert (both.kernel, both.hz, both.cpus_in_machine, both.preempt) == ("5.0", 250, 2, None)


def test_tunables_have_the_names_of_models():
    """debugfs has latency_ns for sched_latency_ns; the word of all bits differs between releases."""
    said = Surroundings(
        tunables={"latency_ns": 6, "sched_features": 7, "features": 1}, base_slice_ns=5, features={"X": True}
    )
    named = said.model_tunables
    assert named["sched_latency_ns"] == 6 and named["base_slice_ns"] == 5 and named["X"] is True
    assert "sched_features" not in named


def test_unknown_keys_are_passed_over():
    table = json.loads(to_json(SAID)) | {"new": {"x": 1}}
    assert from_json(json.dumps(table).encode(), "x") == SAID


TASK = {"pid": 1}
WRONG = [
    ({"hz": 0}, "hz is 0, not an integer of 10 ... 1000000"),
    ({"hz": "250"}, "hz"),
    ({"hz": True}, "hz"),
    ({"hz": 2.5}, "hz"),
    ({"preempt": "sometimes"}, "not one of none, voluntary, full, lazy, rt"),
    ({"preempt": ["none"]}, "preempt"),
    ({"kernel": 6}, "kernel"),
    ({"kernel": "x" * 300}, "at most 256 characters"),
    ({"clock": "a\0b"}, "clock"),
    ({"cpus_in_machine": -1}, "cpus_in_machine"),
    ({"base_slice_ns": 10**30}, "base_slice_ns"),
    ({"tunables": [1]}, "tunables is [1], not an object"),
    ({"tunables": {"x": "1"}}, "tunables.x"),
    ({"tunables": {"x": 2**70}}, "tunables.x"),
    ({"tunables": {"x": True}}, "tunables.x"),
    ({"features": {"PLACE_LAG": 1}}, "features.PLACE_LAG"),
    ({"origins": {"hz": None}}, "origins.hz"),
    ({"processors": {}}, None),
    ({"processors": {"a": 1}}, "processors"),
    ({"processors": [[]]}, "processors[0] is [], not an object"),
    ({"processors": [{"cpu": -1}]}, "processors[0].cpu"),
    ({"groups": [{"path": "../etc"}]}, "groups[0].path"),
    ({"groups": [{"path": "/a//b"}]}, "groups[0].path"),
    ({"groups": [{"path": "/a/"}]}, "groups[0].path"),
    ({"groups": [{"path": "/a", "shares": 1}]}, "groups[0].shares"),
    ({"groups": [{"path": "/a", "idle": 1}]}, "groups[0].idle"),
    ({"groups": [{"path": "/a", "kind": "x"}]}, "groups[0].kind"),
    ({"groups": [{"path": "/a", "quota_ns": 0}]}, "groups[0].quota_ns"),
    ({"users": {"root": 1024}}, "users"),
    ({"users": {"1": 1}}, "users.1"),
    ({"users": {"\u00b2": 1024}}, "users"),
    ({"users": {"9999999999": 1024}}, "users"),
    ({"tasks": "all"}, "tasks"),
    ({"tasks": [TASK, {"pid": -1}]}, "tasks[1].pid"),
    ({"tasks": [TASK | {"nice": 20}]}, "tasks[0].nice"),
    ({"tasks": [TASK | {"policy": "best"}]}, "tasks[0].policy"),
    ({"tasks": [TASK | {"uid": -1}]}, "tasks[0].uid"),
    ({"tasks": [TASK | {"slice_ns": 0}]}, "tasks[0].slice_ns"),
    ({"tasks": [TASK | {"group": "a"}]}, "tasks[0].group"),
    ({"not_read": [1]}, "not_read"),
    ({"anonymous": "yes"}, "anonymous"),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=lambda value: str(value)[:60])
def test_s2_what_is_no_fact_is_one_clear_error(change, words):
    content = json.dumps({"schema": SCHEMA} | change).encode()
    if words is None:  # an empty object is as good as an empty array
        assert from_json(content, "x") == Surroundings()
        return
    with pytest.raises(RecordingError) as caught:
        from_json(content, "rec.cfsrec")
    assert (
        str(caught.value).startswith("rec.cfsrec: ")
        and words in str(caught.value)
        and "\n" not in str(caught.value)
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"schema": "cfs-recording/1", "hz": ' + b"9" * 9999 + b"}", "no JSON"),
        (b"[]", "is not of the schema"),
        (b"null", "is not of the schema"),
        (b'{"schema": 1}', "is not of the schema"),
        (b'{"schema": "cfs-result/1"}', "is not of the schema"),
        (b'{"schema": "cfs-recording/2"}', "this cfs reads 'cfs-recording/1'"),
    ],
)
def test_what_is_no_surroundings_is_one_clear_error(content, words):
    with pytest.raises(RecordingError, match="rec.cfsrec") as caught:
        from_json(content, "rec.cfsrec")
    assert words in str(caught.value) and len(str(caught.value)) < 300
