"""Durations, integers and names: exact, or refused with the line."""

import pytest

from .texts import TASK, TOP, one_task, program


@pytest.mark.parametrize(
    "text, ns",
    [
        ("0 s", 0), ("7 ns", 7), ("0.1 us", 100), ("1.5µs", 1500), ("2 μs", 2000), ("0.3 ms", 300_000),
        ("  12.000001   ms ", 12_000_001), ("0.000000001 s", 1), ("4611686018.427387904 s", 2**62),
    ],
)  # fmt: skip
def test_durations_are_exact(read, text, ns):
    assert program(read(one_task(f'"run {text}"'))) == [("RUN", ns, 0)]


FAULTY = [
    ("duration = 5 #!", "5 is no duration: a duration is a number and a unit"),
    ("\n\nduration = '0 s' #!", "too short"),
    ("duration = '1 s .. 2 s' #!", "one duration, not a range"),
    ("duration = '1 s'\nseed = -1 #!", "seed = -1 is no integer from 0 to 18446744073709551615"),
    ("duration = '1 s'\nseed = 1.5 #!", "seed"),
    (TOP + "durration = '1 s' #!", "there is no 'durration' in a scenario; there are duration, seed"),
    (TASK + "program = ['run 5'] #!", "'5' is no duration"),
    (TASK + "program = ['run 5 min'] #!", "'5 min' is no duration"),
    (TASK + "program = ['run 0.5 ns'] #!", "no whole number of ns"),
    (TASK + "program = ['run 200000000000 s'] #!", "146 years"),
    (TASK + "program = ['run 1 s .. 5 ms'] #!", "the shorter duration comes first"),
    (TASK + "program = ['run 1 .. 5 ms'] #!", "'1' is no duration"),
    (TASK + "program = ['run ٣ ms'] #!", "is no duration"),
    (TASK + "program = ['next 0 ms'] #!", "too short: at least 1 ns"),
]  # fmt: skip


@pytest.mark.parametrize("text, what", FAULTY)
def test_the_line_is_named(refuse, text, what):
    refuse(text, what)
