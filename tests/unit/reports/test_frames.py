"""Tables for data frames: every number against the arrays of the result, and what is not known is null."""

import json
import sys

import numpy as np
import pytest

pyarrow = pytest.importorskip("pyarrow")

from cfs import CfsError, MissingExtraError, Result, Simulation, Workload
from cfs.frames import arrow_table
from cfs.reports import frames
from cfs.reports.frames import run_to_parquet, runs_to_parquet
from cfs.result import RUN_DTYPE

MS = 10**6
PROGRAMS = {
    "hog": [("run", 30 * MS)],
    "nap": [("run", MS), ("sleep", 3 * MS)] * 5,
}


def simulated():
    return Workload.of_programs(PROGRAMS, nice={"nap": -5}, duration_ns=40 * MS, source="hog and nap").run()


def by_hand(**changes):
    runs = np.zeros(2, RUN_DTYPE)
    runs["ready_ns"], runs["start_ns"], runs["end_ns"] = (-1, 7), (0, 12), (5, 20)
    runs["ready"], runs["out"], runs["task"], runs["cpu"] = (0, 1), (2, 0), (1, 1), 3
    facts = {
        "model": "by hand",
        "runs": runs,
        "duration_ns": 20,
        "pids": np.array([5, 9]),
        "nice": np.array([0, -3]),
        "names": ["a", "b\udcff"],
        "groups": ["/", "/"],
        "cpus": [3],
        "context_switches": 3,
    }
    return Result(**(facts | changes))


def test_a_row_of_runs_has_names_in_place_of_indices():
    rows = by_hand().to_arrow().to_pylist()
    assert rows[1] == {
        "model": "by hand",
        "start_ns": 12,
        "end_ns": 20,
        "cpu": 3,
        "task": 1,
        "pid": 9,
        "comm": "b\N{REPLACEMENT CHARACTER}",
        "nice": -3,
        "group": "/",
        "ready": "wakeup",
        "out": "running",
        "ready_ns": 7,
        "wait_ns": 5,
    }


def test_an_unknown_wait_is_null():
    row = by_hand().to_arrow().to_pylist()[0]
    assert (row["ready"], row["ready_ns"], row["wait_ns"]) == ("unknown", None, None)


def test_quantiles_of_no_waits_are_null():
    rows = by_hand().to_arrow("stats").to_pylist()
    never = next(row for row in rows if row["comm"] == "a")  # the runs are of the other one
    assert (never["latency_count"], never["latency_sum_ns"]) == (0, 0)
    assert never["latency_p50_ns"] is never["run_length_max_ns"] is None


@pytest.mark.parametrize("by", ["task", "comm", "group"])
def test_stats_are_those_of_the_result(by):
    result = simulated()
    table, stats = result.to_arrow("stats", by=by), result.stats(by)
    assert table["cpu_ns"].to_pylist() == stats["cpu_ns"].tolist()
    assert table["wakeup_latency_sum_ns"].to_pylist() == stats["wakeup_latency"]["sum_ns"].tolist()
    if by != "task":
        labels = result.keys(by)[1]
        assert table[by].to_pylist() == [labels[key] for key in stats["key"].tolist()]


def test_several_results_below_each_other():
    result = simulated()
    table = arrow_table([("one", result), ("two", by_hand())])
    assert table["model"].to_pylist() == ["one"] * len(result.runs) + ["two"] * 2


def test_facts_stand_in_the_metadata():
    facts = json.loads(simulated().to_arrow().schema.metadata[b"cfs"])["results"]["linux-2.6.24-cfs"]
    assert (facts["source"], facts["duration_ns"]) == ("hog and nap", simulated().duration_ns)
    assert facts["tunables"]["sched_latency_ns"] > 0


def test_a_result_without_runs_is_an_empty_table():
    table = by_hand(
        runs=np.zeros(0, RUN_DTYPE), names=[], groups=[], pids=np.zeros(0), nice=np.zeros(0)
    ).to_arrow()
    assert table.num_rows == 0
    assert "wait_ns" in table.column_names


def test_any_library_can_take_the_runs():
    result = simulated()
    assert pyarrow.table(result)["end_ns"].to_pylist() == result.runs["end_ns"].tolist()


