"""Instants, slots and local days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.core.time import (
    TOKYO,
    day_bounds,
    floor_to,
    from_unix,
    local_day,
    slot_start,
    slots,
    unix,
)

BERLIN = ZoneInfo("Europe/Berlin")
instants = st.floats(86_400.0, 4_000_000_000.0).map(from_unix)


@given(at=instants)
def test_a_slot_starts_on_the_half_hour_and_holds_its_instant(at: datetime) -> None:
    start = slot_start(at)
    assert start <= at < start + timedelta(minutes=30)
    assert (start.minute % 30, start.second, start.microsecond) == (0, 0, 0)


@given(at=instants)
def test_unix_seconds_come_back_without_their_fraction(at: datetime) -> None:
    assert from_unix(unix(at)) == at.replace(microsecond=0)


def test_slots_run_on_without_gap() -> None:
    found = slots(datetime(2026, 4, 1, 0, 10, tzinfo=UTC), 3)
    assert [at.isoformat() for at in found] == [
        "2026-04-01T00:00:00+00:00",
        "2026-04-01T00:30:00+00:00",
        "2026-04-01T01:00:00+00:00",
    ]


def test_any_step_can_be_floored() -> None:
    at = datetime(2026, 4, 1, 0, 59, 59, 999_999, tzinfo=UTC)
    assert floor_to(at, 60) == datetime(2026, 4, 1, 0, 59, tzinfo=UTC)


def test_the_local_day_in_tokyo_begins_at_15_00_utc() -> None:
    assert local_day(datetime(2026, 4, 1, 14, 59, tzinfo=UTC)) == date(2026, 4, 1)
    assert local_day(datetime(2026, 4, 1, 15, 0, tzinfo=UTC)) == date(2026, 4, 2)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), TOKYO, 24),
        (date(2026, 3, 29), BERLIN, 23),  # clocks forward
        (date(2026, 10, 25), BERLIN, 25),  # clocks back
        (date(2028, 2, 29), TOKYO, 24),
    ],
)
def test_a_local_day_is_as_long_as_its_clocks_say(day: date, zone: ZoneInfo, hours: int) -> None:
    start, end = day_bounds(day, zone)
    assert end - start == timedelta(hours=hours)
    assert local_day(start, zone) == day
    assert local_day(end - timedelta(seconds=1), zone) == day
