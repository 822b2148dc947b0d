"""What the kernel says about its own events: the texts in a recording that give each field its place.

What it decides: that no offset, size or number of an event is known beforehand. All of them differ between
kernels, word sizes and builds, and every perf.data and trace.dat file carries the description of its own
events (the "format" files of tracefs). The names of fields and events are what does not change.

The letters of a task's state are read from the print format of sched_switch in the same file, for they have
been renumbered five times; only a recording without one (Perfetto's) is read by the release of its kernel.

A file may be written to be slow to read. So no pattern here may run on from many places of a text: what it
passes over is bounded, or stops where the next match could begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .binary import Bytes, decoded

__all__ = ["Description", "Field", "Format", "States", "read_description", "read_format", "states_of_kernel"]

FORMAT_BYTES_MAX = 1 << 20
PRINT_CHARS_MAX = 1 << 14
NR_FORMATS_MAX = 1 << 16
MAGIC = b"\x17\x08\x44tracing"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event.

    Attributes
    ----------
    at, size : int
        Where it is in the record, and of how many bytes.
    signed : bool
    how : {"integer", "text", "data_loc", "rel_loc"}
        `text` is a char array; the last two are places of a text elsewhere in the record.
    """

    at: int
    size: int
    signed: bool
    how: str


@dataclass(frozen=True, slots=True)
class Format:
    """One event: its system, name, number, fields by name, and how the kernel prints it."""

    system: str
    name: str
    id: int
    fields: dict[str, Field]
    print_format: str


@dataclass(frozen=True, slots=True)
class States:
    """What the bits of prev_state mean.

    Attributes
    ----------
    mask : int
        The bits that say why a task sleeps; 0 there: it is still runnable.
    preempted : int
        The bit of a task that was preempted.
    letters : tuple of (int, str)
    """

    mask: int
    preempted: int
    letters: tuple[tuple[int, str], ...]

    def bits(self, letters: str) -> int:
        """All bits that are written as one of these letters."""
        return sum({bit for bit, letter in self.letters if letter in letters}) & self.mask

    def text(self, value: int) -> str:
        """The letters of a value, as the kernel prints them."""
        rest = value & self.mask
        if not rest:
            return "R" + "+" * bool(value & self.preempted)
        words = [letter for bit, letter in self.letters if bit and rest & bit == bit]
        unknown = rest & ~sum({bit for bit, _ in self.letters})
        words += [f"{unknown:#x}"] if unknown else []
        return "|".join(words) + "+" * bool(value & self.preempted)


@dataclass(slots=True)
class Description:
    """All that the head of a recording says about events.

    Attributes
    ----------
    byteorder : str
    long_size, page_size : int
    header_page : dict
        The fields of a page of the ring buffer.
    header_event : str
    formats : list of Format
    end : int
        Where the formats end in what was read; symbols and texts of printk follow.
    has_cmdlines : bool
        Whether the names of tasks follow behind those.
    """

    byteorder: str = "little"
    long_size: int = 8
    page_size: int = 4096
    header_page: dict[str, Field] = field(default_factory=dict)
    header_event: str = ""
    formats: list[Format] = field(default_factory=list)
    end: int = 0
    has_cmdlines: bool = False

    @property
    def states(self) -> States:
        """The states by the print format of sched_switch; without one, those of today's kernels."""
        prints = (f.print_format for f in self.formats if f.name == "sched_switch")
        return states_of_format(next(prints, "")) or states_of_kernel("")


# ---- one event


FIELD = re.compile(
    r"^[ \t]*field:(?P<declaration>[^;]{0,200});\s*offset:(?P<at>\d{1,5});\s*size:(?P<size>\d{1,5});"
    r"(?:\s*signed:(?P<signed>[01]);)?",
    re.MULTILINE,
)
NAMED = re.compile(r"\b(\w++)\s*+(\[[^\]]*\])?$")
UNSIGNED = re.compile(r"\b(unsigned|bool|u8|u16|u32|u64|size_t|umode_t)\b")


def read_fields(text: str) -> dict[str, Field]:
    """The fields in the lines that begin with "field:"."""
    return dict(_fields(text))


