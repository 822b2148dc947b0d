"""The files of `cfs/reports` stand in layers, and see only what is below. Way to be right: a law, about the
sources themselves.
"""

import ast
from pathlib import Path

import pytest

import cfs.reports

FOLDER = Path(cfs.reports.__file__).parent
LAYERS = [
    {"files", "settings", "columns", "lines", "part", "events", "_ftrace"},
    {"lanes"},
    {"fairness", "panels", "tables", "verdicts"},
    {"samples", "compared"},
    {"comparison_tables"},
    {"comparison"},
    {"drawing", "svg", "frames", "ftrace", "perfetto"},
    {"timeline", "trends", "comparison_figure", "html"},
    {"notebook"},
]
DOORS_UP = {("comparison", "comparison_figure")}
"""`Comparison.plot`: whoever has a comparison can draw it without knowing what draws."""

LAYER_OF = {name: number for number, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")


def neighbours(path):
    """Files of the folder that a file imports, wherever in it, for a type checker too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module] if node.module else [alias.name for alias in node.names]


def test_every_file_stands_in_a_layer():
    compiled = {path.stem for path in FOLDER.glob("*.pyx")}  # they see nothing of the folder
    assert {path.stem for path in FILES} | compiled == set(LAYER_OF)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_sees_only_layers_below(path):
    seen = {(path.stem, name) for name in neighbours(path)}
    assert {arrow for arrow in seen if LAYER_OF[arrow[1]] >= LAYER_OF[path.stem]} <= DOORS_UP


def test_the_figure_alone_needs_matplotlib():
    """What counts and what writes text or pages must not, not even when it is called."""
    for path in FILES:
        if LAYER_OF[path.stem] < LAYER_OF["comparison"] or path.stem in ("svg", "html", "frames"):
            assert "matplotlib." not in path.read_text(encoding="utf-8"), path.stem
