"""The exceptions of cfs, one sentence each.

All of them are `CfsError`. Those for a wrong argument are also `ValueError`, so code that does not know this
package can catch them.
"""

from collections.abc import Iterable

__all__ = [
    "CfsError",
    "StateError",
    "TimeError",
    "TunableError",
    "ModelError",
    "GroupError",
    "WorkloadError",
    "RecorderError",
    "RecordingError",
    "TraceError",
    "TruthError",
    "SnapshotError",
    "InvariantError",
    "MissingExtraError",
]


class CfsError(Exception):
    """Base of all exceptions that cfs raises on purpose."""


class StateError(CfsError, ValueError):
    """The operation is not defined in the present state: a dead or foreign task, a block by the idle task."""


class TimeError(CfsError, ValueError):
    """The given time is before the last event, or outside 0 ... 2**64 - 1 ns."""


class TunableError(CfsError, ValueError):
    """No tunable has this name, or the value is outside its range."""


class ModelError(CfsError, ValueError):
    """No model has this name, or the model has no such feature."""


class GroupError(CfsError, ValueError):
    """The group or uid does not exist, exists already, or cannot be made or removed here."""


class WorkloadError(CfsError, ValueError):
    """The workload cannot run: an operation, a task or a target makes no sense."""


class RecorderError(CfsError, RuntimeError):
    """The machine cannot be recorded; the message says why, and what to do."""


class RecordingError(CfsError, ValueError):
    """The recording cannot be read; the message says what is wrong and at which line."""


class TraceError(CfsError, ValueError):
    """The conformance trace cannot be read; the message says what is wrong and at which line."""


class TruthError(CfsError, ValueError):
    """A file of what was measured, or of bars, cannot be used; the message says which field is wrong and why."""


class SnapshotError(CfsError, ValueError):
    """The bytes are not a snapshot, are damaged, or come from a build with other structs."""


class InvariantError(CfsError, RuntimeError):
    """An invariant of the core broke. This is a defect of cfs: please report it with the message."""


class MissingExtraError(CfsError, ImportError):
    """An optional dependency is missing; the message says which extra to install."""


def how_to_install(extra: str) -> str:
    """The command that installs an extra: cfs is on no index, so from a checkout or from a wheel."""
    return f'pip install ".[{extra}]" in a checkout of cfs, or "FILE.whl[{extra}]" with its wheel'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the known ones that it may be a slip for; empty if none.

    Examples
    --------
    >>> did_you_mean("start_debit", ["START_DEBIT", "WAKEUP_PREEMPT"])
    "; did you mean 'START_DEBIT'?"
    >>> did_you_mean("cfq", ["linux-2.6.24-cfs", "rfs-model"])
    ''
    """
    from difflib import get_close_matches  # for a message only: most processes never need it

    folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), folded, n=2)
    return f"; did you mean {' or '.join(repr(folded[name]) for name in found)}?" if found else ""
