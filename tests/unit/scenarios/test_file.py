"""TOML as it is read: what is no TOML, and which line is to blame for what stands in it."""

import io

import pytest

from cfs import WorkloadError
from cfs.scenarios import read_scenario

from .texts import TASK, TOP, one_task


FAULTY = [
    ("duration = 1 s #!", "is no TOML file"),
    ("duration = '1 s'\n[[task] #!\n", "is no TOML file"),
    ("duration = '1 s'\ntext = \"\"\"\nno end\n#!", "is no TOML file"),
    ("duration = '1 s' #!\nduration = '2 s' #!", "is no TOML file"),
    ("a = " + "[" * 100_000, "nested too deeply"),
    ("duration = " + "9" * 5000, "is no TOML file"),
    # the same text twice, and texts that look like something else
    (TASK + "program = [\n'run 1 ms', 'wake next',\n]\n[[task]]\nname = 'c'\nforked = true"
     "\nprogram = [\n'run 1 ms',\n'wake next', #!\n'wake next',\n]", "c is not one of a count"),
    (TASK + "program = [\n'wait', # ] 'run x'\n\"wait\", '''wait''',\n'run x', #!\n]", "'run x'"),
    (TASK + "program = [ 'wait', \"\"\"\nwait\"\"\",\n\n 'run y', #!\n'run x' ]", "'run y'"),
    (TASK + "'program' = [\n{ 'do' = [\n'wait' ] },\n{ do = [ 'yield',\n'run z', #!\n] } ]", "'run z'"),
    (TOP + "task = [\n{ name = 'a', program = [] },\n{ name = 'b', program = ['x'] }, #!\n]", "'x'"),
    (TASK + "program = []\n[groups]\n[[task]]\nname = 'b'\nnice = 99 #!\nprogram = []", "nice = 99"),
]  # fmt: skip


@pytest.mark.parametrize("text, what", FAULTY)
def test_the_line_is_named(refuse, text, what):
    refuse(text, what)


def test_not_there_a_folder_and_no_text(tmp_path, read):
    for path in (tmp_path / "nowhere.toml", tmp_path, "null\0"):
        with pytest.raises(WorkloadError, match="cannot be read"):
            read_scenario(path)
    with pytest.raises(
        WorkloadError, match="some.toml, line 2: is no TOML file: a byte that is no UTF-8"
    ):
        read(b"# gzip\n\x1f\x8b\x08")
    with pytest.raises(WorkloadError, match="longer than"):
        read(b"#" * 5_000_000)


def test_a_path_may_be_text(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(one_task('"wait"'))
    assert read_scenario(str(path)).nr_tasks == 1


def test_a_scenario_from_an_open_file():
    work = read_scenario(io.BytesIO(one_task('"run 1 ms"').encode()))
    assert (work.nr_tasks, work.source) == (1, "stream")


def test_line_ends_of_windows_and_a_byte_order_mark(read):
    text = one_task('"run 1 ms"').replace("\n", "\r\n").encode()
    assert read(b"\xef\xbb\xbf" + text).nr_tasks == 1
