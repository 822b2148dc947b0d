"""EEVDF of 6.18.26 and later: what is not as in 6.18.2. Ways to be right: invariants (the numbers are those of
cfs/models/linux_6_18/_fair_26.pyx), worked examples and laws of "6.18 later" (section in brackets).

Each law is asked of 6.18.2 as well, where it must not hold: so a test that sees nothing fails.
"""

import pytest

from tests.builders import MS, a_scheduler, hogs, random_events, run, signed
from tests.quick import few

FIRST, LATER, LATEST = "linux-6.18-eevdf", "linux-6.18.26-eevdf", "linux-6.18.44-eevdf"
START = -(2**20)
SLICE = 700_000

both = pytest.mark.parametrize("model", [LATER, LATEST])
old_and_new = pytest.mark.parametrize(("model", "is_later"), [(FIRST, False), (LATER, True), (LATEST, True)])


def signed_fields(sched, group=None):
    return {name: signed(value) for name, value in sched.queue_fields(group).items()}


# ---- Invariants of cfs/models/linux_6_18/_fair_26.pyx --------------------------------------------


@both
@pytest.mark.parametrize("seed", few(range(3), 1))
def test_i1_the_tree_knows_the_greatest_slice(model, seed):
    """With exact_min_slice, where the checker looks at the greatest slice of each subtree."""
    sched = a_scheduler(model, group_by="cgroup", exact_min_slice=1)
    for step, (_, now) in enumerate(random_events(sched, seed, 400, group_by="cgroup")):
        if step % 5 == 0 and sched.tasks:
            sched.tasks[step % len(sched.tasks)].slice_ns = (1 + step % 7) * MS
        sched.check()


@old_and_new
@pytest.mark.parametrize("seed", few(range(3), 1))
def test_i3_the_zero_point_is_the_average_when_somebody_joins(model, is_later, seed):
    """Of the forks after which nobody has left: a pick may take out delayed ones, which moves V once more."""
    sched = a_scheduler(model)
    forks, nr = [], 0
    for event, _ in random_events(sched, seed, 600):
        fields = signed_fields(sched)
        if event == "fork" and fields["nr_queued"] == nr + 1:
            forks.append(fields["min_vruntime"] == fields["V"])
        nr = fields["nr_queued"]
    assert len(forks) > 10
    assert all(forks) is is_later


@old_and_new
def test_i3_the_zero_point_moves_both_ways(model, is_later):
    """[2.2] An entity that joins with a debt, ahead of the average, and one that is owed something."""
    sched = a_scheduler(model)
    zeros = []
    for _ in random_events(sched, 1, 600):
        zeros.append(signed_fields(sched)["min_vruntime"])
    assert any(later < sooner for sooner, later in zip(zeros, zeros[1:], strict=False)) is is_later


# ---- Examples ------------------------------------------------------------------------------------


@both
def test_example_d1_two_equal_tasks(model):
    sched = a_scheduler(model)
    one = sched.fork(now_ns=1_000_000)
    assert signed_fields(sched)["min_vruntime"] == START
    two = sched.fork(now_ns=1_037_000)
    assert signed_fields(sched)["min_vruntime"] == signed(two.vruntime) == -1_011_576
    assert sched.tick(now_ns=2_000_000) and sched.current is two
    assert signed(one.vruntime) == -48_576 and signed(one.deadline) == 651_424
    fields = signed_fields(sched)
    assert (fields["min_vruntime"], fields["avg_vruntime"]) == (-530_076, 493_056_000)


@pytest.mark.parametrize(("nice", "limit"), [(0, 4_000_000), (5, 12_226_865)])
@pytest.mark.parametrize(("hz", "tick"), [(1000, MS), (250, 4 * MS)])
@both
def test_example_d3_one_long_slice_widens_the_limit_of_all(model, nice, limit, hz, tick):
    """[3] Here of a task that has run for a second, so that its debt is cut to the limit."""
    sched = a_scheduler(model, tick_nsec=tick, DELAY_DEQUEUE=False, exact_min_slice=1)
    debtor = sched.fork(now_ns=0, nice=nice)
    for slice_ns in (0, 3 * MS):
        sched.set_slice(sched.fork(now_ns=0, nice=nice), slice_ns)
    assert sched.current is debtor
    sched.block(now_ns=1000 * MS)
    assert debtor.vlag == (-limit if tick == MS else {0: -7 * MS, 5: -21_397_015}[nice])


