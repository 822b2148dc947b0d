"""Random operations on any model, what must hold after each, and how a failing sequence is made short.

The twins of 2.6.24 and 6.18 know what must come out, on one CPU. The other models have no twin, and no twin
has a second CPU. Here stand the laws that hold whatever the policy is:

    L1  `Scheduler.check` finds nothing: the numbered invariants of the model
    L2  exactly the current tasks are "running", each on its own CPU; no CPU idles beside a task that waits
        for it (after a synchronous wakeup, or a fork with `clone_vm`, by an idle CPU it does: not drawn)
    L3  the tasks in the queues of a CPU and its running one are the tasks that it counts
    L4  run time never shrinks, and all tasks together had no more of it than the CPUs have lived
    L5  an event says True exactly if the running task of its CPU is another one than at that time before it
    L6  a misuse raises a `CfsError`; what is in order is refused only where a slice would be divided by 0
    L7  a second machine, to which only the accepted operations are told, is in an equal state: so the same
        operations lead to the same state, and what was refused has changed nothing; a snapshot of the second
        machine takes its place at every other look and goes on
    L8  a machine that ticks by itself is in the state of one to which the same ticks are sent

Some machines tick by themselves (`Setting.hz`). Then the second one is told of the time before it is told of the
operation, or, as L8 wants it, of every tick; "advance" takes the place of "tick"; and what is refused changes nothing
but what ticks that were due have changed.

Operations are plain dicts. A task is named by a number of its own and time by a step (`dt`), so that any part
of a sequence is a sequence again: what is impossible in it is left out. That is what makes shortening simple.
"""

import math
import random
import time
from dataclasses import dataclass, field, fields

import cfs
from tests.builders import state_of

MS = 1_000_000
SECOND = 1_000_000_000
TASKS_MAX = 40
GROUPS_MAX = 8
COMPARE_EVERY = 32
"""Operations between two looks at whole states, which cost as much as some twenty operations."""

MOODS = {
    "daily life": {
        "tick": 40, "block": 14, "wake": 16, "fork": 4, "exit": 2, "yield": 4, "migrate": 6, "misuse": 2,
    },
    "a crowd gathers": {
        "fork": 30, "wake": 25, "tick": 20, "block": 4, "yield": 4, "migrate": 4, "group": 2, "misuse": 3,
    },
    "everyone leaves": {"block": 30, "exit": 20, "tick": 8, "yield": 4, "remove": 4, "misuse": 2},
    "ping-pong": {"wake": 40, "block": 40, "tick": 6, "yield": 6},
    "moving house": {"migrate": 40, "move": 20, "tick": 20, "wake": 10, "block": 10, "misuse": 5},
    "knobs": {
        "nice": 20, "policy": 20, "move": 15, "shares": 15, "tunable": 10, "slice": 10, "gidle": 5,
        "group": 3, "tick": 20, "wake": 10, "block": 6, "misuse": 4,
    },
    "hogs": {"tick": 90, "yield": 5, "fork": 1, "wake": 3, "block": 1},
}  # fmt: skip


@dataclass
class Setting:
    """What a machine is made with."""

    model: str
    group_by: str | None
    cpus: int
    tunables: dict = field(default_factory=dict)
    hz: int | None = None  # it ticks by itself, so often a second
    other_by_hand: bool = False  # with hz: the ticks of the second machine are sent to it

    def tamed(self, name, value):
        """2.6.24's TREE_AVG across a wrap puts virtual times so far apart that their order is undefined."""
        kind = cfs.MODELS[self.model].tunables
        start = self.tunables.get("initial_min_vruntime", getattr(kind, "initial_min_vruntime", 0))
        if start >> 62 and name in ("TREE_AVG", "sched_features"):
            return value & ~kind.FEATURES.get("TREE_AVG", 0) if name == "sched_features" else 0
        return value

    def scheduler(self, *, ticks=True):
        options = self.tunables | ({} if self.hz is None else {"hz": self.hz})
        ticks = ticks and self.hz is not None  # O(1) has a tunable of that name
        return cfs.Scheduler(self.model, group_by=self.group_by, cpus=self.cpus, ticks=ticks, **options)


