"""Numbers and texts out of bytes that cannot be trusted.

What it decides: the one sentence with which reading a damaged file ends. Every read is checked against the
end of its part. If something is missing, the error names the byte of the file where it should be. This
reads the parts of a container that are read once (headers, tables of contents, descriptions); the events
are read by compiled code.
"""

from __future__ import annotations

from typing import Literal

from ..errors import RecordingError

__all__ = ["Bytes", "damage"]


def damage(name: str, offset: int, expected: str) -> RecordingError:
    """The error for bytes that are not what they should be."""
    return RecordingError(f"{name} is damaged or cut: at byte {offset} there should be {expected}")


class Bytes:
    """A part of a file and a place in it.

    Parameters
    ----------
    data : bytes-like
        The part.
    name : str
        The file's name, for messages.
    start : int
        The byte of the file at which the part begins.
    byteorder : {"little", "big"}

    Attributes
    ----------
    at : int
        The place, from the beginning of the part; each read moves it.
    """

    def __init__(
        self, data: memoryview | bytes, name: str, start: int = 0, byteorder: str = "little"
    ) -> None:
        self.data = memoryview(data)
        self.name = name
        self.start = start
        self.byteorder = byteorder
        self.at = 0

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return len(self.data) - self.at

    def fail(self, expected: str) -> RecordingError:
        """The error for what stands here."""
        return damage(self.name, self.start + self.at, expected)

    def take(self, length: int, expected: str) -> memoryview:
        """The next bytes."""
        if length > self.left:
            raise self.fail(f"{expected}: {length} bytes, and {self.left} are left")
        self.at += length
        return self.data[self.at - length : self.at]

    def part(self, length: int, expected: str) -> Bytes:
        """The next bytes as a part of its own."""
        start = self.start + self.at
        return Bytes(self.take(length, expected), self.name, start, self.byteorder)

    def number(self, size: int, expected: str, *, signed: bool = False) -> int:
        """An integer of so many bytes."""
        return int.from_bytes(self.take(size, expected), order_of(self.byteorder), signed=signed)

    def u8(self, expected: str) -> int:
        """An unsigned byte."""
        return self.number(1, expected)

    def u16(self, expected: str) -> int:
        """Two bytes, unsigned."""
        return self.number(2, expected)

    def u32(self, expected: str) -> int:
        """Four bytes, unsigned."""
        return self.number(4, expected)

    def u64(self, expected: str) -> int:
        """Eight bytes, unsigned."""
        return self.number(8, expected)

    def text(self, expected: str, length_max: int = 1 << 16) -> str:
        """Bytes up to a NUL, which is passed over."""
        there = bytes(self.data[self.at : self.at + length_max])
        end = there.find(0)
        if end < 0:
            raise self.fail(f"{expected}, and its end within {length_max} bytes")
        self.at += end + 1
        return decoded(there[:end])


def order_of(byteorder: str) -> Literal["little", "big"]:
    """The same, for type checkers."""
    return "big" if byteorder == "big" else "little"


def decoded(raw: bytes) -> str:
    """Text of the kernel: names may be cut inside a character."""
    return raw.decode("utf-8", "surrogateescape")
