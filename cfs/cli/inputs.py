"""What is run: a recording or a scenario, and which of its tasks.

What it decides: what the options that choose tasks mean, and what the lines above the tables say about what was
read. Whether a file is a scenario is seen from its content, not from its name alone; of standard input the
beginning is looked at and read again.

    Choice       --cpu, --only, --without, --outside, --seed, and what is told about tasks
    read_input   a file and a choice -> `Given`: a workload, and what was measured
"""

from __future__ import annotations

import io
import os
import re
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from ..units import clean, count_text, time_text
from .options import Outside
from .talk import progress

if TYPE_CHECKING:  # what reads and simulates is loaded when something is read
    from ..recordings.population import Population
    from ..recordings.recording import Recording
    from ..result import Result
    from ..workload.told import Told
    from ..workload.workload import Workload

__all__ = ["Choice", "Given", "cpus_of", "facts_of", "read_input"]


@dataclass(frozen=True)
class Choice:
    """What --cpu, --only, --without, --outside and --seed say, and what is told: which workload is meant."""

    cpu: list[str] | None
    only: list[str] | None
    without: list[str] | None
    outside: Outside | None
    seed: int | None
    told: Told

    def of_recordings(self) -> dict[str, Any]:
        """What `Recording.workload` takes beside the CPUs; a scenario knows none of it."""
        outside = self.outside and self.outside.value
        return {"only": self.only or None, "without": self.without or None, "outside": outside}


def cpus_of(texts: list[str]) -> list[int] | None:
    """Numbers of the CPUs asked for, None for all."""
    if "all" in texts:
        return None
    if not all(text.isascii() and text.isdigit() for text in texts):
        wrong = next(text for text in texts if not (text.isascii() and text.isdigit()))
        raise typer.BadParameter(f"{wrong!r} is neither the number of a CPU nor 'all'.", param_hint="--cpu")
    return sorted({int(text) for text in texts})


# ----------------------------------------------------------------------------------------------- what is read

HEAD_BYTES = 1 << 16

