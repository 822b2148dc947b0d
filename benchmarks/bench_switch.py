"""The context switch: charge the running task, put it back, pick the next.

What it measures, for 2 to 65536 runnable tasks of all nice values, flat and in one group, after run lengths
at random between 1 microsecond and 8.4 ms:

    from Python     one call a switch: cfs (`yield_`), and loops over heapq and SortedKeyList
    compiled        cfs through `schedule`, as an embedder calls it, a plain-C textbook red-black tree with
                    the same accounting and flags, and both of them with a division in each charge

All do the same accounting; in the end every task's virtual and real run time, the floors, the queues in their
order and the running task must be equal, or no time is printed. The variants that divide round differently,
so their tasks go another way: they are compared with the exact formula, in integers of any size.

Beside them, flat: BTrees.LLTreeSet and sorteddict, where they are installed, and a binary heap in C that can
do what the tree does (take out any task, keep the order of equals).

Bars: from Python 8 times faster than heapq at 8 tasks, 5 times at 512, 3 times at 65536, and ahead of each
other container; in compiled code at most 0.8 of the textbook at 64 tasks and more, and ahead of the heap.
"""

import importlib.util
import sys

import pytest

from benchmarks import common
from benchmarks.baselines import compiled
from benchmarks.baselines.in_python import Exact, FromPython, Heapq, SortedDictionary, SortedKeys, TreeSet
from benchmarks.baselines.state import DIVIDING as DIVIDING_MODEL
from benchmarks.baselines.state import Case, boot, state_of

CFS_PYTHON = "cfs, from Python"
HEAPQ = "heapq, from Python"
SORTED = "SortedKeyList, from Python"
CFS = "cfs, compiled"
CFS_DIVIDING = "cfs, compiled, dividing"
TEXTBOOK = "textbook C"
TEXTBOOK_AGAIN = "textbook C again (A/A)"
DIVIDING = "textbook C, dividing"
EXACT = "exact formula of the division"
EMPTY = "the loop alone"
HEAP = "binary heap in C"
TREESET = "BTrees.LLTreeSet, from Python"
SORTEDDICT = "sorteddict, from Python"

OPTIONAL = {TREESET: "BTrees", SORTEDDICT: "sorteddict"}  # measured where they are installed; flat only
ALIKE = ((HEAPQ, SORTED, CFS_PYTHON, CFS, TEXTBOOK, TEXTBOOK_AGAIN), (EXACT, DIVIDING, CFS_DIVIDING))
ALL_DIVIDING = frozenset(ALIKE[1])
FROM_PYTHON = (CFS_PYTHON, HEAPQ, SORTED)
COMPILED = (CFS, CFS_DIVIDING, TEXTBOOK, TEXTBOOK_AGAIN, DIVIDING, EMPTY)
REFERENCE = {
    CFS_PYTHON: HEAPQ,
    SORTED: HEAPQ,
    TREESET: HEAPQ,
    SORTEDDICT: HEAPQ,
    CFS: TEXTBOOK,
    CFS_DIVIDING: CFS,
    TEXTBOOK_AGAIN: TEXTBOOK,
    DIVIDING: TEXTBOOK,
    HEAP: TEXTBOOK,
}
LAYOUTS = (0, 1)  # groups: flat, and all tasks in one
WARM_UP = 4  # switches a task before anything is timed


def bar_of(name, nr_tasks):
    """The greatest ratio to its reference that a variant may have."""
    if name == CFS_PYTHON:
        return 1 / 8 if nr_tasks <= 8 else 1 / 5 if nr_tasks <= 512 else 1 / 3
    return 0.8 if name == CFS and nr_tasks >= 64 else float("inf")


def names_from_python(case):
    others = [
        name for name, module in OPTIONAL.items() if importlib.util.find_spec(module) and not case.nr_groups
    ]
    return [*FROM_PYTHON, *others]


def names_compiled(case):
    return [*COMPILED, *([] if case.nr_groups else [HEAP])]


class CfsFromPython(FromPython):
    """`FromPython` with the state of its Scheduler."""

    def __init__(self, state, sched, case):
        super().__init__(state, sched)
        self.case = case

    def state(self):
        self.sched.check()
        return state_of(self.sched, self.case)


def makers(case, start, start_dividing):
    """Name to a function that makes the variant, in the state `start`; what divides, in `start_dividing`."""
    c = compiled()
    return {
        CFS_PYTHON: lambda: CfsFromPython(start, boot(case), case),
        HEAPQ: lambda: Heapq(start),
        SORTED: lambda: SortedKeys(start),
        CFS: lambda: c.Ours(boot(case), case),
        CFS_DIVIDING: lambda: c.Ours(boot(case, DIVIDING_MODEL), case),
        TEXTBOOK: lambda: c.Textbook(start),
        TEXTBOOK_AGAIN: lambda: c.Textbook(start),
        DIVIDING: lambda: c.Textbook(start_dividing, dividing=True),
        EXACT: lambda: Exact(start_dividing),
        EMPTY: lambda: c.Empty(start),
        HEAP: lambda: c.Heap(start),
        TREESET: lambda: TreeSet(start),
        SORTEDDICT: lambda: SortedDictionary(start),
    }


