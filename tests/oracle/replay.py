"""Replay a conformance trace on the twin, line by line, and say where the two part.

A trace is a gzip file of JSON lines: a header, then one operation a line with the state that the
kernel was in right after it.  Large traces show the full state only now and then; what a line does
not show is not compared.  `arithmetic_differences` does the same for the file of plain function
values (`calc_delta.jsonl.gz`), which has no state.

From a shell:  python -m tests.oracle.replay TRACE.jsonl.gz ...
"""

import gzip
import json
import sys
from dataclasses import dataclass

from tests.oracle import eevdf_6_18 as eevdf
from tests.oracle import fair_2_6_24 as fair
from tests.oracle import smp_2_6_24 as smp


@dataclass(frozen=True)
class Difference:
    """The first place where twin and trace disagree."""

    line: int  # 1 is the header
    op: dict
    field: str
    expected: object
    actual: object

    def __str__(self):
        return f"line {self.line}, {self.op}: {self.field} is {self.actual}, the trace says {self.expected}"


def read_lines(path):
    """The lines of a gzip JSON-lines file, parsed; the header comes first."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def machine_for(header):
    """A fresh twin with the groups and tunables that the header of a trace names."""
    model, groups, tunables = (header[name] for name in ("model", "groups", "tunables"))
    if model in eevdf.SUBLEVELS:
        return eevdf.Machine(groups, eevdf.Tunables.from_header(tunables), eevdf.SUBLEVELS[model])
    if header.get("cpus", 1) > 1:
        return smp.Machine.from_header(header)
    return fair.Machine(groups, fair.Tunables.from_header(tunables))


def first_difference(path):
    """Replay a trace; return the first `Difference`, or None if there is none."""
    lines = read_lines(path)
    machine = machine_for(next(lines))
    for number, line in enumerate(lines, start=2):
        resched = machine.apply(line)
        is_brief = line["s"].keys() <= {"curr", "resched"}
        actual = (machine.brief_state() if is_brief else machine.state()) | {"resched": resched}
        for field, expected in line["s"].items():
            if actual[field] != expected:
                op = {name: value for name, value in line.items() if name != "s"}
                return Difference(number, op, *first_difference_within(field, expected, actual[field]))
    return None


def first_difference_within(field, expected, actual):
    """Narrow a difference down to the first key, or the first CPU, at which the two differ."""
    if isinstance(expected, list) and all(isinstance(each, dict) for each in expected):
        expected, actual = dict(enumerate(expected)), dict(enumerate(actual))
    if not (isinstance(expected, dict) and isinstance(actual, dict)):
        return field, expected, actual
    for key in expected | actual:
        if expected.get(key) != actual.get(key):
            return first_difference_within(f"{field}[{key}]", expected.get(key), actual.get(key))
    raise ValueError(f"{field}: the two states are equal")


# ---- Plain function values -----------------------------------------------------------------------


def arithmetic_differences(path):
    """Yield (row, expected, actual) for each row whose numbers the twin does not reproduce."""
    rows = read_lines(path)
    next(rows)
    for row in rows:
        actual = ARITHMETIC[row["f"]](row)
        expected = {name: row[name] for name in actual}
        if actual != expected:
            yield row, expected, actual


def load_weight_of(row):
    load = fair.task_load(row.get("nice", 0), row["policy"])
    return {"weight": load.weight, "inv_weight": load.inv_weight}


def calc_delta_of(row):
    load = fair.Load(*row["lw"])
    result = fair.calc_delta_mine(row["delta"], row["weight"], load)
    return {"result": result, "inv_after": load.inv_weight}


def slices_of(row):
    tunables = fair.Tunables(sched_latency_ns=row["latency"], sched_nr_latency=row["nr_latency"])
    nr_running, queue_weight, weight = row["nr_running"], row["rq_weight"], row["weight"]
    return {
        "period": fair.sched_period(nr_running, tunables),
        "sched_slice": fair.sched_slice(weight, queue_weight, nr_running, tunables),
        "sched_vslice": fair.sched_vslice(queue_weight, nr_running, tunables),
        "sched_vslice_add": fair.sched_vslice(queue_weight + weight, nr_running + 1, tunables),
    }


ARITHMETIC = {
    "prio_to_weight": lambda row: {"table": list(fair.PRIO_TO_WEIGHT)},
    "prio_to_wmult": lambda row: {"table": list(fair.PRIO_TO_WMULT)},
    "load_weight": load_weight_of,
    "shares_inv": lambda row: {"inv_weight": fair.group_load(row["shares"]).inv_weight},
    "calc_delta_mine": calc_delta_of,
    "slices": slices_of,
}


def main(paths):
    """Print one line a trace; the exit status is the number of traces that differ."""
    differing = 0
    for path in paths:
        difference = first_difference(path)
        differing += difference is not None
        sys.stdout.write(f"{path}: {difference or 'equal'}\n")
    return differing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
