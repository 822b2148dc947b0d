"""Take from a file of repetitions what bars need: how much the real kernel differs from itself.

    python -m benchmarks.spread SPREAD.json > cfs/validate/spread.json

The input has for each scenario a list of values a figure, one value a repetition. Kept are the figures of one
CPU that `cfs validate` compares, in six digits; which repetitions were quiet; and the length of the window.

Switches become their number in the window without what other programs did to it. Each stretch of another
program adds a switch and cuts a run of the workload in two, which is one more; a replay has the recorded
stretches in it, so they are no difference between two kernels.
"""

from __future__ import annotations

import json
import sys
from typing import Any

SCENARIOS = {
    "fork-heavy": "fork-heavy",
    "kbuild-shell-1cpu": "kbuild",
    "kbuild-shell-1cpu-autogroup": "kbuild",
    "messaging": "messaging",
    "nice-hogs": "nice-hogs",
    "nice-hogs-ftrace": "nice-hogs",
    "nice-hogs-small": "nice-hogs",
    "periodic": "periodic",
    "pipe": "pipe",
    "two-users-1to3": "two-users",
    "two-users-equal": "two-users",
}
"""Sets of repetitions, and the scenario of each as truth files write it."""

WAITS = ("wakeup_latency", "fork_latency", "preempted_wait")
PARTS = {
    **dict.fromkeys(WAITS, ("count", "p50_ms", "p95_ms", "p99_ms")),
    "run_length": ("p50_ms",),
    "response": ("jobs", "p50_ms", "p95_ms", "p99_ms"),
    "turnaround": ("count", "p50_ms", "p95_ms"),
    "makespan": ("build_s", "bench_s"),
}
CPU = "0"


def rounded(values: list[float | None]) -> list[float | None]:
    """In six digits."""
    return [None if value is None else float(f"{value:.6g}") for value in values]


def kept(figures: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
    """Shares, and the parts of distributions and lengths that are compared."""
    chosen = {}
    for figure, values in figures.items():
        kind, _, rest = figure.partition("/")
        name, _, part = rest.rpartition("/")
        if kind == "share" or part in PARTS.get(kind, ()) or rest in PARTS.get(kind, ()):
            chosen[figure] = rounded(values)
    return chosen


def switches(figures: dict[str, list[float]], repetitions: list[dict[str, Any]]) -> list[float | None]:
    """Of each repetition the switches in the window, without those that other programs made."""
    both = zip(figures[f"switches_per_s/cpu{CPU}"], repetitions)
    return rounded([round(rate * one["window_s"]) - 2 * one["outside_stretches"][CPU] for rate, one in both])


def selected(spread: dict[str, Any]) -> dict[str, Any]:
    """What is kept of the file."""
    sets = []
    for name, scenario in SCENARIOS.items():
        repetitions = spread["repetitions"][name]
        sets.append({
            "name": name,
            "scenario": scenario,
            "window_s": [one["window_s"] for one in repetitions],
            "quiet": [not one["boosted"] for one in repetitions],
            "figures": {"switches": switches(spread[name], repetitions), **kept(spread[name])},
        })
    return {"format": "cfs-spread/1", "sets": sets}


def text_of(content: dict[str, Any]) -> str:
    """As JSON, a figure a line."""
    lines = []
    for one in content["sets"]:
        head = {key: value for key, value in one.items() if key != "figures"}
        rows = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in one["figures"].items())
        figures = ",\n".join(rows)
        lines.append(f'{json.dumps(head)[:-1]}, "figures": {{\n{figures}}}}}')
    return f'{{"format": {json.dumps(content["format"])}, "sets": [\n' + ",\n".join(lines) + "]}\n"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(text_of(selected(json.load(file))))
