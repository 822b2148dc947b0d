"""From runs and wakeups back to what a tracer would have written, in an order that can have happened.

What it decides: which events a result represents, and their order within one instant. A run begins with a
switch in, also a run that was found going on: a writer may leave that switch out. If the next run on its CPU
begins when it ends, there is one switch from the one to the other. Otherwise the idle task ran in between,
also if a task follows itself. `Result.wakeups` are the wakeups and forks, each in the context in which it was
raised: in that of the task that did it, or in an interrupt.

The order within an instant is the one in which runs began; a wakeup says how many had begun by then. A
recorded wakeup cannot say so: it comes before the runs that begin in its instant, but after its waker's run.
A switch to the idle task comes as late as possible: until then its task may have done something.

E1  Each run is one switch in and, unless the span ends first, one switch out of the same CPU.
E2  Events are in the order of time; within an instant a task is woken before it is switched in, and has left
    before it is woken again.
E3  A wakeup by a task is raised while that task runs, on its CPU. Where the runs do not say that it does, no
    other task is blamed: the wakeup is one from outside.
E4  A wait after a wakeup or a fork that `wakeups` does not have still begins with one, from outside.
E5  Of a part of a result no event lies before its beginning: of a wait that began before, the beginning is lost.
"""

from __future__ import annotations

import numpy as np

from ..result import NOBODY, Out, Ready, Result, Slept, WokenBy

__all__ = [
    "EVENT_DTYPE",
    "TRACED_DTYPE",
    "IDLE",
    "SWITCH",
    "WAKEUP",
    "FORK",
    "WAKING",
    "WOKEN",
    "events_of",
    "unique_pids",
]

IDLE = -1
"""Row of the idle task."""
ELSEWHERE = -1
"""A CPU that is none of the result's."""
SWITCH, WAKEUP, FORK, WAKING, WOKEN = 0, 1, 2, 3, 4
"""A wakeup is complete at once, except of a task that had not blocked yet: it is WAKING, and WOKEN when it
waits.
"""

TRACED_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),
        ("cpu", "<i4"),  # where it happens
        ("kind", "<i4"),
        ("prev", "<i4"),  # the task that ran there until now: a row of tasks, or IDLE
        ("task", "<i4"),  # the task that runs from now on, or is woken
        ("out", "<i4"),  # of a switch: how the run of `prev` ended
        ("slept", "<i4"),  # of a switch to a sleep: how `prev` sleeps, Slept
        ("waker", "<i4"),  # of a wakeup: the task that does it; of a fork: the parent; or IDLE
        ("cause", "<i4"),  # of a wakeup or fork: WokenBy
        ("target", "<i4"),  # of a wakeup or fork: the CPU where the task is put on a queue
    ]
)
EVENT_DTYPE = TRACED_DTYPE
"""Its name from before."""


def events_of(result: Result, from_ns: int = 0) -> np.ndarray:
    """The switches and wakeups that a result represents.

    Parameters
    ----------
    result : Result
    from_ns : int, optional
        Where it begins, ns, if it is a part: the events are those of a tracer that was started then (E5).

    Returns
    -------
    numpy.ndarray
        ``(nr_events,)`` of `TRACED_DTYPE`, in order (E2). The field `prev` of a wakeup is IDLE.

    Notes
    -----
    Cost O(runs log runs), about 2 µs a run.
    """
    return _Order(result, from_ns).events()


def _forget_before(runs: np.ndarray, from_ns: int) -> None:
    """The beginnings of waits that lie before (E5), or that begin with a run before."""
    first = np.zeros(len(runs), bool)
    first[np.unique(runs["task"], return_index=True)[1]] = True
    before = (runs["ready_ns"] < from_ns) | first & (runs["ready"] == Ready.PREEMPTED)
    runs["ready_ns"][before] = -1
    runs["ready"][before & (runs["ready"] != Ready.FOUND)] = Ready.UNKNOWN


