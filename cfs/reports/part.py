"""A part of a result as a result of its own: runs are cut at its edges, a wait counts if it ends in it, and
tasks that were there before are there.
"""

from __future__ import annotations

import numpy as np

from ..result import ORDER_UNKNOWN, Out, Ready, Result, altered, nr_switches

__all__ = ["part_of"]


def part_of(result: Result, from_ns: int, until_ns: int) -> Result:
    """A part of a result as a result of its own: runs are cut at its edges, times still count from 0.

    A wait counts if it ends in the part; a run that began before it was found going on. Context switches of a
    part are those that the tasks of the result made.

    Parameters
    ----------
    result : Result
    from_ns, until_ns : int
        ns since the start.

    Returns
    -------
    Result
        Its `duration_ns` is `until_ns` - `from_ns`.
    """
    if from_ns == 0 and until_ns >= result.duration_ns:
        return altered(result, duration_ns=until_ns)
    inside = (result.runs["end_ns"] > from_ns) | (result.runs["start_ns"] >= from_ns)
    inside &= result.runs["start_ns"] < until_ns
    runs = result.runs[inside]  # a copy
    began_before, ends_after = runs["start_ns"] < from_ns, runs["end_ns"] > until_ns
    runs["ready"][began_before], runs["ready_ns"][began_before] = Ready.FOUND, -1
    runs["out"][ends_after] = Out.RUNNING
    runs["start_ns"] = runs["start_ns"].clip(from_ns, None)
    runs["end_ns"] = runs["end_ns"].clip(None, until_ns)
    switches = nr_switches(result.runs, result.cpus, from_ns, until_ns)
    return altered(
        result,
        runs=runs,
        duration_ns=until_ns - from_ns,
        context_switches=switches,
        wakeups=lambda: _wakeups_within(result.wakeups, from_ns, until_ns, inside),
    )


def _wakeups_within(wakeups: np.ndarray, from_ns: int, until_ns: int, is_kept: np.ndarray) -> np.ndarray:
    """The wakeups of a part, each with its place among the runs that are kept."""
    inside = wakeups[(wakeups["time_ns"] >= from_ns) & (wakeups["time_ns"] < until_ns)]  # a copy
    nr_kept = np.concatenate([[0], np.cumsum(is_kept)])
    known = inside["nr_runs"] != ORDER_UNKNOWN
    inside["nr_runs"][known] = nr_kept[inside["nr_runs"][known]]
    return inside
