"""Builders that hide what does not matter to a test, and the whole state of a Scheduler as plain values.

Nothing here expects anything: the laws stand in the tests.
"""

import random
from contextlib import contextmanager

import cfs

MS = 1_000_000
U64 = 2**64


def signed(difference):
    """A difference of counters modulo 2**64, read as a signed number."""
    return (difference + U64 // 2) % U64 - U64 // 2


def a_scheduler(model="linux-2.6.24-cfs", **options):
    return cfs.Scheduler(model, **options)


def hogs(sched, nr, *, now_ns=0, **options):
    """`nr` tasks, forked one after the other, that never sleep."""
    return [sched.fork(now_ns=now_ns, **options) for _ in range(nr)]


def a_blocked_task(sched, *, now_ns, **options):
    """A task that is forked by the idle task, and sleeps at once."""
    task = sched.fork(now_ns=now_ns, **options)
    sched.block(now_ns=now_ns)
    return task


def ticks(sched, until_ns, *, every_ns=MS):
    """Tick CPU 0 up to and including `until_ns`; yields after each tick."""
    now = sched.now_ns
    while now < until_ns:
        now = min(now + every_ns, until_ns)
        sched.tick(now_ns=now)
        yield now


def run(sched, until_ns, *, every_ns=MS):
    for _ in ticks(sched, until_ns, every_ns=every_ns):
        pass


# ---- The whole state -----------------------------------------------------------------------------


def names_of(entities):
    return [entity.name for entity in entities]


def state_of(sched):
    """Everything that can be seen of a Scheduler, as plain values: equal dumps, equal states."""
    return {
        "time": (sched.now_ns, sched.resched, sched.nr_running),
        "tunables": sched.tunables,
        "cpus": [state_of_cpu(sched, cpu) for cpu in range(sched.cpus)],
        "tasks": [state_of_task(task) for task in sched.tasks],
        "groups": {name: state_of_group(group, sched.cpus) for name, group in sched.groups.items()},
        "users": list(sched.users),
    }


def state_of_cpu(sched, cpu):
    current = sched.current_on(cpu)
    return (
        None if current is None else current.id,
        sched.cpu_fields(cpu),
        sched.queue_fields(cpu=cpu),
        names_of(sched.queue(cpu=cpu)),
    )


def state_of_task(task):
    facts = (task.id, task.name, task.state, task.nice, task.policy, task.prio, task.cpu, task.uid)
    return facts, None if task.group is None else task.group.name, task.fields()


def state_of_group(group, cpus):
    per_cpu = [
        (group.fields(cpu), group.queue_fields(cpu), names_of(group.queue(cpu))) for cpu in range(cpus)
    ]
    return group.shares, names_of(group.tasks), per_cpu


@contextmanager
def unchanged(sched):
    """What happens inside changes nothing: the state before and after is equal, and so is the next task's
    id.
    """
    before = state_of(sched)
    yield
    assert state_of(sched) == before


# ---- Random events, of any model -----------------------------------------------------------------


def random_events(sched, seed, nr_events, *, group_by=None, tick_ns=MS):
    """Drive a Scheduler by random forks, sleeps, wakeups, exits, ticks, renices; yields after each event.

    Valid for every model, because it looks only at what each Scheduler has: states of tasks and the
    running one.
    """
    rng = random.Random(seed)
    now = 0
    if group_by == "cgroup":
        sched.create_group("a")
        sched.create_group("b", shares=512)
    for _ in range(nr_events):
        now += rng.choice([0, rng.randrange(100_000), rng.randrange(3 * tick_ns)])
        event = rng.choice(
            ["fork", "block", "block", "wake", "wake", "exit", "nice", "policy", "yield"] + 12 * ["tick"]
        )
        yield send(sched, rng, event, now, group_by), now


def send(sched, rng, event, now, group_by):
    """One event if it is possible now, otherwise a tick; returns the name of what was sent."""
    tasks = sched.tasks
    blocked = [task for task in tasks if task.state == "blocked"]
    if event == "fork" and len(tasks) < 12:
        where = {
            "uid": {"uid": rng.randrange(3)},
            "cgroup": {"group": rng.choice(list(sched.groups) or ["/"])},
        }.get(group_by, {})
        sched.fork(now_ns=now, nice=rng.choice([0, 0, -5, 5, 10]), **where)
    elif event == "wake" and blocked:
        sched.wake(rng.choice(blocked), now_ns=now)
    elif event in ("block", "exit", "yield") and sched.current is not None:
        {"block": sched.block, "exit": sched.exit, "yield": sched.yield_}[event](now_ns=now)
    elif event == "nice" and tasks:
        sched.set_nice(rng.choice(tasks), rng.randrange(-20, 20), now_ns=now)
    elif event == "policy" and tasks:
        sched.set_policy(rng.choice(tasks), rng.choice(["normal", "batch"]), now_ns=now)
    else:
        sched.tick(now_ns=now)
        return "tick"
    return event
