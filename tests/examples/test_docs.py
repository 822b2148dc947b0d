"""Examples are tests: every Python block of the README and of the docs runs, those of a page one after the
other.
"""

import pathlib
import re

import pytest

from tests.quick import slow
from tests.tidy.sources import name_of

ROOT = pathlib.Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_BLOCKS = [page for page in PAGES if BLOCK.search(page.read_text())]
DRAWS = ROOT / "docs" / "guides" / "results-out.md"
"""The page that writes every picture and file there is."""


@pytest.fixture
def copy_of_the_examples(tmp_path, monkeypatch):
    """Pages read from `examples/` and `tests/`, and some write files: that happens in a folder of their own.
    """
    for name in ("examples", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("copy_of_the_examples")
@pytest.mark.parametrize("page", [slow(page) if page == DRAWS else page for page in WITH_BLOCKS], ids=name_of)
def test_the_blocks_of_a_page_run(page):
    namespace = {"__name__": "__docs__"}
    for number, code in enumerate(BLOCK.findall(page.read_text()), 1):
        exec(compile(code, f"{page.name} block {number}", "exec"), namespace)


def test_the_readme_has_blocks():
    assert ROOT / "README.md" in WITH_BLOCKS


def test_links_of_the_docs_lead_somewhere():
    links = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)#]+)\)", page.read_text())]
    inside = [(page, target) for page, target in links if "://" not in target]
    assert len(inside) > len(PAGES)
    assert [f"{name_of(page)}: {target}" for page, target in inside if not (page.parent / target).exists()] == []


# ---- What is told to install exists ----------------------------------------------------------------

ON_NO_INDEX = re.compile(r"pip install[^`\n]*\n?[^`\n]*\bcfs[-_]sched\b")
TELLERS = sorted(
    path
    for pattern in ["*.md", "docs/**/*.md", "examples/**/*.md", "cfs/**/*.py", "cfs/**/*.pyx"]
    for path in ROOT.glob(pattern)
)


def test_nobody_is_told_to_install_from_an_index_where_cfs_is_not():
    assert [name_of(path) for path in TELLERS if ON_NO_INDEX.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("said", ['pip install "cfs-sched[plot]"', "pip install cfs-sched setuptools"])
def test_such_a_command_would_be_found(said):
    assert ON_NO_INDEX.search(f"needs matplotlib: {said}") and ON_NO_INDEX.search(said.replace("l c", "l\nc"))
