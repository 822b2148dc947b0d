"""What is run: a recording or a scenario, and which of its tasks."""

import gzip
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cfs.cli.inputs import is_scenario
from tests.unit.cli.commands import CFS, EEVDF, HOGS, O1, ROOT, SCENARIO, USERS, assert_refused, run
from tests.unit.recordings import readings
from tests.unit.recordings.grouped import grouped
from tests.unit.recordings.lines import switch, text


def test_only_and_without():
    content = json.loads(run("replay", HOGS, "--without", "hog*", "--json", "-").stdout)
    comms = {task["comm"] for task in content["tasks"]}
    assert comms and not any(comm.startswith("hog") for comm in comms)


def test_groups_that_are_told_are_shown_with_their_shares():
    told = ("--group", "A.*=A", "--group", "B.*=B:3072")
    text = run("replay", USERS, *told, "--by-group").stdout
    assert "fair by cgroup" in text and "a recording tells no" not in text
    assert re.search(r"groups +/: \d+ tasks\n +A: 1 task, 1024 shares\n +B: 8 tasks, 3072 shares\n", text)
    cpu_time = text.split("\n\n")[1].splitlines()[4:]
    assert [line.split()[0] for line in cpu_time] == ["B", "A", "/", "all"]


@pytest.fixture(scope="module")
def with_groups(tmp_path_factory):
    """A recording of perf --all-cgroups: three groups, two of them nested, and one of which it lacks the path."""
    paths = [(1, b"/\0"), (7, b"/build\0"), (9, b"/user/one two\0"), (8, b"/user/\xc3\xa4\xff\0")]
    path = tmp_path_factory.mktemp("groups") / "perf.data"
    plain = readings.data_of("perf-default.data")
    path.write_bytes(grouped(plain, lambda nr, tid: [7, 9, 8, 1, 5][tid % 5], paths))
    return path


def json_of(*arguments):
    result = run("replay", *arguments, "--json", "-")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_groups_that_perf_recorded_are_believed(with_groups):
    content = json_of(with_groups, "--model", EEVDF)
    groups = {group["group"]: group["shares"] for group in content["groups"]}
    assert content["group_by"] == "cgroup" and groups["/build"] == groups["/user/one two"] == 1024
    assert set(groups) == {"/", "/build", "/user/one two", "/user/ä\udcff"}
    assert (content["recording"]["said"]["nr_groups"], content["recording"]["said"]["nr_tasks"]) == (3, 24)
    text = run("replay", with_groups, "--model", EEVDF).stdout
    assert (
        "cgroups    3 of perf.data, weights not recorded: 1024 each; that of 9 tasks is not recorded\n" in text
    )
    assert "/user/one two: 3 tasks, 1024 shares" in text


def test_groups_that_perf_recorded_change_nothing_that_was_measured(with_groups):
    alone, bare = json_of(with_groups, "--model", EEVDF), json_of(with_groups, "--model", EEVDF, "--bare")
    assert bare["group_by"] is None
    for one, two in zip(alone["recorded"]["tasks"], bare["recorded"]["tasks"], strict=True):
        assert {**one, "group": ""} == {**two, "group": ""}


def test_what_is_told_counts_over_groups_that_perf_recorded(with_groups):
    content = json_of(with_groups, "--model", EEVDF, "--group", "*=mine:512")
    assert [(group["group"], group["shares"]) for group in content["groups"]] == [("mine", 512)]
    text = run("replay", with_groups, "--group-by", "uid").stdout
    assert "fair by uid" in text and "warning    a recording has no users: all tasks belong to user 0\n" in text


def test_models_without_such_groups_say_what_becomes_of_them(with_groups):
    text = run("replay", with_groups, "--model", CFS).stdout
    assert f"given      {CFS} has 1 level of groups: tasks of /user/" in text and "/user: 8 tasks" in text
    text = run("compare", with_groups, "--model", O1, "--model", EEVDF).stdout
    assert f"{O1} knows no groups: it is fair among tasks" in text and f"{EEVDF}: fair by cgroup" in text


def test_groups_of_a_recording_in_the_root_group_alone_are_said():
    """perf-all-sched is real. Its replay is as fair as that of its text."""
    content, path = readings.data_of("perf-all-sched.data"), readings.FORMATS / "perf-all-sched.perf-script.txt.gz"
    result = run("replay", "-", "--json", "-", input=content)
    binary, text = json.loads(result.stdout), json_of(path)
    assert binary["group_by"] is None and binary["recording"]["said"]["nr_groups"] == 0
    assert [task["group"] for task in binary["tasks"]] == [task["group"] for task in text["tasks"]]
    head = run("replay", "-", "--group-by", "cgroup", input=content).stdout
    assert "cgroups    perf.data has no group but the root\n" in head and "no users or groups" not in head


