"""What the scripts of the story share: colours, names, tables as text, figures of one family.

Each script beside this one measures something, prints it as a table and draws it; docs/concepts/story.md
tells what is seen. A script has three functions, `measure`, `table` and `draw`, and hands them to `run`:

    python examples/story/sleeper.py --out sleeper.png

Figures need the extra "plot"; numbers need nothing but the package.
"""

import argparse
import pathlib
import sys
from contextlib import contextmanager

EXAMPLES = pathlib.Path(__file__).parents[1]
MS = 1_000_000
S = 1_000_000_000
HZ = 1000

# Colours of Okabe and Ito, which every eye can tell apart: one a scheduler, the same in every figure.
COLORS = {
    "O(1) 2.6.22": "#E69F00",
    "CFS 2.6.23": "#CC79A7",
    "RFS model": "#009E73",
    "CFS 2.6.24": "#0072B2",
    "CFS 2.6.24, no debit": "#56B4E9",
    "CFS 2.6.24, unscaled": "#56B4E9",
    "EEVDF 6.18": "#D55E00",
}
INK, FAINT, PALE = "#222222", "#777777", "#DDDDDD"

SCHEDULERS = {  # in the order of the story; what Workload.run takes
    "O(1) 2.6.22": {"model": "linux-2.6.22-o1"},
    "CFS 2.6.23": {"model": "linux-2.6.23-cfs"},
    "RFS model": {"model": "rfs-model"},
    "CFS 2.6.24": {"model": "linux-2.6.24-cfs"},
    "EEVDF 6.18": {"model": "linux-6.18-eevdf"},
}
WITH_VSLICE = {  # the five, and 2.6.24 without its debit, and with the debit 1024 times too small
    "O(1) 2.6.22": SCHEDULERS["O(1) 2.6.22"],
    "CFS 2.6.23": SCHEDULERS["CFS 2.6.23"],
    "RFS model": SCHEDULERS["RFS model"],
    "CFS 2.6.24": SCHEDULERS["CFS 2.6.24"],
    "CFS 2.6.24, no debit": {"model": "linux-2.6.24-cfs", "START_DEBIT": False},
    "CFS 2.6.24, unscaled": {"model": "linux-2.6.24-cfs", "vslice_unscaled": 1},
    "EEVDF 6.18": SCHEDULERS["EEVDF 6.18"],
}

LAYOUT = {"w_pad": 0.06, "h_pad": 0.05, "wspace": 0.04, "hspace": 0.04}
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
}


def text_color(label):
    """A colour for words about a scheduler or a variant of it: sky blue is too light for letters."""
    return COLORS.get(label.split(",")[0], INK)


def demo():
    """The module of examples/vslice.py: its loads and what it measures of them."""
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    import vslice

    return vslice


def shares(result):
    """Share of the CPU of each command name, 0 ... 1."""
    _, labels = result.keys("comm")
    return {labels[row["key"]]: float(row["share"]) for row in result.stats("comm")}


def text_table(title, head, rows):
    """Rows of text and numbers, first column to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [" ".join(f"{cell:>{width + 1}}" for cell, width in zip(row[1:], widths[1:])) for row in cells]
    lines = [f"{row[0]:<{widths[0]}} {line}" for row, line in zip(cells, lines)]
    return "\n".join([title, lines[0], "-" * max(map(len, lines)), *lines[1:]])


@contextmanager
def figure(width, height, path, **layout):
    """A figure of so many inches, written to `path` in the end; no dates: equal numbers, equal bytes."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE}):
        drawn = Figure(figsize=(width, height), layout="constrained")
        drawn.get_layout_engine().set(**(LAYOUT | layout))
        FigureCanvasAgg(drawn)
        yield drawn
        drawn.savefig(path, dpi=200, metadata={"Software": None} if str(path).endswith(".png") else None)


def name_rows(axes, names):
    """One row a scheduler, from the top down, its name in its colour."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for label in axes.get_yticklabels():
        label.set_color(text_color(label.get_text()))


def halo():
    """Path effects of a word that crosses lines: a white edge around the letters."""
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=2, foreground="white")]


def hide_rows(axes, nr):
    """As `name_rows`, for a panel to the right of one that has the names."""
    axes.set_yticks([])
    axes.set_ylim(nr - 0.4, -0.6)
    axes.spines["left"].set_visible(False)


def run(doc, default, measure, table, draw):
    """The script: measure, print, draw."""
    options = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", default=default, help="picture to write (default: %(default)s)")
    given = options.parse_args()
    measured = measure()
    print(table(measured))
    draw(measured, given.out)
    print(f"\nPicture: {given.out}")
