"""chew-max: how long a hog runs at a time, five hogs on two CPUs.

The test of commit f6cf891c4d7, which gave 2.6.23 the rule that a turn longer than latency / nr ends
whatever the keys say: five tasks that only compute, on a machine of two CPUs (so the target latency is 40
ms), of which each prints how long it ran and how long it did not. Three of the five share a CPU here; the
strips show these three.

    python examples/story/chew.py --out story-chew.png

HZ 1000, and the table has HZ 250 as well: turns end at ticks.
"""

import numpy as np
from common import COLORS, FAINT, HZ, MS, S, SCHEDULERS, figure, run, text_color, text_table

from cfs.result import Out
from cfs.workload import hogs

SPAN_NS = 10 * S
SHOWN_NS = (5040 * MS, 5290 * MS)
CHEWERS = 3


def chew():
    """Three hogs on CPU 0 and two on CPU 1."""
    return hogs(CHEWERS, name="chew", duration_ns=SPAN_NS).merged(hogs(5 - CHEWERS, name="chew", cpu=1))


def measure(span_ns=SPAN_NS):
    """A result for each scheduler and HZ."""
    return {
        (label, hz): chew().run(hz=hz, until_ns=span_ns, **options)
        for label, options in SCHEDULERS.items()
        for hz in (HZ, 250)
    }


def turns(result, task=0):
    """ns that a task of CPU 0 ran, and ns that it then did not, turn by turn; the first ones left out."""
    runs = result.runs[(result.runs["task"] == task) & (result.runs["out"] == Out.PREEMPTED)][5:]
    return (runs["end_ns"] - runs["start_ns"])[:-1], runs["start_ns"][1:] - runs["end_ns"][:-1]


def few(values_ns):
    """All values that occur, in ms."""
    return " and ".join(f"{value / MS:.3g}" for value in np.unique(values_ns))


def table(got):
    rows = []
    for (label, hz), result in got.items():
        ran, out = turns(result)
        period = ran + out
        latency = result.tunables.get("sched_latency_ns")
        rows.append([label, hz, f"{latency / MS:.0f}" if latency else "-", few(ran), few(out), few(period)])
    head = ["", "HZ", "latency", "runs", "is out", "period"]
    return text_table("One of three hogs on a CPU of a machine with two, ms", head, rows)


def draw_strips(axes, label, result):
    """The CPU from left to right, a row a task; the runs of the first task dark."""
    begin, end = SHOWN_NS
    runs = result.runs[result.runs["cpu"] == 0]
    runs = runs[(runs["end_ns"] > begin) & (runs["start_ns"] < end)]
    for task in range(CHEWERS):
        mine = runs[runs["task"] == task]
        starts, lengths = (mine["start_ns"] - begin) / MS, (mine["end_ns"] - mine["start_ns"]) / MS
        tone = 1 if task == 0 else 0.4
        spans = list(zip(starts, lengths))
        axes.broken_barh(spans, (task - 0.42, 0.84), color=COLORS[label], alpha=tone, lw=0)
    ran, out = turns(result)
    axes.text(-0.01, 0.5, label, transform=axes.transAxes, color=text_color(label), ha="right", va="center")
    facts = f"runs {few(ran)}\nout {few(out)}"
    axes.text(1.01, 0.5, facts, transform=axes.transAxes, color=text_color(label), va="center", fontsize=7)
    axes.set(xlim=(0, (end - begin) / MS), ylim=(CHEWERS - 0.4, -0.6), yticks=[])
    axes.spines["left"].set_visible(False)


def draw(got, path):
    with figure(7, 3, path, hspace=0.02) as drawn:
        rows = drawn.subplots(len(SCHEDULERS), 1, sharex=True)
        for axes, label in zip(rows, SCHEDULERS):
            draw_strips(axes, label, got[label, HZ])
        for axes in rows[:-1]:
            axes.spines["bottom"].set_color("#DDDDDD")
            axes.tick_params(axis="x", length=0)
        rows[0].set_title(f"Three hogs of nice 0 on one CPU of two, HZ {HZ}")
        rows[0].text(1.01, 1.1, "ms", transform=rows[0].transAxes, color=FAINT, fontsize=7)
        rows[-1].set_xlabel("ms")


if __name__ == "__main__":
    run(__doc__, "story-chew.png", measure, table, draw)
