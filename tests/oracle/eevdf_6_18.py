"""The slow twin: EEVDF of Linux 6.18.2, 6.18.26 and 6.18.44 on one CPU, in plain Python, written to be read.

What it is.  A second scheduler beside the compiled one, made from the specification alone (its
section numbers stand in the docstrings).  It shares no line and no table with `cfs/`; the
conformance traces, made by the kernel itself, judge both, and where no trace goes the twin judges
the compiled core.

Why slow and plain.  Virtual times are Python integers that never wrap: only `state` cuts them to 64
bit.  Nothing is cached that can be computed: sums, counts, averages and minima are taken anew from
the entities each time.  The search for the next task is a loop.  Eligibility is `v <= V` with V from
a real division, not the product that the kernel compares.  So the twin can only be trusted as long as
the kernel's products do not wrap; `Machine.is_sane` says whether.

The idea of EEVDF in six sentences.  Each entity (a task, or a group of tasks) has a virtual runtime v:
the time it ran, divided by its weight.  The weighted average of all v in a queue is V; whoever is
behind it, v <= V, is owed service and *eligible*; V - v is its *lag*.  Each entity has a request, a
slice of some ms, and from it a virtual deadline.  Of the eligible the one with the earliest deadline
runs, protected from others until its request is done, or the shortest request in the queue would be.
Whoever leaves takes its lag along and gets it back on return.  Whoever goes to sleep in debt must stay
in the queue, *delayed*, until the others have caught up.

    root queue:  [1] [g1] [4]   curr: g2          tasks and groups, side by side
                      |             |
                  g1's queue     g2's queue:  [7]   curr: 3
                  [5] [g3] ...

What the later releases do otherwise is asked for where it is done, by `is_since`; "later, 3" in a docstring is
section 3 of their specification.

Reading order is bottom up: arithmetic, tunables, Entity, Queue (one level), Machine (the levels, the
CPU, and the events of a trace).  Names are the kernel's.

Invariants (specification, section 13), looked at by `Machine.broken_invariants`; the numbers are those
of the specification, less what is computed here and therefore cannot be wrong (2, 4).

Rejected: masks in every line, as in the twin of 2.6.24 (there the wraps could be seen; here, within the
range in which anything is defined, they cannot).
"""

from dataclasses import dataclass, field

from tests.oracle.trees_6_18 import ExactTree, KernelTree

# ---- Arithmetic (specification, section 4) -------------------------------------------------------

WORD = 1 << 64


def u64(x):
    return x % WORD


