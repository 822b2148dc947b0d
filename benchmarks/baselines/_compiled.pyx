"""The measured loops in compiled code: cfs, cimported like any embedder does, and the textbook beside it.

What it decides: that both loops are the same: random number, clock, one switch, and nothing between. `Ours`
enters cfs where an embedder enters it, at `schedule`. A step of it is what `Scheduler.yield_` does from
Python.

The trees alone, for bench_rbtree.py, are at the end: the same tree under three kinds of descent.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

from cfs._core cimport schedule
from cfs._rbtree cimport rb_erase, rb_insert, rb_link_node, rb_next
from cfs._types cimport LEFT, RIGHT, rb_node, rb_root, rq
from cfs.scheduler cimport Scheduler

from benchmarks.baselines.state import SEED, Entity, State, state_of

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
        tb_queue *queue
        tb_entity *parent
        tb_queue *own

    struct tb_queue:
        tb_node *root
        tb_node *leftmost
        tb_entity *running
        uint64_t floor

    struct tb_cpu:
        tb_queue top
        tb_entity *running
        uint64_t clock

    struct heap_item:
        tb_entity *entity

    struct heap_cpu:
        heap_item *items
        uint64_t *place
        tb_entity *entities
        uint64_t nr
        tb_cpu cpu

    void heap_put(heap_cpu *heap, tb_entity *entity)
    void heap_take(heap_cpu *heap, tb_entity *entity)
    uint64_t heap_run(heap_cpu *heap, uint64_t random, uint64_t steps)
    void tb_insert(tb_queue *queue, tb_entity *entity)
    void tb_erase(tb_queue *queue, tb_entity *entity)
    tb_node *tb_next(tb_node *node)
    uint64_t tb_run(tb_cpu *cpu, uint64_t random, uint64_t steps)
    uint64_t tb_run_dividing(tb_cpu *cpu, uint64_t random, uint64_t steps)
    uint64_t tb_run_empty(uint64_t *clock, uint64_t random, uint64_t steps)
    uint64_t random_after(uint64_t x)
    uint64_t run_length(uint64_t x)

cdef extern from "textbook.h":
    void counting_window(void (*work)(void *) noexcept, void *argument)

# --------------------------------------------------------------------------------------- the switch


cdef uint64_t run_ours(rq *rq, uint64_t random, uint64_t steps) noexcept nogil:
    cdef uint64_t now = rq.now
    while steps > 0:
        steps -= 1
        random = random_after(random)
        now += run_length(random)
        rq.now = now
        schedule(rq)
    return random


cdef class Steps:
    """A variant in compiled code."""

    cdef uint64_t random
    cdef uint64_t steps

    def __cinit__(self, *args, **kwargs):
        self.random = SEED
        self.steps = 0

    def prepare(self, uint64_t steps):
        self.steps = steps

    cdef void work(self) noexcept:
        pass

    def run(self):
        self.work()

    def run_in_window(self):
        """The same, so that callgrind collects it and nothing else."""
        counting_window(work_of, <void *>self)


cdef void work_of(void *steps) noexcept:
    (<Steps>steps).work()


cdef class Ours(Steps):
    """cfs, looped in compiled code."""

    cdef Scheduler sched
    cdef object case

    def __init__(self, Scheduler sched, case):
        self.sched = sched
        self.case = case

    cdef void work(self) noexcept:
        cdef rq *rq = self.sched.m.rqs[0]
        rq.now = self.sched.now
        self.random = run_ours(rq, self.random, self.steps)
        self.sched.now = rq.now

    def state(self):
        self.sched.check()
        return state_of(self.sched, self.case)


cdef class Textbook(Steps):
    """The same in plain C, from a textbook."""

    cdef tb_cpu cpu
    cdef tb_entity *entities        # the tasks, then the groups
    cdef tb_queue *queues           # the groups'
    cdef object start
    cdef bint dividing

    def __init__(self, start, bint dividing=False):
        self.start = start
        self.dividing = dividing
        self.cpu.clock = start.now
        self.entities = <tb_entity *>calloc(len(start.tasks) + len(start.groups), sizeof(tb_entity))
        self.queues = <tb_queue *>calloc(len(start.groups) + 1, sizeof(tb_queue))
        if self.entities == NULL or self.queues == NULL:
            raise MemoryError
        for i, entity in enumerate(start.tasks + start.groups):
            self.fill(&self.entities[<Py_ssize_t>i], entity)
        for i, floor in enumerate(start.floors):
            self.queue(i).floor = floor
        self.hang()
        self.run_first(start.current)

    def __dealloc__(self):
        free(self.entities)
        free(self.queues)

    cdef tb_queue *queue(self, Py_ssize_t i) noexcept:
        # in the order of State.floors
        return &self.cpu.top if i == 0 else &self.queues[i - 1]

    cdef int fill(self, tb_entity *to, entity) except -1:
        to.vruntime, to.ran, to.weight, to.inverse = entity
        to.since = self.cpu.clock
        to.queue = &self.cpu.top

    cdef Py_ssize_t first_of(self, Py_ssize_t queue) except -1:
        # where the entities of this queue begin: the top queue of a grouped case holds the groups
        return len(self.start.tasks) if queue == 0 and self.start.groups else 0

    cdef int hang(self) except -1:
        # every entity to its queue, the waiting ones into the tree
        cdef Py_ssize_t nr_tasks = len(self.start.tasks)
        cdef Py_ssize_t i, g
        for i, g in enumerate(self.start.group_of):
            if self.start.groups:
                self.entities[i].queue = &self.queues[g]
                self.entities[i].parent = &self.entities[nr_tasks + g]
        for g in range(len(self.start.groups)):
            self.entities[nr_tasks + g].own = &self.queues[g]
        for g, waiting in enumerate(self.start.waiting):
            for i in waiting:
                tb_insert(self.queue(g), &self.entities[self.first_of(g) + i])

    cdef int run_first(self, Py_ssize_t current) except -1:
        cdef tb_entity *entity = &self.entities[current]
        self.cpu.running = entity
        while entity != NULL:
            entity.queue.running = entity
            entity = entity.parent

    cdef void work(self) noexcept:
        if self.dividing:
            self.random = tb_run_dividing(&self.cpu, self.random, self.steps)
        else:
            self.random = tb_run(&self.cpu, self.random, self.steps)

    cdef object read(self, tb_entity *entity):
        return Entity(entity.vruntime, entity.ran, entity.weight, entity.inverse)

    cdef object waiting(self, Py_ssize_t g):
        cdef tb_node *node = self.queue(g).leftmost
        numbers = []
        while node != NULL:
            numbers.append((<tb_entity *>node - self.entities) - self.first_of(g))
            node = tb_next(node)
        return tuple(numbers)

    def state(self):
        cdef Py_ssize_t nr_tasks = len(self.start.tasks)
        cdef Py_ssize_t nr_groups = len(self.start.groups)
        cdef Py_ssize_t i
        return State(
            now=self.cpu.clock,
            current=self.cpu.running - self.entities,
            tasks=tuple([self.read(&self.entities[i]) for i in range(nr_tasks)]),
            groups=tuple([self.read(&self.entities[nr_tasks + i]) for i in range(nr_groups)]),
            group_of=self.start.group_of,
            floors=tuple([self.queue(i).floor for i in range(nr_groups + 1)]),
            waiting=tuple([self.waiting(i) for i in range(nr_groups + 1)]),
        )


cdef class Heap(Steps):
    """The textbook's accounting, flat, over a binary heap that can do what the tree can."""

    cdef heap_cpu heap
    cdef object start

    def __init__(self, start):
        cdef Py_ssize_t i
        cdef Py_ssize_t nr = len(start.tasks)
        if start.groups:
            raise ValueError("flat only")
        self.start = start
        self.heap.entities = <tb_entity *>calloc(nr, sizeof(tb_entity))
        self.heap.items = <heap_item *>calloc(nr, sizeof(heap_item))
        self.heap.place = <uint64_t *>calloc(nr, sizeof(uint64_t))
        if self.heap.entities == NULL or self.heap.items == NULL or self.heap.place == NULL:
            raise MemoryError
        for i, (vruntime, ran, weight, inverse) in enumerate(start.tasks):
            self.heap.entities[i].vruntime, self.heap.entities[i].ran = vruntime, ran
            self.heap.entities[i].weight, self.heap.entities[i].inverse = weight, inverse
            self.heap.entities[i].since = start.now
        for i in start.waiting[0]:
            heap_put(&self.heap, &self.heap.entities[i])
        self.heap.cpu.running = &self.heap.entities[<Py_ssize_t>start.current]
        self.heap.cpu.clock, self.heap.cpu.top.floor = start.now, start.floors[0]

    def __dealloc__(self):
        free(self.heap.entities)
        free(self.heap.items)
        free(self.heap.place)

    cdef void work(self) noexcept:
        self.random = heap_run(&self.heap, self.random, self.steps)

    def state(self):
        """Empties the heap to see its order, and fills it again."""
        cdef tb_entity *entity
        order = []
        while self.heap.nr > 0:
            entity = self.heap.items[0].entity
            order.append(entity - self.heap.entities)
            heap_take(&self.heap, entity)
        for i in order:
            heap_put(&self.heap, &self.heap.entities[<Py_ssize_t>i])
        return State(
            now=self.heap.cpu.clock,
            current=self.heap.cpu.running - self.heap.entities,
            tasks=tuple([Entity(e["vruntime"], e["ran"], e["weight"], e["inverse"]) for e in self.fields()]),
            groups=(),
            group_of=self.start.group_of,
            floors=(self.heap.cpu.top.floor,),
            waiting=(tuple(order),),
        )

    cdef object fields(self):
        cdef Py_ssize_t i
        cdef tb_entity *e
        rows = []
        for i in range(len(self.start.tasks)):
            e = &self.heap.entities[i]
            rows.append({"vruntime": e.vruntime, "ran": e.ran, "weight": e.weight, "inverse": e.inverse})
        return rows


