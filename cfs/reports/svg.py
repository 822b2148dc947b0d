"""Figures as SVG text, with nothing but numpy: for pages that work offline, and for notebooks.

What it decides: figures use the same language as those on paper (`drawing`). Time goes from left to right. A
lane is a task or command name, strong where it ran and pale where it waited. The three that waited longest
have a hue, and names are beside their lanes. Colours are CSS variables, so a page decides about light, dark
and print. Text is text, so readers can search it and it scales with the page.

V1  The size of a figure depends on its lanes and panels, never on the number of runs: time is cut into
    `NR_CELLS` cells (fewer where a row is a CPU), and curves are thinned to what a screen can show. `panels`
    limits the number of lanes.
V2  All foreign text is escaped, and shown without control characters.
V3  Same input, same text.

Rejected: matplotlib's SVG (a megabyte of glyphs, one fixed background); a script that draws (a report is read
in ten years, printed, and mailed through filters).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..result import Result
from ..units import clean, percent, short_time, unit_of
from .lanes import (
    GREY,
    HUES,
    LIGHT,
    SMALLEST_FRACTION,
    SPECK,
    Lane,
    cut,
    ran_in,
    scales_of_shares,
    shares_in,
    survival,
    waited_in,
)
from .panels import HUES_OF_ROWS, SPECK_OF_MAP, TONES_OF_QUEUE, CpuRows, rows_between_labels

__all__ = [
    "Canvas",
    "Frame",
    "band",
    "cpu_map",
    "cpu_strips",
    "curves",
    "empty_map",
    "levels",
    "share_rows",
    "strips",
    "words",
]

WIDTH = 960
NR_CELLS = 720
NR_CELLS_OF_ROWS = 360
"""Cells of a row of CPUs: there can be 32 with two strips each."""
NR_CELLS_OF_MAP = 240
MAP_ROWS = 64
NR_WINDOWS = 240
NR_TONES = 8
NR_TONES_OF_ROWS = 4
"""In rows of CPUs, where tones have five hues."""
LEFT, RIGHT = 182, 62
LANE = 18
LEAST_LINE = 10
"""From one line of small type to the next."""
HEADING = 26
"""Above a panel of strips."""
MAP_HEIGHT, QUEUE_HEIGHT = 256, 160
"""The greatest heights of the two maps of a side."""
DASH = "5 3"

Span = tuple[int, int]
Points = tuple[np.ndarray, np.ndarray]


def words(text: str) -> str:
    """Foreign text, safe in HTML and on one line (V2)."""
    return escape(clean(text))


def colour(hue: str) -> str:
    """The CSS variable of a lane's hue."""
    if hue in HUES:
        return f"var(--h{HUES.index(hue) + 1})"
    return {GREY: "var(--grey)", HUES_OF_ROWS[-1]: "var(--grey2)"}.get(hue, hue)


def number(value: float) -> str:
    """A coordinate with at most one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Frame:
    """The place of a panel, in the canvas's units."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


