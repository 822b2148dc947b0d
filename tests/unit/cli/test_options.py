"""Options: what they look like, and their text as a value."""

import json
from dataclasses import dataclass
from typing import Annotated

import pytest

from tests.unit.cli.commands import HOGS, run

import typer
from typer.testing import CliRunner

from cfs.cli.app import command_named  # after the helper, which skips without typer
from cfs.cli.groups import Group, expanded
from cfs.cli.outputs import OUTPUTS


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


def options_of(command):
    """The options of a command, each with how it looks."""
    parameters = command_named(command).params
    return {
        name: (option.metavar, option.nargs, option.multiple, option.help)
        for option in parameters
        for name in option.opts
        if name.startswith("--")
    }


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
