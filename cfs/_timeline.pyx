"""The queue of the waiting entities: a red-black tree of short sorted chunks (`struct run`).

What it decides: only where things lie. The order is that of a red-black tree with one entity in each node: by key,
and equal keys in order of arrival. A user sees the difference only on the clock.

The idea. A tree of entities is slow not because of its instructions, but because of mispredicted branches in the two
repairs of each switch, and one cache line for each level. Here a node of the tree (_rbtree.pxd) is a chunk: an array
of up to 32 keys in order, each with its entity. An insertion is a descent that is five levels shorter, then insertion
sort from the nearer end of a chunk, half a dozen slots on average. Taking out the first is an increment. The tree
changes when a chunk is full, empty, or nearly so: once in sixteen times at most.

    chunk    head ... tail - 1 of 32 slots are in use; the rest is old
    full     split in halves; but a last chunk that is full at its end is kept, and a new one begun after it
    first    drains from its head
    few      after a removal in the middle, a chunk and a neighbour that fit into half a chunk become one

Chunks come from the machine's pool. The pool grows when a task or group is made (make_room_on_timelines), so nothing
here fails. The bound: two neighbours of a timeline, the first pair aside, always hold more than half a chunk, so a
timeline of n entities has at most 2 * ((n - 1) // 17) + 2 chunks.

Invariants, checked by `timeline_check`:
    I1  order: no key precedes the one before it, across chunks as well; all lie within 2**63
    I2  no chunk is empty; `least` is the key at its head; 0 <= head < tail <= 32
    I3  two neighbouring chunks, the first pair aside, hold more than 16
    I4  the number of entities is the one that the owner counts
    I5  the entity of each slot in use points back to the chunk, and is in no other slot
    I6  the chunks are a red-black tree (rb_check)

Rejected (numbers: docs/decisions/0005): an entity in each node; a sorted array of all (it moves n / 4); chunks of 16
and of 64; halving in place of insertion sort; a search for an entity by its key, without the pointer back (linear
among equal keys).
"""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

from ._rbtree cimport rb_check, rb_erase, rb_insert, rb_last, rb_link_node, rb_next, rb_prev
from ._types cimport (
    HALF_RUN,
    LEFT,
    RIGHT,
    RUN_ROOM,
    machine,
    rb_node,
    run,
    run_pool,
    timeline,
    uint32_t,
    uint64_t,
    waiting,
    waiting_node,
)

cdef enum:
    CACHE_LINE = 64
    SLAB_MIN = 16               # chunks in the first slab; each next one is twice as large
    SLAB_DOUBLINGS = 10

# -------------------------------------------------------------------------------------------------------- the pool
# Slabs, cut from front to back; chunks that were given back go first. Memory that no chunk has needed yet is never
# touched.


cdef uint64_t nr_runs_in_slab(uint64_t slab) noexcept nogil:
    return <uint64_t>SLAB_MIN << (slab if slab < SLAB_DOUBLINGS else SLAB_DOUBLINGS)


cdef run *first_run_of(void *slab) noexcept nogil:
    # on a cache line
    return <run *>((<uintptr_t>slab + CACHE_LINE - 1) & ~<uintptr_t>(CACHE_LINE - 1))


cdef int reserve_runs(run_pool *pool, uint64_t nr) except -1:
    cdef void **slabs
    cdef void *slab
    cdef uint64_t more
    while pool.room < nr:
        more = nr_runs_in_slab(pool.nr_slabs)
        slabs = <void **>realloc(pool.slabs, (pool.nr_slabs + 1) * sizeof(void *))
        if slabs == NULL:
            raise MemoryError
        pool.slabs = slabs
        slab = malloc(more * sizeof(run) + CACHE_LINE)
        if slab == NULL:
            raise MemoryError
        slabs[pool.nr_slabs] = slab
        pool.nr_slabs += 1
        pool.room += more
    return 0


