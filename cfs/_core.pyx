"""CPUs, tasks, and the events that happen to them: the part that every scheduling class shares.

What it decides: the order in which an event touches counters and hooks. The class decides *which task* runs.
Source: Linux 2.6.24, kernel/sched.c (schedule, try_to_wake_up, wake_up_new_task, scheduler_tick, set_user_nice,
sched_setscheduler, sched_move_task); specification 5.1, 5.6 to 5.8, 5.10 to 5.15.

One event takes three calls. begin_event states the time. The event itself may set the flag need_resched of a running
task. end_event lets every flagged CPU call schedule(), at the same time. block, exit and yield contain their own
schedule().

Invariants:
    I1  rq.nr_running and rq.load count exactly the tasks of the CPU with on_rq
    I2  after end_event no running task is flagged, but one that holds its CPU (preempt_disable), and if rq.nr_running is 0
        rq.curr is rq.idle (a synchronous wakeup on an idle CPU waits for the next schedule(), so the idle task may run
        beside a runnable one)
    I3  a task in TASK_RUNNING has on_rq: it is on its class's queues
    I4  the machine's table has a task at its slot from take_task to free_task
    I5  after the first event now = clock on every CPU but machine.this_rq: time stands still there, until schedule()
        refreshes the clock
    I6  machine.touched has every CPU whose running task is flagged, or has been flagged or changed by the last event;
        each once, in ascending order

With several CPUs an event costs what it touches. It touches the CPU that executes it and the one of the task that it is
about, a change of shares all of them; end_event and whoever drives look at these and no others. With one CPU
(rq.alone) none of this is kept.

Rejected: passes over all CPUs around each event (20 microseconds with 1024); a CPU that joins the list where its task is
flagged, in resched_task (three instructions more in a switch of EEVDF, which flags in each charge); one callback
object a policy (needs the GIL); an enum and `if` in place of the table (0.6 ns faster a call, but a closed set); freeing
a task at exit (schedule() still looks at it: the caller frees it after the event).
"""

from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

from ._types cimport (
    PRIO_DEFAULT,
    PRIO_IDLE,
    RESCHED,
    SCHED_NORMAL,
    TASK_BLOCKED,
    TASK_DEAD,
    TASK_KEEPS_PLACE,
    TASK_NEW,
    TASK_RUNNING,
    TASK_SLEEPS,
    TASK_WAKES,
    WOKEN_BY_IRQ,
    int8_t,
    int32_t,
    machine,
    ns_t,
    rq,
    sched_class,
    task,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
    uintptr_t,
)
from ._core cimport WAKE_IRQ, WAKE_SYNC, check_preempt_curr, resched_task, update_rq_clock
from ._timeline cimport free_runs, make_room_on_timelines

cdef enum:
    CACHE_LINE = 64
    SLAB_MIN = 64               # tasks in the first slab; each next one is twice as large
    SLAB_MAX = 4096

# ---------------------------------------------------------------------------------------------- making and freeing


cdef size_t task_room(const machine *m) noexcept nogil:
    # One after the other. On cache lines of their own, they take a third more memory and are not faster.
    return (m.sched_class.task_size + 7) // 8 * 8


cdef size_t tasks_in_slab(uint32_t number) noexcept nogil:
    return SLAB_MIN << number if number < 6 else SLAB_MAX


cdef char *first_in_slab(void *slab) noexcept nogil:
    return <char *>((<uintptr_t>slab + CACHE_LINE - 1) & ~<uintptr_t>(CACHE_LINE - 1))


cdef int grow_slabs(machine *m) except -1:
    # one more slab, cut into pieces that are chained so that they are handed out in order of address
    cdef size_t room = task_room(m)
    cdef size_t nr = tasks_in_slab(m.nr_slabs)
    cdef void **slabs
    cdef void *slab
    cdef char *piece
    cdef size_t i
    make_room_on_timelines(m, nr, 0)
    if m.nr_slabs == m.slabs_max:
        slabs = <void **>realloc(m.slabs, 2 * (m.slabs_max + 1) * sizeof(void *))
        if slabs == NULL:
            raise MemoryError
        m.slabs, m.slabs_max = slabs, 2 * (m.slabs_max + 1)
    slab = malloc(nr * room + CACHE_LINE)
    if slab == NULL:
        raise MemoryError
    m.slabs[m.nr_slabs] = slab
    m.nr_slabs += 1
    m.nr_pieces += nr
    piece = first_in_slab(slab)
    for i in range(nr, 0, -1):
        (<void **>(piece + (i - 1) * room))[0] = m.spare
        m.spare = piece + (i - 1) * room
    return 0


