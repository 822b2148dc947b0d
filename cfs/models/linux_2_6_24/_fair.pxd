# The structs of CFS 2.6.24, for _fair.pyx, for embedders and for benchmarks. Field meanings: specification 2.

from ..._types cimport (
    load_weight,
    ns_t,
    rq,
    sched_class,
    task,
    task_group,
    timeline,
    uint8_t,
    uint64_t,
    vns_t,
    waiting_node,
)

cdef struct sched_entity:       # a task, or a group on one CPU
    waiting_node run_node       # its place among the waiting ones
    vns_t vruntime              # run time x 1024 / weight: the key
    load_weight load
    ns_t exec_start             # clock at the last charge or select
    ns_t sum_exec_runtime       # real run time in total
    ns_t prev_sum_exec_runtime  # sum_exec_runtime at the last select: their difference is the present turn
    cfs_rq *cfs_rq              # the queue that it is, or is to be, on
    sched_entity *parent        # the group's entity; NULL at the top level
    cfs_rq *my_q                # the group's queue; NULL for a task
    uint8_t on_rq               # counted on its queue, waiting or running


cdef struct cfs_rq:             # the class's runqueue: the waiting entities in order, the running one beside them
    timeline tasks_timeline     # by signed vruntime - min_vruntime; the running entity is not in it
    sched_entity *curr          # the running entity, from select to release
    vns_t min_vruntime          # the floor: never decreases, changes only in update_curr
    uint64_t load               # sum of weights of the entities with on_rq
    uint64_t nr_running         # their number
    rq *rq
    task_group *tg              # the group that it belongs to; NULL: the CPU's top queue


cdef struct fair_task:
    task p
    sched_entity se


cdef struct fair_rq:
    rq rq
    cfs_rq cfs                  # the top queue: tasks without groups, group entities only with groups


cdef struct fair_group:         # what a group has on one CPU
    sched_entity se
    cfs_rq cfs_rq


cdef struct fair_tunables:      # every one a u64 here; u32 in the kernel, the border keeps the range
    uint64_t sched_latency_ns
    uint64_t sched_min_granularity_ns
    uint64_t sched_nr_latency
    uint64_t sched_wakeup_granularity_ns
    uint64_t sched_batch_wakeup_granularity_ns
    uint64_t sched_child_runs_first
    uint64_t sched_compat_yield
    uint64_t sched_features
    uint64_t sched_migration_cost
    uint64_t sched_nr_migrate
    uint64_t initial_min_vruntime   # where every queue's floor starts; a queue made later reads it then
    uint64_t initial_idle_vruntime  # the idle task's vruntime, which tasks forked by it inherit
    uint64_t vslice_unscaled    # ours: 1 leaves out the factor 1024 of vslice, as the release candidates did


cdef enum:                      # sched_features
    NEW_FAIR_SLEEPERS = 1       # a woken task may start up to one latency before the floor
    WAKEUP_PREEMPT = 2          # a wakeup may preempt
    START_DEBIT = 4             # a new task starts one virtual slice later
    TREE_AVG = 8                # place around the middle of the tree
    APPROX_AVG = 16             # place half a virtual slice after the floor


cdef const sched_class *fair_sched_class() noexcept nogil
