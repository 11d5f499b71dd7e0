"""Columns out of a Parquet file; the only module that needs pyarrow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from hidamari.core.errors import InputError


def column_names(path: Path) -> list[str]:
    """What the file's columns are called."""
    try:
        return [str(name) for name in pq.read_schema(path).names]
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: a Parquet file expected ({error})") from None


def read_columns(
    path: Path, columns: Sequence[str]
) -> tuple[NDArray[np.str_], NDArray[np.int64], NDArray[np.float64]]:
    """Home names, unix seconds and values (rows, columns), null and absent columns as NaN."""
    names = column_names(path)
    try:
        table = pq.read_table(path, columns=["home", "ts", *(c for c in columns if c in names)])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: a whole Parquet file expected ({error})") from None
    at_ms = _milliseconds(path, table["ts"])
    missing = np.full(len(at_ms), np.nan)
    values = [_numbers(path, table, name) if name in names else missing for name in columns]
    homes = np.array(table["home"].to_pylist(), dtype=np.str_)
    order = np.lexsort((at_ms, homes))
    return homes[order], at_ms[order] // 1000, np.stack(values, axis=1)[order]


def _milliseconds(path: Path, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Instants since 1970, whatever unit the file keeps them in; without a zone they are UTC."""
    if not pa.types.is_timestamp(column.type) or column.null_count:
        raise InputError(f"{path}: ts: an instant in every row expected, got {column.type}")
    in_ms = column.cast(pa.timestamp("ms", tz=column.type.tz), safe=False)
    answer: NDArray[np.int64] = in_ms.cast("int64").to_numpy()
    return answer


def _numbers(path: Path, table: pa.Table, name: str) -> NDArray[np.float64]:
    try:
        answer: NDArray[np.float64] = table[name].to_numpy().astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: {name}: numbers expected, got {table[name].type}") from None
    return answer
