"""The row of a run and its codes: what C writes is what Python reads."""

import numpy as np

from cfs.engine import _runs
from cfs.result import RUN_DTYPE, WAKEUP_DTYPE, Out, Ready, WokenBy
from tests.unit.engine.test_program import random_workload


def test_a_row_in_python_is_the_struct_in_c():
    fields, size = _runs.row_layout()
    of_python = [(name, RUN_DTYPE.fields[name][1], RUN_DTYPE[name].itemsize) for name in RUN_DTYPE.names]
    assert (fields, size) == (of_python, RUN_DTYPE.itemsize)


def test_a_wakeup_in_python_is_the_struct_in_c():
    fields, size = _runs.wakeup_layout()
    of_python = [(name, WAKEUP_DTYPE.fields[name][1], WAKEUP_DTYPE[name].itemsize) for name in WAKEUP_DTYPE.names]
    assert (fields, size) == (of_python, WAKEUP_DTYPE.itemsize)
    assert _runs.causes() == {cause.name: cause.value for cause in WokenBy}


def test_the_codes_are_the_same():
    ready, out = _runs.codes()
    assert ready == {code.name: code.value for code in Ready}
    assert out == {code.name: code.value for code in Out}


def test_i1_rows_are_in_the_order_of_starts_and_a_cpu_has_one_open_run():
    runs = random_workload(5, 5).run(until_ns=200_000_000).runs
    still_open = runs[runs["out"] == Out.RUNNING]["cpu"]
    assert len(runs) > 100 and len(still_open)
    assert (np.diff(runs["start_ns"]) >= 0).all()
    assert len(set(still_open.tolist())) == len(still_open)


def test_i2_wakeups_are_in_the_order_of_time_and_fit_between_the_runs():
    result = random_workload(5, 5).run(until_ns=200_000_000)
    woken, starts = result.wakeups, result.runs["start_ns"]
    assert set(woken["cause"].tolist()) == {WokenBy.TASK, WokenBy.TIMER, WokenBy.FORK}
    assert (np.diff(woken["time_ns"]) >= 0).all() and (np.diff(woken["nr_runs"].astype(int)) >= 0).all()
    assert (np.searchsorted(starts, woken["time_ns"]) <= woken["nr_runs"]).all()
    assert (woken["nr_runs"] <= np.searchsorted(starts, woken["time_ns"], "right")).all()
