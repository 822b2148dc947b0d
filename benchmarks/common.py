"""Measuring: interleaved rounds, equal final states before any time, noise, machine stamp, table, JSON.

What it decides: what is believed.

    round   1000 operations, timed as a whole
    turn    one variant, some rounds in a row, the first of them not timed: another variant has had the caches
    A/A     one variant under two names; as far as their ratio is from 1, no other ratio means anything

The variants take turns, so that a slow minute of the machine falls on all of them. A ratio is the median over
turns of (median round of the variant / median round of the reference, in the same turn).

A variant has prepare(steps), not timed, run(), timed, and state(), compared.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

SCHEMA = "cfs-benchmark/1"
STEPS = 1000                    # operations a round
SIZES = (2, 8, 64, 512, 4096, 65536)


class Samples:
    """The timed rounds of one variant, ns an operation, a list a turn."""

    def __init__(self):
        self.turns = []

    @property
    def rounds(self):
        return [value for turn in self.turns for value in turn]

    @property
    def least(self):
        return min(self.rounds)

    @property
    def median(self):
        return statistics.median(self.rounds)

    def ratio_to(self, other):
        pairs = zip(self.turns, other.turns, strict=True)
        return statistics.median(statistics.median(mine) / statistics.median(its) for mine, its in pairs)


def one_turn(variant, rounds, steps):
    times = []
    for _ in range(rounds + 1):
        variant.prepare(steps)
        begin = time.perf_counter_ns()
        variant.run()
        times.append((time.perf_counter_ns() - begin) / steps)
    return times[1:]


def interleave(variants, turns, rounds, steps=STEPS):
    """Measure the variants by turns, every other time in reverse order: dict of name to Samples."""
    samples = {name: Samples() for name in variants}
    for turn in range(turns):
        for name in variants if turn % 2 == 0 else reversed(variants):
            samples[name].turns.append(one_turn(variants[name], rounds, steps))
    return samples


def warm_up(variants, steps):
    """The same number of steps by each variant, not timed."""
    for variant in variants.values():
        variant.prepare(steps)
        variant.run()


def require_equal_states(variants, alike):
    """Raise unless the variants of each set of names in `alike` have the same state; return the digests."""
    digests = {}
    for names in alike:
        states = {name: variants[name].state() for name in names}
        first = states[names[0]]
        for name, state in states.items():
            if state != first:
                raise AssertionError(f"{name} and {names[0]} differ in their end: no time is worth printing")
        digests |= dict.fromkeys(names, digest(first))
    return digests


def digest(state):
    return hashlib.sha256(repr(state).encode()).hexdigest()[:12]


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def machine_stamp():
    """What a number without it means nothing: the machine, the compiler, the versions, the load."""
    import Cython

    import cfs

    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "compiler": first_line([sysconfig.get_config_var("CC").split()[0], "--version"]),
        "python": platform.python_version(),
        "cython": Cython.__version__,
        "cfs": cfs.__version__,
    }


def print_stamp(stamp):
    print(", ".join(f"{key} {value}" for key, value in stamp.items()), end="\n\n")


def print_table(title, heads, rows, width):
    """`rows`: a label and its cells, as strings."""
    print(title)
    print(" " * 44 + "".join(f"{head:>{width}}" for head in heads))
    for label, cells in rows:
        print(f"  {label:<42}" + "".join(f"{cell:>{width}}" for cell in cells))
    print(flush=True)


def times(row):
    return f"{row['min_ns']:.1f}/{row['median_ns']:.1f}"


def write_document(path, document):
    Path(path).write_text(json.dumps(document, indent=1) + "\n")
    print(f"written: {path}", file=sys.stderr)


def write_json(path, benchmark, stamp, rows):
    write_document(path, {"schema": SCHEMA, "benchmark": benchmark, "machine": stamp, "rows": rows})


def arguments(name, description):
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=description)
    parser.add_argument("--sizes", default=None, help="runnable tasks, such as 2,512 (default: all)")
    parser.add_argument("--turns", type=int, default=None, help="turns a variant (more: less noise)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the turns: does it work?")
    parser.add_argument("--json", default=None, help="write the rows to this file")
    return parser


def sizes_of(options, default=SIZES):
    return tuple(int(n) for n in options.sizes.split(",")) if options.sizes else default
