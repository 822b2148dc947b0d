"""Random operations for the 6.18 twin, in the form of conformance traces.

As in `random_ops.py`, which see: a seed makes valid operations, in moods with their own odds, at times
where rules change.  New here are custom slices, groups in groups, idle groups, wakeups of tasks that
sleep in the queue, and feature bits.  `Pair` performs them on the twin and on the compiled core and
compares the whole state after each; `report` shortens what fails.

Where it stops: when the kernel's products would wrap (`Machine.is_sane`), there is nothing to compare.
"""

from dataclasses import asdict

from cfs.conformance import _replayer
from tests.oracle import eevdf_6_18 as eevdf

MOODS = {
    "daily life": {
        "tick": 40, "block": 14, "wake": 16, "fork": 3, "exit": 2, "yield": 5, "nice": 3, "policy": 2,
        "move": 3, "shares": 2, "group": 1, "slice": 3, "gidle": 1,
    },
    "a crowd gathers": {
        "fork": 30, "wake": 25, "tick": 20, "block": 4, "yield": 5, "nice": 4, "move": 4, "group": 3
    },
    "everyone leaves": {"block": 30, "exit": 20, "tick": 8, "yield": 4, "nice": 2, "move": 2},
    "ping-pong": {"wake": 40, "block": 40, "tick": 6, "yield": 6},
    "knobs": {
        "nice": 20, "policy": 20, "move": 20, "shares": 20, "slice": 20, "gidle": 8, "group": 3,
        "tick": 15, "wake": 8, "block": 5,
    },
    "short and long": {"slice": 15, "tick": 30, "block": 15, "wake": 25, "yield": 3},
    "hogs": {"tick": 90, "yield": 5, "fork": 1, "wake": 3, "block": 1},
}  # fmt: skip

MS = 1_000_000
NR_GROUPS_MAX = 10
NEEDS_GROUPS = ("move", "shares", "gidle")
NEEDS_TASKS = ("wake", "nice", "policy", "slice")


def header_of(model, groups, tunables):
    return {
        "format": "sched-conformance/1",
        "model": model,
        "cpus": 1,
        "groups": groups,
        "tunables": asdict(tunables),
        "ent_fields": [
            "vruntime", "sum_exec_runtime", "on_rq", "deadline", "vlag", "slice", "weight", "sched_delayed",
            "custom_slice", "rel_deadline", "exec_start",
        ],
        "rq_fields": [
            "min_vruntime", "load_weight", "nr_queued", "avg_vruntime", "avg_load", "V", "h_nr_queued",
            "h_nr_runnable", "h_nr_idle", "min_slice", "curr", "next",
        ],
    }  # fmt: skip


def random_tunables(rng):
    """Half of the time the defaults, else odd slices, ticks and features."""
    tunables = eevdf.Tunables(exact_min_slice=rng.random() < 0.5)
    if rng.random() < 0.5:
        tunables.base_slice_ns = rng.choice([2_800_000, 3 * MS, rng.randint(1, 10 * MS)])
        tunables.normalized_base_slice_ns = rng.choice([700_000, tunables.base_slice_ns])
        tunables.tick_nsec = rng.choice([MS, 4 * MS, 10 * MS, 3_333_333])
    if rng.random() < 0.5:
        tunables.features = {name: on ^ (rng.random() < 0.3) for name, on in tunables.features.items()}
    return tunables


