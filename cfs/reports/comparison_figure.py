"""Several schedulers side by side: one column each, with the tasks that ran, the waits, and the fairness.

What it decides: what must be the same in all columns, so that the eye can compare: lanes, their order and
their hues; the axis of time; the axes of the waits; the axis of lag. Then every difference between two
columns is a difference between two schedulers.

    strips     a lane a class of task, dark where it ran, light where it waited, and its share of the CPU;
               with more than eight busy CPUs a lane a CPU, with more than 32 two maps (`panels`)
    waits      one row for all tasks and one for each lane with a hue: what part of the waits is longer than a
               given time; the recording is dashed, the other columns are behind it in light grey
    lag        how unevenly tasks that want the CPU all the time are served in a short window: the largest lag
               minus the smallest (`fairness`), logarithmic

Names are at the left, once. Numbers are at the axes of the first column and below the last row. The figure is
as wide as a page for 2 columns and for 6; with more, a column would be narrower than its heading. It is about
as high as a page: the strips have a room.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CfsError
from ..units import clean, count_text, seconds_text, short_time, time_text
from .compared import Column, quantile
from .drawing import (
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
from .lanes import (
    GREY,
    LAG_LEAST_NS,
    cut,
    limits_of,
    survival,
    waits_in,
    with_hue,
)
from .panels import CpuRows, Kind, Room, base_of_steps, timeline_of
from .settings import settings_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .comparison import Comparison
    from .fairness import Lags

__all__ = ["plot_comparison"]

COLUMNS_MAX = 6
LEFT_IN, RIGHT_IN = 1.20, 0.06
GUTTER_IN = 0.14
NUMBER_IN = 0.40
"""Right of each strip, for its share and the gutter."""
TITLE_IN = 0.62
KEY_IN = 0.34
"""Below the title, where a row is a CPU."""
ROOM = Room(height=3.1, lane=LANE_IN, heading=0.0)
"""Of the strips of a column."""
MAP_IN, MAP_GAP_IN, QUEUE_IN = 1.70, 0.26, 1.00
MAP_ROWS = 128
LINE_IN = 0.115
STRIPS_GAP_IN = 0.78
WAITS_IN, WAITS_GAP_IN = 0.64, 0.20
LAG_GAP_IN, LAG_IN = 0.64, 0.80
BOTTOM_IN = 0.36
LABEL_LENGTH = 18
BACKGROUND = "#C8C8C8"
BAND = "#A0A0A0"
DASHED = (0, (2.5, 1.5))
NAME: dict[str, Any] = {"fontsize": 6.8, "fontweight": "bold"}
SMALL: dict[str, Any] = {"fontsize": 6.0}


def plot_comparison(comparison: Comparison, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw a comparison: a column a scheduler, the same axes in all of them.

    Parameters
    ----------
    comparison : Comparison
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
        There are more than six columns, or the file has another ending.

    Notes
    -----
    Cost O(runs log runs), and one to three seconds for the figure itself.
    """
    check_columns(len(comparison.columns))
    return drawn(path, lambda figure: _Drawing(figure, comparison).draw())


def check_columns(nr: int) -> None:
    """Raise unless a figure has room for so many columns."""
    if nr > COLUMNS_MAX:
        raise CfsError(
            f"a figure has room for {COLUMNS_MAX} columns, not for {nr}: compare fewer models in it"
        )


