"""Local calendars of many instants at once, and holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hidamari.core.tariff import HolidayRule
from hidamari.core.tariff_days import is_holiday, local_seconds, public_holidays, split_local
from hidamari.core.time import slots, unix


@pytest.mark.t(6)
@pytest.mark.parametrize(
    "zone", ["Asia/Tokyo", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]
)
def test_the_calendar_of_arrays_is_that_of_single_instants(zone: str) -> None:
    # Lord Howe puts its clocks by half an hour, St. John's stands at half-hours.
    starts = slots(datetime(2026, 1, 1, tzinfo=UTC), 365 * 48)
    unix_s = np.array([unix(at) for at in starts], dtype=np.int64)
    ordinal, half = split_local(local_seconds(unix_s, ZoneInfo(zone)))
    local = [at.astimezone(ZoneInfo(zone)) for at in starts]
    assert ordinal.tolist() == [at.date().toordinal() for at in local]
    assert half.tolist() == [at.hour * 2 + at.minute // 30 for at in local]


def test_no_instants_have_no_calendar() -> None:
    assert len(local_seconds(np.array([], dtype=np.int64), ZoneInfo("Asia/Tokyo"))) == 0


def test_the_citizens_holiday_and_the_substitute_day_count() -> None:
    # Cabinet Office calendar: 2026-09-22 lies between two holidays, 2027-03-22 replaces a Sunday.
    assert date(2026, 9, 22) in public_holidays(2026)
    assert date(2027, 3, 22) in public_holidays(2027)
    assert date(2026, 9, 24) not in public_holidays(2026)


def test_a_plan_says_itself_what_a_holiday_is() -> None:
    monday, saturday = date(2026, 7, 20), date(2026, 7, 18)  # the Monday is Marine Day
    assert is_holiday(HolidayRule(), monday)
    assert is_holiday(HolidayRule(), saturday)
    only_sundays = HolidayRule(weekdays=frozenset({6}), public=False)
    assert not is_holiday(only_sundays, monday)
    assert not is_holiday(only_sundays, saturday)
    assert is_holiday(only_sundays, monday - timedelta(days=1))
    year_end = HolidayRule(frozenset(), public=False, dates=frozenset({(12, 31)}))
    assert is_holiday(year_end, date(2026, 12, 31))
