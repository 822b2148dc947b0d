"""The O(1) scheduler of Linux 2.6.22: the last one before CFS.

Model: linux-2.6.22-o1. Source: Linux 2.6.22, kernel/sched.c; specification 4, 5.
What it decides: which task runs, from a fixed number of lists, in a time that does not depend on the number of tasks.

The idea. There are two arrays of 140 FIFO lists, one list for each prio. The first task of the best list of the
*active* array runs. When its slice is used up, it gets a new one and goes to the *expired* array. When the active
array is empty, the two exchange places. All slices are counted in ticks:

    slice = max(X * (140 - base) / 20, MIN), X = 4 * DEF if base < 120 else DEF      (task_timeslice)
    prio  = base - (bonus - 5), bonus = sleep_avg in tenths of a second, 0 ... 10    (effective_prio)

The interactivity estimator: sleeping raises sleep_avg; running lowers it, more slowly the higher it is. A task with a
good enough prio goes back to the *active* array at the end of its slice, unless expired tasks starve. A forked child
gets half of its parent's slice. If it exits within that, it gives back the rest.

    slept or waited d    sleep_avg += d, one long sleep only up to a ceiling         (recalc_task_prio)
    ran d                sleep_avg -= d / (bonus or 1)                               (schedule)

The queue has no clock: time is `rq.now`, and jiffies = floor(now * hz / 10**9).

Invariants (numbers of specification 7; `check_rq` checks 1 to 4, the tests the others):
    I1  the counts of both arrays add up to nr_running, the weights of their tasks to load; every queued task is in the
        list of its prio in its array, and a bit of the map is set exactly if its list is not empty; active and expired
        are the two arrays of the CPU
    I2  the idle task runs if nr_running is 0; otherwise it continues only after a wakeup that does not preempt
        (synchronous, clone_vm), up to schedule(). Any other running task is in one of the arrays
    I3  sleep_avg <= ns_max_sleep_avg; prio is 100 ... 139; a slice is at least 1
    I4  the running task has sleep type normal
    I5  sched_time of all tasks, the idle and the dead ones included, adds up to most_recent_timestamp
    I6  fork leaves the sum of slices as it is, unless the parent's becomes 0; exit never raises it; sleep_avg of a batch
        task is 0
    I7  right after schedule() last_ran and timestamp of the running task are most_recent_timestamp

No division depends on the number of tasks. Two by constants in each bonus, one by the bonus in each schedule().

Rejected: a slice that follows a changed nice value (not what the kernel does: it may be far too long, with an odd
remainder in the tick, spec 6.9); one list with a comparison (another scheduler).
"""

from cpython.pycapsule cimport PyCapsule_New

from ..._bits cimport lowest_bit
from ..._core cimport check_preempt_curr, dec_nr_running, inc_nr_running, resched_task
from ..._table cimport (
    add_derived,
    add_field,
    add_pointer,
    field_table,
    new_fields,
    new_pointers,
    pointer_table,
)
from ..._types cimport (
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    POINTER_PLAIN,
    PRIO_DEFAULT,
    SCHED_BATCH,
    SLEEP_NONINTERACTIVE as NONINTERACTIVE_MARK,
    SLEEP_UNINTERRUPTIBLE,
    TASK_BLOCKED,
    TASK_KEEPS_PLACE,
    TASK_SLEEPS,
    TASK_WAKES,
    WOKEN_BY_IRQ,
    int64_t,
    machine,
    ns_t,
    queued,
    rq,
    sched_class,
    task,
    uint32_t,
    uint64_t,
)

cdef enum:
    NSEC_PER_SEC = 1000000000
    MAX_BONUS = 10              # 40 prios of user tasks, a quarter of them
    NO_EXPIRED_PRIO = 140
    ON_RUNQUEUE_WEIGHT = 38     # 30 percent of 128: what waiting counts, after a task's wakeup
    CHILD_PENALTY = 95          # percent of the bonus
    PARENT_PENALTY = 100
    EXIT_WEIGHT = 3             # of a parent's sleep average, in quarters
    SCHED_LOAD_SCALE = 128

# ----------------------------------------------------------------------------------------------------------- lists


cdef inline void list_init(list_head *head) noexcept nogil:
    head.next = head
    head.prev = head


cdef inline bint list_empty(const list_head *head) noexcept nogil:
    return head.next == head


cdef inline void list_add_before(list_head *new, list_head *at) noexcept nogil:
    # before a head: at the tail
    new.next = at
    new.prev = at.prev
    at.prev.next = new
    at.prev = new


cdef inline void list_del(list_head *entry) noexcept nogil:
    entry.next.prev = entry.prev
    entry.prev.next = entry.next

# -------------------------------------------------------------------------------------------------- generic helpers


