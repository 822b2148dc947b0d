"""`cfs validate`: exit status, what it says, what it writes, and errors that help."""

import gzip
import io
import json

import pytest

from cfs.recordings import Recording, cfsrec
from cfs.recordings.surroundings import Surroundings, TaskFacts
from tests.unit.cli.commands import HOGS, O1, ROOT, SCENARIO, assert_refused, run
from tests.unit.validate.truths import recording_path, truth_path

TRUTH = truth_path("nice-hogs-small")
SEVERAL = recording_path("kbuild-shell-2cpu"), "--truth", truth_path("kbuild-shell-2cpu")


def hogs(*arguments):
    return run("validate", HOGS, "--truth", TRUTH, *arguments)


def test_a_right_model_is_status_0():
    result = hogs()
    assert result.exit_code == 0, result.stdout
    assert "model      linux-6.18.44-eevdf, hz 250, tunables at their defaults" in result.stdout
    assert "given      base_slice_ns=1400000 of the truth file" in result.stdout
    assert "bars       nice-hogs" in result.stdout
    assert result.stdout.splitlines()[-1] == "19 figures, all are inside their bars"


@pytest.mark.parametrize("model", ["linux-2.6.24-cfs", "linux-2.6.22-o1"])
def test_a_wrong_model_is_status_1(model):
    result = hogs("--model", model)
    assert result.exit_code == 1
    assert "of them outside of their bars" in result.stdout.splitlines()[-1]
    assert any(line.endswith("OUT") for line in result.stdout.splitlines())


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The same recording in a file that says a slice of the kernel, and one of a task."""
    task = next(task for task in Recording.open(HOGS).tasks if task.comm == "rcu_preempt")
    said = Surroundings(base_slice_ns=2_100_000, tasks=(TaskFacts(task.pid, name=task.comm, slice_ns=9_000_000),))
    path = tmp_path_factory.mktemp("told") / "hogs.cfsrec"
    with gzip.open(HOGS) as file:
        cfsrec.write(path, said, io.BytesIO(file.read()))
    return path


@pytest.mark.parametrize(
    ("arguments", "slice_ns"),
    [((), 2_100_000), (("--truth", TRUTH), 1_400_000), (("--truth", TRUTH, "--set", "base_slice_ns=3ms"), 3_000_000)],
)
def test_a_tunable_is_the_recordings_over_it_the_truth_files_over_both_the_users(told, arguments, slice_ns):
    content = json.loads(run("validate", told, *arguments, "--json", "-").stdout)
    assert content["tunables"]["base_slice_ns"] == slice_ns


def test_what_a_model_cannot_take_from_the_recording_is_said(told):
    text = run("validate", told, "--model", O1).stdout
    assert f"given      {O1} has no slices of tasks' own: those of 1 task are left out\n" in text


def test_ticks_a_second_may_be_a_tunable():
    content = json.loads(hogs("--model", O1, "--set", "hz=100", "--json", "-").stdout)
    assert (content["hz"], content["tunables"]["hz"]) == (100, 100)


def test_several_cpus_are_status_0_and_a_sentence():
    result = run("validate", *SEVERAL)
    assert result.exit_code == 0
    assert "not judged: CPUs 0, 1 together" in result.stdout.splitlines()[-1]
    assert not any(line.endswith(("in", "OUT")) for line in result.stdout.splitlines()[-20:])
    assert "share/cc1" in result.stdout and "points 1.00 %" not in result.stdout


@pytest.mark.slow
def test_without_a_truth_file_it_is_counted_here():
    result = run("validate", HOGS, "--hz", 250, "--set", "base_slice_ns=1400us", "--without", "kworker*")
    assert result.exit_code == any(line.endswith("OUT") for line in result.stdout.splitlines())
    assert "bars       default" in result.stdout
    assert "share/hog1.n-5" in result.stdout


def test_the_table_is_of_readable_width():
    lines = hogs("--all").stdout.split("\n\n", 1)[1].splitlines()
    assert max(map(len, lines)) <= 100
    assert "Figures without a bar" in lines


def test_json_has_all_figures(tmp_path):
    path = tmp_path / "v.json"
    assert hogs("--json", path).exit_code == 0
    content = json.loads(path.read_text())
    assert content["schema"] == "cfs-validate/1" and content["nr_outside"] == 0 and content["inside"] is True
    assert content == json.loads(hogs("--json", "-").stdout)


def test_json_has_the_status_of_the_tables():
    result = hogs("--json", "-", "--model", "linux-2.6.22-o1")
    assert result.exit_code == 1 and json.loads(result.stdout)["inside"] is False


@pytest.mark.slow
def test_the_figure_is_drawn_and_is_the_same_again(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.png", "b.png"):
        assert hogs("--plot", tmp_path / name, "--model", "linux-2.6.22-o1").exit_code == 1
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("validate", "there-is-none"), ("there-is-none",)),
        (("validate", SCENARIO), ("RECORDING", "of which nothing was measured")),
        (("validate", SCENARIO, "--truth", TRUTH), ("RECORDING", "of which nothing was measured")),
        (("validate", SCENARIO, "--cpu", 0), ("RECORDING", "of which nothing was measured")),
        (("validate", HOGS, "--truth", "there-is-none"), ("there-is-none",)),
        (("validate", HOGS, "--truth", HOGS), ("is not JSON",)),
        (("validate", HOGS, "--truth", truth_path("periodic")), ("is of a recording that begins at",)),
        (("validate", HOGS, "--bars", TRUTH), ("is not TOML",)),
        (("validate", HOGS, "--cpu", 7), ("no events of CPU 7",)),
        (("validate", HOGS, "--truth", TRUTH, "--cpu", 1), ("nothing to compare",)),
        (("validate", HOGS, "--model", "cfq"), ("there is no model 'cfq'",)),
        (("validate", HOGS, "--hz", 0), ("hz",)),
        (("validate", HOGS, "--set", "x=1"), ("x",)),
        (("validate", HOGS, "--plot", "v.gif"), (".png",)),
        (("validate", HOGS, "--json", "no/such/folder/v.json"), ("there is no directory",)),
        (("validate", "there-is-none", "--json", ROOT), ("is a directory",)),
        (("validate", HOGS, "--truth", TRUTH, "--json", TRUTH), ("--json", "is read; name another file")),
    ],
)
def test_what_cannot_be_compared_is_status_2(arguments, words):
    assert_refused(run(*arguments), *words)


def test_bars_of_ones_own(tmp_path):
    path = tmp_path / "bars.toml"
    path.write_text("[default]\nby = 'comm'\nbar = [{kind = 'share', names = ['hog1*'], points = 0.0001}]")
    result = hogs("--bars", path)
    assert result.exit_code == 1 and "bars       default" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 figure, ")
