"""Values out of a file that somebody wrote, each with its place: a wrong one is one sentence.

What it decides: how a document of JSON or TOML is walked. A `Field` knows the file and the path to itself, so
that an error says where it is, what stands there, and what is allowed. A value of a wrong type, a number that
is none, and a file of another format are the same kind of error: `TruthError`.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import TruthError, did_you_mean
from ..limits import NS_MAX
from ..units import clean, cut, listed

__all__ = ["Field", "read_json", "read_toml"]

BYTES_MAX = 1 << 26
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Field:
    """A value and where it stands.

    Parameters
    ----------
    value : object
    file, path : str
        ``tasks[3].pid``; the whole document has an empty path.
    """

    value: Any
    file: str
    path: str = ""

    def wrong(self, allowed: str) -> TruthError:
        """What to raise: what stands here, and what may."""
        where = f"{self.path} is" if self.path else "it holds"
        shown = "null" if self.value is None else cut(clean(repr(self.value)), 40)
        return TruthError(f"{self.file}: {where} {shown}, not {allowed}")

    def __getitem__(self, name: str) -> Field:
        """A field that must be there."""
        if name not in self.table():
            raise TruthError(f"{self.file}: {self._below(name)} is missing")
        return Field(self.value[name], self.file, self._below(name))

    def get(self, name: str) -> Field | None:
        """A field, or None if it is not there or null."""
        return None if self.table().get(name) is None else self[name]

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def table(self) -> dict[str, Any]:
        """Its fields by name."""
        if not isinstance(self.value, dict):
            raise self.wrong("a table of fields")
        return self.value

    def items(self) -> Iterator[tuple[str, Field]]:
        """Name and field, of each."""
        return ((name, self[name]) for name in self.table())

    def elements(self) -> list[Field]:
        """Its elements."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [Field(value, self.file, f"{self.path}[{i}]") for i, value in enumerate(self.value)]

    def text(self) -> str:
        """Characters, at least one."""
        if not isinstance(self.value, str) or not self.value:
            raise self.wrong("a text")
        return self.value

    def integer(self, least: int = 0, most: int = NS_MAX) -> int:
        """A whole number in a range."""
        if type(self.value) is not int or not least <= self.value <= most:
            raise self.wrong(f"a whole number of {least} ... {most}")
        return self.value

    def number(self, least: float = 0.0, most: float = float(NS_MAX)) -> float:
        """A number in a range."""
        is_one = type(self.value) in (int, float) and math.isfinite(self.value)
        if not is_one or not least <= self.value <= most:
            raise self.wrong(f"a number of {least:g} ... {most:g}")
        return float(self.value)

    def flag(self) -> bool:
        """True or false."""
        if type(self.value) is not bool:
            raise self.wrong("true or false")
        return self.value

    def one_of(self, known: tuple[str, ...] | list[str]) -> str:
        """One of these words."""
        if self.value not in known:
            slip = did_you_mean(self.value, known) if isinstance(self.value, str) else ""
            raise TruthError(f"{self.wrong(f'one of {listed(known, 12)}')}{slip}")
        return str(self.value)

    def only(self, known: tuple[str, ...]) -> None:
        """Raise if there is a field of another name: it would have no effect."""
        for name in self.table():
            if name not in known:
                what = f"{self.file}: {self._below(name)} is unknown; there are {listed(known, 12)}"
                raise TruthError(what + did_you_mean(name, known))


def read_json(path: str | os.PathLike[str]) -> Field:
    """A file of JSON, plain or gzip."""
    name, content = _content(path)
    try:
        return Field(json.loads(content), name)
    except (ValueError, RecursionError) as error:
        raise TruthError(f"{name}: is not JSON: {cut(clean(str(error)), 100)}") from None


def read_toml(path: str | os.PathLike[str]) -> Field:
    """A file of TOML."""
    name, content = _content(path)
    try:
        return Field(tomllib.loads(content), name)
    except (ValueError, RecursionError) as error:
        raise TruthError(f"{name}: is not TOML: {cut(clean(str(error)), 100)}") from None


def _content(path: str | os.PathLike[str]) -> tuple[str, str]:
    name = clean(os.fspath(path))
    with open(path, "rb") as file:
        content = file.read(BYTES_MAX + 1)
    if content.startswith(GZIP):
        content = _unpacked(name, content)
    if len(content) > BYTES_MAX:
        raise TruthError(f"{name}: has more than {BYTES_MAX >> 20} MiB")
    try:
        return name, content.decode()
    except UnicodeDecodeError as error:
        raise TruthError(f"{name}: is not UTF-8 text: byte {error.start} is none") from None


def _unpacked(name: str, content: bytes) -> bytes:
    import io

    try:
        with gzip.open(io.BytesIO(content)) as file:
            return file.read(BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise TruthError(f"{name}: cannot be unpacked: {clean(str(error))}") from None
