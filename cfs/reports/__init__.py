"""What people want to see: tables of a result, a timeline of it, and schedulers beside each other.

    tables.py              text tables, the recorded beside the model
    comparison.py          one workload under several schedulers: a column each
    fairness.py            how far from fair: lag from the runs alone, spread of virtual time
    lanes.py               what a figure shows: which lanes, which waits
    drawing.py             the look that all figures share (they need the extra ``plot``)
    timeline.py            figure: who ran and who waited, and the distribution of waits
    trends.py              figure: shares, runnable tasks and virtual time over time
    comparison_figure.py   figure: a column a scheduler
    samples.py             virtual time over time, by looking at a simulation while it runs
    svg.py, html.py        a page that works offline, and what a notebook shows; numpy alone
    events.py              from runs back to switches and wakeups, for
    ftrace.py              ftrace text, and
    perfetto.py            a Perfetto trace (it needs the extra ``perfetto``)
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
