"""The fast path of 2.6.24 divides nowhere and knows no floating point: read off the machine code.

Way of being right: the disassembly. The modules are compiled with the flags of setup.py and with every
function kept out of line, so that each has a name; `FAST_PATH` lists them, so a function that is renamed,
lost or forgotten there fails here. The divisions that `ADMITTED` names are the control: the test that could
not find those would find nothing. docs/concepts/linux-2.6.24-cfs.md explains the same ones to a reader.
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
    pytest.mark.slow,  # compiles five modules
    pytest.mark.skipif(
        os.uname().machine not in INSTRUCTIONS if hasattr(os, "uname") else True, reason="other machine"
    ),
    pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is not installed"),
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no C compiler"),
    pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="not a source tree"),
]


FAST_PATH = {
    "_fair": """
        entity_of task_of entity_of_node tunables_of has_feature runs_of tree_enqueue tree_dequeue
        nobody_waits first_entity last_entity least_vruntime update_min_vruntime charge update_curr
        average_base placing_base place_woken_entity account_enqueue account_dequeue enqueue_entity
        dequeue_entity begin_turn take_first_entity set_next_entity put_prev_entity
        enqueue_task_fair dequeue_task_fair put_prev_task_fair set_curr_task_fair charge_path
        stays_first release_path pick_next_task_fair yield_task_fair check_preempt_wakeup
    """,
    "_fixedpoint": """
        signed_difference max_vruntime min_vruntime shift_right_rounded calc_delta_mine
        calc_delta_fair
    """,
    "_timeline": """
        precedes run_of find_run gap_from_the_front gap_from_the_back put_into_run timeline_insert
        timeline_take_first timeline_erase timeline_is_empty timeline_first timeline_least
        timeline_last begin_timeline split_run drop_run merge_runs join_neighbours fit index_of
        close_gap hang_behind move_entities length take_run give_run is_alone fresh_run open_slab
        first_run_of nr_runs_in_slab
    """,
    "_rbtree": """
        rb_parent rb_is_red rb_plant rb_link_node rb_insert rb_color set_parent set_black set_red
        replace_child rotate insert_repair erase_repair step erase_with_two_children erase_from
        rb_insert_repair erase_leftmost rb_erase_augmented rb_erase rb_last rb_next rb_prev
    """,
    "_core": """
        update_rq_clock resched_task task_weight inc_nr_running dec_nr_running check_preempt_curr
        schedule try_to_wake_up block_current sched_yield touch touch_other
    """,
}
"""Charge, enqueue, dequeue, pick, put, yield and wakeup: file to all functions that run then."""

ADMITTED = """
    sched_period divide_period  sched_slice divide_slice  sched_vslice divide_vslice
    approximate_average load_from_shares inverse_on_first_use
"""
"""Functions that divide, or call one that does."""


def fast_path():
    """``(file, function)`` of all of `FAST_PATH`."""
    return [(file, name) for file, names in FAST_PATH.items() for name in names.split()]


def admitted():
    return set(ADMITTED.split())


def admitted_on_the_page():
    """The functions that the section "Where divisions remain" names in its table."""
    section = DOCUMENT.read_text(encoding="utf-8").split("## Where divisions remain\n")[1].split("\n## ")[0]
    rows = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    return set(re.findall(r"`(?:_\w+\.)?(\w+)`", rows)) - {"_load"}


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
    assert function in code, f"{function} is in FAST_PATH and not in the code"
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


def test_whatever_divides_is_admitted(code):
    assert {name for _, name in with_instruction(code, DIVISION)} <= admitted()


def test_the_page_admits_the_same_divisions():
    assert admitted_on_the_page() == admitted()


@pytest.mark.parametrize("name", ["divide_period", "divide_slice", "divide_vslice"])
def test_the_divisions_that_are_admitted_are_found(code, name):
    assert name in {function for _, function in with_instruction(code, DIVISION)}


def test_nothing_of_the_core_knows_floating_point(code):
    ours = {key for key in code if key[0] in ("_fair", "_fixedpoint", "_slice", "_rbtree", "_core", "_load")}
    assert with_instruction({key: code[key] for key in ours}, FLOATING) == set()
