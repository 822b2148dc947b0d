"""The scripts of the story. Ways to be right: laws, one or two a claim of docs/concepts/story.md.

Runs are shorter than those of the page; every picture is drawn.
"""

import importlib
import pathlib
import subprocess
import sys

import pytest

STORY = pathlib.Path(__file__).parents[2] / "examples" / "story"
S = 1_000_000_000
SCRIPTS = sorted(path.stem for path in STORY.glob("*.py") if path.stem != "common")
SHORT = {
    "build_and_shell": {"seeds": 3},
    "forks": {"seeds": 1, "files": 200},
    "chew": {"span_ns": 4 * S},
    "yield_loop": {"span_ns": 2 * S},
    "nice_levels": {"span_ns": 20 * S, "long_ns": 100 * S, "levels": (-20, -2, -1, 0, 10, 18)},
    "thousand_loops": {"span_ns": 40 * S},
    "rfs_and_cfs": {"seeds": (0, 2), "switches": 500},
    "sleeper": {"span_ns": 20 * S, "lengths_ms": (1, 5, 20, 200)},  # O(1) takes it for interactive after 7 s
}
O1, CFS23, RFS, CFS24, EEVDF = "O(1) 2.6.22", "CFS 2.6.23", "RFS model", "CFS 2.6.24", "EEVDF 6.18"
NO_DEBIT, UNSCALED = "CFS 2.6.24, no debit", "CFS 2.6.24, unscaled"


@pytest.fixture(scope="module")
def story():
    """(script, what it measured) by name; each runs once."""
    found = {}

    def of(name):
        if name not in found:
            script = importlib.import_module(name)
            found[name] = script, script.measure(**SHORT[name])
        return found[name]

    sys.path.insert(0, str(STORY))
    yield of
    sys.path.remove(str(STORY))
    for name in (*SCRIPTS, "common", "vslice"):
        sys.modules.pop(name, None)


@pytest.fixture
def measured(story):
    return lambda name: story(name)[1]


