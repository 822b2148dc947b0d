"""Figures over time: each lane's share of the CPU, how many tasks wanted to run, and how far apart they were.

What it decides: what changes slowly enough to be a curve. Each lane has a row, all with the same scale, so
you can compare heights across lanes; only the lane of all other tasks may have its own. The model is filled,
the recording dashed. Below them are the number of tasks that wanted to run, and the spread of the model's own
virtual time if it was sampled. Lanes, hues and axes are those of `timeline`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..result import Result
from ..units import clean, seconds_text, unit_of
from .drawing import (
    DASHES,
    FAINT,
    WIDTH_IN,
    axes_at,
    draw_time_axis,
    drawn,
    put,
    put_line,
)
from .lanes import (
    GREY,
    Lane,
    cut,
    lane_of_task,
    lanes_of,
    ran_in,
    said_of,
    scales_of_shares,
    shares_in,
    span_of,
    waited_in,
)
from .lines import check_lines
from .samples import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_trends"]

NR_WINDOWS = 240
LEFT_IN, RIGHT_IN = 1.40, 0.50
PANEL_WIDTH_IN = WIDTH_IN - LEFT_IN - RIGHT_IN
LANES_MOST = 20
"""As many as a page has room for."""
TITLE_IN = 0.62
ROW_IN, ROW_GAP_IN = 0.26, 0.06
PANEL_IN, PANEL_GAP_IN = 0.75, 0.62
BOTTOM_IN = 0.40


def plot_trends(
    result: Result,
    path: str | os.PathLike[str] | None = None,
    *,
    recorded: Result | None = None,
    samples: Samples | None = None,
    top: int = 12,
    by: str = "comm",
    from_ns: int | None = None,
    until_ns: int | None = None,
) -> Figure:
    """Draw shares of the CPU, runnable tasks and the spread of virtual time over time.

    Parameters
    ----------
    result : Result
    path : path-like, optional
        File to write, ``.png``, ``.svg`` or ``.pdf``.
    recorded : Result, optional
        The measured result, dashed.
    samples : Samples, optional
        Virtual time over time: `cfs.reports.run_sampled`.
    top : int, optional
        Lanes, at most 20; the rest shares one more.
    by : {"comm", "task", "group"}, optional
        What a lane is.
    from_ns, until_ns : int, optional
        Part of the span that is drawn, ns since the start.

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
    Cost O(runs log runs), and about a second for the figure itself.
    """
    check_lines(by, top)
    span = span_of(result, from_ns, until_ns)
    sides = [result] if recorded is None else [result, recorded]
    return drawn(path, lambda figure: _draw(figure, sides, samples, by, top, span))


def _draw(
    figure: Figure, sides: list[Result], samples: Samples | None, by: str, top: int, span: tuple[int, int]
) -> None:
    lanes = lanes_of(sides, by, min(top, LANES_MOST), span)
    spread = None if samples is None else samples.spread
    nr_panels = 1 if spread is None else 2
    rows_in = max(1, len(lanes)) * (ROW_IN + ROW_GAP_IN)
    figure.set_size_inches(WIDTH_IN, TITLE_IN + rows_in + nr_panels * (PANEL_GAP_IN + PANEL_IN) + BOTTOM_IN)
    _draw_title(figure, sides, span)
    edges = np.linspace(*span, NR_WINDOWS + 1).round().astype(np.int64)
    _draw_shares(figure, sides, lanes, by, span, edges)
    y = TITLE_IN + rows_in + PANEL_GAP_IN
    axes = axes_at(figure, LEFT_IN, y, PANEL_WIDTH_IN, PANEL_IN)
    for side, dashes in zip(sides, DASHES):
        axes.stairs(_runnable(side, edges), edges, baseline=None, color=GREY, ls=dashes, lw=0.8)
    _dress(axes, span, "Tasks that want to run, mean")
    if spread is not None:
        axes = axes_at(figure, LEFT_IN, y + PANEL_IN + PANEL_GAP_IN, PANEL_WIDTH_IN, PANEL_IN)
        size, unit = unit_of(max(1, int(spread.spread.max(initial=0))))
        axes.fill_between(spread.at_ns, spread.spread / size, color=GREY, alpha=0.3, lw=0)
        axes.plot(spread.at_ns, spread.spread / size, color=GREY, lw=0.7)
        _dress(axes, span, f"{spread.field}: the task furthest ahead minus the one furthest behind, {unit}")


def _draw_shares(
    figure: Figure, sides: list[Result], lanes: list[Lane], by: str, span: tuple[int, int], edges: np.ndarray
) -> None:
    """A row a lane: its share of the CPUs, the first side filled, the second dashed."""
    shares = [shares_in(side, lane_of_task(side, lanes, by), len(lanes), edges) for side in sides]
    scales = scales_of_shares(lanes, shares)
    for place, (lane, most) in enumerate(zip(lanes, scales)):
        y = TITLE_IN + place * (ROW_IN + ROW_GAP_IN)
        axes = axes_at(figure, LEFT_IN, y, PANEL_WIDTH_IN, ROW_IN)
        axes.set(xlim=span, ylim=(0, most * 1.04), yticks=[])
        axes.stairs(shares[0][place], edges, fill=True, color=lane.hue, alpha=0.28, lw=0)
        for of_side, dashes in zip(shares, DASHES):
            axes.stairs(of_side[place], edges, baseline=None, color=lane.hue, ls=dashes, lw=0.7)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.text(-0.012, 0.25, lane.label, transform=axes.transAxes, ha="right", color=lane.hue)
        if place == 0 or most != scales[place - 1]:
            axes.text(1.01, 0.80, f"{100 * most:.3g} %", transform=axes.transAxes, color=FAINT)
            axes.text(1.01, 0.0, "0 %", transform=axes.transAxes, color=FAINT)
        draw_time_axis(axes, span, place == len(lanes) - 1)


def _dress(axes: Axes, span: tuple[int, int], title: str) -> None:
    axes.set(xlim=span)
    axes.set_ylim(bottom=0)
    axes.grid(True, axis="y", lw=0.3, color="#DDDDDD")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=7.5, pad=4)
    draw_time_axis(axes, span, True)


def _runnable(side: Result, edges: np.ndarray) -> np.ndarray:
    """Mean number of runnable tasks in each window: what runs and waits cover."""
    one_lane = np.zeros(side.nr_tasks, np.int64)
    return ran_in(side, one_lane, 1, edges)[0] + waited_in(side, one_lane, 1, edges)[0]


def _draw_title(figure: Figure, sides: list[Result], span: tuple[int, int]) -> None:
    result = sides[0]
    source = f" on {cut(clean(result.source), 60)}" if result.source else ""
    put(figure, 0.12, 0.25, f"{cut(clean(result.model), 40)}{source}", fontsize=9, fontweight="bold")
    part = "" if span == (0, result.duration_ns) else f"{seconds_text(span[0])} … {seconds_text(span[1])} of "
    cpus = f"{len(result.cpus)} CPU" + ("" if len(result.cpus) == 1 else "s")
    put(
        figure,
        0.12,
        0.42,
        f"share of the CPU over time, {part}{seconds_text(result.duration_ns)}, {cpus}",
        color=FAINT,
    )
    left = LEFT_IN + 2.6
    for side, dashes in zip(sides, DASHES):
        put_line(figure, left, 0.42 - 0.035, 0.22, color=GREY, ls=dashes, lw=1.0)
        put(figure, left + 0.28, 0.42, said_of(side))
        left += 0.55 + 0.05 * len(said_of(side))
