"""The rules of the house that a machine can check. Way to be right: laws, about the sources themselves.

Few rules, each with its reason beside it. Lengths of functions and files are taste and are left to the
reader. A rule is one test, which lists every place that breaks it: hundreds of files, each a test of its own, took most of
their time for being tests.
"""

import ast
import inspect
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

import cfs
from cfs import arithmetic, conformance, errors, models, tunables
from tests.tidy.sources import CYTHON, PACKAGE, ROOT, SOURCES, arrows_of, folded, name_of, nodes_of, text_of

MODELS = sorted(path for path in CYTHON if path.is_relative_to(PACKAGE / "models"))
CLASSES = [path for path in MODELS if re.search(r"^cdef sched_class table$", text_of(path), re.MULTILINE)]


def test_the_package_sees_no_test():
    assert [
        name_of(path)
        for path in SOURCES
        if re.search(r"^\s*(from|import) +tests\b", text_of(path), re.MULTILINE)
    ] == []


# ---- Releases ------------------------------------------------------------------------------------


def test_there_is_a_class_for_each_model():
    assert len(CLASSES) == len(models.MODELS) + 1  # and the one of the idle task


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in (PACKAGE / "models").glob("*/facts.py")), ids=name_of
)
def test_the_facts_of_a_release_lead_into_its_folder(folder):
    """One folder a release: its entry, its knobs and its compiled class; or one for each point of its life."""
    home = "cfs.models." + folder.name
    found = [it.module for it in models.MODELS.values() if it.tunables.__module__ == f"{home}.facts"]
    assert sorted(found) == [f"{home}.{path.stem}" for path in CLASSES if path.parent == folder] != []


def test_no_file_outside_of_its_folder_imports_the_facts_of_a_release():
    """But for the registry, which lists them, and the door of the public names."""
    seen = {
        name_of(path)
        for path in SOURCES
        for parts in arrows_of(path)
        if parts[:1] == ("models",) and parts[-1] == "facts" and path.suffix == ".py"
    }
    assert seen == {"cfs/models/registry.py", "cfs/tunables.py"}


# ---- Functions of the core -----------------------------------------------------------------------
# A `void` without noexcept, called in a nogil loop, is 2 to 9 times slower, and an exception in it is lost.


def test_every_nogil_function_says_what_it_does_with_exceptions():
    silent = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in CYTHON
        for number, line in folded(path)
        if re.search(r"\bnogil\b", line)
        and not re.match(r"\s*with\b", line)
        and not line.lstrip().startswith("cdef extern")
        and not re.search(r"\b(noexcept|except)\b", line)
    ]
    assert silent == []


def prints_or_asserts(path):
    """The numbers of the lines."""
    if path.suffix != ".py":
        pattern = r"^\s*assert\b|(?<![\w.])print *\(|\bprintf\b"
        return [number for number, line in folded(path) if re.search(pattern, line)]
    return [node.lineno for node in nodes_of(path) if isinstance(node, ast.Assert) or calls_print(node)]