def random_setting(rng, model, group_by):
    """Half of the time the tunables of a boot, else some of them anywhere in their ranges; half of the
    time it ticks by itself.
    """
    kind = cfs.MODELS[model].tunables
    tunables = {}
    if rng.random() < 0.5:
        names = [f.name for f in fields(kind)]
        tunables = {name: a_value(rng, kind, name) for name in rng.sample(names, rng.randint(1, len(names)))}
        tunables |= {name: rng.randrange(2) for name in kind.FEATURES if rng.random() < 0.5}
    setting = Setting(model, group_by, rng.randint(1, 4), tunables)
    setting.tunables = {name: setting.tamed(name, value) for name, value in tunables.items()}
    if rng.random() < 0.5:
        setting.hz, setting.other_by_hand = rng.choice([100, 250, 300, 1000]), rng.random() < 0.5
    return setting


def a_value(rng, kind, name):
    """The default, a border, or something between, each order of magnitude as likely."""
    least, greatest = kind.RANGES.get(name, (0, 2**32 - 1))
    inside = round(math.exp(rng.uniform(math.log(max(least, 1)), math.log(greatest))))
    value = rng.choice([getattr(kind(), name), least, greatest, inside, inside])
    return min(max(value, least), greatest)


# ---- Doing -----------------------------------------------------------------------------------------


class Impossible(Exception):
    """In a shortened sequence: what the operation speaks of does not exist."""


