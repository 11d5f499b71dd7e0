"""What a history request asks for: which series, from when to when, compared with what."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hidamari.core.errors import InputError
from hidamari.core.reading import Series, SeriesKey
from hidamari.core.time import day_bounds, floor_to, local_day
from hidamari.http.errors import DAY_OR_INSTANT, ApiError
from hidamari.schema.history import CompareWord, StepWord

HOME = "home"
MAX_SERIES = 200
YEARS = (1970, 2200)
CLOCK_S = {"30m": 1800, "1h": 3600}


@dataclass(frozen=True, slots=True)
class Span:
    """A range of instants; `days` are its local dates where it was asked for by dates."""

    start: datetime
    end: datetime
    days: tuple[date, date] | None = None


def find_series(text: str, known: dict[SeriesKey, Series]) -> dict[str, SeriesKey]:
    """The asked names with their series; raises 404 naming the first unknown one.

    A name is `device.name`; without a device it is of the home, and `_kwh` may stand for `_kw`.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(names) > MAX_SERIES:
        raise ApiError(422, "no or too many series", f"1 to {MAX_SERIES} names from GET /series")
    found: dict[str, SeriesKey] = {}
    for name in names:
        key = series_key(name)
        short = SeriesKey(key.device, key.name.removesuffix("h"))
        if key not in known and name.endswith("_kwh") and short in known:
            key = short
        if key not in known:
            raise ApiError(404, f"no series {name}", "a name from GET /series")
        found[name] = key
    return found


def series_key(name: str) -> SeriesKey:
    """`device.name` taken apart at the last dot; a bare name is of the home."""
    device, _, own = name.rpartition(".")
    return SeriesKey(device or HOME, own)


def parse_span(start: str, end: str, zone: ZoneInfo) -> Span:
    """The range between two dates or instants, the second one not in it; raises InputError."""
    first, last = _day(start), _day(end)
    if first is not None and last is not None:
        span = Span(day_bounds(first, zone)[0], day_bounds(last, zone)[0], (first, last))
    else:
        span = Span(_instant(start, zone), _instant(end, zone))
    if not YEARS[0] <= span.start.year <= span.end.year <= YEARS[1]:
        raise InputError(f"dates from {YEARS[0]} to {YEARS[1]} were expected")
    if span.end <= span.start:
        raise InputError(f"an end after the start was expected, got {start} to {end}")
    return span


def shifted(span: Span, how: CompareWord, zone: ZoneInfo) -> Span:
    """The range to compare with: as long, one period, one year or whole weeks before."""
    if span.days is not None:
        first, last = span.days
        start = _date_before(first, how, span.days)
        after = _date_before(last, how, span.days)
        if after <= start:
            after = start + (last - first)
        return Span(day_bounds(start, zone)[0], day_bounds(after, zone)[0], (start, after))
    if how == "last_year":
        return Span(_year_before(span.start, zone), _year_before(span.end, zone))
    length = span.end - span.start
    back = (
        length if how == "previous" else timedelta(days=7 * math.ceil(length / timedelta(days=7)))
    )
    return Span(span.start - back, span.end - back)


def _date_before(day: date, how: CompareWord, days: tuple[date, date]) -> date:
    first, last = days
    if how == "last_year":
        return _one_year_earlier(day)
    length = last - first
    if how == "weekday":
        return day - timedelta(days=7 * math.ceil(length.days / 7))
    months = (last.year - first.year) * 12 + last.month - first.month
    if first.day == 1 and last.day == 1 and months > 0:  # months and years are not equally long
        index = day.year * 12 + day.month - 1 - months
        return date(index // 12, index % 12 + 1, 1)
    return day - length


def _one_year_earlier(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def _year_before(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    earlier = _one_year_earlier(local_day(at, zone))
    return datetime.combine(earlier, local.timetz()).astimezone(UTC)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if len(text) <= len("2026-04-01") else None
    except ValueError:
        return None
    return day if day is None or YEARS[0] <= day.year <= YEARS[1] else None


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """A date counts as its first instant; a time without an offset is the home's local time."""
    day = _day(text)
    if day is not None:
        return day_bounds(day, zone)[0]
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
        at = found if found.tzinfo is not None else found.replace(tzinfo=zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{DAY_OR_INSTANT} was expected, got {text[:40]!r}") from error


def step_edges(span: Span, step: StepWord, zone: ZoneInfo) -> list[datetime]:
    """Starts of the steps that cover the range, and the end of the last; from 30m on."""
    if step in CLOCK_S:
        low = floor_to(span.start, CLOCK_S[step])
        count = math.ceil((span.end - low).total_seconds() / CLOCK_S[step])
        return [low + timedelta(seconds=CLOCK_S[step] * i) for i in range(count + 1)]
    day = local_day(span.start, zone)
    day = {"1d": day, "1mo": day.replace(day=1), "1y": day.replace(month=1, day=1)}[step]
    edges = [day_bounds(day, zone)[0]]
    while edges[-1] < span.end:
        day = _next(day, step)
        edges.append(day_bounds(day, zone)[0])
    return edges


def _next(day: date, step: StepWord) -> date:
    if step == "1d":
        return day + timedelta(days=1)
    if step == "1mo":
        return (day + timedelta(days=32)).replace(day=1)
    return day.replace(year=day.year + 1)
