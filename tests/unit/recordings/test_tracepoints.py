"""The kernel's descriptions of its events. Way to be right: what kernels of six eras print of themselves."""

import struct

import pytest

from cfs import RecordingError
from cfs.recordings.binary import Bytes
from cfs.recordings.tracepoints import (
    FIELD,
    Field,
    States,
    evaluated,
    read_description,
    read_fields,
    read_format,
    states_of_format,
    states_of_kernel,
)

TODAY = (
    '"prev_comm=%s ...", REC->prev_comm, (REC->prev_state & ((((0x00000000 | 0x00000001 | 0x00000002 | 0x00000004 '
    "| 0x00000008 | 0x00000010 | 0x00000020 | 0x00000040) + 1) << 1) - 1)) ? __print_flags(REC->prev_state & "
    "((((0x00000000 | 0x00000001 | 0x00000002 | 0x00000004 | 0x00000008 | 0x00000010 | 0x00000020 | 0x00000040) + 1) "
    '<< 1) - 1), "|", { 0x00000001, "S" }, { 0x00000002, "D" }, { 0x00000004, "T" }, { 0x00000008, "t" }, '
    '{ 0x00000010, "X" }, { 0x00000020, "Z" }, { 0x00000040, "P" }, { 0x00000080, "I" }) : "R", REC->prev_state & '
    "(((0x00000000 | 0x00000001 | 0x00000002 | 0x00000004 | 0x00000008 | 0x00000010 | 0x00000020 | 0x00000040) + 1) "
    '<< 1) ? "+" : "", REC->next_comm'
)
OF_3_1X = (
    'REC->prev_prio, REC->prev_state & (1024-1) ? __print_flags(REC->prev_state & (1024-1), "|", { 1, "S"} , '
    '{ 2, "D" }, { 4, "T" }, { 8, "t" }, { 16, "Z" }, { 32, "X" }, { 64, "x" }, { 128, "K" }, { 256, "W" }, '
    '{ 512, "P" }) : "R", REC->prev_state & 1024 ? "+" : "", REC->next_comm'
)
FORMAT = """name: sched_switch
ID: 372
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;
\tfield:__data_loc char[] comm;\toffset:24;\tsize:4;\tsigned:0;
\tfield:__rel_loc char[] other;\toffset:28;\tsize:4;\tsigned:0;
\tfield:long prev_state;\toffset:32;\tsize:8;
\tfield:u64 runtime;\toffset:40;\tsize:8;

print fmt: "x", REC->prev_comm
"""


def test_the_states_of_today():
    states = states_of_format(TODAY)
    assert (states.mask, states.preempted) == (0xFF, 0x100) and states == states_of_kernel("6.18.44")
    assert [states.text(v) for v in (0, 1, 2, 0x10, 0x80, 0x100, 0x102)] == [
        "R",
        "S",
        "D",
        "X",
        "I",
        "R+",
        "D+",
    ]
    assert states.bits("XZx") == 0x30


def test_the_states_of_3_1x():
    states = states_of_format(OF_3_1X)
    assert (states.mask, states.preempted) == (1023, 1024)
    assert [states.text(v) for v in (0, 1024, 130, 64)] == ["R", "R+", "D|K", "x"]


@pytest.mark.parametrize(
    ("release", "preempted", "letter_of_0x40"),
    [("2.6.33", 0x200, "x"), ("3.8.1", 0x200, "x"), ("3.9", 0x400, "x"), ("4.1-rc", 0x400, "x"), ("4.4.0", 0x800, "x"),
     ("4.9.1", 0x1000, "x"), ("4.14.98", 0x100, "P"), ("4.19", 0x100, "P"), ("", 0x100, "P"), ("Linux", 0x100, "P")],
)  # fmt: skip
def test_states_by_release(release, preempted, letter_of_0x40):
    states = states_of_kernel(release)
    assert states.preempted == preempted and states.text(0x40) == letter_of_0x40


def test_unknown_bits_are_shown_as_numbers():
    assert States(0xFF, 0x100, ((1, "S"),)).text(0x141) == "S|0x40+"


@pytest.mark.parametrize("text", ["", "REC->prev_state & ? __print_flags(", "REC->prev_state & 1 << 99 ? __print_flags(",
                                  TODAY.replace("0x00000040", "0y"), "(" * 5000])  # fmt: skip
