"""Records such as homes send them."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np

from hidamari.core.time import day_bounds, unix
from hidamari.link import messages
from hidamari.link.messages import Record
from hidamari.link.records import (
    FORMAT,
    Day,
    DayTotals,
    EventRecord,
    Reported,
    Segment,
    SeriesRow,
    pack,
)
from hidamari.store.days import day_number
from hidamari.store.pack import TOTAL, DayBlob, digest, empty_slots

HOME, OTHER = bytes(range(16)), bytes(range(1, 17))
NOW = datetime(2026, 4, 10, 3, 0, tzinfo=UTC)  # noon in Tokyo
TODAY = date(2026, 4, 10)


def minutes(start: datetime, count: int, series: int = 20, slots: int = 0) -> DayBlob:
    """A wave of every series: different minutes are different bytes."""
    at = unix(start) // 60 + np.arange(count)
    values = (500 + 300 * np.sin(at[:, None] / 7 + np.arange(series))).astype(np.int32)
    ids = np.arange(1, series + 1, dtype=np.uint32)
    return DayBlob(unix(start), ids, values, empty_slots(slots, series))


def segment(seq: int, start: datetime, count: int = 15, series: int = 20) -> Record:
    """A quarter of an hour of power."""
    blob = minutes(start, count, series).to_bytes()
    payload = pack(Segment(FORMAT, 60, blob))
    return Record(messages.SEGMENTS, seq, unix(start) // 60, count, payload)


def event(seq: int, at: datetime, code: str = "changed") -> Record:
    """Something happened; its number is in it."""
    data = {"n": msgspec.Raw(msgspec.msgpack.encode(seq))}
    payload = pack(EventRecord(FORMAT, unix(at) * 1000, "device", "battery1", code, data))
    return Record(messages.EVENTS, seq, unix(at) // 60, 1, payload)


def reported(seq: int, *names: str) -> Record:
    """The table of series."""
    rows = [SeriesRow(i, "board1", n, "W", 1.0, "power") for i, n in enumerate(names, 1)]
    return Record(messages.REPORTED, seq, 0, len(rows), pack(Reported(FORMAT, "Asia/Tokyo", rows)))


def day(seq: int, at: date, rev: int = 1, series: int = 20) -> Record:
    """A sealed day."""
    start = day_bounds(at)[0]
    blob = minutes(start, 1440, series, 48).to_bytes()
    payload = pack(Day(FORMAT, day_number(at), rev, digest(blob), blob))
    return Record(messages.DAYS, seq, unix(start) // 60, 1440, payload)


def totals(seq: int, at: date, value: int = 100) -> Record:
    """A day added up."""
    rows = np.zeros(20, TOTAL)
    rows["value"] = value
    payload = pack(DayTotals(FORMAT, day_number(at), rows.tobytes()))
    return Record(messages.TOTALS, seq, unix(day_bounds(at)[0]) // 60, 20, payload)


def segments(count: int, first: datetime = NOW - timedelta(days=3)) -> list[Record]:
    """Segments one after the other, numbered from 1."""
    return [segment(1 + i, first + timedelta(minutes=15 * i)) for i in range(count)]


def half_totals() -> DayTotals:
    """Totals that were cut inside a row."""
    return DayTotals(FORMAT, day_number(TODAY), bytes(TOTAL.itemsize + 1))
