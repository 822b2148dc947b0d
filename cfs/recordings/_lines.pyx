"""From the bytes of one line to its fields. Pure functions: nothing here knows of a task or of another line.

What it decides: what a line says. The text is never copied: names are pointers into the line.

A line is a header and fields. Names may hold blanks, '/', ':', '-', '=' and brackets, so nothing is split at
blanks:

    perf      COMM PID/TID [CPU] SECONDS.FRACTION: sched:EVENT: FIELDS     (or one number, TID or PID; or none)
    ftrace    COMM-TID [CPU] FLAGS SECONDS.FRACTION: EVENT: FIELDS         (trace-cmd: maybe without FLAGS)
    latency   COMM-TID CPUFLAGS SECONDS.FRACTION: EVENT: FIELDS            (trace-cmd report -l)
              COMM-TID CPUFLAGS MICROSECONDSus : EVENT: FIELDS             (ftrace; its dump in a kernel's log)

The header is the first '[' after which a CPU, a time and an event follow (the event alone is longer than a
name can be); the task is the number before it. Only where there is none, the latency format is looked for.
Fields are trusted rather than the header's name, pids rather than names. Fields have three spellings, each read
from the right:

    keys      prev_comm=A prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=B next_pid=2 next_prio=120
    raw keys  the same without the arrow, the state a number (trace-cmd report -R)
    colons    A:1 [120] S ==> B:2 [120]      (trace-cmd and perf with libtraceevent's plugins)
              task A:1 [120] (S) ==> B:2 [120]                             (kernels around 2.6.30)

What trace-cmd says of fields that it could not find or print is passed over. What a number means (whether a pid
can be one, which task it is) is left to `_tracker`; which kernel a number of a state is of, and which column of
FLAGS tells interrupts, to `_scan`, which sees more than one line.

Rejected: regular expressions (4 us a line).
"""

from libc.string cimport memchr, memcmp

from ._eight cimport eight, end_of_word, nr_digits, skip_blanks, ten_to, value_of_digits
from ._events cimport *
from ._facts cimport NO_PRIO, named_t


cdef inline const char* number(const char* p, const char* end, int digits_max, int64_t* value) noexcept nogil:
    # Reads digits; NULL if there is none, or more than digits_max.
    cdef const char* start = p
    cdef int64_t x = 0
    cdef uint64_t characters
    cdef int nr = 8
    while nr == 8 and end - p >= 8:
        characters = eight(p)
        nr = nr_digits(characters)
        if p + nr - start > digits_max:
            return NULL
        if nr:
            x = x * ten_to(nr) + value_of_digits(characters, nr)
        p += nr
    while nr == 8 and p < end and c"0" <= p[0] <= c"9":
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


cdef inline const char* before_value(
    const char* start, const char* end, const char* key, int length
) noexcept nogil:
    # Where `key` begins, if it and a number are the last word; else `end`.
    cdef const char* p = end
    while p > start and c"0" <= (p - 1)[0] <= c"9":
        p -= 1
    return p - length if p - start >= length and memcmp(p - length, key, length) == 0 else end


cdef inline const char* value_of(
    const char* start, const char* end, const char* key, int length
) noexcept nogil:
    # The same of a key whose value is a number. Often that is the last word: then the key is in front of it.
    cdef const char* p = before_value(start, end, key, length)
    return p + length if p != end else after_last(start, end, key, length)


cdef inline const char* after_first(
    const char* start, const char* end, const char* key, int length
) noexcept nogil:
    # What follows the first `key` in start ... end; NULL if there is none.
    cdef const char* p = start
    while p + length <= end:
        p = <const char*> memchr(p, key[0], end - length + 1 - p)
        if p == NULL:
            return NULL
        if memcmp(p, key, length) == 0:
            return p + length
        p += 1
    return NULL


cdef inline bint ends(const char* start, const char* end, const char* key, int length) noexcept nogil:
    return end - start >= length and memcmp(end - length, key, length) == 0


cdef inline bint begins(const char* p, const char* end, const char* key, int length) noexcept nogil:
    return end - p >= length and memcmp(p, key, length) == 0


