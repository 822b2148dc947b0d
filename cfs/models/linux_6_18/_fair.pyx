"""EEVDF of Linux 6.18: earliest eligible virtual deadline first.

Model: linux-6.18-eevdf. Source: Linux v6.18.2, kernel/sched/fair.c, core.c, features.h; specification 3 to 10.
What it decides: which task runs, and for how long.
The operations are in `_fair.pxi`, which the classes of later releases include as well: `_fair_26.pyx`, `_fair_44.pyx`.

The idea. The virtual time v of an entity is its run time divided by its weight. V is the weighted average of v over a
queue, and V - v is the entity's *lag*: the service that it is owed. Lags add up to zero. Each entity has a request of
`slice` ns and so a virtual deadline. Of the entities that are owed service, the one with the earliest deadline runs:

    v += d * 2**20 / w                    charge                  (update_curr)
    V  = v0 + floor(A / W)                average                 (avg_vruntime)
         A = sum of (v - v0) * w,  W = sum of w,  v0 = min_vruntime, any point near by
    eligible:  v <= V,  tested as  A >= (v - v0) * W              (vruntime_eligible: no division)
    deadline = v + slice * 2**20 / w      a request               (update_deadline, place_entity)

The tree is ordered by deadline, and each node knows the earliest v of its subtree. The search for the first eligible
entity goes left if an entity there is eligible.

An entity that leaves keeps its lag, within a limit, and has it again when it joins. Because joining moves V, the lag
is inflated before, so that the saved lag remains afterwards (place_entity).

    lag' = lag * (W + w) / W              v = V - lag'

An entity that goes to sleep with a debt stays queued, *delayed*. It still competes, so it pays the debt while it
sleeps. It leaves when it is picked (dequeue_entity), or is woken in place (requeue_delayed_entity).

A picked entity is *protected* until its v reaches the limit vprot: one slice, or the least slice of the queue
(set_protect_slice). A woken entity with a shorter slice may break that (check_preempt_wakeup_fair).

A group is an entity in its parent's queue and owns a queue; groups nest to any depth. Its slice follows the least slice
below it. The root group has no entity, and its queue holds tasks and groups side by side.

Invariants (numbers of specification 13, which _check.pyx returns; 3 and 6 are about histories and are tested):
    I1  keys never decrease along the tree; min_vruntime of each node is the earliest of its subtree, and, with
        exact_min_slice, its min_slice the least
    I2  avg_vruntime and avg_load of a queue are those of its tree; load_weight and nr_queued count its curr as well, if
        that is on_rq
    I3  min_vruntime never decreases. It is not a lower bound: keys are often negative
    I4  h_nr_queued, h_nr_runnable, h_nr_idle count the tasks below; rq.nr_running is h_nr_queued of the root queue
    I5  `curr` of the queues from the root down is the path to rq.curr, which is not delayed; other queues have none
    I6  the run times of all tasks add up to the time that was not idle
    I7  a group entity is on_rq, with the weight of its shares, if its queue has entities; else it is off or delayed
    I8  no entity on a queue has rel_deadline; delayed ones are on a queue; a buddy is on a queue and not delayed
    I9  each queue that is not empty has an eligible entity
    I10  between events no CPU is flagged, but one whose task holds it

AS SPECIFIED: the kernel's tree does not carry min_slice through rotations, so the least slice of a queue can come out
too large. This is reproduced exactly, including its dependence on the shape of the tree. exact_min_slice=1 gives the
right minimum.
AS SPECIFIED: one storage cell holds both the saved lag and the protection limit (`vlag`); see specification 11,
oddity 1.
DIFFERS: with several CPUs the weight of a group is its shares on each CPU; the kernel divides them by load averages.
DIFFERS: if so much virtual time has passed that products wrap and no entity is eligible, the kernel dereferences a
null pointer. Here rq.bug is set, and the entity with the earliest deadline runs.

Rejected: V cached in the queue (it changes with each charge, eligibility does not need it); a comparison of v with a
computed V (a division for each node of the search).
"""

from cpython.pycapsule cimport PyCapsule_New

from ..._types cimport sched_class

cdef enum:
    SUBLEVEL = 2

cdef sched_class table
table.model = "linux-6.18-eevdf"

include "_fair.pxi"


cdef const sched_class *eevdf_sched_class() noexcept nogil:
    return &table


SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
