"""A timeline a CPU, who ran and who waited, and below it how long the waits were.

What it decides: how hundreds of tasks and tens of thousands of runs become a figure that can be read at the
width of a page (7 in). A lane is a command name (or a task), most CPU time first; what comes after the first
`top` shares the last lane. A lane is drawn as one row of pixels: of each pixel's span the part in which the
lane ran is dark, the part in which it waited light. Zoomed in, that is solid bars; zoomed out, the tone is
the share of the CPU, where merged bars would show a lane of 10 % as solid as one of 90 %. It costs the same
for ten runs and for ten million.

Colour means one thing: the lanes whose waits have a panel of their own below have a hue (three of Okabe and
Ito's, which all people can tell apart), the others are grey. Names stand beside what they name; there is no
legend to look up. Model and recording have the same lanes in the same order, solid and dashed lines.

D1  Same input, same bytes: own defaults instead of the user's settings, no date, no version, no random ids.
D2  No display is needed and no state is left behind: the figure is made without pyplot.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CfsError, MissingExtraError
from ..result import Out, Ready, Result
from .tables import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_timeline", "check_path"]

FORMATS = (".png", ".svg", ".pdf")
NO_DATES = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

DPI = 300
WIDTH_IN = 7.0
LEFT_IN, RIGHT_IN = 1.40, 0.62
TITLE_IN = 0.44
LANE_IN = 0.145
PANEL_GAP_IN = 0.30
AXIS_IN = 0.86
WAITS_IN = 1.35
BOTTOM_IN = 0.30

HUES = ("#0072B2", "#D55E00", "#009E73")
GREY = "#5A5A5A"
INK = "#222222"
FAINT = "#8A8A8A"
LIGHT = 0.25
"""How much of its hue a waiting lane keeps."""
SPECK = 0.45
"""The tone that the shortest run has at least: also a run of a microsecond can be seen in a minute."""

LABEL_LENGTH = 23
"""Characters of a lane's label: 15 of a command name, 7 of a pid."""

DASHES = ("solid", (0, (2.5, 1.5)))
"""Lines of the model and of the recording."""

NR_PANELS = 1 + len(HUES)
SMALLEST_FRACTION = 1e-3
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.0,
    "axes.linewidth": 0.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "xtick.minor.width": 0.4,
    "ytick.major.size": 2.5,
    "text.parse_math": False,
    "svg.hashsalt": "cfs",
    "svg.fonttype": "path",
}


WAIT_DTYPE = np.dtype([("begin_ns", "<i8"), ("end_ns", "<i8"), ("task", "<u4"), ("cpu", "<u2")])


@dataclass(frozen=True)
class _Lane:
    """A row of the timeline: whose it is, and how it looks."""

    label: str
    keys: tuple[str, ...]
    hue: str


def plot_timeline(
    result: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    recorded: Result | None = None,
    top: int = 12,
    by: str = "comm",
    from_ns: int | None = None,
    until_ns: int | None = None,
) -> Figure:
    """Draw who ran and who waited on each CPU, and the distribution of the waits.

    Parameters
    ----------
    result : Result
    path : path-like, optional
        File to write, ``.png``, ``.svg`` or ``.pdf``.
    recorded : Result, optional
        What was measured, drawn below the model's timeline and dashed in the distribution.
    top : int, optional
        Lanes; the rest shares one more.
    by : {"comm", "task"}, optional
        What a lane is.
    from_ns, until_ns : int, optional
        Part of the span that is drawn, ns since the start; waits that end in it are counted.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    CfsError
        The part lies outside of the span, or the file has another ending.

    Notes
    -----
    Cost O(runs log runs): 0.1 s a million runs, and about a second for the figure itself.
    """
    if by not in ("comm", "task"):
        raise ValueError(f"by = {by!r} is none of 'comm', 'task'")
    if top < 1:
        raise ValueError(f"top = {top} is less than 1")
    if path is not None:
        check_path(path)
    span = _span(result, from_ns, until_ns)
    with _style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(dpi=DPI)
        FigureCanvasAgg(figure)
        sides = [result] if recorded is None else [result, recorded]
        _draw(figure, sides, _lanes(sides, by, top, span), by, span)
        if path is not None:
            ending = os.path.splitext(os.fspath(path))[1].lower()
            figure.savefig(path, dpi=DPI, metadata=NO_DATES[ending])
    return figure