cdef int grow_table(machine *m) except -1:
    cdef uint32_t slots_max = 2 * m.slots_max + 64
    cdef task **tasks = <task **>realloc(m.tasks, slots_max * sizeof(void *))
    cdef uint32_t *free_slots
    if tasks == NULL:
        raise MemoryError
    m.tasks = tasks
    free_slots = <uint32_t *>realloc(m.free_slots, slots_max * sizeof(uint32_t))
    if free_slots == NULL:
        raise MemoryError
    m.free_slots, m.slots_max = free_slots, slots_max
    return 0


cdef int make_room(machine *m) except -1:
    if m.spare == NULL:
        grow_slabs(m)
    if m.nr_free == 0 and m.nr_slots == m.slots_max:
        grow_table(m)
    return 0


cdef task *take_task(machine *m) noexcept nogil:
    # A task with an id and a slot, and nothing else: sched_fork makes it one of a CPU. There is room for it.
    cdef task *p = <task *>m.spare
    m.spare = (<void **>p)[0]
    memset(p, 0, m.sched_class.task_size)
    if m.nr_free:
        m.nr_free -= 1
        p.slot = m.free_slots[m.nr_free]
    else:
        p.slot = m.nr_slots
        m.nr_slots += 1
    m.tasks[p.slot] = p
    m.nr_forked += 1
    p.id = m.nr_forked
    p.sched_class = m.sched_class
    p.state = TASK_NEW
    return p


cdef task *new_task(machine *m) except NULL:
    make_room(m)
    return take_task(m)


cdef void free_task(task *p) noexcept nogil:
    # of a dead or never woken task that no CPU runs any more
    cdef machine *m = p.rq.machine
    if p.group != NULL:
        p.group.nr_tasks -= 1
    m.tasks[p.slot] = NULL
    m.free_slots[m.nr_free] = p.slot
    m.nr_free += 1
    (<void **>p)[0] = m.spare
    m.spare = p


cdef int init_rq(machine *m, int32_t cpu, const sched_class *idle_class) except -1:
    cdef rq *rq_of_cpu = <rq *>calloc(1, m.sched_class.rq_size)
    cdef task *idle
    if rq_of_cpu == NULL:
        raise MemoryError
    m.rqs[cpu] = rq_of_cpu
    rq_of_cpu.idle = <task *>calloc(1, m.sched_class.task_size)
    if rq_of_cpu.idle == NULL:
        raise MemoryError
    rq_of_cpu.cpu = cpu
    rq_of_cpu.alone = m.nr_cpus == 1
    rq_of_cpu.machine = m
    rq_of_cpu.sched_class = m.sched_class
    rq_of_cpu.clock = 1
    rq_of_cpu.curr = rq_of_cpu.idle
    idle = rq_of_cpu.idle
    idle.sched_class = idle_class
    idle.rq = rq_of_cpu
    idle.prio = PRIO_IDLE
    idle.policy = SCHED_NORMAL
    idle.state = TASK_RUNNING
    m.sched_class.set_load_weight(idle)
    m.sched_class.init_rq(rq_of_cpu)
    return 0


cdef int machine_init(
    machine *m,
    const sched_class *cls,
    const sched_class *idle_class,
    int32_t nr_cpus,
    int32_t group_by,
    const uint64_t *tunables,
) except -1:
    # `m` is zeroed; after an error machine_free frees what there is. `tunables` NULL: the class's defaults

    cdef int32_t cpu
    m.sched_class = cls
    m.idle_class = idle_class
    m.nr_cpus = nr_cpus
    m.group_by = group_by
    m.tunables = <uint64_t *>calloc(1, cls.tunables_size)
    m.rqs = <rq **>calloc(nr_cpus, sizeof(void *))
    m.touched = <rq **>calloc(nr_cpus, sizeof(void *))
    if m.tunables == NULL or m.rqs == NULL or m.touched == NULL:
        raise MemoryError
    if tunables == NULL:
        cls.init_tunables(m.tunables)
    else:
        memcpy(m.tunables, tunables, cls.tunables_size)
    for cpu in range(nr_cpus):
        init_rq(m, cpu, idle_class)
    m.this_rq = m.rqs[0] if nr_cpus == 1 else NULL
    return 0


