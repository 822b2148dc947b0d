"""The row of a run and its codes: what C writes is what Python reads."""

from cfs.engine import _runs
from cfs.result import RUN_DTYPE, Out, Ready


def test_a_row_in_python_is_the_struct_in_c():
    fields, size = _runs.row_layout()
    of_python = [(name, RUN_DTYPE.fields[name][1], RUN_DTYPE[name].itemsize) for name in RUN_DTYPE.names]
    assert (fields, size) == (of_python, RUN_DTYPE.itemsize)


def test_the_codes_are_the_same():
    ready, out = _runs.codes()
    assert ready == {code.name: code.value for code in Ready}
    assert out == {code.name: code.value for code in Out}
