"""A foreign extension: it cimports the core of an installed cfs, and drives a runqueue without the GIL.

It knows the public C surface only (`from cfs cimport ...`), but for three doors that only a test opens:
`Scheduler`'s struct and those of EEVDF, to break an invariant on purpose, and red-black nodes painted by hand.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from cfs cimport (
    BUG_NONE,
    FIELD_U64,
    GROUP_BY_NONE,
    POINTER_PLAIN,
    SCHED_NORMAL,
    TABLE_ROOM,
    TASK_BLOCKED,
    add_derived,
    add_field,
    add_pointer,
    adjust_new_task,
    begin_event,
    block_current,
    calc_delta_fair,
    end_event,
    exit_current,
    fair_sched_class,
    fair_task,
    field,
    field_at,
    field_from,
    field_table,
    free_runs,
    free_task,
    idle_sched_class,
    load_from_nice,
    load_weight,
    machine,
    machine_free,
    machine_init,
    new_fields,
    new_pointers,
    new_task,
    pointer,
    pointer_at,
    pointer_table,
    rb_check,
    rb_node,
    rb_root,
    require_abi,
    resched_task,
    reserve_runs,
    rq,
    run,
    run_pool,
    sched_class,
    sched_entity,
    sched_fork,
    scheduler_tick,
    set_user_nice,
    signed_difference,
    task,
    task_group,
    timeline,
    timeline_check,
    timeline_first,
    timeline_insert,
    touch,
    try_to_wake_up,
    waiting_node,
    wake_up_new_task,
)
from cfs.models.linux_6_18._fair cimport cfs_rq as eevdf_queue
from cfs.models.linux_6_18._fair cimport eevdf_task
from cfs.models.linux_6_18._fair cimport sched_entity as eevdf_entity
from cfs.scheduler cimport Scheduler

require_abi()


cdef struct job:                # ours first, then what the foreign program keeps
    fair_task fair
    uint64_t nr_ticks           # ticks that found it running
    uint64_t number


cdef sched_class job_class = fair_sched_class()[0]
job_class.task_size = sizeof(job)


cdef class Queue:
    """One CPU, and jobs that run on it. Events come as rows (time, what, argument)."""

    cdef machine m
    cdef job *jobs[64]
    cdef int nr_jobs

    def __cinit__(self):
        memset(&self.m, 0, sizeof(self.m))
        self.nr_jobs = 0
        machine_init(&self.m, &job_class, idle_sched_class(), 1, GROUP_BY_NONE, NULL)

    def __dealloc__(self):
        machine_free(&self.m)

    def fork(self, uint64_t now, int nice):
        cdef rq *cpu = self.m.rqs[0]
        cdef task *p = new_task(&self.m)
        self.jobs[self.nr_jobs] = <job *>p
        self.jobs[self.nr_jobs].number = self.nr_jobs
        self.nr_jobs += 1
        sched_fork(cpu, p, cpu.curr)
        adjust_new_task(p, p.group, nice, SCHED_NORMAL)
        begin_event(cpu, now)
        wake_up_new_task(p, False)
        end_event(cpu, now)
        return (<job *>p).number

    def drive(self, const uint64_t[:, ::1] rows):
        """Rows of (time, event, job): 0 tick, 1 block, 2 wake, 3 renice to `job` of the running one."""
        cdef Py_ssize_t i
        with nogil:
            for i in range(rows.shape[0]):
                self.event(rows[i, 0], rows[i, 1], rows[i, 2])

    cdef void event(self, uint64_t now, uint64_t what, uint64_t number) noexcept nogil:
        cdef rq *cpu = self.m.rqs[0]
        begin_event(cpu, now)
        if what == 0:
            if cpu.curr != cpu.idle:
                (<job *>cpu.curr).nr_ticks += 1
            scheduler_tick(cpu)
        elif what == 1:
            if cpu.curr != cpu.idle:
                block_current(cpu, 0)
        elif what == 2:
            try_to_wake_up(&self.jobs[number].fair.p, 0)
        elif cpu.curr != cpu.idle:
            set_user_nice(cpu.curr, <int>number)
        end_event(cpu, now)

    def exit(self, uint64_t now):
        cdef rq *cpu = self.m.rqs[0]
        cdef task *p = cpu.curr
        begin_event(cpu, now)
        exit_current(cpu)
        end_event(cpu, now)
        free_task(p)

    def running(self):
        cdef rq *cpu = self.m.rqs[0]
        return None if cpu.curr == cpu.idle else (<job *>cpu.curr).number

    def states(self):
        """(vruntime, run time, blocked?) of each job."""
        return [
            (
                self.jobs[i].fair.se.vruntime,
                self.jobs[i].fair.se.sum_exec_runtime,
                self.jobs[i].fair.p.state == TASK_BLOCKED,
            )
            for i in range(self.nr_jobs)
        ]

    def ticks(self):
        return [self.jobs[i].nr_ticks for i in range(self.nr_jobs)]

    def bug(self):
        return self.m.rqs[0].bug != BUG_NONE


def fair_delta(uint64_t delta, int nice):
    """Inline arithmetic, compiled into this extension."""
    cdef load_weight load
    load_from_nice(&load, nice, SCHED_NORMAL)
    return calc_delta_fair(delta, &load)


def before(uint64_t a, uint64_t b):
    return signed_difference(a, b) < 0

# ----------------------------------------------------------------------- breaking things on purpose


def report_a_bug(Scheduler sched, int code):
    """Store a bug code where the core stores its own."""
    sched.m.rqs[0].bug = code


def spoil(Scheduler sched, str how):
    """Break one invariant of cfs/models/linux_2_6_24/_fair.pyx. A task runs and another one waits, in the same queue."""
    cdef sched_entity *running = &(<fair_task *>sched.m.rqs[0].curr).se
    cdef sched_entity *waiting = <sched_entity *>timeline_first(&running.cfs_rq.tasks_timeline)
    if how == "load":
        running.cfs_rq.load += 1024
    elif how == "number":
        running.cfs_rq.nr_running += 1
    elif how == "order":
        running.cfs_rq.tasks_timeline.runs.leftmost = NULL
    elif how == "on_rq":
        waiting.on_rq = 0
    elif how == "vruntime":
        waiting.vruntime += 1
    elif how == "group off its queue":
        running.parent.on_rq = 0
        running.parent.cfs_rq.load -= running.parent.load.weight
        running.parent.cfs_rq.nr_running -= 1
    elif how == "nobody runs":
        running.cfs_rq.curr = NULL
        running.cfs_rq.load -= running.load.weight
        running.cfs_rq.nr_running -= 1
    else:
        raise ValueError(how)


def spoil_eevdf(Scheduler sched, str how):
    """Break one invariant of cfs/models/linux_6_18/_fair.pyx. A task runs and two wait, all in one group."""
    cdef rq *rq = sched.m.rqs[0]
    cdef eevdf_entity *running = &(<eevdf_task *>rq.curr).se
    cdef eevdf_queue *queue = running.cfs_rq
    cdef eevdf_entity *waiting = <eevdf_entity *>queue.tasks_timeline.leftmost
    if how == "deadline":
        waiting.deadline += <uint64_t>1 << 40
    elif how == "earliest of a subtree":
        waiting.min_vruntime -= 1
    elif how == "greatest of a subtree":
        waiting.max_slice += 1
    elif how == "average":
        queue.avg_vruntime += 1
    elif how == "load":
        queue.load_weight += 1
    elif how == "on_rq":
        waiting.on_rq = 0
    elif how == "number of tasks":
        queue.h_nr_runnable += 1
    elif how == "number on the CPU":
        rq.nr_running += 1
    elif how == "nobody runs":
        queue.curr = NULL
    elif how == "shares":
        running.parent.load.weight += 1
    elif how == "relative deadline":
        waiting.rel_deadline = 1
    elif how == "buddy":
        queue.next = running.parent
    elif how == "nobody eligible":
        # three of weight 1024: its key makes the sum -2**62, and times the weight of all 2**62, as both wrap
        running.vruntime = queue.min_vruntime + (<uint64_t>3 << 52)
    elif how == "flagged":
        rq.curr.need_resched = 1
    elif how != "whole":
        raise ValueError(how)


def group_ids(Scheduler sched):
    """Ids of the groups in the order of the machine's list."""
    cdef task_group *tg = sched.m.groups
    ids = []
    while tg != NULL:
        ids.append(tg.id)
        tg = tg.next
    return ids


