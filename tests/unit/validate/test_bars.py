"""How wide bars are. Way to be right: the rules as data, and pairs of real runs."""

import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfs import TruthError
from cfs.validate import bars as bars_module
from cfs.validate.bars import Bars, Repetitions, Rule, _spread, read_bars
from cfs.validate.figures import Key
from tests.quick import few

MS = 1e6
SHARE, WAIT = Key("share", "hog"), Key("preempted_wait", "hog", "p50")
RULE = Rule("preempted_wait", parts=("p50",), relative=0.1, ticks=1)


def repetitions(figures, quiet=(True, True, True), window_s=(10.0, 10.0, 10.0)):
    return Repetitions("s", window_s, quiet, figures)


def bar(figures=None, key=WAIT, rule=RULE, value=30 * MS, count=1000, window_s=10, **options):
    bars = Bars("s", "task", (rule,), (repetitions(figures, **options),) if figures else ())
    return bars.bar(key, rule, value, count, window_s * 1e9, 4 * MS)


def waits(*p50, count=1000, name="hog"):
    return {f"preempted_wait/{name}/p50_ms": p50, f"preempted_wait/{name}/count": (count,) * len(p50)}


@pytest.mark.parametrize(
    ("rule", "width", "why"),
    [
        (Rule("x", relative=0.1, ticks=1), 4 * MS, "ticks"),
        (Rule("x", relative=0.2, ticks=1), 6 * MS, "relative"),
        (Rule("x", relative=0.2, time_ns=9_000_000), 9 * MS, "time"),
    ],
)
def test_a_bar_is_the_largest_that_its_rule_says(rule, width, why):
    found = bar(rule=rule)
    assert (found.below, found.above, found.why) == (pytest.approx(width), pytest.approx(width), why)


def test_two_switches_are_those_at_the_ends_of_a_window():
    """B1."""
    rule = Rule("switches", relative=0.1)
    assert bar(key=Key("switches", "cpu0"), rule=rule, value=7).above == 2
    assert bar(key=Key("switches", "cpu0"), rule=rule, value=70).above == 7
    assert [bar(key=Key("switches", "cpu0"), rule=rule, value=value).why for value in (19, 21)] == ["ends", "relative"]


def test_a_bar_is_not_narrower_than_the_spread():
    """B1, B2: between 20 and 40 ms there is a factor 2."""
    found = bar(waits(20.0, 40.0, 30.0))
    assert (found.below, found.above, found.why) == (pytest.approx(15 * MS), pytest.approx(30 * MS), "spread")


def test_the_spread_of_shares_is_in_points():
    """B2."""
    rule = Rule("share", points=0.5)
    found = bar({"share/hog": (10.0, 12.5, 11.0)}, SHARE, rule, value=11.0, count=0)
    assert (found.below, found.above) == (2.5, 2.5)


def test_quiet_repetitions_come_first_where_there_are_two():
    """B2."""
    assert bar(waits(30.0, 40.0, 45.0), quiet=(True, True, False)).above == pytest.approx(10 * MS)
    assert bar(waits(30.0, 40.0, 45.0), quiet=(True, False, False)).above == pytest.approx(15 * MS)


def test_a_factor_counts_up_to_ten():
    """B2: a p50 that is in one mode or in the other."""
    assert bar(waits(0.01, 970.0, 975.0)).above == pytest.approx(270 * MS)
    assert bar(waits(10.0, 101.0, 20.0)).above == pytest.approx(270 * MS)
    assert bar(waits(10.0, 99.0, 20.0)).above == pytest.approx(8.9 * 30 * MS)


def test_of_switches_the_smaller_spread_counts():
    """B2: their number where messages make them, their rate where ticks do."""
    key, rule = Key("switches", "cpu0"), Rule("switches", relative=0.01)
    assert bar({"switches": (100, 102, 101)}, key, rule, 100).above == pytest.approx(2)


def test_switches_at_one_rate_have_no_spread():
    """B2."""
    one = repetitions({"switches": (100, 200, 300)}, window_s=(1.0, 2.0, 3.0))
    assert one.spread(Key("switches", "cpu0"), 1.0, 2.0) == 0.0


