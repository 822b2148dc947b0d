"""The contract's one parameter: the model. The ids of the tests are the names of the models."""

import pytest

from cfs import MODELS
from tests.contract.laws import LAWS


@pytest.fixture(params=list(MODELS))
def model(request):
    return request.param


@pytest.fixture
def laws(model):
    return LAWS[model]


@pytest.fixture(params=[None, "uid", "cgroup"], ids=["flat", "uid", "cgroup"])
def group_by(request, model):
    """Every way of grouping that the model has."""
    if request.param not in MODELS[model].group_by:
        pytest.skip(f"{model} cannot group by {request.param}")
    return request.param


@pytest.fixture
def by_user(model):
    if "uid" not in MODELS[model].group_by:
        pytest.skip(f"{model} has no users")
    return "uid"
