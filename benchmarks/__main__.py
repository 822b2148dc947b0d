"""`python -m benchmarks [NAME] [options]`: one benchmark, or all of them with one JSON and one report.

    switch, events, batch, package, rbtree, recordings, instructions; simpy and cpus, on their own

Without a name: all, in this order; the rows go to DIR/benchmarks.json and a report to DIR/benchmarks.html
(with pictures where matplotlib is installed); ratios and counts are compared with the last release's.

    --quick     a tenth of the turns: does it work?
    --turns N   turns a variant
    --out DIR   where the two files go (default: out)
"""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    bench_batch,
    bench_cpus,
    bench_events,
    bench_package,
    bench_rbtree,
    bench_recordings,
    bench_simpy,
    bench_switch,
    common,
    instructions,
    regression,
    report,
)

SCRIPTS = {
    "switch": bench_switch.main,
    "events": bench_events.main,
    "batch": bench_batch.main,
    "package": bench_package.main,
    "rbtree": bench_rbtree.main,
    "recordings": bench_recordings.main,
    "instructions": instructions.main,
}
ALONE = {"simpy": bench_simpy.main, "cpus": bench_cpus.main}  # each tells its own story; simpy needs its extra


def noise_of(results):
    """Ratios of the A/A variants, the same thing measured twice: least and greatest."""
    ratios = [row["ratio"] for row in results["switch"] if "A/A" in row["variant"]]
    ratios += [row["a_a"] for row in results["batch"]]
    return {"least": min(ratios), "greatest": max(ratios), "runs": len(ratios)}


def run_all(options):
    passed = ["--quick"] * options.quick + (["--turns", str(options.turns)] if options.turns else [])
    results = {name: script(passed) for name, script in SCRIPTS.items()}
    document = {
        "schema": common.SCHEMA,
        "machine": common.machine_stamp(),
        "noise": noise_of(results),
        "benchmarks": results,
    }
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    common.write_document(folder / "benchmarks.json", document)
    report.write(folder / "benchmarks.html", document)
    regression.show(document)
    return 0


def main(arguments):
    if arguments and arguments[0] in SCRIPTS | ALONE:
        (SCRIPTS | ALONE)[arguments[0]](arguments[1:])
        return 0
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--turns", type=int)
    parser.add_argument("--out", default="out")
    return run_all(parser.parse_args(arguments))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
