"""Which models there are. Ways to be right: the doors through which people come, and laws."""

import importlib

import pytest

import cfs
from cfs import models, tunables
from cfs.models import MODELS, Model, all_models, model_named

KNOBS = ["LinuxCfs2624", "LinuxCfs2623", "LinuxO12622", "RfsModel", *["LinuxEevdf618"] * 3]


def test_every_door_leads_to_the_same_models():
    assert cfs.MODELS is models.MODELS is MODELS and cfs.Model is models.Model is Model
    assert {name: all_models()[name] for name in MODELS} == MODELS


def test_each_model_brings_its_own_knobs():
    assert [model.tunables for model in MODELS.values()] == [getattr(tunables, name) for name in KNOBS]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_found_by_its_id_and_is_its_own_name(name):
    assert model_named(name) is model_named(MODELS[name]) is MODELS[name]
    assert MODELS[name].id == name


@pytest.mark.parametrize("name", MODELS)
def test_the_module_of_a_model_has_its_hook_table(name):
    assert MODELS[name].sched_class() is importlib.import_module(MODELS[name].module).SCHED_CLASS


@pytest.mark.parametrize("name", ["linux-2.6.24", "", None, 5])
def test_an_unknown_model_is_answered_with_all_there_are(name):
    with pytest.raises(cfs.ModelError, match="there are linux-2.6.24-cfs, linux-2.6.23-cfs, linux-2.6.22-o1"):
        model_named(name)
