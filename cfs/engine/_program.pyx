"""Programs of tasks: what each operation does, and how a task gets from one to the next.

What it decides: nothing about time. A task performs its operations, which take none, until it runs again, blocks, exits,
or is preempted by what it did; then whoever has the CPU performs its own.

One table has a row for each kind of operation: what it does, and whether it needs room for a wakeup or a task. Room is
looked for beforehand, because the operation itself cannot fail for want of it. A new kind is a row here, a number in
`_program.pxd` and in `workload.Op`, and a method of the readable twin (`stepping.py`); a test compares the three.

A WAIT takes a WAKE that came early (they are counted), so no wakeup is lost when the order of events changes. A child
starts on the CPU that the workload says; its parent's CPU executes the fork. A timer's interrupt comes on the CPU of the
task that it wakes.

A PUT is a WAKE that does not run ahead: if the last one has not been taken, its task stands in the line of the other
one, first come, first served, and tries again when that one takes something, is about to wait for something, or exits. All
that is done by the task that runs there, before it blocks or exits, as a reader does it. Whoever would close a circle of
such tasks goes on as with a WAKE, so nobody waits for himself.

A CPU may be held: while its task is in the kernel (`stay`), or an interrupt is, nobody is preempted there. A task that is
flagged meanwhile is marked (`hold_if_flagged`), and the flag is acted on when the time is over (`release`).

Invariants:
    I1  between operations every task is: unborn, runnable, waiting for a WAKE, in a line, with a timer, or dead
    I2  a program that stops for memory has done nothing of the operation that needs it, and is the next to go on

Rejected: a switch over the kinds (a kind is then told in two places: what it does and what it needs); callbacks into
Python (a Python policy has its own loop).
"""

from libc.stdlib cimport calloc

from .._core cimport (
    EVENT_FORK,
    EVENT_WAKE,
    adjust_new_task,
    adopt_task,
    begin_event,
    block_current,
    can_take_task,
    exit_current,
    free_task,
    new_task,
    preempt_disable,
    preempt_enable,
    sched_fork,
    sched_set_slice,
    sched_yield,
    set_task_cpu,
    set_user_nice,
    take_task,
    try_to_wake_up,
    wake_up_new_task,
    would_fault,
)
from .._hz cimport NEVER
from .._types cimport RESCHED, SLEEP_INTERRUPTIBLE, int8_t, int32_t, int64_t, ns_t, rq, task, uint8_t, uint32_t
from ._driver cimport driven_task, note_wakeup, set_due
from ._due cimport pop_timer, push_timer, timer
from ._runs cimport BY_FORK, BY_TASK, BY_TIMER, NO_TASK, READY_FORK, READY_WAKEUP, has_room_for_wakeup, is_full


cdef enum:                      # what an operation needs, beside room for runs
    WAKEUP_ROOM = 1
    TASK_ROOM = 2

cdef struct operation:
    int (*perform)(play *s, driven_cpu *cpu, const op *o) noexcept nogil     # of the task that runs there
    int needs

# ----------------------------------------------------------------------------------------------- tasks come and wake


cdef inline void prepare_task(play *s, task *p, uint32_t index, rq *rq, task *parent) noexcept nogil:
    # a copy of `parent` on this CPU, with what the workload says of it
    cdef const program *row = &s.programs[index]
    p.tag = index
    sched_fork(rq, p, parent)
    adjust_new_task(p, s.groups[index], row.nice, row.policy)
    s.d.tasks[index].p = p


cdef inline void set_timer(play *s, driven_cpu *cpu, ns_t time, uint32_t index) noexcept nogil:
    # of a task of this CPU
    push_timer(&cpu.timers, time, s.nr_timers, index)
    s.nr_timers += 1


cdef int share_out_timers(play *s) except -1:
    # to each CPU as many as tasks of the workload are on it: a task stays where it is
    cdef timer *heap
    cdef int32_t cpu
    cdef size_t i
    s.timers = <timer *>calloc(s.nr_tasks + 1, sizeof(timer))
    if s.timers == NULL:
        raise MemoryError
    for i in range(s.nr_tasks):
        s.d.cpus[s.programs[i].cpu].timers.nr += 1
    heap = s.timers
    for cpu in range(s.d.m.nr_cpus):
        s.d.cpus[cpu].timers.heap = heap
        heap += s.d.cpus[cpu].timers.nr
        s.d.cpus[cpu].timers.nr = 0
    return 0


cdef void give_slice(play *s, uint32_t index) noexcept nogil:
    # its own, as by sched_setattr(): an event right after the one that brought it, because a child has its parent's
    cdef task *p = s.d.tasks[index].p
    cdef driven_cpu *cpu = &s.d.cpus[p.rq.cpu]
    if s.slices == NULL or s.slices[index] == 0:
        return
    begin_event(cpu.rq, s.d.now)
    sched_set_slice(p, s.slices[index])
    finish(s, cpu)


