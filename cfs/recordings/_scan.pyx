"""From blocks of text to facts: which bytes are a line, which lines are events, and which line is wrong.

What it decides: what is left out, and the number of the first line of each kind that is. A line is spelt out by
`_lines`, and what it says is given to a `Tracker`; the text is read once, without a Python object a line.

B1  A line is taken whole or left out, and `lines_left_out` says why: after any bytes the tracker is sound.
B2  Memory does not grow with the length of the text or of a line.
B3  How the text is cut into blocks makes no difference.

Rejected: a Python object a line (2 us).
"""

from cython cimport final
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcpy

from ._facts cimport named_t
from ._lines cimport (
    NOWHERE,
    SAYS_CONTEXT,
    SAYS_FORK,
    SAYS_LOSS,
    SAYS_NOTHING,
    SAYS_RUNTIME,
    SAYS_STRANGE,
    SAYS_SWITCH,
    SAYS_WAKEUP,
    SAYS_WAKEUP_NEW,
    SAYS_WAKING,
    header_t,
    kind_of_event,
    kind_of_other,
    names_a_switch,
    nr_overwritten,
    read_fork,
    read_header,
    read_runtime,
    read_switch,
    read_wakeup,
    skip_blanks,
    switch_t,
)
from ._tracker cimport Tracker

cdef enum:
    LINE_MAX = 4096  # longer lines are nobody's events
    DISORDER_NS_MAX = 1000000  # a line so little too early is taken at the time of the one before

cdef int64_t JUMP_NS_MIN = 10000000000  # a line so much later is believed if the next one is not earlier

cdef enum:  # why lines are left out
    STRANGE = 0
    TOO_LONG = 1
    BACKWARDS = 2
    DISORDER = 3
    LOST = 4
    JUMP = 5
    NR_REASONS = 6


