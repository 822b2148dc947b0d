"""The plot: its numbers against plain Python, the same bytes for the same input, and odd inputs."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from cfs import CfsError, Result, Workload
from cfs.reports import plot_timeline
from cfs.reports.lanes import covered, cut, survival
from cfs.result import RUN_DTYPE
from tests.quick import few

MS = 10**6


def hogs(nr=3, duration_ns=50 * MS):
    programs = {f"hog{i}": [("run", 7 * MS), ("sleep", MS)] * 5 for i in range(nr)}
    return Workload.of_programs(programs, duration_ns=duration_ns, source="hogs $x_1$").run()


def test_a_picture_has_one_character_for_what_is_cut():
    assert (cut("kworker", 7), cut("kworker/0", 7)) == ("kworker", "kworke…")


def test_covered_is_the_part_of_each_span():
    begin, end = np.array([0, 15, 100]), np.array([5, 30, 100])
    assert covered(begin, end, np.array([0, 10, 20, 30, 40])).tolist() == [0.5, 0.5, 1, 0]


@pytest.mark.parametrize("seed", few(range(10)))
def test_covered_agrees_with_counting_each_nanosecond(seed):
    rng = random.Random(seed)
    intervals = [sorted((rng.randrange(200), rng.randrange(200))) for _ in range(rng.randrange(30))]
    edges = np.array(sorted(rng.sample(range(200), 9)))
    begin, end = np.array(intervals, np.int64).reshape(-1, 2).T
    expected = [
        sum(b <= t < e for t in range(left, right) for b, e in intervals) / (right - left)
        for left, right in zip(edges.tolist(), edges[1:].tolist())
    ]
    assert covered(begin, end, edges) == pytest.approx(expected)


def test_survival_is_the_part_that_is_longer():
    x, fraction = survival(np.array([0, 5, 2000, 3000, 3000]), 1000)
    assert x.tolist() == [1000, 2000, 3000]
    assert fraction.tolist() == [0.6, 0.4, 0]


def test_survival_of_no_waits_is_empty():
    assert len(survival(np.zeros(0, np.int64), 1000)[0]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_same_input_same_bytes(tmp_path, ending):
    first, second = tmp_path / f"1.{ending}", tmp_path / f"2.{ending}"
    for path in (first, second):
        plot_timeline(hogs(), path, recorded=hogs())
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) > 5000


@pytest.mark.slow
def test_settings_of_the_user_change_nothing(tmp_path):
    import matplotlib

    plot_timeline(hogs(), tmp_path / "1.svg")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "figure.facecolor": "red"}):
        plot_timeline(hogs(), tmp_path / "2.svg")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


def test_title_states_model_and_source():
    texts = [text.get_text() for text in plot_timeline(hogs()).texts]
    assert "linux-2.6.24-cfs on hogs $x_1$" in texts


@pytest.mark.slow
def test_a_panel_for_each_cpu_and_side_and_the_rest_in_one_lane():
    programs = {f"t{i}": [("run", MS)] for i in range(9)}
    work = Workload.of_programs(programs, cpu={"t1": 1}, duration_ns=20 * MS)
    figure = plot_timeline(work.run(), recorded=work.run(), top=3)
    titles = [axes.get_title("left") for axes in figure.axes]
    assert [title for title in titles if title.startswith("CPU")] == [
        f"CPU {cpu}, linux-2.6.24-cfs" for cpu in (0, 0, 1, 1)
    ]
    lanes = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(lanes) == 4 and lanes[-1] == "5 others"


@pytest.mark.slow
def test_labels_of_500_tasks_do_not_overlap():
    programs = {f"a long name {i}": [("run", MS)] for i in range(500)}
    work = Workload.of_programs(programs, duration_ns=1000 * MS)
    figure = plot_timeline(work.run(), by="task", top=40)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 41
    assert all(upper.y0 >= lower.y1 - 0.5 for upper, lower in zip(boxes, boxes[1:]))
    assert min(box.x0 for box in boxes) >= 0


def test_a_part_of_the_span():
    figure = plot_timeline(hogs(), from_ns=10 * MS, until_ns=20 * MS)
    assert figure.axes[0].get_xlim() == (10 * MS, 20 * MS)


@pytest.mark.parametrize("part", [(20 * MS, 10 * MS), (-1, None), (None, 51 * MS), (50 * MS, None)])
def test_a_part_outside_of_the_span_is_refused(part):
    with pytest.raises(CfsError, match="outside of 0 s ... 0.05 s"):
        plot_timeline(hogs(), from_ns=part[0], until_ns=part[1])


@pytest.mark.parametrize("name", ["x.bmp", "x", "no/such/directory/x.png"])
def test_a_file_that_cannot_be_written_is_refused(tmp_path, name):
    with pytest.raises(CfsError, match="png|directory"):
        plot_timeline(hogs(), tmp_path / name)


@pytest.mark.parametrize("arguments", [{"by": "pid"}, {"top": 0}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        plot_timeline(hogs(), **arguments)


@pytest.mark.slow
@pytest.mark.parametrize("names", [[], ["idle"], ["日本語", "\x1b[31m", "$\\frac", ""]])
def test_odd_results_can_be_drawn(tmp_path, recwarn, names):
    runs = np.zeros(0 if names in ([], ["idle"]) else len(names), RUN_DTYPE)
    runs["task"] = np.arange(len(runs))
    runs["start_ns"] = runs["task"] * MS
    runs["end_ns"] = runs["start_ns"] + MS
    nr = len(names)
    result = Result("m", runs, 10 * MS, np.arange(nr), np.zeros(nr), names, ["/"] * nr, [0], 0)
    plot_timeline(result, tmp_path / "odd.png", recorded=result)
    assert (tmp_path / "odd.png").stat().st_size > 0
    assert not recwarn.list


@pytest.mark.slow
def test_thirty_thousand_runs_are_drawn_in_seconds(tmp_path):
    runs = np.zeros(30_000, RUN_DTYPE)
    runs["task"] = np.arange(len(runs)) % 500
    runs["start_ns"] = np.arange(len(runs)) * MS
    runs["end_ns"] = runs["start_ns"] + MS
    runs["ready"], runs["ready_ns"] = 1, np.maximum(runs["start_ns"] - 9 * MS, 0)
    names = [f"task{i % 50}" for i in range(500)]
    result = Result("m", runs, 30_000 * MS, np.arange(500), np.zeros(500), names, ["/"] * 500, [0], 30_000)
    figure = plot_timeline(result, tmp_path / "big.svg")
    nr_artists = sum(len(axes.get_children()) for axes in figure.axes)
    assert nr_artists < 500  # the cost does not grow with the runs


@pytest.mark.slow
def test_neither_a_display_nor_pyplot_is_needed(tmp_path):
    code = (
        "import sys; from cfs import Workload; from cfs.reports import plot_timeline; "
        "work = Workload.of_programs({'a': [('run', 9)]}, duration_ns=9); "
        f"plot_timeline(work.run(), {str(tmp_path / 'x.png')!r}); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "MPLBACKEND": "TkAgg"}
    environment.pop("DISPLAY", None)
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


def test_lanes_of_groups():
    programs = {f"t{i}": [("run", 20 * MS)] for i in range(4)}
    work = Workload.of_programs(programs, duration_ns=50 * MS, uid={"t0": 1, "t1": 1, "t2": 2, "t3": 2})
    figure = plot_timeline(work.run(group_by="uid"), by="group")
    assert {label.get_text() for label in figure.axes[0].get_yticklabels()} == {"uid:1", "uid:2"}
