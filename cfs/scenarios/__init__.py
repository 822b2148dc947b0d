"""Scenario files: workloads that nobody recorded, in TOML."""

from .read import read_scenario

__all__ = ["read_scenario"]