cdef inline o1_task *o1_of(const task *p) noexcept nogil:
    return <o1_task *>p


cdef inline o1_rq *rq_of(const task *p) noexcept nogil:
    return <o1_rq *>p.rq


cdef inline o1_task *task_in_list(const list_head *entry) noexcept nogil:
    return <o1_task *>(<char *>entry - <size_t>&(<o1_task *>NULL).run_list)


cdef inline o1_task *task_in_family(const list_head *entry) noexcept nogil:
    return <o1_task *>(<char *>entry - <size_t>&(<o1_task *>NULL).sibling)


cdef inline int static_prio(const task *p) noexcept nogil:
    return PRIO_DEFAULT + p.nice


cdef inline ns_t elapsed(ns_t now, ns_t since) noexcept nogil:
    # 0 if `since` is later, as a stamp of another CPU may be
    return now - since if <int64_t>(now - since) > 0 else 0


cdef inline uint64_t jiffies(const o1_rq *rq) noexcept nogil:
    # floor(now * hz / 10**9), without an intermediate overflow
    cdef uint64_t hz = rq.constants.hz
    return rq.rq.now // NSEC_PER_SEC * hz + rq.rq.now % NSEC_PER_SEC * hz // NSEC_PER_SEC

# --------------------------------------------------------------------------------------- slices, bonuses and prios


