"""What is run: a recording or a scenario, and which of its tasks, in which groups.

What it decides: what the options that choose and describe tasks mean, and what the lines above the tables say
about what was read. Whether a file is a scenario is seen from its content, not from its name alone.

    told_of      --group, --uid, --nice, --group-by -> `Told`: what a recording cannot say
    Choice       --cpu, --only, --without, --outside, --seed, and that
    read_input   a file and a choice -> `Given`: a workload, and what was measured
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import typer

from ..recordings.population import Population
from ..recordings.recording import Recording
from ..result import Result
from ..scenarios.file import BYTES_MAX as SCENARIO_BYTES_MAX
from ..scenarios.read import read_scenario
from ..units import clean, count_text, time_text
from ..workload.workload import Workload
from .options import GroupBy, Outside
from .talk import progress

__all__ = ["Choice", "Given", "Told", "cpus_of", "facts_of", "notes_of", "read_input", "told_of"]


# -------------------------------------------------------------------------------------------- whose tasks are


@dataclass(frozen=True)
class Told:
    """What a recording cannot say and --group, --uid, --nice and --group-by do: whose the tasks are.

    Parameters
    ----------
    groups, uids, nice : dict
        By pattern of names, as the methods of `Workload` take them.
    group_by : {None, "uid", "cgroup"}
        Among whom to be fair: asked for, or implied.
    """

    groups: dict[str, str | tuple[str, int]]
    uids: dict[str, int | tuple[int, int]]
    nice: dict[str, int]
    group_by: str | None

    def work(self, work: Workload) -> Workload:
        """The workload as told."""
        work = work.with_nice(self.nice) if self.nice else work  # each makes a copy, which may be long
        work = work.with_uids(self.uids) if self.uids else work
        return work.with_groups(self.groups) if self.groups else work

    @property
    def lines(self) -> list[str]:
        """What the head of the tables says about it; groups it shows as they came out."""
        return [f"given      nice {value} for {clean(pattern)}" for pattern, value in self.nice.items()]

    @property
    def says_whose(self) -> bool:
        """Is anybody in a group or a user's because of it?"""
        return bool(self.groups or self.uids)


def told_of(
    groups: list[str] | None, uids: list[str] | None, nice: list[str] | None, group_by: GroupBy | None
) -> Told:
    """The options --group, --uid, --nice and --group-by, understood; `typer.BadParameter` if they are not."""
    implied = [by for by, texts in ((GroupBy.cgroup, groups), (GroupBy.uid, uids)) if texts]
    if len(implied) == 2 and group_by is None:
        why = "both are given; say with --group-by which counts."
        raise typer.BadParameter(why, param_hint="--group, --uid")
    if implied and group_by is not None and group_by not in implied:
        option = "--group" if groups else "--uid"
        raise typer.BadParameter(f"{option} has no effect with {group_by.value}.", param_hint="--group-by")
    by = group_by or (implied[0] if implied else None)
    return Told(
        dict(_shared("--group", text, str) for text in groups or []),
        dict(_shared("--uid", text, int) for text in uids or []),
        dict(_niced(text) for text in nice or []),
        by and by.value,
    )


def _shared(option: str, text: str, kind: type) -> tuple[str, Any]:
    """PATTERN=NAME[:SHARES] as pattern and what the methods of `Workload` take."""
    pattern, rest = _halves(option, text)
    name, colon, shares = rest.rpartition(":")
    if not colon:
        return pattern, rest if kind is str else _number(option, text, rest)
    number = _number(option, text, shares)
    return pattern, (name if kind is str else _number(option, text, name), number)


def _niced(text: str) -> tuple[str, int]:
    pattern, value = _halves("--nice", text)
    return pattern, _number("--nice", text, value)


FORMS = {"--group": "PATTERN=NAME[:SHARES]", "--uid": "PATTERN=UID[:SHARES]", "--nice": "PATTERN=N"}


def _halves(option: str, text: str) -> tuple[str, str]:
    pattern, _, rest = text.rpartition("=")
    if not pattern or not rest:
        raise typer.BadParameter(f"{text!r} is not of the form {FORMS[option]}.", param_hint=option)
    return pattern, rest


def _number(option: str, text: str, number: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", number):
        raise typer.BadParameter(f"{text!r}: {number!r} is no number.", param_hint=option)
    return int(number)


@dataclass(frozen=True)
class Choice:
    """What --cpu, --only, --without, --outside, --seed and those of `Told` say: which workload is meant."""

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
    given = _scenario(path, choice) if is_scenario(path) else _recording(path, choice, until_ns)
    told = choice.told
    return replace(given, work=told.work(given.work), title=[*given.title, *told.lines])


def is_scenario(path: str) -> bool:
    """Is it a scenario file? One is TOML that has tasks, or is called so."""
    if path == "-" or not os.path.isfile(path) or path.endswith(".toml"):
        return path.endswith(".toml")
    with open(path, "rb") as file:
        head = file.read(1 << 16)
        lines = (line for line in head.splitlines() if line.strip() and not line.lstrip().startswith(b"#"))
        if TOML_LINE.fullmatch(next(lines, b"")) is None:
            return False
        return has_tasks(head + file.read(SCENARIO_BYTES_MAX - len(head)))


def has_tasks(content: bytes) -> bool:
    """Is this a scenario, or would it be one without a slip somewhere?"""
    try:
        return "task" in tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return TASK_LINE.search(content) is not None


def _recording(path: str, choice: Choice, until_ns: int | None) -> Given:
    if choice.seed is not None:
        raise typer.BadParameter(f"{path} is a recording, in which nothing is drawn.", param_hint="--seed")
    with progress("reading") as advance:
        read = Recording.open(path, progress=advance)
    cpus = cpus_of(choice.cpu) if choice.cpu else read.cpus[:1]
    cpus = read.cpus if cpus is None else cpus
    work = read.workload(cpus, **choice.of_recordings())
    measure = partial(read.result, cpus, workload=_without_ops(work), until_ns=until_ns)
    read.say_of_waits()
    warnings = _warnings(read, work, choice.told)
    return Given(work, cpus, _recording_title(read, work, cpus), warnings, read, measure)


def _without_ops(work: Workload) -> Workload:
    """Its tasks alone: which it has, and not what they do."""
    return replace(work, ops=work.ops[:0].copy())


def _scenario(path: str, choice: Choice) -> Given:
    for option, value in ({"cpu": choice.cpu} | choice.of_recordings()).items():
        if value:
            why = f"{path} is a scenario; this is for recordings."
            raise typer.BadParameter(why, param_hint=f"--{option}")
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


def _left_out(work: Workload) -> list[str]:
    """What happened on the CPUs that are left out."""
    chosen = work.origin
    if not isinstance(chosen, Population) or not (chosen.nr_left_out or chosen.left_out_ns):
        return []
    tasks, time = count_text(chosen.nr_left_out, "task"), time_text(chosen.left_out_ns).strip()
    return [f"           left out: {tasks} that ran on other CPUs only, and {time} of CPU time there"]


def notes_of(work: Workload) -> tuple[str, ...]:
    """What is not known about the tasks of a workload that was made of a recording."""
    return work.origin.notes if isinstance(work.origin, Population) else ()


def _warnings(read: Recording, work: Workload, told: Told) -> list[str]:
    warnings = [*read.warnings, *notes_of(work)]
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
    chosen = work.origin
    left_out = [chosen.nr_left_out, chosen.left_out_ns] if isinstance(chosen, Population) else [0, 0]
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
        "warnings": [*read.warnings, *notes_of(work)],
    }
