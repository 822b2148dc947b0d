"""For tests of the command line: running it, and what to run it on."""

import importlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from unittest import mock

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")

from typer.testing import CliRunner

from cfs.cli import app

ROOT = Path(__file__).parents[3]
HOGS = str(ROOT / "examples" / "recordings" / "nice-hogs-small.perf-script.txt.gz")
USERS = str(ROOT / "tests" / "data" / "recordings" / "two-users-1to3.perf-script.txt.gz")
SCENARIO = str(ROOT / "examples" / "scenarios" / "sleeper-among-hogs.toml")
TRACES = ROOT / "tests" / "data" / "conformance" / "linux-2.6.24-cfs"
TRACE, VECTORS = str(TRACES / "two-equal-1.jsonl.gz"), str(TRACES / "calc_delta.jsonl.gz")
CFS, O1, EEVDF = "linux-2.6.24-cfs", "linux-2.6.22-o1", "linux-6.18-eevdf"

BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
from cfs.__main__ import main
sys.exit(main())
"""
"""Code of a process in which some modules cannot be imported."""


APP = importlib.import_module("cfs.cli.app")
BUILT_ONCE = cache(APP.command_named)
"""A process builds a command once; here that would take as long as all else that most tests do with it."""


def run(*arguments, **options):
    try:
        runner = CliRunner(mix_stderr=False)
    except TypeError:  # newer ones never mix them
        runner = CliRunner()
    with mock.patch.object(APP, "command_named", BUILT_ONCE):
        return runner.invoke(app, [str(argument) for argument in arguments], **options)


def process(*arguments, code="import sys; from cfs.__main__ import main; sys.exit(main())", **options):
    """The command in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, **options)


def assert_refused(result, *words):
    """Exit status 2, one sentence on standard error, nothing else."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
