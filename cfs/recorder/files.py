"""Small files of the kernel, below a root folder, and why one of them could not be read.

What it decides: nothing of these files is trusted to be there, to be readable, or to be short. A file that
cannot be read is None, and its reason is kept until somebody asks for it: whoever tries several places for
one fact tells the user all of them in one sentence, or none if one place had it.
"""

from __future__ import annotations

import contextlib
import os
import re

__all__ = ["Root", "integer"]

BYTES_MAX = 1 << 22
NUMBER = re.compile(r"-?[0-9]{1,19}")


def integer(text: str) -> int | None:
    """A whole number as the kernel writes it; None if it is something else, or of more than 64 bits."""
    text = text.strip()
    return int(text) if NUMBER.fullmatch(text) else None


class Root:
    """A folder below which /proc, /sys and /boot are; ``"/"`` is this machine.

    Parameters
    ----------
    path : str or os.PathLike

    Attributes
    ----------
    not_read : list of str
        What could not be read, and why, a sentence each.
    """

    def __init__(self, path: str | os.PathLike = "/") -> None:
        self.path = os.fspath(path).rstrip("/")
        self.not_read: list[str] = []
        self._reasons: dict[str, str] = {}

    @property
    def is_this_machine(self) -> bool:
        """Is it the machine that this runs on? Then the kernel can be asked by calls, too."""
        return self.path == ""

    def place(self, name: str) -> str:
        """Where a file is, to be opened."""
        return f"{self.path}{name}"

    def bytes(self, name: str) -> bytes | None:
        """What is in a file, its beginning if it is long; None if it cannot be read."""
        try:
            file = os.open(self.place(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                return _all_of(file)
            finally:
                os.close(file)
        except (OSError, ValueError) as error:
            self._reasons[name] = getattr(error, "strerror", None) or str(error)
            return None

    def text(self, name: str) -> str | None:
        """The same as text; names of tasks may be cut inside a character."""
        content = self.bytes(name)
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def number(self, name: str) -> int | None:
        """The integer that is all of a file; None if it is something else."""
        return integer(self.text(name) or "")

    def names(self, name: str) -> list[str]:
        """What is in a folder, sorted; nothing if it cannot be read."""
        try:
            return sorted(os.listdir(self.place(name)))
        except OSError as error:
            self._reasons[name] = error.strerror or str(error)
            return []

    def has(self, name: str) -> bool:
        """Is there such a file or folder?"""
        return os.path.exists(self.place(name))

    def miss(self, what: str, *places: str) -> None:
        """Say that a fact could not be read, and why, in each place where it might have been."""
        reasons = [f"{place}: {self._reasons.get(place, 'says nothing of it')}" for place in places]
        self.say("; ".join([f"{what}: {reasons[0]}", *reasons[1:]]) if reasons else what)

    def say(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence not in self.not_read:
            self.not_read.append(sentence)


def _all_of(file: int) -> bytes:
    content = b""
    with contextlib.suppress(BlockingIOError):  # how the kernel's log ends
        while len(content) < BYTES_MAX and (block := os.read(file, 1 << 16)):
            content += block
    return content