cdef inline const char* read_time(const char* p, const char* end, int64_t* time) noexcept nogil:
    # SECONDS.FRACTION and a colon; a fraction of 6 digits is us, of 9 digits ns. Seconds since 1970 have ten digits.
    cdef int64_t seconds = 0, fraction = 0
    cdef const char* point = number(p, end, 10, &seconds)
    if point == NULL or point == end or point[0] != c"." or seconds > SECONDS_MAX:
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


cdef inline const char* read_us(const char* p, const char* end, int64_t* time) noexcept nogil:
    # The time of ftrace's latency format: "1234us : ", with a mark of how long the next event takes for the blank.
    cdef int64_t us = 0
    p = number(p, end, 15, &us)
    if p == NULL or end - p < 5 or p[0] != c"u" or p[1] != c"s" or p[3] != c":":
        return NULL
    time[0] = us * 1000
    return p + 4


cdef inline const char* read_flags(const char* p, const char* end, header_t* h) noexcept nogil:
    # A word; it is kept as a number, too, by which it is told from others.
    h.flags = p
    h.flags_word = 0
    while p < end and p[0] != c" ":
        h.flags_word = h.flags_word << 8 | <unsigned char> p[0]
        p += 1
    h.nr_flags = <int> (p - h.flags)
    return p


cdef uint8_t irq_of(const header_t* h, int column) noexcept nogil:
    # One of ftrace's flags says whose context it is: the one in `column`, or without a legend the third; the
    # fourth where kernels for real time have a flag more in front of it.
    cdef char flag
    if column == COLUMN_UNTOLD:
        column = 2 if h.nr_flags < 6 else 3
    if column < 0 or column >= h.nr_flags:
        return IRQ_UNKNOWN
    flag = h.flags[column]
    if flag == c".":
        return IRQ_NONE
    if flag == c"s":
        return IRQ_SOFT
    return IRQ_HARD if flag in (c"h", c"H", c"z", c"Z") else IRQ_UNKNOWN


cdef inline const char* read_task(const char* start, const char* bracket, const char* end, header_t* h) noexcept nogil:
    # The number in front of '[': PID/TID, TID or COMM-TID; in between may stand ftrace's "(TGID)". Where only
    # a name stands there, or nothing, who runs is not known.
    cdef const char* p = bracket - 1
    if bracket == start:
        h.at.tid = -1
        h.is_ftrace = h.is_single = False
        return bracket + 1
    while p >= start and p[0] == c" ":
        p -= 1
    if p == bracket - 1:
        return NULL
    if p >= start and p[0] == c")":
        while p >= start and p[0] != c"(":
            p -= 1
        p -= 1
        while p >= start and p[0] == c" ":
            p -= 1
    while p >= start and c"0" <= p[0] <= c"9":
        p -= 1
    cdef int64_t tid = 0
    h.at.tid = -1
    h.is_ftrace = h.is_single = False
    if number(p + 1, end, 10, &tid) == NULL or p < start or not (p[0] in (c"/", c"-", c" ")):
        return bracket + 1
    if tid > 0x7FFFFFFF:
        return NULL
    if p > start and p[0] == c"-" and ((p - 1)[0] == c"/" or (p - 1)[0] == c" "):
        tid = -1
    h.at.tid = <int32_t> tid
    h.is_ftrace = p[0] == c"-" and tid >= 0
    h.is_single = p[0] == c" "
    return bracket + 1


