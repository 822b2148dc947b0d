"""The lines of ftrace text, compiled: a line costs some 100 ns, and a recording of millions of lines has as many.

What it decides: how a line is put together. What is in it decides `ftrace.py`, which gives each task's pieces of text, made
once, and the events, in their order.

Invariant:
    I1  before anything is written there is room for it: a piece asks for its own length, a line for its numbers
"""

from cython cimport final
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

cdef enum:                      # cfs.reports.events: kinds, and the idle task
    SWITCH = 0
    FORK = 2
    WAKING = 3
    WOKEN = 4
    IDLE = -1

cdef enum:
    BLOCKED = 2                 # cfs.result.Out
    NUMBERS = 96                # bytes of the numbers of a line, at most

cdef packed struct event:       # cfs.reports.events.TRACED_DTYPE, of 44 bytes
    int64_t time_ns
    int32_t cpu
    int32_t kind
    int32_t prev
    int32_t task
    int32_t out
    int32_t slept
    int32_t waker
    int32_t cause
    int32_t target

cdef struct piece:
    const char *at
    size_t size


@final
cdef class Pieces:
    """Pieces of text by their number; it keeps them."""

    cdef list kept
    cdef piece *of

    def __init__(self, kept):
        cdef size_t i
        self.kept = [bytes(text) for text in kept]
        free(self.of)
        self.of = <piece *>calloc(len(self.kept) + 1, sizeof(piece))
        if self.of == NULL:
            raise MemoryError
        for i, text in enumerate(self.kept):
            self.of[i].at, self.of[i].size = PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)

    def __dealloc__(self):
        free(self.of)


