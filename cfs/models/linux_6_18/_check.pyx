"""Checks of the invariants of EEVDF 6.18. The essay of `_fair.pyx` states them, with these numbers; the later releases
of this folder are checked here, too.

What it decides: nothing. It walks every queue of a CPU, computes its sums from scratch, and compares them with those
of the fast path. It does not write to the CPU. A debug build calls it after each event, `Scheduler.check` on demand.

It checks 1, 2, 4, 5 and 7 to 10, one queue at a time: first its tree, then its members, its sums, its buddy, and
whether an entity is eligible. It returns the number of the first broken one, or 0. 3 and 6 are about histories.
"""

from ..._fixedpoint cimport min_vruntime
from ..._rbtree cimport rb_check, rb_next
from ..._types cimport HELD, LEFT, RESCHED, RIGHT, SCHED_IDLE, machine, ns_t, rb_node, rq, task, task_group, uint32_t, uint64_t, vns_t
from ._entity cimport (
    LOAD_SHIFT,
    account_entity_enqueue,
    avg_vruntime_add,
    before,
    cfs_rq,
    curr_counts,
    entity_eligible,
    entity_is_task,
    entity_of,
    entity_of_node,
    first_eligible,
    group_on,
    load_sum,
    load_sum_of,
    root_of,
    scale_load_down,
    sched_entity,
    task_of,
)


cdef bint deadline_before(const rb_node *a, const rb_node *b) noexcept nogil:
    return before(entity_of_node(a).deadline, entity_of_node(b).deadline)


cdef bint has_greatest_slice(const sched_entity *se) noexcept nogil:
    cdef ns_t slice = se.slice
    cdef const sched_entity *child
    cdef int side
    for side in range(LEFT, RIGHT + 1):
        child = entity_of_node(se.run_node.child[side])
        if child != NULL and child.max_slice > slice:
            slice = child.max_slice
    return se.max_slice == slice


cdef int check_node(const cfs_rq *cfs, const sched_entity *se, bint has_max_slice) noexcept nogil:
    cdef vns_t vruntime = se.vruntime
    cdef ns_t slice = se.slice
    cdef const sched_entity *child
    cdef int side
    for side in range(LEFT, RIGHT + 1):
        child = entity_of_node(se.run_node.child[side])
        if child != NULL:
            vruntime = min_vruntime(vruntime, child.min_vruntime)
            slice = child.min_slice if child.min_slice < slice else slice
    if se.min_vruntime != vruntime or (cfs.exact_min_slice and se.min_slice != slice):
        return 1
    if has_max_slice and cfs.exact_min_slice and not has_greatest_slice(se):
        return 1
    return 5 if se == cfs.curr else 0


cdef int check_entity(const cfs_rq *cfs, const sched_entity *se) noexcept nogil:
    # of an entity that is on this queue
    cdef bint empty
    if not se.on_rq or se.cfs_rq != cfs or se.load_down != scale_load_down(se.load.weight):
        return 2
    if se.rel_deadline:
        return 8
    if entity_is_task(se):
        return 0 if task_of(se).on_rq else 4
    empty = se.my_q.nr_queued == 0
    if empty != se.sched_delayed:
        return 7
    return 7 if not empty and se.load.weight != se.my_q.tg.shares << LOAD_SHIFT else 0


cdef void add_entity(cfs_rq *sums, const sched_entity *se) noexcept nogil:
    # what I2 and I4 count, from scratch. A group counts what its own queue says, which is checked in its turn.
    account_entity_enqueue(sums, se)
    if entity_is_task(se):
        sums.h_nr_queued += 1
        sums.h_nr_runnable += not se.sched_delayed
        sums.h_nr_idle += task_of(se).policy == SCHED_IDLE
    else:
        sums.h_nr_queued += se.my_q.h_nr_queued
        sums.h_nr_runnable += se.my_q.h_nr_runnable
        sums.h_nr_idle += se.my_q.h_nr_queued if se.my_q.idle else se.my_q.h_nr_idle


cdef int check_sums(const cfs_rq *cfs, const cfs_rq *sums) noexcept nogil:
    if cfs.avg_vruntime != sums.avg_vruntime or cfs.avg_load != sums.avg_load:
        return 2
    if cfs.load_weight != sums.load_weight or cfs.nr_queued != sums.nr_queued:
        return 2
    if cfs.h_nr_queued != sums.h_nr_queued or cfs.h_nr_runnable != sums.h_nr_runnable:
        return 4
    return 4 if cfs.h_nr_idle != sums.h_nr_idle else 0


