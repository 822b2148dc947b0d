"""Loops over events in compiled code: wake cycle, tick, fork and exit, yield, block and wake, ring.

What it decides: that cfs and the textbook are asked for the same events at the same times. `Events` goes into
cfs where an embedder does (`begin_event`, the event, `end_event`) and takes any model; `TextbookEvents` is
flat and does 2.6.24.

    switch        schedule() after a random run
    turn          the same after a run that is 4 ms longer, so that the turn (EEVDF: the request) is over
    yield         sched_yield after a random run
    tick          a tick that finds out whether the turn is over; the flag is cleared, so nobody is switched
    cycle         a sleeper wakes after a random run, preempts, runs 1 us and blocks: two switches
    block + wake  the running task blocks after a random run, and is woken 1 us later
    fork + exit   the running task forks after a random run; whoever runs 1 us later exits
    ring          the running task wakes the next one of the ring, synchronously, and blocks
"""

from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free

from cfs._core cimport (
    WAKE_SYNC,
    begin_event,
    block_current,
    end_event,
    exit_current,
    free_task,
    sched_fork,
    sched_yield,
    schedule,
    scheduler_tick,
    take_task,
    task_room,
    try_to_wake_up,
    wake_up_new_task,
)
from cfs._timeline cimport nr_runs_taken, spot, start_of, timeline_walk
from cfs._types cimport SLEEP_INTERRUPTIBLE, machine, rq, run, task, waiting_node
from cfs.models.linux_2_6_24._fair cimport cfs_rq, fair_rq, fair_task, sched_entity
from cfs.scheduler cimport Scheduler, Task

from benchmarks.baselines.state import SEED

cdef extern from "textbook.h" nogil:
    struct tb_node:
        pass

    struct tb_entity:
        tb_node node
        uint64_t vruntime
        uint64_t weight
        uint64_t inverse
        uint64_t since
        uint64_t ran
        uint64_t ran_before
        tb_queue *queue
        tb_entity *parent

    struct tb_queue:
        tb_node *leftmost
        tb_entity *running
        uint64_t floor
        uint64_t load
        uint64_t nr

    struct tb_cpu:
        tb_queue top
        tb_entity *running
        uint64_t clock
        uint64_t nr_switches
        int dividing

    void tb_insert(tb_queue *queue, tb_entity *entity)
    tb_node *tb_next(tb_node *node)
    uint64_t tb_run(tb_cpu *cpu, uint64_t random, uint64_t steps)
    uint64_t tb_run_dividing(tb_cpu *cpu, uint64_t random, uint64_t steps)
    uint64_t tb_run_ticks(tb_cpu *cpu, uint64_t random, uint64_t steps)
    uint64_t tb_run_cycles(tb_cpu *cpu, tb_entity **sleeper, uint64_t random, uint64_t steps)
    uint64_t tb_run_forks(tb_cpu *cpu, tb_entity **pool, uint64_t random, uint64_t steps)
    uint64_t tb_run_ring(
        tb_cpu *cpu, tb_entity **ring, uint64_t nr, uint64_t *place, uint64_t random, uint64_t steps
    )
    uint64_t tb_run_empty(uint64_t *clock, uint64_t random, uint64_t steps)
    uint64_t random_after(uint64_t x)
    uint64_t run_length(uint64_t x)

cdef extern from "textbook.h":
    void counting_window(void (*work)(void *) noexcept, void *argument)

cdef enum:
    SWITCH = 0
    YIELD = 1
    TICK = 2
    CYCLE = 3
    BLOCK_WAKE = 4
    FORK_EXIT = 5
    RING = 6
    TURN = 7
    NOTHING = 8

OPERATIONS = {
    "switch": SWITCH,
    "yield": YIELD,
    "tick": TICK,
    "cycle": CYCLE,
    "block + wake": BLOCK_WAKE,
    "fork + exit": FORK_EXIT,
    "ring": RING,
    "turn": TURN,
    "nothing": NOTHING,
}


cdef class Steps:
    """A variant: `prepare(steps)`, `run()`, `run_in_window()` for callgrind."""

    cdef uint64_t random
    cdef uint64_t steps
    cdef int operation

    def __cinit__(self, operation, *args, **kwargs):
        self.random = SEED
        self.operation = OPERATIONS[operation]

    def prepare(self, uint64_t steps):
        self.steps = steps

    cdef void work(self) noexcept nogil:
        pass

    def run(self):
        with nogil:
            self.work()

    def run_in_window(self):
        """The same, so that callgrind collects it and nothing else."""
        counting_window(work_of, <void *>self)