def test_every_script_is_tested():
    assert SCRIPTS == sorted(SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_a_table_and_draws(story, name, tmp_path):
    pytest.importorskip("matplotlib")
    script, got = story(name)
    assert CFS23 in script.table(got)
    script.draw(got, tmp_path / "picture.png")
    assert 10_000 < (tmp_path / "picture.png").stat().st_size < 150_000


@pytest.mark.slow
def test_a_script_runs_alone(tmp_path):
    pytest.importorskip("matplotlib")
    command = [sys.executable, STORY / "yield_loop.py", "--out", tmp_path / "yield.png"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "yield.png").exists() and "loop_yield" in done.stdout


# ---- 1. The kernel build and the shell -----------------------------------------------------------


def test_the_debit_makes_commands_of_the_shell_slower(measured):
    mean = {label: one["command"].mean() / 1e6 for label, one in measured("build_and_shell").items()}
    assert 10 < mean[CFS24] - mean[NO_DEBIT] < 40
    assert mean[UNSCALED] == pytest.approx(mean[NO_DEBIT], rel=0.1)  # practically no debit
    assert mean[CFS23] < mean[NO_DEBIT] and mean[EEVDF] < mean[CFS24] < mean[O1]


def test_the_build_takes_as_long_under_every_scheduler(measured):
    builds = [one["build"].mean() for one in measured("build_and_shell").values()]
    assert max(builds) < 1.01 * min(builds)


def test_the_scheduler_of_the_recording_replays_the_recording(story):
    script, got = story("build_and_shell")
    replay, recorded = got[script.REPLAYED], got[script.RECORDED]
    assert len(replay["command"]) == len(recorded["command"]) == 22
    assert replay["command"].mean() == pytest.approx(recorded["command"].mean(), rel=0.15)
    assert replay["build"][0] == pytest.approx(recorded["build"][0], rel=0.002)
    for one in (replay, recorded):
        assert script.facts(one["cc1 wait"])[1:] == pytest.approx((12, 16), abs=0.1)


@pytest.mark.slow
def test_the_debit_keeps_forks_from_starving_others(measured):
    got = measured("forks")
    assert got[CFS24]["share"] > 2 / 3 > got[NO_DEBIT]["share"]
    assert got[UNSCALED]["share"] == pytest.approx(got[NO_DEBIT]["share"], abs=0.02)
    server = {label: one["server"].mean() / 1e6 for label, one in got.items()}
    assert 15 <= server[O1] < 20 and 15 <= server[CFS24] < 20
    assert min(server[label] for label in (CFS23, RFS, NO_DEBIT, UNSCALED, EEVDF)) > 80


# ---- 2. chew-max ---------------------------------------------------------------------------------


def test_a_chewer_runs_latency_over_three_to_the_next_tick(story):
    script, got = story("chew")
    said = {key: tuple(map(script.few, script.turns(result))) for key, result in got.items()}
    assert said[CFS23, 1000] == ("13 and 14", "27")
    assert said[CFS24, 1000] == ("14", "28")
    assert said[CFS23, 250] == said[CFS24, 250] == ("16", "32")
    assert said[O1, 1000] == ("100", "200")


# ---- 3. loop against loop_yield ------------------------------------------------------------------


@pytest.mark.parametrize("label", [CFS23, CFS24])
def test_compat_yield_decides_whether_a_yield_gives_away(measured, label):
    got = {row: share["loop"] for row, (_, share) in measured("yield_loop").items()}
    assert got[f"{label}, compat_yield 0"] == pytest.approx(0.5, abs=0.01)
    assert got[f"{label}, compat_yield 1"] > 0.99
    assert got[O1] > 0.99


# ---- 4. Nice -------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [RFS, CFS24, EEVDF])
def test_one_nice_level_is_55_to_45_everywhere(measured, label):
    assert measured("nice_levels")["apart"][label] == pytest.approx([0.555] * 6, abs=0.015)


def test_one_nice_level_depends_on_the_level_under_o1(measured):
    got = measured("nice_levels")
    apart = dict(zip(got["levels"], got["apart"][O1]))
    assert apart[-1] > 0.75 and apart[18] > 0.6 and max(apart[-20], apart[-2], apart[0], apart[10]) < 0.55


@pytest.mark.parametrize("label", [RFS, CFS24, EEVDF, "CFS 2.6.23, limit 1 s"])
def test_nice_19_gets_its_weight_whatever_hz_is(measured, label):
    by_hz = measured("nice_levels")["nineteen"][label]
    assert list(by_hz.values()) == pytest.approx([15 / 1039] * 3, abs=0.001)


def test_nice_19_of_o1_depends_on_hz_and_of_2_6_23_on_the_limit(measured):
    got = measured("nice_levels")["nineteen"]
    assert got[O1][250] < got[O1][1000] < got[O1][100]
    assert max(got[CFS23].values()) < 0.01
    assert got["CFS 2.6.23, limit 40 ms"][250] < 0.01 < got["CFS 2.6.23, limit 40 ms"][1000]


def test_slices_of_o1_are_those_of_its_source(measured):
    assert measured("nice_levels")["slices"] == {-20: 800_000_000, 0: 100_000_000, 19: 5_000_000}


# ---- 5. A thousand loops -------------------------------------------------------------------------


def test_fairness_among_users_keeps_the_shell_alive(measured):
    mean = {label: one["command"].mean() / 1e6 for label, one in measured("thousand_loops").items()}
    assert mean[CFS24] > 1000 and mean[EEVDF] > 1000
    assert mean["CFS 2.6.24, group_by uid"] < 15 and mean["EEVDF 6.18, group_by cgroup"] < 15
    assert mean[O1] < 10  # for another reason: the shell sleeps


# ---- 6. RFS and CFS ------------------------------------------------------------------------------


def test_the_same_forced_switches_pick_the_same_tasks(story):
    script, got = story("rfs_and_cfs")
    for picks, unequal in got["switches"].values():
        assert unequal == 0
        assert script.differing(picks, RFS) == script.differing(picks, CFS23) == []


def test_a_leaver_moves_the_average_and_not_the_fair_clock(measured):
    points, jumps = measured("rfs_and_cfs")["corner"]
    assert [jump > 0 for _, _, jump, _ in jumps] == [False, True]
    for _, _, jump, foretold in jumps:
        assert jump == foretold  # exactly
    assert all(abs(ahead) < 100 for now, ahead in points if now < jumps[0][0])


# ---- 7. Sleepers ---------------------------------------------------------------------------------


def test_who_counts_sleep_gives_a_third_and_who_does_not_a_quarter(measured):
    share = {label: {n: point[0] for n, point in one.items()} for label, one in measured("sleeper").items()}
    assert [share[CFS24][n] for n in (1, 5, 20)] == pytest.approx([1 / 3] * 3, abs=0.01)
    assert list(share[EEVDF].values()) == pytest.approx([1 / 4] * 4, abs=0.01)
    assert share[O1][200] > 0.4  # taken for interactive
    assert share[CFS24][200] < 0.28  # credit ends at one latency
