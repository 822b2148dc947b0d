"""The findings of a replay of conformance traces, for people and for machines.

What it decides: a difference shows at once the field, the amount, and the operations that led to it. A row is
the plain form of a verdict (schema ``cfs-conform/1``); the text is made from it.
"""

from __future__ import annotations

from typing import Any

from ..conformance import Difference, TraceResult
from ..errors import TraceError
from ..units import clean, count_text

__all__ = ["totals_of", "totals_text", "verdict_lines", "verdict_row"]


def verdict_row(path: str, found: TraceResult | TraceError) -> dict[str, Any]:
    """A trace for machines, as in schema ``cfs-conform/1``."""
    if isinstance(found, TraceError):
        return {"path": path, "equal": False, "error": str(found)}
    difference = found.difference
    return {
        "path": path,
        "equal": found.equal,
        "model": found.model,
        "operations": found.operations,
        "states": found.states,
        "difference": None if difference is None else _difference_row(difference),
    }


def _difference_row(difference: Difference) -> dict[str, Any]:
    return {
        "line": difference.line,
        "field": difference.path,
        "expected": difference.expected,
        "got": difference.got,
        "operation": difference.operation,
        "before": difference.before,
    }


def verdict_lines(row: dict[str, Any]) -> list[str]:
    """A trace for people: equal, or what differs first and what led to it, or why it is unreadable."""
    path = clean(row["path"])
    if "error" in row:
        return [f"unreadable  {clean(row['error'])}"]
    if row["equal"]:
        return [f"equal       {path}  ({count_text(row['operations'], 'operation')})"]
    lines = [f"differs     {path}  (line {row['difference']['line']}, operation {row['operations']})"]
    return lines + [f"            {line}" for line in _difference_lines(row["difference"])]


def _difference_lines(difference: dict[str, Any]) -> list[str]:
    lines = [f"    {_operation(op)}" for op in difference["before"]]
    lines.append(f"--> {_operation(difference['operation'])}")
    lines.append(f"    field     {clean(difference['field'])}")
    lines.append(f"    expected  {_short(difference['expected'])}")
    lines.append(f"    got       {_short(difference['got'])}{_off_by(difference)}")
    return lines


def _operation(op: dict[str, Any]) -> str:
    rest = " ".join(f"{key}={value}" for key, value in op.items() if key not in ("t", "op"))
    return clean(f"t={op.get('t')} {op.get('op')} {rest}".rstrip())


def _short(value: Any) -> str:
    text = clean("nothing" if value is None else str(value))
    return text if len(text) <= 400 else text[:400] + " ..."


def _off_by(difference: dict[str, Any]) -> str:
    expected, got = difference["expected"], difference["got"]
    return f"  ({got - expected:+d})" if type(expected) is int and type(got) is int else ""


def totals_of(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many traces and operations there were, and how many differ."""
    return {
        "nr_traces": len(rows),
        "nr_operations": sum(row.get("operations", 0) for row in rows),
        "nr_equal": sum(row["equal"] for row in rows),
        "nr_different": sum(row.get("difference") is not None for row in rows),
        "nr_unreadable": sum("error" in row for row in rows),
    }


def totals_text(totals: dict[str, int]) -> str:
    """The last line."""
    differ = "differs" if totals["nr_different"] == 1 else "differ"
    text = f"{count_text(totals['nr_traces'], 'trace')}, {count_text(totals['nr_operations'], 'operation')}: "
    text += f"{totals['nr_different'] or 'none'} {differ}"
    return text + (f", {totals['nr_unreadable']} cannot be read" if totals["nr_unreadable"] else "")
