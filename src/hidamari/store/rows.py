"""Packed rows of minutes, half-hours and totals: written once, read as arrays."""

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hidamari.core.errors import StoreDamaged
from hidamari.core.time import MINUTE_S, SLOT_S
from hidamari.store.pack import (
    MISSING,
    TOTAL,
    IntArray,
    RowArray,
    empty_slots,
    frame_blob,
    frame_rows,
)


def put_minutes(connection: sqlite3.Connection, starts: Sequence[int], rows: IntArray) -> None:
    """Store minutes starting at `starts` (unix seconds), shape (n, series).

    Where one exists already, only its gaps are filled.
    """
    insert = "insert or ignore into frame values(?, ?)"
    for at_s, row in zip(starts, rows, strict=True):
        if not connection.execute(insert, (at_s, frame_blob(row.tolist()))).rowcount:
            _fill_gaps(connection, at_s, row)


def _fill_gaps(connection: sqlite3.Connection, at_s: int, row: IntArray) -> None:
    blob = connection.execute("select z from frame where t = ?", (at_s,)).fetchone()[0]
    old = frame_rows([blob or b""], row.size)
    merged = np.where(old == MISSING, row, old)
    if not np.array_equal(merged, old):
        new = frame_blob(merged[0].tolist())
        connection.execute("update frame set z = ? where t = ?", (new, at_s))


def put_slot(connection: sqlite3.Connection, at_s: int, row: RowArray) -> bool:
    """Store the half-hour starting at `at_s`, shape (1, k); better quality replaces worse.

    Returns whether anything changed.
    """
    found = connection.execute("select z from slot where t = ?", (at_s,)).fetchone()
    if found is None:
        if not row["quality"].any():
            return False
        connection.execute("insert into slot values(?, ?)", (at_s, row.tobytes()))
        return True
    old = slot_rows([found[0]], row.shape[1])
    better = row["quality"] > old["quality"]
    if not better.any():
        return False
    old[better] = row[better]
    connection.execute("update slot set z = ? where t = ?", (old.tobytes(), at_s))
    return True


def slot_rows(blobs: list[bytes], width: int) -> RowArray:
    """Rows of the table slot as records, shape (len(blobs), width)."""
    out = empty_slots(len(blobs), width)
    _place(out, np.arange(len(blobs)), blobs)
    return out


def read_frames(connection: sqlite3.Connection, span: range, width: int) -> IntArray:
    """Every minute of `span` (unix seconds, step 60) from the table frame; (len(span), width)."""
    out = np.full((len(span), width), MISSING, np.int32)
    found = connection.execute(
        "select t, z from frame where t >= ? and t < ? order by t", (span.start, span.stop)
    ).fetchall()
    if found:
        index = (np.array([t for t, _ in found]) - span.start) // MINUTE_S
        out[index] = frame_rows([z or b"" for _, z in found], width)
    return out


def read_slots(connection: sqlite3.Connection, span: range, width: int) -> RowArray:
    """Every half-hour of `span` (unix seconds, step 1800); shape (len(span), width)."""
    out = empty_slots(len(span), width)
    found = connection.execute(
        "select t, z from slot where t >= ? and t < ? order by t", (span.start, span.stop)
    ).fetchall()
    if found:
        index = (np.array([t for t, _ in found]) - span.start) // SLOT_S
        _place(out, index, [z for _, z in found])
    return out


def read_totals(found: Iterable[tuple[int, bytes]], span: range, width: int) -> RowArray:
    """Rows (number, blob) of total or month laid on `span` (step 1); (len(span), width)."""
    out = np.zeros((len(span), width), TOTAL)
    out["value"] = MISSING
    pairs = list(found)
    if pairs:
        _place(out, np.array([n for n, _ in pairs]) - span.start, [z for _, z in pairs])
    return out


def slot_span(start_s: int, end_s: int) -> range:
    """The half-hours that start in [start_s, end_s)."""
    return range(-(-start_s // SLOT_S) * SLOT_S, -(-end_s // SLOT_S) * SLOT_S, SLOT_S)


def _place(out: RowArray, index: NDArray[np.intp], blobs: list[bytes]) -> None:
    """Unpack blobs of fixed records into the rows `index` of `out`, in runs of one length."""
    item, width = out.dtype.itemsize, out.shape[1]
    sizes = np.array([len(blob or b"") for blob in blobs])
    if not sizes.all() or (sizes % item).any():
        raise StoreDamaged(f"records of {item} bytes expected in a row, got {sizes.min()} bytes")
    for size in set(sizes.tolist()):
        chosen = np.flatnonzero(sizes == size)
        joined = b"".join(blobs if chosen.size == len(blobs) else [blobs[i] for i in chosen])
        rows = np.frombuffer(joined, out.dtype).reshape(chosen.size, size // item)
        kept = min(rows.shape[1], width)
        out[index[chosen], :kept] = rows[:, :kept]
