"""The figure over time: same bytes, its curves against plain counting, and odd inputs."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from cfs import CfsError, Simulation, Workload
from cfs.reports import plot_trends, run_sampled

MS = 10**6


def sampled(nr=3):
    programs = {f"hog{i}": [("run", 7 * MS), ("sleep", MS)] * 5 for i in range(nr)}
    return run_sampled(Simulation(Workload.of_programs(programs, duration_ns=50 * MS)), nr_instants=20)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_same_input_same_bytes(tmp_path, ending):
    for name in ("1", "2"):
        result, samples = sampled()
        plot_trends(result, tmp_path / f"{name}.{ending}", recorded=result, samples=samples)
    assert (tmp_path / f"1.{ending}").read_bytes() == (tmp_path / f"2.{ending}").read_bytes()


def test_heights_are_the_shares():
    """A task alone on its CPU that runs in the first half of the time has all of it, then nothing."""
    work = Workload.of_programs({"t": [("run", 50 * MS), ("sleep", 60 * MS)]}, duration_ns=100 * MS)
    figure = plot_trends(work.run())
    values = figure.axes[0].patches[0].get_data().values
    assert values[: len(values) // 2].tolist() == [1] * (len(values) // 2)
    assert values[len(values) // 2 :].tolist() == [0] * (len(values) // 2)


def test_runnable_tasks_are_counted():
    result, _ = sampled(4)
    values = plot_trends(result).axes[-1].patches[0].get_data().values
    assert values[0] == 4


@pytest.mark.slow
def test_a_panel_for_virtual_time_if_it_was_sampled():
    result, samples = sampled()
    assert len(plot_trends(result, samples=samples).axes) == len(plot_trends(result).axes) + 1
    line = plot_trends(result, samples=samples).axes[-1].lines[0]
    assert np.allclose(line.get_ydata() * MS, samples.spread.spread)


def test_lanes_of_groups():
    programs = {f"t{i}": [("run", 20 * MS)] for i in range(4)}
    work = Workload.of_programs(programs, duration_ns=50 * MS, uid={"t0": 1, "t1": 1, "t2": 2, "t3": 2})
    figure = plot_trends(work.run(group_by="uid"), by="group")
    assert {axes.texts[0].get_text() for axes in figure.axes[:-1]} == {"uid:1", "uid:2"}


@pytest.mark.slow
def test_no_labels_overlap_with_500_tasks():
    programs = {f"a long name {i:03}": [("run", MS // 50)] for i in range(500)}
    figure = plot_trends(Workload.of_programs(programs, duration_ns=50 * MS).run(), by="task")
    figure.canvas.draw()
    texts = [text for axes in figure.axes for text in axes.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in [*texts, *figure.texts]]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("wrong", [{"by": "pid"}, {"top": 0}, {"from_ns": 10**12}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises((ValueError, CfsError), match="by|top|part"):
        plot_trends(sampled()[0], **wrong)
