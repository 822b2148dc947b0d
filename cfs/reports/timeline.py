"""A timeline for each CPU: which tasks ran and waited, and below it how long the waits were.

What it decides: how one result and the recording share a page. Colour means one thing: a lane has a hue if
its waits have a panel below; the others are grey. Names are beside their lanes, so there is no legend to look
up. Model and recording have the same lanes in the same order, with solid and dashed lines. `lanes` says which
tasks have a lane, `drawing` how it looks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..result import Result
from ..units import clean, percent, seconds_text
from .drawing import (
    DASHES,
    FAINT,
    INK,
    LANE_IN,
    WIDTH_IN,
    axes_at,
    check_path,
    draw_strips,
    draw_time_axis,
    dress_waits,
    name_strips,
    new_figure,
    put,
    put_key,
    put_line,
    save,
    style,
)
from .lanes import (
    HUES,
    Lane,
    cut,
    lane_of_task,
    lanes_of,
    limits_of,
    said_of,
    span_of,
    survival,
    waits_in,
    with_hue,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_timeline"]

LEFT_IN, RIGHT_IN = 1.40, 0.62
TITLE_IN = 0.44
PANEL_GAP_IN = 0.30
AXIS_IN = 0.86
WAITS_IN = 1.35
BOTTOM_IN = 0.30
NR_PANELS = 1 + len(HUES)


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
    """Draw which tasks ran and waited on each CPU, and the distribution of the waits.

    Parameters
    ----------
    result : Result
    path : path-like, optional
        File to write, ``.png``, ``.svg`` or ``.pdf``.
    recorded : Result, optional
        The measured result, drawn below the model's timeline and dashed in the distribution.
    top : int, optional
        Lanes; the rest shares one more.
    by : {"comm", "task", "group"}, optional
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
        The part is outside the span, or the file has another ending.

    Notes
    -----
    Cost O(runs log runs): 0.1 s a million runs, and about a second for the figure itself.
    """
    if by not in ("comm", "task", "group"):
        raise ValueError(f"by = {by!r} is none of 'comm', 'task', 'group'")
    if top < 1:
        raise ValueError(f"top = {top} is less than 1")
    if path is not None:
        check_path(path)
    span = span_of(result, from_ns, until_ns)
    with style():
        figure = new_figure()
        sides = [result] if recorded is None else [result, recorded]
        _draw(figure, sides, lanes_of(sides, by, top, span), by, span)
        if path is not None:
            save(figure, path)
    return figure


def _draw(figure: Figure, sides: list[Result], lanes: list[Lane], by: str, span: tuple[int, int]) -> None:
    panels = [(side, cpu) for cpu in sides[0].cpus for side in sides]
    lanes_in = max(1, len(lanes)) * LANE_IN
    height = TITLE_IN + len(panels) * (lanes_in + PANEL_GAP_IN) + AXIS_IN + WAITS_IN + BOTTOM_IN
    figure.set_size_inches(WIDTH_IN, height)
    top = TITLE_IN
    _draw_title(figure, sides, span)
    for number, (side, cpu) in enumerate(panels):
        top += PANEL_GAP_IN
        axes = axes_at(figure, LEFT_IN, top, WIDTH_IN - LEFT_IN - RIGHT_IN, lanes_in)
        _draw_lanes(axes, side, cpu, lanes, lane_of_task(side, lanes, by), span)
        draw_time_axis(axes, span, number == len(panels) - 1)
        top += lanes_in
    _draw_waits(figure, sides, lanes, by, span, top + AXIS_IN)


def _draw_title(figure: Figure, sides: list[Result], span: tuple[int, int]) -> None:
    result = sides[0]
    source = f" on {cut(clean(result.source), 60)}" if result.source else ""
    put(figure, 0.12, 0.25, f"{result.model}{source}", fontsize=9, fontweight="bold")
    part = "" if span == (0, result.duration_ns) else f"{seconds_text(span[0])} … {seconds_text(span[1])} of "
    facts = f"{part}{seconds_text(result.duration_ns)}, {result.context_switches} switches"
    if result.hz:
        facts += f", {result.hz} ticks a second"
    put(figure, 0.12, 0.42, facts, color=FAINT)
    put_key(figure, WIDTH_IN - RIGHT_IN)


def _draw_lanes(
    axes: Axes, side: Result, cpu: int, lanes: list[Lane], lane_of: np.ndarray, span: tuple[int, int]
) -> None:
    shares = draw_strips(axes, lanes, side, lane_of, span, WIDTH_IN - LEFT_IN - RIGHT_IN, [cpu])
    name_strips(axes, lanes)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"}
    for number, (lane, share) in enumerate(zip(lanes, shares)):
        axes.text(1.01, number, percent(share), color=lane.hue, **beside)
    axes.set_title(f"CPU {cpu}, {said_of(side)}", loc="left", fontsize=7.5, pad=3)
    above: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points", "va": "baseline"}
    axes.annotate("of CPU", (1.01, 1), xycoords="axes fraction", color=FAINT, **above)


def _draw_waits(
    figure: Figure, sides: list[Result], lanes: list[Lane], by: str, span: tuple[int, int], top: float
) -> None:
    """Small panels side by side: all waits, and those of each lane with a hue."""
    of_lanes = []
    for side in sides:
        task, waits = waits_in(side, span)
        of_lanes.append((lane_of_task(side, lanes, by)[task], waits))
    shown: list[tuple[str, str, int | None]] = [("all tasks", INK, None)]
    shown += [(lanes[n].label, lanes[n].hue, n) for n in with_hue(lanes)]
    limits = limits_of([waits for _, waits in of_lanes])
    _draw_waits_heading(figure, sides, top - 0.28)
    gap = 0.16
    width = (WIDTH_IN - LEFT_IN - RIGHT_IN + 0.5 - gap * (NR_PANELS - 1)) / NR_PANELS
    for place, (name, hue, lane) in enumerate(shown):
        axes = axes_at(figure, LEFT_IN + place * (width + gap), top, width, WAITS_IN)
        dress_waits(axes, name, hue, limits, first=place == 0)
        for (of_lane, waits), dashes in zip(of_lanes, DASHES):
            mine = waits if lane is None else waits[of_lane == lane]
            axes.plot(*survival(mine, limits[0]), color=hue, ls=dashes, lw=1.0, drawstyle="steps-post")


def _draw_waits_heading(figure: Figure, sides: list[Result], y: float) -> None:
    """What the panels show, and the key to the lines."""
    put(figure, LEFT_IN, y, "Waits longer than a given time", fontsize=7.5)
    left = LEFT_IN + 1.95
    for side, dashes in zip(sides, DASHES):
        put_line(figure, left, y - 0.035, 0.22, color=INK, ls=dashes, lw=1.0)
        put(figure, left + 0.28, y, said_of(side))
        left += 0.55 + 0.05 * len(said_of(side))
