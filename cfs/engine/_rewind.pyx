"""Putting a machine back to where it was: what a look ahead does when it has seen enough.

What it decides: what a tick may write. It is stated once, as a list of blocks of memory. Saving, restoring and
exchanging walk that list, and its length is their size. So nothing can be saved and not restored.

    list_machine    who executes, which CPUs the last event touched, the groups, the runs of the timelines
    list_cpu        a runqueue, its idle task, what each group has on it
    list_task       a task

Every block returns to its own address, so all pointers stay right. That is enough, because a tick makes and frees
nothing but runs of a timeline: a pool that is put back does not know those taken since, and only the look ahead takes
any.

The code that looks ahead lists the CPUs that will tick, the tasks on their queues (a tick writes no others), and blocks
of its own. The list is good until something is made or freed.

Invariants:
    I1  after `restore` every listed byte is what it was at `save`
    I2  `exchange`, done twice, changes nothing; blocks do not overlap

Rejected: a copy of the machine to look ahead on (every pointer translated, twenty times the cost); one function for
each of size, save, restore and exchange (if one of them forgets something, the answer is wrong and nobody sees it).
"""

from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from .._timeline cimport nr_runs_taken, run_numbered, runs_in_one_piece
from .._types cimport int32_t, machine, rq, run, run_pool, task, task_group, uint64_t

cdef enum:
    PIECE = 256                 # bytes that are exchanged at once

# ------------------------------------------------------------------------------------------------------- the list


cdef void free_rewind(rewind *back) noexcept nogil:
    free(back.blocks)
    free(back.bytes)


cdef void forget_blocks(rewind *back) noexcept nogil:
    back.nr_blocks = back.nr_bytes = 0


cdef int list_block(rewind *back, void *here, size_t size) except -1:
    cdef size_t most = 2 * back.blocks_max + 64
    cdef block *blocks
    if back.nr_blocks == back.blocks_max:
        blocks = <block *>realloc(back.blocks, most * sizeof(block))
        if blocks == NULL:
            raise MemoryError
        back.blocks, back.blocks_max = blocks, most
    back.blocks[back.nr_blocks].here = <char *>here
    back.blocks[back.nr_blocks].size = size
    back.nr_blocks += 1
    back.nr_bytes += size
    return 0


cdef int list_runs(rewind *back, run_pool *pool) except -1:
    # the pool, and those that have been taken from it
    cdef uint64_t nr_runs = nr_runs_taken(pool)
    cdef uint64_t number = 0
    cdef size_t nr
    list_block(back, pool, sizeof(run_pool))
    while number < nr_runs:
        nr = runs_in_one_piece(pool, number, nr_runs)
        list_block(back, run_numbered(pool, number), nr * sizeof(run))
        number += nr
    return 0


cdef int list_machine(rewind *back, machine *m) except -1:
    # what belongs to no CPU and no task
    cdef task_group *tg = m.groups
    list_block(back, &m.this_rq, sizeof(m.this_rq))
    list_block(back, &m.nr_touched, sizeof(m.nr_touched))
    list_block(back, m.touched, m.nr_touched * sizeof(m.touched[0]))
    list_runs(back, &m.runs)
    while tg != NULL:
        list_block(back, tg, sizeof(task_group))
        tg = tg.next
    return 0


cdef int list_cpu(rewind *back, rq *rq) except -1:
    cdef size_t size = rq.sched_class.group_size
    cdef task_group *tg = rq.machine.groups
    list_block(back, rq, rq.sched_class.rq_size)
    list_task(back, rq.idle)
    while tg != NULL:
        list_block(back, <char *>tg.cpus + rq.cpu * size, size)
        tg = tg.next
    return 0


cdef int list_task(rewind *back, task *p) except -1:
    list_block(back, p, p.rq.sched_class.task_size)
    return 0


cdef int list_all(rewind *back, machine *m) except -1:
    # of a machine on which every CPU ticks
    cdef int32_t cpu
    cdef uint64_t slot
    list_machine(back, m)
    for cpu in range(m.nr_cpus):
        list_cpu(back, m.rqs[cpu])
    for slot in range(m.nr_slots):
        if m.tasks[slot] != NULL:
            list_task(back, m.tasks[slot])
    return 0

# -------------------------------------------------------------------------------------------------- there and back


cdef int save(rewind *back) except -1:
    # what is listed, as it is now
    cdef char *at
    cdef size_t i
    if back.nr_bytes > back.room:
        at = <char *>realloc(back.bytes, 2 * back.nr_bytes)
        if at == NULL:
            raise MemoryError
        back.bytes, back.room = at, 2 * back.nr_bytes
    at = back.bytes
    for i in range(back.nr_blocks):
        memcpy(at, back.blocks[i].here, back.blocks[i].size)
        at += back.blocks[i].size
    return 0


cdef void restore(const rewind *back) noexcept nogil:
    cdef const char *at = back.bytes
    cdef size_t i
    for i in range(back.nr_blocks):
        memcpy(back.blocks[i].here, at, back.blocks[i].size)
        at += back.blocks[i].size


cdef char *exchange_bytes(char *here, char *saved, size_t size) noexcept nogil:
    # returns where the saved bytes go on
    cdef char piece[PIECE]
    cdef size_t at = 0
    cdef size_t nr
    while at < size:
        nr = min(size - at, <size_t>PIECE)
        memcpy(piece, here + at, nr)
        memcpy(here + at, saved + at, nr)
        memcpy(saved + at, piece, nr)
        at += nr
    return saved + size


cdef void exchange(const rewind *back) noexcept nogil:
    # what is there with what was saved
    cdef char *at = back.bytes
    cdef size_t i
    for i in range(back.nr_blocks):
        at = exchange_bytes(back.blocks[i].here, at, back.blocks[i].size)
