"""A part of a result as a result of its own: runs are cut at its edges, a wait counts if it ends in it, and
tasks that were there before are there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..result import ORDER_UNKNOWN, Out, Ready, Result

__all__ = ["part_of"]


def part_of(result: Result, from_ns: int, until_ns: int) -> Result:
    """A part of a result as a result of its own: runs are cut at its edges, times still count from 0.

    A wait counts if it ends in the part. Context switches of a part are those that the tasks of the result
    made.

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
        return replace(result, duration_ns=until_ns, wakeups=lambda: result.wakeups)
    inside = (result.runs["end_ns"] > from_ns) | (result.runs["start_ns"] >= from_ns)
    runs = result.runs[inside & (result.runs["start_ns"] < until_ns)]  # a copy
    began_before, ends_after = runs["start_ns"] < from_ns, runs["end_ns"] > until_ns
    runs["ready"][began_before], runs["ready_ns"][began_before] = Ready.UNKNOWN, -1
    runs["out"][ends_after] = Out.RUNNING
    runs["start_ns"] = runs["start_ns"].clip(from_ns, None)
    runs["end_ns"] = runs["end_ns"].clip(None, until_ns)
    switches = sum(
        _nr_switches(result.runs[result.runs["cpu"] == cpu], from_ns, until_ns) for cpu in result.cpus
    )
    return replace(
        result,
        runs=runs,
        duration_ns=until_ns - from_ns,
        context_switches=switches,
        wakeups=lambda: _wakeups_within(result.wakeups, from_ns, until_ns),
    )


def _wakeups_within(wakeups: np.ndarray, from_ns: int, until_ns: int) -> np.ndarray:
    """Those of a part; their place among the runs, of which some are gone, is found anew by who needs it."""
    inside = wakeups[(wakeups["time_ns"] >= from_ns) & (wakeups["time_ns"] < until_ns)]  # a copy
    inside["nr_runs"] = ORDER_UNKNOWN
    return inside


def _nr_switches(runs: np.ndarray, from_ns: int, until_ns: int) -> int:
    """Switches to a task, and those to idle, that happen in a part; `runs` are of one CPU."""
    runs = runs[np.argsort(runs["start_ns"], kind="stable")]
    next_ns = np.append(runs["start_ns"][1:], np.iinfo(np.int64).max)
    to_idle = runs["end_ns"][(runs["out"] != Out.RUNNING) & (next_ns > runs["end_ns"])]
    times = np.concatenate([runs["start_ns"], to_idle])
    return int(((times >= from_ns) & (times < until_ns)).sum())