cdef inline bint read_rest(const char* p, const char* end, header_t* h, bint is_latency) noexcept nogil:
    # CPU] FLAGS TIME: EVENT: FIELDS, or of the latency format CPUFLAGS TIME: EVENT: FIELDS.
    cdef int64_t cpu = 0
    cdef const char* time
    h.nr_flags = 0
    p = number(p, end, 5, &cpu)
    if p == NULL or p == end or cpu >= NR_CPUS_MAX:
        return False
    if not is_latency:
        if p[0] != c"]":
            return False
        p = skip_blanks(p + 1, end)
    h.at.cpu = <uint32_t> cpu
    if p < end and not c"0" <= p[0] <= c"9":
        p = skip_blanks(read_flags(p, end, h), end)
    time = p
    p = read_time(time, end, &h.at.time)
    if is_latency:
        if h.nr_flags < 3:
            return False
        if p == NULL:
            p = read_us(time, end, &h.at.time)
    if p == NULL:
        return False
    h.has_time = True
    p = skip_blanks(p, end)
    if p < end and p[0] == c"(":  # trace-cmd may print how long ago the event before was
        p = <const char*> memchr(p, c")", end - p)
        return p != NULL and read_name(skip_blanks(p + 1, end), end, h)
    return read_name(p, end, h)


cdef inline bint read_name(const char* p, const char* end, header_t* h) noexcept nogil:
    # EVENT: FIELDS
    cdef const char* period = p
    while p < end and c"0" <= p[0] <= c"9":  # perf may print how many events the sample stands for
        p += 1
    p = skip_blanks(p, end) if p < end and p[0] == c" " else period
    h.event = p
    p = end_of_word(p, end)
    h.event_length = <int> (p - h.event) - 1
    if h.event_length <= 0 or (p - 1)[0] != c":":
        return False
    if h.event_length > 6 and memcmp(h.event, b"sched:", 6) == 0:
        h.event += 6
        h.event_length = without_modifiers(h.event, h.event_length - 6)
    h.fields = skip_blanks(p, end)
    if h.fields < end and h.fields[0] == c"[" and begins(h.fields, end, b"[FAILED TO PARSE]", 17):
        h.fields = skip_blanks(h.fields + 17, end)
    return True


cdef inline int without_modifiers(const char* event, int length) noexcept nogil:
    # Of "sched_switch:k" and its like; perf record -e takes a few letters.
    cdef int i
    for i in range(2, 5):
        if length > i and event[length - i] == c":":
            return length - i
    return length


cdef bint read_header(const char* start, const char* end, header_t* h) noexcept nogil:
    # Brackets first, then the latency format. at.irq is left to whoever knows the columns of the flags (`irq_of`).
    cdef const char* p = start
    cdef const char* rest
    cdef bint is_latency = False
    h.start = start
    h.has_time = False
    h.at.irq = IRQ_UNKNOWN
    while True:
        p = <const char*> memchr(p, c"-" if is_latency else c"[", end - p) if p < end else NULL
        if p == NULL:
            if is_latency:
                return False
            is_latency, p = True, start
            continue
        rest = read_latency_task(p, end, h) if is_latency else read_task(start, p, end, h)
        if rest != NULL and read_rest(rest, end, h, is_latency):
            return True
        p += 1


cdef inline const char* read_latency_task(const char* dash, const char* end, header_t* h) noexcept nogil:
    # COMM-TID and blanks: what follows, or NULL. A name may hold dashes, and so may what a kernel's log has in front.
    cdef int64_t tid = 0
    cdef const char* p = number(dash + 1, end, 10, &tid)
    if p == NULL or p == end or p[0] != c" " or tid > 0x7FFFFFFF:
        return NULL
    h.at.tid = <int32_t> tid
    h.is_ftrace, h.is_single = True, False
    return skip_blanks(p, end)


cdef const char* end_of_buffer(const header_t* h) noexcept nogil:
    # The colon behind the name of trace-cmd's buffer that a line is of; NULL: it is of the top one. A name of a task
    # may have a colon, too: but it has 15 bytes at most, and behind that of a buffer stand a blank and 16.
    cdef const char* colon = <const char*> memchr(h.start, c":", h.event - h.start)
    cdef const char* bracket
    cdef const char* p
    if colon == NULL or memchr(h.start, c"[", colon - h.start) != NULL:
        return NULL
    bracket = <const char*> memchr(colon, c"[", h.event - colon)
    if bracket == NULL or colon[1] != c" ":
        return NULL
    p = skip_blanks(h.start, colon)
    while p < colon and c"0" <= p[0] <= c"9":
        p += 1
    if p == colon:
        return NULL  # the number of a line
    p = bracket - 1
    while p > colon and p[0] == c" ":
        p -= 1
    if p[0] == c")":  # the thread group, "(-----)" if it is not known
        while p > colon and p[0] != c"(":
            p -= 1
    while p > colon and p[0] != c"-":
        p -= 1
    return colon if p - colon > 17 else NULL


