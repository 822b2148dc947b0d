"""Random scenarios: every valid one runs, and whatever is done to a file gives a workload or a WorkloadError.

`scenarios` writes the text of valid files only, so a refusal is a failure. Mutations cut, copy and replace
parts of valid files, with a taste for what the reader looks at: brackets, quotes, numbers, words of the
format.
"""

import pathlib
import re
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfs import WorkloadError
from cfs.scenarios.file import Lines
from cfs.scenarios.read import read_scenario
from cfs.workload import Op

pytestmark = pytest.mark.slow  # nearly two thousand examples

MS = 1_000_000
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "scenarios"

# ---- Valid files ---------------------------------------------------------------------------------

amounts = st.builds("{} {}".format, st.integers(1, 900), st.sampled_from(["us", "µs"])) | st.sampled_from(
    ["1.5 ms", "0.025ms", "20000 ns"]
)
lengths = amounts | st.builds("{0} us .. {1} ms".format, st.integers(1, 900), st.integers(1, 3))
plain = st.sampled_from(
    ["wait", "yield", "nice 5", "nice -20", "nice +19", "wake a", "wake b", "put a", "put b", "sleep until 2 ms", "run 0 s"]
)
timed = st.builds("{} {}".format, st.sampled_from(["run", "sleep", "next"]), lengths)
operations = plain | timed


def lists_of(items):
    return st.lists(items, min_size=1, max_size=5)


def repeat(times, steps):
    return f"{{ repeat = {times}, do = [{', '.join(steps)}] }}"


def quoted(texts):
    quotes = st.sampled_from(['"', "'", '"""', "'''"])
    return st.builds(lambda text, quote: f"{quote}{text}{quote}", texts, quotes)


def programs(*, forks, ends):
    """Source of a program; `forks` are names to fork, `ends` the operations that may stand last."""
    forking = st.sampled_from([f"fork {name}" for name in forks]) if forks else st.nothing()
    item = quoted(operations | forking)
    items = lists_of(item | st.builds(repeat, st.integers(1, 3), lists_of(item)))
    return st.builds(
        lambda steps, end: [*steps, *end], items, st.sampled_from([[]] + [[f'"{end}"'] for end in ends])
    )


def loops():
    once = lists_of(quoted(operations))
    steps = st.builds(lambda steps, timed: [*steps, timed, '"loop"'], once, quoted(timed))
    return steps | st.builds(lambda before, steps: [*before, f"{{ do = [{', '.join(steps)}] }}"], once, steps)


@st.composite
def tables(draw, name, forked, forks):
    kind = programs(forks=forks, ends=["exit", "wake parent" if forked else "run forever"])
    program = draw(kind if forked else kind | loops())
    separator = draw(st.sampled_from([", ", ",\n  ", ', # a comment, with ] and "\n\n']))
    lines = ["[[task]]", f'name = "{name}"', f"program = [{separator.join(program)}]"]
    if forked:
        lines.append("forked = true")
    else:
        lines += draw(st.sampled_from([[], ["count = 3"], ['start = "1 ms"'], ['start = "0 ms .. 3 ms"']]))
    facts = ["uid = 1000", "cpu = 1", "nice = -5", 'policy = "batch"', 'policy = "idle"', 'group = "g"']
    chosen = draw(st.lists(st.sampled_from(facts), unique_by=lambda fact: fact.split()[0], max_size=3))
    return "\n".join(lines[:1] + draw(st.permutations(lines[1:] + chosen)))


