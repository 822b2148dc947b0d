# The handles of tasks and groups, as `_scheduler`, the batch and compiled embedders see them.

from .._types cimport int32_t, task, task_group, uint64_t
from ._machine cimport Machine


cdef class Task:
    cdef Machine sched
    cdef task *p                # NULL: it has exited
    cdef readonly uint64_t id
    cdef readonly str name
    cdef object _sum_exec_ns    # frozen at exit
    cdef object _exited_ns

    cdef task *living(self) except NULL
    cdef object entity_field(self, const char *name)


cdef class TaskGroup:
    cdef Machine sched
    cdef task_group *tg         # NULL: it has been removed
    cdef readonly str name

    cdef task_group *living(self) except NULL
    cdef object entity_field(self, const char *name, int32_t cpu)


cdef class User(TaskGroup):
    pass

cdef Task handle_of(Machine owner, task *p)
cdef TaskGroup group_handle_of(Machine owner, task_group *tg)
cdef int release_task(Machine owner, task *p) except -1
cdef int release_group(Machine owner, task_group *tg) except -1
