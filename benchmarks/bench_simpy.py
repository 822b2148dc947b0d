"""SimPy: the same contention by `cfs.adapters.simpy` and by `simpy.PreemptiveResource` at quanta of 1 ms.

What it measures: processes of several nice values that each want some CPU time, again and again, for a span
of model time. The hand-written one is what a modeller writes today: a PreemptiveResource whose priority is
the virtual time of each process, given back after each millisecond. Before any time is printed the CPU time
of every process must agree with the weights' shares, in both, within one part in fifty.

The ratio grows with the length of the pieces, because the adapter pays for pieces and the quanta for
milliseconds.

Bar: at pieces of 50 ms the adapter is at least 20 times faster.
"""

import statistics
import sys
import time

import simpy

from benchmarks import common
from cfs.adapters.simpy import CPU
from cfs.arithmetic import load_from_nice

NICE = (0, 0, 1, 2, 3, 5, 5, 8)
WORKS_MS = (10, 50, 200)  # what a process asks for at a time
BAR_AT = 50
SPAN_MS = 60_000
BAR = 20
QUANTUM_MS = 1


def with_cfs(span_ms, work_ms):
    """CPU time of each process, ms."""
    env = simpy.Environment()
    cpu = CPU(env, unit="ms")

    def process(task):
        while True:
            yield task.run(work_ms)

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
            raise AssertionError(
                f"a process of weight {weight} has {got} ms, not {due:.0f}: no time is worth printing"
            )


def timed(function, *arguments):
    begin = time.process_time()
    received = function(*arguments)
    seconds = time.process_time() - begin
    require_shares(received, SPAN_MS)
    return seconds


def measure(turns):
    """Seconds of the quanta, and of the adapter for each length of a piece; a list of turns each."""
    theirs, ours = [], {work_ms: [] for work_ms in WORKS_MS}
    for _ in range(turns):
        theirs.append(timed(with_quanta, SPAN_MS))
        for work_ms in WORKS_MS:
            ours[work_ms].append(timed(with_cfs, SPAN_MS, work_ms))
    return theirs, ours


def ratio_of(theirs, ours):
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def main(arguments=()):
    options = common.arguments("simpy", __doc__).parse_args(list(arguments))
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    theirs, ours = measure(options.turns or (1 if options.quick else 5))
    rows = [{"variant": "PreemptiveResource, 1 ms", "seconds": statistics.median(theirs), "ratio": 1.0}]
    for work_ms, seconds in ours.items():
        row = {"variant": f"cfs, pieces of {work_ms} ms", "seconds": statistics.median(seconds)}
        rows.append(row | {"ratio": ratio_of(theirs, seconds)})
    common.print_table(
        f"{len(NICE)} processes, {SPAN_MS / 1000:.0f} s of model time",
        ["seconds", "times faster"],
        [(row["variant"], [f"{row['seconds']:.4f}", f"{row['ratio']:.1f}"]) for row in rows],
        14,
    )
    if options.json:
        common.write_json(options.json, "simpy", stamp, rows)
    met = ratio_of(theirs, ours[BAR_AT]) >= BAR
    print(f"bar: {BAR} times at {BAR_AT} ms: {'met' if met else 'MISSED'}")
    return int(not met)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
