"""What is run: a recording or a scenario, and which of its tasks.

What it decides: what the options that choose tasks mean, and what the lines above the tables say about the
input. The content of a file shows whether it is a scenario; its name alone does not decide. The beginning of
standard input is looked at first and then read again.

    Choice           the options: --cpu, --only, --without, --outside, --bare, --seed
    read_input       a file, a choice and assignments -> `Given`: a workload, and what was measured
    read_recording   the same of a recording alone, and the recording
"""

from __future__ import annotations

import io
import os
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from ..units import clean, count_text, listed, time_text
from .groups import Group
from .options import Outside, number_of
from .talk import progress

if TYPE_CHECKING:  # what reads and simulates is loaded when something is read
    from ..models.registry import Model
    from ..recordings.population import Population
    from ..recordings.recording import Recording
    from ..result import Result
    from ..workload.assigned import Assigned
    from ..workload.workload import Workload

__all__ = ["Choice", "Given", "cpus_of", "facts_of", "measured", "read_input", "read_recording"]


@dataclass(frozen=True)
class Choice(Group):
    """Which workload is meant."""

    cpu: Annotated[
        list[str] | None,
        typer.Option(metavar="N", help="Replay the tasks of this CPU, or of all; default: the lowest. Repeatable."),
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Keep only tasks of matching names ('cc1', 'kworker/*'). Repeatable."),
    ] = None
    without: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Leave out tasks with matching names. Repeatable.")
    ] = None
    outside: Annotated[
        Outside | None,
        typer.Option(
            metavar="absolute|relative",
            help="Wakeups that no task caused: at their recorded time, or as long after the block as "
            "recorded; default: those of timers absolute, others relative.",
        ),
    ] = None
    bare: Annotated[
        bool, typer.Option("--bare", help="Read the events alone: not what a file says beside them.")
    ] = False
    costs: Annotated[
        bool,
        typer.Option(
            "--costs",
            help="What the kernel does for a wakeup or a block takes CPU time where it happens under the model, as "
            "far as the recording shows how much. `cfs validate` does so in any case.",
        ),
    ] = False
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Seed of what is drawn: lengths in a scenario, how late each tick comes.")
    ] = None

    def of_recordings(self) -> dict[str, Any]:
        """What `Recording.workload` takes beside the CPUs; a scenario knows none of it."""
        outside = self.outside and self.outside.value
        return {"only": self.only or None, "without": self.without or None, "outside": outside, "costs": self.costs}


def cpus_of(texts: list[str]) -> list[int] | None:
    """Numbers of the CPUs asked for, None for all."""
    if "all" in texts:
        return None
    for text in texts:
        if not (text.isascii() and text.isdigit()):
            raise typer.BadParameter(f"{text!r} is neither the number of a CPU nor 'all'.", param_hint="--cpu")
    return sorted({number_of("--cpu", text, text) for text in texts})


# ----------------------------------------------------------------------------------------------- what is read

HEAD_BYTES = 1 << 16