TOML_LINE = re.compile(rb"\s*(\[\[?[^\[\]]+\]\]?|[\w\"'-]+\s*=.*)\s*(#.*)?")
"""A header or a key; of recordings only the banner of trace-cmd looks like it (``cpus=2``)."""
TASK_LINE = re.compile(rb"^\s*\[\[\s*task\s*\]\]", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Given:
    """What is run: a workload, and if it comes from a recording, that and how to have what was measured."""

    work: Workload
    cpus: list[int]
    title: list[str]
    warnings: list[str] = field(default_factory=list)
    read: Recording | None = None
    measure: Callable[[], Result] | None = None

    @cached_property
    def recorded(self) -> Result | None:
        """What was measured; made when it is asked for: then the operations may be gone."""
        return self.measure and self.measure()

    def without_programs(self) -> Given:
        """What is left of it when all has run: the operations are the longest array there is."""
        return replace(self, work=_without_ops(self.work))

    def without_events(self) -> Given:
        """What is left of it when all has been measured."""
        return replace(self, read=None, measure=None)


def read_input(path: str, choice: Choice, until_ns: int | None = None) -> Given:
    """A recording or a scenario, as the options want it; what was measured up to `until_ns`."""
    again = _Again(_stdin()) if path == "-" else None
    source: Any = path if again is None else again
    if is_scenario(path) if again is None else again.is_scenario():
        given = _scenario(path, source, choice)
    else:
        given = _recording(source, choice, until_ns)
    told = choice.told
    return replace(given, work=told.work(given.work), title=[*given.title, *told.lines])


def is_scenario(path: str) -> bool:
    """Is it a scenario file? One is TOML that has tasks, or is called so."""
    if path == "-" or not os.path.isfile(path) or path.endswith(".toml"):
        return path.endswith(".toml")
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
        return _looks_like_toml(head) and has_tasks(head + file.read(_scenario_bytes() - len(head)))


def _looks_like_toml(head: bytes) -> bool:
    lines = (line for line in head.splitlines() if line.strip() and not line.lstrip().startswith(b"#"))
    return TOML_LINE.fullmatch(next(lines, b"")) is not None


def _scenario_bytes() -> int:
    from ..scenarios.file import BYTES_MAX

    return BYTES_MAX


def has_tasks(content: bytes) -> bool:
    """Is this a scenario, or would it be one without a slip somewhere?"""
    try:
        return "task" in tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return TASK_LINE.search(content) is not None


def _stdin() -> BinaryIO:
    stdin: Any = sys.stdin  # whoever put a stream of its own there may have no bytes below
    stream: BinaryIO = getattr(stdin, "buffer", stdin)
    return stream


class _Again(io.RawIOBase):
    """A stream of which the beginning has been looked at, to be read from there."""

    name = "stdin"

    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.head = self.left = self._first_bytes()

    def _first_bytes(self) -> bytes:
        """What a line needs: a pipe may give less than that at a time."""
        found = b""
        while len(found) < HEAD_BYTES and (more := self.stream.read1(HEAD_BYTES)):  # type: ignore[attr-defined]
            found += more
            if any(line.strip() and not line.lstrip().startswith(b"#") for line in found.split(b"\n")[:-1]):
                break
        return found

    def is_scenario(self) -> bool:
        """As a file is one; all of it is looked at only if it begins like one."""
        if not _looks_like_toml(self.head):
            return False
        self.left += self.stream.read(max(_scenario_bytes() - len(self.left), 0))
        return has_tasks(self.left)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """As of any stream: the beginning once more, then the rest."""
        if size is None or size < 0:
            text, self.left = self.left + self.stream.read(), b""
            return text
        text, self.left = self.left[:size], self.left[size:]
        return text or self.stream.read(size)

    def readinto(self, buffer: Any) -> int:
        text = self.read(len(buffer))
        buffer[: len(text)] = text
        return len(text)


def _recording(path: str | BinaryIO, choice: Choice, until_ns: int | None) -> Given:
    if choice.seed is not None:
        name = path if isinstance(path, str) else "stdin"
        raise typer.BadParameter(f"{name} is a recording, in which nothing is drawn.", param_hint="--seed")
    from ..recordings.recording import Recording

    with progress("reading") as advance:
        read = Recording.open(path, progress=advance)
    cpus = cpus_of(choice.cpu) if choice.cpu else read.cpus[:1]
    cpus = read.cpus if cpus is None else cpus
    with progress("making the workload"):
        work = read.workload(cpus, **choice.of_recordings())
    measure = partial(read.result, cpus, workload=_without_ops(work), until_ns=until_ns)
    warnings = _warnings(read, work, choice.told)
    return Given(work, cpus, _recording_title(read, work, cpus), warnings, read, measure)


def _without_ops(work: Workload) -> Workload:
    """Its tasks alone: which it has, and not what they do."""
    return replace(work, ops=work.ops[:0].copy())


def _scenario(name: str, path: str | BinaryIO, choice: Choice) -> Given:
    from ..scenarios.read import read_scenario

    for option, value in ({"cpu": choice.cpu} | choice.of_recordings()).items():
        if value:
            why = f"{'stdin' if name == '-' else name} is a scenario; this is for recordings."
            raise typer.BadParameter(why, param_hint=f"--{option}")
    with progress("reading"):
        work = read_scenario(path, seed=choice.seed)
    cpus = sorted(set(work.tasks["cpu"].tolist())) or [0]
    facts = f"{time_text(work.duration_ns).strip()}, {count_text(work.nr_tasks, 'task')}, {_cpu_text(cpus)}"
    return Given(work, cpus, [f"scenario   {clean(work.source)}: {facts}"])


# ----------------------------------------------------------------------------------------- what is said of it


def _recording_title(read: Recording, work: Workload, cpus: list[int]) -> list[str]:
    causes = read.causes(cpus)
    return [
        f"recording  {clean(read.name)}: {read.kind}, {_length(read)}",
        f"           {time_text(read.duration_ns).strip()}, {_cpu_text(read.cpus)}, "
        f"{count_text(len(read.task_table), 'task')}, {_switches(read)}",
        f"workload   {count_text(work.nr_tasks, 'task')} of {_cpu_text(cpus)}; wakeups there: "
        f"{causes['caused']} caused by tasks, {causes['timer']} by timers, {causes['outside']} from outside",
        *_left_out(work),
    ]


def _length(read: Recording) -> str:
    if read.nr_records:
        return count_text(read.nr_records, "record") + (f", clock {clean(read.clock)}" if read.clock else "")
    return count_text(read.nr_lines, "line")


def _population(work: Workload) -> Population | None:
    """Which tasks of a recording it was made of."""
    from ..recordings.population import Population

    return work.origin if isinstance(work.origin, Population) else None


def _left_out(work: Workload) -> list[str]:
    """What happened on the CPUs that are left out."""
    chosen = _population(work)
    if chosen is None or not (chosen.nr_left_out or chosen.left_out_ns):
        return []
    tasks, time = count_text(chosen.nr_left_out, "task"), time_text(chosen.left_out_ns).strip()
    return [f"           left out: {tasks} that ran on other CPUs only, and {time} of CPU time there"]


def _warnings(read: Recording, work: Workload, told: Told) -> list[str]:
    warnings = [*read.warnings, *work.warnings]
    if told.group_by and not told.says_whose:
        warnings.append("a recording tells no users or groups: all tasks are of user 0, in the root group")
    return [f"warning    {clean(warning)}" for warning in warnings]


def _switches(read: Recording) -> str:
    inferred = f" and {read.inferred_switch_ins} inferred" if read.inferred_switch_ins else ""
    return f"{read.nr_switches} switches{inferred}"


def _cpu_text(cpus: list[int]) -> str:
    return ("CPU " if len(cpus) == 1 else "CPUs ") + ", ".join(map(str, cpus))


def facts_of(read: Recording, work: Workload, cpus: list[int]) -> dict[str, Any]:
    """Facts of a recording for machines: what was read, and what was decided about it."""
    chosen = _population(work)
    left_out = [0, 0] if chosen is None else [chosen.nr_left_out, chosen.left_out_ns]
    return {
        "name": read.name,
        "kind": read.kind,
        "cpus": read.cpus,
        "nr_lines": read.nr_lines,
        "nr_switches": read.nr_switches,
        "inferred_switch_ins": read.inferred_switch_ins,
        "start_ns": read.start_ns,
        "duration_ns": read.duration_ns,
        "nr_tasks": len(read.task_table),
        "wakeups": read.causes(cpus),
        "nr_tasks_left_out": left_out[0],
        "cpu_ns_left_out": left_out[1],
        "warnings": [*read.warnings, *work.warnings],
    }
