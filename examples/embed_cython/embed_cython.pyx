"""The shop of examples/embed_c in Cython: the core's structs themselves, and a job that begins with ours.

    import embed_cython
    embed_cython.shop(nr_jobs=8, nr_ticks=1000)     # [(vruntime, CPU time, times away), ...] of each job
    embed_cython.cost(nr_ticks=10_000_000)          # ns a tick, inlined and without the GIL
"""

import time

from libc.string cimport memset

from cfs cimport (
    GROUP_BY_NONE,
    SCHED_NORMAL,
    adjust_new_task,
    begin_event,
    block_current,
    end_event,
    fair_sched_class,
    fair_task,
    idle_sched_class,
    machine,
    machine_free,
    machine_init,
    new_task,
    ns_t,
    require_abi,
    rq,
    sched_class,
    sched_fork,
    scheduler_tick,
    task,
    try_to_wake_up,
    wake_up_new_task,
)

require_abi()                   # a stale build stops here

cdef enum:
    MS = 1000000


cdef struct job:                # ours first, then what is yours
    fair_task fair
    int times_away


cdef sched_class job_class = fair_sched_class()[0]
job_class.task_size = sizeof(job)


cdef void tick(rq *cpu, ns_t now) noexcept nogil:
    begin_event(cpu, now)
    scheduler_tick(cpu)
    end_event(cpu, now)


cdef void go_away(rq *cpu, ns_t now) noexcept nogil:
    (<job *>cpu.curr).times_away += 1
    begin_event(cpu, now)
    block_current(cpu, 0)
    end_event(cpu, now)


cdef void come_back(rq *cpu, job *who, ns_t now) noexcept nogil:
    begin_event(cpu, now)
    try_to_wake_up(&who.fair.p, 0)
    end_event(cpu, now)


cdef class Shop:
    """One CPU and its jobs; the machine is a member, so nothing is allocated for it."""

    cdef machine m
    cdef rq *cpu
    cdef int nr_jobs

    def __cinit__(self, int nr_jobs):
        memset(&self.m, 0, sizeof(machine))
        machine_init(&self.m, &job_class, idle_sched_class(), 1, GROUP_BY_NONE, NULL)
        self.cpu = self.m.rqs[0]
        self.nr_jobs = nr_jobs
        for number in range(nr_jobs):
            self.open(number % 20)

    def __dealloc__(self):
        machine_free(&self.m)

    cdef int open(self, signed char nice) except -1:
        cdef task *p = new_task(&self.m)
        sched_fork(self.cpu, p, self.cpu.curr)
        adjust_new_task(p, p.group, nice, SCHED_NORMAL)
        begin_event(self.cpu, 0)
        wake_up_new_task(p, False)
        end_event(self.cpu, 0)
        return 0

    cdef inline job *job_at(self, int slot) noexcept nogil:
        return <job *>self.m.tasks[slot]

    cdef void run(self, int nr_ticks) noexcept nogil:
        cdef ns_t i
        for i in range(1, <ns_t>nr_ticks + 1):
            tick(self.cpu, i * MS)
            if i % 7 == 0 and self.cpu.curr != self.cpu.idle:
                go_away(self.cpu, i * MS)
            if i % 5 == 0:
                come_back(self.cpu, self.job_at(i % self.nr_jobs), i * MS)

    def states(self):
        return [
            (
                self.job_at(slot).fair.se.vruntime,
                self.job_at(slot).fair.se.sum_exec_runtime,
                self.job_at(slot).times_away,
            )
            for slot in range(self.nr_jobs)
        ]


def shop(int nr_jobs, int nr_ticks):
    """Run the shop; (vruntime, CPU time ns, times away) of each job."""
    cdef Shop it = Shop(nr_jobs)
    with nogil:
        it.run(nr_ticks)
    return it.states()


def cost(int nr_ticks):
    """ns a tick among eight jobs."""
    cdef Shop it = Shop(8)
    cdef ns_t i
    begin = time.perf_counter_ns()
    with nogil:
        for i in range(1, <ns_t>nr_ticks + 1):
            tick(it.cpu, i * MS)
    return (time.perf_counter_ns() - begin) / nr_ticks
