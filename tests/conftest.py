"""What every test may use: long random runs on demand, and a hypothesis profile that is the same everywhere.

    pytest                                      all but the stress tests
    pytest -m "not slow"                        the quick loop: under a minute of CPU time
    pytest -m stress --seed 7 --seconds 600     random runs, from this seed, about so long each

A stress test that fails prints its seed and the shortened list of operations.
"""

import gc
import random

import pytest
from hypothesis import HealthCheck, settings

from cfs.models.registry import MODELS

LATER = {name for name, model in MODELS.items() if model.later_than}
OF_LATER = ("tests/conformance", "tests/unit/models/linux_6_18", "tests/unit/validate")
"""Where a later point of a release is what a test is about, not one more of all models."""

# Equal input, equal result: examples are derived from the test's name, never from the time. No deadline,
# because nothing here may depend on how fast the machine is.
settings.register_profile(
    "cfs", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", settings.get_profile("cfs"), max_examples=20)
settings.load_profile("cfs")


def pytest_configure(config):
    """In the quick loop a property that states no number of examples is tried on fewer."""
    settings.load_profile("quick" if "not slow" in config.getoption("markexpr") else "cfs")


def pytest_addoption(parser):
    group = parser.getgroup("stress")
    group.addoption(
        "--seed", type=int, default=None, help="first seed of the stress tests; default: drawn and shown"
    )
    group.addoption("--seconds", type=float, default=10.0, help="about how long each stress test goes on")


def pytest_collection_finish():
    """The tests live to the end: the garbage collector need not look at them over and over."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """A stress test runs only if -m names it. Later points of a release share their text with the first one, so what
    is tried on every model is slow for them; not the tests of these points themselves.
    """
    of_later = tuple(config.rootpath / place for place in OF_LATER)
    for item in items:
        if later_models(item) and not any(item.path.is_relative_to(place) for place in of_later):
            item.add_marker(pytest.mark.slow)
    if "stress" in config.getoption("markexpr"):
        return
    stress = [item for item in items if item.get_closest_marker("stress")]
    config.hook.pytest_deselected(items=stress)
    items[:] = [item for item in items if item not in stress]


def later_models(item):
    """The models among the parameters of a test that are later points of a release."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return [value for value in values if isinstance(value, str) and value in LATER]


@pytest.fixture
def own_garbage():
    """A search for garbage looks at what this test makes, not at all modules and at what other tests left."""
    gc.freeze()


@pytest.fixture
def stress_seed(request):
    """Seed of a stress test: the one asked for, or one that the report will show."""
    seed = request.config.getoption("--seed")
    return random.SystemRandom().randrange(2**32) if seed is None else seed


@pytest.fixture
def stress_seconds(request):
    return request.config.getoption("--seconds")
