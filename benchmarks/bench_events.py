"""The other events: tick, wakeup with preemption and block, fork and exit, ring; for every model.

What it measures, in compiled code, as an embedder calls it:

    2.6.24, flat      each operation beside the textbook in C doing the same events; final states compared
    EEVDF, 0 to 3 groups deep, and the other models: times alone, the bar for them is in instructions

What the operations are says the head of `baselines/_events.pyx`. A cycle is two switches; that every cycle
preempted is checked. Kernel figures: instructions of the kernel's own code per operation in user space (gcc
12 -O2), where there is one for the same operation.
"""

import sys
from typing import NamedTuple

import pytest

import cfs
from benchmarks import common
from benchmarks.baselines import compiled, state

CFS, O1, OLD, EEVDF = MODELS = (
    "linux-2.6.24-cfs", "linux-2.6.22-o1", "linux-2.6.23-cfs", "linux-6.18-eevdf"
)
DIVIDING = state.DIVIDING.id  # the class of CFS with a division in each charge (baselines/derived.py)
SHORT = {CFS: "2.6.24", O1: "O(1)", OLD: "2.6.23", EEVDF: "EEVDF", DIVIDING: "2.6.24, dividing"}
TEXTBOOK = "textbook C"
OURS = "cfs, compiled"
DEPTHS = {0: "flat", 1: "one group deep", 2: "two groups deep", 3: "three groups deep"}


class Setting(NamedTuple):
    model: str
    operation: str
    nr_tasks: int  # runnable; of a ring: its length
    depth: int = 0
    mix: str = "equal"

    @property
    def layout(self):
        return DEPTHS[self.depth]

    def nice_of(self, i):
        return i * 17 % 40 - 20 if self.mix == "mixed" else 0


# instructions of the kernel's own code, loops not included; EEVDF without load tracking
KERNEL = {
    Setting(CFS, "cycle", 8): 677,
    Setting(CFS, "cycle", 512): 895,
    Setting(CFS, "cycle", 8, 1): 1075,
    Setting(CFS, "cycle", 512, 1): 1293,
    Setting(CFS, "tick", 8): 147,
    Setting(CFS, "tick", 512): 147,
    Setting(CFS, "tick", 8, 1): 206,
    Setting(CFS, "tick", 512, 1): 206,
    Setting(CFS, "ring", 8): 326,
    Setting(OLD, "ring", 8): 552,
    Setting(O1, "ring", 8): 333,
    Setting(EEVDF, "turn", 8): 830,
    Setting(EEVDF, "turn", 512): 1136,
    Setting(EEVDF, "block + wake", 8): 1550,
    Setting(EEVDF, "block + wake", 512): 2130,
    Setting(EEVDF, "tick", 8): 159,
    Setting(EEVDF, "tick", 512): 168,
}
COUNTED = [
    *(Setting(CFS, op, n, depth) for op in ("cycle", "tick") for depth in (0, 1) for n in (8, 512)),
    *(Setting(CFS, "fork + exit", n) for n in (8, 512)),
    *(Setting(model, "ring", 8) for model in (O1, OLD, CFS, EEVDF, DIVIDING)),
    *(Setting(model, "ring", 8, mix="mixed") for model in (CFS, DIVIDING)),
    *(
        Setting(EEVDF, op, n, depth)
        for op in ("turn", "block + wake")
        for depth in (0, 1, 3)
        for n in (8, 512)
    ),
    *(Setting(EEVDF, "tick", n) for n in (8, 512)),
]


def groups_of(sched, depth):
    """A chain of groups, the innermost; nothing if flat."""
    group = None
    for level in range(depth):
        parent = {} if group is None else {"parent": group}
        group = sched.create_group(f"level{level}", **parent)
    return {} if group is None else {"group": group}


def boot(setting):
    """A Scheduler with the setting's tasks runnable, one more asleep; of a ring: all asleep but one."""
    model = state.DIVIDING if setting.model == DIVIDING else setting.model
    sched = cfs.Scheduler(model, group_by="cgroup" if setting.depth else None)
    group = groups_of(sched, setting.depth)
    ring = setting.operation == "ring"
    nr_asleep = setting.nr_tasks - 1 if ring else 1
    tasks = setting.nr_tasks + (0 if ring else 1)
    now = 0
    for i in range(tasks):
        now += 1000
        sched.fork(nice=setting.nice_of(i), now_ns=now, **group)
    asleep = []
    while len(asleep) < nr_asleep:
        now += 1_000_000
        asleep.append(sched.current)
        sched.block(now_ns=now)
        if not ring and setting.model == EEVDF:
            break
    sched.fork(now_ns=now + 1000, **group)  # leaves room for the next fork
    while len([task for task in sched.tasks if task.state != "blocked"]) > (1 if ring else setting.nr_tasks):
        now += 1_000_000
        sched.exit(now_ns=now)
    return sched, [task for task in sched.tasks if task.state == "blocked"]


def variant_of(setting, operation=None):
    sched, asleep = boot(setting)
    return compiled("_events").Events(operation or setting.operation, sched, asleep)


