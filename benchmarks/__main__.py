"""`python -m benchmarks [switch|rbtree|instructions|simpy] [options]`; without a name, all of them."""

import sys

from benchmarks import bench_rbtree, bench_simpy, bench_switch, instructions

SCRIPTS = {
    "switch": bench_switch.main,
    "rbtree": bench_rbtree.main,
    "instructions": instructions.main,
    "simpy": bench_simpy.main,
}


def main(arguments):
    names = [name for name in arguments[:1] if name in SCRIPTS]
    options = arguments[len(names) :]
    if not names and any(option in ("-h", "--help") for option in options):
        print(f"{__doc__}\nOptions: python -m benchmarks switch --help")
        return 0
    if not names and any(option.startswith(("--json", "--sizes")) for option in options):
        print(f"say for which benchmark --json or --sizes is meant: {', '.join(SCRIPTS)}", file=sys.stderr)
        return 2
    return max(SCRIPTS[name](options) for name in names or SCRIPTS)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
