"""From the text of a recording to the event table, in one pass over blocks of bytes.

What it decides: what a line says, and which lines say something new. The text is read once, block by block,
without a Python object a line; what stays is the event table (`_events.pxd`), a row a task and a row a name.

A line is a header and fields. Names may hold blanks, '/', ':', '-', '=' and brackets, so nothing is split at
blanks:

    perf      COMM PID/TID [CPU] SECONDS.FRACTION: sched:EVENT: FIELDS     (or one number, TID or PID)
    ftrace    COMM-TID [CPU] FLAGS SECONDS.FRACTION: EVENT: FIELDS         (trace-cmd: maybe without FLAGS)

the header is the first '[' after which a CPU, a time and an event follow (the event alone is longer than a
name can be); the task is the number before it. Fields are trusted rather than the header's name, pids rather
than names. Fields have three spellings, each read from the right:

    keys      prev_comm=A prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=B next_pid=2 next_prio=120
    raw keys  the same without the arrow, the state a number (trace-cmd report -R)
    colons    A:1 [120] S ==> B:2 [120]      (trace-cmd and perf with libtraceevent's plugins)
              task A:1 [120] (S) ==> B:2 [120]                             (kernels around 2.6.30)

The scanner knows of each task whether it runs, is queued or sleeps, and so can tell which of the two lines of
a wakeup counts, and that a line in the context of a task that nobody switched in means a switch without a
record.

S1  Times in the table never decrease, but for SWITCH events after a BACK.
S2  A line is taken whole or left out: after any bytes the table is sound, and `finish` says what was left
    out.
S3  Memory grows with events, tasks and names; never with the length of the text or of a line.
S4  A task runs on one CPU at most: if it turns up on a second one, its switch out of the first was not
    recorded.

Rejected: regular expressions (4 us a line), a Python object a line (2 us), a table of all lines (three times
the memory, and every reader would have to find out anew which half of a wakeup counts).
"""

from cython cimport final
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.string cimport memchr, memcmp, memcpy, memset

import numpy as np

from ._events cimport *

TASK_SEEN_DTYPE = np.dtype(
    [
        ("pid", "<i4"),
        ("parent", "<i4"),  # row, -1: it existed before
        ("name", "<i4"),  # index of the last name, -1: none was seen
        ("prio_first", "<i2"),  # -1: not known
        ("prio", "<i2"),  # the last
    ]
)

cdef enum:
    LINE_MAX = 4096  # longer lines are nobody's events
    NAME_MAX = 64  # the kernel's names have 15 bytes at most
    NAMES_A_TASK_MAX = 32  # of a task that changes its name all the time the first ones and the last are kept
    DISORDER_NS_MAX = 1000000  # a line so little too early is taken at the time of the one before

cdef int64_t JUMP_NS_MIN = 10000000000  # a line so much later is believed if the next one is not earlier

cdef enum:  # what a task does
    UNSEEN = 0  # nothing is known yet; if it is woken, it slept
    NEW = 1  # forked, not yet runnable
    RUNNING = 2
    QUEUED = 3
    ASLEEP = 4
    DEAD = 5

cdef enum:  # why lines are left out
    STRANGE = 0
    TOO_LONG = 1
    BACKWARDS = 2
    DISORDER = 3
    LOST = 4
    JUMP = 5
    NR_REASONS = 6

cdef enum:  # what a line without a header is
    SAYS_NOTHING = 0  # a stack, a banner, another record of perf
    SAYS_LOSS = 1
    SAYS_STRANGE = 2

cdef struct header_t:
    int32_t tid  # -1: not known
    uint32_t cpu
    uint8_t irq
    bint is_ftrace
    bint is_single  # one number in front, as perf prints it: that of the thread, or of its process
    int64_t time
    int64_t ran_ns  # sched_stat_runtime of the task itself: how long it has been running; else 0
    const char* event
    int event_length
    const char* fields

cdef struct row_t:
    int32_t pid
    int32_t parent
    uint32_t name
    uint32_t cpu  # where it runs
    int16_t prio_first
    int16_t prio
    uint8_t state
    uint8_t nr_names
    int64_t pending  # index of the EARLY event that may turn out TAKEN; -1: none

cdef struct task_seen_t:
    int32_t pid
    int32_t parent
    int32_t name
    int16_t prio_first
    int16_t prio

cdef struct cpu_t:
    bint seen
    uint32_t curr
    int64_t last_ns  # of the last line

cdef struct switch_t:  # the fields of a sched_switch
    const char* prev_name
    const char* prev_end
    const char* next_name
    const char* next_end
    int64_t prev, prev_prio, next, next_prio
    uint8_t out

cdef struct named_t:  # a task named by a line: those of a wakeup, of a fork
    const char* name
    const char* end
    int64_t pid, prio

cdef struct naming_t:
    uint32_t row
    uint32_t name


cdef inline const char* skip_blanks(const char* p, const char* end) noexcept nogil:
    while p < end and p[0] == c" ":
        p += 1
    return p


cdef inline const char* number(const char* p, const char* end, int digits_max, int64_t* value) noexcept nogil:
    # Reads digits; NULL if there is none, or more than digits_max.
    cdef const char* start = p
    cdef int64_t x = 0
    while p < end and c"0" <= p[0] <= c"9":
        if p - start == digits_max:
            return NULL
        x = x * 10 + (p[0] - c"0")
        p += 1
    value[0] = x
    return p if p > start else NULL


cdef inline bint field(const char* p, const char* end, int64_t* value) noexcept nogil:
    # A whole number that a blank or the end of the line follows.
    cdef bint negative = p < end and p[0] == c"-"
    value[0] = 0
    cdef const char* stop = number(p + negative, end, 10, value)
    if negative:
        value[0] = -value[0]
    return stop != NULL and (stop == end or stop[0] == c" ")


cdef inline const char* after_last(
    const char* start, const char* end, const char* key, int length
) noexcept nogil:
    # What follows the last `key` in start ... end; NULL if there is none. The key's second byte is looked at
    # first: blanks are frequent, and so is the first letter of a key.
    cdef const char* p = end - length
    while p >= start:
        if p[0] == key[0] and p[1] == key[1] and memcmp(p, key, length) == 0:
            return p + length
        p -= 1
    return NULL


