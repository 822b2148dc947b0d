"""The command `cfs`: its commands, its help, and what it needs."""

import subprocess
import sys

import pytest

import cfs
from tests.quick import few
from tests.unit.cli.commands import BLOCK, ROOT, TRACE, assert_refused, process, run

from cfs.cli.app import COMMANDS, command_named  # after the helper, which skips without typer


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


@pytest.mark.parametrize("blocked", [["typer"], ["rich"], ["typer", "rich", "matplotlib"]])
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
    """The environment in which a shell asks for the last word of a line."""
    place = len(line.split(" ")) - 1
    return {"COMP_WORDS": line, "COMP_CWORD": str(place), "_CFS_COMPLETE": "complete_bash"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cfs re", ["record", "replay"]),
        ("cfs rep", ["replay"]),
        ("cfs replay --model linux-6", ["linux-6.18-eevdf", "linux-6.18.26-eevdf", "linux-6.18.44-eevdf"]),
        ("cfs replay --model linux-6.18-eevdf --set base", ["base_slice_ns="]),
        ("cfs replay --set START_DEBIT=", ["START_DEBIT=on", "START_DEBIT=off"]),
        ("cfs compare --model rfs-model:ni", ["rfs-model:nice:"]),
        ("cfs compare --model rfs-model:hz=100,sl", ["rfs-model:hz=100,slice:"]),
        ("cfs models rf", ["rfs-model"]),
        ("cfs compare x --sl", ["--slice"]),
    ],
)
def test_a_shell_completes(line, expected):
    assert run(env=asking(line), prog_name="cfs").stdout.split() == expected


def test_a_shell_completes_by_the_command_itself():
    code = f"import os; os.environ.update({asking('cfs re')}); from cfs.cli import run; run()"
    assert process(code=code).stdout.split() == ["replay"]


def test_help_says_how_to_install_completion():
    assert "--install-completion" in run("--help").stdout and "--show-completion" in run("--help").stdout