def calls_print(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"


def test_the_package_neither_prints_nor_asserts():
    """A library does not talk, and an assert vanishes under -O."""
    assert [f"{name_of(path)}:{number}" for path in SOURCES for number in prints_or_asserts(path)] == []


def test_no_exception_is_swallowed_without_a_name():
    bare = re.compile(r"^\s*except\s*:", re.MULTILINE)
    assert [name_of(path) for path in SOURCES if bare.search(text_of(path))] == []


CIMPORT = re.compile(r"from \S+ cimport (.*)")


def unused_cimports(path):
    """What a file neither uses nor includes a text that uses it."""
    lines = [line for _, line in folded(path)]
    found = [CIMPORT.fullmatch(line) for line in lines]
    names = [name.split()[-1] for it in found if it for name in it[1].strip("() ").rstrip(",").split(",")]
    rest = [line for line, it in zip(lines, found) if not it]
    for text in re.findall(r'^include "(.*)"$', text_of(path), re.MULTILINE):
        rest += [line for _, line in folded(path.parent / text)]
    words = set(re.findall(r"\w+", "\n".join(rest)))
    return [name for name in names if name != "*" and name not in words]


def test_what_is_cimported_is_used():
    """A .pxd may hand names on."""
    found = {name_of(path): unused_cimports(path) for path in CYTHON if path.suffix == ".pyx"}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_second_door_and_no_hidden_text():
    """cpdef would be a second, unchecked door; include, DEF and IF hide where a name comes from.

    But classes of one release include their common text, which lies beside them.
    """
    for path in CYTHON:
        found = [line.strip() for _, line in folded(path) if re.match(r"\s*(cpdef|include|DEF|IF)\b", line)]
        assert found == ['include ""' for _ in shared_texts(path)], name_of(path)


def shared_texts(path):
    """The files that a class includes."""
    names = re.findall(r'^include "(\w+\.pxi)"$', text_of(path), re.MULTILINE) if path in CLASSES else []
    return [path.with_name(name) for name in names]


def test_a_text_is_shared_by_several_classes():
    """What only one has stands in it, and what nobody has stands nowhere."""
    shared = [text for path in CLASSES for text in shared_texts(path)]
    assert set(shared) == {path for path in CYTHON if path.suffix == ".pxi"}
    assert all(shared.count(text) > 1 for text in shared)


def test_directives_stand_in_setup_py_only():
    assert [name_of(path) for path in CYTHON if "# cython:" in text_of(path)] == []


# ---- Essays and reasons --------------------------------------------------------------------------


@pytest.mark.parametrize("path", CLASSES, ids=name_of)
def test_a_class_opens_with_its_essay(path):
    """What it decides, of which release, what holds, and what was rejected."""
    essay = ast.parse("r" + re.match(r'""".*?"""', text_of(path), re.DOTALL).group()).body[0].value.value
    for heading in ("Model: ", "What it decides: ", "Invariants", "Rejected: "):
        assert heading in essay, heading


def test_a_file_opens_by_saying_what_it_is():
    """By a docstring, or a comment in a .pxd; an empty __init__.py need not."""
    files = [path for path in SOURCES if path.name != "__init__.py" or text_of(path).strip()]
    assert [name_of(path) for path in files if not re.match(r'("""|#)', text_of(path))] == []


def test_a_departure_has_its_reason():
    """DIFFERS and AS SPECIFIED go on with at least one sentence."""
    for path in SOURCES:
        for match in re.finditer(r"\b(DIFFERS|AS SPECIFIED)\b(.{0,40})", text_of(path), re.DOTALL):
            assert re.match(r": \S+ \S+ \S+", match[2]), f"{name_of(path)}: {match.group()!r}"


# ---- Invariants are tested -----------------------------------------------------------------------
# An invariant is stated once, numbered, at its home; a test names it as "I3 of cfs/_core.pyx", or is called
# test_i3_... in a file that speaks of that home alone (or test_i3_of_core_...).


def invariants():
    for path in SOURCES:
        match = re.match(r'"""(.*?)"""', text_of(path), re.DOTALL)
        if match:
            for number in re.findall(r"^ {4}I(\d+)  ", match[1], re.MULTILINE):
                yield name_of(path), int(number)


def own_tests_of(home):
    """Where the tests of a file alone are: `tests/unit` mirrors the folders."""
    within = Path(home).relative_to("cfs")
    return ROOT / "tests" / "unit" / within.parent / f"test_{within.stem.lstrip('_')}.py"


@cache
def all_tests():
    return sorted((ROOT / "tests").rglob("test_*.py"))


@cache
def lines_that_name():
    """Of each test file the lines that may name an invariant; most of the text names none."""
    pattern = re.compile(r"^.*(?:\bI\d|def test_i\d).*$", re.MULTILINE)
    return {path: "\n".join(pattern.findall(text_of(path))) for path in all_tests()}


def namings_of(home, number):
    stem = Path(home).stem.lstrip("_")
    for path, text in lines_that_name().items():
        named = re.findall(rf"I{number}\b[^\n]{{0,20}} of {re.escape(home)}", text)
        named += re.findall(rf"def test_i{number}_of_{stem}_\w+", text)
        if path == own_tests_of(home):
            named += re.findall(rf"def test_i{number}_(?!of_)\w+", text)
        yield from ((path, name) for name in named)


def test_every_invariant_is_named_by_a_test():
    stated = list(invariants())
    assert stated
    unnamed = [f"I{number} of {home}" for home, number in stated if not any(namings_of(home, number))]
    assert unnamed == []


# ---- Public names --------------------------------------------------------------------------------


def public_objects():
    """(name, object) of everything that is promised, with the public members of public classes."""
    for module in (cfs, arithmetic, conformance, errors, models, tunables):
        names = getattr(module, "__all__", None) or [
            name for name in vars(module) if not name.startswith("_")
        ]
        for name in names:
            thing = getattr(module, name)
            if inspect.ismodule(thing) or not getattr(thing, "__module__", "cfs").startswith("cfs"):
                continue
            yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing):
                yield from (
                    (f"{module.__name__}.{name}.{member}", value)
                    for member, value in vars(thing).items()
                    if not member.startswith("_")
                    and (callable(value) or inspect.isdatadescriptor(value))
                    and not inspect.ismemberdescriptor(value)
                    and not is_listed(member, value, thing)
                )


