"""A real recording, written anew as other tools, kernels and pages have it, reads the same.

The rest of `test_formats_of_other_tools`: there the fields are spelt anew, here what stands in front of them and
around the lines. The reference is a recording that `test_real_recordings` holds against its truth.
"""

import re
from functools import cache

import numpy as np
import pytest

from cfs import RecordingError
from cfs.recordings._scan import Scanner
from cfs.result import Ready
from tests.quick import few

from .lines import A, B, IDLE, ftrace, read, row, runs_of, switch, text, wake
from .test_formats_of_other_tools import FTRACE, assert_same, lines_of, opened, original, raw, with_colons

PERF, KERNEL = ["nice-hogs-small", "periodic"], "nice-hogs-ftrace"
LEGEND = """\
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION""".splitlines()
RT_LEGEND = """\
#                                _-------=> irqs-off
#                               / _------=> need-resched
#                              | / _-----=> need-resched-lazy
#                              || / _----=> hardirq/softirq
#                              ||| / _---=> preempt-depth
#                              |||| / _--=> preempt-lazy-depth
#                              ||||| / _-=> migrate-disable
#                              |||||| /     delay
#           TASK-PID     CPU#  |||||||  TIMESTAMP  FUNCTION""".splitlines()


@cache
def events_of_kernel():
    return [line for line in lines_of(KERNEL) if FTRACE.match(line)]


@cache
def of_kernel():
    """Those events as ftrace itself spelt them: what other forms are compared with."""
    return opened(events_of_kernel())


def assert_same_events(found, wanted):
    assert (found.cpus, found.tasks, found.warnings) == (wanted.cpus, wanted.tasks, wanted.warnings)
    assert np.array_equal(found.events, wanted.events)


# ---- what stands in front


@cache
def groups_of_kernel():
    return [FTRACE.match(line).groupdict() for line in events_of_kernel()]


def rewritten(form):
    """The events of ftrace's own recording in another form: a function of the groups of `FTRACE`."""
    return [form(groups) for groups in groups_of_kernel()]


def us(m):
    return int(m["time"].replace(".", ""))


def reported_latency(m):
    return "{c:>8}-{tid:<5} {n:3}{flags} {time:>12}: {rest}".format(**m, c=m["comm"][:8], n=int(m["cpu"]))


def latency(m):
    mark = " +!#"[us(m) % 4]
    return f"{m['comm'][:8]:>8}-{m['tid']:<7} {int(m['cpu']):3}{m['flags']} {us(m):4}us{mark}: {m['rest']}"


FORMS = {
    "trace-cmd report -l": reported_latency,
    "latency format": latency,
    "dump": lambda m: f"[   12.345678] {latency(m)}",
    "dump with its caller": lambda m: f"[ 4212.345678][    C1] {latency(m)}",
    "dump with a level": lambda m: f"<4>[   12.345678] {latency(m)}",
    "dump in the journal": lambda m: f"Nov 28 12:00:00 my-host-2 kernel: {latency(m)}",
    "dump of dmesg -T": lambda m: f"[Mon Jan  1 00:00:00 2024] {latency(m)}",
    "thread groups": lambda m: "{comm}-{tid} ( {tid}) [{cpu}] {flags} {time}: {rest}".format(**m),
    "no thread groups": lambda m: "{comm}-{tid} (-----) [{cpu}] {flags} {time}: {rest}".format(**m),
    "instance": lambda m: "second: {comm}-{tid} [{cpu}] {flags} {time}: {rest}".format(**m),
}


@pytest.mark.parametrize("form", few(FORMS, 4))
def test_ftrace_in_another_form_reads_the_same(form):
    assert_same_events(opened(rewritten(FORMS[form])), of_kernel())


