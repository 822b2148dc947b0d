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
