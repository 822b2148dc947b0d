"""`cfs compare`: what the tables say, and errors that help."""

import json

import pytest

import cfs
from cfs.reports import run_sampled
from tests.unit.cli.commands import CFS, EEVDF, HOGS, O1, ROOT, SCENARIO, run
from tests.unit.recordings.lines import A, B, switch, text


def test_compare_a_recording_has_every_model_and_what_was_recorded():
    result = run("compare", HOGS)
    assert result.exit_code == 0 and result.stderr == ""
    title, *tables = result.stdout.split("\n\n")
    assert "workload   20 tasks of CPU 0" in title and "compared   0 s ... 3.307 s, hz 250" in title
    assert [line.split()[1] for line in title.splitlines() if line.startswith("model ")] == [
        f"{name}:" for name, model in cfs.MODELS.items() if not model.later_than
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


@pytest.mark.parametrize(
    ("arguments", "hz"),
    [
        (("--set", "hz=100"), 100),
        (("--set", f"{O1}:hz=100", "--hz", 500), 100),
        (("--set", "hz=100", "--model", f"{O1}:hz=250"), 250),
    ],
)
def test_ticks_a_second_may_be_a_tunable(arguments, hz):
    model = () if "--model" in arguments else ("--model", O1)
    options = (SCENARIO, *model, *arguments, "--until", 1)
    [column] = json.loads(run("compare", *options, "--json", "-").stdout)["columns"]
    assert (column["result"]["hz"], column["result"]["tunables"]["hz"]) == (hz, hz)
    assert f"model      {O1}: hz={hz}, tunables at their defaults\n" in run("compare", *options).stdout


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
    assert not any("a recording has no users" in line for line in lines)
    of = {line.split()[1]: next_line for line, next_line in zip(lines, [*lines[1:], ""])}
    assert "fair by uid" in next(line for line in lines if f"{CFS}: " in line)
    assert "knows no users: each is a control group" in of[f"{EEVDF}:"]
    for model in ("linux-2.6.23-cfs", O1, "rfs-model"):
        assert of[f"{model}:"].split() == f"{model} knows no users: it is fair among tasks".split()


def test_compare_looks_at_a_column_with_the_groups_that_it_ran_with(two_hogs, tmp_path, monkeypatch):
    """The virtual time in the trends is of the run in the tables, also where users became groups."""
    drawn = []
    monkeypatch.setattr("cfs.cli.outputs.plot_trends", lambda *args, samples, **more: drawn.append(samples))
    told = ("--uid", "a=1000", "--uid", "b=1001:3072", "--model", EEVDF)
    assert run("compare", two_hogs, *told, "--plot-trends", tmp_path / "t.svg").exit_code == 0
    work = cfs.Recording.open(two_hogs).workload(cpu=0).with_uids({"a": 1000, "b": (1001, 3072)})
    by_hand = run_sampled(cfs.Simulation(work.with_user_groups(), EEVDF, group_by="cgroup"))[1]
    assert (drawn[0].rows == by_hand.rows).all() and drawn[1] is None  # the second is what was recorded


@pytest.mark.parametrize(
    ("source", "arguments", "words"),
    [
        (HOGS, ["--model", "cfq"], ["no model 'cfq'", "linux-6.18-eevdf"]),
        (HOGS, ["--model", f"{CFS}:foo=1"], [f"{CFS}: 'foo' is no tunable"]),
        (HOGS, ["--model", f"{CFS}:START_DEBIT"], ["not of the form TUNABLE=VALUE"]),
        (HOGS, ["--set", "foo=1"], ["none of the models has a tunable 'foo'"]),
        (HOGS, ["--set", f"{O1}:START_DEBIT=0"], [f"{O1} is not compared, or has no tunable 'START_DEBIT'"]),
        (HOGS, ["--set", "START_DEBIT=maybe"], ["'maybe' is not a value"]),
        (HOGS, ["--from", "9"], ["9 s ... 3.30674 s, is empty"]),
        (HOGS, ["--until", "nan"], ["'nan' is no duration"]),
        (HOGS, ["--cpu", "7"], ["no events of CPU 7"]),
        (HOGS, ["--group", "nobody=a"], ["no task has a name like 'nobody'"]),
        (HOGS, ["--nice", "hog*=low"], ["'low' is not a number"]),
        (HOGS, ["--uid", "hog*=1", "--group", "hog*=a"], ["--group-by"]),
        (HOGS, ["--uid", "hog*=1", "--model", "rfs-model"], ["none of the models can be fair by uid"]),
        (HOGS, ["--model", CFS, "--plot", "x.bmp"], ["not to .bmp"]),
        (HOGS, ["--model", CFS] * 6 + ["--plot", "x.png"], ["room for 6 columns, not for 7"]),
        (HOGS, ["--model", "rfs-model", "--group-by", "uid"], ["none of the models can be fair by uid"]),
        (SCENARIO, ["--cpu", "0"], ["--cpu", "is a scenario"]),
        (SCENARIO, ["--only", "x"], ["--only", "is a scenario"]),
        ("nothing.toml", [], ["nothing.toml: cannot be read"]),
        ("nothing.txt", [], ["nothing.txt", "No such file"]),
        (str(ROOT / "README.md"), [], ["is no recording", "perf.data, trace.dat, Perfetto traces, .cfsrec files"]),
    ],
)
def test_compare_refuses(source, arguments, words):
    pytest.importorskip("matplotlib")
    result = run("compare", source, *arguments)
    assert result.exit_code == 2 and result.stdout == "" and "Traceback" not in result.stderr
    text = " ".join(result.stderr.split())
    for word in words:
        assert word in text


# ---- Columns that differ in more than tunables, and the difference from the first ----------------------


def columns_in(path, *options):
    return json.loads(run("compare", path, *options, "--json", "-").stdout)["columns"]


def share_in(column, name="b"):
    return next(row["share"] for row in column["classes"] if row["name"] == name)


def test_a_column_can_differ_in_nice_hz_groups_and_policy(two_hogs):
    told = ("", ":nice:b=5", ":hz=100", ":group:a=x:3072,group:b=y", ":policy:b=idle,nice:a=1")
    models = [part for text in told for part in ("--model", EEVDF + text)]
    columns = columns_in(two_hogs, *models, "--until", "900ms")[:-1]
    assert [column["settings"] for column in columns] == [
        {},
        {"nice:b": 5},
        {"hz": 100},
        {"group:a": "x:3072", "group:b": "y"},
        {"nice:a": 1, "policy:b": "idle"},
    ]
    assert [column["result"]["hz"] for column in columns] == [1000, 1000, 100, 1000, 1000]
    weights = [1024 / 2048, 335 / (335 + 1024), 1024 / 2048, 1024 / 4096, 3 / (3 + 820)]
    assert [share_in(column) for column in columns] == pytest.approx(weights, abs=0.02)


def test_what_a_column_says_counts_over_what_is_said_for_all(two_hogs):
    models = ("--model", EEVDF, "--model", f"{EEVDF}:nice:b=0", "--nice", "b=5", "--until", "1.2")
    first, second, _ = columns_in(two_hogs, *models)
    assert share_in(first) == pytest.approx(335 / (335 + 1024), abs=0.02)
    assert share_in(second) == pytest.approx(0.5, abs=0.02)


def test_lag_is_measured_by_what_a_column_was_told(two_hogs):
    """Who is of nice 5 in a column may claim less there: that it gets less is no unfairness."""
    models = ("--model", EEVDF, "--model", f"{EEVDF}:nice:b=5", "--until", "1.2")
    for column in columns_in(two_hogs, *models)[:-1]:
        assert max(column["lag"]["greatest_ns"]) < 10**7


def test_the_difference_is_a_number_less_that_of_the_first_column(two_hogs):
    options = ("--model", EEVDF, "--model", f"{EEVDF}:nice:b=5", "--until", "1.2")
    first, second, _ = columns_in(two_hogs, *options)
    assert first["difference"] is None
    found = second["difference"]
    assert found["context_switches"] == second["context_switches"] - first["context_switches"]
    line = next(row for row in found["classes"] if row["name"] == "b")
    assert line["share"] == share_in(second) - share_in(first)
    tables = run("compare", two_hogs, *options).stdout.split("\n\n")
    share = next(table for table in tables if table.startswith("Share of the CPU"))
    assert "-------- vs first" in share
    b = next(text for text in share.splitlines() if text.startswith("b "))
    assert b.split()[2:5] == [
        f"{100 * share_in(first):.2f}%", f"{100 * share_in(second):.2f}%", f"{100 * line['share']:+.2f}%"
    ]  # fmt: skip


def test_a_column_can_differ_in_facts_of_the_machine(two_hogs):
    told = ("", ":tick-phase=3ms,hz=100", ":tick_phase_ns=3ms,hz=100,preempt=none", ":tick-jitter=1ms,seed=7,hz=100")
    models = [part for text in told for part in ("--model", O1 + text)]
    columns = columns_in(two_hogs, *models, "--until", "900ms")[:-1]
    assert [column["settings"] for column in columns] == [
        {},
        {"tick_phase_ns": 3_000_000, "hz": 100},
        {"preempt": "none", "tick_phase_ns": 3_000_000, "hz": 100},
        {"tick_jitter_ns": 1_000_000, "seed": 7, "hz": 100},
    ]
    assert all(column["result"]["tunables"] == {"hz": column["result"]["hz"]} for column in columns)
    title = run("compare", two_hogs, *models, "--until", "900ms").stdout.split("\n\n")[0]
    assert f"model      {O1}: tick_jitter_ns=1000000, seed=7, hz=100, tunables at their defaults" in title


@pytest.mark.parametrize("of_all", [(), ("--hz", 100)])
def test_a_phase_is_within_a_tick_of_its_own_column(two_hogs, of_all):
    column = f"{EEVDF}:tick-phase=3ms"
    refused = run("compare", two_hogs, "--model", column, "--until", "10ms", *of_all)
    assert refused.exit_code == (0 if of_all else 2)
    assert of_all or f"{EEVDF}: tick_phase_ns = 3000000 is outside of 0 ... 999999" in refused.stderr


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("tick-phase=soon", ["'soon' is no duration"]),
        ("tick-phase=2s", ["tick_phase_ns = 2000000000 is outside of 0 ... 999999999"]),
        ("seed=x", ["'x' is not a number"]),
        ("preempt=ful", ["did you mean 'full'?"]),
        ("nise:b=5", ["'nise' is none of nice, policy, slice, group, uid; did you mean 'nice'?"]),
        ("nice:b", ["not of the form PATTERN=N"]),
        ("hz=fast", ["'fast' is not a number"]),
        ("hz=0", ["linux-6.18-eevdf: hz = 0 is outside of 1"]),
        ("group:a=x,uid:b=5", ["Invalid value for --model linux-6.18-eevdf:group:a=x,uid:b=5", "both are given"]),
        ("group-by=users", ["'users' is neither uid nor cgroup"]),
        ("nice:nobody=1", ["linux-6.18-eevdf: no task has a name like 'nobody'"]),
        ("base_slice=1", ["did you mean 'base_slice_ns'?"]),
    ],
)
def test_a_column_that_makes_no_sense_is_refused(two_hogs, column, words):
    result = run("compare", two_hogs, "--model", f"{EEVDF}:{column}")
    assert result.exit_code == 2 and result.stdout == "" and "Traceback" not in result.stderr
    for word in words:
        assert word in " ".join(result.stderr.split())


def test_a_page_has_the_difference(two_hogs, tmp_path):
    run("compare", two_hogs, "--model", EEVDF, "--model", f"{EEVDF}:nice:b=5", "--html", tmp_path / "c.html")
    assert "vs first" in (tmp_path / "c.html").read_text(encoding="utf-8")
