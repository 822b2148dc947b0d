"""Text of `perf script` or ftrace, from its blocks to a `Reading`.

What it decides: what a text must hold to be a recording, and how a warning describes what was left out.
Advice is given in the words of the tool that made the text.
"""

from __future__ import annotations

import re

from ..errors import RecordingError
from ..units import count_text
from ._scan import Scanner
from .source import PERF_SCRIPT, READABLE, Source
from .table import Reading

__all__ = ["read_text"]

HEAD_BYTES = 4096  # show whose text it is
NR_BEGUN_ANEW_MIN = 3  # fewer may be damaged lines
NOTHING_YET_BYTES = 4 << 20
PAGE_BYTES = 64 << 20  # so long the viewer's script in front of a page's trace may be

CPU = re.compile(rb"\[\d{1,5}\]")
TIME = re.compile(rb"\d\.\d+: ")
COUNT = re.compile(rb"\]\s*(?:\S+\s+)?\d+: ")
EVENT = re.compile(rb"sched_switch: ")
REPORT = "trace-cmd report -t"
SWITCH_EVENT = "/sys/kernel/tracing/events/sched/sched_switch/enable"
TRACE_CMD = f"record with trace-cmd record -e sched, or echo 1 > {SWITCH_EVENT}"
CONTEXT_INFO = "/sys/kernel/tracing/options/context-info"
CLOCK = "record with trace-cmd record -C mono, or echo mono > /sys/kernel/tracing/trace_clock"


def read_text(source: Source) -> Reading:
    """Read all of `source`.

    Parameters
    ----------
    source : Source
        Its blocks are text.

    Returns
    -------
    Reading

    Raises
    ------
    RecordingError
        It cannot be read, is something else, or holds nothing sound; the message says what and where.
    """
    scanner, done, head = Scanner(), 0, b""
    for block in source.blocks():
        scanner.feed(block)
        head = head or bytes(block[:HEAD_BYTES])
        done += len(block)
        if done >= (PAGE_BYTES if scanner.is_page else NOTHING_YET_BYTES) and scanner.nr_event_lines == 0:
            break
    scanner.finish()
    _require_sound(scanner, source, head)
    kind = "ftrace" if 2 * scanner.nr_ftrace_lines > scanner.nr_sched_lines else "perf script"
    return Reading(scanner.tracker, kind, scanner.nr_lines, _complaints(scanner))


def _require_sound(scanner: Scanner, source: Source, head: bytes) -> None:
    # Said from the worst to the mildest; the first line left out is where to look.
    name, left_out = source.name, scanner.lines_left_out()
    because = "".join(f"; {warning}" for warning in source.warnings)
    if not head:
        raise RecordingError(f"{name} is empty{because}")
    if scanner.tracker.nr_switches == 0 and (what := _disguise(head)):
        raise RecordingError(f"{name} {what}{because}")
    if scanner.tracker.nr_switches == 0 and scanner.nr_unread:
        raise RecordingError(f"{name} {_unread(scanner)}{because}")
    if scanner.nr_event_lines == 0 and head.startswith((b"# tracer:", b"cpus=", b"version = ")):
        raise RecordingError(f"{name} is text of ftrace in which nothing was recorded; {TRACE_CMD}{because}")
    if scanner.nr_event_lines == 0:
        raise RecordingError(
            f"{name} is no recording: no event in {count_text(scanner.nr_lines, 'line')}, from line 1 on; "
            f"{READABLE}{because}"
        )
    if scanner.nr_sched_lines == 0:
        where = next((f"; line {first} cannot be understood" for _, first in left_out.values()), "")
        nr = scanner.nr_event_lines
        raise RecordingError(
            f"{name} has {nr} events but none of the scheduler{where}; record with perf sched record, or "
            f"with trace-cmd record -e sched{because}"
        )
    if scanner.tracker.nr_switches == 0 and not _says_who_ran(scanner):
        raise RecordingError(
            f"{name} has no sched_switch, only {_what_there_is(scanner)}; {_how_to_record(scanner)}{because}"
        )
    if scanner.nr_begun_anew >= NR_BEGUN_ANEW_MIN:
        raise RecordingError(
            f"{name} has the events of one CPU after those of another (from line {scanner.begun_anew_line} on, which goes "
            "back in time): give them in the order of time, as trace-cmd report and /sys/kernel/tracing/trace do"
        )
    nr_backwards, first = left_out.get("backwards", (0, 0))
    if nr_backwards > scanner.nr_sched_lines:
        raise RecordingError(
            f"{name} is not sorted by time: {nr_backwards} of {scanner.nr_lines} lines go back, "
            f"the first is line {first}"
        )


def _disguise(head: bytes) -> str:
    # What an editor or a terminal did to a text, and how to undo it; "" if nothing is seen.
    if b"sched_" not in head:
        return ""
    if b"\x1b[" in head:
        return r"has the colours of a terminal in it: sed 's/\x1b\[[0-9;]*[mK]//g' FILE | cfs replay -"
    if b"\r" in head and b"\n" not in head:
        return r"has lines that end in CR alone: tr '\r' '\n' < FILE | cfs replay -"
    if b"\t" in head.partition(b"sched_")[0].rpartition(b"\n")[2].strip():
        return "has tabs between its columns, and not blanks: expand FILE | cfs replay -"
    return ""


