"""The figure of a validation: predicted against measured, with the bars.

What it decides: what is seen at a glance. Above, shares and times, each figure a point at (measured,
predicted), its bar the upright band on which the point has to lie, the line where both are equal. Below, all
figures in one unit, their own bar: 0 is what was measured, the band from -1 to 1 is inside. What is outside
is red and has its name. Where nothing is judged there are no bars, and points above only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..reports.drawing import FAINT, INK, WIDTH_IN, axes_at, drawn, put
from ..reports.lanes import cut
from ..units import clean, count_text, short_time
from .figures import KINDS, TIMES
from .text import verdict
from .validation import Row, Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "draw_all"]

HUES = {
    "share": "#3B6FB6",
    "switches": "#6B6B6B",
    "wakeup_latency": "#1B8A7A",
    "fork_latency": "#7AA534",
    "preempted_wait": "#B07C1E",
    "run_length": "#8A6BB8",
    "response": "#8C4F9F",
    "turnaround": "#A0522D",
    "makespan": "#5B7083",
    "fairness": "#4F7F9F",
}
OUTSIDE = "#C1272D"
BAND = "#E4EAF1"
PANEL_IN, TOP_IN, GAP_IN, LANE_IN, LEFT_IN = 2.75, 0.90, 0.55, 0.34, 0.62
BETWEEN_IN = 0.12
KEY_IN = 0.59
LETTER_IN = 0.054
FARTHEST = 3.0
"""Points further away than so many bars stand at the edge."""
SMALLEST_NS = 200.0


def draw(found: Validation, path: str | os.PathLike[str] | None = None) -> Figure:
    """The figure of a validation.

    Parameters
    ----------
    found : Validation
    path : path-like, optional
        File to write, ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    CfsError
        The file has another ending, or there is no such directory.
    """
    source = cut(clean(found.recorded.source), 60)
    title = f"{clean(found.result.model)} on {source}"
    rows = _shown(found)
    kinds = [kind for kind in KINDS if any(row.key.kind == kind for row in rows)]
    of_kind = {kind: [row for row in rows if row.key.kind == kind] for kind in kinds}
    lanes = [Lane(kind.replace("_", " "), HUES[kind], mine) for kind, mine in of_kind.items()]
    return _figure(title, verdict(found), lanes, path)


def draw_all(every: Sequence[Validation], path: str | os.PathLike[str] | None = None) -> Figure:
    """The figure of several validations: as `draw`, with a lane for each recording.

    Parameters
    ----------
    every : sequence of Validation
    path : path-like, optional
        File to write, ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lanes = [Lane(cut(clean(one.recorded.source).split(".")[0], 24), INK, _shown(one)) for one in every]
    nr = sum(len(lane.rows) for lane in lanes)
    out = sum(row.is_inside is False for lane in lanes for row in lane.rows)
    models = ", ".join(dict.fromkeys(one.result.model for one in every))
    title = f"{clean(models)} on {count_text(len(lanes), 'recording')}"
    return _figure(title, f"{count_text(nr, 'figure')}, {out} of them outside of their bars", lanes, path)


def _shown(found: Validation) -> list[Row]:
    return [row for row in found.shown if row.predicted is not None]


@dataclass(frozen=True)
class Lane:
    """A line of the lower panel."""

    label: str
    hue: str
    rows: list[Row]


def _figure(title: str, words: str, lanes: list[Lane], path: str | os.PathLike[str] | None) -> Figure:
    return drawn(path, lambda figure: _draw(figure, title, words, lanes))


def _draw(figure: Figure, title: str, words: str, lanes: list[Lane]) -> None:
    rows = [row for lane in lanes for row in lane.rows]
    is_judged = any(row.bar for row in rows)
    lanes_in = GAP_IN + 0.12 + LANE_IN * len(lanes) if is_judged else 0.1
    figure.set_size_inches(WIDTH_IN, TOP_IN + PANEL_IN + lanes_in + 0.3)
    put(figure, 0.12, 0.25, title, fontsize=9, fontweight="bold")
    put(figure, 0.12, 0.42, cut(words, 120), color=FAINT)
    _put_key(figure, rows)
    width = (WIDTH_IN - 2 * LEFT_IN - BETWEEN_IN - 0.15) / 2
    shares = [row for row in rows if row.key.kind == "share"]
    times = [row for row in rows if row.key.kind in TIMES and row.key.part != "count"]
    _draw_shares(axes_at(figure, LEFT_IN, TOP_IN, width, PANEL_IN), shares)
    _draw_times(axes_at(figure, 2 * LEFT_IN + BETWEEN_IN + width, TOP_IN, width, PANEL_IN), times)
    if is_judged:
        left = 0.42 + 0.062 * max(len(lane.label) for lane in lanes)
        top = TOP_IN + PANEL_IN + GAP_IN + 0.12
        _draw_lanes(axes_at(figure, left, top, WIDTH_IN - left - 0.3, LANE_IN * len(lanes)), lanes)


def _put_key(figure: Figure, rows: list[Row]) -> None:
    """The kinds of figures in their hues, on a line below the title."""
    left = 0.12
    for kind in KINDS:
        if any(row.key.kind == kind for row in rows):
            put(figure, left, KEY_IN, kind.replace("_", " "), color=HUES[kind])
            left += LETTER_IN * len(kind) + 0.12


