"""COMMAND runs, is looked after a few times a second, and is stopped when somebody wants that.

What it decides: what an interrupt means. At a terminal Ctrl-C reaches everybody at once, so the first one
only waits for the others to end; who has not ended after `GRACE_S` is told, then told to terminate. The
recording goes on to be saved in any case: an interrupt ends the run, not the work. SIGTERM is an interrupt,
too.
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
    steps: Iterator[signal.Signals] = iter(STEPS)
    due = float("inf")
    with _terminated_as_interrupted():
        child = subprocess.Popen(words)
        pause = _pause(child, interval_s)
        while child.poll() is None:
            try:
                pause()
                look()
            except KeyboardInterrupt:
                due = min(due, time.monotonic() + GRACE_S)
            if time.monotonic() >= due:
                child.send_signal(next(steps, STEPS[-1]))
                due = time.monotonic() + GRACE_S
    return status_of(child.returncode)


def status_of(returncode: int) -> int:
    """The exit status as a shell has it: 128 and the number of the signal that ended it."""
    return 128 - returncode if returncode < 0 else returncode


def _pause(child: subprocess.Popen[bytes], interval_s: float) -> Callable[[], Any]:
    """What waits for the end of the child, but no longer than for the next look."""
    try:
        file = os.pidfd_open(child.pid)
    except (AttributeError, OSError):  # another system, or before Linux 5.3
        return lambda: time.sleep(interval_s)
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return lambda: poll.poll(interval_s * 1000)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM interrupts, for as long as this lasts."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not the main thread, which alone may say so
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
