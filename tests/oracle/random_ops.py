"""Random operations for the 2.6.24 twin, in the form of conformance traces.

What it is for.  A recorded trace proves what it happens to touch.  Here a seed makes as many valid
operations as one likes, the twin says what must come out, and the compiled core is held against it:

    for line in random_ops(random.Random(seed), groups="cgroup", nr_ops=2000):
        ...  # do the operation on the core, compare its state with line["s"]

A line is a line of a trace: "t", "op", the arguments, and the full state "s" afterwards.  So all that
replays a trace replays this as well; `random_trace` puts the header in front.

How it looks for trouble.  Uniformly random operations settle in a dull middle: a handful of tasks, no
idle time, no ties.  So the generator has *moods*, each with its own odds, and changes them every few
dozen operations: a crowd grows, is driven out again until the CPU idles, a few tasks play ping-pong,
someone turns all the knobs.  Times are drawn where rules change: equal times (ties), single ns, whole
ticks, the border of the two branches of `calc_delta_mine`, long gaps.  Start values are drawn near the
wraps at 2**63 and 2**64.

Where it stops.  When a vruntime in a tree gets 2**62 away from the floor (invariant I6 of the twin),
the kernel's order begins to depend on the shape of its tree.  There is nothing to compare then: the
sequence ends before that line, shorter than asked.  Policy idle and TREE_AVG across the wrap can get
there; the random tunables keep TREE_AVG away from it.

Equal seeds give equal sequences, on every platform: one `random.Random`, and no set is iterated.
"""

from dataclasses import asdict

from tests.oracle import fair_2_6_24 as fair

# The odds of the operations in each mood.  What is impossible at the moment is left out of the draw.
MOODS = {
    "daily life": {
        "tick": 40, "block": 14, "wake": 16, "fork": 3, "exit": 2, "yield": 5,
        "nice": 3, "policy": 2, "move": 3, "shares": 2, "group": 1,
    },
    "a crowd gathers": {"fork": 30, "wake": 25, "tick": 20, "block": 4, "yield": 5, "nice": 4, "move": 4},
    "everyone leaves": {"block": 30, "exit": 20, "tick": 8, "yield": 4, "nice": 2, "move": 2},
    "ping-pong": {"wake": 40, "block": 40, "tick": 6, "yield": 6},
    "knobs": {
        "nice": 20, "policy": 20, "move": 20, "shares": 20, "group": 3,
        "tick": 15, "wake": 8, "block": 5,
    },
    "hogs": {"tick": 90, "yield": 5, "fork": 1, "wake": 3, "block": 1},
}  # fmt: skip

MS = 1_000_000
BRANCH_BORDER_NS = 1 << 22  # above it a delta times 1024 no longer fits into 32 bits

NR_GROUPS_MAX = 8


def random_ops(rng, *, groups, nr_ops, tunables=None):
    """Yield up to `nr_ops` lines of a trace: valid operations, and the twin's state after each.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    groups : str
        "none", "uid" or "cgroup".
    nr_ops : int
        Lines wanted; there are fewer only if the order of a tree becomes undefined (see above).
    tunables : fair.Tunables, optional
        The kernel's defaults if not given; see `random_tunables`.
    """
    twin = fair.Machine(groups, tunables)
    author = Author(rng, twin, groups)
    for _ in range(nr_ops):
        line = author.next_op()
        resched = twin.apply(line)
        if not all(fair.queue_is_sane(queue) for queue in twin.queues().values()):
            return
        yield line | {"s": {"resched": resched} | twin.state()}


def random_trace(rng, *, groups, nr_ops, tunables=None):
    """The same with a header in front: what a gzip JSON-lines file of this would hold."""
    tunables = tunables or fair.Tunables()
    yield trace_header(groups, tunables)
    yield from random_ops(rng, groups=groups, nr_ops=nr_ops, tunables=tunables)


