"""A part of a result as a result of its own: runs are cut at its edges, and the parts add up."""

from cfs.reports.part import part_of
from cfs.result import Ready
from cfs.workload import build, hogs

MS = 10**6


def a_build(duration_ns=500 * MS):
    """A make -j3 beside a hog."""
    return build(3, 6, seed=1, duration_ns=duration_ns).merged(hogs(1))


def test_a_part_has_the_cpu_time_and_the_waits_that_end_in_it():
    result = hogs(2, duration_ns=100 * MS).run()
    part = part_of(result, 30 * MS, 70 * MS)
    assert part.busy_ns == part.duration_ns == 40 * MS
    assert part.runs["start_ns"].min() == 30 * MS and part.runs["end_ns"].max() == 70 * MS
    inside = (result.runs["start_ns"] >= 30 * MS) & (result.runs["start_ns"] < 70 * MS)
    known = inside & (result.runs["ready"] != Ready.UNKNOWN)
    assert len(part.waits()[0]) == known.sum()
    assert part.context_switches == inside.sum()


def test_the_parts_of_a_result_add_up():
    result = a_build().run()
    cuts = [0, 100 * MS, 101 * MS, 300 * MS, 500 * MS]
    parts = [part_of(result, begin, end) for begin, end in zip(cuts, cuts[1:])]
    assert sum(part.busy_ns for part in parts) == result.busy_ns
    assert sum(len(part.waits()[0]) for part in parts) == len(result.waits()[0])
    assert sum(part.context_switches for part in parts) == result.context_switches


def test_the_whole_is_left_as_it_is():
    result = a_build().run()
    whole = part_of(result, 0, result.duration_ns)
    assert whole.runs is result.runs and whole.context_switches == result.context_switches
