"""A range of the history in steps, for graphs and files: pure over whatever can be read.

Up to one hour a step is a piece of the clock; days, months and years are those of the local
calendar, so that a day has 46 or 50 half-hours where the clocks change. What is not known stays
None, a step with a gap is PARTLY. The finest steps show power as mean kW, all others as kWh.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal, Protocol, get_args
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind, Quality, Series, SeriesKey
from hidamari.core.time import MINUTE_S, SLOT_S, day_bounds, from_unix, local_day, unix
from hidamari.store.pack import BoolArray, FloatArray, UInt8Array
from hidamari.store.rollup import Totals, fold, of_slots

Step = Literal["1m", "5m", "30m", "1h", "1d", "1mo", "1y"]
STEPS: tuple[Step, ...] = get_args(Step)
MOST_STEPS = 20_000  # a year of half-hours; a longer range is asked for in longer steps


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What is asked for; the range is widened to whole steps."""

    keys: tuple[SeriesKey, ...]
    start: datetime
    end: datetime
    step: Step
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """The start of each step in UTC, and by series a value (None = missing) and a Quality each."""

    starts: list[datetime]
    values: dict[SeriesKey, list[float | None]]
    quality: dict[SeriesKey, list[int]]


class Reader(Protocol):
    """What history needs of a store; all arrays are (steps, keys), NaN = missing."""

    def series(self) -> dict[SeriesKey, Series]:
        """Every known series."""
        ...

    def minutes(self, keys: Sequence[SeriesKey], start: datetime, end: datetime) -> FloatArray:
        """Means of minutes."""
        ...

    def slots(
        self, keys: Sequence[SeriesKey], start: datetime, end: datetime
    ) -> tuple[FloatArray, UInt8Array]:
        """Half-hours: values and quality."""
        ...

    def day_totals(
        self, keys: Sequence[SeriesKey], first: date, last: date
    ) -> tuple[Totals, BoolArray]:
        """Days first..last, and which of them are added up."""
        ...

    def month_totals(
        self, keys: Sequence[SeriesKey], first: date, last: date
    ) -> tuple[Totals, BoolArray]:
        """Months holding first..last, and which are added up whole."""
        ...

    def slot_bounds(self) -> tuple[datetime, datetime] | None:
        """Start of the oldest and end of the newest half-hour."""
        ...


