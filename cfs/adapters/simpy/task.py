"""What a process asks for: tasks of a `CPU`, and groups, each with one weight for all its tasks.

Invariants:
    I1  a task has at most one request at a time: a run, a sleep, or a hold
    I2  a task receives exactly the CPU time that was asked for, to the ns
"""

from __future__ import annotations

from typing import Any

import simpy
from simpy.resources.resource import Preempted

from ...errors import StateError, WorkloadError
from ...limits import FOREVER_NS
from ...scheduler._handles import Task as Handle
from ...scheduler._handles import TaskGroup
from .clocks import Clocks
from .events import Hold, Killed, Run, Sleep, fire, refuse

__all__ = ["Group", "Task"]

HOLD_NS = FOREVER_NS
"""Work of a task that holds its CPU until it is released."""


class Group:
    """A control group, or a user, with one weight for all its tasks. `CPU.group` makes it."""

    def __init__(self, cpu: Clocks, group: TaskGroup):
        self.cpu, self._group = cpu, group

    @property
    def name(self) -> str:
        """Its name."""
        return self._group.name

    @property
    def shares(self) -> int:
        """Its weight; a write takes effect now."""
        return self._group.shares

    @shares.setter
    def shares(self, value: int) -> None:
        self.cpu._tell(lambda sched, now_ns: sched.set_shares(self._group, value, now_ns=now_ns))

    def __repr__(self) -> str:
        return f"<Group {self.name!r} shares {self.shares}>"


