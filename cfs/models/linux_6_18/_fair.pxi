# The operations of EEVDF 6.18, as every class of this folder includes them. The idea and the invariants stand in the
# essay of `_fair.pyx`, what changed later in those of `_fair_26.pyx` and `_fair_44.pyx`.
#
# Who includes this has said SUBLEVEL, the third number of its kernel's release, and has a `table` for the hooks.
# SUBLEVEL is a constant: the C compiler drops each branch of another release, and no class pays for the others.

from ..._core cimport (
    BUG_NOTHING_ELIGIBLE,
    BUG_ZERO_DIVISOR,
    bug_on,
    dec_nr_running,
    inc_nr_running,
    resched_task,
    set_task_group,
    update_rq_clock,
)
from ..._fixedpoint cimport WMULT_CONST, min_vruntime, signed_difference
from ..._load cimport load_from_nice
from ..._rbtree cimport (
    rb_augment,
    rb_erase_augmented,
    rb_insert_augmented,
    rb_link_node,
    rb_next,
    rb_parent,
)
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
    FIELD_ENTITY,
    FIELD_S64,
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    LEFT,
    POINTER_ENTITY,
    POINTER_FIXED,
    POINTER_PLAIN,
    POINTER_TAGGED,
    PRIO_DEFAULT,
    RESCHED,
    RIGHT,
    SCHED_IDLE,
    SCHED_NORMAL,
    TASK_DEAD,
    TASK_SLEEPS,
    TASK_WAKES,
    int8_t,
    int32_t,
    int64_t,
    load_weight,
    machine,
    ns_t,
    queued,
    rb_node,
    rq,
    task,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
    vns_t,
)
from ._check cimport check_rq_fair
from ._entity cimport (
    DELAY_DEQUEUE,
    DELAY_ZERO,
    LOAD_SHIFT,
    NEXT_BUDDY,
    PICK_BUDDY,
    PLACE_DEADLINE_INITIAL,
    PLACE_LAG,
    PLACE_REL_DEADLINE,
    PREEMPT_SHORT,
    RUN_TO_PARITY,
    WAKEUP_PREEMPTION,
    account_entity_dequeue,
    account_entity_enqueue,
    avg_vruntime_add,
    avg_vruntime_sub,
    before,
    cfs_rq,
    curr_counts,
    entity_eligible,
    entity_is_task,
    entity_of,
    entity_of_node,
    entity_on,
    eevdf_group,
    eevdf_rq,
    eevdf_task,
    eevdf_tunables,
    first_eligible,
    first_entity,
    group_on,
    has_feature,
    load_sum,
    load_sum_of,
    queue_on,
    root_of,
    scale_load_down,
    sched_entity,
    se_is_idle,
    task_of,
    tunables_of,
    vruntime_eligible,
)

cdef enum:
    NICE_0_LOAD = 1 << 20
    WEIGHT_IDLEPRIO = 3
    WMULT_IDLEPRIO = 1431655765
    SHARES_MIN = 2              # in the user's unit, where 1024 is the default
    SHARES_MAX = 262144
    SHARES_DEFAULT = 1024
    SLICE_MIN = 100000          # of a custom slice, ns
    SLICE_MAX = 100000000

cdef enum:                      # flags of this file's own, beside TASK_WAKES and TASK_SLEEPS
    TASK_IS_NEW = 16            # enqueue: its first request
    TASK_EXITS = 32             # dequeue: the task itself is not to be delayed
    FINISHES_DELAY = 64         # dequeue: it has been delayed long enough
    KEEPS_BASE = 128            # dequeue: min_vruntime stays where it is, where it is a floor


cdef struct tally:              # what a change adds to the counts of a queue and of those above
    uint32_t queued
    uint32_t runnable
    uint32_t idle

# ------------------------------------------------------------------------------------------------------ arithmetic


cdef inline uint64_t mul_u64_u32_shr(uint64_t x, uint32_t factor, uint32_t shift) noexcept nogil:
    # floor(x * factor / 2**shift) mod 2**64 for shift <= 32, without a 128-bit type, which not every compiler has: the
    # upper half of x gives a multiple of 2**32, from which shifting cuts nothing; only the lower half rounds
    return (((x >> 32) * factor) << (32 - shift)) + ((<uint64_t><uint32_t>x * factor) >> shift)


cdef inline vns_t calc_delta_fair(ns_t delta, const sched_entity *se) noexcept nogil:
    # vt(delta): the virtual time that this entity gains in `delta` ns of real time (spec 4.3)
    if se.load.weight == NICE_0_LOAD:
        return delta
    return mul_u64_u32_shr(delta, se.vt_factor, se.vt_shift)


cdef void set_load(sched_entity *se, const load_weight *load) noexcept nogil:
    # vt_factor / 2**vt_shift is 1024 * inv_weight / 2**32, the factor cut to 32 bits (spec 4.3)
    cdef uint64_t factor = load.inv_weight << LOAD_SHIFT
    se.load = load[0]
    se.load_down = scale_load_down(load.weight)
    se.vt_shift = 32
    while factor >> 32:
        factor >>= 1
        se.vt_shift -= 1
    se.vt_factor = <uint32_t>factor


cdef load_weight load_of_task(const task *p) noexcept nogil:
    cdef load_weight load
    if p.policy == SCHED_IDLE:
        load.weight, load.inv_weight = WEIGHT_IDLEPRIO, WMULT_IDLEPRIO
    else:
        load_from_nice(&load, p.nice, SCHED_NORMAL)
    load.weight <<= LOAD_SHIFT
    return load


cdef load_weight load_of_shares(uint64_t shares) noexcept nogil:
    # the inverse is floor((2**32 - 1) / shares): not that of the table, even for the same weight (spec 4.2)
    cdef load_weight load
    load.weight = shares << LOAD_SHIFT
    load.inv_weight = (WMULT_CONST - 1) // scale_load_down(load.weight)
    return load


cdef inline int64_t div_s64(const cfs_rq *cfs, int64_t dividend, uint64_t load) noexcept nogil:
    # rounded toward zero. AS SPECIFIED: the divisor is cut to 32 bits, signed
    cdef int64_t divisor = <int32_t><uint32_t>load
    bug_on(cfs.rq, divisor == 0, BUG_ZERO_DIVISOR)
    if divisor == 0 or divisor == -1:
        return -dividend if divisor else 0
    return dividend // divisor

# ---------------------------------------------------------------------------------- the average, and who is eligible


cdef vns_t avg_vruntime(const cfs_rq *cfs) noexcept nogil:
    # V = v0 + floor(A / W): rounded down, so that an entity placed at V is eligible
    cdef load_sum total = load_sum_of(cfs)
    if total.load == 0:
        return cfs.min_vruntime
    if total.sum < 0:
        total.sum -= total.load - 1
    return cfs.min_vruntime + <uint64_t>div_s64(cfs, total.sum, total.load)


