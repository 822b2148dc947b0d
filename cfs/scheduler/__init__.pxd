# What a Cython extension sees of the Python API.

from ._handles cimport Task, TaskGroup
from ._scheduler cimport Scheduler
