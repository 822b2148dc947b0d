"""The look that all figures share: palette, type, axes placed in inches, strips of pixels, files.

What it decides: that the figures of this package look alike and print at the width of a page (7 in). Each
lane is a strip of pixels, with time from left to right. The tone of a pixel says for what part of its span
the lane ran (dark) and waited (light). Zoomed in, you see solid bars. Zoomed out, the tone is the share of
the CPU; merged bars would show a lane of 10 % as solid as one of 90 %. A strip costs the same for ten runs
and for ten million, and rows of CPUs are one image. Waits are drawn as the part of them that is longer than a
given time, on two logarithmic axes: the tail, which people feel, takes as much room as the middle.

D1  Same input, same bytes: own defaults instead of the user's settings, no date, no version, no random ids.
D2  It needs no display and leaves no state: it makes figures without pyplot.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CfsError, MissingExtraError, how_to_install
from ..result import Result
from ..units import short_time, unit_of
from .files import check_folder
from .lanes import GREY, LIGHT, SMALLEST_FRACTION, SPECK, Lane, ran_in, waited_in, with_hue
from .panels import HUES_OF_ROWS, SPECK_OF_MAP, TONES_OF_QUEUE, CpuRows, rows_between_labels, texts_of_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["check_path", "drawn", "new_figure", "save", "style"]

FORMATS = (".png", ".svg", ".pdf")
NO_DATES = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

DPI = 300
WIDTH_IN = 7.0
LANE_IN = 0.145

INK = "#222222"
FAINT = "#8A8A8A"
QUEUE = "#7A2E62"
"""The hue of waiting tasks in rows of CPUs, which no task has."""
ROW_PARTS = (1, 6, 2, 1)
"""A lane of a CPU from top to bottom, in tenths: a gap, what ran, how many waited, a gap."""
DASHES = ("solid", (0, (2.5, 1.5)))
"""Lines of the model and of the recording."""

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


def check_path(path: str | os.PathLike[str]) -> None:
    """Raise unless matplotlib is installed, the file has a known ending, and can be written."""
    with style():
        pass
    ending = os.path.splitext(os.path.basename(os.fspath(path)))[1].lower()
    if ending not in FORMATS:
        instead = ending or "a file without ending"
        raise CfsError(f"{os.fspath(path)}: a plot can be written to {', '.join(FORMATS)}, not to {instead}")
    check_folder(path)


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's own defaults and ours, regardless of the user's settings (D1)."""
    try:
        import matplotlib.style
    except ImportError:
        raise MissingExtraError(f"the plot needs matplotlib: {how_to_install('plot')}") from None
    with warnings.catch_warnings(), matplotlib.style.context(["default", STYLE]):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name of a task is foreign text
        yield


