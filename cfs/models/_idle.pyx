"""The idle class: the smallest complete scheduling class. Read this first.

Model: every release; Linux 2.6.24, kernel/sched_idletask.c; specification 5.9, 5.10.
What it decides: nothing. Each CPU has one idle task, which runs if the CPU's class has no other. It is on no queue,
so most hooks are absent. The core asks the class of the *running* task only if the answer depends on the running
task: these are the two hooks below.

Invariants:
    I1  the idle task is on no queue, is never charged, and never leaves its CPU
    I2  every task that wakes while it runs preempts it

Rejected: a NULL `curr` for "nothing runs" (every event would begin with a test for it).
"""

from .._core cimport resched_task
from .._types cimport rq, sched_class, task


cdef void check_preempt_curr_idle(rq *rq, task *p) noexcept nogil:
    resched_task(rq.curr)


cdef void task_tick_idle(rq *rq, task *p) noexcept nogil:
    pass


# The hook table. The core never calls the missing hooks: the idle task is the only one of this class, and it is never
# queued, forked, moved or reniced.
cdef sched_class table
table.model = "idle"
table.check_preempt_curr = check_preempt_curr_idle
table.task_tick = task_tick_idle


cdef const sched_class *idle_sched_class() noexcept nogil:
    return &table
