"""The package's sources as text, and which of its files names which. Shared by the tidy tests."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cfs"
CYTHON = sorted(path for suffix in ("pyx", "pxd", "pxi") for path in PACKAGE.rglob(f"*.{suffix}"))
PYTHON = sorted(PACKAGE.rglob("*.py"))
SOURCES = CYTHON + PYTHON


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path):
    return path.read_text(encoding="utf-8")


@cache
def code_of(path):
    """The lines of a Cython file without strings and comments, so that only code is left; numbering is
    kept.
    """
    text = re.sub(
        r'("""|\'\'\').*?\1', lambda m: "\n" * m.group().count("\n"), text_of(path), flags=re.DOTALL
    )
    text = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", '""', text)
    return re.sub(r"#.*", "", text)


@cache
def folded(path):
    """Logical lines: brackets that go on over several lines are joined. (number of the first, line)"""
    return list(_folded(path))


def _folded(path):
    depth, whole, first = 0, "", 0
    for number, line in enumerate(code_of(path).splitlines(), 1):
        if depth == 0:
            whole, first = "", number
        whole += " " + line.strip() if whole else line
        depth += line.count("(") + line.count("[") - line.count(")") - line.count("]")
        if depth <= 0:
            depth = 0
            yield first, whole


# ---- Arrows: every import and cimport ------------------------------------------------------------
# A module is the tuple of its names below `cfs`; a package is its __init__, so `()` is `cfs` itself.


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@cache
def is_module(parts):
    path = PACKAGE.joinpath(*parts)
    if path.is_dir():
        return (path / "__init__.py").exists()
    return any(path.with_suffix(suffix).exists() for suffix in (".py", ".pyx", ".pxd"))


@cache
def nodes_of(path):
    """Every node of a Python file."""
    return list(ast.walk(ast.parse(text_of(path))))


def python_imports(path):
    """``(level, module, names)`` of each import: lazy, for type checkers, by `import_module`, all of them."""
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((0, alias.name, []) for alias in node.names)
        elif is_import_by_name(node):
            dots = len(node.args[0].value) - len(node.args[0].value.lstrip("."))
            yield dots, node.args[0].value.lstrip("."), []


def is_import_by_name(node):
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return called.lstrip("_") in ("import_module", "import__") and isinstance(node.args[0].value, str)


def cython_imports(path):
    for _, line in folded(path):
        match = re.match(r"\s*from\s+(\.*)([\w.]*)\s+c?import\s+(.*)", line)
        if match:
            names = [part.split()[0] for part in match[3].strip(" ()").split(",") if part.split()]
            yield len(match[1]), match[2], names
        match = re.match(r"\s*c?import\s+([\w., ]+)", line)
        if match:
            yield from ((0, part.split()[0], []) for part in match[1].split(",") if part.split())


@cache
def arrows_of(path):
    """Modules of `cfs` that a file names. `from .package import module` leads to the module, and
    `from .package import name` to the package.
    """
    return list(_arrows_of(path))


def _arrows_of(path):
    own = module_of(path)
    package = own if path.stem == "__init__" else own[:-1]
    imports = python_imports(path) if path.suffix == ".py" else cython_imports(path)
    for level, module, names in imports:
        parts = tuple(part for part in module.split(".") if part)
        if level == 0:
            if parts[:1] != ("cfs",):
                continue
            base = parts[1:]
        else:
            base = package[: len(package) - level + 1] + parts
        inner = [base + (name,) for name in names if is_module(base + (name,))]
        yield from inner
        if len(inner) < len(names) or not names:
            yield base


@cache
def all_arrows():
    """Module -> modules that its files name, itself left out."""
    arrows = {}
    for path in SOURCES:
        own = module_of(path)
        arrows.setdefault(own, set()).update(to for to in arrows_of(path) if to != own)
    return arrows