def s64(x):
    return (x + WORD // 2) % WORD - WORD // 2


def div_s64(a, b):
    """a / b, rounded toward zero."""
    return a // b if a >= 0 else -(-a // b)


def scale_load_down(weight):
    """d(w) of the specification: the weight without the 10 bits that 64-bit kernels add, at least 2."""
    return 0 if weight == 0 else max(2, weight >> 10)


# ---- Weights (specification, section 3.1) --------------------------------------------------------

NICE_0_LOAD = 1 << 20

# One nice step is about 1.25.
PRIO_TO_WEIGHT = (
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,  # nice -20 ... -11
    9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,  # nice -10 ... -1
    1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,  # nice 0 ... 9
    110, 87, 70, 56, 45, 36, 29, 23, 18, 15,  # nice 10 ... 19
)  # fmt: skip

# 2**32 / weight as the kernel has it: about, because it is that of weights before they were rounded.
PRIO_TO_WMULT = (
    48388, 59856, 76040, 92818, 118348, 147320, 184698, 229616, 287308, 360437,
    449829, 563644, 704093, 875809, 1099582, 1376151, 1717300, 2157191, 2708050, 3363326,
    4194304, 5237765, 6557202, 8165337, 10153587, 12820798, 15790321, 19976592, 24970740, 31350126,
    39045157, 49367440, 61356676, 76695844, 95443717, 119304647, 148102320, 186737708, 238609294, 286331153,
)  # fmt: skip

WEIGHT_IDLEPRIO, WMULT_IDLEPRIO = 3, 1431655765
NICE_MIN = -20
SHARES_MIN, SHARES_DEFAULT, SHARES_MAX = 2, 1024, 262144


class Load:
    """A weight, and about 2**32 / weight, by which time is multiplied instead of divided."""

    def __init__(self, weight, inverse):
        self.weight = weight << 10
        factor = 1024 * inverse
        excess = max(0, factor.bit_length() - 32)
        self.factor, self.shift = factor >> excess, 32 - excess

    def virtual(self, delta):
        """vt(x) of the specification: real ns to virtual ns.  At nice 0 the two are the same."""
        return delta if self.weight == NICE_0_LOAD else delta * self.factor >> self.shift


def task_load(nice, policy):
    """By nice, or the one weight of policy idle."""
    if policy == "idle":
        return Load(WEIGHT_IDLEPRIO, WMULT_IDLEPRIO)
    return Load(PRIO_TO_WEIGHT[nice - NICE_MIN], PRIO_TO_WMULT[nice - NICE_MIN])


def group_load(shares):
    """The inverse of a group's weight is rounded down, so that 1024 shares are not quite nice 0's."""
    return Load(shares, ((1 << 32) - 1) // shares)


# ---- Tunables (specification, 3.2 and 3.3) -------------------------------------------------------

FEATURES = (
    "PLACE_LAG", "PLACE_DEADLINE_INITIAL", "PLACE_REL_DEADLINE", "RUN_TO_PARITY", "PREEMPT_SHORT",
    "NEXT_BUDDY", "PICK_BUDDY", "DELAY_DEQUEUE", "DELAY_ZERO", "WAKEUP_PREEMPTION",
)  # fmt: skip


@dataclass
class Tunables:
    """Everything that can be set, by the kernel's names."""

    base_slice_ns: int = 700_000
    normalized_base_slice_ns: int = 700_000
    tick_nsec: int = 1_000_000
    features: dict = field(default_factory=lambda: {name: name != "NEXT_BUDDY" for name in FEATURES})
    exact_min_slice: bool = False

    @classmethod
    def from_header(cls, tunables):
        """As the header of a trace gives them."""
        return cls(**tunables)

    def has(self, feature):
        return self.features[feature]


SUBLEVELS = {"linux-6.18-eevdf": 2, "linux-6.18.26-eevdf": 26, "linux-6.18.44-eevdf": 44}
"""The third number of the release that a model follows."""

CUSTOM_SLICE_MIN, CUSTOM_SLICE_MAX = 100_000, 100_000_000

# ---- Entities (specification, 2.1) ---------------------------------------------------------------


class Entity:
    """A thing that is queued: a task or a group."""

    my_q = None  # the queue this entity owns, if it is a group

    def __init__(self, name, load, queue, parent):
        self.name = name
        self.load = load
        self.queue = queue  # where it is queued, or will be when it is
        self.parent = parent  # the group above, or None
        self.vruntime = 0
        self.deadline = 0  # while rel_deadline: counted from vruntime
        self.vlag = 0  # also the protection limit, see `vprot`
        self.slice = 0
        self.max_slice = 0  # in the kernel's tree: the greatest slice of its subtree; else what the last tree left
        self.custom_slice = False
        self.rel_deadline = False
        self.on_rq = False
        self.sched_delayed = False
        self.exec_start = 0
        self.sum_exec_runtime = 0

    @property
    def vprot(self):
        """AS SPECIFIED: the limit of protection and the saved lag are one and the same cell."""
        return self.vlag

    @vprot.setter
    def vprot(self, vruntime):
        self.vlag = vruntime

    def is_protected(self):
        return self.vprot > self.vruntime

    def path(self):
        """This entity and those above it, bottom first."""
        entity = self
        while entity is not None:
            yield entity
            entity = entity.parent

    def virtual(self, delta):
        return self.load.virtual(delta)

    def row(self):
        """As a trace shows it."""
        return [
            u64(self.vruntime), self.sum_exec_runtime, int(self.on_rq), u64(self.deadline), s64(self.vlag),
            self.slice, self.load.weight, int(self.sched_delayed), int(self.custom_slice),
            int(self.rel_deadline), self.exec_start,
        ]  # fmt: skip


class Task(Entity):
    """A task."""

    def __init__(self, number, nice, policy, queue, parent):
        super().__init__(str(number), task_load(nice, policy), queue, parent)
        self.number = number
        self.nice = nice
        self.policy = policy  # "normal", "batch", "idle"
        self.queued = False  # still True while its dequeue is delayed

    def is_idle(self):
        return self.policy == "idle"

    def tasks(self):
        """All queued tasks below, with whether they count as idle in the queue that this entity is in."""
        yield self, self.is_idle()


class Group(Entity):
    """A group of tasks and groups: an entity, and the queue that it owns."""

    def __init__(self, name, queue, parent, machine):
        super().__init__(name, group_load(SHARES_DEFAULT), queue, parent)
        self.shares = SHARES_DEFAULT
        self.my_q = Queue(machine)

    def is_idle(self):
        return self.my_q.idle

    def tasks(self):
        for task, idle in self.my_q.tasks():
            yield task, idle or self.is_idle()

    def update_cfs_group(self):
        """A group weighs its shares; an empty one keeps what it weighed (8)."""
        if self.my_q.members and self.load.weight != self.shares << 10:
            self.queue.reweight_entity(self, group_load(self.shares))


# ---- The queue: one level of the hierarchy (specification, 2.2 and section 6) --------------------


class Queue:
    """Entities that wait in a tree, and `curr`, which runs, or contains the task that runs."""

    def __init__(self, machine):
        self.machine = machine
        self.tunables = machine.tunables
        is_exact = self.tunables.exact_min_slice
        self.tree = ExactTree() if is_exact else KernelTree(has_greatest=machine.is_since(26))
        self.members = []  # whoever is counted: the tree, and curr if it is on_rq
        self.curr = None
        self.next = None  # the buddy
        self.min_vruntime = -(1 << 20)
        self.idle = False

    def has(self, feature):
        return self.tunables.has(feature)

    # -- what the kernel caches, and we compute --

    def load_weight(self):
        return sum(entity.load.weight for entity in self.members)

    def tasks(self):
        for entity in self.members:
            yield from entity.tasks()

    def counted_curr(self):
        return self.curr if self.curr is not None and self.curr.on_rq else None

    def competitors(self):
        """Whoever takes part in the average."""
        return [*self.tree] if self.counted_curr() is None else [*self.tree, self.curr]

    def avg_load(self, entities):
        return sum(scale_load_down(entity.load.weight) for entity in entities)

    def avg_vruntime(self):
        """V, rounded down (4.4).  The kernel measures all v from its min_vruntime, which cancels out."""
        competitors = self.competitors()
        if not competitors:
            return self.min_vruntime
        total = sum(entity.vruntime * scale_load_down(entity.load.weight) for entity in competitors)
        return total // self.avg_load(competitors)

    def entity_eligible(self, entity):
        return entity.vruntime <= self.avg_vruntime()

    def min_slice(self):
        """Of the queue, or None if it is empty; the tree may be wrong about its own (5)."""
        of_tree, curr = self.tree.least_slice(), self.counted_curr()
        slices = [of_tree] if of_tree is not None else []
        if curr is not None:
            slices.append(curr.slice)
        return min(slices, default=None)

    def max_slice(self):
        """Of the queue, 0 if it is empty; here, too, the tree may be wrong (later, 3)."""
        curr = self.counted_curr()
        return max(self.tree.greatest_slice(), 0 if curr is None else curr.slice)

    # -- time --

    def update_curr(self):
        """Charge the running entity (6.1)."""
        curr, now = self.curr, self.machine.now
        if curr is None or now <= curr.exec_start:
            return
        delta = now - curr.exec_start
        curr.exec_start = now
        curr.sum_exec_runtime += delta
        curr.vruntime += curr.virtual(delta)
        expired = self.update_deadline(curr)
        self.update_min_vruntime()
        if len(self.members) != 1 and (expired or not curr.is_protected()):
            self.machine.need_resched = True
            clear_buddies(curr)

    def update_deadline(self, entity):
        """Renew a request that has been served (6.1); True if it was."""
        if entity.vruntime < entity.deadline:
            return False
        self.use_base_slice(entity)
        entity.deadline = entity.vruntime + entity.virtual(entity.slice)
        self.settle()
        return True

    def use_base_slice(self, entity):
        if not entity.custom_slice:
            entity.slice = self.tunables.base_slice_ns

    def update_min_vruntime(self):
        """It never goes back (6.2), before 6.18.26."""
        if not self.machine.is_since(26):
            self.min_vruntime = max([self.min_vruntime, *self.earliest_vruntime()])

    def settle(self):
        """V, which since 6.18.26 is the zero point at once (later, 2)."""
        average = self.avg_vruntime()
        if self.machine.is_since(26):
            self.min_vruntime = average
        return average

    def earliest_vruntime(self):
        vruntimes = [entity.vruntime for entity in self.competitors()]
        return [min(vruntimes)] if vruntimes else []

    # -- lag and place --

    def update_entity_lag(self, entity):
        """Save the lag, within limits (6.3; later, 3)."""
        if self.machine.is_since(26):
            limit = entity.virtual(self.max_slice() + self.tunables.tick_nsec)
        else:
            limit = entity.virtual(max(2 * entity.slice, self.tunables.tick_nsec))
        lag = self.settle() - entity.vruntime
        entity.vlag = max(-limit, min(lag, limit))

    def place_entity(self, entity, *, initial=False):
        """Choose vruntime and deadline of an entity that joins (6.4)."""
        self.use_base_slice(entity)
        entity.vruntime = self.settle() - self.inflated_lag(entity)
        if entity.rel_deadline:
            entity.deadline += entity.vruntime
            entity.rel_deadline = False
            return
        request = entity.virtual(entity.slice)
        if initial and self.has("PLACE_DEADLINE_INITIAL"):
            request //= 2
        entity.deadline = entity.vruntime + request

    def inflated_lag(self, entity):
        """By joining at V - lag an entity moves V after itself; inflated, what is left is the saved lag."""
        if not self.has("PLACE_LAG") or not self.members:
            return 0
        load = self.avg_load(self.competitors())
        return div_s64(entity.vlag * (load + scale_load_down(entity.load.weight)), max(load, 1))

    def reweight_entity(self, entity, load):
        """A new weight; lag and the rest of the request are real time, so in virtual time they change (6.10).
        """
        queued, old, rest = entity.on_rq, entity.load.weight, None
        if queued:
            self.update_curr()
            self.update_entity_lag(entity)
            self.members.remove(entity)
            self.tree_dequeue(entity)
            entity.deadline -= entity.vruntime
            entity.rel_deadline = True
            rest = self.rest_of_protection(entity)
        entity.vlag = div_s64(entity.vlag * old, load.weight)
        if entity.rel_deadline:
            entity.deadline = div_s64(entity.deadline * old, load.weight)
        entity.load = load
        if queued:
            self.place_entity(entity)
            if rest is not None:
                entity.vprot = entity.vruntime + div_s64(rest * old, load.weight)
            self.tree_enqueue(entity)
            self.members.append(entity)
            self.update_min_vruntime()

    def rest_of_protection(self, entity):
        """What a running entity keeps of it over a reweight, or None (later, 4.3).

        AS SPECIFIED: the limit was just overwritten with the lag, and it is the lag that is looked at.
        """
        keeps = self.machine.is_since(26) and entity is self.curr and entity.is_protected()
        return entity.vprot - entity.vruntime if keeps else None

    # -- on and off the queue --

    def tree_enqueue(self, entity):
        if entity is not self.curr:
            self.tree.add(entity)

    def tree_dequeue(self, entity):
        if entity is not self.curr:
            self.tree.remove(entity)

    def enqueue_entity(self, entity, *, initial=False):
        """Join (6.5)."""
        self.update_curr()
        if entity.my_q is not None:
            entity.update_cfs_group()
        self.place_entity(entity, initial=initial)
        self.members.append(entity)
        self.tree_enqueue(entity)
        entity.on_rq = True

    def dequeue_entity(self, entity, kind):
        """Leave, or stay as a delayed one (6.6); True if it has left."""
        self.update_curr()
        clear_buddies(entity)
        if kind.sleep and not kind.special and not kind.finish:
            if self.has("DELAY_DEQUEUE") and not self.entity_eligible(entity):
                entity.sched_delayed = True
                return False
        self.update_entity_lag(entity)
        self.tree_dequeue(entity)
        self.members.remove(entity)
        entity.on_rq = False
        if self.has("PLACE_REL_DEADLINE") and not kind.sleep:
            entity.deadline -= entity.vruntime
            entity.rel_deadline = True
        if not kind.keep:
            self.update_min_vruntime()
        if kind.finish:
            entity.sched_delayed = False
            self.forgive(entity)
        return True

    def forgive(self, entity):
        """Whoever slept off a debt shall not come out of it with a credit; True if it had one."""
        if self.has("DELAY_ZERO") and entity.vlag > 0:
            entity.vlag = 0
            return True
        return False

    def requeue_delayed_entity(self, entity):
        """A delayed one is wanted again (6.7).  AS SPECIFIED: nobody is charged before."""
        if self.has("DELAY_ZERO"):
            self.update_entity_lag(entity)
            if self.forgive(entity):
                self.members.remove(entity)
                self.tree_dequeue(entity)
                self.place_entity(entity)
                self.tree_enqueue(entity)
                self.members.append(entity)
        entity.sched_delayed = False

    # -- in and out of the running place --

    def set_next_entity(self, entity, *, first):
        """Start: out of the tree, and protected (6.8); since 6.18.26 only when it is picked (later, 4.1)."""
        clear_buddies(entity)
        self.tree.remove(entity)
        if first or not self.machine.is_since(26):
            self.protect(entity)
        entity.exec_start = self.machine.now
        self.curr = entity

    def protect(self, entity):
        if self.has("RUN_TO_PARITY"):
            shortest = self.min_slice()
        else:
            shortest = self.tunables.normalized_base_slice_ns
        entity.vprot = entity.deadline
        if shortest is not None and shortest < entity.slice:
            entity.vprot = min(entity.deadline, entity.vruntime + entity.virtual(shortest))

    def put_prev_entity(self, entity):
        """Stop (6.9)."""
        if entity.on_rq:
            self.update_curr()
            self.tree.add(entity)
        self.curr = None

    # -- the choice --

    def pick_eevdf(self, *, protect):
        """The earliest deadline of the eligible (6.13); since 6.18.44 the buddy goes before (later, 8.1)."""
        if len(self.members) == 1:
            return self.members[0]
        if self.machine.is_since(44) and self.has_eligible_buddy():
            return self.next
        average, curr = self.avg_vruntime(), self.counted_curr()
        if curr is not None and curr.vruntime > average:
            curr = None
        if curr is not None and protect and curr.is_protected():
            return curr
        best = next((entity for entity in self.tree if entity.vruntime <= average), None)
        if best is None or (curr is not None and curr.deadline < best.deadline):
            return curr
        return best

    def choose(self):
        """The buddy, if it may be taken, else by deadline (9.1)."""
        if self.counted_curr() is not None:
            self.update_curr()
        if not self.machine.is_since(44) and self.has_eligible_buddy():
            return self.next
        return self.pick_eevdf(protect=True)

    def has_eligible_buddy(self):
        return self.has("PICK_BUDDY") and self.next is not None and self.entity_eligible(self.next)

    def row(self):
        """As a trace shows it."""
        tasks = [*self.tasks()]
        names = [None if entity is None else entity.name for entity in (self.curr, self.next)]
        keys = sum(
            (entity.vruntime - self.min_vruntime) * scale_load_down(entity.load.weight)
            for entity in self.tree
        )
        return [
            u64(self.min_vruntime), self.load_weight(), len(self.members), keys, self.avg_load(self.tree),
            u64(self.avg_vruntime()), len(tasks), sum(not task.sched_delayed for task, _ in tasks),
            sum(idle for _, idle in tasks), self.min_slice() or 0, *names,
        ]  # fmt: skip


def clear_buddies(entity):
    """It is no buddy any more, nor are those above it that became buddies together with it (6.11)."""
    for one in entity.path():
        if one.queue.next is not one:
            return
        one.queue.next = None


def set_next_buddy(entity):
    """Nominate for the next pick, on all levels (6.12)."""
    for one in entity.path():
        if not one.on_rq or one.is_idle():
            return
        one.queue.next = one


# ---- The machine: one CPU and the events of a trace (specification, sections 7 to 9) -------------


@dataclass(frozen=True)
class Kind:
    """Why an entity leaves its queue."""

    sleep: bool = False  # it goes to sleep, or exits
    special: bool = False  # it exits: the task itself is not delayed
    finish: bool = False  # its delay is over
    keep: bool = False  # it comes back at once, so min_vruntime stays


BLOCKS = Kind(sleep=True)
EXITS = Kind(sleep=True, special=True)
FINISHES = Kind(sleep=True, finish=True)
CHANGES = Kind(keep=True)
MOVES = Kind()


class Machine:
    """One CPU: a time, a hierarchy of queues, a running task.

    Give it the lines of a trace, one by one, through `apply`; look at it through `state`.

    >>> machine = Machine()
    >>> of_task = {"task": 1, "parent": 0, "group": "/", "nice": 0, "policy": "normal"}
    >>> machine.apply({"t": 1000, "op": "fork", **of_task})
    True
    >>> machine.apply({"t": 701_000, "op": "tick"})
    False
    >>> machine.state()["ent"]["1"][:3]
    [18446744073709203040, 700000, 1]
    """

    def __init__(self, groups="none", tunables=None, sublevel=2):
        self.tunables = tunables or Tunables()
        self.sublevel = sublevel
        self.now = 0
        self.need_resched = False
        self.groups = {}  # without the root, which is no entity
        self.tasks = {}  # all that live, by number
        self.root = Queue(self)
        self.curr = None  # None: the CPU is idle

    def is_since(self, sublevel):
        """Is the release that it follows this one, or a later one?"""
        return self.sublevel >= sublevel

    def group_named(self, name):
        return self.groups.get(name)  # None: the root

    def queue_of(self, group):
        return self.root if group is None else group.my_q

    def queues(self):
        """All queues by the names a trace gives them."""
        return {"/": self.root} | {name: group.my_q for name, group in self.groups.items()}

    # -- a line of a trace in, a state out --

    def apply(self, line):
        """Do the operation of a line; return whether it asked for a reschedule, which then follows."""
        arguments = {name: value for name, value in line.items() if name not in ("t", "op", "s")}
        self.now = line["t"]
        resched = self.event(line["op"])(**arguments)
        if resched is None:
            resched = self.need_resched
        if self.need_resched:
            self.schedule()
        return resched

    def event(self, op):
        return self.yield_ if op == "yield" else getattr(self, op)

    def state(self):
        """Everything a trace shows of a scheduler, except `resched`, in the trace's form."""
        entities = [*self.tasks.values(), *self.groups.values()]
        queues = self.queues().items()
        return self.brief_state() | {
            "rq": {name: queue.row() for name, queue in queues},
            "ent": {entity.name: entity.row() for entity in entities},
            "tree": {name: [entity.name for entity in queue.tree] for name, queue in queues},
        }

    def brief_state(self):
        """What every line of a large trace shows."""
        return {"curr": 0 if self.curr is None else self.curr.number}

    # -- on and off the queues: up the levels (section 7) --

    def enqueue_task(self, task, *, initial=False):
        """Queue a task, and each group above that was not queued (7.1)."""
        slice_ns = None  # what the entity's own queue says, above the task
        path = [*task.path()]
        while path and not path[0].on_rq:
            entity = path.pop(0)
            if slice_ns is not None:
                entity.slice, entity.custom_slice = slice_ns, True
            entity.queue.enqueue_entity(entity, initial=initial)
            initial = False
            slice_ns = entity.queue.min_slice()
        if path and path[0].sched_delayed:
            path[0].queue.requeue_delayed_entity(path[0])
        self.update_upwards(path, slice_ns)

    def dequeue_entities(self, entity, kind):
        """Take off a task or a delayed group, and each group above that is empty then (7.2); False: delayed.
        """
        path, nominates = [*entity.path()], kind.sleep
        slice_ns = None
        while path:
            one = path[0]
            if not one.queue.dequeue_entity(one, kind):
                if one is entity:
                    return False
                slice_ns = one.queue.min_slice()
                break
            path.pop(0)
            if one.queue.members:
                slice_ns = one.queue.min_slice()
                if nominates and path:
                    set_next_buddy(path[0])
                break
            kind = Kind(sleep=True, keep=kind.keep)
        self.update_upwards(path, slice_ns)
        return True

    def update_upwards(self, path, slice_ns):
        """Groups that stay queued: each one's slice becomes the least in its queue."""
        for entity in path:
            if entity.my_q is not None:
                entity.update_cfs_group()
            entity.slice = slice_ns
            if entity is not entity.queue.curr:
                entity.queue.tree.slice_changed(entity)
            slice_ns = entity.queue.min_slice()

    # -- the decision (9.1, 9.2) --

    def pick_task(self):
        """From the root down to a task.  A delayed one in the way leaves now, and it begins again."""
        queue = self.root
        while queue.members:
            entity = queue.choose()
            if entity.sched_delayed:
                self.finish_delay(entity)
                queue = self.root
            elif entity.my_q is None:
                return entity
            else:
                queue = entity.my_q
        return None

    def finish_delay(self, entity):
        self.dequeue_entities(entity, FINISHES)
        if entity.my_q is None:
            entity.queued = False

    def schedule(self):
        """Choose who runs.  Groups that contain both the old and the new task are left as they are."""
        prev, chosen = self.curr, self.pick_task()
        if chosen is not prev:
            old = [] if prev is None else [*prev.path()]
            new = [] if chosen is None else [*chosen.path()]
            while old and new and old[-1] is new[-1]:
                old.pop(), new.pop()
            for entity in old:
                entity.queue.put_prev_entity(entity)
            for entity in new:
                entity.queue.set_next_entity(entity, first=True)
            self.curr = chosen
        self.need_resched = False

    # -- shall a task that was queued preempt? (9.3) --

    def check_preempt(self, task, *, forked=False):
        if self.curr is None:
            self.need_resched = True
            return
        if self.curr is task:
            return
        if not self.is_since(44) and not forked and not task.sched_delayed and self.tunables.has("NEXT_BUDDY"):
            set_next_buddy(task)
        if self.need_resched or not self.tunables.has("WAKEUP_PREEMPTION"):
            return
        running, woken = self.in_common_queue(self.curr, task)
        if running.is_idle() and not woken.is_idle():
            self.preempt(running, short=True)
        elif running.is_idle() == woken.is_idle() and task.policy == "normal":
            self.compare(running, woken, forked=forked)

    def compare(self, running, woken, *, forked):
        """Would the woken one be picked?  A shorter slice ends protection, or at least shortens it.

        Since 6.18.44 (later, 8.2) an equal slice does not help a new task, the woken one becomes the buddy
        only here, and whatever the slice, who is not picked shortens the protection.
        """
        queue = running.queue
        queue.update_curr()
        short = self.tunables.has("PREEMPT_SHORT") and woken.slice < running.slice
        if self.is_since(44) and not short:
            if forked or woken.sched_delayed:
                return
            buddy = queue.next
            if self.tunables.has("NEXT_BUDDY") and (buddy is None or buddy.deadline >= woken.deadline):
                set_next_buddy(woken)
        if self.would_pick(queue, protect=not short) is woken:
            self.preempt(running, short=short)
        elif (short or self.is_since(44)) and self.tunables.has("RUN_TO_PARITY"):
            running.vprot = min(running.vprot, running.vruntime + running.virtual(queue.min_slice()))

    def would_pick(self, queue, *, protect):
        """The search; since 6.18.44 a delayed one in the way leaves now, as in a pick."""
        best = queue.pick_eevdf(protect=protect)
        while self.is_since(44) and best.sched_delayed:
            self.finish_delay(best)
            best = queue.pick_eevdf(protect=protect)
        return best

    def preempt(self, running, *, short):
        if short and running.is_protected():
            running.vprot = running.vruntime
        self.need_resched = True

    def in_common_queue(self, one, other):
        """The entities above two tasks that compete in the same, the lowest possible, queue."""
        above = {entity.queue: entity for entity in one.path()}
        match = next(entity for entity in other.path() if entity.queue in above)
        return above[match.queue], match

    # -- events: a task appears, sleeps, goes (9.4) --

    def fork(self, task, parent, group, nice, policy):
        owner = self.group_named(group)
        child = self.tasks[task] = Task(task, nice, policy, self.queue_of(owner), owner)
        if parent:
            above = self.tasks[parent]
            child.slice, child.custom_slice, child.max_slice = above.slice, above.custom_slice, above.max_slice
        self.enqueue_task(child, initial=True)
        child.queued = True
        self.check_preempt(child, forked=True)

    def wake(self, task):
        task = self.tasks[task]
        if task.queued and not task.sched_delayed:
            return
        if task.sched_delayed:
            task.queue.requeue_delayed_entity(task)
        else:
            self.enqueue_task(task)
            task.queued = True
        self.check_preempt(task)

    def block(self):
        return self.sleep(BLOCKS)

    def exit(self):
        del self.tasks[self.curr.number]
        return self.sleep(EXITS)

    def sleep(self, kind):
        if self.dequeue_entities(self.curr, kind):
            self.curr.queued = False
        self.schedule()
        return False

    # -- events: time goes by --

    def tick(self):
        if self.curr is None:
            return
        for entity in self.curr.path():
            entity.queue.update_curr()
            if entity.my_q is not None:
                entity.update_cfs_group()

    def yield_(self):
        """Give up the rest of the request."""
        task, queue = self.curr, self.curr.queue
        if self.nr_running() != 1:
            clear_buddies(task)
            queue.update_curr()
            if queue.entity_eligible(task):
                task.vruntime = task.deadline
                if self.is_since(26):
                    queue.update_deadline(task)
                else:
                    task.deadline += task.virtual(task.slice)
                    queue.update_min_vruntime()
        resched = self.need_resched
        self.schedule()
        return resched

    def nr_running(self):
        """Delayed tasks count."""
        return sum(1 for _ in self.root.tasks())

    # -- events: someone turns a knob (9.4 to 9.6) --

    def change(self, task, kind, write):
        """Off the queue, out of the running place, `write`, and back (the change bracket)."""
        queued, running = task.queued, task is self.curr
        if queued:
            self.dequeue_entities(task, kind)
        if running:
            for entity in task.path():
                entity.queue.put_prev_entity(entity)
        write()
        if queued:
            self.enqueue_task(task)
        if running:
            for entity in task.path():
                entity.queue.set_next_entity(entity, first=False)

    def nice(self, task, nice):
        task = self.tasks[task]
        old = task.nice
        if nice == old:
            return

        def write():
            task.nice = nice
            task.queue.reweight_entity(task, task_load(nice, task.policy))

        self.change(task, CHANGES, write)
        if not task.queued or len(self.root.members) == 1:
            return
        if task is not self.curr:
            self.check_preempt(task)
        elif nice > old:
            self.need_resched = True

    def policy(self, task, policy):
        task = self.tasks[task]
        self.set_policy_and_slice(task, policy, task.slice if task.custom_slice else 0)

    def slice(self, task, slice_ns):
        task = self.tasks[task]
        self.set_policy_and_slice(task, task.policy, slice_ns)

    def set_policy_and_slice(self, task, policy, slice_ns):
        """One call in the kernel (9.5); 0 is the default slice, which is why "the same again" is a change."""
        if policy == task.policy and (policy == "idle" or slice_ns == task.slice):
            return

        def write():
            task.policy = policy
            if policy != "idle":
                task.custom_slice = slice_ns != 0
                if task.custom_slice:
                    task.slice = max(CUSTOM_SLICE_MIN, min(slice_ns, CUSTOM_SLICE_MAX))
                else:
                    task.slice = self.tunables.base_slice_ns
            task.queue.reweight_entity(task, task_load(task.nice, policy))

        self.change(task, CHANGES, write)

    def move(self, task, group):
        task = self.tasks[task]

        def write():
            task.parent = self.group_named(group)
            task.queue = self.queue_of(task.parent)

        self.change(task, MOVES, write)
        if task is self.curr:
            self.need_resched = True

    def group(self, group, shares, parent="/"):
        above = self.group_named(parent)
        self.groups[group] = Group(group, self.queue_of(above), above, self)
        self.shares(group, shares)

    def shares(self, group, shares):
        """Ignored for the root, and for idle groups."""
        group = self.group_named(group)
        if group is not None and not group.is_idle():
            self.set_shares(group, max(SHARES_MIN, min(shares, SHARES_MAX)))

    def set_shares(self, group, shares):
        if shares != group.shares:
            group.shares = shares
            for entity in group.path():
                entity.update_cfs_group()

    def gidle(self, group, idle):
        """AS SPECIFIED: the shares from before are forgotten."""
        group = self.groups[group]
        if bool(idle) != group.my_q.idle:
            group.my_q.idle = bool(idle)
            self.set_shares(group, WEIGHT_IDLEPRIO if idle else SHARES_DEFAULT)

    # -- the checker --

    def is_sane(self):
        """Do the products and times of the kernel fit into 64 bits?"""
        return all(queue_is_sane(queue) for queue in self.queues().values())

    def broken_invariants(self):
        """One sentence for each invariant that does not hold; to be asked between operations."""
        if self.need_resched:
            yield "10 need_resched is set"
        if (self.curr is None) != (self.nr_running() == 0):
            yield f"5 {self.curr} runs, with {self.nr_running()} tasks queued"
        path = {} if self.curr is None else {entity.queue: entity for entity in self.curr.path()}
        for name, queue in self.queues().items():
            if queue.curr is not path.get(queue):
                yield f"5 queue {name}: its curr does not lead to the running task"
            yield from self.broken_queue(name, queue)
        for group in self.groups.values():
            if group.my_q.members and (group.load.weight != group.shares << 10 or not group.on_rq):
                yield f"7 group {group.name} has members, but is not queued with its weight"
            if not group.my_q.members and group.on_rq and not group.sched_delayed:
                yield f"7 group {group.name} has no members, but is queued"

    def broken_queue(self, name, queue):
        deadlines = [entity.deadline for entity in queue.tree]
        if deadlines != sorted(deadlines):
            yield f"1 queue {name}: the tree is out of order"
        if {*queue.members} != {*queue.competitors()}:
            yield f"2 queue {name}: the counted ones are not those in the tree and curr"
        if any(entity.rel_deadline or not entity.on_rq for entity in queue.members):
            yield f"8 queue {name}: a member has a relative deadline, or is off"
        if queue.next is not None and (not queue.next.on_rq or queue.next.sched_delayed):
            yield f"8 queue {name}: its buddy is not runnable"
        if queue.members and not any(queue.entity_eligible(entity) for entity in queue.members):
            yield f"9 queue {name}: nobody is eligible"


def queue_is_sane(queue):
    """The range of specification 4.5, with something to spare."""
    competitors = queue.competitors()
    load = queue.avg_load(competitors)
    keys = [entity.vruntime - queue.min_vruntime for entity in competitors]
    limit = 1 << 62
    return load < 1 << 30 and abs(queue.min_vruntime) < limit and all(abs(key) * load < limit for key in keys)
