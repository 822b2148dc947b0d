# A timeline: the queue of the waiting entities, in the order of their keys, as a red-black tree of short sorted
# chunks. The structs are in _types.pxd, the reasons in _timeline.pyx.
#
# An entity begins with a waiting_node. The code of every switch is here, inline; code that runs once in sixteen times
# is called.

from ._fixedpoint cimport signed_difference
from ._rbtree cimport rb_plant
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


cdef struct spot:               # where an entity lies
    run *run
    uint32_t index


cdef int make_room_on_timelines(machine *m, uint64_t nr_tasks, uint64_t nr_groups) except -1   # for so many more
cdef int reserve_runs(run_pool *pool, uint64_t nr) except -1          # room for so many in all
cdef void free_runs(run_pool *pool) noexcept nogil
cdef uint64_t nr_runs_in_slab(uint64_t slab) noexcept nogil
cdef run *first_run_of(void *slab) noexcept nogil
cdef uint64_t nr_runs_taken(const run_pool *pool) noexcept nogil       # ever: those given back as well
# how many lie one after the other from `number` on, before `end`
cdef size_t runs_in_one_piece(const run_pool *pool, uint64_t number, uint64_t end) noexcept nogil
cdef run *run_numbered(const run_pool *pool, uint64_t number) noexcept nogil
cdef void take_runs(run_pool *pool, uint64_t nr) noexcept nogil        # fresh ones, for a snapshot; there is room

cdef run *fresh_run(run_pool *pool) noexcept nogil
cdef run *split_run(timeline *tl, run_pool *pool, run *full, uint64_t key) noexcept nogil
cdef void drop_run(timeline *tl, run_pool *pool, run *at) noexcept nogil
cdef void timeline_erase(timeline *tl, run_pool *pool, waiting_node *node) noexcept nogil
cdef waiting_node *timeline_last(const timeline *tl) noexcept nogil

# in order: begin with {first chunk, its head}; NULL at the end
cdef waiting_node *timeline_walk(spot *at) noexcept nogil
# 0, or the number of the first broken invariant of _timeline.pyx; `size` is the number of entities there should be
cdef int timeline_check(const timeline *tl, uint64_t size) noexcept nogil


cdef inline run *run_of(const rb_node *node) noexcept nogil:
    # the node is the chunk's first member
    return <run *>node


cdef inline bint timeline_is_empty(const timeline *tl) noexcept nogil:
    return tl.runs.leftmost == NULL


cdef inline waiting_node *timeline_first(const timeline *tl) noexcept nogil:
    # there must be one
    cdef const run *at = run_of(tl.runs.leftmost)
    return at.waiting[at.head].node


cdef inline uint64_t timeline_least(const timeline *tl) noexcept nogil:
    # key of the first; there must be one
    return run_of(tl.runs.leftmost).least


cdef inline spot start_of(const timeline *tl) noexcept nogil:
    cdef spot at
    at.run = run_of(tl.runs.leftmost)
    at.index = 0 if at.run == NULL else at.run.head
    return at


cdef inline bint precedes(uint64_t a, uint64_t b) noexcept nogil:
    # the order of keys; they may wrap, but lie within 2**63 (I1)
    return signed_difference(a, b) < 0


cdef inline run *find_run(const timeline *tl, uint64_t key) noexcept nogil:
    # the last chunk that does not begin after the key, or else the first
    cdef rb_node *at = tl.runs.node
    cdef rb_node *found = tl.runs.leftmost
    while at != NULL:
        if precedes(key, run_of(at).least):
            at = at.child[LEFT]
        else:
            found = at
            at = at.child[RIGHT]
    return run_of(found)


cdef inline waiting *gap_from_the_front(run *at, uint64_t key) noexcept nogil:
    # all entries up to the key go one slot down; room for the key is left after them
    cdef waiting *gap = &at.waiting[at.head - 1]
    cdef const waiting *last = &at.waiting[at.tail - 1]
    while gap != last and not precedes(key, gap[1].key):
        gap[0] = gap[1]
        gap += 1
    at.head -= 1
    return gap


cdef inline waiting *gap_from_the_back(run *at, uint64_t key) noexcept nogil:
    # all entries after the key go one slot up
    cdef waiting *gap = &at.waiting[at.tail]
    cdef const waiting *first = &at.waiting[at.head]
    while gap != first and precedes(key, (gap - 1).key):
        gap[0] = (gap - 1)[0]
        gap -= 1
    at.tail += 1
    return gap


cdef inline void put_into_run(run *at, waiting_node *node, uint64_t key) noexcept nogil:
    # Found and moved in one go, from the end that is nearer, if there is room there: half a dozen slots on average, and
    # only the last branch cannot be predicted.
    cdef waiting *gap
    if at.head > 0 and (at.tail == RUN_ROOM or precedes(key, at.waiting[(at.head + at.tail) >> 1].key)):
        gap = gap_from_the_front(at, key)
    else:
        gap = gap_from_the_back(at, key)
    gap.key = key
    gap.node = node
    at.least = at.waiting[at.head].key
    node.run = at


cdef inline run *take_run(run_pool *pool) noexcept nogil:
    cdef run *taken = pool.spare
    if taken == NULL:
        return fresh_run(pool)
    pool.spare = run_of(taken.node.child[LEFT])
    return taken


cdef inline void give_run(run_pool *pool, run *given) noexcept nogil:
    # an empty one: head == tail says, in a snapshot, that it is spare
    given.node.child[LEFT] = <rb_node *>pool.spare
    pool.spare = given


cdef inline void begin_timeline(timeline *tl, run_pool *pool, waiting_node *node, uint64_t key) noexcept nogil:
    # the first entity of an empty one: in the middle of a chunk, with room on both sides
    cdef run *at = take_run(pool)
    at.head = HALF_RUN
    at.tail = HALF_RUN + 1
    at.waiting[HALF_RUN].key = at.least = key
    at.waiting[HALF_RUN].node = node
    node.run = at
    rb_plant(&at.node, &tl.runs)


cdef inline void timeline_insert(timeline *tl, run_pool *pool, waiting_node *node, uint64_t key) noexcept nogil:
    # after all equal keys
    cdef run *at = find_run(tl, key)
    if at == NULL:
        begin_timeline(tl, pool, node, key)
        return
    if at.tail - at.head == RUN_ROOM:
        at = split_run(tl, pool, at, key)
    put_into_run(at, node, key)


cdef inline bint is_alone(const run *first, const timeline *tl) noexcept nogil:
    return tl.runs.node == &first.node and first.node.child[RIGHT] == NULL


cdef inline void timeline_take_first(timeline *tl, run_pool *pool) noexcept nogil:
    cdef run *at = run_of(tl.runs.leftmost)
    at.head += 1
    if at.head != at.tail:
        at.least = at.waiting[at.head].key
    elif is_alone(at, tl):
        tl.runs.node = tl.runs.leftmost = NULL      # a queue of one: that of a ping-pong comes here all the time
        give_run(pool, at)
    else:
        drop_run(tl, pool, at)