def test_a_kernels_log_around_a_dump_says_nothing():
    around = ["[    1.000000] Linux version 6.18.44", "[   11.000000] sysrq: Dump ftrace buffer",
              "[   12.345678] Dumping ftrace buffer:", "[   12.345678] ---------------------------------"]  # fmt: skip
    lines = around + rewritten(FORMS["dump"]) + around[-1:] + ["[   99.000001] usb 1-1: new device"]
    assert_same_events(opened(lines), of_kernel())


def test_losses_in_a_dump_are_said():
    lines = rewritten(FORMS["dump"])
    lines.insert(50, "[   12.345678] CPU:1 [LOST 123 EVENTS]")
    assert any("123 events are lost" in warning for warning in opened(lines).warnings)


@pytest.mark.parametrize("legend", [[], LEGEND], ids=["no legend", "legend"])
def test_the_flag_of_interrupts_is_the_third(legend):
    assert_same_events(opened(legend + events_of_kernel()), of_kernel())


@pytest.mark.parametrize("legend", [[], RT_LEGEND], ids=["no legend", "legend"])
@pytest.mark.parametrize("form", [str, reported_latency], ids=["ftrace", "latency"])
def test_kernels_for_real_time_have_a_flag_more_in_front_of_it(legend, form):
    def lazy(m):
        flags = m["flags"]
        return {**m, "flags": f"{flags[:2]}{'Ll.'[us(m) % 3]}{flags[2:4]}.{flags[4:]}"}

    spelt = "{comm}-{tid} [{cpu}] {flags} {time}: {rest}".format_map if form is str else form
    found = opened(legend + rewritten(lambda m: spelt(lazy(m))))
    assert_same_events(found, of_kernel())


def test_a_legend_without_interrupts_leaves_them_unknown():
    legend = [line for line in LEGEND if "hardirq" not in line]
    waking = ftrace(9, A, "sched_waking: comm=b pid=102 prio=120 target_cpu=000", flags="d.h1.")
    switched = ftrace(3, B, "sched_switch: b:102 [120] S ==> a:101 [120]")
    assert read(switched, waking).wakeups()["irq"].tolist() == [2]
    assert read(*legend, switched, waking).wakeups()["irq"].tolist() == [0]


@pytest.mark.parametrize("flags", few(["d..2.", "....", "d...", ".....", "-----"]))
def test_flags_that_never_vary_say_nothing(flags):
    varied, bare = ((lambda m, f=f: "{comm}-{tid} [{cpu}] {f}{time}: {rest}".format(**m, f=f)) for f in (flags + " ", ""))
    assert_same_events(opened(rewritten(varied)), opened(rewritten(bare)))


@pytest.mark.parametrize("seconds", few([1764331200, 10**9, 8_999_990_000], 1))
@pytest.mark.parametrize("name", [*PERF, KERNEL])
def test_seconds_since_1970_have_ten_digits(name, seconds):
    def later(line):
        return re.sub(r"( +)(\d+)(\.\d+: )", lambda m: f" {int(m[2]) + seconds}{m[3]}", line, count=1)

    found, wanted = opened([later(line) for line in lines_of(name)]), original(name)
    assert found.start_ns == wanted.start_ns + seconds * 10**9
    assert np.array_equal(found.runs(), wanted.runs()) and found.warnings == wanted.warnings


NUMBERS = re.compile(r"(-?\d+)/(-?\d+)( +\[)")


def without_numbers(line):
    return NUMBERS.sub(r"\3", line, count=1)


@pytest.mark.parametrize("name", PERF)
def test_the_pids_of_a_container_are_said_and_not_used(name):
    def contained(m):
        pid, tid = int(m[1]), int(m[2])
        return m[0] if tid <= 0 else f"{1 + pid % 97}/{1 + tid % 97}{m[3]}"

    found = opened([NUMBERS.sub(contained, line, count=1) for line in lines_of(name)])
    wanted = opened([without_numbers(line) for line in lines_of(name)])
    assert np.array_equal(found.events, wanted.events) and found.tasks == wanted.tasks
    [warning] = found.warnings
    assert "container" in warning


