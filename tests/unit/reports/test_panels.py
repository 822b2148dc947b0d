"""A timeline of many CPUs and many tasks: laws that hold whatever their numbers, and counts by hand."""

import re
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from cfs import Recording, Result, Workload
from cfs.reports import compare, comparison_html, notebook_html, result_html
from cfs.reports.lanes import GREY, HUES
from cfs.reports.panels import (
    HUES_OF_ROWS,
    TONES_OF_QUEUE,
    Kind,
    Room,
    base_of_steps,
    busy_cpus,
    rows_between_labels,
    texts_of_steps,
    timeline_of,
)
from cfs.result import RUN_DTYPE, Out, Ready
from tests.quick import few, slow

MS = 10**6
ROOM = Room(height=7.05, lane=0.145, heading=0.3)
SHAPES = [
    (3, 200, 900),  # more tasks than lanes,
    (8, 100, 2000),  # on as many CPUs as have panels,
    (33, 70, 700),  # and more CPUs than have rows: where most can go wrong
    (1, 1, 1),
    (1, 10_000, 10_000),
    (2, 3, 50),
    (8, 8, 8),
    (9, 9, 90),
    (32, 64, 3000),
    (256, 1000, 5000),
    (1024, 3000, 5000),
]
"""CPUs, tasks, runs."""
PICTURED = [(3, 200, 900), (8, 100, 2000), (1, 1, 1), (1, 10_000, 10_000), (32, 64, 3000), (1024, 3000, 5000)]


def result_of(runs, nr_cpus, nr_tasks, duration_ns, model="linux-2.6.24-cfs"):
    """Runs as tuples: task, cpu, ready_ns (-1: not known), start_ns, end_ns."""
    table = np.zeros(len(runs), RUN_DTYPE)
    for name, column in zip(("task", "cpu", "ready_ns", "start_ns", "end_ns"), zip(*runs)):
        table[name] = column
    table["ready"] = np.where(table["ready_ns"] < 0, Ready.UNKNOWN, Ready.WAKEUP)
    table["out"] = Out.BLOCKED
    names, pids = [f"task{task}" for task in range(nr_tasks)], np.arange(nr_tasks) + 100
    groups, cpus = ["/"] * nr_tasks, list(range(nr_cpus))
    return Result(model, table, duration_ns, pids, np.zeros(nr_tasks), names, groups, cpus, len(runs))


def random_result(nr_cpus, nr_tasks, nr_runs, seed=1):
    """On each CPU one run after the other, of random tasks and lengths; waits begin up to 5 ms before."""
    rng = np.random.default_rng(seed)
    cpu, turn = np.arange(nr_runs) % nr_cpus, np.arange(nr_runs) // nr_cpus
    end = turn * MS + rng.integers(0, MS, nr_runs)
    ready = np.maximum(turn * MS - rng.integers(0, 5 * MS, nr_runs), -1)
    runs = np.stack([rng.integers(0, nr_tasks, nr_runs), cpu, ready, turn * MS, end], 1).tolist()
    return result_of(runs, nr_cpus, nr_tasks, int(turn[-1] + 1) * MS)


def labels(panel):
    return [lane.label for lane in panel.lanes]


def seen(runs, **facts):
    """The timeline of runs that are written down, and its rows of cells of 1 ms."""
    end = facts.pop("duration_ns", 4 * MS)
    result = result_of(runs, facts.pop("nr_cpus", 2), facts.pop("nr_tasks", 3), end)
    timeline = timeline_of([result], "task", 12, (0, end), ROOM)
    return timeline, timeline.rows(0, end // MS, facts.pop("most_rows", 64))


# --------------------------------------------------------------------------------------------- laws of panels


@pytest.mark.parametrize(("shape", "nr_sides", "top"), few([*product(SHAPES, (1, 2), (1, 12, 1000))], 18))
def test_i1_panels_are_never_higher_than_their_room(shape, nr_sides, top):
    """I1 of cfs/reports/panels.py: panels of tasks, or rows of CPUs, fit; each has a row."""
    result = random_result(*shape)
    timeline = timeline_of([result] * nr_sides, "task", top, (0, result.duration_ns), ROOM)
    if timeline.kind is Kind.TASKS:
        rows = [len(panel.lanes) for panel in timeline.panels]
        height = len(rows) * ROOM.heading + sum(rows) * ROOM.lane
    else:
        rows = [len(timeline.rows(place, 50, 64).labels) for place in range(nr_sides)]
        height = sum(ROOM.heading + nr * ROOM.pitch(nr, nr_sides) for nr in rows)
    assert len(rows) >= nr_sides
    assert min(rows) >= 1
    assert height <= ROOM.height + 1e-6


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[0] <= 8])
def test_i2_a_lane_has_a_task_that_ran_on_its_cpu(shape):
    """I2 of cfs/reports/panels.py; and every task that ran there is in exactly one lane."""
    result = random_result(*shape)
    timeline = timeline_of([result], "task", 12, (0, result.duration_ns), ROOM)
    assert timeline.panels
    for panel in timeline.panels:
        ran = np.unique(result.runs["task"][result.runs["cpu"] == panel.cpus[0]])
        assert set(panel.lane_of[ran].tolist()) == set(range(len(panel.lanes)))
        assert sum(len(lane.keys) for lane in panel.lanes) == len(ran)


