"""A fact: what one event of a binary recording says, before anybody makes sense of it.

The readers (`_perf_data`, `_trace_dat`, `_perfetto`) fill one `fact_t` an event, in the order of time, and hand
it to a `Sink`. What is not said is -1 (a pid, a CPU), NO_PRIO (a priority) or NULL (a name). Names point into
the file: they hold until `take` returns.

    kind          pid, prio, name           other, other_prio, other_name    value
    SWITCHED      switched out              switched in                      prev_state as the kernel wrote it
    WAKING        woken                     its CPU, -, -                    0
    WAKEUP        the same: the second half of a wakeup
    WAKEUP_NEW    the same, of a new task
    FORKED        parent, -, its name       child, -, its name               0
    RAN           of whom                   -                                ns that it ran
    RENAMED       who                       -                                0
    EXITED        who                       -                                0
    MIGRATED      who                       from CPU, to CPU                 0
    CONTEXT       -                         -                                0: only `tid` and `cpu` say something
    MISSING       -                         -                                how many events are lost, 0 if not said

Any of them may say in which control group `tid` was: its number in the file, 0 if it is not said.
"""

from cython cimport final
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from ._facts cimport NO_PRIO

cdef enum:
    NO_FACT = 0
    SWITCHED = 1
    WAKING = 2
    WAKEUP = 3
    WAKEUP_NEW = 4
    FORKED = 5
    RAN = 6
    RENAMED = 7
    EXITED = 8
    MIGRATED = 9
    CONTEXT = 10
    MISSING = 11

cdef struct fact_t:
    int64_t time  # ns on the clock of the recording
    int64_t value
    uint64_t group
    const char* name
    const char* other_name
    uint16_t name_length
    uint16_t other_length
    int32_t cpu
    int32_t tid  # the thread that was current on that CPU
    int32_t pid
    int32_t prio
    int32_t other
    int32_t other_prio
    uint16_t event  # which event of the file; the reader knows its name
    uint8_t kind
    uint8_t out  # of SWITCHED: OUT_* and BLOCK_* of `_events.pxd`
    uint8_t irq  # IRQ_*: in whose context
    uint8_t is_inferred  # `tid`, and `pid` of SWITCHED, follow from other events
    uint8_t was_awake  # of a wakeup by an older kernel: it woke nobody


cdef class Sink:
    cdef int take(self, fact_t* fact) except -1 nogil


@final
cdef class Facts(Sink):
    cdef readonly list facts


cdef void clear(fact_t* fact) noexcept nogil
