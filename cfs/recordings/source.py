"""From a path, an open file or standard input to blocks of text.

What it decides: whether the bytes are compressed, and whether they are something that no reader here
understands. The first bytes show both, never a name. Compressed files (gzip; zstd with the extra `zstd`) are
unpacked block by block, so a text that unpacks to a terabyte takes time but no memory. A recording that must
be there as a whole is mapped into memory if it is a plain file; otherwise it is put together.

A compressed file that ends too early, or has a damaged end, gives all text before the damage. A sentence for
`Recording.warnings` is the only sign of it.
"""

from __future__ import annotations

import contextlib
import importlib
import mmap
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ..errors import MissingExtraError, RecordingError, how_to_install

__all__ = ["Source", "unpacked_zlib", "unpacked_zstd", "zstd"]

GZIP = 31  # zlib's word for a gzip header and the largest window
DAMAGED_STEP_BYTES = 256
ZSTD = b"\x28\xb5\x2f\xfd"
ZSTD_STEP_BYTES = 512  # 4 bytes of zstd may stand for 128 KiB: so many at a time make 16 MiB at most
BLOCK_BYTES = 1 << 18  # fits the second-level cache; 16 times more is no faster (measured 2025-11, EPYC)

READABLE = "recordings are perf.data, trace.dat, Perfetto traces, .cfsrec files, and text of perf script or ftrace"
PERF_SCRIPT = "perf script --ns -F comm,pid,tid,cpu,time,event,trace -i FILE"
HEAD_BYTES = 1 << 16  # as much shows what it is
WHOLE_BYTES_MAX = 1 << 32
CTF = "a CTF trace, as LTTng writes it; record with perf sched record or trace-cmd instead"
FOREIGN = {
    b"PERFFILE": "perf.data of version 1, from before Linux 2.6.33; give the text that its own perf prints",
    b"ELIFFREP": "perf.data of version 1, from before Linux 2.6.33; give the text that its own perf prints",
    b"\xfd7zXZ": "compressed with xz; unpack it, or pipe it in: xzcat FILE | cfs replay -",
    b"BZh": "compressed with bzip2; unpack it, or pipe it in: bzcat FILE | cfs replay -",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it, and give the recording in it",
    b"TRACE:\n": "compressed text of atrace -z; record without -z",
    b"/* CTF 1": f"the metadata of {CTF}",
    b"\xc1\x1f\xfc\xc1": f"a stream of {CTF}",
    b"\xc1\xfc\x1f\xc1": f"a stream of {CTF}",
    b"\x7fELF": "a program, not a recording; give what perf record or trace-cmd record wrote",
    b"\xff\xfe\0\0": "text in UTF-32; make it UTF-8: iconv -f UTF-32 -t UTF-8 FILE | cfs replay -",
    b"\0\0\xfe\xff": "text in UTF-32; make it UTF-8: iconv -f UTF-32 -t UTF-8 FILE | cfs replay -",
    b"\xff\xfe": "text in UTF-16; make it UTF-8: iconv -f UTF-16 -t UTF-8 FILE | cfs replay -",
    b"\xfe\xff": "text in UTF-16; make it UTF-8: iconv -f UTF-16 -t UTF-8 FILE | cfs replay -",
}
FOLDERS = {
    "header": "a recording of perf record --threads; record without --threads",
    "metadata": CTF,
    "trace_pipe": "a folder of tracefs; give the file trace in it",
}


