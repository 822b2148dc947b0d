"""Texts as strangers send them: other tools' heads, what editors and shells make of them, odd names, clocks and losses.

One story in all of them, from which every answer is derived by hand: `a` is woken and switched in at 100001 us, wakes
`b` at 103000 us, sleeps at 105001 us, when `b` is switched in, which sleeps at 108001 us. So `a` ran 5 ms and `b` 3 ms.
`tests/unit/cli/test_corpus.py` sends the same texts through the command.
"""

import contextlib
import gzip
import io
import random
import re

import pytest

from cfs import RecordingError
from cfs.recordings import Recording
from tests.quick import slow

MS = 10**6
PERF = "{comm:>16} {pid}/{pid} [{cpu:03}] {t}: sched:{event}: {rest}"
FTRACE = "{comm_pid:>24} [{cpu:03}] d..2. {t}: {event}: {rest}"
BOTH = {"perf": PERF, "ftrace": FTRACE}


def story(form, a=("a", 101), b=("b", 102), cpu=0, time="5.{us:06}", state="S"):
    """The lines of it; `form` has the fields of a line, `time` says how a clock prints us."""
    (an, ap), (bn, bp), idle = a, b, ("swapper/0", 0)

    def line(us, task, event, rest):
        comm, pid = ("<idle>", 0) if task is idle else task
        t = time.format(us=us, s=us / 1e6, ms=us // 1000)
        more = {"all_us": 5 * 10**6 + us, "comm_pid": f"{comm}-{pid}", "comm8": comm[:8]}
        return form.format(t=t, comm=comm, pid=pid, cpu=cpu, event=event, rest=rest, us=us, **more)

    def switch(us, prev, next, state):
        rest = f"prev_comm={prev[0]} prev_pid={prev[1]} prev_prio=120 prev_state={state} ==> "
        return line(us, prev, "sched_switch", f"{rest}next_comm={next[0]} next_pid={next[1]} next_prio=120")

    def woken(us, by, task):
        rest = f"comm={task[0]} pid={task[1]} prio=120 target_cpu={cpu:03}"
        return [line(us, by, event, rest) for event in ("sched_waking", "sched_wakeup")]

    return [
        *woken(100000, idle, (an, ap)),
        switch(100001, idle, (an, ap), "R"),
        *woken(103000, (an, ap), (bn, bp)),
        switch(105001, (an, ap), (bn, bp), state),
        switch(108001, (bn, bp), idle, "S"),
    ]


def text(lines, end="\n"):
    return "".join(line + end for line in lines).encode("utf-8", "surrogateescape")


def busy(content):
    recording = Recording.open(io.BytesIO(content))
    recording.workload(None).run()
    ns = recording.busy_ns()
    return {task.comm: int(ns[task.row]) for task in recording.tasks}


# ---- heads of other tools, and options of the same ones

HEADS = {
    "perf script, no fields asked for": "{comm:>16} {pid:5} [{cpu:03}] {t}:     sched:{event}: {rest}",
    "perf script -F tid,...": "{pid:5} [{cpu:03}] {t}: sched:{event}: {rest}",
    "perf script -F pid,tid,...": "{pid:5}/{pid:<5} [{cpu:03}] {t}: sched:{event}: {rest}",
    "perf script -F cpu,time,...": "[{cpu:03}] {t}: sched:{event}: {rest}",
    "perf script -F comm,cpu,...": "{comm:>16} [{cpu:03}] {t}: sched:{event}: {rest}",
    "perf script -F +period": "{comm:>16} {pid:5} [{cpu:03}] {t}:          1 sched:{event}: {rest}",
    "perf script -F +misc": "{comm:>16} {pid:5} U [{cpu:03}] {t}: sched:{event}: {rest}",
    "perf script, ip and symbol behind": "{comm:>16} {pid:5} [{cpu:03}] {t}: sched:{event}: {rest} ffff81a0 __schedule+0x3 ([k])",
    "perf record -e sched:...:k": "{comm:>16} {pid:5} [{cpu:03}] {t}: sched:{event}:k: {rest}",
    "perf record -e sched:...:ukH": "{comm:>16} {pid:5} [{cpu:03}] {t}: sched:{event}:ukH: {rest}",
    "perf script --ns": "{comm:>16} {pid:5} [{cpu:03}] {t}000: sched:{event}: {rest}",
    "perf trace script of 2010": "{comm:>16}-{pid:<5} [{cpu:03}] {t}: {event}: {rest}",
    "trace-cmd report -t": "{comm:>16}-{pid:<5} [{cpu:03}] {t}000: {event}:         {rest}",
    "trace-cmd report of two files": "trace.dat:{comm:>16}-{pid:<5} [{cpu:03}] {t}000: {event}:   {rest}",
    "trace-cmd report, tgid": "{comm:>16}-{pid:<5} (  {pid}) [{cpu:03}] {t}: {event}: {rest}",
    "trace-cmd report --ts-diff": "{comm:>16}-{pid:<5} [{cpu:03}] {t}: (+500) {event}: {rest}",
    "trace-cmd report -l": "{comm8:>8}-{pid:<5} {cpu}d..2. {t}: {event}: {rest}",
    "systrace of 2012": "{comm:>16}-{pid:<5} [{cpu:03}] {t}: {event}: {rest}",
    "systrace of 2015": "{comm:>16}-{pid:<5} (-----) [{cpu:03}] d..2 {t}: {event}: {rest}",
    "systrace in a page's script": "{comm:>16}-{pid:<5} [{cpu:03}] d..2 {t}: {event}: {rest} \\n\\",
    "ftrace of an RT kernel": "{comm:>16}-{pid:<5} [{cpu:03}] d...2.. {t}: {event}: {rest}",
    "ftrace dump in dmesg": "[    7.123456] {comm:>8}-{pid:<5} {cpu}d..2. {all_us}us : {event}: {rest}",
    "ftrace dump in dmesg -T": "[Sat Nov 28 12:00:00 2026] {comm:>8}-{pid:<5} {cpu}d..2. {all_us}us : {event}: {rest}",
    "ftrace dump in syslog": "Nov 28 12:00:00 host kernel: [    7.1] {comm:>8}-{pid:<5} {cpu}d..2. {all_us}us : {event}: {rest}",
    "ftrace dump in the journal": "Nov 28 12:00:00 host kernel: {comm:>8}-{pid:<5} {cpu}d..2. {all_us}us : {event}: {rest}",
    "ftrace dump, caller": "[    7.123456][  T101] {comm:>8}-{pid:<5} {cpu}d..2. {all_us}us : {event}: {rest}",
    "ftrace dump, no log time": "{comm:>8}-{pid:<5} {cpu}d..2. {all_us}us : {event}: {rest}",
    "grep -n": "12:{comm:>16}-{pid:<5} [{cpu:03}] {t}: {event}: {rest}",
    "grep in files": "a/trace.txt:{comm:>16}-{pid:<5} [{cpu:03}] {t}: {event}: {rest}",
    "quoted in a mail": "> {comm:>16} {pid:5} [{cpu:03}] {t}: sched:{event}: {rest}",
}  # fmt: skip
READ = {name: text(story(form)) for name, form in HEADS.items()}

# ---- what editors and shells make of a text

for name, form in BOTH.items():
    lines = story(form)
    READ |= {
        f"{name}, CRLF": text(lines, "\r\n"),
        f"{name}, BOM": b"\xef\xbb\xbf" + text(lines),
        f"{name}, blanks behind": text(lines, "   \n"),
        f"{name}, blank lines": text(lines, "\n\n"),
        f"{name}, no end of the last line": text(lines)[:-1],
        f"{name}, every line twice": text([line for line in lines for _ in range(2)]),
        f"{name}, fenced": text(["```", *lines, "```"]),
        f"{name}, zeros behind": text(lines) + bytes(4096),
    }
    READ |= {
        f"{name}, {clock}": text(story(form, time=time))
        for clock, time in {"seconds since 1970": "1764331200.{us:06}", "ns": "5.{us:06}000", "boot": "0.{us:06}"}.items()
    }
    READ |= {f"{name}, CPU {cpu}": text(story(form, cpu=cpu)) for cpu in (7, 255, 8191)}
    READ |= {f"{name}, pid {pid}": text(story(form, a=("a", pid))) for pid in (4194304, 2**31 - 1)}


@pytest.mark.parametrize("name", READ)
def test_the_story_is_read(name):
    assert busy(READ[name]) == {"a": 5 * MS, "b": 3 * MS}


NAMES = ["my task", "a:b", "a]b", "[x]", "a=b", "x ==> y", "->", "日本語", "", "<idle>", "a-1", "-1", "...", "a/b", "%s",
         "sched:sched_switch:", "  lead", "trail ", '"q"', "a\\b", "prev_comm=z", "next_pid=4", "comm=z pid=9", "a,b",
         "kworker/0:1H-xf", "\udcff\udcfe"]  # fmt: skip


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_a_name(name, form):
    assert busy(text(story(BOTH[form], a=(name, 101)))) == {name: 5 * MS, "b": 3 * MS}


# ---- what cannot be read is refused with what to do

REFUSED = {
    "UTF-16": (lambda form: text(story(form)).decode().encode("utf-16"), "UTF-16.*iconv -f UTF-16 -t UTF-8"),
    "UTF-16, no mark": (lambda form: text(story(form)).decode().encode("utf-16-le"), "UTF-16.*iconv -f UTF-16LE"),
    "UTF-16 of the other end": (lambda form: text(story(form)).decode().encode("utf-16-be"), "iconv -f UTF-16BE"),
    "UTF-32": (lambda form: text(story(form)).decode().encode("utf-32"), "UTF-32.*iconv -f UTF-32"),
    "CR alone": (lambda form: text(story(form), "\r"), r"end in CR alone: tr '\\r' '\\n'"),
    "tabs": (lambda form: re.sub(b" +", b"\t", text(story(form))), "tabs between its columns.*expand"),
    "colours": (lambda form: text(story(form)).replace(b"sched_switch", b"\x1b[31m\x1b[Ksched_switch\x1b[m\x1b[K"), "colours of a terminal.*sed"),
    "zeros": (lambda form: bytes(5000), "nothing but zeros"),
    "one CPU after the other": (
        lambda form: text(story(form) + story(form, ("c", 201), ("d", 202), cpu=1)),
        "the events of one CPU after those of another .from line 8 on.*in the order of time",
    ),
    "backwards": (lambda form: text(story(form)[::-1]), "not sorted by time"),
    "counter": (lambda form: text(story(form, time="{ms}")), "its clock counts without a unit"),
    "x86-tsc": (lambda form: text(story(form, time="24{us}00")), "its clock counts without a unit"),
    "negative times": (lambda form: text(story(form, time="-{s:.6f}")), "3 sched_switch lines, of which none can be read"),
    "empty": (lambda form: b"", "is empty"),
    "blank": (lambda form: b" \n \n", "no event in 2 lines"),
    "only a head": (lambda form: b"# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:2\n", "nothing was recorded"),
}  # fmt: skip


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_says_what_to_do(name, form):
    content, words = REFUSED[name]
    with pytest.raises(RecordingError, match=words):
        Recording.open(io.BytesIO(content(BOTH[form])))


def test_one_damaged_number_of_a_cpu_is_no_second_text():
    lines = story(PERF)
    lines.insert(5, story(PERF, cpu=3)[0].replace("5.100000", "5.001000"))
    assert busy(text(lines)) == {"a": 5 * MS, "b": 3 * MS}


BUFFER = " third: {comm:>16}-{pid:<5} [{cpu:03}] {t}: {event}: {rest}"
TOP = "        {comm:>16}-{pid:<5} [{cpu:03}] {t}: {event}: {rest}"


@pytest.mark.parametrize("name", ["a", "sshd: root", "x: y z", "a:"])
@pytest.mark.parametrize("later", ["5.{us:06}", "5.{us:06}900"], ids=["at once", "a little later"])
def test_of_two_buffers_in_one_text_each_event_is_taken_once(name, later):
    """trace-cmd record -B third: the same events in both; a name with a colon is no buffer's."""
    top, third = story(TOP, (name, 101)), story(BUFFER, (name, 101), time=later)
    recording = Recording.open(io.BytesIO(text(line for pair in zip(top, third) for line in pair)))
    assert (recording.nr_switches, recording.inferred_switch_ins, len(recording.wakeups())) == (3, 0, 2)
    assert busy(text(top)) == {name: 5 * MS, "b": 3 * MS}
    [warning] = recording.warnings
    assert warning.startswith("7 lines are of events that another of trace-cmd's buffers has already, the first is line 2")


def test_events_that_only_one_buffer_has_are_taken_from_it():
    """As in trace-cmd record -e sched_switch -B third -e sched_waking."""
    top = [line for line in story(TOP) if "sched_switch" in line]
    third = [line for line in story(BUFFER) if "sched_wak" in line]
    lines = sorted(top + third, key=lambda line: line[line.index("] ") :])
    recording = Recording.open(io.BytesIO(text(lines)))
    assert (recording.nr_switches, len(recording.wakeups()), recording.warnings) == (3, 2, [])


LOST = ["CPU:0 [LOST 7 EVENTS]", "CPU:0 [7 EVENTS DROPPED]", "[LOST 7 EVENTS]", "x 101 [000] 5.104: PERF_RECORD_LOST lost 7",
        "CPU 0 lost 7 events"]  # fmt: skip


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("said", LOST)
def test_a_loss_is_a_loss_in_every_spelling(said, form):
    """Between the wakeup of `b` and its run: how long it waited is not known."""
    lines = story(BOTH[form])
    lines.insert(5, said)
    recording = Recording.open(io.BytesIO(text(lines)))
    assert "7 events are lost, as far as the tracer says" in recording.warnings
    task, wait_ns = recording.result().waits()
    names = recording.result().names
    assert "b" not in [names[row] for row in task.tolist()]  # its wait spans the loss


@pytest.mark.parametrize("said", ["Processed 5 events and lost 12 chunks!", "Warning: Processed 9 events and lost 1 chunks!"])
def test_perfs_own_words_about_losses_are_no_strange_line(said):
    recording = Recording.open(io.BytesIO(text([*story(PERF), said])))
    [warning] = recording.warnings
    assert "the tracer lost events" in warning


# ---- damage

@pytest.mark.parametrize("step", [7, slow(1)])
@pytest.mark.parametrize("form", BOTH)
def test_cut_at_any_byte_nothing_is_made_up(form, step):
    content = text(story(BOTH[form]))
    for length in range(0, len(content), step):
        try:
            there = busy(content[:length])
        except RecordingError:
            continue
        assert there.get("a", 0) <= 5 * MS and there.get("b", 0) <= 3 * MS and set(there) <= {"a", "b"}, length


@pytest.mark.parametrize("form", BOTH)
def test_gzip_cut_at_any_byte(form):
    """What came before the cut is read, or that is refused; `a` is last seen when it wakes, or when it sleeps."""
    content = gzip.compress(text(story(BOTH[form])), mtime=0)
    read = [busy(content)]
    for length in range(0, len(content), 3):
        with contextlib.suppress(RecordingError):
            read.append(busy(content[:length]))
    assert read[0] == {"a": 5 * MS, "b": 3 * MS} and 1 < len(read)
    for part in read:
        assert part["a"] in (0, 103000_000 - 100001_000, 5 * MS) and part.get("b", 0) in (0, 3 * MS)
        assert set(part) <= {"a", "b"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", BOTH)
def test_damaged_bytes_end_in_a_reading_or_in_an_error_of_ours(form, seed):
    rng = random.Random(seed)
    for _ in range(300):
        content = bytearray(text(story(BOTH[form])))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(content))
            content[at : at + rng.choice([0, 1, 1, 5])] = bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 1, 4])))
        try:
            assert all(ns >= 0 for ns in busy(bytes(content)).values())
        except RecordingError:
            continue