def test_rare_waits_differ_more_in_a_shorter_recording():
    """B3: a quarter as long, twice the spread."""
    often, seldom = waits(20.0, 40.0, 30.0, count=400), waits(20.0, 40.0, 30.0, count=40)
    assert bar(often, count=100, window_s=2.5).above == pytest.approx(30 * MS)
    assert bar(seldom, count=10, window_s=2.5).above == pytest.approx(60 * MS)


@pytest.mark.parametrize("count", [40, 400])
def test_in_a_longer_recording_no_bar_is_narrower_than_what_was_seen(count):
    """B3, B1: between 20 and 40 ms there is a factor 2."""
    assert bar(waits(20.0, 40.0, 30.0, count=count), count=4 * count, window_s=40).above == pytest.approx(30 * MS)


@pytest.mark.parametrize(
    ("key", "figure"),
    [
        (Key("makespan", "build"), "makespan/build_s"),
        (Key("run_length", "hog", "p50"), "run_length/hog/p50_ms"),
        (Key("turnaround", "command alone", "p50"), "turnaround/command alone/p50_ms"),
    ],
)
def test_a_name_without_a_level_has_its_own_spread(key, figure):
    """B5: nobody counted it. Another name that has a level does not stand for it."""
    other = {f"{key.kind}/other/p50_ms": (20.0, 200.0, 30.0), f"{key.kind}/other/count": (9, 9, 9)}
    rule = Rule(key.kind, parts=(key.part,), relative=0.1)
    for more in ({}, other if key.part else {}):
        found = bar({figure: (20.0, 40.0, 30.0), **more}, key, rule)
        assert (found.above, found.why) == (pytest.approx(30 * MS), "spread")


def test_the_package_has_a_spread_of_makespans():
    [one] = [one for one in read_bars("kbuild").sets if all(one.quiet)]
    lengths = one.figures["makespan/build_s"]
    assert one.spread(Key("makespan", "build"), 0.0, 8.0) == pytest.approx(max(lengths) / min(lengths) - 1) != 0