class Source:
    """Where a recording is read from.

    Parameters
    ----------
    path : str, os.PathLike or binary file object
        ``"-"`` is standard input.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_total)`` after each block; `bytes_total` is None for a pipe.
        Bytes of the file, before unpacking.

    Attributes
    ----------
    name : str
        The file's name without folders.
    warnings : list of str
        What was wrong with the compression; complete when the blocks have been read.
    """

    def __init__(
        self, path: str | os.PathLike | BinaryIO, progress: Callable[[int, int | None], object] | None = None
    ) -> None:
        self.path = path
        self.progress = progress
        self.warnings: list[str] = []
        self.name = self._name()
        self.is_packed = False
        self._head: bytes | None = None
        self._rest: Iterator[bytes] = iter(())

    def _name(self) -> str:
        if hasattr(self.path, "read"):
            name = getattr(self.path, "name", "")
            return os.path.basename(name) if isinstance(name, str) and name else "stream"
        path = os.fspath(self.path)
        return "stdin" if path in ("-", b"-") else os.path.basename(os.fsdecode(path))

    def head(self) -> bytes:
        """The first bytes, unpacked; `RecordingError` if they cannot be read or are something else.

        `MissingExtraError` if it is compressed with zstd and nothing here can unpack that.
        """
        if self._head is None:
            raw = self._raw_blocks()
            head = _first(raw, 16)
            self.is_packed = head[:2] == b"\x1f\x8b" or head.startswith(ZSTD)
            if head[:2] == b"\x1f\x8b":
                raw = self._unpacked(head, raw)
            elif head.startswith(ZSTD):
                raw = self._unpacked_zstd(head, raw)
            head = _first(raw, HEAD_BYTES, b"" if self.is_packed else head)
            if what := foreign(head):
                raise RecordingError(f"{self.name} is {what}")
            self._head, self._rest = head, raw
        return self._head

    def blocks(self) -> Iterator[bytes]:
        """All of it, unpacked, block by block; errors as of `head`."""
        yield self.head()
        yield from self._rest

    def whole(self) -> memoryview:
        """All of it, unpacked, as one; errors as of `head`."""
        self.head()
        path: Any = self.path
        if not self.is_packed and not hasattr(path, "read") and os.path.isfile(path):
            with open(path, "rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        data = bytearray()
        for block in self.blocks():
            data += block
            if len(data) > WHOLE_BYTES_MAX:
                raise RecordingError(
                    f"{self.name} unpacks to more than {WHOLE_BYTES_MAX >> 20} MiB, and its kind must be "
                    "there as a whole: unpack it to a file"
                )
        return memoryview(data)

    def _raw_blocks(self) -> Iterator[bytes]:
        given: Any = self.path  # what it is, is seen here
        stdin: Any = sys.stdin  # whoever put a stream of its own there may have no bytes below
        try:
            if hasattr(given, "read"):
                yield from self._read(given)
            elif os.fspath(given) in ("-", b"-"):
                yield from self._read(getattr(stdin, "buffer", stdin))
            else:
                with open(given, "rb", buffering=0) as file:
                    yield from self._read(file)
        except (OSError, ValueError) as error:
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(
                folder_text(self.path, self.name)
                or f"cannot read {self.name}: {getattr(error, 'strerror', None) or error}"
            ) from error

    def _read(self, file: BinaryIO) -> Iterator[bytes]:
        total, done = _length(file), 0
        while block := file.read(BLOCK_BYTES):
            if not isinstance(block, bytes | bytearray | memoryview):
                kind = type(block).__name__
                raise RecordingError(f"{self.name} gives {kind}; open it in binary mode ('rb')")
            done += len(block)
            yield bytes(block)
            if self.progress is not None:
                self.progress(done, total)

    def _unpacked(self, head: bytes, raw: Iterator[bytes]) -> Iterator[bytes]:
        # Several members may follow each other, as `cat a.gz b.gz` makes them; zeros may pad the end.
        unpack, block = zlib.decompressobj(GZIP), head
        while True:
            before = unpack.copy()
            try:
                text = unpack.decompress(block, BLOCK_BYTES)
            except zlib.error as error:
                self.warnings.append(f"the compressed file is damaged ({error}): read up to there")
                yield from _until_damage(before, block)
                return
            yield text
            block = unpack.unconsumed_tail
            if unpack.eof:
                block = unpack.unused_data.lstrip(b"\0") or next(raw, b"").lstrip(b"\0")
                if not block:
                    return
                unpack = zlib.decompressobj(GZIP)
            elif not block and len(text) < BLOCK_BYTES and not (block := next(raw, b"")):
                self.warnings.append("the compressed file is cut: read up to there")
                return

    def _unpacked_zstd(self, head: bytes, raw: Iterator[bytes]) -> Iterator[bytes]:
        # Several frames may follow each other, as `cat a.zst b.zst` makes them.
        new, error_class = zstd(f"{self.name} is", "pipe it in: zstdcat FILE | cfs replay -")
        unpack, block, is_begun = new(), head, False
        while block:
            for at in range(0, len(block), ZSTD_STEP_BYTES):
                rest = block[at : at + ZSTD_STEP_BYTES]
                while rest:
                    try:
                        text = unpack.decompress(rest)
                    except error_class as error:
                        self.warnings.append(f"the compressed file is damaged ({error}): read up to there")
                        return
                    if text:
                        yield text
                    is_begun = not unpack.eof
                    rest, unpack = (b"", unpack) if is_begun else (unpack.unused_data, new())
            block = next(raw, b"")
        if is_begun:
            self.warnings.append("the compressed file is cut: read up to there")


def _first(blocks: Iterator[bytes], length: int, head: bytes = b"") -> bytes:
    """So many bytes, or as many as there are."""
    while len(head) < length and (block := next(blocks, None)) is not None:
        head += block
    return head


def foreign(head: bytes) -> str:
    """What a file with these first bytes is, if no reader here understands it, and what to do; else ""."""
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            return what
    for end, zeros in (("LE", head[1:64:2]), ("BE", head[0:64:2])):
        if len(zeros) > 8 and not any(zeros) and head.count(b"\0", 0, 64) == len(zeros):
            return f"text in UTF-16; make it UTF-8: iconv -f UTF-16{end} -t UTF-8 FILE | cfs replay -"
    if head and not any(head):
        return f"nothing but zeros, {len(head)} bytes or more: it was never written, or its disk was full"
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it, and give the recording in it"
    if head.lstrip()[:1] == b"{" or head.lstrip().startswith(b"[{"):
        return "JSON, as Chrome writes traces, not a recording of the scheduler; give the file it was made of"
    if b"sch delay" in head[:4096] and b"run time" in head[:4096]:
        lacks = "which lacks wakeups and states"
        return f"the table of perf sched timehist, {lacks}; give perf.data, or {PERF_SCRIPT}"
    return ""


def folder_text(path: object, name: str) -> str:
    """What a folder is, and what to do; "" if it is none."""
    if not isinstance(path, str | os.PathLike) or not os.path.isdir(path):
        return ""
    what = next((text for file, text in FOLDERS.items() if os.path.exists(os.path.join(path, file))), None)
    return f"{name} is {what or 'a folder; give the recording in it'}"


def zstd(what: str, way_out: str) -> tuple[Callable[[], Any], type[Exception]]:
    """What makes an object that unpacks one frame, and what it raises: Python 3.14's own, or of zstandard.

    `MissingExtraError` if neither is there: ``<what> compressed with zstd: <how to install>, or <way_out>``.
    """
    with contextlib.suppress(ImportError):
        ours = importlib.import_module("compression.zstd")
        return ours.ZstdDecompressor, ours.ZstdError
    with contextlib.suppress(ImportError):
        others = importlib.import_module("zstandard")
        return lambda: others.ZstdDecompressor().decompressobj(), others.ZstdError
    raise MissingExtraError(f"{what} compressed with zstd: {how_to_install('zstd')}, or {way_out}")


def unpacked_zlib(packed: bytes, length_max: int) -> bytes | None:
    """What one zlib stream holds; None if it is damaged, or longer than that."""
    unpack = zlib.decompressobj()
    try:
        plain = unpack.decompress(packed, length_max + 1)
    except zlib.error:
        return None
    return plain if unpack.eof and len(plain) <= length_max else None


def unpacked_zstd(packed: bytes, length_max: int, what: str, way_out: str) -> bytes | None:
    """The same of a zstd frame, which need not have an end; `MissingExtraError` as of `zstd`."""
    new, error_class = zstd(what, way_out)
    unpack, plain = new(), bytearray()
    try:
        for at in range(0, len(packed), ZSTD_STEP_BYTES):
            plain += unpack.decompress(packed[at : at + ZSTD_STEP_BYTES])
            if len(plain) > length_max:
                return None
    except (error_class, EOFError):
        return None
    return bytes(plain)


def _until_damage(unpack: zlib._Decompress, block: bytes) -> Iterator[bytes]:
    # What zlib unpacked before it saw the damage is lost in the exception, so once more in small steps.
    with contextlib.suppress(zlib.error):
        while text := unpack.decompress(block, DAMAGED_STEP_BYTES):
            yield text
            block = unpack.unconsumed_tail


def _length(file: BinaryIO) -> int | None:
    try:
        size = os.fstat(file.fileno()).st_size
    except (OSError, AttributeError, ValueError):
        return None
    return size or None