def _hue(row: Row) -> str:
    return OUTSIDE if row.is_inside is False else HUES[row.key.kind]


def _draw_points(axes: Axes, rows: list[Row], smallest: float) -> None:
    """Bands, the line of equals, and the points, those outside above the others."""
    for row in rows:
        if row.bar is None:
            continue
        at, low = max(row.measured, smallest), max(row.low, smallest)
        ends = [low, max(row.high, smallest)]
        axes.plot([at, at], ends, color=HUES[row.key.kind], alpha=0.22, lw=3.2, solid_capstyle="butt")
    for row in sorted(rows, key=lambda row: row.is_inside is False):
        place = (max(row.measured, smallest), max(row.predicted or 0.0, smallest))
        axes.plot(*place, "o", color=_hue(row), ms=3.2, mew=0.4, mec="white", zorder=3)
    axes.grid(True, lw=0.3, color="#E6E6E6")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylabel("predicted", labelpad=2)
    axes.set_xlabel("measured", labelpad=2)


def _limits(rows: list[Row], smallest: float) -> tuple[float, float]:
    values = [max(value, smallest) for row in rows for value in (row.measured, row.predicted or 0.0)]
    return (min(values, default=smallest) / 1.6, max(values, default=10 * smallest) * 1.6)


def _ticks(axes: Axes, low: float, high: float, text: Callable[[float], str]) -> None:
    """Decades, and where there are few of them what lies between, on both axes alike."""
    from matplotlib.ticker import NullFormatter

    steps = (1, 2, 5) if high / low < 300 else (1,)
    ticks = [step * 10.0**decade for decade in range(-3, 12) for step in steps]
    ticks = [tick for tick in ticks if low <= tick <= high]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [text(tick) for tick in ticks])
        axis.set_minor_formatter(NullFormatter())


def _draw_shares(axes: Axes, rows: list[Row]) -> None:
    low, high = _limits(rows, 0.01)
    axes.plot([low, high], [low, high], color=FAINT, lw=0.5, zorder=1)
    _draw_points(axes, rows, 0.01)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    _ticks(axes, low, high, lambda tick: f"{tick:g} %")
    axes.set_title("Share of the CPU", loc="left", fontsize=7.5, pad=4)


def _draw_times(axes: Axes, rows: list[Row]) -> None:
    low, high = _limits(rows, SMALLEST_NS)
    axes.plot([low, high], [low, high], color=FAINT, lw=0.5, zorder=1)
    _draw_points(axes, rows, SMALLEST_NS)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    _ticks(axes, low, high, short_time)
    axes.set_title("Waits, and what people wait for", loc="left", fontsize=7.5, pad=4)


def _in_bars(row: Row) -> float:
    """How far the prediction is from what was measured, in bars; 1 is the edge on its side."""
    off = row.difference or 0.0
    side = row.high - row.measured if off > 0 else row.measured - row.low
    return 0.0 if not off else off / side if side > 0 else float(np.copysign(np.inf, off))


def _draw_lanes(axes: Axes, lanes: list[Lane]) -> None:
    axes.axvspan(-1, 1, color=BAND, lw=0, zorder=0)
    axes.axvline(0, color=FAINT, lw=0.5)
    for place, lane in enumerate(lanes):
        for number, row in enumerate(lane.rows):
            at = float(np.clip(_in_bars(row), -FARTHEST, FARTHEST))
            level = place + 0.12 + 0.3 * (((number * 0.618034) % 1) - 0.5)
            axes.plot(at, level, "o", color=_hue(row), ms=3.2, mew=0.4, mec="white", clip_on=False, zorder=3)
        for side in (-1, 1):
            _name_outside(axes, place, [row for row in lane.rows if row.is_inside is False], side)
    axes.set(xlim=(-FARTHEST, FARTHEST), ylim=(len(lanes) - 0.5, -0.5))
    axes.set_yticks(range(len(lanes)), [lane.label for lane in lanes])
    for label, lane in zip(axes.get_yticklabels(), lanes):
        label.set_color(lane.hue)
    ends = {-FARTHEST: f"≤ {-FARTHEST:g}", FARTHEST: f"≥ {FARTHEST:g}"}
    ticks = [-FARTHEST, -2, -1, 0, 1, 2, FARTHEST]
    axes.set_xticks(ticks, [ends.get(tick, "measured" if tick == 0 else f"{tick:g}") for tick in ticks])
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    title = "Difference of each figure, in bars: inside the band it is right"
    axes.set_title(title, loc="left", fontsize=7.5, pad=4)


def _name_outside(axes: Axes, place: int, rows: list[Row], side: int) -> None:
    """Names of those outside, towards the middle, so that they stay on the page; the furthest first."""
    rows = sorted((row for row in rows if _in_bars(row) * side > 0), key=lambda row: -abs(_in_bars(row)))
    if not rows:
        return
    names = ", ".join("/".join(filter(None, row.key[1:])) for row in rows[:2])
    text = names + (f", {len(rows) - 2} more" if len(rows) > 2 else "")
    at = float(np.clip(abs(_in_bars(rows[0])), 0, FARTHEST)) * side
    axes.annotate(
        cut(clean(text), 44),
        (at, place),
        (3 * side, 6),
        textcoords="offset points",
        ha="right" if side > 0 else "left",
        va="center",
        fontsize=5.8,
        color=OUTSIDE,
    )
