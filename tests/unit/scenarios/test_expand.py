"""From tables to tasks: `count`, `repeat` and `fork` written out, lengths drawn."""

import pytest

from cfs import WorkloadError
from cfs.workload import Draws

from .texts import MS, TASK, TEMPLATE, blamed_line, one_task, program


def test_repeats_are_written_out(read):
    work = read(one_task('{ repeat = 2, do = ["wait", { do = ["yield"], repeat = 3 }] }', '"exit"'))
    once = ["WAIT", "YIELD", "YIELD", "YIELD"]
    assert [kind for kind, _, _ in program(work)] == once + once + ["EXIT"]


def test_count_wake_and_next(read):
    more = '[[task]]\nname = "b"\ncount = 3\nprogram = ["wake next", "wake b", "wake b 2"]'
    work = read(one_task('"wake b"', '"wake b 3"', more=more))
    assert program(work, 0) == [("WAKE", 0, target) for target in (1, 2, 3, 3)]
    assert [program(work, row)[0][2] for row in (1, 2, 3)] == [2, 3, 1]
    assert [op[2] for op in program(work, 1)[1:]] == [1, 2, 3, 2]
    assert [work.name(row) for row in range(4)] == ["a", "b", "b", "b"] and work.names == ["a", "b"]


def test_every_fork_is_a_row_of_its_own(read):
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


def test_what_a_template_leaves_open_is_as_in_the_parent(read):
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


@pytest.mark.parametrize(
    "text",
    [
        TASK + "program = [{ repeat = 100, do = [{ repeat = 100, do = [\n'yield', #!\n] }] }]",
        TASK + "program = [{ repeat = 600, do = [\n'fork t', #!\n] }]" + TEMPLATE,
        TASK + "count = 500\nprogram = ['wait']\n[[task]] #!\nname='b'\ncount = 501\nprogram = []",
        TASK + "count = 100\nprogram = [\n'wake a', #!\n]",
    ],
)
def test_too_much(read, monkeypatch, text):
    monkeypatch.setattr("cfs.scenarios.expand.OPERATIONS_MAX", 1000)
    with pytest.raises(WorkloadError, match=f"line {blamed_line(text)}: .* more than 1000 operations"):
        read(text)


FAULTY = [
    (TASK + "program = ['fork c']\n[[task]]\nname = 'c'\nforked = true\nprogram = ['fork c'] #!",
     "forks itself: c > c, and so on without end"),
    (TASK + "program = ['fork c']\n[[task]]\nname = 'c'\nforked = true\nprogram = ['fork d']"
     "\n[[task]]\nname = 'd'\nforked = true\nprogram = ['fork c'] #!", "forks itself: c > d > c"),
]  # fmt: skip


@pytest.mark.parametrize("text, what", FAULTY)
def test_the_line_is_named(refuse, text, what):
    refuse(text, what)


class TestDraws:
    TEXT = one_task(
        '{ repeat = 50, do = ["run 1 ms .. 5 ms"] }',
        more='[[task]]\nname = "b"\ncount = 20\nstart = "0 ms .. 9 ms"\nprogram = ["sleep 3 ns .. 4 ns"]',
    )

    def test_they_are_the_stream_of_the_task(self, read):
        draw = Draws(3, "a")
        assert program(read(self.TEXT, seed=3)) == [("RUN", draw(MS, 5 * MS), 0) for _ in range(50)]

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