def test_one_number_in_front_that_is_wrong_changes_nothing():
    lines = lines_of("periodic")
    at = next(i for i, line in enumerate(lines) if "sched_switch" in line and "prev_pid=0" not in line)
    wrong = [*lines[:at], NUMBERS.sub(r"1/1\3", lines[at], count=1), *lines[at + 1 :]]
    assert_same(opened(wrong), original("periodic"))


@pytest.mark.parametrize("name", PERF)
def test_with_nothing_in_front_the_fields_will_do(name):
    # perf script -F cpu,time,event,trace
    bare = [re.sub(r"^.*?(\[\d+\] +\d+\.\d+: )", r"\1", line) for line in lines_of(name)]
    found, wanted = opened(bare), original(name)
    assert (found.nr_switches, found.warnings) == (wanted.nr_switches, [])


# ---- fields that trace-cmd could not print


def report(fields):
    return rewritten(lambda m: "{comm}-{tid} [{cpu}] {time}: {e}".format(**m, e=fields(m["rest"])))


def not_parsed(rest):
    rest = re.sub(r"prev_state=(\d+)", lambda m: f"prev_state={int(m[1]):#x}", raw(rest))
    return re.sub(r"^(\w+: )(?=sched|prev|comm|parent)", r"\1        [FAILED TO PARSE] ", rest)


def not_found(rest):
    return re.sub(r"(sched_wakeup\w*: .*\])( CPU:)", r"\1<CANT FIND FIELD success>\2", with_colons(rest))


@pytest.mark.parametrize("broken", few([not_found, not_parsed], 1))
def test_what_trace_cmd_says_of_broken_fields_is_passed_over(broken):
    good, lines = raw if broken is not_parsed else with_colons, report(broken)
    assert any("FAILED" in line or "CANT" in line for line in lines)
    assert_same_events(opened(lines), opened(report(good)))


def test_a_priority_that_was_not_found_is_not_known():
    line = ftrace(9, B, "sched_wakeup: a:101<CANT FIND FIELD prio><CANT FIND FIELD success> CPU:000")
    recording = read(ftrace(3, A, "sched_switch: a:101 [110] S ==> b:102 [120]"), line)
    assert recording.tasks[row(recording, A)].prio == 110 and recording.warnings == []
    assert len(recording.wakeups()) == 1


# ---- pages of systrace


def escaped(line):
    return line.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'") + "\\n\\"


SCRIPT = ["<script>", "function f(a) { return a[0] + '[000] 1.5: x'; }", "x" * 5000, "'\\n\\';", "</script>"]
PAGE = ["<!DOCTYPE html>", "<html>", "<head>", *SCRIPT, "</head>"]


def new_page(lines):
    return [*PAGE, '<script class="trace-data" type="application/text">', *lines, "</script>", "</html>"]


def old_page(lines):
    return [*PAGE, "<script>", '  var linuxPerfData = "\\', *map(escaped, lines), '\\n";', "</script>", "</html>"]


@pytest.mark.parametrize("page", [new_page, old_page])
def test_a_page_of_systrace_reads_as_what_is_in_it(page):
    assert_same(opened(page(lines_of(KERNEL))), original(KERNEL))


@pytest.mark.parametrize("name", ['say "x"', "back\\slash", "it's", "a\\n\\", '";'])
def test_a_name_in_a_script_may_hold_anything(name):
    odd = (name, 77)
    lines = [ftrace(t, task, f"sched_switch: prev_comm={p[0]} prev_pid={p[1]} prev_prio=120 prev_state=S ==> "
             f"next_comm={n[0]} next_pid={n[1]} next_prio=120") for t, task, p, n in [(1, A, A, odd), (5, odd, odd, A)]]  # fmt: skip
    assert_same(opened(map(escaped, lines)), opened(lines))
    assert opened(lines).tasks[1].comm == name


