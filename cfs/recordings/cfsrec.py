"""``.cfsrec``: a recording and what no recording says, in one file that ``cfs record`` writes.

What it decides: the container. It is a zip with two members, so that anybody can open it with what is at
hand:

    surroundings.json   `Surroundings`, see `surroundings`
    recording           perf.data, or text of ftrace or perf script, as every reader here takes it

It is told from other zip archives by these names; nothing is ever unpacked to a disk, so what a member is
called can do no harm. The same content is written as the same bytes: members in this order, times of 1980.

Z1  A file that is damaged, cut, encrypted, packed otherwise than `write` packs (stored is as good), or has other
    members, is one `RecordingError`. Other packings may need modules that this Python lacks, and raise what those
    raise.
Z2  What is unpacked is bounded: the JSON by `JSON_BYTES_MAX`, a binary recording by what `Source.whole`
    takes; text passes through block by block and needs no memory.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from ..errors import RecordingError
from ..units import clean, listed
from .source import Source
from .surroundings import Surroundings, from_json, to_json

__all__ = ["is_cfsrec", "opened", "write"]

MAGIC = b"PK\x03\x04"
JSON, RECORDING = "surroundings.json", "recording"
JSON_BYTES_MAX = 1 << 26
YEAR_0 = (1980, 1, 1, 0, 0, 0)
ENCRYPTED = 1
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
TROUBLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    EOFError,
    RuntimeError,
    ValueError,
    OSError,
    OverflowError,
)
"""What zipfile raises for a file that nobody should have written."""


def is_cfsrec(source: Source) -> bool:
    """Is it a zip archive? `opened` then says whether it is one of ours."""
    return source.head().startswith(MAGIC)


def opened(
    source: Source, progress: Callable[[int, int | None], object] | None
) -> tuple[Source, Surroundings]:
    """The recording in a file, to be read like any other, and the surroundings.

    Raises
    ------
    RecordingError
        It is another zip archive, or Z1.
    """
    name, data = source.name, source.whole()
    try:
        archive = zipfile.ZipFile(_View(data))
    except TROUBLE as error:
        raise _damaged(name, error) from None
    members = _members(archive, name)
    said = from_json(_json(archive, members[JSON], name), name)
    stream: Any = _Member(archive, members[RECORDING], name)
    inner = Source(stream, progress)
    if is_cfsrec(inner):
        raise RecordingError(f"{name} has another zip archive where its recording should be")
    return inner, said


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """The two members; errors say what it is instead."""
    there = [info.filename for info in archive.infolist()]
    if JSON not in there:
        raise RecordingError(f"{name} is a zip archive; unpack it, and give the recording in it")
    if RECORDING not in there:
        raise RecordingError(f"{name} has no member {RECORDING!r}, so it is no whole .cfsrec")
    others = [member for member in there if member not in (JSON, RECORDING)]
    if others or len(there) != 2:
        what = listed(others) if others else "one of them twice"
        raise RecordingError(
            f"{name} has members that no .cfsrec has: {what}; there are {JSON} and {RECORDING}"
        )
    return {info.filename: info for info in archive.infolist()}


def _json(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    content = _Member(archive, info, name).read(JSON_BYTES_MAX + 1)
    if len(content) > JSON_BYTES_MAX:
        raise RecordingError(f"{name}: its {JSON} is longer than {JSON_BYTES_MAX >> 20} MiB")
    return content


def _damaged(name: str, error: BaseException | str) -> RecordingError:
    why = clean(str(error))[:100] or type(error).__name__
    return RecordingError(f"{name} is damaged, cut, or packed as no .cfsrec is: {why}")


class _View(io.RawIOBase):
    """Bytes that are in memory, or mapped there, as a file: zipfile wants to seek, and this copies nothing."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = (0, self.at, len(self.data))[whence]
        if start + offset < 0:
            raise ValueError("a place before the beginning")
        self.at = start + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        found = self.data[self.at : self.at + len(buffer)]
        buffer[: len(found)] = found
        self.at += len(found)
        return len(found)


class _Member(io.RawIOBase):
    """A member as a stream; what is wrong with it is a `RecordingError`."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> None:
        self.name = name
        if info.flag_bits & ENCRYPTED:
            raise RecordingError(f"{name} is encrypted, and no .cfsrec is")
        if info.compress_type not in PACKINGS:
            raise _damaged(name, f"its compression is number {info.compress_type}, neither none nor deflate")
        try:
            self.stream = archive.open(info)
        except TROUBLE as error:
            raise _damaged(name, error) from None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """As of any stream."""
        try:
            return self.stream.read(size)
        except TROUBLE as error:
            raise _damaged(self.name, error) from None


# --------------------------------------------------------------------------------------------------- writing


def write(path: str | os.PathLike, said: Surroundings, recording: BinaryIO) -> None:
    """Write a file: the same content is the same bytes.

    Parameters
    ----------
    path : str or os.PathLike
        It is replaced when all has been written, and not before.
    said : Surroundings
    recording : binary file object
        perf.data or text; it is copied block by block.
    """
    part = f"{os.fspath(path)}.part"
    try:
        with zipfile.ZipFile(part, "w") as archive:
            with archive.open(_info(JSON), "w") as member:
                member.write(to_json(said))
            with archive.open(_info(RECORDING), "w", force_zip64=True) as member:
                while block := recording.read(1 << 20):
                    member.write(block)
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, YEAR_0)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.create_system = 3
    return info
