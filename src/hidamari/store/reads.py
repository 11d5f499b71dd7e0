"""Ranges of the history as arrays, out of frames, sealed days, half-hours and totals."""

import sqlite3
from dataclasses import dataclass

import numpy as np

from hidamari.core.time import MINUTE_S
from hidamari.store import days
from hidamari.store.catalog import Catalog, Columns
from hidamari.store.pack import (
    MISSING,
    BoolArray,
    DaySpan,
    FloatArray,
    IntArray,
    UInt8Array,
    empty_slots,
)
from hidamari.store.rollup import Totals
from hidamari.store.rows import read_frames, read_slots, read_totals

# A row holds every series. Few of them are asked for, so that a year is read in parts of a month:
# whole, it would be 50 MB for a moment, which a small computer does not get back.
_SLOTS_AT_ONCE = 31 * 48


@dataclass(frozen=True, slots=True)
class Selection:
    """Which series of which catalog are asked for."""

    catalog: Catalog
    columns: Columns


def minutes(connection: sqlite3.Connection, chosen: Selection, span: range) -> FloatArray:
    """Every minute of `span` (unix seconds, step 60), NaN = missing; (len(span), k)."""
    out = np.full((len(span), chosen.columns.size), MISSING, np.int32)
    open_from = span.start
    for day in days.sealed_days(connection, span.start, span.stop):
        blob = days.load_day(connection, day.number)
        if blob is not None:
            _place(out, span, day.span.start_s, days.blob_columns(blob, chosen.columns))
        if not days.is_late(connection, day.number):
            _place_frames(connection, chosen, out, span, (open_from, day.span.start_s))
            open_from = day.span.end_s
    _place_frames(connection, chosen, out, span, (open_from, span.stop))
    return np.where(out == MISSING, np.nan, out * chosen.catalog.scales(chosen.columns))


def slots(
    connection: sqlite3.Connection, chosen: Selection, span: range
) -> tuple[FloatArray, UInt8Array]:
    """Every half-hour of `span` (unix seconds, step 1800): values and quality, (len(span), k)."""
    width = len(chosen.catalog)
    parts = (span[first : first + _SLOTS_AT_ONCE] for first in range(0, len(span), _SLOTS_AT_ONCE))
    picked = [read_slots(connection, part, width)[:, chosen.columns] for part in parts]
    rows = np.concatenate(picked) if picked else empty_slots(0, chosen.columns.size)
    quality = np.ascontiguousarray(rows["quality"])
    scaled = rows["value"] * chosen.catalog.slot_scales(chosen.columns)
    return np.where(quality == 0, np.nan, scaled), quality


def day_totals(
    connection: sqlite3.Connection, chosen: Selection, span: range
) -> tuple[Totals, BoolArray]:
    """Totals of the days `span` by number, and which of them are added up at all."""
    found = connection.execute(
        "select d, z from total where d >= ? and d < ? order by d", (span.start, span.stop)
    ).fetchall()
    known = np.zeros(len(span), bool)
    known[[number - span.start for number, _ in found]] = True
    return _totals(chosen, found, span), known


def month_totals(
    connection: sqlite3.Connection, chosen: Selection, span: range
) -> tuple[Totals, BoolArray]:
    """Totals of the months `span` by number, and which have every day of theirs added up."""
    found = connection.execute(
        "select m, days, z from month where m >= ? and m < ? order by m", (span.start, span.stop)
    ).fetchall()
    known = np.zeros(len(span), bool)
    for month, mask, _ in found:
        known[month - span.start] = mask == (1 << len(days.month_days(month))) - 1
    return _totals(chosen, [(month, z) for month, _, z in found], span), known


def last_minute(connection: sqlite3.Connection) -> int | None:
    """Unix seconds of the newest stored minute."""
    newest = connection.execute("select max(t) from frame").fetchone()[0]
    head = connection.execute(
        "select substr(z, 1, ?) from day order by d desc limit 1", (days.HEAD_BYTES,)
    ).fetchone()
    sealed = DaySpan.of(head[0]).end_s - MINUTE_S if head else None
    known = [at_s for at_s in (newest, sealed) if at_s is not None]
    return int(max(known)) if known else None


def _totals(chosen: Selection, found: list[tuple[int, bytes]], span: range) -> Totals:
    rows = read_totals(found, span, len(chosen.catalog))[:, chosen.columns]
    return days.totals_of(rows, chosen.catalog.total_scales(chosen.columns))


def _place_frames(
    connection: sqlite3.Connection,
    chosen: Selection,
    out: IntArray,
    span: range,
    bounds: tuple[int, int],
) -> None:
    part = range(bounds[0], bounds[1], MINUTE_S)
    if part:
        frames = read_frames(connection, part, len(chosen.catalog))
        _place(out, span, part.start, frames[:, chosen.columns])


def _place(out: IntArray, span: range, start_s: int, rows: IntArray) -> None:
    """Lay minutes starting at `start_s` over those of `span`; what is there already stays."""
    first = (start_s - span.start) // MINUTE_S
    low, high = max(0, first), min(len(span), first + rows.shape[0])
    if low < high:
        there = out[low:high]
        out[low:high] = np.where(there == MISSING, rows[low - first : high - first], there)
