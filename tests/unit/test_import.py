"""`import cfs` is quick because it leaves out what few need. Way to be right: a look at what a fresh process loaded."""

import subprocess
import sys

import pytest

HEAVY = ["importlib.metadata", "matplotlib", "typer", "rich", "simpy", "email", "lzma", "bz2", "cfs._capi", "cfs._live"]


@pytest.fixture(scope="module")
def loaded():
    program = "import numpy, sys; before = set(sys.modules); import cfs; print(*(set(sys.modules) - before))"
    return set(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split())


def test_the_package_is_loaded(loaded):
    assert "cfs.scheduler" in loaded


@pytest.mark.parametrize("name", HEAVY)
def test_what_import_leaves_out(loaded, name):
    assert name not in loaded
