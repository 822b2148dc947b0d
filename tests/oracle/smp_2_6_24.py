"""The slow twin: Linux 2.6.24 CFS on many CPUs, in plain Python, written to be read.

Each CPU is the one-CPU twin (`fair_2_6_24.py`): its own clock, queues, idle task.  This file adds what goes
on between them: on which CPU a woken, new or exec'ing task goes on, how a task takes its virtual runtime
along, the helper of each CPU, and who schedules when.  Which CPU sees which others is in
`domains_2_6_24.py`, who pulls what from whom in `balance_2_6_24.py`.

    Machine        the operations of a trace; knows which CPU executes
      Cpu          a fair.Machine, with a helper and domains
        Attempt    one look for work to pull

The ideas in five sentences.  Every operation is executed *by* one CPU, though it may change another's
queues; only its own clock is looked at, all others are as old as their last event.  Virtual runtimes of two
CPUs cannot be compared, so a task that moves keeps its distance from the floor of its queue (`rebase`).
Whoever makes a remote task run sets a flag on what runs there, and that CPU schedules by itself.  A flag
belongs to the task: left on one that was just switched out, it makes the CPU schedule twice when the task
is picked again.  What runs cannot be moved from outside, so each CPU has a helper thread that preempts it.

Section numbers: linux-2.6.24-smp.md (6.3 to 6.9), and linux-2.6.24-cfs.md for all others.

Not here, because no trace has it: power saving, distance tables, an idle task that is bound, a task that
runs where its mask forbids it.  SERIALIZE only counts when levels are dropped; attempts never overlap.

Rejected: a scheduler for many CPUs beside that for one.  Four small places of the one-CPU twin ask what
another CPU would change (`update_rq_clock`, `need_resched`, `idle_balance`, `child_may_run_first`); every
rule about vruntime stands there, once.

Invariants, looked at by `Machine.broken_invariants`: those of each CPU (I1 to I6), and

I7  Between operations no running task has the flag, no helper is awake, no request waits.
I8  Every task stands on a CPU that its mask allows.
"""

from dataclasses import dataclass

from tests.oracle import fair_2_6_24 as fair
from tests.oracle.balance_2_6_24 import (
    decay, high_load, is_cache_hot, is_movable, low_load, newly_idle, periodic, scale,
)  # fmt: skip
from tests.oracle.domains_2_6_24 import UNIT_POWER, Flag, Level, Topology, domains_of, levels_of
from tests.oracle.fair_2_6_24 import u64

HELPER_LOAD = fair.Load(177522, 24194)
PRIO_IDLE, PRIO_HELPER = 140, 0


@dataclass
class Tunables(fair.Tunables):
    """Those that only many CPUs can feel."""

    sched_migration_cost: int = 500_000
    sched_nr_migrate: int = 32
    NR_CPUS: int = 32  # for how many the kernel is built


# ---- Tasks -----------------------------------------------------------------------------------------


class Task(fair.Task):
    """A task that may be bound to some CPUs."""

    def __init__(self, number, nice, policy, queue, parent, allowed):
        super().__init__(number, nice, policy, queue, parent)
        self.allowed = allowed  # numbers of CPUs; never changed, only replaced
        self.need_resched = False

    @property
    def prio(self):
        return 120 + self.nice

    @property
    def cpu(self):
        """Where it is, or was last; a task asleep can be moved, too (D.3)."""
        return self.queue.machine


class Idle(Task):
    prio = PRIO_IDLE


class Helper(Task):
    """The real-time thread of a CPU.  It is on no queue of the fair class, only in the CPU's sums."""

    prio = PRIO_HELPER

    def __init__(self, cpu):
        super().__init__(0, 0, "normal", cpu.top, None, frozenset([cpu.number]))
        self.load = HELPER_LOAD
        self.state = "blocked"

    def path(self):
        return iter(())


@dataclass
class Request:
    """Someone wants a task on another CPU; perhaps it waits for that (6.9)."""

    task: Task
    target: "Cpu"
    waiter: Task | None


# ---- One of many CPUs ------------------------------------------------------------------------------


