"""T6: clocks that jump and times not yet known; no row is deleted, moved or counted twice."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hidamari.core.clock import VirtualClock
from hidamari.core.reading import Event, Kind, Moment, Quality, Series, SlotValue
from hidamari.core.time import TOKYO, floor_to, local_day, slot_start, unix
from hidamari.store.db import Store

USE = Series("home", "use_kw", "kW", 0.001, Kind.POWER)
START = datetime(2026, 3, 1, 14, 40, tzinfo=UTC)
YEAR_S = 365 * 86400
JUMPS_S = [1, -1, 59, -61, 600, -600, 3600, -3600, 86_400, -86_400, 20 * YEAR_S, -20 * YEAR_S]
ZONES = [TOKYO, ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns"), ZoneInfo("UTC")]


@pytest.fixture
def store(memory: Path) -> Iterator[Store]:
    """A store that need not wait for a disk."""
    opened = Store.open(memory, START, ballast_bytes=0)
    yield opened
    opened.close()


@dataclass
class Written:
    """What a plain dict says of it: the first minute and the first good half-hour stay."""

    minutes: dict[datetime, float] = field(default_factory=dict)
    halves: dict[datetime, float] = field(default_factory=dict)


def live(store: Store, clock: VirtualClock, count: int, written: Written) -> None:
    """Measure for `count` minutes of this clock."""
    for number in range(count):
        minute = floor_to(clock.now(), 60)
        power_kw = (len(written.minutes) * 13 + number) % 5000 / 1000
        store.write_minute(clock.now(), {USE.key: power_kw})
        written.minutes.setdefault(minute, power_kw)
        half = slot_start(minute)
        if minute == half:
            store.write_slots(half, {USE.key: SlotValue(power_kw / 2, Quality.COUNTER)})
            written.halves.setdefault(half, power_kw / 2)
        clock.advance(60)


def check(store: Store, written: Written) -> None:
    """Exactly what was written, wherever in time."""
    count = 0
    for minute, power_kw in written.minutes.items():
        found = store.minutes([USE.key], minute, minute + timedelta(minutes=1))
        assert found.tolist() == [[pytest.approx(power_kw)]]
    for half, kwh in written.halves.items():
        found, _ = store.slots([USE.key], half, half + timedelta(minutes=30))
        assert found.tolist() == [[pytest.approx(kwh)]]
    first, last = min(written.minutes), max(written.minutes)
    for low in {floor_to(minute, 7 * 86400) for minute in written.minutes}:
        week = store.minutes([USE.key], low, low + timedelta(days=7))
        count += int((~np.isnan(week)).sum())
    assert count == len(written.minutes), (first, last)


@pytest.mark.t(6)
@pytest.mark.req("PWR-06", "MEA-12")
@pytest.mark.parametrize("case", range(50))
def test_a_clock_that_jumps_deletes_moves_and_doubles_nothing(case: int, store: Store) -> None:
    rng = random.Random(case)
    zone = ZONES[case % len(ZONES)]
    store.add_series([USE])
    clock, written = VirtualClock(START), Written()
    live(store, clock, rng.randrange(20, 70), written)
    jumps = [JUMPS_S[case % len(JUMPS_S)]] if case < 24 else rng.choices(JUMPS_S, k=4)
    if case == 48:
        jumps = [-60] * 30  # back each minute
    if case == 49:  # to the first second of 1970, and past the last one of 32 bits
        jumps = [-unix(clock.now()), 2**31 + 100]
    for jump_s in jumps:
        clock.set_wall(clock.now() + timedelta(seconds=jump_s))
        live(store, clock, rng.randrange(1, 40), written)
        if rng.random() < 0.3:
            today = local_day(clock.now(), zone)
            store.seal_days(store.unsealed_days(today, zone), zone)
    check(store, written)
    waiting = store.unsealed_days(date(2100, 1, 1), zone)
    store.seal_days(waiting, zone)
    check(store, written)
    by_day: dict[date, float] = {}
    for half, kwh in written.halves.items():
        day = local_day(half, zone)
        by_day[day] = by_day.get(day, 0.0) + kwh
    for day, kwh in by_day.items():
        assert store.totals([USE.key], day, day)[0][0, 0] == pytest.approx(kwh, abs=1e-3)
        assert store.verify_day(day)


@pytest.mark.t(6)
@pytest.mark.req("PWR-05")
def test_minutes_without_a_time_are_kept_and_get_it_later(store: Store) -> None:
    store.add_series([USE])
    for minute in range(45):
        store.write_undated(7, 30 + 60 * minute, {USE.key: 1.2})
    store.write_undated(8, 30, {USE.key: 9.0})  # another boot: its time stays unknown
    # Second 30 of the boot was 14:50:30: the minutes 14:50 to 15:34.
    known = datetime(2026, 3, 1, 14, 50, tzinfo=UTC)
    assert store.redate(7, unix(known)) == 45
    assert store.redate(7, unix(known)) == 0
    got = store.minutes([USE.key], known, known + timedelta(minutes=46))
    assert got[:45].tolist() == [[1.2]] * 45
    assert np.isnan(got[45])
    halves, quality = store.slots([USE.key], slot_start(known), known + timedelta(minutes=60))
    # 14:30: ten of thirty minutes, only those count: 1.2 kW x 10 min = 0.2 kWh; 15:00 is whole;
    # 15:30: five minutes, 0.1 kWh.
    np.testing.assert_allclose(halves[:, 0], [0.2, 0.6, 0.1])
    # With gaps they are a guess, which what the counters tell of the silence may replace.
    assert quality[:, 0].tolist() == [Quality.ESTIMATE, Quality.POWER, Quality.ESTIMATE]


@pytest.mark.t(6)
@pytest.mark.req("PWR-05")
def test_events_without_a_time_are_kept_and_those_of_the_same_boot_get_it_later(
    store: Store,
) -> None:
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    moments = (Moment(6, 50.0), Moment(7, 10.5), start + timedelta(hours=1), Moment(7, 20.0))
    for number, at in enumerate(moments):
        store.add_event(Event(at, "log", "home", "n", {"n": number}))
    assert [event.at for event in store.events()] == [*reversed(moments)]
    assert [event.at for event in store.events_after(2, 9)] == [*moments[2:]]
    store.redate(7, start.timestamp())
    dated = (moments[0], start + timedelta(seconds=10), moments[2], start + timedelta(seconds=20))
    assert [event.at for event in store.events()] == [*reversed(dated)]
    store.redate(6, start.timestamp())  # too late: that boot is over, and another was dated since
    assert store.events()[-1].at == moments[0]


def sealed_day(store: Store) -> tuple[date, datetime]:
    """A sealed day with one minute and one half-hour, and its first instant."""
    store.add_series([USE])
    start = datetime(2026, 2, 28, 15, 0, tzinfo=UTC)
    day = local_day(start)
    store.write_minute(start, {USE.key: 2.0})
    store.write_slots(start + timedelta(hours=9), {USE.key: SlotValue(0.5, Quality.COUNTER)})
    store.seal_day(day, TOKYO)
    return day, start


def test_minutes_that_get_their_time_after_the_day_was_sealed_are_sealed_too(store: Store) -> None:
    day, start = sealed_day(store)
    store.write_undated(1, 0, {USE.key: 3.0})
    store.redate(1, unix(start + timedelta(hours=5)))
    got = store.minutes([USE.key], start, start + timedelta(days=1))
    assert got[[0, 300], 0].tolist() == [2.0, 3.0]
    assert store.verify_day(day)
    # 0.5 kWh, and one minute at 3 kW = 0.05 kWh.
    assert store.totals([USE.key], day, day)[0].tolist() == [[0.55]]


def test_a_late_minute_of_a_sealed_day_waits_for_the_next_sealing(store: Store) -> None:
    day, start = sealed_day(store)
    store.write_minute(start, {USE.key: 9.0})  # filled already: ignored
    store.write_minute(start + timedelta(hours=5), {USE.key: 3.0})
    before = store.minutes([USE.key], start, start + timedelta(days=1))
    assert before[[0, 300], 0].tolist() == [2.0, 3.0]
    assert store.unsealed_days(date(2026, 4, 1), TOKYO) == [day]
    store.seal_day(day, TOKYO, "late minutes")
    after = store.minutes([USE.key], start, start + timedelta(days=1))
    np.testing.assert_array_equal(before, after)
    assert store.unsealed_days(date(2026, 4, 1), TOKYO) == []
