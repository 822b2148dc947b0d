"""Laws of the demo: what its sentence claims holds on the recordings, and its picture is drawn."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "vslice.py"


@pytest.fixture(scope="module")
def demo():
    spec = importlib.util.spec_from_file_location("vslice_demo", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def build(demo):
    work = demo.Recording.open(demo.RECORDINGS / "kbuild-shell-1cpu.perf-script.txt.gz").workload(cpu=0)
    return {label: demo.pooled(work, 5, demo.VARIANTS[label]) for label in ("on", "off")}


def test_the_debit_costs_the_shell_about_one_period(build):
    gap_ns = build["on"]["command"].mean() - build["off"]["command"].mean()
    assert 10_000_000 < gap_ns < 40_000_000


def test_the_build_takes_as_long_either_way(build):
    assert build["on"]["build"].mean() == pytest.approx(build["off"]["build"].mean(), rel=0.02)


def test_the_recorded_number_of_commands_is_measured(build):
    # the truth file counts 22 commands during the build; thinking differs from seed to seed
    assert 5 * 18 < len(build["on"]["command"]) < 5 * 30


def test_the_debit_keeps_a_fork_loop_from_starving_hogs(demo):
    work = demo.Recording.open(demo.RECORDINGS / "fork-heavy.perf-script.txt.gz").workload(cpu=0)
    dense = {
        label: demo.fork_dense(demo.with_endless_hogs(work), demo.VARIANTS[label]) for label in ("on", "off")
    }
    assert dense["on"]["share"] > 2 / 3 > dense["off"]["share"]
    assert dense["off"]["commands"] > 5 * dense["on"]["commands"]


@pytest.mark.slow
def test_the_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "vslice.png"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--out", picture, "--seeds", "1"],
        capture_output=True,
        text=True,
        cwd=SCRIPT.parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 20_000
    assert "START_DEBIT keeps forks in check" in done.stdout