class Machine:
    """A Scheduler, and its tasks by number."""

    def __init__(self, setting, *, ticks=True):
        self.sched = setting.scheduler(ticks=ticks)
        self.ticks_by_itself = ticks and setting.hz is not None
        self.tasks = {}

    @property
    def now(self):
        return self.sched.now_ns

    def apply(self, op, now_ns):
        """Do it; what the event said, or None."""
        arguments = {name: value for name, value in op.items() if name not in ("op", "dt")}
        return getattr(self, f"op_{op['op']}")(now_ns=now_ns, **arguments)

    def until(self, now_ns):
        """Let the ticks up to then happen."""
        if self.ticks_by_itself:
            self.sched.advance(now_ns=now_ns)

    def currents(self):
        """Ids of the running tasks, None for an idle CPU."""
        tasks = [self.sched.current_on(cpu) for cpu in range(self.sched.cpus)]
        return [None if task is None else task.id for task in tasks]

    def go_on_from(self, snapshot):
        """The rest happens to a scheduler made from these bytes; who has exited keeps the old handle."""
        self.sched = cfs.Scheduler.from_bytes(snapshot)
        self.tasks |= {int(task.name): task for task in self.sched.tasks}

    def task(self, number):
        if number not in self.tasks:
            raise Impossible
        return self.tasks[number]

    def group(self, name):
        if name not in self.sched.groups:
            raise Impossible
        return name

    def where(self, group):
        if self.sched.group_by is None:
            return {}
        if self.sched.group_by == "uid":
            return {"uid": int(group.removeprefix("uid:"))}
        return {"group": self.group(group)}

    def op_fork(self, task, group, now_ns, **options):
        if task in self.tasks:
            raise Impossible
        if options.get("clone_vm"):  # the child waits for its parent to leave: the CPU must not idle
            self.somebody_runs(options.get("start_cpu", options["cpu"]))
        self.tasks[task] = self.sched.fork(now_ns=now_ns, name=str(task), **self.where(group), **options)

    def op_wake(self, task, now_ns, **options):
        if options.get("sync"):  # so does the woken for its waker
            self.somebody_runs(self.alive(task).cpu)
        return self.sched.wake(self.task(task), now_ns=now_ns, **options)

    def op_block(self, now_ns, cpu, **options):
        self.somebody_runs(cpu)
        return self.sched.block(now_ns=now_ns, cpu=cpu, **options)

    def op_exit(self, now_ns, cpu):
        self.somebody_runs(cpu)
        return self.sched.exit(now_ns=now_ns, cpu=cpu)

    def op_yield(self, now_ns, cpu):
        self.somebody_runs(cpu)
        return self.sched.yield_(now_ns=now_ns, cpu=cpu)

    def somebody_runs(self, cpu):
        if self.sched.current_on(cpu) is None:
            raise Impossible

    def op_tick(self, now_ns, cpu):
        return self.sched.tick(now_ns=now_ns, cpu=cpu)

    def op_advance(self, now_ns):
        return self.sched.advance(now_ns=now_ns)

    def op_nice(self, task, nice, now_ns):
        self.sched.set_nice(self.alive(task), nice, now_ns=now_ns)

    def op_policy(self, task, policy, now_ns):
        self.sched.set_policy(self.alive(task), policy, now_ns=now_ns)

    def op_slice(self, task, slice_ns, now_ns):
        self.sched.set_slice(self.alive(task), slice_ns, now_ns=now_ns)

    def op_move(self, task, group, now_ns):
        self.sched.move(self.alive(task), now_ns=now_ns, **self.where(group))

    def op_migrate(self, task, cpu, now_ns):
        task = self.alive(task)
        self.until(now_ns)  # by then it may run
        if task.state == "running":
            raise Impossible
        return self.sched.migrate(task, cpu, now_ns=now_ns)

    def alive(self, number):
        task = self.task(number)
        if task.state == "dead":
            raise Impossible
        return task

    def op_group(self, group, parent, shares, now_ns):
        if group in self.sched.groups:
            raise Impossible
        if self.sched.group_by == "uid":
            self.sched.create_user(int(group.removeprefix("uid:")), shares=shares, now_ns=now_ns)
        else:
            self.sched.create_group(group, shares=shares, parent=self.group(parent), now_ns=now_ns)

    def op_remove(self, group, now_ns):
        tg = self.sched.groups[self.group(group)]
        if tg.tasks or any(
            other.parent is not None and other.parent.name == group for other in self.sched.groups.values()
        ):
            raise Impossible
        self.sched.remove_group(group)

    def op_shares(self, group, shares, now_ns):
        self.sched.set_shares(self.group(group), shares, now_ns=now_ns)

    def op_gidle(self, group, idle, now_ns):
        self.sched.set_group_idle(self.group(group), idle, now_ns=now_ns)

    def op_tunable(self, name, value, now_ns):
        self.sched.set_tunables(**{name: value})

    def op_misuse(self, what, task, cpu, now_ns):
        """Something that is refused in any state; `Impossible` where the state is not the one it needs."""
        sched = self.sched
        if what == "back in time":
            if self.now == 0:
                raise Impossible
            sched.tick(now_ns=self.now - 1, cpu=cpu)
        elif what == "no such cpu":
            sched.tick(now_ns=now_ns, cpu=sched.cpus)
        elif what == "idle blocks":
            if sched.current_on(cpu) is not None:
                raise Impossible
            sched.block(now_ns=now_ns, cpu=cpu)
        elif what == "nice":
            sched.set_nice(self.task(task), 20, now_ns=now_ns)
        elif what == "no such policy":
            sched.fork(now_ns=now_ns, cpu=cpu, policy="fifo")
        elif what == "no such group":
            sched.fork(now_ns=now_ns, cpu=cpu, group="nowhere")
        elif what == "wake the dead":
            if self.task(task).state != "dead":
                raise Impossible
            sched.wake(self.task(task), now_ns=now_ns)
        else:
            self.until(now_ns)  # by then it may wait
            if self.task(task).state != "running":
                raise Impossible
            sched.migrate(self.task(task), (self.task(task).cpu + 1) % sched.cpus, now_ns=now_ns)


