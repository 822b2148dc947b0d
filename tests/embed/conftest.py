"""What the tests of embedding share: the wheel of this checkout, an empty environment that has it, and a
process in it.

The wheel is built from a copy of the checkout and installed into an empty environment, so what a file
finds only because it lies in the source tree is missing here, as it would be for a user. Nothing is
downloaded: Cython, numpy and setuptools are those of the running environment.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    "*.c",
    "*.so",
    "*.pyd",
    "*.o",
    "*.html",
    "build",
    "dist",
    "*.egg-info",
    ".*",
    "__pycache__",
    "docs",
    "benchmarks",
    "out",
)


def run(*command, cwd, timeout=300, **variables):
    """A child process without a way to the checkout; its output, or a failure that shows it."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CFS_DEBUG")
    }
    environment |= variables
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if done.returncode:
        pytest.fail(
            f"{command} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}",
            pytrace=False,
        )
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built without isolation; or the one that CFS_WHEEL names, where it is
    built already.
    """
    if "CFS_WHEEL" in os.environ:
        return Path(os.environ["CFS_WHEEL"]).resolve()
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "checkout", ignore=LEFT_BEHIND)
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        cwd=folder / "checkout",
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def python(wheel, tmp_path_factory):
    """An interpreter that has the wheel, and beside it what the running one has (numpy, Cython,
    setuptools).
    """
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scheme = sysconfig.get_preferred_scheme("prefix") if os.name != "nt" else "venv"
    packages = Path(sysconfig.get_path("platlib", scheme, {"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "beside.pth").write_text(
        f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n"
    )
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