cdef const char* read_time(const char* p, const char* end, int64_t* time) noexcept nogil:
    # SECONDS.FRACTION and a colon; a fraction of 6 digits is us, of 9 digits ns.
    cdef int64_t seconds = 0, fraction = 0
    cdef const char* point = number(p, end, 9, &seconds)
    if point == NULL or point == end or point[0] != c".":
        return NULL
    p = number(point + 1, end, 9, &fraction)
    if p == NULL or p == end or p[0] != c":":
        return NULL
    cdef int digits = <int> (p - point) - 1
    while digits < 9:
        fraction *= 10
        digits += 1
    time[0] = seconds * 1000000000 + fraction
    return p + 1


cdef inline uint8_t irq_of(const char* flags, const char* end) noexcept nogil:
    # The third of ftrace's flags says whose context it is.
    if end - flags < 3:
        return IRQ_UNKNOWN
    if flags[2] == c".":
        return IRQ_NONE
    if flags[2] == c"s":
        return IRQ_SOFT
    return IRQ_HARD if flags[2] in (c"h", c"H", c"z", c"Z") else IRQ_UNKNOWN


cdef bint read_task(const char* start, const char* bracket, header_t* h) noexcept nogil:
    # The number in front of '[': PID/TID, TID or COMM-TID; in between may stand ftrace's "(TGID)". Where only
    # a name stands there, who runs is not known.
    cdef const char* p = bracket - 1
    while p >= start and p[0] == c" ":
        p -= 1
    if p == bracket - 1:
        return False
    if p >= start and p[0] == c")":
        while p >= start and p[0] != c"(":
            p -= 1
        p -= 1
        while p >= start and p[0] == c" ":
            p -= 1
    cdef const char* end = p + 1
    while p >= start and c"0" <= p[0] <= c"9":
        p -= 1
    cdef int64_t tid = 0
    h.tid = -1
    h.is_ftrace = h.is_single = False
    if number(p + 1, end, 10, &tid) == NULL or p < start or not (p[0] in (c"/", c"-", c" ")):
        return True
    if tid > 0x7FFFFFFF:
        return False
    if p > start and p[0] == c"-" and ((p - 1)[0] == c"/" or (p - 1)[0] == c" "):
        tid = -1
    h.tid = <int32_t> tid
    h.is_ftrace = p[0] == c"-" and tid >= 0
    h.is_single = p[0] == c" "
    return True


cdef bint read_rest(const char* p, const char* end, header_t* h) noexcept nogil:
    # CPU] FLAGS TIME: EVENT: FIELDS
    cdef int64_t cpu = 0
    h.irq = IRQ_UNKNOWN
    p = number(p, end, 5, &cpu)
    if p == NULL or p == end or p[0] != c"]" or cpu >= NR_CPUS_MAX:
        return False
    h.cpu = <uint32_t> cpu
    p = skip_blanks(p + 1, end)
    cdef const char* flags = p
    if p < end and not c"0" <= p[0] <= c"9":
        while p < end and p[0] != c" ":
            p += 1
        h.irq = irq_of(flags, p)
        p = skip_blanks(p, end)
    p = read_time(p, end, &h.time)
    if p == NULL:
        return False
    p = skip_blanks(p, end)
    cdef const char* period = p
    while p < end and c"0" <= p[0] <= c"9":  # perf may print how many events the sample stands for
        p += 1
    p = skip_blanks(p, end) if p < end and p[0] == c" " else period
    h.event = p
    while p < end and p[0] > c" ":
        p += 1
    h.event_length = <int> (p - h.event) - 1
    h.fields = skip_blanks(p, end)
    return h.event_length > 0 and (p - 1)[0] == c":"


cdef bint read_header(const char* start, const char* end, header_t* h) noexcept nogil:
    cdef const char* p = start
    h.ran_ns = 0
    while p < end:
        p = <const char*> memchr(p, c"[", end - p)
        if p == NULL:
            return False
        if p > start and read_task(start, p, h) and read_rest(p + 1, end, h):
            if h.event_length > 6 and memcmp(h.event, b"sched:", 6) == 0:
                h.event += 6
                h.event_length -= 6
            return True
        p += 1
    return False


cdef inline bint is_event(header_t* h, const char* name, int length) noexcept nogil:
    return h.event_length == length and memcmp(h.event, name, length) == 0


cdef uint8_t out_of(const char* state, const char* end) noexcept nogil:
    # prev_state: R still runnable, and so is whatever has a "+"; X, Z, x ended; all others sleep, and D and I
    # are told apart. Several letters stand together as S|K.
    cdef uint8_t out = OUT_BLOCKED
    if state < end and state[0] == c"(":
        state += 1
    if state < end and c"0" <= state[0] <= c"9":
        return out_of_number(state, end)
    if state < end and state[0] == c"R":
        return OUT_PREEMPTED
    while state < end and state[0] != c" ":
        if state[0] == c"+":
            return OUT_PREEMPTED
        if out == OUT_BLOCKED:
            if state[0] == c"X" or state[0] == c"Z" or state[0] == c"x":
                out = OUT_EXITED
            elif state[0] == c"D":
                out = OUT_BLOCKED | BLOCK_D
            elif state[0] == c"I":
                out = OUT_BLOCKED | BLOCK_I
        state += 1
    return out


cdef uint8_t out_of_number(const char* state, const char* end) noexcept nogil:
    # Bits: 1 S, 2 D, 4 T, 8 t, 16 and 32 X and Z, 64 P, 128 I (older: K, beside D); R+ is a higher bit alone.
    cdef uint64_t bits = 0
    cdef int base = 10
    cdef char digit
    if end - state > 2 and state[0] == c"0" and state[1] == c"x":
        base = 16
        state += 2
    while state < end and state[0] != c" ":
        digit = state[0] | 32
        if c"0" <= digit <= c"9":
            bits = bits * base + (digit - c"0")
        elif base == 16 and c"a" <= digit <= c"f":
            bits = bits * 16 + (digit - c"a" + 10)
        else:
            break
        state += 1
    if bits & 0xFF == 0:
        return OUT_PREEMPTED
    if bits & 48:
        return OUT_EXITED
    if bits & 2:
        return OUT_BLOCKED | BLOCK_D
    return OUT_BLOCKED | BLOCK_I if bits & 0xFF == 128 else OUT_BLOCKED