def test_before_that_the_limit_was_two_slices_of_its_own():
    sched = a_scheduler(FIRST, DELAY_DEQUEUE=False)
    debtor = sched.fork(now_ns=0)
    sched.set_slice(sched.fork(now_ns=0), 3 * MS)
    sched.block(now_ns=1000 * MS)
    assert debtor.vlag == -2 * SLICE


# ---- Laws ----------------------------------------------------------------------------------------


@old_and_new
def test_an_emptied_queue_remembers_the_average(model, is_later):
    """[2.4 a] Here of one that came back behind the floor of 6.18.2, and is the last to leave."""
    sched = a_scheduler(model, cpus=2)
    ahead, owed = hogs(sched, 2)
    sched.tick(now_ns=MS)
    assert sched.current is owed
    sched.block(now_ns=MS + 50_000)
    sched.tick(now_ns=6 * MS)
    sched.wake(owed, now_ns=6 * MS)
    sched.migrate(ahead, 1, now_ns=6 * MS)
    vruntime = owed.vruntime
    sched.exit(now_ns=6 * MS)
    assert (signed(sched.queue_fields()["min_vruntime"] - vruntime) == 0) is is_later


@old_and_new
def test_after_a_change_the_saved_lag_protects(model, is_later):
    """[4.2] The cell is not set anew, so the lag that was saved stays in it."""
    sched = a_scheduler(model)
    task, _ = hogs(sched, 2)
    sched.tick(now_ns=200_000)
    assert sched.current is task
    lag = signed(sched.queue_fields()["V"] - task.vruntime)
    sched.set_slice(task, 3 * MS)
    assert sched.current is task and lag == -100_000
    assert (signed(task.fields()["vlag"]) == lag) is is_later


@old_and_new
@pytest.mark.parametrize("shares", [512, 2048])
def test_a_running_group_keeps_the_rest_of_its_protection(model, is_later, shares):
    """[4.3, D4] While its queue is young: what is left is rescaled with the weight."""
    sched = a_scheduler(model, group_by="cgroup")
    group = sched.create_group("a")
    sched.fork(now_ns=0, group="a")
    sched.fork(now_ns=0, group="/")
    sched.tick(now_ns=100_000)
    lag = signed(sched.queue_fields()["V"] - group.vruntime)
    rest = lag - signed(group.vruntime)
    assert sched.current.group is group and lag < 0 < rest
    sched.set_shares(group, shares)
    limit = signed(group.vruntime) + rest * 1024 // shares
    assert (signed(group.fields()["vlag"]) == limit) is is_later


@old_and_new
def test_an_old_group_does_not(model, is_later):
    """[D4] Beyond the lag nothing is protected, and the cell keeps the scaled lag, then and now."""
    sched = a_scheduler(model, group_by="cgroup")
    group = sched.create_group("a")
    sched.fork(now_ns=0, group="a")
    sched.fork(now_ns=0, group="/")
    run(sched, 20 * MS)
    while sched.current.group is not group:
        run(sched, sched.now_ns + MS)
    lag = signed(sched.queue_fields()["V"] - group.vruntime)
    sched.set_shares(group, 512)
    assert signed(group.fields()["vlag"]) == 2 * lag


@old_and_new
def test_yield_renews_the_slice(model, is_later):
    """[5] An inherited slice is not looked at again before the request is renewed."""
    sched = a_scheduler(model)
    task, _ = hogs(sched, 2)
    sched.set_tunables(base_slice_ns=2 * MS)
    deadline = task.deadline
    sched.yield_(now_ns=0)
    assert task.vruntime == deadline
    assert signed(task.deadline - deadline) == (2 * MS if is_later else SLICE)