class Cpu(fair.Machine):
    """A CPU among others."""

    def __init__(self, machine, number, groups):
        self.machine = machine
        self.number = number
        super().__init__(groups, machine.tunables)
        self.tasks = machine.tasks
        self.cpu_load = [0] * 5
        self.next_balance = 0  # jiffies
        self.domains = []  # innermost first
        self.helper = Helper(self)
        self.requests = []  # newest first
        self.active_balance = False  # is the helper asked to push a task to push_cpu?
        self.push_cpu = None

    def make_idle(self, group):
        """AS THE TRACES HAVE IT: allowed everywhere.  In the kernel it and its children are bound (6.4)."""
        idle = Idle(0, 0, "normal", self.queue_of(group), group, self.machine.everywhere)
        idle.vruntime = self.tunables.initial_idle_vruntime
        return idle

    # The flag belongs to the task.  Whatever asks for a reschedule here sets that of the running one.

    @property
    def need_resched(self):
        return self.curr.need_resched

    @need_resched.setter
    def need_resched(self, value):
        self.curr.need_resched = value

    def is_executing(self):
        return self.machine.executing is self

    def update_rq_clock(self):
        """Only the executing CPU looks at its clock (6.1)."""
        if self.is_executing():
            self.clock = self.machine.now

    def child_may_run_first(self):
        return super().child_may_run_first() and self.is_executing()

    # -- domains --

    def balanced_domains(self):
        return [domain for domain in self.domains if domain.has(Flag.LOAD_BALANCE)]

    def innermost_with(self, other, domains):
        """The innermost of some domains that contains another CPU, or None."""
        return next((domain for domain in domains if other.number in domain.span), None)

    # -- the decision --

    def schedule(self):
        """Until no flag is left on the one that was chosen (5.6 step 7); a helper takes its turn at once."""
        super().schedule()
        while self.need_resched:
            super().schedule()
        if self.curr is self.helper:
            self.helper_turn()

    def idle_balance(self):
        newly_idle(self)

    def pick_next_task(self):
        return self.helper if self.helper.state == "running" else super().pick_next_task()

    def check_preempt_curr(self, task):
        """The helper preempts everyone and nobody preempts it (5.9 step 1)."""
        if self.curr is self.helper:
            return
        if task is self.helper and self.curr is not self.idle:
            self.update_rq_clock()
            self.curr.queue.update_curr()
            self.need_resched = True
            return
        super().check_preempt_curr(task)

    def tick(self):
        """The tick proper, and balancing if it is due (6.6, Trigger)."""
        decay(self)
        super().tick()
        if self.machine.jiffies() >= self.next_balance:
            periodic(self)

    # -- from CPU to CPU --

    def rebase(self, task):
        """Make this the CPU of a task that is on no queue (6.2)."""
        group = None if task.parent is None else self.groups[task.parent.name]
        queue = self.queue_of(group)
        task.vruntime = u64(task.vruntime - task.queue.min_vruntime + queue.min_vruntime)
        task.queue, task.parent = queue, group

    def migrate(self, task, target):
        """Move a task that waits here (6.5)."""
        self.deactivate_task(task)
        target.rebase(task)
        target.activate_task(task, wakeup=False)
        target.check_preempt_curr(task)

    def request_move(self, task, target, waiter):
        """Have a task of this CPU moved (6.9); whether someone has to do it first."""
        if not task.on_rq and task is not self.curr:
            target.rebase(task)
            return False
        self.requests.insert(0, Request(task, target, waiter))
        self.wake_helper()
        return True

    # -- the helper (6.7) --

    def wake_helper(self):
        if self.helper.state == "blocked":
            self.wake_up(self.helper)

    def helper_turn(self):
        """Push a task if asked to, serve all requests, sleep."""
        if self.active_balance:
            self.push_a_task()
            self.active_balance = False
        while self.requests:
            self.serve(self.requests.pop(0))
        self.helper.state = "blocked"
        self.schedule()

    def push_a_task(self):
        """The first that may move, group by group, newest first; what ran here waits in its tree now."""
        target = self.push_cpu
        domain = target.innermost_with(self, target.balanced_domains())
        if self.nr_running <= 1 or domain is None:
            return
        self.update_rq_clock()
        target.update_rq_clock()
        queues = [group.my_q for group in reversed(self.groups.values())] or [self.top]
        waiting = (task for queue in queues for task in queue.tree)
        for task in waiting:
            if target.number in task.allowed and is_movable(task, domain, self.tunables):
                self.migrate(task, target)
                return

    def serve(self, request):
        """Move a task that is still here and may still go there; in any case its waiter may go on (D.7)."""
        task, target = request.task, request.target
        if task.cpu is self and target.number in task.allowed:
            self.update_rq_clock()
            target.update_rq_clock()
            if task.on_rq:
                self.migrate(task, target)
            else:
                target.rebase(task)
        if request.waiter is not None:
            self.machine.wake_on_chosen_cpu(request.waiter, sync=False)

    # -- what a trace shows --

    def row(self):
        of_one_cpu = super().state()
        row = {name: of_one_cpu[name] for name in ("cpu", "rq", "tree")} | {
            "cpu_load": list(self.cpu_load),
            "next_balance": self.next_balance,
            "sd": self.domain_rows(),
        }
        if self.groups:
            row["gent"] = {name: group.row() for name, group in self.groups.items()}
        return row

    def own_tasks(self):
        return [task for task in self.tasks.values() if task.cpu is self]

    def domain_rows(self):
        rows = [[d.last_balance, d.balance_interval, d.nr_balance_failed] for d in self.domains]
        return rows[0] if self.machine.shows_one_level else rows


