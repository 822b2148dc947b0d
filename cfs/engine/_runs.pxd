# Runs and wakeups, and the log of them. A run is a stay of a task on a CPU, from the switch that brings it there to
# the one that takes it away. `struct run` is the one row: RUN_DTYPE of cfs/result.py is tested equal to it. A wakeup, or a
# fork, is how a task that slept or did not exist became ready, and by whom: `struct wakeup`, WAKEUP_DTYPE there.
#
# A row is written when the run begins, with end -1, and completed when it ends, so the log is in the order of starts. Room
# is made beforehand: an event opens at most one run on each CPU, and makes at most one task ready. An operation is two
# events at most, and `spare` rows lie behind `max` for the last one. A wakeup tells how many runs had begun by then, so
# both tables together have one order, also within an instant.

from .._types cimport int32_t, int64_t, ns_t, uint8_t, uint16_t, uint32_t

cdef enum:                      # run.ready: result.Ready
    READY_UNKNOWN = 0
    READY_WAKEUP = 1
    READY_FORK = 2
    READY_PREEMPTED = 3
    READY_FOUND = 4             # it was running already when its CPU was first seen; no loop writes it

cdef enum:                      # run.out: result.Out
    OUT_RUNNING = 0
    OUT_PREEMPTED = 1
    OUT_BLOCKED = 2
    OUT_EXITED = 3
    OUT_UNKNOWN = 4             # not recorded; no loop writes it

cdef enum:                      # wakeup.cause: result.WokenBy
    BY_TASK = 0
    BY_TIMER = 1
    BY_OUTSIDE = 2
    BY_FORK = 3

cdef enum:
    CHUNK_ROWS = 1 << 15        # of the log, where runs are taken now and then: 1 MiB
    STILL_OPEN = -1             # run.end_ns
    NO_TASK = -1                # wakeup.waker


cdef struct run:
    int64_t ready_ns
    int64_t start_ns
    int64_t end_ns
    uint32_t task
    uint16_t cpu
    uint8_t ready
    uint8_t out


cdef struct wakeup:
    int64_t time_ns
    uint32_t task
    int32_t waker
    uint32_t nr_runs            # begun before it
    uint16_t cpu                # where it was raised
    uint8_t cause
    uint8_t slept               # result.Slept; what a program does is always interruptible


cdef struct run_log:            # zeroed but for `spare`; free_log at the end
    run *rows
    size_t nr
    size_t max                  # with so many it is full, though there is room for `spare` more
    size_t spare
    wakeup *wakeups
    wakeup *next_wakeup         # where the next one is written ...
    wakeup *end_of_wakeups      # ... if it is before this
    size_t nr_gone              # runs that were taken and are not here any more
    bint drops_wakeups          # nobody wants them: the table begins anew when it is full


cdef class Rows:
    cdef void *at
    cdef Py_ssize_t size


cdef Rows take_runs(run_log *log, const size_t *open_rows, size_t nr_open, size_t room, ns_t now)
cdef Rows take_wakeups(run_log *log)
cdef bint grow_log(run_log *log) noexcept nogil    # False: no memory, and nothing has changed
cdef void free_log(run_log *log) noexcept nogil
cdef int write_log(const run_log *log, unsigned char[::1] out, ns_t now) except -1
cdef int write_wakeup_log(const run_log *log, unsigned char[::1] out) except -1


cdef inline bint is_full(const run_log *log) noexcept nogil:
    return log.nr >= log.max


cdef inline bint has_room_for_wakeup(const run_log *log) noexcept nogil:
    return log.next_wakeup != log.end_of_wakeups


cdef inline size_t nr_wakeups(const run_log *log) noexcept nogil:
    return log.next_wakeup - log.wakeups


cdef inline void log_wakeup(run_log *log, uint32_t task, int32_t waker, int32_t cpu, ns_t now, uint8_t cause) noexcept nogil:
    cdef wakeup *w = log.next_wakeup
    w.time_ns = <int64_t>now
    w.task, w.waker, w.nr_runs = task, waker, <uint32_t>(log.nr + log.nr_gone)
    w.cpu, w.cause, w.slept = <uint16_t>cpu, cause, 0
    log.next_wakeup = w + 1


cdef inline size_t open_run(run_log *log, uint32_t task, int32_t cpu, ns_t now, ns_t ready_ns, uint8_t ready) noexcept nogil:
    # returns the number of its row
    cdef run *r = &log.rows[log.nr]
    r.ready_ns, r.start_ns, r.end_ns = <int64_t>ready_ns, <int64_t>now, STILL_OPEN
    r.task, r.cpu = task, <uint16_t>cpu
    r.ready, r.out = ready, OUT_RUNNING
    log.nr += 1
    return log.nr - 1


cdef inline void close_run(run_log *log, size_t row, ns_t now, uint8_t out) noexcept nogil:
    log.rows[row].end_ns = <int64_t>now
    log.rows[row].out = out