class Canvas:
    """An SVG image in the making.

    Parameters
    ----------
    title : str
        What it shows, for readers who cannot see it.
    """

    def __init__(self, title: str):
        self.title, self.parts, self.height = title, list[str](), 0.0

    def add(self, part: str) -> None:
        """Append an element."""
        self.parts.append(part)

    def grow(self, bottom: float) -> None:
        """Make the image at least `bottom` high."""
        self.height = max(self.height, bottom)

    def text(self, x: float, y: float, text: str, look: str = "", anchor: str = "", fill: str = "") -> None:
        """A line of text; `look` is its CSS classes."""
        attributes = f' class="{look}"' if look else ""
        attributes += f' text-anchor="{anchor}"' if anchor else ""
        attributes += f' style="fill:{fill}"' if fill else ""
        self.add(f'<text x="{number(x)}" y="{number(y)}"{attributes}>{words(text)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str = "rule") -> None:
        """A straight line."""
        ends = (
            f'{name}="{number(value)}"' for name, value in zip(("x1", "y1", "x2", "y2"), (x1, y1, x2, y2))
        )
        self.add(f'<line {" ".join(ends)} class="{look}"/>')

    def path(self, data: str, **style: str) -> None:
        """A path; names of the style's properties have "_" for "-"."""
        text = ";".join(f"{name.replace('_', '-')}:{value}" for name, value in style.items())
        if data:
            self.add(f'<path d="{data}" style="{text}"/>')

    def svg(self) -> str:
        """The element."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {number(self.height)}" role="img" aria-label="{words(self.title)}" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(self.parts)}</svg>'
        )


# ------------------------------------------------------------------------------------------------------- axes


def time_axis(canvas: Canvas, frame: Frame, span: Span, labelled: bool = True) -> None:
    """Round ticks below a panel, and the unit once."""
    size, unit = unit_of(span[1] - span[0])
    step = _step((span[1] - span[0]) / size / 8)
    first = np.ceil(span[0] / size / step - 1e-9) + 0.0  # no -0
    canvas.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    ticks = np.arange(first, np.floor(span[1] / size / step + 1e-9) + 1) * step
    for tick in ticks.tolist():
        x = frame.left + (tick * size - span[0]) / (span[1] - span[0]) * frame.width
        canvas.line(x, frame.bottom, x, frame.bottom + 4, "axis")
        if labelled:
            canvas.text(x, frame.bottom + 17, f"{tick:.10g}", "small", "middle")
    if labelled:
        right = ticks[-1] * size if len(ticks) else span[0]
        x = frame.left + (right - span[0]) / (span[1] - span[0]) * frame.width + 22  # right of its number
        canvas.text(max(frame.right + 8, x), frame.bottom + 17, unit, "small faint")
        canvas.grow(frame.bottom + 22)
    canvas.grow(frame.bottom + 5)


def _step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20 ..."""
    power = 10.0 ** np.floor(np.log10(max(least, 1e-12)))
    return float(next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least * 0.999))


def name_lanes(canvas: Canvas, lanes: Sequence[Lane], top: float, pitch: float) -> None:
    """Names at the left, in their hues."""
    for place, lane in enumerate(lanes):
        y = top + (place + 0.5) * pitch + 4
        canvas.text(LEFT - 10, y, cut(lane.label, 23), "", "end", colour(lane.hue))


# ----------------------------------------------------------------------------------------------------- strips


def strips(
    canvas: Canvas,
    top: float,
    title: str,
    lanes: Sequence[Lane],
    side: Result,
    lane_of: np.ndarray,
    span: Span,
    cpus: Sequence[int],
    labelled: bool = True,
    part: float = 1.0,
) -> float:
    """A strip a lane, strong where it ran and pale where it waited; returns where the panel ends.

    Shares are of all CPUs; `part` is the fraction of them that is drawn.
    """
    frame = Frame(LEFT, top + 20, WIDTH - LEFT - RIGHT, max(1, len(lanes)) * LANE)
    canvas.text(LEFT, top + 13, title, "head")
    canvas.text(WIDTH, top + 13, "of CPU", "small faint", "end")
    name_lanes(canvas, lanes, frame.top, LANE)
    if not lanes:
        canvas.text(frame.left + frame.width / 2, frame.top + 13, "nothing ran", "faint", "middle")
    edges = np.linspace(*span, NR_CELLS + 1).round().astype(np.int64)
    of_lanes = zip(
        lanes,
        ran_in(side, lane_of, len(lanes), edges, cpus) / len(cpus),
        waited_in(side, lane_of, len(lanes), edges, cpus) / len(cpus),
    )
    for place, (lane, ran, waited) in enumerate(of_lanes):
        middle = frame.top + (place + 0.5) * LANE
        for tone, data in _cells(levels(ran, waited), frame, middle):
            style = {"stroke": colour(lane.hue), "stroke_opacity": f"{tone / NR_TONES:.3g}"}
            canvas.path(data, stroke_width=str(LANE - 4), shape_rendering="crispEdges", **style)
        share = part * float((ran * np.diff(edges)).sum()) / (span[1] - span[0])
        canvas.text(WIDTH, middle + 4, percent(share), "small", "end", colour(lane.hue))
    time_axis(canvas, frame, span, labelled)
    return frame.bottom + (24 if labelled else 8)


