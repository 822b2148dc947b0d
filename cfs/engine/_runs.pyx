"""The log of runs and wakeups: growing it and handing it over. `_runs.pxd` has the row, and what each switch does.

What it decides: how much room there is. Both tables double, so a row costs O(1). The loop asks once before each event.

A log is handed over as it lies: `take_runs` gives its memory to an owner that Python can see as a buffer, and the log goes
on in new memory, which begins with the runs that are still open. So who wants all runs has them without a copy, and who
takes them often needs no more memory for a long run than for a short one.

Invariants:
    I1  rows are in the order of their starts; one whose end is -1 is the open run of its CPU, and a CPU has at most one
    I2  wakeups are in the order of time; `nr_runs` of them never decreases, and the runs counted began no later
    I3  what was taken and what the log has are all that there was: a run that was open when it was taken is the only one
        that is in both, and the later one is right
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cython cimport final
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

cdef enum:
    ROWS_AT_FIRST = 4096


@final
cdef class Rows:
    """Memory that a log has handed over, as a buffer of bytes that can be written to. It goes with its owner."""

    def __dealloc__(self):
        free(self.at)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.at, self.size, 0, flags)


cdef void hand_over(Rows rows, void *at, size_t size) noexcept:
    # the memory, cut to that size: what lies behind it was never written to
    cdef void *cut = realloc(at, size) if size else NULL
    rows.at, rows.size = at if cut == NULL else cut, <Py_ssize_t>size


cdef Rows take_runs(run_log *log, const size_t *open_rows, size_t nr_open, size_t room, ns_t now):
    # all runs, those of the open rows ended now; the log goes on with these in new memory, for `room` runs and more
    cdef run *rows = log.rows
    cdef Rows taken = Rows()                    # before there is memory to lose
    cdef run *fresh = <run *>realloc(NULL, (nr_open + room + log.spare) * sizeof(run))
    cdef size_t i
    if fresh == NULL:
        raise MemoryError
    for i in range(nr_open):
        fresh[i] = rows[open_rows[i]]
        rows[open_rows[i]].end_ns = <int64_t>now
    hand_over(taken, rows, log.nr * sizeof(run))
    log.nr_gone += log.nr - nr_open
    log.rows, log.nr, log.max = fresh, nr_open, nr_open + room
    return taken


cdef Rows take_wakeups(run_log *log):
    # all wakeups; the log goes on without any
    cdef Rows taken = Rows()
    hand_over(taken, log.wakeups, nr_wakeups(log) * sizeof(wakeup))
    log.wakeups = log.next_wakeup = log.end_of_wakeups = NULL
    return taken


cdef bint grow_log(run_log *log) noexcept nogil:
    # the tables that are full
    if is_full(log) and not grow_runs(log):
        return False
    return has_room_for_wakeup(log) or grow_wakeups(log)


cdef bint grow_runs(run_log *log) noexcept nogil:
    cdef size_t most = 2 * log.max + ROWS_AT_FIRST
    cdef run *rows = <run *>realloc(log.rows, (most + log.spare) * sizeof(run))
    if rows == NULL:
        return False
    log.rows, log.max = rows, most
    return True


cdef bint grow_wakeups(run_log *log) noexcept nogil:
    cdef size_t nr = nr_wakeups(log)
    cdef size_t most = 2 * nr + ROWS_AT_FIRST
    if log.drops_wakeups and log.wakeups != NULL:
        log.next_wakeup = log.wakeups
        return True
    cdef wakeup *rows = <wakeup *>realloc(log.wakeups, most * sizeof(wakeup))
    if rows == NULL:
        return False
    log.wakeups, log.next_wakeup, log.end_of_wakeups = rows, rows + nr, rows + most
    return True


cdef void free_log(run_log *log) noexcept nogil:
    free(log.rows)
    free(log.wakeups)


cdef int write_log(const run_log *log, unsigned char[::1] out, ns_t now) except -1:
    # rows of RUN_DTYPE into a buffer of that size; runs that are open end now
    cdef size_t size = log.nr * sizeof(run)
    cdef run *rows
    cdef size_t i
    if <size_t>out.shape[0] != size:
        raise ValueError(f"the buffer has {out.shape[0]} bytes, the runs {size}")
    if size == 0:
        return 0
    memcpy(&out[0], log.rows, size)
    rows = <run *>&out[0]
    for i in range(log.nr):
        if rows[i].end_ns == STILL_OPEN:
            rows[i].end_ns = <int64_t>now
    return 0


cdef int write_wakeup_log(const run_log *log, unsigned char[::1] out) except -1:
    # rows of WAKEUP_DTYPE into a buffer of that size
    cdef size_t size = nr_wakeups(log) * sizeof(wakeup)
    if <size_t>out.shape[0] != size:
        raise ValueError(f"the buffer has {out.shape[0]} bytes, the wakeups {size}")
    if size:
        memcpy(&out[0], log.wakeups, size)
    return 0


def row_layout():
    """Name, offset and size of each field of a row, and the size of it: what RUN_DTYPE must be.

    Returns
    -------
    fields : list of (str, int, int)
    size : int
    """
    cdef run r
    cdef char *start = <char *>&r
    fields = [
        ("ready_ns", <char *>&r.ready_ns - start, sizeof(r.ready_ns)),
        ("start_ns", <char *>&r.start_ns - start, sizeof(r.start_ns)),
        ("end_ns", <char *>&r.end_ns - start, sizeof(r.end_ns)),
        ("task", <char *>&r.task - start, sizeof(r.task)),
        ("cpu", <char *>&r.cpu - start, sizeof(r.cpu)),
        ("ready", <char *>&r.ready - start, sizeof(r.ready)),
        ("out", <char *>&r.out - start, sizeof(r.out)),
    ]
    return fields, sizeof(run)


def wakeup_layout():
    """The same of a wakeup: what WAKEUP_DTYPE must be (list of (str, int, int), int)."""
    cdef wakeup w
    cdef char *start = <char *>&w
    fields = [
        ("time_ns", <char *>&w.time_ns - start, sizeof(w.time_ns)),
        ("task", <char *>&w.task - start, sizeof(w.task)),
        ("waker", <char *>&w.waker - start, sizeof(w.waker)),
        ("nr_runs", <char *>&w.nr_runs - start, sizeof(w.nr_runs)),
        ("cpu", <char *>&w.cpu - start, sizeof(w.cpu)),
        ("cause", <char *>&w.cause - start, sizeof(w.cause)),
        ("slept", <char *>&w.slept - start, sizeof(w.slept)),
    ]
    return fields, sizeof(wakeup)


def causes():
    """The codes of `cause` by name: what `WokenBy` must be (dict of str to int)."""
    return {"TASK": BY_TASK, "TIMER": BY_TIMER, "OUTSIDE": BY_OUTSIDE, "FORK": BY_FORK}


def codes():
    """The codes of `ready` and `out` by name: what `Ready` and `Out` must be (two dicts of str to int)."""
    ready = {
        "UNKNOWN": READY_UNKNOWN, "WAKEUP": READY_WAKEUP, "FORK": READY_FORK, "PREEMPTED": READY_PREEMPTED,
        "FOUND": READY_FOUND,
    }
    out = {
        "RUNNING": OUT_RUNNING, "PREEMPTED": OUT_PREEMPTED, "BLOCKED": OUT_BLOCKED, "EXITED": OUT_EXITED,
        "UNKNOWN": OUT_UNKNOWN,
    }
    return ready, out