cdef inline bint is_event(const header_t* h, const char* name, int length) noexcept nogil:
    return h.event_length == length and memcmp(h.event, name, length) == 0


cdef int kind_of_event(const header_t* h) noexcept nogil:
    if h.event_length < 12 or memcmp(h.event, b"sched_", 6) != 0:
        return SAYS_NOTHING
    if is_event(h, b"sched_switch", 12):
        return SAYS_SWITCH
    if is_event(h, b"sched_stat_runtime", 18):
        return SAYS_RUNTIME
    if is_event(h, b"sched_waking", 12):
        return SAYS_WAKING
    if is_event(h, b"sched_wakeup", 12):
        return SAYS_WAKEUP
    if is_event(h, b"sched_wakeup_new", 16):
        return SAYS_WAKEUP_NEW
    return SAYS_FORK if is_event(h, b"sched_process_fork", 18) else SAYS_CONTEXT


cdef inline void read_state(const char* state, const char* end, switch_t* s) noexcept nogil:
    # prev_state, in letters or as a number.
    s.state = STATE_IN_LETTERS
    if state < end and state[0] == c"(":
        state += 1
    if state < end and c"0" <= state[0] <= c"9":
        s.state = state_number(state, end)
        s.out = out_of_number(s.state, 0)
    else:
        s.out = out_of(state, end)


cdef uint8_t out_of(const char* state, const char* end) noexcept nogil:
    # R still runnable, and so is whatever has a "+"; X, Z, x ended; all others sleep, and D and I are told apart
    # (older kernels: D with N). Several letters stand together as S|K. trace-cmd's plugins say W for I.
    cdef uint8_t out = OUT_BLOCKED
    if state < end and state[0] == c"R":
        return OUT_PREEMPTED
    if state < end and state[0] == c"W":
        out = OUT_BLOCKED | BLOCK_I
    while state < end and state[0] != c" ":
        if state[0] == c"+":
            return OUT_PREEMPTED
        if state[0] == c"N" and out == OUT_BLOCKED | BLOCK_D:
            out = OUT_BLOCKED | BLOCK_I
        if out == OUT_BLOCKED:
            if state[0] == c"X" or state[0] == c"Z" or state[0] == c"x":
                out = OUT_EXITED
            elif state[0] == c"D":
                out = OUT_BLOCKED | BLOCK_D
            elif state[0] == c"I":
                out = OUT_BLOCKED | BLOCK_I
        state += 1
    return out


cdef int32_t state_number(const char* state, const char* end) noexcept nogil:
    # Its low bits: a long may be negative.
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
    return <int32_t> (bits & 0x1FFF)


cdef int32_t preempted_bit(int32_t known, int32_t state) noexcept nogil:
    # The bit alone that means R+ is one above all other states, so it says which kernels these numbers are of:
    # 0x100 from 4.14 on, 0x200 to 0x1000 before; 0: not known. Also 4.14 began to report an end as 0x10 or 0x20 and
    # an idle kernel thread as 0x80 alone; before, states had several bits, and an end was 0x40.
    if known == STATES_OF_4_14:
        return known
    if state > 0x1FF and state & (state - 1) == 0:
        return max(known, state)
    if state > 0x1FF or state & 0x80 and state != 0x80:
        return max(known, 0x200)
    if known == 0 and (state == 0x100 or state == 0x80 or state == 0x10 or state == 0x20):
        return STATES_OF_4_14
    return known


cdef uint8_t out_of_number(int32_t state, int32_t preempted) noexcept nogil:
    # By the kernel that the file is of. If nothing shows it, 0x40 is an end rather than a parked thread: a kernel
    # that parks threads so has shown by idle ones which it is.
    if preempted == STATES_OF_4_14:
        return out_of_bits(state & 0xFF)
    if state & 0x70:
        return OUT_EXITED
    if state & 0x402 == 0x402:
        return OUT_BLOCKED | BLOCK_I
    if preempted > state >= 0x200:  # parked
        return OUT_BLOCKED
    return out_of_bits(state & 0xFF)


