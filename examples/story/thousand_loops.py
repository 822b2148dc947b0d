"""A thousand endless loops of one user against root's shell: fairness among users.

The scenario `examples/scenarios/thousand-loops.toml`, a test of 2007: root's shell thinks 100 to 300 ms,
then runs a command of 5 ms, fifty times; user 1000 runs a thousand loops. 2.6.24 can be fair among users
(`group_by="uid"`, root counts double, as in the kernel); EEVDF does the same with a control group for each
user.

    python examples/story/thousand_loops.py --out story-thousand.png

One CPU, HZ 1000, 60 s.
"""

import pathlib

import numpy as np
from common import (
    COLORS,
    FAINT,
    HZ,
    PALE,
    S,
    SCHEDULERS,
    demo,
    figure,
    name_rows,
    run,
    text_color,
    text_table,
)

from cfs.result import Out
from cfs.scenarios import read_scenario

SCENARIO = pathlib.Path(__file__).parents[1] / "scenarios" / "thousand-loops.toml"
SPAN_NS = 60 * S
GROUPED = {
    "CFS 2.6.24, group_by uid": SCHEDULERS["CFS 2.6.24"] | {"group_by": "uid"},
    "EEVDF 6.18, group_by cgroup": SCHEDULERS["EEVDF 6.18"] | {"group_by": "cgroup"},
}


def loops_and_shell():
    """The scenario, each user in a control group as well, with the shares that the kernel gives users."""
    work = read_scenario(SCENARIO)
    work.groups = ["/", "root", "user"]
    work.tasks["group"] = np.where(work.tasks["uid"] == 0, 1, 2)
    work.shares["root"] = work.shares["uid:0"]
    return work


def measure(span_ns=SPAN_NS):
    """Command times (ns) of those that ended, how many ended, and least and greatest share of a loop."""
    work = loops_and_shell()
    return {
        label: of_result(work.run(hz=HZ, until_ns=span_ns, **options), work)
        for label, options in (SCHEDULERS | GROUPED).items()
    }


def of_result(result, work):
    runs = result.runs
    of_shell = runs[runs["task"] == work.rows_named("sh")[0]]
    exited = runs["task"][runs["out"] == Out.EXITED]
    done = np.intersect1d(work.rows_named("ls"), exited)
    times = np.array([demo().command_time(result, of_shell, child) for child in done], np.int64)
    loops = np.isin(runs["task"], work.rows_named("loop"))
    cpu_ns = np.bincount(runs["task"][loops], result.run_ns[loops], minlength=len(work.rows_named("loop")))
    least, greatest = cpu_ns.min() / result.duration_ns, cpu_ns.max() / result.duration_ns
    return {"command": times[times >= 0], "loops": (least, greatest)}


def table(got):
    rows = []
    for label, one in got.items():
        ms = [f"{demo().ms(one['command'], quantile):.1f}" for quantile in (None, 50, 95)]
        rows.append([label, len(one["command"]), *ms, *(f"{share:.3%}" for share in one["loops"])])
    head = ["", "commands done", "mean", "p50", "p95, ms", "least loop", "greatest loop"]
    return text_table(f"Root's shell beside a thousand loops, HZ {HZ}", head, rows)


def draw(got, path):
    with figure(5.4, 2.1, path) as drawn:
        axes = drawn.subplots()
        for y, (label, one) in enumerate(got.items()):
            color, mean = COLORS[label.split(",")[0]], demo().ms(one["command"])
            axes.plot((5, mean), (y, y), color=color, lw=0.8, alpha=0.5)
            axes.plot(mean, y, "o", color=color, ms=5)
            said = f"{mean:.0f} ms" if mean < 1000 else f"{mean / 1000:.1f} s"
            words = f"{said}, {len(one['command'])} done"
            axes.text(1.2 * mean, y, words, color=text_color(label), va="center")
        axes.axvline(5, color=FAINT, lw=0.8, ls=":", zorder=0)
        axes.text(5, -0.5, "alone", color=FAINT, ha="center", va="bottom", fontsize=7)
        name_rows(axes, list(got))
        axes.set(xscale="log", xlim=(3, 90_000), xlabel="a command of root's shell takes, mean")
        axes.set_xticks([10, 100, 1000, 10_000], ["10 ms", "100 ms", "1 s", "10 s"])
        axes.grid(axis="x", color=PALE, lw=0.4)
        axes.set_title("Root's shell beside a thousand loops of a user", pad=10)


if __name__ == "__main__":
    run(__doc__, "story-thousand.png", measure, table, draw)