def variants_of(case, names):
    start = state_of(boot(case), case)
    divided = not ALL_DIVIDING.isdisjoint(names)
    start_dividing = state_of(boot(case, DIVIDING_MODEL), case) if divided else None
    make = makers(case, start, start_dividing)
    return {name: make[name]() for name in names}


def catch_up(variants, steps):
    """The exact formula is not timed; it makes the steps that the others have made."""
    if EXACT in variants:
        variants[EXACT].prepare(steps)
        variants[EXACT].run()


def measure(case, turns, rounds):
    """Samples and digests of every variant of one case, states compared."""
    steps = WARM_UP * case.nr_tasks + common.STEPS
    exact = variants_of(case, [EXACT])
    from_python = names_from_python(case)
    variants = variants_of(case, [*from_python, *names_compiled(case)])
    alike = tuple(name for name in variants if name != EMPTY and name not in ALL_DIVIDING)
    common.warm_up(variants, steps)
    samples = common.interleave({name: variants[name] for name in from_python}, max(turns // 3, 1), rounds)
    done = steps + max(turns // 3, 1) * (rounds + 1) * common.STEPS
    samples |= common.interleave({name: variants[name] for name in names_compiled(case)}, turns, rounds)
    total = steps + turns * (rounds + 1) * common.STEPS
    for name in from_python:  # they have had fewer turns
        variants[name].prepare(total - done)
        variants[name].run()
    catch_up(exact, total)
    return samples, common.require_equal_states(variants | exact, (alike, ALIKE[1]))


def rows_of(case, samples, digests):
    return [
        {
            "variant": name,
            "layout": case.layout,
            "nr_tasks": case.nr_tasks,
            "steps_a_round": common.STEPS,
            "rounds": len(sample.rounds),
            "min_ns": round(sample.least, 2),
            "median_ns": round(sample.median, 2),
            "reference": REFERENCE.get(name),
            "ratio": round(sample.ratio_to(samples[REFERENCE[name]]), 3) if name in REFERENCE else None,
            "state": digests.get(name),
        }
        for name, sample in samples.items()
    ]


def table(rows, layout, sizes):
    """ns as minimum / median, then ratios to the reference, a star where a bar is missed."""
    cell = {(row["variant"], row["nr_tasks"]): row for row in rows if row["layout"] == layout}
    names = dict.fromkeys(row["variant"] for row in rows if row["layout"] == layout)
    times = [(name, [common.times(cell[name, n]) for n in sizes]) for name in names]
    ratios = []
    for name, reference in REFERENCE.items():
        if name not in names:
            continue
        values = [(cell[name, n]["ratio"], bar_of(name, n)) for n in sizes]
        label = f"{name} : {reference.partition(',')[0]}"
        ratios.append((label, [f"{'*' if value > bar else ''}{value:.2f}" for value, bar in values]))
    common.print_table(f"ns a switch, {layout}: minimum/median of rounds of 1000", sizes, times, 15)
    common.print_table(f"ratios, {layout} (* misses its bar)", sizes, ratios, 15)


def main(arguments=None):
    options = common.arguments("switch", __doc__.splitlines()[0]).parse_args(arguments)
    sizes = common.sizes_of(options)
    turns = options.turns or (3 if options.quick else 30)
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    rows = []
    for groups in LAYOUTS:
        for n in sizes:
            case = Case(n, groups)
            print(f"{case.layout}, {n} tasks ...", end="\r", file=sys.stderr)
            rows += rows_of(case, *measure(case, turns, rounds=10))
        table(rows, Case(2, groups).layout, sizes)
    if options.json:
        common.write_json(options.json, "switch", stamp, rows)
    return rows


# ----------------------------------------------------------------------------- for pytest-benchmark


@pytest.mark.parametrize("nr_tasks", common.SIZES)
@pytest.mark.parametrize("groups", LAYOUTS, ids=["flat", "grouped"])
@pytest.mark.parametrize("name", [*FROM_PYTHON, CFS, CFS_DIVIDING, TEXTBOOK, DIVIDING])
def test_switch(benchmark, name, groups, nr_tasks):
    """One variant; its final state is compared before pytest-benchmark prints anything."""
    case = Case(nr_tasks, groups)
    twin = {HEAPQ: SORTED, DIVIDING: EXACT, CFS_DIVIDING: EXACT}.get(name, HEAPQ)
    variants = variants_of(case, [name, twin])
    common.warm_up(variants, WARM_UP * nr_tasks)
    done = []

    def prepare():
        variants[name].prepare(common.STEPS)
        done.append(common.STEPS)

    benchmark.group = f"switch, {case.layout}, {nr_tasks} tasks"
    benchmark.extra_info.update(operations_a_round=common.STEPS, nr_tasks=nr_tasks, layout=case.layout)
    benchmark.pedantic(variants[name].run, setup=prepare, rounds=50, iterations=1, warmup_rounds=2)
    variants[twin].prepare(sum(done))
    variants[twin].run()
    common.require_equal_states(variants, [(twin, name)])


if __name__ == "__main__":
    main()
