"""Many CPUs: an event costs what it touches, however many CPUs the machine has.

What it measures: the loop that runs a workload, ns an event (a tick, or a run that begins), on machines of 1 to
4096 CPUs:

    one busy    CPU 0 has two hogs and two sleepers, every other CPU idles
    all busy    every CPU has two hogs and two sleepers of its own

CPUs do not influence each other, so each busy CPU must do what the only one of a small machine does: before any
time is printed, the runs of each are compared with those of a machine with one CPU, row by row. The tasks of a
CPU begin at one of 16 instants, so that not all CPUs do the same at the same time.

Bars: an event with 256 CPUs costs at most twice one with 1 CPU, with 4096 at most four times. What is left is
memory: 4096 busy CPUs do not fit into the caches.
"""

import sys
from typing import NamedTuple

import numpy as np

import cfs
from benchmarks import common

SIZES = (1, 16, 64, 256, 1024, 4096)
BARS = {256: 2.0, 4096: 4.0}
MODELS = ("linux-2.6.24-cfs", "linux-6.18-eevdf")
LAYOUTS = ("one busy", "all busy")
MS = 1_000_000
HZ = 1000
LATER_NS = 10**15               # when the tasks of idle CPUs would begin
EVENTS = 30_000                 # a round, about; three a millisecond of a busy CPU
LEAST_MS = 10                   # of a round: every task of a CPU has had its turn
PHASES = 16
PHASE_NS = 61_007


class Setting(NamedTuple):
    model: str
    layout: str
    nr_cpus: int
    phase: int = 0              # of the first CPU

    @property
    def nr_busy(self):
        return 1 if self.layout == "one busy" else self.nr_cpus

    @property
    def round_ns(self):
        return max(LEAST_MS, EVENTS // (3 * self.nr_busy)) * MS


def programs_of(cpu):
    """The four tasks of a busy CPU, the same on each."""
    return {
        f"hog {cpu}": [("run", LATER_NS)],
        f"other hog {cpu}": [("run", LATER_NS)],
        f"sleeper {cpu}": [("run", 700_001), ("sleep", 1_300_003), ("loop",)],
        f"short sleeper {cpu}": [("run", 90_007), ("sleep", 2_100_011), ("loop",)],
    }


def workload_of(setting):
    programs, cpus, starts = {}, {}, {}
    for cpu in range(setting.nr_cpus):
        busy = cpu < setting.nr_busy
        own = programs_of(cpu) if busy else {f"later {cpu}": [("run", MS)]}
        programs |= own
        cpus |= dict.fromkeys(own, cpu)
        begin_ns = (setting.phase + cpu) % PHASES * PHASE_NS
        starts |= dict.fromkeys(own, begin_ns if busy else LATER_NS)
    return cfs.Workload.of_programs(programs, cpu=cpus, start_ns=starts, duration_ns=LATER_NS)


def unscaled(setting):
    """What a machine of so many CPUs boots with otherwise, as on one CPU."""
    kind = cfs.MODELS[setting.model].tunables
    small, large = vars(kind.at_boot(1)), vars(kind.at_boot(setting.nr_cpus))
    return {name: value for name, value in small.items() if large[name] != value}


class Variant:
    """A machine. A step is a span of time, `Setting.round_ns`."""

    def __init__(self, setting):
        self.setting = setting
        self.sim = cfs.Simulation(workload_of(setting), setting.model, hz=HZ, **unscaled(setting))
        self.until_ns = 0

    def prepare(self, steps):
        self.until_ns += steps * self.setting.round_ns

    def run(self):
        self.sim.advance(self.until_ns)

    def nr_events(self):
        ticks = self.until_ns * HZ // 10**9 * self.setting.nr_busy
        return ticks + len(self.sim.result().runs)

    def state(self):
        """The runs of each busy CPU."""
        runs = self.sim.result().runs
        runs = runs[np.argsort(runs["cpu"], kind="stable")]
        starts = np.searchsorted(runs["cpu"], range(1, self.setting.nr_busy))
        return [lines_of(rows, cpu) for cpu, rows in enumerate(np.split(runs, starts))]


def lines_of(rows, cpu):
    """Runs as numbers; the tasks of a CPU are 0 to 3."""
    columns = [rows[name].astype(np.int64) for name in ("ready_ns", "start_ns", "end_ns", "ready", "out")]
    return np.stack([*columns, rows["task"].astype(np.int64) - 4 * cpu])


def require_what_one_cpu_does(variant):
    """The witnesses: machines with one CPU, one a phase, for the same time."""
    witnesses = []
    for phase in range(min(PHASES, variant.setting.nr_busy)):
        alone = Variant(variant.setting._replace(nr_cpus=1, phase=phase))
        alone.sim.advance(variant.until_ns)
        witnesses += alone.state()
    for cpu, lines in enumerate(variant.state()):
        if not np.array_equal(lines, witnesses[cpu % PHASES]):
            raise AssertionError(f"{variant.setting}: CPU {cpu} has not done what one CPU does: no time is worth printing")


def measure(model, layout, sizes, turns, rounds):
    """Rows of the sizes, measured by turns."""
    variants = {n: Variant(Setting(model, layout, n)) for n in sizes}
    common.warm_up(variants, 1)
    samples = common.interleave(variants, turns, rounds, steps=1)
    rows = []
    for n, variant in variants.items():
        require_what_one_cpu_does(variant)
        events = variant.nr_events() * variant.setting.round_ns / variant.until_ns      # a round
        rows.append(
            {
                "model": model,
                "layout": layout,
                "cpus": n,
                "events_a_round": round(events),
                "min_ns": round(samples[n].least / events, 2),
                "median_ns": round(samples[n].median / events, 2),
            }
        )
    for row in rows:
        row["ratio"] = round(row["median_ns"] / rows[0]["median_ns"], 3)
    return rows


def show(rows, sizes):
    for model in MODELS:
        cells = {(row["layout"], row["cpus"]): row for row in rows if row["model"] == model}
        times = [(layout, [common.times(cells[layout, n]) for n in sizes]) for layout in LAYOUTS]
        ratios = [
            (f"{layout} : 1 CPU", [marked(cells[layout, n]["ratio"], BARS.get(n)) for n in sizes])
            for layout in LAYOUTS
        ]
        heads = [f"{n} CPUs" for n in sizes]
        common.print_table(f"{model}, ns an event: minimum/median of rounds", heads, times, 15)
        common.print_table("ratios (* misses its bar)", heads, ratios, 15)


def marked(ratio, bar):
    return f"{'*' if bar is not None and ratio > bar else ''}{ratio:.2f}"


def main(arguments=None):
    parser = common.arguments("cpus", __doc__.splitlines()[0])
    options = parser.parse_args(arguments)
    sizes = (1, 16) if options.quick else common.sizes_of(options, SIZES)
    turns = options.turns or (1 if options.quick else 5)
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    rows = []
    for model in MODELS:
        for layout in LAYOUTS:
            print(f"{model}, {layout} ...", end="\r", file=sys.stderr)
            rows += measure(model, layout, sizes, turns, rounds=3)
    show(rows, sizes)
    if options.json:
        common.write_json(options.json, "cpus", stamp, rows)
    return rows


if __name__ == "__main__":
    main()
