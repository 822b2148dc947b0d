"""What numbers may be: each limit is written once, and the compiled core has the same."""

import re
from pathlib import Path

import numpy as np
import pytest

import cfs
from cfs import arithmetic, limits
from cfs.errors import GroupError, StateError, WorkloadError
from cfs.limits import (
    HZ_RANGE,
    NICE_RANGE,
    POLICIES,
    PRIO_DEFAULT,
    SHARES_RANGE,
    checked_hz,
    integer_in,
    nice_of_prio,
    prio_of_nice,
)

PACKAGE = Path(cfs.__file__).parent


def constant(file, name):
    """The value of a C constant in the sources; the wheel need not have them."""
    path = PACKAGE / file
    if not path.exists():
        pytest.skip(f"{file} is not here")
    return int(re.search(rf"^\s*{name} = (-?\d+)", path.read_text(encoding="utf-8"), re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("_load.pxd", "NICE_MIN", NICE_RANGE[0]),
        ("_load.pxd", "NICE_MAX", NICE_RANGE[1]),
        ("_load.pxd", "SHARES_MIN", SHARES_RANGE[0]),
        ("models/linux_6_18/_fair.pxi", "SHARES_MAX", SHARES_RANGE[1]),
        ("_types.pxd", "PRIO_DEFAULT", PRIO_DEFAULT),
    ],
)
def test_the_core_has_the_same_number(file, name, value):
    assert constant(file, name) == value


def test_a_scheduler_takes_what_is_allowed_and_nothing_else():
    sched = cfs.Scheduler(hz=HZ_RANGE[1])
    with pytest.raises(ValueError):
        cfs.Scheduler(hz=HZ_RANGE[1] + 1)
    for nice in NICE_RANGE:
        assert sched.fork(nice=nice, now_ns=0).nice == nice
    for nice in (NICE_RANGE[0] - 1, NICE_RANGE[1] + 1):
        with pytest.raises(StateError):
            sched.fork(nice=nice, now_ns=0)
    for policy in POLICIES:
        assert sched.fork(policy=policy, now_ns=0).policy == policy


def test_names_that_others_hand_on_are_these():
    from cfs.simulation import NS_MAX
    from cfs.workload import FOREVER_NS
    from cfs.workload import POLICIES as of_workload

    assert FOREVER_NS is limits.FOREVER_NS and NS_MAX is limits.NS_MAX
    assert of_workload is POLICIES is arithmetic.POLICIES


@pytest.mark.parametrize("value", [1, np.int8(1), True])
def test_an_integer_of_the_range_is_an_int(value):
    assert type(integer_in("it", value, 0, 1, GroupError)) is int


@pytest.mark.parametrize("value", [-1, 2, 0.5, 1.0, "1", None, np.float64(1)])
def test_what_is_no_integer_of_the_range_is_said(value):
    with pytest.raises(GroupError, match=r"it = .* is no integer of 0 \.\.\. 1"):
        integer_in("it", value, 0, 1, GroupError)


@pytest.mark.parametrize("hz", [0, 1_000_001, -1])
def test_hz_outside_of_its_range_is_said(hz):
    with pytest.raises(WorkloadError, match=f"hz = {hz} is outside of 1 ... 1000000"):
        checked_hz(hz)


def test_priorities_are_nice_values_and_back():
    nice_values = range(NICE_RANGE[0], NICE_RANGE[1] + 1)
    assert [nice_of_prio(prio_of_nice(nice)) for nice in nice_values] == list(nice_values)
    assert (prio_of_nice(-20), prio_of_nice(19)) == (100, 139)
    assert nice_of_prio(-1) == 0  # not known
    assert nice_of_prio(0) == nice_of_prio(99) == -20  # real-time
