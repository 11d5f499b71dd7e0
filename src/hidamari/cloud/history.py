"""The history of a home out of what it sent, read as the home itself reads its own.

A sealed day stands for itself; what no sealed day covers comes from the pieces that were sent
during the day. Each store generation (epoch) of a home numbers its series by a table of its own;
where several generations know the same time, the newest counts and the older ones fill its gaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.answers.ranges import Span
from hidamari.cloud.ports import Kept, SegmentStore
from hidamari.core.reading import Kind, Series, SeriesKey
from hidamari.core.time import MINUTE_S, SLOT_S, local_day, unix
from hidamari.link.records import DayTotals, Reported
from hidamari.store.catalog import Catalog, Columns
from hidamari.store.days import (
    blob_columns,
    day_number,
    day_of,
    month_days,
    month_number,
    month_row,
    totals_of,
)
from hidamari.store.history import Step
from hidamari.store.pack import MISSING, BoolArray, DayBlob, FloatArray, RowArray, UInt8Array
from hidamari.store.rollup import Totals
from hidamari.store.rows import read_totals, slot_span

_BY_DAY: frozenset[Step] = frozenset({"1d", "1mo", "1y"})


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some minutes and half-hours of a home, by the numbers of its epoch."""

    catalog: Catalog
    blob: DayBlob
    slots: range


class Past:
    """What a home sent of some time, as a `Reader` of the history."""

    def __init__(
        self,
        tables: Sequence[Kept[Reported]],
        pieces: Sequence[Kept[bytes]],
        totals: Sequence[Kept[DayTotals]],
        bounds: tuple[datetime, datetime] | None,
    ) -> None:
        self._catalogs = {one.epoch: _catalog(one.record) for one in tables}
        newest_first = [self._catalogs[one.epoch] for one in reversed(tables)]
        self._known = {s.key: s for c in reversed(newest_first) for s in c.all()}
        self._blobs = [one for one in reversed(pieces) if one.epoch in self._catalogs]
        self._pieces: list[_Piece] | None = None
        self._totals = [one for one in totals if one.epoch in self._catalogs]
        self._bounds = bounds

    def series(self) -> dict[SeriesKey, Series]:
        """Every known series."""
        return self._known

    def minutes(self, keys: Sequence[SeriesKey], start: datetime, end: datetime) -> FloatArray:
        """Means of minutes; (steps, keys), NaN = missing."""
        span = range(unix(start), unix(end), MINUTE_S)
        out = np.full((len(span), len(keys)), np.nan)
        for piece in self._unpacked():
            columns = _columns(piece.catalog, keys)
            rows = blob_columns(piece.blob, columns)
            values = np.where(rows == MISSING, np.nan, rows * _scales(piece.catalog, columns))
            there, part = _overlap(span, piece.blob.start_s, values.shape[0], MINUTE_S)
            out[there] = np.where(np.isnan(out[there]), values[part], out[there])
        return out

    def slots(
        self, keys: Sequence[SeriesKey], start: datetime, end: datetime
    ) -> tuple[FloatArray, UInt8Array]:
        """Half-hours: values and quality; better quality replaces worse."""
        span = slot_span(unix(start), unix(end))
        out = np.full((len(span), len(keys)), np.nan)
        quality = np.zeros(out.shape, np.uint8)
        for piece in self._unpacked():
            columns = _columns(piece.catalog, keys)
            rows = _slot_columns(piece.blob, columns)
            values = rows["value"] * _slot_scales(piece.catalog, columns)
            there, part = _overlap(span, piece.slots.start, len(piece.slots), SLOT_S)
            better = rows["quality"][part] > quality[there]
            out[there] = np.where(better, values[part], out[there])
            quality[there] = np.where(better, rows["quality"][part], quality[there])
        return out, quality

    def day_totals(
        self, keys: Sequence[SeriesKey], first: date, last: date
    ) -> tuple[Totals, BoolArray]:
        """Days first..last, and which of them are added up."""
        span = range(day_number(first), day_number(last) + 1)
        out, known = _nothing(len(span), len(keys)), np.zeros(len(span), bool)
        for one in self._alone():
            if one.record.day in span:
                catalog = self._catalogs[one.epoch]
                row = read_totals([(0, one.record.rows)], range(1), len(catalog))
                _put(out, one.record.day - span.start, _picked(row, catalog, keys))
                known[one.record.day - span.start] = True
        return out, known

    def month_totals(
        self, keys: Sequence[SeriesKey], first: date, last: date
    ) -> tuple[Totals, BoolArray]:
        """Months holding first..last, and which are added up whole."""
        span = range(month_number(first), month_number(last) + 1)
        out, known = _nothing(len(span), len(keys)), np.zeros(len(span), bool)
        alone = {one.record.day: one for one in self._alone()}
        for month in span:
            days = month_days(month)
            found = [alone[day] for day in days if day in alone]
            if len(found) == len(days) and len({one.epoch for one in found}) == 1:
                catalog = self._catalogs[found[0].epoch]
                rows = read_totals(
                    [(one.record.day, one.record.rows) for one in found], days, len(catalog)
                )
                row = month_row(catalog, rows).reshape(1, -1)
                _put(out, month - span.start, _picked(row, catalog, keys))
                known[month - span.start] = True
        return out, known

    def slot_bounds(self) -> tuple[datetime, datetime] | None:
        """Start of the oldest and end of the newest that is stored."""
        return self._bounds

    def _unpacked(self) -> list[_Piece]:
        """The pieces, those that count most first."""
        if self._pieces is None:
            self._pieces = [_piece(self._catalogs[b.epoch], b.record) for b in self._blobs]
        return self._pieces

    def _alone(self) -> list[Kept[DayTotals]]:
        """Totals of days that only one epoch knows: those of two are joined by half-hours."""
        days = [one.record.day for one in self._totals]
        return [one for one in self._totals if days.count(one.record.day) == 1]


