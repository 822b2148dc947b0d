"""Reports for people: tables of a result, a timeline of it, and schedulers side by side.

What is measured:

    columns.py             the columns of all tables: one entry a column
    lines.py               which lines a table has, and their statistics
    fairness.py            how far from fair: lag from the runs alone, spread of virtual time
    samples.py             virtual time over time, by looking at a simulation while it runs
    lanes.py               what a figure shows: which lanes, which waits
    panels.py              which panels and rows a timeline has, however many CPUs and tasks there are
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
    svg.py, html.py        a page that works offline, and what a notebook shows of a result
    notebook.py            what a notebook shows of a workload and of a recording
    frames.py              Arrow, pandas, polars, Parquet (the extra ``frames``)
    ftrace.py, _ftrace.pyx ftrace text; its lines, in compiled code
    perfetto.py            a Perfetto trace (the extra ``perfetto``)

A file imports only files above it in its part and in the parts before. The one door that leads down is
`Comparison.plot`.

A name is imported when it is first asked for (PEP 562), as in `cfs` itself: a command that shows two lines
does not load what draws. One name is a function and a file, `tables`: here it is the function, even after the
file has been imported.
"""

import sys as _sys
import typing as _typing
from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

__all__ = [
    "Comparison",
    "Samples",
    "Table",
    "Variant",
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

_HOME_OF = {
    "Comparison": "comparison",
    "Samples": "samples",
    "Table": "tables",
    "Variant": "comparison",
    "compare": "comparison",
    "comparison_html": "html",
    "ftrace_lines": "ftrace",
    "notebook_html": "html",
    "nr_running": "samples",
    "plot_comparison": "comparison_figure",
    "plot_timeline": "timeline",
    "plot_trends": "trends",
    "result_html": "html",
    "run_sampled": "samples",
    "tables": "tables",
    "write_ftrace": "ftrace",
    "write_html": "html",
    "write_perfetto": "perfetto",
}
"""The file of each name."""

if _typing.TYPE_CHECKING:  # a checker that saw `__getattr__` would believe in any name
    from .comparison import Comparison, Variant, compare
    from .comparison_figure import plot_comparison
    from .ftrace import ftrace_lines, write_ftrace
    from .html import comparison_html, notebook_html, result_html, write_html
    from .perfetto import write_perfetto
    from .samples import Samples, nr_running, run_sampled
    from .tables import Table, tables
    from .timeline import plot_timeline
    from .trends import plot_trends
else:

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(_import_module(f".{_HOME_OF[name]}", __name__), name)
        globals()[name] = value  # here the import ends: the next look finds the name like any other
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})


class _Reports(_ModuleType):
    """The package, in which the file `tables` cannot hide the function."""

    def __setattr__(self, name: str, value: _typing.Any) -> None:
        is_file = name == "tables" and isinstance(value, _ModuleType)
        super().__setattr__(name, value.tables if is_file else value)


_sys.modules[__name__].__class__ = _Reports
