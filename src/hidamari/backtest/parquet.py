"""Columns out of a Parquet file; the only module that needs pyarrow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray


def read_columns(
    path: Path, columns: Sequence[str]
) -> tuple[NDArray[np.str_], NDArray[np.int64], NDArray[np.float64]]:
    """Home names, unix seconds and values (rows, columns), null and absent columns as NaN."""
    names = set(pq.read_schema(path).names)
    table = pq.read_table(path, columns=["home", "ts", *(c for c in columns if c in names)])
    at_ms = table["ts"].cast("int64").to_numpy()
    missing = np.full(len(at_ms), np.nan)
    values = [
        table[name].to_numpy().astype(np.float64) if name in names else missing for name in columns
    ]
    homes = np.array(table["home"].to_pylist(), dtype=np.str_)
    order = np.lexsort((at_ms, homes))
    return homes[order], at_ms[order] // 1000, np.stack(values, axis=1)[order]
