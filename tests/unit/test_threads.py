"""A scheduler each thread: they share nothing. Way to be right: the same work without threads.

Under the GIL the compiled loops run side by side as well, because they release it; on a free-threaded Python
everything does, and the last test says that cfs has not brought the GIL back.
"""

import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import cfs
from cfs.models import MODELS
from cfs.queueing import serve
from tests.builders import random_events, state_of

THREADS = 8


def driven(model):
    """States after many events from Python."""
    sched = cfs.Scheduler(model)
    for _ in random_events(sched, seed=11, nr_events=300):
        pass
    return sched.now_ns, state_of(sched)


def served(model):
    """Finishes after a long compiled run."""
    bits = np.random.PCG64(3).random_raw(6000)
    arrivals = np.cumsum(bits[:3000] % 9_000_000).astype(np.int64)
    return serve(arrivals, (bits[3000:] % 6_000_000).astype(np.int64), model=model).finish_ns.tolist()


@pytest.mark.parametrize("work", [driven, served])
def test_schedulers_of_different_threads_are_independent(work):
    models = [model for model in MODELS for _ in range(THREADS // 2)]
    alone = {model: work(model) for model in MODELS}
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, models)) == [alone[model] for model in models]


def test_threads_may_make_and_drop_schedulers():
    """Machines are freed by whoever drops them last; handles keep them alive."""

    def make(number):
        tasks = [cfs.Scheduler().fork(now_ns=number) for _ in range(50)]
        return [task.scheduler.now_ns if hasattr(task.scheduler, "now_ns") else number for task in tasks]

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(set(times) == {number} for number, times in enumerate(pool.map(make, range(40))))


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="a Python with the GIL")
def test_importing_cfs_leaves_the_gil_off():
    assert not sys._is_gil_enabled()