# ---- fields, from the right

cdef bint switch_by_keys(const char* start, const char* end, switch_t* s) noexcept nogil:
    # prev_comm=A prev_pid=N prev_prio=N prev_state=S [==>] next_comm=B next_pid=N next_prio=N
    cdef const char* p
    cdef const char* state
    cdef const char* state_end
    p = after_last(start, end, b" next_prio=", 11)
    if p == NULL or not field(p, end, &s.next_prio):
        return False
    p = after_last(start, p - 11, b" next_pid=", 10)
    if p == NULL or not field(p, end, &s.next):
        return False
    s.next_end = p - 10
    s.next_name = after_last(start, s.next_end, b" ==> next_comm=", 15)
    if s.next_name != NULL:
        state_end = s.next_name - 15
    else:
        s.next_name = after_last(start, s.next_end, b" next_comm=", 11)
        if s.next_name == NULL:
            return False
        state_end = s.next_name - 11
    state = after_last(start, state_end, b" prev_state=", 12)
    if state == NULL:
        return False
    s.out = out_of(state, state_end)
    p = after_last(start, state - 12, b" prev_prio=", 11)
    if p == NULL or not field(p, end, &s.prev_prio):
        return False
    p = after_last(start, p - 11, b" prev_pid=", 10)
    if p == NULL or not field(p, end, &s.prev):
        return False
    s.prev_end = p - 10
    s.prev_name = start + 10
    return s.prev_name <= s.prev_end and memcmp(start, b"prev_comm=", 10) == 0


cdef bint switch_by_colons(const char* start, const char* end, switch_t* s) noexcept nogil:
    # A:N [PRIO] S ==> B:N [PRIO]; a name may hold an arrow, so one that does not fit is passed over
    cdef named_t next, prev
    cdef const char* arrow
    cdef const char* state
    if not colons(start, end, &next):
        return False
    arrow = after_last(start, next.end, b" ==> ", 5)
    while arrow != NULL:
        state = after_last(start, arrow - 5, b"] ", 2)
        if (
            state != NULL
            and colons(start, state - 1, &prev)
            and memchr(state, c" ", arrow - 5 - state) == NULL
        ):
            s.prev_name = start
            if state[0] == c"(" and prev.end - start >= 5 and memcmp(start, b"task ", 5) == 0:
                s.prev_name += 5
            s.prev_end, s.prev, s.prev_prio = prev.end, prev.pid, prev.prio
            s.next_name, s.next_end, s.next, s.next_prio = arrow, next.end, next.pid, next.prio
            s.out = out_of(state, arrow - 5)
            return True
        arrow = after_last(start, arrow - 4, b" ==> ", 5)  # two arrows may share a blank
    return False


cdef bint colons(const char* start, const char* end, named_t* task) noexcept nogil:
    # NAME:PID [PRIO], up to `end`; where the name begins is left to the caller
    cdef const char* p = end - 1
    if p <= start or p[0] != c"]":
        return False
    while p > start and p[0] != c"[":
        p -= 1
    if not field_before(p + 1, end - 1, &task.prio) or p - 1 <= start or (p - 1)[0] != c" ":
        return False
    return colon(start, p - 1, task)


cdef bint colon(const char* start, const char* end, named_t* task) noexcept nogil:
    # NAME:PID, up to `end`
    cdef const char* p = end
    while p > start and c"0" <= (p - 1)[0] <= c"9":
        p -= 1
    if p <= start or (p - 1)[0] != c":" or not field_before(p, end, &task.pid):
        return False
    task.name = start
    task.end = p - 1
    return True


cdef inline bint field_before(const char* p, const char* end, int64_t* value) noexcept nogil:
    # A whole number that fills p ... end.
    value[0] = 0
    cdef bint negative = p < end and p[0] == c"-"
    cdef const char* stop = number(p + negative, end, 10, value)
    if negative:
        value[0] = -value[0]
    return stop != NULL and stop == end


cdef bint wakeup_by_keys(const char* start, const char* end, named_t* task) noexcept nogil:
    # comm=A pid=N prio=N [success=1] target_cpu=N
    cdef const char* p = after_last(start, end, b" prio=", 6)
    if p == NULL or not field(p, end, &task.prio):
        return False
    p = after_last(start, p - 6, b" pid=", 5)
    if p == NULL or not field(p, end, &task.pid):
        return False
    task.name, task.end = start + 5, p - 5
    return task.end >= task.name and memcmp(start, b"comm=", 5) == 0


cdef bint wakeup_by_colons(const char* start, const char* end, named_t* task) noexcept nogil:
    # A:N [PRIO] [success=1] [CPU:N], and around 2.6.30: task A:N [PRIO] success=1 [CPU]
    cdef const char* p = end
    cdef bint ends_with_cpu = False
    while p != NULL:
        if colons(start, p, task):
            if ends_with_cpu and task.end - start >= 5 and memcmp(start, b"task ", 5) == 0:
                task.name += 5
            return True
        ends_with_cpu = (end - 1)[0] == c"]"
        p = after_last(start, p - 1, b"] ", 2)
        if p != NULL:
            p -= 1
    return False


cdef bint fork_by_keys(const char* start, const char* end, named_t* parent, named_t* child) noexcept nogil:
    # comm=A pid=N child_comm=B child_pid=N; raw: parent_comm=A parent_pid=N
    cdef const char* p = after_last(start, end, b" child_pid=", 11)
    if p == NULL or not field(p, end, &child.pid):
        return False
    child.end = p - 11
    child.name = after_last(start, child.end, b" child_comm=", 12)
    if child.name == NULL:
        return False
    p = after_last(start, child.name - 12, b" pid=", 5)
    if p == NULL:
        p = after_last(start, child.name - 12, b" parent_pid=", 12)
    return p != NULL and field(p, end, &parent.pid)


cdef bint fork_by_colons(const char* start, const char* end, named_t* parent, named_t* child) noexcept nogil:
    # around 2.6.30: parent A:N  child B:N
    cdef const char* p
    if not colon(start, end, child):
        return False
    child.name = after_last(start, child.end, b"  child ", 8)
    if child.name == NULL:
        return False
    p = child.name - 8
    return colon(start, p, parent) and p - start > 7 and memcmp(start, b"parent ", 7) == 0


