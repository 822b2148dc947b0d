"""EEVDF of Linux 6.18.44: another check whether a woken task preempts.

Model: linux-6.18.44-eevdf. Source: Linux v6.18.44, kernel/sched/fair.c, core.c; "6.18 later", parts A and B, on top of
the specification of 6.18.2. What it decides: as `_fair_26.pyx`, and so `_fair.pyx`, whose essay has the idea.
`_fair.pxi` has the operations of all three; what is new here says SUBLEVEL >= 44.

The check (check_preempt_equals) ends early for a new task, unless its slice is shorter: it waits for the end of the
running one's protection. A check that fails always shortens that protection to the least slice queued. It takes out
delayed entities that are in the way of its search, as a pick does (pick_and_finish). The woken one becomes the buddy
later and only if the present one has no earlier deadline (nominate_if_sooner), and the search itself asks for the
buddy (has_eligible_buddy).

Invariants: those of `_fair_26.pyx`.

DIFFERS: synchronous wakeups are not known here. They matter only with NEXT_BUDDY, where such a wakeup that becomes the
buddy does not preempt.

Rejected: as there.
"""

from cpython.pycapsule cimport PyCapsule_New

from ..._types cimport sched_class

cdef enum:
    SUBLEVEL = 44

cdef sched_class table
table.model = "linux-6.18.44-eevdf"

include "_fair.pxi"


cdef const sched_class *eevdf_44_sched_class() noexcept nogil:
    return &table


SCHED_CLASS = PyCapsule_New(<void *>&table, "cfs.sched_class", NULL)