cdef inline void move_zero(cfs_rq *cfs, vns_t to) noexcept nogil:
    # v0 = to; A is as of v0, so it moves along
    cdef int64_t delta = signed_difference(to, cfs.min_vruntime)
    cfs.avg_vruntime -= <int64_t>(cfs.avg_load * <uint64_t>delta)
    cfs.min_vruntime = to


cdef inline vns_t settle(cfs_rq *cfs) noexcept nogil:
    # V, for an entity that is to join or to leave. From 6.18.26 on it becomes the zero point, too
    cdef vns_t average = avg_vruntime(cfs)
    if SUBLEVEL >= 26:
        move_zero(cfs, average)
    return average

# ---------------------------------------------------------------------------------------------------- tree handling
# tree_enqueue and tree_dequeue are the kernel's __enqueue_entity and __dequeue_entity. They are the only callers of the
# augmented pair, whose callbacks are the three functions before them.


cdef inline bint recompute(sched_entity *se) noexcept nogil:
    # from the node's own values and its children's; False if all are what they were. Nobody looks at the greatest slice
    # before 6.18.26
    cdef vns_t vruntime = se.vruntime
    cdef ns_t least = se.slice
    cdef ns_t greatest = se.slice
    cdef const sched_entity *child
    cdef int side
    for side in range(RIGHT, LEFT - 1, -1):
        child = entity_of_node(se.run_node.child[side])
        if child != NULL:
            vruntime = min_vruntime(vruntime, child.min_vruntime)
            if child.min_slice < least:
                least = child.min_slice
            if SUBLEVEL >= 26 and child.max_slice > greatest:
                greatest = child.max_slice
    if se.min_vruntime == vruntime and se.min_slice == least and (SUBLEVEL < 26 or se.max_slice == greatest):
        return False
    se.min_vruntime = vruntime
    se.min_slice = least
    if SUBLEVEL >= 26:
        se.max_slice = greatest
    return True


cdef void min_propagate(rb_node *node, rb_node *stop) noexcept nogil:
    while node != stop and recompute(entity_of_node(node)):
        node = rb_parent(node)


cdef inline void min_copy(rb_node *old, rb_node *new) noexcept nogil:
    # the kernel leaves the slices where they are when a node takes another's place
    entity_of_node(new).min_vruntime = entity_of_node(old).min_vruntime
    if entity_of_node(old).cfs_rq.exact_min_slice:
        entity_of_node(new).min_slice = entity_of_node(old).min_slice
        entity_of_node(new).max_slice = entity_of_node(old).max_slice


cdef void min_rotate(rb_node *old, rb_node *new) noexcept nogil:
    min_copy(old, new)
    recompute(entity_of_node(old))


cdef inline rb_augment least_of_subtrees() noexcept nogil:
    # made where it is used: so the compiler knows the callbacks
    cdef rb_augment augment
    augment.propagate = min_propagate
    augment.copy = min_copy
    augment.rotate = min_rotate
    return augment


cdef void tree_enqueue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # after all equal deadlines; the next child is chosen without a branch
    cdef rb_node *at = cfs.tasks_timeline.node
    cdef rb_node *parent = NULL
    cdef rb_node *left
    cdef rb_node *right
    cdef int side = LEFT
    cdef rb_augment augment = least_of_subtrees()
    avg_vruntime_add(cfs, se)
    se.min_vruntime = se.vruntime
    se.min_slice = se.slice
    if SUBLEVEL >= 26 and cfs.exact_min_slice:
        se.max_slice = se.slice             # the kernel leaves what its last tree left
    while at != NULL:
        parent = at
        left = at.child[LEFT]
        right = at.child[RIGHT]
        at = left if before(se.deadline, entity_of_node(parent).deadline) else right
    if parent != NULL:
        side = not before(se.deadline, entity_of_node(parent).deadline)
    rb_link_node(&se.run_node, parent, side, &cfs.tasks_timeline)
    rb_insert_augmented(
        &se.run_node,
        &cfs.tasks_timeline,
        side == LEFT and parent == cfs.tasks_timeline.leftmost,
        &augment,
    )


