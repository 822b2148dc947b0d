"""What a process waits for: events that fire when a task has had its CPU time or its sleep, or gets its
CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from .clocks import Clocks

__all__ = ["Asker", "Hold", "Killed", "Run", "Sleep", "fire", "refuse"]


class Asker(Protocol):
    """The task of an event: the part of `Task`, which lies above, that this file needs."""

    cpu: Clocks
    name: str
    _index: int

    def run(self, work: float) -> Run: ...
    def sleep(self, delay: float) -> Sleep: ...
    def request(self) -> Hold: ...
    def release(self) -> None: ...
    def interrupt(self, cause: Any = None) -> None: ...
    def kill(self) -> None: ...
    def _left(self, hold: Hold) -> None: ...

    @property
    def alive(self) -> bool: ...
    @property
    def received_ns(self) -> int: ...
    @property
    def received(self) -> float: ...


@dataclass(frozen=True)
class Killed:
    """Cause of the `simpy.Interrupt` for a process that waits for a task when the task is killed.
    """

    task: Asker


class Run(simpy.Event):
    """Fires when its task has received the CPU time that was asked for. `Task.run` makes it.

    Attributes
    ----------
    task : Task
    work_ns : int
        The CPU time asked for, ns.
    """

    _left_ns: int | None = None  # set by an interrupt

    def __init__(self, task: Asker, work_ns: int):
        super().__init__(task.cpu.env)
        self.task, self.work_ns = task, work_ns

    @property
    def left_ns(self) -> int:
        """CPU time that the task has not received yet (after an interrupt: never will), ns."""
        if self._left_ns is not None or self.triggered:
            return self._left_ns or 0
        self.task.cpu._synchronise()
        return self.task.cpu._live.remaining_ns(self.task._index)


class Sleep(simpy.Event):
    """Fires when its time has passed. `Task.sleep` makes it."""

    def __init__(self, task: Asker, until_ns: int):
        super().__init__(task.cpu.env)
        self.task, self.until_ns = task, until_ns


class Hold(simpy.Event):
    """Fires when its task gets the CPU. `Task.request` makes it; as a context manager it releases at the end.

    Attributes
    ----------
    task : Task
    usage_since : float or None
        Environment time at which the task got the CPU.
    """

    def __init__(self, task: Asker):
        super().__init__(task.cpu.env)
        self.task = task
        self.usage_since: Any = None
        self._waiter = task.cpu.env.active_process

    def _lose(self, cause: Any) -> None:
        """Interrupt the process that has the CPU, through an event, because that process may be acting now.
        """
        process = self._waiter
        if process is not None:
            notice = simpy.Event(self.env)
            notice.callbacks.append(lambda _: _interrupt(process, cause))
            notice._ok, notice._value = True, None
            self.env.schedule(notice, simpy.events.URGENT)

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is not GeneratorExit:
            self.task._left(self)


def fire(event: simpy.Event) -> None:
    """Fire the event here, inside another one, as `Environment.step` would."""
    event._ok, event._value = True, event
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]  # as SimPy marks it
    for number, callback in enumerate(callbacks):
        try:
            callback(event)
        except simpy.core.StopSimulation:
            event.callbacks = callbacks[number + 1 :]
            event.env.schedule(event, simpy.events.URGENT)
            raise


def _interrupt(process: simpy.Process, cause: Any) -> None:
    if process.is_alive:
        process.interrupt(cause)


def refuse(event: simpy.Event, reason: simpy.Interrupt) -> None:
    """Let the event fail; if no process waits for it, that is no error."""
    event.fail(reason)
    if not event.callbacks:
        event.defused = True
