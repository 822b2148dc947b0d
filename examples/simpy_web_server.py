"""A SimPy model of a web server with batch jobs beside it, and what its CPU was.

The model came with the CPU that queueing theory offers: processor sharing, everybody at the same instant,
weights exact, nobody ever waits. Its last line is the only one that changes when a real scheduler takes its
place:

    cpu = ProcessorSharing(env)            ->            cpu = CPU(env, "linux-2.6.24-cfs", unit="ms")

Utilisation and shares stay as they were; response times need not. Processor sharing slows a request down from
its first millisecond on. CFS of 2.6.24 and O(1) let a worker that slept go first until its credit is used up,
so that pages are answered five times sooner than the model said, and under O(1) the reports too, at the price
of a long tail for some. EEVDF gives no credit for sleeping, and comes out within a millisecond or two of
processor sharing: there the theory is right, and now that is known and not hoped.

    python examples/simpy_web_server.py [--out picture.png]
"""

import argparse

import numpy as np
import simpy

from cfs.adapters.simpy import CPU
from cfs.arithmetic import load_from_nice

SPAN_MS = 120_000
WORKERS = 16
REQUEST_EVERY_MS = 40  # on average
SIZES_MS = (2, 8, 60)  # CPU time of a static page, a dynamic one, a report
SHARES = (0.6, 0.3, 0.1)  # how often each is asked for
BATCH = 4  # jobs that always have work, at nice 0 as they were started by cron
SEED = 2007
TICKS_MS = (2, 5, 10, 20, 50, 100, 200, 500)

# --------------------------------------------------------------------------- the CPU that the model came with


class ProcessorSharing:
    """Everybody who has work gets it at the rate weight / sum of weights, from the first moment."""

    def __init__(self, env):
        self.env, self.left, self.since, self.turn = env, {}, 0.0, 0

    def task(self, *, name="", nice=0):
        return SharingTask(self, load_from_nice(nice)[0])

    def settle(self):
        """Credit what everybody has received since the last change."""
        passed, total = self.env.now - self.since, sum(task.weight for task in self.left)
        for task in self.left:
            self.left[task] -= passed * task.weight / total
        self.since = self.env.now

    def wait_for_next(self):
        self.turn += 1
        if self.left:
            total = sum(task.weight for task in self.left)
            delay = min(max(left, 0) * total / task.weight for task, left in self.left.items())
            self.env.process(self.finish_one(delay, self.turn))

    def finish_one(self, delay, turn):
        yield self.env.timeout(delay)
        if turn != self.turn:
            return  # somebody came or went meanwhile
        self.settle()
        for task in [task for task, left in self.left.items() if left < 1e-9]:
            del self.left[task]
            task.done.succeed()
        self.wait_for_next()


class SharingTask:
    def __init__(self, cpu, weight):
        self.cpu, self.weight, self.done = cpu, weight, None

    def run(self, work):
        self.cpu.settle()
        self.done = self.cpu.env.event()
        self.cpu.left[self] = work
        self.cpu.wait_for_next()
        return self.done


# -------------------------------------------------------------------------------------------------- the model


def clients(env, queue, draw):
    """Requests of three sizes at random times."""
    while True:
        yield env.timeout(draw.exponential(REQUEST_EVERY_MS))
        queue.put((env.now, int(draw.choice(SIZES_MS, p=SHARES))))


def worker(env, task, queue, log):
    """Takes a request, computes, answers; sleeps when there is none."""
    while True:
        came, size = yield queue.get()
        yield task.run(size)
        log.append((size, env.now - came))


def batch(task):
    while True:
        yield task.run(500)


def web_server(env, cpu):
    """The whole model. It neither knows nor cares what its CPU is. Returns the log: (size, response time) in
    ms.
    """
    queue, log = simpy.Store(env), []
    env.process(clients(env, queue, np.random.default_rng(SEED)))
    for number in range(WORKERS):
        env.process(worker(env, cpu.task(name=f"worker {number}"), queue, log))
    for number in range(BATCH):
        env.process(batch(cpu.task(name=f"batch {number}")))
    env.run(until=SPAN_MS)
    return np.array(log)


# ------------------------------------------------------------------------------------------------- the answer

CPUS = {
    "processor sharing": ProcessorSharing,
    "CFS, Linux 2.6.24": lambda env: CPU(env, "linux-2.6.24-cfs", unit="ms"),
    "EEVDF, Linux 6.18": lambda env: CPU(env, "linux-6.18-eevdf", unit="ms"),
    "O(1), Linux 2.6.22": lambda env: CPU(env, "linux-2.6.22-o1", unit="ms"),
}


def answers():
    logs = {}
    for name, make in CPUS.items():
        env = simpy.Environment()
        logs[name] = web_server(env, make(env))
    return logs


def table(logs):
    lines = ["response time, ms        " + "".join(f"{f'{size} ms of CPU':>22}" for size in SIZES_MS)]
    lines += [" " * 25 + f"{'p50      p99':>22}" * len(SIZES_MS)]
    for name, log in logs.items():
        cells = [np.quantile(log[log[:, 0] == size, 1], (0.5, 0.99)) for size in SIZES_MS]
        lines.append(f"{name:25}" + "".join(f"{f'{p50:.1f} {p99:8.1f}':>22}" for p50, p99 in cells))
    return "\n".join(lines)


def draw(logs, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib import ticker

    figure, axes = plt.subplots(1, len(SIZES_MS), figsize=(12, 4), sharey=True, layout="constrained")
    for axis, size in zip(axes, SIZES_MS, strict=True):
        for name, log in logs.items():
            times = np.sort(log[log[:, 0] == size, 1])
            style = {"color": "black", "linestyle": "--"} if name == "processor sharing" else {}
            axis.plot(times, np.linspace(0, 1, len(times)), label=name, **style)
        axis.set(xscale="log", xlabel="response time, ms", title=f"requests of {size} ms")
        axis.set_xticks(TICKS_MS, [str(tick) for tick in TICKS_MS])
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.axvline(size, color="grey", linewidth=0.5)
        axis.set_xlim(0.8 * size, 1.2 * max(log[log[:, 0] == size, 1].max() for log in logs.values()))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("share of requests answered")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(logs))
    figure.suptitle(
        f"A web server beside {BATCH} batch jobs: what processor sharing says, and what schedulers do"
    )
    figure.savefig(path, dpi=110)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="draw the distributions into this file (needs matplotlib)")
    options = parser.parse_args(arguments)
    logs = answers()
    print(table(logs))
    if options.out:
        draw(logs, options.out)


if __name__ == "__main__":
    main()
