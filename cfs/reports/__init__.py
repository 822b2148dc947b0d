"""What people want to see: tables of a result, and a timeline of it.

    tables.py      text tables, the recorded beside the model
    timeline.py    who ran and who waited, and the distribution of waits (needs the extra ``plot``)
"""

from .tables import Table, tables
from .timeline import plot_timeline

__all__ = ["Table", "plot_timeline", "tables"]
