"""A TOML file as read, and the place of everything in it.

    bytes -> text -> tomllib's tables, and the line of each key and value (`Lines`)

Rejected: search for the text of a faulty value to find its line (the same text may occur twice).
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import WorkloadError

__all__ = ["File", "Path"]

BYTES_MAX = 4_000_000
"""Longest file; what people write is a thousand times smaller."""

Path = tuple[str | int, ...]
"""The place of a key or value in a file: ("task", 0, "program", 2) is the third operation of the first
task."""


@dataclass(eq=False)
class File:
    """A TOML file as read, and the place of everything in it."""

    name: str
    tables: dict[str, Any]
    lines: dict[Path, int]

    @classmethod
    def read(cls, path: str | os.PathLike | BinaryIO) -> File:
        name = _name_of(path)
        text = _text(name, path)
        try:
            return cls(name, tomllib.loads(text), Lines(text).lines)
        except RecursionError:
            raise WorkloadError(f"{name}, line 1: the arrays or tables are nested too deeply") from None
        except ValueError as error:  # TOMLDecodeError, and what int() says of a number of thousands of digits
            raise WorkloadError(_syntax_message(name, text, str(error))) from None

    def wrong(self, path: Path, message: str) -> WorkloadError:
        """The error for the value at `path`, or for the nearest table around it that has a line."""
        while path not in self.lines:
            path = path[:-1]
        return WorkloadError(f"{self.name}, line {self.lines[path]}: {message}")


def _name_of(path: Any) -> str:
    if hasattr(path, "read"):
        name = getattr(path, "name", "")
        return name if isinstance(name, str) and name else "stream"
    name = os.fsdecode(path)
    return "stdin" if name == "-" else name


def _text(name: str, path: Any) -> str:
    stdin: Any = sys.stdin
    try:
        if hasattr(path, "read"):
            content = path.read(BYTES_MAX + 1)
        elif os.fsdecode(path) == "-":
            content = getattr(stdin, "buffer", stdin).read(BYTES_MAX + 1)
        else:
            with open(path, "rb") as stream:
                content = stream.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise WorkloadError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > BYTES_MAX:
        raise WorkloadError(f"{name}: is longer than {BYTES_MAX} bytes, so it is no scenario")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WorkloadError(f"{name}, line {line}: is no TOML file: a byte that is no UTF-8 text") from None


def _syntax_message(name: str, text: str, message: str) -> str:
    place = re.search(r" \(at line (\d+), column \d+\)$| \(at end of document\)$", message)
    if place is None:
        return f"{name}, line 1: is no TOML file: {message}"
    line = place[1] or text.count("\n") + (not text.endswith("\n"))
    return f"{name}, line {line}: is no TOML file: {message[: place.start()]}"


class Lines:
    """The line of each key and value of a text that tomllib accepts.

    It reads only the parts of TOML that this needs: tokens, headers, keys, arrays and inline tables.
    """

    TOKEN = re.compile(
        r'''(?P<skip>[ \t]+|\#[^\n]*)
          | (?P<string>"""(?:\\.|[^\\])*?"{3,5} | \'\'\'.*?\'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
          | (?P<mark>[\[\]{}=,.\n])
          | (?P<bare>[^\s\[\]{}=,.\#"']+|.)''',
        re.VERBOSE | re.DOTALL,
    )

    def __init__(self, text: str):
        self.lines: dict[Path, int] = {(): 1}
        self._elements: dict[Path, int] = {}  # of each array of tables, the index of its last one
        self._tokens: list[tuple[str, str, int]] = []
        self._at = 0
        line = 1
        for match in self.TOKEN.finditer(text):
            if match.lastgroup != "skip":
                self._tokens.append((match.lastgroup or "", match[0], line))
            line += match[0].count("\n")
        self._tokens.append(("end", "", line))
        self._read_file()

    def _peek(self) -> str:
        kind, text, _ = self._tokens[self._at]
        return text if kind == "mark" else kind

    def _take(self) -> tuple[str, str, int]:
        token = self._tokens[self._at]
        self._at += token[0] != "end"
        return token

    def _read_file(self) -> None:
        table: Path = ()
        while self._peek() != "end":
            if self._peek() == "\n":
                self._take()
            elif self._peek() == "[":
                table = self._read_header()
            else:
                self._read_pair(table)

    def _read_header(self) -> Path:
        line = self._take()[2]
        is_array = self._peek() == "["
        keys = self._read_key("]")
        path: Path = ()
        for depth, key in enumerate(keys, 1):
            path += (key,)
            if is_array and depth == len(keys):
                self._elements[path] = self._elements.get(path, -1) + 1
            self.lines.setdefault(path, line)
            if path in self._elements:
                path += (self._elements[path],)
                self.lines.setdefault(path, line)
        if is_array:
            self._take()
        return path

    def _read_key(self, end: str) -> list[str]:
        keys = []
        while self._peek() not in (end, "end"):
            kind, text, _ = self._take()
            if kind == "string":
                keys.append(tomllib.loads(f"_ = {text}")["_"])
            elif kind == "bare":
                keys.append(text)
        self._take()
        return keys

    def _read_pair(self, table: Path) -> None:
        line = self._tokens[self._at][2]
        for key in self._read_key("="):
            table += (key,)
            self.lines.setdefault(table, line)
        self._read_value(table)

    def _read_value(self, path: Path) -> None:
        self.lines.setdefault(path, self._tokens[self._at][2])
        opening = self._peek()
        if opening not in ("[", "{"):
            while self._peek() not in ("]", "}", ",", "\n", "end"):
                self._take()
            return
        self._take()
        index = 0
        while self._peek() not in ("]", "}", "end"):
            if self._peek() in (",", "\n"):
                self._take()
            elif opening == "{":
                self._read_pair(path)
            else:
                self._read_value((*path, index))
                index += 1
        self._take()
