"""Graphs out of half-hours: local days and months, gaps, the changes of the clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.time import SLOT_S, TOKYO, day_bounds, from_unix, unix
from hidamari.store.db import Store
from hidamari.store.history import HistoryQuery, HistoryResult, Step, history

START = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
KOLKATA = ZoneInfo("Asia/Kolkata")
USE = Series("home", "use_kw", "kW", 0.001, Kind.POWER)
SOC = Series("home", "soc_pct", "%", 0.1, Kind.LEVEL)
COUNT = Series("meter", "energy_kwh", "kWh", 0.01, Kind.COUNTER)


@pytest.fixture
def store(memory: Path) -> Iterator[Store]:
    """A store that need not wait for a disk."""
    opened = Store.open(memory, START, ballast_bytes=0)
    yield opened
    opened.close()


def fill(store: Store, start: datetime, end: datetime, kwh: float, zone: ZoneInfo) -> None:
    """Every half-hour from `start` to `end` holds `kwh`."""
    store.add_series([USE])
    count = -(-(unix(end) - unix(start)) // SLOT_S)
    quality = np.full((count, 1), Quality.COUNTER, np.uint8)
    store.write_slot_block(start, [USE.key], (np.full((count, 1), kwh), quality), zone)


def ask(
    store: Store, first: date, after: date, step: Step, zone: ZoneInfo = TOKYO
) -> HistoryResult:
    start, end = day_bounds(first, zone)[0], day_bounds(after, zone)[0]
    keys = tuple(store.series()) if USE.key not in store.series() else (USE.key,)
    return history(store, HistoryQuery(keys, start, end, step, zone))


@pytest.mark.req("MEA-03")
def test_a_month_of_days_in_tokyo_has_48_half_hours_each(store: Store) -> None:
    start, end = day_bounds(date(2026, 2, 1))[0], day_bounds(date(2026, 3, 1))[0]
    fill(store, start, end, 0.25, TOKYO)
    got = ask(store, date(2026, 2, 1), date(2026, 3, 1), "1d")
    assert got.starts[0] == datetime(2026, 1, 31, 15, tzinfo=UTC)
    assert got.values[USE.key] == [12.0] * 28  # 48 x 0.25
    assert got.quality[USE.key] == [Quality.COUNTER] * 28


@pytest.mark.parametrize(
    ("day", "slots"),
    [(date(2026, 3, 28), 48), (date(2026, 3, 29), 46), (date(2026, 10, 25), 50)],
)
def test_a_day_of_a_clock_change_has_46_or_50_half_hours(
    store: Store, day: date, slots: int
) -> None:
    fill(store, *day_bounds(day, BERLIN), 1.0, BERLIN)
    for sealed in (False, True):  # out of half-hours, then out of the total
        if sealed:
            store.seal_day(day, BERLIN)
        got = ask(store, day, day + timedelta(days=1), "1d", BERLIN)
        assert got.values[USE.key] == [slots]
        assert got.quality[USE.key] == [Quality.COUNTER]


def test_a_month_of_a_clock_change_is_whole_with_1486_half_hours(store: Store) -> None:
    start, end = day_bounds(date(2026, 3, 1), BERLIN)[0], day_bounds(date(2026, 4, 2), BERLIN)[0]
    fill(store, start, end, 1.0, BERLIN)
    got = ask(store, date(2026, 3, 1), date(2026, 4, 1), "1mo", BERLIN)
    assert got.values[USE.key] == [31 * 48 - 2]
    assert got.quality[USE.key] == [Quality.COUNTER]


def test_an_hour_begins_where_the_local_clock_shows_it(store: Store) -> None:
    start, end = day_bounds(date(2026, 1, 1), KOLKATA)  # 18:30 UTC
    fill(store, start, end, 0.5, KOLKATA)
    got = ask(store, date(2026, 1, 1), date(2026, 1, 2), "1h", KOLKATA)
    assert got.starts[0] == datetime(2025, 12, 31, 18, 30, tzinfo=UTC)
    assert got.values[USE.key] == [1.0] * 24


def test_where_days_begin_within_a_half_hour_each_half_hour_counts_once(store: Store) -> None:
    start, end = day_bounds(date(2026, 1, 1), KATHMANDU)[0], day_bounds(date(2026, 1, 5))[0]
    fill(store, start, end, 1.0, KATHMANDU)
    got = ask(store, date(2026, 1, 1), date(2026, 1, 4), "1d", KATHMANDU)
    assert got.values[USE.key] == [48.0] * 3


def test_a_gap_stays_none_and_makes_its_day_partly(store: Store) -> None:
    start, _ = day_bounds(date(2026, 2, 1))
    fill(store, start, start + timedelta(hours=6), 0.5, TOKYO)
    fill(store, start + timedelta(hours=7), start + timedelta(hours=24), 0.5, TOKYO)
    fill(store, start + timedelta(days=2), start + timedelta(days=3), 0.5, TOKYO)
    hours = ask(store, date(2026, 2, 1), date(2026, 2, 2), "1h").values[USE.key]
    assert hours == [1.0] * 6 + [None] + [1.0] * 17
    days = ask(store, date(2026, 2, 1), date(2026, 2, 5), "1d")
    assert days.values[USE.key] == [23.0, None, 24.0, None]
    assert days.quality[USE.key] == [Quality.PARTLY, 0, Quality.COUNTER, 0]
    month = ask(store, date(2026, 2, 1), date(2026, 3, 1), "1mo")
    assert month.values[USE.key] == [47.0]
    assert month.quality[USE.key] == [Quality.PARTLY]


def test_half_an_hour_that_is_missing_makes_the_hour_partly(store: Store) -> None:
    start, _ = day_bounds(date(2026, 2, 1))
    fill(store, start, start + timedelta(minutes=30), 0.3, TOKYO)
    got = ask(store, date(2026, 2, 1), date(2026, 2, 2), "1h")
    assert got.values[USE.key][:2] == [0.3, None]
    assert got.quality[USE.key][:2] == [Quality.PARTLY, 0]


def test_ten_years_by_month_and_by_year_read_no_half_hours(store: Store) -> None:
    start, end = day_bounds(date(2016, 1, 1))[0], day_bounds(date(2026, 1, 1))[0]
    fill(store, start, end, 0.125, TOKYO)
    store.seal_day(date(2025, 12, 31), TOKYO)
    read: list[object] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            if name in ("slots", "minutes"):
                read.append(name)
            return getattr(store, name)

    query = HistoryQuery((USE.key,), start, end, "1mo", TOKYO)
    months = history(Watched(), query)
    assert len(months.starts) == 120
    assert months.values[USE.key][:2] == [31 * 6.0, 29 * 6.0]  # 48 x 0.125 = 6 a day, 2016 leaps
    years = ask(store, date(2016, 1, 1), date(2026, 1, 1), "1y").values[USE.key]
    assert years == [6.0 * (366 if year % 4 == 0 else 365) for year in range(2016, 2026)]
    assert read == []


def test_the_month_that_goes_on_adds_its_unsealed_days(store: Store) -> None:
    start, _ = day_bounds(date(2026, 2, 1))
    fill(store, start, start + timedelta(days=3, hours=12), 0.5, TOKYO)
    assert store.unsealed_days(date(2026, 3, 1), TOKYO) == [date(2026, 2, 4)]
    got = ask(store, date(2026, 2, 1), date(2026, 3, 1), "1mo")
    assert got.values[USE.key] == [3 * 24.0 + 12.0]


def test_levels_are_means_and_counters_the_last_reading(store: Store) -> None:
    store.add_series([SOC, COUNT])
    start, _ = day_bounds(date(2026, 2, 1))
    for slot, (soc_pct, kwh) in enumerate([(20.0, 100.0), (40.0, 101.5), (90.0, None)]):
        store.write_slots(
            start + timedelta(minutes=30 * slot),
            {
                SOC.key: SlotValue(soc_pct, Quality.POWER),
                COUNT.key: SlotValue(kwh, Quality.COUNTER),
            },
        )
    keys = (SOC.key, COUNT.key)
    end = start + timedelta(days=1)
    for sealed in (False, True):
        if sealed:
            store.seal_day(date(2026, 2, 1), TOKYO)
        got = history(store, HistoryQuery(keys, start, end, "1d", TOKYO))
        assert got.values == {SOC.key: [50.0], COUNT.key: [101.5]}


def test_five_minutes_are_the_mean_power_of_what_is_there(store: Store) -> None:
    store.add_series([USE])
    start, _ = day_bounds(date(2026, 2, 1))
    for minute, power_kw in enumerate([1.0, 2.0, 3.0, 4.0, 5.0, 0.5, 1.5]):
        store.write_minute(start + timedelta(minutes=minute), {USE.key: power_kw})
    end = start + timedelta(minutes=15)
    got = history(store, HistoryQuery((USE.key,), start, end, "5m", TOKYO))
    assert got.values[USE.key] == [3.0, 1.0, None]
    assert got.quality[USE.key] == [Quality.POWER, Quality.PARTLY, Quality.MISSING]
    fine = history(store, HistoryQuery((USE.key,), start, end, "1m", TOKYO)).values[USE.key]
    assert fine == [1.0, 2.0, 3.0, 4.0, 5.0, 0.5, 1.5] + [None] * 8


def test_a_range_that_makes_no_sense_is_refused(store: Store) -> None:
    start, end = day_bounds(date(2026, 2, 1))
    store.add_series([USE])
    for query, message in (
        (HistoryQuery((USE.key,), end, start, "1d", TOKYO), "a range expected"),
        (HistoryQuery((USE.key,), start, end, "2d", TOKYO), "a step of 1m, 5m"),  # type: ignore[arg-type]
        (
            HistoryQuery((USE.key,), start, start + timedelta(days=400), "1m", TOKYO),
            "at most 20000",
        ),
        (HistoryQuery((SeriesKey("a", "b"),), start, end, "1d", TOKYO), r"got a\.b"),
    ):
        with pytest.raises(InputError, match=message):
            history(store, query)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from([TOKYO, BERLIN, KATHMANDU, ZoneInfo("Australia/Lord_Howe")]),
    start_s=st.integers(
        unix(datetime(2025, 1, 1, tzinfo=UTC)), unix(datetime(2027, 1, 1, tzinfo=UTC))
    ),
    length_s=st.integers(1, 500 * 86400),
    step=st.sampled_from(["30m", "1h", "1d", "1mo", "1y"]),
)
def test_steps_touch_each_other_and_hold_the_range(
    store: Store, zone: ZoneInfo, start_s: int, length_s: int, step: Step
) -> None:
    store.add_series([USE])
    start, end = from_unix(start_s), from_unix(start_s + length_s)
    if step in ("30m", "1h") and length_s > 300 * 86400:
        return
    got = history(store, HistoryQuery((USE.key,), start, end, step, zone))
    assert got.starts[0] <= start
    assert got.starts[-1] < end
    assert all(a < b for a, b in pairwise(got.starts))
    assert len(got.values[USE.key]) == len(got.quality[USE.key]) == len(got.starts)
    if step in ("1d", "1mo", "1y"):
        local = [at.astimezone(zone) for at in got.starts]
        assert all((at.hour, at.minute) == (0, 0) for at in local)
