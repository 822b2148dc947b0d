"""Truth files: what was measured in a recording, counted by somebody else, and facts that no recording says.

What it decides: what of the format ``sched-recording-truth/1`` is used. Times are CLOCK_MONOTONIC ns there
and ns since the first event of the recording here. A fact that a truth file does not have is None or empty,
and what needs it is not compared.

    figures that were counted        tasks, by_comm, per_cpu, jobs, commands, build, bench
    when                             window, steady
    what no recording says           hz, groups with their shares, autogroup
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import TruthError
from ..limits import HZ_RANGE, SHARES_RANGE
from ..units import ns_of
from .fields import Field, read_json

__all__ = ["Counted", "CountedTask", "Interval", "Truth", "read_truth"]

FORMAT = "sched-recording-truth/1"
DISTRIBUTIONS = ("wakeup_latency", "fork_latency", "preempted_wait", "run_length")
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
PID_MAX = 2**31 - 1
CPU_MAX = 2**16 - 1
STARTED_BY = "workload"
"""Role of the program that starts the others."""


@dataclass(frozen=True)
class Interval:
    """A part of the recording, ns since its first event."""

    begin_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """Its length, ns."""
        return self.end_ns - self.begin_ns


@dataclass(frozen=True)
class Counted:
    """What was counted of a task, or of all of a name.

    Parameters
    ----------
    distributions : mapping
        By kind the number of values, and if there are some its quantiles in ns: ``{"count": 3, "p50": ...}``.
    window_ns, steady_ns : int or None
        CPU time in the window and in the steady part.
    nr_tasks : int
    """

    distributions: Mapping[str, Mapping[str, int]]
    window_ns: int | None
    steady_ns: int | None
    nr_tasks: int = 1


@dataclass(frozen=True)
class CountedTask:
    """A task of its own line.

    Parameters
    ----------
    pid : int
    comm : str
    counted : Counted
    group : str
        Control group, "/" for the root.
    is_started : bool
        Was it started at the beginning of the window, as part of the workload?
    """

    pid: int
    comm: str
    counted: Counted
    group: str = "/"
    is_started: bool = False


@dataclass(frozen=True)
class Truth:
    """What a truth file says.

    Parameters
    ----------
    name, scenario : str
    start_ns, duration_ns : int
        Of the recording: CLOCK_MONOTONIC of its first event, and its length.
    window : Interval
    steady : Interval or None
        The part in which all tasks of a workload of a fixed length ran.
    cpus : tuple of int
        Where the workload could run.
    hz : int or None
        Ticks a second of the kernel.
    tasks : tuple of CountedTask
    names : mapping of str to Counted
    switches : mapping of int to int
        Switches in the window by CPU.
    shares : mapping of str to int
        Shares of control groups.
    responses : mapping
        Quantiles by name of periodic tasks: end of the job minus its release, ns.
    commands : tuple of (int, int)
        Begin and length of each command of the shell.
    build : Interval or None
    bench_ns : int or None
        What a benchmark says how long it took.
    autogroup : bool
        Is each session a group?
    release : str
        Of the kernel; "" if it is not said.
    tunables : mapping of str to int
        Tunables of the scheduler and feature bits, as far as the file says them.
    """

    name: str
    scenario: str
    start_ns: int
    duration_ns: int
    window: Interval
    steady: Interval | None
    cpus: tuple[int, ...]
    hz: int | None
    tasks: tuple[CountedTask, ...]
    names: Mapping[str, Counted]
    switches: Mapping[int, int]
    shares: Mapping[str, int] = field(default_factory=dict)
    responses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    commands: tuple[tuple[int, int], ...] = ()
    build: Interval | None = None
    bench_ns: int | None = None
    autogroup: bool = False
    release: str = ""
    tunables: Mapping[str, int] = field(default_factory=dict)


def read_truth(path: str | os.PathLike[str]) -> Truth:
    """Read a truth file.

    Parameters
    ----------
    path : str or os.PathLike
        JSON, plain or gzip.

    Returns
    -------
    Truth

    Raises
    ------
    TruthError
        It is none, or a field is missing or makes no sense; the message says which.
    """
    file = read_json(path)
    if file["format"].value != FORMAT:
        raise file["format"].wrong(repr(FORMAT))
    recording, kernel = file["recording"], file["kernel"]
    start_ns = recording["first_ns"].integer()
    steady, build, hz = file.get("steady"), file.get("build"), kernel.get("hz")
    autogroup, release = kernel.get("autogroup_enabled"), kernel.get("release")
    return Truth(
        name=file["name"].text(),
        scenario=file["scenario"].text(),
        start_ns=start_ns,
        duration_ns=recording["duration_ns"].integer(1),
        window=_interval(file["window"], start_ns),
        steady=None if steady is None else _interval(steady, start_ns),
        cpus=_cpus(file),
        hz=None if hz is None else hz.integer(*HZ_RANGE),
        tasks=tuple(_task(one) for one in file["tasks"].elements()),
        names={name: _counted(one) for name, one in file["by_comm"].items()},
        switches=_switches(file["per_cpu"]),
        shares=_shares(file),
        responses=_responses(file),
        commands=_commands(file, start_ns),
        build=None if build is None else _interval(build, start_ns),
        bench_ns=_bench_ns(file),
        autogroup=autogroup is not None and autogroup.integer(0, 1) == 1,
        release="" if release is None else release.text(),
        tunables=_tunables(kernel),
    )


def _tunables(kernel: Field) -> dict[str, int]:
    slice_ns, features = kernel.get("base_slice_ns"), kernel.get("sched_features")
    found = {} if slice_ns is None else {"base_slice_ns": slice_ns.integer(1)}
    bits = {} if features is None else {name: one.flag() for name, one in features.items()}
    return found | bits


def _interval(one: Field, start_ns: int) -> Interval:
    begin = one["start_ns"].integer(start_ns)
    return Interval(begin - start_ns, one["end_ns"].integer(begin + 1) - start_ns)


def _cpu(text: str, one: Field) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= CPU_MAX):
        raise TruthError(f"{one.file}: {one.path}: {text!r} is not the number of a CPU")
    return int(text)


def _cpus(file: Field) -> tuple[int, ...]:
    """As taskset takes them: ``"0,2-3"``."""
    pinned = file["workload"]["pinned_to_cpus"]
    cpus: set[int] = set()
    for part in pinned.text().split(","):
        first, _, last = part.strip().partition("-")
        cpus.update(range(_cpu(first, pinned), _cpu(last or first, pinned) + 1))
    if not cpus:
        raise pinned.wrong("a list of CPUs, as '0,2-3'")
    return tuple(sorted(cpus))


def _switches(cpus: Field) -> dict[int, int]:
    return {_cpu(cpu, one): one["switches_in_window"].integer() for cpu, one in cpus.items()}


def _task(one: Field) -> CountedTask:
    role, group = one.get("role"), one.get("cgroup")
    is_started = role is not None and role.text() != STARTED_BY and one.get("cpu_ns_steady") is not None
    return CountedTask(
        pid=one["pid"].integer(1, PID_MAX),
        comm=one["comm"].text(),
        counted=_counted(one),
        group="/" if group is None else group.text(),
        is_started=is_started,
    )


def _counted(one: Field) -> Counted:
    window, steady, nr = one.get("cpu_ns_window"), one.get("cpu_ns_steady"), one.get("tasks")
    distributions = {kind: _quantiles(one[kind], "_ns") for kind in DISTRIBUTIONS if one.get(kind)}
    return Counted(
        distributions,
        None if window is None else window.integer(),
        None if steady is None else steady.integer(),
        1 if nr is None else nr.integer(1),
    )


def _quantiles(one: Field, ending: str) -> dict[str, int]:
    count = one["count"].integer()
    if not count:
        return {"count": 0}
    return {"count": count} | {part: round(one[part + ending].number()) for part in QUANTILES}


def _shares(file: Field) -> dict[str, int]:
    groups = file.get("groups")
    if groups is None:
        return {}
    given = {name: one.get("cpu_shares") for name, one in groups.items()}
    return {name: shares.integer(*SHARES_RANGE) for name, shares in given.items() if shares is not None}


def _responses(file: Field) -> dict[str, dict[str, int]]:
    jobs = file.get("jobs")
    if jobs is None:
        return {}
    return {name: _quantiles(one["end_minus_release_ns"], "") for name, one in jobs.items()}


def _commands(file: Field, start_ns: int) -> tuple[tuple[int, int], ...]:
    commands = file.get("commands")
    rows = [] if commands is None else [row.elements() for row in commands["rows"].elements()]
    if any(len(row) < 2 for row in rows):
        raise TruthError(f"{file.file}: commands.rows has a row without begin and length")
    return tuple((row[0].integer(start_ns) - start_ns, row[1].integer()) for row in rows)


def _bench_ns(file: Field) -> int | None:
    """Seconds as a benchmark prints them."""
    bench = file.get("bench")
    if bench is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", bench.text()):
        raise bench.wrong("seconds, as '1.174'")
    return ns_of(bench.text(), bare="s")
