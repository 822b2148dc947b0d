"""The Linux fair schedulers as a library: bit-exact with the releases they name, compiled, easy to embed.

What it decides: which names people see, and what `import cfs` loads. It loads the scheduler, its models and
the errors at once, because an embedding program counts milliseconds. It imports `Recording`, `Workload`,
`Simulation`, `Result` and `read_scenario` when you first name them, by a module `__getattr__` (PEP 562);
`dir(cfs)`, `from cfs import *`, type checkers and pickles see no difference, and the command line loads what
it needs by itself.
"""

import os as _os
import typing as _typing
from importlib import import_module as _import_module

from ._source_tree import explained as _explained

try:
    from ._rbtree import RBTree
    from ._version import __version__
    from .errors import (
        CfsError,
        GroupError,
        InvariantError,
        MissingExtraError,
        ModelError,
        RecordingError,
        SnapshotError,
        StateError,
        TimeError,
        TraceError,
        TruthError,
        TunableError,
        WorkloadError,
    )
    from .models.registry import MODELS, Model
    from .scheduler._handles import Task, TaskGroup, User
    from .scheduler._scheduler import Scheduler
except ImportError as _error:
    if (_better := _explained(_error)) is None:
        raise
    raise _better from None

__all__ = [
    "MODELS",
    "CfsError",
    "GroupError",
    "InvariantError",
    "MissingExtraError",
    "Model",
    "ModelError",
    "RBTree",
    "Recording",
    "RecordingError",
    "Result",
    "Scheduler",
    "Simulation",
    "SnapshotError",
    "StateError",
    "Task",
    "TaskGroup",
    "TimeError",
    "TraceError",
    "TruthError",
    "TunableError",
    "User",
    "Workload",
    "WorkloadError",
    "get_include",
    "read_scenario",
]

_HOME_OF = {
    "Recording": "recordings",
    "Result": "result",
    "Simulation": "simulation",
    "Workload": "workload",
    "read_scenario": "scenarios",
}
"""Where to find each name that is imported on first use."""

_MODULES = frozenset({*_HOME_OF.values(), "stepping"})
"""Modules that are there as `cfs.workload` without an import of their own, as the eager ones are."""


if _typing.TYPE_CHECKING:  # a checker that saw `__getattr__` would believe in any name
    from .recordings import Recording
    from .result import Result
    from .scenarios.read import read_scenario
    from .simulation.simulation import Simulation
    from .workload.workload import Workload
else:

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF and name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            home = _import_module(f".{_HOME_OF.get(name, name)}", __name__)
        except ImportError as error:
            if (better := _explained(error)) is None:
                raise
            raise better from None
        value = getattr(home, name) if name in _HOME_OF else home
        globals()[name] = value  # here the import ends: the next look finds the name like any other
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, *_MODULES})


def get_include() -> str:
    """Directory of `cfs.h`, for the include path of a C or C++ extension (docs/guides/embed.md)."""
    return _os.path.join(_os.path.dirname(__file__), "include")
