"""Instructions a switch, counted by callgrind: the one figure that repeats exactly on a noisy machine.

What it decides: nothing by itself. A count says how much work there is, not how long it takes: a branch that
is foreseen and one that is not count the same, and so do a hit and a miss of the cache.

Needs valgrind. The script runs itself under callgrind; a window (textbook.c, counting_window) is collected
for each case, and each window ends in a profile of its own. The loop itself is counted as well and
subtracted.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import common
from benchmarks.baselines import compiled
from benchmarks.baselines.state import Case
from benchmarks.bench_switch import CFS, CFS_PYTHON, DIVIDING, EMPTY, TEXTBOOK, WARM_UP, variants_of

STEPS = 20_000
STEPS_PYTHON = 2_000
SIZES = (8, 512)
CASES = [Case(n, groups, mix) for mix in ("mixed", "equal") for groups in (0, 1) for n in SIZES]
NAMES = (EMPTY, CFS, TEXTBOOK, DIVIDING, CFS_PYTHON)
# the kernel's own code, same operation: random run lengths, nice values not recorded (2026-11, gcc 12 -O2)
KERNEL = {("flat", 8): 262, ("flat", 512): 353, ("one group deep", 8): 447, ("one group deep", 512): 538}


def steps_of(name):
    return STEPS_PYTHON if name == CFS_PYTHON else STEPS


def run_windows():
    """In the child: one window a case and variant, in a fixed order."""
    window = compiled().window
    for case in CASES:
        variants = variants_of(case, NAMES)
        common.warm_up(variants, WARM_UP * case.nr_tasks + 100)
        for name, variant in variants.items():
            variant.prepare(steps_of(name))
            if name == CFS_PYTHON:
                window(variant.run)
            else:
                variant.run_in_window()


def totals(folder):
    """Instructions of each window, in order: callgrind numbers its profiles."""
    numbered = {}
    for path in Path(folder).glob("callgrind.out.*"):
        found = re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.M)
        suffix = path.name.rpartition(".")[2]
        if found and len(path.name.split(".")) == 4:
            numbered[int(suffix)] = int(found[1])
    return [numbered[number] for number in sorted(numbered)]


def count():
    """(case, variant) to instructions a switch, without those of the loop."""
    root = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        callgrind = [
            "valgrind",
            "--tool=callgrind",
            "--toggle-collect=counting_window",
            "--dump-after=counting_window",
            f"--callgrind-out-file={folder}/callgrind.out.1",
        ]
        child = [sys.executable, "-m", "benchmarks.instructions", "--child"]
        subprocess.run([*callgrind, *child], cwd=root, check=True, capture_output=True)
        values = totals(folder)
    keys = [(case, name) for case in CASES for name in NAMES]
    if len(values) < len(keys):
        raise RuntimeError(f"callgrind wrote {len(values)} profiles, not {len(keys)}")
    counts = {key: value / steps_of(key[1]) for key, value in zip(keys, values, strict=False)}
    loop = counts[CASES[0], EMPTY]
    return {key: value - (0 if key[1] == CFS_PYTHON else loop) for key, value in counts.items()}


def main(arguments=None):
    options = common.arguments("instructions", __doc__.splitlines()[0]).parse_args(arguments)
    if shutil.which("valgrind") is None:
        print("instructions: valgrind is not installed, nothing counted")
        return 0
    compiled()                                                  # not under valgrind
    counts = count()
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    heads = [f"{'grouped' if case.nr_groups else 'flat'} {case.nr_tasks}" for case in CASES[:4]]
    for mix in ("mixed", "equal"):
        cases = [case for case in CASES if case.mix == mix]
        rows = [(name, [f"{counts[case, name]:.0f}" for case in cases]) for name in NAMES if name != EMPTY]
        rows.append(("the kernel's own code", [str(KERNEL[case.layout, case.nr_tasks]) for case in cases]))
        common.print_table(f"instructions a switch, {mix} nice values", heads, rows, 13)
    if options.json:
        rows = [
            {
                "variant": name,
                "layout": case.layout,
                "nr_tasks": case.nr_tasks,
                "nice": case.mix,
                "instructions": round(value, 1),
            }
            for (case, name), value in counts.items()
        ]
        common.write_json(options.json, "instructions", stamp, rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_windows() if "--child" in sys.argv else main())
