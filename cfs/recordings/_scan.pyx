"""From blocks of text to facts: which bytes are a line, which lines are events, and which line is wrong.

What it decides: what is left out, and the number of the first line of each kind that is. A line is spelt out by
`_lines`, and what it says is given to a `Tracker`; the text is read once, without a Python object a line.

The file describes itself, and what it says is believed in this order. Fields before what stands in front: a perf
that runs in a container puts the container's PIDs there, so where the two contradict each other at more switches
than they agree, the front is not used. What ftrace's legend names before positions: kernels differ in the columns
of their flags. A column that is the same on every line says nothing. Numbers of states are those of the kernel
whose other numbers the file has. What lines say of lines before them is learnt from the beginning of the text,
which is looked at before it is read.

B1  A line is taken whole or left out, and `lines_left_out` says why: after any bytes the tracker is sound.
B2  Memory does not grow with the length of the text or of a line.
B3  How the text is cut into blocks makes no difference: as much as is looked at beforehand is kept until it is there.

Rejected: a Python object a line (2 us).
"""

from cython cimport final
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from ._events cimport NOBODY
from ._eight cimport skip_blanks
from ._facts cimport DISORDER_NS_MAX, jumps, named_t
from ._lines cimport (
    COLUMN_NONE,
    COLUMN_UNTOLD,
    LEGEND_FIRST,
    LEGEND_IRQ,
    LEGEND_NONE,
    NOWHERE,
    NR_SAYS,
    SAYS_CONTEXT,
    SAYS_FORK,
    SAYS_LOSS,
    SAYS_NOTHING,
    SAYS_RUNTIME,
    SAYS_STRANGE,
    SAYS_SWITCH,
    SAYS_WAKEUP,
    SAYS_WAKING,
    STATE_IN_LETTERS,
    begins_a_page,
    end_of_buffer,
    end_of_script,
    header_t,
    irq_of,
    is_cut_event,
    kind_of_event,
    kind_of_legend,
    kind_of_other,
    may_be_a_switch,
    names_a_switch,
    nr_overwritten,
    out_of_number,
    preempted_bit,
    read_fork,
    read_header,
    read_runtime,
    read_switch,
    read_wakeup,
    switch_t,
    unescaped,
)
from ._tracker cimport Tracker

cdef enum:
    LINE_MAX = 4096  # longer lines are nobody's events
    SURVEY_BYTES = 1 << 16  # looked at beforehand: some 500 lines
    WRONG_HEADS_MIN = 3  # behind the beginning: the first ones may be damaged lines
    SHOWN_MAX = 200  # of a line that is shown

