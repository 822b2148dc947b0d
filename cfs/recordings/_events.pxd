"""The event table: what is kept of a recording, 16 bytes an event.

`_tracker` writes it, `_walk` reads it. An event holds what cannot be had from its neighbours: times are
differences to the event before, and the lines that only repeat something (sched_stat_runtime, the second half
of a wakeup) are gone. Tasks are rows (numbers from 0 in the order in which they are first seen), never pids:
a pid may be used again.

    kind     task          context           detail            what
    GAP      low 32 bits   high 32 bits      0                 so many ns pass (2**32 or more)
    BACK     low 32 bits   high 32 bits      0                 the next event took place so many ns earlier
    SWITCH   switched in   switched out      OUT_* and more    a task or the idle task goes, another comes
    WAKE     woken         running there     IRQ_*             a task that slept is runnable
    EARLY    named         running there     IRQ_*             a wakeup of a task that did not sleep
    TAKEN    named         running there     IRQ_*             the same, but it undid the block that followed
    READY    woken         NOBODY            0                 when a TAKEN wakeup was complete
    FORK     child         running there     0                 a new task is runnable
    PRIO     changed       its new priority  0                 100 ... 139: nice + 120; below: real-time
    LOSS     NOBODY        NOBODY            0                 between the fact before of this CPU and the next one
                                                               events of it were lost
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef struct event_t:
    uint32_t delta  # ns since the event before
    uint32_t task
    uint32_t context
    uint16_t cpu
    uint8_t kind
    uint8_t detail

cdef enum:
    GAP = 0
    BACK = 1
    SWITCH = 2
    WAKE = 3
    EARLY = 4
    TAKEN = 5
    READY = 6
    FORK = 7
    PRIO = 8
    LOSS = 9

cdef enum:  # detail of SWITCH: the low two bits are the values of `cfs.result.Out`
    OUT_MASK = 3
    OUT_PREEMPTED = 1
    OUT_BLOCKED = 2
    OUT_EXITED = 3
    BLOCK_D = 4  # uninterruptible: a disk, a page, a child of vfork
    BLOCK_I = 8  # an idle kernel thread
    SWITCH_INFERRED = 16  # no line says so: the context of a later event does
    SWITCH_FIRST = 32  # found running when the CPU was first seen, or again after a loss; nothing was switched
    SWITCH_LOST = 64  # the switch out of `context` was not recorded

cdef enum:  # detail of WAKE, EARLY, TAKEN
    IRQ_UNKNOWN = 0  # the format does not say
    IRQ_NONE = 1  # process context: the running task did it
    IRQ_HARD = 2
    IRQ_SOFT = 3
    IRQ_REMOTE = 4  # sched_wakeup alone, where others have sched_waking too: the waker was not recorded

cdef enum:
    NR_CPUS_MAX = 8192

cdef enum:  # the verdict on a wakeup, see `causes.py`
    CAUSED = 0
    TIMER = 1
    OUTSIDE = 2

cdef extern from *:
    """
    #define CFS_IDLE 0xFFFFFFFFu
    #define CFS_NOBODY 0xFFFFFFFEu
    #define CFS_DELTA_MAX 0xFFFFFFFFLL
    """
    const uint32_t IDLE "CFS_IDLE"  # as task or context: the idle task of the CPU
    const uint32_t NOBODY "CFS_NOBODY"  # not known
    const int64_t DELTA_MAX "CFS_DELTA_MAX"


cdef inline uint8_t out_of_bits(uint64_t bits) noexcept nogil:
    # Of prev_state, without the bit for "preempted": 0 runnable; 1 S, 2 D, 4 T, 8 t, 16 and 32 X and Z, 64 P,
    # 128 I (older kernels: K, beside D).
    if bits == 0:
        return OUT_PREEMPTED
    if bits & 48:
        return OUT_EXITED
    if bits & 2:
        return OUT_BLOCKED | BLOCK_D
    return OUT_BLOCKED | BLOCK_I if bits == 128 else OUT_BLOCKED


cdef struct clock_t:
    int64_t now  # time of the event
    int64_t at  # the same, or earlier for a SWITCH after a BACK
    int64_t back


cdef inline int64_t long_of(const event_t* e) noexcept nogil:
    return <int64_t> (<uint64_t> e.context << 32 | e.task)


cdef inline void pass_time(clock_t* c, const event_t* e) noexcept nogil:
    c.now += e.delta
    if e.kind == GAP:
        c.now += long_of(e)
    c.at = c.now - c.back
    c.back = long_of(e) if e.kind == BACK else 0
