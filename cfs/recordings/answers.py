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
wakeup), and the answer where the task that answers blocked (`_walk.Programs`). What would be a hidden wait by H3, but
is not proven, is counted and told.

Some wakers wait for no answer but for room: who writes into a pipe or a socket that is full blocks until its reader
has taken something. The recording shows a write only if the reader slept, so nothing says how much lay there. Replayed
as wakeups that are counted, a writer would run ahead of its reader without end, and the reader would hardly ever sleep.

F1  Tasks of one name FEED those of another if they blocked NR_FED times or more and were then woken by a task that they
    had woken at some time, but not as the last one; and there were as many wakeups as such blocks.
F2  After their wakeups of such a task they did something else than that (they blocked and were woken by the same task,
    by a stranger, or by no task) in no more than one of CONTRARY cases.

Who feeds does not run ahead by more than one wakeup: as in the recording, each one found its task asleep (`Op.PUT`).

A waker that is preempted by the task that it woke was in the kernel until then: no kernel but a fully
preemptible one switches earlier. The median of that time, by name, is how long such tasks stay there.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ._tracker import NUMBERS
from ._wakers import pairs_of

__all__ = ["Answers", "Left", "Then", "decide"]

NR_PROOFS = 2
NR_FED = 10
CONTRARY = 10
SLACK = 2
NR_DELAYS_MIN = 3
DELAY_NS_MAX = 100_000
"""A preemption that comes later than this after the own wakeup has another reason."""