cdef void machine_free(machine *m) noexcept:
    cdef task_group *tg
    cdef int32_t cpu
    cdef uint32_t i
    while m.groups != NULL:
        tg = m.groups
        m.groups = tg.next
        free(tg.cpus)
        free(tg)
    if m.rqs != NULL:
        for cpu in range(m.nr_cpus):
            if m.rqs[cpu] != NULL:
                free(m.rqs[cpu].idle)
                free(m.rqs[cpu])
    for i in range(m.nr_slabs):
        free(m.slabs[i])
    free(m.slabs)
    free_runs(&m.runs)
    free(m.rqs)
    free(m.touched)
    free(m.tunables)
    free(m.tasks)
    free(m.free_slots)

# ------------------------------------------------------------------------------------------------- time and flags


cdef void stop_time(machine *m) noexcept nogil:
    # before the first event: clocks begin at 1
    cdef int32_t cpu
    for cpu in range(m.nr_cpus):
        m.rqs[cpu].now = m.rqs[cpu].clock


cdef void execute_on(rq *this_rq) noexcept nogil:
    # on the CPU that no longer executes time stands still (spec 6.1)
    cdef machine *m = this_rq.machine
    if m.this_rq == NULL:
        stop_time(m)
    else:
        m.this_rq.now = m.this_rq.clock
    m.this_rq = this_rq


cdef void touch(rq *rq) noexcept nogil:
    # into the list, which is short: most events touch one CPU or two, and those that touch all do so in order
    cdef machine *m = rq.machine
    cdef int32_t at = m.nr_touched
    if rq.alone or rq.touched:
        return
    rq.touched = True
    while at and m.touched[at - 1].cpu > rq.cpu:
        m.touched[at] = m.touched[at - 1]
        at -= 1
    m.touched[at] = rq
    m.nr_touched += 1


cdef void touch_all(machine *m) noexcept nogil:
    cdef int32_t cpu
    for cpu in range(m.nr_cpus):
        touch(m.rqs[cpu])


cdef void forget_touched(machine *m) noexcept nogil:
    # all but those that are still flagged: shares that are written between two events flag, and nobody acts on it yet
    cdef int32_t nr = m.nr_touched
    cdef rq *rq
    cdef int32_t i
    m.nr_touched = 0
    for i in range(nr):
        rq = m.touched[i]
        rq.resched = 0
        rq.touched = rq.curr.need_resched == RESCHED
        if rq.touched:
            m.touched[m.nr_touched] = rq
            m.nr_touched += 1


cdef inline bint settled(const machine *m) noexcept nogil:
    # has the last event touched one CPU, on which no flag is left? Most have
    return m.nr_touched == 1 and m.touched[0].curr.need_resched != RESCHED


cdef void begin_touching(rq *this_rq) noexcept nogil:
    cdef machine *m = this_rq.machine
    execute_on(this_rq)
    if not settled(m):
        forget_touched(m)
        touch(this_rq)
        return
    m.touched[0].resched = 0
    m.touched[0].touched = False
    m.touched[0] = this_rq
    this_rq.touched = True


cdef bint schedule_if_flagged(rq *rq, ns_t now) noexcept nogil:
    if rq.curr.need_resched != RESCHED:
        return False
    rq.now = now
    schedule(rq)
    return True


cdef bint schedule_touched(machine *m, ns_t now) noexcept nogil:
    # Once by number. A schedule() may touch more CPUs: those of higher numbers still have their turn
    cdef bint any = False
    cdef int32_t i = 0
    cdef rq *rq
    while i < m.nr_touched:
        rq = m.touched[i]
        any = schedule_if_flagged(rq, now) or any
        while i < m.nr_touched and m.touched[i].cpu <= rq.cpu:
            i += 1
    return any


cdef void end_flags(rq *this_rq, ns_t now) noexcept nogil:
    # The others by number, then the executing CPU first again, until no flag is left
    while schedule_touched(this_rq.machine, now) | schedule_if_flagged(this_rq, now):
        pass


cdef void end_touched(rq *this_rq, ns_t now) noexcept nogil:
    # the executing CPU first
    cdef machine *m = this_rq.machine
    cdef bint any = False
    cdef int32_t i
    for i in range(m.nr_touched):
        m.touched[i].resched |= m.touched[i].curr.need_resched == RESCHED
        any |= m.touched[i].curr.need_resched == RESCHED
    if any:
        schedule_if_flagged(this_rq, now)
        end_flags(this_rq, now)

