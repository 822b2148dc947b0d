"""The loop of `_sim` in plain Python, for a policy that is a Python class. Slow, but complete and easy to
read.

A policy has the event methods of `cfs.Scheduler`, with the same meaning:

    adopt(name=, nice=, policy=, cpu=) -> task      a task that slept before time began
    fork(now_ns=, name=, nice=, policy=, cpu=, start_cpu=) -> task
                                                    the running task's child; it becomes runnable
    wake(task, now_ns=, cpu=)   block(now_ns=, cpu=)   exit(now_ns=, cpu=)   yield_(now_ns=, cpu=)
    tick(now_ns=, cpu=)   set_nice(task, nice, now_ns=)
    current_on(cpu) -> task or None                 which task runs; may change in any event
    set_slice(task, slice_ns, now_ns=)              only if the workload has slices; of a child right after its fork
    preempt_disable(cpu=)   preempt_enable(now_ns=, cpu=)   resched_waits(cpu=) -> bool
                                                    without them every task is preempted at once

and its tasks may be any hashable objects. `Scheduler` itself is such a policy, so a test compares this loop
with the compiled one, run by run.

Each row of `workload.ops.OPERATIONS` has a method `_op_NAME` here, which performs it.

Order of what is due at one instant, as in `_sim`: tick < timer < release < end of a run; then by CPU, or by age of the
timer.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..limits import POLICIES
from ..platform import Platform
from ..result import NOBODY, RUN_DTYPE, WAKEUP_DTYPE, Out, Ready, Slept, WokenBy
from ..workload.ops import OPERATIONS, Op
from ..workload.workload import Workload

__all__ = ["Policy", "Stepper"]

NEVER = 2**64


@runtime_checkable
class Policy(Protocol):
    """The interface of a policy in Python: the event methods of `Scheduler`, with the same meaning.

    A task is whatever `adopt` and `fork` return; it must be hashable. Times are ns and never go back. An
    optional attribute `name` is used in titles.
    """

    def adopt(self, *, name: str, nice: int, policy: str, cpu: int) -> Any: ...
    def fork(self, *, now_ns: int, name: str, nice: int, policy: str, cpu: int, start_cpu: int) -> Any: ...
    def wake(self, task: Any, *, now_ns: int, cpu: int) -> Any: ...
    def block(self, *, now_ns: int, cpu: int) -> Any: ...
    def exit(self, *, now_ns: int, cpu: int) -> Any: ...
    def yield_(self, *, now_ns: int, cpu: int) -> Any: ...
    def tick(self, *, now_ns: int, cpu: int) -> Any: ...
    def set_nice(self, task: Any, nice: int, *, now_ns: int) -> Any: ...
    def current_on(self, cpu: int) -> Any: ...


@dataclass(eq=False)
class SteppedTask:
    """A task of the workload, and its place in its program."""

    row: int
    program: list[tuple[int, int, int]]  # (arg, target, kind)
    facts: dict[str, Any]  # name, nice, policy, cpu, and uid or group
    handle: Any = None  # the policy's task, once there is one
    next_op: int = 0
    remaining_ns: int = 0
    ready_ns: int = 0
    ready: Ready = Ready.WAKEUP
    out: Out = Out.PREEMPTED  # how its run ends if another task runs next
    wakeups: int = 0
    waiting: bool = False
    did: bool = False  # its last wake or put woke somebody, its last wait blocked: the last of these
    is_closing: bool = False  # it exits: nobody stands in its line any more
    has_served: bool = False  # the wait that comes next has admitted somebody already
    line: list[SteppedTask] = field(default_factory=list)  # of tasks whose `put` waits until this one has taken one
    stands_at: SteppedTask | None = None  # in whose line it stands
    since_ns: int = 0  # up to when its RUN has been accounted
    run_began: tuple[int, int, Ready] = (0, 0, Ready.UNKNOWN)  # (ready_ns, start_ns, ready) of its open run
    run_number: int = 0  # of its open run, in the order in which runs begin
    slice_ns: int = 0  # which it is given when it is forked; 0: its parent's


@dataclass(eq=False)
class SteppedCpu:
    """A CPU: the task whose run is open, since when, and the number of its next tick."""

    number: int
    current: SteppedTask | None = None
    start_ns: int = 0
    next_tick: int = 0
    stays_ns: int = 0  # until then its task, or an interrupt, is in the kernel
    is_held: bool = False  # the policy knows that
    release_ns: int = NEVER  # when a flag is acted on that waits until then


@dataclass(eq=False)
class Stepper:
    """A workload under a policy, one step after the other.

    Parameters
    ----------
    workload : Workload
        Checked, on CPUs 0, 1, ...
    policy : object
        Has the event methods of `Scheduler`.
    nr_cpus : int
    platform : Platform
        When it ticks, what it costs, whether tasks hold their CPUs.
    facts : list of dict
        Keyword arguments for `adopt` and `fork` of each task, besides its name, nice value, policy and CPU.
    """

    workload: Workload
    policy: Any
    nr_cpus: int
    platform: Platform
    facts: list[dict[str, Any]]
    now_ns: int = 0
    nr_switches: int = 0
    end: str = ""
    nr_runs: int = 0
    runs: list[tuple[int, ...]] = field(default_factory=list)  # each behind its number
    wakeups: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cpus = [SteppedCpu(number) for number in range(self.nr_cpus)]
        self._timers: list[tuple[int, int, SteppedTask]] = []
        can_hold = hasattr(self.policy, "preempt_disable")
        self._tasks_stay = can_hold and self.platform.preempt != "full"
        self._interrupt_ns = self.platform.wakeup_cost_ns if can_hold else 0
        self._seq = 0
        self._task_of: dict[Any, SteppedTask] = {}
        self._tasks = [self._make_task(row) for row in range(self.workload.nr_tasks)]
        for task in self._tasks:
            start_ns = int(self.workload.tasks["start_ns"][task.row])
            if start_ns >= 0:
                task.handle = self.policy.adopt(**task.facts)
                self._task_of[task.handle] = task
                self._push_timer(start_ns, task)
        self._nr_alive = len(self._timers)

    def _make_task(self, row: int) -> SteppedTask:
        spec = self.workload.tasks[row]
        facts = {
            "name": self.workload.name(row),
            "nice": int(spec["nice"]),
            "policy": POLICIES[spec["policy"]],
            "cpu": int(spec["cpu"]),
            **self.facts[row],
        }
        return SteppedTask(row, self.workload.program(row).tolist(), facts)

    def give_slices(self, slices: Mapping[int, int]) -> None:
        """Slices of their own for tasks (rows), by the policy's `set_slice`: now, or when they are forked."""
        for row, slice_ns in slices.items():
            if self._tasks[row].handle is None:
                self._tasks[row].slice_ns = slice_ns
            else:
                self.policy.set_slice(self._tasks[row].handle, slice_ns, now_ns=0)

    # --------------------------------------------------------------------------------------------------- runs

    def _note_switches(self) -> None:
        for cpu in self._cpus:
            handle = self.policy.current_on(cpu.number)
            task = None if handle is None else self._task_of[handle]
            if task is not cpu.current:
                self.nr_switches += 1
                self._switch(cpu, task)

    def _switch(self, cpu: SteppedCpu, task: SteppedTask | None) -> None:
        if cpu.current is None:
            cpu.next_tick = self.platform.next_tick(self.now_ns)
        else:
            self._close_run(cpu, cpu.current)
        cpu.current, cpu.start_ns = task, self.now_ns
        cpu.stays_ns, cpu.is_held, cpu.release_ns = 0, False, NEVER
        if task is not None:
            task.remaining_ns += self.platform.switch_cost_ns
            task.out = Out.PREEMPTED
            task.since_ns = self.now_ns
            task.run_began = (task.ready_ns, self.now_ns, task.ready)
            task.run_number = self.nr_runs
            self.nr_runs += 1

    def _close_run(self, cpu: SteppedCpu, task: SteppedTask) -> None:
        ready_ns, start_ns, ready = task.run_began
        self.runs.append(
            (task.run_number, ready_ns, start_ns, self.now_ns, task.row, cpu.number, ready, task.out)
        )
        if task.out == Out.PREEMPTED:
            task.remaining_ns -= self.now_ns - task.since_ns
            self._make_ready(task, Ready.PREEMPTED)

    def _make_ready(self, task: SteppedTask, ready: Ready) -> None:
        task.ready_ns, task.ready = self.now_ns, ready

    def _note_wakeup(self, task: SteppedTask, waker: int, cpu: int, cause: WokenBy) -> None:
        self._make_ready(task, Ready.FORK if cause == WokenBy.FORK else Ready.WAKEUP)
        row = (self.now_ns, task.row, waker, self.nr_runs, cpu, cause, Slept.INTERRUPTIBLE)
        self.wakeups.append(row)

    def _push_timer(self, time_ns: int, task: SteppedTask) -> None:
        heapq.heappush(self._timers, (time_ns, self._seq, task))
        self._seq += 1

    # -------------------------------------------------------------------------------------- who holds a CPU

    def _stay(self, cpu: SteppedCpu, time_ns: int) -> None:
        """Nobody is preempted on this CPU for this time: its task, or an interrupt, is in the kernel."""
        cpu.stays_ns = max(cpu.stays_ns, self.now_ns + time_ns)
        if cpu.stays_ns > self.now_ns and not cpu.is_held:
            self.policy.preempt_disable(cpu=cpu.number)
            cpu.is_held = True

    def _hold_flagged(self) -> None:
        """A CPU whose task is to be preempted, and holds it, is released when that is over."""
        for cpu in self._cpus:
            if cpu.is_held and cpu.release_ns == NEVER and self.policy.resched_waits(cpu=cpu.number):
                cpu.release_ns = cpu.stays_ns

    def _let_go(self) -> None:
        """Those who hold their CPU no longer, and nothing waits for it."""
        for cpu in self._cpus:
            if cpu.is_held and cpu.stays_ns <= self.now_ns and cpu.release_ns == NEVER:
                self.policy.preempt_enable(now_ns=self.now_ns, cpu=cpu.number)
                cpu.is_held = False

    def _release(self, cpu: SteppedCpu) -> None:
        cpu.release_ns = cpu.stays_ns if cpu.stays_ns > self.now_ns else NEVER
        if cpu.release_ns == NEVER:
            cpu.is_held = False
            self.policy.preempt_enable(now_ns=self.now_ns, cpu=cpu.number)

    # --------------------------------------------------------------------------------------------- operations

    def _wake(self, task: SteppedTask, cpu: int, cause: WokenBy, waker: int) -> None:
        self._note_wakeup(task, waker, cpu, cause)
        self.policy.wake(task.handle, now_ns=self.now_ns, cpu=cpu)

    def _block(self, cpu: SteppedCpu, task: SteppedTask) -> None:
        task.out = Out.BLOCKED
        self.policy.block(now_ns=self.now_ns, cpu=cpu.number)

    def _perform(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int, kind: int) -> None:
        getattr(self, f"_op_{OPERATIONS[kind].name}")(cpu, task, arg, target)
        self._finish_event()

    def _op_run(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        task.remaining_ns, task.since_ns = arg + (target if task.did else 0), self.now_ns

    def _op_wait(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        if not task.wakeups and not task.has_served:
            task.has_served = True
            if self._admit(cpu, task, task):
                task.next_op -= 1
                return
        task.has_served = False
        task.did = not task.wakeups
        if task.wakeups:
            task.wakeups -= 1
            self._admit(cpu, task, task)
            return
        task.waiting = True
        self._block(cpu, task)

    def _op_sleep(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        self._push_timer(self.now_ns + arg, task)
        self._block(cpu, task)

    def _op_sleep_until(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        if arg > self.now_ns:
            self._push_timer(arg, task)
            self._block(cpu, task)

    def _op_next(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        periods = max((self.now_ns - target) // arg + 1, 0)
        self._op_sleep_until(cpu, task, target + periods * arg, target)

    def _op_wake(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        woken = self._tasks[target]
        if self._tasks_stay:
            self._stay(cpu, arg)
        task.did = woken.waiting
        if not woken.waiting:
            woken.wakeups += 1
            return
        woken.waiting = False
        self._wake(woken, cpu.number, WokenBy.TASK, task.row)

    def _op_put(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        other = self._tasks[target]
        if other.wakeups and other.handle is not None and not other.is_closing and not _waits_for(other, task):
            other.line.append(task)
            task.stands_at = other
            task.next_op -= 1
            self._block(cpu, task)
            return
        self._op_wake(cpu, task, arg, target)
        if other.is_closing:
            self._admit(cpu, task, other)

    def _admit(self, cpu: SteppedCpu, task: SteppedTask, whose: SteppedTask) -> bool:
        """Let the first in the line of a task try again; is this task preempted by that?"""
        if not whose.line:
            return False
        first = whose.line.pop(0)
        first.stands_at = None
        self._wake(first, cpu.number, WokenBy.TASK, task.row)
        self._finish_event()
        return cpu.current is not task

    def _op_fork(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        child = self._tasks[target]
        if self._tasks_stay:
            self._stay(cpu, arg)
        self._note_wakeup(child, task.row, cpu.number, WokenBy.FORK)
        self._nr_alive += 1
        child.handle = self.policy.fork(
            now_ns=self.now_ns, **child.facts | {"cpu": cpu.number, "start_cpu": child.facts["cpu"]}
        )
        self._task_of[child.handle] = child
        if child.slice_ns:
            self._finish_event()
            self.policy.set_slice(child.handle, child.slice_ns, now_ns=self.now_ns)

    def _op_nice(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        self.policy.set_nice(task.handle, arg, now_ns=self.now_ns)

    def _op_yield(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        cpu.stays_ns, cpu.is_held, cpu.release_ns = 0, False, NEVER
        self.policy.yield_(now_ns=self.now_ns, cpu=cpu.number)

    def _op_loop(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        task.next_op = target

    def _op_exit(self, cpu: SteppedCpu, task: SteppedTask, arg: int, target: int) -> None:
        if not task.is_closing:
            task.is_closing = True
            if self._admit(cpu, task, task):
                task.next_op -= 1
                return
        task.out = Out.EXITED
        self._nr_alive -= 1
        self.policy.exit(now_ns=self.now_ns, cpu=cpu.number)

    # --------------------------------------------------------------------------------------------------- loop

    def run(self, until_ns: int) -> None:
        """Run up to (not including) `until_ns`, or until nothing can happen any more."""
        self.end = ""
        while not self.end:
            self._step(until_ns)

    def _finish_event(self) -> None:
        self._hold_flagged()
        self._note_switches()

    def _step(self, until_ns: int) -> None:
        busy = [cpu for cpu in self._cpus if cpu.current is not None]
        at_tick, tick_cpu = min(((self.platform.time_of_tick(c.next_tick), c.number) for c in busy), default=(NEVER, 0))
        at_end, end_cpu = min(
            (
                (cpu.current.since_ns + cpu.current.remaining_ns, cpu.number)
                for cpu in self._cpus
                if cpu.current is not None
            ),
            default=(NEVER, 0),
        )
        at_release, free_cpu = min((cpu.release_ns, cpu.number) for cpu in self._cpus)
        at_timer = self._timers[0][0] if self._timers else NEVER
        due = min(at_tick, at_timer, at_release, at_end)
        if due == NEVER or due >= until_ns:
            self._finish(due, until_ns)
            return
        self.now_ns = due
        self._let_go()
        if at_tick == due:
            self._cpus[tick_cpu].next_tick += 1
            self.policy.tick(now_ns=due, cpu=tick_cpu)
        elif at_timer == due:
            self._fire(heapq.heappop(self._timers)[2])
        elif at_release == due:
            self._release(self._cpus[free_cpu])
        else:
            self._run_program(self._cpus[end_cpu])
        self._finish_event()

    def _fire(self, task: SteppedTask) -> None:
        cpu = task.facts["cpu"]
        if self._interrupt_ns:
            self._stay(self._cpus[cpu], self._interrupt_ns)
        self._wake(task, cpu, WokenBy.TIMER, NOBODY)

    def _finish(self, due: int, until_ns: int) -> None:
        if due != NEVER:
            self.now_ns, self.end = until_ns, "duration"
        else:
            self.end = "stalled" if self._nr_alive else "finished"

    def _run_program(self, cpu: SteppedCpu) -> None:
        """Perform the operations of the running task, and of each that follows it, until one has a RUN to
        do."""
        if cpu.current is not None:
            cpu.current.remaining_ns, cpu.current.since_ns = 0, self.now_ns
        while cpu.current is not None and cpu.current.remaining_ns == 0:
            task = cpu.current
            op = task.program[task.next_op] if task.next_op < len(task.program) else (0, 0, Op.EXIT)
            task.next_op += 1
            self._perform(cpu, task, *op)

    def write_positions(self, out: np.ndarray) -> None:
        """For each task, the index in `ops` of its next operation."""
        out[:] = [int(self.workload.tasks["first_op"][task.row]) + task.next_op for task in self._tasks]

    def run_rows(self) -> np.ndarray:
        """The runs, ``(nr_runs,)`` of `RUN_DTYPE` in order of their starts; open ones end now."""
        still_open: list[tuple[int, ...]] = [
            (
                cpu.current.run_number,
                *self._opened(cpu.current),
                cpu.number,
                cpu.current.run_began[2],
                Out.RUNNING,
            )
            for cpu in self._cpus
            if cpu.current is not None
        ]
        return np.array([row[1:] for row in sorted(self.runs + still_open)], RUN_DTYPE)

    def wakeup_rows(self) -> np.ndarray:
        """The wakeups and forks, ``(nr_wakeups,)`` of `WAKEUP_DTYPE` in their order."""
        return np.array(self.wakeups, WAKEUP_DTYPE)

    def _opened(self, task: SteppedTask) -> tuple[int, int, int, int]:
        ready_ns, start_ns, _ = task.run_began
        return ready_ns, start_ns, self.now_ns, task.row


def _waits_for(who: SteppedTask | None, whom: SteppedTask) -> bool:
    """In a line, directly or through others."""
    while who is not None and who is not whom:
        who = who.stands_at
    return who is whom
