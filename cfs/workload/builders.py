"""Builders of the classics: workloads that nobody recorded.

A builder writes one `TaskPlan` for each task and calls `of_plans` to make the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..limits import FOREVER_NS
from .ops import Op, checked
from .plans import Draws, TaskPlan, of_plans
from .workload import Workload

__all__ = ["build", "fork_loop", "half_sleepers", "hogs", "periodic", "ring", "sleepers"]


def hogs(nr: int, *, name: str = "hog", duration_ns: int = 0, **facts: Any) -> Workload:
    """Tasks that compute forever.

    Parameters
    ----------
    nr : int
        How many.
    name : str, optional
        Name of all of them.
    duration_ns : int, optional
        Span of the workload, ns; needed if it is not merged with one that has a span.
    **facts
        Of every task, if it differs: ``nice``, ``uid``, ``group``, ``cpu``, ``policy``, ``start_ns`` (see
        `TaskPlan`).

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    Two hogs and a nice one; their weights are 1024, 1024 and 335:

    >>> work = hogs(2, duration_ns=10**10).merged(hogs(1, nice=5, name="nice hog"))
    >>> work.run().stats()["share"].round(2).tolist()
    [0.43, 0.43, 0.14]
    """
    return _alike(nr, name, facts, duration_ns, [(FOREVER_NS, 0, Op.RUN)])


def sleepers(
    nr: int,
    *,
    run_ns: int = 1_000_000,
    sleep_ns: int = 9_000_000,
    name: str = "sleeper",
    duration_ns: int = 0,
    **facts: Any,
) -> Workload:
    """Tasks that compute for a while, then sleep, and so on forever.

    Parameters
    ----------
    nr : int
        How many.
    run_ns : int, optional
        CPU time between two sleeps, ns.
    sleep_ns : int, optional
        Length of each sleep, ns, counted from when the task blocks.
    name, duration_ns, **facts
        As for `hogs`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> sleepers(1, duration_ns=10**9).run().busy_ns
    100000000
    """
    checked("run_ns", run_ns, 1, FOREVER_NS)
    checked("sleep_ns", sleep_ns, 0, FOREVER_NS)
    ops: list[tuple[int, int, int]] = [(run_ns, 0, Op.RUN), (sleep_ns, 0, Op.SLEEP), (0, 0, Op.LOOP)]
    return _alike(nr, name, facts, duration_ns, ops)


def half_sleepers(
    nr: int, *, run_ns: int = 5_000_000, name: str = "half-sleeper", duration_ns: int = 0, **facts: Any
) -> Workload:
    """Tasks that compute for a while and then sleep as long: alone, each takes half of a CPU.

    Parameters
    ----------
    nr : int
        How many.
    run_ns : int, optional
        CPU time between two sleeps, and length of each sleep, ns.
    name, duration_ns, **facts
        As for `hogs`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> half_sleepers(1, duration_ns=10**9).run().busy_ns
    500000000
    """
    return sleepers(nr, run_ns=run_ns, sleep_ns=run_ns, name=name, duration_ns=duration_ns, **facts)


def periodic(
    nr: int, *, period_ns: int, run_ns: int, name: str = "periodic", duration_ns: int = 0, **facts: Any
) -> Workload:
    """Tasks with a piece of work at each multiple of a period; a late task skips what it missed.

    Parameters
    ----------
    nr : int
        How many.
    period_ns : int
        From one release to the next, ns.
    run_ns : int
        CPU time of each piece, ns.
    name, duration_ns, **facts
        As for `hogs`. The first release is the first multiple after the start.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> periodic(1, period_ns=10_000_000, run_ns=2_000_000, duration_ns=10**9).run().busy_ns
    198000000
    """
    checked("period_ns", period_ns, 1, FOREVER_NS)
    checked("run_ns", run_ns, 0, FOREVER_NS)
    ops: list[tuple[int, int, int]] = [(period_ns, 0, Op.NEXT), (run_ns, 0, Op.RUN), (0, 0, Op.LOOP)]
    return _alike(nr, name, facts, duration_ns, ops)


def ring(
    nr: int, *, run_ns: int = 10_000, name: str = "ring", duration_ns: int = 0, **facts: Any
) -> Workload:
    """A token goes round, as in lat_ctx: the task that has it computes a little, wakes the next task and
    waits for the token.

    Parameters
    ----------
    nr : int
        Tasks of the ring; 1 or more.
    run_ns : int, optional
        CPU time with the token, ns.
    name, duration_ns, **facts
        As for `hogs`.

    Returns
    -------
    Workload

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    Ten milliseconds of ten microseconds each:

    >>> ring(16, duration_ns=10_000_000).run().context_switches
    1000
    """
    checked("nr", nr, 1, 2**31 - 1)
    checked("run_ns", run_ns, 1, FOREVER_NS)
    plans = _plans(nr, name, facts)
    for row, plan in enumerate(plans):
        if row:
            plan.add(Op.WAIT)
        plan.add(Op.RUN, run_ns)
        plan.add(Op.WAKE, target=(row + 1) % nr)
        if not row:
            plan.add(Op.WAIT)
        plan.add(Op.LOOP)
    return of_plans(plans, duration_ns=duration_ns, source=f"ring of {nr}")


def fork_loop(
    nr: int,
    *,
    run_ns: int = 1_000_000,
    shell_ns: int = 200_000,
    pause_ns: int = 0,
    name: str = "sh",
    command: str = "true",
    duration_ns: int = 0,
    **facts: Any,
) -> Workload:
    """A shell that forks short commands, one after the other, and waits for each.

    Parameters
    ----------
    nr : int
        Commands.
    run_ns : int, optional
        CPU time of a command, ns.
    shell_ns : int, optional
        CPU time of the shell before each fork, ns.
    pause_ns : int, optional
        Sleep of the shell before each command, ns; 0 for none.
    name, command : str, optional
        Names of the shell and of the commands.
    duration_ns, **facts
        As for `hogs`; the commands have the user, group, CPU, nice value and policy of the shell.

    Returns
    -------
    Workload
        Row 0 is the shell.

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> result = fork_loop(100, duration_ns=10**9).run()
    >>> result.end, result.busy_ns
    ('finished', 120000000)
    """
    for what, value in (("run_ns", run_ns), ("shell_ns", shell_ns), ("pause_ns", pause_ns)):
        checked(what, value, 0, FOREVER_NS)
    shell, *commands = _plans(1, name, facts) + _plans(nr, command, facts | {"start_ns": -1})
    for row, plan in enumerate(commands, 1):
        if pause_ns:
            shell.add(Op.SLEEP, pause_ns)
        shell.add(Op.RUN, shell_ns)
        shell.add(Op.FORK, target=row)
        shell.add(Op.WAIT)
        plan.add(Op.RUN, run_ns)
        plan.add(Op.WAKE, target=0)
    return of_plans([shell, *commands], duration_ns=duration_ns, source=f"{name} with {nr} {command}")


def build(
    jobs: int,
    files: int,
    *,
    seed: int = 0,
    make_ns: int = 300_000,
    gcc_ns: int = 1_000_000,
    read_ns: tuple[int, int] = (0, 5_000_000),
    compile_ns: tuple[int, int] = (20_000_000, 200_000_000),
    assemble_ns: tuple[int, int] = (2_000_000, 20_000_000),
    duration_ns: int = 0,
    **facts: Any,
) -> Workload:
    """A make -j: make forks a gcc for each file, each gcc forks cc1 and then as, and waits for both.

    Parameters
    ----------
    jobs : int
        How many gcc processes make keeps running at a time; 1 or more.
    files : int
        How many files are compiled.
    seed : int, optional
        Of the lengths that are drawn.
    make_ns, gcc_ns : int, optional
        CPU time before each fork of make and of gcc, ns.
    read_ns : tuple of int, optional
        Shortest and longest sleep of cc1 for its sources, ns; drawn for each file, as the following ones.
    compile_ns, assemble_ns : tuple of int, optional
        Least and most CPU time of cc1 and of as, ns.
    duration_ns, **facts
        As for `hogs`; `start_ns` is for make, everything else for all tasks.

    Returns
    -------
    Workload
        Row 0 is make; file i has the rows 3 i + 1 (gcc), 3 i + 2 (cc1) and 3 i + 3 (as).

    Raises
    ------
    WorkloadError
        A number is out of its range.

    Examples
    --------
    >>> result = build(4, 10, seed=1, duration_ns=10**10).run()
    >>> result.end, result.nr_tasks
    ('finished', 31)
    """
    checked("jobs", jobs, 1, 2**31 - 1)
    for what, value in (("make_ns", make_ns), ("gcc_ns", gcc_ns)):
        checked(what, value, 0, FOREVER_NS)
    for what, (low, high) in (("read_ns", read_ns), ("compile_ns", compile_ns), ("assemble_ns", assemble_ns)):
        checked(f"least {what}", low, 0, FOREVER_NS)
        checked(f"greatest {what}", high, low, FOREVER_NS)
    plans = _plans(1, "make", facts)
    for _ in range(checked("files", files, 0, 2**31 - 1)):
        plans += [plan for name in ("gcc", "cc1", "as") for plan in _plans(1, name, facts | {"start_ns": -1})]
    draw = Draws(seed, "build")
    for file in range(files):
        gcc = 3 * file + 1
        _write_compile(plans, gcc, gcc_ns, draw(*read_ns), draw(*compile_ns), draw(*assemble_ns))
        if file >= jobs:
            plans[0].add(Op.WAIT)
        plans[0].add(Op.RUN, make_ns)
        plans[0].add(Op.FORK, target=gcc)
    for _ in range(min(jobs, files)):
        plans[0].add(Op.WAIT)
    return of_plans(plans, duration_ns=duration_ns, source=f"make -j{jobs} of {files} files")


def _write_compile(
    plans: list[TaskPlan], gcc: int, gcc_ns: int, read_ns: int, compile_ns: int, assemble_ns: int
) -> None:
    # the programs of one gcc, its cc1 and its as, in rows gcc, gcc + 1 and gcc + 2; make is row 0
    driver, cc1, assembler = plans[gcc : gcc + 3]
    for child in (gcc + 1, gcc + 2):
        driver.add(Op.RUN, gcc_ns)
        driver.add(Op.FORK, target=child)
        driver.add(Op.WAIT)
    driver.add(Op.WAKE, target=0)
    cc1.add(Op.SLEEP, read_ns)
    cc1.add(Op.RUN, compile_ns)
    cc1.add(Op.WAKE, target=gcc)
    assembler.add(Op.RUN, assemble_ns)
    assembler.add(Op.WAKE, target=gcc)


def _alike(
    nr: int, name: str, facts: Mapping[str, Any], duration_ns: int, ops: list[tuple[int, int, int]]
) -> Workload:
    """Tasks that all have this program."""
    plans = _plans(nr, name, {**facts, "ops": ops})
    return of_plans(plans, duration_ns=duration_ns, source=f"{nr} {name}")


def _plans(nr: int, name: str, facts: Mapping[str, Any]) -> list[TaskPlan]:
    return [TaskPlan(name, **facts) for _ in range(checked("nr", nr, 0, 2**31 - 1))]