class Author:
    """Draws one operation after the other, looking at the twin for what is possible."""

    def __init__(self, rng, twin, *, has_groups):
        self.rng = rng
        self.twin = twin
        self.has_groups = has_groups
        self.now = 0
        self.nr_tasks_max = rng.choice([2, 5, 20, 60])
        self.nr_tasks_made = self.nr_groups_made = 0
        self.mood, self.mood_ops_left = "a crowd gathers", 40

    def next_op(self):
        self.now += self.step_ns()
        op = self.choose_op()
        arguments = getattr(self, f"{op}_arguments", dict)()
        return {"t": self.now, "op": op} | arguments

    def step_ns(self):
        draw = self.rng.random()
        if draw < 0.2:
            return 0
        if draw < 0.35:
            return self.rng.randrange(1000)
        if draw < 0.7:
            return self.rng.randrange(MS)
        if draw < 0.85:
            return self.rng.choice([700_000, MS, 4 * MS, 10 * MS])
        return self.rng.randrange(20 * MS) if draw < 0.998 else self.rng.randrange(1000 * MS)

    def choose_op(self):
        if self.mood_ops_left == 0:
            self.mood, self.mood_ops_left = self.rng.choice(list(MOODS)), self.rng.randint(10, 120)
        self.mood_ops_left -= 1
        odds = {op: weight for op, weight in MOODS[self.mood].items() if self.is_possible(op)}
        return self.rng.choices(list(odds), weights=list(odds.values()))[0]

    def is_possible(self, op):
        if op in ("block", "exit", "yield"):
            return self.twin.curr is not None
        if op == "fork":
            return len(self.twin.tasks) < self.nr_tasks_max
        if op == "group":
            return self.has_groups and len(self.twin.groups) < NR_GROUPS_MAX
        if op in NEEDS_GROUPS and not self.twin.groups:
            return False
        return bool(self.twin.tasks) or op not in (*NEEDS_TASKS, "move")

    # -- arguments --

    def any_task(self):
        curr = self.twin.curr
        if curr is not None and self.rng.random() < 0.3:
            return curr.number
        return self.rng.choice(list(self.twin.tasks))

    def any_nice(self):
        return self.rng.choice([0, 0, 0, -20, 19, self.rng.randint(-20, 19)])

    def any_policy(self):
        return self.rng.choices(["normal", "batch", "idle"], weights=[8, 2, 2])[0]

    def any_shares(self):
        return self.rng.choice([1024, 1024, 2048, 512, 1, 2, 3, 262_144, 10**9, self.rng.randint(2, 10_000)])

    def group_or_root(self):
        return self.rng.choice(["/", *self.twin.groups])

    def fork_arguments(self):
        self.nr_tasks_made += 1
        return {
            "task": self.nr_tasks_made,
            "parent": running(self.twin),
            "nice": self.any_nice(),
            "group": self.group_or_root(),
            "policy": self.any_policy(),
        }

    def wake_arguments(self):
        """Mostly one that sleeps, in the queue or off it."""
        asleep = [number for number, task in self.twin.tasks.items() if not task.queued or task.sched_delayed]
        return {"task": self.rng.choice(asleep) if asleep and self.rng.random() < 0.9 else self.any_task()}

    def nice_arguments(self):
        return {"task": self.any_task(), "nice": self.any_nice()}

    def policy_arguments(self):
        return {"task": self.any_task(), "policy": self.any_policy()}

    def slice_arguments(self):
        slice_ns = self.rng.choice(
            [0, 100_000, 50_000, 3 * MS, 100 * MS, 1000 * MS, self.rng.randint(1, 20 * MS)]
        )
        return {"task": self.any_task(), "slice_ns": slice_ns}

    def move_arguments(self):
        """Always to another group: the kernel is not asked for a move to where the task is."""
        task = self.any_task()
        parent = self.twin.tasks[task].parent
        own = "/" if parent is None else parent.name
        return {
            "task": task,
            "group": self.rng.choice([name for name in ["/", *self.twin.groups] if name != own]),
        }

    def group_arguments(self):
        self.nr_groups_made += 1
        return {
            "group": f"g{self.nr_groups_made}",
            "parent": self.group_or_root(),
            "shares": self.any_shares(),
        }

    def shares_arguments(self):
        return {"group": self.rng.choice(list(self.twin.groups)), "shares": self.any_shares()}

    def gidle_arguments(self):
        return {"group": self.rng.choice(list(self.twin.groups)), "idle": self.rng.randrange(2)}


def running(twin):
    return 0 if twin.curr is None else twin.curr.number


class Pair:
    """The twin and the compiled core, side by side."""

    def __init__(self, model, groups, tunables):
        header = header_of(model, groups, tunables)
        self.twin = eevdf.Machine(groups, tunables, eevdf.SUBLEVELS[model])
        self.core = _replayer("random operations", header)

    def is_possible(self, op):
        """In a shortened list something may have become impossible."""
        twin = self.twin
        if op["op"] in ("block", "exit", "yield"):
            return twin.curr is not None
        if "task" in op and (op["task"] in twin.tasks) == (op["op"] == "fork"):
            return False
        names = {"/", *twin.groups}
        if op["op"] == "group":
            return op["parent"] in names and op["group"] not in names
        return op.get("group", "/") in names

    def apply(self, op):
        """Both do it; what differs, or None."""
        if op["op"] == "fork":
            op = op | {"parent": running(self.twin)}
        resched = self.twin.apply(op)
        self.core.perform(op)
        self.core.sched.check()
        return self.core.first_difference(self.twin.state() | {"resched": resched})


def first_difference(model, groups, tunables, ops):
    """(number of operations done, what differs) of the first difference, or None."""
    pair = Pair(model, groups, tunables)
    for number, op in enumerate(ops, 1):
        if pair.is_possible(op):
            found = pair.apply(op)
            if not pair.twin.is_sane():
                return None
            if found:
                return number, found
    return None


def report(title, model, groups, tunables, ops):
    """What a person needs to see: the settings, as short a list of operations as can be, and the difference.
    """
    number, found = first_difference(model, groups, tunables, ops)
    ops = ops[:number]
    size = len(ops) // 2
    while size >= 1:
        start = 0
        while start < len(ops):
            fewer = ops[:start] + ops[start + size :]
            shorter = first_difference(model, groups, tunables, fewer)
            if shorter:
                ops, found = fewer, shorter[1]
            else:
                start += size
        size //= 2
    path, expected, got = found
    settings = f"{model}, groups {groups}, {tunables}"
    return "\n".join([title, settings, *map(str, ops), f"{path}: twin {expected}, core {got}"])