def cpu_strips(
    canvas: Canvas, top: float, title: str, rows: CpuRows, base: int, span: Span, pitch: float, labelled: bool
) -> float:
    """A lane a CPU: what ran, and below it a thin line of how many waited; returns where the panel ends."""
    nr = len(rows.labels)
    frame = Frame(LEFT, top + 20, WIDTH - LEFT - RIGHT, nr * pitch)
    canvas.text(LEFT, top + 13, title, "head")
    canvas.text(WIDTH, top + 13, "of CPU", "small faint", "end")
    look = "small" if pitch >= 12 else "tiny"
    for place in range(0, nr, rows_between_labels(nr, int(frame.height / LEAST_LINE))):
        y = frame.top + (place + 0.5) * pitch + 4
        canvas.text(LEFT - 10, y, f"CPU {rows.labels[place]}", look, "end")
        canvas.text(WIDTH, y, percent(rows.share[place]), look, "end")
    _row_cells(canvas, frame, row_codes(rows, SPECK), (1, 6), _style_of_run)
    _row_cells(canvas, frame, rows.steps(base), (7, 2), _style_of_queue)
    time_axis(canvas, frame, span, labelled)
    return frame.bottom + (24 if labelled else 8)


def cpu_map(
    canvas: Canvas,
    top: float,
    title: str,
    rows: CpuRows,
    span: Span,
    height: float,
    base: int | None = None,
    labelled: bool = False,
) -> float:
    """A map of CPUs by time: what ran or, given a `base` of steps, how many waited; returns where it ends."""
    nr = len(rows.labels)
    frame = Frame(LEFT, top + 20, WIDTH - LEFT - RIGHT, height)
    canvas.text(LEFT, top + 13, title, "head")
    for place in range(0, nr, rows_between_labels(nr, min(8, int(height / LEAST_LINE)))):
        y = frame.top + (place + 0.5) * height / nr + 4
        text = f"CPU {rows.labels[place]}" if place == 0 else rows.labels[place]
        canvas.text(LEFT - 10, y, text, "small", "end")
    if base is None:
        _row_cells(canvas, frame, row_codes(rows, SPECK_OF_MAP), (0, 10), _style_of_run)
    else:
        _row_cells(canvas, frame, rows.steps(base), (0, 10), _style_of_queue)
    time_axis(canvas, frame, span, labelled)
    return frame.bottom + (24 if labelled else 8)


def empty_map(canvas: Canvas, top: float, title: str, span: Span, text: str, labelled: bool) -> float:
    """A line of text in place of an empty map; returns where it ends."""
    frame = Frame(LEFT, top + 20, WIDTH - LEFT - RIGHT, LANE)
    canvas.text(LEFT, top + 13, title, "head")
    canvas.text(frame.left + frame.width / 2, frame.top + 13, text, "faint", "middle")
    time_axis(canvas, frame, span, labelled)
    return frame.bottom + (24 if labelled else 8)


def row_codes(rows: CpuRows, speck: float) -> np.ndarray:
    """Tone and hue of each cell as one number, 0 where nothing ran."""
    tone = np.ceil(rows.tones(speck) * NR_TONES_OF_ROWS - 1e-9).astype(np.int64)
    return np.where(tone > 0, rows.hue * NR_TONES_OF_ROWS + tone, 0)


