"""CFS of Linux 2.6.24: the heart.

Model: linux-2.6.24-cfs. Source: Linux 2.6.24, kernel/sched_fair.c; specification 4.3, 5.2 to 5.5, 5.7 to 5.16.
What it decides: which task runs, and for how long.

The idea. Each entity has a virtual run time `v`: the time that it has run, divided by its weight. The entity with the
smallest v runs. Running raises v and waiting does not, so all v stay close together, and time is shared by weight:

    v += d * 1024 / w                 charge          (update_curr)
    slice  = period(nr) * w / W       a turn's length (sched_slice, looked at in the tick only)
    vslice = period(nr) * 1024 / W    in virtual time (sched_vslice, for a new task)
    period(nr) = latency, stretched in proportion once nr > nr_latency

`min_vruntime` is the floor: a lower mark of v in the queue. It never goes back. An arriving entity is placed by it:

    woken   v = later(v, floor - latency)     nobody gains by sleeping more than one latency
    new     v = floor + vslice                 START_DEBIT: a forked task waits for about one period

A group is an entity too, in the top queue, and owns a queue. A task below it has `parent`. Every walk "up" starts at
the task and ends at the top.

Invariants (numbers of specification 8; `check_rq` checks 1, 2, 4, 6 and 8):
    I1  nr_running and load of a queue are those of its tree and of the running entity, if that is on_rq; keys never
        decrease along the tree; leftmost is its first
    I2  the running entity is in no tree; each entity in a tree has on_rq and this queue
    I3  min_vruntime never decreases (as a signed difference), and only update_curr changes it
    I4  a group entity has on_rq exactly if its queue's nr_running > 0
    I6  between events `curr` of the top queue ... of the innermost one is the path to rq.curr; other queues have none
    I8  v of an entity is constant while it waits: it is its key in the tree

There is no division in update_curr, enqueue, dequeue, pick, put and wakeup. The remaining divisions are in
sched_slice and sched_vslice (_slice.pxd); docs/concepts/linux-2.6.24-cfs.md lists the callers.

Rejected: the running entity in the tree (2.6.23: a dequeue and an enqueue at each tick); merging charges (the two
branches of the weighted delta round differently, so every charge point counts).
"""

from cpython.pycapsule cimport PyCapsule_New

from ..._core cimport (
    BUG_ZERO_DIVISOR,
    EVENT_FORK,
    EVENT_MIGRATE,
    EVENT_MOVE,
    EVENT_REQUEUE,
    EVENT_TICK,
    EVENT_WAKE,
    bug_on,
    check_preempt_curr,
    dec_nr_running,
    inc_nr_running,
    resched_task,
    update_rq_clock,
)
from ..._fixedpoint cimport (
    calc_delta_fair,
    max_vruntime,
    min_vruntime,
)
from ..._load cimport load_from_nice, load_from_shares
from ..._slice cimport cut_load, divide_period, divide_slice, divide_vslice
from ..._table cimport add_field, add_pointer, field_table, new_fields, new_pointers, pointer_table
from ..._timeline cimport (
    precedes,
    spot,
    start_of,
    timeline_check,
    timeline_erase,
    timeline_first,
    timeline_insert,
    timeline_is_empty,
    timeline_last,
    timeline_least,
    timeline_take_first,
    timeline_walk,
)
from ..._types cimport (
    FIELD_U8,
    FIELD_U64,
    POINTER_ENTITY,
    POINTER_FIXED,
    POINTER_RUN,
    SCHED_BATCH,
    TASK_WAKES,
    int32_t,
    machine,
    ns_t,
    queued,
    rq,
    rq as rq_struct,
    run_pool,
    sched_class,
    task,
    task_group,
    uint64_t,
    vns_t,
    waiting_node,
)

# ------------------------------------------------------------------------------------------------ generic entities


cdef inline sched_entity *entity_of(const task *p) noexcept nogil:
    return &(<fair_task *>p).se


cdef inline task *task_of(const sched_entity *se) noexcept nogil:
    # of an entity that owns no queue
    return <task *>(<char *>se - <size_t>&(<fair_task *>NULL).se)


cdef inline sched_entity *entity_of_node(const waiting_node *node) noexcept nogil:
    # the node is the entity's first member
    return <sched_entity *>node


cdef inline fair_group *group_on(const task_group *tg, int32_t cpu) noexcept nogil:
    return &(<fair_group *>tg.cpus)[cpu]


cdef inline const fair_tunables *tunables_of(const rq *rq) noexcept nogil:
    return <const fair_tunables *>rq.machine.tunables