@pytest.mark.parametrize("shape", few([pytest.param(shape) for shape in SHAPES], 3))
def test_what_is_drawn_is_all_that_ran(shape):
    """The share of all rows is the CPU time of all runs: no run is lost between CPUs, rows and cells."""
    result = random_result(*shape)
    timeline = timeline_of([result], "task", 12, (0, result.duration_ns), ROOM)
    rows = timeline.rows(0, 97, 64)
    sizes = np.full(len(rows.labels), rows.size)
    sizes[-1] = len(timeline.cpus) - rows.size * (len(sizes) - 1)
    busy_ns = (rows.share * sizes).sum() * result.duration_ns
    assert busy_ns == pytest.approx((result.runs["end_ns"] - result.runs["start_ns"]).sum())


@pytest.mark.parametrize(
    ("nr_cpus", "kind"), [(1, Kind.TASKS), (8, Kind.TASKS), (9, Kind.CPUS), (32, Kind.CPUS), (33, Kind.MAP)]
)
def test_the_number_of_busy_cpus_decides_the_kind(nr_cpus, kind):
    runs = [(0, cpu, 0, 0, MS) for cpu in range(nr_cpus)]
    result = result_of(runs, 100, 1, MS)
    timeline = timeline_of([result], "task", 12, (0, MS), ROOM)
    assert timeline.kind is kind
    assert timeline.left_out == f"{100 - nr_cpus} of 100 CPUs idle, left out"


def test_tasks_that_would_not_fit_make_a_lane_a_cpu():
    """Six CPUs with 50 tasks each, and the recording: 12 panels of four lanes are higher than a page."""
    result = random_result(6, 300, 3000)
    kinds = [
        timeline_of([result] * nr, "task", 12, (0, result.duration_ns), ROOM).kind for nr in (1, 2)
    ]
    assert kinds == [Kind.TASKS, Kind.CPUS]


def test_those_that_waited_longest_have_a_lane_wherever_they_ran():
    """On CPU 0 ten tasks run longer than task 10, which waits longest of all."""
    runs = [(task, 0, -1, task * MS, (task + 1) * MS) for task in range(10)]
    runs += [(10, 0, 0, 10 * MS, 10 * MS + 10)]
    result = result_of(runs, 1, 11, 11 * MS)
    timeline = timeline_of([result], "task", 12, (0, 11 * MS), Room(0.9, 0.145, 0.3))
    assert labels(timeline.panels[0]) == ["task0 100", "task1 101", "task2 102", "8 others"]
    timeline = timeline_of([result], "task", 12, (0, 11 * MS), Room(1.9, 0.145, 0.3))
    assert timeline.panels[0].lanes[-1].hue == HUES[0]


def test_lanes_of_a_cpu_are_those_that_ran_most_there():
    """Task 0 ran most of all, but on CPU 1; on CPU 0 the others were busier."""
    runs = [(task, 0, -1, 10 * task, 10 * task + 5) for task in range(1, 9)]
    runs += [(0, 1, -1, 0, 90), (0, 0, -1, 95, 96)]
    result = result_of(runs, 2, 9, 100)
    panels = timeline_of([result], "task", 3, (0, 100), ROOM).panels
    assert labels(panels[0]) == ["task1 101", "task2 102", "task3 103", "6 others"]
    assert labels(panels[1]) == ["task0 100"]


def test_nothing_ran_has_one_empty_panel():
    result = result_of([], 64, 3, MS)
    timeline = timeline_of([result], "task", 12, (0, MS), ROOM)
    assert [(panel.title, panel.lanes) for panel in timeline.panels] == [("64 CPUs, linux-2.6.24-cfs", [])]


def test_a_cpu_is_busy_if_something_ran_or_waited_in_the_span():
    runs = [(0, 0, 0, 1, 2), (1, 1, 50, 150, 160), (2, 2, 120, 130, 140)]
    runs += [(0, 3, -1, 100, 110), (1, 4, -1, 99, 99)]
    assert busy_cpus([result_of(runs, 5, 3, 200)], (10, 100)) == [1, 4]


