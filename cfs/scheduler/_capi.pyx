"""The C face: what `cfs/include/cfs.h` declares, filled with the core's events and handed out in a capsule.

What it decides: nothing. Each function is one event with its begin and end, so that a foreign program cannot
forget either; the struct is the header's own, so the C compiler compares every type.

Invariants:
    I1  a task that has a Python handle is released through it, so that the handle knows
    I2  places in the struct never change while CFS_ABI stays the same

Rejected: exported symbols (Python loads extensions privately, and Windows would need an import library); the
structs themselves in the header (they may change; `from cfs cimport` gives them, with `require_abi`).
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport strcmp

from .._core cimport (
    adjust_new_task,
    begin_event,
    block_current,
    can_take_task,
    end_event,
    exit_current,
    free_task,
    make_room,
    sched_fork,
    sched_setscheduler,
    sched_yield,
    scheduler_tick,
    set_user_nice,
    take_task,
    try_to_wake_up,
    wake_up_new_task,
)
from .._group cimport sched_group_set_shares
from .._types cimport (
    FIELD_S64,
    FIELD_U32,
    FIELD_U64,
    SLEEP_INTERRUPTIBLE,
    field,
    machine,
    rq,
    task,
    task_group,
)
from ._handles cimport Task, release_task
from ._machine cimport Machine
from ._scheduler cimport Scheduler

cdef extern from "cfs.h":
    const uint32_t CFS_ABI
    const char *CFS_CAPSULE
    struct cfs_machine
    struct cfs_cpu
    struct cfs_task
    struct cfs_group
    ctypedef struct cfs_api:
        uint32_t abi
        uint32_t size
        cfs_machine *(*machine_of)(void *scheduler) noexcept
        cfs_cpu *(*cpu)(cfs_machine *machine, int32_t number) noexcept nogil
        cfs_group *(*group)(cfs_machine *machine, uint32_t id) noexcept nogil
        cfs_task *(*fork)(cfs_cpu *cpu, uint64_t now, int nice, cfs_group *group) noexcept nogil
        cfs_task *(*wake)(cfs_task *task, uint64_t now) noexcept nogil
        cfs_task *(*block)(cfs_cpu *cpu, uint64_t now) noexcept nogil
        cfs_task *(*exit)(cfs_cpu *cpu, uint64_t now) noexcept nogil
        cfs_task *(*yield_)(cfs_cpu *cpu, uint64_t now) noexcept nogil
        cfs_task *(*tick)(cfs_cpu *cpu, uint64_t now) noexcept nogil
        cfs_task *(*set_nice)(cfs_task *task, uint64_t now, int nice) noexcept nogil
        cfs_task *(*set_policy)(cfs_task *task, uint64_t now, int policy) noexcept nogil
        void (*set_shares)(cfs_group *group, uint64_t shares) noexcept nogil
        cfs_task *(*current)(cfs_cpu *cpu) noexcept nogil
        uint64_t (*nr_running)(cfs_cpu *cpu) noexcept nogil
        uint64_t (*task_id)(cfs_task *task) noexcept nogil
        int (*task_state)(cfs_task *task) noexcept nogil
        uint32_t (*tag)(cfs_task *task) noexcept nogil
        void (*set_tag)(cfs_task *task, uint32_t tag) noexcept nogil
        int (*field)(cfs_task *task, const char *name, uint64_t *value) noexcept nogil

cdef extern from "Python.h":
    void PyErr_SetString(object kind, const char *message)

# --------------------------------------------------------------------------------------------- finding things


cdef cfs_machine *api_machine_of(void *scheduler) noexcept:
    if not isinstance(<object>scheduler, Scheduler):
        PyErr_SetString(TypeError, b"machine_of needs a cfs.Scheduler")
        return NULL
    return <cfs_machine *>&(<Scheduler>scheduler).m


cdef cfs_cpu *api_cpu(cfs_machine *m, int32_t number) noexcept nogil:
    return <cfs_cpu *>(<machine *>m).rqs[number]


cdef cfs_group *api_group(cfs_machine *m, uint32_t id) noexcept nogil:
    cdef task_group *tg = (<machine *>m).groups
    while tg != NULL and tg.id != id:
        tg = tg.next
    return <cfs_group *>tg

# ----------------------------------------------------------------------------------------------------- events


cdef inline cfs_task *who_runs(const rq *cpu) noexcept nogil:
    return NULL if cpu.curr == cpu.idle else <cfs_task *>cpu.curr


cdef inline cfs_task *ended(rq *cpu, uint64_t now) noexcept nogil:
    end_event(cpu, now)
    return who_runs(cpu)


cdef bint made_room(machine *m) noexcept with gil:
    try:
        make_room(m)
    except MemoryError:
        return False
    return True


cdef cfs_task *api_fork(cfs_cpu *cpu, uint64_t now, int nice, cfs_group *group) noexcept nogil:
    cdef rq *this_rq = <rq *>cpu
    cdef machine *m = this_rq.machine
    cdef task *p
    if not can_take_task(m) and not made_room(m):
        return NULL
    p = take_task(m)
    begin_event(this_rq, now)
    sched_fork(this_rq, p, this_rq.curr)
    adjust_new_task(p, p.group if group == NULL else <task_group *>group, <signed char>nice, p.policy)
    wake_up_new_task(p, False)
    end_event(this_rq, now)
    return <cfs_task *>p


cdef cfs_task *api_wake(cfs_task *task_, uint64_t now) noexcept nogil:
    cdef task *p = <task *>task_
    begin_event(p.rq, now)
    try_to_wake_up(p, 0)
    return ended(p.rq, now)


cdef cfs_task *api_block(cfs_cpu *cpu, uint64_t now) noexcept nogil:
    begin_event(<rq *>cpu, now)
    block_current(<rq *>cpu, SLEEP_INTERRUPTIBLE)
    return ended(<rq *>cpu, now)


cdef void release(task *p, uint64_t now) noexcept with gil:
    # of a task that has a Python handle
    cdef Machine owner = (<Task>p.handle).sched
    owner.now = max(owner.now, now)
    release_task(owner, p)


cdef cfs_task *api_exit(cfs_cpu *cpu, uint64_t now) noexcept nogil:
    cdef rq *this_rq = <rq *>cpu
    cdef task *p = this_rq.curr
    begin_event(this_rq, now)
    exit_current(this_rq)
    end_event(this_rq, now)
    if p.handle == NULL:
        free_task(p)
    else:
        release(p, now)
    return who_runs(this_rq)


cdef cfs_task *api_yield(cfs_cpu *cpu, uint64_t now) noexcept nogil:
    begin_event(<rq *>cpu, now)
    sched_yield(<rq *>cpu)
    return ended(<rq *>cpu, now)


cdef cfs_task *api_tick(cfs_cpu *cpu, uint64_t now) noexcept nogil:
    begin_event(<rq *>cpu, now)
    scheduler_tick(<rq *>cpu)
    return ended(<rq *>cpu, now)


cdef cfs_task *api_set_nice(cfs_task *task_, uint64_t now, int nice) noexcept nogil:
    cdef task *p = <task *>task_
    begin_event(p.rq, now)
    set_user_nice(p, <signed char>nice)
    return ended(p.rq, now)


cdef cfs_task *api_set_policy(cfs_task *task_, uint64_t now, int policy) noexcept nogil:
    cdef task *p = <task *>task_
    begin_event(p.rq, now)
    sched_setscheduler(p, <uint8_t>policy)
    return ended(p.rq, now)


cdef void api_set_shares(cfs_group *group, uint64_t shares) noexcept nogil:
    sched_group_set_shares(<task_group *>group, shares)

# ---------------------------------------------------------------------------------------------------- looking


cdef cfs_task *api_current(cfs_cpu *cpu) noexcept nogil:
    return who_runs(<rq *>cpu)


cdef uint64_t api_nr_running(cfs_cpu *cpu) noexcept nogil:
    return (<rq *>cpu).nr_running


cdef uint64_t api_task_id(cfs_task *task_) noexcept nogil:
    return (<task *>task_).id


cdef int api_task_state(cfs_task *task_) noexcept nogil:
    return (<task *>task_).state


cdef uint32_t api_tag(cfs_task *task_) noexcept nogil:
    return (<task *>task_).tag


cdef void api_set_tag(cfs_task *task_, uint32_t tag) noexcept nogil:
    (<task *>task_).tag = tag


cdef uint64_t value_of(const field *f, const void *base) noexcept nogil:
    cdef const char *at = <const char *>base + f.offset
    if f.value != NULL:
        return f.value(base)
    if f.kind == FIELD_U64 or f.kind == FIELD_S64:
        return (<const uint64_t *>at)[0]
    if f.kind == FIELD_U32:
        return (<const uint32_t *>at)[0]
    return (<const uint8_t *>at)[0]


cdef int api_field(cfs_task *task_, const char *name, uint64_t *value) noexcept nogil:
    cdef task *p = <task *>task_
    cdef const field *f = p.rq.sched_class.entity_fields
    while f.name != NULL:
        if strcmp(f.name, name) == 0:
            value[0] = value_of(f, p.rq.sched_class.task_entity(p))
            return 1
        f += 1
    return 0

# ------------------------------------------------------------------------------------------------ handing out

cdef cfs_api api
api.abi = CFS_ABI
api.size = sizeof(cfs_api)
api.machine_of = api_machine_of
api.cpu = api_cpu
api.group = api_group
api.fork = api_fork
api.wake = api_wake
api.block = api_block
api.exit = api_exit
api.yield_ = api_yield
api.tick = api_tick
api.set_nice = api_set_nice
api.set_policy = api_set_policy
api.set_shares = api_set_shares
api.current = api_current
api.nr_running = api_nr_running
api.task_id = api_task_id
api.task_state = api_task_state
api.tag = api_tag
api.set_tag = api_set_tag
api.field = api_field

API = PyCapsule_New(&api, CFS_CAPSULE, NULL)


def addresses():
    """Addresses of the functions by their names in `cfs.h`, for numba, cffi and ctypes (dict of str to int).
    """
    return {
        "machine_of": <uintptr_t>api.machine_of,
        "cpu": <uintptr_t>api.cpu,
        "group": <uintptr_t>api.group,
        "fork": <uintptr_t>api.fork,
        "wake": <uintptr_t>api.wake,
        "block": <uintptr_t>api.block,
        "exit": <uintptr_t>api.exit,
        "yield_": <uintptr_t>api.yield_,
        "tick": <uintptr_t>api.tick,
        "set_nice": <uintptr_t>api.set_nice,
        "set_policy": <uintptr_t>api.set_policy,
        "set_shares": <uintptr_t>api.set_shares,
        "current": <uintptr_t>api.current,
        "nr_running": <uintptr_t>api.nr_running,
        "task_id": <uintptr_t>api.task_id,
        "task_state": <uintptr_t>api.task_state,
        "tag": <uintptr_t>api.tag,
        "set_tag": <uintptr_t>api.set_tag,
        "field": <uintptr_t>api.field,
    }
