# Floor 6: the loop that another simulator drives. `_live.pyx` says how.

from .._types cimport machine, ns_t, rq, task, uint8_t, uint32_t, uint64_t

cdef enum:                      # why `advance` came back
    LIVE_REACHED = 0            # the time that it was given
    LIVE_ENDED = 1              # somebody has received all its work
    LIVE_SWITCHED = 2           # a watched task got or lost its CPU
    LIVE_FAULTED = 3            # the model leaves the next tick undefined


cdef struct live_task:
    task *p                     # NULL: it has exited
    ns_t remaining              # of the work that it was given
    ns_t received               # CPU time in total
    ns_t ready_ns               # since when it is runnable
    uint8_t ready               # how it became runnable: result.Ready
    uint8_t watched             # whoever drives wants to see when it gets and loses its CPU
    uint8_t listed              # it is in `live.queued`


cdef struct live_run:           # a row of result.RUN_DTYPE
    ns_t ready_ns
    ns_t start_ns
    ns_t end_ns
    uint32_t task
    unsigned short cpu
    uint8_t ready
    uint8_t out


cdef struct live_cpu:
    rq *rq
    task *curr                  # whose turn is noted; rq.idle: nobody's
    uint32_t index              # its place in live.tasks
    size_t run                  # its open row, if runs are recorded
    ns_t since                  # from when on its run has not been accounted
    uint64_t next_tick          # number of the next tick (`_hz`)


cdef struct live:
    machine *m
    live_task *tasks
    live_cpu *cpus
    uint32_t *queued            # tasks that may be on a queue: all that are, and some that were
    live_run *runs
    char *image                 # what `keep` has copied
    ns_t now
    uint64_t hz
    size_t nr_tasks
    size_t tasks_max
    size_t nr_queued
    size_t nr_runs
    size_t runs_max
    size_t image_size
    bint recording
