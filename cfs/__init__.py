"""The Linux fair schedulers as a library: bit-exact with the release they name, compiled, pleasant to embed."""

import os as _os

from ._rbtree import RBTree
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
    TunableError,
    WorkloadError,
)
from .models import MODELS, Model
from .recordings import Recording
from .result import Result
from .scenarios import read_scenario
from .scheduler import Scheduler, Task, TaskGroup, User
from .simulation import Simulation
from .workload import Workload

__version__ = "0.1.0"


def _notebook_html(result: Result) -> str:
    """What a notebook shows of a result; the reports are imported when the first one is shown."""
    from .reports import notebook_html

    return notebook_html(result)


Result._notebook_html = staticmethod(_notebook_html)


def get_include() -> str:
    """Directory of `cfs.h`, for the include path of a C or C++ extension (docs/guides/embed.md)."""
    return _os.path.join(_os.path.dirname(__file__), "include")