# ---- fields, from the right

cdef bint read_switch(const char* fields, const char* end, switch_t* s) noexcept nogil:
    return switch_by_keys(fields, end, s) or switch_by_colons(fields, end, s)


cdef bint read_wakeup(const char* fields, const char* end, named_t* task, bint* woke) noexcept nogil:
    # `woke` is False where an older kernel says that the task was awake already.
    if not (wakeup_by_keys(fields, end, task) or wakeup_by_colons(fields, end, task)):
        return False
    woke[0] = after_last(task.end, end, b" success=0", 10) == NULL
    return True


cdef bint read_fork(const char* fields, const char* end, named_t* parent, named_t* child) noexcept nogil:
    # The parent's name is not read: it is known, or its next own event has it.
    if not (fork_by_keys(fields, end, parent, child) or fork_by_colons(fields, end, parent, child)):
        return False
    parent.name = NULL
    parent.prio = child.prio = NO_PRIO
    return True


cdef bint read_runtime(const char* fields, const char* end, named_t* task, int64_t* runtime_ns) noexcept nogil:
    task.prio = NO_PRIO
    return runtime_by_keys(fields, end, task, runtime_ns) or runtime_by_colons(fields, end, task, runtime_ns)


cdef bint switch_by_keys(const char* start, const char* end, switch_t* s) noexcept nogil:
    # prev_comm=A prev_pid=N prev_prio=N prev_state=S [==>] next_comm=B next_pid=N next_prio=N
    cdef const char* p
    cdef const char* state
    cdef const char* state_end
    p = value_of(start, end, b" next_prio=", 11)
    if p == NULL or not field(p, end, &s.next.prio):
        return False
    p = value_of(start, p - 11, b" next_pid=", 10)
    if p == NULL or not field(p, end, &s.next.pid):
        return False
    s.next.end = p - 10
    s.next.name = after_last(start, s.next.end, b" ==> next_comm=", 15)
    if s.next.name != NULL:
        state_end = s.next.name - 15
    else:
        s.next.name = after_last(start, s.next.end, b" next_comm=", 11)
        if s.next.name == NULL:
            return False
        state_end = s.next.name - 11
    state = after_last(start, state_end, b" prev_state=", 12)
    if state == NULL:
        return False
    read_state(state, state_end, s)
    p = value_of(start, state - 12, b" prev_prio=", 11)
    if p == NULL or not field(p, end, &s.prev.prio):
        return False
    p = value_of(start, p - 11, b" prev_pid=", 10)
    if p == NULL or not field(p, end, &s.prev.pid):
        return False
    s.prev.end = p - 10
    s.prev.name = start + 10
    return s.prev.name <= s.prev.end and memcmp(start, b"prev_comm=", 10) == 0


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
            next.name = arrow
            if state[0] == c"(" and prev.end - start >= 5 and memcmp(start, b"task ", 5) == 0:
                prev.name += 5
            s.prev, s.next = prev, next
            read_state(state, arrow - 5, s)
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
    cdef const char* p = value_of(start, before_value(start, end, b" target_cpu=", 12), b" prio=", 6)
    if p == NULL or not field(p, end, &task.prio):
        return False
    p = value_of(start, p - 6, b" pid=", 5)
    if p == NULL or not field(p, end, &task.pid):
        return False
    task.name, task.end = start + 5, p - 5
    return task.end >= task.name and memcmp(start, b"comm=", 5) == 0


