"""What a figure shows of a result: which lanes, which waits, and their curves.

What it decides: how hundreds of tasks become a dozen lanes. A lane is a command name (or a task), most CPU
time first; all after the first `top` share the last lane. Results that are shown side by side have the same
lanes in the same order. The three lanes that waited longest in sum have a hue, the others are grey. `panels`
says which of them are drawn for each CPU.

A pass over the runs serves all lanes (`_statistics.coverage`): it costs the same for ten and for a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import units
from .._statistics import coverage, totals_within, waits_within
from ..errors import CfsError
from ..result import Out, Ready, Result
from ..units import cleaned, short_time
from .lines import numbered

__all__ = ["Lane", "covered", "covered_before", "cut", "lanes_of", "ran_in", "survival", "waited_in"]

HUES = ("#0072B2", "#D55E00", "#009E73")
"""Three of the colours of Okabe and Ito, which all people can distinguish."""
GREY = "#5A5A5A"
LIGHT = 0.25
"""The part of its hue that a waiting lane keeps."""
SPECK = 0.45
"""The least tone of a run, so that a run of a microsecond is visible in a minute."""
SMALLEST_FRACTION = 1e-3
"""End of the axis of survival: the least part of waits that are longer."""
LAG_LEAST_NS = 100_000
"""Start of the axis of lag: a tenth of a tick of most machines."""
NR_CPU_NUMBERS = 1 << 16
"""Of `RUN_DTYPE`."""
LABEL_LENGTH = 23
"""Characters of a lane's label: 15 of a command name, 7 of a pid."""

RUN_COLUMNS = ("task", "start_ns", "end_ns", "ready", "ready_ns")
WAIT_DTYPE = np.dtype([("begin_ns", "<i8"), ("end_ns", "<i8"), ("task", "<u4"), ("cpu", "<u2")])


@dataclass(frozen=True)
class Lane:
    """A row of the timeline: its tasks, and its look."""

    label: str
    keys: tuple[str, ...]
    hue: str


def span_of(result: Result, from_ns: int | None, until_ns: int | None) -> tuple[int, int]:
    """The part of the span that is drawn, checked."""
    begin = 0 if from_ns is None else int(from_ns)
    end = int(result.duration_ns) if until_ns is None else int(until_ns)
    end = max(end, 1) if from_ns is None and until_ns is None else end
    if not 0 <= begin < end <= max(result.duration_ns, 1):
        part, whole = f"{begin / 1e9:g} s ... {end / 1e9:g} s", f"0 s ... {result.duration_ns / 1e9:g} s"
        raise CfsError(f"the part to be drawn, {part}, is empty or outside of {whole}")
    return begin, end


def said_of(side: Result) -> str:
    """The name of a result in a figure."""
    return "as recorded" if side.model == "recorded" else side.model


