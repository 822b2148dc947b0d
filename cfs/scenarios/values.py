"""Values of a scenario file: tables, integers, names and durations, each checked at its place.

Durations are exact integers of ns (a decimal fraction is read as a fraction, never as a float).
"""

from __future__ import annotations

from typing import Any

from ..errors import did_you_mean
from ..units import DURATION_HELP, ns_of
from .file import File, Path

__all__ = [
    "RESERVED",
    "duration",
    "exact_duration",
    "integer",
    "only",
    "required",
    "shown",
    "span_ns",
    "table_of",
    "text_of",
    "word",
]

RESERVED = ("parent", "next")
"""Words that cannot be the name of a task: in a `wake` they mean another task."""


def only(file: File, path: Path, table: dict, allowed: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in allowed:
            known = ", ".join(allowed)
            slip = did_you_mean(key, allowed)
            raise file.wrong((*path, key), f"there is no {key!r} {where}; there are {known}{slip}")


def required(file: File, path: Path, table: dict, key: str) -> Any:
    if key not in table:
        raise file.wrong(path, f"{key} is missing")
    return table[key]


def integer(file: File, path: Path, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise file.wrong(path, f"{path[-1]} = {shown(value)} is no integer from {low} to {high}")
    return value


def text_of(file: File, path: Path, value: Any) -> str:
    if not isinstance(value, str):
        raise file.wrong(path, f"{path[-1]} = {shown(value)} is no text; texts stand in quotes")
    return value


def table_of(file: File, path: Path, value: Any) -> dict:
    if not isinstance(value, dict):
        raise file.wrong(path, f"{path[-1]} = {shown(value)} is no table")
    return value


def word(file: File, path: Path, value: Any) -> str:
    text = text_of(file, path, value)
    if not text or not text.isprintable() or " " in text or text in RESERVED:
        message = f"{shown(text)} is no name: one word of printable letters, and not {' or '.join(RESERVED)}"
        raise file.wrong(path, message)
    return text


def shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        text = "a very long number"
    return text if len(text) <= 60 else text[:57] + "..."


def span_ns(text: str, least: int = 0) -> tuple[int, int]:
    """Shortest and longest ns of a duration or a range of durations; ValueError says what is wrong."""
    first, dots, last = (part.strip() for part in text.partition(".."))
    low = ns_of(first)
    high = ns_of(last) if dots else low
    if low > high:
        raise ValueError(f"{text!r} is an empty range: the shorter duration comes first")
    if low < least:
        raise ValueError(f"{text!r} is too short: at least {least} ns")
    return low, high


def duration(file: File, path: Path, value: Any, least: int = 0) -> tuple[int, int]:
    if not isinstance(value, str):
        raise file.wrong(path, f"{path[-1]} = {shown(value)} is no duration: {DURATION_HELP}, in quotes")
    try:
        return span_ns(" ".join(value.split()), least)
    except ValueError as error:
        raise file.wrong(path, f"{path[-1]}: {error}") from None


def exact_duration(file: File, path: Path, value: Any, least: int = 0) -> int:
    low, high = duration(file, path, value, least)
    if low != high:
        raise file.wrong(path, f"{path[-1]} must be one duration, not a range")
    return low
