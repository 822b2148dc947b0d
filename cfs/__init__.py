"""The Linux fair schedulers as a library: bit-exact with the release they name, compiled, pleasant to embed."""

from .errors import (
    CfsError,
    GroupError,
    InvariantError,
    MissingExtraError,
    ModelError,
    RecordingError,
    StateError,
    TimeError,
    TraceError,
    TunableError,
    WorkloadError,
)
from .models import MODELS
from .scheduler import Scheduler, Task, TaskGroup, User

__version__ = "0.1.0"
