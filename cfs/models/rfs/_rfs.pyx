"""The RFS model: fairness by a weighted average that advances in steps, without a division.

Model: rfs-model. Source: none. The Really Fair Scheduler was announced on 2007-08-31; no readable archive has its
patch. This is a model of the mathematics, not the original patch. Everything that the mathematics does not demand is
our own choice: tunables, where a woken or a new task begins, what a yield does.
What it decides: which task runs, and for how long, by the distance of each task from the average of all.

The idea. Each task has a normalised time n = run time * 1024 / weight. Let A be the average of all n, weighted by w,
and W the sum of weights. Running for d moves A by d * 1024 / W, as the fair clock of CFS 2.6.23 does. But here no
division is needed, because A is only stored as

    A = B + O / W      O = sum of w * (n - B)        B a multiple of the step S = 2**shift

    run for d    n += d * 1024 / w  (one multiplication by an inverse, none for nice 0)      (update_curr)
                 O += d * 1024      (a shift: w * d * 1024 / w)
    then         while O >= W * S:  B += S, O -= W * S                                       (advance_base)
    join         O += w * (n - B)   woken: n = later(n, B);  new: n = B + slice * 1024 / w   (join_average)
    leave        O -= w * (n - B);  the last one: O = 0                                      (leave_average)

The task with the smallest n runs. Its turn ends at the first tick with n > A + slice * 1024 / w. A woken task
preempts if n + granularity * 1024 / w(running) < n(running). W cancels in the differences of n, so the order is that
of CFS 2.6.24.

The corner case. A task that leaves with n away from A moves the average: it jumps by (A - n) * w / (W - w); a fair
clock would not. If the jump is backwards, B stays (I3), and O is negative until the others have run.

Rounding. O counts d * 1024, while w * (change of n) is rounded: each charge of d drifts O from its sum by at most
w / 2 + 2**15 + 1 + d * w / 2**23; nothing at nice 0. The drift ends when the queue is empty.

Invariants (`check_rq` checks 1, 2, 4 and 5):
    I1  nr_running and load of the CPU are those of the tree and of the running task; keys never decrease along the tree
    I2  the running task is in no tree. The idle task runs if nr_running is 0; otherwise it continues only after a
        synchronous wakeup, up to schedule()
    I3  B never goes back, and changes by whole steps
    I4  O of an empty queue is 0
    I5  A < B + S after each event; and B <= A, unless a task left or changed its weight, and A has not recovered
        since
    I6  O is the sum of w * (n - B), up to the drift

Rejected: the sum with every product made anew (O(n), or a division); the `while` above as written (a task of weight 2
that runs for a second needs half a million rounds; the loop below doubles the step and needs forty); a base that
follows the average back (a waker would be placed further back than those that never slept).
"""

from cpython.pycapsule cimport PyCapsule_New

from ..._core cimport check_preempt_curr, dec_nr_running, inc_nr_running, resched_task, update_rq_clock
from ..._fixedpoint cimport NICE_0_SHIFT, calc_delta_fair, max_vruntime, signed_difference
from ..._load cimport WEIGHT_IDLEPRIO, load_from_nice, load_from_shares
from ..._rbtree cimport rb_check, rb_erase, rb_insert, rb_link_node, rb_next
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
    FIELD_S64,
    FIELD_U8,
    FIELD_U64,
    LEFT,
    POINTER_ENTITY,
    POINTER_TAGGED,
    SCHED_BATCH,
    SCHED_IDLE,
    TASK_WAKES,
    int64_t,
    ns_t,
    queued,
    rb_node,
    rq,
    sched_class,
    task,
    uint64_t,
    vns_t,
)

# ------------------------------------------------------------------------------------------------ generic entities


cdef inline rfs_entity *entity_of(const task *p) noexcept nogil:
    return &(<rfs_task *>p).se


cdef inline task *task_of(const rfs_entity *se) noexcept nogil:
    return <task *>(<char *>se - <size_t>&(<rfs_task *>NULL).se)


