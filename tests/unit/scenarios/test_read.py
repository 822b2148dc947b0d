"""Scenario files and builders: programs worked out by hand, every error with its line, and the laws of the
examples.

A faulty file of the tests carries the mark `#!` at the end of the line that must be blamed.
"""

import io
import pathlib
import re

import numpy as np
import pytest

from cfs import WorkloadError
from cfs.result import Ready
from cfs.scenarios import read_scenario
from cfs.workload import (
    FOREVER_NS,
    Draws,
    Op,
    TaskPlan,
    build,
    fork_loop,
    half_sleepers,
    hogs,
    of_plans,
    periodic,
    ring,
    sleepers,
)

MS = 1_000_000
ROOT = pathlib.Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "scenarios"
PAGES = [ROOT / "docs" / "guides" / "write-a-scenario.md", ROOT / "docs" / "reference" / "scenario.md"]


@pytest.fixture
def read(tmp_path):
    def reader(text, **options):
        path = tmp_path / "some.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_scenario(path, **options)

    return reader


def one_task(*items, more=""):
    return f'duration = "1 s"\n[[task]]\nname = "a"\nprogram = [{", ".join(items)}]\n{more}'


def program(work, row=0):
    return [(Op(op["kind"]).name, int(op["arg"]), int(op["target"])) for op in work.program(row)]


