"""Waits that a recording hides, and how long a waker stays in the kernel.

What it decides: after which wakeups the waker was going to wait for an answer, though it was never seen to
block. A wakes B and would wait for what B says. If B preempts A at once, and answers before A runs again,
then A finds the answer, does not block, and nobody is woken: the recording shows neither the wait nor the
answer. Without them a program of A would run away from that of B under a scheduler that does not preempt.

A wait is taken as hidden only where the other wakeups of the same two tasks prove that A waits:

H1  A, having woken B, was ANSWERED: it blocked before it woke or forked anybody else, and the same task woke
    it each time. Or, if that was never seen, B was answered by A after it had woken A, as two partners are.
H2  Both together were seen NR_PROOFS times or more, and the contrary (A went on, was woken by somebody else,
    or by a timer) in no more than one of CONTRARY cases.
H3  This time A was preempted for B, no later after the wakeup than SLACK times the longest way to a block.

The wait of A is then put where it would have blocked (the median of the ways to a block, but before its next
wakeup), and the answer where the task that answers blocked (`_walk.Programs`). What would be a hidden wait by H3, but is not proven, is counted and told.

A waker that is preempted by the task that it woke was in the kernel until then: no kernel but a fully
preemptible one switches earlier. The median of that time, by name, is how long such tasks stay there.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

__all__ = ["Answers", "Left", "Then", "decide"]

NR_PROOFS = 2
CONTRARY = 10
SLACK = 2
NR_DELAYS_MIN = 3
DELAY_NS_MAX = 100_000
"""A preemption that comes later than this after the own wakeup has another reason."""

NONE = -1
IDLE, NOBODY = 0xFFFFFFFF, 0xFFFFFFFE
NR_INTERRUPTS_MIN = 10
NR_EXITS_MIN = 10
EXITS_PREEMPTED = 0.2
"""Of the tasks that wake another one on their way out: what part of them is preempted by it in a kernel that
can be preempted, at least."""
FORK = 7  # kind in the wakeup table


class Then(enum.IntEnum):
    """What a waker did after a wakeup."""

    UNKNOWN = 0
    ANSWERED = 1  # it blocked, and a task woke it
    SLEPT = 2  # it blocked, and no task woke it
    STILL_BLOCKED = 3  # at the end of the recording
    WENT_ON = 4  # it woke or forked somebody, and had not left its CPU
    WENT_ON_LATER = 5  # the same, but it had been preempted
    EXITED = 6
    EXITED_LATER = 7  # the same, but it had been preempted by the task that it woke


class Left(enum.IntEnum):
    """How a waker left its CPU first after a wakeup."""

    STAYED = 0
    FOR_THE_WOKEN = 1
    FOR_ANOTHER = 2
    BLOCKED = 3


@dataclass(frozen=True)
class Answers:
    """What was found.

    Parameters
    ----------
    answerer : numpy.ndarray
        ``(nr_wakeups,) int32``: the task whose answer the waker waited for unseen, -1: nobody's.
    reach_ns : numpy.ndarray
        ``(nr_wakeups,) int64``: CPU time of such a waker from the wakeup to its wait.
    stay_ns : numpy.ndarray
        ``(nr_tasks,) int64``: how long a task stays in the kernel after a wakeup.
    nr_unproven : int
        Wakeups that may hide a wait, but prove nothing.
    wakeup_cost_ns : int or None
        How long it takes from a wakeup in an interrupt until the task runs, if nothing hinders it: the lower quartile.
    is_preemptible : bool or None
        Are tasks preempted in the kernel? None: too few exits tell.
    """

    answerer: np.ndarray
    reach_ns: np.ndarray
    stay_ns: np.ndarray
    nr_unproven: int
    wakeup_cost_ns: int | None
    is_preemptible: bool | None


def decide(after: np.ndarray, woken: np.ndarray, kind: np.ndarray, name: np.ndarray) -> Answers:
    """Find the hidden waits.

    Parameters
    ----------
    after : numpy.ndarray
        ``(nr_wakeups,)`` of `_wakers.AFTER_DTYPE`.
    woken, kind : numpy.ndarray
        ``(nr_wakeups,)``: who was woken, and 7 for a fork.
    name : numpy.ndarray
        ``(nr_tasks,) int``: number of the name of each task.

    Returns
    -------
    Answers
    """
    rows = np.flatnonzero((after["then"] != Then.UNKNOWN) & (after["then"] < Then.EXITED) & (kind != FORK))
    answerer, reach_ns = np.full(len(after), NONE, np.int32), np.zeros(len(after), np.int64)
    hides = (after["then"] == Then.WENT_ON_LATER) & (after["left"] == Left.FOR_THE_WOKEN) & (kind != FORK)
    nr_unproven = 0
    if hides.any():
        pairs = _Pairs(after[rows], woken[rows], len(name))
        expected, converse = pairs.expected()
        proven = hides[rows] & (expected >= 0) & (after["ran_ns"][rows] <= pairs.longest())
        answerer[rows[proven]] = expected[proven]
        reach_ns[rows[proven]] = np.minimum(pairs.typical(), after["went_ns"][rows])[proven]
        nr_unproven = int((hides[rows] & converse & ~proven).sum())
    stays = _stays(after, name)
    return Answers(answerer, reach_ns, stays, nr_unproven, _wakeup_cost(after), _is_preemptible(after))


class _Pairs:
    """Wakeups by (waker, woken): one number a pair, and sums over it."""

    def __init__(self, after: np.ndarray, woken: np.ndarray, nr_tasks: int):
        self._after = after
        key = after["waker"].astype(np.int64) * nr_tasks + woken
        keys, first, self._pair = np.unique(key, return_index=True, return_inverse=True)
        self._nr = len(keys)
        waker, self._woken = after["waker"][first].astype(np.int64), woken[first].astype(np.int64)
        self._waker = waker
        back = np.searchsorted(keys, self._woken * nr_tasks + waker)
        there = keys[np.minimum(back, self._nr - 1)] == self._woken * nr_tasks + waker
        self._back = np.where(there, np.minimum(back, self._nr - 1), NONE)

    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """For each wakeup who answers its waker, -1: that is not proven; and whether the two wake each other."""
        by, nr_by = self._dominant()
        nr_open = self._count(Then.STILL_BLOCKED)
        contrary = self._count(Then.WENT_ON) + self._count(Then.SLEPT) + self._count(Then.ANSWERED) - nr_by
        partner = (self._back >= 0) & (by[self._back] == self._waker)  # the other one waits for this one (H1)
        by = np.where((by < 0) & partner, self._woken, by)
        mutual = partner & (by == self._woken)
        proofs = nr_by + nr_open
        proofs = proofs + np.where(mutual, proofs[self._back], 0)
        proven = (by >= 0) & (proofs >= NR_PROOFS) & (contrary * CONTRARY <= proofs)
        return np.where(proven, by, NONE)[self._pair], (self._back >= 0)[self._pair]

    def _count(self, then: Then) -> np.ndarray:
        return np.bincount(self._pair[self._after["then"] == then], minlength=self._nr)

    def _dominant(self) -> tuple[np.ndarray, np.ndarray]:
        # of each pair who answered most, and how often
        seen = np.flatnonzero(self._after["then"] == Then.ANSWERED)
        order = np.lexsort((self._after["by"][seen], self._pair[seen]))
        pair, by = self._pair[seen][order], self._after["by"][seen][order].astype(np.int64)
        first = np.flatnonzero((np.diff(pair, prepend=-1) != 0) | (np.diff(by, prepend=-1) != 0))
        nr = np.diff(first, append=len(pair))
        best, count = np.full(self._nr, NONE, np.int64), np.zeros(self._nr, np.int64)
        ascending = np.argsort(nr, kind="stable")
        best[pair[first][ascending]] = by[first][ascending]
        count[pair[first][ascending]] = nr[ascending]
        return best, count

    def longest(self) -> np.ndarray:
        """For each wakeup how long its waker may have gone on before it was preempted (H3), ns."""
        blocked = self._after["left"] == Left.BLOCKED
        longest = np.zeros(self._nr, np.int64)
        np.maximum.at(longest, self._pair[blocked], self._after["ran_ns"][blocked].astype(np.int64))
        longest = np.maximum(longest, np.where(self._back >= 0, longest[self._back], 0))
        return SLACK * longest[self._pair]


    def typical(self) -> np.ndarray:
        """For each wakeup the median way to a block of its pair, or of the same pair the other way round, ns."""
        blocked = np.flatnonzero(self._after["left"] == Left.BLOCKED)
        way = self._after["ran_ns"][blocked].astype(np.int64)
        order = np.lexsort((way, self._pair[blocked]))
        pair, way = self._pair[blocked][order], way[order]
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        middle = first + (np.diff(first, append=len(pair)) - 1) // 2
        median = np.full(self._nr, NONE, np.int64)
        median[pair[first]] = way[middle]
        back = np.where(self._back >= 0, median[self._back], NONE)
        return np.maximum(np.where(median >= 0, median, back), 0)[self._pair]


def _stays(after: np.ndarray, name: np.ndarray) -> np.ndarray:
    # Medians by name; of a name of which too few were seen, the median of all.
    by_task = after["waker"] < NOBODY
    seen = np.flatnonzero(by_task & (after["left"] == Left.FOR_THE_WOKEN) & (after["ran_ns"] <= DELAY_NS_MAX))
    if not len(seen):
        return np.zeros(len(name), np.int64)
    ran_ns, of = after["ran_ns"][seen].astype(np.int64), name[after["waker"][seen]]
    order = np.lexsort((ran_ns, of))
    first = np.flatnonzero(np.diff(of[order], prepend=-2))
    nr = np.diff(first, append=len(of))
    by_name = np.full(int(name.max()) + 2, int(np.sort(ran_ns)[(len(ran_ns) - 1) // 2]), np.int64)
    enough = nr >= NR_DELAYS_MIN
    by_name[of[order][first[enough]]] = ran_ns[order][first[enough] + (nr[enough] - 1) // 2]
    return by_name[name]


def _wakeup_cost(after: np.ndarray) -> int | None:
    # Where the CPU was idle nothing hinders; elsewhere only those count that came at once. The lower quartile:
    # whatever else happens on the way makes it longer.
    came = (after["left"] == Left.FOR_THE_WOKEN) & (after["ran_ns"] <= DELAY_NS_MAX)
    for context in (IDLE, NOBODY):
        took = np.sort(after["ran_ns"][came & (after["waker"] == context)])
        if len(took) >= NR_INTERRUPTS_MIN:
            return int(took[(len(took) - 1) // 4])
    return None


def _is_preemptible(after: np.ndarray) -> bool | None:
    nr_preempted = int((after["then"] == Then.EXITED_LATER).sum())
    nr = nr_preempted + int((after["then"] == Then.EXITED).sum())
    return None if nr < NR_EXITS_MIN else nr_preempted > EXITS_PREEMPTED * nr