cdef class Empty(Steps):
    """The random numbers and the clock, and no scheduler: what the loop costs."""

    cdef uint64_t clock

    def __init__(self, start):
        self.clock = start.now

    cdef void work(self) noexcept:
        self.random = tb_run_empty(&self.clock, self.random, self.steps)

    def state(self):
        return self.clock

# --------------------------------------------------------------------- instructions of Python calls


cdef void call(void *work) noexcept:
    (<object>work)()


def window(work):
    """Call `work()` so that callgrind collects it and nothing else."""
    counting_window(call, <void *>work)

# -------------------------------------------------------------------------- trees, for bench_rbtree


cdef struct item:
    rb_node node
    int64_t key

cdef enum:
    BY_INDEX = 0                # the child to go to as an index
    BY_BRANCH = 1               # an `if` with two children
    BY_LINK = 2                 # a pointer to the link, the kernel's idiom
    BY_LESS = 3                 # a comparison that is a function, known at run time

DESCENTS = {"index": BY_INDEX, "branch": BY_BRANCH, "link": BY_LINK, "less()": BY_LESS}


cdef bint item_before(const rb_node *a, const rb_node *b) noexcept nogil:
    return (<item *>a).key < (<item *>b).key


cdef inline void hang_by_index(rb_root *root, item *new) noexcept nogil:
    cdef rb_node *at = root.node
    cdef rb_node *parent = NULL
    cdef int side = LEFT
    cdef int went_right = 0
    while at != NULL:
        parent = at
        side = new.key >= (<item *>at).key
        went_right |= side
        at = at.child[side]
    rb_link_node(&new.node, parent, side, root)
    rb_insert(&new.node, root, not went_right)


