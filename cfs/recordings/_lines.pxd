"""What `_lines` offers to whoever reads text: each function looks at one line and keeps nothing."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from ._facts cimport moment_t, named_t

cdef enum:  # what a line says
    SAYS_NOTHING = 0  # a stack, a banner, an event of another part of the kernel
    SAYS_LOSS = 1
    SAYS_STRANGE = 2
    SAYS_SWITCH = 3
    SAYS_RUNTIME = 4
    SAYS_WAKING = 5
    SAYS_WAKEUP = 6
    SAYS_WAKEUP_NEW = 7
    SAYS_FORK = 8
    SAYS_CONTEXT = 9  # another event of the scheduler: who was running, no more
    NR_SAYS = 10

cdef enum:  # which column of the flags tells interrupts
    COLUMN_UNTOLD = -1  # no legend
    COLUMN_NONE = -2  # the legend has none

cdef enum:
    SECONDS_MAX = 9000000000  # in ns these still are an int64_t
    STATE_IN_LETTERS = -1
    STATES_OF_4_14 = 0x100

cdef enum:  # what a line of ftrace's legend names
    LEGEND_NONE = 0
    LEGEND_FIRST = 1  # irqs-off
    LEGEND_IRQ = 2  # hardirq/softirq
    LEGEND_OTHER = 3

cdef enum:
    NOWHERE = -2  # a loss of which neither CPU nor place is known

cdef struct header_t:
    moment_t at
    const char* start  # of the line
    const char* flags
    int nr_flags  # 0: there are none
    uint64_t flags_word  # the last eight of them
    bint has_time  # and a CPU, even if no event follows: "sys_read -> 0x5", "schedule <-do_nanosleep"
    bint is_ftrace
    bint is_single  # one number in front, as perf prints it: that of the thread, or of its process
    const char* event  # its name, without "sched:"
    int event_length
    const char* fields

cdef struct switch_t:  # the fields of a sched_switch
    named_t prev
    named_t next
    uint8_t out  # OUT_* and BLOCK_* of `_events`; of a number as far as it can be told without the rest of the file
    int32_t state  # as a number, or STATE_IN_LETTERS


cdef bint read_header(const char* start, const char* end, header_t* h) noexcept nogil
cdef uint8_t irq_of(const header_t* h, int column) noexcept nogil
cdef int kind_of_event(const header_t* h) noexcept nogil
cdef const char* end_of_buffer(const header_t* h) noexcept nogil
cdef bint read_switch(const char* fields, const char* end, switch_t* s) noexcept nogil
cdef bint read_wakeup(const char* fields, const char* end, named_t* task, bint* woke) noexcept nogil
cdef bint read_fork(const char* fields, const char* end, named_t* parent, named_t* child) noexcept nogil
cdef bint read_runtime(const char* fields, const char* end, named_t* task, int64_t* runtime_ns) noexcept nogil
cdef int kind_of_other(const char* p, const char* end, int64_t* lost, int64_t* cpu) noexcept nogil
cdef bint is_cut_event(const char* p, const char* end) noexcept nogil
cdef bint may_be_a_switch(const char* p, const char* end) noexcept nogil
cdef bint names_a_switch(const char* p, const char* end) noexcept nogil
cdef int32_t preempted_bit(int32_t known, int32_t state) noexcept nogil
cdef uint8_t out_of_number(int32_t state, int32_t preempted) noexcept nogil
cdef bint begins_a_page(const char* p, const char* end) noexcept nogil
cdef const char* end_of_script(const char* p, const char* end) noexcept nogil
cdef const char* unescaped(const char* p, const char* end, char* out) noexcept nogil
cdef int kind_of_legend(const char* p, const char* end) noexcept nogil
cdef int64_t nr_overwritten(const char* p, const char* end) noexcept nogil
