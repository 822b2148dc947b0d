"""Examples are tests: the pages build without a warning (`make docs`), where Sphinx and its extensions are
installed.
"""

import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # builds all pages

ROOT = pathlib.Path(__file__).parents[2]


def test_the_pages_build_without_a_warning(tmp_path):
    for needed in ("sphinx", "furo", "myst_parser", "numpydoc"):
        pytest.importorskip(needed)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").exists() and (tmp_path / "reference" / "api.html").exists()
