"""`import cfs` is quick because it leaves out what few need. Way to be right: a look at what a fresh process
loaded.
"""

import pickle
import subprocess
import sys

import pytest

import cfs
from tests.quick import few

OF_OTHERS = "importlib.metadata matplotlib typer rich simpy email lzma bz2 tomllib fractions fnmatch".split()
OF_OURS = "_capi simulation recordings reports result scenarios workload cli".split()
HEAVY = [*OF_OTHERS, *(f"cfs.{name}" for name in OF_OURS)]


def said_by(program):
    """What a fresh process prints, in words."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module")
def loaded():
    return set(
        said_by(
            "import numpy, sys; before = set(sys.modules); import cfs; print(*(set(sys.modules) - before))"
        )
    )


def test_the_package_is_loaded(loaded):
    assert "cfs.scheduler" in loaded


@pytest.mark.parametrize("name", HEAVY)
def test_what_import_leaves_out(loaded, name):
    assert name not in loaded


# ---- What is left out is there as soon as it is named -----------------------------------------------


@pytest.mark.parametrize("name", few(["Recording", "Result", "Simulation", "Workload", "read_scenario"], 1))
def test_a_name_that_was_left_out_is_imported_when_it_is_named(name):
    """Both ways of naming it give the object that its module defines."""
    told = said_by(
        f"import cfs; first = cfs.{name}; from cfs import {name}; import sys;"
        f"print(first is {name} is getattr(sys.modules[{name}.__module__], '{name}'))"
    )
    assert told == ["True"]


@pytest.mark.slow
@pytest.mark.parametrize("name", few(["recordings", "result", "scenarios", "simulation", "stepping", "workload"], 1))
def test_a_module_that_was_left_out_is_an_attribute(name):
    assert said_by(f"import cfs; print(cfs.{name}.__name__)") == [f"cfs.{name}"]


def test_dir_shows_what_has_not_been_imported_yet():
    shown = said_by("import cfs; print(*dir(cfs))")
    assert set(cfs.__all__) <= set(shown) and {"workload", "errors", "get_include"} <= set(shown)


@pytest.mark.slow
def test_a_star_takes_all_names():
    assert said_by("from cfs import *; print(Workload.__name__, Scheduler.__name__)") == [
        "Workload",
        "Scheduler",
    ]


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'cfs' has no attribute 'Workloads'"):
        cfs.Workloads
    assert not hasattr(cfs, "__wrapped__")


@pytest.mark.slow
def test_a_result_that_was_unpickled_in_a_fresh_process_is_shown_in_a_notebook(tmp_path):
    """Nobody has named `Result` or the reports there."""
    path = tmp_path / "result.pickle"
    path.write_bytes(pickle.dumps(cfs.workload.hogs(2, duration_ns=10**8).run()))
    told = said_by(f"import pickle; print(pickle.load(open({str(path)!r}, 'rb'))._repr_html_()[:20])")
    assert told[0].startswith("<")


def test_the_version_is_said_before_typer_is_loaded():
    program = "import sys; sys.argv[1:] = ['--version']; from cfs.__main__ import main; main(); print(*sys.modules)"
    command, version, *modules = said_by(program)
    assert (command, version) == ("cfs", cfs.__version__)
    assert not {"typer", "rich", "numpy", "hashlib", "json", "zlib", "fractions"} & set(modules)