cdef void tree_dequeue(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    cdef rb_augment augment = least_of_subtrees()
    rb_erase_augmented(&se.run_node, &cfs.tasks_timeline, &augment)
    avg_vruntime_sub(cfs, se)


cdef inline ns_t cfs_rq_min_slice(const cfs_rq *cfs) noexcept nogil:
    # the least slice of the queue, as far as the tree knows it; the greatest number if it is empty
    cdef ns_t slice = <ns_t>-1
    if curr_counts(cfs):
        slice = cfs.curr.slice
    if cfs.tasks_timeline.node != NULL and entity_of_node(cfs.tasks_timeline.node).min_slice < slice:
        slice = entity_of_node(cfs.tasks_timeline.node).min_slice
    return slice


cdef inline ns_t cfs_rq_max_slice(const cfs_rq *cfs) noexcept nogil:
    # the greatest, as far as the tree knows it; 0 if the queue is empty
    cdef ns_t slice = 0
    if curr_counts(cfs):
        slice = cfs.curr.slice
    if cfs.tasks_timeline.node != NULL and entity_of_node(cfs.tasks_timeline.node).max_slice > slice:
        slice = entity_of_node(cfs.tasks_timeline.node).max_slice
    return slice

# ------------------------------------------------------------------------------------------------------------ buddies


cdef inline void clear_buddies(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # `se` is no buddy any more, nor are those above that became buddies with it
    while se != NULL and se.cfs_rq.next == se:
        se.cfs_rq.next = NULL
        se = se.parent


cdef void set_next_buddy(sched_entity *se) noexcept nogil:
    while se != NULL and se.on_rq and not se_is_idle(se):
        se.cfs_rq.next = se
        se = se.parent

# --------------------------------------------------------------------------------------- protection: run to parity


cdef inline bint protect_slice(const sched_entity *se) noexcept nogil:
    # not used up yet: v is before vprot
    return <int64_t>(<vns_t>se.vlag - se.vruntime) > 0


cdef inline vns_t protected_until(const sched_entity *se, ns_t slice) noexcept nogil:
    return se.vruntime + calc_delta_fair(slice, se)


cdef inline void set_protect_slice(const cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # vprot = the deadline, or the end of the shortest slice that waits if that is earlier
    cdef ns_t slice = tunables_of(cfs.rq).normalized_base_slice_ns
    if has_feature(cfs, RUN_TO_PARITY):
        slice = cfs_rq_min_slice(cfs)
    if slice >= se.slice:
        se.vlag = <int64_t>se.deadline
    else:
        se.vlag = <int64_t>min_vruntime(se.deadline, protected_until(se, slice))


cdef void update_protect_slice(const cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # a shorter slice has joined: vprot may come nearer
    se.vlag = <int64_t>min_vruntime(<vns_t>se.vlag, protected_until(se, cfs_rq_min_slice(cfs)))


cdef inline void cancel_protect_slice(sched_entity *se) noexcept nogil:
    if protect_slice(se):
        se.vlag = <int64_t>se.vruntime

# ------------------------------------------------------------------------------------------------------ accounting


cdef inline void update_min_vruntime(cfs_rq *cfs) noexcept nogil:
    # v0 = later(v0, the earliest v of the queue), before 6.18.26
    cdef vns_t vruntime = cfs.min_vruntime
    if SUBLEVEL >= 26:
        return
    if cfs.tasks_timeline.node != NULL:
        vruntime = entity_of_node(cfs.tasks_timeline.node).min_vruntime
        if curr_counts(cfs):
            vruntime = min_vruntime(cfs.curr.vruntime, vruntime)
    elif curr_counts(cfs):
        vruntime = cfs.curr.vruntime
    if before(cfs.min_vruntime, vruntime):
        move_zero(cfs, vruntime)


cdef inline void use_base_slice(const cfs_rq *cfs, sched_entity *se) noexcept nogil:
    if not se.custom_slice:
        se.slice = tunables_of(cfs.rq).base_slice_ns


cdef bint update_deadline(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # A request ends when v reaches the deadline; the next begins where v is, even if that is far beyond (oddity 5)
    if before(se.vruntime, se.deadline):
        return False
    use_base_slice(cfs, se)
    se.deadline = se.vruntime + calc_delta_fair(se.slice, se)
    if SUBLEVEL >= 26:
        settle(cfs)
    return True


cdef void charge(cfs_rq *cfs, sched_entity *curr, int64_t delta_exec) noexcept nogil:
    cdef bint expired
    curr.exec_start += delta_exec
    curr.sum_exec_runtime += delta_exec
    curr.vruntime += calc_delta_fair(delta_exec, curr)
    expired = update_deadline(cfs, curr)
    update_min_vruntime(cfs)
    if cfs.nr_queued != 1 and (expired or not protect_slice(curr)):
        resched_task(cfs.rq.curr)
        clear_buddies(cfs, curr)


cdef inline void update_curr(cfs_rq *cfs) noexcept nogil:
    # Charge the running entity, and ask for a pick if its request or its protection is at its end. A switch comes here
    # three times at the same clock
    cdef int64_t delta_exec
    if cfs.curr == NULL:
        return
    delta_exec = <int64_t>(cfs.rq.clock - cfs.curr.exec_start)
    if delta_exec > 0:
        charge(cfs, cfs.curr, delta_exec)


cdef inline void count_tasks(cfs_rq *cfs, tally *change) noexcept nogil:
    # for `cfs`, and, in `change`, for the queue above: below an idle queue all tasks are idle
    cfs.h_nr_queued += change.queued
    cfs.h_nr_runnable += change.runnable
    cfs.h_nr_idle += change.idle
    if cfs.idle:
        change.idle = change.queued

# ------------------------------------------------------------------------------------------- queueing on entities


cdef inline ns_t lag_limit(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    # two slices, or one tick if that is more. From 6.18.26 on: the greatest slice of the queue, and a tick
    cdef ns_t tick = tunables_of(cfs.rq).tick_nsec
    if SUBLEVEL >= 26:
        return cfs_rq_max_slice(cfs) + tick
    return 2 * se.slice if 2 * se.slice > tick else tick


cdef void update_entity_lag(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # lag = V - v, within a limit of virtual time
    cdef int64_t limit = calc_delta_fair(lag_limit(cfs, se), se)
    cdef int64_t lag = signed_difference(settle(cfs), se.vruntime)
    se.vlag = limit if lag > limit else -limit if lag < -limit else lag


cdef int64_t lag_to_place(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    # lag * (W + w) / W: joining moves V toward the newcomer by w / (W + w), and the saved lag shall be left of it
    cdef uint64_t load = cfs.avg_load
    cdef uint64_t weight = se.load_down
    if not has_feature(cfs, PLACE_LAG) or cfs.nr_queued == 0 or se.vlag == 0:
        return 0
    if curr_counts(cfs):
        load += cfs.curr.load_down
    return div_s64(cfs, <int64_t>(<uint64_t>se.vlag * (load + weight)), load if load else 1)


cdef void place_entity(cfs_rq *cfs, sched_entity *se, bint initial) noexcept nogil:
    # choose v and the deadline of an entity that is to join. The saved lag stays visible in it.
    cdef vns_t vslice
    use_base_slice(cfs, se)
    vslice = calc_delta_fair(se.slice, se)
    se.vruntime = settle(cfs) - <uint64_t>lag_to_place(cfs, se)
    if se.rel_deadline:
        se.deadline += se.vruntime
        se.rel_deadline = 0
        return
    if initial and has_feature(cfs, PLACE_DEADLINE_INITIAL):
        vslice //= 2
    se.deadline = se.vruntime + vslice


cdef inline void make_deadline_relative(sched_entity *se) noexcept nogil:
    se.deadline -= se.vruntime
    se.rel_deadline = 1


cdef void detach_for_reweight(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    update_curr(cfs)
    update_entity_lag(cfs, se)
    make_deadline_relative(se)
    if se != cfs.curr:
        tree_dequeue(cfs, se)
    account_entity_dequeue(cfs, se)


cdef inline void rescale_lag(const cfs_rq *cfs, sched_entity *se, uint64_t old, uint64_t weight) noexcept nogil:
    # lag and remaining request are real time * weight: in virtual time they are rescaled
    se.vlag = div_s64(cfs, <int64_t>(<uint64_t>se.vlag * old), weight)
    if se.rel_deadline:
        se.deadline = <uint64_t>div_s64(cfs, <int64_t>(se.deadline * old), weight)


cdef inline bint keeps_protection(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    # a running entity under reweight, from 6.18.26 on. AS SPECIFIED: its limit has just been overwritten with the lag,
    # and it is the lag that is compared with v
    return SUBLEVEL >= 26 and se.on_rq and se == cfs.curr and protect_slice(se)


cdef void attach_after_reweight(cfs_rq *cfs, sched_entity *se, bint protected, int64_t rest) noexcept nogil:
    place_entity(cfs, se, False)
    if protected:
        se.vlag = <int64_t>(se.vruntime + <uint64_t>rest)
    if se != cfs.curr:
        tree_enqueue(cfs, se)
    account_entity_enqueue(cfs, se)
    update_min_vruntime(cfs)


cdef void reweight_entity(cfs_rq *cfs, sched_entity *se, const load_weight *load) noexcept nogil:
    # AS SPECIFIED: of a current group the scaled lag then acts as its protection limit (spec 6.10), unless it keeps
    # what is left of its protection
    cdef uint64_t old = se.load.weight
    cdef bint protected
    cdef int64_t rest = 0
    if se.on_rq:
        detach_for_reweight(cfs, se)
    protected = keeps_protection(cfs, se)
    if protected:
        rest = div_s64(cfs, <int64_t>((<uint64_t>se.vlag - se.vruntime) * old), load.weight)
    rescale_lag(cfs, se, old, load.weight)
    set_load(se, load)
    if se.on_rq:
        attach_after_reweight(cfs, se, protected, rest)


cdef void reweight_group(sched_entity *se) noexcept nogil:
    # a group weighs its shares; an empty one keeps what it weighed
    cdef load_weight load
    if se.my_q.load_weight != 0 and se.load.weight != se.my_q.tg.shares << LOAD_SHIFT:
        load = load_of_shares(se.my_q.tg.shares)
        reweight_entity(se.cfs_rq, se, &load)


cdef inline void update_cfs_group(sched_entity *se) noexcept nogil:
    if not entity_is_task(se):
        reweight_group(se)


cdef void enqueue_entity(cfs_rq *cfs, sched_entity *se, bint initial) noexcept nogil:
    # an entity that is on no queue joins this one
    update_curr(cfs)
    update_cfs_group(se)
    place_entity(cfs, se, initial)
    account_entity_enqueue(cfs, se)
    tree_enqueue(cfs, se)
    se.on_rq = 1


cdef void count_runnable(sched_entity *se, int32_t change) noexcept nogil:
    # in all queues above a task; a delayed group has no tasks
    if entity_is_task(se):
        while se != NULL:
            se.cfs_rq.h_nr_runnable += change
            se = se.parent


cdef void set_delayed(sched_entity *se) noexcept nogil:
    se.sched_delayed = 1
    count_runnable(se, -1)


cdef void clear_delayed(sched_entity *se) noexcept nogil:
    se.sched_delayed = 0
    count_runnable(se, 1)


cdef inline void finish_delayed_dequeue_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    clear_delayed(se)
    if has_feature(cfs, DELAY_ZERO) and se.vlag > 0:
        se.vlag = 0


cdef inline bint is_to_be_delayed(const cfs_rq *cfs, const sched_entity *se, int flags) noexcept nogil:
    # a sleeper with a debt
    if not flags & TASK_SLEEPS or flags & (TASK_EXITS | FINISHES_DELAY) or not has_feature(cfs, DELAY_DEQUEUE):
        return False
    return not entity_eligible(cfs, se)


cdef bint dequeue_entity(cfs_rq *cfs, sched_entity *se, int flags) noexcept nogil:
    # True: it has left. False: it is delayed. `curr` may still be the one that has left; put_prev_entity clears it.
    update_curr(cfs)
    clear_buddies(cfs, se)
    if is_to_be_delayed(cfs, se, flags):
        set_delayed(se)
        return False
    update_entity_lag(cfs, se)
    if has_feature(cfs, PLACE_REL_DEADLINE) and not flags & TASK_SLEEPS:
        make_deadline_relative(se)
    if se != cfs.curr:
        tree_dequeue(cfs, se)
    se.on_rq = 0
    account_entity_dequeue(cfs, se)
    if not flags & KEEPS_BASE:
        update_min_vruntime(cfs)
    if flags & FINISHES_DELAY:
        finish_delayed_dequeue_entity(cfs, se)
    return True


cdef void place_again_without_lag(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    cfs.nr_queued -= 1
    if se != cfs.curr:
        tree_dequeue(cfs, se)
    se.vlag = 0
    place_entity(cfs, se, False)
    if se != cfs.curr:
        tree_enqueue(cfs, se)
    cfs.nr_queued += 1


cdef void requeue_delayed_entity(sched_entity *se) noexcept nogil:
    # A delayed one is wanted again. A paid debt must not become a credit. Nothing is charged before (oddity 4).
    cdef cfs_rq *cfs = se.cfs_rq
    if has_feature(cfs, DELAY_ZERO):
        update_entity_lag(cfs, se)
        if se.vlag > 0:
            place_again_without_lag(cfs, se)
    clear_delayed(se)


cdef inline void set_next_entity(cfs_rq *cfs, sched_entity *se, bint first) noexcept nogil:
    # select: out of the tree, and its protection begins. From 6.18.26 on only `first`, when it was picked
    clear_buddies(cfs, se)
    if se.on_rq:
        tree_dequeue(cfs, se)
    if SUBLEVEL < 26 or first:
        set_protect_slice(cfs, se)
    se.exec_start = cfs.rq.clock
    cfs.curr = se


cdef void put_prev_entity(cfs_rq *cfs, sched_entity *se) noexcept nogil:
    # release
    if se.on_rq:
        update_curr(cfs)
        tree_enqueue(cfs, se)
    cfs.curr = NULL


cdef inline bint has_eligible_buddy(const cfs_rq *cfs, const load_sum *total) noexcept nogil:
    return cfs.next != NULL and has_feature(cfs, PICK_BUDDY) and vruntime_eligible(cfs, total, cfs.next.vruntime)


cdef inline sched_entity *pick_eevdf(const cfs_rq *cfs, bint protect) noexcept nogil:
    # Of the eligible ones the one with the earliest deadline; of equals the waiting one. NULL: none is eligible.
    cdef load_sum total = load_sum_of(cfs)
    cdef sched_entity *curr = cfs.curr if curr_counts(cfs) else NULL
    cdef sched_entity *best
    if cfs.nr_queued == 1:
        return curr if curr != NULL else first_entity(cfs)
    if SUBLEVEL >= 44 and has_eligible_buddy(cfs, &total):
        return cfs.next
    if curr != NULL and not vruntime_eligible(cfs, &total, curr.vruntime):
        curr = NULL
    if curr != NULL and protect and protect_slice(curr):
        return curr
    best = first_eligible(cfs, &total)
    if best == NULL or (curr != NULL and before(curr.deadline, best.deadline)):
        return curr
    return best

# ------------------------------------------------------------------------------------------- up and down the groups


cdef void update_upwards(sched_entity *se, ns_t slice, tally *change) noexcept nogil:
    # From an entity that stays queued: each group's slice is the least below it, and all queues are counted
    cdef cfs_rq *cfs
    while se != NULL:
        cfs = se.cfs_rq
        update_cfs_group(se)
        se.slice = slice
        if se != cfs.curr:
            min_propagate(&se.run_node, NULL)
        slice = cfs_rq_min_slice(cfs)
        count_tasks(cfs, change)
        se = se.parent


cdef void join_upwards(sched_entity *se, bint initial, tally *change) noexcept nogil:
    # `se` joins its queue, and so does each group above that was not queued
    cdef cfs_rq *cfs
    cdef ns_t slice = 0
    while se != NULL and not se.on_rq:
        cfs = se.cfs_rq
        if slice != 0:
            se.slice, se.custom_slice = slice, 1
        enqueue_entity(cfs, se, initial)
        initial = False
        slice = cfs_rq_min_slice(cfs)
        count_tasks(cfs, change)
        se = se.parent
    if se != NULL and se.sched_delayed:
        requeue_delayed_entity(se)
    update_upwards(se, slice, change)


cdef sched_entity *leave_upwards(sched_entity *se, int flags, tally *change, ns_t *slice) noexcept nogil:
    # `se` leaves its queue, and so does each group above that is empty then. Returns the first entity that stays, with
    # the slice that it is to have; `se` itself, untouched, if that is a task which is delayed.
    cdef bint sleeps = flags & TASK_SLEEPS != 0
    cdef cfs_rq *cfs
    while se != NULL:
        cfs = se.cfs_rq
        if not dequeue_entity(cfs, se, flags):
            slice[0] = cfs_rq_min_slice(cfs)
            return se
        count_tasks(cfs, change)
        se = se.parent
        if cfs.load_weight != 0:
            slice[0] = cfs_rq_min_slice(cfs)
            if sleeps and se != NULL:
                set_next_buddy(se)
            return se
        flags = TASK_SLEEPS | (flags & KEEPS_BASE)
    return NULL


cdef bint dequeue_entities(rq *rq, sched_entity *se, int flags) noexcept nogil:
    # Take a task, or a group after its delay, off its queue. False: the task is delayed and stays.
    cdef task *p = task_of(se) if entity_is_task(se) else NULL
    cdef tally change = tally(0, 0, 0)
    cdef ns_t slice = 0
    cdef sched_entity *stays
    if p != NULL:
        change.queued = -1
        change.runnable = -1 if flags & (TASK_SLEEPS | FINISHES_DELAY) or not se.sched_delayed else 0
        change.idle = -1 if p.policy == SCHED_IDLE else 0
    stays = leave_upwards(se, flags, &change, &slice)
    if p != NULL and stays == se:
        return False
    update_upwards(stays, slice, &change)
    if p != NULL:
        dec_nr_running(rq, p)
    return True


cdef void find_matching_se(sched_entity **se, sched_entity **pse) noexcept nogil:
    # go up to where both are in one queue
    while se[0].cfs_rq != pse[0].cfs_rq:
        if se[0].depth >= pse[0].depth:
            se[0] = se[0].parent
        else:
            pse[0] = pse[0].parent

# --------------------------------------------------------------------------------------------- operations on tasks


cdef void enqueue_task_fair(rq *rq, task *p, int flags) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    cdef bint wakes = flags & TASK_WAKES != 0
    cdef tally change
    if wakes and se.sched_delayed:
        requeue_delayed_entity(se)
        return
    change.queued = 1
    change.runnable = 1 if wakes or not se.sched_delayed else 0
    change.idle = 1 if p.policy == SCHED_IDLE else 0
    join_upwards(se, flags & TASK_IS_NEW != 0, &change)
    inc_nr_running(rq, p)


cdef void dequeue_task_fair(rq *rq, task *p, int flags) noexcept nogil:
    # a task that blocks may be delayed: p.on_rq tells
    if p.state == TASK_DEAD:
        flags |= TASK_EXITS
    dequeue_entities(rq, entity_of(p), flags)


cdef void put_prev_task_fair(rq *rq, task *p) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    while se != NULL:
        put_prev_entity(se.cfs_rq, se)
        se = se.parent


cdef inline void set_next_task(task *p, bint first) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    while se != NULL:
        set_next_entity(se.cfs_rq, se, first)
        se = se.parent


cdef void set_curr_task_fair(rq *rq, task *p) noexcept nogil:
    # after a change of the running task
    set_next_task(p, False)


cdef sched_entity *pick_next_entity(cfs_rq *cfs) noexcept nogil:
    # the eligible buddy, which from 6.18.44 on is part of the search, else the search. NULL: the choice was a delayed
    # one, which has left; the queues have changed
    cdef sched_entity *se
    if curr_counts(cfs):
        update_curr(cfs)
    if SUBLEVEL < 44 and cfs.next != NULL and has_feature(cfs, PICK_BUDDY) and entity_eligible(cfs, cfs.next):
        return cfs.next
    se = pick_eevdf(cfs, True)
    if se == NULL:
        bug_on(cfs.rq, True, BUG_NOTHING_ELIGIBLE)
        se = first_entity(cfs)
    if se.sched_delayed:
        dequeue_entities(cfs.rq, se, TASK_SLEEPS | FINISHES_DELAY)
        return NULL
    return se


cdef task *pick_task_fair(rq *rq) noexcept nogil:
    # from the root queue down to a task, and again from the root if a delayed one was in the way
    cdef cfs_rq *cfs = root_of(rq)
    cdef sched_entity *se
    while cfs.nr_queued != 0:
        se = pick_next_entity(cfs)
        if se == NULL:
            cfs = root_of(rq)
        elif entity_is_task(se):
            return task_of(se)
        else:
            cfs = se.my_q
    return rq.idle


cdef void switch_entities(sched_entity *prev, sched_entity *next) noexcept nogil:
    # put and set, but only up to the queue where the two paths meet: what is above runs on, protection and all
    while prev.cfs_rq != next.cfs_rq:
        if prev.depth >= next.depth:
            put_prev_entity(prev.cfs_rq, prev)
            prev = prev.parent
        else:
            set_next_entity(next.cfs_rq, next, True)
            next = next.parent
    put_prev_entity(prev.cfs_rq, prev)
    set_next_entity(next.cfs_rq, next, True)


cdef task *pick_next_task_fair(rq *rq, task *prev) noexcept nogil:
    # a task that is picked again continues as if nothing had happened
    cdef task *p = pick_task_fair(rq)
    if p != prev:
        if prev == rq.idle:
            set_next_task(p, True)
        elif p == rq.idle:
            put_prev_task_fair(rq, prev)
        else:
            switch_entities(entity_of(prev), entity_of(p))
    prev.need_resched = 0
    return p


cdef void yield_task_fair(rq *rq) noexcept nogil:
    # give up the rest of the request: v goes to the deadline, unless it is ahead of V anyway
    cdef sched_entity *se = entity_of(rq.curr)
    cdef cfs_rq *cfs = se.cfs_rq
    update_rq_clock(rq)
    if rq.nr_running == 1:
        return
    clear_buddies(cfs, se)
    update_curr(cfs)
    if entity_eligible(cfs, se):
        se.vruntime = se.deadline
        if SUBLEVEL >= 26:
            update_deadline(cfs, se)
        else:
            se.deadline += calc_delta_fair(se.slice, se)
            update_min_vruntime(cfs)


cdef void preempt(rq *rq, sched_entity *se, bint short) noexcept nogil:
    if short:
        cancel_protect_slice(se)
    resched_task(rq.curr)


cdef inline sched_entity *pick_and_finish(cfs_rq *cfs, bint protect) noexcept nogil:
    # the search; from 6.18.44 on a delayed one in the way leaves, and it begins again
    cdef sched_entity *best = pick_eevdf(cfs, protect)
    while SUBLEVEL >= 44 and best != NULL and best.sched_delayed:
        dequeue_entities(cfs.rq, best, TASK_SLEEPS | FINISHES_DELAY)
        best = pick_eevdf(cfs, protect)
    return best


cdef inline void nominate_if_sooner(cfs_rq *cfs, sched_entity *pse) noexcept nogil:
    # from 6.18.44 on, and only if it comes to a choice
    if has_feature(cfs, NEXT_BUDDY) and (cfs.next == NULL or not before(cfs.next.deadline, pse.deadline)):
        set_next_buddy(pse)


cdef void check_preempt_equals(rq *rq, sched_entity *se, sched_entity *pse, bint forked) noexcept nogil:
    # both idle or neither. From 6.18.44 on an equal slice does not let a new task preempt, and a check that fails
    # always shortens protection
    cdef cfs_rq *cfs = se.cfs_rq
    cdef bint short
    update_curr(cfs)
    short = has_feature(cfs, PREEMPT_SHORT) and pse.slice < se.slice
    if SUBLEVEL >= 44 and not short:
        if forked or pse.sched_delayed:
            return
        nominate_if_sooner(cfs, pse)
    if pick_and_finish(cfs, not short) == pse:
        preempt(rq, se, short)
    elif (short or SUBLEVEL >= 44) and has_feature(cfs, RUN_TO_PARITY):
        update_protect_slice(cfs, se)


cdef void check_preempt_siblings(
    rq *rq, sched_entity *se, sched_entity *pse, const task *p, bint forked
) noexcept nogil:
    # `se` runs, `pse`, with the task `p`, has come, both in one queue
    if se_is_idle(se) != se_is_idle(pse):
        if se_is_idle(se):
            preempt(rq, se, True)
    elif p.policy == SCHED_NORMAL:
        check_preempt_equals(rq, se, pse, forked)


cdef void check_preempt_wakeup_fair(rq *rq, task *p, bint forked) noexcept nogil:
    cdef sched_entity *se = entity_of(rq.curr)
    cdef sched_entity *pse = entity_of(p)
    if rq.curr == rq.idle:
        resched_task(rq.curr)
        return
    if rq.curr == p:
        return
    if SUBLEVEL < 44 and has_feature(pse.cfs_rq, NEXT_BUDDY) and not forked and not pse.sched_delayed:
        set_next_buddy(pse)
    if rq.curr.need_resched & RESCHED or not has_feature(pse.cfs_rq, WAKEUP_PREEMPTION):
        return
    find_matching_se(&se, &pse)
    check_preempt_siblings(rq, se, pse, p, forked)


cdef void check_preempt_curr_fair(rq *rq, task *p) noexcept nogil:
    check_preempt_wakeup_fair(rq, p, False)


cdef void task_tick_fair(rq *rq, task *p) noexcept nogil:
    cdef sched_entity *se = entity_of(p)
    while se != NULL:
        update_curr(se.cfs_rq)
        update_cfs_group(se)
        se = se.parent


cdef void task_new_fair(rq *rq, task *p, bint clone_vm) noexcept nogil:
    enqueue_task_fair(rq, p, TASK_IS_NEW)
    check_preempt_wakeup_fair(rq, p, True)

# ------------------------------------------------------------------------------- changes of a task, queued or not
# Around each change the task is off its queue, and put if it runs.


cdef bint begin_change(rq *rq, task *p, int flags) noexcept nogil:
    # returns whether it was queued, delayed ones too
    cdef bint queued = p.on_rq
    update_rq_clock(rq)
    if queued:
        dequeue_entities(rq, entity_of(p), flags)
    if p == rq.curr:
        put_prev_task_fair(rq, p)
    return queued


cdef void end_change(rq *rq, task *p, bint queued) noexcept nogil:
    if queued:
        enqueue_task_fair(rq, p, 0)
    if p == rq.curr:
        set_curr_task_fair(rq, p)


cdef void reweight_task(task *p) noexcept nogil:
    cdef load_weight load = load_of_task(p)
    reweight_entity(entity_of(p).cfs_rq, entity_of(p), &load)


cdef void prio_changed_fair(rq *rq, task *p, int old_prio) noexcept nogil:
    if not p.on_rq or root_of(rq).nr_queued == 1:
        return
    if p != rq.curr:
        check_preempt_curr_fair(rq, p)
    elif p.prio > old_prio:
        resched_task(p)


cdef void set_user_nice_fair(rq *rq, task *p, int8_t nice) noexcept nogil:
    cdef bint queued = begin_change(rq, p, KEEPS_BASE)
    cdef int old_prio = p.prio
    p.nice = nice
    p.prio = PRIO_DEFAULT + nice
    reweight_task(p)
    end_change(rq, p, queued)
    prio_changed_fair(rq, p, old_prio)


cdef inline ns_t clamp_slice(ns_t slice) noexcept nogil:
    return SLICE_MIN if slice < SLICE_MIN else SLICE_MAX if slice > SLICE_MAX else slice


cdef void set_custom_slice(const cfs_rq *cfs, sched_entity *se, ns_t slice) noexcept nogil:
    # 0: back to the default
    se.custom_slice = slice != 0
    if se.custom_slice:
        se.slice = clamp_slice(slice)
    use_base_slice(cfs, se)


cdef void setscheduler(rq *rq, task *p, uint8_t policy, ns_t slice) noexcept nogil:
    # Policy and slice are one call, which does nothing if neither is new; policy idle does not look at the slice
    cdef sched_entity *se = entity_of(p)
    cdef bint queued
    if policy == p.policy and (policy == SCHED_IDLE or slice == se.slice):
        return
    queued = begin_change(rq, p, KEEPS_BASE)
    p.policy = policy
    if policy != SCHED_IDLE:
        set_custom_slice(se.cfs_rq, se, slice)
    reweight_task(p)
    end_change(rq, p, queued)


cdef void setscheduler_fair(rq *rq, task *p, uint8_t policy) noexcept nogil:
    # AS SPECIFIED: the same policy again is a change, because 0 means the default slice and is not equal to it
    setscheduler(rq, p, policy, entity_of(p).slice if entity_of(p).custom_slice else 0)


cdef void set_slice_fair(rq *rq, task *p, ns_t slice) noexcept nogil:
    setscheduler(rq, p, p.policy, slice)


cdef void move_task_fair(rq *rq, task *p, task_group *tg) noexcept nogil:
    # lag and remaining request go along, and the running task is checked again
    cdef bint queued = begin_change(rq, p, 0)
    set_task_group(p, tg)
    end_change(rq, p, queued)
    if p == rq.curr:
        resched_task(p)

# ---------------------------------------------------------------------------------- facts of tasks, groups and CPUs


cdef void task_fork_fair(task *p, task *parent) noexcept nogil:
    # a slice of its own is inherited; the rest of the entity is zero
    entity_of(p).slice = entity_of(parent).slice
    entity_of(p).custom_slice = entity_of(parent).custom_slice
    set_load(entity_of(p), &entity_of(parent).load)
    if SUBLEVEL >= 26:
        entity_of(p).max_slice = entity_of(parent).max_slice    # AS SPECIFIED: although it is in no tree yet


cdef void set_load_weight_fair(task *p) noexcept nogil:
    cdef load_weight load = load_of_task(p)
    set_load(entity_of(p), &load)


cdef void set_parent(sched_entity *se, const task_group *tg, const rq *rq) noexcept nogil:
    # `se` belongs into this group
    se.cfs_rq = queue_on(tg, rq)
    se.parent = entity_on(tg, rq)
    se.depth = 0 if se.parent == NULL else se.parent.depth + 1


cdef void set_task_rq_fair(task *p) noexcept nogil:
    set_parent(entity_of(p), p.group, p.rq)


cdef void migrate_task_rq_fair(task *p, rq *to) noexcept nogil:
    # lag and remaining request are relative and travel; virtual times of CPUs are never compared
    entity_of(p).exec_start = 0


cdef void init_cfs_rq(cfs_rq *cfs, rq *rq, task_group *tg) noexcept nogil:
    cfs.min_vruntime = <vns_t>-(1 << 20)
    cfs.rq = rq
    cfs.tg = tg
    cfs.exact_min_slice = tunables_of(rq).exact_min_slice != 0


cdef void init_rq_fair(rq *rq) noexcept nogil:
    init_cfs_rq(root_of(rq), rq, NULL)
    set_task_rq_fair(rq.idle)


cdef void init_group_fair(task_group *tg, int32_t cpu) noexcept nogil:
    cdef eevdf_group *group = group_on(tg, cpu)
    cdef rq *rq = tg.machine.rqs[cpu]
    cdef load_weight load = load_of_shares(tg.shares)
    if tg.parent == NULL:
        root_of(rq).tg = tg
        return
    init_cfs_rq(&group.cfs_rq, rq, tg)
    group.se.my_q = &group.cfs_rq
    set_parent(&group.se, tg.parent, rq)
    set_load(&group.se, &load)


cdef void exit_group_fair(task_group *tg, int32_t cpu) noexcept nogil:
    # an empty group may still be delayed
    cdef sched_entity *se = entity_on(tg, tg.machine.rqs[cpu])
    if se != NULL and se.on_rq:
        dequeue_entities(se.cfs_rq.rq, se, TASK_SLEEPS | FINISHES_DELAY)


cdef void set_shares(task_group *tg, uint64_t shares) noexcept nogil:
    cdef int32_t cpu
    cdef sched_entity *se
    if shares == tg.shares:
        return
    tg.shares = shares
    for cpu in range(tg.machine.nr_cpus):
        update_rq_clock(tg.machine.rqs[cpu])
        se = entity_on(tg, tg.machine.rqs[cpu])
        while se != NULL:
            update_cfs_group(se)
            se = se.parent


cdef void write_shares_fair(task_group *tg, uint64_t shares) noexcept nogil:
    # the root group has no weight, and that of an idle group is fixed
    if tg.parent != NULL and not tg.idle:
        set_shares(tg, SHARES_MIN if shares < SHARES_MIN else SHARES_MAX if shares > SHARES_MAX else shares)


cdef void count_idle(cfs_rq *cfs, uint32_t change) noexcept nogil:
    # in the queues above `cfs`, up to one that is idle itself, above which all its tasks count already
    cdef sched_entity *se = entity_on(cfs.tg, cfs.rq)
    while se != NULL and se.on_rq:
        se.cfs_rq.h_nr_idle += change
        if se.cfs_rq.idle:
            return
        se = se.parent


cdef void set_group_idle_fair(task_group *tg, bint idle) noexcept nogil:
    # AS SPECIFIED: the shares that an idle group had before are forgotten
    cdef int32_t cpu
    cdef cfs_rq *cfs
    cdef uint32_t others
    if tg.parent == NULL or idle == tg.idle:
        return
    tg.idle = idle
    for cpu in range(tg.machine.nr_cpus):
        cfs = &group_on(tg, cpu).cfs_rq
        cfs.idle = idle
        others = cfs.h_nr_queued - cfs.h_nr_idle
        count_idle(cfs, others if idle else -others)
    set_shares(tg, WEIGHT_IDLEPRIO if idle else SHARES_DEFAULT)


cdef void init_tunables_fair(uint64_t *values) noexcept nogil:
    cdef eevdf_tunables *tunables = <eevdf_tunables *>values
    tunables.base_slice_ns = 700000
    tunables.normalized_base_slice_ns = 700000
    tunables.tick_nsec = 1000000
    tunables.sched_features = 1023 & ~NEXT_BUDDY
    tunables.exact_min_slice = 0

# ------------------------------------------------------------------------------------------ looking in from outside


cdef void *task_entity_fair(task *p) noexcept nogil:
    return entity_of(p)


cdef void *group_entity_fair(task_group *tg, int32_t cpu) noexcept nogil:
    # of the root group: all zero, it has none
    return &group_on(tg, cpu).se


cdef void *group_queue_fair(task_group *tg, int32_t cpu) noexcept nogil:
    return queue_on(tg, tg.machine.rqs[cpu])


cdef void *root_queue_fair(rq *rq) noexcept nogil:
    return root_of(rq)


cdef queued queued_of_fair(const void *entity) noexcept nogil:
    cdef const sched_entity *se = <const sched_entity *>entity
    cdef queued who
    who.p = task_of(se) if entity_is_task(se) else NULL
    who.tg = NULL if entity_is_task(se) else se.my_q.tg
    return who


cdef size_t list_queue_fair(const void *queue, queued *out, size_t room) noexcept nogil:
    # the waiting entities by deadline; returns how many there are, writes at most `room`
    cdef const rb_node *node = (<const cfs_rq *>queue).tasks_timeline.leftmost
    cdef size_t nr = 0
    while node != NULL:
        if nr < room:
            out[nr] = queued_of_fair(node)
        nr += 1
        node = rb_next(node)
    return nr


cdef uint64_t slice_of_fair(const void *entity) noexcept nogil:
    return (<const sched_entity *>entity).slice


cdef vns_t vslice_of_fair(const void *entity) noexcept nogil:
    return calc_delta_fair((<const sched_entity *>entity).slice, <const sched_entity *>entity)


cdef uint64_t average_of_queue(const void *queue) noexcept nogil:
    return avg_vruntime(<const cfs_rq *>queue)


cdef uint64_t min_slice_of_queue(const void *queue) noexcept nogil:
    return 0 if (<const cfs_rq *>queue).nr_queued == 0 else cfs_rq_min_slice(<const cfs_rq *>queue)


cdef int check_rq_of_release(rq *rq) noexcept nogil:
    return check_rq_fair(rq, SUBLEVEL >= 26)

# --------------------------------------------------------------------------------------------------- the hook table

cdef field_table entity_fields = new_fields("entity_fields")
add_field(&entity_fields, "vruntime", &(<sched_entity *>NULL).vruntime, FIELD_U64)
add_field(&entity_fields, "sum_exec_runtime", &(<sched_entity *>NULL).sum_exec_runtime, FIELD_U64)
add_field(&entity_fields, "on_rq", &(<sched_entity *>NULL).on_rq, FIELD_U8)
add_field(&entity_fields, "load_weight", &(<sched_entity *>NULL).load.weight, FIELD_U64)
add_field(&entity_fields, "deadline", &(<sched_entity *>NULL).deadline, FIELD_U64)
add_field(&entity_fields, "vlag", &(<sched_entity *>NULL).vlag, FIELD_S64)
add_field(&entity_fields, "slice", &(<sched_entity *>NULL).slice, FIELD_U64)
add_field(&entity_fields, "sched_delayed", &(<sched_entity *>NULL).sched_delayed, FIELD_U8)
add_field(&entity_fields, "custom_slice", &(<sched_entity *>NULL).custom_slice, FIELD_U8)
add_field(&entity_fields, "rel_deadline", &(<sched_entity *>NULL).rel_deadline, FIELD_U8)
add_field(&entity_fields, "exec_start", &(<sched_entity *>NULL).exec_start, FIELD_U64)

cdef field_table queue_fields = new_fields("queue_fields")
add_field(&queue_fields, "min_vruntime", &(<cfs_rq *>NULL).min_vruntime, FIELD_U64)
add_field(&queue_fields, "load_weight", &(<cfs_rq *>NULL).load_weight, FIELD_U64)
add_field(&queue_fields, "nr_running", &(<cfs_rq *>NULL).h_nr_queued, FIELD_U32)  # what older releases call it
add_field(&queue_fields, "nr_queued", &(<cfs_rq *>NULL).nr_queued, FIELD_U32)
add_field(&queue_fields, "avg_vruntime", &(<cfs_rq *>NULL).avg_vruntime, FIELD_S64)
add_field(&queue_fields, "avg_load", &(<cfs_rq *>NULL).avg_load, FIELD_U64)
add_derived(&queue_fields, "V", average_of_queue)
add_field(&queue_fields, "h_nr_queued", &(<cfs_rq *>NULL).h_nr_queued, FIELD_U32)
add_field(&queue_fields, "h_nr_runnable", &(<cfs_rq *>NULL).h_nr_runnable, FIELD_U32)
add_field(&queue_fields, "h_nr_idle", &(<cfs_rq *>NULL).h_nr_idle, FIELD_U32)
add_derived(&queue_fields, "min_slice", min_slice_of_queue)

cdef field_table queue_entities = new_fields("queue_entities")
add_field(&queue_entities, "curr", &(<cfs_rq *>NULL).curr, FIELD_ENTITY)
add_field(&queue_entities, "next", &(<cfs_rq *>NULL).next, FIELD_ENTITY)

cdef field_table tunables = new_fields("tunables")
add_field(&tunables, "base_slice_ns", &(<eevdf_tunables *>NULL).base_slice_ns, FIELD_U64)
add_field(&tunables, "normalized_base_slice_ns", &(<eevdf_tunables *>NULL).normalized_base_slice_ns, FIELD_U64)
add_field(&tunables, "tick_nsec", &(<eevdf_tunables *>NULL).tick_nsec, FIELD_U64)
add_field(&tunables, "sched_features", &(<eevdf_tunables *>NULL).sched_features, FIELD_U64)
add_field(&tunables, "exact_min_slice", &(<eevdf_tunables *>NULL).exact_min_slice, FIELD_U64)

# Every pointer of the structs, for snapshots.
cdef pointer_table task_pointers = new_pointers("task_pointers")
add_pointer(&task_pointers, &(<eevdf_task *>NULL).se.run_node.parent_color, 1, POINTER_ENTITY | POINTER_TAGGED)
add_pointer(&task_pointers, &(<eevdf_task *>NULL).se.run_node.child[0], 2, POINTER_ENTITY)
add_pointer(&task_pointers, &(<eevdf_task *>NULL).se.cfs_rq, 1, POINTER_FIXED)
add_pointer(&task_pointers, &(<eevdf_task *>NULL).se.parent, 1, POINTER_FIXED)
add_pointer(&task_pointers, &(<eevdf_task *>NULL).se.my_q, 1, POINTER_FIXED)

cdef pointer_table rq_pointers = new_pointers("rq_pointers")
add_pointer(&rq_pointers, &(<eevdf_rq *>NULL).cfs.tasks_timeline.node, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<eevdf_rq *>NULL).cfs.tasks_timeline.leftmost, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<eevdf_rq *>NULL).cfs.curr, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<eevdf_rq *>NULL).cfs.next, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<eevdf_rq *>NULL).cfs.rq, 1, POINTER_FIXED)
add_pointer(&rq_pointers, &(<eevdf_rq *>NULL).cfs.tg, 1, POINTER_PLAIN)  # the root group's: init_group sets it

cdef pointer_table group_pointers = new_pointers("group_pointers")
add_pointer(&group_pointers, &(<eevdf_group *>NULL).se.run_node.parent_color, 1, POINTER_ENTITY | POINTER_TAGGED)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).se.run_node.child[0], 2, POINTER_ENTITY)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).se.cfs_rq, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).se.parent, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).se.my_q, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).cfs_rq.tasks_timeline.node, 1, POINTER_ENTITY)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).cfs_rq.tasks_timeline.leftmost, 1, POINTER_ENTITY)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).cfs_rq.curr, 1, POINTER_ENTITY)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).cfs_rq.next, 1, POINTER_ENTITY)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).cfs_rq.rq, 1, POINTER_FIXED)
add_pointer(&group_pointers, &(<eevdf_group *>NULL).cfs_rq.tg, 1, POINTER_FIXED)

