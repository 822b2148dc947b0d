"""Text of `perf script` or ftrace, from its blocks to a `Reading`.

What it decides: what a text must hold to be a recording, and how what was left out is said.
"""

from __future__ import annotations

from ..errors import RecordingError
from ._scan import Scanner
from .source import PERF_SCRIPT, Source
from .table import Reading

__all__ = ["read_text"]

NOTHING_YET_BYTES = 4 << 20


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
    scanner, done = Scanner(), 0
    for block in source.blocks():
        scanner.feed(block)
        done += len(block)
        if done >= NOTHING_YET_BYTES and scanner.nr_event_lines == 0:
            break
    scanner.finish()
    _require_sound(scanner, source, done)
    kind = "ftrace" if 2 * scanner.nr_ftrace_lines > scanner.nr_sched_lines else "perf script"
    return Reading(scanner.tracker, kind, scanner.nr_lines, _complaints(scanner))


def _require_sound(scanner: Scanner, source: Source, nr_bytes: int) -> None:
    # Said from the worst to the mildest; the first line left out is where to look.
    name, left_out = source.name, scanner.lines_left_out()
    because = "".join(f"; {warning}" for warning in source.warnings)
    if nr_bytes == 0:
        raise RecordingError(f"{name} is empty{because}")
    if scanner.nr_event_lines == 0 and scanner.nr_headless:
        raise RecordingError(
            f"{name} has {scanner.nr_headless} lines of the scheduler without a CPU or a time in seconds, "
            f"the first is line {scanner.first_headless}; make the text with {PERF_SCRIPT}{because}"
        )
    if scanner.nr_event_lines == 0:
        raise RecordingError(
            f"{name} is neither text of perf script nor of ftrace: no event in {scanner.nr_lines} lines, "
            f"from line 1 on{because}"
        )
    if scanner.nr_sched_lines == 0:
        where = next((f"; line {first} cannot be understood" for _, first in left_out.values()), "")
        nr = scanner.nr_event_lines
        raise RecordingError(f"{name} has {nr} events but none of the scheduler{where}{because}")
    if scanner.tracker.nr_switches == 0 and not _says_who_ran(scanner):
        raise RecordingError(
            f"{name} has no sched_switch, only {_what_there_is(scanner)}; record with perf sched record{because}"
        )
    nr_backwards, first = left_out.get("backwards", (0, 0))
    if nr_backwards > scanner.nr_sched_lines:
        raise RecordingError(
            f"{name} is not sorted by time: {nr_backwards} of {scanner.nr_lines} lines go back, "
            f"the first is line {first}"
        )


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
        "strange": "{} lines are no events that can be understood, the first is line {}: left out",
        "too long": "{} lines are longer than 4096 bytes, the first is line {}: left out",
        "backwards": "{} lines go back in time by more than 1 ms, the first is line {}: left out",
        "disorder": "{} lines go back in time by less than 1 ms, the first is line {}: taken as simultaneous",
        "jump": "{} lines are more than 10 s later than the next one, the first is line {}: left out",
        "lost": "{} times the tracer lost events, the first is line {}: what happened then is inferred",
    }
    found = [words[why].format(*counts) for why, counts in scanner.lines_left_out().items()]
    if scanner.tracker.nr_lost_events:
        found.append(f"{scanner.tracker.nr_lost_events} events are lost, as far as the tracer says")
    if scanner.tracker.nr_switches == 0:
        nr = scanner.tracker.nr_runtimes
        found.append(f"there is no sched_switch: who ran is seen from {nr} sched_stat_runtime alone")
    if scanner.nr_overwritten:
        nr = scanner.nr_overwritten
        found.append(f"the tracer's buffer was too small: its oldest {nr} events are lost")
    if scanner.process_ids_line:
        line = scanner.process_ids_line
        found.append(f"the number in front is that of a process, not of a thread, see line {line}: not used")
    return found
