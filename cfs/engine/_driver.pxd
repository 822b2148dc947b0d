# What every loop that drives a machine keeps, and what it does after each event. Inline, because a loop on one CPU
# spends a quarter of its time here. `_sim` (programs) and `_live` (somebody else's simulator) are such loops.
#
# The core says only that the running task of a CPU may be another one: those CPUs are machine.touched. Here a run is then
# closed and one opened, the time that the task has run is charged, and the CPU's next tick and end of work are put where
# the loop finds the first of them (`_due`), or with one CPU nowhere, because there is nothing to choose from.
#
# Invariants:
#   I1  a CPU has a run of its own open exactly while its `curr` is not the idle task
#   I2  with several CPUs `ticks` has exactly the busy ones, and `dues` has of each CPU the earliest of its first timer,
#       its release if it is held, and the end of its task's work, unless that comes after the CPU's next tick: what is
#       later is looked at again after that tick
#   I3  `remaining` of a running task is right at the time `since` of its CPU: its work ends at since + remaining
#
# I1 and I2 hold between events, I2 for a CPU whose program is being performed when that has come to an end.

from libc.stdlib cimport calloc, free

from .._core cimport end_event
from .._hz cimport NEVER
from .._types cimport TASK_RUNNING, int32_t, int64_t, machine, ns_t, rq, task, uint8_t, uint32_t, uint64_t
from ._due cimport (
    due_first,
    due_tree,
    first_cpu,
    first_due,
    free_due_tree,
    free_tick_set,
    init_due_tree,
    init_tick_set,
    next_tick,
    pass_tick,
    put_due,
    put_tick,
    take_tick,
    tick_set,
    time_of_tick,
    timers,
)
from ._runs cimport (
    OUT_BLOCKED,
    OUT_EXITED,
    OUT_PREEMPTED,
    READY_PREEMPTED,
    close_run,
    free_log,
    log_wakeup,
    open_run,
    run_log,
)


cdef struct driven_task:        # task.tag is its index
    task *p                     # NULL: not yet born, or exited
    ns_t remaining              # of the work that it has been given
    ns_t received               # CPU time in total
    ns_t ready_ns               # since when it is runnable
    int64_t next_op             # of its program
    uint32_t wakeups            # WAKEs that no WAIT has taken yet
    uint8_t ready               # how it became runnable: READY_...
    uint8_t waiting             # blocked in a WAIT
    uint8_t watched             # whoever drives wants to see when it gets and loses its CPU
    uint8_t own                 # of whoever drives: `_live`, that it is on a list; `_program`, what `did` says


cdef struct driven_cpu:
    rq *rq
    task *curr                  # whose run is open; rq.idle: nobody's
    size_t run                  # the open row of the log
    ns_t since                  # up to when `curr` has been charged
    ns_t stays                  # until then its task is in the kernel, which nobody preempts; or a time that has passed
    ns_t release                # NEVER, or when a flag is acted on that waits until then
    ns_t tick                   # time of the next tick
    timers timers               # that wake tasks here; none, if whoever drives does that
    uint32_t index              # of `curr` among the tasks


cdef struct driver:             # zeroed
    machine *m
    driven_task *tasks          # the loop's
    driven_cpu *cpus
    tick_set ticks              # of one CPU the number of its next tick, and nothing else
    due_tree dues
    run_log log
    ns_t now
    ns_t switch_cost            # CPU time that a task needs before it goes on, each time that it gets a CPU
    bint recording


cdef inline bint init_driver(driver *d, machine *m, uint64_t hz, bint recording) noexcept:
    # False: no memory, and free_driver frees what there is
    cdef int32_t cpu
    d.recording = recording
    d.cpus = <driven_cpu *>calloc(m.nr_cpus, sizeof(driven_cpu))
    if d.cpus == NULL or not init_tick_set(&d.ticks, m.nr_cpus, hz) or not init_due_tree(&d.dues, m.nr_cpus):
        return False
    d.m = m
    d.log.spare = 2 * m.nr_cpus
    for cpu in range(m.nr_cpus):
        d.cpus[cpu].rq = m.rqs[cpu]
        d.cpus[cpu].curr = m.rqs[cpu].idle
        d.cpus[cpu].release = NEVER
    return True


cdef inline void free_driver(driver *d) noexcept:
    free(d.cpus)
    free_tick_set(&d.ticks)
    free_due_tree(&d.dues)
    free_log(&d.log)

# ---------------------------------------------------------------------------------------------------- what is due


cdef inline bint is_busy(const driven_cpu *cpu) noexcept nogil:
    return cpu.curr != cpu.rq.idle


cdef inline driven_cpu *only_cpu(driver *d) noexcept nogil:
    return &d.cpus[0] if is_busy(&d.cpus[0]) else NULL


cdef inline driven_cpu *first_to_tick(driver *d) noexcept nogil:
    # NULL: all CPUs idle
    if d.m.nr_cpus == 1:
        return only_cpu(d)
    return &d.cpus[first_cpu(&d.ticks.present)] if d.ticks.present.nr else NULL


cdef inline driven_cpu *first_to_act(driver *d) noexcept nogil:
    # of which a timer or the end of its work is due first. If nothing is before a tick, it is any, and the end of its work, if it
    # has some, comes after its tick
    return &d.cpus[0 if d.m.nr_cpus == 1 else first_due(&d.dues)]