cdef int make_room_on_timelines(machine *m, uint64_t nr_tasks, uint64_t nr_groups) except -1:
    # Whatever happens: n / 8 + 2 is above the bound for each timeline, and a group is on a queue only while a task of it
    # is
    cdef uint64_t nr_cpus = <uint64_t>m.nr_cpus
    cdef uint64_t nr_entities
    if not m.sched_class.has_timelines:
        return 0
    nr_tasks += m.nr_pieces
    nr_groups = nr_cpus * (m.nr_groups_alive + nr_groups)
    nr_entities = nr_tasks + min(nr_groups, nr_tasks)
    return reserve_runs(&m.runs, nr_entities // 8 + 2 * min(nr_cpus + nr_groups, 2 * nr_tasks))


cdef void free_runs(run_pool *pool) noexcept nogil:
    cdef uint64_t i
    for i in range(pool.nr_slabs):
        free(pool.slabs[i])
    free(pool.slabs)


cdef inline void open_slab(run_pool *pool) noexcept nogil:
    pool.fresh = first_run_of(pool.slabs[pool.nr_opened])
    pool.fresh_end = pool.fresh + nr_runs_in_slab(pool.nr_opened)
    pool.nr_opened += 1


cdef run *fresh_run(run_pool *pool) noexcept nogil:
    # one that was never used
    if pool.fresh == pool.fresh_end:
        open_slab(pool)
    pool.fresh += 1
    return pool.fresh - 1


cdef uint64_t nr_runs_taken(const run_pool *pool) noexcept nogil:
    cdef uint64_t nr = 0
    cdef uint64_t slab
    for slab in range(pool.nr_opened):
        nr += nr_runs_in_slab(slab)
    return nr - <uint64_t>(pool.fresh_end - pool.fresh)


cdef run *run_numbered(const run_pool *pool, uint64_t number) noexcept nogil:
    # in the order in which they were first taken
    cdef uint64_t slab = 0
    while number >= nr_runs_in_slab(slab):
        number -= nr_runs_in_slab(slab)
        slab += 1
    return first_run_of(pool.slabs[slab]) + number


cdef size_t runs_in_one_piece(const run_pool *pool, uint64_t number, uint64_t end) noexcept nogil:
    # one after the other: up to the end of the slab
    cdef uint64_t slab_end = 0
    cdef uint64_t slab = 0
    while slab_end <= number:
        slab_end += nr_runs_in_slab(slab)
        slab += 1
    return min(slab_end, end) - number


cdef void take_runs(run_pool *pool, uint64_t nr) noexcept nogil:
    cdef uint64_t i
    for i in range(nr):
        take_run(pool)

# ---------------------------------------------------------------------------------------------------- runs come and go


cdef inline uint32_t length(const run *at) noexcept nogil:
    return at.tail - at.head


cdef void drop_run(timeline *tl, run_pool *pool, run *at) noexcept nogil:
    # it is empty
    rb_erase(&at.node, &tl.runs)
    give_run(pool, at)


cdef inline void hang_behind(timeline *tl, run *at, run *new) noexcept nogil:
    # `new` becomes the successor of `at` in the tree
    cdef rb_node *parent = &at.node
    cdef int side = RIGHT
    if parent.child[RIGHT] != NULL:
        parent = parent.child[RIGHT]
        side = LEFT
        while parent.child[LEFT] != NULL:
            parent = parent.child[LEFT]
    rb_link_node(&new.node, parent, side, &tl.runs)
    rb_insert(&new.node, &tl.runs, False)


cdef inline void move_entities(run *source, uint32_t index, run *to, uint32_t to_index, uint32_t nr) noexcept nogil:
    # between two chunks; the caller sets head, tail and least of both
    cdef uint32_t i
    memcpy(&to.waiting[to_index], &source.waiting[index], nr * sizeof(waiting))
    for i in range(to_index, to_index + nr):
        to.waiting[i].node.run = to


cdef run *split_run(timeline *tl, run_pool *pool, run *full, uint64_t key) noexcept nogil:
    # Make room for a key; returns the chunk that it goes into. Keys that arrive in order, always at the end, leave
    # full chunks, not halves: there the new chunk begins empty.
    cdef bint at_the_end = not precedes(key, full.waiting[RUN_ROOM - 1].key) and rb_next(&full.node) == NULL
    cdef uint32_t stays = RUN_ROOM if at_the_end else HALF_RUN
    cdef run *new = take_run(pool)
    move_entities(full, stays, new, 0, RUN_ROOM - stays)
    new.head = 0
    new.tail = RUN_ROOM - stays
    new.least = key if at_the_end else new.waiting[0].key
    full.tail = stays
    hang_behind(tl, full, new)
    return full if precedes(key, new.least) else new


cdef inline void merge_runs(timeline *tl, run_pool *pool, run *at, run *behind) noexcept nogil:
    # all of `behind` goes to the end of `at`; together they are half a chunk at most
    cdef uint32_t nr = length(at)
    if at.tail + length(behind) > RUN_ROOM:
        memmove(&at.waiting[0], &at.waiting[at.head], nr * sizeof(waiting))
        at.head = 0
        at.tail = nr
    move_entities(behind, behind.head, at, at.tail, length(behind))
    at.tail += length(behind)
    behind.tail = behind.head
    drop_run(tl, pool, behind)


cdef inline bint fit(const run *at, const rb_node *behind) noexcept nogil:
    return behind != NULL and length(at) + length(run_of(behind)) <= HALF_RUN


cdef void join_neighbours(timeline *tl, run_pool *pool, run *at) noexcept nogil:
    # I3 after a removal. The first pair is left alone: its first chunk drains by itself
    cdef rb_node *before = rb_prev(&at.node)
    cdef rb_node *behind = rb_next(&at.node)
    if before == NULL:
        return
    if before != tl.runs.leftmost and fit(at, before):
        merge_runs(tl, pool, run_of(before), at)
    elif fit(at, behind):
        merge_runs(tl, pool, at, run_of(behind))


cdef inline uint32_t index_of(const run *at, const waiting_node *node) noexcept nogil:
    cdef uint32_t index = at.head
    while at.waiting[index].node != node:
        index += 1
    return index


cdef inline void close_gap(run *at, uint32_t index) noexcept nogil:
    # move the shorter side by one
    cdef uint32_t before = index - at.head
    cdef uint32_t behind = at.tail - index - 1
    if before < behind:
        memmove(&at.waiting[at.head + 1], &at.waiting[at.head], before * sizeof(waiting))
        at.head += 1
    else:
        memmove(&at.waiting[index], &at.waiting[index + 1], behind * sizeof(waiting))
        at.tail -= 1


cdef void timeline_erase(timeline *tl, run_pool *pool, waiting_node *node) noexcept nogil:
    # of an entity anywhere
    cdef run *at = node.run
    close_gap(at, index_of(at, node))
    if at.head == at.tail:
        drop_run(tl, pool, at)
        return
    at.least = at.waiting[at.head].key
    if length(at) < HALF_RUN:
        join_neighbours(tl, pool, at)

# -------------------------------------------------------------------------------------------------------- looking in


cdef waiting_node *timeline_last(const timeline *tl) noexcept nogil:
    # there must be one
    cdef const run *at = run_of(rb_last(&tl.runs))
    return at.waiting[at.tail - 1].node


cdef waiting_node *timeline_walk(spot *at) noexcept nogil:
    cdef waiting_node *node
    if at.run == NULL:
        return NULL
    node = at.run.waiting[at.index].node
    at.index += 1
    if at.index == at.run.tail:
        at.run = run_of(rb_next(&at.run.node))
        at.index = 0 if at.run == NULL else at.run.head
    return node


cdef bint run_before(const rb_node *a, const rb_node *b) noexcept nogil:
    return precedes(run_of(a).least, run_of(b).least)


cdef bint is_twice(const run *at, uint32_t index) noexcept nogil:
    cdef uint32_t i
    for i in range(at.head, index):
        if at.waiting[i].node == at.waiting[index].node:
            return True
    return False


cdef int check_run(const run *at) noexcept nogil:
    cdef uint32_t i
    if at.head >= at.tail or at.tail > RUN_ROOM or at.least != at.waiting[at.head].key:
        return 2
    for i in range(at.head, at.tail):
        if i > at.head and precedes(at.waiting[i].key, at.waiting[i - 1].key):
            return 1
        if at.waiting[i].node.run != at or is_twice(at, i):
            return 5
    return 0


cdef int check_neighbours(const run *at, const run *behind, bint first) noexcept nogil:
    if precedes(behind.least, at.waiting[at.tail - 1].key):
        return 1
    return 3 if not first and length(at) + length(behind) <= HALF_RUN else 0


cdef int check_tree(const timeline *tl, uint64_t size) noexcept nogil:
    # First of all: links may have been forged, and no walk here is safe before. There are not more chunks than
    # entities.
    cdef int broken = rb_check(&tl.runs, size, run_before)
    if broken == 1:
        return 1
    return 0 if broken in (0, 4) else 6


cdef int timeline_check(const timeline *tl, uint64_t size) noexcept nogil:
    cdef const rb_node *node = tl.runs.leftmost
    cdef const rb_node *behind
    cdef uint64_t seen = 0
    cdef int broken = check_tree(tl, size)
    if broken:
        return broken
    while node != NULL and seen <= size:
        broken = check_run(run_of(node))
        behind = rb_next(node)
        if broken == 0 and behind != NULL:
            broken = check_run(run_of(behind))
        if broken == 0 and behind != NULL:
            broken = check_neighbours(run_of(node), run_of(behind), node == tl.runs.leftmost)
        if broken:
            return broken
        seen += length(run_of(node))
        node = behind
    return 0 if seen == size else 4

# ------------------------------------------------------------------------------------- for tests, and to look at


cdef struct int_entry:
    waiting_node node
    uint64_t key
    uint64_t serial


cdef class Timeline:
    """A runqueue's timeline with integer keys, to look at and to test.

    Equal keys keep the order in which they came. Keys are u64 and, as virtual times are, compared by their signed
    difference: they may wrap, but must lie within 2**63.

    Notes
    -----
    Not a container to build on: a sorted container for Python objects is better served by `sortedcontainers`. `insert`
    and `erase` cost O(log n), `first` and `take_first` O(1), iteration O(n).

    Examples
    --------
    >>> timeline = Timeline()
    >>> for key in (30, 10, 20, 10):
    ...     handle = timeline.insert(key)
    >>> list(timeline)
    [(10, 1), (10, 3), (20, 2), (30, 0)]
    >>> timeline.take_first()
    (10, 1)
    >>> timeline.erase(2); list(timeline), timeline.runs()
    ([(10, 3), (30, 0)], [2])
    """

    cdef timeline tl
    cdef run_pool pool
    cdef dict entries           # serial -> address
    cdef uint64_t nr_inserted

    def __cinit__(self):
        memset(&self.tl, 0, sizeof(timeline))
        memset(&self.pool, 0, sizeof(run_pool))
        self.entries = {}
        self.nr_inserted = 0

    def __dealloc__(self):
        if self.entries is not None:
            for address in self.entries.values():
                free(<void *><uintptr_t>address)
        free_runs(&self.pool)

    def insert(self, uint64_t key):
        """Put `key` behind all equal keys; return the serial number of the entry: 0, 1, ... in order of insertion."""
        cdef int_entry *new
        reserve_runs(&self.pool, (len(self.entries) + 1) // 8 + 2)
        new = <int_entry *>malloc(sizeof(int_entry))
        if new == NULL:
            raise MemoryError
        new.key, new.serial = key, self.nr_inserted
        timeline_insert(&self.tl, &self.pool, &new.node, key)
        self.entries[new.serial] = <uintptr_t>new
        self.nr_inserted += 1
        return new.serial

    def erase(self, serial):
        """Take out the entry with this serial number; `KeyError` if it is not there."""
        if serial not in self.entries:
            raise KeyError(f"no entry with the serial number {serial!r} in the timeline")
        cdef int_entry *entry = <int_entry *><uintptr_t>self.entries.pop(serial)
        timeline_erase(&self.tl, &self.pool, &entry.node)
        free(entry)

    def take_first(self):
        """Take out the first entry; return its ``(key, serial)``. `IndexError` if there is none."""
        if timeline_is_empty(&self.tl):
            raise IndexError("the timeline is empty")
        cdef int_entry *entry = <int_entry *>timeline_first(&self.tl)
        taken = (entry.key, entry.serial)
        timeline_take_first(&self.tl, &self.pool)
        del self.entries[entry.serial]
        free(entry)
        return taken

    def __len__(self):
        return len(self.entries)

    def __iter__(self):
        cdef spot at = start_of(&self.tl)
        cdef int_entry *entry = <int_entry *>timeline_walk(&at)
        walk = []
        while entry != NULL:
            walk.append((entry.key, entry.serial))
            entry = <int_entry *>timeline_walk(&at)
        return iter(walk)

    @property
    def first(self):
        """``(key, serial)`` of the first entry, or None."""
        cdef int_entry *entry = NULL if timeline_is_empty(&self.tl) else <int_entry *>timeline_first(&self.tl)
        return None if entry == NULL else (entry.key, entry.serial)

    @property
    def last(self):
        """``(key, serial)`` of the last entry, or None."""
        cdef int_entry *entry = NULL if timeline_is_empty(&self.tl) else <int_entry *>timeline_last(&self.tl)
        return None if entry == NULL else (entry.key, entry.serial)

    @property
    def nr_runs_reserved(self):
        """Runs that the pool has memory for."""
        return self.pool.room

    def runs(self):
        """Entries of each run, in order."""
        cdef const rb_node *node = self.tl.runs.leftmost
        lengths = []
        while node != NULL:
            lengths.append(length(run_of(node)))
            node = rb_next(node)
        return lengths

    def check(self):
        """Number of the first broken invariant (I1 ... I6 of the module's docstring), or 0."""
        return timeline_check(&self.tl, len(self.entries))

    def __repr__(self):
        return f"<Timeline of {len(self.entries)} in {len(self.runs())} runs, first {self.first}>"