def test_a_long_script_before_the_trace_is_passed_over():
    script = ["<!doctype html>", *["var x = 1; // " + "y" * 100] * 60_000]
    assert opened([*script, *events_of_kernel()]).warnings == []


def test_a_bad_switch_in_a_page_is_said():
    lines = events_of_kernel()
    at = next(i for i, line in enumerate(lines) if "sched_switch" in line)
    [warning] = opened(new_page([*lines[:at], lines[at][:-30], *lines[at + 1 :]])).warnings
    assert "sched_switch: 1, the first is line" in warning


# ---- lines between


def test_what_has_no_name_of_an_event_says_nothing():
    between = [
        ftrace(4, B, "sys_read(fd: 3, buf: 7ffe, count: 100)"),
        ftrace(4, B, "sys_getpid()"),
        ftrace(4, B, "sys_read -> 0x64"),
        ftrace(4, B, "schedule <-do_nanosleep"),
        ftrace(4, B, "tracing_mark_write: B|1|x [000]"),
        "b 102/102 [000] 1808.000004: raw_syscalls:sys_enter: NR 0 (3, 7ffe, 64)",
        "\t               7 [unknown] ([unknown])",
        "\tffffffffa95c44ac try_to_wake_up+0x17c",
        "\tffffffffa95c44ac",
        "            cafe [unknown] (/usr/lib/libc.so.6)",
        " =>  <00007f3b2c1a0e07>",
        "TRACE:",
        '  var linuxPerfData = "# tracer: nop\\n\\',
        "capturing trace... done",
    ]
    recording = read(ftrace(3, A, "sched_switch: a:101 [120] S ==> b:102 [120]"), *between, switch(9000, B, A))
    assert (recording.nr_switches, recording.warnings) == (2, [])


@pytest.mark.parametrize("line", [wake(5, A, B), ftrace(5, A, "sched_waking: comm=b pid=102 prio=120 target_cpu=000")])
def test_a_line_cut_anywhere_is_left_out_and_said(line):
    for length in range(line.index("sched_") + 6, line.index("pid=")):
        [warning] = read(switch(0, A, B), line[:length]).warnings
        assert "line 2" in warning


@pytest.mark.parametrize("size", few([65_537, 1000, 65_535, 65_536, 1 << 20, 1], 2))
def test_what_is_looked_at_beforehand_does_not_depend_on_the_blocks(size):
    # B3, where the text is longer than the beginning that is looked at
    lines = rewritten(lambda m: "{comm}-{tid} [{cpu}] {time}: {rest}".format(**{**m, "tid": "7"}))
    content = text(*[*lines, "x" * 5000, *new_page(lines[-200:])])
    scanner = Scanner()
    for at in range(0, len(content), size):
        scanner.feed(content[at : at + size])
    scanner.finish()
    whole = Scanner()
    whole.feed(content)
    whole.finish()
    assert len(content) > 4 * 65_536 and scanner.wrong_heads_line == whole.wrong_heads_line > 0
    assert bytes(memoryview(scanner.tracker)) == bytes(memoryview(whole.tracker))
    assert scanner.lines_left_out() == whole.lines_left_out()


def test_numbers_in_front_that_turn_wrong_later_are_not_used_from_there_on():
    right = [switch(1000 * i, *((A, B), (B, A))[i % 2]) for i in range(2)]
    filler = ["# " + "x" * 100] * 1000
    wrong = [NUMBERS.sub(r"7/7\3", switch(10_000 + 1000 * i, *((A, B), (B, A))[i % 2]), count=1) for i in range(9)]
    recording = read(*right, *filler, *wrong)
    assert "line 1003" in recording.warnings[0] and recording.nr_switches == 11