table.task_size = sizeof(eevdf_task)
table.rq_size = sizeof(eevdf_rq)
table.group_size = sizeof(eevdf_group)
table.tunables_size = sizeof(eevdf_tunables)
table.load_offset = <size_t>&(<eevdf_task *>NULL).se.load
table.enqueue_task = enqueue_task_fair
table.dequeue_task = dequeue_task_fair
table.task_new = task_new_fair
table.yield_task = yield_task_fair
table.check_preempt_curr = check_preempt_curr_fair
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
table.exit_group = exit_group_fair
table.init_tunables = init_tunables_fair
table.set_user_nice = set_user_nice_fair
table.setscheduler = setscheduler_fair
table.move_task = move_task_fair
table.write_shares = write_shares_fair
table.set_slice = set_slice_fair
table.set_group_idle = set_group_idle_fair
table.task_entity = task_entity_fair
table.group_entity = group_entity_fair
table.group_queue = group_queue_fair
table.root_queue = root_queue_fair
table.list_queue = list_queue_fair
table.queued_of = queued_of_fair
table.slice_of = slice_of_fair
table.vslice_of = vslice_of_fair
table.check_rq = check_rq_of_release
table.entity_fields = entity_fields.fields
table.queue_fields = queue_fields.fields
table.queue_entities = queue_entities.fields
table.tunables = tunables.fields
table.task_pointers = task_pointers.pointers
table.rq_pointers = rq_pointers.pointers
table.group_pointers = group_pointers.pointers