class TestProgramsByHand:
    def test_every_operation(self, read):
        work = read(
            one_task(
                '"run 3 ms"', '"run forever"', '"sleep 5us"', '"sleep until 1 s"', '"next 10 ms"', '"wait"',
                '"wake a"', '"wake a 1"', '"wake next"', '"nice -5"', '"yield"', '"exit"',
            )
        )  # fmt: skip
        assert program(work) == [
            ("RUN", 3 * MS, 0),
            ("RUN", FOREVER_NS, 0),
            ("SLEEP", 5000, 0),
            ("SLEEP_UNTIL", 1000 * MS, 0),
            ("NEXT", 10 * MS, 0),
            ("WAIT", 0, 0),
            ("WAKE", 0, 0),
            ("WAKE", 0, 0),
            ("WAKE", 0, 0),
            ("NICE", -5, 0),
            ("YIELD", 0, 0),
            ("EXIT", 0, 0),
        ]

    @pytest.mark.parametrize(
        "text, ns",
        [
            ("0 s", 0), ("7 ns", 7), ("0.1 us", 100), ("1.5µs", 1500), ("2 μs", 2000), ("0.3 ms", 300_000),
            ("  12.000001   ms ", 12_000_001), ("0.000000001 s", 1), ("4611686018.427387904 s", 2**62),
        ],
    )  # fmt: skip
    def test_durations_are_exact(self, read, text, ns):
        assert program(read(one_task(f'"run {text}"'))) == [("RUN", ns, 0)]

    def test_repeats_are_written_out(self, read):
        work = read(one_task('{ repeat = 2, do = ["wait", { do = ["yield"], repeat = 3 }] }', '"exit"'))
        once = ["WAIT", "YIELD", "YIELD", "YIELD"]
        assert [kind for kind, _, _ in program(work)] == once + once + ["EXIT"]

    def test_a_loop_goes_back_to_the_start_of_its_list(self, read):
        work = read(one_task('"wait"', '{ do = ["run 1 ms", { do = ["run 2 ms", "loop"] }] }'))
        assert program(work)[-1] == ("LOOP", 0, 2)
        assert program(read(one_task('"wait"', '"run 1 ms"', '"loop"')))[-1] == ("LOOP", 0, 0)

    def test_count_wake_and_next(self, read):
        more = '[[task]]\nname = "b"\ncount = 3\nprogram = ["wake next", "wake b", "wake b 2"]'
        work = read(one_task('"wake b"', '"wake b 3"', more=more))
        assert program(work, 0) == [("WAKE", 0, target) for target in (1, 2, 3, 3)]
        assert [program(work, row)[0][2] for row in (1, 2, 3)] == [2, 3, 1]
        assert [op[2] for op in program(work, 1)[1:]] == [1, 2, 3, 2]
        assert [work.name(row) for row in range(4)] == ["a", "b", "b", "b"] and work.names == ["a", "b"]

    def test_every_fork_is_a_row_of_its_own(self, read):
        more = """
            [[task]]
            name = "gcc"
            forked = true
            program = ["fork as", "wait", "wake parent"]
            [[task]]
            name = "as"
            forked = true
            program = ["wake parent"]
            [[task]]
            name = "other"
            program = []
        """
        work = read(one_task('{ repeat = 2, do = ["fork gcc"] }', '"wait"', '"fork as"', more=more))
        names = [work.name(row) for row in range(work.nr_tasks)]
        assert names == ["a", "other", "gcc", "gcc", "as", "as", "as"]
        assert [op for op in program(work) if op[0] == "FORK"] == [
            ("FORK", 0, 2),
            ("FORK", 0, 3),
            ("FORK", 0, 4),
        ]
        assert program(work, 2) == [("FORK", 0, 5), ("WAIT", 0, 0), ("WAKE", 0, 0)]
        assert [program(work, row) for row in (4, 5, 6)] == [[("WAKE", 0, parent)] for parent in (0, 2, 3)]
        assert work.tasks["start_ns"].tolist() == [0, 0, -1, -1, -1, -1, -1]
        work.check()

    def test_what_a_template_leaves_open_is_as_in_the_parent(self, read):
        text = """
            duration = "1 s"
            [groups.batch]
            [[task]]
            name = "sh"
            uid = 1000
            cpu = 2
            nice = 3
            group = "batch"
            policy = "batch"
            program = ["fork ls", "nice 7", "fork ls", "fork root"]
            [[task]]
            name = "ls"
            forked = true
            program = []
            [[task]]
            name = "root"
            forked = true
            uid = 0
            cpu = 0
            nice = -1
            group = "/"
            policy = "normal"
            program = []
        """
        work = read(text)
        assert work.groups == ["/", "batch"]
        facts = [tuple(row) for row in work.tasks[["uid", "cpu", "nice", "group", "policy"]].tolist()]
        assert facts == [(1000, 2, 3, 1, 1), (1000, 2, 3, 1, 1), (1000, 2, 7, 1, 1), (0, 0, -1, 0, 0)]

    def test_shares_start_duration_and_source(self, read):
        text = """
            duration = "2.5 s"
            [groups]
            batch.shares = 512
            idle = {}
            [users.1000]
            shares = 2048
            [[task]]
            name = "a"
            start = "10 ms"
            group = "batch"
            uid = 1000
            program = ["run 1 ms"]
        """
        work = read(text)
        assert work.shares == {"batch": 512, "uid:1000": 2048}
        assert (work.duration_ns, work.source) == (2500 * MS, "some.toml")
        assert work.tasks["start_ns"].tolist() == [10 * MS]

    def test_slices_idle_groups_and_groups_below_others(self, read):
        text = """
            duration = "1 s"
            [groups]
            "work/build".shares = 512
            "work/scan".idle = true
            [[task]]
            name = "sh"
            slice = "3 ms"
            group = "work/build"
            program = ["fork cc", "run 1 ms"]
            [[task]]
            name = "scan"
            group = "work/scan"
            program = ["run 1 ms"]
            [[task]]
            name = "cc"
            forked = true
            program = ["run 1 ms"]
        """
        work = read(text)
        assert work.slices == {0: 3 * MS}  # cc has its parent's: fork copies it
        assert (work.idle_groups, work.shares) == ({"work/scan"}, {"work/build": 512})
        result = work.run("linux-6.18-eevdf", group_by="cgroup")
        assert result.groups == ["work/build", "work/scan", "work/build"]
        assert result.shares["work/scan"] == 3  # the weight of whoever is idle, in every specification

    def test_a_scenario_from_an_open_file(self, read):
        work = read_scenario(io.BytesIO(one_task('"run 1 ms"').encode()))
        assert (work.nr_tasks, work.source) == (1, "stream")

    def test_line_ends_of_windows_and_a_byte_order_mark(self, read):
        text = one_task('"run 1 ms"').replace("\n", "\r\n").encode()
        assert read(b"\xef\xbb\xbf" + text).nr_tasks == 1


