"""Examples are tests: every Python block of the README and of the docs runs, in a copy of its own namespace."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [(page, number, code) for page in PAGES for number, code in enumerate(BLOCK.findall(page.read_text()), 1)]


@pytest.mark.parametrize(
    "page, number, code", BLOCKS, ids=[f"{page.relative_to(ROOT)}:{number}" for page, number, _ in BLOCKS]
)
def test_block_of_the_docs_runs(page, number, code, monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(code, f"{page.name} block {number}", "exec"), {"__name__": "__docs__"})


def test_the_readme_has_blocks():
    assert any(page.name == "README.md" for page, _, _ in BLOCKS)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_of_the_docs_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
