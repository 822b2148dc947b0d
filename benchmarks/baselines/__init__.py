"""What cfs is measured against. Each does all of the accounting: half a switch is no baseline.

state.py        the state before and after, in a form that every variant can start from and be compared in
in_python.py    heapq and SortedKeyList, and the exact formula for the variants that divide
derived.py      the class of 2.6.24 with a division in each charge, from the text of the class itself
textbook.[hc]   plain C: a red-black tree and the accounting, from the textbook; with and without divisions
_compiled.pyx   the loops over cfs and over the textbook, compiled; trees alone for bench_rbtree.py
build.py        compiles all of it with the flags of setup.py
"""

from .build import compiled

__all__ = ["compiled"]