cdef inline rfs_entity *entity_of_node(const rb_node *node) noexcept nogil:
    # the node is the entity's first member
    return <rfs_entity *>node


cdef inline const rfs_tunables *tunables_of(const rfs_rq *rfs) noexcept nogil:
    return <const rfs_tunables *>rfs.rq.machine.tunables

# ---------------------------------------------------------------------------------------------------- tree handling


cdef inline int64_t entity_key(const rfs_rq *rfs, const rfs_entity *se) noexcept nogil:
    return signed_difference(se.vruntime, rfs.base)


cdef inline void tree_enqueue(rfs_rq *rfs, rfs_entity *se) noexcept nogil:
    # after all equal keys: a preempted task lets its equals run first
    cdef int64_t key = entity_key(rfs, se)
    cdef rb_node *at = rfs.tasks_timeline.node
    cdef rb_node *parent = NULL
    cdef int side = LEFT
    cdef int went_right = 0
    while at != NULL:
        parent = at
        side = key >= entity_key(rfs, entity_of_node(at))
        went_right |= side
        at = at.child[side]
    rb_link_node(&se.run_node, parent, side, &rfs.tasks_timeline)
    rb_insert(&se.run_node, &rfs.tasks_timeline, not went_right)


cdef inline void tree_dequeue(rfs_rq *rfs, rfs_entity *se) noexcept nogil:
    rb_erase(&se.run_node, &rfs.tasks_timeline)


cdef inline rfs_entity *first_entity(const rfs_rq *rfs) noexcept nogil:
    return entity_of_node(rfs.tasks_timeline.leftmost)

# ------------------------------------------------------------------------------------------------------ the average


cdef void advance_base(rfs_rq *rfs) noexcept nogil:
    # B += k * S and O -= k * W * S with the greatest k that leaves O >= 0: doubled steps up, then down
    cdef uint64_t shift = tunables_of(rfs).rfs_step_shift
    cdef int64_t step_sum = <int64_t>(rfs.rq.load << shift)
    cdef int doubled = 0
    if rfs.offset_sum < step_sum or step_sum == 0:
        return
    while step_sum <= rfs.offset_sum >> 1:
        step_sum <<= 1
        doubled += 1
    while doubled >= 0:
        if rfs.offset_sum >= step_sum:
            rfs.offset_sum -= step_sum
            rfs.base += <uint64_t>1 << (shift + doubled)
        step_sum >>= 1
        doubled -= 1


cdef inline int64_t offset_of(const rfs_rq *rfs, const rfs_entity *se) noexcept nogil:
    # w * (n - B)
    return <int64_t>se.load.weight * entity_key(rfs, se)


cdef inline void join_average(rfs_rq *rfs, rfs_entity *se) noexcept nogil:
    rfs.offset_sum += offset_of(rfs, se)
    se.on_rq = 1
    inc_nr_running(&rfs.rq, task_of(se))
    advance_base(rfs)


cdef inline void leave_average(rfs_rq *rfs, rfs_entity *se) noexcept nogil:
    # the corner case: the distance of the leaving task from the average moves the average of the others
    rfs.offset_sum -= offset_of(rfs, se)
    se.on_rq = 0
    dec_nr_running(&rfs.rq, task_of(se))
    if rfs.rq.nr_running == 0:
        rfs.offset_sum = 0
    advance_base(rfs)


cdef inline bint beyond_average(const rfs_rq *rfs, const rfs_entity *se, vns_t distance) noexcept nogil:
    # n > A + distance, that is W * (n - B - distance) > O. As 0 <= O < W * S, but for what leavers took (I5), the product is
    # needed only within a step, where it cannot overflow. DIFFERS: an average that was moved back counts as B itself, so
    # that the others are not all beyond it until it has recovered
    cdef int64_t ahead = entity_key(rfs, se) - <int64_t>distance
    if ahead <= 0:
        return False
    if ahead >= <int64_t>1 << tunables_of(rfs).rfs_step_shift:
        return True
    return <int64_t>rfs.rq.load * ahead > rfs.offset_sum


