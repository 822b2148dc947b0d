"""What is true of 2.6.24 only. Ways to be right: the specification's tables (section 3), and the compiled
class as a second witness.
"""

import math

import pytest

from cfs.tunables import LinuxCfs2624
from tests.builders import MS, a_scheduler

SPECIFIED = {
    "sched_latency_ns": 20_000_000,
    "sched_min_granularity_ns": 4_000_000,
    "sched_nr_latency": 5,
    "sched_wakeup_granularity_ns": 10_000_000,
    "sched_batch_wakeup_granularity_ns": 10_000_000,
    "sched_child_runs_first": 1,
    "sched_compat_yield": 0,
    "sched_features": 7,
    "sched_migration_cost": 500_000,
    "sched_nr_migrate": 32,
    "initial_min_vruntime": 2**64 - 2**20,
    "initial_idle_vruntime": 0,
    "vslice_unscaled": 0,  # ours, not the specification's
    "NEW_FAIR_SLEEPERS": True,
    "WAKEUP_PREEMPT": True,
    "START_DEBIT": True,
    "TREE_AVG": False,
    "APPROX_AVG": False,
}


def test_the_defaults_of_2_6_24_are_those_of_the_specification():
    assert LinuxCfs2624().as_dict() == SPECIFIED


@pytest.mark.parametrize(
    ("cpus", "factor"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (16, 5), (64, 7)]
)
def test_more_cpus_scale_periods_by_one_plus_the_logarithm(cpus, factor):
    """Specification 3: f = 1 + floor(log2(CPUs)); nr_latency is not derived anew at boot."""
    assert factor == 1 + math.floor(math.log2(cpus))
    booted = LinuxCfs2624.at_boot(cpus)
    assert (booted.sched_latency_ns, booted.sched_min_granularity_ns) == (20 * MS * factor, 4 * MS * factor)
    assert booted.sched_wakeup_granularity_ns == booted.sched_batch_wakeup_granularity_ns == 10 * MS * factor
    assert (booted.sched_nr_latency, booted.sched_migration_cost) == (5, 500_000)


def test_scaling_stops_at_200_ms_for_latency_but_not_for_wakeups():
    booted = LinuxCfs2624.at_boot(4096)
    assert (booted.sched_latency_ns, booted.sched_min_granularity_ns) == (200 * MS, 52 * MS)
    assert booted.sched_wakeup_granularity_ns == 130 * MS


@pytest.mark.parametrize(
    ("written", "nr_latency"),
    [
        ({"sched_latency_ns": 30 * MS}, 8),
        ({"sched_latency_ns": 40 * MS}, 10),
        ({"sched_min_granularity_ns": 3 * MS}, 7),
        ({"sched_latency_ns": 10 * MS, "sched_min_granularity_ns": 10 * MS}, 1),
        ({"sched_latency_ns": 30 * MS, "sched_nr_latency": 2}, 2),
        ({"sched_nr_latency": 9}, 9),
        ({"sched_wakeup_granularity_ns": 0}, 5),
    ],
)
def test_nr_latency_is_derived_when_either_of_its_two_is_written(written, nr_latency):
    """Specification 3: ceil(latency / min_granularity)."""
    assert a_scheduler(**written).tunables.sched_nr_latency == nr_latency
    later = a_scheduler()
    later.set_tunables(**written)
    assert later.tunables.sched_nr_latency == nr_latency


def test_a_written_tunable_reaches_the_core():
    """Two equal tasks: a slice is half of the latency."""
    sched = a_scheduler()
    task, _ = sched.fork(now_ns=0), sched.fork(now_ns=0)
    assert task.slice_ns == 10 * MS
    sched.set_tunables(sched_latency_ns=40 * MS)
    assert task.slice_ns == 20 * MS
