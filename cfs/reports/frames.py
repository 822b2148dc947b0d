"""A result as tables for data frames: Arrow, and through it pandas, polars and Parquet.

What it decides: which tables a result is, and what their columns are called. There are three.

    runs     a row a run, as in `Result.runs`, with the columns that people group by (names, not indices)
    stats    a row a task, command name or group, as `Result.stats`, nested columns flattened:
             ``latency_p99_ns``
    wakeups  a row a wakeup or fork, as in `Result.wakeups`: task, time, waker; none where it is not known

To a library that knows the Arrow C stream (``__arrow_c_stream__``), a result is its runs: everything else
follows from them.

F1  Times are int64 ns, never timestamps or floats: a data frame must not round what the model did not.
F2  An unknown value is null, never -1 or 0: the beginning of a wait, quantiles of no waits.
F3  The first column says which result a row comes from, so tables of several results can be concatenated.
F4  Facts about the whole (span, tunables, hz) are in the schema's metadata, under the key ``cfs``, as JSON.

Runs become rows of a Parquet file in portions: neither the table of all of them need be there as a whole, nor
the runs themselves, if they are written as they happen (`run_to_parquet`).

Names are dictionary-encoded: a million rows do not cost a million strings. It needs the extra ``frames``
(pyarrow); the user installs pandas and polars.

Rejected: one table with both (users who want a join can make it); a nested struct for quantiles (pandas would
show objects).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import MissingExtraError, how_to_install
from ..result import NOBODY, RUN_DTYPE, Out, Ready, Result, Slept, WokenBy
from ..simulation.simulation import Simulation
from .columns import all_columns
from .files import check_folder

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = [
    "RunWriter",
    "arrow_table",
    "run_to_parquet",
    "runs_to_parquet",
    "to_pandas",
    "to_parquet",
    "to_polars",
]

TABLES = ("runs", "stats", "wakeups")

PORTION = 1 << 16
"""Runs that become rows of a Parquet file together: some 10 MB on the way."""


def arrow_table(
    results: Iterable[tuple[str, Result]], table: str = "runs", by: str = "task"
) -> pyarrow.Table:
    """Some results as one Arrow table.

    Parameters
    ----------
    results : iterable of (str, Result)
        Each with its label, which becomes the column ``model``.
    table : {"runs", "stats", "wakeups"}, optional
    by : {"task", "comm", "group"}, optional
        What a row of the table of stats is.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.

    Notes
    -----
    Cost about 0.1 µs a run, and 100 bytes.
    """
    arrow = _pyarrow()
    if table not in TABLES:
        raise ValueError(f"table = {table!r} is none of {', '.join(map(repr, TABLES))}")
    sides = list(results)
    makers: dict[str, Callable[[str, Result], pyarrow.Table]] = {
        "runs": lambda label, side: _runs(arrow, label, side, side.runs),
        "stats": lambda label, side: _stats(arrow, label, side, by),
        "wakeups": lambda label, side: _wakeups(arrow, label, side),
    }
    tables = [makers[table](label, side) for label, side in sides]
    whole = arrow.concat_tables(tables).unify_dictionaries()
    return whole.replace_schema_metadata(_metadata(table, sides))


def to_pandas(table: pyarrow.Table) -> pandas.DataFrame:
    """An Arrow table as a pandas data frame; `MissingExtraError` without pandas.

    Columns of int64 become pandas' nullable ``Int64``; numpy's would become floats if one value is null (F1).
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("a data frame of pandas needs pandas: pip install pandas") from None
    return table.to_pandas(types_mapper={_pyarrow().int64(): pandas.Int64Dtype()}.get)


def to_polars(table: pyarrow.Table) -> polars.DataFrame:
    """An Arrow table as a polars data frame; `MissingExtraError` without polars."""
    try:
        import polars
    except ImportError:
        raise MissingExtraError("a data frame of polars needs polars: pip install polars") from None
    return polars.DataFrame(table)


def check_parquet(path: str | os.PathLike[str]) -> None:
    """Raise unless a Parquet file can be written: pyarrow is installed and the directory exists."""
    _pyarrow()
    check_folder(path)