cdef int adopt_tasks(play *s) except -1:
    # those with a start time exist from time 0 on, asleep, as if forked by the idle task long ago
    cdef task *p
    cdef rq *rq
    cdef uint32_t i
    share_out_timers(s)
    for i in range(s.nr_tasks):
        s.d.tasks[i].next_op = s.programs[i].first_op
        if s.programs[i].start_ns < 0:
            continue
        p = new_task(s.d.m)
        rq = s.d.m.rqs[s.programs[i].cpu]
        p.tag = i
        adopt_task(rq, p, s.groups[i], s.programs[i].nice, s.programs[i].policy)
        s.d.tasks[i].p = p
        set_timer(s, &s.d.cpus[rq.cpu], s.programs[i].start_ns, i)
        set_due(&s.d, &s.d.cpus[rq.cpu])
        s.nr_alive += 1
        give_slice(s, i)
    return 0


cdef inline bint wake_would_fault(const driven_task *t) noexcept nogil:
    return would_fault(t.p.rq, t.p, EVENT_WAKE, NULL)


cdef inline int wake(play *s, driven_cpu *this_cpu, uint32_t index, uint8_t cause, int32_t waker) noexcept nogil:
    # `this_cpu` raises it
    note_wakeup(&s.d, index, READY_WAKEUP, cause, waker, this_cpu.rq.cpu)
    begin_event(this_cpu.rq, s.d.now)
    try_to_wake_up(s.d.tasks[index].p, 0)
    finish(s, this_cpu)
    return PLAY_GOES_ON


cdef int wake_by_timer(play *s, driven_cpu *cpu) noexcept nogil:
    cdef uint32_t index = cpu.timers.heap[0].task
    if not has_room_for_wakeup(&s.d.log):
        return PLAY_NEEDS_RUNS
    if wake_would_fault(&s.d.tasks[index]):
        return PLAY_FAULTED
    if s.wakeup_cost:
        stay(s, cpu, s.wakeup_cost)
    pop_timer(&cpu.timers)
    return wake(s, cpu, index, BY_TIMER, NO_TASK)

# ------------------------------------------------------------------------------------------------ who holds a CPU


cdef inline void stay(play *s, driven_cpu *cpu, ns_t time) noexcept nogil:
    # nobody is preempted on this CPU for this time: its task, or an interrupt, is in the kernel
    cpu.stays = max(cpu.stays, s.d.now + time)


cdef inline void hold_if_flagged(play *s, driven_cpu *cpu) noexcept nogil:
    if cpu.stays > s.d.now and cpu.rq.curr.need_resched == RESCHED:
        preempt_disable(cpu.rq)
        cpu.release = cpu.stays


cdef void hold_flagged(play *s) noexcept nogil:
    # of the CPUs of this event
    cdef int32_t i
    if s.d.m.nr_cpus == 1:
        hold_if_flagged(s, &s.d.cpus[0])
        return
    for i in range(s.d.m.nr_touched):
        hold_if_flagged(s, &s.d.cpus[s.d.m.touched[i].cpu])


cdef int release(play *s, driven_cpu *cpu) noexcept nogil:
    # Its task may have come to stay for longer since
    cpu.release = cpu.stays if cpu.stays > s.d.now else NEVER
    if cpu.release != NEVER:
        set_due(&s.d, cpu)
        return PLAY_GOES_ON
    begin_event(cpu.rq, s.d.now)
    preempt_enable(cpu.rq)
    finish(s, cpu)
    return PLAY_GOES_ON

# -------------------------------------------------------------------------------------------------- the operations


cdef void block(play *s, driven_cpu *cpu) noexcept nogil:
    begin_event(cpu.rq, s.d.now)
    block_current(cpu.rq, SLEEP_INTERRUPTIBLE)
    finish(s, cpu)


cdef inline void sleep_until(play *s, driven_cpu *cpu, ns_t time) noexcept nogil:
    set_timer(s, cpu, time, cpu.index)
    block(s, cpu)


