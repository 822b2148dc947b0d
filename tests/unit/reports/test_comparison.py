"""Schedulers side by side: that all columns are of the same thing, and that everything can be read."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import cfs
from cfs import CfsError, Workload
from cfs.reports import compare, tables
from cfs.workload import build, hogs

ROOT = Path(__file__).parents[3]
CFS, EEVDF = "linux-2.6.24-cfs", "linux-6.18-eevdf"
MODELS = [name for name, model in cfs.MODELS.items() if not model.later_than]
MS = 10**6


def a_build(duration_ns=500 * MS):
    """A make -j3 beside a hog."""
    return build(3, 6, seed=1, duration_ns=duration_ns).merged(hogs(1))


@pytest.fixture(scope="module")
def recorded():
    recording = cfs.Recording.open(ROOT / "examples" / "recordings" / "nice-hogs-small.perf-script.txt.gz")
    work = recording.workload(cpu=0)
    return work, recording.result(0, workload=work)


@pytest.fixture(scope="module")
def of_all(recorded):
    work, measured = recorded
    return compare(work, MODELS, recorded=measured)


def cells(table, name):
    """Cells of the line that begins with `name`, over all blocks."""
    lines = [line for line in table.lines if line.startswith(name + " ")]
    return [cell.strip() for line in lines for cell in (line[i : i + 19] for i in range(23, len(line), 19))]


# ------------------------------------------------------------------------------------------------ the columns


def test_a_column_a_model_and_the_recorded_one_last(of_all):
    assert [column.label for column in of_all.columns] == [*MODELS, "recorded"]
    assert [result.model for result in of_all.results] == [*MODELS, "recorded"]


@pytest.mark.parametrize("model", MODELS)
def test_a_column_is_what_the_model_says_when_it_is_asked_alone(model):
    """Looking at the scheduler in between changes nothing."""
    work = a_build()
    assert (compare(work, [model]).results[0].runs == work.run(model).runs).all()


def test_a_model_can_be_compared_with_itself():
    found = compare(a_build(), [CFS, (CFS, {"START_DEBIT": False}), CFS])
    assert [column.label for column in found.columns] == [CFS, f"{CFS} START_DEBIT=off", f"{CFS} (2)"]
    plain, changed, again = found.results
    assert changed.tunables["START_DEBIT"] is False and plain.tunables["START_DEBIT"] is True
    assert plain.runs.tobytes() != changed.runs.tobytes()
    assert (plain.runs == again.runs).all()


def test_a_policy_in_python_is_a_column_as_well():
    found = compare(hogs(2, duration_ns=50 * MS), [cfs.Scheduler(), CFS])
    assert (found.results[0].runs == found.results[1].runs).all()


def test_groups_are_for_the_models_that_know_them():
    work = hogs(3, uid=1).merged(hogs(1, name="alone", uid=2))
    work.duration_ns = 1000 * MS
    found = compare(work, [CFS, "linux-2.6.22-o1"], group_by="uid")
    assert [result.group_by for result in found.results] == ["uid", None]
    grouped, flat = found.columns
    assert np.median(grouped.lags.spread_ns) < 0.5 * np.median(
        flat.lags.spread_ns
    )  # measured by the users' shares


def test_a_model_without_users_makes_a_group_of_each():
    """The uids have 1024 and 3072 shares, so a quarter and three quarters; without, three of four hogs."""
    work = hogs(3, uid=1).merged(hogs(1, name="alone", uid=2))
    work.duration_ns, work.shares = 4000 * MS, {"uid:2": 3072}
    found = compare(work, [CFS, EEVDF, "rfs-model"], group_by="uid", by="group")
    assert [result.group_by for result in found.results] == ["uid", "cgroup", None]
    rows = [cells(found.tables()[1], f"uid:{uid}") for uid in (1, 2)]
    shares = [[float(cell.split("%")[0]) for cell in row[-3:]] for row in rows]
    assert np.allclose(shares, [[25, 25, 75], [75, 75, 25]], atol=1)


def test_a_line_can_be_a_group_in_every_column(recorded):
    """Whose a task is does not depend on who schedules it: also where the model knows no groups."""
    work, measured = recorded
    told = work.with_groups({"hog[12]*": "some"})
    found = compare(told, [CFS, "linux-2.6.22-o1"], recorded=measured, group_by="cgroup", by="group")
    labels = [[row["name"] for row in column["classes"]] for column in found.to_dict()["columns"]]
    assert all(set(names) == {"some", "/", "all"} for names in labels) and len(labels) == 3
    assert all(result.groups == found.results[0].groups for result in found.results)


def test_lag_tells_coarse_from_fine():
    o1, eevdf = compare(hogs(5, duration_ns=3000 * MS), ["linux-2.6.22-o1", "linux-6.18-eevdf"]).columns
    assert np.median(o1.lags.spread_ns) > 20 * np.median(eevdf.lags.spread_ns)


def test_progress_goes_up_to_its_end():
    told = []
    compare(hogs(1, duration_ns=MS), [CFS, CFS], progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (2 * MS, 2 * MS)


# --------------------------------------------------------------------------------------------------- the part


def test_shares_are_of_the_same_span_for_who_has_finished_before():
    programs = {"a": [("run", 10 * MS)], "b": [("run", 10 * MS)]}
    found = compare(Workload.of_programs(programs, duration_ns=40 * MS), [CFS])
    assert found.span == (0, 20 * MS) and found.columns[0].idle_ns == 0
    assert cells(found.tables()[0], "all ended after") == ["20.0 ms"]


# --------------------------------------------------------------------------------------------------- the text


def test_no_line_is_longer_than_100_columns(of_all):
    for table in of_all.tables():
        assert max(map(len, (table.title, *table.lines))) <= 100


def test_numbers_are_those_of_the_tables_of_one_result(of_all):
    lines = tables(of_all.results[0], by="comm", top=8)[0].lines
    shares = {line.split()[0]: line.split()[5] for line in lines[3:-2]}
    for name, share in shares.items():
        assert cells(of_all.tables()[1], name)[0] == share


def test_more_than_four_columns_go_on_in_blocks_of_one_width(of_all):
    for table in of_all.tables():
        assert sum(line.lstrip().startswith("-----") or " -----" in line for line in table.lines) == 2
    assert len(cells(of_all.tables()[0], "idle")) == 6


def test_lines_are_command_names_or_tasks(recorded):
    work, measured = recorded
    by_comm, by_task = (compare(work, [CFS], recorded=measured, by=by, top=3) for by in ("comm", "task"))
    assert "command           tasks" in "\n".join(by_comm.tables()[1].lines)
    assert "task                pid" in "\n".join(by_task.tables()[1].lines)
    assert [line.split()[0] for line in by_task.tables()[1].lines[2:]][-2:] == ["17", "all"]


def test_names_cannot_send_escape_sequences():
    work = Workload.of_programs({"\x1b[31mred": [("run", MS)]}, duration_ns=MS)
    text = "\n".join(str(table) for table in compare(work, [CFS]).tables())
    assert "\x1b" not in text and "?[31mred" in text


def test_long_settings_are_cut_to_their_column():
    found = compare(hogs(1, duration_ns=MS), [(CFS, {"sched_batch_wakeup_granularity_ns": 1})] * 4)
    table = found.tables()[0]
    assert (
        max(map(len, table.lines)) <= 100
        and "sched_batch_wake~" in table.lines[1]
        and "= 1" in table.lines[2]
    )


# --------------------------------------------------------------------------------------------------- the JSON


def test_to_dict_is_plain_and_whole(of_all):
    content = json.loads(json.dumps(of_all.to_dict()))
    assert content["schema"] == "cfs-comparison/1"
    assert (content["from_ns"], content["until_ns"]) == of_all.span
    assert [column["model"] for column in content["columns"]] == [*MODELS, "recorded"]
    for column in content["columns"]:
        assert column["result"]["schema"] == "cfs-result/1"
        assert column["classes"][-1]["kind"] == "all"
        assert column["classes"][-1]["cpu_ns"] == column["busy_ns"]
        assert len({len(values) for values in column["lag"].values()}) == 1
    virtual = {
        column["model"]: column["virtual"] and column["virtual"]["field"] for column in content["columns"]
    }
    assert virtual[CFS] == "vruntime" and virtual["linux-2.6.23-cfs"] == "wait_runtime"
    assert virtual["linux-2.6.22-o1"] is virtual["recorded"] is None


# ------------------------------------------------------------------------------------------------- the errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "colour"}, "by = 'colour'"),
        ({"top": 0}, "top = 0"),
        ({"models": []}, "no model to compare"),
        ({"models": ["cfq"]}, "no model 'cfq'"),
        ({"models": [(CFS, {"foo": 1})]}, "linux-2.6.24-cfs: 'foo' is no tunable"),
        ({"models": ["rfs-model"], "group_by": "uid"}, "none of the models can be fair by uid"),
        ({"from_ns": 5, "until_ns": 5}, "is empty"),
        ({"from_ns": -5}, "begins before 0"),
        ({"work": hogs(1)}, "0 s ... 0 s, is empty"),
        ({"hz": 0}, "hz = 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    work = arguments.pop("work", hogs(1, duration_ns=MS))
    with pytest.raises(ValueError, match=message):
        compare(work, arguments.pop("models", [CFS]), **arguments)


# ------------------------------------------------------------------------------------------------- the figure


@pytest.fixture(scope="module")
def drawn(of_all):
    pytest.importorskip("matplotlib")
    figure = of_all.plot()
    figure.canvas.draw()
    return figure


def texts_of(figure):
    shown = [text for text in figure.texts if text.get_text()]
    for axes in figure.axes:
        shown += [text for text in axes.texts if text.get_text()]
        shown += [axes.xaxis.label] if axes.get_xlabel() else []
        labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        shown += [label for label in labels if label.get_visible() and label.get_text()]
    return shown


@pytest.mark.slow
def test_the_figure_is_as_wide_as_a_page_and_has_a_column_each(of_all, drawn):
    assert drawn.get_size_inches()[0] == 7
    assert len({round(axes.get_position().x0, 3) for axes in drawn.axes}) == len(of_all.columns)


def overlapping(figure):
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts_of(figure)]
    return [
        (one, other)
        for i, (one, a) in enumerate(boxes)
        for other, b in boxes[i + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 4
    ]


@pytest.mark.slow
def test_labels_do_not_overlap_and_none_leaves_the_page(drawn):
    assert overlapping(drawn) == []
    width, height = drawn.get_size_inches() * drawn.dpi
    for text in texts_of(drawn):
        box = text.get_window_extent()
        assert 0 <= box.x0 and box.x1 <= width and 0 <= box.y0 and box.y1 <= height, text.get_text()


@pytest.mark.slow
@pytest.mark.parametrize("nr", [1, 2, 3, 4, 5])
def test_labels_do_not_overlap_with_fewer_columns_and_long_settings(nr):
    pytest.importorskip("matplotlib")
    found = compare(a_build(), [CFS, *[(CFS, {"sched_batch_wakeup_granularity_ns": 1})] * (nr - 1)])
    figure = found.plot()
    figure.canvas.draw()
    assert overlapping(figure) == []


@pytest.mark.slow
def test_columns_have_the_same_axes(of_all, drawn):
    rows = {}
    for axes in drawn.axes:
        rows.setdefault(round(axes.get_position().y0, 4), []).append((axes.get_xlim(), axes.get_ylim()))
    assert len(rows) == 6
    for row in rows.values():
        assert len(row) == len(of_all.columns) and len(set(row)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_same_input_same_bytes(tmp_path, ending):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"{i}.{ending}" for i in range(2)]
    for path in paths:
        compare(a_build(), [CFS, "linux-2.6.22-o1"]).plot(path)
    assert paths[0].read_bytes() == paths[1].read_bytes() != b""


@pytest.mark.slow
def test_odd_results_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    for programs in ({"idle": [("wait",)]}, {"$\\frac": [("run", 1)], "日本語": [("run", 1)]}):
        compare(Workload.of_programs(programs, duration_ns=10), [CFS]).plot(tmp_path / "odd.png")
        assert os.path.getsize(tmp_path / "odd.png") > 0


def test_a_figure_has_at_most_six_columns():
    pytest.importorskip("matplotlib")
    with pytest.raises(CfsError, match="room for 6 columns, not for 7"):
        compare(hogs(1, duration_ns=MS), [CFS] * 7).plot()