def to_parquet(table: pyarrow.Table, path: str | os.PathLike[str]) -> None:
    """Write an Arrow table as a Parquet file, compressed with zstd."""
    check_parquet(path)
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, os.fspath(path), compression="zstd")


class RunWriter:
    """Writes runs to a Parquet file, a portion after the other; a context manager.

    Parameters
    ----------
    path : str or os.PathLike
    sides : iterable of (str, Result)
        The results that there will be runs of, each with its label. Their facts become the metadata; of one that
        has not run yet, those that are true already.
    """

    def __init__(self, path: str | os.PathLike[str], sides: Iterable[tuple[str, Result]]):
        check_parquet(path)
        import pyarrow.parquet

        self._arrow = _pyarrow()
        sides = list(sides)
        nothing = np.zeros(0, RUN_DTYPE)
        schema = _runs(self._arrow, *sides[0], nothing).schema.with_metadata(_metadata("runs", sides))
        self._file = pyarrow.parquet.ParquetWriter(os.fspath(path), schema, compression="zstd")
        self._waiting: list[np.ndarray] = []
        self._of = sides[0]

    def write(self, label: str, side: Result, runs: np.ndarray) -> None:
        """Write some runs of a result, of which only the tasks count here; few wait for more of the same."""
        if (label, side) != self._of:
            self._flush()
            self._of = label, side
        for begin in range(0, len(runs), PORTION):
            self._waiting.append(runs[begin : begin + PORTION])
            if sum(map(len, self._waiting)) >= PORTION:
                self._flush()

    def _flush(self) -> None:
        if self._waiting:
            runs = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
            self._waiting.clear()
            self._file.write_table(_runs(self._arrow, *self._of, runs))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        self._file.close()

    def close(self) -> None:
        """The runs are all there: end the file."""
        self.__exit__(None, None, None)


def runs_to_parquet(sides: Sequence[tuple[str, Result]], path: str | os.PathLike[str]) -> None:
    """Write the runs of some results, each with its label, as one Parquet file, in portions."""
    with RunWriter(path, sides) as file:
        for label, side in sides:
            file.write(label, side, side.runs)