cdef inline void hang_by_branch(rb_root *root, item *new) noexcept nogil:
    cdef rb_node *at = root.node
    cdef rb_node *parent = NULL
    cdef int side = LEFT
    cdef bint leftmost = True
    while at != NULL:
        parent = at
        if new.key < (<item *>at).key:
            side = LEFT
            at = at.child[LEFT]
        else:
            side = RIGHT
            leftmost = False
            at = at.child[RIGHT]
    rb_link_node(&new.node, parent, side, root)
    rb_insert(&new.node, root, leftmost)


cdef inline void hang_by_link(rb_root *root, item *new) noexcept nogil:
    cdef rb_node **link = &root.node
    cdef rb_node *parent = NULL
    cdef bint leftmost = True
    while link[0] != NULL:
        parent = link[0]
        if new.key < (<item *>parent).key:
            link = &parent.child[LEFT]
        else:
            link = &parent.child[RIGHT]
            leftmost = False
    new.node.parent_color = <uintptr_t>parent
    new.node.child[LEFT] = new.node.child[RIGHT] = NULL
    link[0] = &new.node
    rb_insert(&new.node, root, leftmost)


cdef inline void hang_by_less(
    rb_root *root, item *new, bint (*less)(const rb_node *a, const rb_node *b) noexcept nogil
) noexcept nogil:
    cdef rb_node *at = root.node
    cdef rb_node *parent = NULL
    cdef int side = LEFT
    cdef int went_right = 0
    while at != NULL:
        parent = at
        side = not less(&new.node, at)
        went_right |= side
        at = at.child[side]
    rb_link_node(&new.node, parent, side, root)
    rb_insert(&new.node, root, not went_right)


