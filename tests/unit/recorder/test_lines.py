"""What of a text is kept. Way to be right: lines written by hand, and real recordings, read before and after."""

import gzip
import io
from pathlib import Path

import pytest

from tests.quick import few

from cfs.recorder.alias import Alias
from cfs.recorder.lines import kept_lines
from cfs.recordings import Recording

DATA = Path(__file__).parents[2] / "data/recordings"
FTRACE = "  audio mix-12    [000] d..2.  2196.796017: "
PERF = "  audio mix    12/12    [000]  2196.796017001:       sched:"
SWITCH = (
    "sched_switch: prev_comm=audio mix prev_pid=12 prev_prio=120 prev_state={} ==> "
    "next_comm=a/b:1 next_pid=3 next_prio=0"
)


def kept(*lines, alias=None):
    return [line.rstrip("\n") for line in kept_lines(lines, alias)]


@pytest.mark.parametrize(
    "head", [FTRACE, PERF, "  <...>-12  (-------) [001] 1.000001: ", "  <idle>-0 [001] d.h1. 1.5: "]
)
@pytest.mark.parametrize("state", ["S", "R+", "D|W", "X"])
def test_events_are_kept_as_they_are(head, state):
    line = head + SWITCH.format(state)
    assert kept(line + "\n") == [line]


@pytest.mark.parametrize("head", [FTRACE, PERF])
def test_names_are_replaced_in_front_and_in_the_fields(head):
    line = kept(head + SWITCH.format("S"), alias=Alias())[0]
    assert line == (head + SWITCH.format("S")).replace("audio mix", "task1").replace("a/b:1", "task2")


def test_a_name_may_look_like_a_field():
    """It is bounded from the right, so nothing of it is left."""
    line = FTRACE + "sched_waking: comm=x pid=7 prio=1 pid=12 prio=120 target_cpu=000"
    assert kept(line, alias=Alias()) == [
        "  task1-12    [000] d..2.  2196.796017: sched_waking: comm=task2 pid=12 prio=120 target_cpu=000"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "something else",
        FTRACE + "sched_process_exec: filename=/etc/x pid=1 old_pid=1",
        FTRACE + "sys_enter: NR 1",
        FTRACE + SWITCH.format("S") + " secret=1",
        FTRACE + "tracing_mark_write: password",
        "# ~me/secret",
    ],
)
def test_what_is_not_understood_is_left_out(line):
    assert kept(line) == kept(line, alias=Alias()) == []


@pytest.mark.parametrize(
    "line", ["# tracer: nop", "# entries-in-buffer/entries-written: 382/382   #P:2", "CPU:1 [LOST 12 EVENTS]",
             "##### CPU 2 buffer started ####", "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION"]
)  # fmt: skip
def test_what_the_tracer_says_of_itself_is_kept(line):
    assert kept(line) == [line]


@pytest.mark.parametrize("name", few(["nice-hogs-ftrace.ftrace.txt.gz", "periodic.perf-script.txt.gz"], 1))
def test_a_real_recording_says_the_same_afterwards(name):
    with gzip.open(DATA / name, "rt", errors="surrogateescape") as file:
        lines = file.readlines()
    before = Recording.open(DATA / name)
    alias = Alias()
    for which in (None, alias):
        text = "".join(kept_lines(lines, which))
        after = Recording.open(io.BytesIO(text.encode("utf-8", "surrogateescape")))
        assert after.packed_events.tobytes() == before.packed_events.tobytes()
        assert after.nr_lines == before.nr_lines and after.warnings == before.warnings
    assert [alias.name(name) for name in before.names] == after.names
