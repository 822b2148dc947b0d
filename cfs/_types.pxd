# Every struct that more than one file sees, each field with its meaning and unit.
#
# Model: the objects of kernel/sched.c and include/linux/sched.h, with the kernel's names.
#
# What the core owns (rq, task, task_group) comes first in what a class owns: a class declares
#
#     cdef struct fair_task:          cdef struct fair_rq:
#         task p                          rq rq
#         sched_entity se                 cfs_rq cfs
#
# and tells the core the sizes in its hook table (sched_class below). The core allocates the whole struct and hands
# out pointers to the first member; the class casts them back. So a new class adds its fields and the core need not
# know them. A class outside this package can do the same.
#
# Units. ns_t is real time, nanoseconds. vns_t is virtual time: nanoseconds of a task of weight 1024. Both are
# u64 and wrap; virtual times are compared by the helpers of _fixedpoint.pxd only. The kernel's `unsigned
# long` is 64 bit here, always; the places where a 32-bit kernel differs are listed in
# docs/concepts/linux-2.6.24-cfs.md.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t

ctypedef uint64_t ns_t
ctypedef uint64_t vns_t

# ------------------------------------------------------------------------------------------- the ordered tree

cdef enum:
    LEFT = 0
    RIGHT = 1


cdef struct rb_node:
    uintptr_t parent_color      # pointer to the parent, bit 0 the colour (_rbtree.pxd); 0 in a lone red node
    rb_node *child[2]           # LEFT: smaller keys; RIGHT: equal and larger keys


cdef struct rb_root:
    rb_node *node               # NULL: the tree is empty
    rb_node *leftmost           # the smallest, cached; NULL: the tree is empty

# ------------------------------------------------------------------------------------------------- the timeline
# A queue in the order of keys: a red-black tree of short sorted runs (_timeline.pxd).

cdef enum:
    RUN_ROOM = 32               # entities in a run, at most
    HALF_RUN = 16


cdef struct waiting_node:       # first in each entity that can wait in a timeline
    run *run                    # the one that it lies in; old while it is in none


cdef struct waiting:
    uint64_t key
    waiting_node *node


cdef struct run:
    rb_node node
    uint64_t least              # key of its first entity: what a descent looks at shares a cache line
    uint32_t head               # waiting[head] ... waiting[tail - 1] are in use
    uint32_t tail
    uint8_t unused[24]          # up to 64 bytes: what is searched begins on its own cache line
    waiting waiting[RUN_ROOM]


cdef struct timeline:
    rb_root runs


cdef struct run_pool:           # where runs come from: one a machine
    run *spare                  # given back, chained by child[LEFT]
    run *fresh                  # the next that was never used ...
    run *fresh_end              # ... in the slab that is being cut
    void **slabs
    uint64_t nr_slabs
    uint64_t nr_opened          # slabs that have been cut, or are being
    uint64_t room               # runs in all slabs

# -------------------------------------------------------------------------------------------------- the loads

cdef struct load_weight:
    uint64_t weight             # 1024 is nice 0
    uint64_t inv_weight         # about 2**32 / weight, made when the weight is set; never 0 in what is queued

# --------------------------------------------------------------------------------------------------- the core

cdef enum:                      # task.policy
    SCHED_NORMAL = 0
    SCHED_BATCH = 1
    SCHED_IDLE = 2

cdef enum:                      # task.state
    TASK_NEW = 0                # forked, not yet woken: on no queue
    TASK_RUNNING = 1            # runnable: running or waiting for its CPU
    TASK_BLOCKED = 2
    TASK_DEAD = 3

cdef enum:                      # machine.group_by
    GROUP_BY_NONE = 0           # one queue a CPU
    GROUP_BY_UID = 1            # a group a user; uid 0 counts double
    GROUP_BY_CGROUP = 2         # control groups

cdef enum:                      # task.sleep, of a blocked task
    SLEEP_INTERRUPTIBLE = 0
    SLEEP_UNINTERRUPTIBLE = 1
    SLEEP_NONINTERACTIVE = 2    # interruptible, but not to count as interaction

cdef enum:                      # flags of enqueue_task and dequeue_task
    TASK_WAKES = 1              # it was blocked
    TASK_SLEEPS = 2             # it blocks or exits
    TASK_KEEPS_PLACE = 4        # off and on again for a change of nice value
    WOKEN_BY_IRQ = 8            # beside TASK_WAKES: not by a task

cdef enum:
    PRIO_DEFAULT = 120          # prio of nice 0
    PRIO_IDLE = 140             # prio of the idle task


cdef enum:                      # bits of task.need_resched
    RESCHED = 1
    HELD = 2                    # in the kernel with preemption off: the flag waits

