"""A command runs, and is looked after: exit status, interrupts, and how often it is looked at."""

import os
import signal
import sys
import threading
import time

import pytest

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


def test_it_is_looked_at_until_the_end():
    looks = []
    run(python("import time; time.sleep(0.3)"), lambda: looks.append(1), interval_s=0.02)
    assert 2 < len(looks) < 40


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_command_and_not_the_work(sent):
    """Whoever was not interrupted itself is told after a second."""
    before = signal.getsignal(signal.SIGTERM)
    threading.Timer(0.3, os.kill, (os.getpid(), sent)).start()
    begin = time.monotonic()
    assert (
        run(python("import signal, time; signal.signal(2, signal.SIG_DFL); time.sleep(60)"), lambda: None)
        == 130
    )
    assert time.monotonic() - begin < 30 and signal.getsignal(signal.SIGTERM) is before


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


@pytest.mark.slow
def test_who_ignores_an_interrupt_is_terminated():
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert (
        run(python("import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(60)"), lambda: None)
        == 143
    )


def test_it_runs_in_a_thread_as_well():
    found = []
    thread = threading.Thread(target=lambda: found.append(run(python("raise SystemExit(3)"), lambda: None)))
    thread.start()
    thread.join()
    assert found == [3]