def keys_of(result: Result, by: str) -> list[str]:
    """The name of each task's lane."""
    if by in ("comm", "group"):
        return cleaned(result.names if by == "comm" else result.groups)
    return [f"{name} {pid}" for name, pid in zip(cleaned(result.names), result.pids.tolist())]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The names that lanes can have, most CPU time in the span first; a name that never ran has no rank.

    Parameters
    ----------
    names : list of str
    of_task : list of numpy.ndarray
        For each side the rank of each task's name, -1 for none; ``(nr_tasks,) int64``.
    waited_ns : list of int
        Of each name, the sum of its waits on all sides.
    """

    names: list[str]
    of_task: list[np.ndarray]
    waited_ns: list[int]

    def nr_shown(self, top: int) -> int:
        """How many names get a lane of their own."""
        return len(self.names) if len(self.names) <= top + 1 else top

    def hues(self, top: int) -> dict[int, str]:
        """The hue of those shown that waited longest in sum, by rank."""
        waited = (rank for rank in range(self.nr_shown(top)) if self.waited_ns[rank])
        return dict(zip(sorted(waited, key=lambda rank: (-self.waited_ns[rank], self.names[rank])), HUES))

    def lane(self, ranks: Sequence[int], hue: str) -> Lane:
        """A lane of one name, or of the rest."""
        keys = tuple(self.names[rank] for rank in ranks)
        return Lane(cut(keys[0], LABEL_LENGTH) if len(keys) == 1 else f"{len(keys)} others", keys, hue)

    def lanes(self, top: int) -> list[Lane]:
        """A lane each for the first `top` names, and one for all others."""
        nr, hue = self.nr_shown(top), self.hues(top)
        rest = range(nr, len(self.names))
        return [self.lane([rank], hue.get(rank, GREY)) for rank in range(nr)] + (
            [self.lane(rest, GREY)] if rest else []
        )


def ranked(sides: list[Result], by: str, span: tuple[int, int]) -> Ranking:
    """The names of lanes in order of CPU time in the span: of that on the first side, then on the others."""
    codes, of_tasks = numbered([keys_of(side, by) for side in sides])
    nr = len(codes)
    cpu_ns, wait_ns = np.zeros((nr, len(sides)), np.int64), np.zeros(nr, np.int64)
    ran = np.zeros(nr, bool)
    for place, (side, of_task) in enumerate(zip(sides, of_tasks)):
        task, start_ns, end_ns, ready, ready_ns = (side.runs[name] for name in RUN_COLUMNS)
        run_ns, nr_runs, waited = totals_within(
            of_task, nr, task, start_ns, end_ns, ready, ready_ns, span[0], span[1]
        )
        cpu_ns[:, place] = -run_ns
        ran |= nr_runs > 0
        wait_ns += waited
    order = cpu_ns.tolist()
    found = (key for key, there in zip(codes, ran.tolist()) if there)
    names = sorted(found, key=lambda key: (order[codes[key]], key))
    rank_of = np.full(nr, -1, np.int64)
    places = [codes[name] for name in names]
    rank_of[places] = np.arange(len(names))
    return Ranking(names, [rank_of[of_task] for of_task in of_tasks], wait_ns[places].tolist())


def lanes_of(sides: list[Result], by: str, top: int, span: tuple[int, int]) -> list[Lane]:
    """Most CPU time in the span first; the three that waited longest in sum have a hue."""
    return ranked(sides, by, span).lanes(top)


def cut(text: str, length: int) -> str:
    """`text` in at most `length` characters; in a picture, with little room, a longer one ends in an ellipsis."""
    return units.cut(text, length, "…")


def lane_of_task(result: Result, lanes: list[Lane], by: str) -> np.ndarray:
    """Number of the lane of each task, -1 without one; ``(nr_tasks,) int64``."""
    lane_of = {key: number for number, lane in enumerate(lanes) for key in lane.keys}
    return np.array([lane_of.get(key, -1) for key in keys_of(result, by)], np.int64)


def with_hue(lanes: list[Lane]) -> list[int]:
    """Numbers of the lanes that have a hue, in the order of the hues."""
    numbers = (number for number, lane in enumerate(lanes) if lane.hue != GREY)
    return sorted(numbers, key=lambda number: HUES.index(lanes[number].hue))


def waits_in(side: Result, span: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Task and length of each wait that ended in the span."""
    runs = side.runs
    start_ns, ready_ns = runs["start_ns"], runs["ready_ns"]
    there = (start_ns >= span[0]) & (start_ns < span[1]) & _is_known(runs)
    return runs["task"][there], start_ns[there] - ready_ns[there]


def _is_known(runs: np.ndarray) -> np.ndarray:
    """For each run, whether the wait before it is known."""
    return (runs["ready"] != Ready.UNKNOWN) & (runs["ready_ns"] >= 0)


def waits_of(side: Result, tasks: np.ndarray, span: tuple[int, int]) -> np.ndarray:
    """Length of each wait of some tasks that ended in the span: `waits_in` for those that have a 1."""
    runs = side.runs
    columns = runs["task"], runs["ready"], runs["ready_ns"], runs["start_ns"]
    return waits_within(np.ascontiguousarray(tasks, np.uint8), *columns, *span)


