"""Numbers as text and text as numbers: exact, short, and safe on a terminal."""

import pytest

from cfs.units import (
    NS_PER,
    UNITS,
    clean,
    count_text,
    ns_of,
    percent,
    seconds_text,
    share_text,
    short_time,
    time_text,
    unit_of,
)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("4 ms", 4_000_000),
        ("4.5ms", 4_500_000),
        ("2s", 2_000_000_000),
        ("20us", 20_000),
        ("20 \u00b5s", 20_000),
        ("20 \u03bcs", 20_000),
        ("0.1 s", 100_000_000),
        ("0.000000001 s", 1),
        ("1000000000000000.001 us", 1_000_000_000_000_000_001),  # more digits than a float has
        ("4611686018427387904 ns", 2**62),
    ],
)
def test_times_are_read_exactly(text, ns):
    assert ns_of(text) == ns


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("4", "a duration is a number and a unit"),
        ("4  ms", "a duration"),
        ("-4 ms", "a duration"),
        ("4 min", "a duration"),
        ("four ms", "a duration"),
        ("0.5 ns", "no whole number of ns"),
        ("0.0000001 us", "no whole number of ns"),
        ("4611686018427387905 ns", "longer than 2**62 ns"),
        ("1" * 100, "..."),
    ],
)
def test_what_is_no_time_is_said(text, word):
    with pytest.raises(ValueError) as error:
        ns_of(text)
    assert word in str(error.value) and len(str(error.value)) < 200


def test_a_time_is_written_in_units_that_can_be_read():
    assert all(NS_PER[name] == size for name, size in UNITS)
    assert [size for _, size in UNITS] == sorted(size for _, size in UNITS)


def test_the_units_of_the_simpy_adapter_are_these():
    pytest.importorskip("simpy")
    from cfs.adapters.simpy import UNITS as of_simpy

    assert list(of_simpy.items()) == [("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1)]


@pytest.mark.parametrize(
    ("ns", "text"), [(0, "0 ns"), (998, "998 ns"), (1000, "1 µs"), (2.5e6, "2.5 ms"), (1e12, "1e+03 s")]
)
def test_a_time_at_an_axis_is_short(ns, text):
    assert short_time(ns) == text


@pytest.mark.parametrize(
    ("span_ns", "unit"), [(1, (1, "ns")), (1999, (1, "ns")), (2000, (10**3, "µs")), (2 * 10**9, (10**9, "s"))]
)
def test_the_ticks_of_a_span_are_short_numbers(span_ns, unit):
    assert unit_of(span_ns) == unit


def test_shares_counts_and_titles():
    assert [percent(share) for share in (0, 0.0001, 0.2475)] == ["", "< 0.1 %", "24.8 %"]
    assert [count_text(number, "switch", "es") for number in (1, 2)] == ["1 switch", "2 switches"]
    assert seconds_text(3_306_742_863) == "3.307 s"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (1, "1 ns"),
        (999, "999 ns"),
        (1000, "1.00 µs"),
        (9_994, "9.99 µs"),
        (9_995, "10.0 µs"),
        (99_949, "99.9 µs"),
        (99_950, "100 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (123_456_789, "123 ms"),
        (999_500_000, "1.00 s "),
        (86_400 * 10**9, "86400 s "),
    ],
)
def test_times_have_three_digits(ns, text):
    assert time_text(ns) == text


def test_shares_and_names():
    assert share_text(1 / 3) == "33.33%"
    assert clean("a\x1b[2Jb\u202e") == "a?[2Jb?"
