# What EEVDF 6.18 shows to embedders and to benchmarks: its structs, its feature bits, and its hook table.

from ..._types cimport sched_class
from ._entity cimport (
    DELAY_DEQUEUE,
    DELAY_ZERO,
    NEXT_BUDDY,
    PICK_BUDDY,
    PLACE_DEADLINE_INITIAL,
    PLACE_LAG,
    PLACE_REL_DEADLINE,
    PREEMPT_SHORT,
    RUN_TO_PARITY,
    WAKEUP_PREEMPTION,
    cfs_rq,
    eevdf_group,
    eevdf_rq,
    eevdf_task,
    eevdf_tunables,
    sched_entity,
)

cdef const sched_class *eevdf_sched_class() noexcept nogil
