"""What is taken from Python. Way to be right: laws; the other refusals are rows in `test_scheduler`."""

import numpy as np
import pytest

from tests.builders import a_scheduler, unchanged


@pytest.mark.parametrize(
    "make", [int, np.int64, np.uint64, lambda value: type("I", (), {"__index__": lambda _: value})()]
)
def test_every_integer_is_an_integer(make):
    """I1 of cfs/scheduler/_border.pyx."""
    sched = a_scheduler(cpus=make(2))
    task = sched.fork(now_ns=make(5), nice=make(5), cpu=make(1))
    sched.set_tunables(sched_latency_ns=make(30_000_000))
    assert (task.nice, task.cpu, sched.now_ns, sched.tunables.sched_latency_ns) == (5, 1, 5, 30_000_000)


@pytest.mark.parametrize("value", [1.0, np.float64(1), "1", b"1", None, (1,)], ids=repr)
@pytest.mark.parametrize("name", ["cpu", "nice", "now_ns", "uid", "shares"])
def test_what_is_no_integer_is_refused(name, value):
    """I1 of cfs/scheduler/_border.pyx: also if its value is a whole number within the range."""
    use = {
        "cpu": lambda sched: sched.tick(now_ns=0, cpu=value),
        "nice": lambda sched: sched.adopt(nice=value),
        "now_ns": lambda sched: sched.tick(now_ns=value),
        "uid": lambda sched: sched.create_user(value),
        "shares": lambda sched: sched.set_shares("uid:0", value),
    }[name]
    sched = a_scheduler(group_by="uid")
    with unchanged(sched), pytest.raises(TypeError, match=f"{name} must be an integer"):
        use(sched)


def test_the_last_moment_of_the_clock_is_reached():
    sched = a_scheduler()
    sched.fork(now_ns=0)
    sched.tick(now_ns=2**64 - 1)
    assert sched.current.sum_exec_ns == 2**64 - 1


@pytest.mark.parametrize("name", ["cc1", "", "x" * 1000, "Übung 🐧", np.str_("numpy")])
def test_any_string_is_a_name(name):
    task = a_scheduler().fork(name=name, now_ns=0)
    assert task.name == (str(name) or "task-1")