class TestDraws:
    TEXT = one_task(
        '{ repeat = 50, do = ["run 1 ms .. 5 ms"] }',
        more='[[task]]\nname = "b"\ncount = 20\nstart = "0 ms .. 9 ms"\nprogram = ["sleep 3 ns .. 4 ns"]',
    )

    def test_they_are_the_stream_of_the_task(self, read):
        draw = Draws(3, "a")
        assert program(read(self.TEXT, seed=3)) == [("RUN", draw(MS, 5 * MS), 0) for _ in range(50)]

    def test_a_stream_is_the_words_of_pcg64(self):
        words = (
            np.random.PCG64(np.random.SeedSequence([3, ord("c"), ord("c"), ord("1")]))
            .random_raw(100)
            .tolist()
        )
        draw = Draws(3, "cc1")
        assert [draw(10, 16) for _ in range(100)] == [10 + word * 7 // 2**64 for word in words]

    def test_both_ends_are_drawn_and_nothing_else(self, read):
        work = read(self.TEXT)
        drawn = [program(work, row)[0][1] for row in range(1, 21)]
        assert set(drawn) == {3, 4}
        starts = work.tasks["start_ns"][1:]
        assert len(set(starts.tolist())) == 20 and starts.min() >= 0 and starts.max() <= 9 * MS

    def test_the_seed_of_the_file_and_of_the_caller(self, read):
        file_seed = "seed = 7\n" + self.TEXT
        assert program(read(file_seed)) == program(read(self.TEXT, seed=7)) != program(read(self.TEXT))
        assert program(read(file_seed, seed=0)) == program(read(self.TEXT))

    def test_other_tasks_change_nothing(self, read):
        alone = one_task('{ repeat = 50, do = ["run 1 ms .. 5 ms"] }')
        assert program(read(alone)) == program(read(self.TEXT))

    @pytest.mark.parametrize("seed", [-1, 2**64])
    def test_a_seed_out_of_range(self, read, seed):
        with pytest.raises(WorkloadError, match="seed"):
            read(self.TEXT, seed=seed)


TOP = 'duration = "1 s"\n'
TASK = TOP + '[[task]]\nname = "a"\n'
TEMPLATE = '\n[[task]]\nname = "t"\nforked = true\nprogram = []\n'

FAULTY = [
    # the file as a whole
    ("duration = 1 s #!", "is no TOML file"),
    ("duration = '1 s'\n[[task] #!\n", "is no TOML file"),
    ("duration = '1 s'\ntext = \"\"\"\nno end\n#!", "is no TOML file"),
    ("duration = '1 s' #!\nduration = '2 s' #!", "is no TOML file"),
    ("a = " + "[" * 100_000, "nested too deeply"),
    ("duration = " + "9" * 5000, "is no TOML file"),
    ("#!\n[[task]]\nname = 'a'\nprogram = []", "duration is missing"),
    ("duration = 5 #!", "5 is no duration: a duration is a number and a unit"),
    ("\n\nduration = '0 s' #!", "too short"),
    ("duration = '1 s .. 2 s' #!", "one duration, not a range"),
    ("duration = '1 s'\nseed = -1 #!", "seed = -1 is no integer from 0 to 18446744073709551615"),
    ("duration = '1 s'\nseed = 1.5 #!", "seed"),
    (TOP, "no task begins"),
    (TOP + TEMPLATE, "no task begins"),
    (TOP + "task = 5 #!", r"\[\[task\]\]"),
    (TOP + "[task] #!\nname = 'a'", r"\[\[task\]\]"),
    (TOP + "durration = '1 s' #!", "there is no 'durration' in a scenario; there are duration, seed"),
    (TOP + "[tasks.a] #!", "there is no 'tasks'"),
    # groups and users
    (TOP + "groups = 5 #!", "groups = 5 is no table"),
    (TOP + "[groups]\nbatch = 512 #!", "batch = 512 is no table"),
    (TOP + "[groups.batch]\nshare = 5 #!", r"no 'share' in \[groups.batch\]; there are shares"),
    (TOP + "[groups.batch]\n\nshares = 1 #!", "shares = 1 is no integer from 2 to 262144"),
    (TOP + "[groups.a]\nshares = 2\n[groups.b]\nshares = true #!", "True is no integer"),
    (TOP + "[groups.'/'] #!", "'/' is the root"),
    (TOP + "[groups.'uid:5'] #!", "are users"),
    (TOP + "[groups.'two words'] #!", "one word"),
    (TOP + "[groups.'a/'] #!", "no path of groups"),
    (TOP + "[groups.a]\nidle = 1 #!", "neither true nor false"),
    (TOP + "[groups.a]\nshares = 5\nidle = true #!", "an idle group has no shares"),
    (TOP + "[groups.a] #!\nshares = 5\n[[task]]\nname = 'a'\nprogram = []", "no task is in the group 'a'"),
    (TOP + "[groups.a] #!\nidle = true\n[[task]]\nname = 'a'\nprogram = []", "no task is in the group 'a'"),
    (TOP + "[users.7] #!\nshares = 5\n[[task]]\nname = 'a'\nprogram = []", "no task is user 7's"),
    (TOP + "[users.root] #!", "'root' is no integer"),
    (TOP + "[users.01] #!", "'01' is no integer"),
    (TOP + "[users]\n4294967296.shares = 5 #!", "no integer from 0 to 2147483647"),
    # tables of tasks
    (TOP + "[[task]] #!\nprogram = []", "name is missing"),
    (TOP + "[[task]]\nname = 'a'\nprogram = []\n[[task]] #!\nname = 'b'", "program is missing"),
    (TOP + "[[task]]\nname = 5 #!\nprogram = []", "name = 5 is no text"),
    (TOP + "[[task]]\nname = 'a b' #!\nprogram = []", "one word"),
    (TOP + "[[task]]\nname = '' #!\nprogram = []", "one word"),
    (TOP + "[[task]]\nname = 'parent' #!\nprogram = []", "not parent or next"),
    (TASK + "program = []\n[[task]]\nname = 'a' #!\nprogram = []", "already; for more of them use count"),
    (TASK + "nise = 5 #!\nprogram = []", "no 'nise' in a .* name, program, count"),
    (TASK + "[task.more] #!\nx = 5", "no 'more'"),
    (TASK + "nice = 20 #!\nprogram = []", "nice = 20 is no integer from -20 to 19"),
    (TASK + "nice = 1.0 #!\nprogram = []", "nice = 1.0"),
    (TASK + "cpu = -1 #!\nprogram = []", "from 0 to 32767"),
    (TASK + "uid = 0x" + "f" * 5000 + " #!\nprogram = []", "a very long number"),
    (TASK + "count = 0 #!\nprogram = []", "count = 0"),
    (TASK + "start = '-1 ms' #!\nprogram = []", "start: '-1 ms' is no duration"),
    (TASK + "policy = 'fifo' #!\nprogram = []", "'normal', 'batch', 'idle'"),
    (TASK + "group = 'batch' #!\nprogram = []", "no group 'batch'; there are '/'"),
    (TASK + "forked = 1 #!\nprogram = []", "neither true nor false"),
    (TASK + "forked = true\ncount = 2 #!\nprogram = []", "a forked task has no count"),
    (TASK + "forked = true\nslice = '1 ms' #!\nprogram = []", "a forked task has no slice"),
    (TASK + "slice = '1 ms .. 2 ms' #!\nprogram = []", "one duration, not a range"),
    (TASK + "start = '0 s' #!\nforked = true\nprogram = []", "a forked task has no start"),
    # operations
    (TASK + "program = 'run 1 ms' #!", "no list of operations"),
    (TASK + "program = [\n'run 1 ms',\n5, #!\n]", "5 is no operation: a program looks like"),
    (TASK + "program = [\n'run 1 ms',\n[], #!\n]", "is no operation"),
    (TASK + "program = [\n'run 1 ms', # run\n'run', #!\n]", "'run': run is written 'run 3 ms'"),
    (TASK + "program = ['jump 5'] #!", "'jump 5' is no operation; there are run, sleep, next, wait"),
    (TASK + "program = [''] #!", "'' is no operation"),
    (TASK + "program = ['run 5'] #!", "'5' is no duration"),
    (TASK + "program = ['run 5 min'] #!", "'5 min' is no duration"),
    (TASK + "program = ['run 0.5 ns'] #!", "no whole number of ns"),
    (TASK + "program = ['run 200000000000 s'] #!", "146 years"),
    (TASK + "program = ['run 1 s .. 5 ms'] #!", "the shorter duration comes first"),
    (TASK + "program = ['run 1 .. 5 ms'] #!", "'1' is no duration"),
    (TASK + "program = ['run ٣ ms'] #!", "is no duration"),
    (TASK + "program = ['next 0 ms'] #!", "too short: at least 1 ns"),
    (TASK + "program = ['sleep until'] #!", "sleep is written"),
    (TASK + "program = ['nice 20'] #!", "from -20 to 19"),
    (TASK + "program = ['nice'] #!", "from -20 to 19"),
    (TASK + "program = ['wait 5 ms'] #!", "wait is written 'wait'"),
    (TASK + "program = ['wake'] #!", "wake is written"),
    (TASK + "program = ['wake b'] #!", "no task 'b' to wake; there are parent, next, a"),
    (TASK + "program = ['wake t'] #!" + TEMPLATE, "no task 't' to wake"),
    (TASK + "program = ['wake a 2'] #!", "no a 2: its count is 1"),
    (TASK + "program = ['wake a 0'] #!", "no a 0"),
    (TASK + "program = ['wake parent'] #!", "a is forked by nobody"),
    (
        TASK + "program = []\n[[task]]\nname = 'c'\nforked = true\nprogram = ['wake next'] #!",
        "c is not one of a count",
    ),
    (TASK + "program = ['fork'] #!", "fork is written 'fork NAME'"),
    (TASK + "program = ['fork b'] #!", "there are: none"),
    (TASK + "program = ['fork a'] #!" + TEMPLATE, "'a' with forked = true to fork; there are: t"),
    # repeat and loop
    (TASK + "program = [\n'wait',\n{ repeat = 5 }, #!\n]", "do is missing or empty"),
    (TASK + "program = [{ repeat = 5, do = [] }] #!", "do is missing or empty"),
    (TASK + "program = [{ repeat = 5, do = 'wait' }] #!", "do = 'wait' is no list"),
    (TASK + "program = [{ repeat = 0, do = ['wait'] }] #!", "repeat = 0 is no integer from 1"),
    (TASK + "program = [{ times = 5, do = ['wait'] }] #!", "no 'times' in a repeat; there are repeat, do"),
    (TASK + "program = [" + "{ do = [" * 20 + "'wait'" + "] }" * 20 + "] #!", "no deeper"),
    (TASK + "program = ['run 1 ms', 'loop',\n'wait', #!\n]", "never reached"),
    (TASK + "program = [{ do = ['run 1 ms', 'loop'] },\n'wait', #!\n]", "never reached"),
    (TASK + "program = [{ repeat = 2, do = ['run 1 ms', 'loop'] }] #!", "cannot be repeated"),
    (TASK + "program = ['wait',\n'loop', #!\n]", "surely takes time"),
    (TASK + "program = ['run 0 ms .. 5 ms',\n'loop', #!\n]", "surely takes time"),
    (TASK + "program = ['run 1 ms',\n'fork t', #!\n'loop']" + TEMPLATE, "use { repeat = N"),
    (TASK + "program = ['run 1 ms',\n{ do = [\n'fork t', #!\n] }, 'loop']" + TEMPLATE, "endless loop"),
    (TASK + "program = ['fork c']\n[[task]]\nname = 'c'\nforked = true\nprogram = ['fork c'] #!",
     "forks itself: c > c, and so on without end"),
    (TASK + "program = ['fork c']\n[[task]]\nname = 'c'\nforked = true\nprogram = ['fork d']"
     "\n[[task]]\nname = 'd'\nforked = true\nprogram = ['fork c'] #!", "forks itself: c > d > c"),
    # the same text twice, and texts that look like something else
    (TASK + "program = [\n'run 1 ms', 'wake next',\n]\n[[task]]\nname = 'c'\nforked = true"
     "\nprogram = [\n'run 1 ms',\n'wake next', #!\n'wake next',\n]", "c is not one of a count"),
    (TASK + "program = [\n'wait', # ] 'run x'\n\"wait\", '''wait''',\n'run x', #!\n]", "'run x'"),
    (TASK + "program = [ 'wait', \"\"\"\nwait\"\"\",\n\n 'run y', #!\n'run x' ]", "'run y'"),
    (TASK + "'program' = [\n{ 'do' = [\n'wait' ] },\n{ do = [ 'yield',\n'run z', #!\n] } ]", "'run z'"),
    (TOP + "task = [\n{ name = 'a', program = [] },\n{ name = 'b', program = ['x'] }, #!\n]", "'x'"),
    (TASK + "program = []\n[groups]\n[[task]]\nname = 'b'\nnice = 99 #!\nprogram = []", "nice = 99"),
]  # fmt: skip


def blamed_line(text):
    marked = [number for number, line in enumerate(text.split("\n"), 1) if line.endswith("#!")]
    return marked[-1] if marked else 1


class TestErrors:
    @pytest.mark.parametrize("text, what", FAULTY, ids=range(len(FAULTY)))
    def test_the_line_is_named(self, read, text, what):
        with pytest.raises(WorkloadError, match=what) as caught:
            read(text)
        assert f"some.toml, line {blamed_line(text)}: " in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "text",
        [
            TASK + "program = [{ repeat = 100, do = [{ repeat = 100, do = [\n'yield', #!\n] }] }]",
            TASK + "program = [{ repeat = 600, do = [\n'fork t', #!\n] }]" + TEMPLATE,
            TASK + "count = 500\nprogram = ['wait']\n[[task]] #!\nname='b'\ncount = 501\nprogram = []",
            TASK + "count = 100\nprogram = [\n'wake a', #!\n]",
        ],
    )
    def test_too_much(self, read, monkeypatch, text):
        monkeypatch.setattr("cfs.scenarios.expand.OPERATIONS_MAX", 1000)
        with pytest.raises(WorkloadError, match=f"line {blamed_line(text)}: .* more than 1000 operations"):
            read(text)

    def test_not_there_a_folder_and_no_text(self, tmp_path, read):
        for path in (tmp_path / "nowhere.toml", tmp_path, "null\0"):
            with pytest.raises(WorkloadError, match="cannot be read"):
                read_scenario(path)
        with pytest.raises(
            WorkloadError, match="some.toml, line 2: is no TOML file: a byte that is no UTF-8"
        ):
            read(b"# gzip\n\x1f\x8b\x08")
        with pytest.raises(WorkloadError, match="longer than"):
            read(b"#" * 5_000_000)

    def test_a_path_may_be_text(self, tmp_path):
        path = tmp_path / "x.toml"
        path.write_text(one_task('"wait"'))
        assert read_scenario(str(path)).nr_tasks == 1


