"""Load balancing of Linux 2.6.24, the part that pulls: which CPU takes how much from which other one.

A CPU never pushes, it only pulls; so an idle or lightly loaded CPU finds out for itself, once in a while or
when it has just run dry, who has too much.  At each level of its domains (`domains_2_6_24.py`) it asks:
Which group is the busiest, and by how much?  Which CPU in it?  Which of the tasks waiting there may move?

    periodic(cpu)   at a tick when it is due          newly_idle(cpu)   in schedule(), nothing left to run
          |                                                 |
    Attempt.balance                                   Attempt.try_to_pull
          +--------------------+----------------------------+
                       Attempt.rounds: busiest group -> busiest CPU -> move_load
                               a round whose tasks are all pinned drops that CPU and tries again

Loads are sums of task weights.  `load[k]` remembers them over about 2**k ticks; between the present load
and a remembered one the smaller is used for others and the greater for oneself (`low_load`, `high_load`),
so nobody moves anything for a moment's difference.

If nothing will move though it should, the busiest CPU's *helper* is asked to push its running task over
(active balancing); the helper is in `smp_2_6_24.py`.

Section numbers: linux-2.6.24-smp.md, and where that says "as before" linux-2.6.24-cfs.md.
Where only the text speaks.  Each rule was broken once; none of the 88 public traces of many CPUs notices
these: how far ahead `next_balance` is without any domain; whether a busy CPU can have resting siblings, and
whether its own tasks count as busy; the lowest CPU of a group that has been dropped from the round; the
interval when a push is under way already; balance at exactly imbalance_pct; `pinned` after a pass with
limit 0 and after that over real-time tasks; `best` from a running task of the group; M - p in the imbalance;
exact equality in cache-hot and in too heavy; in the helper's push its mask, its hotness, its order of groups,
its refreshes.

Rejected: functions that return "who, how much, was anyone pinned, is anyone busy" side by side; an attempt
is an object, because three of its variables are kept from round to round (D.2).
"""

from tests.oracle.domains_2_6_24 import UNIT_POWER, Flag
from tests.oracle.fair_2_6_24 import s64, u64

IDLE, BUSY, NEWLY_IDLE = "idle", "busy", "newly idle"

FUZZ = 1024  # differences of load up to this do not count
PINNED_INTERVAL_MAX = 512  # ms; when nobody may move, wait longer than a level allows
SECONDS_AHEAD = 60
ALWAYS_HOT = (1 << 32) - 1