def test_a_cpu_is_busy_while_a_preempted_task_waits_for_the_end():
    """Task 0 is preempted at 10 and never runs again: until 200 it waits on CPU 1."""
    result = result_of([(0, 1, -1, 0, 10)], 2, 1, 200)
    result.runs["out"] = Out.PREEMPTED
    assert busy_cpus([result], (100, 200)) == [1]


# ---------------------------------------------------------------------------------------------- rows, by hand


def test_a_row_is_the_part_of_each_cell_in_which_its_cpu_ran():
    _, rows = seen([(0, 0, -1, 0, MS // 2), (1, 0, -1, MS, 3 * MS), (0, 1, -1, 3 * MS, 4 * MS)])
    assert rows.ran.tolist() == [[0.5, 1, 1, 0], [0, 0, 0, 1]]
    assert rows.share.tolist() == [2.5 / 4, 0.25]
    assert rows.labels == ["0", "1"]


def test_a_cell_has_the_hue_of_what_ran_most_in_it():
    """Task 0 waited, so it has the first hue; task 1 has a grey. The first cell is 60 % task 1."""
    runs = [(1, 0, -1, 0, 600_000), (0, 0, 300_000, 600_000, 3 * MS)]
    _, rows = seen(runs)
    assert [HUES_OF_ROWS[hue] for hue in rows.hue[0, :3]] == [GREY, HUES[0], HUES[0]]


def test_a_switch_between_two_tasks_of_a_cpu_is_seen():
    """On each of nine CPUs two tasks take turns; whatever their ranks, they have two greys."""
    turns = [(turn, cpu) for turn in range(4) for cpu in range(9)]
    runs = [(2 * cpu + turn % 2, cpu, -1, turn * MS, (turn + 1) * MS) for turn, cpu in turns]
    _, rows = seen(runs, nr_cpus=9, nr_tasks=18)
    assert (rows.hue[:, :-1] != rows.hue[:, 1:]).all()


def test_waiting_tasks_are_counted_where_they_ran_next():
    """Task 1 waits from 0 to 2 ms, task 2 from 1 to 3 ms, both for CPU 0."""
    runs = [(0, 0, -1, 0, 2 * MS), (1, 0, 0, 2 * MS, 3 * MS), (2, 0, MS, 3 * MS, 4 * MS), (0, 1, -1, 0, MS)]
    _, rows = seen(runs)
    assert rows.waiting.tolist() == [[1, 2, 1, 0], [0, 0, 0, 0]]
    assert rows.steps(2).tolist() == [[2, 3, 2, 0], [0, 0, 0, 0]]


def test_a_row_of_several_cpus_is_their_mean():
    """Of 40 CPUs in rows of two, the even ones run all the time: each row is half."""
    runs = [(cpu % 2, cpu, -1, 0, 4 * MS * (cpu % 2 == 0)) for cpu in range(40)]
    _, rows = seen(runs, nr_cpus=40, most_rows=20)
    assert (rows.size, len(rows.labels), rows.labels[1]) == (2, 20, "2")
    assert (rows.ran == 0.5).all()


@pytest.mark.parametrize(("longest", "base"), [(0, 2), (15, 2), (16, 4), (255, 4), (256, 10), (10_000, 100)])
def test_the_steps_of_a_queue_reach_its_length(longest, base):
    _, rows = seen([(0, 0, -1, 0, MS)])
    rows.waiting[0, 0] = longest
    assert base_of_steps([rows]) == base
    assert rows.steps(base).max() <= len(TONES_OF_QUEUE) - 1


def test_the_texts_of_steps():
    assert texts_of_steps(2) == ["< 1", "1", "2–3", "4–7", "8 and more"]
    assert texts_of_steps(4) == ["< 1", "1–3", "4–15", "16–63", "64 and more"]


@pytest.mark.parametrize("nr", [1, 8, 9, 33, 64, 100, 256])
def test_a_map_has_at_most_eight_numbers(nr):
    assert len(range(0, nr, rows_between_labels(nr))) <= 8


# ----------------------------------------------------------------------------------------- bounds of pictures

LARGEST_PX = 3100
MOST_ARTISTS = 1500
MOST_BYTES = 700_000


def nr_artists(figure):
    return sum(len(axes.get_children()) for axes in figure.axes) + len(figure.texts)


def check_picture(figure):
    assert figure.get_size_inches()[1] * figure.dpi <= LARGEST_PX
    assert figure.get_size_inches()[0] == 7
    assert nr_artists(figure) <= MOST_ARTISTS


def check_page(page):
    figures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert max(float(re.search(r'viewBox="0 0 960 ([\d.]+)"', figure)[1]) for figure in figures) <= 1700
    assert sum(map(len, figures)) <= MOST_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("shape", [pytest.param(shape) for shape in PICTURED])
def test_a_picture_is_about_a_page(shape):
    pytest.importorskip("matplotlib")
    from cfs.reports import plot_timeline

    result = random_result(*shape)
    check_picture(plot_timeline(result, recorded=result, by="task"))


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "nr_sides", "top"), few([*product(SHAPES, (1, 2), (12, 1000))], 6))
def test_every_picture_is_about_a_page(shape, nr_sides, top):
    pytest.importorskip("matplotlib")
    from cfs.reports import plot_timeline, plot_trends

    result = random_result(*shape)
    recorded = result if nr_sides == 2 else None
    check_picture(plot_timeline(result, recorded=recorded, top=top, by="task"))
    check_picture(plot_trends(result, recorded=recorded, top=top, by="task"))


@pytest.mark.parametrize("shape", [pytest.param(shape) if shape[2] <= 900 else slow(pytest.param(shape)) for shape in SHAPES])
@pytest.mark.parametrize("top", [12, 1000])
def test_figures_of_a_page_are_bounded(shape, top):
    result = random_result(*shape)
    check_page(result_html(result, result, top=top))
    assert len(notebook_html(result)) <= 150_000


@pytest.mark.slow
@pytest.mark.parametrize("nr_cpus", few([1, 9, 8, 32, 64]))
@pytest.mark.parametrize("nr_columns", [1, 6])
@pytest.mark.parametrize("top", [8, 1000])
def test_a_comparison_of_many_cpus_is_bounded(nr_cpus, nr_columns, top):
    pytest.importorskip("matplotlib")
    nr = 3 * nr_cpus + 40
    programs = {f"t{i}": [("run", MS), ("sleep", MS)] * 3 for i in range(nr)}
    work = Workload.of_programs(programs, cpu={f"t{i}": i % nr_cpus for i in range(nr)}, duration_ns=60 * MS)
    found = compare(work, ["linux-2.6.24-cfs"] * nr_columns, top=top)
    figure = found.plot()
    assert figure.get_size_inches()[1] * figure.dpi <= LARGEST_PX
    assert nr_artists(figure) <= 3 * MOST_ARTISTS
    check_page(comparison_html(found))


def test_what_is_empty_is_said_in_a_sentence():
    pytest.importorskip("matplotlib")
    from cfs.reports import plot_timeline

    result = result_of([(0, 0, -1, 0, MS)], 1, 1, MS)
    figure = plot_timeline(result)
    assert "No wait of known length ended in this time." in [text.get_text() for text in figure.texts]
    assert "No wait of known length ended in this time." in result_html(result)
    assert "Nothing ran." in result_html(result_of([], 1, 1, MS))


def boxes_of_small_texts(figure):
    shown = list(figure.texts)
    for axes in figure.axes:
        shown += [*axes.texts, *axes.get_yticklabels()]
    return [text.get_window_extent() for text in shown if text.get_text()]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(4, 300, 2000), (32, 64, 3000), (64, 128, 2000), (1024, 1024, 2048)])