cdef inline uint32_t task_timeslice(const o1_constants *constants, int base) noexcept nogil:
    # the full slice, ticks. AS SPECIFIED: it jumps by a factor above 4 between nice 0 and -1
    cdef uint64_t scale = 4 * constants.def_timeslice if base < PRIO_DEFAULT else constants.def_timeslice
    return <uint32_t>max(scale * (MAX_PRIO - base) // 20, constants.min_timeslice)


cdef inline uint64_t current_bonus(const o1_constants *constants, ns_t sleep_avg) noexcept nogil:
    # 0 ... 10, the last only at a full sleep average
    return sleep_avg // constants.jiffy_ns * MAX_BONUS // constants.max_sleep_avg


cdef inline ns_t sleep_avg_of_bonus(const o1_constants *constants, uint64_t bonus) noexcept nogil:
    # the least sleep average, in whole jiffies, that has (about) this bonus
    return bonus * constants.max_sleep_avg // MAX_BONUS * constants.jiffy_ns


cdef inline int effective_prio(const o1_task *t) noexcept nogil:
    cdef int bonus = <int>current_bonus(&rq_of(&t.p).constants, t.sleep_avg) - MAX_BONUS // 2
    cdef int prio = static_prio(&t.p) - bonus
    return min(max(prio, <int>MAX_RT_PRIO), <int>MAX_PRIO - 1)


cdef inline int interactive_delta(const o1_task *t) noexcept nogil:
    # how many prios better than its base a task must be to count as interactive: -3 at nice -20, 2 at 0, 6 at 19
    return (t.p.nice + 20) // 4 - 3


cdef inline bint task_interactive(const o1_task *t) noexcept nogil:
    return t.p.prio <= static_prio(&t.p) - interactive_delta(t)


cdef inline ns_t interactive_sleep(const o1_task *t) noexcept nogil:
    # the ceiling: what one long sleep can bring the average up to, one jiffy below the next tenth (spec 6.8)
    cdef const o1_constants *constants = &rq_of(&t.p).constants
    return (constants.max_sleep_avg * <uint64_t>(interactive_delta(t) + 6) // 10 - 1) * constants.jiffy_ns


cdef inline uint32_t timeslice_granularity(const o1_task *t) noexcept nogil:
    # the piece, ticks, after which an interactive task lets its equals run: doubled for each lost bonus
    cdef const o1_rq *rq = rq_of(&t.p)
    cdef uint64_t missing = MAX_BONUS - current_bonus(&rq.constants, t.sleep_avg)
    if missing:
        missing -= 1
    return <uint32_t>((rq.constants.granularity << missing) * <uint64_t>rq.rq.machine.nr_cpus)


cdef inline void set_weight(o1_task *t) noexcept nogil:
    # the load weight is the full slice, in units of which nice 0 has 128
    cdef const o1_constants *constants = &rq_of(&t.p).constants
    t.load.weight = task_timeslice(constants, static_prio(&t.p)) * SCHED_LOAD_SCALE // constants.def_timeslice


cdef inline void add_sleep(o1_task *t, ns_t slept, ns_t ceiling) noexcept nogil:
    # one long sleep brings an average below the ceiling just to it, and counts as waiting for something, not somebody;
    # after such a wait nothing is added beyond the ceiling
    if slept > ceiling and t.sleep_avg < ceiling:
        t.sleep_avg = ceiling
        t.sleep_type = SLEEP_NONINTERACTIVE
        return
    if t.sleep_type == SLEEP_NONINTERACTIVE:
        if t.sleep_avg >= ceiling:
            return
        if t.sleep_avg + slept >= ceiling:
            t.sleep_avg = ceiling
            return
    t.sleep_avg += slept


cdef int recalc_task_prio(o1_task *t, ns_t slept) noexcept nogil:
    # spec 4.4: credit for time slept or waited; the prio that follows, which the caller sets. Batch tasks get none
    cdef ns_t most = rq_of(&t.p).constants.ns_max_sleep_avg
    if slept != 0 and t.p.policy != SCHED_BATCH:
        add_sleep(t, slept, interactive_sleep(t))
        t.sleep_avg = min(t.sleep_avg, most)
    return effective_prio(t)

# ------------------------------------------------------------------------------------------------- queueing on arrays


cdef inline void mark_list(prio_array *array, int prio) noexcept nogil:
    array.bitmap[prio >> 6] |= <uint64_t>1 << (prio & 63)


cdef inline void enqueue_before(o1_task *t, prio_array *array, list_head *at) noexcept nogil:
    list_add_before(&t.run_list, at)
    mark_list(array, t.p.prio)
    array.nr_active += 1
    t.array = array


cdef inline void array_enqueue(o1_task *t, prio_array *array) noexcept nogil:
    # at the tail of the list of its prio
    enqueue_before(t, array, &array.queue[t.p.prio])


cdef inline void array_dequeue(o1_task *t) noexcept nogil:
    # out of its list; `array` still tells which one it was. A prio is changed only in between
    cdef prio_array *array = t.array
    list_del(&t.run_list)
    array.nr_active -= 1
    if list_empty(&array.queue[t.p.prio]):
        array.bitmap[t.p.prio >> 6] &= ~(<uint64_t>1 << (t.p.prio & 63))


cdef inline void requeue(o1_task *t, prio_array *array) noexcept nogil:
    # to the tail of its list there, the same array or another
    array_dequeue(t)
    array_enqueue(t, array)


cdef inline o1_task *first_task(const prio_array *array) noexcept nogil:
    # head of the best list, of an array that is not empty: three words and one bit search
    cdef int word = 0
    while array.bitmap[word] == 0:
        word += 1
    return task_in_list(array.queue[(word << 6) + lowest_bit(array.bitmap[word])].next)


cdef inline void activate(o1_rq *rq, o1_task *t) noexcept nogil:
    # the kernel's __activate_task: batch tasks never enter the active array by a wakeup
    array_enqueue(t, rq.expired if t.p.policy == SCHED_BATCH else rq.active)
    inc_nr_running(&rq.rq, &t.p)


cdef inline void swap_arrays(o1_rq *rq) noexcept nogil:
    # roles change, not contents: a task's `array` has another meaning from now on
    rq.active, rq.expired = rq.expired, rq.active
    rq.expired_timestamp = 0
    rq.best_expired_prio = NO_EXPIRED_PRIO

# -------------------------------------------------------------------------------------------- accounting and slices


cdef inline void update_cpu_clock(o1_rq *rq, o1_task *t) noexcept nogil:
    # account: of the running task, the idle one included
    t.sched_time += rq.rq.now - t.last_ran
    t.last_ran = rq.rq.now
    rq.most_recent_timestamp = rq.rq.now


cdef inline bint expired_starving(const o1_rq *rq) noexcept nogil:
    # AS SPECIFIED: the base prio of the *running* task is compared, and all runnable tasks are counted (spec 6.11)
    cdef uint64_t limit = rq.constants.max_sleep_avg * rq.rq.nr_running
    if <uint64_t>static_prio(rq.rq.curr) > rq.best_expired_prio:
        return True
    return rq.expired_timestamp != 0 and jiffies(rq) - rq.expired_timestamp > limit


cdef void end_slice(o1_rq *rq, o1_task *t) noexcept nogil:
    # a new slice and a new prio; interactive tasks stay in the active array unless others starve
    array_dequeue(t)
    resched_task(&t.p)
    t.p.prio = effective_prio(t)
    t.time_slice = task_timeslice(&rq.constants, static_prio(&t.p))
    t.first_time_slice = 0
    if rq.expired_timestamp == 0:
        rq.expired_timestamp = jiffies(rq)
    if task_interactive(t) and not expired_starving(rq):
        array_enqueue(t, rq.active)
        return
    array_enqueue(t, rq.expired)
    rq.best_expired_prio = min(rq.best_expired_prio, <uint64_t>static_prio(&t.p))


cdef inline bint piece_ends(const o1_rq *rq, const o1_task *t) noexcept nogil:
    # AS SPECIFIED: the used part is a u32, and wraps if the slice is longer than a full one (spec 6.9)
    cdef uint32_t piece = timeslice_granularity(t)
    cdef uint32_t used = task_timeslice(&rq.constants, static_prio(&t.p)) - t.time_slice
    return used % piece == 0 and t.time_slice >= piece


cdef void task_running_tick(o1_rq *rq, o1_task *t) noexcept nogil:
    # spec 5.4. Whoever runs from the expired array, or from none (the idle task at fork), only gives up the CPU
    if t.array != rq.active:
        resched_task(&t.p)
        return
    t.time_slice -= 1
    if t.time_slice == 0:
        end_slice(rq, t)
    elif task_interactive(t) and piece_ends(rq, t):
        requeue(t, rq.active)
        resched_task(&t.p)

# --------------------------------------------------------------------------------------------- operations on tasks


cdef void credit_wakeup(o1_rq *rq, o1_task *t, int flags) noexcept nogil:
    # spec 5.3 steps 1 and 2: what kind of sleep it was, and what it is worth
    if t.p.sleep == SLEEP_UNINTERRUPTIBLE:
        rq.nr_uninterruptible -= 1
        t.sleep_type = SLEEP_NONINTERACTIVE
    elif t.p.sleep == NONINTERACTIVE_MARK:
        t.sleep_type = SLEEP_NONINTERACTIVE
    t.p.prio = recalc_task_prio(t, elapsed(rq.rq.now, t.timestamp))
    if t.sleep_type == SLEEP_NORMAL:
        t.sleep_type = SLEEP_INTERRUPTED if flags & WOKEN_BY_IRQ else SLEEP_INTERACTIVE
    t.timestamp = rq.rq.now


cdef void enqueue_task_o1(rq *rq, task *p, int flags) noexcept nogil:
    if flags & TASK_KEEPS_PLACE:
        array_enqueue(o1_of(p), o1_of(p).array)
        inc_nr_running(rq, p)
        return
    if flags & TASK_WAKES:
        credit_wakeup(<o1_rq *>rq, o1_of(p), flags)
    activate(<o1_rq *>rq, o1_of(p))


cdef void dequeue_task_o1(rq *rq, task *p, int flags) noexcept nogil:
    dec_nr_running(rq, p)
    array_dequeue(o1_of(p))
    if flags & TASK_KEEPS_PLACE:
        return
    o1_of(p).array = NULL
    if flags & TASK_SLEEPS and p.state == TASK_BLOCKED and p.sleep == SLEEP_UNINTERRUPTIBLE:
        (<o1_rq *>rq).nr_uninterruptible += 1


cdef inline ns_t run_charge(const o1_rq *rq, const o1_task *prev) noexcept nogil:
    # spec 5.2 step 1: run time since the pick, divided by the bonus of this moment
    cdef ns_t ran = min(elapsed(rq.rq.now, prev.timestamp), rq.constants.ns_max_sleep_avg)
    cdef uint64_t bonus = current_bonus(&rq.constants, prev.sleep_avg)
    return ran // bonus if bonus else ran


cdef inline void credit_wait(o1_rq *rq, o1_task *t) noexcept nogil:
    # spec 5.2 step 5: between wakeup and pick an interactive sleeper goes on earning, 38/128 of it if a task woke it. It
    # may move to another list of its array; AS SPECIFIED: it runs even if that is no longer the best one
    cdef ns_t waited = elapsed(rq.rq.now, t.timestamp)
    cdef int prio
    if t.sleep_type != SLEEP_INTERACTIVE and t.sleep_type != SLEEP_INTERRUPTED:
        return
    if t.sleep_type == SLEEP_INTERACTIVE:
        waited = waited * ON_RUNQUEUE_WEIGHT // 128
    prio = recalc_task_prio(t, waited)
    if prio != t.p.prio:
        array_dequeue(t)
        t.p.prio = prio
        array_enqueue(t, t.array)


cdef inline o1_task *pick(o1_rq *rq) noexcept nogil:
    cdef o1_task *t
    if rq.rq.nr_running == 0:
        rq.expired_timestamp = 0            # AS SPECIFIED: best_expired_prio survives an idle time (spec 6.10)
        return o1_of(rq.rq.idle)
    if rq.active.nr_active == 0:
        swap_arrays(rq)
    t = first_task(rq.active)
    credit_wait(rq, t)
    return t


cdef task *pick_next_task_o1(rq *this_rq, task *prev) noexcept nogil:
    # spec 5.2, also for the idle task as `prev` or next. The queue position of `prev` does not change, nor its prio
    cdef o1_rq *rq = <o1_rq *>this_rq
    cdef o1_task *t = o1_of(prev)
    cdef ns_t charge = run_charge(rq, t)
    cdef o1_task *picked = pick(rq)
    picked.sleep_type = SLEEP_NORMAL
    update_cpu_clock(rq, t)
    t.sleep_avg = elapsed(t.sleep_avg, charge)
    t.timestamp = this_rq.now
    picked.timestamp = this_rq.now
    picked.last_ran = this_rq.now
    return &picked.p


cdef void yield_task_o1(rq *rq) noexcept nogil:
    # to the tail of its list in the expired array; slice, prio and what starving is judged by stay (spec 5.6)
    requeue(o1_of(rq.curr), (<o1_rq *>rq).expired)


cdef void check_preempt_curr_o1(rq *rq, task *p) noexcept nogil:
    # strictly better; in which array it waits does not matter
    if p.prio < rq.curr.prio:
        resched_task(rq.curr)


cdef void rq_tick_o1(rq *rq) noexcept nogil:
    update_cpu_clock(<o1_rq *>rq, o1_of(rq.curr))


cdef bint idle_settled(const rq *rq) noexcept nogil:
    # run times add up: one tick accounts for all that came before it
    return True


cdef void task_tick_o1(rq *rq, task *p) noexcept nogil:
    task_running_tick(<o1_rq *>rq, o1_of(p))

# ------------------------------------------------------------------------------------------------ families of tasks


cdef inline void adopt(o1_task *parent, o1_task *child) noexcept nogil:
    child.parent = parent
    list_add_before(&child.sibling, &parent.children)


cdef inline void halve_slice(o1_task *child, o1_task *parent) noexcept nogil:
    # the sum of both is what the parent had; a parent without a tick left has its slice end at once (spec 5.5 step 3)
    child.time_slice = (parent.time_slice + 1) >> 1
    child.first_time_slice = 1
    parent.time_slice >>= 1
    if parent.time_slice == 0:
        parent.time_slice = 1
        task_running_tick(rq_of(&parent.p), parent)


cdef void task_fork_o1(task *p, task *parent) noexcept nogil:
    # spec 5.5 steps 1 to 3
    cdef o1_task *child = o1_of(p)
    cdef o1_task *forker = o1_of(parent)
    p.prio = parent.prio
    child.load = forker.load
    child.sleep_avg = forker.sleep_avg
    child.sleep_type = forker.sleep_type
    child.last_ran = forker.last_ran
    child.timestamp = parent.rq.now
    list_init(&child.children)
    adopt(forker, child)
    halve_slice(child, forker)


cdef void task_adopt_o1(task *p, task *parent) noexcept nogil:
    # its first slice ended long ago, and what the parent gave up for it the parent has had again
    cdef o1_task *child = o1_of(p)
    o1_of(parent).time_slice += child.time_slice
    child.time_slice = task_timeslice(&rq_of(p).constants, static_prio(p))
    child.first_time_slice = 0


cdef inline ns_t penalised(const o1_constants *constants, ns_t sleep_avg, int percent) noexcept nogil:
    # of the bonus; what comes out is in whole tenths
    return sleep_avg_of_bonus(constants, current_bonus(constants, sleep_avg) * percent // 100)


cdef void task_new_o1(rq *this_rq, task *p, bint clone_vm) noexcept nogil:
    # spec 5.5 steps 5 and 6: the child takes its parent's prio and the place right before it, even in expired. On another
    # CPU than its parent's it is queued and compared like any other
    cdef o1_rq *rq = <o1_rq *>this_rq
    cdef o1_task *child = o1_of(p)
    cdef o1_task *parent = child.parent
    cdef bint beside_parent = this_rq == this_rq.machine.this_rq
    child.sleep_avg = penalised(&rq.constants, child.sleep_avg, CHILD_PENALTY)
    p.prio = effective_prio(child)
    if clone_vm or parent.array == NULL or not beside_parent:
        activate(rq, child)
    else:
        p.prio = parent.p.prio
        enqueue_before(child, parent.array, &parent.run_list)
        inc_nr_running(this_rq, p)
    if not beside_parent:
        check_preempt_curr(this_rq, p)
    elif not clone_vm:
        resched_task(this_rq.curr)
    parent.sleep_avg = penalised(&rq.constants, parent.sleep_avg, PARENT_PENALTY)


cdef inline void give_back(o1_rq *rq, const o1_task *t, o1_task *parent) noexcept nogil:
    # the kernel's sched_exit: an unused first slice, and a part of the sleep average if it is lower.
    # AS SPECIFIED: the limit is the full slice of the *child*, which may cut the parent's (spec 6.16)
    cdef uint32_t most = task_timeslice(&rq.constants, static_prio(&t.p))
    if t.first_time_slice:
        parent.time_slice = min(parent.time_slice + t.time_slice, most)
    if t.sleep_avg < parent.sleep_avg:
        parent.sleep_avg = parent.sleep_avg // (EXIT_WEIGHT + 1) * EXIT_WEIGHT + t.sleep_avg // (EXIT_WEIGHT + 1)


cdef void task_dead_o1(rq *rq, task *p) noexcept nogil:
    # spec 5.7 steps 1 and 2: its children become the idle task's, which plays the part of init
    cdef o1_task *t = o1_of(p)
    cdef o1_task *child
    while not list_empty(&t.children):
        child = task_in_family(t.children.next)
        list_del(&child.sibling)
        adopt(o1_of(rq.idle), child)
    list_del(&t.sibling)
    give_back(<o1_rq *>rq, t, t.parent)

# ----------------------------------------------------------------------------------------- facts of tasks and CPUs


cdef void set_load_weight_o1(task *p) noexcept nogil:
    # spec 5.8, 5.9: a new prio from the *old* sleep average, which a batch task loses after that
    if p == p.rq.idle:
        return
    p.prio = effective_prio(o1_of(p))
    if p.policy == SCHED_BATCH:
        o1_of(p).sleep_avg = 0
    set_weight(o1_of(p))


cdef void set_task_rq_o1(task *p) noexcept nogil:
    # one queue a CPU, found through p.rq
    pass


cdef void migrate_task_rq_o1(task *p, rq *to) noexcept nogil:
    # all CPUs have the same time; a sleeper is counted where it will be woken
    if p.state == TASK_BLOCKED and p.sleep == SLEEP_UNINTERRUPTIBLE:
        rq_of(p).nr_uninterruptible -= 1
        (<o1_rq *>to).nr_uninterruptible += 1


cdef void derive_constants(o1_constants *constants, uint64_t hz) noexcept nogil:
    # spec 3; hz >= 10, or a slice would be 0
    constants.hz = hz
    constants.jiffy_ns = NSEC_PER_SEC // hz
    constants.min_timeslice = max(5 * hz // 1000, <uint64_t>1)
    constants.def_timeslice = 100 * hz // 1000
    constants.max_sleep_avg = 10 * constants.def_timeslice
    constants.ns_max_sleep_avg = constants.max_sleep_avg * constants.jiffy_ns
    constants.granularity = max(10 * hz // 1000, <uint64_t>1)


cdef void init_rq_o1(rq *this_rq) noexcept nogil:
    # the idle task forks, inherits orphans and has a slice; its prio is worse than any list
    cdef o1_rq *rq = <o1_rq *>this_rq
    cdef o1_task *idle = o1_of(this_rq.idle)
    cdef int array, prio
    derive_constants(&rq.constants, (<const o1_tunables *>this_rq.machine.tunables).hz)
    for array in range(2):
        for prio in range(MAX_PRIO):
            list_init(&rq.arrays[array].queue[prio])
    rq.active = &rq.arrays[0]
    rq.expired = &rq.arrays[1]
    rq.best_expired_prio = NO_EXPIRED_PRIO
    list_init(&idle.children)
    idle.time_slice = <uint32_t>rq.constants.hz
    set_weight(idle)


cdef void init_tunables_o1(uint64_t *values) noexcept nogil:
    (<o1_tunables *>values).hz = 1000

# ------------------------------------------------------------------------------------------ looking in from outside


cdef void *task_entity_o1(task *p) noexcept nogil:
    return p


cdef void *root_queue_o1(rq *rq) noexcept nogil:
    return rq


cdef size_t list_array(const prio_array *array, queued *out, size_t nr, size_t room) noexcept nogil:
    cdef const list_head *entry
    cdef int prio
    for prio in range(MAX_PRIO):
        entry = array.queue[prio].next
        while entry != &array.queue[prio]:
            if nr < room:
                out[nr].p = &task_in_list(entry).p
                out[nr].tg = NULL
            nr += 1
            entry = entry.next
    return nr


cdef size_t list_queue_o1(const void *queue, queued *out, size_t room) noexcept nogil:
    # active, then expired, each by prio, head first; returns how many there are, writes at most `room`
    cdef size_t nr = list_array((<const o1_rq *>queue).active, out, 0, room)
    return list_array((<const o1_rq *>queue).expired, out, nr, room)


cdef uint64_t slice_of_o1(const void *entity) noexcept nogil:
    # a full slice, ns
    cdef const task *p = <const task *>entity
    return task_timeslice(&rq_of(p).constants, static_prio(p)) * rq_of(p).constants.jiffy_ns


cdef uint64_t prio_of(const void *entity) noexcept nogil:
    return <uint64_t>(<const task *>entity).prio


cdef uint64_t static_prio_of(const void *entity) noexcept nogil:
    return <uint64_t>static_prio(<const task *>entity)


cdef uint64_t array_of(const void *entity) noexcept nogil:
    # 0 none, 1 active, 2 expired
    cdef const o1_task *t = <const o1_task *>entity
    if t.array == NULL:
        return 0
    return 1 if t.array == rq_of(&t.p).active else 2


cdef uint64_t on_rq_of(const void *entity) noexcept nogil:
    return (<const o1_task *>entity).array != NULL


cdef uint64_t jiffies_of(const void *rq) noexcept nogil:
    return jiffies(<const o1_rq *>rq)

# -------------------------------------------------------------------------------------------------------- checking


cdef int check_list(const o1_rq *rq, const prio_array *array, int prio, uint64_t *nr, uint64_t *load) noexcept nogil:
    cdef const list_head *head = &array.queue[prio]
    cdef const list_head *entry = head.next
    cdef const o1_task *t
    cdef bint marked = (array.bitmap[prio >> 6] >> (prio & 63)) & 1
    if marked == list_empty(head):
        return 1
    while entry != head:
        t = task_in_list(entry)
        if t.array != array or t.p.prio != prio or not t.p.on_rq or entry.next.prev != entry:
            return 1
        nr[0] += 1
        load[0] += t.load.weight
        if nr[0] > rq.rq.nr_running:
            return 1
        entry = entry.next
    return 0


cdef inline bint is_array_of(const o1_rq *rq, const prio_array *array) noexcept nogil:
    return array == &rq.arrays[0] or array == &rq.arrays[1]


cdef int check_arrays(const o1_rq *rq) noexcept nogil:
    cdef uint64_t nr = 0
    cdef uint64_t load = 0
    cdef uint64_t before
    cdef int array, prio
    if not is_array_of(rq, rq.active) or not is_array_of(rq, rq.expired) or rq.active == rq.expired:
        return 1
    for array in range(2):
        before = nr
        for prio in range(MAX_PRIO):
            if check_list(rq, &rq.arrays[array], prio, &nr, &load):
                return 1
        if rq.arrays[array].nr_active != nr - before:
            return 1
    return 0 if nr == rq.rq.nr_running and load == rq.rq.load else 1


cdef bint in_bounds(const o1_task *t) noexcept nogil:
    # I3
    if t.sleep_avg > rq_of(&t.p).constants.ns_max_sleep_avg or t.time_slice == 0:
        return False
    return MAX_RT_PRIO <= t.p.prio < MAX_PRIO


cdef int check_tasks(const rq *rq) noexcept nogil:
    # queued or not
    cdef const machine *m = rq.machine
    cdef const o1_task *t
    cdef uint32_t slot
    for slot in range(m.nr_slots):
        if m.tasks[slot] == NULL or m.tasks[slot].rq != rq:
            continue
        t = o1_of(m.tasks[slot])
        if t.array != NULL and not is_array_of(<const o1_rq *>rq, t.array):
            return 1
        if not in_bounds(t):
            return 3
    return 0


cdef int check_rq_o1(rq *rq) noexcept nogil:
    cdef int broken
    if check_arrays(<o1_rq *>rq):
        return 1
    if rq.curr != rq.idle and o1_of(rq.curr).array == NULL:
        return 2
    broken = check_tasks(rq)
    if broken:
        return broken
    return 0 if o1_of(rq.curr).sleep_type == SLEEP_NORMAL else 4

# --------------------------------------------------------------------------------------------------- the hook table

cdef field_table entity_fields = new_fields("entity_fields")
add_derived(&entity_fields, "prio", prio_of)
add_derived(&entity_fields, "static_prio", static_prio_of)
add_field(&entity_fields, "time_slice", &(<o1_task *>NULL).time_slice, FIELD_U32)
add_field(&entity_fields, "sleep_avg", &(<o1_task *>NULL).sleep_avg, FIELD_U64)
add_derived(&entity_fields, "array", array_of)
add_field(&entity_fields, "sched_time", &(<o1_task *>NULL).sched_time, FIELD_U64)
add_field(&entity_fields, "timestamp", &(<o1_task *>NULL).timestamp, FIELD_U64)
add_field(&entity_fields, "sleep_type", &(<o1_task *>NULL).sleep_type, FIELD_U8)
add_field(&entity_fields, "first_time_slice", &(<o1_task *>NULL).first_time_slice, FIELD_U8)
add_derived(&entity_fields, "normal_prio", prio_of)           # the same without real-time tasks
add_field(&entity_fields, "load_weight", &(<o1_task *>NULL).load.weight, FIELD_U64)
add_field(&entity_fields, "last_ran", &(<o1_task *>NULL).last_ran, FIELD_U64)
add_field(&entity_fields, "sum_exec_runtime", &(<o1_task *>NULL).sched_time, FIELD_U64)     # its later name
add_derived(&entity_fields, "on_rq", on_rq_of)

cdef field_table queue_fields = new_fields("queue_fields")
add_field(&queue_fields, "nr_running", &(<o1_rq *>NULL).rq.nr_running, FIELD_U64)
add_field(&queue_fields, "expired_timestamp", &(<o1_rq *>NULL).expired_timestamp, FIELD_U64)
add_field(&queue_fields, "best_expired_prio", &(<o1_rq *>NULL).best_expired_prio, FIELD_U64)
add_field(&queue_fields, "raw_weighted_load", &(<o1_rq *>NULL).rq.load, FIELD_U64)
add_field(&queue_fields, "most_recent_timestamp", &(<o1_rq *>NULL).most_recent_timestamp, FIELD_U64)
add_field(&queue_fields, "nr_uninterruptible", &(<o1_rq *>NULL).nr_uninterruptible, FIELD_U64)
add_field(&queue_fields, "load_weight", &(<o1_rq *>NULL).rq.load, FIELD_U64)                 # its later name

cdef field_table cpu_fields = new_fields("cpu_fields")
add_derived(&cpu_fields, "jiffies", jiffies_of)

cdef field_table tunables = new_fields("tunables")
add_field(&tunables, "hz", &(<o1_tunables *>NULL).hz, FIELD_U64)

# Every pointer of the structs, for snapshots.
cdef pointer_table task_pointers = new_pointers("task_pointers")
add_pointer(&task_pointers, &(<o1_task *>NULL).run_list.next, 1, POINTER_PLAIN)
add_pointer(&task_pointers, &(<o1_task *>NULL).run_list.prev, 1, POINTER_PLAIN)
add_pointer(&task_pointers, &(<o1_task *>NULL).array, 1, POINTER_PLAIN)
add_pointer(&task_pointers, &(<o1_task *>NULL).parent, 1, POINTER_PLAIN)
add_pointer(&task_pointers, &(<o1_task *>NULL).children.next, 1, POINTER_PLAIN)
add_pointer(&task_pointers, &(<o1_task *>NULL).children.prev, 1, POINTER_PLAIN)
add_pointer(&task_pointers, &(<o1_task *>NULL).sibling.next, 1, POINTER_PLAIN)
add_pointer(&task_pointers, &(<o1_task *>NULL).sibling.prev, 1, POINTER_PLAIN)

cdef pointer_table rq_pointers = new_pointers("rq_pointers")
add_pointer(&rq_pointers, &(<o1_rq *>NULL).arrays[0].queue[0], 2 * MAX_PRIO, POINTER_PLAIN)
add_pointer(&rq_pointers, &(<o1_rq *>NULL).arrays[1].queue[0], 2 * MAX_PRIO, POINTER_PLAIN)
add_pointer(&rq_pointers, &(<o1_rq *>NULL).active, 1, POINTER_PLAIN)
add_pointer(&rq_pointers, &(<o1_rq *>NULL).expired, 1, POINTER_PLAIN)

# No put_prev_task and set_curr_task: nothing of the running task is kept outside of its list.
cdef sched_class table
table.model = "linux-2.6.22-o1"
table.task_size = sizeof(o1_task)
table.rq_size = sizeof(o1_rq)
table.tunables_size = sizeof(o1_tunables)
table.load_offset = <size_t>&(<o1_task *>NULL).load
table.enqueue_task = enqueue_task_o1
table.dequeue_task = dequeue_task_o1
table.task_new = task_new_o1
table.task_dead = task_dead_o1
table.yield_task = yield_task_o1
table.check_preempt_curr = check_preempt_curr_o1
table.pick_next_task = pick_next_task_o1
table.task_tick = task_tick_o1
table.rq_tick = rq_tick_o1
table.task_fork = task_fork_o1
table.task_adopt = task_adopt_o1
table.set_load_weight = set_load_weight_o1
table.set_task_rq = set_task_rq_o1
table.migrate_task_rq = migrate_task_rq_o1
table.init_rq = init_rq_o1
table.init_tunables = init_tunables_o1
table.task_entity = task_entity_o1
table.root_queue = root_queue_o1
table.list_queue = list_queue_o1
table.slice_of = slice_of_o1
table.check_rq = check_rq_o1
table.entity_fields = entity_fields.fields
table.queue_fields = queue_fields.fields
table.cpu_fields = cpu_fields.fields
table.tunables = tunables.fields
table.idle_settled = idle_settled
table.task_pointers = task_pointers.pointers
table.rq_pointers = rq_pointers.pointers


cdef const sched_class *o1_sched_class() noexcept nogil:
    return &table


SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