def _fields(text: str) -> Iterator[tuple[str, Field]]:
    for match in FIELD.finditer(text):
        declaration = match["declaration"].strip()
        named = NAMED.search(declaration)
        if named is None:
            continue
        signed = match["signed"] == "1" if match["signed"] else not UNSIGNED.search(declaration)
        yield named[1], Field(int(match["at"]), int(match["size"]), signed, _how(declaration, named[2]))


def _how(declaration: str, brackets: str | None) -> str:
    if declaration.startswith("__data_loc"):
        return "data_loc"
    if declaration.startswith("__rel_loc"):
        return "rel_loc"
    return "text" if brackets else "integer"


def read_format(system: str, text: str) -> Format | None:
    """An event; None if the text has no name or number."""
    name = re.search(r"^name:\s*(\S+)", text, re.MULTILINE)
    number = re.search(r"^ID:\s*(\d{1,9})\s*$", text, re.MULTILINE)
    if name is None or number is None:
        return None
    _, _, print_format = text.partition("print fmt:")
    return Format(system, name[1], int(number[1]), read_fields(text), print_format.strip())


# ---- the states of a task


def states_of_format(print_format: str) -> States | None:
    """The states by the print format of sched_switch; None if it is not understood."""
    print_format = print_format[:PRINT_CHARS_MAX]
    mask = re.search(r"REC->prev_state\s*&(.{0,2000}?)\?\s*__print_flags", print_format, re.DOTALL)
    flags = re.search(r"__print_flags\((.*)", print_format, re.DOTALL)
    if mask is None or flags is None:
        return None
    letters = re.findall(r"\{\s*(0x[0-9a-fA-F]{1,8}|\d{1,9})\s*,\s*\"([^\"]*)\"\s*\}", flags[1])
    value = evaluated(_balanced(mask[1]))
    numbered = [(bit, letter) for number, letter in letters if (bit := evaluated(number)) is not None]
    if value is None or not letters or len(numbered) < len(letters):
        return None
    preempted = re.findall(r"REC->prev_state\s*&([^?\"]{0,2000})\?\s*\"\+\"", print_format)
    bit = evaluated(_balanced(preempted[-1])) if preempted else 0
    return States(value, bit or 0, tuple(numbered))


def _balanced(text: str) -> str:
    # The brackets around the whole condition are opened before what was cut out.
    text = text.strip()
    return text[: -(text.count(")") - text.count("("))] if text.count(")") > text.count("(") else text


LEVELS = (("|",), ("&",), ("<<", ">>"), ("+", "-"))
TOKEN = re.compile(r"\s*(0x[0-9a-fA-F]+|\d+|<<|>>|[|&+\-()~])")
TOKENS_MAX = 200
DEPTH_MAX = 32
"""Of brackets: each takes six calls, and Python has a thousand."""


def evaluated(text: str) -> int | None:
    """The value of an expression of numbers, with operators and brackets as in C; None if it is none."""
    tokens: list[str] = []
    at = depth = 0
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or len(tokens) == TOKENS_MAX or depth > DEPTH_MAX:
            return None
        tokens.append(match[1])
        depth += (match[1] == "(") - (match[1] == ")")
        at = match.end()
    try:
        value = _expression(tokens, 0)
    except (IndexError, ValueError):
        return None
    return None if tokens else value


def _expression(tokens: list[str], level: int) -> int:
    if level == len(LEVELS):
        return _operand(tokens)
    value = _expression(tokens, level + 1)
    while tokens and tokens[0] in LEVELS[level]:
        value = _applied(tokens.pop(0), value, _expression(tokens, level + 1))
    return value


def _operand(tokens: list[str]) -> int:
    token = tokens.pop(0)
    if token == "~":
        return ~_operand(tokens) & 0xFFFFFFFFFFFFFFFF
    if token != "(":
        return int(token, 0) & 0xFFFFFFFFFFFFFFFF
    value = _expression(tokens, 0)
    if tokens.pop(0) != ")":
        raise ValueError
    return value


def _applied(operator: str, one: int, two: int) -> int:
    if operator in ("<<", ">>") and two > 63:
        raise ValueError
    table = {
        "|": lambda: one | two,
        "&": lambda: one & two,
        "<<": lambda: one << two,
        ">>": lambda: one >> two,
        "+": lambda: one + two,
        "-": lambda: one - two,
    }
    return table[operator]() & 0xFFFFFFFFFFFFFFFF