def test_no_labels_overlap(shape):
    pytest.importorskip("matplotlib")
    from cfs.reports import plot_timeline

    result = random_result(*shape)
    result.names = [f"a long name {task:03}" for task in range(len(result.names))]
    figure = plot_timeline(result, recorded=result, by="task")
    boxes = boxes_of_small_texts(figure)
    touching = [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 3
    ]
    assert touching == []
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= 2100


@pytest.mark.parametrize("shape", [(32, 64, 3000), (64, 128, 2000), (1024, 1024, 2048)])
def test_no_labels_of_a_page_overlap(shape):
    """Lines of small type are at least 9 units apart wherever they begin or end at the same place."""
    result = random_result(*shape)
    for figure in re.findall(r"<svg.*?</svg>", result_html(result, result), re.DOTALL):
        places = [
            (float(text.get("x")), float(text.get("y")))
            for text in ElementTree.fromstring(figure).iter("{http://www.w3.org/2000/svg}text")
            if text.get("text-anchor") == "end"
        ]
        for x in {x for x, _ in places}:
            column = sorted(y for other, y in places if other == x)
            assert all(below - above >= 9 for above, below in zip(column, column[1:]))


@pytest.mark.slow
def test_sixty_four_cpus_of_a_recording():
    """The recording of which the picture was 84 789 px high: 64 CPUs, two tasks on each."""
    pytest.importorskip("matplotlib")
    from cfs.reports import plot_timeline

    recording = Recording.open(Path(__file__).parents[2] / "data" / "cases" / "cpus-64.txt")
    work = recording.workload(cpu=recording.cpus)
    figure = plot_timeline(work.run(), recorded=recording.result(cpu=recording.cpus))
    assert figure.get_size_inches()[1] * figure.dpi <= 3000
    assert "64 CPUs, as recorded" in [axes.get_title("left") for axes in figure.axes]
