"""A checkout that hides the installed package, as numpy's does: what an import error means there.

What it decides: whether a module is missing because nobody has built it, or not since its source came or changed. Then
the error says so and what to do. It imports nothing of the package, because nothing of it may be there.
"""

from __future__ import annotations

import os

__all__ = ["explained"]

PACKAGE = os.path.dirname(__file__)


def explained(error: ImportError) -> ImportError | None:
    """A better error, if a module of ours has its source here and is not built from it; None: something else is
    missing.
    """
    package, root = os.path.basename(PACKAGE), os.path.dirname(PACKAGE)
    name = error.name or ""
    source = os.path.join(root, *name.split(".")) + ".pyx"
    if not name.startswith(f"{package}.") or not os.path.exists(source):
        return None
    if not os.path.exists(os.path.join(root, "setup.py")):
        return None
    how = "is not built for this Python" if isinstance(error, ModuleNotFoundError) else "was built from other sources"
    return ImportError(
        f"this is the source tree of cfs ({root}), and {name} {how}: leave the "
        "directory to import the installed package, or build it here with "
        "`python setup.py build_ext --inplace` (or `make test`)"
    )
