"""The columns of the tables of results: one entry a column, seen in every report."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cfs.reports import columns, compare, comparison_html, notebook_html, result_html, tables
from cfs.reports.columns import CLASS, COLUMNS, GROUP, TASK, StatColumn
from cfs.units import time_text
from cfs.workload import build, hogs

MS = 10**6
RESULT_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "result.md"


@pytest.fixture
def mean_run(monkeypatch):
    """A column that nobody has yet: CPU time over times switched in."""
    column = StatColumn(
        "mean_run_ns",
        "ns",
        lambda stats: stats["cpu_ns"] // np.maximum(stats["switches"], 1),
        time_text,
        places={TASK: 30, GROUP: 30, CLASS: 30},
        table="Mean run",
        heading="run",
        comparison="Mean run",
    )
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, column))


@pytest.fixture(scope="module")
def result():
    """A hog alone on its CPU beside another one there: each runs half a second in turns."""
    work = hogs(2, duration_ns=1000 * MS).with_groups({"*": "batch"})
    return work.run("linux-2.6.24-cfs", group_by="cgroup")


def test_a_new_column_is_one_entry_and_stands_in_the_tables(result, mean_run):
    *_, table = tables(result)
    expected = time_text(result.busy_ns // len(result.runs))
    assert table.title == "Mean run"
    assert table.lines[-1].split() == ["all", *expected.split()]


def test_a_new_column_stands_in_json_of_tasks_and_groups(result, mean_run):
    content = json.loads(result.to_json())
    for row in content["tasks"]:
        assert row["mean_run_ns"] == row["cpu_ns"] // row["switches"]
    (group,) = [row for row in content["groups"] if row["group"] == "batch"]
    assert group["mean_run_ns"] == result.busy_ns // len(result.runs)


def test_a_new_column_stands_in_data_frames(result, mean_run):
    pytest.importorskip("pyarrow")
    table = result.to_arrow("stats").to_pydict()
    whole = zip(table["cpu_ns"], table["switches"])
    assert table["mean_run_ns"] == [cpu_ns // switches for cpu_ns, switches in whole]


def test_a_new_column_stands_on_pages(result, mean_run):
    assert re.search(r"<h2>Mean run</h2>.*<th class=\"gap\">run</th>", result_html(result))
    found = compare(hogs(2, duration_ns=100 * MS), ["linux-2.6.24-cfs"])
    assert "<h2>Mean run</h2>" in comparison_html(found)


def test_a_new_column_stands_in_a_comparison(mean_run):
    found = compare(hogs(2, duration_ns=100 * MS), ["linux-2.6.24-cfs", "linux-2.6.22-o1"])
    (table,) = [table for table in found.tables() if table.title == "Mean run"]
    means = [side.busy_ns // len(side.runs) for side in found.results]
    first, second, more = (time_text(ns).strip() for ns in (*means, means[1] - means[0]))
    assert table.lines[-1].split() == f"all {first} {second} +{more}".split()
    for column, side in zip(found.to_dict()["columns"], found.results):
        assert column["classes"][-1]["mean_run_ns"] == side.busy_ns // len(side.runs)


def test_names_of_columns_are_distinct_also_when_flat():
    names = [column.flat_name for column in COLUMNS]
    assert len(set(names)) == len(names)


def test_a_table_has_room_beside_a_recording():
    """T1 of `tables`: four columns of a result and four of a recording fit into 100."""
    assert all(len(table) <= 4 for table in columns.columns_of_tables().values())
    assert all(len(column.heading) <= 7 for column in COLUMNS)


def test_every_column_has_its_line_in_the_reference():
    text = RESULT_PAGE.read_text(encoding="utf-8")
    for column in COLUMNS:
        outer, _, inner = column.name.partition(".")
        assert f"`{outer}`" in text, column.name
        assert not inner or f"`{inner}`" in text, column.name


def test_k2_what_is_not_known_is_a_dash_null_and_0():
    """A task that nobody forked has no wait after a fork."""
    result = hogs(1, duration_ns=100 * MS).run()
    (row,) = result.stats()
    for column in COLUMNS:
        if column.name.startswith("fork_latency.") and column.known is not None:
            assert column.cell(row, "-") == "-"
    assert set(result.to_dict()["tasks"][0]["fork_latency"].values()) == {0}
    pyarrow = pytest.importorskip("pyarrow")
    assert isinstance(result.to_arrow("stats"), pyarrow.Table)
    assert result.to_arrow("stats")["fork_latency_p50_ns"].to_pylist() == [None]


def test_plain_rows_are_python_numbers_for_json():
    stats = build(2, 4, seed=1, duration_ns=100 * MS).run().stats()
    assert json.loads(json.dumps(columns.plain_rows(stats, TASK))) == columns.plain_rows(stats, TASK)


def test_a_notebook_shows_waits_beside_the_cpu_time(result):
    headings = re.findall(r"<th[^>]*>([^<]*)</th>", notebook_html(result))
    assert headings[:2] == ["Command", "tasks"]
    assert headings[2:7] == ["CPU", "share", "voluntary", "involuntary", "wait p50"]