def _style_of_run(code: int) -> dict[str, str]:
    hue, tone = divmod(code - 1, NR_TONES_OF_ROWS)
    return {"stroke": colour(HUES_OF_ROWS[hue]), "stroke_opacity": f"{(tone + 1) / NR_TONES_OF_ROWS:.3g}"}


def _style_of_queue(step: int) -> dict[str, str]:
    return {"stroke": "var(--queue)", "stroke_opacity": f"{TONES_OF_QUEUE[step]:.3g}"}


def _row_cells(
    canvas: Canvas,
    frame: Frame,
    code: np.ndarray,
    tenths: tuple[int, int],
    style_of: Callable[[int], dict[str, str]],
) -> None:
    """A path for each code: equal neighbours are one level line, and each begins relative to the one before.

    `tenths` says from where in its row a line goes, and how thick it is.
    """
    nr_rows, nr_cells = code.shape
    where = f"translate({number(frame.left)} {number(frame.top)})"
    where += f" scale({frame.width / nr_cells:.5g} {frame.height / nr_rows / 10:.5g})"
    canvas.add(f'<g transform="{where}" shape-rendering="crispEdges">')
    flat = np.concatenate([code, np.full((nr_rows, 1), -1)], 1).ravel()  # no line goes on in the next row
    first = np.flatnonzero(np.diff(flat, prepend=-2))
    row, cell = np.divmod(first, nr_cells + 1)
    length = np.diff(first, append=len(flat))
    for value in np.unique(code[code > 0]).tolist():
        mine = flat[first] == value
        begin, width, level = cell[mine], length[mine], 10 * row[mine] + tenths[0] + tenths[1] / 2
        right = np.diff(begin, prepend=0) - np.concatenate([[0], width[:-1]])
        lines = zip(right.tolist(), np.diff(level, prepend=0.0).tolist(), width.tolist())
        data = "".join(f"m{x} {number(y)}h{length}" for x, y, length in lines)
        canvas.path(data, stroke_width=str(tenths[1]), **style_of(value))
    canvas.add("</g>")


def levels(ran: np.ndarray, waited: np.ndarray) -> np.ndarray:
    """The tone of each cell, 0 ... `NR_TONES`: strong where it ran, pale where it waited; any run is seen."""
    ran = np.clip(ran, 0, 1)
    tone = ran + LIGHT * np.clip(waited, 0, 1 - ran)
    tone = np.where(ran > 0, np.maximum(tone, SPECK), tone)
    return np.where(tone > 0, np.maximum(1, np.rint(tone * NR_TONES)), 0).astype(np.int64)


def _cells(level: np.ndarray, frame: Frame, y: float) -> Iterable[tuple[int, str]]:
    """For each tone a path of level lines; equal neighbours are one."""
    edges = np.flatnonzero(np.diff(level)) + 1
    first, last = np.concatenate([[0], edges]), np.concatenate([edges, [len(level)]])
    size = frame.width / len(level)
    for tone in range(1, NR_TONES + 1):
        mine = level[first] == tone
        pieces = zip(first[mine].tolist(), last[mine].tolist())
        data = "".join(
            f"M{number(frame.left + a * size)} {number(y)}h{number((b - a) * size)}" for a, b in pieces
        )
        if data:
            yield tone, data


# ------------------------------------------------------------------------------------------- curves over time


