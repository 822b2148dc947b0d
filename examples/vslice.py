"""What vslice placement does to a shell under a kernel build, and to a machine full of forks: the demo.

Linux 2.6.24 starts a forked task one virtual slice behind the others (START_DEBIT). This script runs two real
recordings with it and without it, and draws what is won and what it costs:

* a build (make -j4) beside an interactive shell and an editor, many times with the shell's think time drawn
  anew: how long its commands take, how long the build takes, how long the compilers wait;
* a loop that forks as fast as it can beside two hogs, the hogs made endless: who starves whom.

    python examples/vslice.py [--out vslice.png] [--seeds 30]

Every number in the picture is printed below it. Needs the extra "plot".
"""

import argparse
import pathlib

import numpy as np

from cfs import Recording, Workload
from cfs.platform import Platform
from cfs.result import Out, Ready
from cfs.workload import FOREVER_NS, Op

RECORDINGS = pathlib.Path(__file__).parent / "recordings"
HZ = 1000
MACHINE = Platform(hz=HZ)  # not the recorded one, whose kernel preempts late
MS = 1_000_000
THINK_NS = (100 * MS, 300 * MS)  # between two commands of the shell, and between two keys of the editor
KEY_NS = MS // 2  # work of the editor for one key
FORK_DENSE_NS = 4000 * MS

VARIANTS = {  # label -> tunables
    "on": {"START_DEBIT": True},
    "off": {"START_DEBIT": False},
    "on, parent first": {"START_DEBIT": True, "sched_child_runs_first": 0},
    "off, parent first": {"START_DEBIT": False, "sched_child_runs_first": 0},
}
COLORS = {"on": "#0072B2", "off": "#D55E00"}  # blue and vermilion: told apart by every eye

# ------------------------------------------------------------------------------------ the build and the shell


def interactive_shell(workload):
    """Row of the shell, and the rows of its commands: what it forks right after a `sleep`."""
    shell = workload.rows_named("shell-loop.sh")[0]
    program = workload.program(shell)
    children = program["target"][program["kind"] == Op.FORK]
    thinks = [workload.name(child) == "sleep" for child in children]
    return shell, [
        child for child, after, itself in zip(children[1:], thinks, thinks[1:]) if after and not itself
    ]


def redraw_think_time(workload, rng):
    """The same work, every pause of the shell drawn anew."""
    drawn = workload.copy()
    for row in workload.rows_named("sleep"):
        program = drawn.program(row)
        program["arg"][program["kind"] == Op.SLEEP] = rng.integers(*THINK_NS)
    return drawn