def textbook_of(setting, ours, dividing=False):
    return compiled("_events").TextbookEvents(setting.operation, ours.start(), dividing=dividing)


def loop_of(setting):
    return compiled("_events").TextbookEvents(
        "nothing", variant_of(setting._replace(model=CFS, depth=0)).start()
    )


def has_textbook(setting):
    operations = ("switch", "cycle", "tick", "fork + exit", "ring")
    return setting.model == CFS and setting.depth == 0 and setting.operation in operations


def variants_of(setting):
    ours = variant_of(setting)
    variants = {OURS: ours}
    if has_textbook(setting):
        variants[TEXTBOOK] = textbook_of(setting, ours)
    return variants


def warm_up_steps(setting):
    return 4 * setting.nr_tasks + common.STEPS


def measure(setting, turns, rounds=10):
    """Rows of one setting; where there is a twin the final states are compared."""
    variants = variants_of(setting)
    common.warm_up(variants, warm_up_steps(setting))
    switches = variants[OURS].nr_switches
    samples = common.interleave(variants, turns, rounds)
    steps = turns * (rounds + 1) * common.STEPS
    digests = common.require_equal_states(variants, [tuple(variants)]) if len(variants) > 1 else {}
    return [
        {
            "variant": name,
            "model": setting.model,
            "operation": setting.operation,
            "layout": setting.layout,
            "nr_tasks": setting.nr_tasks,
            "nice": setting.mix,
            "switches_an_operation": round((variants[OURS].nr_switches - switches) / steps, 3),
            "min_ns": round(sample.least, 2),
            "median_ns": round(sample.median, 2),
            "ratio": round(sample.ratio_to(samples[TEXTBOOK]), 3) if TEXTBOOK in samples else None,
            "state": digests.get(name),
        }
        for name, sample in samples.items()
    ]


SIZES = (8, 64, 512, 4096)


def settings_of(sizes):
    flat = [Setting(CFS, op, n) for op in ("cycle", "tick", "fork + exit") for n in sizes]
    grouped = [Setting(CFS, op, n, 1) for op in ("cycle", "tick") for n in sizes]
    nested = [
        Setting(EEVDF, op, n, depth) for op in ("turn", "block + wake") for depth in (0, 1, 3) for n in sizes
    ]
    return flat + grouped + nested + [Setting(EEVDF, "tick", n) for n in sizes]


def table(rows, sizes):
    kinds = list(dict.fromkeys((row["model"], row["operation"], row["layout"]) for row in rows))
    cells = {
        (row["model"], row["operation"], row["layout"], row["variant"], row["nr_tasks"]): row for row in rows
    }
    times, ratios = [], []
    for kind in kinds:
        label = f"{SHORT[kind[0]]} {kind[1]}, {kind[2]}"
        for variant in (OURS, TEXTBOOK):
            found = [cells.get((*kind, variant, n)) for n in sizes]
            if all(found):
                name = label if variant == OURS else f"  {TEXTBOOK}"
                times.append((name, [common.times(row) for row in found]))
        found = [cells[(*kind, OURS, n)]["ratio"] for n in sizes]
        if None not in found:
            ratios.append((label, [f"{'*' if ratio > 1 else ''}{ratio:.2f}" for ratio in found]))
    common.print_table("ns an operation: minimum/median of rounds of 1000", sizes, times, 15)
    common.print_table("ratios to the textbook (* misses its bar)", sizes, ratios, 15)


def main(arguments=None):
    options = common.arguments("events", __doc__.splitlines()[0]).parse_args(arguments)
    sizes = common.sizes_of(options, SIZES)
    turns = options.turns or (3 if options.quick else 12)
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    rows = []
    for setting in settings_of(sizes):
        print(f"{setting} ...".ljust(100), end="\r", file=sys.stderr)
        rows += measure(setting, turns)
    table(rows, sizes)
    if options.json:
        common.write_json(options.json, "events", stamp, rows)
    return rows


# ----------------------------------------------------------------------------- for pytest-benchmark


@pytest.mark.parametrize("nr_tasks", SIZES)
@pytest.mark.parametrize("operation", ["cycle", "tick", "fork + exit"])
@pytest.mark.parametrize("name", [OURS, TEXTBOOK])
def test_event(benchmark, name, operation, nr_tasks):
    """One variant; its final state is compared before pytest-benchmark prints anything."""
    setting = Setting(CFS, operation, nr_tasks)
    variants = variants_of(setting)
    common.warm_up(variants, warm_up_steps(setting))
    done = []

    def prepare():
        variants[name].prepare(common.STEPS)
        done.append(common.STEPS)

    benchmark.group = f"{operation}, {nr_tasks} tasks"
    benchmark.extra_info.update(operations_a_round=common.STEPS, nr_tasks=nr_tasks)
    benchmark.pedantic(variants[name].run, setup=prepare, rounds=50, iterations=1, warmup_rounds=2)
    twin = TEXTBOOK if name == OURS else OURS
    variants[twin].prepare(sum(done))
    variants[twin].run()
    common.require_equal_states(variants, [(twin, name)])


if __name__ == "__main__":
    main()