async def known_series(store: SegmentStore, home: bytes) -> Past:
    """A past without values: which series there are."""
    return Past(await store.reported(home), [], [], await store.bounds(home))


async def past_of(
    store: SegmentStore, home: bytes, spans: Sequence[Span], step: Step, zone: ZoneInfo
) -> Past:
    """What is needed to answer for these ranges in these steps."""
    tables, bounds = await store.reported(home), await store.bounds(home)
    totals: dict[tuple[int, int], Kept[DayTotals]] = {}  # ranges may overlap
    pieces: list[Kept[bytes]] = []
    for span in spans:
        first, last = _widened(span, step, zone)
        whole = [(first, last)]
        if step in _BY_DAY:
            added = await store.totals(home, first, last)
            totals |= {(one.epoch, one.record.day): one for one in added}
            whole = _missing(added, first, last, bounds, zone)
        for start, end in whole:
            pieces += await _pieces(store, home, start, end)
    return Past(tables, pieces, list(totals.values()), bounds)


async def _pieces(store: SegmentStore, home: bytes, first: date, last: date) -> list[Kept[bytes]]:
    """Sealed days and pieces of days, those that count most last."""
    start_s, end_s = 86400 * (day_number(first) - 1), 86400 * (day_number(last) + 2)
    segments = await store.segments(home, start_s, end_s)
    days = await store.days(home, first, last)
    found = [Kept(one.epoch, one.record.blob) for one in segments]
    found += [Kept(one.epoch, one.record.blob) for one in days]
    epochs = list(dict.fromkeys(one.epoch for one in await store.reported(home)))
    return sorted(found, key=lambda one: epochs.index(one.epoch) if one.epoch in epochs else -1)


def _widened(span: Span, step: Step, zone: ZoneInfo) -> tuple[date, date]:
    """The local days that whole steps over the range touch."""
    first = local_day(span.start, zone)
    last = local_day(span.end - timedelta(seconds=1), zone)
    if step == "1mo":
        return first.replace(day=1), day_of(month_days(month_number(last)).stop - 1)
    if step == "1y":
        return date(first.year, 1, 1), date(last.year, 12, 31)
    return first, last


