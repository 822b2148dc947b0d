"""Reports for people: tables of a result, a timeline of it, and schedulers side by side.

What is measured:

    columns.py             the columns of all tables: one entry a column
    lines.py               which lines a table has, and their statistics
    fairness.py            how far from fair: lag from the runs alone, spread of virtual time
    samples.py             virtual time over time, by looking at a simulation while it runs
    lanes.py               what a figure shows: which lanes, which waits
    compared.py            the facts about one scheduler of a comparison
    part.py                a part of a result as a result of its own
    settings.py            which tunables somebody changed
    events.py              from runs back to switches and wakeups
    files.py               where a report can be written

As text:

    tables.py              text tables, recording beside model
    verdicts.py            what a replay of conformance traces found
    comparison_tables.py   a column a scheduler
    comparison.py          runs one workload under several schedulers

On paper (the extra ``plot``), as a page (numpy alone), and for other programs:

    drawing.py             the look that all figures share
    timeline.py            figure: which tasks ran and waited, and the distribution of waits
    trends.py              figure: shares, runnable tasks and virtual time over time
    comparison_figure.py   figure: a column a scheduler
    svg.py, html.py        a page that works offline, and what a notebook shows
    frames.py              Arrow, pandas, polars, Parquet (the extra ``frames``)
    ftrace.py              ftrace text
    perfetto.py            a Perfetto trace (the extra ``perfetto``)

A file imports only files above it in its part and in the parts before. The one door that leads down is
`Comparison.plot`.
"""

from .comparison import Comparison, compare
from .comparison_figure import plot_comparison
from .ftrace import ftrace_lines, write_ftrace
from .html import comparison_html, notebook_html, result_html, write_html
from .perfetto import write_perfetto
from .samples import Samples, nr_running, run_sampled
from .tables import Table, tables
from .timeline import plot_timeline
from .trends import plot_trends

__all__ = [
    "Comparison",
    "Samples",
    "Table",
    "compare",
    "comparison_html",
    "ftrace_lines",
    "notebook_html",
    "nr_running",
    "plot_comparison",
    "plot_timeline",
    "plot_trends",
    "result_html",
    "run_sampled",
    "tables",
    "write_ftrace",
    "write_html",
    "write_perfetto",
]