def editor(rng, span_ns):
    """Somebody who types: a key now and then, half a millisecond of work for each."""
    pauses = rng.integers(*THINK_NS, size=span_ns // THINK_NS[0])
    return Workload.of_programs(
        {"editor": [op for pause in pauses for op in (("sleep", int(pause)), ("run", KEY_NS))]}
    )


def command_time(result, shell_runs, child):
    """From the shell's fork until it runs again, its command done, ns; -1 if that lies after the end.

    The shell blocks in wait() and is woken, or the command has ended before it gets there.
    """
    child_runs = result.runs[result.runs["task"] == child]
    forked, exited = child_runs["ready_ns"][0], child_runs["end_ns"][-1]
    woken = (shell_runs["ready"] == Ready.WAKEUP) & (shell_runs["ready_ns"] > forked)
    back = shell_runs["start_ns"][woken | (shell_runs["start_ns"] >= exited)]
    return int(back[0] - forked) if len(back) else -1


def build_and_shell(workload, seed, features):
    """Command times, build time, waits of the compilers, key times of one run, ns."""
    rng = np.random.default_rng(seed)
    work = redraw_think_time(workload, rng).merged(editor(rng, workload.duration_ns))
    result = work.run(platform=MACHINE, until_ns=2 * workload.duration_ns, **features)
    runs = result.runs
    make = runs[runs["task"] == work.rows_named("make")[0]]
    begin, end = make["ready_ns"][0], make["end_ns"][-1]
    shell, commands = interactive_shell(work)
    shell_runs = runs[runs["task"] == shell]
    during = [c for c in commands if begin <= runs["ready_ns"][np.argmax(runs["task"] == c)] < end]
    times = [command_time(result, shell_runs, child) for child in during]
    task, wait_ns = result.waits(Ready.PREEMPTED)
    keys = runs[(runs["task"] == work.rows_named("editor")[0]) & (runs["end_ns"] < end)]
    return {
        "command": np.array([t for t in times if t >= 0]),
        "build": np.array([end - begin]),
        "cc1 wait": wait_ns[np.isin(task, work.rows_named("cc1"))],
        "key": keys["end_ns"][keys["out"] == Out.BLOCKED] - keys["ready_ns"][keys["ready"] == Ready.WAKEUP],
    }


def pooled(workload, seeds, features):
    """`build_and_shell` of many seeds, each quantity joined."""
    each = [build_and_shell(workload, seed, features) for seed in range(seeds)]
    return {name: np.concatenate([one[name] for one in each]) for name in each[0]}


# ---------------------------------------------------------------------------------------- the fork-dense load


def with_endless_hogs(workload):
    """The same load, both hogs computing for ever once they have begun."""
    endless = workload.copy()
    for row in hogs_of(workload):
        program = endless.program(row)
        program["arg"][np.argmax(np.where(program["kind"] == Op.RUN, program["arg"], 0))] = FOREVER_NS
    return endless


def hogs_of(workload):
    return np.concatenate([workload.rows_named("hog1"), workload.rows_named("hog2")])


def fork_dense(workload, features):
    """Share of the hogs, commands done, and waits of the hogs (ns), in four seconds from their common start
    on.
    """
    hogs = hogs_of(workload)
    runs = workload.run(platform=MACHINE, until_ns=workload.duration_ns, **features).runs
    of_hogs = np.isin(runs["task"], hogs)
    start = runs["start_ns"][of_hogs & (runs["ready"] == Ready.WAKEUP)].max()
    inside = (runs["start_ns"] >= start) & (runs["end_ns"] <= start + FORK_DENSE_NS)
    runs, of_hogs = runs[inside], of_hogs[inside]
    done = np.isin(runs["task"], workload.rows_named("true")) & (runs["out"] == Out.EXITED)
    return {
        "share": (runs["end_ns"] - runs["start_ns"])[of_hogs].sum() / FORK_DENSE_NS,
        "commands": int(done.sum()),
        "hog wait": (runs["start_ns"] - runs["ready_ns"])[of_hogs & (runs["ready"] == Ready.PREEMPTED)],
    }


# ---------------------------------------------------------------------------------------------- what is shown


def ms(values, quantile=None):
    """Mean or nearest-rank quantile of ns values, in ms."""
    if quantile is None:
        return values.mean() / MS
    return np.percentile(values, quantile, method="inverted_cdf") / MS


def table(build, dense, seeds):
    """The numbers, as text."""
    lines = [
        f"Build (make -j4), shell and editor on one CPU, linux-2.6.24-cfs, HZ {HZ}, {seeds} seeds; ms",
        f"{'START_DEBIT':<20}{'command mean':>13}{'p50':>7}{'p95':>7}{'build':>9}"
        f"{'cc1 wait mean':>15}{'p95':>7}{'key mean':>10}{'p95':>6}",
    ]
    for label, got in build.items():
        lines.append(
            f"{label:<20}{ms(got['command']):13.1f}{ms(got['command'], 50):7.1f}{ms(got['command'], 95):7.1f}"
            f"{ms(got['build']):9.0f}{ms(got['cc1 wait']):15.1f}{ms(got['cc1 wait'], 95):7.1f}"
            f"{ms(got['key']):10.2f}{ms(got['key'], 95):6.2f}"
        )
    lines += ["", "Two endless hogs beside a loop that forks, 4 s (an equal split would give the hogs 67 %)"]
    lines.append(f"{'START_DEBIT':<20}{'hogs get':>13}{'commands done':>15}{'hog wait p95, ms':>18}")
    for label, got in dense.items():
        lines.append(f"{label:<20}{got['share']:13.1%}{got['commands']:15d}{ms(got['hog wait'], 95):18.1f}")
    return "\n".join(lines)


def verdict(build, dense):
    """The sentence that the numbers support."""
    on, off = build["on"]["command"], build["off"]["command"]
    return (
        f"START_DEBIT keeps forks in check: beside a loop that forks, two hogs keep "
        f"{dense['on']['share']:.0%} of the CPU instead of {dense['off']['share']:.0%} and wait "
        f"{ms(dense['on']['hog wait'], 95):.0f} ms (p95) instead of {ms(dense['off']['hog wait'], 95):.0f}.\n"
        f"The price is about one scheduling period on every short command that is forked, the shell's "
        f"included: {ms(on):.0f} ms instead of {ms(off):.0f} under the build, which takes as long either way."
    )


def draw_distribution(axes, values_of, title):
    """Share of the values that are at most x: a curve for each variant."""
    for label, height in (("on", 0.28), ("off", 0.12)):
        values = np.sort(values_of(label)) / MS
        levels = np.arange(1, len(values) + 1) / len(values)
        axes.plot(values, 100 * levels, color=COLORS[label], linewidth=1.8, drawstyle="steps-post")
        facts = f"START_DEBIT {label}: mean {values.mean():.1f} ms"
        axes.text(
            0.98, height, facts, transform=axes.transAxes, color=COLORS[label], ha="right", fontsize=8.5
        )
    axes.set_title(title, loc="left", fontsize=9.5)
    axes.set_ylim(0, 100)
    axes.set_xlabel("ms")


def draw_shares(axes, dense):
    """Who gets the CPU in the fork-dense load: a bar for each variant, its facts above it."""
    for y, label in enumerate(("off", "on")):
        share = 100 * dense[label]["share"]
        axes.barh(y, share, color=COLORS[label], height=0.4)
        axes.barh(y, 100 - share, left=share, color=COLORS[label], alpha=0.25, height=0.4)
        facts = (
            f"START_DEBIT {label}: hogs {share:.0f} %, "
            f"their waits p95 {ms(dense[label]['hog wait'], 95):.0f} ms\n"
            f"{dense[label]['commands']} commands done"
        )
        axes.text(0, y + 0.25, facts, color=COLORS[label], fontsize=8, va="bottom")
        axes.vlines(200 / 3, y - 0.27, y + 0.2, color="0.1", linewidth=0.9, linestyle=":")
        axes.text(200 / 3, y - 0.29, "equal split", fontsize=7.5, ha="center", va="top", color="0.3")
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.55, 1.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("% of the CPU: hogs solid, forks light")
    axes.set_title("Two hogs beside a loop that forks", loc="left", fontsize=9.5)


def draw(build, dense, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    draw_distribution(left, lambda label: build[label]["command"], "A shell's commands under a build")
    left.set_ylabel("% done within")
    left.set_xlim(0, 90)
    draw_distribution(middle, lambda label: build[label]["cc1 wait"], "Waits of the compilers")
    middle.set_ylabel("% of waits within")
    middle.set_xlim(0, 60)
    draw_shares(right, dense)
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.xaxis.label.set_size(8.5)
        axes.yaxis.label.set_size(8.5)
    figure.suptitle(
        f"vslice placement in linux-2.6.24-cfs: what it wins and what it costs   "
        f"(build: {ms(build['on']['build']) / 1000:.2f} s on, {ms(build['off']['build']) / 1000:.2f} s off)",
        fontsize=11,
    )
    figure.savefig(path, dpi=150)


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--out", default="vslice.png", help="picture to write (default: %(default)s)")
    options.add_argument(
        "--seeds", type=int, default=30, help="runs of the build, each with its own think times"
    )
    given = options.parse_args()
    kbuild = Recording.open(RECORDINGS / "kbuild-shell-1cpu.perf-script.txt.gz").workload(cpu=0)
    forks = with_endless_hogs(Recording.open(RECORDINGS / "fork-heavy.perf-script.txt.gz").workload(cpu=0))
    build = {label: pooled(kbuild, given.seeds, features) for label, features in VARIANTS.items()}
    dense = {label: fork_dense(forks, VARIANTS[label]) for label in ("on", "off")}
    print(table(build, dense, given.seeds))
    print()
    print(verdict(build, dense))
    draw(build, dense, given.out)
    print(f"\nPicture: {given.out}")


if __name__ == "__main__":
    main()
