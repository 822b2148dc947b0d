"""EEVDF of Linux 6.18.26: the average as the zero point.

Model: linux-6.18.26-eevdf. Source: Linux v6.18.26, kernel/sched/fair.c, core.c; "6.18 later", part A, on top of the
specification of 6.18.2. What it decides: as `_fair.pyx`, whose essay has the idea. `_fair.pxi` has the operations of
both; what is new there says SUBLEVEL >= 26:

    v0 = V                when an entity joins, leaves or begins a request; it moves both ways    (settle)
    |lag| <= vt(greatest slice queued + a tick)                                                   (lag_limit)

v0 was a floor that only rose; keys are smaller now, and V, eligibility and lag are the same numbers for the same virtual
times. But a queue that empties remembers V, and no longer the last one that left. The limit was two slices of the
entity's own: now one task with a long slice widens it for all of its rivals.

Protection begins when an entity is picked, and not again after each change of its nice value, policy or slice
(set_next_entity). A running group whose weight changes keeps what is left of its protection (keeps_protection). Yield
renews the request as a charge does (yield_task_fair).

Invariants: those of `_fair.pyx`, with these in their place:
    I1  keys never decrease along the tree; min_vruntime of each node is the earliest of its subtree, and, with
        exact_min_slice, its min_slice the least and its max_slice the greatest
    I3  when an entity joins, leaves or begins a request, min_vruntime becomes V: right then 0 <= A < W

AS SPECIFIED: max_slice of a node is forgotten where min_slice is, and besides it is not set when a node goes into the
tree. It stays what its last tree left there, or its parent's, until a walk comes by.
AS SPECIFIED: the cell that the saved lag and the protection limit share is not set anew after a change of the running
task, so the lag that was saved then acts as the limit (6.18 later, 4.2).

Rejected: a text of its own, and a hook for each difference (docs/decisions/0008).
"""

from cpython.pycapsule cimport PyCapsule_New

from ..._types cimport sched_class

cdef enum:
    SUBLEVEL = 26

cdef sched_class table
table.model = "linux-6.18.26-eevdf"

include "_fair.pxi"


cdef const sched_class *eevdf_26_sched_class() noexcept nogil:
    return &table


SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
