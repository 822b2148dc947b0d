"""Checks that a report can be written, before the work and not after it."""

from __future__ import annotations

import os

from ..errors import CfsError

__all__ = ["check_folder"]


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise unless the file can be made: its directory must exist."""
    folder = os.path.dirname(os.fspath(path))
    if folder and not os.path.isdir(folder):
        raise CfsError(f"{os.fspath(path)}: there is no directory {folder}")
