"""The command `cfs`: its commands, its help, and what it needs."""

import subprocess
import sys

import pytest

import cfs
from tests.unit.cli.commands import BLOCK, ROOT, assert_refused, process, run

from cfs.cli.app import COMMANDS, command_named  # after the helper, which skips without typer


def test_version():
    assert run("--version").stdout == f"cfs {cfs.__version__}\n"


@pytest.mark.parametrize("command", [[], ["replay"], ["compare"], ["conform"], ["models"]])
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


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_needs_no_command_imports_none(option):
    code = (
        "import sys, atexit; from cfs.__main__ import main; "
        "atexit.register(lambda: print([name for name in ('numpy', 'rich.progress', 'cfs.reports') "
        "if name in sys.modules], file=sys.stderr)); sys.exit(main())"
    )
    result = process(option, code=code)
    assert result.returncode == 0 and result.stderr.strip() == "[]"


def test_a_command_that_is_misspelt_is_refused():
    assert_refused(run("replya"), "replya")