cdef inline bint has_feature(const rq *rq, uint64_t bit) noexcept nogil:
    return tunables_of(rq).sched_features & bit != 0

# --------------------------------------------------------------------------------------------- the timeline handled
# tree_enqueue and tree_dequeue are the kernel's __enqueue_entity and __dequeue_entity.


cdef inline run_pool *runs_of(const cfs_rq *cfs) noexcept nogil:
    return &cfs.rq.machine.runs


cdef inline void tree_enqueue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # after all equal keys: a preempted entity lets its equals run first
    timeline_insert(&cfs.tasks_timeline, runs_of(cfs), &se.run_node, se.vruntime)


cdef inline void tree_dequeue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    if se == first_entity(cfs):
        timeline_take_first(&cfs.tasks_timeline, runs_of(cfs))
    else:
        timeline_erase(&cfs.tasks_timeline, runs_of(cfs), &se.run_node)


cdef inline bint nobody_waits(const cfs_rq *cfs) noexcept nogil:
    return timeline_is_empty(&cfs.tasks_timeline)


cdef inline sched_entity *first_entity(const cfs_rq *cfs) noexcept nogil:
    return entity_of_node(timeline_first(&cfs.tasks_timeline))


cdef inline sched_entity *last_entity(const cfs_rq *cfs) noexcept nogil:
    return entity_of_node(timeline_last(&cfs.tasks_timeline))


cdef inline vns_t least_vruntime(const cfs_rq *cfs) noexcept nogil:
    # of those that wait, read without touching the entity
    return timeline_least(&cfs.tasks_timeline)

# -------------------------------------------------------------------------------------------------- periods and slices
# Not inline: the divisions are in these three and nowhere else, which a test reads off the disassembly.


cdef ns_t sched_period(const fair_tunables *tunables, uint64_t nr) noexcept nogil:
    return divide_period(tunables.sched_latency_ns, tunables.sched_nr_latency, nr)


