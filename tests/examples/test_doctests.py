"""Examples are tests: every doctest of the package runs."""

import doctest
import importlib
import pkgutil

import pytest

import cfs

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cfs.__path__, "cfs.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_doctests_of_module(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


def test_the_api_has_doctests():
    rooms = [importlib.import_module(f"cfs.scheduler.{room}") for room in ("_machine", "_handles", "_scheduler")]
    assert all(doctest.testmod(room).attempted > 5 for room in rooms)