@final
cdef class Scanner:
    """Reads text of `perf script` or ftrace, block by block, into `tracker`.

    `feed` the blocks, `finish`, then ask the tracker. Cost about 0.2 us a line.

    Attributes
    ----------
    tracker : Tracker
        What the text said.
    nr_lines, nr_event_lines, nr_sched_lines, nr_ftrace_lines : int
        All lines; those with a header; of them the scheduler's that were understood; of these ftrace's.
    nr_headless, first_headless : int
        Switches without a header before the first event, and the line of the first.
    nr_overwritten : int
        Events that the tracer overwrote, as ftrace's banner says.
    process_ids_line : int
        The line that shows that the numbers in front are those of processes; 0: none does.
    """

    cdef readonly Tracker tracker
    cdef char carry[LINE_MAX]
    cdef size_t nr_carry
    cdef bint is_skipping, is_finished
    cdef char held[LINE_MAX]  # a line that jumps ahead in time waits for the next one
    cdef size_t nr_held, held_line
    cdef int64_t held_ns

    cdef readonly size_t nr_lines, nr_event_lines, nr_ftrace_lines, nr_sched_lines
    cdef readonly size_t nr_headless, first_headless, nr_overwritten, process_ids_line
    cdef size_t left_out[NR_REASONS]
    cdef size_t first_left_out[NR_REASONS]

    def __cinit__(self):
        self.tracker = Tracker()

    def feed(self, const unsigned char[::1] block):
        """Read on. A line may be cut by the end of a block; blocks may have any length.

        Parameters
        ----------
        block : bytes-like
            The next bytes of the text.
        """
        if self.is_finished:
            raise ValueError("feed after finish")
        cdef Py_ssize_t length = block.shape[0]
        cdef const char* start
        if length:
            start = <const char*> &block[0]
            with nogil:
                self.read_block(start, start + length)
            self.tracker.check_memory()

    def finish(self):
        """Take the last line, which need not have an end, and let the tracker finish."""
        if self.is_finished:
            return
        self.is_finished = True
        if self.nr_carry:
            with nogil:
                self.read_line(self.carry, self.carry + self.nr_carry)
        self.settle_held(self.tracker.now_ns)
        self.tracker.finish()

    # ---- blocks and lines

    cdef void read_block(self, const char* p, const char* end) noexcept nogil:
        cdef const char* stop
        while p < end:
            stop = <const char*> memchr(p, c"\n", end - p)
            if stop == NULL:
                self.keep_rest(p, end)
                return
            if self.is_skipping:
                self.is_skipping = False
            elif self.nr_carry:
                self.keep_rest(p, stop)
                if not self.is_skipping:
                    self.read_line(self.carry, self.carry + self.nr_carry)
                self.is_skipping = False
                self.nr_carry = 0
            else:
                self.read_line(p, stop)
            p = stop + 1

    cdef void keep_rest(self, const char* p, const char* end) noexcept nogil:
        # The beginning of a line waits in `carry`; one that does not fit is skipped up to its end.
        cdef size_t length = end - p
        if self.is_skipping:
            return
        if self.nr_carry + length > LINE_MAX:
            self.nr_lines += 1
            self.leave_out(TOO_LONG)
            self.is_skipping = True
            self.nr_carry = 0
            return
        memcpy(self.carry + self.nr_carry, p, length)
        self.nr_carry += length

    cdef void leave_out(self, int reason) noexcept nogil:
        if self.left_out[reason] == 0:
            self.first_left_out[reason] = self.nr_lines
        self.left_out[reason] += 1

    cdef void read_line(self, const char* p, const char* end) noexcept nogil:
        cdef header_t h
        self.nr_lines += 1
        while end > p and ((end - 1)[0] == c" " or (end - 1)[0] == c"\r"):
            end -= 1
        p = skip_blanks(p, end)
        if p == end:
            return
        if end - p > LINE_MAX:
            self.leave_out(TOO_LONG)
        elif read_header(p, end, &h):
            self.read_event(&h, p, end)
        elif p[0] == c"#":
            self.nr_overwritten += nr_overwritten(p, end)
        else:
            self.read_other(p, end)

    cdef void read_other(self, const char* p, const char* end) noexcept nogil:
        cdef int64_t lost = 0, cpu = -1
        cdef int kind
        while p < end and p[0] == c"\t":  # before the frames of a stack
            p = skip_blanks(p + 1, end)
        if p == end:
            return
        kind = kind_of_other(p, end, &lost, &cpu)
        if kind == SAYS_LOSS:
            if cpu == NOWHERE:
                self.tracker.on_loss(lost)
            else:
                self.tracker.on_loss_here(cpu, lost)
            self.leave_out(LOST)
        elif kind == SAYS_STRANGE:
            self.leave_out(STRANGE)
            if self.nr_event_lines == 0 and names_a_switch(p, end):
                self.nr_headless += 1
                if self.nr_headless == 1:
                    self.first_headless = self.nr_lines

    cdef void read_event(self, header_t* h, const char* start, const char* end) noexcept nogil:
        # Times first: a line from the past is left out before it can say anything.
        cdef int kind = kind_of_event(h)
        self.nr_event_lines += 1
        if kind == SAYS_NOTHING:
            return
        if self.nr_held:
            self.settle_held(h.at.time)
        if self.tracker.start_ns >= 0 and h.at.time > self.tracker.now_ns + JUMP_NS_MIN:
            self.hold(start, end, h.at.time)
        else:
            self.take_event(h, kind, end)

    cdef void take_event(self, header_t* h, int kind, const char* end) noexcept nogil:
        if self.tracker.start_ns >= 0 and h.at.time < self.tracker.now_ns:
            if self.tracker.now_ns - h.at.time > DISORDER_NS_MAX:
                self.leave_out(BACKWARDS)
                return
            self.leave_out(DISORDER)
        if self.read_fields(h, kind, end):
            self.nr_sched_lines += 1
            self.nr_ftrace_lines += h.is_ftrace
        else:
            self.leave_out(STRANGE)

    cdef void hold(self, const char* start, const char* end, int64_t time) noexcept nogil:
        # One wrong digit in a time would put all lines after it into the past.
        self.nr_held = end - start
        memcpy(self.held, start, self.nr_held)
        self.held_ns = time
        self.held_line = self.nr_lines

    cdef void settle_held(self, int64_t next_ns) noexcept nogil:
        cdef header_t h
        cdef size_t length = self.nr_held
        self.nr_held = 0
        if length == 0:
            return
        if next_ns < self.held_ns:
            self.leave_out(JUMP)
            if self.left_out[JUMP] == 1:
                self.first_left_out[JUMP] = self.held_line
        elif read_header(self.held, self.held + length, &h):
            self.take_event(&h, kind_of_event(&h), self.held + length)

    cdef bint read_fields(self, header_t* h, int kind, const char* end) noexcept nogil:
        # Whether the line was understood. Numbers of processes say nothing about who was running.
        if kind == SAYS_SWITCH:
            return self.read_switch(h, end)
        if h.is_single and self.process_ids_line:
            h.at.tid = -1
        if kind == SAYS_CONTEXT:
            return self.tracker.on_context(&h.at)
        if kind == SAYS_RUNTIME:
            return self.read_runtime(h, end)
        if kind == SAYS_FORK:
            return self.read_fork(h, end)
        return self.read_wakeup(h, kind, end)

    cdef bint read_switch(self, header_t* h, const char* end) noexcept nogil:
        cdef switch_t s
        if not read_switch(h.fields, end, &s) or not self.tracker.on_switch(&h.at, &s.prev, s.out, &s.next):
            return False
        if h.is_single and h.at.tid != s.prev.pid and h.at.tid >= 0 and self.process_ids_line == 0:
            self.process_ids_line = self.nr_lines
        return True

    cdef bint read_wakeup(self, header_t* h, int kind, const char* end) noexcept nogil:
        cdef named_t task
        cdef bint woke = False
        if not read_wakeup(h.fields, end, &task, &woke):
            return False
        if not woke:
            return self.tracker.on_mention(&h.at, &task)
        if kind == SAYS_WAKING:
            return self.tracker.on_waking(&h.at, &task)
        if kind == SAYS_WAKEUP:
            return self.tracker.on_wakeup(&h.at, &task)
        return self.tracker.on_wakeup_new(&h.at, &task)

    cdef bint read_fork(self, header_t* h, const char* end) noexcept nogil:
        cdef named_t parent, child
        return read_fork(h.fields, end, &parent, &child) and self.tracker.on_fork(&h.at, &parent, &child)

    cdef bint read_runtime(self, header_t* h, const char* end) noexcept nogil:
        cdef named_t task
        cdef int64_t ran_ns = 0
        return read_runtime(h.fields, end, &task, &ran_ns) and self.tracker.on_runtime(&h.at, &task, ran_ns)

    # ---- answers

    def lines_left_out(self):
        """For each reason why lines are left out: how many there are, and the number of the first."""
        reasons = ("strange", "too long", "backwards", "disorder", "lost", "jump")
        counts = {why: (self.left_out[i], self.first_left_out[i]) for i, why in enumerate(reasons)}
        return {why: count for why, count in counts.items() if count[0]}
