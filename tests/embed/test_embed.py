"""A foreign extension against the *installed* wheel. Ways to be right: the Python API as a witness, and laws.
"""

import json
import random
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cfs.arithmetic import calc_delta_fair, load_from_nice, vruntime_before
from tests.builders import MS, a_scheduler
from tests.embed.conftest import LEFT_BEHIND, run

pytestmark = pytest.mark.slow  # builds a wheel and extensions against it

ROOT = Path(__file__).parents[2]
FOREIGN = Path(__file__).parent / "foreign"


@pytest.fixture(scope="session")
def foreign(python, tmp_path_factory):
    """Evaluates an expression in a process that has imported the foreign extension; the result comes as
    JSON.
    """
    folder = tmp_path_factory.mktemp("foreign") / "foreign"
    shutil.copytree(FOREIGN, folder, ignore=LEFT_BEHIND)
    run(python, "setup.py", "-q", "build_ext", "--inplace", cwd=folder, CFLAGS="-O1")  # half the time of -O2

    def evaluate(program, **values):
        lines = [
            "import json",
            "import cfs, foreign, numpy as np",
            *(f"{name} = {value!r}" for name, value in values.items()),
        ]
        return json.loads(run(python, "-c", "\n".join([*lines, program]), cwd=folder))

    return evaluate


# ---- The wheel -----------------------------------------------------------------------------------


