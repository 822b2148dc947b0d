"""loop against loop_yield: what sched_yield() gives away, under every scheduler.

The test of commit 1799e35d5ba, about the switch sched_compat_yield: a task that only computes, against one
that yields in a loop. With the switch off, yielding means that the task is put in order again;
with it on, that it goes behind everybody, as under O(1). loop_yield computes 10 µs between two yields.

    python examples/story/yield_loop.py --out story-yield.png

One CPU, HZ 1000, 10 s. The switch exists in 2.6.23 and 2.6.24.
"""

from common import COLORS, HZ, S, SCHEDULERS, figure, name_rows, run, shares, text_color, text_table

from cfs import Workload
from cfs.workload import FOREVER_NS

SPAN_NS = 10 * S
BETWEEN_NS = 10_000
COMPAT = ("CFS 2.6.23", "CFS 2.6.24")


def cases():
    """Label, scheduler and options of each row."""
    for label, options in SCHEDULERS.items():
        if label not in COMPAT:
            yield label, label, options
            continue
        for value in (0, 1):
            yield f"{label}, compat_yield {value}", label, options | {"sched_compat_yield": value}


def measure(span_ns=SPAN_NS):
    """Share of loop and of loop_yield in each case."""
    programs = {"loop": [("run", FOREVER_NS)], "loop_yield": [("run", BETWEEN_NS), ("yield",), ("loop",)]}
    work = Workload.of_programs(programs, duration_ns=span_ns)
    return {row: (label, shares(work.run(hz=HZ, **options))) for row, label, options in cases()}


def table(got):
    rows = [[row, f"{share['loop']:.1%}", f"{share['loop_yield']:.1%}"] for row, (_, share) in got.items()]
    title = f"loop against loop_yield ({BETWEEN_NS // 1000} µs between yields), HZ {HZ}"
    return text_table(title, ["", "loop", "loop_yield"], rows)


def draw(got, path):
    with figure(5, 1.9, path) as drawn:
        axes = drawn.subplots()
        for y, (label, share) in enumerate(got.values()):
            loop, other = 100 * share["loop"], 100 * share["loop_yield"]
            axes.barh(y, loop, height=0.6, color=COLORS[label])
            axes.barh(y, other, left=loop, height=0.6, color=COLORS[label], alpha=0.3)
            axes.text(101, y, f"{loop:.1f} : {other:.1f}", color=text_color(label), va="center")
        name_rows(axes, list(got))
        axes.set(xlim=(0, 100), xlabel="% of the CPU: loop solid, loop_yield light")
        axes.set_title("loop against loop_yield")


if __name__ == "__main__":
    run(__doc__, "story-yield.png", measure, table, draw)