# ---------------------------------------------------------------------------------------------------------- events


cdef inline void touch_other(rq *rq) noexcept nogil:
    # every event on a task begins with it: its CPU need not be the one that executes
    if not rq.alone:
        touch(rq)


cdef void schedule(rq *rq) noexcept nogil:
    # spec 5.6. The loop ends at once but for a flag that another CPU left on the picked task (spec 6.1).
    cdef task *prev
    cdef task *picked
    while True:
        prev = rq.curr
        update_rq_clock(rq)
        prev.need_resched = 0
        if prev.state != TASK_RUNNING:
            rq.sched_class.dequeue_task(rq, prev, TASK_SLEEPS)
        picked = rq.sched_class.pick_next_task(rq, prev)
        if picked != prev:
            rq.nr_switches += 1
            rq.curr = picked
        if picked.need_resched != RESCHED:
            return


cdef void sched_fork(rq *rq, task *p, task *parent) noexcept nogil:
    # spec 5.7 steps 1 and 2: a copy of the parent as it is, on the parent's CPU, on no queue
    p.rq = rq
    p.nice = parent.nice
    p.policy = parent.policy
    p.prio = PRIO_DEFAULT + p.nice
    p.group = parent.group
    if p.group != NULL:
        p.group.nr_tasks += 1
    p.sched_class.task_fork(p, parent)
    p.sched_class.set_task_rq(p)


cdef void adjust_new_task(task *p, task_group *tg, int8_t nice, uint8_t policy) noexcept nogil:
    # spec 5.7 step 3: what the child does not inherit. It is on no queue, so nothing but its own fields changes.
    if tg != p.group:
        set_task_group(p, tg)
    if nice != p.nice or policy != p.policy or p.prio == PRIO_IDLE:     # a class may have copied that of an idle parent
        p.nice = nice
        p.policy = policy
        p.prio = PRIO_DEFAULT + nice
        p.sched_class.set_load_weight(p)


cdef void adopt_task(rq *rq, task *p, task_group *tg, int8_t nice, uint8_t policy) noexcept nogil:
    # A task that slept before time began, as if the idle task had forked it so long ago that nothing is left of that
    sched_fork(rq, p, rq.idle)
    adjust_new_task(p, tg, nice, policy)
    if p.sched_class.task_adopt != NULL:
        p.sched_class.task_adopt(p, rq.idle)
    p.state = TASK_BLOCKED


cdef void wake_up_new_task(task *p, bint clone_vm) noexcept nogil:
    # spec 5.7 steps 4 to 7. The parent runs on the executing CPU, machine.this_rq, which need not be the child's.
    cdef rq *rq = p.rq
    touch_other(rq)
    update_rq_clock(rq)
    p.prio = PRIO_DEFAULT + p.nice
    p.state = TASK_RUNNING
    rq.sched_class.task_new(rq, p, clone_vm)


cdef void try_to_wake_up(task *p, int flags) noexcept nogil:
    # spec 5.8
    cdef rq *rq = p.rq
    if p.state != TASK_BLOCKED:
        return
    touch_other(rq)
    update_rq_clock(rq)
    rq.sched_class.enqueue_task(rq, p, TASK_WAKES | WOKEN_BY_IRQ if flags & WAKE_IRQ else TASK_WAKES)
    if not flags & WAKE_SYNC:
        check_preempt_curr(rq, p)
    p.state = TASK_RUNNING


cdef void block_current(rq *rq, uint8_t sleep) noexcept nogil:
    rq.curr.state = TASK_BLOCKED
    rq.curr.sleep = sleep
    schedule(rq)


cdef void exit_current(rq *rq) noexcept nogil:
    # spec 5.11: the same as a block; the caller frees the task after end_event
    if rq.sched_class.task_dead != NULL:
        rq.sched_class.task_dead(rq, rq.curr)
    rq.curr.state = TASK_DEAD
    schedule(rq)


cdef void sched_yield(rq *rq) noexcept nogil:
    # spec 5.12
    rq.sched_class.yield_task(rq)
    rq.resched = rq.curr.need_resched & RESCHED
    schedule(rq)


