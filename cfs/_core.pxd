# CPUs, tasks, and the events that happen to them. `_core.pyx` says what each event does.
#
# How a caller drives it, GIL or not:
#
#     begin_event(rq, now)                  # the CPU that executes, and the time
#     try_to_wake_up(p, 0)                  # one event
#     end_event(rq, now)                    # CPUs whose running task is flagged call schedule()
#
# Nothing here checks its arguments: the border (scheduler/_border.pyx) and the compiled loop (simulation/_sim.pyx)
# do.

from ._types cimport (
    HELD,
    RESCHED,
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
    BUG_NOTHING_ELIGIBLE = 2    # EEVDF: products wrapped, and no entity of a queue was eligible

cdef enum:                      # what would_fault is asked about
    EVENT_TICK = 0
    EVENT_FORK = 1
    EVENT_WAKE = 2
    EVENT_REQUEUE = 3           # nice, policy: off the queue and on again
    EVENT_MOVE = 4              # to the group `to`
    EVENT_MIGRATE = 5           # to the CPU `rq`

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
cdef size_t task_room(const machine *m) noexcept nogil             # bytes between two tasks of a slab
cdef size_t tasks_in_slab(uint32_t number) noexcept nogil
cdef char *first_in_slab(void *slab) noexcept nogil
cdef int grow_slabs(machine *m) except -1
cdef int grow_table(machine *m) except -1
cdef int make_room(machine *m) except -1                           # for one more task
cdef task *new_task(machine *m) except NULL
cdef task *take_task(machine *m) noexcept nogil
cdef void free_task(task *p) noexcept nogil

cdef enum:                      # flags of try_to_wake_up
    WAKE_SYNC = 1               # the waker is about to sleep: no preemption
    WAKE_IRQ = 2                # an interrupt wakes, not a task

# --------------------------------------------------------------------------------------------------------- the events
cdef void execute_on(rq *this_rq) noexcept nogil
cdef void begin_touching(rq *this_rq) noexcept nogil
cdef void touch(rq *rq) noexcept nogil
cdef void touch_all(machine *m) noexcept nogil
cdef void end_touched(rq *this_rq, ns_t now) noexcept nogil
cdef void end_flags(rq *this_rq, ns_t now) noexcept nogil

cdef void sched_fork(rq *rq, task *p, task *parent) noexcept nogil
cdef void adjust_new_task(task *p, task_group *tg, int8_t nice, uint8_t policy) noexcept nogil
cdef void adopt_task(rq *rq, task *p, task_group *tg, int8_t nice, uint8_t policy) noexcept nogil
cdef void wake_up_new_task(task *p, bint clone_vm) noexcept nogil
cdef void try_to_wake_up(task *p, int flags) noexcept nogil
cdef void block_current(rq *rq, uint8_t sleep) noexcept nogil
cdef void exit_current(rq *rq) noexcept nogil
cdef void sched_yield(rq *rq) noexcept nogil
cdef void scheduler_tick(rq *rq) noexcept nogil
cdef void schedule(rq *rq) noexcept nogil
cdef void set_user_nice(task *p, int8_t nice) noexcept nogil
cdef void sched_setscheduler(task *p, uint8_t policy) noexcept nogil
cdef void set_task_group(task *p, task_group *tg) noexcept nogil
cdef void sched_move_task(task *p, task_group *tg) noexcept nogil
cdef void sched_set_slice(task *p, ns_t slice) noexcept nogil
cdef void set_task_cpu(task *p, rq *to) noexcept nogil
cdef void migrate_task(task *p, rq *to) noexcept nogil

# The two around an event. Inline, because with one CPU nothing is left of them but a few stores and one test.


cdef inline void begin_event(rq *this_rq, ns_t now) noexcept nogil:
    # `this_rq` executes the event at `now`
    if not this_rq.alone:
        begin_touching(this_rq)
    this_rq.now = now
    this_rq.resched = 0


cdef inline void end_event(rq *this_rq, ns_t now) noexcept nogil:
    # CPUs whose running task is flagged call schedule()
    if not this_rq.alone and this_rq.machine.nr_touched > 1:
        end_touched(this_rq, now)
    elif this_rq.curr.need_resched == RESCHED:
        this_rq.resched = 1
        this_rq.now = now
        schedule(this_rq)
        if not this_rq.alone and this_rq.machine.nr_touched > 1:
            end_flags(this_rq, now)             # the schedule() has touched others



cdef inline void preempt_disable(rq *rq) noexcept nogil:
    # The running task is in the kernel: a flag waits until it is not, or blocks, exits or yields.
    rq.curr.need_resched |= HELD


cdef inline void preempt_enable(rq *rq) noexcept nogil:
    # an event; end_event acts on a flag that waits
    rq.curr.need_resched &= <uint8_t>~HELD


cdef inline void set_time(rq *this_rq, ns_t now) noexcept nogil:
    # the part of begin_event that a class may ask about before the event begins
    if not this_rq.alone:
        execute_on(this_rq)
    this_rq.now = now


cdef inline bint would_fault(rq *rq, task *p, int32_t event, task_group *to) noexcept nogil:
    # does the model leave this event undefined? Asked before it begins; `rq` is the CPU where it would happen
    return rq.sched_class.would_fault != NULL and rq.sched_class.would_fault(rq, p, event, to)

# ---------------------------------------------------------------------------------------- leaves that classes use


cdef inline bint can_take_task(const machine *m) noexcept nogil:
    # is there room for one more? If not: make_room
    return m.spare != NULL and (m.nr_free != 0 or m.nr_slots < m.slots_max)


cdef inline void update_rq_clock(rq *rq) noexcept nogil:
    # spec 5.1: only the points named by the specification refresh the clock. For a CPU other than the executing one
    # now = clock (I5), so a refresh there changes nothing (spec 6.1).
    rq.clock = rq.now


cdef inline void resched_task(task *p) noexcept nogil:
    # Of the CPU that the hook was called for: its event has touched it. Whoever flags another one touches it first
    p.need_resched |= RESCHED


cdef inline uint64_t task_weight(const task *p) noexcept nogil:
    return (<const load_weight *>(<const char *>p + p.sched_class.load_offset)).weight


cdef inline void inc_nr_running(rq *rq, task *p) noexcept nogil:
    p.on_rq = 1
    rq.nr_running += 1
    rq.load += task_weight(p)


cdef inline void dec_nr_running(rq *rq, task *p) noexcept nogil:
    p.on_rq = 0
    rq.nr_running -= 1
    rq.load -= task_weight(p)


cdef inline void check_preempt_curr(rq *rq, task *p) noexcept nogil:
    # may `p`, which has just become runnable, preempt the running task? The running task's class answers
    rq.curr.sched_class.check_preempt_curr(rq, p)


cdef inline void bug_on(rq *rq, bint broken, uint8_t code) noexcept nogil:
    # keep the first code; the border looks at it after each call
    if broken and rq.bug == BUG_NONE:
        rq.bug = code