def waiting(side: Result) -> np.ndarray:
    """Waits: those before each run, and those that the end of the span cuts.

    A recording does not say where a task went after its last run on these CPUs: it may have run on another
    one.
    """
    runs, short = side.runs, cut_waits(side)
    known = _is_known(runs)
    waits = np.zeros(np.count_nonzero(known) + len(short), WAIT_DTYPE)
    for field in ("task", "cpu"):
        waits[field] = np.concatenate([runs[field][known], short[field]])
    waits["begin_ns"] = np.concatenate([runs["ready_ns"][known], short["begin_ns"]])
    waits["end_ns"] = np.concatenate([runs["start_ns"][known], short["end_ns"]])
    return waits


def cut_waits(side: Result) -> np.ndarray:
    """The waits that the end of the span cuts, in the order of the tasks."""
    last = np.full(side.nr_tasks, -1, np.int64)
    if side.model != "recorded":
        last[side.runs["task"]] = np.arange(len(side.runs))
    runs = side.runs[last[last >= 0]]
    runs = runs[runs["out"] == Out.PREEMPTED]
    waits = np.zeros(len(runs), WAIT_DTYPE)
    waits["task"], waits["cpu"] = runs["task"], runs["cpu"]
    waits["begin_ns"], waits["end_ns"] = runs["end_ns"], side.duration_ns
    return waits


def ran_in(
    side: Result, lane_of: np.ndarray, nr_lanes: int, edges: np.ndarray, cpus: Sequence[int] | None = None
) -> np.ndarray:
    """What part of each span between two edges the runs of each lane cover, on some CPUs or on all.

    Parameters
    ----------
    side : Result
    lane_of : numpy.ndarray
        ``(nr_tasks,)`` int64: the lane of each task, -1 for none.
    nr_lanes : int
    edges : numpy.ndarray
        ``(m + 1,)`` int64, ns, increasing.
    cpus : sequence of int, optional

    Returns
    -------
    numpy.ndarray
        ``(nr_lanes, m)`` float64, 0 and more, as of `covered`.
    """
    runs, chosen = side.runs, chosen_cpus(cpus)
    task, cpu, begin_ns, end_ns = runs["task"], runs["cpu"], runs["start_ns"], runs["end_ns"]
    return _parts(coverage(lane_of, nr_lanes, chosen, task, cpu, begin_ns, end_ns, edges), edges)


def waited_in(
    side: Result, lane_of: np.ndarray, nr_lanes: int, edges: np.ndarray, cpus: Sequence[int] | None = None
) -> np.ndarray:
    """The same for waits: those that `waiting` returns."""
    runs, short, chosen = side.runs, cut_waits(side), chosen_cpus(cpus)
    task, cpu, begin_ns, end_ns = runs["task"], runs["cpu"], runs["ready_ns"], runs["start_ns"]
    waited_ns = coverage(lane_of, nr_lanes, chosen, task, cpu, begin_ns, end_ns, edges, runs["ready"])
    task, cpu, begin_ns, end_ns = (short[name] for name in ("task", "cpu", "begin_ns", "end_ns"))
    return _parts(waited_ns + coverage(lane_of, nr_lanes, chosen, task, cpu, begin_ns, end_ns, edges), edges)


def shares_in(side: Result, lane_of: np.ndarray, nr_lanes: int, edges: np.ndarray) -> np.ndarray:
    """The part of all CPUs that each lane has between two edges; ``(nr_lanes, m) float64``, 0 ... 1."""
    return ran_in(side, lane_of, nr_lanes, edges) / max(1, len(side.cpus))


