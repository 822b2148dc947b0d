"""`cfs record`, and what the other commands make of its files."""

import io
import json
import os

import pytest

from tests.unit.cli.commands import CFS, EEVDF, O1, USERS, assert_refused, process, run

from cfs.recordings import Recording, cfsrec
from cfs.recordings.surroundings import GroupFacts, Surroundings, TaskFacts
from cfs.units import clean


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One hog of user 1001 against eight, with what was true of it: groups of 1024 and 3072 shares."""
    import gzip

    tasks = tuple(
        TaskFacts(
            task.pid, name=task.comm, uid=1001 if task.comm[0] == "A" else 1002, group=f"/rec.{task.comm[0]}"
        )
        for task in Recording.open(USERS).tasks
        if task.comm.startswith(("A.hog", "B.hog"))
    )
    groups = (GroupFacts("/rec.A", "cgroup v1", 1024), GroupFacts("/rec.B", "cgroup v1", 3072))
    said = Surroundings(
        kernel="6.18.44",
        hz=250,
        preempt="none",
        cpus_in_machine=2,
        groups=groups,
        tasks=tasks,
        not_read=("features: no",),
    )
    path = tmp_path_factory.mktemp("told") / "users.cfsrec"
    with gzip.open(USERS) as file:
        cfsrec.write(path, said, io.BytesIO(file.read()))
    return path


def shares_of(content):
    """What part of the time of both groups' hogs that of A had."""
    spent = {
        letter: sum(task["cpu_ns"] for task in content["tasks"] if task["comm"].startswith(f"{letter}."))
        for letter in "AB"
    }
    return spent["A"] / (spent["A"] + spent["B"])


def replayed(*arguments):
    result = run("replay", *arguments, "--json", "-")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_replay_takes_what_the_file_says(told):
    """The hog of A has a fourth of the CPU, as measured; alone, a ninth."""
    content = replayed(told, "--model", EEVDF, "--until", "5")
    assert (content["hz"], content["group_by"], content["tunables"]["base_slice_ns"]) == (
        250,
        "cgroup",
        1_400_000,
    )
    assert abs(shares_of(content) - 0.25) < 0.01 and abs(shares_of(content["recorded"]) - 0.25) < 0.02


def test_the_head_says_what_came_from_the_file(told):
    text = run("replay", told, "--model", EEVDF, "--until", "1").stdout
    assert "said       kernel 6.18.44, 2 CPUs, HZ 250, preempt none, 9 tasks, 2 groups\n" in text
    assert "not read when it was recorded: features: no\n" in text
    assert "/rec.A: 1 task, 1024 shares" in text and "/rec.B: 8 tasks, 3072 shares" in text
    assert "knows no" not in text


def test_what_is_told_counts(told):
    content = replayed(told, "--model", EEVDF, "--until", "1", "--hz", "100", "--set", "base_slice_ns=3ms")
    assert (content["hz"], content["tunables"]["base_slice_ns"]) == (100, 3_000_000)
    content = replayed(told, "--model", EEVDF, "--until", "5", "--group", "A.*=/rec.A:3072")
    assert abs(shares_of(content) - 0.5) < 0.01
    content = replayed(told, "--until", "1", "--group-by", "uid")
    assert {group["group"] for group in content["groups"]} == {"uid:0", "uid:1001", "uid:1002"}


def test_bare_is_as_without_it(told):
    alone, bare = replayed(USERS, "--until", "1"), replayed(told, "--until", "1", "--bare")
    for content in (alone, bare):
        content["source"] = content["recorded"]["source"] = content["recording"]["name"] = ""
    assert alone == bare and alone["hz"] == 250


def test_a_model_without_groups_says_so(told):
    text = run("replay", told, "--model", O1, "--until", "1").stdout
    assert f"given      {O1} knows no groups: it is fair among tasks\n" in text


def test_a_comparison_takes_it_too(told):
    result = run(
        "compare",
        told,
        "--model",
        EEVDF,
        "--model",
        O1,
        "--model",
        f"{CFS}:hz=100",
        "--until",
        "1",
        "--json",
        "-",
    )
    content = json.loads(result.stdout)
    assert [column["result"]["group_by"] for column in content["columns"][:3]] == ["cgroup", None, "cgroup"]
    assert [column["result"]["hz"] for column in content["columns"][:3]] == [250, 250, 100]
    text = run("compare", told, "--model", EEVDF, "--until", "1").stdout
    assert "said       kernel 6.18.44" in text and "hz 250" in text


def test_it_is_read_from_standard_input(told):
    result = run("replay", "-", "--model", EEVDF, "--until", "1", "--json", "-", input=told.read_bytes())
    assert json.loads(result.stdout)["hz"] == 250


def test_hostile_files_are_one_sentence(tmp_path, told):
    content = told.read_bytes()
    for name, broken in (
        ("cut", content[:-40]),
        ("swapped", content.replace(b"surroundings.json", b"../../../.passwd.")),
    ):
        path = tmp_path / f"{name}.cfsrec"
        path.write_bytes(broken)
        assert_refused(run("replay", path), f"cfs: {name}.cfsrec is ")


# ---- the command itself


@pytest.mark.parametrize(
    "arguments", [["record"], ["record", "true"], ["record", "--"], ["record", "-m", "64"]]
)
def test_without_a_command_it_says_how_to_write_one(arguments):
    assert_refused(run(*arguments), "cfs record -- make -j4")


def test_a_command_that_is_not_there_is_refused():
    assert_refused(run("record", "--", "no such command"), "cfs: there is no command 'no such command'")


def test_help_is_ours_before_the_dashes():
    assert "--anonymous" in run("record", "--help").stdout


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the pretended perf is a script")
def test_options_before_the_dashes_are_perfs_and_the_status_is_the_commands(tmp_path):
    perf = tmp_path / "perf"
    perf.write_text(
        '#!/bin/sh\nwhile [ "$1" != -- ]; do [ "$1" = -o ] && out=$2; [ "$1" = -m ] && pages=$2; shift; done\n'
        f'shift; echo $pages >{tmp_path}/pages; gzip -dc "$DATA" >"$out"; exec "$@"\n'
    )
    perf.chmod(0o755)
    from tests.unit.recordings.readings import FORMATS

    code = (
        "import os, sys\n"
        f"os.environ['PATH'] = {str(tmp_path)!r} + os.pathsep + os.environ['PATH']\n"
        f"os.environ['DATA'] = {str(FORMATS / 'perf-monotonic.data.gz')!r}\n"
        "from cfs.__main__ import main; sys.exit(main())"
    )
    words = [
        "record",
        "--output",
        tmp_path / "x.cfsrec",
        "-m",
        "77",
        "--",
        "sh",
        "-c",
        "echo $0 --output; exit 5",
        "-m",
    ]
    result = process(*words, code=code)
    assert (result.returncode, result.stdout) == (5, "-m --output\n"), result.stderr
    assert (tmp_path / "pages").read_text() == "77\n"
    assert f"recorded   {clean(str(tmp_path / 'x.cfsrec'))}, with perf" in result.stderr
    assert Recording.open(tmp_path / "x.cfsrec").kind == "perf.data"