def check_path(path: str | os.PathLike[str]) -> None:
    """Raise unless matplotlib is installed, the file has a known ending, and its directory exists."""
    with _style():
        pass
    folder, name = os.path.split(os.fspath(path))
    ending = os.path.splitext(name)[1].lower()
    if ending not in FORMATS:
        instead = ending or "a file without ending"
        raise CfsError(f"{os.fspath(path)}: a plot can be written to {', '.join(FORMATS)}, not to {instead}")
    if folder and not os.path.isdir(folder):
        raise CfsError(f"{os.fspath(path)}: there is no directory {folder}")


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever the user has set (D1)."""
    try:
        import matplotlib.style
    except ImportError:
        raise MissingExtraError('the plot needs matplotlib: pip install "cfs-sched[plot]"') from None
    with warnings.catch_warnings(), matplotlib.style.context(["default", STYLE]):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name of a task is foreign text
        yield


def _span(result: Result, from_ns: int | None, until_ns: int | None) -> tuple[int, int]:
    begin = 0 if from_ns is None else int(from_ns)
    end = int(result.duration_ns) if until_ns is None else int(until_ns)
    end = max(end, 1) if from_ns is None and until_ns is None else end
    if not 0 <= begin < end <= max(result.duration_ns, 1):
        part, whole = f"{begin / 1e9:g} s ... {end / 1e9:g} s", f"0 s ... {result.duration_ns / 1e9:g} s"
        raise CfsError(f"the part to be drawn, {part}, is empty or outside of {whole}")
    return begin, end


# ------------------------------------------------------------------------------------------------ which lanes


def _keys(result: Result, by: str) -> list[str]:
    """Of each task, what its lane is called."""
    if by == "comm":
        return [clean(name) for name in result.names]
    return [f"{clean(name)} {pid}" for name, pid in zip(result.names, result.pids.tolist())]


def _lanes(sides: list[Result], by: str, top: int, span: tuple[int, int]) -> list[_Lane]:
    """Most CPU time in the span first; the three that waited longest in sum have a hue."""
    cpu_ns: dict[str, list[int]] = {}
    wait_ns: dict[str, int] = {}
    for place, side in enumerate(sides):
        keys = np.array(_keys(side, by), dtype=object)
        runs = side.runs[(side.runs["end_ns"] > span[0]) & (side.runs["start_ns"] < span[1])]
        run_ns = np.minimum(runs["end_ns"], span[1]) - np.maximum(runs["start_ns"], span[0])
        for key, ns in zip(keys[runs["task"]].tolist(), run_ns.tolist()):
            cpu_ns.setdefault(key, [0] * len(sides))[place] -= ns
        task, waits = _waits_in(side, span)
        for key, ns in zip(keys[task].tolist(), waits.tolist()):
            wait_ns[key] = wait_ns.get(key, 0) + ns
    ranked = sorted(cpu_ns, key=lambda key: (cpu_ns[key], key))
    shown = ranked if len(ranked) <= top + 1 else ranked[:top]
    waited = sorted((key for key in shown if wait_ns.get(key)), key=lambda key: (-wait_ns[key], key))
    hue = dict(zip(waited, HUES))
    lanes = [_Lane(_cut(key, LABEL_LENGTH), (key,), hue.get(key, GREY)) for key in shown]
    rest = tuple(ranked[len(shown) :])
    return lanes + ([_Lane(f"{len(rest)} others", rest, GREY)] if rest else [])


def _waits_in(side: Result, span: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Task and length of each wait that ended in the span."""
    runs = side.runs[(side.runs["start_ns"] >= span[0]) & (side.runs["start_ns"] < span[1])]
    runs = runs[(runs["ready"] != Ready.UNKNOWN) & (runs["ready_ns"] >= 0)]
    return runs["task"], runs["start_ns"] - runs["ready_ns"]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _lane_of_task(result: Result, lanes: list[_Lane], by: str) -> np.ndarray:
    lane_of = {key: number for number, lane in enumerate(lanes) for key in lane.keys}
    return np.array([lane_of.get(key, -1) for key in _keys(result, by)], np.int64)