cdef struct key_node:
    rb_node node
    int64_t key


cdef bint by_key(const rb_node *a, const rb_node *b) noexcept nogil:
    return (<key_node *>a).key < (<key_node *>b).key


cdef void hang(key_node *child, key_node *parent, int side, bint black) noexcept nogil:
    child.node.parent_color = <size_t>parent | black
    if parent != NULL:
        parent.node.child[side] = &child.node


def broken_tree(str how):
    """What rb_check says of a tree of five nodes with one thing wrong; "whole": nothing.

        20 black
        10 black   40 black
                   30 red   50 red
    """
    cdef key_node n[6]
    cdef rb_root root
    cdef size_t size = 5
    cdef int i
    memset(n, 0, sizeof(n))
    for i in range(5):
        n[i].key = 10 * (i + 1)
    n[5].key = 25
    hang(&n[1], NULL, 0, True)
    hang(&n[0], &n[1], 0, True)
    hang(&n[3], &n[1], 1, True)
    hang(&n[2], &n[3], 0, False)
    hang(&n[4], &n[3], 1, False)
    root.node, root.leftmost = &n[1].node, &n[0].node
    if how == "keys out of order":
        n[2].key = 60
    elif how == "red below red":
        hang(&n[5], &n[2], 0, False)
        size = 6
    elif how == "one side blacker":
        n[2].node.parent_color |= 1
    elif how == "red root":
        n[1].node.parent_color = 0
    elif how == "one node too many":
        size = 4
    elif how == "one node too few":
        size = 6
    elif how == "empty, but counted":
        root.node, root.leftmost = NULL, NULL
    elif how == "stale leftmost":
        root.leftmost = &n[2].node
    elif how == "no leftmost":
        root.leftmost = NULL
    elif how == "leftmost of nothing":
        root.node, size = NULL, 0
    elif how == "link to a stranger":
        n[4].node.parent_color = <size_t>&n[0]
    elif how == "root below something":
        n[1].node.parent_color = <size_t>&n[4] | 1
    elif how != "whole":
        raise ValueError(how)
    return rb_check(&root, size, by_key)


