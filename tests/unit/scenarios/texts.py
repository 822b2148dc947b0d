"""Texts of scenario files for the tests beside, and what became of them.

A faulty text carries the mark `#!` at the end of the line that must be blamed.
"""

from cfs.workload import Op

MS = 1_000_000


def one_task(*items, more=""):
    return f'duration = "1 s"\n[[task]]\nname = "a"\nprogram = [{", ".join(items)}]\n{more}'


def program(work, row=0):
    return [(Op(op["kind"]).name, int(op["arg"]), int(op["target"])) for op in work.program(row)]


TOP = 'duration = "1 s"\n'
TASK = TOP + '[[task]]\nname = "a"\n'
TEMPLATE = '\n[[task]]\nname = "t"\nforked = true\nprogram = []\n'

def blamed_line(text):
    marked = [number for number, line in enumerate(text.split("\n"), 1) if line.endswith("#!")]
    return marked[-1] if marked else 1