def test_users_that_are_told_make_it_fair_by_uid():
    content = json.loads(
        run("replay", USERS, "--uid", "A.*=1001", "--uid", "B.*=1002:3072", "--json", "-").stdout
    )
    assert content["group_by"] == "uid"
    assert {group["group"]: group["shares"] for group in content["groups"]} == {
        "uid:0": 2048, "uid:1001": 1024, "uid:1002": 3072
    }  # fmt: skip


def test_a_model_without_users_gets_a_group_for_each_and_says_so():
    text = run("replay", USERS, "--uid", "A.*=1001", "--model", "linux-6.18-eevdf", "--until", 1).stdout
    assert "linux-6.18-eevdf knows no users: each is a control group" in text
    assert "uid:1001: 1 task, 1024 shares" in text and "uid:0: 70 tasks, 2048 shares" in text


def test_a_model_without_groups_refuses_users():
    assert_refused(run("replay", USERS, "--uid", "A.*=1001", "--model", "rfs-model"), "rfs-model", "uid")


def test_nice_that_is_told():
    result = run("replay", HOGS, "--nice", "hog1*=19", "--nice", "hog*=3", "--json", "-")
    nice = {task["comm"]: task["nice"] for task in json.loads(result.stdout)["tasks"]}
    assert {name: value for name, value in nice.items() if name.startswith("hog")} == {
        "hog1.n-5": 19, "hog2.n0": 3, "hog3.n0": 3, "hog4.n5": 3, "hog5.n10": 3, "hog6.n19": 3
    }  # fmt: skip
    assert "given      nice 5 for hog*" in run("replay", HOGS, "--nice", "hog*=5").stdout


def test_a_scenario_is_run_and_its_seed_is_taken(tmp_path):
    path = tmp_path / "s.toml"
    program = '[{ repeat = 5, do = ["run 1 ms .. 20 ms", "sleep 1 ms .. 9 ms"] }]'
    path.write_text(f'duration = "100 ms"\n[[task]]\nname = "a"\nprogram = {program}\n')
    texts = [run("replay", path, *seed).stdout for seed in ((), ("--seed", 1), ("--seed", 2), ("--seed", 2))]
    assert texts[0].startswith("scenario ") and "recorded" not in texts[0]
    assert len(set(texts)) == 3 and texts[2] == texts[3]


@pytest.mark.slow
def test_a_recording_through_a_pipe(tmp_path):
    pytest.importorskip("zstandard")
    import zstandard

    path = tmp_path / "rec"
    path.write_bytes(zstandard.compress(gzip.open(HOGS).read()))
    command = f'cat "{path}" | "{sys.executable}" -m cfs replay - --top 1'
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert result.stderr == "" and "stdin: perf script, 2581 lines" in result.stdout


def test_a_recording_that_lost_events_is_replayed_and_says_so(tmp_path):
    path = tmp_path / "lost.txt"
    lines = gzip.open(HOGS, "rt").read().splitlines()
    path.write_text("\n".join([*lines[:100], "CPU:0 [LOST 12 EVENTS]", *lines[100:-1], lines[-1][:60]]))
    result = run("replay", path, "--top", 1)
    assert result.exit_code == 0 and "CPU time and switches" in result.stdout
    assert "warning    1 times the tracer lost events, the first is line 101" in result.stdout
    assert "cannot be understood" not in result.stdout or "the first is line 2582" in result.stdout


def test_a_recording_from_standard_input():
    text = gzip.open(HOGS).read()
    assert "stdin: perf script, 2581 lines" in run("replay", "-", input=text).stdout


def test_groups_are_said_not_to_be_in_a_recording():
    result = run("replay", HOGS, "--group-by", "uid")
    assert result.exit_code == 0
    assert "fair by uid" in result.stdout and "a recording has no users or groups" in result.stdout


def test_a_file_that_is_something_else(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n")
    assert_refused(run("replay", path), "notes.txt", "is no recording: no event in 1 line, ")


def test_what_it_is_is_seen_from_the_content(tmp_path):
    scenario, recording = tmp_path / "one", tmp_path / "other"
    scenario.write_bytes(b"\n# a scenario\n" + Path(SCENARIO).read_bytes())
    recording.write_bytes(gzip.open(HOGS).read())
    assert run("compare", scenario, "--model", CFS).stdout.startswith("scenario ")
    assert run("compare", recording, "--model", CFS).stdout.startswith("recording ")
    assert run("compare", "-", "--model", CFS, input=recording.read_bytes()).stdout.startswith("recording ")


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b'[[task]]\nname = "a"\n', True),
        (b'duration = "1 s"\n[[task]]\nname = "a"\nprogram = [["run", "1 ms"]]\n', True),
        (b"cpus=2\n[[task]]\nname = \n", True),  # with a slip in it
        (b"cpus=2\n", False),
        (b"version = 6\ncpus=2\n b-2 [000] 1.0: sched_switch: b:2 [120] S ==> a:1 [120]\n", False),
        (b'title = "notes"\n[section]\nx = 1\n', False),
        (b"x = " + b"[" * 100_000, False),
        (b"x = 1\n\xff\xfe", False),
    ],
)
def test_a_scenario_is_toml_with_tasks(tmp_path, content, is_one):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert is_scenario(str(path)) == is_one