class TickedByHand(Machine):
    """A Machine to which the ticks that another one does by itself are sent: those of an instant by CPU."""

    def __init__(self, setting):
        super().__init__(setting, ticks=False)
        self.hz, self.instant, self.cpu = setting.hz, 1, 0

    def until(self, now_ns):
        while self.now < now_ns and self.instant * SECOND // self.hz <= now_ns:
            while self.cpu < self.sched.cpus:
                self.sched.tick(now_ns=self.instant * SECOND // self.hz, cpu=self.cpu)
                self.cpu += 1
            self.instant, self.cpu = self.instant + 1, 0
        self.sched.advance(now_ns=now_ns)

    def op_advance(self, now_ns):
        self.until(now_ns)


MISUSES = [
    "back in time", "no such cpu", "idle blocks", "nice", "no such policy", "no such group", "wake the dead",
    "move running",
]  # fmt: skip
UNDEFINED = ("a slice would be divided by 0", "would divide a slice by 0")
SAYS_TRUE = {"tick", "wake", "block", "exit", "yield", "migrate"}


# ---- Drawing ---------------------------------------------------------------------------------------


class Author:
    """Draws one operation after the other, looking at a machine for what is possible."""

    def __init__(self, rng, machine, setting):
        self.rng, self.machine, self.setting = rng, machine, setting
        self.model = cfs.MODELS[setting.model]
        self.nr_tasks = self.nr_groups = 0
        self.tasks_max = rng.choice([2, 5, 15, TASKS_MAX])
        self.mood, self.left = "a crowd gathers", 30

    def next_op(self):
        if self.left == 0:
            self.mood, self.left = self.rng.choice(list(MOODS)), self.rng.randint(10, 100)
        self.left -= 1
        odds = MOODS[self.mood]
        kind = self.rng.choices(list(odds), weights=list(odds.values()))[0]
        arguments = getattr(self, f"draw_{kind}")()
        if arguments is None:
            kind, arguments = "tick", self.draw_tick()
        if kind == "tick" and self.setting.hz is not None:
            kind, arguments = "advance", {}
        return {"op": kind, "dt": self.step_ns(), **arguments}

    def step_ns(self):
        draw = self.rng.random()
        if draw < 0.35:
            return self.rng.choice([0, 0, 1, self.rng.randrange(1000)])
        if draw < 0.75:
            return self.rng.randrange(MS)
        if draw < 0.9:
            return self.rng.choice([MS, 4 * MS, 10 * MS, (1 << 22) - 1, 1 << 22])
        return self.rng.randrange(20 * MS) if draw < 0.998 else self.rng.randrange(1000 * MS)

    def one_task(self, *states):
        found = [number for number, task in self.machine.tasks.items() if task.state in states]
        return self.rng.choice(found) if found else None

    def living(self):
        return self.one_task("running", "runnable", "blocked")

    def busy_cpu(self):
        busy = [cpu for cpu in range(self.setting.cpus) if self.machine.sched.current_on(cpu) is not None]
        return self.rng.choice(busy) if busy else None

    def any_cpu(self):
        return self.rng.randrange(self.setting.cpus)

    def any_group(self):
        return self.rng.choice(list(self.machine.sched.groups) or ["/"])

    def maybe(self, option, name, values):
        """An argument that only some models take."""
        return (
            {name: self.rng.choice(values)}
            if option in self.model.options and self.rng.random() < 0.3
            else {}
        )

    def any_nice(self):
        return self.rng.choice([0, 0, 0, -20, 19, self.rng.randint(-20, 19)])

    def any_shares(self):
        return self.rng.choice([1024, 1024, 2048, 512, 2, 3, 16_384, self.rng.randint(2, 10_000)])

    def draw_fork(self):
        if len(self.machine.sched.tasks) >= self.tasks_max:
            return None
        self.nr_tasks += 1
        where = {"start_cpu": self.any_cpu()} if self.rng.random() < 0.3 else {}
        return {
            "task": self.nr_tasks, "group": self.any_group(), "nice": self.any_nice(), "cpu": self.any_cpu(),
            "policy": self.rng.choice(self.model.policies), **where,
            **self.maybe("clone_vm", "clone_vm", [True]),
        }  # fmt: skip

    def draw_wake(self):
        task = self.one_task("blocked")
        if task is None or self.rng.random() < 0.1:
            task = self.living()
        if task is None:
            return None
        more = self.maybe("sync", "sync", [True]) | self.maybe("irq", "irq", [True])
        return {"task": task, "cpu": self.any_cpu(), **more}

    def draw_block(self):
        cpu = self.busy_cpu()
        return (
            None
            if cpu is None
            else {"cpu": cpu, **self.maybe("sleep", "sleep", ["interruptible", "uninterruptible"])}
        )

    def draw_exit(self):
        cpu = self.busy_cpu()
        return None if cpu is None else {"cpu": cpu}

    draw_yield = draw_exit

    def draw_tick(self):
        return {"cpu": self.any_cpu()}

    def of_a_task(self, **arguments):
        task = self.living()
        return None if task is None else {"task": task, **arguments}

    def draw_nice(self):
        return self.of_a_task(nice=self.any_nice())

    def draw_policy(self):
        return self.of_a_task(policy=self.rng.choice(self.model.policies))

    def draw_slice(self):
        if "slice" not in self.model.options:
            return None
        return self.of_a_task(
            slice_ns=self.rng.choice([0, 100_000, 3 * MS, 100 * MS, self.rng.randint(1, 20 * MS)])
        )

    def draw_move(self):
        return None if self.setting.group_by is None else self.of_a_task(group=self.any_group())

    def draw_migrate(self):
        task = self.one_task("runnable", "blocked")
        return None if task is None else {"task": task, "cpu": self.any_cpu()}

    def draw_group(self):
        if self.setting.group_by is None or len(self.machine.sched.groups) >= GROUPS_MAX:
            return None
        self.nr_groups += 1
        name = f"uid:{self.nr_groups}" if self.setting.group_by == "uid" else f"g{self.nr_groups}"
        parent = "/" if self.model.group_levels == 1 else self.any_group()
        return {"group": name, "parent": parent, "shares": self.any_shares()}

    def a_made_group(self):
        """Not the root."""
        names = [name for name in self.machine.sched.groups if name not in ("/", "uid:0")]
        return self.rng.choice(names) if names else None

    def draw_remove(self):
        group = self.a_made_group()
        return None if group is None else {"group": group}

    def draw_shares(self):
        group = self.a_made_group()
        return None if group is None else {"group": group, "shares": self.any_shares()}

    def draw_gidle(self):
        group = self.a_made_group() if "group idle" in self.model.options else None
        return None if group is None else {"group": group, "idle": self.rng.random() < 0.5}

    def draw_tunable(self):
        kind = self.model.tunables
        names = [
            f.name
            for f in fields(kind)
            if f.name not in kind.COMPILED_IN and not f.name.startswith("initial_")
        ]
        if not names:
            return None
        name = self.rng.choice(names)
        return {"name": name, "value": self.setting.tamed(name, a_value(self.rng, kind, name))}

    def draw_misuse(self):
        what = self.rng.choice(MISUSES)
        states = {"wake the dead": ["dead"], "move running": ["running"]}.get(
            what, ["running", "runnable", "blocked"]
        )
        task = self.one_task(*states)
        return None if task is None else {"what": what, "task": task, "cpu": self.any_cpu()}


# ---- Judging ---------------------------------------------------------------------------------------


class Broken(Exception):
    """A law does not hold; the text says which and how."""


class Pair:
    """Two machines that are told the same, and the laws."""

    def __init__(self, setting):
        self.one = Machine(setting)
        self.other = TickedByHand(setting) if setting.other_by_hand else Machine(setting)
        self.exec_ns = {}
        self.nr_done = 0
        self.is_snapshot = False  # the second machine, since the last look

    def apply(self, op):
        """Do it on both and judge; False if it was impossible, or was refused and is no misuse."""
        now_ns = self.one.now + op["dt"]
        try:
            said = self.one.apply(op, now_ns)
        except Impossible:
            self.follow()
            return False
        except cfs.CfsError as error:
            self.refused(op, error)
            self.follow()
            return op["op"] == "misuse"
        if op["op"] == "misuse":
            raise Broken(f"L6: accepted: {op['what']}")
        if op["op"] != "advance":
            self.follow()
        before = self.other.currents()
        self.other.apply(op, now_ns)
        self.judge(op, said, before)
        return True

    def follow(self):
        """The ticks that the first machine has done by itself happen to the second one, too."""
        try:
            self.other.until(self.one.now)
        except cfs.CfsError as error:
            self.refused({"op": "advance"}, error)

    def refused(self, op, error):
        if isinstance(error, cfs.InvariantError):
            raise Broken(f"L1: {error}") from error
        if op["op"] != "misuse" and not any(text in str(error) for text in UNDEFINED):
            raise Broken(f"L6: refused: {error}") from error

    def judge(self, op, said, before):
        try:
            self.one.sched.check()
        except cfs.InvariantError as error:
            raise Broken(f"L1: {error}") from error
        self.judge_states()
        self.judge_times()
        self.judge_answer(op, said, before, self.one.currents())
        self.nr_done += 1
        if self.nr_done % COMPARE_EVERY == 0:
            self.compare()

    def judge_answer(self, op, said, before, currents):
        if op["op"] in SAYS_TRUE:
            cpu = self.one.tasks[op["task"]].cpu if op["op"] == "wake" else op["cpu"]
            if said is not (currents[cpu] != before[cpu]):
                raise Broken(f"L5: said {said}; CPU {cpu} ran {before[cpu]}, runs {currents[cpu]}")
        if op["op"] == "advance" and not said and currents != before:  # who lost its CPU may have it again
            raise Broken(f"L5: said {said}; {before} ran, {currents} run")

    def judge_states(self):
        currents = [self.one.sched.current_on(cpu) for cpu in range(self.one.sched.cpus)]
        for task in self.one.sched.tasks:
            current = currents[task.cpu]
            if (task.state == "running") != (task is current):
                raise Broken(f"L2: {task} while CPU {task.cpu} runs {current}")
            if task.state == "runnable" and current is None:
                raise Broken(f"L2: {task} waits for CPU {task.cpu}, which idles")

    def judge_times(self):
        for number, task in self.one.tasks.items():
            now, before = task.sum_exec_ns, self.exec_ns.get(number, 0)
            if now < before:
                raise Broken(f"L4: task {number} had {before} ns and has {now}")
            self.exec_ns[number] = now
        lived = self.one.sched.cpus * self.one.now
        if sum(self.exec_ns.values()) > lived:
            raise Broken(f"L4: {sum(self.exec_ns.values())} ns of run time in {lived} ns of CPU time")

    def compare(self):
        """L3 and L7, which look at everything."""
        sched = self.one.sched
        for cpu in range(sched.cpus):
            queued = {task.id for task in tasks_in_queues(sched, cpu) if task.state != "blocked"}
            counted = {task.id for task in sched.tasks if task.cpu == cpu and task.state != "blocked"}
            if queued != counted:
                raise Broken(
                    f"L3: CPU {cpu} has tasks {sorted(queued)} in its queues, counted are {sorted(counted)}"
                )
        one, other = state_of(sched), state_of(self.other.sched)
        for key, value in one.items():
            if value != other[key]:
                which = "snapshot" if self.is_snapshot else "second machine"
                law = "L8" if isinstance(self.other, TickedByHand) else "L7"
                raise Broken(f"{law}: {key}: {value}, the {which} {other[key]}")
        self.is_snapshot = not self.is_snapshot
        if self.is_snapshot:
            self.other.go_on_from(self.other.sched.to_bytes())


def tasks_in_queues(sched, cpu):
    """The running task and every task in the queue of the CPU or of a group on it; some may sleep there."""
    if sched.current_on(cpu) is not None:
        yield sched.current_on(cpu)
    for group in [None, *sched.groups]:
        yield from (entity for entity in sched.queue(group, cpu) if isinstance(entity, cfs.Task))


def first_break(setting, ops):
    """(number of operations, what broke) of the first law that does not hold, or None."""
    pair = Pair(setting)
    for number, op in enumerate(ops, 1):
        try:
            pair.apply(op)
            if number == len(ops):
                pair.compare()
        except Broken as broken:
            return number, str(broken)
    return None


def shortened(setting, ops, seconds=60.0):
    """A list from which no operation can be left out so that the same law breaks, or as time allows."""
    number, why = first_break(setting, ops)
    ops, law, end = ops[:number], why.partition(":")[0], time.monotonic() + seconds
    size = len(ops) // 2
    while size >= 1:
        start = 0
        while start < len(ops) and time.monotonic() < end:
            fewer = ops[:start] + ops[start + size :]
            found = first_break(setting, fewer)
            if found and found[1].startswith(law):
                ops = fewer[: found[0]]
            else:
                start += size
        size //= 2
    return ops


def report(seed, setting, ops):
    """What a person needs to see of a failure: seed, settings, as few operations as can be, and the law."""
    short = shortened(setting, ops)
    return "\n".join([f"seed {seed}: {setting}", *map(str, short), first_break(setting, short)[1]])


def run(seed, model, group_by, nr_ops):
    """One seeded sequence. Returns (kinds of operations done, None), or (kinds, report of what broke)."""
    rng = random.Random(f"{seed} {model} {group_by}")
    setting = random_setting(rng, model, group_by)
    pair = Pair(setting)
    author = Author(rng, pair.one, setting)
    ops, kinds = [], set()
    try:
        for _ in range(nr_ops):
            ops.append(author.next_op())
            if pair.apply(ops[-1]):
                kinds.add(ops[-1]["op"])
        pair.compare()
    except Broken:
        return kinds, report(seed, setting, ops)
    return kinds, None
