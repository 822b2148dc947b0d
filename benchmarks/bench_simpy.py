"""SimPy: the same contention by `cfs.adapters.simpy` and by `simpy.PreemptiveResource` at quanta of 1 ms.

What it measures: processes of several nice values that each want some CPU time, again and again, for a span of model
time. The hand-written one is what a modeller writes today: a PreemptiveResource whose priority is the virtual time of
each process, given back after each millisecond. Before any time is printed the CPU time of every process must agree
with the weights' shares, in both, within one part in fifty.

Bar: the adapter is at least 20 times faster.
"""

import sys
import time

import simpy

from benchmarks import common
from cfs.adapters.simpy import CPU
from cfs.arithmetic import load_from_nice

NICE = (0, 0, 1, 2, 3, 5, 5, 8)
WORK_MS = 50                    # what a process asks for at a time
SPAN_MS = 60_000
BAR = 20
QUANTUM_MS = 1


def with_cfs(span_ms):
    """CPU time of each process, ms."""
    env = simpy.Environment()
    cpu = CPU(env, unit="ms")

    def process(task):
        while True:
            yield task.run(WORK_MS)

    tasks = [cpu.task(nice=nice) for nice in NICE]
    for task in tasks:
        env.process(process(task))
    env.run(until=span_ms)
    return [task.received for task in tasks]


def with_quanta(span_ms):
    """The same by hand; who has the least virtual time goes next."""
    env = simpy.Environment()
    cpu = simpy.PreemptiveResource(env)
    received = [0] * len(NICE)

    def process(number, weight):
        vruntime = 0.0
        while True:
            with cpu.request(priority=vruntime, preempt=False) as turn:
                yield turn
                yield env.timeout(QUANTUM_MS)
            received[number] += QUANTUM_MS
            vruntime += QUANTUM_MS * 1024 / weight

    for number, nice in enumerate(NICE):
        env.process(process(number, load_from_nice(nice)[0]))
    env.run(until=span_ms)
    return received


def require_shares(received, span_ms):
    weights = [load_from_nice(nice)[0] for nice in NICE]
    for got, weight in zip(received, weights, strict=True):
        due = span_ms * weight / sum(weights)
        if abs(got - due) > due / 50:
            raise AssertionError(f"a process of weight {weight} has {got} ms, not {due:.0f}: no time is worth printing")


def timed(function, span_ms):
    begin = time.perf_counter()
    received = function(span_ms)
    seconds = time.perf_counter() - begin
    require_shares(received, span_ms)
    return seconds


def main(arguments=()):
    options = common.arguments("simpy", __doc__).parse_args(list(arguments))
    turns = options.turns or (1 if options.quick else 5)
    common.print_stamp(common.machine_stamp())
    pairs = [(timed(with_cfs, SPAN_MS), timed(with_quanta, SPAN_MS)) for _ in range(turns)]
    ratio = sorted(theirs / ours for ours, theirs in pairs)[len(pairs) // 2]
    rows = [
        {"variant": name, "span_ms": SPAN_MS, "seconds": sorted(pair[place] for pair in pairs)[len(pairs) // 2]}
        for place, name in enumerate(("cfs.adapters.simpy", "PreemptiveResource, 1 ms"))
    ]
    common.print_table(
        f"{len(NICE)} processes, {WORK_MS} ms at a time, {SPAN_MS / 1000:.0f} s of model time",
        ["seconds"],
        [(row["variant"], [f"{row['seconds']:.4f}"]) for row in rows],
        12,
    )
    print(f"ratio {ratio:.1f}; the bar is {BAR}: {'met' if ratio >= BAR else 'MISSED'}")
    if options.json:
        common.write_json(options.json, "simpy", common.machine_stamp(), rows)
    return int(ratio < BAR)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
