"""Is this slower than the last release? Ratios and instruction counts only: nanoseconds are the machine's.

What it decides: which rows are the same thing measured then and now (all of their fields that are not
measured), and what counts as a change: 2 % of an instruction count, which repeats exactly, and 15 % of a
ratio, which does not. Says by how much, and never stops anything: a human looks at it.

    python -m benchmarks.regression [benchmarks.json]
"""

import json
import sys
from pathlib import Path

RECORDED = Path(__file__).resolve().parent / "results" / "0.1.0.json"
MEASURED = {"instructions": 0.02, "ratio": 0.15}
IDENTITY = (
    "what",
    "variant",
    "model",
    "operation",
    "layout",
    "nr_tasks",
    "nr_nodes",
    "nice",
    "mix",
    "reference",
)


def values_of(document):
    """(benchmark, identity of a row, measure) to its value."""
    found = {}
    for name, rows in document["benchmarks"].items():
        for row in rows:
            identity = tuple(row.get(field) for field in IDENTITY)
            for measure in MEASURED:
                if row.get(measure) is not None:
                    found[name, identity, measure] = row[measure]
    return found


def changes(now, before):
    """``(benchmark, identity, measure, before, now, change)`` of all that changed by more than its tolerance.
    """
    old, new = values_of(before), values_of(now)
    found = []
    for key in old.keys() & new.keys():
        change = new[key] / old[key] - 1
        if abs(change) > MEASURED[key[2]]:
            found.append((*key, old[key], new[key], change))
    return sorted(found, key=lambda row: -row[-1])


def show(now, recorded=RECORDED):
    if not recorded.exists():
        print(f"no recorded results at {recorded}: nothing to compare with")
        return
    before = json.loads(recorded.read_text())
    found = changes(now, before)
    compared = len(values_of(before).keys() & values_of(now).keys())
    print(f"compared with {recorded.name}: {len(found)} of {compared} ratios and counts changed")
    for name, identity, measure, old, new, change in found:
        label = ", ".join(str(part) for part in identity if part is not None)
        print(f"  {change:+7.1%}  {name}: {label}: {measure} {old} -> {new}")


if __name__ == "__main__":
    show(json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else "out/benchmarks.json").read_text()))