def scale(power, load):
    """sg of the specification: load / power (6.6), by a reciprocal and with 32 bits only."""
    reciprocal = (u64((1 << 32) + power - 1) // power) % (1 << 32)
    return (load % (1 << 32) * reciprocal >> 32) % (1 << 32)


# ---- Load figures (6.6) ----------------------------------------------------------------------------


def decay(cpu):
    """At each tick: load[k] goes a 2**-k of the way to the present load, rounded towards it."""
    for k, old in enumerate(cpu.cpu_load):
        steps = 1 << k
        new = cpu.load_weight + (steps - 1 if cpu.load_weight > old else 0)
        cpu.cpu_load[k] = (old * (steps - 1) + new) >> k


def low_load(cpu, index):
    return cpu.load_weight if index == 0 else min(cpu.cpu_load[index - 1], cpu.load_weight)


def high_load(cpu, index):
    return cpu.load_weight if index == 0 else max(cpu.cpu_load[index - 1], cpu.load_weight)


# ---- Which tasks may move (6.5) --------------------------------------------------------------------


def is_cache_hot(task, tunables):
    """Has it run so lately that its data are still in the cache of its CPU?"""
    cost = tunables.sched_migration_cost
    if cost in (0, ALWAYS_HOT):
        return cost == ALWAYS_HOT
    return s64(task.cpu.clock - task.exec_start) < cost


def is_movable(task, domain, tunables):
    """Not running, and cold, or the level has failed too often to be choosy.  (The mask is asked before.)"""
    if task is task.cpu.curr:
        return False
    return domain.nr_balance_failed > domain.level.cache_nice_tries or not is_cache_hot(task, tunables)


# ---- When (6.6, Trigger, Periodic, New-idle) -------------------------------------------------------


def jiffies_of(ms, hz):
    """Rounded up."""
    return -(-ms * hz // 1000)


def periodic(cpu):
    """Look at each level that is due, inside out, and note when the next one will be."""
    machine = cpu.machine
    kind = IDLE if cpu.curr is cpu.idle else BUSY
    jiffies = machine.jiffies()
    following = jiffies + SECONDS_AHEAD * machine.hz
    for domain in cpu.balanced_domains():
        interval = interval_of(domain, kind, machine)
        responsible = True
        if jiffies >= domain.last_balance + interval:
            attempt = Attempt(cpu, domain, kind)
            if attempt.balance():
                kind = BUSY  # for the outer levels, and for how often they are due
            responsible = attempt.responsible
            domain.last_balance = jiffies
        following = min(following, domain.last_balance + interval)
        if not responsible:
            break
    cpu.next_balance = following


def interval_of(domain, kind, machine):
    """Jiffies between two attempts at a level."""
    ms = domain.balance_interval * (1 if kind == IDLE else domain.level.busy_factor)
    longest = machine.hz * machine.tunables.NR_CPUS // 10
    return min(jiffies_of(ms, machine.hz), longest)


def newly_idle(cpu):
    """From schedule(), with nothing left to run: take something from somebody, now."""
    machine = cpu.machine
    jiffies = machine.jiffies()
    following = jiffies + machine.hz
    got = -1  # AS SPECIFIED: an innermost level without NEWIDLE stops at once, as if it had got something
    for domain in cpu.balanced_domains():
        if domain.has(Flag.BALANCE_NEWIDLE):
            got = Attempt(cpu, domain, NEWLY_IDLE).try_to_pull()
        following = min(following, domain.last_balance + jiffies_of(domain.balance_interval, machine.hz))
        if got:
            break
    if got or jiffies > cpu.next_balance:
        cpu.next_balance = following


# ---- How busy a group is (D.1) ---------------------------------------------------------------------


class GroupLoad:
    """The sums over the CPUs of a group that take part in a round."""

    def __init__(self, group, loads, nr_running, weight):
        self.group = group
        self.load = sum(loads)
        self.nr_running = nr_running
        self.weight = weight  # as it is now; the loads may be remembered ones
        self.scaled = scale(group.power, UNIT_POWER * self.load)
        self.is_uneven = bool(loads) and max(loads) - min(loads) > FUZZ

    def per_task(self):
        return self.weight // self.nr_running

    def can_be_busiest(self):
        """One task a CPU is not too much, unless the CPUs of the group differ."""
        return self.nr_running > self.group.power // UNIT_POWER or self.is_uneven


class Attempt:
    """One look of one CPU at one level, in as many rounds as there are CPUs with nothing but pinned tasks."""

    def __init__(self, cpu, domain, kind):
        self.cpu = cpu
        self.domain = domain
        self.kind = kind
        self.tunables = cpu.machine.tunables
        self.cpus = {other.number for other in cpu.machine.cpus}
        self.pinned = False
        self.siblings_rest = domain.has(Flag.SHARE_CPUPOWER) and kind != BUSY  # Z
        self.responsible = True

    # -- periodic balancing --

    def balance(self):
        """Move what shall be moved; how much was, or -1 if an idle CPU has a busy sibling."""
        domain = self.domain
        busiest, moved = self.rounds()
        if busiest is None:
            domain.nr_balance_failed = 0
            return self.fruitless()
        if moved:
            domain.nr_balance_failed = 0
            domain.balance_interval = domain.level.min_interval
            return moved
        domain.nr_balance_failed += 1
        if domain.nr_balance_failed <= domain.level.cache_nice_tries + 2:
            domain.balance_interval = domain.level.min_interval
            return self.result(0)
        if self.cpu.number not in busiest.curr.allowed:
            self.pinned = True
            return self.fruitless()
        return self.ask_for_a_push(busiest)

    def ask_for_a_push(self, busiest):
        """Have the running task of the busiest CPU pushed here, unless that is under way already."""
        level = self.domain.level
        asked = not busiest.active_balance
        if asked:
            busiest.active_balance = True
            busiest.push_cpu = self.cpu
            busiest.wake_helper()
        self.domain.nr_balance_failed = level.cache_nice_tries + 1
        if asked:
            self.wait_longer()
        else:
            self.domain.balance_interval = level.min_interval
        return self.result(0)

    def wait_longer(self):
        """AS SPECIFIED: doubled from below, the interval may pass its maximum."""
        if self.domain.balance_interval < self.domain.level.max_interval:
            self.domain.balance_interval *= 2

    def fruitless(self):
        """Balanced, or nobody may move: look more rarely."""
        if self.pinned and self.domain.balance_interval < PINNED_INTERVAL_MAX:
            self.domain.balance_interval *= 2
        else:
            self.wait_longer()
        return self.result(0)

    def result(self, moved):
        """R of the specification."""
        if not moved and self.domain.has(Flag.SHARE_CPUPOWER) and not self.siblings_rest:
            return -1
        return moved

    # -- new-idle balancing --

    def try_to_pull(self):
        """The same in a hurry: no intervals, no push, and it is always this CPU's own affair."""
        busiest, moved = self.rounds()
        if moved or (busiest is None and self.result(0) == 0):
            self.domain.nr_balance_failed = 0
        return self.result(moved)

    # -- rounds --

    def rounds(self):
        """(CPU, how much was moved from it), or (None, 0) if there is none to take from."""
        while True:
            group, imbalance = self.find_busiest_group()
            busiest = None if group is None else self.find_busiest_cpu(group, imbalance)
            if busiest is None:
                return None, 0
            if busiest.nr_running <= 1:
                return busiest, 0
            self.cpu.update_rq_clock()
            busiest.update_rq_clock()
            moved = self.move_load(busiest, imbalance)
            if not self.pinned:
                return busiest, moved
            self.cpus.discard(busiest.number)  # and what was moved is forgotten

    def index(self):
        level = self.domain.level
        return {IDLE: level.idle_idx, BUSY: level.busy_idx, NEWLY_IDLE: level.newidle_idx}[self.kind]

    # -- the busiest group (D.1) --

    def find_busiest_group(self):
        """(group, by how much it is too busy), or (None, 0)."""
        own_group, *other_groups = self.domain.groups
        own = self.load_of(own_group, high_load)
        if own is None:
            return None, 0
        others = [self.load_of(group, low_load) for group in other_groups]
        busiest, most = None, 0
        for other in others:
            if other.scaled > most and other.can_be_busiest():
                busiest, most = other, other.scaled
        if busiest is None or busiest.nr_running == 0:
            return None, 0
        average = self.average_load([own, *others])
        per_task = busiest.per_task()
        if busiest.is_uneven:
            per_task = min(per_task, average)
        if self.is_balanced(own, busiest, average) or busiest.scaled <= per_task:
            return None, 0
        return busiest.group, imbalance_of(own, busiest, average, per_task)

    def average_load(self, loads):
        total = sum(each.load for each in loads)
        return UNIT_POWER * total // sum(each.group.power for each in loads)

    def is_balanced(self, own, busiest, average):
        if own.scaled >= min(busiest.scaled, average):
            return True
        return 100 * busiest.scaled <= self.domain.level.imbalance_pct * own.scaled

    def load_of(self, group, remembered):
        """The sums of a group; None if it is the own one and another CPU of it shall balance."""
        cpus = [self.cpu.machine.cpus[number] for number in group.cpus if number in self.cpus]
        if any(cpu.nr_running for cpu in cpus):
            self.siblings_rest = False
        if remembered is high_load and not self.is_responsible(group, cpus):
            self.responsible = False
            return None
        loads = [remembered(cpu, self.index()) for cpu in cpus]
        running = sum(cpu.nr_running for cpu in cpus)
        return GroupLoad(group, loads, running, sum(cpu.load_weight for cpu in cpus))

    def is_responsible(self, group, cpus):
        """Of the own group the first idle CPU balances, else its first."""
        if self.kind == NEWLY_IDLE:
            return True
        idle = [cpu.number for cpu in cpus if cpu.curr is cpu.idle]
        return self.cpu.number == (idle[0] if idle else group.cpus[0])

    def find_busiest_cpu(self, group, imbalance):
        """The heaviest of the group, or None; one with a single task that is too heavy does not count."""
        heaviest, most = None, 0
        for number in group.cpus:
            cpu = self.cpu.machine.cpus[number]
            if number not in self.cpus or (cpu.nr_running == 1 and cpu.load_weight > imbalance):
                continue
            if cpu.load_weight > most:
                heaviest, most = cpu, cpu.load_weight
        return heaviest

    # -- moving (6.5) --

    def move_load(self, source, amount):
        """Pull about so much weight from a CPU; how much it was.

        First there is a pass over real-time tasks.  There are none that may move, but the pass leaves its
        mark: `pinned`, which is always that of the last pass.
        """
        self.pinned = amount > 0
        if amount == 0:
            return 0
        if not source.groups:
            return self.pull(source.top, amount, self.cpu.curr.prio)
        return self.pull_by_groups(source, amount)

    def pull_by_groups(self, source, amount):
        """Half the difference of the two queues of each group, newest group first."""
        rest = amount
        for name, group in reversed(source.groups.items()):
            here = self.cpu.groups[name].my_q
            difference = s64(group.my_q.load_weight - here.load_weight)
            if difference <= 0:
                continue
            rest -= self.pull(group.my_q, min(rest, difference // 2), self.best_prio_of(here))
            if rest <= 0:
                break
        return amount - rest

    def best_prio_of(self, queue):
        if queue.nr_running == 0:
            return self.cpu.idle.prio
        return (queue.curr or queue.tree[0]).prio

    def pull(self, queue, limit, best):
        """Move tasks of one queue, first ones first, until the limit is reached; it may be passed."""
        self.pinned = limit > 0
        if limit == 0:
            return 0
        rest = limit
        for task in list(queue.tree)[: self.tunables.sched_nr_migrate + 1]:
            # AS SPECIFIED: whom this passes over is not asked whether it may move, so `pinned` can stay
            # True though nobody is bound
            too_heavy = task.load.weight // 2 > rest + FUZZ
            if (too_heavy and task.prio >= best) or not self.may_take(task):
                continue
            task.cpu.migrate(task, self.cpu)
            rest -= task.load.weight
            if rest <= 0:
                break
            best = min(best, task.prio)
        return limit - rest

    def may_take(self, task):
        if self.cpu.number not in task.allowed:
            return False
        self.pinned = False
        return is_movable(task, self.domain, self.tunables)


def imbalance_of(own, busiest, average, per_task):
    """How much weight to move from the busiest group to the own one (D.1)."""
    high, low = busiest.scaled, own.scaled
    power_b, power_o = busiest.group.power, own.group.power
    imbalance = 0
    if high >= average:
        room = min(min(high - average, high - per_task) * power_b, (average - low) * power_o)
        imbalance = room // UNIT_POWER
        if imbalance >= per_task:
            return imbalance
    # Less than a task: move one after all, if it makes the two more equal, or puts more power to use.
    per_own, factor = UNIT_POWER, 2
    if own.nr_running:
        per_own = own.per_task()
        factor = 1 if per_task > per_own else 2
    if high - low + FUZZ >= per_task * factor:
        return per_task
    now = (power_b * min(per_task, high) + power_o * min(per_own, low)) // UNIT_POWER
    given = scale(power_b, UNIT_POWER * per_task)
    taken = scale(power_o, min(high * power_b, UNIT_POWER * per_task))
    left = power_b * min(per_task, high - given) if high > given else 0
    then = (left + power_o * min(per_own, low + taken)) // UNIT_POWER
    return per_task if then > now else imbalance
