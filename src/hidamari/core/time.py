"""Instants in UTC, half-hour slots and local days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SLOT_S = 1800
MINUTE_S = 60
TOKYO = ZoneInfo("Asia/Tokyo")


def from_unix(seconds: float) -> datetime:
    """The instant that is `seconds` after 1970-01-01T00:00Z."""
    return datetime.fromtimestamp(seconds, UTC)


def unix(at: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00Z; fractions are cut off."""
    return int(at.timestamp())


def floor_to(at: datetime, step_s: int) -> datetime:
    """The last multiple of `step_s` seconds of UTC that is not after `at`."""
    return from_unix(unix(at) // step_s * step_s)


def slot_start(at: datetime) -> datetime:
    """The start (:00 or :30) of the half-hour that holds `at`."""
    return floor_to(at, SLOT_S)


def slots(start: datetime, count: int) -> list[datetime]:
    """`count` half-hours in a row, the first one holding `start`."""
    first = slot_start(start)
    return [first + timedelta(seconds=SLOT_S * i) for i in range(count)]


def local_day(at: datetime, zone: ZoneInfo = TOKYO) -> date:
    """The calendar day of `at` where the home stands."""
    return at.astimezone(zone).date()


def day_bounds(day: date, zone: ZoneInfo = TOKYO) -> tuple[datetime, datetime]:
    """First instant of a local day and of the day after it, in UTC."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)