cdef struct task:
    const sched_class *sched_class
    rq *rq                      # the CPU that it is on, or was on last
    task_group *group           # NULL without groups
    void *handle                # the Python object that stands for it (borrowed), or NULL
    uint64_t id                 # 1, 2, ... in order of creation, never used again; 0 is the idle task
    uint32_t slot               # place in the machine's table, used again
    uint32_t tag                # for the program that drives the machine: the core never reads it
    int16_t prio                # 120 + nice, where a class does not correct it; smaller is first; idle 140
    int8_t nice                 # -20 ... 19
    uint8_t policy              # SCHED_NORMAL, SCHED_BATCH, SCHED_IDLE
    uint8_t state               # TASK_NEW ...
    uint8_t need_resched        # RESCHED: "this task shall be rescheduled"; HELD: but not before preempt_enable
    uint8_t on_rq               # on its class's queues (EEVDF: also while its dequeue is delayed)
    uint8_t sleep               # how it sleeps: SLEEP_...


cdef struct rq:
    ns_t now                    # on the CPU that executes an event its time, on every other one `clock`
    ns_t clock                  # `now` of the last operation that refreshed it (spec 5.1)
    task *curr                  # the running task; `idle` if there is none
    task *idle                  # runs when nothing else does; on no queue
    const sched_class *sched_class
    machine *machine
    uint64_t nr_running         # runnable tasks, the running one included, the idle task not
    uint64_t load               # sum of their weights (of tasks, never of groups)
    uint64_t nr_switches        # calls of schedule() that changed the task
    int32_t cpu
    int32_t touched             # it is in machine.touched
    uint8_t alone               # the machine has no other CPU: nothing has to be kept for others
    uint8_t resched             # the flag of `curr` after the last operation, before the schedule() it led to
    uint8_t bug                 # code of the first broken trust, 0: none (_core.pxd)


cdef struct task_group:
    machine *machine
    task_group *next            # the next older one; the root group comes last
    void *handle                # the Python object that stands for it (borrowed), or NULL
    task_group *parent          # NULL: the root group
    void *cpus                  # what the class keeps: nr_cpus times sched_class.group_size bytes
    uint64_t shares             # weight of its entity on every CPU
    uint64_t nr_tasks           # living tasks in it
    int64_t uid                 # user it belongs to; -1 for a control group
    uint32_t id                 # 0 is the root group
    uint32_t nr_children        # groups right below it
    uint8_t idle                # cpu.idle, in models that have it


cdef struct machine:
    const sched_class *sched_class
    const sched_class *idle_class
    uint64_t *tunables          # the class's tunables struct: u64 fields only, named by sched_class.tunables
    rq **rqs                    # one a CPU
    rq *this_rq                 # of the CPU that executes the present event, or has executed the last one; NULL: none yet
    rq **touched                # the CPUs that this event has touched, by number (_core.pyx); of one CPU: nobody
    int32_t nr_touched
    int32_t nr_cpus
    int32_t group_by            # GROUP_BY_...
    task_group *groups          # newest first
    task_group *root_group      # NULL without groups
    task **tasks                # the table: slot -> task, NULL where free
    uint32_t *free_slots        # slots to be used again, the last freed first
    uint32_t nr_slots           # slots ever used
    uint32_t nr_free
    uint32_t slots_max          # room in `tasks` and `free_slots`
    uint32_t nr_groups          # ever made
    uint32_t nr_groups_alive
    uint64_t nr_forked          # tasks ever made
    void **slabs                # blocks of memory that tasks lie in
    void *spare                 # chain of task-sized pieces that are free
    uint32_t nr_slabs
    uint32_t slabs_max
    uint64_t nr_pieces          # tasks that there is room for in all slabs
    run_pool runs               # for the timelines of a class that has them

# --------------------------------------------------------------------------------------------------- the seam

cdef enum:                      # field.kind
    FIELD_U64 = 0
    FIELD_S64 = 1
    FIELD_U32 = 2
    FIELD_U8 = 3
    FIELD_ENTITY = 4            # pointer to an entity of the class, or NULL


cdef struct field:
    const char *name            # kernel name; NULL ends a list
    uint32_t offset             # bytes from the start of the struct
    uint32_t kind
    uint64_t (*value)(const void *base) noexcept nogil  # in place of the offset, if it is derived; or NULL


cdef struct queued:             # one entity of a queue: a task or a group, the other NULL
    task *p
    task_group *tg


cdef enum:                      # pointer.kind: flags
    POINTER_PLAIN = 0
    POINTER_TAGGED = 1          # bit 0 is no address: the colour in rb_node.parent_color
    POINTER_FIXED = 2           # follows from CPU and group: what init_rq, init_group or set_task_rq make, or NULL
    POINTER_RUN = 4             # to a run of a timeline, or NULL
    POINTER_ENTITY = 8          # to the start of an entity of a task, not the idle one, or of a group on a CPU, or NULL


cdef struct pointer:            # where a class's struct holds addresses, for snapshots
    uint32_t offset             # bytes from the start of the struct
    uint32_t count              # so many pointers, one after the other; 0 ends a list
    uint32_t kind


