"""A command runs, and is looked after: exit status, interrupts, and how often it is looked at."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from cfs.recorder import run as runs
from cfs.recorder.run import run, status_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


def python(code):
    return [sys.executable, "-c", code]


@pytest.mark.parametrize("status", [0, 1, 2, 77])
def test_the_status_is_the_commands(status):
    assert run(python(f"raise SystemExit({status})"), lambda: None) == status


def test_a_signal_is_128_and_its_number():
    assert run(python("import os; os.kill(os.getpid(), 9)"), lambda: None) == 137
    assert status_of(-2) == 130


def waits_for(path):
    """A program that goes on until there is such a file."""
    return python(f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.001)")


def test_it_is_looked_at_until_the_end(tmp_path, monkeypatch):
    """And in between it is left alone for as long as was asked for."""
    looks, asked = [], []

    def look():
        looks.append(1)
        if len(looks) == 5:
            (tmp_path / "enough").touch()

    @contextmanager
    def pausing(child, interval_s):
        asked.append(interval_s)
        yield lambda: time.sleep(0.001)

    monkeypatch.setattr(runs, "_pausing", pausing)
    assert run(waits_for(tmp_path / "enough"), look, interval_s=7.0) == 0
    assert len(looks) >= 5 and asked == [7.0]


@pytest.mark.parametrize(("interval_s", "asked"), [(0.02, [20.0]), (2, [2000])])
def test_a_pause_ends_with_the_command_or_its_time(interval_s, asked, monkeypatch):
    """`poll` has it in ms."""
    seen = []
    poll = type("Poll", (), {"register": lambda self, file, events: None, "poll": lambda self, ms: seen.append(ms)})
    monkeypatch.setattr(runs.select, "poll", poll)
    monkeypatch.setattr(runs.os, "pidfd_open", lambda pid: os.open(os.devnull, os.O_RDONLY), raising=False)
    with runs._pausing(type("Child", (), {"pid": 1}), interval_s) as pause:
        pause()
    assert seen == asked


def interrupted(sent, tmp_path, handler):
    """The status of a command that ends of itself after an hour; a signal comes as soon as it has begun."""
    begun = tmp_path / "begun"
    code = f"import signal, time; signal.signal(2, signal.{handler}); open({str(begun)!r}, 'w'); time.sleep(3600)"
    rest = [sent]

    def look():
        if begun.exists() and rest:
            os.kill(os.getpid(), rest.pop())

    return run(python(code), look, interval_s=0.001)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_command_and_not_the_work(sent, tmp_path, monkeypatch):
    """Whoever was not interrupted itself is told."""
    monkeypatch.setattr(runs, "GRACE_S", 0.0)
    before = signal.getsignal(signal.SIGTERM)
    assert interrupted(sent, tmp_path, "SIG_DFL") == 130
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux has it")
def test_an_interrupt_may_come_at_any_place(monkeypatch):
    """Here it comes before the first look; as an exception it would end the work, and leave the command alone."""
    real = os.pidfd_open

    def pidfd_open(pid):
        os.kill(os.getpid(), signal.SIGINT)
        return real(pid)

    monkeypatch.setattr(os, "pidfd_open", pidfd_open)
    before = signal.getsignal(signal.SIGINT)
    code = "import signal, time; signal.signal(2, signal.SIG_DFL); time.sleep(60)"
    assert run(python(code), lambda: None) == 130
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="Linux shows the files that are open")
def test_no_file_stays_open():
    before = os.listdir("/proc/self/fd")
    assert run(python(""), lambda: None) == 0 and len(os.listdir("/proc/self/fd")) == len(before)


def test_who_ignores_an_interrupt_is_terminated(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "GRACE_S", 0.0)
    assert interrupted(signal.SIGINT, tmp_path, "SIG_IGN") == 143


def test_who_was_interrupted_as_well_has_time_to_end(tmp_path, monkeypatch):
    """It is told no second time before its time is over: here, an hour."""
    monkeypatch.setattr(runs, "GRACE_S", 3600.0)
    begun, looks = tmp_path / "begun", []

    def look():
        looks.append(1)
        if len(looks) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        if len(looks) == 5:
            begun.touch()

    assert run(waits_for(begun), look, interval_s=0.001) == 0


def test_it_runs_in_a_thread_as_well():
    found = []
    thread = threading.Thread(target=lambda: found.append(run(python("raise SystemExit(3)"), lambda: None)))
    thread.start()
    thread.join()
    assert found == [3]
