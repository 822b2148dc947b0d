"""The command line: exit statuses, what is written where, and errors that help."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")

from typer.testing import CliRunner

import cfs
from cfs.cli import app
from cfs.cli.app import command_named
from cfs.reports import run_sampled
from tests.unit.recordings.lines import A, B, switch, text

ROOT = Path(__file__).parents[3]
HOGS = str(ROOT / "examples" / "recordings" / "nice-hogs-small.perf-script.txt.gz")
USERS = str(ROOT / "tests" / "data" / "recordings" / "two-users-1to3.perf-script.txt.gz")
TRACES = ROOT / "tests" / "data" / "conformance" / "linux-2.6.24-cfs"
TRACE, VECTORS = str(TRACES / "two-equal-1.jsonl.gz"), str(TRACES / "calc_delta.jsonl.gz")


def run(*arguments, **options):
    try:
        runner = CliRunner(mix_stderr=False)
    except TypeError:  # newer ones never mix them
        runner = CliRunner()
    return runner.invoke(app, [str(argument) for argument in arguments], **options)


def process(*arguments, code="import sys; from cfs.__main__ import main; sys.exit(main())", **options):
    """The command in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, **options)


def assert_refused(result, *words):
    """Exit status 2, one sentence on standard error, nothing else."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def bad_trace(tmp_path_factory):
    """A trace in which one vruntime is 7 more than it was."""
    lines = gzip.open(TRACE, "rt").read().splitlines()
    record = json.loads(lines[300])
    task = next(iter(record["s"]["ent"]))
    record["s"]["ent"][task][0] += 7
    lines[300] = json.dumps(record)
    path = tmp_path_factory.mktemp("traces") / "bad.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


# ------------------------------------------------------------------------------------------------- in general


def test_version():
    assert run("--version").stdout == f"cfs {cfs.__version__}\n"


@pytest.mark.parametrize("command", [[], ["replay"], ["compare"], ["conform"], ["models"]])
def test_help_names_every_option_and_has_no_escape_sequences(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout and "--help" in result.stdout
    assert "\x1b" not in result.stdout


def test_help_of_replay_explains_how_to_record():
    assert "perf sched record" in run("replay", "--help").stdout


def test_models_lists_tunables_with_defaults():
    text = run("models").stdout
    assert "linux-2.6.24-cfs" in text
    assert re.search(r"sched_latency_ns \*\s+20000000   100000 \.\.\. 1000000000", text)
    assert re.search(r"START_DEBIT\s+on   on, off", text)
    assert run("models", "linux-2.6.24-cfs").exit_code == 0


def test_an_unknown_model_is_refused_with_the_known_ones():
    assert_refused(run("models", "cfq"), "no model 'cfq'", "linux-2.6.24-cfs")


def test_without_arguments_the_help_is_shown():
    result = run()
    assert "Commands:" in result.stdout + result.stderr


# ----------------------------------------------------------------------------------------------------- replay


def test_replay_says_what_was_read_and_under_which_model():
    settings = ("--hz", 250, "--set", "START_DEBIT=off", "--set", "sched_latency_ns=6ms")
    lines = run("replay", HOGS, *settings).stdout
    assert "nice-hogs-small.perf-script.txt.gz: perf script, 2581 lines" in lines
    assert "3.31 s, CPUs 0, 1, 26 tasks, 747 switches and 92 inferred" in lines
    assert "workload   20 tasks of CPU 0; wakeups there:" in lines
    assert re.search(r"\d+ caused by tasks, \d+ by timers, \d+ from outside", lines)
    assert "linux-2.6.24-cfs, hz 250, sched_latency_ns=6000000, sched_nr_latency=2, START_DEBIT=off" in lines
    assert "warning    real-time tasks are taken as normal ones of nice -20: migration/0" in lines


def test_replay_shows_three_tables_of_readable_width():
    result = run("replay", HOGS, "--top", 4)
    assert result.exit_code == 0 and result.stderr == ""
    tables = result.stdout.split("\n\n")[1:]
    assert [table.splitlines()[0].split(":")[0] for table in tables] == [
        "CPU time and switches",
        "Scheduling latency",
        "Run lengths",
    ]
    for table in tables:
        assert max(map(len, table.splitlines())) <= 100
        assert [line.split("  ")[0].split()[0] for line in table.splitlines()[4:]][-2:] == ["16", "all"]


def test_replay_by_comm():
    assert "command           tasks nice" in run("replay", HOGS, "--by-comm").stdout


def test_json_to_standard_output_is_json_only():
    content = json.loads(run("replay", HOGS, "--json", "-").stdout)
    assert content["schema"] == content["recorded"]["schema"] == "cfs-result/1"
    assert (content["model"], content["recorded"]["model"]) == ("linux-2.6.24-cfs", "recorded")
    assert content["recording"]["nr_lines"] == 2581
    assert content["duration_ns"] == content["recorded"]["duration_ns"] == 3306742863
    assert [cpu["cpu"] for cpu in content["cpus"]] == [0]


def test_json_to_a_file_leaves_the_tables(tmp_path):
    path = tmp_path / "out.json"
    assert "CPU time and switches" in run("replay", HOGS, "--json", path).stdout
    assert json.loads(path.read_text())["schema"] == "cfs-result/1"


def test_json_has_all_cpus_that_were_asked_for():
    content = json.loads(run("replay", HOGS, "--cpu", "all", "--only", "hog*", "--json", "-").stdout)
    for side in (content, content["recorded"]):
        assert [cpu["cpu"] for cpu in side["cpus"]] == [0, 1]
    assert all(task["comm"].startswith("hog") for task in content["tasks"])
    assert content["cpus"][1]["busy_ns"] == 0


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


def test_until_stops_both_sides():
    content = json.loads(run("replay", HOGS, "--until", "1.5", "--json", "-").stdout)
    assert content["duration_ns"] == content["recorded"]["duration_ns"] == 1_500_000_000
    assert 0.9e9 < content["recorded"]["cpus"][0]["busy_ns"] <= 1.5e9


def test_a_scenario_is_run_and_its_seed_is_taken(tmp_path):
    path = tmp_path / "s.toml"
    program = '[{ repeat = 5, do = ["run 1 ms .. 20 ms", "sleep 1 ms .. 9 ms"] }]'
    path.write_text(f'duration = "100 ms"\n[[task]]\nname = "a"\nprogram = {program}\n')
    texts = [run("replay", path, *seed).stdout for seed in ((), ("--seed", 1), ("--seed", 2), ("--seed", 2))]
    assert texts[0].startswith("scenario ") and "recorded" not in texts[0]
    assert len(set(texts)) == 3 and texts[2] == texts[3]


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


def test_the_same_command_writes_the_same():
    assert run("replay", HOGS).stdout == run("replay", HOGS).stdout


def test_a_recording_from_standard_input():
    text = gzip.open(HOGS).read()
    assert "stdin: perf script, 2581 lines" in run("replay", "-", input=text).stdout


def test_groups_are_said_not_to_be_in_a_recording():
    result = run("replay", HOGS, "--group-by", "uid")
    assert result.exit_code == 0
    assert "fair by uid" in result.stdout and "a recording tells no users or groups" in result.stdout


def test_plot_writes_the_same_bytes(tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"{i}.svg" for i in range(2)]
    for path in paths:
        assert run("replay", HOGS, "--plot", path, "--from", 1, "--until", "1.5").exit_code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes() != b""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cpu", "7"], ["no events of CPU 7", "[0, 1]"]),
        (["--cpu", "x"], ["'x' is neither the number of a CPU nor 'all'"]),
        (["--model", "cfq"], ["no model 'cfq'", "linux-2.6.24-cfs"]),
        (["--hz", "0"], ["hz = 0 is outside of 1 ... 1000000"]),
        (["--hz", "fast"], ["--hz"]),
        (["--group-by", "user"], ["uid", "cgroup"]),
        (["--outside", "sometimes"], ["absolute", "relative"]),
        (["--set", "sched_latency_ns"], ["not of the form TUNABLE=VALUE"]),
        (["--set", "latency=1"], ["'latency' is no tunable", "sched_latency_ns"]),
        (["--set", "sched_latency_ns=soon"], ["'soon' is no value"]),
        (["--set", "sched_latency_ns=1"], ["outside of 100000 ... 1000000000"]),
        (["--set", "START_DEBIT=2"], ["START_DEBIT is a feature bit"]),
        (["--only", "nobody"], ["no such task"]),
        (["--group", "hog1"], ["not of the form PATTERN=NAME[:SHARES]"]),
        (["--group", "hog*="], ["not of the form"]),
        (["--group", "hog*=a:many"], ["'many' is no number"]),
        (["--group", "hog*=a:1"], ["shares of 'a' = 1", "2 ... 262144"]),
        (["--group", "nobody=a"], ["no task has a name like 'nobody'", "there are"]),
        (["--uid", "hog*=root"], ["'root' is no number"]),
        (["--uid", "hog*=1", "--group", "hog*=a"], ["--group-by"]),
        (["--uid", "hog*=1", "--group-by", "cgroup"], ["--uid has no effect with cgroup"]),
        (["--nice", "hog*=20"], ["nice of 'hog*' = 20", "-20 ... 19"]),
        (["--nice", "hog*=low"], ["'low' is no number"]),
        (["--until", "0"], ["0.0 is no time after the beginning"]),
        (["--until", "nan"], ["nan is no time"]),
        (["--seed", "1"], ["is a recording, in which nothing is drawn"]),
        (["--top", "0"], ["--top"]),
        (["--json", "no/such/place.json"], ["no/such/place.json: there is no directory no/such"]),
        (["--plot", "x.bmp"], [".png, .svg", "not to .bmp"]),
        (["--plot", "no/such/place.png"], ["no directory no/such"]),
        (["--plot", "x.png", "--from", "nan"], ["nan is no time"]),
        (["--from", "1"], ["--plot"]),
        (["--frobnicate"], ["--frobnicate"]),
    ],
)
def test_replay_refuses(arguments, words):
    result = run("replay", HOGS, *arguments)
    assert result.exit_code == 2 and "Traceback" not in result.stderr
    text = " ".join(result.stderr.split())
    for word in words:
        assert word in text


@pytest.mark.parametrize("value", ["off", "False", "no", "0"])
def test_feature_bits_are_written_as_people_write_them(value):
    content = json.loads(run("replay", HOGS, "--set", f"START_DEBIT={value}", "--json", "-").stdout)
    assert content["tunables"]["START_DEBIT"] is False


@pytest.mark.parametrize("value", ["6000000", "6_000_000", "6ms", "6000us", "0x5b8d80"])
def test_times_are_written_as_people_write_them(value):
    content = json.loads(run("replay", HOGS, "--set", f"sched_latency_ns={value}", "--json", "-").stdout)
    assert content["tunables"]["sched_latency_ns"] == 6_000_000


def test_a_file_that_is_not_there():
    assert_refused(run("replay", "nothing.txt"), "nothing.txt", "No such file")


def test_a_file_that_is_something_else(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n")
    assert_refused(run("replay", path), "notes.txt", "neither text of perf script nor of ftrace")


def test_names_cannot_send_escape_sequences_to_the_terminal():
    text = gzip.open(HOGS).read().replace(b"hog1.n-5", b"\x1b]0;evil\x07")
    result = run("replay", "-", input=text)
    assert result.exit_code == 0
    assert not {"\x1b", "\x07"} & set(result.stdout + result.stderr)


# ---------------------------------------------------------------------------------------------------- compare

SCENARIO = str(ROOT / "examples" / "scenarios" / "sleeper-among-hogs.toml")
CFS, O1, EEVDF = "linux-2.6.24-cfs", "linux-2.6.22-o1", "linux-6.18-eevdf"


def test_compare_a_recording_has_every_model_and_what_was_recorded():
    result = run("compare", HOGS)
    assert result.exit_code == 0 and result.stderr == ""
    title, *tables = result.stdout.split("\n\n")
    assert "workload   20 tasks of CPU 0" in title and "compared   0 s ... 3.307 s, hz 1000" in title
    assert [line.split()[1] for line in title.splitlines() if line.startswith("model ")] == [
        f"{m}:" for m in cfs.MODELS
    ]
    assert "recorded" in tables[1]
    for line in "\n".join(tables).splitlines():
        assert len(line) <= 100


def test_compare_a_scenario():
    result = run("compare", SCENARIO, "--model", CFS, "--model", O1, "--until", 1)
    assert result.stdout.startswith(
        "scenario   sleeper-among-hogs.toml: 10.0 s, 3 tasks, CPU 0\ncompared   0 s ... 1 s"
    )
    assert "recorded" not in result.stdout


def test_what_it_is_is_seen_from_the_content(tmp_path):
    scenario, recording = tmp_path / "one", tmp_path / "other"
    scenario.write_bytes(b"\n# a scenario\n" + Path(SCENARIO).read_bytes())
    recording.write_bytes(gzip.open(HOGS).read())
    assert run("compare", scenario, "--model", CFS).stdout.startswith("scenario ")
    assert run("compare", recording, "--model", CFS).stdout.startswith("recording ")
    assert run("compare", "-", "--model", CFS, input=recording.read_bytes()).stdout.startswith("recording ")


def test_a_model_can_have_tunables_of_its_own():
    columns = ("--model", CFS, "--model", f"{CFS}:START_DEBIT=0,sched_latency_ns=6ms", "--model", O1)
    settings = ("--set", "sched_wakeup_granularity_ns=1ms", "--set", f"{CFS}:sched_wakeup_granularity_ns=2ms")
    content = json.loads(run("compare", HOGS, *columns, *settings, "--json", "-").stdout)
    assert [column["settings"] for column in content["columns"]] == [
        {"sched_wakeup_granularity_ns": 2_000_000},
        {"sched_wakeup_granularity_ns": 2_000_000, "START_DEBIT": False, "sched_latency_ns": 6_000_000},
        {},
        {},
    ]
    assert content["recording"]["nr_lines"] == 2581
    assert content["columns"][1]["result"]["tunables"]["sched_latency_ns"] == 6_000_000


def test_compare_writes_files_and_shows_the_tables(tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path in paths:
        options = (
            "--model",
            CFS,
            "--plot",
            path,
            "--json",
            tmp_path / "out.json",
            "--from",
            "0.5",
            "--until",
            2,
        )
        assert "Throughput" in run("compare", HOGS, *options).stdout
    assert paths[0].read_bytes() == paths[1].read_bytes() != b""
    content = json.loads((tmp_path / "out.json").read_text())
    assert (content["schema"], content["from_ns"], content["until_ns"]) == (
        "cfs-comparison/1",
        5 * 10**8,
        2 * 10**9,
    )


def test_compare_writes_a_file_a_column_where_a_file_holds_one(tmp_path):
    pytest.importorskip("perfetto")
    files = [
        "--perfetto",
        tmp_path / "all.pftrace",
        "--ftrace",
        tmp_path / "all.txt.gz",
        "--plot-trends",
        tmp_path / "t.png",
    ]
    run("compare", HOGS, "--model", CFS, "--model", O1, *files)
    written = {path.name for path in tmp_path.iterdir()}
    assert {f"all.{place}.pftrace" for place in (1, 2, 3)} <= written  # two models and what was recorded
    assert {f"all.{place}.txt.gz" for place in (1, 2, 3)} | {
        f"t.{place}.png" for place in (1, 2, 3)
    } <= written
    reread = cfs.Recording.open(tmp_path / "all.2.txt.gz")
    ours = cfs.Recording.open(HOGS).workload(cpu=0).run(O1)
    assert reread.nr_switches == ours.context_switches


def test_compare_has_all_cpus_that_were_asked_for():
    options = ("--cpu", "all", "--only", "hog*", "--model", CFS, "--by", "task", "--top", 2)
    content = json.loads(run("compare", HOGS, *options, "--json", "-").stdout)
    for column in content["columns"]:
        assert [cpu["cpu"] for cpu in column["result"]["cpus"]] == [0, 1]
        assert [row["kind"] for row in column["classes"]] == ["class", "class", "others", "all"]


@pytest.fixture(scope="module")
def two_hogs(tmp_path_factory):
    """A recording of two hogs that ran in turns for two seconds, 10 ms each: a second of CPU time each."""
    turns = range(200)
    lines = [switch(i * 10**7, (A, B)[i % 2], (B, A)[i % 2], state="R") for i in turns]
    path = tmp_path_factory.mktemp("hogs") / "two.txt"
    path.write_bytes(text(*lines))
    return path


def shares_in(path, *options):
    """What part each model gave task b in a span in which both hogs want the CPU all the time."""
    models = [part for model in (CFS, EEVDF, O1) for part in ("--model", model)]
    result = run("compare", path, *models, *options, "--until", 1.2, "--json", "-")
    columns = json.loads(result.stdout)["columns"][:-1]
    return [next(row["share"] for row in column["classes"] if row["name"] == "b") for column in columns]


@pytest.mark.parametrize(
    "told",
    [("--group", "a=left", "--group", "b=right:3072"), ("--uid", "a=1000", "--uid", "b=1001:3072")],
    ids=["groups", "users"],
)
def test_compare_with_groups_or_users_that_are_told(two_hogs, told):
    """1024 and 3072 shares are a quarter and three quarters; O(1) knows neither, so nothing changes there."""
    *fair, o1 = shares_in(two_hogs, *told)
    assert fair == pytest.approx([0.75, 0.75], abs=0.01)
    assert o1 == shares_in(two_hogs)[-1]


def test_compare_with_nice_values_that_are_told(two_hogs):
    """The weights of nice 0 and nice 5 are 1024 and 335 in both."""
    *fair, _ = shares_in(two_hogs, "--nice", "b=5")
    assert fair == pytest.approx([335 / (335 + 1024)] * 2, abs=0.02)


def test_compare_says_of_each_column_what_it_is_fair_among(two_hogs):
    told = ("--uid", "a=1000", "--uid", "b=1001:3072", "--nice", "a=-1")
    lines = run("compare", two_hogs, *told).stdout.split("\n\n")[0].splitlines()
    assert "given      nice -1 for a" in lines
    assert "groups     uid:1000: 1 task, 1024 shares" in lines
    assert "           uid:1001: 1 task, 3072 shares" in lines
    assert not any("a recording tells no users" in line for line in lines)
    of = {line.split()[1]: next_line for line, next_line in zip(lines, [*lines[1:], ""])}
    assert "fair by uid" in next(line for line in lines if f"{CFS}: " in line)
    assert "knows no users: each is a control group" in of[f"{EEVDF}:"]
    for model in ("linux-2.6.23-cfs", O1, "rfs-model"):
        assert of[f"{model}:"].split() == f"{model} knows no users: it is fair among tasks".split()


def test_compare_looks_at_a_column_with_the_groups_that_it_ran_with(two_hogs, tmp_path, monkeypatch):
    """The virtual time in the trends is of the run in the tables, also where users became groups."""
    drawn = []
    monkeypatch.setattr("cfs.reports.plot_trends", lambda *args, samples, **more: drawn.append(samples))
    told = ("--uid", "a=1000", "--uid", "b=1001:3072", "--model", EEVDF)
    assert run("compare", two_hogs, *told, "--plot-trends", tmp_path / "t.svg").exit_code == 0
    work = cfs.Recording.open(two_hogs).workload(cpu=0).with_uids({"a": 1000, "b": (1001, 3072)})
    by_hand = run_sampled(cfs.Simulation(work.with_user_groups(), EEVDF, group_by="cgroup"))[1]
    assert (drawn[0].rows == by_hand.rows).all() and drawn[1] is None  # the second is what was recorded


def options_of(command):
    """The options of a command, each with how it looks."""
    parameters = command_named(command).params
    return {
        name: (option.metavar, option.nargs, option.multiple, option.help)
        for option in parameters
        for name in option.opts
        if name.startswith("--")
    }


def test_compare_has_every_option_of_replay():
    """`compare` says with --by what `replay` says with two flags."""
    assert set(options_of("replay")) - set(options_of("compare")) == {"--by-comm", "--by-group"}


@pytest.mark.parametrize(
    "option",
    "hz group-by cpu only without outside group uid nice seed until top json html parquet".split(),
)
def test_options_of_one_name_are_one_option(option):
    assert options_of("replay")[f"--{option}"] == options_of("compare")[f"--{option}"]


def test_the_seed_is_of_the_scenario():
    build = ROOT / "examples" / "scenarios" / "shell-under-build.toml"
    texts = [run("compare", build, "--model", CFS, "--seed", seed).stdout for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("source", "arguments", "words"),
    [
        (HOGS, ["--model", "cfq"], ["no model 'cfq'", "linux-6.18-eevdf"]),
        (HOGS, ["--model", f"{CFS}:foo=1"], [f"{CFS}: 'foo' is no tunable"]),
        (HOGS, ["--model", f"{CFS}:START_DEBIT"], ["not of the form TUNABLE=VALUE"]),
        (HOGS, ["--set", "foo=1"], ["none of the models has a tunable 'foo'"]),
        (HOGS, ["--set", f"{O1}:START_DEBIT=0"], [f"{O1} is not compared, or has no tunable 'START_DEBIT'"]),
        (HOGS, ["--set", "START_DEBIT=maybe"], ["'maybe' is no value"]),
        (HOGS, ["--seed", "1"], ["--seed", "is a recording"]),
        (HOGS, ["--from", "9"], ["9 s ... 3.30674 s, is empty"]),
        (HOGS, ["--until", "nan"], ["nan is no time"]),
        (HOGS, ["--cpu", "7"], ["no events of CPU 7"]),
        (HOGS, ["--group", "nobody=a"], ["no task has a name like 'nobody'"]),
        (HOGS, ["--nice", "hog*=low"], ["'low' is no number"]),
        (HOGS, ["--uid", "hog*=1", "--group", "hog*=a"], ["--group-by"]),
        (HOGS, ["--uid", "hog*=1", "--model", "rfs-model"], ["none of the models can be fair by uid"]),
        (HOGS, ["--model", CFS, "--plot", "x.bmp"], ["not to .bmp"]),
        (HOGS, ["--model", CFS] * 6 + ["--plot", "x.png"], ["room for 6 columns, not for 7"]),
        (HOGS, ["--model", "rfs-model", "--group-by", "uid"], ["none of the models can be fair by uid"]),
        (SCENARIO, ["--cpu", "0"], ["--cpu", "is a scenario"]),
        (SCENARIO, ["--only", "x"], ["--only", "is a scenario"]),
        ("nothing.toml", [], ["nothing.toml: cannot be read"]),
        ("nothing.txt", [], ["nothing.txt", "No such file"]),
        (str(ROOT / "README.md"), [], ["neither text of perf script nor of ftrace"]),
    ],
)
def test_compare_refuses(source, arguments, words):
    pytest.importorskip("matplotlib")
    result = run("compare", source, *arguments)
    assert result.exit_code == 2 and result.stdout == "" and "Traceback" not in result.stderr
    text = " ".join(result.stderr.split())
    for word in words:
        assert word in text


# ---------------------------------------------------------------------------------------------------- conform


def test_all_states_equal():
    result = run("conform", TRACE)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "1 trace, 2501 operations: none differ"


def test_the_first_difference_is_shown(bad_trace):
    result = run("conform", bad_trace)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("differs ") and lines[0].endswith("(line 301, operation 300)")
    assert len([line for line in lines if line.strip().startswith("t=")]) == 5
    assert lines[6].strip().startswith("--> t=")
    assert re.search(r"field +ent\.\d+\.vruntime", lines[7])
    expected, got = (int(re.search(r"\d+", line)[0]) for line in lines[8:10])
    assert expected == got + 7 and lines[9].endswith("(-7)")
    assert lines[-1] == "1 trace, 300 operations: 1 differs"


def test_a_directory_stands_for_the_traces_in_it(tmp_path, bad_trace):
    (tmp_path / "deep").mkdir()
    for name, path in (("a", TRACE), ("deep/b", TRACE), ("v", VECTORS)):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(Path(path).read_bytes())
    result = run("conform", tmp_path, bad_trace)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "3 traces, 5302 operations: 1 differs"
    assert "passed over" in result.stderr and "arithmetic vectors" in result.stderr


def test_quiet_lists_only_what_differs(bad_trace):
    assert run("conform", TRACE, "-q").stdout == "1 trace, 2501 operations: none differ\n"
    assert run("conform", TRACE, bad_trace, "-q").stdout.startswith("differs ")


def test_conform_json(bad_trace):
    result = run("conform", TRACE, bad_trace, "nothing", "--json")
    content = json.loads(result.stdout)
    assert result.exit_code == 2
    assert content["schema"] == "cfs-conform/1"
    totals = [content[f"nr_{name}"] for name in ("traces", "operations", "equal", "different", "unreadable")]
    assert totals == [3, 2801, 1, 1, 1]
    equal, different, unreadable = content["traces"]
    assert equal["equal"] and equal["difference"] is None
    assert different["difference"]["field"].endswith(".vruntime")
    assert different["difference"]["expected"] == different["difference"]["got"] + 7
    assert len(different["difference"]["before"]) == 5
    assert "nothing" in unreadable["error"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]\n", b'{"format": "else"}\n', gzip.compress(b"{}")[:12], b"\xff\x00"]
)
def test_a_trace_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "broken.jsonl.gz"
    path.write_bytes(content)
    result = run("conform", path, TRACE)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert result.stdout.startswith("unreadable ") and "broken.jsonl.gz" in result.stdout
    assert result.stdout.splitlines()[-1] == "2 traces, 2501 operations: none differ, 1 cannot be read"


def test_vectors_are_no_trace():
    result = run("conform", VECTORS)
    assert result.exit_code == 2
    assert "calc_delta.jsonl.gz holds arithmetic vectors, not a trace" in result.stdout


def test_an_empty_directory_is_refused(tmp_path):
    assert_refused(run("conform", tmp_path), "without any *.jsonl.gz")


# -------------------------------------------------------------------------------------------------- processes


def test_python_m_cfs():
    command = [sys.executable, "-m", "cfs", "--version"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).stdout.split()[0] == b"cfs"


def test_nothing_but_text_goes_into_pipes():
    result = process("replay", HOGS)
    assert result.returncode == 0
    assert result.stderr == "" and "\x1b" not in result.stdout


def test_a_reader_that_has_seen_enough_sees_no_error():
    command = f'"{sys.executable}" -m cfs replay "{HOGS}" --top 1000 | head -n 1'
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert result.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_shows_on_a_terminal_and_results_go_where_they_are_sent(tmp_path):
    import pty

    terminal, end = pty.openpty()
    code = "import cfs.cli, cfs.cli.talk; cfs.cli.talk.MOMENT_S = -1; cfs.cli.run()"
    with open(tmp_path / "out", "wb") as out:
        command = [sys.executable, "-c", code, "conform", TRACE, TRACE]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
        assert subprocess.run(command, stdout=out, stderr=end, env=environment).returncode == 0
    os.close(end)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    assert b"replaying traces" in shown and b"operations" not in shown
    assert (tmp_path / "out").read_text().splitlines()[-1] == "2 traces, 5002 operations: none differ"


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_of_reading_shows_on_a_terminal_only(tmp_path, is_terminal):
    import pty

    code = "import cfs.cli, cfs.cli.talk; cfs.cli.talk.MOMENT_S = -1; cfs.cli.run()"
    command = [sys.executable, "-c", code, "replay", HOGS, "--top", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    if not is_terminal:
        assert subprocess.run(command, capture_output=True, env=environment).stderr == b""
        return
    terminal, end = pty.openpty()
    with open(tmp_path / "out", "wb") as out:
        assert subprocess.run(command, stdout=out, stderr=end, env=environment).returncode == 0
    os.close(end)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    assert b"reading" in shown and b"simulating" in shown and b"CPU time" not in shown


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
from cfs.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("blocked", [["typer"], ["rich"], ["typer", "rich", "matplotlib"]])
def test_without_the_extra_cli_it_says_what_to_install(blocked):
    result = process("models", code=BLOCK.format(blocked=blocked))
    assert result.returncode == 2
    assert result.stdout == ""
    assert 'pip install "cfs-sched[cli]"' in result.stderr and "Traceback" not in result.stderr


def test_without_the_extra_plot_it_says_what_to_install(tmp_path):
    result = process("replay", HOGS, "--plot", tmp_path / "x.png", code=BLOCK.format(blocked=["matplotlib"]))
    assert result.returncode == 2
    assert result.stdout == ""
    assert 'pip install "cfs-sched[plot]"' in result.stderr and "Traceback" not in result.stderr


def test_without_the_extra_plot_all_else_works():
    assert process("replay", HOGS, "--top", 1, code=BLOCK.format(blocked=["matplotlib"])).returncode == 0