cdef bint wakeup_by_colons(const char* start, const char* end, named_t* task) noexcept nogil:
    # A:N [PRIO] [success=1] [CPU:N], and around 2.6.30: task A:N [PRIO] success=1 [CPU]
    cdef const char* p = after_first(start, end, b"<CANT FIND FIELD", 16)
    cdef bint ends_with_cpu = False
    if p != NULL:  # what follows does not matter; a priority may be missing
        task.prio = NO_PRIO
        return colons(start, p - 16, task) or colon(start, p - 16, task)
    p = end
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
    cdef const char* p = value_of(start, end, b" child_pid=", 11)
    if p == NULL or not field(p, end, &child.pid):
        return False
    child.end = p - 11
    child.name = after_last(start, child.end, b" child_comm=", 12)
    if child.name == NULL:
        return False
    p = value_of(start, child.name - 12, b" pid=", 5)
    if p == NULL:
        p = value_of(start, child.name - 12, b" parent_pid=", 12)
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
    cdef const char* p = value_of(start, end - 5 if ends(start, end, b" [ns]", 5) else end, b" runtime=", 9)
    if p == NULL or number(p, end, 18, runtime) == NULL:
        return False
    p = value_of(start, p - 9, b" pid=", 5)
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

cdef int kind_of_other(const char* p, const char* end, int64_t* lost, int64_t* cpu) noexcept nogil:
    # What a line says that is no event, how many events are lost (0 if it does not say), and of which CPU
    # (-1: it does not say, NOWHERE: nor when). Blanks in front are gone.
    cdef const char* at
    cdef const char* said = after_log_prefix(p, end)
    lost[0] = 0
    cpu[0] = -1
    at = loss_of_ring(said, end)
    if at == NULL:
        at = after_last(p, end, b" PERF_RECORD_LOST", 17)
        if at != NULL:
            at = after_last(at, end, b" lost ", 6)
            at = at if at != NULL else end
        elif begins(p, end, b"CPU ", 4):
            at = after_last(p, end, b" lost ", 6)
    if at != NULL:
        if number(at, end, 18, lost) == NULL:
            lost[0] = 0
        cpu[0] = cpu_of_loss(said, end)
        return SAYS_LOSS
    if after_first(p, end, b"Processed ", 10) != NULL and after_last(p, end, b" lost ", 6) != NULL:
        cpu[0] = NOWHERE
        return SAYS_LOSS
    if names_a_switch(p, end):
        return SAYS_STRANGE
    return SAYS_NOTHING if said > p or is_said_by_tools(p, end) else SAYS_STRANGE


cdef const char* after_log_prefix(const char* p, const char* end) noexcept nogil:
    # What a kernel's log has in front: "[   12.345678] ", maybe with a level before and a caller after it, or what
    # syslog and the journal write: "Nov 28 12:00:00 host kernel: ".
    cdef const char* q = p
    cdef const char* close
    if end - q > 3 and q[0] == c"<" and c"0" <= q[1] <= c"9" and (q[2] == c">" or q[3] == c">"):
        q += 3 if q[2] == c">" else 4
    if q < end and q[0] == c"[":
        close = <const char*> memchr(q, c"]", end - q)
        if close != NULL and (memchr(q, c".", close - q) != NULL or memchr(q, c":", close - q) != NULL):
            q = skip_blanks(close + 1, end)
            if q == close + 1 and q < end and q[0] == c"[":
                close = <const char*> memchr(q, c"]", end - q)
                q = skip_blanks(close + 1, end) if close != NULL else q
            return q
    q = after_first(p, end, b" kernel: ", 9)
    return p if q == NULL else skip_blanks(q, end)


cdef int64_t cpu_of_loss(const char* p, const char* end) noexcept nogil:
    # "CPU:1 [LOST 7 EVENTS]", perf's "[001] 1.5: PERF_RECORD_LOST lost 7" and "CPU 1 lost 7"; -1 if it does not say.
    cdef int64_t cpu = 0
    cdef const char* q = p
    cdef const char* stop
    while q + 4 < end:
        if memcmp(q, b"CPU", 3) == 0 and (q[3] == c":" or q[3] == c" "):
            return cpu if number(skip_blanks(q + 4, end), end, 6, &cpu) != NULL else -1
        if q[0] == c"[" and (q + 4)[0] != c" ":
            stop = number(q + 1, end, 6, &cpu)
            if stop != NULL and stop < end and stop[0] == c"]":
                return cpu
        q += 1
    return -1