@final
cdef class Lines:
    """Makes lines of events.

    Parameters
    ----------
    heads, prevs, nexts, woken, parents, children : sequence of bytes
        Of each task: its name and number as the context, as a switch says who goes and who comes, as a wakeup says who
        is woken, and as a fork says who forks and who is new.
    idle_prevs, idle_nexts, idle_parents : sequence of bytes
        The same of the idle task of each CPU, by its number.
    idle_head : bytes
    states, sleeps, flags : bytes
        A letter for each `Out`, and for each `Slept`; five for each `WokenBy`.
    current : numpy.ndarray
        ``(nr_cpus,)`` int32: the task that runs on each CPU.
    found_task, found_ns : numpy.ndarray
        ``(nr_cpus,)`` int32 and int64: the task that was found running there, and when; -1 where none was. Its first
        switch is no line.
    from_ns : int
        When the text begins.
    """

    cdef Pieces heads, prevs, nexts, woken, parents, children, idle_prevs, idle_nexts, idle_parents
    cdef Pieces idle_head
    cdef bytes states, sleeps, flags
    cdef int32_t[::1] current, found_task
    cdef int64_t[::1] found_ns
    cdef int64_t from_ns
    cdef char *text
    cdef size_t size, room

    def __init__(
        self, heads, prevs, nexts, woken, parents, children, idle_prevs, idle_nexts, idle_parents, idle_head,
        states, sleeps, flags, current, found_task, found_ns, from_ns,
    ):
        self.heads, self.prevs, self.nexts = Pieces(heads), Pieces(prevs), Pieces(nexts)
        self.woken, self.parents, self.children = Pieces(woken), Pieces(parents), Pieces(children)
        self.idle_prevs, self.idle_nexts = Pieces(idle_prevs), Pieces(idle_nexts)
        self.idle_parents, self.idle_head = Pieces(idle_parents), Pieces([idle_head])
        self.states, self.sleeps, self.flags = states, sleeps, flags
        self.current, self.found_task, self.found_ns = current, found_task, found_ns
        self.from_ns = from_ns

    def __dealloc__(self):
        free(self.text)

    def lines(self, const event[::1] events):
        """The lines of some events (bytes); those of the next ones follow."""
        cdef Py_ssize_t i
        self.size = 0
        for i in range(events.shape[0]):
            self.add(&events[i])
        return PyBytes_FromStringAndSize(self.text, self.size)

    def beat(self, int32_t cpu, int64_t at_ns):
        """A line that says nothing about tasks (bytes)."""
        self.size = 0
        self.begin(cpu, at_ns, "d..2.")
        self.end_beat(cpu)
        return PyBytes_FromStringAndSize(self.text, self.size)

    cdef int add(self, const event *e) except -1:
        cdef const char *flags = PyBytes_AS_STRING(self.flags) + 5 * e.cause
        if e.kind == SWITCH:
            return self.switch(e)
        if e.kind == FORK:
            self.begin(e.cpu, e.time_ns, flags)
            self.put("sched_process_fork: ", 20)
            self.put_piece(&self.idle_parents.of[e.cpu] if e.waker == IDLE else &self.parents.of[e.waker])
            self.put_piece(&self.children.of[e.task])
            self.put("\n", 1)
            return self.wakeup(e, flags, "sched_wakeup_new: ", 18)
        if e.kind != WOKEN:
            self.wakeup(e, flags, "sched_waking: ", 14)
        return 0 if e.kind == WAKING else self.wakeup(e, flags, "sched_wakeup: ", 14)

    cdef int switch(self, const event *e) except -1:
        cdef char letter
        cdef bint is_said
        if self.found_ns[e.cpu] >= 0:
            is_said = self.found_ns[e.cpu] == self.from_ns and self.found_task[e.cpu] == e.task
            self.found_ns[e.cpu] = -1
            if not is_said:
                self.begin(e.cpu, e.time_ns, "d..2.")
                self.end_beat(e.cpu)
            return 0
        self.begin(e.cpu, e.time_ns, "d..2.")
        self.put("sched_switch: ", 14)
        self.put_piece(&self.idle_prevs.of[e.cpu] if e.prev == IDLE else &self.prevs.of[e.prev])
        letter = PyBytes_AS_STRING(self.states)[e.out]
        if e.out == BLOCKED:
            letter = PyBytes_AS_STRING(self.sleeps)[e.slept]
        if e.prev == IDLE:
            letter = b"R"
        self.put(" prev_state=", 12)
        self.put(&letter, 1)
        self.put(" ==> ", 5)
        self.put_piece(&self.idle_nexts.of[e.cpu] if e.task == IDLE else &self.nexts.of[e.task])
        self.put("\n", 1)
        self.current[e.cpu] = e.task
        return 0

    cdef int wakeup(self, const event *e, const char *flags, const char *name, size_t size) except -1:
        self.begin(e.cpu, e.time_ns, flags)
        self.put(name, size)
        self.put_piece(&self.woken.of[e.task])
        self.make_room(NUMBERS)
        self.size += snprintf(self.text + self.size, NUMBERS, " target_cpu=%03d\n", e.target)
        return 0

    cdef int begin(self, int32_t cpu, int64_t at_ns, const char *flags) except -1:
        cdef int32_t task = self.current[cpu]
        self.put_piece(&self.idle_head.of[0] if task == IDLE else &self.heads.of[task])
        self.make_room(NUMBERS)
        self.size += snprintf(
            self.text + self.size, NUMBERS, " [%03d] %.5s %4lld.%09lld: ", cpu, flags,
            <long long>(at_ns // 1000000000), <long long>(at_ns % 1000000000),
        )
        return 0

    cdef int end_beat(self, int32_t cpu) except -1:
        self.put("sched_wake_idle_without_ipi: cpu=", 33)
        self.make_room(NUMBERS)
        self.size += snprintf(self.text + self.size, NUMBERS, "%d\n", cpu)
        return 0

    cdef inline int put_piece(self, const piece *p) except -1:
        return self.put(p.at, p.size)

    cdef inline int put(self, const char *at, size_t size) except -1:
        self.make_room(size)
        memcpy(self.text + self.size, at, size)
        self.size += size
        return 0

    cdef inline int make_room(self, size_t size) except -1:
        # I1
        cdef size_t most = 2 * (self.size + size) + 4096
        cdef char *text
        if self.size + size <= self.room:
            return 0
        text = <char *>realloc(self.text, most)
        if text == NULL:
            raise MemoryError
        self.text, self.room = text, most
        return 0


def event_layout():
    """Name, offset and size of each field of an event, and the size of it: what TRACED_DTYPE must be."""
    cdef event e
    cdef char *start = <char *>&e
    fields = [
        ("time_ns", <char *>&e.time_ns - start, sizeof(e.time_ns)),
        ("cpu", <char *>&e.cpu - start, sizeof(e.cpu)),
        ("kind", <char *>&e.kind - start, sizeof(e.kind)),
        ("prev", <char *>&e.prev - start, sizeof(e.prev)),
        ("task", <char *>&e.task - start, sizeof(e.task)),
        ("out", <char *>&e.out - start, sizeof(e.out)),
        ("slept", <char *>&e.slept - start, sizeof(e.slept)),
        ("waker", <char *>&e.waker - start, sizeof(e.waker)),
        ("cause", <char *>&e.cause - start, sizeof(e.cause)),
        ("target", <char *>&e.target - start, sizeof(e.target)),
    ]
    return fields, sizeof(event)