def test_polars_takes_a_result():
    polars = pytest.importorskip("polars")
    result = simulated()
    assert polars.DataFrame(result)["start_ns"].to_list() == result.runs["start_ns"].tolist()
    assert result.to_polars("stats")["cpu_ns"].sum() == result.busy_ns


def test_pandas_keeps_integers_with_nulls_exact():
    pytest.importorskip("pandas")
    frame = by_hand().to_pandas()
    assert str(frame["wait_ns"].dtype) == "Int64"
    assert frame["wait_ns"].sum() == 5


def test_parquet_gives_the_same_table(tmp_path):
    import pyarrow.parquet

    result = simulated()
    result.to_parquet(tmp_path / "runs.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "runs.parquet").to_pylist() == result.to_arrow().to_pylist()


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(CfsError, match="no directory"):
        simulated().to_parquet(tmp_path / "nowhere" / "runs.parquet")


def test_an_unknown_table_is_refused():
    with pytest.raises(ValueError, match="'runs', 'stats', 'wakeups'"):
        simulated().to_arrow("waits")


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"\.\[frames\]"):
        simulated().to_arrow()


def test_wakeups_are_a_table_and_who_is_not_known_is_null():
    programs = {"a": [("run", 10), ("wake", "b"), ("fork", "c")], "b": [("wait",), ("run", 10)], "c": [("run", 10)]}
    rows = Workload.of_programs(programs, duration_ns=1000).run().to_arrow("wakeups").to_pylist()
    told = [[row[name] for name in ("comm", "cause", "waker", "waker_comm", "slept")] for row in rows]
    assert told[0] == ["a", "timer", None, None, "interruptible"] and rows[0]["waker_pid"] is None
    assert ["c", "fork", 0, "a", "interruptible"] in told
    assert by_hand().to_arrow("wakeups").num_rows == 0


def two_that_talk():
    """Several portions of runs, some of which end in a nap of 3 ms."""
    programs = {
        "ping": [("run", 25_000), ("wake", "pong"), ("wait",), ("loop",)],
        "pong": [("wait",), ("run", 25_000), ("wake", "ping"), ("loop",)],
        "nap": [("run", MS), ("sleep", 3 * MS), ("loop",)],
    }
    return Workload.of_programs(programs, nice={"nap": -5}, duration_ns=2500 * MS, source="ping and pong")


@pytest.mark.slow
def test_runs_are_written_as_they_end(tmp_path):
    import pyarrow.parquet as parquet

    whole = two_that_talk().run()
    whole.to_parquet(tmp_path / "whole.parquet")
    result = run_to_parquet(Simulation(two_that_talk()), tmp_path / "streamed.parquet")
    found, wanted = (parquet.read_table(tmp_path / f"{name}.parquet") for name in ("streamed", "whole"))
    assert found.num_rows == len(whole.runs) > 60_000 and result.sums is not None
    assert found.schema.remove_metadata() == wanted.schema.remove_metadata()
    assert found.to_pydict() == wanted.to_pydict()
    facts = json.loads(found.schema.metadata[b"cfs"])["results"][whole.model]
    known = json.loads(wanted.schema.metadata[b"cfs"])["results"][whole.model]
    assert facts == known | {"duration_ns": None, "context_switches": None, "end": None}


def test_a_file_of_several_results_is_that_of_one_table(tmp_path, monkeypatch):
    import pyarrow.parquet as parquet

    sides = [("one", simulated()), ("two", by_hand()), ("three", simulated())]
    monkeypatch.setattr(frames, "PORTION", 4)
    runs_to_parquet(sides, tmp_path / "runs.parquet")
    found, wanted = parquet.read_table(tmp_path / "runs.parquet"), arrow_table(sides)
    assert found.to_pydict() == wanted.to_pydict() and found.schema.metadata == wanted.schema.metadata
    assert parquet.ParquetFile(tmp_path / "runs.parquet").num_row_groups > 3


def test_a_file_is_not_begun_where_there_is_no_folder(tmp_path):
    with pytest.raises(CfsError, match="there is no directory"):
        run_to_parquet(Simulation(two_that_talk()), tmp_path / "nowhere" / "runs.parquet")
