# Floor 3: CPUs, tasks, and the events that happen to them. `_core.pyx` says what each event does.
#
# How a caller drives it, GIL or not:
#
#     begin_event(rq, now)                  # the CPU that executes, and the time
#     try_to_wake_up(p)                     # one event
#     end_event(rq, now)                    # CPUs whose running task is flagged call schedule()
#
# Nothing here checks its arguments: the border (scheduler.pyx) and the compiled loop (_sim.pyx) do.

from ._types cimport (
    int8_t,
    int32_t,
    load_weight,
    machine,
    ns_t,
    rq,
    sched_class,
    task,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
)

cdef enum:                      # rq.bug: the core was trusted and broke, or did what the kernel leaves undefined
    BUG_NONE = 0
    BUG_ZERO_DIVISOR = 1        # a slice was divided by a load of 0 mod 2**32

cdef enum:                      # what would_fault is asked about
    EVENT_TICK = 0
    EVENT_FORK = 1
    EVENT_WAKE = 2

# ------------------------------------------------------------------------- making and freeing (needs the GIL, may fail)
cdef int machine_init(
    machine *m,
    const sched_class *cls,
    const sched_class *idle_class,
    int32_t nr_cpus,
    int32_t group_by,
    const uint64_t *tunables,
) except -1
cdef void machine_free(machine *m) noexcept
cdef task *new_task(machine *m) except NULL
cdef void free_task(task *p) noexcept nogil

# --------------------------------------------------------------------------------------------------------- the events
cdef void begin_event(rq *this_rq, ns_t now) noexcept nogil
cdef void end_event(rq *this_rq, ns_t now) noexcept nogil

cdef void sched_fork(rq *rq, task *p, const task *parent) noexcept nogil
cdef void adjust_new_task(task *p, task_group *tg, int8_t nice, uint8_t policy) noexcept nogil
cdef void wake_up_new_task(task *p) noexcept nogil
cdef void try_to_wake_up(task *p) noexcept nogil
cdef void block_current(rq *rq) noexcept nogil
cdef void exit_current(rq *rq) noexcept nogil
cdef void sched_yield(rq *rq) noexcept nogil
cdef void scheduler_tick(rq *rq) noexcept nogil
cdef void schedule(rq *rq) noexcept nogil
cdef void set_user_nice(task *p, int8_t nice) noexcept nogil
cdef void sched_setscheduler(task *p, uint8_t policy) noexcept nogil
cdef void sched_move_task(task *p, task_group *tg) noexcept nogil
cdef void set_task_cpu(task *p, rq *to) noexcept nogil
cdef void migrate_task(task *p, rq *to) noexcept nogil

# ---------------------------------------------------------------------------------------- leaves that classes use


cdef inline void update_rq_clock(rq *rq) noexcept nogil:
    # spec 5.1: only the points named by the specification refresh the clock. For a CPU other than the executing one
    # begin_event has set now = clock, so a refresh there changes nothing (spec 6.1).
    rq.clock = rq.now


cdef inline void resched_task(task *p) noexcept nogil:
    p.need_resched = 1


cdef inline uint64_t task_weight(const task *p) noexcept nogil:
    return (<const load_weight *>(<const char *>p + p.sched_class.load_offset)).weight


cdef inline void bug_on(rq *rq, bint broken, uint8_t code) noexcept nogil:
    # keep the first code; the border looks at it after each call
    if broken and rq.bug == BUG_NONE:
        rq.bug = code
