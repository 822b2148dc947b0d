"""Text tables: which lines, what numbers, and that nothing in a recording can break them."""

import re
from unicodedata import east_asian_width

import numpy as np
import pytest

from cfs import Result
from cfs.reports import tables
from cfs.result import RUN_DTYPE, Out, Ready

MS = 10**6


def a_result(runs, names, *, pids=None, nice=None, model="linux-2.6.24-cfs", duration_ns=100 * MS):
    """Runs are (task, ready, start, end); a ready of None is not known."""
    table = np.zeros(len(runs), RUN_DTYPE)
    for row, (task, ready, start, end) in zip(table, runs):
        row["task"], row["start_ns"], row["end_ns"] = task, start, end
        row["ready_ns"], row["ready"] = (-1, Ready.UNKNOWN) if ready is None else (ready, Ready.WAKEUP)
        row["out"] = Out.BLOCKED
    return Result(
        model=model,
        runs=table,
        duration_ns=duration_ns,
        pids=np.array(pids or range(1, len(names) + 1)),
        nice=np.array(nice or [0] * len(names), np.int8),
        names=list(names),
        groups=["/"] * len(names),
        cpus=[0],
        context_switches=len(runs),
    )


def many(nr):
    """Tasks t0, t1, ...: t0 uses most CPU time; task i waits i ms."""
    runs, now = [], 0
    for i in range(nr):
        now += i * MS
        runs.append((i, now - i * MS, now, now + (nr - i) * MS))
        now += (nr - i) * MS
    return a_result(runs, [f"t{i}" for i in range(nr)], duration_ns=now)


def body(table):
    return list(table.lines[3:])


def test_three_tables_cpu_first_then_waits():
    titles = [table.title.split(":")[0] for table in tables(many(3))]
    assert titles == ["CPU time and switches", "Scheduling latency", "Run lengths"]


def test_most_cpu_time_first_and_a_line_over_all():
    lines = body(tables(many(3))[0])
    assert [line.split()[0] for line in lines] == ["t0", "t1", "t2", "all"]
    assert lines[0].split() == ["t0", "1", "0", "3.00", "ms", "33.33%", "1", "0"]
    assert lines[-1].split() == ["all", "6.00", "ms", "66.67%", "3", "0"]


def test_the_rest_is_one_line_with_quantiles_of_all_its_waits():
    cpu, waits, _ = tables(many(10), top=4)
    assert [line.split("  ")[0] for line in body(cpu)] == ["t0", "t1", "t2", "t3", "6 others", "all"]
    others = body(waits)[4].split()
    # the waits of t4 ... t9 are 4 ... 9 ms: the third of six is the median
    assert others == ["6", "others", "6.00", "ms", "9.00", "ms", "9.00", "ms", "9.00", "ms"]


def test_one_other_is_shown_instead_of_summed():
    assert "others" not in str(tables(many(5), top=4)[0])


def test_recorded_stands_beside_the_model():
    recorded = a_result([(0, 0, 0, 5 * MS)], ["t0"], model="recorded")
    line = body(tables(many(1), recorded)[0])[0]
    assert re.findall(r"[\d.]+ ms", line) == ["1.00 ms", "5.00 ms"]
    assert tables(many(1), recorded)[0].lines[0].split() == ["linux-2.6.24-cfs", "recorded"]


def test_a_task_that_ran_on_one_side_only_has_dashes_on_the_other():
    recorded = a_result([(0, 0, 0, 5 * MS)], ["new"], pids=[99], model="recorded")
    lines = body(tables(many(1), recorded)[0])
    assert [line.split()[0] for line in lines] == ["t0", "new", "all"]
    assert lines[1].split()[3:7] == ["-"] * 4
    assert lines[0].split()[-4:] == ["-"] * 4


def test_tasks_with_the_same_pid_and_name_are_told_apart():
    runs = [(0, 0, 0, 3 * MS), (1, 3 * MS, 3 * MS, 4 * MS)]
    model, recorded = (a_result(runs, ["sh", "sh"], pids=[7, 7], model=name) for name in ("m", "recorded"))
    for line, expected in zip(body(tables(model, recorded)[0]), ("3.00 ms", "1.00 ms")):
        assert re.findall(r"[\d.]+ ms", line) == [expected] * 2


def test_by_comm_counts_tasks_and_marks_different_nice_values():
    runs = [(i, 0, i * MS, (i + 1) * MS) for i in range(3)]
    result = a_result(runs, ["cc1", "cc1", "sh"], nice=[0, 5, 3])
    lines = [line.split()[:3] for line in body(tables(result, by="comm")[0])]
    assert lines[:2] == [["cc1", "2", "*"], ["sh", "1", "3"]]


def test_waits_that_are_not_known_are_dashes():
    assert body(tables(a_result([(0, None, 0, MS)], ["a"]))[1])[0].split() == ["a", "1", "-", "-", "-", "-"]


def test_below_each_other_each_side_counts_what_it_leaves_out():
    model, recorded = a_result([(0, 0, 0, MS)], ["a"]), a_result([(0, None, 0, MS)], ["a"], model="recorded")
    first, second = "\n".join(tables(model, recorded, width=80)[1].lines).split("\n\n")
    assert "not known" not in first and re.search(r"^waits not known +1$", second, re.MULTILINE)


def test_tasks_that_never_ran_have_no_line():
    assert len(body(tables(a_result([(0, 0, 0, MS)], ["a", "b"]))[0])) == 2


def test_nothing_ran():
    assert [line.split()[0] for line in body(tables(a_result([], ["a"]))[0])] == ["all"]
    assert len(tables(a_result([], []))) == 3


@pytest.mark.parametrize(
    "name", ["x" * 300, "audio mix", "[bold]red[/bold]", "\x1b[31mred", "a\nb", "", "日本語" * 9]
)
def test_no_line_is_too_long_or_holds_control_characters(name):
    result = a_result([(0, 0, 0, 9999 * 10**9)], [name], pids=[4194304], nice=[-20], duration_ns=10**13)
    for by in ("task", "comm", "group"):
        for table in tables(result, result, by=by):
            for line in table.lines:
                columns = sum(2 if east_asian_width(char) in "WF" else 1 for char in line)
                assert columns <= 100 and line.isprintable()


def test_usual_lines_have_at_most_100_columns():
    run, name = (0, 0, 0, 59 * 10**9), "fifteen columns"
    result = a_result([run], [name], pids=[4194304], nice=[-20], duration_ns=10**11)
    assert max(len(line) for table in tables(result, result) for line in table.lines) == 100


@pytest.mark.parametrize("arguments", [{"by": "pid"}, {"top": 0}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        tables(many(1), **arguments)
