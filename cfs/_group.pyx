"""Task groups and users: sets of tasks that share one weight on each CPU.

What it decides: which groups exist and what they weigh. The queues and entities of a group belong to the class, which
keeps them in task_group.cpus. Source: Linux 2.6.24, kernel/sched.c sched_create_group, sched_group_set_shares,
kernel/user.c; specification 2.4, 5.16.

There are two kinds, never both in one machine (GROUP_BY_UID, GROUP_BY_CGROUP). A user is a group that is made on the
first use of its uid; user 0 counts double. The model says how deep groups may be nested; in 2.6.24 a group holds only
tasks.

Invariants:
    I1  machine.groups lists every group, newest first, the root group last; ids are never used again
    I2  a group is freed only when nr_tasks and nr_children are 0
    I3  shares >= SHARES_MIN, the same on every CPU (not divided by the number of CPUs)

DIFFERS: the kernel frees a user's group with its last process; here a user stays until it is removed, as if logged
in. So shares written for a user are not lost between two of its tasks.
"""

from libc.stdlib cimport calloc, free

from ._core cimport touch_all
from ._load cimport SHARES_DEFAULT, SHARES_MIN
from ._timeline cimport make_room_on_timelines
from ._types cimport int32_t, int64_t, machine, task_group, uint64_t


cdef task_group *new_group(machine *m, task_group *parent, int64_t uid) except NULL:
    # spec 5.16: a fresh queue and an entity of weight 1024 on every CPU; no clock is refreshed
    cdef task_group *tg
    cdef int32_t cpu
    make_room_on_timelines(m, 0, 1)
    tg = <task_group *>calloc(1, sizeof(task_group))
    if tg == NULL:
        raise MemoryError
    tg.cpus = calloc(m.nr_cpus, m.sched_class.group_size)
    if tg.cpus == NULL:
        free(tg)
        raise MemoryError
    tg.machine = m
    tg.parent = parent
    tg.uid = uid
    if parent != NULL:
        parent.nr_children += 1
    tg.id = m.nr_groups
    m.nr_groups += 1
    m.nr_groups_alive += 1
    tg.shares = SHARES_DEFAULT
    tg.next = m.groups
    m.groups = tg
    for cpu in range(m.nr_cpus):
        m.sched_class.init_group(tg, cpu)
    return tg


cdef void free_group(task_group *tg) noexcept nogil:
    # of a group without tasks and without groups below; nothing else changes
    cdef machine *m = tg.machine
    cdef task_group *newer = m.groups
    cdef int32_t cpu
    if m.sched_class.exit_group != NULL:
        for cpu in range(m.nr_cpus):
            m.sched_class.exit_group(tg, cpu)
    tg.parent.nr_children -= 1
    m.nr_groups_alive -= 1
    if newer == tg:
        m.groups = tg.next
    else:
        while newer.next != tg:
            newer = newer.next
        newer.next = tg.next
    free(tg.cpus)
    free(tg)


cdef void sched_group_set_shares(task_group *tg, uint64_t shares) noexcept nogil:
    # spec 5.16: charges made on the way use the stale clock, no flag is set, no virtual time is rescaled
    cdef machine *m = tg.machine
    cdef int32_t cpu
    touch_all(m)
    if m.sched_class.write_shares != NULL:
        m.sched_class.write_shares(tg, shares)
        return
    if shares < SHARES_MIN:
        shares = SHARES_MIN
    if shares == tg.shares:
        return
    tg.shares = shares
    for cpu in range(m.nr_cpus):
        m.sched_class.set_shares(tg, cpu)


cdef void sched_group_set_idle(task_group *tg, bint idle) noexcept nogil:
    # only in models that have the hook
    touch_all(tg.machine)
    tg.machine.sched_class.set_group_idle(tg, idle)


cdef int init_groups(machine *m, uint64_t root_shares) except -1:
    # the root group, and the idle tasks in it: what they fork begins there
    cdef int32_t cpu
    m.root_group = new_group(m, NULL, 0)
    sched_group_set_shares(m.root_group, root_shares)
    for cpu in range(m.nr_cpus):
        m.rqs[cpu].idle.group = m.root_group
        m.sched_class.set_task_rq(m.rqs[cpu].idle)
    return 0
