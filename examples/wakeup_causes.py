"""Who caused the wakeups of a recording, and how often the rule is wrong where the recording itself tells.

    python examples/wakeup_causes.py RECORDING...

For each recording: how many wakeups of sleeping tasks the rule calls caused, a timer's, or otherwise from
outside, and the tasks that were woken most. If the format has interrupt flags (ftrace), they are hidden from
the rule and compared with its verdict afterwards: a wakeup from process context is caused, one from an
interrupt is not.
"""

import sys
from collections import Counter

import numpy as np

from cfs.recordings import Cause, Recording

FORK, IRQ_NONE, IRQ_SOFT = 7, 1, 3


def by_name(recording, verdicts):
    """Name of the woken task -> how many wakeups had each cause."""
    table, names = recording.wakeups(), [task.comm for task in recording.tasks]
    counts = {}
    for row, verdict in zip(table, verdicts, strict=True):
        if row["kind"] != FORK:
            counts.setdefault(names[row["task"]], Counter())[Cause(verdict).name.lower()] += 1
    return counts


def error(recording):
    """Of the wakeups in the context of tasks: all, the caused, and those taken wrongly either way."""
    table = recording.wakeups()
    known = (table["irq"] >= IRQ_NONE) & (table["irq"] <= IRQ_SOFT) & (table["context"] < len(recording.tasks))
    hidden = table.copy()
    hidden["irq"][(table["irq"] >= IRQ_NONE) & (table["irq"] <= IRQ_SOFT)] = 0
    wrong = (recording.verdicts(hidden) == Cause.CAUSED) != (table["irq"] == IRQ_NONE)
    caused = known & (table["irq"] == IRQ_NONE)
    return [int(rows.sum()) for rows in (known, caused, wrong & caused, wrong & known & ~caused)]


def report(path):
    recording = Recording.open(path)
    verdicts = recording.verdicts()
    counts = np.bincount(verdicts[recording.wakeups()["kind"] != FORK], minlength=3)
    print(f"{recording.name}: {counts.sum()} wakeups of sleeping tasks")
    print("    " + ", ".join(f"{cause.name.lower()} {counts[cause]}" for cause in Cause))
    for name, of in sorted(by_name(recording, verdicts).items(), key=lambda item: -item[1].total())[:6]:
        print(f"    {name:<16} " + ", ".join(f"{cause} {nr}" for cause, nr in of.most_common()))
    if recording.kind == "ftrace":
        nr, nr_caused, missed, invented = error(recording)
        print(f"    in the context of tasks {nr}, by the flags caused {nr_caused}; without the flags")
        print(f"    the rule misses {missed} of these and takes {invented} of the others for caused;")
        print(f"    error {100 * (missed + invented) / nr:.1f} %")


if __name__ == "__main__":
    for argument in sys.argv[1:] or ["-"]:
        report(argument)
