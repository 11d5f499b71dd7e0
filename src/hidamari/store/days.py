"""Closed days: sealed into one blob with its hash, added up, opened again only with a reason."""

import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.core.errors import StoreDamaged
from hidamari.core.time import MINUTE_S, day_bounds, from_unix, local_day, unix
from hidamari.store.catalog import Catalog, Columns
from hidamari.store.pack import (
    MISSING,
    TOTAL,
    DayBlob,
    DaySpan,
    IntArray,
    RowArray,
    digest,
)
from hidamari.store.rollup import Totals, fold, of_slots
from hidamari.store.rows import read_frames, read_slots, read_totals, slot_span

logger = logging.getLogger(__name__)

_EPOCH = date(1970, 1, 1).toordinal()
FRAMES_KEPT_S = 3 * 86400
ALWAYS_S = (-(10**11), 10**11)  # unix seconds, before and after all that can be stored
HEAD_BYTES = 25  # what DaySpan needs of a blob


def day_number(day: date) -> int:
    """Days since 1970-01-01 of a local date."""
    return day.toordinal() - _EPOCH


def day_of(number: int) -> date:
    """The local date with this number."""
    return date.fromordinal(number + _EPOCH)


def month_number(day: date) -> int:
    """Months since year 0 of a local date."""
    return day.year * 12 + day.month - 1


@dataclass(frozen=True, slots=True)
class SealedDay:
    """Where a sealed day lies in time."""

    number: int
    span: DaySpan