class _Drawing:
    """A figure in the making: the facts that all its rows need."""

    def __init__(self, figure: Figure, comparison: Comparison):
        self.figure, self.comparison = figure, comparison
        self.columns, self.span = comparison.columns, comparison.span
        wholes = [column.whole for column in self.columns]
        self.timeline = timeline_of(wholes, comparison.by, comparison.top, self.span, ROOM, together=True)
        self.lanes, self.lane_of = self.timeline.lanes, self.timeline.lane_of
        self.pitch = (WIDTH_IN - LEFT_IN - RIGHT_IN) / len(self.columns)
        self.width = self.pitch - GUTTER_IN
        self.rows = self._rows()
        self.shown = self._quantiles_that_fit()
        self.headings = [self._heading(column) for column in self.columns]
        self.title_in = TITLE_IN + (KEY_IN if self.rows else 0)

    def _rows(self) -> list[CpuRows]:
        """The rows of CPUs of each column; none if a lane is a task."""
        if self.timeline.kind is Kind.TASKS:
            return []
        nr_cells = nr_pixels(self.pitch - NUMBER_IN)
        return [self.timeline.rows(place, nr_cells, MAP_ROWS) for place in range(len(self.columns))]

    def draw(self) -> None:
        nr_waits = 1 + len(with_hue(self.lanes))
        top = self.title_in + max(map(len, self.headings)) * LINE_IN + 0.02
        waits_top = top + self._strips_in() + STRIPS_GAP_IN
        lag_top = waits_top + nr_waits * (WAITS_IN + WAITS_GAP_IN) - WAITS_GAP_IN + LAG_GAP_IN
        self.figure.set_size_inches(WIDTH_IN, lag_top + LAG_IN + BOTTOM_IN)
        self._draw_title()
        self._draw_strips(top)
        self._draw_waits(waits_top)
        self._draw_lag(lag_top)

    def _strips_in(self) -> float:
        """The height of a column's strips."""
        if self.timeline.kind is Kind.MAP:
            return MAP_IN + MAP_GAP_IN + QUEUE_IN
        if self.rows:
            return len(self.rows[0].labels) * ROOM.pitch(len(self.rows[0].labels), 1)
        return max(1, len(self.lanes)) * LANE_IN

    def _left(self, place: int) -> float:
        return LEFT_IN + place * self.pitch

    # ----------------------------------------------------------------------------------------------- headings

    def _draw_title(self) -> None:
        first, (begin, end) = self.columns[0].result, self.span
        nr = sum(not column.is_recorded for column in self.columns)
        source = f"{cut(clean(first.source), 55)} under " if first.source else ""
        title = source + count_text(nr, "scheduler")
        title += "" if nr == len(self.columns) else ", and as recorded"
        put(self.figure, 0.12, 0.25, title, fontsize=9, fontweight="bold")
        part = f"{seconds_text(begin)} … {seconds_text(end)}, " if begin else ""
        cpus = count_text(len(first.cpus), "CPU")
        facts = f"{part}{seconds_text(end - begin)}, {cpus}, {first.hz} ticks a second"
        facts += f", {self.timeline.left_out}" if self.timeline.left_out else ""
        put(self.figure, 0.12, 0.42, facts, color=FAINT)
        if self.rows:
            put_cpu_key(self.figure, 0.12, 0.63, self.lanes, base_of_steps(self.rows))
        else:
            put_key(self.figure, WIDTH_IN - RIGHT_IN)
        for place, heading in enumerate(self.headings):
            for number, (text, look) in enumerate(heading):
                put(self.figure, self._left(place), self.title_in + (number + 0.5) * LINE_IN, text, **look)

    def _heading(self, column: Column) -> list[tuple[str, dict[str, Any]]]:
        """The lines above a column and their look: the model, its settings, and the work done."""
        number = f" ({column.number})" if column.number > 1 else ""
        model = "as recorded" if column.is_recorded else clean(column.model) + number
        lines = [(text, NAME) for text in self._broken(model, "-", NAME)]
        for setting in settings_text(column.settings):
            lines += [(text, SMALL) for text in self._broken(setting, "=", SMALL)]
        faint = SMALL | {"color": FAINT}
        lines.append((count_text(int(column.result.context_switches), "switch", "es"), faint))
        return [*lines, (f"{count_text(column.nr_ended, 'program')} ended", faint)]

    def _broken(self, text: str, mark: str, look: dict[str, Any]) -> list[str]:
        """A text on one line, or on two if it is too wide: broken after its last mark, and cut."""
        if self._fits(text, look):
            return [text]
        head, _, tail = text.rpartition(mark)
        if not head:
            return [self._cut(text, look)]
        first, second = (head, f"= {tail}") if mark == "=" else (head + mark, tail)
        return [self._cut(first, look), self._cut(second, look)]

    def _cut(self, text: str, look: dict[str, Any]) -> str:
        shorter = text
        while len(shorter) > 2 and not self._fits(shorter, look):
            shorter = cut(text, len(shorter) - 1)
        return shorter

    def _fits(self, text: str, look: dict[str, Any]) -> bool:
        """Is there room for a text above a column?"""
        probe = self.figure.text(0, 0, text, **look)
        width_in = probe.get_window_extent().width / self.figure.dpi
        probe.remove()
        return bool(width_in <= self.pitch - GUTTER_IN / 2)

    # ------------------------------------------------------------------------------------------------- strips

    def _draw_strips(self, top: float) -> None:
        painters = {Kind.TASKS: self._draw_tasks, Kind.CPUS: self._draw_cpus, Kind.MAP: self._draw_maps}
        for place in range(len(self.columns)):
            painters[self.timeline.kind](place, top)

    def _draw_tasks(self, place: int, top: float) -> None:
        width, panel = self.pitch - NUMBER_IN, self.timeline.panels[place]
        axes = axes_at(self.figure, self._left(place), top, width, self._strips_in())
        whole, lane_of = self.columns[place].whole, panel.lane_of
        shares = draw_strips(axes, self.lanes, whole, lane_of, self.span, width, panel.cpus) * panel.part
        if place == 0:
            name_strips(axes, [replace(lane, label=cut(lane.label, LABEL_LENGTH)) for lane in self.lanes])
        self._draw_time(axes, place, width)
        self._write_shares(axes, shares, [lane.hue for lane in self.lanes], 6.5)

    def _draw_cpus(self, place: int, top: float) -> None:
        width, rows = self.pitch - NUMBER_IN, self.rows[place]
        axes = axes_at(self.figure, self._left(place), top, width, self._strips_in())
        pitch = ROOM.pitch(len(rows.labels), 1)
        draw_cpu_lanes(axes, rows, base_of_steps(self.rows), self.span, pitch)
        self._name_first(axes, place)
        self._draw_time(axes, place, width)
        self._write_shares(axes, rows.share, [GREY] * len(rows.labels), min(6.5, row_font(pitch)))

    def _draw_maps(self, place: int, top: float) -> None:
        rows, left = self.rows[place], self._left(place)
        axes = axes_at(self.figure, left, top, self.width, MAP_IN)
        draw_map(axes, ran_image(rows), rows, self.span)
        self._name_first(axes, place)
        draw_time_axis(axes, self.span, last=False, nr_ticks=max(2, round(2.5 * self.width)))
        top += MAP_IN + MAP_GAP_IN
        if place == 0:
            put(self.figure, left, top - 0.06, "Tasks that waited on a CPU", fontsize=7.0)
        axes = axes_at(self.figure, left, top, self.width, QUEUE_IN)
        draw_map(axes, queue_image(rows, base_of_steps(self.rows)), rows, self.span)
        say_in(axes, "" if rows.waiting.any() else "none known")
        self._name_first(axes, place)
        self._draw_time(axes, place, self.width)

    def _name_first(self, axes: Axes, place: int) -> None:
        """Names of rows are beside the first column only."""
        if place:
            axes.tick_params(axis="y", labelleft=False)

    def _write_shares(self, axes: Axes, shares: np.ndarray, hues: list[str], size: float) -> None:
        """The part of the CPU right of each lane."""
        right: dict[str, Any] = {
            "transform": axes.get_yaxis_transform(),
            "va": "center_baseline",
            "ha": "right",
            "fontsize": size,
        }
        x = 1 + (NUMBER_IN - 0.08) / (self.pitch - NUMBER_IN)
        for number, (share, hue) in enumerate(zip(shares.tolist(), hues)):
            axes.text(x, number, _percent(share, unit=number == 0), color=hue, **right)

    def _draw_time(self, axes: Axes, place: int, width_in: float) -> None:
        draw_time_axis(axes, self.span, last=True, nr_ticks=max(2, round(2.5 * width_in)))
        if place:  # once is enough
            axes.set_xlabel("")
        for tick, label in zip(axes.get_xticks(), axes.get_xticklabels()):  # those at the edges stay within
            begin, end = (abs(tick - edge) < 0.03 * (self.span[1] - self.span[0]) for edge in self.span)
            label.set_horizontalalignment("left" if begin else "right" if end else "center")

    # -------------------------------------------------------------------------------------------------- waits

    def _draw_waits(self, top: float) -> None:
        put(self.figure, 0.12, top - 0.24, "Waits longer than a given time", fontsize=7.5)
        self._draw_waits_key(top - 0.24)
        waits = [waits_in(column.whole, self.span) for column in self.columns]
        of_lane = [lane_of[task] for lane_of, (task, _) in zip(self.lane_of, waits)]
        limits = limits_of([ns for _, ns in waits])
        rows: list[tuple[str, str, int | None]] = [("all tasks", INK, None)]
        rows += [(self.lanes[n].label, self.lanes[n].hue, n) for n in with_hue(self.lanes)]
        for row, (name, hue, lane) in enumerate(rows):
            mine = [ns if lane is None else ns[of == lane] for of, (_, ns) in zip(of_lane, waits)]
            for place in range(len(self.columns)):
                y = top + row * (WAITS_IN + WAITS_GAP_IN)
                axes = axes_at(self.figure, self._left(place), y, self.width, WAITS_IN)
                dress_waits(axes, "", hue, limits, first=place == 0)
                _thin_out(axes, limits, self.width)
                axes.tick_params(axis="x", labelbottom=row == len(rows) - 1)
                self._draw_curves(axes, [survival(ns, limits[0]) for ns in mine], place, hue)
                put(
                    self.figure,
                    self._left(place) + 0.03,
                    y - 0.045,
                    self._quantiles(mine[place]),
                    color=hue,
                    **SMALL,
                )
            put(self.figure, 0.12, y - 0.045, cut(name, LABEL_LENGTH), color=hue, fontsize=7.5)

    def _draw_curves(
        self, axes: Axes, curves: list[tuple[np.ndarray, np.ndarray]], place: int, hue: str
    ) -> None:
        for other, (column, curve) in enumerate(zip(self.columns, curves)):
            look: dict[str, Any] = {"color": BACKGROUND, "lw": 0.7, "zorder": 1.8}
            if column.is_recorded:
                look = {"color": hue, "lw": 0.8, "ls": DASHED, "zorder": 2.1}
            if other == place:
                look |= {"color": hue, "lw": 1.1, "zorder": 2.2}
            axes.plot(*curve, drawstyle="steps-post", **look)

    def _quantiles(self, values: np.ndarray) -> str:
        """The numbers above a panel: the same ones everywhere, as many as there is room for."""
        return ", ".join(
            f"{name} {time_text(ns).strip()}"
            for name in self.shown
            if (ns := quantile(values, name)) is not None
        )

    def _quantiles_that_fit(self) -> list[str]:
        choices = [["p50", "p99", "max"], ["p99", "max"], ["p99"]]
        fitting = (
            names for names in choices if self._fits(", ".join(f"{name} 99.9 ms" for name in names), SMALL)
        )
        return next(fitting, choices[-1])

    def _draw_waits_key(self, y: float) -> None:
        left = LEFT_IN + 0.95
        samples: list[tuple[str, dict[str, Any]]] = [("the scheduler", {"color": INK, "lw": 1.1})]
        if any(column.is_recorded for column in self.columns):
            samples.append(("as recorded", {"color": INK, "lw": 0.8, "ls": DASHED}))
        if len(self.columns) > 1:
            samples.append(("the others", {"color": BACKGROUND, "lw": 0.9}))
        for text, look in samples:
            put_line(self.figure, left, y - 0.035, 0.22, **look)
            put(self.figure, left + 0.28, y, text)
            left += 0.55 + 0.05 * len(text)

    # ---------------------------------------------------------------------------------------------------- lag

    def _draw_lag(self, top: float) -> None:
        window = short_time(self.columns[0].lags.window_ns)
        put(self.figure, 0.12, top - 0.24, f"Unfairness within {window}", fontsize=7.5)
        meaning = "the largest lag minus the smallest, among tasks that want the CPU all the time"
        put(self.figure, LEFT_IN + 0.95, top - 0.24, meaning, color=FAINT)
        greatest = max(
            (int(c.lags.spread_ns.max()) for c in self.columns if len(c.lags.spread_ns)), default=0
        )
        limits = (LAG_LEAST_NS, 10.0 ** np.ceil(np.log10(max(greatest, 10 * LAG_LEAST_NS))))
        for place, column in enumerate(self.columns):
            axes = axes_at(self.figure, self._left(place), top, self.width, LAG_IN)
            _dress_lag(axes, self.span, limits, first=place == 0)
            _draw_spread(axes, column.lags, limits[0])
            self._draw_time(axes, place, self.width)
            put(
                self.figure,
                self._left(place) + 0.03,
                top - 0.045,
                self._quantiles(column.lags.spread_ns),
                **SMALL,
            )


