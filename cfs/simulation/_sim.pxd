# Floor 5: the loop that runs a workload. `_sim.pyx` says how.

from .._types cimport (
    int16_t,
    int32_t,
    int64_t,
    machine,
    ns_t,
    rq,
    task,
    task_group,
    uint8_t,
    uint16_t,
    uint32_t,
    uint64_t,
)

cdef enum:                      # op.kind: workload.Op, which says what each means
    OP_RUN = 0
    OP_WAIT = 1
    OP_SLEEP = 2
    OP_SLEEP_UNTIL = 3
    OP_WAKE = 4
    OP_FORK = 5
    OP_NICE = 6
    OP_EXIT = 7
    OP_YIELD = 8
    OP_LOOP = 9
    OP_NEXT = 10

cdef enum:                      # run.ready: result.Ready
    READY_UNKNOWN = 0
    READY_WAKEUP = 1
    READY_FORK = 2
    READY_PREEMPTED = 3

cdef enum:                      # run.out: result.Out
    OUT_RUNNING = 0
    OUT_PREEMPTED = 1
    OUT_BLOCKED = 2
    OUT_EXITED = 3

cdef enum:                      # why the loop came back to the border
    LOOP_PAUSED = 0             # after so many steps, for signals and progress
    LOOP_NEEDS_RUNS = 1         # the table of runs is full
    LOOP_NEEDS_TASK = 2         # a fork needs memory
    LOOP_FAULTED = 3            # the model leaves the next operation undefined
    LOOP_REACHED = 4            # the end of the span
    LOOP_FINISHED = 5           # every task has exited
    LOOP_STALLED = 6            # nobody runs, and nothing will wake those that are left


cdef struct op:                 # a row of workload.OP_DTYPE
    int64_t arg
    int32_t target
    int32_t kind


cdef struct program:            # a row of workload.TASK_DTYPE
    int64_t first_op
    int64_t start_ns
    int32_t nr_ops
    int32_t pid
    int32_t name
    int32_t uid
    int32_t group
    int16_t cpu
    signed char nice
    signed char policy


cdef struct run:                # a row of result.RUN_DTYPE
    int64_t ready_ns
    int64_t start_ns
    int64_t end_ns
    uint32_t task
    uint16_t cpu
    uint8_t ready
    uint8_t out


cdef struct sim_task:
    task *p                     # NULL: not yet born, or exited
    int64_t next_op             # index of the operation that comes next
    ns_t remaining              # of the RUN that is going on
    ns_t ready_ns               # since when it is runnable
    uint32_t wakeups            # WAKEs that no WAIT has taken yet
    uint8_t waiting             # blocked in a WAIT
    uint8_t ready               # how it became runnable


cdef struct sim_cpu:
    rq *rq
    task *curr                  # whose run is open; rq.idle: nobody's
    size_t run                  # the open row of runs
    ns_t since                  # from when on `curr`'s RUN has not been accounted
    uint64_t next_tick          # number of the next tick (`_hz`)


cdef struct timer:              # ordered by time, then by seq
    ns_t time
    uint64_t seq
    uint32_t task


cdef struct sim:
    machine *m
    const op *ops
    const program *programs
    sim_task *tasks
    task_group **groups         # one a task; NULL without groups
    sim_cpu *cpus
    timer *timers               # binary heap; a task has at most one timer
    run *runs
    ns_t now
    ns_t until
    uint64_t hz
    uint64_t seq
    size_t nr_tasks
    size_t nr_timers
    size_t nr_runs
    size_t runs_max
    size_t nr_alive             # tasks born or with a start time, not exited
