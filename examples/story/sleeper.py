"""Fairness to sleepers: a task that sleeps as long as it runs, among two hogs.

It wants half of the CPU and a fair part is a third. Two answers are to be expected. Who counts the time
that it slept gives it that third of all time. Who does not shares equally only while it is awake: for r of
work it then waits 2 r and sleeps r, and gets a quarter. The task runs 1 ... 200 ms at a time, under every
scheduler.

    python examples/story/sleeper.py --out story-sleeper.png

One CPU, HZ 1000, 60 s each.
"""

from common import COLORS, FAINT, HZ, MS, PALE, S, SCHEDULERS, figure, halo, run, text_color, text_table

from cfs.workload import half_sleepers, hogs

SPAN_NS = 60 * S
LENGTHS_MS = (1, 2, 5, 10, 20, 50, 100, 200)


def measure(span_ns=SPAN_NS, lengths_ms=LENGTHS_MS):
    """(share, p95 of the wait after a wakeup in ns) for each scheduler and length."""
    return {
        label: {length: of_length(length * MS, span_ns, options) for length in lengths_ms}
        for label, options in SCHEDULERS.items()
    }


def of_length(run_ns, span_ns, options):
    work = half_sleepers(1, run_ns=run_ns, duration_ns=span_ns).merged(hogs(2))
    row = next(row for row in work.run(hz=HZ, **options).stats() if row["key"] == 0)
    return float(row["share"]), int(row["wakeup_latency"]["p95_ns"])


def table(got):
    lengths = list(next(iter(got.values())))
    share = [[label, *(f"{one[n][0]:.1%}" for n in lengths)] for label, one in got.items()]
    waits = [[label, *(f"{one[n][1] / MS:.0f}" for n in lengths)] for label, one in got.items()]
    head = ["", *(f"{n} ms" for n in lengths)]
    return "\n\n".join(
        [
            text_table(f"Share of a task that runs and sleeps so long, among two hogs, HZ {HZ}", head, share),
            text_table("Its waits after a wakeup, p95, ms", head, waits),
        ]
    )


def draw_panel(axes, got, value_of):
    for label, one in got.items():
        values = [value_of(point) for point in one.values()]
        axes.plot(list(one), values, "o-", color=COLORS[label], lw=1.4, ms=3, clip_on=False)
    axes.set(xscale="log", xlim=(1, 200), xlabel="runs so long, then sleeps as long, ms")
    axes.set_xticks([1, 10, 100], ["1", "10", "100"])


SHARE_NAMES = {
    "O(1) 2.6.22": (38, 46),
    "CFS 2.6.24": (1.2, 36.5),
    "CFS 2.6.23": (1.05, 28),
    "EEVDF 6.18": (1.05, 22),
    "RFS model": (1.6, 12),
}
WAIT_NAMES = {
    "RFS model": (60, 15),
    "CFS 2.6.23": (1.05, 10.2),
    "CFS 2.6.24": (11.5, 6.9),
    "EEVDF 6.18": (1.1, 1.9),
    "O(1) 2.6.22": (40, 0.9),
}


def draw_names(axes, places):
    """Names beside the lines: (x, y) by scheduler."""
    for label, (x, y) in places.items():
        look = {"color": text_color(label), "va": "center", "path_effects": halo()}
        axes.text(x, y, label.removesuffix(" 6.18"), **look)


def draw(got, path):
    with figure(7, 2.5, path, wspace=0.08) as drawn:
        left, right = drawn.subplots(1, 2)
        draw_panel(left, got, lambda point: 100 * point[0])
        for level, words in ((100 / 3, "sleep counts"), (25, "does not")):
            left.axhline(level, color=FAINT, lw=0.8, ls=":", zorder=0)
            left.text(235, level, words, color=FAINT, fontsize=7, va="center")
        left.set(ylim=(0, 55), ylabel="% of the CPU")
        left.set_title("What the sleeper gets")
        draw_names(left, SHARE_NAMES)
        draw_panel(right, got, lambda point: point[1] / MS)
        right.set(ylim=(0, 18), ylabel="ms, p95")
        right.set_title("What it waits when it wakes up")
        draw_names(right, WAIT_NAMES)
        for axes in (left, right):
            axes.grid(axis="y", color=PALE, lw=0.4)


if __name__ == "__main__":
    run(__doc__, "story-sleeper.png", measure, table, draw)