def scales_of_shares(lanes: Sequence[Lane], shares: Sequence[np.ndarray]) -> list[float]:
    """The greatest share of each lane's axis: one scale for all, so that heights can be compared.

    The lane of all other tasks has its own scale if it would dwarf the named ones, as with many CPUs.
    """
    most_of = [max(float(side[place].max(initial=0)) for side in shares) for place in range(len(lanes))]
    named = [most for lane, most in zip(lanes, most_of) if len(lane.keys) == 1]
    scale = _round_share(max(named, default=1.0))
    return [max(scale, _round_share(most)) for most in most_of]


def _round_share(share: float) -> float:
    """The next share with one digit, at least a tenth of a per cent."""
    power = 10.0 ** np.floor(np.log10(max(share, 1e-3) * (1 + 1e-9)))
    return float(min(1.0, np.ceil(max(share, 1e-3) / power - 1e-6) * power))


def chosen_cpus(cpus: Sequence[int] | None) -> np.ndarray:
    """For each possible CPU number, whether that CPU counts."""
    chosen = np.full(NR_CPU_NUMBERS, cpus is None, np.uint8)
    chosen[[] if cpus is None else list(cpus)] = 1
    return chosen


def _parts(covered_ns: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return covered_ns / np.maximum(np.diff(edges), 1)


def covered_before(begin_ns: np.ndarray, end_ns: np.ndarray, at_ns: np.ndarray) -> np.ndarray:
    """The time before each instant that the intervals cover; overlapping ones count each.

    Parameters
    ----------
    begin_ns, end_ns : numpy.ndarray
        ``(n,)`` int64, ns, in any order.
    at_ns : numpy.ndarray
        ``(m,)`` int64, ns.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` int64, ns.
    """
    # It is the sum of (t - begin) over begins before t, minus that of (t - end) over ends.
    total = np.zeros(len(at_ns), np.int64)
    for times, sign in ((np.sort(begin_ns), 1), (np.sort(end_ns), -1)):
        passed = np.searchsorted(times, at_ns)
        total += sign * (passed * at_ns - np.concatenate([[0], np.cumsum(times)])[passed])
    return total


def covered(begin_ns: np.ndarray, end_ns: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The part of each span between two edges that the intervals cover; overlapping ones count each.

    Parameters
    ----------
    begin_ns, end_ns : numpy.ndarray
        ``(n,)`` int64, ns, in any order.
    edges : numpy.ndarray
        ``(m + 1,)`` int64, ns, increasing.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float64, 0 and more; 1 is all of the span.
    """
    return np.diff(covered_before(begin_ns, end_ns, edges)) / np.maximum(np.diff(edges), 1)


def survival(waits: np.ndarray, least_ns: float) -> tuple[np.ndarray, np.ndarray]:
    """For each length x from `least_ns` on, the part of the waits that is longer.

    Parameters
    ----------
    waits : numpy.ndarray
        ``(n,)`` int64, ns.
    least_ns : float
        Start of the curve.

    Returns
    -------
    x, fraction : numpy.ndarray
        Corners of the step function, both float64; empty without waits.
    """
    if not len(waits):
        return np.zeros(0), np.zeros(0)
    ordered = np.sort(waits)
    ordered = ordered[np.searchsorted(ordered, least_ns, "right") :]
    is_first = np.ones(len(ordered), bool)  # of those that are equal
    is_first[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(is_first)
    longer = len(ordered) - np.append(first, len(ordered))
    return np.concatenate([[least_ns], ordered[first]]), longer / len(waits)


def limits_of(waits: list[np.ndarray]) -> tuple[float, float]:
    """Decades that hold the waits; those below a microsecond are left of the axis."""
    longest = max((int(w.max()) for w in waits if len(w)), default=0)
    return 1e3, 10 ** np.ceil(np.log10(max(longest, 1e5)))


def why_no_curves(waits: list[np.ndarray]) -> str:
    """A sentence that says that curves of these waits would be empty; an empty text if they would not."""
    least_ns, _ = limits_of(waits)
    if any((of_side > least_ns).any() for of_side in waits):
        return ""
    if any(map(len, waits)):
        return f"No wait is longer than {short_time(least_ns)}."
    return "No wait of known length ended in this time."