def run_to_parquet(
    simulation: Simulation,
    path: str | os.PathLike[str],
    until_ns: int | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run a simulation that has not begun, and write its runs to a Parquet file as they end.

    Parameters
    ----------
    simulation : Simulation
    path : str or os.PathLike
    until_ns : int, optional
        Default: the duration of the workload.
    progress : callable, optional
        As for `Simulation.run`.

    Returns
    -------
    Result
        Of a run with ``log=False``.

    Notes
    -----
    The file is that of `Result.to_parquet`, but for four things. Rows are in the order in which runs end in
    portions of some ten thousand, and in the order of their starts within one: of one CPU, always in that order.
    `nice` is the value with which a task begins. The metadata do not know how the run ends: its length, its
    switches and why it ended are null.
    Memory does not grow with the number of runs; it is some tens of MB.
    """
    before = simulation.result()
    with RunWriter(path, [(before.model, before)]) as file:
        return simulation.run(
            until_ns, progress=progress, log=lambda runs: file.write(before.model, before, runs)
        )


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError(f"tables need pyarrow: {how_to_install('frames')}") from None
    return pyarrow


def _metadata(table: str, sides: Iterable[tuple[str, Result]]) -> dict[str, str]:
    return {"cfs": json.dumps({"table": table, "results": {label: _facts(side) for label, side in sides}})}


def _facts(side: Result) -> dict[str, Any]:
    has_run = side.duration_ns > 0
    return {
        "model": side.model,
        "source": side.source,
        "group_by": side.group_by,
        "hz": side.hz,
        "duration_ns": int(side.duration_ns) if has_run else None,
        "cpus": [int(cpu) for cpu in side.cpus],
        "context_switches": int(side.context_switches) if has_run else None,
        "end": side.end if has_run else None,
        "tunables": side.tunables,
        "shares": side.shares,
    }


def _runs(arrow: Any, label: str, side: Result, runs: np.ndarray) -> pyarrow.Table:
    task = runs["task"].astype(np.int64)
    unknown = runs["ready_ns"] < 0
    return arrow.table(
        {
            "model": _constant(arrow, label, len(runs)),
            "start_ns": _plain(runs["start_ns"]),
            "end_ns": _plain(runs["end_ns"]),
            "cpu": _plain(runs["cpu"]),
            "task": _plain(runs["task"]),
            "pid": np.asarray(side.pids, np.int64)[task],
            "comm": _named(arrow, side.names, task),
            "nice": np.asarray(side.nice, np.int8)[task],
            "group": _named(arrow, side.groups, task),
            "ready": _named(arrow, [kind.name.lower() for kind in Ready], runs["ready"]),
            "out": _named(arrow, [kind.name.lower() for kind in Out], runs["out"]),
            "ready_ns": arrow.array(_plain(runs["ready_ns"]), mask=unknown),
            "wait_ns": arrow.array(runs["start_ns"] - runs["ready_ns"], mask=unknown),
        }
    )


def _wakeups(arrow: Any, label: str, side: Result) -> pyarrow.Table:
    rows = side.wakeups
    task, waker = rows["task"].astype(np.int64), rows["waker"].astype(np.int64)
    nobody = waker == NOBODY
    pids = np.append(np.asarray(side.pids, np.int64), 0)
    waker_comm = _named(arrow, [*side.names, ""], waker)
    return arrow.table(
        {
            "model": _constant(arrow, label, len(rows)),
            "time_ns": _plain(rows["time_ns"]),
            "cpu": _plain(rows["cpu"]),
            "task": _plain(rows["task"]),
            "pid": pids[task],
            "comm": _named(arrow, side.names, task),
            "cause": _named(arrow, [kind.name.lower() for kind in WokenBy], rows["cause"]),
            "waker": arrow.array(waker, mask=nobody),
            "waker_pid": arrow.array(pids[waker], mask=nobody),
            "waker_comm": arrow.DictionaryArray.from_arrays(
                arrow.array(waker_comm.indices.to_numpy(), mask=nobody), waker_comm.dictionary
            ),
            "slept": _named(arrow, [kind.name.lower() for kind in Slept], rows["slept"]),
        }
    )


def _stats(arrow: Any, label: str, side: Result, by: str) -> pyarrow.Table:
    stats = side.stats(by)
    key = stats["key"].astype(np.int64)
    columns: dict[str, Any] = {"model": _constant(arrow, label, len(stats))}
    if by == "task":
        columns |= {
            "task": _plain(stats["key"]),
            "pid": np.asarray(side.pids, np.int64)[key],
            "comm": _named(arrow, side.names, key),
            "nice": np.asarray(side.nice, np.int8)[key],
            "group": _named(arrow, side.groups, key),
        }
    else:
        columns[by] = _named(arrow, side.keys(by)[1], key)
    for column in all_columns():
        mask = None if column.known is None else ~column.known(stats)
        columns[column.flat_name] = arrow.array(_plain(column.value(stats)), mask=mask)
    return arrow.table(columns)


def _plain(column: np.ndarray) -> np.ndarray:
    """A contiguous copy of a column of a structured array, as Arrow requires."""
    return np.ascontiguousarray(column)


def _named(arrow: Any, names: Sequence[str], rows: np.ndarray) -> Any:
    """Names by their row, each distinct one stored once."""
    index: dict[str, int] = {}
    place = np.array([index.setdefault(_text(name), len(index)) for name in names], np.int32)
    chosen = place[rows] if len(place) else np.zeros(0, np.int32)
    return arrow.DictionaryArray.from_arrays(arrow.array(chosen), arrow.array(list(index), arrow.string()))


def _constant(arrow: Any, text: str, length: int) -> Any:
    return _named(arrow, [text], np.zeros(length, np.int64))


def _text(name: str) -> str:
    """A name as valid UTF-8: a recording may hold any bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