def trace_header(groups, tunables):
    values = asdict(tunables)
    if values["init_task_group_load"] is None:
        del values["init_task_group_load"]
    return {
        "format": "sched-conformance/1",
        "model": "linux-2.6.24-cfs",
        "scenario": "random_ops",
        "cpus": 1,
        "groups": groups,
        "tunables": values | {bit.name: bool(tunables.has(bit)) for bit in fair.Feature},
        "ent_fields": ["vruntime", "sum_exec_runtime", "on_rq", "load_weight"],
        "rq_fields": ["min_vruntime", "load_weight", "nr_running"],
        "cpu_fields": ["clock", "nr_running", "load_weight", "nr_switches"],
        "full_every": 1,
    }


# ---- Tunables ------------------------------------------------------------------------------------


def random_tunables(rng, *, groups):
    """Tunables within the kernel's ranges, half of the time at their defaults, else at odd values."""
    latency_ns = pick(rng, 20 * MS, rng.randint(MS // 10, 1000 * MS))
    min_granularity_ns = rng.randint(MS // 10, latency_ns)
    nr_latency = 5 if latency_ns == 20 * MS else -(-latency_ns // min_granularity_ns)
    features = fair.Feature(pick(rng, 7, rng.randrange(32)))
    start = initial_min_vruntime(rng, groups, features)
    return fair.Tunables(
        sched_latency_ns=latency_ns,
        sched_min_granularity_ns=4 * MS if nr_latency == 5 else min_granularity_ns,
        sched_nr_latency=nr_latency,
        sched_wakeup_granularity_ns=pick(rng, 10 * MS, rng.choice([0, 1, rng.randint(0, 1000 * MS)])),
        sched_child_runs_first=rng.randrange(2),
        sched_compat_yield=rng.randrange(2),
        sched_features=int(features),
        initial_min_vruntime=start,
        initial_idle_vruntime=fair.u64(start + pick(rng, 0, rng.randint(-MS, 30 * MS))),
    )


def pick(rng, usual, odd):
    """The usual value, or as often the odd one."""
    return usual if rng.random() < 0.5 else odd


def initial_min_vruntime(rng, groups, features):
    """Where the floors start: a little before a wrap, so that the tasks cross it.

    Not before 2**63 with groups, whose entities start at 0: half the circle away, where no order is.
    Not before 2**64 with TREE_AVG, whose average is raw: it would land half the circle away as well.
    """
    distance = rng.choice([1 << 20, rng.randint(1, 200 * MS), rng.randint(1, 10_000 * MS)])
    if groups != "none":
        return distance if features & fair.Feature.TREE_AVG else fair.u64(-distance)
    if features & fair.Feature.TREE_AVG:
        return distance
    return rng.choice([fair.u64(-distance), (1 << 63) - distance])


# ---- The author of a sequence --------------------------------------------------------------------


class Author:
    """Draws one operation after the other, looking at the twin for what is possible."""

    moods = MOODS

    def __init__(self, rng, twin, groups):
        self.rng = rng
        self.twin = twin
        self.has_groups = groups != "none"
        self.group_prefix = "uid:" if groups == "uid" else "g"
        self.now = 0
        self.nr_tasks_max = rng.choice([2, 5, 20, 120])
        self.odd_shares_chance = rng.choice([0.05, 0.05, 0.6])
        self.nr_tasks_made = 0
        self.nr_groups_made = 0
        # The first mood makes a crowd: the wraps come early, and someone must be there to cross them.
        self.mood = "a crowd gathers"
        self.mood_ops_left = 50

    def next_op(self):
        self.now += self.step_ns()
        op = self.choose_op()
        return {"t": self.now, "op": op} | self.arguments(op)

    def arguments(self, op):
        return ARGUMENTS[op](self) if op in ARGUMENTS else {}

    # -- when --

    def step_ns(self):
        """Time to the next operation: half of the steps are ties or nearly so."""
        rng = self.rng
        if self.twin.curr is self.twin.idle and rng.random() < 0.1:
            return rng.randrange(20_000 * MS)
        draw = rng.random()
        if draw < 0.25:
            return 0
        if draw < 0.40:
            return rng.randrange(1000)
        if draw < 0.60:
            return rng.randrange(MS)
        if draw < 0.80:
            return rng.choice([1, 4, 10]) * MS
        if draw < 0.85:
            return BRANCH_BORDER_NS + rng.randint(-1, 1)
        if draw < 0.99:
            return rng.randrange(40 * MS)
        return rng.randrange(5000 * MS)

    # -- what --

    def choose_op(self):
        if self.mood_ops_left == 0:
            self.mood = self.rng.choice(list(self.moods))
            self.mood_ops_left = self.rng.randint(10, 150)
        self.mood_ops_left -= 1
        odds = {op: weight for op, weight in self.moods[self.mood].items() if self.is_possible(op)}
        if list(odds) == ["tick"]:
            # Only time can go by: a few ticks of it are enough.
            self.mood_ops_left = min(self.mood_ops_left, 3)
        return self.rng.choices(list(odds), weights=list(odds.values()))[0]

    def is_possible(self, op):
        twin = self.twin
        if op in ("block", "exit", "yield"):
            return twin.curr is not twin.idle
        if op == "wake":
            return bool(self.blocked_tasks())
        if op in ("nice", "policy"):
            return bool(twin.tasks)
        if op == "move":
            return bool(twin.tasks) and len(twin.groups) > 1
        if op == "fork":
            return len(twin.tasks) < self.nr_tasks_max
        if op == "group":
            return self.has_groups and len(twin.groups) < NR_GROUPS_MAX
        return self.has_groups or op != "shares"

    def blocked_tasks(self):
        return [number for number, task in self.twin.tasks.items() if task.state == "blocked"]

    # -- with which arguments --

    def any_task(self):
        """Often the running one, because most rules are about it."""
        curr = self.twin.curr
        if curr is not self.twin.idle and self.rng.random() < 0.3:
            return curr.number
        return self.rng.choice(list(self.twin.tasks))

    def any_nice(self):
        return self.rng.choice([0, 0, -20, 19, self.rng.randint(-20, 19)])

    def any_policy(self):
        return self.rng.choices(["normal", "batch", "idle"], weights=[8, 3, 1])[0]

    def any_group(self):
        return self.rng.choice(list(self.twin.groups)) if self.has_groups else "/"

    def any_shares(self):
        """From the forbidden 1 to beyond 2**32, where inverses round to 0 and divisors lose their top."""
        rng = self.rng
        usual = rng.choice([1024, 1024, 2048, 512, rng.randint(10, 10_000)])
        odd = rng.choice([1, 2, 3, rng.randint(1 << 17, 1 << 20), rng.randint((1 << 32) + 1024, 1 << 40)])
        return odd if rng.random() < self.odd_shares_chance else usual

    def fork_arguments(self):
        self.nr_tasks_made += 1
        return {
            "task": self.nr_tasks_made,
            "parent": self.twin.curr.number,
            "nice": self.any_nice(),
            "group": self.any_group(),
            "policy": self.any_policy(),
        }

    def wake_arguments(self):
        return {"task": self.rng.choice(self.blocked_tasks())}

    def nice_arguments(self):
        return {"task": self.any_task(), "nice": self.any_nice()}

    def policy_arguments(self):
        return {"task": self.any_task(), "policy": self.any_policy()}

    def move_arguments(self):
        """Always to another group: the kernel is not asked for a move to where the task is."""
        task = self.any_task()
        own = self.twin.tasks[task].parent.name
        return {"task": task, "group": self.rng.choice([name for name in self.twin.groups if name != own])}

    def group_arguments(self):
        """A new user has 1024; a control group may have its shares written at once."""
        self.nr_groups_made += 1
        shares = 1024 if self.group_prefix == "uid:" else self.any_shares()
        return {"group": f"{self.group_prefix}{self.nr_groups_made}", "shares": shares, "parent": "/"}

    def shares_arguments(self):
        return {"group": self.any_group(), "shares": self.any_shares()}


# Operations that have none of their own are not here.
ARGUMENTS = {
    "fork": Author.fork_arguments,
    "wake": Author.wake_arguments,
    "nice": Author.nice_arguments,
    "policy": Author.policy_arguments,
    "move": Author.move_arguments,
    "group": Author.group_arguments,
    "shares": Author.shares_arguments,
}
