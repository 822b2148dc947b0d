# The structs of CFS 2.6.23, for _fair.pyx, for embedders and for benchmarks. Field meanings: specification 2.

from ..._types cimport int64_t, load_weight, ns_t, rb_node, rb_root, rq, sched_class, task, uint8_t, uint64_t, vns_t

cdef enum:
    CPU_LOADS = 5               # averages over 1, 2, 4, 8 and 16 ticks


cdef struct sched_entity:
    rb_node run_node            # its place among the runnable ones, the running one included
    vns_t fair_key              # the key: fair clock minus credit when it was last queued; stale while it runs
    load_weight load
    int64_t wait_runtime        # credit, ns that the CPU owes to it; negative: it owes
    ns_t exec_start             # clock at the last charge or select; 0 whenever it does not run
    ns_t sum_exec_runtime       # real run time in total, as far as booked
    ns_t prev_sum_exec_runtime  # sum_exec_runtime at the last select
    vns_t wait_start_fair       # fair clock when its wait began; 0: it does not wait
    vns_t sleep_start_fair      # fair clock when its sleep began
    ns_t delta_exec             # run time not yet booked
    ns_t delta_fair_run         # fair time waited, not yet booked
    ns_t delta_fair_sleep       # fair time slept, not yet booked
    int64_t sum_wait_runtime    # statistic: every amount given to add_wait_runtime, before the limit
    int64_t sum_sleep_runtime   # statistic: real time slept
    ns_t sleep_start            # statistic: clock when an interruptible sleep began; 0: none
    ns_t block_start            # statistic: the same of an uninterruptible one
    uint8_t on_rq               # in the tree


cdef struct cfs_rq:             # the class's runqueue: all runnable tasks in one tree
    rb_root tasks_timeline      # ordered by signed fair_key
    load_weight load            # sum of the weights in the tree, and its inverse: 0 is "unknown", filled in at use
    uint64_t nr_running         # their number
    vns_t fair_clock            # advances by real time x 1024 / load.weight
    ns_t sleeper_bonus          # credit given to sleepers and not yet paid back
    ns_t exec_clock             # statistic: run time of all tasks, as booked
    int64_t wait_runtime        # statistic: sum of wait_runtime over the tree
    uint64_t wait_runtime_overruns      # statistic: how often the limit cut a credit
    uint64_t wait_runtime_underruns     # statistic: a debt
    rq *rq


cdef struct load_meter:         # the kernel's load_stat: time with a load since the last tick
    load_weight load            # its own copy of the load, changed after the meter has been read
    ns_t last                   # clock when it was read last
    ns_t tick                   # clock of the last tick
    ns_t pending                # time not yet booked
    ns_t exec_time              # booked real time since the last tick
    ns_t fair_time              # booked fair time since the last tick


cdef struct fair_task:
    task p
    sched_entity se


cdef struct fair_rq:
    rq rq
    cfs_rq cfs
    load_meter meter
    uint64_t cpu_load[CPU_LOADS]


cdef struct fair_tunables:      # every one a u64 here; u32 in the kernel, the border keeps the range
    uint64_t sched_latency_ns
    uint64_t sched_min_granularity_ns
    uint64_t sched_wakeup_granularity_ns
    uint64_t sched_batch_wakeup_granularity_ns
    uint64_t sched_stat_granularity_ns
    uint64_t sched_runtime_limit_ns
    uint64_t sched_child_runs_first
    uint64_t sched_compat_yield
    uint64_t sched_features
    uint64_t initial_fair_clock     # where every CPU's fair clock starts
    uint64_t TICK_NSEC              # length of a tick, which only the load averages see


cdef enum:                      # sched_features
    FAIR_SLEEPERS = 1           # sleepers get credit
    SLEEPER_AVG = 2             # that credit is reduced to load / (load + w) of it
    SLEEPER_LOAD_AVG = 4        # and the load in it is cpu_load[2], not the present one
    PRECISE_CPU_LOAD = 8        # load averages from measured time, not from the weights at the tick
    START_DEBIT = 16            # a child starts with half a granularity of debt
    SKIP_INITIAL = 32           # the first wait of a child earns nothing


cdef const sched_class *fair_sched_class() noexcept nogil
