"""The command line."""

from .commands import app, run

__all__ = ["app", "run"]
