"""The layout is the architecture: imports go down, and nowhere in a ring. Way to be right: laws, about the sources.

Every arrow counts: imports in functions, under TYPE_CHECKING, inside a package, through the package root, by
`import_module`, and every cimport. The few that lead up are DOORS, each with its reason.
"""

import ast

import pytest

from tests.tidy.sources import PACKAGE, PYTHON, SOURCES, all_arrows, arrows_of, module_of, name_of, text_of

FLOORS = [
    {"_source_tree", "_version", "errors"},  # what everybody may say
    {"limits"},  # ranges, policies, priorities
    {"units"},  # times, shares and names as text, and back
    {"platform"},  # ticks, preemption, costs: what surrounds a scheduler
    {"_types"},  # every struct that more than one file sees
    {"_bits", "_fixedpoint", "_hz", "_rbtree", "_table"},  # arithmetic, the tree, hook tables
    {"_load", "_slice", "_statistics", "_timeline"},  # weights, the divisions, counts of runs, a queue in the order of keys
    {"_core"},  # events that happen to a CPU
    {"_group"},  # sets of tasks with one weight
    {"_snapshot", "_arithmetic"},  # a machine as bytes; single values
    {"arithmetic", "_topology"},
    {"models"},  # a folder a release
    {"engine"},  # what makes time pass, written once
    {"scheduler"},  # the API that you drive yourself
    {"sums"},  # what is left of a log that nobody kept
    {"result"},  # who ran and who waited: one shape for a simulation and for a recording
    {"workload"},  # what tasks do
    {"simulation"},  # the API that drives itself
    {"scenarios", "recordings"},  # what people have
    {"recorder"},  # the machine while a command runs
    {"conformance"},
    {"reports"},  # what people want to see
    {"validate"},  # is a prediction right?
    {"adapters"},
    {"cli"},
    {"_capi", "batch", "frames", "options", "queueing", "stepping", "tunables"},  # names kept from before
    {"__init__", "__main__"},
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}

DOORS = {
    ("workload.workload", "simulation.simulation"): "Workload.run: a workload is run in one line",
    ("result", "reports.frames"): "Result.to_arrow and its kin: a result is taken elsewhere in one line",
    ("result", "reports.columns"): "Result.to_dict: what is counted of a row, each column said once",
    ("result", "reports.html"): "Result._repr_html_: a notebook asks the object how it looks",
    ("workload.workload", "reports.notebook"): "Workload._repr_html_: a notebook asks the object how it looks",
    ("recordings.recording", "reports.notebook"): "Recording._repr_html_: a notebook asks the object how it looks",
    ("reports.comparison", "reports.comparison_figure"): "Comparison.plot: the figure of what was compared",
}
"""Arrows that lead up, from -> to: the reason. Each is an import inside a function."""


def named(parts):
    return ".".join(parts) or "__init__"


def top_of(parts):
    return parts[0] if parts else "__init__"


def is_door(own, to):
    return (named(own), named(to)) in DOORS


def test_every_file_stands_on_a_floor():
    assert [name_of(path) for path in SOURCES if top_of(module_of(path)) not in FLOOR_OF] == []


def test_every_floor_has_files():
    """A room that does not exist would let anybody in."""
    planned = {"_topology"}
    there = {top_of(module_of(path)) for path in SOURCES}
    assert set(FLOOR_OF) - there - planned == set()


def is_up(own, to):
    """Does an arrow between two modules lead up, or to another thing on the same floor?"""
    return top_of(to) != top_of(own) and FLOOR_OF[top_of(to)] >= FLOOR_OF[top_of(own)]


def test_arrows_go_down_only():
    upwards = [
        f"{name_of(path)} may not see {named(to)}"
        for path in SOURCES
        for to in arrows_of(path)
        if is_up(module_of(path), to) and not is_door(module_of(path), to)
    ]
    assert upwards == []


def rings(edges):
    """Each way round that there is, as a list of nodes; a search in depth."""
    found, done, way = [], set(), []

    def visit(node):
        if node in way:
            found.append([*way[way.index(node) :], node])
        elif node not in done:
            way.append(node)
            for below in sorted(edges.get(node, ())):
                visit(below)
            done.add(way.pop())

    for node in sorted(edges):
        visit(node)
    return found


def test_rings_are_found():
    assert rings({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c", "a"]]
    assert rings({"a": {"b", "c"}, "b": {"c"}}) == []


def arrows_without_doors():
    return {own: {to for to in found if not is_door(own, to)} for own, found in all_arrows().items()}


def test_no_ring_of_files():
    assert [" -> ".join(map(named, ring)) for ring in rings(arrows_without_doors())] == []


@pytest.mark.parametrize("depth", [1, 2])
def test_no_ring_of_folders(depth):
    """A folder is one thing; at depth 2 those in a folder, too."""

    def folder(parts):
        return parts[:depth] if PACKAGE.joinpath(*parts[:depth]).is_dir() else parts

    edges = {}
    for own, found in arrows_without_doors().items():
        if own:
            edges.setdefault(folder(own), set()).update(folder(to) for to in found)
    rid = {own: {to for to in found if to != own and to[: len(own)] != own} for own, found in edges.items()}
    assert [" -> ".join(map(named, ring)) for ring in rings(rid)] == []


def release_of(module):
    """The folder of a release in which a module lies, or None."""
    return module[1] if module[:1] == ("models",) and len(module) > 2 else None


def test_releases_never_see_each_other():
    """What two share moves down."""
    inside = [path for path in SOURCES if release_of(module_of(path))]
    assert {release_of(module_of(path)) for path in inside} == {path.parent.name for path in PACKAGE.glob("models/*/facts.py")}
    assert [
        f"{name_of(path)} sees {named(to)}"
        for path in inside
        for to in arrows_of(path)
        if release_of(to) not in (None, release_of(module_of(path)))
    ] == []


# ---- Doors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "to"), DOORS, ids=lambda name: name)
def test_a_door_is_used_and_says_why(own, to):
    arrows = {(named(a), named(b)) for a, found in all_arrows().items() for b in found}
    assert (own, to) in arrows, "nobody goes through it: take it off the list"
    assert len(DOORS[own, to].split()) > 3


@pytest.mark.parametrize("own", sorted({own for own, _ in DOORS}))
def test_a_door_opens_when_it_is_called(own):
    """What leads up is not loaded by an import."""
    (path,) = (path for path in PYTHON if named(module_of(path)) == own)
    doors = {to.rpartition(".")[2] for door, to in DOORS if door == own}
    at_import = [node for node in ast.parse(text_of(path)).body if isinstance(node, ast.ImportFrom)]
    assert doors.isdisjoint((node.module or "").rpartition(".")[2] for node in at_import)