cdef inline driven_cpu *first_to_end(driver *d) noexcept nogil:
    # the same where there are no timers; NULL: nobody's work ends before a tick
    cdef driven_cpu *cpu = first_to_act(d)
    return cpu if is_busy(cpu) else NULL


cdef inline ns_t end_of_work(const driver *d, const driven_cpu *cpu) noexcept nogil:
    return cpu.since + d.tasks[cpu.index].remaining


cdef inline void set_due(driver *d, driven_cpu *cpu) noexcept nogil:
    # its task has other work, it has another task, its next tick is another one, or its timers are
    if not cpu.rq.alone:
        put_first(d, cpu)


cdef inline void put_first(driver *d, driven_cpu *cpu) noexcept nogil:
    cdef ns_t end = end_of_work(d, cpu) if is_busy(cpu) else NEVER
    put_due(&d.dues, cpu.rq.cpu, due_first(&cpu.timers, cpu.release, end if end <= cpu.tick else NEVER, cpu.rq.cpu))


cdef inline void begin_ticking(driver *d, driven_cpu *cpu) noexcept nogil:
    # it is idle no more: its first tick is the first one after now
    cdef uint64_t number = next_tick(&d.ticks.clock, d.now)
    cpu.tick = time_of_tick(&d.ticks.clock, number)
    if cpu.rq.alone:
        d.ticks.number = number
    else:
        put_tick(&d.ticks, cpu.rq.cpu, number)


cdef inline void count_tick(driver *d, driven_cpu *cpu) noexcept nogil:
    # the one that is first to tick does so now
    if cpu.rq.alone:
        d.ticks.number += 1
        cpu.tick = time_of_tick(&d.ticks.clock, d.ticks.number)
    else:
        cpu.tick = d.ticks.time_after
        pass_tick(&d.ticks, cpu.rq.cpu)


cdef inline void rest(driver *d, driven_cpu *cpu) noexcept nogil:
    # an idle CPU takes no ticks
    if not cpu.rq.alone:
        take_tick(&d.ticks, cpu.rq.cpu)

# -------------------------------------------------------------------------------------------------------- switches


cdef inline void charge(driver *d, driven_cpu *cpu) noexcept nogil:
    # what its task has run since it was charged last; the end of its work stays where it is
    cdef driven_task *t = &d.tasks[cpu.index]
    cdef ns_t ran = d.now - cpu.since
    t.remaining -= ran
    t.received += ran
    cpu.since = d.now


cdef inline void make_ready(driver *d, driven_task *t, uint8_t how) noexcept nogil:
    t.ready_ns, t.ready = d.now, how


cdef inline void note_wakeup(
    driver *d, uint32_t index, uint8_t how, uint8_t cause, int32_t waker, int32_t cpu
) noexcept nogil:
    # a task that slept, or is new, will be put on a queue now, by an event on `cpu`
    make_ready(d, &d.tasks[index], how)
    if d.recording:
        log_wakeup(&d.log, index, waker, cpu, d.now, cause)


cdef inline void leave_cpu(driver *d, driven_cpu *cpu) noexcept nogil:
    cdef driven_task *t = &d.tasks[cpu.index]
    cdef uint8_t out = OUT_EXITED if t.p == NULL else OUT_PREEMPTED if t.p.state == TASK_RUNNING else OUT_BLOCKED
    charge(d, cpu)
    if out == OUT_PREEMPTED:
        make_ready(d, t, READY_PREEMPTED)
    if d.recording:
        close_run(&d.log, cpu.run, d.now, out)


cdef inline void get_cpu(driver *d, driven_cpu *cpu, task *p) noexcept nogil:
    cdef driven_task *t = &d.tasks[p.tag]
    cpu.index, cpu.since = p.tag, d.now
    t.remaining += d.switch_cost
    if d.recording:
        cpu.run = open_run(&d.log, p.tag, cpu.rq.cpu, d.now, t.ready_ns, t.ready)


cdef inline bint change_over(driver *d, driven_cpu *cpu, task *curr) noexcept nogil:
    # True if a watched task has got or lost this CPU
    cdef bint seen = False
    if is_busy(cpu):
        seen = d.tasks[cpu.index].watched
        leave_cpu(d, cpu)
    else:
        begin_ticking(d, cpu)
    cpu.curr, cpu.stays, cpu.release = curr, 0, NEVER
    if curr == cpu.rq.idle:
        rest(d, cpu)
        return seen
    get_cpu(d, cpu, curr)
    return seen or d.tasks[cpu.index].watched


cdef inline bint note_switch(driver *d, driven_cpu *cpu) noexcept nogil:
    # the core has run schedule(): if the running task is another one, a run has ended and one has begun
    return cpu.rq.curr != cpu.curr and change_over(d, cpu, cpu.rq.curr)


cdef inline bint note_touched(driver *d) noexcept nogil:
    # the CPUs of the last event, by number
    cdef bint seen = False
    cdef driven_cpu *cpu
    cdef int32_t i
    for i in range(d.m.nr_touched):
        cpu = &d.cpus[d.m.touched[i].cpu]
        seen = note_switch(d, cpu) or seen
        set_due(d, cpu)
    return seen


cdef inline bint note_switches(driver *d) noexcept nogil:
    if d.m.nr_cpus == 1:
        return note_switch(d, &d.cpus[0])
    return note_touched(d)


cdef inline bint finish_event(driver *d, driven_cpu *this_cpu) noexcept nogil:
    end_event(this_cpu.rq, d.now)
    return note_switches(d)
