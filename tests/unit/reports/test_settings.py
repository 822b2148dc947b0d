"""Tunables that were changed: the terminal, the page and a comparison say the same, and nothing untrue."""

import re
from html import unescape

import pytest

import cfs
from cfs.reports import result_html
from cfs.reports.settings import changed_tunables, settings_text, tunables_text
from tests.quick import slow
from tests.unit.cli.commands import CFS, EEVDF, HOGS, run

DEFAULTS = "tunables at their defaults"


def said_by_the_terminal(command, *options):
    """What stands after the ticks and the grouping in the line about the model."""
    (line,) = [line for line in run(command, HOGS, *options).stdout.splitlines() if line.startswith("model ")]
    return line.partition(", hz ")[2].partition(", ")[2] or line.partition(": ")[2]


def said_by_the_page(path, *options):
    assert run("replay", HOGS, *options, "--html", path).exit_code == 0
    facts = re.findall(r'<p class="facts">([^<]*)</p>', path.read_text(encoding="utf-8"))
    return unescape(facts[-1])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        slow((("--hz", "250"), DEFAULTS)),
        slow(((), DEFAULTS)),
        slow((("--cpu", "all"), DEFAULTS)),
        slow((("--cpu", "all", "--only", "hog1*"), DEFAULTS)),  # on one CPU of the two that are asked for
        slow((("--set", "base_slice_ns=5ms"), f"base_slice_ns=5000000, other {DEFAULTS}")),
        (("--hz", "250", "--set", "RUN_TO_PARITY=off"), f"RUN_TO_PARITY=off, other {DEFAULTS}"),
    ],
)
def test_terminal_page_and_comparison_agree_on_what_was_changed(options, expected, tmp_path):
    """Issue 11: at --hz 250 the terminal said tick_nsec=4000000, and the page that nothing was changed."""
    options = ("--model", EEVDF, *options)
    assert said_by_the_terminal("replay", *options) == expected
    assert said_by_the_page(tmp_path / "page.html", *options) == expected
    assert said_by_the_terminal("compare", *options) == expected


@pytest.mark.parametrize("model", list(cfs.MODELS))
@pytest.mark.parametrize("hz", [100, 250, 1000])
@pytest.mark.parametrize("cpus", [1, 3])
def test_s1_what_follows_from_ticks_and_cpus_is_not_changed(model, hz, cpus):
    work = cfs.Workload.of_programs({f"hog {i}": [("run", 10**6)] for i in range(cpus)}, cpu={
        f"hog {i}": i for i in range(cpus)
    })
    result = cfs.Simulation(work, model, hz=hz).run(until_ns=10**6)
    assert changed_tunables(result, cfs.MODELS[model]) == {}


def test_s1_a_tunable_that_follows_from_ticks_is_changed_if_somebody_writes_it():
    work = cfs.Workload.of_programs({"hog": [("run", 10**6)]})
    result = cfs.Simulation(work, EEVDF, hz=250, tick_nsec=10**6).run(until_ns=10**6)
    assert tunables_text(result) == f"tick_nsec=1000000, other {DEFAULTS}"
    assert "tick_nsec=1000000" in result_html(result)


def test_s2_a_feature_bit_is_shown_by_its_name():
    work = cfs.Workload.of_programs({"hog": [("run", 10**6)]})
    result = cfs.Simulation(work, CFS, START_DEBIT=False).run(until_ns=10**6)
    assert changed_tunables(result, cfs.MODELS[CFS]) == {"START_DEBIT": False}


def test_a_policy_in_python_has_no_tunables_to_speak_of():
    recorded = cfs.Recording.open(HOGS).result(cpu=0)
    assert tunables_text(recorded) == ""


def test_settings_are_written_as_people_write_them():
    assert settings_text({"a": 1, "B": True, "C": False}) == ["a=1", "B=on", "C=off"]
