"""The fast path of 2.6.24 divides nowhere and knows no floating point: read off the machine code.

Way of being right: the disassembly. The modules are compiled with the flags of setup.py and with every
function kept out of line, so that each has a name; the lists of names are the two tables of
docs/concepts/linux-2.6.24-cfs.md, so a function that is renamed, lost or forgotten there fails here. The
divisions that the document admits are the control: the test that could not find those would find nothing.
"""

import os
import re
import runpy
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

pytest.importorskip("Cython")

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "concepts" / "linux-2.6.24-cfs.md"
MODULES = ("cfs.models.linux_2_6_24._fair", "cfs._rbtree", "cfs._timeline", "cfs._core", "cfs._load")
# every function has one name and its own code
OUT_OF_LINE = ["-fno-inline", "-fno-ipa-cp", "-fno-ipa-sra", "-fno-ipa-icf", "-fno-partial-inlining"]
INSTRUCTIONS = {
    "x86_64": (
        re.compile(r"^i?div[bwlq]?$"),
        re.compile(
            r"^(f\w+|v?(add|sub|mul|div|sqrt|min|max|u?comi|round|cmp|h\w+|cvt\w+)(ss|sd|ps|pd)|v?cvt\w+)$"
        ),
    ),
    "aarch64": (re.compile(r"^[su]div$"), re.compile(r"^(f\w+|[su]cvtf)$")),
}
COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]

pytestmark = [
    pytest.mark.skipif(
        os.uname().machine not in INSTRUCTIONS if hasattr(os, "uname") else True, reason="other machine"
    ),
    pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is not installed"),
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no C compiler"),
    pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="not a source tree"),
]


def section(title):
    """The text of one section of the document."""
    return DOCUMENT.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]


def fast_path():
    """``(file, function)`` of the document's second table."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section("The fast path, function by function"), re.M)
    return [(file, name) for file, names in rows for name in re.findall(r"`(\w+)`", names)]


def admitted():
    """Functions of the document's first table: those that divide, and those that call them."""
    return set(re.findall(r"`(?:_\w+\.)?(\w+)`", section("Where divisions remain"))) - {"_load"}


def file_and_function(symbol):
    """``__pyx_f_3cfs_6models_12linux_2_6_24_5_fair_update_curr`` -> ``("_fair", "update_curr")``; None of any other symbol.
    """
    if not symbol.startswith("__pyx_f_"):
        return None
    rest, parts = symbol.removeprefix("__pyx_f_"), []
    while match := re.match(r"(\d+)", rest):
        length = int(match[1])
        parts.append(rest[match.end() : match.end() + length])
        rest = rest[match.end() + length + 1 :]
    return parts[-1], rest


def translate(names, folder):
    from Cython.Build import cythonize

    rules = runpy.run_path(str(ROOT / "setup.py"), run_name="rules")
    extensions = [rules["extension"](name) for name in names]
    return rules["extension"]("x").extra_compile_args, cythonize(
        extensions, compiler_directives=rules["DIRECTIVES"], build_dir=str(folder), quiet=True, force=True
    )


def disassemble(library):
    """Symbol to its instructions, ``(mnemonic, operands)``."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(library)], capture_output=True, text=True, check=True
    ).stdout
    functions = {}
    for block in re.split(r"\n\n", text):
        head = re.match(r"[0-9a-f]+ <(\w+)>:", block.strip())
        if head:
            functions[head[1]] = re.findall(r"^\s+[0-9a-f]+:\s+(\S+)[ \t]*(.*)$", block, re.M)
    return functions


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    """``(file, function)`` to its instructions."""
    folder = tmp_path_factory.mktemp("out_of_line")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        flags, extensions = translate(MODULES, folder)
        found = {}
        for extension in extensions:
            library = folder / f"{extension.name}.so"
            include = f"-I{sysconfig.get_paths()['include']}"
            source = extension.sources[0]
            subprocess.run(
                [COMPILER, *flags, *OUT_OF_LINE, "-fPIC", "-shared", include, source, "-o", str(library)],
                check=True,
            )
            for symbol, instructions in disassemble(library).items():
                if key := file_and_function(symbol):
                    found[key] = instructions
    finally:
        os.chdir(before)
    return found


def with_instruction(code, pattern):
    return {
        key
        for key, instructions in code.items()
        if any(pattern.match(mnemonic) for mnemonic, _ in instructions)
    }


DIVISION, FLOATING = INSTRUCTIONS.get(os.uname().machine if hasattr(os, "uname") else "", (None, None))


@pytest.mark.parametrize("function", fast_path(), ids=".".join)
def test_a_function_of_the_fast_path_does_not_divide(code, function):
    assert function in code, f"{function} is in the document and not in the code"
    instructions = [mnemonic for mnemonic, _ in code[function]]
    assert [m for m in instructions if DIVISION.match(m) or FLOATING.match(m)] == []


def test_the_fast_path_calls_nothing_else(code):
    known = set(fast_path())
    strangers = set()
    for function in known:
        for _, operands in code[function]:
            target = re.search(r"<(\w+)(?:@plt)?>$", operands)
            callee = file_and_function(target[1]) if target else None
            if callee and callee not in known and callee[1] not in admitted():
                strangers.add((function, callee))
    assert strangers == set()


def test_whatever_divides_is_admitted_in_the_document(code):
    assert {name for _, name in with_instruction(code, DIVISION)} <= admitted()


@pytest.mark.parametrize("name", ["divide_period", "divide_slice", "divide_vslice"])
def test_the_divisions_that_the_document_admits_are_found(code, name):
    assert name in {function for _, function in with_instruction(code, DIVISION)}


def test_nothing_of_the_core_knows_floating_point(code):
    ours = {key for key in code if key[0] in ("_fair", "_fixedpoint", "_slice", "_rbtree", "_core", "_load")}
    assert with_instruction({key: code[key] for key in ours}, FLOATING) == set()