NONE = -1
PORTION = 1 << 18  # wakeups looked at together
IDLE, NOBODY = NUMBERS["IDLE"], NUMBERS["NOBODY"]
NR_INTERRUPTS_MIN = 10
NR_EXITS_MIN = 10
EXITS_PREEMPTED = 0.2
"""Of the tasks that wake another one on their way out: what part of them is preempted by it in a kernel that
can be preempted, at least."""

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
        ``(nr_wakeups,) uint32``: CPU time of such a waker from the wakeup to its wait.
    stay_ns : numpy.ndarray
        ``(nr_tasks,) int64``: how long a task stays in the kernel after a wakeup.
    nr_unproven : int
        Wakeups that may hide a wait, but prove nothing.
    feeds : numpy.ndarray
        ``(nr_wakeups,) uint8``: 1 where the waker feeds the woken task; empty if nobody feeds anybody.
    wakeup_cost_ns : int or None
        How long it takes from a wakeup in an interrupt until the task runs, if nothing hinders it: the lower quartile.
    is_preemptible : bool or None
        Are tasks preempted in the kernel? None: too few exits tell.
    """

    answerer: np.ndarray
    reach_ns: np.ndarray
    stay_ns: np.ndarray
    nr_unproven: int
    feeds: np.ndarray
    wakeup_cost_ns: int | None
    is_preemptible: bool | None


def decide(after: np.ndarray, name: np.ndarray) -> Answers:
    """Find the hidden waits.

    Parameters
    ----------
    after : numpy.ndarray
        ``(nr_wakeups,)`` of `_wakers.AFTER_DTYPE`.
    name : numpy.ndarray
        ``(nr_tasks,) int``: number of the name of each task.

    Returns
    -------
    Answers
        Its first two arrays are empty if nothing is hidden.
    """
    answerer, reach_ns, nr_unproven = np.zeros(0, np.int32), np.zeros(0, np.uint32), 0
    pairs = cache(lambda: pairs_of(after))  # two rules ask for them, or none
    feeds = _feeds(after, name, pairs)
    if _hides(after).any():
        answerer, reach_ns, nr_unproven = _hidden(after, _Pairs(after, *pairs()))
    return Answers(
        answerer,
        reach_ns,
        _stays(after, name),
        nr_unproven,
        feeds,
        _wakeup_cost(after),
        _is_preemptible(after),
    )


def _hides(after: np.ndarray) -> np.ndarray:
    """Which wakeups may hide a wait."""
    return (after["then"] == Then.WENT_ON_LATER) & (after["left"] == Left.FOR_THE_WOKEN)


def _hidden(after: np.ndarray, pairs: _Pairs) -> tuple[np.ndarray, np.ndarray, int]:
    """Who answers unseen, how far it is to the wait, and how many wakeups prove nothing; portion by portion."""
    answerer, reach_ns = np.full(len(after), NONE, np.int32), np.zeros(len(after), np.uint32)
    nr_hidden = nr_unproven = 0
    for begin in range(0, len(after), PORTION):
        part, pair = after[begin : begin + PORTION], pairs.number[begin : begin + PORTION]
        rows = np.flatnonzero(_hides(part) & (pair >= 0))
        pair, part = pair[rows], part[rows]
        proven = (pairs.expected[pair] >= 0) & (part["ran_ns"] <= pairs.latest_ns[pair])
        rows, nr_unproven = rows[proven], nr_unproven + int((pairs.converse[pair] & ~proven).sum())
        answerer[begin + rows] = pairs.expected[pair[proven]]
        reach_ns[begin + rows] = np.minimum(pairs.typical_ns[pair[proven]], part["more"][proven])
        nr_hidden += len(rows)
    if not nr_hidden:
        answerer, reach_ns = answerer[:0].copy(), reach_ns[:0].copy()
    return answerer, reach_ns, nr_unproven


def _feeds(after: np.ndarray, name: np.ndarray, pairs: Callable[[], tuple[np.ndarray, ...]]) -> np.ndarray:
    """Which wakeups are of a task that the waker feeds (F1, F2)."""
    blocked = after[(after["then"] == Then.ANSWERED) | (after["then"] == Then.SLEPT)]
    blocked = blocked[_is_between_tasks(blocked)]
    fed = _for_room(blocked, pairs)
    of_names, place = np.unique(
        _names_of(name, blocked["waker"], np.where(fed, blocked["more"], blocked["woken"])), return_inverse=True
    )
    nr, nr_fed = (np.bincount(place[rows], minlength=len(of_names)) for rows in (slice(None), fed))
    feeding = (nr_fed >= NR_FED) & ((nr - nr_fed) * CONTRARY <= nr_fed)
    return _wakeups_of_names(after, name, of_names[feeding], nr_fed[feeding])


def _wakeups_of_names(after: np.ndarray, name: np.ndarray, of_names: np.ndarray, least: np.ndarray) -> np.ndarray:
    """1 for the wakeups between tasks of these names, if there are at least so many; portion by portion."""
    if not len(of_names):
        return np.zeros(0, np.uint8)
    place = np.full(len(after), len(of_names), np.min_scalar_type(len(of_names)))
    for begin in range(0, len(after), PORTION):
        part = after[begin : begin + PORTION]
        rows = np.flatnonzero(_is_between_tasks(part))
        key = _names_of(name, part["waker"][rows], part["woken"][rows])
        at = np.minimum(np.searchsorted(of_names, key), len(of_names) - 1)
        place[begin + rows] = np.where(of_names[at] == key, at, len(of_names))
    enough = np.append(np.bincount(place, minlength=len(of_names) + 1)[:-1] >= least, False)
    return enough[place].view(np.uint8) if enough.any() else np.zeros(0, np.uint8)


def _is_between_tasks(after: np.ndarray) -> np.ndarray:
    return (after["waker"] < NOBODY) & (after["woken"] < NOBODY)


def _for_room(blocked: np.ndarray, pairs: Callable[[], tuple[np.ndarray, ...]]) -> np.ndarray:
    """Which blocks ended when a task that this one wakes took something: not the one that it woke last (F1)."""
    by = blocked["more"]
    rows = np.flatnonzero((blocked["then"] == Then.ANSWERED) & (by < NOBODY) & (by != blocked["woken"]))
    fed = np.zeros(len(blocked), bool)
    if len(rows) >= NR_FED:
        _, waker, woken = pairs()
        fed[rows] = _places_of(blocked["waker"][rows], by[rows], waker, woken) >= 0
    return fed


def _names_of(name: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The names of two tasks as one number."""
    return (name[one].astype(np.int64) + 1) << 32 | (name[other].astype(np.int64) + 1)


