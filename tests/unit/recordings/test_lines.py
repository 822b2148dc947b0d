"""What one line says, whatever came before it; expected values are written out by hand."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfs.recordings._lines import fields_of

from .lines import A, B, IDLE, T0, fork, ftrace, head, runtime, switch, wake

PREEMPTED, BLOCKED, EXITED, D, I = 1, 2, 3, 4, 8
HEAD = "a 1/1 [000] 5.000000001: "


def said(line):
    return fields_of(line.encode().strip())


def test_the_header_of_perf():
    line = said(switch(7, A, B, cpu=12))
    assert (line["time_ns"], line["cpu"], line["tid"], line["irq"]) == (T0 + 7, 12, 101, 0)
    assert line["event"] == b"sched_switch"


@pytest.mark.parametrize(
    ("flags", "irq"), [("d..2.", 1), ("d.h2.", 2), ("d.s2.", 3), ("d.Z2.", 2), ("d.?2.", 0)]
)
def test_the_header_of_ftrace_has_flags(flags, irq):
    event = "sched_waking: comm=a pid=1 prio=120 target_cpu=000"
    line = said(ftrace(3, ("kworker/u8:1-ev", 77), event, flags=flags))
    assert (line["time_ns"], line["tid"], line["irq"]) == (T0 + 3000, 77, irq)


@pytest.mark.parametrize(
    ("header", "tid"),
    [
        ("a 1/2 [000] 5.000001: ", 2),
        ("a 2 [000] 5.000001: ", 2),
        ("a:-1 5/-1 [000] 5.000001: ", -1),
        ("swapper [000] 5.000001: ", -1),
        ("a-2 ( 1) [000] d..2 5.000001: ", 2),
        ("a [001] 9-2 [000] 5.000001: ", 2),
    ],
)
def test_the_task_in_front(header, tid):
    line = said(header + "sched:sched_waking: comm=a pid=1 prio=120 target_cpu=000")
    assert (line["tid"], line["time_ns"], line["cpu"]) == (tid, 5_000001000, 0)


@pytest.mark.parametrize(
    "line",
    ["", "a", "[000]", "a 1 [000]", "a 1 [0x0] 5.0: e: ", "a 1 [000] 5: e: ", "a 1 [000] 5.5 e: ",
     "a 1 [8192] 5.5: e: ", "a 9999999999 [000] 5.5: e: ", "a 1 [000] 12345678901.5: e: ", "# tracer: nop"],
)  # fmt: skip
def test_a_line_that_is_no_event(line):
    assert said(line) is None


@pytest.mark.parametrize(
    "text",
    [
        "prev_comm=x y prev_pid=1 prev_prio=120 prev_state=D ==> next_comm=b= [0] next_pid=2 next_prio=-1",
        "prev_comm=x y prev_pid=1 prev_prio=120 prev_state=0x2 next_comm=b= [0] next_pid=2 next_prio=-1",
        "x y:1 [120] D ==> b= [0]:2 [-1]",
        "task x y:1 [120] (D) ==> b= [0]:2 [-1]",
    ],
)
def test_the_spellings_of_a_switch(text):
    line = said(HEAD + "sched_switch: " + text)
    assert (line["prev"], line["out"], line["next"]) == ((b"x y", 1, 120), BLOCKED | D, (b"b= [0]", 2, -1))


@pytest.mark.parametrize(
    ("state", "out"),
    [("R", PREEMPTED), ("R+", PREEMPTED), ("S", BLOCKED), ("D|K", BLOCKED | D), ("I", BLOCKED | I),
     ("X", EXITED), ("Z", EXITED), ("0", PREEMPTED), ("256", PREEMPTED), ("1", BLOCKED),
     ("0x80", BLOCKED | I), ("130", BLOCKED | D), ("32", EXITED), ("0x10", EXITED)],
)  # fmt: skip
def test_why_a_task_stopped(state, out):
    assert said(switch(0, A, B, state))["out"] == out


@pytest.mark.parametrize(
    ("text", "woke"),
    [
        ("comm=a b pid=7 prio=120 target_cpu=000", True),
        ("comm=a b pid=7 prio=120 success=1 target_cpu=000", True),
        ("comm=a b pid=7 prio=120 success=0 target_cpu=000", False),
        ("a b:7 [120] success=0 CPU:000", False),
        ("task a b:7 [120] success=1 [000]", True),
    ],
)
@pytest.mark.parametrize("event", ["sched_waking", "sched_wakeup", "sched_wakeup_new"])
def test_the_spellings_of_a_wakeup(event, text, woke):
    line = said(f"{HEAD}{event}: {text}")
    assert (line["event"].decode(), line["task"], line["woke"]) == (event, (b"a b", 7, 120), woke)


@pytest.mark.parametrize(
    "text",
    ["comm=p pid=1 child_comm=c d child_pid=2", "parent_comm=p parent_pid=1 child_comm=c d child_pid=2",
     "parent p:1  child c d:2"],
)  # fmt: skip
def test_the_spellings_of_a_fork(text):
    line = said(HEAD + "sched_process_fork: " + text)
    assert (line["parent"], line["child"]) == ((None, 1, None), (b"c d", 2, None))


@pytest.mark.parametrize(
    "text",
    ["comm=a b pid=7 runtime=55 [ns]", "comm=a b pid=7 runtime=55 [ns] vruntime=9 [ns]",
     "task: a b:7 runtime: 55 [ns], vruntime: 9 [ns]"],
)  # fmt: skip
def test_the_spellings_of_a_runtime(text):
    line = said(HEAD + "sched_stat_runtime: " + text)
    assert (line["task"], line["runtime_ns"]) == ((b"a b", 7, None), 55)


@pytest.mark.parametrize(
    "event", ["sched_switch", "sched_wakeup", "sched_process_fork", "sched_stat_runtime"]
)
def test_fields_that_cannot_be_understood_are_not_there(event):
    assert set(said(f"{HEAD}{event}: nonsense")) == {"time_ns", "cpu", "tid", "irq", "event"}


def test_an_event_of_which_only_the_context_counts():
    line = said(head(IDLE, 3, 5) + "sched:sched_migrate_task: comm=a pid=7 prio=120 orig_cpu=0 dest_cpu=1")
    assert (line["tid"], line["cpu"], line["event"], "task" in line) == (0, 3, b"sched_migrate_task", False)


names = st.text(st.characters(exclude_characters="\n\0\r", exclude_categories=["Cs"]), max_size=15)
names = names.filter(lambda name: "_" not in name)  # of keys in names see test_scan


@pytest.mark.slow
@given(names, names, st.integers(0, 2**31 - 1), st.integers(-1, 139))
def test_any_name_comes_back_from_keys(one, two, pid, prio):
    line = fields_of(switch(0, (one, pid), (two, 5), prio=prio).strip().encode())
    assert (line["prev"], line["next"]) == ((one.encode(), pid, prio), (two.encode(), 5, 120))


@given(st.sampled_from([switch(0, A, B), wake(0, A, B), fork(0, A, B), runtime(0, A, 5)]), st.data())
def test_whatever_is_cut_off_is_understood_or_not_but_never_read_beyond(line, data):
    whole = fields_of(line.strip().encode())
    text = line.strip().encode()[: data.draw(st.integers(0, len(line)))]
    part = fields_of(text)
    assert part is None or part["time_ns"] <= whole["time_ns"]
    for task in () if part is None else [v for v in part.values() if isinstance(v, tuple)]:
        assert task[0] is None or task[0] in text


# ---- eight characters at once


@pytest.mark.parametrize("tail", range(12))
def test_numbers_of_any_length_at_any_distance_from_the_end(tail):
    """Eight characters are looked at together only if there are so many."""
    rest = b" " * bool(tail) + b"x" * (tail - 1)
    for digits in range(13):
        number = b"1234567890123"[:digits]
        seconds = fields_of(b"a 1/1 [000] %b.5: e:%b" % (number, rest))
        assert (seconds and seconds["time_ns"]) == (_ns(number, 10) and _ns(number, 10) * 10**9 + 500_000_000)
        fraction = fields_of(b"a 1/1 [000] 5.%b: e:%b" % (number, rest))
        scale = 10 ** (9 - digits) if digits < 10 else 0
        assert (fraction and fraction["time_ns"]) == (_ns(number, 9) and 5 * 10**9 + _ns(number, 9) * scale)
        tid = fields_of(b"a 1/%b [000] 5.5: e:%b" % (number, rest))
        assert tid["tid"] == (int(number) if 0 < digits <= 10 else -1)


def _ns(number, digits_max):
    return int(number) if 0 < len(number) <= digits_max else None


def test_the_name_of_an_event_ends_before_what_is_no_visible_character_of_ascii():
    for place in range(12):
        for byte in set(range(1, 256)) - {0x0A, 0x0D}:
            text = bytearray(b"abcdefghijkl: x")
            text[place] = byte
            word = re.match(rb"[!-~\x7f]*", text)[0]
            said = fields_of(b"a 1/1 [000] 5.5: " + text)
            wanted = word[:-1] if word.endswith(b":") and len(word) > 1 else None
            if place == 0 and byte in b" 0123456789(":
                continue  # blanks, a period and how long ago belong to what stands in front
            assert (said and said["event"]) == wanted


@given(st.text("0123456789 ", max_size=12), st.sampled_from(["prio", "pid", "comm"]))
def test_a_number_at_the_end_belongs_to_the_key_in_front_of_it(text, key):
    """However the name looks: the last key counts."""
    name = f"n {key}={text}"
    for line in (f"comm={name} pid=7 prio=120 target_cpu=001", f"comm={name} pid=7 prio=120 success=1 target_cpu=001"):
        assert said(HEAD + "sched:sched_wakeup: " + line)["task"] == (name.encode(), 7, 120)
    for end in ("", " [ns]", " vruntime=5 [ns]"):
        line = said(HEAD + f"sched:sched_stat_runtime: comm={name} pid=7 runtime=44106{end}")
        assert (line["task"][:2], line["runtime_ns"]) == ((name.encode(), 7), 44106)
