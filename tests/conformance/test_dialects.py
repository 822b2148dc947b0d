"""The judge speaks the dialects of the older releases. Way to be right: golden traces, falsified in one
place.
"""

import gzip
import json
from pathlib import Path

import pytest

from cfs import TraceError
from cfs.conformance import replay_trace

DATA = Path(__file__).parents[1] / "data" / "conformance"
GOLDEN = {
    "linux-2.6.23-cfs": DATA / "linux-2.6.23-cfs" / "two-equal-1.jsonl.gz",
    "linux-2.6.22-o1": DATA / "linux-2.6.22-o1" / "two-equal-1.jsonl.gz",
}


def lines_of(model, nr=60):
    with gzip.open(GOLDEN[model], "rt") as lines:
        return [json.loads(next(lines)) for _ in range(nr)]


def replayed(tmp_path, lines):
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return replay_trace(path)


def a_full_state(lines):
    """Line number (from 0) and state of a line in the middle with every key."""
    return next((n, line["s"]) for n, line in enumerate(lines) if n > 20 and len(line["s"]) > 2)


def first_list(queues):
    return next(tasks for lists in queues.values() for tasks in lists.values())


FALSIFIED = [
    ("linux-2.6.23-cfs", lambda s: s["cpu_load"].__setitem__(4, 9), "cpu_load"),
    ("linux-2.6.23-cfs", lambda s: s["rq"]["/"].__setitem__(5, 1), "rq./.sleeper_bonus"),
    ("linux-2.6.23-cfs", lambda s: s["ent"]["1"].__setitem__(13, 1), "ent.1.sum_sleep_runtime"),
    ("linux-2.6.23-cfs", lambda s: s["tree"]["/"].reverse(), "tree./"),
    ("linux-2.6.22-o1", lambda s: s["cpu"].__setitem__(0, 77_777), "cpu.jiffies"),
    ("linux-2.6.22-o1", lambda s: s["ent"]["1"].__setitem__(4, "limbo"), "ent.1.array"),
    ("linux-2.6.22-o1", lambda s: s["ent"]["2"].__setitem__(7, "bliss"), "ent.2.sleep_type"),
    ("linux-2.6.22-o1", lambda s: s["ent"]["0"].__setitem__(2, 1), "ent.0.time_slice"),
    ("linux-2.6.22-o1", lambda s: first_list(s["queues"]).append("9"), "queues.active"),
]


@pytest.mark.parametrize(("model", "falsify", "path"), FALSIFIED, ids=[f"{m}-{p}" for m, _, p in FALSIFIED])
def test_one_changed_value_is_found_and_named(tmp_path, model, falsify, path):
    lines = lines_of(model)
    assert replayed(tmp_path, lines).equal
    number, state = a_full_state(lines)
    falsify(state)
    difference = replayed(tmp_path, lines).difference
    assert difference.line == number + 1
    assert difference.path.startswith(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"hz": 5}, "hz = 5"),
        ({"hz": "fast"}, "hz must be an integer"),
        ({"tunables": {"DEF_TIMESLICE": 7}}, "DEF_TIMESLICE is 100 at HZ 1000, not 7"),
        ({"tunables": {"hz": 1000}}, "no constant hz"),
        ({"tunables": {"sched_charm": 1}}, "no constant sched_charm"),
    ],
)
def test_constants_of_another_kernel_are_refused(tmp_path, header, message):
    lines = lines_of("linux-2.6.22-o1", 3)
    lines[0] = {"format": lines[0]["format"], "model": lines[0]["model"], "hz": 1000} | header
    with pytest.raises(TraceError, match=f"line 1.*{message}"):
        replayed(tmp_path, lines)


def test_an_option_that_the_model_has_not_is_refused(tmp_path):
    header = {"format": "sched-conformance/1", "model": "linux-2.6.24-cfs"}
    fork = {"t": 0, "op": "fork", "task": 1, "parent": 0, "nice": 0, "group": "/", "policy": "normal"}
    lines = [header, fork | {"clone_vm": True, "s": {"curr": 1}}]
    with pytest.raises(TraceError, match="forks that share memory"):
        replayed(tmp_path, lines)
