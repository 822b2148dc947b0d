"""Figures as SVG text, with nothing but numpy: for pages that work offline, and for notebooks.

What it decides: figures use the same language as those on paper (`drawing`). Time goes from left to right. A
lane is a task or command name, strong where it ran and pale where it waited. The three that waited longest
have a hue, and names are beside their lanes. Colours are CSS variables, so a page decides about light, dark
and print. Text is text, so readers can search it and it scales with the page.

V1  The size of a figure depends on its lanes and panels, never on the number of runs: time is cut into
    `NR_CELLS` cells, and curves are thinned to what a screen can show.
V2  All foreign text is escaped, and shown without control characters.
V3  Same input, same text.

Rejected: matplotlib's SVG (a megabyte of glyphs, one fixed background); a script that draws (a report is read
in ten years, printed, and mailed through filters).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..result import Result
from ..units import clean, percent, short_time, unit_of
from .lanes import GREY, HUES, LIGHT, SMALLEST_FRACTION, SPECK, Lane, cut, ran_in, survival, waited_in

__all__ = ["Canvas", "Frame", "band", "curves", "levels", "share_rows", "strips", "words"]

WIDTH = 960
NR_CELLS = 720
NR_WINDOWS = 240
NR_TONES = 8
LEFT, RIGHT = 182, 62
LANE = 18
DASH = "5 3"

Span = tuple[int, int]
Points = tuple[np.ndarray, np.ndarray]


def words(text: str) -> str:
    """Foreign text, safe in HTML and on one line (V2)."""
    return escape(clean(text))


def colour(hue: str) -> str:
    """The CSS variable of a lane's hue."""
    return f"var(--h{HUES.index(hue) + 1})" if hue in HUES else "var(--grey)" if hue == GREY else hue


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
        """Be at least so high."""
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
        canvas.text(frame.right + 8, frame.bottom + 17, unit, "small faint")
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
) -> float:
    """A strip a lane, strong where it ran and pale where it waited; returns where the panel ends."""
    frame = Frame(LEFT, top + 20, WIDTH - LEFT - RIGHT, max(1, len(lanes)) * LANE)
    canvas.text(LEFT, top + 13, title, "head")
    canvas.text(WIDTH, top + 13, "of CPU", "small faint", "end")
    name_lanes(canvas, lanes, frame.top, LANE)
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
        share = float((ran * np.diff(edges)).sum()) / (span[1] - span[0])
        canvas.text(WIDTH, middle + 4, percent(share), "small", "end", colour(lane.hue))
    time_axis(canvas, frame, span, labelled)
    return frame.bottom + (24 if labelled else 8)


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
    of_sides = [_shares(side, of, len(lanes), edges) for side, of in zip(sides, lane_of)]
    shares = list(zip(*of_sides))
    most = max((float(share.max()) for row in shares for share in row), default=1.0)
    most = max(0.05, min(1.0, np.ceil(most * 10) / 10))
    name_lanes(canvas, lanes, top, pitch)
    for place, (lane, row) in enumerate(zip(lanes, shares)):
        base = top + (place + 1) * pitch - 2
        height = pitch - 8
        canvas.line(frame.left, base, frame.right, base)
        for number_, share in enumerate(row):
            points = _over_time(share / most, frame, base, height)
            if number_ == 0:
                area = (
                    f"M{number(frame.left)} {number(base)}"
                    + points.replace("M", "L", 1)
                    + f"V{number(base)}Z"
                )
                canvas.path(area, fill=colour(lane.hue), fill_opacity="0.28")
            style = {"stroke_dasharray": DASH, "stroke_opacity": "0.9"} if number_ else {}
            canvas.path(points, fill="none", stroke=colour(lane.hue), stroke_width="1.2", **style)
        if place == 0:
            canvas.text(WIDTH, base - height + 8, f"{100 * most:.3g} %", "small faint", "end")
            canvas.text(WIDTH, base, "0 %", "small faint", "end")
    time_axis(canvas, frame, span)
    return frame.bottom + 24


def _shares(side: Result, lane_of: np.ndarray, nr_lanes: int, edges: np.ndarray) -> np.ndarray:
    return ran_in(side, lane_of, nr_lanes, edges) / max(1, len(side.cpus))


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
            if labelled:
                canvas.text(x, frame.bottom + 16, short_time(tick), "small", "middle")
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