cdef void scheduler_tick(rq *rq) noexcept nogil:
    # spec 5.10
    update_rq_clock(rq)
    if rq.sched_class.rq_tick != NULL:
        rq.sched_class.rq_tick(rq)
    rq.curr.sched_class.task_tick(rq, rq.curr)


cdef void set_user_nice(task *p, int8_t nice) noexcept nogil:
    # spec 5.13
    cdef rq *rq = p.rq
    cdef int old_prio = p.prio
    cdef bint queued = p.on_rq
    if nice == p.nice:
        return
    touch_other(rq)
    if rq.sched_class.set_user_nice != NULL:
        rq.sched_class.set_user_nice(rq, p, nice)
        return
    update_rq_clock(rq)
    if queued:
        rq.sched_class.dequeue_task(rq, p, TASK_KEEPS_PLACE)
    p.nice = nice
    p.prio = PRIO_DEFAULT + nice
    rq.sched_class.set_load_weight(p)
    if queued:
        rq.sched_class.enqueue_task(rq, p, TASK_KEEPS_PLACE)
        if p.prio < old_prio or (p.prio > old_prio and p == rq.curr):
            resched_task(rq.curr)


cdef inline void put_if_running(rq *rq, task *p) noexcept nogil:
    if p == rq.curr and rq.sched_class.put_prev_task != NULL:
        rq.sched_class.put_prev_task(rq, p)


cdef inline void set_if_running(rq *rq, task *p) noexcept nogil:
    if p == rq.curr and rq.sched_class.set_curr_task != NULL:
        rq.sched_class.set_curr_task(rq, p)


cdef void sched_setscheduler(task *p, uint8_t policy) noexcept nogil:
    # spec 5.14; done even if the policy is the same
    cdef rq *rq = p.rq
    cdef int old_prio = p.prio
    cdef bint queued = p.on_rq
    touch_other(rq)
    if rq.sched_class.setscheduler != NULL:
        rq.sched_class.setscheduler(rq, p, policy)
        return
    update_rq_clock(rq)
    if queued:
        rq.sched_class.dequeue_task(rq, p, 0)
        put_if_running(rq, p)
    p.policy = policy
    p.prio = PRIO_DEFAULT + p.nice
    rq.sched_class.set_load_weight(p)
    if not queued:
        return
    set_if_running(rq, p)
    rq.sched_class.enqueue_task(rq, p, 0)
    if p != rq.curr:
        check_preempt_curr(rq, p)
    elif p.prio > old_prio:
        resched_task(p)


cdef void set_task_group(task *p, task_group *tg) noexcept nogil:
    # counts only, and which queue is the task's
    p.group.nr_tasks -= 1
    p.group = tg
    tg.nr_tasks += 1
    p.sched_class.set_task_rq(p)


cdef void sched_move_task(task *p, task_group *tg) noexcept nogil:
    # spec 5.15; virtual time is taken over as it is, though the floors of groups differ
    cdef rq *rq = p.rq
    cdef bint queued = p.on_rq
    touch_other(rq)
    if rq.sched_class.move_task != NULL:
        rq.sched_class.move_task(rq, p, tg)
        return
    update_rq_clock(rq)
    if queued:
        rq.sched_class.dequeue_task(rq, p, 0)
        put_if_running(rq, p)
    set_task_group(p, tg)
    if queued:
        set_if_running(rq, p)
        rq.sched_class.enqueue_task(rq, p, 0)


cdef void sched_set_slice(task *p, ns_t slice) noexcept nogil:
    # only in models that have the hook
    touch_other(p.rq)
    p.rq.sched_class.set_slice(p.rq, p, slice)


cdef void set_task_cpu(task *p, rq *to) noexcept nogil:
    # spec 6.2, of a task on no queue: rebase its virtual time from one CPU's floor to the other's
    if p.rq != to:
        p.sched_class.migrate_task_rq(p, to)
        p.rq = to
        p.sched_class.set_task_rq(p)


cdef void migrate_task(task *p, rq *to) noexcept nogil:
    # spec 6.5 "move": of a task that waits, is blocked, or is new - never of a running one
    cdef bint queued = p.on_rq
    touch_other(p.rq)
    touch_other(to)
    update_rq_clock(p.rq)
    update_rq_clock(to)
    if queued:
        p.sched_class.dequeue_task(p.rq, p, 0)
    set_task_cpu(p, to)
    if queued:
        p.sched_class.enqueue_task(to, p, 0)
        check_preempt_curr(to, p)