def test_the_wheel_has_what_embedders_and_type_checkers_need(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = [path for path in (ROOT / "cfs").rglob("*.p*") if path.suffix in (".pxd", ".pyi", ".py")]
    expected = {path.relative_to(ROOT).as_posix() for path in sources} | {"cfs/py.typed"}
    assert expected <= names


def test_the_wheel_has_no_c_sources(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith((".c", ".o"))] == []


def test_the_wheel_has_nothing_but_the_package(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"cfs"}


def test_the_installed_package_is_not_the_checkout(foreign):
    assert not Path(foreign("print(json.dumps(cfs.__file__))")).is_relative_to(ROOT)


# ---- The core, driven from outside ---------------------------------------------------------------


def rows_of_random_events(seed, nr_rows, nr_jobs):
    """(time, event, argument): mostly ticks; sleeps and wakeups; now and then a new nice value."""
    rng, now, rows = random.Random(seed), 10 * MS, []
    for _ in range(nr_rows):
        now += rng.choice([0, rng.randrange(MS), rng.randrange(6 * MS)])
        event = rng.choice([0, 0, 0, 0, 1, 2, 2, 3])
        rows.append((now, event, rng.randrange(20) if event == 3 else rng.randrange(nr_jobs)))
    return rows


def by_the_python_api(nices, rows):
    """What the same events do to a Scheduler: states of the jobs, ticks of each, and who runs."""
    sched = a_scheduler()
    jobs = [sched.fork(nice=nice, now_ns=1000 * number) for number, nice in enumerate(nices)]
    ticks = dict.fromkeys(jobs, 0)
    for now, event, argument in rows:
        current = sched.current
        if event == 0:
            ticks[current] = ticks.get(current, 0) + 1
            sched.tick(now_ns=now)
        elif event == 1 and current is not None:
            sched.block(now_ns=now)
        elif event == 2:
            sched.wake(jobs[argument], now_ns=now)
        elif event == 3 and current is not None:
            sched.set_nice(current, argument, now_ns=now)
    return {
        "states": [[job.vruntime, job.sum_exec_ns, job.state == "blocked"] for job in jobs],
        "ticks": [ticks[job] for job in jobs],
        "running": None if sched.current is None else jobs.index(sched.current),
        "bug": False,
    }


DRIVE = """
queue = foreign.Queue()
for number, nice in enumerate(nices):
    queue.fork(1000 * number, nice)
queue.drive(np.array(rows, np.uint64))
print(json.dumps({"states": queue.states(), "ticks": queue.ticks(), "running": queue.running(), "bug":
queue.bug()}))
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_foreign_nogil_loop_does_what_the_python_api_does(foreign, seed):
    nices = [0, 5, -5, 0, 19, 10]
    rows = rows_of_random_events(seed, 3000, len(nices))
    assert foreign(DRIVE, nices=nices, rows=rows) == by_the_python_api(nices, rows)


def test_the_foreign_part_of_a_struct_begins_as_zero_and_is_left_alone(foreign):
    program = """
queue = foreign.Queue()
numbers = [queue.fork(0, 0) for _ in range(40)]
for now in range(1, 20):
    queue.exit(now)
print(json.dumps([numbers, queue.ticks()]))
"""
    assert foreign(program) == [list(range(40)), [0] * 40]


def test_inline_arithmetic_is_that_of_the_core(foreign):
    cases = [(delta, nice) for delta in (0, 1000, 4_194_304, 5_000_000) for nice in (-20, 0, 5, 19)]
    got = foreign("print(json.dumps([foreign.fair_delta(*case) for case in cases]))", cases=cases)
    assert got == [calc_delta_fair(delta, *load_from_nice(nice)) for delta, nice in cases]


def test_comparison_is_that_of_the_core(foreign):
    pairs = [(0, 1), (1, 0), (5, 5), (2**64 - 1, 5), (5, 2**64 - 1)]
    got = foreign("print(json.dumps([foreign.before(*pair) for pair in pairs]))", pairs=pairs)
    assert got == np.array([vruntime_before(*pair) for pair in pairs]).tolist()


# ---- The checkers can say no ---------------------------------------------------------------------

BROKEN = {
    "whole": 0,
    "keys out of order": 1,  # I1 of cfs/_rbtree.pyx
    "red below red": 2,  # I2
    "one side blacker": 3,  # I3
    "red root": 3,
    "one node too many": 4,  # I4
    "one node too few": 4,
    "empty, but counted": 4,
    "stale leftmost": 5,  # I5
    "no leftmost": 5,
    "leftmost of nothing": 5,
    "link to a stranger": 6,  # I6
    "root below something": 6,
}


def test_a_broken_tree_is_noticed_and_its_invariant_named(foreign):
    program = "print(json.dumps({how: foreign.broken_tree(how) for how in cases}))"
    assert foreign(program, cases=list(BROKEN)) == BROKEN


BROKEN_TIMELINE = {
    "whole": 0,
    "keys out of order": 1,  # I1 of cfs/_timeline.pyx
    "runs out of order": 1,
    "stale least": 2,  # I2 of cfs/_timeline.pyx
    "empty run": 2,
    "beyond the end": 2,
    "two short runs": 3,  # I3 of cfs/_timeline.pyx
    "one too many": 4,  # I4 of cfs/_timeline.pyx
    "one too few": 4,
    "in another run": 5,  # I5 of cfs/_timeline.pyx
    "twice": 5,
    "red root": 6,  # I6 of cfs/_timeline.pyx
}


def test_a_broken_timeline_is_noticed_and_its_invariant_named(foreign):
    program = "print(json.dumps({how: foreign.broken_timeline(how) for how in cases}))"
    assert foreign(program, cases=list(BROKEN_TIMELINE)) == BROKEN_TIMELINE


CHECK = """
sched = cfs.Scheduler(group_by=group_by)
sched.fork(now_ns=0), sched.fork(now_ns=0)
sched.check()
foreign.spoil(sched, how)
try:
    sched.check()
    print(json.dumps(None))
except cfs.InvariantError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.parametrize(
    ("how", "group_by", "number"),
    [
        ("load", None, 1),
        ("number", None, 1),
        ("order", None, 1),
        ("on_rq", None, 2),
        ("vruntime", None, 8),
        ("load", "uid", 1),
        ("on_rq", "cgroup", 2),
        ("group off its queue", "cgroup", 4),
        ("nobody runs", None, 6),
        ("nobody runs", "uid", 6),
    ],
)
def test_a_broken_invariant_of_the_fair_class_is_noticed_and_named(foreign, how, group_by, number):
    """The numbers are those of cfs/models/linux_2_6_24/_fair.pyx that `check_rq` looks at: I1, I2, I4, I6, I8."""
    said = foreign(CHECK, how=how, group_by=group_by)
    assert said == f"linux-2.6.24-cfs: invariant I{number}, bug code 0 on CPU 0 after event 2 at 0 ns"


CHECK_EEVDF = """
sched = cfs.Scheduler(model, group_by="cgroup", exact_min_slice=1)
sched.create_group("together")
for _ in range(3):
    sched.fork(group="together", now_ns=0)
foreign.spoil_eevdf(sched, how)
try:
    sched.check()
    print(json.dumps("whole"))
except cfs.InvariantError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("deadline", 1),
        ("earliest of a subtree", 1),
        ("average", 2),
        ("load", 2),
        ("on_rq", 4),
        ("number of tasks", 4),
        ("number on the CPU", 4),
        ("nobody runs", 5),
        ("shares", 7),
        ("relative deadline", 8),
        ("buddy", 8),
        ("nobody eligible", 9),
        ("flagged", 10),
    ],
)
def test_a_broken_invariant_of_eevdf_is_noticed_and_named(foreign, how, number):
    """The numbers are those of cfs/models/linux_6_18/_fair.pyx; _check.pyx beside it looks at them."""
    said = foreign(CHECK_EEVDF, how=how, model="linux-6.18-eevdf")
    assert said.startswith(f"linux-6.18-eevdf: invariant I{number}, bug code 0 on CPU 0 after event ")


@pytest.mark.parametrize("model", ["linux-6.18.26-eevdf", "linux-6.18.44-eevdf"])
def test_a_wrong_greatest_slice_is_noticed_where_there_is_one(foreign, model):
    """I1 of cfs/models/linux_6_18/_fair_26.pyx."""
    said = foreign(CHECK_EEVDF, how="greatest of a subtree", model=model)
    assert said.startswith(f"{model}: invariant I1, bug code 0 on CPU 0 after event ")
    assert foreign(CHECK_EEVDF, how="greatest of a subtree", model="linux-6.18-eevdf") == "whole"


@pytest.mark.parametrize("model", ["linux-6.18-eevdf", "linux-6.18.26-eevdf", "linux-6.18.44-eevdf"])
def test_the_checker_of_eevdf_finds_nothing_where_nothing_is_broken(foreign, model):
    assert foreign(CHECK_EEVDF, how="whole", model=model) == "whole"


def test_groups_are_listed_newest_first_and_the_root_group_last(foreign):
    """I1 of cfs/_group.pyx: and an id is never used again."""
    program = """
sched = cfs.Scheduler(group_by="cgroup")
for name in "abc":
    sched.create_group(name)
sched.remove_group("b")
sched.create_group("d")
print(json.dumps(foreign.group_ids(sched)))
"""
    assert foreign(program) == [4, 3, 1, 0]


def test_a_bug_that_the_core_reported_is_raised_after_the_event(foreign):
    program = """
sched = cfs.Scheduler()
sched.fork(now_ns=0)
foreign.report_a_bug(sched, 1)
try:
    sched.tick(now_ns=5)
    print(json.dumps(None))
except cfs.InvariantError as error:
    print(json.dumps(str(error)))
"""
    assert "bug code 1 on CPU 0 after event 2 at 5 ns" in foreign(program)


# ---- Tables that cannot be written past ----------------------------------------------------------

ROOM = """
def said(fill, nr):
    try:
        return len(fill(nr))
    except ImportError as error:
        return str(error)

_, _, room = foreign.places()
tables = foreign.fields_of, foreign.pointers_of
print(json.dumps([[said(fill, nr) for nr in (room - 1, room)] for fill in tables]))
"""


def test_a_table_takes_its_entries_in_order_and_ends_empty(foreign):
    """An entry is what the helper for one entry makes."""
    weight, parent, _ = foreign("print(json.dumps(foreign.places()))")
    filled = foreign("print(json.dumps([foreign.fields_of(3), foreign.pointers_of(2)]))")
    assert weight and parent
    assert filled[0] == [
        ["weight", weight, False],
        ["derived", 0, True],
        ["weight", weight, False],
        [None, 0, False],
    ]
    assert filled[1] == [[parent, 2], [parent, 2], [0, 0]]


def test_an_entry_beyond_the_room_of_a_table_is_refused(foreign):
    """The last place ends the list, so it is never taken."""
    fields, pointers = foreign(ROOM)
    assert fields[0] == pointers[0] > 8
    assert fields[1].startswith("fields of a test is full: ")
    assert pointers[1].startswith("pointers of a test is full: ")


def test_a_module_with_an_entry_too_many_cannot_be_imported(foreign):
    program = """
try:
    import too_many
    print(json.dumps(None))
except ImportError as error:
    print(json.dumps(str(error)))
"""
    assert foreign(program).startswith("too_many is full: ")


def plain_order(nr_cpus, events):
    """The order, as plainly as can be: passes over all CPUs, the executing one first, until no flag is left."""
    told, clocks = [], [1] * nr_cpus
    for number, (executing, flagged, script) in enumerate(events):
        now, calls, flags, left = 2000 + 1000 * number, [], set(flagged), Counter()
        for cpu, other, times in script:
            left[cpu, other] += times
        resched, again = sorted(flags), True
        while again:
            again = False
            for cpu in [executing, *range(nr_cpus)]:
                while cpu in flags:
                    again = True
                    calls.append(cpu)
                    clocks[cpu] = now
                    flags.discard(cpu)
                    for other in range(nr_cpus):
                        if left[cpu, other]:
                            left[cpu, other] -= 1
                            flags.add(other)
        still = [cpu for cpu in range(nr_cpus) if cpu != executing and clocks[cpu] != now]
        told.append([calls, resched, still])
    return told


def random_events(rng, nr_cpus):
    def some(most):
        return [rng.randrange(nr_cpus) for _ in range(rng.randrange(most))]

    script = [(a, b, rng.randrange(1, 3)) for a, b in zip(some(6), some(6), strict=False)]
    return [rng.randrange(nr_cpus), some(5), script]


def test_cpus_call_schedule_in_the_order_of_passes_over_all_of_them(foreign):
    """I5, I6 of cfs/_core.pyx: time stands still elsewhere, and nobody who is flagged is overlooked."""
    rng = random.Random(11)
    cases = []
    for nr_cpus in (1, 2, 3, 7, 64) * 20:
        cases.append((nr_cpus, [random_events(rng, nr_cpus) for _ in range(8)]))
    got = foreign("print(json.dumps([foreign.calls_of_schedule(*case) for case in cases]))", cases=cases)
    for case, told in zip(cases, got, strict=True):
        assert told == plain_order(*case)