def new_figure() -> Figure:
    """An empty figure that can be drawn without a display (D2); call it within `style`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a file without date and version (D1); call it within `style`."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    figure.savefig(path, dpi=DPI, metadata=NO_DATES[ending])


def drawn(path: str | os.PathLike[str] | None, paint: Callable[[Figure], None]) -> Figure:
    """What `paint` makes of an empty figure, in the look of all; written to a file, if one is wanted."""
    if path is not None:
        check_path(path)
    with style():
        figure = new_figure()
        paint(figure)
        if path is not None:
            save(figure, path)
    return figure


# ------------------------------------------------------------------------------------------- places and words


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in inches from the upper left corner."""
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes(
        (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    )


def put(figure: Figure, x: float, y: float, text: str, **look: Any) -> None:
    """Text whose baseline begins at a place in inches from the upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(x / width, 1 - y / height, text, **({"va": "baseline"} | look))


def put_line(figure: Figure, x: float, y: float, length: float, **look: Any) -> None:
    """A level line that begins at a place in inches from the upper left corner: a key's sample."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    ends, level = (x / width, (x + length) / width), 1 - y / height
    figure.add_artist(Line2D(ends, (level, level), transform=figure.transFigure, **look))


def say_in(axes: Axes, text: str) -> None:
    """What an empty panel says."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT)


def put_swatch(figure: Figure, x: float, y: float, colour: Any) -> None:
    """A small rectangle beside a text whose baseline is at `y`."""
    from matplotlib.patches import Rectangle

    width, height = figure.get_size_inches()
    corner, size = (x / width, 1 - (y + 0.005) / height), (0.11 / width, 0.08 / height)
    figure.add_artist(Rectangle(corner, *size, color=colour, lw=0, transform=figure.transFigure))


def put_key(figure: Figure, right: float) -> None:
    """Two swatches in the title's second line: what dark and light mean."""
    for left, text, tone in ((right - 1.18, "running", 1.0), (right - 0.56, "waiting", LIGHT)):
        put_swatch(figure, left, 0.42, mixed(GREY, tone))
        put(figure, left + 0.15, 0.42, text, color=INK)


def put_cpu_key(figure: Figure, left: float, y: float, lanes: list[Lane], base: int) -> None:
    """The key of rows of CPUs, in two lines: which task has which colour, and how many waited."""
    put(figure, left, y, "running", color=FAINT)
    x = left + 0.52
    named = [lanes[number] for number in with_hue(lanes)]
    for lane in named:
        put_swatch(figure, x, y, lane.hue)
        put(figure, x + 0.15, y, lane.label, color=lane.hue)
        x += 0.32 + 0.062 * len(lane.label)
    if not lanes:
        put(figure, x, y, "nothing")
    elif len(named) < len(lanes):
        for place, grey in enumerate(HUES_OF_ROWS[-2:]):
            put_swatch(figure, x + 0.11 * place, y, grey)
        put(figure, x + 0.26, y, "all others, by turns" if named else "tasks, by turns")
    put(figure, left, y + 0.15, "waiting", color=FAINT)
    x = left + 0.52
    for text, tone in zip(texts_of_steps(base), TONES_OF_QUEUE[1:]):
        put_swatch(figure, x, y + 0.15, mixed(QUEUE, tone))
        put(figure, x + 0.15, y + 0.15, text)
        x += 0.30 + 0.058 * len(text)


# ----------------------------------------------------------------------------------------------------- strips


def mixed(colour: str, tone: float) -> tuple[float, ...]:
    """A colour that keeps a part of its hue, the rest white."""
    from matplotlib.colors import to_rgb

    return tuple(1 - tone * (1 - part) for part in to_rgb(colour))


def nr_pixels(width_in: float) -> int:
    """Cells of a strip: one a pixel."""
    return round(width_in * DPI)


def pixels(hue: str, ran: np.ndarray, waited: np.ndarray) -> np.ndarray:
    """One row of pixels: dark where the lane ran, light where it waited."""
    ran = np.clip(ran, 0, 1)
    tone = ran + LIGHT * np.clip(waited, 0, 1 - ran)
    tone = np.where(ran > 0, np.maximum(tone, SPECK), tone)
    away = 1 - np.array(mixed(hue, 1.0))
    return (1 - tone[None, :, None] * away).astype(np.float32)


def draw_strips(
    axes: Axes,
    lanes: list[Lane],
    side: Result,
    lane_of: np.ndarray,
    span: tuple[int, int],
    width_in: float,
    cpus: list[int],
) -> np.ndarray:
    """A strip for each lane: its runs and waits on some CPUs together. Returns the share of each lane."""
    edges = np.linspace(span[0], span[1], nr_pixels(width_in) + 1).round().astype(np.int64)
    axes.set_xlim(span)
    axes.set_ylim(max(1, len(lanes)) - 0.5, -0.5)
    ran_of = ran_in(side, lane_of, len(lanes), edges, cpus) / len(cpus)
    waited_of = waited_in(side, lane_of, len(lanes), edges, cpus) / len(cpus)
    shares = np.zeros(len(lanes))
    for number, (lane, ran, waited) in enumerate(zip(lanes, ran_of, waited_of)):
        extent = (span[0], span[1], number + 0.40, number - 0.40)
        axes.imshow(pixels(lane.hue, ran, waited), extent=extent, aspect="auto", interpolation="none")
        shares[number] = float((ran * np.diff(edges)).sum()) / (span[1] - span[0])
    axes.set_yticks(range(len(lanes)), [""] * len(lanes))
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return shares


def draw_cpu_lanes(axes: Axes, rows: CpuRows, base: int, span: tuple[int, int], pitch_in: float) -> None:
    """A lane a CPU: what ran, and below it how many waited. One image, however many lanes there are."""
    nr = len(rows.labels)
    ran, waiting = ran_image(rows, SPECK), queue_image(rows, base)
    image = np.repeat(np.ones_like(ran)[:, None], sum(ROW_PARTS), axis=1)
    gap, height, queue, _ = ROW_PARTS
    image[:, gap : gap + height] = ran[:, None]
    image[:, gap + height : gap + height + queue] = waiting[:, None]
    _show(axes, image.reshape(nr * sum(ROW_PARTS), *ran.shape[1:]), nr, span)
    axes.set_yticks(range(nr), [f"CPU {label}" for label in rows.labels], fontsize=row_font(pitch_in))


def row_font(pitch_in: float) -> float:
    """The size of type that fits a row."""
    return min(7.0, 0.82 * 72 * pitch_in)


def draw_map(axes: Axes, image: np.ndarray, rows: CpuRows, span: tuple[int, int]) -> None:
    """A map of CPUs by time, with numbers at some of its rows."""
    nr = len(rows.labels)
    _show(axes, image, nr, span)
    some = range(0, nr, rows_between_labels(nr))
    axes.set_yticks(some, [f"CPU {rows.labels[row]}" if row == 0 else rows.labels[row] for row in some])


def _show(axes: Axes, image: np.ndarray, nr: int, span: tuple[int, int]) -> None:
    axes.imshow(image, extent=(span[0], span[1], nr - 0.5, -0.5), aspect="auto", interpolation="none")
    axes.set_xlim(span)
    axes.set_ylim(nr - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def ran_image(rows: CpuRows, speck: float = SPECK_OF_MAP) -> np.ndarray:
    """What ran on each CPU, as colours."""
    away = 1 - np.array([mixed(hue, 1.0) for hue in HUES_OF_ROWS])
    return (1 - rows.tones(speck)[:, :, None] * away[rows.hue]).astype(np.float32)


def queue_image(rows: CpuRows, base: int) -> np.ndarray:
    """How many tasks waited on each CPU, as colours."""
    tones = np.array([mixed(QUEUE, tone) for tone in TONES_OF_QUEUE])
    return tones[rows.steps(base)].astype(np.float32)


def name_strips(axes: Axes, lanes: list[Lane]) -> None:
    """Names of the lanes at the left, in their hues."""
    axes.set_yticks(range(len(lanes)), [lane.label for lane in lanes])
    for label, lane in zip(axes.get_yticklabels(), lanes):
        label.set_color(lane.hue)


def draw_time_axis(axes: Axes, span: tuple[int, int], last: bool, nr_ticks: int = 8) -> None:
    """A few round ticks; numbers and unit only on the last of several panels."""
    from matplotlib.ticker import MaxNLocator

    size, unit = unit_of(span[1] - span[0])
    nice = MaxNLocator(nr_ticks, steps=[1, 2, 5, 10]).tick_values(span[0] / size, span[1] / size)
    ticks = [float(tick) for tick in nice if span[0] <= tick * size <= span[1]]
    axes.set_xticks([tick * size for tick in ticks], [f"{tick:.10g}" for tick in ticks])
    axes.tick_params(axis="x", labelbottom=last)
    axes.set_axisbelow(False)
    if last:
        axes.set_xlabel(f"time, {unit}", labelpad=1)


# ------------------------------------------------------------------------------------------------------ waits


def dress_waits(axes: Axes, name: str, hue: str, limits: tuple[float, float], first: bool) -> None:
    """Axes for curves of `survival`; the first of several beside each other has the numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    axes.set(xscale="log", yscale="log", xlim=limits, ylim=(SMALLEST_FRACTION, 1.15))
    ticks = [10.0**decade for decade in range(3, round(np.log10(limits[1])) + 1, 3)]
    axes.set_xticks(ticks, [short_time(tick) for tick in ticks])
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