def history(reader: Reader, query: HistoryQuery) -> HistoryResult:
    """The series of `query` in its steps; raises InputError for a range that makes no sense."""
    starts = _starts(query)
    known = reader.series()
    if unknown := [key for key in query.keys if key not in known]:
        raise InputError(f"a known series expected, got {unknown[0].device}.{unknown[0].name}")
    kinds = [known[key].kind for key in query.keys]
    buckets = _READ[query.step](_Source(reader, query.keys, kinds, query.zone), starts)
    values: dict[SeriesKey, list[float | None]] = {}
    quality: dict[SeriesKey, list[int]] = {}
    for i, key in enumerate(query.keys):
        column = np.round(buckets.values[:, i], _decimals(known[key], query.step)).tolist()
        values[key] = [None if math.isnan(value) else value for value in column]
        quality[key] = buckets.quality[:, i].tolist()
    return HistoryResult(starts[:-1], values, quality)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the parts of the steps come from."""

    reader: Reader
    keys: tuple[SeriesKey, ...]
    kinds: list[Kind]
    zone: ZoneInfo

    def minutes(self, starts: list[datetime]) -> Totals:
        values = self.reader.minutes(self.keys, starts[0], starts[-1])
        present = (~np.isnan(values)).astype(np.float64)
        return Totals(values, values, present, (present * Quality.POWER).astype(np.uint8))

    def five_minutes(self, starts: list[datetime]) -> Totals:
        count = len(starts) - 1
        means = [Kind.LEVEL if kind is Kind.POWER else kind for kind in self.kinds]
        return fold(self.minutes(starts), range(0, 5 * count, 5), np.full(count, 5.0), means)

    def half_hours(self, starts: list[datetime]) -> Totals:
        values, quality = self.reader.slots(self.keys, starts[0], starts[-1])
        return of_slots(values, quality, self.kinds)

    def spans(self, starts: list[datetime]) -> Totals:
        """Whole clock pieces longer than a half-hour, out of half-hours."""
        first, last = _slot_ceil(starts[0]), _slot_ceil(starts[-1])
        parts = self.half_hours([first, last])
        at = [(unix(_slot_ceil(start)) - unix(first)) // SLOT_S for start in starts]
        return fold(parts, at[:-1], np.diff(at).astype(np.float64), self.kinds)

    def days(self, starts: list[datetime]) -> Totals:
        first, last = local_day(starts[0], self.zone), local_day(starts[-2], self.zone)
        totals, known = self.reader.day_totals(self.keys, first, last)
        return self._filled(totals, known, starts, self.spans)

    def months(self, starts: list[datetime]) -> Totals:
        first, last = local_day(starts[0], self.zone), local_day(starts[-2], self.zone)
        totals, known = self.reader.month_totals(self.keys, first, last)
        whole = _judged(totals, _slot_counts(starts))
        return self._filled(whole, known, starts, self._months_of_days)

    def years(self, starts: list[datetime]) -> Totals:
        months = list(_month_starts(starts[0], starts[-1], self.zone))
        at = [months.index(start) for start in starts]
        return fold(self.months(months), at[:-1], _slot_counts(starts), self.kinds)

    def _months_of_days(self, starts: list[datetime]) -> Totals:
        days = list(_day_starts(starts[0], starts[-1], self.zone))
        at = [days.index(start) for start in starts]
        return fold(self.days(days), at[:-1], _slot_counts(starts), self.kinds)

    def _filled(
        self, totals: Totals, known: BoolArray, starts: list[datetime], finer: "_Finer"
    ) -> Totals:
        """`totals` with the unknown steps read from something finer, as far as there is any."""
        bounds = self.reader.slot_bounds()
        if bounds is None or known.all():
            return totals
        there = np.array([b > bounds[0] and a < bounds[1] for a, b in pairwise(starts)])
        for low, high in _runs(~known & there):
            part = finer(starts[low : high + 1])
            for field in fields(Totals):
                getattr(totals, field.name)[low:high] = getattr(part, field.name)
        return totals


class _Finer(Protocol):
    def __call__(self, starts: list[datetime]) -> Totals: ...


_READ = {
    "1m": _Source.minutes,
    "5m": _Source.five_minutes,
    "30m": _Source.half_hours,
    "1h": _Source.spans,
    "1d": _Source.days,
    "1mo": _Source.months,
    "1y": _Source.years,
}
_CLOCK_S = {"1m": MINUTE_S, "5m": 5 * MINUTE_S, "30m": SLOT_S, "1h": 2 * SLOT_S}


def _starts(query: HistoryQuery) -> list[datetime]:
    """The starts of the steps, and after them the end of the last one."""
    if query.step not in STEPS:
        raise InputError(f"a step of {', '.join(STEPS)} expected, got {query.step!r}")
    if query.start >= query.end:
        raise InputError(f"a range expected, got {query.start} to {query.end}")
    if query.step in _CLOCK_S:
        return _clock_starts(query, _CLOCK_S[query.step])
    if (query.end - query.start).days > MOST_STEPS:
        raise InputError(f"at most {MOST_STEPS} days expected")
    return list(_CALENDAR[query.step](query.start, query.end, query.zone))


def _clock_starts(query: HistoryQuery, step_s: int) -> list[datetime]:
    # An hour begins where the local clock shows :00, which in some zones is half past in UTC.
    offset = query.start.astimezone(query.zone).utcoffset() or timedelta()
    shift_s = int(offset.total_seconds()) % 3600 // SLOT_S * SLOT_S
    low = (unix(query.start) + shift_s) // step_s * step_s - shift_s
    count = -(-(math.ceil(query.end.timestamp()) - low) // step_s)
    if count > MOST_STEPS:
        raise InputError(f"at most {MOST_STEPS} steps expected, this range has {count}")
    return [from_unix(low + step_s * i) for i in range(count + 1)]


def _day_starts(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = local_day(start, zone)
    at, after = day_bounds(day, zone)
    yield at
    while after < end:
        yield after
        day += timedelta(days=1)
        after = day_bounds(day, zone)[1]
    yield after


def _month_starts(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    month = local_day(start, zone).replace(day=1)
    yield day_bounds(month, zone)[0]
    while True:
        month = (month + timedelta(days=32)).replace(day=1)
        at = day_bounds(month, zone)[0]
        yield at
        if at >= end:
            return


def _year_starts(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    year = local_day(start, zone).year
    yield day_bounds(date(year, 1, 1), zone)[0]
    while True:
        year += 1
        at = day_bounds(date(year, 1, 1), zone)[0]
        yield at
        if at >= end:
            return


_CALENDAR = {"1d": _day_starts, "1mo": _month_starts, "1y": _year_starts}


def _slot_ceil(at: datetime) -> datetime:
    return from_unix(-(-unix(at) // SLOT_S) * SLOT_S)


def _slot_counts(starts: list[datetime]) -> FloatArray:
    """How many half-hours lie between each start and the next."""
    counts: FloatArray = np.diff([unix(_slot_ceil(start)) / SLOT_S for start in starts])
    return counts


def _judged(totals: Totals, expected: FloatArray) -> Totals:
    """The same totals; where half-hours are missing they are at most PARTLY."""
    short = totals.slots < expected.reshape(-1, 1)
    quality = np.where(short, np.minimum(totals.quality, Quality.PARTLY), totals.quality)
    return Totals(totals.values, totals.peaks, totals.slots, quality.astype(np.uint8))


def _runs(wanted: BoolArray) -> list[tuple[int, int]]:
    """Where `wanted` is true without a break: [low, high) each."""
    edges = np.flatnonzero(np.diff(wanted.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _decimals(series: Series, step: Step) -> int:
    """What is worth printing: 1 W, 1 Wh, a tenth of it in half-hours, else a tenth of a step."""
    if series.kind is Kind.POWER:
        return 4 if step in ("30m", "1h") else 3
    return max(0, math.ceil(-math.log10(series.scale))) + (series.kind is Kind.LEVEL)
