# The structs of EEVDF 6.18, and the leaves that more than one of its files needs: from task to entity and back, the
# sums of a queue, eligibility. Field meanings: specification 2. The essay is in `_fair.pyx`.

from ..._fixedpoint cimport signed_difference
from ..._types cimport (
    LEFT,
    RIGHT,
    SCHED_IDLE,
    int32_t,
    int64_t,
    load_weight,
    ns_t,
    rb_node,
    rb_root,
    rq,
    task,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
    vns_t,
)

cdef enum:
    LOAD_SHIFT = 10             # what weights are scaled by


cdef struct sched_entity:       # a task, or a group on one CPU
    rb_node run_node            # its place among the waiting ones, by deadline
    vns_t deadline              # virtual deadline of its request; while rel_deadline: relative to vruntime, signed
    vns_t min_vruntime          # in the tree: the earliest vruntime of its subtree
    ns_t min_slice              # in the tree: the least slice of its subtree, as the kernel believes (I1)
    vns_t vruntime              # run time x 2**20 / weight
    load_weight load            # weight scaled by 2**10: 2**20 is nice 0
    uint64_t load_down          # the weight scaled down again, as averages count it
    int64_t vlag                # saved lag, virtual ns; from set_next_entity to the next saving: the protection limit
    ns_t slice                  # the request that the deadline is for
    ns_t exec_start             # clock at the last charge or select
    ns_t sum_exec_runtime       # real run time in total
    cfs_rq *cfs_rq              # the queue that it is, or is to be, on
    sched_entity *parent        # the group's entity; NULL in the root
    cfs_rq *my_q                # the group's queue; NULL for a task
    uint32_t vt_factor          # virtual time = (real time * vt_factor) >> vt_shift
    uint32_t depth              # number of parents
    uint8_t vt_shift
    uint8_t on_rq               # counted on its queue: waiting, running or delayed
    uint8_t sched_delayed       # has gone to sleep, but stays queued until it is picked or woken
    uint8_t custom_slice        # slice does not go back to base_slice_ns
    uint8_t rel_deadline        # deadline is relative
    ns_t max_slice              # in the tree, from 6.18.26 on: the greatest slice of its subtree, as the kernel believes


cdef struct cfs_rq:             # a group's runqueue: waiting entities in a tree, the running one beside it
    rb_root tasks_timeline      # ordered by deadline; the running entity is not in it
    sched_entity *curr          # the running entity, or the one that contains it
    sched_entity *next          # buddy: a hint for the next pick
    vns_t min_vruntime          # zero point of keys (I3)
    int64_t avg_vruntime        # sum of key x weight over the tree
    uint64_t avg_load           # sum of weights (not scaled) over the tree
    uint64_t load_weight        # sum of scaled weights of the entities with on_rq
    uint32_t nr_queued          # their number
    uint32_t h_nr_queued        # tasks with on_rq in this queue and below
    uint32_t h_nr_runnable      # those of them that are not delayed
    uint32_t h_nr_idle          # those with policy idle, or in an idle group below
    rq *rq
    task_group *tg              # NULL: the CPU's root queue without groups
    uint8_t idle                # copy of the group's cpu.idle
    uint8_t exact_min_slice     # the tunable, when the queue was made


cdef struct eevdf_task:
    task p
    sched_entity se


cdef struct eevdf_rq:
    rq rq
    cfs_rq cfs                  # the root queue


cdef struct eevdf_group:        # what a group has on one CPU; that of the root group is unused
    sched_entity se
    cfs_rq cfs_rq


cdef struct eevdf_tunables:     # every one a u64 here; u32 in the kernel, the border keeps the range
    uint64_t base_slice_ns              # slice of an entity without a custom one
    uint64_t normalized_base_slice_ns   # the same before scaling by CPUs: protection without RUN_TO_PARITY
    uint64_t tick_nsec                  # the lag limit is at least one tick
    uint64_t sched_features
    uint64_t exact_min_slice            # a queue reads it when it is made


cdef enum:                      # sched_features, in the order of specification 3.3; the numbers are this file's own
    PLACE_LAG = 1               # joining keeps the saved lag
    PLACE_DEADLINE_INITIAL = 2  # a new task's first request is half a slice
    PLACE_REL_DEADLINE = 4      # off and on again keeps deadline - vruntime
    RUN_TO_PARITY = 8           # protection up to the least slice queued
    PREEMPT_SHORT = 16          # a wakee with a shorter slice may break protection
    NEXT_BUDDY = 32             # a woken task becomes the buddy
    PICK_BUDDY = 64             # the pick honours the buddy
    DELAY_DEQUEUE = 128         # sleepers that are not eligible stay queued
    DELAY_ZERO = 256            # a delayed entity leaves without positive lag
    WAKEUP_PREEMPTION = 512     # a wakeup may preempt


cdef struct load_sum:           # A and W of a queue, the running entity included
    int64_t sum
    uint64_t load

# ------------------------------------------------------------------------------------------------ generic entities


cdef inline sched_entity *entity_of(const task *p) noexcept nogil:
    return &(<eevdf_task *>p).se


