"""CFS of Linux 2.6.23: the first release with it, and the divisions that 2.6.24 removed.

Model: linux-2.6.23-cfs. Source: Linux 2.6.23, kernel/sched_fair.c, kernel/sched.c (load averages); specification 4, 5.
What it decides: which task runs, and for how long. One CPU has one queue: nobody can switch on groups in this
release.

The idea. A fair clock `fc` runs at 1 / load of real time. A task earns credit while it waits and pays while it runs:

    running for d    fc += df,   wr += dm - d         df = d * 1024 / W,  dm = d * w / W     (update_curr)
    waiting          wr += (advance of fc) * w / 1024                                        (update_stats_wait_end)
    slept            the same, at most two limits of it, remembered in `bonus`               (enqueue_sleeper)
    key  = fc - wr * 1024 / w, made when the task is queued                                  (update_stats_enqueue)

The task with the smallest key runs. |wr| stays within `sched_runtime_limit_ns`. The running tasks pay back the bonus
of sleepers, out of dm. W is the load of the whole queue: each change of the queue makes its inverse unknown, and the
next charge divides. 2.6.24's absolute virtual time removes these divisions; here they stay.

The running task stays in the tree, with the key of its last queueing. Each tick takes it out and puts it back. Then
it checks whether the first of the tree may preempt it:

    gran  = latency if nr <= 1, else max(latency / nr - latency / nr / nr, min_granularity)  (sched_granularity)
    ideal = max(latency / nr, min_granularity): a turn longer than that needs no distance    (check_preempt)

Invariants (numbers of specification 7; `check_rq` checks 1, 2 and 4, the tests the others):
    I1  nr_running and load of the queue, of the CPU and of the load meter are those of the tree; wait_runtime of the
        queue is the sum over the tree; keys never decrease along it; the running task is in it
    I2  the idle task runs if the tree is empty; otherwise it continues only after a synchronous wakeup, up to
        schedule()
    I3  fair_clock never decreases (as a signed difference); a key changes only by queueing, fork and yield
    I4  wait_start_fair != 0 only for queued tasks that do not run; exec_start != 0 only for the running one
    I5  |wait_runtime| <= limit, except of a child before its first add_wait_runtime
    I6  with stat_granularity 0 nothing is pending, and run times of all tasks, the dead included, add up to exec_clock
    I8  sleeper_bonus <= 3 limits

Rejected: 2.6.24's shortcut for nice 0 and its running task beside the tree (another release, other traces); a common
source with 2.6.24's class (it would share three functions, each full of ifs); fewer charges in one operation than the
specification says (the two branches of the weighted delta round differently, so every charge counts).
"""

from cpython.pycapsule cimport PyCapsule_New

from ..._core cimport check_preempt_curr, dec_nr_running, inc_nr_running, resched_task, update_rq_clock
from ..._fixedpoint cimport NICE_0_LOAD, NICE_0_SHIFT, calc_delta_mine, signed_difference
from ..._load cimport inverse_on_first_use, load_from_nice
from ..._rbtree cimport rb_check, rb_erase, rb_insert, rb_last, rb_link_node, rb_next
from ..._table cimport add_field, add_pointer, field_table, new_fields, new_pointers, pointer_table
from ..._types cimport (
    FIELD_S64,
    FIELD_U8,
    FIELD_U64,
    LEFT,
    POINTER_ENTITY,
    POINTER_FIXED,
    POINTER_TAGGED,
    SCHED_BATCH,
    SLEEP_UNINTERRUPTIBLE,
    TASK_SLEEPS,
    TASK_WAKES,
    int64_t,
    load_weight,
    ns_t,
    queued,
    rb_node,
    rq,
    sched_class,
    task,
    uint64_t,
    vns_t,
)

cdef enum:
    WMULT_TO_NICE_0 = 22        # inv_weight >> 22 is 1024 / weight

# ------------------------------------------------------------------------------------------------ generic entities


cdef inline sched_entity *entity_of(const task *p) noexcept nogil:
    return &(<fair_task *>p).se


cdef inline task *task_of(const sched_entity *se) noexcept nogil:
    return <task *>(<char *>se - <size_t>&(<fair_task *>NULL).se)


cdef inline sched_entity *entity_of_node(const rb_node *node) noexcept nogil:
    # the node is the entity's first member
    return <sched_entity *>node


cdef inline cfs_rq *cfs_of(const rq *rq) noexcept nogil:
    return &(<fair_rq *>rq).cfs


cdef inline load_meter *meter_of(const rq *rq) noexcept nogil:
    return &(<fair_rq *>rq).meter


cdef inline const fair_tunables *tunables_of(const rq *rq) noexcept nogil:
    return <const fair_tunables *>rq.machine.tunables


cdef inline bint has_feature(const rq *rq, uint64_t bit) noexcept nogil:
    return tunables_of(rq).sched_features & bit != 0


