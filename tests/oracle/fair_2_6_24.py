"""The slow twin: Linux 2.6.24 CFS on one CPU, in plain Python, written to be read.

What it is.  A second scheduler beside the compiled one, made from the specification alone
(its section numbers stand in the docstrings).  It shares no line and no table with `cfs/`, so the
two can only be wrong together by misreading the same sentence; the conformance traces, made by the
kernel itself, judge both.  Where no trace goes, the twin judges the compiled core: on random
operations, as many as one likes (`random_ops.py`).

Why slow and plain.  Numbers are Python integers, masked to 64 bit in the very line that would wrap
in C.  The tree is a `SortedKeyList`.  Nothing is cached that can be computed, except where the
kernel's cache can be seen from outside (`inv_weight`).  A witness need not be fast, only clear.

The idea of CFS in five sentences.  Each runnable *entity* (a task, or a group of tasks) has a
virtual runtime: the time it ran, in ns, times 1024 / weight.  The one with the least runs next; a
heavy entity's clock runs slowly, so it runs more.  Waiting entities stand in a tree, least vruntime
first; the running one does not.  `min_vruntime`, the *floor* of the queue, only rises; whoever
arrives is placed relative to it: a woken task a little below, as thanks for having slept, a new one
a little above, as its entrance fee.  The rest of this file says which counter moves when, to the
last bit.

    without groups                   with groups (always exactly two levels)

      top queue                        top queue
      [1] [4] [2]   curr: 3            [b]           curr: "/"       groups only
                                        |                 |
                                       b's queue          "/"'s queue
                                       [5] [7]            [1]  curr: 3   tasks only

Reading order is bottom up, as in the file: arithmetic, tunables, Entity, Queue, then Machine (the
CPU, its clock, and the events of a trace).  Two wrap-safe helpers compare virtual runtimes; where
the kernel compares raw numbers and is therefore wrong near 2**64, so are we, and say "raw".

Invariants (specification, section 8), looked at by `Machine.broken_invariants`:

I1  A queue's `nr_running` and `load_weight` count what is in the tree, and `curr` if it is on_rq.
I2  `curr` is in no tree; whoever is in a tree is on_rq and belongs to that queue; keys never fall.
I3  A group is on_rq exactly when its queue is not empty.
I4  The CPU's `nr_running` and `load_weight` count the runnable tasks, at their task weights.
I5  The `curr` of the queues from the top down lead to the running task; every other is None.
I6  No vruntime in a tree is 2**62 or more away from its floor: else "before" has no meaning.

Rejected: a binary tree of our own (the compiled core has one; a witness must not share its faults),
and keys reduced modulo 2**64 (they would have to move whenever the floor does; see `Queue.floor`).
"""

from dataclasses import dataclass, fields
from enum import IntFlag
from operator import attrgetter

from sortedcontainers import SortedKeyList

# ---- Arithmetic on 64-bit words (specification, section 4) ---------------------------------------

WORD = 1 << 64
NICE_0_LOAD = 1024
WMULT_SHIFT = 32
WMULT_CONST = 1 << WMULT_SHIFT


def u64(x):
    """The unsigned 64-bit word that holds `x`: where C would wrap, so do we."""
    return x % WORD