class TestDocs:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
    def test_the_files_that_it_shows_run(self, read, page):
        (text,) = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        assert read(text).run(group_by="uid").end in ("duration", "finished")

    def test_the_errors_that_it_shows(self, read):
        for path, text in (("9", "\n" * 4 + TASK + "\nprogram = ['run 5 min']"), ("4", TASK + "nise = 5")):
            with pytest.raises(WorkloadError) as caught:
                read(text)
            shown = str(caught.value).rpartition("some.toml")[2]
            assert f"hogs.toml{shown}\n" in PAGES[1].read_text()
            assert f", line {path}:" in shown


# ---- Builders ------------------------------------------------------------------------------------


class TestBuilders:
    def test_hogs(self):
        work = hogs(
            3, nice=5, uid=7, group="batch", cpu=2, policy="idle", start_ns=9, name="h", duration_ns=50
        )
        assert work.tasks[["nice", "uid", "cpu", "policy", "start_ns"]].tolist() == 3 * [(5, 7, 2, 2, 9)]
        assert (work.groups, work.names, work.duration_ns) == (["/", "batch"], ["h"], 50)
        assert [program(work, row) for row in range(3)] == 3 * [[("RUN", FOREVER_NS, 0)]]

    def test_sleepers_and_half_sleepers(self):
        assert program(sleepers(1, run_ns=2, sleep_ns=5)) == [("RUN", 2, 0), ("SLEEP", 5, 0), ("LOOP", 0, 0)]
        assert program(half_sleepers(2, run_ns=2), 1) == [("RUN", 2, 0), ("SLEEP", 2, 0), ("LOOP", 0, 0)]

    def test_periodic(self):
        work = periodic(1, period_ns=10 * MS, run_ns=3 * MS, duration_ns=100 * MS)
        result = work.run()
        busy = result.runs[result.run_ns > 0]
        assert busy["start_ns"].tolist() == [release * 10 * MS for release in range(1, 10)]

    def test_the_token_goes_round(self):
        result = ring(3, run_ns=1000, duration_ns=9000).run()
        busy = result.runs[result.run_ns > 0]
        assert busy["task"].tolist() == [0, 1, 2] * 3
        assert result.busy_ns == result.duration_ns

    def test_a_ring_of_one(self):
        assert ring(1, run_ns=1000, duration_ns=9000).run().busy_ns == 9000

    def test_fork_loop(self):
        work = fork_loop(2, run_ns=10, shell_ns=3, pause_ns=100, command="ls", uid=5, duration_ns=1000)
        rounds = [[("SLEEP", 100, 0), ("RUN", 3, 0), ("FORK", 0, row), ("WAIT", 0, 0)] for row in (1, 2)]
        assert program(work) == rounds[0] + rounds[1]
        assert program(work, 2) == [("RUN", 10, 0), ("WAKE", 0, 0)]
        assert work.tasks["uid"].tolist() == [5, 5, 5]
        result = work.run()
        assert (result.end, result.duration_ns) == ("finished", 2 * (100 + 3 + 10))

    def test_make_keeps_so_many_jobs_going(self):
        work = build(3, 20, seed=5, duration_ns=10**11)
        result = work.run()
        busy = result.runs[result.run_ns > 0]
        born = np.array([busy["ready_ns"][busy["task"] == row].min() for row in work.rows_named("gcc")])
        done = np.array([busy["end_ns"][busy["task"] == row].max() for row in work.rows_named("as")])
        alive = [int(((born <= at) & (at < done)).sum()) for at in born]
        assert result.end == "finished" and alive[:3] == [1, 2, 3] and max(alive) == 3

    def test_lengths_of_a_build(self):
        work = build(2, 30, read_ns=(5, 5), compile_ns=(10, 20), assemble_ns=(1, 2))
        cc1 = [program(work, row) for row in work.rows_named("cc1")]
        assert all(ops[0] == ("SLEEP", 5, 0) and 10 <= ops[1][1] <= 20 for ops in cc1)
        assert len({ops[1][1] for ops in cc1}) > 1
        assert np.array_equal(build(2, 30).ops, build(2, 30).ops)
        assert not np.array_equal(build(2, 30, seed=1).ops, build(2, 30).ops)
        assert build(2, 0, duration_ns=100).run().end == "finished"

    def test_two_beside_each_other(self):
        both = fork_loop(5, duration_ns=10**9).merged(hogs(1)).merged(build(2, 3, uid=4))
        both.check()
        assert both.run().busy_ns == 10**9

    def test_loops_beside_each_other(self):
        both = hogs(1).merged(sleepers(2)).merged(ring(4, duration_ns=10 * MS))
        both.check()
        assert both.run().busy_ns == 10 * MS

    @pytest.mark.parametrize(
        "make, what",
        [
            (lambda: hogs(-1), "nr = -1"),
            (lambda: hogs(1.5), "nr = 1.5"),
            (lambda: hogs(1, nice=20), "'hog': nice = 20 is no integer of -20 ... 19"),
            (lambda: hogs(1, uid="root"), "uid = 'root'"),
            (lambda: hogs(1, policy="fifo"), "normal, batch, idle"),
            (lambda: hogs(1, duration_ns=-1), "duration_ns"),
            (lambda: sleepers(1, run_ns=0), "run_ns = 0"),
            (lambda: periodic(1, period_ns=0, run_ns=1), "period_ns = 0"),
            (lambda: ring(0), "nr = 0"),
            (lambda: fork_loop(1, pause_ns=-1), "pause_ns"),
            (lambda: build(0, 5), "jobs = 0"),
            (lambda: build(1, 1, compile_ns=(5, 4)), "greatest compile_ns = 4"),
            (lambda: of_plans([TaskPlan("a", cpu=99_999)]), "'a': cpu = 99999"),
        ],
    )
    def test_misuse(self, make, what):
        with pytest.raises(WorkloadError, match=what):
            make()


