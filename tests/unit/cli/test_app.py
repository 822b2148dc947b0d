"""The command `cfs`: its commands, its help, and what it needs."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from unittest import mock

import pytest

import cfs
from tests.quick import few
from tests.unit.cli.commands import BLOCK, ROOT, TRACE, assert_refused, process, run

from cfs.cli.app import COMMANDS, command_named
from cfs.cli.app import run as run_command  # after the helper, which skips without typer


def test_version():
    assert run("--version").stdout == f"cfs {cfs.__version__}\n"


@pytest.mark.parametrize("command", [[], ["record"], ["replay"], ["compare"], ["conform"], ["models"]])
def test_help_names_every_option_and_has_no_escape_sequences(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout and "--help" in result.stdout
    assert "\x1b" not in result.stdout


def test_help_of_replay_explains_how_to_record():
    assert "perf sched record" in run("replay", "--help").stdout


def test_without_arguments_the_help_is_shown():
    result = run()
    assert "Commands:" in result.stdout + result.stderr


def test_python_m_cfs():
    command = [sys.executable, "-m", "cfs", "--version"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).stdout.split()[0] == b"cfs"


@pytest.mark.parametrize("blocked", few([["typer", "rich", "matplotlib"], ["typer"], ["rich"]], 1))
def test_without_the_extra_cli_it_says_what_to_install(blocked):
    result = process("models", code=BLOCK.format(blocked=blocked))
    assert result.returncode == 2
    assert result.stdout == ""
    assert 'pip install ".[cli]"' in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_its_own_first_sentence(name):
    assert command_named(name).help.splitlines()[0] == COMMANDS[name]
    assert COMMANDS[name] in run("--help").stdout


@pytest.mark.parametrize("option", few(["--help", "--version"], 1))
def test_what_needs_no_command_imports_none(option):
    code = (
        "import sys, atexit; from cfs.__main__ import main; "
        "atexit.register(lambda: print([name for name in ('numpy', 'rich.progress', 'cfs.reports') "
        "if name in sys.modules], file=sys.stderr)); sys.exit(main())"
    )
    result = process(option, code=code)
    assert result.returncode == 0 and result.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    few(["models", "record --help", "replay --help", "compare --help", "conform --help", f"conform {TRACE}"], 1),
)
def test_a_command_loads_what_it_needs(arguments):
    """Neither its help nor what shows a few lines draws or counts anything."""
    code = (
        "import sys, atexit; from cfs.__main__ import main; "
        "atexit.register(lambda: print([name for name in ('numpy', 'rich.progress', 'cfs.reports.html') "
        "if name in sys.modules], file=sys.stderr)); sys.exit(main())"
    )
    result = process(*arguments.split(), code=code)
    assert result.returncode == 0 and result.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replya"], ["there is no command 'replya'; there are record, replay, compare", "did you mean 'replay'?"]),
        (["compare", "x", "--modle", "y"], ["--modle", "--model"]),
        (["models", "rfs-modle"], ["did you mean 'rfs-model'?"]),
    ],
)
def test_what_is_misspelt_is_refused_with_what_may_have_been_meant(arguments, words):
    result = run(*arguments)
    assert_refused(result)
    for word in words:
        assert word in " ".join(result.stderr.split())


def asking(line):
    """The environment in which bash asks for the last word of a line."""
    pieces = pieces_of(line)
    return {"COMP_WORDS": "\n".join(pieces), "COMP_CWORD": str(len(pieces) - 1), "_CFS_COMPLETE": "complete_bash"}


def completed(line):
    """What the command answers bash."""
    with mock.patch.dict(os.environ, asking(line)), contextlib.redirect_stdout(io.StringIO()) as said:
        run_command()
    return said.getvalue().split()


def pieces_of(line):
    """COMP_WORDS of bash, seen in a terminal: a word ends at ":" and "=", which are words; after a blank comes an empty one."""
    return re.findall(r"[:=]+|[^ :=]+", line) + [""] * line.endswith(" ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cfs re", ["record", "replay"]),
        ("cfs rep", ["replay"]),
        ("cfs replay --model linux-6", ["linux-6.18-eevdf", "linux-6.18.26-eevdf", "linux-6.18.44-eevdf"]),
        ("cfs replay --model linux-6.18-eevdf --set base", ["base_slice_ns="]),
        ("cfs replay --set START_DEBIT=", ["on", "off"]),
        ("cfs replay --set START_DEBIT=of", ["off"]),
        ("cfs compare --model rfs-model:ni", ["nice:"]),
        ("cfs compare --model rfs-model:hz=100,sl", ["100,slice:"]),
        ("cfs compare --model rfs-model:nice:cc*=10,sl", ["10,slice:"]),
        ("cfs compare --model linux-2.6.24-cfs:START_DEBIT=o", ["on", "off"]),
        ("cfs compare --model linux-2.6.24-cfs:policy:cc*=i", ["idle"]),
        ("cfs compare --model linux-2.6.24-cfs:group-by=", ["uid", "cgroup"]),
        ("cfs replay --model=linux-6.18-", ["linux-6.18-eevdf"]),
        ("cfs replay --policy cc*=b", ["batch"]),
        ("cfs replay --policy cc*", []),
        ("cfs replay x --mode", ["--model"]),
        ("cfs models rf", ["rfs-model"]),
        ("cfs compare x --sl", ["--slice"]),
    ],
)
def test_a_shell_completes(line, expected):
    assert completed(line) == expected


@pytest.mark.slow
def test_a_shell_completes_by_the_command_itself():
    code = f"import os; os.environ.update({asking('cfs re')}); from cfs.cli import run; run()"
    assert process(code=code).stdout.split() == ["record", "replay"]


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """A bash that has the script of `cfs --show-completion`, and a command cfs."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    folder = tmp_path_factory.mktemp("bash")
    command = folder / "cfs"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cfs "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    asked = subprocess.run(["cfs"], env=environment | {"_CFS_COMPLETE": "source_bash"}, capture_output=True, text=True)
    assert "complete -o" in asked.stdout, asked.stderr

    def replies(line):
        pieces = pieces_of(line)
        words = " ".join(shlex.quote(piece) for piece in pieces)
        script = f"{asked.stdout}\nCOMP_WORDS=({words}); COMP_CWORD={len(pieces) - 1}\n"
        script += "_cfs_completion cfs; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        return subprocess.run(["bash", "--norc", "-c", script], env=environment, capture_output=True, text=True).stdout.split()

    return replies


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "expected"),
    few(
        [
            ("cfs compare x --model rfs-model:hz=100,ni", ["100,nice:"]),
            ("cfs compare x --model rfs-model:", None),
            ("cfs replay --model linux-6.18-eevdf", ["linux-6.18-eevdf"]),
            ("cfs replay x --set START_DEBIT=", ["on", "off"]),
            ("cfs replay x --policy cc1=ba", ["batch"]),
            ("cfs replay x --set START_DEBIT=on --hz 100 --model=rfs", ["rfs-model"]),
        ],
        1,
    ),
)
def test_bash_completes_behind_colons_and_equals_signs(bash, line, expected):
    found = bash(line)
    assert found == expected if expected else {"hz=", "nice:", "group-by="} <= set(found)


def test_help_says_how_to_install_completion():
    assert "--install-completion" in run("--help").stdout and "--show-completion" in run("--help").stdout