cdef void work_of(void *steps) noexcept:
    (<Steps>steps).work()

# -------------------------------------------------------------------------------------------- cfs


cdef struct driver:
    rq *rq
    uint64_t now
    task *sleeper
    task **ring
    uint64_t nr
    uint64_t place


cdef inline void wake(driver *d, task *p, int flags) noexcept nogil:
    begin_event(d.rq, d.now)
    try_to_wake_up(p, flags)
    end_event(d.rq, d.now)


cdef inline void block(driver *d) noexcept nogil:
    begin_event(d.rq, d.now)
    block_current(d.rq, SLEEP_INTERRUPTIBLE)
    end_event(d.rq, d.now)


cdef inline void fork_and_exit(driver *d) noexcept nogil:
    cdef task *p = take_task(d.rq.machine)
    p.rq = d.rq
    sched_fork(d.rq, p, d.rq.curr)
    begin_event(d.rq, d.now)
    wake_up_new_task(p, False)
    end_event(d.rq, d.now)
    d.now += 1000
    p = d.rq.curr
    begin_event(d.rq, d.now)
    exit_current(d.rq)
    end_event(d.rq, d.now)
    free_task(p)


cdef inline void one_step(driver *d, int operation) noexcept nogil:
    cdef task *p
    if operation == SWITCH:
        d.rq.now = d.now
        schedule(d.rq)
    elif operation == TURN:
        d.now += 4000000
        d.rq.now = d.now
        schedule(d.rq)
    elif operation == YIELD:
        begin_event(d.rq, d.now)
        sched_yield(d.rq)
        end_event(d.rq, d.now)
    elif operation == TICK:
        d.rq.now = d.now
        scheduler_tick(d.rq)
        d.rq.curr.need_resched = 0
    elif operation == CYCLE:
        wake(d, d.sleeper, 0)
        d.now += 1000
        d.sleeper = d.rq.curr
        block(d)
    elif operation == BLOCK_WAKE:
        p = d.rq.curr
        block(d)
        d.now += 1000
        wake(d, p, 0)
    elif operation == FORK_EXIT:
        fork_and_exit(d)
    elif operation == RING:
        d.place = 0 if d.place + 1 == d.nr else d.place + 1
        wake(d, d.ring[d.place], WAKE_SYNC)
        block(d)


cdef uint64_t run_steps(driver *d, int operation, uint64_t random, uint64_t steps) noexcept nogil:
    while steps > 0:
        steps -= 1
        random = random_after(random)
        d.now += run_length(random)
        one_step(d, operation)
    return random


cdef class Events(Steps):
    """cfs under one operation. `sleepers`: blocked tasks; of a ring all but the running one, in order."""

    cdef Scheduler sched
    cdef driver d
    cdef uint64_t switches_before
    cdef object keep

    def __init__(self, operation, Scheduler sched, sleepers=()):
        cdef Py_ssize_t i
        self.sched = sched
        self.keep = sleepers
        self.d.rq = sched.m.rqs[0]
        self.d.now = sched.now
        self.d.nr = len(sleepers) + 1
        self.d.ring = <task **>calloc(self.d.nr, sizeof(void *))
        if self.d.ring == NULL:
            raise MemoryError
        self.d.ring[0] = self.d.rq.curr
        for i, sleeper in enumerate(sleepers):
            self.d.ring[i + 1] = (<Task?>sleeper).p
        self.d.sleeper = self.d.ring[self.d.nr - 1]
        self.switches_before = self.d.rq.nr_switches

    def __dealloc__(self):
        free(self.d.ring)

    cdef void work(self) noexcept nogil:
        self.random = run_steps(&self.d, self.operation, self.random, self.steps)
        self.sched.now = self.d.now

    @property
    def nr_switches(self):
        return self.d.rq.nr_switches - self.switches_before

    def state(self):
        """Clock, who runs, who waits, the floor, switches. Of 2.6.24, flat."""
        cdef cfs_rq *cfs = &(<fair_rq *>self.d.rq).cfs
        cdef spot at = start_of(&cfs.tasks_timeline)
        cdef waiting_node *node = timeline_walk(&at)
        waiting = []
        self.sched.check()
        while node != NULL:
            waiting.append(self.read(<sched_entity *>node))
            node = timeline_walk(&at)
        return (
            self.d.rq.clock, self.read(cfs.curr), waiting, cfs.min_vruntime, cfs.load, cfs.nr_running,
            self.nr_switches,
        )

    cdef object read(self, const sched_entity *se):
        return None if se == NULL else (se.vruntime, se.sum_exec_runtime, se.load.weight)

    def start(self):
        """`state`, and what a twin needs beside it to go on from there."""
        cdef sched_entity *sleeper = &(<fair_task *>self.d.sleeper).se
        inverses = {}
        for p in self.sched.tasks:
            fields = p.fields()
            inverses[fields["load_weight"]] = fields["inv_weight"]
        ring = [self.read(&(<fair_task *>self.d.ring[i]).se) for i in range(self.d.nr)]
        before = (<fair_task *>self.d.rq.curr).se.prev_sum_exec_runtime
        return self.state(), self.read(sleeper), ring, inverses, before