def share_rows(
    canvas: Canvas,
    top: float,
    lanes: Sequence[Lane],
    sides: Sequence[Result],
    lane_of: Sequence[np.ndarray],
    span: Span,
) -> float:
    """A row a lane: its share of the CPUs over time, the first side filled, the second dashed."""
    pitch = 34
    frame = Frame(LEFT, top, WIDTH - LEFT - RIGHT, max(1, len(lanes)) * pitch)
    edges = np.linspace(*span, NR_WINDOWS + 1).round().astype(np.int64)
    shares = [shares_in(side, of, len(lanes), edges) for side, of in zip(sides, lane_of)]
    scales = scales_of_shares(lanes, shares)
    name_lanes(canvas, lanes, top, pitch)
    for place, (lane, most) in enumerate(zip(lanes, scales)):
        base, height = top + (place + 1) * pitch - 2, pitch - 8
        canvas.line(frame.left, base, frame.right, base)
        curves_of_sides = [_over_time(of_side[place] / most, frame, base, height) for of_side in shares]
        _draw_shares(canvas, curves_of_sides, frame, base, colour(lane.hue))
        if place == 0 or most != scales[place - 1]:
            canvas.text(WIDTH, base - height + 8, f"{100 * most:.3g} %", "small faint", "end")
            canvas.text(WIDTH, base, "0 %", "small faint", "end")
    time_axis(canvas, frame, span)
    return frame.bottom + 24


def _draw_shares(canvas: Canvas, points_of: Sequence[str], frame: Frame, base: float, hue: str) -> None:
    """The curves of a lane: the first side filled, the second dashed."""
    left, right = f"M{number(frame.left)} {number(base)}", f"V{number(base)}Z"
    for place, points in enumerate(points_of):
        if place == 0:
            canvas.path(left + points.replace("M", "L", 1) + right, fill=hue, fill_opacity="0.28")
        style = {"stroke_dasharray": DASH, "stroke_opacity": "0.9"} if place else {}
        canvas.path(points, fill="none", stroke=hue, stroke_width="1.2", **style)


def _over_time(values: np.ndarray, frame: Frame, base: float, height: float) -> str:
    """A step function of equal windows as a path."""
    size = frame.width / max(1, len(values))
    steps = (
        f"{'M' if i == 0 else 'L'}{number(frame.left + i * size)} {number(base - v * height)}"
        f"H{number(frame.left + (i + 1) * size)}"
        for i, v in enumerate(values.tolist())
    )
    return "".join(steps)


def band(
    canvas: Canvas,
    top: float,
    at_ns: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    span: Span,
    unit: str = "",
    limits: tuple[float, float] | None = None,
    ticks: Sequence[tuple[float, str]] = (),
) -> float:
    """A band between two curves over time, in ns or, with a unit, as they are; gaps where they are nan.

    `ticks`, places and labels, replace the round numbers: for values that are logarithms.
    """
    frame = Frame(LEFT, top + 6, WIDTH - LEFT - RIGHT, 110)
    least, most = limits or (min(0.0, _nan_least(low)), max(0.0, -_nan_least(-high)))
    most = most if most > least else least + 1
    size, name = (1, unit) if unit else unit_of(int(most - least))
    y_of = frame.height / (most - least)
    numbers = _round_values(least / size, most / size)
    for value, text in ticks or [(value * size, f"{value:.6g} {name}".rstrip()) for value in numbers]:
        y = frame.bottom - (value - least) * y_of
        canvas.line(frame.left, y, frame.right, y)
        canvas.text(LEFT - 10, y + 4, text, "small", "end")
    x = frame.left + (at_ns - span[0]) / (span[1] - span[0]) * frame.width
    for piece in _pieces(np.isfinite(low) & np.isfinite(high)):
        up = [
            f"{number(a)} {number(frame.bottom - (b - least) * y_of)}" for a, b in zip(x[piece], high[piece])
        ]
        down = [
            f"{number(a)} {number(frame.bottom - (b - least) * y_of)}" for a, b in zip(x[piece], low[piece])
        ]
        canvas.path("M" + "L".join(up + down[::-1]) + "Z", fill="var(--grey)", fill_opacity="0.3")
        for edge in (up, down):
            canvas.path("M" + "L".join(edge), fill="none", stroke="var(--grey)", stroke_width="1")
    time_axis(canvas, frame, span)
    return frame.bottom + 24


def _nan_least(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.min()) if len(values) else 0.0


