# The public C surface: what `from cfs cimport ...` gives to a foreign Cython extension, and no more.
#
# A runqueue of your own, driven without the GIL:
#
#     from cfs cimport begin_event, end_event, fair_sched_class, idle_sched_class, machine, machine_init, ...
#
#     require_abi()                       # once, at import: does this build fit the installed cfs?
#     cdef machine m                      # zeroed: by memset, or as a member of a cdef class
#     machine_init(&m, fair_sched_class(), idle_sched_class(), 1, GROUP_BY_NONE, NULL)
#
#     with nogil:
#         begin_event(m.rqs[0], now)      # the CPU that executes, and the time, which never goes back
#         try_to_wake_up(p, 0)            # one event
#         end_event(m.rqs[0], now)        # flagged CPUs call schedule()
#
# A new task: new_task, sched_fork, adjust_new_task; then, as an event, wake_up_new_task.
# An exited one: as an event, exit_current; then free_task. At the end: machine_free.
#
# A struct of yours that begins with ours (cdef struct job: fair_task fair; ...) is made by new_task as well:
# copy the hook table, set its task_size to sizeof(job), and give the copy to machine_init.
#
# Trust: nothing here checks its arguments. block_current, exit_current and sched_yield need a running task;
# one thread at a time may use a machine. docs/guides/embed.md shows how; tests/embed builds one.

# ------------------------------------------------------------------------------ numbers and structs
from ._types cimport (
    FIELD_S64,
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    GROUP_BY_CGROUP,
    GROUP_BY_NONE,
    GROUP_BY_UID,
    POINTER_ENTITY,
    POINTER_FIXED,
    POINTER_PLAIN,
    POINTER_RUN,
    POINTER_TAGGED,
    SCHED_BATCH,
    SCHED_IDLE,
    SCHED_NORMAL,
    TASK_BLOCKED,
    TASK_DEAD,
    TASK_KEEPS_PLACE,
    TASK_NEW,
    TASK_RUNNING,
    TASK_SLEEPS,
    TASK_WAKES,
    field,
    load_weight,
    machine,
    ns_t,
    pointer,
    queued,
    rb_node,
    rb_root,
    rq,
    run,
    run_pool,
    sched_class,
    task,
    task_group,
    timeline,
    vns_t,
    waiting,
    waiting_node,
)

# --------------------------------------------------------------------------------------- arithmetic
from ._fixedpoint cimport (
    NICE_0_LOAD,
    calc_delta_fair,
    calc_delta_mine,
    max_vruntime,
    min_vruntime,
    signed_difference,
)
from ._load cimport load_from_nice, load_from_shares

# ------------------------------------------------------------------------------- filling a hook table
from ._table cimport (
    TABLE_ROOM,
    add_derived,
    add_field,
    add_pointer,
    field_at,
    field_from,
    field_table,
    new_fields,
    new_pointers,
    pointer_at,
    pointer_table,
)

# --------------------------------------------------------------------------------- the ordered tree
from ._rbtree cimport (
    rb_augment,
    rb_check,
    rb_erase,
    rb_erase_augmented,
    rb_insert,
    rb_insert_augmented,
    rb_last,
    rb_link_node,
    rb_next,
    rb_prev,
)

# ------------------------------------------------------------------- a queue in the order of its keys
from ._timeline cimport (
    free_runs,
    reserve_runs,
    spot,
    start_of,
    timeline_check,
    timeline_erase,
    timeline_first,
    timeline_insert,
    timeline_is_empty,
    timeline_last,
    timeline_least,
    timeline_take_first,
    timeline_walk,
)

# ----------------------------------------------------------------------- machines, tasks and events
from ._core cimport (
    BUG_NONE,
    adjust_new_task,
    begin_event,
    block_current,
    check_preempt_curr,
    dec_nr_running,
    end_event,
    exit_current,
    free_task,
    inc_nr_running,
    machine_free,
    machine_init,
    migrate_task,
    new_task,
    resched_task,
    sched_fork,
    sched_move_task,
    sched_setscheduler,
    sched_yield,
    schedule,
    scheduler_tick,
    set_user_nice,
    touch,
    try_to_wake_up,
    update_rq_clock,
    wake_up_new_task,
)
from ._group cimport free_group, init_groups, new_group, sched_group_set_shares

# ------------------------------------------------------------------------------------------ classes
from .models.linux_2_6_24._fair cimport (
    cfs_rq,
    fair_group,
    fair_rq,
    fair_sched_class,
    fair_task,
    fair_tunables,
    sched_entity,
)
from .models._idle cimport idle_sched_class


cdef inline int require_abi() except -1:
    # An embedder calls it once at import. It is compiled with the embedder's view of the structs, and the
    # hook table has the view of the installed cfs: an extension that was built against another cfs stops
    # here instead of computing nonsense.
    cdef const sched_class *cls = fair_sched_class()
    if (
        cls.task_size != sizeof(fair_task)
        or cls.rq_size != sizeof(fair_rq)
        or cls.group_size != sizeof(fair_group)
        or cls.tunables_size != sizeof(fair_tunables)
    ):
        raise ImportError("this extension was built against another version of cfs: build it again")
    return 0