cdef bint nobody_eligible(const cfs_rq *cfs) noexcept nogil:
    cdef load_sum total = load_sum_of(cfs)
    if cfs.nr_queued == 0 or (curr_counts(cfs) and entity_eligible(cfs, cfs.curr)):
        return False
    return first_eligible(cfs, &total) == NULL


cdef int check_members(const cfs_rq *cfs, cfs_rq *sums, bint has_max_slice) noexcept nogil:
    cdef const rb_node *node = cfs.tasks_timeline.leftmost
    cdef int broken = 0
    while node != NULL and broken == 0:
        broken = check_node(cfs, entity_of_node(node), has_max_slice) or check_entity(cfs, entity_of_node(node))
        avg_vruntime_add(sums, entity_of_node(node))
        add_entity(sums, entity_of_node(node))
        node = rb_next(node)
    if broken == 0 and curr_counts(cfs):
        broken = check_entity(cfs, cfs.curr)
        add_entity(sums, cfs.curr)
    return broken


cdef bint on_path(const cfs_rq *cfs) noexcept nogil:
    # is `curr` of this queue part of the path to rq.curr, or none if the queue is beside that path?
    cdef const sched_entity *se = NULL
    if cfs.rq.curr != cfs.rq.idle:
        se = entity_of(cfs.rq.curr)
    while se != NULL and se.cfs_rq != cfs:
        se = se.parent
    return cfs.curr == se


cdef int check_queue(const cfs_rq *cfs, bint has_max_slice) noexcept nogil:
    cdef cfs_rq sums
    cdef int broken
    sums.avg_vruntime, sums.avg_load, sums.load_weight, sums.nr_queued = 0, 0, 0, 0
    sums.h_nr_queued, sums.h_nr_runnable, sums.h_nr_idle = 0, 0, 0
    sums.min_vruntime = cfs.min_vruntime
    if not on_path(cfs):
        return 5
    if rb_check(&cfs.tasks_timeline, cfs.nr_queued - curr_counts(cfs), deadline_before):
        return 1
    broken = check_members(cfs, &sums, has_max_slice) or check_sums(cfs, &sums)
    if broken == 0 and cfs.next != NULL and (not cfs.next.on_rq or cfs.next.sched_delayed or cfs.next.cfs_rq != cfs):
        broken = 8
    return 9 if broken == 0 and nobody_eligible(cfs) else broken


cdef int check_tasks(const rq *rq) noexcept nogil:
    # the tasks of the CPU that have on_rq are those that its queues count; a task off its queue is not delayed
    cdef const machine *m = rq.machine
    cdef const task *p
    cdef uint64_t nr = 0
    cdef uint32_t slot
    for slot in range(m.nr_slots):
        p = m.tasks[slot]
        if p != NULL and p.rq == rq:
            nr += p.on_rq
            if p.on_rq != entity_of(p).on_rq:
                return 4
            if entity_of(p).sched_delayed and not p.on_rq:
                return 8
    return 4 if nr != rq.nr_running or nr != root_of(rq).h_nr_queued else 0


cdef int check_running(const rq *rq) noexcept nogil:
    if rq.curr == rq.idle:
        return 5 if rq.nr_running and not rq.curr.need_resched & HELD else 0    # an interrupt may hold an idle CPU
    if not rq.curr.on_rq or entity_of(rq.curr).sched_delayed:
        return 5
    return 10 if rq.curr.need_resched == RESCHED else 0


cdef int check_rq_fair(rq *rq, bint has_max_slice) noexcept nogil:
    cdef int broken = check_queue(root_of(rq), has_max_slice) or check_tasks(rq) or check_running(rq)
    cdef task_group *tg = rq.machine.groups
    while broken == 0 and tg != NULL:
        if tg.parent != NULL:
            broken = check_queue(&group_on(tg, rq.cpu).cfs_rq, has_max_slice)
            if broken == 0 and group_on(tg, rq.cpu).cfs_rq.nr_queued and not group_on(tg, rq.cpu).se.on_rq:
                broken = 7
        tg = tg.next
    return broken