# ------------------------------------------------------------------------------------------------ the drawing


def _draw(figure: Figure, sides: list[Result], lanes: list[_Lane], by: str, span: tuple[int, int]) -> None:
    panels = [(side, cpu) for cpu in sides[0].cpus for side in sides]
    lanes_in = max(1, len(lanes)) * LANE_IN
    height = TITLE_IN + len(panels) * (lanes_in + PANEL_GAP_IN) + AXIS_IN + WAITS_IN + BOTTOM_IN
    figure.set_size_inches(WIDTH_IN, height)
    top = TITLE_IN
    _draw_title(figure, sides, span, height)
    for number, (side, cpu) in enumerate(panels):
        top += PANEL_GAP_IN
        axes = _axes(figure, LEFT_IN, top, WIDTH_IN - LEFT_IN - RIGHT_IN, lanes_in)
        _draw_lanes(axes, side, cpu, lanes, _lane_of_task(side, lanes, by), span)
        _draw_time_axis(axes, span, number == len(panels) - 1)
        top += lanes_in
    _draw_waits(figure, sides, lanes, by, span, top + AXIS_IN)


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in inches from the upper left corner."""
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes(
        (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    )


def _draw_title(figure: Figure, sides: list[Result], span: tuple[int, int], height: float) -> None:
    def put(x: float, y: float, text: str, **look: Any) -> None:
        figure.text(x / WIDTH_IN, 1 - y / height, text, va="baseline", **look)

    result = sides[0]
    source = f" on {_cut(clean(result.source), 60)}" if result.source else ""
    put(0.12, 0.25, f"{result.model}{source}", fontsize=9, fontweight="bold")
    part = "" if span == (0, result.duration_ns) else f"{_seconds(span[0])} … {_seconds(span[1])} of "
    facts = f"{part}{_seconds(result.duration_ns)}, {result.context_switches} switches"
    if result.hz:
        facts += f", {result.hz} ticks a second"
    put(0.12, 0.42, facts, color=FAINT)
    _draw_key(figure, height)


def _seconds(ns: int) -> str:
    return f"{ns / 1e9:.4g} s"


def _draw_key(figure: Figure, height: float) -> None:
    """Two swatches at the upper right: what dark and light mean."""
    from matplotlib.patches import Rectangle

    right = WIDTH_IN - RIGHT_IN
    for left, text, tone in ((right - 1.18, "running", 1.0), (right - 0.56, "waiting", LIGHT)):
        corner = (left / WIDTH_IN, 1 - 0.425 / height)
        colour = _mixed(GREY, tone)
        size = (0.11 / WIDTH_IN, 0.08 / height)
        figure.add_artist(Rectangle(corner, *size, color=colour, lw=0, transform=figure.transFigure))
        figure.text((left + 0.15) / WIDTH_IN, 1 - 0.42 / height, text, color=INK, va="baseline")


def _mixed(colour: str, tone: float) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return tuple(1 - tone * (1 - part) for part in to_rgb(colour))


def _draw_lanes(
    axes: Axes, side: Result, cpu: int, lanes: list[_Lane], lane_of: np.ndarray, span: tuple[int, int]
) -> None:
    columns = round((WIDTH_IN - LEFT_IN - RIGHT_IN) * DPI)
    edges = np.linspace(span[0], span[1], columns + 1).round().astype(np.int64)
    axes.set_xlim(span)
    axes.set_ylim(max(1, len(lanes)) - 0.5, -0.5)
    runs = side.runs[side.runs["cpu"] == cpu]
    lane_of_run = lane_of[runs["task"]]
    waits = _waiting(side)
    waits = waits[waits["cpu"] == cpu]
    lane_of_wait = lane_of[waits["task"]]
    for number, lane in enumerate(lanes):
        mine = runs[lane_of_run == number]
        ran = covered(mine["start_ns"], mine["end_ns"], edges)
        mine = waits[lane_of_wait == number]
        waited = covered(mine["begin_ns"], mine["end_ns"], edges)
        extent = (span[0], span[1], number + 0.40, number - 0.40)
        axes.imshow(_pixels(lane.hue, ran, waited), extent=extent, aspect="auto", interpolation="none")
        share = float((ran * np.diff(edges)).sum()) / (span[1] - span[0])
        beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"}
        axes.text(1.01, number, _percent(share), color=lane.hue, **beside)
    axes.set_yticks(range(len(lanes)), [lane.label for lane in lanes])
    for label, lane in zip(axes.get_yticklabels(), lanes):
        label.set_color(lane.hue)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(f"CPU {cpu}, {_said_of(side)}", loc="left", fontsize=7.5, pad=3)
    above: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points", "va": "baseline"}
    axes.annotate("of CPU", (1.01, 1), xycoords="axes fraction", color=FAINT, **above)


def _said_of(side: Result) -> str:
    return "as recorded" if side.model == "recorded" else side.model


def _percent(share: float) -> str:
    return "" if share == 0 else "< 0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"


def _waiting(side: Result) -> np.ndarray:
    """Waits: those before each run, and those that the end of the span cuts.

    Where a recorded task went after its last run on these CPUs is not known: it may have run on another one.
    """
    runs = side.runs
    known = runs[(runs["ready"] != Ready.UNKNOWN) & (runs["ready_ns"] >= 0)]
    _, last = np.unique(runs["task"][::-1], return_index=True)
    cut = runs[::-1][last]
    cut = cut[(cut["out"] == Out.PREEMPTED) & (side.model != "recorded")]
    waits = np.zeros(len(known) + len(cut), WAIT_DTYPE)
    for field in ("task", "cpu"):
        waits[field] = np.concatenate([known[field], cut[field]])
    waits["begin_ns"] = np.concatenate([known["ready_ns"], cut["end_ns"]])
    waits["end_ns"] = np.concatenate([known["start_ns"], np.full(len(cut), side.duration_ns)])
    return waits


def covered(begin_ns: np.ndarray, end_ns: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """What part of each span between two edges the intervals cover; overlapping ones count each.

    Parameters
    ----------
    begin_ns, end_ns : numpy.ndarray
        ``(n,)`` int64, ns, in any order.
    edges : numpy.ndarray
        ``(m + 1,)`` int64, ns, increasing.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float64, 0 and more; 1 is all of the span.
    """
    # The time covered before t is the sum of (t - begin) over begins before t, less that of (t - end) over
    # ends.
    total = np.zeros(len(edges), np.int64)
    for times, sign in ((np.sort(begin_ns), 1), (np.sort(end_ns), -1)):
        passed = np.searchsorted(times, edges)
        total += sign * (passed * edges - np.concatenate([[0], np.cumsum(times)])[passed])
    return np.diff(total) / np.maximum(np.diff(edges), 1)


def _pixels(hue: str, ran: np.ndarray, waited: np.ndarray) -> np.ndarray:
    """One row of pixels: dark where the lane ran, light where it waited."""
    ran = np.clip(ran, 0, 1)
    tone = ran + LIGHT * np.clip(waited, 0, 1 - ran)
    tone = np.where(ran > 0, np.maximum(tone, SPECK), tone)
    away = 1 - np.array(_mixed(hue, 1.0))
    return (1 - tone[None, :, None] * away).astype(np.float32)


def _draw_time_axis(axes: Axes, span: tuple[int, int], last: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    size, unit = _unit(span[1] - span[0])
    nice = MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(span[0] / size, span[1] / size)
    ticks = [float(tick) for tick in nice if span[0] <= tick * size <= span[1]]
    axes.set_xticks([tick * size for tick in ticks], [f"{tick:.10g}" for tick in ticks])
    axes.tick_params(axis="x", labelbottom=last)
    axes.set_axisbelow(False)
    if last:
        axes.set_xlabel(f"time, {unit}", labelpad=1)


def _unit(span_ns: int) -> tuple[int, str]:
    for size, unit in ((10**9, "s"), (10**6, "ms"), (10**3, "µs")):
        if span_ns >= 2 * size:
            return size, unit
    return 1, "ns"


# -------------------------------------------------------------------------------------------- the waits below


def _draw_waits(
    figure: Figure, sides: list[Result], lanes: list[_Lane], by: str, span: tuple[int, int], top: float
) -> None:
    """Small panels side by side: all waits, and those of each lane with a hue."""
    of_lanes = []
    for side in sides:
        task, waits = _waits_in(side, span)
        of_lanes.append((_lane_of_task(side, lanes, by)[task], waits))
    shown: list[tuple[str, str, int | None]] = [("all tasks", INK, None)]
    shown += [(lanes[n].label, lanes[n].hue, n) for n in _with_hue(lanes)]
    limits = _limits([waits for _, waits in of_lanes])
    _draw_waits_heading(figure, sides, top - 0.28)
    gap = 0.16
    width = (WIDTH_IN - LEFT_IN - RIGHT_IN + 0.5 - gap * (NR_PANELS - 1)) / NR_PANELS
    for place, (name, hue, lane) in enumerate(shown):
        axes = _axes(figure, LEFT_IN + place * (width + gap), top, width, WAITS_IN)
        _dress_waits(axes, name, hue, limits, first=place == 0)
        for (of_lane, waits), dashes in zip(of_lanes, DASHES):
            mine = waits if lane is None else waits[of_lane == lane]
            axes.plot(*survival(mine, limits[0]), color=hue, ls=dashes, lw=1.0, drawstyle="steps-post")


def _draw_waits_heading(figure: Figure, sides: list[Result], y: float) -> None:
    """What the panels show, and which line is whose."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    place: dict[str, Any] = {"y": 1 - y / height, "va": "baseline"}
    figure.text(LEFT_IN / width, s="Waits longer than a given time", fontsize=7.5, **place)
    left = LEFT_IN + 1.95
    for side, dashes in zip(sides, DASHES):
        ends = (left / width, (left + 0.22) / width)
        level = 1 - (y - 0.035) / height
        look: dict[str, Any] = {"color": INK, "ls": dashes, "lw": 1.0}
        figure.add_artist(Line2D(ends, (level, level), transform=figure.transFigure, **look))
        figure.text((left + 0.28) / width, s=_said_of(side), **place)
        left += 0.55 + 0.05 * len(_said_of(side))


