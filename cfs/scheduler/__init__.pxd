# What a Cython extension sees of the Python API.

from ._scheduler cimport Scheduler, Task, TaskGroup
