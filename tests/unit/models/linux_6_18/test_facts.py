"""What is true of 6.18 only. Way to be right: the specification (section in brackets)."""

import pytest

from cfs.tunables import LinuxEevdf618
from tests.builders import MS

SLICE = 700_000


def test_the_defaults_of_6_18_are_those_of_the_specification():
    """[3.2, 3.3]"""
    assert LinuxEevdf618().as_dict() == {
        "base_slice_ns": SLICE,
        "normalized_base_slice_ns": SLICE,
        "tick_nsec": MS,
        "sched_features": 991,
        "exact_min_slice": 0,
        "PLACE_LAG": True,
        "PLACE_DEADLINE_INITIAL": True,
        "PLACE_REL_DEADLINE": True,
        "RUN_TO_PARITY": True,
        "PREEMPT_SHORT": True,
        "NEXT_BUDDY": False,
        "PICK_BUDDY": True,
        "DELAY_DEQUEUE": True,
        "DELAY_ZERO": True,
        "WAKEUP_PREEMPTION": True,
    }


@pytest.mark.parametrize(("cpus", "factor"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (64, 4)])
def test_more_cpus_lengthen_the_slice_up_to_eight(cpus, factor):
    """[3.2]"""
    booted = LinuxEevdf618.at_boot(cpus)
    assert (booted.base_slice_ns, booted.normalized_base_slice_ns) == (SLICE * factor, SLICE)
    assert LinuxEevdf618.at_boot(cpus, base_slice_ns=3 * MS).base_slice_ns == 3 * MS
    assert LinuxEevdf618.at_boot(cpus, normalized_base_slice_ns=MS).base_slice_ns == MS * factor