# ---- The machine -----------------------------------------------------------------------------------


class Machine:
    """All CPUs, and the operations of a trace.

    >>> machine = Machine(2)
    >>> fork = {"op": "fork", "cpu": 0, "group": "/", "nice": 0, "policy": "normal", "parent": 0}
    >>> [machine.apply({"t": 1000 + task, "task": task} | fork) for task in (1, 2)]
    [[0], [0]]
    >>> [machine.apply({"t": 4_000_000, "op": "tick", "cpu": cpu}) for cpu in (0, 1)]
    [[], [1]]
    >>> machine.brief_state()["curr"]
    [2, 1]
    """

    def __init__(
        self, nr_cpus, groups="none", tunables=None, *, hz=1000, topology=None, levels=None,
        caller_waits=False,
    ):  # fmt: skip
        self.tunables = tunables or Tunables()
        self.hz = hz
        self.topology = topology or Topology.flat(nr_cpus)
        self.shows_one_level = topology is None and nr_cpus > 1  # as the older traces do
        self.caller_waits = caller_waits  # for a move that it asked for: kernels without preemption
        self.now = 0
        self.everywhere = frozenset(range(nr_cpus))
        self.tasks = {}
        self.cpus = [Cpu(self, number, groups) for number in range(nr_cpus)]
        self.executing = self.cpus[0]
        for cpu in self.cpus:
            cpu.domains = domains_of(self.topology, cpu.number, levels or levels_of(nr_cpus))

    @classmethod
    def from_header(cls, header):
        """As the header of a trace describes it; the older traces know one level, in their tunables."""
        topology, levels = None, None
        if "topology" in header:
            topology = Topology.of_trace(header["topology"])
            levels = Level.all_of_trace(header["levels"])
        else:
            levels = [Level.of_trace("cpu", header["tunables"]["sd"])]
        return cls(
            header["cpus"], header["groups"], Tunables.from_header(header["tunables"]), hz=header["hz"],
            topology=topology, levels=levels, caller_waits=header.get("wait") == "sleep",
        )  # fmt: skip

    def jiffies(self):
        return self.now * self.hz // 1_000_000_000

    # -- a line of a trace in, a state out --

    def apply(self, line):
        """Do the operation of a line; the CPUs that it made want to schedule, which they then do (11)."""
        arguments = {name: value for name, value in line.items() if name not in ("t", "op", "cpu", "s")}
        self.now = line["t"]
        self.executing = self.cpus[line["cpu"]]
        self.event(line["op"])(**arguments)
        flagged = [cpu.number for cpu in self.cpus if cpu.need_resched]
        self.settle()
        return flagged

    def event(self, op):
        return self.yield_ if op == "yield" else getattr(self, op)

    def settle(self):
        """Whoever has the flag schedules: the executing CPU first, then the others, until none has (11)."""
        first = self.executing
        order = [first, *(cpu for cpu in self.cpus if cpu is not first)]
        while any(cpu.need_resched for cpu in order):
            for cpu in order:
                if cpu.need_resched:
                    self.executing = cpu
                    cpu.schedule()

    def brief_state(self):
        return {"curr": [cpu.curr.number for cpu in self.cpus]}

    def state(self):
        tasks = self.tasks.values()
        return self.brief_state() | {
            "ent": {task.name: [*task.row(), task.cpu.number] for task in tasks},
            "cpus": [cpu.row() for cpu in self.cpus],
            "allowed": {t.name: sorted(t.allowed) for t in tasks if t.allowed != self.everywhere},
        }

    # -- the checker --

    def broken_invariants(self):
        """One sentence for each invariant that does not hold; to be asked between operations."""
        for cpu in self.cpus:
            yield from (f"CPU {cpu.number}: {sentence}" for sentence in cpu.broken_invariants())
            if cpu.need_resched or cpu.helper.state == "running" or cpu.requests or cpu.active_balance:
                yield f"I7 CPU {cpu.number}: something is left to be done"
        for task in self.tasks.values():
            if task.cpu.number not in task.allowed:
                yield f"I8 task {task.name} is on CPU {task.cpu.number}, allowed are {sorted(task.allowed)}"

    # -- operations that one CPU does for itself --

    def tick(self):
        self.executing.tick()

    def block(self):
        self.executing.block()

    def exit(self):
        self.executing.exit()

    def yield_(self):
        self.executing.yield_()

    # -- operations on a task, wherever it is, or on all CPUs --

    def nice(self, task, nice):
        self.tasks[task].cpu.nice(task, nice)

    def policy(self, task, policy):
        self.tasks[task].cpu.policy(task, policy)

    def move(self, task, group):
        self.tasks[task].cpu.move(task, group)

    def group(self, group, shares, parent="/"):
        for cpu in self.cpus:
            cpu.group(group, shares, parent)

    def shares(self, group, shares):
        for cpu in self.cpus:
            cpu.shares(group, shares)

    def affinity(self, task, allowed):
        """A new mask (6.9).  One that names no CPU of this machine is refused."""
        task = self.tasks[task]
        allowed = self.everywhere & frozenset(allowed)
        if not allowed:
            return
        task.allowed = allowed
        if task.cpu.number not in allowed:
            self.request_move(task, self.cpus[min(allowed)])

    def request_move(self, task, target):
        """Where a kernel does not preempt, the caller sleeps until it is done (6.9)."""
        caller = self.executing.curr
        waiter = caller if self.caller_waits and caller is not self.executing.idle else None
        if task.cpu.request_move(task, target, waiter) and waiter is not None:
            self.executing.block()

    # -- wake (6.3) --

    def wake(self, task, sync=0):
        task = self.tasks[task]
        if task.state == "blocked":
            self.wake_on_chosen_cpu(task, sync=bool(sync))

    def wake_on_chosen_cpu(self, task, *, sync):
        cpu = self.cpu_for_woken(task, sync=sync)
        if cpu is not task.cpu:
            cpu.rebase(task)
        cpu.wake_up(task)

    def cpu_for_woken(self, task, *, sync):
        cpu = self.waker_or_previous(task, sync=sync)
        return self.idle_near(cpu, task) if self.topology.smt else cpu

    def waker_or_previous(self, task, *, sync):
        """Steps 1 to 6: where it was, or to its waker."""
        here, there = self.executing, task.cpu
        if here is there or here.number not in task.allowed:
            return there
        domain = here.innermost_with(there, here.domains)
        if domain is None:
            return there
        if domain.has(Flag.WAKE_AFFINE) and self.wakes_affine(task, domain, sync=sync):
            return here
        low, high = low_load(there, domain.level.wake_idx), high_load(here, domain.level.wake_idx)
        return here if domain.has(Flag.WAKE_BALANCE) and half_percent(domain) * high <= 100 * low else there

    def wakes_affine(self, task, domain, *, sync):
        """Step 5: does it do no harm to have it here?"""
        here, there, index = self.executing, task.cpu, domain.level.wake_idx
        if sync and not is_cache_hot(task, self.tunables):
            return True
        low, load = low_load(there, index), high_load(here, index)
        if sync:
            load = u64(load - here.curr.load.weight)  # AS SPECIFIED: it may wrap (7.16)
        per_task = here.load_weight // here.nr_running if here.nr_running else UNIT_POWER
        if load <= low and u64(load + high_load(there, index)) <= per_task:
            return True
        return u64(100 * (load + task.load.weight)) <= half_percent(domain) * low

    def idle_near(self, cpu, task):
        """Step 7, kernels that know SMT: the first idle CPU that shares something with this one."""
        if cpu.curr is cpu.idle or cpu.nr_running > 1:
            return cpu
        for domain in cpu.domains:
            if not domain.has(Flag.WAKE_IDLE):
                break
            for other in (self.cpus[number] for number in domain.span if number in task.allowed):
                if other.curr is other.idle:
                    return other
        return cpu

    # -- fork and exec (6.4) --

    def fork(self, task, group, nice, policy, parent=None, allowed=None):
        """A child of what runs here, on a CPU of its own choice (5.7).

        `parent` of a trace line is always the running task, so it is not looked at.
        """
        forker = self.executing.curr
        child = self.child_of(forker, task)
        self.change_before_first_wake(child, group, nice, policy, allowed)
        cpu = child.cpu
        cpu.update_rq_clock()
        if forker.on_rq:
            cpu.task_new(child)
        else:
            cpu.activate_task(child, wakeup=False)
        cpu.check_preempt_curr(child)

    def child_of(self, forker, number):
        """A copy, on the CPU that fork balancing finds (5.7, steps 1 and 2)."""
        child = Task(number, forker.nice, forker.policy, forker.queue, forker.parent, forker.allowed)
        child.vruntime = forker.vruntime
        self.tasks[number] = child
        cpu = self.idlest_cpu(forker, Flag.BALANCE_FORK)
        if cpu is not child.cpu:
            cpu.rebase(child)
        return child

    def change_before_first_wake(self, child, group, nice, policy, allowed):
        """Step 3.  Each is a change like any other, so it looks at the clock, if it changes anything."""
        if child.parent is not None and group != child.parent.name:
            self.move(child.number, group)
        if nice != child.nice:
            self.nice(child.number, nice)
        if policy != child.policy:
            self.policy(child.number, policy)
        if allowed is not None:
            self.affinity(child.number, allowed)

    def exec(self):
        """The running task begins another program: nothing of it is in a cache, so it may as well move."""
        task = self.executing.curr
        cpu = self.idlest_cpu(task, Flag.BALANCE_EXEC)
        if cpu is not task.cpu:
            self.request_move(task, cpu)

    def idlest_cpu(self, task, flag):
        """From the outermost level inwards: into the idlest group, to its idlest CPU, and on from there."""
        cpu = task.cpu
        outwards = list(cpu.domains)
        while outwards:
            domain = outwards.pop()
            group = self.idlest_group(cpu, domain, task) if domain.has(flag) else None
            if group is None:
                continue
            allowed = [self.cpus[number] for number in group.cpus if number in task.allowed]
            cpu = min(allowed, key=lambda each: each.load_weight)
            outwards = smaller_than(domain, cpu.domains)
        return cpu

    def idlest_group(self, cpu, domain, task):
        """Of the other groups of a domain, if it is idler by enough; else None.  Only allowed ones count."""
        index = domain.level.forkexec_idx
        own, best, least = 0, None, None
        for group in domain.groups:
            if not task.allowed.intersection(group.cpus):
                continue
            is_own = cpu.number in group.cpus
            remembered = low_load if is_own else high_load
            load = scale(group.power, UNIT_POWER * sum(remembered(self.cpus[i], index) for i in group.cpus))
            if is_own:
                own = load
            elif best is None or load < least:
                best, least = group, load
        return None if best is None or 100 * own < half_percent(domain) * least else best


def half_percent(domain):
    """100, and half of what the level calls an imbalance."""
    return 100 + (domain.level.imbalance_pct - 100) // 2


def smaller_than(domain, domains):
    """The innermost domains with fewer CPUs, up to the first that has not."""
    smaller = []
    for each in domains:
        if len(each.span) >= len(domain.span):
            break
        smaller.append(each)
    return smaller