cdef const char* loss_of_ring(const char* p, const char* end) noexcept nogil:
    # ftrace: "CPU:1 [LOST 123 EVENTS]", "CPU:1 [LOST EVENTS]"; trace-cmd: "CPU:1 [123 EVENTS DROPPED]"; with no CPU: all
    cdef const char* at
    if end - p < 5 or memcmp(p, b"CPU", 3) != 0 and p[0] != c"[" or after_last(p, end, b"EVENTS", 6) == NULL:
        return NULL
    at = after_last(p, end, b"[LOST ", 6)
    if at == NULL and after_last(p, end, b" DROPPED]", 9) != NULL:
        at = <const char*> memchr(p, c"[", end - p)
        at = at + 1 if at != NULL else NULL
    return at


cdef bint is_said_by_tools(const char* p, const char* end) noexcept nogil:
    # Stacks, banners of trace-cmd, atrace and ftrace's dumps, words and other records of perf: nothing that a replay
    # needs.
    if begins(p, end, b"=> ", 3) or is_frame(p, end):
        return True
    if begins(p, end, b"cpus=", 5) or begins(p, end, b"version = ", 10):
        return True
    if begins(p, end, b"CPU ", 4) and after_last(p, end, b" is empty", 9) != NULL:
        return True
    if begins(p, end, b"Check ", 6) and after_last(p, end, b"CPU overload", 12) != NULL:
        return True
    if begins(p, end, b"Dumping ftrace buffer", 21) or begins(p, end, b"--------", 8):
        return True
    if begins(p, end, b"TRACE:", 6) or begins(p, end, b"capturing trace...", 18):
        return True
    return (
        after_first(p, end, b"linuxPerfData = ", 16) != NULL
        or after_last(p, end, b" PERF_RECORD_", 13) != NULL
        or after_last(p, end, b" <stack trace>", 14) != NULL
        or after_last(p, end, b" <user stack trace>", 19) != NULL
    )


cdef bint is_frame(const char* p, const char* end) noexcept nogil:
    # ADDRESS SYMBOL (FILE); without the file an address is at least so long that it is nothing else.
    cdef const char* q = p
    while q < end and (c"0" <= q[0] <= c"9" or c"a" <= q[0] <= c"f"):
        q += 1
    if q - p >= 8 and (q == end or q[0] == c" "):
        return True
    return q > p and q < end and q[0] == c" " and (end - 1)[0] == c")"


cdef bint is_cut_event(const char* p, const char* end) noexcept nogil:
    # Of a line with a time, but without a name of an event: was one of the scheduler meant? Functions are not.
    return (after_first(p, end, b"sched:", 6) != NULL or after_first(p, end, b": sched_", 8) != NULL) and (
        after_first(p, end, b" <-", 3) == NULL
    )


cdef bint may_be_a_switch(const char* p, const char* end) noexcept nogil:
    # Most lines are not, and this is soon seen.
    return after_first(p, end, b"_switch: ", 9) != NULL


cdef bint names_a_switch(const char* p, const char* end) noexcept nogil:
    # Even a line without a header, or without the name of the event, may show that a switch was meant.
    if after_last(p, end, b"sched_switch: ", 14) != NULL:
        return True
    return after_first(p, end, b"prev_comm=", 10) != NULL and after_first(p, end, b" prev_pid=", 10) != NULL


# ---- what stands around the lines

cdef bint begins_a_page(const char* p, const char* end) noexcept nogil:
    # A page of systrace: its script and styles are no lines of a trace.
    return (
        begins(p, end, b"<!DOCTYPE html", 14)
        or begins(p, end, b"<!doctype html", 14)
        or begins(p, end, b"<html", 5)
        or begins(p, end, b"<HTML", 5)
    )


cdef const char* end_of_script(const char* p, const char* end) noexcept nogil:
    # Older pages have the trace as a string of their script, each line with "\n\" at its end, the last with "\n\"".
    # NULL if the line is none of these.
    if end - p >= 3 and memcmp(end - 3, b"\\n\\", 3) == 0:
        return end - 3
    if end - p >= 4 and memcmp(end - 4, b"\\n\";", 4) == 0:
        return end - 4
    if end - p >= 3 and memcmp(end - 3, b"\\n\"", 3) == 0:
        return end - 3
    return NULL