# ---- Examples ------------------------------------------------------------------------------------


def share_of(result):
    labels = result.keys("comm")[1]
    return {labels[row["key"]]: float(row["share"]) for row in result.stats("comm")}


def longest_wait(result, *names):
    task, wait_ns = result.waits()
    return int(wait_ns[np.isin(np.array(result.names)[task], names)].max())


@pytest.fixture(params=[None, "uid"])
def group_by(request):
    return request.param


def run_example(name, **options):
    return read_scenario(EXAMPLES / f"{name}.toml").run("linux-2.6.24-cfs", **options)


class TestExamples:
    def test_all_are_here(self):
        tested = [
            "hogs-by-nice",
            "loop-yield",
            "ring",
            "shell-under-build",
            "sleeper-among-hogs",
            "thousand-loops",
        ]
        assert sorted(path.stem for path in EXAMPLES.glob("*")) == tested

    @pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
    def test_they_open_with_what_they_show(self, path):
        lines = path.read_text().split("\n")
        assert all(line.startswith("# ") and len(line) <= 110 for line in lines[:2]) and lines[2] == ""

    def test_hogs_share_by_weight(self, group_by):
        # weights of nice 0, 1, 5, 10 (history, section 8: one level apart is 55 : 45)
        weights = {"nice0": 1024, "nice1": 820, "nice5": 335, "nice10": 110}
        shares = share_of(run_example("hogs-by-nice", group_by=group_by))
        assert shares == pytest.approx({name: weight / 2289 for name, weight in weights.items()}, rel=0.01)

    def test_yield_with_and_without_compat(self, group_by):
        # published with the commit that brought sched_compat_yield: 50 : 50, and 99 : 0
        assert share_of(run_example("loop-yield", group_by=group_by))["loop"] == pytest.approx(0.5, abs=0.01)
        shares = share_of(run_example("loop-yield", group_by=group_by, sched_compat_yield=1))
        assert shares["loop"] >= 0.99 and shares["loop_yield"] < 0.01

    def test_the_ring_never_idles_and_all_run_equally_often(self, group_by):
        result = run_example("ring", group_by=group_by)
        assert result.busy_ns == result.duration_ns
        busy = result.runs[result.run_ns > 0]
        switches = np.bincount(busy["task"])[:16]
        assert len(busy) == 100_000 and switches.max() - switches.min() <= 1

    def test_the_sleeper_gets_its_third_and_waits_less_for_having_slept(self, group_by):
        with_credit = run_example("sleeper-among-hogs", group_by=group_by)
        without = run_example("sleeper-among-hogs", group_by=group_by, NEW_FAIR_SLEEPERS=0)
        assert share_of(with_credit)["sleeper"] == pytest.approx(1 / 3, rel=0.01)
        assert share_of(without)["sleeper"] < 0.3
        waits = [
            r.waits(Ready.WAKEUP)[1][r.waits(Ready.WAKEUP)[0] == 0].mean() for r in (with_credit, without)
        ]
        assert waits[0] < waits[1]

    def test_the_shell_does_not_notice_a_build_of_another_user(self):
        # two users share a period of 20 ms, so no turn of the other, with the tick that ends it, is longer
        alone = run_example("shell-under-build", group_by="uid")
        together = run_example("shell-under-build", group_by=None)
        assert longest_wait(alone, "sh", "ls") <= 21 * MS < longest_wait(together, "sh", "ls")

    def test_a_thousand_loops(self):
        # ungrouped, the period is 4 ms for each of a thousand: 4 s; grouped, the shell sees one other user
        alone = run_example("thousand-loops", group_by="uid")
        together = run_example("thousand-loops", group_by=None)
        assert longest_wait(alone, "sh", "ls") <= 21 * MS
        assert longest_wait(together, "sh", "ls") >= 3900 * MS
        loops = together.stats()[:1000]["share"]
        assert loops == pytest.approx(np.full(1000, 0.001), rel=0.3)
