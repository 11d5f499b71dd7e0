"""What is written in one transaction: minutes, half-hours, history, days, frames without a time."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.core.reading import Quality
from hidamari.core.time import MINUTE_S, SLOT_S, from_unix, local_day
from hidamari.store import days
from hidamari.store.catalog import Catalog
from hidamari.store.pack import MISSING, IntArray, RowArray, frame_blob, frame_rows
from hidamari.store.rollup import SLOT_MINUTES, slots_of_minutes
from hidamari.store.rows import put_minutes, put_slot, read_frames, slot_span


@dataclass(frozen=True, slots=True)
class Slots:
    """One half-hour to be written: its start and a row of records, shape (1, series)."""

    at_s: int
    row: RowArray


def write_minutes(connection: sqlite3.Connection, starts: Sequence[int], rows: IntArray) -> None:
    """Minutes, gaps only where they exist; a sealed day is marked to be sealed again."""
    if not starts:
        return
    put_minutes(connection, starts, rows)
    for day in days.sealed_days(connection, min(starts), max(starts) + MINUTE_S):
        days.mark_late(connection, day.number)


def write_slots(
    connection: sqlite3.Connection, catalog: Catalog, slots: Iterable[Slots], why: str
) -> None:
    """Half-hours, better quality over worse; sealed days among them are sealed again at once."""
    touched = _touched(connection, slots)
    for day in touched:
        span = range(day.span.start_s, day.span.end_s, MINUTE_S)
        days.seal(connection, catalog, day.number, span, why)
    _add_up(connection, catalog, [day.number for day in touched])


def write_history(connection: sqlite3.Connection, slots: Iterable[Slots]) -> list[date]:
    """Many half-hours, better quality over worse; the sealed days to be sealed again, marked so.

    Sealing takes longer than all else: it is left to others, so that nobody waits for it.
    """
    touched = _touched(connection, slots)
    for day in touched:
        days.mark_late(connection, day.number)
    return [days.day_of(day.number) for day in touched]


def seal_days(
    connection: sqlite3.Connection,
    catalog: Catalog,
    wanted: Iterable[date],
    zone: ZoneInfo,
    why: str,
) -> None:
    """Seal these local days, add up their months, drop the frames that are three days old."""
    sealed, newest_s = [], 0
    for day in wanted:
        span = days.day_range(day, zone)
        if days.seal(connection, catalog, days.day_number(day), span, why):
            sealed.append(days.day_number(day))
            newest_s = max(newest_s, span.stop)
    _add_up(connection, catalog, sealed)
    if sealed:
        days.drop_frames(connection, newest_s - days.FRAMES_KEPT_S)


def redate(connection: sqlite3.Connection, catalog: Catalog, boot: int, offset_s: float) -> int:
    """Give the frames of a boot their time: monotonic seconds + `offset_s`; how many there were.

    Half-hours that hold nothing better are filled from them.
    """
    found = connection.execute(
        "select mono, z from undated where boot = ? order by mono", (boot,)
    ).fetchall()
    if not found:
        return 0
    rows = frame_rows([z for _, z in found], len(catalog))
    starts = [int(mono + offset_s) // MINUTE_S * MINUTE_S for mono, _ in found]
    write_minutes(connection, starts, rows)
    touched = sorted({at_s // SLOT_S * SLOT_S for at_s in starts})
    slots = [_slot_of_frames(connection, catalog, at_s) for at_s in touched]
    write_slots(connection, catalog, slots, "re-dated")
    connection.execute("delete from undated where boot = ?", (boot,))
    return len(found)


def put_undated(connection: sqlite3.Connection, boot: int, mono_s: int, row: IntArray) -> None:
    """Keep one minute of which only the boot and its monotonic second are known."""
    connection.execute(
        "insert or ignore into undated values(?, ?, ?)",
        (boot, mono_s, frame_blob(row.tolist())),
    )


def _touched(connection: sqlite3.Connection, slots: Iterable[Slots]) -> list[days.SealedDay]:
    """Write half-hours; the sealed days in which something changed."""
    changed = {slot.at_s for slot in slots if put_slot(connection, slot.at_s, slot.row)}
    if not changed:
        return []
    return [
        day
        for day in days.sealed_days(connection, min(changed), max(changed) + 1)
        if not changed.isdisjoint(slot_span(day.span.start_s, day.span.end_s))
    ]


def closed_days(slots: Iterable[Slots], zone: ZoneInfo) -> list[date]:
    """The local days of these half-hours but the newest, which may still go on."""
    found = sorted({local_day(from_unix(at_s), zone) for at_s, _ in groupby(s.at_s for s in slots)})
    return found[:-1]


def _slot_of_frames(connection: sqlite3.Connection, catalog: Catalog, at_s: int) -> Slots:
    columns = np.arange(len(catalog))
    span = range(at_s, at_s + SLOT_MINUTES * MINUTE_S, MINUTE_S)
    stored = read_frames(connection, span, len(catalog))
    minutes = np.where(stored == MISSING, np.nan, stored * catalog.scales(columns))
    values, quality = slots_of_minutes(minutes, catalog.kinds)
    # A guess as long as the counters, which know the whole silence, have not been laid out.
    quality[quality == Quality.PARTLY] = Quality.ESTIMATE
    return Slots(at_s, catalog.slot_array(columns, values, quality))


def _add_up(connection: sqlite3.Connection, catalog: Catalog, numbers: Iterable[int]) -> None:
    by_month = {days.month_number(days.day_of(number)): number for number in numbers}
    for number in by_month.values():
        days.add_up_month(connection, catalog, number)
