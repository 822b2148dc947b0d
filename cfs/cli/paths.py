"""The files that a command reads and writes: no two of them are one.

What it decides: when two names are one file. Links are followed. What is no file (``/dev/null``, a pipe) may be
named several times, and so may standard input and output, of which `outputs` and `inputs` say more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import typer

__all__ = ["STDOUT", "require_apart"]

STDOUT = "-"


def require_apart(written: Iterable[tuple[str, str]], read: Iterable[str | None] = ()) -> None:
    """Raise if a file would be written over another one.

    Parameters
    ----------
    written : iterable of (str, str)
        Options with their files.
    read : iterable of str or None
        Files that are read, None for one that is not given.
    """
    taken = {_true_name(path): "is read" for path in read if path is not None and _is_file(path)}
    for option, path in written:
        if not _is_file(path):
            continue
        use = taken.setdefault(_true_name(path), f"is written by {option}")
        if use != f"is written by {option}":
            raise typer.BadParameter(f"{path} {use}; name another file.", param_hint=option)


def _is_file(path: str) -> bool:
    """Is it one, or will it be?"""
    return path != STDOUT and (os.path.isfile(path) or not os.path.exists(path))


def _true_name(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))