# --------------------------------------------------------------------------------------- textbook


cdef class TextbookEvents(Steps):
    """The textbook under one operation, from `Events.start()`."""

    cdef tb_cpu cpu
    cdef tb_entity *entities
    cdef tb_entity *sleeper
    cdef tb_entity *pool
    cdef tb_entity **ring
    cdef uint64_t nr
    cdef uint64_t place

    def __init__(self, operation, start, bint dividing=False):
        cdef Py_ssize_t i
        (clock, running, waiting, floor, load, nr, _), sleeper, ring, inverses, ran_before = start
        self.nr = len(ring)
        self.entities = <tb_entity *>calloc(len(waiting) + len(ring) + 2, sizeof(tb_entity))
        self.ring = <tb_entity **>calloc(self.nr, sizeof(void *))
        if self.entities == NULL or self.ring == NULL:
            raise MemoryError
        self.cpu.clock, self.cpu.dividing = clock, dividing
        self.cpu.top.floor, self.cpu.top.load, self.cpu.top.nr = floor, load, nr
        for i, values in enumerate([running, *waiting, *ring[1:]]):
            self.entities[i].vruntime, self.entities[i].ran, self.entities[i].weight = values
            self.entities[i].inverse = inverses[values[2]]
            self.entities[i].queue = &self.cpu.top
            self.entities[i].since = clock
            if 1 <= i <= len(waiting):
                tb_insert(&self.cpu.top, &self.entities[i])
        self.cpu.running = self.cpu.top.running = &self.entities[0]
        self.entities[0].ran_before = ran_before
        self.ring[0] = &self.entities[0]
        for i in range(1, len(ring)):
            self.ring[i] = &self.entities[len(waiting) + i]
        self.sleeper = self.ring[self.nr - 1]
        self.pool = &self.entities[len(waiting) + len(ring)]

    def __dealloc__(self):
        free(self.entities)
        free(self.ring)

    cdef void work(self) noexcept nogil:
        if self.operation == SWITCH and self.cpu.dividing:
            self.random = tb_run_dividing(&self.cpu, self.random, self.steps)
        elif self.operation == SWITCH:
            self.random = tb_run(&self.cpu, self.random, self.steps)
        elif self.operation == TICK:
            self.random = tb_run_ticks(&self.cpu, self.random, self.steps)
        elif self.operation == CYCLE:
            self.random = tb_run_cycles(&self.cpu, &self.sleeper, self.random, self.steps)
        elif self.operation == FORK_EXIT:
            self.random = tb_run_forks(&self.cpu, &self.pool, self.random, self.steps)
        elif self.operation == RING:
            self.random = tb_run_ring(&self.cpu, self.ring, self.nr, &self.place, self.random, self.steps)
        else:
            self.random = tb_run_empty(&self.cpu.clock, self.random, self.steps)

    @property
    def nr_switches(self):
        return self.cpu.nr_switches

    def state(self):
        cdef tb_node *node = self.cpu.top.leftmost
        waiting = []
        while node != NULL:
            waiting.append(self.read(<tb_entity *>node))
            node = tb_next(node)
        top = self.cpu.top
        running = self.read(self.cpu.running)
        return self.cpu.clock, running, waiting, top.floor, top.load, top.nr, self.nr_switches

    cdef object read(self, const tb_entity *entity):
        return None if entity == NULL else (entity.vruntime, entity.ran, entity.weight)

# ------------------------------------------------------------------------------- from Python


cdef class EmptyCall:
    """A compiled method of the signature of `Scheduler.yield_` that does nothing: what a call alone costs."""

    def yield_(self, *, now_ns, cpu=0):
        return False


cdef class Footprint:
    """Sizes in bytes of what a runnable task takes in the core."""

    @staticmethod
    def of(Scheduler sched):
        """(struct of a task, its places in the tables, its share of the runs that its waiting ones lie in)"""
        cdef size_t table = sizeof(task *) + sizeof(unsigned int)
        runs = nr_runs_taken(&sched.m.runs) * sizeof(run)
        return task_room(&sched.m), table, runs // max(len(sched.tasks), 1)
