"""COMMAND runs, is looked after a few times a second, and is stopped when somebody wants that.

What it decides: what an interrupt means. At a terminal Ctrl-C reaches everybody at once, so the first one
only waits for the others to end; who has not ended after `GRACE_S` is told, then told to terminate. The
recording goes on to be saved in any case: an interrupt ends the run, not the work. SIGTERM is an interrupt,
too.

Rejected: catching KeyboardInterrupt, which Python raises between any two instructions, also outside of a `try`.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["INTERVAL_S", "run", "status_of"]

INTERVAL_S = 0.025
"""Between two looks. A look costs some 6 us if nobody was forked."""
GRACE_S = 1.0
STEPS = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM))


def run(words: Sequence[str], look: Callable[[], None], interval_s: float = INTERVAL_S) -> int:
    """Run a program to its end, and call `look` now and then.

    Returns
    -------
    int
        Its exit status, as `status_of` has it.
    """
    steps, due = iter(STEPS), float("inf")
    with _interrupts() as interrupts:
        child = subprocess.Popen(words)
        with _pausing(child, interval_s) as pause:
            while child.poll() is None:
                pause()
                look()
                while interrupts:
                    due = min(due, interrupts.pop() + GRACE_S)
                if time.monotonic() >= due:
                    child.send_signal(next(steps, STEPS[-1]))
                    due = time.monotonic() + GRACE_S
    return status_of(child.returncode)


def status_of(returncode: int) -> int:
    """The exit status as a shell has it: 128 and the number of the signal that ended it."""
    return 128 - returncode if returncode < 0 else returncode


@contextmanager
def _pausing(child: subprocess.Popen[bytes], interval_s: float) -> Iterator[Callable[[], Any]]:
    """What waits for the end of the child, but no longer than for the next look."""
    try:
        file = os.pidfd_open(child.pid)
    except (AttributeError, OSError):  # another system, or before Linux 5.3
        yield lambda: time.sleep(interval_s)
        return
    try:
        poll = select.poll()
        poll.register(file, select.POLLIN)
        yield lambda: poll.poll(interval_s * 1000)
    finally:
        os.close(file)


@contextmanager
def _interrupts() -> Iterator[list[float]]:
    """When an interrupt came, for as long as this lasts: SIGTERM, and SIGINT unless somebody else looks after it."""
    times: list[float] = []
    before: dict[signal.Signals, Any] = {}

    def note(*_: object) -> None:
        times.append(time.monotonic())

    try:
        before[signal.SIGTERM] = signal.signal(signal.SIGTERM, note)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            before[signal.SIGINT] = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread, which alone may say so
        pass
    try:
        yield times
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