# The one seam between core and policy. A scheduling class ends with its table; a hook may be NULL where its comment
# says so. "rq" is the CPU's runqueue, its clock up to date unless a comment says otherwise.
cdef struct sched_class:
    const char *model           # "linux-2.6.24-cfs"
    size_t task_size            # bytes of the struct that begins with `task`
    size_t rq_size              # of the struct that begins with `rq`
    size_t group_size           # of what a group has on one CPU; 0: the model has no groups
    size_t tunables_size
    size_t load_offset          # where in its task a class keeps `load_weight`
    bint has_timelines          # its queues are timelines: the machine keeps runs for them

    # on and off the queues; the two keep p.on_rq, rq.nr_running and rq.load as well
    void (*enqueue_task)(rq *rq, task *p, int flags) noexcept nogil
    void (*dequeue_task)(rq *rq, task *p, int flags) noexcept nogil
    void (*task_new)(rq *rq, task *p, bint clone_vm) noexcept nogil   # first enqueue, and preemption by it
    void (*task_dead)(rq *rq, task *p) noexcept nogil         # before the last schedule(); NULL: nothing
    void (*yield_task)(rq *rq) noexcept nogil                 # may refresh the clock itself
    void (*check_preempt_curr)(rq *rq, task *p) noexcept nogil
    # who runs
    task *(*pick_next_task)(rq *rq, task *prev) noexcept nogil  # puts `prev` back first; rq.idle if none
    void (*put_prev_task)(rq *rq, task *p) noexcept nogil     # around a change of the running task; both or NULL
    void (*set_curr_task)(rq *rq, task *p) noexcept nogil
    void (*task_tick)(rq *rq, task *p) noexcept nogil
    void (*rq_tick)(rq *rq) noexcept nogil                    # before it, idle or not; NULL: nothing
    # facts of a task that is on no queue
    void (*task_fork)(task *p, task *parent) noexcept nogil   # copy what is inherited; the rest is zero
    void (*task_adopt)(task *p, task *parent) noexcept nogil  # it was forked long ago: what a first slice is not; NULL: nothing
    void (*set_load_weight)(task *p) noexcept nogil           # from nice and policy, which are new
    void (*set_task_rq)(task *p) noexcept nogil               # p.rq or p.group is new: find the queue there
    void (*migrate_task_rq)(task *p, rq *to) noexcept nogil   # rebase virtual time; p.rq is still the old one
    # making and changing
    void (*init_rq)(rq *rq) noexcept nogil
    void (*init_group)(task_group *tg, int32_t cpu) noexcept nogil     # NULL: no groups
    void (*set_shares)(task_group *tg, int32_t cpu) noexcept nogil     # tg.shares changed; NULL: no groups
    void (*exit_group)(task_group *tg, int32_t cpu) noexcept nogil     # before it is freed; NULL: nothing
    void (*init_tunables)(uint64_t *tunables) noexcept nogil  # the defaults of one CPU
    # events whose order of steps belongs to the release; NULL: as in 2.6.24 (_core.pyx, _group.pyx)
    void (*set_user_nice)(rq *rq, task *p, int8_t nice) noexcept nogil
    void (*setscheduler)(rq *rq, task *p, uint8_t policy) noexcept nogil
    void (*move_task)(rq *rq, task *p, task_group *tg) noexcept nogil
    void (*write_shares)(task_group *tg, uint64_t shares) noexcept nogil
    # events that not every release has; NULL: this one has not
    void (*set_slice)(rq *rq, task *p, ns_t slice) noexcept nogil      # 0: the default
    void (*set_group_idle)(task_group *tg, bint idle) noexcept nogil
    # what is defined: would the next operation divide by zero, as the kernel would? (_core.pxd)
    bint (*would_fault)(rq *rq, task *p, int32_t event, task_group *to) noexcept nogil
    # looking in from outside
    void *(*task_entity)(task *p) noexcept nogil
    void *(*group_entity)(task_group *tg, int32_t cpu) noexcept nogil
    void *(*group_queue)(task_group *tg, int32_t cpu) noexcept nogil
    void *(*root_queue)(rq *rq) noexcept nogil
    size_t (*list_queue)(const void *queue, queued *out, size_t room) noexcept nogil  # in order; with the
                                # running task, if it stays in its queue
    queued (*queued_of)(const void *entity) noexcept nogil    # which task or group; NULL: no queue_entities
    uint64_t (*slice_of)(const void *entity) noexcept nogil   # ns; NULL: the model has none
    vns_t (*vslice_of)(const void *entity) noexcept nogil     # NULL: the model has none
    int (*check_rq)(rq *rq) noexcept nogil                    # number of the first broken invariant, or 0
    const field *entity_fields
    const field *queue_fields
    const field *cpu_fields     # of the class's rq, beside those that every CPU has; NULL: none
    const field *queue_entities # entities that a queue points to, all FIELD_ENTITY; NULL: none
    const field *tunables
    # ticks of an idle CPU: does one tick now leave what any number of them would, but for the time? NULL: of
    # a class without rq_tick always, of one with it never
    bint (*idle_settled)(const rq *rq) noexcept nogil
    # snapshots (_snapshot.pyx): every pointer in the class's structs, beside those of the core. Each points
    # into a task, a CPU's rq, a group on a CPU, a task_group, or a run
    const pointer *task_pointers    # of a task, the idle one included; NULL: the class cannot be copied
    const pointer *rq_pointers      # NULL: none
    const pointer *group_pointers   # of what a group has on one CPU; NULL: none