cdef inline bint runs(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    return task_of(se) == cfs.rq.curr

# ------------------------------------------------------------------------------------------------------------ loads
# A load of many is a weight with an inverse that is made when it is needed: the division of this release.


cdef inline void update_load_add(load_weight *load, uint64_t weight) noexcept nogil:
    load.weight += weight
    load.inv_weight = 0


cdef inline void update_load_sub(load_weight *load, uint64_t weight) noexcept nogil:
    load.weight -= weight
    load.inv_weight = 0


cdef inline uint64_t delta_of_load(uint64_t delta, uint64_t weight, load_weight *load) noexcept nogil:
    # D(delta, weight, load): the kernel's calc_delta_mine, which divides if the load has changed since
    if load.inv_weight == 0:
        load.inv_weight = inverse_on_first_use(load.weight)
    return calc_delta_mine(delta, weight, load)

# ---------------------------------------------------------------------------------------------------- tree handling
# tree_enqueue and tree_dequeue are the kernel's __enqueue_entity and __dequeue_entity.


cdef inline void tree_link(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # after all equal keys
    cdef rb_node *at = cfs.tasks_timeline.node
    cdef rb_node *parent = NULL
    cdef int side = LEFT
    cdef int went_right = 0
    while at != NULL:
        parent = at
        side = signed_difference(se.fair_key, entity_of_node(at).fair_key) >= 0
        went_right |= side
        at = at.child[side]
    rb_link_node(&se.run_node, parent, side, &cfs.tasks_timeline)
    rb_insert(&se.run_node, &cfs.tasks_timeline, not went_right)


cdef inline void tree_enqueue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    tree_link(cfs, se)
    update_load_add(&cfs.load, se.load.weight)
    cfs.nr_running += 1
    cfs.wait_runtime += se.wait_runtime
    se.on_rq = 1


cdef inline void tree_dequeue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    rb_erase(&se.run_node, &cfs.tasks_timeline)
    update_load_sub(&cfs.load, se.load.weight)
    cfs.nr_running -= 1
    cfs.wait_runtime -= se.wait_runtime
    se.on_rq = 0


cdef inline sched_entity *first_entity(const cfs_rq *cfs) noexcept nogil:
    return entity_of_node(cfs.tasks_timeline.leftmost)


cdef inline sched_entity *last_entity(const cfs_rq *cfs) noexcept nogil:
    return entity_of_node(rb_last(&cfs.tasks_timeline))

# ---------------------------------------------------------------------------------------- granularities and keys
# Not inline: with delta_of_load, sleeper_share and update_cpu_load these hold every division of the file.


cdef ns_t sched_granularity(const cfs_rq *cfs) noexcept nogil:
    # latency / nr - latency / nr / nr, every quotient cut (spec 4.3); AS SPECIFIED: not monotone between nr 1 and 2
    cdef const fair_tunables *tunables = tunables_of(cfs.rq)
    cdef ns_t gran = tunables.sched_latency_ns
    cdef uint64_t nr = cfs.nr_running
    if nr <= 1:
        return gran
    gran //= nr
    gran -= gran // nr
    return max(gran, tunables.sched_min_granularity_ns)


cdef ns_t ideal_runtime(const cfs_rq *cfs) noexcept nogil:
    # a longer turn gives way to the first of the tree, however small the distance
    cdef const fair_tunables *tunables = tunables_of(cfs.rq)
    return max(tunables.sched_latency_ns // cfs.nr_running, tunables.sched_min_granularity_ns)


cdef inline ns_t niced_granularity(const sched_entity *curr, ns_t gran) noexcept nogil:
    # AS SPECIFIED: heavier and lighter tasks both get a *smaller* distance than nice 0 (spec 4.4)
    if curr.load.weight == NICE_0_LOAD:
        return gran
    if curr.load.weight < NICE_0_LOAD:
        return (curr.load.weight * gran) >> NICE_0_SHIFT
    return (curr.load.inv_weight * gran) >> WMULT_TO_NICE_0


cdef inline ns_t weighted(ns_t fair, const sched_entity *se) noexcept nogil:
    # x * w / 1024, cut: what a wait or a sleep of `fair` fair ns is worth to this task
    if se.load.weight == NICE_0_LOAD:
        return fair
    return (fair * se.load.weight) >> NICE_0_SHIFT


cdef inline void update_fair_key(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # key = fc - wr * 1024 / w, the magnitude cut. AS SPECIFIED: policy idle has a sign-extended inverse, which throws
    # the key 2**42 ns away, to the left with any credit and to the right with any debt (spec 6.10)
    cdef uint64_t distance = <uint64_t>se.wait_runtime if se.wait_runtime >= 0 else <uint64_t>-se.wait_runtime
    if se.load.weight != NICE_0_LOAD:
        distance = (distance * se.load.inv_weight) >> WMULT_TO_NICE_0
    se.fair_key = cfs.fair_clock - distance if se.wait_runtime >= 0 else cfs.fair_clock + distance

# ------------------------------------------------------------------------------------------------------ accounting


cdef inline void limit_wait_runtime(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    cdef int64_t limit = <int64_t>tunables_of(cfs.rq).sched_runtime_limit_ns
    if se.wait_runtime > limit:
        se.wait_runtime = limit
        cfs.wait_runtime_overruns += 1
    if se.wait_runtime < -limit:
        se.wait_runtime = -limit
        cfs.wait_runtime_underruns += 1


cdef inline void add_wait_runtime(cfs_rq *cfs, sched_entity *se, int64_t delta) noexcept nogil:
    # wr += delta, within the limit; done also for 0, because the limit acts all the same (I5)
    cdef int64_t before = se.wait_runtime
    se.wait_runtime += delta
    se.sum_wait_runtime += delta
    limit_wait_runtime(cfs, se)
    if se.on_rq:
        cfs.wait_runtime += se.wait_runtime - before


cdef inline ns_t pay_back(cfs_rq *cfs, const sched_entity *curr, ns_t share) noexcept nogil:
    # What is left of the runner's own share after it has paid for the bonus of sleepers: as long as the bonus is above
    # the minimum granularity, and as far as the runner has room up to the limit. AS SPECIFIED: all unsigned, so that a
    # credit above a limit that was lowered gives any room (spec 6.16)
    cdef const fair_tunables *tunables = tunables_of(cfs.rq)
    cdef ns_t paid
    if cfs.sleeper_bonus <= tunables.sched_min_granularity_ns:
        return share
    paid = min(share, cfs.sleeper_bonus)
    paid = min(paid, tunables.sched_runtime_limit_ns - <uint64_t>curr.wait_runtime)
    cfs.sleeper_bonus -= paid
    return share - paid


cdef inline void book_run(cfs_rq *cfs, sched_entity *curr) noexcept nogil:
    # the kernel's __update_curr: fc += df, wr += dm - d; both shares from the load as it is, before either changes
    cdef ns_t delta = curr.delta_exec
    cdef ns_t delta_fair
    cdef ns_t delta_mine
    curr.delta_exec = 0
    curr.sum_exec_runtime += delta
    cfs.exec_clock += delta
    delta_fair = delta_of_load(delta, NICE_0_LOAD, &cfs.load)
    delta_mine = delta_of_load(delta, curr.load.weight, &cfs.load)
    delta_mine = pay_back(cfs, curr, delta_mine)
    cfs.fair_clock += delta_fair
    add_wait_runtime(cfs, curr, <int64_t>(delta_mine - delta))


cdef inline void update_curr(cfs_rq *cfs) noexcept nogil:
    # spec 5.2: charge the running task. Booked only when more than one stat_granularity has come together, strictly
    cdef sched_entity *curr = entity_of(cfs.rq.curr)
    if cfs.rq.curr == cfs.rq.idle:
        return
    curr.delta_exec += cfs.rq.clock - curr.exec_start
    if curr.delta_exec > tunables_of(cfs.rq).sched_stat_granularity_ns:
        book_run(cfs, curr)
    curr.exec_start = cfs.rq.clock


cdef inline void update_stats_wait_start(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # stamp: a wait begins
    se.wait_start_fair = cfs.fair_clock


cdef inline void update_stats_wait_end(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # settle: a wait ends, and at most two limits of it count. 0 is "does not wait": fc starts at 1 (spec 6.11)
    cdef const fair_tunables *tunables = tunables_of(cfs.rq)
    if se.wait_start_fair == 0:
        return
    se.delta_fair_run += min(2 * tunables.sched_runtime_limit_ns, cfs.fair_clock - se.wait_start_fair)
    if se.delta_fair_run >= tunables.sched_stat_granularity_ns:
        add_wait_runtime(cfs, se, <int64_t>weighted(se.delta_fair_run, se))
        se.delta_fair_run = 0
    se.wait_start_fair = 0

# ---------------------------------------------------------------------------------------------------------- sleepers


cdef ns_t sleeper_share(const cfs_rq *cfs, const sched_entity *se, ns_t slept) noexcept nogil:
    # SLEEPER_AVG, off by default: slept * load / (load + w), where the sleeper is not in the load yet
    cdef uint64_t load = cfs.load.weight
    if has_feature(cfs.rq, SLEEPER_LOAD_AVG):
        load = (<const fair_rq *>cfs.rq).cpu_load[2]
    return slept * load // (load + se.load.weight)


cdef inline void credit_sleep(cfs_rq *cfs, sched_entity *se, ns_t slept) noexcept nogil:
    # the kernel's __enqueue_sleeper: nothing while more than one limit is in flight; what the limit left of the credit
    # is in flight from now on
    cdef int64_t before = se.wait_runtime
    if cfs.sleeper_bonus > tunables_of(cfs.rq).sched_runtime_limit_ns:
        return
    if has_feature(cfs.rq, SLEEPER_AVG):
        slept = sleeper_share(cfs, se, slept)
    add_wait_runtime(cfs, se, <int64_t>weighted(slept, se))
    cfs.sleeper_bonus += <uint64_t>(se.wait_runtime - before)


cdef inline void count_sleep(cfs_rq *cfs, sched_entity *se, ns_t *began) noexcept nogil:
    # statistic only
    cdef int64_t slept = signed_difference(cfs.rq.clock, began[0])
    if began[0] == 0:
        return
    if slept > 0:
        se.sum_sleep_runtime += slept
    began[0] = 0


cdef inline void enqueue_sleeper(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # spec 5.5. A sleep counts in fair time: while no task runs, fc does not move and nothing is earned. Batch tasks
    # are left out as a whole, their stamps stay as they are (spec 6.9)
    cdef const fair_tunables *tunables = tunables_of(cfs.rq)
    if task_of(se).policy == SCHED_BATCH or not has_feature(cfs.rq, FAIR_SLEEPERS):
        return
    se.delta_fair_sleep += min(2 * tunables.sched_runtime_limit_ns, cfs.fair_clock - se.sleep_start_fair)
    if se.delta_fair_sleep >= tunables.sched_stat_granularity_ns:
        credit_sleep(cfs, se, se.delta_fair_sleep)
        se.delta_fair_sleep = 0
    se.sleep_start_fair = 0
    count_sleep(cfs, se, &se.sleep_start)
    count_sleep(cfs, se, &se.block_start)


cdef inline void dequeue_sleeper(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    se.sleep_start_fair = cfs.fair_clock
    if task_of(se).sleep == SLEEP_UNINTERRUPTIBLE:
        se.block_start = cfs.rq.clock
    else:
        se.sleep_start = cfs.rq.clock

# ---------------------------------------------------------------------------------------------- queueing on entities


cdef inline void enqueue_entity(cfs_rq *cfs, sched_entity *se, bint wakeup) noexcept nogil:
    # attach: the charge comes first, so that fc is up to date when a sleep is measured
    update_curr(cfs)
    if wakeup:
        enqueue_sleeper(cfs, se)
    if not runs(cfs, se):
        update_stats_wait_start(cfs, se)
    update_fair_key(cfs, se)
    tree_enqueue(cfs, se)


cdef inline void dequeue_entity(cfs_rq *cfs, sched_entity *se, bint sleep) noexcept nogil:
    # detach
    update_curr(cfs)
    if not runs(cfs, se):
        update_stats_wait_end(cfs, se)
    if sleep:
        dequeue_sleeper(cfs, se)
    tree_dequeue(cfs, se)


cdef inline void requeue_curr(cfs_rq *cfs, sched_entity *curr) noexcept nogil:
    # a new key for the running task, after its equals
    dequeue_entity(cfs, curr, False)
    enqueue_entity(cfs, curr, False)


cdef inline void set_next_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # select: it stays in the tree, and a new turn begins
    update_stats_wait_end(cfs, se)
    se.exec_start = cfs.rq.clock
    se.prev_sum_exec_runtime = se.sum_exec_runtime


cdef inline void put_prev_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # release: it stays where it is in the tree
    if se.on_rq:
        update_curr(cfs)
        update_stats_wait_start(cfs, se)
    se.exec_start = 0


cdef inline void check_preempt(cfs_rq *cfs, const sched_entity *se, ns_t gran) noexcept nogil:
    # the kernel's __check_preempt_curr_fair: is the runner's (stale) key further right by more than the granularity?
    cdef const sched_entity *curr = entity_of(cfs.rq.curr)
    if curr.sum_exec_runtime - curr.prev_sum_exec_runtime > ideal_runtime(cfs):
        gran = 0
    if signed_difference(curr.fair_key, se.fair_key) > <int64_t>niced_granularity(curr, gran):
        resched_task(cfs.rq.curr)

# -------------------------------------------------------------------------------------------------- load averages


cdef inline void update_curr_load(rq *rq) noexcept nogil:
    # The meter, read before the load changes. AS SPECIFIED: time that passed while the CPU idled is not booked, but
    # kept, and booked as run time by the first reading with a running task (spec 5.15)
    cdef load_meter *meter = meter_of(rq)
    meter.pending += rq.clock - meter.last
    meter.last = rq.clock
    if meter.pending < tunables_of(rq).sched_stat_granularity_ns or rq.curr == rq.idle or meter.load.weight == 0:
        return
    meter.exec_time += meter.pending
    meter.fair_time += delta_of_load(meter.pending, NICE_0_LOAD, &meter.load)
    meter.pending = 0


cdef uint64_t precise_load(rq *rq) noexcept nogil:
    # 1024 * exec / fair is the average load while something ran; times exec / (time since the last tick)
    cdef load_meter *meter = meter_of(rq)
    cdef ns_t exec_time
    cdef ns_t fair_time
    cdef ns_t sample
    update_curr_load(rq)
    exec_time = meter.exec_time + 1
    fair_time = meter.fair_time + 1
    meter.exec_time = 0
    meter.fair_time = 0
    sample = rq.clock - meter.tick
    meter.tick = rq.clock
    if <int64_t>sample < <int64_t>tunables_of(rq).TICK_NSEC:
        sample = tunables_of(rq).TICK_NSEC
    exec_time = min(exec_time, sample)
    return (exec_time << NICE_0_SHIFT) // fair_time * exec_time // sample


cdef void update_cpu_load(rq *rq) noexcept nogil:
    # load[i] += (x - load[i]) / 2**i, cut: load[0] is the last sample, load[4] remembers sixteen ticks
    cdef uint64_t *cpu_load = (<fair_rq *>rq).cpu_load
    cdef uint64_t load = meter_of(rq).load.weight
    cdef int i
    if has_feature(rq, PRECISE_CPU_LOAD):
        load = precise_load(rq)
    for i in range(CPU_LOADS):
        cpu_load[i] = (cpu_load[i] * ((1 << i) - 1) + load) >> i


cdef bint idle_settled(const rq *rq) noexcept nogil:
    # After some hundred idle ticks nothing is left of the averages, and the next sample is 0 as well: 1024 // (a tick).
    # Pending time adds up.
    cdef const load_meter *meter = meter_of(rq)
    cdef int i
    for i in range(CPU_LOADS):
        if (<const fair_rq *>rq).cpu_load[i] != 0:
            return False
    if not has_feature(rq, PRECISE_CPU_LOAD):
        return meter.load.weight == 0
    return meter.exec_time == 0 and meter.fair_time == 0 and tunables_of(rq).TICK_NSEC > 1 << NICE_0_SHIFT


cdef inline void join_cpu(rq *rq, task *p) noexcept nogil:
    # the meter sees the load as it was until now
    update_curr_load(rq)
    inc_nr_running(rq, p)
    update_load_add(&meter_of(rq).load, entity_of(p).load.weight)


cdef inline void leave_cpu(rq *rq, task *p) noexcept nogil:
    update_curr_load(rq)
    dec_nr_running(rq, p)
    update_load_sub(&meter_of(rq).load, entity_of(p).load.weight)

# --------------------------------------------------------------------------------------------- operations on tasks


cdef void enqueue_task_fair(rq *rq, task *p, int flags) noexcept nogil:
    enqueue_entity(cfs_of(rq), entity_of(p), flags & TASK_WAKES)
    join_cpu(rq, p)


cdef void dequeue_task_fair(rq *rq, task *p, int flags) noexcept nogil:
    dequeue_entity(cfs_of(rq), entity_of(p), flags & TASK_SLEEPS)
    leave_cpu(rq, p)


cdef task *pick_next_task_fair(rq *rq, task *prev) noexcept nogil:
    # the first of the tree, which may be `prev`: it is in the tree with the key that it was last queued with
    cdef cfs_rq *cfs = cfs_of(rq)
    if prev != rq.idle:
        put_prev_entity(cfs, entity_of(prev))
    if cfs.nr_running == 0:
        return rq.idle
    set_next_entity(cfs, first_entity(cfs))
    return task_of(first_entity(cfs))


cdef void yield_task_fair(rq *rq) noexcept nogil:
    # spec 5.13. The plain yield gives the task a new key; sched_compat_yield puts it last, uncharged
    cdef cfs_rq *cfs = cfs_of(rq)
    cdef sched_entity *curr = entity_of(rq.curr)
    cdef sched_entity *last
    if cfs.nr_running == 1:
        return
    if not tunables_of(rq).sched_compat_yield:
        update_rq_clock(rq)
        requeue_curr(cfs, curr)
        return
    last = last_entity(cfs)
    if last != curr:
        rb_erase(&curr.run_node, &cfs.tasks_timeline)
        curr.fair_key = last.fair_key + 1
        tree_link(cfs, curr)


cdef void check_preempt_wakeup(rq *rq, task *p) noexcept nogil:
    # a woken batch task needs a larger distance; the policy of the runner plays no part
    cdef const fair_tunables *tunables = tunables_of(rq)
    cdef ns_t gran = tunables.sched_wakeup_granularity_ns
    if p.policy == SCHED_BATCH:
        gran = tunables.sched_batch_wakeup_granularity_ns
    check_preempt(cfs_of(rq), entity_of(p), gran)


cdef void task_tick_fair(rq *rq, task *p) noexcept nogil:
    # spec 5.9: with the running task in the tree, only queueing it again shows which task is first now
    cdef cfs_rq *cfs = cfs_of(rq)
    requeue_curr(cfs, entity_of(p))
    if first_entity(cfs) != entity_of(p):
        check_preempt(cfs, first_entity(cfs), sched_granularity(cfs))


cdef inline void place_child(cfs_rq *cfs, sched_entity *child, const sched_entity *parent) noexcept nogil:
    # Just left of its parent's key, by more than a wakeup needs to preempt, and in debt. AS SPECIFIED: the parent's key
    # is stale, and the debt is not limited here (spec 6.5, 6.15)
    cdef ns_t gran = sched_granularity(cfs)
    child.fair_key = parent.fair_key - niced_granularity(parent, gran) - 1
    if has_feature(cfs.rq, SKIP_INITIAL):
        child.wait_start_fair = 0
    if has_feature(cfs.rq, START_DEBIT):
        child.wait_runtime = -<int64_t>(gran >> 1)


cdef void task_new_fair(rq *rq, task *p, bint clone_vm) noexcept nogil:
    # spec 5.10 steps 3 to 6. The parent runs on the executing CPU; if the child does not start there it is just queued
    cdef cfs_rq *cfs = cfs_of(rq)
    cdef bint beside_parent = rq == rq.machine.this_rq and rq.curr != rq.idle
    if not beside_parent or clone_vm or not tunables_of(rq).sched_child_runs_first:
        enqueue_task_fair(rq, p, 0)
    else:
        update_curr(cfs)
        update_stats_wait_start(cfs, entity_of(p))
        place_child(cfs, entity_of(p), entity_of(rq.curr))
        tree_enqueue(cfs, entity_of(p))
        join_cpu(rq, p)
    check_preempt_curr(rq, p)

# ----------------------------------------------------------------------------------------- facts of tasks and CPUs


cdef void task_fork_fair(task *p, task *parent) noexcept nogil:
    # the rest of the entity is zero: no credit, and on no queue. The key is not seen before it is set
    entity_of(p).fair_key = entity_of(parent).fair_key
    entity_of(p).load = entity_of(parent).load


cdef void set_load_weight_fair(task *p) noexcept nogil:
    # a task that gets another weight loses its credit or its debt (spec 5.12, 5.14)
    load_from_nice(&entity_of(p).load, p.nice, p.policy)
    entity_of(p).wait_runtime = 0


cdef void set_task_rq_fair(task *p) noexcept nogil:
    # one queue a CPU, found through p.rq
    pass


cdef void migrate_task_rq_fair(task *p, rq *to) noexcept nogil:
    # stamps follow the fair clock and the clock of the new CPU; the key is made anew when it is queued there
    cdef sched_entity *se = entity_of(p)
    cdef vns_t fair_offset = cfs_of(to).fair_clock - cfs_of(p.rq).fair_clock
    cdef ns_t clock_offset = to.clock - p.rq.clock
    if se.wait_start_fair:
        se.wait_start_fair += fair_offset
    if se.sleep_start_fair:
        se.sleep_start_fair += fair_offset
    if se.sleep_start:
        se.sleep_start += clock_offset
    if se.block_start:
        se.block_start += clock_offset


cdef void init_rq_fair(rq *rq) noexcept nogil:
    cfs_of(rq).fair_clock = tunables_of(rq).initial_fair_clock
    cfs_of(rq).rq = rq


cdef void init_tunables_fair(uint64_t *values) noexcept nogil:
    cdef fair_tunables *tunables = <fair_tunables *>values
    tunables.sched_latency_ns = 20000000
    tunables.sched_min_granularity_ns = 2000000
    tunables.sched_wakeup_granularity_ns = 1000000
    tunables.sched_batch_wakeup_granularity_ns = 25000000
    tunables.sched_stat_granularity_ns = 0
    tunables.sched_runtime_limit_ns = 20000000
    tunables.sched_child_runs_first = 1
    tunables.sched_compat_yield = 0
    tunables.sched_features = FAIR_SLEEPERS | SLEEPER_LOAD_AVG | PRECISE_CPU_LOAD | START_DEBIT
    tunables.initial_fair_clock = 1
    tunables.TICK_NSEC = 1000000

# ------------------------------------------------------------------------------------------ looking in from outside


cdef void *task_entity_fair(task *p) noexcept nogil:
    return entity_of(p)


cdef void *root_queue_fair(rq *rq) noexcept nogil:
    return cfs_of(rq)


cdef size_t list_queue_fair(const void *queue, queued *out, size_t room) noexcept nogil:
    # leftmost first; returns how many there are, writes at most `room`
    cdef const rb_node *node = (<const cfs_rq *>queue).tasks_timeline.leftmost
    cdef size_t nr = 0
    while node != NULL:
        if nr < room:
            out[nr].p = task_of(entity_of_node(node))
            out[nr].tg = NULL
        nr += 1
        node = rb_next(node)
    return nr

# -------------------------------------------------------------------------------------------------------- checking


cdef bint key_before(const rb_node *a, const rb_node *b) noexcept nogil:
    return signed_difference(entity_of_node(a).fair_key, entity_of_node(b).fair_key) < 0


cdef bint stamps_fit(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    # I4 of an entity in the tree
    if runs(cfs, se):
        return se.wait_start_fair == 0
    return se.exec_start == 0


cdef int check_sums(const cfs_rq *cfs) noexcept nogil:
    cdef const rb_node *node = cfs.tasks_timeline.leftmost
    cdef uint64_t load = 0
    cdef int64_t wait_runtime = 0
    while node != NULL:
        if not entity_of_node(node).on_rq:
            return 1
        if not stamps_fit(cfs, entity_of_node(node)):
            return 4
        load += entity_of_node(node).load.weight
        wait_runtime += entity_of_node(node).wait_runtime
        node = rb_next(node)
    if load != cfs.load.weight or load != cfs.rq.load or load != meter_of(cfs.rq).load.weight:
        return 1
    return 0 if wait_runtime == cfs.wait_runtime else 1


cdef int check_rq_fair(rq *rq) noexcept nogil:
    cdef const cfs_rq *cfs = cfs_of(rq)
    if cfs.nr_running == 0 and rq.curr != rq.idle:
        return 2
    if cfs.nr_running != rq.nr_running or rb_check(&cfs.tasks_timeline, cfs.nr_running, key_before):
        return 1
    if rq.curr != rq.idle and not entity_of(rq.curr).on_rq:
        return 1
    return check_sums(cfs)

# --------------------------------------------------------------------------------------------------- the hook table

cdef field_table entity_fields = new_fields("entity_fields")
add_field(&entity_fields, "fair_key", &(<sched_entity *>NULL).fair_key, FIELD_S64)
add_field(&entity_fields, "wait_runtime", &(<sched_entity *>NULL).wait_runtime, FIELD_S64)
add_field(&entity_fields, "sum_exec_runtime", &(<sched_entity *>NULL).sum_exec_runtime, FIELD_U64)
add_field(&entity_fields, "on_rq", &(<sched_entity *>NULL).on_rq, FIELD_U8)
add_field(&entity_fields, "load_weight", &(<sched_entity *>NULL).load.weight, FIELD_U64)
add_field(&entity_fields, "inv_weight", &(<sched_entity *>NULL).load.inv_weight, FIELD_U64)
add_field(&entity_fields, "prev_sum_exec_runtime", &(<sched_entity *>NULL).prev_sum_exec_runtime, FIELD_U64)
add_field(&entity_fields, "exec_start", &(<sched_entity *>NULL).exec_start, FIELD_U64)
add_field(&entity_fields, "wait_start_fair", &(<sched_entity *>NULL).wait_start_fair, FIELD_U64)
add_field(&entity_fields, "sleep_start_fair", &(<sched_entity *>NULL).sleep_start_fair, FIELD_U64)
add_field(&entity_fields, "delta_exec", &(<sched_entity *>NULL).delta_exec, FIELD_U64)
add_field(&entity_fields, "delta_fair_run", &(<sched_entity *>NULL).delta_fair_run, FIELD_U64)
add_field(&entity_fields, "delta_fair_sleep", &(<sched_entity *>NULL).delta_fair_sleep, FIELD_U64)
add_field(&entity_fields, "sum_wait_runtime", &(<sched_entity *>NULL).sum_wait_runtime, FIELD_S64)
add_field(&entity_fields, "sum_sleep_runtime", &(<sched_entity *>NULL).sum_sleep_runtime, FIELD_S64)
add_field(&entity_fields, "sleep_start", &(<sched_entity *>NULL).sleep_start, FIELD_U64)
add_field(&entity_fields, "block_start", &(<sched_entity *>NULL).block_start, FIELD_U64)

cdef field_table queue_fields = new_fields("queue_fields")
add_field(&queue_fields, "fair_clock", &(<cfs_rq *>NULL).fair_clock, FIELD_S64)
add_field(&queue_fields, "load_weight", &(<cfs_rq *>NULL).load.weight, FIELD_U64)
add_field(&queue_fields, "nr_running", &(<cfs_rq *>NULL).nr_running, FIELD_U64)
add_field(&queue_fields, "exec_clock", &(<cfs_rq *>NULL).exec_clock, FIELD_U64)
add_field(&queue_fields, "wait_runtime", &(<cfs_rq *>NULL).wait_runtime, FIELD_S64)
add_field(&queue_fields, "sleeper_bonus", &(<cfs_rq *>NULL).sleeper_bonus, FIELD_U64)
add_field(&queue_fields, "wait_runtime_overruns", &(<cfs_rq *>NULL).wait_runtime_overruns, FIELD_U64)
add_field(&queue_fields, "wait_runtime_underruns", &(<cfs_rq *>NULL).wait_runtime_underruns, FIELD_U64)

cdef field_table cpu_fields = new_fields("cpu_fields")
add_field(&cpu_fields, "cpu_load[0]", &(<fair_rq *>NULL).cpu_load[0], FIELD_U64)
add_field(&cpu_fields, "cpu_load[1]", &(<fair_rq *>NULL).cpu_load[1], FIELD_U64)
add_field(&cpu_fields, "cpu_load[2]", &(<fair_rq *>NULL).cpu_load[2], FIELD_U64)
add_field(&cpu_fields, "cpu_load[3]", &(<fair_rq *>NULL).cpu_load[3], FIELD_U64)
add_field(&cpu_fields, "cpu_load[4]", &(<fair_rq *>NULL).cpu_load[4], FIELD_U64)

cdef field_table tunables = new_fields("tunables")
add_field(&tunables, "sched_latency_ns", &(<fair_tunables *>NULL).sched_latency_ns, FIELD_U64)
add_field(&tunables, "sched_min_granularity_ns", &(<fair_tunables *>NULL).sched_min_granularity_ns, FIELD_U64)
add_field(&tunables, "sched_wakeup_granularity_ns", &(<fair_tunables *>NULL).sched_wakeup_granularity_ns, FIELD_U64)
add_field(
    &tunables,
    "sched_batch_wakeup_granularity_ns",
    &(<fair_tunables *>NULL).sched_batch_wakeup_granularity_ns,
    FIELD_U64,
)
add_field(&tunables, "sched_stat_granularity_ns", &(<fair_tunables *>NULL).sched_stat_granularity_ns, FIELD_U64)
add_field(&tunables, "sched_runtime_limit_ns", &(<fair_tunables *>NULL).sched_runtime_limit_ns, FIELD_U64)
add_field(&tunables, "sched_child_runs_first", &(<fair_tunables *>NULL).sched_child_runs_first, FIELD_U64)
add_field(&tunables, "sched_compat_yield", &(<fair_tunables *>NULL).sched_compat_yield, FIELD_U64)
add_field(&tunables, "sched_features", &(<fair_tunables *>NULL).sched_features, FIELD_U64)
add_field(&tunables, "initial_fair_clock", &(<fair_tunables *>NULL).initial_fair_clock, FIELD_U64)
add_field(&tunables, "TICK_NSEC", &(<fair_tunables *>NULL).TICK_NSEC, FIELD_U64)

# Every pointer of the structs, for snapshots.
cdef pointer_table task_pointers = new_pointers("task_pointers")
add_pointer(&task_pointers, &(<fair_task *>NULL).se.run_node.parent_color, 1, POINTER_ENTITY | POINTER_TAGGED)
add_pointer(&task_pointers, &(<fair_task *>NULL).se.run_node.child[0], 2, POINTER_ENTITY)

cdef pointer_table rq_pointers = new_pointers("rq_pointers")
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.tasks_timeline.node, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.tasks_timeline.leftmost, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.rq, 1, POINTER_FIXED)

# No put_prev_task and set_curr_task: a policy change of the running task keeps its turn (spec 5.14).
cdef sched_class table
table.model = "linux-2.6.23-cfs"
table.task_size = sizeof(fair_task)
table.rq_size = sizeof(fair_rq)
table.tunables_size = sizeof(fair_tunables)
table.load_offset = <size_t>&(<fair_task *>NULL).se.load
table.enqueue_task = enqueue_task_fair
table.dequeue_task = dequeue_task_fair
table.task_new = task_new_fair
table.yield_task = yield_task_fair
table.check_preempt_curr = check_preempt_wakeup
table.pick_next_task = pick_next_task_fair
table.task_tick = task_tick_fair
table.rq_tick = update_cpu_load
table.task_fork = task_fork_fair
table.set_load_weight = set_load_weight_fair
table.set_task_rq = set_task_rq_fair
table.migrate_task_rq = migrate_task_rq_fair
table.init_rq = init_rq_fair
table.init_tunables = init_tunables_fair
table.task_entity = task_entity_fair
table.root_queue = root_queue_fair
table.list_queue = list_queue_fair
table.check_rq = check_rq_fair
table.entity_fields = entity_fields.fields
table.queue_fields = queue_fields.fields
table.cpu_fields = cpu_fields.fields
table.tunables = tunables.fields
table.idle_settled = idle_settled
table.task_pointers = task_pointers.pointers
table.rq_pointers = rq_pointers.pointers


cdef const sched_class *fair_sched_class() noexcept nogil:
    return &table


SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