def broken_timeline(str how):
    """What timeline_check says of the keys 0 ... 79, in runs of 32, 32 and 16, with one thing wrong; "whole": nothing."""
    cdef waiting_node nodes[80]
    cdef timeline tl
    cdef run_pool pool
    cdef run *middle
    cdef run *last
    cdef int size = 80
    cdef int i
    memset(&tl, 0, sizeof(tl))
    memset(&pool, 0, sizeof(pool))
    reserve_runs(&pool, 3)
    for i in range(80):
        timeline_insert(&tl, &pool, &nodes[i], i)
    middle, last = nodes[32].run, nodes[79].run
    if how == "keys out of order":
        last.waiting[last.head + 1].key = 0
    elif how == "runs out of order":
        last.waiting[last.head].key = last.least = 5
    elif how == "stale least":
        middle.least = 31
    elif how == "empty run":
        last.tail = last.head
    elif how == "beyond the end":
        last.tail = 33
    elif how == "two short runs":
        middle.tail, last.tail = middle.head + 8, last.head + 8
        size = 48
    elif how == "one too many":
        size = 79
    elif how == "one too few":
        size = 81
    elif how == "in another run":
        nodes[40].run = last
    elif how == "twice":
        middle.waiting[middle.head].node = middle.waiting[middle.head + 1].node
    elif how == "red root":
        tl.runs.node.parent_color = 0
    elif how != "whole":
        raise ValueError(how)
    broken = timeline_check(&tl, size)
    free_runs(&pool)
    return broken