def _with_hue(lanes: list[_Lane]) -> list[int]:
    with_hue = (number for number, lane in enumerate(lanes) if lane.hue != GREY)
    return sorted(with_hue, key=lambda number: HUES.index(lanes[number].hue))


def _limits(waits: list[np.ndarray]) -> tuple[float, float]:
    """Decades that hold the waits; those below a microsecond are left of the axis."""
    longest = max((int(w.max()) for w in waits if len(w)), default=0)
    return 1e3, 10 ** np.ceil(np.log10(max(longest, 1e5)))


def survival(waits: np.ndarray, least_ns: float) -> tuple[np.ndarray, np.ndarray]:
    """For each length x from `least_ns` on, what part of the waits is longer.

    Parameters
    ----------
    waits : numpy.ndarray
        ``(n,)`` int64, ns.
    least_ns : float
        Where the curve begins.

    Returns
    -------
    x, fraction : numpy.ndarray
        Corners of the step function, both float64; empty without waits.
    """
    if not len(waits):
        return np.zeros(0), np.zeros(0)
    x, count = np.unique(waits[waits > least_ns], return_counts=True)
    longer = count.sum() - np.concatenate([[0], np.cumsum(count)])
    return np.concatenate([[least_ns], x]), longer / len(waits)


def _dress_waits(axes: Axes, name: str, hue: str, limits: tuple[float, float], first: bool) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    axes.set(xscale="log", yscale="log", xlim=limits, ylim=(SMALLEST_FRACTION, 1.15))
    ticks = [10.0**decade for decade in range(3, round(np.log10(limits[1])) + 1, 3)]
    axes.set_xticks(ticks, [_short_time(tick) for tick in ticks])
    # Labels at the edges must not meet those of the neighbour.
    side_of: dict[float, Any] = {limits[0]: "left", limits[1]: "right"}
    for tick, label in zip(ticks, axes.get_xticklabels()):
        label.set_horizontalalignment(side_of.get(tick, "center"))
    axes.xaxis.set_minor_locator(LogLocator(10, numticks=99))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks([1, 0.1, 0.01, 0.001], ["all", "1 in 10", "1 in 100", "1 in 1000"] if first else [""] * 4)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="both", which="both", color=FAINT)
    axes.grid(True, lw=0.3, color="#DDDDDD")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(name, loc="left", fontsize=7.5, color=hue, pad=3)


def _short_time(ns: float) -> str:
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= size * 0.999:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"