class _Pairs:
    """Wakeups by (waker, woken), and what is known of each pair.

    Attributes
    ----------
    number : numpy.ndarray
        ``(nr_wakeups,) int32``: the pair of each, -1: of none.
    expected : numpy.ndarray
        ``(nr_pairs,) int32``: who answers the waker, -1: that is not proven.
    converse : numpy.ndarray
        ``(nr_pairs,) bool``: whether each of the two wakes the other one.
    latest_ns, typical_ns : numpy.ndarray
        ``(nr_pairs,) int64``: how long the waker may go on before it is preempted (H3), and the median of its ways
        to a block; those of the other one where its own was never seen.
    """

    def __init__(self, after: np.ndarray, number: np.ndarray, waker: np.ndarray, woken: np.ndarray):
        self.number = number
        self._nr = len(waker)
        self._back = _places_of(woken, waker, waker, woken)
        self.converse = self._back >= 0
        self.expected = self._expected(after, waker.astype(np.int64), woken.astype(np.int64))
        self.latest_ns, self.typical_ns = self._ways(after)

    def _expected(self, after: np.ndarray, waker: np.ndarray, woken: np.ndarray) -> np.ndarray:
        by, nr_by = self._dominant(after)
        nr_then = self._counts(after)
        contrary = nr_then[Then.WENT_ON] + nr_then[Then.SLEPT] + nr_then[Then.ANSWERED] - nr_by
        partner = self.converse & (by[self._back] == waker)  # the other one waits for this one (H1)
        by = np.where((by < 0) & partner, woken, by)
        proofs = nr_by + nr_then[Then.STILL_BLOCKED]
        proofs = proofs + np.where(partner & (by == woken), proofs[self._back], 0)
        proven = (by >= 0) & (proofs >= NR_PROOFS) & (contrary * CONTRARY <= proofs)
        return np.where(proven, by, NONE).astype(np.int32)

    def _counts(self, after: np.ndarray) -> np.ndarray:
        """How often each thing came after a wakeup of each pair, ``(len(Then), nr_pairs)``."""
        counts = np.zeros(len(Then) * self._nr, np.int64)
        for begin in range(0, len(after), PORTION):
            pair, then = self.number[begin : begin + PORTION], after["then"][begin : begin + PORTION]
            key = then[pair >= 0].astype(np.int64) * self._nr + pair[pair >= 0]
            counts += np.bincount(key, minlength=len(counts))
        return counts.reshape(len(Then), self._nr)

    def _dominant(self, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each pair who answered most, and how often."""
        seen = np.flatnonzero((after["then"] == Then.ANSWERED) & (self.number >= 0))
        key, nr = np.unique(
            self.number[seen].astype(np.uint64) << np.uint64(32) | after["more"][seen], return_counts=True
        )
        pair, by = (key >> np.uint64(32)).astype(np.int64), (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
        best, count = np.full(self._nr, NONE, np.int64), np.zeros(self._nr, np.int64)
        ascending = np.argsort(nr, kind="stable")
        best[pair[ascending]], count[pair[ascending]] = by[ascending], nr[ascending]
        return best, count

    def _ways(self, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """SLACK times the longest way to a block, and the median one."""
        blocked = np.flatnonzero((after["left"] == Left.BLOCKED) & (self.number >= 0))
        key = np.sort(self.number[blocked].astype(np.int64) << 32 | after["ran_ns"][blocked])
        pair, way = key >> 32, key & 0xFFFFFFFF
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        nr = np.diff(first, append=len(pair))
        longest, median = np.full((2, self._nr), NONE, np.int64)
        longest[pair[first]] = way[first + nr - 1]
        median[pair[first]] = way[first + (nr - 1) // 2]
        back = np.where(self.converse, self._back, 0)
        longest = np.maximum(longest, np.where(self.converse, longest[back], NONE))
        median = np.where((median < 0) & self.converse, median[back], median)
        return SLACK * np.maximum(longest, 0), np.maximum(median, 0)


def _places_of(waker: np.ndarray, woken: np.ndarray, wakers: np.ndarray, wokens: np.ndarray) -> np.ndarray:
    """Where each pair stands among some pairs, -1: it is none of them."""
    shift = np.uint64(32)
    keys = wakers.astype(np.uint64) << shift | wokens
    order = np.argsort(keys)
    wanted = waker.astype(np.uint64) << shift | woken
    place = np.minimum(np.searchsorted(keys[order], wanted), max(len(keys) - 1, 0))
    return np.where(keys[order][place] == wanted, order[place], NONE) if len(keys) else np.zeros(0, np.int64)


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
    by_name = np.full(int(name.max()) + 1, int(np.sort(ran_ns)[(len(ran_ns) - 1) // 2]), np.int64)
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
