"""RFS and CFS: the same picks, and the one corner in which they differ.

Driven by the same forced switches, the RFS model, 2.6.24 and 2.6.23 without its limits choose the same
tasks: whoever runs for d goes forward by d * 1024 / w, and the load W, by which 2.6.23 divides, cancels in
every comparison. The normalised times of the RFS model and of 2.6.24 are even equal to the bit (the same
weighted delta); 2.6.23 rounds, and may choose the other one of two that are some nanoseconds apart.

The corner: the weighted average A of the normalised times goes as the fair clock of 2.6.23 does, until a
task leaves that is not at the average. Then A jumps by (A - v) w / (W - w); the fair clock does not. Here
two tasks leave, and A minus the fair clock is drawn, both read from the models.

    python examples/story/rfs_and_cfs.py --out story-rfs.png

Five tasks of nice 0, 0, 5, -5 and 3; a switch every 0.5 to 5 ms, drawn from a seed.
"""

import random
from fractions import Fraction

from common import COLORS, INK, MS, S, figure, name_rows, run, text_color, text_table

import cfs

NICES = (0, 0, 5, -5, 3)
SEEDS = range(6)
SWITCHES = 1500
SHOWN = 40
PLAIN = {  # the rule of keys and nothing else: no limits, credits or debits, no preemption, no end of a turn
    "RFS model": ("rfs-model", {"rfs_slice_ns": 0, "rfs_granularity_ns": S}),
    "CFS 2.6.24": (
        "linux-2.6.24-cfs",
        {"START_DEBIT": 0, "WAKEUP_PREEMPT": 0, "sched_child_runs_first": 0, "sched_latency_ns": S}
        | {"initial_min_vruntime": 0},
    ),
    "CFS 2.6.23": (
        "linux-2.6.23-cfs",
        {"START_DEBIT": 0, "FAIR_SLEEPERS": 0, "sched_child_runs_first": 0, "sched_runtime_limit_ns": S}
        | {"sched_min_granularity_ns": S, "sched_wakeup_granularity_ns": S, "sched_latency_ns": S},
    ),
}
OTHERS = ("RFS model", "CFS 2.6.23")
SPAN_NS, TURN_NS = 110 * MS, 4 * MS
LEAVES = {51 * MS: "the one that has just run", 80 * MS: "the one that is next"}


def machines():
    """One scheduler a model, with the five tasks, all at normalised time 0 and in the same order."""
    scheds = {}
    for label, (model, tunables) in PLAIN.items():
        scheds[label] = sched = cfs.Scheduler(model, **tunables)
        for number, nice in enumerate(NICES):
            sched.fork(name=str(number), nice=nice, now_ns=0)
            if number and model != "linux-2.6.24-cfs":  # 2.6.24 schedules after each fork
                sched.yield_(now_ns=0)
    return scheds


