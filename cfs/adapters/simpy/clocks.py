"""Two clocks: SimPy's environment owns the time, and the machine of `_live` follows it.

What it decides: how they meet. `_live` says when the next change happens that a process can see, and one
SimPy event (the *alarm*) waits for that time. Ticks and preemptions happen in C and cost no SimPy event. A
process that finishes its work continues *inside* the alarm. If it asks for more before it yields anything
else, its task has never left the CPU; otherwise the task blocks at that instant.

Time is float (or int) in the environment and integer ns inside. A time that comes in is rounded to the
nearest ns. A time that goes out is remembered together with its ns, so nothing drifts. At one instant,
everything that other processes do comes first and the end of work last: alarms have a priority below
`simpy.events.NORMAL`.

Invariant:
    I1  an alarm is pending for the next change that a process will see, or earlier

Rejected: an event for each tick or each turn (slower than what it replaces); withdrawing a stale alarm (SimPy
has no way; it fires and does nothing); a task that blocks only when the queue of the instant is empty (two
events in place of one for each piece of work).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, cast

import simpy

from ...errors import WorkloadError
from ...scheduler._scheduler import Scheduler
from ...simulation._live import Live
from ...units import NS_PER

__all__ = ["Clocks", "Served", "UNITS"]

UNITS = {name: NS_PER[name] for name in ("s", "ms", "us", "ns")}
"""Names of the units that a time of the environment can be in, and their ns."""

LAST = simpy.events.EventPriority(2)
"""Priority of an alarm: after everything else of its instant (SimPy: 0 urgent, 1 normal)."""


class Served(Protocol):
    """What the alarm tells a task."""

    @property
    def _holds(self) -> bool: ...
    def _end_of_work(self) -> None: ...
    def _look_at_hold(self) -> None: ...


T = TypeVar("T", bound=Served)


class Clocks(Generic[T]):
    """The machine below an environment, and the alarm between them; the base of `CPU` and its tasks."""

    def __init__(self, env: simpy.Environment, unit: str, scheduler: Scheduler, hz: int, record: bool):
        self.env, self.hz, self.unit = env, hz, unit
        self._unit_ns = UNITS[unit]
        self._scheduler = scheduler
        self._live = Live(scheduler, hz, record)
        self._record = record
        self._tasks: list[T | None] = []  # by index; None: gone, and not recorded
        self._alarm: simpy.Event | None = None
        self._alarm_ns = 0
        self._delivering = False
        self._holding: list[T] = []  # tasks with a Hold, and some that had one
        self._known = (env.now, round(env.now * self._unit_ns))  # a time of the environment, and its exact ns
        self._live.forward(self._known[1])

    @property
    def scheduler(self) -> Scheduler:
        """The underlying `cfs.Scheduler`, brought up to now: read it, do not change it."""
        self._synchronise()
        return self._scheduler

    @property
    def now_ns(self) -> int:
        """The environment's time as exact ns."""
        return self._now_ns()

    def _task_on(self, cpu: int) -> T | None:
        index = self._live.running(cpu)
        return None if index < 0 else self._tasks[index]

    # --------------------------------------------------------------------------------------------- two clocks

    def _ns_of(self, time: float, what: str) -> int:
        if not (time >= 0 and math.isfinite(time)):
            raise WorkloadError(f"{what} = {time!r} must be a finite time of 0 or more")
        return round(time * self._unit_ns)

    def _now_ns(self) -> int:
        """The environment's time in ns: the exact value if we put it in, otherwise rounded; it never goes
        back."""
        now = self.env.now
        if now != self._known[0]:
            self._known = (now, max(round(now * self._unit_ns), self._known[1]))
        return max(self._known[1], self._live.now_ns)

    def _know(self, now_ns: int) -> None:
        """The event that fires now was scheduled for exactly `now_ns`."""
        self._known = (self.env.now, max(now_ns, self._live.now_ns))

    def _schedule(
        self, at_ns: int, priority: simpy.events.EventPriority, callback: Callable[[Any], None]
    ) -> simpy.Event:
        """An event that fires at `at_ns` and calls back."""
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        event.callbacks.append(callback)
        at = at_ns if self._unit_ns == 1 else at_ns / self._unit_ns
        self.env.schedule(event, priority, _delay(self.env.now, at))
        return event

    def _synchronise(self) -> None:
        """Bring the machine up to now."""
        self._live.forward(self._now_ns())

    def _enter(self) -> None:
        """Call before a change of the machine at this instant. While an alarm delivers, the machine is there
        already.
        """
        if not self._delivering:
            self._synchronise()

    def _leave(self) -> None:
        """Call after the change: find out what comes next."""
        self._look_at_holds()
        if not self._delivering:
            self._set_alarm(undisturbed=False)

    def _tell(self, event: Callable[[Scheduler, int], object]) -> None:
        """An event whose arguments the scheduler checks itself."""
        self._enter()
        event(self._scheduler, self._live.now_ns)
        self._live.note()
        self._leave()

    def _look_at_holds(self) -> None:
        if self._holding:
            self._holding = [task for task in self._holding if task._holds]
            for task in self._holding:
                task._look_at_hold()

    # ---------------------------------------------------------------------------------------------- the alarm

    def _set_alarm(self, *, undisturbed: bool) -> None:
        due_ns = self._live.peek(undisturbed)
        if due_ns is None or (self._alarm is not None and self._alarm_ns <= due_ns):
            return  # an earlier one looks again
        self._alarm, self._alarm_ns = self._schedule(due_ns, LAST, self._on_alarm), due_ns

    def _on_alarm(self, alarm: simpy.Event) -> None:
        if alarm is not self._alarm:
            return
        self._alarm = None
        self._know(self._alarm_ns)
        self._synchronise()
        self._delivering = True
        nothing = True
        try:
            self._look_at_holds()
            while (index := self._live.finished()) >= 0:
                nothing = False
                cast(Served, self._tasks[index])._end_of_work()  # it is there until it has exited
            self._look_at_holds()
        finally:
            self._delivering = False
            self._set_alarm(undisturbed=nothing)


def _delay(now: float, at: float) -> float:
    """The delay to add to `now` so that the sum is `at`, if floats allow it; never negative."""
    delay = max(at - now, 0)
    if now + delay == at:
        return delay
    near = (math.nextafter(delay, math.inf), math.nextafter(delay, 0))
    return next((other for other in near if now + other == at), delay)
