"""The stubs tell what the compiled modules are. Way to be right: a witness, mypy's stubtest on the built
modules.

Skipped where mypy is missing: it is a tool of those who change the API, not a need of those who run the
tests.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # mypy, twice

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "cfs").rglob("*.pyi"))
    if path.with_suffix(".pyx").exists()
]
# What Cython adds to every module, for itself.
OF_CYTHON = [r".*\.__pyx_capi__", r".*\.__test__", r".*\.__reduce_cython__", r".*\.__setstate_cython__"]


def test_the_stubs_agree_with_the_compiled_modules(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "allowed").write_text("\n".join(OF_CYTHON) + "\n")
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nignore_errors = True\ncache_dir = {(tmp_path / 'cache').as_posix()}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--concise", "--ignore-unused-allowlist",
        "--mypy-config-file",
         str(tmp_path / "mypy.ini"), "--allowlist", str(tmp_path / "allowed"), *MODULES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_are_right_and_a_name_that_is_not_there_is_seen(tmp_path):
    """mypy finds nothing in the package; and in a user's file the typo, not the names that are imported late.
    """
    pytest.importorskip("mypy")
    late = "print(cfs.Recording, cfs.Result, cfs.Simulation, cfs.Workload, cfs.read_scenario)"
    (tmp_path / "user.py").write_text(f"import cfs\n{late}\ncfs.Workloads\n")
    command = [sys.executable, "-m", "mypy", "--cache-dir", tmp_path / "cache", "cfs", tmp_path / "user.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1 and "user.py:3: " in errors[0] and "Workloads" in errors[0], done.stdout
