"""Text of ftrace or perf script, reduced to the scheduler's events, with other names if they are wanted.

What it decides: what of a text goes into a ``.cfsrec``. A line is kept if all of it is understood: a name, an
id, a CPU, a time, and one of `FIELDS` with nothing but its own fields; so are the header of ftrace and its
lines about losses. Names may hold whatever their owner likes, also "pid=": they are bounded from the right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .alias import Alias

__all__ = ["EVENTS", "kept_lines"]

WAKEUP = r"comm=(?P<a>.*) pid=\d+ prio=-?\d+(?: success=\d+)? target_cpu=\d+"
FIELDS = {
    "sched_switch": r"prev_comm=(?P<a>.*) prev_pid=\d+ prev_prio=-?\d+ prev_state=[\w+|]+ ==> "
    r"next_comm=(?P<b>.*) next_pid=\d+ next_prio=-?\d+",
    "sched_waking": WAKEUP,
    "sched_wakeup": WAKEUP,
    "sched_wakeup_new": WAKEUP,
    "sched_process_fork": r"comm=(?P<a>.*) pid=\d+ child_comm=(?P<b>.*) child_pid=\d+",
    "sched_process_exit": r"comm=(?P<a>.*) pid=\d+ prio=-?\d+(?: group_dead=\w+)?",
    "sched_stat_runtime": r"comm=(?P<a>.*) pid=\d+ runtime=\d+ \[ns\](?: vruntime=\d+ \[ns\])?",
    "sched_migrate_task": r"comm=(?P<a>.*) pid=\d+ prio=-?\d+ orig_cpu=\d+ dest_cpu=\d+",
}
EVENTS = tuple(FIELDS)
"""What is recorded, by name."""
PATTERNS = {name: re.compile(pattern) for name, pattern in FIELDS.items()}

FTRACE = (
    r"\s*(?P<name>.*)-(?P<id>\d+)\s+(?:\([ \d-]{7}\)\s+)?\[\d+\]\s+(?:[\w.#]+\s+)?\d+\.\d+: "
    r"(?P<event>sched_\w+): "
)
PERF = r"\s*(?P<name>.*?)\s+(?P<id>-?\d+(?:/-?\d+)?)\s+\[\d+\]\s+\d+\.\d+:\s+sched:(?P<event>sched_\w+):\s+"
HEADS = (re.compile(FTRACE), re.compile(PERF))
OTHERS = re.compile(
    r"\s*#[ \w/#:|=>,.()\[\]+*'-]*|CPU:\d+ \[LOST \d+ EVENTS\]|##### CPU \d+ buffer started ####"
)


def kept_lines(lines: Iterable[str], alias: Alias | None = None) -> Iterator[str]:
    """The lines that are kept."""
    for line in lines:
        line = line.rstrip("\n")
        kept = line if OTHERS.fullmatch(line) else _kept(line, alias)
        if kept is not None:
            yield f"{kept}\n"


def _kept(line: str, alias: Alias | None) -> str | None:
    for pattern in HEADS:
        head = pattern.match(line)
        if head is None or head["event"] not in PATTERNS:
            continue
        fields = PATTERNS[head["event"]].fullmatch(line, head.end())
        if fields is not None:
            return line if alias is None else _renamed(line, head, fields, alias)
    return None


def _renamed(line: str, head: re.Match[str], fields: re.Match[str], alias: Alias) -> str:
    spans = [head.span("name"), *(fields.span(group) for group in fields.re.groupindex)]
    parts, at = [], 0
    for begin, end in sorted(spans):
        parts += [line[at:begin], alias.name(line[begin:end])]
        at = end
    return "".join([*parts, line[at:]])