def test_a_print_format_that_is_not_understood_is_none(text):
    assert states_of_format(text) is None


@pytest.mark.parametrize("text", [" " * 16384 + TODAY, TODAY.replace("& (", "& " + " " * 2000 + "(")])
def test_a_print_format_without_end_is_not_looked_through(text):
    """Each place of a text at which a search begins may cost its whole length: such a text is refused."""
    assert states_of_format(text) is None


def test_the_number_of_a_state_is_one():
    """Python takes no number with zeros in front, and such a format must not end the reading."""
    assert states_of_format(TODAY.replace("0x00000001, ", "000000001, ")) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 | 2 + 4", 7),
        ("1 + 1 << 1", 4),
        ("(1 | 2) & ~1", 2),
        ("2048-1", 2047),
        ("6 & 3 | 8", 10),
        ("0x10 >> 4", 1),
        ("(" * 32 + "1" + ")" * 32, 1),
        ("(1)+" * 40 + "1", 41),
    ],
)
def test_expressions_bind_as_in_c(text, value):
    assert evaluated(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "(1", "1)", "1 2", "a", "1 << 64", "+" * 300, "(" * 150 + "1" + ")" * 150, "(" * 199,
     "(" * 40 + "1" + ")" * 40, "~(" * 99, "01"],
)  # fmt: skip
def test_what_is_no_expression_is_none(text):
    assert evaluated(text) is None


def test_a_format():
    f = read_format("sched", FORMAT)
    assert (f.name, f.id, f.print_format) == ("sched_switch", 372, '"x", REC->prev_comm')
    assert f.fields["prev_comm"] == Field(8, 16, False, "text")
    assert f.fields["comm"] == Field(24, 4, False, "data_loc") and f.fields["other"].how == "rel_loc"
    assert f.fields["prev_state"] == Field(
        32, 8, True, "integer"
    )  # as kernels before 2.6.33 leave "signed" out
    assert f.fields["runtime"] == Field(40, 8, False, "integer")
    assert read_format("sched", "name: x\n") is None


def test_a_declaration_without_end_is_none():
    """It would be looked through from each of its lines, and blank lines from each of them."""
    assert read_fields(f"\tfield:{'long ' * 41}x;\toffset:8;\tsize:8;\tsigned:1;") == {}
    assert FIELD.search("\n\n\n\tfield:int x;\toffset:8;\tsize:8;").start() == 3


HEAD = (
    b"\x17\x08\x44tracing" b"0.6\0" b"\0\x08" + struct.pack("<I", 4096)
    + b"header_page\0" + struct.pack("<Q", 0) + b"header_event\0" + struct.pack("<Q", 0)
    + struct.pack("<I", 0)
    + struct.pack("<I", 1) + b"sched\0" + struct.pack("<IQ", 1, len(FORMAT)) + FORMAT.encode()
    + struct.pack("<II", 0, 0) + struct.pack("<Q", 0)
)  # fmt: skip


def test_a_description():
    b = Bytes(HEAD + b"behind", "x")
    d = read_description(b)
    assert [f.name for f in d.formats] == ["sched_switch"] and bytes(b.take(6, "")) == b"behind"


@pytest.mark.parametrize("length", range(0, len(HEAD), 7))
def test_a_description_that_is_cut_says_where(length):
    with pytest.raises(RecordingError, match=r"x is damaged or cut: at byte \d+ there should be "):
        read_description(Bytes(HEAD[:length], "x"))


def test_counts_and_lengths_are_held_against_what_is_left():
    for place, more in ((HEAD.index(b"sched\0") - 4, 1 << 20), (HEAD.index(b"sched\0") + 6, 1 << 31)):
        content = bytearray(HEAD)
        struct.pack_into("<I", content, place, more)
        with pytest.raises(RecordingError, match="at most"):
            read_description(Bytes(bytes(content), "x"))
    content = bytearray(HEAD)
    struct.pack_into("<Q", content, HEAD.index(b"sched\0") + 10, 1 << 40)
    with pytest.raises(RecordingError, match="at most 1048576 bytes"):
        read_description(Bytes(bytes(content), "x"))
