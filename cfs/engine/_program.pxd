# Programs of tasks. `_program.pyx` says what each operation does.

from .._types cimport int16_t, int32_t, int64_t, ns_t, task_group, uint8_t, uint32_t, uint64_t
from ._driver cimport driven_cpu, driver, finish_event
from ._due cimport timer

cdef enum:                      # op.kind: workload.Op, which says what each means
    OP_RUN = 0
    OP_WAIT = 1
    OP_SLEEP = 2
    OP_SLEEP_UNTIL = 3
    OP_WAKE = 4
    OP_FORK = 5
    OP_NICE = 6
    OP_EXIT = 7
    OP_YIELD = 8
    OP_LOOP = 9
    OP_NEXT = 10
    OP_PUT = 11
    NR_OPS = 12

cdef enum:                      # how a program, or a step of the loop, came to its end
    PLAY_GOES_ON = 0
    PLAY_NEEDS_RUNS = 1         # the log of runs is full
    PLAY_NEEDS_TASK = 2         # a fork needs memory
    PLAY_FAULTED = 3            # the model leaves the next operation undefined


cdef struct op:                 # a row of workload.OP_DTYPE
    int64_t arg
    int32_t target
    int32_t kind


cdef struct program:            # a row of workload.TASK_DTYPE
    int64_t first_op
    int64_t start_ns
    int32_t nr_ops
    int32_t pid
    int32_t name
    int32_t uid
    int32_t group
    int16_t cpu
    signed char nice
    signed char policy


cdef struct line:               # of tasks whose PUT waits until another one has taken what lies there
    uint32_t first              # 1 + its index; 0: nobody stands there
    uint32_t last
    uint32_t behind             # who comes after this task in the line in which it stands
    uint32_t at                 # 1 + whose line that is; 0: it stands in none
    uint8_t served              # the WAIT that comes next has admitted somebody already
    uint8_t closed              # this task exits: nobody stands in its line any more


cdef struct play:               # a workload that is being run; zeroed
    driver d
    const op *ops
    const program *programs
    task_group **groups         # one a task; NULL without groups
    line *lines                 # one a task; NULL: no program has a PUT
    const ns_t *slices          # of its own, one a task, 0: none; NULL: nobody has one
    timer *timers               # those of all CPUs lie here
    uint64_t nr_timers          # ever set: the seq of the next
    driven_cpu *interrupted     # its program has stopped for want of memory, and goes on before all else; or NULL
    size_t nr_tasks
    size_t nr_alive             # tasks born or with a start time, not exited
    ns_t wakeup_cost            # how long the interrupt goes on that wakes a task
    bint tasks_stay             # in the kernel after a wakeup, as long as the operation says
    bint holds                  # may a task, or an interrupt, hold its CPU? Else everybody is preempted at once

cdef int adopt_tasks(play *s) except -1
cdef int wake_by_timer(play *s, driven_cpu *cpu) noexcept nogil
cdef int perform_program(play *s, driven_cpu *cpu) noexcept nogil
cdef int wait_in_turn(play *s, driven_cpu *cpu) noexcept nogil
cdef int release(play *s, driven_cpu *cpu) noexcept nogil
cdef void hold_flagged(play *s) noexcept nogil


cdef inline bint finish(play *s, driven_cpu *this_cpu) noexcept nogil:
    # an event: whoever holds a CPU keeps it, the others that are flagged call schedule()
    if s.holds:
        hold_flagged(s)
    return finish_event(&s.d, this_cpu)
