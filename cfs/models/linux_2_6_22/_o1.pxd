# The structs of the O(1) scheduler of 2.6.22, for _o1.pyx, for embedders and for benchmarks. Meanings: specification 2.

from ..._types cimport load_weight, ns_t, rq, sched_class, task, uint8_t, uint32_t, uint64_t

cdef enum:
    MAX_RT_PRIO = 100           # the first prio of the policies here: nice -20
    MAX_PRIO = 140
    BITMAP_WORDS = 3


cdef struct list_head:          # a ring through its head; alone it points to itself
    list_head *next
    list_head *prev


cdef struct prio_array:
    uint64_t nr_active          # tasks in its lists, the running one included
    uint64_t bitmap[BITMAP_WORDS]   # bit p: list p is not empty
    list_head queue[MAX_PRIO]   # a FIFO a prio


cdef enum:                      # o1_task.sleep_type: how the last sleep ended
    SLEEP_NORMAL = 0            # it has run since
    SLEEP_NONINTERACTIVE = 1
    SLEEP_INTERACTIVE = 2       # woken by a task
    SLEEP_INTERRUPTED = 3       # woken by an interrupt


cdef struct o1_task:
    task p
    list_head run_list          # its place in the list of its prio
    prio_array *array           # which array that is; NULL: none
    load_weight load            # weight: 128 is nice 0; the inverse is not used
    ns_t sleep_avg              # 0 ... ns_max_sleep_avg: how much it sleeps
    ns_t timestamp              # when it was last woken, picked or put back
    ns_t last_ran               # when it was last accounted
    ns_t sched_time             # run time in total, up to the last tick or switch
    o1_task *parent             # gets back an unused first slice; the idle task for orphans
    list_head children
    list_head sibling           # its place among its parent's children
    uint32_t time_slice         # ticks left
    uint8_t sleep_type
    uint8_t first_time_slice    # its slice is still a part of its parent's


cdef struct o1_constants:       # compile-time constants of the kernel, made from hz at boot
    uint64_t hz
    ns_t jiffy_ns               # one tick period
    uint64_t min_timeslice      # ticks
    uint64_t def_timeslice      # ticks
    uint64_t max_sleep_avg      # jiffies; the starvation limit as well
    ns_t ns_max_sleep_avg
    uint64_t granularity        # ticks


cdef struct o1_rq:
    rq rq
    prio_array arrays[2]
    prio_array *active
    prio_array *expired
    uint64_t expired_timestamp  # jiffies when the first slice ran out since the last swap; 0: none
    uint64_t best_expired_prio  # best base prio that has expired by the end of its slice
    ns_t most_recent_timestamp  # time of the last accounting
    uint64_t nr_uninterruptible # blocked tasks in uninterruptible sleep
    o1_constants constants


cdef struct o1_tunables:
    uint64_t hz


cdef const sched_class *o1_sched_class() noexcept nogil
