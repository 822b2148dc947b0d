"""What a nice level is worth: one level apart, nice +19 against nice 0, and the slices of O(1).

sched-nice-design.txt promises of CFS that two hogs one nice level apart share 55 : 45 at every level, and
that nice +19 gets 1.5 % beside nice 0 whatever HZ is; of O(1) it tells that this was 3, 5 or 9 % depending
on HZ. Here each pair of hogs runs for a minute under every scheduler, those of nice 0 and +19 for ten.

    python examples/story/nice_levels.py --out story-nice.png

One CPU, HZ 1000 unless said otherwise.
"""

import numpy as np
from common import (
    COLORS,
    FAINT,
    HZ,
    MS,
    PALE,
    S,
    SCHEDULERS,
    figure,
    name_rows,
    run,
    shares,
    text_color,
    text_table,
)

from cfs.result import Out
from cfs.workload import hogs

SPAN_NS = 60 * S
LONG_NS = 600 * S  # how they begin, all slices full, is still seen in a minute of O(1)
LEVELS = range(-20, 19)
ALL_HZ = (100, 250, 1000)
LIMITS_NS = {"CFS 2.6.23, limit 40 ms": 40 * MS, "CFS 2.6.23, limit 1 s": S}
"""Of credit for waiting (sched_runtime_limit_ns): that of two CPUs, and the greatest that can be set."""
ORDER = ("O(1) 2.6.22", "CFS 2.6.23", *LIMITS_NS, "RFS model", "CFS 2.6.24", "EEVDF 6.18")
PLACES = {100: "center", 250: "right", 1000: "left"}
PUBLISHED_SLICES_MS = {-20: 800, 0: 100, 19: 5}


def pair(first, second, span_ns, **options):
    """Share of the first of two hogs of these nice levels, and the result."""
    work = hogs(1, name="first", nice=first, duration_ns=span_ns).merged(hogs(1, name="second", nice=second))
    result = work.run(**options)
    return shares(result)["first"], result


def measure(span_ns=SPAN_NS, long_ns=LONG_NS, levels=LEVELS):
    """Shares one level apart, share of nice +19 by HZ, slices of O(1)."""
    cases = SCHEDULERS | {
        label: SCHEDULERS["CFS 2.6.23"] | {"sched_runtime_limit_ns": limit}
        for label, limit in LIMITS_NS.items()
    }
    return {
        "apart": {
            label: [pair(nice, nice + 1, span_ns, hz=HZ, **options)[0] for nice in levels]
            for label, options in SCHEDULERS.items()
        },
        "nineteen": {
            label: {hz: 1 - pair(0, 19, long_ns, hz=hz, **options)[0] for hz in ALL_HZ}
            for label, options in ((label, cases[label]) for label in ORDER)
        },
        "slices": {nice: slice_ns(nice, span_ns) for nice in PUBLISHED_SLICES_MS},
        "levels": list(levels),
    }


def slice_ns(nice, span_ns):
    """How long a hog of this level runs at a time under O(1), beside one of another level."""
    _, result = pair(nice, 10, span_ns, hz=HZ, **SCHEDULERS["O(1) 2.6.22"])
    mine = result.runs[(result.runs["task"] == 0) & (result.runs["out"] == Out.PREEMPTED)]
    return int(np.median(mine["end_ns"] - mine["start_ns"]))


def table(got):
    levels = got["levels"]
    some = [nice for nice in (-20, -11, -2, -1, 0, 1, 10, 17, 18) if nice in levels]
    apart = [
        [label, *(f"{100 * values[levels.index(nice)]:.1f}" for nice in some)]
        for label, values in got["apart"].items()
    ]
    nineteen = [[label, *(f"{x:.2%}" for x in one.values())] for label, one in got["nineteen"].items()]
    slices = [[f"nice {n}", f"{ns / MS:.0f}", PUBLISHED_SLICES_MS[n]] for n, ns in got["slices"].items()]
    pairs, of_hz = [f"{n}:{n + 1}" for n in some], [f"HZ {hz}" for hz in ALL_HZ]
    return "\n\n".join(
        [
            text_table(f"% of the heavier of two hogs one level apart, HZ {HZ}", ["", *pairs], apart),
            text_table("Share of nice +19 beside nice 0", ["", *of_hz], nineteen),
            text_table(f"Slices of O(1), HZ {HZ}, ms", ["", "here", "published"], slices),
        ]
    )


def draw_apart(axes, got):
    """The heavier one's share over the level; those that are 55 % everywhere lie on each other."""
    front = {"CFS 2.6.24": 3, "O(1) 2.6.22": 4, "CFS 2.6.23": 1}
    for label, values in got["apart"].items():
        look = {"color": COLORS[label], "lw": 1.4, "zorder": front.get(label, 2)}
        axes.plot(got["levels"], 100 * np.array(values), **look)
    axes.text(-19.5, 57, "CFS, RFS model,\nEEVDF: 55", color=text_color("CFS 2.6.24"))
    axes.text(-19.5, 47.3, "O(1): 51 here ...", color=text_color("O(1) 2.6.22"))
    axes.text(0, 79, "... and 81 at -1 : 0", color=text_color("O(1) 2.6.22"))
    axes.text(17.5, 70, "CFS 2.6.23 loses\ncredit from +17 on", color=text_color("CFS 2.6.23"), ha="right")
    axes.set(xlim=(-20, 18.5), ylim=(45, 85), xlabel="nice of the heavier one", ylabel="% of the CPU")
    axes.set_title(f"Two hogs one level apart, HZ {HZ}", pad=10)


def draw_nineteen(axes, got):
    """A dot for each HZ; those that do not depend on it lie on each other."""
    markers = dict(zip(ALL_HZ, ("^", "s", "o")))
    for y, (label, by_hz) in enumerate(got["nineteen"].items()):
        color = COLORS[label.split(",")[0]]
        for hz, share in by_hz.items():
            look = {"color": color, "mfc": color if label in COLORS else "white", "ms": 4.5, "clip_on": False}
            axes.plot(100 * share, y, markers[hz], **look)
            if label.startswith("O(1)"):
                place = {"xytext": (0, -13), "textcoords": "offset points", "ha": PLACES[hz]}
                axes.annotate(f"HZ {hz}", (100 * share, y), color=color, fontsize=7, **place)
    axes.axvline(1.5, color=FAINT, lw=0.8, ls=":", zorder=0)
    axes.text(1.5, -0.5, "1.5", color=FAINT, ha="center", va="bottom", fontsize=7)
    name_rows(axes, list(got["nineteen"]))
    axes.set(xlim=(0, 10), xlabel="% of the CPU")
    axes.grid(axis="x", color=PALE, lw=0.4)
    axes.set_axisbelow(True)
    axes.set_title("nice +19 beside nice 0", pad=10)


def draw(got, path):
    with figure(7, 2.4, path, wspace=0.06) as drawn:
        left, right = drawn.subplots(1, 2, width_ratios=(1.25, 1))
        draw_apart(left, got)
        draw_nineteen(right, got)


if __name__ == "__main__":
    run(__doc__, "story-nice.png", measure, table, draw)