cdef inline task *task_of(const sched_entity *se) noexcept nogil:
    # of an entity that owns no queue
    return <task *>(<char *>se - <size_t>&(<eevdf_task *>NULL).se)


cdef inline sched_entity *entity_of_node(const rb_node *node) noexcept nogil:
    # the node is the entity's first member
    return <sched_entity *>node


cdef inline eevdf_group *group_on(const task_group *tg, int32_t cpu) noexcept nogil:
    return &(<eevdf_group *>tg.cpus)[cpu]


cdef inline cfs_rq *root_of(const rq *rq) noexcept nogil:
    return &(<eevdf_rq *>rq).cfs


cdef inline cfs_rq *queue_on(const task_group *tg, const rq *rq) noexcept nogil:
    # the queue of a group; without groups, and of the root group, the root queue
    return root_of(rq) if tg == NULL or tg.parent == NULL else &group_on(tg, rq.cpu).cfs_rq


cdef inline sched_entity *entity_on(const task_group *tg, const rq *rq) noexcept nogil:
    # the entity of a group; the root group has none
    return NULL if tg == NULL or tg.parent == NULL else &group_on(tg, rq.cpu).se


cdef inline bint entity_is_task(const sched_entity *se) noexcept nogil:
    return se.my_q == NULL


cdef inline bint se_is_idle(const sched_entity *se) noexcept nogil:
    # yields to all others: policy idle, or an idle group
    return task_of(se).policy == SCHED_IDLE if entity_is_task(se) else se.my_q.idle


cdef inline const eevdf_tunables *tunables_of(const rq *rq) noexcept nogil:
    return <const eevdf_tunables *>rq.machine.tunables


cdef inline bint has_feature(const cfs_rq *cfs, uint64_t bit) noexcept nogil:
    return tunables_of(cfs.rq).sched_features & bit != 0


cdef inline bint curr_counts(const cfs_rq *cfs) noexcept nogil:
    return cfs.curr != NULL and cfs.curr.on_rq

# ---------------------------------------------------------------------------------- the sums, and who is eligible


cdef inline bint before(vns_t a, vns_t b) noexcept nogil:
    return signed_difference(a, b) < 0


cdef inline uint64_t scale_load_down(uint64_t weight) noexcept nogil:
    # from 2**20 at nice 0 to 1024; what is not 0 is at least 2
    if weight == 0:
        return 0
    weight >>= LOAD_SHIFT
    return weight if weight > 2 else 2


cdef inline int64_t entity_key(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    return signed_difference(se.vruntime, cfs.min_vruntime)


cdef inline int64_t weighted_key(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    return <int64_t>(<uint64_t>entity_key(cfs, se) * se.load_down)


cdef inline void avg_vruntime_add(cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    cfs.avg_vruntime += weighted_key(cfs, se)
    cfs.avg_load += se.load_down


cdef inline void avg_vruntime_sub(cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    cfs.avg_vruntime -= weighted_key(cfs, se)
    cfs.avg_load -= se.load_down


cdef inline void account_entity_enqueue(cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    cfs.load_weight += se.load.weight
    cfs.nr_queued += 1


cdef inline void account_entity_dequeue(cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    cfs.load_weight -= se.load.weight
    cfs.nr_queued -= 1


cdef inline load_sum load_sum_of(const cfs_rq *cfs) noexcept nogil:
    # A and W
    cdef load_sum total
    total.sum = cfs.avg_vruntime
    total.load = cfs.avg_load
    if curr_counts(cfs):
        total.sum += weighted_key(cfs, cfs.curr)
        total.load += cfs.curr.load_down
    return total


cdef inline bint vruntime_eligible(const cfs_rq *cfs, const load_sum *total, vns_t vruntime) noexcept nogil:
    # v <= V, as A >= key * W; literally so, because the product may wrap (spec 4.5)
    return total.sum >= <int64_t>(<uint64_t>signed_difference(vruntime, cfs.min_vruntime) * total.load)


cdef inline bint entity_eligible(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    cdef load_sum total = load_sum_of(cfs)
    return vruntime_eligible(cfs, &total, se.vruntime)


cdef inline sched_entity *first_entity(const cfs_rq *cfs) noexcept nogil:
    return entity_of_node(cfs.tasks_timeline.leftmost)


cdef inline sched_entity *first_eligible(const cfs_rq *cfs, const load_sum *total) noexcept nogil:
    # of the waiting ones, by deadline; NULL: none. Often it is the very first, which needs no search
    cdef rb_node *at = cfs.tasks_timeline.node
    cdef rb_node *left
    if at != NULL and vruntime_eligible(cfs, total, first_entity(cfs).vruntime):
        return first_entity(cfs)
    while at != NULL:
        left = at.child[LEFT]
        if left != NULL and vruntime_eligible(cfs, total, entity_of_node(left).min_vruntime):
            at = left
        elif vruntime_eligible(cfs, total, entity_of_node(at).vruntime):
            return entity_of_node(at)
        else:
            at = at.child[RIGHT]
    return NULL