def _round_values(least: float, most: float) -> list[float]:
    step = _step((most - least) / 3.5)
    values = np.arange(np.ceil(least / step - 1e-9), np.floor(most / step + 1e-9) + 1) * step
    return [float(value) + 0.0 for value in values]  # no -0


def _pieces(good: np.ndarray) -> list[slice]:
    """Runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]


# ------------------------------------------------------------------------------------------------------ waits


@dataclass(frozen=True, eq=False)
class Curve:
    """Waits as a curve: the part of them that is longer than a given time."""

    waits: Callable[[], np.ndarray]
    """Makes them when it is drawn: of one curve at a time."""
    stroke: str
    style: str = "solid"
    """``"solid"``, ``"dashed"`` or ``"behind"``."""


def curves(
    canvas: Canvas,
    top: float,
    panels: Sequence[tuple[str, str, Sequence[Curve]]],
    limits: tuple[float, float],
    height: float = 130,
    labelled: bool = True,
) -> float:
    """Small panels beside each other: name, hue and curves; both axes logarithmic."""
    gap, left = 22, 74
    width = (WIDTH - left - 14 - gap * (len(panels) - 1)) / max(1, len(panels))
    decades = np.log10(limits[1] / limits[0])
    ticks = [
        10.0**power for power in range(3, 20, 1 if decades < 4 else 3) if 10.0**power <= limits[1] * 1.001
    ]
    for place, (name, hue, lines) in enumerate(panels):
        frame = Frame(left + place * (width + gap), top + 18, width, height)
        canvas.text(frame.left, top + 11, name, "head", "", hue)
        for power, text in enumerate(("all", "1 in 10", "1 in 100", "1 in 1000")):
            y = frame.top + power / 3 * height
            canvas.line(frame.left, y, frame.right, y)
            if place == 0:
                canvas.text(frame.left - 8, y + 4, text, "small", "end")
        for tick in ticks:
            x = frame.left + np.log10(tick / limits[0]) / decades * width
            canvas.line(x, frame.top, x, frame.bottom)
            if labelled:  # those at the edges must not meet those of the neighbour
                inside = "end" if tick > 0.9 * limits[1] else "start" if tick < 1.1 * limits[0] else "middle"
                canvas.text(x, frame.bottom + 16, short_time(tick), "small", inside)
        for line in sorted(lines, key=lambda line: ("behind", "dashed", "solid").index(line.style)):
            _draw_curve(canvas, frame, line, limits)
    bottom = top + 18 + height + (22 if labelled else 6)
    canvas.grow(bottom)
    return bottom


def _draw_curve(canvas: Canvas, frame: Frame, line: Curve, limits: tuple[float, float]) -> None:
    waits, fraction = survival(line.waits(), limits[0])
    if not len(waits):
        return
    x = frame.left + np.log10(waits / limits[0]) / np.log10(limits[1] / limits[0]) * frame.width
    y = frame.top - np.log10(np.maximum(fraction, SMALLEST_FRACTION / 1.2)) / 3 * frame.height
    x, y = np.minimum(x, frame.right).round(1), np.minimum(y, frame.bottom).round(1)
    kept = np.concatenate([[True], (np.diff(np.round(x * 2)) != 0) | (np.diff(np.round(y * 2)) != 0)])
    data = "".join(
        f"{'L' if i else 'M'}{number(a)} {number(b)}" if i == 0 else f"H{number(a)}V{number(b)}"
        for i, (a, b) in enumerate(zip(x[kept].tolist(), y[kept].tolist()))
    )
    style = {"stroke": line.stroke, "stroke_width": "1.6"}
    if line.style == "dashed":
        style |= {"stroke_dasharray": DASH, "stroke_width": "1.3"}
    if line.style == "behind":
        style |= {"stroke": "var(--rule2)", "stroke_width": "1"}
    canvas.path(data, fill="none", **style)
