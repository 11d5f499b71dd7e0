"""The store as the rest of the program sees it."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hidamari.core.errors import InputError, StoreBusy, StoreError
from hidamari.core.reading import Event, Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.time import TOKYO, unix
from hidamari.store import writes
from hidamari.store.db import Store

GRID = Series("home", "grid_kw", "kW", 0.001, Kind.POWER)
SOC = Series("home", "soc_pct", "%", 0.1, Kind.LEVEL)
COUNT = Series("circuit:1", "energy_kwh", "kWh", 0.01, Kind.COUNTER)
SERIES = [GRID, SOC, COUNT]
KEYS = [series.key for series in SERIES]
# 2026-03-01 00:00 in Tokyo.
START = datetime(2026, 2, 28, 15, 0, tzinfo=UTC)
DAY = date(2026, 3, 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data", START, ballast_bytes=0)
    opened.add_series(SERIES)
    yield opened
    opened.close()


def reopened(store: Store, tmp_path: Path) -> Store:
    store.close()
    return Store.open(tmp_path / "data", START, ballast_bytes=0)


def test_a_written_minute_is_read_back_with_its_gaps(store: Store) -> None:
    store.write_minute(START, {GRID.key: -1.234, SOC.key: 55.5, COUNT.key: None})
    store.write_minute(START + timedelta(minutes=2, seconds=59), {COUNT.key: 12345.67})
    got = store.minutes(KEYS, START, START + timedelta(minutes=4))
    nan = np.nan
    expected = [[-1.234, 55.5, nan], [nan] * 3, [nan, nan, 12345.67], [nan] * 3]
    np.testing.assert_allclose(got, expected, atol=1e-9)
    assert store.last_minute() == START + timedelta(minutes=2)


def test_the_first_value_of_a_minute_stays_and_its_gaps_are_filled(store: Store) -> None:
    store.write_minute(START, {GRID.key: 1.0})
    store.write_minute(START, {GRID.key: 2.0, SOC.key: 50.0})
    got = store.minutes(KEYS[:2], START, START + timedelta(minutes=1))
    np.testing.assert_allclose(got, [[1.0, 50.0]])


def test_a_better_half_hour_replaces_a_worse_one_and_never_the_reverse(store: Store) -> None:
    for value, quality in (
        (0.5, Quality.POWER),
        (0.6, Quality.PARTLY),
        (0.7, Quality.POWER),
        (0.8, Quality.COUNTER),
        (0.9, Quality.REFILLED),
    ):
        store.write_slots(START, {GRID.key: SlotValue(value, quality)})
    values, quality = store.slots(KEYS, START, START + timedelta(hours=1))
    np.testing.assert_allclose(values[:, 0], [0.8, np.nan])
    assert quality.tolist() == [[Quality.COUNTER, 0, 0], [0, 0, 0]]


def test_everything_is_there_after_opening_again(store: Store, tmp_path: Path) -> None:
    store.write_minute(START, {GRID.key: 1.5})
    store.write_slots(START, {GRID.key: SlotValue(0.75, Quality.POWER)})
    number = store.add_event(Event(START, "notice", "home", "power.back", {"min": 37}))
    store.put_settings({"home.name": "陽だまり", "home.size": [4, 5]}, START)
    store.put_kv("cursor", b"\x00\x01")
    again = reopened(store, tmp_path)
    assert again.series() == {series.key: series for series in SERIES}
    assert again.minutes(KEYS[:1], START, START + timedelta(minutes=1)).tolist() == [[1.5]]
    assert again.slots(KEYS[:1], START, START + timedelta(minutes=30))[0].tolist() == [[0.75]]
    assert again.events() == [Event(START, "notice", "home", "power.back", {"min": 37}, number)]
    assert again.settings() == {"home.name": "陽だまり", "home.size": [4, 5]}
    assert again.get_kv("cursor") == b"\x00\x01"
    assert again.get_kv("nothing") is None
    again.close()


def test_a_sealed_day_reads_like_its_frames_and_is_added_up(store: Store) -> None:
    minutes = np.arange(1440.0).reshape(-1, 1) / 1000
    store.write_minutes(START, [GRID.key], minutes)
    for slot in range(48):
        at = START + timedelta(minutes=30 * slot)
        store.write_slots(at, {GRID.key: SlotValue(0.1 + (slot == 40), Quality.COUNTER)})
    assert store.unsealed_days(date(2026, 3, 3), TOKYO) == [DAY]
    store.seal_day(DAY, TOKYO)
    assert store.unsealed_days(date(2026, 3, 3), TOKYO) == []
    assert store.verify_day(DAY)
    got = store.minutes([GRID.key], START, START + timedelta(days=1))
    np.testing.assert_allclose(got, minutes)
    kwh, peak_kw = store.totals([GRID.key], DAY, DAY + timedelta(days=1))
    # 48 x 0.1 + 1 = 5.8 kWh; the largest half-hour 1.1 kWh is 2.2 kW.
    np.testing.assert_allclose(kwh, [[5.8], [np.nan]])
    np.testing.assert_allclose(peak_kw, [[2.2], [np.nan]])


def test_a_second_store_on_the_folder_is_refused_with_the_process(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(StoreBusy, match=r"data folder .*data is in use by process \d+"):
        Store.open(tmp_path / "data", START)


def test_a_series_that_changes_its_unit_is_refused(store: Store) -> None:
    store.add_series(SERIES)
    with pytest.raises(StoreError, match=r"home\.grid_kw: stored as kW x 0\.001"):
        store.add_series([Series("home", "grid_kw", "kW", 0.01, Kind.POWER)])


def test_an_unknown_series_is_named(store: Store) -> None:
    with pytest.raises(InputError, match=r"got home\.moon_kw"):
        store.minutes([SeriesKey("home", "moon_kw")], START, START + timedelta(hours=1))


def test_events_are_found_by_kind_newest_first(store: Store) -> None:
    for number in range(30):
        kind = ("log", "notice", "command")[number % 3]
        store.add_event(Event(START, kind, "home", "n", {"n": number}))
    numbers = [event.data["n"] for event in store.events(limit=4)]
    assert numbers == [29, 28, 27, 26]
    some = store.events(kinds=["notice", "command"], limit=3)
    assert [event.data["n"] for event in some] == [29, 28, 26]
    older = store.events(kinds={"notice"}, before_seq=some[-1].seq, limit=2)
    assert [event.data["n"] for event in older] == [25, 22]
    assert store.events(kinds=["nothing"]) == []


def test_an_imported_history_is_sealed_but_for_its_newest_day(store: Store) -> None:
    days = [
        (START + timedelta(minutes=30 * slot), {GRID.key: SlotValue(0.2, Quality.ESTIMATE)})
        for slot in range(3 * 48)
    ]
    store.write_history(reversed(days), TOKYO)
    assert store.sealed() == [DAY, DAY + timedelta(days=1)]
    assert store.slot_bounds() == (START, START + timedelta(days=3))
    kwh, _ = store.totals([GRID.key], DAY, DAY + timedelta(days=2))
    np.testing.assert_allclose(kwh, [[9.6], [9.6], [np.nan]])


def test_an_import_into_sealed_days_seals_them_again_at_once_or_after_a_power_cut(
    store: Store, tmp_path: Path
) -> None:
    def rows(kwh: float, quality: Quality) -> list[tuple[datetime, dict[SeriesKey, SlotValue]]]:
        values = {GRID.key: SlotValue(kwh, quality)}
        return [(START + timedelta(minutes=30 * slot), values) for slot in range(2 * 48)]

    both = [DAY, DAY + timedelta(days=1)]
    store.write_history(rows(0.1, Quality.ESTIMATE), TOKYO)
    store.seal_day(both[1], TOKYO)
    store.write_history(rows(0.2, Quality.POWER), TOKYO)
    connection = sqlite3.connect(tmp_path / "data" / "store.db")
    assert connection.execute("select rev, why from day").fetchall() == [(2, "import")] * 2
    connection.close()
    np.testing.assert_allclose(store.totals([GRID.key], *both)[0], [[9.6], [9.6]])

    slots = [
        writes.Slots(unix(at), store._catalog.slot_row(values))
        for at, values in rows(0.3, Quality.COUNTER)
    ]
    assert store._database.write(lambda c: writes.write_history(c, slots)) == both  # and then dark
    assert all(store.verify_day(day) for day in both)
    assert store.unsealed_days(both[1] + timedelta(days=1), TOKYO) == both
    store.seal_days(both, TOKYO)
    np.testing.assert_allclose(store.totals([GRID.key], *both)[0], [[14.4], [14.4]])
    assert all(store.verify_day(day) for day in both)


def test_a_better_half_hour_seals_its_day_again_with_the_reason(
    store: Store, tmp_path: Path
) -> None:
    store.write_slots(START, {GRID.key: SlotValue(0.2, Quality.PARTLY)})
    store.seal_day(DAY, TOKYO)
    store.seal_day(DAY, TOKYO)  # nothing new: no new revision
    store.write_slots(START, {GRID.key: SlotValue(0.5, Quality.REFILLED)}, "meter history")
    store.write_slots(START, {GRID.key: SlotValue(0.9, Quality.POWER)}, "too late")
    connection = sqlite3.connect(tmp_path / "data" / "store.db")
    assert connection.execute("select rev, why from day").fetchall() == [(2, "meter history")]
    connection.close()
    assert store.verify_day(DAY)
    assert store.totals([GRID.key], DAY, DAY)[0].tolist() == [[0.5]]


def test_frames_of_sealed_days_are_kept_for_three_days(store: Store, tmp_path: Path) -> None:
    for day in range(6):
        store.write_minute(START + timedelta(days=day), {GRID.key: 1.0})
        store.seal_day(DAY + timedelta(days=day), TOKYO)
    connection = sqlite3.connect(tmp_path / "data" / "store.db")
    assert connection.execute("select count(*) from frame").fetchone() == (3,)
    connection.close()
    got = store.minutes([GRID.key], START, START + timedelta(days=6))
    assert int((got == 1.0).sum()) == 6


def test_a_value_that_is_no_number_or_too_large_is_a_gap(store: Store) -> None:
    for minute, value in enumerate([float("nan"), float("inf"), 1e12, None]):
        store.write_minute(START + timedelta(minutes=minute), {GRID.key: value, SOC.key: 1.0})
    assert np.isnan(store.minutes([GRID.key], START, START + timedelta(minutes=4))).all()
    store.write_slots(START, {GRID.key: SlotValue(float("nan"), Quality.COUNTER)})
    assert store.slots([GRID.key], START, START + timedelta(minutes=30))[1].tolist() == [[0]]


def test_a_series_added_later_is_missing_before(store: Store) -> None:
    store.write_minute(START, {GRID.key: 1.0})
    store.write_slots(START, {GRID.key: SlotValue(0.5, Quality.COUNTER)})
    store.seal_day(DAY, TOKYO)
    late = Series("circuit:9", "power_kw", "kW", 0.001, Kind.POWER)
    store.add_series([late])
    store.write_slots(START, {late.key: SlotValue(0.1, Quality.COUNTER)}, "found later")
    minutes = store.minutes([late.key, GRID.key], START, START + timedelta(minutes=1))
    np.testing.assert_array_equal(minutes, [[np.nan, 1.0]])
    assert store.totals([GRID.key, late.key], DAY, DAY)[0].tolist() == [[0.5, 0.1]]
