"""A kernel build (make -j4) beside an interactive shell, under every scheduler: who waits for whom.

The load is a recording of a real machine, the one of `examples/vslice.py`: what each task computes and whom
it wakes is replayed, who runs when is up to the scheduler. Think times of the shell and of an editor are
drawn anew for each seed. CFS of 2.6.24 runs three times: as it is, without the debit that a forked task
starts with (START_DEBIT=0), and with a debit 1024 times too small (vslice_unscaled=1), as in the release
candidates.

The check that such a replay is right: the recording was made by EEVDF at HZ 250 with a slice of 1.4 ms, and
that scheduler, given the recorded think times, is compared with what was recorded.

    python examples/story/build_and_shell.py --out story-build.png

A command: from the shell's fork until the shell runs again. One CPU, HZ 1000, no groups, no switch cost.
"""

import numpy as np
from common import (
    COLORS,
    FAINT,
    HZ,
    PALE,
    WITH_VSLICE,
    demo,
    figure,
    hide_rows,
    name_rows,
    run,
    text_color,
    text_table,
)

from cfs import Recording
from cfs.result import Ready

SEEDS = 30
RECORDING = "kbuild-shell-1cpu.perf-script.txt.gz"
AS_RECORDED = {"model": "linux-6.18-eevdf", "hz": 250, "base_slice_ns": 1_400_000}
REPLAYED, RECORDED = "EEVDF 6.18, HZ 250", "the recording itself"


def measure(seeds=SEEDS):
    """By scheduler: ns of every command, of every wait of a preempted compiler, and of the builds."""
    recording = Recording.open(demo().RECORDINGS / RECORDING)
    work = recording.workload(cpu=0)
    got = {label: demo().pooled(work, seeds, options) for label, options in WITH_VSLICE.items()}
    replay = work.run(until_ns=2 * work.duration_ns, **AS_RECORDED)
    got[REPLAYED] = of_result(replay, work)
    got[RECORDED] = of_result(recording.result(cpu=0, workload=work), work)
    return got


def of_result(result, work):
    """The same of one run, or of what was measured, with the recorded think times and no editor."""
    runs = result.runs
    make = runs[runs["task"] == work.rows_named("make")[0]]
    begin, end = make["ready_ns"][0], make["end_ns"][-1]
    shell, commands = demo().interactive_shell(work)
    first = {child: runs["ready_ns"][np.argmax(runs["task"] == child)] for child in commands}
    of_shell = runs[runs["task"] == shell]
    during = [child for child in commands if begin <= first[child] < end]
    times = [demo().command_time(result, of_shell, child) for child in during]
    task, wait_ns = result.waits(Ready.PREEMPTED)
    waits = wait_ns[np.isin(task, work.rows_named("cc1"))]
    return {"command": np.array(times), "cc1 wait": waits, "build": np.array([end - begin])}


def facts(values):
    """Mean, p50 and p95 of ns values, in ms."""
    return demo().ms(values), demo().ms(values, 50), demo().ms(values, 95)


def table(got):
    rows = [
        [label, len(one["command"]), *(f"{x:.1f}" for x in facts(one["command"]) + facts(one["cc1 wait"]))]
        + [f"{one['build'].mean() / 1e9:.3f}"]
        for label, one in got.items()
    ]
    head = ["", "commands", "mean", "p50", "p95", "cc1 wait mean", "p50", "p95", "build, s"]
    return text_table(f"Build and shell, HZ {HZ} unless said otherwise; ms", head, rows)


def draw_ranges(axes, got, quantity, title):
    """A row a scheduler: bar from p50 to p95, the mean as a dot and as a number."""
    for y, (label, one) in enumerate(got.items()):
        mean, p50, p95 = facts(one[quantity])
        text = text_color(label)
        color = COLORS.get(label, text)
        axes.plot((p50, p95), (y, y), color=color, lw=4.5, alpha=0.35, solid_capstyle="butt")
        axes.plot(p50, y, "|", color=color, ms=8, mew=1.6)
        axes.plot(mean, y, "o", color=color, ms=4, mfc="white" if "unscaled" in label else color)
        axes.text(1.02, y, f"{mean:.1f}", transform=axes.get_yaxis_transform(), color=text, va="center")
    axes.text(1.02, -0.75, "mean", transform=axes.get_yaxis_transform(), color=FAINT, va="center")
    axes.axhline(len(got) - 2.5, color=PALE, lw=0.8, clip_on=False)
    axes.set(xscale="log", xlabel="ms")
    axes.grid(axis="x", color=PALE, lw=0.4)
    axes.set_axisbelow(True)
    axes.set_title(title, pad=10)


def draw(got, path):
    with figure(7, 3.1, path, wspace=0.1) as drawn:
        left, right = drawn.subplots(1, 2)
        draw_ranges(left, got, "command", "A command of the shell")
        left.set_xlim(2.5, 700)
        draw_ranges(right, got, "cc1 wait", "A wait of a preempted compiler")
        right.set_xlim(0.3, 300)
        for axes in (left, right):
            ticks = [tick for tick in (1, 10, 100) if axes.get_xlim()[0] < tick]
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
        name_rows(left, list(got))
        hide_rows(right, len(got))
        drawn.supxlabel("bar: p50 to p95     dot: mean", fontsize=7, color=FAINT, x=0.6)


if __name__ == "__main__":
    run(__doc__, "story-build.png", measure, table, draw)
