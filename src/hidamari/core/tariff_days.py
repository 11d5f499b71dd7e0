"""Local days, half-hours and holidays of many instants at once."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import jpholiday
import numpy as np

from hidamari.core.tariff import HolidayRule, IntArray

DAY_S = 86400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=128)
def public_holidays(year: int) -> frozenset[date]:
    """The public holidays of Japan in a year, substitute days included."""
    return frozenset(day for day, _ in jpholiday.year_holidays(year))


def is_holiday(rule: HolidayRule, day: date) -> bool:
    """Whether the plan counts a local day as a holiday."""
    return (
        day.weekday() in rule.weekdays
        or (day.month, day.day) in rule.dates
        or (rule.public and day in public_holidays(day.year))
    )


@lru_cache(maxsize=8192)
def day_cell(rule: HolidayRule, ordinal: int) -> int:
    """Row of a band grid for the local day with this ordinal: 2 x (month - 1) + holiday."""
    day = date.fromordinal(ordinal)
    return 2 * (day.month - 1) + is_holiday(rule, day)


def local_seconds(unix_s: IntArray, zone: ZoneInfo) -> IntArray:
    """Seconds since 1970-01-01T00:00 on the wall clock of `zone`, for ascending unix seconds."""
    if not len(unix_s):
        return unix_s
    days = range(int(unix_s[0]) // DAY_S, int(unix_s[-1]) // DAY_S + 2)
    offsets_s = np.array([_offset_s(day * DAY_S, zone) for day in days], dtype=np.int64)
    at = unix_s // DAY_S - days[0]
    local = unix_s + offsets_s[at]
    for i in np.flatnonzero(offsets_s[at] != offsets_s[at + 1]):  # days on which clocks are put
        local[i] = unix_s[i] + _offset_s(int(unix_s[i]), zone)
    return local


def split_local(local_s: IntArray) -> tuple[IntArray, IntArray]:
    """Ordinal of the local day and half-hour 0-47 of the day, of local seconds."""
    return local_s // DAY_S + _EPOCH_ORDINAL, local_s % DAY_S // 1800


def _offset_s(unix_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(unix_s, UTC).astimezone(zone).utcoffset()
    return int((offset or timedelta(0)).total_seconds())