cdef bint runtime_by_keys(const char* start, const char* end, named_t* task, int64_t* runtime) noexcept nogil:
    # comm=A pid=N runtime=N [ns] [vruntime=N [ns]]
    cdef const char* p = after_last(start, end, b" runtime=", 9)
    if p == NULL or number(p, end, 18, runtime) == NULL:
        return False
    p = after_last(start, p - 9, b" pid=", 5)
    if p == NULL or not field(p, end, &task.pid):
        return False
    task.name, task.end = start + 5, p - 5
    return task.end >= task.name and memcmp(start, b"comm=", 5) == 0


cdef bint runtime_by_colons(
    const char* start, const char* end, named_t* task, int64_t* runtime
) noexcept nogil:
    # around 2.6.30: task: A:N runtime: N [ns], vruntime: N [ns]
    cdef const char* p = after_last(start, end, b" runtime: ", 10)
    if p == NULL or number(p, end, 18, runtime) == NULL or not colon(start, p - 10, task):
        return False
    task.name += 6
    return task.end >= task.name and memcmp(start, b"task: ", 6) == 0


# ---- lines without a header

cdef int kind_of_line(const char* p, const char* end, int64_t* lost) noexcept nogil:
    # What a line says that is no event; `lost` becomes how many events are lost, 0 if it does not say.
    cdef const char* at
    cdef size_t length = end - p
    lost[0] = 0
    at = loss_of_ring(p, end)
    if at == NULL:
        at = after_last(p, end, b" PERF_RECORD_LOST", 17)
        if at != NULL:
            at = after_last(at, end, b" lost ", 6)
            at = at if at != NULL else end
    if at != NULL:
        if number(at, end, 18, lost) == NULL:
            lost[0] = 0
        return SAYS_LOSS
    if length > 10 and memcmp(p, b"Processed ", 10) == 0 and after_last(p, end, b" lost ", 6) != NULL:
        return SAYS_LOSS
    return SAYS_NOTHING if is_said_by_tools(p, end) else SAYS_STRANGE


cdef const char* loss_of_ring(const char* p, const char* end) noexcept nogil:
    # ftrace: "CPU:1 [LOST 123 EVENTS]", "CPU:1 [LOST EVENTS]"; trace-cmd: "CPU:1 [123 EVENTS DROPPED]"
    cdef const char* at
    if end - p < 5 or memcmp(p, b"CPU", 3) != 0 or after_last(p, end, b"EVENTS", 6) == NULL:
        return NULL
    at = after_last(p, end, b"[LOST ", 6)
    if at == NULL and after_last(p, end, b" DROPPED]", 9) != NULL:
        at = <const char*> memchr(p, c"[", end - p)
        at = at + 1 if at != NULL else NULL
    return at


cdef bint is_said_by_tools(const char* p, const char* end) noexcept nogil:
    # Stacks, banners of trace-cmd, words and other records of perf: nothing that a replay needs.
    cdef size_t length = end - p
    cdef const char* q = p
    if length > 3 and memcmp(p, b"=> ", 3) == 0:
        return True
    while q < end and (c"0" <= q[0] <= c"9" or c"a" <= q[0] <= c"f"):
        q += 1
    if q - p >= 4 and q < end and q[0] == c" " and (end - 1)[0] == c")":
        return True
    if length > 5 and memcmp(p, b"cpus=", 5) == 0 or length > 10 and memcmp(p, b"version = ", 10) == 0:
        return True
    if length > 4 and memcmp(p, b"CPU ", 4) == 0 and after_last(p, end, b" is empty", 9) != NULL:
        return True
    if length > 6 and memcmp(p, b"Check ", 6) == 0 and after_last(p, end, b"CPU overload", 12) != NULL:
        return True
    return (
        after_last(p, end, b" PERF_RECORD_", 13) != NULL
        or after_last(p, end, b" <stack trace>", 14) != NULL
        or after_last(p, end, b" <user stack trace>", 19) != NULL
    )