cdef inline void update_curr(rfs_rq *rfs) noexcept nogil:
    # charge the running task, and with it the average
    cdef rfs_entity *curr = entity_of(rfs.rq.curr)
    cdef ns_t delta_exec = rfs.rq.clock - curr.exec_start
    if rfs.rq.curr == rfs.rq.idle:
        return
    curr.sum_exec_runtime += delta_exec
    curr.vruntime += calc_delta_fair(delta_exec, &curr.load)
    curr.exec_start = rfs.rq.clock
    rfs.offset_sum += <int64_t>(delta_exec << NICE_0_SHIFT)
    advance_base(rfs)

# --------------------------------------------------------------------------------------------- operations on tasks


cdef void enqueue_task_rfs(rq *rq, task *p, int flags) noexcept nogil:
    # woken: no task begins before the base, so none gains more than a step by sleeping
    cdef rfs_rq *rfs = <rfs_rq *>rq
    cdef rfs_entity *se = entity_of(p)
    update_curr(rfs)
    if flags & TASK_WAKES:
        se.vruntime = max_vruntime(se.vruntime, rfs.base)
    if p != rq.curr:
        tree_enqueue(rfs, se)
    join_average(rfs, se)


cdef void dequeue_task_rfs(rq *rq, task *p, int flags) noexcept nogil:
    cdef rfs_rq *rfs = <rfs_rq *>rq
    cdef rfs_entity *se = entity_of(p)
    update_curr(rfs)
    if p != rq.curr:
        tree_dequeue(rfs, se)
    leave_average(rfs, se)


cdef task *pick_next_task_rfs(rq *rq, task *prev) noexcept nogil:
    cdef rfs_rq *rfs = <rfs_rq *>rq
    cdef rfs_entity *se
    if prev != rq.idle and prev.on_rq:
        update_curr(rfs)
        tree_enqueue(rfs, entity_of(prev))
    if rfs.tasks_timeline.leftmost == NULL:
        return rq.idle
    se = first_entity(rfs)
    tree_dequeue(rfs, se)
    se.exec_start = rq.clock
    return task_of(se)


cdef void yield_task_rfs(rq *rq) noexcept nogil:
    # it is charged, and goes on if it still has the smallest n
    update_rq_clock(rq)
    update_curr(<rfs_rq *>rq)


cdef void check_preempt_curr_rfs(rq *rq, task *p) noexcept nogil:
    # of the two the granularity is weighted by the running side; a batch task waits
    cdef const rfs_entity *curr = entity_of(rq.curr)
    cdef vns_t granularity = calc_delta_fair(tunables_of(<rfs_rq *>rq).rfs_granularity_ns, &curr.load)
    if p.policy != SCHED_BATCH and signed_difference(entity_of(p).vruntime + granularity, curr.vruntime) < 0:
        resched_task(rq.curr)


cdef void task_tick_rfs(rq *rq, task *p) noexcept nogil:
    cdef rfs_rq *rfs = <rfs_rq *>rq
    cdef rfs_entity *se = entity_of(p)
    update_curr(rfs)
    if rq.nr_running > 1 and beyond_average(rfs, se, calc_delta_fair(tunables_of(rfs).rfs_slice_ns, &se.load)):
        resched_task(p)


cdef void task_new_rfs(rq *rq, task *p, bint clone_vm) noexcept nogil:
    # a child begins one slice late, so that forks gain nothing
    cdef rfs_rq *rfs = <rfs_rq *>rq
    cdef rfs_entity *se = entity_of(p)
    update_curr(rfs)
    se.vruntime = rfs.base + calc_delta_fair(tunables_of(rfs).rfs_slice_ns, &se.load)
    enqueue_task_rfs(rq, p, 0)
    check_preempt_curr(rq, p)

