"""The owner of a machine: how it begins, what it shows, that it ends. Way to be right: laws."""

import gc
import subprocess
import sys
import textwrap
import weakref

import pytest

import cfs
from cfs import GroupError, ModelError, StateError, TimeError, TunableError
from tests.builders import MS, a_scheduler
from tests.unit.scheduler.machines import Flat, TwoCpus

# ---- Made, and never made ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "linux-9.99"}, ModelError, "no model 'linux-9.99'; there are linux-2.6.24-cfs"),
        ({"model": None}, ModelError, "no model None"),
        ({"model": ["linux-2.6.24-cfs"]}, ModelError, "no model"),
        ({"group_by": "pid"}, ModelError, "group_by = 'pid'"),
        ({"cpus": 0}, StateError, "cpus = 0 is outside of 1 ... 4096"),
        ({"cpus": 4097}, StateError, "cpus = 4097"),
        ({"cpus": "2"}, TypeError, "cpus must be an integer"),
        ({"root_shares": 5}, GroupError, "root_shares needs"),
        ({"root_shares": -5, "group_by": "uid"}, GroupError, "shares = -5"),
        ({"sched_charm": 1}, TunableError, "'sched_charm' is no tunable"),
        ({"sched_latency_ns": "1"}, TunableError, "must be an integer"),
    ],
)
def test_no_scheduler_is_made_of_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        cfs.Scheduler(**options)


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.fork(now_ns=0),
        lambda s: s.tick(now_ns=0),
        lambda s: s.current,
        lambda s: s.min_vruntime,
        lambda s: s.queue(),
        lambda s: s.set_tunables(sched_nr_latency=3),
    ],
)
def test_a_scheduler_that_was_never_initialised_raises(use):
    with pytest.raises(StateError, match="never initialised"):
        use(cfs.Scheduler.__new__(cfs.Scheduler))


def test_a_scheduler_that_was_never_initialised_has_a_repr():
    assert "not initialised" in repr(cfs.Scheduler.__new__(cfs.Scheduler))


# ---- Time ----------------------------------------------------------------------------------------


def test_an_undefined_tick_leaves_time_at_the_last_event():
    """I2 of cfs/scheduler/_machine.pyx: the tick at 6 ms is undefined, so time stays at the last event."""
    sched = a_scheduler(group_by="cgroup", hz=1000)
    groups = [sched.create_group(name, shares=2**31) for name in "ab"]
    sched.fork(now_ns=0, group=groups[0])
    sched.advance(now_ns=5 * MS)
    sched.fork(now_ns=5 * MS + 1, group=groups[1])
    with pytest.raises(StateError, match="the tick of CPU 0 at 6000000 ns"):
        sched.advance(now_ns=9 * MS)
    assert sched.now_ns == 5 * MS + 1
    with pytest.raises(TimeError, match="before the last event at 5000001 ns"):
        sched.advance(now_ns=5 * MS)


def test_a_refused_event_leaves_time_at_the_last_tick_before_it():
    """I2 of cfs/scheduler/_machine.pyx: the ticks due before the event are done, and then it is refused."""
    sched = a_scheduler(hz=1000)
    sched.fork(now_ns=0)
    sched.exit(now_ns=MS)
    sched.fork(now_ns=MS + 1)
    sched.block(now_ns=2 * MS + 1)
    with pytest.raises(StateError, match="no task runs"):
        sched.block(now_ns=4 * MS + 1)
    assert sched.now_ns == 4 * MS


# ---- What it shows -------------------------------------------------------------------------------


def test_a_scheduler_shows_what_it_does():
    it = Flat()
    assert repr(it.sched) == (
        f"<Scheduler linux-2.6.24-cfs at 5000000 ns: 2 of 3 tasks runnable, running {it.running.name}>"
    )
    assert repr(a_scheduler(group_by="uid", cpus=2)) == (
        "<Scheduler linux-2.6.24-cfs, by uid at 0 ns: 0 of 0 tasks runnable, running idle, idle>"
    )


def test_a_scheduler_of_many_cpus_shows_four():
    assert repr(a_scheduler(cpus=9)).endswith("running idle, idle, idle, idle, ...>")


def test_facts_of_a_cpu():
    it = TwoCpus()
    assert it.sched.cpu_fields(0) == {"clock": 5 * MS, "nr_running": 2, "load_weight": 2048, "nr_switches": 2}
    assert it.sched.cpu_fields(1) == {"clock": 1, "nr_running": 0, "load_weight": 0, "nr_switches": 0}
    assert (it.sched.cpus, it.sched.nr_running, it.sched.current_on(1)) == (2, 2, None)


def test_a_scheduler_may_be_subclassed():
    class Named(cfs.Scheduler):
        def __init__(self, name, **options):
            super().__init__(**options)
            self.name = name

        def tick(self, **when):
            return "ticked", super().tick(**when)

    sched = Named("mine", group_by="uid")
    task = sched.fork(now_ns=0, uid=3)
    assert (sched.name, task.scheduler, sched.tick(now_ns=5)) == ("mine", sched, ("ticked", False))


# ---- Memory --------------------------------------------------------------------------------------


def test_a_scheduler_in_a_cycle_with_its_handles_is_collected(own_garbage):
    class Owner(cfs.Scheduler):
        pass

    sched = Owner(group_by="cgroup")
    sched.task, sched.group, sched.itself = sched.fork(now_ns=0), sched.create_group("a"), sched
    gone = weakref.ref(sched)
    del sched
    gc.collect()
    assert gone() is None


LEAKS = """
    import gc, resource, cfs

    class Owner(cfs.Scheduler):
        pass

    def life(round):
        sched = Owner(group_by=(None, "uid", "cgroup")[round % 3], cpus=1 + round % 3)
        kept = [sched.fork(name="x" * 50, now_ns=now) for now in range(200)]
        for now in range(200, 300):
            sched.exit(now_ns=now) if now % 2 else sched.block(now_ns=now)
        if round % 3 == 2:
            group = sched.create_group("g")
            sched.remove_group(group)
            kept.append(group)
        try:
            sched.fork(now_ns=0, name="never")
        except cfs.TimeError:
            pass
        sched.kept = kept                       # a cycle through the scheduler
        task = kept[-2]
        handles = sched.tasks, dict(sched.groups), sched.queue()
        del sched, kept, handles
        gc.collect()
        assert task.scheduler is not None       # the handle outlived the variable
        return repr(task)

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for round in range(60):
        life(round)
    before = peak()
    for round in range(300):
        life(round)
    gc.collect()
    assert not [o for o in gc.get_objects() if isinstance(o, (cfs.Scheduler, cfs.Task, cfs.TaskGroup))]
    grown = peak() - before
    assert grown < 3000, f"{grown} KiB more after 300 machines"
    print("clean")
"""


@pytest.mark.slow
def test_no_machine_leaks_and_handles_may_outlive_the_variable():
    """I1 of cfs/scheduler/_machine.pyx. In a process of its own: 300 machines of about 60 KiB each would show as
    18 MiB.
    """
    program = textwrap.dedent(LEAKS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "clean", "")


def test_a_long_run_of_forks_and_exits_uses_its_slots_again():
    sched = a_scheduler()
    sched.fork(now_ns=0)
    for now in range(1, 20_000):
        sched.fork(now_ns=now)
        sched.exit(now_ns=now)
    assert len(sched.tasks) == 1 and sched.check() is None
