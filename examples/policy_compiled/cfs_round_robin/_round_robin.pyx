"""Round robin: a whole scheduling class outside of cfs, filled into the hook table by cimport.

Model: round-robin. What it decides: who came first runs next, and after a quantum goes to the end of the
line. Nice values count nothing. Good for showing the seam, bad for anybody who waits for a terminal.

Invariant:
    I1  the line holds every runnable task, the running one at its head
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint64_t

from cfs cimport (
    FIELD_U64,
    POINTER_PLAIN,
    add_field,
    add_pointer,
    dec_nr_running,
    field_table,
    inc_nr_running,
    load_weight,
    new_fields,
    new_pointers,
    pointer_table,
    queued,
    resched_task,
    rq,
    sched_class,
    task,
)


cdef struct rr_task:
    task p                      # the core's part comes first
    rr_task *next
    load_weight load            # 1024 for everybody: what the core sums up in rq.load
    uint64_t exec_start
    uint64_t sum_exec_runtime
    uint64_t turn_start


cdef struct rr_rq:
    rq rq
    rr_task *head
    rr_task *tail


cdef struct rr_tunables:
    uint64_t quantum_ns


cdef void append(rr_rq *line, rr_task *t) noexcept nogil:
    t.next = NULL
    if line.head == NULL:
        line.head = t
    else:
        line.tail.next = t
    line.tail = t


cdef void remove(rr_rq *line, rr_task *t) noexcept nogil:
    cdef rr_task *before = line.head
    if before == t:
        line.head = t.next
        if line.head == NULL:
            line.tail = NULL
        return
    while before.next != t:
        before = before.next
    before.next = t.next
    if line.tail == t:
        line.tail = before


cdef void charge(rq *rq) noexcept nogil:
    cdef rr_task *curr = <rr_task *>rq.curr
    if rq.curr != rq.idle:
        curr.sum_exec_runtime += rq.clock - curr.exec_start
        curr.exec_start = rq.clock


cdef void enqueue(rq *rq, task *p, int flags) noexcept nogil:
    append(<rr_rq *>rq, <rr_task *>p)
    inc_nr_running(rq, p)


cdef void dequeue(rq *rq, task *p, int flags) noexcept nogil:
    charge(rq)
    remove(<rr_rq *>rq, <rr_task *>p)
    dec_nr_running(rq, p)


cdef void task_new(rq *rq, task *p, bint clone_vm) noexcept nogil:
    enqueue(rq, p, 0)
    if rq.curr == rq.idle:
        resched_task(rq.curr)


cdef void check_preempt(rq *rq, task *p) noexcept nogil:
    pass                        # nobody jumps the line


cdef void yield_task(rq *rq) noexcept nogil:
    remove(<rr_rq *>rq, <rr_task *>rq.curr)
    append(<rr_rq *>rq, <rr_task *>rq.curr)


cdef void tick(rq *rq, task *p) noexcept nogil:
    cdef uint64_t quantum = (<rr_tunables *>rq.machine.tunables).quantum_ns
    charge(rq)
    if rq.clock - (<rr_task *>p).turn_start >= quantum and rq.nr_running > 1:
        yield_task(rq)
        resched_task(p)


cdef task *pick_next(rq *rq, task *prev) noexcept nogil:
    cdef rr_task *head = (<rr_rq *>rq).head
    charge(rq)
    if head == NULL:
        return rq.idle
    if &head.p != prev:
        head.exec_start = head.turn_start = rq.clock
    return &head.p


cdef void nothing_inherited(task *p, task *parent) noexcept nogil:
    (<rr_task *>p).load.weight = 1024


cdef void set_load_weight(task *p) noexcept nogil:
    (<rr_task *>p).load.weight = 1024


cdef void no_queue(task *p) noexcept nogil:
    pass


cdef void no_rebase(task *p, rq *to) noexcept nogil:
    pass


cdef void init_rq(rq *rq) noexcept nogil:
    pass


cdef void init_tunables(uint64_t *tunables) noexcept nogil:
    tunables[0] = 10000000


cdef void *task_entity(task *p) noexcept nogil:
    return p


cdef void *root_queue(rq *rq) noexcept nogil:
    return rq


cdef size_t list_queue(const void *queue, queued *out, size_t room) noexcept nogil:
    # who waits, in order: not the running one
    cdef rr_task *t = (<rr_rq *>queue).head
    cdef size_t nr = 0
    while t != NULL:
        if &t.p != t.p.rq.curr:
            if nr < room:
                out[nr].p, out[nr].tg = &t.p, NULL
            nr += 1
        t = t.next
    return nr


cdef int check_rq(rq *rq) noexcept nogil:
    cdef rr_task *t = (<rr_rq *>rq).head
    cdef uint64_t nr = 0
    while t != NULL:
        nr += 1
        t = t.next
    if nr != rq.nr_running or (rq.curr != rq.idle and <rr_task *>rq.curr != (<rr_rq *>rq).head):
        return 1
    return 0


cdef field_table entity_fields = new_fields("entity_fields")
add_field(&entity_fields, "sum_exec_runtime", &(<rr_task *>NULL).sum_exec_runtime, FIELD_U64)

cdef field_table queue_fields = new_fields("queue_fields")

cdef field_table tunables = new_fields("tunables")
add_field(&tunables, "quantum_ns", &(<rr_tunables *>NULL).quantum_ns, FIELD_U64)

# Where addresses are, so that a Scheduler can be copied and written as bytes.
cdef pointer_table task_pointers = new_pointers("task_pointers")
add_pointer(&task_pointers, &(<rr_task *>NULL).next, 1, POINTER_PLAIN)

cdef pointer_table rq_pointers = new_pointers("rq_pointers")
add_pointer(&rq_pointers, &(<rr_rq *>NULL).head, 2, POINTER_PLAIN)  # head and tail

cdef sched_class table
table.model = "round-robin"
table.task_size = sizeof(rr_task)
table.rq_size = sizeof(rr_rq)
table.tunables_size = sizeof(rr_tunables)
table.load_offset = <size_t>&(<rr_task *>NULL).load
table.enqueue_task = enqueue
table.dequeue_task = dequeue
table.task_new = task_new
table.yield_task = yield_task
table.check_preempt_curr = check_preempt
table.pick_next_task = pick_next
table.task_tick = tick
table.task_fork = nothing_inherited
table.set_load_weight = set_load_weight
table.set_task_rq = no_queue
table.migrate_task_rq = no_rebase
table.init_rq = init_rq
table.init_tunables = init_tunables
table.task_entity = task_entity
table.root_queue = root_queue
table.list_queue = list_queue
table.check_rq = check_rq
table.entity_fields = entity_fields.fields
table.queue_fields = queue_fields.fields
table.tunables = tunables.fields
table.task_pointers = task_pointers.pointers
table.rq_pointers = rq_pointers.pointers

SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