# ----------------------------------------------------------------------------------------- facts of tasks and CPUs


cdef void task_fork_rfs(task *p, task *parent) noexcept nogil:
    # the rest of the entity is zero: it has not run and is on no queue
    entity_of(p).vruntime = entity_of(parent).vruntime
    entity_of(p).load = entity_of(parent).load


cdef void set_load_weight_rfs(task *p) noexcept nogil:
    # n stays, as in CFS 2.6.24. Policy idle has the inverse that it was meant to have (weight 2, like shares)
    if p.policy == SCHED_IDLE:
        load_from_shares(&entity_of(p).load, WEIGHT_IDLEPRIO)
    else:
        load_from_nice(&entity_of(p).load, p.nice, p.policy)


cdef void set_task_rq_rfs(task *p) noexcept nogil:
    # one queue a CPU, found through p.rq
    pass


cdef void migrate_task_rq_rfs(task *p, rq *to) noexcept nogil:
    # keep the distance to the base
    entity_of(p).vruntime += (<rfs_rq *>to).base - (<rfs_rq *>p.rq).base


cdef void init_rq_rfs(rq *rq) noexcept nogil:
    # everything starts at 0
    pass


cdef void init_tunables_rfs(uint64_t *values) noexcept nogil:
    cdef rfs_tunables *tunables = <rfs_tunables *>values
    tunables.rfs_slice_ns = 4000000
    tunables.rfs_granularity_ns = 10000000
    tunables.rfs_step_shift = 20

# ------------------------------------------------------------------------------------------ looking in from outside


cdef void *task_entity_rfs(task *p) noexcept nogil:
    return entity_of(p)


cdef void *root_queue_rfs(rq *rq) noexcept nogil:
    return rq


cdef size_t list_queue_rfs(const void *queue, queued *out, size_t room) noexcept nogil:
    # the waiting tasks, leftmost first; returns how many there are, writes at most `room`
    cdef const rb_node *node = (<const rfs_rq *>queue).tasks_timeline.leftmost
    cdef size_t nr = 0
    while node != NULL:
        if nr < room:
            out[nr].p = task_of(entity_of_node(node))
            out[nr].tg = NULL
        nr += 1
        node = rb_next(node)
    return nr


cdef uint64_t step_of(const void *queue) noexcept nogil:
    return <uint64_t>1 << tunables_of(<const rfs_rq *>queue).rfs_step_shift

# -------------------------------------------------------------------------------------------------------- checking


cdef bint vruntime_before(const rb_node *a, const rb_node *b) noexcept nogil:
    return signed_difference(entity_of_node(a).vruntime, entity_of_node(b).vruntime) < 0


cdef int check_tree(const rfs_rq *rfs) noexcept nogil:
    cdef const rb_node *node = rfs.tasks_timeline.leftmost
    cdef bint idle = rfs.rq.curr == rfs.rq.idle
    cdef uint64_t load = 0 if idle else entity_of(rfs.rq.curr).load.weight
    if rb_check(&rfs.tasks_timeline, rfs.rq.nr_running - (not idle), vruntime_before):
        return 1
    while node != NULL:
        if not entity_of_node(node).on_rq or task_of(entity_of_node(node)) == rfs.rq.curr:
            return 2
        load += entity_of_node(node).load.weight
        node = rb_next(node)
    return 0 if load == rfs.rq.load else 1


cdef int check_rq_rfs(rq *rq) noexcept nogil:
    cdef const rfs_rq *rfs = <const rfs_rq *>rq
    if rq.nr_running == 0 and rq.curr != rq.idle:
        return 2
    if rq.nr_running == 0 and rfs.offset_sum != 0:
        return 4
    if rq.nr_running != 0 and rfs.offset_sum >= <int64_t>(rq.load * step_of(rfs)):
        return 5
    return check_tree(rfs)

# --------------------------------------------------------------------------------------------------- the hook table