def sealed_days(connection: sqlite3.Connection, start_s: int, end_s: int) -> list[SealedDay]:
    """The sealed days that touch [start_s, end_s)."""
    rows = connection.execute(
        "select d, substr(z, 1, ?) from day where d between ? and ? order by d",
        (HEAD_BYTES, start_s // 86400 - 1, end_s // 86400 + 1),
    )
    days = []
    for number, head in rows:
        try:
            days.append(SealedDay(number, DaySpan.of(head)))
        except StoreDamaged as error:
            logger.warning("the sealed day %s is damaged: %s", day_of(number), error)
    return [day for day in days if day.span.start_s < end_s and day.span.end_s > start_s]


def load_day(connection: sqlite3.Connection, number: int) -> DayBlob | None:
    """The sealed day of this number, if there is one; raises StoreDamaged for other bytes."""
    row = connection.execute("select z, sha from day where d = ?", (number,)).fetchone()
    if row is None:
        return None
    if digest(row[0]) != row[1]:
        raise StoreDamaged(f"the sealed day {day_of(number)} is not what was written")
    return DayBlob.from_bytes(row[0])


def blob_minutes(blob: DayBlob, width: int) -> IntArray:
    """All minutes of a sealed day by column; shape (minutes, width)."""
    out = np.full((blob.minutes.shape[0], width), MISSING, np.int32)
    out[:, blob.ids.astype(np.intp) - 1] = blob.minutes
    return out


def blob_columns(blob: DayBlob, columns: Columns) -> IntArray:
    """The minutes of some columns of a sealed day; shape (minutes, len(columns))."""
    place = np.searchsorted(blob.ids, columns + 1)
    inside = np.minimum(place, max(0, blob.ids.size - 1))
    found = (place < blob.ids.size) & (blob.ids[inside] == columns + 1)
    return np.where(found, blob.minutes[:, inside], np.int32(MISSING))


def mark_late(connection: sqlite3.Connection, number: int) -> None:
    """A sealed day has got something that is not in its blob."""
    connection.execute("insert or replace into kv values(?, x'')", (late_key(number),))


def is_late(connection: sqlite3.Connection, number: int) -> bool:
    """Whether a sealed day has something outside its blob."""
    return bool(connection.execute("select 1 from kv where k = ?", (late_key(number),)).fetchone())


def seal(
    connection: sqlite3.Connection, catalog: Catalog, number: int, bounds: range, why: str
) -> bool:
    """Pack minutes and half-hours of `bounds` (unix seconds) into the blob of day `number`.

    A day that is sealed already gets a new `rev` when something changed. Returns whether it did.
    """
    width = len(catalog)
    minutes = read_frames(connection, bounds, width)
    slots = read_slots(connection, slot_span(bounds.start, bounds.stop), width)
    old = connection.execute("select rev, z from day where d = ?", (number,)).fetchone()
    try:
        sealed = load_day(connection, number)
    except StoreDamaged as error:  # stays as it is until it is repaired from a copy
        logger.warning("day %s is not sealed again: %s", day_of(number), error)
        _put_total(connection, catalog, number, slots)
        return False
    if sealed is not None:
        known = blob_minutes(sealed, width)
        minutes = np.where(known == MISSING, minutes, known)
    filled = np.flatnonzero((minutes != MISSING).any(axis=0) | slots["quality"].any(axis=0))
    if not filled.size:
        return False
    ids = (filled + 1).astype(np.uint32)
    blob = DayBlob(bounds.start, ids, minutes[:, filled], slots[:, filled]).to_bytes()
    connection.execute("delete from kv where k = ?", (late_key(number),))
    if old is not None and old[1] == blob:
        return False
    rev, reason = (1, why) if old is None else (old[0] + 1, why or "late readings")
    readings = int((minutes != MISSING).sum())
    connection.execute(
        "insert or replace into day values(?, ?, ?, ?, ?, ?)",
        (number, rev, readings, blob, digest(blob), reason),
    )
    _put_total(connection, catalog, number, slots)
    connection.execute("insert or replace into kv values(?, x'')", (unsent_key(number),))
    return True


def late_key(number: int) -> str:
    """The mark of a sealed day that has something outside its blob."""
    return f"late:{number}"


def unsent_key(number: int) -> str:
    """The mark of a sealed day that the cloud does not have as it is now."""
    return f"unsent:{number}"


def verify(connection: sqlite3.Connection, number: int, width: int) -> bool:
    """Whether a sealed day has its hash and its half-hours are those of the table slot.

    Those of a day that waits to be sealed again are not compared.
    """
    try:
        blob = load_day(connection, number)
    except StoreDamaged as error:
        logger.warning("%s", error)
        return False
    if blob is None or is_late(connection, number):
        return blob is not None
    end_s = blob.start_s + MINUTE_S * blob.minutes.shape[0]
    slots = read_slots(connection, slot_span(blob.start_s, end_s), width)
    columns = blob.ids.astype(np.intp) - 1
    others = np.delete(slots["quality"], columns, axis=1)
    return bool(np.array_equal(slots[:, columns], blob.slots) and not others.any())


def add_up_month(connection: sqlite3.Connection, catalog: Catalog, number: int) -> None:
    """Write the month that holds day `number` again from the totals of its days."""
    month = month_number(day_of(number))
    days = month_days(month)
    found = connection.execute(
        "select d, z from total where d >= ? and d < ?", (days.start, days.stop)
    ).fetchall()
    row = month_row(catalog, read_totals(found, days, len(catalog)))
    mask = sum(1 << (d - days.start) for d, _ in found)
    connection.execute(
        "insert or replace into month values(?, ?, ?)",
        (month, mask, row.tobytes()),
    )


def month_row(catalog: Catalog, days: RowArray) -> RowArray:
    """The totals of days added up to one month; what is not there yet counts nothing."""
    parts = totals_of(days, catalog.total_scales(np.arange(len(catalog))))
    # How many half-hours the month has is judged by the reader, who knows the zone.
    return _total_row(catalog, fold(parts, [0], np.zeros(1), catalog.kinds))


def month_days(month: int) -> range:
    """The day numbers of a month number."""
    first = date(month // 12, month % 12 + 1, 1)
    after = date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return range(day_number(first), day_number(after))


def totals_of(rows: RowArray, scales: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Totals:
    """Stored totals as numbers; shapes (n, k)."""
    missing = rows["value"] == MISSING
    values = np.where(missing, np.nan, rows["value"] * scales)
    peaks = np.where(missing, np.nan, rows["peak"] * scales)
    return Totals(values, peaks, rows["slots"].astype(np.float64), rows["quality"])


def drop_frames(connection: sqlite3.Connection, before_s: int) -> None:
    """Delete the frames of sealed days that ended before `before_s`."""
    oldest = connection.execute("select min(t) from frame").fetchone()[0]
    if oldest is None:
        return
    for day in sealed_days(connection, oldest, before_s):
        span = day.span
        if span.end_s <= before_s and not is_late(connection, day.number):
            connection.execute(
                "delete from frame where t >= ? and t < ?", (span.start_s, span.end_s)
            )


def unsealed(connection: sqlite3.Connection, before: date, zone: ZoneInfo) -> Iterator[date]:
    """Local days before `before` that hold something and are not sealed, or not sealed whole."""
    sealed = {row[0] for row in connection.execute("select d from day")}
    late = {row[0] for row in connection.execute("select k from kv where k glob 'late:*'")}
    at_s = _next_row(connection, ALWAYS_S[0])
    while at_s is not None and (day := local_day(from_unix(at_s), zone)) < before:
        span = day_range(day, zone)
        number = day_number(day)
        is_sealed = number in sealed
        if late_key(number) in late or not is_sealed:
            yield day
        # Behind a sealed day that another one follows there is nothing to look for.
        follows = is_sealed and number + 1 in sealed
        at_s = span.stop if follows else _next_row(connection, span.stop)


def day_range(day: date, zone: ZoneInfo) -> range:
    """The minutes of a local day in unix seconds."""
    start, end = day_bounds(day, zone)
    return range(unix(start), unix(end), MINUTE_S)


def _next_row(connection: sqlite3.Connection, from_s: int) -> int | None:
    """The time of the first half-hour or minute not before `from_s`."""
    found = connection.execute(
        "select min(t) from (select min(t) as t from slot where t >= :from_s"
        " union all select min(t) from frame where t >= :from_s)",
        {"from_s": from_s},
    ).fetchone()[0]
    return None if found is None else int(found)


def _put_total(
    connection: sqlite3.Connection, catalog: Catalog, number: int, slots: RowArray
) -> None:
    columns = np.arange(len(catalog))
    values = np.where(slots["quality"] == 0, np.nan, slots["value"] * catalog.slot_scales(columns))
    parts = of_slots(values, slots["quality"], catalog.kinds)
    day = fold(parts, [0], np.array([float(slots.shape[0])]), catalog.kinds)
    connection.execute(
        "insert or replace into total values(?, ?)", (number, _total_row(catalog, day).tobytes())
    )


def _total_row(catalog: Catalog, totals: Totals) -> RowArray:
    scales = catalog.total_scales(np.arange(len(catalog)))
    row = np.zeros(len(catalog), TOTAL)
    known = ~np.isnan(totals.values[0])
    row["value"] = MISSING
    row["value"][known] = np.rint(totals.values[0, known] / scales[known])
    row["peak"][known] = np.rint(totals.peaks[0, known] / scales[known])
    row["slots"] = totals.slots[0]
    row["quality"] = totals.quality[0]
    return row
