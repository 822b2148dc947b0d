"""Options: what they look like, and their text as a value."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated

import pytest

from tests.unit.cli.commands import HOGS, assert_refused, run

import typer
from typer.testing import CliRunner

from cfs.cli.app import command_named  # after the helper, which skips without typer
from cfs.cli import options
from cfs.cli.groups import Group, expanded
from cfs.cli.options import FORMS
from cfs.cli.outputs import OUTPUTS
from cfs.models.registry import all_models


@pytest.mark.parametrize("value", ["off", "False", "no", "0"])
def test_feature_bits_are_written_as_people_write_them(value):
    content = json.loads(run("replay", HOGS, "--set", f"START_DEBIT={value}", "--json", "-").stdout)
    assert content["tunables"]["START_DEBIT"] is False


@pytest.mark.parametrize(
    "value", ["6000000", "6_000_000", "6ms", "6 ms", "6.0ms", "6000us", "0x5b8d80", "0.006s"]
)
def test_times_are_written_as_people_write_them(value):
    content = json.loads(run("replay", HOGS, "--set", f"sched_latency_ns={value}", "--json", "-").stdout)
    assert content["tunables"]["sched_latency_ns"] == 6_000_000


@pytest.mark.parametrize("option", ["--cpu", "--nice", "--group", "--uid", "--hz", "--set", "--until", "--seed"])
def test_a_number_of_thousands_of_digits_is_one_sentence(option):
    """Python's own int() raises a ValueError above 4300 digits."""
    many = "9" * 5000
    of = {"--nice": "hog*=", "--group": "hog*=a:", "--uid": "hog*=1:", "--set": "sched_latency_ns="}
    assert_refused(run("replay", HOGS, option, of.get(option, "") + many), option)


def options_of(command):
    """The options of a command, each with how it looks."""
    parameters = command_named(command).params
    return {
        name: (option.metavar, option.nargs, option.multiple, option.help)
        for option in parameters
        for name in option.opts
        if name.startswith("--")
    }


def test_a_form_is_written_once():
    for word, form in FORMS.items():
        assert options_of("replay")[f"--{word}"][0] == form


def test_completion_knows_the_items_of_a_column_and_models_of_other_packages(monkeypatch):
    foreign = dataclasses.replace(all_models()["rfs-model"], id="mine-1", summary="ours")
    monkeypatch.setattr(options, "all_models", lambda: all_models() | {"mine-1": foreign})
    assert options.complete_model("mine") == [("mine-1", "ours")]
    words = [word for word, _ in options.complete_model("mine-1:hz=100,")]
    assert {"mine-1:hz=100,tick-phase=", "mine-1:hz=100,rfs_slice_ns=", "mine-1:hz=100,nice:"} <= set(words)
    assert options.complete_model("mine-1:preempt=v") == [("mine-1:preempt=voluntary", "")]


def test_compare_and_replay_have_the_same_options():
    without_log = {"--no-log"}  # a comparison shows lag over time, which only the runs know
    assert set(options_of("replay")) - without_log == set(options_of("compare"))


@pytest.mark.parametrize("other", ["compare", "validate"])
def test_options_of_one_name_are_one_option(other):
    one, two = options_of("replay"), options_of(other)
    own = {"--model", "--set", "--top", "--json", "--plot"}  # of several models; with other defaults and files
    written = {output.option for output in OUTPUTS if output.help_compared}
    shared = (set(one) & set(two)) - own - written
    assert {"--hz", "--cpu", "--bare", "--seed", "--group-by", "--slice"} <= shared
    assert {name: one[name] for name in shared} == {name: two[name] for name in shared}


@dataclass(frozen=True)
class Pair(Group):
    first: Annotated[int, typer.Option("--first")] = 1
    second: Annotated[int, typer.Option("--second")] = 2


def got_with(*arguments, default=None):
    """What a command with a group gets."""
    got = []

    def with_default(*, third: int = 3, pair: Pair = default):
        got.append((third, pair))

    def without(*, third: int = 3, pair: Pair):
        got.append((third, pair))

    alone = typer.Typer()
    alone.command()(expanded(with_default if default else without))
    result = CliRunner().invoke(alone, arguments)
    assert result.exit_code == 0, result.output
    return got[0]


def test_a_group_comes_as_one_value_beside_other_options():
    assert got_with("--second", "5", "--third", "6") == (6, Pair(1, 5))


def test_a_command_may_have_other_defaults():
    assert got_with("--first", "7", default=Pair(second=8)) == (3, Pair(7, 8))