TOML_LINE = re.compile(rb"\s*(\[\[?[^\[\]]+\]\]?|[\w\"'-]+\s*=.*)\s*(#.*)?")
"""A header or a key; of recordings only the banner of trace-cmd looks like it (``cpus=2``)."""
TASK_LINE = re.compile(rb"^\s*\[\[\s*task\s*\]\]", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Given:
    """What is run: a workload and, if there is one, its recording and how to get what was measured."""

    work: Workload
    cpus: list[int]
    title: list[str]
    warnings: list[str] = field(default_factory=list)
    read: Recording | None = None
    measure: Callable[[], Result] | None = None

    @cached_property
    def recorded(self) -> Result | None:
        """What was measured. It is made when you ask for it, because by then the operations may be gone."""
        return self.measure and self.measure()

    def on_platform(self, facts: dict[str, Any]) -> Given:
        """The same on a machine of which this is told."""
        work = replace(self.work, platform=self.work.platform.changed(**facts))
        return replace(self, work=work)

    def tunables_of(self, model: Model, given: Mapping[str, int | bool]) -> dict[str, Any]:
        """Tunables as the file says, and over them those that are given."""
        return self.work.tunables_said(model, given) | dict(given)

    def without_programs(self) -> Given:
        """The same without operations, once all has run: they are the longest array there is."""
        return replace(self, work=_without_ops(self.work))

    def without_events(self) -> Given:
        """The same without the recording, once all has been measured."""
        return replace(self, read=None, measure=None)


def measured(given: Given) -> Result | None:
    """What was measured, if it is a recording."""
    with progress("measuring what was recorded"):
        return given.recorded


def read_input(path: str, choice: Choice, assigned: Assigned) -> Given:
    """A recording or a scenario, as the options want it."""
    source, is_one = _opened(path)
    if is_one:
        return _assigned(_scenario(path, source, choice), assigned)
    return _assigned(_of_recording(_read(source, choice), choice, assigned), assigned)


def read_recording(path: str, choice: Choice, assigned: Assigned) -> tuple[Recording, Given]:
    """A recording, as the options want it. A scenario is refused, whatever they say."""
    source, is_one = _opened(path)
    if is_one:
        what = f"{_name_of(path)} is a scenario, of which nothing was measured."
        raise typer.BadParameter(what, param_hint="RECORDING")
    read = _read(source, choice)
    return read, _assigned(_of_recording(read, choice, assigned), assigned)


def _opened(path: str) -> tuple[Any, bool]:
    """What to read, and whether it is a scenario."""
    if path != "-":
        return path, is_scenario(path)
    again = _Again(_stdin())
    return again, again.is_scenario()


def _name_of(path: str) -> str:
    return "stdin" if path == "-" else path


def _assigned(given: Given, assigned: Assigned) -> Given:
    return replace(given, work=assigned.work(given.work), title=[*given.title, *assigned.lines])


def is_scenario(path: str) -> bool:
    """Is it a scenario file? A scenario is TOML with tasks, or a file called ``.toml``."""
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
    """Is this a scenario, or would it be one but for a typo?"""
    try:
        return "task" in tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return TASK_LINE.search(content) is not None


def _stdin() -> io.BufferedIOBase:
    stdin: Any = sys.stdin  # whoever put a stream of its own there may have no bytes below
    stream: io.BufferedIOBase = getattr(stdin, "buffer", stdin)
    return stream


class _Again(io.RawIOBase):
    """A stream whose beginning has been looked at; it reads from that beginning."""

    name = "stdin"

    def __init__(self, stream: io.BufferedIOBase):
        self.stream = stream
        self.head = self.left = self._first_bytes()

    def _first_bytes(self) -> bytes:
        """What a line needs: a pipe may give less than that at a time."""
        found = b""
        while len(found) < HEAD_BYTES and (more := self.stream.read1(HEAD_BYTES)):
            found += more
            if any(line.strip() and not line.lstrip().startswith(b"#") for line in found.split(b"\n")[:-1]):
                break
        return found

    def is_scenario(self) -> bool:
        """The same question as for a file. All of it is looked at only if it begins like a scenario."""
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


def _read(path: str | BinaryIO, choice: Choice) -> Recording:
    from ..recordings.recording import Recording
    from ..recordings.surroundings import Surroundings

    with progress("reading") as show:
        read = Recording.open(path, progress=show)
    if choice.bare:
        read.surroundings = Surroundings()
    return read


def _of_recording(read: Recording, choice: Choice, assigned: Assigned) -> Given:
    cpus = cpus_of(choice.cpu) if choice.cpu else read.cpus[:1]
    cpus = read.cpus if cpus is None else cpus
    with progress("making the workload"):
        work = read.workload(cpus, **choice.of_recordings())
    measure = partial(read.result, cpus, workload=_without_ops(work))
    warnings = _warnings(read, work, assigned)
    return Given(work, cpus, _recording_title(read, work, cpus), warnings, read, measure)


def _without_ops(work: Workload) -> Workload:
    """Its tasks alone: which it has, and not what they do."""
    return replace(work, ops=work.ops[:0].copy())


def _scenario(name: str, path: str | BinaryIO, choice: Choice) -> Given:
    from ..scenarios.read import read_scenario

    for option, value in ({"cpu": choice.cpu} | choice.of_recordings()).items():
        if value:
            why = f"{_name_of(name)} is a scenario; this option is for recordings."
            raise typer.BadParameter(why, param_hint=f"--{option}")
    with progress("reading"):
        work = read_scenario(path, seed=choice.seed)
    cpus = sorted(set(work.tasks["cpu"].tolist())) or [0]
    facts = f"{time_text(work.duration_ns).strip()}, {count_text(work.nr_tasks, 'task')}, {_cpu_text(cpus)}"
    return Given(work, cpus, [f"scenario   {clean(work.source)}: {facts}"])


# ----------------------------------------------------------------------------------------- what is said of it


def _recording_title(read: Recording, work: Workload, cpus: list[int]) -> list[str]:
    with progress("counting wakeups"):
        causes = read.causes(cpus)
    return [
        f"recording  {clean(read.name)}: {read.kind}, {_length(read)}",
        f"           {time_text(read.duration_ns).strip()}, {_cpu_text(read.cpus)}, "
        f"{count_text(len(read.task_table), 'task')}, {_switches(read)}",
        f"workload   {count_text(work.nr_tasks, 'task')} of {_cpu_text(cpus)}; wakeups there: "
        f"{causes['caused']} caused by tasks, {causes['timer']} by timers, {causes['outside']} from outside",
        *_left_out(work),
        *_said(read),
    ]


def _said(read: Recording) -> list[str]:
    """What the file says beside the events, and what whoever recorded it could not read."""
    said = read.surroundings
    lines = [f"said       {said.line}"] if said.line else []
    lines += [f"cgroups    {line}"] if (line := said.groups_line(read.kind)) else []
    if said.not_read:
        lines.append(f"           not read when it was recorded: {clean(listed(said.not_read, 3))}")
    return lines


def _length(read: Recording) -> str:
    if read.nr_records:
        return count_text(read.nr_records, "record") + (f", clock {clean(read.clock)}" if read.clock else "")
    return count_text(read.nr_lines, "line")


def _population(work: Workload) -> Population | None:
    """Which tasks of a recording it was made of."""
    from ..recordings.population import Population

    return work.origin if isinstance(work.origin, Population) else None


def _left_out(work: Workload) -> list[str]:
    """A line about the CPUs that are left out, if something happened there."""
    chosen = _population(work)
    if chosen is None or not (chosen.nr_left_out or chosen.left_out_ns):
        return []
    tasks, time = count_text(chosen.nr_left_out, "task"), time_text(chosen.left_out_ns).strip()
    return [f"           left out: {tasks} that ran on other CPUs only, and {time} of CPU time there"]


def _warnings(read: Recording, work: Workload, assigned: Assigned) -> list[str]:
    warnings = [*read.warnings, *work.warnings]
    if assigned.group_by and not assigned.has_owners and not read.surroundings.tasks:
        warnings += _nobody_says(read, assigned.group_by)
    return [f"warning    {clean(warning)}" for warning in warnings]


def _nobody_says(read: Recording, group_by: str) -> list[str]:
    """That a recording does not say what you want to be fair by."""
    if not read.surroundings.groups_of_rows:
        return ["a recording has no users or groups: all tasks belong to user 0 and the root group"]
    return ["a recording has no users: all tasks belong to user 0"] if group_by == "uid" else []


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
        "said": _said_facts(read),
        "warnings": [*read.warnings, *work.warnings],
    }


def _said_facts(read: Recording) -> dict[str, Any]:
    """What the file says of the machine beside its events; null where it says nothing."""
    said = read.surroundings
    names = ("hz", "preempt", "cpus_in_machine", "base_slice_ns")
    counts = {"nr_groups": said.nr_groups, "nr_tasks": said.nr_tasks}
    return {"kernel": said.kernel or None, **{name: getattr(said, name) for name in names}, **counts}