@final
cdef class Scanner:
    """Reads text of `perf script` or ftrace, block by block; its buffer is the event table.

    `feed` the blocks, `finish`, then ask. Cost about 0.25 us a line.
    """

    cdef event_t* events
    cdef size_t nr_events, room_events
    cdef row_t* rows
    cdef size_t nr_rows, room_rows
    cdef cpu_t* cpus
    cdef size_t room_cpus
    cdef char* names  # nr_texts of NAME_MAX bytes each, the first is the length
    cdef size_t nr_texts, room_names
    cdef naming_t* namings
    cdef size_t nr_namings, room_namings
    cdef uint32_t* pid_slots  # open addressing: row + 1, or 0
    cdef size_t nr_pids, room_pids
    cdef uint32_t* name_slots
    cdef size_t room_name_slots

    cdef char carry[LINE_MAX]
    cdef size_t nr_carry
    cdef bint is_skipping, is_finished
    cdef char held[LINE_MAX]  # a line that jumps ahead in time waits for the next one
    cdef size_t nr_held, held_line
    cdef int64_t held_ns

    cdef int64_t last_line_ns, last_event_ns
    cdef readonly int64_t start_ns, end_ns
    cdef readonly size_t nr_lines, nr_event_lines, nr_ftrace_lines, nr_sched_lines
    cdef readonly size_t nr_switches, inferred_switch_ins, nr_wakings
    cdef readonly size_t nr_headless, first_headless, nr_overwritten, nr_lost_events, process_ids_line
    cdef size_t left_out[NR_REASONS]
    cdef size_t first_left_out[NR_REASONS]

    def __cinit__(self):
        self.start_ns = self.end_ns = -1
        self.room_pids = self.room_name_slots = 256
        self.pid_slots = <uint32_t*> resized(NULL, 256 * sizeof(uint32_t))
        memset(self.pid_slots, 0, 256 * sizeof(uint32_t))
        self.name_slots = <uint32_t*> resized(NULL, 256 * sizeof(uint32_t))
        memset(self.name_slots, 0, 256 * sizeof(uint32_t))

    def __dealloc__(self):
        PyMem_RawFree(self.events)
        PyMem_RawFree(self.rows)
        PyMem_RawFree(self.cpus)
        PyMem_RawFree(self.names)
        PyMem_RawFree(self.namings)
        PyMem_RawFree(self.pid_slots)
        PyMem_RawFree(self.name_slots)

    # ---- blocks and lines

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

    def finish(self):
        """Take the last line, which need not have an end, and give back spare memory."""
        if self.is_finished:
            return
        self.is_finished = True
        if self.nr_carry:
            with nogil:
                self.read_line(self.carry, self.carry + self.nr_carry)
        self.settle_held(self.last_line_ns)
        self.end_ns = self.last_line_ns if self.nr_sched_lines else self.start_ns
        if self.nr_events:
            self.events = <event_t*> resized(self.events, self.nr_events * sizeof(event_t))
            self.room_events = self.nr_events
        if self.nr_rows:
            self.rows = <row_t*> resized(self.rows, self.nr_rows * sizeof(row_t))
        PyMem_RawFree(self.pid_slots)
        PyMem_RawFree(self.name_slots)
        self.pid_slots = self.name_slots = NULL

    cdef int read_block(self, const char* p, const char* end) except -1 nogil:
        cdef const char* stop
        while p < end:
            stop = <const char*> memchr(p, c"\n", end - p)
            if stop == NULL:
                self.keep_rest(p, end)
                return 0
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
        return 0

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

    cdef int read_line(self, const char* p, const char* end) except -1 nogil:
        cdef header_t h
        self.nr_lines += 1
        while end > p and ((end - 1)[0] == c" " or (end - 1)[0] == c"\r"):
            end -= 1
        p = skip_blanks(p, end)
        if p == end:
            return 0
        if end - p > LINE_MAX:
            self.leave_out(TOO_LONG)
        elif read_header(p, end, &h):
            self.read_event(&h, p, end)
        elif p[0] == c"#":
            self.read_comment(p, end)
        else:
            self.read_other(p, end)
        return 0

    cdef void read_comment(self, const char* p, const char* end) noexcept nogil:
        # ftrace: "# entries-in-buffer/entries-written: 140080/250280   #P:4"
        cdef int64_t kept = 0, written = 0
        cdef const char* at = after_last(p, end, b"entries-written: ", 17)
        if at == NULL:
            return
        at = number(at, end, 18, &kept)
        if at != NULL and at < end and number(at + 1, end, 18, &written) != NULL and written > kept:
            self.nr_overwritten += written - kept

    cdef void read_other(self, const char* p, const char* end) noexcept nogil:
        cdef int64_t lost = 0
        cdef int kind
        while p < end and p[0] == c"\t":  # before the frames of a stack
            p = skip_blanks(p + 1, end)
        if p == end:
            return
        kind = kind_of_line(p, end, &lost)
        if kind == SAYS_LOSS:
            self.nr_lost_events += lost
            self.leave_out(LOST)
        elif kind == SAYS_STRANGE:
            self.leave_out(STRANGE)
            if self.nr_event_lines == 0 and after_last(p, end, b"sched_switch: ", 14) != NULL:
                self.nr_headless += 1
                if self.nr_headless == 1:
                    self.first_headless = self.nr_lines

    cdef int read_event(self, header_t* h, const char* start, const char* end) except -1 nogil:
        # Times first (S1): a line from the past is left out before it can say anything.
        self.nr_event_lines += 1
        if h.event_length < 12 or memcmp(h.event, b"sched_", 6) != 0:
            return 0
        if self.nr_held:
            self.settle_held(h.time)
        if self.start_ns >= 0 and h.time > self.last_line_ns + JUMP_NS_MIN:
            self.hold(start, end, h.time)
            return 0
        return self.take_event(h, end)

    cdef int take_event(self, header_t* h, const char* end) except -1 nogil:
        if self.start_ns >= 0 and h.time < self.last_line_ns:
            if self.last_line_ns - h.time > DISORDER_NS_MAX:
                self.leave_out(BACKWARDS)
                return 0
            self.leave_out(DISORDER)
            h.time = self.last_line_ns
        if self.read_fields(h, end):
            self.nr_sched_lines += 1
            self.nr_ftrace_lines += h.is_ftrace
            self.last_line_ns = h.time
        else:
            self.leave_out(STRANGE)
        return 0

    cdef void hold(self, const char* start, const char* end, int64_t time) noexcept nogil:
        # One wrong digit in a time would put all lines after it into the past.
        self.nr_held = end - start
        memcpy(self.held, start, self.nr_held)
        self.held_ns = time
        self.held_line = self.nr_lines

    cdef int settle_held(self, int64_t next_ns) except -1 nogil:
        cdef header_t h
        cdef size_t length = self.nr_held
        self.nr_held = 0
        if length == 0:
            return 0
        if next_ns < self.held_ns:
            self.leave_out(JUMP)
            if self.left_out[JUMP] == 1:
                self.first_left_out[JUMP] = self.held_line
        elif read_header(self.held, self.held + length, &h):
            self.take_event(&h, self.held + length)
        return 0

    cdef void begin(self, header_t* h) noexcept nogil:
        # Called when a line has been understood, before anything is put into the table.
        if self.start_ns < 0:
            self.start_ns = self.last_event_ns = h.time

    cdef int read_fields(self, header_t* h, const char* end) except -1 nogil:
        # 1 if the line was understood
        if is_event(h, b"sched_switch", 12):
            return self.read_switch(h, end)
        if is_event(h, b"sched_stat_runtime", 18):
            return self.read_runtime(h, end)
        if is_event(h, b"sched_waking", 12):
            return self.read_wakeup(h, end, 0)
        if is_event(h, b"sched_wakeup", 12):
            return self.read_wakeup(h, end, 1)
        if is_event(h, b"sched_wakeup_new", 16):
            return self.read_wakeup(h, end, 2)
        if is_event(h, b"sched_process_fork", 18):
            return self.read_fork(h, end)
        self.begin(h)
        self.on_context(h)
        return 1

    cdef int read_switch(self, header_t* h, const char* end) except -1 nogil:
        cdef switch_t s
        if not (switch_by_keys(h.fields, end, &s) or switch_by_colons(h.fields, end, &s)):
            return 0
        if not (is_pid(s.prev) and is_pid(s.next)) or (s.prev == s.next and s.prev != 0):
            return 0
        self.begin(h)
        if h.is_single and h.tid != s.prev and h.tid >= 0 and self.process_ids_line == 0:
            self.process_ids_line = self.nr_lines
        cdef uint32_t p_row = self.live_row(<int32_t> s.prev)
        cdef uint32_t n_row = self.live_row(<int32_t> s.next)
        self.call(p_row, s.prev_name, s.prev_end)
        self.call(n_row, s.next_name, s.next_end)
        self.on_switch(h, p_row, s.prev_prio, s.out, n_row, s.next_prio)
        return 1

    cdef int read_wakeup(self, header_t* h, const char* end, int which) except -1 nogil:
        # which: 0 sched_waking, 1 sched_wakeup, 2 sched_wakeup_new
        cdef named_t task
        if not (wakeup_by_keys(h.fields, end, &task) or wakeup_by_colons(h.fields, end, &task)):
            return 0
        if not is_pid(task.pid):
            return 0
        self.begin(h)
        self.on_context(h)
        cdef uint32_t row = self.live_row(<int32_t> task.pid)
        if row == IDLE:
            return 1
        self.call(row, task.name, task.end)
        if self.rows[row].prio < 0:
            self.rows[row].prio = self.rows[row].prio_first = clamped_prio(task.prio)
        if after_last(task.end, end, b" success=0", 10) != NULL:  # older kernels: it was awake already
            return 1
        if which == 0:
            self.on_waking(h, row)
        elif which == 1:
            self.on_wakeup(h, row)
        else:
            self.on_wakeup_new(h, row, task.prio)
        return 1

    cdef int read_fork(self, header_t* h, const char* end) except -1 nogil:
        cdef named_t parent, child
        if not fork_by_keys(h.fields, end, &parent, &child):
            if not fork_by_colons(h.fields, end, &parent, &child):
                return 0
        if not is_pid(parent.pid) or not is_pid(child.pid) or child.pid == 0:
            return 0
        self.begin(h)
        self.on_context(h)
        cdef uint32_t parent_row = self.live_row(<int32_t> parent.pid)
        cdef uint32_t row = self.new_row(<int32_t> child.pid)
        self.rows[row].state = NEW
        if parent_row != IDLE:
            self.rows[row].parent = <int32_t> parent_row
        self.call(row, child.name, child.end)
        return 1

    cdef int read_runtime(self, header_t* h, const char* end) except -1 nogil:
        cdef named_t task
        cdef int64_t runtime = 0
        if not runtime_by_keys(h.fields, end, &task, &runtime):
            if not runtime_by_colons(h.fields, end, &task, &runtime):
                return 0
        if not is_pid(task.pid):
            return 0
        self.begin(h)
        h.ran_ns = runtime if task.pid == h.tid else 0
        self.on_context(h)
        self.call(self.live_row(<int32_t> task.pid), task.name, task.end)
        return 1

    # ---- what the lines mean

    cdef int on_switch(self, header_t* h, uint32_t prev, int64_t prev_prio, uint8_t detail, uint32_t next,
                       int64_t next_prio) except -1 nogil:
        self.on_running(h, prev)
        self.set_prio(h, prev, prev_prio)
        self.leave_other_cpu(h, next)
        self.set_prio(h, next, next_prio)
        if prev == IDLE:
            detail = OUT_PREEMPTED
        self.emit(h, SWITCH, detail, next, prev)
        self.nr_switches += 1
        if prev != IDLE:
            self.rows[prev].state = state_after(detail)
        self.run(h, next)
        return 0

    cdef int on_context(self, header_t* h) except -1 nogil:
        # A line names the task that is running: a switch that has no line of its own shows here.
        self.room_for_cpu(h.cpu)
        if h.tid >= 0 and not (h.is_single and self.process_ids_line):
            self.on_running(h, self.live_row(h.tid))
        self.cpus[h.cpu].last_ns = h.time
        return 0

    cdef int on_running(self, header_t* h, uint32_t row) except -1 nogil:
        self.room_for_cpu(h.cpu)
        cdef cpu_t* c = &self.cpus[h.cpu]
        cdef uint8_t detail = SWITCH_INFERRED
        cdef uint32_t old = c.curr
        if c.seen and old == row:
            return 0
        self.leave_other_cpu(h, row)
        if not c.seen:
            self.emit(h, SWITCH, SWITCH_FIRST, row, NOBODY)
            self.run(h, row)
            return 0
        if old < NOBODY:
            detail |= SWITCH_LOST | OUT_BLOCKED
            self.rows[old].state = ASLEEP
        # If the line tells how long the task has been running, it came that much earlier.
        self.emit_long(h, BACK, min(h.ran_ns, h.time - c.last_ns))
        self.emit(h, SWITCH, detail, row, old)
        self.inferred_switch_ins += row != IDLE
        self.run(h, row)
        return 0

    cdef int run(self, header_t* h, uint32_t row) except -1 nogil:
        # `row` is the current task of the CPU from now on.
        cdef cpu_t* c = &self.cpus[h.cpu]
        c.seen = True
        c.curr = row
        c.last_ns = h.time
        self.take_pending(row)
        if row != IDLE:
            self.rows[row].state = RUNNING
            self.rows[row].cpu = h.cpu
        return 0

    cdef int leave_other_cpu(self, header_t* h, uint32_t row) except -1 nogil:
        # S4
        cdef uint32_t here = h.cpu, there
        if row == IDLE or self.rows[row].state != RUNNING or self.rows[row].cpu == here:
            return 0
        there = self.rows[row].cpu
        h.cpu = there
        self.emit(h, SWITCH, SWITCH_INFERRED | SWITCH_LOST | OUT_BLOCKED, NOBODY, row)
        h.cpu = here
        self.cpus[there].curr = NOBODY
        self.rows[row].state = ASLEEP
        return 0

    cdef void take_pending(self, uint32_t row) noexcept nogil:
        # A task that fell asleep after a wakeup, and runs without another one, did not sleep really.
        if row == IDLE:
            return
        if self.rows[row].pending >= 0 and self.rows[row].state == ASLEEP:
            self.events[self.rows[row].pending].kind = TAKEN
        self.rows[row].pending = -1

    cdef int on_waking(self, header_t* h, uint32_t row) except -1 nogil:
        cdef uint8_t state = self.rows[row].state
        self.nr_wakings += 1
        if state == UNSEEN or state == ASLEEP:
            self.rows[row].pending = -1
            self.emit(h, WAKE, h.irq, row, self.cpus[h.cpu].curr)
            self.rows[row].state = QUEUED
        elif state != NEW:
            self.emit(h, EARLY, h.irq, row, self.cpus[h.cpu].curr)
            self.rows[row].pending = self.nr_events - 1
        return 0

    cdef int on_wakeup(self, header_t* h, uint32_t row) except -1 nogil:
        # The second line of a wakeup is news only if the task was not asleep at the first, or if there was
        # none.
        cdef uint8_t state = self.rows[row].state
        if state == UNSEEN or state == ASLEEP:
            if self.rows[row].pending >= 0:
                self.take_pending(row)
                self.emit(h, READY, 0, row, NOBODY)
            else:
                self.emit(h, WAKE, IRQ_REMOTE if self.nr_wakings else h.irq, row, self.cpus[h.cpu].curr)
            self.rows[row].state = QUEUED
        elif state == RUNNING:
            self.rows[row].pending = -1
        return 0

    cdef int on_wakeup_new(self, header_t* h, uint32_t row, int64_t prio) except -1 nogil:
        cdef uint32_t context = self.cpus[h.cpu].curr
        if self.rows[row].state == NEW or self.rows[row].state == UNSEEN:
            if self.rows[row].parent < 0 and context < NOBODY:
                self.rows[row].parent = <int32_t> context
            self.rows[row].prio = self.rows[row].prio_first = clamped_prio(prio)
            self.emit(h, FORK, 0, row, context)
            self.rows[row].state = QUEUED
        return 0

    cdef int set_prio(self, header_t* h, uint32_t row, int64_t prio) except -1 nogil:
        cdef int16_t now = clamped_prio(prio)
        if row == IDLE or self.rows[row].prio == now:
            return 0
        if self.rows[row].prio < 0:
            self.rows[row].prio_first = now
        else:
            self.emit(h, PRIO, 0, row, <uint32_t> now)
        self.rows[row].prio = now
        return 0

    # ---- the tables

    cdef int emit(
        self, header_t* h, uint8_t kind, uint8_t detail, uint32_t task, uint32_t context
    ) except -1 nogil:
        cdef int64_t delta = h.time - self.last_event_ns
        cdef event_t* e
        if delta > DELTA_MAX:
            self.last_event_ns = h.time
            self.emit_long(h, GAP, delta)
            delta = 0
        if self.nr_events == self.room_events:
            # An eighth more: at the end nearly nothing is spare, and `realloc` moves pages, not bytes.
            self.room_events += self.room_events // 8 + 1024
            self.events = <event_t*> resized(self.events, self.room_events * sizeof(event_t))
        e = &self.events[self.nr_events]
        e.delta = <uint32_t> delta
        e.task = task
        e.context = context
        e.cpu = <uint16_t> h.cpu
        e.kind = kind
        e.detail = detail
        self.nr_events += 1
        self.last_event_ns = h.time
        return 0

    cdef int emit_long(self, header_t* h, uint8_t kind, int64_t ns) except -1 nogil:
        self.emit(h, kind, 0, 0, 0)
        set_long(&self.events[self.nr_events - 1], ns)
        return 0

    cdef int room_for_cpu(self, uint32_t cpu) except -1 nogil:
        cdef size_t room = cpu + 1
        if room > self.room_cpus:
            self.cpus = <cpu_t*> resized(self.cpus, room * sizeof(cpu_t))
            memset(self.cpus + self.room_cpus, 0, (room - self.room_cpus) * sizeof(cpu_t))
            self.room_cpus = room
        return 0

    cdef uint32_t live_row(self, int32_t pid) except? 0xFFFFFFFD nogil:
        # The row of the task that has this pid now. One that has ended and turns up again is somebody else.
        cdef size_t slot
        if pid == 0:
            return IDLE
        slot = self.slot_of(pid)
        if self.pid_slots[slot] and self.rows[self.pid_slots[slot] - 1].state != DEAD:
            return self.pid_slots[slot] - 1
        return self.new_row(pid)

    cdef size_t slot_of(self, int32_t pid) noexcept nogil:
        cdef size_t mask = self.room_pids - 1
        cdef size_t slot = (<uint32_t> pid * <uint32_t> 2654435761) & mask
        while self.pid_slots[slot] and self.rows[self.pid_slots[slot] - 1].pid != pid:
            slot = (slot + 1) & mask
        return slot

    cdef uint32_t new_row(self, int32_t pid) except? 0xFFFFFFFD nogil:
        cdef row_t* row
        cdef size_t slot
        if self.nr_rows == self.room_rows:
            self.room_rows += self.room_rows // 2 + 64
            self.rows = <row_t*> resized(self.rows, self.room_rows * sizeof(row_t))
        if 2 * (self.nr_pids + 1) > self.room_pids:
            self.double_pids()
        row = &self.rows[self.nr_rows]
        memset(row, 0, sizeof(row_t))
        row.pid = pid
        row.parent = row.prio = row.prio_first = -1
        row.pending = -1
        row.name = NOBODY
        slot = self.slot_of(pid)
        self.nr_pids += self.pid_slots[slot] == 0
        self.nr_rows += 1
        self.pid_slots[slot] = <uint32_t> self.nr_rows
        return <uint32_t> self.nr_rows - 1

    cdef int double_pids(self) except -1 nogil:
        cdef uint32_t* old = self.pid_slots
        cdef size_t i, nr_old = self.room_pids
        self.pid_slots = <uint32_t*> resized(NULL, 2 * nr_old * sizeof(uint32_t))
        self.room_pids = 2 * nr_old
        memset(self.pid_slots, 0, self.room_pids * sizeof(uint32_t))
        for i in range(nr_old):
            if old[i]:
                self.pid_slots[self.slot_of(self.rows[old[i] - 1].pid)] = old[i]
        PyMem_RawFree(old)
        return 0

    cdef int call(self, uint32_t row, const char* name, const char* end) except -1 nogil:
        # Names change at exec and by prctl; nearly every line repeats the one known.
        cdef size_t length = min(end - name, NAME_MAX - 1)
        cdef uint32_t known, index
        if row == IDLE:
            return 0
        known = self.rows[row].name
        if known != NOBODY and self.is_name(known, name, length):
            return 0
        index = self.name_index(name, length)
        self.rows[row].name = index
        if self.rows[row].nr_names == NAMES_A_TASK_MAX:
            return 0
        self.rows[row].nr_names += 1
        if self.nr_namings == self.room_namings:
            self.room_namings += self.room_namings // 2 + 64
            self.namings = <naming_t*> resized(self.namings, self.room_namings * sizeof(naming_t))
        self.namings[self.nr_namings].row = row
        self.namings[self.nr_namings].name = index
        self.nr_namings += 1
        return 0

    cdef inline bint is_name(self, uint32_t index, const char* name, size_t length) noexcept nogil:
        cdef char* known = self.names + <size_t> index * NAME_MAX
        return <size_t> known[0] == length and memcmp(known + 1, name, length) == 0

    cdef uint32_t name_index(self, const char* name, size_t length) except? 0xFFFFFFFD nogil:
        cdef size_t slot = self.name_slot(name, length)
        cdef char* place
        if self.name_slots[slot]:
            return self.name_slots[slot] - 1
        if self.nr_texts == self.room_names:
            self.room_names += self.room_names // 2 + 64
            self.names = <char*> resized(self.names, self.room_names * NAME_MAX)
        place = self.names + self.nr_texts * NAME_MAX
        place[0] = <char> length
        memcpy(place + 1, name, length)
        self.nr_texts += 1
        self.name_slots[slot] = <uint32_t> self.nr_texts
        if 2 * self.nr_texts > self.room_name_slots:
            self.double_names()
        return <uint32_t> self.nr_texts - 1

    cdef size_t name_slot(self, const char* name, size_t length) noexcept nogil:
        cdef size_t mask = self.room_name_slots - 1
        cdef size_t i, slot
        cdef uint32_t code = 2166136261
        for i in range(length):
            code = (code ^ <unsigned char> name[i]) * <uint32_t> 16777619
        slot = code & mask
        while self.name_slots[slot] and not self.is_name(self.name_slots[slot] - 1, name, length):
            slot = (slot + 1) & mask
        return slot

    cdef int double_names(self) except -1 nogil:
        cdef size_t i, slot
        cdef size_t room = 2 * self.room_name_slots
        cdef char* name
        self.name_slots = <uint32_t*> resized(self.name_slots, room * sizeof(uint32_t))
        self.room_name_slots = room
        memset(self.name_slots, 0, room * sizeof(uint32_t))
        for i in range(self.nr_texts):
            name = self.names + i * NAME_MAX
            slot = self.name_slot(name + 1, <size_t> name[0])
            self.name_slots[slot] = <uint32_t> i + 1
        return 0

    # ---- answers

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        if not self.is_finished:
            raise BufferError("the table is complete after finish()")
        buffer.buf = self.events if self.nr_events else <event_t*> self.carry
        buffer.obj = self
        buffer.len = self.nr_events * sizeof(event_t)
        buffer.readonly = True
        buffer.itemsize = 1
        buffer.format = NULL
        buffer.ndim = 1
        buffer.shape = NULL
        buffer.strides = NULL
        buffer.suboffsets = NULL
        buffer.internal = NULL

    @property
    def nr_tasks(self):
        """Tasks seen."""
        return self.nr_rows

    def cpus_seen(self):
        """The CPUs in whose context something happened, in ascending order."""
        return [cpu for cpu in range(self.room_cpus) if self.cpus[cpu].seen]

    def names_seen(self):
        """All names as str, bytes that are not UTF-8 as surrogates."""
        cdef size_t i
        cdef char* name
        names = []
        for i in range(self.nr_texts):
            name = self.names + i * NAME_MAX
            names.append(name[1 : 1 + name[0]].decode("utf-8", "surrogateescape"))
        return names

    def tasks_seen(self):
        """The tasks in the order of first sight: ``(nr_tasks,)`` of `TASK_SEEN_DTYPE`."""
        table = np.zeros(self.nr_rows, TASK_SEEN_DTYPE)
        cdef task_seen_t[::1] out = table
        cdef size_t i
        for i in range(self.nr_rows):
            out[i].pid = self.rows[i].pid
            out[i].parent = self.rows[i].parent
            out[i].name = -1 if self.rows[i].name == NOBODY else <int32_t> self.rows[i].name
            out[i].prio_first = self.rows[i].prio_first
            out[i].prio = self.rows[i].prio
        return table

    def namings_seen(self):
        """A pair (row, index of the name) for each time that a task took a name, in order."""
        return [(self.namings[i].row, self.namings[i].name) for i in range(self.nr_namings)]

    def lines_left_out(self):
        """For each reason why lines are left out: how many there are, and the number of the first."""
        reasons = ("strange", "too long", "backwards", "disorder", "lost", "jump")
        counts = {why: (self.left_out[i], self.first_left_out[i]) for i, why in enumerate(reasons)}
        return {why: count for why, count in counts.items() if count[0]}


cdef void* resized(void* block, size_t size) except NULL nogil:
    cdef void* place = PyMem_RawRealloc(block, size)
    if place == NULL:
        with gil:
            raise MemoryError(f"no memory for {size} bytes of a recording")
    return place


cdef inline void set_long(event_t* e, int64_t ns) noexcept nogil:
    e.task = <uint32_t> ns
    e.context = <uint32_t> (<uint64_t> ns >> 32)


cdef inline bint is_pid(int64_t pid) noexcept nogil:
    return 0 <= pid <= 0x7FFFFFFF


cdef inline int16_t clamped_prio(int64_t prio) noexcept nogil:
    # A deadline task has -1: real-time, as far as a fair class is concerned.
    return <int16_t> min(max(prio, 0), 139)


cdef inline uint8_t state_after(uint8_t detail) noexcept nogil:
    if detail & OUT_MASK == OUT_PREEMPTED:
        return QUEUED
    return DEAD if detail & OUT_MASK == OUT_EXITED else ASLEEP
