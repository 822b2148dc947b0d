"""What the charges show of ticks: synthetic ones of known frequency, phase and lateness, and noise."""

import numpy as np
import pytest

from cfs.recordings.answers import Answers
from cfs.recordings.platforms import WINDOW_NS, infer

from .real_recordings import recording

SECOND = 1_000_000_000
NOTHING = np.zeros(0, np.int64)


def answers(cost=None, preemptible=None):
    return Answers(NOTHING, NOTHING, NOTHING, 0, NOTHING, cost, preemptible)


def charges(hz, nr, phase_ns, late_ns=2_000, seed=1):
    """At the ticks of a machine that was busy all the time."""
    rng = np.random.default_rng(seed)
    number = np.arange(1, nr + 1)
    return number * SECOND // hz + phase_ns + rng.integers(0, late_ns, nr)


def noise(nr, seconds, seed=2):
    return np.sort(np.random.default_rng(seed).integers(0, seconds * SECOND, nr))


@pytest.mark.parametrize("hz", [100, 250, 300, 1000])
@pytest.mark.parametrize("phase_ns", [0, 9_000, 888_000])
def test_f1_frequency_and_phase(hz, phase_ns):
    start_ns = 123_456_789
    platform = infer(charges(hz, 900, phase_ns), start_ns, 2, answers()).platform
    assert platform.hz == hz
    first = (platform.tick_phase_ns + start_ns) % (SECOND // hz)
    assert min(abs(first - phase_ns), SECOND // hz - abs(first - phase_ns)) <= 2_000


@pytest.mark.parametrize("hz", [100, 300, 1000])
@pytest.mark.parametrize("nr_before", [1, 3 * 10**7 + 1, 10**9])
def test_f1_ticks_stay_where_they_are_after_a_long_uptime(hz, nr_before):
    """A tick of 300 Hz is no whole number of ns: the thirds of all ticks since the boot add up to some ticks."""
    start_ns = nr_before * SECOND // hz + 400_000
    ticks = [number * SECOND // hz + 777 for number in range(nr_before + 1, nr_before + 900)]
    platform = infer(np.array(ticks), start_ns, 1, answers()).platform
    assert platform.hz == hz
    assert all(abs(platform.time_of_tick(k + 1) + start_ns - time) <= 1 for k, time in enumerate(ticks))


def test_f1_most_charges_may_be_none_of_ticks():
    both = np.sort(np.concatenate([charges(250, 600, 7_000), noise(2000, 3)]))
    assert infer(both, 0, 1, answers()).platform.hz == 250


def test_f1_the_jitter_is_how_late_they_were():
    late = infer(charges(250, 5000, 0, late_ns=80_000), 0, 1, answers()).platform.tick_jitter_ns
    assert late == tuple(sorted(late)) and max(late) < WINDOW_NS
    assert abs(np.median(late) - 40_000) < 3_000 and abs(max(late) - 80_000) < 3_000


@pytest.mark.parametrize("times", [NOTHING, noise(300, 5), charges(250, 5, 0)])
def test_f1_without_ticks_nothing_is_claimed(times):
    inferred = infer(times, 0, 1, answers())
    assert (inferred.platform.hz, inferred.platform.tick_jitter_ns) == (1000, ())
    assert "nothing in the recording shows them" in inferred.notes[0]


def test_f2_f3_f4_the_rest_is_taken_over():
    platform = infer(NOTHING, 0, 4, answers(7_000, True)).platform
    assert (platform.wakeup_cost_ns, platform.preempt, platform.nr_cpus) == (7_000, "full", 4)
    assert infer(NOTHING, 0, 4, answers()).platform.preempt == "none"


def test_what_is_said_counts_more():
    inferred = infer(charges(250, 900, 0), 0, 2, answers()).told(1000, "lazy", 8)
    assert (inferred.platform.hz, inferred.platform.preempt, inferred.platform.nr_cpus) == (1000, "voluntary", 8)
    assert inferred.notes[0] == "ticks a second: 1000, as the recording says"


@pytest.mark.parametrize("name", ["nice-hogs-small", "periodic", "kbuild-shell-2cpu", "two-users-equal", "nice-hogs-ftrace"])
def test_real_machines(name):
    """All are of a kernel with HZ 250, preemption none and two CPUs; its ticks are 5 to 30 us behind multiples of 4 ms."""
    found = recording(name)
    platform = found.platform().platform
    assert (platform.hz, platform.preempt, platform.nr_cpus) == (250, "none", 2)
    middle = platform.tick_jitter_ns[len(platform.tick_jitter_ns) // 2]
    behind = (platform.tick_phase_ns + middle + found.start_ns) % 4_000_000
    assert behind < 60_000
    assert 2_000 <= platform.wakeup_cost_ns <= 30_000
