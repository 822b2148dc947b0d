"""What is true of 2.6.23 only. Way to be right: the specification (section 3)."""

import pytest

import cfs
from cfs.tunables import LinuxCfs2623
from tests.builders import MS, a_scheduler


def test_boot_derives_the_limit_and_the_wakeup_granularity():
    """Specification 3: f = 1 + log2(CPUs); later writes change only what is written."""
    booted = LinuxCfs2623.at_boot(4)
    assert (booted.sched_latency_ns, booted.sched_min_granularity_ns) == (60 * MS, 6 * MS)
    assert (booted.sched_runtime_limit_ns, booted.sched_wakeup_granularity_ns) == (60 * MS, 3 * MS)
    assert booted.changed(sched_latency_ns=MS).sched_runtime_limit_ns == 60 * MS


def test_what_is_compiled_in_cannot_be_written():
    with pytest.raises(cfs.TunableError, match="compiled in"):
        a_scheduler("linux-2.6.23-cfs").set_tunables(TICK_NSEC=4_000_000)