cdef const char* unescaped(const char* p, const char* end, char* out) noexcept nogil:
    # The text of a string of a script into `out`, which is as long; its end.
    while p < end:
        if p[0] == c"\\" and p + 1 < end:
            p += 1
        out[0] = p[0]
        out += 1
        p += 1
    return out


cdef int kind_of_legend(const char* p, const char* end) noexcept nogil:
    # ftrace draws which flag is which, one a line: "#   || / _---=> hardirq/softirq".
    cdef const char* name = after_first(p, end, b"=> ", 3)
    if name == NULL or (name - 4)[0] != c"-":
        return LEGEND_NONE
    if begins(name, end, b"irqs-off", 8):
        return LEGEND_FIRST
    if begins(name, end, b"hardirq/softirq", 15):
        return LEGEND_IRQ
    return LEGEND_NONE if begins(name, end, b"CPU#", 4) else LEGEND_OTHER


cdef int64_t nr_overwritten(const char* p, const char* end) noexcept nogil:
    # ftrace: "# entries-in-buffer/entries-written: 140080/250280   #P:4"
    cdef int64_t kept = 0, written = 0
    cdef const char* at = after_last(p, end, b"entries-written: ", 17)
    if at == NULL:
        return 0
    at = number(at, end, 18, &kept)
    if at == NULL or at == end or number(at + 1, end, 18, &written) == NULL:
        return 0
    return max(written - kept, 0)


# ---- from Python

def fields_of(const unsigned char[::1] line not None):
    """What one line says.

    Parameters
    ----------
    line : bytes-like
        A line without its end, and without blanks around it.

    Returns
    -------
    dict or None
        Of an event ``time_ns``, ``cpu``, ``tid`` (-1: not known), ``irq`` (IRQ_* of `_events.pxd`), ``event``
        and the fields that count: ``prev``, ``next`` and ``out`` (OUT_* and BLOCK_*); ``task`` and ``woke`` or
        ``runtime_ns``; ``parent`` and ``child``. A task is ``(name, pid, prio)``, None for what is not given.
        Without fields where they cannot be understood. None of a line that is no event.
    """
    cdef header_t h
    if line.shape[0] == 0:
        return None
    cdef const char* start = <const char*> &line[0]
    cdef const char* end = start + line.shape[0]
    if not read_header(start, end, &h):
        return None
    h.at.irq = irq_of(&h, COLUMN_UNTOLD)
    said = {"time_ns": h.at.time, "cpu": h.at.cpu, "tid": h.at.tid, "irq": h.at.irq}
    said["event"] = h.event[: h.event_length]
    said.update(own_fields(&h, end))
    return said


cdef dict own_fields(const header_t* h, const char* end):
    cdef int kind = kind_of_event(h)
    cdef switch_t s
    cdef named_t task, child
    cdef int64_t runtime_ns = 0
    cdef bint woke = False
    if kind == SAYS_SWITCH and read_switch(h.fields, end, &s):
        return {"prev": spelt(&s.prev), "next": spelt(&s.next), "out": s.out}
    if kind in (SAYS_WAKING, SAYS_WAKEUP, SAYS_WAKEUP_NEW) and read_wakeup(h.fields, end, &task, &woke):
        return {"task": spelt(&task), "woke": woke}
    if kind == SAYS_FORK and read_fork(h.fields, end, &task, &child):
        return {"parent": spelt(&task), "child": spelt(&child)}
    if kind == SAYS_RUNTIME and read_runtime(h.fields, end, &task, &runtime_ns):
        return {"task": spelt(&task), "runtime_ns": runtime_ns}
    return {}


cdef tuple spelt(const named_t* task):
    name = None if task.name == NULL else task.name[: task.end - task.name]
    return name, task.pid, None if task.prio == NO_PRIO else task.prio