def _thin_out(axes: Axes, limits: tuple[float, float], width_in: float) -> None:
    """Drop the label at the left edge if the next one would touch it."""
    apart_in = 3 * width_in / np.log10(limits[1] / limits[0])
    if apart_in < 0.42:
        axes.set_xticklabels(["", *(label.get_text() for label in axes.get_xticklabels()[1:])])


def _dress_lag(axes: Axes, span: tuple[int, int], limits: tuple[float, float], first: bool) -> None:
    """A logarithmic axis, so that one coarse column does not flatten the others."""
    from matplotlib.ticker import NullLocator

    axes.set_yscale("log")
    axes.set(xlim=span, ylim=limits)
    ticks = [10.0**n for n in range(round(np.log10(limits[0])), round(np.log10(limits[1])) + 1)]
    axes.set_yticks(ticks, [short_time(tick) if first else "" for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="both", color=FAINT)
    axes.grid(True, axis="y", lw=0.3, color="#DDDDDD")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_spread(axes: Axes, lags: Lags, least: float) -> None:
    apart = np.where(lags.nr_tasks > 1, np.maximum(lags.greatest_ns - lags.least_ns, least), np.nan)
    axes.fill_between(lags.at_ns, least, apart, color=BAND, lw=0)
    axes.plot(lags.at_ns, apart, color=GREY, lw=0.5)


def _percent(share: float, unit: bool) -> str:
    """A share of the CPU as a short number of per cent; the first of a column has the unit."""
    per_cent = 100 * share
    text = (
        "" if share == 0 else "<0.1" if per_cent < 0.05 else f"{per_cent:.1f}" if per_cent < 99.95 else "100"
    )
    return f"{text}%" if unit and text else text
