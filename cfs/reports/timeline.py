"""A timeline of the CPUs: which tasks ran and waited, and below it how long the waits were.

What it decides: how one result and the recording share a page. Colour means one thing: a task has a hue if
its waits have a panel below; the others are grey. Names are beside their lanes, so there is no legend to look
up; only where a lane is a CPU, a key names the hues. Model and recording have the same lanes in the same
order, with solid and dashed lines. `panels` says which panels and lanes there are, `drawing` how they look.

Cost: the picture is about a page high (10 in), and has some hundred things to draw at most.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..result import Result
from ..units import clean, count_text, percent, seconds_text
from .drawing import (
    DASHES,
    FAINT,
    INK,
    LANE_IN,
    WIDTH_IN,
    axes_at,
    draw_cpu_lanes,
    draw_map,
    draw_strips,
    draw_time_axis,
    drawn,
    dress_waits,
    name_strips,
    nr_pixels,
    put,
    put_cpu_key,
    put_key,
    put_line,
    queue_image,
    ran_image,
    row_font,
    say_in,
)
from .lanes import GREY, cut, limits_of, said_of, span_of, survival, waits_in, why_no_curves, with_hue
from .lines import check_lines
from .panels import CpuRows, Kind, Panel, Room, Timeline, base_of_steps, timeline_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_timeline"]

LEFT_IN, RIGHT_IN = 1.40, 0.62
PANEL_WIDTH_IN = WIDTH_IN - LEFT_IN - RIGHT_IN
TITLE_IN = 0.44
PANEL_GAP_IN = 0.30
AXIS_IN = 0.86
WAITS_IN = 1.35
NOTHING_IN = 0.05
"""In place of the waits, if there are none."""
BOTTOM_IN = 0.30
KEY_IN = 0.34
"""Below the title, where a row is a CPU."""
ROOM = Room(height=7.05, lane=LANE_IN, heading=PANEL_GAP_IN)
ROOM_OF_ROWS = Room(height=ROOM.height - KEY_IN, lane=LANE_IN, heading=PANEL_GAP_IN)
MAP_IN, QUEUE_IN = 2.60, 1.50
"""The greatest heights of the two maps of a side."""
MAP_ROWS = 256


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

    Up to eight busy CPUs have a panel each, with a lane a task. More have a lane each, and more than 32 are
    rows of a map. Idle CPUs are left out. The picture is about a page high in any case.

    Parameters
    ----------
    result : Result
    path : path-like, optional
        File to write, ``.png``, ``.svg`` or ``.pdf``.
    recorded : Result, optional
        The measured result, drawn below the model's timeline and dashed in the distribution.
    top : int, optional
        Lanes of a panel, as many as a page has room for; the rest shares one more.
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
    check_lines(by, top)
    span = span_of(result, from_ns, until_ns)
    sides = [result] if recorded is None else [result, recorded]
    return drawn(path, lambda figure: _draw(figure, timeline_of(sides, by, top, span, ROOM)))


@dataclass(frozen=True)
class _Block:
    """A panel of the picture: its heading, its height, and the function that paints it."""

    title: str
    height_in: float
    paint: Callable[[Axes], None]


def _draw(figure: Figure, timeline: Timeline) -> None:
    top = TITLE_IN + (0 if timeline.kind is Kind.TASKS else KEY_IN)
    rows = _rows_of(timeline)
    blocks = list(_blocks(timeline, rows))
    height = top + sum(PANEL_GAP_IN + block.height_in for block in blocks)
    waits = waits_of_lanes(timeline)
    nothing = why_no_curves([ns for _, ns in waits])
    waits_in = NOTHING_IN if nothing else WAITS_IN + BOTTOM_IN
    figure.set_size_inches(WIDTH_IN, height + AXIS_IN + waits_in)
    _draw_title(figure, timeline)
    if rows:
        put_cpu_key(figure, 0.12, 0.63, timeline.lanes, base_of_steps(rows))
    for number, block in enumerate(blocks):
        top += PANEL_GAP_IN
        axes = axes_at(figure, LEFT_IN, top, PANEL_WIDTH_IN, block.height_in)
        block.paint(axes)
        axes.set_title(block.title, loc="left", fontsize=7.5, pad=3)
        draw_time_axis(axes, timeline.span, number == len(blocks) - 1)
        top += block.height_in
    if nothing:
        put(figure, LEFT_IN, height + AXIS_IN - 0.28, nothing, color=FAINT)
    else:
        _draw_waits(figure, timeline, waits, height + AXIS_IN)


def _rows_of(timeline: Timeline) -> list[CpuRows]:
    """The rows of CPUs of each side; none if a lane is a task."""
    if timeline.kind is Kind.TASKS:
        return []
    nr_cells = nr_pixels(PANEL_WIDTH_IN)
    return [timeline.rows(place, nr_cells, MAP_ROWS) for place in range(len(timeline.sides))]


def _blocks(timeline: Timeline, rows: list[CpuRows]) -> Iterator[_Block]:
    """The panels from top to bottom."""
    for panel in timeline.panels:
        yield _Block(panel.title, max(1, len(panel.lanes)) * LANE_IN, partial(_paint_tasks, timeline, panel))
    base, span, nr_sides = base_of_steps(rows), timeline.span, len(timeline.sides)
    for place, of_side in enumerate(rows):
        title = timeline.title(place, of_side)
        if timeline.kind is Kind.CPUS:
            pitch = ROOM_OF_ROWS.pitch(len(of_side.labels), nr_sides)
            yield _Block(title, pitch * len(of_side.labels), partial(_paint_cpus, of_side, base, span, pitch))
            continue
        free = ROOM_OF_ROWS.height / nr_sides - 2 * PANEL_GAP_IN
        part = MAP_IN / (MAP_IN + QUEUE_IN)
        ran, queue = ran_image(of_side), queue_image(of_side, base)
        yield _Block(title, min(MAP_IN, part * free), partial(_paint_map, of_side, ran, span))
        title = f"tasks that waited on a CPU, {said_of(timeline.sides[place])}"
        if of_side.waiting.any():
            yield _Block(title, min(QUEUE_IN, (1 - part) * free), partial(_paint_map, of_side, queue, span))
        else:
            yield _Block(title, LANE_IN, partial(_paint_nothing, span))


def _draw_title(figure: Figure, timeline: Timeline) -> None:
    result, span = timeline.sides[0], timeline.span
    source = f" on {cut(clean(result.source), 60)}" if result.source else ""
    put(figure, 0.12, 0.25, f"{cut(clean(result.model), 40)}{source}", fontsize=9, fontweight="bold")
    part = "" if span == (0, result.duration_ns) else f"{seconds_text(span[0])} … {seconds_text(span[1])} of "
    facts = f"{part}{seconds_text(result.duration_ns)}, {count_text(result.context_switches, 'switch', 'es')}"
    if result.hz:
        facts += f", {result.hz} ticks a second"
    facts += f", {timeline.left_out}" if timeline.left_out else ""
    put(figure, 0.12, 0.42, facts, color=FAINT)
    if timeline.kind is Kind.TASKS:
        put_key(figure, WIDTH_IN - RIGHT_IN)


def _paint_tasks(timeline: Timeline, panel: Panel, axes: Axes) -> None:
    side, lanes = timeline.sides[panel.place], panel.lanes
    shares = draw_strips(axes, lanes, side, panel.lane_of, timeline.span, PANEL_WIDTH_IN, panel.cpus)
    name_strips(axes, lanes)
    _write_shares(axes, [percent(share) for share in shares], [lane.hue for lane in lanes])
    say_in(axes, "" if lanes else "nothing ran")


def _paint_cpus(rows: CpuRows, base: int, span: tuple[int, int], pitch_in: float, axes: Axes) -> None:
    draw_cpu_lanes(axes, rows, base, span, pitch_in)
    size = row_font(pitch_in)
    _write_shares(axes, [percent(share) for share in rows.share], [GREY] * len(rows.share), fontsize=size)


def _paint_map(rows: CpuRows, image: np.ndarray, span: tuple[int, int], axes: Axes) -> None:
    draw_map(axes, image, rows, span)


def _paint_nothing(span: tuple[int, int], axes: Axes) -> None:
    axes.set(xlim=span, yticks=[])
    axes.spines[["top", "right", "left"]].set_visible(False)
    say_in(axes, "no wait is known")


def _write_shares(axes: Axes, texts: list[str], hues: list[str], **look: Any) -> None:
    """The part of the CPU right of each lane, and above them what they are."""
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"} | look
    for number, (text, hue) in enumerate(zip(texts, hues)):
        axes.text(1.01, number, text, color=hue, **beside)
    above: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points", "va": "baseline"}
    axes.annotate("of CPU", (1.01, 1), xycoords="axes fraction", color=FAINT, **above)


def _draw_waits(
    figure: Figure, timeline: Timeline, of_lanes: list[tuple[np.ndarray, np.ndarray]], top: float
) -> None:
    """Small panels side by side: all waits, and those of each lane with a hue."""
    sides, lanes = timeline.sides, timeline.lanes
    shown: list[tuple[str, str, int | None]] = [("all tasks", INK, None)]
    shown += [(lanes[n].label, lanes[n].hue, n) for n in with_hue(lanes)]
    limits = limits_of([waits for _, waits in of_lanes])
    _draw_waits_heading(figure, sides, top - 0.28)
    gap = 0.16
    width = (PANEL_WIDTH_IN + 0.5 - gap * (len(shown) - 1)) / len(shown)
    for place, (name, hue, lane) in enumerate(shown):
        axes = axes_at(figure, LEFT_IN + place * (width + gap), top, width, WAITS_IN)
        dress_waits(axes, name, hue, limits, first=place == 0)
        for (of_lane, waits), dashes in zip(of_lanes, DASHES):
            mine = waits if lane is None else waits[of_lane == lane]
            axes.plot(*survival(mine, limits[0]), color=hue, ls=dashes, lw=1.0, drawstyle="steps-post")


def waits_of_lanes(timeline: Timeline) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each side the lane and the length of each wait that ended in the span."""
    found = (waits_in(side, timeline.span) for side in timeline.sides)
    return [(lane_of[task], waits) for lane_of, (task, waits) in zip(timeline.lane_of, found)]


def _draw_waits_heading(figure: Figure, sides: list[Result], y: float) -> None:
    """What the panels show, and the key to the lines."""
    put(figure, LEFT_IN, y, "Waits longer than a given time", fontsize=7.5)
    left = LEFT_IN + 1.95
    for side, dashes in zip(sides, DASHES):
        put_line(figure, left, y - 0.035, 0.22, color=INK, ls=dashes, lw=1.0)
        put(figure, left + 0.28, y, said_of(side))
        left += 0.55 + 0.05 * len(said_of(side))
