# The public class, as the compiled loops and compiled embedders see it.

cimport cython

from .._types cimport int64_t, task, task_group
from ._handles cimport Task, TaskGroup
from ._machine cimport Machine


cdef class Scheduler(Machine):
    cdef int refuse_task(self, Task task) except -1
    cdef int take_back(self, task *p, task_group *made) except -1
    cdef task_group *group_argument(self, task *parent, uid, group) except? NULL
    cdef task_group *group_of(self, group) except NULL
    cdef task_group *find_group(self, name, uid) except NULL
    cdef task_group *make_group(self, name, task_group *parent, int64_t uid) except NULL
    cdef task_group *parent_argument(self, parent) except NULL
    cdef object new_group_handle(self, name, task_group *parent, int64_t uid, shares, now_ns)
    cdef object entity_handle_of(self, const void *entity)
    cdef void *queue_of(self, group, cpu) except NULL

    @cython.final
    cdef inline task *living(self, Task task) except NULL:
        if task is None or task.sched is not self or task.p == NULL:
            self.refuse_task(task)
        return task.p