def s64(x):
    """`x` modulo 2**64, read as a signed number: the way to compare counters that wrap."""
    return (x + WORD // 2) % WORD - WORD // 2


def max_vruntime(a, b):
    """The later one; it is `a` if they are equal, or exactly half the circle apart."""
    return b if s64(b - a) > 0 else a


def min_vruntime(a, b):
    """The earlier one; it is `a` if they are equal."""
    return b if s64(b - a) < 0 else a


def shift_right_rounding(x, shift):
    """x / 2**shift, rounded half up; the added half may wrap."""
    return u64(x + (1 << (shift - 1))) >> shift


def calc_delta_mine(delta, weight, load):
    """delta * weight / load.weight without a division: times the inverse, shifted right by 32 (4.1).

    A product above 2**32 is shifted in two steps of 16, which rounds twice.  The branches differ in
    the last bit, so one long charge is not the sum of two short ones.
    """
    product = u64(delta * weight)
    inverse = load.inverse()
    if product > WMULT_CONST:
        product = shift_right_rounding(product, WMULT_SHIFT // 2)
        result = shift_right_rounding(u64(product * inverse), WMULT_SHIFT // 2)
    else:
        result = shift_right_rounding(u64(product * inverse), WMULT_SHIFT)
    return min(result, WORD // 2 - 1)


def calc_delta_fair(delta, load):
    """Real ns to virtual ns: delta * 1024 / weight (4.2).  At weight 1024 the two are the same."""
    if load.weight == NICE_0_LOAD:
        return delta
    return calc_delta_mine(delta, NICE_0_LOAD, load)


# ---- Weights (specification, section 3) ----------------------------------------------------------

# One nice step is about 1.25, so that two tasks one step apart share about 55 : 45.
PRIO_TO_WEIGHT = (
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,  # nice -20 ... -11
    9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,  # nice -10 ... -1
    1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,  # nice 0 ... 9
    110, 87, 70, 56, 45, 36, 29, 23, 18, 15,  # nice 10 ... 19
)  # fmt: skip

# 2**32 / weight, as the kernel has it: computed from weights before these were rounded.
PRIO_TO_WMULT = (
    48388, 59856, 76040, 92818, 118348, 147320, 184698, 229616, 287308, 360437,
    449829, 563644, 704093, 875809, 1099582, 1376151, 1717300, 2157191, 2708050, 3363326,
    4194304, 5237765, 6557202, 8165337, 10153587, 12820798, 15790321, 19976592, 24970740, 31350126,
    39045157, 49367440, 61356676, 76695844, 95443717, 119304647, 148102320, 186737708, 238609294, 286331153,
)  # fmt: skip

NICE_MIN, NICE_MAX = -20, 19

WEIGHT_IDLEPRIO = 2
# AS SPECIFIED: meant as 2**31, but a signed 32-bit constant grows its sign when it becomes a word.
# One ms of an idle-policy task therefore counts as 3.78 s, and five as 78 hours (7.9).
WMULT_IDLEPRIO = WORD - (1 << 31)


class Load:
    """A weight, and about 2**32 / weight."""

    def __init__(self, weight, inv_weight):
        self.weight = weight
        self.inv_weight = inv_weight

    def inverse(self):
        """The inverse; 0 stands for "not yet computed" and is filled in for good on the first use.

        Only shares above 2**32 get there: their inverse, rounded down, is 0.
        """
        if self.inv_weight == 0:
            self.inv_weight = u64(WMULT_CONST - self.weight // 2) // self.weight + 1
        return self.inv_weight


def task_load(nice, policy):
    """The load of a task; policy idle has one weight, whatever the nice value."""
    if policy == "idle":
        return Load(WEIGHT_IDLEPRIO, WMULT_IDLEPRIO)
    return Load(PRIO_TO_WEIGHT[nice - NICE_MIN], PRIO_TO_WMULT[nice - NICE_MIN])


def group_load(shares):
    """The load of a group: its shares, whatever is in it."""
    return Load(shares, WMULT_CONST // shares)


# ---- Tunables, periods and slices (specification, 3 and 4.3) -------------------------------------


class Feature(IntFlag):
    """The bits of `sched_features`."""

    NEW_FAIR_SLEEPERS = 1  # a woken task is placed up to one latency below the floor
    WAKEUP_PREEMPT = 2  # a wakeup may preempt; without it the tick looks even at a lone entity
    START_DEBIT = 4  # a new task is placed one slice above the floor
    TREE_AVG = 8  # place around the middle of the tree instead of the floor
    APPROX_AVG = 16  # the same by a guess: half a slice above the floor


@dataclass
class Tunables:
    """Everything that can be set, by the kernel's names; `_ns` is real time."""

    sched_latency_ns: int = 20_000_000
    sched_min_granularity_ns: int = 4_000_000  # read by nothing here; sched_nr_latency comes from it
    sched_nr_latency: int = 5
    sched_wakeup_granularity_ns: int = 10_000_000
    sched_batch_wakeup_granularity_ns: int = 10_000_000  # AS SPECIFIED: read by nothing at all
    sched_child_runs_first: int = 1
    sched_compat_yield: int = 0
    sched_features: int = Feature.NEW_FAIR_SLEEPERS | Feature.WAKEUP_PREEMPT | Feature.START_DEBIT
    initial_min_vruntime: int = WORD - (1 << 20)  # the wrap comes in the first ms: faults show early
    initial_idle_vruntime: int = 0
    init_task_group_load: int | None = None  # shares of the first group; None: what INIT_GROUP says

    @classmethod
    def from_header(cls, tunables):
        """Take from the header of a trace what one CPU can feel; balancing has tunables of its own."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in tunables.items() if name in known})

    def has(self, feature):
        return bool(self.sched_features & feature)


def sched_period(nr_running, tunables):
    """The time in which everyone shall run once: the latency, longer when many are waiting."""
    if nr_running <= tunables.sched_nr_latency:
        return tunables.sched_latency_ns
    return tunables.sched_latency_ns * nr_running // tunables.sched_nr_latency


def sched_slice(weight, queue_weight, nr_running, tunables):
    """An entity's part of the period, in real ns.

    AS SPECIFIED: the divisor keeps only 32 bits, which shows with shares of 2**32 and more.
    """
    return u64(sched_period(nr_running, tunables) * weight) // (queue_weight % (1 << 32))


def sched_vslice(queue_weight, nr_running, tunables):
    """The same in virtual ns, where all entities have the same slice."""
    return sched_period(nr_running, tunables) * NICE_0_LOAD // (queue_weight % (1 << 32))


# ---- Entities: what a queue schedules (specification, 2.1 and 2.4) -------------------------------


class Entity:
    """A thing that is queued: a task or a group."""

    my_q = None  # the queue this entity owns, if it is a group

    def __init__(self, name, load, queue, parent):
        self.name = name
        self.load = load
        self.queue = queue  # where it is queued, or will be when it is
        self.parent = parent  # the group above, or None
        self.vruntime = 0
        self.on_rq = False  # counted on its queue: waiting in the tree, or running
        self.exec_start = 0  # the clock at the last charge
        self.sum_exec_runtime = 0
        self.prev_sum_exec_runtime = 0  # sum_exec_runtime when this turn began
        self.key = None  # place in the tree; set on entering it, constant while inside

    def path(self):
        """This entity and those above it, bottom first: one level without groups, two with them."""
        entity = self
        while entity is not None:
            yield entity
            entity = entity.parent

    def row(self):
        """As a trace shows it."""
        return [self.vruntime, self.sum_exec_runtime, int(self.on_rq), self.load.weight]

    def turn_ns(self):
        """How long the present turn has lasted, up to the last charge."""
        return u64(self.sum_exec_runtime - self.prev_sum_exec_runtime)


class Task(Entity):
    """A task.  Its prio is always 120 + nice, so `nice` stands for both."""

    def __init__(self, number, nice, policy, queue, parent):
        super().__init__(str(number), task_load(nice, policy), queue, parent)
        self.number = number
        self.nice = nice
        self.policy = policy  # "normal", "batch", "idle"
        self.state = "running"  # or "blocked", "dead"


class Group(Entity):
    """A group of tasks.  On one CPU a group is just one entity and the queue that it owns."""

    def __init__(self, name, shares, machine):
        super().__init__(name, group_load(shares), machine.top, None)
        self.my_q = Queue(machine)


# ---- The queue: one level of the hierarchy (specification, 2.2 and 5.2 to 5.4) -------------------


class Queue:
    """A tree of waiting entities, and the one that runs."""

    def __init__(self, machine):
        self.machine = machine
        self.tunables = machine.tunables
        self.load_weight = 0
        self.nr_running = 0
        self.tree = SortedKeyList(key=attrgetter("key"))
        self.curr = None
        # The floor, unwrapped: it counts full circles of 2**64, so keys measured from it stay in
        # order for ever and need not move when it does.
        self.floor = self.tunables.initial_min_vruntime

    @property
    def min_vruntime(self):
        return u64(self.floor)

    def raise_floor(self, vruntime):
        """The floor never falls."""
        self.floor += max(0, s64(vruntime - self.min_vruntime))

    # -- the tree --

    def tree_enqueue(self, entity):
        """Put a waiting entity into the tree.  Ties: it goes behind all equal keys (7.1).

        key = floor + S(v - min_vruntime): v, moved by whole circles to where it is nearest the floor.
        """
        entity.key = self.floor + s64(entity.vruntime - self.min_vruntime)
        self.tree.add(entity)

    def tree_dequeue(self, entity):
        self.tree.remove(entity)
        entity.key = None

    # -- time --

    def update_curr(self):
        """Charge the running entity for the time since the last charge, and raise the floor (5.2).

        Done even when no time went by: the floor may rise all the same, as after a fork that gave the
        parent the child's later vruntime.  A `curr` that has left the queue is still charged.
        """
        curr = self.curr
        if curr is None:
            return
        now = self.machine.clock
        delta = u64(now - curr.exec_start)
        curr.exec_start = now
        curr.sum_exec_runtime = u64(curr.sum_exec_runtime + delta)
        curr.vruntime = u64(curr.vruntime + calc_delta_fair(delta, curr.load))
        self.raise_floor(self.earliest_vruntime())

    def earliest_vruntime(self):
        """Of the running entity and the first waiting one, whichever is earlier."""
        if not self.tree:
            return self.curr.vruntime
        return min_vruntime(self.curr.vruntime, self.tree[0].vruntime)

    # -- placing --

    def place_entity(self, entity, *, new):
        """Choose the vruntime of an arriving entity (5.3).

        A new one is set to its place.  A woken one never gains by having slept: it is moved forward
        to its place, or keeps what it had.
        """
        place = self.place_base()
        if new:
            if self.tunables.has(Feature.START_DEBIT):
                place = u64(place + self.vslice_add(entity))
            entity.vruntime = place
            return
        is_task = entity.my_q is None
        if is_task and self.tunables.has(Feature.NEW_FAIR_SLEEPERS):
            place = u64(place - self.tunables.sched_latency_ns)
        entity.vruntime = max_vruntime(entity.vruntime, place)

    def place_base(self):
        """The floor, or an average if a feature asks for one."""
        floor = self.min_vruntime
        if self.tunables.has(Feature.TREE_AVG):
            if self.tree:
                # AS SPECIFIED: raw.  The sum loses its top bit, so across the wrap this lands half
                # the number circle away (7.2).
                return u64(floor + self.tree[-1].vruntime) >> 1
            return floor
        if self.tunables.has(Feature.APPROX_AVG) and self.nr_running > 0:
            return u64(floor + sched_vslice(self.load_weight, self.nr_running, self.tunables) // 2)
        return floor

    def vslice_add(self, entity):
        """The virtual slice that everyone will have once `entity` is on the queue as well."""
        return sched_vslice(self.load_weight + entity.load.weight, self.nr_running + 1, self.tunables)

    # -- on and off the queue, in and out of the running place --

    def enqueue_entity(self, entity, *, wakeup):
        self.update_curr()
        if wakeup:
            self.place_entity(entity, new=False)
        if entity is not self.curr:
            self.tree_enqueue(entity)
        self.load_weight = u64(self.load_weight + entity.load.weight)
        self.nr_running += 1
        entity.on_rq = True

    def dequeue_entity(self, entity):
        """Take an entity off the queue.  Its vruntime stays, and so does `curr` (7.14)."""
        self.update_curr()
        if entity is not self.curr:
            self.tree_dequeue(entity)
        self.load_weight = u64(self.load_weight - entity.load.weight)
        self.nr_running -= 1
        entity.on_rq = False

    def set_next_entity(self, entity):
        """Make an entity the running one: it leaves the tree, and a turn begins."""
        if entity.on_rq:
            self.tree_dequeue(entity)
        entity.exec_start = self.machine.clock
        entity.prev_sum_exec_runtime = entity.sum_exec_runtime
        self.curr = entity

    def put_prev_entity(self, entity):
        """The opposite: if it is still on the queue, it goes back into the tree."""
        if entity.on_rq:
            self.update_curr()
            self.tree_enqueue(entity)
        self.curr = None

    # -- the tick --

    def slice_is_over(self):
        """Has the running entity had more than its slice?  Strictly more: equal is not over."""
        weight = self.curr.load.weight
        slice_ns = sched_slice(weight, self.load_weight, self.nr_running, self.tunables)
        return self.curr.turn_ns() > slice_ns


# ---- The machine: one CPU and the events of a trace (specification, 5.5 to 5.16) -----------------


class Machine:
    """One CPU: a clock, a hierarchy of queues, a running task.

    Give it the lines of a trace, one by one, through `apply`; look at it through `state`.

    >>> machine = Machine()
    >>> machine.apply({"t": 1000, "op": "fork", "task": 1, "group": "/", "nice": 0, "policy": "normal"})
    True
    >>> machine.apply({"t": 4_000_000, "op": "tick"})
    False
    >>> machine.state()["ent"]
    {'1': [3999000, 3999000, 1, 1024]}
    """

    # The group that is there from the start, and its shares: root, as a user, counts double.
    INIT_GROUP = {"uid": ("uid:0", 2048), "cgroup": ("/", 1024)}

    def __init__(self, groups="none", tunables=None):
        self.tunables = tunables or Tunables()
        self.now = 0  # time of the present operation
        self.clock = 1  # what the scheduler believes; follows `now` only at update_rq_clock
        self.nr_running = 0
        self.load_weight = 0
        self.nr_switches = 0
        self.groups = {}
        self.tasks = {}  # all that live, by number
        self.top = Queue(self)
        self.idle = self.make_idle(self.make_init_group(groups))
        self.curr = self.idle
        # In the kernel each task has this flag; on one CPU only the running one's can ever be set.
        self.need_resched = False

    def make_init_group(self, groups):
        """The initial group, which is a group like any other.  None without groups."""
        if groups == "none":
            return None
        name, shares = self.INIT_GROUP[groups]
        self.groups[name] = Group(name, self.tunables.init_task_group_load or shares, self)
        return self.groups[name]

    def make_idle(self, group):
        """The idle task is on no queue, ever; what counts is what its children copy from it."""
        idle = Task(0, 0, "normal", self.queue_of(group), group)
        idle.vruntime = self.tunables.initial_idle_vruntime
        return idle

    def queue_of(self, group):
        return self.top if group is None else group.my_q

    def queues(self):
        """All queues by the names a trace gives them."""
        if not self.groups:
            return {"/": self.top}
        return {"top": self.top} | {name: group.my_q for name, group in self.groups.items()}

    # -- a line of a trace in, a state out --

    def apply(self, line):
        """Do the operation of a line; return whether it asked for a reschedule, which then follows."""
        arguments = {name: value for name, value in line.items() if name not in ("t", "op", "s")}
        self.now = line["t"]
        self.event(line["op"])(**arguments)
        resched = self.need_resched
        if resched:
            self.schedule()
        return resched

    def event(self, op):
        return self.yield_ if op == "yield" else getattr(self, op)

    def state(self):
        """Everything a trace shows of a scheduler, except `resched`, in the trace's form."""
        entities = [*self.own_tasks(), *self.groups.values()]
        queues = self.queues().items()
        return self.brief_state() | {
            "cpu": [self.clock, self.nr_running, self.load_weight, self.nr_switches],
            "rq": {name: [q.min_vruntime, q.load_weight, q.nr_running] for name, q in queues},
            "ent": {entity.name: entity.row() for entity in entities},
            "tree": {name: [entity.name for entity in q.tree] for name, q in queues},
        }

    def own_tasks(self):
        return self.tasks.values()

    def brief_state(self):
        """What every line of a large trace shows."""
        return {"curr": self.curr.number}

    # -- the clock --

    def update_rq_clock(self):
        """Look at the time.  Where an operation does not, it charges by a stale clock (5.1)."""
        self.clock = self.now

    # -- tasks on and off their queues: a walk up the levels (5.5) --

    def enqueue_task(self, task, *, wakeup):
        """Queue a task and, if its group was empty, the group: that one always as a woken one."""
        for entity in task.path():
            if entity.on_rq:
                break
            entity.queue.enqueue_entity(entity, wakeup=wakeup)
            wakeup = True

    def dequeue_task(self, task):
        """Take a task off and, if its group is empty now, the group too."""
        for entity in task.path():
            entity.queue.dequeue_entity(entity)
            if entity.queue.load_weight:
                break

    def activate_task(self, task, *, wakeup):
        self.enqueue_task(task, wakeup=wakeup)
        self.count_runnable(task)

    def deactivate_task(self, task):
        self.dequeue_task(task)
        self.nr_running -= 1
        self.load_weight -= task.load.weight

    def count_runnable(self, task):
        self.nr_running += 1
        self.load_weight += task.load.weight

    def set_curr_task(self, task):
        for entity in task.path():
            entity.queue.set_next_entity(entity)

    def put_prev_task(self, task):
        for entity in task.path():
            entity.queue.put_prev_entity(entity)

    def pick_next_task(self):
        """The first of the top queue; if that is a group, the first of its queue."""
        if self.top.nr_running == 0:
            return self.idle
        queue = self.top
        while queue is not None:
            entity = queue.tree[0]
            queue.set_next_entity(entity)
            queue = entity.my_q
        return entity

    # -- the decision (5.6) --

    def schedule(self):
        """Choose who runs.  The old task goes back into the tree first, so it may be chosen again.

        Its turn then begins anew; and among equals it stands last, so another one runs.
        """
        self.update_rq_clock()
        self.need_resched = False
        prev = self.curr
        if prev.state != "running":
            self.deactivate_task(prev)
        if self.nr_running == 0:
            self.idle_balance()
        if prev is not self.idle:
            self.put_prev_task(prev)
        self.curr = self.pick_next_task()
        if self.curr is not prev:
            self.nr_switches += 1

    def idle_balance(self):
        """Nothing is left to run here.  Many CPUs look at each other now; one has nobody to ask."""

    def check_preempt_curr(self, task):
        """Shall a task that became runnable preempt the running one (5.9)?  Asks for it if so.

        Nothing is charged here: a running side that no one has just charged is compared as of its
        last tick or switch (7.3).
        """
        if self.curr is self.idle:
            self.need_resched = True
        elif task.policy != "batch" and self.tunables.has(Feature.WAKEUP_PREEMPT):
            running, woken = self.on_common_queue(self.curr, task)
            granularity = calc_delta_fair(self.tunables.sched_wakeup_granularity_ns, running.load)
            # AS SPECIFIED: raw.  Misjudges while the two stand on both sides of 2**64 (7.2).
            if u64(woken.vruntime + granularity) < running.vruntime:
                self.need_resched = True

    def on_common_queue(self, a, b):
        """The entities above two tasks that compete on the same queue."""
        while a.queue is not b.queue:
            a, b = a.parent, b.parent
        return a, b

    # -- events: a task appears, sleeps, goes --

    def fork(self, task, group, nice, policy, parent=None):
        """The running context makes a child and wakes it (5.7).

        `parent` of a trace line is always the running task, so it is not looked at.
        """
        forker = self.curr
        child = self.copy_of(forker, task, group, nice, policy)
        self.update_rq_clock()
        if forker.on_rq:
            self.task_new(child)
        else:
            # AS SPECIFIED: a child of the idle task is not placed; it has the idle task's vruntime,
            # and if that is long past it runs until it has caught up (7.7).
            self.activate_task(child, wakeup=False)
        self.check_preempt_curr(child)

    def copy_of(self, forker, number, group, nice, policy):
        """A child as it is before its first wakeup: on no queue yet, so nothing there is touched."""
        owner = self.groups[group] if self.groups else None
        child = Task(number, nice, policy, self.queue_of(owner), owner)
        child.vruntime = forker.vruntime
        self.tasks[number] = child
        return child

    def task_new(self, child):
        """Place a new task, let it go before its parent if so tuned, and queue it (5.7, step 6)."""
        queue = child.queue
        queue.update_curr()
        queue.place_entity(child, new=True)
        running = queue.curr  # the parent, or None if the child is in another group
        if self.child_may_run_first() and running is not None:
            # AS SPECIFIED: raw.  The child takes the parent's place, the parent pays the debit.
            if running.vruntime < child.vruntime:
                running.vruntime, child.vruntime = child.vruntime, running.vruntime
        self.enqueue_task(child, wakeup=False)
        self.count_runnable(child)
        self.need_resched = True

    def child_may_run_first(self):
        return bool(self.tunables.sched_child_runs_first)

    def wake(self, task):
        """A blocked task becomes runnable (5.8); any other stays as it is."""
        task = self.tasks[task]
        if task.state == "blocked":
            self.wake_up(task)

    def wake_up(self, task):
        self.update_rq_clock()
        self.activate_task(task, wakeup=True)
        self.check_preempt_curr(task)
        task.state = "running"

    def block(self):
        """The running task goes to sleep (5.11).  It keeps its vruntime."""
        self.curr.state = "blocked"
        self.schedule()

    def exit(self):
        """The running task ends.  To the scheduler that is a sleep without a wakeup."""
        del self.tasks[self.curr.number]
        self.curr.state = "dead"
        self.schedule()

    # -- events: time goes by --

    def tick(self):
        """On each level: charge, and see whether the slice is over (5.10).

        A lone entity has nothing to be preempted by and is not looked at, unless wakeups do not
        preempt: then the tick is all there is.
        """
        self.update_rq_clock()
        if self.curr is self.idle:
            return
        lone_too = not self.tunables.has(Feature.WAKEUP_PREEMPT)
        for entity in self.curr.path():
            queue = entity.queue
            queue.update_curr()
            if (queue.nr_running > 1 or lone_too) and queue.slice_is_over():
                self.need_resched = True

    def yield_(self):
        """The running task offers the CPU to the others of its queue (5.12)."""
        queue = self.curr.queue
        if queue.nr_running > 1:
            if self.tunables.sched_compat_yield or self.curr.policy == "batch":
                self.go_behind_the_last(self.curr)
            else:
                # The weak way: charge only.  It runs on if it is still the first.
                self.update_rq_clock()
                queue.update_curr()
        self.schedule()

    def go_behind_the_last(self, task):
        """The strong way to yield.

        AS SPECIFIED: without a charge, so the time since the last one comes on top in schedule().
        """
        last = task.queue.tree[-1]
        if last.vruntime >= task.vruntime:  # raw
            task.vruntime = u64(last.vruntime + 1)

    # -- events: someone turns a knob --

    def nice(self, task, nice):
        """A new nice value (5.13).  vruntime is not rescaled; time so far is charged at the old weight."""
        task = self.tasks[task]
        if nice == task.nice or not NICE_MIN <= nice <= NICE_MAX:
            return
        self.update_rq_clock()
        queued = task.on_rq
        if queued:
            self.dequeue_task(task)
            self.load_weight -= task.load.weight
        old_nice, task.nice = task.nice, nice
        task.load = task_load(nice, task.policy)
        if queued:
            self.enqueue_task(task, wakeup=False)
            self.load_weight += task.load.weight
            if nice < old_nice or task is self.curr:
                self.need_resched = True

    def policy(self, task, policy):
        """A new policy, or the same again (5.14).

        A running task is taken out and put back around the change.  Selected again *before* it is
        queued again, it stays out of the tree, and its turn begins anew.
        """
        task = self.tasks[task]
        self.update_rq_clock()
        queued, running = task.on_rq, task is self.curr
        if queued:
            self.deactivate_task(task)
        if running:
            self.put_prev_task(task)
        task.policy = policy
        task.load = task_load(task.nice, policy)
        if running:
            self.set_curr_task(task)
        if queued:
            self.activate_task(task, wakeup=False)
            if not running:
                self.check_preempt_curr(task)

    def move(self, task, group):
        """To another group (5.15).

        AS SPECIFIED: vruntime is taken along as it is, though it means nothing on the new queue, and
        no one is rescheduled (7.8).
        """
        task = self.tasks[task]
        self.update_rq_clock()
        queued, running = task.on_rq, task is self.curr
        if queued:
            self.dequeue_task(task)
        if running:
            self.put_prev_task(task)
        task.parent = self.groups[group]
        task.queue = task.parent.my_q
        if running:
            self.set_curr_task(task)
        if queued:
            self.enqueue_task(task, wakeup=False)

    def group(self, group, shares, parent="/"):
        """A new group: it comes with 1024 and then has its shares written (5.16).

        `parent` only says where a directory would stand; there is no deeper nesting.
        """
        self.groups[group] = Group(group, NICE_0_LOAD, self)
        self.shares(group, shares)

    def shares(self, group, shares):
        """A new weight for a group.

        AS SPECIFIED: the clock is not looked at, so time since its last update, though it went by
        before the change, will be charged at the new weight (7.15).
        """
        group = self.groups[group]
        shares = max(shares, 2)
        if shares == group.load.weight:
            return
        queued = group.on_rq
        if queued:
            self.top.dequeue_entity(group)
        group.load = group_load(shares)
        if queued:
            self.top.enqueue_entity(group, wakeup=False)

    # -- the checker --

    def broken_invariants(self):
        """One sentence for each invariant that does not hold; to be asked between operations."""
        yield from self.broken_counts()
        yield from self.broken_running_path()
        for name, queue in self.queues().items():
            yield from self.broken_queue(name, queue)
        for group in self.groups.values():
            if group.on_rq != (group.my_q.nr_running > 0):
                yield f"I3 group {group.name}: on_rq is {group.on_rq}, nr_running {group.my_q.nr_running}"

    def broken_counts(self):
        runnable = [task for task in self.own_tasks() if task.on_rq]
        if self.nr_running != len(runnable):
            yield f"I4 nr_running is {self.nr_running}, but {len(runnable)} tasks are runnable"
        if self.load_weight != sum(task.load.weight for task in runnable):
            yield f"I4 load_weight is {self.load_weight}, not that of the runnable tasks"

    def broken_running_path(self):
        on_path = {} if self.curr is self.idle else {entity.queue: entity for entity in self.curr.path()}
        for name, queue in self.queues().items():
            if queue.curr is not on_path.get(queue):
                yield f"I5 queue {name}: its curr does not lead to task {self.curr.name}"

    def broken_queue(self, name, queue):
        members = list(queue.tree)
        if queue.curr in members:
            yield f"I2 queue {name}: the running entity is in the tree"
        if not all(entity.on_rq and entity.queue is queue for entity in members):
            yield f"I2 queue {name}: a stranger is in the tree"
        distances = [s64(entity.vruntime - queue.min_vruntime) for entity in queue.tree]
        if distances != sorted(distances):
            yield f"I2 queue {name}: the tree is out of order"
        if queue.curr is not None and queue.curr.on_rq:
            members.append(queue.curr)
        if queue.nr_running != len(members):
            yield f"I1 queue {name}: nr_running is {queue.nr_running}, members {len(members)}"
        if queue.load_weight != u64(sum(entity.load.weight for entity in members)):
            yield f"I1 queue {name}: load_weight is {queue.load_weight}, not that of its members"
        if not queue_is_sane(queue):
            yield f"I6 queue {name}: a vruntime is too far from the floor {queue.min_vruntime}"


def queue_is_sane(queue):
    """I6: is everyone in the tree less than a quarter of the number circle from the floor?

    Beyond half of it the kernel's order depends on the shape of its tree; ours would not follow.
    """
    return all(abs(s64(entity.vruntime - queue.min_vruntime)) < 1 << 62 for entity in queue.tree)
