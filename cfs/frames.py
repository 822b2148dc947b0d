"""Results as Arrow, pandas, polars and Parquet: the public name of `cfs.reports.frames`."""

from .reports.frames import arrow_table, to_pandas, to_parquet, to_polars

__all__ = ["arrow_table", "to_pandas", "to_parquet", "to_polars"]
