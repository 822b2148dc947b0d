"""The state of one CPU in a form that every variant can start from, and end in.

What it decides: what "the same final state" means: the clock, who runs, what every task and group has run,
really and virtually, every floor, and every queue in its order. A variant that leaves out a part of the
accounting differs.

A case is a number of runnable tasks, a layout (flat, or all tasks in one group, or in several) and a mix of
nice values. `boot` makes the Scheduler of a case by its public calls; `state_of` reads it the same way.
"""

from typing import NamedTuple

import cfs
from cfs.models import MODELS, Model

from . import derived
from .build import compiled

MODEL = "linux-2.6.24-cfs"
SEED = 0x9E3779B97F4A7C15       # of the run lengths; any number but 0
MASK = 2**64 - 1
NICE_MULTIPLIER = 17            # coprime to 40: every nice value once in 40 tasks, in a scattered order


class DerivedModel(Model):
    """A model whose class is compiled with the baselines."""

    def sched_class(self):
        return compiled(derived.NAME).SCHED_CLASS


DIVIDING = DerivedModel(
    **vars(MODELS[MODEL]) | {"id": derived.MODEL, "summary": "2.6.24 with a division in each charge"}
)


class Case(NamedTuple):
    nr_tasks: int
    nr_groups: int = 0          # 0: flat
    mix: str = "mixed"          # nice values: "mixed", all 40 of them, or "equal", all 0

    @property
    def layout(self):
        return {0: "flat", 1: "one group deep"}.get(self.nr_groups, f"{self.nr_groups} groups")

    def nice_of(self, i):
        return i * NICE_MULTIPLIER % 40 - 20 if self.mix == "mixed" else 0


class Entity(NamedTuple):
    vruntime: int               # modulo 2**64
    ran: int                    # ns
    weight: int
    inverse: int


class State(NamedTuple):
    now: int                    # ns
    current: int                # number of the running task
    tasks: tuple                # of Entity
    groups: tuple               # of Entity
    group_of: tuple             # task -> group, -1 without
    floors: tuple               # of the top queue, then of each group's
    waiting: tuple              # tuples of numbers, the next to run first; same order as `floors`


def run_lengths(random, steps):
    """Yield the random number and the run length, ns, of each step: the twin of textbook.h."""
    for _ in range(steps):
        random ^= random << 13 & MASK
        random ^= random >> 7
        random ^= random << 17 & MASK
        yield random, 1000 + (random >> 41)


def boot(case, model=MODEL):
    """A Scheduler with the tasks of the case runnable, forked 1 microsecond apart."""
    sched = cfs.Scheduler(model, group_by="cgroup" if case.nr_groups else None)
    groups = [sched.create_group(f"g{g}") for g in range(case.nr_groups)]
    for i in range(case.nr_tasks):
        group = {"group": groups[i % case.nr_groups]} if groups else {}
        sched.fork(nice=case.nice_of(i), now_ns=1000 * (i + 1), **group)
    return sched


def entity_from(fields):
    return Entity(fields["vruntime"], fields["sum_exec_runtime"], fields["load_weight"], fields["inv_weight"])


def state_of(sched, case):
    """The State of the Scheduler of a case, read through the public calls."""
    names = [f"g{g}" for g in range(case.nr_groups)]
    groups = [sched.groups[name] for name in names]
    number = {task: task.id - 1 for task in sched.tasks} | {group: g for g, group in enumerate(groups)}
    queues = [None, *groups]
    return State(
        now=sched.cpu_fields()["clock"],
        current=number[sched.current],
        tasks=tuple(entity_from(task.fields()) for task in sched.tasks),
        groups=tuple(entity_from(group.fields()) for group in groups),
        group_of=tuple(number[task.group] if groups else -1 for task in sched.tasks),
        floors=tuple(sched.queue_fields(queue)["min_vruntime"] for queue in queues),
        waiting=tuple(tuple(number[entity] for entity in sched.queue(queue)) for queue in queues),
    )