def _unread(scanner: Scanner) -> str:
    # Why not one switch could be read, from the first line that means one.
    line, number, nr = scanner.first_unread_line(), scanner.first_unread, scanner.nr_unread
    is_perf = b"sched:sched_" in line or 2 * scanner.nr_ftrace_lines < scanner.nr_sched_lines
    if line.endswith(b">") or line.endswith(b"..."):
        how = "perf script -i FILE > TEXT" if is_perf else f"{REPORT} FILE > TEXT"
        return f"{_has_bad(nr, number, line)}; a pager has cut it: write the text to a file with {how}"
    if b"/* sched_" in line:
        way_out = "echo nop > /sys/kernel/tracing/current_tracer"
        return f"is text of the function_graph tracer, which names no tasks: {way_out}"
    if not TIME.search(line) and COUNT.search(line):
        return f"{_has_bad(nr, number, line)}; its clock counts without a unit (x86-tsc, counter): {CLOCK}"
    what = {"a CPU": CPU, "a time in seconds": TIME, "the name of the event": EVENT}
    missing = " and ".join(word for word, there in what.items() if not there.search(line))
    way_out = (
        f"make the text with {PERF_SCRIPT}"
        if is_perf
        else f"make the text with {REPORT}, or before recording echo 1 > {CONTEXT_INFO}"
    )
    if missing:
        return f"has {_lines(nr)} without {missing} (the first is line {number}); {way_out}"
    return f"{_has_bad(nr, number, line)}; {'is it cut? ' if is_perf else ''}{way_out}"


def _has_bad(nr: int, number: int, line: bytes) -> str:
    shown = ascii(line.decode("utf-8", "replace"))
    which = "which cannot" if nr == 1 else "of which none can"
    return f"has {_lines(nr)}, {which} be read; the first is line {number}: {shown}"


def _lines(nr: int) -> str:
    return f"{nr} sched_switch line{'s' * (nr != 1)}"


def _how_to_record(scanner: Scanner) -> str:
    if 2 * scanner.nr_ftrace_lines > scanner.nr_sched_lines:
        return TRACE_CMD
    return "record with perf sched record"


def _says_who_ran(scanner: Scanner) -> bool:
    # Without a switch: whoever is charged CPU time runs, if there is a span in which it can.
    return scanner.tracker.nr_runtimes > 0 and scanner.tracker.end_ns > scanner.tracker.start_ns


def _what_there_is(scanner: Scanner) -> str:
    runtimes, wakeups = scanner.tracker.nr_runtimes, scanner.tracker.nr_wakeups
    rest = scanner.nr_sched_lines - runtimes - wakeups
    kinds = {"sched_stat_runtime": runtimes, "sched_waking or sched_wakeup": wakeups, "other events": rest}
    return ", ".join(f"{nr} {kind}" for kind, nr in kinds.items() if nr > 0)


def _complaints(scanner: Scanner) -> list[str]:
    words = {
        "strange": "{} lines are not events that can be understood, the first is line {}: left out",
        "too long": "{} lines are longer than 4096 bytes, the first is line {}: left out",
        "backwards": "{} lines go back in time by more than 1 ms, the first is line {}: left out",
        "disorder": "{} lines go back in time by less than 1 ms, the first is line {}: taken as simultaneous",
        "jump": "{} lines are more than 10 s later than the next one, the first is line {}: left out",
        "twice": "{} lines are of events that another of trace-cmd's buffers has already, the first is line {}: left out",
        "lost": "{} times the tracer lost events, the first is line {}: what happened then is inferred",
    }
    if scanner.nr_unread:
        words["strange"] += f" (sched_switch: {scanner.nr_unread}, the first is line {scanner.first_unread})"
    found = [words[why].format(*counts) for why, counts in scanner.lines_left_out().items()]
    if scanner.tracker.nr_lost_events:
        found.append(f"{scanner.tracker.nr_lost_events} events are lost, as far as the tracer says")
    if scanner.tracker.nr_switches == 0:
        nr = scanner.tracker.nr_runtimes
        found.append(f"there is no sched_switch: {nr} sched_stat_runtime alone show which task ran")
    if scanner.nr_overwritten:
        nr = scanner.nr_overwritten
        found.append(f"the tracer's buffer was too small: its oldest {nr} events are lost")
    if scanner.process_ids_line:
        line = scanner.process_ids_line
        what = "is that of a process or a container, not of a thread"
        found.append(f"the number in front {what}, see line {line}: not used")
    if scanner.wrong_heads_line:
        line = scanner.wrong_heads_line
        found.append(
            "the numbers of tasks in front differ from those in the fields, as in a container, see line "
            f"{line}: only the fields are used"
        )
    return found