def same_switches(seed, nr_switches):
    """Time of each forced switch, and whom each model then picks."""
    rng, scheds = random.Random(seed), machines()
    now, picks, unequal = 0, [], 0
    for _ in range(nr_switches):
        now += rng.randrange(MS // 2, 5 * MS)
        for sched in scheds.values():
            sched.yield_(now_ns=now)
        picks.append((now, {label: int(sched.current.name) for label, sched in scheds.items()}))
        rfs, fair = ([task.vruntime for task in scheds[label].tasks] for label in ("RFS model", "CFS 2.6.24"))
        unequal += rfs != fair
    return picks, unequal


def average(rfs):
    """A = B + O / W of the RFS model, exactly."""
    queue = rfs.queue_fields()
    return queue["base"] + Fraction(queue["offset_sum"], queue["load_weight"])


def jump_of_leaver(rfs):
    """(A - v) w / (W - w) of the running task."""
    task, load = rfs.current, rfs.queue_fields()["load_weight"]
    return (average(rfs) - task.vruntime) * task.weight / (load - task.weight)


def corner():
    """A minus the fair clock (ns) over time; for each leave time, who, its jump, and that of the formula."""
    rfs, fair = (machines()[label] for label in ("RFS model", "CFS 2.6.23"))
    rfs.set_tunables(rfs_slice_ns=S)  # from here on a tick only charges
    points, jumps = [], []
    for now in range(0, SPAN_NS, MS):
        go_on(rfs, fair, now, forced=now % TURN_NS == 0 or LEAVES.get(now) == "the one that is next")
        points.append((now, distance(rfs, fair)))
        if now in LEAVES:
            foretold = jump_of_leaver(rfs)
            for sched in (rfs, fair):
                sched.block(now_ns=now)
            points.append((now, distance(rfs, fair)))
            jumps.append((now, LEAVES[now], points[-1][1] - points[-2][1], foretold))
    return points, jumps


def go_on(rfs, fair, now, forced):
    """Charge both, and change tasks if `forced`. The same must run in both, or their loads would differ."""
    for sched in (rfs, fair):
        (sched.yield_ if forced else sched.tick)(now_ns=now)
    if rfs.current.name != fair.current.name:
        raise RuntimeError(f"different picks at {now} ns: {rfs.current.name} and {fair.current.name}")


def distance(rfs, fair):
    """A minus the fair clock, which starts at 1."""
    return average(rfs) - (fair.queue_fields()["fair_clock"] - 1)


def measure(seeds=SEEDS, switches=SWITCHES):
    """Picks and unequal states of each seed, and the corner case."""
    return {"switches": {seed: same_switches(seed, switches) for seed in seeds}, "corner": corner()}


def differing(picks, label):
    """Numbers of the picks in which a scheduler differs from 2.6.24."""
    return [number for number, (_, who) in enumerate(picks) if who[label] != who["CFS 2.6.24"]]


def table(got):
    rows = [
        [f"seed {seed}", len(picks), unequal, *(len(differing(picks, label)) for label in OTHERS)]
        for seed, (picks, unequal) in got["switches"].items()
    ]
    head = ["", "switches", "times differ", *(f"{label} picks another" for label in OTHERS)]
    leaves = [
        [f"{now / MS:.0f} ms, {who}", f"{float(jump):+.1f}", f"{float(foretold):+.1f}"]
        for now, who, jump, foretold in got["corner"][1]
    ]
    drift = max(abs(float(y)) for x, y in got["corner"][0] if x < min(LEAVES))
    return "\n\n".join(
        [
            text_table("Forced switches; compared with 2.6.24", head, rows),
            text_table("Average minus fair clock, ns; who leaves", ["", "jumps by", "formula"], leaves),
            f"Before the first leave the two are at most {drift:.1f} ns apart (2.6.23 rounds).",
        ]
    )


def draw_picks(axes, picks):
    """Who runs, a strip a scheduler and a tone a task."""
    times = [0, *(now for now, _ in picks[: SHOWN + 1])]
    for y, label in enumerate(PLAIN):
        for (now, who), end in zip(picks[:SHOWN], times[2:]):
            task = who[label]
            tone = 0.25 + 0.75 * task / (len(NICES) - 1)
            axes.barh(y, (end - now) / MS, left=now / MS, height=0.75, color=COLORS[label], alpha=tone, lw=0)
            if end - now > 1.5 * MS:
                ink = "white" if tone > 0.5 and label != "CFS 2.6.23" else INK
                axes.text((now + end) / 2 / MS, y, task, ha="center", va="center", fontsize=6, color=ink)
    name_rows(axes, list(PLAIN))
    axes.set(xlim=(times[1] / MS, times[-1] / MS), xlabel="ms")
    axes.set_title("The same forced switches: who runs (number of the task)")


def draw_corner(axes, points, jumps):
    times, values = zip(*((x / MS, float(y) / MS) for x, y in points))
    axes.axhline(0, color=COLORS["CFS 2.6.23"], lw=1.6)
    axes.plot(times, values, color=COLORS["RFS model"], lw=1.6)
    axes.text(1, 0.06, "fair clock of 2.6.23", color=text_color("CFS 2.6.23"), va="bottom")
    place = {"x": times[-1], "y": values[-1] - 0.08, "va": "top", "ha": "right"}
    axes.text(s="average of the RFS model", color=text_color("RFS model"), **place)
    level = 0.0
    for now, who, jump, foretold in jumps:
        level += float(foretold) / MS
        axes.plot(now / MS, level, "o", mfc="none", color=INK, ms=6)
        words = f"leaves: {who}\n{float(foretold) / MS:+.2f} ms".replace("-", "\u2212")
        place = {"x": now / MS + 1.5, "ha": "left", "va": "bottom"}
        if foretold < 0:
            place = {"x": now / MS - 1.5, "ha": "right", "va": "center"}
        axes.text(y=level + (foretold > 0) * 0.06, s=words, color=INK, **place)
    axes.set(xlim=(0, SPAN_NS / MS), ylim=(min(values) - 0.3, max(values) + 0.6))
    axes.set(xlabel="ms", ylabel="ahead of the fair clock, ms")
    axes.set_title("The corner: a task leaves, and the average jumps (circles: formula)")


def draw(got, path):
    with figure(7, 3.6, path) as drawn:
        upper, lower = drawn.subplots(2, 1, height_ratios=(1, 1.5))
        draw_picks(upper, next(iter(got["switches"].values()))[0])
        draw_corner(lower, *got["corner"])


if __name__ == "__main__":
    run(__doc__, "story-rfs.png", measure, table, draw)
