"""What the debit of a forked task wins: hogs beside a loop that forks, a server amid make -j16.

Linux 2.6.24 starts a forked task one virtual slice behind the others (START_DEBIT). Here are the two loads
that this is for, under every scheduler, under 2.6.24 without the debit, and with the debit 1024 times too
small (vslice_unscaled=1), as in the release candidates:

* a recorded loop that forks as fast as it can, beside two hogs that were made endless
  (`examples/vslice.py`): what the hogs get in 4 s, where two of three runnable tasks would fairly get 67 %;
* a written make -j16 of 600 short files, and a server that sleeps 200 ms and then needs 15 ms of CPU time:
  how long it takes until it has had them.

    python examples/story/forks.py --out story-forks.png
"""

import numpy as np
from common import (
    COLORS,
    FAINT,
    HZ,
    MS,
    PALE,
    S,
    WITH_VSLICE,
    demo,
    figure,
    halo,
    hide_rows,
    name_rows,
    run,
    text_color,
    text_table,
)

from cfs import Recording
from cfs.result import Out, Ready
from cfs.workload import build, fork_loop, sleepers

SEEDS = 3
RECORDING = "fork-heavy.perf-script.txt.gz"
JOBS, FILES = 16, 600
SHORT_FILES = {"compile_ns": (10 * MS, 50 * MS), "assemble_ns": (2 * MS, 6 * MS)}
NEEDS_NS = 15 * MS


def measure(seeds=SEEDS, files=FILES):
    """Of each scheduler: hogs' share and waits and the commands done in the fork loop; the server's times."""
    loop = demo().with_endless_hogs(Recording.open(demo().RECORDINGS / RECORDING).workload(cpu=0))
    got = {}
    for label, options in WITH_VSLICE.items():
        each = [in_a_build(seed, files, options) for seed in range(seeds)]
        pooled = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
        got[label] = demo().fork_dense(loop, options) | pooled
    return got


def in_a_build(seed, files, options):
    """ns that the server took for each piece of work, waits of the compilers, and length of the build."""
    work = build(JOBS, files, seed=seed, duration_ns=60 * S, **SHORT_FILES)
    work = work.merged(sleepers(1, run_ns=NEEDS_NS, sleep_ns=200 * MS, name="server"))
    work = work.merged(fork_loop(200, run_ns=3 * MS, pause_ns=200 * MS))
    result = work.run(hz=HZ, **options)
    end_ns = result.runs["end_ns"][result.runs["task"] == 0].max()
    task, wait_ns = result.waits(Ready.PREEMPTED)
    return {
        "server": answers(result, work.rows_named("server")[0], end_ns),
        "cc1 wait": wait_ns[np.isin(task, work.rows_named("cc1"))],
        "build": np.array([end_ns]),
    }


def answers(result, row, end_ns):
    """From each wakeup of a task until it blocks again, ns, up to a time."""
    runs = result.runs[(result.runs["task"] == row) & (result.runs["end_ns"] <= end_ns)]
    done = runs["end_ns"][runs["out"] == Out.BLOCKED]
    return done - runs["ready_ns"][runs["ready"] == Ready.WAKEUP][: len(done)]


def table(got):
    ms = demo().ms
    rows = [
        [label, f"{one['share']:.1%}", one["commands"], f"{ms(one['hog wait'], 95):.1f}"]
        + [f"{ms(one['server']):.1f}", f"{ms(one['server'], 95):.1f}"]
        + [f"{ms(one['cc1 wait']):.1f}", f"{ms(one['cc1 wait'], 95):.1f}", f"{one['build'].mean() / S:.2f}"]
        for label, one in got.items()
    ]
    head = ["", "hogs get", "commands", "hog wait p95", "server mean", "p95", "cc1 wait mean", "p95"]
    title = f"Fork loop beside two hogs, 4 s; server in make -j{JOBS} of short files; HZ {HZ}, ms"
    return text_table(title, [*head, "build, s"], rows)


def draw_bars(axes, values, mark=None, name=""):
    """A bar a scheduler, its number behind it, and a dotted line at what is fair or possible."""
    for y, (label, value) in enumerate(values.items()):
        filled = "unscaled" not in label
        color = COLORS[label]
        axes.barh(y, value, height=0.55, color=color if filled else "white", edgecolor=color, lw=1)
        look = {"color": text_color(label), "path_effects": halo(), "zorder": 3}
        axes.text(value, y, f"  {value:.0f}", va="center", **look)
    if mark is not None:
        axes.axvline(mark, color=FAINT, lw=0.8, ls=":", zorder=2)
        axes.text(mark, -0.5, name, color=FAINT, ha="center", va="bottom", fontsize=7)
    axes.grid(axis="x", color=PALE, lw=0.4)
    axes.set_axisbelow(True)


def draw(got, path):
    ms = demo().ms
    with figure(7, 2.4, path, wspace=0.07) as drawn:
        left, middle, right = drawn.subplots(1, 3)
        draw_bars(left, {n: 100 * g["share"] for n, g in got.items()}, 200 / 3, "fair")
        draw_bars(middle, {n: ms(g["hog wait"], 95) for n, g in got.items()})
        draw_bars(right, {n: ms(g["server"]) for n, g in got.items()}, NEEDS_NS / MS, "alone")
        left.set(xlim=(0, 119), xticks=(0, 50, 100), xlabel="% of the CPU, beside the fork loop")
        middle.set(xlim=(0, 240), xlabel="ms (p95), beside the fork loop")
        right.set(xlim=(0, 330), xlabel=f"ms (mean), in make -j{JOBS}")
        left.set_title("Two hogs get", pad=10)
        middle.set_title("A hog waits", pad=10)
        right.set_title("A server's 15 ms take", pad=10)
        name_rows(left, list(got))
        hide_rows(middle, len(got))
        hide_rows(right, len(got))


if __name__ == "__main__":
    run(__doc__, "story-forks.png", measure, table, draw)