cdef uint64_t sched_slice(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    # period * w / W, ns
    cdef ns_t period = sched_period(tunables_of(cfs.rq), cfs.nr_running)
    bug_on(cfs.rq, cut_load(cfs.load) == 0, BUG_ZERO_DIVISOR)
    return divide_slice(period, se.load.weight, cfs.load) if cut_load(cfs.load) != 0 else period


cdef vns_t sched_vslice(const cfs_rq *cfs, uint64_t load, uint64_t nr) noexcept nogil:
    # period * 1024 / W, for a queue of `nr` entities with the weight sum `load`
    # DIFFERS: `vslice_unscaled`, off by default, shows what the factor that was missing in 2.6.24-rc1 and -rc2 did.
    cdef ns_t period = sched_period(tunables_of(cfs.rq), nr)
    bug_on(cfs.rq, cut_load(load) == 0, BUG_ZERO_DIVISOR)
    if cut_load(load) == 0:
        return period
    return divide_slice(period, 1, load) if tunables_of(cfs.rq).vslice_unscaled else divide_vslice(period, load)

# ------------------------------------------------------------------------------------------------------ accounting


cdef inline void update_min_vruntime(cfs_rq *cfs, vns_t vruntime) noexcept nogil:
    # floor = later(floor, the least v of the queue); `vruntime` is that of the running entity
    if not nobody_waits(cfs):
        vruntime = min_vruntime(vruntime, least_vruntime(cfs))
    cfs.min_vruntime = max_vruntime(cfs.min_vruntime, vruntime)


cdef inline void charge(cfs_rq *cfs, sched_entity *curr) noexcept nogil:
    # spec 5.2. Done also when no time has passed: the floor may rise all the same
    cdef ns_t delta_exec = cfs.rq.clock - curr.exec_start
    if delta_exec != 0:
        curr.sum_exec_runtime += delta_exec
        curr.vruntime += calc_delta_fair(delta_exec, &curr.load)
        curr.exec_start += delta_exec
    update_min_vruntime(cfs, curr.vruntime)


cdef inline void update_curr(cfs_rq *cfs) noexcept nogil:
    if cfs.curr != NULL:
        charge(cfs, cfs.curr)

# ---------------------------------------------------------------------------------------------- queueing on entities


cdef vns_t approximate_average(const cfs_rq *cfs) noexcept nogil:
    # APPROX_AVG, off by default, and the one division in a wakeup: half a virtual slice of the queue as it is
    return sched_vslice(cfs, cfs.load, cfs.nr_running) >> 1


cdef vns_t average_base(const cfs_rq *cfs) noexcept nogil:
    # TREE_AVG, or else APPROX_AVG: around the middle of the queue
    cdef vns_t vruntime = cfs.min_vruntime
    if has_feature(cfs.rq, TREE_AVG):
        if not nobody_waits(cfs):
            vruntime = (vruntime + last_entity(cfs).vruntime) >> 1      # [raw]: the sum loses its top bit
    elif cfs.nr_running != 0:
        vruntime += approximate_average(cfs)
    return vruntime


cdef inline vns_t placing_base(const cfs_rq *cfs) noexcept nogil:
    return average_base(cfs) if has_feature(cfs.rq, TREE_AVG | APPROX_AVG) else cfs.min_vruntime


cdef void place_new_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # spec 5.3, new: v is always set, one virtual slice (of the queue with the newcomer) after the base
    cdef vns_t vruntime = placing_base(cfs)
    if has_feature(cfs.rq, START_DEBIT):
        vruntime += sched_vslice(cfs, cfs.load + se.load.weight, cfs.nr_running + 1)
    se.vruntime = vruntime


cdef inline void place_woken_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # spec 5.3, not new: at most one latency of credit, for tasks only, and no entity is ever placed backwards
    cdef const fair_tunables *tunables = tunables_of(cfs.rq)
    cdef vns_t vruntime = placing_base(cfs)
    if se.my_q == NULL and tunables.sched_features & NEW_FAIR_SLEEPERS:
        vruntime -= tunables.sched_latency_ns
    se.vruntime = max_vruntime(se.vruntime, vruntime)


cdef inline void account_enqueue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    cfs.load += se.load.weight
    cfs.nr_running += 1
    se.on_rq = 1


cdef inline void account_dequeue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    cfs.load -= se.load.weight
    cfs.nr_running -= 1
    se.on_rq = 0


cdef inline void enqueue_entity(cfs_rq *cfs, sched_entity *se, bint wakeup) noexcept nogil:
    update_curr(cfs)
    if wakeup:
        place_woken_entity(cfs, se)
    if se != cfs.curr:
        tree_enqueue(cfs, se)
    account_enqueue(cfs, se)


cdef inline void dequeue_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    update_curr(cfs)
    if se != cfs.curr:
        tree_dequeue(cfs, se)
    account_dequeue(cfs, se)


cdef inline void begin_turn(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    se.exec_start = cfs.rq.clock
    cfs.curr = se
    se.prev_sum_exec_runtime = se.sum_exec_runtime


cdef inline void set_next_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # select: out of the tree, and a new turn begins
    if se.on_rq:
        tree_dequeue(cfs, se)
    begin_turn(cfs, se)


cdef inline sched_entity *take_first_entity(cfs_rq *cfs) noexcept nogil:
    # the same of the first, of which one knows where it is
    cdef sched_entity *se = first_entity(cfs)
    timeline_take_first(&cfs.tasks_timeline, runs_of(cfs))
    begin_turn(cfs, se)
    return se


cdef inline void put_prev_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # release
    if se.on_rq:
        update_curr(cfs)
        tree_enqueue(cfs, se)
    cfs.curr = NULL


cdef inline void check_preempt_tick(cfs_rq *cfs, sched_entity *curr) noexcept nogil:
    # a turn longer than the slice ends; strictly longer
    if curr.sum_exec_runtime - curr.prev_sum_exec_runtime > sched_slice(cfs, curr):
        resched_task(cfs.rq.curr)

# --------------------------------------------------------------------------------------------- operations on tasks


cdef void enqueue_task_fair(rq *rq, task *p, int flags) noexcept nogil:
    # up to the first level that is queued already; above the task every level counts as woken
    cdef sched_entity *se = entity_of(p)
    cdef bint wakeup = flags & TASK_WAKES
    while se != NULL and not se.on_rq:
        enqueue_entity(se.cfs_rq, se, wakeup)
        wakeup = True
        se = se.parent
    inc_nr_running(rq, p)


cdef void dequeue_task_fair(rq *rq, task *p, int flags) noexcept nogil:
    # up to the first level with load left in its queue: a group leaves with its last task
    cdef sched_entity *se = entity_of(p)
    cdef cfs_rq *cfs
    dec_nr_running(rq, p)
    while se != NULL:
        cfs = se.cfs_rq
        dequeue_entity(cfs, se)
        if cfs.load != 0:
            return
        se = se.parent


cdef void put_prev_task_fair(rq *rq, task *p) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    while se != NULL:
        put_prev_entity(se.cfs_rq, se)
        se = se.parent


cdef void set_curr_task_fair(rq *rq, task *p) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    while se != NULL:
        set_next_entity(se.cfs_rq, se)
        se = se.parent


# The pick, fused with putting `prev` back. On each level the running entity is charged; if it is then still strictly
# before the leftmost it would be put into the tree only to be taken out again, so it stays where it is and begins a
# new turn (at two tasks flat 0.69 of the time, grouped 0.59: benchmarks/bench_switch.py, 2026-11-24). From the first
# level on where another one is chosen, all levels below are released.


cdef inline void charge_path(task *p) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    while se != NULL:
        if se.on_rq:
            charge(se.cfs_rq, se)
        se = se.parent


cdef inline bint stays_first(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    # strictly: put back, it would go after its equals
    if not se.on_rq:
        return False
    if nobody_waits(cfs):
        return True
    return precedes(se.vruntime, least_vruntime(cfs))


cdef inline void release_path(cfs_rq *cfs) noexcept nogil:
    # put back what ran in this queue and below; all of it has been charged
    cdef sched_entity *se
    while cfs != NULL and cfs.curr != NULL:
        se = cfs.curr
        if se.on_rq:
            tree_enqueue(cfs, se)
        cfs.curr = NULL
        cfs = se.my_q


cdef task *pick_next_task_fair(rq *rq, task *prev) noexcept nogil:
    # the first of the top queue, then the first of its queue, down to a task
    cdef cfs_rq *cfs = &(<fair_rq *>rq).cfs
    cdef sched_entity *se
    if prev != rq.idle:
        charge_path(prev)
    while True:
        se = cfs.curr
        if se != NULL and stays_first(cfs, se):
            se.prev_sum_exec_runtime = se.sum_exec_runtime
        else:
            release_path(cfs)
            if nobody_waits(cfs):               # in the top queue: a group without anybody is not picked (I4)
                return rq.idle
            se = take_first_entity(cfs)
        cfs = se.my_q
        if cfs == NULL:
            return task_of(se)


cdef void yield_task_fair(rq *rq) noexcept nogil:
    # spec 5.12. The plain yield only charges: the task goes on if its key is still the smallest. The strong one
    # (sched_compat_yield, or a batch task) goes to the end of its queue.
    cdef sched_entity *se = entity_of(rq.curr)
    cdef cfs_rq *cfs = se.cfs_rq
    cdef sched_entity *rightmost
    if cfs.nr_running == 1:
        return
    if not tunables_of(rq).sched_compat_yield and rq.curr.policy != SCHED_BATCH:
        update_rq_clock(rq)
        update_curr(cfs)
        return
    rightmost = last_entity(cfs)
    if rightmost.vruntime < se.vruntime:            # [raw]
        return
    se.vruntime = rightmost.vruntime + 1


cdef void check_preempt_wakeup(rq *rq, task *p) noexcept nogil:
    # spec 5.9: compare on the level where both are in one queue; strictly less, with the granularity weighted by
    # the running side. Nothing is charged here, so upper levels may be as old as the last tick (spec 7.3).
    cdef sched_entity *se = entity_of(rq.curr)
    cdef sched_entity *pse = entity_of(p)
    cdef vns_t granularity
    if p.policy == SCHED_BATCH or not has_feature(rq, WAKEUP_PREEMPT):
        return
    while se.cfs_rq != pse.cfs_rq:
        se = se.parent
        pse = pse.parent
    granularity = calc_delta_fair(tunables_of(rq).sched_wakeup_granularity_ns, &se.load)
    if pse.vruntime + granularity < se.vruntime:    # [raw]
        resched_task(rq.curr)


cdef void task_tick_fair(rq *rq, task *p) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    cdef cfs_rq *cfs
    while se != NULL:
        cfs = se.cfs_rq
        update_curr(cfs)
        if cfs.nr_running > 1 or not has_feature(rq, WAKEUP_PREEMPT):
            check_preempt_tick(cfs, se)
        se = se.parent


cdef inline void child_runs_first(cfs_rq *cfs, sched_entity *child) noexcept nogil:
    # The child takes the place of the running entity in its queue, and that entity takes the child's debit (spec 7.5)
    cdef sched_entity *curr = cfs.curr
    cdef vns_t vruntime
    if curr != NULL and curr.vruntime < child.vruntime:     # [raw]
        vruntime = curr.vruntime
        curr.vruntime = child.vruntime
        child.vruntime = vruntime


cdef void task_new_fair(rq *rq, task *p, bint clone_vm) noexcept nogil:
    # spec 5.7 steps 5 to 7. What the idle task forks is not placed at all.
    cdef sched_entity *se = entity_of(p)
    cdef cfs_rq *cfs = se.cfs_rq
    cdef const rq_struct *this_rq = rq.machine.this_rq
    if this_rq.curr == this_rq.idle:
        enqueue_task_fair(rq, p, 0)
        check_preempt_curr(rq, p)
        return
    update_curr(cfs)
    place_new_entity(cfs, se)
    if tunables_of(rq).sched_child_runs_first and rq == this_rq:
        child_runs_first(cfs, se)
    enqueue_task_fair(rq, p, 0)
    resched_task(rq.curr)                           # whatever the wakeup check says

# ---------------------------------------------------------------------------------- facts of tasks, groups and CPUs


cdef void task_fork_fair(task *p, task *parent) noexcept nogil:
    # the rest of the entity is zero: it has not run and is on no queue
    entity_of(p).vruntime = entity_of(parent).vruntime
    entity_of(p).load = entity_of(parent).load


cdef void set_load_weight_fair(task *p) noexcept nogil:
    load_from_nice(&entity_of(p).load, p.nice, p.policy)


cdef void set_task_rq_fair(task *p) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    if p.group == NULL:
        se.cfs_rq = &(<fair_rq *>p.rq).cfs
        se.parent = NULL
    else:
        se.cfs_rq = &group_on(p.group, p.rq.cpu).cfs_rq
        se.parent = &group_on(p.group, p.rq.cpu).se


cdef void migrate_task_rq_fair(task *p, rq *to) noexcept nogil:
    # the SMP latency fix: keep the distance to the floor of the task's own group (spec 6.2)
    cdef sched_entity *se = entity_of(p)
    cdef cfs_rq *there = &(<fair_rq *>to).cfs
    if p.group != NULL:
        there = &group_on(p.group, to.cpu).cfs_rq
    se.vruntime -= se.cfs_rq.min_vruntime - there.min_vruntime


cdef inline void init_cfs_rq(cfs_rq *cfs, rq *rq, task_group *tg) noexcept nogil:
    cfs.min_vruntime = tunables_of(rq).initial_min_vruntime
    cfs.rq = rq
    cfs.tg = tg


cdef void init_rq_fair(rq *rq) noexcept nogil:
    init_cfs_rq(&(<fair_rq *>rq).cfs, rq, NULL)
    entity_of(rq.idle).vruntime = tunables_of(rq).initial_idle_vruntime
    set_task_rq_fair(rq.idle)


cdef void init_group_fair(task_group *tg, int32_t cpu) noexcept nogil:
    cdef fair_group *group = group_on(tg, cpu)
    cdef rq *rq = tg.machine.rqs[cpu]
    init_cfs_rq(&group.cfs_rq, rq, tg)
    group.se.cfs_rq = &(<fair_rq *>rq).cfs
    group.se.my_q = &group.cfs_rq
    load_from_shares(&group.se.load, tg.shares)


cdef void set_shares_fair(task_group *tg, int32_t cpu) noexcept nogil:
    cdef sched_entity *se = &group_on(tg, cpu).se
    cdef bint queued = se.on_rq
    if queued:
        dequeue_entity(se.cfs_rq, se)
    load_from_shares(&se.load, tg.shares)
    if queued:
        enqueue_entity(se.cfs_rq, se, False)


cdef void init_tunables_fair(uint64_t *values) noexcept nogil:
    cdef fair_tunables *tunables = <fair_tunables *>values
    tunables.sched_latency_ns = 20000000
    tunables.sched_min_granularity_ns = 4000000
    tunables.sched_nr_latency = 5                   # ceil(latency / min_granularity)
    tunables.sched_wakeup_granularity_ns = 10000000
    tunables.sched_batch_wakeup_granularity_ns = 10000000
    tunables.sched_child_runs_first = 1
    tunables.sched_compat_yield = 0
    tunables.sched_features = NEW_FAIR_SLEEPERS | WAKEUP_PREEMPT | START_DEBIT
    tunables.sched_migration_cost = 500000
    tunables.sched_nr_migrate = 32
    tunables.initial_min_vruntime = <uint64_t>-(1 << 20)
    tunables.initial_idle_vruntime = 0
    tunables.vslice_unscaled = 0


cdef bint tick_would_fault(rq *rq) noexcept nogil:
    cdef sched_entity *se = entity_of(rq.curr)
    cdef bint checks_always = not has_feature(rq, WAKEUP_PREEMPT)
    while se != NULL:
        if (se.cfs_rq.nr_running > 1 or checks_always) and cut_load(se.cfs_rq.load) == 0:
            return True
        se = se.parent
    return False


cdef inline bint averages(const rq *rq) noexcept nogil:
    # does placing divide?
    return has_feature(rq, APPROX_AVG) and not has_feature(rq, TREE_AVG)


cdef inline bint placing_would_fault(const sched_entity *se, bint joins, const sched_entity *leaver) noexcept nogil:
    # `se`, if it joins its queue, is placed by the average of those on it, `leaver` gone before
    cdef uint64_t load = se.cfs_rq.load
    cdef uint64_t nr = se.cfs_rq.nr_running
    if leaver != NULL:
        load -= leaver.load.weight
        nr -= 1
    return joins and nr != 0 and cut_load(load) == 0


cdef bint requeue_would_fault(const sched_entity *se, const sched_entity *parent) noexcept nogil:
    # `se` leaves its queue, with its group if it is alone there, and then joins one below `parent`
    cdef const sched_entity *leaver = se.parent if se.cfs_rq.nr_running == 1 else NULL
    if not se.on_rq or parent == NULL:
        return False
    return placing_would_fault(parent, not parent.on_rq or parent == leaver, leaver)


cdef bint migrate_would_fault(const sched_entity *se, const task_group *tg, int32_t cpu) noexcept nogil:
    # the task is not placed; its group is, if it was not there yet
    if tg == NULL or not se.on_rq:
        return False
    return placing_would_fault(&group_on(tg, cpu).se, not group_on(tg, cpu).se.on_rq, NULL)


cdef bint would_fault_fair(rq *rq, task *p, int32_t event, task_group *to) noexcept nogil:
    # Slices divide by a load cut to 32 bits: shares that add up to a multiple of 2**32 make it 0 (spec 4.3)
    cdef sched_entity *se = entity_of(p)
    cdef bint forks = event == EVENT_FORK and rq.machine.this_rq.curr != rq.machine.this_rq.idle
    if event == EVENT_TICK:
        return rq.curr != rq.idle and tick_would_fault(rq)
    if forks and has_feature(rq, START_DEBIT) and cut_load(se.cfs_rq.load + se.load.weight) == 0:
        return True
    if not averages(rq):
        return False
    if event == EVENT_REQUEUE:
        return requeue_would_fault(se, se.parent)
    if event == EVENT_MOVE:
        return requeue_would_fault(se, &group_on(to, rq.cpu).se)
    if event == EVENT_MIGRATE:
        return migrate_would_fault(se, p.group, rq.cpu)
    if placing_would_fault(se, forks or event == EVENT_WAKE, NULL):
        return True
    return se.parent != NULL and placing_would_fault(se.parent, not se.parent.on_rq, NULL)

# ------------------------------------------------------------------------------------------ looking in from outside


cdef void *task_entity_fair(task *p) noexcept nogil:
    return entity_of(p)


cdef void *group_entity_fair(task_group *tg, int32_t cpu) noexcept nogil:
    return &group_on(tg, cpu).se


cdef void *group_queue_fair(task_group *tg, int32_t cpu) noexcept nogil:
    return &group_on(tg, cpu).cfs_rq


cdef void *root_queue_fair(rq *rq) noexcept nogil:
    return &(<fair_rq *>rq).cfs


cdef size_t list_queue_fair(const void *queue, queued *out, size_t room) noexcept nogil:
    # the waiting entities, leftmost first; returns how many there are, writes at most `room`
    cdef spot at = start_of(&(<const cfs_rq *>queue).tasks_timeline)
    cdef const waiting_node *node = timeline_walk(&at)
    cdef const sched_entity *se
    cdef size_t nr = 0
    while node != NULL:
        if nr < room:
            se = entity_of_node(node)
            out[nr].p = task_of(se) if se.my_q == NULL else NULL
            out[nr].tg = NULL if se.my_q == NULL else se.my_q.tg
        nr += 1
        node = timeline_walk(&at)
    return nr


cdef uint64_t slice_of_fair(const void *entity) noexcept nogil:
    cdef const cfs_rq *cfs = (<const sched_entity *>entity).cfs_rq
    return 0 if cut_load(cfs.load) == 0 else sched_slice(cfs, <const sched_entity *>entity)


cdef vns_t vslice_of_fair(const void *entity) noexcept nogil:
    cdef const cfs_rq *cfs = (<const sched_entity *>entity).cfs_rq
    return 0 if cut_load(cfs.load) == 0 else sched_vslice(cfs, cfs.load, cfs.nr_running)

# -------------------------------------------------------------------------------------------------------- checking


cdef int check_queue(cfs_rq *cfs) noexcept nogil:
    cdef bint curr_counts = cfs.curr != NULL and cfs.curr.on_rq
    cdef uint64_t load = cfs.curr.load.weight if curr_counts else 0
    cdef spot at = start_of(&cfs.tasks_timeline)
    cdef const sched_entity *se
    cdef vns_t key
    if timeline_check(&cfs.tasks_timeline, cfs.nr_running - curr_counts):
        return 1
    while at.run != NULL:
        key = at.run.waiting[at.index].key
        se = entity_of_node(timeline_walk(&at))
        if not se.on_rq or se.cfs_rq != cfs or se == cfs.curr:
            return 2
        if se.vruntime != key:
            return 8
        load += se.load.weight
    if load != cfs.load:
        return 1
    if cfs.tg != NULL and group_on(cfs.tg, cfs.rq.cpu).se.on_rq != (cfs.nr_running != 0):
        return 4
    return 0


cdef bint on_path(const cfs_rq *cfs) noexcept nogil:
    # is `curr` of this queue part of the path to rq.curr, or none if the queue is beside that path?
    cdef const sched_entity *se = NULL
    if cfs.rq.curr != cfs.rq.idle:
        se = entity_of(cfs.rq.curr)
    while se != NULL and se.cfs_rq != cfs:
        se = se.parent
    return cfs.curr == se


cdef int check_rq_fair(rq *rq) noexcept nogil:
    cdef cfs_rq *cfs = &(<fair_rq *>rq).cfs
    cdef task_group *tg = rq.machine.groups
    cdef int broken = check_queue(cfs)
    if broken == 0 and not on_path(cfs):
        broken = 6
    while broken == 0 and tg != NULL:
        cfs = &group_on(tg, rq.cpu).cfs_rq
        broken = check_queue(cfs)
        if broken == 0 and not on_path(cfs):
            broken = 6
        tg = tg.next
    return broken

# --------------------------------------------------------------------------------------------------- the hook table

cdef field_table entity_fields = new_fields("entity_fields")
add_field(&entity_fields, "vruntime", &(<sched_entity *>NULL).vruntime, FIELD_U64)
add_field(&entity_fields, "sum_exec_runtime", &(<sched_entity *>NULL).sum_exec_runtime, FIELD_U64)
add_field(&entity_fields, "on_rq", &(<sched_entity *>NULL).on_rq, FIELD_U8)
add_field(&entity_fields, "load_weight", &(<sched_entity *>NULL).load.weight, FIELD_U64)
add_field(&entity_fields, "inv_weight", &(<sched_entity *>NULL).load.inv_weight, FIELD_U64)
add_field(&entity_fields, "exec_start", &(<sched_entity *>NULL).exec_start, FIELD_U64)
add_field(&entity_fields, "prev_sum_exec_runtime", &(<sched_entity *>NULL).prev_sum_exec_runtime, FIELD_U64)

cdef field_table queue_fields = new_fields("queue_fields")
add_field(&queue_fields, "min_vruntime", &(<cfs_rq *>NULL).min_vruntime, FIELD_U64)
add_field(&queue_fields, "load_weight", &(<cfs_rq *>NULL).load, FIELD_U64)
add_field(&queue_fields, "nr_running", &(<cfs_rq *>NULL).nr_running, FIELD_U64)

cdef field_table tunables = new_fields("tunables")
add_field(&tunables, "sched_latency_ns", &(<fair_tunables *>NULL).sched_latency_ns, FIELD_U64)
add_field(&tunables, "sched_min_granularity_ns", &(<fair_tunables *>NULL).sched_min_granularity_ns, FIELD_U64)
add_field(&tunables, "sched_nr_latency", &(<fair_tunables *>NULL).sched_nr_latency, FIELD_U64)
add_field(&tunables, "sched_wakeup_granularity_ns", &(<fair_tunables *>NULL).sched_wakeup_granularity_ns, FIELD_U64)
add_field(
    &tunables,
    "sched_batch_wakeup_granularity_ns",
    &(<fair_tunables *>NULL).sched_batch_wakeup_granularity_ns,
    FIELD_U64,
)
add_field(&tunables, "sched_child_runs_first", &(<fair_tunables *>NULL).sched_child_runs_first, FIELD_U64)
add_field(&tunables, "sched_compat_yield", &(<fair_tunables *>NULL).sched_compat_yield, FIELD_U64)
add_field(&tunables, "sched_features", &(<fair_tunables *>NULL).sched_features, FIELD_U64)
add_field(&tunables, "sched_migration_cost", &(<fair_tunables *>NULL).sched_migration_cost, FIELD_U64)
add_field(&tunables, "sched_nr_migrate", &(<fair_tunables *>NULL).sched_nr_migrate, FIELD_U64)
add_field(&tunables, "initial_min_vruntime", &(<fair_tunables *>NULL).initial_min_vruntime, FIELD_U64)
add_field(&tunables, "initial_idle_vruntime", &(<fair_tunables *>NULL).initial_idle_vruntime, FIELD_U64)
add_field(&tunables, "vslice_unscaled", &(<fair_tunables *>NULL).vslice_unscaled, FIELD_U64)

# Every pointer of the structs, for snapshots.
cdef pointer_table task_pointers = new_pointers("task_pointers")
add_pointer(&task_pointers, &(<fair_task *>NULL).se.run_node.run, 1, POINTER_RUN)
add_pointer(&task_pointers, &(<fair_task *>NULL).se.cfs_rq, 1, POINTER_FIXED)
add_pointer(&task_pointers, &(<fair_task *>NULL).se.parent, 1, POINTER_FIXED)
add_pointer(&task_pointers, &(<fair_task *>NULL).se.my_q, 1, POINTER_FIXED)

cdef pointer_table rq_pointers = new_pointers("rq_pointers")
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.tasks_timeline.runs.node, 1, POINTER_RUN)
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.tasks_timeline.runs.leftmost, 1, POINTER_RUN)
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.curr, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.rq, 1, POINTER_FIXED)
add_pointer(&rq_pointers, &(<fair_rq *>NULL).cfs.tg, 1, POINTER_FIXED)

