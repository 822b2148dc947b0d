"""What is true of 2.6.22 only. Way to be right: the specification (section 3)."""

import pytest

from cfs.tunables import LinuxO12622

CONSTANTS = {
    1000: (5, 100, 1000, 10, 1000),
    250: (1, 25, 250, 2, 250),
    100: (1, 10, 100, 1, 100),
}


@pytest.mark.parametrize(("hz", "expected"), CONSTANTS.items())
def test_constants_follow_from_hz(hz, expected):
    of = LinuxO12622(hz=hz)
    assert (
        of.MIN_TIMESLICE,
        of.DEF_TIMESLICE,
        of.MAX_SLEEP_AVG,
        of.GRANULARITY,
        of.idle_time_slice,
    ) == expected
    assert of.NS_MAX_SLEEP_AVG == 10**9