class Task:
    """A task of a `CPU`, which a process asks for CPU time. `CPU.task` makes it.

    Attributes
    ----------
    cpu : CPU
    name : str
    """

    def __init__(self, cpu: Clocks, handle: Handle):
        self.cpu, self.name, self._handle = cpu, handle.name, handle
        self._index = cpu._live.add(handle)
        self._request: Run | Sleep | Hold | None = None
        self._killed = False

    # ----------------------------------------------------------------------------------------------- CPU time

    def run(self, work: float) -> Run:
        """An event that fires when the task has received this much more CPU time.

        Parameters
        ----------
        work : float or int
            CPU time, in units of the environment; rounded to ns.

        Returns
        -------
        Run

        Raises
        ------
        StateError
            The task was killed, or waits for something else.
        WorkloadError
            `work` is negative or not finite.

        Notes
        -----
        Cost: one SimPy event when it fires, and the ticks until then, some tens of ns each, twice.
        """
        work_ns = self.cpu._ns_of(work, "work")
        if work_ns >= HOLD_NS:
            raise WorkloadError(f"work = {work} is more than 2**62 ns")
        self._require_free()
        self.cpu._enter()
        self.cpu._live.give(self._index, work_ns)
        self._request = run = Run(self, work_ns)
        self.cpu._leave()
        return run

    def sleep(self, delay: float) -> Sleep:
        """Leave the CPU; an event that fires after this time, in units of the environment.

        The task becomes runnable with its next `run` or `request`.
        """
        delay_ns = self.cpu._ns_of(delay, "delay")
        self._require_free()
        self.cpu._enter()
        self.cpu._live.block(self._index)
        self._request = sleep = Sleep(self, self.cpu._live.now_ns + delay_ns)
        self.cpu._leave()
        self.cpu._schedule(sleep.until_ns, simpy.events.NORMAL, lambda _: self._awake(sleep))
        return sleep

    def _awake(self, sleep: Sleep) -> None:
        self.cpu._know(sleep.until_ns)
        if self._request is sleep:  # not interrupted
            self._request = None
            fire(sleep)

    def request(self) -> Hold:
        """An event that fires when the task gets its CPU. The task keeps it until `release` or a preemption.

        As with `simpy.PreemptiveResource`, the process that asked is interrupted with a `Preempted` cause
        when the scheduler takes the CPU away. It must ask again; if it does so at once, it keeps its place in
        the queue.
        """
        self._require_free()
        self.cpu._enter()
        self.cpu._live.give(self._index, HOLD_NS, True)
        self._request = hold = Hold(self)
        self.cpu._holding.append(self)
        self.cpu._leave()
        return hold

    def release(self) -> None:
        """Give the CPU back, or withdraw a request that has not been granted. Without a request: nothing."""
        if isinstance(self._request, Hold):
            self._request = None
            self.cpu._enter()
            self.cpu._live.block(self._index)
            self.cpu._leave()

    def _left(self, hold: Hold) -> None:
        if self._request is hold:  # not preempted
            self.release()

    def _require_free(self) -> None:
        if self._killed:
            raise StateError(f"{self!r} was killed")
        if self._request is not None:
            raise StateError(f"{self!r} waits for {type(self._request).__name__} already")

    # ------------------------------------------------------------------------------------------- interference

    def interrupt(self, cause: Any = None) -> None:
        """End what the task waits for: the process that yielded it gets ``simpy.Interrupt(cause)`` now.

        The task keeps the CPU time that it has received; ``run.left_ns`` says what is missing. If the task
        has its CPU, it blocks unless its process asks for more at this instant. If it waits in the queue, it
        keeps its place that long.

        Raises
        ------
        StateError
            The task waits for nothing.
        """
        if self._request is None:
            raise StateError(f"{self!r} waits for nothing that could be interrupted")
        self.cpu._enter()
        self._withdraw(simpy.Interrupt(cause))
        self.cpu._leave()

    def kill(self) -> None:
        """End the task, as SIGKILL does: at once if it runs, otherwise when it gets its CPU for the last
        time.

        A process that waits for it gets ``simpy.Interrupt(Killed(task))``. If the process does not catch it,
        it ends the process and the run of the environment, as any interrupt does. Killing twice does nothing.
        """
        if not self.alive:
            return
        self._killed = True
        live = self.cpu._live
        self.cpu._enter()
        self._withdraw(simpy.Interrupt(Killed(self)))
        if live.is_running(self._index):
            self._exit()
        elif live.is_blocked(self._index):
            live.give(self._index, 0)
        self.cpu._leave()

    def _exit(self) -> None:
        self.cpu._live.exit(self._index)
        if not self.cpu._record:  # a model may make a task for each request: forget those that are gone
            self.cpu._tasks[self._index] = None

    def _withdraw(self, reason: simpy.Interrupt) -> None:
        request, self._request = self._request, None
        live = self.cpu._live
        if isinstance(request, Run):
            request._left_ns = live.remaining_ns(self._index)
        live.withdraw(self._index)
        if isinstance(request, Hold) and request.triggered:
            request._lose(reason.cause)
        elif request is not None:
            refuse(request, reason)

    # -------------------------------------------------------------------------------------------------- facts

    @property
    def alive(self) -> bool:
        """False from `kill` on."""
        return not self._killed

    @property
    def running(self) -> bool:
        """Does the task have its CPU now?"""
        self.cpu._synchronise()
        return self.cpu._live.is_running(self._index)

    @property
    def nice(self) -> int:
        """Nice value, -20 ... 19; a write renices the task now."""
        return self._handle.nice

    @nice.setter
    def nice(self, value: int) -> None:
        self.cpu._tell(lambda sched, now_ns: sched.set_nice(self._handle, value, now_ns=now_ns))

    @property
    def policy(self) -> str:
        """ "normal", "batch" or "idle"; a write takes effect now."""
        return self._handle.policy

    @policy.setter
    def policy(self, value: str) -> None:
        self.cpu._tell(lambda sched, now_ns: sched.set_policy(self._handle, value, now_ns=now_ns))

    def move(self, group: Group | str) -> None:
        """Move it to another control group now."""
        where = group._group if isinstance(group, Group) else group
        self.cpu._tell(lambda sched, now_ns: sched.move(self._handle, group=where, now_ns=now_ns))

    @property
    def received_ns(self) -> int:
        """CPU time received up to now, ns."""
        self.cpu._synchronise()
        return self.cpu._live.received_ns(self._index)

    @property
    def received(self) -> float:
        """CPU time received up to now, in units of the environment."""
        return self.received_ns / self.cpu._unit_ns

    @property
    def handle(self) -> Handle:
        """The underlying `cfs.Task`, brought up to now: read it (vruntime, fields), do not change it."""
        self.cpu._synchronise()
        return self._handle

    def __repr__(self) -> str:
        return f"<Task {self.name!r} of a CPU under {self.cpu.scheduler.model.id}>"

    # ----------------------------------------------------------------------------------- what the alarm tells

    @property
    def _holds(self) -> bool:
        return isinstance(self._request, Hold)

    def _end_of_work(self) -> None:
        """The work is done and the task still has its CPU: its process continues, then the task blocks or
        does more.
        """
        if self._killed:
            self._exit()
            return
        request, self._request = self._request, None
        try:
            if request is not None:
                fire(request)
        finally:
            if self._request is None and self.cpu._live.is_running(self._index):
                self.cpu._live.block(self._index)

    def _look_at_hold(self) -> None:
        """Tell its process that it has got the CPU, or lost it."""
        hold = self._request
        if not isinstance(hold, Hold):
            return
        if self.cpu._live.is_running(self._index):
            if not hold.triggered:
                hold.usage_since = self.cpu.env.now
                hold.succeed(hold)
        elif hold.triggered:
            by: Any = self.cpu._task_on(self._handle.cpu)  # SimPy has a process and a resource there
            cpu: Any = self.cpu
            self._withdraw(simpy.Interrupt(Preempted(by, hold.usage_since, cpu)))