OLD = (
    (1, "S"),
    (2, "D"),
    (4, "T"),
    (8, "t"),
    (0x10, "X"),
    (0x20, "Z"),
    (0x40, "x"),
    (0x80, "K"),
    (0x100, "W"),
)
STATES = (
    # from which release on, the bit of "preempted", the letters
    ((4, 14), 0x100, (*OLD[:6], (0x40, "P"), (0x80, "I"))),
    ((4, 8), 0x1000, (*OLD, (0x200, "P"), (0x400, "N"), (0x800, "n"))),
    ((4, 2), 0x800, (*OLD, (0x200, "P"), (0x400, "N"))),
    ((3, 9), 0x400, (*OLD, (0x200, "P"))),
    ((0, 0), 0x200, OLD),
)


def states_of_kernel(release: str) -> States:
    """The states of a kernel by its release; of one that is not said, today's."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", release)
    version = (int(match[1]), int(match[2])) if match else (99, 0)
    _, preempted, letters = next(row for row in STATES if version >= row[0])
    return States(preempted - 1, preempted, letters)


# ---- all events


def read_description(b: Bytes, *, has_cmdlines: bool | None = None) -> Description:
    """The head that perf.data and trace.dat share, from its magic on.

    Parameters
    ----------
    b : Bytes
        It is left at the first byte after the head; its byte order becomes the head's.
    has_cmdlines : bool, optional
        Whether the names of tasks follow; default: by the version.
    """
    if bytes(b.take(len(MAGIC), "the magic of tracing data")) != MAGIC:
        raise b.fail("the magic of tracing data")
    version = b.text("the version of the tracing data", 32)
    d = read_sizes(b)
    read_header_formats(b, d)
    for _ in range(count(b, "the number of ftrace's formats", 8)):
        b.part(b.u64("the length of a format"), "a format of ftrace")
    d.formats = read_systems(b)
    d.end, d.has_cmdlines = b.at, version in ("0.6", "6") if has_cmdlines is None else has_cmdlines
    b.part(b.u32("the length of kallsyms"), "kallsyms")
    b.part(b.u32("the length of the printk formats"), "the printk formats")
    if d.has_cmdlines:
        b.part(b.u64("the length of the names of tasks"), "the names of tasks")
    return d


def read_sizes(b: Bytes) -> Description:
    """The byte order, the size of a long and that of a page."""
    order = b.u8("the byte order")
    b.byteorder = "big" if order == 1 else "little"
    d = Description(b.byteorder, b.u8("the size of a long"), b.u32("the size of a page"))
    if order > 1 or d.long_size not in (4, 8):
        raise b.fail(f"byte order 0 or 1 and a long of 4 or 8 bytes, not {order} and {d.long_size}")
    return d


def read_header_formats(b: Bytes, d: Description) -> None:
    """What the ring buffer says about its pages and its entries."""
    if b.text('"header_page"', 32) != "header_page":
        raise b.fail('"header_page"')
    d.header_page = read_fields(_format_text(b, "the format of a page"))
    if b.text('"header_event"', 32) != "header_event":
        raise b.fail('"header_event"')
    d.header_event = _format_text(b, "the format of an entry")


def read_systems(b: Bytes) -> list[Format]:
    """The events of all systems."""
    formats = []
    for _ in range(count(b, "the number of systems", 5)):
        system = b.text("the name of a system")
        for _ in range(count(b, "the number of events", 8)):
            formats.append(read_format(system, _format_text(b, f"a format of {system}")))
    return [f for f in formats if f is not None]


def _format_text(b: Bytes, expected: str) -> str:
    length = b.u64(f"the length of {expected}")
    if length > FORMAT_BYTES_MAX:
        raise b.fail(f"{expected} of at most {FORMAT_BYTES_MAX} bytes, not {length}")
    return decoded(bytes(b.take(length, expected)))


def count(b: Bytes, expected: str, bytes_each: int) -> int:
    """A number of things of which each takes some bytes at least."""
    nr = b.u32(expected)
    if nr > NR_FORMATS_MAX or nr * bytes_each > b.left:
        raise b.fail(
            f"{expected}, at most {min(NR_FORMATS_MAX, b.left // bytes_each)}, before here, not {nr}"
        )
    return nr
