"""What people want to see: tables of a result, a timeline of it, and what a recording measured as a result.

    tables.py      text tables, the recorded beside the model
    timeline.py    who ran and who waited, and the distribution of waits (needs the extra ``plot``)
    measured.py    a recording as a `Result`
"""

from .measured import recorded_result
from .tables import Table, tables
from .timeline import plot_timeline

__all__ = ["Table", "plot_timeline", "recorded_result", "tables"]
