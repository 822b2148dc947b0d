"""The name under which `cfs.h` finds the capsule of the C face, also in extensions built long ago."""

from .scheduler._capi import API, addresses

__all__ = ["API", "addresses"]
