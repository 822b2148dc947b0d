"""What the tunables of all models share. Way to be right: laws, with those of 2.6.24 for an example; their
own facts are tested in the folders.
"""

import pytest

import cfs
from cfs import MODELS, TunableError
from cfs.tunables import LinuxCfs2624
from tests.builders import MS, a_scheduler


@pytest.mark.parametrize("model", MODELS)
def test_one_cpu_boots_with_the_defaults(model):
    assert a_scheduler(model).tunables == MODELS[model].tunables()


@pytest.mark.parametrize("model", MODELS)
def test_every_name_can_be_written(model):
    values = MODELS[model].tunables().as_dict()
    assert list(values) == MODELS[model].tunables.names()
    assert a_scheduler(model, **values).tunables.as_dict() == values


def test_a_value_that_is_given_is_not_scaled():
    assert a_scheduler(cpus=8, sched_latency_ns=30 * MS).tunables.sched_latency_ns == 30 * MS


@pytest.mark.parametrize(
    "bit", ["NEW_FAIR_SLEEPERS", "WAKEUP_PREEMPT", "START_DEBIT", "TREE_AVG", "APPROX_AVG"]
)
@pytest.mark.parametrize("value", [True, False])
def test_a_feature_bit_is_written_alone(bit, value):
    before = LinuxCfs2624()
    after = before.changed(**{bit: value})
    assert after.has(bit) is value
    assert after.sched_features ^ before.sched_features in (0, LinuxCfs2624.FEATURES[bit])


def test_a_feature_bit_goes_on_top_of_all_the_features():
    assert LinuxCfs2624().changed(sched_features=0, TREE_AVG=True).sched_features == 8


@pytest.mark.parametrize(
    ("name", "least", "greatest"),
    [
        ("sched_latency_ns", 100_000, 10**9),
        ("sched_min_granularity_ns", 100_000, 10**9),
        ("sched_wakeup_granularity_ns", 0, 10**9),
        ("sched_nr_latency", 1, 2**32 - 1),
        ("sched_migration_cost", 0, 2**32 - 1),
        ("initial_min_vruntime", 0, 2**64 - 1),
    ],
)
def test_a_value_lies_in_its_range(name, least, greatest):
    for value in (least, greatest):
        assert getattr(LinuxCfs2624().changed(**{name: value}), name) == value
    for value in (least - 1, greatest + 1):
        with pytest.raises(TunableError, match=f"{name} = {value} is outside of {least} ... {greatest}"):
            LinuxCfs2624().changed(**{name: value})


@pytest.mark.parametrize("value", [1.5, "20000000", None])
def test_a_value_is_an_integer(value):
    with pytest.raises(TunableError, match="must be an integer"):
        LinuxCfs2624().changed(sched_latency_ns=value)


@pytest.mark.parametrize("value", [2, -1, "yes", None])
def test_a_feature_bit_is_true_or_false(value):
    with pytest.raises(TunableError, match="START_DEBIT is a feature bit"):
        LinuxCfs2624().changed(START_DEBIT=value)


def test_an_unknown_name_is_answered_with_all_names():
    with pytest.raises(
        TunableError, match="'sched_latency' is no tunable of this model; there are sched_latency_ns"
    ):
        cfs.Scheduler(sched_latency=5)


def test_tunables_are_written_by_the_scheduler_only():
    tunables = a_scheduler().tunables
    with pytest.raises(AttributeError):
        tunables.sched_latency_ns = 5