cdef uint64_t zero(const void *base) noexcept nogil:
    return 0


cdef str name_or_none(const char *name):
    return None if name == NULL else name.decode()


def fields_of(size_t nr):
    """(name, offset, derived) of a table of so many fields, every other one derived, and of the entry that ends it."""
    cdef field_table table = new_fields("fields of a test")
    cdef size_t i
    for i in range(nr):
        if i % 2:
            add_derived(&table, "derived", zero)
        else:
            add_field(&table, "weight", &(<fair_task *>NULL).se.load, FIELD_U64)
    return [
        (name_or_none(table.fields[i].name), table.fields[i].offset, table.fields[i].value == zero)
        for i in range(nr + 1)
    ]


def pointers_of(size_t nr):
    """(offset, count) of a table of so many pointers, and of the entry that ends it."""
    cdef pointer_table table = new_pointers("pointers of a test")
    cdef size_t i
    for i in range(nr):
        add_pointer(&table, &(<fair_task *>NULL).se.parent, 2, POINTER_PLAIN)
    return [(table.pointers[i].offset, table.pointers[i].count) for i in range(nr + 1)]


def places():
    """What the helpers for one entry say: (offset of the load, of the parent, room of a table)."""
    cdef field one = field_at("weight", &(<fair_task *>NULL).se.load, FIELD_U64)
    cdef field derived = field_from("derived", zero)
    cdef pointer other = pointer_at(&(<fair_task *>NULL).se.parent, 2, POINTER_PLAIN)
    return one.offset if derived.value == zero else None, other.offset, TABLE_ROOM


# ------------------------------------------------------------------- in which order CPUs call schedule()

cdef enum:
    CPUS_MOST = 64
    CALLS_MOST = 4096

cdef int calls[CALLS_MOST]                          # CPUs, in the order of their calls
cdef int nr_calls
cdef int to_flag[CPUS_MOST][CPUS_MOST]              # how many more calls of the first flag the second


cdef void flag(rq *cpu) noexcept nogil:
    touch(cpu)
    resched_task(cpu.curr)


cdef task *pick_and_flag(rq *cpu, task *prev) noexcept nogil:
    global nr_calls
    cdef machine *m = cpu.machine
    cdef int other
    calls[nr_calls] = cpu.cpu
    nr_calls += 1
    for other in range(m.nr_cpus):
        if to_flag[cpu.cpu][other]:
            to_flag[cpu.cpu][other] -= 1
            flag(m.rqs[other])
    return fair_sched_class().pick_next_task(cpu, prev)


cdef sched_class flagging_class = fair_sched_class()[0]
flagging_class.pick_next_task = pick_and_flag


def calls_of_schedule(int nr_cpus, events):
    """For each event (executing CPU, CPUs flagged in it, [(caller, CPU that its call flags, times)]): the CPUs
    that called schedule(), in order; those that had been flagged before; and those on which time stood still.
    """
    global nr_calls
    cdef machine m
    cdef int executing, cpu, other, times, i
    cdef uint64_t now = 1000
    told = []
    memset(&m, 0, sizeof(m))
    machine_init(&m, &flagging_class, idle_sched_class(), nr_cpus, GROUP_BY_NONE, NULL)
    for executing, flagged, script in events:
        nr_calls, now = 0, now + 1000
        memset(to_flag, 0, sizeof(to_flag))
        for cpu, other, times in script:
            to_flag[cpu][other] += times
        begin_event(m.rqs[executing], now)
        for cpu in flagged:
            flag(m.rqs[cpu])
        end_event(m.rqs[executing], now)
        told.append((
            [calls[i] for i in range(nr_calls)],
            [i for i in range(nr_cpus) if m.rqs[i].resched],
            [i for i in range(nr_cpus) if m.rqs[i].now == m.rqs[i].clock and m.rqs[i].clock != now],
        ))
    machine_free(&m)
    return told
