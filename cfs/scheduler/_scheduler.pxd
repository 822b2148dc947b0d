# What the compiled loop and compiled embedders see of a Scheduler: the machine that it owns.

cimport cython

from ..engine._ticks cimport ticker
from .._types cimport int32_t, int64_t, machine, ns_t, rq, task, task_group, uint64_t


cdef class Scheduler:
    cdef machine m
    cdef ticker ticks           # of ticks that fall due by themselves
    cdef ns_t now               # time of the last event
    cdef uint64_t nr_events     # for error messages
    cdef readonly object model
    cdef object _tunables
    cdef dict names             # id of a living, named task -> its name
    cdef dict group_names       # group id -> name
    cdef dict group_addresses   # name -> address of its task_group

    cdef int boot(self, int32_t group_by, int32_t cpus) except -1
    cdef object read_tunables(self)
    cdef int revive_groups(self, names) except -1
    cdef int revive_names(self, names) except -1
    cdef int catch_up(self, ns_t now) except -1
    cdef int note_ticks(self, uint64_t before) except -1
    cdef int let_signals_in(self) except -1
    @cython.final
    cdef inline ns_t time_of(self, now_ns) except? 1
    @cython.final
    cdef inline rq *rq_of(self, cpu) except NULL
    cdef ns_t checked_time(self, now_ns) except? 1
    cdef long checked_cpu(self, cpu) except -1
    @cython.final
    cdef task *living(self, Task task) except NULL
    @cython.final
    cdef inline int not_idle(self, rq *rq, str event) except -1
    @cython.final
    cdef int defined(self, rq *rq, task *p, int32_t event, task_group *to, str name) except -1
    @cython.final
    cdef inline void begin(self, rq *rq, ns_t now) noexcept
    @cython.final
    cdef inline bint end(self, rq *rq, task *before) except -1
    cdef int bury(self, task *p) except -1
    cdef task_group *group_argument(self, task *parent, uid, group) except? NULL
    cdef task_group *find_group(self, name, uid) except NULL
    cdef task_group *make_group(self, name, task_group *parent, int64_t uid) except NULL
    cdef int remember_group(self, task_group *tg, name) except -1
    cdef task_group *parent_argument(self, parent) except NULL
    cdef int forget_group(self, task_group *tg) except -1
    cdef task_group *group_of(self, group) except NULL
    cdef object new_group_handle(self, name, task_group *parent, int64_t uid, shares, now_ns)
    cdef int allowed(self, str option, str what) except -1
    cdef int root_group_has_shares(self, group_by) except -1
    cdef object entity_handle_of(self, const void *entity)
    cdef void *queue_of(self, group, cpu) except NULL
    cdef Task handle_of(self, task *p)
    cdef TaskGroup group_handle_of(self, task_group *tg)


cdef class Task:
    cdef Scheduler sched
    cdef task *p                # NULL: it has exited
    cdef readonly uint64_t id
    cdef readonly str name
    cdef object _sum_exec_ns    # frozen at exit
    cdef object _exited_ns

    cdef task *living(self) except NULL
    cdef object entity_field(self, const char *name)


cdef class TaskGroup:
    cdef Scheduler sched
    cdef task_group *tg         # NULL: it has been removed
    cdef readonly str name

    cdef task_group *living(self) except NULL
    cdef object entity_field(self, const char *name, int32_t cpu)


cdef class User(TaskGroup):
    pass