@st.composite
def scenarios(draw):
    shares = draw(st.sampled_from(["", "shares = 2", "shares = 262144"]))
    seed = draw(st.integers(0, 99))
    top = ['duration = "5 ms"', f"seed = {seed}", f"[groups.g]\n{shares}", f"[users.1000]\n{shares}"]
    parts = [
        draw(tables("a", False, ["t"])),
        draw(tables("b", False, ["t", "u"])),
        draw(tables("t", True, ["u"])),
        draw(tables("u", True, [])),
        '[[task]]\nname = "member"\ngroup = "g"\nuid = 1000\nprogram = ["run 1 us"]',  # so that shares have an effect
    ]
    return "\n".join(top + draw(st.permutations(parts))) + "\n"


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenarios") / "random.toml"

    def reader(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return read_scenario(path)

    return reader


@settings(max_examples=150)
@given(text=scenarios(), group_by=st.sampled_from([None, "uid", "cgroup"]), hz=st.sampled_from([100, 1000]))
def test_a_valid_scenario_runs(read, text, group_by, hz):
    work = read(text)
    work.check()
    result = work.run(group_by=group_by, hz=hz)
    assert result.end in ("duration", "finished", "stalled")
    assert result.duration_ns <= 5 * MS
    again = read(text)
    assert np.array_equal(again.ops, work.ops) and np.array_equal(again.tasks, work.tasks)


@settings(max_examples=100)
@given(text=scenarios())
def test_every_task_is_forked_once_or_begins_itself(read, text):
    work = read(text)
    forks = work.ops["target"][work.ops["kind"] == Op.FORK]
    assert sorted(forks.tolist()) == np.flatnonzero(work.tasks["start_ns"] == -1).tolist()


def leaves(value, path=()):
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def assert_lines(text):
    source, lines = text.split("\n"), Lines(text).lines
    for path, value in leaves(tomllib.loads(text)):
        line = source[lines[path] - 1]
        assert str(value).lower() in line, (path, value, line)


@settings(max_examples=100)
@given(text=scenarios())
def test_every_value_stands_in_its_line(text):
    assert_lines(text)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_value_of_the_examples_stands_in_its_line(path):
    assert_lines(path.read_text())


# ---- Mutations -----------------------------------------------------------------------------------

KITCHEN_SINK = """
duration = "5 ms"   # a comment with [brackets] and "quotes"
seed = 1
groups.g.shares = 5
[users]
1000 = { shares = 7 }
[[task]]
"name" = 'a'
program = [
    "run 1 ms .. 2 ms", '''wait''', { repeat = 2, do = ["fork t", "wait"] }, { do = ["sleep 1 ms", "loop"] }
]
[[task]]
name = "t"
forked = true
nice = +5
program = [\"\"\"wake parent\"\"\", "nice 3", "run forever"]
"""
SOUND = [KITCHEN_SINK, *(path.read_text() for path in sorted(EXAMPLES.glob("*.toml")))]
SCRAPS = [
    "", " ", "\n", "[", "]", "[[", "{", "}", '"', "'", '"""', "'''", "=", ".", ",", "#", "\\", "\0", "\r",
    "\x7f", "é", "\ud800", "0", "-1", "1e9", "1979-05-27 07:32:00", "9" * 30, "0x" + "f" * 5000, "nan",
    "true", "[]", "{}", '""', "[[task]]\n", "[task]\n", "[users.5]\n", "name", "program", "repeat", "do",
    "count = 2\n", "forked = true\n", '"loop"', "loop", "wait", "run", "forever", "fork t", "fork a",
    "wake next", "wake parent", "wake a 2", "..", "ms", "parent",
]  # fmt: skip
WORDS = (
    "name program repeat do count forked start nice uid cpu group policy loop wait wake run sleep until next "
    "fork yield exit forever a t sh make gcc ls ring parent 0 1 2 -1 300 9999999 ms s ns min true false "
    "batch uid:5"
).split()
TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


@st.composite
def mutants(draw):
    tokens = TOKEN.findall(draw(st.sampled_from(SOUND)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens)))
        end = at + draw(st.integers(0, 3))
        how = draw(st.sampled_from(["word", "word", "word", "replace", "copy", "truncate"]))
        if how == "word":  # most of these are TOML, and wrong in what they say
            words = [index for index, token in enumerate(tokens) if token[:1].isalnum()]
            if words:
                tokens[words[at % len(words)]] = draw(st.sampled_from(WORDS))
        elif how == "replace":
            tokens[at:end] = [draw(st.sampled_from(SCRAPS) | st.text(max_size=3))]
        elif how == "copy":
            tokens[at:at] = tokens[draw(st.integers(0, len(tokens))) :][:20]
        else:
            tokens[at + 200 :] = []
    return "".join(tokens)


def ends_well(read, content, nr_lines):
    try:
        work = read(content)
    except WorkloadError as error:
        message = str(error)
        place = re.search(r"random\.toml, line (\d+): ", message)
        assert place and 1 <= int(place[1]) <= nr_lines, message
        return
    work.check()


@settings(max_examples=1000)
@given(text=mutants())
def test_a_mutant_is_a_workload_or_a_workload_error(read, text):
    ends_well(read, text, text.count("\n") + 1)


@settings(max_examples=300)
@given(sound=st.sampled_from(SOUND), at=st.integers(0, 2000), byte=st.integers(0, 255))
def test_so_is_a_file_with_a_wrong_byte(read, sound, at, byte):
    content = bytearray(sound.encode())
    content[at % len(content)] = byte
    ends_well(read, bytes(content), content.count(b"\n") + 1)


@settings(max_examples=200)
@given(content=st.binary(max_size=50) | st.text(max_size=50).map(lambda text: text.encode("utf-8", "ignore")))
def test_so_are_bytes_of_any_kind(read, content):
    ends_well(read, content, content.count(b"\n") + 1)