cdef pointer_table group_pointers = new_pointers("group_pointers")
add_pointer(&group_pointers, &(<fair_group *>NULL).se.run_node.run, 1, POINTER_RUN)
add_pointer(&group_pointers, &(<fair_group *>NULL).se.cfs_rq, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<fair_group *>NULL).se.parent, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<fair_group *>NULL).se.my_q, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<fair_group *>NULL).cfs_rq.tasks_timeline.runs.node, 1, POINTER_RUN)
add_pointer(&group_pointers, &(<fair_group *>NULL).cfs_rq.tasks_timeline.runs.leftmost, 1, POINTER_RUN)
add_pointer(&group_pointers, &(<fair_group *>NULL).cfs_rq.curr, 1, POINTER_ENTITY)
add_pointer(&group_pointers, &(<fair_group *>NULL).cfs_rq.rq, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<fair_group *>NULL).cfs_rq.tg, 1, POINTER_FIXED)

cdef sched_class table
table.model = "linux-2.6.24-cfs"
table.task_size = sizeof(fair_task)
table.rq_size = sizeof(fair_rq)
table.group_size = sizeof(fair_group)
table.tunables_size = sizeof(fair_tunables)
table.has_timelines = True
table.load_offset = <size_t>&(<fair_task *>NULL).se.load
table.enqueue_task = enqueue_task_fair
table.dequeue_task = dequeue_task_fair
table.task_new = task_new_fair
table.yield_task = yield_task_fair
table.check_preempt_curr = check_preempt_wakeup
table.pick_next_task = pick_next_task_fair
table.put_prev_task = put_prev_task_fair
table.set_curr_task = set_curr_task_fair
table.task_tick = task_tick_fair
table.task_fork = task_fork_fair
table.set_load_weight = set_load_weight_fair
table.set_task_rq = set_task_rq_fair
table.migrate_task_rq = migrate_task_rq_fair
table.init_rq = init_rq_fair
table.init_group = init_group_fair
table.set_shares = set_shares_fair
table.init_tunables = init_tunables_fair
table.would_fault = would_fault_fair
table.task_entity = task_entity_fair
table.group_entity = group_entity_fair
table.group_queue = group_queue_fair
table.root_queue = root_queue_fair
table.list_queue = list_queue_fair
table.slice_of = slice_of_fair
table.vslice_of = vslice_of_fair
table.check_rq = check_rq_fair
table.entity_fields = entity_fields.fields
table.queue_fields = queue_fields.fields
table.tunables = tunables.fields
table.task_pointers = task_pointers.pointers
table.rq_pointers = rq_pointers.pointers
table.group_pointers = group_pointers.pointers


cdef const sched_class *fair_sched_class() noexcept nogil:
    return &table


SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
