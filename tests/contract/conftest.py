"""The contract's parameters: each model, in each way of grouping that it has. The ids are the names of the
models.
"""

import pytest

from cfs import MODELS
from tests.contract.laws import LAWS

WAYS = [(model, way) for model, facts in MODELS.items() for way in facts.group_by]


def pytest_generate_tests(metafunc):
    """What a model has not is no case of it, so nothing is skipped."""
    names = metafunc.fixturenames
    if "group_by" in names:
        metafunc.parametrize(
            ("model", "group_by"), WAYS, ids=[f"{model}-{way or 'flat'}" for model, way in WAYS]
        )
    elif "by_user" in names:
        users = [(model, way) for model, way in WAYS if way == "uid"]
        metafunc.parametrize(("model", "by_user"), users, ids=[model for model, _ in users])
    elif "model" in names:
        metafunc.parametrize("model", list(MODELS))


@pytest.fixture
def laws(model):
    return LAWS[model]