cdef enum:  # why lines are left out
    STRANGE = 0
    TOO_LONG = 1
    BACKWARDS = 2
    DISORDER = 3
    LOST = 4
    JUMP = 5
    TWICE = 6
    NR_REASONS = 7


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
    nr_unread, first_unread : int
        Lines that mean a switch and could not be read, and the line of the first.
    nr_begun_anew, begun_anew_line : int
        Lines that go back in time, on a CPU of which nothing was taken yet, and the first of them.
    is_page : bool
        The text is a page of systrace.
    nr_overwritten : int
        Events that the tracer overwrote, as ftrace's banner says.
    process_ids_line : int
        The line that shows that the numbers in front are those of processes; 0: none does.
    wrong_heads_line : int
        The first line that shows that the numbers in front are of other tasks, where most lines do; 0: they are right.
    """

    cdef readonly Tracker tracker
    cdef char carry[LINE_MAX]
    cdef size_t nr_carry
    cdef bint is_skipping, is_finished
    cdef char plain[LINE_MAX]  # a line of a page's script without its escapes
    cdef char held[LINE_MAX]  # a line that jumps ahead in time waits for the next one
    cdef size_t nr_held, held_line
    cdef int64_t held_ns

    cdef readonly size_t nr_lines, nr_event_lines, nr_ftrace_lines, nr_sched_lines
    cdef readonly size_t nr_unread, first_unread, nr_overwritten, process_ids_line, wrong_heads_line
    cdef readonly size_t nr_begun_anew, begun_anew_line
    cdef readonly bint is_page
    cdef char unread[SHOWN_MAX]  # the first of them
    cdef size_t nr_shown
    cdef size_t left_out[NR_REASONS]
    cdef size_t first_left_out[NR_REASONS]

    cdef bint is_tracefs  # it is a file trace, which is of one buffer: only trace-cmd names them
    cdef uint64_t owners[NR_SAYS]  # of each kind of event the buffer it is taken of; 0: not seen yet

    cdef char* beginning  # what is looked at beforehand, until it is there; then NULL
    cdef size_t nr_beginning, nr_surveyed_lines
    cdef size_t nr_right_heads, nr_wrong_heads, first_wrong_head
    cdef int32_t preempted  # the bit of a state that means R+, as `preempted_bit` says
    cdef int irq_column, legend_column
    cdef uint64_t flags_word
    cdef bint flags_vary

    def __cinit__(self):
        self.tracker = Tracker()
        self.irq_column = COLUMN_UNTOLD
        self.beginning = <char*> PyMem_RawMalloc(SURVEY_BYTES)
        if self.beginning == NULL:
            raise MemoryError("no memory for the beginning of the text")

    def __dealloc__(self):
        PyMem_RawFree(self.beginning)

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
                self.take_block(start, start + length)
            self.tracker.check_memory()

    def finish(self):
        """Take the last line, which need not have an end, and let the tracker finish."""
        if self.is_finished:
            return
        self.is_finished = True
        with nogil:
            self.begin()
        if self.nr_carry:
            with nogil:
                self.read_line(self.carry, self.carry + self.nr_carry)
        self.settle_held(self.tracker.now_ns)
        if self.flags_word and not self.flags_vary:
            self.tracker.forget_interrupts()
        self.tracker.finish()

    # ---- the beginning, looked at before it is read

    cdef void take_block(self, const char* p, const char* end) noexcept nogil:
        cdef size_t length
        if self.beginning != NULL:
            length = min(<size_t> (end - p), SURVEY_BYTES - self.nr_beginning)
            memcpy(self.beginning + self.nr_beginning, p, length)
            self.nr_beginning += length
            p += length
            if self.nr_beginning < SURVEY_BYTES:
                return
            self.begin()
        self.read_block(p, end)

    cdef void begin(self) noexcept nogil:
        if self.beginning == NULL:
            return
        self.is_tracefs = self.nr_beginning >= 9 and memcmp(self.beginning, b"# tracer:", 9) == 0
        self.survey(self.beginning, self.beginning + self.nr_beginning)
        self.judge_heads(0)
        self.read_block(self.beginning, self.beginning + self.nr_beginning)
        PyMem_RawFree(self.beginning)
        self.beginning = NULL

    cdef void survey(self, const char* p, const char* end) noexcept nogil:
        # Whole lines only; those of switches say all that is asked.
        cdef const char* stop
        cdef header_t h
        cdef switch_t s
        while p < end:
            stop = <const char*> memchr(p, c"\n", end - p)
            if stop == NULL:
                return
            self.nr_surveyed_lines += 1
            if stop - p <= LINE_MAX and may_be_a_switch(p, stop) and read_header(p, stop, &h):
                if kind_of_event(&h) == SAYS_SWITCH and read_switch(h.fields, trimmed(h.fields, stop), &s):
                    self.learn(&h, &s, self.nr_surveyed_lines)
            p = stop + 1

    cdef void learn(self, const header_t* h, const switch_t* s, size_t line) noexcept nogil:
        # The idle tasks have the same number everywhere.
        if s.state != STATE_IN_LETTERS:
            self.preempted = preempted_bit(self.preempted, s.state)
        if h.at.tid < 0 or s.prev.pid == 0:
            return
        if h.at.tid == s.prev.pid:
            self.nr_right_heads += 1
            return
        self.nr_wrong_heads += 1
        if h.is_single:  # may be the number of a process, which its other threads contradict
            if self.process_ids_line == 0:
                self.process_ids_line = line
        elif self.first_wrong_head == 0:
            self.first_wrong_head = line

    cdef void judge_heads(self, size_t more) noexcept nogil:
        if self.nr_wrong_heads > self.nr_right_heads + more:
            self.wrong_heads_line = self.first_wrong_head

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
        end = trimmed(p, end)
        p = skip_blanks(p, end)
        if p == end:
            return
        if end - p > LINE_MAX:
            if not self.is_page:
                self.leave_out(TOO_LONG)
            return
        if (end - 1)[0] == c"\\" or (end - 1)[0] == c";" or (end - 1)[0] == c'"':
            end = self.without_script(&p, end)
        if read_header(p, end, &h):
            self.read_event(&h, end)
        elif p < end and p[0] == c"#":
            self.read_comment(p, end)
        elif p < end:
            self.read_other(&h, p, end)

    cdef const char* without_script(self, const char** p, const char* end) noexcept nogil:
        # A line may be one of a string of a page's script: its text and its end.
        cdef const char* stop = end_of_script(p[0], end)
        if stop == NULL:
            return end
        if memchr(p[0], c"\\", stop - p[0]) != NULL:
            stop = unescaped(p[0], stop, self.plain)
            p[0] = self.plain
        return trimmed(p[0], stop)

    cdef void read_comment(self, const char* p, const char* end) noexcept nogil:
        # ftrace's banner, with a legend of its flags.
        cdef int kind = kind_of_legend(p, end)
        if kind == LEGEND_NONE:
            self.nr_overwritten += nr_overwritten(p, end)
        elif kind == LEGEND_FIRST:
            self.legend_column = 0
            self.irq_column = COLUMN_NONE
        else:
            self.legend_column += 1
            if kind == LEGEND_IRQ:
                self.irq_column = self.legend_column

    cdef void read_other(self, const header_t* h, const char* p, const char* end) noexcept nogil:
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
            if names_a_switch(p, end):
                self.leave_out(STRANGE)
                self.note_unread(p, end)
            elif self.nr_event_lines == 0 and begins_a_page(p, end):
                self.is_page = True
            elif not self.is_page and (not h.has_time or is_cut_event(p, end)):
                self.leave_out(STRANGE)

    cdef void note_unread(self, const char* p, const char* end) noexcept nogil:
        self.nr_unread += 1
        if self.nr_unread == 1:
            self.first_unread = self.nr_lines
            self.nr_shown = min(<size_t> (end - p), <size_t> SHOWN_MAX)
            memcpy(self.unread, p, self.nr_shown)

    cdef void read_event(self, header_t* h, const char* end) noexcept nogil:
        # Times first: a line from the past is left out before it can say anything.
        cdef int kind = kind_of_event(h)
        self.nr_event_lines += 1
        if h.nr_flags and not self.flags_vary:
            self.see_flags(h)
        if kind == SAYS_NOTHING:
            return
        if h.is_ftrace and not self.is_tracefs and kind != SAYS_CONTEXT and not self.is_of_owner(h, kind):
            self.leave_out(TWICE)
            return
        if self.nr_held:
            self.settle_held(h.at.time)
        if self.tracker.start_ns >= 0 and jumps(h.at.time, self.tracker.now_ns):
            self.hold(h.start, end, h.at.time)
        else:
            self.take_event(h, kind, end)

    cdef bint is_of_owner(self, const header_t* h, int kind) noexcept nogil:
        # Of several buffers that have the same kind of event each has all of them: the first one is taken.
        cdef const char* end = end_of_buffer(h)
        cdef uint64_t buffer = 1
        cdef const char* p = h.start
        if end != NULL:
            while p < end:  # a number for the name, which may be padded
                if p[0] != c" ":
                    buffer = (buffer ^ <unsigned char> p[0]) * 16777619
                p += 1
        if self.owners[kind] == 0:
            self.owners[kind] = buffer
        return self.owners[kind] == buffer

    cdef void see_flags(self, const header_t* h) noexcept nogil:
        if self.flags_word == 0:
            self.flags_word = h.flags_word
        self.flags_vary = h.flags_word != self.flags_word

    cdef void take_event(self, header_t* h, int kind, const char* end) noexcept nogil:
        if self.tracker.start_ns >= 0 and h.at.time < self.tracker.now_ns:
            if self.tracker.now_ns - h.at.time > DISORDER_NS_MAX:
                self.leave_out(BACKWARDS)
                self.note_begun_anew(h)
                return
            self.leave_out(DISORDER)
        if self.read_fields(h, kind, end):
            self.nr_sched_lines += 1
            self.nr_ftrace_lines += h.is_ftrace
        else:
            self.leave_out(STRANGE)
            if kind == SAYS_SWITCH:
                self.note_unread(h.start, end)

    cdef void note_begun_anew(self, const header_t* h) noexcept nogil:
        # A CPU of which nothing was taken yet cannot go back: its lines come after those of others.
        if h.at.cpu < self.tracker.room_cpus and self.tracker.cpus[h.at.cpu].seen:
            return
        self.nr_begun_anew += 1
        if self.nr_begun_anew == 1:
            self.begun_anew_line = self.nr_lines

    cdef void hold(self, const char* start, const char* end, int64_t time) noexcept nogil:
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
        # Whether the line was understood. Numbers of processes, or of a container, do not say who was running.
        if kind == SAYS_SWITCH:
            return self.read_switch(h, end)
        if h.nr_flags:
            h.at.irq = irq_of(h, self.irq_column)
        if self.wrong_heads_line or h.is_single and self.process_ids_line:
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
        if not read_switch(h.fields, end, &s):
            return False
        if self.nr_lines > self.nr_surveyed_lines:
            self.learn(h, &s, self.nr_lines)
            self.judge_heads(WRONG_HEADS_MIN)
        if s.state != STATE_IN_LETTERS:
            s.out = out_of_number(s.state, self.preempted)
        return self.tracker.on_switch(&h.at, &s.prev, s.out, &s.next)

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
        if not read_runtime(h.fields, end, &task, &ran_ns):
            return False
        if h.at.tid < 0 and is_named(h.start, end, &task) and 0 <= task.pid <= 0x7FFFFFFF:
            # Without a number the name in front tells who runs, as long as nobody else is known to.
            if h.at.cpu >= self.tracker.room_cpus or self.tracker.cpus[h.at.cpu].curr >= NOBODY:
                h.at.tid = <int32_t> task.pid
        return self.tracker.on_runtime(&h.at, &task, ran_ns)

    # ---- answers

    def lines_left_out(self):
        """For each reason why lines are left out: how many there are, and the number of the first."""
        reasons = ("strange", "too long", "backwards", "disorder", "lost", "jump", "twice")
        counts = {why: (self.left_out[i], self.first_left_out[i]) for i, why in enumerate(reasons)}
        return {why: count for why, count in counts.items() if count[0]}

    def first_unread_line(self):
        """The first line that means a switch and could not be read, or its beginning: bytes."""
        return self.unread[: self.nr_shown]


cdef inline const char* trimmed(const char* p, const char* end) noexcept nogil:
    while end > p and ((end - 1)[0] == c" " or (end - 1)[0] == c"\r"):
        end -= 1
    return end


cdef bint is_named(const char* start, const char* end, const named_t* task) noexcept nogil:
    # Does a line begin with this task's name?
    cdef size_t length = task.end - task.name
    return <size_t> (end - start) > length and start[length] in (c" ", c"-") and memcmp(start, task.name, length) == 0