class _Order:
    """Runs and wakeups in one order: each has a `rank`, and a wakeup the `place` of as many runs begun."""

    def __init__(self, result: Result, from_ns: int):
        order = np.argsort(result.runs["start_ns"], kind="stable")
        self.runs = result.runs[order]  # a copy
        if from_ns:
            _forget_before(self.runs, from_ns)
        self.nr = len(self.runs)
        self.task = self.runs["task"].astype(np.int64)
        self.cpu = self.runs["cpu"].astype(np.int64)
        self.task_at, self.cpu_at = np.append(self.task, -2), np.append(self.cpu, -2)  # the last: no run
        self.end_at = np.append(self.runs["end_ns"], -1)
        self.of_task = _Sorted(self.task, self.nr)
        self.of_cpu = _Sorted(self.cpu, self.nr)
        self.sleeps = result.sleeps
        self.wakeups = _wakeups_of(self, result)
        self.spare_cpu = result.cpus[0] if result.cpus else 0
        self.place = self._placed(self.wakeups)
        in_order = np.lexsort((self.wakeups["time_ns"], self.place))
        self.wakeups, self.place = self.wakeups[in_order], self.place[in_order]
        self.step = len(self.place) + 1  # between two runs there is a rank for each wakeup
        self.rank = self.place * self.step + np.arange(1, self.step)
        self.rank_of_run = np.arange(1, self.nr + 2) * self.step  # the last: never

    def _placed(self, rows: np.ndarray) -> np.ndarray:
        """The place of each wakeup: as it says if time does not contradict it, else as early as may be."""
        starts, known = self.runs["start_ns"], rows["nr_runs"].astype(np.int64)
        first, last = (np.searchsorted(starts, rows["time_ns"], side) for side in ("left", "right"))
        is_told = (known >= first) & (known <= last)
        return np.where(is_told, known, self._after_waker(rows, np.maximum(first, rows["least"]), last))

    def _after_waker(self, rows: np.ndarray, nr_runs: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Not before its waker runs, if it begins to in this instant."""
        comes = self.of_task.before(rows["waker"], last)
        is_late = (comes >= nr_runs) & (self.cpu_at[comes] == rows["cpu"])
        return np.where(is_late & ~self._is_there(rows, nr_runs), comes + 1, nr_runs)

    def _is_there(self, rows: np.ndarray, nr_runs: np.ndarray) -> np.ndarray:
        """Whether the waker runs where the wakeup is raised, when so many runs have begun."""
        now = self.of_cpu.before(rows["cpu"], nr_runs)
        return (self.task_at[now] == rows["waker"]) & (self.end_at[now] >= rows["time_ns"])

    def events(self) -> np.ndarray:
        ins, rank_in = self._ins()
        outs, rank_out = self._outs()
        wakeups = self._wakings()
        table = np.concatenate([outs, ins, wakeups])
        rank = np.concatenate([rank_out, rank_in, self.rank])
        is_out = np.repeat([0, 1], [len(outs), len(rank) - len(outs)])
        return table[np.lexsort((is_out, rank, table["time_ns"]))]

    def _ins(self) -> tuple[np.ndarray, np.ndarray]:
        runs, table = self.runs, np.zeros(self.nr, TRACED_DTYPE)
        table["time_ns"], table["cpu"], table["task"] = runs["start_ns"], self.cpu, self.task
        table["prev"] = table["waker"] = IDLE
        goes = np.flatnonzero(self._gives_way())
        comes = self.of_cpu.next[goes]
        table["prev"][comes], table["out"][comes] = self.task[goes], runs["out"][goes]
        table["slept"][comes] = self._slept()[goes]
        return table, self.rank_of_run[:-1]

    def _outs(self) -> tuple[np.ndarray, np.ndarray]:
        # to the idle task, before the next thing that cannot be while the task is there
        is_last = self.of_cpu.next == self.nr
        goes = np.flatnonzero(~self._gives_way() & ~(is_last & (self.runs["out"] == Out.RUNNING)))
        table = np.zeros(len(goes), TRACED_DTYPE)
        table["time_ns"], table["cpu"] = self.runs["end_ns"][goes], self.cpu[goes]
        table["prev"], table["out"] = self.task[goes], self.runs["out"][goes]
        table["task"] = table["waker"] = IDLE
        table["slept"] = self._slept()[goes]
        nexts = np.minimum(self.of_cpu.next, self.of_task.next)
        return table, np.minimum(self.rank_of_run[nexts], self._woken_at()[1])[goes]

    def _gives_way(self) -> np.ndarray:
        """Runs that end in a switch to the next one on their CPU."""
        next_ = np.minimum(self.of_cpu.next, self.nr - 1)
        follows = (self.runs["start_ns"][next_] == self.runs["end_ns"]) & (self.task[next_] != self.task)
        return follows & (self.of_cpu.next < self.nr)

    def _woken_at(self) -> tuple[np.ndarray, np.ndarray]:
        """For each run the rank of its task's first wakeup after it began; one too early does not count."""
        asleep = np.flatnonzero(self.wakeups["slept"] != Slept.NOT_YET)
        of_task = _Sorted(self.wakeups["task"][asleep], int(self.rank_of_run[-1]), self.rank[asleep])
        woken = np.append(asleep, len(self.wakeups))[of_task.after(self.task, self.rank_of_run[:-1])]
        return woken, np.append(self.rank, self.rank_of_run[-1])[woken]

    def _slept(self) -> np.ndarray:
        """How the task slept after each run: as `Result.sleeps` says, or the wakeup that ended it."""
        woken, rank = self._woken_at()
        ends_it = rank < self.rank_of_run[self.of_task.next]
        slept = np.where(ends_it, np.append(self.wakeups["slept"], 0)[woken], Slept.INTERRUPTIBLE)
        times, sleeps = np.unique(self.sleeps["time_ns"]), self.sleeps
        deep = _Sorted(sleeps["task"], len(times), np.searchsorted(times, sleeps["time_ns"]))
        number = np.searchsorted(times, self.runs["end_ns"], "right")  # of the last one by then, and 1
        last = deep.before(self.task, number)
        is_it = np.append(sleeps["time_ns"], -1)[last] == self.runs["end_ns"]
        slept = np.where(is_it, np.append(sleeps["slept"], 0)[last], slept)
        return np.where(self.runs["out"] == Out.BLOCKED, slept, Slept.INTERRUPTIBLE)

    def _wakings(self) -> np.ndarray:
        rows, table = self.wakeups, np.zeros(len(self.wakeups), TRACED_DTYPE)
        for name in ("time_ns", "kind", "task", "waker", "cause"):
            table[name] = rows[name]
        table["prev"] = IDLE
        table["target"] = self._target(rows)
        table["cpu"] = np.where(rows["cpu"] == ELSEWHERE, table["target"], rows["cpu"])
        blamed = (rows["cause"] == WokenBy.TASK) & ~self._is_there(rows, self.place)
        table["waker"][blamed], table["cause"][blamed] = IDLE, WokenBy.OUTSIDE
        return table

    def _target(self, rows: np.ndarray) -> np.ndarray:
        """Where the woken task runs next, or ran last; if it never did, where the wakeup was raised."""
        comes = self.of_task.after(rows["task"], self.place - 1)
        ran = self.of_task.before(rows["task"], self.place)
        nowhere = np.where(rows["cpu"] == ELSEWHERE, self.spare_cpu, rows["cpu"])
        return np.where(comes < self.nr, self.cpu_at[comes], np.where(ran >= 0, self.cpu_at[ran], nowhere))


class _Sorted:
    """Things that have an owner (a task, a CPU) and a place: the neighbours of a place, by owner."""

    def __init__(self, owner: np.ndarray, span: int, place: np.ndarray | None = None):
        self.span = span + 2
        place = np.arange(len(owner)) if place is None else place
        keys = (owner.astype(np.int64) + 1) * self.span + place
        self.order = np.argsort(keys, kind="stable")
        self.keys, self.owner = keys[self.order], owner[self.order]
        self.next = np.full(len(owner), len(owner))
        same = self.owner[1:] == self.owner[:-1]
        self.next[self.order[:-1][same]] = self.order[1:][same]

    def before(self, owner: np.ndarray, place: np.ndarray) -> np.ndarray:
        """The owner's last thing before a place, -1: there is none."""
        at = np.searchsorted(self.keys, (owner.astype(np.int64) + 1) * self.span + place) - 1
        is_there = (at >= 0) & (np.append(self.owner, -2)[at] == owner)
        return np.where(is_there, np.append(self.order, -1)[at], -1)

    def after(self, owner: np.ndarray, place: np.ndarray) -> np.ndarray:
        """The owner's first thing after a place, as many as there are: there is none."""
        at = np.searchsorted(self.keys, (owner.astype(np.int64) + 1) * self.span + place, "right")
        is_there = np.append(self.owner, -2)[at] == owner
        return np.where(is_there, np.append(self.order, 0)[at], len(self.order))


_ROW = np.dtype(
    [
        (name, "<i8")
        for name in ("time_ns", "task", "waker", "nr_runs", "cpu", "cause", "slept", "kind", "least")
    ]
)
"""A wakeup: the fields of WAKEUP_DTYPE, the kind of event, and how many runs began before it at the least."""


def _wakeups_of(order: _Order, result: Result) -> np.ndarray:
    """The wakeups of a result, and those that its waits begin with (E4, and the later half of early ones)."""
    known = np.zeros(len(result.wakeups), _ROW)
    for name in result.wakeups.dtype.names or ():
        known[name] = result.wakeups[name]
    known["kind"] = np.where(known["cause"] == WokenBy.FORK, FORK, WAKEUP)
    known["kind"][known["slept"] == Slept.NOT_YET] = WAKING
    known["cpu"][~np.isin(known["cpu"], result.cpus)] = ELSEWHERE
    return np.concatenate([known, _of_waits(order, known)])


def _of_waits(order: _Order, known: np.ndarray) -> np.ndarray:
    runs = order.runs
    waits = (runs["ready_ns"] >= 0) & ((runs["ready"] == Ready.WAKEUP) | (runs["ready"] == Ready.FORK))
    times, number = np.unique(np.concatenate([runs["ready_ns"], known["time_ns"]]), return_inverse=True)
    whole = known["kind"] != WAKING
    key = number[: order.nr] * (1 << 32) + order.task
    rows = np.flatnonzero(waits & ~np.isin(key, (number[order.nr :] * (1 << 32) + known["task"])[whole]))
    early = _Sorted(known["task"][~whole], len(times), number[order.nr :][~whole])
    before = np.full(order.nr, -1)
    before[order.of_task.next[order.of_task.next < order.nr]] = np.flatnonzero(order.of_task.next < order.nr)
    last = early.before(order.task[rows], number[: order.nr][rows] + 1)
    came_early = np.zeros(len(rows), bool)
    if len(early.order):
        # its first half fell into the run before
        began = np.append(runs["start_ns"], np.iinfo(np.int64).min)[before[rows]]
        came_early = (last >= 0) & (known["time_ns"][~whole][last] >= began)
    table = np.zeros(len(rows), _ROW)
    table["time_ns"], table["task"], table["cpu"] = runs["ready_ns"][rows], order.task[rows], order.cpu[rows]
    table["waker"], table["nr_runs"], table["least"] = NOBODY, -1, before[rows] + 1
    is_fork = runs["ready"][rows] == Ready.FORK
    table["cause"] = np.where(is_fork, WokenBy.FORK, WokenBy.OUTSIDE)
    table["kind"] = np.where(is_fork, FORK, np.where(came_early, WOKEN, WAKEUP))
    return table


def unique_pids(result: Result, events: np.ndarray) -> np.ndarray:
    """A pid for each task that no other one has at the same time.

    As in the kernel, a pid may be used again after an exit. A task without a usable pid gets a number above
    all others.

    Parameters
    ----------
    result : Result
    events : numpy.ndarray
        Of the result: `events_of`.

    Returns
    -------
    numpy.ndarray
        ``(nr_tasks,)`` int64, all positive.
    """
    pids = np.asarray(result.pids).astype(np.int64)
    first = np.full(len(pids), np.iinfo(np.int64).max)
    gone = np.full(len(pids), np.iinfo(np.int64).max)
    np.minimum.at(first, events["task"][events["task"] >= 0], events["time_ns"][events["task"] >= 0])
    exits = events[(events["kind"] == SWITCH) & (events["out"] == Out.EXITED)]
    gone[exits["prev"]] = exits["time_ns"]
    spare, free_from = int(pids.max(initial=0)) + 1, dict[int, int]()
    for task in np.lexsort((np.arange(len(pids)), first)).tolist():
        pid = int(pids[task])
        if pid <= 0 or free_from.get(pid, -1) >= first[task]:
            pid, spare = spare, spare + 1
        pids[task] = pid
        free_from[pid] = int(gone[task])
    return pids
