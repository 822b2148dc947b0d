# Task groups and users: sets of tasks that share one weight on each CPU.

from ._types cimport int64_t, machine, task_group, uint64_t

cdef int init_groups(machine *m, uint64_t root_shares) except -1
cdef task_group *new_group(machine *m, task_group *parent, int64_t uid) except NULL
cdef void free_group(task_group *tg) noexcept nogil
cdef void sched_group_set_shares(task_group *tg, uint64_t shares) noexcept nogil
cdef void sched_group_set_idle(task_group *tg, bint idle) noexcept nogil
