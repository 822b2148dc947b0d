"""What a reader says of one line or record: where and when it was, and which tasks it names.

`_lines` and readers of other formats fill these in, `_tracker` takes them. Names are bytes, never ended by a
NUL; they need to live only as long as the call.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

cdef struct moment_t:
    int64_t time  # ns on the clock of the recording, not negative
    uint32_t cpu  # the CPU that recorded it
    int32_t tid  # the thread that was running there; -1: not known
    uint8_t irq  # IRQ_* of `_events`: in which context

cdef struct named_t:
    const char* name  # NULL: not given
    const char* end
    int64_t pid  # of the thread; 0: the idle task
    int64_t prio  # as the kernel prints it, -1 for a deadline task; NO_PRIO: not given

cdef enum:
    NO_PRIO = -32768

cdef enum:  # a clock of a recording is not perfect
    DISORDER_NS_MAX = 1000000  # a fact so little too early is taken at the time of the one before

cdef extern from *:
    """
    #define CFS_JUMP_NS_MIN 10000000000ll
    #define CFS_TIME_MAX 0x7FFFFFFFFFFFFFFEll
    """
    const int64_t JUMP_NS_MIN "CFS_JUMP_NS_MIN"  # a fact so much later is believed if the next one is not earlier
    const int64_t TIME_MAX "CFS_TIME_MAX"  # ns; a later time is none


cdef inline bint jumps(int64_t time, int64_t before) noexcept nogil:
    # One wrong bit or digit of a time would put all that comes after it into the past.
    return time - before > JUMP_NS_MIN