def test_the_seed_is_of_the_scenario():
    build = ROOT / "examples" / "scenarios" / "shell-under-build.toml"
    texts = [run("compare", build, "--model", CFS, "--seed", seed).stdout for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("command", ["replay", "compare"])
def test_a_scenario_from_standard_input(command):
    """It says the same as the file, but for its name."""
    options = ("--model", CFS, "--until", "1s")
    piped = run(command, "-", *options, input=b"# a comment\n\n" + Path(SCENARIO).read_bytes())
    assert piped.exit_code == 0 and piped.stdout.startswith("scenario   stdin: 10.0 s, 3 tasks")
    assert piped.stdout.splitlines()[2:] == run(command, SCENARIO, *options).stdout.splitlines()[2:]


def test_standard_input_is_a_scenario_only_if_it_has_tasks():
    """The banner of trace-cmd (``cpus=2``) is TOML as well; a slip makes no recording of a scenario."""
    banner = ROOT / "tests" / "data" / "cases" / "tracecmd-banner-cpus.txt"
    told, piped = (run("replay", where, input=banner.read_bytes()).stdout for where in (banner, "-"))
    assert piped.startswith("recording  stdin: ") and piped.splitlines()[1:] == told.splitlines()[1:]
    slip = b'duration = "1 s"\n[[task]]\nname = "a"\nprogram = ["wait" "wait"]\n'
    assert_refused(run("replay", "-", input=slip), "stdin, line 4: is no TOML file")


def test_a_pipe_that_gives_a_byte_at_a_time_is_looked_at_line_by_line():
    from cfs.cli.inputs import _Again

    class Slow(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(1)

    again = _Again(Slow(b"# note\n\nduration = '1 s'\nrest"))
    assert again.head == b"# note\n\nduration = '1 s'\n"
    assert again.read(3) + again.read() == b"# note\n\nduration = '1 s'\nrest"


def test_an_idle_task_beside_a_hog():
    """By hand: both want the CPU from 0 to 3 s on; weights 1024 and 3."""
    a, b = ("fg", 20), ("bg", 30)
    turns = [(0, a), (900, b), (903, a), (1900, b), (1903, a), (2900, b), (2903, a), (3000, b)]
    lines = [switch(0, ("swapper/0", 0), a)]
    lines += [switch(at * 10**6, other, task, state="R") for (_, other), (at, task) in zip(turns, turns[1:])]
    lines += [switch(5 * 10**9, b, ("swapper/0", 0))]
    options = ("--model", "linux-6.18-eevdf", "--policy", "bg=idle", "--until", "2.9s", "--json", "-")
    content = json.loads(run("replay", "-", *options, input=text(*lines)).stdout)
    shares = {task["comm"]: task["share"] for task in content["tasks"]}
    assert shares == pytest.approx({"fg": 0.997, "bg": 0.003}, abs=0.001)


@pytest.mark.parametrize("spelling", [("--by", "group"), ("--by-group",)])
@pytest.mark.parametrize("command", ["replay", "compare"])
def test_a_line_is_said_alike_everywhere(command, spelling):
    found = run(command, SCENARIO, "--model", CFS, "--group", "*=all", "--until", "100ms", *spelling)
    assert found.exit_code == 0 and re.search(r"^group +tasks", found.stdout, re.MULTILINE)


@pytest.mark.parametrize("time", ["1.5", "1.5s", "1500ms", "1500 ms", "1500000us"])
def test_one_place_of_the_span_in_all_spellings(time):
    content = json.loads(run("replay", HOGS, "--until", time, "--json", "-").stdout)
    assert content["duration_ns"] == 1_500_000_000


def test_groups_below_groups_and_their_shares():
    told = ("--group", "A.*=work:3072/a", "--group", "B.*=work/b:idle", "--model", "linux-6.18-eevdf")
    text = run("replay", USERS, *told, "--by", "group", "--until", "100ms").stdout
    assert "work/a: 1 task, 1024 shares" in text and "work/b: 8 tasks, 3 shares" in text
    assert "given      group work/b is idle" in text