cdef field_table entity_fields = new_fields("entity_fields")
add_field(&entity_fields, "vruntime", &(<rfs_entity *>NULL).vruntime, FIELD_U64)
add_field(&entity_fields, "sum_exec_runtime", &(<rfs_entity *>NULL).sum_exec_runtime, FIELD_U64)
add_field(&entity_fields, "on_rq", &(<rfs_entity *>NULL).on_rq, FIELD_U8)
add_field(&entity_fields, "load_weight", &(<rfs_entity *>NULL).load.weight, FIELD_U64)
add_field(&entity_fields, "inv_weight", &(<rfs_entity *>NULL).load.inv_weight, FIELD_U64)
add_field(&entity_fields, "exec_start", &(<rfs_entity *>NULL).exec_start, FIELD_U64)

cdef field_table queue_fields = new_fields("queue_fields")
add_field(&queue_fields, "base", &(<rfs_rq *>NULL).base, FIELD_U64)
add_field(&queue_fields, "offset_sum", &(<rfs_rq *>NULL).offset_sum, FIELD_S64)
add_field(&queue_fields, "load_weight", &(<rfs_rq *>NULL).rq.load, FIELD_U64)
add_field(&queue_fields, "nr_running", &(<rfs_rq *>NULL).rq.nr_running, FIELD_U64)
add_derived(&queue_fields, "step", step_of)

cdef field_table tunables = new_fields("tunables")
add_field(&tunables, "rfs_slice_ns", &(<rfs_tunables *>NULL).rfs_slice_ns, FIELD_U64)
add_field(&tunables, "rfs_granularity_ns", &(<rfs_tunables *>NULL).rfs_granularity_ns, FIELD_U64)
add_field(&tunables, "rfs_step_shift", &(<rfs_tunables *>NULL).rfs_step_shift, FIELD_U64)

# Every pointer of the structs, for snapshots.
cdef pointer_table task_pointers = new_pointers("task_pointers")
add_pointer(&task_pointers, &(<rfs_task *>NULL).se.run_node.parent_color, 1, POINTER_ENTITY | POINTER_TAGGED)
add_pointer(&task_pointers, &(<rfs_task *>NULL).se.run_node.child[0], 2, POINTER_ENTITY)

cdef pointer_table rq_pointers = new_pointers("rq_pointers")
add_pointer(&rq_pointers, &(<rfs_rq *>NULL).tasks_timeline.node, 1, POINTER_ENTITY)
add_pointer(&rq_pointers, &(<rfs_rq *>NULL).tasks_timeline.leftmost, 1, POINTER_ENTITY)

# No put_prev_task and set_curr_task: a change of policy keeps the turn.
cdef sched_class table
table.model = "rfs-model"
table.task_size = sizeof(rfs_task)
table.rq_size = sizeof(rfs_rq)
table.tunables_size = sizeof(rfs_tunables)
table.load_offset = <size_t>&(<rfs_task *>NULL).se.load
table.enqueue_task = enqueue_task_rfs
table.dequeue_task = dequeue_task_rfs
table.task_new = task_new_rfs
table.yield_task = yield_task_rfs
table.check_preempt_curr = check_preempt_curr_rfs
table.pick_next_task = pick_next_task_rfs
table.task_tick = task_tick_rfs
table.task_fork = task_fork_rfs
table.set_load_weight = set_load_weight_rfs
table.set_task_rq = set_task_rq_rfs
table.migrate_task_rq = migrate_task_rq_rfs
table.init_rq = init_rq_rfs
table.init_tunables = init_tunables_rfs
table.task_entity = task_entity_rfs
table.root_queue = root_queue_rfs
table.list_queue = list_queue_rfs
table.check_rq = check_rq_rfs
table.entity_fields = entity_fields.fields
table.queue_fields = queue_fields.fields
table.tunables = tunables.fields
table.task_pointers = task_pointers.pointers
table.rq_pointers = rq_pointers.pointers


cdef const sched_class *rfs_sched_class() noexcept nogil:
    return &table


SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
