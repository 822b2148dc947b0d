"""Who caused a wakeup: the task in whose context it was recorded, a timer, or something else outside.

What it decides: one verdict a wakeup. `docs/concepts/wakeup-causes.md` gives the reasons and the measured
error.

A recording names the context of a wakeup: the task that was running. Either that task woke the other, or an
interrupt of it did, and perf does not say which. T is the woken task, C the context. The first rule that
applies decides:

R1  Interrupt flags of the format; the idle task, and threads that run interrupts (ksoftirqd), neither wake
    other tasks nor are woken by them. Not caused.
R2  T keeps time: KEEPS_TIME of its wakeups, and no fewer than NR_TIMED_MIN, are punctual in the same one of
    three ways: the first one after a TICK of the kernel's timer wheel; a SLEEP as long as its other ones;
    whole PERIODs after the one before. The last two are believed only if no program carries T's wakeups (R5).
    Not caused; the punctual ones are a timer's. A kernel worker needs no history: its wakeup after a tick is
    a timer's.
R3  C is an ancestor or a descendant of T: caused. (Children end, parents wait; a child of vfork wakes its
    parent.)
R4  T slept uninterruptibly (D): outside. (A disk is ready, in whoever's context.)
R5  No program carries T's wakeups: the part of them in the contexts of any one name exceeds its part of the
    CPU time by CARRIED at most. A task that was woken fewer than NR_TIMED_MIN times has no history: those of
    all such tasks of its name are taken together. Then, if T is a kernel worker, or if the tasks of C's name do not converse
    (they are hardly ever woken themselves): outside.
R6  Caused.

Contexts are taken together by name, as programs: a build has hundreds of compilers, each seen once.
Everything is vectorised: cost O(wakeups log wakeups).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from ._tracker import NUMBERS

__all__ = ["Cause", "Witness", "decide"]

PUNCTUAL_NS = 100_000  # slack of a sleeping thread (50 us by default) and the way through the interrupt
KEEPS_TIME = 0.6
NR_TIMED_MIN = 3
SLEEP_NS_MIN = 1_000_000  # what is shorter is a conversation, not a sleep
PERIOD_NS_MIN = 2_000_000  # 20 times PUNCTUAL_NS: a wakeup at random is punctual in 1 of 10 cases
TICKS_NS = (10_000_000, 4_000_000, 10_000_000 / 3)  # HZ 100, 250, 300; 1 ms is too short to show anything
CARRIED = 0.25
CONVERSES = 0.25  # own wakeups for each one in its context
GENERATIONS = 32
PORTION = 1 << 14  # wakeups looked at together

WAKE, FORK = NUMBERS["WAKE"], NUMBERS["FORK"]  # kinds in the wakeup table
IRQ_UNKNOWN, IRQ_NONE, IRQ_HARD = NUMBERS["IRQ_UNKNOWN"], NUMBERS["IRQ_NONE"], NUMBERS["IRQ_HARD"]
BLOCK_D, BLOCK_I = NUMBERS["BLOCK_D"], NUMBERS["BLOCK_I"]
NOBODY = NUMBERS["NOBODY"]

INTERRUPT_THREADS = ("ksoftirqd/", "ktimers/", "irq/", "irq_work/")
WORKERS = ("kworker/",)  # and whoever was seen to block in I


class Cause(enum.IntEnum):
    """Verdict on a wakeup."""

    CAUSED = NUMBERS["CAUSED"]
    TIMER = NUMBERS["TIMER"]
    OUTSIDE = NUMBERS["OUTSIDE"]


@dataclass
class Witness:
    """What the rules look at: one row a wakeup in all arrays but `parent` and `name`.

    Attributes
    ----------
    wakeups : numpy.ndarray
        ``(nr_wakeups,)`` of `WAKEUP_DTYPE`, in the order of time.
    share : numpy.ndarray
        ``(nr_wakeups,) float``: what part of the CPU's busy time the tasks of the context's name had.
    parent, name : numpy.ndarray
        ``(nr_tasks,) int``: row of the parent (-1: none), number of the name.
    names : list of str
        The names.
    start_ns : int
        CLOCK_MONOTONIC of time 0: ticks are whole multiples of their length in it.
    """

    wakeups: np.ndarray
    share: np.ndarray
    parent: np.ndarray
    name: np.ndarray
    names: list[str]
    start_ns: int

    def is_named(self, prefixes: tuple[str, ...]) -> np.ndarray:
        """For each task, whether its name begins with one of `prefixes`: ``(nr_tasks,) bool``."""
        return np.array([name.startswith(prefixes) for name in self.names], bool)[self.name]


def decide(seen: Witness) -> np.ndarray:
    """Who caused each wakeup.

    Parameters
    ----------
    seen : Witness
        The wakeups and what is known of the tasks.

    Returns
    -------
    numpy.ndarray
        ``(nr_wakeups,) uint8`` of `Cause`. Forks are CAUSED.
    """
    table = seen.wakeups
    task, context = table["task"], table["context"]
    flagged = table["irq"] != IRQ_UNKNOWN
    open_ = _in_task_context(seen, task, context)  # what no rule has decided yet
    carried = _is_carried(seen, task, context, open_)
    worker = _is_worker(seen, task)
    punctual, keeps_time = _timed(seen, task, worker, carried)
    caused = open_ & flagged | (table["kind"] == FORK)
    open_ &= ~flagged & ~punctual & ~keeps_time
    kin = _are_kin(task, context, seen.parent, open_)
    caused |= kin
    open_ &= ~kin & ((table["block"] & BLOCK_D) == 0)
    open_ &= carried | ~(worker | ~_converses(seen, task, context, open_))
    not_caused = np.where(punctual, Cause.TIMER, Cause.OUTSIDE)
    return np.where(caused | open_, Cause.CAUSED, not_caused).astype(np.uint8)


def _in_task_context(seen: Witness, task: np.ndarray, context: np.ndarray) -> np.ndarray:
    # R1
    runs_interrupts = seen.is_named(INTERRUPT_THREADS)
    by_task = (context < NOBODY) & (context != task) & (seen.wakeups["irq"] < IRQ_HARD)
    by_task[by_task] &= ~runs_interrupts[context[by_task]] & ~runs_interrupts[task[by_task]]
    return by_task


def _is_worker(seen: Witness, task: np.ndarray) -> np.ndarray:
    worker = seen.is_named(WORKERS)
    worker[task[(seen.wakeups["block"] & BLOCK_I) != 0]] = True
    return worker[task]


def _is_carried(seen: Witness, task: np.ndarray, context: np.ndarray, by_task: np.ndarray) -> np.ndarray:
    # R5: does one program do more of a task's wakeups than its part of the CPU time explains? Those in the
    # context of the idle task count as well: a task that is often woken there is woken by interrupts. A fork is no
    # wakeup, on neither side of the fraction.
    woken = seen.wakeups["kind"] != FORK
    subject = _subject(seen, task[woken])
    carried = np.zeros(int(subject.max(initial=0)) + 1, bool)
    nr = np.bincount(subject[task[woken]], minlength=len(carried))
    rows = np.flatnonzero(by_task & woken)
    rows = rows[np.argsort((subject[task[rows]] << 32) | seen.name[context[rows]], kind="stable")]
    target, name = subject[task[rows]], seen.name[context[rows]]
    first = np.flatnonzero((np.diff(target, prepend=-1) != 0) | (np.diff(name, prepend=-1) != 0))
    if len(first):
        target, count = target[first], np.diff(first, append=len(rows))
        excess = count / nr[target] - np.add.reduceat(seen.share[rows], first) / count
        carried[target[excess > CARRIED]] = True
    return carried[subject][task]


def _subject(seen: Witness, woken: np.ndarray) -> np.ndarray:
    # For each task what R5 judges: the task itself, or, if it was hardly ever woken and so has no history,
    # its program: a shell starts a new `sleep` each time.
    nr_tasks = len(seen.parent)
    by_name = np.bincount(woken, minlength=nr_tasks) < NR_TIMED_MIN
    return np.where(by_name, nr_tasks + seen.name, np.arange(nr_tasks)).astype(np.int64)


def _timed(
    seen: Witness, task: np.ndarray, worker: np.ndarray, carried: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    # R2: which wakeups are punctual, and which are of tasks that keep time. Sorted by task, without those of
    # tasks that cannot, and taken in portions of whole tasks, as the arrays in between are many.
    table = seen.wakeups
    punctual, keeps_time = np.zeros(len(table), bool), np.zeros(len(table), bool)
    rows = np.flatnonzero((table["kind"] == WAKE) & (table["irq"] != IRQ_NONE))
    rows = rows[np.argsort(task[rows], kind="stable")]
    time_ns = table["time_ns"][rows]
    tick = _tick(time_ns, seen.start_ns)
    rows = rows[_may_keep_time(task[rows], time_ns, table["slept_ns"][rows], worker[rows], carried[rows])]
    in_order, begin = task[rows], 0
    while begin < len(rows):
        last = in_order[min(begin + PORTION, len(rows)) - 1]
        end = int(np.searchsorted(in_order, last, "right"))
        _time_portion(seen, rows[begin:end], tick, worker, carried, punctual, keeps_time)
        begin = end
    return punctual, keeps_time


def _may_keep_time(
    task: np.ndarray, time_ns: np.ndarray, slept_ns: np.ndarray, worker: np.ndarray, carried: np.ndarray
) -> np.ndarray:
    # Rows in the order of the tasks: without those of tasks that are woken too often to keep time in any of
    # the three ways. Those who converse are most of a large recording, and are seen through at once.
    if not len(task):
        return np.zeros(0, bool)
    first = np.flatnonzero(np.diff(task, prepend=NOBODY))
    last = np.append(first[1:], len(task)) - 1
    nr = last - first + 1
    long_sleeps = np.add.reduceat(slept_ns >= SLEEP_NS_MIN, first, dtype=np.int64)
    close = np.diff(time_ns, prepend=time_ns[0]) < PERIOD_NS_MIN
    close[first] = True
    regular = (long_sleeps >= KEEPS_TIME * nr) | (np.add.reduceat(close, first, dtype=np.int64) <= _decile(nr))
    ticks = (time_ns[last] - time_ns[first]) / min(TICKS_NS) + 2  # no more than one wakeup is behind each
    keeps = (ticks >= KEEPS_TIME * nr) | regular & ~carried[first]
    return np.repeat(worker[first] | keeps & (nr >= NR_TIMED_MIN), nr)


def _decile(nr: np.ndarray) -> np.ndarray:
    # Place, in order, of the gap that a tenth of the gaps are shorter than.
    return np.minimum((nr + 9) // 10, nr - 1)


def _tick(time_ns: np.ndarray, start_ns: int) -> float:
    # The tick of the kernel: more wakeups come right after it than chance puts there.
    def lift(tick_ns: float) -> float:
        return np.count_nonzero(np.mod(time_ns + start_ns, tick_ns) < PUNCTUAL_NS) * tick_ns

    return max(TICKS_NS, key=lift)


def _time_portion(
    seen: Witness,
    rows: np.ndarray,
    tick: float,
    worker: np.ndarray,
    carried: np.ndarray,
    punctual: np.ndarray,
    keeps_time: np.ndarray,
) -> None:
    # Each task is a group of `rows`; the verdict is written to the last two arrays.
    task = seen.wakeups["task"][rows]
    first = np.flatnonzero(np.diff(task, prepend=NOBODY))
    nr = np.diff(first, append=len(rows))
    group = np.repeat(np.arange(len(first)), nr)
    time_ns, slept_ns = seen.wakeups["time_ns"][rows] + seen.start_ns, seen.wakeups["slept_ns"][rows]
    regular = [_sleeps_alike(slept_ns, group, nr), _comes_in_periods(time_ns, first, group, nr)]
    ways = [_is_on_tick(time_ns, tick_ns, first) for tick_ns in TICKS_NS]
    punctual[rows] |= worker[rows] & ways[TICKS_NS.index(tick)]
    for way in ways + [way & ~carried[rows] for way in regular]:
        keeps = (np.bincount(group, way) >= KEEPS_TIME * nr) & (nr >= NR_TIMED_MIN)
        punctual[rows] |= keeps[group] & way
        keeps_time[rows] |= keeps[group]


def _is_on_tick(time_ns: np.ndarray, tick_ns: float, first: np.ndarray) -> np.ndarray:
    # Behind a tick, and the only wakeup of the task that is: the timer wheel turns once a tick.
    number = time_ns // tick_ns
    new = np.diff(number, prepend=-1) != 0
    new[first] = True
    return new & (time_ns - number * tick_ns < PUNCTUAL_NS)


def _sleeps_alike(slept_ns: np.ndarray, group: np.ndarray, nr: np.ndarray) -> np.ndarray:
    # Sorted by (task, sleep), the sleeps within PUNCTUAL_NS of one are its neighbours; a quarter of all must
    # be.
    slept_ns = np.minimum(slept_ns, 1 << 40)  # 18 minutes; keeps the keys below in range
    order = np.lexsort((slept_ns, group))
    span = int(slept_ns.max()) + 4 * PUNCTUAL_NS
    key = group[order] * span + slept_ns[order] + 2 * PUNCTUAL_NS
    near = np.searchsorted(key, key + PUNCTUAL_NS, "right") - np.searchsorted(key, key - PUNCTUAL_NS, "left")
    alike = np.empty(len(group), bool)
    alike[order] = near >= np.maximum(nr[group[order]] / 4, NR_TIMED_MIN - 1)
    return alike & (slept_ns >= SLEEP_NS_MIN)


def _comes_in_periods(
    time_ns: np.ndarray, first: np.ndarray, group: np.ndarray, nr: np.ndarray
) -> np.ndarray:
    # The period is the gap that a tenth of the gaps are shorter than; who is late comes whole periods later.
    gap = np.diff(time_ns, prepend=time_ns[0])
    gap[first] = 0
    order = np.lexsort((gap, group))
    period = gap[order][first + _decile(nr)][group]
    whole = np.maximum(np.rint(gap / np.maximum(period, 1)), 1)
    punctual = (period >= PERIOD_NS_MIN) & (abs(gap - whole * period) <= PUNCTUAL_NS)
    punctual[first] = punctual[np.minimum(first + 1, len(gap) - 1)]
    return punctual


def _are_kin(task: np.ndarray, context: np.ndarray, parent: np.ndarray, open_: np.ndarray) -> np.ndarray:
    # R3: up from both, generation by generation; the root's parent is itself here.
    kin = np.zeros(len(task), bool)
    rows = np.flatnonzero(open_)
    up = np.where(parent < 0, np.arange(len(parent)), parent)
    elder_t, elder_c = task[rows], context[rows]
    for _ in range(GENERATIONS):
        older_t, older_c = up[elder_t], up[elder_c]
        if np.array_equal(older_t, elder_t) and np.array_equal(older_c, elder_c):
            break  # these have no parents: nor will the next ones
        elder_t, elder_c = older_t, older_c
        kin[rows] |= (elder_t == context[rows]) | (elder_c == task[rows])
    return kin


def _converses(seen: Witness, task: np.ndarray, context: np.ndarray, open_: np.ndarray) -> np.ndarray:
    # A task that wakes others by talking to them is woken in turn; a task that only computes is interrupted.
    name = np.zeros(len(task), np.int64)
    name[open_] = seen.name[context[open_]]
    nr_names = len(seen.names)
    in_context = np.bincount(name[open_], minlength=nr_names)
    own = np.bincount(seen.name[task[open_]], minlength=nr_names)
    return (own >= CONVERSES * in_context)[name]
