"""The red-black tree alone: take the leftmost, advance its key at random, put it back.

What it measures: the tree of cfs under four kinds of descent (the child to go to as an index, an `if` with
two children, a pointer to the link, a less() known at run time), and the textbook tree of the baselines. The
erase and the repair are the same functions in the first four. In the end all must hold the same keys in the
same order.

The keys advance by a random number that is uniform, so that a key that is put back lands anywhere in the
tree. In bench_switch.py the keys advance by weight, and most land near the left edge, where an `if` is easier
to predict.
"""

import sys

import pytest

from benchmarks import common
from benchmarks.baselines import compiled

SIZES = (3, 10, 100, 1000, 10_000, 100_000)
INDEX = "cfs, by index"
NAMES = {
    INDEX: "index",
    "cfs, by index again (A/A)": "index",
    "cfs, by branch": "branch",
    "cfs, by pointer to link": "link",
    "cfs, by less()": "less()",
}
TEXTBOOK = "textbook C, by pointer to link"
ALL = (*NAMES, TEXTBOOK)


def variants_of(size, names=ALL):
    c = compiled()
    return {name: c.TextbookTree(size) if name == TEXTBOOK else c.Tree(size, NAMES[name]) for name in names}


def rows_of(size, turns, rounds):
    variants = variants_of(size)
    common.warm_up(variants, 4 * size + common.STEPS)
    samples = common.interleave(variants, turns, rounds)
    digests = common.require_equal_states(variants, [ALL])
    return [
        {
            "variant": name,
            "nr_nodes": size,
            "steps_a_round": common.STEPS,
            "rounds": len(sample.rounds),
            "min_ns": round(sample.least, 2),
            "median_ns": round(sample.median, 2),
            "reference": INDEX,
            "ratio": round(sample.ratio_to(samples[INDEX]), 3),
            "state": digests[name],
        }
        for name, sample in samples.items()
    ]


def main(arguments=None):
    options = common.arguments("rbtree", __doc__.splitlines()[0]).parse_args(arguments)
    sizes = common.sizes_of(options, SIZES)
    turns = options.turns or (3 if options.quick else 30)
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    rows = []
    for size in sizes:
        print(f"{size} nodes ...", end="\r", file=sys.stderr)
        rows += rows_of(size, turns, rounds=10)
    cell = {(row["variant"], row["nr_nodes"]): row for row in rows}
    times = [(name, [common.times(cell[name, n]) for n in sizes]) for name in ALL]
    ratios = [(name, [f"{cell[name, n]['ratio']:.2f}" for n in sizes]) for name in ALL]
    common.print_table("ns an operation: minimum/median of rounds of 1000", sizes, times, 13)
    common.print_table(f"ratios to {INDEX}", sizes, ratios, 13)
    if options.json:
        common.write_json(options.json, "rbtree", stamp, rows)
    return rows


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [name for name in ALL if "A/A" not in name])
def test_rbtree(benchmark, name, size):
    """One variant; its final state is compared before pytest-benchmark prints anything."""
    twin = INDEX if name == TEXTBOOK else TEXTBOOK
    variants = variants_of(size, (name, twin))
    common.warm_up(variants, 4 * size)
    done = []

    def prepare():
        variants[name].prepare(common.STEPS)
        done.append(common.STEPS)

    benchmark.group = f"red-black tree, {size} nodes"
    benchmark.extra_info.update(operations_a_round=common.STEPS, nr_nodes=size)
    benchmark.pedantic(variants[name].run, setup=prepare, rounds=50, iterations=1, warmup_rounds=2)
    variants[twin].prepare(sum(done))
    variants[twin].run()
    common.require_equal_states(variants, [(twin, name)])


if __name__ == "__main__":
    main()
