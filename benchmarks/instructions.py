"""Instructions an operation, counted by callgrind: the one figure that repeats exactly on a noisy machine.

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

from benchmarks import bench_events, common
from benchmarks.baselines import compiled
from benchmarks.baselines.state import Case
from benchmarks.bench_switch import (
    CFS,
    CFS_DIVIDING,
    CFS_PYTHON,
    DIVIDING,
    EMPTY,
    TEXTBOOK,
    WARM_UP,
    variants_of,
)

STEPS = 20_000
STEPS_PYTHON = 2_000
SIZES = (8, 512)
CASES = [Case(n, groups, mix) for mix in ("mixed", "equal") for groups in (0, 1) for n in SIZES]
OURS = bench_events.OURS
NAMES = (EMPTY, CFS, CFS_DIVIDING, TEXTBOOK, DIVIDING, CFS_PYTHON)
# the kernel's own code, same operation: random run lengths, nice values not recorded (2026-11, gcc 12 -O2)
KERNEL = {("flat", 8): 262, ("flat", 512): 353, ("one group deep", 8): 447, ("one group deep", 512): 538}


def steps_of(name):
    return STEPS_PYTHON if name == CFS_PYTHON else STEPS


def switch_windows():
    """(key, function that makes the window) of the switch, in a fixed order."""
    for case in CASES:
        variants = variants_of(case, NAMES)
        common.warm_up(variants, WARM_UP * case.nr_tasks + 100)
        for name, variant in variants.items():
            variant.prepare(steps_of(name))
            yield name, variant


def event_windows():
    for setting in bench_events.COUNTED:
        variants = bench_events.variants_of(setting)
        common.warm_up(variants, WARM_UP * setting.nr_tasks + 100)
        for name, variant in variants.items():
            variant.prepare(STEPS)
            yield name, variant


def keys_of_windows():
    switches = [(case, name) for case in CASES for name in NAMES]
    events = [
        (setting, name)
        for setting in bench_events.COUNTED
        for name in ((OURS, bench_events.TEXTBOOK) if bench_events.has_textbook(setting) else (OURS,))
    ]
    return switches + events


def run_windows():
    """In the child: one window a case and variant, in the order of `keys_of_windows`."""
    window = compiled().window
    for windows in (switch_windows(), event_windows()):
        for name, variant in windows:
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
    """(case or setting, variant) to instructions an operation, without those of the loop."""
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
    keys = keys_of_windows()
    if len(values) < len(keys):
        raise RuntimeError(f"callgrind wrote {len(values)} profiles, not {len(keys)}")
    counts = {key: value / steps_of(key[1]) for key, value in zip(keys, values, strict=False)}
    loop = counts[CASES[0], EMPTY]
    return {key: value - (0 if key[1] == CFS_PYTHON else loop) for key, value in counts.items()}


def kernel_of(case):
    """The kernel's own instructions for the operation, or None where nobody has counted them."""
    if isinstance(case, bench_events.Setting):
        return bench_events.KERNEL.get(case)
    return KERNEL[case.layout, case.nr_tasks]


def rows_of(counts):
    rows = []
    for (case, name), value in counts.items():
        if name == EMPTY:
            continue
        event = isinstance(case, bench_events.Setting)
        rows.append(
            {
                "variant": name,
                "model": case.model if event else bench_events.CFS,
                "operation": case.operation if event else "switch",
                "layout": case.layout,
                "nr_tasks": case.nr_tasks,
                "nice": case.mix,
                "instructions": round(value, 1),
                "kernel": kernel_of(case),
            }
        )
    return rows


def print_switches(counts):
    heads = [f"{'grouped' if case.nr_groups else 'flat'} {case.nr_tasks}" for case in CASES[:4]]
    for mix in ("mixed", "equal"):
        cases = [case for case in CASES if case.mix == mix]
        rows = [(name, [f"{counts[case, name]:.0f}" for case in cases]) for name in NAMES if name != EMPTY]
        rows.append(("the kernel's own code", [str(KERNEL[case.layout, case.nr_tasks]) for case in cases]))
        common.print_table(f"instructions a switch, {mix} nice values", heads, rows, 13)


def print_events(counts):
    rows = []
    for setting in bench_events.COUNTED:
        ours, twin = counts[setting, OURS], counts.get((setting, bench_events.TEXTBOOK))
        kernel = kernel_of(setting)
        missed = "*" if ours > min(x for x in (kernel, twin, 10**9) if x is not None) else ""
        mixed = ", mixed" if setting.mix == "mixed" else ""
        label = (
            f"{bench_events.SHORT[setting.model]} {setting.operation}, {setting.nr_tasks} "
            f"{setting.layout}{mixed}"
        )
        cells = [
            f"{missed}{ours:.0f}",
            "-" if twin is None else f"{twin:.0f}",
            "-" if kernel is None else str(kernel),
        ]
        rows.append((label[:42], cells))
    common.print_table("instructions an event (* misses its bar)", ["cfs", "textbook", "kernel"], rows, 11)


def main(arguments=None):
    options = common.arguments("instructions", __doc__.splitlines()[0]).parse_args(arguments)
    if shutil.which("valgrind") is None:
        print("instructions: valgrind is not installed, nothing counted")
        return []
    compiled()  # not under valgrind
    counts = count()
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    print_switches(counts)
    print_events(counts)
    rows = rows_of(counts)
    if options.json:
        common.write_json(options.json, "instructions", stamp, rows)
    return rows


if __name__ == "__main__":
    if "--child" in sys.argv:
        run_windows()
    else:
        main()
