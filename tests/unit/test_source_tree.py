"""A checkout that is not built says so when it is imported, and says what to do.

Way to be right: a look at what a fresh process says, in a copy of the sources.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "cfs"


@pytest.fixture
def unbuilt(tmp_path):
    """A copy of the package as git has it: nothing is compiled."""
    compiled = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "cfs", ignore=compiled)
    (tmp_path / "setup.py").touch()
    return tmp_path


def said_in(folder, program):
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {program}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stderr.splitlines()[-1]


@pytest.mark.parametrize("program", ["import cfs", "from cfs.workload import hogs", "import cfs.cli"])
def test_an_unbuilt_source_tree_says_what_to_do(unbuilt, program):
    said = said_in(unbuilt, program)
    assert said.startswith("ImportError: this is the source tree of cfs")
    for part in (str(unbuilt), "leave the directory", "python setup.py build_ext --inplace", "make test"):
        assert part in said


def test_an_installed_package_that_lacks_a_module_does_not_speak_of_a_source_tree(unbuilt):
    (unbuilt / "setup.py").unlink()
    assert said_in(unbuilt, "import cfs") == "ModuleNotFoundError: No module named 'cfs._rbtree'"


def test_a_tree_that_was_built_before_a_module_came_says_the_same(unbuilt):
    """Of the compiled modules only the first is there, as a stand-in in Python."""
    (unbuilt / "cfs" / "_rbtree.py").write_text("RBTree = None\n")
    said = said_in(unbuilt, "import cfs")
    assert said.startswith("ImportError: this is the source tree of cfs") and "setup.py build_ext" in said
    assert "cfs._rbtree " not in said


@pytest.mark.parametrize("program", ["import cfs", "from cfs import RBTree", "import cfs.cli"])
def test_a_module_that_was_built_from_other_sources_is_named(unbuilt, program):
    """It is there, and lacks what the sources of today ask it for."""
    (unbuilt / "cfs" / "_rbtree.py").touch()
    said = said_in(unbuilt, program)
    assert said.startswith("ImportError: this is the source tree of cfs") and "setup.py build_ext" in said
    assert "cfs._rbtree was built from other sources" in said


def test_a_command_names_a_module_that_was_built_from_other_sources(tmp_path):
    """The one that it imports when it runs; all others are those of this tree."""
    pytest.importorskip("typer")
    shutil.copytree(PACKAGE, tmp_path / "cfs", ignore=shutil.ignore_patterns("_tracker.*", "*.c", "__pycache__"))
    (tmp_path / "setup.py").touch()
    shutil.copy(PACKAGE / "recordings" / "_tracker.pyx", tmp_path / "cfs" / "recordings")
    (tmp_path / "cfs" / "recordings" / "_tracker.py").touch()
    (tmp_path / "some.txt").write_text("a 1/1 [000] 5.000001: sched:sched_waking: comm=b pid=2 prio=120 target_cpu=000\n")
    for command in ("replay", "compare", "validate"):
        done = subprocess.run(
            [sys.executable, "-m", "cfs", command, "some.txt"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert "cfs.recordings._tracker was built from other sources" in done.stderr


def test_a_module_without_a_source_is_named(unbuilt):
    (unbuilt / "cfs" / "_version.py").unlink()
    (unbuilt / "cfs" / "_rbtree.py").write_text("RBTree = None\n")
    assert said_in(unbuilt, "import cfs") == "ModuleNotFoundError: No module named 'cfs._version'"


def test_a_module_that_the_first_one_lacks_is_named(unbuilt):
    (unbuilt / "cfs" / "_rbtree.py").write_text("import a_module_that_is_nowhere\n")
    assert said_in(unbuilt, "import cfs") == "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'"
