"""Bulk: arrays of events in, picks out, in one call of `cfs.batch.run_events`.

What it measures: million events a second on one core, 64 tasks, all events of all mixes real ones (a wake
wakes somebody who sleeps). Bars: 20 for 2.6.24, 10 for EEVDF.

    ticks         a tick every 1 ms; a turn that is over ends
    yields        a yield every 0.1 to 1 ms
    block + wake  the running task blocks, is woken 50 us later; half of the events each
    mixed         of 10 events 6 ticks, 2 blocks and 2 wakes: a machine with HZ=1000 and light I/O
"""

import sys

import numpy as np
import pytest

import cfs
from benchmarks import common
from cfs.batch import EVENT_DTYPE, Event, run_events

MODELS = ("linux-2.6.24-cfs", "linux-6.18-eevdf", "linux-2.6.23-cfs", "linux-2.6.22-o1")
BARS = {"linux-2.6.24-cfs": 20.0, "linux-6.18-eevdf": 10.0}
MIXES = {
    "ticks": [(Event.TICK, 1_000_000)],
    "yields": [(Event.YIELD, 300_000), (Event.YIELD, 100_000), (Event.YIELD, 1_000_000)],
    "block + wake": [(Event.BLOCK, 700_000), (Event.WAKE, 50_000)],
    "mixed": [
        *[(Event.TICK, 1_000_000)] * 3,
        (Event.BLOCK, 400_000),
        (Event.WAKE, 50_000),
        *[(Event.TICK, 1_000_000)] * 3,
        (Event.BLOCK, 300_000),
        (Event.WAKE, 80_000),
    ],
}
NR_TASKS = 64
NR_EVENTS = 20_000


def boot(model):
    sched = cfs.Scheduler(model)
    tasks = [sched.fork(nice=i * 17 % 40 - 20, now_ns=1000 * (i + 1)) for i in range(NR_TASKS)]
    return sched, tasks


def events_of(model, mix):
    """``(NR_EVENTS,)`` events; who blocks is known only by running them, so this does."""
    sched, tasks = boot(model)
    row = {task.id: i for i, task in enumerate(tasks)}
    events = np.zeros(NR_EVENTS, EVENT_DTYPE)
    kinds = MIXES[mix]
    now, asleep = 1_000_000, []
    for i in range(NR_EVENTS):
        kind, gap = kinds[i % len(kinds)]
        now += gap
        if kind == Event.BLOCK:
            asleep.append(row[sched.current.id])
        events[i] = (now, kind, asleep.pop(0) if kind == Event.WAKE else 0)
        run_events(sched, events[i : i + 1], tasks)
    return events


class Bulk:
    """One call a round, the machine made anew before it."""

    def __init__(self, model, events):
        self.model, self.events = model, events

    def prepare(self, steps):
        self.sched, self.tasks = boot(self.model)

    def run(self):
        self.picks = run_events(self.sched, self.events, self.tasks)

    def state(self):
        return self.picks.tolist()


def one_by_one(model, events):
    """The same through the methods: what the bulk call must give."""
    sched, tasks = boot(model)
    picks = []
    for time, kind, row in events.tolist():
        if kind == Event.TICK:
            sched.tick(now_ns=time)
        elif kind == Event.WAKE:
            sched.wake(tasks[row], now_ns=time)
        elif kind == Event.BLOCK:
            sched.block(now_ns=time)
        else:
            sched.yield_(now_ns=time)
        picks.append(sched.current.id if sched.current is not None else 0)
    return picks


def measure(model, mix, turns, rounds=5):
    events = events_of(model, mix)
    variants = {"bulk": Bulk(model, events), "bulk again (A/A)": Bulk(model, events)}
    samples = common.interleave(variants, turns, rounds, steps=NR_EVENTS)
    if variants["bulk"].state() != one_by_one(model, events):
        raise AssertionError(f"{model}, {mix}: the bulk call and the calls one by one differ")
    sample = samples["bulk"]
    return {
        "variant": "bulk",
        "model": model,
        "mix": mix,
        "nr_tasks": NR_TASKS,
        "min_ns": round(sample.least, 2),
        "median_ns": round(sample.median, 2),
        "million_events_a_second": round(1000 / sample.least, 1),
        "bar": BARS.get(model),
        "a_a": round(samples["bulk again (A/A)"].ratio_to(sample), 3),
    }


def main(arguments=None):
    options = common.arguments("batch", __doc__.splitlines()[0]).parse_args(arguments)
    turns = options.turns or (2 if options.quick else 8)
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    rows = []
    for model in MODELS:
        for mix in MIXES:
            print(f"{model}, {mix} ...".ljust(60), end="\r", file=sys.stderr)
            rows.append(measure(model, mix, turns))
    cell = {(row["model"], row["mix"]): row for row in rows}

    def text(row):
        missed = row["bar"] and row["million_events_a_second"] < row["bar"]
        return f"{'*' if missed else ''}{row['million_events_a_second']:.1f}"

    table = [(model, [text(cell[model, mix]) for mix in MIXES]) for model in MODELS]
    common.print_table("million events a second (* misses its bar)", list(MIXES), table, 14)
    if options.json:
        common.write_json(options.json, "batch", stamp, rows)
    return rows


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("model", MODELS)
def test_batch(benchmark, model, mix):
    bulk = Bulk(model, events_of(model, mix))
    benchmark.extra_info.update(operations_a_round=NR_EVENTS, nr_tasks=NR_TASKS)
    benchmark.pedantic(
        bulk.run, setup=lambda: bulk.prepare(NR_EVENTS), rounds=20, iterations=1, warmup_rounds=1
    )
    assert bulk.state() == one_by_one(model, bulk.events)


if __name__ == "__main__":
    main()
