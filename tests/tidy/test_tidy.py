"""The rules of the house that a machine can check. Way to be right: laws, about the sources themselves.

Few rules, each with its reason beside it. Lengths of functions and files are taste and are left to the
reader.
"""

import ast
import inspect
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import cfs
from cfs import arithmetic, conformance, errors, models, tunables

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cfs"
CYTHON = sorted([*PACKAGE.rglob("*.pyx"), *PACKAGE.rglob("*.pxd")])
PYTHON = sorted(PACKAGE.rglob("*.py"))
SOURCES = CYTHON + PYTHON
CLASSES = sorted((PACKAGE / "models").rglob("*.pyx"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def text_of(path):
    return path.read_text(encoding="utf-8")


def code_of(path):
    """The lines of a Cython file without strings and comments, so that only code is left; numbering is
    kept.
    """
    text = re.sub(
        r'("""|\'\'\').*?\1', lambda m: "\n" * m.group().count("\n"), text_of(path), flags=re.DOTALL
    )
    text = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", '""', text)
    return re.sub(r"#.*", "", text)


def folded(path):
    """Logical lines: brackets that go on over several lines are joined. (number of the first, line)"""
    depth, whole, first = 0, "", 0
    for number, line in enumerate(code_of(path).splitlines(), 1):
        if depth == 0:
            whole, first = "", number
        whole += " " + line.strip() if whole else line
        depth += line.count("(") + line.count("[") - line.count(")") - line.count("]")
        if depth <= 0:
            depth = 0
            yield first, whole


# ---- Imports follow the floors -------------------------------------------------------------------
# A reader finds her way by the layout alone: whoever stands on a floor needs to know only what lies below.

FLOORS = {
    "_types": 0,
    "errors": 0,
    "_fixedpoint": 1,
    "_hz": 1,
    "limits": 1,
    "_rbtree": 1,
    "_table": 1,
    "_load": 2,
    "units": 2,
    "_slice": 2,
    "_timeline": 2,
    "_core": 3,
    "_group": 3,
    "_snapshot": 4,
    "_arithmetic": 4,
    "arithmetic": 5,
    "engine": 5,
    "models": 6,
    "tunables": 6,
    # floor 6: the Python API, compiled or not; among themselves without a cycle
    "_capi": 6,
    "batch": 6,
    "queueing": 6,
    "result": 6,
    "scenarios": 6,
    "scheduler": 6,
    "simulation": 6,
    "stepping": 6,
    "workload": 6,
    # floor 7: what people have and what they want to see
    "adapters": 7,
    "conformance": 7,
    "frames": 7,
    "recordings": 7,
    "reports": 7,
    "sweep": 7,
    # floor 8: the door
    "cli": 8,
    "options": 8,
    "__main__": 9,
    "__init__": 9,
}
API_FLOOR = 6


def module_of(path):
    """Parts of the module's name below cfs."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def arrows_of(path, *, at_import_only=False):
    """Parts of the names of the modules of cfs that the file imports or cimports; in functions too, or only
    at import.
    """
    package = path.relative_to(PACKAGE).parts[:-1]
    if path.suffix == ".py":
        tree = ast.parse(text_of(path))
        found = [
            (node.level, node.module or "", [alias.name for alias in node.names])
            for node in (tree.body if at_import_only else ast.walk(tree))
            if isinstance(node, ast.ImportFrom)
        ]
    else:
        found = []
        for _, line in folded(path):
            match = re.match(r"\s*from\s+(\.*)([\w.]*)\s+c?import\s+(.*)", line)
            if match:
                found.append((len(match[1]), match[2], re.findall(r"\w+", match[3])))
    for level, module, names in found:
        if level == 0 and module.split(".")[0] != "cfs":
            continue
        base = () if level == 0 else package[: len(package) - level + 1]
        parts = base + tuple(
            part for part in module.split(".") if part and not (level == 0 and part == "cfs")
        )
        if parts != package or level == 0:
            yield parts or ("__init__",)
        else:
            yield from (parts + (name,) for name in names if is_module(PACKAGE.joinpath(*parts, name)))


def is_module(path):
    return path.is_dir() or any(path.with_suffix(suffix).exists() for suffix in (".py", ".pyx", ".pxd"))


def own_pxd(path, parts):
    return path.suffix in (".pyx", ".pxd") and parts == module_of(path)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_file_stands_on_a_floor(path):
    assert module_of(path)[0] in FLOORS


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_arrows_go_down_only(path):
    own = FLOORS[module_of(path)[0]]
    upwards = [
        ".".join(parts)
        for parts in arrows_of(path)
        if not own_pxd(path, parts)
        and parts[0] != module_of(path)[0]
        and (FLOORS[parts[0]] > own or (FLOORS[parts[0]] == own and own < API_FLOOR))
    ]
    assert upwards == [], f"{name_of(path)} (floor {own}) may not see them"


@pytest.mark.parametrize("path", [p for p in CYTHON if p.is_relative_to(PACKAGE / "models")], ids=name_of)
def test_classes_never_see_each_other(path):
    """What two share moves down."""
    assert [parts for parts in arrows_of(path) if parts[0] == "models" and not own_pxd(path, parts)] == []


def test_the_core_sees_no_class():
    for name in ("_core", "_group"):
        for suffix in (".pyx", ".pxd"):
            assert "models" not in [parts[0] for parts in arrows_of(PACKAGE / (name + suffix))]


def test_the_api_has_no_cycle():
    """On the floors of the API a module may see its neighbours, but not in a circle; what a function
    imports when it is called (`Workload.run` makes a Simulation) closes none."""
    edges = {}
    for path in SOURCES:
        edges.setdefault(module_of(path)[0], set()).update(
            parts[0] for parts in arrows_of(path, at_import_only=True)
        )
    done, path_down = set(), []

    def visit(module):
        assert module not in path_down, " -> ".join([*path_down[path_down.index(module) :], module])
        if module in done:
            return
        path_down.append(module)
        for below in edges.get(module, set()) - {module}:
            visit(below)
        done.add(path_down.pop())

    for module in edges:
        visit(module)


def test_the_package_sees_no_test():
    assert [
        name_of(path)
        for path in SOURCES
        if re.search(r"^\s*(from|import) +tests\b", text_of(path), re.MULTILINE)
    ] == []


# ---- Functions of the core -----------------------------------------------------------------------
# A `void` without noexcept, called in a nogil loop, is 2 to 9 times slower, and an exception in it is lost.


@pytest.mark.parametrize("path", CYTHON, ids=name_of)
def test_every_nogil_function_says_what_it_does_with_exceptions(path):
    silent = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for number, line in folded(path)
        if re.search(r"\bnogil\b", line)
        and not re.match(r"\s*with\b", line)
        and not line.lstrip().startswith("cdef extern")
        and not re.search(r"\b(noexcept|except)\b", line)
    ]
    assert silent == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_package_neither_prints_nor_asserts(path):
    """A library does not talk, and an assert vanishes under -O."""
    if path.suffix == ".py":
        nodes = list(ast.walk(ast.parse(text_of(path))))
        found = [node.lineno for node in nodes if isinstance(node, ast.Assert)]
        found += [
            node.lineno
            for node in nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
    else:
        found = [
            number
            for number, line in folded(path)
            if re.search(r"^\s*assert\b|(?<![\w.])print *\(|\bprintf\b", line)
        ]
    assert found == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_exception_is_swallowed_without_a_name(path):
    assert not re.search(r"^\s*except\s*:", text_of(path), re.MULTILINE)


@pytest.mark.parametrize("path", CYTHON, ids=name_of)
def test_no_second_door_and_no_hidden_text(path):
    """cpdef would be a second, unchecked door; include, DEF and IF hide where a name comes from."""
    assert [line for _, line in folded(path) if re.match(r"\s*(cpdef|include|DEF|IF)\b", line)] == []


@pytest.mark.parametrize("path", CYTHON, ids=name_of)
def test_directives_stand_in_setup_py_only(path):
    assert "# cython:" not in text_of(path)


# ---- Essays and reasons --------------------------------------------------------------------------


@pytest.mark.parametrize("path", CLASSES, ids=name_of)
def test_a_class_opens_with_its_essay(path):
    """What it decides, of which release, what holds, and what was rejected."""
    essay = ast.parse("r" + re.match(r'""".*?"""', text_of(path), re.DOTALL).group()).body[0].value.value
    for heading in ("Model: ", "What it decides: ", "Invariants", "Rejected: "):
        assert heading in essay, heading


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.name != "__init__.py" or text_of(p).strip()], ids=name_of
)
def test_a_file_opens_by_saying_what_it_is(path):
    assert re.match(r'("""|#)', text_of(path)), "a docstring, or a comment in a .pxd"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_departure_has_its_reason(path):
    """DIFFERS and AS SPECIFIED go on with at least one sentence."""
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


def namings_of(home, number):
    stem = Path(home).stem.lstrip("_")
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = text_of(path)
        named = re.findall(rf"I{number}\b[^\n]{{0,20}} of {re.escape(home)}", text)
        named += re.findall(rf"def test_i{number}_of_{stem}_\w+", text)
        if path == own_tests_of(home):
            named += re.findall(rf"def test_i{number}_(?!of_)\w+", text)
        yield from ((path, name) for name in named)


@pytest.mark.parametrize(("home", "number"), list(invariants()), ids=lambda value: str(value))
def test_every_invariant_is_named_by_a_test(home, number):
    assert list(namings_of(home, number)), f"no test names I{number} of {home}"


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


@pytest.mark.parametrize(
    "owner, method, names",
    [pytest.param(*it, id=".".join(it[:2])) for it in methods_of_stub(PACKAGE / "scheduler" / "_scheduler.pyi")],
)
def test_a_compiled_method_shows_the_signature_of_its_stub(owner, method, names):
    """To `help`, editors and notebooks, though it is no Python function."""
    shown = inspect.signature(getattr(getattr(cfs, owner), method))
    assert list(shown.parameters) == names


@pytest.mark.parametrize("path", [p for p in CYTHON if p.suffix == ".pyx"], ids=name_of)
def test_every_compiled_module_has_a_stub(path):
    """Type checkers and editors cannot look into a compiled module."""
    assert path.with_suffix(".pyi").exists()


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
