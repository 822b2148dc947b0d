"""[groups], [users] and [[task]]: what they may say, and whom a program may name."""

import pytest

from .texts import MS, TASK, TEMPLATE, TOP


def test_shares_start_duration_and_source(read):
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


def test_slices_idle_groups_and_groups_below_others(read):
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
    own = text.replace("forked = true", 'forked = true\n        slice = "5 ms"')
    assert read(own).slices == {0: 3 * MS, 2: 5 * MS}
    assert (work.idle_groups, work.shares) == ({"work/scan"}, {"work/build": 512})
    result = work.run("linux-6.18-eevdf", group_by="cgroup")
    assert result.groups == ["work/build", "work/scan", "work/build"]
    assert result.shares["work/scan"] == 3  # the weight of whoever is idle, in every specification


FAULTY = [
    ("#!\n[[task]]\nname = 'a'\nprogram = []", "duration is missing"),
    (TOP, "no task begins"),
    (TOP + TEMPLATE, "no task begins"),
    (TOP + "task = 5 #!", r"\[\[task\]\]"),
    (TOP + "[task] #!\nname = 'a'", r"\[\[task\]\]"),
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
    (TASK + "slice = '1 ms .. 2 ms' #!\nprogram = []", "one duration, not a range"),
    (TASK + "start = '0 s' #!\nforked = true\nprogram = []", "a forked task has no start"),
    # whom a program names
    (TASK + "program = ['wake b'] #!", "no task 'b' to wake; there are parent, next, a"),
    (TASK + "program = ['wake t'] #!" + TEMPLATE, "no task 't' to wake"),
    (TASK + "program = ['wake a 2'] #!", "no a 2: its count is 1"),
    (TASK + "program = ['wake a 0'] #!", "no a 0"),
    (TASK + "program = ['wake parent'] #!", "a is forked by nobody"),
    (
        TASK + "program = []\n[[task]]\nname = 'c'\nforked = true\nprogram = ['wake next'] #!",
        "c is not one of a count",
    ),
    (TASK + "program = ['fork b'] #!", "there are: none"),
    (TASK + "program = ['fork a'] #!" + TEMPLATE, "'a' with forked = true to fork; there are: t"),
]  # fmt: skip


@pytest.mark.parametrize("text, what", FAULTY)
def test_the_line_is_named(refuse, text, what):
    refuse(text, what)
