"""Examples are tests: every Python block of the README and of the docs runs, those of a page one after the
other.
"""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_BLOCKS = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.fixture
def copy_of_the_examples(tmp_path, monkeypatch):
    """Pages read from `examples/` and `tests/`, and some write files: that happens in a folder of their own.
    """
    for name in ("examples", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("copy_of_the_examples")
@pytest.mark.parametrize("page", WITH_BLOCKS, ids=[str(page.relative_to(ROOT)) for page in WITH_BLOCKS])
def test_the_blocks_of_a_page_run(page):
    namespace = {"__name__": "__docs__"}
    for number, code in enumerate(BLOCK.findall(page.read_text()), 1):
        exec(compile(code, f"{page.name} block {number}", "exec"), namespace)


def test_the_readme_has_blocks():
    assert ROOT / "README.md" in WITH_BLOCKS


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_of_the_docs_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


# ---- What is told to install exists ----------------------------------------------------------------

ON_NO_INDEX = re.compile(r"pip install[^`\n]*\n?[^`\n]*\bcfs[-_]sched\b")
TELLERS = sorted(
    path
    for pattern in ["*.md", "docs/**/*.md", "examples/**/*.md", "cfs/**/*.py", "cfs/**/*.pyx"]
    for path in ROOT.glob(pattern)
)


@pytest.mark.parametrize("path", TELLERS, ids=[str(path.relative_to(ROOT)) for path in TELLERS])
def test_nobody_is_told_to_install_from_an_index_where_cfs_is_not(path):
    assert ON_NO_INDEX.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("said", ['pip install "cfs-sched[plot]"', "pip install cfs-sched setuptools"])
def test_such_a_command_would_be_found(said):
    assert ON_NO_INDEX.search(f"needs matplotlib: {said}") and ON_NO_INDEX.search(said.replace("l c", "l\nc"))