def test_unknown_names_are_each_their_own():
    unknown, other = ("<...>", 30), ("<...>", 31)
    recording = read(switch(0, A, unknown), switch(9, unknown, other), switch(20, other, ("<...>", 101)),
                     wake(25, A, unknown), switch(30, A, ("late", 31)))  # fmt: skip
    assert {task.pid: (task.comm, task.comms) for task in recording.tasks} == {
        101: ("a", ("a",)), 30: (":30", ()), 31: ("late", ("late",))}  # fmt: skip
    work = recording.workload(0)
    assert sorted(work.name(task) for task in range(work.nr_tasks)) == [":30", "a", "late"]


def test_the_name_in_front_tells_who_runs_as_long_as_nobody_is_known_to():
    line = "a [000] 1808.000001000: sched:sched_stat_runtime: comm=a pid=101 runtime=500 [ns]"
    recording = read(line, re.sub(r"\d+/\d+ +\[", "[", switch(2000, A, IDLE)))
    assert recording.busy_ns().tolist() == [1000]
    assert runs_of(recording, A)["ready"].tolist() == [Ready.FOUND]


# ---- what is refused


def refused(*lines):
    with pytest.raises(RecordingError) as caught:
        read(*lines)
    return str(caught.value)


HEADLESS = "a 101/101 [000] 1.000000: sched:sched_switch: prev_comm=a prev_pid=101 prev_prio=120 prev_state=S ==> " \
           "next_comm=b next_pid=102 next_prio=120"  # fmt: skip


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        (" [000]", "without a CPU (the first is line 2)"),
        (" 1.000000:", "without a time in seconds (the first is line 2)"),
        (" [000] 1.000000:", "without a CPU and a time in seconds (the first is line 2)"),
        (" sched:sched_switch:", "without the name of the event (the first is line 2)"),
    ],
)
def test_it_is_said_which_part_of_a_line_is_missing(gone, missing):
    message = refused("# x", HEADLESS.replace(gone, ""))
    assert missing in message and ("perf script --ns -F" in message or "sched:" not in HEADLESS.replace(gone, ""))


def test_without_context_ftrace_is_told_what_to_do():
    message = refused("sched_switch: prev_comm=a prev_pid=101 prev_prio=120 prev_state=S ==> next_comm=b next_pid=1 next_prio=1")
    assert "context-info" in message and "trace-cmd report" in message and "perf" not in message


def test_the_function_graph_tracer_is_named():
    line = " 0)               |  /* sched_switch: a:1 [120] S ==> b:2 [120] */"
    assert "function_graph" in refused(line, " 0)   1.234 us    |  schedule();")


@pytest.mark.parametrize("lines", [["# tracer: nop", "#"], ["cpus=2"], ["version = 6", "cpus=2"]])
def test_a_trace_of_nothing_is_told_how_to_record(lines):
    message = refused(*lines)
    assert "nothing was recorded" in message and "trace-cmd record -e sched" in message


@pytest.mark.parametrize("blank", ["", " "])
def test_a_clock_that_counts_is_named(blank):
    message = refused(f"b-200 [001]{blank}7440369700738: sched_switch: b:200 [120] S ==> a:100 [120]")
    assert "x86-tsc" in message and "trace-cmd record -C mono" in message


def test_switches_that_cannot_be_read_are_counted_and_the_first_is_shown():
    lines = [wake(0, B, A), *(switch(t, A, B)[:-15] for t in (1, 2, 3))]
    message = refused(*lines)
    assert "3 sched_switch lines, of which none can be read; the first is line 2: " in message
    assert repr(lines[1].strip()) in message


@pytest.mark.parametrize(("made", "advice"), [(wake(0, B, A), "perf sched record"), (
    ftrace(0, B, "sched_waking: comm=a pid=101 prio=120 target_cpu=000"), "trace-cmd record -e sched")])  # fmt: skip
def test_without_a_switch_the_advice_is_of_the_tool(made, advice):
    message = refused(made)
    assert "has no sched_switch" in message and advice in message