def is_listed(member, value, owner):
    """A readonly field of a cdef class can carry no docstring: that of its class lists it (Attributes)."""
    text = inspect.getdoc(owner) if inspect.isgetsetdescriptor(value) else ""
    return re.search(rf"^ *{member} : ", text, re.MULTILINE) is not None


def is_documented(thing):
    return bool((getattr(thing, "__doc__", None) or "").strip())


def test_every_public_name_has_a_docstring():
    constants = (dict, list, tuple, str, int)
    assert [
        name
        for name, thing in public_objects()
        if not isinstance(thing, constants) and not is_documented(thing)
    ] == []


def methods_of_stub(path):
    """``(class, method, names of its parameters)`` of a stub; what is a property or overloaded is left out."""
    for owner in ast.parse(text_of(path)).body:
        for node in owner.body if isinstance(owner, ast.ClassDef) else []:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not node.decorator_list:
                a = node.args
                arguments = [*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg]
                yield owner.name, node.name, [argument.arg for argument in arguments if argument]


@pytest.mark.parametrize("room", ["_machine", "_handles", "_scheduler"])
def test_a_compiled_method_shows_the_signature_of_its_stub(room):
    """To `help`, editors and notebooks, though it is no Python function. A Scheduler has what a Machine has.
    """
    methods = list(methods_of_stub(PACKAGE / "scheduler" / f"{room}.pyi"))
    assert methods
    for owner, method, names in methods:
        shown = inspect.signature(getattr(getattr(cfs, "Scheduler" if owner == "Machine" else owner), method))
        assert list(shown.parameters) == names, f"{owner}.{method}"


def test_every_compiled_module_has_a_stub():
    """Type checkers and editors cannot look into a compiled module."""
    modules = [path for path in CYTHON if path.suffix == ".pyx"]
    assert [name_of(path) for path in modules if not path.with_suffix(".pyi").exists()] == []


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()


def test_each_kind_of_pointer_is_offered_to_other_packages():
    """Who adds a class says with them where its structs hold addresses."""
    kinds = set(re.findall(r"^    (POINTER_\w+) =", text_of(PACKAGE / "_types.pxd"), re.MULTILINE))
    assert kinds and kinds <= set(re.findall(r"\w+", text_of(PACKAGE / "__init__.pxd")))


def test_the_public_c_names_exist():
    """What __init__.pxd offers is declared where it says."""
    for parts in arrows_of(PACKAGE / "__init__.pxd"):
        assert PACKAGE.joinpath(*parts).with_suffix(".pxd").exists()


# ---- The repository ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tracked():
    """Files in git; skipped where there is no git, as in an unpacked sdist."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()]


def test_no_generated_file_is_in_git(tracked):
    suffixes = (".c", ".so", ".pyd", ".o", ".html", ".pyc", ".whl")
    generated = [
        name_of(path) for path in tracked if path.suffix in suffixes and path.is_relative_to(PACKAGE)
    ]
    assert generated == []


MACHINE_PATHS = re.compile(rb"(?<![\w.~<>*])/(?:work|home/\w+|root|Users/\w+|mnt/\w+|tmp/(?:venv|bash)\w*)/")


def test_no_path_of_a_machine_is_in_the_repository(tracked):
    """What works here only must not be written down as if it worked everywhere."""
    found = []
    for path in tracked:
        data = path.read_bytes()
        if b"\0" in data[:4096] or path == Path(__file__):
            continue
        found += [f"{name_of(path)}: {match.group().decode()}" for match in MACHINE_PATHS.finditer(data)]
    assert found == []


def test_every_module_is_built():
    """A .pyx that setup.py does not list would be missing in the wheel without a word."""
    setup = text_of(ROOT / "setup.py")
    missing = [
        name_of(path)
        for path in CYTHON
        if path.suffix == ".pyx"
        and f'"{".".join(path.relative_to(ROOT).with_suffix("").parts)}"' not in setup
    ]
    assert missing == []
