"""The command `cfs`, and ``python -m cfs``: says what to install if the command line's packages are missing.

`cfs --version` is answered here, before typer is imported, which takes as long again as all of the rest.
"""

from __future__ import annotations

import sys

from ._source_tree import explained
from ._version import __version__
from .errors import how_to_install


def main() -> int:
    """Run the command line.

    Returns
    -------
    int
        Exit status: 0 after the version, 2 if the extra ``cli`` is not installed; otherwise the command exits
        by itself.
    """
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"cfs {__version__}\n")
        return 0
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError as error:
        needed = error.name or "typer and rich"
        sys.stderr.write(f"cfs: the command line needs {needed}: {how_to_install('cli')}\n")
        return 2
    from .cli import run

    try:
        return run()
    except ImportError as error:  # what a command needs is imported when it runs
        if (better := explained(error)) is None:
            raise
        sys.stderr.write(f"cfs: {better}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