def _missing(
    totals: Sequence[Kept[DayTotals]],
    first: date,
    last: date,
    bounds: tuple[datetime, datetime] | None,
    zone: ZoneInfo,
) -> list[tuple[date, date]]:
    """Runs of days that no total (or more than one) speaks for, as far as there is anything."""
    if bounds is None:
        return []
    days = [one.record.day for one in totals]
    low = max(day_number(first), day_number(local_day(bounds[0], zone)))
    high = min(day_number(last), day_number(local_day(bounds[1], zone)))
    runs: list[tuple[date, date]] = []
    for day in range(low, high + 1):
        if days.count(day) == 1:
            continue
        if runs and runs[-1][1] == day_of(day - 1):
            runs[-1] = (runs[-1][0], day_of(day))
        else:
            runs.append((day_of(day), day_of(day)))
    return runs


def _catalog(table: Reported) -> Catalog:
    rows = sorted(table.series, key=lambda row: row.id)
    return Catalog([Series(r.device, r.name, r.unit, r.scale, Kind(r.kind)) for r in rows])


def _piece(catalog: Catalog, packed: bytes) -> _Piece:
    blob = DayBlob.from_bytes(packed)
    return _Piece(catalog, blob, blob.slot_starts)


def _columns(catalog: Catalog, keys: Sequence[SeriesKey]) -> Columns:
    """The place of each series in this catalog; -1 where it is not in it."""
    known = {series.key: column for column, series in enumerate(catalog.all())}
    return np.array([known.get(key, -1) for key in keys], np.intp)


def _scales(catalog: Catalog, columns: Columns) -> FloatArray:
    scales = catalog.scales(np.maximum(columns, 0)) if len(catalog) else np.ones(columns.size)
    return np.where(columns < 0, np.nan, scales)


def _slot_scales(catalog: Catalog, columns: Columns) -> FloatArray:
    scales = catalog.slot_scales(np.maximum(columns, 0)) if len(catalog) else np.ones(columns.size)
    return np.where(columns < 0, np.nan, scales)


def _slot_columns(blob: DayBlob, columns: Columns) -> RowArray:
    """The half-hours of some columns; quality 0 where a series is not in the blob."""
    place = np.searchsorted(blob.ids, columns + 1)
    inside = np.minimum(place, max(0, blob.ids.size - 1))
    found = (place < blob.ids.size) & (blob.ids[inside] == columns + 1)
    rows = blob.slots[:, inside].copy()
    rows["quality"][:, ~found] = 0
    return rows


def _overlap(span: range, start_s: int, count: int, step_s: int) -> tuple[slice, slice]:
    """Where `count` rows from `start_s` on lie within `span`, in both."""
    first = (start_s - span.start) // step_s
    low, high = max(0, first), min(len(span), first + count)
    high = max(low, high)
    return slice(low, high), slice(low - first, high - first)


def _nothing(count: int, width: int) -> Totals:
    empty = np.full((count, width), np.nan)
    return Totals(empty, empty.copy(), np.zeros((count, width)), np.zeros((count, width), np.uint8))


def _picked(row: RowArray, catalog: Catalog, keys: Sequence[SeriesKey]) -> Totals:
    """One stored total by the asked series."""
    columns = _columns(catalog, keys)
    inside = np.maximum(columns, 0)
    found = row[:, inside].copy()
    absent = columns < 0
    found["value"][:, absent] = MISSING
    found["slots"][:, absent] = 0
    found["quality"][:, absent] = 0
    return totals_of(found, catalog.total_scales(inside))


def _put(out: Totals, index: int, row: Totals) -> None:
    out.values[index] = row.values[0]
    out.peaks[index] = row.peaks[0]
    out.slots[index] = row.slots[0]
    out.quality[index] = row.quality[0]
