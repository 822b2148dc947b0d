"""Options: what they look like, and their text as a value."""

import json

import pytest

from tests.unit.cli.commands import HOGS, run

from cfs.cli.app import command_named  # after the helper, which skips without typer


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


@pytest.mark.parametrize(
    "option",
    "hz group-by cpu only without outside bare group uid nice policy slice seed from until by top json html "
    "parquet".split(),
)
def test_options_of_one_name_are_one_option(option):
    assert options_of("replay")[f"--{option}"] == options_of("compare")[f"--{option}"]