@pytest.mark.parametrize(("nr", "above"), [(99, 60 * MS), (100, 30 * MS)])
def test_waits_are_rare_below_a_hundred(nr, above):
    """B3: a quarter as long, twice the spread."""
    assert bar(waits(20.0, 40.0, 30.0, count=nr), count=nr // 4, window_s=2.5).above == pytest.approx(above)


@pytest.mark.parametrize(("window_s", "spread"), [(15.0, 3.0), (15.1, 1.0)])
def test_windows_up_to_half_as_long_again_are_about_the_same(window_s, spread):
    """B4."""
    one = Repetitions("s", (10.0, 10.0), (True, True), {"share/hog": (10.0, 11.0)})
    other = Repetitions("s", (window_s, window_s), (True, True), {"share/hog": (10.0, 13.0)})
    assert Bars("s", "task", (), (one, other)).spread(SHARE, 10.0, 10.0) == spread


def test_the_sets_with_the_nearest_window_count():
    """B4."""
    short = Repetitions("s", (3.0,), (True,), {"share/hog": (10.0,)})
    long = Repetitions("s", (20.0, 20.0), (True, True), {"share/hog": (10.0, 19.0)})
    bars = Bars("s", "task", (), (short, long))
    assert bars.spread(SHARE, 10.0, 4.0) == 0.0 and bars.spread(SHARE, 10.0, 15.0) == 9.0


def test_of_sets_with_about_the_same_window_the_largest_spread_counts():
    """B4."""
    one = Repetitions("s", (10.0, 10.0), (True, True), {"share/hog": (10.0, 11.0)})
    other = Repetitions("s", (12.0, 12.0), (True, True), {"share/hog": (10.0, 13.0)})
    assert Bars("s", "task", (), (one, other)).spread(SHARE, 10.0, 10.0) == 3.0


def test_an_unknown_name_has_the_spread_of_the_name_whose_level_is_nearest():
    """B5."""
    figures = waits(20.0, 40.0, 30.0, count=1000, name="often") | waits(20.0, 21.0, 20.0, count=10, name="seldom")
    assert bar(figures, count=900).above == pytest.approx(30 * MS)
    assert bar(figures, count=12).why == "ticks"


def test_a_known_name_at_another_level_is_as_good_as_unknown():
    """B5: hog waits 100 times a second there, and here once."""
    figures = waits(20.0, 40.0, 30.0, count=1000) | waits(20.0, 21.0, 20.0, count=10, name="seldom")
    assert bar(figures, count=10).why == "ticks"


@pytest.mark.parametrize(("nr_here", "why"), [(500, "spread"), (499, "ticks"), (2000, "spread"), (2001, "ticks")])
def test_a_level_is_another_one_beyond_a_factor_of_two(nr_here, why):
    """B5: hog waits 1000 times there; the other names, which have no spread, are nearer."""
    figures = waits(20.0, 40.0, 30.0, count=1000)
    for name, nr in (("less", 450), ("more", 2100)):
        figures |= waits(30.0, 30.0, 30.0, count=nr, name=name)
    assert bar(figures, count=nr_here).why == why


@pytest.mark.parametrize(("nr_of_twin", "why"), [(1050, "spread"), (1100, "spread"), (1101, "ticks")])
def test_of_tasks_that_are_alike_the_largest_spread_counts(nr_of_twin, why):
    """B5: up to a tenth; between 20 and 40 ms there is a factor 2."""
    figures = waits(30.0, 30.0, 30.0) | waits(20.0, 40.0, 30.0, count=nr_of_twin, name="twin")
    found = bar(figures)
    assert found.why == why and found.above == pytest.approx(30 * MS if why == "spread" else 4 * MS)


# ---- the package's own data -----------------------------------------------------------------------

SCENARIOS = ["nice-hogs", "two-users", "periodic", "fork-heavy", "messaging", "pipe", "kbuild"]


def split(figure):
    """The key of a figure of the data, and what makes its unit ours."""
    if figure == "switches":
        return Key("switches", "cpu0"), 1.0
    kind, _, rest = figure.partition("/")
    if kind in ("share", "makespan"):
        return Key(kind, rest), 1.0
    name, _, part = rest.rpartition("/")
    return Key(kind, name, part.removesuffix("_ms").replace("jobs", "count")), 1e6 if part.endswith("_ms") else 1.0


def pairs_of(one):
    """Each figure as (key, measured, predicted, count, window): every repetition beside every other one."""
    for figure in one.figures:
        key, unit = split(figure)
        counts = dict(enumerate(one.figures.get(f"{key.kind}/{key.name}/count", [100.0] * 9)))
        found = [(place, value) for place, value in enumerate(one.figures[figure]) if value is not None]
        quiet = [pair for pair in found if one.quiet[pair[0]]]
        for (place, value), (there, other) in itertools.permutations(quiet if len(quiet) > 1 else found, 2):
            rate = one.window_s[place] / one.window_s[there]
            others = (other, other * rate) if key.kind == "switches" else (other,)
            yield key, value * unit, [other * unit for other in others], counts[place] or 0, one.window_s[place]


@pytest.mark.parametrize("scenario", few(SCENARIOS[::-1], 5))
def test_a_real_run_is_inside_the_bars_of_another(scenario):
    """Of the same set: what one kernel does twice is no mistake. Rare waits are scaled by a window that differs."""
    bars = read_bars(scenario)
    nr = 0
    for one in bars.sets:
        alone = Bars(scenario, bars.by, bars.rules, (one,))
        for key, value, others, count, window_s in pairs_of(one):
            rule = alone.rule(key, True)
            ratio = max(others[0], 1e-9) / max(value, 1e-9)
            if rule is None or key.part == "count" or not 0.1 <= ratio <= 10:
                continue
            found = alone.bar(key, rule, value, count, window_s * 1e9, 4 * MS)
            slack = 1.25 if key.part else 1.0  # B3, where the windows of repetitions differ
            inside = [-found.below * slack - 1e-6 <= other - value <= found.above * slack + 1e-6 for other in others]
            assert any(inside), (key, value, others, found)
            nr += 1
    assert nr > 30


def test_bars_are_those_of_the_table():
    """Of issue and page: kind, parts, and the bar, before the spread of the real kernel is looked at."""
    said = {
        "nice-hogs": {("share", 0.5, 0, 0, 0), ("switches", 0, 0.05, 0, 0), ("preempted_wait", 0, 0.1, 1, 0)},
        "periodic": {
            ("share", 0.5, 0, 0, 0),
            ("switches", 0, 0.05, 0, 0),
            ("wakeup_latency", 0, 0.15, 1, 0),
            ("response", 0, 0.2, 0, 0),
        },
        "kbuild": {
            ("share", 1.0, 0, 0, 0),
            ("switches", 0, 0.1, 0, 0),
            ("preempted_wait", 0, 0.2, 1, 0),
            ("turnaround", 0, 0.2, 0, 0),
        },
        "messaging": {
            ("share", 1.0, 0, 0, 0),
            ("switches", 0, 0.1, 0, 0),
            ("wakeup_latency", 0, 0.2, 0, 200_000),
            ("fork_latency", 0, 0.2, 0, 200_000),
            ("preempted_wait", 0, 0.2, 0, 200_000),
        },
    }
    said["two-users"], said["fork-heavy"] = said["nice-hogs"], said["messaging"]
    for scenario, rows in said.items():
        rules = read_bars(scenario).rules
        assert {(r.kind, r.points, r.relative, r.ticks, r.time_ns) for r in rules} == rows


def test_the_pipe_has_one_percent():
    [rule] = [rule for rule in read_bars("pipe").rules if rule.kind == "switches"]
    bars = read_bars("pipe")
    assert rule.relative == 0.01 and bars.bar(Key("switches", "cpu0"), rule, 80_022, 0, 3e8, 4 * MS).why == "relative"


def test_a_scenario_that_is_not_known_has_the_default():
    assert read_bars("sleepers").scenario == read_bars(None).scenario == "default"
    assert read_bars("default").sets == ()


def test_no_set_is_named_after_more_than_its_scenario():
    assert {one.scenario for one in _spread()} == set(SCENARIOS)
    assert all(len(one.window_s) == len(one.quiet) >= 3 for one in _spread())
    assert all(math.isfinite(value) for one in _spread() for values in one.figures.values() for value in values if value)


# ---- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither bars of 's' nor of 'default'"),
        ("default = 3", "default is 3, not a table"),
        ("[default]\nby = 'pid'\nbar = []", "default.by is 'pid', not one of task, comm"),
        ("[default]\nby = 'comm'", "default.bar is missing"),
        ("[default]\nby = 'comm'\nbar = [{}]", "default.bar[0].kind is missing"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'shares'}]", "did you mean 'share'?"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'share', pionts = 1}]", "did you mean 'points'?"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'share', points = -1}]", "points is -1, not a number of 0"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'share', points = nan}]", "points is nan"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'share', points = true}]", "points is True"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'response', parts = ['p42']}]", "parts[0] is 'p42'"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'response', time = '5'}]", "time is '5', not a time with its unit"),
        ("[default]\nby = 'comm'\nbar = [{kind = 'response', names = [3]}]", "names[0] is 3, not a text"),
        ("[default]\nsame_as = 'x'", "same_as is 'x'"),
        ("[default]\nsame_as = 'x'\n[x]\nsame_as = 'default'", "same_as"),
        ("[default", "is not TOML"),
        ("\x00", "is not TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text, words):
    path = tmp_path / "bars.toml"
    path.write_text(text)
    with pytest.raises(TruthError) as error:
        read_bars("s", path)
    assert words in str(error.value) and "\n" not in str(error.value)


TEXT = (Path(bars_module.__file__).parent / "bars.toml").read_text()


@pytest.mark.slow
@given(st.integers(0, len(TEXT)), st.integers(0, 60), st.text(max_size=6), st.sampled_from([*SCENARIOS, "x", None]))
def test_a_file_with_junk_in_it_is_read_or_refused(tmp_path_factory, begin, length, junk, scenario):
    path = tmp_path_factory.mktemp("bars") / "bars.toml"
    path.write_text(TEXT[:begin] + junk + TEXT[begin + length :], encoding="utf-8", errors="replace")
    try:
        read_bars(scenario, path)
    except TruthError as error:
        assert "\n" not in str(error)


def test_a_file_may_have_other_scenarios(tmp_path):
    path = tmp_path / "bars.toml"
    path.write_text("[mine]\nby = 'task'\nbar = [{kind = 'share', points = 3}]\n[other]\nsame_as = 'mine'")
    assert read_bars("other", path).rules == read_bars("mine", path).rules == (Rule("share", points=3.0),)
    with pytest.raises(TruthError):
        read_bars("third", path)
