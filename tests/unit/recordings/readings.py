"""The expected readings of binary recordings: what perf, trace-cmd and protobuf print of them, as facts.

Written apart from the readers: regular expressions over the texts of the tools. A fact here is
``(time, cpu, tid, event, fields)``; `of_facts` makes the same of what a reader gave.
"""

import gzip
import re
from pathlib import Path

from cfs.recordings import perf_data
from cfs.recordings._sink import Facts

FORMATS = Path(__file__).parents[2] / "data/formats"

PERF = re.compile(
    rb"^ *(.*?) +(-?\d+)/(-?\d+) +\[(\d+)\] +(\d+)\.(\d{9}): +(\w+):(\w+): (.*)$", re.DOTALL | re.MULTILINE
)
REPORT = re.compile(r"^(?: (\w+):)? *(.*)-(\d+) +\[(\d+)\] +(\d+)\.(\d{9}): (\w+): +(.*)$", re.DOTALL)
SWITCH = re.compile(
    r"prev_comm=(.*) prev_pid=(-?\d+) prev_prio=(-?\d+) prev_state=(\S+) ==> "
    r"next_comm=(.*) next_pid=(-?\d+) next_prio=(-?\d+)$",
    re.DOTALL,
)
WAKEUP = re.compile(r"comm=(.*) pid=(\d+) prio=(-?\d+)(?: success=\d)? target_cpu=(\d+)$", re.DOTALL)
FORK = re.compile(r"comm=(.*) pid=(\d+) child_comm=(.*) child_pid=(\d+)$", re.DOTALL)
RUNTIME = re.compile(r"comm=(.*) pid=(\d+) runtime=(\d+) \[ns\](?: vruntime=\d+ \[ns\])?$", re.DOTALL)
EXIT = re.compile(r"comm=(.*) pid=(\d+) prio=(-?\d+)(?: group_dead=\w+)?$", re.DOTALL)
MIGRATE = re.compile(r"comm=(.*) pid=(\d+) prio=(-?\d+) orig_cpu=(\d+) dest_cpu=(\d+)(?: .*)?$", re.DOTALL)
KINDS = {
    "sched_switch": ("switch", SWITCH),
    "sched_waking": ("waking", WAKEUP),
    "sched_wakeup": ("wakeup", WAKEUP),
    "sched_wakeup_new": ("wakeup_new", WAKEUP),
    "sched_process_fork": ("fork", FORK),
    "sched_stat_runtime": ("runtime", RUNTIME),
    "sched_process_exit": ("exit", EXIT),
    "sched_migrate_task": ("migrate", MIGRATE),
}


def text_of(path):
    with gzip.open(path) as file:
        return file.read().decode("utf-8", "surrogateescape")


def fields_of(event, text):
    """The fields of an event that a fact holds; of others only that somebody was running."""
    if event not in KINDS:
        return "context", ()
    kind, pattern = KINDS[event]
    match = pattern.match(text)
    assert match, (event, text)
    return kind, tuple(int(part) if re.fullmatch(r"-?\d+", part) else part for part in match.groups())


def of_perf_script(path):
    """(time, cpu, tid, event, kind, fields) of each line of the scheduler, in order."""
    rows = []
    for line in text_of(path).splitlines():
        match = PERF.match(line.encode("utf-8", "surrogateescape"))
        if match is None or match[7] != b"sched":
            continue
        event, text = match[8].decode(), match[9].decode("utf-8", "surrogateescape")
        time = int(match[5]) * 10**9 + int(match[6])
        rows.append((time, int(match[4]), int(match[3]), event, *fields_of(event, text)))
    return rows


def of_report(path):
    """(buffer, time, cpu, tid, event, kind, fields) of each line of the scheduler, in order."""
    rows = []
    for line in text_of(path).splitlines():
        match = REPORT.match(line)
        if match is None or not match[7].startswith("sched_"):
            continue
        time = int(match[5]) * 10**9 + int(match[6])
        fields = fields_of(match[7], match[8])
        rows.append((match[1] or "", time, int(match[4]), int(match[3]), match[7], *fields))
    return rows


def of_facts(facts, names, states):
    """The same of a reader's facts; losses are left out."""
    rows = []
    for f in facts:
        if f["kind"] == "lost":
            continue
        fields = {
            "switch": (f["name"], f["pid"], f["prio"], states.text(f["value"] & (1 << 64) - 1), f["other_name"],
                       f["other"], f["other_prio"]),
            "fork": (f["name"], f["pid"], f["other_name"], f["other"]),
            "runtime": (f["name"], f["pid"], f["value"]),
            "exit": (f["name"], f["pid"], f["prio"]),
            "migrate": (f["name"], f["pid"], f["prio"], f["other"], f["other_prio"]),
            "context": (),
        }.get(f["kind"], (f["name"], f["pid"], f["prio"], f["other"]))  # fmt: skip
        rows.append((f["time"], f["cpu"], f["tid"], names[f["event"]], f["kind"], fields))
    return rows


def of_perfetto(path):
    """(time, cpu, tid or None, event, fields as a dict of text) of each line, in order."""
    rows = []
    for line in text_of(path).splitlines():
        if line.startswith("#"):
            continue
        time, cpu, tid, event, rest = re.match(r"(\d+) (\d+) (-|-?\d+) (\w+) (.*)$", line).groups()
        names = re.split(r" ?\b([a-z_]+)=", rest)
        fields = dict(zip(names[1::2], names[2::2]))
        rows.append((int(time), int(cpu), None if tid == "-" else int(tid), event, fields))
    return rows


# ---- the files


def data_of(name):
    """The bytes of one of `tests/data/formats`."""
    return gzip.decompress((FORMATS / f"{name}.gz").read_bytes())


def read(reader, content, name="x"):
    """The facts and the `About` of a whole file."""
    facts = Facts()
    about = reader.read_file(name, memoryview(content), facts, lambda done: None)
    return facts.facts, about


def read_pipe(content, size=5000):
    """The same of perf's pipe, in blocks of so many bytes."""
    facts = Facts()
    blocks = (content[i : i + size] for i in range(0, len(content), size))
    about = perf_data.read_pipe("x", blocks, facts)
    return facts.facts, about


def read_perf(name, content=None):
    """The facts and the `About` of a perf.data file or pipe."""
    content = data_of(name) if content is None else content
    return read_pipe(content) if perf_data.is_pipe(content[:16]) else read(perf_data, content)
