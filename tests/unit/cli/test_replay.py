"""`cfs replay`: what the tables say, and errors that help."""

import json
import re

import pytest

from tests.unit.cli.commands import HOGS, run


def test_replay_says_what_was_read_and_under_which_model():
    settings = ("--hz", 250, "--set", "START_DEBIT=off", "--set", "sched_latency_ns=6ms")
    lines = run("replay", HOGS, *settings).stdout
    assert "nice-hogs-small.perf-script.txt.gz: perf script, 2581 lines" in lines
    assert "3.31 s, CPUs 0, 1, 26 tasks, 747 switches and 92 inferred" in lines
    assert "workload   20 tasks of CPU 0; wakeups there:" in lines
    assert re.search(r"\d+ caused by tasks, \d+ by timers, \d+ from outside", lines)
    assert "linux-2.6.24-cfs, hz 250, sched_latency_ns=6000000, sched_nr_latency=1, START_DEBIT=off" in lines
    assert "warning    real-time tasks are taken as normal ones of nice -20: migration/0" in lines


def test_replay_shows_three_tables_of_readable_width():
    result = run("replay", HOGS, "--top", 4)
    assert result.exit_code == 0 and result.stderr == ""
    tables = result.stdout.split("\n\n")[1:]
    assert [table.splitlines()[0].split(":")[0] for table in tables] == [
        "CPU time and switches",
        "Scheduling latency",
        "Run lengths",
    ]
    for table in tables:
        assert max(map(len, table.splitlines())) <= 100
        firsts = [line.split("  ")[0] for line in table.splitlines()[4:]]
        assert [first.split()[0] for first in firsts if "not known" not in first][-2:] == ["16", "all"]


def test_replay_by_comm():
    assert "command           tasks nice" in run("replay", HOGS, "--by-comm").stdout


def test_json_has_all_cpus_that_were_asked_for():
    content = json.loads(run("replay", HOGS, "--cpu", "all", "--only", "hog*", "--json", "-").stdout)
    for side in (content, content["recorded"]):
        assert [cpu["cpu"] for cpu in side["cpus"]] == [0, 1]
    assert all(task["comm"].startswith("hog") for task in content["tasks"])
    assert content["cpus"][1]["busy_ns"] == 0


def test_until_stops_both_sides():
    content = json.loads(run("replay", HOGS, "--until", "1.5", "--json", "-").stdout)
    assert content["duration_ns"] == content["recorded"]["duration_ns"] == 1_500_000_000
    assert 0.9e9 < content["recorded"]["cpus"][0]["busy_ns"] <= 1.5e9


def test_the_same_command_writes_the_same():
    assert run("replay", HOGS).stdout == run("replay", HOGS).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cpu", "7"], ["no events of CPU 7", "[0, 1]"]),
        (["--cpu", "x"], ["'x' is neither the number of a CPU nor 'all'"]),
        (["--model", "cfq"], ["no model 'cfq'", "linux-2.6.24-cfs"]),
        (["--hz", "0"], ["hz = 0 is outside of 1 ... 1000000"]),
        (["--hz", "fast"], ["--hz"]),
        (["--group-by", "user"], ["uid", "cgroup"]),
        (["--outside", "sometimes"], ["absolute", "relative"]),
        (["--set", "sched_latency_ns"], ["not of the form TUNABLE=VALUE"]),
        (["--set", "latency=1"], ["'latency' is no tunable", "sched_latency_ns"]),
        (["--set", "sched_latency_ns=soon"], ["'soon' is not a value"]),
        (["--set", "sched_latency_ns=1"], ["outside of 100000 ... 1000000000"]),
        (["--set", "START_DEBIT=2"], ["START_DEBIT is a feature bit"]),
        (["--only", "nobody"], ["no such task"]),
        (["--group", "hog1"], ["not of the form PATTERN=NAME[:SHARES]"]),
        (["--group", "hog*="], ["not of the form"]),
        (["--group", "hog*=a:many"], ["'many' is not a number"]),
        (["--group", "hog*=a:1"], ["shares of 'a' = 1", "2 ... 262144"]),
        (["--group", "nobody=a"], ["no task has a name like 'nobody'", "there are"]),
        (["--uid", "hog*=root"], ["'root' is not a number"]),
        (["--uid", "hog*=1", "--group", "hog*=a"], ["--group-by"]),
        (["--uid", "hog*=1", "--group-by", "cgroup"], ["--uid has no effect with cgroup"]),
        (["--nice", "hog*=20"], ["nice of 'hog*' = 20", "-20 ... 19"]),
        (["--nice", "hog*=low"], ["'low' is not a number"]),
        (["--until", "0"], ["0 is not after the beginning"]),
        (["--until", "nan"], ["'nan' is no duration", "without a unit, s are meant"]),
        (["--tick-jitter", "4 s"], ["tick_jitter_ns = 250000000 is outside of 0"]),
        (["--tick-phase", "yes"], ["--tick-phase", "'yes' is no duration", "without a unit, ns are meant"]),
        (["--tick-phase", "-1"], ["'-1' is no duration"]),
        (["--wakeup-cost", "on"], ["'on' is no duration"]),
        (["--top", "0"], ["--top"]),
        (["--json", "no/such/place.json"], ["no/such/place.json: there is no directory no/such"]),
        (["--plot", "x.bmp"], [".png, .svg", "not to .bmp"]),
        (["--plot", "no/such/place.png"], ["no directory no/such"]),
        (["--from", "nan"], ["'nan' is no duration"]),
        (["--from", "2", "--until", "1.5s"], ["--from", "2 s is not before the end, 1.5 s"]),
        (["--from", "9"], ["--from", "9 s is not before the end, 3.307 s"]),
        (["--json", "-", "--html", "-"], ["--json, --html", "which takes one file"]),
        (["--by", "comms"], ["--by", "comm", "task", "group"]),
        (["--model", "linux-6.18-eevd"], ["did you mean 'linux-6.18-eevdf'"]),
        (["--set", "start_debit=1"], ["did you mean 'START_DEBIT'?"]),
        (["--policy", "hog*=idel"], ["is none of normal, batch, idle; did you mean 'idle'?"]),
        (["--slice", "*=3"], ["linux-2.6.24-cfs has no slices of tasks' own"]),
        (["--slice", "hog*=3ms"], ["linux-2.6.24-cfs has no slices of tasks' own, and 'hog1.n-5' asks for one"]),
        (["--slice", "hog*=soon"], ["--slice", "'soon' is no duration", "without a unit, ns are meant"]),
        (["--group", "hog*=a/b"], ["linux-2.6.24-cfs has groups right below the root only, and not 'a/b'"]),
        (["--group", "hog*=a:idle"], ["linux-2.6.24-cfs has no idle groups, and 'a' is to be one"]),
        (["--group", "hog*=a//b"], ["'a//b' is no path of groups"]),
        (["--uid", "hog*=5", "--uid", "hog1*=6:512"], ["'uid:6'", "there is no such group or user"]),
        (["--frobnicate"], ["--frobnicate"]),
    ],
)
def test_replay_refuses(arguments, words):
    result = run("replay", HOGS, *arguments)
    assert result.exit_code == 2 and "Traceback" not in result.stderr
    text = " ".join(result.stderr.split())
    for word in words:
        assert word in text
