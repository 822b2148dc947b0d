# The structs of EEVDF 6.18, for _eevdf.pyx, for embedders and for benchmarks. Field meanings: specification 2.

from ..._types cimport (
    int64_t,
    load_weight,
    ns_t,
    rb_node,
    rb_root,
    rq,
    sched_class,
    task,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
    vns_t,
)

cdef struct sched_entity:       # a task, or a group on one CPU
    rb_node run_node            # its place among the waiting ones, by deadline
    vns_t deadline              # virtual deadline of its request; while rel_deadline: relative to vruntime, signed
    vns_t min_vruntime          # in the tree: the earliest vruntime of its subtree
    ns_t min_slice              # in the tree: the least slice of its subtree, as the kernel believes (I3)
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


cdef struct cfs_rq:             # a group's runqueue: waiting entities in a tree, the running one beside it
    rb_root tasks_timeline      # ordered by deadline; the running entity is not in it
    sched_entity *curr          # the running entity, or the one that contains it
    sched_entity *next          # buddy: a hint for the next pick
    vns_t min_vruntime          # zero point of keys; never decreases, but is no lower bound
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


cdef const sched_class *eevdf_sched_class() noexcept nogil