cdef inline int64_t advance(uint64_t random) noexcept nogil:
    return 1 + <int64_t>(random >> 44)


cdef class Tree(Steps):
    """The tree of cfs under one kind of descent: take the leftmost, advance its key, put it back."""

    cdef rb_root root
    cdef item *items
    cdef uint32_t nr
    cdef int descent
    cdef bint (*less)(const rb_node *a, const rb_node *b) noexcept nogil

    def __init__(self, uint32_t nr, descent):
        cdef Py_ssize_t i
        self.less = item_before
        self.descent = DESCENTS[descent]
        self.nr = nr
        self.items = <item *>calloc(<size_t>nr, sizeof(item))
        if self.items == NULL:
            raise MemoryError
        for i in range(nr):
            self.random = random_after(self.random)
            self.items[i].key = advance(self.random)
            self.hang(&self.items[i])

    def __dealloc__(self):
        free(self.items)

    cdef inline void hang(self, item *new) noexcept nogil:
        if self.descent == BY_INDEX:
            hang_by_index(&self.root, new)
        elif self.descent == BY_BRANCH:
            hang_by_branch(&self.root, new)
        elif self.descent == BY_LINK:
            hang_by_link(&self.root, new)
        else:
            hang_by_less(&self.root, new, self.less)

    cdef void work(self) noexcept:
        cdef item *first
        cdef uint64_t steps = self.steps
        while steps > 0:
            steps -= 1
            self.random = random_after(self.random)
            first = <item *>self.root.leftmost
            rb_erase(&first.node, &self.root)
            first.key += advance(self.random)
            self.hang(first)

    def state(self):
        """``(number, key)`` in order."""
        cdef rb_node *node = self.root.leftmost
        walk = []
        while node != NULL:
            walk.append((<item *>node - self.items, (<item *>node).key))
            node = rb_next(node)
        return walk


cdef class TextbookTree(Steps):
    """The same with the textbook's tree."""

    cdef tb_queue queue
    cdef tb_entity *items

    def __init__(self, uint32_t nr):
        cdef Py_ssize_t i
        self.items = <tb_entity *>calloc(<size_t>nr, sizeof(tb_entity))
        if self.items == NULL:
            raise MemoryError
        for i in range(nr):
            self.random = random_after(self.random)
            self.items[i].vruntime = advance(self.random)
            tb_insert(&self.queue, &self.items[i])

    def __dealloc__(self):
        free(self.items)

    cdef void work(self) noexcept:
        cdef tb_entity *first
        cdef uint64_t steps = self.steps
        while steps > 0:
            steps -= 1
            self.random = random_after(self.random)
            first = <tb_entity *>self.queue.leftmost
            tb_erase(&self.queue, first)
            first.vruntime += advance(self.random)
            tb_insert(&self.queue, first)

    def state(self):
        cdef tb_node *node = self.queue.leftmost
        walk = []
        while node != NULL:
            walk.append((<tb_entity *>node - self.items, <int64_t>(<tb_entity *>node).vruntime))
            node = tb_next(node)
        return walk
