"""A CPU for SimPy models: processes ask for CPU time and get it as a Linux scheduler would give it.

`clocks` says how the two clocks meet, `task` what a process may ask for, `events` what it waits for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import simpy

from ...errors import GroupError, StateError, WorkloadError
from ...limits import checked_hz
from ...models.registry import Model, model_named
from ...result import RUN_DTYPE, WAKEUP_DTYPE, Result
from ...scheduler._scheduler import Scheduler
from .clocks import UNITS, Clocks
from .task import Group, Task

__all__ = ["CPU"]


class CPU(Clocks[Task]):
    """A CPU (or some, without migration) of a SimPy model, under a Linux scheduler.

    Parameters
    ----------
    env : simpy.Environment
    model : str or Model, optional
        Which scheduler of which release; `cfs.MODELS` lists them.
    unit : {"s", "ms", "us", "ns"}, optional
        The unit of the environment's time.
    hz : int, optional
        Ticks a second, 1 ... 1 000 000.
    cpus : int, optional
        Number of CPUs. A task stays on the one that it was made for.
    group_by : {None, "uid", "cgroup"}, optional
    record : bool, optional
        Keep every run, for `result`: 40 bytes each.
    **tunables
        Any tunable or feature bit by its kernel name.

    Raises
    ------
    ModelError, TunableError
        No such model or tunable.
    WorkloadError
        No such unit, or `hz` out of its range.
    MissingExtraError
        At import: SimPy is not installed (extra ``simpy``).

    Notes
    -----
    A process sees one SimPy event for each piece of work. If another piece overtakes it, one stale event may
    remain, which does nothing (but ``env.run()`` without `until` runs until it). The runs equal those of
    `cfs.Simulation`.

    Examples
    --------
    >>> import simpy
    >>> env = simpy.Environment()
    >>> cpu = CPU(env, unit="ms")
    >>> def job(name, nice, work):
    ...     task = cpu.task(name=name, nice=nice)
    ...     yield task.run(work)
    ...     print(f"{name} has its {task.received:.0f} ms at {env.now:.0f} ms")
    >>> for name, nice, work in [("editor", 0, 60), ("compiler", 5, 60)]:
    ...     started = env.process(job(name, nice, work))
    >>> env.run()
    editor has its 60 ms at 80 ms
    compiler has its 60 ms at 120 ms
    """

    def __init__(
        self,
        env: simpy.Environment,
        model: str | Model = "linux-2.6.24-cfs",
        *,
        unit: str = "s",
        hz: int = 1000,
        cpus: int = 1,
        group_by: str | None = None,
        record: bool = False,
        **tunables: Any,
    ):
        if unit not in UNITS:
            raise WorkloadError(f"unit = {unit!r} is none of {', '.join(UNITS)}")
        hz = checked_hz(hz)
        model = model_named(model)
        scheduler = Scheduler(
            model, group_by=group_by, cpus=cpus, **model.tunables.of_hz(hz) | tunables
        )
        super().__init__(env, unit, scheduler, hz, record)

    # ------------------------------------------------------------------------------------------------- making

    def task(
        self,
        *,
        name: str | None = None,
        nice: int = 0,
        policy: str = "normal",
        group: Group | str | None = None,
        uid: int | None = None,
        cpu: int = 0,
    ) -> Task:
        """A new task, asleep: as if it had waited for work for a long time.

        Parameters
        ----------
        name : str, optional
        nice : int, optional
            -20 ... 19.
        policy : {"normal", "batch", "idle"}, optional
        group : Group or str, optional
            With ``group_by="cgroup"``.
        uid : int, optional
            With ``group_by="uid"``.
        cpu : int, optional

        Returns
        -------
        Task

        Raises
        ------
        StateError, GroupError
            A value is outside its range. Nothing has changed.
        """
        where = group._group if isinstance(group, Group) else group
        self._synchronise()
        handle = self._scheduler.adopt(name=name, nice=nice, policy=policy, uid=uid, group=where, cpu=cpu)
        task = Task(self, handle)
        self._tasks.append(task)
        return task

    def group(self, name: str, *, shares: int = 1024, parent: Group | str | None = None) -> Group:
        """A new control group, with ``group_by="cgroup"``; an existing one is returned as it is.

        Raises
        ------
        GroupError
            The CPU has no control groups.
        """
        if self._scheduler.group_by != "cgroup":
            raise GroupError("groups need CPU(..., group_by='cgroup')")
        if name in self._scheduler.groups:
            return Group(self, self._scheduler.groups[name])
        above = parent._group if isinstance(parent, Group) else parent
        self._synchronise()
        made = self._scheduler.create_group(name, shares=shares, parent=above, now_ns=self._live.now_ns)
        return Group(self, made)

    # -------------------------------------------------------------------------------------------------- facts

    @property
    def tasks(self) -> list[Task]:
        """The tasks, in the order of their creation; exited ones only with ``record=True``."""
        return [task for task in self._tasks if task is not None]

    def result(self) -> Result:
        """What has happened so far, as a `Result`, with tables, plots and JSON as for a simulation.

        Raises
        ------
        StateError
            The CPU was not made with ``record=True``.
        """
        if not self._record:
            raise StateError("a result needs CPU(..., record=True)")
        self._synchronise()
        runs = np.empty(self._live.nr_runs, RUN_DTYPE)
        self._live.write_runs(runs.view(np.uint8).reshape(-1))
        wakeups = np.empty(self._live.nr_wakeups, WAKEUP_DTYPE)
        self._live.write_wakeups(wakeups.view(np.uint8).reshape(-1))
        handles = [task._handle for task in self.tasks]
        grouped = self._scheduler.group_by is not None
        groups = [handle.group if grouped and handle.state != "dead" else None for handle in handles]
        return Result(
            model=self._scheduler.model.id,
            runs=runs,
            duration_ns=self._live.now_ns,
            pids=np.array([handle.id for handle in handles], np.int64),
            nice=np.array([0 if handle.state == "dead" else handle.nice for handle in handles], np.int64),
            names=[task.name for task in self.tasks],
            groups=["/" if group is None else group.name for group in groups],
            cpus=list(range(self._scheduler.cpus)),
            context_switches=sum(
                self._scheduler.cpu_fields(cpu)["nr_switches"] for cpu in range(self._scheduler.cpus)
            ),
            tunables=self._scheduler.tunables.as_dict(),
            shares={group.name: group.shares for group in groups if group is not None},
            group_by=self._scheduler.group_by,
            hz=self.hz,
            source="simpy",
            wakeups=wakeups,
        )