cdef int op_run(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    cdef driven_task *t = &s.d.tasks[cpu.index]
    t.remaining = o.arg + (o.target if t.own else 0)
    set_due(&s.d, cpu)
    return PLAY_GOES_ON


cdef inline void take_or_block(play *s, driven_cpu *cpu) noexcept nogil:
    cdef driven_task *t = &s.d.tasks[cpu.index]
    t.own = t.wakeups == 0
    if t.wakeups:
        t.wakeups -= 1
    else:
        t.waiting = True
        block(s, cpu)


cdef int op_wait(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    if s.lines != NULL:
        return wait_in_turn(s, cpu)
    take_or_block(s, cpu)
    return PLAY_GOES_ON


cdef int wait_in_turn(play *s, driven_cpu *cpu) noexcept nogil:
    # a WAIT where there are lines; who has nothing to take makes room first, once. In the .pxd, so that op_wait stays short
    cdef uint32_t index = cpu.index
    cdef driven_task *t = &s.d.tasks[index]
    cdef bint takes
    cdef int status = PLAY_GOES_ON if has_room_for_wakeup(&s.d.log) else PLAY_NEEDS_RUNS
    if t.wakeups == 0 and not s.lines[index].served and status == PLAY_GOES_ON:
        status = admit(s, cpu, index)
        s.lines[index].served = True
    if status != PLAY_GOES_ON or cpu.curr != t.p:
        t.next_op -= 1
        return status
    s.lines[index].served = False
    takes = t.wakeups > 0
    take_or_block(s, cpu)
    return admit(s, cpu, index) if takes else PLAY_GOES_ON


cdef int op_sleep(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    sleep_until(s, cpu, s.d.now + o.arg)
    return PLAY_GOES_ON


cdef int op_sleep_until(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    if <ns_t>o.arg > s.d.now:
        sleep_until(s, cpu, o.arg)
    return PLAY_GOES_ON


cdef int op_next(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    # the next moment that lies a multiple of `arg` after `target`
    cdef ns_t now = s.d.now
    cdef ns_t first = <ns_t>o.target
    sleep_until(s, cpu, first if now < first else first + ((now - first) // <ns_t>o.arg + 1) * <ns_t>o.arg)
    return PLAY_GOES_ON


cdef int op_wake(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    cdef driven_task *t = &s.d.tasks[o.target]
    if s.tasks_stay:
        stay(s, cpu, o.arg)
    s.d.tasks[cpu.index].own = t.waiting
    if not t.waiting:
        t.wakeups += 1
        return PLAY_GOES_ON
    if wake_would_fault(t):
        return PLAY_FAULTED
    t.waiting = False
    return wake(s, cpu, o.target, BY_TASK, <int32_t>cpu.index)


cdef inline bint waits_for(const play *s, uint32_t who, uint32_t whom) noexcept nogil:
    # in a line, directly or through others; there is no circle
    while who != whom and s.lines[who].at:
        who = s.lines[who].at - 1
    return who == whom


cdef inline void stand_in_line(play *s, uint32_t index, uint32_t whose) noexcept nogil:
    cdef line *l = &s.lines[whose]
    if l.first:
        s.lines[l.last - 1].behind = index + 1
    else:
        l.first = index + 1
    l.last = index + 1
    s.lines[index].at = whose + 1


cdef int admit(play *s, driven_cpu *cpu, uint32_t whose) noexcept nogil:
    # the first in the line of a task tries again; whoever runs here says so
    cdef uint32_t index
    if s.lines == NULL or not s.lines[whose].first:
        return PLAY_GOES_ON
    index = s.lines[whose].first - 1
    if wake_would_fault(&s.d.tasks[index]):
        return PLAY_FAULTED
    s.lines[whose].first = s.lines[index].behind
    s.lines[index].behind = s.lines[index].at = 0
    # as `wake`, which compilers put into op_wake only if nobody else calls it: 20 instructions a wakeup
    note_wakeup(&s.d, index, READY_WAKEUP, BY_TASK, <int32_t>cpu.index, cpu.rq.cpu)
    begin_event(cpu.rq, s.d.now)
    try_to_wake_up(s.d.tasks[index].p, 0)
    finish(s, cpu)
    return PLAY_GOES_ON


cdef int op_put(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    cdef const driven_task *t = &s.d.tasks[o.target]
    cdef bint is_there = t.p != NULL and not s.lines[o.target].closed
    cdef int status
    if is_there and t.wakeups and not waits_for(s, o.target, cpu.index):
        stand_in_line(s, cpu.index, o.target)
        s.d.tasks[cpu.index].next_op -= 1
        block(s, cpu)
        return PLAY_GOES_ON
    status = op_wake(s, cpu, o)
    return status if is_there or status != PLAY_GOES_ON else admit(s, cpu, o.target)


cdef int op_fork(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    cdef uint32_t child = o.target
    cdef task *p = take_task(s.d.m)
    begin_event(cpu.rq, s.d.now)
    prepare_task(s, p, child, cpu.rq, cpu.curr)
    set_task_cpu(p, s.d.m.rqs[s.programs[child].cpu])
    if would_fault(p.rq, p, EVENT_FORK, NULL):
        return PLAY_FAULTED
    if s.tasks_stay:
        stay(s, cpu, o.arg)
    note_wakeup(&s.d, child, READY_FORK, BY_FORK, <int32_t>cpu.index, cpu.rq.cpu)
    s.nr_alive += 1
    wake_up_new_task(p, False)
    finish(s, cpu)
    give_slice(s, child)
    return PLAY_GOES_ON


cdef int op_nice(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    begin_event(cpu.rq, s.d.now)
    set_user_nice(cpu.curr, <int8_t>o.arg)
    finish(s, cpu)
    return PLAY_GOES_ON


cdef int op_yield(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    cpu.stays, cpu.release = 0, NEVER
    begin_event(cpu.rq, s.d.now)
    sched_yield(cpu.rq)
    finish(s, cpu)
    return PLAY_GOES_ON


cdef int op_loop(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    s.d.tasks[cpu.index].next_op = s.programs[cpu.index].first_op + o.target
    return PLAY_GOES_ON


cdef op at_the_end              # of each program
at_the_end.arg, at_the_end.target, at_the_end.kind = 0, 0, OP_EXIT


cdef int op_exit(play *s, driven_cpu *cpu, const op *o) noexcept nogil:
    # that there is no task any more says to the log how its run has ended
    cdef task *p = cpu.curr
    cdef uint32_t index = cpu.index
    cdef int status
    if s.lines != NULL and not s.lines[index].closed:
        status = PLAY_GOES_ON if has_room_for_wakeup(&s.d.log) else PLAY_NEEDS_RUNS
        if status == PLAY_GOES_ON:
            s.lines[index].closed = True
            status = admit(s, cpu, index)
        if status != PLAY_GOES_ON or cpu.curr != p:
            s.d.tasks[index].next_op -= o != &at_the_end
            return status
    begin_event(cpu.rq, s.d.now)
    exit_current(cpu.rq)
    s.d.tasks[index].p = NULL
    s.nr_alive -= 1
    finish(s, cpu)
    free_task(p)
    return PLAY_GOES_ON


cdef operation operations[NR_OPS]
operations[OP_RUN] = operation(op_run, 0)
operations[OP_WAIT] = operation(op_wait, 0)
operations[OP_SLEEP] = operation(op_sleep, 0)
operations[OP_SLEEP_UNTIL] = operation(op_sleep_until, 0)
operations[OP_WAKE] = operation(op_wake, WAKEUP_ROOM)
operations[OP_FORK] = operation(op_fork, WAKEUP_ROOM | TASK_ROOM)
operations[OP_NICE] = operation(op_nice, 0)
operations[OP_EXIT] = operation(op_exit, 0)
operations[OP_YIELD] = operation(op_yield, 0)
operations[OP_LOOP] = operation(op_loop, 0)
operations[OP_NEXT] = operation(op_next, 0)
operations[OP_PUT] = operation(op_put, WAKEUP_ROOM)


def kinds():
    """The kinds of operations by name, and which of them have a row in the table (dict of str to int, list of int)."""
    cdef int kind
    numbers = {
        "RUN": OP_RUN, "WAIT": OP_WAIT, "SLEEP": OP_SLEEP, "SLEEP_UNTIL": OP_SLEEP_UNTIL, "WAKE": OP_WAKE, "FORK": OP_FORK,
        "NICE": OP_NICE, "EXIT": OP_EXIT, "YIELD": OP_YIELD, "LOOP": OP_LOOP, "NEXT": OP_NEXT,
        "PUT": OP_PUT,
    }
    return numbers, [kind for kind in range(NR_OPS) if operations[kind].perform != NULL]

# ----------------------------------------------------------------------------------------------------- the programs


cdef inline const op *next_op(play *s, uint32_t index) noexcept nogil:
    cdef const program *row = &s.programs[index]
    cdef int64_t next = s.d.tasks[index].next_op
    if next == row.first_op + row.nr_ops:
        return &at_the_end
    return &s.ops[next]


cdef int lacks(play *s, int needs) noexcept nogil:
    if not has_room_for_wakeup(&s.d.log):
        return PLAY_NEEDS_RUNS
    return PLAY_NEEDS_TASK if needs & TASK_ROOM and not can_take_task(s.d.m) else PLAY_GOES_ON


cdef int perform_program(play *s, driven_cpu *cpu) noexcept nogil:
    # the operations of whoever runs here, one after the other, until somebody has a RUN to do
    cdef const op *o
    cdef int status = PLAY_GOES_ON
    s.interrupted = cpu
    while cpu.curr != cpu.rq.idle and not s.d.tasks[cpu.index].remaining:
        if is_full(&s.d.log):
            return PLAY_NEEDS_RUNS
        o = next_op(s, cpu.index)
        if operations[o.kind].needs:
            status = lacks(s, operations[o.kind].needs)
            if status != PLAY_GOES_ON:
                return status
        s.d.tasks[cpu.index].next_op += o != &at_the_end
        status = operations[o.kind].perform(s, cpu, o)
        if status != PLAY_GOES_ON:
            break
    if status != PLAY_NEEDS_RUNS:
        s.interrupted = NULL
    return status
