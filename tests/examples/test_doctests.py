"""Examples are tests: every doctest of the package runs."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import cfs

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cfs.__path__, "cfs.")
    if not module.name.endswith("__main__")
)


def has_prompts(name):
    """Is there a prompt in its source? Most have none, and to search their objects takes longer than to run the others."""
    stem = ROOT.joinpath(*name.split("."))
    sources = [stem.with_suffix(suffix) for suffix in (".py", ".pyx", ".pxd", ".pxi")] + list(stem.glob("__init__.p*"))
    return any(">>> " in path.read_text(encoding="utf-8") for path in sources if path.exists())


@pytest.mark.parametrize("name", list(filter(has_prompts, MODULES)))
def test_doctests_of_module(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0 and results.failed == 0


def test_the_api_has_doctests():
    rooms = [importlib.import_module(f"cfs.scheduler.{room}") for room in ("_machine", "_handles", "_scheduler")]
    assert all(doctest.testmod(room).attempted > 5 for room in rooms)
