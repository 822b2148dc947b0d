"""Checks that a report can be written, before the work and not after it."""

from __future__ import annotations

import os

from ..errors import CfsError

__all__ = ["check_folder"]


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise unless the file can be made, or one that is there be written again."""
    name = os.fspath(path)
    folder = os.path.dirname(name)
    if not name:
        raise CfsError("a file to be written has an empty name")
    if folder and not os.path.isdir(folder):
        raise CfsError(f"{name}: there is no directory {folder}")
    if os.path.isdir(name):
        raise CfsError(f"{name} is a directory; name a file in it")
    if not os.access(name if os.path.exists(name) else folder or os.curdir, os.W_OK):
        raise CfsError(f"{name}: you may not write there")
