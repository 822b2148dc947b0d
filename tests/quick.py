"""Which cases of a long row of equal ones the quick loop takes: the first few. The full run takes all of them.

The order of the cases counts, so put first what finds most faults for its time.
"""

import pytest
from _pytest.mark import ParameterSet


def few(cases, nr=2):
    """Parameters for `parametrize`: all after the first `nr` are slow."""
    return [case if place < nr else slow(case) for place, case in enumerate(cases)]


def slow(case):
    """One parameter, or the values of several, marked slow."""
    if isinstance(case, ParameterSet):
        return pytest.param(*case.values, id=case.id, marks=[*case.marks, pytest.mark.slow])
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)
