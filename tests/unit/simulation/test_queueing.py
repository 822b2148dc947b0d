"""`serve`: computed by hand, by laws of queueing, and against the SimPy adapter (another loop)."""

import numpy as np
import pytest

from cfs import WorkloadError
from cfs.queueing import serve

MS = 1_000_000


def by_hand_jobs():
    """Poisson-like arrivals at a load of 0.7, fixed seed."""
    bits = np.random.PCG64(5).random_raw(4000)
    arrivals = np.cumsum(bits[:2000] % (20 * MS)).astype(np.int64)
    return arrivals, (bits[2000:] % (14 * MS)).astype(np.int64)


def test_a_lone_job_is_served_at_once():
    served = serve([7], [1000])
    assert (served.start_ns[0], served.finish_ns[0], served.wait_ns[0], served.runs[0]) == (7, 1007, 0, 1)


def test_short_jobs_are_served_one_after_the_other():
    """All within one slice of 20 ms / 3: first come, first served. Waits: 0, 2, 4 - 0.5 ms."""
    served = serve([0, 0, MS // 2], [2 * MS, 2 * MS, 2 * MS])
    assert served.start_ns.tolist() == [0, 2 * MS, 4 * MS]
    assert served.wait_ns.tolist() == [0, 2 * MS, 4 * MS - MS // 2]


def test_two_long_jobs_take_turns():
    """Slices of 10 ms; a tick at 10 ms finds 10 ms used, which is not more than 10: the turn ends at 11 ms.
    """
    served = serve([0, 0], [30 * MS, 30 * MS])
    assert served.start_ns.tolist() == [0, 11 * MS]
    assert served.finish_ns.max() == 60 * MS
    assert served.finish_ns.min() > 40 * MS


def test_the_order_of_the_arguments_does_not_matter():
    arrivals, demands = by_hand_jobs()
    served = serve(arrivals, demands)
    turned = serve(arrivals[::-1], demands[::-1])
    assert np.array_equal(served.finish_ns, turned.finish_ns[::-1])


def test_work_is_conserved():
    """The CPU is busy whenever there is work: the last finish is that of first come, first served."""
    arrivals, demands = by_hand_jobs()
    free = 0
    for arrival, demand in zip(arrivals.tolist(), demands.tolist(), strict=True):
        free = max(free, arrival) + demand
    assert serve(arrivals, demands).finish_ns.max() == free


@pytest.mark.parametrize("model", ["linux-2.6.24-cfs", "linux-6.18-eevdf", "linux-2.6.22-o1"])
def test_nobody_finishes_before_its_demand(model):
    arrivals, demands = by_hand_jobs()
    served = serve(arrivals, demands, model=model)
    assert (served.start_ns >= arrivals).all()
    assert (served.wait_ns >= 0).all()
    assert (served.finish_ns - served.start_ns >= demands).all()


def test_nice_jobs_wait_longer():
    arrivals, demands = by_hand_jobs()
    nice = np.where(np.arange(len(arrivals)) % 2, 15, 0)
    wait = serve(arrivals, demands, nice=nice).wait_ns
    assert wait[nice == 15].mean() > 2 * wait[nice == 0].mean()


def test_groups_share_first():
    """Nine long jobs of one group against one of the other: the one has half of the CPU, 2 x 100 ms."""
    served = serve([0] * 10, [100 * MS] * 10, group=["many"] * 9 + ["one"])
    assert served.finish_ns[9] == pytest.approx(200 * MS, abs=20 * MS)


def test_cpus_are_apart():
    served = serve([0, 0], [30 * MS, 30 * MS], cpu=[0, 3])
    assert served.finish_ns.tolist() == [30 * MS, 30 * MS]


def test_it_agrees_with_the_simpy_adapter():
    simpy = pytest.importorskip("simpy")
    from cfs.adapters.simpy import CPU

    arrivals, demands = (column[:150] for column in by_hand_jobs())
    env = simpy.Environment()
    cpu = CPU(env, unit="ns")
    finish = {}

    def job(task, arrival, demand):
        yield env.timeout(arrival)
        yield task.run(demand)
        finish[task.name] = env.now
        task.kill()

    for number, (arrival, demand) in enumerate(zip(arrivals.tolist(), demands.tolist(), strict=True)):
        env.process(job(cpu.task(name=str(number)), arrival, demand))
    env.run()
    assert [finish[str(number)] for number in range(150)] == serve(arrivals, demands).finish_ns.tolist()


def test_nothing_to_serve():
    assert serve([], []).finish_ns.tolist() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ([0, 1], [1]),
        ([0.5], [1]),
        ([-1], [1]),
        ([0], [-1]),
        ([2**62], [2**62]),
        ([[0]], [[1]]),
    ],
)
def test_what_is_refused(arguments):
    with pytest.raises(WorkloadError):
        serve(*arguments)


@pytest.mark.parametrize(
    "options", [{"nice": 20}, {"nice": [0, 1]}, {"cpu": -1}, {"nice": 0.5}, {"group": ["a", "b"]}]
)
def test_which_options_are_refused(options):
    with pytest.raises(WorkloadError):
        serve([0], [1], **options)
