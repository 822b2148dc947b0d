"""The table of operations: whatever reads it says the same, and one more operation takes a few lines.

Ways to be right: witnesses (the compiled loop's list, the page of the scenario file, docstrings) and laws.
"""

import random
import re
from pathlib import Path

import numpy as np
import pytest

from cfs import Scheduler, Simulation, Workload, WorkloadError
from cfs.result import Out
from cfs.scenarios import read_scenario
from cfs.simulation.simulation import COMPILED_KINDS
from cfs.simulation.stepping import Stepper
from cfs.workload import FOREVER_NS, Op
from cfs.workload._ops import first_outside, first_unknown, kinds_counted, times_named
from cfs.workload.ops import CHILD, DURATION, OP_DTYPE, OPERATIONS, PLACE, TASK, Operation, Then
from tests.quick import few

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "scenario.md"
MS = 1_000_000
rows = pytest.mark.parametrize("row", OPERATIONS.values(), ids=lambda row: row.name)


def kinds_in_c():
    """``{file: {name: number}}`` of each Cython file that writes kinds of operation down."""
    found = {}
    for path in sorted([*(ROOT / "cfs").rglob("*.pxd"), *(ROOT / "cfs").rglob("*.pyx")]):
        kinds = re.findall(r"^ +OP_(\w+) = (\d+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        if kinds:
            found[path.name] = {name: int(number) for name, number in kinds}
    return found


def scenario(tmp_path, *operations):
    path = tmp_path / "some.toml"
    program = ", ".join(f'"{operation}"' for operation in operations)
    path.write_text(
        f'duration = "1 s"\n[[task]]\nname = "a"\nprogram = [{program}]\n'
        '[[task]]\nname = "child"\nforked = true\nprogram = []\n'
    )
    return read_scenario(path)


# ---- One table, many readers ---------------------------------------------------------------------


def test_the_names_for_code_are_those_of_the_table():
    assert {row.name.upper(): row.kind for row in OPERATIONS.values()} == dict(Op.__members__)


def test_the_compiled_loop_has_every_kind():
    """It does what each is by number: the sets must be equal, and so must what the border believes of it."""
    whole = [kinds for kinds in kinds_in_c().values() if len(kinds) == len(OPERATIONS)]
    assert whole == [dict(Op.__members__)]
    assert sorted(COMPILED_KINDS) == sorted(OPERATIONS)


def test_wherever_kinds_are_written_down_they_are_the_same():
    for file, kinds in kinds_in_c().items():
        assert kinds.items() <= dict(Op.__members__).items(), file


@rows
def test_the_stepper_has_a_method_for_each(row):
    assert callable(getattr(Stepper, f"_op_{row.name}"))


def test_the_page_lists_every_form_and_its_meaning():
    section = PAGE.read_text(encoding="utf-8").split("## Operations")[1]
    shown = dict(re.findall(r"^\| `([^`{]+)` \| (.+) \|$", section, re.MULTILINE))
    assert sorted(shown) == sorted(form for row in OPERATIONS.values() for form in row.forms)
    for row in OPERATIONS.values():
        assert shown[row.forms[0]].startswith(row.meaning), row.name


@rows
def test_the_docstring_of_of_programs_lists_its_tuple(row):
    written = f'("{row.name}", {row.argument.python})' if row.argument.field else f'("{row.name}",)'
    assert f"``{written}``" in re.sub(r"\s+", " ", Workload.of_programs.__doc__)


@rows
def test_a_scenario_reads_its_examples(tmp_path, row):
    names = {TASK: "a", CHILD: "child"}
    for example in row.examples:
        if example.split()[-1] in ("parent", "next"):
            continue  # said by templates and tasks of a count
        text = example.replace("NAME 3", "NAME 1").replace("NAME", names.get(row.argument, ""))
        before = ["run 1 ms"] if row.argument is PLACE else []
        work = scenario(tmp_path, *before, text)
        assert work.program(0)["kind"][-1] == row.kind, text


@rows
def test_what_is_written_is_read_again(row):
    given = {"arg": [7], "target": ["b"] if row.names_a_task else [0], "": []}[row.argument.field]
    op = (row.name, *given)
    programs = {"a": [("run", 1), op], "b": []}
    assert Workload.of_programs(programs).written(0) == [("run", 1), op]


@pytest.mark.parametrize("model", ["linux-2.6.24-cfs", "stepped"])
@rows
def test_the_task_goes_on_as_the_table_says(row, model):
    """Under both engines: does the run of 1 ms before it end there, and is what follows reached?"""
    given = {"arg": [7 * MS], "target": ["b"] if row.names_a_task else [0], "": []}[row.argument.field]
    given = [5] if row.name == "nice" else given
    programs = {"a": [("run", MS), (row.name, *given), ("run", MS)], "b": [("wait",)]}
    work = Workload.of_programs(programs, duration_ns=20 * MS)
    if row.argument is not CHILD:  # then nobody disturbs
        work = Workload.of_programs({"a": programs["a"], "b": [("exit",)]}, duration_ns=20 * MS, cpu={"b": 1})
    policy = Scheduler("linux-2.6.24-cfs", cpus=work.nr_cpus) if model == "stepped" else model
    result = Simulation(work, policy).run()
    runs = result.runs[result.runs["task"] == 0]
    first = (int(runs["end_ns"][0]), Out(runs["out"][0]))
    ran = int((runs["end_ns"] - runs["start_ns"]).sum())
    assert {
        Then.COMPUTES: (first, ran) == ((9 * MS, Out.EXITED), 9 * MS),
        Then.BLOCKS: first == (MS, Out.BLOCKED),
        Then.GOES_ON: ran == 2 * MS and first[1] in (Out.EXITED, Out.PREEMPTED),
        Then.JUMPS: first == (20 * MS, Out.RUNNING),
        Then.ENDS: (first, ran) == ((MS, Out.EXITED), MS),
    }[row.then]


@rows
def test_only_what_takes_time_makes_a_loop(row):
    given = {"arg": [7], "target": ["b"] if row.names_a_task else [0], "": []}[row.argument.field]
    start = [("fork", "b")] if row.argument is not CHILD else []
    program = [*start, (row.name, *given), ("loop", len(start))]
    work = Workload.of_programs({"a": program, "b": []})
    if row.takes_time:
        work.check()
    else:
        with pytest.raises(WorkloadError, match="must go back over"):
            work.check()


# ---- One more operation --------------------------------------------------------------------------


@pytest.fixture
def pause(monkeypatch):
    """All that Python needs for another operation: a row, and a method of the stepper."""
    row = Operation(12, "pause_for", DURATION, Then.BLOCKS, "block for D", takes_time=True)
    monkeypatch.setitem(OPERATIONS, row.kind, row)
    monkeypatch.setattr(Stepper, "_op_pause_for", Stepper._op_sleep, raising=False)
    return row


def stepped(work):
    return Simulation(work, Scheduler("linux-2.6.24-cfs")).run()


def test_it_runs_from_python(pause):
    program = [("run", MS), ("pause_for", 2 * MS), ("loop",)]
    work = Workload.of_programs({"a": program}, duration_ns=9 * MS)
    assert work.written(0) == [("run", MS), ("pause_for", 2 * MS), ("loop", 0)]
    assert stepped(work).runs["start_ns"].tolist() == [0, 3 * MS, 6 * MS]


def test_it_runs_from_a_scenario(pause, tmp_path):
    work = scenario(tmp_path, "run 1 ms", "pause for 2 ms", "loop")
    assert work.program(0)["kind"].tolist() == [Op.RUN, pause.kind, Op.LOOP]
    work.duration_ns = 9 * MS
    assert stepped(work).runs["start_ns"].tolist() == [0, 3 * MS, 6 * MS]


def test_its_limits_and_its_spelling_are_checked(pause, tmp_path):
    with pytest.raises(WorkloadError, match=r"operation 0 \(PAUSE_FOR\) takes -1 ns"):
        Workload.of_programs({"a": [("pause_for", -1)]}).check()
    with pytest.raises(WorkloadError, match="pause is written 'pause for 3 ms' or 'pause for 1 ms .. 5 ms'"):
        scenario(tmp_path, "pause")


def test_the_compiled_loop_refuses_what_it_does_not_know(pause):
    """It would take it for an exit."""
    work = Workload.of_programs({"a": [("run", MS), ("pause_for", MS)]}, duration_ns=9 * MS)
    with pytest.raises(WorkloadError, match=r"the compiled loop does not know operation 1 \(PAUSE_FOR\)"):
        work.run()


def test_a_kind_that_nobody_knows_is_refused_as_ever():
    work = Workload.of_programs({"a": [("run", FOREVER_NS)]}, duration_ns=1)
    work.ops["kind"] = np.int32(12)
    with pytest.raises(WorkloadError, match="operation 0 has the unknown kind 12"):
        work.check()


def random_ops(rng, nr):
    ops = np.zeros(nr, OP_DTYPE)
    for row in ops:
        row["kind"], row["arg"], row["target"] = rng.randrange(4), rng.randrange(-9, 9), rng.randrange(5)
    return ops


@pytest.mark.parametrize("seed", few(range(20)))
def test_i1_of_ops_passes_report_the_first(seed):
    """I1 of cfs/workload/_ops.pyx."""
    rng = random.Random(seed)
    ops, rows = random_ops(rng, rng.choice([0, 1, 50])), []
    concerned = np.array([rng.random() < 0.7 for _ in range(4)], np.uint8)
    least, greatest = np.array([-8, -5, 0, 3]), np.array([8, 9, 9, 4])
    for number, (arg, target, kind) in enumerate(ops.tolist()):
        rows += [(number, kind, arg, target)]
    unknown = [number for number, kind, _, _ in rows if not concerned[kind]]
    assert first_unknown(ops, concerned) == (unknown or [-1])[0]
    for is_target in (False, True):
        outside = [
            number
            for number, kind, arg, target in rows
            if concerned[kind] and not least[kind] <= (target if is_target else arg) <= greatest[kind]
        ]
        assert first_outside(ops, concerned, least, greatest, is_target) == (outside or [-1])[0]
    counts = [sum(row[1] == kind for row in rows) for kind in range(3)]
    assert kinds_counted(ops, 3).tolist() == [*counts, len(rows) - sum(counts)]
    named = [sum(row[1] == 2 and row[3] == task for row in rows) for task in range(5)]
    assert times_named(ops, 2, 5).tolist() == named
