"""What a binary recording says about itself, and what its reader could not use.

What it decides: nothing. It holds what all three readers report.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .tracepoints import Format

__all__ = ["About", "planned"]


@dataclass(slots=True)
class About:
    """A binary recording, without its events.

    Attributes
    ----------
    kind : str
        ``"perf.data"``, ``"trace.dat"`` or ``"Perfetto trace"``.
    clock : str
        The clock of its times, in the words of the tool.
    kernel : str
        Release of the kernel; "" if it is not said.
    command : str
        The command line that recorded it; "" if it is not said.
    nr_cpus : int
        CPUs of the machine; 0 if it is not said.
    nr_records : int
        Records in the file, of any kind.
    nr_lost : int
        Events lost, as far as the file says.
    groups : dict of int to str
        Paths of control groups by their numbers in the file.
    event_names : list of str
        By the number in a fact's ``event``.
    warnings : list of str
        What was left out or is doubtful.
    """

    kind: str
    clock: str = ""
    kernel: str = ""
    command: str = ""
    nr_cpus: int = 0
    nr_records: int = 0
    nr_lost: int = 0
    groups: dict[int, str] = field(default_factory=dict)
    event_names: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def warn(self, nr: int, words: str) -> None:
        """A warning that begins with a number, if that is not 0."""
        if nr:
            self.warnings.append(f"{nr} {words}")


def planned(formats: list[Format]) -> list[Format]:
    """The events that say something about the scheduler.

    All events of the system "sched" name the task that was running; others are not needed.
    """
    return [f for f in formats if f.system == "sched" and f.name.startswith("sched_")]
