"""A scheduler of one's own in Python: a lottery, beside CFS, on the same recording.

Every task holds as many tickets as its nice value has weight; a quantum goes to the holder of a ticket that
is drawn. The policy is a class with the event methods of `cfs.Scheduler`, and `Workload.run` steps through it
in Python: slow, but with the same workloads and the same results as a compiled model.

    python examples/policy_in_python.py
"""

import pathlib
import random

import cfs
from cfs.arithmetic import load_from_nice

RECORDING = pathlib.Path(__file__).parent / "recordings" / "nice-hogs-small.perf-script.txt.gz"


class Ticket:
    """What a task is to this policy: a name and a number of tickets."""

    def __init__(self, name, nice):
        self.name = name
        self.count = int(load_from_nice(nice).weight)


class Lottery:
    """One CPU. Draws at every tick, and whenever the running task stops."""

    name = "lottery"

    def __init__(self, seed=0):
        self.random = random.Random(seed)
        self.ready = []  # runnable tasks, the running one included, in order of arrival
        self.current = None

    def current_on(self, cpu):
        return self.current

    def draw(self):
        self.current = (
            self.random.choices(self.ready, [task.count for task in self.ready])[0] if self.ready else None
        )

    def adopt(self, *, name, nice, policy, cpu):
        return Ticket(name, nice)

    def fork(self, *, now_ns, name, nice, policy, cpu, start_cpu):
        child = Ticket(name, nice)
        self.ready.append(child)
        return child

    def wake(self, task, *, now_ns, cpu):
        self.ready.append(task)
        if self.current is None:
            self.draw()

    def block(self, *, now_ns, cpu):
        self.ready.remove(self.current)
        self.draw()

    exit = block

    def yield_(self, *, now_ns, cpu):
        self.draw()

    def tick(self, *, now_ns, cpu):
        self.draw()

    def set_nice(self, task, nice, *, now_ns):
        task.count = int(load_from_nice(nice).weight)


def shares(result):
    """Share of each hog, by name."""
    return {
        result.names[row["key"]]: row["share"]
        for row in result.stats()
        if result.names[row["key"]].startswith("hog")
    }


def main():
    work = cfs.Recording.open(RECORDING).workload(cpu=0)
    ours, fair = work.run(Lottery(seed=1), hz=250), work.run("linux-2.6.24-cfs", hz=250)
    print(f"{'':12}{'lottery':>10}{'CFS':>10}")
    for name, share in sorted(shares(fair).items()):
        print(f"{name:12}{shares(ours).get(name, 0):10.1%}{share:10.1%}")
    for result in (ours, fair):
        _, wait_ns = result.waits()
        print(f"longest wait under {result.model}: {wait_ns.max() / 1e6:.0f} ms")


if __name__ == "__main__":
    main()
